"""What a run depends on → one key. Pure: no file, clock or machine is looked at.

Content decides, never time: the executed text of the cells, the saved definitions that they reach, the pins of the
framework's lock and the options that change what is executed. Prose, paths, time limits and the host are not in it.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from octavo.model import Definition, Edition, Inputs, Span

SCHEMA = "1"
"""Raised when octavo itself changes in a way that makes a page print something else."""


def digest(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def closure(reads: frozenset[str], definitions: Mapping[str, Definition], *, imported: bool = False) -> frozenset[str]:
    """The keys of ``definitions`` that code reading the library names ``reads`` depends on.

    Goes through what each definition uses, from a class to the methods that extend it, and to what happens by itself
    when the library is imported, which reading any of its names does, or ``imported`` says:

    - a statement that binds nothing counts always (``torch.set_default_dtype(DTYPE)``), except that one which only
      assigns (``TABLE["x"] = …``, ``setattr(Net, …)``) counts for those who reach a saved name that it mentions;
    - a definition that calls something while it is made (``@register class A``, ``x = register(…)``) counts for those
      who reach anything that the call reaches.

    It may name too much, never too little.
    """
    binders: dict[str, list[str]] = {}
    methods: dict[str, list[str]] = {}
    for key, definition in definitions.items():
        for name in {key, *definition.binds}:
            binders.setdefault(name, []).append(key)
        if definition.extends is not None:
            methods.setdefault(definition.extends, []).append(key)
    saved = {name for d in definitions.values() if d.kind != "import" for name in d.binds}

    def follow(start: Iterable[str], names: set[str], reached: set[str]) -> None:
        """Add to ``names`` and ``reached`` what ``start`` leads to."""
        todo = list(start)
        while todo:
            name = todo.pop()
            if name in names:
                continue
            names.add(name)
            for key in (*binders.get(name, ()), *methods.get(name, ())):
                if key not in reached:
                    reached.add(key)
                    todo += definitions[key].binds | definitions[key].uses

    reached: set[str] = set()
    names: set[str] = set()
    follow(reads, names, reached)
    if not reached and not imported:
        return frozenset()

    # what runs while the library is imported → the saved names of which one must be reached for it to count;
    # none of them means that it counts always
    effects: dict[str, set[str]] = {}
    for key, definition in definitions.items():
        if definition.extends is not None or definition.kind == "import":
            continue
        called = _called_when_made(definition.source)
        if definition.binds <= {"_"}:
            effects[key] = set() if called else set(definition.uses & saved)
        elif called and called & saved:
            touched: set[str] = set()
            follow(called & saved, touched, set())
            effects[key] = touched & saved
    grown = True
    while grown:
        grown = False
        for key, touched in effects.items():
            if key not in reached and (not touched or touched & names):
                reached.add(key)
                follow(definitions[key].binds | definitions[key].uses, names, reached)
                grown = True
    return frozenset(reached)


_SETS_AN_ATTRIBUTE = frozenset({"setattr", "delattr"})


@lru_cache(maxsize=4096)
def _called_when_made(source: str) -> frozenset[str]:
    """Names in what a definition calls while it is made, decorators included; not in what its functions call later."""
    try:
        todo: list[ast.AST] = list(ast.parse(source).body)
    except SyntaxError:
        return frozenset({source})
    names: set[str] = set()
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                names.update(part.id for part in ast.walk(decorator) if isinstance(part, ast.Name))
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in _SETS_AN_ATTRIBUTE):
            names.update(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            todo += [default for default in (*node.args.defaults, *node.args.kw_defaults) if default is not None]
        else:
            todo += ast.iter_child_nodes(node)
    return frozenset(names)


def inputs(
    edition: Edition,
    reads: frozenset[str],
    dynamic: bool,
    definitions: Mapping[str, Definition],
    lock: Mapping[str, str],
    options: Mapping[str, str],
    *,
    imported: bool = False,
) -> Inputs:
    """Everything that executing ``edition`` depends on.

    ``reads`` are the library names that its cells read; with ``dynamic`` they cannot be known (``from d2l import *``,
    ``getattr(d2l, …)``) and every definition counts; ``imported`` says that the cells may import the library. ``lock``
    is :attr:`Lock.versions`. ``options`` hold what else counts, such as aliases and the digests of declared files; the
    schema and the framework are added here.
    """
    keys = frozenset(definitions) if dynamic else closure(reads, definitions, imported=imported)
    return Inputs(
        cells=tuple(digest(cell.code.text) for cell in edition.cells),
        definitions={key: digest(definitions[key].source) for key in sorted(keys)},
        lock=dict(lock),
        options={**options, "schema": SCHEMA, "tab": edition.tab},
    )


def key(inputs: Inputs) -> str:
    """SHA-256, in hexadecimal, over the canonical JSON of ``inputs``."""
    value = {
        "cells": list(inputs.cells),
        "definitions": dict(inputs.definitions),
        "lock": dict(inputs.lock),
        "options": dict(inputs.options),
    }
    return digest(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True))


def reasons(
    old: Inputs, new: Inputs, edition: Edition | None = None, definitions: Mapping[str, Definition] | None = None
) -> tuple[str, ...]:
    """Why ``new`` is not ``old``, a sentence each, without a final stop; empty when the two are equal.

    ``edition`` and ``definitions`` are the present ones: they give the author's places.
    """
    return (
        *_cell_reasons(old.cells, new.cells, edition),
        *_definition_reasons(old.definitions, new.definitions, definitions or {}),
        *_package_reasons(old.lock, new.lock),
        *_option_reasons(old.options, new.options),
    )


def _cell_reasons(old: tuple[str, ...], new: tuple[str, ...], edition: Edition | None) -> Iterator[str]:
    def named(index: int) -> str:
        if edition is None or index >= len(edition.cells):
            return f"cell {index + 1}"
        cell = edition.cells[index]
        return f"cell {index + 1} ({cell.cell.span.path}:{cell.code.lines[0]})"

    changes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for what, old_start, old_end, new_start, new_end in changes:
        if what == "equal":
            continue
        common = min(old_end - old_start, new_end - new_start)
        for index in range(new_start, new_start + common):
            yield f"{named(index)} changed"
        for index in range(new_start + common, new_end):
            yield f"{named(index)} is new"
        gone = old_end - old_start - common
        if gone:
            where = f"after {named(new_end - 1)}" if new_end else "at the beginning"
            yield f"{_count(gone, 'cell')} {where} {'was' if gone == 1 else 'were'} removed"


def _definition_reasons(
    old: Mapping[str, str], new: Mapping[str, str], definitions: Mapping[str, Definition]
) -> Iterator[str]:
    def named(name: str) -> str:
        found = definitions.get(name)
        return f"{name} ({_place(found.span)})" if found else name

    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield f"the saved {named(name)} is used now"
        elif name not in new:
            yield f"the saved {named(name)} is {'no longer used' if name in definitions else 'gone'}"
        elif old[name] != new[name]:
            yield f"the saved {named(name)} changed"


def _package_reasons(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield f"{name} {new[name]} was added to the lock"
        elif name not in new:
            yield f"{name} {old[name]} was removed from the lock"
        elif old[name] != new[name]:
            yield f"{name} went from {old[name]} to {new[name]}"


def _option_reasons(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if name == "schema":
            yield "this octavo executes pages differently"
        elif before is None:
            yield f"{name} is declared now"
        elif after is None:
            yield f"{name} is no longer declared"
        elif len(before) + len(after) <= 60:
            yield f"{name} went from {before!r} to {after!r}"
        else:
            yield f"{name} changed"


def _place(span: Span) -> str:
    return f"{span.path}:{span.line}"


def _count(number: int, noun: str) -> str:
    return f"one {noun}" if number == 1 else f"{number} {noun}s"
