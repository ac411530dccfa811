"""What the readers of one framework find on a website, in the order of its pages. For check_pdf.py and check_epub.py.

Imports nothing of octavo.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from words_page import Element, Tree

BLOCKS = {"p", "li", "td", "th", "caption", "dd", "dt", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6", "div", "pre"}
ONLY_ON_SCREEN = re.compile(
    "headerlink|ov-(?:actions|for|bar|note|name|copy|elsewhere)|toctree-wrapper|label|section-number|caption-number|eqno"
)
"""Classes of what stands on the website only, or is read apart."""
NO_TEXT = {"script", "style", "svg", "button", "template"}


@dataclass(frozen=True, slots=True)
class Item:
    """Something that must be in the book, at its place."""

    kind: str
    """heading, caption, equation, code, output, table or prose."""
    text: str
    number: str = ""
    level: int = 0
    page: str = ""


@dataclass(slots=True)
class SitePage:
    """A page of the website, as the readers of one framework see it."""

    name: str
    items: list[Item] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    """Prose that only readers of other frameworks see."""
    pictures: list[str] = field(default_factory=list)
    """Addresses of the pictures, from the site's root."""
    outward: list[str] = field(default_factory=list)
    """Addresses of other sites that its links lead to."""


@dataclass(slots=True)
class Site:
    """A website's pages in reading order, the front page first."""

    title: str
    language: str
    pages: list[SitePage]
    base: str
    """Its address, if it has one."""
    root: Path
    """The folder that it lies in."""

    def photographs(self, address: str) -> int:
        """How many pictures of pixels a picture of the site is, or holds."""
        if not address.endswith(".svg"):
            return 1
        return (self.root / address).read_text(encoding="utf-8").count("<image")

    @property
    def items(self) -> list[Item]:
        return [item for page in self.pages for item in page.items]


def read_site(root: Path, tab: str) -> Site:
    """Read the pages that the readers of a framework are led through, from the front page on."""
    name: str | None = "index.html"
    pages: list[SitePage] = []
    title = language = base = ""
    while name is not None and (root / name).is_file():
        tree = Tree((root / name).read_text(encoding="utf-8")).root
        if not pages:
            html = tree.find("html")
            language = html.attributes.get("lang", "") if html else ""
            title = next((e.text for e in tree.walk() if e.tag == "title"), "")
            base = link_of(tree, "canonical") or ""
        if is_described(tree):
            break
        pages.append(read_page(tree, name, tab))
        following = link_of(tree, "next")
        name = posixpath.normpath(posixpath.join(posixpath.dirname(name), following)) if following else None
        if name in {page.name for page in pages}:
            break
    return Site(title, language, [page for page in pages if page.items or page is pages[0]], base, root)


def link_of(tree: Element, relation: str) -> str | None:
    """The address of a page's link of a kind."""
    for element in tree.walk():
        if element.tag == "link" and element.attributes.get("rel") == relation:
            return (
                urlsplit(element.attributes.get("href", "")).path if relation == "next" else element.attributes["href"]
            )
    return None


def is_described(tree: Element) -> bool:
    """Whether a page describes a library: those are made by the website, and no page of the book."""
    article = tree.find("article")
    return article is not None and any(e.tag == "dl" and "py" in e.classes for e in article.walk())


def read_page(tree: Element, name: str, tab: str) -> SitePage:
    """What stands on a page for the readers of a framework."""
    article = tree.find("article") or tree
    page = SitePage(name)
    Reader(page, tab).blocks(article)
    return page


