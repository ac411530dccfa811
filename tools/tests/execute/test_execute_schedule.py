# ruff: noqa: E501 - cells stand on one line
"""The scheduling of one machine, with real kernels and simulated cards: leases, deferral, further tries, the writer.

What ran when is told by the pages themselves: each cell writes a line when it begins and when it ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from execute_editions import build_edition

from octavo.execute import schedule
from octavo.execute.environments.environment import Environment, Lock, read_lock
from octavo.execute.freshness.key import digest, key
from octavo.execute.machine.inventory import Machine, this_machine
from octavo.execute.schedule import run_all, run_tasks
from octavo.execute.scratch import working_folder
from octavo.execute.task import Task
from octavo.model import Inputs, Needs, Run

GB = 10**9

STAMP = textwrap.dedent("""\
    import json, os, time
    def _stamp(what):
        line = json.dumps([what, {page!r}, os.environ['CUDA_VISIBLE_DEVICES'], time.monotonic()]) + '\\n'
        with open({stamps!r}, 'a') as file: file.write(line)
    _stamp('begin')
    {body}
    _stamp('end')
    """)


@dataclass
class Told:
    """Events that are kept."""

    notes: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    starts: list[str] = field(default_factory=list)

    def on_environment(self, tab: str, message: str) -> None:
        self.notes.append(message)

    def on_start(self, page: str, tab: str, cells: int) -> None:
        self.starts.append(page)

    def on_cell(self, page: str, tab: str, number: int, cells: int) -> None:
        pass

    def on_end(self, run: Run) -> None:
        self.ends.append(run.page)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def on_waiting(self, text: str) -> None:
        self.waits.append(text)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Further tries follow at once."""
    monkeypatch.setattr(schedule, "PAUSES", (0.01, 0.02))


@pytest.fixture
def make(tmp_path: Path, small: Environment, small_lock: Lock) -> Callable[..., Task]:
    """Make a task that stamps when it begins and ends: ``make("page", "time.sleep(1)", gpus=(1, 1))``."""

    def build(
        page: str,
        *bodies: str,
        lock: Lock = small_lock,
        expected: float | None = None,
        stamp: bool = True,
        **needs: object,
    ) -> Task:
        cells = list(bodies)
        if stamp:
            body = bodies[0] if bodies else "pass"
            cells[:1] = [STAMP.format(page=page, stamps=str(tmp_path / "stamps"), body=body)]
        edition = build_edition(*cells, page=page)
        inputs = Inputs(tuple(digest(cell) for cell in cells), {}, lock.versions, {})
        limits = Needs(**{"timeout": 30.0, **needs})  # type: ignore[arg-type]
        return Task(edition, inputs, key(inputs), lock, tmp_path / "scratch" / page, None, limits, expected)

    return build


def cards(text: str) -> dict[str, str]:
    """The user's variables with simulated cards; no other ones are looked for."""
    return {**os.environ, "OCTAVO_CARDS": text}


def stamps(folder: Path) -> Iterator[tuple[str, str, list[str], float]]:
    for line in (folder / "stamps").read_text().splitlines():
        what, page, held, when = json.loads(line)
        yield what, page, [card for card in held.split(",") if card], when


def most_at_once(folder: Path) -> dict[str, int]:
    """Card → how many pages had it at the same moment, at most; ``""`` for pages of any kind."""
    running: dict[str, set[str]] = {}
    most: dict[str, int] = {}
    for what, page, held, _ in sorted(stamps(folder), key=lambda stamp: stamp[3]):
        for card in ["", *held]:
            users = running.setdefault(card, set())
            if what == "begin":
                assert page not in users
                users.add(page)
            else:
                users.remove(page)
            most[card] = max(most.get(card, 0), len(users))
    return most


