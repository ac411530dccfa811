"""A book with its results → the manuscript of one framework, by Sphinx in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.diagnostics import Diagnostics
from octavo.digests import file_digests
from octavo.render.paper import design, letters
from octavo.render.paper.own import own, rework
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
    lasting: bool = True
    """Whether the same would be written again; not so where a tool was missing, or a program was not to be run."""


def render_paper(
    material: Material,
    output: Path,
    doctrees: Path,
    diagnostics: Diagnostics,
    *,
    jobs: int = 1,
) -> Manuscript:
    """Bring the manuscript of one framework in ``output`` up to date; files that are equal keep their times."""
    settings = material.settings
    name = f"{product_name(settings.name, material.tab)}.tex"
    output.mkdir(parents=True, exist_ok=True)
    changed = own(settings, output)
    diagnostics.add(*changed.messages)
    files = file_digests(changed.files)  # before LaTeX reads them
    title, author = design.escaped(settings.title or settings.name), design.escaped(settings.author)
    options: dict[str, Any] = {
        "latex_documents": [(settings.index, name, title, author, "manual")],
        **design.options(settings, material.tab, changed),
    }
    rendered = render_single(material, "octavo-paper", options, output, doctrees, diagnostics, jobs=jobs)
    main = output / name
    program = settings.paper.program if rendered.complete and changed.runs_program else ""
    if program:
        diagnostics.add(*rework(settings, main, allowed=material.programs))
    diagnostics.add(*letters.prepare(main, changed.fonts, settings.language))
    application = rendered.application
    lacking = getattr(application.builder, "lacking", "") if application else ""  # once the tool is there, again
    lasting = not lacking and (material.programs or not program)
    return Manuscript(main, {**rendered.files, **files}, rendered.complete, lasting)
