"""A program of a framework's own interpreter: it becomes a kernel, or the process that kernels are copies of.

``python forker.py kernel READY CONNECTION_FILE ARGUMENT…`` is ipykernel's launcher, but for two things: it writes a
byte to the descriptor READY when it listens, and it throws no message away (by default a kernel that prints faster than
its messages are fetched drops what is beyond the thousandth, the one that says that the cell has ended too).

``python forker.py parent CONTROL GUARD LOG MODULE…`` imports the modules once and is then forked for each kernel:
a page begins with its framework imported. Whatever can tell a copy from a kernel that was started anew is put right in
:func:`_fresh`. Where a copy would not be sound, the parent says why and ends. It leans on the standard library,
ipykernel, and :mod:`~octavo.execute.kernels.guard`, which it loads from the file GUARD.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import itertools
import json
import logging
import os
import select
import signal
import socket
import sys
import threading
import time
import warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, NoReturn

_TRIAL_SECONDS = 30.0
"""How long a copy may take to show that it works."""
_LACKING = 3
"""Exit code of a copy that the system has refused something."""
_PLOTTING = ("matplotlib.pyplot", "matplotlib_inline.backend_inline", "matplotlib.backends.backend_svg")
_HOOKING = ("matplotlib.pyplot", "matplotlib_inline.backend_inline")
"""Modules that take hold of the running IPython when they are imported, which only a kernel has."""
_HARMLESS = ("/dev/null", "/dev/urandom", "/dev/random", "pipe:", "socket:", "anon_inode:", "/dev/shm")


def kernel(ready: int, connection_file: str, arguments: list[str]) -> None:
    """Be a kernel until it is ended."""
    import ipykernel_launcher
    import zmq

    with _no_debugger():
        from ipykernel.kernelapp import IPKernelApp

    sys.argv = [str(ipykernel_launcher.__file__), "-f", connection_file, *arguments]
    init_iopub = IPKernelApp.init_iopub

    def without_limit(self: Any, context: Any) -> None:
        context.setsockopt(zmq.SNDHWM, 0)
        init_iopub(self, context)

    IPKernelApp.init_iopub = without_limit
    try:
        app = IPKernelApp.instance()
        with _no_debugger():
            app.initialize(sys.argv[1:])
    finally:
        IPKernelApp.init_iopub = init_iopub
    _after_start()
    os.write(ready, b".")
    os.close(ready)
    app.start()


@contextlib.contextmanager
def _no_debugger() -> Iterator[None]:
    """Let ipykernel believe that there is no debugger: nobody debugs a build, and it is half of what a kernel loads.

    A cell can import it all the same.
    """
    hidden = "debugpy" not in sys.modules
    if hidden:
        sys.modules["debugpy"] = None  # type: ignore[assignment]  # what makes an import fail
    try:
        yield
    finally:
        if hidden:
            sys.modules.pop("debugpy", None)


# -- the parent of kernels


class _Before:
    """What a process that imports leaves lying about, and where it has to point in a kernel."""

    filters: tuple[list[Any], list[Any]] = ([], [])
    """The filters of warnings before and after the framework was imported."""
    streams: tuple[Any, Any] = (None, None)
    """Standard output and error of the parent, which handlers of log messages may have kept."""
    variables: Mapping[str, str] = {}
    """Environment variables that the modules have set."""
    chance = False
    """What went wrong may go well another time: this machine lacked something, such as memory or open files."""
    threads = 0
    """Threads that the modules have made but not started, by which the names of later ones count on."""


def parent(control: socket.socket, guard_file: str, log: str, modules: list[str]) -> NoReturn:
    """Import, say whether kernels can be copies of this process, and make one for each socket that arrives."""
    gc.disable()  # a sixth of what importing a framework takes is looking for garbage, of which it makes little
    guard = _load(guard_file)
    variables = dict(os.environ)
    problem = _import(modules)
    gc.freeze()  # what is never looked at is never copied
    _Before.streams = sys.stdout, sys.stderr
    sys.stdout.flush()
    sys.stderr.flush()
    problem = problem or _threads() or _unsound(log) or _rehearse(os.path.dirname(log)) or _unsound(log)
    _Before.threads = _number() - 1
    _Before.variables = {name: value for name, value in os.environ.items() if variables.get(name) != value}
    control.sendall(json.dumps({"fork": problem, "lasting": not _Before.chance}).encode() + b"\n")
    if not problem:
        gc.freeze()
        gc.enable()
        _serve(control, guard)
    os._exit(0)


def _serve(control: socket.socket, guard: Any) -> None:
    """Make a guard, which makes a kernel, for each socket; until the build closes its end."""
    signal.signal(signal.SIGCHLD, lambda *_: guard.reaped())
    while True:
        try:
            data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        except OSError:
            return
        if not data:
            return
        for number in descriptors:
            if os.fork() == 0:
                try:
                    control.close()
                    os.setsid()
                    guard.supervise(socket.socket(fileno=number), _copy)
                finally:
                    os._exit(1)
            os.close(number)


def _import(modules: list[str]) -> str:
    """Import the framework, ipykernel and what plots; gives why that failed."""
    try:
        with _no_debugger():
            for name in ("ipykernel_launcher", "ipykernel.kernelapp", "ipykernel.ipkernel"):
                importlib.import_module(name)
        filters = list(warnings.filters)
        for name in modules:
            importlib.import_module(name)
        for name in _PLOTTING:
            try:
                importlib.import_module(name)
            except ModuleNotFoundError:
                break
    except BaseException as problem:
        # whatever is there could be imported when the environment was made
        _Before.chance = not isinstance(problem, ModuleNotFoundError)
        return f"{name} cannot be imported: {type(problem).__name__}"
    _Before.filters = filters, list(warnings.filters)
    for name in _HOOKING:
        if sys.modules.pop(name, None) is not None:
            package, _, module = name.rpartition(".")
            delattr(sys.modules[package], module)
    return ""


def _unsound(log: str) -> str:
    """Why copies of this process would not be what a new process is; empty if they would."""
    if os.path.getsize(log):
        return "importing it prints something, which its pages shall show"
    for number in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        with contextlib.suppress(OSError):
            path = os.readlink(f"/proc/self/fd/{number}")
            if path.startswith("/dev/") and not path.startswith(_HARMLESS):
                return f"importing it opens {path}, which copies of the process would share"
    return ""


def _threads() -> str:
    """Why threads forbid a copy, which would lack them.

    Those that appear when a process is copied look after themselves: MXNet ends its threads before, and begins anew.
    """
    try:
        number = len(os.listdir("/proc/self/task"))
    except OSError:
        number = threading.active_count()
    return "importing it starts threads, which a copy of the process lacks" if number > 1 else ""


def _rehearse(folder: str) -> str:
    """Let a copy begin to be a kernel, and import what it had to import; gives why copies do not work.

    A kernel loads some modules more when it starts: half of the time that it takes.
    """
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(out)
            os.write(into, " ".join(_rehearsal(folder)).encode())
            os._exit(0)
        except BaseException as problem:
            os._exit(_LACKING if isinstance(problem, MemoryError) or getattr(problem, "errno", None) else 1)
    os.close(into)
    heard = b""
    deadline = time.monotonic() + _TRIAL_SECONDS
    while time.monotonic() < deadline:
        if select.select([out], [], [], 0.1)[0]:
            data = os.read(out, 1 << 16)
            heard += data
            if not data:
                break
    else:
        os.kill(pid, signal.SIGKILL)
    os.close(out)
    _, status = os.waitpid(pid, 0)
    if status:
        _Before.chance = os.waitstatus_to_exitcode(status) in (_LACKING, -signal.SIGKILL)
        return "a copy of the process that has imported it does not work"
    with _no_debugger():
        for name in heard.decode().split():
            if name not in _HOOKING:
                with contextlib.suppress(Exception):  # a kernel that lacks it imports it itself
                    importlib.import_module(name)
    return ""


def _rehearsal(folder: str) -> list[str]:
    """Be a kernel for a moment, with a thread and a cell that is run; gives the modules that it imported."""
    gc.enable()
    before = set(sys.modules)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):  # it tells how to connect to it
        os.dup2(nothing, number)
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    address = ["--transport=ipc", f"--ip={folder}/r"]
    with _no_debugger():
        app.initialize(["-f", f"{folder}/rehearsal.json", *address, "--HistoryManager.hist_file=:memory:"])
    names = [name for name in sys.modules if name not in before]
    thread = threading.Thread(target=gc.collect)
    thread.start()
    thread.join()
    if not app.shell.run_cell("_ = 1 + 1").success:
        raise RuntimeError("a cell cannot be run")
    return [name for name in names if getattr(sys.modules[name], "__spec__", None) is not None]


def _load(path: str) -> Any:
    """The module in a file, without a package around it."""
    spec = importlib.util.spec_from_file_location("guard", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- a copy of the parent that becomes a kernel


def _copy(request: dict[str, Any], ready: int) -> None:
    _fresh(request["variables"])
    kernel(ready, *_kernel_words(request["argv"]))


def _kernel_words(argv: list[str]) -> tuple[str, list[str]]:
    """Connection file and arguments, from the words that would start a kernel anew."""
    start = argv.index("{ready}")
    return argv[start + 1], argv[start + 2 :]


def _fresh(variables: dict[str, str]) -> None:
    """Make this copy what a new process with these variables would be."""
    os.environ.clear()
    os.environ.update({**variables, **_Before.variables})
    if hasattr(time, "tzset"):
        time.tzset()
    # a new process has these folders first
    sys.path[:0] = [folder for folder in variables.get("PYTHONPATH", "").split(os.pathsep) if folder]
    importlib.invalidate_caches()
    if hasattr(threading, "_counter"):
        threading._counter = itertools.count(1).__next__
    if "tempfile" in sys.modules:
        setattr(sys.modules["tempfile"], "tempdir", None)  # noqa: B010 - mypy knows no module's attributes
    # `random` sees to itself; TensorFlow and Keras take seeds when they are first asked, JAX and MXNet have fixed ones
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.seed()
    if "jax" in sys.modules:  # the one variable of a lease that is read when a framework is imported
        sys.modules["jax"].config.update("jax_platforms", variables.get("JAX_PLATFORMS") or None)


def _after_start() -> None:
    """Once IPython has taken over the streams: point to them what has kept the old ones; order the filters again."""
    for reference in getattr(logging, "_handlerList", ()):
        handler = reference()
        for old, new in zip(_Before.streams, (sys.stdout, sys.stderr), strict=True):
            if old is not None and getattr(handler, "stream", None) is old:
                handler.stream = new
    for _ in range(_Before.threads):
        _number()
    # IPython's filters would have been there first, and those of the framework come before older ones
    before, after = _Before.filters
    added = [entry for entry in after if entry not in before]
    if added:
        filters: Any = warnings.filters
        filters[:] = added + [entry for entry in filters if entry not in added]
        getattr(warnings, "_filters_mutated", getattr(warnings, "_filters_mutated_lock_held", _nothing))()


def _number() -> int:
    """The number in the name of the next thread, which is used up."""
    name = threading.Thread().name
    return int(name.rpartition("-")[2]) if name.rpartition("-")[2].isdigit() else 1


def _nothing() -> None:
    """Stand in for a function that this version of Python lacks."""


if __name__ == "__main__":
    del sys.path[0]  # the folder of this file
    words = sys.argv[1:]
    if words[0] == "kernel":
        kernel(int(words[1]), words[2], words[3:])
    else:
        parent(socket.socket(fileno=int(words[1])), words[2], words[3], words[4:])
