"""Executing pages, keeping their results, and telling of their failures."""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.build.desk import Desk
from octavo.build.freshness import Freshness
from octavo.build.libraries import Libraries
from octavo.build.locks import Locks
from octavo.build.machines import Machines
from octavo.build.plan import Plan, Planned
from octavo.diagnostics import Code, Diagnostic
from octavo.model import Failure, Run, Span

if TYPE_CHECKING:
    from octavo.execute.task import Task
    from octavo.progress import Progress


@dataclass(frozen=True, slots=True)
class Failed:
    """A run that failed, for a later command to tell of."""

    run: Run
    lines: tuple[int, ...]
    """On which line each cell of the page began then."""


@dataclass(eq=False)
class Execution:
    """Plan → runs."""

    desk: Desk
    libraries: Libraries
    locks: Locks
    plan: Plan
    freshness: Freshness
    machines: Machines
    executed: list[Run] = field(default_factory=list, init=False)
    """What this command has executed so far, failures included."""
    deferred: dict[tuple[str, str], str] = field(default_factory=dict, init=False)
    """(page, framework) → why this machine did not execute it."""
    failures: dict[tuple[str, str], Run] = field(default_factory=dict, init=False)
    """(page, framework) → the run of this command that failed."""

    def execute(
        self, chosen: Sequence[Planned], progress: Progress, *, jobs: int | None = None, rerun: bool = False
    ) -> list[Run]:
        """Execute pages and keep their results; failures are reported, and stop nothing else."""
        if not self.desk.has_settings:
            return []
        for path in self.libraries.write():
            progress.note(f"wrote {path}")
        runs: list[Run] = []
        self._commit_known()
        if chosen:
            with self.desk.alone("executing pages", progress):
                # what another build has made while this one waited is not made again
                left = [planned for planned in chosen if rerun or not self.freshness.is_fresh(planned)]
                runs = self._run(left, progress, jobs, rerun)
            self.desk.results.share(one.key for one in left)  # what the shared store did not take at once
        if not self.desk.diagnostics.has_errors:  # which may hide pages
            self.desk.results.committed.prune(self.desk.editions)
        return runs

    def as_failed(self, run: Run) -> Failed:
        """A run of this command that failed, with what :meth:`recall` needs of the page."""
        return Failed(run, tuple(cell.cell.span.line for cell in self.desk.editions[run.page, run.tab].cells))

    def recall(self, failed: Sequence[Failed]) -> int:
        """Take failures of an earlier command for this one's, where the page would run the same; returns how many.

        They are told of again, on the lines where their cells stand by now.
        """
        known = [one for one in failed if self._would_be(one.run)]
        runs = [self._in_pages(replace(one.run, failure=self._moved(one))) for one in known]
        self.failures.update(
            {(r.page, r.tab): r for r in runs if r.failure is not None and r.failure.reason != "deferred"}
        )
        if runs:
            self._tell_failures(runs)
        return len(runs)

    def _would_be(self, run: Run) -> bool:
        planned = self.plan.planned.get((run.page, run.tab)) if self.desk.has_settings else None
        return planned is not None and planned.key == run.key and not self.freshness.is_fresh(planned)

    def _moved(self, failed: Failed) -> Failure | None:
        """A failure on the lines that its cells have now."""
        failure = failed.run.failure
        if failure is None:
            return None
        path, now = f"{failed.run.page}.md", self.as_failed(failed.run).lines

        def line_now(line: int) -> int:
            cell = bisect.bisect_right(failed.lines, line) - 1
            return line + now[cell] - failed.lines[cell] if 0 <= cell < len(now) else line

        def in_line(text: str) -> str:
            return re.sub(rf"(?<={re.escape(path)}:)\d+", lambda found: str(line_now(int(found[0]))), text)

        span = failure.span
        if span is not None and span.path == path:
            span = replace(span, line=line_now(span.line), end=line_now(span.end))
        return replace(failure, span=span, traceback=tuple(map(in_line, failure.traceback)))

    def _run(self, chosen: Sequence[Planned], progress: Progress, jobs: int | None, rerun: bool) -> list[Run]:
        """Execute all of ``chosen``, keep their results and report their failures."""
        from octavo.execute.schedule import run_all
        from octavo.execute.scratch import working_folder
        from octavo.execute.task import Task

        tasks = [
            Task(
                edition=planned.edition,
                inputs=planned.inputs,
                key=planned.key,
                lock=self.locks.of(planned.edition.tab, planned.needs),
                folder=self.desk.output / "run" / planned.edition.tab,
                library=self.desk.folder,
                needs=planned.needs,
                expected=self.desk.results.seconds(planned.edition.page, planned.edition.tab),
            )
            for planned in chosen
        ]
        known = {(t.edition.page, t.edition.tab): t.expected for t in tasks if t.expected is not None}
        progress.begin(len(tasks), known)

        source, resources = self.desk.settings.source, tuple(self.desk.settings.resource_paths())
        (self.desk.output / "run").mkdir(exist_ok=True)  # what is in its way is told once, and not of each page

        def keep(run: Run) -> None:
            run = self._in_pages(run)
            self.desk.results.save(run, forced=rerun)
            self.executed.append(run)

        def prepare(task: Task) -> Path:
            return working_folder(task.folder, task.edition.page, source, resources)

        if self.machines.scheduler:
            runs = self.machines.run_on_cluster(tasks, progress, keep, rerun)
        else:
            jobs, fork = jobs or self.desk.settings.jobs, self.desk.settings.fork != "never"
            runs = run_all(tasks, jobs, progress, keep, cache=self.desk.cache, prepare=prepare, fork=fork)
        failed = [run for run in runs if run.failure is not None and run.failure.reason != "deferred"]
        self.failures = {(run.page, run.tab): run for run in map(self._in_pages, failed)}
        self._tell_failures([self._in_pages(run) for run in runs])
        return runs

    def _commit_known(self) -> None:
        """Make the results that are known from elsewhere, another branch, checkout or machine, the committed ones."""
        self.freshness.fetch(self.plan.planned.values())
        self.desk.results.share(planned.key for planned in self.plan.planned.values())
        for (page, tab), planned in self.plan.planned.items():
            last = self.desk.results.last(page, tab)
            if last is None or last.key != planned.key:
                known = self.desk.results.find(planned.key, page, tab)
                if known is not None:
                    self.desk.results.commit(replace(known, page=page))

    def _in_pages(self, run: Run) -> Run:
        """A run whose failure is told in the lines of pages, where it went through the library too."""
        from octavo.execute.kernels.tracebacks import in_pages
        from octavo.harvest.sources import author_place

        library = self.libraries.harvested.get(run.tab)
        if run.failure is None or library is None:
            return run

        def find(path: str, line: int) -> Span | None:
            return author_place(library, line, self.desk.read_line) if path == library.file else None

        return replace(run, failure=in_pages(run.failure, find))

    def _tell_failures(self, runs: Sequence[Run]) -> None:
        """Report failed runs, all at the end.

        A mistake that reading the page or the lock told of is not told twice: it only gets the command that repeats it.
        """
        from octavo.execute import failures
        from octavo.execute.environments.environment import EnvironmentFailure

        for run in runs:
            if run.failure is not None and run.failure.reason == "deferred":
                self.deferred[run.page, run.tab] = run.failure.message
        known = {(d.span.path, d.span.line) for d in self.desk.diagnostics if d.code is Code.SYNTAX_ERROR and d.span}
        unread = {tab for tab, lock in self.locks.of_frameworks.items() if isinstance(lock, EnvironmentFailure)}
        failed = [run for run in runs if run.failure is not None and run.tab not in unread]
        told: dict[tuple[str, int], list[Run]] = {}
        for run in failed:
            place = _place_of_failure(run)
            if place is not None and place in known:
                told.setdefault(place, []).append(run)

        def with_command(message: Diagnostic) -> Diagnostic:
            runs = told.get((message.span.path, message.span.line)) if message.span else None
            if message.code is not Code.SYNTAX_ERROR or not runs:
                return message
            command = failures.command(runs[0].page, [run.tab for run in runs], self.desk.invocation)
            return replace(message, command=command)

        self.desk.diagnostics.amend(with_command)
        untold = [run for run in failed if _place_of_failure(run) not in told]
        self.desk.diagnostics.add(*failures.diagnostics(untold, self.desk.editions, self.desk.invocation))


def _place_of_failure(run: Run) -> tuple[str, int] | None:
    span = run.failure.span if run.failure else None
    return (span.path, span.line) if span else None
