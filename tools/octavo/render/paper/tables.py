r"""Tables → LaTeX, as wide as they are by nature, and never wider than the page.

Whether a table fits is measured by LaTeX, which knows the fonts: ``\octavotable`` is given its columns in two ways, as
wide as they are, and with cells that wrap. How much of the page each of those gets is decided here, as browsers do it:
no column is narrower than its longest word as long as there is room.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from docutils import nodes
from sphinx.writers.latex import Table

from octavo.render.paper.figures import FigureMixin, is_inside

_LONG = 24
"""A table of more rows may go on over pages."""
_ROOM = 74
"""About how many letters there are across a page."""
_MARKS = re.compile(r"^%(?::.*)?\n", re.MULTILINE)
"""Which line something comes from: the whole table says so once."""
_BLOCKS = (nodes.literal_block, nodes.math_block, nodes.bullet_list, nodes.enumerated_list, nodes.image, nodes.table)


@dataclass
class Cell:
    """A cell of a table."""

    tex: str
    """What it holds, in LaTeX."""
    text: str
    """The same in plain letters, by which columns are measured."""
    across: int = 1
    """Over how many columns it reaches."""
    down: int = 1
    align: str = ""
    """``left``, ``center`` or ``right``, where the author says so."""
    heading: bool = False
    wraps: bool = False
    """Whether it holds more than one paragraph: it needs a width."""


@dataclass
class Grid:
    """A table."""

    head: list[list[Cell]] = field(default_factory=list)
    body: list[list[Cell]] = field(default_factory=list)
    fixed: bool = False
    """Whether it stands in something that it may not leave."""

    @property
    def cells(self) -> Iterator[Cell]:
        """All cells."""
        return (cell for row in [*self.head, *self.body] for cell in row)

    @property
    def width(self) -> int:
        """How many columns there are."""
        return max((sum(cell.across for cell in row) for row in self.placed()), default=0)

    def placed(self) -> list[list[Cell]]:
        """The rows, with an empty cell wherever one reaches down from above."""
        rows: list[list[Cell]] = []
        reaching: dict[int, tuple[int, Cell]] = {}
        for row in [*self.head, *self.body]:
            cells = iter(row)
            placed: list[Cell] = []
            column = 0
            ahead: dict[int, tuple[int, Cell]] = {}
            while True:
                if column in reaching:
                    left, above = reaching[column]
                    placed.append(Cell("", "", above.across, heading=above.heading))
                    if left > 1:
                        ahead[column] = (left - 1, above)
                    column += above.across
                    continue
                cell = next(cells, None)
                if cell is None:
                    if any(start > column for start in reaching):
                        placed.append(Cell("", ""))
                        column += 1
                        continue
                    break
                placed.append(cell)
                if cell.down > 1:
                    ahead[column] = (cell.down - 1, cell)
                column += cell.across
            reaching = ahead
            rows.append(placed)
        return rows

    def written(self, *, caption: str = "", style: str = "octavoplain") -> str:
        """The table, with what stands above it."""
        rows, width = self.placed(), self.width
        alignments = [self._alignment(rows, column) for column in range(width)]
        natural = "".join(sign for sign, _ in alignments)
        shares = _shares(rows, width)
        wrapped = "".join(
            rf"{before}p{{\octavoshare{{{share:.4f}}}{{{width}}}}}"
            for (_, before), share in zip(alignments, shares, strict=True)
        )
        head = "".join(_row(row, width) for row in rows[: len(self.head)])
        body = "\\octavorowend\n".join(_row(row, width, end="") for row in rows[len(self.head) :])
        flags = ["long"] * (len(rows) > _LONG) + ["wrapped"] * any(cell.wraps for cell in self.cells)
        flags += ["here"] * self.fixed
        if sum(_least(rows, column) for column in range(width)) > _ROOM:
            flags.append("dense")
        return (
            f"\n\\octavotable{{{','.join(flags)}}}{{{style}}}{{{natural}}}{{{wrapped}}}%\n"
            f"{{{caption}}}%\n{{{head}}}%\n{{{body}}}\n"
        )

    def _alignment(self, rows: Sequence[Sequence[Cell]], column: int) -> tuple[str, str]:
        """How a column stands: the letter of its kind, and what makes one that wraps stand so."""
        cells = [cell for row in rows for at, cell in _columns(row) if at == column and cell.across == 1]
        stated = next((cell.align for cell in cells if cell.align), "")
        if not stated:
            said = [cell.text for cell in cells if not cell.heading and cell.text.strip()]
            stated = "right" if said and all(map(_is_number, said)) else "left"
        return {
            "left": ("l", r">{\octavoleft}"),
            "center": ("c", r">{\octavocentre}"),
            "right": ("r", r">{\octavoright}"),
        }[stated]


def _columns(row: Sequence[Cell]) -> Iterator[tuple[int, Cell]]:
    column = 0
    for cell in row:
        yield column, cell
        column += cell.across


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[-+\u2212]?[\d.,]+(?:[eE][-+]?\d+)?\s*%?|NaN|nan|inf|-inf|…|\.\.\.", text.strip()))


def _row(row: Sequence[Cell], width: int, end: str = "\\octavorowend\n") -> str:
    written = []
    for column, cell in _columns(row):
        tex = rf"\octavohead{{{cell.tex}}}" if cell.heading and cell.tex.strip() else cell.tex
        if cell.across > 1:
            tex = rf"\multicolumn{{{min(cell.across, width - column)}}}{{c}}{{{tex}}}"
        written.append(tex)
    filled = sum(cell.across for cell in row)
    return " & ".join([*written, *[""] * (width - filled)]) + end


def _measure(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _least(rows: Sequence[Sequence[Cell]], column: int) -> int:
    """The width of a column's longest word, in letters; words that are much longer break, and formulas do not."""
    words = (
        word
        for row in rows
        for at, cell in _columns(row)
        if at == column and cell.across == 1
        for word in re.split(r"[\s\u3000-\u9fff-]+", cell.text)
    )
    broad = any(at == column and cell.wraps for row in rows for at, cell in _columns(row))
    return max(min(max(map(_measure, words), default=1), 24) + 2, 12 if broad else 0)


