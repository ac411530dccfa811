"""What a command did with the results of a book, for other programs: JUnit's XML, and JSON."""

from __future__ import annotations

import datetime
import json
import platform
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from octavo.diagnostics import Code, Diagnostic, ReadLine, format_diagnostic, lines_around
from octavo.execute import failures
from octavo.model import Edition, Run

Pair = tuple[str, str]
"""Page and framework."""

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document can hold, in any spelling."""
_ERRORS = {Code.KERNEL_DIED, Code.ENVIRONMENT, Code.INFRASTRUCTURE}
"""Failures that JUnit calls errors: the page could not be judged."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One page in one framework, and what the command did with it."""

    page: str
    tab: str
    path: str
    """The page's file, relative to the book's source folder."""
    line: int
    """Of its first cell, or of what failed."""
    state: Literal["done", "failed", "fresh", "deferred"]
    """Executed well, or not; not executed since its result is fresh, or since this machine lacks what it needs."""
    run: Run | None = None
    """What executing it gave."""
    why: str = ""
    """Why it was deferred."""
    command: str = ""
    """What repeats its failure."""
    problem: Diagnostic | None = None
    """Its failure as the author is told it."""


def entries(
    editions: Mapping[Pair, Edition],
    runs: Iterable[Run],
    deferred: Mapping[Pair, str],
    is_fresh: Callable[[Pair], bool],
    octavo: Sequence[str] = ("octavo",),
) -> list[Entry]:
    """An entry for each of ``editions`` that was executed, deferred, or is fresh.

    A command that was interrupted, or did a share of the work, has nothing to say of the others.
    """
    ran = {(run.page, run.tab): run for run in runs}
    return [
        _entry(edition, ran.get(pair), deferred.get(pair), octavo)
        for pair, edition in editions.items()
        if pair in ran or pair in deferred or is_fresh(pair)
    ]


def _entry(edition: Edition, run: Run | None, why: str | None, octavo: Sequence[str]) -> Entry:
    path = edition.cells[0].cell.span.path if edition.cells else f"{edition.page}.md"
    line = edition.cells[0].cell.span.line if edition.cells else 1
    if run is None:
        state: Literal["fresh", "deferred"] = "fresh" if why is None else "deferred"
        return Entry(edition.page, edition.tab, path, line, state, why=why or "")
    if run.failure is None:
        return Entry(edition.page, edition.tab, path, line, "done", run)
    (problem,) = failures.diagnostics([run], {(edition.page, edition.tab): edition}, octavo)
    if run.failure.span is not None:
        path, line = run.failure.span.path, run.failure.span.line
    return Entry(edition.page, edition.tab, path, line, "failed", run, command=problem.command, problem=problem)


# -- JSON


def to_json(
    done: Sequence[Entry], editions: Mapping[Pair, Edition], messages: Iterable[Diagnostic], read_line: ReadLine
) -> str:
    """Everything as JSON: the pages in the order of the book, then what was said."""
    runs = [_run_to_json(entry, editions.get((entry.page, entry.tab)), read_line) for entry in done]
    body = {"runs": runs, "messages": [message.to_json(read_line) for message in messages]}
    return json.dumps(body, indent=2, ensure_ascii=True) + "\n"  # a lone surrogate of a kernel's text stays readable


def _run_to_json(entry: Entry, edition: Edition | None, read_line: ReadLine) -> dict[str, Any]:
    run = entry.run
    return {
        "page": entry.page,
        "tab": entry.tab,
        "state": entry.state,
        "seconds": round(run.seconds, 3) if run else None,
        "device": (run.device or None) if run else None,
        "host": (run.host or platform.node() or None) if run else None,
        "cells": list(_cells(run, edition)) if run else [],
        "failure": _failure(entry, read_line) if entry.state == "failed" else None,
        "reason": entry.why or None,
    }


def _cells(run: Run, edition: Edition | None) -> Iterator[dict[str, Any]]:
    for index, cell in enumerate(run.cells):
        known = edition is not None and index < len(edition.cells)
        yield {
            "line": edition.cells[index].cell.span.line if known and edition else None,
            "seconds": round(cell.seconds, 3),
            "memory": cell.memory or None,
            "gpu_memory": cell.gpu_memory or None,
        }


def _failure(entry: Entry, read_line: ReadLine) -> dict[str, Any]:
    assert entry.run is not None and entry.run.failure is not None and entry.problem is not None
    failure = entry.run.failure
    return {
        "code": entry.problem.code.value,
        "name": failure.name,
        "message": failure.message,
        "path": failure.span.path if failure.span else None,
        "line": failure.span.line if failure.span else None,
        "excerpt": [{"line": number, "text": text} for number, text in _excerpt(entry.problem, read_line)],
        "traceback": list(failure.traceback),
        "hint": entry.problem.hint or None,
        "infrastructure": failure.infrastructure,
        "command": entry.command,
    }


def _excerpt(problem: Diagnostic, read_line: ReadLine) -> list[tuple[int, str]]:
    """The author's line that failed, with those around it."""
    if problem.span is None:
        return []
    own = read_line(problem.span.path, problem.span.line)
    around = list(lines_around(problem, read_line))
    return sorted([*around, *([] if own is None else [(problem.span.line, own.rstrip())])])


# -- JUnit


def junit(done: Sequence[Entry], read_line: ReadLine, when: datetime.datetime, host: str = "") -> str:
    """JUnit's XML: a suite for each framework, a case for each page.

    ``when`` is when the command began, ``host`` the machine that it is run on.
    """
    root = ET.Element("testsuites", {"name": "octavo"})
    tabs = dict.fromkeys(entry.tab for entry in done)
    for tab in tabs:
        cases = [entry for entry in done if entry.tab == tab]
        suite = ET.SubElement(root, "testsuite", {"name": _clean(tab), **_counts(cases)})
        suite.set("timestamp", when.replace(microsecond=0, tzinfo=None).isoformat())
        suite.set("hostname", _clean(host or platform.node() or "localhost"))
        for entry in cases:
            _case(suite, entry, read_line)
    for name, value in _counts(done).items():
        root.set(name, value)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _counts(cases: Sequence[Entry]) -> dict[str, str]:
    kinds = [_kind(entry) for entry in cases]
    return {
        "tests": str(len(cases)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
        "time": f"{sum(entry.run.seconds for entry in cases if entry.run):.3f}",
    }


def _kind(entry: Entry) -> Literal["", "failure", "error", "skipped"]:
    if entry.state == "deferred":
        return "skipped"
    if entry.problem is None:
        return ""
    return "error" if entry.problem.code in _ERRORS else "failure"


def _case(suite: ET.Element, entry: Entry, read_line: ReadLine) -> None:
    """One page in one framework; what is wrong with it is told as a terminal tells it."""
    case = ET.SubElement(suite, "testcase", {"classname": _clean(entry.tab), "name": _clean(entry.page)})
    case.set("file", _clean(entry.path))
    case.set("line", str(entry.line))
    case.set("time", f"{entry.run.seconds if entry.run else 0:.3f}")
    kind = _kind(entry)
    if kind == "skipped":
        ET.SubElement(case, "skipped", {"message": _clean(entry.why)})
    elif kind and entry.problem is not None and entry.run is not None and entry.run.failure is not None:
        about = {"message": _clean(entry.problem.message), "type": _clean(entry.run.failure.name)}
        ET.SubElement(case, kind, about).text = _clean(format_diagnostic(entry.problem, read_line))


def _clean(text: str) -> str:
    """Text without what XML cannot hold."""
    return _NOT_IN_XML.sub("�", text)
