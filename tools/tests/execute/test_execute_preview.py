"""`octavo serve` executes what an author changes: on the page and in the framework on view, and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from execute_books import MARK, MiniBook, cleaned_up, page, share_environments, survivors_after, write_book

from octavo.execute.environments.environment import Environment, Lock

sys.path.insert(0, str(Path(__file__).parents[1] / "serve"))
from served_books import MESSAGES, PILL, Served, look, serve, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.kernels, pytest.mark.slow]

ALL = "#@tab all\n"


@pytest.fixture
def book(tmp_path: Path, small: Environment, small_lock: Lock) -> MiniBook:
    pages = {"page": page("A Page", ALL + "print('old', 'words')"), "other": page("Another", ALL + "print('other')")}
    lock = "# python: 3.11\n" + small_lock.requirements
    book = write_book(tmp_path, pages, {"small": lock, "second": lock})
    share_environments(book, small.folder.parent)
    return book


@pytest.fixture
def served(book: MiniBook) -> Iterator[Served]:
    variables = {"OCTAVO_CACHE": str(book.cache), MARK: str(book.folder)}
    with (
        cleaned_up(str(book.folder)),
        serve(book.folder, "--port", "0", variables=variables) as running,
    ):
        running.until("rendered in")
        yield running


@pytest.fixture
def window(browser: Any) -> Iterator[object]:
    page = browser.new_page()
    page.set_default_timeout(60_000)
    yield page
    page.close()


def results(book: MiniBook) -> set[str]:
    return set(book.files("outputs"))


def output_of(window: object, tab: str) -> str:
    return look(
        window,
        "tab => [...document.querySelectorAll(`.ov-panel[data-tab=${tab}] .ov-output`)].map(o => o.textContent).join()",
        tab,
    )


def test_a_changed_cell_runs_where_it_is_looked_at(book: MiniBook, served: Served, window: object) -> None:
    file = book.folder / "page.md"
    window.goto(f"{served.address}/page.html?tab=small")
    window.wait_for_function(f"{PILL}.textContent.includes('results older than the page: ')")
    assert results(book) == set()  # what nobody has changed or asked for does not run

    file.write_text(page("A Page", ALL + "print('new', 'words')"))
    window.wait_for_function("document.querySelector('article').textContent.includes(\"'new'\")")
    wait_for(lambda: "new words" in output_of(window, "small"), "the result is not shown")
    assert results(book) == {"outputs/page/small.json"}
    assert "new words" not in output_of(window, "second")
    wait_for(lambda: "second" in look(window, f"{PILL}.textContent").lower(), "it is not said what is stale")
    # the page is shown as soon as it is written, and how things stand once all the rest is
    wait_for(lambda: "small" not in look(window, f"{PILL}.textContent").lower(), "what was executed counts as stale")

    # words alone run nothing
    said = len(served.lines)
    file.write_text(page("A Page", ALL + "print('new', 'words')") + "\nA zeppelin.\n")
    window.wait_for_function("document.querySelector('article').textContent.includes('A zeppelin.')")
    served.until("rendered in", said)

    # a failure is told on the line where the cell stands by now
    failing = page("A Page", ALL + "print('new')\nraise ValueError('no luck')")
    file.write_text(failing)
    line = failing.splitlines().index("raise ValueError('no luck')") + 1
    told = f"{MESSAGES}.hidden === false && {MESSAGES}.textContent.includes('page.md:%d')"
    window.wait_for_function(f"{told % line} && {MESSAGES}.textContent.includes('ValueError: no luck')")
    served.until(f"page.md:{line}: ")
    file.write_text("\n\n\n" + failing)
    window.wait_for_function(f"{told % (line + 3)} && !{MESSAGES}.textContent.includes('page.md:{line}\\n')")
    assert not any("executing other" in one or "(second)" in one for one in served.lines)

    # Ctrl-C in the middle of a cell leaves nothing
    file.write_text(page("A Page", ALL + "import time\ntime.sleep(600)"))
    served.until("executing page (small), 1 cell", len(served.lines))
    assert served.interrupt() == 0
    assert survivors_after(str(book.folder)) == {}
