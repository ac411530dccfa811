"""Removing what was made: what nobody needs of the caches, and the output folder."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.build.desk import CACHE_TAG, CACHE_TAG_TEXT, Desk
from octavo.build.locks import Locks
from octavo.build.plan import Plan
from octavo.diagnostics import Code, error

if TYPE_CHECKING:
    from octavo.execute.results.collect import Collected


@dataclass(eq=False)
class Upkeep:
    """What a book needs → what may go."""

    desk: Desk
    plan: Plan
    locks: Locks

    def collect(self, largest: int | None, *, shared: bool, dry_run: bool) -> Collected | None:
        """Remove from the cache, or from the shared store, what nobody needs; until ``largest`` bytes are left.

        ``None`` when nothing can be said about what this book needs. With ``dry_run`` nothing is removed.
        """
        if not self.desk.has_settings:
            return None
        from octavo.execute.environments.environment import Lock, folder_of
        from octavo.execute.home import environments_home
        from octavo.execute.results import collect
        from octavo.execute.results.shared import StoreError

        keys = {planned.key for planned in self.plan.planned.values()}
        locks_folder = self.desk.folder / self.desk.settings.environments
        locks = (self.locks.named(path.stem) for path in sorted(locks_folder.glob("*.txt")))
        home = environments_home(self.desk.cache)
        environments = {folder_of(lock, home).name for lock in locks if isinstance(lock, Lock)}
        if self.desk.diagnostics.has_errors:  # which may hide pages and locks, and what those need
            return None
        store = self.desk.results.shared if shared else None
        if shared and (store is None or store.mode != "read-write"):
            message = "there is no shared store that this build may write"
            hint = "set [execute] store or OCTAVO_STORE, and see that no mode forbids it"
            self.desk.diagnostics.add(error(Code.SHARED_STORE, message, hint=hint))
            return None
        try:
            items = collect.in_store(store, keys) if store else collect.in_cache(self.desk.cache, keys, environments)
            found = collect.choose(items, largest, time.time())
            if dry_run:
                return found
            if store:
                return collect.without(found, collect.remove_from_store(store, found.removed))
            return collect.without(found, collect.remove_from_cache(self.desk.cache, found.removed))
        except StoreError:
            return None  # it has been told

    def clean(self) -> Path | None:
        """Remove the output folder if octavo made it; returns it, or ``None`` when there is nothing to remove."""
        if not self.desk.has_settings or not self.desk.output_folder.is_dir():
            return None
        folder = self.desk.output_folder
        tag = folder / CACHE_TAG
        if not tag.is_file() or tag.read_text(encoding="utf-8") != CACHE_TAG_TEXT:
            self.desk.diagnostics.add(
                error(
                    Code.CONFIG_VALUE,
                    f"{folder.name} was not made by octavo, so it is not removed",
                    hint="remove it yourself, or name another folder in [build] output_dir",
                )
            )
            return None
        shutil.rmtree(folder)
        return folder
