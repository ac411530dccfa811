# ruff: noqa: E501 - a case of a table stands on one line
from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from octavo.diagnostics import Code, Diagnostics
from octavo.execute.freshness import key as keys
from octavo.execute.kernels.outputs import BINARY_TYPES, TEXT_TYPES
from octavo.execute.results.files import abandoned, write_whole
from octavo.execute.results.store import CommittedStore, LocalStore, Results
from octavo.model import CellRun, Failure, Inputs, Output, Run, Span

PNG = base64.b64encode(b"\x89PNG picture").decode()
SVG = '<?xml version="1.0"?>\n<svg/>\n'


@pytest.fixture
def run(edition) -> Callable[..., Run]:
    def build(
        *texts: str,
        page: str = "chapter_x/page",
        varies: tuple[int, ...] = (),
        source: str = "x",
        failure: Failure | None = None,
    ) -> Run:
        cut = edition(*(f"{source}{n}" for n, _ in enumerate(texts)), tab="jax", page=page)
        lock = {"python": "3.11", "numpy": "2.4.6", "a-b": "1.0 [x,y] ; m == 'q, r'", "odd": "v1.0"}
        inputs = Inputs(tuple(keys.digest(cell.code.text) for cell in cut.cells), {}, lock, {"o": "1"})
        cells = tuple(
            CellRun(inputs.cells[n], (Output("stream", "stdout", text),) if text else (), n in varies, 1.5)
            for n, text in enumerate(texts)
        )
        return Run(keys.key(inputs), page, "jax", inputs, cells, failure, 3.25, "cpu")

    return build


@pytest.fixture
def results(tmp_path: Path) -> Results:
    messages = Diagnostics()
    made = Results(tmp_path / "book", "outputs", tmp_path / "home", messages.add)
    made.messages = messages  # type: ignore[attr-defined]
    return made


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        p.relative_to(folder).as_posix(): (p.read_bytes(), p.stat().st_mtime_ns)
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


@pytest.mark.parametrize(
    ("again", "kept"),
    [
        ("M 50.46 135.180721 L 1.5e-05 2", True),  # the last digits of a sum
        ("M 50.46 135.280728 L 1.6e-05 2", False),  # a tenth of a point can be seen
        ("M 50.46 135.180728 L 1.6e-05 2 Z", False),  # another shape
    ],
)
def test_a_picture_that_nobody_could_tell_from_the_committed_one_leaves_it(
    run: Callable[..., Run], results: Results, again: str, kept: bool
) -> None:
    def drawn(path: str) -> Run:
        made = run("x")
        output = Output("display", data={"image/svg+xml": f"<svg><path d='{path}'/></svg>"})
        return replace(made, cells=(replace(made.cells[0], outputs=(output,)),))

    results.save(drawn("M 50.46 135.180728 L 1.6e-05 2"))
    before = snapshot(results.committed.folder)
    results.save(drawn(again), forced=True)
    assert (snapshot(results.committed.folder) == before) is kept


def with_pictures(run: Run) -> Run:
    outputs = (
        Output("display", data={"text/plain": "<Figure>", "image/svg+xml": SVG}),
        Output("result", data={"image/png": PNG, "text/html": "<b>\n"}),
    )
    return replace(run, cells=(*run.cells[:-1], replace(run.cells[-1], outputs=outputs)))


def test_a_review_sees_lines_and_pictures(results: Results, run) -> None:
    results.save(with_pictures(run("loss 0.34\nloss 0.31\n", "")))
    folder = results.committed.folder / "chapter_x" / "page"
    assert sorted(p.name for p in folder.iterdir()) == ["jax-2-1.svg", "jax-2-2.png", "jax.json"]
    assert (folder / "jax-2-1.svg").read_text() == SVG
    assert (folder / "jax-2-2.png").read_bytes() == b"\x89PNG picture"
    text = (folder / "jax.json").read_text()
    assert '\n      "loss 0.34",\n      "loss 0.31",\n' in text
    assert text.endswith("}\n")
    assert "3.25" not in text and "1.5" not in text and "cpu" not in text


def test_both_shelves_give_back_what_was_saved(results: Results, run) -> None:
    made = with_pictures(run("text\n", ""))
    results.save(made)
    assert results.local.find(made.key) == made
    committed = results.committed.read("chapter_x/page", "jax")
    assert committed == replace(made, seconds=0.0, device="", cells=tuple(replace(c, seconds=0.0) for c in made.cells))
    assert results.find(made.key, "chapter_x/page", "jax") == made
    assert results.seconds("chapter_x/page", "jax") == 3.25
    assert len(results.messages) == 0  # type: ignore[attr-defined]


