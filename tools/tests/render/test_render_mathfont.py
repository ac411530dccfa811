"""The font of formulas in a website: it has what the book's formulas draw, and little else."""

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from fontTools.ttLib import TTFont
from render_books import make

from octavo.render.beside.mathfont import FONT, drawn, italic

FORMULAS = (
    "$\\sqrt{x'} \\leq \\mathbf{y}$ and $h$\n\n$$\\sum_{i=1}^n \\left(\\frac{\\alpha_i}{2}\\right) - \\hat{\\beta}$$\n"
)


def font(data: bytes) -> TTFont:
    return TTFont(io.BytesIO(data))


def test_letters_are_drawn_in_italics_by_the_table_of_mathml() -> None:
    assert [italic(letter) for letter in "AzhαΩ1"] == ["𝐴", "𝑧", "ℎ", "𝛼", "𝛺", "1"]
    assert drawn("h + \\text{no}", display=False) == set("hℎ+no")
    assert drawn("\\nonsense", display=False) == frozenset()


def test_the_font_has_what_the_book_draws_and_is_small(tmp_path: Path) -> None:
    book = make(tmp_path, index=f"# T\n\n{FORMULAS}")
    assert book.build() == []
    path = book.site / "_static/octavo-math.woff2"
    cut = font(path.read_bytes())
    assert set(map(ord, "𝑥ℎ𝐲𝛼𝛽𝑖𝑛√∑≤−()=12′")) <= set(cut.getBestCmap())
    assert ord("𝔸") not in cut.getBestCmap()
    assert "MATH" in cut and cut["MATH"].table.MathVariants.VertGlyphConstruction
    assert path.stat().st_size < FONT.stat().st_size / 10
    # a page fetches it before its style sheet is read
    head = (book.site / "index.html").read_text().partition('<link rel="stylesheet"')[0]
    assert "octavo-math.woff2" in head


def test_a_further_character_is_cut_in_and_a_book_without_formulas_has_no_font(tmp_path: Path) -> None:
    book = make(tmp_path, index="# T\n\n$x$\n")
    path = book.site / "_static/octavo-math.woff2"
    book.build()
    before = path.read_bytes()
    book.write(index="# T\n\nWords, and $x$\n")
    book.build()
    assert path.read_bytes() == before
    book.write(index="# T\n\n$\\mathbb{A}$\n")
    book.build()
    assert ord("𝔸") in font(path.read_bytes()).getBestCmap()
    book.write(index="# T\n\nNone.\n")
    book.build()
    assert not path.exists()
    assert "octavo-math" not in (book.site / "index.html").read_text()


@pytest.mark.browser
def test_formulas_look_the_same_as_with_the_whole_font(browser: Any, tmp_path: Path) -> None:
    book = make(tmp_path, index=f"# T\n\n{FORMULAS}")
    book.build()
    path = book.site / "_static/octavo-math.woff2"
    page = browser.new_page(viewport={"width": 1000, "height": 600})
    page.goto(book.site.joinpath("index.html").as_uri())
    devtools = page.context.new_cdp_session(page)
    devtools.send("DOM.enable")
    devtools.send("CSS.enable")
    root = devtools.send("DOM.getDocument")["root"]["nodeId"]
    found = devtools.send("DOM.querySelectorAll", {"nodeId": root, "selector": "math mi, math mo, math mn"})
    used = {
        font["familyName"]
        for node in found["nodeIds"]
        for font in devtools.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    }
    assert used == {"Octavo Math"}
    cut = page.locator("article").screenshot()
    shutil.copyfile(FONT, path)
    page.reload()
    assert page.locator("article").screenshot() == cut
    page.close()
