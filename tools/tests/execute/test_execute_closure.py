"""What pages depend on of the library: cases by the construct, and an oracle that executes and trusts nothing.

The oracle makes small libraries, prints something with plain ``exec``, edits one saved statement, and prints again. If
the two differ, the page must have been stale.
"""

# ruff: noqa: E501 - a case of a table stands on one line
from __future__ import annotations

import contextlib
import io
import sys
import types
from collections.abc import Iterable

import pytest
from execute_editions import build_edition
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from octavo.build.definitions import library_uses
from octavo.config import Library
from octavo.execute.freshness.key import reached
from octavo.execute.freshness.library import Graph
from octavo.harvest.module import HarvestedLibrary, definitions, harvest

LIBRARY = Library(
    "small", "d2l/small.py", "small", simple_alias=(("ones", "ones"),), alias=(("size", "lambda a: a.size"),)
)


PLAIN = Library("small", "d2l/small.py", "small")


def library(saved: Iterable[str], settings: Library = LIBRARY) -> HarvestedLibrary:
    """The library of statements, each of which is saved by a cell of its own."""
    cells = [f"#@save\n{statement}" for statement in saved]
    found, messages = harvest([build_edition(*cells)], settings, "1")
    assert [
        message for message in messages if message.code.value not in ("undefined-name", "duplicate-definition")
    ] == []
    return found


def order(saved: Iterable[str], page: str) -> tuple[str, ...]:
    """The order of saved code as far as a page depends on it."""
    found, _ = definitions([build_edition(*(f"#@save\n{statement}" for statement in saved))], PLAIN)
    graph, uses = Graph.of(found), library_uses([page])
    return graph.order(reached(uses, graph), dynamic=uses.dynamic)


def inputs(saved: Iterable[str], page: str) -> dict[str, str]:
    """What a page depends on of the library: name → digest."""
    graph = Graph.of(library(saved).definitions)
    return {key: graph.digests[key] for key in reached(library_uses([page]), graph)}


BASE = [
    "import numpy as np",
    "N = 1",
    "def a(x): return x + N",
    "def b(x): return a(x)",
    "def other(x): return x",
    "class Root: pass",
    "class Net(Root): pass",
    "@d2l.add_to_class(Net)\ndef fit(self): return b(1)",
    "def add_to_class(C): return lambda f: setattr(C, f.__name__, f)",
]


