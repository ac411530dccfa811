"""Keyboard alone: where the focus is can be seen, nothing hidden takes it, and Escape leads out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from site_readers import PHONE, WIDE, comes_true

pytestmark = pytest.mark.browser

AUTODIFF = "chapter_preliminaries/automatic-differentiation.html"

STOP = """async () => {
  await new Promise(requestAnimationFrame);
  const at = document.activeElement;
  if (!at || at === document.body) { return null; }
  window.stops = window.stops || new Set();
  const again = window.stops.has(at);
  window.stops.add(at);
  const outlined = box => {
    const style = getComputedStyle(box);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  };
  // a switch that is not to be seen shows the focus at its label
  const labels = at.id ? [...document.querySelectorAll(`label[for="${at.id}"]`)] : [];
  const label = labels.find(label => label.checkVisibility() && outlined(label));
  const shown = at.getBoundingClientRect().width > 2 ? at : label || at;
  const edge = shown.getBoundingClientRect();
  const x = Math.min(Math.max(edge.left + Math.min(edge.width / 2, 12), 1), innerWidth - 2);
  const y = Math.min(Math.max(edge.top + edge.height / 2, 1), innerHeight - 2);
  const above = document.elementFromPoint(x, y);
  return {
    again, html: at.outerHTML.slice(0, 150),
    outlined: outlined(shown),
    onScreen: edge.bottom > 0 && edge.top < innerHeight && edge.right > 0 && edge.left < innerWidth,
    visible: shown.checkVisibility({visibilityProperty: true}),
    covered: !!above && !shown.contains(above) && !above.contains(shown),
  };
}"""


@pytest.mark.parametrize("options", [WIDE, pytest.param(PHONE, marks=pytest.mark.slow)], ids=["wide", "phone"])
def test_every_stop_can_be_seen(reader: Callable[..., Any], address: str, options: dict[str, Any]) -> None:
    page = reader(f"{address}/{AUTODIFF}?tab=jax", **options)
    wrong, stops = [], 0
    for _ in range(600):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None or stop["again"]:
            break
        stops += 1
        if not (stop["outlined"] and stop["onScreen"] and stop["visible"]) or stop["covered"]:
            wrong.append(stop)
    assert wrong == []
    assert 40 < stops < 600  # all around the page, and out of it


@pytest.mark.parametrize("screen", [{}, PHONE], ids=["wide", "phone"])
def test_the_first_stop_skips_to_the_text(reader: Callable[..., Any], address: str, screen: dict[str, Any]) -> None:
    page = reader(f"{address}/{AUTODIFF}", **screen)
    page.keyboard.press("Tab")
    link = page.locator(":focus")
    assert link.inner_text() == "Skip to content"
    box = link.bounding_box()
    assert box["x"] >= 0 and box["y"] >= 0 and box["height"] > 10
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('main, [role=main], .main')")


@pytest.mark.parametrize("drawer", ["navigation", "toc"])
def test_escape_closes_the_drawers_of_a_phone(reader: Callable[..., Any], address: str, drawer: str) -> None:
    page = reader(f"{address}/{AUTODIFF}", **PHONE)
    aside = page.locator(".sidebar-drawer" if drawer == "navigation" else ".toc-drawer")
    assert not on_screen(aside)
    page.locator(f"header label[for=__{drawer}]").tap()
    assert comes_true(page, lambda: on_screen(aside))
    assert aside.evaluate("aside => aside.contains(document.activeElement)")
    page.keyboard.press("Escape")
    assert comes_true(page, lambda: not on_screen(aside))
    # who tabs on does not wander through what is closed
    page.keyboard.press("Tab")
    assert not aside.evaluate("aside => aside.contains(document.activeElement)")


def on_screen(aside: Any) -> bool:
    """Whether some of a drawer can be seen."""
    return bool(
        aside.evaluate(
            "a => { const b = a.getBoundingClientRect(); return a.checkVisibility({visibilityProperty: true})"
            " && b.right > 1 && b.left < innerWidth - 1; }"
        )
    )


def test_a_chapter_stays_open_or_closed(reader: Callable[..., Any], address: str) -> None:
    page = reader(f"{address}/chapter_preface/index.html")
    section = page.locator(".sidebar-tree").get_by_role("link", name="Linear Regression from Scratch")
    switch = page.locator(".sidebar-tree li", has=page.get_by_role("link", name="Linear Networks")).get_by_role(
        "switch"
    )
    opened = section.is_visible()
    switch.focus()
    page.keyboard.press("Space")
    assert section.is_visible() != opened
    page.goto(f"{address}/chapter_preliminaries/index.html")
    assert section.is_visible() != opened
    switch.focus()
    page.keyboard.press("Space")
    page.reload()
    assert section.is_visible() == opened


def test_tabs_by_arrow_keys(reader: Callable[..., Any], address: str) -> None:
    page = reader(f"{address}/{AUTODIFF}?tab=pytorch")
    bar = page.get_by_role("tablist").nth(3)
    bar.get_by_role("tab", selected=True).focus()
    for key, name in (
        ("ArrowRight", "TensorFlow"),
        ("End", "MXNet"),
        ("ArrowRight", "PyTorch"),
        ("ArrowLeft", "MXNet"),
        ("Home", "PyTorch"),
    ):
        page.keyboard.press(key)
        assert page.locator(":focus").inner_text() == name
        assert bar.get_by_role("tab", selected=True).inner_text() == name
    # a set is one stop: the next Tab leaves it
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("role") != "tab"