def test_two_pages_never_have_one_card(make, cache: Path, tmp_path: Path) -> None:
    told = Told()
    tasks = [
        *(make(f"one{n}", "time.sleep(0.3)", gpus=(1, 1)) for n in range(4)),
        make("two", "time.sleep(0.3)", gpus=(2, 2)),
        make("can", "time.sleep(0.3)", gpus=(0, 1)),
        make("cpu", "time.sleep(0.3)"),
    ]
    runs = run_all(tasks, 6, told, cache=cache, variables=cards("2x16GB"))
    assert [run.failure for run in runs] == [None] * 7
    most = most_at_once(tmp_path)
    assert most.pop("") > 1, "several pages ran at once"
    assert most == {"SIMULATED-0": 1, "SIMULATED-1": 1}
    held = {page: cards for _, page, cards, _ in stamps(tmp_path)}
    assert len(held["two"]) == 2 and len(held["can"]) == 1 and held["cpu"] == []
    assert {run.page: run.device for run in runs} == {
        **{f"one{n}": "simulated card of 16 GB" for n in range(4)},
        "two": "2 × simulated card of 16 GB",
        "can": "simulated card of 16 GB",
        "cpu": "cpu",
    }
    assert any("for a graphics card" in text for text in told.waits) and told.waits[-1] == ""


@pytest.mark.slow
def test_pages_that_say_how_much_they_take_share_a_card(make, cache: Path, tmp_path: Path) -> None:
    tasks = [make(f"part{n}", "time.sleep(1.5)", gpus=(1, 1), gpu_memory=7 * GB) for n in range(3)]
    tasks.append(make("whole", "time.sleep(0.1)", gpus=(1, 1), expected=0.1))
    runs = run_all(tasks, 4, cache=cache, variables=cards("1x16GB"))
    assert [run.failure for run in runs] == [None] * 4
    assert most_at_once(tmp_path)["SIMULATED-0"] == 2
    (begin, end) = [when for _, page, _, when in stamps(tmp_path) if page == "whole"]
    assert not [when for _, _, _, when in stamps(tmp_path) if begin < when < end]


def test_without_a_card_pages_are_deferred_or_run_on_the_cpu(make, cache: Path, tmp_path: Path) -> None:
    told, stored = Told(), []
    tasks = [
        make("must", gpus=(1, 1)),
        make("can", gpus=(0, 1)),
        make("cannot"),
        make("big", gpus=(1, 1), gpu_memory=80 * GB),
    ]
    runs = run_all(
        tasks,
        2,
        told,
        lambda run: stored.append(run.page),
        cache=cache,
        variables={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )
    assert [run.failure and run.failure.reason for run in runs] == ["deferred", None, None, "deferred"]
    assert runs[0].failure is not None
    assert runs[0].failure.message == "the page needs a graphics card, and this machine has none"
    assert runs[0].cells == () and runs[1].device == "cpu"
    assert sorted(stored) == ["can", "cannot"], "that a page waits for another machine is no result"
    assert {page: held for _, page, held, _ in stamps(tmp_path)} == {"can": [], "cannot": []}
    assert told.notes == [
        "deferred, since the page needs a graphics card, and this machine has none: must (small)",
        "deferred, since the page needs a graphics card with 80 GB, and this machine has none: big (small)",
    ]


def test_a_card_that_is_too_small_is_none(make, cache: Path) -> None:
    (run,) = run_all([make("big", gpus=(1, 1), gpu_memory=80 * GB)], cache=cache, variables=cards("2x16GB"))
    assert run.failure is not None
    assert (
        run.failure.message == "the page needs a graphics card with 80 GB, and this machine has 2, the largest of 16 GB"
    )


# -- two builds on one machine

BUILD = """
import json, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from execute_editions import build_edition
from octavo.execute.environments.environment import read_lock
from octavo.execute.freshness.key import digest, key
from octavo.execute.schedule import run_all
from octavo.execute.kernels.kernel import Silent
from octavo.execute.task import Task
from octavo.model import Inputs, Needs
class Loud(Silent):
    def note(self, text): print(text, flush=True)
lock, _ = read_lock(Path({lock!r}))
tasks = []
for page, source, gpus in json.load(open({tasks!r})):
    inputs = Inputs((digest(source),), {{}}, lock.versions, {{}})
    tasks.append(Task(build_edition(source, page=page), inputs, key(inputs), lock, Path({folder!r}) / page, needs=Needs(gpus=(gpus, gpus))))
runs = run_all(tasks, 3, Loud(), cache=Path({cache!r}))
print([run.failure for run in runs])
"""


@pytest.fixture
def build(tmp_path: Path, small: Environment, small_lock: Lock, cache: Path) -> Callable[..., subprocess.Popen[str]]:
    """Begin a build in a process of its own, with simulated cards: pages with the cards that they must have."""

    def begin(name: str, *pages: tuple[str, str, int]) -> subprocess.Popen[str]:
        lock = tmp_path / "small.txt"
        lock.write_text("# python: 3.11\n" + small_lock.requirements)
        sources = [
            (page, STAMP.format(page=page, stamps=str(tmp_path / "stamps"), body=body), gpus)
            for page, body, gpus in pages
        ]
        (tmp_path / f"{name}.json").write_text(json.dumps(sources))
        code = BUILD.format(
            tests=str(Path(__file__).parent),
            lock=str(lock),
            tasks=str(tmp_path / f"{name}.json"),
            folder=str(tmp_path / name),
            cache=str(cache),
        )
        variables = cards("2x16GB")
        return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=variables)

    return begin


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_two_builds_never_use_one_card_at_once(build, tmp_path: Path) -> None:
    pages = [(1, "time.sleep(0.4)"), (2, "time.sleep(0.4)"), (1, "time.sleep(0.4)")]
    seen = tmp_path / "seen"
    holds = f"while not os.path.exists({str(seen)!r}): time.sleep(0.05)"
    left = build("left", ("holds", holds, 2), *((f"left{n}", body, number) for n, (number, body) in enumerate(pages)))
    wait_for(tmp_path / "stamps")
    right = build("right", *((f"right{n}", body, number) for n, (number, body) in enumerate(pages)))
    assert right.stdout is not None
    assert "another octavo uses graphics card" in right.stdout.readline()
    seen.touch()  # from here on both want both cards
    printed = [one.communicate(timeout=120)[0] for one in (left, right)]
    assert [text.splitlines()[-1] for text in printed] == ["[None, None, None, None]", "[None, None, None]"]
    most = most_at_once(tmp_path)
    del most[""]
    assert most == {"SIMULATED-0": 1, "SIMULATED-1": 1}


