"""The book on paper says what its website says: check_pdf.py PDF --site HTML --tab TAB. Imports nothing of octavo.

The text of the PDF is read back with pdftotext. Every heading, caption and equation number, each line of code and of
output, and the prose must be there, with the website's numbers and in its order; nothing of another framework, no mark
of the source language, no `??`. Bookmarks, contents, index, links, page numbers, fonts, pictures, metadata and margins
are looked at too, and with `--log` what LaTeX said.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import re
import subprocess
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pdf_site import Item, Site, of_kind, pieces, read_site
from pdf_text import Pdf, Text, loosened, squeezed
from words_text import RAW

GAP = 6000
"""Letters that may stand between two lines of a cell where a page ends between them: footnotes, figures, captions."""
UNDEFINED = re.compile(
    r"undefined on input line|There were undefined|multiply[- ]defined|(?:Citation|Hyper reference) .* undefined"
)
SIGNS = re.compile(r"CMEX|CMSY|MSAM|MSBM|[Ee]xtension|ex\d+$")
"""Fonts of parentheses, roots and arrows in parts, which no text is read from."""
NUMBER = re.compile(r"(?:[A-Z]\.)?\d+(?:\.\d+)+")


class Reading:
    """A reader's way through the text, from heading to heading."""

    def __init__(self, text: Text) -> None:
        self.text = text

    def loosely(self, wanted: str, start: int, end: int | None = None) -> tuple[int, int] | None:
        """Where words stand between two places, whatever their hyphens: begin and end."""
        needle = loosened(wanted)
        first = self._loose(start)
        last = len(self.text.loose) if end is None else self._loose(end)
        at = self.text.loose.find(needle, first, last)
        if at >= 0:
            return self.text.back[at], self.text.back[at + len(needle)]
        return self._over_pages(needle, first, last)

    def _over_pages(self, needle: str, first: int, last: int) -> tuple[int, int] | None:
        """The same where pages end within it."""
        loose = self.text.loose
        breaks = [self._loose(start) for start in self.text.starts if first < self._loose(start) < last]
        at = loose.find(needle[:6], first, last)
        while at >= 0:
            end = follow(loose, needle, at, breaks)
            if end is not None:
                return self.text.back[at], self.text.back[end]
            at = loose.find(needle[:6], at + 1, last)
        return None

    def exactly(self, wanted: str, start: int, end: int) -> tuple[int, int] | None:
        """Where code stands, letter by letter; it may go on on the next page."""
        needle, strict = squeezed(wanted), self.text.strict
        at = strict.find(needle, start, end)
        if at >= 0:
            return at, at + len(needle)
        at = strict.find(needle[:4], start, end)
        while at >= 0:
            last = follow(strict, needle, at, [s for s in self.text.starts if start < s < end])
            if last is not None:
                return at, last
            at = strict.find(needle[:4], at + 1, end)
        return None

    def _loose(self, place: int) -> int:
        return bisect_left(self.text.back, place)


def follow(text: str, needle: str, at: int, breaks: Sequence[int]) -> int | None:
    """The end of a text that begins here and may be interrupted where pages end; ``None`` if it is another text."""
    done = 0
    while True:
        common = 0
        while done + common < len(needle) and text[at + common : at + common + 1] == needle[done + common]:
            common += 1
        done, at = done + common, at + common
        if done == len(needle):
            return at
        ahead = next((place for place in breaks if at <= place + 3 and place - at < GAP), None)
        if ahead is None:
            return None
        for back in range(min(4, common + 1)):
            rest = needle[done - back :]
            further = text.find(rest[:12], max(ahead, at - back), ahead + GAP)
            if further >= 0 and (common > back or further > at):
                done, at = done - back, further
                break
        else:
            return None
        breaks = [place for place in breaks if place > ahead]


