"""One edition → one run: a kernel of the framework's environment executes the cells in order.

Each kernel has a private folder (sockets, temporary files, settings) and its own process group; both are gone when the
run ends, however it ends. A cell that fails is data: the run says what, where in the author's file, and holds what the
cells before it printed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from octavo.execute.environment import Environment
from octavo.execute.outputs import Places, clean, clean_text
from octavo.execute.tracebacks import cell_span, failure
from octavo.execute.variables import kernel_variables, prepare
from octavo.model import CellRun, Edition, Failure, Inputs, Run

if TYPE_CHECKING:
    from octavo.execute.client import Kernel

START_SECONDS = 120.0
"""How long a kernel may take to answer for the first time."""
INTERRUPT_SECONDS = 2.0
"""How long a cell that is too slow may take to say where it was when it is interrupted."""

_ARGUMENTS = (
    "--HistoryManager.hist_file=:memory:",
    "--InteractiveShell.colors=nocolor",
    "--InteractiveShell.xmode=Plain",
    # the trace of a crash in compiled code: standard error is a pipe into the very process that crashes
    "--IPKernelApp.exec_lines=__import__('faulthandler').enable(open(__import__('os').environ['IPYTHONDIR']+'/crash','w'))",
)
_LONGEST_SOCKET = 100
"""Bytes of a socket's path that every system takes (Linux 107, macOS 103)."""


class Events(Protocol):
    """What the engine tells while it works; it knows no terminal. Called in the thread that runs the engine."""

    def on_environment(self, tab: str, message: str) -> None:
        """An environment is being made; ``message`` says what is happening. May be called in any thread."""

    def on_start(self, page: str, tab: str, cells: int) -> None:
        """A page begins to run in one framework."""

    def on_cell(self, page: str, tab: str, number: int, cells: int) -> None:
        """The cell ``number``, from 1, of ``cells`` begins."""

    def on_end(self, run: Run) -> None:
        """A page has run, or failed."""


class Silent:
    """Events that nobody listens to."""

    def on_environment(self, tab: str, message: str) -> None:
        """Nothing."""

    def on_start(self, page: str, tab: str, cells: int) -> None:
        """Nothing."""

    def on_cell(self, page: str, tab: str, number: int, cells: int) -> None:
        """Nothing."""

    def on_end(self, run: Run) -> None:
        """Nothing."""


async def execute(
    edition: Edition,
    inputs: Inputs,
    key: str,
    environment: Environment,
    folder: Path,
    *,
    library: Path | None = None,
    timeout: float = 600.0,
    threads: int = 1,
    events: Events | None = None,
    variables: Mapping[str, str] = os.environ,
) -> Run:
    """Execute a page in one framework.

    ``folder`` is the kernel's working directory, made if it is not there: a scratch folder of this page × framework,
    never the author's. ``library`` is the folder that the book's library is imported from, ``timeout`` the seconds
    that a cell may run, ``threads`` how many threads numerical libraries may use. Failures are in the run; cancelling
    ends the kernel and everything that it started, then raises ``asyncio.CancelledError``.
    """
    events = events or Silent()
    events.on_start(edition.page, edition.tab, len(edition.cells))
    started = time.perf_counter()
    cells: tuple[CellRun, ...] = ()
    problem: Failure | None = None
    if edition.cells:
        folder.mkdir(parents=True, exist_ok=True)
        private = _private_folder()
        try:
            prepare(private)
            session = _Session(edition, environment, folder, private, library, timeout, events)
            problem = await session.run(
                kernel_variables(
                    variables,
                    environment=environment.folder,
                    private=private,
                    library=library,
                    threads=threads,
                    numpy_features=environment.numpy_features,
                )
            )
            cells = session.cell_runs(inputs)
        finally:
            shutil.rmtree(private, ignore_errors=True)
    run = Run(
        key=key,
        page=edition.page,
        tab=edition.tab,
        inputs=inputs,
        cells=cells,
        failure=problem,
        seconds=time.perf_counter() - started,
        device="cpu",
    )
    events.on_end(run)
    return run


