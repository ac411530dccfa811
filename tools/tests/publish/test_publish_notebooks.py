"""Notebooks as files: which there are, what they carry beside text, and that a build changes no more than it must."""

from __future__ import annotations

import io
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from publish_books import CONFIG, build, read, shown, write

from octavo.build import Workshop
from octavo.model import Book, CellRun, Edition, Failure, Inputs, Output, Run
from octavo.progress import PlainProgress
from octavo.publish.folder import bring_up_to_date, clear, known
from octavo.publish.notebooks import notebooks

Octavo = Callable[..., subprocess.CompletedProcess[str]]

PAGES = {
    "index": """\
        # A Book

        ```toc
        words
        ```

        ```toc
        :numbered:
        one/index
        two
        ```
        """,
    "words": "# Words\n\nNo code here.\n",
    "one/index": "# One\n\n```toc\nboth\nonly\n```\n",
    "one/both": """\
        # Both

        ![Square](../img/square.svg)

        ```{.python .input}
        #@tab pytorch
        a = 1
        ```

        ```{.python .input}
        #@tab jax
        a = 2
        ```
        """,
    "one/only": "# Only\n\n```{.python .input}\n#@tab jax\nb = 1\n```\n",
    "two": "# Two\n\nNothing runs.\n",
}


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


# -- which there are


def test_a_page_has_a_notebook_in_the_frameworks_of_its_code_and_the_root_page_is_the_contents(tmp_path: Path) -> None:
    folder, told = build(write(tmp_path, PAGES))
    assert files(folder / "pytorch") == {"index.ipynb", "one/both.ipynb", "img/square.svg"}
    assert files(folder / "jax") == {"index.ipynb", "one/both.ipynb", "one/only.ipynb", "img/square.svg"}
    assert not (folder / "mxnet").exists()
    assert "pytorch: 2 notebooks, 3 of all files written" in told
    assert all(path.stat().st_size for path in folder.rglob("*"))


def test_the_table_of_contents_leads_to_the_notebooks_that_the_framework_has(tmp_path: Path) -> None:
    folder, _ = build(write(tmp_path, PAGES))
    pytorch, jax = (read(folder / tab / "index.ipynb") for tab in ("pytorch", "jax"))
    assert shown(pytorch) == "--- markdown\n# A Book\n\n\n\n- 1. One\n    - [1.1. Both](one/both.ipynb)"
    assert shown(jax).endswith("- 1. One\n    - [1.1. Both](one/both.ipynb)\n    - [1.2. Only](one/only.ipynb)")


def test_pages_that_the_settings_do_not_count_as_notebooks_have_none(tmp_path: Path) -> None:
    config = "[project]\nname = m\n[build]\ntabs = pytorch, jax\nnotebooks = one/both.md\n"
    folder, _ = build(write(tmp_path, PAGES, config))
    assert files(folder / "jax") == {"index.ipynb", "one/both.ipynb", "img/square.svg"}


def test_a_cell_without_anything_left_in_a_framework_makes_no_notebook(tmp_path: Path) -> None:
    page = "# P\n\n```{.python .input}\n#@tab pytorch, jax\nif tab.selected('jax'):\n    c = 1\n```\n"
    folder, _ = build(write(tmp_path, {"index": "# T\n\n```toc\np\n```\n", "p": page}))
    assert "p.ipynb" in files(folder / "jax")
    assert not (folder / "pytorch").exists()


def test_a_book_without_frameworks_has_notebooks_too(tmp_path: Path) -> None:
    folder, _ = build(write(tmp_path, {"index": "# T\n\n```{.python .input}\n1\n```\n"}, "[project]\nname = m\n"))
    assert files(folder / "default") == {"index.ipynb"}


# -- what they carry


def published(root: Path, runs: dict[tuple[str, str], Run]) -> dict[str, object]:
    """The first page's notebook in PyTorch with these results."""
    workshop = Workshop(root)
    assert workshop.book is not None and workshop.settings is not None
    (made,) = notebooks(workshop.book, workshop.settings, workshop.editions, runs, ["pytorch"])
    path = root / "made.ipynb"
    path.write_bytes(made.notebooks["index.ipynb"])
    read(path)
    loaded: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def ran(*cells: tuple[Output, ...], failure: Failure | None = None) -> dict[tuple[str, str], Run]:
    done = tuple(CellRun("0", outputs) for outputs in cells)
    return {("index", "pytorch"): Run("0", "index", "pytorch", Inputs((), {}, {}, {}), done, failure)}


