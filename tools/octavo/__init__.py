"""octavo: one Markdown source folded into every framework's edition of a book."""

__version__ = "0.1.0"