def _private_folder() -> Path:
    """A new folder whose path is short enough for sockets; the caller removes it."""
    base = tempfile.gettempdir()
    if len(os.fsencode(base)) + len("/octavo-12345678/k-12345") > _LONGEST_SOCKET:
        base = "/tmp"  # the only folder that is short everywhere
    return Path(tempfile.mkdtemp(prefix="octavo-", dir=base)).resolve()


class _Session:
    """The cells of one edition on their way through one kernel."""

    def __init__(
        self,
        edition: Edition,
        environment: Environment,
        folder: Path,
        private: Path,
        library: Path | None,
        timeout: float,
        events: Events,
    ) -> None:
        self.edition = edition
        self.environment = environment
        self.folder = folder.resolve()
        self.private = private
        self.timeout = timeout
        self.events = events
        self.seconds: list[float] = []
        self.sent: list[list[Mapping[str, Any]]] = []
        # IPython numbers the cells that it gets: In[n] → index of the cell
        self.counts: dict[int, int] = {}
        self.places = _places(environment, self.folder, private, library)

    async def run(self, variables: dict[str, str]) -> Failure | None:
        """Start the kernel, run the cells, end the kernel; gives why it stopped early."""
        from octavo.execute.client import Kernel

        kernel = Kernel(
            [cell.code.text for cell in self.edition.cells], self.environment.python, self.private, _ARGUMENTS
        )
        problem: Failure | None = None
        try:
            with (self.private / "log").open("wb") as log:
                try:
                    await kernel.start(self.folder, variables, log, START_SECONDS)
                except (OSError, RuntimeError) as why:
                    return Failure(
                        "died",
                        "KernelDied",
                        f"the kernel did not start: {clean_text(str(why), self.places)}",
                        traceback=self.log_lines(),
                    )
            for index in range(len(self.edition.cells)):
                self.events.on_cell(self.edition.page, self.edition.tab, index + 1, len(self.edition.cells))
                problem = await self.run_cell(kernel, index)
                if problem is not None:
                    break
        finally:
            # a display may be updated by a later cell, so that outputs are taken at the end
            self.sent = [kernel.outputs(index) for index in range(len(self.seconds))]
            if problem is not None and problem.reason in ("exception", "syntax", "timeout") and self.sent:
                self.sent[-1] = _without_last_error(self.sent[-1])
            await asyncio.shield(kernel.end())
        return problem

    async def run_cell(self, kernel: Kernel, index: int) -> Failure | None:
        """Run one cell within its time; gives how it failed."""
        from octavo.execute.client import CellExecutionError, DeadKernelError

        if self.edition.cells[index].code.text.strip():
            self.counts[len(self.counts) + 1] = index
        started = time.perf_counter()
        self.seconds.append(0.0)
        task = asyncio.create_task(kernel.run_cell(index))
        task.add_done_callback(_look_at)
        late = False
        try:
            done, _ = await asyncio.wait({task}, timeout=self.timeout)
            if not done:
                late = True
                kernel.interrupt()
                await asyncio.wait({task}, timeout=INTERRUPT_SECONDS)
        finally:
            self.seconds[index] = time.perf_counter() - started
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        why = None if task.cancelled() else task.exception()
        if late:
            return self.too_slow(kernel, index)
        if why is None:
            return None
        if isinstance(why, CellExecutionError):
            return failure(self.edition, index, self.counts, _error(kernel.outputs(index), why), self.places)
        if isinstance(why, DeadKernelError) or kernel.died.done():
            return await self.died(kernel, index)
        return Failure(
            "died",
            type(why).__name__,
            f"the kernel answers no more: {clean_text(str(why), self.places)}",
            cell_span(self.edition, index),
            index,
            self.log_lines(),
        )

    def too_slow(self, kernel: Kernel, index: int) -> Failure:
        """The failure of a cell that did not end in time; interrupted, it may have told where it was."""
        span, traceback = cell_span(self.edition, index), tuple[str, ...]()
        errors = [output for output in kernel.outputs(index) if output.get("output_type") == "error"]
        if errors:
            told = failure(self.edition, index, self.counts, _error(errors, None), self.places)
            span, traceback = told.span or span, told.traceback
        return Failure("timeout", "CellTimeout", f"the cell ran longer than {self.timeout:g} s", span, index, traceback)

    async def died(self, kernel: Kernel, index: int) -> Failure:
        """The failure of a cell under which the kernel ended."""
        await asyncio.wait({kernel.died}, timeout=5)
        code = kernel.process.poll() if kernel.process is not None else None
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            how = f"was ended by {name}"
            if name == "SIGKILL":
                how += ", perhaps because memory ran out"
        else:
            how = f"ended with exit code {code}"
        return Failure(
            "died", "KernelDied", f"the kernel {how}", cell_span(self.edition, index), index, self.log_lines()
        )

    def log_lines(self) -> tuple[str, ...]:
        """The end of what the kernel printed outside of cells, such as the trace of a crash."""
        lines: list[str] = []
        for path in (self.private / "log", self.private / "ipython" / "crash"):
            with contextlib.suppress(OSError):
                text = clean_text(path.read_text(encoding="utf-8", errors="replace"), self.places)
                shown = [line[:300] for line in text.splitlines() if line.strip()]
                lines += _crashed(shown) if path.name == "crash" else shown[-12:]
        return tuple(lines)

    def cell_runs(self, inputs: Inputs) -> tuple[CellRun, ...]:
        """What the cells that ran have done."""
        return tuple(
            CellRun(inputs.cells[index], clean(sent, self.places), self.edition.cells[index].cell.varies, seconds)
            for index, (sent, seconds) in enumerate(zip(self.sent, self.seconds, strict=True))
        )


