"""JupyterLab in a browser: a chapter is opened, run, edited and saved, as an author does it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from edit_server import Jupyter, running

from octavo.execute.home import cache_home

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.kernels]

ADDED = """

```{.python .input}
#@tab pytorch
answer = 6 * 7
print('the answer is', answer, tab.selected('pytorch'), tab.selected('jax'))
```

```{.python .input}
#@tab jax
raise RuntimeError('of another framework')
```
"""
NAME = "chapter_preliminaries/data-manipulation.md"
LONG = 120_000


@pytest.fixture
def lab(book: Path, tmp_path: Path) -> Iterator[Jupyter]:
    page = book / NAME
    page.write_text(page.read_text().rstrip() + ADDED)
    # a kernel of the book's framework, which the user's cache has or is given
    with running(book, tmp_path, "--tab", "pytorch", cache=str(cache_home())) as server:
        yield server


def opened(browser: Any, lab: Jupyter, path: str) -> Any:
    window = browser.new_page(viewport={"width": 1280, "height": 1000})
    window.goto(f"{lab.address}/lab?token={lab.token}&reset")
    window.get_by_role("listitem", name="Name: chapter_preliminaries").dblclick(timeout=LONG)
    window.get_by_role("listitem", name=f"Name: {Path(path).name}").dblclick(timeout=LONG)
    window.locator(".jp-NotebookPanel .jp-Cell").first.wait_for(timeout=LONG)
    return window


def test_a_chapter_is_opened_run_edited_and_saved(lab: Jupyter, browser: Any) -> None:
    page = lab.folder / NAME
    before = page.read_text()
    window = opened(browser, lab, NAME)
    assert window.locator(".lm-TabBar-tabLabel", has_text="data-manipulation.md").count() >= 1
    window.locator(".jp-MarkdownCell h1", has_text="Data Manipulation").wait_for(timeout=LONG)
    window.locator(".jp-Toolbar-kernelName", has_text="PyTorch").wait_for(timeout=LONG)
    window.keyboard.press("Escape")

    # saving what was only opened changes no byte
    window.keyboard.press("Control+s")
    window.wait_for_timeout(3000)
    assert page.read_text() == before

    # the last cells: one of this framework, one of another
    window.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTo(0, 1e7)")
    mine = window.locator(".jp-CodeCell", has_text="answer = 6 * 7").first
    mine.wait_for(timeout=LONG)
    other = window.locator(".jp-RawCell", has_text="of another framework").first
    other.wait_for(timeout=LONG)
    assert other.evaluate("cell => getComputedStyle(cell).opacity") == "0.6"  # it cannot be written in
    editor = mine.locator(".cm-content").first
    editor.click()
    window.keyboard.press("Control+Home")
    window.keyboard.type("bonus = 1")
    window.keyboard.press("Enter")
    window.keyboard.press("Shift+Enter")
    window.locator(".jp-OutputArea-output", has_text="the answer is 42 True False").wait_for(timeout=LONG)
    window.keyboard.press("Control+s")
    end = 100
    wanted = before.replace("answer = 6 * 7", "bonus = 1\nanswer = 6 * 7")
    while page.read_text() != wanted and end:
        window.wait_for_timeout(100)
        end -= 1
    assert page.read_text() == wanted

    # what changes on disk meanwhile is not lost
    theirs = wanted.replace("# Data Manipulation", "# Data Manipulated")
    window.wait_for_timeout(1500)  # JupyterLab itself looks away for half a second after a save
    page.write_text(theirs)
    editor.click()
    window.keyboard.type("more = 2 #")
    window.keyboard.press("Control+s")
    dialog = window.locator(".jp-Dialog")
    dialog.wait_for(timeout=LONG)
    assert "changed on disk" in dialog.inner_text()
    assert page.read_text() == theirs
    dialog.get_by_role("button", name="Overwrite").click()
    window.locator(".jp-Dialog", has_text="was not saved over").wait_for(timeout=LONG)
    assert page.read_text() == theirs
    (kept,) = (lab.folder / "_build" / "jupyter" / "refused").rglob("*.md")
    assert "more = 2" in kept.read_text() and "bonus = 1" in kept.read_text()


def test_markdown_that_is_not_of_the_book_opens_as_text(jupyter: Jupyter, browser: Any) -> None:
    window = browser.new_page(viewport={"width": 1280, "height": 1000})
    window.goto(f"{jupyter.address}/lab?token={jupyter.token}&reset")
    window.get_by_role("listitem", name="Name: README.md").dblclick(timeout=LONG)
    window.locator(".jp-FileEditor", has_text="No page").wait_for(timeout=LONG)
    assert window.locator(".jp-NotebookPanel").count() == 0


def test_the_book_s_folders_hold_nothing_that_jupyter_left(lab: Jupyter, browser: Any) -> None:
    shutil.copytree(lab.folder, lab.folder.parent / "before", ignore=shutil.ignore_patterns("_build"))
    window = opened(browser, lab, NAME)
    window.keyboard.press("Control+s")
    window.wait_for_timeout(3000)
    window.close()
    answer = subprocess.run(
        ["diff", "-r", "--exclude=_build", lab.folder.parent / "before", lab.folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stdout == ""
