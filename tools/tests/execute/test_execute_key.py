# ruff: noqa: E501 - a case of a table stands on one line
from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.execute.freshness import key as keys
from octavo.execute.freshness.library import Graph
from octavo.model import Definition, Inputs, Span


def definition(
    name: str, uses: str = "", *, kind: str = "function", binds: str | None = None, source: str = "", line: int = 1
) -> Definition:
    extends = name.split(".")[0] if kind == "method" else None
    bound = frozenset() if kind == "method" else frozenset((name if binds is None else binds).split())
    return Definition(name, kind, source or name, Span("chapter_x/page.md", line, line), "jax", "chapter_x/page", bound, frozenset(uses.split()), extends)  # type: ignore[arg-type]  # fmt: skip


LIBRARY = {
    d.name: d
    for d in (
        definition("np", kind="import"),
        definition("squared", "np"),
        definition("loss", "squared"),
        definition("Base", kind="class"),
        definition("Net", "Base loss", kind="class"),
        definition("Net.fit", "plot", kind="method"),
        definition("Base.show", "Net", kind="method"),
        definition("plot"),
        definition("TABLE", kind="assignment"),
        definition("TABLE['x'] = ADDRESS", "TABLE ADDRESS", kind="assignment", binds=""),
        definition("ADDRESS", kind="assignment"),
        definition("np.seterr()", "np", kind="statement", binds=""),
        definition("a, b", kind="assignment", binds="a b"),
        definition("unused", "loss"),
    )
}


@pytest.mark.parametrize(
    ("reads", "expected"),
    [
        ("", ""),
        ("unknown", ""),
        ("squared", "squared np np.seterr()"),
        ("loss", "loss squared np np.seterr()"),
        ("plot", "plot np np.seterr()"),
        # a class: its bases, its methods, and what these use; recursion ends
        ("Net", "Net Base Net.fit Base.show loss squared plot np np.seterr()"),
        ("Base", "Net Base Net.fit Base.show loss squared plot np np.seterr()"),
        # a statement that changes a table counts for those who read the table
        ("TABLE", "TABLE TABLE['x']_=_ADDRESS ADDRESS np np.seterr()"),
        ("b", "a,_b np np.seterr()"),
    ],
)
def test_closure(reads: str, expected: str) -> None:
    names = frozenset(name.replace("_", " ") if "_" in name else name for name in expected.split())
    assert keys.closure(frozenset(reads.split()), LIBRARY) == names


EFFECTS = {
    d.name: d
    for d in (
        definition("torch", kind="import", source="import torch"),
        definition("f", source="def f(): pass"),
        definition("setup", "torch", source="def setup(): torch.set_printoptions()"),
        definition("N", kind="assignment", source="N = 3"),
        definition("setup()", "setup", kind="statement", binds="", source="setup()"),
        definition("torch.seed(N)", "torch N", kind="statement", binds="", source="torch.seed(N)"),
        definition("_", "torch", kind="assignment", source="_ = torch.seed(1)"),
        definition("A", kind="class", source="class A: pass"),
        definition("A.n", "A", kind="statement", binds="", source="A.n = 1"),
        definition("setattr(A, 'm', 2)", "A", kind="statement", binds="", source="setattr(A, 'm', 2)"),
        definition("TABLE", kind="assignment", source="TABLE = {}"),
        definition("register", "TABLE", source="def register(f): TABLE[f.__name__] = f"),
        definition("make", "TABLE", source="def make(name): return TABLE[name]()"),
        definition("B", "register A", kind="class", source="@register\nclass B(A): pass"),
        definition("c", "register", kind="assignment", source="c = register(1)"),
        definition("later", "register", source="def later(): register(1)"),
    )
}
ALWAYS = {"setup()", "setup", "torch.seed(N)", "torch", "N", "_"}


@pytest.mark.parametrize(
    ("reads", "imported", "expected"),
    [
        ("", False, set()),
        ("", True, ALWAYS),
        ("f", False, {"f"} | ALWAYS),
        # what only assigns to a class or a table counts for those who reach it
        ("A", True, {"A", "A.n", "setattr(A, 'm', 2)"} | ALWAYS),
        # what registers itself while the library is loaded counts for those who look things up
        ("make", True, {"make", "TABLE", "register", "B", "A", "A.n", "setattr(A, 'm', 2)", "c"} | ALWAYS),
    ],
)
def test_what_importing_the_library_does_counts(reads: str, imported: bool, expected: set[str]) -> None:
    assert keys.closure(frozenset(reads.split()), EFFECTS, imported=imported) == expected


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.frozensets(st.sampled_from("abcdef"))),
    st.frozensets(st.sampled_from("abcdef")),
)
def test_closure_is_closed_and_grows_with_what_is_read(graph: dict[str, frozenset[str]], reads: frozenset[str]) -> None:
    library = {name: replace(definition(name), uses=uses) for name, uses in graph.items()}
    found = keys.closure(reads, library)
    assert found >= reads & library.keys()
    for name in found:
        assert library[name].uses & library.keys() <= found
    for fewer in reads:
        assert keys.closure(frozenset(fewer), library) <= found


