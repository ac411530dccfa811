"""Spoilt pages go through reader, select, harvest and both tokenisers: no crash, no hang, no lost word.

What a word is and which ones may vanish is said here, without octavo. ``OCTAVO_MUTATE_BOOK=folder`` takes the pages of
a folder instead of this repository's, ``OCTAVO_MUTATE_SEED=number`` repeats a run of the slow test.
"""

from __future__ import annotations

import os
import random
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from fixture import FOLDER, cases
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

from octavo.config import Library, Settings
from octavo.harvest import compatible
from octavo.harvest.module import harvest
from octavo.model import Cell, Document, Prose
from octavo.select.edition import cut
from octavo.source import dialect
from octavo.source.reader import read

REPOSITORY = Path(__file__).resolve().parents[2]
SECONDS = 30
"""A page of this size takes a few hundredths of a second; whatever takes this long never ends."""
LINES = 60
TABS = ("pytorch", "jax", "mxnet", "tensorflow")
SETTINGS = Settings(
    root=Path("/nowhere"),
    tabs=TABS,
    libraries={
        tab: Library(tab, f"d2l/{tab}.py", tab, simple_alias=(("ones", "ones"),), fluent_alias=(("size", "shape"),))
        for tab in TABS[:2]
    },
)

# -- pages

PIECES = [
    "$$", "$", "\\$", "$$ :eqlabel:`eq_a`", "```", "````", "~~~", "```{.python .input}",
    "```{.python .input #an-id n=3}",
    "```toc\n:maxdepth: 2\n\nother\n```", "```eval_rst \n.. raw:: html\n   :file: none.html\n```", "#@tab jax, pytorch",
    "%%tab all", "#@tab nowhere", "#@save", "# Hide code", "def f(x):  #@save", "@d2l.add_to_class(Net)  #@save",
    "if tab.selected('jax'):", "    y = d2l.ones(2)", "else:", "'''", ":begin_tab:`jax`", ":begin_tab:``mxnet , jax``",
    ":end_tab:", "[**", "**]", "(**", "**)", "[~~", "~~]", "<!-- slides -->", "<!--", "-->", "::: {.slide title=\"a\"}",
    ":::", "@!an-id", "| a | $b|c$ |", "|---|---|", "| `x|y` | z | too many |", ":A caption", ":label:`fig_a`",
    ":width:`40px`", ":eqlabel:`eq_b`", ":numref:`fig_a`", ":numref:``fig_a", ":cite:`A.1, B.2`", ":nobody:`knows`",
    "![A *caption* with $x$ and ]](a b.svg){width=5%}", "[a link]( x.html \"title\")", "[ref]: http://x.org 'quoted'",
    "[^1]", "[^1]: a note", "(target)=", "% a comment", "%15 of it", "+++", "---", "***", "===", "# Heading {#own}",
    "## Closed##", "> quoted", "- item", "1. one", "(i) first", "(ii) second", "a) letter", "A.  capital", "#. any",
    "\tindented", "&lt;cls&gt; &nbsp;", "<cls>", "<div>", "x^2^ H~2~O ~~struck~~", "*a *b* c**", "\"quoted 'twice'\"",
    "---\ntitle: x\n---", "{ref}`there`", "``code ` here``", "\\", "\\ ", "\\，", "*词（注）*词",
]  # fmt: skip
SIGNS = [
    "\x00", "\t", "\r", "\r\n", "\n\n", "\x0b", "\x0c", "\x85", "\u2028", "\u00a0", "\ufeff", "\u200b", "\u202e",
    "e\u0301",
    "\U0001f469\u200d\U0001f4bb", "İ", "ﬁ", "\ue000", "\ue001", "\ufffd", "\x1b[31m", "ß", "中", "ا", "𝒳", "²",
    "`", "|", ":",
]  # fmt: skip


