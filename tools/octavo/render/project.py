"""A book with its results → a website, by Sphinx in this process.

Nothing is written into the author's folder: Sphinx reads the book's source folder, and settings come from here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib import metadata
from pathlib import Path
from typing import Any

import sphinx.locale
from pybtex.database import BibliographyDataError
from pybtex.database.input.bibtex import Parser
from pybtex.exceptions import PybtexError
from sphinx.errors import SphinxError
from sphinx.util.docutils import docutils_namespace, patch_docutils

import octavo
from octavo.config import Settings
from octavo.config import place as place_of
from octavo.diagnostics import Code, Diagnostics, Severity, error
from octavo.model import Book, Document, Edition, Run, Span
from octavo.render import theme
from octavo.render.extension import STYLE, BookApplication, Progress, pictures_of, stop_listening
from octavo.render.math import RENDERER
from octavo.render.outputs import Pictures
from octavo.render.parser import Source
from octavo.render.words import locale_name

STATE = "octavo.json"
"""What the last build left beside its doctrees: digests of its pages, and whether it was complete."""

_SAFE_ADDRESS = re.compile(r"(?:https?://|mailto:|/(?!/)|\.{0,2}/|#|[\w.-]+(?:/|$))", re.IGNORECASE)


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
) -> Path:
    """Bring the website in ``output`` up to date and return its front page.

    ``editions`` and ``runs`` are by (page, framework). ``doctrees`` is a folder that this keeps from build to build; a
    page is read again when its text, its editions, its results or the settings changed, or when it had messages.
    Every message, of Sphinx too, goes to ``diagnostics``; nothing is printed. ``note_missing`` says whether a cell
    without results is marked so; by default it is where the book is meant to be executed.
    """
    output.mkdir(parents=True, exist_ok=True)
    doctrees.mkdir(parents=True, exist_ok=True)
    if note_missing is None:
        note_missing = settings.eval_notebook
    heard = Diagnostics()
    source = Source(book, settings, editions, runs, heard, Pictures(doctrees / "pictures"), note_missing)
    digests = {document.page: _digest(document, settings, editions, runs, note_missing) for document in book.pages}
    state = _State.load(doctrees / STATE)
    known = dict(state.digests)
    state.begin()
    static = _static_files(settings, doctrees / "static", heard)
    looks = _looks(settings, static["paths"])
    if looks != state.looks:
        shutil.rmtree(output / "_static", ignore_errors=True)
    application = None
    sphinx.locale.translators.clear()  # else the words of a book built before in this process stand in for missing ones
    with patch_docutils(str(settings.source)), docutils_namespace():
        try:
            application = BookApplication(
                source,
                digests,
                known,
                progress,
                not state.complete or looks != state.looks,
                settings.source,
                None,
                output,
                doctrees,
                "html",
                confoverrides=_options(source, static, doctrees),
                status=None,
                warning=None,
                parallel=1,
            )
            application.build()
        except SphinxError as problem:
            heard.add(error(Code.MARKUP, f"the site cannot be written: {' '.join(str(problem).split())}"))
        finally:
            stop_listening()
    _remove_pages(output, set(known) - set(digests))
    # what a page was told about is told again by the next build, so such a page counts as never built
    troubled = {d.span.path.removesuffix(".md") for d in heard if d.span is not None}
    state.finish({page: digest for page, digest in digests.items() if page not in troubled}, looks, not _failed(heard))
    if application is not None and not _failed(heard):
        _remove_pictures(pictures_of(application.env), output / "_images", source.pictures.folder)
    diagnostics.add(*heard)
    return output / f"{settings.index}.html"


def _failed(heard: Diagnostics) -> bool:
    return any(d.severity is Severity.ERROR and d.span is None for d in heard)


class _State:
    """What the last build left."""

    def __init__(self, path: Path, digests: dict[str, str], looks: str, complete: bool) -> None:
        self.path = path
        self.digests = digests
        self.looks = looks
        self.complete = complete

    @classmethod
    def load(cls, path: Path) -> _State:
        """The state kept in a file; one that is missing or damaged says that nothing was built."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            digests = {str(k): str(v) for k, v in data["digests"].items()}
            return cls(path, digests, str(data["looks"]), bool(data["complete"]))
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return cls(path, {}, "", False)

    def begin(self) -> None:
        """Say that a build is under way, in case it does not end."""
        self._write(self.digests, self.looks, False)

    def finish(self, digests: dict[str, str], looks: str, complete: bool) -> None:
        """Say what was built."""
        self._write(digests, looks, complete)

    def _write(self, digests: dict[str, str], looks: str, complete: bool) -> None:
        text = json.dumps({"complete": complete, "looks": looks, "digests": digests}, indent=1, sort_keys=True)
        self.path.write_text(text + "\n", encoding="utf-8")


