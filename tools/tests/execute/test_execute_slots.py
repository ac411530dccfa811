# ruff: noqa: E501 - a case of a table stands on one line
"""Which task may start, and on what, by tables: no clock, no kernel, no card."""

from __future__ import annotations

import random
import time

import pytest

from octavo.execute.machine.inventory import Machine
from octavo.execute.machine.lease import Card
from octavo.execute.machine.slots import Lack, Slots, Want, judge
from octavo.model import Needs

GB = 10**9


def machine(*cards: int, cores: int = 4, memory: int = 0) -> Machine:
    """A machine with cards of so many GB."""
    made = tuple(Card(index, f"GPU-{index:04}", f"card of {size} GB", size * GB) for index, size in enumerate(cards))
    return Machine(cores, memory * GB, made)


@pytest.mark.parametrize(
    ("has", "needs", "expected"),
    [
        (machine(), Needs(), Want()),
        (machine(16), Needs(), Want()),
        (machine(), Needs(gpus=(0, 1)), Want()),
        (machine(16), Needs(gpus=(0, 1)), Want(cards=1)),
        (machine(16), Needs(gpus=(0, 4)), Want(cards=1)),
        (machine(16, 16, 16), Needs(gpus=(1, 2)), Want(cards=2)),
        (machine(16), Needs(gpus=(0, 1), gpu_memory=24 * GB), Want()),
        (machine(16, 24), Needs(gpus=(1, 2), gpu_memory=24 * GB), Want(cards=1, gpu_memory=24 * GB)),
        (machine(), Needs(cpus=9), Want(cpus=4)),
        (machine(memory=8), Needs(memory=6 * GB), Want(memory=6 * GB)),
        (machine(memory=8), Needs(memory=60 * GB), Want(memory=8 * GB, alone=True)),
        (machine(), Needs(memory=60 * GB), Want()),
        (machine(), Needs(gpus=(1, 1)), "needs a graphics card, and this machine has none"),
        (machine(16), Needs(gpus=(2, 4)), "needs 2 graphics cards, and this machine has 1"),
        (machine(16), Needs(gpus=(1, 1), gpu_memory=24 * GB), "needs a graphics card with 24 GB, and this machine has 1, the largest of 16 GB"),
    ],
)  # fmt: skip
def test_what_a_page_takes_of_a_machine(has: Machine, needs: Needs, expected: Want | str) -> None:
    found = judge(needs, has, has.cores)
    assert (found.message if isinstance(found, Lack) else found) == expected


def start_all(slots: Slots) -> list[tuple[int, str]]:
    """Start what may start: task and the numbers of its cards."""
    started = []
    while (chosen := slots.next()) is not None:
        task, _, lease = chosen
        started.append((task, "".join(str(card.index) for card in lease.cards)))
    return started


WHOLE, TWO, SMALL, CORE = Want(cards=1), Want(cards=2), Want(cards=1, gpu_memory=4 * GB), Want()


