"""What all tests share: where the repository is, and a skip that continuous integration does not accept."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from forks import run as run_octavo

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout: the book and its tools."""
    return REPOSITORY


@pytest.fixture
def octavo() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line as a user does: ``octavo("-C", book, "status")``."""

    def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return run_octavo(*arguments, variables={**os.environ, "COLUMNS": "120", **variables})

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


@pytest.fixture(scope="module")
def running_browser(chromium: str) -> Iterator[Any]:
    """One browser for the tests of a module: while Playwright runs, its thread can run no other event loop."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    # hosts named *.test lead to a test's own server
    options = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP *.test 127.0.0.1"]
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=options)
        yield started
        started.close()


@pytest.fixture
def browser(running_browser: Any) -> Iterator[Any]:
    """A browser; what a test leaves open in it is closed."""
    yield running_browser
    for context in running_browser.contexts:
        context.close()


@pytest.fixture(scope="session")
def typesetting() -> None:
    """What sets a book, and reads it back; tests that need it are skipped, by name, where something is missing."""
    programs = ("xelatex", "latexmk", "makeindex", "rsvg-convert", "pdftotext", "pdffonts", "pdfimages", "qpdf")
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: octavo doctor says what to install; apt-get install poppler-utils qpdf")


@pytest.fixture(scope="session")
def epubcheck() -> list[str]:
    """The command of EPUBCheck. Debian's program of that name runs only where the system knows what a jar is."""
    jar = Path("/usr/share/java/epubcheck.jar")
    if not jar.is_file() or shutil.which("java") is None:
        pytest.skip("no EPUBCheck: apt-get install epubcheck default-jre-headless")
    return ["java", "-jar", str(jar)]


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book's site as a newcomer builds it: every result committed, an empty cache. Built once for all workers."""
    return built_once(tmp_path_factory, "html") / "html"


@pytest.fixture(scope="session")
def built_pdfs(tmp_path_factory: pytest.TempPathFactory, typesetting: None) -> Path:
    """The folder that holds the book on paper, of every framework, and its manuscripts. Built once for all workers."""
    return built_once(tmp_path_factory, "pdf")


@pytest.fixture(scope="session")
def built_epubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the books for e-readers, one of each framework. Built once for all workers."""
    return built_once(tmp_path_factory, "epub") / "epub"


@pytest.fixture(scope="session")
def built_bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the book's archives. Built once for all workers."""
    return built_once(tmp_path_factory, "bundle") / "bundle"


def built_once(factory: pytest.TempPathFactory, product: str) -> Path:
    """The output folder of the book with a product, which workers share."""
    work = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        work = work.parent  # which the workers share
    work = work / f"book-{product}"
    work.mkdir(exist_ok=True)
    with (work / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (work / "done").exists():
            answer = subprocess.run(
                [sys.executable, "-m", "octavo", "-C", REPOSITORY, "build", product, "--output", work / "built"],
                capture_output=True,
                text=True,
                env={"PATH": "/usr/bin:/bin", "HOME": str(work), "OCTAVO_CACHE": str(work / "cache")},
                check=False,
            )
            assert answer.returncode == 0, answer.stderr
            assert "warning" not in answer.stderr and "executing" not in answer.stderr, answer.stderr
            assert not (work / "cache" / "environments").exists()
            (work / "done").touch()
    return work / "built"


SHARING = (
    "test_doctor",
    "test_book_epub",
    "test_book_paper",
    "test_book_pdf",
    "test_book_site",
    "test_edit_jupyter",
    "test_edit_sync",
    "test_execute_broken",
    "test_execute_killed",
)
"""Further files whose tests share what takes long to make."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where several workers share the tests (``-n``), one has all of a file that builds a book or starts a browser for
    its tests. xdist's own marks for that are without effect with pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = Path(nodeid.partition("::")[0])
            shared = file.parent.name in ("publish", "render", "serve", "site") or file.stem in SHARING
            return str(file) if shared else nodeid

    return ByFile(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """With OCTAVO_NO_SKIP set, as in continuous integration, a skipped test is a failed one."""
    report = yield
    if report.skipped and os.environ.get("OCTAVO_NO_SKIP") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr[-1]}"
    return report
