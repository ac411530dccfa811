"""Tables of contents, and what they and pages may name by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from octavo.config import Settings
from octavo.diagnostics import Diagnostic
from octavo.model import Book
from octavo.source import links
from octavo.source.toc import read_book


def book(folder: Path, root: str = "index", source_dir: str = ".", **pages: str) -> tuple[Book, list[str]]:
    for name, text in pages.items():
        path = folder / (name.replace("__", "/") + ".md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    settings = Settings(root=folder, tabs=("pytorch",), index=root, source_dir=source_dir)
    found, messages = read_book(settings)
    return found, [shown(message) for message in (*messages, *links.check(found, settings))]


def shown(message: Diagnostic) -> str:
    place = f"{message.span.path}:{message.span.line} " if message.span else ""
    return f"{place}{message.message}" + (f" ({message.hint})" if message.hint.startswith("did you") else "")


def toc(*lines: str) -> str:
    return "\n".join(["```toc", *lines, "```"])


def test_pages_stand_depth_first(tmp_path: Path) -> None:
    found, messages = book(tmp_path, index=toc("x/index", "b"), x__index=toc("a", "../c.md"), x__a="", b="", c="")
    assert [document.page for document in found.pages] == ["index", "x/index", "x/a", "c", "b"]
    assert messages == []


def test_a_page_counts_once(tmp_path: Path) -> None:
    found, messages = book(tmp_path, index=toc("a", "b", "index"), a=toc("b", "a"), b=toc("a"))
    assert [document.page for document in found.pages] == ["index", "a", "b"]
    assert messages == [
        "b.md:2 a stands in a table of contents before this",
        "a.md:3 a names itself in its table of contents",
        "index.md:3 b stands in a table of contents before this",
        "index.md:4 index is the root page, which comes before every table of contents",
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../a", "there is no page ../a.md"),
        ("/etc/passwd", "there is no page /etc/passwd.md"),
        ("A", "there is no page A.md (did you mean a?)"),
        ("folder", "there is no page folder.md"),
        (".", "there is no page ..md"),
        ("x" * 300, f"{'x' * 300}.md cannot be read: File name too long"),
    ],
)
def test_a_page_that_cannot_be_had(tmp_path: Path, name: str, expected: str) -> None:
    (tmp_path / "folder.md").mkdir()
    assert book(tmp_path, index=toc("a", name), a="")[1] == [f"index.md:3 {expected}"]


def test_a_page_that_cannot_be_read_is_not_called_unlisted_too(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"first\nse\xffcond\n")
    assert book(tmp_path, index=toc("a"))[1] == ["a.md:2 the file is not UTF-8 text: invalid start byte"]


def test_a_book_without_its_root_page(tmp_path: Path) -> None:
    assert book(tmp_path, root="", source_dir="nowhere")[1] == ["there is no root page .md"]
    assert book(tmp_path, root="Start", start="")[1] == ["there is no root page Start.md (did you mean start?)"]


def test_more_pages_inside_of_one_another_than_python_has_calls(tmp_path: Path) -> None:
    pages = {f"p{i}": toc(f"p{i + 1}") for i in range(1200)}
    found, messages = book(tmp_path, index=toc("p0"), p1200="", **pages)
    assert (len(found.pages), messages) == (1202, [])


def test_pictures_are_looked_for_inside_of_the_book(tmp_path: Path) -> None:
    (tmp_path / "a b.svg").touch()
    text = f"![](/a%20b.svg) ![](/etc/passwd) ![](../../etc/passwd) ![](%00.svg) ![]({'x' * 300}.svg)"
    assert book(tmp_path, index=toc("x/y"), x__y=text)[1] == [
        "x/y.md:1 there is no picture etc/passwd",
        "x/y.md:1 there is no picture ../etc/passwd",
        "x/y.md:1 there is no picture x/\0.svg",
        f"x/y.md:1 there is no picture x/{'x' * 300}.svg",
    ]


def test_a_file_whose_html_a_page_takes_in_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "there.html").touch()
    rst = "```eval_rst \n\n.. raw:: html\n   :encoding: utf-8\n   :file: {}\n\n```\n"
    text = rst.format("there.html") + rst.format("front.html") + "\n```{raw} html\n:file: side.html\n```\n"
    assert book(tmp_path, index=text)[1] == [
        "index.md:12 there is no file front.html",
        "index.md:17 there is no file side.html",
    ]


def test_a_picture_on_another_host_is_told_of(tmp_path: Path) -> None:
    text = "![](https://example.org/a.svg) ![](data:image/png;base64,AAAA) [](https://example.org)"
    assert book(tmp_path, index=text)[1] == [
        "index.md:1 this picture is on another host, which readers' browsers would be sent to"
    ]
