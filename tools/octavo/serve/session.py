"""What a live preview does when: it renders what was saved, executes what is looked at, and tells every browser."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from octavo.build.execution import Failed
from octavo.build.preview import Pair, Standing
from octavo.serve.copies import HEAD, Fault, Original, length
from octavo.serve.jobs import Executed, Happens, Job, Message, Rendered, Written

Tell = Callable[[str], None]
"""Shows a line, or several, to who started the preview."""


class Browser(Protocol):
    """One window that shows a page of the book."""

    page: str
    """The page's name, empty while that is not known."""
    tab: str
    """The framework on view, empty where the page has no choice."""

    def show(self, state: Mapping[str, Any]) -> None:
        """Let it show how things stand."""

    def version(self) -> str:
        """Digest of the file that its page has now."""


@dataclass
class Running:
    """What is being executed."""

    keys: Mapping[Pair, str]
    channel: socket.socket
    text: str = "starting"
    stopped: bool = False

    def stop(self) -> None:
        """Interrupt it."""
        if not self.stopped:
            self.stopped = True
            with contextlib.suppress(OSError):
                self.channel.shutdown(socket.SHUT_WR)


@dataclass(eq=False)
class Session:
    """One live preview. Everything happens in one event loop; jobs are done elsewhere."""

    original: Original
    job: Job
    """What every job has in common."""
    execute: bool
    """Whether anything may be executed."""
    tell: Tell
    after_rendering: Callable[[Rendered], None] = lambda _: None
    browsers: set[Browser] = field(default_factory=set)
    rendered: Rendered | None = None
    """The last website."""
    rendering: bool = False
    written: bool = False
    """Whether the pages stand already, while it is rendering."""
    fault: Fault | None = None
    """What octavo itself did wrong in the last job."""
    running: Running | None = None
    failed: dict[Pair, Failed] = field(default_factory=dict)
    """What has failed since the preview began."""
    asked: set[tuple[Pair, str]] = field(default_factory=set)
    """(page and framework, key) of what somebody asked to be executed."""
    _first: dict[Pair, str] | None = None
    """Page and framework → key when the preview began: what is as it was then waits to be asked for."""
    _tried: dict[Pair, str] = field(default_factory=dict)
    """Page and framework → key of what was executed, however it ended."""
    _told: tuple[str, ...] = ()
    _learned: set[str] = field(default_factory=set)
    _saved: asyncio.Event = field(default_factory=asyncio.Event)
    _executing: asyncio.Task[None] | None = None

    def changed(self, paths: Collection[Path] = ()) -> None:
        """Something was saved."""
        self._saved.set()

    async def run(self) -> None:
        """Render whenever something was saved, until cancelled."""
        self._saved.set()
        try:
            while True:
                await self._saved.wait()
                self._saved.clear()
                await self._render()
                self.consider()
        finally:
            if self.running is not None:
                self.running.stop()
            if self._executing is not None:
                # kernels and what they started are ended before this process ends
                await asyncio.wait({self._executing}, timeout=20)

    # -- rendering

    async def _render(self) -> None:
        self.rendering, self.written = True, False
        self.show()
        self.fault = None
        saved = time.perf_counter()
        begun = replace(self.job, failed=tuple(self.failed.values()), changed=self.rendered is not None)
        async for message in self._messages(self.original.begin(begun)):
            if isinstance(message, Rendered):
                # the job goes on to write down what it learned; who waits for the page need not wait for that
                self._take(message, time.perf_counter() - saved)
            elif isinstance(message, Written):
                self.written = self.rendered is not None
                self.show()
            elif isinstance(message, Fault):
                self._blame(message)
            elif isinstance(message, Happens) and self.rendered is None:
                self.tell(message.text)
        self.rendering = False
        self.show()

    def _take(self, rendered: Rendered, seconds: float) -> None:
        """A website is there; browsers are told at once."""
        self._learn(rendered.modules)
        last = self.rendered
        if rendered.front is None and last is not None:
            # settings that cannot be read: the last website stays until they can be
            rendered = replace(last, messages=rendered.messages, modules=rendered.modules)
        self.rendered = rendered
        if self._first is None and rendered.front is not None:
            self._first = {pair: standing.key for pair, standing in rendered.standing.items()}
        self.failed = {
            pair: failed
            for pair, failed in self.failed.items()
            if pair in rendered.standing and rendered.standing[pair].key == failed.run.key
        }
        self.rendering = False
        self.after_rendering(rendered)
        self.show()
        self._say(f"rendered in {seconds:.2f} s", rendered.messages)

    def _learn(self, modules: Iterable[str]) -> None:
        """Let the next job have at once what this one had to import."""
        new = [name for name in modules if name not in self._learned]
        self._learned.update(new)
        if new:
            self.original.learn(new)

    def _say(self, what: str, messages: Iterable[Message]) -> None:
        """Tell what was done and what is wrong, but nothing twice in a row."""
        messages = tuple(messages)
        texts = tuple(message.text for message in messages)
        new = [text for text in texts if text not in self._told]
        gone = len([text for text in self._told if text not in texts])
        self._told = texts
        counts = count_of(messages)
        self.tell("\n".join([*new, f"{time.strftime('%H:%M:%S')}  {what}{': ' if counts else ''}{counts}"]))
        if gone and not texts:
            self.tell("no messages any more")

    def _blame(self, fault: Fault) -> None:
        self.fault = fault
        self.tell(f"error[internal]: a fault of octavo, not of your book: {fault.message}\n{fault.traceback}")

    # -- executing

    def consider(self) -> None:
        """Execute what is looked at and was changed; stop what nobody wants any more as it is."""
        running, standing = self.running, self.rendered.standing if self.rendered else {}
        if running is not None:
            if any(pair not in standing or standing[pair].key != key for pair, key in running.keys.items()):
                running.stop()
            return  # its end is a reason to look again
        wanted = {pair: standing[pair].key for pair in self._on_view() if self._is_wanted(pair)}
        if wanted and self.execute:
            self._executing = asyncio.create_task(self._execute(wanted))

    def _on_view(self) -> list[Pair]:
        return list(dict.fromkeys(pair for browser in self.browsers if (pair := self.pair(browser)) is not None))

    def pair(self, browser: Browser) -> Pair | None:
        """The page and framework that a browser shows, if that is executed; without the chosen one the page's first."""
        if self.rendered is None:
            return None
        tabs = [tab for page, tab in self.rendered.standing if page == browser.page]
        tab = browser.tab if browser.tab in tabs else next(iter(tabs), "")
        return (browser.page, tab) if tab else None

    def _is_wanted(self, pair: Pair) -> bool:
        standing = self.rendered.standing.get(pair) if self.rendered else None
        if standing is None or self._first is None:
            return False
        if standing.fresh or self._tried.get(pair) == standing.key:
            return False
        return self._first.get(pair) != standing.key or (pair, standing.key) in self.asked

    def ask(self, pair: Pair) -> None:
        """Somebody wants this page executed, whether it was changed or not."""
        standing = self.rendered.standing.get(pair) if self.rendered else None
        if standing is not None and not standing.fresh:
            self.asked.add((pair, standing.key))
            self._tried.pop(pair, None)
            self.consider()
            self.show()

    async def _execute(self, keys: Mapping[Pair, str]) -> None:
        channel = self.original.begin(replace(self.job, execute=tuple(keys)))
        self.running = running = Running(keys, channel)
        self.show()
        done: Executed | None = None
        async for message in self._messages(channel):
            if isinstance(message, Happens):
                running.text = message.text
                if message.worth_a_line:
                    self.tell(message.text)
                self.show()
            elif isinstance(message, Executed):
                done = message
                self._learn(message.modules)
            elif isinstance(message, Fault):
                self._blame(message)
        self.running = None
        if not running.stopped:
            self._tried.update(keys)
        if done is not None:
            self.failed.update({(one.run.page, one.run.tab): one for one in done.failed})
        self.changed()

    # -- jobs

    async def _messages(self, channel: socket.socket) -> AsyncIterator[object]:
        """What a job sends, until it has ended."""
        import pickle

        reader, writer = await asyncio.open_connection(sock=channel)
        try:
            while True:
                head = await reader.readexactly(HEAD)
                yield pickle.loads(await reader.readexactly(length(head)))
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    # -- browsers

    def show(self) -> None:
        """Let every browser show how things stand."""
        for browser in self.browsers:
            browser.show(self.state(browser))

    def state(self, browser: Browser) -> dict[str, Any]:
        """How things stand, as a browser's page shows it."""
        rendered = self.rendered
        pair, standing = self.pair(browser), rendered.standing if rendered else {}
        stale = [tab for (page, tab), one in standing.items() if page == browser.page and not one.fresh]
        return {
            "version": browser.version() if rendered else "",
            "rendering": self.rendering,
            "written": self.written,
            "running": self.running.text if self.running else "",
            "messages": [*self._internal(), *self._shown(rendered)],
            "stale": [tab for tab in stale if (browser.page, tab) not in self.failed],
            "failed": [tab for tab in stale if (browser.page, tab) in self.failed],
            "tab": pair[1] if pair else "",
            "may_run": self.execute and self.running is None and pair is not None and pair[1] in stale,
            "waits": self._waits(pair, standing),
        }

    def _waits(self, pair: Pair | None, standing: Mapping[Pair, Standing]) -> bool:
        """Whether a stale result on view will be made without being asked for."""
        return pair is not None and pair in standing and self.execute and self._is_wanted(pair)

    def _shown(self, rendered: Rendered | None) -> list[dict[str, Any]]:
        if rendered is None:
            return []
        return [
            {"severity": m.severity, "path": m.path, "line": m.line, "head": m.head, "rest": m.rest}
            for m in rendered.messages
        ]

    def _internal(self) -> list[dict[str, Any]]:
        if self.fault is None:
            return []
        head = f"error[internal]: a fault of octavo, not of your book: {self.fault.message}"
        return [{"severity": "error", "path": "", "line": 0, "head": head, "rest": self.fault.traceback}]


def count_of(messages: Iterable[Message]) -> str:
    """How many errors and warnings there are; nothing for none."""
    words = [message.severity for message in messages]
    counts = [(words.count(word), word) for word in ("error", "warning")]
    return " and ".join(f"{n} {word}{'s' * (n != 1)}" for n, word in counts if n)
