"""The files of a book that kernels elsewhere need: which those are, and how they get into the shared store."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from octavo.config import Settings

_NOT_FILES = ("__pycache__", ".git", ".ipynb_checkpoints")
_AT_ONCE = 8
"""Files that are sent at the same time: a store that is far away answers late."""


def files_of_book(settings: Settings, named: Iterable[str]) -> dict[str, Path]:
    """Path relative to the book's folder → file, for everything that a kernel may open or import.

    Those are ``named``, the book's modules and declared data files by such paths; all of each package that harvesting
    writes into; and the resources.
    """
    root = settings.root.resolve()
    places = [root / (library.package or library.file) for library in settings.libraries.values()]
    places += [root / path for path in named]
    places += [settings.source / resource for resource in settings.resource_paths()]
    found: dict[str, Path] = {}
    for place in places:
        for path in _below(place):
            if path.resolve().is_relative_to(root):
                found[Path(os.path.normpath(path)).relative_to(root).as_posix()] = path
    return dict(sorted(found.items()))


def _below(place: Path) -> Iterator[Path]:
    """A file, or all files of a folder."""
    if place.is_file():
        yield place
    for folder, names, files in os.walk(place):
        names[:] = [name for name in names if name not in _NOT_FILES]
        yield from (Path(folder, name) for name in files if not name.endswith(".pyc"))


def send(files: Mapping[str, Path], put: Callable[[bytes], str]) -> dict[str, str]:
    """Put files into the shared store, those that it lacks; gives path → SHA-256. Raises ``OSError``."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(files, pool.map(lambda path: put(path.read_bytes()), files.values()), strict=True))


def resources(settings: Settings) -> tuple[str, ...]:
    """The resources of a book by plain paths relative to its source folder; those outside of it are left out."""
    plain_paths = (os.path.normpath(name) for name in settings.resource_paths())
    return tuple(name for name in plain_paths if not name.startswith(("..", "/")) and name != ".")


def plain(name: str) -> str:
    """A name that can be part of a file's name anywhere."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40] or "book"
