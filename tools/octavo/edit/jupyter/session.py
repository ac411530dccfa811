"""What ``octavo jupyter`` tells the parts that Jupyter's server makes itself: a file of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Session:
    """One book edited in one framework."""

    folder: str
    """The book's folder."""
    tab: str
    state: str
    """The folder that octavo keeps checkpoints, refused pages and what was opened in."""
    kernel: str = ""
    """The name of the framework's kernel; empty where the book has no lock of it."""
    kernels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Name of each kernel → its specification, as Jupyter writes it."""
    page_kernels: Mapping[str, str] = field(default_factory=dict)
    """Page → its kernel, for pages that declare an environment of their own."""

    def write(self, path: Path) -> None:
        """Write it for :func:`session_of`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


@lru_cache
def session_of(path: str) -> Session:
    """What stands in a file that :meth:`Session.write` has written."""
    return Session(**json.loads(Path(path).read_text(encoding="utf-8")))
