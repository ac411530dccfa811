"""Jobs that start at once: a process that has everything imported, and copies itself for each.

The original is forked off before anything else happens, so that it has one thread and no event loop. While the first
job is done by a copy, it rehearses, which brings what all jobs need into memory; what further modules a job had to
import it is told afterwards.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pickle
import signal
import socket
import struct
import threading
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

_LENGTH = struct.Struct("!Q")
"""What goes before each pickled message: how many bytes it has."""

Send = Callable[[object], None]
"""Hands something to the process that asked for the job."""
Work = Callable[[Any, Send], None]
"""Does a job, in a copy."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What a job sends that ended as no job should."""

    message: str
    traceback: str


def packed(message: object) -> bytes:
    """A message as it goes over a socket."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


def length(head: bytes) -> int:
    """How many bytes follow a head of :data:`HEAD` bytes."""
    return int(_LENGTH.unpack(head)[0])


HEAD = _LENGTH.size


class Original:
    """The process that is copied. It ends with the one that made it, and so do the copies."""

    def __init__(self, work: Work, rehearse: Callable[[], None]) -> None:
        """Fork it off; ``work`` does each job."""
        self._ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if not self.pid:
            try:
                self._ours.close()
                _be_original(theirs, work, rehearse)
            finally:
                os._exit(0)  # nothing of what was copied is to be cleaned up
        theirs.close()

    def begin(self, job: object) -> socket.socket:
        """Begin a job. It sends messages until it ends; when the socket is shut for writing, it is interrupted."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._tell(job, theirs)
        return ours

    def learn(self, modules: Iterable[str]) -> None:
        """Let what a job had to import be there for the next."""
        self._tell(tuple(modules))

    def close(self) -> None:
        """End it, and wait for that."""
        self._ours.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def _tell(self, message: object, handle: socket.socket | None = None) -> None:
        data = packed((message, handle is not None))
        try:
            sent = socket.send_fds(self._ours, [data[:HEAD]], [handle.fileno()] if handle is not None else [])
            self._ours.sendall(data[sent:])
        except ConnectionError:  # a system that is short of memory may end any process
            raise ChildProcessError("something has ended the process that builds; start octavo serve again") from None


def _be_original(ears: socket.socket, work: Work, rehearse: Callable[[], None]) -> None:
    """Copy this process for each job that is asked for, until nobody can ask any more."""
    os.setsid()  # an interrupt from the terminal is for the process that knows what is to be ended
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for copies: their sockets tell of their end
    rehearsed = False
    while True:
        head, handles, _, _ = socket.recv_fds(ears, HEAD, 1)
        if not head:
            return
        head += _received(ears, HEAD - len(head))
        message, is_job = pickle.loads(_received(ears, length(head)))
        if not is_job:
            _import(message)
            continue
        with socket.socket(fileno=handles[0]) as mouth:
            if os.fork() == 0:
                try:
                    ears.close()
                    _be_copy(message, mouth, work)
                finally:
                    os._exit(0)
        if not rehearsed:
            rehearsed = True
            with contextlib.suppress(Exception):  # it is the jobs that tell what is wrong
                rehearse()
            _settle()


def _received(ears: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = ears.recv(size - len(data))
        if not part:
            os._exit(0)
        data += part
    return data


def _import(modules: Iterable[str]) -> None:
    """Import what is new. A module that cannot be imported here will be told of where it is needed."""
    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    _settle()


def _settle() -> None:
    """What is in memory stays: no copy looks through it for what may go."""
    gc.collect()
    gc.freeze()


def _be_copy(job: object, mouth: socket.socket, work: Work) -> None:
    """Do one job; an interrupt ends it with everything that it has started."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sending = threading.Lock()

    def send(message: object) -> None:
        with sending:
            mouth.sendall(packed(message))

    def listen() -> None:
        with contextlib.suppress(OSError):
            mouth.recv(1)
        os.killpg(0, signal.SIGINT)

    try:
        threading.Thread(target=listen, daemon=True).start()
        work(job, send)
    except (KeyboardInterrupt, BrokenPipeError):
        pass
    except BaseException as fault:
        send(Fault(f"{type(fault).__name__}: {' '.join(str(fault).split()) or 'no message'}", traceback.format_exc()))
