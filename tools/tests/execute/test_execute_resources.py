# ruff: noqa: E501 - a case of a table, a cell, a line of a program stand on one line
"""What a machine has: control groups made of files, and an ``nvidia-smi`` that is a script."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from execute_editions import build_edition

from octavo.execute.environments.environment import Environment, Lock
from octavo.execute.freshness.key import digest, key
from octavo.execute.kernels.kernel import Silent
from octavo.execute.machine import inventory as machines
from octavo.execute.machine.inventory import cards_from, free_memory, memory, partitions_from, this_machine, visible
from octavo.execute.schedule import run_all
from octavo.execute.task import Task
from octavo.model import Inputs, Needs
from octavo.processors import cores

GIB = 1 << 30
MEMINFO = (
    "MemTotal:       16777216 kB\nMemFree:         1048576 kB\nMemAvailable:    8388608 kB\nHugePages_Total:       0\n"
)


@pytest.fixture
def system(tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """The root of a system that has these files: 16 GiB of memory, 8 of them free, no limits."""

    def build(files: Mapping[str, str]) -> Path:
        for name, text in {"proc/meminfo": MEMINFO, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return build


V2 = {"proc/self/cgroup": "0::/user.slice/build.service\n"}
V1 = {"proc/self/cgroup": "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n0::/\n"}
GROUP = "sys/fs/cgroup"


@pytest.mark.parametrize(
    ("files", "total", "free"),
    [
        ({}, 16, 8),
        ({**V2, f"{GROUP}/user.slice/build.service/memory.max": "max\n"}, 16, 8),
        ({**V2, f"{GROUP}/user.slice/build.service/memory.max": str(4 * GIB)}, 4, 8),
        (
            {
                **V2,
                f"{GROUP}/user.slice/build.service/memory.max": str(4 * GIB),
                f"{GROUP}/user.slice/build.service/memory.current": str(3 * GIB),
                f"{GROUP}/user.slice/build.service/memory.stat": f"anon 5\ninactive_file {GIB}\nactive_file 7\n",
            },
            4,
            2,
        ),
        # a limit further up holds too
        ({**V2, f"{GROUP}/user.slice/memory.max": str(2 * GIB), f"{GROUP}/user.slice/build.service/x": ""}, 2, 8),
        ({**V1, f"{GROUP}/memory/docker/abc/memory.limit_in_bytes": str(3 * GIB)}, 3, 8),
        # in a container the group's path is the host's, and what is limited is the root
        ({**V1, f"{GROUP}/memory/memory.limit_in_bytes": str(3 * GIB)}, 3, 8),
        ({**V1, f"{GROUP}/memory/memory.limit_in_bytes": "9223372036854771712"}, 16, 8),
        ({"proc/self/cgroup": "0::/../../elsewhere\n", f"{GROUP}/memory.max": "rubbish"}, 16, 8),
    ],
)
def test_memory(system, files: Mapping[str, str], total: int, free: int) -> None:
    root = system(files)
    assert (memory(root) / GIB, free_memory(root) / GIB) == (total, free)


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({**V2, f"{GROUP}/user.slice/build.service/cpu.max": "max 100000\n"}, None),
        ({**V2, f"{GROUP}/user.slice/build.service/cpu.max": "100000 100000\n"}, 1),
        ({**V2, f"{GROUP}/user.slice/build.service/cpu.max": "5000 100000\n"}, 1),
        ({**V2, f"{GROUP}/user.slice/build.service/cpu.max": "9000000 100000\n"}, None),
        ({**V1, f"{GROUP}/cpu/docker/abc/cpu.cfs_quota_us": "-1", f"{GROUP}/cpu/docker/abc/cpu.cfs_period_us": "1"}, None),
        ({**V1, f"{GROUP}/cpu/docker/abc/cpu.cfs_quota_us": "50", f"{GROUP}/cpu/docker/abc/cpu.cfs_period_us": "50"}, 1),
    ],
)  # fmt: skip
def test_cores_of_a_container(system, files: Mapping[str, str], limit: int | None) -> None:
    everything = cores(system({}))
    assert cores(system(files)) == (limit or everything)


# -- cards

H200 = "GPU-5b1a2c3d-0000-1111-2222-333344445555"
A100 = "GPU-9f8e7d6c-aaaa-bbbb-cccc-ddddeeeeffff"
MIG1, MIG2 = "MIG-11111111-2222-3333-4444-555555555555", "MIG-66666666-7777-8888-9999-000000000000"
LIST = f"0, {H200}, NVIDIA H200, 143771, Disabled\n1, {A100}, NVIDIA A100-SXM4-40GB, 40960, Enabled\n"
PARTS = f"""GPU 0: NVIDIA H200 (UUID: {H200})
GPU 1: NVIDIA A100-SXM4-40GB (UUID: {A100})
  MIG 3g.20gb     Device  0: (UUID: {MIG1})
  MIG 1g.5gb      Device  1: (UUID: {MIG2})