class Judge:
    """What is wrong with a book."""

    def __init__(self, pdf: Pdf, site: Site) -> None:
        self.pdf, self.site = pdf, site
        self.problems: list[str] = []
        self.counts: Counter[str] = Counter()
        self.reading = Reading(pdf.text)
        self.headings: list[tuple[Item, int]] = []

    def say(self, problem: str) -> None:
        self.problems.append(problem)

    # -- what is printed

    def text(self) -> None:
        """Everything of the website is in the book, in order."""
        sections = self._sections()
        for section, start, end in sections:
            self._section(section, start, end)
        self._captions(sections)

    def _sections(self) -> list[tuple[list[Item], int, int]]:
        """The items of each section, and the part of the text that it is: headings are found first."""
        at = self._beginning()
        sections: list[tuple[list[Item], int, int]] = []
        body: list[Item] = []
        for item in (item for page in self.site.pages[1:] for item in page.items):
            if item.kind != "heading":
                body.append(item)
                continue
            found = self._heading(item, at)
            if found is None:
                known = self._heading(item, 0)
                self.say(
                    f"{item.page}: heading {self._name(item)!r} "
                    + ("is not in the book" if known is None else "is not at its place")
                )
                continue
            self.counts["headings"] += 1
            if sections:
                sections[-1] = (body, sections[-1][1], found[0])
            body = []
            sections.append((body, found[1], len(self.pdf.text.strict)))
            self.headings.append((item, found[0]))
            at = found[1]
        return sections

    def _beginning(self) -> int:
        """Where the pages after the contents begin: at the first chapter's bookmark."""
        first = next((item for page in self.site.pages[1:] for item in page.items if item.kind == "heading"), None)
        titles = [loosened(re.sub(r"^(?:[A-Z]|[\d.]+)\.?\s", "", mark.title)) for mark in self.pdf.outline]
        if first is None or loosened(first.text) not in titles:
            self.say("the first chapter has no bookmark")
            return 0
        return self.pdf.text.starts[self.pdf.outline[titles.index(loosened(first.text))].page]

    def _heading(self, item: Item, at: int) -> tuple[int, int] | None:
        """Where a heading stands: its number, and its title near behind."""
        parts = [loosened(part) for part in pieces(item.text)]
        title = ".{0,80}?".join(map(re.escape, parts))
        between = r".{0,3}?" if item.level > 1 else r".{0,30}?"
        begin = f"{re.escape(item.number)}{between}" if item.number else ""
        match = re.compile(begin + title, re.DOTALL).search(self.pdf.text.loose, self.reading._loose(at))
        if match is None:
            return None
        return self.pdf.text.back[match.start()], self.pdf.text.back[match.end()]

    def _name(self, item: Item) -> str:
        return f"{item.number} {item.text}".replace("\0", "…").strip()

    def _section(self, items: Sequence[Item], start: int, end: int) -> None:
        """What does not float stands in order; the cells of tables, which may, in order too and not far away."""
        at, floating = start, max(0, start - GAP)
        for item in items:
            if item.kind == "equation":
                place = self.pdf.text.strict.find(f"({item.number.strip('()')})", at, end)
                found = None if place < 0 else (place, place + 3)
            elif item.kind in ("code", "output"):
                found = self.reading.exactly(item.text, at, end)
                if found is None:
                    self._lines(item, at, end)
            elif item.kind == "table":
                cell = self.reading.loosely(item.text, floating, end + GAP)
                self.counts["cells of tables"] += 1
                if cell is None:
                    self.say(f"{item.page}: the cell {item.text[:60]!r} of a table is not at its place")
                else:
                    floating = cell[1]
                continue
            else:
                if item.kind == "prose":
                    self._prose(item, start, end)
                continue
            self.counts[f"{item.kind}s"] += 1
            if found is not None:
                at = found[1]
            elif item.kind == "equation":
                self.say(f"{item.page}: equation {item.number} is not at its place")

    def _lines(self, item: Item, at: int, end: int) -> None:
        """Which lines of a cell are missing or changed."""
        before = len(self.problems)
        for line in filter(str.strip, item.text.split("\n")):
            found = self.reading.exactly(line, at, end)
            if found is None:
                self.say(f"{item.page}: {item.kind} line {line.strip()!r} is not at its place")
            else:
                at = found[1]
        if len(self.problems) == before:
            self.say(f"{item.page}: something stands within the {item.kind} {item.text.strip().splitlines()[0]!r}")

    def _prose(self, item: Item, start: int, end: int) -> None:
        for piece in pieces(item.text):
            if len(loosened(piece)) < 12:
                continue
            self.counts["pieces of prose"] += 1
            if self.reading.loosely(piece, start, end) is None:
                self.say(f"{item.page}: {piece[:90]!r} is not in its section")

    def _captions(self, sections: Sequence[tuple[list[Item], int, int]]) -> None:
        """Captions stand in order too, near what they belong to: figures may float a page on."""
        at = sections[0][1] if sections else 0
        for items, start, _ in sections:
            for item in of_kind(items, "caption"):
                parts = [re.escape(loosened(part)) for part in pieces(item.text)]
                begin = rf"(?<![\d.]){re.escape(item.number)}.{{0,2}}?" if item.number else ""
                first = parts[0][:60] if parts else ""
                match = re.compile(begin + first.rstrip("\\"), re.DOTALL).search(
                    self.pdf.text.loose, self.reading._loose(max(at, start - GAP))
                )
                self.counts["captions"] += 1
                if match is None:
                    self.say(f"{item.page}: caption {self._name(item)[:70]!r} is not at its place")
                    continue
                place = self.pdf.text.back[match.start()]
                for part in pieces(item.text):
                    if self.reading.loosely(part, place, place + GAP) is None:
                        self.say(f"{item.page}: caption {item.number} lacks {part[:70]!r}")

    def nothing_else(self) -> None:
        """No prose of other frameworks, no mark of the source language, no reference that leads nowhere."""
        own = loosened(" ".join(item.text for item in self.site.items))
        for page in self.site.pages:
            for piece in page.foreign:
                words = loosened(piece)
                if len(words) > 30 and words not in own and words in self.pdf.text.loose:
                    self.say(f"{page.name}: {piece[:70]!r} is for readers of another framework")
        shown = Counter(match[0] for match in RAW.finditer(squeezed(self._shown())))
        for mark, times in Counter(match[0] for match in RAW.finditer(self.pdf.text.strict)).items():
            if times > shown[mark]:
                self.say(f"the mark {mark!r} stands {times} times in the book, {shown[mark]} times on the website")
        if self.pdf.text.strict.count("??") > squeezed(self._shown()).count("??"):
            self.say("a reference leads nowhere: '??'")

    def _shown(self) -> str:
        return "\n".join(item.text for item in self.site.items)

    # -- where it leads

    def contents(self) -> None:
        """The table of contents and the bookmarks have every chapter and section, with their numbers."""
        front = self.pdf.text.loose[: self.reading._loose(self._beginning())]
        marks = [(mark.title, mark) for mark in self.pdf.outline]
        at = place = 0
        for item, where in ((i, w) for i, w in self.headings if i.level <= 2):
            title = self._name(item)
            sought = loosened(title)
            if "\0" in item.text:
                sought = loosened(item.text.split("\0")[0])
            index = next((i for i in range(at, len(marks)) if sought in without_dot(marks[i][0])), None)
            if index is None:
                self.say(f"{item.page}: no bookmark {title!r} at its place")
                continue
            at = index + 1
            page = self.pdf.text.page_at(where)
            if abs(marks[index][1].page - page) > (1 if item.level == 1 else 0):
                self.say(f"the bookmark {title!r} leads to page {marks[index][1].page + 1}, it stands on {page + 1}")
            if item.number.count(".") == 1 or (item.number and item.level == 1):
                found = re.compile(
                    re.escape(item.number) + r".?" + re.escape(loosened(item.text.split("\0")[0]))
                ).search(front, place)
                if found is None:
                    self.say(f"the contents lack {title!r} at its place")
                else:
                    place = found.end()
        self.counts["bookmarks"] = len(marks)

    def links(self) -> None:
        """Every link leads somewhere; a reference's number stands there; no address of the site's is lost."""
        addresses = set()
        for link in self.pdf.links:
            self.counts["links"] += 1
            if link.address:
                addresses.add(link.address.rstrip("/"))
                if not re.match(r"(https?|mailto):", link.address):
                    self.say(f"page {link.page + 1}: a link to {link.address!r}")
            elif link.target is None:
                self.say(f"page {link.page + 1}: the link {self.pdf.under(link)!r} leads nowhere ({link.name!r})")
            elif number := NUMBER.search(self.pdf.under(link)):
                self.counts["references"] += 1
                there = squeezed(" ".join(w.text for w in self.pdf.words[link.target]))
                if number[0] not in there:
                    where = f"leads to page {link.target + 1}, where it is not"
                    self.say(f"page {link.page + 1}: {self.pdf.under(link)!r} {where}")
        for page in self.site.pages[1:]:
            for address in page.outward:
                if address.rstrip("/") not in addresses:
                    self.say(f"{page.name}: the link to {address} is not in the book")

    def names(self) -> None:
        """The index has every function and class that a cell saves."""
        index = self.pdf.text.strict[self.pdf.text.starts[self.pdf.outline[-1].page] :] if self.pdf.outline else ""
        for item in of_kind(self.site.items, "code"):
            for name in saved_names(item.text):
                self.counts["names"] += 1
                if name not in index:
                    self.say(f"the index lacks {name!r}")

    # -- how it looks

    def margins(self) -> None:
        """No word runs off the block of text, no heading stands at the foot of a page."""
        lefts = Counter(round(w.left) for words in self.pdf.words for w in words)
        right = self.pdf.size[0]
        edge = min((left for left, times in lefts.items() if times > 20), default=0)
        limit = right - max(18.0, edge * 0.6)
        for page, words in enumerate(self.pdf.words):
            beyond = [w.text for w in words if w.right > limit or w.left < 12]
            if beyond:
                self.say(f"page {page + 1}: {' '.join(beyond)[:60]!r} stands in the margin")
        foot = self.pdf.body[1]
        for mark in self.pdf.outline:
            if mark.top is not None and self.pdf.size[1] - mark.top > foot - 40:
                self.say(f"page {mark.page + 1}: the heading {mark.title!r} stands alone at the foot")

    def fonts(self) -> None:
        """Every font is embedded, and its text can be read back."""
        listed = subprocess.run(["pdffonts", self.pdf.file], capture_output=True, text=True, check=True).stdout
        for line in listed.splitlines()[2:]:
            self.counts["fonts"] += 1
            embedded, _, readable = line.split()[-5:-2]
            if embedded != "yes":
                self.say(f"a font is not embedded: {line.split()[0]}")
            if readable != "yes" and not SIGNS.search(line.split()[0]):
                self.say(f"the text of a font cannot be read back: {line.split()[0]}")

    def pictures(self) -> None:
        """What the site has as a drawing is no photograph here; no picture is lost."""
        wanted = [address for page in self.site.pages[1:] for address in page.pictures]
        photographs = sum(self.site.photographs(address) for address in wanted)
        listed = subprocess.run(
            ["pdfimages", "-list", self.pdf.file], capture_output=True, text=True, check=True
        ).stdout
        rasters = sum(line.split()[2] == "image" for line in listed.splitlines()[2:])
        self.counts["pictures"] = len(wanted)
        if self.pdf.drawn() < len(wanted):
            self.say(f"the website shows {len(wanted)} pictures, the book {self.pdf.drawn()}")
        if rasters > photographs:
            self.say(f"{rasters} photographs are in the book, {photographs} on the website: a drawing was not kept")

    def facts(self) -> None:
        """Title, author, language; page numbers, roman and then arabic."""
        known = self.pdf.reader.metadata
        title = str(known.title or "") if known else ""
        if not title or loosened(title) not in loosened(self.site.title):
            self.say(f"the PDF's title is {title!r}, the website's {self.site.title!r}")
        if not known or not known.author:
            self.say("the PDF names no author")
        if not self.pdf.language or self.pdf.language.split("-")[0] != self.site.language.split("-")[0]:
            self.say(f"the PDF's language is {self.pdf.language!r}, the website's {self.site.language!r}")
        main = next((self.pdf.text.page_at(where) for item, where in self.headings if item.number), None)
        if main is None:
            return
        labels = self.pdf.labels
        arabic = [str(number) for number in range(1, self.pdf.pages - main + 1)]
        if labels[main:] != arabic:
            self.say(f"the first chapter begins on page {labels[main]!r}, and pages go on {labels[main : main + 4]}")
        if any(label.isdecimal() for label in labels[:main]):
            self.say(f"the pages before the first chapter are {labels[:main]}")

    def log(self, file: Path) -> None:
        """What LaTeX said."""
        text = file.read_text(encoding="utf-8", errors="replace")
        for line in text.splitlines():
            wide = re.match(r"Overfull \\[hv]box \(([\d.]+)pt", line)
            fault = re.match(r"! |Missing character|\S+\.tex:\d+: ", line) or UNDEFINED.search(line)
            if fault or (wide and float(wide[1]) > 10):
                self.say(f"LaTeX: {line[:110]}")


