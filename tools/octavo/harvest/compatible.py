"""The text of a library's module byte for byte as d2lbook writes it, for books that check such modules in.

Pages are read here from their plain text and line by line, since that is what decides the bytes: nothing of the syntax
tree is looked at, and slips of the old tool are kept. Where it breaks off, as on a method for a class that nobody
saved, something sensible is done instead. What runs depend on comes from the syntax tree in either mode
(:mod:`octavo.harvest.definitions`); only the text written differs.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import isort

from octavo.config import Library
from octavo.harvest.head import WARNING_LINE, head_of
from octavo.harvest.module import HarvestedLibrary, HarvestedName
from octavo.harvest.names import survey_tree
from octavo.model import Document
from octavo.syntax import parse

HEADER = (
    f"{WARNING_LINE}\n"
    "# The below part is generated automatically through:\n"
    "#    d2lbook build lib\n"
    "# Don't edit it directly\n\n"
)
ALIAS_HEADING = "# Alias defined in config.ini"

_FENCE = re.compile(r"(`{3,}|~{3,})(.*)")
_TAB_MARKS = (re.compile(r"# *@tab +([\w, ]+)"), re.compile(r"%%tab +([\w, ]+)"))
_ROLE = re.compile(r":([\w./\\-]+):(`[\w *+,./\\-]+`)?")
_SAVE = re.compile(r"# *@save")
_MAY_IMPORT = re.compile(r"^[ \t]*(?:from|c?import)\b", re.MULTILINE)
_ADD_METHOD = "@d2l.add_to_class"
_ADD_METHOD_TO = re.compile(r"@d2l\.add_to_class\(([.\w]+)\)")


def render(
    documents: Iterable[Document],
    library: Library,
    default_tab: str,
    existing: str | None = None,
    packages: frozenset[str] = frozenset(),
) -> str:
    """The module's text from the pages to harvest, in reading order.

    ``existing`` is the present text of the module, whose head is kept. ``packages`` are the names that the old tool
    takes for the book's own in imports; see :func:`local_packages`.
    """
    blocks: list[str] = []
    for document in documents:
        cells = _for_framework(_cells(document.text), library.tab, default_tab)
        for index, cell in enumerate(cells):
            block = _tidied("\n".join(_saved_lines(cell.text)), packages) if cell.is_code else ""
            if block:
                blocks.append(_with_label(block, _label_before(cells, index)))
    return (head_of(existing) or "") + HEADER + "\n\n".join(_merged(blocks)) + _aliases(library)


def with_text(library: HarvestedLibrary, text: str) -> HarvestedLibrary:
    """A harvested library whose module is written as ``text``: its names stand elsewhere then."""
    try:
        statements = parse(text).tree.body
    except SyntaxError:
        return replace(library, text=text, names={})
    names: dict[str, HarvestedName] = {}
    for statement in statements:
        line = min([statement.lineno, *(part.lineno for part in getattr(statement, "decorator_list", []))])
        for name in sorted(survey_tree([statement]).binds & library.names.keys()):
            names[name] = HarvestedName(library.names[name].definition, line)
    return replace(library, text=text, names=names)


def version_text(existing: str, release: str) -> str:
    """The version file with the release: each line that holds ``__version__`` is replaced, all others are kept."""
    if not release:
        return existing
    line = f'__version__ = "{release}"'
    return "\n".join(line if "__version__" in old else old for old in existing.split("\n"))


def local_packages(root: Path) -> frozenset[str]:
    """Names that imports in this book take for its own: modules and folders beside ``config.ini`` and in ``src``."""
    found = {
        entry.name.removesuffix(".py")
        for folder in (root, root / "src")
        if folder.is_dir()
        for entry in folder.iterdir()
        if entry.suffix == ".py" or entry.is_dir()
    }
    return frozenset(found - sys.stdlib_module_names)


# -- a page as the old tool sees it


@dataclass(frozen=True, slots=True)
class _Cell:
    """A part of a page: code, or any text between code. Another fence is a part of its own."""

    text: str
    is_code: bool = False

    def tabs(self, untagged: str) -> list[str]:
        """The names after the first framework mark; ``untagged`` alone when there is none. None for text."""
        if not self.is_code:
            return []
        for pattern in _TAB_MARKS:
            if mark := pattern.search(self.text):
                return [name.strip() for name in mark[1].split(",")]
        return [untagged]


@lru_cache(maxsize=1024)
def _cells(text: str) -> tuple[_Cell, ...]:
    """A page cut at its fences.

    A fence is closed by a line that holds the same mark, or a shorter one, and nothing else. There is at least one line
    between the two, and the one that closes ends with a line break.
    """
    lines = text.split("\n")
    cells: list[_Cell] = []
    prose: list[str] = []
    at = 0
    while at < len(lines):
        fence = _FENCE.fullmatch(lines[at]) if lines[at][:1] in ("`", "~") else None
        end = _closing(lines, at, fence[1]) if fence else None
        if fence is None or end is None:
            prose.append(lines[at])
            at += 1
            continue
        if "".join(prose).strip():
            cells.append(_Cell("\n".join(prose)))
        prose = []
        body = "\n".join(lines[at + 1 : end])
        if not _is_input(fence[2]):
            cells.append(_Cell("\n".join(lines[at : end + 1])))
        elif body:
            cells.append(_Cell(body, is_code=True))
        at = end + 1
    if "".join(prose).strip():
        cells.append(_Cell("\n".join(prose)))
    return tuple(cells)


def _closing(lines: Sequence[str], start: int, mark: str) -> int | None:
    for length in range(len(mark), 2, -1):
        for end in range(start + 2, len(lines) - 1):
            if lines[end] == mark[:length]:
                return end
    return None


def _is_input(info: str) -> bool:
    """Whether what stands behind an opening fence makes it a cell; a blank behind the brace makes it none."""
    words = info.lstrip().removeprefix("{").removesuffix("}").split()
    return ".input" in words or words == ["input"]


def _for_framework(cells: Sequence[_Cell], tab: str, default_tab: str) -> list[_Cell]:
    """The cells of one framework, its branches kept, and all text; nothing of a page that has no code for it.

    A page that never names a framework other than the default one, but by ``all``, has none for it.
    """
    code = [cell for cell in cells if cell.is_code]
    if code and tab != default_tab and not any(tab in cell.tabs("") for cell in code):
        return []
    kept: list[_Cell] = []
    matched = False
    for cell in cells:
        tabs = cell.tabs(default_tab)
        if not tabs:
            kept.append(cell)
        elif (tabs == ["all"] or tab in tabs) and "%load_ext d2lbook.tab" not in cell.text:
            matched = True
            kept.append(_Cell(_cut(cell.text, tab), is_code=True) if "@save" in cell.text else cell)
    return kept if matched or not code else []


def _cut(text: str, tab: str) -> str:
    """A cell without framework marks and without other frameworks' branches.

    Lines are taken away while they are walked through, so the line below a mark is not looked at; a mark found after
    branches were cut takes away the line that now stands at its number.
    """
    branches = "tab.selected" in text or "d2l.USE_" in text
    walked = kept = text.split("\n")
    at = 0
    while at < len(walked):
        if _is_mark(walked[at]) and at < len(kept):
            del kept[at]
        if branches:
            kept = _without_branches(kept, tab)
        at += 1
    return "\n".join(kept)


def _is_mark(line: str) -> bool:
    if any(pattern.search(line) for pattern in _TAB_MARKS):
        return True
    role = _ROLE.search(line) if ":" in line else None
    return role is not None and role[1] in ("begin_tab", "end_tab")


def _without_branches(lines: list[str], tab: str) -> list[str]:
    """Lines without ``if tab.selected``, told by indentation alone: ``else`` is a line like any other.

    A line that names the framework in quotes opens a branch to keep; its lines lose four characters.
    """
    mark = "tab.selected"
    if not any(mark in line for line in lines):
        mark = "d2l.USE_"
        if not any(mark in line for line in lines):
            return lines
    kept: list[str] = []
    inside: bool | None = None
    indent = 0
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if mark in line and "if" in line:
            own = (f'"{tab}"', f"'{tab}'") if mark == "tab.selected" else (f"{mark}{tab.upper()}",)
            inside = any(name in line for name in own)
            indent = depth
            continue
        if inside is not None and line.strip() and depth <= indent:
            inside = None
        if inside is not False:
            kept.append(line[4:] if inside else line)
    return kept


# -- what is saved


def _saved_lines(text: str) -> Iterator[str]:
    """For each mark: what stands left of it, then lines that begin at the margin, then indented and blank ones."""
    if "@save" not in text:
        return
    lines = text.splitlines()
    for index, line in enumerate(lines):
        mark = _SAVE.search(line)
        if mark is None:
            continue
        if left := line[: mark.start()].rstrip():
            yield left
        at = index + 1
        for belongs in (_is_at_margin, _is_below):
            while at < len(lines) and belongs(lines[at]):
                yield lines[at]
                at += 1


def _is_at_margin(line: str) -> bool:
    return line != "" and not line.startswith(" ")


def _is_below(line: str) -> bool:
    return not _is_at_margin(line)


@lru_cache(maxsize=4096)
def _tidied(block: str, packages: frozenset[str]) -> str:
    """A block with its imports sorted, without blanks at the ends of lines and blank lines around it."""
    # what isort has nothing to sort in, it gives back as it was
    if "import " in block and _MAY_IMPORT.search(block):
        # isort's own errors are for a block that asks to be skipped; of what is no Python it says all kinds of things
        with contextlib.suppress(Exception):
            block = isort.code(block, config=_isort_config(packages))
    return "\n".join(line.rstrip() for line in block.split("\n")).strip()


@lru_cache(maxsize=4)
def _isort_config(packages: frozenset[str]) -> isort.Config:
    return isort.Config(
        no_lines_before=frozenset(("FUTURE", "STDLIB", "THIRDPARTY", "FIRSTPARTY", "LOCALFOLDER")),
        known_first_party=packages,
        src_paths=(),
    )


# -- where it is defined


def _label_before(cells: Sequence[_Cell], index: int) -> str:
    """The last section label above a cell, with its backticks; the cell just above is not looked at.

    Of the first cell this makes all but the last one, those below it included.
    """
    for cell in reversed(cells[: index - 1]):
        if not cell.is_code and (label := _last_label(cell.text)):
            return label
    return ""


@lru_cache(maxsize=4096)
def _last_label(text: str) -> str:
    if ":label:" not in text or "sec_" not in text:
        return ""
    found = [name for role, name in _ROLE.findall(text) if role == "label" and "sec_" in name]
    return found[-1] if found else ""


def _with_label(block: str, label: str) -> str:
    """A block that says in a docstring of each definition where the book has it.

    A definition is all from a line that begins with ``def`` or ``class`` to the next such line. The docstring stands
    below the first line that holds ``):``, so of a class without bases in its first method.
    """
    if not label:
        return block
    first, *definitions = _cut_before(block.split("\n"), lambda line: line.startswith(("def", "class")))
    out = ["\n".join(first)] if first else []
    for lines in definitions:
        at = next((i for i, line in enumerate(lines) if "):" in line), None)
        if at is not None:
            lines = _with_note(lines, at, f'Defined in :numref:{label}"""')
        out.append("\n".join(lines))
    return "\n".join(out)


