"""What stands in sections, on paper: code, outputs, tables, formulas."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from render_books import PLOT, cut_book, make, out, shown

from octavo.diagnostics import Diagnostics
from octavo.model import Failure, Output
from octavo.render.paper.code import line_of_code
from octavo.render.paper.project import render_paper
from octavo.render.single import Material

CONFIG = r"""[project]
name = mini
title = A Mini Book
author = The Testers
[build]
tabs = pytorch, jax
untagged = all
[math]
macros = \norm[1] = \lVert #1 \rVert
         \half = \frac{1}{2}
"""

LONG = "x = '" + "abcdefghij" * 15 + "'"
CODE = rf'''def long(a, b):  #@save
    """A docstring."""
    return some_function_name(a, b, keyword_argument=1234567, another_keyword="with words", third=3)

{LONG}
y = "\n{{}}$%&#_^~\\" if a   +   b else None  # -- ``'' << >>'''

PAGE = rf"""# Norms $\ell_2$ and `code`

A formula $\norm{{x}}_2$, ~~struck~~ out.

```{{.python .input}}
{CODE}
```

```{{.python .input}}
frame
```

```{{.python .input}}
many
```

```{{.python .input}}
formulas
```

```{{.python .input}}
fails
```

* A list:

  ```python
  for number in range(10): print("in a list of things", number, "which is rather long for a list of this kind")
  ```

As follows:

$$[a]_1 = \half

+ \text{{if $x$}}$$
:eqlabel:`eq_one`

where it goes on, and in disorder $x^a^b$, con{chr(1)}trols of a{chr(127)} terminal:

$$\left( a$$

What the website does not know, $\mbox{{x}}$, and a wide one:

$${" + ".join(rf"a_{{{number}}}x^{{{number}}}" for number in range(40))}$$

:A caption.
:label:`tab_one`

|Name|Value|
|:---|---:|
|`a_b`|1.5|

|Name|Words|More words|
|---|---|---|
|alpha|{"many words of a description " * 8}|{"and more of them " * 6}|

|{"|".join("abcdefghijkl")}|
|{"|".join(["---"] * 12)}|
|{"|".join(["1234.567"] * 12)}|

![](plot.svg) ![](plot.svg)

![A wide one.](wide.svg)
:label:`fig_wide`

:::{{note}}
A note with

```python
inside = 1
```
:::
"""

FRAME = (
    "<div><style>td {}</style><table class='dataframe'><thead><tr><th></th><th>Rooms_1</th><th>Alley &amp; %</th></tr>"
    "</thead><tbody><tr><th>0</th><td>3.25</td><td>Pave</td></tr><tr><th>1</th><td>NaN</td><td>\\input{x}</td></tr>"
    "</tbody></table><p>2 rows × 2 columns</p></div>"
)
PRINTED = (
    r"plain ~^_\{}#$%& \input{/etc/passwd} 100%|████|" + "\n  indented   columns\n" + "word " * 60 + "\n" + "z" * 300
)


SHOWN_AS_TEXT = (r"\def\a{x} y", r"\hspace{99999999pt}x", r"\eqref{one}")


def results(page: str, tab: str, index: int, code: str) -> tuple[Output, ...] | Failure | None:
    if index == 0:
        return (*out(PRINTED), Output("stream", "stderr", "be \x1b[31mwarned\x1b[0m\n"), *shown(image_svg=PLOT))
    if index == 1:
        return shown(text_html=FRAME, text_plain="   Rooms_1 Alley")
    if index == 2:
        return out("\n".join(f"line {number}" for number in range(200)))
    if index == 3:
        return tuple(output for tex in (r"$\frac{1}{2}$", *SHOWN_AS_TEXT) for output in shown(text_latex=tex))
    return Failure("exception", "ValueError", "bad_value {x}", None, 4, ("Traceback:", "ValueError: bad"))


@pytest.fixture(scope="module")
def manuscript(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a manuscript with one of everything."""
    root = tmp_path_factory.mktemp("sections")
    book = make(root, CONFIG, results, index="# A Mini Book\n\n```toc\n:numbered:\n\npage\n```\n", page=PAGE)
    (root / "plot.svg").write_text(PLOT)
    (root / "wide.svg").write_text(PLOT.replace('width="300" height="180"', 'width="1500" height="900"'))
    settings, pages, diagnostics = book.sources()
    editions, runs = cut_book(pages, settings, results)
    heard = Diagnostics()
    made = render_paper(Material(pages, settings, editions, runs, "pytorch"), root / "paper", root / "doctrees", heard)
    assert made.complete and not list(diagnostics)
    return made.main.parent


@pytest.fixture(scope="module")
def tex(manuscript: Path) -> str:
    return (manuscript / "mini-pytorch.tex").read_text(encoding="utf-8")


def read_back(line: str) -> str:
    """A line of code from what the manuscript says of it."""
    body = re.fullmatch(r"\\ocl\{(.*)\}", line, re.DOTALL)
    assert body, line
    text = re.sub(r"\\oc[iw]\{(\d+)\}", lambda found: "\ue000" * int(found[1]), body[1])
    text = text.replace(r"\ocs{}", "\ue000").replace(r"\ocb{}", "")
    text = re.sub(r"\\char(\d+)\{\}", lambda found: chr(0xE000 + int(found[1])), text)
    text = re.sub(r"\\oct\{\w\}", "", text)
    assert "\\" not in text
    text = text.replace("{", "").replace("}", "")
    return "".join(
        " " if sign == "\ue000" else chr(ord(sign) - 0xE000) if "\ue000" < sign < "\ue080" else sign for sign in text
    )


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "k", "s"]), st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF))),
        max_size=6,
    )
)
def test_a_line_of_code_is_written_whole(tokens: list[tuple[str, str]]) -> None:
    said = "".join(text for _, text in tokens)
    for short in (16, 48):
        written = line_of_code(tokens, short=short)
        assert read_back(written) == re.sub(r"[\x7f-\x9f]", "", said), written


