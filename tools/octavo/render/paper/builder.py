"""Sphinx's LaTeX builder, which writes one book whose numbers are given."""

from __future__ import annotations

from typing import Any

from sphinx.builders.latex import LaTeXBuilder

from octavo.render.paper.translator import BookTranslator


class PaperBuilder(LaTeXBuilder):
    """Writes the manuscript of one framework's book."""

    name = "octavo-paper"
    default_translator_class = BookTranslator

    def copy_support_files(self) -> None:
        """Sphinx's own styles; the Makefiles and settings of latexmk that it brings are not ours."""
        super().copy_support_files()


def setup(app: Any) -> None:
    """Register the builder."""
    app.add_builder(PaperBuilder)
