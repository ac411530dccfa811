"""The sidebar: the book's tables of contents on every page.

Sphinx resolves the whole tree anew for each page, and the theme parses the result again; for *n* pages that is *n*² of
the most costly steps of a build. Here the tree is made once, and a page only writes it down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape

from octavo.model import Book, Document


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the sidebar."""

    page: str
    title: str
    """Its title as HTML, with its number."""
    name: str
    """The same as plain text."""
    tabs: tuple[str, ...]
    """The frameworks in which it, or a page below it, exists."""
    below: tuple[Entry, ...]


Titles = Callable[[str], tuple[str, str]]
"""Page → its title as HTML and as plain text."""


def entries(book: Book, title: Titles) -> tuple[Entry, ...]:
    """The pages below the root page; one that is named twice stands where it is named first."""
    pages = {document.page: document for document in book.pages}
    parents = _parents(book, pages)
    return tuple(_entries(book.pages[0], pages, parents, title)) if book.pages else ()


def _parents(book: Book, pages: Mapping[str, Document]) -> dict[str, str]:
    """Page → the page whose table names it first, in reading order."""
    parents: dict[str, str] = {}
    for document in book.pages:
        for entry in document.toc:
            if entry.page in pages and entry.page != book.pages[0].page:
                parents.setdefault(entry.page, document.page)
    return parents


def _entries(
    parent: Document, pages: Mapping[str, Document], parents: Mapping[str, str], title: Titles
) -> Iterable[Entry]:
    seen = set()
    for entry in parent.toc:
        page = entry.page
        if parents.get(page) != parent.page or page in seen:
            continue
        seen.add(page)
        below = tuple(_entries(pages[page], pages, parents, title))
        tabs = set(pages[page].tabs).union(*(child.tabs for child in below))
        if not tabs:  # nothing for any framework of this website
            continue
        yield Entry(page, *title(page), tuple(sorted(tabs)), below)


def walk(tree: Iterable[Entry]) -> Iterator[Entry]:
    """Every entry of a tree."""
    for entry in tree:
        yield entry
        yield from walk(entry.below)


def sidebar(
    tree: Iterable[Entry], page: str, address: Callable[[str], str], tabs: Iterable[str], toggle: str = "{title}"
) -> str:
    """The tree as ``page`` shows it, in the theme's markup. ``address`` gives the relative address of another page.

    An entry that only some of the book's frameworks (``tabs``) have says which; readers of others do not see it.
    ``toggle`` names the switch that shows the pages below an entry.
    """
    lines: list[str] = []
    _write(tree, page, address, frozenset(tabs), toggle, 1, lines, [0])
    return "\n".join(lines)


def _write(
    tree: Iterable[Entry],
    page: str,
    address: Callable[[str], str],
    tabs: frozenset[str],
    toggle: str,
    level: int,
    lines: list[str],
    count: list[int],
) -> None:
    lines.append("<ul>")
    for entry in tree:
        here = entry.page == page
        current = here or _holds(entry, page)
        classes = f"toctree-l{level}" + " current" * current + " has-children" * bool(entry.below)
        classes += " current-page" * here
        only = "" if tabs <= set(entry.tabs) or here else f' data-tabs="{escape(" ".join(entry.tabs))}"'
        link = "#" if here else escape(address(entry.page))
        lines.append(
            f'<li class="{classes}"{only}>'
            f'<a class="{"current " * current}reference internal" href="{link}">{entry.title}</a>'
        )
        if entry.below:
            count[0] += 1
            box = f"toctree-checkbox-{count[0]}"
            lines[-1] += (
                f'<input aria-label="{escape(toggle.format(title=entry.name))}" {"checked " * current}'
                f'class="toctree-checkbox" id="{box}" name="{box}" role="switch" type="checkbox" '
                f'data-page="{escape(entry.page)}"/>'
                f'<label for="{box}"><span class="icon"><svg><use href="#svg-arrow-right"></use></svg></span></label>'
            )
            _write(entry.below, page, address, tabs, toggle, level + 1, lines, count)
        lines[-1] += "</li>"
    lines.append("</ul>")


def _holds(entry: Entry, page: str) -> bool:
    return any(child.page == page or _holds(child, page) for child in entry.below)
