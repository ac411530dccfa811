"""How long from saving to seeing: bench_serve.py [BOOK] [--edits N], with `octavo serve` and a headless Chromium.

On a copy of a book, its longest page is opened, and words, then a line of a cell, are added to it. A time ends when the
browser's document has them. Nothing is executed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from bench import OCTAVO, copied, longest_page

LIMIT = 600_000
"""Milliseconds that the first website, or an edit, may take."""


@contextlib.contextmanager
def served(book: Path) -> Iterator[str]:
    """Serve a book; gives its address once its website is there."""
    process = subprocess.Popen(
        [*OCTAVO, "-C", str(book), "serve", "--no-execute", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OCTAVO_CACHE": str(book.parent / "cache")},
    )
    assert process.stderr is not None
    try:
        address = ""
        for line in process.stderr:
            found = re.search(r"http://\S+", line)
            address = found[0] if found else address
            if "rendered in" in line:
                break
        print(f"{'the first website':40}{line.partition('rendered in ')[2].strip()}")
        threading.Thread(target=process.stderr.read, daemon=True).start()  # so that it can go on saying things
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def add_word(text: str, word: str) -> str:
    """A word at the end of the first long paragraph."""
    found = re.search(r"^[A-Z][^\n]{30,}\.$", text, re.MULTILINE)
    assert found is not None
    return f"{text[: found.end()]} {word}.{text[found.end() :]}"


def add_line(text: str, word: str) -> str:
    """A statement at the end of the first cell."""
    at = text.index("\n```", text.index("```{.python .input"))
    return f"{text[:at]}\n{word} = 0{text[at:]}"


def seconds(page: Path, change: Callable[[str, str], str], window: Any, edits: int) -> list[float]:
    """How long each of several edits takes until it is in the document."""
    text, found = page.read_text(encoding="utf-8"), []
    for number in range(edits):
        time.sleep(1.5)  # until the edit before is done with
        word = f"{change.__name__}_{number}"
        page.write_text(change(text, word), encoding="utf-8")
        begun = time.perf_counter()
        window.wait_for_function(
            "word => document.querySelector('article')?.textContent.includes(word)",
            arg=word,
            polling=10,
            timeout=LIMIT,
        )
        found.append(time.perf_counter() - begun)
    return found


def main() -> int:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("book", nargs="?", type=Path, default=Path(__file__).parents[2])
    arguments.add_argument("--edits", type=int, default=7, help="how many of each kind")
    given = arguments.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("no Chromium here; on Debian: apt-get install chromium", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as work, sync_playwright() as driver:
        book = copied(given.book.resolve(), Path(work) / "book")
        page = longest_page(book)
        with served(book) as address:
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            window = browser.new_page()
            window.goto(f"{address}{page.relative_to(book).with_suffix('.html').as_posix()}", timeout=LIMIT)
            print(f"{page.relative_to(book)}, seconds from saving to seeing, load {os.getloadavg()[0]:.1f}")
            for what, change in (("a word", add_word), ("a line of a cell", add_line)):
                found = seconds(page, change, window, given.edits)
                print(f"{what:40}median {statistics.median(found):.2f}, most {max(found):.2f}", flush=True)
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
