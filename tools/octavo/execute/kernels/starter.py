"""Kernels are started here: anew, or as copies of a process that has imported the framework already.

To import a framework takes a second or several, and as much again for Python, ipykernel and matplotlib; a copy of a
process that has done so takes 20 ms. One such parent is kept for each environment while a build runs; it is started
before the first page asks for it. Not every framework bears to be copied: the parent finds out (see
:mod:`~octavo.execute.kernels.forker`), what it found is kept with the environment, and kernels are then started
anew. Either way each kernel has its guard (:mod:`~octavo.execute.kernels.guard`), so that nothing outlives the build.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.execute.environments import environment as environments
from octavo.execute.environments.environment import Environment
from octavo.execute.kernels import guard
from octavo.execute.kernels.variables import kernel_variables, prepare

_HERE = Path(__file__).parent
_GUARD = str(_HERE / "guard.py")
_FORKER = str(_HERE / "forker.py")

_END_SECONDS = 15.0
"""How long a guard may take to kill what it watches before the build goes on without it."""
_PATIENCE = 5.0
"""How long the guard of a parent waits for the guards of its kernels, when the build was killed."""
_LONGEST_SOCKET = 100
"""Bytes of a socket's path that every system takes (Linux 107, macOS 103)."""
_MOST_PARENTS = 2
"""Of one environment; pages that want yet another number of threads are started anew."""

_WORTH_A_PARENT = 2
"""Pages: a single one is started anew as quickly as a parent of it."""

_OF_ONE_KERNEL = frozenset(
    {
        "TMPDIR",
        "IPYTHONDIR",
        "JUPYTER_CONFIG_DIR",
        "MATPLOTLIBRC",
        "PYTHONPATH",
        "CUDA_VISIBLE_DEVICES",
        "HIP_VISIBLE_DEVICES",
        "CUDA_DEVICE_ORDER",
        "JAX_PLATFORMS",
        "XLA_PYTHON_CLIENT_PREALLOCATE",
        "XLA_PYTHON_CLIENT_MEM_FRACTION",
        "TF_FORCE_GPU_ALLOW_GROWTH",
        "MXNET_CUDNN_AUTOTUNE_DEFAULT",
        "MXNET_GPU_MEM_POOL_RESERVE",
    }
)
"""Variables that no framework reads while it is imported (or that a copy puts right): two kernels with different ones
may have the same parent."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a kernel is started with."""

    folder: Path
    """Its working directory."""
    private: Path
    """Its own folder, for sockets, settings and temporary files; whoever asks removes it."""
    connection: Path
    """The file that says where it shall listen."""
    arguments: Sequence[str]
    """The words for ipykernel."""
    variables: Mapping[str, str]
    """All of its environment variables."""

    @property
    def log(self) -> Path:
        """What it prints outside of cells."""
        return self.private / "log"


class Supervised:
    """A process below its guard, as the build sees it."""

    def __init__(self, ours: socket.socket, guard: subprocess.Popen[bytes] | None = None) -> None:
        """``ours`` is this end of the guard's socket; ``guard`` its process where it is a child of this one."""
        loop = asyncio.get_running_loop()
        self.pid = 0
        """The process's number, once it is started."""
        self.status: int | None = None
        """How it ended, as ``waitpid`` tells; None while it runs, and where nobody knows."""
        self.problem = ""
        """Why it was not started."""
        self.started: asyncio.Future[bool] = loop.create_future()
        """Fulfilled when the process says that it listens, with False when it never will."""
        self.ended: asyncio.Future[None] = loop.create_future()
        """Fulfilled when the process is gone."""
        self._ours = ours
        self._guard = guard
        self._guard_pid = guard.pid if guard else 0
        self._mark = ""
        self._left = -1
        """How many are left of what was started; negative while the guard has not said so."""
        self._closed = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def begin(self, request: Mapping[str, Any]) -> None:
        """Tell the guard what to start; gives back without waiting for it."""
        self._mark = str(request.get("private") or "")
        reader, self._writer = await asyncio.open_connection(sock=self._ours)
        self._listening = asyncio.create_task(self._listen(reader))
        self._say(request)

    def interrupt(self) -> None:
        """Send what Ctrl-C sends to the process and to its group."""
        self._say("interrupt")

    async def end(self) -> None:
        """Kill the process and all that it started. Never raises for one that is gone."""
        self._say("end")
        if self._guard_pid and not self._closed.is_set():
            with contextlib.suppress(OSError):
                os.kill(self._guard_pid, signal.SIGCONT)  # a cell may have stopped it
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), _END_SECONDS)
        if self._writer is not None:
            self._writer.close()
        if self._listening is not None:
            self._listening.cancel()
        if self._guard is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._guard.wait(1.0)  # it has closed its socket as the last thing that it does
        if self._left < 0 and self._mark:
            await asyncio.to_thread(guard.kill_marked, self._mark)

    def _say(self, what: object) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(json.dumps(what).encode() + b"\n")

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._hear(json.loads(line))
        except (OSError, ValueError):
            pass  # the guard was killed: nothing more will be heard
        finally:
            self._gone()
            self._closed.set()

    def _hear(self, what: Mapping[str, Any]) -> None:
        self.pid = what.get("pid", self.pid)
        self._guard_pid = what.get("guard", self._guard_pid)
        self._left = what.get("left", self._left)
        if what.get("ready") and not self.started.done():
            self.started.set_result(True)
        if "status" in what:
            self.status = what["status"]
            self._gone()

    def _gone(self) -> None:
        if not self.started.done():
            self.started.set_result(False)
        if not self.ended.done():
            self.ended.set_result(None)


