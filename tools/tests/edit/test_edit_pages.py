"""Pages edited as notebooks: opening and saving changes no byte, an edit changes the lines of its cell and no others.

Pages are put together here from parts whose text in the notebook is known, so that what a save must give is told by
joining strings. ``OCTAVO_EDIT_BOOK`` names another book whose pages are opened and saved too.
"""

from __future__ import annotations

import copy
import functools
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from octavo import config
from octavo.edit.notebook import notebook_of, page_of
from octavo.source.reader import read
from octavo.source.toc import markdown_files

REPOSITORY = Path(__file__).resolve().parents[3]
TAB = "pytorch"
SETTINGS = config.Settings(root=Path(), tabs=("mxnet", "pytorch", "jax"))
EXAMPLES = settings(deadline=None, max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def opened(text: str, tab: str = TAB, book: config.Settings = SETTINGS, path: str = "page.md") -> dict[str, Any]:
    """A page as a browser gets it."""
    document, _ = read(path, text, book)
    notebook: dict[str, Any] = json.loads(json.dumps(notebook_of(text, document, tab, book)))
    return notebook


# -- parts of pages


@dataclass(frozen=True)
class Part:
    """What one cell shows, and what the file has around it."""

    kind: str
    """The type of the cell."""
    lead: str
    shown: str
    tail: str
    sep: str = "\n\n"

    @property
    def text(self) -> str:
        return self.lead + self.shown + self.tail


LINE = st.sampled_from(
    [
        "x = 1",
        "\tif x:  # tab",
        "    y",
        "d2l.show(x)",
        "",
        "  ",
        "if tab.selected('jax'):",
        "s = '''",
        "~~~ ",
        "# 字",
        "%time",
    ]
)
WORDS = st.sampled_from(
    [
        "Some *words*.",
        ":label:`sec_a`",
        "$$x$$",
        "- a list",
        "  - deeper",
        "> quoted",
        "| a | b |",
        "[**bold**] 字 é",
        "a\tb",
    ]
)


@st.composite
def code(draw: st.DrawFn) -> Part:
    body = "\n".join(draw(st.lists(LINE, min_size=1, max_size=4)))
    fence = draw(st.sampled_from(["```", "````", "~~~~"]))
    info = draw(
        st.sampled_from(["{.python .input}", "{.python .input  n=3}", "{.python .input #here}", " {.python .input}"])
    )
    marks = ["#@tab pytorch", "%%tab pytorch", "%%tab all", "# @tab pytorch, jax", "#@tab jax", "%%tab mxnet, jax", ""]
    mark = draw(st.sampled_from(marks))
    mine = "pytorch" in mark or "all" in mark
    if draw(st.booleans()):
        body += "\n#@save"
    if len(fence) == 4 and draw(st.booleans()):
        body += "\n```\nnested\n```"
    if mine:
        return Part("code", f"{fence}{info}\n{mark}\n", body, f"\n{fence}")
    return Part("raw", f"{fence}{info}\n", f"{mark}\n{body}" if mark else body, f"\n{fence}")


@st.composite
def words(draw: st.DrawFn) -> Part:
    body = "\n".join([draw(st.sampled_from(["# A heading", "## Another 字"])), *draw(st.lists(WORDS, max_size=3))])
    if draw(st.booleans()):
        body += "\n\n```python\nshown, not run\n```"
    return Part("markdown", "", body, "")


@st.composite
def tab_block(draw: st.DrawFn) -> Part:
    names = draw(st.sampled_from(["pytorch", "jax", "pytorch, jax", "mxnet"]))
    blank = draw(st.sampled_from(["", "\n"]))
    kind = "markdown" if "pytorch" in names else "raw"
    return Part(kind, f":begin_tab:`{names}`\n{blank}", "For some.", f"\n{blank}:end_tab:")


@st.composite
def parts(draw: st.DrawFn, least: int = 1) -> list[Part]:
    header = Part("raw", "```{.python .input}\n", "%load_ext d2lbook.tab\ntab.interact_select(['jax'])", "\n```")
    some = draw(st.lists(st.one_of(code(), words(), tab_block(), st.just(header)), min_size=least, max_size=7))
    seps = [draw(st.sampled_from(["\n\n", "\n\n\n", "\n \n"] + ["\n"] * bool(part.lead))) for part in some]
    return [replace(part, sep=sep) for part, sep in zip(some, seps, strict=True)]


@dataclass(frozen=True)
class File:
    """What the file has besides its parts."""

    bom: str
    newline: str
    end: str

    def of(self, some: Sequence[Part], seps: Sequence[str] | None = None) -> str:
        seps = seps or [part.sep for part in some]
        inner = "".join(part.text + sep for part, sep in zip(some, [*seps[: len(some) - 1], ""], strict=True))
        return self.bom + (inner + self.end).replace("\n", self.newline)


FILES = st.builds(
    File, st.sampled_from(["", "\ufeff"]), st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["", "\n", "\n\n \n"])
)
TEXTS = st.sampled_from(
    ["changed", "two\nlines", "  indented = 1", "```\nin a fence\n```", "~~~~", "#@save\n\n\nx", "字 = 1"]
)


