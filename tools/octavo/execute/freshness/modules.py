"""The book's own modules that code imports: files below the book's folder, which is on the kernels' import path.

Which files those are is told from the syntax tree, through their own imports too. Where only running tells what is
imported (``import_module(name)``, ``exec``, ``sys.path``), every Python file that can be imported by its name from the
book's folder counts. Pure, given a reader of files.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

from octavo.execute.freshness.code import executed_text
from octavo.syntax import parse

Read = Callable[[str], str | None]
"""POSIX path relative to the book's folder → the text of that file; ``None`` where there is none."""

_ONLY_RUNNING_TELLS = re.compile(
    r"\b(?:exec|execfile|import_module|__import__|run_path|run_module|spec_from_file_location|SourceFileLoader"
    r"|addsitedir|pkgutil|runpy|zipimport|chdir|executable)\b|\bsys\s*\.\s*path\b|\bimport\s+path\b|PYTHONPATH"
    r"|\bimport\s+sys\s+as\b|\bfrom\s+sys\s+import\b.*\b(?:path|meta_path|path_hooks|modules)\b"
    r"|%(?:run|load|load_ext|reload_ext|autoreload|aimport|cd|pushd)\b|!\s*python|\bcmd\b.*\.py\b"
    r"|\bpython[\d.]*\b.*(?:\.py\b|\s-m\b|['\"]-m['\"])"
)
_NAMED_IMPORT = re.compile(r"\b(?:import_module|__import__)\(\s*(['\"])([\w.]+)\1\s*\)")
"""A call that imports a module by a name that stands there."""

SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages"})
"""Folders in which no module of a book is looked for."""


@dataclass(frozen=True, slots=True)
class Imports:
    """What a piece of code imports."""

    names: frozenset[str]
    """Dotted names that may be modules: ``a.b`` and ``a.b.c`` for ``from a.b import c``, ``a.b.*`` for a star."""
    relative: frozenset[tuple[int, str]] = frozenset()
    """The same for imports that begin with dots: how many, and the name behind them."""
    dynamic: bool = False
    """It may import more that cannot be told."""

    def __or__(self, other: Imports) -> Imports:
        """What two pieces of code import together."""
        return Imports(self.names | other.names, self.relative | other.relative, self.dynamic or other.dynamic)

    def __bool__(self) -> bool:
        """Whether anything is imported."""
        return bool(self.names or self.relative or self.dynamic)


_OF_PYTHON = Imports(frozenset(sys.stdlib_module_names))


@dataclass(frozen=True, slots=True)
class LocalModules:
    """The book's own files that code depends on because it imports them."""

    files: Mapping[str, str] = field(default_factory=dict)
    """Path → text."""
    looked_for: frozenset[str] = frozenset()
    """Every path that was asked for, those of files that are not there included."""
    dynamic: bool = False
    """Some of the code may import what cannot be told, so that all modules of the book count."""


@lru_cache(maxsize=16384)
def imports(text: str) -> Imports:
    """What a cell, a definition or a module imports; IPython's magics are tolerated."""
    if "import" not in text and not _ONLY_RUNNING_TELLS.search(text):
        return Imports(frozenset())
    plain = executed_text(text)
    rest = _NAMED_IMPORT.sub("", plain)
    dynamic = _ONLY_RUNNING_TELLS.search(re.sub(r"\bfrom\s+importlib\s+import\s+import_module\b", "", rest)) is not None
    names = {match[2] for match in _NAMED_IMPORT.finditer(plain)}
    relative: set[tuple[int, str]] = set()
    try:
        tree = parse(text).tree
    except SyntaxError:
        return Imports(frozenset(names), dynamic=True)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found = {module, *(f"{module}.{alias.name}".strip(".") for alias in node.names)}
            if node.level:
                relative.update((node.level, name) for name in found)
            else:
                names.update(found)
    return Imports(frozenset(names), frozenset(relative), dynamic)


