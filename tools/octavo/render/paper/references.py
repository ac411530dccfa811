"""References on paper: words and numbers that the book gives, with links, none of which leads nowhere."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urljoin

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

from octavo.render.paper.base import PaperBase

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:|//")
_SAFE = "!#%&'()*+,/:;=?@[]~-._"
"""What stands in an address as it is."""
_NUMBERED = re.compile(r"(.{1,24}) ([A-Z0-9][0-9.]*)")
"""The name of a thing and its number, as in "Figure 2.1"."""


class ReferenceMixin(PaperBase):
    """References, citations and the bibliography, in the manuscript."""

    def visit_reference(self, node: nodes.Element) -> None:
        """A link; an address of the website that says no more than a path is completed, or left out."""
        uri = str(node.get("refuri", ""))
        if uri and not uri.startswith(("%", "#")):
            complete = self._address(uri)
            if complete != uri:
                node = node.copy() if not complete else node
                node["refuri"] = complete
        super().visit_reference(node)

    def visit_inline(self, node: nodes.Element) -> None:
        """Words of a reference; a number stands on the line of what it is a number of."""
        numbered = _NUMBERED.fullmatch(node.astext()) if "std-numref" in node["classes"] else None
        if numbered and not self.in_title and all(isinstance(child, nodes.Text) for child in node):
            self.body.append("~".join(map(self.encode, numbered.groups())))
            raise nodes.SkipNode
        super().visit_inline(node)

    def visit_number_reference(self, node: nodes.Element) -> None:
        """A reference that says a number: the book gives it, and LaTeX does not count."""
        self.visit_reference(node)

    def depart_number_reference(self, node: nodes.Element) -> None:
        """The end of the link."""
        self.depart_reference(node)

    def _address(self, uri: str) -> str:
        """An address as PDF knows it; empty for a path that no website completes."""
        if not _SCHEME.match(uri):
            base = self.source.settings.website.base_url
            uri = urljoin(f"{base}{self.page}.html", uri) if base else ""
        return quote(uri, safe=_SAFE)

    def visit_citation(self, node: nodes.Element) -> None:
        """An entry of the bibliography."""
        if not isinstance(_before(node), nodes.citation):
            self.body.append("\n\\begin{octavobibliography}\n")
        label = node[0].astext() if node.children and isinstance(node[0], nodes.label) else ""
        self.body.append(f"\\octavoentry{{{self.encode(label)}}}{self.hypertarget_to(node, anchor=True)}%\n")

    def depart_citation(self, node: nodes.Element) -> None:
        """The list ends with its last entry."""
        if not isinstance(_after(node), nodes.citation):
            self.body.append("\\end{octavobibliography}\n")


def _before(node: nodes.Element) -> nodes.Node | None:
    at = node.parent.index(node)
    return node.parent[at - 1] if at else None


def _after(node: nodes.Element) -> nodes.Node | None:
    at = node.parent.index(node)
    return node.parent[at + 1] if at + 1 < len(node.parent) else None


_NUMBERED_BY_LATEX = ("MathReferenceTransform", "CitationReferenceTransform", "BibliographyTransform")
"""Sphinx's steps that leave numbers and labels to LaTeX, and take the bibliography out of its page."""


def give_own_numbers(app: Sphinx) -> None:
    """Let references to formulas and citations be resolved as on the website."""
    steps = app.registry.post_transforms
    for step in list(steps):
        if step.__name__ in _NUMBERED_BY_LATEX and step.__module__ == "sphinx.builders.latex.transforms":
            steps.remove(step)


def lead_to_definition(
    app: Sphinx, env: Any, node: addnodes.pending_xref, shown: nodes.TextElement
) -> nodes.reference | None:
    """A reference to the description of a name: paper has none, so it leads to the code that defines it."""
    if node.get("refdomain") != "py":
        return None
    application: Any = app
    libraries = application.source.libraries
    target = str(node["reftarget"])
    for library in libraries.by_tab.values():
        name = target.removeprefix(f"{library.module}.").removeprefix("d2l.")
        page, anchor = libraries.definition(library, name)
        if page:
            return make_refnode(app.builder, node["refdoc"], page, anchor or None, shown)
    return None


def setup(app: Sphinx) -> None:
    """Resolve references for paper."""
    app.connect("builder-inited", lambda app: give_own_numbers(app) if app.builder.format == "latex" else None)
    app.connect("missing-reference", lead_to_definition)
