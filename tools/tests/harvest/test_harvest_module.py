import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from fixture import Case, cases

from octavo.config import Library
from octavo.harvest.definitions import collect
from octavo.harvest.module import HarvestedLibrary, compare, harvest, package_init
from octavo.model import Cell, Code, Edition, EditionCell, Span

LIBRARY = Library(
    "pytorch",
    "d2l/torch.py",
    "torch",
    simple_alias=(("ones", "ones"),),
    fluent_alias=(("reshape", "reshape"),),
)


def edition(page: str, text: str) -> Edition:
    lines = tuple(range(1, text.count("\n") + 2))
    cell = Cell(Code(text, lines), Span(f"{page}.md", 1, len(lines)), ("pytorch",), True, 0)
    return Edition(page, "pytorch", (EditionCell(cell, cell.code, cell.code),))


def of(*texts: str, library: Library = LIBRARY) -> HarvestedLibrary:
    return harvest([edition(f"page{i}", text) for i, text in enumerate(texts)], library, "1.0")[0]


@pytest.mark.parametrize("case", cases("harvest/modules"), ids=str)
def test_modules(case: Case) -> None:
    pages = [edition(page, case[page]) for page in ("a", "b") if page in case.blocks]
    library, messages = harvest(pages, LIBRARY, "1.0")
    compile(library.text, library.file, "exec")
    assert library.text.split('"""\n\n', 1)[1] == case["expected"] + "\n"
    told = sorted(f"{m.code.value} {m.span.path} {m.span.line}" for m in messages if m.span)
    assert told == (case["messages"].split("\n") if "messages" in case.blocks else [])
    assert harvest(pages, LIBRARY, "1.0")[0].text == library.text


def test_the_module_can_be_imported_and_used(tmp_path: Path) -> None:
    library = of(
        "import torch  #@save\n\nclass A:  #@save\n    pass\n",
        "@d2l.add_to_class(A)  #@save\ndef f(self, x):\n    return d2l.reshape(d2l.ones(x), 3), abs(-2)\n",
        library=Library(
            "pytorch",
            "d2l/torch.py",
            "torch",
            simple_alias=(("ones", "ones"), ("abs", "abs")),
            fluent_alias=(("reshape", "view"),),
            alias=(("first", "lambda a: a[0]"),),
        ),
    )
    package = tmp_path / "d2l"
    package.mkdir()
    (package / "__init__.py").write_text(package_init("1.0", None))
    (package / "torch.py").write_text(library.text)
    (tmp_path / "torch.py").write_text(
        "class T(list):\n    def view(self, n): return ('view', n)\n"
        "def ones(n): return T([1] * n)\ndef abs(x): return 'no'\n"
    )
    script = (
        "import d2l; from d2l import torch as d2l_; print(d2l.__version__, d2l_.A().f(2), d2l_.first(d2l_.ones(1)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1.0 (('view', 3), 2) 1\n", "")


def test_names_know_their_line_and_definition() -> None:
    library = of("import torch  #@save\ndef f(): return torch  #@save\n")
    line = library.text.split("\n").index("def f(): return torch") + 1
    assert library.names["f"].line == line
    assert library.names["f"].definition.page == "page0"
    assert library.names["ones"].definition.source == "ones = torch.ones"
    assert set(library.names) == {"torch", "f", "ones", "reshape"}


def test_definitions_say_what_they_use() -> None:
    library = of(
        "import torch  #@save\nclass A(d2l.B):  #@save\n    def f(self): return torch, len(C.x)\n",
        "class B: pass  #@save\nC = A  #@save\nC.x = 1  #@save\nN = 1  #@save\nN += 1  #@save\n",
        "@d2l.add_to_class(A)  #@save\ndef g(self): return getattr(d2l, 'f')(T)\n",
    )
    uses = {name: definition.uses for name, definition in library.definitions.items()}
    assert uses["A"] == {"B", "C", "torch"}
    assert uses["C.x"] == {"C"}
    assert uses["A.g"] >= {"T", "A", "B", "C", "torch"}
    assert library.definitions["A.g"].extends == "A"
    assert library.definitions["C.x"].kind == "statement"
    assert {"N", "N (2)"} <= set(uses)


