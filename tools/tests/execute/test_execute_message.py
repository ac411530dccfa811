"""The task protocol: everything arrives as it was sent, and nothing that anybody made up is taken."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from octavo.execute.backends.message import LONGEST, Answer, Manifest, Message
from octavo.execute.checks import DamagedError
from octavo.execute.environments.environment import Lock, read_lock
from octavo.execute.freshness.key import digest
from octavo.execute.freshness.key import key as key_of
from octavo.model import Edition, Inputs, Needs

NOWHERE = "0" * 64


@pytest.fixture
def message(edition: Callable[..., Edition], tmp_path: Path) -> Message:
    (tmp_path / "small.txt").write_text(
        "# python: 3.11\n# import: json, os.path\nipykernel==7.4.0\nx[b,a]==1.0+cpu ; python_version < '3.12'\n"
    )
    lock, messages = read_lock(tmp_path / "small.txt")
    assert lock is not None, messages
    page = edition("x = 1\nprint('é\\n')", "", "x", varies=(2,), page="chapter_ü/sub/page one")
    inputs = Inputs(
        tuple(digest(cell.code.text) for cell in page.cells), {"f": NOWHERE}, lock.versions, {"tab": "small"}
    )
    needs = Needs((0, 1), 2**34, 2, 2**33, 12.5, {1: 3.0}, 60.0, 7.0, "other")
    return Message("0.1", "s1", page, inputs, key_of(inputs), lock, needs, NOWHERE, 1, True, False)


def test_a_task_arrives_as_it_was_sent(message: Message) -> None:
    arrived = Message.from_text(message.to_text())
    assert arrived.to_text() == message.to_text()
    for part in ("octavo", "session", "inputs", "key", "lock", "needs", "manifest", "attempt", "forced", "fork"):
        assert getattr(arrived, part) == getattr(message, part)
    sent = [(cell.code, cell.cell.span, cell.cell.index, cell.cell.varies) for cell in message.edition.cells]
    got = [(cell.code, cell.cell.span, cell.cell.index, cell.cell.varies) for cell in arrived.edition.cells]
    assert got == sent
    assert (arrived.edition.page, arrived.edition.tab) == ("chapter_ü/sub/page one", "small")


def spoil(table: Any, path: str, value: object) -> None:
    """Put ``value`` where ``path``, such as ``cells.0.text``, leads."""
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in way:
        table = table[part]
    table[last] = value


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("schema", 2, "its schema is not 1"),
        ("page", "../secret", "no path inside"),
        ("page", "/etc/passwd", "no path inside"),
        ("page", "a/./b", "no path inside"),
        ("page", "a\\..\\b", "no path inside"),
        ("page", "a\0b", "no path inside"),
        ("page", "", "no path inside"),
        ("page", 7, "no text"),
        ("tab", "../small", "tab is no name"),
        ("tab", "", "tab is no name"),
        ("session", "a/b", "session is no name"),
        ("key", NOWHERE, "its key is not that of what it depends on"),
        ("key", "x", "no SHA-256"),
        ("inputs.options", {"tab": "other"}, "its key is not that of what it depends on"),
        ("inputs.definitions", {"f": 1}, "no text"),
        ("inputs.cells", "x", "no list"),
        ("cells.0.text", "import os", "a cell has no place"),
        ("cells.2.text", "y", "its cells are not those of its key"),
        ("cells.0.lines", [1, 2, 3], "a cell has no place"),
        ("cells.0.lines", [1, -2], "no number"),
        ("cells.0.span", ["/etc/passwd", 1, 2], "no path inside"),
        ("cells.0.span", [1], "no place"),
        ("cells.0.index", True, "no number"),
        ("cells.0.varies", 1, "neither true nor false"),
        ("cells", {}, "no list"),
        ("cells.1.text", "\ud800", "no text"),
        ("lock.packages.ipykernel", "7.4.0 --index-url http://x", "no list of exact pins"),
        ("lock.packages.ipykernel", "7.4.0\nother==1", "no list of exact pins"),
        ("lock.packages", {"-r x": "1"}, "no list of exact pins"),
        ("lock.packages.ipykernel", "7.4.1", "not what its digest says"),
        ("lock.digest", NOWHERE, "not what its digest says"),
        ("lock.python", "3.11; rm", "no list of exact pins"),
        ("lock.imports", ["os; import x"], "no list of exact pins"),
        ("lock.tab", "../..", "tab is no name"),
        ("needs.gpus", [2, 1], "makes no sense"),
        ("needs.gpus", [0, 10**9], "no number"),
        ("needs.timeout", float("nan"), "no number of seconds"),
        ("needs.timeout", float("inf"), "no number of seconds"),
        ("needs.cell_timeouts", {"x": 1}, "makes no sense"),
        ("needs.environment", "../x", "environment is no name"),
        ("manifest", "a/b", "no SHA-256"),
        ("attempt", -1, "no number"),
    ],
)
def test_a_message_that_was_tampered_with_is_refused(message: Message, path: str, value: object, why: str) -> None:
    table = json.loads(message.to_text())
    spoil(table, path, value)
    with pytest.raises(DamagedError, match=why):
        Message.from_text(json.dumps(table))


def test_another_lock_than_that_of_the_key_is_refused(message: Message) -> None:
    packages = {"ipykernel": "6.0"}
    counted = "python 3.11\nipykernel 6.0\n"
    other = Lock("small", "3.11", packages, (), hashlib.sha256(counted.encode()).hexdigest())
    table = json.loads(message.to_text())
    table["lock"] = {
        "tab": "small", "python": "3.11", "packages": packages, "imports": [], "digest": other.digest
    }  # fmt: skip
    with pytest.raises(DamagedError, match="its lock is not that of its key"):
        Message.from_text(json.dumps(table))


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "[" * 100_000, " " * (LONGEST + 1)])
def test_what_is_no_message_is_refused(text: str) -> None:
    for kind in (Message, Manifest, Answer):
        with pytest.raises(DamagedError):
            kind.from_text(text)


def test_a_manifest_names_files_inside_of_the_book() -> None:
    manifest = Manifest("book-1", {"d2l/torch.py": NOWHERE, "img/ü b.svg": NOWHERE}, "src", ("img", "data.csv"))
    assert Manifest.from_text(manifest.to_text()) == manifest
    for path in ("../x", "/x", "a//b", "a/../../x", "a\\b", "~/../x", "."):
        table = json.loads(manifest.to_text())
        table["files"] = {path: NOWHERE}
        with pytest.raises(DamagedError, match="no path inside"):
            Manifest.from_text(json.dumps(table))
        table = json.loads(manifest.to_text())
        table["resources"] = [path]
        with pytest.raises(DamagedError, match="no path inside"):
            Manifest.from_text(json.dumps(table))
    for part, value in (("book", "../x"), ("source", ".."), ("source", ""), ("files", {"a": "no digest"})):
        table = json.loads(manifest.to_text())
        table[part] = value
        with pytest.raises(DamagedError):
            Manifest.from_text(json.dumps(table))


def test_an_answer_names_a_record_or_a_trouble() -> None:
    for answer in (Answer(NOWHERE, "done", NOWHERE), Answer("", "trouble", text="no disk"), Answer("k", "version")):
        assert Answer.from_text(answer.to_text()) == answer
    for table in ({"status": "done", "run": "../x"}, {"status": "well"}, {"status": "trouble", "text": 1}):
        with pytest.raises(DamagedError):
            Answer.from_text(json.dumps({"schema": 1, "key": "", "run": "", "text": "", "host": "", **table}))
