"""A book while somebody writes it: the website as it is now, and results one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.build.desk import Desk
from octavo.build.execution import Execution, Failed
from octavo.build.freshness import Freshness
from octavo.build.plan import Plan
from octavo.build.site import Site

if TYPE_CHECKING:
    from octavo.progress import Progress

Pair = tuple[str, str]
"""A page and a framework."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the result of one page in one framework stands."""

    key: str
    """What the result would have to be of."""
    fresh: bool
    """Whether there is one."""


@dataclass(eq=False)
class Preview:
    """Plan, results and website → what a live preview shows and knows."""

    desk: Desk
    plan: Plan
    freshness: Freshness
    execution: Execution
    site: Site

    def render(
        self,
        progress: Progress,
        tabs: Sequence[str] = (),
        failed: Sequence[Failed] = (),
        *,
        changed: bool = True,
        on_pages: Callable[[], None] = lambda: None,
    ) -> Path | None:
        """Bring the website up to date, executing nothing; returns its front page.

        ``failed`` are runs that failed a while ago: as long as their pages would run the same again, they are shown.
        It is only looked whether there is anything to do where nobody knows that something was ``changed``.
        ``on_pages`` is called once the pages stand.
        """
        if not changed and not failed and (front := self.site.finished(tabs, execute=False)) is not None:
            return front
        self.execution.recall(failed)
        return self.site.build(progress, tabs, on_pages)

    def standing(self, tabs: Sequence[str] = ()) -> Mapping[Pair, Standing]:
        """(page, framework) → how its result stands, for everything that is meant to be executed."""
        if not self.desk.has_settings or not self.desk.has_results:
            return {}
        return {
            (one.edition.page, one.edition.tab): Standing(one.key, self.freshness.is_fresh(one))
            for one in self.plan.chosen(tabs=tabs)
        }

    def execute(self, pairs: Sequence[Pair], progress: Progress) -> tuple[Failed, ...]:
        """Execute these pages in these frameworks, as far as they are stale; returns what failed."""
        chosen = [one for one in self.freshness.stale() if (one.edition.page, one.edition.tab) in pairs]
        runs = self.execution.execute(chosen, progress)
        return tuple(self.execution.as_failed(run) for run in runs if run.failure is not None)
