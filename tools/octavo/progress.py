"""Events of a build → what a terminal shows: live lines for the running pages, or plain ones where nobody watches."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, TYPE_CHECKING, Protocol

from octavo.model import Run

if TYPE_CHECKING:
    from rich.table import Table


_UNKNOWN: Mapping[tuple[str, str], float] = {}


class Progress(Protocol):
    """What a build tells about its work. The engine knows no terminal."""

    def stage(self, text: str) -> None:
        """Something that takes a while begins."""

    def note(self, text: str) -> None:
        """A line worth keeping."""

    def on_environment(self, tab: str, message: str) -> None:
        """An environment is being made. May be called in any thread."""

    def begin(self, total: int, expected: Mapping[tuple[str, str], float] = _UNKNOWN) -> None:
        """``total`` pages × frameworks will be executed; of some it is known how many seconds they took before."""

    def on_start(self, page: str, tab: str, cells: int) -> None:
        """A page starts."""

    def on_cell(self, page: str, tab: str, number: int, cells: int) -> None:
        """Cell ``number`` of ``cells``, counted from 1, starts."""

    def on_end(self, run: Run) -> None:
        """A page ended, well or not."""

    def on_waiting(self, text: str) -> None:
        """Pages wait for more than their turn, such as a graphics card; with an empty ``text`` none do."""

    def on_page(self, tab: str, run: int, page: int) -> None:
        """A page of a framework's book was set, in the run ``run`` over it, from 1. Called in any thread."""

    def on_typeset(self, tab: str) -> None:
        """A framework's book is typeset, well or not."""

    def __enter__(self) -> Progress:
        """Show things until the block ends."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""


@dataclass
class _Running:
    cells: int
    number: int = 0
    since: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class _Typeset:
    run: int
    page: int
    since: float


class PlainProgress:
    """Plain lines, one for each page that starts or ends; what a log keeps."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream
        self.total = 0
        self.done = 0
        self.waiting = ""
        self.expected: dict[tuple[str, str], float] = {}
        self.running: dict[tuple[str, str], _Running] = {}
        self.typeset: dict[str, _Typeset] = {}
        self.lock = threading.Lock()

    def _line(self, text: str) -> None:
        print(text, file=self.stream, flush=True)

    def stage(self, text: str) -> None:
        """Print what begins."""
        self._line(text)

    def note(self, text: str) -> None:
        """Print the line."""
        self._line(text)

    def on_environment(self, tab: str, message: str) -> None:
        """Print what is being made."""
        self._line(message)

    def begin(self, total: int, expected: Mapping[tuple[str, str], float] = _UNKNOWN) -> None:
        """Remember how many there are, and how long they may take."""
        self.total, self.done, self.expected = total, 0, dict(expected)

    def on_start(self, page: str, tab: str, cells: int) -> None:
        """Print that a page starts."""
        with self.lock:
            self.running[page, tab] = _Running(cells)
        self._line(f"executing {page} ({tab}), {cells} {'cell' if cells == 1 else 'cells'}")

    def on_cell(self, page: str, tab: str, number: int, cells: int) -> None:
        """Say nothing: a log needs no line for each cell."""

    def on_end(self, run: Run) -> None:
        """Print how a page ended."""
        with self.lock:
            self.running.pop((run.page, run.tab), None)
            self.expected.pop((run.page, run.tab), None)
            self.done += 1
            done = self.done
        # printed without the lock: the terminal's own thread holds the terminal while it asks for this one
        self._line(f"[{done}/{self.total}] {_ending(run)}")

    def on_waiting(self, text: str) -> None:
        """Remember it: a log needs no line each time."""
        self.waiting = text

    def on_page(self, tab: str, run: int, page: int) -> None:
        """Say nothing: a log needs no line for each page."""

    def on_typeset(self, tab: str) -> None:
        """Say nothing: the build says where the file is."""

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None


class LiveProgress(PlainProgress):
    """A live list of the running pages on a terminal: framework, cell n of m, elapsed time."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(stream)
        from rich.console import Console
        from rich.live import Live

        self.console = Console(file=stream, highlight=False)
        self.live = Live(console=self.console, refresh_per_second=5, transient=True, get_renderable=self._view)

    def _line(self, text: str) -> None:
        from rich.text import Text

        self.console.print(Text(text))

    def stage(self, text: str) -> None:
        """Show what begins."""
        from rich.text import Text

        self.console.print(Text(text, style="dim"))

    def on_start(self, page: str, tab: str, cells: int) -> None:
        """Add a page to the list."""
        with self.lock:
            self.running[page, tab] = _Running(cells)

    def on_cell(self, page: str, tab: str, number: int, cells: int) -> None:
        """Move a page's count on."""
        with self.lock:
            if (page, tab) in self.running:
                self.running[page, tab].number = number

    def on_page(self, tab: str, run: int, page: int) -> None:
        """Show the page."""
        with self.lock:
            since = self.typeset[tab].since if tab in self.typeset else time.monotonic()
            self.typeset[tab] = _Typeset(run, page, since)

    def on_typeset(self, tab: str) -> None:
        """Take it off the list."""
        with self.lock:
            self.typeset.pop(tab, None)

    def _view(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        with self.lock:
            for (page, tab), running in sorted(self.running.items(), key=lambda item: item[1].since):
                elapsed = time.monotonic() - running.since
                table.add_row(
                    Text(page, style="cyan"),
                    Text(tab),
                    Text(f"cell {max(running.number, 1)} of {running.cells}"),
                    Text(f"{elapsed:.0f} s", style="dim"),
                )
            for tab, at in self.typeset.items():
                elapsed = time.monotonic() - at.since
                run = f", run {at.run}" if at.run > 1 else ""
                table.add_row(
                    Text("typesetting", style="cyan"),
                    Text(tab),
                    Text(f"page {at.page}{run}"),
                    Text(f"{elapsed:.0f} s", style="dim"),
                )
            if self.running or self.waiting:
                more = "".join(f", {text}" for text in (self._left(), self.waiting) if text)
                table.add_row(Text(f"{self.done} of {self.total} done{more}", style="dim"))
        return table

    def _left(self) -> str:
        """How long it will take yet, if that is known of every page that is left; called with the lock."""
        if not self.running or len(self.expected) < self.total - self.done:
            return ""
        now = time.monotonic()
        left = [
            max(seconds - (now - self.running[pair].since), 0.0) if pair in self.running else seconds
            for pair, seconds in self.expected.items()
        ]
        # as many at once as now, and no page in less than its own time
        return _duration(max(*left, sum(left) / len(self.running), 0.0)) + " left"

    def __enter__(self) -> LiveProgress:
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.live.stop()


def _duration(seconds: float) -> str:
    """About how long: ``about 20 s``, ``about 3 min``, ``about 1 h 20 min``."""
    if seconds < 55:
        return f"about {max(10, round(seconds, -1)):.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min"
    hours, minutes = divmod(round(minutes, -1), 60)
    return f"about {hours} h {minutes} min" if minutes else f"about {hours} h"


def _ending(run: Run) -> str:
    how = f"failed: {run.failure.name}" if run.failure else "done"
    return f"{run.page} ({run.tab}) {how} in {run.seconds:.1f} s"


def progress_for(stream: IO[str] | None = None) -> PlainProgress:
    """Live progress if ``stream`` (standard error by default) is a terminal, plain lines otherwise."""
    stream = stream or sys.stderr
    return LiveProgress(stream) if stream.isatty() else PlainProgress(stream)
