"""What reaches the kernel: cells without comments and blank lines, meaning the same."""

# ruff: noqa: E501 - a case of a table stands on one line
from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.execute.freshness.code import executed, executed_text, looks_at_source
from octavo.model import Code


def code(text: str, first: int = 11) -> Code:
    return Code(text, tuple(range(first, first + text.count("\n") + 1)))


@pytest.mark.parametrize(
    ("text", "expected", "lines"),
    [
        ("x = 1", "x = 1", (11,)),
        ("# a\nx = 1", "x = 1", (12,)),
        ("x = 1  # a", "x = 1", (11,)),
        ("x = 1;  # a", "x = 1;", (11,)),
        ("\n\nx = 1\n\n\ny = 2\n", "x = 1\ny = 2", (13, 16)),
        ("# only\n# comments", "", (11,)),
        ("   \n", "", (11,)),
        # a comment is the last line of a block, or stands between its lines
        ("if x:\n    y = 1\n    # end", "if x:\n    y = 1", (11, 12)),
        ("if x:\n# odd\n        # odder\n    y = 1", "if x:\n    y = 1", (11, 14)),
        ("def f():\n    # nothing yet\n    ...\nf()", "def f():\n    ...\nf()", (11, 13, 14)),
        # inside of brackets
        ("f(1,  # one\n\n  # two\n  2)", "f(1,\n  2)", (11, 14)),
        # strings are not touched
        ('s = "# no"  # yes', 's = "# no"', (11,)),
        ('s = """a  \n\n# no\n"""  # yes', 's = """a  \n\n# no\n"""', (11, 12, 13, 14)),
        ("f'''{x}\n\n # no\n'''", "f'''{x}\n\n # no\n'''", (11, 12, 13, 14)),
        ("f'# {x} #'  # yes", "f'# {x} #'", (11,)),
        ('def f():\n    """Doc.\n\n    # no\n    """\n    # yes', 'def f():\n    """Doc.\n\n    # no\n    """', tuple(range(11, 16))),
        ("s = 'a\\\n\\\n'  # b", "s = 'a\\\n\\\n'", (11, 12, 13)),
        # a backslash at the end of a line
        ("x = 1 + \\\n    2  # c", "x = 1 + \\\n    2", (11, 12)),
        ("x = 1 \\\n\ny = 2  # c", "x = 1 \\\n\ny = 2  # c", (11, 12, 13)),
        # comments with a meaning to others
        ("x = []  # type: list", "x = []", (11,)),
        ("# -*- coding: latin-1 -*-\nx = 'é'", "x = 'é'", (12,)),
        # no plain Python: as it is
        ("%matplotlib inline\nx = 1  # a", "%matplotlib inline\nx = 1  # a", (11, 12)),
        ("!ls  # a", "!ls  # a", (11,)),
        ("x?", "x?", (11,)),
        ("x = (  # a", "x = (  # a", (11,)),
        ("x =  # a", "x =  # a", (11,)),
    ],
)  # fmt: skip
def test_executed(text: str, expected: str, lines: tuple[int, ...]) -> None:
    assert executed(code(text)) == Code(expected, lines)


STATEMENTS = st.recursive(
    st.sampled_from(
        [
            "x = 1", "f(1, 2)", "x;", 's = "# no"', "s = '''a\n\n  # no\n b'''", 'f"{x}#{y!r}"', "(a,\n b)", "x = \\\n 2",
            "async def g(): await x", "lambda: 0", "{1: 2,\n 3: 4}", "s = ('a'\n     'b')", "f'''{\nx}\n\n#'''", "pass",
        ]
    ),
    lambda inner: st.tuples(
        st.sampled_from(["if x:", "for i in y:", "def f(a, b=1):", "class A(B):", "while True:", "with z as w:", "try:"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
)  # fmt: skip


def written(statement: object, indent: str = "") -> list[str]:
    """The lines of a statement as they may be commented; a string's own lines are one item with its statement."""
    if isinstance(statement, str):
        return [indent + statement]
    head, body = statement  # type: ignore[misc]
    lines = [indent + head, *(line for part in body for line in written(part, indent + "    "))]
    return [*lines, f"{indent}finally:", f"{indent}    pass"] if head == "try:" else lines


@settings(max_examples=300, deadline=None)
@given(st.lists(STATEMENTS, min_size=1, max_size=5), st.data())
def test_comments_change_nothing_that_is_executed(statements: list[object], data: st.DataObject) -> None:
    plain = [line for statement in statements for line in written(statement)]
    commented: list[str] = []
    for line in plain:
        before = data.draw(st.lists(st.sampled_from(["# a", "", "      # b 'c", '# """', "\t"]), max_size=2))
        after = data.draw(st.sampled_from(["", "  # d", " #'''", "   ", "  # type: int"]))
        commented += [*before, line + after]
    text = "\n".join(commented)
    found = executed_text(text)
    assert ast.dump(ast.parse(found)) == ast.dump(ast.parse(text))
    # whatever the comments were, the kernel gets the same text; and nothing of it changes a second time
    assert found == executed_text("\n".join(plain))
    assert executed_text(found) == found
    cell = executed(code(text))
    original = text.split("\n")
    assert all(
        original[number - 11].startswith(line) for line, number in zip(found.split("\n"), cell.lines, strict=True)
    )


@given(st.text(alphabet="ab#'\"\\\n ()[]{}:=\tf%", max_size=40))
@settings(max_examples=400, deadline=None)
def test_any_text_can_be_executed_as_it_is(text: str) -> None:
    found = executed(code(text))
    try:
        tree = ast.dump(ast.parse(text))
    except (SyntaxError, ValueError):
        assert found == code(text)
    else:
        assert ast.dump(ast.parse(found.text)) == tree


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("x = 1", False),
        ("import inspect\nframe = inspect.currentframe()", False),
        ("inspect.signature(f)", False),
        ("torch.stack([a, b])", False),
        ("# inspect.getsource(f)", False),
        ("import inspect\nprint(inspect.getsource(f))", True),
        ("inspect.stack()", True),
        ("from inspect import getsource as g", True),
        ("import inspect as i", True),
        ("look = inspect", True),
        ("getattr(inspect, name)", True),
        ("getattr(m, 'getsource')", True),
        ("import linecache", True),
        ("import traceback\ntraceback.print_exc()", True),
        ("open(__file__)", True),
        ("f.__code__.co_firstlineno", True),
        ("sys._getframe().f_lineno", True),
        ("In[1]", True),
        ("f??", True),
        ("%history", True),
        ("%matplotlib inline", False),
        ("torch.jit.script(net)", True),
        ("logging.basicConfig(format='%(lineno)d')", True),
    ],
)
def test_looks_at_source(text: str, looks: bool) -> None:
    assert looks_at_source(text) is looks
