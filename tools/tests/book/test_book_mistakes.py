"""A book with mistakes: one message each, with file, line, excerpt and hint, and never a traceback of ours."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

Octavo = Callable[..., subprocess.CompletedProcess[str]]

PAGES = {
    "index": """\
        # A Small Book

        ```toc
        :numbered:

        syntax
        reference
        tabs
        raises
        healthy
        ```
        """,
    "syntax": """\
        # A Page with a Syntax Error

        ```{.python .input}
        x = 1
        for i in range(3)
            print(i)
        ```
        """,
    "reference": """\
        # A Page with an Unknown Reference
        :label:`sec_reference`

        As was seen in :numref:`sec_referense`.
        """,
    "tabs": """\
        # A Page with an Unclosed Tab Block

        Before.

        :begin_tab:`pytorch`
        Inside.

        ## And on It Goes
        """,
    "raises": """\
        # A Page whose Cell Raises

        ```{.python .input}
        def inverse(x):
            return 1 / x

        print(inverse(2))
        ```

        Some words.

        ```{.python .input}
        y = inverse(2)
        inverse(0)
        ```

        ```{.python .input}
        print('never reached')
        ```
        """,
    "healthy": """\
        # A Healthy Page

        ```{.python .input}
        print('all is well')
        ```
        """,
}


@pytest.fixture
def broken(tmp_path: Path, repository: Path) -> Path:
    """A book of one framework in which four of five pages have a mistake."""
    book = tmp_path / "broken"
    (book / "environments").mkdir(parents=True)
    shutil.copy(repository / "environments/pytorch.txt", book / "environments")
    (book / "config.ini").write_text("[project]\ntitle = A Small Book\n[build]\ntabs = pytorch\n", encoding="utf-8")
    for name, text in PAGES.items():
        (book / f"{name}.md").write_text(dedent(text), encoding="utf-8")
    return book


SOURCE_MESSAGES = """\
reference.md:4: error[unknown-reference]: nothing is labelled 'sec_referense'
 4 | As was seen in :numref:`sec_referense`.
   |                         ^^^^^^^^^^^^^
   hint: did you mean 'sec_reference'?

syntax.md:5: error[syntax-error]: this cell is not valid Python: expected ':' (pytorch)
 5 | for i in range(3)
   |                  ^
   hint: octavo reads cells as Python 3.{minor}; magics such as %matplotlib are fine

tabs.md:5: warning[unclosed-tab]: the tab block for pytorch is not closed
 5 | :begin_tab:`pytorch`
   | ^^^^^^^^^^^^^^^^^^^^
   hint: add a line :end_tab: before line 9

