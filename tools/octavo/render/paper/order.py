"""The order of a book on paper: what stands before its chapters, the chapters, and what stands behind them.

The website's front page says it with its tables of contents. Those that are numbered hold the chapters; what is listed
before the first of them, such as a preface, comes with roman page numbers, and what is listed behind the last one ends
the book. A table with a caption begins a part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from docutils import nodes
from sphinx import addnodes

from octavo.model import Document
from octavo.render.facts import facts_of
from octavo.render.paper.base import PaperBase

FRONT, MAIN, BACK = "front", "main", "back"


class matter(nodes.General, nodes.Element):  # noqa: N801 - docutils names nodes in lower case
    """Begins the front, main or back of the book (``name``)."""


class part(nodes.General, nodes.Element):  # noqa: N801
    """Begins a part, whose ``title`` it says."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A table of contents of the front page."""

    numbered: bool
    caption: str
    pages: tuple[str, ...]
    depth: int
    """How many levels it shows; 0 or less for all."""


def tables_of_contents(front_page: nodes.document) -> list[Contents]:
    """Those of the front page, in its order."""
    return [
        Contents(
            bool(toctree.get("numbered")),
            str(toctree.get("caption") or ""),
            tuple(str(page) for page in toctree["includefiles"]),
            int(toctree.get("maxdepth", 0)),
        )
        for toctree in front_page.findall(addnodes.toctree)
    ]


def matters(contents: Sequence[Contents]) -> dict[str, list[Contents]]:
    """Front, main and back → their tables of contents; a book without numbers has no more than a main part."""
    numbered = [at for at, table in enumerate(contents) if table.numbered]
    first, last = (numbered[0], numbered[-1]) if numbered else (0, len(contents) - 1)
    return {FRONT: [*contents[:first]], MAIN: [*contents[first : last + 1]], BACK: [*contents[last + 1 :]]}


def depth_of_contents(contents: Sequence[Contents]) -> int:
    """How many levels the contents show: as many as the website's, and no fewer than chapters and sections."""
    depths = [table.depth for table in matters(contents)[MAIN]]
    return min(max([2, *depths]), 3)


def is_shown(document: Document) -> bool:
    """Whether an edition has a page: one whose code is all of other frameworks would be a gap in the text."""
    return bool(document.tabs) or not document.cells


class Assembly:
    """Puts the pages of a book together."""

    def __init__(self, env: Any, documents: Mapping[str, Document]) -> None:
        self.env = env
        self.documents = documents
        self.pages: set[str] = set()
        """The pages that it has put in."""
        self.depth = 2
        """How many levels the contents show."""

    def whole(self, front_page: str, about: str) -> nodes.document:
        """The book as one document; ``about`` is the heading of what the front page says itself."""
        book: nodes.document = self.env.get_doctree(front_page)
        book["docname"] = front_page
        self.pages = {front_page}
        contents = tables_of_contents(book)
        self.depth = depth_of_contents(contents)
        introduction = _introduction(book, front_page, about)
        book.children = []
        book += matter(name=FRONT)
        if introduction is not None:
            book += introduction
        groups = matters(contents)
        for name, tables in groups.items():
            if name != FRONT and (tables or name == MAIN):
                book += matter(name=name)
            for table in tables:
                if name == MAIN and table.caption:
                    book += part(title=table.caption)
                book += list(self._files(table.pages))
        return book

    def _files(self, pages: Iterable[str]) -> Iterator[nodes.Node]:
        for page in pages:
            document = self.documents.get(page)
            if page not in self.pages and page in self.env.all_docs and (document is None or is_shown(document)):
                self.pages.add(page)
                yield self._file(page)

    def _file(self, page: str) -> addnodes.start_of_file:
        """A page, and in it those that its tables of contents list."""
        tree = self.env.get_doctree(page)
        for toctree in list(tree.findall(addnodes.toctree)):
            toctree.parent.replace(toctree, list(self._files(map(str, toctree["includefiles"]))))
        file = addnodes.start_of_file(docname=page)
        file += tree.children
        for section in file.findall(nodes.section):
            section.setdefault("docname", page)
        return file