def test_an_equal_run_touches_no_file(results: Results, run) -> None:
    made = with_pictures(run("text\n", ""))
    results.save(made)
    before = snapshot(results.committed.root)
    results.save(replace(made, seconds=9.0), forced=True)
    assert snapshot(results.committed.root) == before


def test_varying_cells_keep_the_first_values_while_all_else_is_equal(results: Results, run) -> None:
    first, second = run("1.2 s", "same", varies=(0,)), run("3.4 s", "same", varies=(0,))
    results.save(first)
    before = snapshot(results.committed.root)
    assert results.save(second).cells[0].outputs[0].text == "1.2 s"
    assert snapshot(results.committed.root) == before
    results.save(run("5.6 s", "other", varies=(0,)))
    assert [c.outputs[0].text for c in results.last("chapter_x/page", "jax").cells] == ["5.6 s", "other"]  # type: ignore[union-attr]
    results.save(run("7.8 s", "other", varies=(0,), source="edited"))
    assert results.last("chapter_x/page", "jax").cells[0].outputs[0].text == "7.8 s"  # type: ignore[union-attr]


def test_pictures_that_are_no_longer_drawn_go_and_others_stay(results: Results, run) -> None:
    results.save(with_pictures(run("text", "")))
    folder = results.committed.folder / "chapter_x" / "page"
    (folder / "jax-notes.txt").write_text("the author's")
    (folder / "torch-1-1.svg").write_text("another framework's")
    results.save(run("text", "now text", source="edited"))
    assert sorted(p.name for p in folder.iterdir()) == ["jax-notes.txt", "jax.json", "torch-1-1.svg"]


def test_a_failed_run_is_kept_here_and_never_committed(results: Results, run) -> None:
    good, failure = run("a"), Failure("exception", "E", "m", Span("chapter_x/page.md", 3, 3), 0, ("t",))
    results.save(good)
    bad = run("a", source="edited", failure=failure)
    results.save(bad)
    assert results.last("chapter_x/page", "jax").key == good.key  # type: ignore[union-attr]
    assert results.find(bad.key, "chapter_x/page", "jax") is None
    assert results.local.failed(bad.key) == bad
    results.save(replace(bad, failure=None))
    assert results.local.failed(bad.key) is None
    results.save(bad, forced=True)
    assert results.local.find(bad.key) is not None, "a success is never overwritten by a failure"


def test_a_missing_environment_is_not_remembered(results: Results, run) -> None:
    results.save(run(failure=Failure("environment", "E", "no network")))
    assert not results.local.home.exists()


def test_a_success_is_overwritten_only_when_forced(results: Results, run) -> None:
    results.local.save(run("one"))
    results.local.save(run("two"))
    assert results.local.find(run("one").key) == run("one")
    results.local.save(run("two"), forced=True)
    assert results.local.find(run("one").key) == run("two")


def test_a_renamed_page_finds_its_result(results: Results, run) -> None:
    made = run("a", page="old")
    results.committed.write(made)
    found = results.find(made.key, "new", "jax")
    assert found is not None and found.page == "new"
    assert results.find(made.key, "new", "torch") is None


def test_prune_removes_pages_that_are_gone(results: Results, run) -> None:
    results.save(with_pictures(run("a", page="part/gone")))
    results.save(run("b", page="part"))
    assert results.committed.prune([("part", "jax")]) == ("part/gone (jax)",)
    assert sorted(p.as_posix() for p in results.committed.folder.rglob("*")) == sorted(
        (results.committed.folder / name).as_posix() for name in ("part", "part/jax.json")
    )


def edit(change: Callable[[dict], object]) -> Callable[[Path], object]:
    def apply(path: Path) -> None:
        value = json.loads(path.read_text())
        change(value)
        path.write_text(json.dumps(value))

    return apply


