"""A book whose pages do not all have every framework: deep links, fallbacks that are said, pages for some only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from site_readers import PHONE, build, comes_true, served

pytestmark = pytest.mark.browser

CONFIG = """\
[project]
name = waves
title = Waves
author = A Swimmer
[build]
tabs = pytorch, tensorflow, jax
untagged = all
"""

CELL = "```{.python .input}\n#@tab %s\n%s\n```\n\n"
WORDS = "Words and more words, so that there is something to scroll past on every screen. " * 10 + "\n\n"

PAGES = {
    "index.md": "# Waves\n\nA book about waves.\n\n```toc\n:numbered:\n\nevery\nsome\nalone\n```\n",
    "every.md": (
        f"# Every Framework\n:label:`sec_every`\n\n{WORDS}"
        + CELL % ("pytorch", "import torch")
        + CELL % ("tensorflow", "import tensorflow")
        + CELL % ("jax", "import jax")
        + WORDS * 3
        + ":begin_tab:`jax`\n### Arrays Do Not Change\n:label:`sec_frozen`\n\n"
        + "Only functions return new ones.\n:end_tab:\n\n"
        + ":begin_tab:`pytorch, tensorflow`\nTensors can be written over.\n:end_tab:\n\n"
        + f"## At the End\n:label:`sec_end`\n\n{WORDS}See :numref:`sec_frozen`, and :numref:`sec_alone`.\n"
    ),
    "some.md": (
        f"# Two of Three\n:label:`sec_some`\n\n{WORDS}"
        + CELL % ("pytorch", "print('torch')")
        + CELL % ("tensorflow", "print('tensorflow')")
        + "Between.\n\n"
        + CELL % ("pytorch", "print('torch alone')")
        + WORDS
    ),
    "alone.md": f"# JAX Alone\n:label:`sec_alone`\n\n{WORDS}" + CELL % ("jax", "print('jax')") + WORDS,
}

LACKING = {("some", "jax"), ("alone", "pytorch"), ("alone", "tensorflow")}


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("waves")
    book = work / "book"
    book.mkdir()
    (book / "config.ini").write_text(CONFIG, encoding="utf-8")
    for name, text in PAGES.items():
        (book / name).write_text(text, encoding="utf-8")
    return build(book, work)


@pytest.fixture(scope="module")
def waves_address(waves: Path) -> Iterator[str]:
    with served(waves) as where:
        yield where


def shown(page: Any) -> list[str]:
    """The frameworks of the panels that are on view, in order."""
    panels = "[...document.querySelectorAll('.ov-panel')].filter(p => p.checkVisibility()).map(p => p.dataset.tab)"
    return list(page.evaluate(panels))


@pytest.mark.parametrize("kept", ["pytorch", "tensorflow", "jax"])
def test_no_panel_is_ever_empty(reader: Callable[..., Any], waves_address: str, kept: str) -> None:
    page = reader(f"{waves_address}/index.html?tab={kept}")  # the choice that is remembered
    for name in ("every", "some", "alone"):
        page.goto(f"{waves_address}/{name}.html")
        said = page.locator("article").get_by_text("This page has no").locator("visible=true").count()
        assert said == ((name, kept) in LACKING), name
        sets = page.locator(".ov-set")
        for number in range(sets.count()):
            panel = sets.nth(number).locator(":scope > .ov-panel:visible")
            assert panel.count() == 1, name
            assert panel.inner_text().strip(), name
            # what is shown instead is said: once for a page that lacks the framework, else at its place
            replaced = panel.get_attribute("data-tab") != kept
            assert replaced <= (said or sets.nth(number).get_by_text("shown:").is_visible()), name


def test_a_page_says_that_it_lacks_the_framework(reader: Callable[..., Any], waves_address: str) -> None:
    page = reader(f"{waves_address}/some.html?tab=jax")
    assert page.get_by_text("This page has no JAX version").first.is_visible()
    assert shown(page) == ["pytorch", "pytorch"]
    page.goto(f"{waves_address}/some.html?tab=tensorflow")
    assert not page.get_by_text("This page has no").locator("visible=true").count()
    assert shown(page) == ["tensorflow", "pytorch"]
    assert page.get_by_text("This part has no TensorFlow version; shown: PyTorch.").is_visible()
    # the choice outlives the page that lacks it
    page.goto(f"{waves_address}/some.html?tab=jax")
    page.goto(f"{waves_address}/every.html")
    assert shown(page) == ["jax", "jax"]


def test_a_page_of_one_framework_stands_in_that_ones_contents_only(
    reader: Callable[..., Any], waves_address: str
) -> None:
    for tab, there in (("jax", True), ("pytorch", False)):
        page = reader(f"{waves_address}/index.html?tab={tab}")
        assert page.locator(".sidebar-tree").get_by_role("link", name="JAX Alone").is_visible() == there
        assert page.locator("article").get_by_role("link", name="JAX Alone").is_visible() == there
    # who comes to it all the same can read it, and is told
    page.goto(f"{waves_address}/alone.html")
    assert page.get_by_text("print('jax')").is_visible()
    assert page.get_by_text("This page has no PyTorch version").is_visible()


@pytest.mark.parametrize("where", ["served", "file"])
@pytest.mark.parametrize("options", [{}, PHONE], ids=["wide", "phone"])
def test_an_anchor_in_a_hidden_panel_opens_it(
    reader: Callable[..., Any], waves: Path, waves_address: str, where: str, options: dict[str, Any]
) -> None:
    root = waves_address if where == "served" else waves.as_uri()
    page = reader(f"{root}/every.html?tab=pytorch", **options)
    frozen = page.locator("article").get_by_text("Arrays Do Not Change", exact=True).first
    assert not frozen.is_visible()
    # from outside, from a link of this page, and from a link of another
    page.goto(f"{root}/some.html")
    page.goto(f"{root}/every.html#arrays-do-not-change")
    assert in_view(page, frozen) and set(shown(page)) == {"jax"}
    page.goto(f"{root}/some.html?tab=pytorch")
    page.goto(f"{root}/every.html")
    assert not frozen.is_visible()
    page.locator("article p").get_by_role("link", name="Arrays Do Not Change").click()
    page.wait_for_function("document.documentElement.dataset.tab === 'jax'")
    assert in_view(page, frozen)


def test_an_address_names_framework_and_place(reader: Callable[..., Any], waves_address: str) -> None:
    page = reader(f"{waves_address}/every.html?tab=tensorflow#at-the-end")
    assert set(shown(page)) == {"tensorflow"}
    assert in_view(page, page.get_by_role("heading", name="At the End"))
    # a name that the book has not changes nothing
    page.goto(f"{waves_address}/every.html?tab=%3Cscript%3E")
    assert set(shown(page)) == {"tensorflow"}
    # the address follows a choice, so that it can be handed on
    page.get_by_role("tab", name="JAX").first.click()
    assert "tab=jax" in page.url


def test_two_windows_show_the_same(reader: Callable[..., Any], waves_address: str) -> None:
    page = reader(f"{waves_address}/every.html?tab=pytorch")
    other = page.context.new_page()
    other.goto(f"{waves_address}/some.html")
    page.get_by_role("tab", name="TensorFlow").first.click()
    other.wait_for_function("document.documentElement.dataset.tab === 'tensorflow'")
    assert shown(other)[0] == "tensorflow"


def test_back_keeps_the_last_choice(reader: Callable[..., Any], waves_address: str) -> None:
    page = reader(f"{waves_address}/every.html?tab=pytorch")
    page.goto(f"{waves_address}/some.html")
    page.get_by_role("tab", name="TensorFlow").first.click()
    page.go_back()
    page.wait_for_function("document.documentElement.dataset.tab === 'tensorflow'")
    assert shown(page) == ["tensorflow", "tensorflow"]


def in_view(page: Any, thing: Any) -> bool:
    """Whether a thing comes to stand in the upper half of the screen."""
    thing.wait_for(state="visible")
    top = "thing => thing.getBoundingClientRect().top"
    return comes_true(page, lambda: -1 <= thing.evaluate(top) < page.viewport_size["height"] / 2)
