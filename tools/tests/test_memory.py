"""What is kept from command to command: pages that were read, and whether a website has anything to do."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from octavo.build import Workshop
from octavo.diagnostics import Diagnostic
from octavo.memory import MANY, Memory
from octavo.model import Document
from octavo.processors import in_processes
from octavo.progress import PlainProgress

CONFIG = "[project]\nname = mini\n[build]\ntabs = pytorch, jax\n[pdf]\nbibfile = d2l.bib\n"
PAGES = {
    "config.ini": CONFIG,
    "d2l.bib": "@book{k, author={Ada One}, title={T}, publisher={P}, year={1999}}\n",
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


@pytest.mark.parametrize("change", ["other settings", "damaged", "not a memory", "no folder"])
def test_what_holds_for_something_else_is_forgotten(tmp_path: Path, change: str) -> None:
    read: list[str] = []
    folder = tmp_path / "missing" if change == "no folder" else tmp_path
    memory = Memory.open(folder, "settings")
    memory.document("a.md", "one", reads(read))
    memory.save()
    if change == "damaged":
        memory.file.write_bytes(memory.file.read_bytes()[:-20])
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
    site = workshop.finished_site(execute=False)
    if site is not None:
        return list(workshop.diagnostics), False
    assert workshop.build_html(PlainProgress(io.StringIO())) is not None
    workshop.remember()
    return list(workshop.diagnostics), True


def test_a_build_that_has_nothing_to_do_says_the_same_again(tmp_path: Path) -> None:
    folder = write(tmp_path, PAGES)
    messages, rendered = build(folder)
    assert rendered and {d.code.value for d in messages} >= {"unknown-citation", "missing-file"}
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
    "a lock": lambda f: write(f, {"environments/jax.txt": "# python 3.11\njax==0.1\n"}),
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


def test_a_site_without_its_results_is_not_finished_for_who_would_execute(tmp_path: Path) -> None:
    folder = write(tmp_path, {**PAGES, "environments/jax.txt": "# python 3.11\njax==0.1\n"})
    build(folder)
    assert Workshop(folder).finished_site(execute=False) is not None
    assert Workshop(folder).finished_site(execute=True) is None
