"""Two clones of one book and the store between them, through the command line. Kernels are real."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from execute_stores import Place, place_of, s3_server  # noqa: F401  a fixture

from octavo.execute.environments.environment import Environment, Lock
from octavo.execute.home import environments_home

pytestmark = pytest.mark.slow

PAGE = """# {title}

```{{.python .input}}
with open({trace!r}, "a") as trace:
    trace.write("{title} ran\\n")
```

```{{.python .input}}
print("loss", 2 ** {number})
```
"""


@dataclass
class Clone:
    """A checkout of a book on a machine of its own, that is, with a cache of its own."""

    folder: Path
    cache: Path
    store: str

    def start(self, *arguments: str | Path, **variables: str) -> subprocess.Popen[str]:
        """Begin a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "octavo", "-C", str(self.folder), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ, "COLUMNS": "120", "OCTAVO_STORE": self.store, "OCTAVO_CACHE": str(self.cache), **variables
            },
        )  # fmt: skip

    def __call__(self, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        process = self.start(*arguments, **variables)
        out, errors = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, out, errors)

    def states(self) -> list[str]:
        """What `octavo status` says of each page, in the order of the book."""
        return [row["state"] for row in json.loads(self("status", "--json").stdout)["runs"]]

    def outputs(self) -> dict[str, bytes]:
        """Every file of the committed results."""
        folder = self.folder / "outputs"
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def clone(tmp_path: Path, small: Environment, small_lock: Lock, cache: Path) -> Callable[..., Clone]:
    """Make a clone: ``clone("a", store)``; with ``bare`` it cannot execute anything, having no environment."""
    lock = f"# python: {small_lock.python}\n{small_lock.requirements}"

    def build(name: str, store: str, *, pages: int = 3, bare: bool = False) -> Clone:
        made = Clone(tmp_path / name, tmp_path / f"cache-{name}", store)
        titles = [f"page{number}" for number in range(pages)]
        files = {
            "config.ini": "[build]\ntabs = small\n",
            "environments/small.txt": lock,
            "index.md": "# Book\n\n```toc\n" + "\n".join(titles) + "\n```\n",
        }
        for number, title in enumerate(titles):
            files[f"{title}.md"] = PAGE.format(title=title, number=number, trace=str(tmp_path / "trace"))
        for path, text in files.items():
            (made.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (made.folder / path).write_text(text)
        made.cache.mkdir(exist_ok=True)
        if bare:  # whoever tries to make an environment is noticed
            environments_home(made.cache).write_text("no folder")
        else:
            environments_home(made.cache).symlink_to(environments_home(cache))
        return made

    return build


@pytest.fixture
def trace(tmp_path: Path) -> Callable[[], list[str]]:
    """What kernels did, in the order in which they did it, wherever they ran."""

    def read() -> list[str]:
        path = tmp_path / "trace"
        return sorted(path.read_text().splitlines()) if path.exists() else []

    return read


ALL = ["page0 ran", "page1 ran", "page2 ran"]


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return place_of(request.param, request, tmp_path, monkeypatch)


EVERYWHERE = pytest.mark.parametrize("place", ["folder", pytest.param("s3", marks=pytest.mark.slow)], indirect=True)
"""Of S3 the quick tests see one whole story here; what it does with damage and modes, test_execute_shared.py shows."""


def test_a_second_clone_executes_nothing(
    place: Place, clone: Callable[..., Clone], trace: Callable[[], list[str]]
) -> None:
    first = clone("a", place.url)
    answer = first("run")
    assert answer.returncode == 0, answer.stderr
    assert trace() == ALL
    assert len(place.files("runs")) == 3

    second = clone("b", place.url, bare=True)
    assert second.states() == ["fresh"] * 3
    assert not (second.cache / "runs").exists(), "what is asked for is no more than a listing"
    answer = second("run")
    assert (answer.returncode, answer.stdout) == (0, "")
    assert "nothing is stale" in answer.stderr
    answer = second("build", "html")
    assert answer.returncode == 0, answer.stderr
    assert trace() == ALL, "no kernel ran"
    assert second.outputs() == first.outputs() != {}
    assert "loss 4" in (second.folder / "_build" / "html" / "page2.html").read_text()

    again = clone("c", "", bare=True)
    answer = again("run", OCTAVO_CACHE=str(second.cache))
    assert (answer.returncode, trace()) == (0, ALL), "what came over the network has stayed here"


@EVERYWHERE
def test_a_damaged_object_is_set_aside_and_made_again(
    place: Place, clone: Callable[..., Clone], trace: Callable[[], list[str]]
) -> None:
    clone("a", place.url)("run")
    before = place.files("runs")
    name = next(name for name, content in before.items() if b"loss" in content and b"page1" in content)
    place.put(name, before[name].replace(b"loss", b"gain"))

    second = clone("b", place.url)
    answer = second("run")
    assert answer.returncode == 0
    assert answer.stderr.count("warning[damaged-result]") == 1
    assert trace() == sorted([*ALL, "page1 ran"])
    assert {name.rpartition("/")[2] for name in place.files("damaged")} == {name.rpartition("/")[2]}
    assert len(place.files("runs")) == 3
    third = clone("c", place.url, bare=True)
    assert third("run").returncode == 0
    assert len(trace()) == 4


@EVERYWHERE
def test_modes_of_builds_that_are_not_trusted(
    place: Place, clone: Callable[..., Clone], trace: Callable[[], list[str]]
) -> None:
    reader = clone("reader", place.url)
    assert reader("run", OCTAVO_STORE_MODE="read-only").returncode == 0
    assert place.files() == {}
    assert len(trace()) == 3

    guest = clone("guest", place.url)
    answer = guest("run", OCTAVO_STORE_MODE="quarantine", OCTAVO_STORE_QUARANTINE="pull-7")
    assert answer.returncode == 0
    assert len(trace()) == 6
    written = place.files()
    assert len(written) == 3 and all(name.startswith("quarantine/pull-7/runs/") for name in written)

    trusted = clone("trusted", place.url)
    assert trusted.states() == ["missing"] * 3
    assert trusted("run").returncode == 0
    assert len(trace()) == 9, "it makes for itself what only the guest has made"
    # what is trusted, the guest may use
    other = clone("other", place.url, bare=True)
    assert other("run", OCTAVO_STORE_MODE="quarantine").returncode == 0
    assert len(trace()) == 9


def test_two_builds_at_once_in_one_checkout(
    tmp_path: Path, clone: Callable[..., Clone], trace: Callable[[], list[str]]
) -> None:
    book = clone("a", str(tmp_path / "store"), pages=4)
    builds = [book.start("run") for _ in range(2)]
    answers = [build.communicate(timeout=300) for build in builds]
    assert [build.returncode for build in builds] == [0, 0], answers
    assert trace() == [*ALL, "page3 ran"], "the one that waited found everything done"
    assert book.states() == ["fresh"] * 4


def test_many_clones_at_once_on_one_store(
    tmp_path: Path, clone: Callable[..., Clone], trace: Callable[[], list[str]]
) -> None:
    store = tmp_path / "store"
    clones = [clone(name, str(store)) for name in "abc"]
    builds = [one.start("run") for one in clones]
    answers = [build.communicate(timeout=300) for build in builds]
    assert [build.returncode for build in builds] == [0] * 3, answers
    assert all("warning" not in errors for _, errors in answers)
    assert clones[0].outputs() == clones[1].outputs() == clones[2].outputs() != {}
    last = clone("d", str(store), bare=True)
    ran = trace()
    assert last("run").returncode == 0
    assert trace() == ran
    assert last.outputs() == clones[0].outputs()


@pytest.mark.parametrize("where", ["variable", "setting"])
def test_an_address_with_credentials_is_an_error_and_never_printed(where: str, clone: Callable[..., Clone]) -> None:
    address = "s3://AKIAEXAMPLE:hush/hush@bucket/x"
    book = clone("a", "", bare=True)
    variables = {"OCTAVO_STORE": address}
    if where == "setting":
        (book.folder / "config.ini").write_text(f"[build]\ntabs = small\n\n[execute]\nstore = {address}\n")
        variables = {"OCTAVO_STORE": "", "OCTAVO_STORE_MODE": "read-only"}
    for arguments in (["status"], ["status", "--json"]):
        answer = book(*arguments, **variables)
        assert answer.returncode == 1
        assert "has credentials in it" in answer.stdout + answer.stderr
        assert "hush" not in answer.stdout + answer.stderr


def test_a_store_that_cannot_be_reached_stops_nothing(
    tmp_path: Path, clone: Callable[..., Clone], trace: Callable[[], list[str]]
) -> None:
    book = clone("a", str(tmp_path / "not" / "mounted"))
    answer = book("run")
    assert answer.returncode == 0
    assert answer.stderr.count("warning[shared-store]") == 1
    assert "Traceback" not in answer.stderr
    assert trace() == ALL
    (tmp_path / "not").mkdir()
    assert book("run").returncode == 0
    assert trace() == ALL
    assert len(list((tmp_path / "not" / "mounted").rglob("*.json"))) == 3, "now it gets what is known here"


# -- octavo gc


def age(path: Path, days: float) -> None:
    then = time.time() - days * 24 * 3600
    os.utime(path, (then, then))


def collected(clone: Clone, *arguments: str) -> dict[str, list[str]]:
    answer = clone("gc", "--json", *arguments)
    assert answer.returncode == 0, answer.stderr
    table = json.loads(answer.stdout)
    return {what: [f"{i['kind']} {i['name']}" for i in table[what]] for what in ("removed", "kept")}


def test_gc_removes_what_nobody_needs(clone: Callable[..., Clone], small_lock: Lock, tmp_path: Path) -> None:
    book = clone("a", "")
    assert book("run").returncode == 0
    needed = {path.stem for path in (book.cache / "runs").glob("??/*.json")}
    (book.cache / "environments").unlink()  # the tests' own, which must not be touched
    environments = book.cache / "environments"
    present = f"small-{small_lock.digest[:12]}"
    for name, days in ((present, 90), ("small-0123456789ab", 90), ("other-0123456789ab", 3)):
        (environments / name).mkdir(parents=True)
        (environments / name / "octavo.json").write_text("{}")
        (environments / name / "library.so").write_text("x" * 1000)
        for path in (environments / name / "octavo.json", environments / name):
            age(path, days)
    runs = book.cache / "runs" / "ab"
    runs.mkdir(exist_ok=True)
    for number in range(4):
        (runs / f"ab{number:062}.json").write_text("x" * 100_000)
        age(runs / f"ab{number:062}.json", 10 - number)
    (runs / f"ab{9:062}.damaged").write_text("x")
    (runs / f".ab{8:062}.json.0123abcd").write_text("x")

    would = collected(book, "--dry-run")
    assert sorted(would["removed"]) == [
        f"damaged runs/ab/ab{9:062}.damaged",
        "environment environments/small-0123456789ab",
        f"temporary runs/ab/.ab{8:062}.json.0123abcd",
    ]
    assert collected(book, "--dry-run") == would, "nothing was removed"
    assert collected(book) == would
    assert sorted(path.name for path in environments.iterdir() if path.is_dir()) == ["other-0123456789ab", present]
    assert len(list(runs.iterdir())) == 4 + sum(key.startswith("ab") for key in needed)

    answer = book("gc", "--max-size", "250kB")
    assert answer.returncode == 0
    assert re.search(r"^removed 2 results: 200 kB$", answer.stdout, re.MULTILINE)
    assert sorted(path.name for path in runs.glob("ab000*")) == [f"ab{number:062}.json" for number in (2, 3)]
    answer = book("gc", "--max-size", "1")
    assert "this book needs it" in answer.stdout
    assert {path.stem for path in (book.cache / "runs").glob("??/*.json")} == needed
    assert book.states() == ["fresh"] * 3


def test_gc_leaves_everything_while_the_book_has_errors(clone: Callable[..., Clone]) -> None:
    book = clone("a", "", bare=True)
    (book.cache / "runs" / "ab").mkdir(parents=True)
    (book.cache / "runs" / "ab" / f"ab{1:062}.json").write_text("x")
    (book.folder / "index.md").write_text("# Book\n\n```toc\nnowhere\n```\n")
    answer = book("gc", "--max-size", "0")
    assert answer.returncode == 1
    assert "nothing was removed" in answer.stderr
    assert (book.cache / "runs" / "ab" / f"ab{1:062}.json").exists()


def test_gc_of_the_shared_store(place: Place, clone: Callable[..., Clone]) -> None:
    book = clone("a", place.url)
    assert book("run").returncode == 0
    needed = set(place.files("runs"))
    page = book.folder / "page0.md"
    page.write_text(page.read_text().replace("loss", "gain"))
    assert book("run").returncode == 0
    (replaced,) = (name for name in needed if b"page0" in place.files("runs")[name])
    place.put("damaged/x.json", b"x")
    place.put("notes.txt", b"somebody's")
    assert collected(book, "--shared", "--max-size", "1")["removed"] == ["damaged damaged/x.json", f"run {replaced}"]
    left = set(place.files())
    assert left == set(place.files("runs")) | {"notes.txt"}
    assert len(left) == 4 and replaced not in left
    assert clone("reader", place.url)("gc", "--shared", OCTAVO_STORE_MODE="read-only").returncode == 1
