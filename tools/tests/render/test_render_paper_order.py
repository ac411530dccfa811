"""The order of a book on paper, its numbers and its references: a book, typeset, and the PDF read back."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from octavo.build import Workshop
from octavo.diagnostics import Diagnostics
from octavo.render.paper.order import Contents, depth_of_contents, matters
from octavo.render.paper.project import render_paper
from octavo.render.single import Material

CONFIG = """\
[project]
name = mini
title = Order & Numbers
author = The Testers
[build]
tabs = pytorch, jax
untagged = all
[html]
base_url = https://book.example/edition
[pdf]
bibfile = own.bib
[library-pytorch]
lib_file = d2l/torch.py
lib_name = torch
[library-jax]
lib_file = d2l/jax.py
lib_name = jnp
"""

FILES = {
    "own.bib": """
        @book{hopper, author={Grace Hopper}, title={On Compilers}, publisher={Navy Press}, year={1952}}
        @book{lovelace, author={Ada Lovelace}, title={Notes}, publisher={Taylor}, year={1843}}
        """,
    "box.svg": """
        <svg xmlns="http://www.w3.org/2000/svg" width="100" height="60"><rect width="100" height="60"/></svg>
        """,
    "index.md": """
        # Order & Numbers
        :label:`book`

        These words introduce the book; read :ref:`pre` first.

        ```toc
        preface
        ```

        ```toc
        :maxdepth: 2
        :numbered:
        :caption: Beginnings

        chapter_one/index
        ```

        ```toc
        :maxdepth: 2
        :numbered:
        :caption: Endings

        two/index
        ```

        ```toc
        references
        ```
        """,
    "preface.md": """
        # Preface
        :label:`pre`

        Everything is in :numref:`chap_one`, and :numref:`sec_gone` is not here.
        """,
    "chapter_one/index.md": """
        # First Chapter
        :label:`chap_one`

        Hopper wrote it :cite:`hopper`, and :citet:`lovelace` before her.

        ```toc
        alpha
        gone
        omega
        ```
        """,
    "chapter_one/alpha.md": """
        # Alpha Rays
        :label:`sec_alpha`

        A note[^n] about :eqref:`eq_later` in :numref:`sec_omega`, and [outside](https://example.org/a_b?x=1%20y#z).
        See [the road](../two/index.md).

        [^n]: The words of the note.

        $$a = b$$
        :eqlabel:`eq_alpha`

        ```{.python .input}
        #@tab pytorch
        def twice(x):  #@save
            return 2 * x

        class Trainer:  #@save
            def fit_all(self):
                return 1
        ```

        ```{.python .input}
        #@tab jax
        def only_jax(x):  #@save
            return 2 * x
        ```

        ## Deeper Alpha

        Words with the class :class:`d2l.torch.Trainer`.

        * A point of the list
        * Another point
        """,
    "chapter_one/gone.md": """
        # Gone Away
        :label:`sec_gone`

        $$g = h$$
        :eqlabel:`eq_gone`

        ```{.python .input}
        #@tab jax
        print(1)
        ```
        """,
    "chapter_one/omega.md": """
        # Omega Rays
        :label:`sec_omega`

        $$c = d$$
        :eqlabel:`eq_later`

        ![Boxes](../box.svg)
        :label:`fig_box`

        ```{.python .input}
        #@tab pytorch
        from d2l import torch as d2l
        d2l.twice(3)
        d2l.Trainer()
        ```

        As :numref:`fig_box` shows, after :eqref:`eq_alpha`, before :eqref:`eq_gone`. Back to :ref:`book`.
        """,
    "two/index.md": """
        # Second Chapter

        The end.

        ```eval_rst
        .. currentmodule:: d2l.torch

        .. autofunction:: twice
        ```
        """,
    "references.md": """
        # References

        :bibliography:`own.bib`
        """,
}


def write(root: Path, files: dict[str, str]) -> Path:
    (root / "config.ini").write_text(CONFIG)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))
    return root


# -- without LaTeX


def table(numbered: bool, *pages: str, caption: str = "", depth: int = -1) -> Contents:
    return Contents(numbered, caption, pages, depth)


def test_what_is_numbered_is_the_main_part_of_a_book() -> None:
    tables = [
        table(False, "preface"),
        table(True, "one"),
        table(False, "between"),
        table(True, "two"),
        table(False, "end"),
    ]
    found = {name: [page for one in those for page in one.pages] for name, those in matters(tables).items()}
    assert found == {"front": ["preface"], "main": ["one", "between", "two"], "back": ["end"]}


def test_a_book_without_numbers_has_a_main_part_alone() -> None:
    tables = [table(False, "one"), table(False, "two")]
    assert matters(tables) == {"front": [], "main": tables, "back": []}
    assert matters([]) == {"front": [], "main": [], "back": []}


def test_the_contents_show_what_the_website_does_within_reason() -> None:
    assert depth_of_contents([table(False, "preface", depth=1), table(True, "one", depth=3)]) == 3
    assert depth_of_contents([table(True, "one", depth=1)]) == 2
    assert depth_of_contents([table(True, "one", depth=9)]) == 3


def manuscript_of(book: Path, tab: str = "pytorch") -> str:
    work, heard = Workshop(book), Diagnostics()
    material = Material(work.book, work.settings, work.editions, {}, tab)
    return render_paper(material, book / "made" / tab, book / "trees" / tab, heard).main.read_text()


TITLES = re.compile(r"\\chapter\{(.*?)\}")


@pytest.mark.parametrize(
    ("words", "chapters"),
    [
        ("", ["Preface"]),
        ("```eval_rst\n.. raw:: html\n\n   <h1>Buy it</h1>\n```\n", ["Preface"]),
        ("Words.\n", ["About this book", "Preface"]),
        ("![A map](box.svg)\n", ["About this book", "Preface"]),
    ],
)  # fmt: skip
def test_the_front_page_is_a_chapter_only_if_it_says_something(tmp_path: Path, words: str, chapters: list[str]) -> None:
    index = f"# Book\n\n{words}\n```toc\npreface\n```\n"
    write(tmp_path, {**{name: FILES[name] for name in ("own.bib", "box.svg")}, "preface.md": "# Preface\n\nIt is.\n"})
    (tmp_path / "index.md").write_text(index)
    manuscript = manuscript_of(tmp_path)
    assert TITLES.findall(manuscript) == chapters
    assert "Buy it" not in manuscript


def test_a_title_for_the_website_alone_is_one_on_paper_too(tmp_path: Path) -> None:
    """Old books leave the heading of their references to a style of LaTeX."""
    old = "```eval_rst\n\n.. only:: html\n\n   Sources\n   =======\n\n`Sold <../shop/?a=1>`__.\n\n```\n\n"
    old += ":bibliography:`own.bib`\n"
    index = "# Book\n\n```toc\n:numbered:\n\none\n```\n\n```toc\nsources\n```\n"
    write(tmp_path, {"own.bib": FILES["own.bib"], "one.md": "# One\n\nBy :citet:`hopper`.\n"})
    (tmp_path / "index.md").write_text(index)
    (tmp_path / "sources.md").write_text(old)
    manuscript = manuscript_of(tmp_path)
    assert TITLES.findall(manuscript) == ["One", "Sources"]
    assert r"\sphinxhref{https://book.example/shop/?a=1}{Sold}" in manuscript  # paper has no host of its own
    order = [
        manuscript.index(words)
        for words in ("octavomainmatter", "{One}", "octavobackmatter", "{Sources}", "On Compilers")
    ]
    assert order == sorted(order)


HEADINGS = re.compile(r"\\octavonumber\{(.*?)\}%?\n\\(\w+)\{(.*?)\}")


def test_headings_have_the_numbers_of_the_whole_book(tmp_path: Path) -> None:
    """Section 1.2 is for readers of JAX alone: theirs has it, and in the other book it is a gap."""
    write(tmp_path, FILES)
    assert HEADINGS.findall(manuscript_of(tmp_path)) == [
        ("", "chapter", "About this book"),
        ("", "chapter", "Preface"),
        ("", "octavopart", "Beginnings"),
        ("1", "chapter", "First Chapter"),
        ("1.1", "section", "Alpha Rays"),
        ("1.1.1", "subsection", "Deeper Alpha"),
        ("1.3", "section", "Omega Rays"),
        ("", "octavopart", "Endings"),
        ("1", "chapter", "Second Chapter"),
        ("", "chapter", "References"),
    ]
    assert ("1.2", "section", "Gone Away") in HEADINGS.findall(manuscript_of(tmp_path, "jax"))


# -- with it


@dataclass
class Made:
    """The book, and what was made of it."""

    book: Path
    output: Path
    said: str
    code: int

    @cached_property
    def pdf(self) -> Any:
        pypdf = pytest.importorskip("pypdf")
        return pypdf.PdfReader(self.output / "pdf" / "mini-pytorch.pdf")

    @cached_property
    def pages(self) -> list[str]:
        return [" ".join(page.extract_text().split()) for page in self.pdf.pages]

    @cached_property
    def outline(self) -> list[tuple[int, str, int]]:
        """(depth, title, page) of each bookmark."""

        def walk(entries: list[Any], depth: int) -> Iterator[tuple[int, str, int]]:
            for entry in entries:
                if isinstance(entry, list):
                    yield from walk(entry, depth + 1)
                else:
                    yield depth, entry.title, self.pdf.get_destination_page_number(entry)

        return [*walk(self.pdf.outline, 0)]

    def links(self) -> Iterator[tuple[int, Any]]:
        """(page, what the link does) of each link."""
        for number, page in enumerate(self.pdf.pages):
            for annotation in page.get("/Annots") or ():
                yield number, annotation.get_object()

    @property
    def folder(self) -> Path:
        return self.output / "paper" / "pytorch"

    @cached_property
    def manuscript(self) -> str:
        return (self.folder / "mini-pytorch.tex").read_text()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, typesetting: None) -> Made:
    root = tmp_path_factory.mktemp("order")
    (root / "book").mkdir()
    book = write(root / "book", FILES)
    octavo = [sys.executable, "-m", "octavo", "-C", book, "build"]
    subprocess.run([*octavo, "lib"], capture_output=True, check=True)
    command = [*octavo, "pdf", "--tab", "pytorch", "--no-execute", "--output", root / "out"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return Made(book, root / "out", answer.stderr, answer.returncode)


@pytest.mark.slow
def test_the_book_builds_without_a_word(made: Made) -> None:
    assert (made.code, "warning" in made.said, "error" in made.said) == (0, False, False), made.said
    log = (made.folder / "mini-pytorch.log").read_text(errors="replace")
    assert not re.search("undefined|multiply|already defined|^!", log.partition("(./mini-pytorch.aux")[2], re.MULTILINE)


@pytest.mark.slow
def test_bookmarks_have_the_order_and_the_numbers_of_the_website(made: Made) -> None:
    """Every numbered table of contents begins with chapter 1; the section of the other framework leaves a gap."""
    assert [(depth, title) for depth, title, _ in made.outline] == [
        (0, "About this book"),
        (0, "Preface"),
        (0, "Beginnings"),
        (1, "1 First Chapter"),
        (2, "1.1 Alpha Rays"),
        (3, "1.1.1 Deeper Alpha"),
        (2, "1.3 Omega Rays"),
        (0, "Endings"),
        (1, "1 Second Chapter"),
        (0, "References"),
        (0, "Index"),
    ]
    for _, title, page in made.outline:
        assert title.rpartition(" ")[2] in made.pages[page], title
    order = [page for _, _, page in made.outline]
    assert order == sorted(order)


@pytest.mark.slow
def test_pages_are_roman_before_the_first_chapter(made: Made) -> None:
    at = {title: page for _, title, page in made.outline}
    labels = made.pdf.page_labels
    front = at["Beginnings"]
    assert labels[:4] == ["i", "ii", "iii", "iv"]
    assert labels[front:] == [str(number + 1) for number in range(len(labels) - front)]
    assert not any(label.isdigit() for label in labels[:front])


@pytest.mark.slow
def test_the_other_framework_is_not_there(made: Made) -> None:
    text = " ".join(made.pages)
    assert "Gone Away" not in text and "only_jax" not in text and "g = h" not in text


@pytest.mark.slow
def test_references_say_what_the_website_says(made: Made) -> None:
    text = " ".join(made.pages)
    for words in (
        "read Preface first",
        "Everything is in Chapter 1, and Section 1.2 is not here.",
        "Hopper wrote it (Hopper, 1952), and Lovelace (1843) before her.",
        "about (1.3.1) in Section 1.3, and outside. See the road.",
        "As Figure 1.3.1 shows, after (1.1.1), before (1.2.1). Back to Order & Numbers.",
        "The words of the note.",
        "Hopper, 1952. Grace Hopper. On Compilers.",
    ):
        assert words in text, words
    assert "??" not in text and ":numref:" not in text


@pytest.mark.slow
def test_links_lead_to_what_they_name(made: Made) -> None:
    """By the places in the manuscript, each of which stands right behind what it is a place of."""
    destinations = made.pdf.named_destinations
    inside = [(page, link["/A"]["/D"]) for page, link in made.links() if link.get("/A", {}).get("/S") == "/GoTo"]
    inside += [(page, link["/Dest"]) for page, link in made.links() if "/Dest" in link]
    assert len(inside) > 20
    lost = [name for _, name in inside if isinstance(name, str | bytes) and str(name) not in destinations]
    assert not lost
    at = {title: page for _, title, page in made.outline}
    pages = {
        made.pdf.get_destination_page_number(destinations[str(name)]) for page, name in inside if page == at["Preface"]
    }
    assert pages == {at["1 First Chapter"]}
    from_alpha = {
        made.pdf.get_destination_page_number(destinations[str(name)])
        for page, name in inside
        if page == at["1.1 Alpha Rays"]
    }
    assert {at["1.3 Omega Rays"], at["1 Second Chapter"], at["References"]} <= from_alpha


@pytest.mark.slow
def test_addresses_are_whole(made: Made) -> None:
    addresses = {link["/A"]["/URI"] for _, link in made.links() if link.get("/A", {}).get("/S") == "/URI"}
    assert "https://example.org/a_b?x=1%20y#z" in addresses
    pages = ("preface", "chapter_one/index", "chapter_one/alpha", "chapter_one/omega", "two/index", "references")
    assert {f"https://book.example/edition/{page}.html?tab=pytorch" for page in pages} <= addresses
    assert all(address.startswith("https://") for address in addresses)
    assert "book.example/edition/chapter_one/alpha.html" in " ".join(made.pages)
    assert len(list((made.folder / "pictures").glob("qr-*.pdf"))) == 4  # of chapters, which the preface is too


@pytest.mark.slow
def test_the_index_names_where_each_name_is_defined_and_used(made: Made) -> None:
    labels = made.pdf.page_labels
    pages = {title: labels[page] for _, title, page in made.outline}
    defined, used = (
        pages["1.1 Alpha Rays"],
        next(label for label, text in zip(labels, made.pages, strict=True) if "d2l.twice(3)" in text),
    )
    described = pages["1 Second Chapter"]
    where = f"{defined}, {used}" if defined != used else defined
    (index,) = (text for text in made.pages if text.startswith("Index"))
    assert re.sub(r"\s*,\s*", ", ", index).startswith(
        f"Index T Trainer, {where} fit_all, {defined} twice, {where}, {described}"
    )
    assert "only_jax" not in index


@pytest.mark.slow
def test_marks_lead_back_to_the_author(made: Made) -> None:
    """What follows a mark stands on the line of the page that it names."""
    marks = re.findall(r"^%: (\S+):(\d+)\n\\sphinxAtStartPar\n(\w+)", made.manuscript, re.MULTILINE)
    assert {path for path, _, _ in marks} >= {
        "index.md",
        "chapter_one/alpha.md",
        "chapter_one/omega.md",
        "two/index.md",
    }
    for path, line, word in marks:
        assert word in (made.book / path).read_text().split("\n")[int(line) - 1], (path, line, word)
    every = re.findall(r"^%: (\S+):(\d+)$", made.manuscript, re.MULTILINE)
    assert all(1 <= int(line) <= (made.book / path).read_text().count("\n") + 1 for path, line in every)
    assert {"chapter_one/omega.md:4", "chapter_one/omega.md:7"} <= {
        f"{path}:{line}" for path, line in every
    }  # formula, figure
