"""Whether a book shares words or code with another: check_originality.py BOOK OTHER.

Both are folders of Markdown. Shared is a run of twelve words of prose, wherever lines break and whatever is emphasised,
marked or linked in it, or a run of three lines of code, however they are indented. Comments and docstrings are prose.
Not counted are formulas, labels, citations and addresses in prose; and in code imports, blank lines, brackets alone on
their line and the few calls that every training loop has, so that lines are consecutive too with such between them.
Imports nothing of octavo. Prints each run with its places on both sides; the exit code is 1 if there is one.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^[ \t]*(?P<ticks>`{3,}|~{3,}|:{3,})(?P<info>.*)$")
CODE_INFO = re.compile(r"\s*(?:\{[^}]*?\.(?:python|input)\b[^}]*\}|\{?\.?(?:python|py|code-cell)\b)", re.IGNORECASE)
CONTENTS = re.compile(r"\s*(?:toc|\{toctree\})\s*")
"""A fence around files' names, which are no prose."""
BARE = re.compile(r"^\s*:(?:begin_tab|end_tab|label|eqlabel|width|height|bibliography)\b.*$|^\s*<!--.*-->\s*$")
FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+(?:\n[^$\n]+)?\$", re.DOTALL)
ROLE = re.compile(r"[:{][\w:-]+[:}]`[^`]*`")
ADDRESS = re.compile(r"\]\([^)\s]*\)|<https?://[^>]*>|https?://\S+")
WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
STRING = re.compile(r"(?P<quotes>'''|\"\"\")(?P<text>.*?)(?P=quotes)", re.DOTALL)
COMMENT = re.compile(r"^(?P<code>(?:[^'\"#]|'[^'\n]*'|\"[^\"\n]*\")*)#(?P<text>.*)$")
IDIOM = re.compile(
    r"(?:import|from)\s.*"  # imports
    r"|[\W\d_]*"  # brackets, numbers
    r"|%?%?(?:matplotlib|load_ext|tab).*|tab\.interact_select.*"  # magics
    r"|npx\.set_np\(\)"
    r"|(?:else|try|finally)\s*:|return\s*\w*|pass|break|continue|yield"
    r"|if tab\.selected\([^)]*\):"
    r"|with (?:torch\.no_grad\(\)|autograd\.record\(\)|tf\.GradientTape\(\) as \w+)\s*:"
    r"|\w+(?:\.(?:sum|mean)\(\))?\.backward\(\)|\w+\.(?:zero_grad|step|train|eval|attach_grad)\(\)"
    r"|for (?:_|i|j|epoch) in range\(\w+\):|for X, y in \w+:"
    r"|def (?:__init__|forward|call|__call__|__len__)\((?:self)?(?:, ?[xX])?\):|super\(\).__init__\(\)"
)


@dataclass(frozen=True)
class Unit:
    """A word or a line of code, and the line of its page where it stands."""

    text: str
    line: int


@dataclass
class Page:
    """What a page says: as runs of words, of which each docstring is one and all the prose another; and as cells."""

    prose: list[list[Unit]] = field(default_factory=list)
    code: list[list[Unit]] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """A unit of a page."""

    file: str
    run: int
    unit: int


@dataclass(frozen=True)
class Hit:
    """A run that both books have: where it begins, and what it is."""

    ours: str
    theirs: str
    text: str

    def __str__(self) -> str:
        return f"{self.ours}: as {self.theirs}: {self.text}"


def blanked(pattern: re.Pattern[str], text: str) -> str:
    """The text without what the pattern finds; every line keeps its number."""
    return pattern.sub(lambda match: " " + "\n" * match[0].count("\n"), text)


def words(text: str, first: int = 1) -> list[Unit]:
    """The words of prose that begins on a line, in small letters: what stands around and between them is left out."""
    for pattern in (FORMULA, ROLE, ADDRESS):
        text = blanked(pattern, text)
    found = []
    for number, line in enumerate(text.split("\n"), first):
        if not BARE.match(line):
            # marks and emphasis within a word do not part it
            found += [Unit(word.lower(), number) for word in WORD.findall(re.sub(r"[*~`]+", "", line))]
    return found


def without_prose(cell: str, first: int, page: Page) -> str:
    """A cell without its comments and docstrings, which become prose of the page."""

    def docstring(match: re.Match[str]) -> str:
        page.prose.append(words(match["text"], first + cell[: match.start()].count("\n")))
        return "\n" * match[0].count("\n")

    lines = STRING.sub(docstring, cell).split("\n")
    comments: list[Unit] = []
    for number, line in enumerate(lines):
        found = COMMENT.match(line)
        if found:
            lines[number] = found["code"]
            if not found["text"].startswith("@"):
                comments += words(found["text"], first + number)
    page.prose.append(comments)
    return "\n".join(lines)


