"""Mini-books for the tests of publishing: files in, a book with its notebooks out."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import nbformat

from octavo.build import Workshop
from octavo.cli import main
from octavo.progress import PlainProgress

CONFIG = """\
[project]
name = mini
title = A Mini Book
[build]
tabs = pytorch, jax, mxnet
untagged = all
"""

SQUARE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M1 1h7v7h-7z"/></svg>\n'


def write(root: Path, files: Mapping[str, str], config: str = CONFIG) -> Path:
    """A book of these pages (``chapter/page`` → text), with a picture ``img/square.svg``."""
    (root / "img").mkdir(parents=True, exist_ok=True)
    (root / "img" / "square.svg").write_text(SQUARE, encoding="utf-8")
    (root / "config.ini").write_text(config, encoding="utf-8")
    for page, text in files.items():
        path = root / f"{page}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return root


def build(root: Path, *tabs: str) -> tuple[Path, str]:
    """Bring the notebooks up to date; their folder, and what the build told."""
    told = io.StringIO()
    folder = Workshop(root).notebooks.build(PlainProgress(told), tabs)
    assert folder is not None
    return folder, told.getvalue()


def read(path: Path) -> Any:
    """A notebook, valid to the letter of its format."""
    assert path.stat().st_size > 0
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    return notebook


def shown(notebook: Any) -> str:
    """What a notebook holds, a line before each cell saying what it is."""
    return "\n".join(f"--- {cell.cell_type}\n{cell.source}" for cell in notebook.cells)


def command(*arguments: str | Path) -> tuple[int, str]:
    """Run the command line in this process, which saves a second each time; its exit code, and what it told."""
    told, code = io.StringIO(), 0
    with contextlib.redirect_stderr(told):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
    return code, told.getvalue()
