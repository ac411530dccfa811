"""What is left of text that was printed to a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.terminal import shown


@pytest.mark.parametrize(
    ("printed", "left"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[1;38;5;208mbold\x1b[m", "bold"),
        ("10%\r50%\r100%\ndone", "100%\ndone"),
        ("loss 0.123456\rloss 0.1\n", "loss 0.1\n"),
        ("100%\r", "100%"),
        ("a\r\nb\r\r\nc", "a\nb\nc"),
        ("1/9\b\b\b2/9\nab\b\b\bx", "2/9\nxb"),
        ("\x9b31mred\x9b0m", "red"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("<script>", "<script>"),
        # two bars of tqdm, the second below the first
        ("\router 0\n\rinner 0\x1b[A\router 1\n\rinner 1\x1b[A\router 2\n\rinner 2\n", "outer 2\ninner 2\n"),
        # rich rubs its lines out and draws them again
        ("one\ntwo\r\x1b[2K\x1b[1A\x1b[2Kthree\nfour", "three\nfour"),
        ("a long word\r\x1b[Kx", "x"),
        ("abc\x1b[2Dx", "axc"),
        ("x\x1b[3Cy\x1b[Gz", "z   y"),
        ("bell\x07 and\x00 nothing", "bell and nothing"),
    ],
)
def test_text_is_as_a_terminal_would_leave_it(printed: str, left: str) -> None:
    assert shown(printed) == left


@given(st.text(alphabet="ab \n\r\b\x1b[]0123;AKJCGm\x9b\x07", max_size=60))
def test_nothing_that_was_printed_leaves_a_code_or_is_cleaned_twice(printed: str) -> None:
    left = shown(printed)
    assert shown(left) == left
    assert not set(left) & set("\r\b\x1b\x9b\x07")


def test_many_states_of_a_bar_take_no_time() -> None:
    bars = "".join(f"\r{n}% {'#' * (n % 100)}" for n in range(20_000))
    assert shown(bars) == f"19999% {'#' * 99}"
