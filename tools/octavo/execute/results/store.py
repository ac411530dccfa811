"""Key ↔ run, on three shelves: the local cache, the results that are committed with the book, and a shared store.

Looked at in this order: what is here costs nothing, what is committed is what a review has seen, and what is shared
comes over a network. What came from there stands in the local store afterwards, so that it comes once.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from octavo.diagnostics import Code, error
from octavo.execute.results.committed import CommittedStore
from octavo.execute.results.files import write_whole
from octavo.execute.results.local import LocalStore, Report
from octavo.execute.results.shared import SharedStore, StoreError
from octavo.model import Run


class Results:
    """All shelves of one book."""

    def __init__(self, root: Path, outputs: str, home: Path, report: Report, shared: SharedStore | None = None) -> None:
        """The book in ``root`` with committed results in ``root/outputs``, the local store in ``home``, and another."""
        self.local = LocalStore(home, report)
        self.committed = CommittedStore(root, outputs, report)
        self.shared = shared
        self._report = report

    def find(self, key: str, page: str, tab: str) -> Run | None:
        """A successful run of this key, looked for on all shelves.

        A committed result is found under its own page first, then under any (a page that was renamed).
        """
        return self.local.find(key) or self.committed.find(key, page, tab) or self._shared(key)

    def has(self, key: str, page: str, tab: str) -> bool:
        """Whether :meth:`find` would find something, as far as can be told without reading what is shared."""
        if self._is_here(key, page, tab):
            return True
        return self.shared is not None and self.shared.has(key)

    def _is_here(self, key: str, page: str, tab: str) -> bool:
        return self.local.has(key) or self.committed.has(key, page, tab)

    def fetch(self, wanted: Iterable[tuple[str, str, str]]) -> None:
        """Bring the runs of these keys, pages and frameworks from the shared store here, many at once.

        What no other shelf has is read; a record that is damaged counts as absent from then on.
        """
        if self.shared is None:
            return
        keys = [key for key, page, tab in wanted if not self._is_here(key, page, tab) and self.shared.has(key)]
        for _, run in self.shared.fetch(keys):
            self.local.save(run, copied=True)

    def share(self, keys: Iterable[str]) -> None:
        """Put successful runs that are here alone into the shared store, such as those from before there was one."""
        if self.shared is None or self.shared.mode != "read-write":
            return
        for key in keys:
            if not self.shared.has(key) and (run := self.local.find(key)) is not None:
                self.shared.save(run)

    def _shared(self, key: str) -> Run | None:
        run = self.shared.find(key) if self.shared else None
        if run is not None:
            self.local.save(run, copied=True)
        return run

    def last(self, page: str, tab: str) -> Run | None:
        """The committed result of a page × framework, whatever its key: what to show when nothing fresh is there."""
        return self.committed.read(page, tab)

    def failed(self, key: str) -> Run | None:
        """The run of this key if it failed here."""
        return self.local.failed(key)

    def seconds(self, page: str, tab: str) -> float | None:
        """How long a page × framework took the last time, here or else where the shared store was filled."""
        known = self.local.times.seconds(page, tab)
        return self.shared.seconds(page, tab) if known is None and self.shared else known

    def save(self, run: Run, *, forced: bool = False) -> Run:
        """Keep a run: in the local store, and, if it succeeded, among the committed results and in the shared store.

        With ``forced`` a run that the user asked to repeat takes the place of an equal key's. Gives the run as it is
        now known, which has the first run's values where cells vary. That the environment or a graphics card was
        missing says nothing about the page, and is not kept.
        """
        if run.failure is None:
            run = self.commit(run)
        if run.failure is None or run.failure.reason not in ("environment", "deferred"):
            self.local.save(run, forced=forced)
        if run.failure is None and self.shared is not None:
            self.shared.save(run, forced=forced)
        return run

    def commit(self, run: Run) -> Run:
        """Make the result of a successful run the committed one, or report that it cannot be written."""
        try:
            return self.committed.write(run)
        except OSError as problem:
            path = self.committed.path(run.page, run.tab).relative_to(self.committed.root).as_posix()
            self._report(
                error(
                    Code.DAMAGED_RESULT,
                    f"cannot write the result {path}: {problem.strerror or problem}",
                    tab=run.tab,
                    hint=f"see that {self.committed.outputs} is a folder that may be written and has room",
                )
            )
            return run


__all__ = ["CommittedStore", "LocalStore", "Report", "Results", "SharedStore", "StoreError", "write_whole"]
