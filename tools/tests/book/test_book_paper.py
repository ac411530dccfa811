"""A small book on paper, through the command line: what it says, what is done again, and what goes wrong."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

pytestmark = pytest.mark.slow

Octavo = Callable[..., subprocess.CompletedProcess[str]]
TOOLS = Path(__file__).resolve().parents[2]

CONFIG = """\
[project]
name = small
title = A Small Book
author = The Testers
copyright = 2026, The Testers
release = 1.2
[build]
tabs = pytorch, jax
untagged = all
eval_notebook = False
resources = img/
[html]
api = False
[pdf]
bibfile = small.bib
[library-pytorch]
lib_file = d2l/torch.py
[library-jax]
lib_file = d2l/jax.py
"""
BIBLIOGRAPHY = """\
@book{Euler.1748, author = {Euler, Leonhard}, title = {Introductio in analysin infinitorum}, year = {1748},
  publisher = {Bousquet}, address = {Lausanne}}
"""
DRAWING = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 120" width="300" height="120">
<circle cx="60" cy="60" r="40" fill="none" stroke="black"/><path d="M100 60 H260" stroke="#1f77b4" stroke-width="2"/>
</svg>
"""
PAGES = {
    "index": """\
    # A Small Book

    ```toc
    preface
    ```

    ```toc
    :numbered:

    waves/index
    tides/index
    ```

    ```toc
    references
    ```
    """,
    "preface": """\
    # Preface

    Who reads this will know what comes, and that the rest is numbered.
    """,
    "references": """\
    # References

    :bibliography:`small.bib`
    """,
    "waves/index": """\
    # Waves

    Two sections follow here.

    ```toc
    :numbered:

    form
    code
    ```
    """,
    "waves/form": """\
    # The Form of Waves
    :label:`sec_form`

    A wave goes on and does not carry water with it :cite:`Euler.1748`. Its height $h$ is

    $$h(x, t) = \\sum_{k} a_k \\sin(k x - \\omega_k t).$$
    :eqlabel:`eq_wave`

    By :eqref:`eq_wave` heights add up, as :numref:`fig_wave` and :numref:`tab_wave` show; see :numref:`sec_code`
    as well.[^deep]

    [^deep]: In deep water, at least.

    ![A wave and its *length*.](../img/wave.svg)
    :label:`fig_wave`

    :Speeds of waves
    :label:`tab_wave`

    | water | speed | remark about the bottom of the sea, long enough to be broken |
    | --- | ---: | --- |
    | deep | 12.5 | none at all |
    | shallow | 3.1 | sand, and what lives in it, so that the waves feel where it is |

    ## A Heading with $\\omega$ and `code`

    > Water is patient.

    1. First one measures.
    2. Then one computes.

    ```{note}
    Storms are another matter altogether.
    ```
    """,
    "waves/code": """\
    # Code
    :label:`sec_code`

    Text of the second section, with ~~struck~~ words, “quotes” -- and dashes.

    ```{.python .input}
    #@tab pytorch
    import torch  #@save

    def height(x, t, *, amplitude=1.0, frequency=2.0, phase=0.0, damping=0.01, depth=100.0, gravity=9.81):  #@save
        '''How high a wave is: `h`, "exactly" -- and <not> more.'''
        return torch.sin(x * frequency - t)
    ```

    ```{.python .input}
    #@tab jax
    import jax  #@save

    def height(x, t):  #@save
        return jax.numpy.sin(x - t)
    ```

    ```{.python .input}
    #@tab pytorch
    long = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
    text = "波浪と水 – ├── Wellenhöhe → größer ≥ α² ✓"
    rates = {name: f"{value:>8.2f}\\t%" for name, value in {"a": 1, "b_c": 2}.items() if not name.startswith("$")}
    ```

    :begin_tab:`pytorch`
    In PyTorch a tensor of heights is kept on the device that computed it last.
    :end_tab:

    :begin_tab:`jax`
    In JAX an array of heights goes through a function that was compiled before.
    :end_tab:
    """,
    "tides/index": """\
    # Tides

    The moon does this. Nothing stands below it.
    """,
}


