"""The text of a page: tokens → docutils → HTML."""
