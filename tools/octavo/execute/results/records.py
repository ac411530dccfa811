"""Runs ↔ the plain values that are written as JSON. Reading trusts nothing: every value is checked.

Text is a list of its lines, so that a difference between two versions is a line of a diff; nothing is lost, since
joining the lines gives the text back.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from octavo.execute.checks import DamagedError, lines, mapping, seconds_of, sequence, sha256, text_of, texts
from octavo.execute.freshness.key import key as key_of
from octavo.execute.kernels.outputs import BINARY_TYPES, TYPES
from octavo.model import CellRun, Failure, Inputs, Output, Run, Span

SCHEMA = 1
"""The version of the files' form; a file of another version is not read."""


def dump(value: object) -> str:
    """JSON as octavo writes it: sorted keys, one space of indent, a final newline."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def pack(value: object) -> str:
    """JSON for machines alone: sorted keys, no spaces. Ten times as fast as :func:`dump`."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def load(text: str) -> dict[str, Any]:
    """The object that a record holds; raises :class:`DamagedError`."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise DamagedError("it is no JSON") from problem
    table = mapping(value, "the file")
    if table.get("schema") != SCHEMA:
        raise DamagedError(f"its schema is not {SCHEMA}")
    return table


# -- inputs


def inputs_to_json(inputs: Inputs) -> dict[str, Any]:
    """What a run depended on, the cells left out (they stand with their outputs), the lock on one line."""
    return {
        "definitions": dict(inputs.definitions),
        "lock": ", ".join(f"{name} {version}" for name, version in sorted(inputs.lock.items())),
        "options": dict(inputs.options),
    }


def inputs_from_json(value: object, cells: tuple[str, ...]) -> Inputs:
    """The reverse of :func:`inputs_to_json`."""
    table = mapping(value, "inputs")
    lock: dict[str, str] = {}
    text = text_of(table.get("lock"), "lock")
    # a version may hold commas (extras, markers), a new package begins with its name and a version
    for item in re.split(r", (?=[a-z0-9][a-z0-9-]* v?\d)", text) if text else ():
        name, found, version = item.partition(" ")
        if not found:
            raise DamagedError("its lock cannot be read")
        lock[name] = version
    return Inputs(cells, texts(table.get("definitions"), "definitions"), lock, texts(table.get("options"), "options"))


# -- outputs

Put = Callable[[int, int, str, str], object]
"""Takes cell, output (both from 0), MIME type and content; gives what stands in the JSON for it."""
Take = Callable[[int, int, str, object], str]
"""The reverse of :data:`Put`; raises :class:`DamagedError`."""


def put_text(cell: int, output: int, kind: str, content: str) -> object:
    """Content as lines."""
    return content.split("\n")


def take_text(cell: int, output: int, kind: str, value: object) -> str:
    """Content from its lines."""
    return "\n".join(lines(value, kind))


def cells_to_json(cells: tuple[CellRun, ...], put: Put, *, measured: bool) -> list[dict[str, Any]]:
    """The cells of a run, each with its outputs; with ``measured`` also their time and memory."""
    result = []
    for index, cell in enumerate(cells):
        item: dict[str, Any] = {
            "digest": cell.digest,
            "outputs": [_output_to_json(index, number, output, put) for number, output in enumerate(cell.outputs)],
        }
        if cell.varies:
            item["varies"] = True
        if measured:
            item["seconds"] = round(cell.seconds, 4)
            if cell.memory:
                item["memory"] = cell.memory
            if cell.gpu_memory:
                item["gpu_memory"] = cell.gpu_memory
        result.append(item)
    return result


def cells_from_json(value: object, take: Take) -> tuple[CellRun, ...]:
    """The reverse of :func:`cells_to_json`; raises :class:`DamagedError`."""
    cells = []
    for index, item in enumerate(sequence(value, "cells")):
        table = mapping(item, "a cell")
        outputs = sequence(table.get("outputs"), "outputs")
        cells.append(
            CellRun(
                digest=sha256(table.get("digest"), "digest"),
                outputs=tuple(_output_from_json(index, number, output, take) for number, output in enumerate(outputs)),
                varies=table.get("varies") is True,
                seconds=seconds_of(table.get("seconds", 0.0), "seconds"),
                memory=_size(table.get("memory", 0), "memory"),
                gpu_memory=_size(table.get("gpu_memory", 0), "gpu_memory"),
            )
        )
    return tuple(cells)


def _output_to_json(cell: int, number: int, output: Output, put: Put) -> dict[str, Any]:
    item: dict[str, Any] = {"kind": output.kind}
    if output.kind in ("display", "result"):
        item["data"] = {kind: put(cell, number, kind, content) for kind, content in output.data.items()}
        return item
    item["name"] = output.name
    item["text"] = put_text(cell, number, "text/plain", output.text)
    if output.kind == "error":
        item["traceback"] = list(output.traceback)
    return item


def _output_from_json(cell: int, number: int, value: object, take: Take) -> Output:
    table = mapping(value, "an output")
    kind = table.get("kind")
    if kind in ("display", "result"):
        data = mapping(table.get("data"), "data")
        for name in data:
            if name not in TYPES:
                raise DamagedError(f"an output has the unknown type {name[:40]!r}")
        content = {name: take(cell, number, name, data[name]) for name in TYPES if name in data}
        for name in BINARY_TYPES:
            _base64(content.get(name, ""), name)
        return Output(cast(Literal["display", "result"], kind), data=content)
    if kind == "stream":
        stream = text_of(table.get("name"), "name")
        if stream not in ("stdout", "stderr"):
            raise DamagedError("a stream has no name")
        return Output("stream", name=stream, text=take_text(cell, number, "text", table.get("text")))
    if kind == "error":
        return Output(
            "error",
            name=text_of(table.get("name"), "name"),
            text=take_text(cell, number, "text", table.get("text")),
            traceback=tuple(lines(table.get("traceback"), "traceback")),
        )
    raise DamagedError("an output has no known kind")


# -- whole runs, as the local and the shared store keep them


def run_to_json(run: Run) -> dict[str, Any]:
    """Everything of a run."""
    return {
        "schema": SCHEMA,
        "key": run.key,
        "page": run.page,
        "tab": run.tab,
        "inputs": inputs_to_json(run.inputs),
        # of a failed run the cells that did not run have no outputs, but their digests count
        "digests": list(run.inputs.cells),
        "cells": cells_to_json(run.cells, put_text, measured=True),
        "failure": _failure_to_json(run.failure) if run.failure else None,
        "seconds": round(run.seconds, 4),
        "device": run.device,
        "host": run.host,
    }


def run_from_json(table: Mapping[str, Any]) -> Run:
    """The reverse of :func:`run_to_json`; raises :class:`DamagedError`, also when the key is not that of the inputs."""
    digests = tuple(sha256(item, "digest") for item in sequence(table.get("digests"), "digests"))
    failure = table.get("failure")
    run = Run(
        key=sha256(table.get("key"), "key"),
        page=_place(table.get("page"), "page"),
        tab=_place(table.get("tab"), "tab", parts=1),
        inputs=inputs_from_json(table.get("inputs"), digests),
        cells=cells_from_json(table.get("cells"), take_text),
        failure=None if failure is None else _failure_from_json(failure),
        seconds=seconds_of(table.get("seconds"), "seconds"),
        device=text_of(table.get("device"), "device"),
        host=text_of(table.get("host", ""), "host"),
    )
    check(run)
    return run


def check(run: Run) -> None:
    """Raise :class:`DamagedError` when a run's key is not that of its inputs, or cells are missing."""
    if key_of(run.inputs) != run.key:
        raise DamagedError("its key does not fit its content")
    if run.inputs.options.get("tab", run.tab) != run.tab:  # which is part of the key
        raise DamagedError("it is of another framework")
    digests = tuple(cell.digest for cell in run.cells)
    expected = run.inputs.cells[: len(digests)] if run.failure else run.inputs.cells
    if digests != expected:
        raise DamagedError("its cells do not fit its key")