def cell(body: str) -> str:
    return f"```{{.python .input}}\n{body}\n```\n\n"


def test_outputs_are_those_of_the_last_run(tmp_path: Path) -> None:
    root = write(tmp_path, {"index": "# T\n\n" + cell("1") + cell("2") + cell("3")})
    results = ran(
        (
            Output("stream", name="stdout", text="one\ntwo\n"),
            Output("display", data={"image/png": "aGk=", "text/plain": "<Figure>"}),
        ),
        (Output("result", data={"text/plain": "2", "application/json": '{"a": [1]}'}),),
    )
    cells = published(root, results)["cells"]
    assert isinstance(cells, list)
    assert [c["execution_count"] for c in cells[1:]] == [1, 2, None]
    assert cells[1]["outputs"] == [
        {"output_type": "stream", "name": "stdout", "text": ["one\n", "two\n"]},
        {
            "output_type": "display_data",
            "data": {"image/png": "aGk=", "text/plain": ["<Figure>"]},
            "metadata": {},
        },
    ]
    assert cells[2]["outputs"] == [
        {
            "output_type": "execute_result",
            "execution_count": 2,
            "data": {"text/plain": ["2"], "application/json": {"a": [1]}},
            "metadata": {},
        }
    ]
    assert cells[3]["outputs"] == []


def test_a_failure_is_an_output_of_its_cell(tmp_path: Path) -> None:
    root = write(tmp_path, {"index": "# T\n\n" + cell("1") + cell("2")})
    failure = Failure("exception", "ValueError", "no", cell=1, traceback=("line 1",))
    cells = published(root, ran((), failure=failure))["cells"]
    assert isinstance(cells, list)
    assert cells[2]["outputs"] == [
        {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["line 1"]}
    ]
    told = Output("error", name="ValueError", text="no", traceback=("line 1",))
    cells = published(root, ran((), (told,), failure=failure))["cells"]
    assert isinstance(cells, list)
    assert len(cells[2]["outputs"]) == 1


def test_what_readers_do_not_see_is_tagged_and_folded(tmp_path: Path) -> None:
    page = cell("#@hide_code\n1") + cell("# Hide outputs\n2") + cell("#@hide_all\n3") + cell("4")
    cells = published(write(tmp_path, {"index": page}), {})["cells"]
    assert isinstance(cells, list)
    assert [c["metadata"] for c in cells] == [
        {"jupyter": {"source_hidden": True}, "tags": ["hide-input"]},
        {"jupyter": {"outputs_hidden": True}, "tags": ["hide-output"]},
        {"jupyter": {"outputs_hidden": True, "source_hidden": True}, "tags": ["hide-cell"]},
        {},
    ]


