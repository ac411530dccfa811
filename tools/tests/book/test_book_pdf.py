"""The book on paper, of every framework, judged by what comes out of the PDF: see tools/ci/check_pdf.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
TABS = ("pytorch", "tensorflow", "jax", "mxnet")


def judged(repository: Path, site: Path, built: Path, tab: str, book: str = "") -> subprocess.CompletedProcess[str]:
    """What the judge says about the PDF of a framework, as the book of this one or of another."""
    name = f"short-dive-{book or tab}"
    options = ("--site", site, "--tab", tab, "--log", built / f"paper/{book or tab}/{name}.log")
    return subprocess.run(
        [sys.executable, repository / "tools/ci/check_pdf.py", built / f"pdf/{name}.pdf", *options],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("tab", TABS)
def test_the_book_on_paper_says_what_the_website_says(
    repository: Path, built_site: Path, built_pdfs: Path, tab: str
) -> None:
    answer = judged(repository, built_site, built_pdfs, tab)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_judge_tells_the_book_of_another_framework(repository: Path, built_site: Path, built_pdfs: Path) -> None:
    answer = judged(repository, built_site, built_pdfs, "jax", book="pytorch")
    assert answer.returncode == 1
    for complaint in ("code line 'import jax'", "is for readers of another framework", "output line"):
        assert complaint in answer.stdout, answer.stdout


def test_its_files_are_sound(built_pdfs: Path) -> None:
    for tab in TABS:
        file = built_pdfs / f"pdf/short-dive-{tab}.pdf"
        checked = subprocess.run(["qpdf", "--check", file], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr
