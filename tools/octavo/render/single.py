"""The book of one framework, read once for everything that holds it from cover to cover: paper and EPUB.

The website shows all frameworks at once, and is written page by page (:mod:`octavo.render.project`). Here every build
writes the whole book, and what it keeps is what the pages were read as.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sphinx.application import ENV_PICKLE_FILENAME

from octavo.config import Settings
from octavo.diagnostics import Diagnostics
from octavo.digests import digest, file_digests, own_code
from octavo.model import Book, Definition, Edition, Run
from octavo.render.application import BookApplication
from octavo.render.facts import facts_of
from octavo.render.links.library import Libraries
from octavo.render.pages.api_pages import libraries_of
from octavo.render.pages.formulas import usable_macros
from octavo.render.pages.outputs import Pictures
from octavo.render.pages.parser import Source
from octavo.render.reading import (
    DRAWN,
    bibliography_of,
    build,
    common_options,
    narrowed,
    numbers_of_whole_book,
    page_digest,
)
from octavo.source.links import bibliographies

STATE = "single.pickle"
"""What the pages beside it were read from."""


@dataclass(frozen=True, slots=True)
class Material:
    """What the book of a framework is made from."""

    book: Book
    settings: Settings
    editions: Mapping[tuple[str, str], Edition]
    """(page, framework) → its edition."""
    runs: Mapping[tuple[str, str], Run]
    """(page, framework) → its results."""
    tab: str
    definitions: Mapping[str, tuple[Definition, ...]] = field(default_factory=dict)
    """What the library of each framework holds."""
    note_missing: bool | None = None
    """Whether a cell without results is marked so; by default it is where the book is meant to be executed."""
    programs: bool = True
    """Whether programs of the author's may be run."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What became of a book."""

    application: BookApplication | None
    """Sphinx's, for whom asks what pages hold; ``None`` when it could not begin."""
    files: Mapping[str, str]
    """Absolute path of each file that it was made from, besides pages and results → digest of what was read from it."""
    complete: bool
    """Whether all of it was written."""


@dataclass(frozen=True, slots=True)
class _State:
    code: str = field(default_factory=own_code)
    digests: Mapping[str, str] = field(default_factory=dict)
    """Page → digest of what it was read from."""
    bibliography: str = ""
    """Digest of the bibliographies, if all of them could be read."""

    @classmethod
    def load(cls, path: Path) -> _State:
        with contextlib.suppress(Exception):  # a damaged pickle may raise anything
            state = pickle.loads(path.read_bytes())
            if isinstance(state, cls) and state.code == own_code():
                return state
        (path.parent / ENV_PICKLE_FILENAME).unlink(missing_ok=True)
        return cls()


def render_single(
    material: Material,
    builder: str,
    options: Mapping[str, Any],
    output: Path,
    doctrees: Path,
    diagnostics: Diagnostics,
    *,
    jobs: int = 1,
) -> Rendered:
    """Let a builder of Sphinx write the book of one framework into ``output``.

    ``options`` are Sphinx's settings besides those that all products share. ``doctrees`` is a folder that this keeps
    from build to build; it serves every builder, and a page is read again only when something of it changed.
    """
    output.mkdir(parents=True, exist_ok=True)
    doctrees.mkdir(parents=True, exist_ok=True)
    heard = Diagnostics()
    source = _source(material, doctrees, heard)
    settings = source.settings
    digests = {
        document.page: page_digest(document, settings, source.editions, source.runs, source.note_missing)
        for document in source.book.pages
    }
    before = _State.load(doctrees / STATE)
    (doctrees / STATE).unlink(missing_ok=True)  # in case this build does not end
    bibliography = bibliographies(source.book, settings)
    cited = file_digests(bibliography)  # before anything is read from them
    listed = bibliography_of(bibliography, settings, heard, known=digest(cited) == before.bibliography)
    application, complete = build(
        source,
        digests,
        before.digests,
        None,
        True,
        (settings.source, output, doctrees),
        builder,
        confoverrides={**common_options(source, listed), **options},
        parallel=jobs,
        what="the book",
        heard=heard,
    )
    files = dict(cited)
    if application is not None:
        heard.add(*application.heard)
        for facts in facts_of(application.env).pages.values():
            heard.add(*facts.messages)
            files.update(facts.files or {})
    if complete:
        readable = digest(cited) if len(listed) == len(bibliography) else ""
        (doctrees / STATE).write_bytes(pickle.dumps(_State(own_code(), digests, readable)))
    diagnostics.add(*heard)
    return Rendered(application, files, complete)


def _source(material: Material, doctrees: Path, heard: Diagnostics) -> Source:
    """What pages are read from; numbers are the whole book's."""
    numbers = numbers_of_whole_book(material.book, doctrees / "outlines.pickle")
    book, settings = narrowed(material.book, material.settings, (material.tab,))
    # names lead to what defines them: a book has no pages about libraries
    site = replace(settings.website, api=False)
    settings = replace(settings, macros=usable_macros(settings, heard), website=site)
    return Source(
        book,
        settings,
        material.editions,
        material.runs,
        Pictures(doctrees / DRAWN),
        settings.eval_notebook if material.note_missing is None else material.note_missing,
        numbers,
        Libraries(libraries_of(book, settings, material.definitions), material.editions),
    )
