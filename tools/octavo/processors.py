"""How many processors there are, and work shared among them."""

from __future__ import annotations

import contextlib
import os
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar, cast

Task = TypeVar("Task")
Result = TypeVar("Result")


def cores(root: Path = Path("/")) -> int:
    """How many processors this process may use; ``root`` is for tests."""
    count = getattr(os, "process_cpu_count", None)  # Python 3.13
    if count is not None:
        found = count() or 1
    elif hasattr(os, "sched_getaffinity"):
        found = len(os.sched_getaffinity(0)) or 1
    else:
        found = os.cpu_count() or 1
    for group in control_groups("cpu", root):
        found = min(found, _quota(group) or found)
    return found


def control_groups(controller: str, root: Path = Path("/")) -> list[Path]:
    """The folders of Linux' control groups that limit this process (as in a container), the innermost first."""
    try:
        lines = (root / "proc" / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return []
    folders: dict[Path, None] = {}
    for line in lines:
        number, names, path = [*line.split(":", 2), "", ""][:3]
        if number != "0" and controller not in names.split(","):
            continue
        base = root / "sys" / "fs" / "cgroup" / ("" if number == "0" else controller)
        # in a container the path may be one of the host, which is not there; what is limited is the root then
        folder = base / path.strip("/")
        while folder != base and ".." not in path:
            folders[folder] = None
            folder = folder.parent
        folders[base] = None
    return [folder for folder in folders if folder.is_dir()]


def _quota(group: Path) -> int:
    """How many processors' time a control group may use, the last one in part; 0 for no limit."""
    with contextlib.suppress(OSError, ValueError):
        if (group / "cpu.max").is_file():
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota, period = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return max(0, -(-int(quota) // int(period)))
    return 0


def in_processes(do: Callable[[Task], Result], tasks: Sequence[Task], jobs: int) -> list[Result]:
    """``do`` of each task, by this process and ``jobs - 1`` copies of it; the results are in the order of the tasks.

    Where a process cannot be copied, or a copy does not come to its end, this one does its share too.
    """
    jobs = jobs if hasattr(os, "fork") else 1
    others = [_in_another_process(do, tasks[share::jobs]) for share in range(1, jobs)]
    results: list[Result | None] = [None] * len(tasks)
    results[::jobs] = [do(task) for task in tasks[::jobs]]
    for share, (child, pipe) in enumerate(others, 1):
        with os.fdopen(pipe, "rb") as stream:
            sent = stream.read()
        os.waitpid(child, 0)
        try:
            results[share::jobs] = pickle.loads(sent)
        except (EOFError, pickle.UnpicklingError, ValueError):
            results[share::jobs] = [do(task) for task in tasks[share::jobs]]
    return cast(list[Result], results)


def _in_another_process(do: Callable[[Task], Result], tasks: Sequence[Task]) -> tuple[int, int]:
    """Begin to do tasks in a copy of this process; returns its id, and where its results can be read."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    try:
        os.close(reading)
        with os.fdopen(writing, "wb") as stream:
            stream.write(pickle.dumps([do(task) for task in tasks], pickle.HIGHEST_PROTOCOL))
    finally:
        os._exit(0)  # nothing of the copy's own is to be cleaned up, or told
