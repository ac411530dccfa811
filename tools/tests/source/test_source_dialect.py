"""Single rules of the dialect, seen through the tokens they make."""

from __future__ import annotations

import gc
import time

import pytest
from fixture import Case, cases
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it.token import Token

from octavo.source import dialect
from octavo.source.core import plain_text
from octavo.source.lists import marker_of

MD = dialect.parser()


def outline(text: str) -> list[str]:
    """The blocks of a text and the inline tokens in them, one line a token."""
    lines: list[str] = []
    for token in MD.parse(text, {}):
        if token.type == "inline":
            lines.extend(f"  {child.type} {child.content!r}".rstrip() for child in token.children or ())
        elif not token.type.endswith("_close"):
            lines.append(token.type)
    return lines


def shown(text: str) -> str:
    """The words a reader of the book sees."""
    words: list[str] = []
    for token in MD.parse(text, {}):
        if token.type == "inline":
            words.append(plain_text(token.children or []))
        elif token.type in ("math_block", "fence", "cell"):
            words.append(token.content.strip())
    return " | ".join(words)


@pytest.mark.parametrize("case", cases("source/blocks"), ids=str)
def test_blocks(case: Case) -> None:
    assert "\n".join(outline(case["input"])) == case["expected"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("costs $5 and $6", "  text 'costs $5 and $6'"),
        ("let $x$ be", "  math_inline 'x'"),
        ("a $2^n$-fold", "  math_inline '2^n'"),
        (r"a \$5 or $6$ note", "  text 'a $5 or '"),
        ("$a *b* c$", "  math_inline 'a *b* c'"),
        ("$a\n- b$", "  math_inline 'a\\n- b'"),
        ("so $$x$$ there", "  math_inline_double 'x'"),
        ("$ a$ is no formula", "  text '$ a$ is no formula'"),
    ],
)
def test_dollars(text: str, expected: str) -> None:
    assert expected in outline(text)


@pytest.mark.parametrize(
    "text",
    [
        "$$\n- a\n| b |\n$$\n",
        "words\n$$\n- a\n| b |\n$$\nwords\n",
        "$$\n- a\n| b |$$\n",
    ],
)
def test_display_formulas_hold_lines_that_look_like_lists_and_tables(text: str) -> None:
    token = next(token for token in MD.parse(text, {}) if token.type == "math_block")
    assert token.content == "- a\n| b |"


def test_two_adjacent_formulas_are_two() -> None:
    assert outline("$$a$$\n$$b$$\n") == ["math_block", "math_block"]


def test_a_formula_in_a_list_item() -> None:
    assert outline("- words\n  $$a$$\n") == [
        "bullet_list_open",
        "list_item_open",
        "paragraph_open",
        "  text 'words'",
        "math_block",
    ]


