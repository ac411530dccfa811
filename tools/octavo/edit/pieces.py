"""The text of a page → the pieces that a notebook shows as cells, which together are every byte of it.

Reading a page forgets its line ends, its byte order mark and the blank lines between its parts. Here all of that is
kept: put together again, the pieces of a page are the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from octavo.model import Cell, CellKind, Document, Prose
from octavo.source import dialect
from octavo.source.blocks import BEGIN_TAB, END_TAB

Kind = Literal["prose", "front", "tabs", "code", "header", "kept"]

MARK = re.compile(r"(?:#[ \t]*@tab|%%tab)[ \t]+[\w, \t.-]+")
"""A line that says to which frameworks its cell belongs."""
BOM = "\ufeff"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_END = re.compile(r"(?:\r\n|\r|\n)\Z")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a page that is one cell of a notebook: ``lead + raw + tail``."""

    kind: Kind
    """``front`` is front matter, ``tabs`` a tab block, ``header`` the page's ``interact_select`` cell, and ``kept``
    whatever else the page has between its parts."""
    lead: str
    """What stands before the text that is shown: an opening fence, ``:begin_tab:``."""
    raw: str
    """The text that is shown, as it stands in the file."""
    tail: str
    """What stands behind it, without its last line end."""
    after: str
    """That line end and the blank lines below, up to the next piece; of the last piece up to the end of the file."""
    tabs: tuple[str, ...] | None = None
    """The frameworks that it belongs to; ``None`` for all."""
    indent: int = 0
    """By how many columns each line of ``raw`` is indented more than what is shown."""

    @property
    def shown(self) -> str:
        """The text that a cell shows: lines with plain ends, without the fence's indentation."""
        return "\n".join(shown_line(line, self.indent) for line in lines_of(self.raw))


@dataclass(frozen=True, slots=True)
class Pieces:
    """A whole page: ``head``, then each piece with what stands after it."""

    head: str
    """Byte order mark and blank lines above the first piece; the whole page if it has no piece."""
    pieces: tuple[Piece, ...]
    newline: str
    """What most of its lines end with."""

    @property
    def text(self) -> str:
        """The page."""
        return self.head + "".join(p.lead + p.raw + p.tail + p.after for p in self.pieces)


def pieces(text: str, document: Document) -> Pieces:
    """Cut a page; ``text`` is the file as it is, ``document`` the same as it was read."""
    bom = BOM if text.startswith(BOM) else ""
    raw = raw_lines(text.removeprefix(BOM))
    lines = document.text.split("\n")
    blocks = sorted(_blocks(document, lines), key=lambda block: block.start)
    blocks = [block for block in blocks if block.start < len(raw)]
    head = bom + "".join(raw[: blocks[0].start] if blocks else raw)
    starts = [block.start for block in blocks] + [len(raw)]
    cut = [
        _piece(block, raw[block.start : min(block.end, len(raw))], "".join(raw[min(block.end, len(raw)) : following]))
        for block, following in zip(blocks, starts[1:], strict=True)
    ]
    return Pieces(head, tuple(cut), usual_end(raw))


def raw_lines(text: str) -> list[str]:
    """The lines of a text with their ends, told apart as a page's reader does."""
    return _LINE.findall(text)


def lines_of(text: str) -> list[str]:
    """The same without ends, and with the empty line behind the last end."""
    return re.split(r"\r\n|\r|\n", text)


def usual_end(raw: Sequence[str]) -> str:
    """What most lines end with."""
    ends = [found[0] for line in raw if (found := _END.search(line))]
    return max(("\n", "\r\n", "\r"), key=ends.count)


def shown_line(line: str, indent: int) -> str:
    """A line without as much of its indentation as the fence around it has."""
    blank = len(line) - len(line.lstrip(" "))
    return line[min(blank, indent) :]


