"""The judge of notebooks sees each fault, and finds none in the book's own."""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from publish_books import build, write

REPOSITORY = Path(__file__).resolve().parents[3]
JUDGE = REPOSITORY / "tools/ci/check_notebooks.py"
PAGES = {
    "index": "# A Book\n\n```toc\n:numbered:\npage\n```\n",
    "page": """\
        # [**A Page**]
        :label:`sec_page`

        ![A square](img/square.svg)
        :label:`fig_square`

        See :numref:`fig_square` and :eqref:`eq_one` (~~never~~).

        $$a = b$$
        :eqlabel:`eq_one`

        :begin_tab:`pytorch`
        Only here.
        :end_tab:

        ```{.python .input}
        %%tab all
        if tab.selected('pytorch'):
            a = 1
        if tab.selected('jax', 'mxnet'):
            a = 2
        ```
        """,
}
Spoil = Callable[[dict[str, Any]], None]


def judged(*arguments: object) -> tuple[int, str]:
    """Run the judge in this process, which has imported what it needs; its exit code, and what it says."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.setattr(sys, "argv", [str(JUDGE), *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(JUDGE), run_name="__main__")
    return int(end.value.code or 0), said.getvalue()


def said(text: str) -> Spoil:
    """Something to be put into the first Markdown cell."""

    def spoil(notebook: dict[str, Any]) -> None:
        notebook["cells"][0]["source"] = ["# A Page\n", "\n", text]

    return spoil


def coded(text: str) -> Spoil:
    def spoil(notebook: dict[str, Any]) -> None:
        next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")["source"] = [text]

    return spoil


def without(key: str) -> Spoil:
    def spoil(notebook: dict[str, Any]) -> None:
        del notebook["metadata"][key]

    return spoil


def same_ids(notebook: dict[str, Any]) -> None:
    notebook["cells"].append(notebook["cells"][0])


def older(notebook: dict[str, Any]) -> None:
    notebook["nbformat_minor"] = 4
    for cell in notebook["cells"]:
        del cell["id"]


def blank(notebook: dict[str, Any]) -> None:
    notebook["cells"][0]["source"] = []


def emptied(notebook: dict[str, Any]) -> None:
    notebook["cells"] = []


FAULTS: dict[str, tuple[Spoil, str]] = {
    "a reference": (said("See :numref:`sec_x`."), "a role stands in it"),
    "a role of MyST": (said("See {numref}`sec_x`."), "a role of MyST"),
    "a label": (said(":label:`sec_x`"), ":label: stands in it"),
    "a slide": (said("Look, [**here**]."), "[** stands in it"),
    "another slide": (said("Look, (~~here~~)."), "a mark of a slide"),
    "a tab block": (said(":begin_tab:`jax`\nx\n:end_tab:"), "a mark of a tab block"),
    "slides": (said("<!-- slides -->"), "slides stands in it"),
    "a fence": (said("```toc\na\n```"), "a fence of the source"),
    "a link": (said("[there](nowhere.ipynb)"), "nowhere.ipynb leads nowhere"),
    "a link out": (said("[there](../../config.ini)"), "leads nowhere"),
    "a picture": (said("![there](img/none.png)"), "img/none.png leads nowhere"),
    "an attachment": (said("![there](attachment:none.png)"), "is not attached"),
    "a formula": (said("$$a = b"), "a formula is not closed"),
    "no words": (blank, "an empty markdown cell"),
    "a mark of frameworks": (coded("#@tab jax\nx = 1"), "#@tab stands in it"),
    "a magic of frameworks": (coded("%%tab all\nx = 1"), "%%tab stands in it"),
    "a branch": (coded("if tab.selected('jax'):\n    x = 1"), "tab.selected stands in it"),
    "no kernel": (without("kernelspec"), "kernelspec has no name"),
    "no language": (without("language_info"), "language_info does not say"),
    "equal ids": (same_ids, "no valid notebook"),
    "an older format": (older, "nbformat 4.4 and not 4.5"),
    "no cells": (emptied, "nothing is in it"),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The notebooks of a small book."""
    folder, _ = build(write(tmp_path_factory.mktemp("judged"), PAGES))
    assert judged(folder / "pytorch") == (0, "2 notebooks, 3 cells, 0 problems\n")
    return folder / "pytorch"


def test_every_fault_is_seen(good: Path, tmp_path: Path) -> None:
    """All of them in one run: a notebook for each."""
    notebook = (good / "page.ipynb").read_text()
    (tmp_path / "img").mkdir()
    (tmp_path / "img/square.svg").write_bytes((good / "img/square.svg").read_bytes())
    for name, (spoil, _) in FAULTS.items():
        spoiled = json.loads(notebook)
        spoil(spoiled)
        (tmp_path / f"{name}.ipynb").write_text(json.dumps(spoiled))
    (tmp_path / "no bytes.ipynb").touch()
    code, told = judged(tmp_path)
    assert code == 1
    for name, (_, message) in (*FAULTS.items(), ("no bytes", (None, "no valid notebook (0 bytes)"))):
        lines = [line for line in told.splitlines() if line.startswith(f"{name}.ipynb")]
        assert any(message in line for line in lines), (name, lines)


def test_a_folder_without_notebooks_is_a_fault(tmp_path: Path) -> None:
    assert judged(tmp_path)[0] == 1


@pytest.mark.slow
def test_a_notebook_that_is_missing_or_too_many_is_seen(good: Path) -> None:
    book = good.parents[2]
    assert judged(good.parent, "--book", book)[0] == 0
    (good / "page.ipynb").rename(good / "other.ipynb")
    code, told = judged(good.parent, "--book", book)
    (good / "other.ipynb").rename(good / "page.ipynb")
    assert code == 1
    assert "pytorch/page: there is code for it, and no notebook" in told
    assert "pytorch/other: there is a notebook, and no code for it" in told


@pytest.mark.slow
def test_ids_are_stable_and_a_change_is_seen(good: Path, tmp_path: Path) -> None:
    again, _ = build(write(tmp_path, {**PAGES, "index": PAGES["index"]}))
    assert judged(good, "--equal", again / "pytorch")[0] == 0
    code, told = judged(good, "--equal", again / "jax")
    assert code == 1 and "page.ipynb: its cells have other ids" in told


def test_the_notebooks_of_the_book_are_clean(tmp_path: Path, octavo: Callable[..., Any]) -> None:
    done = octavo("-C", str(REPOSITORY), "build", "notebooks", "--no-execute", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    code, told = judged(tmp_path / "notebooks", "--book", REPOSITORY)
    assert code == 0, told
    assert int(told.split()[0]) >= 20
