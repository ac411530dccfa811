"""The names of the book's library at the code that defines them: where links lead to, and the index at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from docutils import nodes

from octavo.render.links.library import USE, Library, rows_of_cell
from octavo.render.paper.base import PaperBase
from octavo.render.paper.code import is_plain

_QUOTED = str.maketrans({character: f'"{character}' for character in '!@|"'})
"""What means something to makeindex."""


class IndexMixin(PaperBase):
    """Labels and entries of the index, in the manuscript."""

    def __init__(self, document: nodes.document, builder: Any, theme: Any) -> None:
        super().__init__(document, builder, theme)
        self._used: set[tuple[str, str]] = set()

    def visit_literal_block(self, node: nodes.Element) -> None:
        """The code of a cell, behind what the index says of it."""
        if "ov-code" in node.parent.get("classes", ()):
            entries = "".join(self._entries(node))
            if entries:
                above = "octavoincode" if is_plain(node) else "octavohere"
                self.body.append(f"\n\\{above}{{%\n{entries}}}\n")
        super().visit_literal_block(node)

    def visit_index(self, node: nodes.Element) -> None:
        """What a page describes by a directive stands under the same name as where it is defined."""
        others = []
        for entry in node["entries"]:
            name = self._described(str(entry[2]))
            if name:
                self.body.append(f"\\octavoindex{{{self._entry(name)}}}%\n")
            else:
                others.append(entry)
        node["entries"] = others
        super().visit_index(node)

    def _described(self, place: str) -> str:
        """The library's name that the description at a place is of; empty for other things."""
        for library in self.source.libraries.by_tab.values():
            if place.startswith(f"{library.module}."):
                return place.removeprefix(f"{library.module}.")
        return ""

    def _entries(self, node: nodes.Element) -> Iterator[str]:
        libraries = self.source.libraries
        for library in libraries.by_tab.values():
            rows = rows_of_cell(libraries, self.page, library.tab, node) or ()
            defined = _defined(library, self.page, rows)
            for name in defined:
                self._used.add((self.page, name))
                label = self.hypertarget(library.definition_place(name))
                yield f"{label}\\octavoindex{{{self._entry(name)}|spxpagem}}%\n"
            for name in dict.fromkeys(USE.findall(node.astext())):
                if name in library.names and (self.page, name) not in self._used:
                    self._used.add((self.page, name))
                    yield f"\\octavoindex{{{self._entry(name)}}}%\n"

    def _entry(self, name: str) -> str:
        """A name in makeindex's words; a method stands below its class."""
        return "!".join(
            f"{part.lower()}@\\octavoname{{{self.encode(part)}}}" for part in name.translate(_QUOTED).split(".")
        )


def _defined(library: Library, page: str, rows: Sequence[int]) -> list[str]:
    """The names that a cell defines, given the author's lines in it."""
    lines = set(rows)
    return [
        name
        for name, definition in library.on_page.get(page, ())
        if lines & {*range(definition.span.line, definition.span.end + 1)}
    ]
