"""What a website has beside its pages and is made from them: the index of its search, previews, copies for machines.

Pages may be written in several processes, and only those that changed. So a :class:`Part` takes a value from each page
when that is written; values are kept from build to build, and once all pages are written the part makes its files from
the values of the whole book.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from docutils import nodes

from octavo import products
from octavo.config import Settings
from octavo.model import Book, Document

if TYPE_CHECKING:
    from octavo.render.builder import BookBuilder

FOLDER = "beside"
"""The folder, beside the doctrees, of what is kept of each page."""
_WRITTEN = "files.pickle"


@dataclass(frozen=True, slots=True)
class Written:
    """A page that has just been written."""

    page: str
    document: Document
    """What its author wrote."""
    doctree: nodes.document
    """The page as readers see it: references resolved, all frameworks' panels in it. Not to be changed."""
    html: Path
    """Its file in the website."""
    builder: BookBuilder
    """For the addresses of other pages, and for pieces of the page as HTML."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The website once all of its pages are written."""

    book: Book
    """Only with the frameworks of this website."""
    settings: Settings
    output: Path
    """The website's folder."""
    kept: Path
    """A folder in which a part may keep something from build to build."""
    builder: BookBuilder


class Part(Protocol):
    """Something that a website has beside its pages."""

    name: str
    """Names its values among those of a page."""

    def of_page(self, written: Written) -> Any:
        """What the part has to know of a page. It is pickled, and perhaps made in another process than the files."""

    def files(self, values: Mapping[str, Any], whole: Whole) -> Mapping[str, str | bytes]:
        """Path in the website → content of each file of the part, made of (page → value) in the book's order.

        Files that the part made earlier and does not make any more are removed; those that did not change are left.
        """


def note(parts: Iterable[Part], written: Written, folder: Path) -> None:
    """Keep what the parts have to know of a page."""
    path = kept_of(written.page, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps({part.name: part.of_page(written) for part in parts}))


def kept_of(page: str, folder: Path) -> Path:
    """Where what the parts know of a page is kept."""
    return folder / FOLDER / f"{page}.page"


def make(parts: Iterable[Part], whole: Whole, folder: Path) -> None:
    """Write the files of all parts that differ from what stands in the website."""
    pages = [document.page for document in whole.book.pages if kept_of(document.page, folder).is_file()]
    known: dict[str, dict[str, Any]] = {page: pickle.loads(kept_of(page, folder).read_bytes()) for page in pages}
    made: dict[str, str | bytes] = {}
    for part in parts:
        made.update(part.files({page: values[part.name] for page, values in known.items()}, whole))
    for name, content in made.items():
        products.write(_inside(whole.output, name), content.encode() if isinstance(content, str) else content)
    listed = folder / FOLDER / _WRITTEN
    for gone in _listed(listed) - set(made):
        products.remove(whole.output, gone)
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_bytes(pickle.dumps(set(made)))


def _listed(path: Path) -> set[str]:
    """The files that the last build made."""
    with contextlib.suppress(Exception):  # a damaged pickle may raise anything
        listed = pickle.loads(path.read_bytes())
        return listed if isinstance(listed, set) else set()
    return set()


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{name} leads out of the website")
    return path
