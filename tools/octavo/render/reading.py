"""What every product of a book needs for its pages to be read, whichever frameworks it shows."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sphinx.locale
from pybtex.database import BibliographyDataError
from pybtex.database.input.bibtex import Parser
from pybtex.exceptions import PybtexError
from sphinx.errors import SphinxError
from sphinx.util.docutils import docutils_namespace, patch_docutils

from octavo.config import Settings
from octavo.diagnostics import Code, Diagnostics, error
from octavo.digests import digest, own_code
from octavo.model import Book, Document, Edition, Run, Span
from octavo.render.application import BookApplication
from octavo.render.frame import theme
from octavo.render.links.citations import STYLE
from octavo.render.messages import stop_listening
from octavo.render.pages.parser import Source
from octavo.render.words import locale_name
from octavo.source.numbers import Kept, Numbers, number

DRAWN = "pictures"
"""The folder, beside the doctrees, of pictures that cells drew."""


def numbers_of_whole_book(book: Book, path: Path) -> Numbers:
    """The numbers of the whole book; outlines of pages are kept from build to build."""
    kept: Kept = {}
    with contextlib.suppress(Exception):  # a damaged pickle may raise anything
        version, kept = pickle.loads(path.read_bytes())
        kept = kept if version == own_code() else {}
    numbers = number(book, kept=kept)
    path.write_bytes(pickle.dumps((own_code(), kept)))
    return numbers


def narrowed(book: Book, settings: Settings, tabs: Sequence[str]) -> tuple[Book, Settings]:
    """The book and its settings with only these frameworks, if any are named."""
    if not tabs:
        return book, settings
    chosen = tuple(tab for tab in settings.tabs if tab in tabs)
    pages = (replace(page, tabs=tuple(tab for tab in page.tabs if tab in chosen)) for page in book.pages)
    return Book(tuple(pages)), replace(settings, tabs=chosen)


def page_digest(
    document: Document,
    settings: Settings,
    editions: Mapping[tuple[str, str], Edition],
    runs: Mapping[tuple[str, str], Run],
    note_missing: bool,
) -> str:
    """Digest of what a page is read from, besides settings and octavo itself."""
    facts: list[object] = [document.text, document.tabs, note_missing, settings.is_notebook(document.page)]
    facts.append(settings.website.front_html if document.page == settings.index else "")
    for tab in document.tabs:
        edition = editions.get((document.page, tab))
        run = runs.get((document.page, tab))
        facts.append([(part.cell.span.line, part.code.text) for part in edition.cells] if edition else None)
        facts.append(
            ([_plain(cell.outputs) for cell in run.cells], repr(run.failure) if run.failure else None) if run else None
        )
    return digest(facts)


def _plain(outputs: tuple[Any, ...]) -> list[tuple[object, ...]]:
    return [(o.kind, o.name, o.text, sorted(o.data.items()), o.traceback) for o in outputs]


def bibliography_of(files: Sequence[Path], settings: Settings, diagnostics: Diagnostics, *, known: bool) -> list[str]:
    """Those of the book's BibTeX files that can be read; if they are ``known``, all of them can."""
    return [str(path) for path in files if known or _is_readable(path, settings, diagnostics)]


def _is_readable(bibliography: Path, settings: Settings, diagnostics: Diagnostics) -> bool:
    try:
        Parser("utf-8-sig").parse_file(bibliography)
    except BibliographyDataError:
        pass  # a repeated entry: the extension reports it, and goes on
    except (PybtexError, UnicodeDecodeError) as problem:
        line = getattr(problem, "lineno", None) or 1
        reason = " ".join(str(problem).split())
        place = Span(bibliography.relative_to(settings.root.resolve()).as_posix(), line, line)
        diagnostics.add(error(Code.MARKUP, f"the bibliography cannot be read: {reason}", place))
        return False
    return True


def common_options(source: Source, bibliography: list[str]) -> dict[str, Any]:
    """Sphinx's configuration for a book, whatever is made of it."""
    settings = source.settings
    options: dict[str, Any] = {
        "project": settings.title or settings.name,
        "author": settings.author,
        "copyright": settings.copyright,
        "project_copyright": settings.copyright,
        "release": settings.release,
        "version": settings.release,
        "language": locale_name(settings.language),
        "root_doc": settings.index,
        "extensions": ["sphinxcontrib.bibtex", "octavo.render.extension"],
        "octavo_fingerprint": own_code()
        + repr((settings.tabs, str(settings.source), settings.macros, _structure(source.book))),
        "smartquotes": False,  # the dialect sets quotes, and knows what is code
        "highlight_language": "none",
        "numfig": True,
        "numfig_secnum_depth": 2,
        "math_numfig": True,
        "math_eqref_format": "({number})",
        "myst_enable_extensions": ["colon_fence"],
        "myst_heading_anchors": 3,
        "bibtex_bibfiles": bibliography,
        "bibtex_default_style": STYLE,
        "bibtex_reference_style": STYLE,
        "bibtex_tooltips": True,
        "pygments_style": theme.CODE_LIGHT,
    }
    if source.words.numbered:
        options["numfig_format"] = dict(zip(("figure", "table", "section"), source.words.numbered, strict=True))
    return options


def _structure(book: Book) -> list[object]:
    """What stands where in the tables of contents: Sphinx does not take numbers back from pages read before."""
    return [(page.page, [(entry.page, entry.numbered) for entry in page.toc]) for page in book.pages]


def build(
    source: Source, *arguments: Any, what: str, heard: Diagnostics, **options: Any
) -> tuple[BookApplication | None, bool]:
    """Let Sphinx build a book: its application, ``None`` when it could not begin, and whether it came to its end.

    ``arguments`` and ``options`` are those of :class:`BookApplication`. ``heard`` is told why ``what`` is not there.
    """
    application = None
    sphinx.locale.translators.clear()  # else the words of a book built before in this process stand in for missing ones
    with patch_docutils(str(source.settings.source)), docutils_namespace():
        try:
            application = BookApplication(source, *arguments, status=None, warning=None, **options)
            application.build()
        except SphinxError as problem:
            heard.add(error(Code.MARKUP, f"{what} cannot be written: {' '.join(str(problem).split())}"))
            return application, False
        finally:
            stop_listening()
    return application, True
