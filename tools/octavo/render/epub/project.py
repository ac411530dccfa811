"""A book with its results → the EPUB of one framework, by Sphinx in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from octavo.diagnostics import Diagnostics
from octavo.digests import file_digests
from octavo.render.epub import cover
from octavo.render.single import Material, render_single
from octavo.website import product_name


@dataclass(frozen=True, slots=True)
class Epub:
    """A book for readers of EPUB."""

    file: Path
    files: Mapping[str, str]
    """Absolute path of each file that it was made from, besides pages and results → digest of what was read from it."""
    complete: bool
    """Whether all of it was written."""


def render_epub(
    material: Material,
    output: Path,
    doctrees: Path,
    diagnostics: Diagnostics,
    *,
    jobs: int = 1,
) -> Epub:
    """Write the EPUB of one framework; ``output`` is a folder that its pages are kept in."""
    name = product_name(material.settings.name, material.tab)
    options = {"html_theme": "basic", "html_permalinks": False}
    rendered = render_single(material, "octavo-epub", options, output, doctrees, diagnostics, jobs=jobs)
    shown = cover.picture_of(material.settings)
    files = {**rendered.files, **file_digests([shown] if shown is not None else [])}
    return Epub(output / f"{name}.epub", files, rendered.complete)
