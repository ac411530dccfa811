"""Several machines at one book: its share for each, and the workers of a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from octavo.build.desk import Desk
from octavo.build.modules import Modules
from octavo.build.plan import Plan, Planned
from octavo.diagnostics import Code, error, warning
from octavo.digests import digest
from octavo.model import Run

if TYPE_CHECKING:
    from octavo.execute.backends.shard import Shard
    from octavo.execute.task import Task
    from octavo.progress import Progress


def shard_of(text: str) -> Shard:
    """``2/4`` → the second of four shares; raises ``ValueError`` with a sentence that says what is wrong."""
    from octavo.execute.backends.shard import Shard

    return Shard.parse(text)


@dataclass(eq=False)
class Machines:
    """What other machines execute of the plan."""

    desk: Desk
    plan: Plan
    modules: Modules
    scheduler: str = field(default="", init=False)
    """Address of the cluster that executes pages; empty for this machine."""

    def share(
        self, shard: Shard, chosen: Sequence[Planned], pages: Sequence[str] | None, tabs: Sequence[str]
    ) -> list[Planned]:
        """What of ``chosen`` one of several machines is to execute, of all that ``pages`` and ``tabs`` name."""
        if not self.desk.has_settings:
            return []
        from octavo.execute.backends.shard import Piece, settled

        shared = self.desk.results.shared
        if shared is None or shared.mode != "read-write":
            self.desk.diagnostics.add(
                warning(
                    Code.SHARED_STORE,
                    f"no other machine gets the results of the share {shard}, "
                    + ("since there is no shared store" if shared is None else f"since the store is {shared.mode}"),
                    hint="set [execute] store, or the variable OCTAVO_STORE, to a place that all machines may write",
                )
            )
            shared = None
        left = {(planned.edition.page, planned.edition.tab) for planned in chosen}

        def seconds(page: str, tab: str) -> float | None:
            return self.desk.results.seconds(page, tab) if (page, tab) in left else 0.0

        pieces = [Piece(one.edition.page, one.edition.tab, one.key) for one in self.plan.chosen(pages, tabs)]
        try:
            shares = settled(pieces, shard.number, seconds, shared.create if shared else None)
        except OSError as problem:
            # to guess here would leave pages to nobody, or to several
            message = f"the machines cannot settle who executes what: {problem.strerror or problem}"
            self.desk.diagnostics.add(error(Code.SHARED_STORE, message, hint="try again when the shared store answers"))
            return []
        return [one for one in chosen if shares[one.edition.page, one.edition.tab] == shard.index]

    def run_on_cluster(
        self, tasks: Sequence[Task], progress: Progress, keep: Callable[[Run], None], rerun: bool
    ) -> list[Run]:
        """Execute tasks on the workers of the cluster; gives the runs that there are when it has to give up."""
        from octavo.execute.backends import parcel
        from octavo.execute.backends.distributed import Cluster, ClusterError
        from octavo.execute.backends.message import Manifest

        shared = self.desk.results.shared
        assert shared is not None  # without it the scheduler is not asked for
        declared = {name[len("file ") :] for task in tasks for name in task.inputs.options if name.startswith("file ")}
        files = parcel.files_of_book(self.desk.settings, {*self.modules.every, *declared})
        progress.stage(f"{len(files)} of the book's files go into the shared store, unless they are there")
        done: list[Run] = []

        def keep_and_remember(run: Run) -> None:
            done.append(run)
            keep(run)

        try:
            manifest = Manifest(
                book=f"{parcel.plain(self.desk.settings.name)}-{digest(str(self.desk.folder))[:16]}",
                files=parcel.send(files, shared.put_blob),
                source=os.path.relpath(self.desk.settings.source, self.desk.folder),
                resources=parcel.resources(self.desk.settings),
            )
            fork = self.desk.settings.fork != "never"
            return Cluster(self.scheduler, shared, manifest, rerun, fork).run_all(tasks, progress, keep_and_remember)
        except ClusterError as problem:
            self.desk.diagnostics.add(error(Code.CLUSTER, str(problem), hint=problem.hint))
        except OSError as problem:  # of the store, which has been told, or of one of the files
            message = f"the book's files cannot be sent to the workers: {problem.strerror or problem}"
            self.desk.diagnostics.add(error(Code.CLUSTER, message))
        return done
