"""Builds that are killed or interrupted at any moment: nothing of them is left, and the next one makes the rest.

Everything is seen from outside: the command line, the processes of the system, the files of the book.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
import uuid
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from execute_books import MARK, MiniBook, cleaned_up, page, share_environments, survivors, survivors_after, write_book

from octavo.execute.environments.environment import Environment, Lock

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc"),
    pytest.mark.slow,
]

SEED = int(os.environ.get("OCTAVO_KILL_SEED", "4"))

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # one pixel

PAGES = {
    "saves": page(
        "Saved Code",
        "import time  #@save",
        "def twice(x):  #@save\n    return 2 * x\n\ndef four_times(x):  #@save\n    return twice(twice(x))",
        "time.sleep(0.1)\nprint(four_times(3))",
    ),
    "uses": page("Uses", "from d2l import small as d2l\nd2l.time.sleep(0.2)", "print(d2l.four_times(10))"),
    "prints": page(
        "Prints",
        "import time\nfor i in range(30):\n    print('line', i)\n    time.sleep(0.005)",
        "time.sleep(0.05)\n1 + 1",
        "time.sleep(0.05)\n'a' * 1000",
    ),
    "child": page(
        "A Child with a Session of Its Own",
        "import subprocess, time\nchild = subprocess.Popen(['sleep', '600'], start_new_session=True)",
        "time.sleep(0.3)\nprint(child.poll())",
    ),
    "daemon": page(
        "A Process that Knows Nothing of Its Parents",
        """
        import os, subprocess, sys, time
        program = "import os, sys, time\\nif os.fork() == 0:\\n    os.setsid()\\n    time.sleep(600)"
        # no variables, and its parent gone: only its arguments say where it comes from
        mark = os.environ.get("MINI_BOOK_MARK", "")
        code = subprocess.run([sys.executable, "-c", program, mark], env={}).returncode
        """,
        "time.sleep(0.2)\nprint('returned', code)",
    ),
    "stubborn": page(
        "A Child that Ignores All Signals that Can Be Ignored",
        """
        import os, signal, time
        ready, told = os.pipe()
        if os.fork() == 0:
            os.setsid()
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE):
                signal.signal(number, signal.SIG_IGN)
            os.write(told, b'.')
            while True:
                time.sleep(60)
        os.read(ready, 1);
        """,
        "time.sleep(0.15)\nprint('went on')",
    ),
    "picture": page(
        "A Picture",
        f"import base64, time\nfrom IPython.display import Image\ntime.sleep(0.1)\nImage(base64.b64decode('{DOT}'))",
        "time.sleep(0.1)\nprint('drawn')",
    ),
    "files": page("Files", "open('note', 'w').write('x' * 10)\nprint(open('note').read())", "print('done')"),
}


@pytest.fixture(scope="session")
def mini(tmp_path_factory: pytest.TempPathFactory, small: Environment, small_lock: Lock) -> MiniBook:
    """A book that was never built."""
    lock = "# python: 3.11\n" + small_lock.requirements
    book = write_book(tmp_path_factory.mktemp("mini"), PAGES, {"small": lock}, "[execute]\ntimeout = 60\n")
    share_environments(book, small.folder.parent)
    return book


def copied(book: MiniBook, folder: Path) -> MiniBook:
    """A book of its own, with a mark of its own."""
    shutil.copytree(book.folder, folder / "book")
    copy = MiniBook(folder / "book", folder / "cache", {MARK: uuid.uuid4().hex})
    share_environments(copy, (book.cache / "environments").readlink())
    return copy


KEPT = ("outputs", "d2l", "environments")
"""Folders that a build writes to and that are checked in, or must stay as they are."""


@pytest.fixture(scope="session")
def clean(mini: MiniBook, tmp_path_factory: pytest.TempPathFactory) -> tuple[MiniBook, float]:
    """The book after a build that nobody disturbed, and how long that took."""
    book = copied(mini, tmp_path_factory.mktemp("clean"))
    with cleaned_up(book.variables[MARK]):
        started = time.monotonic()
        answer = book.run("run")
        took = time.monotonic() - started
        assert answer.returncode == 0, answer.stderr
        answer = book.run("build", "html")
        assert answer.returncode == 0, answer.stderr
        assert "executing " not in answer.stderr
    assert {f"outputs/{name}/small.json" for name in PAGES} <= book.files("outputs").keys()
    return book, took


def finished(book: MiniBook) -> set[str]:
    """Pages whose result is committed."""
    return {path.parent.name for path in (book.folder / "outputs").glob("*/small.json")}


def executed(stderr: str) -> set[str]:
    """Pages that a build says it executes."""
    return set(re.findall(r"^executing (\S+) \(small\)", stderr, re.MULTILINE))


def disturbed(book: MiniBook, arguments: tuple[str, ...], seconds: float) -> bool:
    """Start a build and kill it after a while; gives whether it was still at work."""
    build = book.start(*arguments)
    try:
        build.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        build.kill()
        build.wait()
        for stream in (build.stdout, build.stderr):
            assert stream is not None
            stream.close()  # not read to its end: a survivor would keep it open
        return True
    return False


def resumed(book: MiniBook, arguments: tuple[str, ...], clean: MiniBook, shown: str) -> None:
    """The next build finishes, does only what is left, and what it leaves is what a clean one leaves."""
    before = finished(book)
    answer = book.run(*arguments)
    assert answer.returncode == 0, f"{shown}: {answer.stderr}"
    assert not executed(answer.stderr) & before, f"{shown}: executed again what was finished"
    assert executed(answer.stderr) | before == set(PAGES), shown
    assert survivors_after(book.variables[MARK]) == {}, f"{shown}: something outlives the build that finished"
    assert book.files(*KEPT) == clean.files(*KEPT), shown
    assert book.temporary() == [], shown
    if "html" in arguments:
        site = {name: text for name, text in clean.files("_build/html").items() if name.endswith(".html")}
        assert {name: book.files("_build/html").get(name) for name in site} == site, shown
    status = book.run("status", "--json")
    states = {row["page"]: row["state"] for row in json.loads(status.stdout)["runs"]}
    assert states == dict.fromkeys(PAGES, "fresh"), shown


@pytest.mark.parametrize("moments", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_a_build_that_is_killed_leaves_no_process_and_the_next_one_finishes(
    mini: MiniBook, clean: tuple[MiniBook, float], tmp_path: Path, moments: int
) -> None:
    expected, took = clean
    choice = random.Random(SEED)
    # one moment in each of as many parts of a build, so that no part of it is spared
    delays = [took * (part + choice.random()) / moments for part in range(moments)]

    def attempt(number: int) -> bool:
        arguments = ("build", "html") if number % 5 == 2 else ("run",)
        book = copied(mini, tmp_path / str(number))
        shown = f"{' '.join(arguments)} killed after {delays[number]:.3f} s (OCTAVO_KILL_SEED={SEED})"
        with cleaned_up(book.variables[MARK]):
            killed = disturbed(book, arguments, delays[number])
            left = survivors_after(book.variables[MARK])
            assert left == {}, f"{shown}: {left}"
            resumed(book, arguments, expected, shown)
        shutil.rmtree(tmp_path / str(number))
        return killed

    with ThreadPoolExecutor(2) as pool:
        killed = list(pool.map(attempt, range(moments)))
    assert sum(killed) > moments // 2, f"most builds were over before they were killed: {delays}"


SITE = """\
import os, sys
if "octavo" in sys.orig_argv and os.environ.get("KILL_AT"):
    replace, left = os.replace, [int(os.environ["KILL_AT"])]
    def replace_or_die(*arguments, **more):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), 9)
        return replace(*arguments, **more)
    os.replace = replace_or_die
