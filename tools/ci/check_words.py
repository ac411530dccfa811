"""Whether anything of a book got lost on its way to the website: check_words.py BOOK SITE [--tab TAB …].

Every page is read twice: its source with the regular expressions of this file, its HTML with Python's own parser. For
each framework, what its reader sees has to hold what the source says to that reader: words of prose, lines of cells,
formulas, labels, references, citations, pictures, tables and links, as multisets. Then every text that a reader sees
is searched for marks of the dialect that should have become something else.

Imports nothing of octavo, on purpose: a slip in octavo's reading must not hide itself. SITE is the folder with
index.html. The exit code is 1 when something was lost, invented or left raw. What the source itself lacks, such as a
reference to a label that nobody defines, is only noted.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import html
import posixpath
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from words_page import Link, PageTable, SitePage, View, flat
from words_source import (
    CODE_WORD,
    Aliases,
    Block,
    CellText,
    Named,
    Reading,
    Settings,
    SourcePage,
    SourceTable,
    Word,
    add,
    cell_for,
    compare_cell,
    exact_lines,
    read_bibliography,
    read_settings,
    source_folder,
    tex_letters,
)
from words_text import RAW, RAW_IN_CELLS, digits, raw_marks, words_of


@dataclass
class Report:
    """What was found, each thing once whatever the number of frameworks."""

    found: dict[tuple[str, int, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    notes: set[tuple[str, int, str]] = field(default_factory=set)
    totals: Counter[str] = field(default_factory=Counter)

    def lost(self, page: str, line: int, what: str, tab: str = "") -> None:
        self.found[page, line, what].append(tab)

    def note(self, page: str, line: int, what: str) -> None:
        self.notes.add((page, line, what))


@dataclass
class Comparison:
    """A book beside its site."""

    root: Path
    site: Path
    settings: Settings
    sources: dict[str, SourcePage]
    pages: dict[str, SitePage]
    bibliography: dict[str, tuple[str, str]]
    report: Report = field(default_factory=Report)

    def __post_init__(self) -> None:
        self.homes: dict[str, dict[str, str]] = defaultdict(dict)
        """For each label the pages that define it, most often one, and the kind of thing that has it there."""
        for page, source in self.sources.items():
            for label in source.labels():
                self.homes[label.name].setdefault(page, label.kind)
        self.entries = {
            (page, ident): text for page, there in self.pages.items() for ident, text in there.entries.items()
        }
        self.target = cache(self._target)
        self.labels_at: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name, homes in self.homes.items():
            for page in homes:
                if place := self.target(name, page):
                    self.labels_at[place].append(name)
        self.cited = cache(self._cited)

    def _target(self, label: str, page: str) -> tuple[str, str] | None:
        """The page and id that a label of a page became."""
        if page not in self.pages:
            return None
        there = self.pages[page].things
        ident = re.sub(r"[^a-z0-9]+", "-", unicodedata.normalize("NFKD", label.lower())).strip("-")
        possible = [i for i in (label, label.lower(), ident, f"equation-{label}", f"equation-{ident}") if i in there]
        fitting = [ident for ident in possible if there[ident].kind == self.homes[label][page]]
        return next(((page, ident) for ident in [*fitting, *possible]), None)

    def _cited(self, key: str) -> frozenset[tuple[str, str]]:
        """The entries of the bibliography that have a key's title and year."""
        title, year = self.bibliography[key]
        return frozenset(place for place, text in self.entries.items() if title in text and year in text)

    def run(self, tabs: Sequence[str]) -> Report:
        """Compare everything."""
        for name, source in self.sources.items():
            self.report.totals["pages"] += 1
            self.count(source)
            page = self.pages.get(name)
            if page is None:
                self.report.lost(name, 1, "page is not on the site")
                continue
            self.check_labels(source, page)
            self.check_api(source, page)
            self.check_raw(source, page)
            for tab in source.tabs:
                if tab in tabs:
                    self.check_view(source, page, tab)
        return self.report

    def count(self, source: SourcePage) -> None:
        """Add a page to the totals, each thing once however many frameworks show it."""
        totals = self.report.totals
        totals["cells"] += sum(block.kind == "cell" for block in source.blocks)
        for reading in source.readings.values():
            totals["words"] += len(reading.words)
            totals["formulas"] += len(reading.formulas)
            for reference in reading.references:
                totals[f"{reference.kind}s"] += 1
            totals["citations"] += reading.citing
            totals["cited keys"] += len(reading.citations)
            totals["labels"] += sum(label.kind != "equation" for label in reading.labels)
            totals["equation labels"] += sum(label.kind == "equation" for label in reading.labels)
            totals["pictures"] += len(reading.pictures)
            totals["links"] += len(reading.links)
            totals["tables"] += len(reading.tables)
            totals["captioned tables"] += sum(table.caption is not None for table in reading.tables)

    def check_labels(self, source: SourcePage, page: SitePage) -> None:
        """Every label is an id on its page, of the right kind of thing, which has a number where it should."""
        for label in source.labels():
            place = self.target(label.name, source.page)
            others = [page for page in self.homes[label.name] if page != source.page]
            if others:
                self.report.note(source.page, label.line, f"label {label.name} is defined in {others[0]} too")
            if place is None:
                if not any(self.target(label.name, page) for page in others):
                    self.report.lost(source.page, label.line, f"label {label.name} is nowhere on the page")
                continue
            there = page.things[place[1]]
            if label.kind == "place":
                self.report.note(source.page, label.line, f"label {label.name} stands at nothing that has a number")
            elif label.kind != there.kind:
                self.report.lost(source.page, label.line, f"{label.kind} {label.name} became a {there.kind}")
            elif not there.number and label.kind != "section":
                self.report.lost(source.page, label.line, f"{label.kind} {label.name} has no number")

    def check_api(self, source: SourcePage, page: SitePage) -> None:
        """The names that raw reStructuredText documents are on the page."""
        text = " ".join(flat(seen.parts) for seen in page.views.values()) + page.documented
        shown = set(CODE_WORD.findall(text))
        for block in source.blocks:
            if block.kind != "rst":
                continue
            for at, line in enumerate(block.text.split("\n")):
                match = re.match(r"\s*\.\. (auto\w+|currentmodule)::\s*(\S+)", line)
                if match and match[1] != "currentmodule" and not set(CODE_WORD.findall(match[2])) <= shown:
                    self.report.lost(source.page, block.line + at, f"{match[2]}, to be documented, is not on the page")

    def check_raw(self, source: SourcePage, page: SitePage) -> None:
        """No mark of the dialect is visible that the author does not show as code."""
        for mark in page.placeholders:
            self.report.lost(source.page, 1, f"{mark} was never filled in")
        for mark, count in page.around.items():
            self.report.lost(source.page, 1, f"{mark} is visible {count} times beside the page's own text")
        for tab, seen in page.views.items():
            allowed: Counter[str] = Counter()
            for block in source.shown_to(tab):
                allowed += raw_marks(block.text) if block.kind == "fence" else Counter()
                if id(block) not in source.readings:
                    continue
                allowed += source.readings[id(block)].shown_raw
                for slip in source.readings[id(block)].left_raw:
                    self.report.note(source.page, slip.line, f"{slip.name} is not closed, so it is text")
                    allowed[slip.name] += 1
            for cell in seen.cells:
                for match in RAW_IN_CELLS.finditer(cell):
                    self.report.lost(source.page, 1, f"{match[0]} is visible in a cell", tab)
            text = "".join(seen.raw)
            for raw, count in (raw_marks(text) - allowed).items():
                at = next((m for m in RAW.finditer(text) if re.sub(r"\s", "", m[0]) == raw), None)
                around = " ".join(text[max(0, at.start() - 30) : at.end() + 30].split()) if at else ""
                self.report.lost(source.page, 1, f"{raw} is visible ({count} times): …{around}…", tab)

    def check_view(self, source: SourcePage, page: SitePage, tab: str) -> None:
        """Everything that the readers of one framework should see."""
        seen = page.views[tab]
        lost = partial(self.report.lost, source.page, tab=tab)
        wanted = Reading()
        cells: list[CellText] = []
        fences: list[Block] = []
        for block in source.shown_to(tab):
            if block.kind in ("prose", "rst"):
                add(wanted, source.readings[id(block)])
            elif block.kind == "fence":
                fences.append(block)
            elif block.kind == "cell" and (cell := cell_for(block, tab)) is not None:
                cells.append(cell)
        words = self.check_references(source, wanted, seen, lost)
        self.check_prose(wanted.words, words, seen, lost)
        self.check_cells(cells, seen.cells, self.settings.aliases[tab], lost)
        self.check_fences(fences, seen.fences, lost)
        self.check_formulas(wanted.formulas, seen, lost)
        self.check_citations(source, wanted.citations, seen.citations, lost)
        self.check_pictures(source, wanted.pictures, seen.pictures, lost)
        self.check_tables(wanted.tables, seen.tables, lost)
        outward = Counter(map(bare, seen.outward))
        for link in wanted.links:
            if not outward[bare(link.name)]:
                lost(link.line, f"link to {link.name} is not on the page")
            outward[bare(link.name)] -= 1
        toc = {self.place(source.page, address)[0] for address in seen.toc}
        for entry in source.toc:
            if entry not in toc and (self.root / f"{entry}.md").is_file():
                lost(1, f"{entry} is missing in the table of contents")

    def place(self, page: str, address: str) -> tuple[str, str]:
        """The page and id that an address of a page leads to."""
        path, _, ident = address.partition("#")
        where = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(path))) if path else f"{page}.html"
        return where.removesuffix(".html"), unquote(ident)

    def check_references(self, source: SourcePage, wanted: Reading, seen: View, lost: Lost) -> str:
        """Every reference is a link to its label, with that label's number; gives the text without them."""
        waiting: dict[str, list[Named]] = defaultdict(list)
        for reference in wanted.references:
            if reference.name not in self.homes:
                self.report.note(source.page, reference.line, f"nothing is labelled {reference.name}")
                # the label stands in for the number
                wanted.words += [Word(word, reference.line, maybe=True) for word in words_of(reference.name)]
            else:
                waiting[reference.name].append(reference)
        text: list[str] = []
        for part in seen.parts:
            place = self.place(source.page, part.address) if isinstance(part, Link) else None
            label = next((name for name in self.labels_at.get(place, ()) if waiting.get(name)), None) if place else None
            if isinstance(part, str) or place is None or label is None:
                text.append(part if isinstance(part, str) else part.text)
                continue
            reference = waiting[label].pop(0)
            there = self.pages[place[0]].things[place[1]]
            if reference.kind != "ref" and there.number and digits(part.text) != there.number:
                lost(reference.line, f"{reference.name} is shown as {part.text!r}, its number is {there.number}")
            elif reference.kind == "ref" and not words_of(part.text):
                lost(reference.line, f"the reference to {reference.name} shows nothing")
            text.append(" ")
        for left in waiting.values():
            for reference in left:
                if any(reference.name in alternative for alternative in seen.alternatives):
                    continue
                lost(reference.line, f":{reference.kind}: to {reference.name} is no link on the page")
        return "".join(text)

    def check_prose(self, wanted: Sequence[Word], text: str, seen: View, lost: Lost) -> None:
        """The words of prose. Those of pictures may be in the picture's alternative text, with formulas beside them."""
        shown = words_of(text)
        have = Counter(shown)
        need = Counter(word.text for word in wanted if not word.counts and not word.maybe)
        missing, extra, counted = need - have, have - need, seen.counted
        missing -= Counter(words_of(" ".join(seen.alternatives)))
        for word in wanted:
            if (word.counts or word.maybe) and extra[word.text]:
                extra[word.text] -= 1
            elif word.counts and counted:
                counted -= 1
            elif word.counts:
                missing[word.text] += 1
        extra = +extra
        if missing or extra:
            for found, line, kind in differences(wanted, shown, missing, extra):
                lost(line, f"{kind} word {found!r}")

    def check_cells(self, cells: Sequence[CellText], shown: Sequence[str], known: Aliases, lost: Lost) -> None:
        """Every cell, in order."""
        shown = [text for text in shown if text.strip()]
        if len(cells) != len(shown):
            lost(1, f"{len(cells)} cells have code, the page shows {len(shown)}")
            whole = Counter(line.strip() for text in shown for line in text.split("\n"))
            for cell in cells:
                for line in exact_lines(cell.text.split("\n"), known):
                    if line and not whole[line]:
                        lost(cell.line, f"cell has lost the line {line!r}")
                    whole[line] -= 1
            return
        for cell, text in zip(cells, shown, strict=True):
            for at, what in compare_cell(cell, text, known):
                lost(at, what)

    def check_fences(self, fences: Sequence[Block], shown: Sequence[str], lost: Lost) -> None:
        """Every line of what the author shows as text."""
        have = Counter(line.strip() for text in shown for line in text.split("\n"))
        for block in fences:
            for at, line in enumerate(block.text.split("\n")):
                if line.strip() and not have[line.strip()]:
                    lost(block.line + at, f"fence has lost the line {line.strip()!r}")
                have[line.strip()] -= 1

    def check_formulas(self, wanted: Sequence[Named], seen: View, lost: Lost) -> None:
        """Every formula with its letters and digits, or its TeX in a picture's alternative text."""
        have = Counter(seen.formulas)
        for formula in wanted:
            look = formula.kind, tex_letters(formula.name)
            if have[look] > 0:
                have[look] -= 1
            elif not any(formula.name in text for text in seen.alternatives):
                lost(formula.line, f"{formula.kind} formula {formula.name!r} is not on the page")
        for (kind, left), count in (+have).items():
            lost(1, f"{kind} formula with the letters {left!r} is in no source, {count} times")

    def check_citations(self, source: SourcePage, wanted: Sequence[Named], shown: Sequence[str], lost: Lost) -> None:
        """Every citation is a link to the entry with its title."""
        places = Counter(self.place(source.page, address) for address in shown)
        # longest titles first, since one may be a part of another
        for citation in sorted(wanted, key=lambda c: -len("".join(self.bibliography.get(c.name, ())))):
            if citation.name not in self.bibliography:
                self.report.note(source.page, citation.line, f"{citation.name} is in no bibliography")
                continue
            found = next((place for place in self.cited(citation.name) if places[place] > 0), None)
            if found is None:
                lost(citation.line, f"citation of {citation.name} is no link to its entry")
            else:
                places[found] -= 1

    def check_pictures(self, source: SourcePage, wanted: Sequence[Named], shown: Sequence[str], lost: Lost) -> None:
        """Every picture, by its bytes."""
        have: Counter[str] = Counter()
        for address in shown:
            file = self.site / posixpath.normpath(posixpath.join(posixpath.dirname(source.page), unquote(address)))
            have[fingerprint(file) if file.is_file() else address] += 1
        for picture in wanted:
            if urlsplit(picture.name).scheme:
                self.report.note(source.page, picture.line, f"picture {picture.name} is on another host")
                continue
            folder = self.root if picture.name.startswith("/") else self.root / posixpath.dirname(source.page)
            file = folder / unquote(picture.name).lstrip("/")
            if not file.is_file():
                self.report.note(source.page, picture.line, f"there is no picture {picture.name}")
            elif not have[fingerprint(file)]:
                lost(picture.line, f"picture {picture.name} is not on the page")
            else:
                have[fingerprint(file)] -= 1

    def check_tables(self, wanted: Sequence[SourceTable], shown: Sequence[PageTable], lost: Lost) -> None:
        """Every table with its rows, caption and number."""
        left = list(shown)
        for table in wanted:
            same = next((there for there in left if there.rows == table.rows), None)
            if same is None:
                lost(table.line, f"table with {len(table.rows)} rows is not on the page with these words")
                continue
            left.remove(same)
            if table.caption is not None and same.caption != table.caption:
                lost(table.line, f"table has lost its caption {' '.join(table.caption)!r}")
            if table.label and not same.number:
                lost(table.line, f"table {table.label} has no number")