2 errors and 1 warning
"""


def test_check_tells_of_the_source_all_at_once(octavo: Octavo, broken: Path) -> None:
    answer = octavo("-C", broken, "check")
    assert answer.returncode == 1
    shown = re.sub(r"   hint: .*Python 3\.\d+.*", "   hint: …", answer.stderr)
    expected = re.sub(r"   hint: .*Python 3\.\{minor\}.*", "   hint: …", SOURCE_MESSAGES)
    assert shown.replace("   hint: …\n", "") == expected.replace("   hint: …\n", "")


def test_check_for_machines_gives_the_same(octavo: Octavo, broken: Path) -> None:
    answer = octavo("-C", broken, "check", "--json")
    assert answer.returncode == 1 and answer.stderr == ""
    found = [(d["path"], d["line"], d["severity"], d["code"], d["excerpt"]) for d in json.loads(answer.stdout)]
    assert found == [
        ("reference.md", 4, "error", "unknown-reference", "As was seen in :numref:`sec_referense`."),
        ("syntax.md", 5, "error", "syntax-error", "for i in range(3)"),
        ("tabs.md", 5, "warning", "unclosed-tab", ":begin_tab:`pytorch`"),
    ]


@pytest.mark.slow
@pytest.mark.kernels
def test_building_it_reports_each_mistake_once_and_renders_every_page(octavo: Octavo, broken: Path) -> None:
    answer = octavo("-C", broken, "build", "html")
    assert answer.returncode == 1
    assert "Traceback (most recent call last)" not in answer.stderr.replace("   Traceback", "")
    heads = re.findall(r"^(\S+\.md:\d+): (?:error|warning)\[([\w-]+)\]", answer.stderr, re.MULTILINE)
    assert heads == [
        ("raises.md:14", "cell-failed"),
        ("reference.md:4", "unknown-reference"),
        ("syntax.md:5", "syntax-error"),
        ("tabs.md:5", "unclosed-tab"),
    ]
    # the failing cell: the author's line, the framework, the exception, the end of the traceback in the author's lines
    message = answer.stderr[answer.stderr.index("raises.md:14") : answer.stderr.index("reference.md:4")]
    assert "ZeroDivisionError" in message and "(pytorch)" in message
    assert "14 | inverse(0)" in message
    assert "raises.md:5" in message
    # the page says so in place of its output; the others show what they have
    raises = (broken / "_build/html/raises.html").read_text(encoding="utf-8")
    assert "ZeroDivisionError" in raises and "never reached" in raises
    assert ">0.5" in raises or "0.5\n" in raises
    assert "all is well" in (broken / "_build/html/healthy.html").read_text(encoding="utf-8")
    for page in ("reference", "tabs", "syntax"):
        assert (broken / f"_build/html/{page}.html").exists()
    # what is healthy is kept, what failed is not
    assert (broken / "outputs/healthy/pytorch.json").exists()
    assert not (broken / "outputs/raises").exists()


@pytest.mark.parametrize(
    "command",
    [
        "status", "check", "build html", "build lib", "build lib --check", "build notebooks", "run", "run page --rerun",
        "run --shard 1/2", "run --report report.json", "env", "env make", "env remove x", "gc", "gc --shared", "clean",
    ],
)  # fmt: skip
def test_a_folder_without_settings_is_no_book(octavo: Octavo, tmp_path: Path, command: str) -> None:
    answer = octavo("-C", tmp_path, *command.replace("report.json", str(tmp_path / "report.json")).split())
    assert answer.returncode == 1
    told = [line for line in answer.stderr.splitlines() if line.startswith(("error", "warning"))]
    assert told == ["error[missing-file]: there is no config.ini here, so this is not a book"]
    assert {path.name for path in tmp_path.iterdir()} <= {"report.json"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["buidl", "html"], "Did you mean 'build'?"),
        (["build", "htlm"], "'htlm' is none of html, pdf"),
        (["run", "--tab", "torch"], "this book has no framework 'torch'; it has pytorch"),
        (["run", "chapter_nowhere"], "no page of the book is chapter_nowhere"),
        (["build", "html", "--check"], "--check is for lib alone"),
    ],
)
def test_wrong_usage_is_told_in_a_line(octavo: Octavo, broken: Path, arguments: list[str], told: str) -> None:
    answer = octavo("-C", broken, *arguments)
    assert answer.returncode == 2
    assert told in answer.stderr


def test_a_mistake_of_two_frameworks_is_told_once_and_self_is_not_to_be_saved(octavo: Octavo, tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text(
        "[build]\ntabs = one, two\nuntagged = all\n"
        + "".join(f"[library-{tab}]\nlib_file = d2l/{tab}.py\nlib_name = {tab}\n" for tab in ("one", "two"))
    )
    (tmp_path / "index.md").write_text("# A Book\n\n```toc\npage\n```\n")
    (tmp_path / "page.md").write_text(
        "# A Page\n\n```{.python .input}\nx = 1  #@save\ndef f():  #@save\n    return self.x\n```\n\n"
        "```{.python .input}\nx = 2  #@save\n```\n"
    )
    answer = octavo("-C", tmp_path, "check")
    heads = re.findall(r"^(\S+:\d+): (\w+)\[([\w-]+)\]: .* \((.*)\)$", answer.stderr, re.MULTILINE)
    assert heads == [
        ("page.md:6", "error", "undefined-name", "one, two"),
        ("page.md:10", "warning", "duplicate-definition", "one, two"),
    ]
    assert "hint: self is there in methods only: save its class, or use @d2l.add_to_class" in answer.stderr
    assert "1 error and 1 warning" in answer.stderr
