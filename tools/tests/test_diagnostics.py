"""How a message looks in a terminal."""

from __future__ import annotations

import pytest

from octavo.diagnostics import EXCERPT_WIDTH, Code, error, format_diagnostic
from octavo.model import Span


def excerpt(line: str, column: int, width: int) -> tuple[str, str]:
    message = error(Code.MARKUP, "x", Span("a.md", 7, 7, column, width))
    _, shown, caret = format_diagnostic(message, lambda path, number: line).split("\n")
    return shown.removeprefix(" 7 | "), caret.removeprefix("   | ")


@pytest.mark.parametrize(
    ("line", "column", "width", "shown", "caret"),
    [
        ("see :a:`b`", 5, 3, "see :a:`b`", "    ^^^"),
        ("\tx = 1", 2, 1, "    x = 1", "    ^"),
        ("a\tx", 3, 1, "a   x", "    ^"),
        ("见 :a: 图", 3, 3, "见 :a: 图", "   ^^^"),
        ("一二三", 2, 2, "一二三", "  ^^^^"),
        ("e\u0301 x", 4, 1, "e\u0301 x", "  ^"),
        ("  words", 0, 0, "  words", "  ^^^^^"),
        ("a\x1b[31m\x00\u2028b", 9, 1, "a�[31m��b", "        ^"),
        ("short", 40, 3, "short", "     ^"),
    ],
)
def test_the_caret_stands_below_what_is_meant(line: str, column: int, width: int, shown: str, caret: str) -> None:
    assert excerpt(line, column, width) == (shown, caret)


def test_of_a_long_line_the_part_around_the_place_is_shown() -> None:
    shown, caret = excerpt("a" * 50_000 + "HERE" + "b" * 50_000, 50_001, 4)
    assert len(shown) == EXCERPT_WIDTH + 2
    assert (shown[0], shown[-1]) == ("…", "…")
    assert shown[caret.index("^") : caret.rindex("^") + 1] == "HERE"