def _with_note(lines: list[str], at: int, note: str) -> list[str]:
    """A definition with a note below line ``at``, in the docstring if that is one line."""
    above, below = lines[: at + 1], lines[at + 1 :]
    if not below or "):" in below[0]:
        return [*above, f'{_indent(lines[0])}    """{note}', *below]
    indent = _indent(below[0])
    if below[0].lstrip().startswith('"""') and below[0].endswith('"""'):
        return [*above, f"{below[0][:-3]}\n\n{indent}{note}", *below[1:]]
    return [*above, f'{indent}"""{note}', *below]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _cut_before(lines: Sequence[str], begins: Callable[[str], bool]) -> list[list[str]]:
    """Lines cut before each one that begins something; what stands above the first comes first, if only nothing."""
    parts: list[list[str]] = [[]]
    for line in lines:
        if begins(line):
            parts.append([])
        parts[-1].append(line)
    return parts


# -- the module


def _merged(blocks: Iterable[str]) -> list[str]:
    """Blocks with later methods put at the end of their class; of several classes with one name, the last one's.

    A method of a class that no block above saves is left out.
    """
    merged: list[str] = []
    classes: dict[str, int] = {}
    for block in blocks:
        first = block.partition("\n")[0]
        if first.startswith("class"):
            if name := re.search(r"class +(\w+)", first):
                classes[name[1]] = len(merged)
            merged.append(block)
            continue
        own, *methods = _cut_before(block.split("\n"), lambda line: line.startswith(_ADD_METHOD))
        if own:
            merged.append("\n".join(own))
        for lines in methods:
            target = _ADD_METHOD_TO.search(lines[0])
            place = classes.get(target[1].rpartition(".")[2]) if target else None
            if place is not None:
                merged[place] += "\n\n" + "\n".join(f"    {line}" for line in lines[1:])
    return merged


