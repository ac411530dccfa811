"""The book of one framework → a manuscript in LaTeX."""
