"""Products that have a folder for each framework: how these are brought up to date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.build.desk import Desk

if TYPE_CHECKING:
    from octavo.progress import Progress


@dataclass(frozen=True, slots=True)
class Made:
    """One framework's files of a product."""

    tab: str
    files: Mapping[str, bytes | Path]
    """Path in the framework's folder → content, or the author's file; empty where there is nothing to make."""
    count: int
    """How many of them are what the product is made for."""
    name: str
    """What one of these is called."""


def bring_up_to_date(desk: Desk, product: str, doing: str, made: Iterable[Made], progress: Progress) -> Path:
    """Write ``product/TAB`` for each framework made, or clear it if there is nothing; returns the product's folder."""
    from octavo.publish import folder

    home = desk.output / product
    with desk.alone(doing, progress):
        folder.clear_others(home, desk.settings.tabs)
        for one in made:
            if not one.files:
                folder.clear(home / one.tab)
                progress.note(f"{one.tab}: there is no {one.name} to write")
                continue
            changed = folder.bring_up_to_date(home / one.tab, one.files)
            count = f"{one.count} {one.name}{'s' * (one.count != 1)}"
            progress.note(f"{one.tab}: {count}, {changed} of all files written")
    return home
