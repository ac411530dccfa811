"""What a run depends on → one key. Pure: no file, clock or machine is looked at.

Content decides, never time: the executed text of the cells, the saved definitions that they reach, the pins of the
lock and the options that change what is executed. Prose, comments, paths, time limits and the host are not in it.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from octavo.execute.freshness.code import executed, looks_at_source
from octavo.execute.freshness.library import Graph
from octavo.execute.freshness.modules import Imports, imports
from octavo.model import Definition, Edition, Inputs, Span

SCHEMA = "2"
"""Raised when octavo itself changes in a way that makes a page print something else."""

_ORDER = "order of saved code"


def digest(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def closure(reads: frozenset[str], definitions: Mapping[str, Definition], *, imported: bool = False) -> frozenset[str]:
    """:meth:`Graph.closure` of definitions of which only one closure is asked for."""
    return Graph.of(definitions).closure(reads, imported=imported)


@dataclass(frozen=True, slots=True)
class Uses:
    """What code has to do with the book's library."""

    reads: frozenset[str] = frozenset()
    """The library names that it reads."""
    dynamic: bool = False
    """It may read more that cannot be told (``from d2l import *``, ``getattr(d2l, …)``): every definition counts."""
    imported: bool = False
    """It may import the library, so that what that does by itself counts."""

    def __or__(self, other: Uses) -> Uses:
        """What two pieces of code have to do with it together."""
        return Uses(self.reads | other.reads, self.dynamic or other.dynamic, self.imported or other.imported)


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What is found out about an edition from its cells alone."""

    executed: Edition
    """With each cell's code as the kernel gets it, if no code of it looks at source text."""
    uses: Uses
    imports: Imports
    looks: bool
    """Whether a cell may look at source text."""


def page_facts(edition: Edition, uses: Uses) -> PageFacts:
    """The facts of an edition of which the uses of the library are known."""
    cells = tuple(replace(cell, code=executed(cell.code)) for cell in edition.cells)
    wanted = Imports(frozenset())
    for cell in cells:
        wanted |= imports(cell.code.text)
    looks = any(looks_at_source(cell.code.text) for cell in edition.cells)
    return PageFacts(replace(edition, cells=cells), uses, wanted, looks)


def reached(uses: Uses, graph: Graph) -> frozenset[str]:
    """The keys of all definitions that code depends on. A name that nobody is known to define may be any of them."""
    if uses.dynamic or not uses.reads <= graph.names:
        return frozenset(graph.definitions)
    return graph.closure(uses.reads, imported=uses.imported)


def inputs(
    edition: Edition,
    uses: Uses,
    graph: Graph,
    lock: Mapping[str, str],
    options: Mapping[str, str],
    *,
    verbatim: bool = False,
) -> Inputs:
    """Everything that executing ``edition``, which is as executed, depends on.

    ``uses`` are those of its cells and of the book's modules that they import. ``lock`` is :attr:`Lock.versions`.
    ``options`` hold what else counts, such as the digests of declared files; the schema and the framework are added
    here. With ``verbatim`` the comments of definitions count too, since some code looks at its source.
    """
    digests = graph.verbatim if verbatim else graph.digests
    found = reached(uses, graph)
    order = graph.order(found, dynamic=uses.dynamic or not uses.reads <= graph.names)
    if len(order) > 1:
        options = {**options, _ORDER: digest("\n".join(order))}
    return Inputs(
        cells=tuple(digest(cell.code.text) for cell in edition.cells),
        definitions={key: digests[key] for key in sorted(found)},
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
    found = (
        *_cell_reasons(old.cells, new.cells, edition),
        *_definition_reasons(old.definitions, new.definitions, definitions or {}),
        *_package_reasons(old.lock, new.lock),
        *_option_reasons(old.options, new.options, same_names=old.definitions.keys() == new.definitions.keys()),
    )
    # only another octavo finds that the order counts where it did not
    return found or (("this octavo executes pages differently",) if old != new else ())


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


def _option_reasons(old: Mapping[str, str], new: Mapping[str, str], *, same_names: bool) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if name == "schema":
            yield "this octavo executes pages differently"
        elif name == _ORDER:
            if same_names and before is not None and after is not None:  # else it is said which are new or gone
                yield "saved code stands in another order"
        elif name.startswith("module ") and (before is None or after is None):
            yield f"the {name} is {'used now' if before is None else 'no longer used'}"
        elif name.startswith("module "):
            yield f"the {name} changed"
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
