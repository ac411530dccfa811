"""From reading to doing: notebooks, archives and Markdown to take, services that run a page, its source, its talk."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from typing import Any

import nbformat
import pytest
from site_readers import PHONE, build, served

pytestmark = pytest.mark.browser
TABS = ("pytorch", "tensorflow", "jax", "mxnet")
SQUARE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M1 1h7v7h-7z"/></svg>\n'
CONFIG = """\
[project]
name = little book
title = A Little Book
[build]
tabs = pytorch, jax
untagged = all
[html]
base_url = https://book.example.org/
repository = who/book
branch = next
path = text
open_in = Kaggle, https://kaggle.example.org/welcome?src={notebook}
          Binder, https://binder.example.org/{tab}?labpath={page}.ipynb
pdf = https://book.example.org/book-{tab}.pdf
discourse = FORUM
[colab]
github_repo = pytorch, who/torch-notebooks
              jax, who/jax-notebooks
exclusions = part/index.html
[sagemaker]
github_repo = who/all-notebooks
"""
CELL = "```{.python .input}\n%s\n```\n\n"
PAGES = {
    "index": "# Little\n\nWelcome.\n\n```toc\npart/index\npart/a b\npart/torch\n```\n",
    "part/index": "# Part\n\nWords.\n\n" + CELL % "1 + 1",
    "part/a b": "# Both\n\nSee :numref:`fig_square`.\n\n![A square](../img/square.svg)\n:label:`fig_square`\n\n"
    + CELL % '#@tab pytorch\nprint("in torch")'
    + "Between.\n\n"
    + CELL % '#@tab jax\nopen("../data/numbers.csv"); print("in jax")'
    + "## Exercises\n\n1. An exercise.\n\n"
    ":begin_tab:`pytorch`\n[Discussions](FORUMt/some-topic/41)\n:end_tab:\n\n"
    ":begin_tab:`jax`\n[Discussions](FORUMt/42)\n:end_tab:\n",
    "part/torch": "# Torch alone\n\n"
    + CELL % "#@tab pytorch\n1"
    + "## Discussion\n\nOf ours.\n\n[Discussions](https://elsewhere.example.org/x)\n",
}


class Forum:
    """A forum on loopback that says what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<!doctype html><title>Talk</title><p>Somebody said something.")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def forum() -> Iterator[Forum]:
    opened = Forum()
    yield opened
    opened.server.shutdown()
    opened.server.server_close()