@pytest.mark.parametrize(
    ("has", "waiting", "started"),
    [
        # the longest first, what nobody knows before all, then the order of the book
        (machine(cores=2), [(CORE, 1), (CORE, 5), (CORE, 3)], [(1, ""), (2, "")]),
        (machine(cores=2), [(CORE, 1), (CORE, None), (CORE, 3)], [(1, ""), (2, "")]),
        (machine(cores=2), [(CORE, 3), (CORE, 3), (CORE, 3)], [(0, ""), (1, "")]),
        # cards are fewer than cores: what uses them goes first
        (machine(16, cores=2), [(CORE, 9), (CORE, 9), (WHOLE, 1)], [(2, "0"), (0, "")]),
        # two never share a card unless both say how much of it they take
        (machine(16), [(WHOLE, 1), (WHOLE, 1)], [(0, "0")]),
        (machine(16), [(WHOLE, 2), (SMALL, 1)], [(0, "0")]),
        (machine(16, cores=9), [(SMALL, 1)] * 6, [(0, "0"), (1, "0"), (2, "0"), (3, "0")]),
        (machine(16, 16, cores=9), [(SMALL, 1)] * 4, [(0, "0"), (1, "1"), (2, "0"), (3, "1")]),
        # one that needs two is not overtaken: what it waits for is not given to later ones
        (machine(16, 16), [(WHOLE, 9), (TWO, 5), (WHOLE, 1)], [(0, "0")]),
        (machine(16, 16, 16), [(WHOLE, 9), (TWO, 5), (WHOLE, 1)], [(0, "0"), (1, "12")]),
        (machine(16, 16, 16), [(WHOLE, 9), (WHOLE, 9), (TWO, 5), (WHOLE, 1)], [(0, "0"), (1, "1")]),
        (machine(16, 16), [(SMALL, 9), (TWO, 5), (SMALL, 1)], [(0, "0")]),
        # cores go to those that need no card meanwhile
        (machine(16, 16), [(WHOLE, 9), (TWO, 5), (CORE, 1), (CORE, 1)], [(0, "0"), (2, ""), (3, "")]),
        # several cores
        (machine(cores=4), [(Want(cpus=3), 5), (Want(cpus=2), 4), (CORE, 1)], [(0, "")]),
        (machine(cores=4), [(Want(cpus=3), 5), (CORE, 4), (CORE, 1)], [(0, ""), (1, "")]),
        # memory
        (machine(memory=8), [(Want(memory=6 * GB), 5), (Want(memory=6 * GB), 4), (Want(memory=GB), 1)], [(0, "")]),
        (machine(memory=8), [(Want(memory=6 * GB), 5), (Want(memory=2 * GB), 4), (CORE, 1)], [(0, ""), (1, ""), (2, "")]),
        # alone
        (machine(), [(Want(alone=True), 5), (CORE, 1)], [(0, "")]),
        (machine(), [(CORE, 6), (Want(alone=True), 5), (CORE, 1)], [(0, "")]),
        # the larger of two kinds of card
        (machine(16, 80), [(Want(cards=1, gpu_memory=24 * GB), 1)], [(0, "1")]),
    ],
)  # fmt: skip
def test_what_starts_at_once(has: Machine, waiting: list[tuple[Want, float]], started: list[tuple[int, str]]) -> None:
    slots = Slots(has, has.cores)
    for task, (want, expected) in enumerate(waiting):
        slots.add(task, want, expected)
    assert start_all(slots) == started


def test_a_claim_stays_until_the_task_starts() -> None:
    slots = Slots(machine(16, 16, cores=9), 9)
    for task in range(4):
        slots.add(task, SMALL, 100 - task)
    assert start_all(slots) == [(0, "0"), (1, "1"), (2, "0"), (3, "1")]
    slots.add(4, WHOLE, 50)
    slots.add(5, SMALL, 40)
    slots.add(6, SMALL, 30)
    assert start_all(slots) == [(5, "1"), (6, "1")], "card 0 is claimed"
    for task in (1, 3, 5):
        slots.give_back(task)
    for task in (8, 9, 10):
        slots.add(task, SMALL, 30 - task)
    assert start_all(slots) == [(8, "1"), (9, "1"), (10, "1")], "also when less stands on card 1 for a while"
    slots.give_back(0)
    slots.add(7, SMALL, 20)
    assert start_all(slots) == [], "card 1 is full, card 0 has room that is claimed"
    slots.give_back(8)
    assert start_all(slots) == [(7, "1")]
    assert slots.blocked == {"a graphics card": 1, "memory": 0}
    assert slots.give_back(2) and start_all(slots) == [(4, "0")]