def seps_of(some: Sequence[Part], neighbours: set[tuple[int, int]], order: Sequence[int]) -> list[str]:
    """The blank lines that a page has between its parts after they changed places."""
    seps = []
    for here, there in zip(order, [*order[1:], -1], strict=True):
        keeps = here >= 0 and here + 1 < len(some) and (some[here].sep.count("\n") > 1 or (here, there) in neighbours)
        seps.append(some[here].sep if keeps else "\n\n")
    return seps


def neighbours(some: Sequence[Part]) -> set[tuple[int, int]]:
    return {(number, number + 1) for number in range(len(some) - 1)}


FRAGMENTS = [
    *("```{.python .input}", "```", "````", "~~~", "```python", "   ```{.python .input #a}", "  ```{.python .input}"),
    *(":begin_tab:`pytorch`", ":begin_tab:`jax`", ":end_tab:", "#@tab jax", "%%tab all", "    #@tab pytorch"),
    *(
        "# Heading",
        "=====",
        "---",
        "a: 1",
        "words",
        "- item",
        "$$",
        ":label:`x`",
        "<div>",
        "[**",
        "**]",
        "    x",
        "  y",
    ),
    *("", "", " ", "\t", "\0", "\x0c", "\u2028", "%load_ext d2lbook.tab"),
]


# -- nobody edits


@EXAMPLES
@given(parts(), FILES)
def test_a_page_of_known_parts_shows_them_and_is_saved_as_it_was(some: list[Part], file: File) -> None:
    text = file.of(some)
    notebook = opened(text)
    nbformat.validate(notebook)
    assert [(cell["cell_type"], cell["source"]) for cell in notebook["cells"]] == [(p.kind, p.shown) for p in some]
    assert page_of(notebook) == text


@EXAMPLES
@given(
    st.lists(
        st.sampled_from(FRAGMENTS),
        max_size=14,
    ),
    st.lists(st.sampled_from(["\n", "\n", "\r\n", "\r"]), min_size=14, max_size=14),
    st.sampled_from(["", "\ufeff"]),
    st.booleans(),
)
def test_no_text_whatever_is_changed_by_opening_and_saving(
    lines: list[str], ends: list[str], bom: str, final: bool
) -> None:
    text = bom + "".join(line + end for line, end in zip(lines, ends, strict=False))
    text = text if final else text.rstrip("\r\n")
    for tab in SETTINGS.tabs:
        assert page_of(opened(text, tab)) == text


BOOKS = [REPOSITORY, *map(Path, filter(None, [os.environ.get("OCTAVO_EDIT_BOOK")]))]


@functools.cache
def pages_of(folder: Path) -> list[tuple[str, str]]:
    book, _ = config.load(folder)
    assert book is not None
    names = [f"{page}.md" for page in markdown_files(book)]
    assert names
    return [(name, (book.source / name).read_bytes().decode("utf-8")) for name in names]


