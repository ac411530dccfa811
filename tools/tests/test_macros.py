"""Abbreviations for formulas, as the settings define them and as they are written out."""

import pytest

from octavo.macros import Macro, MacroError, expanded, in_circles, macro

KNOWN = {
    one.name: one
    for one in (
        macro(line)
        for line in (
            r"\RR = \mathbb{R}",
            r"\norm[1] = \lVert #1 \rVert",
            r"\pair[2] = (#1, #2)",
            r"\nested[1] = \norm{\norm{#1}}",
            r"\half = \frac12",
            r"\eps=\varepsilon",
            r"\odd[1] = \# #1",
        )
    )
}


@pytest.mark.parametrize(
    ("formula", "written"),
    [
        (r"\RR^n", r"\mathbb{R}^n"),
        (r"\RRR \R", r"\RRR \R"),
        (r"\norm{x}_2", r"\lVert x \rVert_2"),
        (r"\norm x", r"\lVert x \rVert"),
        (r"\norm\alpha", r"\lVert \alpha \rVert"),
        (r"\pair{a_{1}} {b}", r"(a_{1}, b)"),
        (r"\pair12", "(1, 2)"),
        (r"\nested{\RR}", r"\lVert \lVert \mathbb{R} \rVert \rVert"),
        (r"\eps x", r"\varepsilon x"),
        (r"2\eps\eps", r"2\varepsilon\varepsilon"),
        (r"\text{in $\RR$}", r"\text{in $\mathbb{R}$}"),
        (r"\\RR", r"\\RR"),
        (r"{\norm}", r"{\norm}"),
        (r"\norm", r"\norm"),
        (r"\norm{x", r"\norm{x"),
        (r"\odd{1}", r"\# 1"),
        (r"\norm{\{x\}}", r"\lVert \{x\} \rVert"),
    ],
)
def test_macros_are_written_out(formula: str, written: str) -> None:
    assert expanded(formula, KNOWN) == written


def test_a_command_ends_where_a_letter_follows() -> None:
    assert expanded(r"{\eps}x \norm{\eps}x", {**KNOWN, "norm": macro(r"\norm[1] = #1")}) == (
        r"{\varepsilon}x \varepsilon x"
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("oops", "is no macro"),
        (r"\R1 = x", "is no macro"),
        (r"\a = {x", "has braces that do not match"),
        (r"\a = x}", "has braces that do not match"),
        (r"\a = #1", "uses #1, and takes no argument"),
        (r"\a[1] = #1 #2", "uses #2, and takes one argument"),
        (r"\a[2] = #1", "takes 2 arguments, and #2 is not in it"),
    ],
)
def test_a_line_that_is_no_macro_says_why(line: str, problem: str) -> None:
    with pytest.raises(MacroError, match=f"^{problem}$"):
        macro(line)


def test_macros_that_lead_back_to_themselves_are_found() -> None:
    macros = [macro(r"\a = \b"), macro(r"\b = \c x"), macro(r"\c = \a"), macro(r"\d = \a"), macro(r"\e = \e")]
    assert [one.name for one in in_circles(macros)] == ["a", "b", "c", "e"]


def test_what_grows_without_end_stays_as_it_is() -> None:
    macros = {"a": Macro("a", 1, "#1#1" * 50)}
    assert len(expanded(r"\a{\a{\a{\a{x}}}}", macros)) < 1_000_000
