"""One edition → one run: a kernel of the framework's environment executes the cells in order.

Each kernel has a private folder (sockets, temporary files, settings) and a guard; kernel, all that it started and the
folder are gone when the run ends, however it ends. A cell that fails is data: the run says what, where in the author's
file, and holds what the cells before it printed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from octavo.execute.environments.environment import Environment
from octavo.execute.kernels import memory_use
from octavo.execute.kernels.outputs import Places, clean, clean_text
from octavo.execute.kernels.starter import Starter, private_folder
from octavo.execute.kernels.tracebacks import cell_span, crash, failure
from octavo.execute.kernels.variables import kernel_variables, prepare
from octavo.execute.machine.lease import Lease
from octavo.model import CellRun, Edition, Failure, Inputs, Needs, Run

if TYPE_CHECKING:
    from octavo.execute.kernels.client import Kernel

START_SECONDS = 120.0
"""How long a kernel may take to answer for the first time."""
INTERRUPT_SECONDS = 2.0
"""How long a cell that is too slow may take to say where it was when it is interrupted."""

_TOO_MUCH = "TooMuchOutput"
"""The name of the failure of a cell that has sent more than can be kept."""

_ARGUMENTS = (
    "--HistoryManager.hist_file=:memory:",
    "--InteractiveShell.colors=nocolor",
    "--InteractiveShell.xmode=Plain",
    # the trace of a crash in compiled code: standard error is a pipe into the very process that crashes
    "--IPKernelApp.exec_lines=__import__('faulthandler').enable(open(__import__('os').environ['IPYTHONDIR']+'/crash','w'))",
)


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

    def note(self, text: str) -> None:
        """Something worth keeping in a log, such as that a page is tried again."""

    def on_waiting(self, text: str) -> None:
        """What pages wait for besides their turn, such as ``2 pages wait for a graphics card``; empty for nothing."""


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

    def note(self, text: str) -> None:
        """Nothing."""

    def on_waiting(self, text: str) -> None:
        """Nothing."""


async def execute(
    edition: Edition,
    inputs: Inputs,
    key: str,
    environment: Environment,
    folder: Path,
    *,
    library: Path | None = None,
    needs: Needs | None = None,
    lease: Lease | None = None,
    starter: Starter | None = None,
    gpu_peak: Callable[[], int] | None = None,
    events: Events | None = None,
    variables: Mapping[str, str] = os.environ,
) -> Run:
    """Execute a page in one framework.

    ``folder`` is the kernel's working directory, made if it is not there: a scratch folder of this page × framework,
    never the author's. ``library`` is the folder that the book's library is imported from, ``needs`` has the limits of
    time, ``lease`` what of the machine the kernel may use and see, ``starter`` starts it (without one it is started
    anew); ``gpu_peak`` tells at the end of each cell the most bytes that it held of its cards. Failures are in the run;
    cancelling ends the kernel and everything that it started, then raises ``asyncio.CancelledError``.
    """
    events = events or Silent()
    needs, lease = needs or Needs(), lease or Lease()
    events.on_start(edition.page, edition.tab, len(edition.cells))
    started = time.perf_counter()
    cells: tuple[CellRun, ...] = ()
    problem: Failure | None = None
    if edition.cells:
        folder.mkdir(parents=True, exist_ok=True)
        private = private_folder()
        try:
            prepare(private)
            session = _Session(edition, environment, folder, private, library, needs, events, gpu_peak)
            problem = await session.run(
                starter or Starter(environment, variables, fork=False),
                kernel_variables(
                    variables,
                    environment=environment.folder,
                    private=private,
                    library=library,
                    threads=needs.cpus,
                    numpy_features=environment.numpy_features,
                    lease=lease,
                ),
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
        device=lease.device,
        host=platform.node(),
    )
    events.on_end(run)
    return run


class _Session:
    """The cells of one edition on their way through one kernel."""

    def __init__(
        self,
        edition: Edition,
        environment: Environment,
        folder: Path,
        private: Path,
        library: Path | None,
        needs: Needs,
        events: Events,
        gpu_peak: Callable[[], int] | None = None,
    ) -> None:
        self.edition = edition
        self.environment = environment
        self.folder = folder.resolve()
        self.private = private
        self.needs = needs
        self.events = events
        self.gpu_peak = gpu_peak
        self.page_ends = float("inf")
        self.seconds: list[float] = []
        self.memory: list[tuple[int, int]] = []
        self.sent: list[list[Mapping[str, Any]]] = []
        # IPython numbers the cells that it gets: In[n] → index of the cell
        self.counts: dict[int, int] = {}
        self.places = _places(environment, self.folder, private, library)

    async def run(self, starter: Starter, variables: dict[str, str]) -> Failure | None:
        """Start the kernel, run the cells, end the kernel; gives why it stopped early."""
        from octavo.execute.kernels.client import Kernel

        kernel = Kernel([cell.code.text for cell in self.edition.cells], self.private, _ARGUMENTS)
        problem: Failure | None = None
        try:
            try:
                await kernel.start(starter, self.folder, variables, START_SECONDS)
            except (OSError, RuntimeError) as why:
                return Failure(
                    "died",
                    "KernelDied",
                    f"the kernel did not start: {clean_text(str(why), self.places)}",
                    traceback=crash(self.edition, 0, self.log_lines())[1],
                    infrastructure=True,
                )
            if self.needs.page_timeout > 0:
                self.page_ends = time.monotonic() + self.needs.page_timeout
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
        from octavo.execute.kernels.client import CellExecutionError, DeadKernelError

        assert kernel.process is not None
        if self.edition.cells[index].code.text.strip():
            self.counts[len(self.counts) + 1] = index
        memory_use.forget_peak(kernel.process.pid)
        kernel.heard = time.monotonic()
        started = time.perf_counter()
        self.seconds.append(0.0)
        self.memory.append((0, 0))
        task = asyncio.create_task(kernel.run_cell(index))
        task.add_done_callback(_look_at)
        late: tuple[str, str] | None = None
        try:
            late = await self.wait(kernel, task, index)
            if late is not None:
                kernel.interrupt()
                await asyncio.wait({task}, timeout=INTERRUPT_SECONDS)
        finally:
            self.seconds[index] = time.perf_counter() - started
            self.memory[index] = memory_use.peak(kernel.process.pid), self.gpu_peak() if self.gpu_peak else 0
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        why = None if task.cancelled() else task.exception()
        if late is not None:
            return self.too_slow(kernel, index, *late)
        if why is None:
            return None
        if isinstance(why, CellExecutionError):
            return failure(self.edition, index, self.counts, _error(kernel.outputs(index), why), self.places)
        if isinstance(why, DeadKernelError) or kernel.process.ended.done():
            return await self.died(kernel, index)
        return Failure(
            "died",
            type(why).__name__,
            f"the kernel answers no more: {clean_text(str(why), self.places)}",
            cell_span(self.edition, index),
            index,
            crash(self.edition, index, self.log_lines())[1],
        )

    async def wait(self, kernel: Kernel, task: asyncio.Task[None], index: int) -> tuple[str, str] | None:
        """Wait for a cell; gives name and message of the limit that it has broken, if it has."""
        seconds = self.needs.cell_timeouts.get(index, self.needs.timeout)
        ends = time.monotonic() + seconds if seconds > 0 else float("inf")
        silence = self.needs.silence
        while True:
            now = time.monotonic()
            quiet_ends = kernel.heard + silence if silence > 0 else float("inf")
            if now >= ends:
                return "CellTimeout", f"the cell ran longer than {seconds:g} s"
            if now >= self.page_ends:
                return "PageTimeout", f"the page ran longer than {self.needs.page_timeout:g} s, and was in this cell"
            if now >= quiet_ends:
                return "CellSilent", f"the cell printed and drew nothing for {silence:g} s"
            first = min(ends, self.page_ends, quiet_ends)
            either: set[asyncio.Future[Any]] = {task, kernel.overfull}
            await asyncio.wait(
                either,
                timeout=first - now if first < float("inf") else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if kernel.overfull.done():
                return _TOO_MUCH, f"the cell {kernel.overfull.result()}"
            if task.done():
                return None

    def too_slow(self, kernel: Kernel, index: int, name: str, message: str) -> Failure:
        """The failure of a cell that did not end in time; interrupted, it may have told where it was."""
        span, traceback = cell_span(self.edition, index), tuple[str, ...]()
        errors = [output for output in kernel.outputs(index) if output.get("output_type") == "error"]
        if errors:
            told = failure(self.edition, index, self.counts, _error(errors, None), self.places)
            span, traceback = told.span or span, told.traceback
        return Failure("exception" if name == _TOO_MUCH else "timeout", name, message, span, index, traceback)

    async def died(self, kernel: Kernel, index: int) -> Failure:
        """The failure of a cell under which the kernel ended."""
        assert kernel.process is not None
        await asyncio.wait({kernel.process.ended}, timeout=5)
        status = kernel.process.status
        code = os.waitstatus_to_exitcode(status) if status is not None else None
        if code is None:
            how = "was lost with the process that guards it"
        elif code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            how = f"was ended by {name}"
            if name == "SIGKILL":
                how += ", perhaps because memory ran out"
        else:
            how = f"ended with exit code {code}"
        span, lines = crash(self.edition, index, self.log_lines())
        return Failure(
            "died",
            "KernelDied",
            f"the kernel {how}",
            span,
            index,
            lines,
            infrastructure=code in (None, -signal.SIGKILL),
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
            CellRun(
                inputs.cells[index],
                clean(sent, self.places),
                self.edition.cells[index].cell.varies,
                seconds,
                *memory,
            )
            for index, (sent, seconds, memory) in enumerate(zip(self.sent, self.seconds, self.memory, strict=True))
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
