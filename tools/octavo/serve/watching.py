"""Which files an author's saving changes, told as soon as they are changed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from watchfiles import Change, awatch

_STEP = 20
"""Milliseconds without a change after which changes are told: editors write, rename and touch what they save."""
_LONGEST = 300
"""Milliseconds after which changes are told in any case."""
_NOT_SOURCE = frozenset(("__pycache__", "node_modules"))
_SCRATCH = (".swp", ".swx", ".swo", ".tmp", ".part", ".pyc", "~", ".map.json")
"""Ends of the names of what editors and octavo itself write beside what is meant."""


@dataclass(eq=False)
class Watching:
    """Watches a book's folder, and folders of its source that lie elsewhere."""

    folder: Path
    changed: Callable[[Collection[Path]], None]
    output: Path | None = None
    """The folder of products; what is written there, no author saves."""
    more: tuple[Path, ...] = ()
    _folders: tuple[Path, ...] = field(default=(), init=False)
    _again: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def look(self, output: Path | None, *more: Path) -> None:
        """Watch these folders from now on."""
        self.output = output
        self.more = tuple(path for path in more if not path.is_relative_to(self.folder))
        if self._wanted() != self._folders:
            self._again.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_top())
            group.create_task(self._watch_below())

    async def _watch_top(self) -> None:
        """The files beside config.ini, and folders that come to be there."""
        # not all that is below: a checkout's own folders, such as .git and .venv, may be more than can be watched
        async for found in awatch(
            self.folder, watch_filter=self._matters, step=_STEP, debounce=_LONGEST, recursive=False
        ):
            if self._wanted() != self._folders:
                self._again.set()
            self.changed({Path(path) for _, path in found})

    async def _watch_below(self) -> None:
        while True:
            self._folders = self._wanted()
            self._again = asyncio.Event()
            if not self._folders:
                await self._again.wait()
                continue
            with contextlib.suppress(FileNotFoundError):  # one that was removed meanwhile
                async for found in awatch(
                    *self._folders,
                    watch_filter=self._matters,
                    step=_STEP,
                    debounce=_LONGEST,
                    stop_event=self._again,
                    ignore_permission_denied=True,
                ):
                    self.changed({Path(path) for _, path in found})

    def _wanted(self) -> tuple[Path, ...]:
        below = (path for path in self.folder.iterdir() if path.is_dir() and self._is_source(path))
        return (*sorted(below), *(path for path in self.more if path.is_dir()))

    def _matters(self, change: Change, path: str) -> bool:
        return self._is_source(Path(path))

    def _is_source(self, path: Path) -> bool:
        """Whether a file or folder may be one that an author works on."""
        if self.output is not None and (path == self.output or path.is_relative_to(self.output)):
            return False
        inside = path.relative_to(self.folder).parts if path.is_relative_to(self.folder) else (path.name,)
        hidden = any(part.startswith((".", "#")) or part in _NOT_SOURCE for part in inside)
        # vim tries whether it may write a folder with a file of this name
        return not hidden and not path.name.endswith(_SCRATCH) and path.name != "4913"