@pytest.mark.slow
def test_the_card_of_a_build_that_was_killed_is_free(build, make, cache: Path, tmp_path: Path) -> None:
    first = build("first", ("a", "time.sleep(600)", 2))
    wait_for(tmp_path / "stamps")
    told = Told()

    def kill(text: str) -> None:
        told.notes.append(text)
        first.kill()

    told.note = kill  # type: ignore[method-assign]
    (run,) = run_all([make("b", gpus=(1, 1))], 1, told, cache=cache, variables=cards("2x16GB"))
    assert run.failure is None
    assert told.notes[0] == "another octavo uses graphics card 0 (simulated card of 16 GB): waiting for it"
    assert first.wait() == -9
    first.stdout.close()  # type: ignore[union-attr]


# -- further tries


@pytest.mark.slow
def test_a_kernel_that_the_machine_killed_is_tried_again_alone(make, cache: Path, tmp_path: Path) -> None:
    told, stored = Told(), []
    other = [make(f"other{n}", "time.sleep(1)", expected=1.0) for n in range(4)]
    killed = textwrap.dedent("""\
        import os, signal, time
        if not os.path.exists('../once'):
            open('../once', 'w').close()
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGKILL)
        """)
    task = make(
        "a", killed, STAMP.format(page="a", stamps=str(tmp_path / "stamps"), body="time.sleep(0.5)"), stamp=False
    )
    done = run_all([task, *other], 3, told, lambda run: stored.append(run.page), cache=cache)
    assert [run.failure for run in done] == [None] * 5
    assert sorted(stored) == sorted(told.ends) == ["a", "other0", "other1", "other2", "other3"], "one result each"
    assert told.starts.count("a") == 2
    (note,) = told.notes
    assert note.startswith("a (small): the kernel was ended by SIGKILL") and note.endswith(
        "trying again in 0.01 s, with nothing else running"
    )
    (begin, end) = [when for _, page, _, when in stamps(tmp_path) if page == "a"]
    for other_page in range(4):
        (first, last) = [when for _, page, _, when in stamps(tmp_path) if page == f"other{other_page}"]
        assert last < begin or first > end, "it had the machine for itself"