@dataclass(frozen=True, slots=True)
class _Block:
    """The lines of a piece, counted from 0, ends not included."""

    kind: Kind
    start: int
    end: int
    first: int
    """Where the text that is shown begins."""
    last: int
    """Where it ends."""
    tabs: tuple[str, ...] | None = None
    indent: int = 0


def _blocks(document: Document, lines: Sequence[str]) -> Iterator[_Block]:
    breaks = _breaks(document.text)
    found: list[_Block] = []
    for item in document.items:
        found.extend([_fenced(item, lines)] if isinstance(item, Cell) else _prose(item, lines, breaks))
    yield from found
    # tab blocks without text in them are no items of a page
    edges = [0, *(edge for block in found for edge in (block.start, block.end)), len(lines)]
    for start, end in list(pairwise(edges))[::2]:
        full = [number for number in range(start, end) if lines[number].strip()]
        if full:
            yield _Block("kept", full[0], full[-1] + 1, full[0], full[-1] + 1)


def _fenced(cell: Cell, lines: Sequence[str]) -> _Block:
    start, end = cell.span.line - 1, cell.span.end
    opening = lines[start].lstrip(" \t")
    size = len(opening) - len(opening.lstrip(opening[0]))
    last = lines[end - 1].strip() if end - 1 > start else ""
    closed = len(last) >= size and set(last) == {opening[0]}
    kind: Kind = "header" if cell.kind is CellKind.HEADER else "code"
    return _Block(kind, start, end, start + 1, end - 1 if closed else end, cell.tabs, len(lines[start]) - len(opening))


def _prose(prose: Prose, lines: Sequence[str], breaks: Sequence[tuple[int, Kind]]) -> Iterator[_Block]:
    start, end = prose.span.line - 1, prose.span.end
    if prose.tabs is not None:
        above, below = _filled(lines, range(start - 1, -1, -1)), _filled(lines, range(end, len(lines)))
        opened = above is not None and BEGIN_TAB.match(lines[above].lstrip())
        closed = below is not None and END_TAB.match(lines[below].lstrip())
        first = above if opened and above is not None else start
        yield _Block("tabs", first, below + 1 if closed and below is not None else end, start, end, prose.tabs)
        return
    inside = [(line, kind) for line, kind in breaks if start < line < end]
    kind: Kind = next((kind for line, kind in breaks if line == start), "prose")
    for (line, of), (following, _) in pairwise([(start, kind), *inside, (end, kind)]):
        stop = following
        while stop > line and not lines[stop - 1].strip():
            stop -= 1
        if stop > line:
            yield _Block(of, line, stop, line, stop)


def _filled(lines: Sequence[str], numbers: range) -> int | None:
    """The first of these lines that is not blank."""
    return next((number for number in numbers if lines[number].strip()), None)


def _breaks(text: str) -> list[tuple[int, Kind]]:
    """Where a new cell of text begins: at front matter, behind it, and at each heading."""
    found: list[tuple[int, Kind]] = []
    for token in _PARSER.parse(text):
        if token.level or token.map is None:
            continue
        if token.type == "front_matter":
            found += [(token.map[0], "front"), (token.map[1], "prose")]
        elif token.type == "heading_open":
            found.append((token.map[0], "prose"))
    return found


def _piece(block: _Block, raw: Sequence[str], after: str) -> Piece:
    """A piece of the lines of a block."""
    whole = "".join(raw)
    end = _END.search(whole)
    last_end = end[0] if end else ""
    lead = "".join(raw[: block.first - block.start])
    tail = "".join(raw[block.last - block.start :])
    body = whole[len(lead) : len(whole) - len(tail)]
    if tail:
        tail = tail.removesuffix(last_end)
        if inner := _END.search(body):
            body, tail = body[: inner.start()], inner[0] + tail
    elif body:
        body = body.removesuffix(last_end)
    else:
        lead = lead.removesuffix(last_end)
    return Piece(block.kind, lead, body, tail, last_end + after, block.tabs, block.indent)


_PARSER = dialect.parser()
