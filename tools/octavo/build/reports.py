"""What a command has executed, as files for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from octavo.build.desk import Desk
from octavo.build.execution import Execution
from octavo.build.freshness import Freshness
from octavo.build.plan import Plan


@dataclass(eq=False)
class Reports:
    """Runs of this command → JUnit's XML, and JSON."""

    desk: Desk
    plan: Plan
    freshness: Freshness
    execution: Execution

    def write(
        self, pages: Sequence[str] | None, tabs: Sequence[str], *, junit: Path | None = None, json: Path | None = None
    ) -> None:
        """Write what this command has done for these pages (all, if none are named) as files for other programs."""
        if junit is None and json is None:
            return
        from octavo.execute import report
        from octavo.execute.results.files import write_whole

        # a command that did not come to its plan has nothing to say of pages
        planned = self.plan.chosen(pages, tabs) if self.plan.is_made else []
        by_pair = {(one.edition.page, one.edition.tab): one for one in planned}
        editions = {pair: one.edition for pair, one in by_pair.items()}

        def is_fresh(pair: tuple[str, str]) -> bool:
            return self.freshness.is_fresh(by_pair[pair])

        execution = self.execution
        done = report.entries(editions, execution.executed, execution.deferred, is_fresh, self.desk.invocation)
        texts: dict[Path, str] = {}
        if junit is not None:
            texts[junit] = report.junit(done, self.desk.read_line, self.desk.begun)
        if json is not None:
            texts[json] = report.to_json(done, editions, self.desk.diagnostics, self.desk.read_line)
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text.encode("utf-8"))
