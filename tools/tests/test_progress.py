"""What a build shows while it works: plain lines in a log, a live list on a terminal."""

from __future__ import annotations

import io

import pytest

from octavo.model import Failure, Inputs, Run
from octavo.progress import LiveProgress, PlainProgress, progress_for

INPUTS = Inputs((), {}, {}, {})
GOOD = Run("k", "chapter_x/page", "jax", INPUTS, (), seconds=1.25)
BAD = Run("k", "chapter_x/other", "jax", INPUTS, (), Failure("exception", "ValueError", "no"), seconds=2.0)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work(progress: PlainProgress) -> None:
    with progress:
        progress.on_environment("jax", "making the environment of jax: installing 61 packages")
        progress.begin(2)
        progress.on_start("chapter_x/page", "jax", 1)
        progress.on_cell("chapter_x/page", "jax", 1, 1)
        progress.on_start("chapter_x/other", "jax", 7)
        progress.on_end(GOOD)
        progress.on_cell("chapter_x/other", "jax", 3, 7)
        if isinstance(progress, LiveProgress):
            progress.live.refresh()  # sooner than its five times a second
        progress.on_end(BAD)
        progress.note("the website is _build/html/index.html")


def test_a_log_gets_a_line_for_each_page_that_starts_and_ends() -> None:
    log = io.StringIO()
    progress = progress_for(log)
    assert not isinstance(progress, LiveProgress)
    work(progress)
    assert log.getvalue().splitlines() == [
        "making the environment of jax: installing 61 packages",
        "executing chapter_x/page (jax), 1 cell",
        "executing chapter_x/other (jax), 7 cells",
        "[1/2] chapter_x/page (jax) done in 1.2 s",
        "[2/2] chapter_x/other (jax) failed: ValueError in 2.0 s",
        "the website is _build/html/index.html",
    ]


def test_a_terminal_gets_page_framework_cell_and_time() -> None:
    terminal = Terminal()
    progress = progress_for(terminal)
    assert isinstance(progress, LiveProgress)
    work(progress)
    shown = terminal.getvalue()
    assert "chapter_x/other" in shown and "cell 3 of 7" in shown and "1 of 2 done" in shown
    assert "[1/2] chapter_x/page (jax) done in 1.2 s" in shown
    assert "[cyan]" not in shown and "[/]" not in shown
    assert "\x1b[?25h" in shown, "the cursor comes back"


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_nothing_is_printed_while_the_list_is_locked(
    stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that redraws the terminal holds it while it asks for the list: the reverse order would hang both."""
    progress = progress_for(stream())
    locked: list[bool] = []
    monkeypatch.setattr(progress, "_line", lambda text: locked.append(progress.lock.locked()))
    work(progress)
    assert locked and not any(locked)


@pytest.mark.parametrize(
    ("seconds", "jobs", "told"),
    [
        ((2.0,), 1, "0 of 1 done, about 10 s left"),
        ((100.0, 80.0), 1, "0 of 2 done, about 3 min left"),
        ((100.0, 80.0), 2, "0 of 2 done, about 2 min left"),
        ((3600.0, 10.0, 10.0), 3, "0 of 3 done, about 1 h left"),
        ((4000.0, 4000.0), 1, "0 of 2 done, about 2 h 10 min left"),
        ((5.0, None), 1, "0 of 2 done"),
    ],
)
def test_the_time_that_is_left_is_told_where_it_is_known(
    seconds: tuple[float | None, ...], jobs: int, told: str
) -> None:
    terminal = Terminal()
    progress = LiveProgress(terminal)
    with progress:
        known = {(f"p{n}", "jax"): one for n, one in enumerate(seconds) if one is not None}
        progress.begin(len(seconds), known)
        for number in range(jobs):
            progress.on_start(f"p{number}", "jax", 3)
        progress.live.refresh()
    shown = [line.strip() for line in terminal.getvalue().replace("\x1b", "\n").splitlines()]
    assert any(line.endswith(told) for line in shown), terminal.getvalue()


def test_a_terminal_shows_what_pages_wait_for() -> None:
    terminal = Terminal()
    progress = LiveProgress(terminal)
    with progress:
        progress.begin(3)
        progress.on_waiting("2 pages wait for a graphics card")
        progress.live.refresh()
        assert "0 of 3 done, 2 pages wait for a graphics card" in terminal.getvalue()
        terminal.truncate(0)
        progress.on_waiting("")
        progress.live.refresh()
        assert "wait" not in terminal.getvalue()


def test_a_terminal_shows_how_far_each_framework_is_typeset() -> None:
    terminal = Terminal()
    progress = LiveProgress(terminal)
    with progress:
        progress.on_page("jax", 1, 12)
        progress.on_page("pytorch", 2, 345)
        progress.live.refresh()
        shown = terminal.getvalue()
        assert "page 12 " in shown and "page 345, run 2" in shown
        assert "done" not in shown  # no page is executed
        terminal.truncate(0)
        progress.on_typeset("jax")
        progress.on_typeset("pytorch")
        progress.live.refresh()
        assert "page" not in terminal.getvalue()


def test_a_log_gets_no_line_for_each_page_that_is_typeset() -> None:
    log = io.StringIO()
    with progress_for(log) as progress:
        progress.on_page("jax", 1, 12)
        progress.on_typeset("jax")
    assert log.getvalue() == ""
