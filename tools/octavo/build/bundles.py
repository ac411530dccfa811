"""Notebooks to take home: an archive of each framework, and one of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.build.desk import Desk
from octavo.build.notebooks import phrases
from octavo.build.shown import Shown
from octavo.build.wheels import Wheels, sayings

if TYPE_CHECKING:
    from octavo.progress import Progress
    from octavo.publish.bundle import Pinned

FOLDER = "bundle"


@dataclass(eq=False)
class Bundles:
    """Notebooks, the library's wheel, locks and files of the book → ``bundle/NAME-TAB.zip`` and ``bundle/NAME.zip``."""

    desk: Desk
    shown: Shown
    wheels: Wheels

    def build(self, progress: Progress, tabs: Sequence[str] = ()) -> list[Path]:
        """Bring the archives of these frameworks up to date; without any, of all, and the one that holds all."""
        if not self.desk.book.pages:
            return []
        from octavo.publish import bundle, folder
        from octavo.publish.notebooks import notebooks

        desk, settings = self.desk, self.desk.settings
        chosen = desk.chosen(tabs)
        progress.stage(f"packing the notebooks of {', '.join(chosen)}")
        say, home = sayings(settings), desk.output / FOLDER
        distribution = self.wheels.distribution
        library = self.wheels.wheel if distribution is not None else None
        parts = {}
        for made in notebooks(desk.book, settings, desk.editions, self.shown.runs(), chosen, phrases(settings)):
            if made.notebooks:
                read = bundle.resources(settings, desk.editions.values(), made.tab)
                pinned, licences = self._pinned(made.tab), dict(self.wheels.licences())
                parts[made.tab] = bundle.contents(made, read, library, pinned, licences, settings, say)
        archives = bundle.bundles(parts, settings, say)
        if set(chosen) != set(settings.tabs):
            archives = {name: archives[name] for name in archives if name != bundle.file_name(settings.name, "default")}
        files: dict[str, bytes | Path] = {name: pack() for name, pack in archives.items()}
        others = [bundle.file_name(settings.name, tab) for tab in (*settings.tabs, "default")] if tabs else []
        with desk.alone("packing notebooks", progress):
            kept = {name: home / name for name in others if name not in files and (home / name).is_file()}
            folder.bring_up_to_date(home, {**kept, **files})
        return [home / name for name in files]

    def _pinned(self, tab: str) -> Pinned:
        """What a framework's notebooks were executed with; without a lock, what they import."""
        from octavo.publish.bundle import KERNEL, Pinned

        lock = self.wheels.known_locks.get(tab)
        if lock is None:
            return Pinned("", (KERNEL, *self.wheels.required(tab)))
        return Pinned(lock.python, lock.requirements.splitlines(), lock.imports)
