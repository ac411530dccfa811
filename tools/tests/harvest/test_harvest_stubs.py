import ast

import pytest
from fixture import Case, cases

from octavo.harvest.head import HEADER
from octavo.harvest.stubs import stub


@pytest.mark.parametrize("case", cases("harvest/stubs"), ids=str)
def test_stubs(case: Case) -> None:
    text = stub(case["module"])
    ast.parse(text)
    assert text == f"{HEADER}\n\n{case['expected']}\n"


def test_author_text_over_several_lines_comes_on_one() -> None:
    assert stub("def f(a: dict[  # a note\n        str, int]): return a\n").endswith(
        "def f(a: dict[str, int]) -> _Any: ...\n"
    )


def test_the_last_import_or_definition_of_a_name_is_the_one() -> None:
    text = stub("import a as x\nimport b as x\nfrom c import y\nimport z.one\nimport z.two\ndef y(): pass\n")
    assert text.removeprefix(HEADER) == (
        "\n\nfrom typing import Any as _Any\n\nimport b as _x\nx = _x\nimport z.one\nimport z.two\n\n"
        "def y() -> _Any: ...\n"
    )
