"""The libraries of a book as its readers meet them: where the book defines a name, and where that is described.

In the code on a page each name stands that the library of its framework has: the definition is a place that links lead
to, and ``d2l.name`` is a link.
"""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, cast

from docutils import nodes
from sphinx.application import Sphinx

from octavo.model import Definition, Edition
from octavo.render.pages.nodes import tab_panel
from octavo.syntax import LIBRARY_ALIAS

Described = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef

USE = re.compile(rf"\b{LIBRARY_ALIAS}\.(\w+)")
_USE_IN_HTML = re.compile(
    rf'(<span class="n">{LIBRARY_ALIAS}</span><span class="o">\.</span>)(<span class="n\w*">(\w+)</span>)'
)
_DEFINES = ("nf", "nc", "fm")
"""How the highlighter calls the name behind ``def`` and ``class``."""


@dataclass(frozen=True)
class Library:
    """The library of one framework."""

    tab: str
    module: str
    """Its dotted name, such as ``d2l.torch``."""
    definitions: tuple[Definition, ...]
    """What its pages save, and the settings' aliases."""
    page: str = ""
    """The page that describes it; empty where there is none."""
    names: Mapping[str, Definition] = field(init=False)
    """Every name that readers can use → what defines it; methods that pages add to a class are ``Class.method``."""
    on_page: Mapping[str, Sequence[tuple[str, Definition]]] = field(init=False)
    """Page → the names that it defines, methods of its classes included."""

    def __post_init__(self) -> None:
        names: dict[str, Definition] = {}
        for definition in self.definitions:
            if definition.kind == "method" and not definition.name.rpartition(".")[2].startswith("_"):
                names[definition.name] = definition
            elif definition.kind in ("class", "function", "assignment"):
                public = (name for name in definition.binds if not name.startswith("_") and name != LIBRARY_ALIAS)
                names.update(dict.fromkeys(sorted(public), definition))
        pages: dict[str, list[tuple[str, Definition]]] = {}
        for name, definition in names.items():
            methods = public_methods(definition.source) if definition.kind == "class" else ()
            defined = [name, *(one for method in methods if (one := f"{name}.{method.name}") not in names)]
            pages.setdefault(definition.page, []).extend((one, definition) for one in defined)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "on_page", pages)

    @property
    def is_saved(self) -> bool:
        """Whether pages of the book define anything of it."""
        return any(definition.page and not _is_in_head(self, definition) for definition in self.names.values())

    def described(self) -> Iterator[tuple[str, str]]:
        """Each name and what Sphinx calls such a thing, methods included."""
        for those in self.on_page.values():
            for name, definition in those:
                kind = "method" if "." in name else definition.kind
                yield name, kind if kind in ("class", "function", "method") else "data"

    def methods(self, name: str) -> dict[str, tuple[ast.FunctionDef | ast.AsyncFunctionDef, Definition]]:
        """The methods of a class that readers can use, in the order in which the book gives them."""
        definition = self.names[name]
        found = {method.name: (method, definition) for method in public_methods(definition.source)}
        for key, added in self.names.items():
            if added.extends == name:
                for statement in statements(added.source):
                    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                        found[key.rpartition(".")[2]] = (statement, added)
        return found if definition.kind == "class" else {}

    def place(self, name: str) -> str:
        """Id of what describes a name."""
        return f"{self.module}.{name}"

    def definition_place(self, name: str) -> str:
        """Id of the line that defines a name."""
        return f"def-{self.module}.{name}"


def _is_in_head(library: Library, definition: Definition) -> bool:
    return definition.page == f"{library.module.replace('.', '/')}.py"


@functools.lru_cache(maxsize=4096)
def statements(source: str) -> tuple[ast.stmt, ...]:
    """The statements of a definition; none of one that is no plain Python."""
    try:
        return tuple(ast.parse(source).body)
    except (SyntaxError, ValueError):
        return ()


