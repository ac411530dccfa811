"""Boxes beside the text (notes, warnings and their like) → LaTeX."""

from __future__ import annotations

from docutils import nodes
from sphinx.locale import admonitionlabels

from octavo.render.paper.outputs import OutputMixin

_LOUD = {"attention", "caution", "danger", "error", "warning"}
"""Kinds of boxes that warn."""


class AdmonitionMixin(OutputMixin):
    """Notes, warnings and their like, in the manuscript."""

    def visit_admonition(self, node: nodes.Element) -> None:
        """A box with a title of the author's, or of a cell that failed."""
        if "ov-failure" in node.get("classes", []):
            self.visit_failure(node)
            raise nodes.SkipNode
        title = next((child for child in node if isinstance(child, nodes.title)), None)
        self._begin(node, title)

    def depart_admonition(self, node: nodes.Element) -> None:
        """The end of a box."""
        self._end()

    def _visit_named_admonition(self, node: nodes.Element) -> None:
        self._begin(node, None)

    def _depart_named_admonition(self, node: nodes.Element) -> None:
        self._end()

    def _begin(self, node: nodes.Element, title: nodes.title | None) -> None:
        self.no_latex_floats += 1
        self.body.append("\n\n")
        self.mark_place(node)
        self.pushbody([])
        for child in title or ():
            child.walkabout(self)
        written = "".join(self.popbody()).strip()
        kind = node.tagname if node.tagname != "admonition" else next(iter(node.get("classes", [])), "")
        if title is None:
            written = self.encode(str(admonitionlabels.get(node.tagname, node.tagname.capitalize())))
        else:
            node.remove(title)
        colour = "octavoerrorrule" if kind in _LOUD else "octavonoterule"
        self.body.append(f"\\begin{{octavonote}}{{{colour}}}{{{written}}}\n")

    def _end(self) -> None:
        self.body.append("\n\\end{octavonote}\n")
        self.no_latex_floats -= 1

    visit_attention = visit_caution = visit_danger = visit_error = visit_hint = _visit_named_admonition
    visit_important = visit_note = visit_tip = visit_warning = _visit_named_admonition
    depart_attention = depart_caution = depart_danger = depart_error = depart_hint = _depart_named_admonition
    depart_important = depart_note = depart_tip = depart_warning = _depart_named_admonition

    def visit_seealso(self, node: nodes.Element) -> None:
        """A box that leads elsewhere."""
        self._begin(node, None)

    def depart_seealso(self, node: nodes.Element) -> None:
        """The end of it."""
        self._end()

    def visit_reader_note(self, node: nodes.Element) -> None:
        """A remark about other frameworks has no readers here; why a page has no results has."""
        if not node["always"]:
            raise nodes.SkipNode

    def depart_reader_note(self, node: nodes.Element) -> None:
        """The remark was written."""

    def visit_paragraph(self, node: nodes.Element) -> None:
        """A paragraph; that a cell was not executed is said in a smaller voice."""
        if "ov-not-executed" in node.get("classes", []):
            self.body.append(f"\n\\octavonotexecuted{{{self.encode(node.astext())}}}\n")
            raise nodes.SkipNode
        if _is_pictures(node) and not self.table:
            self.body.append("\n\\begin{octavodrawn}\n")
        else:
            super().visit_paragraph(node)

    def depart_paragraph(self, node: nodes.Element) -> None:
        """The end of a paragraph."""
        if _is_pictures(node) and not self.table:
            self.body.append("\n\\end{octavodrawn}\n")
        else:
            super().depart_paragraph(node)

    def visit_transition(self, node: nodes.Element) -> None:
        """A break between parts of the text; none above footnotes, which stand below the page here."""
        if "footnotes" not in node.get("classes", []):
            self.body.append("\n\\octavotransition\n")

    def depart_transition(self, node: nodes.Element) -> None:
        """It has no end."""


def _is_pictures(node: nodes.Element) -> bool:
    """Whether a paragraph holds pictures and nothing else."""
    return bool(node.children) and all(
        isinstance(child, nodes.image) or not child.astext().strip() for child in node.children
    )
