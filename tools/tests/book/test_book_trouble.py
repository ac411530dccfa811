"""A disk that refuses, two builds at once, a copied checkout: nothing is lost, and no fault of ours is told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from octavo.build import Workshop
from octavo.execute.scratch import working_folder
from octavo.progress import progress_for

Octavo = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def small(tmp_path: Path, repository: Path) -> Path:
    """A book of one framework with one page and a saved name."""
    folder = tmp_path / "small"
    (folder / "environments").mkdir(parents=True)
    shutil.copy(repository / "environments/pytorch.txt", folder / "environments")
    (folder / "config.ini").write_text(
        "[build]\ntabs = pytorch\nresources = img/\n[library-pytorch]\nlib_file = d2l/torch.py\nlib_name = torch\n"
    )
    (folder / "index.md").write_text("# A Book\n\n```toc\npart/page\n```\n")
    (folder / "part").mkdir()
    (folder / "part/page.md").write_text(
        "# A Page\n\n```{.python .input}\nimport time  #@save\ntime.sleep(1)\n```\n\n"
        "```{.python .input}\nprint(open('../img/a.txt').read())\n```\n"
    )
    (folder / "img").mkdir()
    (folder / "img/a.txt").write_text("first")
    return folder


@pytest.mark.parametrize(
    ("in_the_way", "command"),
    [("_build", ["run"]), ("_build/run", ["run"]), ("d2l", ["build", "lib"])],
)
def test_a_file_where_a_folder_is_needed_is_named(
    octavo: Octavo, small: Path, in_the_way: str, command: list[str]
) -> None:
    (small / in_the_way).parent.mkdir(exist_ok=True)
    (small / in_the_way).touch()
    answer = octavo("-C", small, *command)
    assert answer.returncode == 1
    assert "error[system]: cannot use " in answer.stderr and in_the_way in answer.stderr
    assert "a fault of octavo" not in answer.stderr


def test_a_library_that_is_no_text_is_out_of_step_and_replaced(octavo: Octavo, small: Path) -> None:
    (small / "d2l").mkdir()
    (small / "d2l/torch.py").write_bytes(b"\xff\xfe")
    assert "error[foreign-module]" in octavo("-C", small, "build", "lib", "--check").stderr
    header = b"# Made from the book's pages by `octavo build lib`: edit the pages, not this file.\n"
    (small / "d2l/torch.py").write_bytes(header + b"\xff\xfe")
    assert "error[library-stale]" in octavo("-C", small, "build", "lib", "--check").stderr
    assert "wrote d2l/torch.py" in octavo("-C", small, "build", "lib").stderr


def test_a_lock_that_is_missing_is_told_once(octavo: Octavo, small: Path) -> None:
    (small / "environments/pytorch.txt").unlink()
    for command in (["run"], ["env", "make"]):
        answer = octavo("-C", small, *command)
        assert answer.returncode == 1 and answer.stderr.count("error[") == 1, answer.stderr


def test_a_declared_file_that_is_not_there_is_told(octavo: Octavo, small: Path) -> None:
    settings = small / "config.ini"
    settings.write_text(settings.read_text() + "[execute]\nfiles = data/prices.csv\n")
    answer = octavo("-C", small, "status")
    assert "config.ini:8: warning[missing-file]: [execute] files names data/prices.csv" in answer.stderr


def test_what_importing_the_library_does_counts_for_a_page_that_reads_none_of_its_names(small: Path) -> None:
    page = small / "part/page.md"
    page.write_text("# A Page\n\n```{.python .input}\nfrom d2l import torch as d2l\nprint(0.123)\n```\n")
    (small / "index.md").write_text("# A Book\n\n```toc\nlib\npart/page\n```\n")
    keys = []
    for digits in (2, 3):
        (small / "lib.md").write_text(
            f"# Lib\n\n```{{.python .input}}\nimport torch  #@save\ntorch.set_printoptions({digits})  #@save\n```\n"
        )
        keys.append(Workshop(small).plan.planned["part/page", "pytorch"].key)
    assert keys[0] != keys[1]


def test_a_copied_checkout_reads_its_own_pictures(small: Path, tmp_path: Path) -> None:
    def linked(book: Path) -> str:
        folder = working_folder(book / "_build/run/pytorch", "part/page", book, ["img/"])
        return (folder / "../img/a.txt").read_text()

    assert linked(small) == "first"
    copy = tmp_path / "copy"
    shutil.copytree(small, copy, symlinks=True)
    (copy / "img/a.txt").write_text("second")
    assert (linked(copy), linked(small)) == ("second", "first")
    (copy / "_build/run/pytorch/img").unlink()
    (copy / "_build/run/pytorch/img").mkdir()  # as a page may do that keeps its data there
    with pytest.raises(FileNotFoundError):
        linked(copy)


@pytest.mark.slow
@pytest.mark.kernels
def test_two_builds_at_once_execute_once(small: Path, tmp_path: Path) -> None:
    from octavo.execute.home import cache_home

    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "environments").symlink_to(cache_home() / "environments")  # made before, or by this very test
    (cache_home() / "environments").mkdir(parents=True, exist_ok=True)
    variables = {**os.environ, "OCTAVO_CACHE": str(cache)}
    builds = [
        subprocess.Popen(
            [sys.executable, "-m", "octavo", "-C", small, "build", "html"],
            env=variables,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [build.communicate(timeout=600)[1] for build in builds]
    assert [build.returncode for build in builds] == [0, 0], told
    assert sum(text.count("[1/1] part/page (pytorch) done") for text in told) == 1, told
    assert (small / "_build/html/part/page.html").read_text().count("first")


def test_a_build_waits_for_another_and_says_so(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = Workshop(small), Workshop(small)
    entered = threading.Event()

    def follow() -> None:
        with second.alone("rendering", progress_for()):
            entered.set()

    with first.alone("rendering", progress_for()):
        other = threading.Thread(target=follow)
        other.start()
        assert not entered.wait(0.5)
    other.join(timeout=5)
    assert entered.is_set()
    assert capsys.readouterr().err == "another octavo is rendering here: waiting for it\n"


def test_a_module_of_the_book_does_not_hide_one_that_octavo_needs(small: Path) -> None:
    (small / "random.py").write_text("raise SystemExit('the book is not octavo')\n")
    answer = subprocess.run(
        [sys.executable, "-m", "octavo", "status", "--json"], cwd=small, capture_output=True, text=True
    )
    assert "the book is not octavo" not in answer.stderr
    assert '"runs"' in answer.stdout


def test_results_do_not_depend_on_what_octavo_makes(small: Path) -> None:
    config = small / "config.ini"
    config.write_text(config.read_text() + "\n[execute]\nfiles = **/*.json\n")

    def key() -> str:
        return Workshop(small).plan.planned["part/page", "pytorch"].key

    before = key()
    for made in ("outputs/part/page/pytorch.json", "_build/x.json"):
        (small / made).parent.mkdir(parents=True)
        (small / made).write_text("{}")
    assert key() == before
    (small / "data.json").write_text("{}")
    assert key() != before


@pytest.mark.parametrize("comment", ["# one", "# another"])
def test_a_module_that_reads_its_own_text_is_keyed_with_its_comments(small: Path, comment: str) -> None:
    page = small / "part/page.md"
    page.write_text("# A Page\n\n```{.python .input}\nimport own\nprint(own.TEXT)\n```\n")
    keys = []
    for text in ("# zero", comment):
        (small / "own.py").write_text(f"TEXT = open(__file__).read()  {text}\n")
        keys.append(Workshop(small).plan.planned["part/page", "pytorch"].key)
    assert keys[0] != keys[1]
