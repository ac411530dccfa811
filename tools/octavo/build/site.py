"""The website."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.build.basis import Basis
from octavo.build.copies import Copies
from octavo.build.definitions import Definitions
from octavo.build.desk import Desk
from octavo.build.freshness import Freshness
from octavo.build.plan import Plan
from octavo.build.shown import Shown
from octavo.diagnostics import Diagnostics
from octavo.digests import file_digests
from octavo.processors import cores
from octavo.receipt import Receipt

if TYPE_CHECKING:
    from octavo.progress import Progress


@dataclass(eq=False)
class Site:
    """Book, editions and shown runs → the website; a receipt says when there is nothing to do."""

    desk: Desk
    definitions: Definitions
    basis: Basis
    plan: Plan
    freshness: Freshness
    shown: Shown
    copies: Copies

    def finished(self, tabs: Sequence[str] = (), *, execute: bool) -> Path | None:
        """The front page of the website if nothing has changed since it was built; else ``None``.

        With ``execute`` every result has to be there too. What the build said is said again.
        """
        if not self.desk.has_settings or not self.desk.output_folder.is_dir():
            return None
        receipt = Receipt.load(self._place("receipt", tabs))
        if receipt is None or not receipt.holds(self._facts()):
            return None
        if not receipt.executed and (execute or self.desk.results.shared is not None):
            return None  # somebody may have shared what was missing
        self.desk.diagnostics.add(*receipt.messages)
        return Path(receipt.products[0])

    def build(
        self, progress: Progress, tabs: Sequence[str] = (), on_pages: Callable[[], None] = lambda: None
    ) -> Path | None:
        """Bring the website up to date; returns its front page, or ``None`` when there is no book to render.

        With ``tabs`` it is a website of these frameworks alone, in a folder of its own. ``on_pages`` is called when its
        pages stand, before what is beside them does.
        """
        if not self.desk.book.pages:
            return None
        from octavo.render.project import render_html
        from octavo.source import links

        desk = self.desk
        facts = self._facts()
        if desk.has_results:
            self.freshness.fetch(self.plan.planned.values())
        results = file_digests(self.basis.result_files())  # before they are read, as everything else
        found = Diagnostics()
        runs = self.shown.runs()
        planned = self.plan.chosen(tabs=tabs) if desk.has_results else []
        stale = sum(not self.freshness.is_fresh(one) for one in planned)
        if stale:
            progress.note(f"{stale} of {len(planned)} results are missing or older than their pages")
        progress.stage(f"rendering {len(desk.book.pages)} pages")
        receipt = self._place("receipt", tabs)
        with desk.alone("rendering", progress):
            receipt.unlink(missing_ok=True)  # from here on the site is not what was built before
            html, doctrees = self._place("html", tabs), self._place("doctrees", tabs)

            def on_step(step: str, page: str) -> None:
                if step == "written":
                    on_pages()
                    self.copies.build(html, doctrees, runs, tabs)

            site = render_html(
                desk.book,
                desk.settings,
                desk.editions,
                runs,
                html,
                doctrees,
                found,
                on_step,
                tabs=tabs,
                jobs=cores(),
                definitions=self.definitions.held,
                offered=self.copies.offered(tabs),
            )
            # the reader has told of these already, without needing Sphinx
            told = {(d.code, d.span.path, d.span.line) for d in desk.diagnostics if d.span is not None}
            new = (d for d in found if d.span is None or (d.code, d.span.path, d.span.line) not in told)
            desk.diagnostics.add(*new)
            executed = (desk.has_results and not stale) or not desk.settings.eval_notebook
            products = tuple(map(str, (site.front, *site.pages)))
            # a picture that was missing when the pages were read may have been there when they were rendered
            if site.complete and tuple(links.check(desk.book, desk.settings)) == desk.broken_links:
                files = {**results, **site.files, **self.copies.read}
                Receipt(facts, files, products, tuple(desk.diagnostics), executed).save(receipt)
        return site.front

    def folder(self, tabs: Sequence[str] = ()) -> Path:
        """Where the website is, or would be."""
        return self.desk.output_folder / self._name("html", tabs)

    def _name(self, kind: str, tabs: Sequence[str]) -> str:
        return "-".join([kind, *(tab for tab in self.desk.settings.tabs if tab in tabs)])

    def _place(self, kind: str, tabs: Sequence[str]) -> Path:
        """What belongs to a website in the output folder: of the whole book, or of these frameworks alone."""
        return self.desk.output / self._name(kind, tabs)

    def _facts(self) -> str:
        """Digest of what a website depends on, besides results and the files that rendering finds."""
        return self.basis.facts(file_digests(self.copies.products(self.desk.settings.tabs)))
