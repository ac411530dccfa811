"""The numbers of a book's sections, figures, tables and equations, from its tokens alone.

Numbers are given once for the whole book, and are the website's: Sphinx gives those, by rules that this module knows
too. Sections count along numbered tables of contents, which each begin at 1. Whatever else has a number counts within
its section of the second level, in the order in which the website shows it.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from octavo.digests import digest
from octavo.model import Book, CellKind, Document
from octavo.source import directives
from octavo.source.core import plain_text
from octavo.source.directives import ADMONITIONS, FENCES, directive, tokens_inside
from octavo.source.discussions import apart

Kind = Literal["section", "figure", "table", "equation"]

DEPTH = 2
"""How many levels of the section's number stand before that of a figure, table or equation."""

_LEAVES = frozenset({"paragraph_open", "heading_open", "table_open"})
_KINDS: dict[str, Kind] = {"figure": "figure", "table_open": "table", "math_block": "equation"}


@dataclass(frozen=True, slots=True)
class Numbered:
    """Something that can have a number."""

    kind: Kind
    number: tuple[int, ...]
    """Empty for what has none, such as a section below a table of contents that does not number."""
    page: str
    line: int
    """The author's line that it begins on, from 1."""
    title: str
    """Plain text of the heading or caption."""

    @property
    def written(self) -> str:
        """The number with dots, such as ``3.1.4``."""
        return ".".join(map(str, self.number))


@dataclass(frozen=True, slots=True)
class Numbers:
    """Every number of a book."""

    labels: Mapping[str, Numbered]
    """By label, as written; the first where a label stands twice."""
    places: Mapping[tuple[str, int], Numbered]
    """By page and line; what has neither caption nor label, and equations without label, are missing."""

    def find(self, label: str) -> Numbered | None:
        """What a label stands at; labels other than those of equations may be referred to in any case."""
        found = self.labels.get(label)
        if found is None:
            same = (name for name in self.labels if name.lower() == label.lower())
            found = next((self.labels[name] for name in same if self.labels[name].kind != "equation"), None)
        return found


Kept = dict[str, tuple[str, bytes]]
"""Page → digest of what its outline was read from, and the outline: what a later call need not read again."""


def number(
    book: Book, tokens: Callable[[Document], Sequence[Token]] | None = None, kept: Kept | None = None
) -> Numbers:
    """Number a book.

    ``tokens`` gives a page's tokens to whom has them already; ``kept`` is changed to hold the outlines of this book.
    """
    pages = {document.page: document for document in book.pages}
    outlines: dict[str, _Section] = {}
    known: Kept = {}
    parser = directives.parser()
    structure = digest([(d.page, [(entry.page, entry.numbered) for entry in d.toc]) for d in book.pages])
    for page, document in pages.items():
        now = digest(document.text, document.tabs, structure) if kept is not None else ""
        before = kept.get(page) if kept is not None else None
        if before is None or before[0] != now:
            read = tokens(document) if tokens is not None else parser.parse(document.text, {})
            outlines[page] = _Outliner(document, pages, parser).outline(read)
            before = (now, pickle.dumps(outlines[page])) if kept is not None else ("", b"")
        else:
            outlines[page] = pickle.loads(before[1])
        known[page] = before
    if kept is not None:
        kept.clear()
        kept.update(known)
    _number_sections(book, outlines)
    if book.pages:
        _Counter(outlines).visit(book.pages[0].page, ())
    return _gathered(outlines)


# -- what a page holds, in the website's order


@dataclass(slots=True)
class _Item:
    """A figure, table or equation, or a heading that is no section."""

    kind: Kind
    line: int
    title: str
    labels: list[str] = field(default_factory=list)
    counted: bool = True
    copy: bool = False
    """It stands in the panel of a further framework, where the website numbers captions again."""
    number: tuple[int, ...] = ()


@dataclass(slots=True)
class _Toc:
    numbered: bool
    pages: tuple[str, ...]


@dataclass(slots=True)
class _Section:
    """A heading with everything up to the next one of its level; level 0 is the page."""

    level: int
    line: int
    title: str
    labels: list[str] = field(default_factory=list)
    parts: list[_Section | _Toc | _Item] = field(default_factory=list)
    number: tuple[int, ...] = ()

    def walk(self) -> Iterator[_Section | _Toc | _Item]:
        """Everything below, in order."""
        for part in self.parts:
            yield part
            if isinstance(part, _Section):
                yield from part.walk()


