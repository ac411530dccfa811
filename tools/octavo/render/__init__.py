"""Documents and runs → docutils → the website."""
