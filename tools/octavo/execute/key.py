"""What a run depends on → one key. Pure: no file, clock or machine is looked at.

Content decides, never time: the executed text of the cells, the saved definitions that they reach, the pins of the
framework's lock and the options that change what is executed. Prose, paths, time limits and the host are not in it.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping

from octavo.model import Definition, Edition, Inputs, Span

SCHEMA = "1"
"""Raised when octavo itself changes in a way that makes a page print something else."""


def digest(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def closure(reads: frozenset[str], definitions: Mapping[str, Definition]) -> frozenset[str]:
    """The keys of ``definitions`` that code reading the library names ``reads`` depends on.

    Goes through what each definition uses, from a class to the methods that extend it, and to module-level statements
    that bind nothing but can change what is reached: those that mention a saved name which is reached
    (``TABLE["x"] = …``), and those that mention no saved name at all (``torch.set_default_dtype(…)``), since importing
    the library runs them. It may name too much, never too little.
    """
    binders: dict[str, list[str]] = {}
    methods: dict[str, list[str]] = {}
    effects: list[str] = []
    for key, definition in definitions.items():
        binders.setdefault(key, []).append(key)
        for name in definition.binds - {key}:
            binders.setdefault(name, []).append(key)
        if definition.extends is not None:
            methods.setdefault(definition.extends, []).append(key)
        elif not definition.binds:
            effects.append(key)
    saved = {name for d in definitions.values() if d.kind != "import" for name in d.binds}

    reached: set[str] = set()
    names: set[str] = set()

    def follow(start: Iterable[str]) -> None:
        todo = [name for name in start if name not in names]
        while todo:
            name = todo.pop()
            if name in names:
                continue
            names.add(name)
            for key in (*binders.get(name, ()), *methods.get(name, ())):
                if key not in reached:
                    reached.add(key)
                    todo += definitions[key].binds | definitions[key].uses

    follow(reads)
    if not reached:
        return frozenset()
    grown = True
    while grown:
        grown = False
        for key in effects:
            mentioned = definitions[key].uses & saved
            if key not in reached and (not mentioned or mentioned & names):
                reached.add(key)
                follow(definitions[key].uses)
                grown = True
    return frozenset(reached)


def inputs(
    edition: Edition,
    reads: frozenset[str],
    dynamic: bool,
    definitions: Mapping[str, Definition],
    lock: Mapping[str, str],
    options: Mapping[str, str],
) -> Inputs:
    """Everything that executing ``edition`` depends on.

    ``reads`` are the library names that its cells read; with ``dynamic`` they cannot be known (``from d2l import *``,
    ``getattr(d2l, …)``) and every definition counts. ``lock`` is :attr:`Lock.versions`. ``options`` hold what else
    counts, such as aliases and the digests of declared files; the schema and the framework are added here.
    """
    keys = frozenset(definitions) if dynamic else closure(reads, definitions)
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
