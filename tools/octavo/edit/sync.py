"""A notebook that was built of a page and edited somewhere → the page with these edits.

What readers get is not what an author wrote: references are resolved, branches cut, aliases replaced. So an edit is
proposed and then proved: the words that changed are found in the page, changed there, and the notebook is built again.
It has to come out as it was edited, in this cell and in all others; if not, the edit is refused.
"""

from __future__ import annotations

import copy
import difflib
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from octavo.edit.notebook import OURS, page_of

_TOKEN = re.compile(r"\w+|[^\w]", re.DOTALL)
_DIGEST = re.compile(r"([0-9a-f]{12})(?:-\d+)?")
BOTH = "this cell was edited, and so was the page"
ATTACHED = "a picture was put into the notebook: put its file into the book, and name that"
_INSTALLS = "octavo-install"
"""How the ids of cells begin that a notebook for a host has besides the page's."""
_NOTHING = "\0"
"""Stands between cells, where no word is."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell of a notebook that readers get."""

    id: str
    kind: str
    """``code`` or ``markdown``."""
    source: str
    told: str = ""
    """The digest of the text that it was built with, as the notebook tells it."""

    @property
    def digest(self) -> str:
        """That of the text that it has now."""
        return hashlib.sha256(f"{self.kind}\n{self.source}".encode("utf-8", "replace")).hexdigest()[:12]

    @property
    def built_from(self) -> str | None:
        """The digest of the text that it was built with: it is told unless its id is that, in whole or in part."""
        found = _DIGEST.fullmatch(self.id)
        return self.told or (found[1] if found else None)


@dataclass(frozen=True, slots=True)
class Refused:
    """An edit that cannot be brought back. Data, not an exception."""

    why: str
    before: str = ""
    """What the page gives."""
    after: str = ""
    """What the edited notebook has."""

    @property
    def difference(self) -> tuple[str, ...]:
        """What differs, line for line."""
        lines = difflib.unified_diff(
            self.before.split("\n"), self.after.split("\n"), "the page", "the notebook", n=1, lineterm=""
        )
        return tuple(lines)


def shown(notebook: Mapping[str, Any]) -> list[Shown]:
    """The cells of a notebook, those of older formats too, whose ids stand in their metadata."""
    cells = []
    ours = (notebook.get("metadata") or {}).get(OURS)
    told = ours.get("shown") if isinstance(ours, Mapping) else None
    told = told if isinstance(told, Mapping) else {}
    for cell in notebook.get("cells", []):
        source = cell.get("source", "")
        text = "".join(source) if isinstance(source, list) else str(source)
        name = cell.get("id") or (cell.get("metadata") or {}).get("id") or ""
        installs = str(name).startswith(_INSTALLS)
        if text.strip() and not installs and cell.get("cell_type") in ("code", "markdown"):
            built = str(told.get(name, ""))
            cells.append(Shown(str(name), cell["cell_type"], text.replace("\r\n", "\n"), built))
    return cells


Build = Callable[[str], Sequence[Shown]]
"""The text of a page → the cells of the notebook that readers get."""


def brought_back(
    page: dict[str, Any], edited: Sequence[Shown], build: Build, *, unchanged: bool
) -> str | tuple[Refused, ...]:
    """The page with the edits of a notebook, or why not all of them can be made; then none is.

    ``page`` is the page as a notebook of the same framework (:func:`octavo.edit.notebook.notebook_of`), ``unchanged``
    says that it is the one that the notebook was built of.
    """
    base = list(build(page_of(page)))
    wanted = _wanted(base, edited, unchanged)
    if isinstance(wanted, tuple):
        return wanted
    if [cell.source for cell in wanted] == [cell.source for cell in base]:
        return page_of(page)
    problems: list[Refused] = []
    candidates = []
    for indent in ("", "    "):  # lines below a branch of several frameworks stand further right in the page
        proposed = _proposed(page, base, wanted, indent)
        if isinstance(proposed, Refused):
            return (proposed,)
        text = page_of(proposed)
        if text not in candidates:
            candidates.append(text)
            made = build(text)
            if [(cell.kind, cell.source) for cell in made] == [(cell.kind, cell.source) for cell in wanted]:
                return text
            before, after = ("\n\n".join(cell.source for cell in cells) for cells in (base, wanted))
            problems.append(Refused("the page cannot be changed so that its notebook is the edited one", before, after))
    return (problems[0],)


