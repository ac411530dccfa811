"""How many processors there are, and work shared among them."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

Task = TypeVar("Task")
Result = TypeVar("Result")


def cores() -> int:
    """How many processors this process may use."""
    count = getattr(os, "process_cpu_count", None)  # Python 3.13
    if count is not None:
        return count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


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