def _failure_to_json(failure: Failure) -> dict[str, Any]:
    span = failure.span
    return {
        "reason": failure.reason,
        "name": failure.name,
        "message": failure.message,
        "span": [span.path, span.line, span.end] if span else None,
        "cell": failure.cell,
        "traceback": list(failure.traceback),
        "infrastructure": failure.infrastructure,
    }


def _failure_from_json(value: object) -> Failure:
    table = mapping(value, "failure")
    reason = table.get("reason")
    if reason not in ("exception", "timeout", "died", "environment", "syntax", "deferred"):
        raise DamagedError("its failure has no known reason")
    cell, span = table.get("cell"), None
    if cell is not None and (not isinstance(cell, int) or isinstance(cell, bool)):
        raise DamagedError("its failure names no cell")
    if table.get("span") is not None:
        place = sequence(table["span"], "span")
        if len(place) != 3 or not isinstance(place[0], str) or not all(type(n) is int for n in place[1:]):
            raise DamagedError("its failure has no place")
        span = Span(*place)
    return Failure(
        reason=reason,
        name=text_of(table.get("name"), "name"),
        message=text_of(table.get("message"), "message"),
        span=span,
        cell=cell,
        traceback=tuple(lines(table.get("traceback"), "traceback")),
        infrastructure=table.get("infrastructure") is True,
    )


# -- checks of single values


def _place(value: object, what: str, parts: int = 100) -> str:
    """A name that files are made by: it leads nowhere but below the folder it is relative to."""
    text = text_of(value, what)
    names = text.split("/")
    if min(text, default="") < " " or not {"", ".", ".."}.isdisjoint(names) or len(names) > parts:
        raise DamagedError(f"{what} is no name")
    return text


def _base64(text: str, what: str) -> None:
    try:
        base64.b64decode(text, validate=True)
    except ValueError as problem:
        raise DamagedError(f"{what} is no base64") from problem


def _size(value: object, what: str) -> int:
    if type(value) is not int or not 0 <= value < 1 << 60:
        raise DamagedError(f"{what} is no number of bytes")
    return value
