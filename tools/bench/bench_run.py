"""What executing a book costs beyond its cells: bench_run.py [BOOK] [--jobs N] [--trivial PAGES].

A copy of the book is executed from an empty store, with environments that are there already (they are made before, and
not measured; what JAX has compiled in them before is there too). The times of pages and cells are those that the build
itself has recorded. Printed are the sum of the cells' times, the build's wall and processor seconds, and how the wall
compares with what no schedule could beat: the longest page's cells, or all cells shared evenly among the cores. The
book is executed twice: with kernels that are copies of a process which has imported the framework, and with kernels
that are started anew, where importing is part of each page's cells. So the cells of the first are shorter, and its
ratio is higher although it is done sooner; the last line compares its wall with the cells as they are by themselves.
``--trivial`` also executes a made book of that many pages with one cell each, in the first framework, to see what
octavo itself costs a page.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

OCTAVO = (sys.executable, "-m", "octavo")
SKIPPED = (".git", ".venv", "_build", "tools", "outputs", "__pycache__")


@dataclass(frozen=True)
class Page:
    """One page in one framework, as the build recorded it."""

    name: str
    seconds: float
    cells: float

    @property
    def overhead(self) -> float:
        """Seconds that were not its cells'."""
        return self.seconds - self.cells


@dataclass(frozen=True)
class Build:
    """One build, and what it recorded."""

    pages: tuple[Page, ...]
    wall: float
    cpu: float
    code: int

    @property
    def cells(self) -> float:
        """Seconds of all cells together."""
        return sum(page.cells for page in self.pages)

    @property
    def longest(self) -> Page:
        """The page whose cells take longest."""
        return max(self.pages, key=lambda page: page.cells)

    def least(self, cores: int) -> float:
        """Seconds that no schedule of these cells could beat."""
        return max(self.longest.cells, self.cells / cores)

    def told(self, cores: int) -> str:
        """The table that is printed."""
        cells, longest, least = self.cells, self.longest, self.least(cores)
        overheads = sorted(page.overhead for page in self.pages)
        rows = [
            ("pages × frameworks", f"{len(self.pages)}"),
            ("cores", f"{cores}"),
            ("sum of cell times", f"{cells:.2f} s"),
            ("longest page", f"{longest.cells:.2f} s  {longest.name}"),
            ("wall of the build", f"{self.wall:.2f} s"),
            ("processor time of the build", f"{self.cpu:.2f} s"),
            ("wall ÷ max(longest page, sum ÷ cores)", f"{self.wall / least:.2f}" if least else "—"),
            ("overhead of a page, mean", f"{1000 * sum(overheads) / len(overheads):.0f} ms"),
            ("overhead of a page, median", f"{1000 * overheads[len(overheads) // 2]:.0f} ms"),
            ("overhead of a page, most", f"{1000 * overheads[-1]:.0f} ms"),
            ("wall beyond cells, a page", f"{1000 * (self.wall - least) / len(self.pages):.0f} ms"),
        ]
        return "\n".join(f"  {name:<40} {value}" for name, value in rows)


def build(book: Path, home: Path, environments: Path, arguments: list[str], variables: dict[str, str]) -> Build:
    """Execute all of a book from an empty store; what it prints goes to a file beside it."""
    home.mkdir()
    (home / "environments").symlink_to(environments)
    log = home / "log"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with log.open("wb") as file:
        code = subprocess.run(
            [*OCTAVO, "-C", str(book), "run", *arguments],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **variables, "OCTAVO_CACHE": str(home), "OCTAVO_STORE": ""},
            check=False,
        ).returncode
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code:
        print(log.read_text(encoding="utf-8", errors="replace")[-2000:], file=sys.stderr)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Build(tuple(recorded(home / "runs")), wall, cpu, code)


def recorded(runs: Path) -> list[Page]:
    """The pages that a local store knows."""
    found = []
    for path in sorted(runs.glob("*/*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if not record.get("failure") and record["cells"]:
            cells = sum(cell.get("seconds", 0.0) for cell in record["cells"])
            found.append(Page(f"{record['page']} ({record['tab']})", record["seconds"], cells))
    return found


def copied(book: Path, copy: Path) -> Path:
    """A copy of a book without what was made from it, its results included."""
    shutil.copytree(book, copy, ignore=shutil.ignore_patterns(*SKIPPED))
    return copy


def trivial(book: Path, copy: Path, pages: int) -> Path:
    """A book of pages with one cell that does nothing, with the first lock of another book."""
    lock = min((book / "environments").glob("*.txt"))
    names = [f"page-{number}" for number in range(pages)]
    (copy / "environments").mkdir(parents=True)
    shutil.copy(lock, copy / "environments" / lock.name)
    (copy / "config.ini").write_text(
        f"[project]\nname = trivial\n[build]\ntabs = {lock.stem}\n[library-{lock.stem}]\nlib_file = d2l/x.py\n"
    )
    (copy / "index.md").write_text("# Trivial\n\n```toc\n" + "\n".join(names) + "\n```\n")
    for number, name in enumerate(names):
        cell = f"```{{.python .input}}\nprint({number})\n```\n"
        (copy / f"{name}.md").write_text(f"# Page {number}\n\n{cell}")
    return copy


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("book", nargs="?", type=Path, default=Path(__file__).parents[2])
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--trivial", type=int, default=0, metavar="PAGES")
    given = parser.parse_args()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    home = os.environ.get("OCTAVO_CACHE")
    environments = (Path(home) if home else Path.home() / ".cache" / "octavo") / "environments"
    copies, anew = {"OCTAVO_FORK": ""}, {"OCTAVO_FORK": "never"}
    cores = given.jobs or cores
    jobs = ["--jobs", str(given.jobs)] if given.jobs else []
    environments.mkdir(parents=True, exist_ok=True)
    code = subprocess.run(
        [*OCTAVO, "-C", str(given.book), "env", "make"], stdout=subprocess.DEVNULL, check=False
    ).returncode
    if code:
        return code
    with tempfile.TemporaryDirectory(prefix="octavo-bench-") as folder:
        scratch = Path(folder)
        book = copied(given.book, scratch / "book")
        made = build(book, scratch / "cache", environments, jobs, copies)
        shutil.rmtree(book)
        fresh = build(copied(given.book, book), scratch / "fresh", environments, jobs, anew)
        if not made.pages or not fresh.pages:
            return 1
        name = given.book.resolve().name
        print(f"{name}, from an empty store\n{made.told(cores)}")
        print(f"\n{name}, every kernel started anew\n{fresh.told(cores)}")
        print(f"\nwall with copies ÷ what no schedule of these cells could beat: {made.wall / fresh.least(cores):.2f}")
        code = made.code or fresh.code
        if given.trivial:
            book = trivial(given.book, scratch / "trivial", given.trivial)
            small = build(book, scratch / "trivial-cache", environments, jobs, copies)
            print(f"\n{given.trivial} pages of one trivial cell\n{small.told(cores)}")
            code = code or small.code
    return code


if __name__ == "__main__":
    sys.exit(main())
