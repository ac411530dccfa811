"""The files of products: written whole and only where they differ, removed with the folders that this leaves empty.

Some say when they were made; then that is the time of the book, so that the same book makes the same file.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

FIRST_TIME = 315532800
"""1980 began then, in seconds: the time of what nobody knows the time of."""
_LONGEST = 10
"""After how many seconds git is not waited for."""


def write(path: Path, content: bytes) -> bool:
    """Write a file unless it holds that already, so that its time says when it changed; returns whether it did."""
    try:
        if path.stat().st_size == len(content) and path.read_bytes() == content:
            return False
    except OSError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return True


def remove(folder: Path, name: str) -> None:
    """Remove a file of a product's folder, if it is one, and the folders above it that are empty then."""
    path = folder / name
    if not path.parent.resolve().is_relative_to(folder.resolve()):
        return
    path.unlink(missing_ok=True)
    for parent in path.relative_to(folder).parents[:-1]:
        with contextlib.suppress(OSError):
            (folder / parent).rmdir()


def time_of(folder: Path) -> int:
    """When the book became what it is, in seconds: what ``SOURCE_DATE_EPOCH`` says, or its last commit."""
    told = os.environ.get("SOURCE_DATE_EPOCH", "")
    if told.isdecimal():
        return int(told)
    command = ["git", "-C", str(folder), "log", "-1", "--format=%ct", "--", "."]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        found = ""
    return int(found) if found.isdecimal() else FIRST_TIME