@dataclass
class Paper:
    """A book on paper that was built."""

    root: Path
    answer: subprocess.CompletedProcess[str]

    @property
    def pdf(self) -> Path:
        return self.root / "_build/pdf/small-pytorch.pdf"

    def build(self, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "octavo", "-C", self.root, "build", *(arguments or ("pdf", "--tab", "pytorch"))],
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "120", "OCTAVO_CACHE": str(self.root / "cache"), **variables},
            check=False,
        )

    def edit(self, page: str, old: str, new: str) -> None:
        file = self.root / f"{page}.md"
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} in {page}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def line(self, page: str, text: str) -> int:
        lines = (self.root / f"{page}.md").read_text(encoding="utf-8").split("\n")
        return next(number for number, line in enumerate(lines, 1) if text in line)

    def text(self) -> str:
        read = subprocess.run(["pdftotext", self.pdf, "-"], capture_output=True, text=True, check=True)
        return " ".join(read.stdout.split())


def written(root: Path) -> Path:
    """The small book's files."""
    (root / "img").mkdir(parents=True)
    (root / "config.ini").write_text(CONFIG, encoding="utf-8")
    (root / "small.bib").write_text(BIBLIOGRAPHY, encoding="utf-8")
    (root / "img/wave.svg").write_text(DRAWING, encoding="utf-8")
    for name, text in PAGES.items():
        path = root / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, typesetting: None) -> Paper:
    """The small book of one framework, and its website. Nobody changes it."""
    paper = Paper(written(tmp_path_factory.mktemp("paper") / "book"), subprocess.CompletedProcess([], 0))
    paper.answer = paper.build()
    assert paper.build("html").returncode == 0
    return paper


@pytest.fixture
def paper(built: Paper, tmp_path: Path) -> Iterator[Paper]:
    """The same to be changed, with all that building it has left."""
    shutil.copytree(built.root, tmp_path / "book")
    yield Paper(tmp_path / "book", built.answer)


def test_nothing_is_to_be_said_of_a_sound_book(built: Paper) -> None:
    assert (built.answer.returncode, built.answer.stdout) == (0, "")
    assert "warning" not in built.answer.stderr and "error" not in built.answer.stderr, built.answer.stderr
    assert "small-pytorch.pdf" in built.answer.stderr


def test_everything_is_found_again_in_the_pdf(built: Paper) -> None:
    log = built.root / "_build/paper/pytorch/small-pytorch.log"
    options = ("--site", built.root / "_build/html", "--tab", "pytorch", "--log", log)
    answer = subprocess.run(
        [sys.executable, TOOLS / "ci/check_pdf.py", built.pdf, *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert re.search(r"\b7 headings", answer.stdout), answer.stdout  # and the judge has looked at what there is
    assert re.search(r"\b1 equations, .*\b2 codes", answer.stdout), answer.stdout


def test_the_book_is_of_one_framework(built: Paper) -> None:
    text = built.text()
    assert "In PyTorch a tensor" in text and "import torch" in text
    assert "In JAX an array" not in text and "import jax" not in text
    assert [file.name for file in (built.root / "_build/pdf").iterdir()] == ["small-pytorch.pdf"]


def test_a_second_build_does_nothing(built: Paper) -> None:
    before = built.pdf.stat()
    answer = built.build()
    assert answer.returncode == 0
    assert answer.stderr.startswith("nothing has changed: "), answer.stderr
    assert built.pdf.stat() == before


def test_the_same_source_makes_the_same_file(paper: Paper) -> None:
    before = paper.pdf.read_bytes()
    shutil.rmtree(paper.root / "_build")
    assert paper.build().returncode == 0
    assert paper.pdf.read_bytes() == before


def test_a_changed_word_is_in_the_next_pdf(paper: Paper) -> None:
    paper.edit("tides/index", "The moon", "The silver moon")
    answer = paper.build()
    assert answer.returncode == 0, answer.stderr
    assert "The silver moon does this." in paper.text()


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("The height $\\nonsense_{2}$ of it.", "nonsense"),
        ("The height $\\frac{1}{2$ of it.", ""),
        ("$$\\begin{aligned} a &= b \\\\ c \\end{array}$$", ""),
    ],
)
def test_a_formula_that_latex_cannot_read_is_told_at_the_authors_line(paper: Paper, new: str, said: str) -> None:
    paper.edit("tides/index", "The moon does this.", f"The moon does this.\n\n{new}\n")
    answer = paper.build()
    assert answer.returncode == 1, answer.stderr
    place = f"tides/index.md:{paper.line('tides/index', new)}: error["
    assert place in answer.stderr, answer.stderr
    assert said in answer.stderr and new in answer.stderr
    assert "waves/" not in answer.stderr and "Traceback" not in answer.stderr, answer.stderr


