"""Editions made by hand, and what they depend on."""

from __future__ import annotations

from collections.abc import Mapping

from octavo.execute.freshness import key as keys
from octavo.model import Cell, Code, Edition, EditionCell, Inputs, Span


def build_edition(
    *sources: str, tab: str = "small", page: str = "chapter_x/page", varies: tuple[int, ...] = ()
) -> Edition:
    """Cells whose author's lines begin at 11, with four lines between two cells."""
    cells, line = [], 10
    for index, source in enumerate(sources):
        length = source.count("\n") + 1
        code = Code(source, tuple(range(line + 1, line + 1 + length)))
        span = Span(f"{page}.md", line, line + length + 1)
        cells.append(EditionCell(Cell(code, span, (tab,), True, index, varies=index in varies), code, code))
        line += length + 5
    return Edition(page, tab, tuple(cells))


def build_inputs(edition: Edition, versions: Mapping[str, str]) -> Inputs:
    """What an edition depends on that uses nothing but its own cells."""
    return Inputs(tuple(keys.digest(cell.code.text) for cell in edition.cells), {}, versions, {"tab": edition.tab})
