"""What is kept from command to command: pages that were read, and whether a website has anything to do."""

from __future__ import annotations

import io
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from octavo.build import Workshop
from octavo.diagnostics import Diagnostic, Diagnostics
from octavo.memory import MANY, Memory
from octavo.model import CellRun, Document, Output, Run
from octavo.processors import in_processes
from octavo.progress import PlainProgress
from octavo.render.project import render_html

CONFIG = (
    "[project]\nname = mini\n[build]\ntabs = pytorch, jax\n[pdf]\nbibfile = d2l.bib\n[html]\ninclude_css = styles\n"
)
LOCK = "# python 3.11\njax==0.1\n"
PAGES = {
    "config.ini": CONFIG,
    "d2l.bib": "@book{k, author={Ada One}, title={T}, publisher={P}, year={1999}}\n",
    "styles/one.css": "h1 {}",
    "p.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>',
    "index.md": "# Book\n\n```toc\na\nb\n```\n",
    "a.md": "# A\n\n![P](p.svg)\n\n:cite:`k`, :cite:`nobody`\n\n:bibliography:`d2l.bib`\n",
    "b.md": "# B\n\n```{.python .input}\n#@tab jax\n1\n```\n\n![No](missing.svg)\n",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


# -- pages


def reads(read: list[str]) -> Callable[[str, str], tuple[Document, tuple[Diagnostic, ...]]]:
    def one(path: str, text: str) -> tuple[Document, tuple[Diagnostic, ...]]:
        read.append(path)
        return Document(path.removesuffix(".md"), path, text, (), ()), ()

    return one


def test_a_page_is_read_once_as_long_as_its_text_is_the_same(tmp_path: Path) -> None:
    read: list[str] = []
    memory = Memory.open(tmp_path, "settings")
    memory.document("a.md", "one", reads(read))
    memory.save()
    again = Memory.open(tmp_path, "settings")
    assert again.document("a.md", "one", reads(read))[0].text == "one" and read == ["a.md"]
    assert again.document("a.md", "two", reads(read))[0].text == "two" and read == ["a.md", "a.md"]


@pytest.mark.parametrize("change", ["other settings", "damaged", "a wrong letter", "not a memory", "no folder"])
def test_what_holds_for_something_else_is_forgotten(tmp_path: Path, change: str) -> None:
    read: list[str] = []
    folder = tmp_path / "missing" if change == "no folder" else tmp_path
    memory = Memory.open(folder, "settings")
    memory.document("a.md", "one", reads(read))
    memory.save()
    if change == "damaged":
        memory.file.write_bytes(memory.file.read_bytes()[:-20])
    elif change == "a wrong letter":  # which is a pickle still
        memory.file.write_bytes(memory.file.read_bytes().replace(b"one", b"two"))
    elif change == "not a memory":
        memory.file.write_text("{}")
    again = Memory.open(folder, "other" if change == "other settings" else "settings")
    again.document("a.md", "one", reads(read))
    assert read == ["a.md", "a.md"]


def test_pages_that_left_the_book_leave_the_memory(tmp_path: Path) -> None:
    memory = Memory.open(tmp_path, "settings")
    for page in ("a.md", "b.md"):
        memory.document(page, "text", reads([]))
    memory.forget_others(["b.md"])
    memory.save()
    assert list(Memory.open(tmp_path, "settings").pages) == ["b.md"]


def test_many_pages_are_read_in_several_processes(tmp_path: Path) -> None:
    texts = {f"{n}.md": str(os.getpid()) * n for n in range(MANY)}
    read: list[str] = []

    def one(path: str, text: str) -> tuple[Document, tuple[Diagnostic, ...]]:
        read.append(path)
        return Document(path, path, f"{text} in {os.getpid()}", (), ()), ()

    memory = Memory.open(tmp_path, "settings")
    memory.read_ahead(texts, one, jobs=3)
    assert memory.pages.keys() == texts.keys() and 0 < len(read) < MANY
    assert len({known.document.text.rpartition(" ")[2] for known in memory.pages.values()}) == 3


def test_results_stand_in_the_order_of_their_tasks() -> None:
    for jobs in (1, 2, 5):
        assert in_processes(lambda n: n * n, list(range(11)), jobs) == [n * n for n in range(11)]


def test_what_another_process_leaves_undone_is_done_here() -> None:
    here = os.getpid()

    def task(n: int) -> int:
        if os.getpid() != here and n == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        if os.getpid() != here and n == 4:
            raise ValueError("in another process")
        return n

    assert in_processes(task, list(range(6)), 2) == [0, 1, 2, 3, 4, 5]
    assert in_processes(task, [0, 4, 0], 2) == [0, 4, 0]


# -- websites


def build(folder: Path) -> tuple[list[Diagnostic], bool]:
    """What the command line does for ``build html --no-execute``: messages, and whether anything was rendered."""
    workshop = Workshop(folder)
    site = workshop.site.finished(execute=False)
    if site is not None:
        return list(workshop.diagnostics), False
    assert workshop.site.build(PlainProgress(io.StringIO())) is not None
    workshop.remember()
    return list(workshop.diagnostics), True


def test_a_build_that_has_nothing_to_do_says_the_same_again(tmp_path: Path) -> None:
    folder = write(tmp_path, PAGES)
    messages, rendered = build(folder)
    assert rendered and {d.code.value for d in messages} == {"unknown-citation", "missing-file"}  # and none about locks
    for path in folder.rglob("*.md"):
        os.utime(path, (2e9, 2e9))
    assert build(folder) == (messages, False)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a word": lambda f: (f / "a.md").write_text("# A\n\nWord.\n"),
    "a setting": lambda f: (f / "config.ini").write_text(CONFIG.replace("mini", "maxi")),
    "a picture": lambda f: (f / "p.svg").write_text(PAGES["p.svg"].replace('"1"', '"2"')),
    "a picture that was missing": lambda f: (f / "missing.svg").write_text(PAGES["p.svg"]),
    "the bibliography": lambda f: (f / "d2l.bib").write_text(PAGES["d2l.bib"].replace("{k,", "{nobody,")),
    "a page that no table names": lambda f: (f / "c.md").write_text("# C\n"),
    "a page that is gone": lambda f: (f / "b.md").unlink(),
    "a page of the site that is gone": lambda f: (f / "_build/html/b.html").unlink(),
    "a file in a folder of styles": lambda f: write(f, {"styles/two.css": "h2 {}"}),
    "a style": lambda f: write(f, {"styles/one.css": "h1 { color: red }"}),
    "a lock": lambda f: write(f, {"environments/jax.txt": LOCK}),
    "a result": lambda f: write(f, {"outputs/b/jax.json": "{}"}),
    "the receipt": lambda f: (f / "_build/receipt").write_bytes(b"\x80"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_there_is_something_to_do(tmp_path: Path, change: str) -> None:
    folder = write(tmp_path, PAGES)
    build(folder)
    CHANGES[change](folder)
    _, rendered = build(folder)
    assert rendered
    assert build(folder)[1] is False


def test_a_result_that_somebody_shares_is_shown_by_the_next_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "book", {**PAGES, "environments/jax.txt": LOCK})
    monkeypatch.setenv("OCTAVO_STORE", str(tmp_path / "shared"))
    monkeypatch.setenv("OCTAVO_CACHE", str(tmp_path / "elsewhere"))
    other = Workshop(folder)
    planned = other.plan.planned["b", "jax"]
    monkeypatch.setenv("OCTAVO_CACHE", str(tmp_path / "here"))
    build(folder)
    cells = tuple(CellRun(digest, (Output("stream", "stdout", "Shared."),)) for digest in planned.inputs.cells)
    assert other.results.shared is not None
    other.results.shared.save(Run(planned.key, "b", "jax", planned.inputs, cells))
    messages, rendered = build(folder)
    assert rendered and "Shared." in shown(folder)
    assert build(folder) == (messages, False)


# -- while a build goes on


def begin(folder: Path) -> Workshop:
    """A build that has read the book, and would execute it now, which takes long."""
    workshop = Workshop(folder)
    assert workshop.site.finished(execute=False) is None and workshop.book is not None
    return workshop


def finish(workshop: Workshop) -> list[Diagnostic]:
    assert workshop.site.build(PlainProgress(io.StringIO())) is not None
    workshop.remember()
    return list(workshop.diagnostics)


def shown(folder: Path) -> str:
    """All that readers get of the pages."""
    site = folder / "_build/html"
    pages = "\n".join((site / f"{page}.html").read_text() for page in ("index", "a", "b"))
    return pages + "\n".join(path.read_text() for path in sorted(site.glob("_images/*.svg")))


MEANWHILE: dict[str, tuple[str, str, str]] = {
    "a page": ("a.md", "# A\n\nMeanwhile.\n", "Meanwhile"),
    "a setting": ("config.ini", CONFIG.replace("mini", "mini\ntitle = Meanwhile"), "Meanwhile"),
    "a picture": ("p.svg", PAGES["p.svg"].replace('"1"', '"77"'), 'width="77"'),
    "a picture that was missing": ("missing.svg", PAGES["p.svg"].replace('"1"', '"77"'), 'width="77"'),
    "the bibliography": ("d2l.bib", PAGES["d2l.bib"].replace("Ada One", "Bea Meanwhile"), "Meanwhile, 1999"),
}


@pytest.mark.parametrize("change", MEANWHILE)
@pytest.mark.parametrize("built", [False, True], ids=["first", "again"])
def test_what_is_edited_while_a_build_goes_on_is_shown_by_the_next(tmp_path: Path, change: str, built: bool) -> None:
    folder = write(tmp_path, PAGES)
    if built:
        build(folder)
        (folder / "b.md").write_text(PAGES["b.md"] + "\nMore.\n")
    workshop = begin(folder)
    file, text, seen = MEANWHILE[change]
    (folder / file).write_text(text)
    finish(workshop)
    messages, _ = build(folder)
    assert seen in shown(folder)
    assert messages == build_elsewhere(folder)
    assert build(folder) == (messages, False)


def build_elsewhere(folder: Path) -> list[Diagnostic]:
    """What a build says that knows nothing of earlier ones."""
    shutil.rmtree(folder / "_build")
    return build(folder)[0]


def test_a_data_file_that_changes_while_pages_are_executed_makes_results_of_the_old_one_stale(tmp_path: Path) -> None:
    more = {"config.ini": CONFIG + "[execute]\nfiles = data.txt\n", "data.txt": "old", "environments/jax.txt": LOCK}
    folder = write(tmp_path, {**PAGES, **more})
    workshop = begin(folder)
    assert workshop.plan.planned  # with the old data
    write(folder, {"data.txt": "new"})
    finish(workshop)
    assert build(folder)[1] is True
    assert build(folder)[1] is False


def test_a_module_that_changes_while_pages_are_executed_makes_results_of_the_old_one_stale(tmp_path: Path) -> None:
    page = "# B\n\n```{.python .input}\n#@tab jax\nimport helper\n```\n"
    folder = write(tmp_path, {**PAGES, "b.md": page, "helper.py": "x = 1\n", "environments/jax.txt": LOCK})
    workshop = begin(folder)
    assert workshop.plan.planned  # with the old module
    write(folder, {"helper.py": "x = 2\n"})
    finish(workshop)
    assert build(folder)[1] is True
    assert build(folder)[1] is False


def test_a_result_that_changes_while_pages_are_rendered_is_shown_by_the_next_build(tmp_path: Path) -> None:
    folder = write(tmp_path, {**PAGES, "environments/jax.txt": LOCK, "outputs/b/jax.json": "{}"})

    class Meanwhile(PlainProgress):
        def stage(self, name: str) -> None:
            if name.startswith("rendering"):  # the results have been read
                write(folder, {"outputs/b/jax.json": "no JSON"})

    workshop = begin(folder)
    assert workshop.site.build(Meanwhile(io.StringIO())) is not None
    messages, rendered = build(folder)
    assert rendered
    assert {d.message for d in messages} != {d.message for d in workshop.diagnostics}
    assert build(folder) == (messages, False)


def test_a_file_that_changes_while_pages_are_read_is_read_by_the_next_build(tmp_path: Path) -> None:
    pages = {"a.md": "# A\n\n```{literalinclude} code.py\n```\n", "code.py": "before = 1\n"}
    write(tmp_path, {**PAGES, **pages})

    def edit(step: str, page: str) -> None:
        if (step, page) == ("read", "b"):  # after a
            (tmp_path / "code.py").write_text("meanwhile = 1\n")

    def render(progress: Callable[[str, str], None] | None) -> str:
        workshop = Workshop(tmp_path)
        book, output = workshop.book, tmp_path / "_build"
        assert book is not None and workshop.settings is not None
        found = Diagnostics()
        render_html(book, workshop.settings, {}, {}, output / "html", output / "doctrees", found, progress)
        return (output / "html/a.html").read_text()

    assert "before" in render(edit)
    assert "meanwhile" in render(None)


def test_a_site_that_could_not_be_written_is_not_finished(tmp_path: Path) -> None:
    folder = write(tmp_path, PAGES)
    in_the_way = folder / "_build/html/_images/p.svg"
    in_the_way.mkdir(parents=True)
    messages, _ = build(folder)
    assert [d.hint for d in messages if d.message.startswith("cannot copy")] == [
        "see that the output folder may be written and has room"
    ]
    in_the_way.rmdir()
    messages, rendered = build(folder)
    assert rendered and in_the_way.read_text() == PAGES["p.svg"]
    assert not [d for d in messages if d.message.startswith("cannot copy")]
    assert build(folder)[1] is False


def test_a_build_that_broke_off_is_not_taken_for_the_one_before(tmp_path: Path) -> None:
    folder = write(tmp_path, PAGES)
    build(folder)
    write(folder, {"a.md": "# A\n\nBroken off.\n", "index.md": "# Book\n\n```toc\na\nb\nsub/c\n```\n"})
    write(folder, {"sub/c.md": "# C\n", "_build/html/sub": "in the way"})
    with pytest.raises(FileExistsError):
        build(folder)
    assert "Broken off" in shown(folder)
    shutil.rmtree(folder / "sub")
    write(folder, PAGES)
    assert build(folder)[1] and "Broken off" not in shown(folder)


def test_a_site_without_its_results_is_not_finished_for_who_would_execute(tmp_path: Path) -> None:
    folder = write(tmp_path, {**PAGES, "environments/jax.txt": LOCK})
    build(folder)
    assert Workshop(folder).site.finished(execute=False) is not None
    assert Workshop(folder).site.finished(execute=True) is None
