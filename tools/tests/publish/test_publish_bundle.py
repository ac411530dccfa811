"""Notebooks to take home: what stands in each archive, and that they are the same wherever they are made."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from publish_books import command

Octavo = Callable[..., subprocess.CompletedProcess[str]]

CONFIG = """\
[project]
name = mini
title = A Mini [Book]
release = 0.2
[build]
tabs = pytorch, jax, mxnet
untagged = all
resources = img/ data/ d2l.bib
[library-pytorch]
lib_file = d2l/torch.py
"""

PAGES = {
    "index": "# A Mini Book\n\n```toc\none/first\none/second\n```\n",
    "one/first": """\
# First

![Square](../img/square.svg)

```{.python .input}
#@tab pytorch
def double(x):  #@save
    return 2 * x
open('../data/table.csv').read()
```

```{.python .input}
#@tab jax
from pathlib import Path
sorted(Path('../data/many').glob('*'))
```
""",
    "one/second": "# Second\n\n```{.python .input}\n#@tab pytorch, jax\nprint('hi')\n```\n",
}

OTHERS = {
    "img/square.svg": "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'/>\n",
    "img/unseen.svg": "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'/>\n",
    "data/table.csv": "a,b\n1,2\n",
    "data/other.csv": "nobody,reads,this\n",
    "data/many/1.txt": "one\n",
    "data/many/deep/2.txt": "two\n",
    "d2l.bib": "",
    "LICENSE": "Do as you like.\n",
    "environments/pytorch.txt": "# python: 3.12\n# import: json\nipykernel==7.1.0 # runs cells\nNumPy==2.3.4\n",
    "environments/jax.txt": "# python: 3.11\nipykernel==7.1.0\n",
}

COMMON = {"LICENSE", "README.md", "requirements.txt", "index.ipynb", "one/first.ipynb", "one/second.ipynb"}
WHEEL = "d2l-0.2-py3-none-any.whl"


def book(root: Path) -> Path:
    files = {"config.ini": CONFIG, **{f"{page}.md": text for page, text in PAGES.items()}, **OTHERS}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / "data/many/away.txt").symlink_to("/etc/hostname")
    return root


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mini-book's folder of archives."""
    root = book(tmp_path_factory.mktemp("bundle"))
    command = [sys.executable, "-m", "octavo", "-C", root, "build", "notebooks", "bundle", "--no-execute"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "mini-pytorch.zip" in answer.stderr
    return root / "_build/bundle"


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        return {name: archive.read(name) for name in archive.namelist()}


def test_each_framework_has_a_folder_with_all_that_its_notebooks_need(home: Path) -> None:
    assert {path.name for path in home.iterdir()} == {"mini-pytorch.zip", "mini-jax.zip", "mini.zip"}
    pytorch, jax = members(home / "mini-pytorch.zip"), members(home / "mini-jax.zip")
    read = {"img/square.svg", "data/table.csv", WHEEL}
    assert set(pytorch) == {f"mini-pytorch/{name}" for name in COMMON | read}
    whole = {"img/square.svg", "data/many/1.txt", "data/many/deep/2.txt", WHEEL}
    assert set(jax) == {f"mini-jax/{name}" for name in COMMON | whole}


def test_the_notebooks_are_those_of_the_other_product(home: Path) -> None:
    pytorch = members(home / "mini-pytorch.zip")
    for name in ("index.ipynb", "one/first.ipynb", "img/square.svg"):
        assert pytorch[f"mini-pytorch/{name}"] == (home.parent / "notebooks/pytorch" / name).read_bytes()


def test_one_archive_has_the_folders_of_all_frameworks(home: Path) -> None:
    whole = members(home / "mini.zip")
    expected = {
        f"mini/{tab}/{name.split('/', 1)[1]}": content
        for tab in ("pytorch", "jax")
        for name, content in members(home / f"mini-{tab}.zip").items()
    }
    readme = whole.pop("mini/README.md").decode()
    assert whole == expected
    assert readme.startswith("# A Mini \\[Book\\]\n")
    assert re.findall(r"\]\((.+?)\)", readme) == ["pytorch/README.md", "jax/README.md"]


def test_a_lock_is_installed_with_the_library_and_told_with_its_python(home: Path) -> None:
    pytorch = members(home / "mini-pytorch.zip")
    assert pytorch["mini-pytorch/requirements.txt"].decode().splitlines() == [
        "# PyTorch", "# python: 3.12", "# import: json", "ipykernel==7.1.0", "numpy==2.3.4", f"./{WHEEL}",
    ]  # fmt: skip
    readme = pytorch["mini-pytorch/README.md"].decode()
    assert "uv venv --python 3.12 .venv\nuv pip install --python .venv -r requirements.txt jupyterlab\n" in readme
    assert ".venv/bin/jupyter lab index.ipynb\n" in readme
    assert ".venv/bin/jupyter execute one/first.ipynb\n" in readme


def test_without_a_lock_what_pages_import_is_installed_in_any_version(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text("[project]\nname = plain book\n")
    code = "import yaml, os, numpy.linalg, helpers\n"
    (tmp_path / "page.md").write_text(f"# Page\n\n```{{.python .input}}\n{code}```\n")
    (tmp_path / "index.md").write_text("# Plain\n\n```toc\npage\n```\n")
    (tmp_path / "helpers.py").write_text("import requests\n")
    code, told = command("-C", tmp_path, "build", "bundle", "--no-execute")
    assert code == 0, told
    assert [path.name for path in (tmp_path / "_build/bundle").iterdir()] == ["plain-book.zip"]
    files = members(tmp_path / "_build/bundle/plain-book.zip")
    wheel = "plain_book-0.0.1-py3-none-any.whl"
    assert files["plain-book/requirements.txt"].decode().splitlines() == [
        "# Python", "ipykernel", "numpy", "pyyaml", "requests", f"./{wheel}",
    ]  # fmt: skip
    assert f"plain-book/{wheel}" in files
    assert "uv venv .venv\n" in files["plain-book/README.md"].decode()


def test_the_same_book_elsewhere_gives_the_same_bytes(octavo: Octavo, home: Path, tmp_path: Path) -> None:
    again = book(tmp_path / "elsewhere")
    for path in again.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    answer = octavo("-C", again, "build", "bundle", "--no-execute", TZ="Asia/Tokyo", LC_ALL="C", PYTHONHASHSEED="7")
    assert answer.returncode == 0, answer.stderr
    for path in home.iterdir():
        assert (again / "_build/bundle" / path.name).read_bytes() == path.read_bytes()


def test_one_framework_is_packed_alone_and_what_the_book_lost_goes(tmp_path: Path) -> None:
    folder = book(tmp_path) / "_build/bundle"
    command("-C", tmp_path, "build", "bundle", "--no-execute", "--tab", "jax")
    assert [path.name for path in folder.iterdir()] == ["mini-jax.zip"]
    command("-C", tmp_path, "build", "bundle", "--no-execute", "--tab", "pytorch")
    assert {path.name for path in folder.iterdir()} == {"mini-jax.zip", "mini-pytorch.zip"}
    (tmp_path / "config.ini").write_text(CONFIG.replace("pytorch, jax, mxnet", "pytorch, mxnet"))
    command("-C", tmp_path, "build", "bundle", "--no-execute")
    assert [path.name for path in folder.iterdir()] == ["mini-pytorch.zip"]


def test_the_readme_is_in_the_book_s_language(tmp_path: Path) -> None:
    book(tmp_path)
    (tmp_path / "config.ini").write_text(CONFIG.replace("release = 0.2", "release = 0.2\nlang = de"))
    code, told = command("-C", tmp_path, "build", "bundle", "--no-execute", "--tab", "pytorch")
    assert code == 0, told
    readme = members(tmp_path / "_build/bundle/mini-pytorch.zip")["mini-pytorch/README.md"].decode()
    assert "Öffnen Sie die Notebooks:" in readme and "uv venv --python 3.12 .venv" in readme


def test_results_are_in_the_notebooks_as_far_as_there_are_any(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVO_CACHE", str(tmp_path / "cache"))
    output = ("--tab", "mxnet", "--output", tmp_path / "out")
    code, told = command("-C", repository, "build", "bundle", "--no-execute", *output)
    assert code == 0, told
    assert not (tmp_path / "cache/environments").exists()
    files = members(tmp_path / "out/bundle/short-dive-mxnet.zip")
    notebooks = [json.loads(content) for name, content in files.items() if name.endswith(".ipynb")]
    cells = [cell for notebook in notebooks for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(notebooks) > 4 and all(cell["execution_count"] for cell in cells)
