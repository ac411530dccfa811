"""Whether a book's library modules can be imported, and are what their source maps say: import_modules.py BOOK.

The modules are those that the book's settings name, as `octavo build lib` wrote them. Each is compiled and imported in
a process of its own, in which whatever is not installed is replaced by objects that can be called, taken apart and
inherited from. Then each name of the source map is looked for: in the module, on its line there, and on its lines of
the page. Last, the names of the stub are compared with those of the module. Imports nothing of octavo.
"""

from __future__ import annotations

import ast
import configparser
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

# -- packages that are not installed


class Absent:
    """What an absent package gives: a class, so that it can be a base; each of its attributes is another one."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        """Take whatever the real thing takes."""

    def __init_subclass__(cls, **more: Any) -> None:
        """Take whatever the real thing takes."""

    def __call__(self, *arguments: Any, **more: Any) -> Any:
        """A decorator gives back what it decorates, any other call something absent."""
        return arguments[0] if len(arguments) == 1 and callable(arguments[0]) else Absent()

    def __getattr__(self, name: str) -> Any:
        """Anything can be asked for, but Python's own protocols."""
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent()

    def __getitem__(self, key: Any) -> Any:
        """An item, or a parametrised type."""
        return Absent()

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        """As a base, the class itself."""
        return (Absent,)

    def __index__(self) -> int:
        """As a number, none: of absent devices there are no more."""
        return 0

    def __iter__(self) -> Iterator[Any]:
        """Nothing is in it."""
        return iter(())

    def _operate(self, *others: Any) -> Any:
        return Absent()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __pow__ = __neg__ = __or__ = _operate


class AbsentModule(ModuleType):
    """A module in which everything is."""

    __path__: Sequence[str] = ()

    def __getattr__(self, name: str) -> Any:
        """Anything can be taken from it, but Python's own attributes."""
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent()


class AbsentFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds absent packages, and all that is asked of them."""

    def __init__(self, roots: set[str]) -> None:
        self.roots = roots

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """A module of an absent package."""
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.split(".")[0] in self.roots else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """An absent module."""
        return AbsentModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing happens in it."""


def absent(file: Path, own: str) -> set[str]:
    """The packages that a module imports and that are not here, or not whole: an installed one may need another."""
    wanted: dict[str, None] = {}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            wanted.update(dict.fromkeys(alias.name for alias in node.names))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            wanted[node.module] = None
    found: set[str] = set()
    for name in wanted:
        root = name.split(".")[0]
        if root == own or root in found:
            continue
        try:
            with warnings.catch_warnings(action="ignore"):
                importlib.import_module(name)
        except Exception:  # whatever a package that is not whole raises
            found.add(root)
    for name in [name for name in sys.modules if name.split(".")[0] in found]:
        del sys.modules[name]
    return found


def import_one(book: Path, module: str) -> int:
    """Import one module of the book, and print the names that it has."""
    sys.dont_write_bytecode = True
    sys.meta_path.insert(0, AbsentFinder(absent(book / f"{module.replace('.', '/')}.py", module.split(".")[0])))
    sys.path.insert(0, str(book))
    made = importlib.import_module(module)
    print(
        json.dumps({name: sorted(vars(value)) if isinstance(value, type) else [] for name, value in vars(made).items()})
    )
    return 0


# -- looking at the modules


def modules(book: Path) -> list[str]:
    """The modules that the book's settings name."""
    settings = configparser.ConfigParser(interpolation=None, strict=False)
    settings.read_string((book / "config.ini").read_text(encoding="utf-8-sig"))
    return [settings[section]["lib_file"] for section in settings.sections() if section.startswith("library-")]


