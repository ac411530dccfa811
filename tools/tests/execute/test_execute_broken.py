"""Six kinds of broken page in one run: six precise reports, and every healthy page's result is kept.

Everything is seen from outside: what the command line prints, the files that it writes, and what its advice does.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass

import pytest
from execute_books import MiniBook, page, share_environments, write_book

from octavo.execute.environments.environment import Environment, Lock

PAGES = {
    "part/saves": page(
        "Saved Code",
        """
        def inner(x):  #@save
            # a remark, so that lines of the module and of the page differ
            if x == 0:
                raise ValueError("zero: 100%\\n::error::injected, by a page")
            return 1 / x
        """,
        "def outer(x):  #@save\n    y = inner(x)\n    return y",
        "print('saved and well')",
    ),
    "part/raises": page(
        "Raises, Two Calls Deep",
        "from d2l import small as d2l\nprint('so far')",
        "a = 1\n\nb = 2\nc = d2l.outer(a - 1)\nprint('never')",
    ),
    "part/syntax": page("Is No Python", "x = 1\nfor i in range(3)\n    print(i)"),
    "part/endless": page("Never Ends", "print('begins')", "n = 0\nwhile True:\n    n += 1"),
    "part/dies": page(
        "Crashes", "import os, signal", "print('goes')\nos.kill(os.getpid(), signal.SIGSEGV)", "print('never')"
    ),
    "part/silent": "---\nexecute:\n  silence: 2\n---\n"
    + page("Says Nothing", "import time\nprint('hangs')\ntime.sleep(60)"),
    "part/lacking": page("Has No Environment", "#@tab lacking\nprint('never')"),
    "part/healthy": page("Is Well", "print('all is well')", "6 * 7"),
    "uses": page("Is Well Too", "from d2l import small as d2l\nd2l.outer(4)"),
}


@dataclass(frozen=True)
class Expected:
    """What a broken page has to be told of: the author's line by what stands there."""

    page: str
    tab: str
    code: str
    text: str
    message: str
    name: str
    element: str = "failure"


EXPECTED = (
    Expected("part/raises", "small", "cell-failed", "c = d2l.outer(a - 1)", "ValueError: zero: 100%", "ValueError"),
    Expected(
        "part/syntax",
        "small",
        "syntax-error",
        "for i in range(3)",
        "this cell is not valid Python: expected ':'",
        "SyntaxError",
    ),
    Expected("part/endless", "small", "cell-timeout", "", "the cell ran longer than 4 s", "CellTimeout"),
    Expected(
        "part/dies",
        "small",
        "kernel-died",
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "the kernel was ended by SIGSEGV",
        "KernelDied",
        "error",
    ),
    Expected(
        "part/silent",
        "small",
        "cell-silent",
        "time.sleep(60)",
        "the cell printed and drew nothing for 2 s",
        "CellSilent",
    ),
    Expected("part/lacking", "lacking", "environment", "", "", "EnvironmentError", "error"),
)
HEALTHY = {"part/saves", "part/healthy", "uses"}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory, small: Environment, small_lock: Lock) -> MiniBook:
    lock = "# python: 3.11\n" + small_lock.requirements
    lacking = re.sub(r"^ipykernel==.*$", "ipykernel==0.0.99", lock, flags=re.MULTILINE)
    assert lacking != lock
    book = write_book(
        tmp_path_factory.mktemp("broken"), PAGES, {"small": lock, "lacking": lacking}, "[execute]\ntimeout = 4\n"
    )
    share_environments(book, small.folder.parent)
    return book


@pytest.fixture(scope="module")
def told(book: MiniBook) -> subprocess.CompletedProcess[str]:
    """The one run, in a job of GitHub whose repository is the folder around the book."""
    return book.run(
        *("run", "--junit", str(book.folder / "reports/junit.xml"), "--report", str(book.folder / "reports/run.json")),
        GITHUB_ACTIONS="true",
        GITHUB_WORKSPACE=str(book.folder.parent),
    )


def line_of(page: str, text: str) -> int:
    (number,) = [n for n, line in enumerate(PAGES[page].split("\n"), 1) if line == text]
    return number


def lines_of(expected: Expected) -> set[int]:
    """Where the message may point: into the loop that never ends, else at one line."""
    if expected.page == "part/endless":
        return {line_of(expected.page, "while True:"), line_of(expected.page, "    n += 1")}
    return {line_of(expected.page, expected.text)}


