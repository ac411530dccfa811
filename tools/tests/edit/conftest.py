"""A server over a small book, for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from edit_server import PAGE, Jupyter, running, written


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """A server over a book that has no lock, for the tests of a module."""
    work = tmp_path_factory.mktemp("jupyter")
    with running(written(work / "book"), work, "--tab", "pytorch") as server:
        yield server


@pytest.fixture
def page(jupyter: Jupyter) -> Iterator[Path]:
    """Its page, the same for each test."""
    path = jupyter.folder / "chapter" / "page.md"
    path.write_bytes(PAGE.encode())
    yield path
