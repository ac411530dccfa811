"""The one module that knows every stage: what each command of the command line does, in terms of the pipeline.

source → select → harvest → execute → render. A :class:`Workshop` holds one book while a command works on it; the stages
take values and return values, and what goes wrong ends in :attr:`Workshop.diagnostics`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from octavo import config
from octavo.diagnostics import Code, Diagnostics, error
from octavo.model import Book, CellKind, Definition, Edition, Inputs, Run, Span

if TYPE_CHECKING:
    from octavo.execute.environment import EnvironmentFailure, Lock
    from octavo.execute.store import Results
    from octavo.harvest.module import HarvestedLibrary
    from octavo.progress import Progress

State = Literal["fresh", "stale", "missing", "failed"]

CACHE_TAG = "CACHEDIR.TAG"
CACHE_TAG_TEXT = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by octavo, which can make it again.\n"
"""The standard mark of folders that need no backup; ``clean`` removes no folder without it."""


@dataclass(frozen=True, slots=True)
class PageState:
    """How the result of one page in one framework stands."""

    page: str
    tab: str
    state: State
    reasons: tuple[str, ...] = ()
    """Why it is not fresh, a sentence each."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One page in one framework, with all that decides its result."""

    edition: Edition
    inputs: Inputs
    key: str


class Workshop:
    """One book while a command works on it. Nothing is read before it is asked for, and nothing twice."""

    def __init__(self, folder: Path, output: Path | None = None) -> None:
        """The book in ``folder``; products go to ``output`` or where its settings say."""
        self.folder = folder.resolve()
        self.diagnostics = Diagnostics()
        self.settings, messages = config.load(self.folder)
        self.diagnostics.add(*messages)
        self._output = output

    # -- what the stages say

    @property
    def failed(self) -> bool:
        """Whether the exit code must say that the book has errors."""
        strict = self.settings is not None and self.settings.warning_is_error
        return self.diagnostics.has_errors or (strict and len(self.diagnostics) > 0)

    def read_line(self, path: str, line: int) -> str | None:
        """A line of one of the book's files, for the excerpt of a message."""
        with contextlib.suppress(OSError, UnicodeDecodeError, IndexError):
            source = self.settings.source if self.settings else self.folder
            file = source / path if (source / path).is_file() else self.folder / path
            return file.read_text(encoding="utf-8-sig").split("\n")[line - 1]
        return None

    @cached_property
    def output(self) -> Path:
        """The folder that products go to, marked as one that can be made again."""
        folder = self._output_folder
        folder.mkdir(parents=True, exist_ok=True)
        if not any(folder.iterdir()):
            (folder / CACHE_TAG).write_text(CACHE_TAG_TEXT, encoding="utf-8")
        return folder

    @property
    def _output_folder(self) -> Path:
        assert self.settings is not None
        return self._output.resolve() if self._output else self.folder / self.settings.output_dir

    @cached_property
    def book(self) -> Book | None:
        """The book as it is read, or ``None`` without usable settings."""
        if self.settings is None:
            return None
        from octavo.source import links
        from octavo.source.toc import read_book

        book, messages = read_book(self.settings)
        self.diagnostics.add(*messages, *links.check(book, self.settings))
        return book

    @cached_property
    def editions(self) -> Mapping[tuple[str, str], Edition]:
        """(page, framework) → its edition, for pages that have code in that framework."""
        if self.book is None or self.settings is None:
            return {}
        from octavo.select.edition import cut

        editions: dict[tuple[str, str], Edition] = {}
        for document in self.book.pages:
            if not any(cell.kind is CellKind.CODE for cell in document.cells):
                continue
            for tab in document.tabs:
                edition, messages = cut(document, tab, self.settings)
                self.diagnostics.add(*messages)
                editions[document.page, tab] = edition
        return editions

    @cached_property
    def libraries(self) -> Mapping[str, HarvestedLibrary]:
        """Framework → its library, as the pages give it."""
        if self.settings is None:
            return {}
        from octavo.harvest.module import harvest

        libraries: dict[str, HarvestedLibrary] = {}
        for tab, library in self.settings.libraries.items():
            editions = [e for (page, t), e in self.editions.items() if t == tab and self.settings.is_notebook(page)]
            libraries[tab], messages = harvest(editions, library, self.settings.release)
            self.diagnostics.add(*messages)
        return libraries

    def check(self) -> None:
        """Look at everything that can be looked at without executing or rendering."""
        for part in (self.editions, self.libraries, self.locks):
            assert part is not None  # each reports what is wrong when it is first asked for

    # -- the library

    def _library_files(self) -> Iterator[tuple[str, str]]:
        """Path and text of every file that harvesting makes."""
        from octavo.harvest.module import package_init

        assert self.settings is not None
        for library in self.libraries.values():
            yield library.file, library.text
        if self.settings.version_file:
            path = self.folder / self.settings.version_file
            existing = path.read_text(encoding="utf-8") if path.is_file() else None
            yield self.settings.version_file, package_init(self.settings.release, existing)

    def write_libraries(self) -> tuple[str, ...]:
        """Write every library file that differs from what the pages give; returns the paths written."""
        if self.settings is None:
            return ()
        written = []
        for file, text in self._library_files():
            path = self.folder / file
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
                written.append(file)
        return tuple(written)

    def compare_libraries(self) -> tuple[str, ...]:
        """Report every library file that differs from what the pages give, with the difference; writes nothing."""
        if self.settings is None:
            return ()
        from octavo.harvest.module import compare

        for file, text in self._library_files():
            path = self.folder / file
            difference = compare(path.read_text(encoding="utf-8") if path.is_file() else None, text, file)
            if difference:
                self.diagnostics.add(
                    error(
                        Code.LIBRARY_STALE,
                        f"{file} is not what the pages give",
                        Span(file, 1, 1),
                        hint="octavo build lib",
                        detail=tuple(difference.splitlines()),
                        excerpt="",
                    )
                )
        return ()

    # -- freshness

    @cached_property
    def cache(self) -> Path:
        """The folder of environments and of the local store."""
        from octavo.execute.home import cache_home

        return cache_home()

    @cached_property
    def results(self) -> Results:
        """The shelves that results stand on."""
        from octavo.execute.home import runs_home
        from octavo.execute.store import Results

        assert self.settings is not None
        return Results(self.folder, self.settings.outputs, runs_home(self.cache), self.diagnostics.add)

    @cached_property
    def locks(self) -> Mapping[str, Lock | EnvironmentFailure]:
        """Framework → its lock, or why there is none."""
        if self.settings is None:
            return {}
        from octavo.execute.environment import EnvironmentFailure, read_lock

        locks: dict[str, Lock | EnvironmentFailure] = {}
        for tab in sorted({tab for _, tab in self.editions}, key=self.settings.tabs.index):
            shown = f"{self.settings.environments}/{tab}.txt"
            lock, messages = read_lock(self.folder / shown, shown)
            self.diagnostics.add(*messages)
            locks[tab] = lock or EnvironmentFailure(tab, f"{shown} is no complete lock")
        return locks

    @cached_property
    def plan(self) -> Mapping[tuple[str, str], Planned]:
        """(page, framework) → what decides its result, for everything that is meant to be executed."""
        if self.settings is None:
            return {}
        from octavo.execute import key
        from octavo.harvest.names import analyse

        plan: dict[tuple[str, str], Planned] = {}
        options = dict(self._declared())
        definitions = {tab: library.definitions for tab, library in self.libraries.items()}
        for (page, tab), edition in self.editions.items():
            if not self.settings.eval_notebook or not self.settings.is_notebook(page):
                continue
            names = [analyse(cell.code.text) for cell in edition.cells]
            lock = self.locks[tab]
            inputs = key.inputs(
                edition,
                frozenset().union(*(n.library_reads for n in names)),
                any(n.dynamic for n in names),
                definitions.get(tab, {}),
                getattr(lock, "versions", {}),
                options,
            )
            plan[page, tab] = Planned(edition, inputs, key.key(inputs))
        return plan

    def _declared(self) -> Iterator[tuple[str, str]]:
        """Declared data files and variables, by digest: what a variable holds may be a secret."""
        assert self.settings is not None
        for glob in self.settings.files:
            for path in sorted(self.folder.glob(glob)):
                if path.is_file():
                    content = hashlib.sha256(path.read_bytes()).hexdigest()
                    yield f"file {path.relative_to(self.folder).as_posix()}", content
        for name in self.settings.variables:
            if name in os.environ:
                yield f"variable {name}", hashlib.sha256(os.environ[name].encode()).hexdigest()

    def states(self, pages: Sequence[str] | None = None, tabs: Sequence[str] = ()) -> list[PageState]:
        """How every result that is meant to be there stands, in reading order."""
        return [self._state(planned) for planned in self.all(pages, tabs)]

    def _state(self, planned: Planned) -> PageState:
        from octavo.execute import key

        edition = planned.edition
        page, tab = edition.page, edition.tab
        if self.results.find(planned.key, page, tab) is not None:
            return PageState(page, tab, "fresh")
        failed = self.results.local.failed(planned.key)
        if failed is not None and failed.failure is not None:
            place = f" at {failed.failure.span.path}:{failed.failure.span.line}" if failed.failure.span else ""
            return PageState(page, tab, "failed", (f"{failed.failure.name}{place}",))
        last = self.results.last(page, tab)
        if last is None:
            return PageState(page, tab, "missing", ("it was never executed",))
        library = self.libraries.get(tab)
        definitions: Mapping[str, Definition] = library.definitions if library else {}
        reasons = key.reasons(last.inputs, planned.inputs, edition, definitions)
        return PageState(page, tab, "stale", reasons)

    def all(self, pages: Sequence[str] | None = None, tabs: Sequence[str] = ()) -> list[Planned]:
        """Everything that is meant to be executed among ``pages`` and ``tabs`` (all, if none are named)."""
        return [
            planned
            for (page, tab), planned in self.plan.items()
            if (pages is None or page in pages) and (not tabs or tab in tabs)
        ]

    def stale(self, pages: Sequence[str] | None = None, tabs: Sequence[str] = ()) -> list[Planned]:
        """What has no fresh result, among ``pages`` and ``tabs``; one that failed is tried again."""
        return [
            planned
            for planned in self.all(pages, tabs)
            if self.results.find(planned.key, planned.edition.page, planned.edition.tab) is None
        ]

    # -- execution

    def execute(
        self, chosen: Sequence[Planned], progress: Progress, *, jobs: int | None = None, rerun: bool = False
    ) -> list[Run]:
        """Execute pages and keep their results; failures are reported, and stop nothing else."""
        if self.settings is None:
            return []
        for path in self.write_libraries():
            progress.note(f"wrote {path}")
        if not chosen:
            self.commit_results()
            return []
        from octavo.execute import failures
        from octavo.execute.schedule import Task, run_all

        progress.begin(len(chosen))
        tasks = [
            Task(
                edition=planned.edition,
                inputs=planned.inputs,
                key=planned.key,
                lock=self.locks[planned.edition.tab],
                folder=self._working_folder(planned.edition),
                library=self.folder,
                timeout=self.settings.timeout,
                expected=self.results.seconds(planned.edition.page, planned.edition.tab),
            )
            for planned in chosen
        ]
        runs = run_all(
            tasks,
            jobs or self.settings.jobs,
            progress,
            lambda run: _discard(self.results.save(run, forced=rerun)),
            cache=self.cache,
        )
        # a syntax error is an author's to mend once: reading the page told of it, and executing it does again
        told = {d.span for d in self.diagnostics if d.code is Code.SYNTAX_ERROR}
        lines = {(span.path, span.line) for span in told if span is not None}
        self.diagnostics.add(
            *failures.diagnostics(
                run
                for run in runs
                if not (run.failure and run.failure.span and (run.failure.span.path, run.failure.span.line) in lines)
            )
        )
        self._failures = {(run.page, run.tab): run for run in runs if run.failure is not None}
        self.commit_results()
        return runs

    def commit_results(self) -> None:
        """Bring the committed results in step: what is known from elsewhere goes in, what no page has any more goes.

        Nothing is removed while the book has errors, which may hide pages.
        """
        committed = self.results.committed
        for (page, tab), planned in self.plan.items():
            last = self.results.last(page, tab)
            if last is None or last.key != planned.key:
                known = self.results.find(planned.key, page, tab)
                if known is not None:
                    committed.write(replace(known, page=page))
        if not self.diagnostics.has_errors:
            committed.prune(self.editions)

    def _working_folder(self, edition: Edition) -> Path:
        """An empty scratch folder for a page's kernel, with the book's resources where the page expects them.

        It stands where the page does, under a name of its own, so that ``../img`` leads to the pictures; what stands
        above it, such as data that pages download to ``../data``, pages share.
        """
        assert self.settings is not None
        root = self.output / "run" / edition.tab
        chapter, _, name = edition.page.rpartition("/")
        folder = root / f"{chapter}~{name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        source = self.settings.source.resolve()
        for resource in self.settings.resources:
            target = (source / resource).resolve()
            link = (root if chapter else folder) / resource.rstrip("/")
            if target.exists() and target.is_relative_to(source) and not link.is_symlink():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(target)
        return folder

    def shown(self) -> Mapping[tuple[str, str], Run]:
        """(page, framework) → the results to render: fresh ones, this build's failures, or the last ones there are."""
        runs: dict[tuple[str, str], Run] = {}
        for (page, tab), planned in self.plan.items():
            failed = self._failures.get((page, tab))
            fresh = self.results.find(planned.key, page, tab)
            run = failed or fresh or self._older(planned)
            if run is not None:
                runs[page, tab] = run
        return runs

    _failures: Mapping[tuple[str, str], Run] = {}

    def _older(self, planned: Planned) -> Run | None:
        """The last committed result, cut to the cells before the first that changed."""
        edition = planned.edition
        last = self.results.last(edition.page, edition.tab)
        if last is None:
            return None
        same = [new == old.digest for new, old in zip(planned.inputs.cells, last.cells, strict=False)]
        kept = last.cells[: same.index(False) if False in same else len(same)]
        return Run(planned.key, edition.page, edition.tab, planned.inputs, kept)

    # -- rendering

    def build_html(self, progress: Progress) -> Path | None:
        """Bring the website up to date; returns its front page, or ``None`` when there is no book to render."""
        if self.book is None or self.settings is None or not self.book.pages:
            return None
        from octavo.render.project import render_html

        found = Diagnostics()
        runs = self.shown()
        stale = sum(self.results.find(p.key, p.edition.page, p.edition.tab) is None for p in self.plan.values())
        if stale:
            progress.note(f"{stale} of {len(self.plan)} results are missing or older than their pages")
        progress.stage(f"rendering {len(self.book.pages)} pages")
        site = render_html(
            self.book, self.settings, self.editions, runs, self.output / "html", self.output / "doctrees", found
        )
        # the reader has told of these already, without needing Sphinx
        told = {(d.code, d.span.path, d.span.line) for d in self.diagnostics if d.span is not None}
        self.diagnostics.add(*(d for d in found if d.span is None or (d.code, d.span.path, d.span.line) not in told))
        return site

    # -- environments and cleaning up

    def environments(self) -> list[dict[str, object]]:
        """What ``octavo env`` lists: a mapping for each framework that has a lock."""
        from octavo.execute.environment import Lock, existing, folder_of
        from octavo.execute.home import environments_home

        home = environments_home(self.cache)
        return [
            {
                "tab": tab,
                "python": lock.python,
                "packages": len(lock.packages),
                "made": existing(lock, home) is not None,
                "path": str(folder_of(lock, home)),
            }
            for tab, lock in self.locks.items()
            if isinstance(lock, Lock)
        ]

    def make_environments(self, tabs: Iterable[str], progress: Progress) -> None:
        """Make the environments of these frameworks, or of all."""
        from octavo.execute.environment import EnvironmentFailure, make
        from octavo.execute.home import environments_home

        wanted = set(tabs) or set(self.locks)
        for tab, lock in self.locks.items():
            if tab not in wanted:
                continue
            made = (
                lock
                if isinstance(lock, EnvironmentFailure)
                else make(lock, environments_home(self.cache), progress.stage)
            )
            if isinstance(made, EnvironmentFailure):
                self.diagnostics.add(made.diagnostic())
            else:
                progress.note(f"the environment of {tab} is {made.folder}")

    def remove_environments(self, tabs: Iterable[str]) -> list[Path]:
        """Remove the environments of these frameworks' present locks; returns the folders removed."""
        from octavo.execute.environment import Lock, folder_of
        from octavo.execute.home import environments_home

        removed = []
        for tab in tabs:
            lock = self.locks.get(tab)
            folder = folder_of(lock, environments_home(self.cache)) if isinstance(lock, Lock) else None
            if folder is not None and folder.is_dir():
                shutil.rmtree(folder)
                removed.append(folder)
        return removed

    def clean(self) -> Path | None:
        """Remove the output folder if octavo made it; returns it, or ``None`` when there is nothing to remove."""
        if self.settings is None or not self._output_folder.is_dir():
            return None
        folder = self._output_folder
        tag = folder / CACHE_TAG
        if not tag.is_file() or tag.read_text(encoding="utf-8") != CACHE_TAG_TEXT:
            self.diagnostics.add(
                error(
                    Code.CONFIG_VALUE,
                    f"{folder.name} was not made by octavo, so it is not removed",
                    hint="remove it yourself, or name another folder in [build] output_dir",
                )
            )
            return None
        shutil.rmtree(folder)
        return folder


def _discard(_: object) -> None:
    """For callbacks whose result nobody needs."""