class Reader:
    """Walks over the article of a page."""

    def __init__(self, page: SitePage, tab: str) -> None:
        self.page, self.tab = page, tab
        self.words: list[str] = []

    def add(self, kind: str, text: str, number: str = "", level: int = 0) -> None:
        if pieces(text) or number:
            self.page.items.append(Item(kind, text, number, level, self.page.name))

    def end_of_prose(self) -> None:
        """What was collected of a paragraph is one piece of prose."""
        self.add("prose", " ".join("".join(self.words).split()))
        self.words = []

    def blocks(self, element: Element) -> None:
        for child in element.children:
            if isinstance(child, str):
                self.words.append(child)
            else:
                self.element(child)

    def element(self, element: Element) -> None:
        if element.tag in NO_TEXT or any(map(ONLY_ON_SCREEN.fullmatch, element.classes)):
            if "eqno" in element.classes:
                self.end_of_prose()
                self.add("equation", "", own_text(element))
            return
        if "ov-panel" in element.classes and element.attributes.get("data-tab") != self.tab:
            self.page.foreign += prose_of(element)
            return
        named = element.attributes.get("data-tabs") if element.tag == "li" else None
        if named is not None and self.tab not in named.split():
            return
        if named is not None or "footnote-list" in element.classes:  # where to talk about the page; other places
            return
        self.outward(element)
        self.known(element)

    def known(self, element: Element) -> None:
        """What has a form of its own; all else is prose."""
        if re.fullmatch("h[1-6]", element.tag):
            self.end_of_prose()
            self.add("heading", title_of(element), number_in(element, "section-number"), int(element.tag[1]))
        elif element.tag in ("figcaption", "caption"):
            self.end_of_prose()
            self.add("caption", title_of(element), number_in(element, "caption-number"))
        elif element.tag == "pre":
            self.end_of_prose()
            self.add("output" if within(element, "ov-output") else "code", element.text.strip("\n"))
        elif element.tag in ("td", "th"):
            self.end_of_prose()
            for piece in pieces(title_of(element)):
                self.add("table", piece)
        elif element.tag == "img":
            self.pictures(element)
        elif is_unknown(element):
            self.words.append("\0")
        elif element.tag in BLOCKS:
            self.end_of_prose()
            self.blocks(element)
            self.end_of_prose()
        else:
            self.blocks(element)

    def pictures(self, element: Element) -> None:
        address = element.attributes.get("src", "")
        if not urlsplit(address).scheme:
            here = posixpath.dirname(self.page.name)
            self.page.pictures.append(posixpath.normpath(posixpath.join(here, address)))

    def outward(self, element: Element) -> None:
        address = element.attributes.get("href", "")
        if element.tag == "a" and urlsplit(address).scheme in ("http", "https"):
            self.page.outward.append(address)


def is_unknown(element: Element) -> bool:
    """Whether nobody knows how this is set: a formula, a citation, the mark of a note."""
    return element.tag in ("math", "sup") or not element.classes.isdisjoint({"bibtex-citation", "footnote-reference"})


def within(element: Element, name: str) -> bool:
    """Whether an element stands in one of this class."""
    above: Element | None = element
    while above is not None and name not in above.classes:
        above = above.parent
    return above is not None


def own_text(element: Element) -> str:
    """The text of an element, without the mark that links to it and without formulas' annotations."""
    if element.tag in NO_TEXT or element.tag == "annotation" or "headerlink" in element.classes:
        return ""
    return "".join(child if isinstance(child, str) else own_text(child) for child in element.children)


def title_of(element: Element) -> str:
    """A heading or a caption without its number; formulas and citations are a NUL each."""
    if element.tag in NO_TEXT or any(map(ONLY_ON_SCREEN.fullmatch, element.classes)):
        return ""
    if is_unknown(element):
        return "\0"
    words = (child if isinstance(child, str) else title_of(child) for child in element.children)
    return " ".join("".join(words).split()) if element.tag in BLOCKS else "".join(words)


def number_in(element: Element, name: str) -> str:
    """The number of a heading or caption: ``2.1.1``."""
    found = element.find(name=name)
    match = re.search(r"(?:[A-Z]\.)?\d+(?:\.\d+)*|\b[A-Z]\b(?=\.?\s*$)", found.text) if found else None
    return match[0] if match else ""


def prose_of(element: Element) -> list[str]:
    """The paragraphs of a panel, in pieces between formulas."""
    found: list[str] = []
    for one in element.walk():
        if one.tag == "p" and "ov-name" not in one.classes:
            found += pieces(title_of(one))
    return found


def pieces(text: str) -> list[str]:
    """A text between what nobody knows the setting of."""
    return [" ".join(piece.split()) for piece in text.split("\0") if piece.strip()]


def of_kind(items: Sequence[Item], *kinds: str) -> Iterator[Item]:
    """The items of these kinds."""
    return (item for item in items if item.kind in kinds)
