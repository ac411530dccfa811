"""Messages as GitHub's runner takes them: one command each, whatever stands in them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from octavo.diagnostics import Code, error, warning
from octavo.github import Muted, active, repository, told_beside_lines
from octavo.model import Span


def told(message, source: Path = Path("/checkout/book"), root: Path = Path("/checkout")) -> str:
    (line,) = told_beside_lines([message], source, root)
    return line


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (error(Code.MARKUP, "plain"), "::error title=markup::plain"),
        (
            warning(Code.UNKNOWN_ROLE, "no: such, role", Span("a/b.md", 4, 4, 7, 3), hint="mend it"),
            "::warning file=book/a/b.md,line=4,col=7,title=unknown-role::no: such, role%0Ahint: mend it",
        ),
        (
            error(Code.CELL_FAILED, "100%", Span("a,b:c%.md", 4, 6), tab="jax", host="far", command="octavo run x"),
            "::error file=book/a%2Cb%3Ac%25.md,line=4,endLine=6,title=cell-failed (jax%2C on far)"
            "::100%25%0Areproduce: octavo run x",
        ),
        (
            error(Code.CELL_FAILED, "a\r::set-output name=x::y", detail=("b\n::error::c", "%0A")),
            "::error title=cell-failed::a%0D::set-output name=x::y%0Ab%0A::error::c%0A%250A",
        ),
        (error(Code.MARKUP, "up", Span("../up.md", 1, 1)), "::error file=up.md,line=1,title=markup::up"),
        (error(Code.MARKUP, "out", Span("../../out.md", 1, 1)), "::error file=../../out.md,line=1,title=markup::out"),
    ],
)
def test_a_message_is_one_command(message, line: str) -> None:
    assert told(message) == line
    assert len(line.splitlines()) == 1


def test_nothing_is_obeyed_until_a_word_that_nobody_knows() -> None:
    stream, other = io.StringIO(), io.StringIO()
    with Muted(stream) as muted:
        print("::error::from a page", file=stream)
        muted.lines.append("::error::ours")
    first, inside, last, ours = stream.getvalue().splitlines()
    token = first.removeprefix("::stop-commands::")
    assert (inside, last, ours) == ("::error::from a page", f"::{token}::", "::error::ours")
    assert len(token) >= 32
    with Muted(other):
        pass
    assert token not in other.getvalue(), "each time another"


def test_the_runner_hears_again_after_a_fault() -> None:
    stream = io.StringIO()
    with pytest.raises(KeyError), Muted(stream) as muted:
        raise KeyError
    assert stream.getvalue().splitlines()[-1] == f"::{muted.token}::"


def test_the_repository_is_the_workspace_or_where_git_is(tmp_path: Path) -> None:
    book = tmp_path / "repository/docs/book"
    book.mkdir(parents=True)
    assert repository(book, {"GITHUB_WORKSPACE": str(tmp_path)}) == tmp_path.resolve()
    assert repository(book, {"GITHUB_WORKSPACE": "/elsewhere"}) == book.resolve()
    (tmp_path / "repository/.git").mkdir()
    assert repository(book, {}) == (tmp_path / "repository").resolve()


def test_only_github_itself_counts() -> None:
    assert active({"GITHUB_ACTIONS": "true"})
    assert not active({}) and not active({"GITHUB_ACTIONS": ""}) and not active({"CI": "true"})
