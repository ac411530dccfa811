from pathlib import Path

import pytest
from fixture import Case, cases

from octavo import config
from octavo.config import Library
from octavo.diagnostics import Code as Message
from octavo.model import Code
from octavo.select.aliases import rewrite_aliases

LIBRARY = Library(
    tab="pytorch",
    file="d2l/torch.py",
    name="torch",
    simple_alias=(("ones", "ones"), ("concat", "cat")),
    fluent_alias=(("reshape", "reshape"), ("reduce_sum", "sum"), ("numpy", "detach().numpy")),
    reverse_alias=(
        (r"d2l.size\(([\w\_\d]+)\)", r"tf.size(\1).numpy()"),
        ("d2l.transpose(a)", "a.T"),
        ("d2l.nn_Module", "nn.Module"),
    ),
    args_alias=(("randn(size, device=None)", "np.random.randn(size=size, ctx=device)"),),
)


def code(text: str) -> Code:
    return Code(text, tuple(range(1, text.count("\n") + 2)))


@pytest.mark.parametrize("case", cases("select/aliases"), ids=str)
def test_aliases(case: Case) -> None:
    result, messages = rewrite_aliases(code(case["input"]), LIBRARY)
    assert result.text == case["expected"]
    assert not messages


def test_expressions_inside_f_strings_are_code() -> None:
    result, _ = rewrite_aliases(code('f"{d2l.reshape(x, 2)} d2l.ones(1)"'), LIBRARY)
    assert result.text == 'f"{x.reshape(2)} d2l.ones(1)"'


def test_lines_are_kept() -> None:
    result, _ = rewrite_aliases(Code("a = 1\ny = d2l.reshape(\n    x, 2)\nb = 1", (5, 6, 7, 8)), LIBRARY)
    assert (result.text, result.lines) == ("a = 1\ny = x.reshape(2)\nb = 1", (5, 6, 8))


def test_without_aliases_nothing_changes() -> None:
    for file in Path(__file__).parents[2].joinpath("octavo").rglob("*.py"):
        text = file.read_text(encoding="utf-8").replace("tab", "d2l")
        assert rewrite_aliases(code(text), Library("jax", "d2l/jax.py", "jnp"))[0].text == text


@pytest.mark.parametrize(
    "library",
    [
        Library("jax", "d2l/jax.py", "jnp", reverse_alias=((r"d2l\.(a|b)", "x"),)),
        Library("jax", "d2l/jax.py", "jnp", reverse_alias=(("d2l.a", "x +"),)),
        Library("jax", "d2l/jax.py", "", simple_alias=(("ones", "ones"),)),
        Library("jax", "d2l/jax.py", "jnp", fluent_alias=(("ones", "1x"),)),
        Library("jax", "d2l/jax.py", "jnp", args_alias=(("f(", "x"),)),
        Library("jax", "d2l/jax.py", "jnp", alias=(("def", "x"),)),
        Library("jax", "d2l/jax.py", "jnp", simple_alias=(("if", "x"),)),
    ],
)
def test_an_alias_that_cannot_be_understood_is_reported(library: Library) -> None:
    (message,) = rewrite_aliases(code("d2l.a"), library)[1]
    assert (message.code.value, message.tab) == ("bad-alias", "jax")


@pytest.mark.parametrize(
    ("section", "line", "column"),
    [
        ("simple_alias = ones_like,\n    if, ones", 7, 5),
        ("fluent_alias = 1x", 6, 16),
        ("alias =\n    a = 1\n    def = 2", 8, 5),
        ("reverse_alias =\n    d2l\\.(a|b) -> x", 7, 5),
        ("args_alias =\n\n    f( -> x", 8, 5),
    ],
)
def test_the_message_about_an_alias_has_its_place(tmp_path: Path, section: str, line: int, column: int) -> None:
    head = "[build]\ntabs = jax\n[library-jax]\nlib_file = d2l/jax.py\nlib_name = jnp\n"
    (tmp_path / "config.ini").write_text(head + section)
    settings, _ = config.load(tmp_path)
    assert settings is not None
    (message,) = rewrite_aliases(code("d2l.a"), settings.libraries["jax"])[1]
    assert message.code is Message.BAD_ALIAS
    assert message.span is not None
    assert (message.span.path, message.span.line, message.span.column) == ("config.ini", line, column)
