"""Sphinx's EPUB builder, which writes one framework's book."""

from __future__ import annotations

from typing import Any

from sphinx.builders.epub3 import Epub3Builder


class EpubBuilder(Epub3Builder):
    """Writes the EPUB of one framework's book."""

    name = "octavo-epub"


def setup(app: Any) -> None:
    """Register the builder."""
    app.add_builder(EpubBuilder)
