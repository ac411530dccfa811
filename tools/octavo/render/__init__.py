"""Documents and runs → docutils → the website, manuscripts for paper, and EPUB."""
