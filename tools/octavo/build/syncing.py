"""Notebooks that somebody edited elsewhere → the pages that they are of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octavo.build.desk import Desk
from octavo.diagnostics import Code, error
from octavo.digests import digest, file_digests
from octavo.model import Book, Document, Span
from octavo.processors import cores
from octavo.products import write

if TYPE_CHECKING:
    from octavo.edit.sync import Refused, Shown
    from octavo.publish.citations import Work
    from octavo.source.numbers import Kept

_HINT = "give a notebook that octavo build notebooks has written, or one of octavo jupyter"
_OUTLINES = "outlines for notebooks"
_WORKS = "works for notebooks"
"""Where the memory has what other pages say, so that only those are read again that have changed."""


@dataclass(eq=False)
class Syncing:
    """Book and edited notebook → the page with the edits.

    The book is read without a word about it: what is wrong elsewhere does not concern the edit.
    """

    desk: Desk

    def sync(self, notebook: Path) -> Path | None:
        """Bring an edited notebook back into its page; gives the page's file if it was changed.

        Everything that stands in the way is reported, and then nothing is written.
        """
        report = self.desk.diagnostics.add
        try:
            given = json.loads(notebook.read_text(encoding="utf-8"))
            ours = given["metadata"]["octavo"]
            page, tab = str(ours["page"]), str(ours["framework"])
            known = isinstance(given["cells"], list) and tab in self.desk.settings.tabs and page in self._documents
        except (OSError, ValueError, KeyError, TypeError) as problem:
            why = f": {problem.strerror}" if isinstance(problem, OSError) else ""
            report(error(Code.SYNC, f"{notebook} is no notebook of a page{why}", hint=_HINT))
            return None
        if not known:
            report(error(Code.SYNC, f"{notebook} is of a page or framework that the book has not", hint=_HINT))
            return None
        document = self._documents[page]
        file = self.desk.settings.source / document.path
        text = file.read_bytes().decode("utf-8")
        if "edit" in ours:
            changed = self._edited(given, ours["edit"], text)
        else:
            changed = self._brought_back(given, str(ours.get("source", "")), document, tab, text)
        if isinstance(changed, tuple):
            place = Span(document.path, 1, 1)
            for refused in changed:
                hint = "nothing was written; build the notebook again and repeat the edit there, or edit the page"
                report(error(Code.SYNC, refused.why, place, tab=tab, detail=refused.difference, hint=hint))
            return None
        if changed == text:
            return None
        write(file, changed.encode("utf-8"))
        return file

    def _edited(self, notebook: dict[str, Any], kept: Any, text: str) -> str | tuple[Refused, ...]:
        """What a notebook of ``octavo jupyter`` makes of its page."""
        from octavo.edit.notebook import digest, page_of
        from octavo.edit.sync import ATTACHED, Refused

        if any(isinstance(cell, dict) and cell.get("attachments") for cell in notebook["cells"]):
            return (Refused(ATTACHED),)
        changed = page_of(notebook)
        if changed != text and (not isinstance(kept, dict) or kept.get("digest") != digest(text)):
            return (Refused("the page has changed since the notebook was opened", text, changed),)
        return changed

    def _brought_back(
        self, notebook: dict[str, Any], source: str, page: Document, tab: str, text: str
    ) -> str | tuple[Refused, ...]:
        """What a notebook for readers makes of its page."""
        from octavo.edit.notebook import notebook_of
        from octavo.edit.sync import brought_back, shown
        from octavo.source.reader import read

        settings = self.desk.settings
        document, _ = read(page.path, text, settings)
        made = self._built(document, tab, text)
        unchanged = bool(source) and made.get("metadata", {}).get("octavo", {}).get("source") == source
        opened = notebook_of(text, document, tab, settings)

        def build(changed: str) -> Sequence[Shown]:
            return shown(made if changed == text else self._built(page, tab, changed))

        return brought_back(opened, shown(notebook), build, unchanged=unchanged)

    # -- the notebook of one page, as readers would get it

    def _built(self, page: Document, tab: str, text: str) -> dict[str, Any]:
        """The notebook of a page with this text, as JSON; without a cell if there is nothing in it."""
        from octavo.build.notebooks import phrases
        from octavo.publish.markdown import SOURCE, parser, sheet
        from octavo.publish.notebooks import notebook, pages_of
        from octavo.publish.shelf import Shelf, View
        from octavo.select.edition import cut
        from octavo.source.numbers import number
        from octavo.source.reader import read

        settings = self.desk.settings
        new, _ = read(page.path, text, settings)
        edition, _ = cut(new, tab, settings)
        book = Book(tuple(new if one.page == new.page else one for one in self._book.pages))
        md = parser()
        env: dict[str, Any] = {}
        tokens = md.parse(new.text, env)
        numbers = number(
            book, lambda one: tokens if one.page == new.page else md.parse(one.text, {}), dict(self._outlines)
        )
        macros = {macro.name: macro for macro in settings.macros}
        shelf = Shelf(book, numbers, self._works(book), phrases(settings), macros)
        pages = pages_of(book, {**self._editions(tab), (new.page, tab): edition}, settings, tab)
        view = View(tab, pages, site=settings.website.base_url)
        content = notebook(sheet(new, env[SOURCE], tokens, shelf, md), edition, None, view, set())
        made: dict[str, Any] = json.loads(content or b'{"cells": []}')
        return made

    @cached_property
    def _book(self) -> Book:
        """The book as it lies there, for its numbers."""
        from octavo.source.toc import read_book, reading, texts

        memory, read = self.desk.memory, reading(self.desk.settings)
        memory.read_ahead(dict(texts(self.desk.settings)), read, cores())
        return read_book(self.desk.settings, lambda path, text: memory.document(path, text, read))[0]

    @cached_property
    def _documents(self) -> Mapping[str, Document]:
        return {document.page: document for document in self._book.pages}

    def _editions(self, tab: str) -> dict[tuple[str, str], Any]:
        """The editions of one framework, which tell what pages have a notebook."""
        from octavo.select.edition import cut

        settings = self.desk.settings
        return {
            (one.page, tab): self.desk.memory.edition(one, tab, lambda page, name: cut(page, name, settings))[0]
            for one in self._book.pages
            if tab in one.tabs and one.cells
        }

    @cached_property
    def _outlines(self) -> Kept:
        """What is numbered on each page of the book as it lies there."""
        from octavo.publish.markdown import parser
        from octavo.source.numbers import number

        md, memory = parser(), self.desk.memory
        before: Kept = dict(memory.others.get(_OUTLINES, ("", {}))[1])
        now = dict(before)
        number(self._book, lambda one: md.parse(one.text, {}), now)
        if now != before:
            memory.others[_OUTLINES] = ("", now)
            memory.changed = True
        return now

    def _works(self, book: Book) -> Mapping[str, Work]:
        """What is cited in the book, kept as long as neither that nor the bibliographies change."""
        from octavo.publish.citations import read_works
        from octavo.source.links import bibliographies

        files = list(bibliographies(book, self.desk.settings))
        cited = sorted({ref.target for page in book.pages for ref in page.references if ref.kind == "citation"})
        facts = digest(file_digests(files), cited)
        return self.desk.memory.made(_WORKS, facts, lambda: read_works(files, cited))
