"""Text as a terminal would show it in the end: progress bars in their last state, no colours, no control codes."""

from __future__ import annotations

import re

_ACTIVE = re.compile(r"[\r\b]|\x1b\[[0-9;]*[ABCDFGJK]|\x9b[0-9;]*[ABCDFGJK]")
"""What moves about or rubs out: else a text is what it is, less its codes."""
_PIECE = re.compile(
    r"(?P<end>\r*\n)|(?P<begin>\r)|(?P<back>\x08)"
    r"|(?:\x1b\[|\x9b)(?P<how>[0-9;]*)(?P<move>[ABCDFGJK])"
    r"|(?P<code>(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?)"
    r"|(?P<text>[^\r\n\x08\x1b\x9b]+)|(?P<rest>.)",
    re.DOTALL,
)
_CODES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
_FURTHEST = 1000
"""How many lines or columns a cursor moves at most; no screen is larger."""


def shown(text: str) -> str:
    """What is left of a text that was printed.

    A line that is begun anew by a carriage return is written anew, so that nothing of a longer state stays behind a
    shorter one; with nothing written behind it, the line stays.
    """
    if not _ACTIVE.search(text):
        return _CODES.sub("", text)
    screen = _Screen()
    for piece in _PIECE.finditer(text):
        kind = piece.lastgroup
        if kind == "text":
            screen.write(_CODES.sub("", piece["text"]))
        elif kind == "end":
            screen.down(1)
            screen.column = 0
        elif kind == "begin":
            screen.column, screen.anew = 0, True
        elif kind == "back":
            screen.column = max(0, screen.column - 1)
        elif kind == "move":
            screen.move(piece["move"], piece["how"])
    return "\n".join(screen.lines)


class _Screen:
    """Lines, and where the next letter goes."""

    def __init__(self) -> None:
        self.lines = [""]
        self.row = self.column = 0
        self.anew = False
        """Whether what is written next takes the place of the whole line."""

    def write(self, text: str) -> None:
        if not text:
            return
        line = "" if self.anew else self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[: self.column] + text + line[self.column + len(text) :]
        self.column += len(text)
        self.anew = False

    def down(self, count: int) -> None:
        self.row += count
        self.lines += [""] * (self.row + 1 - len(self.lines))
        self.anew = False

    def up(self, count: int) -> None:
        self.row = max(0, self.row - min(count, _FURTHEST))
        self.anew = False

    def move(self, how: str, count: str) -> None:
        number = int(count) if count.isdigit() and len(count) < 5 else 0
        if how in "CDG":
            self._across(number, how)
        elif how in "AF":
            self.up(number or 1)
        elif how == "B":
            self.down(min(number or 1, _FURTHEST, len(self.lines) - 1 - self.row))
        elif how == "K":
            self._rub_out(number)
        elif how == "J" and number == 0:
            self._rub_out(0)
            del self.lines[self.row + 1 :]
        if how == "F":
            self.column = 0

    def _across(self, number: int, how: str) -> None:
        column = {"C": self.column + (number or 1), "D": self.column - (number or 1), "G": number - 1}[how]
        self.column = max(0, min(column, max(self.column, _FURTHEST)))

    def _rub_out(self, which: int) -> None:
        """The rest of the line, or what stands before the cursor, or all of it."""
        line = self.lines[self.row]
        self.lines[self.row] = {0: line[: self.column], 1: " " * self.column + line[self.column :]}.get(which, "")
        self.anew = False
