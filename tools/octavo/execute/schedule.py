"""Many tasks, several at once, on one machine: each gets its share of cores, memory and graphics cards.

What may start next is :mod:`octavo.execute.machine.slots`' to say; here it is started, watched, tried again where the
machine and not the page was at fault, and its run handed on. Frameworks are independent of one another: the pages of
one run while the environment of another is made.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from octavo.execute.environments import environment as environments
from octavo.execute.environments.environment import Environment, EnvironmentFailure, Lock
from octavo.execute.home import cache_home, environments_home, leases_home
from octavo.execute.kernels.kernel import Events, Silent, execute
from octavo.execute.kernels.starter import Starters
from octavo.execute.machine.card_locks import CardLocks
from octavo.execute.machine.card_watch import CardWatch
from octavo.execute.machine.inventory import Machine, free_memory, this_machine
from octavo.execute.machine.lease import Card, Lease
from octavo.execute.machine.slots import Lack, Slots, Want, judge
from octavo.execute.processes import Stop, StoppedError
from octavo.execute.results.writer import Store, Writer
from octavo.execute.task import Task
from octavo.model import Failure, Run

PAUSES = (1.0, 5.0)
"""Seconds before each further try of a page that a fault of the machine has stopped."""
MEMORY_SECONDS = 60.0
"""How long such a try may wait until there is memory for it."""
LOOK_SECONDS = 0.25
"""How often it is looked whether another build has let go of a card: a lock cannot be waited for without a thread."""
TOLD = 8
"""How many pages a line of progress names."""

Prepare = Callable[[Task], Path]
"""Makes the folder that a task's kernel works in, from :attr:`Task.folder`; called in a thread, as the task starts."""


def run_all(
    tasks: Sequence[Task],
    jobs: int = 0,
    events: Events | None = None,
    store: Store | None = None,
    *,
    cache: Path | None = None,
    prepare: Prepare | None = None,
    machine: Machine | None = None,
    fork: bool = True,
    variables: Mapping[str, str] = os.environ,
) -> list[Run]:
    """Execute ``tasks`` and give their runs in the order of the tasks.

    At most ``jobs`` kernels of one core run at once; 0 means as many as there are cores. ``store`` gets each run at
    once, in a thread of its own, so that a build that is interrupted has made progress. ``cache`` is the folder of
    environments and caches, by default :func:`~octavo.execute.home.cache_home`; ``machine`` what there is to be shared,
    by default all of this machine; without ``fork`` no kernel is a copy of a process. A page that fails, a framework
    that has no environment here, or a page that this machine has no graphics card for, is in the runs and stops nothing
    else; of these the last are not stored. An interrupt ends every kernel and installer, then ``KeyboardInterrupt`` is
    raised; so does an error of ``store`` or ``events``. What was complete is stored in any case.
    """
    return asyncio.run(
        run_tasks(
            tasks,
            jobs,
            events,
            store,
            cache=cache,
            prepare=prepare,
            machine=machine,
            fork=fork,
            variables=variables,
        ),
        debug=False,
    )


async def run_tasks(
    tasks: Sequence[Task],
    jobs: int = 0,
    events: Events | None = None,
    store: Store | None = None,
    *,
    cache: Path | None = None,
    prepare: Prepare | None = None,
    machine: Machine | None = None,
    fork: bool = True,
    starters: Starters | None = None,
    variables: Mapping[str, str] = os.environ,
) -> list[Run]:
    """The same as :func:`run_all`, for a program that has an event loop; cancelling it ends every kernel.

    ``starters`` are the caller's own, which it keeps for the next call, and closes; without them the call has its own.
    """
    if machine is None:
        ask = any(task.needs.gpus[1] for task in tasks)
        machine = await asyncio.to_thread(this_machine, variables, cards=ask)
    writer = Writer(store)
    used = starters or Starters(variables, fork=fork)
    engine = _Engine(tasks, jobs, events or Silent(), writer, cache or cache_home(), prepare, machine, used, variables)
    writer.start()
    try:
        await engine.run()
    except BaseExceptionGroup as several:
        # what was running has been ended; the first error is the cause
        raise several.exceptions[0] from None
    finally:
        engine.stop.set()
        engine.locks.close()
        writer.close()
        if starters is None:
            await asyncio.shield(used.close())
    writer.check()
    return [engine.runs[index] for index in range(len(tasks))]