def test_cards_of_another_build_are_tried_again_and_hold_nothing_up() -> None:
    has = machine(16, 16)
    slots = Slots(has, 4)
    slots.add(0, TWO, 9)
    slots.add(1, WHOLE, 5)
    assert slots.next() is not None
    slots.put_back(0, has.cards[:1])
    assert slots.held_elsewhere
    assert start_all(slots) == [(1, "1")], "one that needs a single card goes on with the other"
    slots.look_again()
    assert start_all(slots) == [] and not slots.held_elsewhere
    assert slots.give_back(1) == has.cards[1:]
    assert start_all(slots) == [(0, "01")]


@pytest.mark.parametrize("seed", range(40))
def test_by_chance_nothing_is_shared_and_everything_starts_in_the_end(seed: int) -> None:
    chance = random.Random(seed)
    has = machine(*chance.choices((16, 24, 80), k=chance.randint(0, 4)), cores=chance.randint(1, 8), memory=32)
    slots = Slots(has, has.cores)
    wants: dict[int, Want] = {}

    def add(task: int) -> None:
        most = chance.randint(0, 3)
        needs = Needs(
            gpus=(0, most),
            gpu_memory=chance.choice((0, 0, 4, 12, 30)) * GB,
            cpus=chance.choice((1, 1, 1, 2, 16)),
            memory=chance.choice((0, 0, 4, 20, 50)) * GB,
        )
        want = judge(needs, has, has.cores)
        assert isinstance(want, Want)
        wants[task] = want
        slots.add(task, want, chance.choice((None, chance.random() * 100)))

    running: dict[int, tuple[Card, ...]] = {}
    begun: list[int] = []
    waited: dict[int, int] = {}
    for turn in range(2000):
        if turn < 200:
            add(turn)
        while (chosen := slots.next()) is not None:
            task, want, lease = chosen
            assert want == wants[task] and len(lease.cards) == len({card.uuid for card in lease.cards}) == want.cards
            running[task] = lease.cards
            begun.append(task)
            # an oracle of its own: the sum of what runs
            assert sum(wants[one].cpus for one in running) <= has.cores
            assert sum(wants[one].memory for one in running) <= has.memory
            assert len(running) == 1 or not any(wants[one].alone for one in running)
            for card in has.cards:
                users = [wants[one].gpu_memory for one, cards in running.items() if card in cards]
                assert len(users) <= 1 or (all(users) and sum(users) <= card.memory)
        for task in wants.keys() - set(begun):
            waited[task] = waited.get(task, 0) + 1
        if running:
            done = chance.choice(sorted(running))
            del running[done]
            slots.give_back(done)
        elif turn >= 200:
            break
    assert sorted(begun) == list(range(200))
    assert slots.free_cores == has.cores and slots.free_memory == has.memory


def test_a_task_for_two_cards_is_not_overtaken_by_an_endless_row_for_one() -> None:
    slots = Slots(machine(16, 16, cores=9), 9)
    slots.add(0, WHOLE, 50)
    slots.add(1, WHOLE, 50)
    start_all(slots)
    slots.add(2, TWO, 10)
    running, begun = [0, 1], list[int]()
    for task in range(3, 200):
        slots.add(task, WHOLE, 5)  # shorter ones, that would always fit first
        slots.give_back(running.pop(0))
        running += (new := [number for number, _ in start_all(slots)])
        begun += new
        if 2 in begun:
            break
    assert begun == [2]


def test_two_thousand_tasks_cost_little() -> None:
    """Also when each asks for an amount of memory of its own."""
    slots = Slots(machine(80, 80, cores=8, memory=64), 8)
    for task in range(2000):
        slots.add(
            task,
            Want(memory=task % 400 * 10**7, cards=task % 3 == 0, gpu_memory=task % 5 * GB * (task % 3 == 0)),
            task % 97,
        )
    started = time.process_time()
    running: list[int] = []
    count = 0
    while True:
        new = [task for task, _ in start_all(slots)]
        running += new
        count += len(new)
        if not running:
            break
        slots.give_back(running.pop(0))
    assert count == 2000
    assert (time.process_time() - started) / count < 0.005
