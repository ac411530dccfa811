"""Slides: what is on them, that they need nothing but themselves, that a room can read them, and what leads to them."""

from __future__ import annotations

import base64
import importlib.util
import io
import re
import subprocess
from collections.abc import Callable, Mapping
from html import unescape
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from publish_books import CONFIG, SQUARE, write

from octavo.build import Workshop
from octavo.build.slides import formula
from octavo.model import CellRun, Inputs, Output, Run
from octavo.progress import PlainProgress
from octavo.publish.shelf import Phrases
from octavo.publish.slides.decks import decks
from octavo.publish.slides.document import Look
from octavo.publish.slides.paging import ROOM, height, paged
from octavo.publish.slides.parts import Boxed, Listing, Marked, Shown, Slide, Step
from octavo.render.pages.outputs import clean_html, safe_svg

Octavo = Callable[..., subprocess.CompletedProcess[str]]
CI = Path(__file__).resolve().parents[2] / "ci"

PAGES = {
    "index": "# A Book\n\n```toc\n:numbered:\none/page\none/plain\none/more\n```\n",
    "one/page": """\
        # A Page
        :label:`sec_page`

        Before it all [**we import
        the `library`:**] and go on. Nothing (**of which matters,**) is hidden.

        ```{.python .input}
        #@tab pytorch
        import torch
        ```

        ```{.python .input}
        #@tab jax
        import jax
        ```

        ## [**The Loss**]
        :label:`sec_loss`

        [~~Only slides say so, see :numref:`sec_more`~~] (~~and this~~)

        [**$$\\ell = x^2.$$**]
        :eqlabel:`eq_loss`

        :begin_tab:`jax`
        [**JAX has it too, by :eqref:`eq_loss`.**]
        :end_tab:

        Code is left alone: `[**x**]`.

        ```{.python .input}
        %%tab all
        def loss(x):  #@save
            \"\"\"Square it.

            Args:
                x: a number.
            \"\"\"
            return x * x
        ```

        [**A link**](https://example.org) is no mark.
        """,
    "one/plain": "# Plain\n\nNothing is marked.\n\n```{.python .input}\nx = 1\n```\n",
    "one/more": """\
        # More
        :label:`sec_more`

        :begin_tab:`pytorch`
        [**Back to :numref:`sec_page`, and to :ref:`sec_loss`**]
        :end_tab:

        ```{.python .input}
        y = 2
        ```
        """,
}


