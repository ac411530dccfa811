"""What earlier commands found out about pages, kept in the output folder, so that nothing is found out twice.

A page is known by the digest of its text; what is known of it holds for one version of octavo and for settings that
read pages alike. Like the rest of the output folder it is this machine's own, and may be removed at any time.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import pickle
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from octavo.diagnostics import Diagnostic
from octavo.digests import digest, own_code
from octavo.model import Document, Edition
from octavo.processors import in_processes

Messages = tuple[Diagnostic, ...]
Read = Callable[[str, str], tuple[Document, Messages]]
"""Path and text of a page → the page."""
Cut = Callable[[Document, str], tuple[Edition, Messages]]
"""A page and a framework → the page as that shows it."""

Found = TypeVar("Found")

_DIGEST = hashlib.sha256().digest_size
"""What stands before the pickle: its digest."""
MANY = 24
"""How many pages are worth the start of further processes."""


@dataclass(slots=True)
class Known:
    """What is known of a page with a certain text."""

    text: str
    """Digest of its text."""
    document: Document
    messages: Messages
    editions: dict[str, tuple[Edition, Messages]] = field(default_factory=dict)
    """Framework → the edition cut for it, once it was asked for."""
    facts: dict[tuple[str, str], Any] = field(default_factory=dict)
    """Kind and framework → what else was found out from the edition alone."""


@dataclass(slots=True)
class Memory:
    """The pages that are known."""

    file: Path
    scope: str
    """Digest of what holds for all of them."""
    pages: dict[str, Known] = field(default_factory=dict)
    """Path → what is known of the page."""
    others: dict[str, tuple[str, Any]] = field(default_factory=dict)
    """Name → the digest of what something was made from, and that."""
    changed: bool = False
    """Whether there is something to be kept for the next command."""

    @classmethod
    def open(cls, folder: Path, *scope: object) -> Memory:
        """The memory in an output folder; an empty one if there is none, or if it holds for something else."""
        # what is Python, and so what cells read, differs a little between its versions
        memory = cls(folder / "pages.pickle", digest(own_code(), sys.version_info[:2], scope))
        collects = gc.isenabled()
        gc.disable()  # which would look through all that is read, again and again
        try:
            data = memory.file.read_bytes()
            if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
                return memory  # a page that is misread would be executed and kept as something else
            kept_scope, pages, others = pickle.loads(data[_DIGEST:])
        except Exception:  # a damaged pickle may raise anything
            return memory
        finally:
            if collects:
                gc.enable()
        if kept_scope == memory.scope:
            memory.pages, memory.others = pages, others
        return memory

    def save(self) -> None:
        """Keep what is new, if there is an output folder to keep it in; it is no harm if that cannot be."""
        if not self.changed or not self.file.parent.is_dir():
            return
        part = self.file.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            data = pickle.dumps((self.scope, self.pages, self.others), pickle.HIGHEST_PROTOCOL)
            part.write_bytes(hashlib.sha256(data).digest() + data)
            part.replace(self.file)
        self.changed = False

    def document(self, path: str, text: str, read: Read) -> tuple[Document, Messages]:
        """What ``read`` gives for a page."""
        known = self.pages.get(path)
        if known is None or known.text != digest(text):
            known = self._learn(path, text, *read(path, text))
        return known.document, known.messages

    def edition(self, document: Document, tab: str, cut: Cut) -> tuple[Edition, Messages]:
        """What ``cut`` gives for a page that :meth:`document` gave."""
        known = self.pages[document.path]
        if tab not in known.editions:
            known.editions[tab] = cut(document, tab)
            self.changed = True
        return known.editions[tab]

    def fact(self, document: Document, kind: str, tab: str, find: Callable[[], Found]) -> Found:
        """What ``find`` gives for the edition of a page that :meth:`document` gave, by nothing but its text."""
        facts = self.pages[document.path].facts
        if (kind, tab) not in facts:
            facts[kind, tab] = find()
            self.changed = True
        found: Found = facts[kind, tab]
        return found

    def made(self, name: str, facts: str, make: Callable[[], Found]) -> Found:
        """What ``make`` gives, kept under a name as long as ``facts``, the digest of what decides it, is the same."""
        known = self.others.get(name)
        if known is None or known[0] != facts:
            known = (facts, make())
            self.others[name] = known
            self.changed = True
        found: Found = known[1]
        return found

    def read_ahead(self, texts: Mapping[str, str], read: Read, jobs: int) -> None:
        """Of ``texts`` by path, read those that are not known, in several processes at once if there are many."""
        new = [(path, text) for path, text in texts.items() if not self._knows(path, text)]
        if jobs < 2 or len(new) < MANY:
            return
        new.sort(key=lambda page: -len(page[1]))  # so that the processes' shares are alike
        found = in_processes(lambda page: read(*page), new, jobs)
        for (path, text), (document, messages) in zip(new, found, strict=True):
            self._learn(path, text, document, messages)

    def forget_others(self, paths: Iterable[str]) -> None:
        """Keep only these pages in mind."""
        gone = self.pages.keys() - set(paths)
        self.changed = self.changed or bool(gone)
        for path in gone:
            del self.pages[path]

    def _knows(self, path: str, text: str) -> bool:
        return path in self.pages and self.pages[path].text == digest(text)

    def _learn(self, path: str, text: str, document: Document, messages: Messages) -> Known:
        self.changed = True
        self.pages[path] = Known(digest(text), document, messages)
        return self.pages[path]
