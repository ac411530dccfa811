"""What all parts of the translator to LaTeX lean on: the book's numbers, its labels, and the author's places."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.utils import get_source_line
from sphinx.writers.latex import LaTeXTranslator

from octavo.manuscript import mark
from octavo.render.paper.letters import without_controls

if TYPE_CHECKING:
    from octavo.render.pages.parser import Source

_LINK = re.compile(r"\\hyperref\[(\\detokenize\{([^{}]*)\})\]")


class PaperBase(LaTeXTranslator):
    """Sphinx's translator, with what the book knows; the parts of the translator are derived from it."""

    def __init__(self, document: nodes.document, builder: Any, theme: Any) -> None:
        super().__init__(document, builder, theme)
        self._labels: set[str] = set()

    @property
    def source(self) -> Source:
        """The book that is written, with its settings, editions, results and libraries."""
        application: Any = self.builder._app
        source: Source = application.source
        return source

    @property
    def page(self) -> str:
        """The page that is written just now."""
        return self.curfilestack[-1] if self.curfilestack else self.source.settings.index

    def number_of(self, node: nodes.Element) -> str:
        """The number that the book gives to a figure, table or equation, such as ``2.1.3``; empty where it has none."""
        for numbers in self.builder.env.toc_fignumbers.get(self.page, {}).values():
            for anchor in node["ids"]:
                if anchor in numbers:
                    return ".".join(map(str, numbers[anchor]))
        return ""

    def mark_place(self, node: nodes.Node) -> None:
        """Say on a line of its own which of the author's lines follows."""
        line = self._mark_of(node)
        if line:
            before = "" if self.body and self.body[-1].endswith("\n") else "\n" if self.body else "%\n"
            self.body.append(f"{before}{line}")

    def _mark_of(self, node: nodes.Node) -> str:
        path, line = get_source_line(node)
        if path is None or line is None:
            return ""
        application: Any = self.builder._app
        span = application.span(path, line)
        return mark(span.path, span.line) if span is not None else ""

    def hypertarget(self, id: str, withdoc: bool = True, anchor: bool = True) -> str:  # noqa: A002
        """A label; LaTeX wants each of them once."""
        label = f"{self.curfilestack[-1]}:{id}" if withdoc else id
        if self.idescape(label) in self._labels:
            return ""
        self._labels.add(self.idescape(label))
        return super().hypertarget(id, withdoc, anchor)

    def astext(self) -> str:
        """The manuscript; a link to what is not in it leads to its page, or is none."""
        self.body = [_LINK.sub(self._checked, without_controls("".join(self.body)))]
        return super().astext()

    def _checked(self, link: re.Match[str]) -> str:
        if link[1] in self._labels:
            return link[0]
        page = rf"\detokenize{{{link[2].partition(':')[0]}::doc}}"
        return rf"\hyperref[{page}]" if page in self._labels else r"\octavounlinked"