def _crashed(lines: list[str]) -> list[str]:
    """Of the trace of a crash, the thread that crashed, from the innermost line to the cell's own."""
    start = next((n for n, line in enumerate(lines) if line.startswith("Current thread")), 0)
    end = max((n for n, line in enumerate(lines) if '"<cell>"' in line), default=start)
    return lines[start : end + 1][-12:]


def _look_at(task: asyncio.Task[None]) -> None:
    """Take note of a task's error, so that asyncio does not complain about it when a cancelled build drops the task."""
    if not task.cancelled():
        task.exception()


def _error(outputs: list[Mapping[str, Any]], why: Exception | None) -> tuple[str, str, list[str]]:
    """Class, message and traceback of the last error that a cell sent."""
    for output in reversed(outputs):
        if output.get("output_type") == "error":
            traceback = output.get("traceback")
            lines = [str(line) for line in traceback] if isinstance(traceback, list) else []
            return str(output.get("ename", "")), str(output.get("evalue", "")), lines
    return str(getattr(why, "ename", "Exception")), str(getattr(why, "evalue", why or "")), []


def _without_last_error(outputs: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Without the error that became the run's failure, so that it is not told twice."""
    for position in range(len(outputs) - 1, -1, -1):
        if outputs[position].get("output_type") == "error":
            return outputs[:position] + outputs[position + 1 :]
    return outputs


def _places(environment: Environment, folder: Path, private: Path, library: Path | None) -> Places:
    """Folders of this machine, and what an output shows in their place."""
    home = str(Path.home())
    result: list[tuple[str, str]] = []
    for site in (environment.folder / "lib").glob("python*/site-packages"):
        result += _spellings(site, "")
    result += _spellings(private / "tmp", "/tmp")
    result += _spellings(folder, ".")
    if library is not None:
        result += _spellings(library, "")
    result += _spellings(environment.folder, "<environment>")
    if len(home) > 1:
        result.append((home, "~"))
    return tuple(result)


def _spellings(folder: Path, instead: str) -> list[tuple[str, str]]:
    """A folder as given, with its links followed, and as IPython abbreviates it."""
    found: dict[str, str] = {}
    for path in (folder, folder.resolve()):
        text = str(path)
        home = str(Path.home())
        for spelling in (text, "~" + text.removeprefix(home) if text.startswith(home + "/") else text):
            if instead == "":
                found[spelling + "/"] = ""
            found[spelling] = instead or "."
    return list(found.items())
