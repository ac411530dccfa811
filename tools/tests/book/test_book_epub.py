"""The book for e-readers, of every framework: EPUBCheck finds nothing, and it says what the website says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
TABS = ("pytorch", "tensorflow", "jax", "mxnet")


@pytest.mark.parametrize("tab", TABS)
def test_the_book_for_e_readers_says_what_the_website_says(
    repository: Path, built_site: Path, built_epubs: Path, tab: str
) -> None:
    script, file = repository / "tools/ci/check_epub.py", built_epubs / f"short-dive-{tab}.epub"
    answer = subprocess.run(
        [sys.executable, script, file, "--site", built_site, "--tab", tab], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_judge_tells_the_book_of_another_framework(repository: Path, built_site: Path, built_epubs: Path) -> None:
    script, file = repository / "tools/ci/check_epub.py", built_epubs / "short-dive-pytorch.epub"
    command = [sys.executable, script, file, "--site", built_site, "--tab", "jax"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "importjax" in answer.stdout and "prose of another framework" in answer.stdout, answer.stdout


def test_epubcheck_finds_nothing(built_epubs: Path, epubcheck: list[str]) -> None:
    for tab in TABS:
        command = [*epubcheck, built_epubs / f"short-dive-{tab}.epub"]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "0 fatals / 0 errors / 0 warnings" in checked.stdout, checked.stdout
