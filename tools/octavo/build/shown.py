"""The results that products show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from octavo.build.desk import Desk
from octavo.build.execution import Execution
from octavo.build.freshness import Freshness
from octavo.build.plan import Plan, Planned
from octavo.model import Run


@dataclass(eq=False)
class Shown:
    """Plan and results → one run for each page and framework, as good as there is."""

    desk: Desk
    plan: Plan
    freshness: Freshness
    execution: Execution

    def runs(self) -> Mapping[tuple[str, str], Run]:
        """(page, framework) → the results to render: fresh ones, this build's failures, or the last ones there are."""
        runs: dict[tuple[str, str], Run] = {}
        if not self.desk.has_results:
            return runs
        self.freshness.fetch(self.plan.planned.values())
        for (page, tab), planned in self.plan.planned.items():
            failed = self.execution.failures.get((page, tab))
            fresh = self.desk.results.find(planned.key, page, tab)
            run = failed or fresh or self._older(planned)
            if run is not None:
                runs[page, tab] = run
        return runs

    def _older(self, planned: Planned) -> Run | None:
        """The last committed result, cut to the cells before the first that changed."""
        edition = planned.edition
        last = self.desk.results.last(edition.page, edition.tab)
        if last is None:
            return None
        same = [new == old.digest for new, old in zip(planned.inputs.cells, last.cells, strict=False)]
        kept = last.cells[: same.index(False) if False in same else len(same)]
        return Run(planned.key, edition.page, edition.tab, planned.inputs, kept)
