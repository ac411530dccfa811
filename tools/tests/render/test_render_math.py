"""Formulas: TeX in, MathML out, numbers beside, and messages where a formula fails."""

import re
from pathlib import Path

import pytest
from render_books import CONFIG, make, parse

from octavo.diagnostics import Code, Severity
from octavo.render.pages.formulas import BadMathError, mathml, prepared, without_annotation


@pytest.mark.parametrize(
    ("tex", "result"),
    [
        (r"a = b", r"a = b"),
        (r"a &= b \\ c &= d", r"\begin{aligned}a &= b \\ c &= d\end{aligned}"),
        (r"a \\ b", r"\begin{aligned}a \\ b\end{aligned}"),
        (r"\begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix}", r"\begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix}"),
        (r"\begin{aligned}a &= b\end{aligned}", r"\begin{aligned}a &= b\end{aligned}"),
        (r"\begin{align*}a &= b\end{align*}", r"\begin{aligned}a &= b\end{aligned}"),
        (r"\begin{split}a &= b\end{split}", r"\begin{aligned}a &= b\end{aligned}"),
        (r"\begin{equation}a = b\end{equation}", r"a = b"),
        (r"\{a \& b\}", r"\{a \& b\}"),
        (r"a = b \label{x}", r"a = b"),
    ],
)
def test_displayed_formulas_are_aligned_as_latex_would(tex: str, result: str) -> None:
    assert prepared(tex, display=True) == result


@pytest.mark.parametrize(
    ("tex", "same"),
    [
        (r"\pmb{X}", r"\boldsymbol{X}"),
        ("a \\\n* b", r"a \ * b"),
        ("a \\\\\nb", r"a \\ b"),
        (r"\big{(} x \Big{\}}", r"\big( x \Big\}"),
        (r"x^{\text{$n_{1}$ times}}", r"x^{{n_{1}\text{ times}}}"),
        (r"\text{costs \$5}", r"\text{costs \$5}"),
    ],
)
def test_what_other_converters_know_is_shown_too(tex: str, same: str) -> None:
    assert without_annotation(mathml(tex, display=True)) == without_annotation(mathml(same, display=True))


@pytest.mark.parametrize("tex", [r"\bigl(x\bigr)^2", r"\bigl[x\bigr]_i^2", r"\bigl(x\bigr)_i"])
def test_a_sized_delimiter_with_an_index_stands_in_a_row_of_its_own(tex: str) -> None:
    opening, closing = re.findall(r"<mo[^>]*minsize[^>]*>", mathml(tex, display=True))
    assert f"<mrow>{closing}" in mathml(tex, display=True)
    assert 'form="postfix"' in closing and "<mrow>" + opening in mathml(tex, display=True)


def test_inline_and_displayed() -> None:
    assert mathml("x^2", display=False) == (
        "<math><semantics><msup><mi>x</mi><mn>2</mn></msup>"
        '<annotation encoding="application/x-tex">x^2</annotation></semantics></math>'
    )
    assert mathml("x", display=True).startswith('<math display="block">')


def test_markup_in_a_formula_is_escaped() -> None:
    assert "<b>" not in mathml(r"a<b>c", display=False)
    assert "<script>" not in mathml(r"\text{<script>}", display=False)


def test_a_formula_that_fails_says_why_and_where() -> None:
    with pytest.raises(BadMathError) as caught:
        mathml(r"x + \nonsense", display=True)
    assert caught.value.reason == 'Unknown command "\\nonsense"'
    assert caught.value.offset == 4


def test_a_page_with_formulas(tmp_path: Path) -> None:
    book = make(
        tmp_path,
        index="""\
            # T

            Here $a<b$ is.

            $$E = mc^2$$
            :eqlabel:`eq_energy`

            $$F = ma$$

            See :eqref:`eq_energy`.
            """,
    )
    assert book.build() == []
    article = book.article("index")
    numbered, plain = article.all("div.ov-eq")
    assert numbered.attributes["id"] == "equation-eq-energy"
    assert numbered.one("a.headerlink").attributes["href"] == "#equation-eq-energy"
    assert plain.all("span.eqno") == []
    link = article.one("a.reference", href="#equation-eq-energy")
    assert link.text == "(1)"
    assert len(article.all("math")) == 3


