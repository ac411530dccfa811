"""Pages that must have a graphics card, on a machine without one and with simulated ones: the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from execute_books import MiniBook, page, share_environments, write_book

from octavo.execute.environments.environment import Environment, Lock

MUST = "---\nexecute:\n  gpus: 1\n---\n"
SEES = "import os\nlen(os.environ['CUDA_VISIBLE_DEVICES'])"


@pytest.fixture
def book(tmp_path: Path, small: Environment, small_lock: Lock) -> MiniBook:
    pages = {
        "must": MUST + page("Must", f"{SEES} + 0"),
        "can": "---\nexecute:\n  gpus: 0-1\n---\n" + page("Can", SEES),
        "broken": page("Broken", "1 / 0"),
        "plain": page("Plain", SEES),
    }
    book = write_book(tmp_path, pages, {"small": "# python: 3.11\n" + small_lock.requirements})
    share_environments(book, small.folder.parent)
    return book


def states(book: MiniBook, **more: str) -> dict[str, tuple[str, list[str]]]:
    rows = json.loads(book.run("status", "--json", **more).stdout)["runs"]
    return {row["page"]: (row["state"], row["reasons"]) for row in rows}


def printed(book: MiniBook, name: str) -> list[str]:
    record = json.loads((book.folder / "outputs" / name / "small.json").read_text())
    return record["cells"][0]["outputs"][0]["data"]["text/plain"]


NONE = {"CUDA_VISIBLE_DEVICES": "", "OCTAVO_CARDS": ""}


def test_a_page_that_must_have_a_card_waits_for_a_machine_that_has_one(book: MiniBook) -> None:
    done = book.run("run", "must", "can", "plain", **NONE)
    assert done.returncode == 0, done.stderr
    assert (
        "must.md:1: warning[deferred]: deferred: the page needs a graphics card, and this machine has none"
        in done.stderr
    )
    assert "1 warning" in done.stderr and "error" not in done.stderr
    assert done.stderr.count("deferred, since the page needs a graphics card") == 1
    assert printed(book, "can") == printed(book, "plain") == ["0"]
    assert not (book.folder / "outputs" / "must").exists()
    lacks = "it needs a graphics card, and this machine has none"
    assert states(book, **NONE)["must"] == ("missing", ["it was never executed", lacks])

    done = book.run("run", "must", OCTAVO_CARDS="1x16GB")
    assert done.returncode == 0, done.stderr
    assert printed(book, "must") == [str(len("SIMULATED-0"))]
    assert states(book, **NONE)["must"] == ("fresh", []), "what another machine has made counts here"

    path = book.folder / "must.md"
    path.write_text(path.read_text().replace("import os\n", "import os\nprint('new')\n"))
    state, reasons = states(book, **NONE)["must"]
    assert state == "stale" and reasons[-1] == lacks and len(reasons) > 1
    done = book.run("run", "must", **NONE)
    assert done.returncode == 0 and "warning[deferred]" in done.stderr
    assert printed(book, "must") == [str(len("SIMULATED-0"))], "the last result stays"


def test_deferred_pages_hide_no_error(book: MiniBook) -> None:
    done = book.run("run", "must", "broken", **NONE)
    assert done.returncode == 1
    assert "1 error and 1 warning" in done.stderr and "ZeroDivisionError" in done.stderr


def test_a_strict_book_does_not_take_a_deferred_page(book: MiniBook) -> None:
    config = book.folder / "config.ini"
    config.write_text(config.read_text().replace("[build]", "[build]\nwarning_is_error = True"))
    assert book.run("run", "must", **NONE).returncode == 1
    assert book.run("run", "must", OCTAVO_CARDS="1x16GB").returncode == 0
