"""Running a program to its end in a thread, so that cancelling the build ends it too; keeping builds apart."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from octavo.execute.kernels import guard


class StoppedError(Exception):
    """The build was cancelled while a program ran or was about to."""


class Stop:
    """A switch that ends what runs in threads. Safe to use from any thread; once set it stays set."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._guard = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()

    def set(self) -> None:
        """End the programs that run, with everything that they started, and let no further one begin."""
        with self._guard:
            self._event.set()
            for process in self._running:
                end_group(process.pid)

    @property
    def is_set(self) -> bool:
        """Whether :meth:`set` was called."""
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        """Wait; raises :class:`StoppedError` as soon as the switch is set."""
        if self._event.wait(seconds):
            raise StoppedError

    def run(
        self, argv: Sequence[str], *, folder: Path, variables: Mapping[str, str], seconds: float | None = None
    ) -> tuple[int, str]:
        """Run a program in ``folder`` to its end; gives its exit code and all that it printed, errors included.

        It is ended after ``seconds``, and when this process is killed. Raises ``OSError`` when it cannot be started,
        :class:`StoppedError` when the build is cancelled.
        """
        with self._guard:
            if self._event.is_set():
                raise StoppedError
            ours, theirs = os.pipe()
            try:
                process = subprocess.Popen(
                    [*_below_guard(ours), *argv],
                    cwd=folder,
                    env=dict(variables),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    encoding="utf-8",
                    errors="replace",
                    start_new_session=True,
                    pass_fds=(ours,),
                )
            except BaseException:
                os.close(theirs)
                raise
            finally:
                os.close(ours)
            self._running.add(process)
        try:
            printed, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            end_group(process.pid)
            printed, _ = process.communicate()
            printed += f"\nended after {seconds:g} s"
        finally:
            if process.poll() is None:  # such as an interrupt in this very thread
                end_group(process.pid)
                process.wait()
            os.close(theirs)
            with self._guard:
                self._running.discard(process)
        if self._event.is_set():
            raise StoppedError
        return process.returncode, printed


def _below_guard(watched: int) -> list[str]:
    """The words before a program that ends it when this process is gone, which is when the pipe is closed."""
    if sys.platform != "linux" or not sys.executable:
        return []
    return [sys.executable, "-I", "-S", guard.__file__, "run", str(watched), str(os.getpid())]


@contextlib.contextmanager
def exclusive(path: Path, when_waiting: Callable[[], None], stop: Stop | None = None) -> Iterator[None]:
    """Hold the lock file ``path``; the system releases it when the process ends, however it ends.

    ``when_waiting`` is called once if another process holds it. Raises ``OSError`` when the file cannot be made, and
    :class:`StoppedError` when ``stop`` is set while waiting.
    """
    stop = stop or Stop()
    with path.open("a") as file:
        told = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    when_waiting()
                    told = True
            stop.wait(0.2)  # flock cannot wait for a lock and for a cancelled build at once
        yield


def end_group(group: int) -> None:
    """Kill every process of a process group; one that is gone is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