def _aliases(library: Library) -> str:
    """The aliases as the settings give them, each kind in a form of its own."""
    written = dict(library.written)
    text = f"{written['alias'].strip()}\n" if "alias" in written else ""
    if "lib_name" in written:
        name = written["lib_name"]
        for alias, target in _pairs(re.split(r"[,\n]", written.get("simple_alias", ""))):
            text += f"\n{alias.removesuffix('(')} = {name}.{target.removesuffix('(')}"
        if "fluent_alias" in written:
            pairs = _pairs(re.split(r"[,\n]", written["fluent_alias"]))
            text += "\n" + "\n".join(f"{a} = lambda x, *args, **kwargs: x.{b}(*args, **kwargs)" for a, b in pairs)
        for signature, call in _pairs(written.get("args_alias", "").split("\n")):
            text += f"\ndef {signature}:\n    return {call}"
    return f"\n\n\n{ALIAS_HEADING}\n{text}\n\n" if text else ""


def _pairs(items: Iterable[str]) -> Iterator[tuple[str, str]]:
    """``a -> b`` as a pair; anything else stands for itself."""
    for item in items:
        parts = [part.strip() for part in item.split("->")]
        if item.strip():
            yield (parts[0], parts[1]) if len(parts) == 2 else (item.strip(), item.strip())
