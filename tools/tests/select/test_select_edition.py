from pathlib import Path

from octavo.config import Library, Settings
from octavo.model import Cell, CellKind, Code, Document, Span
from octavo.select.edition import cut

LIBRARIES = {
    "pytorch": Library("pytorch", "d2l/torch.py", "torch", simple_alias=(("ones", "ones"),)),
    "jax": Library("jax", "d2l/jax.py", "jnp", simple_alias=(("ones", "ones"),)),
}
SETTINGS = Settings(root=Path("/nowhere"), tabs=("pytorch", "jax", "mxnet"), libraries=LIBRARIES)


def document(*texts: str, tabs: tuple[str, ...] = ("pytorch", "jax"), kind: CellKind = CellKind.CODE) -> Document:
    cells = []
    line = 1
    for index, text in enumerate(texts):
        last = line + text.count("\n") + 2
        lines = tuple(range(line + 1, last))
        cells.append(Cell(Code(text, lines), Span("a/page.md", line, last), tabs, True, index, kind))
        line = last + 2
    return Document("a/page", "a/page.md", "", tuple(cells), tabs)


def texts(page: Document, tab: str) -> list[str]:
    return [cell.code.text for cell in cut(page, tab, SETTINGS)[0].cells]


def test_marks_and_the_blank_lines_they_leave_go_and_save_stays() -> None:
    page = document("\n#@tab pytorch, jax\n#@hide_output\n\nx = 1  #@save\n# Hide code\n#@varies\ny = 2\n# %%tab jax")
    (cell,) = cut(page, "jax", SETTINGS)[0].cells
    assert cell.branches == cell.code == Code("x = 1  #@save\ny = 2", (6, 9))


def test_two_depths() -> None:
    page = document("if tab.selected('pytorch'):\n    x = d2l.ones(2)\nif tab.selected('jax'):\n    x = d2l.ones(3)")
    (cell,) = cut(page, "jax", SETTINGS)[0].cells
    assert (cell.branches.text, cell.code.text) == ("x = d2l.ones(3)", "x = jnp.ones(3)")
    assert cell.code.lines == (5,)


def test_cells_that_are_not_of_the_framework_or_become_empty_are_left_out() -> None:
    page = document("if tab.selected('pytorch'):\n    x = 1\n# note", "# only a note")
    assert texts(page, "pytorch") == ["x = 1\n# note", "# only a note"]
    assert texts(page, "jax") == ["# only a note"]
    assert texts(page, "mxnet") == []
    assert texts(document("x = 1", kind=CellKind.HEADER), "jax") == []


def test_a_framework_without_library_keeps_the_aliases() -> None:
    assert texts(document("d2l.ones(2)", tabs=("mxnet",)), "mxnet") == ["d2l.ones(2)"]


def test_messages_say_where_and_for_whom() -> None:
    page = document("x = 1\nf = tab.selected", "y = (")
    branch, syntax = cut(page, "jax", SETTINGS)[1]
    assert (branch.code.value, branch.span) == ("bad-branch", Span("a/page.md", 3, 3, 5, 12))
    assert syntax.code.value == "syntax-error"
    assert syntax.span is not None
    assert syntax.span.line == 7
    assert not syntax.tab
    assert cut(document("y = (", tabs=("jax",)), "jax", SETTINGS)[1][0].tab == "jax"
