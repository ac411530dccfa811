"""Docutils → LaTeX, with marks of the author's places."""

from __future__ import annotations

from docutils import nodes
from sphinx import addnodes

from octavo.render.paper.admonitions import AdmonitionMixin
from octavo.render.paper.code import CodeMixin
from octavo.render.paper.figures import FigureMixin
from octavo.render.paper.formulas import FormulaMixin
from octavo.render.paper.index import IndexMixin
from octavo.render.paper.order import OrderMixin
from octavo.render.paper.outputs import OutputMixin
from octavo.render.paper.references import ReferenceMixin
from octavo.render.paper.tables import TableMixin

_MARKED = (
    nodes.figure,
    nodes.table,
    nodes.row,
    nodes.caption,
    nodes.Admonition,
    nodes.bullet_list,
    nodes.enumerated_list,
    nodes.definition_list_item,
    nodes.rubric,
    nodes.container,
    nodes.image,
    nodes.raw,
)
"""What begins with a mark, besides paragraphs and headings."""


class BookTranslator(
    IndexMixin,
    OrderMixin,
    ReferenceMixin,
    AdmonitionMixin,
    TableMixin,
    CodeMixin,
    OutputMixin,
    FigureMixin,
    FormulaMixin,
):
    """Writes the book of one framework."""

    def dispatch_visit(self, node: nodes.Node) -> None:
        """Write what a node begins with, behind a mark where it is a block of its own."""
        if isinstance(node, _MARKED) and node.line is not None and not isinstance(node.parent, nodes.TextElement):
            self.mark_place(node)
        super().dispatch_visit(node)

    def visit_paragraph(self, node: nodes.Element) -> None:
        """A paragraph, whose mark stands behind the empty line before it."""
        if isinstance(node.parent, nodes.citation):  # behind the words that it is cited by
            self.body.append("%\n")
            return
        super().visit_paragraph(node)
        line = self._mark_of(node) if not isinstance(node.parent, nodes.footnote | addnodes.desc_content) else ""
        if line and self.body and self.body[-1] == "\\sphinxAtStartPar\n":
            self.body.insert(-1, line)