def test_after_three_tries_the_failure_says_so(make, cache: Path) -> None:
    told = Told()
    runs = run_all(
        [
            make("dies", "import os\nos.kill(os.getpid(), 9)", stamp=False),
            make("raises", "1 / 0", stamp=False),
            make("exits", "import os\nos._exit(3)", stamp=False),
        ],
        2,
        told,
        cache=cache,
    )
    failures = [run.failure for run in runs]
    assert [failure and failure.reason for failure in failures] == ["died", "exception", "died"]
    assert failures[0] is not None and failures[0].message.endswith(", in each of 3 tries")
    assert told.starts.count("dies") == 3, "only a fault of the machine is worth another try"
    assert told.starts.count("raises") == told.starts.count("exits") == 1
    assert len(told.notes) == 2 and told.ends.count("dies") == 1


def test_a_folder_that_cannot_be_made_is_a_fault_of_the_machine(make, cache: Path, tmp_path: Path) -> None:
    told = Told()

    def prepare(task: Task) -> Path:
        if task.edition.page == "a":
            raise OSError(28, "No space left on device")
        return working_folder(tmp_path, task.edition.page, tmp_path, ())

    runs = run_all([make("a"), make("b")], 2, told, cache=cache, prepare=prepare)
    assert runs[0].failure is not None
    assert runs[0].failure.message == "cannot run the page: No space left on device, in each of 3 tries"
    assert runs[1].failure is None


def test_an_installer_without_network_is_tried_once_more(make, tmp_path: Path) -> None:
    path = tmp_path / "lonely.txt"
    path.write_text("# python: 3.11\nipykernel==7.1.0\n")
    lock, _ = read_lock(path)
    assert lock is not None
    told = Told()
    # nobody listens on the discard port of this machine
    variables = {
        **os.environ,
        "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
        "UV_HTTP_RETRIES": "0",
        "UV_NO_CACHE": "1",
    }
    runs = run_all([make("a", lock=lock), make("b", lock=lock)], 2, told, cache=tmp_path / "cache", variables=variables)
    assert [run.failure and run.failure.reason for run in runs] == ["environment"] * 2
    assert all(run.failure and run.failure.infrastructure for run in runs)
    assert sum("trying once more" in note for note in told.notes) == 1
    assert sum("installing" in note for note in told.notes) == 2


# -- memory


def test_memory_is_shared_out(make, cache: Path, tmp_path: Path) -> None:
    told = Told()
    there = this_machine(cards=False)
    half = there.memory * 6 // 10
    tasks = [
        make("a", "time.sleep(0.4)", memory=half),
        make("b", "time.sleep(0.4)", memory=half),
        make("c", "time.sleep(0.4)", memory=there.memory * 4),
        make("d", "time.sleep(0.4)"),
    ]
    runs = run_all(tasks, 4, told, cache=cache)
    assert [run.failure for run in runs] == [None] * 4
    times = {page: [when for _, one, _, when in stamps(tmp_path) if one == page] for page in "abcd"}
    assert times["a"][1] < times["b"][0] or times["b"][1] < times["a"][0]
    others = [when for page in "abd" for when in times[page]]
    assert not [when for when in others if times["c"][0] < when < times["c"][1]]
    assert (
        len(told.notes) == 1
        and "c (small) asks for" in told.notes[0]
        and told.notes[0].endswith("so it will run alone")
    )