def _shares(rows: Sequence[Sequence[Cell]], width: int) -> list[float]:
    """Which part of the page's width each column gets."""
    least = [_least(rows, column) for column in range(width)]
    most = [
        max(
            least[column],
            *(_measure(cell.text) for row in rows for at, cell in _columns(row) if at == column and cell.across == 1),
            1,
        )
        for column in range(width)
    ]
    room = _ROOM - sum(least)
    if room > 0:
        wanted = [(high - low) for low, high in zip(least, most, strict=True)]
        total = sum(wanted) or 1
        least = [low + room * want / total for low, want in zip(least, wanted, strict=True)]  # type: ignore[misc]
    whole = sum(least) or 1
    return [share / whole for share in least]


class TableMixin(FigureMixin):
    """Tables that fit the page, in the manuscript."""

    def visit_table(self, node: nodes.Element) -> None:
        """A table as a whole, its cells one by one."""
        grid = Grid(fixed=bool(self.tables or self.no_latex_floats) or is_inside(node))
        self.tables.append(Table(node))  # what stands in cells looks whether it does
        try:
            for row in node.findall(nodes.row):
                if _nearest_table(row) is not node:
                    continue
                heading = isinstance(row.parent, nodes.thead)
                cells = [self._cell(entry, heading) for entry in row if isinstance(entry, nodes.entry)]
                (grid.head if heading else grid.body).append(cells)
        finally:
            self.tables.pop()
        caption = ""
        title = next((child for child in node if isinstance(child, nodes.title)), None)
        if title is not None:
            caption = self.caption_of(title, node, "table")
        self.body.append("\n\n")
        self.mark_place(title if title is not None and (title.line or 0) < (node.line or 0) else node)
        anchors = "" if caption or not node["ids"] else self.hypertarget_to(node, anchor=True)
        if anchors:
            self.body.append(f"\\octavohere{{{anchors}}}%\n")
        self.body.append(grid.written(caption=caption))
        raise nodes.SkipNode

    def _cell(self, entry: nodes.entry, heading: bool) -> Cell:
        self.pushbody([])
        for child in entry:
            child.walkabout(self)
        tex = _MARKS.sub("", "".join(self.popbody()).replace("\\sphinxAtStartPar\n", "")).strip()
        classes: list[str] = entry.get("classes", [])
        stated = [name[5:] for name in classes if name.startswith("text-")]
        blocks = len(entry) > 1 or any(isinstance(found, _BLOCKS) for found in entry.findall(nodes.Element))
        return Cell(
            tex,
            entry.astext(),
            entry.get("morecols", 0) + 1,
            entry.get("morerows", 0) + 1,
            align=stated[0] if stated and stated[0] in ("left", "center", "right") else "",
            heading=heading,
            wraps=blocks,
        )


def _nearest_table(node: nodes.Element) -> nodes.Element | None:
    parent = node.parent
    while parent is not None and not isinstance(parent, nodes.table):
        parent = parent.parent
    return parent
