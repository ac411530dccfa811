"""A page in one framework → what its slides hold: marked text, the cells, what these printed and drew.

As in old books, every cell is on a slide, in the order of the page; a slide begins where text is marked with ``[`` and
takes what follows, up to the next such text. A section begins one too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from octavo.model import Cell, Document, Edition, Run
from octavo.publish.markdown import SOURCE, Sheet, parser, sheet
from octavo.publish.shelf import Shelf, View
from octavo.publish.slides.own import Cells, OwnMarks, own_marks, slides
from octavo.publish.slides.parts import PARAGRAPHS, Block, Marked, Slide, of_cell
from octavo.source.core import MAYBE_SLIDES, SLIDE_TEXTS, SlideText, slide_texts
from octavo.source.slides import BEGIN

_LAST = re.compile(r"(?<![.])[,.:;]+((?:\s*\\tag\{[^{}]*\})?\s*\$\$)?\s*\Z")
"""What a sentence ends with, and a slide does not."""


@dataclass(frozen=True, slots=True)
class Deck:
    """The slides of one page in one framework."""

    page: str
    tab: str
    title: str
    """The page's heading with its number, as Markdown."""
    slides: tuple[Slide, ...]
    cover: tuple[Block, ...] = ()
    """What stands below the title."""


@dataclass(frozen=True)
class Marks:
    """A page with what is marked on it for slides."""

    page: Sheet
    """The page with the text that is for slides alone."""
    texts: tuple[SlideText, ...]
    headings: tuple[tuple[int, int], ...]
    """Where each section's heading begins and ends."""
    own: OwnMarks | None = None
    """Slides that the author wrote; with these the marks in the page's text count for nothing."""

    def is_for(self, tab: str) -> bool:
        """Whether there is something for a framework's deck."""
        if self.own is not None:
            return any(slide.is_for(tab) for slide in self.own.slides)
        return bool(self.seen(tab))

    def seen(self, tab: str) -> tuple[SlideText, ...]:
        """The texts that a framework's readers see."""
        return tuple(text for text in self.texts if self.page.is_seen(text.start, tab))


def slides_parser() -> MarkdownIt:
    """A parser that keeps what is marked for slides."""
    md = parser()
    md.core.ruler.at("slide_marks", slide_texts)
    return md


def marks(document: Document, shelf: Shelf, md: MarkdownIt) -> Marks | None:
    """What is marked on a page; ``None`` where nothing is. ``md`` is a :func:`slides_parser`."""
    if not MAYBE_SLIDES.search(document.text):
        return None
    env: dict[str, object] = {}
    tokens = md.parse(document.text, env)
    texts, begin = env[SLIDE_TEXTS], env.get(BEGIN)
    assert isinstance(texts, tuple)
    own = own_marks(document, begin, shelf, parser()) if isinstance(begin, int) else None
    if not texts and own is None:
        return None
    page = sheet(document, str(env[SOURCE]), tokens, shelf, md)
    return Marks(page, texts, tuple(_headings(tokens, page)), own)


def _headings(tokens: Sequence[Token], page: Sheet) -> Iterator[tuple[int, int]]:
    for token in tokens:
        if token.type == "heading_open" and not token.level and token.map:
            yield page.starts[token.map[0]], page.starts[token.map[0] + 1]


def deck(marked: Marks, cells: Cells, view: View) -> Deck | None:
    """The slides of a page in one framework; ``None`` where nothing is marked for its readers."""
    if not marked.is_for(view.tab):
        return None
    document = marked.page.document
    edition, run = cells(view.tab)
    reader = _Reader(marked, edition or Edition(document.page, view.tab, ()), run, view)
    reader.read(marked.seen(view.tab) if marked.own is None else ())
    title = reader.title or document.title or document.page
    cover, made = slides(marked.own, cells, view) if marked.own is not None else ((), tuple(reader.slides))
    return Deck(document.page, view.tab, title, made, cover)


class _Reader:
    """Goes through a page from top to bottom."""

    def __init__(self, marked: Marks, edition: Edition, run: Run | None, view: View) -> None:
        self.marked = marked
        self.page = marked.page
        self.run = run
        self.view = view
        self.parts = {part.cell.index: (position, part) for position, part in enumerate(edition.cells)}
        self.pictures: set[str] = set()
        self.slides: list[Slide] = []
        self.title = ""
        self._heading = ""
        self._blocks: list[Block] = []
        self._texts: list[SlideText] = []

    def read(self, texts: Sequence[SlideText]) -> None:
        """Every heading, text and cell where it stands."""
        starts = self.page.starts
        cells = [cell for cell in self.page.document.cells if cell.index in self.parts]
        events: list[tuple[int, int, SlideText | Cell | tuple[int, int]]] = [
            *((start, 0, (start, end)) for start, end in self.marked.headings),
            *((text.start, 1, text) for text in texts),
            *((starts[cell.span.line - 1], 2, cell) for cell in cells if cell.span.line < len(starts)),
        ]
        for _, _, event in sorted(events, key=lambda event: event[:2]):
            if isinstance(event, Cell):
                self._end_of_texts()
                position, part = self.parts[event.index]
                self._blocks += of_cell(self.page.shelf, position, part, self.run)
            elif isinstance(event, SlideText):
                self._texts.append(event)
            else:
                self._section(*event)
        self._end_of_texts()
        self._end_of_slide()

    def _section(self, start: int, end: int) -> None:
        self._end_of_texts()
        written = self.page.part(start, end, self.view, self.pictures)
        if written is None:
            return
        heading = written.replace("\x00", "").strip().strip("#").strip()
        self._end_of_slide()
        self.title = self.title or heading
        self._heading = heading

    def _end_of_texts(self) -> None:
        """Put the texts that were found together on a slide, and begin one for them if any of them says so."""
        if any(text.opens for text in self._texts):
            self._end_of_slide()
        for paragraph in self._paragraphs():
            self._blocks.append(Marked(paragraph))
        self._texts.clear()

    def _paragraphs(self) -> Iterator[str]:
        """What stands in one paragraph of the page stands in one here."""
        together: list[str] = []
        before = None
        for text in self._texts:
            written = self.page.part(text.start, text.end, self.view, self.pictures) or ""
            apart = before is not None and PARAGRAPHS.search(self.page.text[before : text.start])
            if together and apart:
                yield from _sentence(" ".join(together))
                together = []
            together.append(written.replace("\x00", "").strip())
            before = text.end
        yield from _sentence(" ".join(together))

    def _end_of_slide(self) -> None:
        if self._blocks:
            self.slides.append(Slide(self.title if self._repeats() else self._heading, tuple(self._blocks)))
        self._blocks = []

    def _repeats(self) -> bool:
        """Whether a slide begins with the words of its section."""
        first = self._blocks[0]
        return isinstance(first, Marked) and first.markdown == self._heading


def _sentence(text: str) -> Iterator[str]:
    """Words as a slide has them: with a capital letter, and without a full stop."""
    text = _LAST.sub(lambda match: match[1] or "", text.strip())
    if text:
        yield text[0].upper() + text[1:]
