"""Slides that an author wrote below ``<!-- slides -->`` → what they hold: text, cells, what these printed, boxes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt

from octavo.model import Document, Edition, Run
from octavo.publish.markdown import SOURCE, Sheet, sheet
from octavo.publish.shelf import Shelf, View, code
from octavo.publish.slides.parts import Block, Boxed, Marked, Slide, Step, of_cell
from octavo.source.core import CODE_SPAN
from octavo.source.slides import Box, Lines, OwnSlide, Part, Pause, Place, own_slides

Cells = Callable[[str], tuple[Edition | None, Run | None]]
"""A framework → the page in it, and its results."""

_SPAN = re.compile(r"\[(?P<text>(?:[^\[\]\\]|\\.)+)\]\{(?P<classes>(?:\s*\.[\w-]+)+)\s*\}")
_COVER = "cover"


@dataclass(frozen=True)
class OwnMarks:
    """The slides of a page, with their text as notebooks have it."""

    page: Sheet
    """Nothing but their text, each line where the author has it."""
    slides: tuple[OwnSlide, ...]


def own_marks(document: Document, begin: int, shelf: Shelf, md: MarkdownIt) -> OwnMarks | None:
    """The slides below a line; ``None`` where there are none. ``md`` is a notebook's parser."""
    own = own_slides(document.text, begin)
    if not own.slides:
        return None
    env: dict[str, object] = {}
    tokens = md.parse(own.text, env)
    return OwnMarks(sheet(document, str(env[SOURCE]), tokens, shelf, md), own.slides)


def slides(marked: OwnMarks, cells: Cells, view: View) -> tuple[tuple[Block, ...], tuple[Slide, ...]]:
    """What stands on the first slide below the title, and the slides after it, for one framework."""
    writer = _Writer(marked.page, cells, view)
    cover: tuple[Block, ...] = ()
    made: list[Slide] = []
    for slide in (slide for slide in marked.slides if slide.is_for(view.tab)):
        blocks = tuple(writer.blocks(slide.parts))
        first = blocks[0] if blocks else None
        if not made and not cover and not slide.title and isinstance(first, Boxed) and _COVER in first.classes:
            cover = blocks
        elif blocks or slide.title:
            made.append(Slide(slide.title, blocks, own=True))
    return cover, tuple(made)


class _Writer:
    """Parts of one page's slides → blocks."""

    def __init__(self, page: Sheet, cells: Cells, view: View) -> None:
        self.page = page
        self.cells = cells
        self.view = view
        self.names = {cell.id for cell in page.document.cells}

    def blocks(self, parts: Sequence[Part]) -> Iterator[Block]:
        """What parts hold for a framework; boxes with nothing in them go."""
        for part in parts:
            if isinstance(part, Pause):
                yield Step()
            elif isinstance(part, Box):
                inside = tuple(self.blocks(part.parts))
                if inside:
                    yield Boxed(part.classes, inside)
            elif isinstance(part, Place):
                yield from self._placed(part)
            else:
                yield from self._text(part)

    def _text(self, part: Lines) -> Iterator[Block]:
        first, end = (self.page.starts[min(line, len(self.page.starts) - 1)] for line in (part.first, part.end))
        written = self.page.part(first, end, self.view, set())
        if written is not None and written.strip():
            yield Marked(_with_spans(written.replace("\x00", "").strip("\n")))

    def _placed(self, place: Place) -> Iterator[Block]:
        if place.drawing:
            address = posixpath.relpath(place.drawing, posixpath.dirname(self.page.document.page) or ".")
            yield Marked(f"![]({address})")
            return
        if place.id not in self.names:  # which reading the page has told of
            yield Marked(code(place.written))
            return
        edition, run = self.cells(place.tab or self.view.tab)
        for position, part in enumerate(edition.cells if edition is not None else ()):
            if part.cell.id == place.id:
                yield from of_cell(self.page.shelf, position, part, run, code=place.code, output=place.output)


def _with_spans(text: str) -> str:
    """``[words]{.name}`` as HTML; code is left alone."""
    pieces: list[str] = []
    done = 0
    for match in CODE_SPAN.finditer(text):
        pieces += [_SPAN.sub(_span, text[done : match.start()]), match[0]]
        done = match.end()
    return "".join([*pieces, _SPAN.sub(_span, text[done:])])


def _span(match: re.Match[str]) -> str:
    classes = " ".join(f"ov-{name}" for name in re.findall(r"[\w-]+", match["classes"]))
    return f'<span class="{classes}">{match["text"]}</span>'
