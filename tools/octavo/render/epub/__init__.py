"""The book of one framework → EPUB."""
