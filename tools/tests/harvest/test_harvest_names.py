import pytest

from octavo.config import Library
from octavo.harvest.definitions import collect
from octavo.harvest.names import Names, analyse
from octavo.model import Cell, Code, Edition, EditionCell, Span

# source; binds; reads; read as d2l.name
CASES = [
    ("x = y", "x", "y", ""),
    ("x += 1", "x", "x", ""),
    ("a, (b, *c) = f()", "a b c", "f", ""),
    ("def f(a, b=c, *d, e: g) -> h:\n    k = a + l\n    return k, b, d, e", "f", "c g h l", ""),
    ("@deco\nclass A(B, metaclass=M):\n    x = y\n    z = x\n    def f(self): return x, A", "A", "deco B M y x A", ""),
    ("f = lambda x, y=z: x + y + w", "f", "z w", ""),
    ("xs = [i + n for i in ys if i]", "xs", "n ys", ""),
    ("any((hit := v) for v in vs)", "hit", "any vs", ""),
    ("def f():\n    global g\n    g = 1", "f g", "", ""),
    ("def f():\n    n = 0\n    def g():\n        nonlocal n\n        n += m\n    return g", "f", "m", ""),
    ("try:\n    a\nexcept E as e:\n    print(e)", "e", "a E print e", ""),
    (
        "match p:\n    case {'k': v, **rest}: v\n    case [A(x=q), *others]: q\n    case _ as w: w",
        "v rest q others w",
        "p A v q w",
        "",
    ),
    ("with open(p) as f, g() as (h, i):\n    pass", "f h i", "open p g", ""),
    ("for i in r:\n    j = i", "i j", "r i", ""),
    ("import a.b, c as d\nfrom e import f as g", "a d g", "", ""),
    ("from d2l import torch as d2l", "", "", ""),
    ("import d2l", "", "", ""),
    ("from d2l.torch import plot as p", "p", "", "plot"),
    ("d2l.plot(d2l.ones(x))", "", "x", "plot ones"),
    ("def f(plot):\n    return d2l.plot(plot)", "f", "", "plot"),
    ("def f(d2l):\n    return d2l.x", "f", "", ""),
    ("class A:\n    n = 1\n    xs = [n for _ in range(n)]", "A", "n range", ""),
    ("x: int = y", "x", "int y", ""),
    ("del x", "", "x", ""),
    ("async def f():\n    async for a in b:\n        await c(a)", "f", "b c", ""),
    ("%matplotlib inline\n!ls\n%timeit f(x)", "", "f x", ""),
    ("x = " + " + ".join(["a"] * 900), "x", "a", ""),
    ("print(f'{a:{b}} {d2l.c}')", "", "print a b", "c"),
]


@pytest.mark.parametrize(("source", "binds", "reads", "library"), CASES)
def test_names(source: str, binds: str, reads: str, library: str) -> None:
    expected = Names(frozenset(binds.split()), frozenset(reads.split()), frozenset(library.split()), dynamic=False)
    assert analyse(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "getattr(d2l, name)",
        "f(d2l)",
        "lib = d2l",
        "from d2l.torch import *",
        "from d2l import torch",
        "import d2l.torch as lib",
        "eval('d2l.plot')",
        "vars(d2l)[name]",
        "x = (",
    ],
)
def test_what_cannot_be_told_is_dynamic(source: str) -> None:
    assert analyse(source).dynamic


@pytest.mark.parametrize(
    "source",
    [
        "import d2l.torch\nd2l.torch.f()",
        "%timeit -n 1 d2l.f()",
        "x = %timeit -o d2l.f()",
        "!python -c 'import d2l.torch'",
        "import importlib\nm = importlib.import_module('d2l.torch')",
    ],
)
def test_a_use_of_the_library_out_of_sight_may_be_of_any_name(source: str) -> None:
    assert analyse(source).dynamic


@pytest.mark.parametrize("source", ["d2l.f()", "from d2l import torch as d2l", "x = 'see d2l.f'", "%matplotlib inline"])
def test_what_can_be_seen_is_not_dynamic(source: str) -> None:
    assert not analyse(source).dynamic


def test_a_saved_name_is_used_even_if_it_is_also_a_builtins() -> None:
    text = "def sum(x):  #@save\n    return x\n\ndef f(x):  #@save\n    return sum(x)\n"
    lines = tuple(range(1, text.count("\n") + 2))
    cell = Cell(Code(text, lines), Span("page.md", 1, len(lines)), ("pytorch",), True, 0)
    edition = Edition("page", "pytorch", (EditionCell(cell, cell.code, cell.code),))
    definitions, _ = collect([edition], Library("pytorch", "d2l/torch.py", "torch"))
    assert {d.name: d.uses for d in definitions} == {"sum": frozenset(), "f": frozenset({"sum"})}