@pytest.mark.slow
@pytest.mark.parametrize("folder", BOOKS, ids=lambda folder: folder.name)
def test_every_page_of_the_book_is_saved_as_it_was_in_every_framework(folder: Path) -> None:
    book, _ = config.load(folder)
    assert book is not None
    for path, text in pages_of(folder):
        for variant in (text, "\ufeff" + text.replace("\n", "\r\n").rstrip()):
            for tab in book.tabs:
                notebook = opened(variant, tab, book, path)
                nbformat.validate(notebook)
                assert page_of(notebook) == variant, (path, tab)
                for cell in notebook["cells"]:
                    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "printed"}]
                    cell["execution_count"] = 7
                assert page_of(notebook) == variant, (path, tab)


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["a few", "every one"])
@pytest.mark.parametrize("folder", BOOKS, ids=lambda folder: folder.name)
def test_a_word_written_into_any_cell_of_the_book_is_all_that_changes(folder: Path, every: bool) -> None:
    book, _ = config.load(folder)
    assert book is not None
    word = "<written>"
    for number, (path, text) in enumerate(pages_of(folder)[:: 1 if every else 5]):
        for tab in book.tabs if every else (book.tabs[number % len(book.tabs)],):
            notebook = opened(text, tab, book, path)
            place = 0
            for cell in notebook["cells"]:
                before = cell["source"]
                # behind a fence that ends, a word of its own line: on that line it would not end any more
                written = f"\n{word}" if before.endswith(("```", "~~~")) else word
                cell["source"] += written
                saved = page_of(notebook)
                place = saved.find(written, place)
                assert saved.replace(written, "", 1) == text, (path, tab, before)
                start = before.rpartition("\n")[2]
                assert text[:place].endswith(start), (path, tab, before)
                cell["source"] = before


# -- somebody edits


@EXAMPLES
@given(parts(), FILES, st.data())
def test_a_changed_cell_is_changed_in_the_file_and_nothing_else(
    some: list[Part], file: File, data: st.DataObject
) -> None:
    assume(file.newline in file.of(some))  # a file of one line says nothing of how its lines end
    notebook = opened(file.of(some))
    at = data.draw(st.integers(0, len(some) - 1))
    new = data.draw(TEXTS.filter(lambda text: "```" not in text and "~~~" not in text))
    notebook["cells"][at]["source"] = new
    part = some[at]
    shown = new.strip("\n") if part.lead.startswith(":") or not part.lead else new
    lead = part.lead
    if part.kind != "code" or not new.startswith(("#@tab", "%%tab")):
        assert page_of(notebook) == file.of([*some[:at], replace(part, lead=lead, shown=shown), *some[at + 1 :]])


@EXAMPLES
@given(parts(), FILES, st.data())
def test_cells_are_deleted_moved_and_added_with_what_belongs_to_them(
    some: list[Part], file: File, data: st.DataObject
) -> None:
    notebook = opened(file.of(some))
    order = list(range(len(some)))
    added: dict[int, Part] = {}
    for number in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(order) - 1)))
        what = data.draw(st.sampled_from(["delete", "move", "code", "markdown", "empty"]))
        if what == "delete" and len(order) > 1:
            del order[at], notebook["cells"][at]
        elif what == "move" and order:
            to = data.draw(st.integers(0, len(order) - 1))
            order.insert(to, order.pop(at))
            notebook["cells"].insert(to, notebook["cells"].pop(at))
        elif what in ("code", "markdown", "empty"):
            shown = f"added = {number}" if what != "empty" else " \n"
            cell = {
                "cell_type": what if what != "empty" else "code",
                "id": f"new-{number}",
                "metadata": {},
                "source": shown,
            }
            notebook["cells"].insert(at, cell)
            order.insert(at, -1 - number if what != "empty" else -100)
            fence = ("```{.python .input}\n", "\n```")
            added[-1 - number] = Part(what, *((fence[0], shown, fence[1]) if what == "code" else ("", shown, "")))
    written = [number for number in order if number != -100]
    marked = [line for part in some if part.kind in ("code", "raw") for line in part.text.split("\n")[1:2]]
    magic = sum(line.startswith("%%tab") for line in marked) * 2 > sum(
        line.startswith(("%%tab", "#@tab", "# @tab")) for line in marked
    )
    for number, part in added.items():
        if part.kind == "code":
            added[number] = replace(part, lead=part.lead + ("%%tab pytorch\n" if magic else "#@tab pytorch\n"))
    if not written:
        assert not page_of(notebook).strip("\ufeff\r\n ")
        return
    now = [some[number] if number >= 0 else added[number] for number in written]
    assert page_of(notebook) == file.of(now, seps_of(some, neighbours(some), written))


