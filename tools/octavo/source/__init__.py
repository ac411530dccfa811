"""Markdown of the book's dialect → frozen documents in reading order."""