def _wanted(base: Sequence[Shown], edited: Sequence[Shown], unchanged: bool) -> list[Shown] | tuple[Refused, ...]:
    """The cells that the page should give; unnamed where somebody added one.

    A cell's id says what the page has for it. It shows something else where that refers to anything, so what tells
    an edit is the digest of what was shown.
    """
    known = {cell.id: cell for cell in base}
    # one that is made for a host has other cells where the page has pictures: what it lacks, nobody has deleted
    same = unchanged and all(cell.id in known or cell.built_from is None for cell in edited)
    why = "the page gives another cell here than this notebook had" if unchanged else BOTH
    refused: list[Refused] = []
    place = {cell.id: number for number, cell in enumerate(base)}
    found: dict[str, Shown] = {}
    added: dict[str, list[Shown]] = {}
    last = ""
    for cell in edited:
        old = known.get(cell.id)
        if old is not None and cell.id not in found:
            if last and place[cell.id] < place[last]:
                refused.append(Refused("cells were moved; move them in the page", old.source, cell.source))
            if cell.digest == cell.built_from:
                cell = old  # nobody edited it, though the book may have given it another number since
            elif cell.source != old.source and cell.built_from is None and not same:
                refused.append(Refused("the page has changed, perhaps this cell too", old.source, cell.source))
            elif cell.source != old.source and cell.built_from not in (None, old.digest):
                refused.append(Refused(why, old.source, cell.source))
            found[cell.id] = replace(cell, kind=old.kind)
            last = cell.id
        elif old is None and cell.built_from is not None:
            if cell.digest != cell.built_from:  # edited here, and changed or gone there
                refused.append(Refused(why, _nearest(cell, base), cell.source))
        else:
            added.setdefault(last, []).append(replace(cell, id=""))
    new = [*found.values(), *(cell for cells in added.values() for cell in cells)]
    held = [cell for cell in new if "attachment:" in cell.source and cell not in base]
    refused += [Refused(ATTACHED, "", cell.source) for cell in held]
    if refused:
        return tuple(refused)
    cells = list(added.get("", []))
    for old in base:
        if old.id in found:
            cells.append(found[old.id])
        elif not same:
            cells.append(old)  # which nobody knows to be deleted: it may be new in the page
        cells += added.get(old.id, [])
    return cells


def _nearest(cell: Shown, base: Sequence[Shown]) -> str:
    close = difflib.get_close_matches(cell.source, [one.source for one in base if one.kind == cell.kind], n=1)
    return close[0] if close else ""


def _proposed(
    page: dict[str, Any], base: Sequence[Shown], wanted: Sequence[Shown], indent: str
) -> dict[str, Any] | Refused:
    """The page with the changed words in the places where they seem to belong."""
    page = copy.deepcopy(page)
    cells: list[dict[str, Any]] = page["cells"]
    mine = [number for number, cell in enumerate(cells) if cell["cell_type"] in ("code", "markdown")]
    words = [(token, number) for number in mine for token in [*_tokens(cells[number]["source"]), _NOTHING]]
    built = [(token, number) for number, cell in enumerate(base) for token in [*_tokens(cell.source), _NOTHING]]
    place = _alignment([token for token, _ in built], [token for token, _ in words])
    holds: dict[int, list[int]] = {}
    for at, (token, number) in enumerate(built):
        if at in place and not token.isspace() and token != _NOTHING:
            holds.setdefault(number, []).append(words[place[at]][1])
    left = {cell.id: cell for cell in wanted if cell.id}
    changes: list[tuple[int, int, list[str]]] = []
    gone: set[int] = set()
    starts = {number: at for at, (_, number) in reversed(list(enumerate(built)))}
    for number, cell in enumerate(base):
        new = left.get(cell.id)
        if new is None:
            where = set(holds.get(number, []))
            others = {one for other, found in holds.items() if other != number for one in found}
            shared = any(len((cells[one]["metadata"][OURS].get("tabs")) or [""]) > 1 for one in where)
            if not where or where & others or shared:
                return Refused("a cell was deleted that the page has for other frameworks too", cell.source, "")
            gone |= where
        elif new.source != cell.source:
            found = _changes(cell.source, new.source, starts[number], place, [token for token, _ in words], indent)
            if isinstance(found, Refused):
                return found
            changes += found
    tokens = [token for token, _ in words]
    for start, stop, inserted in sorted(changes, key=lambda change: change[0], reverse=True):
        if _NOTHING in tokens[start:stop]:
            return Refused("an edit goes over the border of two cells of the page", "", "".join(inserted))
        tokens[start:stop] = inserted
    sources = "".join(tokens).split(_NOTHING)
    for number, source in zip(mine, sources, strict=False):
        cells[number]["source"] = source
    return _with_added(page, cells, base, wanted, holds, gone)