@pytest.mark.parametrize("word", ["abcdefghij" * 6, "漢字" * 15])
def test_a_word_that_fits_no_line_breaks_anywhere(word: str) -> None:
    written = line_of_code([("", "x = "), ("s", word)])
    assert rf"{{{word[0]}" + "".join(rf"\ocb{{}}{sign}" for sign in word[1:]) + "}" in written
    assert r"\ocb" not in line_of_code([("s", word[:20])])


def test_code_keeps_its_lines_and_their_order(tex: str) -> None:
    blocks = re.findall(r"\\begin\{octavocode\}\n(.*?)\\end\{octavocode\}", tex, re.DOTALL)
    lines = [read_back(line) for line in blocks[0].splitlines() if line.startswith("\\ocl")]
    assert lines == CODE.splitlines()
    assert tex.index(r"\begin{octavocode}") < tex.index(r"\begin{octavooutput}") < tex.index(r"\begin{octavoerror}")


def test_outputs_mean_nothing_to_latex(tex: str) -> None:
    assert not re.search(r"\\(input|write|openin|special|catcode)\b", tex.partition(r"\begin{document}")[2])
    printed = re.search(r"\\begin\{octavooutput\}\n(.*?)\\end\{octavooutput\}", tex, re.DOTALL)
    assert printed
    lines = [read_back(line) for line in printed[1].splitlines() if line.startswith("\\ocl")]
    assert lines == PRINTED.split("\n")


def test_a_printed_formula_is_set_unless_it_defines_something(tex: str) -> None:
    result = tex.partition(r"\begin{octavoresult}")[2].partition(r"\begin{octavofailure}")[0]
    assert re.search(r"\\begin\{octavodisplay\}\[\{\}\]%\n\\frac\{1\}\{2\}\n", result)
    assert r"\def" not in tex.partition(r"\begin{document}")[2]
    lines = [read_back(line) for line in result.splitlines() if line.startswith(r"\ocl")]
    assert set(SHOWN_AS_TEXT) <= set(lines)


def test_a_formula_in_disorder_stands_there_as_its_source(tex: str) -> None:
    body = tex.partition(r"\begin{document}")[2]
    assert r"\sphinxcode{x\textasciicircum{}a\textasciicircum{}b}" in body
    assert any(read_back(line) == r"\left( a" for line in body.splitlines() if line.startswith(r"\ocl"))
    assert r"\(\mbox{x}\)" in body  # LaTeX may know a command that the website does not


