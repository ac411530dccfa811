"""A program: it starts one process, watches it, and leaves nothing of it behind.

A kernel's code may start whatever it likes: children, children of these, daemons in sessions of their own. What a build
starts therefore stands below a guard, one for each kernel. A guard is a *subreaper*: whoever loses its parent below it
becomes its child, so that it can find and kill everything. It ends when the build says so, and just as well when the
build is gone, even by SIGKILL: then it also removes the folder that the build would have removed.

It runs in an interpreter of its own (``python -I -S guard.py …``), or as a copy of the process of
:mod:`~octavo.execute.kernels.forker`; it uses the standard library alone and starts in 20 ms.
What it says and hears is a line of JSON each, over a socket:

heard
    first ``{"argv", "cwd", "variables", "log", "private", "build", "patience"}``, what to start, the process that
    builds, and for how many seconds other guards below may end by themselves; then ``"interrupt"`` or ``"end"``
said
    ``{"pid": 1, "guard": 2}`` it was started; ``{"ready": true}`` it said so itself; ``{"status": 9}`` it ended, as
    ``waitpid`` tells; ``{"left": 0}`` nothing is left, after which the guard closes the socket. A guard that closes it
    without that word was killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import time

TYPE_CHECKING = False  # what `typing` would say; importing it takes as long as all the rest
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_STUBBORN_SECONDS = 60.0
"""How long a process that does not die, such as one that waits for a broken disk, is waited for."""
_LONGEST_REQUEST = 16_000_000
"""Bytes."""


def supervise(control: socket.socket, start: Callable[[dict[str, Any], int], None] | None = None) -> NoReturn:
    """Be the guard of one process, to its end.

    ``start`` makes the new process what it shall be, in that process, and gets the request and a descriptor to which
    it writes when it is ready; without it the program that the request names is executed.
    """
    request = _request(control)
    if request is None:
        os._exit(0)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    wake, waker = os.pipe()
    ready, readier = os.pipe()
    for descriptor in (wake, waker):
        os.set_blocking(descriptor, False)
    signal.signal(signal.SIGCHLD, _nothing)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    own = os.getpid()
    child = os.fork()
    if child == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in (wake, waker, ready, control.detach()):
            os.close(descriptor)
        _become(request, readier, start or _execute, own)
    os.close(readier)
    _Guard(control, child, request, wake, ready).watch()
    os._exit(0)


class _Guard:
    """What a guard knows of the process that it watches."""

    def __init__(self, control: socket.socket, child: int, request: dict[str, Any], wake: int, ready: int) -> None:
        self.control = control
        self.child = child
        self.ended = False
        self.wake = wake
        self.ready = ready
        self.private = str(request.get("private") or "")
        self.patience = float(request.get("patience") or 0)
        self.build = _watch(request.get("build"))
        self.heard = b""
        self.gone = False
        self.say(pid=child, guard=os.getpid())

    def watch(self) -> None:
        """Wait for orders and for the process's end; gives back when nothing is left of it."""
        poll = select.poll()
        for descriptor in (self.control.fileno(), self.wake, self.ready, self.build):
            if descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
        orders = True
        while orders:
            for descriptor, _ in poll.poll():
                if descriptor == self.wake:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self.wake, 1000)
                    self.reap()
                elif descriptor == self.ready:
                    poll.unregister(self.ready)
                    if os.read(self.ready, 1):
                        self.say(ready=True)
                elif descriptor == self.build:
                    self.gone, orders = True, False
                else:
                    orders = self.listen() and orders
        self.end()

    def end(self) -> None:
        """Kill what is left, and remove the private folder if the build does not."""
        group = 0 if self.ended else self.child
        if group and self.patience:  # below it are guards, which have folders of their own to remove
            os.kill(group, signal.SIGKILL)
            deadline = time.monotonic() + self.patience
            while reaped() or (descendants() and time.monotonic() < deadline):
                time.sleep(0.005)
            group = 0
        kill_descendants(group)
        if self.private and self.gone:
            shutil.rmtree(self.private, ignore_errors=True)
        self.say(left=len(descendants()))

    def listen(self) -> bool:
        """Take orders; gives whether to stay."""
        try:
            data = self.control.recv(4096)
        except OSError:
            data = b""
        if not data:
            self.gone = True
            return False
        *lines, self.heard = (self.heard + data).split(b"\n")
        if b'"interrupt"' in lines and not self.ended:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.child, signal.SIGINT)
        return b'"end"' not in lines

    def reap(self) -> None:
        """Take note of those that have ended; of a process that has, nothing may stay."""
        for pid, status in reaped():
            if pid == self.child:
                self.ended = True
                self.say(status=status)
                kill_descendants(0)

    def say(self, **what: object) -> None:
        with contextlib.suppress(OSError):
            self.control.sendall(json.dumps(what).encode() + b"\n")


