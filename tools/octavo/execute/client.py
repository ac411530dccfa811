"""nbclient and jupyter_client, bent to a build: imported only when something is executed.

Three habits of nbclient do not fit several kernels in one event loop, and are replaced here: its handlers of signals
(each kernel would take Ctrl-C away from the others; the methods used here set none), its asking once a second whether
the kernel lives (the operating system tells at once), and its reading of any cancellation as a dead kernel.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import nbformat
import zmq
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from octavo.execute.outputs import without_middles
from octavo.execute.processes import end_group

_logger = logging.getLogger("octavo.kernel")
_logger.addHandler(logging.NullHandler())
_logger.propagate = False

_DRAIN_SECONDS = 0.3
"""How long messages that a dead kernel has sent before may still arrive."""

_MUCH = 10_000_000
"""Characters that a cell may print before what nobody will read is dropped."""


_LAUNCHER = """
import sys
if sys.path[0] == "":
    del sys.path[0]
import ipykernel_launcher
sys.argv[0] = ipykernel_launcher.__file__
import zmq
from ipykernel import kernelapp
init_iopub = kernelapp.IPKernelApp.init_iopub
def without_limit(self, context):
    context.setsockopt(zmq.SNDHWM, 0)
    init_iopub(self, context)
kernelapp.IPKernelApp.init_iopub = without_limit
kernelapp.launch_new_instance()
"""
"""What ``-m ipykernel_launcher`` does, but for one thing: by default a kernel that prints faster than its messages are
fetched throws away what is beyond the thousandth, the one that says that the cell has ended too."""


class _Manager(AsyncKernelManager):  # type: ignore[misc]  # jupyter_client has no types
    """Starts an interpreter that is given, instead of one that is installed by name."""

    python: Path
    arguments: Sequence[str]

    @property
    def kernel_spec(self) -> Any:
        argv = [str(self.python), "-c", _LAUNCHER, "-f", "{connection_file}", *self.arguments]
        return KernelSpec(argv=argv, display_name="octavo", language="python")


class Kernel(NotebookClient):  # type: ignore[misc]  # nbclient has no types
    """One kernel and the notebook that it executes."""

    kc: Any

    def __init__(self, sources: Sequence[str], python: Path, private: Path, arguments: Sequence[str]) -> None:
        """A kernel of ``python``, not yet started; ``private`` has a short path and holds its sockets."""
        # Addresses of one kernel alone: with the default ones kernels that start together take each other's.
        manager = _Manager(
            kernel_name="octavo",
            transport="ipc",
            ip=str(private / "k"),
            connection_file=str(private / "kernel.json"),
            log=_logger,
        )
        manager.python, manager.arguments = python, arguments
        manager.context.setsockopt(zmq.RCVHWM, 0)  # the other end of the same pipe
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
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
        self.process: subprocess.Popen[bytes] | None = None
        self.died: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watch: asyncio.Task[None] | None = None
        self._printed = 0

    async def start(self, folder: Path, variables: dict[str, str], log: IO[bytes], seconds: float) -> None:
        """Start the kernel in ``folder`` and wait until it answers; what it prints outside of cells goes to ``log``.

        Raises ``OSError`` when it cannot be started and ``RuntimeError`` when it ends or is silent for ``seconds``.
        """
        self.startup_timeout = max(1, int(seconds))
        await self.async_start_new_kernel(cwd=str(folder), env=variables, stdout=log, stderr=log)
        self.process = self.manager.provisioner.process
        self._watch = asyncio.create_task(_ended(self.process, self.died))
        await self.async_start_new_kernel_client()

    async def run_cell(self, index: int) -> None:
        """Execute a cell; its outputs are then in :meth:`outputs`. Raises the errors of nbclient."""
        self._printed = 0
        await self.async_execute_cell(self.nb.cells[index], index)

    def outputs(self, index: int) -> list[Mapping[str, Any]]:
        """What a cell has sent so far; of a flood of text the beginning and the end."""
        return without_middles(self.nb.cells[index].get("outputs", ()))

    def output(self, outs: list[Any], msg: Any, display_id: Any, cell_index: int) -> Any:
        """Take a message of a cell; one that prints without end must not fill this machine's memory."""
        taken = super().output(outs, msg, display_id, cell_index)
        if msg["msg_type"] == "stream":
            self._printed += len(msg["content"]["text"])
            if self._printed > _MUCH:
                self._printed = 0
                # displays are found again by their positions, so that only what follows the last one is touched
                start = next((n for n in range(len(outs), 0, -1) if outs[n - 1].output_type != "stream"), 0)
                outs[start:] = map(nbformat.from_dict, without_middles(outs[start:]))
        return taken

    async def _async_poll_kernel_alive(self) -> None:
        await asyncio.shield(self.died)
        reply = self.task_poll_for_reply
        if reply is not None and not reply.done():
            await asyncio.wait({reply}, timeout=_DRAIN_SECONDS)
            reply.cancel()

    def interrupt(self) -> None:
        """Send what Ctrl-C sends to the kernel and to all that it started."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)

    async def end(self) -> None:
        """End the kernel with everything that it started, and close its sockets. Never raises for a dead kernel."""
        process = self.process or getattr(self.manager.provisioner, "process", None)
        if process is not None:
            # The group is signalled before its leader is reaped: until then its number cannot be another's.
            end_group(process.pid)
            if self._watch is not None:
                await asyncio.wait({self._watch})
            process.wait()
        channels: Any = self.kc
        self.kc = None
        if channels is not None:
            channels.stop_channels()
        await self.manager._async_cleanup_resources()


async def _ended(process: subprocess.Popen[bytes], died: asyncio.Future[None]) -> None:
    """Fulfil ``died`` when the process ends, without reaping it where the system can tell."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # not Linux, or an old one
        while process.poll() is None:
            await asyncio.sleep(0.5)
    else:
        loop = asyncio.get_running_loop()
        seen = asyncio.Event()
        loop.add_reader(descriptor, seen.set)
        try:
            await seen.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
    if not died.done():
        died.set_result(None)


__all__ = ["CellExecutionError", "DeadKernelError", "Kernel"]
