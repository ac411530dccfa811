"""A program that is watched while it runs: what it prints is seen at once, and nothing of it is left when it ends."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event

SILENCE = 120.0
"""For how many seconds a program may print nothing before it is taken to hang."""
LONGEST = 256_000_000
"""How many bytes it may print before it is taken to repeat itself for ever."""
_GLANCE = 0.2
"""How often, in seconds, it is asked whether the build goes on."""
_PATIENCE = 5.0
"""For how many seconds a program that was interrupted may write its log."""


class CancelledError(Exception):
    """The build was given up while a program ran."""


class StuckError(Exception):
    """A program would not have come to its end; the text says why."""


def run(
    argv: Sequence[str],
    folder: Path,
    variables: Mapping[str, str],
    on_text: Callable[[str], None],
    stop: Event,
    *,
    silence: float = SILENCE,
) -> int:
    """Run a program in ``folder`` to its end, and give its exit code.

    All that it prints goes to ``on_text``, piece by piece; what that raises ends the program. Raises ``OSError`` when
    it cannot be started, :class:`CancelledError` once ``stop`` is set, :class:`StuckError` when it hangs.
    """
    process = subprocess.Popen(
        argv,
        cwd=folder,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # so that it ends with all that it has started
    )
    assert process.stdout is not None
    try:
        _read(process.stdout.fileno(), on_text, stop, silence)
        return process.wait()
    except StuckError:
        _interrupt(process)
        raise
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
        process.wait()


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ask a program to end as from the keyboard: TeX then says in its log where it is."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE)


def _read(pipe: int, on_text: Callable[[str], None], stop: Event, silence: float) -> None:
    """Hand on what comes out of a pipe until its end."""
    heard, total = time.monotonic(), 0
    while True:
        ready, _, _ = select.select([pipe], [], [], _GLANCE)
        if stop.is_set():
            raise CancelledError
        if ready:
            piece = os.read(pipe, 65_536)
            if not piece:
                return
            heard, total = time.monotonic(), total + len(piece)
            if total > LONGEST:
                raise StuckError(f"it printed more than {LONGEST // 1_000_000} MB")
            on_text(piece.decode("utf-8", "replace"))
        elif time.monotonic() - heard > silence:
            raise StuckError(f"nothing came out of it for {silence:g} s")
