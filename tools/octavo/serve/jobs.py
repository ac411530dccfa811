"""The two jobs of a live preview, each in a copy of its own: to bring the website up to date, and to execute pages."""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.build import Workshop
from octavo.diagnostics import Severity, format_diagnostic
from octavo.progress import PlainProgress

if TYPE_CHECKING:
    from octavo.build.execution import Failed
    from octavo.build.preview import Pair, Standing


@dataclass(frozen=True, slots=True)
class Job:
    """One job."""

    folder: Path
    """The book's."""
    output: Path | None
    """Where products go, if not where the settings say."""
    tabs: tuple[str, ...]
    """The frameworks that the website has; all without any."""
    invocation: tuple[str, ...]
    """How the user calls octavo for this book."""
    execute: tuple[Pair, ...] = ()
    """What is to be executed; nothing where the website is to be rendered."""
    failed: tuple[Failed, ...] = ()
    """What has failed before, and would again."""
    changed: bool = False
    """Whether something was saved since the last job."""
    colour: bool = False
    """Whether messages are for a terminal that has colours."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to the author."""

    severity: str
    path: str
    line: int
    """0 where no place is known."""
    head: str
    """Code and sentence."""
    rest: str
    """Excerpt and hint, as a terminal shows them."""
    text: str
    """All of it, for the terminal."""


@dataclass(frozen=True, slots=True)
class Happens:
    """Something that the author may want to know while a job is done."""

    text: str
    worth_a_line: bool = True
    """Whether a terminal that keeps its lines shows it."""


@dataclass(frozen=True, slots=True)
class Written:
    """The pages stand; what is beside them, and how results stand, is still to come."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The website is up to date, or cannot be."""

    front: Path | None
    site: Path | None
    """Its folder."""
    output: Path | None
    """The folder of all products, in which nothing is the author's."""
    source: Path | None
    """Where the book's pages are."""
    messages: tuple[Message, ...]
    standing: Mapping[Pair, Standing]
    seconds: float
    modules: tuple[str, ...]
    """Everything that was imported for it."""


@dataclass(frozen=True, slots=True)
class Executed:
    """Pages were executed."""

    failed: tuple[Failed, ...]
    messages: tuple[Message, ...]
    """What was said, of failures too: those are said again whenever the website is rendered with them."""
    seconds: float
    modules: tuple[str, ...]


@dataclass
class _Telling(PlainProgress):
    """Progress of a job, told to the process that shows it."""

    tell: Callable[[Happens], None]

    def __post_init__(self) -> None:
        super().__init__(sys.stderr)

    def _line(self, text: str) -> None:
        self.tell(Happens(text))

    def stage(self, text: str) -> None:
        """Say what begins, to those who wait for it."""
        self.tell(Happens(text, worth_a_line=False))

    def on_cell(self, page: str, tab: str, number: int, cells: int) -> None:
        """Say how far a page is."""
        self.tell(Happens(f"executing {page} ({tab}), cell {number} of {cells}", worth_a_line=False))

    def on_waiting(self, text: str) -> None:
        """Say what pages wait for."""
        if text:
            self.tell(Happens(text, worth_a_line=False))


def work(job: Job, send: Callable[[object], None]) -> None:
    """Do a job, and tell what came of it."""
    gc.set_threshold(100_000, 50, 50)
    begun = time.perf_counter()
    workshop = Workshop(job.folder, output=job.output)
    workshop.invocation = job.invocation
    progress = _Telling(send)
    if job.execute:
        failed = workshop.preview.execute(job.execute, progress)
        seconds = time.perf_counter() - begun
        send(Executed(failed, _messages(workshop, job.colour), seconds, tuple(sys.modules)))
    else:
        front = workshop.preview.render(
            progress, job.tabs, job.failed, changed=job.changed, on_pages=lambda: send(Written())
        )
        standing = workshop.preview.standing(job.tabs)
        found = workshop.settings if workshop.has_settings else None
        send(
            Rendered(
                front=front,
                site=workshop.site.folder(job.tabs) if found else None,
                output=workshop.output_folder if found else None,
                source=found.source if found else None,
                messages=_messages(workshop, job.colour),
                standing=standing,
                seconds=time.perf_counter() - begun,
                modules=tuple(sys.modules),
            )
        )
    workshop.remember()


_REHEARSED = {
    "config.ini": "[project]\nname = rehearsal\n[build]\ntabs = pytorch, jax\n",
    "index.md": "# Book\n\n```toc\n:numbered:\npage\n```\n",
    "page.md": "# Page\n:label:`sec_page`\n\nWords, $x^2$, :numref:`sec_page`.\n\n$$y_i = 1$$\n:eqlabel:`eq_y`\n\n"
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n* one\n* two\n\n"
    "```{.python .input}\n#@tab pytorch\ndef f(x):\n    return f'{x}'  # so\n```\n\n"
    "```{.python .input}\n#@tab jax\nclass A:\n    b = 1.0\n```\n",
}
"""A book with a little of everything."""


def rehearse() -> None:
    """Render a small book, for what stays in memory of it: modules, lexers, patterns."""
    with tempfile.TemporaryDirectory(prefix="octavo-") as name:
        for file, text in _REHEARSED.items():
            Path(name, file).write_text(text, encoding="utf-8")
        workshop = Workshop(Path(name))
        workshop.preview.render(_Telling(lambda _: None))
        assert workshop.preview.standing() is not None


def _messages(workshop: Workshop, colour: bool) -> tuple[Message, ...]:
    """Everything that was said, errors first."""
    found = []
    for diagnostic in sorted(workshop.diagnostics, key=lambda d: d.severity is not Severity.ERROR):
        span = diagnostic.span
        plain = format_diagnostic(diagnostic, workshop.read_line)
        head, _, rest = plain.partition("\n")
        place = f"{span.path}:{span.line}: " if span else ""
        found.append(
            Message(
                severity=diagnostic.severity.value,
                path=span.path if span else "",
                line=span.line if span else 0,
                head=head.removeprefix(place),
                rest=rest,
                text=format_diagnostic(diagnostic, workshop.read_line, colour=True) if colour else plain,
            )
        )
    return tuple(found)
