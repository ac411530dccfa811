"""The local shelf: every run whole, by key, with its times and failures, in the user's cache."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from octavo.diagnostics import Code, Diagnostic, warning
from octavo.execute.checks import DamagedError
from octavo.execute.results import records
from octavo.execute.results.files import write_whole
from octavo.model import Run

Report = Callable[[Diagnostic], None]
"""Takes a message, such as ``Diagnostics.add``."""

DAMAGED = ".damaged"
"""End of the name of a record that was set aside."""

_USED = 24 * 3600.0
"""A record that is read is marked as used, unless that was done less than so many seconds ago."""


def pair_of(page: str, tab: str) -> str:
    """A short name of a page × framework, the same on every machine."""
    return hashlib.sha256(f"{tab}\0{page}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


class LocalStore:
    """Whole runs by key, in ``home/KEY[:2]/KEY.json``. Several builds may use one at once."""

    def __init__(self, home: Path, report: Report) -> None:
        self.home = home
        self.times = Times(home / "times")
        self._report = report
        self._good: dict[str, tuple[int, ...]] = {}
        """Key → which file its record was in when it was last read and found good."""

    def path(self, key: str) -> Path:
        """Where the record of ``key`` stands."""
        return self.home / key[:2] / f"{key}.json"

    def find(self, key: str) -> Run | None:
        """The successful run of ``key``."""
        run = self._read(key)
        return run if run is not None and run.failure is None else None

    def failed(self, key: str) -> Run | None:
        """The run of ``key`` if it failed: why the page has no result now."""
        run = self._read(key)
        return run if run is not None and run.failure is not None else None

    def has(self, key: str) -> bool:
        """Whether :meth:`find` would find something; a record that did not change is not read twice for it."""
        known = self._good.get(key)
        return (known is not None and known == identity(self.path(key))) or self.find(key) is not None

    def save(self, run: Run, *, forced: bool = False, copied: bool = False) -> None:
        """Write a run; a success that is there stays, unless ``forced`` and the new one is a success too.

        One that is ``copied`` from elsewhere can be had again, so nobody waits for the disk. A store that cannot be
        written is reported, and the build goes on without it.
        """
        there = self._read(run.key)
        if there is not None and there.failure is None and (not forced or run.failure is not None):
            return
        body = records.run_to_json(run)
        text = records.pack({**body, "checksum": _checksum(body)})
        path = self.path(run.key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text.encode("utf-8"), durable=not copied)
            if run.failure is None:
                self.times.remember(run)
        except OSError as problem:
            self._report(
                warning(
                    Code.DAMAGED_RESULT,
                    f"cannot write the local store in {self.home}: {problem.strerror or problem}",
                    hint="set OCTAVO_CACHE to a folder that can be written and has room",
                )
            )

    def _read(self, key: str) -> Run | None:
        path = self.path(key)
        before = identity(path)
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError:
            self._report(
                warning(
                    Code.DAMAGED_RESULT,
                    f"cannot read the local store in {self.home}: Permission denied",
                    hint="set OCTAVO_CACHE to a folder of your own",
                )
            )
            return None
        except (OSError, UnicodeDecodeError):
            self._set_aside(path, "it cannot be read")
            return None
        try:
            body = records.load(text)
            if "sha256" in body:  # of an octavo that wrote them otherwise; it is written anew
                return None
            if body.pop("checksum", None) != _checksum(body):
                raise DamagedError("its checksum does not fit")
            run = records.run_from_json(body)
            if run.key != key:
                raise DamagedError("it is the record of another key")
        except DamagedError as problem:
            self._set_aside(path, str(problem))
            return None
        if run.failure is None:
            self._good[key] = _mark_as_used(path) or before
        return run

    def _set_aside(self, path: Path, why: str) -> None:
        with contextlib.suppress(OSError):
            path.replace(path.with_suffix(DAMAGED))
        self._report(
            warning(
                Code.DAMAGED_RESULT,
                f"the stored run {path.name} is damaged and was set aside: {why}",
                hint="nothing needs to be done: the page is executed again",
            )
        )


class Times:
    """How long each page × framework took the last time, in the names of empty files: one listing tells them all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, int] | None = None

    def seconds(self, page: str, tab: str) -> float | None:
        """What was remembered last; ``None`` where nothing was."""
        known = self._all().get(pair_of(page, tab))
        return None if known is None else known / 1000

    def remember(self, run: Run) -> None:
        """Take down how long a run took; raises ``OSError`` where the folder cannot be written."""
        pair, now = pair_of(run.page, run.tab), round(run.seconds * 1000)
        before = self._all().get(pair)
        if now == 0 or before == now:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{pair}-{now}").touch()
        if before is not None:
            (self._folder / f"{pair}-{before}").unlink(missing_ok=True)
        self._all()[pair] = now

    def _all(self) -> dict[str, int]:
        if self._known is None:
            names: list[str] = []
            with contextlib.suppress(OSError):
                names = sorted(os.listdir(self._folder))  # noqa: PTH208  names alone, and thousands of them
            found = (re.fullmatch(r"([0-9a-f]{16})-(\d{1,12})", name) for name in names)
            # two builds at once may leave two times of one page: which of them is taken matters little
            self._known = {match[1]: int(match[2]) for match in found if match}
        return self._known


def _checksum(body: object) -> str:
    return hashlib.sha256(records.pack(body).encode("utf-8", "surrogatepass")).hexdigest()


def identity(path: Path) -> tuple[int, ...]:
    """What tells a file from another one of the same name; empty where there is none."""
    try:
        facts = path.stat()
    except OSError:
        return ()
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns


def _mark_as_used(path: Path) -> tuple[int, ...]:
    """Give a record the present time if its own is old, for ``octavo gc``; gives the file's new identity, if any."""
    with contextlib.suppress(OSError):
        if time.time() - path.stat().st_mtime > _USED:
            os.utime(path)
            return identity(path)
    return ()