def _introduction(front_page: nodes.document, page: str, title: str) -> nodes.section | None:
    """What the front page says besides its title and contents, as a chapter; the website's HTML is gone."""
    for node in list(front_page.findall(_is_of_the_website)):
        node.parent.remove(node)
    top = next((node for node in front_page.children if isinstance(node, nodes.section)), None)
    before = [node for node in front_page.children if node is not top]
    inside = [node for node in top.children if not isinstance(node, nodes.title)] if top is not None else []
    if not any(_says_something(node) for node in chain(before, inside)):
        return None
    ids = top["ids"] if top is not None else []
    return nodes.section("", nodes.title(title, title), *before, *inside, ids=ids, docname=page)


def _is_of_the_website(node: nodes.Node) -> bool:
    foreign = isinstance(node, nodes.raw) and "latex" not in node.get("format", "").split()
    return foreign or isinstance(node, addnodes.toctree | nodes.comment)


def _says_something(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Element) and next(iter(node.findall(nodes.image)), None) is not None:
        return True
    return bool(node.astext().strip())


class OrderMixin(PaperBase):
    """The parts of the book, and the numbers of its headings, in the manuscript."""

    def visit_document(self, node: nodes.Element) -> None:
        """The book; its title stands on the title page."""
        super().visit_document(node)
        self.this_is_the_title = 0

    def visit_start_of_file(self, node: nodes.Element) -> None:
        """A page begins; one whose title is for the website alone, as old books have their references, gets it here."""
        super().visit_start_of_file(node)
        if next(iter(node.findall(nodes.section)), None) is not None:
            return
        title = self.builder.env.titles.get(self.page)
        if title is not None and "no title" not in title.astext() and node.astext().strip():
            name = self.sectionnames[min(self.sectionlevel + 1, len(self.sectionnames) - 1)]
            number = self.builder.env.toc_secnumbers.get(self.page, {}).get("", ())
            self.body.append(f"\n\\octavonumber{{{'.'.join(map(str, number))}}}%\n")
            self.body.append(f"\\{name}{{{self.encode(title.astext())}}}\n")
        self.body.append(self.hypertarget(":doc"))

    def visit_matter(self, node: nodes.Element) -> None:
        """Pages are counted anew."""
        self.body.append(f"\n\\octavo{node['name']}matter\n")
        raise nodes.SkipNode

    def visit_part(self, node: nodes.Element) -> None:
        """A part has no number on the website, so it has none here."""
        self.body.append(f"\n\\octavonumber{{}}\n\\octavopart{{{self.encode(node['title'])}}}\n")
        raise nodes.SkipNode

    def visit_title(self, node: nodes.Element) -> None:
        """The heading of a section with the website's number."""
        if isinstance(node.parent, nodes.section):
            self.mark_place(node)
            self.body.append(f"\\octavonumber{{{self.number_of_section(node.parent)}}}%\n")
        super().visit_title(node)

    def depart_title(self, node: nodes.Element) -> None:
        """Below the heading of a page: where it is found on the website."""
        super().depart_title(node)
        if isinstance(node.parent, nodes.section) and self._is_page(node.parent):
            self._add_address()

    def number_of_section(self, section: nodes.Element) -> str:
        """The number of a section, such as ``2.1``; empty where it has none."""
        numbers = self.builder.env.toc_secnumbers.get(self.page, {})
        number = numbers.get("" if self._is_page(section) else f"#{section['ids'][0]}") if section["ids"] else None
        return ".".join(map(str, number or ()))

    def _is_page(self, section: nodes.Element) -> bool:
        """Whether it is all of its page."""
        facts = facts_of(self.builder.env).pages.get(self.page)
        return facts is not None and bool(section["ids"]) and facts.sections.get(section["ids"][0], False)

    def _add_address(self) -> None:
        base = self.source.settings.website.base_url
        if not base or self.page == self.source.settings.index:
            return
        path = f"{self.page}.html"
        tab = self.source.settings.tabs[0] if self.source.settings.tabs else "default"
        address = f"{base}{path}" if tab == "default" else f"{base}{path}?tab={tab}"
        shown = f"{base.partition('://')[2]}{path}"
        builder: Any = self.builder
        code = builder.qr(address) if self.sectionlevel <= 1 else ""
        self.body.append(f"\\octavoonline{{{self.encode_uri(address)}}}{{{self.encode_uri(shown)}}}{{{code}}}\n")
