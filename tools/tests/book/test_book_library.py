"""The checked-in library: in step with the pages, and importable in every framework's own environment."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest
from book_libraries import IN_EACH, MODULES, Octavo, python_of


def test_the_checked_in_library_is_what_the_pages_give(octavo: Octavo, repository: Path) -> None:
    answer = octavo("-C", repository, "build", "lib", "--check")
    assert (answer.returncode, answer.stderr) == (0, "")


def test_a_library_out_of_step_is_an_error_with_a_difference(octavo: Octavo, book: Path) -> None:
    module = book / "d2l/jax.py"
    module.write_text(module.read_text(encoding="utf-8").replace("def plot(", "def plotted("), encoding="utf-8")
    before = module.read_bytes()
    answer = octavo("-C", book, "build", "lib", "--check")
    assert answer.returncode == 1
    assert "d2l/jax.py:1: error[library-stale]: d2l/jax.py is not what the pages give" in answer.stderr
    assert "-def plotted(" in answer.stderr and "+def plot(" in answer.stderr
    assert module.read_bytes() == before


def test_building_it_twice_writes_once(octavo: Octavo, book: Path) -> None:
    (book / "d2l/torch.py").unlink()
    assert "wrote d2l/torch.py" in octavo("-C", book, "build", "lib").stderr
    assert octavo("-C", book, "build", "lib").stderr == ""


@pytest.mark.parametrize("module", MODULES.values())
def test_public_names_say_what_they_take(repository: Path, module: str) -> None:
    tree = ast.parse((repository / f"d2l/{module}.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert functions
    assert [f.name for f in functions if ast.get_docstring(f) is None] == []


@pytest.mark.kernels
@pytest.mark.parametrize(("tab", "module"), IN_EACH)
def test_each_module_is_importable_where_its_framework_is(
    octavo: Octavo, repository: Path, tab: str, module: str
) -> None:
    python = python_of(octavo, repository, tab)
    code = f"from d2l import {module} as d2l; missing = [n for n in d2l.__all__ if not hasattr(d2l, n)]; print(missing)"
    answer = subprocess.run([python, "-c", code], cwd=repository, capture_output=True, text=True, check=False)
    assert answer.stdout.strip().endswith("[]"), answer.stderr
