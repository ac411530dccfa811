"""A document and a framework → that framework's edition."""
