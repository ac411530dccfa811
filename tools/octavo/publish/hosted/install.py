"""What a notebook imports → the lines that install it where nothing of the book is."""

from __future__ import annotations

import ast
import base64
import posixpath
import re
import shlex
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from octavo import syntax
from octavo.config.hosted import RELEASE, words_of
from octavo.model import CellKind, Document, Edition
from octavo.publish.wheel import DISTRIBUTIONS

_REQUIRED = re.compile(r"#\s*required_libs\((.*)\)")
_QUOTED = re.compile(r"[\"']([^\"']+)[\"']")
_HOSTS_OWN = frozenset({"ipykernel", "ipython", "matplotlib-inline"})
"""What notebooks run on: another version of it could break the host."""
_LIBRARY = "_octavo_library"
"""A variable of install cells."""
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Library:
    """The book's library, and where hosted notebooks of one framework have it from."""

    packages: frozenset[str]
    """What code imports of it: ``d2l``."""
    texts: tuple[str, ...]
    """Its modules, as far as this framework's notebooks use them: what they import is needed too."""
    wheel: str
    """The wheel's file name."""
    requirement: str = ""
    """What pip is given: an address, a path from the top of the notebooks' folder; empty where it is in notebooks."""
    content: bytes = b""
    """The wheel, for notebooks that hold it."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the notebooks of one framework install, whatever is in them."""

    release: str
    """What ``RELEASE`` stands for in requirements of old books."""
    wanted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Module → what the author wants to be installed for it, in words."""
    library: Library | None = None
    exact: bool = False
    """Whether the very versions of the lock are installed, and not just compatible ones."""
    has_environment: bool = False
    """Whether lock and library are installed already."""


def imports(codes: Iterable[str]) -> dict[str, None]:
    """The modules that code imports, by the first part of their names, in its order; none of the standard library."""
    found: dict[str, None] = {}
    for code in codes:
        found.update(dict.fromkeys(_imports(code)))
    return found


@cache
def _imports(code: str) -> tuple[str, ...]:
    try:
        tree = syntax.parse(code).tree
    except SyntaxError:
        return ()  # others report it
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    tops = dict.fromkeys(name.split(".")[0] for name in names)
    return tuple(top for top in tops if top not in sys.stdlib_module_names)


def required(document: Document, edition: Edition) -> tuple[tuple[str, ...], ...]:
    """What a page says that its notebook needs, each in words: ``# required_libs("gym==0.21.0")``."""
    shown = {part.cell.index for part in edition.cells}
    cells = [c for c in document.cells if c.index in shown or c.kind is CellKind.HEADER]
    said = (match[1] for cell in cells for match in _REQUIRED.finditer(cell.code.text))
    named = dict.fromkeys(words_of(name) for text in said for name in _QUOTED.findall(text))
    return tuple(words for words in named if words)


def unfit(document: Document) -> Iterator[tuple[str, int]]:
    """What a page says so that nobody can install it, and the line that says it."""
    for cell in document.cells:
        for text, line in zip(cell.code.text.split("\n"), cell.code.lines, strict=True):
            said = _REQUIRED.search(text)
            for name in _QUOTED.findall(said[1]) if said else ():
                if not words_of(name):
                    yield name, line


def of_lock(modules: Iterable[str], pins: str, *, exact: bool) -> tuple[str, ...]:
    """What is installed for these modules, as far as a lock names it; ``pins`` is the lock, a package a line."""
    known: dict[str, Requirement] = {}
    for line in pins.splitlines():
        try:
            pin = Requirement(line)
        except InvalidRequirement:
            continue
        known[canonicalize_name(pin.name)] = pin
    names = dict.fromkeys(canonicalize_name(DISTRIBUTIONS.get(module, module)) for module in modules)
    return tuple(
        _wanted(known[name], exact=exact) for name in sorted(names) if name in known and name not in _HOSTS_OWN
    )


def _wanted(pin: Requirement, *, exact: bool) -> str:
    """A pin, or the range of versions that promise to be like it: hosts have their own, and a Python of their own.

    Something else is installed only where the host has another kind: ``torch>=2,<3`` for ``torch==2.13.0``.
    """
    try:
        version = Version(next(part.version for part in pin.specifier))
    except (InvalidVersion, StopIteration):
        return str(pin)
    first, *rest = version.release
    if exact:
        versions = f"=={version.public}"
    elif first:
        versions = f">={first},<{first + 1}"
    else:
        second = rest[0] if rest else 0
        versions = f">=0.{second},<0.{second + 1}"
    extras = f"[{','.join(sorted(pin.extras))}]" if pin.extras else ""
    marker = f"; {pin.marker}" if pin.marker else ""
    return f"{pin.name}{extras}{versions}{marker}"


def source(document: Document, edition: Edition, means: Means, pins: str) -> str:
    """The code of the cell that installs what a page's notebook needs; empty where that is nothing."""
    own = imports(part.code.text for part in edition.cells)
    library = means.library if means.library is not None and means.library.packages & set(own) else None
    if library is not None and library.packages & set(means.wanted):
        library = None  # the author says what is installed for it
    modules = {**own, **imports(library.texts if library is not None else ())}
    asked = [words for module, words in means.wanted.items() if module in modules]
    lines = [_pip(_in_folder(words, document.page), means) for words in asked]
    more = [words for words in required(document, edition) if words not in asked]
    lines += [_pip(words, means) for words in more]
    if means.has_environment:
        return "\n".join(lines)
    left = [module for module in modules if module not in means.wanted]
    from_lock = of_lock(left, pins, exact=means.exact)
    if library is None:
        return "\n".join([*lines, *([_pip(from_lock, means)] if from_lock else [])])
    if library.requirement:
        words = _in_folder((library.requirement,), document.page)
        return "\n".join([*lines, _pip((*from_lock, *words), means)])
    return "\n".join([*lines, *_held(library, from_lock)])


def _pip(words: Sequence[str], means: Means) -> str:
    released = [word.replace(RELEASE, f"=={means.release}") for word in words]
    return f"%pip install -q {shlex.join(released)}"


def _in_folder(words: Sequence[str], page: str) -> tuple[str, ...]:
    """Words of a requirement, with paths to what is in the notebooks' folder as a page's notebook has them.

    Old books write ``..`` for that folder, since most of their pages stand in the folder of a chapter.
    """
    here = posixpath.dirname(page) or "."
    return tuple(_path(word, here) if word in (".", "..") or word.startswith(("./", "../")) else word for word in words)


def _path(word: str, here: str) -> str:
    path = posixpath.relpath(posixpath.normpath(re.sub(r"^(?:\.\.?(?:/|$))+", "./", word)), here)
    return path if path.startswith(".") else f"./{path}"


def _held(library: Library, from_lock: Sequence[str]) -> Iterator[str]:
    """Code with the wheel in it, for books that are published nowhere: it is written to a file and installed."""
    text = "\n".join(textwrap.wrap(base64.b64encode(library.content).decode(), _WIDTH))
    yield "import base64, pathlib, tempfile"
    yield f"{_LIBRARY} = pathlib.Path(tempfile.mkdtemp(), {library.wheel!r})"
    yield f'{_LIBRARY}.write_bytes(base64.b64decode("""\n{text}\n"""))'
    yield f"%pip install -q {shlex.join(from_lock)} {{{_LIBRARY}}}".replace("  ", " ")
