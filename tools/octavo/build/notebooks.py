"""The notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.build.desk import Desk
from octavo.build.folders import Made, bring_up_to_date
from octavo.build.shown import Shown

if TYPE_CHECKING:
    from octavo.config import Settings
    from octavo.progress import Progress
    from octavo.publish.shelf import Phrases


def phrases(settings: Settings) -> Phrases:
    """How numbered things are called, as on the website."""
    from octavo.publish.shelf import Phrases
    from octavo.render.words import numbered, words

    figure, table, section = numbered(settings.language)
    return Phrases(words(settings.language).chapter.format(number="%s"), section, figure, table)


@dataclass(eq=False)
class Notebooks:
    """Book, editions and shown runs → a folder of notebooks for each framework."""

    desk: Desk
    shown: Shown

    def build(self, progress: Progress, tabs: Sequence[str] = ()) -> Path | None:
        """Bring the notebooks of these frameworks (all, if none are named) up to date; returns their folder."""
        if not self.desk.book.pages:
            return None
        from octavo.publish.notebooks import notebooks

        book, settings = self.desk.book, self.desk.settings
        chosen = self.desk.chosen(tabs)
        progress.stage(f"writing the notebooks of {', '.join(chosen)}")
        folders = notebooks(book, settings, self.desk.editions, self.shown.runs(), chosen, phrases(settings))
        made = (
            Made(one.tab, {**one.notebooks, **one.pictures} if one.notebooks else {}, len(one.notebooks), "notebook")
            for one in folders
        )
        return bring_up_to_date(self.desk, "notebooks", "writing notebooks", made, progress)
