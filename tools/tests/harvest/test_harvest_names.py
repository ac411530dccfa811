import pytest

from octavo.harvest.names import Names, analyse

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
