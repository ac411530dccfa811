"""The one module that knows every stage: what each command of the command line does, in terms of the pipeline.

source → select → harvest → execute → render. A :class:`Workshop` holds one book while a command works on it; the stages
take values and return values, and what goes wrong ends in :attr:`Workshop.diagnostics`.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from octavo import config
from octavo.diagnostics import Code, Diagnostic, Diagnostics, Severity, error, warning
from octavo.digests import digest, file_digest, file_digests, own_code
from octavo.model import Book, CellKind, Definition, Document, Edition, Inputs, Needs, Run, Span
from octavo.processors import cores
from octavo.receipt import Receipt
from octavo.syntax import LIBRARY_ALIAS

if TYPE_CHECKING:
    from octavo.declarations import Declared
    from octavo.execute.backends.shard import Shard
    from octavo.execute.environments.environment import EnvironmentFailure, Lock
    from octavo.execute.freshness.key import PageFacts, Uses
    from octavo.execute.freshness.library import Graph
    from octavo.execute.freshness.modules import Imports, LocalModules
    from octavo.execute.machine.inventory import Machine
    from octavo.execute.results.collect import Collected
    from octavo.execute.results.store import Results
    from octavo.execute.task import Task
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
    """As the kernel gets it, without comments; what pages show is in :attr:`Workshop.editions`."""
    inputs: Inputs
    key: str
    needs: Needs = field(default_factory=Needs)
    """Limits of time, and what it takes from the machine."""


def shard_of(text: str) -> Shard:
    """``2/4`` → the second of four shares; raises ``ValueError`` with a sentence that says what is wrong."""
    from octavo.execute.backends.shard import Shard

    return Shard.parse(text)


class Workshop:
    """One book while a command works on it. Nothing is read before it is asked for, and nothing twice."""

    def __init__(self, folder: Path, output: Path | None = None) -> None:
        """The book in ``folder``; products go to ``output`` or where its settings say."""
        self.folder = folder.resolve()
        self.diagnostics = Diagnostics()
        self._config = file_digest(self.folder / config.FILE_NAME)
        self.settings, messages = config.load(self.folder)
        self.diagnostics.add(*messages)
        self._output = output
        self._failures: dict[tuple[str, str], Run] = {}
        self.scheduler = ""
        """Address of the cluster that executes pages; empty for this machine."""
        self.invocation: tuple[str, ...] = ("octavo",)
        """How the user calls octavo for this book, which messages repeat."""
        self.executed: list[Run] = []
        """What this command has executed so far, failures included."""
        self.deferred: dict[tuple[str, str], str] = {}
        """(page, framework) → why this machine did not execute it."""
        self._begun = datetime.datetime.now()
        self._broken_links: tuple[Diagnostic, ...] = ()
        self._known_locks: dict[str, Lock | EnvironmentFailure] = {}
        self._known_modules: dict[tuple[Imports, tuple[str, ...]], LocalModules] = {}
        self._module_texts: dict[str, str | None] = {}
        self._watched_paths: set[str] = set()
        self._digests: dict[str, str] = {}
        self._known_files: dict[str, tuple[tuple[str, str], ...]] = {}

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
        if self.settings is not None and "plan" in self.__dict__ and self._output_folder.is_dir():
            with contextlib.suppress(OSError):  # the next command finds out again
                self._watched_file.write_text(json.dumps(self._watched()), encoding="utf-8")

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

        _ = self._sources  # as they are now: whatever changes from here on is new to the next build
        memory, read = self.memory, reading(self.settings)
        memory.read_ahead(dict(texts(self.settings)), read, cores())
        book, messages = read_book(self.settings, lambda path, text: memory.document(path, text, read))
        memory.forget_others(document.path for document in book.pages)
        self._broken_links = tuple(links.check(book, self.settings))
        self.diagnostics.add(*messages, *self._broken_links)
        return book

    @cached_property
    def _sources(self) -> dict[str, str]:
        """Path of each file that the book is read from, its results apart → digest of what stood there before that."""
        from octavo.source.toc import markdown_files

        assert self.settings is not None
        pages = [self.settings.source / f"{page}.md" for page in markdown_files(self.settings)]
        locks = [self.folder / self.settings.environments / f"{tab}.txt" for tab in self.settings.tabs]
        modules = [self.folder / library.file for library in self.settings.libraries.values()]
        return {str(self.folder / config.FILE_NAME): self._config, **file_digests([*pages, *locks, *modules])}

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
        for part in (self.editions, self.libraries, self.declared):
            assert part is not None  # each reports what is wrong when it is first asked for
        if self.settings is not None and (self.folder / self.settings.environments).is_dir():
            assert self._every_lock is not None  # a book that nobody executes with octavo has none

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
        from octavo.execute.results.store import write_whole

        written = []
        for file, text in self._library_files():
            path = self.folder / file
            if _text_of(path) != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(path, text.encode("utf-8"))  # a kernel may be importing it
                if str(path) in self._sources:
                    self._sources[str(path)] = file_digest(path)
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
        from octavo.execute.results.shared import configured
        from octavo.execute.results.store import Results

        assert self.settings is not None
        report = self.diagnostics.add
        shared = configured(self.settings.store, self.settings.store_mode, os.environ, report)
        return Results(self.folder, self.settings.outputs, runs_home(self.cache), report, shared)

    @cached_property
    def locks(self) -> Mapping[str, Lock | EnvironmentFailure]:
        """Framework → its lock, or why there is none."""
        if self.settings is None:
            return {}

        tabs = sorted({tab for _, tab in self.editions}, key=self.settings.tabs.index)
        return {tab: self._lock(tab) for tab in tabs}

    @property
    def _every_lock(self) -> Mapping[str, Lock | EnvironmentFailure]:
        """The locks of all frameworks, and those that pages declare, by their names."""
        named = sorted({one.needs.environment for one in self.declared.values()} - {""})
        return {**self.locks, **{name: self._lock(name) for name in named}}

    def _lock_path(self, name: str) -> str:
        assert self.settings is not None
        return f"{self.settings.environments}/{name}.txt"

    def _lock(self, name: str) -> Lock | EnvironmentFailure:
        """The lock of a name, or why there is none."""
        from octavo.execute.environments.environment import EnvironmentFailure, read_lock

        if name not in self._known_locks:
            shown = self._lock_path(name)
            lock, messages = read_lock(self._noted(shown), shown)
            self.diagnostics.add(*messages)
            self._known_locks[name] = lock or EnvironmentFailure(name, f"{shown} is no complete lock")
        return self._known_locks[name]

    def lock_of(self, tab: str, needs: Needs) -> Lock | EnvironmentFailure:
        """The lock that a page runs with: the one that it declares, or its framework's."""
        return self._lock(needs.environment or tab)

    @cached_property
    def plan(self) -> Mapping[tuple[str, str], Planned]:
        """(page, framework) → what decides its result, for everything that is meant to be executed."""
        if self.settings is None:
            return {}
        return {pair: self._planned(pair, declared) for pair, declared in self.declared.items()}

    def _planned(self, pair: tuple[str, str], declared: Declared) -> Planned:
        """What decides the result of one page in one framework."""
        from octavo.execute.freshness import key
        from octavo.execute.freshness.code import executed_text

        _, tab = pair
        edition, graph = self.editions[pair], self._graph(tab)
        facts = self._page_facts(pair)
        reached = key.reached(facts.uses, graph)
        wanted = facts.imports
        if reached or facts.uses.imported:
            wanted |= graph.imported_by(reached)
        modules = self._modules(wanted, tuple(name for name, _ in declared.modules))
        uses = facts.uses
        for path, text in modules.files.items():
            uses |= self._uses_of_module(path, text)
        verbatim = facts.looks or bool(key.reached(uses, graph) & graph.looking)
        options = dict(self._options)
        options.update(self._files_and_variables(declared.files, declared.variables))
        for path, text in modules.files.items():
            options[f"module {path}"] = key.digest(text if verbatim else executed_text(text))
        for other, library in self._libraries_named(wanted, tab):
            options[f"module {library.file}"] = key.digest(repr(sorted(self._graph(other).digests.items())))
        if declared.needs.cpus != 1:
            options["cpus"] = str(declared.needs.cpus)
        lock = self.lock_of(tab, declared.needs)
        shown = edition if verbatim else facts.executed
        inputs = key.inputs(shown, uses, graph, getattr(lock, "versions", {}), options, verbatim=verbatim)
        return Planned(shown, inputs, key.key(inputs), declared.needs)

    def _page_facts(self, pair: tuple[str, str]) -> PageFacts:
        """What the cells of a page tell by themselves, found out once for each text of the page."""
        from octavo.execute.freshness.key import page_facts

        assert self.book is not None
        edition = self.editions[pair]
        document = self._documents[pair[0]]
        return self.memory.fact(
            document, "execute", pair[1], lambda: page_facts(edition, _uses(c.code.text for c in edition.cells))
        )

    @cached_property
    def _documents(self) -> Mapping[str, Document]:
        return {document.page: document for document in self.book.pages} if self.book else {}

    @cached_property
    def graphs(self) -> Mapping[str, Graph]:
        """Framework → the definitions of its library, as results depend on them. The module's text is not made for it.

        They are known as long as the saved cells are the same, wherever on their pages these stand.
        """
        if self.settings is None:
            return {}
        from octavo.execute.freshness.library import Graph
        from octavo.harvest.head import head_of
        from octavo.harvest.module import definitions

        graphs: dict[str, Graph] = {}
        for tab, library in self.settings.libraries.items():
            editions = [e for (page, t), e in self.editions.items() if t == tab and self.settings.is_notebook(page)]
            existing = _text_of(self.folder / library.file)
            saved = [(e.page, c.branches) for e in editions for c in e.cells if "@save" in c.branches.text]

            lines = [(page, code.lines) for page, code in saved]

            def make(*given: Any, lines: list[tuple[str, tuple[int, ...]]] = lines) -> _Library:
                found, messages = definitions(*given)
                return Graph.of(found), messages, lines

            facts = digest(library, head_of(existing), [(page, code.text) for page, code in saved])
            name, find = f"library {tab}", partial(make, editions, library, existing)
            graph, messages, known_lines = self.memory.made(name, facts, find)
            if known_lines != lines:
                if messages:  # which name places
                    graph, messages, _ = find()
                else:
                    graph = replace(graph, definitions=_moved(graph.definitions, known_lines, lines))
            if self._harvests_compatibly:
                messages = tuple(replace(message, severity=Severity.WARNING) for message in messages)
            self.diagnostics.add(*messages)
            graphs[tab] = graph
        return graphs

    def _graph(self, tab: str) -> Graph:
        from octavo.execute.freshness.library import EMPTY

        return self.graphs.get(tab, EMPTY)

    @cached_property
    def declared(self) -> Mapping[tuple[str, str], Declared]:
        """(page, framework) → what is declared about executing it, for everything that is meant to be executed."""
        if self.settings is None or not self.settings.eval_notebook:
            return {}
        from octavo import declarations

        found: dict[tuple[str, str], Declared] = {}
        for (page, tab), edition in self.editions.items():
            if self.settings.is_notebook(page):
                found[page, tab], messages = declarations.of(self._documents[page], edition, self.settings)
                self.diagnostics.add(*messages)
        pages = {page for page, _ in found}
        for section in self.settings.execute_sections:
            if not any(self.settings.matches(section.glob, page) for page in pages):
                self.diagnostics.add(
                    warning(
                        Code.DECLARATION,
                        f"[execute {section.glob}] names no page that is executed",
                        section.span,
                        hint="name pages as chapter_x/page.md, chapter_x/* or **/*",
                    )
                )
        for declared in found.values():
            for name, span in declared.modules:
                if not any((self.folder / path).is_file() for path in _files_of_module(name)):
                    message = f"modules: the book has no module {name}, so no result depends on it"
                    hint = "name it as it is imported from the book's folder: tools.plots for tools/plots.py"
                    self.diagnostics.add(warning(Code.MISSING_FILE, message, span, hint=hint))
        return found

    def suggestions(self, pages: Sequence[str] | None = None, tabs: Sequence[str] = ()) -> list[Span]:
        """For each page that looks as if it uses a graphics card and declares none: the first line that looks so."""
        from octavo.declarations import suggests_gpu

        found: dict[str, Span] = {}
        for planned in self.all(pages, tabs):
            edition = planned.edition
            if planned.needs.gpus == (0, 0) and edition.page not in found:
                document = self._documents[edition.page]
                place = self.memory.fact(document, "gpu", edition.tab, partial(suggests_gpu, edition))
                if place is not None:
                    found[edition.page] = place
        return list(found.values())

    # -- modules of the book's own that pages import

    def _modules(self, wanted: Imports, named: tuple[str, ...]) -> LocalModules:
        """The book's modules that code imports; asked often for the same imports, and answered once."""
        from octavo.execute.freshness.modules import is_plain_init, local_modules

        if (wanted, named) not in self._known_modules:
            assert self.settings is not None
            libraries = self.settings.libraries.values()
            found = local_modules(
                wanted,
                self._module_text,
                lambda: self._every_module,
                skip=frozenset(library.file for library in libraries),
                folders=self._import_folders,
                named=named,
            )
            inits = {f"{library.package}/__init__.py" for library in libraries if library.package}
            files = {p: t for p, t in found.files.items() if p not in inits or not is_plain_init(t)}
            self._known_modules[wanted, named] = replace(found, files=dict(sorted(files.items())))
            self._watched_paths.update(found.looked_for)
        return self._known_modules[wanted, named]

    @property
    def _import_folders(self) -> tuple[str, ...]:
        """Folders on a kernel's import path, relative to the book's: that and the source folder, which pages see."""
        assert self.settings is not None
        source = self.settings.source_dir.strip("/")
        return ("",) if source in ("", ".") else ("", source)

    @cached_property
    def _every_module(self) -> tuple[str, ...]:
        from octavo.execute.freshness.modules import modules_of

        assert self.settings is not None
        made = (self.settings.output_dir, self.settings.outputs, self.settings.environments)
        without = [self._output_folder, *(self.folder / name for name in made)]
        return tuple(modules_of(self.folder, self._import_folders, without))

    def _module_text(self, path: str) -> str | None:
        if path not in self._module_texts:
            self._module_texts[path] = _text_of(self._noted(path))
        return self._module_texts[path]

    def _uses_of_module(self, path: str, text: str) -> Uses:
        """What a module of the book's own does with the library; one beside it can reach it without naming it."""
        from octavo.execute.freshness.key import Uses
        from octavo.execute.freshness.modules import imports

        assert self.settings is not None
        uses = _uses([text])
        beside = any(path.startswith(f"{library.package}/") for library in self.settings.libraries.values())
        return Uses(uses.reads, True, uses.imported) if beside and imports(text).relative else uses

    def _libraries_named(self, wanted: Imports, tab: str) -> Iterator[tuple[str, config.Library]]:
        """Other frameworks' libraries that code imports."""
        assert self.settings is not None
        for other, library in self.settings.libraries.items():
            if other != tab and any(n == library.module or n.startswith(f"{library.module}.") for n in wanted.names):
                yield other, library

    # -- what has to be the same for a product to be up to date, besides the book's source

    def _watched(self) -> dict[str, list[str]]:
        """What results depend on outside of the book's source, as its pages declare and import it."""
        assert self.plan is not None  # making it finds out which modules are imported
        names = {name for declared in self.declared.values() for name, _ in declared.variables}
        globs = {name for declared in self.declared.values() for name, _ in declared.files}
        locks = {self._lock_path(d.needs.environment) for d in self.declared.values() if d.needs.environment}
        return {"paths": sorted(self._watched_paths | locks), "globs": sorted(globs), "variables": sorted(names)}

    @property
    def _watched_file(self) -> Path:
        return self._output_folder / "watched.json"

    def _dependencies(self) -> object:
        """Digests of what pages declare and import; of pages that were not read, as the last command wrote it down."""
        if not self._has_results:
            return None  # nobody executes this book, and it may not have what that takes
        if not self._has_results:
            return None  # nothing is executed that could depend on them, and nobody asks for locks
        if "book" in self.__dict__:
            watched = self._watched()
        else:
            try:
                watched = json.loads(self._watched_file.read_text(encoding="utf-8"))
                names = [[str(name) for name in watched[kind]] for kind in ("paths", "globs", "variables")]
            except (OSError, ValueError, TypeError, KeyError):
                return None
            watched = dict(zip(("paths", "globs", "variables"), names, strict=True))
        files = [self._files_of(glob) for glob in watched["globs"]]
        for path in watched["paths"]:
            self._noted(path)
        paths = [(path, self._digests[path]) for path in watched["paths"]]
        return paths, files, list(self._variables(watched["variables"]))

    def _noted(self, path: str) -> Path:
        """A file of the book that is about to be read. Its digest as it is now is kept: it may change meanwhile."""
        self._digests.setdefault(path, file_digest(self.folder / path))
        return self.folder / path

    @cached_property
    def _options(self) -> Mapping[str, str]:
        """What :meth:`_declared` gave before anything was executed."""
        return dict(self._declared())

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
            yield from self._files_of(glob)
        yield from self._variables(self.settings.variables)

    def _files_and_variables(
        self, files: Iterable[tuple[str, Span]], variables: Iterable[tuple[str, Span]]
    ) -> Iterator[tuple[str, str]]:
        """The same of what a page declares."""
        for glob, span in files:
            found = self._files_of(glob)
            if not found:
                message = f"files: names {glob}, which no file of the book is, so no result depends on it"
                hint = "name files by their paths from the book's folder; * and ** stand for many"
                self.diagnostics.add(warning(Code.MISSING_FILE, message, span, hint=hint))
            yield from found
        yield from self._variables(name for name, _ in variables)

    def _files_of(self, glob: str) -> tuple[tuple[str, str], ...]:
        """The files that a glob names, each with its digest."""
        if glob not in self._known_files:
            paths = sorted(path for path in self.folder.glob(glob) if path.is_file())
            self._known_files[glob] = tuple(
                (f"file {path.relative_to(self.folder).as_posix()}", file_digest(path)) for path in paths
            )
        return self._known_files[glob]

    def _variables(self, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        for name in names:
            if name in os.environ:
                yield f"variable {name}", hashlib.sha256(os.fsencode(os.environ[name])).hexdigest()

    def states(self, pages: Sequence[str] | None = None, tabs: Sequence[str] = ()) -> list[PageState]:
        """How every result that is meant to be there stands, in reading order."""
        return [self._state(planned) for planned in self.all(pages, tabs)]

    def _state(self, planned: Planned) -> PageState:
        from octavo.execute import failures
        from octavo.execute.freshness import key

        edition = planned.edition
        page, tab = edition.page, edition.tab
        if self._is_fresh(planned):
            return PageState(page, tab, "fresh")
        failed = self.results.local.failed(planned.key)
        if failed is not None and failed.failure is not None:
            return PageState(page, tab, "failed", failures.reasons(failed, self.invocation))
        last = self.results.last(page, tab)
        if last is None:
            return PageState(page, tab, "missing", ("it was never executed", *self._lack(planned)))
        reasons = key.reasons(last.inputs, planned.inputs, edition, self._graph(tab).definitions)
        return PageState(page, tab, "stale", (*reasons, *self._lack(planned)))

    def _lack(self, planned: Planned) -> tuple[str, ...]:
        """Why this machine cannot execute a page, if it cannot."""
        from octavo.execute.machine.slots import Lack, judge

        if not planned.needs.gpus[0]:
            return ()
        lack = judge(planned.needs, self._machine, self._machine.cores)
        return (f"it {lack.message}",) if isinstance(lack, Lack) else ()

    @cached_property
    def _machine(self) -> Machine:
        """What this machine has, looked at only where a page must have a graphics card."""
        from octavo.execute.machine.inventory import this_machine

        return this_machine()

    def all(self, pages: Sequence[str] | None = None, tabs: Sequence[str] = ()) -> list[Planned]:
        """Everything that is meant to be executed among ``pages`` and ``tabs`` (all, if none are named)."""
        return [
            planned
            for (page, tab), planned in self.plan.items()
            if (pages is None or page in pages) and (not tabs or tab in tabs)
        ]

    def stale(self, pages: Sequence[str] | None = None, tabs: Sequence[str] = ()) -> list[Planned]:
        """What has no fresh result, among ``pages`` and ``tabs``; one that failed is tried again."""
        every = self.all(pages, tabs)
        if every:
            self._fetch(every)
        return [planned for planned in every if not self._is_fresh(planned)]

    def _is_fresh(self, planned: Planned) -> bool:
        """Whether there is a good result with this key. A committed one that was read before is not read again."""
        page, tab = planned.edition.page, planned.edition.tab
        path = self.results.committed.path(page, tab)
        fact = (file_digest(path), planned.key)
        known = self.memory.others.get(f"result {page} {tab}")
        if fact[0] and known == fact and not path.is_symlink():
            return True
        if not self.results.has(planned.key, page, tab):
            return False
        last = self.results.last(page, tab) if fact[0] else None
        # one with pictures is good only as long as these are
        if last is not None and last.key == planned.key and not any(o.data for c in last.cells for o in c.outputs):
            self.memory.made(f"result {page} {tab}", fact[0], lambda: planned.key)
        return True

    def _fetch(self, wanted: Iterable[Planned]) -> None:
        """Bring results of the shared store here: all at once, and before anybody relies on their being good."""
        self.results.fetch((one.key, one.edition.page, one.edition.tab) for one in wanted)

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
            self.results.share(one.key for one in left)  # what the shared store did not take at once
        if not self.diagnostics.has_errors:  # which may hide pages
            self.results.committed.prune(self.editions)
        return runs

    def _run(self, chosen: Sequence[Planned], progress: Progress, jobs: int | None, rerun: bool) -> list[Run]:
        """Execute all of ``chosen``, keep their results and report their failures."""
        from octavo.execute.schedule import run_all
        from octavo.execute.scratch import working_folder
        from octavo.execute.task import Task

        assert self.settings is not None
        tasks = [
            Task(
                edition=planned.edition,
                inputs=planned.inputs,
                key=planned.key,
                lock=self.lock_of(planned.edition.tab, planned.needs),
                folder=self.output / "run" / planned.edition.tab,
                library=self.folder,
                needs=planned.needs,
                expected=self.results.seconds(planned.edition.page, planned.edition.tab),
            )
            for planned in chosen
        ]
        known = {(t.edition.page, t.edition.tab): t.expected for t in tasks if t.expected is not None}
        progress.begin(len(tasks), known)

        source, resources = self.settings.source, tuple(self.settings.resource_paths())
        (self.output / "run").mkdir(exist_ok=True)  # what is in its way is told once, and not of each page

        def keep(run: Run) -> None:
            run = self._in_pages(run)
            self.results.save(run, forced=rerun)
            self.executed.append(run)

        def prepare(task: Task) -> Path:
            return working_folder(task.folder, task.edition.page, source, resources)

        if self.scheduler:
            runs = self._run_on_cluster(tasks, progress, keep, rerun)
        else:
            jobs, fork = jobs or self.settings.jobs, self.settings.fork != "never"
            runs = run_all(tasks, jobs, progress, keep, cache=self.cache, prepare=prepare, fork=fork)
        failed = [run for run in runs if run.failure is not None and run.failure.reason != "deferred"]
        self._failures = {(run.page, run.tab): run for run in map(self._in_pages, failed)}
        self._tell_failures([self._in_pages(run) for run in runs])
        return runs

    def _run_on_cluster(
        self, tasks: Sequence[Task], progress: Progress, keep: Callable[[Run], None], rerun: bool
    ) -> list[Run]:
        """Execute tasks on the workers of the cluster; gives the runs that there are when it has to give up."""
        from octavo.execute.backends import parcel
        from octavo.execute.backends.distributed import Cluster, ClusterError
        from octavo.execute.backends.message import Manifest

        assert self.settings is not None
        shared = self.results.shared
        assert shared is not None  # without it the scheduler is not asked for
        declared = {name[len("file ") :] for task in tasks for name in task.inputs.options if name.startswith("file ")}
        files = parcel.files_of_book(self.settings, {*self._every_module, *declared})
        progress.stage(f"{len(files)} of the book's files go into the shared store, unless they are there")
        done: list[Run] = []

        def keep_and_remember(run: Run) -> None:
            done.append(run)
            keep(run)

        try:
            manifest = Manifest(
                book=f"{parcel.plain(self.settings.name)}-{digest(str(self.folder))[:16]}",
                files=parcel.send(files, shared.put_blob),
                source=os.path.relpath(self.settings.source, self.folder),
                resources=parcel.resources(self.settings),
            )
            fork = self.settings.fork != "never"
            return Cluster(self.scheduler, shared, manifest, rerun, fork).run_all(tasks, progress, keep_and_remember)
        except ClusterError as problem:
            self.diagnostics.add(error(Code.CLUSTER, str(problem), hint=problem.hint))
        except OSError as problem:  # of the store, which has been told, or of one of the files
            message = f"the book's files cannot be sent to the workers: {problem.strerror or problem}"
            self.diagnostics.add(error(Code.CLUSTER, message))
        return done

    def share(
        self, shard: Shard, chosen: Sequence[Planned], pages: Sequence[str] | None, tabs: Sequence[str]
    ) -> list[Planned]:
        """What of ``chosen`` one of several machines is to execute, of all that ``pages`` and ``tabs`` name."""
        from octavo.execute.backends.shard import Piece, settled

        shared = self.results.shared
        if shared is None or shared.mode != "read-write":
            self.diagnostics.add(
                warning(
                    Code.SHARED_STORE,
                    f"no other machine gets the results of the share {shard}, "
                    + ("since there is no shared store" if shared is None else f"since the store is {shared.mode}"),
                    hint="set [execute] store, or the variable OCTAVO_STORE, to a place that all machines may write",
                )
            )
            shared = None
        left = {(planned.edition.page, planned.edition.tab) for planned in chosen}

        def seconds(page: str, tab: str) -> float | None:
            return self.results.seconds(page, tab) if (page, tab) in left else 0.0

        pieces = [Piece(one.edition.page, one.edition.tab, one.key) for one in self.all(pages, tabs)]
        try:
            shares = settled(pieces, shard.number, seconds, shared.create if shared else None)
        except OSError as problem:
            # to guess here would leave pages to nobody, or to several
            message = f"the machines cannot settle who executes what: {problem.strerror or problem}"
            self.diagnostics.add(error(Code.SHARED_STORE, message, hint="try again when the shared store answers"))
            return []
        return [one for one in chosen if shares[one.edition.page, one.edition.tab] == shard.index]

    def _in_pages(self, run: Run) -> Run:
        """A run whose failure is told in the lines of pages, where it went through the library too."""
        from octavo.execute.kernels.tracebacks import in_pages
        from octavo.harvest.sources import author_place

        library = self.libraries.get(run.tab)
        if run.failure is None or library is None:
            return run

        def find(path: str, line: int) -> Span | None:
            return author_place(library, line, self.read_line) if path == library.file else None

        return replace(run, failure=in_pages(run.failure, find))

    def _tell_failures(self, runs: Sequence[Run]) -> None:
        """Report failed runs, all at the end.

        A mistake that reading the page or the lock told of is not told twice: it only gets the command that repeats it.
        """
        from octavo.execute import failures
        from octavo.execute.environments.environment import EnvironmentFailure

        for run in runs:
            if run.failure is not None and run.failure.reason == "deferred":
                self.deferred[run.page, run.tab] = run.failure.message
        known = {(d.span.path, d.span.line) for d in self.diagnostics if d.code is Code.SYNTAX_ERROR and d.span}
        unread = {tab for tab, lock in self.locks.items() if isinstance(lock, EnvironmentFailure)}
        failed = [run for run in runs if run.failure is not None and run.tab not in unread]
        told: dict[tuple[str, int], list[Run]] = {}
        for run in failed:
            place = _place_of_failure(run)
            if place is not None and place in known:
                told.setdefault(place, []).append(run)

        def with_command(message: Diagnostic) -> Diagnostic:
            runs = told.get((message.span.path, message.span.line)) if message.span else None
            if message.code is not Code.SYNTAX_ERROR or not runs:
                return message
            command = failures.command(runs[0].page, [run.tab for run in runs], self.invocation)
            return replace(message, command=command)

        self.diagnostics.amend(with_command)
        untold = [run for run in failed if _place_of_failure(run) not in told]
        self.diagnostics.add(*failures.diagnostics(untold, self.editions, self.invocation))

    def report(
        self, pages: Sequence[str] | None, tabs: Sequence[str], *, junit: Path | None = None, json: Path | None = None
    ) -> None:
        """Write what this command has done for these pages (all, if none are named) as files for other programs."""
        if junit is None and json is None:
            return
        from octavo.execute import report
        from octavo.execute.results.files import write_whole

        # a command that did not come to its plan has nothing to say of pages
        planned = self.all(pages, tabs) if "plan" in self.__dict__ else []
        by_pair = {(one.edition.page, one.edition.tab): one for one in planned}
        editions = {pair: one.edition for pair, one in by_pair.items()}

        def is_fresh(pair: tuple[str, str]) -> bool:
            return self._is_fresh(by_pair[pair])

        done = report.entries(editions, self.executed, self.deferred, is_fresh, self.invocation)
        texts: dict[Path, str] = {}
        if junit is not None:
            texts[junit] = report.junit(done, self.read_line, self._begun)
        if json is not None:
            texts[json] = report.to_json(done, editions, self.diagnostics, self.read_line)
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text.encode("utf-8"))

    @contextlib.contextmanager
    def _alone(self, doing: str, progress: Progress) -> Iterator[None]:
        """Keep other builds of the same output folder from doing the same until the block ends."""
        from octavo.execute.processes import exclusive

        lock = self.output / f".{doing.replace(' ', '-')}.lock"
        with exclusive(lock, lambda: progress.note(f"another octavo is {doing} here: waiting for it")):
            yield

    def _commit_known(self) -> None:
        """Make the results that are known from elsewhere, another branch, checkout or machine, the committed ones."""
        self._fetch(self.plan.values())
        self.results.share(planned.key for planned in self.plan.values())
        for (page, tab), planned in self.plan.items():
            last = self.results.last(page, tab)
            if last is None or last.key != planned.key:
                known = self.results.find(planned.key, page, tab)
                if known is not None:
                    self.results.commit(replace(known, page=page))

    def shown(self) -> Mapping[tuple[str, str], Run]:
        """(page, framework) → the results to render: fresh ones, this build's failures, or the last ones there are."""
        runs: dict[tuple[str, str], Run] = {}
        if not self._has_results:
            return runs
        self._fetch(self.plan.values())
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
        if receipt is None or not receipt.holds(self._facts_of_site()):
            return None
        if not receipt.executed and (execute or self.results.shared is not None):
            return None  # somebody may have shared what was missing
        self.diagnostics.add(*receipt.messages)
        return Path(receipt.products[0])

    def build_html(self, progress: Progress, tabs: Sequence[str] = ()) -> Path | None:
        """Bring the website up to date; returns its front page, or ``None`` when there is no book to render.

        With ``tabs`` it is a website of these frameworks alone, in a folder of its own.
        """
        if self.book is None or self.settings is None or not self.book.pages:
            return None
        from octavo.render.project import render_html
        from octavo.source import links

        facts = self._facts_of_site()
        if self._has_results:
            self._fetch(self.plan.values())
        results = file_digests(self._result_files())  # before they are read, as everything else
        found = Diagnostics()
        runs = self.shown()
        planned = self.all(tabs=tabs) if self._has_results else []
        stale = sum(not self._is_fresh(one) for one in planned)
        if stale:
            progress.note(f"{stale} of {len(planned)} results are missing or older than their pages")
        progress.stage(f"rendering {len(self.book.pages)} pages")
        receipt = self._site("receipt", tabs)
        with self._alone("rendering", progress):
            receipt.unlink(missing_ok=True)  # from here on the site is not what was built before
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
            products = tuple(map(str, (site.front, *site.pages)))
            # a picture that was missing when the pages were read may have been there when they were rendered
            if site.complete and tuple(links.check(self.book, self.settings)) == self._broken_links:
                files = {**results, **site.files}
                Receipt(facts, files, products, tuple(self.diagnostics), executed).save(receipt)
        return site.front

    def _facts_of_site(self) -> str:
        """Digest of what a website depends on, besides results and the files that rendering finds."""
        assert self.settings is not None
        results = self.folder / self.settings.outputs
        kept = sorted(path.relative_to(results).as_posix() for path in results.rglob("*"))
        places = (str(self.folder), str(self._output_folder))
        return digest(own_code(), places, self.settings, self._sources, kept, self._options, self._dependencies())

    def _result_files(self) -> Iterator[str]:
        """Files that hold results, or would."""
        assert self.settings is not None
        results = self.folder / self.settings.outputs
        yield from (str(path) for path in results.rglob("*") if path.is_file())
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
        from octavo.execute.environments.environment import Lock, existing, folder_of
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
            for tab, lock in self._every_lock.items()
            if isinstance(lock, Lock)
        ]

    def make_environments(self, tabs: Iterable[str], progress: Progress) -> None:
        """Make the environments of these frameworks, or of all."""
        from octavo.execute.environments.environment import EnvironmentFailure, make
        from octavo.execute.home import environments_home

        wanted = set(tabs) or set(self._every_lock)
        for tab, lock in self._every_lock.items():
            if tab not in wanted or isinstance(lock, EnvironmentFailure):
                continue  # reading the lock told why there is none
            made = make(lock, environments_home(self.cache), progress.stage)
            if isinstance(made, EnvironmentFailure):
                self.diagnostics.add(made.diagnostic())
            else:
                progress.note(f"the environment of {tab} is {made.folder}")

    def remove_environments(self, tabs: Iterable[str]) -> list[Path]:
        """Remove the environments of these frameworks' present locks; returns the folders removed."""
        from octavo.execute.environments.environment import Lock, folder_of
        from octavo.execute.home import environments_home

        removed = []
        for tab in tabs:
            lock = self._every_lock.get(tab)
            folder = folder_of(lock, environments_home(self.cache)) if isinstance(lock, Lock) else None
            if folder is not None and folder.is_dir():
                shutil.rmtree(folder)
                removed.append(folder)
        return removed

    def collect(self, largest: int | None, *, shared: bool, dry_run: bool) -> Collected | None:
        """Remove from the cache, or from the shared store, what nobody needs; until ``largest`` bytes are left.

        ``None`` when nothing can be said about what this book needs. With ``dry_run`` nothing is removed.
        """
        if self.settings is None:
            return None
        from octavo.execute.environments.environment import Lock, folder_of
        from octavo.execute.home import environments_home
        from octavo.execute.results import collect
        from octavo.execute.results.shared import StoreError

        keys = {planned.key for planned in self.plan.values()}
        locks = (self._lock(path.stem) for path in sorted((self.folder / self.settings.environments).glob("*.txt")))
        home = environments_home(self.cache)
        environments = {folder_of(lock, home).name for lock in locks if isinstance(lock, Lock)}
        if self.diagnostics.has_errors:  # which may hide pages and locks, and what those need
            return None
        store = self.results.shared if shared else None
        if shared and (store is None or store.mode != "read-write"):
            message = "there is no shared store that this build may write"
            hint = "set [execute] store or OCTAVO_STORE, and see that no mode forbids it"
            self.diagnostics.add(error(Code.SHARED_STORE, message, hint=hint))
            return None
        try:
            items = collect.in_store(store, keys) if store else collect.in_cache(self.cache, keys, environments)
            found = collect.choose(items, largest, time.time())
            if dry_run:
                return found
            if store:
                return collect.without(found, collect.remove_from_store(store, found.removed))
            return collect.without(found, collect.remove_from_cache(self.cache, found.removed))
        except StoreError:
            return None  # it has been told

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


