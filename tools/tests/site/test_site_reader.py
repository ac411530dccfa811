"""What a reader does who knows nothing of the build: by mouse, by keyboard alone, and on a phone with a finger."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from site_readers import PHONE, WIDE, comes_true

pytestmark = pytest.mark.browser

AUTODIFF = "chapter_preliminaries/automatic-differentiation.html"
SCRATCH = "chapter_linear-networks/linear-regression-scratch.html"


@dataclass
class Hand:
    """How a reader reaches for things."""

    kind: str
    page: Any

    def on_screen(self, things: Any) -> Any:
        """The first of some things that is not hidden in a drawer beside the screen."""
        for thing in things.all():
            box = thing.bounding_box() if thing.is_visible() else None
            if box and box["x"] + box["width"] > 0 and box["x"] < self.page.viewport_size["width"]:
                return thing
        return None

    def take(self, things: Any) -> None:
        """Press a link or a button: the first of them that is on the screen, however far down."""
        assert comes_true(self.page, lambda: self.on_screen(things) is not None), f"{things} is not on the screen"
        thing = self.on_screen(things)
        if self.kind == "mouse":
            thing.click()
        elif self.kind == "phone":
            thing.tap()
        else:
            self.reach(thing)
            self.page.keyboard.press("Enter")

    def reach(self, thing: Any, most: int = 400) -> None:
        """Tab until the thing has the focus; to what is far down from the end of the page, as who reads there does."""
        far = thing.evaluate("thing => thing.getBoundingClientRect().top + scrollY > document.body.scrollHeight / 2")
        for _ in range(most):
            if thing.evaluate("thing => thing === document.activeElement"):
                return
            self.page.keyboard.press("Shift+Tab" if far else "Tab")
        raise AssertionError(f"the keyboard does not reach {thing}")

    def open_contents(self) -> None:
        """Have the book's contents on the screen."""
        if self.kind == "phone":
            self.take(self.page.locator("header label[for=__navigation], header button[aria-controls*=nav]"))
            self.page.wait_for_function("document.querySelector('.sidebar-drawer').getBoundingClientRect().left >= 0")

    def choose(self, framework: str) -> None:
        """Take a framework in the selector that the page has for all of it."""
        selector = self.on_screen(self.page.get_by_role("combobox", name="Framework"))
        assert selector is not None, "no selector is on the screen"
        if self.kind == "keyboard":
            self.reach(selector)
            self.page.keyboard.type(framework)
        else:
            selector.select_option(label=framework)


@pytest.fixture(params=[pytest.param("mouse", marks=pytest.mark.slow), "keyboard", "phone"])
def hand(request: pytest.FixtureRequest, reader: Callable[..., Any]) -> Hand:
    kind = request.param
    options = PHONE if kind == "phone" else WIDE
    return Hand(kind, reader(**options, color_scheme="light", accept_downloads=True))


def shown(page: Any) -> set[str]:
    """The frameworks whose panels are on view."""
    return set(
        page.evaluate(
            "[...document.querySelectorAll('.ov-panel')].filter(p => p.checkVisibility()).map(p => p.dataset.tab)"
        )
    )


