"""A document cut for one framework: its cells, branches resolved, aliases rewritten, marks gone."""

from __future__ import annotations

import re

from octavo.config import Settings
from octavo.diagnostics import Diagnostic
from octavo.model import Cell, CellKind, Code, Document, Edition, EditionCell
from octavo.select.aliases import rewrite_aliases
from octavo.select.branches import resolve_branches

_MARK = re.compile(
    r"""\s*(?:
        \#\s*@tab\b .*                                  # the frameworks of the cell
      | (?:\#\s*)?%%\s*tab\b .*
      | \#\s*@(?:hide(?:_all|_code|_outputs?)?|varies)\s*
      | \#\s*Hide\s+(?:code|outputs?)\s*                # what a reader does not see
    )$""",
    re.VERBOSE,
)


def cut(document: Document, tab: str, settings: Settings) -> tuple[Edition, tuple[Diagnostic, ...]]:
    """One framework's view of a page, and everything that is wrong with its code.

    A cell of which nothing but comments is left for this framework is not part of the edition.
    """
    cells: list[EditionCell] = []
    messages: list[Diagnostic] = []
    for cell in document.cells:
        if cell.kind is CellKind.HEADER or tab not in cell.tabs:
            continue
        part, complaints = _cut_cell(cell, document.path, tab, settings)
        messages.extend(complaints)
        if part is not None:
            cells.append(part)
    return Edition(document.page, tab, tuple(cells)), tuple(messages)


def without_marks(code: Code) -> Code:
    """Code without its framework and visibility mark lines, and without the blank lines that they leave on top."""
    kept = [(line, number) for line, number in _numbered(code) if not _MARK.match(line)]
    if len(kept) == len(code.lines):
        return code
    while kept and not kept[0][0].strip():
        kept.pop(0)
    if not kept:
        return Code("", code.lines[:1])
    return Code("\n".join(line for line, _ in kept), tuple(number for _, number in kept))


def _cut_cell(cell: Cell, path: str, tab: str, settings: Settings) -> tuple[EditionCell | None, tuple[Diagnostic, ...]]:
    code = without_marks(cell.code)
    branches, complaints = resolve_branches(code, tab, path=path, known=settings.tabs, alone=len(cell.tabs) == 1)
    if not branches.text.strip() or (branches != code and _is_only_comments(branches)):
        return None, complaints
    library = settings.libraries.get(tab)
    if library is None:
        return EditionCell(cell, branches, branches), complaints
    rewritten, more = rewrite_aliases(branches, library, path)
    return EditionCell(cell, branches, rewritten), (*complaints, *more)


def _is_only_comments(code: Code) -> bool:
    return all(not line.strip() or line.lstrip().startswith("#") for line in code.text.split("\n"))


def _numbered(code: Code) -> list[tuple[str, int]]:
    return list(zip(code.text.split("\n"), code.lines, strict=True))