_Library: TypeAlias = "tuple[Graph, tuple[Diagnostic, ...], list[tuple[str, tuple[int, ...]]]]"
"""A library's definitions, what is wrong with them, and the lines on which its saved cells stood."""


def _uses(texts: Iterable[str]) -> Uses:
    """What cells, or a module, have to do with the library."""
    from octavo.execute.freshness.code import executed_text
    from octavo.execute.freshness.key import Uses
    from octavo.harvest.names import analyse

    uses = Uses()
    for text in texts:
        names = analyse(text)
        imported = _IMPORTS_LIBRARY.search(executed_text(text)) is not None
        uses |= Uses(names.library_reads, names.dynamic, imported)
    return uses


def _moved(
    definitions: Mapping[str, Definition],
    old: Sequence[tuple[str, Sequence[int]]],
    new: Sequence[tuple[str, Sequence[int]]],
) -> dict[str, Definition]:
    """Definitions whose cells stand on other lines now, cell for cell the same."""
    lines: dict[tuple[str, int], int] = {}
    for (page, before), (_, after) in zip(old, new, strict=True):
        lines.update({(page, line): number for line, number in zip(before, after, strict=True)})

    def moved(definition: Definition) -> Definition:
        span = definition.span
        first, last = (lines.get((definition.page, line), line) for line in (span.line, span.end))
        return replace(definition, span=replace(span, line=first, end=last))

    return {key: moved(definition) for key, definition in definitions.items()}


def _files_of_module(name: str) -> tuple[str, str]:
    path = name.replace(".", "/")
    return f"{path}.py", f"{path}/__init__.py"


def _place_of_failure(run: Run) -> tuple[str, int] | None:
    span = run.failure.span if run.failure else None
    return (span.path, span.line) if span else None


def _text_of(path: Path) -> str | None:
    """What stands in a file that octavo is about to compare or replace; ``None`` when there is none."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