def _digest(
    document: Document,
    settings: Settings,
    editions: Mapping[tuple[str, str], Edition],
    runs: Mapping[tuple[str, str], Run],
    note_missing: bool,
) -> str:
    """Digest of what a page is read from, besides settings and octavo itself."""
    facts: list[object] = [document.text, document.tabs, note_missing, settings.is_notebook(document.page)]
    for tab in document.tabs:
        edition = editions.get((document.page, tab))
        run = runs.get((document.page, tab))
        facts.append([(part.cell.span.line, part.code.text) for part in edition.cells] if edition else None)
        facts.append(
            ([_plain(cell.outputs) for cell in run.cells], repr(run.failure) if run.failure else None) if run else None
        )
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _plain(outputs: tuple[Any, ...]) -> list[tuple[object, ...]]:
    return [(o.kind, o.name, o.text, sorted(o.data.items()), o.traceback) for o in outputs]


@cache
def _fingerprint() -> str:
    """Digest of the code that reads pages: another version of it reads them all again."""
    folder = Path(octavo.__file__).parent
    files = sorted([*folder.glob("render/*.py"), *folder.glob("source/*.py"), folder / "model.py"])
    digest = hashlib.sha256(octavo.__version__.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _looks(settings: Settings, paths: Sequence[str]) -> str:
    """Digest of the templates, style sheets, scripts and other files that all pages share."""
    versions = [metadata.version(name) for name in ("sphinx", "furo", "sphinx-copybutton")]
    digest = hashlib.sha256(repr((octavo.__version__, versions)).encode())
    digest.update(repr((settings.language, settings.include_css, settings.include_js)).encode())
    shared = [theme.TEMPLATES, *map(Path, paths)]
    shared += [settings.root / name for name in (settings.logo, settings.favicon) if name]
    for path in shared:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


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


def _remove_pages(output: Path, pages: set[str]) -> None:
    """Remove what earlier builds wrote for pages that the book no longer has."""
    for page in pages:
        path = (output / f"{page}.html").resolve()
        if path.is_relative_to(output.resolve()):
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                path.parent.rmdir()


def _static_files(settings: Settings, folder: Path, diagnostics: Diagnostics) -> dict[str, list[str]]:
    """The style sheets and scripts of the book: paths to copy, and names or addresses to link."""
    folder.mkdir(parents=True, exist_ok=True)
    sheet, text = folder / theme.BOOK_CSS, theme.book_css(settings)
    if not sheet.exists() or sheet.read_text(encoding="utf-8") != text:
        sheet.write_text(text, encoding="utf-8")
    found: dict[str, list[str]] = {
        "paths": [str(theme.STATIC), str(folder)],
        "css": ["octavo.css", theme.BOOK_CSS],
        "js": [],
    }
    for kind, names in (("css", settings.include_css), ("js", settings.include_js)):
        for name in names:
            if re.match(r"https?://", name):
                found[kind].append(name)
                continue
            path = (settings.root / name).resolve()
            if path.is_relative_to(settings.root.resolve()) and path.is_file():
                found["paths"].append(str(path))
                found[kind].append(path.name)
            else:
                place = place_of(settings, "html", f"include_{kind}")
                diagnostics.add(error(Code.MISSING_FILE, f"there is no file {name} in the book", place))
    return found


def _asset(settings: Settings, key: str, name: str, diagnostics: Diagnostics) -> str | None:
    """Absolute path of a file that a setting names."""
    if not name:
        return None
    path = (settings.root / name).resolve()
    if path.is_relative_to(settings.root.resolve()) and path.is_file():
        return str(path)
    diagnostics.add(error(Code.MISSING_FILE, f"there is no file {name} in the book", place_of(settings, "html", key)))
    return None


def _links(settings: Settings, diagnostics: Diagnostics) -> list[dict[str, str]]:
    """The header's links; addresses that could run something are refused."""
    links = []
    for link in settings.header_links:
        if _SAFE_ADDRESS.match(link.address):
            links.append({"title": link.title, "address": link.address})
        else:
            message = f"the address {link.address!r} of the link {link.title!r} is not one that a browser should follow"
            place = place_of(settings, "html", "header_links")
            diagnostics.add(error(Code.CONFIG_VALUE, message, place, hint="https://…"))
    return links


def _bibliography(settings: Settings, diagnostics: Diagnostics) -> list[str]:
    """The book's BibTeX file, if there is one that can be read."""
    path = (settings.root / settings.bibfile).resolve()
    if not settings.bibfile or not path.is_file():
        return []
    try:
        Parser("utf-8-sig").parse_file(path)
    except BibliographyDataError:
        pass  # a repeated entry: the extension reports it, and goes on
    except (PybtexError, UnicodeDecodeError) as problem:
        line = getattr(problem, "lineno", None) or 1
        reason = " ".join(str(problem).split())
        place = Span(settings.bibfile, line, line)
        diagnostics.add(error(Code.MARKUP, f"the bibliography cannot be read: {reason}", place))
        return []
    return [str(path)]


def _options(source: Source, static: dict[str, list[str]], doctrees: Path) -> dict[str, Any]:
    """Sphinx's configuration for a book."""
    settings, diagnostics = source.settings, source.diagnostics
    language = locale_name(settings.language)
    title = escape(settings.title or settings.name)  # the theme writes it as it stands
    options: dict[str, Any] = {
        "project": settings.title or settings.name,
        "author": settings.author,
        "copyright": settings.copyright,
        "project_copyright": settings.copyright,
        "release": settings.release,
        "version": settings.release,
        "language": language,
        "root_doc": settings.index,
        "extensions": ["sphinxcontrib.bibtex", "sphinx_copybutton", "octavo.render.extension"],
        "include_patterns": [_literally(f"{document.page}.md") for document in source.book.pages],
        "exclude_patterns": [],
        "templates_path": [str(theme.TEMPLATES)],
        "octavo_fingerprint": _fingerprint() + repr((settings.tabs, str(settings.source), _structure(source.book))),
        "smartquotes": False,  # the dialect sets quotes, and knows what is code
        "highlight_language": "none",
        "numfig": True,
        "numfig_secnum_depth": 2,
        "math_numfig": True,
        "math_eqref_format": "({number})",
        "myst_enable_extensions": ["colon_fence"],
        "myst_heading_anchors": 3,
        "bibtex_bibfiles": _bibliography(settings, diagnostics),
        "bibtex_default_style": STYLE,
        "bibtex_reference_style": STYLE,
        "bibtex_tooltips": True,
        "html_theme": "furo",
        "html_title": title,
        "html_short_title": title,
        "html_logo": _asset(settings, "html_logo", settings.logo, diagnostics),
        "html_favicon": _asset(settings, "favicon", settings.favicon, diagnostics),
        "html_static_path": static["paths"],
        "html_css_files": static["css"],
        "html_js_files": [("octavo.js", {"defer": "defer"}), *static["js"]],
        "html_sidebars": {
            "**": [
                "sidebar/brand.html",
                "sidebar/search.html",
                "octavo-frameworks.html",
                "sidebar/scroll-start.html",
                "sidebar/navigation.html",
                "octavo-links.html",
                "sidebar/scroll-end.html",
            ]
        },
        "html_context": {
            "octavo_tabs": theme.tab_titles(settings),
            "octavo_links": _links(settings, diagnostics),
            "octavo_words": source.words,
        },
        "html_math_renderer": RENDERER,
        "html_show_copyright": bool(settings.copyright),
        "html_copy_source": False,
        "html_show_sourcelink": False,
        "html_use_index": False,
        "html_domain_indices": False,
        "pygments_style": "a11y-high-contrast-light",
        "pygments_dark_style": "a11y-high-contrast-dark",
        # only the reader's code is worth copying, and it has no prompts
        "copybutton_selector": ".ov-code pre",
    }
    if source.words.numbered:
        options["numfig_format"] = dict(zip(("figure", "table", "section"), source.words.numbered, strict=True))
    return options


def _structure(book: Book) -> list[object]:
    """What stands where in the tables of contents: Sphinx does not take numbers back from pages read before."""
    return [(page.page, [(entry.page, entry.numbered) for entry in page.toc]) for page in book.pages]


def _literally(path: str) -> str:
    """A path as a glob that matches it alone."""
    return re.sub(r"([*?\[\]])", r"[\1]", path)
