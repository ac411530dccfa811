"""What is meant to be executed, and what decides each result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

from octavo import config
from octavo.build.definitions import Definitions, library_uses
from octavo.build.desk import Desk
from octavo.build.locks import Locks
from octavo.build.modules import Modules
from octavo.build.outside import Outside
from octavo.diagnostics import Code, warning
from octavo.model import Edition, Inputs, Needs, Span

if TYPE_CHECKING:
    from octavo.declarations import Declared
    from octavo.execute.freshness.key import PageFacts
    from octavo.execute.freshness.modules import Imports


@dataclass(frozen=True, slots=True)
class Planned:
    """One page in one framework, with all that decides its result."""

    edition: Edition
    """As the kernel gets it, without comments; what pages show is in :attr:`Desk.editions`."""
    inputs: Inputs
    key: str
    needs: Needs = field(default_factory=Needs)
    """Limits of time, and what it takes from the machine."""


@dataclass(eq=False)
class Plan:
    """Editions, and what they declare, → keys."""

    desk: Desk
    definitions: Definitions
    outside: Outside
    locks: Locks
    modules: Modules

    @property
    def is_made(self) -> bool:
        """Whether anybody has asked for it yet."""
        return "planned" in self.__dict__

    @cached_property
    def planned(self) -> Mapping[tuple[str, str], Planned]:
        """(page, framework) → what decides its result, for everything that is meant to be executed."""
        return {pair: self._planned(pair, declared) for pair, declared in self.declared.items()}

    def chosen(self, pages: Sequence[str] | None = None, tabs: Sequence[str] = ()) -> list[Planned]:
        """Everything that is meant to be executed among ``pages`` and ``tabs`` (all, if none are named)."""
        return [
            planned
            for (page, tab), planned in self.planned.items()
            if (pages is None or page in pages) and (not tabs or tab in tabs)
        ]

    @cached_property
    def declared(self) -> Mapping[tuple[str, str], Declared]:
        """(page, framework) → what is declared about executing it, for everything that is meant to be executed."""
        if not self.desk.has_settings or not self.desk.settings.eval_notebook:
            return {}
        from octavo import declarations

        settings = self.desk.settings
        found: dict[tuple[str, str], Declared] = {}
        for (page, tab), edition in self.desk.editions.items():
            if settings.is_notebook(page):
                found[page, tab], messages = declarations.of(self.desk.documents[page], edition, settings)
                self.desk.diagnostics.add(*messages)
        pages = {page for page, _ in found}
        for section in settings.execute_sections:
            if not any(settings.matches(section.glob, page) for page in pages):
                self.desk.diagnostics.add(
                    warning(
                        Code.DECLARATION,
                        f"[execute {section.glob}] names no page that is executed",
                        section.span,
                        hint="name pages as chapter_x/page.md, chapter_x/* or **/*",
                    )
                )
        for declared in found.values():
            for name, span in declared.modules:
                if not any((self.desk.folder / path).is_file() for path in _files_of_module(name)):
                    message = f"modules: the book has no module {name}, so no result depends on it"
                    hint = "name it as it is imported from the book's folder: tools.plots for tools/plots.py"
                    self.desk.diagnostics.add(warning(Code.MISSING_FILE, message, span, hint=hint))
        return found

    def suggestions(self, pages: Sequence[str] | None = None, tabs: Sequence[str] = ()) -> list[Span]:
        """For each page that looks as if it uses a graphics card and declares none: the first line that looks so."""
        from octavo.declarations import suggests_gpu

        found: dict[str, Span] = {}
        for planned in self.chosen(pages, tabs):
            edition = planned.edition
            if planned.needs.gpus == (0, 0) and edition.page not in found:
                document = self.desk.documents[edition.page]
                place = self.desk.memory.fact(document, "gpu", edition.tab, partial(suggests_gpu, edition))
                if place is not None:
                    found[edition.page] = place
        return list(found.values())

    def _planned(self, pair: tuple[str, str], declared: Declared) -> Planned:
        """What decides the result of one page in one framework."""
        from octavo.execute.freshness import key
        from octavo.execute.freshness.code import executed_text, looks_at_source

        _, tab = pair
        edition, graph = self.desk.editions[pair], self.definitions.graph(tab)
        facts = self._page_facts(pair)
        reached = key.reached(facts.uses, graph)
        wanted = facts.imports
        if reached or facts.uses.imported:
            wanted |= graph.imported_by(reached)
        modules = self.modules.imported(wanted, tuple(name for name, _ in declared.modules))
        uses = facts.uses
        for path, text in modules.files.items():
            uses |= self.modules.uses(path, text)
        looking = bool(key.reached(uses, graph) & graph.looking) or any(map(looks_at_source, modules.files.values()))
        verbatim = facts.looks or looking
        options = dict(self.outside.of_settings)
        options.update(self.outside.of_page(declared.files, declared.variables))
        for path, text in modules.files.items():
            options[f"module {path}"] = key.digest(text if verbatim else executed_text(text))
        for other, library in self._libraries_named(wanted, tab):
            options[f"module {library.file}"] = key.digest(repr(sorted(self.definitions.graph(other).digests.items())))
        if declared.needs.cpus != 1:
            options["cpus"] = str(declared.needs.cpus)
        lock = self.locks.of(tab, declared.needs)
        shown = edition if verbatim else facts.executed
        inputs = key.inputs(shown, uses, graph, getattr(lock, "versions", {}), options, verbatim=verbatim)
        return Planned(shown, inputs, key.key(inputs), declared.needs)

    def _page_facts(self, pair: tuple[str, str]) -> PageFacts:
        """What the cells of a page tell by themselves, found out once for each text of the page."""
        from octavo.execute.freshness.key import page_facts

        edition = self.desk.editions[pair]
        document = self.desk.documents[pair[0]]
        return self.desk.memory.fact(
            document, "execute", pair[1], lambda: page_facts(edition, library_uses(c.code.text for c in edition.cells))
        )

    def _libraries_named(self, wanted: Imports, tab: str) -> Iterator[tuple[str, config.Library]]:
        """Other frameworks' libraries that code imports."""
        for other, library in self.desk.settings.libraries.items():
            if other != tab and any(n == library.module or n.startswith(f"{library.module}.") for n in wanted.names):
                yield other, library


def _files_of_module(name: str) -> tuple[str, str]:
    path = name.replace(".", "/")
    return f"{path}.py", f"{path}/__init__.py"
