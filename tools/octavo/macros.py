r"""Abbreviations for formulas: ``\norm[1] = \lVert #1 \rVert`` in the book's settings.

The website's converter knows them as they are; for everybody else, :func:`expanded` writes them out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

LONGEST = 10_000
"""How many characters a macro may come to once it is written out."""
MOST = 1000
"""How many macros are written out in one formula; the converter has the same limit."""

_LINE = re.compile(r"\\([A-Za-z]+)[ \t]*(?:\[(\d)\])?[ \t]*=(.*)", re.DOTALL)
_COMMAND = re.compile(r"\\(?:([A-Za-z]+)|.)", re.DOTALL)
_PARAMETER = re.compile(r"\\.|#(.?)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Macro:
    """A command of the author's."""

    name: str
    """Without its backslash."""
    arguments: int
    text: str
    """What it stands for; ``#1`` is its first argument."""

    @property
    def head(self) -> str:
        r"""How TeX defines it, up to what it stands for: ``\norm[1]``."""
        return f"\\{self.name}" + (f"[{self.arguments}]" if self.arguments else "")


class MacroError(ValueError):
    """A line that defines no macro; the message says why."""


def macro(line: str) -> Macro:
    """The macro that a line of the settings defines; raises :class:`MacroError`."""
    match = _LINE.fullmatch(line.strip())
    if match is None:
        raise MacroError("is no macro")
    found = Macro(match[1], int(match[2] or 0), match[3].strip())
    wanted = {str(number) for number in range(1, found.arguments + 1)}
    used = {place[1] for place in _PARAMETER.finditer(found.text) if place[1] is not None}
    if not _is_balanced(found.text):
        raise MacroError("has braces that do not match")
    for strange in sorted(used - wanted):
        raise MacroError(f"uses #{strange}, and takes {_arguments(found.arguments)}")
    for unused in sorted(wanted - used):
        raise MacroError(f"takes {_arguments(found.arguments)}, and #{unused} is not in it")
    return found


def _arguments(count: int) -> str:
    return {0: "no argument", 1: "one argument"}.get(count, f"{count} arguments")


def in_circles(macros: Sequence[Macro]) -> Iterator[Macro]:
    """The macros that stand for something with themselves in it."""
    uses = {one.name: {match[1] for match in _COMMAND.finditer(one.text) if match[1]} for one in macros}
    for one in macros:
        seen: set[str] = set()
        ahead = set(uses[one.name])
        while ahead:
            name = ahead.pop()
            if name not in seen:
                seen.add(name)
                ahead |= uses.get(name, set())
        if one.name in seen:
            yield one


def calls(tex: str, macros: Mapping[str, Macro]) -> Iterator[tuple[int, int, str]]:
    """Where a formula has a macro, with its arguments, and what that is written out.

    One whose arguments are not all there is left as it stands, and so is one that grows too long.
    """
    yield from _calls(tex, macros, [MOST])


def _calls(tex: str, macros: Mapping[str, Macro], left: list[int]) -> Iterator[tuple[int, int, str]]:
    """:func:`calls`, as long as there are some ``left`` to write out."""
    index = 0
    while match := _COMMAND.search(tex, index):
        index = match.end()
        one = macros.get(match[1] or "")
        found = _arguments_behind(tex, index, one.arguments) if one is not None else None
        if one is None or found is None or left[0] <= 0:
            continue
        left[0] -= 1
        values, index = found
        written = _written(_filled(one.text, values), macros, left)
        if len(written) <= LONGEST:
            # a command's name ends at what is no letter
            apart = " " if re.search(r"\\[A-Za-z]+$", written) and tex[index : index + 1].isalpha() else ""
            yield match.start(), index, written + apart


def expanded(tex: str, macros: Mapping[str, Macro]) -> str:
    """The formula with its macros written out."""
    return _written(tex, macros, [MOST])


def _written(tex: str, macros: Mapping[str, Macro], left: list[int]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end, written in _calls(tex, macros, left):
        pieces += [tex[done:start], written]
        done = end
    return "".join([*pieces, tex[done:]])


def _filled(text: str, values: Sequence[str]) -> str:
    return _PARAMETER.sub(lambda place: values[int(place[1]) - 1] if place[1] else place[0], text)


def _arguments_behind(tex: str, index: int, count: int) -> tuple[list[str], int] | None:
    """That many arguments from ``index`` on, and where they end: groups without their braces, commands, or signs."""
    values: list[str] = []
    for _ in range(count):
        while tex[index : index + 1].isspace():
            index += 1
        if index >= len(tex) or tex[index] == "}":
            return None
        if tex[index] == "{":
            end = group_end(tex, index + 1)
            if end == len(tex):
                return None
            values.append(tex[index + 1 : end])
            index = end + 1
        else:
            match = _COMMAND.match(tex, index)
            end = match.end() if match else index + 1
            values.append(tex[index:end])
            index = end
    return values, index


def group_end(tex: str, index: int) -> int:
    """Where the group that has begun before ``index`` ends: at its brace, or at the end of the formula."""
    depth = 1
    while index < len(tex):
        if tex[index] == "\\":
            index += 1
        else:
            depth += {"{": 1, "}": -1}.get(tex[index], 0)
            if depth == 0:
                return index
        index += 1
    return len(tex)


def _is_balanced(tex: str) -> bool:
    end = group_end(tex + "}", 0)
    return end == len(tex)
