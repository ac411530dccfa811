"""The decks of a book, for each framework, and the list of them."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from markdown_it.token import Token

from octavo.config import Settings, tab_title
from octavo.model import Book, Document, Edition, Run
from octavo.publish.citations import read_works
from octavo.publish.copies import KINDS
from octavo.publish.markdown import parser
from octavo.publish.notebooks import picture_files
from octavo.publish.shelf import Phrases, Shelf, View
from octavo.publish.slides.deck import Deck, deck, marks, slides_parser
from octavo.publish.slides.document import Frame, Look, document
from octavo.source.links import bibliographies
from octavo.source.numbers import number

README = "README.md"


@dataclass(frozen=True, slots=True)
class Decks:
    """All files of one framework's slides."""

    tab: str
    files: Mapping[str, bytes]
    """Path in the folder → content: a deck for each page with marks, and the list of them."""
    count: int
    """How many decks there are."""


def decks(
    book: Book,
    settings: Settings,
    editions: Mapping[tuple[str, str], Edition],
    runs: Mapping[tuple[str, str], Run],
    tabs: Sequence[str],
    phrases: Phrases,
    look: Look,
) -> Iterator[Decks]:
    """The decks of each framework in ``tabs``: one for every page that has marks for its readers."""
    shelf = _shelf(book, settings, phrases)
    md = slides_parser()
    marked = {page.page: found for page in book.pages if (found := marks(page, shelf, md)) is not None}
    for tab in tabs:
        seen = {page: one for page, one in marked.items() if tab in one.page.document.tabs and one.is_for(tab)}
        view = View(tab, frozenset(seen), ".html", site=settings.website.base_url)
        files: dict[str, bytes] = {}
        titles: dict[str, str] = {}
        for page, one in seen.items():
            made = deck(one, _cells(page, editions, runs), view)
            if made is not None:
                pictures = _pictures(made, settings)
                files[f"{page}.html"] = document(made, _frame(settings, made), look, pictures)
                titles[page] = made.title
        if files:
            files[README] = _readme(settings, tab, titles).encode()
        yield Decks(tab, files, len(titles))


def _cells(
    page: str, editions: Mapping[tuple[str, str], Edition], runs: Mapping[tuple[str, str], Run]
) -> Callable[[str], tuple[Edition | None, Run | None]]:
    """Framework → a page in it, and its results."""
    return lambda tab: (editions.get((page, tab)), runs.get((page, tab)))


def _shelf(book: Book, settings: Settings, phrases: Phrases) -> Shelf:
    md = parser()

    def tokens(page: Document) -> Sequence[Token]:
        env: dict[str, Any] = {}
        return md.parse(page.text, env)

    cited = (reference.target for d in book.pages for reference in d.references if reference.kind == "citation")
    works = read_works(bibliographies(book, settings), cited)
    return Shelf(book, number(book, tokens), works, phrases, {macro.name: macro for macro in settings.macros})


def _frame(settings: Settings, made: Deck) -> Frame:
    base = settings.website.base_url
    return Frame(
        book=settings.title or settings.name,
        language=settings.language.replace("_", "-"),
        framework=tab_title(made.tab) if len(settings.tabs) > 1 else "",
        home=f"{base}{quote(made.page)}.html" if base else "",
        top_left=settings.slides.top_left,
        top_right=settings.slides.top_right,
    )


def _pictures(made: Deck, settings: Settings) -> Callable[[str], tuple[str, bytes] | None]:
    """Address of a picture, as a page or the settings have it → its MIME type and content, if the book has it."""

    def found(address: str) -> tuple[str, bytes] | None:
        plain = unquote(address.partition("?")[0].partition("#")[0])
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(made.page), plain)).lstrip("/")
        name = posixpath.basename(plain)
        # a picture of the website, which old books have in a folder whose files the website shows as _static
        candidates = (inside, plain, *((f"static/{name}", f"img/{name}") if "/_static/" in f"/{plain}" else ()))
        for path, file in picture_files({one for one in candidates if one and "\x00" not in one}, settings):
            kind = KINDS.get(posixpath.splitext(path)[1].lower())
            if kind is not None:
                return kind, file.read_bytes()
        return None

    return found


def _readme(settings: Settings, tab: str, titles: Mapping[str, str]) -> str:
    """The list of the decks; where they are published in a repository of GitHub, with their addresses there."""
    repository = settings.slides.repository(tab)
    owner, _, name = repository.partition("/")
    begin = f"https://{owner.lower()}.github.io/{name}/" if repository else ""
    framework = f" ({tab_title(tab)})" if len(settings.tabs) > 1 else ""
    lines = [f"# {settings.title or settings.name}: slides{framework}", ""]
    lines += [f"- [{title}]({begin}{quote(page)}.html)" for page, title in titles.items()]
    return "\n".join(lines) + "\n"
