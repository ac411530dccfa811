"""What a worker of a cluster does with a message: fetch the book's files, execute the page, put the run into the store.

Everything is kept below the worker's own cache: environments, made on first use; the book's files, in a folder for each
content that they ever had; and what pages download, which the pages of one book share as they do on one machine.
Carrying a message out twice does no harm, since what it leaves behind has a name that follows from its content.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import itertools
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import octavo
from octavo.diagnostics import Diagnostic
from octavo.execute.backends.message import Answer, Manifest, Message
from octavo.execute.checks import DamagedError
from octavo.execute.freshness.key import digest
from octavo.execute.home import cache_home
from octavo.execute.kernels.kernel import Events, Silent
from octavo.execute.kernels.starter import Starters
from octavo.execute.processes import exclusive
from octavo.execute.results import records
from octavo.execute.results.files import write_whole
from octavo.execute.schedule import run_tasks
from octavo.execute.scratch import working_folder
from octavo.execute.task import Task
from octavo.model import Run

if TYPE_CHECKING:
    from octavo.execute.results.shared import SharedStore

_WHOLE = ".whole"
"""End of the name of the file that says of the folder beside it that all files are there, and when it was last used."""
_KEPT_SECONDS = 7 * 24 * 3600
"""How long the files of an older state of a book are kept after their last use."""


class TroubleError(Exception):
    """Why this worker cannot carry a message out; nothing about the page. The message is a sentence without a stop."""


def version() -> str:
    """The octavo of this process."""
    return octavo.__version__


def perform(message: str, store: str) -> str:
    """Carry out a :class:`Message` with the shared store at an address; gives the text of an :class:`Answer`.

    May be called in any thread, and by many threads at once. Only what is a fault of octavo is raised.
    """
    host = socket.gethostname()
    try:
        task = Message.from_text(message)
    except DamagedError as problem:
        return Answer("", "trouble", text=f"the message is refused: {problem}", host=host).to_text()
    if task.octavo != octavo.__version__:
        text = f"this is octavo {octavo.__version__}, and the pages were planned by {task.octavo}"
        return Answer(task.key, "version", text=text, host=host).to_text()
    try:
        run = _Performance(task, store).run()
    except TroubleError as problem:
        return Answer(task.key, "trouble", text=str(problem), host=host).to_text()
    except OSError as problem:
        what = f"cannot use {problem.filename}: " if isinstance(problem.filename, str) else ""
        text = f"{what}{problem.strerror or problem}"
        return Answer(task.key, "trouble", text=text, host=host).to_text()
    return Answer(task.key, "done", run=run, host=host).to_text()


class _Performance:
    """One message on its way."""

    def __init__(self, message: Message, address: str) -> None:
        self.message = message
        self.cache = cache_home()
        self.store = _store(address)

    def run(self) -> str:
        """Execute the page unless somebody has done so; gives the name of the run's record in the store."""
        message = self.message
        found = None if message.forced else self.store.find(message.key)
        if found is None:
            found = self.execute()
            if found.failure is None:
                # at once and by its key: whoever asked may be gone by now, and shall not have to ask again
                self.store.save(found, forced=message.forced)
        # what was found may be the run of another page with the very same code
        found = replace(found, page=message.edition.page)
        return self.store.put_blob(records.pack(records.run_to_json(found)).encode("utf-8", "surrogatepass"))

    def execute(self) -> Run:
        """Execute the page with the files of its book."""
        message = self.message
        try:
            manifest = Manifest.from_text(self.blob(message.manifest).decode("utf-8", "replace"))
        except DamagedError as problem:
            raise TroubleError(f"the list of the book's files is refused: {problem}") from None
        _check_declared(message.inputs.options, manifest.files, os.environ)
        home = self.cache / "work" / manifest.book
        files = self.files(manifest, home / "files")
        with _own_root(home / "run", message.edition.page, message.edition.tab) as root:
            folder = working_folder(root, message.edition.page, files / manifest.source, manifest.resources)
            task = Task(message.edition, message.inputs, message.key, message.lock, folder, files, message.needs, None)
            try:
                return _engine().execute(task, self.cache, message)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def files(self, manifest: Manifest, home: Path) -> Path:
        """The folder that holds the files of ``manifest``; made when this state of the book is new here."""
        folder = home / hashlib.sha256(manifest.to_text().encode("utf-8")).hexdigest()[:24]
        whole = folder.with_name(folder.name + _WHOLE)
        home.mkdir(parents=True, exist_ok=True)
        with exclusive(home / ".lock", lambda: None):
            if not (whole.is_file() and folder.is_dir()):
                shutil.rmtree(folder, ignore_errors=True)  # a worker was killed here
                folder.mkdir()
                for path, sha in manifest.files.items():
                    target = folder / path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(self.blob(sha))
            whole.touch()
            _forget(home, folder)
        return folder

    def blob(self, sha: str) -> bytes:
        """A blob, from this machine's own copies or from the store."""
        path = self.cache / "blobs" / sha[:2] / sha
        with contextlib.suppress(OSError):
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() == sha:
                return content
        fetched = self.store.get_blob(sha)
        if fetched is None:
            raise TroubleError("a file of the book is not in the shared store; do all machines see the same store?")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, fetched)
        return fetched


def _check_declared(options: Mapping[str, str], files: Mapping[str, str], variables: Mapping[str, str]) -> None:
    """Raise :class:`TroubleError` where what a page declares is something else on this machine."""
    for option, told in options.items():
        kind, _, name = option.partition(" ")
        if kind == "file" and files.get(name) != told:
            raise TroubleError(f"the declared file {name} did not come with the page")
        if kind == "variable":
            value = variables.get(name)
            if value is None or hashlib.sha256(os.fsencode(value)).hexdigest() != told:
                raise TroubleError(f"the declared variable {name} is not the same on this machine")