@cache
def pages() -> tuple[str, ...]:
    """The pages that are mutated: those of a book, and what the fixtures show."""
    folder = os.environ.get("OCTAVO_MUTATE_BOOK")
    if folder:
        found = sorted(Path(folder).rglob("*.md"))
        assert found, f"{folder} holds no page"
        return tuple(path.read_text(encoding="utf-8", errors="replace") for path in found)
    book = [REPOSITORY / "index.md", *sorted(REPOSITORY.glob("chapter_*/*.md"))]
    names = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.md"))
    shown = [text for name in names for case in cases(name) for text in case.blocks.values() if len(text) > 20]
    code = [f"```{{.python .input}}\n#@tab all\n{text}\n```" for text in shown if "@save" in text and "```" not in text]
    return (*(path.read_text(encoding="utf-8") for path in book), *shown, *code)


Mutation = tuple[str, int, int, int]
"""What is done, where it begins and ends in thousandths of the page, and a number to choose with."""


def mutated(page: int, start: int, mutations: Iterable[Mutation]) -> str:
    lines = pages()[page % len(pages())].split("\n")
    first = start * max(0, len(lines) - LINES) // 1000
    text = "\n".join(lines[first : first + LINES])
    for kind, begin, end, number in mutations:
        text = MUTATIONS[kind](text, *sorted((begin, end)), number)[:20_000]
    return text


Spoil = Callable[[str, int, int, int], str]


