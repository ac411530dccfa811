"""What commands promise beside their main work: nothing of the author's is lost, and an interrupt ends everything."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Octavo = Callable[..., subprocess.CompletedProcess[str]]


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.slow
def test_a_book_that_is_not_to_be_executed_keeps_its_results(octavo: Octavo, book: Path, tmp_path: Path) -> None:
    settings = book / "config.ini"
    settings.write_text(settings.read_text().replace("[build]", "[build]\neval_notebook = False", 1))
    before = contents(book / "outputs")
    answer = octavo("-C", book, "build", "html", OCTAVO_CACHE=str(tmp_path / "cache"))
    assert (answer.returncode, contents(book / "outputs")) == (0, before)


def test_fewer_notebooks_remove_no_results(octavo: Octavo, book: Path, tmp_path: Path) -> None:
    settings = book / "config.ini"
    text = re.sub(r"notebooks = .*", "notebooks = chapter_preface/*.md", settings.read_text())
    settings.write_text(text)
    before = contents(book / "outputs")
    octavo("-C", book, "run", OCTAVO_CACHE=str(tmp_path / "cache"))
    assert contents(book / "outputs").keys() == before.keys()


def test_results_of_a_page_that_is_gone_go_too(octavo: Octavo, book: Path, tmp_path: Path) -> None:
    contents_page = book / "chapter_preliminaries/index.md"
    contents_page.write_text(contents_page.read_text().replace("\ndata-manipulation\n", "\n"), encoding="utf-8")
    for page in book.rglob("*.md"):
        page.write_text(re.sub(r":(?:numref|ref|eqref):`[^`]*`", "there", page.read_text("utf-8")), encoding="utf-8")
    (book / "chapter_preliminaries/data-manipulation.md").unlink()  # which saves nothing
    answer = octavo("-C", book, "run", OCTAVO_CACHE=str(tmp_path / "cache"))
    assert answer.returncode == 0, answer.stderr
    assert not (book / "outputs/chapter_preliminaries/data-manipulation").exists()
    assert (book / "outputs/chapter_preface/index/jax.json").exists()


@pytest.mark.slow
def test_building_without_executing_leaves_the_library_alone(octavo: Octavo, book: Path, tmp_path: Path) -> None:
    (book / "d2l/jax.py").write_text("# not in step\n")
    answer = octavo(
        "-C", book, "build", "html", "--no-execute", "--output", tmp_path / "o", OCTAVO_CACHE=str(tmp_path / "cache")
    )
    assert answer.returncode == 0, answer.stderr
    assert (book / "d2l/jax.py").read_text() == "# not in step\n"
    assert not (book / "_build").exists()


@pytest.mark.slow
def test_a_framework_that_cannot_be_made_stops_nothing_else(octavo: Octavo, book: Path, tmp_path: Path) -> None:
    lock = book / "environments/mxnet.txt"
    text = re.sub(r"^mxnet==.*$", "mxnet==0.0.0", lock.read_text(), flags=re.MULTILINE)
    lock.write_text(text)
    answer = octavo("-C", book, "build", "html", OCTAVO_CACHE=str(tmp_path / "cache"))
    assert answer.returncode == 1
    assert len(re.findall(r"error\[environment\].*\(mxnet\)", answer.stderr)) == 1, answer.stderr
    assert "mxnet==0.0.0" in answer.stderr
    assert "Traceback" not in answer.stderr
    site = (book / "_build/html/chapter_preface/index.html").read_text()
    assert site.count('data-tab="mxnet"') and "environment" in site


@pytest.mark.slow
def test_clean_removes_what_was_built_and_nothing_else(octavo: Octavo, book: Path, tmp_path: Path) -> None:
    before = contents(book)
    octavo("-C", book, "build", "html", "--no-execute")
    assert (book / "_build/html/index.html").exists()
    assert octavo("-C", book, "clean").returncode == 0
    assert contents(book) == before
    mine = book / "_build"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    answer = octavo("-C", book, "clean")
    assert answer.returncode == 1 and "was not made by octavo" in answer.stderr
    assert (mine / "thesis.txt").exists()


@pytest.mark.parametrize(
    "command", [["build", "html"], ["build", "lib"], ["run"], ["status"], ["check"], ["env"], ["clean"]]
)
def test_a_folder_that_is_no_book_is_told_so_by_every_command(
    octavo: Octavo, tmp_path: Path, command: list[str]
) -> None:
    answer = octavo("-C", tmp_path, *command)
    assert (answer.returncode, answer.stderr.splitlines()[0]) == (
        1,
        "error[missing-file]: there is no config.ini here, so this is not a book",
    )
    assert contents(tmp_path) == {}


def test_references_may_have_words_of_their_own(octavo: Octavo, tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text("[project]\ntitle = A Book\n")
    (tmp_path / "index.md").write_text(
        "# A Book\n\n```toc\n:numbered:\n\npage\n```\n\n"
        "See :numref:`the page <sec_page>`, :ref:`here <sec_page>`, :numref:`part %s <sec_page>` and :numref:`tab_m`.\n"
    )
    (tmp_path / "page.md").write_text(
        "# A Page\n:label:`sec_page`\n\n```{table} A table\n:name: tab_m\n\n| a |\n|---|\n| 1 |\n```\n"
    )
    answer = octavo("-C", tmp_path, "build", "html")
    assert (answer.returncode, "error" in answer.stderr) == (0, False), answer.stderr
    text = re.sub(r"<[^>]+>", "", (tmp_path / "_build/html/index.html").read_text())
    assert "See the page, here, part 1 and Table 1.1" in text


@pytest.mark.kernels
def test_an_interrupt_ends_kernels_and_keeps_what_was_finished(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "environments").mkdir()
    shutil.copy(repository / "environments/pytorch.txt", tmp_path / "environments")
    (tmp_path / "config.ini").write_text("[build]\ntabs = pytorch\n[execute]\njobs = 1\n")
    (tmp_path / "index.md").write_text("# A Book\n\n```toc\nquick\nslow\n```\n")
    (tmp_path / "quick.md").write_text("# Quick\n\n```{.python .input}\nprint('done')\n```\n")
    cell = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)"
    (tmp_path / "slow.md").write_text(f"# Slow\n\n```{{.python .input}}\n{cell}\n```\n")
    started = subprocess.Popen(
        [sys.executable, "-m", "octavo", "-C", tmp_path, "build", "html"], stderr=subprocess.PIPE, text=True
    )
    pid_file = tmp_path / "_build/run/pytorch/~slow/pid"
    deadline = time.monotonic() + 120
    while not (pid_file.exists() and pid_file.read_text()):
        assert time.monotonic() < deadline and started.poll() is None
        time.sleep(0.1)
    kernel = int(pid_file.read_text())
    started.send_signal(signal.SIGINT)
    _, told = started.communicate(timeout=30)
    assert started.returncode == 130
    assert "interrupted; what was finished is kept" in told and "Traceback" not in told
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)
    assert (tmp_path / "outputs/quick/pytorch.json").exists()
