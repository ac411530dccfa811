"""A book with its results → the manuscript of one framework, by Sphinx in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.diagnostics import Diagnostics
from octavo.render.application import Progress
from octavo.render.single import Material, render_single
from octavo.website import product_name


@dataclass(frozen=True, slots=True)
class Manuscript:
    """What LaTeX is given."""

    main: Path
    """The file to typeset; what it needs stands beside it."""
    files: Mapping[str, str]
    """Absolute path of each file that it was made from, besides pages and results → digest of what was read from it."""
    complete: bool
    """Whether all of it was written."""


def render_paper(
    material: Material,
    output: Path,
    doctrees: Path,
    diagnostics: Diagnostics,
    progress: Progress | None = None,
    *,
    jobs: int = 1,
) -> Manuscript:
    """Bring the manuscript of one framework in ``output`` up to date; files that are equal keep their times."""
    settings = material.settings
    name = f"{product_name(settings.name, material.tab)}.tex"
    options: dict[str, Any] = {
        "latex_engine": "xelatex",
        "latex_documents": [(settings.index, name, settings.title or settings.name, settings.author, "manual")],
        "latex_use_xindy": False,
    }
    rendered = render_single(material, "octavo-paper", options, output, doctrees, diagnostics, progress, jobs=jobs)
    return Manuscript(output / name, rendered.files, rendered.complete)
