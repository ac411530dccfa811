"""Which task may start now, and on what: pure bookkeeping of one machine, without clocks, files or processes.

Tasks that use cards go first, since cards are fewer than cores; then the longest, and before these the ones of which
nothing is known. What a task cannot have yet it *claims*: no later task gets it, so that one that needs two cards is
not overtaken for ever by those that need one. Later tasks fill what nobody claims.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

from octavo.execute.machine.inventory import Machine
from octavo.execute.machine.lease import Card, Lease
from octavo.model import Needs

CARD, MEMORY = "a graphics card", "memory"
"""What a task may have to wait for besides its turn."""


@dataclass(frozen=True, slots=True)
class Want:
    """What one task takes of one machine."""

    cpus: int = 1
    """Cores, never more than there are."""
    memory: int = 0
    """Bytes of main memory."""
    cards: int = 0
    """Whole cards, or parts of so many cards."""
    gpu_memory: int = 0
    """Bytes of each card; 0 means the whole card."""
    alone: bool = False
    """Nothing else may run beside it."""


@dataclass(frozen=True, slots=True)
class Lack:
    """Why a machine can never execute a task."""

    message: str
    """A few words that go on after "it", such as ``needs 2 graphics cards, and this machine has 1``."""


def judge(needs: Needs, machine: Machine, slots: int) -> Want | Lack:
    """What a task takes of this machine, of which ``slots`` cores are to be used; or what the machine lacks.

    A task that can use up to some number of cards takes as many as the machine has, so that what it prints does not
    depend on what else happens to run. One that needs more memory than there is may be lucky: it runs alone.
    """
    fewest, most = needs.gpus
    fitting = sum(_fits(card, needs.gpu_memory) for card in machine.cards)
    cards = min(most, fitting)
    if cards < fewest:
        return Lack(_lack(needs, machine))
    alone = bool(machine.memory) and needs.memory > machine.memory
    return Want(
        cpus=max(1, min(needs.cpus, slots)),
        memory=min(needs.memory, machine.memory) if machine.memory else 0,
        cards=cards,
        gpu_memory=needs.gpu_memory if cards else 0,
        alone=alone,
    )


def _fits(card: Card, memory: int) -> bool:
    """Whether a card has this much memory; of one that does not tell it is assumed."""
    return not card.memory or memory <= card.memory


def _lack(needs: Needs, machine: Machine) -> str:
    fewest = needs.gpus[0]
    wanted = "a graphics card" if fewest == 1 else f"{fewest} graphics cards"
    if needs.gpu_memory:
        wanted += f" {'with' if fewest == 1 else 'of'} {needs.gpu_memory / 1e9:g} GB"
    there = len(machine.cards)
    if not there:
        return f"needs {wanted}, and this machine has none"
    largest = max(card.memory for card in machine.cards) / 1e9
    size = f", the largest of {largest:.3g} GB" if needs.gpu_memory else ""
    return f"needs {wanted}, and this machine has {there}{size}"


@dataclass
class _Use:
    """How one card is used by this build."""

    card: Card
    free: int
    tasks: int = 0
    elsewhere: bool = False
    """Another build has it."""

    def has_room(self, memory: int) -> bool:
        """Whether a task that wants this much of it, 0 for all, can have it now."""
        if self.elsewhere:
            return False
        return self.tasks == 0 if self.whole(memory) else self.free >= memory

    def whole(self, memory: int) -> bool:
        """Whether a task that wants this much takes all of it."""
        return not memory or not self.card.memory

    def take(self, memory: int) -> None:
        """Give a task its part."""
        self.tasks += 1
        self.free -= self.free if self.whole(memory) else memory

    def give_back(self, memory: int) -> None:
        """Take a task's part back."""
        self.tasks -= 1
        self.free = self.card.memory if self.whole(memory) else self.free + memory


@dataclass(frozen=True, slots=True)
class _Running:
    """What a task holds."""

    want: Want
    order: tuple[float, int]
    uses: tuple[_Use, ...]


