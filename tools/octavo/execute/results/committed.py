"""Results that are committed with the book, ``outputs/PAGE/TAB.json`` and pictures beside it: for reviewers and clones.

Text stands inline, nothing in it changes by itself, and a file is untouched when a run gives what is there. What is
read may have been written by anyone, and is checked.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from octavo.diagnostics import Code, warning
from octavo.execute.checks import DamagedError
from octavo.execute.results import records
from octavo.execute.results.files import abandoned, write_whole
from octavo.execute.results.local import Report, identity
from octavo.model import Inputs, Output, Run, Span

_PICTURES = {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpg"}
"""Types that stand in files of their own, and how those end."""


class CommittedStore:
    """Results in the book's repository, by page and framework."""

    def __init__(self, root: Path, outputs: str, report: Report) -> None:
        """The results in the folder ``outputs`` of the book in ``root``."""
        self.root = root
        self.outputs = outputs
        self.folder = root / outputs
        self._report = report
        self._keys: dict[str, tuple[str, str]] | None = None
        self._good: dict[tuple[str, str], tuple[tuple[int, ...], str]] = {}
        """Page × framework → which file its result was in when it was last read and found good, and its key."""

    def path(self, page: str, tab: str) -> Path:
        """Where the result of a page × framework stands."""
        return self.folder / page / f"{tab}.json"

    def find(self, key: str, page: str, tab: str) -> Run | None:
        """The result with this key, under this page or any other."""
        run = self.read(page, tab)
        if run is not None and run.key == key:
            return run
        other = self._by_key().get(key)
        if other is None or other[1] != tab:
            return None
        run = self.read(*other)
        return replace(run, page=page) if run is not None and run.key == key else None

    def has(self, key: str, page: str, tab: str) -> bool:
        """Whether :meth:`find` would find something; a result that did not change is not read twice for it."""
        file, known = self._good.get((page, tab), ((), ""))
        if file and known == key and file == identity(self.path(page, tab)):
            return True
        return self.find(key, page, tab) is not None

    def read(self, page: str, tab: str) -> Run | None:
        """The result of a page × framework, whatever its key; one that is damaged is reported and counts as absent."""
        path = self.path(page, tab)
        if not path.exists() and not path.is_symlink():
            return None
        before = identity(path)
        try:
            run = self._load(path, page, tab)
        except DamagedError as problem:
            shown = path.relative_to(self.root).as_posix()
            self._report(
                warning(
                    Code.DAMAGED_RESULT,
                    f"the result {shown} is damaged and not used: {problem}",
                    Span(shown, 1, 1),
                    hint="execute the page again, or restore the file from git",
                    tab=tab,
                    excerpt="",
                )
            )
            return None
        self._good[page, tab] = (before, run.key)
        return run

    def write(self, run: Run) -> Run:
        """Make the result of a successful run the committed one; gives the run as it is now committed.

        When the key is the same, cells that vary keep the values that are there if nothing else differs, and so do
        pictures whose coordinates differ in their last digits only. A file that would not change is not written.
        Raises ``ValueError`` for a failed run and ``OSError`` when the folder cannot be written.
        """
        if run.failure is not None:
            raise ValueError("a failed run is never committed")
        path = self.path(run.page, run.tab)
        with contextlib.suppress(DamagedError):  # what is damaged is overwritten
            if path.exists() and (there := self._load(path, run.page, run.tab)).key == run.key:
                run = _settled(there, run)
        pictures: dict[str, bytes] = {}

        def put(cell: int, output: int, kind: str, content: str) -> object:
            if kind not in _PICTURES:
                return records.put_text(cell, output, kind, content)
            name = _picture(run.tab, cell, output, kind)
            pictures[name] = content.encode("utf-8") if kind == "image/svg+xml" else base64.b64decode(content)
            return {"file": name}

        text = records.dump(
            {
                "schema": records.SCHEMA,
                "key": run.key,
                "inputs": records.inputs_to_json(run.inputs),
                "cells": records.cells_to_json(run.cells, put, measured=False),
            }
        )
        if not path.parent.resolve().is_relative_to(self.folder.resolve()):  # it would never be read again
            raise OSError(errno.ELOOP, f"a link leads out of {self.outputs}", str(path.parent))
        path.parent.mkdir(parents=True, exist_ok=True)
        for name, content in pictures.items():
            _write_if_changed(path.parent / name, content)
        _write_if_changed(path, text.encode("utf-8"))
        for stale in _pictures_of(path.parent, run.tab):
            if stale.name not in pictures:
                stale.unlink(missing_ok=True)
        if self._keys is not None:
            self._keys[run.key] = (run.page, run.tab)
        return run

    def prune(self, keep: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        """Remove the results of all pages × frameworks that are not in ``keep``; gives what was removed.

        Only files that octavo writes are touched, and folders that are empty afterwards; an author's own JSON stays,
        wherever the settings say that results are.
        """
        kept = set(keep)
        removed = []
        for left in abandoned(self.folder):
            if Path(left.stem).suffix[1:] in ("json", *_PICTURES.values()):
                left.unlink(missing_ok=True)
        for path, page, tab in self._records():
            if (page, tab) in kept or _key_of(path) is None:
                continue
            for picture in _pictures_of(path.parent, tab):
                picture.unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            removed.append(f"{page} ({tab})")
            folder = path.parent
            with contextlib.suppress(OSError):  # not empty
                while folder != self.folder:
                    folder.rmdir()
                    folder = folder.parent
        self._keys = None
        return tuple(removed)

    def _records(self) -> Iterator[tuple[Path, str, str]]:
        """Every file that is named like a result, with the page and the framework that it is of."""
        for path in sorted(self.folder.rglob("*.json")):
            page = path.parent.relative_to(self.folder).as_posix()
            if page != "." and path.is_file() and not path.is_symlink():
                yield path, page, path.stem

    def _by_key(self) -> dict[str, tuple[str, str]]:
        """Key → page and framework, over all results; the first page wins, so that two readers agree."""
        if self._keys is None:
            self._keys = {}
            for path, page, tab in self._records():
                if (key := _key_of(path)) is not None:
                    self._keys.setdefault(key, (page, tab))
        return self._keys

    def _load(self, path: Path, page: str, tab: str) -> Run:
        table = records.load(_read_plain(path, self.folder).decode("utf-8", "replace"))

        def take(cell: int, output: int, kind: str, value: object) -> str:
            if kind not in _PICTURES:
                return records.take_text(cell, output, kind, value)
            name = _picture(tab, cell, output, kind)
            if value != {"file": name}:
                raise DamagedError(f"a picture is not named {name}")
            content = _read_plain(path.parent / name, self.folder)
            if kind != "image/svg+xml":
                if not content:  # as after a power failure
                    raise DamagedError(f"{name} is empty")
                return base64.b64encode(content).decode("ascii")
            try:
                return content.decode("utf-8")
            except UnicodeDecodeError as problem:
                raise DamagedError(f"{name} is no text") from problem

        cells = records.cells_from_json(table.get("cells"), take)
        inputs: Inputs = records.inputs_from_json(table.get("inputs"), tuple(cell.digest for cell in cells))
        run = Run(str(table.get("key")), page, tab, inputs, cells)
        records.check(run)
        return run


def _settled(there: Run, run: Run) -> Run:
    """``run``, of the same key as ``there``, with everything of ``there`` that differs by chance only."""
    return _keep_varying(there, _keep_drawings(there, run))


def _keep_drawings(there: Run, run: Run) -> Run:
    """``run`` with those pictures of ``there`` that nobody could tell from the new ones."""
    if [len(cell.outputs) for cell in there.cells] != [len(cell.outputs) for cell in run.cells]:
        return run
    cells = (
        replace(new, outputs=tuple(_older_drawing(*pair) for pair in zip(old.outputs, new.outputs, strict=True)))
        for old, new in zip(there.cells, run.cells, strict=True)
    )
    return replace(run, cells=tuple(cells))


def _older_drawing(old: Output, new: Output) -> Output:
    before, after = old.data.get("image/svg+xml"), new.data.get("image/svg+xml")
    if before is None or after is None or before == after or not _same_drawing(before, after):
        return new
    return replace(new, data={**new.data, "image/svg+xml": before})


_DECIMAL = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")


def _same_drawing(old: str, new: str) -> bool:
    """Whether two SVG pictures are the same but for the last digits of coordinates: below a hundredth of a point."""
    if _DECIMAL.sub("#", old) != _DECIMAL.sub("#", new):
        return False
    pairs = zip(_DECIMAL.findall(old), _DECIMAL.findall(new), strict=True)
    return all(abs(float(a) - float(b)) < 0.01 for a, b in pairs)


def _keep_varying(there: Run, run: Run) -> Run:
    """``run`` with the varying outputs of ``there``, if the two agree in everything else."""

    def fixed(one: Run) -> list[tuple[bool, tuple[Output, ...]]]:
        return [(cell.varies, () if cell.varies else cell.outputs) for cell in one.cells]

    if fixed(there) != fixed(run):
        return run
    cells = (replace(new, outputs=old.outputs) for old, new in zip(there.cells, run.cells, strict=True))
    return replace(run, cells=tuple(cells))


def _picture(tab: str, cell: int, output: int, kind: str) -> str:
    """Name of a picture's file; cell and output are counted from 1 in it."""
    return f"{tab}-{cell + 1}-{output + 1}.{_PICTURES[kind]}"


def _key_of(path: Path) -> str | None:
    """The key of the result in a file; ``None`` for a file that is no result."""
    with contextlib.suppress(OSError, UnicodeDecodeError, DamagedError):
        table = records.load(path.read_text(encoding="utf-8"))
        key = table.get("key")
        if isinstance(key, str) and {"inputs", "cells"} <= table.keys():
            return key
    return None


def _pictures_of(folder: Path, tab: str) -> Iterator[Path]:
    pattern = re.compile(rf"{re.escape(tab)}-\d+-\d+\.(?:{'|'.join(_PICTURES.values())})")
    with contextlib.suppress(FileNotFoundError):
        for path in sorted(folder.iterdir()):
            if pattern.fullmatch(path.name):
                yield path


def _read_plain(path: Path, inside: Path) -> bytes:
    """The bytes of a regular file; a link, which could lead anywhere, counts as damage."""
    try:
        if path.is_symlink() or not path.is_file() or not path.resolve().is_relative_to(inside.resolve()):
            raise DamagedError(f"{path.name} is missing" if not path.exists() else f"{path.name} is no plain file")
        return path.read_bytes()
    except OSError as problem:
        raise DamagedError(f"{path.name} cannot be read") from problem


def _write_if_changed(path: Path, content: bytes) -> None:
    if not path.is_symlink():
        with contextlib.suppress(FileNotFoundError):
            if path.read_bytes() == content:
                return
    write_whole(path, content)