def blocks(stderr: str) -> dict[str, str]:
    """Head → whole message, for each message of a command."""
    found: dict[str, str] = {}
    head = ""
    for line in stderr.splitlines():
        if re.match(r"(\S+:\d+: )?(error|warning)\[", line):
            head, found[line] = line, line
        elif head and line:
            found[head] += "\n" + line
        else:
            head = ""
    return found


def block(stderr: str, expected: Expected) -> str:
    (text,) = [text for text in blocks(stderr).values() if f"[{expected.code}]" in text.split("\n")[0]]
    return text


def test_there_is_one_report_of_each_and_nothing_else(told: subprocess.CompletedProcess[str]) -> None:
    assert told.returncode == 1, told.stderr
    assert len(blocks(told.stderr)) == len(EXPECTED), told.stderr
    assert f"{len(EXPECTED)} errors" in told.stderr.splitlines()
    assert not re.search(r"^Traceback", told.stderr, re.MULTILINE)


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda one: one.code)
def test_a_report_is_precise(told: subprocess.CompletedProcess[str], expected: Expected) -> None:
    text = block(told.stderr, expected)
    head = text.split("\n")[0]
    if expected.code == "environment":
        assert re.fullmatch(r"error\[environment\]: .+ \(lacking\)", head)
    else:
        place = re.match(rf"{expected.page}\.md:(\d+): error\[{expected.code}\]: (.*) \(small\)$", head)
        assert place, head
        assert int(place[1]) in lines_of(expected)
        assert place[2] == expected.message
        own = PAGES[expected.page].split("\n")[int(place[1]) - 1]
        assert re.search(rf"^ +{place[1]} \| {re.escape(own)}\n +\| +\^+$", text, re.MULTILINE), text
    if expected.code not in ("cell-failed", "syntax-error"):
        assert "   hint: " in text


def test_the_excerpt_shows_the_lines_around_and_the_traceback_the_authors_lines(
    told: subprocess.CompletedProcess[str],
) -> None:
    text = block(told.stderr, EXPECTED[0])
    line = line_of("part/raises", "c = d2l.outer(a - 1)")
    outer = line_of("part/saves", "    y = inner(x)")
    (inner,) = [n for n, one in enumerate(PAGES["part/saves"].split("\n"), 1) if "raise ValueError" in one]
    shown = [
        f" {line - 3} | a = 1",
        f" {line - 2} |",
        f" {line - 1} | b = 2",
        f" {line} | c = d2l.outer(a - 1)",
        "    | ^^^^^^^^^^^^^^^^^^^^",
        f" {line + 1} | print('never')",
    ]
    assert "\n".join(shown) in text
    frames = re.findall(r"^     (\S+:\d+)(, in \w+)?$", text, re.MULTILINE)
    assert frames == [
        (f"part/raises.md:{line}", ""),
        (f"part/saves.md:{outer}", ", in outer"),
        (f"part/saves.md:{inner}", ", in inner"),
    ]


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda one: one.code)
def test_the_command_of_a_report_gives_the_same_failure(
    book: MiniBook, told: subprocess.CompletedProcess[str], expected: Expected
) -> None:
    text = block(told.stderr, expected)
    (command,) = re.findall(r"^   reproduce: (.*)$", text, re.MULTILINE)
    words = shlex.split(command)
    assert words == ["octavo", "-C", str(book.folder), "run", f"{expected.page}.md", "--tab", expected.tab]
    answer = subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, env=book.environment(), check=False, timeout=120
    )
    assert answer.returncode == 1
    assert re.findall(r"^executing (\S+) \((\S+)\)", answer.stderr, re.MULTILINE) == (
        [] if expected.code == "environment" else [(expected.page, expected.tab)]
    )
    again = block(answer.stderr, expected)
    if expected.code == "cell-timeout":  # which of its lines the loop was in
        again, text = (re.sub(r":\d+: error.*", "", one.split("\n")[0]) for one in (again, text))
    assert again == text


def test_what_is_healthy_is_kept(book: MiniBook, told: subprocess.CompletedProcess[str]) -> None:
    kept = {
        path.parent.relative_to(book.folder / "outputs").as_posix() for path in book.folder.glob("outputs/**/*.json")
    }
    assert kept == HEALTHY
    healthy = json.loads((book.folder / "outputs/part/healthy/small.json").read_text())
    assert "all is well" in json.dumps(healthy)
    states = {row["page"]: row for row in json.loads(book.run("status", "--json").stdout)["runs"]}
    assert {name for name, row in states.items() if row["state"] == "fresh"} == HEALTHY
    line = line_of("part/raises", "c = d2l.outer(a - 1)")
    assert states["part/raises"]["reasons"] == [
        f"ValueError: zero: 100% at part/raises.md:{line}",
        f"reproduce: octavo -C {book.folder} run part/raises.md --tab small",
    ]


