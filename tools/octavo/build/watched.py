"""What has to be the same for a product to be up to date, besides the book's source."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from octavo.build.desk import Desk
from octavo.build.locks import Locks
from octavo.build.modules import Modules
from octavo.build.outside import Outside
from octavo.build.plan import Plan


@dataclass(eq=False)
class Watched:
    """What pages declare and import, written down so that the next command need not read them for it."""

    desk: Desk
    outside: Outside
    locks: Locks
    modules: Modules
    plan: Plan

    def save(self) -> None:
        """Write it down, if this command found it out."""
        if self.desk.has_settings and self.plan.is_made and self.desk.output_folder.is_dir():
            with contextlib.suppress(OSError):  # the next command finds out again
                self._file.write_text(json.dumps(self._listed()), encoding="utf-8")

    def digests(self) -> object:
        """Digests of what pages declare and import; of pages that were not read, as the last command wrote it down."""
        if not self.desk.has_results:
            return None  # nobody executes this book, and it may not have what that takes
        if self.desk.is_read:
            watched = self._listed()
        else:
            try:
                watched = json.loads(self._file.read_text(encoding="utf-8"))
                names = [[str(name) for name in watched[kind]] for kind in ("paths", "globs", "variables")]
            except (OSError, ValueError, TypeError, KeyError):
                return None
            watched = dict(zip(("paths", "globs", "variables"), names, strict=True))
        files = [self.outside.files(glob) for glob in watched["globs"]]
        for path in watched["paths"]:
            self.outside.noted(path)
        paths = [(path, self.outside.digests[path]) for path in watched["paths"]]
        return paths, files, list(self.outside.variables(watched["variables"]))

    def _listed(self) -> dict[str, list[str]]:
        """What results depend on outside of the book's source, as its pages declare and import it."""
        assert self.plan.planned is not None  # making it finds out which modules are imported
        names = {name for declared in self.plan.declared.values() for name, _ in declared.variables}
        globs = {name for declared in self.plan.declared.values() for name, _ in declared.files}
        locks = {self.locks.path(d.needs.environment) for d in self.plan.declared.values() if d.needs.environment}
        return {"paths": sorted(self.modules.looked_for | locks), "globs": sorted(globs), "variables": sorted(names)}

    @property
    def _file(self) -> Path:
        return self.desk.output_folder / "watched.json"