class Starters:
    """The starters of one build, one for each environment."""

    def __init__(self, variables: Mapping[str, str] = os.environ, *, fork: bool = True, threads: int = 1) -> None:
        """``variables`` are the user's; ``threads`` is what most pages want; without ``fork`` there are no copies."""
        self._variables = variables
        self._fork = fork and variables.get("OCTAVO_FORK", "auto") != "never"
        self._threads = threads
        self._starters: dict[Path, Starter] = {}

    def of(self, environment: Environment, pages: int = _WORTH_A_PARENT) -> Starter:
        """The starter of an environment, which shall start ``pages`` more; when there are enough, it makes a parent."""
        found = self._starters.get(environment.folder)
        if found is None:
            found = Starter(environment, self._variables, fork=self._fork, threads=self._threads)
            self._starters[environment.folder] = found
        found.expect(pages)
        return found

    async def close(self) -> None:
        """End the parents; the kernels were ended before."""
        await asyncio.gather(*(starter.close() for starter in self._starters.values()))
        self._starters.clear()


class Starter:
    """Starts the kernels of one environment."""

    def __init__(
        self,
        environment: Environment,
        variables: Mapping[str, str] = os.environ,
        *,
        fork: bool = True,
        threads: int = 1,
    ) -> None:
        """With ``fork`` kernels are copies, where the environment bears it; most of them want ``threads`` threads."""
        self.environment = environment
        self._variables = variables
        self._threads = threads
        able = hasattr(socket, "send_fds") and Path("/proc/self").exists()
        self._fork = fork and able and not environment.fork
        self._pages = 0
        self._parents: dict[frozenset[tuple[str, str]], asyncio.Task[_Parent | None]] = {}

    def expect(self, pages: int) -> None:
        """Be told of more pages; the parent begins to import as soon as it is worth it, before the first of them."""
        self._pages += pages
        if self._fork and self._pages >= _WORTH_A_PARENT:
            self._parent(self._own_variables(Path("/"), self._threads))

    async def ready(self) -> None:
        """Wait until the parent has imported, or has turned out to be of no use: so that no page waits for it."""
        await asyncio.gather(*(asyncio.shield(task) for task in self._parents.values()), return_exceptions=True)

    async def start(self, request: Request) -> Supervised:
        """Start a kernel. Raises ``OSError`` when no process can be started."""
        message = {
            "argv": [
                str(self.environment.python),
                _FORKER,
                "kernel",
                "{ready}",
                str(request.connection),
                *request.arguments,
            ],
            "cwd": str(request.folder),
            "variables": dict(request.variables),
            "log": str(request.log),
            "private": str(request.private),
            "build": os.getpid(),
        }
        if self._fork and self._pages >= _WORTH_A_PARENT:
            task = self._parent(request.variables)
            parent = await asyncio.shield(task) if task is not None else None
            if parent is not None and (copy := await parent.copy(message)) is not None:
                return copy
        return await start_guarded(self.environment.python, message)

    async def close(self) -> None:
        """End the parents."""
        tasks = list(self._parents.values())
        self._parents.clear()
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, _Parent):
                await result.close()

    def _parent(self, variables: Mapping[str, str]) -> asyncio.Task[_Parent | None] | None:
        """The parent that a kernel with these variables may be a copy of, begun if need be."""
        key = frozenset((name, value) for name, value in variables.items() if name not in _OF_ONE_KERNEL)
        if key not in self._parents:
            if len(self._parents) >= _MOST_PARENTS:
                return None
            self._parents[key] = asyncio.create_task(self._make_parent(dict(key)))
        return self._parents[key]

    def _own_variables(self, private: Path, threads: int) -> dict[str, str]:
        return kernel_variables(
            self._variables,
            environment=self.environment.folder,
            private=private,
            threads=threads,
            numpy_features=self.environment.numpy_features,
        )

    async def _make_parent(self, variables: dict[str, str]) -> _Parent | None:
        """Start a parent and wait until it has imported; None where its kernels are better started anew."""
        try:
            parent = await _Parent.start(self.environment, self._own_variables, variables)
        except OSError:
            return None
        if parent.problem is None:
            return parent
        await parent.close()
        if parent.problem and parent.lasting:
            with contextlib.suppress(OSError):
                environments.note_fork(self.environment, parent.problem)
        return None


