"""Files that are written whole or not at all, however the writer ends."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_TEMPORARY = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}")
"""The name of a file while it is written: that of the file that it will be, a dot before it, a random end."""
_TRIES = 5
_OLD = 24 * 3600.0
"""Seconds after which a temporary file is abandoned even where the file system knows no locks."""


def write_whole(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write a file whole or not at all; a reader sees the old content or the new.

    With ``durable`` that holds after a power failure too, which costs a wait for the disk: for what took long to make.
    What writers that were killed have left of the same file is removed.
    """
    for temporary in _temporaries(path.parent):
        if _named(temporary) == path.name:
            remove_abandoned(temporary)
    _put(path, content, lambda fresh: fresh.replace(path), durable)


def create_whole(path: Path, content: bytes) -> bool:
    """Write a file whole unless there is one already; says whether this call made it.

    Of several writers one wins, on network folders too: a link under a name that exists is refused.
    """

    def link(fresh: Path) -> None:
        path.hardlink_to(fresh)
        fresh.unlink()

    try:
        _put(path, content, link)
    except FileExistsError:
        return False
    except OSError as problem:
        if problem.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EXDEV, errno.ENOSYS):
            raise
        return _create_plainly(path, content)  # a file system without links
    return True


def _put(path: Path, content: bytes, take: Callable[[Path], object], durable: bool = False) -> None:
    """Write a temporary file beside ``path`` and hand it to ``take``; one that was taken for abandoned is made anew."""
    for last in (False,) * (_TRIES - 1) + (True,):
        try:
            with _written(path, content, durable) as fresh:
                take(fresh)
        except FileNotFoundError:
            if last or not path.parent.is_dir():
                raise
        else:
            return


def _create_plainly(path: Path, content: bytes) -> bool:
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


@contextlib.contextmanager
def _written(path: Path, content: bytes, durable: bool) -> Iterator[Path]:
    """The content in a file beside ``path``, locked as long as it is in use and removed if the block fails."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with fresh.open("xb") as file:
            _lock(file.fileno())
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
            yield fresh
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def abandoned(folder: Path) -> Iterator[Path]:
    """The files below a folder that writers were killed over, and only those: what is being written is locked."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if _TEMPORARY.fullmatch(name) and _is_abandoned(path):
                yield path


def remove_abandoned(path: Path) -> bool:
    """Remove a temporary file if nobody is writing it any more; says whether it was removed."""
    with contextlib.suppress(OSError):
        if _is_abandoned(path):
            path.unlink()
            return True
    return False


def _temporaries(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if _TEMPORARY.fullmatch(entry.name)]
    except OSError:
        return []


def _named(temporary: Path) -> str:
    found = _TEMPORARY.fullmatch(temporary.name)
    return found["name"] if found else ""


def _is_abandoned(path: Path) -> bool:
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return _lock(number) or time.time() - os.fstat(number).st_mtime > _OLD
    finally:
        os.close(number)


def _lock(number: int) -> bool:
    """Hold a file's lock until it is closed; a file system without locks gives none."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
