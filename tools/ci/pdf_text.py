"""A PDF as its readers and their programs see it: text by pdftotext, links and bookmarks by pypdf. For check_pdf.py."""

from __future__ import annotations

import html
import re
import subprocess
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ArrayObject, IndirectObject

BREAKS = "↩↪⏎⮠⤷⤶\u00ad\u200b\ufeff"
"""What marks that a line of code goes on below; no line of a book holds it."""
HYPHENS = "-\u2010\u2011\u00ad"
LIGATURES = re.compile("[\ufb00-\ufb06]")


@dataclass(frozen=True, slots=True)
class Word:
    """A word where it is printed, in points from the page's upper left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the outline."""

    title: str
    level: int
    page: int
    """From 0."""
    top: float | None
    """How far its destination is from the lower edge."""


@dataclass(frozen=True, slots=True)
class Link:
    """A place to click at."""

    page: int
    box: tuple[float, float, float, float]
    """Left, top, right, bottom, from the page's upper left corner."""
    address: str
    """Where it leads outside; empty for a place in the book."""
    target: int | None
    """The page that it leads to in the book."""
    name: str
    """What it calls its destination."""


@dataclass
class Text:
    """All the text of a book without its white space, and where its pages begin."""

    strict: str
    starts: list[int]
    """Offset of each page."""
    loose: str = field(init=False)
    """The same for comparing words: no hyphens, no capitals."""
    back: list[int] = field(init=False)
    """Offset in ``loose`` → in ``strict``."""

    def __post_init__(self) -> None:
        found, self.back = [], []
        for place, character in enumerate(self.strict):
            for one in loosened(character):
                found.append(one)
                self.back.append(place)
        self.loose = "".join(found)
        self.back.append(len(self.strict))

    def page_at(self, place: int) -> int:
        """The page, from 0, that a place in ``strict`` is on."""
        return bisect_right(self.starts, place) - 1


ACCENT = re.compile(r"(?<=\s)[\u0300-\u036f]")
"""The tilde of a formula, which would otherwise join the last letter of the word before."""


def squeezed(text: str) -> str:
    """A text without white space, marks of broken lines and ligatures."""
    text = LIGATURES.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    return unicodedata.normalize("NFC", re.sub(rf"[\s{BREAKS}]", "", text))


def extracted(page: str) -> str:
    """What pdftotext finds on a page, squeezed; an accent that stands alone is a formula's."""
    return squeezed(ACCENT.sub("", page))