def replace_by_link(path: Path) -> None:
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda p: p.write_text(""),
    "cut": lambda p: p.write_text(p.read_text()[:100]),
    "binary": lambda p: p.write_bytes(b"\xff\xfe\x00"),
    "deep": lambda p: p.write_text("[" * 100_000),
    "list": lambda p: p.write_text("[]"),
    "schema": edit(lambda v: v.update(schema=99)),
    "key": edit(lambda v: v.update(key="0" * 64)),
    "no key": edit(lambda v: v.pop("key")),
    "no cells": edit(lambda v: v.update(cells=[])),
    "cells": edit(lambda v: v.update(cells=3)),
    "digest": edit(lambda v: v["cells"][0].update(digest="x")),
    "kind": edit(lambda v: v["cells"][0]["outputs"][0].update(kind="script")),
    "stream": edit(lambda v: v["cells"][0]["outputs"][0].update(name=["stdout"])),
    "text": edit(lambda v: v["cells"][0]["outputs"][0].update(text={"a": 1})),
    "surrogate": edit(lambda v: v["cells"][0]["outputs"][0].update(text=["\ud800"])),
    "lock": edit(lambda v: v["inputs"].update(lock="numpy 1")),
    "inputs": edit(lambda v: v.update(inputs=None)),
    "mime": edit(lambda v: v["cells"][1]["outputs"][0]["data"].update({"text/javascript": ["alert(1)"]})),
    "escape": edit(lambda v: v["cells"][1]["outputs"][0]["data"].update({"image/svg+xml": {"file": "../../../secret.svg"}})),
    "inline": edit(lambda v: v["cells"][1]["outputs"][0]["data"].update({"image/svg+xml": ["<svg/>"]})),
    "picture": lambda p: (p.parent / "jax-2-1.svg").unlink(),
    "picture bytes": lambda p: (p.parent / "jax-2-1.svg").write_bytes(b"\xff"),
    "linked": replace_by_link,
    "linked picture": lambda p: replace_by_link(p.parent / "jax-2-2.png"),
    "folder": lambda p: (p.unlink(), p.mkdir()),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_committed_result_is_reported_and_absent(results: Results, run, damage: str) -> None:
    made = with_pictures(run("a", ""))
    results.committed.write(made)
    path = results.committed.path("chapter_x/page", "jax")
    DAMAGE[damage](path)
    assert results.committed.read("chapter_x/page", "jax") is None
    (message,) = results.messages  # type: ignore[attr-defined]
    assert message.code is Code.DAMAGED_RESULT
    assert message.span == Span("outputs/chapter_x/page/jax.json", 1, 1)
    if damage != "folder":
        results.committed.write(made)
        assert results.committed.find(made.key, made.page, made.tab) is not None, "the next run repairs it"


@pytest.mark.parametrize(
    "damage", ["empty", "cut", "binary", "deep", "list", "schema", "key", "cells", "text", "folder"]
)
def test_a_damaged_local_record_is_set_aside(results: Results, run, damage: str) -> None:
    made = run("a", "b")
    results.local.save(made)
    path = results.local.path(made.key)
    DAMAGE[damage](path)
    assert results.local.find(made.key) is None
    assert not path.exists() and path.with_suffix(".damaged").exists()
    assert [m.code for m in results.messages] == [Code.DAMAGED_RESULT]  # type: ignore[attr-defined]
    results.local.save(made)
    assert results.local.find(made.key) == made


def test_a_flipped_bit_is_found(results: Results, run) -> None:
    made = run("loss 0.34")
    results.local.save(made)
    path = results.local.path(made.key)
    path.write_text(path.read_text().replace("loss 0.34", "loss 0.35"))
    assert results.local.find(made.key) is None


def test_a_store_that_cannot_be_written_is_reported(tmp_path: Path, run) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")
    messages = Diagnostics()
    LocalStore(tmp_path / "home", messages.add).save(run("a"))
    assert [m.code for m in messages] == [Code.DAMAGED_RESULT]


def test_a_result_that_cannot_be_written_is_reported_and_kept_here(results: Results, run) -> None:
    results.committed.root.mkdir()
    results.committed.folder.write_text("a file where a folder should be")
    made = run("a")
    assert results.save(made) == made
    (message,) = results.messages  # type: ignore[attr-defined]
    assert message.message == "cannot write the result outputs/chapter_x/page/jax.json: Not a directory"
    assert results.local.find(made.key) == made


def test_results_do_not_leave_their_folder_through_a_link(results: Results, run, tmp_path: Path) -> None:
    results.committed.folder.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (results.committed.folder / "chapter_x").symlink_to(tmp_path / "elsewhere")
    results.save(run("a"))
    assert [p for p in (tmp_path / "elsewhere").rglob("*") if p.is_file()] == []
    assert "a link leads out of outputs" in next(iter(results.messages)).message  # type: ignore[attr-defined]


def test_pruning_leaves_the_authors_own_json(results: Results, run) -> None:
    results.save(run("a"))
    mine = results.committed.folder / "data" / "vocabulary.json"
    mine.parent.mkdir()
    mine.write_text('{"schema": 1, "key": "mine"}')
    assert results.committed.prune([]) == ("chapter_x/page (jax)",)
    assert mine.exists()


