"""The globs of ``config.ini``: shell globs over paths with ``/``, in which ``**`` crosses folders."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path


def matching(folder: Path, pattern: str) -> list[Path]:
    """What a glob matches below a folder, sorted."""
    found = glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207  Path.glob does not take every pattern
    return [folder / path for path in sorted(found)]


def named(globs: Iterable[str], page: str) -> bool:
    """Whether one of the globs matches a page's file, or is a folder above it."""
    path = f"{page}.md"
    return any(matches(path, item) or path.startswith(f"{item.removeprefix('./').rstrip('/')}/") for item in globs)


def matches(path: str, glob: str) -> bool:
    """Whether a book-relative path matches a shell glob in which ``**`` crosses folders and ``*`` does not."""
    return _glob(glob.removeprefix("./")).fullmatch(path) is not None


@lru_cache(maxsize=256)
def _glob(glob: str) -> re.Pattern[str]:
    pattern = []
    for part in re.findall(r"\*\*/|\*+|\?|\[[!^]?\]?[^\]/]*\]|[^*?\[]+|\[", glob):
        wildcard = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}.get(part)
        if wildcard is None and part.startswith("*"):
            wildcard = ".*"
        elif wildcard is None and len(part) > 2 and part.startswith("[") and part.endswith("]"):
            wildcard = _one_of(part[1:-1])
        pattern.append(wildcard or re.escape(part))
    return re.compile("".join(pattern), re.DOTALL)


def _one_of(characters: str) -> str:
    """``a-c`` or ``!a-c`` of a glob as a regular expression; a range that runs backwards matches nothing."""
    negated = characters[0] in "!^"
    inside = re.escape(characters[negated:]).replace(r"\-", "-")
    try:
        re.compile(f"[{inside}]")
    except re.error:
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[^{inside}]" if negated else f"[{inside}]"