def test_what_is_in_disorder_hides_no_other_mistake(paper: Paper) -> None:
    wrong = ("$x^a^b$", "$\\left( x$", "$\\def\\x{\\x}\\x$", "$\\begin{array}{xyz} a \\end{array}$", "$\\input{none}$")
    known = "$$\\begin{pmatrix}" + "&".join("abcdefghijklmnop") + "\\end{pmatrix}$$"
    last = "```{raw} latex\n\\nobodyknows\n```\n\n"
    paper.edit("tides/index", "The moon does this.", "\n\n".join(("The moon.", known, *wrong, last)))
    answer = paper.build()
    assert answer.returncode == 1
    told = re.findall(r"^tides/index\.md:(\d+): error", answer.stderr, re.MULTILINE)
    assert told == [str(paper.line("tides/index", text)) for text in (*wrong, "\\nobodyknows")], answer.stderr
    assert "Nothing stands below it" in paper.text()


def test_books_of_names_and_frameworks_that_are_gone_are_removed(paper: Paper) -> None:
    def books() -> list[str]:
        return sorted(file.name for file in (paper.root / "_build/epub").iterdir())

    paper.build("epub")
    assert books() == ["small-jax.epub", "small-pytorch.epub"]
    config = paper.root / "config.ini"
    config.write_text(config.read_text().replace("name = small", "name = other"))
    paper.build("epub")
    assert books() == ["other-jax.epub", "other-pytorch.epub"]
    config.write_text(config.read_text().replace("tabs = pytorch, jax", "tabs = pytorch"))
    paper.build("epub")
    assert books() == ["other-pytorch.epub"]


def test_a_picture_that_cannot_be_read_is_told_and_left_out(paper: Paper) -> None:
    (paper.root / "img/wave.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><circle", encoding="utf-8")
    answer = paper.build()
    place = f"waves/form.md:{paper.line('waves/form', 'A wave and its')}: "
    assert place in answer.stderr, answer.stderr
    assert "length" in paper.text()  # its caption stays


def test_a_framework_that_the_book_lacks_is_wrong_usage(built: Paper) -> None:
    answer = built.build("pdf", "--tab", "mxnet")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "mxnet" in answer.stderr and "pytorch" in answer.stderr


def test_a_machine_without_latex_hears_the_one_command(paper: Paper, tmp_path: Path) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    (bare / "apt-get").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")  # a machine of Debian's kind
    (bare / "apt-get").chmod(0o755)
    paper.edit("tides/index", "The moon", "A moon")
    answer = paper.build(PATH=str(bare))
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr, answer.stderr
    commands = re.findall(r"apt-get install .*", answer.stderr)
    assert len(commands) == 1 and "texlive-xetex" in commands[0] and "latexmk" in commands[0], answer.stderr


def test_an_interrupt_ends_latex_too_and_the_old_book_stays(paper: Paper) -> None:
    before = paper.pdf.read_bytes()
    words = " ".join(f"Wave {number} comes, and goes." for number in range(60_000))
    paper.edit("tides/index", "The moon does this.", words)
    building = subprocess.Popen(
        [sys.executable, "-m", "octavo", "-C", paper.root, "build", "pdf", "--tab", "pytorch"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OCTAVO_CACHE": str(paper.root / "cache")},
        start_new_session=True,
    )
    waited = time.monotonic() + 60
    while not programs(paper.root, "xelatex") and time.monotonic() < waited:
        time.sleep(0.05)
    assert programs(paper.root, "xelatex"), "LaTeX never began"
    building.send_signal(signal.SIGINT)
    said = building.communicate(timeout=30)[1]
    assert building.returncode == 130, said
    assert "Traceback" not in said
    ended = time.monotonic() + 5
    while programs(paper.root) and time.monotonic() < ended:
        time.sleep(0.05)
    assert programs(paper.root) == []
    assert paper.pdf.read_bytes() == before


def programs(folder: Path, name: str = "") -> list[str]:
    """What runs in a folder or below it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            here = (process / "cwd").resolve()
            command = (process / "comm").read_text().strip()
        except OSError:
            continue  # ended meanwhile
        if here.is_relative_to(folder) and name in command:
            found.append(command)
    return found