def test_no_character_reaches_latex_that_it_refuses(tex: str) -> None:
    assert "controls of a terminal" in tex
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", tex)


def test_a_long_output_says_what_it_leaves_out(tex: str) -> None:
    assert r"\octavomore{100 more lines}" in tex
    assert all(f"\\ocl{{line {number}}}" in tex for number in (0, 79, 180, 199))
    assert r"\ocl{line 80}" not in tex


def test_a_frame_is_a_table(tex: str) -> None:
    table = tex[tex.index("Rooms") - 300 : tex.index("2 rows")]
    assert r"Alley \& \%" in table and "{lrl}" in table and "3.25 & Pave" in table
    assert r"\octavobeside{2 rows × 2 columns}" in tex


def test_formulas_have_the_books_numbers_and_commands_written_out(tex: str) -> None:
    assert r"\lVert x \rVert" in tex and r"\norm" not in tex and r"\half" not in tex
    display = re.search(r"\\begin\{octavodisplay\}\[\{1\.1\}\]", tex)
    assert display
    formula = tex[display.end() : tex.index(r"\end{octavodisplay}", display.end())]
    assert formula.startswith("%\n[a]_1") and not re.search(r"\n\s*\n", formula)


def test_a_heading_has_its_formula_in_letters_for_bookmarks(tex: str) -> None:
    assert re.search(r"\\texorpdfstring\{\\\(.*?\\ell_2\\\)\}\{ℓ\s?2\}", tex)


@pytest.mark.slow
def test_nothing_is_lost_or_runs_off_the_page(manuscript: Path, typesetting: None) -> None:
    for _ in range(2):
        command = ["xelatex", "-interaction=nonstopmode", "-no-shell-escape", "mini-pytorch.tex"]
        subprocess.run(command, cwd=manuscript, capture_output=True, check=False)
    log = (manuscript / "mini-pytorch.log").read_text(encoding="utf-8", errors="replace")
    assert not re.findall(r"^!.*", log, re.MULTILINE)
    assert not re.findall(r"Overfull \\[hv]box.*", log)
    assert "Missing character" not in log
    text = subprocess.run(
        ["pdftotext", "-layout", "mini-pytorch.pdf", "-"], cwd=manuscript, capture_output=True, text=True, check=True
    ).stdout
    letters = re.sub(r"\s", "", text)
    for line in [*CODE.splitlines(), *PRINTED.splitlines(), "inside = 1", "be warned", "ValueError: bad_value {x}"]:
        assert re.sub(r"\s", "", line) in letters, line
    assert "A caption" in text and "Alley & %" in text
    # indentation stays, for who copies code out of the book
    assert re.search(r"^ +\S*\n?.*^\s*def long", text, re.MULTILINE | re.DOTALL)


KNOWN = re.findall(
    r"\S+",
    r"""\lt \gt \coloneqq \eqqcolon \R \N \Z \bra{a} \ket{a} \braket{a|b} \set{a} \Set{a} \cancel{x} \bcancel{x}
    \xcancel{x} \prescript{a}{b}{c} \argmin_x \argmax_x \degree \bm{x} \slashed{D} \underbracket{x} \overbracket{x}
    \vcentcolon \xleftrightarrow{x} \xLeftarrow{x} \xmapsto{x} \tfrac12 \cfrac12 \idotsint \boxed{x} \Bbbk \colonequals
    """,
)
"""Commands beyond LaTeX's own that the website's formulas may have; those of packages among them."""


@pytest.mark.slow
def test_what_the_website_knows_paper_knows_too(tmp_path: Path, typesetting: None) -> None:
    (tmp_path / "config.ini").write_text("[project]\nname = mini\n[build]\ntabs = pytorch\neval_notebook = False\n")
    cases = "".join(f"$$\\begin{{{kind}}}a&b\\end{{{kind}}}$$\n\n" for kind in ("dcases", "rcases", "drcases"))
    (tmp_path / "index.md").write_text("# Signs\n\n" + "".join(f"A ${name}$.\n\n" for name in KNOWN) + cases)
    done = subprocess.run(
        [sys.executable, "-m", "octavo", "-C", str(tmp_path), "build", "pdf"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr and "warning" not in done.stderr