def written(root: Path, forum: str, config: str = CONFIG) -> Path:
    """The little book as files."""
    for name, text in {
        **{f"{page}.md": text for page, text in PAGES.items()},
        "config.ini": config + "[execute]\n",
        "img/square.svg": SQUARE,
        "data/numbers.csv": "1,2\n",
        "data/unused.csv": "3,4\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text.replace("FORUM", forum), encoding="utf-8")
    settings = (root / "config.ini").read_text(encoding="utf-8")
    (root / "config.ini").write_text(settings.replace("untagged", "resources = img/ data/\nuntagged"), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def little(tmp_path_factory: pytest.TempPathFactory, forum: Forum) -> Path:
    """The site of the little book."""
    work = tmp_path_factory.mktemp("little")
    return build(written(work / "book", forum.address), work)


@pytest.fixture(scope="module")
def shelf(little: Path) -> Iterator[str]:
    """Where it is served."""
    with served(little) as where:
        yield where


def actions(page: Any, menu: str) -> dict[str, str]:
    """What a menu shows, opened by a click: words → address."""
    page.locator(".ov-menu > summary", has_text=menu).click()
    found = page.locator(".ov-menu[open] a:visible")
    told = {" ".join(link.inner_text().split()): link.get_attribute("href") for link in found.all()}
    page.keyboard.press("Escape")
    return told


def test_markdown_copies_have_the_code_and_what_it_printed(site: Path, repository: Path) -> None:
    """Judged by the committed results, which nothing here has made."""
    seen = 0
    for result in sorted((repository / "outputs").rglob("*.json")):
        tab, page = result.stem, result.parent.relative_to(repository / "outputs").as_posix()
        if tab not in TABS:
            continue
        text = (site / f"{page}.{tab}.md").read_text(encoding="utf-8")
        for cell in json.loads(result.read_text(encoding="utf-8"))["cells"]:
            for output in cell["outputs"]:
                for line in output["text"] if output["kind"] == "stream" else ():
                    seen += 1
                    assert line.rstrip() in text, (page, tab, line)
        others = {"pytorch": "import torch", "tensorflow": "import tensorflow", "jax": "import jax"}
        assert not [code for other, code in others.items() if other != tab and f"\n{code}\n" in text]
        for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text):
            assert (site / page).parent.joinpath(picture).resolve().is_file(), picture
    assert seen > 50


def test_notebooks_stand_alone(site: Path, repository: Path) -> None:
    pictures = 0
    for path in sorted((site / "notebooks").rglob("*.ipynb")):
        notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        nbformat.validate(notebook)
        for cell in notebook.cells:
            assert not re.search(r"!\[[^\]]*\]\((?!attachment:|https?:)|<img [^>]*src=\"(?!attachment:)", cell.source)
            for name, bundle in (cell.get("attachments") or {}).items():
                ((kind, data),) = bundle.items()
                assert kind == "image/svg+xml" and f"attachment:{name}" in cell.source
                assert base64.b64decode(data) == (repository / name.replace("img-", "img/", 1)).read_bytes()
                pictures += 1
    assert pictures >= len(TABS)


def test_archives_hold_the_notebooks_and_what_they_need(site: Path, repository: Path) -> None:
    for tab in TABS:
        with zipfile.ZipFile(site / f"notebooks/short-dive-{tab}.zip") as archive:
            assert archive.testzip() is None
            names = set(archive.namelist())
            folder = site / "notebooks" / tab
            notebooks = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.ipynb")}
            module = {"pytorch": "torch"}.get(tab, tab)
            assert names == {*notebooks, "d2l/__init__.py", f"d2l/{module}.py"}
            assert all(archive.read(name) == path.read_bytes() for name, path in notebooks.items())
            assert archive.read(f"d2l/{module}.py") == (repository / f"d2l/{module}.py").read_bytes()


def test_menus_lead_where_settings_say(reader: Callable[..., Any], little: Path) -> None:
    page = reader((little / "part/a b.html").as_uri() + "?tab=jax")
    assert actions(page, "Download") == {
        "Notebook JAX": "../notebooks/jax/part/a%20b.ipynb",
        "All notebooks JAX": "../notebooks/little-book-jax.zip",
        "PDF JAX": "https://book.example.org/book-jax.pdf",
    }
    notebook = "https%3A%2F%2Fbook.example.org%2Fnotebooks%2Fjax%2Fpart%2Fa%2520b.ipynb"
    assert actions(page, "Open in") == {
        "Colab JAX": "https://colab.research.google.com/github/who/jax-notebooks/blob/master/part/a%20b.ipynb",
        "SageMaker Studio Lab": "https://studiolab.sagemaker.aws/import/github/who/all-notebooks/blob/master/"
        "part/a%20b.ipynb",
        "Kaggle JAX": f"https://kaggle.example.org/welcome?src={notebook}",
        "Binder JAX": "https://binder.example.org/jax?labpath=part/a%20b.ipynb",
    }
    assert actions(page, "Source") == {
        "View source": "https://github.com/who/book/blob/next/text/part/a%20b.md",
        "Edit this page": "https://github.com/who/book/edit/next/text/part/a%20b.md",
        "Markdown JAX": "a%20b.jax.md",
    }
    page = reader((little / "part/index.html").as_uri())
    assert "Colab PyTorch" not in actions(page, "Open in"), "the settings leave this page out"
    # a page of one framework serves the readers of others as well as it can
    page = reader((little / "part/torch.html").as_uri() + "?tab=jax")
    assert "Notebook PyTorch" in actions(page, "Download")


def test_a_reader_takes_the_notebook_of_the_framework_on_view(reader: Callable[..., Any], shelf: str) -> None:
    page = reader(f"{shelf}/part/a%20b.html")
    for tab, name in (("pytorch", "PyTorch"), ("jax", "JAX")):
        page.locator(".ov-tab", has_text=name).first.click()
        page.locator(".ov-menu > summary", has_text="Download").click()
        with page.expect_download() as waiting:
            page.get_by_role("link", name=f"Notebook · {name}").click()
        assert waiting.value.suggested_filename == f"a b-{tab}.ipynb".replace(" ", "-")
        taken = nbformat.read(waiting.value.path(), as_version=4)
        assert [
            cell.source
            for cell in taken.cells
            if cell.cell_type == "code" and f'"in {name[-5:].lower()}' in cell.source
        ]
        assert page.locator(".ov-menu[open]").count() == 0


def test_the_page_is_copied_as_markdown(reader: Callable[..., Any], little: Path) -> None:
    for options in ({}, PHONE):
        page = reader(
            (little / "part/a b.html").as_uri() + "?tab=jax",
            permissions=["clipboard-read", "clipboard-write"],
            **options,
        )
        page.locator(".ov-menu > summary", has_text="Source").click()
        page.get_by_role("button", name="Copy as Markdown").click()
        page.locator("[role=status]", has_text="Copied.").wait_for(state="attached")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == (little / "part/a b.jax.md").read_text(encoding="utf-8")
        assert "in jax" in copied and "in torch" not in copied
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_menus_by_keyboard(reader: Callable[..., Any], little: Path) -> None:
    page = reader((little / "part/a b.html").as_uri())
    page.locator(".ov-menu > summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".ov-menu[open]").count() == 1
    page.keyboard.press("ArrowDown")
    assert "Notebook" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Escape")
    assert page.locator(".ov-menu[open]").count() == 0
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    for _ in range(4):  # past the last entry, into the next menu's title
        page.keyboard.press("Tab")
    assert page.locator(".ov-menu[open]").count() == 0


def test_without_scripts_every_framework_is_named(reader: Callable[..., Any], little: Path) -> None:
    page = reader((little / "part/a b.html").as_uri(), java_script_enabled=False)
    page.locator(".ov-menu > summary", has_text="Download").click()
    told = [" ".join(link.inner_text().split()) for link in page.locator(".ov-menu[open] a:visible").all()]
    assert [text for text in told if text.startswith("Notebook")] == ["Notebook PyTorch", "Notebook JAX"]
    assert page.locator(".ov-talks a:visible").count() == 2
    assert page.locator("button.ov-copy-page:visible, button.ov-show-talk:visible").count() == 0


def test_discussions_leave_the_text_and_are_fetched_only_when_asked_for(
    browser: Any, little: Path, forum: Forum
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto((little / "part/a b.html").as_uri() + "?tab=jax")
    assert page.locator("article section", has_text="Discussions").count() == 0
    shown = page.locator(".ov-talks a:visible")
    assert [link.get_attribute("href") for link in shown.all()] == [f"{forum.address}t/42"]
    assert forum.asked == []
    page.get_by_role("link", name="Discussion", exact=True).click()
    page.locator(".ov-show-talk:visible").click()
    page.frame_locator("iframe.ov-talk").get_by_text("Somebody said something.").wait_for()
    assert [path for path in forum.asked if "icon" not in path] == ["/embed/comments?topic_id=42"]
    page.locator(".ov-select:visible").first.select_option("pytorch")
    assert [link.get_attribute("href") for link in shown.all()] == [f"{forum.address}t/some-topic/41"]
    # of another forum there is a plain link, which is for everybody
    page.goto((little / "part/torch.html").as_uri())
    assert page.locator(".ov-talks a:visible").count() == 1
    assert page.locator(".ov-show-talk:visible").count() == 0
    # a section of the page may have the same name
    place = page.locator(".ov-to-talk").get_attribute("href")
    assert page.locator(f".ov-talks{place}").count() == page.locator(place).count() == 1
    context.close()


@pytest.mark.slow
def test_what_is_not_set_is_not_offered(tmp_path: Path) -> None:
    for name, text in {
        "index.md": "# Only words\n\nNothing to run.\n",
        "config.ini": "[project]\nname = plain\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    site = build(tmp_path, tmp_path / "work")
    html = (site / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<summary>(.*?)</summary>", html) == ["Source"]
    assert "ov-talks" not in html and not (site / "notebooks").exists()
    assert (site / "index.md").read_text(encoding="utf-8").startswith("# Only words")
    # a product of the whole book is offered once it is there
    product = tmp_path / "work/built/pdf/plain.pdf"
    product.parent.mkdir()
    product.write_bytes(b"%PDF-1.7")
    build(tmp_path, tmp_path / "work")
    assert 'href="pdf/plain.pdf"' in (site / "index.html").read_text(encoding="utf-8")
    assert (site / "pdf/plain.pdf").read_bytes() == b"%PDF-1.7"


@pytest.mark.slow
def test_what_changed_is_made_again_and_nothing_else(tmp_path: Path) -> None:
    book = written(tmp_path / "book", "https://forum.example.org/")
    site = build(book, tmp_path)
    made = ("part/torch.pytorch.md", "notebooks/pytorch/part/torch.ipynb", "part/index.jax.md")
    before = {name: (site / name).stat().st_mtime_ns for name in made}
    archive = (site / "notebooks/little-book-jax.zip").read_bytes()
    page = book / "part/a b.md"
    page.write_text(page.read_text(encoding="utf-8").replace("An exercise.", "Another exercise."), encoding="utf-8")
    build(book, tmp_path)
    assert {name: (site / name).stat().st_mtime_ns for name in made} == before
    assert "Another exercise." in (site / "part/a b.jax.md").read_text(encoding="utf-8")
    with zipfile.ZipFile(site / "notebooks/little-book-jax.zip") as changed:
        assert changed.testzip() is None
        assert sorted(changed.namelist()) == ["data/numbers.csv", "index.ipynb", "part/a b.ipynb", "part/index.ipynb"]
        assert b"Another exercise." in changed.read("part/a b.ipynb")
    page.write_text(page.read_text(encoding="utf-8").replace("Another exercise.", "An exercise."), encoding="utf-8")
    build(book, tmp_path)
    assert (site / "notebooks/little-book-jax.zip").read_bytes() == archive, "equal files make equal archives"
    (book / "part/torch.md").unlink()
    index = book / "index.md"
    index.write_text(index.read_text(encoding="utf-8").replace("part/torch\n", ""), encoding="utf-8")
    build(book, tmp_path)
    assert not [path for path in site.rglob("torch.*") if path.suffix in (".md", ".js", ".ipynb", ".html")]


def test_settings_that_do_not_fit_are_told(tmp_path: Path) -> None:
    config = """\
        [html]
        repository = just-a-word
        open_in = Nowhere
                  Bad, javascript:alert(1)
                  Here, https://run.example.org/?{notebook}
        giscus = who/book, id
        discourse = forum
        """
    (tmp_path / "config.ini").write_text(dedent(config), encoding="utf-8")
    (tmp_path / "index.md").write_text("# A\n", encoding="utf-8")
    answer = subprocess.run(
        [sys.executable, "-m", "octavo", "-C", tmp_path, "check", "--json"], capture_output=True, text=True, check=False
    )
    told = json.loads(answer.stdout)
    assert sorted(one["line"] for one in told) == [2, 3, 4, 5, 6, 7], told
    assert {one["severity"] for one in told} == {"error"} and answer.returncode == 1
