"""How a message looks in a terminal."""

from __future__ import annotations

import unicodedata

import pytest

from octavo.diagnostics import EXCERPT_WIDTH, Code, Diagnostics, error, format_diagnostic, warning
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


def test_a_failure_shows_its_cell_its_machine_and_what_repeats_it() -> None:
    page = ["```", "a = 1", "b = 2", "", "c = a + b", "d = c", "fails(d)", "e = 5", "f = 6", "```"]
    message = error(
        Code.CELL_FAILED,
        "NameError: fails",
        Span("a.md", 7, 7),
        tab="jax",
        host="gpu-3",
        within=Span("a.md", 2, 9),
        detail=("Traceback",),
        hint="mend it",
        command="octavo run a.md --tab jax",
    )
    assert format_diagnostic(message, lambda path, number: page[number - 1]).split("\n") == [
        "a.md:7: error[cell-failed]: NameError: fails (jax on gpu-3)",
        " 4 |",
        " 5 | c = a + b",
        " 6 | d = c",
        " 7 | fails(d)",
        "   | ^^^^^^^^",
        " 8 | e = 5",
        "   Traceback",
        "   hint: mend it",
        "   reproduce: octavo run a.md --tab jax",
    ]


def test_nothing_that_pages_and_cells_say_speaks_to_the_terminal() -> None:
    bad = "a\x1b]0;own\x07\x9b2J\r\ud800"
    told = error(Code.CELL_FAILED, bad, Span(f"{bad}.md", 1, 1), hint=bad, detail=(bad, f"in\n{bad}"), command=bad)
    text = format_diagnostic(told, lambda path, line: bad)
    assert not [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cs")]
    assert text.count("]0;own") == 7
    assert "in\na" in text


def test_numbers_of_lines_are_as_wide_as_the_widest() -> None:
    message = error(Code.CELL_FAILED, "x", Span("a.md", 9, 9), within=Span("a.md", 8, 10))
    shown = format_diagnostic(message, lambda path, number: f"line {number}").split("\n")[1:]
    assert shown == ["  8 | line 8", "  9 | line 9", "    | ^^^^^^", " 10 | line 10"]


def test_what_is_wrong_in_several_frameworks_is_told_once() -> None:
    told = Diagnostics()
    for tab in ("pytorch", "jax", "jax"):
        told.add(warning(Code.DUPLICATE_DEFINITION, "f is saved twice", Span("a.md", 3, 3), tab=tab))
        told.add(error(Code.CELL_FAILED, "x", Span("a.md", 4, 4), tab=tab, command=f"octavo run a.md --tab {tab}"))
        told.add(error(Code.ENVIRONMENT, "no network", tab=tab))
    assert [(m.code.value, m.tab) for m in told] == [
        ("duplicate-definition", "pytorch, jax"),
        ("cell-failed", "pytorch"),
        ("cell-failed", "jax"),
        ("environment", "pytorch"),
        ("environment", "jax"),
    ]
    assert len(told) == 5
    again = Diagnostics()
    again.add(*told, *told)
    assert list(again) == list(told), "told from a receipt as at first"
