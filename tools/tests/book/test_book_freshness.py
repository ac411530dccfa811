"""Edits to the real book, and exactly which pages × frameworks they make stale. Seen through the command line."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Octavo = Callable[..., subprocess.CompletedProcess[str]]
DATA = "chapter_preliminaries/data-manipulation"
AUTODIFF = "chapter_preliminaries/automatic-differentiation"
SCRATCH = "chapter_linear-networks/linear-regression-scratch"
ALL = ("pytorch", "tensorflow", "jax", "mxnet")


@pytest.fixture
def status(octavo: Octavo, book: Path, tmp_path: Path) -> Callable[[], dict[tuple[str, str], dict[str, object]]]:
    """What is not fresh, by page and framework, with a local store that knows nothing."""

    def ask() -> dict[tuple[str, str], dict[str, object]]:
        answer = octavo("-C", book, "status", "--json", OCTAVO_CACHE=str(tmp_path / "cache"))
        assert answer.stderr == ""
        runs = json.loads(answer.stdout)["runs"]
        assert len(runs) >= 16
        return {(run["page"], run["tab"]): run for run in runs if run["state"] != "fresh"}

    return ask


def edit(path: Path, old: str, new: str) -> int:
    """Replace the first ``old`` of a file; gives the line that it began on."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name} no longer has {old!r}: choose another place for this test"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text.count("\n", 0, text.index(old)) + 1


def first_cell(text: str, tab: str) -> re.Match[str]:
    found = re.search(rf"```\{{\.python \.input\}}\n#@tab {tab}\n(.*?)```", text, re.DOTALL)
    assert found
    return found


def test_the_committed_results_are_fresh(status: Callable[[], dict[object, object]]) -> None:
    assert status() == {}


def test_a_word_of_prose_makes_nothing_stale(book: Path, status: Callable[[], dict[object, object]]) -> None:
    page = book / f"{DATA}.md"
    page.write_text("---\nnote: x\n---\n" + page.read_text(encoding="utf-8") + "\nOne more word.\n", encoding="utf-8")
    edit(book / f"{AUTODIFF}.md", "# Automatic", "# Nearly Automatic")
    assert status() == {}


@pytest.mark.parametrize("tab", ALL)
def test_a_cell_makes_its_page_stale_in_its_framework_only(
    book: Path, status: Callable[[], dict[tuple[str, str], dict[str, object]]], tab: str
) -> None:
    page = book / f"{DATA}.md"
    text = page.read_text(encoding="utf-8")
    cell = first_cell(text, tab)
    page.write_text(text[: cell.end(1)] + "1 + 1\n" + text[cell.end(1) :], encoding="utf-8")
    stale = status()
    assert list(stale) == [(DATA, tab)]
    line = text.count("\n", 0, cell.start(1)) + 1
    assert stale[DATA, tab]["state"] == "stale"
    assert stale[DATA, tab]["reasons"] == [f"cell 1 ({DATA}.md:{line}) changed"]


def test_a_saved_function_makes_stale_the_pages_that_use_it(
    book: Path, status: Callable[[], dict[tuple[str, str], dict[str, object]]]
) -> None:
    page = book / f"{AUTODIFF}.md"
    text = page.read_text(encoding="utf-8")
    saved = re.search(r"#@save\ndef plot\(|def plot\(.*#@save", text)
    assert saved
    line = text.count("\n", 0, text.index("def plot(", saved.start())) + 1
    body = text.index('    """', saved.start())
    page.write_text(text[:body] + text[body:].replace('    """', '    """Edited. ', 1), encoding="utf-8")
    stale = status()
    users = {
        path.relative_to(book).with_suffix("").as_posix()
        for path in book.glob("chapter_*/*.md")
        if "d2l.plot(" in path.read_text(encoding="utf-8")
    }
    assert SCRATCH in users and DATA not in users, "choose another function for this test"
    # others use it by a saved function that calls it
    assert users | {AUTODIFF} <= {page for page, _ in stale}
    assert DATA not in {page for page, _ in stale}
    assert {tab for _, tab in stale} == set(ALL)
    for name in {page for page, _ in stale} - {AUTODIFF}:
        assert stale[name, "jax"]["reasons"] == [f"the saved plot ({AUTODIFF}.md:{line}) changed"]


def test_a_saved_function_two_calls_away_counts(
    book: Path, status: Callable[[], dict[tuple[str, str], dict[str, object]]]
) -> None:
    # pages call plot, plot calls set_figsize, and that calls use_svg_display
    edit(book / "chapter_preface/index.md", "gray = '#767676'", "gray = '#777777'")
    pages = {page for page, _ in status()}
    assert SCRATCH in pages and "chapter_preface/index" in pages


def test_a_new_saved_function_that_nobody_uses_makes_nothing_else_stale(
    book: Path, status: Callable[[], dict[tuple[str, str], dict[str, object]]]
) -> None:
    page = book / f"{AUTODIFF}.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(text + "\n```{.python .input}\n#@save\ndef unused(x):\n    return x\n```\n", encoding="utf-8")
    assert {page for page, _ in status()} == {AUTODIFF}


def test_a_pin_makes_its_framework_stale(
    book: Path, status: Callable[[], dict[tuple[str, str], dict[str, object]]]
) -> None:
    lock = book / "environments/jax.txt"
    text = lock.read_text(encoding="utf-8")
    version = re.search(r"^optax==(\S+)$", text, re.MULTILINE)
    assert version
    lock.write_text(text.replace(version[0], "optax==9.9.9"), encoding="utf-8")
    stale = status()
    assert {tab for _, tab in stale} == {"jax"}
    assert len(stale) == len(list((book / "outputs").rglob("jax.json")))
    assert stale[DATA, "jax"]["reasons"] == [f"optax went from {version[1]} to 9.9.9"]


def test_a_comment_in_a_lock_makes_nothing_stale(book: Path, status: Callable[[], dict[object, object]]) -> None:
    lock = book / "environments/mxnet.txt"
    lock.write_text("# a remark\n" + lock.read_text(encoding="utf-8"), encoding="utf-8")
    assert status() == {}


def test_a_page_that_moved_keeps_its_results(book: Path, octavo: Octavo, tmp_path: Path) -> None:
    (book / f"{DATA}.md").rename(book / "chapter_preliminaries/tensors.md")
    edit(book / "chapter_preliminaries/index.md", "\ndata-manipulation\n", "\ntensors\n")
    answer = octavo("-C", book, "status", "--json", OCTAVO_CACHE=str(tmp_path / "cache"))
    states = {run["page"]: run["state"] for run in json.loads(answer.stdout)["runs"]}
    assert states["chapter_preliminaries/tensors"] == "fresh"
