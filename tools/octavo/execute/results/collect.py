"""What has gathered in the cache and in a shared store, and which of it can go: ``octavo gc``."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from octavo.execute.environments.environment import MARKER
from octavo.execute.home import environments_home, runs_home
from octavo.execute.results.files import abandoned, remove_abandoned
from octavo.execute.results.local import DAMAGED
from octavo.execute.results.shared import DAMAGED as DAMAGED_FOLDER
from octavo.execute.results.shared import QUARANTINE, Record, SharedStore

Kind = Literal["run", "environment", "file", "work", "quarantined", "damaged", "temporary"]

UNUSED_DAYS = 30
"""Days without use after which whatever is no run, and nobody is known to need, goes."""
_DAY = 24 * 3600.0
_REMOVED = ".removed-"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be removed by itself."""

    kind: Kind
    """``file`` is what machines hand each other by content; ``work`` is a book's files on a worker of a cluster."""
    name: str
    """Path below the cache, or name in the shared store."""
    size: int
    used: float
    """When it was last used, in seconds since 1970; in a shared store, when it was written."""
    needed: bool = False
    """This book, as it is now, has a use for it."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What was removed, or would be, and what is left."""

    removed: tuple[Item, ...]
    kept: tuple[Item, ...]

    @property
    def freed(self) -> int:
        """Bytes of what was removed."""
        return sum(item.size for item in self.removed)

    @property
    def size(self) -> int:
        """Bytes of what is left."""
        return sum(item.size for item in self.kept)


def choose(items: Iterable[Item], largest: int | None, now: float) -> Collected:
    """What can go: rubbish, what nobody used for long, and the oldest runs while more than ``largest`` bytes are left.

    What the book needs stays, however large it is; so does what was used within a day and is no run, since another
    build may be using it.
    """

    def old(item: Item, days: float) -> bool:
        return not item.needed and now - item.used > days * _DAY

    every = sorted(items, key=lambda item: (item.used, item.name))
    gone = [i for i in every if i.kind in ("damaged", "temporary") or (i.kind != "run" and old(i, UNUSED_DAYS))]
    left = [item for item in every if item not in set(gone)]
    size = sum(item.size for item in left)
    for item in list(left):
        if largest is None or size <= largest:
            break
        if (item.kind == "run" and not item.needed) or (item.kind == "file" and old(item, 1)):
            left.remove(item)
            gone.append(item)
            size -= item.size
    return Collected(tuple(gone), tuple(left))


# -- the cache


def in_cache(cache: Path, keys: Collection[str], environments: Collection[str]) -> list[Item]:
    """Everything in the cache. ``keys`` of runs and folders of ``environments`` are needed."""
    return [
        *_runs(cache, runs_home(cache), keys),
        *_environments(cache, environments_home(cache), environments),
        *_files(cache, cache / "blobs"),
        *_work(cache, cache / "work"),
    ]


def remove_from_cache(cache: Path, items: Iterable[Item]) -> tuple[Item, ...]:
    """Remove what was chosen; gives what is gone. What another build begins to use meanwhile stays."""
    return tuple(item for item in items if _remove(cache / item.name, item, environments_home(cache)))


def _runs(cache: Path, home: Path, keys: Collection[str]) -> Iterator[Item]:
    left = set(abandoned(home))
    for path in sorted({*home.glob("[0-9a-f][0-9a-f]/*"), *left}):
        if path in left or path.suffix in (".json", DAMAGED):
            kind: Kind = "temporary" if path in left else "damaged" if path.suffix == DAMAGED else "run"
            with contextlib.suppress(OSError):
                facts = path.lstat()
                yield Item(kind, _name(path, cache), facts.st_size, facts.st_mtime, kind == "run" and path.stem in keys)


def _environments(cache: Path, home: Path, needed: Collection[str]) -> Iterator[Item]:
    for path in sorted(home.glob("*")):
        if not path.is_dir() or path.is_symlink():
            continue
        if _REMOVED in path.name:
            yield Item("temporary", _name(path, cache), _size(path), 0.0)
        elif not path.name.startswith("."):
            yield Item("environment", _name(path, cache), _size(path), _last_use(path), path.name in needed)


def _files(cache: Path, home: Path) -> Iterator[Item]:
    for path in sorted(home.glob("[0-9a-f][0-9a-f]/*")):
        with contextlib.suppress(OSError):
            facts = path.lstat()
            yield Item("file", _name(path, cache), facts.st_size, max(facts.st_mtime, facts.st_atime))


def _work(cache: Path, home: Path) -> Iterator[Item]:
    for path in sorted(home.glob("*")):
        if path.is_dir() and not path.is_symlink():
            used = max(p.stat().st_mtime for p in [path, *path.glob("*"), *path.glob("files/*.whole")])
            yield Item("work", _name(path, cache), _size(path), used)


def _remove(path: Path, item: Item, environments: Path) -> bool:
    if item.kind == "environment":
        return _remove_environment(path, item, environments)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return not path.exists()
    if item.kind == "temporary":
        return remove_abandoned(path)
    path.unlink(missing_ok=True)
    return True


def _remove_environment(folder: Path, item: Item, home: Path) -> bool:
    """Remove an environment that nobody makes or uses now; it is out of sight before the first file is gone."""
    with (home / f".{folder.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        if _last_use(folder) != item.used:
            return False
        gone = folder.with_name(f"{folder.name}{_REMOVED}{secrets.token_hex(4)}")
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
    return True


def _last_use(environment: Path) -> float:
    marker = environment / MARKER
    return (marker if marker.exists() else environment).stat().st_mtime


def _name(path: Path, cache: Path) -> str:
    return path.relative_to(cache).as_posix()


def _size(folder: Path) -> int:
    """Bytes of all files below a folder, links not followed."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118  a hundred thousand files
    return total


# -- a shared store


_KINDS: dict[str, Kind] = {"blobs": "file", "once": "file", QUARANTINE: "quarantined", DAMAGED_FOLDER: "damaged"}


def in_store(store: SharedStore, keys: Collection[str]) -> list[Item]:
    """Everything in a shared store that octavo knows. Raises :class:`octavo.execute.results.shared.StoreError`."""
    items = [Item("temporary", entry.name, entry.size, entry.modified) for entry in store.abandoned()]
    for entry in store.everything():
        top = entry.name.partition("/")[0]
        record = Record.of(entry)
        kind = _KINDS.get(top, "run" if record else None)
        if kind is not None:  # an age that nobody knows is none
            needed = record is not None and record.key in keys
            items.append(Item(kind, entry.name, entry.size, entry.modified or time.time(), needed))
    return items


def remove_from_store(store: SharedStore, items: Iterable[Item]) -> tuple[Item, ...]:
    """Remove what was chosen; gives it. Raises :class:`octavo.execute.results.shared.StoreError`."""
    gone = tuple(items)
    store.remove(item.name for item in gone)
    return gone


def without(collected: Collected, gone: Collection[Item]) -> Collected:
    """What was chosen, after only ``gone`` could be removed."""
    stayed = tuple(item for item in collected.removed if item not in gone)
    return replace(collected, removed=tuple(gone), kept=(*collected.kept, *stayed))
