"""Which results are there and good, and why the others are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from octavo.build.definitions import Definitions
from octavo.build.desk import Desk
from octavo.build.plan import Plan, Planned
from octavo.digests import file_digest

if TYPE_CHECKING:
    from octavo.execute.machine.inventory import Machine

State = Literal["fresh", "stale", "missing", "failed"]


@dataclass(frozen=True, slots=True)
class PageState:
    """How the result of one page in one framework stands."""

    page: str
    tab: str
    state: State
    reasons: tuple[str, ...] = ()
    """Why it is not fresh, a sentence each."""


@dataclass(eq=False)
class Freshness:
    """Plan and results → how each result stands."""

    desk: Desk
    definitions: Definitions
    plan: Plan

    def states(self, pages: Sequence[str] | None = None, tabs: Sequence[str] = ()) -> list[PageState]:
        """How every result that is meant to be there stands, in reading order."""
        return [self._state(planned) for planned in self.plan.chosen(pages, tabs)]

    def _state(self, planned: Planned) -> PageState:
        from octavo.execute import failures
        from octavo.execute.freshness import key

        edition = planned.edition
        page, tab = edition.page, edition.tab
        if self.is_fresh(planned):
            return PageState(page, tab, "fresh")
        failed = self.desk.results.local.failed(planned.key)
        if failed is not None and failed.failure is not None:
            return PageState(page, tab, "failed", failures.reasons(failed, self.desk.invocation))
        last = self.desk.results.last(page, tab)
        if last is None:
            return PageState(page, tab, "missing", ("it was never executed", *self._lack(planned)))
        reasons = key.reasons(last.inputs, planned.inputs, edition, self.definitions.graph(tab).definitions)
        return PageState(page, tab, "stale", (*reasons, *self._lack(planned)))

    def _lack(self, planned: Planned) -> tuple[str, ...]:
        """Why this machine cannot execute a page, if it cannot."""
        from octavo.execute.machine.slots import Lack, judge

        if not planned.needs.gpus[0]:
            return ()
        lack = judge(planned.needs, self._machine, self._machine.cores)
        return (f"it {lack.message}",) if isinstance(lack, Lack) else ()

    @cached_property
    def _machine(self) -> Machine:
        """What this machine has, looked at only where a page must have a graphics card."""
        from octavo.execute.machine.inventory import this_machine

        return this_machine()

    def stale(self, pages: Sequence[str] | None = None, tabs: Sequence[str] = ()) -> list[Planned]:
        """What has no fresh result, among ``pages`` and ``tabs``; one that failed is tried again."""
        every = self.plan.chosen(pages, tabs)
        if every:
            self.fetch(every)
        return [planned for planned in every if not self.is_fresh(planned)]

    def is_fresh(self, planned: Planned) -> bool:
        """Whether there is a good result with this key. A committed one that was read before is not read again."""
        page, tab = planned.edition.page, planned.edition.tab
        path = self.desk.results.committed.path(page, tab)
        fact = (file_digest(path), planned.key)
        known = self.desk.memory.others.get(f"result {page} {tab}")
        if fact[0] and known == fact and not path.is_symlink():
            return True
        if not self.desk.results.has(planned.key, page, tab):
            return False
        last = self.desk.results.last(page, tab) if fact[0] else None
        # one with pictures is good only as long as these are
        if last is not None and last.key == planned.key and not any(o.data for c in last.cells for o in c.outputs):
            self.desk.memory.made(f"result {page} {tab}", fact[0], lambda: planned.key)
        return True

    def fetch(self, wanted: Iterable[Planned]) -> None:
        """Bring results of the shared store here: all at once, and before anybody relies on their being good."""
        self.desk.results.fetch((one.key, one.edition.page, one.edition.tab) for one in wanted)