def test_the_same_definition_twice_is_kept_once_and_not_reported() -> None:
    pages = [edition(page, "import torch  #@save\ndef f(): return 1  #@save") for page in ("a", "b")]
    definitions, messages = collect(pages, LIBRARY)
    assert not messages
    assert [d.page for d in definitions if d.name == "f"] == ["a"]


def test_a_missing_import_for_the_aliases_is_reported() -> None:
    places = (("simple_alias ones", Span("config.ini", 7, 7)), ("fluent_alias reshape", Span("config.ini", 8, 8)))
    (message,) = collect([edition("a", "def f(): pass  #@save")], replace(LIBRARY, places=places))[1]
    assert "need torch" in message.message
    assert message.span == Span("config.ini", 7, 7)


BROKEN = "import torch  #@save\ndef h(:  #@save\nclass K(\nN = (\nfrom math import pi, tau as turn\n    inner = 1"


@pytest.mark.parametrize("name", ["h", "K", "N", "pi", "turn"])
def test_nothing_is_said_of_names_that_a_cell_with_a_syntax_error_saves(name: str) -> None:
    cell = edition("b", f"import torch  #@save\ndef f(): return d2l.{name}  #@save")
    assert collect([edition("a", BROKEN), cell], LIBRARY)[1] == ()
    (message,) = collect([cell], LIBRARY)[1]
    assert f"reads {name}" in message.message


def test_a_cell_with_a_syntax_error_does_not_excuse_other_names() -> None:
    cell = edition("b", "import torch  #@save\ndef f(): return d2l.inner, d2l.nowhere  #@save")
    told = [message.message for message in collect([edition("a", BROKEN), cell], LIBRARY)[1]]
    assert [text.split(", ")[0] for text in told] == ["f reads inner", "f reads nowhere"]


def test_a_method_of_a_class_with_a_syntax_error_is_left_out_without_a_message() -> None:
    cell = edition("b", "import torch  #@save\n@d2l.add_to_class(d2l.K)  #@save\ndef f(self): pass")
    definitions, messages = collect([edition("a", BROKEN), cell], LIBRARY)
    assert messages == ()
    assert [definition.name for definition in definitions] == ["torch"]


def test_a_star_import_silences_undefined_names() -> None:
    assert not collect([edition("a", "from torch import *  #@save\ndef f(): return x  #@save")], LIBRARY)[1]


def test_definitions_that_need_one_another_keep_their_order() -> None:
    text = of("import torch  #@save\nclass A(B): pass  #@save\nclass B(A): pass  #@save").text
    assert text.index("class A(B)") < text.index("class B(A)")


def test_compare() -> None:
    assert compare("a\n", "a\n", "d2l/x.py") == ""
    assert compare("a\n", "b\n", "d2l/x.py") == "--- a/d2l/x.py\n+++ b/d2l/x.py\n@@ -1 +1 @@\n-a\n+b\n"
    assert compare(None, "b\n", "d2l/x.py").startswith("--- /dev/null\n")


def test_package_init_keeps_what_others_wrote() -> None:
    assert package_init("2.0", "import x\n__version__ = '1.0'\ny = 1\n") == 'import x\n__version__ = "2.0"\ny = 1\n'
    assert package_init("2.0", '"""Doc."""\n') == '"""Doc."""\n\n__version__ = "2.0"\n'
    assert package_init("2.0", package_init("1.0", None)) == package_init("2.0", None)


def test_a_release_is_quoted() -> None:
    assert package_init('1 "final"\\\n', None).endswith('__version__ = "1 \\"final\\"\\\\\\n"\n')


def test_a_name_that_is_no_name_gives_no_alias() -> None:
    library = Library("pytorch", "d2l/torch.py", "torch", alias=(("def", "1"), ("a.b", "1"), ("c", "1")))
    assert set(of("import torch  #@save", library=library).names) == {"torch", "c"}


def test_a_sum_of_many_terms() -> None:
    library = of("import torch  #@save\na = 1  #@save\nx = " + " + ".join(["a"] * 900) + "  #@save")
    assert library.definitions["x"].uses == {"a"}
