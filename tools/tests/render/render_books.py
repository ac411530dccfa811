"""Mini-books for the tests of rendering: files and results in, a website out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from textwrap import dedent

from octavo.config import Settings, load
from octavo.diagnostics import Diagnostic, Diagnostics
from octavo.model import (
    Book,
    CellRun,
    Edition,
    Failure,
    Inputs,
    Output,
    Run,
)
from octavo.render.project import render_html
from octavo.select.edition import cut
from octavo.source.toc import read_book

CONFIG = """\
[project]
name = mini
title = A Mini Book
author = The Testers
[build]
tabs = pytorch, tensorflow, jax
untagged = all
"""

PLOT = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 180" width="300" height="180">
<rect width="300" height="180" fill="white"/>
<path d="M40 20 V150 H280" fill="none" stroke="black"/>
<path d="M40 30 C90 120 160 135 280 140" fill="none" stroke="#1f77b4" stroke-width="2"/>
<g id="matplotlib.axis_1"><text x="60" y="165">10</text><text x="150" y="175">epoch</text></g>
<g id="matplotlib.axis_2"><text x="5" y="90">loss</text></g>
<g id="legend_1"><text x="230" y="40">train</text><text x="230" y="55">test</text></g>
</svg>
"""

Results = Callable[[str, str, int, str], "tuple[Output, ...] | Failure | None"]
"""(page, framework, index of the cell, code) → what it printed; a failure; or nothing because it was not executed."""


def out(text: str) -> tuple[Output, ...]:
    return (Output("stream", "stdout", text),)


def shown(**data: str) -> tuple[Output, ...]:
    """A result with MIME types written as ``text_plain`` and ``image_svg``."""
    names = {"text_plain": "text/plain", "text_html": "text/html", "image_svg": "image/svg+xml",
             "image_png": "image/png", "text_latex": "text/latex"}  # fmt: skip
    return (Output("result", data={names[key]: value for key, value in data.items()}),)


def nothing(page: str, tab: str, index: int, code: str) -> tuple[Output, ...]:
    return ()


@dataclass
class MiniBook:
    """A book in a temporary folder."""

    root: Path
    results: Results = nothing
    read: list[str] = field(default_factory=list)
    """Pages that the last build read."""
    written: list[str] = field(default_factory=list)

    def write(self, **files: str) -> None:
        """Write pages by their names, ``__`` for a slash."""
        for name, text in files.items():
            path = self.root / f"{name.replace('__', '/')}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")

    def sources(self) -> tuple[Settings, Book, Diagnostics]:
        settings, messages = load(self.root)
        assert settings is not None, messages
        diagnostics = Diagnostics()
        diagnostics.add(*messages)
        book, messages = read_book(settings)
        diagnostics.add(*messages)
        return settings, book, diagnostics

    def build(self, **options: object) -> list[Diagnostic]:
        settings, book, diagnostics = self.sources()
        self.read, self.written = [], []
        editions, runs = cut_book(book, settings, self.results)

        def progress(step: str, page: str) -> None:
            {"read": self.read, "write": self.written}.get(step, []).append(page)

        render_html(
            book, settings, editions, runs, self.site, self.root / "_build/doctrees", diagnostics, progress, **options
        )
        return list(diagnostics)

    @property
    def site(self) -> Path:
        return self.root / "_build/html"

    def html(self, page: str) -> Element:
        return parse((self.site / f"{page}.html").read_text(encoding="utf-8"))

    def article(self, page: str) -> Element:
        return self.html(page).one("article")


def make(root: Path, config: str = CONFIG, results: Results = nothing, **files: str) -> MiniBook:
    (root / "config.ini").write_text(config, encoding="utf-8")
    book = MiniBook(root, results)
    book.write(**files)
    return book


def cut_book(
    book: Book, settings: Settings, results: Results
) -> tuple[dict[tuple[str, str], Edition], dict[tuple[str, str], Run]]:
    """Every edition of the book, and runs made of ``results``."""
    editions: dict[tuple[str, str], Edition] = {}
    runs: dict[tuple[str, str], Run] = {}
    for page in book.pages:
        for tab in page.tabs:
            editions[page.page, tab], _ = cut(page, tab, settings)
            cells = editions[page.page, tab].cells
            done: list[CellRun] = []
            failure = None
            for index, cell in enumerate(cells):
                result = results(page.page, tab, index, cell.code.text)
                if isinstance(result, Failure):
                    failure = result
                if not isinstance(result, tuple):
                    break
                done.append(CellRun("0", result))
            if len(done) == len(cells) or failure or done:
                inputs = Inputs((), {}, {}, {})
                runs[page.page, tab] = Run("0", page.page, tab, inputs, tuple(done), failure)
    return editions, runs


# -- a small tree of HTML, from Python's own parser


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What a browser shows of it: no annotation, which is a formula's TeX for those who copy it."""
        return " ".join("".join(self.pieces()).split())

    def pieces(self) -> list[str]:
        shown = (c for c in self.children if isinstance(c, str) or c.tag != "annotation")
        return [piece for c in shown for piece in ([c] if isinstance(c, str) else c.pieces())]

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    def all(self, selector: str, **attributes: str) -> list[Element]:
        """Descendants by ``tag.class`` and exact attributes (``data_tab`` means ``data-tab``)."""
        tag, _, name = selector.partition(".")
        wanted = {key.replace("_", "-"): value for key, value in attributes.items()}
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if (
                    (not tag or child.tag == tag)
                    and (not name or name in child.classes)
                    and all(child.attributes.get(key) == value for key, value in wanted.items())
                ):
                    found.append(child)
                found.extend(child.all(selector, **attributes))
        return found

    def one(self, selector: str, **attributes: str) -> Element:
        found = self.all(selector, **attributes)
        assert len(found) == 1, f"{len(found)} × {selector} {attributes}"
        return found[0]


_VOID = {"img", "br", "hr", "meta", "link", "input", "col", "path", "use", "rect", "area", "source", "wbr"}


class _TreeParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self.open) - 1, 0, -1):
            if self.open[depth].tag == tag:
                del self.open[depth:]
                return

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(html: str) -> Element:
    parser = _TreeParser()
    parser.feed(html)
    return parser.root


NOT_FETCHED = ("canonical", "next", "prev", "author", "search", "index", "expect")


def asset_addresses(page: Element) -> list[tuple[str, Mapping[str, str]]]:
    """What a browser fetches by itself for a page."""
    found = []
    for element in page.all(""):
        a = element.attributes
        if element.tag in ("script", "img", "iframe", "audio", "video", "source", "embed") and "src" in a:
            found.append((a["src"], a))
        if element.tag == "link" and a.get("rel") not in NOT_FETCHED:
            found.append((a.get("href", ""), a))
    return found
