import ast

import pytest
from fixture import Case, cases
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.model import Code
from octavo.select.branches import resolve_branches
from octavo.syntax import mask, parse

TABS = ("pytorch", "jax", "mxnet")


def code(text: str) -> Code:
    return Code(text, tuple(range(1, text.count("\n") + 2)))


@pytest.mark.parametrize("case", cases("select/branches"), ids=str)
def test_branches(case: Case) -> None:
    result, messages = resolve_branches(code(case["input"]), "pytorch", path="page.md", known=TABS)
    assert result.text == case["expected"]
    told = [f"{m.code.value} {m.span.line}" for m in messages if m.span]
    assert sorted(told) == case.get("messages").split("\n") if case.get("messages") else not told
    if case.get("lines"):
        assert result.lines == tuple(int(number) for number in case["lines"].split())


def test_a_syntax_error_names_the_framework_that_has_the_cell_alone() -> None:
    bad = Code("x = 1\ny = )", (10, 11))
    (message,) = resolve_branches(bad, "jax", path="page.md", alone=True)[1]
    assert message.span is not None
    assert (message.span.line, message.span.column, message.tab) == (11, 5, "jax")
    assert resolve_branches(bad, "jax", path="page.md")[1][0].tab == ""


@pytest.mark.parametrize(
    "text",
    [
        "%matplotlib inline",
        "!ls -l | grep 'x'\ny = 1",
        "files = !ls\nprint(files)",
        "x = %timeit -o f()",
        "torch.ones?\n?d2l.plot\nx??",
        "%%bash\nif [ -f x ]; then\n  echo 'it''s\nfi",
        "%%time\nx = 1",
        "for x in y:\n    !echo {x}\n    %time f(x)",
        "!pip install a \\\n   b\nx = 1",
        's = """\n%s\n!\n"""\n!ls',
        "é = 'ü'\n!echo ä",
    ],
)
def test_magics_are_masked_in_place(text: str) -> None:
    masked = mask(text)
    ast.parse(masked)
    assert [len(line.encode()) for line in masked.split("\n")] == [len(line.encode()) for line in text.split("\n")]
    assert resolve_branches(code(text), "jax") == (code(text), ())


def test_what_timeit_measures_stays_visible() -> None:
    names = {node.id for node in ast.walk(parse("%timeit f(x)\n!ls").tree) if isinstance(node, ast.Name)}
    assert names == {"f", "x"}


BODY = ["x = 1", "# note", "", 's = """a\n  b"""', "f(a,\n b)", "!ls", "%time x", "y = [i for i in z]  # end"]


@st.composite
def programs(draw: st.DrawFn, depth: int = 0) -> str:
    """Source with ifs, with branches where ``depth`` is not negative."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        if depth < 3 and draw(st.booleans()):
            heads = ["if n > 1:", "def f():", "if tab.selected('jax'):", "if n and tab.selected('jax', 'pytorch'):"]
            head = draw(st.sampled_from(heads))
            body = draw(programs(depth=depth + 1))
            lines.append(f"{head}\n{indent(body)}\n    end()")
            if head.startswith("if") and draw(st.booleans()):
                lines.append(f"else:\n{indent(draw(programs(depth=depth + 1)))}\n    end()")
        else:
            lines.append(draw(st.sampled_from(BODY)))
    return "\n".join(lines)


def indent(text: str) -> str:
    return "\n".join(f"    {line}" if line else line for line in text.split("\n"))


@given(programs(), st.sampled_from(TABS))
@settings(max_examples=150, deadline=None)
def test_whatever_compiles_still_compiles(text: str, tab: str) -> None:
    parse(text)
    result, messages = resolve_branches(code(text), tab, known=TABS)
    parse(result.text)
    assert "tab.selected" not in result.text
    assert not messages


@given(programs(), st.sampled_from(TABS))
@settings(max_examples=100, deadline=None)
def test_without_branches_nothing_changes(text: str, tab: str) -> None:
    text = text.replace("tab.selected", "tab.chosen")
    assert resolve_branches(code(text), tab)[0] == code(text)


@given(programs(), st.sampled_from(TABS))
@settings(max_examples=100, deadline=None)
def test_every_line_left_comes_from_the_line_it_names(text: str, tab: str) -> None:
    original = text.split("\n")
    result, _ = resolve_branches(code(text), tab)
    for line, number in zip(result.text.split("\n"), result.lines, strict=True):
        words = line.strip()
        assert words == "pass" or words.startswith(("if n", "else")) or words in original[number - 1]
