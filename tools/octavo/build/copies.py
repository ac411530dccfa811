"""What readers take from the website: notebooks, archives of them, pages as Markdown."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from octavo import products
from octavo.build.desk import Desk
from octavo.digests import digest, file_digest, file_digests, own_code
from octavo.model import Run
from octavo.website import Offered, archive_address, product_name, slides_address

if TYPE_CHECKING:
    from octavo.publish.citations import Work
    from octavo.publish.copies import Reading, Remembered, Shared

KEPT = "copies.pickle"
PRODUCTS = ("pdf", "epub")
"""Products of a whole book that the website offers once somebody has made them."""
LIBRARY = "lib"
"""Folder of the library's wheel, which notebooks elsewhere install from the website."""


@dataclass(frozen=True, slots=True)
class _State:
    """What the last build made."""

    code: str = field(default_factory=own_code)
    pages: Mapping[str, Remembered] = field(default_factory=dict)
    numbers: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    """Outlines of pages, which numbers are made of."""
    works: tuple[str, Mapping[str, Work]] = ("", MappingProxyType({}))
    """Digest of what the bibliography was read from, and what it says."""
    archives: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Archive → path of each file in it → digest of its content."""
    products: tuple[str, ...] = ()
    """Other files of the whole book."""

    def names(self) -> set[str]:
        """Every file in the website."""
        return {name for known in self.pages.values() for name in known.made} | {*self.archives, *self.products}


@dataclass(eq=False)
class Copies:
    """Book, editions and shown runs → files beside the pages of the website."""

    desk: Desk
    read: dict[str, str] = field(default_factory=dict)
    """Absolute path of each file that the last build took over → digest of its content."""

    def offered(self, tabs: Sequence[str]) -> Offered:
        """What :meth:`build` will have made, for the pages that lead to it."""
        from octavo.publish.notebooks import pages_of

        desk, settings = self.desk, self.desk.settings
        chosen = self.desk.chosen(tabs)
        notebooks = {tab: pages_of(desk.book, desk.editions, settings, tab) for tab in chosen}
        archives = [archive_address(settings.name, tab) for tab, pages in notebooks.items() if pages]
        return Offered(
            frozenset((page, tab) for tab, pages in notebooks.items() for page in pages),
            frozenset(document.page for document in desk.book.pages),
            frozenset([*archives, *self._product_names(chosen)]),
        )

    def build(self, folder: Path, doctrees: Path, runs: Mapping[tuple[str, str], Run], tabs: Sequence[str]) -> None:
        """Bring them up to date in the website's ``folder``.

        ``doctrees`` is where rendering keeps what it makes again only if it has to, and so does this.
        """
        from octavo.publish.copies import Reading, copies
        from octavo.render.reading import DRAWN

        kept = doctrees / KEPT
        before, reading = _load(kept), Reading()
        shared, state = self._shared(before, runs, tabs, doctrees / DRAWN, reading)
        pages: dict[str, Remembered] = {}
        for made in copies(shared, before.pages, lambda name: (folder / name).is_file(), reading):
            pages[made.page] = made.remembered
            for name, content in (made.files or {}).items():
                products.write(folder / name, content)
        archives, whole = self._archives(shared, folder, pages, before.archives), self._products(folder, shared.tabs)
        now = replace(state, pages=pages, archives=archives, products=whole)
        for name in before.names() - now.names():
            products.remove(folder, name)
        _save(kept, now)

    def _shared(
        self,
        before: _State,
        runs: Mapping[tuple[str, str], Run],
        tabs: Sequence[str],
        drawn: Path,
        reading: Reading,
    ) -> tuple[Shared, _State]:
        """What all pages' copies are made from."""
        from octavo.build.notebooks import phrases
        from octavo.publish.citations import read_works
        from octavo.publish.copies import Look, Shared
        from octavo.render.frame.actions import drawn_picture, picture_address
        from octavo.render.pages.outputs import Pictures
        from octavo.render.words import words
        from octavo.source.links import bibliographies
        from octavo.source.numbers import number

        desk, settings = self.desk, self.desk.settings
        outlines = dict(before.numbers)
        numbers = number(desk.book, reading.tokens, outlines)
        keys = sorted({r.target for page in desk.book.pages for r in page.references if r.kind == "citation"})
        files = bibliographies(desk.book, settings)
        now = digest(keys, file_digests(files))
        works = before.works[1] if before.works[0] == now else read_works(files, keys)
        look = Look(partial(drawn_picture, Pictures(drawn), words(settings.language)), picture_address)
        chosen, said = self.desk.chosen(tabs), phrases(settings)
        shared = Shared(desk.book, settings, desk.editions, runs, chosen, numbers, works, said, look)
        return shared, _State(numbers=outlines, works=(now, works))

    def _archives(
        self, shared: Shared, folder: Path, pages: Mapping[str, Remembered], before: Mapping[str, Mapping[str, str]]
    ) -> dict[str, Mapping[str, str]]:
        """Write the archive of each framework's notebooks; name → path of each file in it → digest of its content."""
        from octavo.publish.archive import archive
        from octavo.publish.copies import names_of, needed

        digests = {name: digest for known in pages.values() for name, digest in known.made.items()}
        resources = needed(shared.settings, self.desk.editions.values(), shared.tabs)
        self.read.update(file_digests(path for files in resources.values() for path in files.values()))
        made: dict[str, Mapping[str, str]] = {}
        for tab in shared.tabs:
            names = names_of(sorted(shared.notebooks[tab].pages), tab)
            notebooks = {inside: name for name, inside in names.items() if name in digests}
            if not names:
                continue
            files = dict(resources[tab])
            files.update({inside: folder / name for inside, name in notebooks.items()})
            now = {
                inside: digests.get(notebooks.get(inside, "")) or self.read[str(path)] for inside, path in files.items()
            }
            name = archive_address(shared.settings.name, tab)
            made[name], known = now, before.get(name, {})
            if now != known or not (folder / name).is_file():
                same = frozenset(inside for inside in now if now[inside] == known.get(inside))
                read = {inside: path.read_bytes for inside, path in files.items()}
                products.write(folder / name, archive(read, folder / name, same))
        return made

    def _products(self, folder: Path, tabs: Sequence[str]) -> tuple[str, ...]:
        """Bring products of the whole book into the website, as far as they were made; their names there."""
        made = self._product_names(tabs)
        for name, path in made.items():
            if file_digest(folder / name) != file_digest(path):
                products.write(folder / name, path.read_bytes())
        return tuple(made)

    def _product_names(self, tabs: Sequence[str]) -> dict[str, Path]:
        return {path.relative_to(self.desk.output_folder).as_posix(): path for path in self.products(tabs)}

    def products(self, tabs: Sequence[str]) -> list[Path]:
        """Products of the whole book that are there: ``pdf/NAME-TAB.pdf``, the library's wheel, slides."""
        name = self.desk.settings.name
        paths = (
            self.desk.output_folder / kind / f"{product_name(name, tab)}.{kind}" for kind in PRODUCTS for tab in tabs
        )
        wheels = sorted((self.desk.output_folder / LIBRARY).glob("*.whl"))
        slides = (
            self.desk.output_folder / slides_address(document.page, tab)
            for tab in tabs
            for document in self.desk.book.pages
            if tab in document.tabs
        )
        return [path for path in (*paths, *wheels, *slides) if path.is_file()]


def _load(path: Path) -> _State:
    with contextlib.suppress(Exception):  # a damaged pickle may raise anything
        state = pickle.loads(path.read_bytes())
        if isinstance(state, _State) and state.code == own_code():
            return state
        if isinstance(state, _State):  # what another version made is made anew, and removed where nothing replaces it
            pages = {page: replace(known, digest="") for page, known in state.pages.items()}
            return _State(pages=pages, archives={name: {} for name in state.archives}, products=state.products)
    return _State()


def _save(path: Path, state: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(state))