def test_the_reports_for_machines_agree(book: MiniBook, told: subprocess.CompletedProcess[str]) -> None:
    tree = ET.parse(book.folder / "reports/junit.xml").getroot()
    report = json.loads((book.folder / "reports/run.json").read_text(encoding="utf-8"))
    assert tree.tag == "testsuites"
    cases = {(case.get("classname"), case.get("name")): case for case in tree.iter("testcase")}
    runs = {(run["tab"], run["page"]): run for run in report["runs"]}
    assert cases.keys() == runs.keys() == {
        *(("small", name) for name in PAGES if name != "part/lacking"), ("lacking", "part/lacking")
    }  # fmt: skip
    for suite in (tree, *tree.iter("testsuite")):
        inside = list(suite.iter("testcase"))
        assert suite.get("tests") == str(len(inside))
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(attribute) == str(sum(case.find(tag) is not None for case in inside))
    for expected in EXPECTED:
        case, run = cases[expected.tab, expected.page], runs[expected.tab, expected.page]
        (problem,) = case
        assert problem.tag == expected.element and problem.get("type") == expected.name
        assert run["state"] == "failed" and run["failure"]["name"] == expected.name
        assert f"reproduce: {run['failure']['command']}" in (problem.text or "")
        assert case.get("file") == f"{expected.page}.md"
        if expected.code != "environment":
            assert run["failure"]["line"] in lines_of(expected)
            assert case.get("line") == str(run["failure"]["line"])
            shown = {row["line"]: row["text"] for row in run["failure"]["excerpt"]}
            assert shown[run["failure"]["line"]] == PAGES[expected.page].split("\n")[run["failure"]["line"] - 1]
            assert run["host"] and run["device"] == "cpu" and run["seconds"] > 0
    for name in HEALTHY:
        assert len(cases["small", name]) == 0 and runs["small", name]["state"] == "done"
        assert runs["small", name]["failure"] is None
        starts = [n for n, line in enumerate(PAGES[name].split("\n"), 1) if line == "```{.python .input}"]
        assert [cell["line"] for cell in runs["small", name]["cells"]] == starts
    heads = {(message["code"], message["path"], message["tab"]) for message in report["messages"]}
    assert heads == {
        (one.code, None if one.code == "environment" else f"{one.page}.md", one.tab) for one in EXPECTED
    }  # fmt: skip


def obeyed(printed: str) -> list[tuple[str, dict[str, str], str]]:
    """What GitHub's runner takes as commands: name, properties, message. It does not mind blanks before them."""
    token, found = "", []
    for line in map(str.lstrip, printed.splitlines()):
        if token:
            token = "" if line == f"::{token}::" else token
        elif stop := re.fullmatch(r"::stop-commands::(\S+)", line):
            token = stop[1]
        elif command := re.fullmatch(r"::([\w-]+)(?: ([^:]*))?::(.*)", line):
            properties = dict(item.partition("=")[::2] for item in (command[2] or "").split(",") if item)
            found.append((command[1], properties, command[3]))
    assert token == "", "the runner is left deaf"
    return found


def test_github_shows_each_failure_at_its_line_and_obeys_no_page(told: subprocess.CompletedProcess[str]) -> None:
    commands = obeyed(told.stderr)
    assert "::error::injected, by a page" in [line.strip() for line in told.stderr.splitlines()]
    assert obeyed(told.stdout) == []
    assert [name for name, _, _ in commands] == ["error"] * len(EXPECTED)
    found = {properties["title"].split()[0]: (properties, message) for _, properties, message in commands}
    for expected in EXPECTED:
        properties, message = found[expected.code]
        assert properties["title"] == f"{expected.code} ({expected.tab})"
        assert "%0Areproduce: octavo -C " in message
        if expected.code != "environment":
            assert properties["file"] == f"book/{expected.page}.md", "relative to the repository"
            assert int(properties["line"]) in lines_of(expected)
            assert message.startswith(expected.message.replace("%", "%25"))


def test_a_second_run_reports_what_is_fresh_too(book: MiniBook, told: subprocess.CompletedProcess[str]) -> None:
    path = book.folder / "reports/second.xml"
    answer = book.run("run", "part/healthy", "part/dies", "--tab", "small", "--junit", str(path))
    assert answer.returncode == 1
    cases = {case.get("name"): [part.tag for part in case] for case in ET.parse(path).getroot().iter("testcase")}
    assert cases == {"part/healthy": [], "part/dies": ["error"]}