"""


def test_what_nvidia_smi_prints() -> None:
    (h200, divided), (a100, parts) = cards_from(LIST)
    assert (h200.index, h200.uuid, h200.name, h200.memory, divided) == (0, H200, "NVIDIA H200", 143771 << 20, False)
    assert (a100.index, a100.uuid, parts) == (1, A100, True)
    assert {uuid: [(c.uuid, c.name, c.memory // GIB) for c in cards] for uuid, cards in partitions_from(PARTS).items()} == {
        A100: [(MIG1, "NVIDIA A100-SXM4-40GB MIG 3g.20gb", 20), (MIG2, "NVIDIA A100-SXM4-40GB MIG 1g.5gb", 5)]
    }  # fmt: skip
    # one that shares its memory with the host does not tell how much it has; a name may hold a comma
    assert cards_from(f"0, {H200}, NVIDIA GB10, rev 2, [N/A], [N/A]\n")[0][0].name == "NVIDIA GB10, rev 2"
    assert cards_from(f"0, {H200}, NVIDIA GB10, [N/A], [N/A]\n")[0][0].memory == 0
    with pytest.raises(ValueError, match="no identifier"):
        cards_from("0, ../../etc, NVIDIA H200, 143771, Disabled")


@pytest.mark.parametrize(
    ("chosen", "indices"),
    [
        (None, [0, 1]),
        ("", []),
        ("0", [0]),
        ("1,0", [1, 0]),
        ("1, 0", [1, 0]),
        ("0,7,1", [0]),
        ("-1", []),
        (A100, [1]),
        ("GPU-9f8e", [1]),
        ("GPU-", []),
        ("0,0", [0]),
    ],
)
def test_the_users_choice_of_cards(chosen: str | None, indices: list[int]) -> None:
    cards = [card for card, _ in cards_from(LIST)]
    assert [card.index for card in visible(cards, chosen)] == indices


@pytest.fixture
def nvidia_smi(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Put a script of this name first on the path; gives the user's variables."""

    def build(script: str, **more: str) -> dict[str, str]:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        variables = {
            name: value for name, value in os.environ.items() if name not in ("OCTAVO_CARDS", "CUDA_VISIBLE_DEVICES")
        }
        return {**variables, "PATH": f"{folder}:{os.environ['PATH']}", **more}

    return build


def test_the_cards_of_this_machine(nvidia_smi, tmp_path: Path) -> None:
    (tmp_path / "list").write_text(LIST)
    (tmp_path / "parts").write_text(PARTS)
    script = f'case "$*" in -L) cat {tmp_path}/parts;; *) cat {tmp_path}/list;; esac'
    assert [card.uuid for card in this_machine(nvidia_smi(script)).cards] == [H200, MIG1, MIG2]
    assert [card.uuid for card in this_machine(nvidia_smi(script, CUDA_VISIBLE_DEVICES=MIG2)).cards] == [MIG2]
    assert this_machine(nvidia_smi(script, CUDA_VISIBLE_DEVICES="")).cards == ()
    assert this_machine(nvidia_smi(script), cards=False).cards == ()
    found = this_machine(nvidia_smi(script, OCTAVO_CARDS="1x8GB, 2x16gb"))
    assert [(card.uuid, card.memory) for card in found.cards] == [
        ("SIMULATED-0", 8 * 10**9),
        ("SIMULATED-1", 16 * 10**9),
        ("SIMULATED-2", 16 * 10**9),
    ]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18", "Failed to initialize NVML"),
        ("echo rubbish", "not enough values"),
        ("exec sleep 30", "timed out"),
    ],
)
def test_an_nvidia_smi_that_does_not_tell(nvidia_smi, monkeypatch: pytest.MonkeyPatch, script: str, why: str) -> None:
    monkeypatch.setattr(machines, "ASK_SECONDS", 0.5)
    found = this_machine(nvidia_smi(script))
    assert found.cards == () and why in found.problem
    assert found.problem.startswith("nvidia-smi does not tell which graphics cards there are")


def test_no_card_is_no_problem_and_a_wrong_wish_is_told() -> None:
    assert this_machine({"PATH": "/nowhere"}).problem == ""
    assert "OCTAVO_CARDS is 'two'" in this_machine({"OCTAVO_CARDS": "two"}).problem


