"""What a shared store stands on: a folder, or whatever fsspec has a file system for. Names, bytes, and no meaning."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import unquote

from octavo.execute.results.files import abandoned, create_whole, write_whole

OBJECT_STORES = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"))
"""Protocols whose servers take a file whole or not at all, and know no folders."""

_CONNECT_SECONDS, _READ_SECONDS = 5, 20
"""Limits of the protocols that take one; the store has a limit of its own above them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, as a listing tells it."""

    name: str
    """Path below the medium's root, with slashes."""
    size: int
    modified: float
    """Seconds since 1970 by the clock of the medium; 0 where it does not say."""


class Medium(Protocol):
    """Files by name below one root. A name is made of safe characters; whoever calls sees to that."""

    def entries(self, folder: str, start: str = "") -> list[Entry]:
        """Every plain file below a folder but hidden ones, by name; none if the folder is not there.

        With ``start`` only files that stand in the folder itself under a name that begins so.
        """

    def read(self, names: Iterable[str]) -> Mapping[str, bytes | None]:
        """Name → content, ``None`` for what is not there. As many at once as the medium can."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all."""

    def create(self, name: str, content: bytes) -> bool:
        """Write a file unless there is one; says whether this call made it."""

    def abandoned(self) -> list[Entry]:
        """What writers that were killed have left."""

    def move(self, name: str, new: str) -> None:
        """Give a file another name; one that is gone is no error."""

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; those that are gone are no error."""


def medium_of(url: str) -> Medium:
    """The medium of a folder's path or of a URL. Raises ``ImportError`` when a package for it is missing."""
    protocol, found, rest = url.partition("://")
    if not found:
        return Folder(Path(url).expanduser())
    if protocol == "file":
        return Folder(Path(unquote(rest.removeprefix("localhost"))))
    return Remote(protocol, url)