def local_modules(
    wanted: Imports,
    read: Read,
    every: Callable[[], Iterable[str]] = tuple,
    *,
    skip: frozenset[str] = frozenset(),
    folders: tuple[str, ...] = ("",),
    named: Iterable[str] = (),
) -> LocalModules:
    """The book's modules that code imports which wants these, and those that they import.

    ``folders`` are those on the import path, relative to the book's. ``every`` lists all modules of the book, and is
    asked only where code is dynamic. ``skip`` are paths that are accounted for otherwise: the harvested modules.
    ``named`` are modules that a page declares.
    """
    files: dict[str, str] = {}
    looked_for: set[str] = set()
    dynamic = False

    def take(path: str) -> str | None:
        """The text of a file that was not taken before."""
        if path in looked_for or path in skip:
            return None
        looked_for.add(path)
        text = read(path)
        if text is not None:
            files[path] = text
        return text

    # a module that hides one of Python's is loaded by others that import that, and by the kernel itself
    todo: list[tuple[Imports, str]] = [(wanted | _OF_PYTHON, "")]
    for name in named:
        todo += _taken(name, folders, take, files)
    while todo:
        wanted, home = todo.pop()
        for name in sorted(wanted.names):
            todo += _taken(name, folders, take, files)
        for level, name in sorted(wanted.relative):
            package = _package(home, level)
            if package is not None:
                todo += _taken(name, (package,), take, files)
        if wanted.dynamic and not dynamic:
            dynamic = True
            for path in every():
                found = take(path)
                if found is not None:
                    todo.append((imports(found), path))
    return LocalModules(files, frozenset(looked_for), dynamic)


def _taken(
    name: str, folders: tuple[str, ...], take: Callable[[str], str | None], files: Mapping[str, str]
) -> Iterator[tuple[Imports, str]]:
    """Imports and path of what importing ``name`` loads: the packages above it, and the module itself.

    ``files`` are those that were taken already.
    """
    parts = name.split(".") if name else []
    star = parts[-1:] == ["*"]
    for folder in folders:
        for count in range(0 if folder and not parts else 1, len(parts) + 1 - star):
            stem = "/".join([*filter(None, [folder]), *parts[:count]])
            for path in (f"{stem}.py", f"{stem}/__init__.py"):
                text = take(path)
                if text is not None:
                    yield imports(text), path
        package = "/".join([*filter(None, [folder]), *parts[:-1]])
        for listed in _listed(files.get(f"{package}/__init__.py")) if star else ():
            yield Imports(frozenset(), frozenset({(1, listed)})), f"{package}/__init__.py"


def _listed(text: str | None) -> list[str]:
    """What a package may list in ``__all__``: a star imports the modules among these."""
    if text is None or "__all__" not in text:
        return []
    try:
        tree = parse(text).tree
    except SyntaxError:
        return []
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return sorted({text for text in texts if text.isidentifier()})


def _package(path: str, level: int) -> str | None:
    """The folder that ``level`` dots mean in the module at ``path``; ``None`` outside of the book."""
    folder = PurePosixPath(path).parent if path else None
    for _ in range(level - 1):
        if folder is None or folder == PurePosixPath("."):
            return None
        folder = folder.parent
    if folder is None:
        return None
    return "" if folder == PurePosixPath(".") else folder.as_posix()


def modules_of(root: Path, folders: tuple[str, ...], without: Iterable[Path]) -> list[str]:
    """Every file that can be imported by its name from one of ``folders`` of a book, as paths relative to ``root``.

    Those are the Python files there and in the folders there, which are packages with or without an ``__init__.py``,
    and may be put on the import path. Folders ``without``, hidden ones and environments are left out.
    """
    left_out = {path.resolve() for path in without}
    found: list[str] = []
    for start in folders:
        todo = [root / start if start else root]
        while todo:
            folder = todo.pop()
            for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
                if entry.name.startswith(".") or entry.name in SKIPPED:
                    continue
                if entry.suffix == ".py" and entry.is_file():
                    found.append(entry.relative_to(root).as_posix())
                elif entry.is_dir() and not entry.is_symlink() and not (entry / "pyvenv.cfg").exists():
                    todo += [entry] if entry.resolve() not in left_out else []
    return sorted(set(found))


def is_plain_init(text: str) -> bool:
    """Whether a package's ``__init__.py`` holds nothing but what harvesting writes: a docstring and the version."""
    try:
        body = parse(text).tree.body
    except SyntaxError:
        return False
    return all(
        (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
        or (
            isinstance(part, ast.Assign)
            and isinstance(part.value, ast.Constant)
            and [getattr(target, "id", "") for target in part.targets] == ["__version__"]
        )
        for part in body
    )
