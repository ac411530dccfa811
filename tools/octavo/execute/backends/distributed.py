"""Tasks → the workers of a Dask cluster. What travels is text, and results travel through the shared store.

The scheduler is told how many graphics cards a task must have (``GPU``, which workers are started with) and which tasks
to begin with; it runs the tasks of a killed worker again elsewhere. A worker needs octavo in the same version and the
shared store, and nothing of the book: :mod:`octavo.execute.backends.worker` fetches what a page needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import distributed
from distributed import Client, Future, WorkerPlugin
from distributed.client import FutureCancelledError

import octavo
from octavo.execute.backends import worker
from octavo.execute.backends.message import Answer, Manifest, Message
from octavo.execute.backends.worker import close
from octavo.execute.checks import DamagedError
from octavo.execute.environments.environment import EnvironmentFailure
from octavo.execute.kernels.kernel import Events
from octavo.execute.results import records
from octavo.execute.task import Task
from octavo.model import Failure, Needs, Run

if TYPE_CHECKING:
    from octavo.execute.results.shared import SharedStore

CARDS = "GPU"
"""The resource that workers are started with: ``--resources GPU=2``."""
CONNECT_SECONDS = 15.0
"""How long a scheduler may take to answer."""
LOOK_SECONDS = 5.0
"""How often it is asked which workers there are while pages wait for one."""
PATIENCE_SECONDS = 60.0
"""How long pages wait for a card that no worker has, once nothing else is executed."""
TOLD = 8
"""How many pages a line of progress names."""
TRIES = 2
"""How often a page is begun whose machine is at fault; what a killed worker had is begun again beyond that."""


class ClusterError(Exception):
    """Why nothing more can be executed on the cluster; a sentence without a final stop."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Cluster:
    """A scheduler, and what its workers have to know besides tasks."""

    address: str
    """Such as ``tcp://10.0.0.1:8786``, or ``tls://…`` with Dask's own configuration of certificates."""
    store: SharedStore
    """The shelf that this machine and the workers share."""
    manifest: Manifest
    """The book's files, which are in the store."""
    forced: bool = False
    """Pages are executed even if the store has their results."""
    fork: bool = True
    """Kernels may be copies of a process."""

    def run_all(self, tasks: Sequence[Task], events: Events, store: Callable[[Run], None]) -> list[Run]:
        """Execute ``tasks`` and give their runs in their order, as :func:`~octavo.execute.schedule.run_all` does.

        A page that no worker has the graphics cards for is deferred. An interrupt, and an error of ``store`` or
        ``events``, ends what the workers do for this call. Raises :class:`ClusterError`.
        """
        return asyncio.run(_Dispatch(self, tasks, events, store).run())


class Stopper(WorkerPlugin):  # type: ignore[misc]  # ships no types that mypy follows
    """Ends the kernel of a task that the scheduler calls back: Dask itself cannot stop what has begun."""

    name = "octavo-stopper"
    idempotent = True

    def transition(self, key: Any, start: str, finish: str, **kwargs: Any) -> None:
        """A task of this worker goes from one state to another."""
        called_back = start in ("executing", "long-running") and finish in ("released", "cancelled", "forgotten")
        if called_back and isinstance(key, str) and key.startswith("octavo-"):
            worker.stop(key)

    async def teardown(self, worker: Any) -> None:
        """The worker closes."""
        ended = close()
        if ended is not None:
            await asyncio.wrap_future(ended)


