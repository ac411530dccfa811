"""Many tasks, several at once: a slot for each core, the longest first, frameworks independent of one another."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from octavo.execute import environment as environments
from octavo.execute.environment import Environment, EnvironmentFailure, Lock
from octavo.execute.home import cache_home, environments_home
from octavo.execute.kernel import Events, Silent, execute
from octavo.execute.processes import Stop, StoppedError
from octavo.execute.task import Task
from octavo.model import Failure, Run
from octavo.processors import cores

Store = Callable[[Run], None]
"""Takes each run as soon as it is complete, in the thread of the engine."""


def run_all(
    tasks: Sequence[Task],
    jobs: int = 0,
    events: Events | None = None,
    store: Store | None = None,
    *,
    cache: Path | None = None,
    threads: int = 1,
    variables: Mapping[str, str] = os.environ,
) -> list[Run]:
    """Execute ``tasks`` and give their runs in the order of the tasks.

    ``jobs`` kernels run at once; 0 means as many as there are cores. ``store`` gets each run at once, so that a build
    that is interrupted has made progress. ``cache`` is the folder of environments and caches, by default
    :func:`~octavo.execute.home.cache_home`. A page that fails, or a framework that has no environment here, is in the
    runs and stops nothing else. An interrupt ends every kernel and installer, then ``KeyboardInterrupt`` is raised; so
    does an error of ``store`` or ``events``.
    """
    return asyncio.run(
        run_tasks(tasks, jobs, events, store, cache=cache, threads=threads, variables=variables), debug=False
    )


async def run_tasks(
    tasks: Sequence[Task],
    jobs: int = 0,
    events: Events | None = None,
    store: Store | None = None,
    *,
    cache: Path | None = None,
    threads: int = 1,
    variables: Mapping[str, str] = os.environ,
) -> list[Run]:
    """The same as :func:`run_all`, for a program that has an event loop; cancelling it ends every kernel."""
    engine = _Engine(tasks, events or Silent(), store, cache or cache_home(), threads, variables)
    try:
        await engine.run(jobs or cores())
    except BaseExceptionGroup as several:
        # what was running has been ended; the first error is the cause
        raise several.exceptions[0] from None
    finally:
        engine.stop.set()
    return [run for run in engine.runs if run is not None]


class _Engine:
    """The state of one call of :func:`run_tasks`."""

    def __init__(
        self,
        tasks: Sequence[Task],
        events: Events,
        store: Store | None,
        cache: Path,
        threads: int,
        variables: Mapping[str, str],
    ) -> None:
        self.tasks = tasks
        self.events = events
        self.store = store
        self.cache = cache
        self.threads = threads
        self.variables = variables
        self.stop = Stop()
        self.runs: list[Run | None] = [None] * len(tasks)
        # tasks whose environment is there: the longest first, then in the order of the book
        self.ready: list[tuple[float, int, Environment]] = []
        self.waiting = len(tasks)
        self.changed = asyncio.Condition()

    async def run(self, jobs: int) -> None:
        """Make environments and execute tasks until none is left."""
        by_lock: dict[tuple[str, str], list[int]] = {}
        for index, task in enumerate(self.tasks):
            if isinstance(task.lock, EnvironmentFailure):
                self.finish(index, _without_environment(task, task.lock))
                self.waiting -= 1
            else:
                by_lock.setdefault((task.lock.tab, task.lock.digest), []).append(index)
        # an installer keeps a disk and several cores busy: two of them hide each other's waiting, more do not help
        installing = asyncio.Semaphore(2)
        async with asyncio.TaskGroup() as group:
            for indices in by_lock.values():
                group.create_task(self.prepare(indices, installing))
            for _ in range(min(jobs, len(self.tasks))):
                group.create_task(self.work())

    async def prepare(self, indices: list[int], installing: asyncio.Semaphore) -> None:
        """Get the environment that some tasks share, then make them ready, or failed."""
        lock = self.tasks[indices[0]].lock
        assert isinstance(lock, Lock)
        home = environments_home(self.cache)
        made: Environment | EnvironmentFailure | None = environments.existing(lock, home)
        if made is None:
            async with installing:
                made = await self.make(lock, home)
        async with self.changed:
            for index in indices:
                if isinstance(made, Environment):
                    expected = self.tasks[index].expected
                    # a page of which nothing is known may be long: it goes first
                    heapq.heappush(self.ready, (-expected if expected is not None else float("-inf"), index, made))
                else:
                    self.finish(index, _without_environment(self.tasks[index], made))
                self.waiting -= 1
            self.changed.notify_all()

    async def make(self, lock: Lock, home: Path) -> Environment | EnvironmentFailure:
        """Make an environment in a thread; cancelling ends the installer."""
        loop = asyncio.get_running_loop()

        def report(message: str) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(self.events.on_environment, lock.tab, message)

        def work() -> Environment | EnvironmentFailure:
            try:
                return environments.make(lock, home, report, self.stop, self.variables)
            except StoppedError:
                return EnvironmentFailure(lock.tab, "the build was stopped")

        try:
            return await asyncio.to_thread(work)
        except asyncio.CancelledError:
            self.stop.set()
            raise

    async def work(self) -> None:
        """One slot: take what is ready until nothing can become ready any more."""
        while True:
            async with self.changed:
                await self.changed.wait_for(lambda: self.ready or not self.waiting)
                if not self.ready:
                    return
                _, index, environment = heapq.heappop(self.ready)
            task = self.tasks[index]
            self.finish(index, await self.execute(task, environment))

    async def execute(self, task: Task, environment: Environment) -> Run:
        """Execute one task; a full disk or a folder that cannot be written is this task's failure alone."""
        try:
            return await execute(
                task.edition,
                task.inputs,
                task.key,
                environment,
                task.folder,
                library=task.library,
                timeout=task.needs.timeout,
                threads=self.threads,
                events=self.events,
                variables=self.variables,
            )
        except OSError as problem:
            failure = Failure("died", type(problem).__name__, f"cannot run the page: {problem.strerror or problem}")
            return Run(task.key, task.edition.page, task.edition.tab, task.inputs, (), failure)

    def finish(self, index: int, run: Run) -> None:
        """Keep a run and hand it on."""
        self.runs[index] = run
        if self.store is not None:
            self.store(run)


def _without_environment(task: Task, why: EnvironmentFailure) -> Run:
    return Run(task.key, task.edition.page, task.edition.tab, task.inputs, (), why.failure())