def make_inputs(edition, library=LIBRARY, reads="loss", dynamic=False, lock=None, options=None) -> Inputs:
    return keys.inputs(
        edition,
        keys.Uses(frozenset(reads.split()), dynamic),
        Graph.of(library),
        lock or {"python": "3.11", "jax": "0.10.2"},
        options or {"aliases": "x"},
    )


def changed(name: str, **more: object) -> dict[str, Definition]:
    return {**LIBRARY, name: replace(LIBRARY[name], source="other", **more)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ({"sources": ("a = 1", "b = 2")}, ()),
        ({"page": "chapter_y/renamed"}, ()),
        ({"library": changed("unused")}, ()),
        ({"library": changed("plot")}, ()),
        ({"library": {**LIBRARY, "squared": replace(LIBRARY["squared"], span=Span("chapter_z/other.md", 99, 99))}}, ()),
        ({"sources": ("a = 1", "b = 3")}, ("cell 2 (chapter_x/page.md:17) changed",)),
        ({"sources": ("a = 1", "c = 0", "b = 2")}, ("cell 2 (chapter_x/page.md:17) is new",)),
        ({"sources": ("b = 2",)}, ("one cell at the beginning was removed",)),
        ({"sources": ("a = 1",)}, ("one cell after cell 1 (chapter_x/page.md:11) was removed",)),
        ({"sources": ("b = 2", "a = 1")}, ("cell 1 (chapter_x/page.md:11) is new", "one cell after cell 2 (chapter_x/page.md:17) was removed")),
        ({"library": changed("squared")}, ("the saved squared (chapter_x/page.md:1) changed",)),
        ({"library": changed("loss", uses=frozenset())}, ("the saved loss (chapter_x/page.md:1) changed", "the saved squared (chapter_x/page.md:1) is no longer used")),
        ({"reads": "loss plot"}, ("the saved plot (chapter_x/page.md:1) is used now",)),
        ({"lock": {"python": "3.11", "jax": "0.11.0"}}, ("jax went from 0.10.2 to 0.11.0",)),
        ({"lock": {"python": "3.12", "flax": "1"}}, ("flax 1 was added to the lock", "jax 0.10.2 was removed from the lock", "python went from 3.11 to 3.12")),
        ({"options": {"aliases": "y"}}, ("aliases went from 'x' to 'y'",)),
        ({"options": {"aliases": "y" * 64}}, ("aliases changed",)),
        ({"options": {"aliases": "x", "file data.csv": "1"}}, ("file data.csv is declared now",)),
        ({"options": {"other": ""}}, ("aliases is no longer declared", "other is declared now")),
    ],
)  # fmt: skip
def test_an_edit_changes_the_key_exactly_when_there_is_a_reason(edition, new: dict, reason: tuple[str, ...]) -> None:
    before = make_inputs(edition("a = 1", "b = 2"))
    library = new.get("library", LIBRARY)
    page = edition(*new.get("sources", ("a = 1", "b = 2")), page=new.get("page", "chapter_x/page"))
    after = make_inputs(page, library, new.get("reads", "loss"), False, new.get("lock"), new.get("options"))
    assert keys.reasons(before, after, page, library) == reason
    assert (keys.key(before) != keys.key(after)) == bool(reason)


def test_dynamic_code_depends_on_everything(edition) -> None:
    assert make_inputs(edition("1"), reads="", dynamic=True).definitions.keys() == LIBRARY.keys()


def test_the_framework_and_the_schema_count(edition) -> None:
    inputs = make_inputs(edition("1"))
    assert inputs.options["tab"] == "small"
    assert inputs.options["schema"] == keys.SCHEMA
    other = replace(inputs, options={**inputs.options, "schema": "0"})
    assert keys.reasons(other, inputs) == ("this octavo executes pages differently",)


def test_the_key_is_written_down(edition) -> None:
    """A change of this value makes every stored result of every book stale: raise the schema if it is meant."""
    inputs = Inputs(("a",), {"f": "b"}, {"python": "3.11"}, {"schema": "1"})
    assert keys.key(inputs) == keys.digest(
        '{"cells":["a"],"definitions":{"f":"b"},"lock":{"python":"3.11"},"options":{"schema":"1"}}'
    )


@given(st.text())
def test_any_text_has_a_digest(text: str) -> None:
    assert len(keys.digest(text)) == 64