# -- looking at cards while pages run


@pytest.fixture
def task(tmp_path: Path, small: Environment, small_lock: Lock) -> Callable[..., Task]:
    def build(page: str, *cells: str, **needs: object) -> Task:
        inputs = Inputs(tuple(map(digest, cells)), {}, small_lock.versions, {})
        folder = tmp_path / "scratch" / page
        return Task(build_edition(*cells, page=page), inputs, key(inputs), small_lock, folder, needs=Needs(**needs))  # type: ignore[arg-type]

    return build


def test_the_memory_of_cards_is_recorded_by_cell(nvidia_smi, task, cache: Path, tmp_path: Path) -> None:
    script = f"""
case "$*" in
*query-gpu=index*) printf '0, {H200}, NVIDIA H200, 1000, Disabled\\n1, {A100}, NVIDIA A100, 1000, Disabled\\n';;
*query-gpu=uuid*lms*)
    echo $$ >> {tmp_path}/watchers
    while :; do
        echo "{H200}, $(cat {tmp_path}/used 2>/dev/null || echo 0), 50"
        echo "{A100}, 7, 0"
        sleep 0.1
    done;;
esac"""
    wait = "import time; time.sleep(0.6)"
    cells = [f"open({str(tmp_path / 'used')!r}, 'w').write('{used}'); {wait}" for used in (100, 900, 300)]
    first = task("a", *cells, gpus=(1, 1))
    (run,) = run_all([first], 1, cache=cache, variables=nvidia_smi(script, CUDA_VISIBLE_DEVICES="0"))
    assert run.failure is None and run.device == "NVIDIA H200"
    assert [cell.gpu_memory >> 20 for cell in run.cells] == [100, 900, 900], "what was there when a cell began counts"
    _gone(tmp_path / "watchers", 1)
    both = task("b", *cells[:1], gpus=(2, 2))
    (run,) = run_all([both], 1, cache=cache, variables=nvidia_smi(script))
    assert run.device == "NVIDIA A100, NVIDIA H200" or run.device.startswith("2 × ")
    assert [cell.gpu_memory >> 20 for cell in run.cells] == [307], "of all cards together"
    (run,) = run_all([task("c", wait)], 1, cache=cache, variables=nvidia_smi(script))
    assert run.cells[0].gpu_memory == 0
    _gone(tmp_path / "watchers", 2)


def test_of_a_shared_card_each_page_is_told_its_own_part(nvidia_smi, task, cache: Path, tmp_path: Path) -> None:
    script = f"""
case "$*" in
*query-gpu=index*) echo '0, {H200}, NVIDIA H200, 1000, Disabled';;
*compute-apps*lms*)
    while :; do
        now=$(date +%s.%N)
        for file in {tmp_path}/pid.*; do [ -f "$file" ] && echo "$now, {H200}, $(cat $file)"; done
        echo "$now, {H200}, 1, 500"
        sleep 0.1
    done;;
esac"""
    tasks = [
        task(
            page,
            f"import os, time; name = {str(tmp_path / 'pid.')!r} + {page!r}\n"
            f"open(name + '.new', 'w').write(f'{{os.getpid()}}, {used}'); os.replace(name + '.new', name); time.sleep(2)",
            gpus=(1, 1),
            gpu_memory=400 << 20,
        )
        for page, used in (("a", 100), ("b", 300))
    ]
    runs = run_all(tasks, 2, cache=cache, variables=nvidia_smi(script))
    assert [run.cells[0].gpu_memory >> 20 for run in runs] == [100, 300]


def test_a_card_that_was_held_for_nothing_is_told(nvidia_smi, task, cache: Path) -> None:
    script = f"""
case "$*" in
*query-gpu=index*) echo '0, {H200}, NVIDIA H200, 1000, Disabled';;
*query-gpu=uuid*lms*) while :; do echo "{H200}, 3, 0"; sleep 0.05; done;;
esac"""
    notes: list[str] = []

    class Loud(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    run_all(
        [task("a", "import time; time.sleep(1.5)", gpus=(1, 1))], 1, Loud(), cache=cache, variables=nvidia_smi(script)
    )
    told = [note for note in notes if not note.startswith("another octavo uses")]  # such as one of other tests
    assert told == ["a (small) had NVIDIA H200 and did not use it"]


def _gone(note: Path, number: int) -> None:
    """See that the watchers that wrote their numbers into a file are gone."""
    pids = note.read_text().split()
    assert len(pids) == number
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)
