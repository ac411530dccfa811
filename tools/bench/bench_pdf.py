"""How long a book on paper takes, on a copy of the book: bench_pdf.py [BOOK].

Nothing is executed. The PDF of the first framework is made from nothing, again when nothing has changed, and again
after one word has; then those of all frameworks from nothing. Each row is one command: wall and processor seconds, the
peak memory of all of its processes, and where a goal is set, how it compares with that. Ratios within one run can be
compared between machines, seconds cannot; on a machine that others use too, only processor seconds can.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import OCTAVO, Cost, copied, frameworks, longest_page, measure
from octavo.processors import cores

MOST = 0.5
"""What a build may take after one word has changed, of what the first took."""
LEAST = 1.2
"""How many processors have to be at work on average while several PDFs are made, where there are two."""


@dataclass(frozen=True)
class Row:
    """A command, and what became of it."""

    name: str
    cost: Cost
    compared: str = ""
    """Beside its goal."""
    good: bool = True


def add_word(page: Path) -> None:
    """Add a word to a sentence: the last one of the page that begins a line."""
    lines = page.read_text(encoding="utf-8").split("\n")
    inside, found = False, -1
    for at, line in enumerate(lines):
        inside ^= line.startswith("```")
        if not inside and re.match(r"[A-Z][a-z]+ [a-z]+ [a-z]", line):
            found = at
    first, rest = lines[found].split(" ", 1)
    lines[found] = f"{first} indeed {rest}"
    page.write_text("\n".join(lines), encoding="utf-8")


def measured(book: Path, log: Path) -> list[Row]:
    """All rows for a book that may be changed."""
    tabs = frameworks(book)
    every = ("build", "pdf", "--no-execute")
    one = (*every, "--tab", tabs[0])
    page = longest_page(book)

    def costs(arguments: tuple[str, ...], prepare: Callable[[], object] = lambda: None) -> Cost:
        prepare()
        return measure((*OCTAVO, *arguments), book, log)

    def forget() -> None:
        shutil.rmtree(book / "_build", ignore_errors=True)

    first = costs(one, forget)
    same = costs(one)
    word = costs(one, lambda: add_word(page))
    rows = [
        Row(f"the PDF of {tabs[0]}, the first", first),
        Row("… nothing changed", same, *_at_most(same, first)),
        Row("… a word changed", word, *_at_most(word, first)),
    ]
    if len(tabs) > 1:
        whole = costs(every, forget)
        busy, wanted = whole.cpu / whole.wall, LEAST if cores() > 1 else 0
        rows.append(
            Row(
                f"{len(tabs)} PDFs, the first",
                whole,
                f"{busy:.2f} of {cores()} processors at work, wanted {wanted}",
                busy >= wanted,
            )
        )
    return rows


def _at_most(cost: Cost, first: Cost) -> tuple[str, bool]:
    """How a later build compares with the first."""
    ratio = cost.cpu / first.cpu
    return f"{ratio:.2f} of the first, wanted {MOST}", ratio <= MOST


def main() -> int:
    """Measure and print; the exit code says whether every command did what it should, as fast as it should."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("book", nargs="?", type=Path, default=Path(__file__).parents[2])
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as work:
        log = Path(work) / "log"
        rows = measured(copied(given.book.resolve(), Path(work) / "book"), log)
        said = log.read_text(encoding="utf-8", errors="replace")
    print(f"{'':32}{'wall s':>8}{'cpu s':>8}{'MB':>8}")
    for row in rows:
        cost = row.cost
        print(f"{row.name:32}{cost.wall:8.2f}{cost.cpu:8.2f}{cost.peak:8.0f}  {row.compared}".rstrip())
    failed = any(row.cost.code not in (0, 1) for row in rows)  # a book with mistakes of its own gives 1
    if failed:
        print(said[-4000:])
    return int(failed or not all(row.good for row in rows))


if __name__ == "__main__":
    sys.exit(main())