def loosened(text: str) -> str:
    """Letters and marks as they are compared where words may be divided and capitals differ."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if c not in HYPHENS and not c.isspace())


class Pdf:
    """A PDF file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.reader = PdfReader(file)
        self.pages = len(self.reader.pages)
        self._names = {page.indirect_reference.idnum: i for i, page in enumerate(self.reader.pages)}

    # -- its text

    @cached_property
    def size(self) -> tuple[float, float]:
        box = self.reader.pages[0].mediabox
        return float(box.width), float(box.height)

    @cached_property
    def words(self) -> list[list[Word]]:
        """The words of each page."""
        found: list[list[Word]] = []
        number = r'="([-\d.]+)"'
        pattern = re.compile(
            rf"<word xMin{number} yMin{number} xMax{number} yMax{number}>(.*?)</word>|<page ", re.DOTALL
        )
        for match in pattern.finditer(self._pdftotext("-bbox")):
            if match[5] is None:
                found.append([])
            else:
                left, top, right, bottom = map(float, match.groups()[:4])
                found[-1].append(Word(html.unescape(match[5]), left, top, right, bottom))
        return found

    @cached_property
    def body(self) -> tuple[float, float]:
        """Upper and lower edge of the text between running heads and feet, which hold page numbers or titles."""
        titles = {loosened(b.title) for b in self.outline} | {
            loosened(re.sub(r"^[\d.]+ ", "", b.title)) for b in self.outline
        }
        edges: list[Counter[int]] = [Counter(), Counter()]
        for page, words in enumerate(self.words):
            for edge, counter in zip((min, max), edges, strict=True):
                if not words:
                    continue
                at = edge(word.top for word in words)
                line = [word for word in words if abs(word.top - at) < 4]
                text = loosened("".join(word.text for word in line))
                if self.labels[page].casefold() in [w.text.casefold() for w in line] or any(
                    t and t in text for t in titles
                ):
                    counter[round(edge(w.bottom for w in line) if edge is min else at)] += 1
        top = self._edge(edges[0], max)
        foot = self._edge(edges[1], min)
        return (top + 1 if top else 0.0, foot - 1 if foot else self.size[1])

    def _edge(self, counter: Counter[int], edge: Any) -> float:
        """The usual place of a running line, or 0: where a third of the pages or more have one."""
        usual = [place for place, times in counter.items() if times > 0.08 * self.pages]
        if sum(counter[place] for place in usual) < self.pages / 4:
            return 0
        common = counter.most_common(1)[0][0]
        return float(edge(place for place in usual if abs(place - common) < 6))

    @cached_property
    def text(self) -> Text:
        """The text of all pages without running heads and feet, in the order in which it was set."""
        top, foot = self.body
        width = int(self.size[0]) + 1
        area = ["-r", "72", "-x", "0", "-y", str(int(top)), "-W", str(width), "-H", str(int(foot - int(top)))]
        pages = self._pdftotext("-raw", *area).split("\f")[: self.pages]
        starts, parts, length = [], [], 0
        for page in map(extracted, pages):
            starts.append(length)
            parts.append(page)
            length += len(page)
        return Text("".join(parts), starts)

    def _pdftotext(self, *options: str) -> str:
        command = ["pdftotext", "-enc", "UTF-8", *options, str(self.file), "-"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    # -- its structure

    @cached_property
    def labels(self) -> list[str]:
        return list(self.reader.page_labels)

    @cached_property
    def outline(self) -> list[Bookmark]:
        """Its bookmarks, in order."""
        found: list[Bookmark] = []

        def walk(entries: list[Any], level: int) -> None:
            for entry in entries:
                if isinstance(entry, list):
                    walk(entry, level + 1)
                else:
                    page = self.reader.get_destination_page_number(entry)
                    top = entry.top
                    found.append(
                        Bookmark(str(entry.title), level, -1 if page is None else page, float(top) if top else None)
                    )

        walk(self.reader.outline, 1)
        return found

    @cached_property
    def links(self) -> list[Link]:
        return [link for page in range(self.pages) for link in self._links(page)]

    def _links(self, page: int) -> Iterator[Link]:
        height = self.size[1]
        for reference in self.reader.pages[page].get("/Annots") or ():
            annotation = reference.get_object()
            if annotation.get("/Subtype") != "/Link":
                continue
            left, low, right, high = map(float, annotation["/Rect"])
            box = (left, height - high, right, height - low)
            action = annotation.get("/A", {})
            action = action.get_object() if isinstance(action, IndirectObject) else action
            if action.get("/S") == "/URI":
                yield Link(page, box, as_text(action["/URI"]), None, "")
                continue
            destination = annotation.get("/Dest", action.get("/D"))
            yield Link(page, box, "", self._page_of(destination), as_text(destination))

    def _page_of(self, destination: Any) -> int | None:
        """The page of a destination, or ``None`` if there is no such place."""
        if isinstance(destination, IndirectObject):
            destination = destination.get_object()
        if isinstance(destination, ArrayObject):
            return self._names.get(destination.raw_get(0).idnum) if destination else None
        named = self.reader.named_destinations.get(as_text(destination))
        return None if named is None else self.reader.get_destination_page_number(named)

    def under(self, link: Link) -> str:
        """The words that a reader clicks at."""
        left, top, right, bottom = link.box
        found = []
        for word in self.words[link.page]:
            middle = (word.top + word.bottom) / 2
            if top - 1 <= middle <= bottom + 1 and word.right > left + 0.5 and word.left < right - 0.5:
                found.append(word.text)
        return " ".join(found)

    @property
    def language(self) -> str:
        return as_text(self.reader.root_object.get("/Lang", ""))

    def drawn(self) -> int:
        """How many pictures its pages hold."""
        count = 0
        for page in self.reader.pages:
            contents = page.get_contents()
            if contents is not None:
                count += len(re.findall(rb"/[^\s/]+\s+Do\b", contents.get_data()))
        return count


def as_text(value: Any) -> str:
    """A string of a PDF, whether it was written as text or as bytes."""
    if isinstance(value, IndirectObject):
        value = value.get_object()
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
