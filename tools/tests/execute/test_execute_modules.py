"""The book's own modules that code imports, found without running anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from octavo.execute.freshness.modules import imports, is_plain_init, local_modules, modules_of

FILES = {
    "helpers.py": "import deep.er",
    "deep/er.py": "x = 1",
    "pack/__init__.py": "",
    "pack/a.py": "from .b import x\nfrom . import c",
    "pack/b.py": "from ..outside import y",
    "pack/c.py": "import pack.a",
    "src/of_pages.py": "",
    "listing/__init__.py": "__all__ = ['one', 'nothing']",
    "listing/one.py": "",
    "listing/two.py": "",
    "late.py": "def f():\n    import helpers",
    "wild.py": "import importlib\nimportlib.import_module(name)",
    "d2l/jax.py": "import helpers",
}


def found(text: str, **more: object) -> list[str]:
    modules = local_modules(imports(text), FILES.get, lambda: ["helpers.py", "late.py"], **more)  # type: ignore[arg-type]
    return sorted(modules.files)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1", []),
        ("import numpy", []),
        ("# import helpers", []),
        ("import helpers", ["deep/er.py", "helpers.py"]),
        ("import helpers as h, numpy", ["deep/er.py", "helpers.py"]),
        ("def f():\n    from helpers import x", ["deep/er.py", "helpers.py"]),
        ("from deep import er", ["deep/er.py"]),
        ("from deep.er import x as y", ["deep/er.py"]),
        ("from pack import c", ["pack/__init__.py", "pack/a.py", "pack/b.py", "pack/c.py"]),
        ("import pack", ["pack/__init__.py"]),
        ("from listing import *", ["listing/__init__.py", "listing/one.py"]),
        ("from listing import one", ["listing/__init__.py", "listing/one.py"]),
        ("import listing", ["listing/__init__.py"]),
        ("%matplotlib inline\nimport late", ["deep/er.py", "helpers.py", "late.py"]),
        ("__import__('late')", ["deep/er.py", "helpers.py", "late.py"]),
        ("import importlib\nimportlib.import_module('deep.er')", ["deep/er.py"]),
        ("import_module(name)", ["deep/er.py", "helpers.py", "late.py"]),
        ("exec(open('x').read())", ["deep/er.py", "helpers.py", "late.py"]),
        ("%run late.py", ["deep/er.py", "helpers.py", "late.py"]),
        ("import sys\nsys.path.append('..')", ["deep/er.py", "helpers.py", "late.py"]),
        ("import sys as system\nsystem.path.append('..')", ["deep/er.py", "helpers.py", "late.py"]),
        ("from sys import argv, path\npath.append('..')", ["deep/er.py", "helpers.py", "late.py"]),
        ("import os\nos.chdir('..')", ["deep/er.py", "helpers.py", "late.py"]),
        ("import os\nos.system('python3 helpers.py')", ["deep/er.py", "helpers.py", "late.py"]),
        ("run([sys.executable, '-m', 'helpers'])", ["deep/er.py", "helpers.py", "late.py"]),
        ("run(['python', 'helpers.py'])", ["deep/er.py", "helpers.py", "late.py"]),
        ("python = 1\nx = 'a snake, not python - maybe'", []),
        ("import wild", ["deep/er.py", "helpers.py", "late.py", "wild.py"]),
        ("import (", ["deep/er.py", "helpers.py", "late.py"]),
        ("net.eval()", []),
    ],
)
def test_which_modules_count(text: str, expected: list[str]) -> None:
    assert found(text) == expected


def test_the_folders_of_the_path_and_what_is_accounted_for_otherwise() -> None:
    assert found("import of_pages") == []
    assert found("import of_pages", folders=("", "src")) == ["src/of_pages.py"]
    assert found("from d2l import jax") == ["d2l/jax.py", "deep/er.py", "helpers.py"]
    assert found("from d2l import jax", skip=frozenset({"d2l/jax.py"})) == []
    assert found("", named=("deep.er",)) == ["deep/er.py"]


def test_a_module_that_hides_one_of_pythons_counts_for_everybody() -> None:
    files = {"random.py": "import deep", "deep.py": "", "queue/x.py": ""}
    for text in ("x = 1", "import numpy", "import random"):  # numpy imports it, and the kernel does
        assert sorted(local_modules(imports(text), files.get).files) == ["deep.py", "random.py"]


def test_modules_that_can_be_imported_by_name(tmp_path: Path) -> None:
    for name in (
        "a.py", "p/__init__.py", "p/b.py", "p/q/__init__.py", "p/data/c.py", "plain/d.py", ".hidden/__init__.py",
        "_build/__init__.py", "x.txt", "__pycache__/a.py", "venv/pyvenv.cfg", "venv/lib/e.py",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert modules_of(tmp_path, ("",), [tmp_path / "_build"]) == [
        "a.py", "p/__init__.py", "p/b.py", "p/data/c.py", "p/q/__init__.py", "plain/d.py",
    ]  # fmt: skip


def test_a_package_of_which_harvesting_knows_all() -> None:
    assert is_plain_init('"""Doc."""\n\n__version__ = "1"\n')
    assert is_plain_init("")
    assert not is_plain_init("import os")
    assert not is_plain_init("__version__ = read()")
    assert not is_plain_init("this is no Python")
