"""The task protocol: one page × one framework as text that any machine can carry out, and its answer.

A message holds everything but the book's files: the cells as they are executed, what the result depends on, the whole
lock, what the page needs. The files that a kernel may open or import are named by a :class:`Manifest`, which lies with
them in the shared store, by content. An answer names the record of the run there. All of it may have been written by
anybody: every value is checked, no path leads out of a folder, and a key that does not fit its inputs is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal, TypeVar

from octavo.execute.checks import DamagedError, mapping, seconds_of, sha256, text_of, texts
from octavo.execute.environments.environment import Lock, digest_of
from octavo.execute.freshness.key import digest
from octavo.execute.freshness.key import key as key_of
from octavo.model import Cell, Code, Edition, EditionCell, Inputs, Needs, Span

SCHEMA = 1
"""The version of the protocol; machines that speak another one refuse."""
LONGEST = 32 * 2**20
"""Characters of a message; a page of a book is thousands of times shorter."""
MOST_FILES = 100_000

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
"""What may become part of a file's name: a framework, a session."""
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of a book that its kernels may open or import."""

    book: str
    """A name for the book and the checkout, equal from run to run; pages share what they download by it."""
    files: Mapping[str, str]
    """Path relative to the book's folder → SHA-256 of its content, which is a blob of the shared store."""
    source: str = "."
    """The source folder relative to the book's."""
    resources: tuple[str, ...] = ()
    """What a page finds beside its chapter, relative to the source folder."""

    def to_text(self) -> str:
        """JSON, equal for equal manifests."""
        return _dump(
            {
                "schema": SCHEMA,
                "book": self.book,
                "files": dict(self.files),
                "source": self.source,
                "resources": list(self.resources),
            }
        )

    @staticmethod
    def from_text(text: str) -> Manifest:
        """The reverse of :meth:`to_text`; raises :class:`DamagedError`."""
        table = _load(text)
        files = mapping(table.get("files"), "files")
        if len(files) > MOST_FILES:
            raise DamagedError(f"it names more than {MOST_FILES} files")
        source = text_of(table.get("source"), "source")
        return Manifest(
            book=_name(table.get("book"), "book"),
            files={_path(path): sha256(value, "a file") for path, value in files.items()},
            source=source if source == "." else _path(source),
            resources=_items(table.get("resources"), "resources", lambda item: _path(str(item).rstrip("/"))),
        )


