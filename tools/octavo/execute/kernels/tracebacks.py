"""IPython's plain tracebacks → the author's lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from octavo.execute.kernels.outputs import Places, clean_text
from octavo.model import Edition, Failure, Span

LONGEST = 24
"""Lines of a traceback that are kept; the middle is left out."""

_CELL_FRAME = re.compile(r"  Cell In\[(?P<count>\d+)\], line (?P<line>\d+)(?: in (?P<where>.+))?$")
_FILE_FRAME = re.compile(r"  File (?P<path>.+?):(?P<line>\d+)(?: in (?P<where>.+))?$")
_OWN_FRAME = re.compile(r"  (?P<path>[^\s:].*):(?P<line>\d{1,9})(?P<where>, in .+)?")
"""A frame as it is kept."""
_CRASH_FRAME = re.compile(r'  File "<cell>", line (?P<line>\d{1,9}) in <module>')
_THREAD = re.compile(r"^Current thread 0x[0-9a-f]+")
_NOTICE = ("NOTE: When using the `ipython kernel` entry point", "--existing ")
"""How what a kernel tells its user when it starts begins, and its last line."""
_OF_THE_KERNEL = re.compile(r"(?:^|/)(?:IPython|ipykernel)/")
_CELL_HASH = re.compile(r" \((?:\d+|<cell>)(?:\.py)?, line \d+\)$")


@dataclass(frozen=True, slots=True)
class _Part:
    """A frame, or a line between frames."""

    lines: tuple[str, ...]
    span: Span | None = None
    frame: bool = False


def failure(
    edition: Edition,
    index: int,
    counts: Mapping[int, int],
    error: tuple[str, str, Sequence[str]],
    places: Places = (),
) -> Failure:
    """The failure of the cell ``index`` of ``edition``.

    ``counts`` maps IPython's numbers (``In[n]``) to cells; ``error`` is the exception's class, its message and the
    pieces of the traceback, in IPython's ``Plain`` mode. The span is that of the innermost line of this very cell,
    of the exception that ended it; deeper places, in functions that earlier cells defined, are in the traceback.
    """
    name, message, pieces = error
    name = clean_text(name, places) or "Exception"
    message = _CELL_HASH.sub("", clean_text(message, places)).strip()
    parts = list(_parts(edition, counts, pieces, places))
    own = edition.cells[index].code.lines
    span = None
    for part in parts:
        if part.frame:
            span = part.span if part.span and part.span.line in own else span
        elif part.lines and part.lines[0].startswith("Traceback "):
            span = None  # only the last of chained exceptions tells where the cell ended
    syntax = not any(part.lines[:1] == ("Traceback (most recent call last):",) for part in parts)
    return Failure(
        reason="syntax" if syntax and name.endswith(("SyntaxError", "IndentationError", "TabError")) else "exception",
        name=name,
        message=message[:2000],
        span=span or cell_span(edition, index),
        cell=index,
        traceback=_shortened(parts),
    )


def in_pages(failed: Failure, find: Callable[[str, int], Span | None]) -> Failure:
    """A failure with the frames of its traceback that are in modules made from pages as the pages' own lines.

    ``find`` gives the author's place of a line of a file, or ``None`` where it knows none.
    """

    def moved(line: str) -> str:
        frame = _OWN_FRAME.fullmatch(line)
        span = find(frame["path"], int(frame["line"])) if frame else None
        return f"  {span.path}:{span.line}{frame['where'] or ''}" if frame and span else line

    return replace(failed, traceback=tuple(map(moved, failed.traceback)))


def crash(edition: Edition, index: int, lines: Iterable[str]) -> tuple[Span, tuple[str, ...]]:
    """Where in the cell ``index`` a kernel crashed, and the trace that it left, in the author's lines.

    Of a function of another cell the trace does not say which one that was, so that its line stays as it is.
    """
    span, told = cell_span(edition, index), []
    notice = False
    for line in lines:
        notice = line.startswith(_NOTICE[0]) or (notice and not line.lstrip().startswith(_NOTICE[1]))
        if notice or line.lstrip().startswith(_NOTICE[1]):
            continue
        frame = _CRASH_FRAME.fullmatch(line)
        if frame:
            span = cell_span(edition, index, int(frame["line"]) + _leading_blank(edition, index))
            line = f"  {span.path}:{span.line}"
        told.append(_THREAD.sub("Current thread", line))
    return span, tuple(told)


def cell_span(edition: Edition, index: int, line: int = 1) -> Span:
    """The author's line of the ``line``-th line, from 1, of a cell's executed text."""
    cell = edition.cells[index]
    lines = cell.code.lines
    number = lines[min(max(line, 1), len(lines)) - 1]
    return Span(cell.cell.span.path, number, number)


def _leading_blank(edition: Edition, index: int) -> int:
    """How many blank lines a cell begins with: IPython takes them away before it counts."""
    lines = edition.cells[index].code.text.split("\n")
    return next((number for number, line in enumerate(lines) if line.strip()), 0)


def _parts(edition: Edition, counts: Mapping[int, int], pieces: Sequence[str], places: Places) -> Iterator[_Part]:
    skipping = False
    frame: list[str] = []
    span: Span | None = None
    for line in "\n".join(piece.removesuffix("\n") for piece in pieces).splitlines():
        text = clean_text(line, places)[:1000]
        cell, file = _CELL_FRAME.match(text), _FILE_FRAME.match(text)
        inside = text.startswith("    ") and (frame or skipping)
        if inside:
            if frame:
                frame.append(text)
            continue
        if frame:
            yield _Part(tuple(frame), span, frame=True)
        frame, span, skipping = [], None, False
        if cell and int(cell["count"]) in counts:
            index = counts[int(cell["count"])]
            span = cell_span(edition, index, int(cell["line"]) + _leading_blank(edition, index))
            frame = [f"  {span.path}:{span.line}{', in ' + cell['where'] if cell['where'] else ''}"]
        elif file and _OF_THE_KERNEL.search(file["path"]):
            skipping = True
        elif file:
            frame = [f"  {file['path']}:{file['line']}{', in ' + file['where'] if file['where'] else ''}"]
        else:
            yield _Part((_CELL_HASH.sub("", text),))
    if frame:
        yield _Part(tuple(frame), span, frame=True)


def _shortened(parts: Sequence[_Part]) -> tuple[str, ...]:
    """The lines, a frame that repeats said once, and of a long traceback the beginning and the end."""
    lines: list[str] = []
    repeated = 0
    previous: _Part | None = None
    for part in (*parts, None):
        if part is not None and part.frame and part == previous:
            repeated += 1
            continue
        if repeated:
            lines.append(f"  … and {repeated} times more")
            repeated = 0
        if part is not None:
            lines += [line[:500] for line in part.lines]
        previous = part
    if len(lines) > LONGEST:
        head, tail = lines[:4], lines[-(LONGEST - 5) :]
        lines = [*head, f"  … {len(lines) - len(head) - len(tail)} lines left out", *tail]
    return tuple(lines)