def reaped() -> list[tuple[int, int]]:
    """Processes below this one that have ended since the last call, and how."""
    found = []
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            found.append((pid, status))
    return found


def kill_descendants(group: int) -> None:
    """Kill all that stand below this process until nobody is left; ``group`` is a process group to begin with.

    Who is not found in one round, having been started meanwhile, is found in the next: whose parent is dead is a child
    of this process. Whole groups are killed, since nobody can start another while a group is signalled.
    """
    own = os.getpgid(0)
    deadline = time.monotonic() + _STUBBORN_SECONDS
    pause = 0.001
    while True:
        groups = {group} if group > 0 else set()
        pids = descendants()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                groups.add(os.getpgid(pid))
        for number in groups - {own, 0}:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(number, signal.SIGKILL)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        reaped()
        group = 0
        if not descendants() or time.monotonic() > deadline:
            return
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def descendants() -> list[int]:
    """Everybody below this process, parents before children; on systems without ``/proc`` nobody is known."""
    if not os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
        return _descendants_by_parents()
    found, todo = [], [os.getpid()]
    while todo:
        pid = todo.pop(0)
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):
                with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children") as file:
                    todo += (children := [int(word) for word in file.read().split()])
                    found += children
    return found


def _descendants_by_parents() -> list[int]:
    """The same from everybody's parent, for kernels of Linux that do not list children."""
    below: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat") as file:
                below.setdefault(int(file.read().rpartition(")")[2].split()[1]), []).append(int(name))
    found, todo = [], [os.getpid()]
    while todo:
        children = below.get(todo.pop(0), [])
        found += children
        todo += children
    return found


def _request(control: socket.socket) -> dict[str, Any] | None:
    """The first line: what to start; None when there is nobody any more who asks."""
    heard = b""
    while not heard.endswith(b"\n"):
        data = control.recv(1 << 16)
        if not data or len(heard) > _LONGEST_REQUEST:
            return None
        heard += data
    request: dict[str, Any] = json.loads(heard)
    return request


def kill_marked(mark: str) -> None:
    """Kill everybody whose environment variables hold a text, until nobody is left: for those whose guard was killed.

    Nothing but its variables then tells whom a process comes from.
    """
    deadline = time.monotonic() + _STUBBORN_SECONDS
    while (pids := _marked(os.fsencode(mark))) and time.monotonic() < deadline:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _marked(mark: bytes) -> list[int]:
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit() and int(name) != os.getpid():
            with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:
                if mark in file.read():  # of one that waits to be reaped nothing can be read
                    found.append(int(name))
    return found


def _become(request: dict[str, Any], ready: int, start: Callable[[dict[str, Any], int], None], guard: int) -> NoReturn:
    """In the new process: a session, a folder and files of its own; then be what was asked for."""
    try:
        os.setsid()
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:  # it was killed before that
            os._exit(1)
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")  # where memory runs out, a kernel goes before the build
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, number in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(descriptor, number)
        os.close(log)
        os.close(nothing)
        os.chdir(request["cwd"])
        start(request, ready)
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1 if end.code else 0)
    except BaseException as problem:
        with contextlib.suppress(OSError):
            os.write(2, f"{type(problem).__name__}: {problem}\n".encode(errors="replace"))
        os._exit(127)
    os._exit(0)


def _execute(request: dict[str, Any], ready: int) -> None:
    # the number of the descriptor is told where the program expects it
    os.set_inheritable(ready, "{ready}" in request["argv"])
    argv = [str(ready) if word == "{ready}" else word for word in request["argv"]]
    os.execve(argv[0], argv, request["variables"])


def _watch(pid: object) -> int:
    """A descriptor that can be read when a process has ended; -1 where the system has none."""
    if isinstance(pid, int) and hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            return os.pidfd_open(pid)
    return -1


def _prctl(option: int, value: int) -> None:
    """Ask the Linux kernel for something; elsewhere nothing happens."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _nothing(*_: object) -> None:
    """Handle a signal: it has woken the loop, which is all that is wanted."""


def _run(control: int, build: int, argv: list[str]) -> NoReturn:
    """Run a program with this process's own files; end it with all that it started when the build is gone."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, _nothing)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    own = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(control)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != own:
            os._exit(1)
        try:
            os.execvpe(argv[0], argv, os.environ)
        except OSError as problem:
            os.write(2, f"{argv[0]}: {problem.strerror}\n".encode())
        os._exit(127)
    watched = [descriptor for descriptor in (control, _watch(build), wake) if descriptor >= 0]
    while True:
        if [descriptor for descriptor in select.select(watched, [], [])[0] if descriptor != wake]:
            kill_descendants(0)
            os._exit(1)
        os.read(wake, 1000)
        for pid, status in reaped():
            if pid == child:
                kill_descendants(0)
                os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


if __name__ == "__main__":
    if sys.argv[1] == "run":
        _run(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
    supervise(socket.socket(fileno=int(sys.argv[1])))
