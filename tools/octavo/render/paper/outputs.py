"""What cells printed, drew and raised → LaTeX: under the code, and told apart from it.

Outputs are untrusted: what they hold is text, and every sign of it is written so that it means nothing to LaTeX.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser

from docutils import nodes

from octavo.render.pages.nodes import output_fold
from octavo.render.paper.base import PaperBase
from octavo.render.paper.code import block, plain_lines
from octavo.render.paper.tables import Cell, Grid

LONGEST = 120
"""How many lines of one output are printed: about two pages."""
_FIRST, _LAST = 80, 20
"""How many of a longer one stay, from its beginning and its end."""
_WIDEST = 14
"""How many columns of a table are shown as one; a wider one stays the text that its library prints."""

_DEFINES = re.compile(
    r"\\(?:[a-z]*def|[a-z]*newcommand|providecommand|Declare\w*|let|global|eqref)(?![a-z])|\^\^|%"
    r"|\d{4}(?:\.\d*)?\s*(?:pt|em|ex|mu|cm|mm|in|bp|pc|dd|cc|sp)"
)
"""What a printed formula has no need of: it would change what LaTeX itself says, lead somewhere, or be larger than any
page. Such a formula is shown as text."""


class _TableReader(HTMLParser):
    """Reads the one table of an output, and notices what else there is."""

    def __init__(self) -> None:
        super().__init__()
        self.head: list[list[Cell]] = []
        self.body: list[list[Cell]] = []
        self.notes: list[str] = []
        """Text beside the table, such as how large it really is."""
        self.tables = 0
        self._in_head = self._in_table = False
        self._row: list[Cell] | None = None
        self._cell: tuple[list[str], int, int, bool] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A part of the table begins."""
        if tag == "table":
            self.tables += 1
            self._in_table = True
        elif tag == "thead":
            self._in_head = True
        elif tag == "tr":
            self._row = []
        elif tag in ("td", "th") and self._row is not None:
            spans = dict(attrs)
            self._cell = ([], _span(spans.get("colspan")), _span(spans.get("rowspan")), tag == "th")
        elif tag == "br" and self._cell is not None:
            self._cell[0].append(" ")

    def handle_endtag(self, tag: str) -> None:
        """A part of the table ends."""
        if tag == "table":
            self._in_table = False
        elif tag == "thead":
            self._in_head = False
        elif tag in ("td", "th") and self._cell is not None and self._row is not None:
            words, across, down, heading = self._cell
            text = " ".join("".join(words).split())
            self._row.append(Cell(text, text, across, down, heading=heading))
            self._cell = None
        elif tag == "tr" and self._row is not None:
            (self.head if self._in_head else self.body).append(self._row)
            self._row = None

    def handle_data(self, data: str) -> None:
        """Text, of a cell or beside the table."""
        if self._cell is not None:
            self._cell[0].append(data)
        elif not self._in_table and data.strip():
            self.notes.append(" ".join(data.split()))


def _span(value: str | None) -> int:
    return min(int(value), 100) if value and re.fullmatch(r"[1-9]\d{0,3}", value) else 1


def table_of(html: str) -> tuple[Grid, list[str]] | None:
    """The table that an output is, and what stands beside it; ``None`` where it is something else."""
    reader = _TableReader()
    reader.feed(html)
    reader.close()
    grid = Grid(reader.head, reader.body)
    if reader.tables != 1 or not grid.body or grid.width > _WIDEST:
        return None
    return grid, reader.notes


class OutputMixin(PaperBase):
    """What code printed, drew and raised, in the manuscript."""

    def visit_container(self, node: nodes.Element) -> None:
        """Boxes of a cell: the cell, its code, each of its outputs."""
        classes: set[str] = set(node.get("classes", []))
        if "ov-output" in classes and all(isinstance(child, nodes.literal_block | output_fold) for child in node):
            self._print(node, "octavoerror" if "ov-stderr" in classes else "octavooutput")
            raise nodes.SkipNode
        if "ov-output" in classes and any(_DEFINES.search(child.astext()) for child in node.findall(nodes.math_block)):
            self._write_lines(node.astext().split("\n"), "octavooutput")
            raise nodes.SkipNode
        if "ov-picture" in classes:
            self.body.append("\n\\begin{octavodrawn}\n")
        elif "ov-output" in classes:
            self.body.append("\n\\begin{octavoresult}\n")
        elif not classes & {"ov-cell", "ov-code", "ov-output"}:
            super().visit_container(node)

    def depart_container(self, node: nodes.Element) -> None:
        """The end of such a box."""
        classes: set[str] = set(node.get("classes", []))
        if "ov-picture" in classes:
            self.body.append("\n\\end{octavodrawn}\n")
        elif "ov-output" in classes:
            self.body.append("\n\\end{octavoresult}\n")
        elif "ov-cell" in classes:
            self.body.append("\n\\octavoafter\n")
        elif not classes & {"ov-cell", "ov-code"}:
            super().depart_container(node)

    def visit_output_html(self, node: nodes.Element) -> None:
        """A table as a table; for everything else stands its text."""
        found = table_of(node["html"])
        if found is None:
            return
        grid, notes = found
        for cell in grid.cells:
            cell.tex = self.encode(cell.tex)
        self.body.append(grid.written(style="octavoframe"))
        for note in notes:
            self.body.append(f"\\octavobeside{{{self.encode(note)}}}\n")
        raise nodes.SkipNode

    def depart_output_html(self, node: nodes.Element) -> None:
        """Its text was written."""

    def visit_output_fold(self, node: nodes.Element) -> None:
        """Paper folds nothing away."""

    def depart_output_fold(self, node: nodes.Element) -> None:
        """Nor does it end anything here."""

    def _print(self, node: nodes.Element, environment: str) -> None:
        """A text, what was folded on the website in its place."""
        self._write_lines(_text_of([node]).split("\n"), environment)

    def _write_lines(self, lines: list[str], environment: str) -> None:
        shown = [plain_lines(line)[0] for line in lines]
        if len(lines) > LONGEST:
            more = self.source.words.more_lines.format(number=len(lines) - _FIRST - _LAST)
            shown[_FIRST:-_LAST] = [rf"\octavomore{{{self.encode(more)}}}"]
        self.body.append(f"\n{block(shown, environment)}\n")

    # -- failures

    def visit_failure(self, node: nodes.Element) -> None:
        """The box of a cell that failed: what was raised, where, and the end of its traceback."""
        self.body.append("\n\\begin{octavofailure}\n")
        steps: list[nodes.Element] = []
        for child in node:
            if isinstance(child, nodes.title):
                self.body.append(f"\\octavofailed{{{self.encode(child.astext())}}}\n")
            elif isinstance(child, nodes.paragraph):
                self.body.append(f"{self.encode(child.astext())}\\par\n")
            elif isinstance(child, nodes.Element):
                steps.append(child)
        if steps:
            self._write_lines(_text_of(steps).split("\n"), "octavoerror")
        self.body.append("\\end{octavofailure}\n")


def _text_of(parts: Iterable[nodes.Element]) -> str:
    return "\n".join(block.astext() for part in parts for block in part.findall(nodes.literal_block))