def test_kernel_and_language_are_named(tmp_path: Path) -> None:
    metadata = published(write(tmp_path, {"index": "# T\n\n" + cell("1")}), {})["metadata"]
    assert isinstance(metadata, dict)
    assert metadata["kernelspec"] == {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert metadata["language_info"]["name"] == "python"
    source = metadata["octavo"].pop("source")  # which says what text it was built of
    assert metadata["octavo"] == {"framework": "pytorch", "page": "index"} and len(source) == 12


def test_ids_are_the_authors_or_follow_from_what_a_cell_holds(tmp_path: Path) -> None:
    def ids(page: str) -> list[str]:
        cells = published(write(tmp_path, {"index": page}), {})["cells"]
        assert isinstance(cells, list)
        return [c["id"] for c in cells]

    first = ids("# T\n\n" + cell("1") + cell("same") + cell("same"))
    assert ids("# T\n\n" + cell("new") + cell("1") + cell("same") + cell("same")) == [
        first[0],
        ids(cell("new"))[0],
        *first[1:],
    ]
    assert first[3] == f"{first[2]}-2"
    named = "```{.python .input #adding-up}\n1\n```\n"
    assert ids(f"{named}\n{named}") == ["adding-up", "adding-up-2"]
    assert re.fullmatch("[0-9a-f]{12}", ids("```{.python .input #no:id}\n1\n```\n")[0])


def test_ids_stay_when_numbers_change_that_cells_refer_to(tmp_path: Path) -> None:
    def made(*pages: str) -> list[tuple[str, str]]:
        other = "# Other\n:label:`sec_other`\n"
        page = "# Page\n\nSee :numref:`sec_other`.\n\n```{.python .input}\n1  # :numref:`sec_other`\n```\n\n## More\n"
        toc = "# T\n\n```toc\n:numbered:\n" + "\n".join(pages) + "\n```\n"
        root = write(tmp_path / "-".join(pages), {"index": toc, "page": page, "other": other})
        folder, _ = build(root, "pytorch")
        return [(c.id, c.source) for c in read(folder / "pytorch/page.ipynb").cells]

    one, two = made("page", "other"), made("other", "page")
    assert [name for name, _ in one] == [name for name, _ in two]
    assert all(before != after for (_, before), (_, after) in zip(one, two, strict=True))
    assert one[0][1] == "# 1. Page\n\nSee Chapter 2."


def test_a_picture_that_is_missing_or_elsewhere_is_not_copied(tmp_path: Path) -> None:
    page = "# T\n\n![a](img/none.svg)\n\n![b](https://example.org/x.png)\n\n![c](../secret.svg)\n\n" + cell("1")
    (tmp_path / "secret.svg").write_text("<svg/>")
    folder, _ = build(write(tmp_path / "book", {"index": page}))
    assert files(folder / "pytorch") == {"index.ipynb"}
    assert "![b](https://example.org/x.png)" in shown(read(folder / "pytorch" / "index.ipynb"))


def test_pictures_by_path_from_the_books_root_are_found(tmp_path: Path) -> None:
    page = "# T\n\n![a](/img/square.svg)\n\nAn ![inline](/img/square.svg) one and <img src='../img/square.svg'>.\n\n"
    folder, _ = build(write(tmp_path, {"index": "# B\n\n```toc\none/p\n```\n", "one/p": page + cell("1")}))
    text = shown(read(folder / "pytorch" / "one" / "p.ipynb"))
    assert text.count("](../img/square.svg)") == 2
    assert "](/img" not in text
    assert "img/square.svg" in files(folder / "pytorch")


# -- building again


def times(folder: Path) -> dict[str, int]:
    return {name: (folder / name).stat().st_mtime_ns for name in files(folder)}


def test_a_second_build_writes_nothing_and_an_edit_one_notebook(tmp_path: Path) -> None:
    root = write(tmp_path, PAGES)
    folder, _ = build(root)
    before = times(folder)
    _, told = build(root)
    assert times(folder) == before
    assert "pytorch: 2 notebooks, 0 of all files written" in told
    (root / "one" / "only.md").write_text(PAGES["one/only"].replace("# Only", "# Only JAX"), encoding="utf-8")
    build(root)
    assert {name for name, time in times(folder).items() if before[name] != time} == {
        "jax/index.ipynb",
        "jax/one/only.ipynb",
    }


def test_what_is_gone_from_the_book_goes_and_what_others_put_there_stays(tmp_path: Path) -> None:
    root = write(tmp_path, PAGES)
    folder, _ = build(root)
    (folder / "jax" / "one" / "mine.ipynb").write_text("{}")
    write(tmp_path, {"one/index": "# One\n\n```toc\nonly\n```\n"})
    build(root)
    assert files(folder / "jax") == {"index.ipynb", "one/only.ipynb", "one/mine.ipynb"}
    assert not (folder / "pytorch").exists()


def test_a_framework_that_the_book_gives_up_goes_too(tmp_path: Path) -> None:
    root = write(tmp_path, PAGES)
    folder, _ = build(root)
    write(root, {}, "[project]\nname = m\n[build]\ntabs = pytorch\n")
    build(root)
    assert (folder / "pytorch").exists() and not (folder / "jax").exists()


def test_one_framework_alone_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    root = write(tmp_path, PAGES)
    folder, _ = build(root, "jax")
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"jax"}
    build(root, "pytorch")
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"jax", "pytorch"}


def test_the_note_of_what_was_written_never_leads_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "tab"
    (tmp_path / "out" / "precious").parent.mkdir()
    (tmp_path / "out" / "precious").write_text("x")
    assert bring_up_to_date(folder, {"a/b": b"1"}) == 1
    (tmp_path / "out" / ".tab.json").write_text('["../precious", "a/b", 3]')
    assert known(tmp_path / "out") == [folder]
    clear(folder)
    assert files(tmp_path / "out") == {"precious"}
    assert not folder.exists()


def test_a_note_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    bring_up_to_date(tmp_path / "tab", {"a": b"1"})
    (tmp_path / ".tab.json").write_text("no json")
    assert bring_up_to_date(tmp_path / "tab", {"b": b"1"}) == 1
    assert files(tmp_path) == {"tab/a", "tab/b", ".tab.json"}


# -- the command, and this repository's book


