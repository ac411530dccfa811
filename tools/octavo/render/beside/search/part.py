"""Search as a part of the website."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import cast

from octavo.config import Settings, tab_title
from octavo.render.application import BookApplication
from octavo.render.beside.part import Whole, Written
from octavo.render.beside.search.index import PageIndex, indexed, joined
from octavo.render.beside.search.reading import Reading
from octavo.render.beside.search.terms import language


class Search:
    """The index of the website's search."""

    name = "search"

    def of_page(self, written: Written) -> PageIndex:
        """What is found on a page."""
        builder = written.builder
        settings = cast(BookApplication, builder._app).source.settings
        suffix = builder.config.html_secnumber_suffix
        known = builder.env.toc_secnumbers.get(written.page, {})
        numbers = {anchor: ".".join(map(str, number)) + suffix for anchor, number in known.items() if number}
        units = Reading(settings, written.document.tabs, numbers, _places(written)).read(written.doctree)
        return indexed(units, language(settings.language), settings.tabs, _library(settings))

    def files(self, values: Mapping[str, PageIndex], whole: Whole) -> Mapping[str, str | bytes]:
        """The index of the whole book."""
        tabs = [(tab, tab_title(tab)) for tab in whole.settings.tabs]
        return joined(values, language(whole.settings.language), tabs)


def _places(written: Written) -> dict[str, dict[str, str]]:
    """Name → framework → id of the line of the page that defines it."""
    places: dict[str, dict[str, str]] = {}
    libraries = cast(BookApplication, written.builder._app).source.libraries
    for tab, library in libraries.by_tab.items():
        for name, _ in library.on_page.get(written.page, ()):
            places.setdefault(name, {})[tab] = library.definition_place(name)
    if places:  # code that is not shown has no lines
        html = written.html.read_text(encoding="utf-8")
        for by_tab in places.values():
            for tab in [tab for tab, place in by_tab.items() if f'id="{place}"' not in html]:
                del by_tab[tab]
    return places


def _library(settings: Settings) -> str:
    """The name by which pages call the book's library: the package that its modules are in."""
    for library in settings.libraries.values():
        return PurePosixPath(library.file).parts[0].removesuffix(".py")
    return ""
