"""nbclient and jupyter_client, bent to a build: imported only when something is executed.

Four habits of theirs do not fit several kernels in one event loop, and are replaced here: nbclient's handlers of
signals (each kernel would take Ctrl-C away from the others; the methods used here set none), its asking once a second
whether the kernel lives (its guard tells at once), its reading of any cancellation as a dead kernel, and the waiting
for silence, 0.2 s at a time, until a kernel counts as started (the kernel says itself when it listens).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import zmq
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from octavo.execute.kernels.outputs import without_middles
from octavo.execute.kernels.starter import Request, Starter, Supervised

_logger = logging.getLogger("octavo.kernel")
_logger.addHandler(logging.NullHandler())
_logger.propagate = False

_DRAIN_SECONDS = 0.3
"""How long messages that a dead kernel has sent before may still arrive."""

_MUCH = 10_000_000
"""Characters that a cell may print before what nobody will read is dropped."""
_MOST_SHOWN, _MOST_PRINTED = 100_000_000, 200_000_000
"""Characters that a cell may display and print before it is stopped: it would fill the memory of this machine."""
_OF_A_DISPLAY = 1000
"""What a display costs beside its characters, in characters."""


class Kernel(NotebookClient):  # type: ignore[misc]  # nbclient has no types
    """One kernel and the notebook that it executes."""

    kc: Any

    def __init__(self, sources: Sequence[str], private: Path, arguments: Sequence[str]) -> None:
        """A kernel not yet started; ``private`` has a short path and holds its sockets."""
        # Addresses of one kernel alone: with the default ones kernels that start together take each other's.
        manager = AsyncKernelManager(
            kernel_name="octavo",
            transport="ipc",
            ip=str(private / "k"),
            connection_file=str(private / "kernel.json"),
            log=_logger,
        )
        manager.context.setsockopt(zmq.RCVHWM, 0)  # no message of the kernel is dropped, however many come at once
        # not nbformat's own makers, which validate what nobody reads
        cells = [{"cell_type": "code", "source": source, "outputs": [], "metadata": {}} for source in sources]
        notebook = nbformat.from_dict({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        super().__init__(
            notebook,
            km=manager,
            log=_logger,
            record_timing=False,
            store_widget_state=False,
            # what a slow machine has not yet delivered is waited for, and never left out in silence
            iopub_timeout=60,
            raise_on_iopub_timeout=True,
        )
        self.manager = manager
        self.private = private
        self.arguments = arguments
        self.process: Supervised | None = None
        self.heard = time.monotonic()
        """When the kernel last printed or drew something; whoever runs a cell sets it to the cell's beginning."""
        self.overfull: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Fulfilled, with what there is too much of, when a cell sends more than can be kept."""
        self._printed = self._all_printed = self._shown = 0

    async def start(self, starter: Starter, folder: Path, variables: Mapping[str, str], seconds: float) -> None:
        """Start the kernel in ``folder`` and wait until it answers.

        Raises ``OSError`` when it cannot be started and ``RuntimeError`` when it ends or is silent for ``seconds``.
        """
        try:
            await self._start(starter, folder, variables, seconds)
        except zmq.ZMQError as problem:  # such as too many open files, which is no OSError there
            raise OSError(problem.errno, problem.strerror) from problem

    async def _start(self, starter: Starter, folder: Path, variables: Mapping[str, str], seconds: float) -> None:
        self.manager.write_connection_file()
        request = Request(folder, self.private, Path(self.manager.connection_file), self.arguments, variables)
        try:
            async with asyncio.timeout(seconds):
                self.process = await starter.start(request)
                if not await self.process.started:
                    raise RuntimeError("it ended while it started")
                await self._connect()
        except TimeoutError:
            raise RuntimeError(f"it did not answer in {seconds:g} s") from None

    async def _connect(self) -> None:
        """Open the channels, and be sure that what cells print will arrive."""
        assert self.process is not None
        self.kc = self.manager.client()
        self.kc.start_channels(stdin=False, hb=False, control=False)
        while not self.process.ended.done():
            # any message says that the kernel knows of the subscription: its welcome, if it is new enough to give one
            self.kc.kernel_info()
            try:
                await self.kc.iopub_channel.get_msg(timeout=1)
                await self.kc.shell_channel.get_msg(timeout=1)
            except Empty:
                continue
            return
        raise RuntimeError("it ended while it started")

    async def run_cell(self, index: int) -> None:
        """Execute a cell; its outputs are then in :meth:`outputs`. Raises the errors of nbclient."""
        self._printed = self._all_printed = self._shown = 0
        await self.async_execute_cell(self.nb.cells[index], index)

    def outputs(self, index: int) -> list[Mapping[str, Any]]:
        """What a cell has sent so far; of a flood of text the beginning and the end."""
        return without_middles(self.nb.cells[index].get("outputs", ()))

    def output(self, outs: list[Any], msg: Any, display_id: Any, cell_index: int) -> Any:
        """Take a message of a cell; one that prints without end must not fill this machine's memory."""
        self.heard = time.monotonic()
        if self.overfull.done() or self._is_too_much(msg):
            return None
        taken = super().output(outs, msg, display_id, cell_index)
        if msg["msg_type"] == "stream":
            self._printed += len(msg["content"]["text"])
            if self._printed > _MUCH:
                self._printed = 0
                # displays are found again by their positions, so that only what follows the last one is touched
                start = next((n for n in range(len(outs), 0, -1) if outs[n - 1].output_type != "stream"), 0)
                outs[start:] = map(nbformat.from_dict, without_middles(outs[start:]))
        return taken

    def _is_too_much(self, msg: Any) -> bool:
        """Count what a cell sends; says whether it has to be stopped."""
        if msg["msg_type"] == "stream":
            self._all_printed += len(str(msg["content"].get("text", "")))
        else:
            data = msg["content"].get("data")
            values = data.values() if isinstance(data, Mapping) else ()
            self._shown += _OF_A_DISPLAY + sum(len(one) if isinstance(one, str) else len(repr(one)) for one in values)
        if self._all_printed > _MOST_PRINTED:
            self.overfull.set_result(f"printed more than {_MOST_PRINTED / 1e6:g} MB")
        elif self._shown > _MOST_SHOWN:
            self.overfull.set_result(f"displayed more than {_MOST_SHOWN / 1e6:g} MB")
        return self.overfull.done()

    def clear_output(self, outs: list[Any], msg: Any, cell_index: int) -> None:
        """Take a message that removes what a cell has shown: also a sign of life."""
        super().clear_output(outs, msg, cell_index)
        self._shown = 0
        self.heard = time.monotonic()

    def _update_display_id(self, display_id: str, msg: Any) -> None:
        super()._update_display_id(display_id, msg)
        self.heard = time.monotonic()

    async def _async_poll_kernel_alive(self) -> None:
        assert self.process is not None
        await asyncio.shield(self.process.ended)
        reply = self.task_poll_for_reply
        if reply is not None and not reply.done():
            await asyncio.wait({reply}, timeout=_DRAIN_SECONDS)
            reply.cancel()

    def interrupt(self) -> None:
        """Send what Ctrl-C sends to the kernel and to all that it started."""
        if self.process is not None:
            self.process.interrupt()

    async def end(self) -> None:
        """End the kernel with everything that it started, and close its sockets. Never raises for a dead kernel."""
        if self.process is not None:
            await self.process.end()
        channels: Any = self.kc
        self.kc = None
        if channels is not None:
            channels.stop_channels()
        self.manager.context.destroy(linger=0)
        await self.manager._async_cleanup_resources()


__all__ = ["CellExecutionError", "DeadKernelError", "Kernel"]
