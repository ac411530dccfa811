"""A harvested library → its source map: where each name of the module stands, there and in the book.

One name a line and in the module's order, so that a difference shows which have moved.
"""

from __future__ import annotations

import ast
import difflib
import json
import re

from octavo.config import Library
from octavo.diagnostics import ReadLine
from octavo.harvest.module import HarvestedLibrary
from octavo.model import Definition, Span
from octavo.syntax import parse

FORMAT = 1
_MARK = re.compile(r"#\s*@save\b.*$")
ALIKE = 0.6
"""How much of a line that was rewritten for the module still has to be the author's."""


def author_place(harvested: HarvestedLibrary, line: int, read_line: ReadLine) -> Span | None:
    """Where an author wrote a line of the module, counted from 1; ``None`` where that is not certain."""
    module = harvested.text.split("\n")
    above = [(start, definition) for start, _, definition in _places(harvested) if start <= line]
    if not above or not 1 <= line <= len(module) or not module[line - 1].strip():
        return None
    start, definition = max(above, key=lambda item: item[0])
    span, wanted = definition.span, module[line - 1].strip()
    lines = range(span.line, span.end + 1)
    texts = {number: _MARK.sub("", read_line(span.path, number) or "").strip() for number in lines}
    equal = [number for number, text in texts.items() if text == wanted]
    # counted from the end: a decorator that only pages need is gone from the beginning
    place = span.end - definition.source.count("\n") + line - start
    if place not in equal and len(equal) == 1:
        place = equal[0]
    elif place not in equal and difflib.SequenceMatcher(None, wanted, texts.get(place, "")).ratio() < ALIKE:
        return None
    return Span(span.path, place, place)


def _places(harvested: HarvestedLibrary) -> list[tuple[int, str, Definition]]:
    """Every name of the module: its line there, the name, what defines it."""
    named = [(found.line, name, found.definition) for name, found in harvested.names.items()]
    return named + _methods(harvested)


def source_map(harvested: HarvestedLibrary, library: Library) -> str:
    """The source map as JSON."""
    entries = [
        f"    {json.dumps(name, ensure_ascii=False)}: {json.dumps(_entry(line, definition), ensure_ascii=False)}"
        for line, name, definition in sorted(_places(harvested), key=lambda item: item[:2])
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
