"""What an author writes below ``<!-- slides -->``: slides with text, boxes, and places where cells of the page go.

The form is that of newer books of the family: ``::: {.slide title="…"}`` … ``:::`` with ``@id`` and ``@!id`` alone on
their lines. Here it is cut into parts by its lines; what a line of text says is left to those who make slides.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from octavo.diagnostics import Code
from octavo.model import Cell
from octavo.source.problems import Problem

BEGIN = "octavo_slides_begin"
"""Where the parser's environment keeps the line, counted from 0, that says that slides follow."""
DRAWINGS = "img/auto"
"""The folder of the drawings that ``@fig:id`` names."""

_OPEN = re.compile(r":{3,}[ \t]*(?:\{(?P<all>.*)\}|(?P<name>[\w-]+))[ \t]*:*")
_CLOSE = re.compile(r":{3,}")
_FENCE = re.compile(r"[ \t]{0,3}(?P<ticks>`{3,}(?=[^`]*$)|~{3,})")
_ATTRIBUTE = re.compile(r"(?P<name>[\w-]+)=(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"']+)|\.(?P<class>[\w-]+)")
_PLACE = re.compile(r"@(?P<how>[!-]?)(?P<drawing>fig:)?(?P<id>[^\s@:/]+)(?:@(?P<tab>[\w.-]+))?")
_PAUSE = re.compile(r"\.[ \t]+\.[ \t]+\.")
_AGAIN = re.compile(r"<!--\s*slides\s*-->")
_SLIDES = ("slide", "subslide")


@dataclass(frozen=True, slots=True)
class Lines:
    """Some of the author's own lines, counted from 0."""

    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Place:
    """A line that a cell of the page goes to, or a drawing."""

    line: int
    written: str
    """The line as it is written, without the blanks around it."""
    id: str
    tab: str = ""
    """The framework whose cell it is; empty for the one that the slides are for."""
    code: bool = True
    output: bool = True
    drawing: str = ""
    """Path of a drawing in the source folder; empty for a cell."""


@dataclass(frozen=True, slots=True)
class Pause:
    """What follows appears with the next key: ``. . .``."""


@dataclass(frozen=True, slots=True)
class Box:
    """``::: {.class}`` … ``:::`` inside of a slide."""

    classes: tuple[str, ...]
    parts: tuple[Part, ...]


Part = Lines | Place | Pause | Box


@dataclass(frozen=True, slots=True)
class OwnSlide:
    """A slide as an author wrote it."""

    title: str
    only: tuple[str, ...]
    """The frameworks that have it; empty for all."""
    without: tuple[str, ...]
    """The frameworks that have it not."""
    parts: tuple[Part, ...]

    def is_for(self, tab: str) -> bool:
        """Whether a framework's deck has it."""
        return (not self.only or tab in self.only) and tab not in self.without


@dataclass(frozen=True, slots=True)
class Own:
    """All slides that stand on a page, and what of its lines is text."""

    slides: tuple[OwnSlide, ...]
    text: str
    """The page with nothing but the text of its slides, each line where the author has it."""
    problems: tuple[Problem, ...]
    """What is wrong with how they are written."""

    def places(self) -> Iterator[Place]:
        """Where cells and drawings go."""
        for slide in self.slides:
            yield from _places(slide.parts)


def own_slides(text: str, begin: int) -> Own:
    """The slides of a page; ``begin`` is the line of ``<!-- slides -->``, counted from 0."""
    return _Reader(text.split("\n"), begin).read()


def problems(own: Own, cells: Iterable[Cell], tabs: Sequence[str]) -> Iterator[Problem]:
    """Everything that is wrong with the slides of a page whose cells these are."""
    yield from own.problems
    known = {cell.id for cell in cells if cell.id is not None}
    for place in own.places():
        if not place.drawing and place.id not in known:
            close = difflib.get_close_matches(place.id, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"name a cell so: ```{{.python .input #{place.id}}}"
            message = f"no cell of this page is called {place.id!r}"
            yield Problem(Code.UNKNOWN_REFERENCE, message, place.line, hint=hint, word=place.written)
        if place.tab and place.tab not in tabs:
            message = f"there is no framework {place.tab!r}"
            yield Problem(Code.UNKNOWN_TAB, message, place.line, hint=f"one of {', '.join(tabs)}", word=place.written)


def _places(parts: Iterable[Part]) -> Iterator[Place]:
    """Where cells and drawings go, in boxes too."""
    for part in parts:
        if isinstance(part, Place):
            yield part
        elif isinstance(part, Box):
            yield from _places(part.parts)


@dataclass(slots=True)
class _Open:
    """A ``:::`` that is not closed yet."""

    line: int
    classes: tuple[str, ...]
    attributes: dict[str, str]
    parts: list[Part]
    at: int = 0
    """Which of the page's slides it is."""

    @property
    def is_slide(self) -> bool:
        return any(name in _SLIDES for name in self.classes)


class _Reader:
    """Goes through the lines below the mark."""

    def __init__(self, lines: Sequence[str], begin: int) -> None:
        self.lines = lines
        self.begin = begin
        self.text = [""] * len(lines)
        self.open: list[_Open] = []
        self.slides: list[OwnSlide | None] = []
        self.problems: list[Problem] = []

    def read(self) -> Own:
        fence = ""
        outside = False
        for number in range(self.begin + 1, len(self.lines)):
            line = self.lines[number]
            ticks = _FENCE.match(line)
            is_code = bool(fence)
            if fence:
                fence = "" if line.strip().startswith(fence) and not line.strip().strip(fence[0]) else fence
            elif ticks:
                fence, is_code = ticks["ticks"], True
            if not is_code and self._mark(number, line.strip()):
                continue
            if self._slide() is not None:
                self._keep(number)
            elif line.strip() and not outside and not line.startswith("#"):
                outside = True
                hint = 'put it between ::: {.slide title="…"} and :::'
                self._complain(number, "this stands in no slide and is shown nowhere", hint)
        for left in self.open:
            self._complain(left.line, "this is not closed", "write ::: on a line of its own below it")
        while self.open:
            self._close()
        slides = tuple(slide for slide in self.slides if slide is not None)
        return Own(slides, "\n".join(self.text), tuple(self.problems))

    def _complain(self, number: int, message: str, hint: str) -> None:
        self.problems.append(Problem(Code.MARKUP, f"slides: {message}", number, hint=hint, fatal=False))

    def _slide(self) -> _Open | None:
        """The slide that a line stands in."""
        return next((one for one in reversed(self.open) if one.is_slide), None)

    def _mark(self, number: int, line: str) -> bool:
        """Whether a line is a mark and no text; what it marks is noted."""
        opening = _OPEN.fullmatch(line)
        if opening is not None:
            self._begin(number, opening)
        elif _CLOSE.fullmatch(line):
            if self.open:
                self._close()
            else:
                self._complain(number, "nothing is open that this could close", "leave it out")
        elif _AGAIN.fullmatch(line):
            self._complain(number, "they have begun already", "leave it out")
        elif self._slide() is None:
            return False
        elif _PAUSE.fullmatch(line):
            self.open[-1].parts.append(Pause())
        elif place := _PLACE.fullmatch(line):
            how = place["how"]
            drawing = f"{DRAWINGS}/{place['id']}.svg" if place["drawing"] else ""
            found = Place(number, line, place["id"], place["tab"] or "", how != "!", how != "-", drawing)
            self.open[-1].parts.append(found)
        else:
            return False
        return True

    def _begin(self, number: int, opening: re.Match[str]) -> None:
        found = list(_ATTRIBUTE.finditer(opening["all"] or ""))
        classes = [match["class"] for match in found if match["class"]] or [opening["name"] or ""]
        attributes = {match["name"]: match["value"].strip("\"'") for match in found if match["name"]}
        one = _Open(number, tuple(classes), attributes, [])
        self.open.append(one)
        if one.is_slide:
            one.at = len(self.slides)  # a slide inside of another one comes after that
            self.slides.append(None)

    def _close(self) -> None:
        one = self.open.pop()
        if one.is_slide:
            only, without = (self._names(one, name) for name in ("only", "except"))
            slide = OwnSlide(one.attributes.get("title", ""), only, without, tuple(one.parts))
            self.slides[one.at] = slide
        elif self._slide() is not None:
            if "fragment" in one.classes:
                self.open[-1].parts.append(Pause())
            self.open[-1].parts.append(Box(one.classes, tuple(one.parts)))

    def _names(self, one: _Open, attribute: str) -> tuple[str, ...]:
        """Frameworks that a slide names; one inside of another that names none has the other's."""
        around = (other for other in reversed(self.open) if other.is_slide)
        texts = (other.attributes.get(attribute, "") for other in (one, *around))
        text = next(filter(None, texts), "")
        return tuple(filter(None, re.split(r"[\s,]+", text.lower())))

    def _keep(self, number: int) -> None:
        """Keep a line as text of the slide; lines that follow each other are one part."""
        self.text[number] = self.lines[number]
        parts = self.open[-1].parts
        last = parts[-1] if parts else None
        if isinstance(last, Lines) and last.end == number:
            parts[-1] = Lines(last.first, number + 1)
        else:
            parts.append(Lines(number, number + 1))
