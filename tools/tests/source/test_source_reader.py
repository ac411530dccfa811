"""Pages as an author writes them, and what the reader makes of them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from fixture import Case, cases
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.config import Settings
from octavo.diagnostics import Diagnostic, format_diagnostic
from octavo.model import Cell, CellKind, Document, Prose
from octavo.source.reader import read

TABS = ("pytorch", "jax", "mxnet")


def page(
    text: str, *, untagged: str = "default", tabs: tuple[str, ...] = TABS
) -> tuple[Document, tuple[Diagnostic, ...]]:
    settings = Settings(root=Path("/book"), tabs=tabs, untagged=untagged)  # type: ignore[arg-type]
    return read("chapter_x/page.md", dedent(text), settings)


def clean(text: str, **options: str) -> Document:
    document, messages = page(text, **options)  # type: ignore[arg-type]
    assert [m.message for m in messages] == []
    return document


def told(text: str) -> list[str]:
    """Every message as a terminal shows it, without the excerpt."""
    _, messages = page(text)
    return [format_diagnostic(m, lambda path, line: None) for m in messages]


def test_cells_and_prose_alternate_and_remember_their_lines() -> None:
    document = clean(
        """\
        # Title

        Some words.

        ```{.python .input}
        #@tab pytorch
        x = 1
        y = 2
        ```

        More words.
        """
    )
    first, cell, last = document.items
    assert isinstance(first, Prose) and first.text == "# Title\n\nSome words." and first.span.line == 1
    assert isinstance(cell, Cell)
    assert (cell.span.line, cell.span.end) == (5, 9)
    assert cell.code.text == "#@tab pytorch\nx = 1\ny = 2"
    assert cell.code.lines == (6, 7, 8)
    assert isinstance(last, Prose) and (last.span.line, last.span.end) == (11, 11)
    assert document.title == "Title"
    assert document.page == "chapter_x/page"


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        ("#@tab pytorch", ("pytorch",)),
        ("#@tab jax,pytorch", ("pytorch", "jax")),
        ("#@tab mxnet ,  jax", ("jax", "mxnet")),
        ("%%tab jax", ("jax",)),
        ("#@tab all", TABS),
        ("# @tab mxnet", ("mxnet",)),
    ],
)
def test_a_mark_names_frameworks_in_any_spacing(mark: str, expected: tuple[str, ...]) -> None:
    document = clean(f"```{{.python .input}}\n{mark}\nx = 1\n```\n")
    assert document.cells[0].tabs == expected
    assert document.tabs == expected


def test_a_cell_without_mark_follows_the_setting() -> None:
    text = "```{.python .input}\nx = 1\n```\n"
    assert clean(text).cells[0].tabs == ("pytorch",)
    assert clean(text, untagged="all").cells[0].tabs == TABS


def test_a_page_without_code_exists_in_every_framework() -> None:
    assert clean("# Only words\n").tabs == TABS


def test_attributes_and_ids_of_a_fence() -> None:
    cell = clean("```{.python .input #load-data  n=3}\nx = 1\n```\n").cells[0]
    assert cell.id == "load-data"
    assert cell.attributes == (("n", "3"),)


@pytest.mark.parametrize("fence", ["```bash", "```text", "```", "```python", "````{.python}"])
def test_other_fences_are_prose(fence: str) -> None:
    document = clean(f"{fence}\n#@tab jax\n{fence[: fence.count('`')]}\n")
    assert document.cells == ()


def test_a_longer_fence_holds_shorter_ones() -> None:
    document = clean("````text\n```{.python .input}\nx = 1\n```\n````\n")
    assert document.cells == ()


def test_the_header_cell_is_known_and_makes_no_page() -> None:
    document = clean(
        """\
        ```{.python .input}
        %load_ext d2lbook.tab
        tab.interact_select('mxnet', 'pytorch')
        ```

        ```{.python .input}
        #@tab jax
        x = 1
        ```
        """
    )
    assert document.cells[0].kind is CellKind.HEADER
    assert document.tabs == ("jax",)


@pytest.mark.parametrize(
    ("line", "code", "output"),
    [
        ("# Hide code", True, False),
        ("# Hide outputs", False, True),
        ("#@hide", True, True),
        ("#@hide_all", True, True),
        ("#@hide_code", True, False),
        ("#@hide_output", False, True),
    ],
)
def test_what_a_reader_does_not_see(line: str, code: bool, output: bool) -> None:
    cell = clean(f"```{{.python .input}}\n{line}\nx = 1\n```\n").cells[0]
    assert (cell.hide_code, cell.hide_output) == (code, output)


def test_tab_blocks_are_prose_of_their_frameworks() -> None:
    document = clean(
        """\
        Before.
        :begin_tab:`pytorch, jax`
        Inside.
        :end_tab:
        After.
        """
    )
    assert [(item.text, item.tabs) for item in document.items if isinstance(item, Prose)] == [
        ("Before.", None),
        ("Inside.", ("pytorch", "jax")),
        ("After.", None),
    ]


def test_a_fence_inside_a_tab_block_may_speak_of_tab_blocks() -> None:
    document = clean(":begin_tab:`jax`\n```text\n:end_tab:\n```\nstill inside\n:end_tab:\n")
    (prose,) = document.items
    assert isinstance(prose, Prose) and prose.text.endswith("still inside")


def test_a_second_begin_closes_an_unclosed_block_and_says_so() -> None:
    text = ":begin_tab:`jax`\none\n\n:begin_tab:`mxnet`\ntwo\n:end_tab:\n"
    assert told(text) == [
        "chapter_x/page.md:1: warning[unclosed-tab]: the tab block for jax is not closed\n"
        "   hint: add a line :end_tab: before line 4"
    ]
    document, _ = page(text)
    assert [(i.text, i.tabs) for i in document.items if isinstance(i, Prose)] == [
        ("one", ("jax",)),
        ("two", ("mxnet",)),
    ]


def test_an_unclosed_block_ends_before_the_next_cell() -> None:
    document, messages = page(":begin_tab:`jax`\none\n\n```{.python .input}\nx = 1\n```\n")
    assert [m.code.value for m in messages] == ["unclosed-tab"]
    assert len(document.cells) == 1


def test_labels_know_what_carries_them() -> None:
    document = clean(
        """\
        # Heading
        :label:`sec_glued`
        Prose glued to the label.

        ## Another

        :label:`sec_after_blank`

        ![A picture
        over lines, with $a]$ and a `]`.](../img/a.svg)
        :width:`400px`
        :label:`fig_a`

        $$x = 1$$
        :eqlabel:`eq_next_line`

        $$
        y = 2
        $$ :eqlabel:`eq_same_line`

        $$z = 3$$

        :eqlabel:`eq_after_blank`

        :A caption

        | a | b |
        |---|---|
        | 1 | 2 |
        :label:`tab_after`

        :Another caption

        :label:`tab_before`

        | a | b |
        |---|---|
        | 1 | 2 |
        """
    )
    assert [(label.name, label.kind) for label in document.labels] == [
        ("sec_glued", "section"),
        ("sec_after_blank", "section"),
        ("fig_a", "figure"),
        ("eq_next_line", "equation"),
        ("eq_same_line", "equation"),
        ("eq_after_blank", "equation"),
        ("tab_after", "table"),
        ("tab_before", "table"),
    ]
    lines = document.text.split("\n")
    assert all(label.name in lines[label.span.line - 1] for label in document.labels)


def test_references_and_citations_keep_their_places() -> None:
    document = clean(
        """\
        See :numref:`sec_a`, :ref:`` sec_b `` and
        :eqref:`eq_c`; also :cite:`Knuth.1984, Lovelace.1843`
        or :citet:`Turing.1936`. ![small](../img/b.png) in a line.
        """
    )
    assert [(r.kind, r.role, r.target, r.span.line) for r in document.references] == [
        ("label", "numref", "sec_a", 1),
        ("label", "ref", "sec_b", 1),
        ("label", "eqref", "eq_c", 2),
        ("citation", "cite", "Knuth.1984", 2),
        ("citation", "cite", "Lovelace.1843", 2),
        ("citation", "citet", "Turing.1936", 3),
        ("image", "", "../img/b.png", 3),
    ]


def test_a_table_of_contents_names_pages_from_its_own_folder() -> None:
    document = clean(
        """\
        # Chapter

        ```toc
        :maxdepth: 2
        :numbered:

        one
        ../chapter_y/two.md
        ```
        """
    )
    assert [(entry.page, entry.numbered, entry.span.line) for entry in document.toc] == [
        ("chapter_x/one", True, 7),
        ("chapter_y/two", True, 8),
    ]


def test_front_matter_is_a_mapping() -> None:
    assert clean("---\ntitle: x\n---\n# Heading\n").front_matter == {"title": "x"}


MESSAGES = [
    (
        "unknown role",
        "Words with :numreff:`sec_a` inside.\n",
        "chapter_x/page.md:1: error[unknown-role]: there is no role :numreff:\n   hint: did you mean :numref:?",
    ),
    (
        "stray end",
        "Words.\n:end_tab:\n",
        "chapter_x/page.md:2: warning[stray-end-tab]: :end_tab: without a :begin_tab: before it\n"
        "   hint: remove the line, or open the block with :begin_tab:`framework`",
    ),
    (
        "unknown framework",
        "```{.python .input}\n#@tab jaxx\nx = 1\n```\n",
        "chapter_x/page.md:2: error[unknown-tab]: there is no framework 'jaxx' in this book\n"
        "   hint: did you mean 'jax'?",
    ),
    (
        "mark in mid-cell",
        "```{.python .input}\nx = 1\n#@tab jax\n```\n",
        "chapter_x/page.md:3: warning[misplaced-mark]: the framework mark is not the first line of its cell\n"
        "   hint: move it to the line after the opening fence",
    ),
    (
        "mark inside a comment",
        "```{.python .input}\n# %%tab jax\nx = 1\n```\n",
        "chapter_x/page.md:2: warning[misplaced-mark]: the framework mark is not alone on its line\n"
        "   hint: move it to the line after the opening fence",
    ),
    (
        "unclosed fence",
        "Words.\n\n```{.python .input}\n#@tab jax\nx = 1\n",
        "chapter_x/page.md:3: error[unclosed-fence]: this ``` fence is not closed\n"
        "   hint: add a line ``` where it should end",
    ),
    (
        "label of nothing",
        "Just words.\n\n:label:`sec_lost`\n",
        "chapter_x/page.md:3: warning[misplaced-label]: :label:`sec_lost` does not follow a heading, figure, table or"
        " equation\n   hint: put it on the line after a heading, figure, table or equation",
    ),
    (
        "broken front matter",
        "---\ntitle: [\n---\n# Heading\n",
        "chapter_x/page.md:2: error[markup]: the front matter is not valid YAML: expected the node content, but found"
        " '<stream end>'",
    ),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in MESSAGES], ids=[case[0] for case in MESSAGES])
def test_messages_name_the_place_and_the_way_out(text: str, expected: str) -> None:
    assert told(text) == [expected]


def test_windows_line_ends_and_a_missing_final_newline_read_the_same() -> None:
    text = "# Title\n\n```{.python .input}\n#@tab jax\nx = 1\n```"
    plain, windows = clean(text), clean(text.replace("\n", "\r\n"))
    assert plain.items == windows.items


@pytest.mark.parametrize("case", cases("source/messages"), ids=str)
def test_messages(case: Case) -> None:
    _, messages = page(case["input"])
    found = sorted((m.code.value, m.span.line, m.span.column, m.message) for m in messages if m.span)
    assert [f"{code} {line}:{column} {text}" for code, line, column, text in found] == case["expected"].split("\n")


@pytest.mark.parametrize("case", cases("source/places"), ids=str)
def test_places(case: Case) -> None:
    references = page(case["input"])[0].references
    assert "\n".join(f"{r.target} {r.span.line}:{r.span.column}" for r in references) == case["expected"]


def test_an_unclosed_block_keeps_a_last_line_that_only_begins_like_an_end() -> None:
    document, _ = page(":begin_tab:`jax`\n:end_tab: or not\n")
    assert [item.text for item in document.items if isinstance(item, Prose)] == [":end_tab: or not"]


@pytest.mark.parametrize(
    "text",
    ["---\n" + "[" * 3000 + "\n---\n", "---\nx: !!timestamp y\n---\n", "---\n? [a]: b\n---\n", "---\nx: \x01\n---\n"],
)
def test_front_matter_that_cannot_be_read_is_told(text: str) -> None:
    assert [m.code.value for m in page(text)[1]] == ["markup"]


@given(st.text(st.sampled_from("\n\r\t\x0c\x00\u2028\ud800\ufeff`~$*[](){}<>|:#@-_ \\ax1.!&^'\""), max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_text_is_lost_and_nothing_raises(text: str) -> None:
    document, messages = page(text)
    lines = document.text.split("\n")
    told = {line for item in document.items for line in range(item.span.line, item.span.end + 1)}
    marks = (":begin_tab:", ":end_tab:")
    left = [text for number, text in enumerate(lines, 1) if number not in told]
    assert all(not line.strip() or line.strip().startswith(marks) for line in left)
    assert all(1 <= m.span.line <= len(lines) for m in messages if m.span)
