"""The keys of the library: a section ``[library-TAB]`` for each framework, and the older ways to name a module."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping

from octavo.config.settings import Library
from octavo.config.values import Values
from octavo.diagnostics import Code, Severity


def libraries(values: Values, tabs: tuple[str, ...]) -> dict[str, Library]:
    """Framework → its library; frameworks without a module are missing."""
    found: dict[str, Library] = {}
    for section in values.ini.sections():
        if not section.startswith("library-"):
            continue
        tab = section.removeprefix("library-")
        if tab not in tabs:
            message = f"[{section}] is for a framework that [build] tabs does not list"
            values.tell(Severity.WARNING, Code.UNKNOWN_TAB, message, values.ini.place(section))
            continue
        file = values.text(section, "lib_file")
        if not _is_free_module(values, file, section, "lib_file", found):
            continue
        aliases = {
            "simple_alias": _aliases(values, section, "simple_alias"),
            "fluent_alias": _aliases(values, section, "fluent_alias"),
            "alias": _pairs(values, section, "alias", "="),
            "reverse_alias": _pairs(values, section, "reverse_alias", "->"),
            "args_alias": _pairs(values, section, "args_alias", "->"),
        }
        found[tab] = Library(
            tab=tab,
            file=file.removeprefix("./"),
            name=values.text(section, "lib_name"),
            written=tuple(values.ini.items(section)),
            places=tuple(
                (f"{kind} {left}", values.ini.place(section, kind, left))
                for kind, pairs in aliases.items()
                for left, _ in pairs
            ),
            **aliases,
        )
    for name, tab, file in _old_modules(values, tabs):
        if tab not in found and _is_free_module(values, file, "library", name, found):
            found[tab] = Library(tab=tab, file=file.removeprefix("./"), name="")
    return found


def _is_free_module(values: Values, file: str, section: str, name: str, libraries: Mapping[str, Library]) -> bool:
    """Whether a module can be written to; what cannot is an error, since the book has no such library then."""
    file = file.removeprefix("./")
    other = next((other for other in libraries.values() if other.file == file), None)
    span = values.ini.place(section, name, file)
    if not is_module(file):
        message = f"{name} = {file!r} is no module inside of the book"
        values.tell(Severity.ERROR, Code.CONFIG_VALUE, message, span, "such as d2l/torch.py")
    elif other is not None:
        message = f"{file} is the module of [library-{other.tab}] already"
        values.tell(Severity.ERROR, Code.CONFIG_VALUE, message, span)
    return is_module(file) and other is None


def _old_modules(values: Values, tabs: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Setting, framework and module of the ways in which d2lbook named modules before ``lib_file``."""
    for line in values.value("library", "save_patterns").split("\n"):
        parts = [part.strip() for part in line.split(",") if part.strip()]
        if len(parts) == 2 and parts[1] in tabs:
            yield "save_patterns", parts[1], parts[0]
        elif parts:
            message = f"{line.strip()!r} is no module and one of the frameworks {', '.join(tabs)}"
            values.complain("library", "save_patterns", message, "such as d2l/torch.py, pytorch", parts[0])
    file, mark = values.text("library", "save_filename"), values.text("library", "save_mark")
    if file and mark and mark.lstrip("# ") != "@save":
        message = f"cells that are marked {mark!r} are not saved"
        values.complain("library", "save_mark", message, "mark them with #@save")
    elif file:
        yield "save_filename", tabs[0], file


def _aliases(values: Values, section: str, name: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for item in re.split(r"[,\n]", values.value(section, name)):
        if not item.strip():
            continue
        left, _, right = (part.strip() for part in item.partition("->"))
        pairs.append((left.rstrip("("), (right or left).rstrip("(")))
    return tuple(pairs)


def _pairs(values: Values, section: str, name: str, separator: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for item in values.value(section, name).split("\n"):
        if not item.strip():
            continue
        left, found, right = (part.strip() for part in item.partition(separator))
        if not found or not left or not right:
            values.complain(section, name, f"{item.strip()!r} is not of the form a {separator} b", text=item.strip())
            continue
        pairs.append((left, right))
    return tuple(pairs)


def is_module(file: str) -> bool:
    """Whether a book-relative path is one that Python can import from the book's folder."""
    parts = file.removesuffix(".py").split("/")
    return file.endswith(".py") and all(part.isidentifier() and not keyword.iskeyword(part) for part in parts)