class _Parent:
    """The process that kernels are copies of."""

    problem: str | None
    """None: it can be copied. Otherwise why not; empty where it ended without a word."""
    lasting = False
    """The problem is the framework's, and not that this machine lacks something now."""

    def __init__(self, process: Supervised, ours: socket.socket, private: Path) -> None:
        self._process = process
        self._ours = ours
        self._private = private
        self.problem = ""

    @classmethod
    async def start(cls, environment: Environment, fill: Any, variables: Mapping[str, str]) -> _Parent:
        """Start it, and wait until it says what it can do; cancelling ends it."""
        private = private_folder()
        ours, theirs = socket.socketpair()
        try:
            prepare(private)
            own = {name: value for name, value in fill(private, 1).items() if name in _OF_ONE_KERNEL}
            message = {
                "argv": [
                    str(environment.python),
                    _FORKER,
                    "parent",
                    str(theirs.fileno()),
                    _GUARD,
                    str(private / "log"),
                    *environment.imports,
                ],
                "cwd": str(private),
                "variables": {**variables, **own},
                "log": str(private / "log"),
                "private": str(private),
                "build": os.getpid(),
                "patience": _PATIENCE,
            }
            process = await start_guarded(environment.python, message, theirs)
            import octavo.execute.kernels.client  # noqa: F401 - half a second that the first page need not wait for
        except BaseException:
            ours.close()
            shutil.rmtree(private, ignore_errors=True)
            raise
        finally:
            theirs.close()
        parent = cls(process, ours, private)
        try:
            ours.setblocking(False)
            line = b""
            loop = asyncio.get_running_loop()
            while not line.endswith(b"\n") and (data := await loop.sock_recv(ours, 4096)):
                line += data
            if line.endswith(b"\n"):
                told = json.loads(line)
                parent.problem, parent.lasting = told["fork"] or None, told["lasting"]
        except (OSError, ValueError, KeyError, TypeError):
            pass
        except BaseException:
            await asyncio.shield(parent.close())
            raise
        return parent

    async def copy(self, message: Mapping[str, Any]) -> Supervised | None:
        """A kernel; None when this process is gone."""
        if self._process.ended.done():
            return None
        ours, theirs = socket.socketpair()
        try:
            socket.send_fds(self._ours, [b"k"], [theirs.fileno()])
        except OSError:
            ours.close()
            return None
        finally:
            theirs.close()
        copy = Supervised(ours)
        await copy.begin(message)
        return copy

    async def close(self) -> None:
        """End it."""
        await self._process.end()
        self._ours.close()
        shutil.rmtree(self._private, ignore_errors=True)


async def start_guarded(python: Path, message: Mapping[str, Any], *more: socket.socket) -> Supervised:
    """Start a program below a guard of its own; the sockets ``more`` are handed to it under the same numbers."""
    ours, theirs = socket.socketpair()
    passed = [theirs.fileno(), *(end.fileno() for end in more)]
    try:
        guard = subprocess.Popen(
            [str(python), "-I", "-S", _GUARD, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=passed,
            start_new_session=True,
        )
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    process = Supervised(ours, guard)
    await process.begin(message)
    return process


def private_folder() -> Path:
    """A new folder whose path is short enough for sockets; the caller removes it, or a guard."""
    base = tempfile.gettempdir()
    if len(os.fsencode(base)) + len("/octavo-12345678/k-12345") > _LONGEST_SOCKET:
        base = "/tmp"  # the only folder that is short everywhere
    return Path(tempfile.mkdtemp(prefix="octavo-", dir=base)).resolve()