@EXAMPLES
@given(parts(), FILES, st.data())
def test_what_was_edited_is_there_when_the_page_is_opened_again(
    some: list[Part], file: File, data: st.DataObject
) -> None:
    notebook = opened(file.of(some))
    code_cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for cell in code_cells:
        cell["source"] = data.draw(TEXTS)
    again = opened(page_of(notebook))
    assert [(c["cell_type"], c["source"]) for c in again["cells"]] == [
        (c["cell_type"], c["source"]) for c in notebook["cells"]
    ]
    assert page_of(again) == page_of(notebook) == page_of(copy.deepcopy(notebook))


PAGE = """# Title
:label:`sec_title`

Words.

```{.python .input #cell}
#@tab pytorch
x = 1

y = 2
```

:begin_tab:`pytorch`
For PyTorch.
:end_tab:

```{.python .input}
#@tab jax
z = 3
```
"""


def test_the_halves_of_a_split_cell_both_keep_the_mark_and_one_the_name() -> None:
    notebook = opened(PAGE)
    whole = notebook["cells"][1]
    assert whole["source"] == "x = 1\n\ny = 2"
    half = copy.deepcopy(whole) | {"id": "half", "source": "y = 2"}
    whole["source"] = "x = 1"
    notebook["cells"].insert(2, half)
    fence = "```{.python .input%s}\n#@tab pytorch\n%s\n```\n"
    assert page_of(notebook) == PAGE.replace(
        fence % (" #cell", "x = 1\n\ny = 2"), fence % (" #cell", "x = 1") + "\n" + fence % ("", "y = 2")
    )


def test_merged_cells_are_one_cell_of_the_first_one_s_kind() -> None:
    notebook = opened(PAGE)
    code, text = notebook["cells"][1:3]
    code["source"] += "\n\n# " + text["source"]
    del notebook["cells"][2]
    expected = PAGE.replace(
        "y = 2\n```\n\n:begin_tab:`pytorch`\nFor PyTorch.\n:end_tab:", "y = 2\n\n# For PyTorch.\n```"
    )
    assert page_of(notebook) == expected


def test_a_cell_whose_type_changed_becomes_what_it_is_now() -> None:
    notebook = opened(PAGE)
    title, code, text, other = notebook["cells"]
    code["cell_type"], text["cell_type"] = "markdown", "code"
    # and stays with the frameworks that it belongs to
    assert page_of(notebook) == PAGE.replace(
        "```{.python .input #cell}\n#@tab pytorch\n", ":begin_tab:`pytorch`\n"
    ).replace(
        "y = 2\n```\n\n:begin_tab:`pytorch`\nFor PyTorch.\n:end_tab:",
        "y = 2\n:end_tab:\n\n```{.python .input}\n#@tab pytorch\nFor PyTorch.\n```",
    )
    code["cell_type"], text["cell_type"] = "code", "markdown"
    assert page_of(notebook) == PAGE
    assert other["cell_type"] == "raw" and other["metadata"]["octavo"]["tabs"] == ["jax"]
    assert other["metadata"]["editable"] is False and title["metadata"].get("editable") is not False
    other["cell_type"] = "code"
    assert page_of(notebook) == PAGE
    other["cell_type"] = "markdown"
    assert page_of(notebook).endswith("\n\n:begin_tab:`jax`\nz = 3\n:end_tab:\n")


@pytest.mark.parametrize(
    ("mark", "fence"), [("%%tab all", "y = 2"), ("%%tab mxnet, jax", ":begin_tab:`mxnet, jax`\ny = 2\n:end_tab:")]
)
def test_code_that_becomes_text_is_shared_only_where_the_code_was(mark: str, fence: str) -> None:
    text = "Above.\n\n```{.python .input}\n%s\ny = 2\n```\n\nBelow.\n"
    notebook = opened(text % mark)
    notebook["cells"][1]["cell_type"] = "markdown"
    assert page_of(notebook) == f"Above.\n\n{fence}\n\nBelow.\n"


