"""The script that finds what a book shares with another: what is planted is found, and what everybody writes is not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "ci/check_originality.py"
THEIRS = """\
# Tides
:label:`sec_tides`

The harbour master counts every boat twice a day, once
when the water is high and once when only the mud remains.

```{.python .input}
#@tab pytorch
import torch
from d2l import torch as d2l

def level(hours, height=2.5):
    # the moon pulls at the sea and lets go again within a little more than half a day
    phase = 2 * torch.pi * hours / 12.42
    return height * d2l.cos(phase)
```

It goes on.
"""


@pytest.fixture
def other(tmp_path: Path) -> Path:
    folder = tmp_path / "other/chapter"
    folder.mkdir(parents=True)
    (folder / "tides.md").write_text(THEIRS)
    return tmp_path / "other"


def check(tmp_path: Path, other: Path, text: str, *options: str) -> tuple[int, list[str]]:
    """The exit code, and the lines before the last one, for a book of one page."""
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/page.md").write_text(text)
    command = [sys.executable, SCRIPT, tmp_path / "ours", other, *options]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.stderr == ""
    *hits, last = answer.stdout.splitlines()
    assert f"{len(hits)} shared runs" in last
    return answer.returncode, hits


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("The harbour master counts every boat twice a day, once when the water rises.", 1),
        # however lines break, whatever stands before it
        ("# A\n\nWhy?\nThe\nharbour master counts\n  every boat twice a\nday, once\nwhen the sea is calm.", 4),
        # in marks and emphasis, with words linked, labelled and cited, and in a list
        ("* [**The *harbour* master counts**] `every` boat (~~twice a~~)\n  [day](x.md), **once when** the", 1),
        ("One :numref:`a`. The harbour master :cite:`b` counts every boat $n$ twice a day, once when the.", 1),
        # beside a cell, and within one
        ("The harbour master counts every boat\n\n```python\nx = 1\n```\n\ntwice a day once when the", 1),
        (
            '```python\ndef f():\n    """The harbour master counts every boat.\n\n  Twice a day once when the"""\n```',
            3,
        ),
        ("```python\n# the moon pulls at the sea\nx = 1  # and lets go again within a little more\n```", 2),
        ("```python\nnever_closed = True  # the moon pulls at the sea and lets go again within a little", 2),
    ],
)
def test_a_copied_run_of_words_is_found(tmp_path: Path, other: Path, text: str, line: int) -> None:
    code, hits = check(tmp_path, other, text)
    assert code == 1
    (hit,) = hits
    where = 13 if "moon" in text else 4
    assert re.match(rf"page\.md:{line}: as chapter/tides\.md:{where}: the (harbour master|moon pulls) ", hit)


def test_a_run_is_told_once_and_whole(tmp_path: Path, other: Path) -> None:
    _, hits = check(tmp_path, other, THEIRS.partition("```")[0].replace("Tides", "Boats"))
    said = "the harbour master counts every boat twice a day once when the water is high and once when only the mud"
    assert hits == [f"page.md:4: as chapter/tides.md:4: {said} remains"]


@pytest.mark.parametrize(
    "text",
    [
        # eleven words
        "The harbour master counts every boat twice a day, once when.",
        "The harbour master counts each boat twice a day, once when the water is low.",
    ],
)
def test_fewer_words_are_not(tmp_path: Path, other: Path, text: str) -> None:
    assert check(tmp_path, other, text) == (0, [])


@pytest.mark.parametrize(
    "cell",
    [
        "def level(hours, height=2.5):\n    phase = 2 * torch.pi * hours / 12.42\n    return height * cos(phase)",
        # indented otherwise, spaced otherwise, with comments, empty lines and imports between
        "class Sea:\n  def level(hours,height=2.5):  # in metres\n\n        import math\n"
        "        phase = 2*torch.pi*hours/12.42\n        return height*d2l.cos( phase )",
    ],
)
def test_copied_code_is_found(tmp_path: Path, other: Path, cell: str) -> None:
    code, hits = check(tmp_path, other, f"# A\n\n```{{.python .input}}\n#@tab jax\n{cell}\n```\n")
    assert code == 1
    line = 6 if "class" in cell else 5
    (hit,) = hits
    assert hit.startswith(f"page.md:{line}: as chapter/tides.md:12: deflevel(hours,height=2.5): | phase=2*torch.pi")


@pytest.mark.parametrize(
    "cell",
    [
        "#@tab pytorch\nimport torch\nfrom d2l import torch as d2l\nx = 1",
        "def level(hours, height=2.5):\n    phase = 2 * torch.pi * hours / 12.42\n    return 0",
        # of two cells, no run
        "def level(hours, height=2.5):\n    phase = 2 * torch.pi * hours / 12.42\n```\n\n```python\n"
        "return height * cos(phase)",
    ],
)
def test_imports_and_fewer_lines_are_not(tmp_path: Path, other: Path, cell: str) -> None:
    assert check(tmp_path, other, f"# A\n\n```{{.python .input}}\n{cell}\n```\n") == (0, [])


def test_the_lines_of_every_training_loop_are_not(tmp_path: Path, other: Path) -> None:
    loop = "for epoch in range(epochs):\n    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()\n"
    (other / "loop.md").write_text(f"Theirs.\n```python\n{loop}```\n")
    assert check(tmp_path, other, f"Ours.\n```python\n{loop}```\n") == (0, [])


@pytest.mark.parametrize(("fence", "found"), [("```toc", 0), ("```{toctree}", 0), ("```{note}", 1)])
def test_names_of_files_in_a_table_of_contents_are_no_prose(
    tmp_path: Path, other: Path, fence: str, found: int
) -> None:
    names = f"{fence}\n\nebb flow spring neap slack surge\nbore gauge datum harmonic buoy wreck\n```\n"
    (other / "index.md").write_text(f"Theirs.\n\n{names}")
    code, hits = check(tmp_path, other, f"Ours.\n\n{names}")
    assert (code, len(hits)) == (found, found)


def test_other_lengths(tmp_path: Path, other: Path) -> None:
    code, hits = check(tmp_path, other, "Every boat twice a week.\n", "--words", "4")
    assert (code, hits) == (1, ["page.md:1: as chapter/tides.md:4: every boat twice a"])


def test_a_folder_without_pages_proves_nothing(tmp_path: Path, other: Path) -> None:
    (tmp_path / "empty/tools").mkdir(parents=True)
    (tmp_path / "empty/tools/a.md").write_text("The tools of a book are none of it.")
    for pair in ((tmp_path / "empty", other), (other, tmp_path / "empty"), (other, tmp_path / "absent")):
        answer = subprocess.run([sys.executable, SCRIPT, *pair], capture_output=True, text=True, check=False)
        assert answer.returncode == 2 and "holds no Markdown" in answer.stderr