def test_a_bad_formula_is_reported_at_its_line_and_shows_its_source(tmp_path: Path) -> None:
    page = "# T\n\nFirst line\nand $\\wrong$ here.\n\n$$\na = b \\\\\nc = \\alsowrong\n$$\n"
    book = make(tmp_path, index=page)
    first, second = book.build()
    assert (first.code, first.severity) == (Code.BAD_MATH, Severity.ERROR)
    assert first.message == 'this formula cannot be shown: Unknown command "\\wrong"'
    assert first.span is not None and (first.span.path, first.span.line) == ("index.md", 4)
    assert second.span is not None and second.span.line == 8
    assert book.article("index").one("span.math").one("code.ov-bad-math").text == "\\wrong"


def test_a_bad_formula_of_a_tables_caption_is_reported_where_the_caption_is(tmp_path: Path) -> None:
    book = make(tmp_path, index="# T\n\n:Rates $\\wrong$\n:label:`tab_r`\n\n| a |\n| --- |\n| 1 |\n")
    (found,) = book.build()
    assert found.code is Code.BAD_MATH and found.span is not None and found.span.line == 3


def test_mathematics_asks_for_no_script(tmp_path: Path) -> None:
    book = make(tmp_path, index="# T\n\n$x$\n")
    book.build()
    html = (book.site / "index.html").read_text()
    assert "mathjax" not in html.lower()
    assert parse(html).one("math").one("mi").text == "x"


MACROS = CONFIG + "[math]\nmacros =\n    \\RR = \\mathbb{R}\n    \\norm[1] = \\lVert #1 \\rVert\n"


def test_macros_of_the_settings_are_known_to_every_formula(tmp_path: Path) -> None:
    book = make(tmp_path, config=MACROS, index="# T\n\n$x \\in \\RR^n$\n\n$$\\norm{\\RR}$$\n")
    assert book.build() == []
    first, second = book.article("index").all("math")
    assert [part.text for part in first.all("mi")] == ["x", "ℝ", "n"]
    # what is copied does not need the macros
    assert first.one("annotation").text == r"x \in \mathbb{R}^n"
    assert second.one("annotation").text == r"\lVert \mathbb{R} \rVert"


def test_a_changed_macro_shows_on_pages_that_did_not_change(tmp_path: Path) -> None:
    book = make(tmp_path, config=MACROS, index="# T\n\n$\\RR$\n")
    book.build()
    (tmp_path / "config.ini").write_text(MACROS.replace("mathbb", "mathbf"))
    assert book.build() == []
    assert book.article("index").one("mi").text == "𝐑"


def test_a_macro_that_the_converter_does_not_know_is_reported_where_it_stands(tmp_path: Path) -> None:
    book = make(tmp_path, config=MACROS + "    \\bad = \\nonsense\n", index="# T\n\n$\\RR$\n")
    (problem,) = book.build()
    assert problem.message == 'no formula can use \\bad: Unknown command "\\nonsense"'
    assert problem.span is not None and (problem.span.path, problem.span.line) == ("config.ini", 12)
    assert book.article("index").one("mi").text == "ℝ"


@pytest.mark.parametrize(
    ("page", "place"),
    [
        ("Word $a + \\wrong{b}$.", (3, 11, 6)),
        ("> Quoted $\\wrong$.", (3, 11, 6)),
        ("$$\\begin{align}\n  a &= b \\\\\n  ä &= \\wrong\n\\end{align}$$", (5, 8, 6)),
        ("$$\\text{if $x$} \\wrong$$", (3, 17, 6)),
    ],
)
def test_a_bad_formula_is_shown_to_the_column(tmp_path: Path, page: str, place: tuple[int, int, int]) -> None:
    (problem,) = make(tmp_path, index=f"# T\n\n{page}\n").build()
    assert problem.span is not None
    assert (problem.span.line, problem.span.column, problem.span.width) == place