def darkness(page: Any) -> float:
    """How dark the page is, from 0 to 1."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return 1 - sum(float(part) for part in re.findall(r"[\d.]+", colour)[:3]) / 765


def top(thing: Any) -> float:
    """Where a thing stands on the screen."""
    return float(thing.evaluate("thing => thing.getBoundingClientRect().top"))


def test_to_a_chapter_and_on(hand: Hand, address: str) -> None:
    page = hand.page
    page.goto(f"{address}/index.html")
    hand.open_contents()
    hand.take(page.locator(".sidebar-tree").get_by_role("link", name=re.compile("Preliminaries")))
    page.wait_for_url("**/chapter_preliminaries/index.html*")
    hand.take(page.get_by_role("link", name=re.compile("^Next")))
    page.wait_for_url("**/data-manipulation.html*")
    assert page.get_by_role("heading", level=1).inner_text().startswith("1.1")


def test_change_the_framework(hand: Hand, address: str) -> None:
    page = hand.page
    page.goto(f"{address}/{SCRATCH}")
    assert shown(page) == {"pytorch"}
    hand.choose("JAX")
    page.wait_for_function("document.documentElement.dataset.tab === 'jax'")
    assert shown(page) == {"jax"}
    page.wait_for_function("!document.documentElement.classList.contains('ov-unsettled')")  # every section is laid out
    assert "jnp" in page.locator("article").inner_text()
    page.goto(f"{address}/{AUTODIFF}")
    assert shown(page) == {"jax"}


def test_change_the_framework_where_one_reads(hand: Hand, address: str) -> None:
    page = hand.page
    page.goto(f"{address}/{AUTODIFF}")
    tab = page.locator(".ov-set").nth(5).get_by_role("tab", name="MXNet")
    selected = page.locator(".ov-set").nth(5).get_by_role("tab", selected=True)
    if hand.kind == "keyboard":
        hand.reach(selected)
        before = top(selected)
        page.keyboard.press("End")
    else:
        tab.scroll_into_view_if_needed()
        before = top(tab)
        tab.click() if hand.kind == "mouse" else tab.tap()
    page.wait_for_function("document.documentElement.dataset.tab === 'mxnet'")
    assert shown(page) == {"mxnet"}
    assert abs(top(tab) - before) <= 1  # the reader's line stays
    assert tab.get_attribute("aria-selected") == "true"


def test_follow_an_equation_and_come_back(hand: Hand, address: str) -> None:
    page = hand.page
    page.goto(f"{address}/{AUTODIFF}?tab=jax")
    # one that is far from its equation
    reference = page.locator("article a[href$='#equation-eq-autodiff-central']:visible").last
    number = reference.inner_text()
    if hand.kind == "keyboard":
        hand.reach(reference)
    else:
        reference.scroll_into_view_if_needed()
    before = top(reference)
    target = page.locator("[id='equation-eq-autodiff-central']")
    hand.take(reference)
    page.wait_for_url("**#equation-eq-autodiff-central")
    assert number.strip("()") in target.inner_text()
    height = page.viewport_size["height"]
    assert comes_true(page, lambda: 0 <= top(target) < height / 2), top(target)
    page.go_back()
    page.wait_for_function("!location.hash")
    assert comes_true(page, lambda: abs(top(reference) - before) <= 2), (top(reference), before)
    assert shown(page) == {"jax"}


def test_switch_to_dark(hand: Hand, address: str) -> None:
    page = hand.page
    page.goto(f"{address}/index.html")
    assert darkness(page) < 0.1
    switch = page.get_by_role("button", name=re.compile("colour|theme|dark", re.IGNORECASE))
    for _ in range(3):
        hand.take(switch)
        if darkness(page) > 0.8:
            break
    assert darkness(page) > 0.8
    page.goto(f"{address}/{SCRATCH}")
    assert darkness(page) > 0.8
    # dark before any script file is there
    page.route(re.compile(r"\.js(\?|$)"), lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.reload()
    assert darkness(page) > 0.8


def test_the_dark_of_the_system(reader: Callable[..., Any], address: str) -> None:
    page = reader(f"{address}/{SCRATCH}", color_scheme="dark")
    assert darkness(page) > 0.8
    page.emulate_media(color_scheme="light")
    assert darkness(page) < 0.1


def test_find_a_term(hand: Hand, address: str) -> None:
    page = hand.page
    page.goto(f"{address}/index.html?tab=jax")
    if hand.kind == "keyboard":
        page.keyboard.press("/")
    else:
        hand.open_contents()
        drawer = page.locator(".sidebar-drawer")
        hand.take(drawer.get_by_role("button", name="Search").or_(drawer.get_by_role("link", name="Search")))
    page.get_by_role("combobox", name="Search").wait_for()
    page.keyboard.type("adjoint")
    found = page.get_by_role("listbox").get_by_role("option")
    found.first.wait_for()
    assert "Automatic Differentiation" in found.first.inner_text()
    if hand.kind == "keyboard":
        page.keyboard.press("Enter")
    else:
        hand.take(found)
    page.wait_for_url(f"**/{AUTODIFF}*")
    assert shown(page) == {"jax"}
    where = page.url.partition("#")[2]
    assert where
    assert comes_true(page, lambda: -10 <= top(page.locator(f"[id='{where}']")) < page.viewport_size["height"])


@pytest.mark.parametrize("tab", [pytest.param("pytorch", marks=pytest.mark.slow), "jax"])
def test_download_the_notebook(hand: Hand, address: str, tab: str) -> None:
    page = hand.page
    page.goto(f"{address}/{SCRATCH}?tab={tab}")
    link = page.get_by_role("link", name=re.compile("notebook", re.IGNORECASE))
    hand.take(page.locator("summary", has_text="Download"))
    with page.expect_download() as waiting:
        hand.take(link)
    notebook = json.loads(waiting.value.path().read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    code = "".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    assert ("import torch" in code, "import jax" in code) == (tab == "pytorch", tab == "jax")


def test_a_preview_comes_and_goes(hand: Hand, address: str) -> None:
    page = hand.page
    page.goto(f"{address}/{AUTODIFF}?tab=jax")
    reference = page.locator("article a[href$='#equation-eq-autodiff-central']:visible").last
    preview = page.get_by_role("tooltip")
    if hand.kind == "phone":  # a tap just follows
        reference.tap()
        page.wait_for_url("**#equation-eq-autodiff-central")
        page.wait_for_timeout(500)
        assert preview.count() == 0
        return
    if hand.kind == "mouse":
        reference.hover()
    else:
        hand.reach(reference)
    preview.wait_for()
    assert preview.locator("math").count() == 1
    # it hides neither its link nor anything beside the screen
    box, link = preview.bounding_box(), reference.bounding_box()
    assert box["y"] >= link["y"] + link["height"] or box["y"] + box["height"] <= link["y"]
    assert box["x"] >= 0 and box["x"] + box["width"] <= page.viewport_size["width"]
    if hand.kind == "mouse":  # who points at it keeps it
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
        page.wait_for_timeout(500)
        assert preview.is_visible()
    page.keyboard.press("Escape")
    preview.wait_for(state="detached")


def test_copy_code(hand: Hand, address: str) -> None:
    page = hand.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{address}/{SCRATCH}?tab=jax")
    cell = page.locator(".ov-panel[data-tab=jax] .ov-cell").first
    cell.hover()
    hand.take(cell.get_by_role("button", name=re.compile("copy", re.IGNORECASE)))
    page.get_by_role("status").get_by_text(re.compile("copied", re.IGNORECASE)).wait_for(state="attached")
    assert page.evaluate("navigator.clipboard.readText()").strip() == cell.locator("pre").first.inner_text().strip()


def test_from_an_entry_to_its_code_and_back(hand: Hand, address: str) -> None:
    page = hand.page
    page.goto(f"{address}/api/jax.html?tab=pytorch")  # a page of one framework leads to that one's code
    name = page.locator("article dt[id]").first.get_attribute("id")
    hand.take(page.locator("article dd").first.get_by_role("link").first)
    page.wait_for_url(re.compile("/chapter_"))
    assert shown(page) == {"jax"}
    place = page.locator(f"[id='{page.url.partition('#')[2]}']")
    assert comes_true(page, lambda: -10 <= top(place) < page.viewport_size["height"] / 2), top(place)
    code = page.locator(".ov-panel[data-tab=jax] pre").get_by_role("link", name=name.rpartition(".")[2]).first
    assert code.is_visible()
    hand.take(code)
    page.wait_for_url(f"**/api/jax.html*#{name}")
    assert comes_true(page, lambda: 0 <= top(page.locator(f"[id='{name}']")) < page.viewport_size["height"] / 2)