def test_the_command_writes_notebooks_without_executing(octavo: Octavo, tmp_path: Path) -> None:
    root = write(tmp_path / "book", PAGES)
    for tab in ("pytorch", "jax"):
        (root / "environments").mkdir(exist_ok=True)
        (root / "environments" / f"{tab}.txt").write_text("# python 3.11\n")
    cache = str(tmp_path / "cache")
    answer = octavo("-C", root, "build", "notebooks", "--no-execute", "--tab", "jax", "--output", tmp_path / "out",
                    OCTAVO_CACHE=cache)  # fmt: skip
    assert "the notebooks are in" in answer.stderr
    assert "executing" not in answer.stderr
    assert {path.name for path in (tmp_path / "out" / "notebooks").iterdir() if path.is_dir()} == {"jax"}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> tuple[Workshop, Path]:
    workshop = Workshop(repository, output=tmp_path_factory.mktemp("own"))
    folder = workshop.notebooks.build(PlainProgress(io.StringIO()))
    assert folder is not None
    return workshop, folder


def test_the_books_own_notebooks_are_valid_and_clean(own: tuple[Workshop, Path]) -> None:
    workshop, folder = own
    wanted = {f"{tab}/{page}.ipynb" for (page, tab), edition in workshop.editions.items() if edition.cells}
    assert workshop.settings is not None
    wanted |= {f"{tab}/index.ipynb" for tab in workshop.settings.tabs}
    assert {name for name in files(folder) if name.endswith(".ipynb")} == wanted
    marks = re.compile(r":numref:|:label:|:eqlabel:|:cite:|\[\*\*|#@tab|%%tab|tab\.selected|:begin_tab:")
    for name in wanted:
        notebook = read(folder / name)
        assert marks.search(shown(notebook)) is None, name
        prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        for address in re.findall(r"(?<!`)\]\((?![a-z]+:)([^)#\s]+)", prose):
            assert ((folder / name).parent / address).is_file(), (name, address)


def test_the_books_own_notebooks_show_every_committed_result(own: tuple[Workshop, Path]) -> None:
    workshop, folder = own
    runs = workshop.shown.runs()
    assert runs
    for (page, tab), run in runs.items():
        cells = [c for c in read(folder / tab / f"{page}.ipynb").cells if c.cell_type == "code"]
        assert [len(c.outputs) for c in cells] == [len(c.outputs) for c in run.cells]


def test_no_pages_no_notebooks(tmp_path: Path) -> None:
    workshop = Workshop(write(tmp_path, {"index": "# T\n"}))
    assert workshop.settings is not None
    (made,) = notebooks(Book(()), workshop.settings, {("x", "jax"): Edition("x", "jax", ())}, {}, ["jax"])
    assert (made.notebooks, made.pictures) == ({}, {})


def test_numbered_things_are_called_as_on_the_website(tmp_path: Path) -> None:
    page = "# T\n\n![S](img/square.svg)\n:label:`fig_s`\n\nSiehe :numref:`fig_s`.\n\n" + cell("1")
    config = "[project]\nname = m\nlang = de\n[build]\ntabs = pytorch\n"
    root = write(tmp_path, {"index": page}, config)
    folder, _ = build(root)
    Workshop(root).site.build(PlainProgress(io.StringIO()))
    html = (root / "_build" / "html" / "index.html").read_text(encoding="utf-8")
    (shown_there,) = re.findall(r'std-numref">([^<]+)<', html)
    assert f"Siehe {shown_there}." in shown(read(folder / "pytorch" / "index.ipynb"))
    assert shown_there == "Abb. 1"


# -- pages that have no notebook


def test_pages_without_a_notebook_are_on_the_website(tmp_path: Path) -> None:
    pages = {
        **PAGES,
        "words": "# Words\n:label:`sec_words`\n\nNo code here.\n",
        "two": """\
            # Two

            :numref:`sec_words`, [words](words.md#here) and [both](one/both.md).

            ```{.python .input}
            1
            ```
            """,
    }
    config = CONFIG + "[html]\nbase_url = https://book.example.org/first\n"
    folder, _ = build(write(tmp_path / "site", pages, config))
    said = shown(read(folder / "pytorch/two.ipynb"))
    assert "[Words](https://book.example.org/first/words.html)" in said
    assert "[words](https://book.example.org/first/words.html#here) and [both](one/both.ipynb)" in said
    folder, _ = build(write(tmp_path / "nowhere", pages))
    assert "example.org" not in shown(read(folder / "pytorch/two.ipynb"))
