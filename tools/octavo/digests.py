"""Digests: what was made from something is up to date as long as its digest is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

import octavo

RENDERING = (
    "docutils", "furo", "markdown-it-py", "math-core", "mdit-py-plugins", "myst-parser", "Pygments", "Sphinx",
    "fonttools", "rcssmin", "rjsmin", "sphinxcontrib-bibtex",
)  # fmt: skip
"""Packages whose versions show in a website."""


def digest(*facts: object) -> str:
    """A digest of texts and of other values with a stable ``repr``."""
    return hashlib.sha256(repr(facts).encode("utf-8", "surrogatepass")).hexdigest()


def file_digest(path: Path) -> str:
    """The digest of a file's content; empty where there is no file that can be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def file_digests(paths: Iterable[str | Path]) -> dict[str, str]:
    """Path → digest of the file's content."""
    return {str(path): file_digest(Path(path)) for path in paths}


@cache
def own_code() -> str:
    """Digest of octavo itself and what it renders with: what another version made does not count."""
    files = sorted(file for file in Path(octavo.__file__).parent.rglob("*") if file.suffix != ".pyc")
    versions = [metadata.version(name) for name in RENDERING]
    return digest(octavo.__version__, versions, [file_digest(file) for file in files])