def judge(name: str) -> ModuleType:
    """A program of ``tools/ci`` as a module."""
    spec = importlib.util.spec_from_file_location(name, CI / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(root: Path, *tabs: str) -> Path:
    folder = Workshop(root).slides.build(PlainProgress(io.StringIO()), tabs)
    assert folder is not None
    return folder


def slides(deck: Path) -> list[str]:
    """The text of each slide of a deck, without its styles and scripts."""
    html = deck.read_text(encoding="utf-8").partition("<body>")[2]
    html = re.sub(r"<annotation.*?</annotation>", "", html, flags=re.DOTALL)
    parts = re.findall(r"<section[ >].*?</section>", html, re.DOTALL)
    return [
        " ".join(unescape(re.sub(r"<[^>]*>", " ", part)).split()).removeprefix("section>").strip() for part in parts
    ]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small book with its slides made."""
    root = write(tmp_path_factory.mktemp("slides") / "book", PAGES)
    build(root)
    return root


def test_a_deck_for_each_page_with_marks_for_its_readers(book: Path) -> None:
    made = {path.relative_to(book / "_build/slides").as_posix() for path in (book / "_build/slides").rglob("*.html")}
    assert made == {f"{tab}/one/page.html" for tab in ("pytorch", "jax", "mxnet")} | {"pytorch/one/more.html"}
    assert (book / "_build/slides/jax/README.md").read_text() == (
        "# A Mini Book: slides (JAX)\n\n- [1. A Page](one/page.html)\n"
    )


def test_what_is_marked_is_on_slides_with_the_cells_of_the_framework(book: Path) -> None:
    title, imports, *rest = slides(book / "_build/slides/pytorch/one/page.html")
    assert title == "1. A Page A Mini Book PyTorch"
    assert imports == "1. A Page We import the library : of which matters import torch"
    said = " ".join(rest)
    assert "The Loss Only slides say so, see Chapter 3 and this ℓ = x 2 (1.1.1) def" in said
    assert "def loss ( x ): " in said and "return x * x" in said
    for absent in ("JAX has it", "Nothing", "Code is left alone", "A link", "#@save", "%%tab", "Args", "**", "~~"):
        assert absent not in f"{imports} {said}", absent
    assert "JAX has it too, by (1.1.1)" in " ".join(slides(book / "_build/slides/jax/one/page.html"))


def test_references_lead_to_decks_that_there_are(book: Path) -> None:
    html = (book / "_build/slides/pytorch/one/more.html").read_text()
    assert 'Back to <a href="page.html">Chapter 1</a>, and to <a href="page.html">The Loss</a>' in html
    assert "more.html" in (book / "_build/slides/pytorch/one/page.html").read_text()
    assert "more.html" not in (book / "_build/slides/jax/one/page.html").read_text()


def test_a_second_build_writes_nothing_and_a_page_without_marks_loses_its_deck(tmp_path: Path) -> None:
    root = write(tmp_path, PAGES)
    folder = build(root)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.html")}
    assert {path: path.stat().st_mtime_ns for path in build(root).rglob("*.html")} == before
    page = root / "one/page.md"
    page.write_text(re.sub(r"[\[(](\*\*|~~)|(\*\*|~~)[\])]", "", page.read_text()))
    build(root)
    assert [path.name for path in folder.rglob("*.html")] == ["more.html"]
    assert not (folder / "jax").exists()


def test_settings_of_old_books_are_honoured(tmp_path: Path) -> None:
    config = f"""{CONFIG}[slides]
top_right = <img height=80px src='http://example.org/_static/logo.svg'/>
top_left = <b>left</b> <img src=https://pictures.example.org/there.png>
github_repo = pytorch, Some-One/slides
    no repository at all
"""
    root = write(tmp_path, PAGES, config)
    (root / "static").mkdir()
    (root / "static/logo.svg").write_text(SQUARE)
    workshop = Workshop(root)
    build(root, "pytorch")
    html = (root / "_build/slides/pytorch/one/page.html").read_text()
    logo = base64.b64encode(SQUARE.encode()).decode()
    assert f'<img height=80px src="data:image/svg+xml;base64,{logo}"' in html
    assert '<b>left</b> <img src="https://pictures.example.org/there.png">' in html
    policy = unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', html)[0])
    assert "img-src data: https://pictures.example.org;" in policy and "example.org/_static" not in policy
    readme = (root / "_build/slides/pytorch/README.md").read_text()
    assert "(https://some-one.github.io/slides/one/page.html)" in readme
    assert workshop.settings.slides.repository("jax") == ""
    assert any("no framework and repository" in d.message for d in workshop.diagnostics)


@pytest.mark.slow
def test_the_page_leads_to_its_slides_once_they_are_made(tmp_path: Path, octavo: Octavo) -> None:
    root = write(tmp_path, PAGES)
    assert octavo("-C", str(root), "build", "html", "--no-execute").returncode == 0
    page = root / "_build/html/one/page.html"
    assert "slides/" not in page.read_text()
    done = octavo("-C", str(root), "build", "slides", "html", "--no-execute")
    assert done.returncode == 0, done.stderr
    links = re.findall(r'href="(\.\./slides/[^"]*)"', page.read_text())
    assert sorted(set(links)) == [f"../slides/{tab}/one/page.html" for tab in ("jax", "mxnet", "pytorch")]
    assert all((page.parent / link).is_file() for link in links)
    assert "slides/" not in (root / "_build/html/one/plain.html").read_text()


def test_a_book_without_marks_has_no_slides(tmp_path: Path) -> None:
    root = write(tmp_path, {"index": "# A Book\n\nWords.\n"})
    assert Workshop(root).slides.build(PlainProgress(io.StringIO())) is None


# -- slides that authors write themselves

OWN = {
    "index": "# A Book\n\n```toc\n:numbered:\none/own\n```\n",
    "one/own": r"""
        # Own Slides
        :label:`sec_own`

        [**Not on them**]

        ```{.python .input #first}
        #@tab pytorch, mxnet
        print('of torch')  #@save
        ```

        ```{.python .input #first}
        #@tab jax
        print('of jax')
        ```

        ```{.python .input #alone}
        #@tab jax
        alone = 1
        ```

        <!-- slides -->

        # Whatever

        ::: {.slide}
        ::: {.cover}
        [Own words]{.kicker}
        :::
        :::

        ::: {.slide title="In $\own{x}$ and `code`" only="pytorch,mxnet" layout="tight"}
        See :numref:`sec_own`, [words]{.kicker}, and `[a]{.b}`.

        ![A square](../img/square.svg){width=50%}

        @first

        . . .

        ::: {.cols .vc}
        ::: {.col}
        @!first
        :::
        ::: {.col .narrow}
        @alone
        ```
        @code
        :::
        ```
        :::
        :::

        ::: {.subslide title="Below"}
        @-first
        :::
        :::

        ::: {.slide title="Of another" except="mxnet"}
        @first@jax
        :::
        """,
}


def own_book(root: Path, page: str = OWN["one/own"]) -> Workshop:
    config = CONFIG + "[math]\nmacros = \\own[1] = \\mathfrak{#1}\n"
    return Workshop(write(root, {**OWN, "one/own": page}, config))


def printing(workshop: Workshop, tab: str) -> Run:
    """Results of a page in which each cell says its code."""
    edition = workshop.editions["one/own", tab]
    cells = tuple(
        CellRun("", (Output("stream", "stdout", f"printed {part.code.text.partition('  #')[0]}"),))
        for part in edition.cells
    )
    return Run("", "one/own", tab, Inputs((), {}, {}, {}), cells)


@pytest.fixture(scope="module")
def own_decks(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Each framework's deck of a page that has its own slides."""
    workshop = own_book(tmp_path_factory.mktemp("own"))
    tabs = workshop.settings.tabs
    runs = {("one/own", tab): printing(workshop, tab) for tab in tabs}
    look = Look(formula(workshop.settings.macros), clean_html, safe_svg)
    made = decks(workshop.book, workshop.settings, workshop.editions, runs, tabs, Phrases(), look)
    assert list(workshop.diagnostics) == []
    return {one.tab: one.files["one/own.html"].decode() for one in made}


@pytest.fixture(scope="module")
def own(own_decks: Mapping[str, str]) -> Mapping[str, list[str]]:
    """The slides of these decks."""
    return {tab: re.findall(r"<section[ >].*?</section>", page, re.DOTALL) for tab, page in own_decks.items()}


def said(html: str) -> str:
    html = re.sub(r"<annotation.*?</annotation>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


def test_own_slides_are_the_deck_in_the_frameworks_that_they_name(own: Mapping[str, list[str]]) -> None:
    titles = {tab: [said(part)[:10].strip() for part in parts] for tab, parts in own.items()}
    assert titles == {
        "pytorch": ["1. Own Sli", "In 𝔵 and c", "Below prin", "Of another"],
        "jax": ["1. Own Sli", "Of another"],
        "mxnet": ["1. Own Sli", "In 𝔵 and c", "Below prin"],
    }
    assert "Not on them" not in "".join(map(said, own["pytorch"]))


def test_places_take_a_cells_code_and_output_of_the_decks_framework(own: Mapping[str, list[str]]) -> None:
    _, slide, below, other = own["pytorch"]
    assert said(slide).count("print('of torch')") == 3  # code and output, then the output alone
    assert slide.count("<samp>printed") == 2
    assert "alone = 1" not in slide  # a cell that PyTorch has not
    assert "<samp>" not in below and "print('of torch')" in said(below)
    assert "of jax" in said(other) and "of torch" not in said(other)
    assert "@first" not in said(slide + below + other) and "@code" in said(slide)


def test_own_text_is_read_as_on_the_page(own: Mapping[str, list[str]]) -> None:
    cover, slide, *_ = own["pytorch"]
    assert '<span class="ov-kicker">Own words</span>' in cover
    assert "See Chapter 1" in said(slide) and "[a]{.b}" in said(slide) and "{width" not in slide
    assert 'width="50%"' in slide and "data:image/svg+xml" in slide
    assert re.search(r'<div data-fragment-index="1" class="fragment ov-box ov-cols ov-vc">', slide)
    assert slide.count("fragment ") == 1  # what is in the box comes with it
    assert "<math" in slide.partition("</h2>")[0]


def test_what_is_wrong_with_own_slides_is_told(tmp_path: Path) -> None:
    page = OWN["one/own"].replace("@!first", "@!frist").replace("@first@jax", "@first@who").rstrip()
    page = page.replace("See :numref:`sec_own`", "<!-- slides -->\n        See :numref:`sec_owm`")
    page += "\n\n        Stray.\n"
    workshop = own_book(tmp_path, page)
    workshop.book  # noqa: B018  # reading it tells
    told = {(d.code.value, d.message, d.hint) for d in workshop.diagnostics}
    assert told == {
        ("unknown-reference", "no cell of this page is called 'frist'", "did you mean 'first'?"),
        ("unknown-reference", "nothing is labelled 'sec_owm'", "did you mean 'sec_own'?"),
        ("unknown-tab", "there is no framework 'who'", "one of pytorch, jax, mxnet"),
        ("markup", "slides: they have begun already", "leave it out"),
        (
            "markup",
            "slides: this stands in no slide and is shown nowhere",
            'put it between ::: {.slide title="…"} and :::',
        ),
    }


def test_own_slides_go_on_only_where_letters_would_be_small() -> None:
    code = Listing("\n".join(f"line_{i} = {i}" for i in range(26)))
    box = Boxed(("cols",), (Boxed(("col",), (code,)), Boxed(("col", "narrow"), (Marked("Words"),))))
    (room,) = paged([Slide("Own", (Marked("Words"), Step(), box), own=True)], "")
    assert [type(block) for block in room.blocks] == [Marked, Step, Boxed]
    high = Boxed(("col",), (Listing("\n".join(f"line_{i} = {i}" for i in range(80))),))
    rooms = list(paged([Slide("Own", (high,), own=True)], ""))
    assert len(rooms) == 3 and all(sum(map(height, room.blocks)) <= ROOM * 1.45 for room in rooms)


# -- what has room


def fake(*blocks: Any) -> list[list[Any]]:
    return [list(room.blocks) for room in paged([Slide("Heading", blocks)], "{number} more lines")]


def test_long_code_goes_on_where_a_definition_begins() -> None:
    one = "def one():\n" + "\n".join(f"    a{i} = {i}" for i in range(13))
    two = one.replace("one", "two")
    pages = fake(Marked("Words"), Listing(f"{one}\n\n{two}\n"))
    assert [page[-1].code for page in pages] == [one, f"{two}\n"]
    assert pages[1][0].above == f"{one}\n"


def test_no_line_of_code_is_lost_and_no_slide_too_full() -> None:
    for count in range(1, 120, 7):
        code = "\n".join(f"line_{i} = {i}" for i in range(count))
        pages = fake(Marked("Words " * 40), Listing(code), Shown(Output("stream", "stdout", "1\n" * 3)))
        shown = "\n".join(block.code for page in pages for block in page if isinstance(block, Listing))
        assert shown == code
        assert all(sum(map(height, page)) <= ROOM * 1.1 for page in pages)
        assert all(page for page in pages)


def test_a_long_print_keeps_its_ends() -> None:
    text = "".join(f"{i}\n" for i in range(100))
    ((block,),) = fake(Shown(Output("stream", "stdout", text[:90])), Shown(Output("stream", "stdout", text[90:])))
    lines = block.output.text.split("\n")
    assert lines[0] == "0" and lines[-1] == "99" and "… 86 more lines …" in lines


# -- in a browser


HARD = {
    "index": "# A Book\n\n```toc\n:numbered:\nhard\n```\n",
    "hard": """\
        # A Very Long Title of a Page That Goes on and on Until Nobody Knows What It Was to Be About

        ## A section whose heading is so long that it cannot stand in one line above a slide of any width at all, ever

        [**Words**]

        ```{.python .input}
        draw()
        ```

        [**"""
    + "Very many words for one slide, which stand there to be read. " * 30
    + """**]

        (**$$\\begin{aligned}
        """
    + r"a &= \sum_{i=1}^n \frac{x_i}{y_i} + b + c + d + e + f + g + h + i + j + k + l + m + n \\" * 3
    + """
        z &= 1\\end{aligned}$$**)

        ```{.python .input}
        table()
        ```

        [**"""
    + "$x_{" + "abcdefghij" * 4 + "} = " + " + ".join(f"y_{{{i}}}" for i in range(40)) + "$"
    + """**]

        ```{.python .input}
        """
    + "\n        ".join(f"value_{i} = function_{i}('{'x' * (7 * i)}')" for i in range(60))
    + """
        ```
        """,
}  # fmt: skip


def _outputs() -> Mapping[int, tuple[Output, ...]]:
    wide = "".join(f"<td>{'number' * 3} {i}</td>" for i in range(8))
    rows = "".join(f"<tr><td>{i}</td>{wide}</tr>" for i in range(40))
    svg = SQUARE.replace("<svg ", '<svg width="200pt" height="150pt" ')
    return {
        0: (
            Output("stream", "stdout", "x" * 3000 + "\n" + "line\n" * 100),
            Output("display", data={"image/svg+xml": svg, "text/plain": "<Figure>"}),
            Output("display", data={"image/svg+xml": svg}),
            Output("error", "ValueError", "it went wrong"),
        ),
        1: (
            Output(
                "result",
                data={
                    "text/html": f"<script>alert(1)</script><table>{rows}</table><img src='https://example.org/x.png'>"
                },
            ),
        ),
    }


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deck of what fits on no slide."""
    root = write(tmp_path_factory.mktemp("hard"), HARD)
    workshop = Workshop(root)
    edition = workshop.editions["hard", "pytorch"]
    cells = tuple(CellRun("", _outputs().get(i, ())) for i in range(len(edition.cells)))
    run = Run("", "hard", "pytorch", Inputs((), {}, {}, {}), cells)
    (made,) = decks(
        workshop.book, workshop.settings, workshop.editions, {("hard", "pytorch"): run}, ["pytorch"], Phrases(),
        Look(formula(()), clean_html, safe_svg),
    )  # fmt: skip
    (root / "hard.html").write_bytes(made.files["hard.html"])
    return root / "hard.html"


@pytest.mark.slow
@pytest.mark.browser
def test_everything_is_on_the_screen_and_nothing_is_asked_for(hard: Path, book: Path, browser: Any) -> None:
    check = judge("check_slides").check
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    assert check(page, hard) == []
    assert check(page, book / "_build/slides/pytorch/one/page.html") == []
    big = ".reveal pre.ov-code { font-size: 60px !important }</style>"
    spoiled = hard.with_name("spoiled.html")
    spoiled.write_text(
        hard.read_text().replace("</style>", big, 1).replace("<img ", '<img src="https://a.test/b.png" ', 1)
    )
    said = "\n".join(check(page, spoiled))
    assert "beyond the screen" in said
    assert "the console says" in said  # the policy keeps the browser from asking


@pytest.mark.slow
@pytest.mark.browser
def test_keys_turn_slides_and_bring_what_comes_later_and_paper_has_it_all(
    own_decks: Mapping[str, str], tmp_path: Path, browser: Any
) -> None:
    deck = tmp_path / "own.html"
    deck.write_text(own_decks["pytorch"])
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    assert judge("check_slides").check(page, deck) == []
    page.goto(f"{deck.as_uri()}#/")
    page.reload()
    page.wait_for_selector("[data-fitted]", state="attached")
    later = page.locator(".fragment")
    seen = []
    for key in ("ArrowRight", "Space", "ArrowRight", "ArrowLeft", "End"):
        page.keyboard.press(key)
        seen.append((page.evaluate("Reveal.getIndices().h"), later.evaluate("one => getComputedStyle(one).visibility")))
    assert seen == [(1, "hidden"), (1, "visible"), (2, "visible"), (1, "visible"), (3, "visible")]
    left, right = (page.locator(".ov-cols > .ov-col").nth(at).bounding_box() for at in (0, 1))
    assert left is None or right is None or left["x"] + left["width"] <= right["x"]
    page.goto(f"{deck.as_uri()}?print-pdf")
    page.wait_for_selector(".pdf-page")
    page.wait_for_selector("[data-fitted]", state="attached")
    page.emulate_media(media="print")
    assert page.locator(".pdf-page").count() == 4
    assert later.evaluate("one => getComputedStyle(one).visibility") == "visible"