def test_a_local_store_that_may_not_be_read_is_told_once_and_nothing_is_set_aside(
    results: Results, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    results.local.save(run("a"))

    def refuse(path: Path, **_: object) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", refuse)
    assert results.local.find(run("a").key) is None
    assert results.local.find(run("b", source="other").key) is None
    (message,) = results.messages  # type: ignore[attr-defined]
    assert message.message.startswith("cannot read the local store in")
    assert results.local.path(run("a").key).exists()


LINES = st.text(st.characters(exclude_categories=["Cs"]))
BUNDLES = st.dictionaries(st.sampled_from(TEXT_TYPES), LINES, min_size=1) | st.dictionaries(
    st.sampled_from(BINARY_TYPES), st.binary(min_size=1).map(lambda b: base64.b64encode(b).decode()), min_size=1
)
OUTPUTS = (
    st.builds(Output, st.just("stream"), st.sampled_from(["stdout", "stderr"]), LINES)
    | st.builds(Output, st.just("error"), LINES, LINES, traceback=st.lists(LINES).map(tuple))
    | st.builds(Output, st.sampled_from(["display", "result"]), data=BUNDLES)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.lists(st.lists(OUTPUTS).map(tuple), max_size=3))
def test_whatever_a_page_prints_comes_back(tmp_path: Path, run, outputs: list[tuple[Output, ...]]) -> None:
    made = run(*[""] * len(outputs))
    made = replace(made, cells=tuple(replace(c, outputs=o) for c, o in zip(made.cells, outputs, strict=True)))
    messages = Diagnostics()
    committed = CommittedStore(tmp_path, "outputs", messages.add)
    committed.write(made)
    read = committed.read(made.page, made.tab)
    assert read is not None and [c.outputs for c in read.cells] == outputs
    local = LocalStore(Path(os.fspath(tmp_path), "home"), messages.add)
    local.save(made, forced=True)
    assert local.find(made.key) == made
    assert len(messages) == 0


WRITER = """
import sys, time
from pathlib import Path
from octavo.execute.results import files

def wait(number):  # the content is written, the name is not yet given
    print("writing", flush=True)
    time.sleep(60)
files.os.fsync = wait
files.write_whole(Path(sys.argv[1]), b"new", durable=True)
"""


def test_what_a_killed_writer_leaves_is_removed_and_what_is_being_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "page" / "jax.json"
    path.parent.mkdir()
    path.write_bytes(b"old")
    (path.parent / ".notes.abcdef12").write_text("of another file")
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == "writing\n"
    assert len(list(path.parent.iterdir())) == 4
    writers[0].kill()
    writers[0].wait()
    assert path.read_bytes() == b"old"
    assert len(list(abandoned(tmp_path))) == 2, "that of the killed one, and the odd file, which nobody holds"
    write_whole(path, b"newer")
    left = sorted(entry.name for entry in path.parent.iterdir())
    assert len(left) == 3 and left[-1] == "jax.json" and ".notes.abcdef12" in left
    writers[1].kill()
    writers[1].wait()
    write_whole(path, b"newest")
    assert sorted(entry.name for entry in path.parent.iterdir()) == [".notes.abcdef12", "jax.json"]
    assert path.read_bytes() == b"newest"


def test_a_build_removes_what_a_killed_one_left_among_the_committed_results(results: Results, run) -> None:
    results.save(run("a"))
    folder = results.committed.path("chapter_x/page", "jax").parent
    for name in (".jax.json.0123abcd", ".jax-1-1.svg.0123abcd", ".mine.txt.0123abcd"):
        (folder / name).write_text("half")
    assert results.committed.prune([("chapter_x/page", "jax")]) == ()
    assert sorted(path.name for path in folder.iterdir()) == [".mine.txt.0123abcd", "jax.json"]


def test_measurements_are_kept_here_and_never_committed(results: Results, run) -> None:
    made = run("a")
    cells = tuple(replace(cell, memory=5 << 30, gpu_memory=7) for cell in made.cells)
    made = replace(made, cells=cells, host="a-host")
    results.save(made)
    assert results.local.find(made.key) == made
    text = results.committed.path(made.page, made.tab).read_text()
    assert "memory" not in text and "host" not in text
    failed = replace(run("b", source="y"), failure=Failure("died", "Killed", "no memory", infrastructure=True))
    results.save(failed)
    assert results.failed(failed.key) == failed


def test_times_are_known_for_pages_that_were_edited(results: Results, run) -> None:
    results.save(run("a"))
    results.save(replace(run("a", source="edited"), seconds=7.5))
    again = Results(results.committed.root, "outputs", results.local.home, results.messages.add)  # type: ignore[attr-defined]
    assert again.seconds("chapter_x/page", "jax") == 7.5
    assert again.seconds("other", "jax") is None
