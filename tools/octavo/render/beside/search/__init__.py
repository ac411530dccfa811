"""Search without a server: what each page says, as an index that a reader's browser loads piece by piece."""
