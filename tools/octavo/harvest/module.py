"""Definitions → the text of a library's module. Equal definitions give equal bytes, everywhere and always."""

from __future__ import annotations

import ast
import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import isort

from octavo.config import Library, tab_title
from octavo.diagnostics import Diagnostic
from octavo.harvest.aliases import alias_definitions
from octavo.harvest.definitions import collect
from octavo.harvest.head import HEADER, head_edition, head_of, head_problem
from octavo.harvest.names import Survey, is_library_import, survey_tree
from octavo.model import Code, Definition, Edition
from octavo.syntax import LIBRARY_ALIAS, Edit, lines_inside_strings, parse, splice

ALIAS_HEADING = "# Aliases of config.ini"
LINE_LENGTH = 120


@dataclass(frozen=True, slots=True)
class HarvestedName:
    """One name of a library."""

    definition: Definition
    """What defines it; a class with the methods that pages add to it, an alias with an empty ``page``."""
    line: int
    """The line of the module, from 1, on which it begins."""


@dataclass(frozen=True, slots=True)
class HarvestedLibrary:
    """The library of one framework as the book's pages give it."""

    tab: str
    file: str
    """POSIX path of the module, relative to the book's root."""
    text: str
    """The whole module."""
    names: Mapping[str, HarvestedName]
    """Every name that the module binds, imports included, in the order of the module."""
    definitions: Mapping[str, Definition]
    """Every saved definition and alias by its own name, statements and methods included: what runs can depend on.
    Where one name has several, such as ``X`` and ``X += 1``, further ones are called ``X (2)`` and so on."""


def harvest(
    editions: Sequence[Edition], library: Library, release: str, existing: str | None = None
) -> tuple[HarvestedLibrary, tuple[Diagnostic, ...]]:
    """The library of one framework from its editions in reading order, and what is wrong with it.

    ``existing`` is the present text of the module. What its author wrote above the harvested part stays.
    """
    definitions, messages = _collected(editions, library, existing)
    text = render(definitions, library, release, head=head_of(existing) or "")
    every = _by_name(definitions, library)
    return HarvestedLibrary(library.tab, library.file, text, _index(text, definitions, library), every), messages


def definitions(
    editions: Sequence[Edition], library: Library, existing: str | None = None
) -> tuple[dict[str, Definition], tuple[Diagnostic, ...]]:
    """:attr:`HarvestedLibrary.definitions` alone, and what is wrong: for those who do not need the module's text.

    They are in the order in which the module makes them.
    """
    found, messages = _collected(editions, library, existing)
    every = _by_name(found, library)
    ordered = {id(definition): number for number, definition in enumerate(in_order(list(every.values())))}
    return dict(sorted(every.items(), key=lambda item: ordered[id(item[1])])), messages


def _collected(
    editions: Sequence[Edition], library: Library, existing: str | None
) -> tuple[tuple[Definition, ...], tuple[Diagnostic, ...]]:
    head = head_edition(existing, library)
    found, messages = collect([head, *editions] if head else editions, library)
    problem = head_problem(existing, library)
    return found, (problem, *messages) if problem else messages


def render(
    definitions: Sequence[Definition], library: Library, release: str, docstring: str = "", head: str = ""
) -> str:
    """The module's text: the author's head if there is one, imports, definitions, aliases.

    The book's order is kept, except that what something needs while the module is loaded comes before it.
    """
    in_head = [definition for definition in definitions if definition.page == library.file]
    harvested = [definition for definition in definitions if definition.page != library.file]
    merged = merge_methods([definition for definition in harvested if definition.kind != "import"])
    bound = {name for definition in definitions for name in definition.binds}
    aliases = [alias for alias in alias_definitions(library) if not alias.binds <= bound]
    ordered = in_order([*merged, *aliases])
    needed = {name for definition in ordered for name in definition.uses} - bound
    knows_itself = LIBRARY_ALIAS not in bound and any(_names_library(definition) for definition in ordered)
    imports = _imports(harvested, {"builtins"} & needed | ({"sys"} if knows_itself else set()))

    summary = docstring or f"The library of the book for {tab_title(library.tab)}, release {release}."
    parts = [f"{head.rstrip()}\n"] if head.strip() else []
    parts.append(f'{HEADER}\n\n"""{_quoted(summary)}"""')
    if imports:
        parts.append(imports)
    defined = [d for d in (*in_head, *ordered) if d.kind != "import"]
    public = sorted({n for d in defined for n in d.binds if not n.startswith("_") and n != LIBRARY_ALIAS})
    parts.append(_list("__all__", public))
    if knows_itself:
        parts.append(f"{LIBRARY_ALIAS} = sys.modules[__name__]")
    return "\n\n".join(parts) + _body(ordered) + "\n"