def by_line(change: Callable[[list[str], int, int, int], Iterable[str]]) -> Spoil:
    """A mutation of lines ``a`` to ``b``."""

    def mutation(text: str, begin: int, end: int, number: int) -> str:
        lines = text.split("\n")
        return "\n".join(change(lines, begin * len(lines) // 1000, 1 + end * len(lines) // 1000, number))

    return mutation


def each_line(change: Callable[[str, int], str]) -> Spoil:
    """A mutation of each of some lines."""
    return by_line(lambda lines, a, b, n: [*lines[:a], *(change(line, n) for line in lines[a:b]), *lines[b:]])


def insert(piece: Callable[[int], str]) -> Spoil:
    """Something put between two characters."""
    return lambda text, a, b, n: text[: (at := a * len(text) // 1000)] + piece(n) + text[at:]


def cut_characters(text: str, begin: int, end: int, number: int) -> str:
    at = begin * len(text) // 1000
    return text[:at] + text[min(end * len(text) // 1000, at + number % 40) :]


def splice(lines: list[str], a: int, b: int, number: int) -> list[str]:
    other = pages()[number % len(pages())].split("\n")
    first = number % len(other)
    return [*lines[:a], *other[first : first + b - a], *lines[a:]]


def shuffle(lines: list[str], a: int, b: int, number: int) -> list[str]:
    some = lines[a:b]
    random.Random(number).shuffle(some)
    return [*lines[:a], *some, *lines[b:]]


INDENTS = ("", " ", "  ", "    ", "\t")
MARKS = ("> ", "- ", "1. ", "(a) ", "  ")
MUTATIONS: dict[str, Spoil] = {
    "cut lines": by_line(lambda lines, a, b, n: lines[:a] + lines[min(b, a + 1 + n % 5) :]),
    "cut characters": cut_characters,
    "double": by_line(lambda lines, a, b, n: lines[:b] + lines[a:]),
    "swap": by_line(lambda lines, a, b, n: [*lines[:a], *lines[b:], *lines[a:b]]),
    "shuffle": by_line(shuffle),
    "end": lambda text, a, b, n: text[: a * len(text) // 1000],
    "begin": lambda text, a, b, n: text[a * len(text) // 1000 :],
    "splice": by_line(splice),
    "piece": by_line(lambda lines, a, b, n: [*lines[:a], PIECES[n % len(PIECES)], *lines[a:]]),
    "piece in a line": insert(lambda n: f" {PIECES[n % len(PIECES)]} "),
    "sign": insert(lambda n: SIGNS[n % len(SIGNS)]),
    "brackets": insert(lambda n: "[({*_`"[n % 6] * (n % 400)),
    "long line": insert(lambda n: ("word, " if n % 2 else "w") * (n % 3000)),
    "indent": each_line(lambda line, n: INDENTS[n % 5] + line),
    "nest": each_line(lambda line, n: MARKS[n % 5] * (1 + n % 130) + line),
    "join": by_line(lambda lines, a, b, n: [*lines[:a], " ".join(lines[a:b]), *lines[b:]]),
    "blank lines": each_line(lambda line, n: line + "\n"),
    "no blank lines": by_line(lambda lines, a, b, n: [*lines[:a], *filter(str.strip, lines[a:b]), *lines[b:]]),
    "Windows": lambda text, a, b, n: text.replace("\n", "\r\n"),
    "tabs": lambda text, a, b, n: text.replace(" " * (1 + n % 4), "\t"),
}

TEXTS = st.builds(
    mutated,
    st.integers(0, 10_000),
    st.integers(0, 1000),
    st.lists(
        st.tuples(
            st.sampled_from(sorted(MUTATIONS)), st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 100_000)
        ),
        min_size=1,
        max_size=6,
    ),
)

# -- what must be there again

WORD = re.compile(r"[^\W_]+")
VANISHING = [
    re.compile(pattern, re.MULTILINE | re.DOTALL)
    for pattern in (
        r"^<!--[ \t]*slides[ \t]*-->[ \t]*$.*",  # slides at the end of a page
        r"[\[(]~~.*?~~[\])]",  # what is on slides only
        r":(?:label|eqlabel|width|height|bibliography|begin_tab|end_tab):",  # names of marks; what they hold is kept
        r"&#?\w+;",  # what an entity is called
        # the numbers of items
        r"^[ \t>]*(?:(?:[-+*]|\(?(?:\d{1,9}|[A-Za-z]|[ivxlcdm]{2,15}|[IVXLCDM]{2,15})[.)])(?:[ \t>]+|$))+",
        r"\{[^{}\n]*\}",  # attributes
        r"\]\[[^\[\]]*\]",  # the name in [text][name]
    )
]

TEARING = re.compile(r"[\[(]\*\*|-{3,} +-{3,}")
"""Marks that words on both sides of them grow together without, and tables that are cut by columns."""


def words(text: str) -> Iterator[str]:
    return (match[0] for match in WORD.finditer(text))


def required(text: str) -> Counter[str]:
    """The words of a page that are not there to vanish."""
    count = Counter(words(text))
    for pattern in VANISHING:
        for match in pattern.finditer(text):
            count -= Counter(words(match[0]))
    return count


def missing(text: str, found: Iterable[str]) -> Counter[str]:
    """Words of a page that are not found; addresses that are not ASCII are written in another way and do not count."""
    there: Counter[str] = Counter()
    for piece in found:
        there.update(words(piece))
    lost = required(text) - there
    if not lost:
        return lost
    if TEARING.search(text):
        spare = Counter("".join((there - required(text)).elements()))
        lost = Counter({word: count for word, count in lost.items() if Counter(word * count) - spare})
    for match in re.finditer(r"\]\([^)]*\)?|<[^>]*>?|^[ \t>]*\[[^\]]*\]:.*", text, re.MULTILINE | re.DOTALL):
        known = {word.lower() for word in there}  # the name of a host is written small
        lost -= Counter(word for word in words(match[0]) if not match[0].isascii() or word.lower() in known)
    return lost


def kept(token: Token) -> Iterator[str]:
    """Every text that a token holds, once."""
    meta: dict[str, Any] = token.meta or {}
    if token.type == "role":
        yield meta["source"]
        return
    if token.type == "inline" or token.children:
        for child in token.children or ():
            yield from kept(child)
    else:
        yield token.content
    if token.type not in ("inline", "text_special"):
        yield token.info
    for value in (*token.attrs.values(), *meta.values()):
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(item, Token):
                yield from kept(item)
            elif isinstance(item, str):
                yield item
                if "%" in item:
                    yield unquote(item)


def kept_by(md: MarkdownIt, text: str) -> Iterator[str]:
    """Every text in the tokens of a page, and in what links refer to."""
    env: dict[str, Any] = {}
    for token in md.parse(text, env):
        yield from kept(token)
    for reference in (*env.get("references", {}).items(), *((r["label"], r) for r in env.get("duplicate_refs", ()))):
        name, target = reference
        yield from (name.lower(), name, unquote(target["href"]), target["href"], target["title"])


@contextmanager
def in_time() -> Iterator[None]:
    def stop(signum: int, frame: object) -> None:
        raise TimeoutError(f"one page took {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@cache
def parsers() -> tuple[MarkdownIt, MarkdownIt]:
    """That of the stages without Sphinx, and that of rendering."""
    myst = create_md_parser(MdParserConfig(enable_extensions={"colon_fence"}), RendererHTML)
    dialect.install(myst)
    return dialect.parser(), myst


def check(text: str) -> None:
    text = text.encode("utf-8", "replace").decode("utf-8")  # what a file can hold
    note(text)
    with in_time():
        document, messages = read("chapter_x/page.md", text, SETTINGS)
        last = document.text.count("\n") + 1
        assert all(1 <= m.span.line <= m.span.end <= last for m in messages if m.span)
        check_items(document)
        for md in parsers():
            assert not missing(document.text, kept_by(md, document.text))
            if ":::" not in text:  # a fence of colons holds a text of its own
                cells = [token.map[0] for token in md.parse(document.text, {}) if token.type == "cell" and token.map]
                assert [line + 1 for line in cells] == [cell.span.line for cell in document.cells]
        check_code(document)


def check_items(document: Document) -> None:
    """Every word of the page is in an item, or in the fence of a cell or tab block."""
    found: list[str] = []
    for item in document.items:
        if isinstance(item, Prose):
            found += [item.text, *(item.tabs or ())]
        else:
            found.append(item.code.text)
    lines = document.text.split("\n")
    marks = [line for line in lines if re.match(r"[ \t]*:(?:begin|end)_tab:", line)]
    fences = [lines[cell.span.line - 1] for cell in document.cells]
    lost = Counter(words(document.text)) - Counter(word for text in (*found, *marks, *fences) for word in words(text))
    assert not lost


def check_code(document: Document) -> None:
    """Every word of a cell is in each framework's edition of it, and modules are made of what there is."""
    editions = {tab: cut(document, tab, SETTINGS)[0] for tab in TABS}
    for tab, edition in editions.items():
        for part in edition.cells:
            if "selected" not in part.cell.code.text and "d2l" not in part.cell.code.text:
                assert Counter(words(part.code.text)) == Counter(words(without_marks(part.cell)))
        library = SETTINGS.libraries.get(tab)
        if library is not None:
            made, _ = harvest([edition], library, "1.0")
            compile(made.text, library.file, "exec")
            assert compatible.render([document], library, TABS[0])


MARK = re.compile(
    r"\s*(?:#\s*@(?:tab\b.*|hide(?:_all|_code|_outputs?)?|varies)|(?:#\s*)?%%\s*tab\b.*"
    r"|#\s*Hide\s+(?:code|outputs?))\s*"
)


def without_marks(cell: Cell) -> str:
    return "\n".join(line for line in cell.code.text.split("\n") if not MARK.fullmatch(line))


PLAIN = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True)


def try_out(number: int, examples: int) -> None:
    """Check that many mutated pages; the number gives the same ones again."""

    @seed(number)
    @settings(PLAIN, max_examples=examples)
    @given(TEXTS)
    def holds(text: str) -> None:
        check(text)

    try:
        holds()
    except BaseException as problem:
        problem.add_note(f"OCTAVO_MUTATE_SEED={number}")
        raise


@pytest.mark.parametrize("number", range(5))
def test_a_spoilt_page_neither_crashes_nor_hangs_nor_loses_a_word(number: int) -> None:
    try_out(number, 100)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(20))
def test_twenty_thousand_spoilt_pages(number: int) -> None:
    start = os.environ.get("OCTAVO_MUTATE_SEED")
    try_out(int(start) + number if start else random.SystemRandom().randrange(10**9), 1000)
