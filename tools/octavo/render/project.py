"""A book with its results → a website, by Sphinx in this process.

Nothing is written into the author's folder: Sphinx reads the book's source folder, and settings come from here.
"""

from __future__ import annotations

import contextlib
import pickle
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sphinx.application import ENV_PICKLE_FILENAME

from octavo import products
from octavo.config import Settings
from octavo.diagnostics import Diagnostic, Diagnostics, Severity
from octavo.digests import digest, file_digest, file_digests, own_code
from octavo.model import Book, Definition, Edition, Run
from octavo.render.application import BookApplication, Progress
from octavo.render.extension import pictures_of
from octavo.render.facts import PageFacts, facts_of
from octavo.render.frame import assets, surroundings, theme
from octavo.render.links.library import Libraries
from octavo.render.pages.api_pages import libraries_of, with_pages
from octavo.render.pages.formulas import RENDERER, usable_macros
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
from octavo.website import Offered

STATE = "octavo.pickle"
"""What the last build left beside its doctrees, and like Sphinx's own: digests of its pages, and their messages."""

_ADDRESS = re.compile(r"https?://")
"""Begin of what a setting names that is no file of the book."""


@dataclass(frozen=True, slots=True)
class Site:
    """A website."""

    front: Path
    """Its front page."""
    pages: tuple[Path, ...]
    files: Mapping[str, str]
    """Absolute path of each file that it was made from, besides pages and results → digest of what was read from it."""
    complete: bool
    """Whether all of it was written."""


def render_html(
    book: Book,
    settings: Settings,
    editions: Mapping[tuple[str, str], Edition],
    runs: Mapping[tuple[str, str], Run],
    output: Path,
    doctrees: Path,
    diagnostics: Diagnostics,
    progress: Progress | None = None,
    *,
    note_missing: bool | None = None,
    tabs: Sequence[str] = (),
    jobs: int = 1,
    definitions: Mapping[str, tuple[Definition, ...]] = MappingProxyType({}),
    offered: Offered = Offered(),  # noqa: B008 - frozen
) -> Site:
    """Bring the website in ``output`` up to date.

    ``editions`` and ``runs`` are by (page, framework). ``doctrees`` is a folder that this keeps from build to build; a
    page is read again when its text, its editions, its results, its files or the settings changed.
    Every message, of Sphinx too, goes to ``diagnostics``, those of pages that are not read again included; nothing is
    printed. ``note_missing`` says whether a cell without results is marked so; by default it is where the book is meant
    to be executed. With ``tabs`` the website has these frameworks only; its numbers are the whole book's. ``jobs`` is
    how many processes read and write pages at once. ``definitions`` are what the library of each framework holds,
    ``offered`` the files that stand in ``output`` beside the pages.
    """
    output.mkdir(parents=True, exist_ok=True)
    doctrees.mkdir(parents=True, exist_ok=True)
    if note_missing is None:
        note_missing = settings.eval_notebook
    heard = Diagnostics()
    numbers = numbers_of_whole_book(book, doctrees / "outlines.pickle") if tabs else None
    book, settings = narrowed(book, settings, tabs)
    settings = replace(settings, macros=usable_macros(settings, heard))
    libraries = Libraries(libraries_of(book, settings, definitions), editions)
    book = with_pages(book, settings, libraries.by_tab)
    pictures = Pictures(doctrees / DRAWN)
    source = Source(book, settings, editions, runs, pictures, note_missing, numbers, libraries, offered)
    digests = {document.page: page_digest(document, settings, editions, runs, note_missing) for document in book.pages}
    before = _State.load(doctrees / STATE)
    replace(before, complete=False).save(doctrees / STATE)  # in case this build does not end
    bibliography = bibliographies(book, settings)
    cited, named = file_digests(bibliography), file_digests(_named_files(settings))  # before anything is read from them
    static = _static_files(settings, doctrees / "static")
    looks = _looks(settings, static["paths"])
    if looks != before.looks:
        shutil.rmtree(output / "_static", ignore_errors=True)
    listed = bibliography_of(bibliography, settings, heard, known=digest(cited) == before.bibliography)
    complete = False
    application, _ = build(
        source,
        digests,
        before.digests,
        progress,
        not before.complete or looks != before.looks,
        (settings.source, output, doctrees),
        "html",
        confoverrides=_options(source, static, listed, heard),
        parallel=jobs,
        what="the site",
        heard=heard,
    )
    for gone in set(before.digests) - set(digests):
        products.remove(output, f"{gone}.html")
    (output / ".buildinfo.bak").unlink(missing_ok=True)  # Sphinx keeps it when settings change
    if application is not None:
        heard.add(*application.heard)
        shown = _messages_of_pages(application, before.shown)
        heard.add(*(message for messages in shown.values() for message in messages))
        for facts in _facts(application):
            heard.add(*facts.messages)
        complete = not _failed(heard)
        readable = digest(cited) if len(listed) == len(bibliography) else ""
        _State(own_code(), digests, looks, complete, shown, readable).save(doctrees / STATE)
        if complete:
            _remove_pictures(pictures_of(application.env), output / "_images", source.pictures.folder)
    diagnostics.add(*heard)
    files = {**cited, **named}
    for page in _facts(application):
        files.update(page.files or {})
    pages = tuple(output / f"{page}.html" for page in digests)
    return Site(output / f"{settings.index}.html", pages, files, complete)


