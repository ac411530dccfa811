"""The slides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.build.desk import Desk
from octavo.build.notebooks import phrases
from octavo.build.shown import Shown

if TYPE_CHECKING:
    from octavo.progress import Progress


@dataclass(eq=False)
class Slides:
    """Book, editions and shown runs → a folder of decks for each framework."""

    desk: Desk
    shown: Shown

    def build(self, progress: Progress, tabs: Sequence[str] = ()) -> Path | None:
        """Bring the decks of these frameworks (all, if none are named) up to date; their folder, if there are any."""
        if not self.desk.book.pages:
            return None
        from octavo.publish import folder
        from octavo.publish.slides.decks import decks
        from octavo.publish.slides.document import Look
        from octavo.render.pages.outputs import clean_html, safe_svg
        from octavo.render.words import words

        book, settings = self.desk.book, self.desk.settings
        chosen = self.desk.chosen(tabs)
        progress.stage(f"writing the slides of {', '.join(chosen)}")
        said = words(settings.language)
        look = Look(_formula, clean_html, safe_svg, said.more_lines, said.picture)
        home = self.desk.output / "slides"
        with self.desk.alone("writing slides", progress):
            folder.clear_others(home, settings.tabs)
            for made in decks(book, settings, self.desk.editions, self.shown.runs(), chosen, phrases(settings), look):
                if not made.count:
                    folder.clear(home / made.tab)
                    progress.note(f"{made.tab}: nothing is marked for slides")
                    continue
                changed = folder.bring_up_to_date(home / made.tab, made.files)
                count = f"{made.count} deck{'s' * (made.count != 1)}"
                progress.note(f"{made.tab}: {count}, {changed} of all files written")
        return home if home.is_dir() else None


def _formula(tex: str, display: bool) -> str:
    """A formula as MathML; one that cannot be converted, which reading the book has told of, as its TeX."""
    from html import escape

    from octavo.render.pages.formulas import BadMathError, mathml

    try:
        return mathml(tex, display=display)
    except BadMathError:
        return f"<code>{escape(tex)}</code>"
