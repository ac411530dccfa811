"""The one module that knows every stage: what each command of the command line does, in terms of the pipeline.

source → select → harvest → execute → render. A :class:`Workshop` holds one book while a command works on it; the stages
take values and return values, and what goes wrong ends in :attr:`Workshop.diagnostics`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from octavo import config
from octavo.diagnostics import Code, Diagnostic, Diagnostics, Severity, error, warning
from octavo.digests import digest, file_digest, file_digests, own_code
from octavo.model import Book, CellKind, Definition, Document, Edition, Inputs, Needs, Run, Span
from octavo.processors import cores
from octavo.receipt import Receipt
from octavo.syntax import LIBRARY_ALIAS

if TYPE_CHECKING:
    from octavo.execute.environment import EnvironmentFailure, Lock
    from octavo.execute.store import Results
    from octavo.harvest.module import HarvestedLibrary
    from octavo.memory import Memory
    from octavo.progress import Progress

State = Literal["fresh", "stale", "missing", "failed"]

# by its text: an import inside of a magic or a call counts too, and one in a comment costs nothing but a run
_IMPORTS_LIBRARY = re.compile(rf"\bimport.*\b{LIBRARY_ALIAS}\b|\b{LIBRARY_ALIAS}\b.*\bimport")


SOURCE_MAP = ".map.json"
"""End of the name of a module's source map."""

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
        self._failures: dict[tuple[str, str], Run] = {}

    # -- what the stages say

    @property
    def failed(self) -> bool:
        """Whether the exit code must say that the book has errors."""
        strict = self.settings is not None and self.settings.warning_is_error
        return self.diagnostics.has_errors or (strict and len(self.diagnostics) > 0)

    def remember(self) -> None:
        """Keep what was found out about pages for the next command, at the end of this one."""
        if "memory" in self.__dict__:
            self.memory.save()

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
        from octavo.source.toc import read_book, reading, texts

        memory, read = self.memory, reading(self.settings)
        memory.read_ahead(dict(texts(self.settings)), read, cores())
        book, messages = read_book(self.settings, lambda path, text: memory.document(path, text, read))
        memory.forget_others(document.path for document in book.pages)
        self.diagnostics.add(*messages, *links.check(book, self.settings))
        return book

    @cached_property
    def memory(self) -> Memory:
        """What is known of the book's pages."""
        from octavo.memory import Memory

        assert self.settings is not None
        # what decides how a page is read and cut, besides its text
        settings = self.settings
        return Memory.open(self._output_folder, settings.tabs, settings.untagged, settings.libraries)

    @cached_property
    def editions(self) -> Mapping[tuple[str, str], Edition]:
        """(page, framework) → its edition, for pages that have code in that framework."""
        if self.book is None or self.settings is None:
            return {}
        settings = self.settings

        def cut_for_book(document: Document, tab: str) -> tuple[Edition, tuple[Diagnostic, ...]]:
            from octavo.select.edition import cut

            return cut(document, tab, settings)

        editions: dict[tuple[str, str], Edition] = {}
        for document in self.book.pages:
            if not any(cell.kind is CellKind.CODE for cell in document.cells):
                continue
            for tab in document.tabs:
                edition, messages = self.memory.edition(document, tab, cut_for_book)
                self.diagnostics.add(*messages)
                editions[document.page, tab] = edition
        return editions

    @cached_property
    def libraries(self) -> Mapping[str, HarvestedLibrary]:
        """Framework → its library, as the pages give it."""
        if self.settings is None:
            return {}
        from octavo.harvest import compatible
        from octavo.harvest.module import harvest

        libraries: dict[str, HarvestedLibrary] = {}
        for tab, library in self.settings.libraries.items():
            editions = [e for (page, t), e in self.editions.items() if t == tab and self.settings.is_notebook(page)]
            existing = _text_of(self.folder / library.file)
            libraries[tab], messages = harvest(editions, library, self.settings.release, existing)
            if self._harvests_compatibly:
                libraries[tab] = compatible.with_text(libraries[tab], self._compatible_texts[tab])
                messages = tuple(replace(message, severity=Severity.WARNING) for message in messages)
            self.diagnostics.add(*messages)
        return libraries

    @cached_property
    def _harvests_compatibly(self) -> bool:
        """Whether modules are written as the old tool writes them: the settings decide, or else what is there."""
        from octavo.harvest.head import WARNING_LINE, head_of

        assert self.settings is not None
        if self.settings.harvest != "auto":
            return self.settings.harvest == "compatible"
        files = [self.folder / library.file for library in self.settings.libraries.values()]
        return any(head_of(_text_of(path), WARNING_LINE) is not None for path in files)

    @cached_property
    def _compatible_texts(self) -> Mapping[str, str]:
        """Framework → its module as the old tool writes it. Only the pages' text is needed for it, no edition."""
        from octavo.harvest.compatible import local_packages, render

        if self.book is None or self.settings is None:
            return {}
        is_harvested = self.settings.is_notebook
        pages = [d for d in self.book.pages if is_harvested(d.page) and not self.settings.is_excluded(d.page)]
        packages = local_packages(self.folder)
        return {
            tab: render(pages, library, self.settings.default_tab, _text_of(self.folder / library.file), packages)
            for tab, library in self.settings.libraries.items()
        }

    def check(self) -> None:
        """Look at everything that can be looked at without executing or rendering."""
        for part in (self.editions, self.libraries):
            assert part is not None  # each reports what is wrong when it is first asked for
        if self.settings is not None and (self.folder / self.settings.environments).is_dir():
            assert self.locks is not None  # a book that nobody executes with octavo has none

    # -- the library

    def _library_files(self) -> Iterator[tuple[str, str]]:
        """Path and text of every file that harvesting makes."""
        from octavo.harvest.compatible import version_text
        from octavo.harvest.module import package_init

        assert self.settings is not None
        for tab, library in self.settings.libraries.items():
            if self._is_foreign(library):
                continue
            if self._harvests_compatibly:
                yield library.file, self._compatible_texts[tab]
            else:
                yield from self._own_files(library)
        if self.settings.version_file:
            existing = _text_of(self.folder / self.settings.version_file)
            if self._harvests_compatibly and existing is not None:
                yield self.settings.version_file, version_text(existing, self.settings.release)
            else:
                yield self.settings.version_file, package_init(self.settings.release, existing)

    def _is_foreign(self, library: config.Library) -> bool:
        """Whether somebody's own file stands where the module belongs; it is reported, and left as it is."""
        from octavo.harvest.head import head_of

        assert self.settings is not None
        existing = _text_of(self.folder / library.file) or ""
        if self.settings.harvest != "auto" or not existing.strip() or head_of(existing) is not None:
            return False
        self.diagnostics.add(
            error(
                Code.FOREIGN_MODULE,
                f"{library.file} does not say that a tool made it, so it is left as it is",
                config.place(self.settings, f"library-{library.tab}", "lib_file"),
                hint="to have it written, remove it, or set [library] harvest to own or compatible",
                tab=library.tab,
            )
        )
        return True

    def _own_files(self, library: config.Library) -> Iterator[tuple[str, str]]:
        """A module with its stub, its source map and the mark that says that its package has types."""
        from octavo.harvest.sources import source_map
        from octavo.harvest.stubs import stub

        harvested = self.libraries[library.tab]
        yield library.file, harvested.text
        yield library.file + "i", stub(harvested.text)
        yield library.file.removesuffix(".py") + SOURCE_MAP, source_map(harvested, library)
        if library.package:
            mark = f"{library.package}/py.typed"
            yield mark, _text_of(self.folder / mark) or ""

    def write_libraries(self) -> tuple[str, ...]:
        """Write every library file that differs from what the pages give; returns the paths written."""
        if self.settings is None:
            return ()
        from octavo.execute.store import write_whole

        written = []
        for file, text in self._library_files():
            path = self.folder / file
            if _text_of(path) != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(path, text.encode("utf-8"))  # a kernel may be importing it
                written.append(file)
        return tuple(written)

    def compare_libraries(self) -> None:
        """Report every library file that differs from what the pages give, with the difference; writes nothing."""
        if self.settings is None:
            return
        from octavo.harvest.module import compare

        for file, text in self._library_files():
            if file.endswith(SOURCE_MAP):  # which changes with every line of prose, and is not for checking in
                continue
            difference = compare(_text_of(self.folder / file), text, file)
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
                imported=any(_IMPORTS_LIBRARY.search(cell.code.text) for cell in edition.cells),
            )
            plan[page, tab] = Planned(edition, inputs, key.key(inputs))
        return plan

    def _declared(self) -> Iterator[tuple[str, str]]:
        """Declared data files and variables, by digest: what a variable holds may be a secret."""
        assert self.settings is not None
        for glob in self.settings.files:
            paths = sorted(path for path in self.folder.glob(glob) if path.is_file())
            if not paths:
                self.diagnostics.add(
                    warning(
                        Code.MISSING_FILE,
                        f"[execute] files names {glob}, which no file of the book is, so no result depends on it",
                        config.place(self.settings, "execute", "files"),
                        hint="name files by their paths from the book's folder; * and ** stand for many",
                    )
                )
            for path in paths:
                yield f"file {path.relative_to(self.folder).as_posix()}", hashlib.sha256(path.read_bytes()).hexdigest()
        for name in self.settings.variables:
            if name in os.environ:
                yield f"variable {name}", hashlib.sha256(os.fsencode(os.environ[name])).hexdigest()

    def states(self, pages: Sequence[str] | None = None, tabs: Sequence[str] = ()) -> list[PageState]:
        """How every result that is meant to be there stands, in reading order."""
        return [self._state(planned) for planned in self.all(pages, tabs)]

    def _state(self, planned: Planned) -> PageState:
        from octavo.execute import key

        edition = planned.edition
        page, tab = edition.page, edition.tab
        if self._is_fresh(planned):
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
        return [planned for planned in self.all(pages, tabs) if not self._is_fresh(planned)]

    def _is_fresh(self, planned: Planned) -> bool:
        return self.results.find(planned.key, planned.edition.page, planned.edition.tab) is not None

    # -- execution

    def execute(
        self, chosen: Sequence[Planned], progress: Progress, *, jobs: int | None = None, rerun: bool = False
    ) -> list[Run]:
        """Execute pages and keep their results; failures are reported, and stop nothing else."""
        if self.settings is None:
            return []
        for path in self.write_libraries():
            progress.note(f"wrote {path}")
        runs: list[Run] = []
        self._commit_known()
        if chosen:
            with self._alone("executing pages", progress):
                # what another build has made while this one waited is not made again
                left = [planned for planned in chosen if rerun or not self._is_fresh(planned)]
                runs = self._run(left, progress, jobs, rerun)
        if not self.diagnostics.has_errors:  # which may hide pages
            self.results.committed.prune(self.editions)
        return runs

    def _run(self, chosen: Sequence[Planned], progress: Progress, jobs: int | None, rerun: bool) -> list[Run]:
        """Execute all of ``chosen``, keep their results and report their failures."""
        from octavo.execute import failures
        from octavo.execute.environment import EnvironmentFailure
        from octavo.execute.schedule import run_all
        from octavo.execute.task import Task

        assert self.settings is not None
        progress.begin(len(chosen))
        tasks = [
            Task(
                edition=planned.edition,
                inputs=planned.inputs,
                key=planned.key,
                lock=self.locks[planned.edition.tab],
                folder=self._working_folder(planned.edition),
                library=self.folder,
                needs=Needs(timeout=self.settings.timeout),
                expected=self.results.seconds(planned.edition.page, planned.edition.tab),
            )
            for planned in chosen
        ]

        def keep(run: Run) -> None:
            self.results.save(run, forced=rerun)

        runs = run_all(tasks, jobs or self.settings.jobs, progress, keep, cache=self.cache)
        self._failures = {(run.page, run.tab): run for run in runs if run.failure is not None}
        # an author's mistake is told once: reading the page or the lock told of it, and executing meets it again
        told = {(d.span.path, d.span.line) for d in self.diagnostics if d.code is Code.SYNTAX_ERROR and d.span}
        unread = {tab for tab, lock in self.locks.items() if isinstance(lock, EnvironmentFailure)}
        self.diagnostics.add(
            *failures.diagnostics(r for r in runs if r.tab not in unread and _place_of_failure(r) not in told)
        )
        return runs

    @contextlib.contextmanager
    def _alone(self, doing: str, progress: Progress) -> Iterator[None]:
        """Keep other builds of the same output folder from doing the same until the block ends."""
        from octavo.execute.processes import exclusive

        lock = self.output / f".{doing.replace(' ', '-')}.lock"
        with exclusive(lock, lambda: progress.note(f"another octavo is {doing} here: waiting for it")):
            yield

    def _commit_known(self) -> None:
        """Make the results that are known from elsewhere, another branch or checkout, the committed ones."""
        for (page, tab), planned in self.plan.items():
            last = self.results.last(page, tab)
            if last is None or last.key != planned.key:
                known = self.results.find(planned.key, page, tab)
                if known is not None:
                    self.results.commit(replace(known, page=page))

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
        for resource in self.settings.resource_paths():
            target = (source / resource).resolve()
            link = (root if chapter else folder) / resource.rstrip("/")
            if not target.exists() or not target.is_relative_to(source):
                continue
            link.parent.mkdir(parents=True, exist_ok=True)
            if link.is_symlink() and link.readlink() != target:
                link.unlink()  # of a checkout that was moved or copied
            if not os.path.lexists(link):  # a page may have made a folder of that name
                link.symlink_to(target)
        return folder

    def shown(self) -> Mapping[tuple[str, str], Run]:
        """(page, framework) → the results to render: fresh ones, this build's failures, or the last ones there are."""
        runs: dict[tuple[str, str], Run] = {}
        if not self._has_results:
            return runs
        for (page, tab), planned in self.plan.items():
            failed = self._failures.get((page, tab))
            fresh = self.results.find(planned.key, page, tab)
            run = failed or fresh or self._older(planned)
            if run is not None:
                runs[page, tab] = run
        return runs

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

    def _site(self, kind: str, tabs: Sequence[str]) -> Path:
        """What belongs to a website in the output folder: of the whole book, or of these frameworks alone."""
        assert self.settings is not None
        return self.output / "-".join([kind, *(tab for tab in self.settings.tabs if tab in tabs)])

    def finished_site(self, tabs: Sequence[str] = (), *, execute: bool) -> Path | None:
        """The front page of the website if nothing has changed since it was built; else ``None``.

        With ``execute`` every result has to be there too. What the build said is said again.
        """
        if self.settings is None:
            return None
        if not self._output_folder.is_dir():
            return None
        receipt = Receipt.load(self._site("receipt", tabs))
        if receipt is None or (execute and not receipt.executed) or not receipt.holds(self._facts_of_site()):
            return None
        self.diagnostics.add(*receipt.messages)
        return Path(receipt.products[0])

    def build_html(self, progress: Progress, tabs: Sequence[str] = ()) -> Path | None:
        """Bring the website up to date; returns its front page, or ``None`` when there is no book to render.

        With ``tabs`` it is a website of these frameworks alone, in a folder of its own.
        """
        if self.book is None or self.settings is None or not self.book.pages:
            return None
        from octavo.render.project import render_html

        facts = self._facts_of_site()
        found = Diagnostics()
        runs = self.shown()
        planned = self.all(tabs=tabs) if self._has_results else []
        stale = sum(not self._is_fresh(one) for one in planned)
        if stale:
            progress.note(f"{stale} of {len(planned)} results are missing or older than their pages")
        progress.stage(f"rendering {len(self.book.pages)} pages")
        with self._alone("rendering", progress):
            site = render_html(
                self.book,
                self.settings,
                self.editions,
                runs,
                self._site("html", tabs),
                self._site("doctrees", tabs),
                found,
                tabs=tabs,
                jobs=cores(),
            )
            # the reader has told of these already, without needing Sphinx
            told = {(d.code, d.span.path, d.span.line) for d in self.diagnostics if d.span is not None}
            self.diagnostics.add(
                *(d for d in found if d.span is None or (d.code, d.span.path, d.span.line) not in told)
            )
            executed = (self._has_results and not stale) or not self.settings.eval_notebook
            files = file_digests(sorted({*site.files, *self._files_of_site()}))
            products = tuple(map(str, (site.front, *site.pages)))
            Receipt(facts, files, products, tuple(self.diagnostics), executed).save(self._site("receipt", tabs))
        return site.front

    def _facts_of_site(self) -> str:
        """Digest of what a website depends on besides :meth:`_files_of_site`, and of which files there are."""
        from octavo.source.toc import markdown_files

        assert self.settings is not None
        pages = [(page, file_digest(self.settings.source / f"{page}.md")) for page in markdown_files(self.settings)]
        results = self.folder / self.settings.outputs
        kept = sorted(path.relative_to(results).as_posix() for path in results.rglob("*"))
        return digest(own_code(), str(self.folder), str(self._output_folder), pages, kept, list(self._declared()))

    def _files_of_site(self) -> Iterator[str]:
        """Files that decide what a website shows, besides pages and what rendering finds."""
        assert self.settings is not None
        yield str(self.folder / config.FILE_NAME)
        results = self.folder / self.settings.outputs
        yield from (str(path) for path in results.rglob("*") if path.is_file())
        for tab in self.settings.tabs:
            yield str(self.folder / self.settings.environments / f"{tab}.txt")
        yield from (str(self.folder / library.file) for library in self.settings.libraries.values())
        if self._has_results:
            yield from (str(self.results.local.path(planned.key)) for planned in self.plan.values())

    @cached_property
    def _has_results(self) -> bool:
        """Whether any page can have been executed: without a lock and without committed results none was."""
        assert self.settings is not None
        locks = self.folder / self.settings.environments
        return any((locks / f"{tab}.txt").is_file() for tab in self.settings.tabs) or any(
            (self.folder / self.settings.outputs).rglob("*.json")
        )

    def build_notebooks(self, progress: Progress, tabs: Sequence[str] = ()) -> Path | None:
        """Bring the notebooks of these frameworks (all, if none are named) up to date; returns their folder."""
        if self.book is None or self.settings is None or not self.book.pages:
            return None
        from octavo.publish import folder
        from octavo.publish.notebooks import notebooks
        from octavo.publish.shelf import Phrases
        from octavo.render.words import numbered, words

        chosen = [tab for tab in self.settings.tabs if not tabs or tab in tabs]
        progress.stage(f"writing the notebooks of {', '.join(chosen)}")
        figure, table, section = numbered(self.settings.language)
        chapter = words(self.settings.language).chapter.format(number="%s")
        phrases = Phrases(chapter, section, figure, table)
        home = self.output / "notebooks"
        with self._alone("writing notebooks", progress):
            for gone in set(folder.known(home)) - {home / tab for tab in self.settings.tabs}:
                folder.clear(gone)
            for made in notebooks(self.book, self.settings, self.editions, self.shown(), chosen, phrases):
                if not made.notebooks:
                    folder.clear(home / made.tab)
                    continue
                changed = folder.bring_up_to_date(home / made.tab, {**made.notebooks, **made.pictures})
                count = f"{len(made.notebooks)} notebook{'s' * (len(made.notebooks) != 1)}"
                progress.note(f"{made.tab}: {count}, {changed} of all files written")
        return home

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
            if tab not in wanted or isinstance(lock, EnvironmentFailure):
                continue  # reading the lock told why there is none
            made = make(lock, environments_home(self.cache), progress.stage)
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


def _place_of_failure(run: Run) -> tuple[str, int] | None:
    span = run.failure.span if run.failure else None
    return (span.path, span.line) if span else None


def _text_of(path: Path) -> str | None:
    """What stands in a file that octavo is about to compare or replace; ``None`` when there is none."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
