"""What all tests share: where the repository is, and a skip that continuous integration does not accept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout: the book and its tools."""
    return REPOSITORY


@pytest.fixture
def octavo() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line as a user does: ``octavo("-C", book, "status")``."""

    def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "octavo", *map(str, arguments)],
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "120", **variables},
            check=False,
        )

    return run


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A copy of the book as it is committed or about to be: what `git ls-files` lists, without history."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ".", ":!tools"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    target = tmp_path / "book"
    for name in filter(None, listed.stdout.split("\0")):
        if (REPOSITORY / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, target / name)
    return target


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser; tests that need one are skipped, by name, where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no browser: sudo apt install chromium")
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """With OCTAVO_NO_SKIP set, as in continuous integration, a skipped test is a failed one."""
    report = yield
    if report.skipped and os.environ.get("OCTAVO_NO_SKIP") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr[-1]}"
    return report