def public_methods(source: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The methods of a class that readers can use; the last of a name."""
    found = {
        part.name: part
        for statement in statements(source)
        if isinstance(statement, ast.ClassDef)
        for part in statement.body
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and not part.name.startswith("_")
    }
    return list(found.values())


# -- links


@dataclass(frozen=True)
class Libraries:
    """All libraries of a book."""

    by_tab: Mapping[str, Library] = field(default_factory=dict)
    """Framework → its library."""
    editions: Mapping[tuple[str, str], Edition] = field(default_factory=dict)
    """(page, framework) → its edition."""

    def facts(self, page: str, text: str) -> list[object]:
        """What a page shows of the libraries besides its own text: whether what it uses or defines is described."""
        used = set(USE.findall(text))
        facts: list[object] = []
        for library in self.by_tab.values():
            known = [(name, library.names[name].page) for name in sorted(used & library.names.keys())]
            facts.append((library.page, known, [name for name, _ in library.on_page.get(page, ())]))
        return facts

    def of_module(self, module: str) -> Library | None:
        """The library with a dotted name."""
        return next((library for library in self.by_tab.values() if library.module == module), None)

    def definition(self, library: Library, name: str) -> tuple[str, str]:
        """Page of the book that defines a name, and the anchor there; the anchor is empty if the code is not shown."""
        owner = name.partition(".")[0]
        definition = library.names.get(name) or library.names.get(owner)
        if definition is None or not definition.page or _is_in_head(library, definition):
            return "", ""
        edition = self.editions.get((definition.page, library.tab))
        inside = (part.cell for part in edition.cells) if edition else iter(())
        line = definition.span.line
        visible = any(cell.span.line <= line <= cell.span.end and not cell.hide_code for cell in inside)
        return definition.page, library.definition_place(name) if visible else ""

    def address(self, library: Library, name: str, uri: Callable[[str], str]) -> str:
        """Where a name leads to: its description, or else what defines it. ``uri`` gives the address of a page."""
        if library.page:
            return f"{uri(library.page)}#{library.place(name)}"
        page, anchor = self.definition(library, name)
        return f"{uri(page)}#{anchor}" if anchor else ""

    def linked(self, html: str, rows: Sequence[int], page: str, tabs: Sequence[str], uri: Callable[[str], str]) -> str:
        """The code of a cell that these frameworks share, highlighted, with its names linked.

        ``rows`` are the author's lines.
        """
        libraries = [self.by_tab[tab] for tab in tabs if tab in self.by_tab]
        head, opening, rest = html.partition("<pre>")
        lines = rest.split("\n")
        if not opening or not libraries or len(lines) < len(rows):
            return html
        defined: dict[tuple[int, str], list[tuple[Library, str]]] = {}
        for library in libraries:
            for name, definition in library.on_page.get(page, ()):
                at = _row_of(name, definition, rows, lines)
                if at is not None:
                    defined.setdefault((at, name), []).append((library, name))
        for (at, name), places in defined.items():
            lines[at] = self._with_definition(lines[at], name, places, uri)
        lines = [self._with_uses(line, libraries, uri) for line in lines]
        return head + opening + "\n".join(lines)

    def _with_definition(
        self, line: str, name: str, places: Sequence[tuple[Library, str]], uri: Callable[[str], str]
    ) -> str:
        token = _token(line, name.rpartition(".")[2])
        if token is None:
            return line
        ids = [escape(library.definition_place(name)) for library, name in places]
        more = "".join(f'<span id="{ident}"></span>' for ident in ids[1:])
        link = self._link("ov-def", [library for library, _ in places if library.page], name, uri)
        opening = f'{link[:-1]} id="{ids[0]}">' if link else f'<span class="ov-def" id="{ids[0]}">'
        closing = "</a>" if link else "</span>"
        return f"{line[: token.start()]}{more}{opening}{token[0]}{closing}{line[token.end() :]}"

    def _with_uses(self, line: str, libraries: Sequence[Library], uri: Callable[[str], str]) -> str:
        def use(match: re.Match[str]) -> str:
            link = self._link("ov-use", [one for one in libraries if match[3] in one.names], match[3], uri)
            return f"{match[1]}{link}{match[2]}</a>" if link else match[0]

        return _USE_IN_HTML.sub(use, line)

    def _link(self, kind: str, libraries: Iterable[Library], name: str, uri: Callable[[str], str]) -> str:
        """The opening of a link; in code that frameworks share it leads to the library of the one on view."""
        addresses = {library.tab: self.address(library, name, uri) for library in libraries}
        addresses = {tab: address for tab, address in addresses.items() if address}
        if not addresses:
            return ""
        more = f' data-in="{escape(json.dumps(addresses))}"' if len(addresses) > 1 else ""
        return f'<a class="{kind}" href="{escape(next(iter(addresses.values())))}"{more}>'


def _row_of(name: str, definition: Definition, rows: Sequence[int], lines: Sequence[str]) -> int | None:
    """The row of a cell that defines a name, if it is one of this cell."""
    last = name.rpartition(".")[2]
    for at, row in enumerate(rows):
        if definition.span.line <= row <= definition.span.end and (found := _token(lines[at], last)) is not None:
            behind_def = found["kind"] in _DEFINES
            if behind_def == (definition.kind != "assignment"):
                return at
    return None


def _token(line: str, name: str) -> re.Match[str] | None:
    """The name in a line of highlighted code, where it is defined if it is."""
    found = list(re.finditer(rf'<span class="(?P<kind>n\w?|fm)">{re.escape(name)}</span>', line))
    return next((one for one in found if one["kind"] in _DEFINES), found[0] if found else None)


# -- on the page


def _visit_literal_block(translator: Any, node: nodes.Element) -> None:
    """Code; that of a cell with its names linked."""
    at = len(translator.body)
    try:
        type(translator).visit_literal_block(translator, node)
    except nodes.SkipNode:
        cell = _cell_of(translator.builder, node)
        if cell is not None:
            rows, tabs = cell
            builder = translator.builder
            page = builder.current_docname
            libraries = _libraries(builder)
            uri = functools.partial(builder.get_relative_uri, page)
            translator.body[at:] = [libraries.linked("".join(translator.body[at:]), rows, page, tabs, uri)]
        raise


def _depart_literal_block(translator: Any, node: nodes.Element) -> None:
    type(translator).depart_literal_block(translator, node)


def _libraries(builder: Any) -> Libraries:
    return cast(Libraries, builder._app.source.libraries)


def _cell_of(builder: Any, node: nodes.Element) -> tuple[Sequence[int], list[str]] | None:
    """Of the code of a cell: the author's line of each row, and the frameworks that it is shown for."""
    libraries = _libraries(builder)
    document = builder._app.source.documents.get(builder.current_docname)
    if not libraries.by_tab or document is None or "ov-code" not in node.parent["classes"]:
        return None
    panel = node.parent
    while panel is not None and not isinstance(panel, tab_panel):
        panel = panel.parent
    tabs = [panel["tab"]] if panel is not None else document.tabs
    rows: Sequence[int] = ()
    shown = []
    for tab in tabs:
        found = rows_of_cell(libraries, document.page, tab, node)
        if found is not None:
            rows = rows or found
            shown.append(tab)
    return (rows, shown) if shown else None


def rows_of_cell(libraries: Libraries, page: str, tab: str, node: nodes.Element) -> Sequence[int] | None:
    """The author's line of each row of a cell's code, as one framework's readers see it."""
    edition = libraries.editions.get((page, tab))
    for part in edition.cells if edition else ():
        text = part.code.text
        if part.cell.span.line == node.line and text.strip("\n") == node.astext():
            return part.code.lines[len(text) - len(text.lstrip("\n")) :]
    return None


class defined_in(nodes.General, nodes.Element):  # noqa: N801 - docutils names nodes in lower case
    """A link to the line of the book that defines a name: ``tab`` and ``name``; ``brief`` beside a signature."""


def _visit_defined_in(translator: Any, node: nodes.Element) -> None:
    builder = translator.builder
    libraries, words = _libraries(builder), builder._app.source.words
    library = libraries.by_tab[node["tab"]]
    page, anchor = libraries.definition(library, node["name"])
    if not page:
        raise nodes.SkipNode
    uri = builder.get_relative_uri(builder.current_docname, page)
    link = f'<a class="reference internal" href="{escape(f"{uri}#{anchor}" if anchor else uri)}">'
    if node["brief"]:
        translator.body.append(f'<span class="ov-defined">{link}{escape(words.in_book)}</a></span>')
    else:
        before, _, after = words.defined_in.partition("{page}")
        title = builder.title_of(page)
        translator.body.append(f'<p class="ov-defined">{escape(before)}{link}{title}</a>{escape(after)}</p>\n')
    raise nodes.SkipNode


def _skip(translator: Any, node: nodes.Element) -> None:
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register what shows code and links to definitions."""
    app.add_node(nodes.literal_block, override=True, html=(_visit_literal_block, _depart_literal_block))
    other = (_skip, None)
    app.add_node(defined_in, html=(_visit_defined_in, None), latex=other, text=other, man=other, texinfo=other)