def _facts(application: BookApplication | None) -> Iterable[PageFacts]:
    return facts_of(application.env).pages.values() if application is not None else ()


def _named_files(settings: Settings) -> list[Path]:
    """The files of the book that settings name."""
    site = settings.website
    names = (settings.bibfile, settings.logo, settings.favicon, *settings.include_css, *settings.include_js)
    names += (site.image, site.front_html, site.front_picture)
    return [settings.root / name for name in names if name and not _ADDRESS.match(name)]


def _failed(heard: Diagnostics) -> bool:
    return any(d.severity is Severity.ERROR and d.span is None for d in heard)


def _messages_of_pages(
    application: BookApplication, before: Mapping[str, tuple[Diagnostic, ...]]
) -> dict[str, tuple[Diagnostic, ...]]:
    """Page → what was wrong when it was written last, in this build or an earlier one."""
    shown = {page: those for page, those in before.items() if page in application.source.documents}
    for page in application.written:
        path = f"{page}.md"
        shown[page] = tuple(message for message in application.heard if message.span and message.span.path == path)
    return {page: those for page, those in shown.items() if those}


@dataclass(frozen=True, slots=True)
class _State:
    """What the last build left."""

    code: str = field(default_factory=own_code)
    """Digest of the octavo that left it: what another version kept may not mean the same."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """Page → digest of what it was read from."""
    looks: str = ""
    """Digest of the style."""
    complete: bool = False
    """Whether it came to its end."""
    shown: Mapping[str, tuple[Diagnostic, ...]] = field(default_factory=dict)
    """Page → messages about what it shows."""
    bibliography: str = ""
    """Digest of the bibliographies, if all of them could be read."""

    @classmethod
    def load(cls, path: Path) -> _State:
        """The state kept in a file; one that is missing, damaged or of another version says that nothing was built.

        Of what another version built the names of its pages are known: those that the book no longer has are removed.
        """
        pages: Mapping[str, str] = {}
        with contextlib.suppress(Exception):  # a damaged pickle may raise anything
            state = pickle.loads(path.read_bytes())
            if isinstance(state, cls):
                if state.code == own_code():
                    return state
                pages = dict.fromkeys(state.digests, "")
        (path.parent / ENV_PICKLE_FILENAME).unlink(missing_ok=True)
        return cls(digests=pages)

    def save(self, path: Path) -> None:
        """Keep it for the next build."""
        path.write_bytes(pickle.dumps(self))


def _looks(settings: Settings, paths: Sequence[str]) -> str:
    """Digest of the templates, style sheets, scripts and other files that all pages share."""
    shared = [*map(Path, paths), *(settings.root / name for name in (settings.logo, settings.favicon) if name)]
    files = [file for path in shared for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    contents = [(file.name, file_digest(file)) for file in files if file.is_file()]
    return digest(own_code(), settings.language, settings.include_css, settings.include_js, contents)


def _remove_pictures(shown: Mapping[str, str], site: Path, drawn: Path) -> None:
    """Remove the pictures that no page shows any more, from the site and from those that cells drew."""
    kept = set(shown.values())
    for file in site.iterdir() if site.is_dir() else ():
        if file.is_file() and file.name not in kept:
            file.unlink()
    for file in drawn.iterdir() if drawn.is_dir() else ():
        if str(file) not in shown:
            file.unlink()
    with contextlib.suppress(OSError):
        site.rmdir()


def _static_files(settings: Settings, folder: Path) -> dict[str, list[str]]:
    """The style sheets and scripts of the book: paths to copy, and names or addresses to link."""
    folder.mkdir(parents=True, exist_ok=True)
    joined = {folder / assets.SHEET: assets.sheet(settings), folder / assets.SCRIPT: assets.script()}
    for path, text in joined.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    found: dict[str, list[str]] = {
        "paths": [str(folder), *map(str, assets.others())],
        "css": [assets.SHEET],
        "js": [],
    }
    copies = set(joined)
    taken = {path.name for path in (*assets.others(), *copies)}
    for kind, names in (("css", settings.include_css), ("js", settings.include_js)):
        for name in names:
            if _ADDRESS.match(name):
                found[kind].append(name)
                continue
            path = (settings.root / name).resolve()
            if path.name in taken:  # all go into one folder of the site
                path = Path(shutil.copyfile(path, folder / f"{len(taken)}-{path.name}"))
                copies.add(path)
            else:
                found["paths"].append(str(path))
            taken.add(path.name)
            found[kind].append(path.name)
    for path in set(folder.iterdir()) - copies:
        path.unlink()
    return found


def _asset(settings: Settings, name: str) -> str | None:
    """Absolute path of a file that a setting names."""
    return str((settings.root / name).resolve()) if name else None


def _options(
    source: Source, static: dict[str, list[str]], bibliography: list[str], diagnostics: Diagnostics
) -> dict[str, Any]:
    """Sphinx's configuration for a website."""
    settings = source.settings
    title = escape(settings.title or settings.name)  # the theme writes it as it stands
    return {
        **common_options(source, bibliography),
        "templates_path": [str(theme.TEMPLATES)],
        "html_theme": "furo",
        "html_title": title,
        "html_short_title": title,
        "html_logo": _asset(settings, settings.logo),
        "html_favicon": _asset(settings, settings.favicon),
        "html_static_path": static["paths"],
        "html_css_files": static["css"],
        "html_js_files": [(assets.SCRIPT, {"defer": "defer"}), *static["js"]],
        "html_sidebars": {
            "**": [
                "octavo-brand.html",
                "octavo-search.html",
                "octavo-frameworks.html",
                "octavo-editions.html",
                "sidebar/scroll-start.html",
                "sidebar/navigation.html",
                "sidebar/scroll-end.html",
                "octavo-links.html",
            ]
        },
        "html_context": {
            "octavo_tabs": theme.tab_titles(settings),
            "octavo_links": surroundings.links(settings.header_links, "html.header_links", settings, diagnostics),
            "octavo_front_links": surroundings.links(
                settings.website.front_links, "front.links", settings, diagnostics
            ),
            "octavo_logo": surroundings.logo(settings),
            "octavo_words": source.words,
            "octavo_site": settings.website,
            "octavo_offered": sorted(source.offered.whole),
        },
        "html_math_renderer": RENDERER,
        "html_show_copyright": bool(settings.copyright),
        "html_copy_source": False,
        "html_show_sourcelink": False,
        "html_show_sphinx": False,
        # a page of the author's that is called so stays the author's: the search is on every page anyway
        "html_additional_pages": {} if "search" in source.documents else {"search": "search.html"},
        "html_use_index": False,
        "html_domain_indices": False,
        "pygments_dark_style": theme.CODE_DARK,
    }
