"""The script that proves that nothing of a book gets lost: it can fail, and it passes what is right."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CONFIG = """\
[project]
name = waves
title = Waves
author = A Swimmer
[build]
tabs = pytorch, jax
notebooks = *.md
[library-pytorch]
lib_file = d2l/torch.py
lib_name = torch
simple_alias = tensor
fluent_alias = reshape
[library-jax]
lib_file = d2l/jax.py
lib_name = jnp
simple_alias = tensor -> array
fluent_alias = reshape
"""

INDEX = """\
# Waves

```toc
:numbered:

tides
sources
```
"""

TIDES = """\
```{.python .input}
%load_ext d2lbook.tab
tab.interact_select('pytorch', 'jax')
```

# Tides
:label:`sec_tides`

The moon [**pulls**] the sea:numref:`fig_tide` --- twice a day (~~slide only~~), as :citet:`Gull.1999` saw.
Write `:numref:` and a label's name to refer; see :eqref:`eq_tide` for the height $h_0$ and
[a chart](https://example.org/chart).

1. Wade in.
1. Swim out.

![A *high* tide.](img/tide.svg)
:width:`300px`
:label:`fig_tide`

$$h = h_0 \\cos \\omega t$$
:eqlabel:`eq_tide`

:Heights by the hour

| hour | height |
|:-----|-------:|
| noon | low    |
| six  | high   |
:label:`tab_heights`

:begin_tab:`jax`
Pure functions only.
:end_tab:

```{.python .input}
#@tab pytorch, jax
# Heights of a day
heights = d2l.reshape(d2l.tensor(day), (2, 12))
if tab.selected('pytorch'):
    mean = heights.mean()  # in metres
if tab.selected('jax'):
    mean = jnp.mean(heights)
```

```bash
swim --far
```

```eval_rst
.. autofunction:: waves.swim
```
"""

SOURCES = "# Sources\n\n:bibliography:`d2l.bib`\n"
BIBLIOGRAPHY = """\
@book{Gull.1999,
  author = {Gull, Ada},
  title = {The {S}ea Twice},
  publisher = {Harbour},
  year = 1999
}
"""
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 5h9"/></svg>\n'

INDEX_HTML = """\
<article><section id="waves"><h1>Waves</h1><div class="toctree-wrapper"><ul>
<li><a href="tides.html">1. Tides</a></li><li><a href="sources.html">2. Sources</a></li></ul></div></section></article>
"""
SOURCES_HTML = """\
<article><h1><span class="section-number">2. </span>Sources</h1><div class="citation-list"><div class="citation"
id="id1">Ada Gull. <em>The Sea Twice</em>. 1999.</div></div></article>
"""
TIDES_HTML = """\
<article><section id="sec-tides"><h1><span class="section-number">1. </span>Tides</h1>
<p>The moon pulls the sea<a href="#fig-tide">Figure 1.1</a> — twice a day , as
<span class="bibtex-citation"><a href="sources.html#id1">Gull (1999)</a></span> saw.
Write <code>:numref:</code> and a label’s name to refer; see <a href="#equation-eq-tide">(1.1)</a> for the height
<math><msub><mi>h</mi><mn>0</mn></msub></math> and <a href="https://example.org/chart">a chart</a>.</p>
<ol><li>Wade in.</li><li>Swim out.</li></ol>
<figure id="fig-tide"><img src="_images/one.svg" alt="A high tide.">
<figcaption><span class="caption-number">Figure 1.1 </span><span>A <em>high</em> tide.</span></figcaption></figure>
<div id="equation-eq-tide"><math display="block"><mi>h</mi><mo>=</mo><msub><mi>h</mi><mn>0</mn></msub><mi>cos</mi>
<mi>ω</mi><mi>t</mi></math><span class="eqno">(1.1)</span></div>
<table id="tab-heights"><caption><span class="caption-number">Table 1.1 </span>Heights by the hour</caption>
<tr><th>hour</th><th>height</th></tr><tr><td>noon</td><td>low</td></tr><tr><td>six</td><td>high</td></tr></table>
<div class="ov-panel" data-tab="pytorch"><div class="ov-code"><pre># Heights of a day
heights = torch.tensor(day).reshape((2, 12))
mean = heights.mean()  # in metres
</pre></div></div>
<div class="ov-panel" data-tab="jax"><p>Pure functions only.</p><div class="ov-code"><pre># Heights of a day
heights = jnp.array(day).reshape((2, 12))
mean = jnp.mean(heights)
</pre></div></div>
<pre>swim --far
</pre><dl class="py function"><dt class="sig">waves.swim()</dt>
<dd><p>Swim as far as one can.</p></dd></dl></section></article>
"""


def write_book(book: Path) -> None:
    files = {"config.ini": CONFIG, "index.md": INDEX, "tides.md": TIDES, "sources.md": SOURCES}
    for name, text in {**files, "d2l.bib": BIBLIOGRAPHY, "img/tide.svg": PICTURE}.items():
        (book / name).parent.mkdir(parents=True, exist_ok=True)
        (book / name).write_text(text, encoding="utf-8")


Check = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def check(repository: Path, tmp_path: Path) -> Check:
    """Compare the book with a site written by hand, of which one page may say something else."""
    book, site = tmp_path / "book", tmp_path / "site"
    write_book(book)

    def run(*options: str, **pages: str) -> subprocess.CompletedProcess[str]:
        texts = {"index": INDEX_HTML, "sources": SOURCES_HTML, "tides": TIDES_HTML, **pages}
        (site / "_images").mkdir(parents=True, exist_ok=True)
        (site / "_images/one.svg").write_text(PICTURE, encoding="utf-8")
        for name, text in texts.items():
            (site / f"{name}.html").write_text(text, encoding="utf-8")
        return compare(repository, book, site, *options)

    return run


def compare(repository: Path, book: Path, site: Path, *options: str) -> subprocess.CompletedProcess[str]:
    script = repository / "tools/ci/check_words.py"
    command = [sys.executable, script, book, site, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_page_that_says_what_its_source_says_passes(check: Check) -> None:
    answer = check()
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "3 pages" in answer.stdout and "1 numrefs" in answer.stdout and "1 captioned tables" in answer.stdout


LOSSES = {
    "a word": ("twice a day", "a day", "tides.md:9: lost word 'twice'"),
    "an invented word": ("Wade in", "Wade far in", "tides.md:13: invented word 'far'"),
    "a word of one framework": ("Pure functions", "Pure", "tides.md:32: lost word 'functions' (jax)"),
    "an item of a list": ("<li>Swim out.</li>", "", "tides.md:14: lost word 'Swim'"),
    "the number of an item": ("<li>Swim out.</li>", "Swim out.", "lost word '1'"),
    "a line of a cell": ("mean = heights.mean()  # in metres\n", "", "cell has lost the line 'mean = heights.mean()"),
    "a comment of a cell": ("mean()  # in metres", "mean()", "cell has lost"),
    "an argument in a rewritten line": ("torch.tensor(day)", "torch.tensor()", "cell has lost 'day' (pytorch)"),
    "a branch of another framework": ("# in metres\n", "# in metres\nmean = jnp.mean(heights)\n", "cell has 'jnp' too"),
    "a cell": ('<div class="ov-code"><pre># Heights', "<div><pre># Heights", "1 cells have code, the page shows 0"),
    "code that is only shown": ("swim --far", "swim", "tides.md:46: fence has lost the line 'swim --far'"),
    "a name to document": ("waves.swim()", "", "tides.md:50: waves.swim, to be documented, is not on the page"),
    "a label": ('id="sec-tides"', 'id="tides"', "tides.md:7: label sec_tides is nowhere"),
    "a label that is on something else": ('<table id="tab-heights">', '<p id="tab-heights"></p><table>', "became a p"),
    "a reference's link": ('<a href="#fig-tide">Figure 1.1</a>', "Figure 1.1", ":numref: to fig_tide is no link"),
    "a reference that leads elsewhere": ('href="#fig-tide"', 'href="#sec-tides"', ":numref: to fig_tide is no link"),
    "a wrong number": ('"#fig-tide">Figure 1.1', '"#fig-tide">Figure 1.2', "its number is 1.1"),
    "an equation's number": ('<span class="eqno">(1.1)</span>', "", "eq_tide"),
    "a formula": ("<mi>ω</mi>", "", "formula 'h = h_0 \\\\cos \\\\omega t' is not on the page"),
    "a formula in a line": ("<math><msub><mi>h</mi><mn>0</mn></msub></math>", "", "inline formula 'h_0' is not"),
    "a citation": ('<a href="sources.html#id1">Gull (1999)</a>', "Gull (1999)", "citation of Gull.1999"),
    "a citation of something else": ("sources.html#id1", "sources.html#id2", "citation of Gull.1999"),
    "a picture": ('<img src="_images/one.svg" alt="A high tide.">', "", "picture img/tide.svg is not on the page"),
    "a figure's caption": ("<span>A <em>high</em> tide.</span>", "", "tides.md:16: lost word 'tide'"),
    "a figure's number": ('<span class="caption-number">Figure 1.1 </span>', "", "figure fig_tide has no number"),
    "a table's caption": ("Heights by the hour</caption>", "</caption>", "lost its caption 'Heights by the hour'"),
    "a table's number": ('<span class="caption-number">Table 1.1 </span>', "", "tab_heights has no number"),
    "a cell of a table": ("<td>low</td>", "<td></td>", "table with 3 rows is not on the page"),
    "a link": ("https://example.org/chart", "#", "link to https://example.org/chart is not on the page"),
    "a raw role": ("Wade in.", "Wade in.:numref:", ":numref: is visible (1 times)"),
    "a raw slide mark": ("Wade in.", "[<strong>Wade in.</strong>]", "[** is visible"),
    "a framework's mark": ("# in metres\n", "# in metres\n#@tab jax\n", "#@tab is visible in a cell"),
    "a branch left in": ("# in metres\n", "# in metres\nif tab.selected('jax'):\n", "tab.selected is visible in"),
    "a block's mark": ("<ol>", "<p>:end_tab:</p><ol>", ":end_tab: is visible"),
    "a value to be filled in": ("<article>", "<p>###_VERSION_###</p><article>", "###_VERSION_### was never filled in"),
}  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES)
def test_every_kind_of_loss_is_found(check: Check, loss: str) -> None:
    right, wrong, expected = LOSSES[loss]
    assert right in TIDES_HTML
    answer = check(tides=TIDES_HTML.replace(right, wrong, 1))
    assert (answer.returncode, answer.stderr) == (1, "")
    assert expected in answer.stdout


def test_a_page_that_is_missing_is_found(check: Check, tmp_path: Path) -> None:
    check()
    (tmp_path / "site/tides.html").unlink()
    (tmp_path / "site/index.html").write_text(INDEX_HTML.replace('href="tides.html"', 'href="#"'), encoding="utf-8")
    answer = compare(Path(__file__).parents[2], tmp_path / "book", tmp_path / "site")
    assert answer.returncode == 1
    assert "tides.md:1: page is not on the site" in answer.stdout
    assert "index.md:1: tides is missing in the table of contents" in answer.stdout


def test_one_framework_alone_can_be_looked_at(check: Check) -> None:
    page = TIDES_HTML.replace("Pure functions", "Pure")
    assert check("--tab", "pytorch", tides=page).returncode == 0
    assert check("--tab", "jax", tides=page).returncode == 1


def test_what_the_source_lacks_is_noted_and_no_loss(check: Check, tmp_path: Path) -> None:
    source = TIDES.replace("Swim out.", "Swim out to :numref:`sec_island` with :cite:`Nobody`.")
    (tmp_path / "book/tides.md").write_text(source, encoding="utf-8")
    answer = check(tides=TIDES_HTML.replace("Swim out.", "Swim out to sec_island with ."))
    assert answer.returncode == 0, answer.stdout
    assert "tides.md:14: note: nothing is labelled sec_island" in answer.stdout
    assert "tides.md:14: note: Nobody is in no bibliography" in answer.stdout


def test_octavos_own_site_of_the_book_has_lost_nothing(octavo: Check, repository: Path, tmp_path: Path) -> None:
    write_book(tmp_path)
    built = octavo("-C", tmp_path, "build", "html", "--no-execute", OCTAVO_CACHE=str(tmp_path / "cache"))
    assert built.returncode == 0, built.stderr
    answer = compare(repository, tmp_path, tmp_path / "_build/html")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.endswith("nothing is lost\n")


def test_it_imports_nothing_of_octavo(repository: Path) -> None:
    for file in (repository / "tools/ci").glob("*words*.py"):
        text = file.read_text(encoding="utf-8")
        assert "import octavo" not in text and "from octavo" not in text, file.name
