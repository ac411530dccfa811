"""Reports for other programs: runs of every kind as JUnit's XML and as JSON, whatever a kernel may have said."""

from __future__ import annotations

import datetime
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from execute_editions import build_edition
from hypothesis import given
from hypothesis import strategies as st

from octavo.diagnostics import Code
from octavo.execute import failures, report
from octavo.execute.kernels.tracebacks import crash, in_pages
from octavo.model import CellRun, Failure, Inputs, Run, Span

WHEN = datetime.datetime(2030, 1, 2, 3, 4, 5, 6)
INPUTS = Inputs((), {}, {}, {})
RAISED = Failure("exception", "ValueError", "no", Span("chapter_x/page.md", 17, 17), 1, ("Traceback", "  x"))


def make_run(failure: Failure | None = None, **more: object) -> Run:
    cells = (CellRun("0" * 64, (), seconds=1.5, memory=1000, gpu_memory=7), CellRun("0" * 64, (), seconds=0.25))
    run = Run("k", "chapter_x/page", "small", INPUTS, cells, failure, seconds=2.0, device="cpu", host="here")
    return replace(run, **more)


def lines(path: str, number: int) -> str | None:
    return f"line {number} of {path}"


def entries(run: Run | None, deferred: str | None = None, fresh: bool = False) -> list[report.Entry]:
    edition = build_edition("a = 1", "b = 2\nc = 3\nd = 4")
    pair = (edition.page, edition.tab)
    put_off = {} if deferred is None else {pair: deferred}
    return report.entries({pair: edition}, [run] if run else [], put_off, lambda _: fresh)


def case_of(done: list[report.Entry]) -> ET.Element:
    (case,) = ET.fromstring(report.junit(done, lines, WHEN, "host")).iter("testcase")
    return case


def json_of(done: list[report.Entry]) -> dict[str, object]:
    edition = build_edition("a = 1", "b = 2\nc = 3\nd = 4")
    (run,) = json.loads(report.to_json(done, {(edition.page, edition.tab): edition}, [], lines))["runs"]
    return run


DIED = Failure("died", "KernelDied", "the kernel was ended by SIGSEGV", Span("chapter_x/page.md", 11, 11), 0)


@pytest.mark.parametrize(
    ("failure", "element", "code", "hint"),
    [
        (RAISED, "failure", Code.CELL_FAILED, ""),
        (Failure("syntax", "SyntaxError", "bad", RAISED.span, 1), "failure", Code.CELL_FAILED, ""),
        (Failure("exception", "PageTimeout", "an author's own", RAISED.span, 1), "failure", Code.CELL_FAILED, ""),
        (Failure("timeout", "CellTimeout", "slow", RAISED.span, 1), "failure", Code.CELL_TIMEOUT, "[execute] timeout"),
        (Failure("timeout", "PageTimeout", "slow", RAISED.span, 1), "failure", Code.PAGE_TIMEOUT, "page_timeout"),
        (Failure("timeout", "CellSilent", "still", RAISED.span, 1), "failure", Code.CELL_SILENT, "silence"),
        (DIED, "error", Code.KERNEL_DIED, "compiled code"),
        (replace(DIED, message="the kernel ended with exit code 3"), "error", Code.KERNEL_DIED, "ends its process"),
        (
            replace(DIED, message="the kernel was ended by SIGKILL, perhaps …", infrastructure=True),
            "error",
            Code.INFRASTRUCTURE,
            "memory ran out",
        ),
        (
            Failure("died", "KernelDied", "the kernel did not start: no answer", infrastructure=True),
            "error",
            Code.INFRASTRUCTURE,
            "octavo env remove small",
        ),
        (replace(DIED, message="the kernel answers no more: x"), "error", Code.KERNEL_DIED, "what the cell does"),
        (
            Failure("died", "OSError", "cannot run the page: no space left, in each of 3 tries", infrastructure=True),
            "error",
            Code.INFRASTRUCTURE,
            "look at the machine",
        ),
        (Failure("environment", "EnvironmentError", "no network"), "error", Code.ENVIRONMENT, "pages are shown"),
    ],
)
def test_each_kind_of_failure_has_its_code_its_hint_and_its_element(
    failure: Failure, element: str, code: Code, hint: str
) -> None:
    (message,) = failures.diagnostics([make_run(failure)])
    assert message.code is code
    assert hint in message.hint and bool(hint) == bool(message.hint)
    assert message.command == "octavo run chapter_x/page.md --tab small"
    (problem,) = case_of(entries(make_run(failure)))
    assert problem.tag == element
    assert json_of(entries(make_run(failure)))["failure"]["code"] == code.value