Lost = Callable[[int, str], None]


def bare(address: str) -> str:
    """An address without the spelling that browsers do not care about."""
    return unquote(html.unescape(address)).rstrip("/").replace("\\", "")


@cache
def fingerprint(file: Path) -> str:
    """What tells one picture from another."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def differences(
    wanted: Sequence[Word], shown: Sequence[str], missing: Counter[str], extra: Counter[str]
) -> Iterator[tuple[str, int, str]]:
    """Each lost and invented word with its line, as near as comparing the two texts can tell."""
    missing, extra = missing.copy(), extra.copy()
    texts = [word.text for word in wanted]
    for kind, i, k, j, m in difflib.SequenceMatcher(None, texts, shown).get_opcodes():
        if kind == "equal":
            continue
        for word in wanted[i:k]:
            if missing[word.text] > 0:
                missing[word.text] -= 1
                yield word.text, word.line, "lost"
        for text in shown[j:m]:
            if extra[text] > 0:
                extra[text] -= 1
                yield text, wanted[min(i, len(wanted) - 1)].line if wanted else 1, "invented"
    for text in missing.elements():
        yield text, next((word.line for word in wanted if word.text == text), 1), "lost"
    for text in extra.elements():
        yield text, 1, "invented"


def pages_of(root: Path, site: Path, settings: Settings) -> dict[str, SourcePage]:
    """The pages that the tables of contents name, and every other that has an HTML page."""
    found: dict[str, SourcePage] = {}

    def visit(page: str) -> None:
        if page not in found and (root / f"{page}.md").is_file():
            found[page] = SourcePage(root, page, settings)
            for entry in found[page].toc:
                visit(entry)

    visit("index")
    for file in sorted(site.rglob("*.html")):
        page = file.relative_to(site).with_suffix("").as_posix()
        if not page.startswith("_"):
            visit(page)
    return found


def main(arguments: Sequence[str]) -> int:
    """Compare a book and its site; the exit code says whether something was lost."""
    parser = argparse.ArgumentParser(description="Whether anything of a book got lost on its way to the website.")
    parser.add_argument("book", type=Path)
    parser.add_argument("site", type=Path)
    parser.add_argument("--tab", action="append", help="only what readers of this framework see; may be repeated")
    told = parser.parse_args(arguments)
    settings, root = read_settings(told.book), source_folder(told.book)
    tabs = told.tab or settings.tabs
    sources = pages_of(root, told.site, settings)
    files = {page: told.site / f"{page}.html" for page in sources}
    pages = {page: SitePage(file, settings.tabs) for page, file in files.items() if file.is_file()}
    lists = dict.fromkeys(root / name for source in sources.values() for name in source.bibliographies)
    bibliography = read_bibliography(file for file in lists if file.is_file())
    comparison = Comparison(root, told.site, settings, sources, pages, bibliography)
    report = comparison.run(tabs)
    for page, line, what in sorted(report.notes):
        print(f"{page}.md:{line}: note: {what}")
    for (page, line, what), where in sorted(report.found.items()):
        shown_in = sorted(set(filter(None, where)))
        everywhere = not shown_in or set(shown_in) == set(sources[page].tabs if page in sources else ())
        print(f"{page}.md:{line}: {what}" + ("" if everywhere else f" ({', '.join(shown_in)})"))
    print(", ".join(f"{count} {name}" for name, count in report.totals.items()))
    done = "nothing is lost" if sources else "there is no page"
    print(f"{len(report.found)} differences" if report.found else done)
    return bool(report.found) or not sources


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