def saved_names(code: str) -> list[str]:
    """The functions and classes of a cell that saves them: its first line says so, or their own."""
    lines = code.split("\n")
    whole = "#@save" in next((line for line in lines if line.strip()), "").replace(" ", "")
    with contextlib.suppress(SyntaxError):
        named = (node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef | ast.ClassDef))
        return [node.name for node in named if whole or "#@save" in lines[node.lineno - 1].replace(" ", "")]
    return []


def without_dot(title: str) -> str:
    """A bookmark's title, without the point that may follow its number."""
    return loosened(re.sub(r"^((?:[A-Z]\.)?\d+(?:\.\d+)*)\.(?=\s)", r"\1", title))


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge one PDF; the exit code says whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pdf", type=Path)
    parser.add_argument("--site", type=Path, required=True, help="the built website")
    parser.add_argument("--tab", required=True, help="the framework of the PDF")
    parser.add_argument("--log", type=Path, help="LaTeX's log")
    chosen = parser.parse_args(arguments)
    judge = Judge(Pdf(chosen.pdf), read_site(chosen.site, chosen.tab))
    judge.text()
    judge.nothing_else()
    judge.contents()
    judge.links()
    judge.margins()
    judge.fonts()
    judge.pictures()
    judge.facts()
    judge.names()
    if chosen.log:
        judge.log(chosen.log)
    print("\n".join(judge.problems))
    print(f"{judge.pdf.pages} pages:", ", ".join(f"{count} {kind}" for kind, count in judge.counts.items()))
    return bool(judge.problems)


if __name__ == "__main__":
    sys.exit(main())
