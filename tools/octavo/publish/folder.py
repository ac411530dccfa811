"""Files of a product → a folder that holds them and nothing that an earlier build left."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from octavo import products


def bring_up_to_date(folder: Path, files: Mapping[str, bytes | Path]) -> int:
    """Write the files whose bytes differ (a path stands for what that file holds); returns how many.

    Files of an earlier build that are not among them are removed, and so are folders that this leaves empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    earlier = _noted(folder)
    # noted before they are written, so that a build that is stopped leaves nothing that nobody knows of
    _note(folder, earlier | set(files))
    written = sum(
        products.write(folder / name, content if isinstance(content, bytes) else content.read_bytes())
        for name, content in files.items()
    )
    for name in sorted(earlier - set(files)):
        products.remove(folder, name)
    _note(folder, files)
    return written


def clear(folder: Path) -> None:
    """Remove everything that builds wrote into a folder, and the folder if nothing else is in it."""
    for name in sorted(_noted(folder)):
        products.remove(folder, name)
    _manifest(folder).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def known(parent: Path) -> list[Path]:
    """The folders below ``parent`` that builds have written."""
    return sorted(parent / path.name[1 : -len(".json")] for path in parent.glob(".*.json"))


def clear_others(parent: Path, names: Iterable[str]) -> None:
    """Clear the folders below ``parent`` that builds have written, but those that are called so."""
    for folder in set(known(parent)) - {parent / name for name in names}:
        clear(folder)


def _manifest(folder: Path) -> Path:
    """Where it is noted what builds wrote into a folder: beside it, so that it holds the product alone."""
    return folder.with_name(f".{folder.name}.json")


def _noted(folder: Path) -> set[str]:
    try:
        names = json.loads(_manifest(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()


def _note(folder: Path, names: Iterable[str]) -> None:
    text = json.dumps(sorted(names), indent=1) + "\n"
    products.write(_manifest(folder), text.encode())
