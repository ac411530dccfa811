"""Docutils → LaTeX, with marks of the author's places."""

from __future__ import annotations

from sphinx.writers.latex import LaTeXTranslator


class BookTranslator(LaTeXTranslator):
    """Writes the book of one framework."""
