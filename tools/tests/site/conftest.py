"""The book's website for a reader: built by the command line, served on loopback, looked at in a real Chromium.

Nothing here imports octavo: what is judged is what a reader has on the screen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from site_readers import SECONDS, WIDE, served

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "ci"))  # the judges' scripts


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Path:
    """The book's site. OCTAVO_SITE names one that is built already, for whoever works on these tests."""
    built = os.environ.get("OCTAVO_SITE")
    return Path(built) if built else request.getfixturevalue("built_site")


@pytest.fixture(scope="session")
def pages(site: Path) -> list[str]:
    """Every page of the site, the longest first."""
    found = sorted(site.rglob("*.html"), key=lambda path: -path.stat().st_size)
    return [path.relative_to(site).as_posix() for path in found]


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where the site is served."""
    with served(site) as where:
        yield where


@pytest.fixture
def reader(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a page as a new reader: ``reader(address, **what browsers can be told)``. No reader may meet an error,
    a file that is missing, or another host.
    """
    contexts: list[Any] = []
    problems: list[str] = []
    hosts: set[str] = set()

    def open_page(where: str | None = None, **options: Any) -> Any:
        context = browser.new_context(**{**WIDE, "reduced_motion": "reduce", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(SECONDS * 1000)
        page.on("pageerror", lambda error: problems.append(f"script: {error}"))
        page.on("response", lambda got: problems.append(f"{got.status}: {got.url}") if missing(got) else None)
        page.on("request", lambda sent: hosts.add("/".join(sent.url.split("/")[:3])))
        if where is not None:
            page.goto(where)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []
    assert {host for host in hosts if not host.startswith(("http://127.0.0.1:", "file:", "data:", "blob:"))} == set()


def missing(got: Any) -> bool:
    """Whether an answer says that a file is missing; browsers ask for an icon though no page names one."""
    return got.status >= 400 and not got.url.endswith("/favicon.ico")