@dataclass
class Slots:
    """What of a machine is free, and which tasks wait for it. Tasks are numbers."""

    machine: Machine
    slots: int
    """Cores to use: how many tasks of one core may run at once."""
    _waiting: dict[Want, list[tuple[float, int]]] = field(default_factory=dict)
    """Tasks that want the same, the next one first. There are few kinds, so that looking at each is quick."""
    _running: dict[int, _Running] = field(default_factory=dict)
    _claims: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Task → the cards that it waits for, once it has waited; they stay the same until it starts."""

    blocked: dict[str, int] = field(default_factory=dict)
    """``a graphics card``, ``memory`` → how many tasks cannot start for want of it, as :meth:`next` found last."""

    def __post_init__(self) -> None:
        self.free_cores = self.slots
        self.free_memory = self.machine.memory
        self.uses = {card.uuid: _Use(card, card.memory) for card in self.machine.cards}

    @property
    def running(self) -> int:
        """How many tasks hold something."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """How many tasks hold nothing yet."""
        return sum(map(len, self._waiting.values()))

    def add(self, task: int, want: Want, expected: float | None) -> None:
        """Let a task wait; ``expected`` is how long it took the last time."""
        length = expected if expected is not None else float("inf")
        heapq.heappush(self._waiting.setdefault(want, []), (-length, task))

    def next(self) -> tuple[int, Want, Lease] | None:
        """The task that may start now, with what it gets of the machine; ``None`` until something changes.

        It holds its lease from now on, until :meth:`give_back`.
        """
        self.blocked = dict.fromkeys((CARD, MEMORY), 0)
        if any(one.want.alone for one in self._running.values()):
            return None
        cores, memory, idle = self.free_cores, self.free_memory, not self._running
        closed: set[str] = set()
        for want, waiting in sorted(self._waiting.items(), key=lambda item: (not item[0].cards, item[1][0])):
            task = waiting[0][1]
            uses = self._choose(want, closed)
            if len(uses) < want.cards:
                closed |= set(self._claim(task, want, closed))
                self.blocked[CARD] += len(waiting)
                continue
            if (idle or not want.alone) and want.cpus <= cores and want.memory <= max(memory, 0):
                return self._start(task, want, uses)
            if want.memory > max(memory, 0) or want.alone:
                self.blocked[MEMORY] += len(waiting)
            # only cores or memory are missing: what becomes free of these is this task's
            cores, memory = cores - want.cpus, memory - want.memory
            closed |= {use.card.uuid for use in uses}
            idle = False
            if want.alone:
                break
        return None

    def _choose(self, want: Want, closed: set[str]) -> list[_Use]:
        """Cards that a task can have now, those with the most room first; too few when there are not enough."""
        if not want.cards:
            return []
        open_cards = [
            use
            for use in self.uses.values()
            if use.card.uuid not in closed and use.has_room(want.gpu_memory) and _fits(use.card, want.gpu_memory)
        ]
        open_cards.sort(key=lambda use: (use.tasks, -use.free))
        return open_cards[: want.cards]

    def _claim(self, task: int, want: Want, closed: set[str]) -> tuple[str, ...]:
        """The cards that a task waits for: those that are likely to be free first, then always the same.

        While another build has too many of them it claims none: nobody knows how long that build takes.
        """
        claim = self._claims.pop(task, ())
        if not claim or any(self.uses[uuid].elsewhere for uuid in claim):
            likely = [use for use in self.uses.values() if not use.elsewhere and _fits(use.card, want.gpu_memory)]
            likely.sort(key=lambda use: (use.card.uuid in closed, use.tasks, -use.free))
            claim = tuple(use.card.uuid for use in likely[: want.cards])
        if len(claim) < want.cards:
            return ()
        self._claims[task] = claim
        return claim

    def _start(self, task: int, want: Want, uses: Iterable[_Use]) -> tuple[int, Want, Lease]:
        order = heapq.heappop(self._waiting[want])
        if not self._waiting[want]:
            del self._waiting[want]
        self._claims.pop(task, None)
        taken = tuple(sorted(uses, key=lambda use: use.card.index))
        for use in taken:
            use.take(want.gpu_memory)
        self.free_cores -= want.cpus
        self.free_memory -= want.memory
        self._running[task] = _Running(want, order, taken)
        return task, want, Lease(tuple(use.card for use in taken), want.gpu_memory, want.cpus)

    def give_back(self, task: int) -> tuple[Card, ...]:
        """A task has ended: what it held is free. Gives the cards that nobody of this build uses any more."""
        held = self._running.pop(task)
        for use in held.uses:
            use.give_back(held.want.gpu_memory)
        self.free_cores += held.want.cpus
        self.free_memory += held.want.memory
        return tuple(use.card for use in held.uses if not use.tasks)

    def put_back(self, task: int, elsewhere: Iterable[Card]) -> None:
        """A task that was given a lease cannot start: another build has these cards. Nobody gets them for now."""
        held = self._running[task]
        self.give_back(task)
        heapq.heappush(self._waiting.setdefault(held.want, []), held.order)
        for card in elsewhere:
            self.uses[card.uuid].elsewhere = True

    @property
    def held_elsewhere(self) -> bool:
        """Whether another build had a card when it was last tried."""
        return any(use.elsewhere for use in self.uses.values())

    def look_again(self) -> None:
        """Forget which cards another build had."""
        for use in self.uses.values():
            use.elsewhere = False