@pytest.mark.parametrize(
    ("page", "more", "expected"),
    [
        # two calls away, and what stands between
        ("d2l.b(1)", [], "b a N"),
        ("from d2l.small import b as c", [], "b a N"),
        ("def f():\n    return d2l.b", [], "b a N"),
        ("x: d2l.N = 1", [], "N"),
        ("d2l.N += 1", [], "N"),
        ("d2l.N = 1", [], ""),
        # classes: bases, methods that pages add, attributes
        ("d2l.Net()", [], "Net Root Net.fit b a N"),
        ("class Mine(d2l.Net): pass", [], "Net Root Net.fit b a N"),
        ("@d2l.add_to_class(d2l.Root)\ndef f(self): pass", [], "Root add_to_class"),
        ("d2l.K.c", ["class K:\n    c = b(1)"], "K b a N"),
        ("d2l.K", ["class K:\n    def f(self, x: other = a): pass"], "K other a N"),
        # functions: decorators, defaults, annotations
        ("d2l.g()", ["@other\ndef g(): pass"], "g other"),
        ("d2l.g()", ["def g(x=N): pass"], "g N"),
        ("d2l.g()", ["def g(x: Root) -> other: pass"], "g Root other"),
        ("d2l.g()", ["def g(*, x=lambda: b): pass"], "g b a N"),
        ("d2l.g()", ["def g():\n    d2l.N += 1"], "g N"),
        ("d2l.g()", ["def g():\n    global N\n    N = 2"], "N,_g N"),
        # aliases are saved names too, for code of the library
        ("d2l.g()", ["def g(): return d2l.size(d2l.ones(2))"], "g size ones"),
        # whoever fills a table, counts for those who read it
        ("d2l.T", ["T = {}", "T['x'] = b", "T['y'] = 1"], "T T['x'] T['y'] b a N"),
        ("d2l.look()", ["T = {}", "def put(f):\n    T[1] = f\n    return f", "@put\ndef g(): return other(1)", "def look(): return T[1]()"], "look T put g other"),
        # a base class that is told of its subclasses
        ("d2l.P.all", ["class P:\n    all = []\n    def __init_subclass__(cls): P.all.append(cls)", "class Q(P): pass"], "P Q"),
        ("d2l.P", ["class M(type): pass", "class P(metaclass=M): pass", "class Q(P): pass"], "P M Q"),
        ("d2l.P", ["class P: pass", "class Q(P): pass"], "P"),
        # what happens when the library is imported
        ("import d2l", ["np.seed(N)"], "np.seed(N) np N"),
        ("import d2l", ["_ = np.seed(1)"], "_ np"),
        ("import d2l", ["old = np.seed(1)"], "old np"),
        ("import d2l", ["def setup(): np.seed(1)", "done = setup()"], "done setup np"),
        ("import d2l", ["def f(x=np.random()): return other(x)"], "f np"),
        ("import d2l", ["@np.register\ndef f(x): return other(x)"], "f np other"),
        ("import d2l", ["class K:\n    c = np.random()"], "K np"),
        ("import d2l", ["from numpy import *"], "from_numpy_import_*"),
        ("import d2l", ["from __future__ import annotations"], "annotations"),
        ("import d2l", ["X = dict(a=1)", "Y = list(range(3))", "Z = sorted({1: 2}.items())"], ""),
        ("import d2l", ["@np.jit\ndef f(x): return other(x)"], ""),
        ("import d2l", ["def setup(): print(1)", "done = setup()"], "done setup"),
        ("import d2l", ["def setup():\n    import os\n    os.x()", "done = setup()"], "done setup"),
        ("import d2l", ["def setup():\n    n = np\n    n.seed(1)", "done = setup()"], "done setup np"),
        ("import d2l", ["from os import environ", "old = environ.setdefault('A', '1')"], "old environ"),
        ("import d2l", ["old = list(map(lambda x: np.seed(x), [1]))"], "old np"),
        ("import d2l", ["old = np.defaults['x'] = 1"], "old np"),
        # what changes something and also binds a name, or changes it under another name
        ("d2l.T", ["T = {}", "for i in range(3):\n    T[i] = other"], "T i other"),
        ("d2l.T", ["T = {}", "if N:\n    T[1] = y = 1"], "T y N"),
        ("d2l.T", ["T = {}", "S = T", "S[1] = 2"], "T S S[1]"),
        ("d2l.T", ["T = {}", "S = T", "S |= {1: 2}"], "T S S_(2)"),
        ("d2l.T", ["T = {}", "class K:\n    T[1] = 2"], "T K"),
        ("d2l.T", ["T = {}", "for k in 'ab':\n    setattr(T, k, 1)"], "T k"),
        ("d2l.T", ["T = {}", "def f(x: T.update(a=1)): pass"], "T f"),
        ("d2l.T", ["T = {}", "def put(f):\n    T[1] = f\n    return f", "@put\n@d2l.add_to_class(Net)\ndef go(self): return 1"], "T put Net.go"),
        ("d2l.I", ["I = iter([1, 2])", "a1, *a2 = I"], "I a1,_a2"),
        ("d2l.T", ["T = []", "class P:\n    def __or__(self, x):\n        T.append(x)", "p = P()", "q = p | 1"], "T P p q"),
        ("d2l.N", ["def g(): return d2l.other", "def put():\n    d2l.N = 2", "x = put()"], "N put x"),
        ("d2l.b(1)", ["T = {}", "T['x'] = b"], "b a N"),
        ("d2l.T", ["T = {}", "U = {}", "U[1] = 2"], "T"),
    ],
)  # fmt: skip
def test_what_a_page_depends_on(page: str, more: list[str], expected: str) -> None:
    names = {
        name.replace(",_", ", ").replace("_(", " (").replace("from_numpy_import_", "from numpy import ")
        for name in expected.split()
    }
    assert inputs([*BASE, *more], page).keys() == names


@pytest.mark.parametrize(
    "page",
    [
        "getattr(d2l, 'b')(1)",
        "getattr(d2l, name)",
        "vars(d2l)['b']",
        "d2l.__dict__['b']",
        "dir(d2l)",
        "x = d2l",
        "f(d2l)",
        "from d2l.small import *",
        "import d2l.small as x\nx.b(1)",
        "from d2l import small as x\nx.b(1)",
        "from d2l import *",
        "import d2l.small\nd2l.small.b(1)",
        "import d2l\nd2l.small.b(1)",
        "import sys\nsys.modules['d2l.small'].b(1)",
        "import sys\nsys.modules[name].b(1)",
        "import importlib\nimportlib.import_module('d2l.small').b(1)",
        "from importlib import import_module\nimport_module('d2l' + '.small').b(1)",
        "__import__('d2l.small').small.b(1)",
        "eval('d2l.b(1)')",
        "exec(text)",
        "import builtins\nbuiltins.eval('d2l.b(1)')",
        "import operator\noperator.attrgetter('b')(d2l)",
        "d2l.Root.__subclasses__()",
        "d2l.other.__globals__['b'](1)",
        "d2l.nobody_defines_this",
        "%timeit -n 1 d2l.b(1)",
        "%%capture out\nd2l.b(1)\nvars(d2l)",
        "%prun d2l.b(1)",
        "!python -c 'from d2l.small import b'",
        "get_ipython().run_cell('d2l.b(1)')",
        "d2l = d2l\nprint(getattr(d2l, 'b'))",
        "this is no Python",
    ],
)
def test_what_cannot_be_told_depends_on_everything(page: str) -> None:
    assert inputs(BASE, page).keys() == library(BASE).definitions.keys()


