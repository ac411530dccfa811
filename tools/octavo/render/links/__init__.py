"""What leads from one place of a book to another: labels, numbers, citations, the library's names."""
