"""Sphinx's LaTeX builder, which writes one book whose order and numbers are given."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.latex import LaTeXBuilder
from sphinx.builders.latex.util import ExtBabel

from octavo.render.paper import order, references
from octavo.render.paper.pictures import PicturesMixin
from octavo.render.paper.translator import BookTranslator

_NOT_OURS = ("Makefile", "make.bat", "latexmkrc", "latexmkjarc", "*.xdy")
"""What Sphinx brings for those who typeset its manuscripts themselves."""


class _AnyLanguage(ExtBabel):
    """What Sphinx asks about the language, with no complaint about one that LaTeX's package Babel does not know."""

    def is_supported_language(self) -> bool:
        """Nobody loads that package."""
        return True


class PaperBuilder(PicturesMixin, LaTeXBuilder):
    """Writes the manuscript of one framework's book."""

    name = "octavo-paper"
    default_translator_class = BookTranslator

    def init_babel(self) -> None:
        """The language is set by octavo's own style."""
        self.babel = _AnyLanguage(self.config.language)

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        """Where a page is; of one that is not in the book the translator knows in the end."""
        return f"%{docname}"

    def get_contentsname(self, indexfile: str) -> str:
        """The contents have the usual name: what Sphinx takes for it is the name of a part."""
        return ""

    def assemble_doctree(self, indexfile: str, toctree_only: bool, appendices: list[str]) -> nodes.document:
        """The whole book as one document, with its references resolved."""
        source = self._app.source  # type: ignore[attr-defined]
        assembly = order.Assembly(self.env, source.documents)
        book = assembly.whole(indexfile, source.words.about_book)
        self.docnames = assembly.pages
        self.depth_of_contents = assembly.depth
        self.env.resolve_references(book, indexfile, self)
        return book

    def create_translator(self, *arguments: Any) -> nodes.NodeVisitor:
        """The translator, which is told how many levels the contents show."""
        document: nodes.document = arguments[0]
        document["tocdepth"] = self.depth_of_contents
        return super().create_translator(*arguments)

    def copy_support_files(self) -> None:
        """Sphinx's own styles."""
        super().copy_support_files()
        for pattern in _NOT_OURS:
            for file in self.outdir.glob(pattern):
                file.unlink()


def setup(app: Sphinx) -> None:
    """Register the builder."""
    app.add_builder(PaperBuilder)
    app.add_node(order.matter)
    app.add_node(order.part)
    references.setup(app)
