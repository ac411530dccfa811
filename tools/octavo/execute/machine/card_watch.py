"""How much of their graphics cards pages use while they run, as one long-lived ``nvidia-smi`` tells.

It runs only while some page has a card. Of a card that a page has whole, what the card tells counts; of one that pages
share, what their processes are told to hold, which a container may hide: then nobody knows.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from octavo.execute.machine.lease import Lease

_EVERY = "200"
"""Milliseconds between two looks."""
_CARDS = ("--query-gpu=uuid,memory.used,utilization.gpu",)
_PROCESSES = ("--query-compute-apps=timestamp,gpu_uuid,pid,used_memory",)
_ENOUGH = 10
"""Looks at a card after which it can be told that nothing uses it."""


class Meter:
    """What one page uses of the cards of its lease."""

    def __init__(self, lease: Lease, folder: Path) -> None:
        """The page runs in ``folder``, by which its processes are known where it shares a card."""
        self.shared = bool(lease.gpu_memory)
        self.folder = str(folder.resolve())
        self.looks = 0
        self.busiest = 0
        """Highest utilisation in per cent that was seen of any card."""
        self.most_ever = 0
        """Most bytes at once."""
        self._now = dict.fromkeys((card.uuid for card in lease.cards), 0)
        self._most = dict(self._now)

    def peak(self) -> int:
        """Most bytes of its cards together since this was asked the last time."""
        most = sum(self._most.values())
        self._most = dict(self._now)
        return most

    @property
    def idle(self) -> bool:
        """Whether its cards were looked at often enough to say that it has not used them."""
        return self.looks >= _ENOUGH and not self.busiest and self.most_ever < 64 << 20

    def see(self, uuid: str, used: int, utilisation: int = 0) -> None:
        """What one look at a card has told."""
        if uuid in self._now:
            self._now[uuid] = used
            self._most[uuid] = max(self._most[uuid], used)
            self.looks += 1
            self.busiest = max(self.busiest, utilisation)
            self.most_ever = max(self.most_ever, sum(self._now.values()))


class CardWatch:
    """Looks at the cards of all leases of one build."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._meters: dict[int, Meter] = {}
        self._streams: dict[bool, asyncio.Task[None]] = {}
        self._folders: dict[int, str] = {}
        self._batch: tuple[str, dict[tuple[int, str], int]] = ("", {})

    def begin(self, task: int, lease: Lease, folder: Path) -> Meter:
        """A page has a lease from now on; gives its meter."""
        meter = Meter(lease, folder)
        if lease.cards:
            self._meters[task] = meter
            self._look()
        return meter

    def end(self, task: int) -> None:
        """A page has ended."""
        self._folders.clear()
        if self._meters.pop(task, None) is not None:
            self._look()

    async def close(self) -> None:
        """Stop looking."""
        self._meters.clear()
        streams = list(self._streams.values())
        self._look()
        await asyncio.gather(*streams, return_exceptions=True)

    def _look(self) -> None:
        """Start and stop ``nvidia-smi`` as meters need it."""
        for shared, query, take in ((False, _CARDS, self._card), (True, _PROCESSES, self._process)):
            wanted = any(meter.shared is shared for meter in self._meters.values())
            if wanted and shared not in self._streams:
                self._streams[shared] = asyncio.create_task(_stream(query, take, self._variables))
            elif not wanted and shared in self._streams:
                self._streams.pop(shared).cancel()

    def _card(self, uuid: str, used: str, utilisation: str) -> None:
        """A line about a card."""
        for meter in self._meters.values():
            if not meter.shared:
                meter.see(uuid, _mebibytes(used), int(utilisation) if utilisation.isdigit() else 0)

    def _process(self, time: str, uuid: str, pid: str, used: str) -> None:
        """A line about a process; those of one moment belong together."""
        before, batch = self._batch
        if time != before:
            for task, meter in self._meters.items():
                for card in {card for one, card in batch if one == task} if meter.shared else ():
                    meter.see(card, batch[task, card])
            self._batch = time, batch = time, {}
        folder = self._folder(int(pid)) if pid.isdigit() else ""
        for task, meter in self._meters.items():
            if meter.shared and folder and (folder == meter.folder or folder.startswith(meter.folder + "/")):
                batch[task, uuid] = batch.get((task, uuid), 0) + _mebibytes(used)

    def _folder(self, pid: int) -> str:
        """Where a process was when it was first seen."""
        if pid not in self._folders:
            with contextlib.suppress(OSError):
                self._folders[pid] = str(Path(f"/proc/{pid}/cwd").readlink())
        return self._folders.get(pid, "")


def _mebibytes(text: str) -> int:
    return int(text) << 20 if text.isdigit() else 0


async def _stream(query: tuple[str, ...], take: Callable[..., None], variables: Mapping[str, str]) -> None:
    """Run ``nvidia-smi`` until cancelled, and hand on the fields of each line that it prints."""
    program = shutil.which("nvidia-smi", path=variables.get("PATH"))
    if program is None:
        return
    fields = query[0].count(",") + 1
    ours, theirs = os.pipe()
    pipe = os.fdopen(ours, "rb", buffering=0)
    try:
        with os.fdopen(theirs, "wb") as stdout:
            process = subprocess.Popen(
                [program, *query, "--format=csv,noheader,nounits", "-lms", _EVERY],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.DEVNULL,
                env=dict(variables),
            )
    except OSError:
        pipe.close()
        return
    reader = asyncio.StreamReader()
    transport: asyncio.BaseTransport | None = None
    try:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        while line := await reader.readline():
            parts = [part.strip() for part in line.decode("utf-8", "replace").split(",")]
            if len(parts) == fields:
                take(*parts)
    except ValueError:  # a line without end: this is no nvidia-smi
        return
    finally:
        if transport is not None:
            transport.close()
        pipe.close()
        process.kill()
        process.wait()
