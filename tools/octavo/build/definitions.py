"""The definitions of each framework's library as results depend on them, and what code has to do with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from octavo import config
from octavo.build.desk import Desk, text_of
from octavo.build.libraries import Libraries
from octavo.diagnostics import Diagnostic, Severity
from octavo.digests import digest
from octavo.model import Definition
from octavo.syntax import LIBRARY_ALIAS

if TYPE_CHECKING:
    from octavo.execute.freshness.key import Uses
    from octavo.execute.freshness.library import Graph

# by its text: an import inside of a magic or a call counts too, and one in a comment costs nothing but a run
_IMPORTS_LIBRARY = re.compile(rf"\bimport.*\b{LIBRARY_ALIAS}\b|\b{LIBRARY_ALIAS}\b.*\bimport")

_Library: TypeAlias = "tuple[Graph, tuple[Diagnostic, ...], list[tuple[str, tuple[int, ...]]]]"
"""A library's definitions, what is wrong with them, and the lines on which its saved cells stood."""


@dataclass(eq=False)
class Definitions:
    """Editions → the graph of each library's definitions."""

    desk: Desk
    libraries: Libraries

    @cached_property
    def graphs(self) -> Mapping[str, Graph]:
        """Framework → the definitions of its library, as results depend on them. The module's text is not made for it.

        They are known as long as the saved cells are the same, wherever on their pages these stand.
        """
        for _, messages in self._made.values():
            self.desk.diagnostics.add(*messages)
        return {tab: graph for tab, (graph, _) in self._made.items()}

    @property
    def held(self) -> Mapping[str, tuple[Definition, ...]]:
        """Framework → what its library holds. What is wrong with it is not told: who only shows it need not know."""
        return {tab: tuple(graph.definitions.values()) for tab, (graph, _) in self._made.items()}

    @cached_property
    def _made(self) -> Mapping[str, tuple[Graph, tuple[Diagnostic, ...]]]:
        if not self.desk.has_settings:
            return {}
        return {tab: self._graph(library) for tab, library in self.desk.settings.libraries.items()}

    def graph(self, tab: str) -> Graph:
        """The definitions of a framework's library; of one that has none, nothing."""
        from octavo.execute.freshness.library import EMPTY

        return self.graphs.get(tab, EMPTY)

    def _graph(self, library: config.Library) -> tuple[Graph, tuple[Diagnostic, ...]]:
        from octavo.execute.freshness.library import Graph
        from octavo.harvest.head import head_of
        from octavo.harvest.module import definitions

        editions = self.libraries.editions(library.tab)
        existing = text_of(self.desk.folder / library.file)
        saved = [(e.page, c.branches) for e in editions for c in e.cells if "@save" in c.branches.text]
        lines = [(page, code.lines) for page, code in saved]

        def make() -> _Library:
            found, messages = definitions(editions, library, existing)
            return Graph.of(found), messages, lines

        facts = digest(library, head_of(existing), [(page, code.text) for page, code in saved])
        graph, messages, known_lines = self.desk.memory.made(f"library {library.tab}", facts, make)
        if known_lines != lines:
            if messages:  # which name places
                graph, messages, _ = make()
            else:
                graph = replace(graph, definitions=_moved(graph.definitions, known_lines, lines))
        if self.libraries.compatible:
            messages = tuple(replace(message, severity=Severity.WARNING) for message in messages)
        return graph, messages


def library_uses(texts: Iterable[str]) -> Uses:
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
