"""Run the examples in the docstrings of a library's module: run_examples.py d2l.torch, in the book's folder.

Runs in a framework's own environment, and imports nothing of octavo. Each docstring has the names of its module, as
doctest has it, and what it binds itself is forgotten behind it. Prints a line of JSON: of each public name, how many
examples were tried, and what was told of those that failed.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
Documented = ast.FunctionDef | ast.ClassDef


def documented(text: str) -> list[tuple[str, Documented]]:
    """The public functions, classes and methods of a module, by name."""
    found: list[tuple[str, Documented]] = []
    for node in ast.parse(text).body:
        if isinstance(node, Documented) and not node.name.startswith("_"):
            found.append((node.name, node))
            if isinstance(node, ast.ClassDef):
                found += [
                    (f"{node.name}.{method.name}", method)
                    for method in node.body
                    if isinstance(method, ast.FunctionDef) and not method.name.startswith("_")
                ]
    return found


def tried(name: str, node: Documented, module: ModuleType) -> tuple[int, str]:
    """How many examples a docstring has, and what was told of those that failed."""
    docstring = ast.get_docstring(node, clean=False) or ""
    test = doctest.DocTestParser().get_doctest(docstring, dict(vars(module)), name, module.__file__, node.lineno)
    told: list[str] = []
    doctest.DocTestRunner(verbose=False, optionflags=FLAGS).run(test, out=told.append)
    return len(test.examples), "".join(told)


def main(name: str) -> None:
    """Try every docstring of the module."""
    sys.path.insert(0, str(Path.cwd()))
    module: Any = importlib.import_module(name)
    text = Path(module.__file__).read_text(encoding="utf-8")
    print(json.dumps({part: tried(part, node, module) for part, node in documented(text)}))


if __name__ == "__main__":
    main(sys.argv[1])