@pytest.mark.parametrize(
    ("typed", "end"),
    [
        ("```", "\n```"),
        ("~~~~ python\nx", "\n~~~~"),
        ("- item\n\n  ```\n  x", ""),
        ("<!-- a note", "\n-->"),
        ("<script>\nx", "\n</script>"),
        ("```{.python .input}\n#@tab jax\nx", "\n```"),
        ("```\nclosed\n```", ""),
        ("a < b, ``` in a line, <b>bold</b>", ""),
        ("<div>", ""),
    ],
)
def test_what_a_cell_of_text_leaves_open_takes_in_no_other_cell(typed: str, end: str) -> None:
    for number in (0, 2):
        notebook = opened(PAGE)
        cell = notebook["cells"][number]
        before = cell["source"]
        others = [(c["cell_type"], c["source"]) for c in notebook["cells"] if c is not cell]
        cell["source"] = typed
        saved = page_of(notebook)
        # what is open in a tab block may end with the block
        assert saved in {
            PAGE.replace(before, typed + close) for close in ({end} if number == 0 else {"", end, "\n```"})
        }
        again = [(c["cell_type"], c["source"]) for c in opened(saved)["cells"]]
        assert all(other in again for other in others)
        assert page_of(opened(saved)) == saved


def test_html_directly_above_a_fence_gets_a_blank_line() -> None:
    page = "Words.\n```{.python .input}\n#@tab jax\nx = 1\n```\n"
    notebook = opened(page)
    assert page_of(notebook) == page
    notebook["cells"][0]["source"] = "<div>words"
    assert page_of(notebook) == page.replace("Words.\n", "<div>words\n\n")


@pytest.mark.parametrize(
    "text",
    [
        "\n---\n\u2028\na: 1\nwords\n===",  # a heading whose first line only looks blank
        "```{.python .input}\n%%tab jax, pytorch\n%%tab all\na = 1\n```\n",  # two marks
        "# End\n\n```\nopen",
        "# End\n\n<!-- open\n\n```{.python .input}\nx\n```\n",
        ":begin_tab:`pytorch`\n```\nopen\n:end_tab:\n",
    ],
)
def test_pages_that_look_like_none_are_saved_as_they_were(text: str) -> None:
    for tab in SETTINGS.tabs:
        for ending in ("\n", "\r\n"):
            assert page_of(opened(text.replace("\n", ending), tab)) == text.replace("\n", ending)


def test_a_mark_that_somebody_writes_takes_the_place_of_the_old_one() -> None:
    notebook = opened(PAGE)
    notebook["cells"][1]["source"] = "%%tab pytorch, jax\n" + notebook["cells"][1]["source"]
    assert page_of(notebook) == PAGE.replace("#@tab pytorch", "%%tab pytorch, jax")


def test_a_fence_grows_where_its_cell_would_close_it() -> None:
    notebook = opened(PAGE)
    notebook["cells"][1]["source"] = '"""\n```\n"""'
    saved = page_of(notebook)
    assert saved == PAGE.replace("```{.python .input #cell}", "````{.python .input #cell}").replace(
        "x = 1\n\ny = 2\n```", '"""\n```\n"""\n````'
    )
    assert opened(saved)["cells"][1]["source"] == '"""\n```\n"""'


def test_a_cell_added_to_an_empty_page_is_a_page() -> None:
    notebook = opened("")
    assert notebook["cells"] == []
    notebook["cells"] = [{"cell_type": "markdown", "metadata": {}, "source": "# New"}]
    assert page_of(notebook) == "# New\n"


def test_an_unclosed_fence_at_the_end_is_closed_when_a_cell_is_added_and_not_before() -> None:
    text = "```{.python .input}\n#@tab pytorch\nx"
    notebook = opened(text)
    assert page_of(notebook) == text
    empty = {"cell_type": "code", "metadata": {}, "source": ""}
    notebook["cells"].append(empty)
    assert page_of(notebook) == text
    notebook["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "Words."})
    assert page_of(notebook) == text + "\n```\n\nWords."


def test_metadata_that_somebody_spoilt_lose_no_text() -> None:
    notebook = opened(PAGE)
    notebook["cells"][0]["metadata"] = {"octavo": {"frame": {"kind": "prose", "lead": 3}}}
    notebook["cells"][1]["metadata"] = None
    notebook["cells"][2]["metadata"] = {"octavo": "x"}
    notebook["metadata"]["octavo"]["edit"] = []
    saved = page_of(notebook)
    for cell in notebook["cells"]:
        assert cell["source"] in saved