class _Engine:
    """The state of one call of :func:`run_tasks`."""

    def __init__(
        self,
        tasks: Sequence[Task],
        jobs: int,
        events: Events,
        writer: Writer,
        cache: Path,
        prepare: Prepare | None,
        machine: Machine,
        starters: Starters,
        variables: Mapping[str, str],
    ) -> None:
        self.tasks = tasks
        self.events = events
        self.writer = writer
        self.cache = cache
        self.prepare = prepare
        self.machine = machine
        self.variables = variables
        self.stop = Stop()
        self.starters = starters
        self.slots = Slots(machine, jobs or machine.cores)
        self.locks = CardLocks(leases_home(cache))
        self.watch = CardWatch(variables)
        self.environments: dict[tuple[str, str], Environment] = {}
        self.runs: dict[int, Run] = {}
        self.failed_tries: dict[int, int] = {}
        # an installer keeps a disk and several cores busy: two of them hide each other's waiting, more do not help
        self.installing = asyncio.Semaphore(2)
        self.looking: asyncio.Task[None] | None = None
        self.told_of: set[str] = set()
        self.told_waiting = ""

    async def run(self) -> None:
        """Make environments and execute tasks until none is left."""
        if self.machine.problem:
            self.events.note(self.machine.problem)
        by_lock: dict[tuple[str, str], dict[int, Want]] = {}
        for index, task in enumerate(self.tasks):
            if isinstance(task.lock, EnvironmentFailure):
                self.finish(index, _stopped(task, task.lock.failure()))
                continue
            want = judge(task.needs, self.machine, self.slots.slots)
            if isinstance(want, Lack):
                self.finish(index, _stopped(task, Failure("deferred", "Deferred", f"the page {want.message}")))
            else:
                by_lock.setdefault((task.lock.tab, task.lock.digest), {})[index] = want
        self.tell_deferred()
        try:
            async with asyncio.TaskGroup() as self.group:
                self.storing = self.group.create_task(self.writer.watch())
                for wants in by_lock.values():
                    self.group.create_task(self.make_ready(wants))
                self.end_if_done()
        finally:
            await asyncio.shield(self.watch.close())

    # -- environments

    async def make_ready(self, wants: Mapping[int, Want]) -> None:
        """Get the environment that some tasks share, then let them wait for their turn, or fail."""
        lock = self.tasks[min(wants)].lock
        assert isinstance(lock, Lock)
        home = environments_home(self.cache)
        made: Environment | EnvironmentFailure | None = environments.existing(lock, home)
        if made is None:
            async with self.installing:
                made = await self.make(lock, home)
                if isinstance(made, EnvironmentFailure) and made.network:
                    self.events.note(f"{made.reason}, and the network seems to be why: trying once more")
                    await asyncio.sleep(PAUSES[-1])
                    made = await self.make(lock, home)
        if isinstance(made, Environment):
            await self.starters.of(made, len(wants)).ready()  # pages of other frameworks have the cores meanwhile
        for index, want in wants.items():
            task = self.tasks[index]
            if isinstance(made, EnvironmentFailure):
                self.finish(index, _stopped(task, made.failure()))
                continue
            self.environments[lock.tab, lock.digest] = made
            self.slots.add(index, want, task.expected)
            if want.alone:
                size, there = task.needs.memory / 1e9, self.machine.memory / 1e9
                self.events.note(f"{_name(task)} asks for {size:.3g} GB of memory of {there:.3g}, so it will run alone")
        self.dispatch()
        self.end_if_done()

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

    # -- turns

    def dispatch(self) -> None:
        """Start all that may start now. Called whenever something has become ready or free."""
        while (chosen := self.slots.next()) is not None:
            index, want, lease = chosen
            elsewhere = self.locks.take(lease.cards)
            if elsewhere:
                self.slots.put_back(index, elsewhere)
                self.wait_for(elsewhere)
            else:
                self.group.create_task(self.work(index, want, lease))
        self.tell_waiting()

    def wait_for(self, cards: Sequence[Card]) -> None:
        """Another build has some cards: say so, and look again until it lets go of them."""
        for card in cards:
            if card.uuid not in self.told_of:
                self.told_of.add(card.uuid)
                self.events.note(f"another octavo uses graphics card {card.index} ({card.name}): waiting for it")
        if self.looking is None:
            self.looking = self.group.create_task(self.look_again())

    async def look_again(self) -> None:
        """Try the cards that another build had until there are none left of these."""
        while self.slots.held_elsewhere:
            await asyncio.sleep(LOOK_SECONDS)
            self.slots.look_again()
            self.dispatch()
        self.looking = None

    def tell_waiting(self) -> None:
        """Show what the pages that cannot start wait for, if it is more than their turn."""
        counts = {what: number for what, number in self.slots.blocked.items() if number}
        parts = [
            f"{number} {'page waits' if number == 1 else 'pages wait'} for {what}" for what, number in counts.items()
        ]
        if (text := ", ".join(parts)) != self.told_waiting:
            self.told_waiting = text
            self.events.on_waiting(text)

    # -- one task

    async def work(self, index: int, want: Want, lease: Lease) -> None:
        """Execute one task with its lease, then hand its run on, or have it tried again."""
        task = self.tasks[index]
        try:
            if index in self.failed_tries:
                await self.memory_for(task)
            run = await self.execute(index, task, lease)
        finally:
            self.locks.release(self.slots.give_back(index))
        tries = self.failed_tries.get(index, 0) + 1
        if run.failure is None or not run.failure.infrastructure:
            self.end(index, run)
        elif tries <= len(PAUSES):
            self.failed_tries[index] = tries
            self.group.create_task(self.try_again(index, want, run.failure))
        else:
            self.end(index, replace(run, failure=_after_tries(run.failure, tries)))
        self.dispatch()

    async def execute(self, index: int, task: Task, lease: Lease) -> Run:
        """One try; a full disk or a folder that cannot be written is this task's failure alone."""
        assert isinstance(task.lock, Lock)
        try:
            folder = await asyncio.to_thread(self.prepare, task) if self.prepare else task.folder
            meter = self.watch.begin(index, lease, folder)
            environment = self.environments[task.lock.tab, task.lock.digest]
            try:
                run = await execute(
                    task.edition,
                    task.inputs,
                    task.key,
                    environment,
                    folder,
                    library=task.library,
                    needs=task.needs,
                    lease=lease,
                    starter=self.starters.of(environment, 0),
                    gpu_peak=meter.peak,
                    events=cast(Events, _OneTry(self.events)),
                    variables=self.variables,
                )
            finally:
                self.watch.end(index)
        except OSError as problem:
            why = f"cannot run the page: {problem.strerror or problem}"
            return _stopped(task, Failure("died", type(problem).__name__, why, infrastructure=True))
        if lease.cards and meter.idle:
            self.events.note(f"{_name(task)} had {lease.device} and did not use it")
        return run

    async def try_again(self, index: int, want: Want, failure: Failure) -> None:
        """Let a task wait for another turn, after a while; one whose kernel died gets the machine for itself."""
        tries = self.failed_tries[index]
        pause = PAUSES[tries - 1]
        alone = failure.reason == "died"
        how = ", with nothing else running" if alone else ""
        why = failure.message.splitlines()[0] if failure.message else failure.name
        self.events.note(f"{_name(self.tasks[index])}: {why}; trying again in {pause:g} s{how}")
        await asyncio.sleep(pause)
        self.slots.add(index, replace(want, alone=alone or want.alone), self.tasks[index].expected)
        self.dispatch()

    async def memory_for(self, task: Task) -> None:
        """Wait until there is as much memory as a task asks for, or a tenth of all; not for ever."""
        wanted = max(min(task.needs.memory, self.machine.memory * 9 // 10), self.machine.memory // 10)
        until = asyncio.get_running_loop().time() + MEMORY_SECONDS
        told = False
        while 0 < free_memory() < wanted and asyncio.get_running_loop().time() < until:
            if not told:
                self.events.note(f"{_name(task)} waits until {wanted / 1e9:.3g} GB of memory are free")
                told = True
            await asyncio.sleep(1)

    # -- ends

    def end(self, index: int, run: Run) -> None:
        """A task was executed."""
        self.finish(index, run)
        self.events.on_end(run)
        self.end_if_done()

    def finish(self, index: int, run: Run) -> None:
        """Keep a run, and hand it on; that a page waits for another machine is no result."""
        self.runs[index] = run
        if run.failure is None or run.failure.reason != "deferred":
            self.writer.put(run)

    def end_if_done(self) -> None:
        """Let the group end when every task has its run."""
        if len(self.runs) == len(self.tasks):
            self.storing.cancel()

    def tell_deferred(self) -> None:
        """Say once which pages wait for another machine."""
        lacks: Counter[str] = Counter()
        names: dict[str, list[str]] = {}
        for run in self.runs.values():
            if run.failure is not None and run.failure.reason == "deferred":
                lacks[run.failure.message] += 1
                names.setdefault(run.failure.message, []).append(f"{run.page} ({run.tab})")
        for message, number in lacks.items():
            more = f" and {number - TOLD} more" if number > TOLD else ""
            self.events.note(f"deferred, since {message}: {', '.join(names[message][:TOLD])}{more}")


class _OneTry:
    """The events of one try of a task: whether it is the last one only the engine knows."""

    def __init__(self, events: Events) -> None:
        self._events = events

    def __getattr__(self, name: str) -> object:
        return getattr(self._events, name)

    def on_end(self, run: Run) -> None:
        """Nothing."""


def _name(task: Task) -> str:
    return f"{task.edition.page} ({task.edition.tab})"


def _stopped(task: Task, failure: Failure) -> Run:
    """The run of a task of which no cell was executed."""
    return Run(task.key, task.edition.page, task.edition.tab, task.inputs, (), failure)


def _after_tries(failure: Failure, tries: int) -> Failure:
    """A failure that says how often it was tried to do without."""
    first, *more = failure.message.splitlines() or [failure.name]
    return replace(failure, message="\n".join([f"{first}, in each of {tries} tries", *more]))


__all__ = ["Prepare", "Store", "run_all", "run_tasks"]
