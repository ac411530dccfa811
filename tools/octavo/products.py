"""The files of products: written whole and only where they differ, removed with the folders that this leaves empty."""

from __future__ import annotations

import contextlib
from pathlib import Path


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
