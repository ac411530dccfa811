"""The slides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.build.desk import Desk
from octavo.build.folders import Made, bring_up_to_date
from octavo.build.notebooks import phrases
from octavo.build.shown import Shown

if TYPE_CHECKING:
    from octavo.macros import Macro
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
        from octavo.publish.slides.decks import decks
        from octavo.publish.slides.document import Look
        from octavo.render.pages.outputs import clean_html, safe_svg
        from octavo.render.words import words

        book, settings = self.desk.book, self.desk.settings
        chosen = self.desk.chosen(tabs)
        progress.stage(f"writing the slides of {', '.join(chosen)}")
        said = words(settings.language)
        look = Look(formula(settings.macros), clean_html, safe_svg, said.more_lines, said.picture)
        all_of_them = decks(book, settings, self.desk.editions, self.shown.runs(), chosen, phrases(settings), look)
        made = (Made(one.tab, one.files, one.count, "deck") for one in all_of_them)
        home = bring_up_to_date(self.desk, "slides", "writing slides", made, progress)
        return home if home.is_dir() else None


def formula(macros: tuple[Macro, ...]) -> Callable[[str, bool], str]:
    """What makes MathML of a formula with the book's macros; of one that is none, which reading has told of, TeX."""
    from octavo.render.pages.formulas import BadMathError, mathml

    def written(tex: str, display: bool) -> str:
        try:
            return mathml(tex, display=display, macros=macros)
        except BadMathError:
            return f"<code>{escape(tex)}</code>"

    return written