@pytest.mark.parametrize(
    ("before", "after", "page", "counts"),
    [
        (["T = []", "T.append(1)", "T.append(2)"], "021", "d2l.T", True),
        (["N = 1", "M = N", "N += 1"], "021", "d2l.M", True),
        (["T = {}", "def put(f): T[f] = 1", "@put\ndef f(): pass", "@put\ndef g(): pass"], "0132", "d2l.T", True),
        (["class A: pass", "class B(A): pass", "class C(A): pass"], "021", "d2l.A.__subclasses__()", True),
        (["def f(): pass", "def g(): pass", "def h(): return vars(d2l)"], "102", "d2l.h()", True),
        (["def f(): pass", "def g(): pass"], "10", "d2l.f(), d2l.g()", False),
        (["N = 1", "M = 2", "K = 3"], "102", "d2l.N + d2l.M", False),
        (["T = []", "U = []", "T.append(1)", "U.append(1)", "V = 1"], "10234", "d2l.V", True),
        (["T = {}", "U = {}", "T[1] = 1", "U[1] = 1"], "1032", "d2l.T", False),
    ],
)
def test_when_the_order_of_saved_code_counts(before: list[str], after: str, page: str, counts: bool) -> None:
    assert (order(before, page) != order([before[int(index)] for index in after], page)) == counts


@pytest.mark.parametrize(
    "dynamic",
    [
        "return globals()[name]",
        "return getattr(d2l, name)",
        "return eval(name)",
        "import sys\n    return getattr(sys.modules[__name__], name)",
        "import importlib\n    return getattr(importlib.import_module('d2l.small'), name)",
        "return Root.__subclasses__()",
        "return other.__globals__[name]",
    ],
)
def test_saved_code_that_cannot_be_told_uses_everything(dynamic: str) -> None:
    found = inputs([*BASE, f"def g(name):\n    {dynamic}"], "d2l.g('b')")
    assert found.keys() >= {"g", "b", "a", "N", "other", "Net", "Net.fit", "size", "ones"}


# -- the oracle

NAMES = range(5)
NUMBERS = st.integers(0, 3)


@st.composite
def expressions(draw: st.DrawFn, below: int) -> str:
    """An expression of names that stand above; all of them are numbers."""
    kind = draw(st.integers(0, 11))
    number = draw(NUMBERS)
    if below == 0 or kind < 2:
        return str(number)
    name = draw(st.integers(0, below - 1))
    dotted = draw(st.sampled_from(["", "d2l."]))
    return {
        2: f"{dotted}v{name}",
        3: f"{dotted}f{name}()",
        4: f"{dotted}C{name}().go()",
        5: f"{dotted}C{name}.c",
        6: f"TABLE.get('k{name}', lambda: 0)()",
        7: f"len(STATE) + v{name}",
        8: f"globals()['f' + '{name}']()",
        9: f"getattr(d2l, 'v{name}')",
        10: f"(lambda x=f{name}(): x + {number})()",
        11: f"sum(c.c for c in C{name}.__subclasses__())",
    }[kind]


@st.composite
def statements(draw: st.DrawFn, index: int) -> list[str]:
    """The saved statements of one index: a value, a function and a class at least."""
    expression = expressions(index)
    bases = f"C{draw(st.integers(0, index - 1))}" if index and draw(st.booleans()) else "object"
    found = [
        f"v{index} = {draw(expression)}",
        f"{draw(st.sampled_from(['', '@keep', '@change']))}\ndef f{index}(x={draw(expression)}): return x + {draw(expression)}".strip(),
        f"class C{index}({bases}):\n    c = {draw(expression)}\n    def go(self): return {draw(expression)}",
    ]
    if draw(st.booleans()):
        found.append(f"@d2l.add_to_class(C{index})\ndef go(self): return {draw(expression)}")
    found += draw(
        st.lists(
            st.sampled_from(
                [
                    f"TABLE['k{index}'] = lambda: {draw(expression)}",
                    f"C{index}.c = {draw(expression)}",
                    f"setattr(C{index}, 'c', {draw(expression)})",
                    f"w{index} = bump({draw(expression)})",
                    f"bump({draw(expression)})",
                    f"v{index} += {draw(expression)}",
                    f"random.seed({draw(expression)})",
                    f"seeded{index} = random.seed({draw(expression)})",
                    f"@table.register\ndef _(x: C{index}): return {draw(expression)}",
                    f"for number in range(2):\n    TABLE[f'k{{number}}'] = lambda: {draw(expression)}",
                    f"s{index} = STATE\ns{index} += [{draw(expression)}]",
                    f"t{index} = TABLE",
                    f"if True:\n    C{index}.c = u{index} = {draw(expression)}",
                    f"class D{index}:\n    TABLE['k{index}'] = lambda: {draw(expression)}",
                    f"for name in 'c':\n    setattr(C{index}, name, {draw(expression)})",
                    f"p{index} = [bump(x) for x in (1, {draw(expression)})]",
                    f"first{index}, *rest{index} = ITEMS",
                    f"o{index} = LOG | {draw(expression)}",
                    f"done{index} = say({draw(expression)})",
                    f"old{index} = (lambda: d2l.bump({draw(expression)}))()",
                ]
            ),
            max_size=2,
            unique=True,
        )
    )
    return found


