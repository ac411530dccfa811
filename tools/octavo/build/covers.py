"""The book from cover to cover, for each framework: PDF and EPUB."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Literal, get_args

from octavo import products
from octavo.build.basis import Basis
from octavo.build.definitions import Definitions
from octavo.build.desk import Desk
from octavo.build.freshness import Freshness
from octavo.build.plan import Plan
from octavo.build.shown import Shown
from octavo.diagnostics import Code, Diagnostic, Diagnostics
from octavo.digests import file_digests
from octavo.processors import cores
from octavo.receipt import Receipt
from octavo.website import product_name

if TYPE_CHECKING:
    from octavo.progress import Progress
    from octavo.render.paper.project import Manuscript
    from octavo.render.single import Material
    from octavo.typeset.engine import Typeset

Kind = Literal["pdf", "epub"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class _Made:
    """A book, made or being made."""

    tab: str
    file: Path
    """Where it goes."""
    made: Path | None
    """Where it is; ``None`` when there is none."""
    messages: tuple[Diagnostic, ...]
    files: Mapping[str, str]
    """Absolute path of each file that it was made from → digest of its content."""
    complete: bool
    """Whether the same would come out again."""


@dataclass(eq=False)
class Covers:
    """Book, editions and shown runs → ``pdf/NAME-TAB.pdf`` and ``epub/NAME-TAB.epub``."""

    desk: Desk
    definitions: Definitions
    basis: Basis
    plan: Plan
    freshness: Freshness
    shown: Shown

    def finished(self, kind: Kind, tabs: Sequence[str] = (), *, execute: bool) -> list[Path]:
        """The books of these frameworks, if nothing has changed since they were made; else nothing.

        With ``execute`` every result has to be there too. What was said when they were made is said again.
        """
        if not self.desk.has_settings or not self.desk.output_folder.is_dir():
            return []
        receipts = [Receipt.load(self._receipt(kind, tab)) for tab in self.desk.chosen(tabs)]
        facts = self._facts()
        if not all(receipt is not None and receipt.holds(facts) for receipt in receipts):
            return []
        known = [receipt for receipt in receipts if receipt is not None]
        if not all(receipt.executed for receipt in known) and (execute or self.desk.results.shared is not None):
            return []  # somebody may have shared what was missing
        for receipt in known:
            self.desk.diagnostics.add(*receipt.messages)
        return [Path(receipt.products[0]) for receipt in known]

    def build(self, kind: Kind, progress: Progress, tabs: Sequence[str] = (), *, execute: bool = True) -> list[Path]:
        """Bring the books of these frameworks (all, if none are named) up to date; returns those that there are.

        With ``execute`` programs of the author's may be run.
        They are written one after the other; while LaTeX works on one, the next is written.
        """
        if not self.desk.book.pages:
            return []
        desk, found = self.desk, list[Path]()
        facts = self._facts()
        if desk.has_results:
            self.freshness.fetch(self.plan.planned.values())
        results = file_digests(self.basis.result_files())  # before they are read, as everything else
        make = self._epub if kind == "epub" else self._pdf
        stop = Event()
        with (
            desk.alone("making books", progress),
            ThreadPoolExecutor(cores()) as pool,
            contextlib.ExitStack() as ending,
        ):
            ending.callback(stop.set)  # an interrupt comes here, and not where LaTeX is waited for
            self._retire(kind)
            chosen = [tab for tab in self.desk.chosen(tabs) if not self._stands(kind, tab, facts, found)]
            waiting = list(make(self._materials(chosen, programs=execute), progress, pool, stop))
            for finish in waiting:
                made = finish()
                desk.diagnostics.add(*self._new(made.messages))
                if made.made is None:
                    continue
                products.write(made.file, made.made.read_bytes())
                found.append(made.file)
                if made.complete:
                    receipt = Receipt(
                        facts,
                        {**results, **made.files},
                        (str(made.file),),
                        tuple(desk.diagnostics),
                        self._is_executed(made.tab),
                    )
                    receipt.save(self._receipt(kind, made.tab))
        return sorted(found, key=[self._file(kind, tab) for tab in desk.settings.tabs].index)

    def _retire(self, kind: Kind) -> None:
        """Remove the books of frameworks that the book has no more, and those under a name that it had."""
        folder, tabs = self.desk.output_folder, self.desk.settings.tabs
        for path in folder.glob(f"receipt-{kind}-*"):
            tab = path.name.removeprefix(f"receipt-{kind}-")
            receipt = Receipt.load(path)
            kept = self._file(kind, tab) if tab in tabs else None
            for product in map(Path, receipt.products if receipt is not None else ()):
                if product != kept and product.parent == folder / kind:
                    products.remove(folder, f"{kind}/{product.name}")
            if tab not in tabs:
                path.unlink(missing_ok=True)

    def _stands(self, kind: Kind, tab: str, facts: str, found: list[Path]) -> bool:
        """Whether a framework's book is what it would become; from here on one that is not is not to be trusted."""
        receipt = Receipt.load(self._receipt(kind, tab))
        if receipt is not None and receipt.holds(facts) and (receipt.executed or not self._is_executed(tab)):
            self.desk.diagnostics.add(*receipt.messages)
            found.append(Path(receipt.products[0]))
            return True
        self._receipt(kind, tab).unlink(missing_ok=True)
        return False

    def _pdf(
        self, materials: Iterable[Material], progress: Progress, pool: ThreadPoolExecutor, stop: Event
    ) -> Iterator[Callable[[], _Made]]:
        """Write each manuscript, and let LaTeX begin with it."""
        from octavo.render.paper.project import render_paper
        from octavo.typeset import tools
        from octavo.typeset.engine import typeset

        lacking = tools.lacking()
        if lacking is not None:  # told once, and before anything that takes long
            self.desk.diagnostics.add(lacking)
            return
        for material in materials:
            tab, heard = material.tab, Diagnostics()
            progress.stage(f"writing the manuscript of {tab}")
            folder, doctrees = self.desk.output / "paper" / tab, self._doctrees(tab)
            manuscript = render_paper(material, folder, doctrees, heard, jobs=cores())
            if not manuscript.complete:  # what stands there is an older one
                yield partial(_Made, tab, self._file("pdf", tab), None, tuple(heard), {}, False)
                continue
            progress.stage(f"typesetting {manuscript.main.name}")
            on_page = partial(progress.on_page, tab)
            future = pool.submit(
                typeset,
                manuscript.main,
                on_page,
                stop,
                read_line=self.desk.read_line,
                # LaTeX stumbles over the formulas that reading the book has told of
                told={(one.span.path, one.span.line) for one in heard if one.code is Code.BAD_MATH and one.span},
                date=products.time_of(self.desk.folder),
            )
            future.add_done_callback(partial(_typeset_ended, progress, tab))
            yield partial(self._typeset, tab, heard, manuscript, future)

    def _typeset(self, tab: str, heard: Diagnostics, manuscript: Manuscript, future: Future[Typeset]) -> _Made:
        """What LaTeX has made of a manuscript, once it is done with it."""
        done = future.result()
        complete = manuscript.complete and manuscript.lasting and done.pdf is not None
        said = [one if one.span else replace(one, tab=tab) for one in done.messages]
        return _Made(tab, self._file("pdf", tab), done.pdf, (*heard, *said), manuscript.files, complete)

    def _epub(
        self, materials: Iterable[Material], progress: Progress, pool: ThreadPoolExecutor, stop: Event
    ) -> Iterator[Callable[[], _Made]]:
        """Write each EPUB."""
        from octavo.render.epub.project import render_epub

        for material in materials:
            tab, heard = material.tab, Diagnostics()
            progress.stage(f"writing the EPUB of {tab}")
            folder, doctrees = self.desk.output / "epub-pages" / tab, self._doctrees(tab)
            book = render_epub(material, folder, doctrees, heard, jobs=cores())
            file = book.file if book.complete and book.file.is_file() else None
            yield partial(_Made, tab, self._file("epub", tab), file, tuple(heard), book.files, book.complete)

    def _materials(self, tabs: Sequence[str], *, programs: bool) -> Iterator[Material]:
        from octavo.render.single import Material

        desk, runs = self.desk, self.shown.runs()
        for tab in tabs:
            yield Material(desk.book, desk.settings, desk.editions, runs, tab, self.definitions.held, programs=programs)

    def _new(self, messages: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
        """The messages that reading the book has not told of already."""
        told = {(d.code, d.span.path, d.span.line) for d in self.desk.diagnostics if d.span is not None}
        return (d for d in messages if d.span is None or (d.code, d.span.path, d.span.line) not in told)

    def _is_executed(self, tab: str) -> bool:
        """Whether every result that the book of a framework is meant to show is there."""
        if not self.desk.settings.eval_notebook:
            return True
        return self.desk.has_results and all(self.freshness.is_fresh(one) for one in self.plan.chosen(tabs=(tab,)))

    def _facts(self) -> str:
        from octavo.render.paper.fonts import installed

        return self.basis.facts(tuple(sorted(installed())))

    def _file(self, kind: Kind, tab: str) -> Path:
        return self.desk.output_folder / kind / f"{product_name(self.desk.settings.name, tab)}.{kind}"

    def _receipt(self, kind: Kind, tab: str) -> Path:
        return self.desk.output_folder / f"receipt-{kind}-{tab}"

    def _doctrees(self, tab: str) -> Path:
        """What the pages of a framework's book were read as, for PDF and EPUB alike."""
        return self.desk.output / "single" / tab


def _typeset_ended(progress: Progress, tab: str, _: Future[Typeset]) -> None:
    """Take a framework's book off the list of those that LaTeX works on."""
    progress.on_typeset(tab)
