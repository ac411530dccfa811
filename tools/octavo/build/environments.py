"""The frameworks' environments: listed, made and removed."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.build.desk import Desk
from octavo.build.locks import Locks
from octavo.build.plan import Plan

if TYPE_CHECKING:
    from octavo.execute.environments.environment import EnvironmentFailure, Lock
    from octavo.progress import Progress


@dataclass(eq=False)
class Environments:
    """Locks → environments in the cache."""

    desk: Desk
    plan: Plan
    locks: Locks

    def listed(self) -> list[dict[str, object]]:
        """What ``octavo env`` lists: a mapping for each framework that has a lock."""
        from octavo.execute.environments.environment import Lock, existing, folder_of
        from octavo.execute.home import environments_home

        home = environments_home(self.desk.cache)
        return [
            {
                "tab": tab,
                "python": lock.python,
                "packages": len(lock.packages),
                "made": existing(lock, home) is not None,
                "path": str(folder_of(lock, home)),
            }
            for tab, lock in self.every_lock.items()
            if isinstance(lock, Lock)
        ]

    def make(self, tabs: Iterable[str], progress: Progress) -> None:
        """Make the environments of these frameworks, or of all."""
        from octavo.execute.environments.environment import EnvironmentFailure, make
        from octavo.execute.home import environments_home

        wanted = set(tabs) or set(self.every_lock)
        for tab, lock in self.every_lock.items():
            if tab not in wanted or isinstance(lock, EnvironmentFailure):
                continue  # reading the lock told why there is none
            made = make(lock, environments_home(self.desk.cache), progress.stage)
            if isinstance(made, EnvironmentFailure):
                self.desk.diagnostics.add(made.diagnostic())
            else:
                progress.note(f"the environment of {tab} is {made.folder}")

    def remove(self, tabs: Iterable[str]) -> list[Path]:
        """Remove the environments of these frameworks' present locks; returns the folders removed."""
        from octavo.execute.environments.environment import Lock, folder_of
        from octavo.execute.home import environments_home

        removed = []
        for tab in tabs:
            lock = self.every_lock.get(tab)
            folder = folder_of(lock, environments_home(self.desk.cache)) if isinstance(lock, Lock) else None
            if folder is not None and folder.is_dir():
                shutil.rmtree(folder)
                removed.append(folder)
        return removed

    @property
    def every_lock(self) -> Mapping[str, Lock | EnvironmentFailure]:
        """The locks of all frameworks, and those that pages declare, by their names."""
        named = sorted({one.needs.environment for one in self.plan.declared.values()} - {""})
        return {**self.locks.of_frameworks, **{name: self.locks.named(name) for name in named}}