def look_at(book: Path, file: str) -> tuple[str, list[str]]:
    """One module: what to say of it, and what is wrong with it."""
    text = (book / file).read_text(encoding="utf-8")
    try:
        tree = ast.parse(text)
        compile(text, file, "exec")
    except SyntaxError as problem:
        return "not compiled", [f"{file}:{problem.lineno}: {problem.msg}"]
    command = [sys.executable, __file__, str(book), file.removesuffix(".py").replace("/", ".")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        return "not imported", [f"{file}: {answer.stderr.strip()}"]
    names: dict[str, list[str]] = json.loads(answer.stdout.splitlines()[-1])
    said = f"compiled and imported, {len(names)} names"
    problems: list[str] = []
    if (map_file := book / f"{file.removesuffix('.py')}.map.json").is_file():
        entries = json.loads(map_file.read_text(encoding="utf-8"))["names"]
        problems += [
            problem for name, entry in entries.items() for problem in misplaced(book, file, name, entry, names)
        ]
        missing = sorted(public(tree) - entries.keys() - {"d2l", "sys", "builtins"})
        problems += [f"{file}: the source map lacks {name}" for name in missing]
        said += f"; {len(entries)} in its source map"
    if (stub := book / f"{file}i").is_file():
        found = public(ast.parse(stub.read_text(encoding="utf-8")))
        problems += [f"{stub.name} and {file} differ in {name}" for name in sorted(found ^ public(tree))]
        said += f"; {len(found)} in its stub"
    return said, problems


def public(tree: ast.Module) -> set[str]:
    """The names that a module has for others, by a look at its statements."""
    found: set[str] = set()
    todo: list[ast.AST] = list(tree.body)
    while todo:
        part = todo.pop()
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(part.name)
        elif isinstance(part, ast.Import | ast.ImportFrom) and getattr(part, "module", "") != "__future__":
            found |= {alias.asname or alias.name.split(".")[0] for alias in part.names if alias.name != "*"}
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            found.add(part.id)
        elif not isinstance(part, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.Lambda):
            todo += ast.iter_child_nodes(part)
    return {name for name in found if not name.startswith("_")}


def misplaced(book: Path, file: str, name: str, entry: dict[str, Any], names: dict[str, list[str]]) -> list[str]:
    """What is wrong with one name of a source map."""
    owner, _, member = name.rpartition(".")
    problems = []
    if member not in names.get(owner, ()) if owner else name not in names:
        problems.append(f"{file} has no {name}, of which its source map tells")
    places = ((file, entry["line"], None), (entry["source"], entry["first"], entry["last"]))
    for place, first, last in places:
        text = statement_at(book / place, first, last)
        if not (lists(text, name) if place == "config.ini" else defines(text, member or name)):
            problems.append(f"{place}:{first} does not define {name}")
    return problems


def statement_at(path: Path, first: int, last: int | None) -> str:
    """The lines of a file; without ``last``, to the end of what begins on the first."""
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    if last is None:
        last = first
        while last < len(lines) and re.match(r"@|[^#\s]*\($", lines[last - 1].strip()):
            last += 1
    return "\n".join(lines[first - 1 : last])


def defines(text: str, name: str) -> bool:
    """Whether lines define a name, by a look at their words."""
    word = re.escape(name)
    return bool(
        re.search(rf"\b(?:def|class)\s+{word}\b", text)
        or re.search(rf"\bimport\b.*\b{word}\b", text, re.DOTALL)
        or re.search(rf"(?:^|[\s,.]){word}\b[^=\n(]*=", text)  # an assignment, to d2l.name too
    )


def lists(text: str, name: str) -> bool:
    """Whether a line of the settings holds an alias: what stands left of an arrow or equals sign, or alone."""
    return bool(re.search(rf"(?:^|[\s,=]){re.escape(name)}\b\s*(?:\(|->|=|,|$)", text))


def main(book: Path) -> int:
    """Look at every module; the exit code says whether all is well."""
    files, wrong = modules(book), 0
    for file in files:
        said, problems = look_at(book, file)
        wrong += bool(problems)
        print(f"{file}: {said}")
        for problem in problems:
            print(f"  {problem}")
    print(f"{len(files) - wrong} of {len(files)} modules are well")
    return bool(wrong) or not files


if __name__ == "__main__":
    folder = Path(sys.argv[1]).resolve()
    sys.exit(import_one(folder, sys.argv[2]) if len(sys.argv) > 2 else main(folder))
