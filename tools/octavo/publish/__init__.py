"""Documents, editions and runs → notebooks."""
