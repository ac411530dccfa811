"""The Sphinx application of one book: it carries the book, and every message of the build goes through it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.project import Project
from sphinx.util.build_phase import BuildPhase

from octavo.diagnostics import Diagnostic, Diagnostics
from octavo.model import Document, Span
from octavo.render.facts import facts_of
from octavo.render.pages.parser import Source

Progress = Callable[[str, str], None]
"""Told ``("read", page)`` and ``("write", page)`` as pages are read and written, ``("written", "")`` once all stand."""


MANY = 12
"""How many pages are worth the start of further processes."""


class BookProject(Project):
    """The book's pages as Sphinx's documents; Sphinx itself would look for them in all folders of the book."""

    def __init__(self, pages: Mapping[str, Document], found: Project, made: Path) -> None:
        super().__init__(found.srcdir, found.source_suffix)
        self.restore(found)
        self.pages = pages
        self.made = made
        """The folder for the pages that no file of the book holds: Sphinx reads files."""

    def discover(self, exclude_paths: Iterable[str] = (), include_paths: Iterable[str] = ()) -> set[str]:
        """The pages that are in the tables of contents."""
        self._docname_to_path = {
            page: self._file(document) if document.made else Path(document.path)
            for page, document in self.pages.items()
        }
        self._path_to_docname = {path: page for page, path in self._docname_to_path.items()}
        self.docnames = set(self.pages)
        return self.docnames

    def _file(self, document: Document) -> Path:
        path = self.made / document.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document.text, encoding="utf-8")
        return path


class BookApplication(Sphinx):
    """A Sphinx application that builds one book."""

    def __init__(
        self,
        source: Source,
        digests: Mapping[str, str],
        known: Mapping[str, str],
        progress: Progress | None,
        write_all: bool,
        folders: tuple[Path, Path, Path],
        builder: str,
        **options: Any,
    ) -> None:
        """``folders`` are those of the book's source, of what is built, and of doctrees."""
        self.source = source
        """The book."""
        self.is_site = builder == "html"
        """Whether the website is built, which has more than the text."""
        self.digests = digests
        """Page → digest of everything that its reading depends on."""
        self.known = known
        """The same as of the last complete build; pages whose digest differs are read again."""
        self.progress = progress
        self.write_all = write_all
        """Whether pages are written that did not change: the last build was interrupted, or its style was another."""
        self.heard = Diagnostics()
        """Messages of this build, but those about the reading of a page: these are facts of the page."""
        self.to_read = 0
        """How many pages this build reads."""
        self.reading_since = 0
        """When it began to, in nanoseconds."""
        self.written: set[str] = set()
        """Pages that this build has resolved and written."""
        home, output, doctrees = folders
        super().__init__(home, None, output, doctrees, builder, **options)
        project = BookProject(source.documents, self.project, Path(self.doctreedir, "made"))
        self.project = self.env.project = project

    def is_parallel_allowed(self, typ: str) -> bool:
        """Whether several processes read or write pages at once: not for a few, which are done before they started."""
        return super().is_parallel_allowed(typ) and (typ != "read" or self.to_read >= MANY)

    def tell(self, message: Diagnostic) -> None:
        """Take a message.

        One about the reading of a page is kept with the other facts of the page, since the page may be read in another
        process, and is not read again until it changes.
        """
        page = self._page_being_read(message)
        if page is not None:
            facts_of(self.env).page(page).messages.append(message)
        else:
            self.heard.add(message)

    def _page_being_read(self, message: Diagnostic) -> str | None:
        builder = getattr(self, "builder", None)
        if builder is None or builder.phase is not BuildPhase.READING:
            return None
        # what other processes log arrives when they end, and names its page only by its place
        page: str = self.env.current_document.docname
        if not page and message.span is not None:
            page = message.span.path.removesuffix(".md")
        return page if page in self.source.documents else None

    def span(self, path: str, line: int | None) -> Span | None:
        """The place in the author's file that Sphinx means by a path, page name or docutils source, and a line."""
        documents = self.source.documents
        path = path.partition(":docstring of")[0]
        if path not in documents:
            absolute = path.startswith(os.sep)
            name = Path(os.path.relpath(path, self.srcdir) if absolute else path).as_posix()
            page = name.removesuffix(".md")
            if page not in documents:
                return None if name.startswith("..") or name == "<unknown>" else Span(name, line or 1, line or 1)
            path = page
        line = min(max(1, line or 1), documents[path].text.count("\n") + 1)
        return Span(documents[path].path, line, line)

    def pointed(self, span: Span | None, word: str) -> Span | None:
        """The span with the column of ``word``, looked for on its line and, in a wrapped paragraph, the next few."""
        page = self.source.documents.get(span.path.removesuffix(".md")) if span is not None else None
        if span is None or page is None or not word:
            return span
        lines = page.text.split("\n")
        for number in range(span.line, min(span.line + 4, len(lines) + 1)):
            at = lines[number - 1].find(word)
            if at >= 0:
                return Span(span.path, number, number, at + 1, len(word))
        return span