class Folder:
    """A folder of this machine or of a network drive."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def entries(self, folder: str, start: str = "") -> list[Entry]:
        """See :class:`Medium`; a root that is not there is an error if not even its parent is."""
        if not self.root.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.root.parent))
        return list(self._walk(self.root / folder, start))

    def _walk(self, folder: Path, start: str = "") -> Iterator[Entry]:
        try:
            with os.scandir(folder) as found:
                inside = sorted((e for e in found if e.name.startswith(start)), key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        for entry in inside:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                with contextlib.suppress(FileNotFoundError):
                    facts = entry.stat(follow_symlinks=False)
                    name = Path(entry.path).relative_to(self.root).as_posix()
                    yield Entry(name, facts.st_size, facts.st_mtime)

    def read(self, names: Iterable[str]) -> Mapping[str, bytes | None]:
        """See :class:`Medium`."""
        return {name: self._read(self.root / name) for name in names}

    def _read(self, path: Path) -> bytes | None:
        try:
            # neither a link, which leads anywhere, nor a pipe, which never ends
            number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            if problem.errno == errno.ELOOP:
                return None
            raise
        with os.fdopen(number, "rb") as file:
            return file.read() if stat.S_ISREG(os.fstat(number).st_mode) else None

    def write(self, name: str, content: bytes) -> None:
        """See :class:`Medium`."""
        write_whole(self._place(name), content)

    def create(self, name: str, content: bytes) -> bool:
        """See :class:`Medium`."""
        return create_whole(self._place(name), content)

    def abandoned(self) -> list[Entry]:
        """See :class:`Medium`."""
        left = sorted(abandoned(self.root))
        return [Entry(path.relative_to(self.root).as_posix(), path.lstat().st_size, 0.0) for path in left]

    def move(self, name: str, new: str) -> None:
        """See :class:`Medium`."""
        with contextlib.suppress(FileNotFoundError):
            (self.root / name).replace(self._place(new))

    def remove(self, names: Iterable[str]) -> None:
        """See :class:`Medium`; folders that are empty afterwards go too."""
        for name in names:
            path = self.root / name
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty
                for folder in path.parents:
                    if folder == self.root:
                        break
                    folder.rmdir()

    def _place(self, name: str) -> Path:
        """Where a file of this name stands; folders above it are made, the one that the root stands in is not."""
        self.root.mkdir(exist_ok=True)
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


class Remote:
    """Anything that fsspec has a file system for."""

    def __init__(self, protocol: str, url: str) -> None:
        import fsspec

        options: dict[str, Any] = {"skip_instance_cache": True}
        if protocol in ("s3", "s3a"):
            options["config_kwargs"] = {
                "connect_timeout": _CONNECT_SECONDS,
                "read_timeout": _READ_SECONDS,
                "retries": {"max_attempts": 3, "mode": "standard"},
            }
        self._system, root = fsspec.core.url_to_fs(url, **options)
        self._root = str(root).rstrip("/")
        self._takes_whole_files = protocol in OBJECT_STORES

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def entries(self, folder: str, start: str = "") -> list[Entry]:
        """See :class:`Medium`."""
        every = self._below(folder, start)
        return [entry for entry in every if not any(part.startswith(".") for part in entry.name.split("/"))]

    def _below(self, folder: str, start: str = "") -> list[Entry]:
        self._system.invalidate_cache()
        options: dict[str, Any] = {"prefix": start} if start and self._takes_whole_files else {}
        try:
            found = self._system.find(self._path(folder).rstrip("/"), detail=True, **options)
        except FileNotFoundError:
            if self._takes_whole_files:  # these know no folders: it is the bucket that is not there
                raise
            return []
        above = len(self._path(""))
        every = (
            Entry(path[above:], int(facts.get("size") or 0), _modified(facts))
            for path, facts in sorted(found.items())
            if facts.get("type") == "file"
        )
        return [entry for entry in every if entry.name.startswith(f"{folder}/{start}".lstrip("/"))]

    def read(self, names: Iterable[str]) -> Mapping[str, bytes | None]:
        """See :class:`Medium`."""
        paths = {self._path(name): name for name in names}
        if not paths:
            return {}
        contents: dict[str, bytes | None] = {}
        for path, content in self._system.cat(list(paths), on_error="return").items():
            if isinstance(content, Exception) and not isinstance(content, FileNotFoundError):
                raise content
            contents[paths[path]] = content if isinstance(content, bytes) else None
        return contents

    def write(self, name: str, content: bytes) -> None:
        """See :class:`Medium`."""
        path = self._path(name)
        if self._takes_whole_files:
            self._system.pipe_file(path, content)
            return
        above, _, last = path.rpartition("/")
        self._system.makedirs(above, exist_ok=True)
        fresh = f"{above}/.{last}.{secrets.token_hex(4)}"
        self._system.pipe_file(fresh, content)
        self._system.mv(fresh, path)

    def create(self, name: str, content: bytes) -> bool:
        """See :class:`Medium`; where the server knows no such request, the last of several writers wins."""
        path = self._path(name)
        if not self._takes_whole_files:
            self._system.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
        try:
            self._system.pipe_file(path, content, mode="create")
        except FileExistsError:
            return False
        return True

    def abandoned(self) -> list[Entry]:
        """See :class:`Medium`: what has been hidden for a day, on media that do not take files whole."""
        if self._takes_whole_files:
            return []
        yesterday = time.time() - 24 * 3600
        hidden = (entry for entry in self._below("") if entry.name.rpartition("/")[2].startswith("."))
        return [entry for entry in hidden if 0 < entry.modified < yesterday]

    def move(self, name: str, new: str) -> None:
        """See :class:`Medium`."""
        if not self._takes_whole_files:
            self._system.makedirs(str(PurePosixPath(self._path(new)).parent), exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            self._system.mv(self._path(name), self._path(new))

    def remove(self, names: Iterable[str]) -> None:
        """See :class:`Medium`."""
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                self._system.rm_file(self._path(name))


def _modified(facts: Mapping[str, Any]) -> float:
    """When a file was written; each file system has its own word for it."""
    for word in ("LastModified", "mtime", "modified", "updated", "last_modified", "created"):
        value = facts.get(word)
        if isinstance(value, str):
            with contextlib.suppress(ValueError):
                value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    return 0.0