def merge_methods(definitions: Sequence[Definition]) -> list[Definition]:
    """Put each method into its class; of methods with one name the last stays."""
    methods: dict[str, list[Definition]] = {}
    for definition in definitions:
        if definition.extends is not None:
            methods.setdefault(definition.extends, []).append(definition)
    return [
        _with_methods(definition, methods.get(definition.name, [])) if definition.kind == "class" else definition
        for definition in definitions
        if definition.extends is None
    ]


def in_order(definitions: Sequence[Definition]) -> list[Definition]:
    """The given order, changed only where a definition needs a later one while the module is loaded.

    What is called while the module is loaded needs all that it reads. Definitions that need one another in a circle
    stay as they are.
    """
    providers: dict[str, int] = {}
    for index, definition in enumerate(definitions):
        for name in definition.binds:
            providers.setdefault(name, index)
    itself = providers.get(LIBRARY_ALIAS)
    surveys = [_survey(definition) for definition in definitions]
    reads = [[providers[name] for name in survey.reads() if name in providers] for survey in surveys]
    needs: list[list[int]] = []
    for index, survey in enumerate(surveys):
        need = {providers[name] for name in survey.reads(deferred=False) if name in providers}
        called = {r.name for r in survey.references if r.called and not r.deferred}
        for name in called & providers.keys():
            need |= _reachable(providers[name], reads)
        if itself is not None and any(r.library for r in survey.references):
            need.add(itself)
        needs.append(sorted(need - {index}))
    placed: dict[int, None] = {}

    def place(index: int) -> None:
        if index not in placed:
            for need in needs[index]:
                if index not in _reachable(need, needs):
                    place(need)
            placed[index] = None

    for index in range(len(definitions)):
        place(index)
    return [definitions[index] for index in placed]


def _names_library(definition: Definition) -> bool:
    """Whether ``d2l`` is left in a definition's code."""
    tree = parse(definition.source).tree
    return any(part.library or part.name == LIBRARY_ALIAS for part in survey_tree(tree.body).references) or any(
        isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == LIBRARY_ALIAS
        for node in ast.walk(tree)  # d2l.x = 1 in a function
    )


def _survey(definition: Definition) -> Survey:
    return survey_tree(parse(definition.source).tree.body)


def _reachable(start: int, needs: Sequence[Sequence[int]]) -> set[int]:
    """What something needs, what that needs, and so on."""
    found = {start}
    todo = [start]
    while todo:
        for index in needs[todo.pop()]:
            if index not in found:
                found.add(index)
                todo.append(index)
    return found