def lines_of_code(cell: str, first: int) -> list[Unit]:
    """The lines that say something of their own, without spaces and without the library's name."""
    found = []
    for number, line in enumerate(cell.split("\n"), first):
        if not IDIOM.fullmatch(line.strip()):
            found.append(Unit(re.sub(r"\bd2l\.|\s+", "", line), number))
    return found


def read(text: str) -> Page:
    """What a page says."""
    page, prose, cell = Page(), [], []
    ticks, first, info = "", 0, ""
    for number, line in enumerate([*text.split("\n"), ""], 1):
        fence = FENCE.match(line)
        if ticks and (number > text.count("\n") + 1 or closes(fence, ticks)):  # the end of the page closes it, too
            if CODE_INFO.match(info):
                page.code.append(lines_of_code(without_prose("\n".join(cell), first, page), first))
            ticks, cell = "", []
        elif ticks:
            cell.append(line)
        elif fence and (CODE_INFO.match(fence["info"]) or CONTENTS.fullmatch(fence["info"])):
            ticks, first, info = fence["ticks"], number + 1, fence["info"]
        prose.append("" if ticks or fence else line)  # what stands in other fences is read as prose
    page.prose.append(words("\n".join(prose)))
    return page


def closes(fence: re.Match[str] | None, ticks: str) -> bool:
    """Whether a line ends the cell that so many ticks began."""
    return fence is not None and fence["ticks"].startswith(ticks) and not fence["info"].strip()


def pages(book: Path) -> dict[str, Page]:
    """The pages of a book, by path; what was built, and what belongs to tools, is none of it."""
    found = {}
    for path in sorted(book.rglob("*.md")):
        parts = path.relative_to(book).parts
        if not any(part.startswith((".", "_build")) or part in ("tools", "node_modules") for part in parts):
            found["/".join(parts)] = read(path.read_text(encoding="utf-8", errors="replace"))
    return found


def index(runs: dict[str, list[list[Unit]]], length: int) -> dict[tuple[str, ...], Place]:
    """Where each run of so many units begins, the first time."""
    found: dict[tuple[str, ...], Place] = {}
    for file, several in runs.items():
        for number, run in enumerate(several):
            for unit in range(len(run) - length + 1):
                key = tuple(one.text for one in run[unit : unit + length])
                found.setdefault(key, Place(file, number, unit))
    return found


def shared(
    ours: dict[str, list[list[Unit]]], theirs: dict[str, list[list[Unit]]], length: int, between: str
) -> Iterator[Hit]:
    """The runs of at least so many units that both have, each as long as it goes on."""
    known = index(theirs, length)
    for file, several in ours.items():
        for run in several:
            unit = 0
            while unit <= len(run) - length:
                place = known.get(tuple(one.text for one in run[unit : unit + length]))
                if place is None:
                    unit += 1
                    continue
                other = theirs[place.file][place.run]
                end = length + common(run[unit + length :], other[place.unit + length :])
                text = between.join(one.text for one in run[unit : unit + end])
                yield Hit(f"{file}:{run[unit].line}", f"{place.file}:{other[place.unit].line}", text)
                unit += end


def common(first: Sequence[Unit], second: Sequence[Unit]) -> int:
    """How many units at the beginning of both are equal."""
    equal = (a.text == b.text for a, b in zip(first, second, strict=False))
    return sum(1 for _ in itertools.takewhile(bool, equal))


def main() -> int:
    """Compare the two books that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("book", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("--words", type=int, default=12, help="how many words in a row are too many (12)")
    parser.add_argument("--lines", type=int, default=3, help="how many lines of code in a row are too many (3)")
    arguments = parser.parse_args()
    ours, theirs = pages(arguments.book), pages(arguments.other)
    for folder, found in ((arguments.book, ours), (arguments.other, theirs)):
        if not any(run for page in found.values() for run in page.prose):
            parser.error(f"{folder} holds no Markdown")
    hits = [
        *shared(prose_of(ours), prose_of(theirs), arguments.words, " "),
        *shared(code_of(ours), code_of(theirs), arguments.lines, " | "),
    ]
    for hit in hits:
        print(hit)
    count = sum(len(run) for page in ours.values() for run in page.prose)
    lines = sum(len(run) for page in ours.values() for run in page.code)
    print(
        f"{len(ours)} pages, {count} words, {lines} lines of code; {len(theirs)} other pages; {len(hits)} shared runs"
    )
    return 1 if hits else 0


def prose_of(book: dict[str, Page]) -> dict[str, list[list[Unit]]]:
    """The runs of words of each page."""
    return {file: page.prose for file, page in book.items()}


def code_of(book: dict[str, Page]) -> dict[str, list[list[Unit]]]:
    """The runs of lines of code of each page."""
    return {file: page.code for file, page in book.items()}


if __name__ == "__main__":
    sys.exit(main())
