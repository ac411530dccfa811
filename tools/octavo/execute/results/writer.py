"""Results written while the next page runs: one thread that takes runs in the order in which they are complete."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable

from octavo.model import Run

Store = Callable[[Run], None]
"""Takes each run as soon as it is complete: one at a time, in a thread of its own."""


class Writer:
    """Hands runs to a :data:`Store` beside the engine, which does not wait for it."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._queue: queue.SimpleQueue[Run | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._failed: asyncio.Future[None] = self._loop.create_future()
        self._error: BaseException | None = None
        # no daemon: what is finished is written even if the build ends by an error
        self._thread = threading.Thread(target=self._work, name="octavo-writer")

    def start(self) -> None:
        """Begin; :meth:`close` has to follow."""
        if self._store is not None:
            self._thread.start()

    def put(self, run: Run) -> None:
        """Have a run written soon."""
        if self._store is not None:
            self._queue.put(run)

    async def watch(self) -> None:
        """Raise the store's error as soon as there is one; else wait for ever."""
        await asyncio.shield(self._failed)
        self.check()

    def close(self) -> None:
        """Write what is left; no more runs can be put then."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        self._failed.cancel()

    def check(self) -> None:
        """Raise the store's error if there was one."""
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        assert self._store is not None
        while (run := self._queue.get()) is not None:
            try:
                self._store(run)
            except BaseException as problem:
                self._error = problem
                with contextlib.suppress(RuntimeError):  # the loop is closed: the build has ended otherwise
                    self._loop.call_soon_threadsafe(self._tell)
                return

    def _tell(self) -> None:
        if not self._failed.done():
            self._failed.set_result(None)
