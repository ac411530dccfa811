"""What a worker does with a message: in any thread, twice at once, and with files that somebody spoilt."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import octavo
from octavo.execute.backends import worker
from octavo.execute.backends.message import Answer, Manifest, Message
from octavo.execute.environments.environment import Environment, Lock
from octavo.execute.freshness.key import digest
from octavo.execute.freshness.key import key as key_of
from octavo.execute.results import records
from octavo.execute.results.shared import SharedStore
from octavo.model import Edition, Inputs, Needs, Run


@pytest.fixture
def store(tmp_path: Path) -> SharedStore:
    found = SharedStore.open(f"file://{tmp_path}/store", "read-write", lambda _: None)
    assert found is not None
    return found


@pytest.fixture
def home(tmp_path: Path, small: Environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The worker's cache, in which only the environments are there already."""
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "environments").symlink_to(small.folder.parent)
    monkeypatch.setenv("OCTAVO_CACHE", str(cache))
    yield cache
    if ended := worker.close():
        ended.result(30)


@pytest.fixture
def message(edition: Callable[..., Edition], small_lock: Lock, store: SharedStore) -> Callable[..., Message]:
    def build(*sources: str, manifest: Manifest | str = "", options: dict[str, str] | None = None) -> Message:
        page = edition(*sources)
        inputs = Inputs(
            tuple(digest(cell.code.text) for cell in page.cells),
            {},
            small_lock.versions,
            {"tab": "small", **(options or {})},
        )
        text = manifest.to_text() if isinstance(manifest, Manifest) else manifest or Manifest("book", {}).to_text()
        sha = store.put_blob(text.encode())
        return Message(octavo.__version__, "s", page, inputs, key_of(inputs), small_lock, Needs(timeout=60), sha)

    return build


def answer(message: Message, store: SharedStore) -> Answer:
    return Answer.from_text(worker.perform(message.to_text(), store.address))


def run_of(told: Answer, store: SharedStore) -> Run:
    assert told.status == "done", told
    content = store.get_blob(told.run)
    assert content is not None
    return records.run_from_json(records.load(content.decode()))


def test_the_book_s_files_are_where_pages_expect_them(
    message: Callable[..., Message], store: SharedStore, home: Path
) -> None:
    files = {
        "src/img/a.txt": store.put_blob(b"picture"),
        "own.py": store.put_blob(b"VALUE = 'own'\n"),
        "empty/__init__.py": store.put_blob(b""),
    }
    manifest = Manifest("book", files, "src", ("img",))
    code = "import own, empty\nprint(own.VALUE, open('../img/a.txt').read())\nopen('../data.txt', 'w').write('x')"
    done = run_of(answer(message(code, manifest=manifest), store), store)
    assert done.failure is None, done.failure
    assert done.cells[0].outputs[0].text == "own picture\n"
    # what it downloads is there for the next page of the book, its own folder is gone
    again = run_of(answer(message("print(open('../data.txt').read())", manifest=manifest), store), store)
    assert again.cells[0].outputs[0].text == "x\n"
    assert list((home / "work" / "book" / "run" / "small").glob("chapter_x~page")) == []


def test_one_page_twice_at_once_does_no_harm(
    message: Callable[..., Message], store: SharedStore, home: Path, tmp_path: Path
) -> None:
    both = tmp_path / "both"
    both.mkdir()
    code = (
        f"import os, pathlib, time\nplace = pathlib.Path({str(both)!r})\n(place / str(os.getpid())).touch()\n"
        "deadline = time.monotonic() + 30\n"
        "while len(list(place.iterdir())) < 2 and time.monotonic() < deadline:\n    time.sleep(0.01)\n"
        "open('mine', 'x').write('x')\nlen(list(place.iterdir()))"
    )
    first = replace(message(code), forced=True)
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda one: answer(one, store), (first, replace(first, attempt=1))))
    runs = [run_of(one, store) for one in told]
    assert [run.failure for run in runs] == [None, None]
    assert {run.cells[0].outputs[0].data["text/plain"] for run in runs} == {"2"}
    found = store.find(first.key)
    assert found is not None and found.failure is None


def test_what_is_in_the_store_is_not_made_again(
    message: Callable[..., Message], store: SharedStore, home: Path, tmp_path: Path
) -> None:
    code = f"open({str(tmp_path / 'count')!r}, 'a').write('x')"
    first = run_of(answer(message(code), store), store)
    assert run_of(answer(message(code), store), store) == first
    assert (tmp_path / "count").read_text() == "x"
    assert run_of(answer(replace(message(code), forced=True), store), store).key == first.key
    assert (tmp_path / "count").read_text() == "xx"


def test_a_failed_page_is_answered_and_not_kept(
    message: Callable[..., Message], store: SharedStore, home: Path
) -> None:
    told = message("1 / 0")
    done = run_of(answer(told, store), store)
    assert done.failure is not None and done.failure.name == "ZeroDivisionError"
    assert store.find(told.key) is None


def test_a_copy_that_was_spoilt_is_fetched_again(
    message: Callable[..., Message], store: SharedStore, home: Path
) -> None:
    sha = store.put_blob(b"VALUE = 1\n")
    assert run_of(answer(message("import own\nown.VALUE", manifest=Manifest("b", {"own.py": sha})), store), store)
    (home / "blobs" / sha[:2] / sha).write_bytes(b"VALUE = 2\n")
    done = run_of(answer(message("import own\nown.VALUE #", manifest=Manifest("c", {"own.py": sha})), store), store)
    assert done.cells[0].outputs[0].data["text/plain"] == "1"


def test_trouble_is_told_in_a_sentence(
    message: Callable[..., Message], store: SharedStore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trouble(**more: object) -> str:
        told = answer(message("1", **more), store)
        assert told.status == "trouble"
        return told.text

    outside = json.dumps({**json.loads(Manifest("book", {}).to_text()), "files": {"../../evil.py": "0" * 64}})
    assert "no path inside of the book" in trouble(manifest=outside)
    assert "is not in the shared store" in trouble(manifest=Manifest("book", {"a.py": "0" * 64}))
    assert "the declared file a.csv did not come" in trouble(options={"file a.csv": "0" * 64})
    assert "the declared variable COLOUR" in trouble(options={"variable COLOUR": digest("blue")})
    monkeypatch.setenv("COLOUR", "blue")
    assert answer(message("1", options={"variable COLOUR": digest("blue")}), store).status == "done"
    assert Answer.from_text(worker.perform("{}", store.address)).status == "trouble"
    assert Answer.from_text(worker.perform(message("2").to_text(), "[1]")).status == "trouble"
    other = Answer.from_text(worker.perform(replace(message("2"), octavo="0.0").to_text(), store.address))
    assert other.status == "version"
    assert not (home.parent / "evil.py").exists() and not (home / "evil.py").exists()
