"""The book as it lies there while a command works on it; everything else of this package leans on it."""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from octavo import config
from octavo.diagnostics import Diagnostic, Diagnostics
from octavo.digests import file_digest, file_digests
from octavo.model import Book, CellKind, Document, Edition
from octavo.processors import cores

if TYPE_CHECKING:
    from octavo.execute.results.store import Results
    from octavo.memory import Memory
    from octavo.progress import Progress

CACHE_TAG = "CACHEDIR.TAG"
CACHE_TAG_TEXT = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by octavo, which can make it again.\n"
"""The standard mark of folders that need no backup; ``clean`` removes no folder without it."""


class Desk:
    """One book's settings, pages, results and output folder, and what is wrong with them.

    Nothing is read before it is asked for, and nothing twice.
    """

    def __init__(self, folder: Path, output: Path | None = None) -> None:
        """The book in ``folder``; products go to ``output`` or where its settings say."""
        self.folder = folder.resolve()
        self.diagnostics = Diagnostics()
        self._config = file_digest(self.folder / config.FILE_NAME)
        self._settings, messages = config.load(self.folder)
        self.diagnostics.add(*messages)
        self._output = output
        self.invocation: tuple[str, ...] = ("octavo",)
        """How the user calls octavo for this book, which messages repeat."""
        self.begun = datetime.datetime.now()
        self.broken_links: tuple[Diagnostic, ...] = ()
        """What reading the book has told of links."""

    # -- settings and messages

    @property
    def has_settings(self) -> bool:
        """Whether the settings can be used; if not, the messages say why, and the book has no pages."""
        return self._settings is not None

    @property
    def settings(self) -> config.Settings:
        """The settings, of a book that has usable ones."""
        assert self._settings is not None
        return self._settings

    @property
    def failed(self) -> bool:
        """Whether the exit code must say that the book has errors."""
        strict = self.has_settings and self.settings.warning_is_error
        return self.diagnostics.has_errors or (strict and len(self.diagnostics) > 0)

    def read_line(self, path: str, line: int) -> str | None:
        """A line of one of the book's files, for the excerpt of a message."""
        with contextlib.suppress(OSError, UnicodeDecodeError, IndexError):
            source = self.settings.source if self.has_settings else self.folder
            file = source / path if (source / path).is_file() else self.folder / path
            return file.read_text(encoding="utf-8-sig").split("\n")[line - 1]
        return None

    # -- the output folder

    @cached_property
    def output(self) -> Path:
        """The folder that products go to, marked as one that can be made again."""
        folder = self.output_folder
        folder.mkdir(parents=True, exist_ok=True)
        if not any(folder.iterdir()):
            (folder / CACHE_TAG).write_text(CACHE_TAG_TEXT, encoding="utf-8")
        return folder

    @property
    def output_folder(self) -> Path:
        """The same, whether it is there or not."""
        return self._output.resolve() if self._output else self.folder / self.settings.output_dir

    def chosen(self, tabs: Sequence[str]) -> tuple[str, ...]:
        """The book's frameworks that are among ``tabs``, in its order; all of them where none are named."""
        return tuple(tab for tab in self.settings.tabs if not tabs or tab in tabs)

    @contextlib.contextmanager
    def alone(self, doing: str, progress: Progress) -> Iterator[None]:
        """Keep other builds of the same output folder from doing the same until the block ends."""
        from octavo.execute.processes import exclusive

        lock = self.output / f".{doing.replace(' ', '-')}.lock"
        with exclusive(lock, lambda: progress.note(f"another octavo is {doing} here: waiting for it")):
            yield

    # -- pages

    @property
    def is_read(self) -> bool:
        """Whether anybody has asked for the book yet."""
        return "book" in self.__dict__

    @cached_property
    def book(self) -> Book:
        """The book as it is read; without usable settings it has no pages."""
        if not self.has_settings:
            return Book(())
        from octavo.source import links
        from octavo.source.toc import read_book, reading, texts

        _ = self.sources  # as they are now: whatever changes from here on is new to the next build
        memory, read = self.memory, reading(self.settings)
        memory.read_ahead(dict(texts(self.settings)), read, cores())
        book, messages = read_book(self.settings, lambda path, text: memory.document(path, text, read))
        memory.forget_others(document.path for document in book.pages)
        self.broken_links = tuple(links.check(book, self.settings))
        self.diagnostics.add(*messages, *self.broken_links)
        return book

    @cached_property
    def sources(self) -> dict[str, str]:
        """Path of each file that the book is read from, its results apart → digest of what stood there before that."""
        from octavo.source.toc import markdown_files

        pages = [self.settings.source / f"{page}.md" for page in markdown_files(self.settings)]
        locks = [self.folder / self.settings.environments / f"{tab}.txt" for tab in self.settings.tabs]
        modules = [self.folder / library.file for library in self.settings.libraries.values()]
        return {str(self.folder / config.FILE_NAME): self._config, **file_digests([*pages, *locks, *modules])}

    @cached_property
    def documents(self) -> Mapping[str, Document]:
        """Name of each page → the page."""
        return {document.page: document for document in self.book.pages}

    @cached_property
    def editions(self) -> Mapping[tuple[str, str], Edition]:
        """(page, framework) → its edition, for pages that have code in that framework."""
        if not self.has_settings:
            return {}
        settings = self.settings

        def cut_for_book(document: Document, tab: str) -> tuple[Edition, tuple[Diagnostic, ...]]:
            from octavo.select.edition import cut

            return cut(document, tab, settings)

        editions: dict[tuple[str, str], Edition] = {}
        for document in self.book.pages:
            if not any(cell.kind is CellKind.CODE for cell in document.cells):
                continue
            for tab in document.tabs:
                edition, messages = self.memory.edition(document, tab, cut_for_book)
                self.diagnostics.add(*messages)
                editions[document.page, tab] = edition
        return editions

    @cached_property
    def memory(self) -> Memory:
        """What is known of the book's pages."""
        from octavo.memory import Memory

        # what decides how a page is read and cut, besides its text
        settings = self.settings
        return Memory.open(self.output_folder, settings.tabs, settings.untagged, settings.libraries)

    def remember(self) -> None:
        """Keep what was found out about pages for the next command, at the end of this one."""
        if "memory" in self.__dict__:
            self.memory.save()

    # -- results

    @cached_property
    def cache(self) -> Path:
        """The folder of environments and of the local store."""
        from octavo.execute.home import cache_home

        return cache_home()

    @cached_property
    def results(self) -> Results:
        """The shelves that results stand on."""
        from octavo.execute.home import runs_home
        from octavo.execute.results.shared import configured
        from octavo.execute.results.store import Results

        report = self.diagnostics.add
        shared = configured(self.settings.store, self.settings.store_mode, os.environ, report)
        return Results(self.folder, self.settings.outputs, runs_home(self.cache), report, shared)

    @cached_property
    def has_results(self) -> bool:
        """Whether any page can have been executed: without a lock and without committed results none was."""
        locks = self.folder / self.settings.environments
        return any((locks / f"{tab}.txt").is_file() for tab in self.settings.tabs) or any(
            (self.folder / self.settings.outputs).rglob("*.json")
        )


def text_of(path: Path) -> str | None:
    """What stands in a file that octavo is about to compare or replace; ``None`` when there is none."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