def compare(current: str | None, text: str, file: str) -> str:
    """A unified diff from a checked-in module to what the pages give; empty when they are equal."""
    if current == text:
        return ""
    if current is None and not text:
        return f"--- /dev/null\n+++ b/{file}\n"
    old = [] if current is None else current.splitlines(keepends=True)
    before = "/dev/null" if current is None else f"a/{file}"
    lines = difflib.unified_diff(old, text.splitlines(keepends=True), before, f"b/{file}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def package_init(release: str, existing: str | None) -> str:
    """The package's ``__init__.py`` with its version; whatever else stands in an existing one is kept."""
    line = f"__version__ = {json.dumps(release, ensure_ascii=False)}"
    if not existing or not existing.strip():
        return f'"""The library of the book, made from its pages: one module for each framework."""\n\n{line}\n'
    pattern = re.compile(r"^__version__[ \t]*(?::[^=\n]*)?=[^\n]*$", re.MULTILINE)
    changed, count = pattern.subn(lambda _: line, existing, count=1)
    return changed if count else f"{existing.rstrip()}\n\n{line}\n"


# -- imports


def _imports(definitions: Iterable[Definition], more: Iterable[str]) -> str:
    """All imports, one statement a name, sorted; of two that bind one name the last stays."""
    found: dict[str, tuple[str, ...]] = {f"import {name}": (f"import {name}",) for name in sorted(more)}
    for definition in definitions:
        if definition.kind == "import":
            for statement in parse(definition.source).tree.body:
                assert isinstance(statement, ast.Import | ast.ImportFrom)
                for key, text in _single_imports(statement):
                    found[key] = (text,) if not text.startswith("import ") else (*found.get(key, ()), text)
    text = "\n".join(dict.fromkeys(line for lines in found.values() for line in lines))
    # src_paths: isort would otherwise look into the current folder to tell the book's own packages
    config = isort.Config(profile="black", line_length=LINE_LENGTH, src_paths=())
    return isort.code(text, config=config).strip()


def _single_imports(statement: ast.Import | ast.ImportFrom) -> Iterable[tuple[str, str]]:
    """For each imported name: the key that a later import of the same name replaces, and the statement."""
    for alias in statement.names:
        if is_library_import(statement, alias):
            continue
        name = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
        if isinstance(statement, ast.ImportFrom):
            module = "." * statement.level + (statement.module or "")
            bound = module + ".*" if alias.name == "*" else alias.asname or alias.name
            yield f"import {bound}", f"from {module} import {name}"
        elif alias.asname:
            yield f"import {alias.asname}", f"import {name}"
        else:
            yield f"import {alias.name.split('.')[0]}", f"import {name}"


# -- classes


def _with_methods(definition: Definition, methods: Sequence[Definition]) -> Definition:
    if not methods:
        return definition
    names = {method.name.partition(".")[2] for method in methods}
    text, indent = _class_without(definition.source, names)
    parts = [text, *(_indented(method.source, indent) for method in methods)]
    source = "\n\n".join(part for part in parts if part)
    uses = frozenset().union(definition.uses, *(method.uses for method in methods)) - definition.binds
    return replace(definition, source=source, uses=uses)


def _class_without(text: str, names: set[str]) -> tuple[str, str]:
    """A class without the methods that others replace, and the indent of its body."""
    source = parse(text)
    (statement,) = source.tree.body
    assert isinstance(statement, ast.ClassDef)
    first = statement.body[0]
    if first.lineno == statement.lineno or source.data[source.starts[first.lineno - 1] :][: first.col_offset].strip():
        start = source.range(first)[0]  # class A: pass
        return f"{source.slice(0, start).rstrip()}\n    {source.slice(start, len(source.data))}", "    "
    indent = source.slice(source.starts[first.lineno - 1], source.range(first)[0])
    edits = []
    for part in statement.body:
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and part.name in names:
            same = [p for p in statement.body if getattr(p, "name", None) == part.name]
            if len(same) > 1:
                continue  # a property with its setter, or overloads: what comes later wins anyway
            line = min([part.lineno, *(decorator.lineno for decorator in part.decorator_list)])
            start = source.starts[line - 1]
            end = source.starts[min(part.end_lineno or line, len(source.starts) - 1)]
            blank = re.compile(rb"(?:[ \t]*\n)*").match(source.data, end)
            edits.append(Edit(start, blank.end() if blank else end))
    code = splice(Code(text, (1,) * (text.count("\n") + 1)), edits)
    return code.text.rstrip(), indent.replace("@", "")


def _indented(text: str, indent: str) -> str:
    inside = lines_inside_strings(parse(text))
    lines = text.split("\n")
    return "\n".join(
        indent + line if line.strip() and number not in inside else line for number, line in enumerate(lines, 1)
    )


# -- text


def _body(definitions: Sequence[Definition]) -> str:
    """Definitions with what stands between them, from the end of the line before."""
    out: list[str] = []
    page: str | None = None
    tall = True
    for definition in definitions:
        now_tall = definition.kind in ("function", "class") or "\n" in definition.source
        if tall or now_tall or definition.page != page:
            comment = f"# From {definition.page}.md\n" if definition.page else ""
            if not definition.page and definition.page != page:
                comment = f"{ALIAS_HEADING}\n"
            out.append(f"\n\n\n{comment}{definition.source}")
        else:
            out.append(f"\n{definition.source}")
        page, tall = definition.page, now_tall
    return "".join(out)


def _list(name: str, items: Sequence[str]) -> str:
    quoted = [f'"{item}"' for item in items]
    line = f"{name} = [{', '.join(quoted)}]"
    if len(line) <= LINE_LENGTH:
        return line
    return "\n".join([f"{name} = [", *(f"    {item}," for item in quoted), "]"])


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', r"\"\"\"")


def _by_name(definitions: Sequence[Definition], library: Library) -> dict[str, Definition]:
    bound = {name for definition in definitions for name in definition.binds}
    aliases = [alias for alias in alias_definitions(library) if not alias.binds <= bound]
    found: dict[str, Definition] = {}
    for definition in (*aliases, *definitions):
        name, count = definition.name, 1
        while name in found:
            count += 1
            name = f"{definition.name} ({count})"
        found[name] = definition
    return found


def _index(text: str, definitions: Sequence[Definition], library: Library) -> dict[str, HarvestedName]:
    """Every name with what defines it and its line, read back from the module."""
    merged = merge_methods(definitions)
    aliases = {name: alias for alias in alias_definitions(library) for name in alias.binds}
    by_name = aliases | {name: definition for definition in merged for name in definition.binds}
    found: dict[str, HarvestedName] = {}
    try:
        statements = parse(text).tree.body
    except SyntaxError:  # the head is not Python, which is reported
        return {}
    for statement in statements:
        line = min([statement.lineno, *(part.lineno for part in getattr(statement, "decorator_list", []))])
        for name in sorted(survey_tree([statement]).binds):
            if name in by_name:
                found[name] = HarvestedName(by_name[name], line)
    return found