class _Dispatch:
    """One call of :meth:`Cluster.run_all`."""

    def __init__(self, cluster: Cluster, tasks: Sequence[Task], events: Events, store: Callable[[Run], None]) -> None:
        self.cluster = cluster
        self.tasks = tasks
        self.events = events
        self.store = store
        self.session = secrets.token_hex(6)
        self.runs: dict[int, Run] = {}
        self.storing = asyncio.Lock()
        self.told_of_waiting = ""
        self.bound: dict[int, tuple[Future, frozenset[str]]] = {}
        """Tasks that are tried again, and the workers that may do so."""
        self.given_up: set[int] = set()
        """Those of them that none of these workers is left for."""
        self.manifest = ""

    async def run(self) -> list[Run]:
        """Send the tasks, and wait for all of them."""
        sendable = []
        for index, task in enumerate(self.tasks):
            if isinstance(task.lock, EnvironmentFailure):
                await self.finish(index, _failed(task, task.lock.failure()))
            else:
                sendable.append(index)
        if sendable:
            async with self.connected() as client:
                text = self.cluster.manifest.to_text().encode("utf-8")
                self.manifest = await asyncio.to_thread(self.cluster.store.put_blob, text)
                await self.send(client, sendable)
        return [self.runs[index] for index in sorted(self.runs)]

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[Client]:
        """A connection to the scheduler, whose workers are known to be of use."""
        address = self.cluster.address
        try:
            client = await Client(
                address, asynchronous=True, set_as_default=False, timeout=CONNECT_SECONDS, name="octavo"
            )
        except (OSError, TimeoutError, ValueError, TypeError) as problem:
            raise ClusterError(
                f"no scheduler answers at {address}: {_short(problem)}",
                "see that it runs, that this machine may reach it, and that both have the same dask",
            ) from None
        try:
            versions = await client.run(worker.version, on_error="return")
            for place, version in sorted(versions.items()):
                _look_at_version(str(place), version)
            await client.register_plugin(Stopper())
            client.subscribe_topic(worker.topic(self.session), self.told)
            yield client
        finally:
            # the scheduler calls back whatever this client alone was waiting for
            await asyncio.shield(client.close(timeout=5))

    async def send(self, client: Client, indices: Sequence[int]) -> None:
        """Have tasks executed; tells what they wait for, and gives up those that no worker can take."""
        most = max((await _cards(client)).values(), default=0)
        works = {asyncio.create_task(self.one(client, index, most)): index for index in indices}
        clock = asyncio.get_running_loop().time
        looked = moved = clock()
        pending = set(works)
        try:
            while pending:
                done, pending = await asyncio.wait(pending, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                for work in done:
                    work.result()  # raises what it raised
                    moved = clock()
                if pending and clock() - looked >= LOOK_SECONDS:
                    lacking = await self.look(client, [works[work] for work in pending])
                    looked = clock()
                    if len(lacking) < len(pending):
                        moved = looked
                    if looked - moved >= PATIENCE_SECONDS:
                        self.defer(lacking, max((await _cards(client)).values(), default=0))
                        return
        finally:
            for work in pending:
                work.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def one(self, client: Client, index: int, most: int) -> None:
        """Have one task executed, on another worker if the first is at fault."""
        task = self.tasks[index]
        cards = _cards_for(task.needs, most)
        others: list[str] = []
        for attempt in range(TRIES):
            message = self.message(task, cards, attempt)
            future = client.submit(
                worker.perform,
                message.to_text(),
                self.cluster.store.address,
                key=worker.name_of(message),
                pure=False,
                priority=_priority(task, cards),
                resources={CARDS: cards} if cards else None,
                workers=others or None,
            )
            if others:
                self.bound[index] = (future, frozenset(others))
            try:
                run = await self.outcome(task, future)
            except FutureCancelledError:
                if index not in self.given_up:
                    raise ClusterError(
                        f"the scheduler at {self.cluster.address} has dropped the pages",
                        "see whether it was ended or started anew; what was finished is kept",
                    ) from None
                break  # the first machine's failure stands
            self.bound.pop(index, None)
            if run.failure is None or not _may_do_elsewhere(run.failure):
                break
            others = await _others(client, future, cards)
        await self.finish(index, run)

    def message(self, task: Task, cards: int, attempt: int) -> Message:
        """A task as it travels; it holds as many cards on its worker as the scheduler counts."""
        assert not isinstance(task.lock, EnvironmentFailure)
        return Message(
            octavo=octavo.__version__,
            session=self.session,
            edition=task.edition,
            inputs=task.inputs,
            key=task.key,
            lock=task.lock,
            needs=replace(task.needs, gpus=(cards, cards)),
            manifest=self.manifest,
            attempt=attempt,
            forced=self.cluster.forced,
            fork=self.cluster.fork,
        )

    async def outcome(self, task: Task, future: Future) -> Run:
        """The run that a worker made of a task, as it lies in the store, or why there is none."""
        try:
            answer = Answer.from_text(await future.result())
        except distributed.KilledWorker:
            return _troubled(task, "the worker was killed, and so were those that were given the page after it")
        except ImportError as problem:
            _look_at_version("which a page was given to", problem)
        except DamagedError as problem:
            return _troubled(task, f"the worker's answer is damaged: {problem}")
        if answer.status == "version":
            raise ClusterError(f"on the worker {answer.host}: {answer.text}", _SAME_VERSION)
        if answer.status == "trouble":
            return _troubled(task, f"{answer.host}: {answer.text}")
        content = await asyncio.to_thread(self.cluster.store.get_blob, answer.run)
        if content is None:
            return _troubled(task, f"what {answer.host} made is not in the shared store")
        try:
            run = records.run_from_json(records.load(content.decode("utf-8", "replace")))
            if (run.key, run.page, run.tab) != (task.key, task.edition.page, task.edition.tab):
                raise DamagedError("it is of another page")
        except DamagedError as problem:
            return _troubled(task, f"what {answer.host} made is damaged: {problem}")
        return run

    async def finish(self, index: int, run: Run) -> None:
        """Keep a run and hand it on; one after the other, beside the loop, which must go on answering the scheduler."""
        self.runs[index] = run
        self.events.on_end(run)
        if run.failure is None or run.failure.reason != "deferred":
            async with self.storing:
                await asyncio.to_thread(self.store, run)

    def told(self, event: object) -> None:
        """Hand on what a worker tells. Anybody who reaches the scheduler can tell anything: only what fits is taken."""
        mine = {(task.edition.page, task.edition.tab) for task in self.tasks}
        match event:
            case (_, {"what": "environment", "tab": str(tab), "text": str(text)}):
                self.events.on_environment(tab[:100], _printable(text))
            case (_, {"what": "start", "page": str(page), "tab": str(tab), "cells": int(cells)}) if (page, tab) in mine:
                self.events.on_start(page, tab, cells)
            case (_, {"what": "cell", "page": str(page), "tab": str(tab), "number": int(number), "cells": int(cells)}):
                if (page, tab) in mine:
                    self.events.on_cell(page, tab, number, cells)
            case (_, {"what": "note", "text": str(text)}):
                self.events.note(_printable(text))
            case _:
                pass

    async def look(self, client: Client, pending: Sequence[int]) -> list[int]:
        """Tell if tasks wait for a worker that is not there; gives those that need more cards than any worker has."""
        offered = await _cards(client)
        needed = {index: self.tasks[index].needs.gpus[0] for index in pending}
        lacking = [index for index in pending if needed[index] > max(offered.values(), default=0)]
        for index, (future, others) in list(self.bound.items()):
            if others.isdisjoint(offered):  # nobody is left of those that were to try again
                del self.bound[index]
                self.given_up.add(index)
                await client.cancel([future], force=True)
        parts = []
        if not offered:
            parts.append(f"{_pages_wait(len(pending))} for a worker")
        else:
            counts = Counter(needed[index] for index in lacking)
            parts += [f"{_pages_wait(count)} for a worker with {_gpus(cards)}" for cards, count in counts.items()]
        text = ", ".join(sorted(parts))
        if text != self.told_of_waiting:
            self.told_of_waiting = text
            self.events.on_waiting(text)
        return lacking if offered else []

    def defer(self, lacking: Sequence[int], most: int) -> None:
        """Give up tasks that no worker can take; like those that a machine without cards leaves, they are no result."""
        names: dict[str, list[str]] = {}
        for index in lacking:
            task = self.tasks[index]
            there = f"the most that any has is {most}" if most else "none has any"
            why = f"the page needs a worker with {_gpus(task.needs.gpus[0])}, and {there}"
            self.runs[index] = _failed(task, Failure("deferred", "Deferred", why))
            names.setdefault(why, []).append(f"{task.edition.page} ({task.edition.tab})")
        self.events.on_waiting("")
        for why, pages in names.items():
            more = f" and {len(pages) - TOLD} more" if len(pages) > TOLD else ""
            self.events.note(f"deferred, since {why}: {', '.join(pages[:TOLD])}{more}")


_SAME_VERSION = "install the same version on all machines, with its extra octavo[dask]"


def _look_at_version(place: str, version: object) -> None:
    """Raise :class:`ClusterError` for a worker without this octavo: it would fail every page within a moment."""
    if version != octavo.__version__:
        has = f"octavo {version[:50]}" if isinstance(version, str) else "no octavo that can be imported"
        raise ClusterError(f"the worker {place} has {has}, this is octavo {octavo.__version__}", _SAME_VERSION)


async def _cards(client: Client) -> dict[str, int]:
    """Address of each worker → how many cards it was started with."""
    identity = await client.scheduler.identity(n_workers=-1)
    return {str(place): int(one.get("resources", {}).get(CARDS, 0)) for place, one in identity["workers"].items()}


def _cards_for(needs: Needs, most: int) -> int:
    """How many cards a task gets: as many as it can use and a worker has, or as many as it must have."""
    return max(needs.gpus[0], min(needs.gpus[1], most))


def _priority(task: Task, cards: int) -> float:
    """What begins first: what needs several cards, which single ones would overtake, then the longest.

    A page of which nothing is known may be long.
    """
    expected = task.expected if task.expected is not None else 1e8
    return cards * 1e9 + min(expected, 1e8)


async def _others(client: Client, future: Future, cards: int) -> list[str]:
    """The workers that a task was not given to and that have the cards for it.

    That is more than a wish: a worker that was quick to fail is idle, and would be given the task again.
    """
    places = {place for where in (await client.who_has([future])).values() for place in where}
    offered = await _cards(client)
    return sorted(place for place, number in offered.items() if place not in places and number >= cards)


def _troubled(task: Task, text: str) -> Run:
    """A run that says that the machines are at fault."""
    return _failed(task, Failure("died", "WorkerTrouble", text, infrastructure=True))


def _failed(task: Task, failure: Failure) -> Run:
    return Run(task.key, task.edition.page, task.edition.tab, task.inputs, (), failure)


def _may_do_elsewhere(failure: Failure) -> bool:
    """Whether another machine may do better: one that has a network, cards that work, more memory."""
    return failure.infrastructure or failure.reason in ("environment", "deferred")


def _pages_wait(number: int) -> str:
    return "1 page waits" if number == 1 else f"{number} pages wait"


def _gpus(number: int) -> str:
    return "a GPU" if number == 1 else f"{number} GPUs"


def _printable(text: str) -> str:
    return "".join(character for character in text[:500] if character.isprintable())


def _short(problem: BaseException) -> str:
    return " ".join(str(problem).split())[:300] or type(problem).__name__