def _with_added(
    page: dict[str, Any],
    cells: Sequence[dict[str, Any]],
    base: Sequence[Shown],
    wanted: Sequence[Shown],
    holds: Mapping[int, Sequence[int]],
    gone: set[int],
) -> dict[str, Any]:
    numbers = {cell.id: number for number, cell in enumerate(base)}
    behind: dict[int, list[dict[str, Any]]] = {}
    last = -1
    for position, cell in enumerate(wanted):
        if cell.id:
            last = max([last, *holds.get(numbers[cell.id], [])])
        else:
            new = {"cell_type": cell.kind, "id": f"added-{position}", "metadata": {}, "source": cell.source}
            behind.setdefault(last, []).append(new)
    page["cells"] = list(behind.get(-1, []))
    for number, old in enumerate(cells):
        page["cells"] += ([] if number in gone else [old]) + behind.get(number, [])
    return page


def _changes(
    old: str, new: str, start: int, place: Mapping[int, int], words: Sequence[str], indent: str
) -> list[tuple[int, int, list[str]]] | Refused:
    """Where in the page's words something has to go, and what takes its place."""
    before, after = _tokens(old), _tokens(new)
    changes = []
    for same, first, last, begin, end in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if same == "equal":
            continue
        spots = [place.get(start + at) for at in range(first, last)]
        if first == last:
            above = place.get(start + first - 1) if first else None
            below = place.get(start + last)
            at = above + 1 if above is not None else below
            stop = at
        else:
            at, stop = spots[0], (spots[-1] or 0) + 1
        if at is None or stop is None or None in spots or list(words[at:stop]) != before[first:last]:
            return Refused("the page has something else here than what readers see: edit it there", old, new)
        inserted = [token + indent if token == "\n" and indent else token for token in after[begin:end]]
        changes.append((at, stop, inserted))
    return changes


def _alignment(built: Sequence[str], words: Sequence[str]) -> dict[int, int]:
    """Where each token of what was built stands in the page."""
    lines_built, lines_words = _lines(built), _lines(words)
    place: dict[int, int] = {}
    matcher = difflib.SequenceMatcher(
        None,
        ["".join(built[a:b]) for a, b in lines_built],
        ["".join(words[a:b]) for a, b in lines_words],
        autojunk=False,
    )
    for same, a, b, c, d in matcher.get_opcodes():
        if same == "equal":
            for (start, stop), (other, _) in zip(lines_built[a:b], lines_words[c:d], strict=True):
                place.update((start + n, other + n) for n in range(stop - start))
        elif a < b and c < d:  # only lines that differ are compared word by word
            first, second = lines_built[a][0], lines_words[c][0]
            inner = difflib.SequenceMatcher(
                None, built[first : lines_built[b - 1][1]], words[second : lines_words[d - 1][1]], autojunk=False
            )
            for block in inner.get_matching_blocks():
                place.update((first + block.a + n, second + block.b + n) for n in range(block.size))
    return place


def _lines(tokens: Sequence[str]) -> list[tuple[int, int]]:
    """Where lines begin and end among tokens."""
    ends = [at + 1 for at, token in enumerate(tokens) if token in ("\n", _NOTHING)]
    ends += [len(tokens)] if not ends or ends[-1] < len(tokens) else []
    return list(zip([0, *ends[:-1]], ends, strict=True))


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.replace(_NOTHING, "�"))
