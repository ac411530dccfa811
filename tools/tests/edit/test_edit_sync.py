"""`octavo sync`: what was edited in a reader's notebook is changed in the page, and nothing else; or it is refused."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Octavo = Callable[..., subprocess.CompletedProcess[str]]

CONFIG = """[project]
name = mini
[build]
tabs = pytorch, jax
untagged = all
[library]
[library-pytorch]
lib_file = d2l/torch.py
lib_name = torch
simple_alias = ones, concat -> cat
"""
INDEX = "# Mini\n\n```toc\n:numbered:\n\nchapter/page\n```\n"
PAGE = """# A page
:label:`sec_page`

Words of :numref:`sec_page` that stay, and words that change.
[**Slides**] hold this.

```{.python .input #first}
%%tab pytorch
import torch
from d2l import torch as d2l
```

```{.python .input}
%%tab jax
x = 1
```

```{.python .input}
%%tab all
y = 2
if tab.selected('pytorch'):
    z = d2l.ones(3)
    w = d2l.concat([z, z])
if tab.selected('jax'):
    z = 3
print(y)
```

## More

:begin_tab:`pytorch`
For PyTorch alone.
:end_tab:

:begin_tab:`jax`
For JAX alone.
:end_tab:

The end.
"""


@pytest.fixture
def mini(tmp_path: Path) -> Path:
    folder = tmp_path / "mini"
    (folder / "chapter").mkdir(parents=True)
    (folder / "config.ini").write_text(CONFIG)
    (folder / "index.md").write_text(INDEX)
    (folder / "chapter" / "page.md").write_text(PAGE)
    return folder


class Reader:
    """Somebody with a notebook of the page."""

    def __init__(self, octavo: Octavo, folder: Path) -> None:
        self.octavo, self.folder = octavo, folder
        built = octavo("-C", folder, "build", "notebooks", "--no-execute", "--tab", "pytorch")
        assert built.returncode == 0, built.stderr
        self.file = folder.parent / "taken.ipynb"
        shutil.copy(folder / "_build" / "notebooks" / "pytorch" / "chapter" / "page.ipynb", self.file)
        self.notebook: dict[str, Any] = json.loads(self.file.read_text())

    @property
    def page(self) -> str:
        return (self.folder / "chapter" / "page.md").read_text()

    def cell(self, holds: str) -> dict[str, Any]:
        (found,) = (cell for cell in self.notebook["cells"] if holds in "".join(cell["source"]))
        return found

    def edit(self, old: str, new: str) -> None:
        cell = self.cell(old)
        cell["source"] = "".join(cell["source"]).replace(old, new)

    def sync(self, code: int = 0) -> str:
        self.file.write_text(json.dumps(self.notebook))
        answer = self.octavo("-C", self.folder, "sync", self.file)
        assert answer.returncode == code, answer.stderr
        return answer.stderr


@pytest.fixture
def reader(octavo: Octavo, mini: Path) -> Reader:
    return Reader(octavo, mini)


def test_a_notebook_that_nobody_edited_changes_nothing(reader: Reader) -> None:
    for cell in reader.notebook["cells"]:
        cell["metadata"]["somebody"] = "looked"
        if cell["cell_type"] == "code":
            cell |= {"execution_count": 3, "outputs": [{"output_type": "stream", "name": "stdout", "text": "2\n"}]}
    reader.sync()
    assert reader.page == PAGE


def test_edits_of_all_kinds_come_back_each_to_its_place(reader: Reader) -> None:
    reader.edit("words that change", "words that *have* changed")
    reader.edit("import torch\n", "import torch\nimport math\n")
    reader.edit("torch.ones(3)", "torch.ones(4)")
    reader.edit("print(y)", "print(y, z)")
    reader.edit("For PyTorch alone.", "For PyTorch, and for PyTorch alone.")
    reader.sync()
    expected = PAGE
    for old, new in (
        ("words that change", "words that *have* changed"),
        ("import torch\n", "import torch\nimport math\n"),
        ("d2l.ones(3)", "d2l.ones(4)"),
        ("print(y)", "print(y, z)"),
        ("For PyTorch alone.", "For PyTorch, and for PyTorch alone."),
    ):
        expected = expected.replace(old, new, 1)
    assert reader.page == expected


def test_a_line_added_in_a_branch_gets_the_branch_s_indentation(reader: Reader) -> None:
    reader.edit("z = torch.ones(3)\n", "z = torch.ones(3)\nz = z + 1\n")
    reader.sync()
    assert reader.page == PAGE.replace("    z = d2l.ones(3)\n", "    z = d2l.ones(3)\n    z = z + 1\n")


def test_cells_are_added_and_deleted(reader: Reader) -> None:
    cells = reader.notebook["cells"]
    at = cells.index(reader.cell("import torch"))
    cells.insert(at + 1, {"cell_type": "code", "id": "new", "metadata": {}, "outputs": [], "source": "added = 1"})
    cells.insert(at + 1, {"cell_type": "markdown", "id": "newer", "metadata": {}, "source": "Added words."})
    reader.sync()
    fence = "from d2l import torch as d2l\n```\n\n"
    new = "Added words.\n\n```{.python .input}\n%%tab pytorch\nadded = 1\n```\n\n"
    assert reader.page == PAGE.replace(fence, fence + new)
    again = Reader(reader.octavo, reader.folder)
    again.notebook["cells"].remove(again.cell("added = 1"))
    again.notebook["cells"].remove(again.cell("Added words."))
    again.sync()
    assert again.page == PAGE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Chapter 1", "Chapter 9"),  # a number that the book gives
        ("torch.cat([", "torch.stack(["),  # what an alias makes of the page's own
    ],
)
def test_what_the_page_says_otherwise_is_refused_with_a_diff(reader: Reader, old: str, new: str) -> None:
    reader.edit(old, new)
    reader.edit("print(y)", "print(0)")
    told = reader.sync(code=1)
    assert "error[sync]" in told and "nothing was written" in told
    assert any(line.strip().startswith("+") and new in line for line in told.split("\n")), told
    assert reader.page == PAGE


def test_a_page_that_changed_elsewhere_takes_the_edit_and_one_that_changed_here_refuses_it(reader: Reader) -> None:
    file = reader.folder / "chapter" / "page.md"
    file.write_text(PAGE.replace("The end.", "The very end."))
    reader.edit("print(y)", "print(0)")
    reader.sync()
    assert reader.page == PAGE.replace("The end.", "The very end.").replace("print(y)", "print(0)")
    changed = PAGE.replace("y = 2", "y = 5")
    file.write_text(changed)
    told = reader.sync(code=1)
    assert "this cell was edited, and so was the page" in told
    assert "-y = 5" in told and "+y = 2" in told
    assert reader.page == changed


def test_what_the_book_numbers_otherwise_since_then_is_no_edit(reader: Reader) -> None:
    index, page = reader.folder / "index.md", reader.folder / "chapter" / "page.md"
    (reader.folder / "chapter" / "first.md").write_text("# First\n")
    index.write_text(INDEX.replace("chapter/page", "chapter/first\nchapter/page"))
    reader.edit("print(y)", "print(0)")  # and nothing in the cell that said Chapter 1 and would say Chapter 2
    reader.sync()
    assert reader.page == PAGE.replace("print(y)", "print(0)")
    page.write_text(PAGE)
    reader.edit("words that change", "words that changed")
    assert "the page gives another cell here" in reader.sync(code=1)
    assert reader.page == PAGE


def test_a_cell_that_has_a_name_takes_an_edit_though_the_page_changed_elsewhere(reader: Reader) -> None:
    file = reader.folder / "chapter" / "page.md"
    file.write_text(PAGE.replace("The end.", "The very end."))
    reader.edit("import torch\n", "import torch\nimport math\n")
    reader.sync()
    changed = PAGE.replace("import torch\n", "import torch\nimport math\n", 1)
    assert reader.page == changed.replace("The end.", "The very end.")
    file.write_text(PAGE.replace("import torch\n", "import torch, os\n", 1))
    assert "this cell was edited, and so was the page" in reader.sync(code=1)


def test_a_picture_put_into_the_notebook_is_not_lost_without_a_word(reader: Reader) -> None:
    reader.edit("The end.", "The end. ![](attachment:a.png)")
    assert "put its file into the book" in reader.sync(code=1)
    assert reader.page == PAGE


def test_what_is_wrong_elsewhere_in_the_book_is_no_matter_of_the_edit(reader: Reader) -> None:
    (reader.folder / "chapter" / "other.md").write_text("# Other\n:numref:`sec_nowhere`\n")
    (reader.folder / "index.md").write_text(INDEX.replace("chapter/page", "chapter/page\nchapter/other"))
    reader.edit("print(y)", "print(0)")
    assert reader.sync().splitlines()[1:] == []
    assert reader.page == PAGE.replace("print(y)", "print(0)")


def test_a_cell_of_all_frameworks_is_not_deleted_for_one(reader: Reader) -> None:
    reader.notebook["cells"].remove(reader.cell("print(y)"))
    assert "for other frameworks too" in reader.sync(code=1)
    assert reader.page == PAGE


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"metadata": {"octavo": {"page": "x", "framework": "y"}}, "cells": []}']
)
def test_what_is_no_notebook_of_the_book_is_told(reader: Reader, content: str) -> None:
    reader.file.write_text(content)
    answer = reader.octavo("-C", reader.folder, "sync", reader.file)
    assert answer.returncode == 1 and "error[sync]" in answer.stderr
    assert "fault of octavo" not in answer.stderr


def test_a_notebook_for_a_host_is_brought_back_without_what_the_host_needs(octavo: Octavo, mini: Path) -> None:
    page = mini / "chapter" / "page.md"
    text = PAGE.replace("The end.", "![A dot](../img/dot.svg)\n\n### The end\n\nThe end.")
    page.write_text(text)
    (mini / "img").mkdir()
    (mini / "img" / "dot.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><circle r="9"/></svg>')
    built = octavo("-C", mini, "build", "colab", "--no-execute", "--tab", "pytorch")
    assert built.returncode == 0, built.stderr
    (made,) = (mini / "_build" / "colab").rglob("page.ipynb")
    notebook = json.loads(made.read_text())
    (cell,) = (cell for cell in notebook["cells"] if "print(y)" in "".join(cell["source"]))
    cell["source"] = "".join(cell["source"]).replace("print(y)", "print(y + 1)")
    taken = mini.parent / "colab.ipynb"
    taken.write_text(json.dumps(notebook))
    answer = octavo("-C", mini, "sync", taken)
    assert answer.returncode == 0, answer.stderr
    assert page.read_text() == text.replace("print(y)", "print(y + 1)")


@pytest.mark.slow
def test_words_written_anywhere_into_the_book_s_notebooks_come_back_or_are_refused(octavo: Octavo, book: Path) -> None:
    """``OCTAVO_SYNC_SEED`` writes them elsewhere."""
    chance = random.Random(int(os.environ.get("OCTAVO_SYNC_SEED", "7")))
    built = octavo("-C", book, "build", "notebooks", "--no-execute")
    assert built.returncode == 0, built.stderr
    files = sorted((book / "_build" / "notebooks").rglob("chapter_*/*.ipynb"))
    told: Counter[tuple[str, int]] = Counter()
    word = "qwertz"
    for _ in range(25):
        file = chance.choice(files)
        notebook = json.loads(file.read_text())
        page = book / f"{notebook['metadata']['octavo']['page']}.md"
        before = page.read_text()
        cell = chance.choice(notebook["cells"])
        lines = "".join(cell["source"]).split("\n")
        at = chance.choice([number for number, line in enumerate(lines) if line.strip()])
        if cell["cell_type"] == "code":
            lines[at] += f"  # {word}"
            added = f"  # {word}"
        else:
            place = chance.choice([0, len(lines[at]), lines[at].find(" ") + 1])
            lines[at] = lines[at][:place] + word + lines[at][place:]
            added = word
        cell["source"] = "\n".join(lines)
        (book.parent / "edited.ipynb").write_text(json.dumps(notebook))
        answer = octavo("-C", book, "sync", book.parent / "edited.ipynb")
        told[cell["cell_type"], answer.returncode] += 1
        now = page.read_text()
        if answer.returncode == 0:
            assert now.count(word) == 1 and now.replace(added, "") == before
            page.write_text(before)
        else:
            assert "error[sync]" in answer.stderr and word in answer.stderr and now == before, answer.stderr
    assert told["code", 1] <= 1 and told["markdown", 1] < told["markdown", 0] / 3, told