def test_a_label_stays_with_the_formula_that_it_moves_out_of_its_paragraph() -> None:
    tokens = [t for t in MD.parse("where $$a$$\n:eqlabel:`eq_a`\n", {}) if t.type == "math_block"]
    assert [t.meta["label"] for t in tokens] == ["eq_a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[**shown**] here", "shown here"),
        ("(**shown**) here", "shown here"),
        ("[~~slide only~~]here", "here"),
        ("## [**A heading**]", "A heading"),
        ("[**over\nlines**]", "over lines"),
        ("[**over\n\nparagraphs**]", "over | paragraphs"),
        ("[**with\n$$a$$\ninside**]", "with | a | inside"),
        ("[**a link**](https://example.org)", "a link"),
        ("`[**code**]`", "[**code**]"),
        ("```text\n[**code**]\n```", "[**code**]"),
    ],
)
def test_slide_marks(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_slides_at_the_end_are_not_the_books() -> None:
    assert shown('words\n\n<!-- slides -->\n\n::: {.slide title="x"}\n@id\n:::\n') == "words"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a "quote" and it\'s', "a “quote” and it’s"),
        ("1990--2000", "1990–2000"),
        ("so---there", "so—there"),
        ("and so on...", "and so on…"),
        ("`--flag`", "--flag"),
    ],
)
def test_typography(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_lists_nest_without_blank_lines() -> None:
    assert outline("- a\n  - b\n- c\n").count("bullet_list_open") == 2


@pytest.mark.parametrize("role", [":numref:`a`", ":numref:``a``", ":numref:`` a ``", ":numref: `a`"])
def test_roles_with_one_or_two_backticks(role: str) -> None:
    (token,) = [t for t in MD.parse(f"see {role}.", {})[1].children or () if t.type == "role"]
    assert (token.meta["name"], token.content) == ("numref", "a")


def test_a_lone_picture_is_a_figure_with_its_size_and_label() -> None:
    (figure,) = MD.parse("![A $x$ caption](../img/x.svg)\n:width:`400px`\n:label:`fig_x`\n", {})
    assert figure.type == "figure"
    assert {key: figure.meta[key] for key in ("src", "alt", "width", "height", "label")} == {
        "src": "../img/x.svg",
        "alt": "A x caption",
        "width": "400px",
        "height": None,
        "label": "fig_x",
    }


def test_a_label_makes_a_figure_of_a_picture_without_a_caption() -> None:
    (figure,) = MD.parse("![](../img/x.svg)\n:label:`fig_x`\n", {})
    assert (figure.type, figure.meta["label"]) == ("figure", "fig_x")


def test_a_role_may_break_over_lines_and_later_ones_keep_their_place() -> None:
    (_, inline, _) = MD.parse(":ref:`a\nb` and :ref:`c`\n", {})
    assert [line for token, line in dialect.walk_inline(inline) if token.type == "role"] == [0, 1]


def test_a_caption_may_stand_below_its_table() -> None:
    table = next(t for t in MD.parse("| a |\n|---|\n| 1 |\n\n:Below\n:label:`tab_x`\n", {}) if t.type == "table_open")
    assert plain_text(table.meta["caption"]) == "Below"
    assert table.meta["label"] == "tab_x"


PIECES = st.sampled_from(
    [
        "word", " ", "\n", "\n\n", "$", "$$", "`", "```", "```{.python .input}\n", ":begin_tab:`a`\n", ":end_tab:\n",
        ":label:`x`\n", ":numref:`x`", ":width:`1px`\n", "[**", "**]", "(**", "**)", "[~~", "~~]", "![", "](x.svg)",
        "- ", "1. ", "> ", "| a | b |\n", "|---|---|\n", ":caption\n", "# ", "#@tab a\n", "<!-- slides -->\n",
        "    ", "\t", "---\n", "\\", "é", "\u00a0", "\x00", "文",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_nothing_that_can_be_written_breaks_the_tokeniser(text: str) -> None:
    tokens: list[Token] = MD.parse(text, {})
    lines = text.count("\n") + 1
    assert all(token.map is None or 0 <= token.map[0] <= token.map[1] <= lines for token in tokens)
    assert sum(token.nesting for token in tokens) == 0


@pytest.mark.parametrize(
    "piece",
    [
        "[**", "[** ", "(**a ", "[~~", "$", "$a ", "\\$", "$$a ", "$$a$$ b\n", "`", "` ", ":a:`", ":label:`x`\n",
        ":end_tab:\n",
        "(i) ", "(i) a\n", "~~a ", "^a", "~a", "[a](b ", "|$a|\n", "<a", "'a ", '"a ', "*a ", "- a\n$$b$$\n", "{#a} ",
        "\n", "#\n", "> ", "- $$a\n", "![a](", "[^a] ", "# a\n:label:`b`\n", "<!-- ", "|a|b|\n",
    ],
)  # fmt: skip
def test_what_is_written_five_times_as_often_takes_five_times_as_long(piece: str) -> None:
    def seconds(times: int) -> float:
        gc.disable()  # what other tests have left in memory is not to be looked through meanwhile
        start = time.process_time()
        MD.parse(piece * times, {})
        taken = time.process_time() - start
        gc.enable()
        return taken

    short = min(seconds(700) for _ in range(2))
    # 25 times, if every piece looked at all the others; and what is done at once is no matter
    assert min(seconds(3_500) for _ in range(2)) < 12 * max(short, 0.03)


def test_a_separator_that_is_no_line_end_begins_no_line() -> None:
    assert shown("a\u2028~~~\x0c~~~\x85~~~\n\n# [**Title**]") == "a\u2028~~~\x0c~~~\x85~~~ | Title"


@pytest.mark.parametrize("mark", ["> ", "- ", "1. ", "(i) ", "> - "])
def test_what_is_nested_deeper_than_any_page_is_still_there(mark: str) -> None:
    assert shown(mark * 200 + "deep\n").endswith("deep")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I. one", None),
        ("I.  one", "upper-roman"),
        ("i. one", "lower-roman"),
        ("v. five", "lower-alpha"),
        ("mix. no", None),
        ("XLII)", "upper-roman"),
        ("(a. no", None),
        ("(12) twelve", "decimal"),
        ("12) of CommonMark", None),
        ("p. 12 of it", None),
        ("a.no", None),
        ("(a)\x0bno", None),
    ],
)
def test_markers_of_fancy_lists(text: str, expected: str | None) -> None:
    marker = marker_of(text)
    assert (marker and marker.style) == expected


def test_roman_numbers() -> None:
    assert [marker_of(f"({text})").number for text in ("ii", "iv", "xl", "lxxxix")] == [2, 4, 40, 89]  # type: ignore[union-attr]
