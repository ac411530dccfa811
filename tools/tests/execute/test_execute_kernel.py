# ruff: noqa: E501 - a case of a table stands on one line
"""Real kernels of a small environment: what they print, how they fail, and that nothing of them is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from octavo.diagnostics import Code
from octavo.execute.environments.environment import EnvironmentFailure, existing, make, read_lock
from octavo.execute.failures import diagnostics
from octavo.execute.home import environments_home
from octavo.execute.schedule import run_all
from octavo.model import Output, Run, Span


@pytest.fixture
def run(task, cache: Path):
    def execute(*sources: str, **more: object) -> Run:
        (done,) = run_all([task(*sources, **more)], cache=cache)
        return done

    return execute


def texts(run: Run) -> list[list[str]]:
    return [[o.text or o.data["text/plain"] for o in cell.outputs] for cell in run.cells]


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_cells_share_a_kernel_and_print(run) -> None:
    done = run(
        "x = 2\nprint('a')", "", "# nothing", "x + 40", "class A: pass\nA()", "!echo shell\n%cd -q /\nprint('é')"
    )
    assert done.failure is None
    assert texts(done) == [["a\n"], [], [], ["42"], ["<__main__.A at 0x…>"], ["shell\né\n"]]
    assert done.seconds > 0 and done.cells[0].seconds > 0 and done.device == "cpu"


def test_displays_are_updated_cleared_and_kept_in_order(run) -> None:
    done = run(
        "from IPython.display import display, clear_output, HTML\nh = display('old', display_id=True)",
        "h.update('new')\nprint('x'); clear_output(wait=True); print('y')",
        "print(1); display(HTML('<b>h</b>')); print(2)\nimport sys\nfor i in range(3): print(i, end='\\r', file=sys.stderr)",
        "for i in range(5000): display(i)",
    )
    assert texts(done)[:2] == [["'new'"], ["y\n"]]
    assert [o.kind for o in done.cells[2].outputs] == ["stream", "display", "stream", "stream"]
    assert done.cells[2].outputs[1].data["text/html"] == "<b>h</b>"
    assert done.cells[2].outputs[3] == Output("stream", "stderr", "2")
    assert len(done.cells[3].outputs) == 5000, "nothing is lost when much is printed"


def test_a_flood_of_text_keeps_its_beginning_and_the_displays_around_it(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavo.execute.kernels.client._MUCH", 5_000)
    monkeypatch.setattr("octavo.execute.kernels.outputs._KEPT_AT_START", 1_000)
    monkeypatch.setattr("octavo.execute.kernels.outputs._KEPT_AT_END", 100)
    flood = "for i in range(200): print(f'{i:99}', flush=True)"
    done = run(
        f"from IPython.display import display\n{flood}\nh = display('old', display_id=True)\n{flood}", "h.update('new')"
    )
    before, shown, after = done.cells[0].outputs
    assert before == after and before.text.endswith(" 199\n")
    assert len(before.text) == 1_100
    assert shown.data["text/plain"] == "'new'"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "from IPython.display import display, HTML\nwhile True: display(HTML('x' * 1000))",
            "displayed more than 1 MB",
        ),
        ("while True: print('x' * 1000)", "printed more than 1 MB"),
    ],
)
def test_a_cell_that_sends_without_end_is_stopped(run, monkeypatch: pytest.MonkeyPatch, source: str, said: str) -> None:
    monkeypatch.setattr("octavo.execute.kernels.client._MOST_SHOWN", 1_000_000)
    monkeypatch.setattr("octavo.execute.kernels.client._MOST_PRINTED", 1_000_000)
    done = run("print('before')", source, timeout=60.0)
    assert done.failure is not None and (done.failure.reason, done.failure.name) == ("exception", "TooMuchOutput")
    assert said in done.failure.message and done.failure.span is not None
    assert done.cells[1].seconds < 30 and texts(done)[0] == ["before\n"]
    assert sum(len(str(output)) for output in done.cells[1].outputs) < 3_500_000


def test_the_kernel_sees_its_own_world(run, tmp_path: Path) -> None:
    library = tmp_path / "book"
    (library / "d2l").mkdir(parents=True)
    (library / "d2l" / "__init__.py").write_text("def f(): return 1 / 0\n")
    done = run(
        "import os, sys, d2l\nprint(os.getcwd(), hash('a'), os.environ['OMP_NUM_THREADS'])", "d2l.f()", library=library
    )
    again = run("import os, sys, d2l\nprint(os.getcwd(), hash('a'), os.environ['OMP_NUM_THREADS'])", library=library)
    assert texts(done)[0] == texts(again)[0]
    assert texts(done)[0][0].startswith(". ") and texts(done)[0][0].endswith(" 1\n")
    assert done.failure is not None
    assert done.failure.span == Span("chapter_x/page.md", 18, 18)
    assert "  d2l/__init__.py:1, in f" in done.failure.traceback


def test_an_exception_names_the_authors_line_and_ends_the_page(run) -> None:
    done = run("def f(x):\n    return g(x)\ndef g(x):\n    return 1 / x", "print('before')\nf(0)", "print('never')")
    failure = done.failure
    assert failure is not None
    assert (failure.reason, failure.name, failure.message, failure.cell) == (
        "exception",
        "ZeroDivisionError",
        "division by zero",
        1,
    )
    assert failure.span == Span("chapter_x/page.md", 21, 21)
    assert failure.traceback == (
        "Traceback (most recent call last):",
        "  chapter_x/page.md:21",
        "    f(0)",
        "  chapter_x/page.md:12, in f",
        "    return g(x)",
        "  chapter_x/page.md:14, in g",
        "    return 1 / x",
        "ZeroDivisionError: division by zero",
    )
    assert texts(done) == [[], ["before\n"]]
    (message,) = diagnostics([done])
    assert (message.code, message.message) == (Code.CELL_FAILED, "ZeroDivisionError: division by zero")


@pytest.mark.parametrize(
    ("source", "reason", "name", "message", "line"),
    [
        ("x = 1\ny = = 2", "syntax", "SyntaxError", "invalid syntax", 12),
        ("  x = 1\n y = 2", "syntax", "IndentationError", "unexpected indent", 11),
        ("\n\neval('1+')", "exception", "SyntaxError", "invalid syntax (<string>, line 1)", 13),
        ("raise ValueError('one\\ntwo')", "exception", "ValueError", "one\ntwo", 11),
        ("try:\n    1 / 0\nexcept Exception as e:\n    raise RuntimeError('x') from e", "exception", "RuntimeError", "x", 14),
        ("def f(n):\n    return f(n + 1)\nf(0)", "exception", "RecursionError", "maximum recursion depth exceeded", 12),
        ("import sys\nsys.exit(3)", "exception", "SystemExit", "3", 11),
        ("input()", "exception", "StdinNotImplementedError", "raw_input was called, but this frontend does not support input requests.", 11),
        ("%%time\n1 / 0", "exception", "ZeroDivisionError", "division by zero", 11),
        ("import os\nos.kill(os.getpid(), 9)", "died", "KernelDied", "the kernel was ended by SIGKILL, perhaps because memory ran out", 11),
        ("import ctypes\nctypes.string_at(0)", "died", "KernelDied", "the kernel was ended by SIGSEGV", 12),
        ("import os\nos._exit(3)", "died", "KernelDied", "the kernel ended with exit code 3", 11),
    ],
)  # fmt: skip
def test_failures(
    run, monkeypatch: pytest.MonkeyPatch, source: str, reason: str, name: str, message: str, line: int
) -> None:
    monkeypatch.setattr("octavo.execute.schedule.PAUSES", ())
    failure = run(source).failure
    assert failure is not None
    assert (failure.reason, failure.name) == (reason, name)
    assert failure.message.startswith(message)
    assert failure.infrastructure == ("SIGKILL" in message)
    assert failure.span is not None and (failure.span.path, failure.span.line) == ("chapter_x/page.md", line)
    assert len(failure.traceback) < 30
    assert not [line for line in failure.traceback if "IPython" in line or "ipykernel" in line]


def test_a_slow_cell_is_ended_and_says_where_it_was(run) -> None:
    started = time.monotonic()
    done = run("print('so far')\nimport time\ntime.sleep(60)", "1", timeout=1.0)
    assert time.monotonic() - started < 10
    assert done.failure is not None
    assert (done.failure.reason, done.failure.message, done.failure.span.line) == (
        "timeout",
        "the cell ran longer than 1 s",
        13,
    )  # type: ignore[union-attr]
    assert texts(done) == [["so far\n"]]


def test_a_hung_cell_that_ignores_interrupts_is_killed_with_its_children(run, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    done = run(
        f"""import os, signal, subprocess
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen(['sleep', '60'])
open({str(note)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')
while True: signal.pause()""",
        timeout=1.0,
    )
    assert done.failure is not None and done.failure.reason == "timeout"
    assert not [pid for pid in map(int, note.read_text().split()) if alive(pid)]


def test_one_failing_page_stops_no_other_and_runs_are_handed_on_at_once(
    task, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octavo.execute.schedule.PAUSES", ())
    kept: list[str] = []
    broken = EnvironmentFailure("mxnet", "no network", hint="connect")
    tasks = [
        task("1 / 0", page="a"),
        task("import os; os.kill(os.getpid(), 9)", page="b"),
        task("1", page="c"),
        task("1", page="d", lock=broken, tab="mxnet"),
        task("1", page="e", lock=broken, tab="mxnet"),
        task(page="f"),
    ]
    runs = run_all(tasks, 2, store=lambda run: kept.append(run.page), cache=cache)
    assert [run.page for run in runs] == list("abcdef")
    assert [run.failure and run.failure.reason for run in runs] == [
        "exception",
        "died",
        None,
        "environment",
        "environment",
        None,
    ]
    assert sorted(kept) == list("abcdef")
    assert [m.code for m in diagnostics(runs)] == [Code.CELL_FAILED, Code.INFRASTRUCTURE, Code.ENVIRONMENT]


def test_the_longest_goes_first(task, cache: Path) -> None:
    from dataclasses import replace

    order: list[str] = []
    tasks = [
        replace(task(page=page), expected=seconds)
        for page, seconds in (("a", 1.0), ("b", 9.0), ("c", None), ("d", 5.0))
    ]
    run_all(tasks, 1, store=lambda run: order.append(run.page), cache=cache)
    assert order == ["c", "b", "d", "a"]


def test_an_error_of_the_caller_ends_the_kernels(task, cache: Path, tmp_path: Path) -> None:
    note = tmp_path / "pid"

    def refuse(run: Run) -> None:
        raise OSError("disk full")

    hangs = f"import os, time\nopen({str(note)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)"
    with pytest.raises(OSError, match="disk full"):
        run_all([task(hangs, page="a"), task("import time; time.sleep(2)", page="b")], 2, store=refuse, cache=cache)
    assert not alive(int(note.read_text()))


BUILD = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from execute_editions import build_edition, build_inputs
from octavo.execute.freshness import key as keys
from octavo.execute.environments.environment import read_lock
from octavo.execute.schedule import run_all
from octavo.execute.task import Task
lock, _ = read_lock(Path({lock!r}))
folder = Path({folder!r})
source = "import os, subprocess, time\\nc = subprocess.Popen(['sleep', '60'], start_new_session=True)\\nopen('pids', 'w').write(f'{{os.getpid()}} {{c.pid}}')\\ntime.sleep(60)"
tasks = []
for page in "ab":
    edition = build_edition(source, page=page)
    inputs = build_inputs(edition, lock.versions)
    tasks.append(Task(edition, inputs, keys.key(inputs), lock, folder / page))
run_all(tasks, 2, cache=Path({cache!r}))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_leaves_no_process(
    small, small_lock, cache: Path, tmp_path: Path, how: signal.Signals
) -> None:
    lock = tmp_path / "small.txt"
    lock.write_text("# python: 3.11\n" + small_lock.requirements)
    code = BUILD.format(tests=str(Path(__file__).parent), lock=str(lock), folder=str(tmp_path), cache=str(cache))
    private = tmp_path / "tmp"
    private.mkdir()
    build = subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(private)}
    )
    notes = [tmp_path / page / "pids" for page in "ab"]
    deadline = time.monotonic() + 30
    while not all(note.exists() and len(note.read_text().split()) == 2 for note in notes):
        assert build.poll() is None and time.monotonic() < deadline, build.stderr and build.stderr.read()
        time.sleep(0.05)
    build.send_signal(how)
    _, stderr = build.communicate(timeout=20)
    kernels = [int(note.read_text().split()[0]) for note in notes]
    children = [int(note.read_text().split()[1]) for note in notes]
    try:
        if how is signal.SIGINT:
            assert textwrap.dedent(stderr).rstrip().endswith("KeyboardInterrupt")
            assert "never retrieved" not in stderr
            assert not [pid for pid in kernels + children if alive(pid)]
            assert list(private.iterdir()) == []
        else:  # nobody is left to end them but their guards
            deadline = time.monotonic() + 10
            while [pid for pid in kernels + children if alive(pid)] or list(private.iterdir()):
                assert time.monotonic() < deadline
                time.sleep(0.05)
    finally:
        for pid in (pid for pid in kernels + children if alive(pid)):
            os.kill(pid, signal.SIGKILL)


SUMS = {
    "pytorch": ("import torch\ntorch.arange(5).sum()", "tensor(10)"),
    "tensorflow": ("import tensorflow as tf\nint(tf.reduce_sum(tf.range(5)))", "10"),
    "jax": ("import jax.numpy as jnp\njnp.arange(5).sum()", "Array(10, dtype=int32)"),
    "mxnet": ("from mxnet import np, npx\nnpx.set_np()\nnp.arange(5).sum()", "array(10.)"),
}
DRAW = "import matplotlib.pyplot as plt\nfrom matplotlib_inline import backend_inline\nbackend_inline.set_matplotlib_formats('svg')\nplt.plot([1, 3, 2]);"


@pytest.mark.kernels
@pytest.mark.parametrize(
    "tab", [pytest.param(tab, marks=pytest.mark.slow if tab == "tensorflow" else ()) for tab in SUMS]
)
def test_every_framework_computes_and_draws_the_same_twice(repository: Path, task, cache: Path, tab: str) -> None:
    lock, messages = read_lock(repository / "environments" / f"{tab}.txt")
    assert lock is not None, messages
    made = make(lock, environments_home(cache))
    assert not isinstance(made, EnvironmentFailure), made
    assert existing(lock, environments_home(cache)) == made
    source, expected = SUMS[tab]
    runs = run_all([task(source, DRAW, lock=lock, tab=tab, timeout=120.0) for _ in range(2)], 2, cache=cache)
    assert [run.failure for run in runs] == [None, None]
    assert [o.data.get("text/plain") for o in runs[0].cells[0].outputs] == [expected], "the value and no log line"
    assert "<svg" in runs[0].cells[1].outputs[-1].data["image/svg+xml"]
    assert [c.outputs for c in runs[0].cells] == [c.outputs for c in runs[1].cells]
