"""The command line for tests, without paying for Python's and octavo's imports at each command.

Tests run octavo some thousand times. A server that has imported all of it is started once for each process of tests; a
command is a copy of that server, which from there on is a process like any other: its own arguments, variables, working
folder and output, and its end. What only a new interpreter can know (its locale, its time zone, the seed of its hashes)
is given to one: see :func:`run`.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

OF_THE_INTERPRETER = ("PYTHON", "LC_", "LANG", "TZ", "MALLOC_", "LD_")
"""What a variable's name begins with that is read when an interpreter starts."""


def run(
    *arguments: str | Path,
    variables: Mapping[str, str] | None = None,
    anew: bool = False,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end, as ``python -m octavo ARGUMENTS``.

    Args:
        arguments: what follows the program's name.
        variables: all that stands in its environment; None for those of the tests.
        anew: whether in an interpreter of its own. So it is, too, where a variable says how an interpreter is to start.
        timeout: after how many seconds it is killed, and :class:`subprocess.TimeoutExpired` raised.
    """
    words = [str(argument) for argument in arguments]
    environment = dict(os.environ if variables is None else variables)
    if anew or not hasattr(os, "fork") or _to_start(environment) != _to_start(os.environ):
        return subprocess.run(
            [sys.executable, "-m", "octavo", *words],
            capture_output=True,
            text=True,
            env=environment,
            timeout=timeout,
            check=False,
        )
    return _Server.of_this_thread().run(words, environment, timeout)


def _to_start(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name.startswith(OF_THE_INTERPRETER)}


class _Server:
    """The process whose copies commands are."""

    _of_threads = threading.local()
    """Each thread's own: a server does one command after the other."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            # without a buffer: what has come is what select sees
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        atexit.register(self._end)

    @classmethod
    def of_this_thread(cls) -> _Server:
        running: _Server | None = getattr(cls._of_threads, "server", None)
        if running is None or running._owner != os.getpid() or running._process.poll() is not None:
            running = cls._of_threads.server = cls()
        return running

    def run(
        self, words: list[str], environment: dict[str, str], timeout: float | None
    ) -> subprocess.CompletedProcess[str]:
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
            child = self._ask(
                {
                    "arguments": words,
                    "environment": environment,
                    "folder": str(Path.cwd()),
                    "out": out.name,
                    "err": err.name,
                }
            )
            code = self._wait(child, timeout, words)
            return subprocess.CompletedProcess(words, code, _text(out.file), _text(err.file))

    def _ask(self, request: dict[str, Any]) -> int:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        return int(self._process.stdout.readline())

    def _wait(self, child: int, timeout: float | None, words: list[str]) -> int:
        assert self._process.stdout
        ended, _, _ = select.select([self._process.stdout], [], [], timeout)
        if not ended:
            os.kill(child, signal.SIGKILL)
        code = int(self._process.stdout.readline())
        if not ended:
            raise subprocess.TimeoutExpired(words, timeout or 0)
        return code

    def _end(self) -> None:
        if self._owner == os.getpid():
            assert self._process.stdin
            self._process.stdin.close()
            self._process.wait()


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode().replace("\r\n", "\n")


# -- the server's side


def serve() -> None:
    """Answer each request, a line of JSON, with the number of the process that does it, and then how it ended."""
    _import_everything()
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            answers.close()
            _become(json.loads(line))
        print(child, file=answers, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


def _import_everything() -> None:
    import gc
    import importlib
    import pkgutil

    import octavo

    for module in pkgutil.walk_packages(octavo.__path__, "octavo."):
        if not module.name.startswith(("octavo.edit.jupyter", "octavo.__main__")):
            importlib.import_module(module.name)
    gc.freeze()  # copies leave these pages of memory alone


def _become(request: dict[str, Any]) -> NoReturn:
    """Be the process that was asked for."""
    import random
    import runpy

    import octavo

    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    nowhere = os.open(os.devnull, os.O_RDONLY)
    out, err = (os.open(request[name], os.O_WRONLY | os.O_APPEND) for name in ("out", "err"))
    for number, stream in enumerate((nowhere, out, err)):
        os.dup2(stream, number)
        os.close(stream)
    random.seed()
    sys.argv = [str(Path(octavo.__file__).with_name("__main__.py")), *request["arguments"]]
    if not sys.flags.safe_path:
        sys.path.insert(0, str(Path.cwd()))
    code: object = 1
    try:
        runpy.run_module("octavo", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        if isinstance(code, str):
            sys.stderr.write(f"{code}\n")
        atexit._run_exitfuncs()
        sys.stdout.flush()
        # an interpreter that takes itself apart would write to all that this process shares with the server
        os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    serve()