class _Outliner:
    """Reads the outline of one page out of its tokens."""

    def __init__(self, document: Document, pages: Mapping[str, Document], parser: MarkdownIt) -> None:
        self.document = document
        self.pages = pages
        self.parser = parser
        self.cells = {cell.span.line - 1: cell for cell in document.cells}
        self.named = {entry.span.line - 1: entry.page for entry in document.toc}
        # below a numbered table everything has its number already
        self.inherits = any(e.numbered and e.page == document.page for other in pages.values() for e in other.toc)
        self.root = _Section(0, 0, "")
        self.open = [self.root]
        self.waiting: list[str] = []
        """Labels that stand alone and belong to what follows, if it is something that can have one."""

    def outline(self, tokens: Sequence[Token]) -> _Section:
        self._blocks(apart(tokens)[0], sections=True, copy=False)
        return self.root

    def _blocks(self, tokens: Sequence[Token], *, sections: bool, copy: bool) -> None:
        run: list[tuple[Token, Sequence[Token]]] = []
        for token, inside in siblings(tokens):
            if token.type in ("cell", "tab_block_open"):
                run.append((token, inside))
                continue
            if run:
                self._run(run, sections=sections, copy=copy)
                run = []
            self._block(token, inside, sections=sections, copy=copy)
        if run:
            self._run(run, sections=sections, copy=copy)

    def _run(self, run: Sequence[tuple[Token, Sequence[Token]]], *, sections: bool, copy: bool) -> None:
        """Cells and tab blocks in a row: first what all frameworks share, then panel by panel, then what they share."""
        self.waiting = []
        tabs = self.document.tabs
        rows = {tab: [(token, inside) for token, inside in run if self._shows(token, tab)] for tab in tabs}
        ranks = {tab: [self._same(token) for token, _ in row] for tab, row in rows.items()}
        head, tail = shared_ends(list(ranks.values()))
        first = rows[tabs[0]] if tabs else []
        for token, inside in first[:head]:
            self._panel(token, inside, sections=sections, copy=copy)
        done: set[int] = set()
        for row in rows.values():
            for token, inside in row[head : len(row) - tail]:
                self._panel(token, inside, sections=False, copy=copy or _line(token) in done)
                done.add(_line(token))
        for token, inside in first[len(first) - tail :] if tail else ():
            self._panel(token, inside, sections=sections, copy=copy)

    def _shows(self, token: Token, tab: str) -> bool:
        if token.type == "tab_block_open":
            return tab in token.meta["tabs"] or "all" in token.meta["tabs"]
        cell = self.cells.get(_line(token))
        return cell is not None and cell.kind is CellKind.CODE and tab in cell.tabs

    def _same(self, token: Token) -> tuple[int, bool]:
        """What is equal for the frameworks in which this looks the same."""
        cell = self.cells.get(_line(token))
        return _line(token), cell is None or "tab.selected" not in cell.code.text

    def _panel(self, token: Token, inside: Sequence[Token], *, sections: bool, copy: bool) -> None:
        if token.type == "tab_block_open":
            self._blocks(inside, sections=sections, copy=copy)
            self.waiting = []

    def _block(self, token: Token, inside: Sequence[Token], *, sections: bool, copy: bool) -> None:
        meta = token.meta or {}
        if token.type in ("label", "myst_target"):
            if not copy:
                self.waiting.append(str(meta.get("label") or token.content))
            return
        labels, self.waiting = self.waiting, []
        if meta.get("label") and not copy:
            labels.append(str(meta["label"]))
        if token.type == "heading_open":
            self._heading(token, plain_text(inside[0].children or []).strip(), labels, sections=sections)
        elif token.type in _KINDS:
            self._item(token, labels, copy=copy)
        elif token.type == "toc":
            entries = [self.named.get(line, "") for _, line in meta["entries"]]
            known = tuple(page for page in entries if page in self.pages and page != self.document.page)
            self.open[-1].parts.append(_Toc(bool(meta["numbered"]) and not self.inherits, known))
        elif token.type in FENCES:
            self._directive(token, labels, copy=copy)
        elif token.type not in _LEAVES and inside:
            self._blocks(inside, sections=False, copy=copy)

    def _heading(self, token: Token, title: str, labels: list[str], *, sections: bool) -> None:
        if not sections:  # a heading in a panel, list or quotation is shown as one and counts for nothing
            self.open[-1].parts.append(_Item("section", _line(token), title, labels, counted=False))
            return
        section = _Section(int(token.tag[1]), _line(token), title, labels)
        while self.open[-1].level >= section.level:
            self.open.pop()
        self.open[-1].parts.append(section)
        self.open.append(section)

    def _item(self, token: Token, labels: list[str], *, copy: bool) -> None:
        kind = _KINDS[token.type]
        caption = token.meta.get("caption") if kind == "table" else token.children
        title = plain_text(caption or []).strip() if kind != "equation" else ""
        self._add(kind, _line(token), title, labels, copy=copy)

    def _add(self, kind: Kind, line: int, title: str, labels: list[str], *, copy: bool) -> None:
        counted = bool(labels) or (kind != "equation" and bool(title))
        self.open[-1].parts.append(_Item(kind, line, title, labels, counted, copy))

    def _directive(self, token: Token, labels: list[str], *, copy: bool) -> None:
        found = directive(token)
        if found is None:
            return
        name = found.options.get("name") or found.options.get("label")
        if name and not copy:
            labels.append(name)
        if found.name in ADMONITIONS:
            self._blocks(tokens_inside(found, self.parser), sections=False, copy=copy)
        elif found.name == "figure":
            self._add("figure", _line(token), found.body.strip().split("\n\n")[0], labels, copy=copy)
        elif found.name in ("table", "list-table", "csv-table"):
            self._add("table", _line(token), found.argument, labels, copy=copy)
        elif found.name == "math":
            self._add("equation", _line(token), "", labels, copy=copy)