@contextlib.contextmanager
def _own_root(home: Path, page: str, tab: str) -> Iterator[Path]:
    """The folder that a page's working folder is made in, which nobody else makes the same one in until the block ends.

    A page is on its way twice on one machine where two people build one book, or a scheduler took a worker for dead.
    The second gets another root.
    """
    for number in itertools.count(1):
        root = home / (tab if number == 1 else f"{tab}.{number}")
        root.mkdir(parents=True, exist_ok=True)
        with (root / f".{page.replace('/', '~')}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield root
            return


def _forget(home: Path, folder: Path) -> None:
    """Remove the files of states of the book that nobody used for a week."""
    oldest = time.time() - _KEPT_SECONDS
    for whole in home.glob(f"*{_WHOLE}"):
        other = whole.with_name(whole.name.removesuffix(_WHOLE))
        with contextlib.suppress(OSError):
            if other != folder and whole.stat().st_mtime < oldest:
                whole.unlink()  # first, so that half of a folder is never taken for a whole one
                shutil.rmtree(other, ignore_errors=True)


# -- stopping


def name_of(message: Message) -> str:
    """The name of a task in the cluster: what it is, and which try of which command; pages can have one key."""
    page = digest(f"{message.edition.page} {message.edition.tab}")
    return f"octavo-{message.key[:20]}-{page[:20]}-{message.session}-{message.attempt}"


class _Engine:
    """The event loop that all tasks of this process are executed in, and what they share: the parents of kernels."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.running: dict[str, asyncio.Task[list[Run]]] = {}
        """Name of a task in the cluster → what executes it."""
        self.stopped: set[str] = set()
        """Tasks that were to stop before they had begun."""
        self.starters: dict[bool, Starters] = {}
        self.thread = threading.Thread(target=self.loop.run_forever, name="octavo", daemon=True)
        self.thread.start()

    def execute(self, task: Task, cache: Path, message: Message) -> Run:
        """Execute one task, for a caller in any other thread."""
        events = _listener(message.session)  # asks for Dask's worker, which only its own threads know
        return asyncio.run_coroutine_threadsafe(self._execute(task, cache, message, events), self.loop).result()

    async def _execute(self, task: Task, cache: Path, message: Message, events: Events) -> Run:
        name, starters = name_of(message), self.starters.setdefault(message.fork, Starters(fork=message.fork))
        work = asyncio.ensure_future(run_tasks([task], 1, events, cache=cache, starters=starters))
        self.running[name] = work
        if name in self.stopped:
            work.cancel()
        try:
            (run,) = await work
        except asyncio.CancelledError:
            raise TroubleError("nobody waits for the page any more") from None
        finally:
            self.running.pop(name, None)
            self.stopped.discard(name)
        return run

    def stop(self, name: str) -> None:
        """End the kernel of a task that nobody waits for any more."""
        if name in self.running:
            self.running[name].cancel()
        else:
            self.stopped.add(name)

    async def close(self) -> None:
        """End all kernels and their parents."""
        for work in list(self.running.values()):
            work.cancel()
        await asyncio.gather(*self.running.values(), return_exceptions=True)
        await asyncio.gather(*(starters.close() for starters in self.starters.values()))
        self.starters.clear()


_guard = threading.Lock()
_engines: list[_Engine] = []
"""The one of this process, once there is something to execute."""


def _engine() -> _Engine:
    with _guard:
        if not _engines:
            _engines.append(_Engine())
        return _engines[0]


def stop(name: str) -> None:
    """End the kernel of a task, which may just be about to begin. May be called in any thread."""
    engine = _engine()
    engine.loop.call_soon_threadsafe(engine.stop, name)


def close() -> Future[None] | None:
    """Begin to end everything that this process has started; gives what is done when all of it has ended."""
    with _guard:
        return asyncio.run_coroutine_threadsafe(_engines[0].close(), _engines[0].loop) if _engines else None


# -- the cluster's side


def _store(address: str) -> SharedStore:
    """The shared store, as this machine reaches it. What is wrong with its records is told by whoever reads them."""
    from octavo.execute.results.shared import SharedStore

    told: list[Diagnostic] = []
    store = SharedStore.at(address, told.append)
    if store is None:
        raise TroubleError("; ".join(message.message for message in told) or "the shared store cannot be reached")
    return store


def topic(session: str) -> str:
    """The cluster's topic that the events of one command are told under."""
    return f"octavo-{session}"


def _listener(session: str) -> Events:
    """Events that are told to the cluster; to nobody where this is no worker of one."""
    try:
        import distributed

        worker = distributed.get_worker()
    except (ImportError, ValueError):
        return Silent()
    return _Told(worker.log_event, topic(session))


class _Told(Silent):
    """Tells whoever sent a page how it is getting on. What is told is checked where it arrives."""

    def __init__(self, log: Callable[[str, object], object], name: str) -> None:
        self.log = log
        self.name = name

    def on_environment(self, tab: str, message: str) -> None:
        """An environment is being made here."""
        self.log(self.name, {"what": "environment", "tab": tab, "text": f"{socket.gethostname()}: {message}"})

    def on_start(self, page: str, tab: str, cells: int) -> None:
        """A page begins."""
        self.log(self.name, {"what": "start", "page": page, "tab": tab, "cells": cells})

    def on_cell(self, page: str, tab: str, number: int, cells: int) -> None:
        """A cell begins."""
        self.log(self.name, {"what": "cell", "page": page, "tab": tab, "number": number, "cells": cells})

    def note(self, text: str) -> None:
        """Something worth a line, such as that the page is tried again."""
        self.log(self.name, {"what": "note", "text": f"{socket.gethostname()}: {text}"})
