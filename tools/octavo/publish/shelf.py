"""What the pages of a book refer to, and how notebooks say it: ``Section 3.2``, ``Figure 2.1``, ``(3.1.4)``."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from octavo.macros import Macro
from octavo.model import Book, Document
from octavo.publish.citations import Work
from octavo.source import dialect
from octavo.source.numbers import Numbered, Numbers

_PLACEHOLDER = re.compile(r"%s|\{(?:number|name)\}")
_IN_CODE = re.compile(r":(numref|ref|eqref):(`{1,2})([^`\n]+)\2")


@dataclass(frozen=True, slots=True)
class Phrases:
    """How numbered things are called, in the book's language; ``%s`` stands for the number."""

    chapter: str = "Chapter %s"
    section: str = "Section %s"
    figure: str = "Figure %s"
    table: str = "Table %s"


@dataclass(frozen=True)
class Shelf:
    """What all pages of a book refer to."""

    book: Book
    numbers: Numbers
    works: Mapping[str, Work]
    phrases: Phrases = field(default_factory=Phrases)
    macros: Mapping[str, Macro] = field(default_factory=dict)
    """The book's macros for formulas by name: Jupyter does not know them."""
    documents: Mapping[str, Document] = field(init=False)
    pages: Mapping[str, str] = field(init=False)
    """Label → the page that it stands on."""
    heads: Mapping[str, Numbered] = field(init=False)
    """Page → its first section."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "documents", {document.page: document for document in self.book.pages})
        pages = {label.name: document.page for document in reversed(self.book.pages) for label in document.labels}
        object.__setattr__(self, "pages", pages)
        heads: dict[str, Numbered] = {}
        for (page, _), found in self.numbers.places.items():
            if found.kind == "section":
                heads.setdefault(page, found)
        object.__setattr__(self, "heads", heads)

    def referred(self, name: str, text: str) -> tuple[str, str | None]:
        """What a reference says, and the page that it leads to."""
        words, label = dialect.titled(text)
        found = self.numbers.find(label)
        if found is None:
            page = self.pages.get(label)
            return (bracketed(words) if words else code(label)), page
        if found.kind == "equation":
            number = f"({found.written})"
            return (_filled(words, found) if words and name == "numref" else number), found.page
        if words is not None:
            return (_filled(words, found) if name != "ref" else words), found.page
        if name == "ref" or not found.number:
            return (bracketed(found.title) if found.title else code(label)), found.page
        return self._phrase(found) % found.written, found.page

    def _phrase(self, found: Numbered) -> str:
        if found.kind == "section":
            return self.phrases.chapter if len(found.number) == 1 else self.phrases.section
        return self.phrases.table if found.kind == "table" else self.phrases.figure

    def in_code(self, text: str) -> str:
        """Code in which comments and docstrings say where a reference leads, as prose does."""

        def said(match: re.Match[str]) -> str:
            known = self.numbers.find(dialect.titled(match[3])[1]) is not None
            return self.referred(match[1], match[3])[0] if known else match[0]

        return _IN_CODE.sub(said, text) if ":`" in text else text


@dataclass(frozen=True)
class View:
    """One framework's notebooks."""

    tab: str
    pages: frozenset[str]
    """Pages that have a notebook; others are on the website, or named without a link."""
    ending: str = ".ipynb"
    """How their files end."""
    begin: str = ""
    """What stands before their paths in their addresses; empty where they refer to each other as files do."""
    site: str = ""
    """Address of the website, which has the pages that have no notebook; empty where nobody knows it."""

    def link(self, text: str, page: str, *, origin: str) -> str:
        """Words that lead to another page's notebook."""
        if page == origin:
            return text
        if page not in self.pages:
            return f"[{text}]({self.on_site(page)})" if self.site else text
        address = posixpath.relpath(f"{page}{self.ending}", posixpath.dirname(origin) or ".")
        return f"[{text}]({self.address(page) or quote(address)})"

    def on_site(self, page: str) -> str:
        """Where a page is on the website."""
        return f"{self.site}{quote(page)}.html"

    def address(self, page: str) -> str:
        """Where another page's notebook is, wherever this one is; empty where they refer to each other as files."""
        return f"{self.begin}{quote(page)}{self.ending}" if self.begin else ""


def bracketed(text: str) -> str:
    """Plain text between brackets: nothing in it may end them."""
    return re.sub(r"([\[\]])", r"\\\1", text)


def code(text: str) -> str:
    """Text as a span of code."""
    ticks = "``" if "`" in text else "`"
    return f"{ticks}{text}{ticks}"


def _filled(words: str, found: Numbered) -> str:
    """The own words of a reference, with the number where they want one."""
    return _PLACEHOLDER.sub(lambda match: found.title if match[0] == "{name}" else found.written, words)
