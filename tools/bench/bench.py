"""How long the parts of a build take, on a copy of a book: bench.py [BOOK]. Nothing is executed.

Wall and processor seconds and the peak memory of each command, and its processor time as a ratio to the first website
of the same run: ratios can be compared between machines, seconds cannot.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

OCTAVO = [sys.executable, "-m", "octavo"]


@dataclass(frozen=True)
class Cost:
    """What a command took."""

    wall: float
    cpu: float
    peak: int
    """Megabytes."""
    code: int


def measure(arguments: list[str], folder: Path, log: Path) -> Cost:
    """Run one octavo command to its end."""
    started = time.perf_counter()
    with log.open("ab") as stream:
        child = os.posix_spawn(
            OCTAVO[0],
            [*OCTAVO, "-C", str(folder), *arguments],
            os.environ | {"OCTAVO_CACHE": str(log.parent / "cache")},
            file_actions=[(os.POSIX_SPAWN_DUP2, stream.fileno(), 1), (os.POSIX_SPAWN_DUP2, stream.fileno(), 2)],
        )
        _, status, usage = os.wait4(child, 0)
    return Cost(
        time.perf_counter() - started,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss // 1024,
        os.waitstatus_to_exitcode(status),
    )


def longest_page(book: Path) -> Path:
    """The longest page that has cells: the one to edit."""
    pages = [page for page in book.glob("chapter_*/**/*.md") if "```{.python .input" in page.read_text("utf-8")]
    return max(pages, key=lambda page: page.stat().st_size)


def edit_word(page: Path) -> None:
    """Add a word to the end of a page."""
    page.write_text(page.read_text(encoding="utf-8") + "\nOne more word.\n", encoding="utf-8")


def edit_cell(page: Path) -> None:
    """Add a statement to the last cell of a page."""
    text = page.read_text(encoding="utf-8")
    at = text.index("\n```", text.rindex("```{.python .input"))
    page.write_text(text[:at] + "\n0" + text[at:], encoding="utf-8")


def main(book: Path) -> int:
    """Measure and print; the exit code says whether every command did what it should."""
    with tempfile.TemporaryDirectory() as work:
        copy, log = Path(work) / "book", Path(work) / "log"
        shutil.copytree(book, copy, ignore=shutil.ignore_patterns(".git", ".venv", "_build", "tools"))
        page = longest_page(copy)
        html = ["build", "html", "--no-execute"]
        steps = [
            ("website, the first", html, None),
            ("website, nothing changed", html, None),
            ("website, a word changed", html, edit_word),
            ("website, a cell changed", html, edit_cell),
            ("library, every framework", ["build", "lib"], None),
            ("check", ["check"], None),
            ("status", ["status"], None),
            ("--help", ["--help"], None),
        ]
        first: Cost | None = None
        failed = False
        print(f"{'':28}{'wall s':>8}{'cpu s':>8}{'peak MB':>9}{'cpu ratio':>11}")
        for name, arguments, change in steps:
            if change is not None:
                change(page)
            cost = measure(arguments, copy, log)
            first = first or cost
            # a book with mistakes of its own gives 1; anything else is ours
            failed = failed or cost.code not in (0, 1)
            print(f"{name:28}{cost.wall:8.2f}{cost.cpu:8.2f}{cost.peak:9}{cost.cpu / first.cpu:11.3f}", flush=True)
        if failed:
            print(log.read_text(encoding="utf-8", errors="replace")[-4000:])
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()))
