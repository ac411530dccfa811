"""A book that `octavo serve` shows. Nothing here imports octavo: these tests see what an author sees."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECONDS = 60.0
"""How long anything may take on a machine that does much else at once."""

_OVERLAY = "(document.querySelector('octavo-live')?.shadowRoot?.querySelector('%s') ?? {hidden: null, textContent: ''})"
MESSAGES = _OVERLAY % ".panel"
PILL = _OVERLAY % ".pill"
"""Parts of what stands over a page; while that is loading, empty and neither hidden nor shown."""


@dataclass
class Served:
    """A running `octavo serve`."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    """What it has printed in the terminal."""

    def __post_init__(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def until(self, text: str, since: int = 0) -> str:
        """Wait for a line with this text; returns it."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.lines[since:]:
                if text in line:
                    return line
            time.sleep(0.02)
        raise AssertionError(f"{text!r} was not said: {self.lines}")

    @property
    def address(self) -> str:
        """Where it listens, without a final slash."""
        found = re.search(r"http://[\w.]+:\d+", self.until("http://"))
        assert found is not None
        return found[0]

    def interrupt(self) -> int:
        """What Ctrl-C does; returns the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(SECONDS)


@contextlib.contextmanager
def serve(book: Path, *options: str, variables: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Serve a book until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "octavo", "-C", str(book), "serve", *options],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "120", **(variables or {})},
        start_new_session=True,
    )
    served = Served(process)
    try:
        yield served
    finally:
        if process.poll() is None:
            served.interrupt()


def look(window: Any, expression: str, argument: object = None) -> Any:
    """What a window has, which may be loading its page anew at that very moment."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return window.evaluate(expression, argument)
        except Exception as problem:
            if not re.search("destroyed|navigat|null", str(problem)) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def wait_for(true: Callable[[], object], what: str) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def contents(folder: Path) -> dict[str, bytes]:
    """Path → content of every file."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
