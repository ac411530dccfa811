"""How long the parts of a build take, on a copy of a book, beside d2lbook: bench.py [BOOK] [--d2lbook PROGRAM].

Nothing is executed. Each row is one command: wall and processor seconds, and the peak memory of all of its processes.
Ratios within one run can be compared between machines, seconds cannot. With ``--d2lbook`` the old tool builds a copy of
the same book in the same run; without, its figures for *Dive into Deep Learning* stand there as they were measured once
on two cores (d2lbook 1.0.3, Sphinx 5.3, pandoc 2.17, CPython 3.11), and say something about that book only.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

OCTAVO = (sys.executable, "-m", "octavo")
SKIPPED = (".git", ".venv", "_build", "tools")


@dataclass(frozen=True)
class Cost:
    """What a command took."""

    wall: float
    cpu: float
    peak: float
    """Megabytes of all its processes together, shared pages counted once."""
    code: int = 0


@dataclass(frozen=True)
class Step:
    """A command of both tools, and what happens to the book before it."""

    name: str
    octavo: tuple[str, ...]
    d2lbook: tuple[tuple[str, ...], ...] = ()
    """One command or several: d2lbook wants each framework's notebooks before it makes one website of all."""
    recorded: Cost | None = None
    """What d2lbook took for d2l-en."""
    change: Callable[[Path], object] | None = None
    """What happens to the book before; it is given the longest page that has cells."""
    fresh: bool = False
    """Whether everything that was built is removed before."""


def edit_word(page: Path) -> None:
    """Add a word to the end of a page."""
    page.write_text(page.read_text(encoding="utf-8") + "\nOne more word.\n", encoding="utf-8")


def edit_cell(page: Path) -> None:
    """Add a statement to the last cell of a page."""
    text = page.read_text(encoding="utf-8")
    at = text.index("\n```", text.rindex("```{.python .input"))
    page.write_text(text[:at] + "\n0" + text[at:], encoding="utf-8")


def steps(tabs: list[str]) -> list[Step]:
    """What is measured for a book of these frameworks."""
    one, site = ("--tab", tabs[0]), ("build", "html", "--no-execute")
    old_one = (("build", "html", "--tab", tabs[0]),)
    old_notebooks = tuple(("build", "eval", "--tab", tab) for tab in tabs)
    old_all = (*old_notebooks, ("build", "html", "--tab", "all"))
    return [
        Step("website of one framework, the first", (*site, *one), old_one, Cost(66, 76, 555), fresh=True),
        Step("… nothing changed", (*site, *one), old_one, Cost(9.2, 8.7, 0)),
        Step("… a word changed", (*site, *one), old_one, Cost(9.9, 9.8, 0), edit_word),
        Step("… a cell changed", (*site, *one), old_one, Cost(10.3, 10.2, 0), edit_cell),
        Step("website of all frameworks, the first", site, old_all, Cost(229, 167, 600), fresh=True),
        Step("… nothing changed", site, old_all, Cost(18.5, 18.1, 0)),
        Step("… a word changed", site, old_all, Cost(21.7, 20.8, 0), edit_word),
        Step("… a cell changed", site, old_all, change=edit_cell),
        Step("library of all frameworks, the first", ("build", "lib"), (("build", "lib"),), Cost(5.4, 5.4, 92),
             fresh=True),
        Step("notebooks of all frameworks, the first", ("build", "notebooks", "--no-execute"), old_notebooks,
             Cost(14.2, 14.0, 96), fresh=True),
        Step("check", ("check",)),
        Step("status", ("status",)),
        Step("--help", ("--help",), (("-h",),), Cost(1.9, 1.9, 84)),
    ]  # fmt: skip


def measure(command: tuple[str, ...], folder: Path, log: Path) -> Cost:
    """Run a command in a folder to its end."""
    started = time.perf_counter()
    variables = os.environ | {"OCTAVO_CACHE": str(log.parent / "cache")}
    if Path(command[0]).parent != Path():  # d2lbook calls programs that stand beside it
        variables["PATH"] = f"{Path(command[0]).resolve().parent}{os.pathsep}{variables.get('PATH', '')}"
    with log.open("ab") as stream:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdout=stream,
            stderr=stream,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        peaks = [0.0]
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(child.pid, peaks, over))
        watcher.start()
        _, status, usage = os.wait4(child.pid, 0)
        over.set()
        watcher.join()
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(time.perf_counter() - started, cpu, max(peaks[0], 0), os.waitstatus_to_exitcode(status))