"""


@pytest.mark.parametrize("number", [1, *(pytest.param(number, marks=pytest.mark.slow) for number in (6, 9))])
def test_a_build_that_is_killed_while_it_writes_a_file_leaves_none_half_written(
    mini: MiniBook, clean: tuple[MiniBook, float], tmp_path: Path, number: int
) -> None:
    """The worst moment: a file's new content is on the disk, and not yet in its place."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(SITE)
    book = copied(mini, tmp_path / "copy")
    with cleaned_up(book.variables[MARK]):
        answer = book.run("run", PYTHONPATH=str(tmp_path / "site"), KILL_AT=str(number))
        assert answer.returncode == -signal.SIGKILL, "the build ended before so many files were written"
        assert survivors_after(book.variables[MARK]) == {}
        written = [path for path in (book.folder / "outputs").rglob("*.json") if not path.name.startswith(".")]
        for path in written:
            assert path.read_bytes() == clean[0].files("outputs")[path.relative_to(book.folder).as_posix()]
        resumed(book, ("run",), clean[0], f"killed at its file number {number}")
        # a page that was committed is not stored again, so that what was left in the cache is swept up
        answer = book.run("gc")
        assert answer.returncode == 0, answer.stderr
        assert book.temporary(book.cache) == []


def test_ctrl_c_ends_everything_keeps_what_is_finished_and_the_next_run_does_the_rest(
    mini: MiniBook, clean: tuple[MiniBook, float], tmp_path: Path
) -> None:
    book = copied(mini, tmp_path)
    with cleaned_up(book.variables[MARK]):
        report, junit = tmp_path / "run.json", tmp_path / "junit.xml"
        build = book.start("run", "-j", "2", "--report", str(report), "--junit", str(junit))
        deadline = time.monotonic() + 60
        while len(finished(book)) < 2:
            assert build.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        while not survivors(book.variables[MARK]).keys() - {build.pid}:
            assert build.poll() is None
            time.sleep(0.01)
        os.killpg(build.pid, signal.SIGINT)  # as a terminal does
        _, stderr = build.communicate(timeout=30)
        assert build.returncode == 130, stderr
        assert stderr.rstrip().endswith("interrupted; what was finished is kept")
        assert "Traceback" not in stderr
        assert survivors_after(book.variables[MARK], 0.5) == {}, "when the command returns, all is gone"
        assert 2 <= len(finished(book)) < len(PAGES)
        told = {run["page"]: run["state"] for run in json.loads(report.read_text())["runs"]}
        assert told.keys() == finished(book) and set(told.values()) <= {"done", "fresh"}
        assert {case.get("name") for case in ET.parse(junit).getroot().iter("testcase")} == finished(book)
        resumed(replace(book), ("run",), clean[0], "interrupted")