@dataclass(frozen=True, slots=True)
class Message:
    """One task, as it travels."""

    octavo: str
    """The version that planned it."""
    session: str
    """Name of the run of the command that sends it."""
    edition: Edition
    inputs: Inputs
    key: str
    lock: Lock
    needs: Needs
    manifest: str
    """SHA-256 of the text of the :class:`Manifest`."""
    attempt: int = 0
    """How often it was tried before."""
    forced: bool = False
    """It is executed even if the store has a result."""
    fork: bool = True
    """Its kernel may be a copy of a process."""

    def to_text(self) -> str:
        """JSON."""
        return _dump(
            {
                "schema": SCHEMA,
                "octavo": self.octavo,
                "session": self.session,
                "page": self.edition.page,
                "tab": self.edition.tab,
                "cells": [_cell_to_json(cell) for cell in self.edition.cells],
                "inputs": {
                    "cells": list(self.inputs.cells),
                    "definitions": dict(self.inputs.definitions),
                    "lock": dict(self.inputs.lock),
                    "options": dict(self.inputs.options),
                },
                "key": self.key,
                "lock": {
                    "tab": self.lock.tab,
                    "python": self.lock.python,
                    "packages": dict(self.lock.packages),
                    "imports": list(self.lock.imports),
                    "digest": self.lock.digest,
                },
                "needs": _needs_to_json(self.needs),
                "manifest": self.manifest,
                "attempt": self.attempt,
                "forced": self.forced,
                "fork": self.fork,
            }
        )

    @staticmethod
    def from_text(text: str) -> Message:
        """The reverse of :meth:`to_text`; raises :class:`DamagedError`, also when the key is not that of the inputs."""
        table = _load(text)
        edition = _edition_from_json(table)
        inputs = _inputs_from_json(table.get("inputs"))
        lock = _lock_from_json(table.get("lock"))
        key = sha256(table.get("key"), "key")
        if key_of(inputs) != key:
            raise DamagedError("its key is not that of what it depends on; do the machines have the same octavo?")
        if inputs.cells != tuple(digest(cell.code.text) for cell in edition.cells):
            raise DamagedError("its cells are not those of its key")
        if dict(inputs.lock) != dict(lock.versions):
            raise DamagedError("its lock is not that of its key")
        return Message(
            octavo=text_of(table.get("octavo"), "octavo"),
            session=_name(table.get("session"), "session"),
            edition=edition,
            inputs=inputs,
            key=key,
            lock=lock,
            needs=_needs_from_json(table.get("needs")),
            manifest=sha256(table.get("manifest"), "manifest"),
            attempt=_whole(table.get("attempt"), "attempt", 1000),
            forced=_flag(table.get("forced"), "forced"),
            fork=_flag(table.get("fork"), "fork"),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a task."""

    key: str
    status: Literal["done", "version", "trouble"]
    """``done`` also of a page that failed: its run says so. ``version``: the worker's octavo is another one."""
    run: str = ""
    """SHA-256 of the run's record, a blob of the shared store; empty unless ``done``."""
    text: str = ""
    """What the trouble is, in a sentence without a final stop."""
    host: str = field(default="", compare=False)
    """Where it was."""

    def to_text(self) -> str:
        """JSON."""
        return _dump(
            {
                "schema": SCHEMA,
                "key": self.key,
                "status": self.status,
                "run": self.run,
                "text": self.text,
                "host": self.host,
            }
        )

    @staticmethod
    def from_text(text: str) -> Answer:
        """The reverse of :meth:`to_text`; raises :class:`DamagedError`."""
        table = _load(text)
        status = table.get("status")
        if status not in ("done", "version", "trouble"):
            raise DamagedError("it has no known status")
        return Answer(
            key=text_of(table.get("key"), "key"),
            status=status,
            run=sha256(table.get("run"), "run") if status == "done" else "",
            text=text_of(table.get("text"), "text")[:2000],
            host=text_of(table.get("host"), "host")[:200],
        )


# -- parts of a message


def _cell_to_json(cell: EditionCell) -> dict[str, Any]:
    return {
        "text": cell.code.text,
        "lines": list(cell.code.lines),
        "span": [cell.cell.span.path, cell.cell.span.line, cell.cell.span.end],
        "index": cell.cell.index,
        "varies": cell.cell.varies,
    }


def _edition_from_json(table: Mapping[str, Any]) -> Edition:
    tab = _name(table.get("tab"), "tab")

    def cell(value: object) -> EditionCell:
        item = mapping(value, "a cell")
        text = text_of(item.get("text"), "a cell's text")
        lines = _items(item.get("lines"), "a cell's lines", lambda line: _whole(line, "a line"))
        place = item.get("span")
        if len(lines) != text.count("\n") + 1 or not isinstance(place, list) or len(place) != 3:
            raise DamagedError("a cell has no place")
        span = Span(_path(place[0]), _whole(place[1], "a line"), _whole(place[2], "a line"))
        code = Code(text, lines)
        whole = Cell(
            code,
            span,
            (tab,),
            True,
            _whole(item.get("index"), "a cell's index"),
            varies=_flag(item.get("varies"), "varies"),
        )
        return EditionCell(whole, code, code)

    return Edition(_path(table.get("page")), tab, _items(table.get("cells"), "cells", cell))


def _inputs_from_json(value: object) -> Inputs:
    table = mapping(value, "inputs")
    return Inputs(
        cells=_items(table.get("cells"), "inputs", lambda item: sha256(item, "a cell")),
        definitions=texts(table.get("definitions"), "definitions"),
        lock=texts(table.get("lock"), "lock"),
        options=texts(table.get("options"), "options"),
    )


_PACKAGE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION = re.compile(r"v?[0-9][A-Za-z0-9.!+_-]*( \[[\w,.-]*\])?( ; [^\n\r#]*)?")
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def _lock_from_json(value: object) -> Lock:
    """A lock that holds what ``read_lock`` would let through, and nothing else."""
    table = mapping(value, "lock")
    python = text_of(table.get("python"), "python")
    packages = texts(table.get("packages"), "packages")
    imports = _items(table.get("imports"), "imports", lambda item: text_of(item, "imports"))
    pinned = all(_PACKAGE.fullmatch(name) and _VERSION.fullmatch(version) for name, version in packages.items())
    if not re.fullmatch(r"3\.\d+(\.\d+)?", python) or not pinned or not all(map(_MODULE.fullmatch, imports)):
        raise DamagedError("its lock is no list of exact pins")
    lock = Lock(_name(table.get("tab"), "tab"), python, dict(sorted(packages.items())), imports)
    return Lock(lock.tab, python, lock.packages, imports, _lock_digest(lock, table.get("digest")))


def _lock_digest(lock: Lock, told: object) -> str:
    """The digest that an environment's folder is named by: never that of other pins."""
    if told != digest_of(lock.python, lock.packages):
        raise DamagedError("its lock is not what its digest says")
    return str(told)


def _needs_to_json(needs: Needs) -> dict[str, Any]:
    return {
        "gpus": list(needs.gpus),
        "gpu_memory": needs.gpu_memory,
        "cpus": needs.cpus,
        "memory": needs.memory,
        "timeout": needs.timeout,
        "cell_timeouts": {str(cell): seconds for cell, seconds in needs.cell_timeouts.items()},
        "page_timeout": needs.page_timeout,
        "silence": needs.silence,
        "environment": needs.environment,
    }


def _needs_from_json(value: object) -> Needs:
    table = mapping(value, "needs")
    gpus = _items(table.get("gpus"), "gpus", lambda item: _whole(item, "gpus", 1024))
    cells = mapping(table.get("cell_timeouts"), "cell_timeouts")
    environment = text_of(table.get("environment"), "environment")
    if len(gpus) != 2 or gpus[0] > gpus[1] or not all(re.fullmatch(r"\d{1,6}", cell) for cell in cells):
        raise DamagedError("what it needs makes no sense")
    return Needs(
        gpus=(gpus[0], gpus[1]),
        gpu_memory=_whole(table.get("gpu_memory"), "gpu_memory", 2**60),
        cpus=max(1, _whole(table.get("cpus"), "cpus", 2**20)),
        memory=_whole(table.get("memory"), "memory", 2**60),
        timeout=seconds_of(table.get("timeout"), "timeout"),
        cell_timeouts={int(cell): seconds_of(seconds, "a cell's timeout") for cell, seconds in cells.items()},
        page_timeout=seconds_of(table.get("page_timeout"), "page_timeout"),
        silence=seconds_of(table.get("silence"), "silence"),
        environment=_name(environment, "environment") if environment else "",
    )


# -- single values


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _load(text: object) -> dict[str, Any]:
    if not isinstance(text, str) or len(text) > LONGEST:
        raise DamagedError(f"it is longer than {LONGEST} characters")
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise DamagedError("it is no JSON") from problem
    if not isinstance(table, dict) or table.get("schema") != SCHEMA:
        raise DamagedError(f"its schema is not {SCHEMA}; do the machines have the same octavo?")
    return table


def _items(value: object, what: str, take: Callable[[object], Item]) -> tuple[Item, ...]:
    if not isinstance(value, list):
        raise DamagedError(f"{what} is no list")
    return tuple(take(item) for item in value)


def _name(value: object, what: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise DamagedError(f"{what} is no name")
    return value


def _path(value: object) -> str:
    """A path that stays in the folder it is relative to."""
    text = text_of(value, "a path")
    parts = text.split("/")
    if len(text) > 1000 or "\0" in text or "\\" in text or not {"", ".", ".."}.isdisjoint(parts):
        raise DamagedError(f"{text[:100]!r} is no path inside of the book")
    if PurePosixPath(text).is_absolute():
        raise DamagedError(f"{text[:100]!r} is no path inside of the book")
    return text


def _whole(value: object, what: str, most: int = 10_000_000) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise DamagedError(f"{what} is no number from 0 to {most}")
    return value


def _flag(value: object, what: str) -> bool:
    if not isinstance(value, bool):
        raise DamagedError(f"{what} is neither true nor false")
    return value