def _watch(session: int, peaks: list[float], over: threading.Event) -> None:
    """Note the greatest memory that the processes of a session have together.

    Looking takes the processes' time too, so the longer they run the more rarely this looks.
    """
    started = time.monotonic()
    while not over.wait(min(2.0, 0.05 + (time.monotonic() - started) / 4)):
        peaks[0] = max(peaks[0], sum(_memory(int(entry.name), session) for entry in Path("/proc").glob("[0-9]*")))


def _memory(process: int, session: int) -> float:
    """Megabytes of a process of the session, 0 for others."""
    try:
        if os.getsid(process) != session:
            return 0
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0


def frameworks(book: Path) -> list[str]:
    """The frameworks that the book names."""
    found = re.search(r"^tabs\s*[=:](.*)", (book / "config.ini").read_text(encoding="utf-8"), re.MULTILINE)
    return re.findall(r"[\w.-]+", found[1]) if found else ["default"]


def longest_page(book: Path) -> Path:
    """The longest page that has cells: the one to edit."""
    pages = [page for page in book.glob("chapter_*/**/*.md") if "```{.python .input" in page.read_text("utf-8")]
    return max(pages, key=lambda page: page.stat().st_size)


def copied(book: Path, copy: Path) -> Path:
    """A copy of a book that may be changed."""
    shutil.copytree(book, copy, ignore=shutil.ignore_patterns(*SKIPPED))
    return copy


def prepare_for_d2lbook(book: Path) -> None:
    """Settings for what d2lbook has no options for: it executes nothing, and loads no LaTeX style for a website."""
    config = book / "config.ini"
    text = re.sub(r"^(?:eval_notebook|style)\s*=.*\n", "", config.read_text(encoding="utf-8"), flags=re.MULTILINE)
    config.write_text(text.replace("[build]", "[build]\neval_notebook = False", 1), encoding="utf-8")


def run(step: Step, commands: list[tuple[str, ...]], book: Path, log: Path) -> Cost:
    """One step of one tool: what its commands take together."""
    if step.fresh:
        shutil.rmtree(book / "_build", ignore_errors=True)
    if step.change is not None:
        step.change(longest_page(book))
    costs = [measure(command, book, log) for command in commands]
    return Cost(
        sum(cost.wall for cost in costs),
        sum(cost.cpu for cost in costs),
        max(cost.peak for cost in costs),
        max(cost.code for cost in costs),
    )


def shown(cost: Cost | None) -> str:
    """A cost as three columns."""
    if cost is None:
        return f"{'':24}"
    return f"{cost.wall:8.2f}{cost.cpu:8.2f}" + (f"{cost.peak:8.0f}" if cost.peak else f"{'':8}")


def main() -> int:
    """Measure and print; the exit code says whether every command of octavo did what it should."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("book", nargs="?", type=Path, default=Path(__file__).parents[2])
    arguments.add_argument("--d2lbook", metavar="PROGRAM", help="d2lbook's program, to be measured in the same run")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as work:
        log = Path(work) / "log"
        book = copied(given.book.resolve(), Path(work) / "book")
        old = copied(given.book.resolve(), Path(work) / "old") if given.d2lbook else None
        if old is not None:
            prepare_for_d2lbook(old)
        heading = "d2lbook, here" if old is not None else "d2lbook, recorded"
        print(f"{'':40}{'octavo':>8}{'':16}{heading:>24}{'ratio':>8}")
        print(f"{'':40}{'wall s':>8}{'cpu s':>8}{'MB':>8}{'wall s':>8}{'cpu s':>8}{'MB':>8}{'cpu':>8}")
        failed = False
        for step in steps(frameworks(book)):
            cost = run(step, [(*OCTAVO, *step.octavo)], book, log)
            other = step.recorded
            if old is not None:
                commands = [(given.d2lbook, *command) for command in step.d2lbook]
                other = run(step, commands, old, log) if commands else None
            if other is not None and other.code:
                print(f"{step.name}: d2lbook ends with {other.code}, so its figures say nothing")
            # a book with mistakes of its own gives 1; anything else is ours
            failed = failed or cost.code not in (0, 1)
            ratio = f"{cost.cpu / other.cpu:8.3f}" if other is not None and other.cpu else ""
            print(f"{step.name:40}{shown(cost)}{shown(other)}{ratio}".rstrip(), flush=True)
        if failed:
            print(log.read_text(encoding="utf-8", errors="replace")[-4000:])
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