@pytest.mark.slow
def test_another_try_waits_until_there_is_memory(make, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, asked = Told(), []

    def free() -> int:
        asked.append(told.starts.count("a"))
        return 10 * GB if len(asked) > 2 else GB // 10

    monkeypatch.setattr(schedule, "free_memory", free)
    machine = Machine(cores=2, memory=8 * GB)
    (run,) = run_all(
        [make("a", "import os\nos.kill(os.getpid(), 9)", stamp=False)], 1, told, cache=cache, machine=machine
    )
    assert run.failure is not None and run.failure.infrastructure
    assert asked == [1, 1, 1, 2], "before the second try and before the third, never before the first"
    assert [note for note in told.notes if "free" in note] == ["a (small) waits until 0.8 GB of memory are free"]


# -- results are written while the next page runs


def test_results_are_written_in_order_beside_the_pages_that_run(make, cache: Path) -> None:
    stored: list[str] = []
    threads: set[int] = set()
    told = Told()

    def slow(run: Run) -> None:
        threads.add(threading.get_ident())
        time.sleep(0.5)
        stored.append(run.page)

    tasks = [make(f"p{n}", stamp=False) for n in range(6)]  # without cells
    started = time.monotonic()
    written_at_end: list[int] = []
    told.on_end = lambda run: (told.ends.append(run.page), written_at_end.append(len(stored)))  # type: ignore[method-assign]
    run_all(tasks, 1, told, slow, cache=cache)
    assert stored == told.ends == [f"p{n}" for n in range(6)], "all of it, in order, before the build ends"
    assert time.monotonic() - started >= 3
    assert written_at_end[-1] <= 2, "the pages did not wait for the writer"
    assert len(threads) == 1 and threading.get_ident() not in threads


def test_what_is_complete_is_written_when_the_build_is_stopped(make, cache: Path) -> None:
    stored: list[str] = []
    told = Told()

    def slow(run: Run) -> None:
        time.sleep(0.3)
        stored.append(run.page)

    async def stopped() -> None:
        quick_ones = [make(f"p{n}", stamp=False, expected=9.0) for n in range(3)]
        hangs = make("hangs", "time.sleep(600)", expected=1.0)
        work = asyncio.create_task(run_tasks([*quick_ones, hangs], 1, told, slow, cache=cache))
        while "hangs" not in told.starts:
            await asyncio.sleep(0.02)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    asyncio.run(stopped())
    assert stored == ["p0", "p1", "p2"]


# -- overhead


def test_a_task_costs_little_besides_its_cells(make, cache: Path, tmp_path: Path) -> None:
    """2000 pages without cells, each with a working folder, its place in the queue, events and a result to write."""
    count = 2000
    stored: list[str] = []
    tasks = [make(f"chapter{n % 40}/p{n}", stamp=False, expected=float(n % 97)) for n in range(count)]

    def prepare(task: Task) -> Path:
        return working_folder(tmp_path / "run", task.edition.page, tmp_path, ())

    before = time.process_time()
    runs = run_all(tasks, 4, Told(), lambda run: stored.append(run.page), cache=cache, prepare=prepare)
    each = (time.process_time() - before) / count
    assert len(runs) == len(stored) == count
    assert each < 0.02, f"{1000 * each:.2f} ms a task"


# -- the frameworks themselves

TRAINS = {
    "pytorch": "import torch\nw = torch.ones(1, requires_grad=True)\n((w - 3) ** 2).backward()\nprint(w.grad.item())",
    "tensorflow": "import tensorflow as tf\nw = tf.Variable(1.0)\nwith tf.GradientTape() as tape:\n    loss = (w - 3) ** 2\nprint(float(tape.gradient(loss, w)))",
    "jax": "import jax\nprint(float(jax.grad(lambda w: (w - 3) ** 2)(1.0)))",
    "mxnet": "from mxnet import autograd, np, npx\nnpx.set_np()\nw = np.ones(1)\nw.attach_grad()\nwith autograd.record():\n    loss = (w - 3) ** 2\nloss.backward()\nprint(float(w.grad[0]))",
}


@pytest.mark.slow
@pytest.mark.kernels
def test_a_page_of_each_framework_has_a_lease_of_its_own(repository: Path, make, cache: Path, tmp_path: Path) -> None:
    tasks = []
    for tab, source in TRAINS.items():
        lock, messages = read_lock(repository / "environments" / f"{tab}.txt")
        assert lock is not None, messages
        tasks += [make(f"{tab}{n}", source, lock=lock, gpus=(1, 1), timeout=200.0) for n in range(2)]
    runs = run_all(tasks, 4, cache=cache, variables=cards("2x16GB"))
    assert [run.failure for run in runs] == [None] * len(tasks)
    assert {run.device for run in runs} == {"simulated card of 16 GB"}
    assert {run.cells[0].outputs[-1].text for run in runs} == {"-4.0\n"}
    most = most_at_once(tmp_path)
    assert most["SIMULATED-0"] == most["SIMULATED-1"] == 1
