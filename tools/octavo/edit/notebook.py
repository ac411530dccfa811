"""A page ↔ a notebook of one framework, in which every cell remembers what the file has around it.

A cell's metadata hold its *frame*: fence, framework mark, blank lines below. So a notebook is a page without anything
else: cells may be moved, split, merged and copied, saved once or many times, and each takes along what belongs to it.
Outputs are never looked at. What is read back may come from anywhere: a frame that is none is as good as a new cell's.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from octavo.config import Settings
from octavo.edit.open_ends import closing, needs_blank
from octavo.edit.pieces import MARK, Piece, Pieces, lines_of, pieces, raw_lines, shown_line
from octavo.model import Document

FENCE = "```{.python .input}"
"""How the cell of a page begins that somebody adds in a notebook."""
CLOSED_FENCE = "```"
OURS = "octavo"
"""Where a notebook's metadata, and those of its cells, say what octavo wants to remember."""
_OPENING = re.compile(r"[ ]*(?P<fence>`{3,}|~{3,})")
_NAME = re.compile(r"[ \t]*#[^\s}]+")
_DIGITS = 12
_BLANK = " \t\r\n"
"""What Markdown takes for blank; whatever else looks blank, as a line separator of Unicode, is text that may matter."""


# -- page → notebook


def notebook_of(text: str, document: Document, tab: str, settings: Settings) -> dict[str, Any]:
    """The notebook that shows a page in one framework, as JSON of nbformat 4.5; ``text`` is the file as it is.

    Cells of the framework are code, text is Markdown; what belongs to other frameworks is raw, so that no kernel gets
    it, and says in its metadata whose it is.
    """
    page = pieces(text, document)
    ids = _ids(page.pieces)
    cells = [_cell(piece, number, tab, ids, page.newline) for number, piece in enumerate(page.pieces)]
    last = page.pieces[-1].after if page.pieces else None
    mark = _mark(page, document, tab, settings)
    kept = {"digest": digest(text), "end": last, "head": page.head, "mark": mark, "tabs": list(settings.tabs)}
    return {
        "cells": cells,
        "metadata": {
            "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
            OURS: {"framework": tab, "page": document.page, "edit": {**kept, "newline": page.newline}},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def digest(text: str) -> str:
    """What tells one state of a page from another."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _ids(found: Sequence[Piece]) -> list[str]:
    """An id for each cell, made of what it holds, so that it stays when others change; equal ones are numbered."""
    given: dict[str, int] = {}
    ids = []
    for piece in found:
        wanted = hashlib.sha256(f"{piece.kind}\n{piece.shown}".encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
        given[wanted] = given.get(wanted, 0) + 1
        ids.append(wanted if given[wanted] == 1 else f"{wanted}-{given[wanted]}")
    return ids


def _cell(piece: Piece, number: int, tab: str, ids: Sequence[str], newline: str) -> dict[str, Any]:
    mine = piece.tabs is None or tab in piece.tabs
    mark, raw = _without_mark(piece.raw) if piece.kind == "code" and mine else ("", piece.raw)
    body = replace(piece, raw=raw)
    frame = _Frame(
        kind=piece.kind,
        number=number,
        lead=piece.lead,
        mark=mark,
        tail=piece.tail,
        after=piece.after if number + 1 < len(ids) else "",
        next=ids[number + 1] if number + 1 < len(ids) else "",
        indent=piece.indent,
    )
    if _unshown(frame, body.shown, newline) != raw:
        frame = replace(frame, raw=raw)
    if piece.kind == "code":
        kind = "code" if mine else "raw"
    else:
        kind = "markdown" if piece.kind in ("prose", "tabs") and mine else "raw"
    ours = {"frame": frame.to_json(), **({"tabs": list(piece.tabs)} if piece.tabs is not None else {})}
    metadata: dict[str, Any] = {OURS: ours}
    if not mine or piece.kind in ("header", "kept"):
        metadata |= {"deletable": False, "editable": False}
    cell = {"cell_type": kind, "id": ids[number], "metadata": metadata, "source": body.shown}
    return {**cell, "execution_count": None, "outputs": []} if kind == "code" else cell


def _without_mark(raw: str) -> tuple[str, str]:
    """The line that names a cell's frameworks, if it is the first one, and the lines below it.

    Of two such lines both are shown: the second one alone would look like one that somebody wrote instead.
    """
    first, second = (*raw_lines(raw)[:2], "", "")[:2]
    alone = MARK.fullmatch(first.strip("\r\n")) and not MARK.fullmatch(second.strip("\r\n"))
    return (first, raw[len(first) :]) if alone else ("", raw)


def _mark(page: Pieces, document: Document, tab: str, settings: Settings) -> str:
    """The mark of a cell that somebody adds: none where an unmarked cell is this framework's alone anyway."""
    alone = settings.untagged == "default" or document.tabs == (tab,) or len(settings.tabs) == 1
    if alone and tab == settings.default_tab:
        return ""
    code = [piece.raw for piece in page.pieces if piece.kind == "code"]
    magic = sum(raw.startswith("%%tab") for raw in code)
    return f"%%tab {tab}" if magic * 2 > sum(bool(_without_mark(raw)[0]) for raw in code) else f"#@tab {tab}"


# -- notebook → page


def page_of(notebook: Mapping[str, Any]) -> str:
    """The text of the page that a notebook of :func:`notebook_of` is, whatever was done to its cells since."""
    kept = _mapping(_mapping(_mapping(notebook.get("metadata")).get(OURS)).get("edit"))
    newline = kept.get("newline") if kept.get("newline") in ("\n", "\r\n", "\r") else "\n"
    head, end, mark = (kept.get(name) if isinstance(kept.get(name), str) else None for name in ("head", "end", "mark"))
    cells, tabs = notebook.get("cells"), kept.get("tabs")
    page = _Page(str(newline), mark or "", frozenset(map(str, tabs if isinstance(tabs, list) else [])))
    written = list(_written(cells if isinstance(cells, list) else [], page))
    if not written:
        return (head or "") + (end or "")
    parts = [head or ""]
    for one, following in zip(written, [*written[1:], None], strict=True):
        parts += [one.text, _between(one, following, str(newline)) if following else ""]
    return "".join(parts) + (end if end is not None else str(newline))


@dataclass(frozen=True, slots=True)
class _Page:
    """What all cells of a page share."""

    newline: str
    mark: str
    """The mark of a cell that somebody adds."""
    tabs: frozenset[str]
    """The book's frameworks."""

    def of_some(self, cell: Mapping[str, Any]) -> list[str]:
        """The frameworks that a cell belongs to where others have no part in it."""
        tabs = _mapping(_mapping(cell.get("metadata")).get(OURS)).get("tabs")
        names = [str(tab) for tab in tabs] if isinstance(tabs, list) else []
        return names if self.tabs - set(names) else []


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a file has around what a cell shows."""

    kind: str = ""
    number: int = -1
    """Its place on the page when that was opened."""
    lead: str = ""
    mark: str = ""
    """The line that names the frameworks of code, line end included."""
    tail: str = ""
    after: str = ""
    next: str = ""
    """The id of the cell that stood below."""
    raw: str | None = None
    """The text in the file where it is not what the cell shows, for indentation or other line ends."""
    indent: int = 0

    def to_json(self) -> dict[str, Any]:
        """Without what a frame has by itself."""
        values = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: value for name, value in values if value != _PLAIN[name]}

    @classmethod
    def of(cls, cell: Mapping[str, Any]) -> _Frame | None:
        """The frame of a notebook's cell, if it has one."""
        given = _mapping(_mapping(_mapping(cell.get("metadata")).get(OURS)).get("frame"))
        values = {name: value for name, value in given.items() if name in _PLAIN}
        if not values.get("kind") or any(type(value) is not _TYPES[name] for name, value in values.items()):
            return None
        return cls(**values)


_PLAIN: dict[str, Any] = {name: getattr(_Frame(), name) for name in _Frame.__slots__}
_TYPES = {name: str if value is None else type(value) for name, value in _PLAIN.items()}


@dataclass(frozen=True, slots=True)
class _Written:
    """A cell as it goes into the page."""

    id: str
    text: str
    frame: _Frame = field(default_factory=_Frame)
    kept_kind: bool = False
    """Whether it is still the kind of thing that it was when the page was opened."""


def _written(cells: Sequence[Any], page: _Page) -> Iterator[_Written]:
    named: set[tuple[int, str]] = set()
    shown = [(position, cell) for position, cell in enumerate(map(_mapping, cells)) if _is_written(cell)]
    for position, cell in shown:
        last = position == shown[-1][0]
        frame = _Frame.of(cell)
        source = "\n".join(lines_of(_source(cell)))
        name = cell["id"] if isinstance(cell.get("id"), str) else f"at {position}"
        fenced = frame is not None and frame.kind in ("code", "header")
        if cell.get("cell_type") == "code" or (cell.get("cell_type") == "raw" and fenced):
            if frame is not None and fenced:
                around = replace(frame, lead=_named_once(frame, named))
                yield _Written(name, _fenced(around, source, page.newline, closed=not last), frame, True)
            else:
                around = _Frame(lead=FENCE, tail=CLOSED_FENCE, mark=_mark_of(page.of_some(cell), page.mark))
                yield _Written(name, _fenced(around, source, page.newline, closed=True), frame or _Frame())
        elif frame is not None and not fenced:
            yield _Written(name, _text(frame, source, page.newline, last=last), frame, True)
        else:
            text = _text(_block_of(page.of_some(cell), page.newline), _unmarked(source), page.newline, last=last)
            yield _Written(name, text, frame or _Frame())


def _mark_of(tabs: Sequence[str], usual: str) -> str:
    """The mark of text that becomes code: that of its tab block's frameworks, written as the page writes marks."""
    return f"{usual.split(' ', 1)[0]} {', '.join(tabs)}" if tabs and usual else usual


def _block_of(tabs: Sequence[str], newline: str) -> _Frame:
    """What stands around code that becomes text: a tab block, so that other frameworks do not get it."""
    return _Frame(lead=f":begin_tab:`{', '.join(tabs)}`{newline}", tail=f"{newline}:end_tab:") if tabs else _Frame()


def _unmarked(source: str) -> str:
    """Code of other frameworks, whose first line may say so, as text."""
    first, _, below = source.partition("\n")
    return below if MARK.fullmatch(first) else source


def _text(frame: _Frame, source: str, newline: str, *, last: bool) -> str:
    """A cell of text; what it leaves open is closed, since on a page all that follows would belong to it."""
    text = frame.lead + _unshown(frame, _stripped(source), newline)
    if last and not frame.tail:
        return text  # nothing follows, and a page that ends so stays as it is
    return text + closing("\n".join(lines_of(text)), frame.tail.strip()).replace("\n", newline) + frame.tail


def _is_written(cell: Mapping[str, Any]) -> bool:
    """Whether a cell goes into the page: one without text does not, unless it is code that has its fence there."""
    frame = _Frame.of(cell)
    code = frame is not None and frame.kind in ("code", "header") and cell.get("cell_type") in ("code", "raw")
    return code or bool(_source(cell).strip(_BLANK))


def _named_once(frame: _Frame, named: set[tuple[int, str]]) -> str:
    """The opening fence, without its ``#name`` where a cell that this one is a part or a copy of has that already."""
    inside = frame.lead.find("{")
    found = _NAME.search(frame.lead, inside) if inside >= 0 else None
    if found is None:
        return frame.lead
    if (frame.number, found[0]) in named:
        return frame.lead[: found.start()] + frame.lead[found.end() :]
    named.add((frame.number, found[0]))
    return frame.lead


def _fenced(frame: _Frame, source: str, newline: str, *, closed: bool) -> str:
    """A cell in its fence; the fence grows where a line of the cell would close it."""
    lead, tail = frame.lead, frame.tail
    own_mark = MARK.fullmatch(source.split("\n", 1)[0])
    body = "" if own_mark else frame.mark
    if body and source and not body.endswith(("\r", "\n")):
        body += newline
    body += _unshown(frame, source, newline)
    opening = _OPENING.match(lead)
    fence = opening["fence"] if opening else CLOSED_FENCE
    longest = max((len(line.strip()) for line in source.split("\n") if _would_close(line, fence)), default=0)
    if longest:
        grown = fence[0] * (longest + 1)
        at = opening.start("fence") if opening else 0
        lead = lead[:at] + grown + lead[at + len(fence) :]
        tail = tail.replace(tail.strip(), grown) if tail.strip() else tail
        fence = grown
    if closed and not tail.strip():
        tail = fence
    if not lead.endswith(("\r", "\n")) and (body or tail):
        lead += newline
    if body and tail and not body.endswith(("\r", "\n")) and not tail.startswith(("\r", "\n")):  # it had no line
        body += newline
    return lead + body + tail


def _would_close(line: str, fence: str) -> bool:
    mark = line.strip()
    return len(mark) >= len(fence) and set(mark) == {fence[0]} and len(line) - len(line.lstrip(" ")) < 4


def _unshown(frame: _Frame, source: str, newline: str) -> str:
    """The text of a cell as the file has it: lines that nobody changed keep their indentation and their ends."""
    indent = " " * frame.indent
    if frame.raw is None:
        return newline.join(f"{indent}{line}" if indent and line.strip() else line for line in source.split("\n"))
    old = lines_of(frame.raw)
    ends = [line[len(line.rstrip("\r\n")) :] for line in raw_lines(frame.raw)]
    ends += [""] * (len(old) - len(ends))
    shown, new = [shown_line(line, frame.indent) for line in old], source.split("\n")
    lines: list[tuple[str, str]] = []
    for same, first, last, start, stop in difflib.SequenceMatcher(None, shown, new, autojunk=False).get_opcodes():
        if same == "equal":
            lines += zip(old[first:last], ends[first:last], strict=True)
        else:
            lines += [(f"{indent}{line}" if line.strip() else line, newline) for line in new[start:stop]]
    return "".join(line + (end or newline) for line, end in lines[:-1]) + lines[-1][0]


def _between(above: _Written, below: _Written, newline: str) -> str:
    """What stands between two cells: what stood there before, or a blank line."""
    after = above.frame.after
    blank = after.count("\n") + after.count("\r") - after.count("\r\n") > 1
    untouched = above.kept_kind and below.kept_kind and above.frame.next == below.id
    if untouched and not blank and above.frame.kind == "prose" and needs_blank("\n".join(lines_of(above.text))):
        return newline * 2
    return after if after and (blank or untouched) else newline * 2


def _stripped(source: str) -> str:
    """Text without blank lines above and below, which no cell of text has when a page is opened."""
    lines = source.split("\n")
    while lines and not lines[0].strip(_BLANK):
        lines.pop(0)
    while lines and not lines[-1].strip(_BLANK):
        lines.pop()
    return "\n".join(lines)


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source")
    return "".join(map(str, source)) if isinstance(source, list) else str(source or "")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