def siblings(tokens: Sequence[Token]) -> Iterator[tuple[Token, Sequence[Token]]]:
    """The blocks of one level, each with the tokens inside of it."""
    at = 0
    while at < len(tokens):
        token = tokens[at]
        end = at + 1
        if token.nesting == 1:
            depth = 1
            while depth and end < len(tokens):
                depth += tokens[end].nesting
                end += 1
            yield token, tokens[at + 1 : end - 1]
        else:
            yield token, ()
        at = end


def shared_ends(panels: Sequence[Sequence[object]]) -> tuple[int, int]:
    """How many parts at the beginning, and at the end of the rest, are the same in every panel."""
    shortest = min((len(parts) for parts in panels), default=0)
    head = 0
    while head < shortest and all(parts[head] == panels[0][head] for parts in panels):
        head += 1
    tail = 0
    while tail < shortest - head and all(parts[-1 - tail] == panels[0][-1 - tail] for parts in panels):
        tail += 1
    return head, tail


def _line(token: Token) -> int:
    return (token.map or [0])[0]


# -- counting


def _number_sections(book: Book, outlines: Mapping[str, _Section]) -> None:
    """Give each section below a numbered table of contents its number."""
    assigned: set[str] = set()

    def visit(section: _Section, stack: list[int]) -> None:
        for part in section.parts:
            if isinstance(part, _Section):
                stack[-1] += 1
                part.number = tuple(stack)
                visit(part, [*stack, 0])
            elif isinstance(part, _Toc):
                follow(part, stack)

    def follow(toc: _Toc, stack: list[int]) -> None:
        for page in toc.pages:
            if page not in assigned:
                assigned.add(page)
                visit(outlines[page], stack)

    for document in book.pages:
        for part in outlines[document.page].walk():
            if isinstance(part, _Toc) and part.numbered:
                assigned.add(document.page)
                follow(part, [0])


class _Counter:
    """Counts figures, tables and equations along the tables of contents."""

    def __init__(self, outlines: Mapping[str, _Section]) -> None:
        self.outlines = outlines
        self.visited: set[str] = set()
        self.counts: dict[tuple[Kind, tuple[int, ...]], int] = {}

    def visit(self, page: str, section: tuple[int, ...]) -> None:
        """Number what a page holds, ``section`` being the number of the one that its table of contents stands in."""
        if page not in self.visited:
            self.visited.add(page)
            self._parts(self.outlines[page], section)

    def _parts(self, section: _Section, number: tuple[int, ...]) -> None:
        for part in section.parts:
            if isinstance(part, _Section):
                self._parts(part, part.number or number)
            elif isinstance(part, _Toc):
                for page in part.pages:
                    self.visit(page, number)
            elif part.counted and not part.copy:
                key = part.kind, number[:DEPTH]
                self.counts[key] = self.counts.get(key, 0) + 1
                part.number = (*number[:DEPTH], self.counts[key])


def _gathered(outlines: Mapping[str, _Section]) -> Numbers:
    labels: dict[str, Numbered] = {}
    places: dict[tuple[str, int], Numbered] = {}
    for page, outline in outlines.items():
        for part in outline.walk():
            if isinstance(part, _Toc) or (isinstance(part, _Item) and part.copy):
                continue
            kind = part.kind if isinstance(part, _Item) else "section"
            found = Numbered(kind, part.number, page, part.line + 1, part.title)
            if not isinstance(part, _Item) or part.counted:
                places.setdefault((page, part.line + 1), found)
            for label in part.labels:
                labels.setdefault(label, found)
    return Numbers(labels, places)
