"""Lines of the manuscript → the author's lines, by the marks that stand in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from octavo.diagnostics import ReadLine
from octavo.manuscript import marked
from octavo.model import Span

_LONGEST_BLOCK = 200
"""How many of the author's lines are looked at, where no next mark says how far a block goes."""
_SHORTEST_RUNAWAY = 3
"""How many words of what LaTeX took for an argument are enough to find it again."""


@dataclass(frozen=True, slots=True)
class _Mark:
    at: int
    """Line of the manuscript."""
    path: str
    line: int


class Places:
    """Where the author wrote what stands in a manuscript."""

    def __init__(self, manuscript: str, read_line: ReadLine = lambda path, line: None) -> None:
        self._lines = manuscript.split("\n")
        self._read_line = read_line
        self._marks = [
            _Mark(number, *place)
            for number, text in enumerate(self._lines, 1)
            if text.startswith("%:") and (place := marked(text)) is not None and _inside(place[0])
        ]
        self._starts = [mark.at for mark in self._marks]
        self._blocks: dict[int, list[tuple[int, str]]] = {}

    @classmethod
    def of(cls, main: Path, read_line: ReadLine) -> Places:
        """Those of the manuscript in a file; none if it cannot be read."""
        try:
            return cls(main.read_text(encoding="utf-8", errors="replace"), read_line)
        except OSError:
            return cls("")

    def at(self, line: int | None, words: str = "", token: str = "") -> Span | None:
        """Where the author wrote what stands in a line of the manuscript; ``None`` before the first mark.

        A mark says where a paragraph, a formula or a cell begins. Of its lines the one is meant that has ``token``, a
        command for example, or else shares the most words with the manuscript's line, or with ``words``.
        """
        if line is None:
            return None
        number = bisect_right(self._starts, line) - 1
        if number < 0:
            return None
        mark = self._marks[number]
        block = self._block(number)
        if token:
            pattern = re.compile(re.escape(token) + (r"(?![^\W\d_])" if token[-1].isalpha() else ""))
            for author, text in block:
                if found := pattern.search(text):
                    return Span(mark.path, author, author, found.start() + 1, len(token))
        wanted = set(_words(words or self._line(line)))
        common = [len(wanted.intersection(_words(text))) for _, text in block]
        author = block[common.index(max(common))][0] if any(common) else mark.line
        return Span(mark.path, author, author)

    def of_text(self, text: str) -> list[Span]:
        """Where the author wrote it, once for each time that it stands in the manuscript, in that order."""
        found = (
            (self.at(number, token=text), line.count(text))
            for number, line in enumerate(self._lines, 1)
            if text in line
        )
        return [span for span, times in found if span is not None for _ in range(times)]

    def of_runaway(self, text: str) -> int | None:
        r"""The line of the manuscript where an argument without end begins, as TeX shows it: ``{x + \) that \par``."""
        words = re.findall(r"\\[A-Za-z@]+|\S", text.split("\\ETC.")[0])[:40]
        if len(words) < _SHORTEST_RUNAWAY:
            return None
        between = r"(?:\s|%[^\n]*\n)*"
        pattern = between.join(between if word == r"\par" else re.escape(word) for word in words)
        found = re.search(pattern, "\n".join(self._lines))
        return "\n".join(self._lines).count("\n", 0, found.start()) + 1 if found else None

    def _block(self, number: int) -> list[tuple[int, str]]:
        """Number and text of the author's lines that a mark is for."""
        if number not in self._blocks:
            mark = self._marks[number]
            block: list[tuple[int, str]] = []
            for line in range(mark.line, self._end(number)):
                text = self._read_line(mark.path, line)
                if text is None:
                    break
                block.append((line, text))
            self._blocks[number] = block
        return self._blocks[number]

    def _end(self, number: int) -> int:
        """The author's line before which a block ends, at the latest."""
        mark = self._marks[number]
        for later in self._marks[number + 1 :]:
            if later.path != mark.path:
                return mark.line + later.at - mark.at
            if later.line > mark.line:
                return min(later.line, mark.line + _LONGEST_BLOCK)
        return mark.line + _LONGEST_BLOCK

    def _line(self, number: int) -> str:
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""


def _inside(path: str) -> bool:
    """Whether it is a file of the book: a mark may be text that an author wrote."""
    parts: Sequence[str] = PurePosixPath(path).parts
    return bool(parts) and not PurePosixPath(path).is_absolute() and ".." not in parts


def _words(text: str) -> list[str]:
    return re.findall(r"\\?[^\W\d_]{2,}|\d+", text)
