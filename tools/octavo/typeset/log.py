"""The log of LaTeX → what happened, in its order. Knows nothing of authors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What sort of thing happened."""

    ERROR = "error"
    """LaTeX could not make sense of something."""
    UNDEFINED = "undefined"
    """A reference or citation that leads nowhere."""
    CHARACTER = "character"
    """A character that its font lacks."""
    WIDE = "wide"
    """Something stands out of its line."""
    HIGH = "high"
    """A page holds more than it has room for."""
    UNSETTLED = "unsettled"
    """Page numbers still changed in the last run."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    kind: Kind
    text: str
    """An error's sentence; the name of what is undefined; the character; what stands out, as far as it is text."""
    line: int | None
    """Line of the manuscript; ``None`` where the log does not say."""
    page: int
    """Page of the PDF that was being set, from 1; a paragraph may end on the next one."""
    file: str = ""
    """The file that an error is in, as LaTeX calls it; empty for the manuscript, and where the log does not say."""
    context: tuple[str, ...] = ()
    """Of an error: what LaTeX had read, a pair of lines for each step, the second one from where it stopped."""
    points: float = 0.0
    """By how much something stands out."""
    font: str = ""
    """The font that lacks a character."""
    runaway: str = ""
    """Of an error: the text that LaTeX took for an argument until it found no end of it."""
    at: int = 0
    """Line of the log."""


_ERROR = re.compile(r"(?P<file>(?:\./|/)?[^:\n()]+\.\w+):(?P<line>\d+): (?P<text>\S.*)$")
_LOST = re.compile(r"! (?P<text>\S.*)$")
_UNDEFINED = re.compile(
    r"(?:LaTeX|Package \w+) Warning: (?:Hyper reference|Reference|Citation) `(?P<name>[^']*)' "
    r".*?undefined on input line (?P<line>\d+)"
)
_CHARACTER = re.compile(
    r"Missing character: There is no (?P<character>.+?) \((?P<number>U\+|\")[0-9A-F]+\) in font (?P<font>.+)!$"
)
_WIDE = re.compile(
    r"Overfull \\hbox \((?P<points>[\d.]+)pt too wide\) (?:in (?:paragraph|alignment) at lines (?P<first>\d+)--\d+"
    r"|detected at line (?P<line>\d+)|has occurred)"
)
_HIGH = re.compile(r"Overfull \\vbox \((?P<points>[\d.]+)pt too high\) has occurred while \\output is active")
_UNSETTLED = re.compile(r"LaTeX Warning: Label\(s\) may have changed")
_PAGE = re.compile(r"(?:^|(?<=[ )\]>]))\[-?\d+(?:\.-?\d+)*(?=$|[\]\s<{])")
_STOP = ("Emergency stop", "Fatal error occurred", " ==> Fatal error occurred", "==> Fatal error occurred")
"""How LaTeX says that it gives up: after what made it."""
_FONT = re.compile(r"\[?(?:[^\]/:]*/)*([^\]/:]+)")
_MOST_HELP = 40
"""How many lines of an error are looked through for its context."""


def events(log: str) -> Iterator[Event]:
    """What happened in the run that the log is of."""
    lines = log.split("\n")
    page, runaway, number = 1, "", 0
    while number < len(lines):
        line = lines[number]
        number = here = number + 1
        if line.startswith("Runaway "):
            runaway = lines[number] if number < len(lines) else ""
            number += 1
        elif error := _error(line):
            context, number = _context(lines, number)
            event = _event(error, context, page, runaway, here)
            runaway = ""
            if event is not None:
                yield event
        elif line.startswith("Missing character:"):
            if (found := _CHARACTER.match(line)) and not found["font"].startswith("nullfont"):
                yield Event(Kind.CHARACTER, found["character"], None, page, font=_font(found["font"]))
        elif found := _WIDE.match(line):
            box = lines[number] if number < len(lines) else ""
            at = found["first"] or found["line"]
            points = float(found["points"])
            yield Event(Kind.WIDE, _text_of(box), int(at) if at else None, page, points=points)
            number += 1 if box else 0
        elif found := _HIGH.match(line):
            yield Event(Kind.HIGH, "", None, page, points=float(found["points"]))
        elif line.startswith(("Underfull ", "Overfull ")):
            number += 1  # what stands in the box
        elif found := _UNDEFINED.match(line):
            yield Event(Kind.UNDEFINED, found["name"], int(found["line"]), page)
        elif _UNSETTLED.match(line):
            yield Event(Kind.UNSETTLED, "", None, page)
        else:
            page += len(_PAGE.findall(line))


def pages(log: str) -> int:
    """How many pages were set; 0 where nothing was put out."""
    output = re.search(r"^Output written on .+ \((\d+) pages?", log, re.MULTILINE)
    return int(output[1]) if output else 0


def gave_up(log: str) -> bool:
    """Whether LaTeX stopped before the end of the manuscript."""
    return bool(
        re.search(r"^(?:\*\*\* \(|\(That makes 100 errors|.*TeX capacity exceeded|!  ==> Fatal)", log, re.MULTILINE)
    )


def _error(line: str) -> re.Match[str] | None:
    return _LOST.match(line) or _ERROR.match(line)


def _event(error: re.Match[str], context: tuple[str, ...], page: int, runaway: str, at: int) -> Event | None:
    """An error; ``None`` for one that only says that LaTeX gives up."""
    text = error["text"]
    known = error.groupdict()
    if text.startswith(_STOP):
        return None
    line, file = known.get("line"), known.get("file") or ""
    if line is None:
        line = next((found[1] for one in context if (found := re.match(r"l\.(\d+) ", one))), None)
    return Event(Kind.ERROR, text, int(line) if line else None, page, file, context, runaway=runaway, at=at)


def _context(lines: list[str], start: int) -> tuple[tuple[str, ...], int]:
    """What LaTeX had read when it found an error, and the number of the line after that.

    The last pair of lines begins with ``l.`` and the number of the line, or with ``<*>`` at the end of the file.
    """
    found: list[str] = []
    for number in range(start, min(len(lines), start + _MOST_HELP)):
        line = lines[number]
        if _error(line) and not line.startswith("! "):
            if _error(line)["text"].startswith(_STOP):  # type: ignore[index]
                continue  # the same error: it was the last one
            return tuple(found), number
        if re.match(r"l\.\d+ |<\*>", line):
            found += lines[number : number + 2]
            return tuple(found), number + 2
        if re.match(
            r"<(?:argument|inserted text|to be read again|recently read|template)> |\\\S+ .*->|\\\S+ \.\.\.", line
        ):
            found += lines[number : number + 2]
        elif line.startswith("(") and re.match(r"\(\w+\) +", line):
            found.append(line)
    return tuple(found), start


def _text_of(box: str) -> str:
    r"""The text in a box as the log shows it: ``[]\TU/lmr/m/n/10 Words`` → ``Words``."""
    text = re.sub(r"\\[A-Z]+\d?/(?:[^/\s]+/){3}[\d.]+ ?", "", box)
    return re.sub(r"\[\]|\$", "", text).strip()


def _font(name: str) -> str:
    """``[texgyrecursor-regular.otf]/OT:script=latn;`` → ``texgyrecursor-regular``."""
    found = _FONT.match(re.sub(r"/(?:OT|AAT|ICU|GR)\b.*", "", name.removeprefix('"')))
    return (found[1] if found else name).removesuffix(".otf").removesuffix(".ttf")
