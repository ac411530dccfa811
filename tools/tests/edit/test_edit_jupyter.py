"""A real Jupyter server over a book, driven through its REST API as browsers and editors drive it."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import nbformat
import pytest
from edit_server import PAGE, Jupyter, running

pytestmark = pytest.mark.slow

NAME = "chapter/page.md"


def test_pages_are_listed_as_notebooks_and_other_files_as_what_they_are(jupyter: Jupyter, page: Path) -> None:
    _, listed = jupyter.call("GET", "contents/")
    kinds = {model["name"]: model["type"] for model in listed["content"]}
    assert kinds["index.md"] == "notebook" and kinds["README.md"] == kinds["config.ini"] == "file"
    _, listed = jupyter.call("GET", "contents/chapter")
    assert [(model["name"], model["type"], model["content"]) for model in listed["content"]] == [
        ("page.md", "notebook", None)
    ]


def test_opening_and_saving_a_page_changes_no_byte_and_not_its_time(jupyter: Jupyter, page: Path) -> None:
    for content in (PAGE.encode(), b"\xef\xbb\xbf" + PAGE.replace("\n", "\r\n").encode(), PAGE.rstrip().encode(), b""):
        page.write_bytes(content)
        os.utime(page, (1_000_000_000, 1_000_000_000))
        model = jupyter.open(NAME)
        assert model["type"] == "notebook" and model["format"] == "json" and model["writable"]
        nbformat.validate(model["content"])
        for cell in model["content"]["cells"]:
            if cell["cell_type"] == "code":
                cell |= {"execution_count": 1, "outputs": [{"output_type": "stream", "name": "stdout", "text": "42"}]}
        model["content"]["metadata"]["language_info"]["version"] = "3.11.9"
        status, saved = jupyter.save(NAME, model["content"])
        assert status == 200 and saved["last_modified"] == model["last_modified"]
        assert page.read_bytes() == content and page.stat().st_mtime == 1_000_000_000


def test_a_cell_s_edit_is_written_again_and_again(jupyter: Jupyter, page: Path) -> None:
    page.chmod(0o640)
    notebook = jupyter.open(NAME)["content"]
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["source"].split("\n")[0] for cell in code] == ["x = 1", "y = x + 1"]
    assert [cell["cell_type"] for cell in notebook["cells"]] == ["markdown", "code", "raw", "code"]
    for number in (3, 4):
        code[0]["source"] = f"x = {number}"
        assert jupyter.save(NAME, notebook)[0] == 200
        assert page.read_text() == PAGE.replace("x = 1", f"x = {number}")
    assert stat.S_IMODE(page.stat().st_mode) == 0o640
    assert [path.name for path in page.parent.iterdir()] == ["page.md"]  # nothing beside it, hidden or not


def test_a_page_that_changed_on_disk_is_not_written_over(jupyter: Jupyter, page: Path) -> None:
    model = jupyter.open(NAME)
    theirs = PAGE.replace("Words", "Other words")
    page.write_text(theirs)
    _, now = jupyter.call("GET", f"contents/{NAME}?type=notebook&content=0&hash=1")
    assert now["hash"] != model["hash"] and now["hash_algorithm"] == model["hash_algorithm"]
    model["content"]["cells"][1]["source"] = "x = 7"
    status, answer = jupyter.save(NAME, model["content"])
    assert status == 409
    assert "-Other words with $x$." in answer["message"] and "+x = 7" in answer["message"]
    assert page.read_text() == theirs
    (kept,) = (jupyter.folder / "_build" / "jupyter" / "refused").rglob("*.md")
    assert str(kept) in answer["message"] and kept.read_text() == PAGE.replace("x = 1", "x = 7")
    kept.unlink()
    again = jupyter.open(NAME)["content"]
    again["cells"][1]["source"] = "x = 7"
    assert jupyter.save(NAME, again)[0] == 200
    assert page.read_text() == theirs.replace("x = 1", "x = 7")


def test_of_two_windows_the_second_one_to_save_is_refused(jupyter: Jupyter, page: Path) -> None:
    first, second = jupyter.open(NAME)["content"], jupyter.open(NAME)["content"]
    first["cells"][1]["source"], second["cells"][1]["source"] = "x = 5", "x = 6"
    assert jupyter.save(NAME, first)[0] == 200
    assert jupyter.save(NAME, second)[0] == 409
    assert page.read_text() == PAGE.replace("x = 1", "x = 5")


def test_a_page_is_text_for_who_asks_for_text(jupyter: Jupyter, page: Path) -> None:
    _, model = jupyter.call("GET", f"contents/{NAME}?type=file&format=text")
    assert (model["type"], model["content"]) == ("file", PAGE)
    body = {"type": "file", "format": "text", "content": PAGE + "\nMore.\n"}
    assert jupyter.call("PUT", f"contents/{NAME}", body)[0] == 200
    assert page.read_text() == PAGE + "\nMore.\n"
    page.write_bytes(b"\xff\xfe")
    status, answer = jupyter.call("GET", f"contents/{NAME}?type=notebook")
    assert status == 400 and "UTF-8" in answer["message"]


def test_checkpoints_are_kept_apart_and_bring_a_page_back(jupyter: Jupyter, page: Path) -> None:
    status, made = jupyter.call("POST", f"contents/{NAME}/checkpoints")
    assert status == 201
    page.write_text("spoilt")
    assert jupyter.call("POST", f"contents/{NAME}/checkpoints/{made['id']}")[0] == 204
    assert page.read_text() == PAGE
    assert [path.name for path in page.parent.iterdir()] == ["page.md"]


def test_a_new_page_is_made_and_a_copy_is_the_same_page(jupyter: Jupyter, page: Path) -> None:
    cells = [{"cell_type": "markdown", "id": "one", "metadata": {}, "source": "# New"}]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    new = jupyter.folder / "chapter" / "new.md"
    assert jupyter.save("chapter/new.md", notebook)[0] in (200, 201)
    assert new.read_text() == "# New\n"
    new.unlink()
    status, model = jupyter.call("POST", "contents/chapter", {"copy_from": NAME})
    assert status == 201
    copied = jupyter.folder / model["path"]
    assert copied.read_text() == PAGE
    copied.unlink()


def test_a_cell_of_another_framework_is_not_lost_in_a_merge(jupyter: Jupyter, page: Path) -> None:
    for merged in (1, 2):  # JupyterLab gives the cell the metadata of the active one
        notebook = jupyter.open(NAME)["content"]
        mine, other = notebook["cells"][1:3]
        notebook["cells"][merged]["source"] = f"{mine['source']}\n\n{other['source']}"
        del notebook["cells"][3 - merged]
        for _ in range(2):
            status, answer = jupyter.save(NAME, notebook)
            assert status == 409 and "other frameworks" in answer["message"] and "x = 2" in answer["message"]
        assert page.read_text() == PAGE
    refused = [path.read_text() for path in (jupyter.folder / "_build" / "jupyter" / "refused").rglob("*.md")]
    assert sum("x = 1\n\n" in text for text in refused) == 2  # one for each state, however often it was saved


def test_a_window_goes_on_after_its_page_or_the_folder_was_renamed(jupyter: Jupyter, page: Path) -> None:
    notebook = jupyter.open(NAME)["content"]
    notebook["cells"][1]["source"] = "x = 3"
    assert jupyter.save(NAME, notebook)[0] == 200
    assert jupyter.call("PATCH", f"contents/{NAME}", {"path": "chapter/other.md"})[0] == 200
    assert jupyter.call("PATCH", "contents/chapter", {"path": "part"})[0] == 200
    notebook["cells"][1]["source"] = "x = 4"
    assert jupyter.save("part/other.md", notebook)[0] == 200
    assert (jupyter.folder / "part" / "other.md").read_text() == PAGE.replace("x = 1", "x = 4")
    assert jupyter.call("PATCH", "contents/part", {"path": "chapter"})[0] == 200
    assert jupyter.call("DELETE", "contents/chapter/other.md")[0] == 204


def test_a_picture_dropped_into_a_cell_becomes_a_file_of_the_book(jupyter: Jupyter, page: Path) -> None:
    notebook = jupyter.open(NAME)["content"]
    held = [base64.b64encode(content).decode() for content in (b"one", b"two")]
    for cell, content in zip((notebook["cells"][0], notebook["cells"][2]), held, strict=True):
        cell |= {"attachments": {"a b.png": {"image/png": content}, "unused.png": {"image/png": "!"}}}
    notebook["cells"][0]["source"] += "\n![A](attachment:image.png)"
    notebook["cells"][0]["attachments"]["image.png"] = {"image/png": held[0]}
    other = {
        "cell_type": "markdown",
        "id": "new",
        "metadata": {},
        "source": "![B](attachment:image.png) ![](attachment:c)",
    }
    notebook["cells"].insert(1, other | {"attachments": {"image.png": {"image/png": held[1]}}})
    for _ in range(2):  # each save has them again
        assert jupyter.save(NAME, notebook)[0] == 200
        assert page.read_text() == PAGE.replace(
            "$x$.", "$x$.\n![A](../img/page-image.png)\n\n![B](../img/page-image-2.png) ![](attachment:c)"
        )
        files = {path.name: path.read_bytes() for path in (jupyter.folder / "img").iterdir()}
        assert files == {"page-image.png": b"one", "page-image-2.png": b"two"}


@pytest.mark.parametrize(
    "content", [None, [], "x", {}, {"cells": 3}, {"cells": ["x"]}, {"cells": [{"cell_type": "markdown"}]}]
)
def test_what_is_no_notebook_is_not_written_over_a_page(jupyter: Jupyter, page: Path, content: object) -> None:
    given = jupyter.open(NAME)["content"]
    if isinstance(content, dict):
        content = {"metadata": given["metadata"], **content}
    status, answer = jupyter.save(NAME, content)
    assert status == 400 and "no notebook" in answer["message"]
    assert page.read_text() == PAGE


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (".hidden/page.md", {400, 404}),
        (".page.md", {400, 404}),
        ("chapter/../../out.md", {403, 404}),
        ("%2e%2e/out.md", {403, 404}),
        ("..%2fout.md", {403, 404}),
        ("none/page.md", {404}),
        ("folder.md", {400, 404}),
    ],
)
def test_nothing_is_read_or_written_where_jupyter_lets_nobody(jupyter: Jupyter, path: str, status: set[int]) -> None:
    (jupyter.folder / ".hidden").mkdir(exist_ok=True)
    (jupyter.folder / "folder.md").mkdir(exist_ok=True)
    places = [".hidden/page.md", ".page.md", "../out.md"]
    for place in places:
        (jupyter.folder / place).write_text("# Secret\n")
    cells = [{"cell_type": "markdown", "id": "one", "metadata": {}, "source": "# New"}]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    assert jupyter.save(path, notebook)[0] in status
    if path != "folder.md":
        got, answer = jupyter.call("GET", f"contents/{path}?type=notebook")
        assert got in status and "Secret" not in str(answer)
    assert {(jupyter.folder / place).read_text() for place in places} == {"# Secret\n"}
    assert not (jupyter.folder / "none").exists() and list((jupyter.folder / "folder.md").iterdir()) == []


def test_a_window_outlives_the_server(jupyter: Jupyter, page: Path, tmp_path: Path) -> None:
    notebook = jupyter.open(NAME)["content"]
    notebook["cells"][1]["source"] = "x = 8"
    assert jupyter.save(NAME, notebook)[0] == 200
    with running(jupyter.folder, tmp_path, "--tab", "pytorch") as later:
        notebook["cells"][1]["source"] = "x = 9"
        assert later.save(NAME, notebook)[0] == 200
    assert page.read_text() == PAGE.replace("x = 1", "x = 9")