def test_a_failure_is_told_with_its_lines_its_traceback_and_its_command() -> None:
    done = entries(make_run(RAISED))
    case, told = case_of(done), json_of(done)
    assert (case.get("file"), case.get("line"), case.get("time")) == ("chapter_x/page.md", "17", "2.000")
    (problem,) = case
    assert problem.get("message") == "ValueError: no" and problem.get("type") == "ValueError"
    assert told == {
        "page": "chapter_x/page",
        "tab": "small",
        "state": "failed",
        "seconds": 2.0,
        "device": "cpu",
        "host": "here",
        "cells": [
            {"line": 10, "seconds": 1.5, "memory": 1000, "gpu_memory": 7},
            {"line": 16, "seconds": 0.25, "memory": None, "gpu_memory": None},
        ],
        "failure": {
            "code": "cell-failed",
            "name": "ValueError",
            "message": "no",
            "path": "chapter_x/page.md",
            "line": 17,
            # the cell's own lines and not its fences
            "excerpt": [{"line": n, "text": f"line {n} of chapter_x/page.md"} for n in (17, 18)],
            "traceback": ["Traceback", "  x"],
            "hint": None,
            "infrastructure": False,
            "command": "octavo run chapter_x/page.md --tab small",
        },
        "reason": None,
    }


def test_what_did_not_run_is_fresh_put_off_or_not_spoken_of() -> None:
    assert entries(None) == []
    assert (json_of(entries(None, fresh=True))["state"], len(case_of(entries(None, fresh=True)))) == ("fresh", 0)
    (skipped,) = case_of(entries(None, deferred="needs a card"))
    assert (skipped.tag, skipped.get("message")) == ("skipped", "needs a card")
    assert json_of(entries(None, deferred="needs a card"))["reason"] == "needs a card"


def test_another_machine_is_named() -> None:
    (message,) = failures.diagnostics([make_run(RAISED, host="gpu-3")])
    assert message.host == "gpu-3"
    assert failures.reasons(make_run(RAISED, host="gpu-3"))[0] == "ValueError: no at chapter_x/page.md:17 on gpu-3"


def test_a_page_with_odd_characters_can_be_pasted_into_a_shell() -> None:
    run = make_run(RAISED, page="part one/it's; $HOME")
    (message,) = failures.diagnostics([run], octavo=("octavo", "-C", "my book"))
    assert message.command == """octavo -C 'my book' run 'part one/it'"'"'s; $HOME.md' --tab small"""


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_makes_a_report_that_cannot_be_read(text: str) -> None:
    failure = replace(RAISED, name=text or "x", message=text, traceback=(text, "last"))
    done = entries(make_run(failure, host=text, device=text))
    (problem,) = case_of(done)
    assert problem.tag == "failure"
    assert report.junit(done, lines, WHEN).encode("utf-8")
    told = json_of(done)
    assert told["failure"]["message"] == text and told["failure"]["traceback"] == [text, "last"]
    assert entries(None, deferred=text) and case_of(entries(None, deferred=text)) is not None


def test_suites_count_and_say_where_and_when() -> None:
    done = [*entries(make_run()), *entries(make_run(RAISED)), *entries(make_run(DIED)), *entries(None, deferred="x")]
    root = ET.fromstring(report.junit(done, lines, WHEN, "host"))
    (suite,) = root
    expected = {"tests": "4", "failures": "1", "errors": "1", "skipped": "1", "time": "6.000"}
    assert expected.items() <= root.attrib.items() and expected.items() <= suite.attrib.items()
    assert (suite.get("name"), suite.get("timestamp"), suite.get("hostname")) == (
        "small",
        "2030-01-02T03:04:05",
        "host",
    )


def test_frames_of_the_library_become_lines_of_pages() -> None:
    told = (
        "Traceback (most recent call last):",
        "  page.md:3",
        "    d2l.f()",
        "  d2l/small.py:12, in f",
        "    d2l/small.py:12, in f",
        "  numpy/core.py:7, in g",
        "ValueError: x",
    )
    moved = in_pages(
        replace(RAISED, traceback=told), lambda path, line: Span("a.md", line + 1, line + 1) if "d2l" in path else None
    )
    assert moved.traceback == (*told[:3], "  a.md:13, in f", *told[4:])


def test_the_trace_of_a_crash_is_in_the_authors_lines_and_the_same_each_time() -> None:
    edition = build_edition("a = 1", "\nb = 2\ncrash()")
    trace = (
        "NOTE: When using the `ipython kernel` entry point, Ctrl-C will not work.",
        "To connect another client to this kernel, use:",
        "    --existing /tmp/octavo-ab/kernel.json",
        "its own words",
        "Current thread 0x00007f9a609c6b80 (most recent call first):",
        '  File "ctypes/__init__.py", line 519 in string_at',
        '  File "<cell>", line 2 in <module>',
    )
    span, told = crash(edition, 1, trace)
    assert span == Span("chapter_x/page.md", 19, 19)
    assert told == (
        "its own words",
        "Current thread (most recent call first):",
        '  File "ctypes/__init__.py", line 519 in string_at',
        "  chapter_x/page.md:19",
    )
