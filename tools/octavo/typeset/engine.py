"""Runs LaTeX until the manuscript is typeset."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from octavo.diagnostics import Diagnostic

ENGINE = "xelatex"
"""Of the engines that set every language: three to five times as fast as LuaLaTeX on the same manuscript."""

OnPage = Callable[[int, int], None]
"""Told the number of the run over the manuscript, from 1, and the page that was set last."""


@dataclass(frozen=True, slots=True)
class Typeset:
    """What became of a manuscript."""

    pdf: Path | None
    """``None`` where there is none."""
    pages: int
    messages: tuple[Diagnostic, ...]
    """What is wrong, at the author's places; errors where LaTeX could not make sense of something."""


def typeset(main: Path, on_page: OnPage = lambda run, page: None) -> Typeset:
    """Typeset a manuscript in its folder, running LaTeX as often as it takes."""
    command = ["latexmk", "-xelatex", "-interaction=nonstopmode", "-file-line-error", "-quiet", main.name]
    subprocess.run(command, cwd=main.parent, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    pdf = main.with_suffix(".pdf")
    return Typeset(pdf if pdf.is_file() else None, 0, ())
