"""A harvested library → its source map: where each name of the module stands, there and in the book.

One name a line and in the module's order, so that a difference shows which have moved.
"""

from __future__ import annotations

import ast
import json

from octavo.config import Library
from octavo.harvest.module import HarvestedLibrary
from octavo.model import Definition
from octavo.syntax import parse

FORMAT = 1


def source_map(harvested: HarvestedLibrary, library: Library) -> str:
    """The source map as JSON."""
    names: list[tuple[int, str, Definition]] = [
        (found.line, name, found.definition) for name, found in harvested.names.items()
    ]
    names += _methods(harvested)
    entries = [
        f"    {json.dumps(name, ensure_ascii=False)}: {json.dumps(_entry(line, definition), ensure_ascii=False)}"
        for line, name, definition in sorted(names, key=lambda item: item[:2])
    ]
    head = {"format": FORMAT, "module": library.module, "framework": library.tab}
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    return "\n".join(["{", *lines, '  "names": {', ",\n".join(entries), "  }", "}", ""])


def _entry(line: int, definition: Definition) -> dict[str, object]:
    return {
        "kind": definition.kind if definition.page else "alias",
        "line": line,
        "source": definition.span.path,
        "first": definition.span.line,
        "last": definition.span.end,
    }


def _methods(harvested: HarvestedLibrary) -> list[tuple[int, str, Definition]]:
    """The methods that pages add to classes: where in the module, name, definition."""
    if not harvested.names:
        return []
    added = {d.name: d for d in harvested.definitions.values() if d.extends is not None}
    found: dict[str, int] = {}
    for statement in parse(harvested.text).tree.body:
        if isinstance(statement, ast.ClassDef):
            for part in statement.body:
                name = f"{statement.name}.{getattr(part, 'name', '')}"
                if name in added and isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                    found[name] = min([part.lineno, *(decorator.lineno for decorator in part.decorator_list)])
    return [(line, name, added[name]) for name, line in found.items()]
