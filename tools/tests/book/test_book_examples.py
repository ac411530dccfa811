"""The docstrings of the library: each says what is taken and given, and its examples run in every framework."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from book_libraries import IN_EACH, MODULES, Octavo, python_of

DRIVER = Path(__file__).resolve().parents[2] / "ci/run_examples.py"
ALIASES = "\n# Aliases of config.ini\n"


def saved(module: Path) -> list[ast.FunctionDef | ast.ClassDef]:
    """The public functions and classes that pages save; aliases only call what the framework has."""
    tree = ast.parse(module.read_text(encoding="utf-8").split(ALIASES)[0])
    return [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_")]


def lacking(node: ast.FunctionDef | ast.ClassDef) -> Iterator[str]:
    """The parts that a docstring should have and lacks, as 'plot: Args'."""
    docstring = ast.get_docstring(node) or ""
    heads = {line.strip() for line in docstring.splitlines()}
    for part, wanted in (("Args:", takes(node)), ("Returns:", gives(node)), ("Yields:", yields(node))):
        if wanted and part not in heads:
            yield f"{node.name}: {part}"
    example = docstring.partition("Example:\n")[2]
    if not any(line.strip().startswith(">>> ") for line in example.splitlines()):
        yield f"{node.name}: Example:"


def takes(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Whether a caller passes anything."""
    if isinstance(node, ast.ClassDef):
        methods = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
        return any(len(every(method.args)) > 1 for method in methods)
    return bool(every(node.args))


def every(arguments: ast.arguments) -> list[ast.arg]:
    """All the parameters."""
    starred = [one for one in (arguments.vararg, arguments.kwarg) if one]
    return arguments.posonlyargs + arguments.args + arguments.kwonlyargs + starred


def gives(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Whether a function returns a value."""
    return isinstance(node, ast.FunctionDef) and any(
        isinstance(n, ast.Return) and n.value is not None for n in own_nodes(node)
    )


def yields(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Whether a function is a generator."""
    return isinstance(node, ast.FunctionDef) and any(isinstance(n, ast.Yield | ast.YieldFrom) for n in own_nodes(node))


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function's body, without those of functions inside of it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield child
            yield from own_nodes(child)


@pytest.mark.parametrize("module", MODULES.values())
def test_docstrings_say_what_is_taken_and_given_and_show_it(repository: Path, module: str) -> None:
    functions = saved(repository / f"d2l/{module}.py")
    assert functions
    assert [part for node in functions for part in lacking(node)] == []


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("def f(x):\n    '''Do.'''\n    return x", ["f: Args:", "f: Returns:", "f: Example:"]),
        ("def f():\n    '''Do.\n\n    Example:\n        >>> f()\n    '''\n    return", []),
        ("def f():\n    '''Do.\n\n    Example:\n        f()\n    '''\n    yield 1", ["f: Yields:", "f: Example:"]),
        ("def f():\n    def g():\n        return 1\n    g()", ["f: Example:"]),
        ("class C:\n    def __init__(self, x):\n        pass", ["C: Args:", "C: Example:"]),
        ("class C:\n    def __init__(self):\n        pass", ["C: Example:"]),
    ],
)
def test_what_a_docstring_lacks_is_told(text: str, parts: list[str]) -> None:
    (node,) = ast.parse(text).body
    assert isinstance(node, ast.FunctionDef | ast.ClassDef)
    assert list(lacking(node)) == parts


def test_an_example_that_fails_is_told(tmp_path: Path) -> None:
    example = "    '''Do.\n\n    Example:\n        >>> twice({0})\n        {1}\n    '''\n"
    (tmp_path / "own.py").write_text(
        f"def twice(x):\n{example.format(2, 4)}    return 2 * x\n\n\n"
        f"class Two:\n{example.format(3, 7)}\n    def of(self):\n    {example.format('y', 2)}"
    )
    answer = subprocess.run([sys.executable, DRIVER, "own"], cwd=tmp_path, capture_output=True, text=True, check=True)
    found = json.loads(answer.stdout)
    assert found["twice"] == [1, ""]
    assert "Expected:\n    7\nGot:\n    6\n" in found["Two"][1]
    assert "NameError: name 'y' is not defined" in found["Two.of"][1]


@pytest.mark.kernels
@pytest.mark.parametrize(("tab", "module"), IN_EACH)
def test_the_examples_of_docstrings_run(octavo: Octavo, repository: Path, tab: str, module: str) -> None:
    answer = subprocess.run(
        [python_of(octavo, repository, tab), DRIVER, f"d2l.{module}"],
        cwd=repository,
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout.splitlines()[-1])
    assert "".join(told for _, told in found.values()) == ""
    assert [node.name for node in saved(repository / f"d2l/{module}.py") if not found[node.name][0]] == []
