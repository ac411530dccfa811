"""What the readers of each framework see of a page, read with Python's own parser of HTML. For check_words.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

from words_text import digits, letters, plain, raw_marks, words_of

# -- the page

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
INLINE = re.compile(
    "a|abbr|b|bd[io]|cite|code|del|dfn|em|font|ins?|kbd|mark|q|s|samp|small|span|strike|strong|tt|u|var|wbr"
)
OWN_WORDS = re.compile(
    "headerlink|section-number|caption-number|eqno|ov-(?:actions|for|bar|note|only|name|not-executed|output|failure)"
    "|ov-(?:front|top-line|top-author|top-links)|footnote(?:-reference|-list)?|citation-list"
)
"""Classes of elements whose words the tool made, not the author, or that are from settings and files of HTML."""
NO_TEXT = {"script", "style", "head", "template", "svg", "noscript", "button"}


@dataclass
class Element:
    """An element of a page."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    children: list[Element | str] = field(default_factory=list)

    @property
    def classes(self) -> set[str]:
        return set(self.attributes.get("class", "").split())

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def walk(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def find(self, tag: str = "", name: str = "") -> Element | None:
        return next((e for e in self.walk() if (not tag or e.tag == tag) and (not name or name in e.classes)), None)


class Tree(HTMLParser):
    """A page as a tree of elements."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.at = self.root
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.children.append(element)
        if tag not in VOID:
            self.at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.at.children.append(Element(tag, {name: value or "" for name, value in attrs}, self.at))

    def handle_endtag(self, tag: str) -> None:
        element: Element | None = self.at
        while element is not None and element.tag != tag:
            element = element.parent
        if element is not None and element.parent is not None:
            self.at = element.parent

    def handle_data(self, data: str) -> None:
        self.at.children.append(data)


@dataclass(frozen=True)
class Link:
    """A link inside of the site, with its words: a reference's are not the author's."""

    address: str
    text: str


@dataclass(frozen=True)
class PageTable:
    """A table of a page."""

    rows: tuple[tuple[str, ...], ...]
    caption: tuple[str, ...] | None
    number: str


@dataclass
class View:
    """What the readers of one framework see of a page."""

    parts: list[str | Link] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    fences: list[str] = field(default_factory=list)
    formulas: list[tuple[str, str]] = field(default_factory=list)
    citations: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    outward: list[str] = field(default_factory=list)
    toc: list[str] = field(default_factory=list)
    tables: list[PageTable] = field(default_factory=list)
    alternatives: list[str] = field(default_factory=list)
    """What stands in for pictures that have no caption."""
    counted: int = 0
    """How many items of numbered lists there are."""
    raw: list[str] = field(default_factory=list)
    """The text with strong and struck words marked as the dialect would, to be searched for slide marks."""


@dataclass(frozen=True)
class Thing:
    """Something of a page that can be linked to."""

    kind: str
    number: str
    title: str


def view(article: Element, tab: str) -> View:
    """Collect what a framework's readers see."""
    seen = View()
    look(article, tab, seen)
    return seen


def look(element: Element, tab: str, seen: View) -> None:
    """Add an element to a view."""
    if element.tag in NO_TEXT or any(map(OWN_WORDS.fullmatch, element.classes)):
        return
    if "ov-panel" in element.classes and element.attributes.get("data-tab") != tab:
        return
    if element.tag == "dl" and "py" in element.classes:  # made from the library, where its words are
        seen.raw += [f" {e.text} " for e in element.walk() if e.tag == "p"]
        return
    named = element.attributes.get("data-tabs") if element.tag == "li" else None
    if named is not None and tab not in named.split():
        return  # where readers of other frameworks talk about the page
    special = SPECIAL.get(element.tag)
    if special is not None and special(element, tab, seen):
        return
    if "bibtex-citation" in element.classes:
        seen.citations += [e.attributes.get("href", "") for e in element.walk() if e.tag == "a"]
        seen.parts.append(" ")
        return
    if "toctree-wrapper" in element.classes:
        seen.toc += [e.attributes.get("href", "") for e in element.walk() if e.tag == "a"]
        return
    gap = "" if INLINE.fullmatch(element.tag) else " "
    mark = {"strong": "**", "b": "**", "s": "~~", "del": "~~", "code": " "}.get(element.tag, gap)
    seen.parts.append(gap)
    seen.raw.append(mark)
    for child in element.children:
        if isinstance(child, str):
            seen.parts.append(child)
            seen.raw.append(child)
        else:
            look(child, tab, seen)
    seen.parts.append(gap)
    seen.raw.append(mark)


def look_at_math(element: Element, tab: str, seen: View) -> bool:
    """A formula: its letters."""
    kind = "display" if element.attributes.get("display") == "block" else "inline"
    text = "".join(e.text for e in element.walk() if e.tag in ("mi", "mn", "mo", "mtext", "ms"))
    seen.formulas.append((kind, letters(text)))
    seen.parts.append(" ")
    seen.raw.append(" ")
    return True


def look_at_pre(element: Element, tab: str, seen: View) -> bool:
    """Code: a cell, or what the author only shows."""
    text = element.text
    above = element.parent
    while above is not None and "ov-code" not in above.classes:
        above = above.parent
    if above is not None:
        seen.cells.append(text)
    else:
        seen.fences.append(text)
        seen.raw.append(f" {text} ")
    return True


def look_at_picture(element: Element, tab: str, seen: View) -> bool:
    """A picture; without a caption its alternative text stands in."""
    seen.pictures.append(element.attributes.get("src", ""))
    figure = element.parent
    while figure is not None and figure.tag != "figure":
        figure = figure.parent
    caption = figure.find("figcaption") if figure else None
    if caption is None:
        seen.alternatives.append(" ".join(element.attributes.get("alt", "").split()))
    return True


def look_at_link(element: Element, tab: str, seen: View) -> bool:
    """A link: into the site, where it may be a reference, or out of it."""
    address = element.attributes.get("href", "")
    if urlsplit(address).scheme:
        seen.outward.append(address)
        return False
    inner = View()
    for child in element.children:
        if isinstance(child, str):
            inner.parts.append(child)
        else:
            look(child, tab, inner)
    seen.parts.append(Link(address, flat(inner.parts)))
    seen.formulas += inner.formulas
    seen.pictures += inner.pictures
    seen.alternatives += inner.alternatives
    seen.raw.append(f" {flat(inner.parts)} ")
    return True


def look_at_item(element: Element, tab: str, seen: View) -> bool:
    """An item of a numbered list shows a number that is not in the text."""
    seen.counted += element.parent is not None and element.parent.tag == "ol"
    return False


def look_at_table(element: Element, tab: str, seen: View) -> bool:
    """A table; its words are the page's words too."""
    caption = element.find("caption")
    number = caption.find(name="caption-number") if caption else None
    rows = []
    for row in (e for e in element.walk() if e.tag == "tr"):
        inner = View()
        look(row, tab, inner)
        rows.append(tuple(sorted(words_of(flat(inner.parts, references=False)))))
    inner = View()
    if caption:
        look(caption, tab, inner)
    told = tuple(words_of(flat(inner.parts, references=False))) if caption else None
    seen.tables.append(PageTable(tuple(rows), told, number.text if number else ""))
    return False


SPECIAL: dict[str, Callable[[Element, str, View], bool]] = {
    "math": look_at_math,
    "pre": look_at_pre,
    "img": look_at_picture,
    "a": look_at_link,
    "li": look_at_item,
    "table": look_at_table,
}


def flat(parts: Iterable[str | Link], *, references: bool = True) -> str:
    """The text of a view's parts."""
    return "".join(part if isinstance(part, str) else part.text if references else " " for part in parts)


def things(article: Element) -> dict[str, Thing]:
    """What has an id on a page."""
    return {e.attributes["id"]: thing(e) for e in article.walk() if e.attributes.get("id")}


def thing(element: Element) -> Thing:
    """What an element with an id is, its number and its title."""
    number = element.find(name="eqno")
    if number is not None and element.tag == "div":
        return Thing("equation", digits(number.text), "")
    if element.tag in ("figure", "table"):
        counter, caption = element.find(name="caption-number"), element.find(name="caption-text")
        return Thing(element.tag, digits(counter.text if counter else ""), caption.text if caption else "")
    section = element if element.tag == "section" else element.parent
    if section is not None and section.tag == "section":
        heading = next((e for e in section.children if isinstance(e, Element) and re.fullmatch(r"h[1-6]", e.tag)), None)
        if heading is not None and (element is section or element.tag == "span"):
            counter = heading.find(name="section-number")
            title = flat(view(heading, "").parts)
            return Thing("section", digits(counter.text if counter else ""), title)
    return Thing(element.tag, "", element.text)


class SitePage:
    """A page of the site: a view for each framework, and what can be linked to."""

    def __init__(self, file: Path, tabs: Sequence[str]) -> None:
        root = Tree(file.read_text(encoding="utf-8")).root
        article = root.find("article") or root
        self.things = things(article)
        panels = any("ov-panel" in e.classes or "data-tabs" in e.attributes for e in article.walk())
        self.views = {tab: view(article, tab) for tab in tabs} if panels else dict.fromkeys(tabs, view(article, ""))
        self.entries = {
            e.attributes["id"]: plain(e.text)
            for e in article.walk()
            if "citation" in e.classes and "id" in e.attributes
        }
        self.documented = " ".join(e.text for e in article.walk() if "sig" in e.classes)
        everything = "".join(text_around(root))
        self.around = raw_marks(everything)
        self.placeholders = re.findall(r"###_\w*_###", file.read_text(encoding="utf-8"))


def text_around(element: Element) -> Iterator[str]:
    """The text beside of the article: titles, tables of contents, header and footer; code in them set aside."""
    for child in element.children:
        if isinstance(child, str):
            yield child
        elif child.tag not in ("article", "script", "style", "svg", "code", "pre"):
            yield from text_around(child)