PRELUDE = [
    "import random",
    "import functools",
    "TABLE = {}",
    "STATE = []",
    "def keep(f):\n    TABLE[f.__name__] = f\n    return f",
    "def change(f):\n    return lambda *a: f(*a) + len(STATE)",
    "def bump(x):\n    STATE.append(x)\n    return sum(STATE)",
    "def say(x):\n    print('say', x)",
    "ITEMS = iter(range(9))",
    "class Log:\n    def __or__(self, x):\n        STATE.append(x)\n        return self",
    "LOG = Log()",
    "def add_to_class(C): return lambda f: setattr(C, f.__name__, f)",
    "@functools.singledispatch\ndef table(x): return -1",
]
PAGES = st.sampled_from(
    [
        "d2l.v4", "d2l.f4()", "d2l.C4().go()", "d2l.C3.c", "d2l.TABLE.get('k2', lambda: 0)()", "d2l.STATE", "random.random()",
        "getattr(d2l, 'f3')()", "d2l.C0.__subclasses__()", "d2l.table(d2l.C2())", "d2l.f2() + d2l.v1", "sorted(d2l.TABLE)",
        "[c.__name__ for c in d2l.C1.__subclasses__()]", "type('Mine', (d2l.C3,), {})().go()", "d2l.bump(1)", "list(d2l.ITEMS)", "list(d2l.TABLE)", "[n for n in vars(d2l) if len(n) == 2]",
    ]
)  # fmt: skip


@st.composite
def edited_libraries(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """The saved statements of a library, and the same with one of them made anew."""
    groups = [draw(statements(index)) for index in NAMES]
    index = draw(st.sampled_from(NAMES))
    again = draw(statements(index))
    before = [*PRELUDE, *(statement for group in groups for statement in group)]
    new = list(groups)
    place = draw(st.integers(0, 2))
    new[index] = [again[place] if number == place else statement for number, statement in enumerate(groups[index])]
    if draw(st.booleans()):
        new[index] = [*groups[index][:3], *again[3:]]
    if draw(st.integers(0, 3)) == 0:
        further = [statement for group in groups for statement in group[3:]]
        new = [group[:3] for group in groups]
        new[-1] = [*new[-1], *draw(st.permutations(further))]
        before = [*PRELUDE, *(statement for group in groups for statement in group[:3]), *further]
    return before, [*PRELUDE, *(statement for group in new for statement in group)]


def printed(saved: list[str], page: str) -> str:
    """What a page prints with a library, by nothing but Python itself."""
    module = types.ModuleType("d2l_small")
    sys.modules["d2l_small"] = module
    out = io.StringIO()
    import random

    random.seed(7)
    try:
        with contextlib.redirect_stdout(out):
            exec(library(saved, PLAIN).text, module.__dict__)
            exec(f"import random\nprint({page})", {"d2l": module})
    finally:
        del sys.modules["d2l_small"]
    return out.getvalue()


def check_an_edit(libraries: tuple[list[str], list[str]], page: str) -> None:
    before, after = libraries
    try:
        differs = printed(before, page) != printed(after, page)
    except (ValueError, RecursionError):  # no library or page that anybody has: it unpacks nothing, or calls itself
        assume(False)
    if differs:
        source = f"from d2l import small as d2l\nimport random\nprint({page})"
        assert inputs(before, source) != inputs(after, source) or order(before, source) != order(after, source)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(edited_libraries(), PAGES)
def test_whatever_prints_something_else_was_stale(libraries: tuple[list[str], list[str]], page: str) -> None:
    check_an_edit(libraries, page)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, print_blob=True)
@given(edited_libraries(), PAGES)
def test_whatever_prints_something_else_was_stale_in_many_libraries(
    libraries: tuple[list[str], list[str]], page: str
) -> None:
    check_an_edit(libraries, page)
