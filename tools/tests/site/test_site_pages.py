"""What holds for every page of the book: widths, links, no jump, no script, paper."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from site_readers import PHONE

pytestmark = pytest.mark.browser

TABS = ("pytorch", "tensorflow", "jax", "mxnet")
HEAVIEST = "chapter_preliminaries/data-manipulation.html"
SOME = ("index.html", HEAVIEST, "chapter_references/index.html", "api/jax.html", "search.html", "404.html")
"""One page of each kind, for the quick tests; the slow ones look at all."""

STICKING_OUT = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = box => {
    for (let up = box.parentElement; up && up !== document.body; up = up.parentElement) {
      if (getComputedStyle(up).overflowX !== "visible") { return true; }
    }
    return false;
  };
  const out = [...document.querySelectorAll("article *, header *, footer *")].filter(box => {
    const edge = box.getBoundingClientRect();
    return edge.width > 1 && edge.height > 1 && edge.right > width + 1 && box.checkVisibility() && !scrolls(box);
  });
  const page = document.scrollingElement;
  return {wide: page.scrollWidth - page.clientWidth, out: out.slice(0, 3).map(box => box.outerHTML.slice(0, 120))};
}"""

ON_PAPER = """what => [...document.querySelectorAll(what)].filter(box => {
  const edge = box.getBoundingClientRect();
  return box.checkVisibility() && edge.height > 1 && edge.right > 1 && edge.left < innerWidth - 1;
}).map(box => box.outerHTML.slice(0, 120))"""

SHIFTS = """() => { window.shifts = []; new PerformanceObserver(list => list.getEntries().forEach(entry => {
  window.shifts.push([entry.value, ...entry.sources.map(source => source.node && source.node.nodeName + "." +
    source.node.className)]); })).observe({type: "layout-shift", buffered: true}); }"""


@pytest.fixture(params=["some", pytest.param("all", marks=pytest.mark.slow)])
def looked_at(request: pytest.FixtureRequest, pages: list[str]) -> list[str]:
    """The pages to look at."""
    assert set(SOME) < set(pages)
    return pages if request.param == "all" else list(SOME)


def test_everything_that_pages_name_is_there(site: Path, repository: Path) -> None:
    script = repository / "tools/ci/check_links.py"
    answer = subprocess.run([sys.executable, script, site], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.slow
def test_no_page_scrolls_sideways_on_a_phone(reader: Callable[..., Any], address: str, looked_at: list[str]) -> None:
    page = reader(**PHONE)
    wrong = {}
    for name in looked_at:
        page.goto(f"{address}/{name}?tab={TABS[0]}")
        for width, tab in product((375, 320), TABS):
            page.set_viewport_size({"width": width, "height": 740})
            page.evaluate("tab => { document.documentElement.dataset.tab = tab; }", tab)  # as an address would
            found = page.evaluate(STICKING_OUT)
            if found["wide"] > 0 or found["out"]:
                wrong[name, tab, width] = found
    assert wrong == {}


@pytest.mark.slow
def test_nothing_moves_while_a_page_loads(reader: Callable[..., Any], address: str, looked_at: list[str]) -> None:
    moved = {}
    for options in ({}, PHONE):
        page = reader(**options)
        for name in looked_at:
            page.goto(f"{address}/{name}?tab=jax", wait_until="load")
            page.evaluate(SHIFTS)
            page.evaluate("document.fonts.ready")
            page.wait_for_timeout(50)
            if shifts := page.evaluate("window.shifts"):
                moved[name, len(options)] = shifts
    assert moved == {}


@pytest.mark.parametrize("options", [pytest.param({}, marks=pytest.mark.slow), PHONE], ids=["wide", "phone"])
def test_nothing_moves_on_a_slow_line(reader: Callable[..., Any], address: str, options: dict[str, Any]) -> None:
    page = reader(**options)
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    wire.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 90_000},
    )
    page.goto(f"{address}/{HEAVIEST}?tab=tensorflow", wait_until="networkidle", timeout=30_000)
    page.evaluate(SHIFTS)
    page.wait_for_timeout(100)
    assert page.evaluate("window.shifts") == []


def test_the_choice_is_made_before_any_script_file_has_come(reader: Callable[..., Any], address: str) -> None:
    page = reader()
    page.goto(f"{address}/index.html?tab=mxnet")  # remembered
    page.route(re.compile(r"\.js(\?|$)"), lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(f"{address}/{HEAVIEST}")
    seen = page.evaluate(
        "[...document.querySelectorAll('.ov-panel')].filter(p => p.checkVisibility()).map(p => p.dataset.tab)"
    )
    assert set(seen) == {"mxnet"}
    assert page.evaluate("document.querySelectorAll('.ov-set').length") == len(seen)


def test_without_scripts_every_page_can_be_read_to_its_end(
    reader: Callable[..., Any], site: Path, looked_at: list[str]
) -> None:
    page = reader(java_script_enabled=False)
    for name in looked_at:
        if name == "search.html":  # says that it needs scripts, see below
            continue
        page.goto((site / name).as_uri())
        panels = page.locator(".ov-panel")
        assert panels.count() == page.locator(".ov-panel:visible").count(), name
        assert [text for text in panels.all_inner_texts() if not text.strip()] == [], name
        assert page.locator("article").inner_text().strip(), name
        # a control that does nothing is not shown
        dead = page.locator("button:visible, select:visible, [role=tab]:visible").evaluate_all(
            "all => all.map(x => x.outerHTML)"
        )
        assert dead == [], name
    page.goto((site / "search.html").as_uri())
    assert "JavaScript" in page.locator("article").inner_text()


def test_without_scripts_a_reader_gets_from_page_to_page(reader: Callable[..., Any], site: Path) -> None:
    page = reader((site / "index.html").as_uri(), java_script_enabled=False)
    visited = [page.url]
    while (following := page.get_by_role("link", name=re.compile("^Next"))).count():
        with page.expect_navigation():
            following.click()
        assert page.url not in visited
        visited.append(page.url)
    assert visited[-1].split("?")[0].endswith("chapter_references/index.html") and len(visited) >= 8


def test_a_page_on_paper(reader: Callable[..., Any], address: str, looked_at: list[str]) -> None:
    page = reader(viewport={"width": 720, "height": 1000}, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    for name in looked_at:
        if not name.startswith("chapter_"):
            continue
        page.goto(f"{address}/{name}?tab=jax")
        shown = page.evaluate(
            "[...document.querySelectorAll('.ov-panel')].filter(p => p.checkVisibility()).map(p => p.dataset.tab)"
        )
        assert set(shown) <= {"jax"}, name
        # nothing to press, nothing beside the text, dark letters on white
        assert page.evaluate(ON_PAPER, "button, select, input, aside, nav, header") == [], name
        colours = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor,"
            " getComputedStyle(document.querySelector('article p, article h1')).color]"
        )
        assert brightness(colours[0]) > 0.9 > 0.5 > brightness(colours[1]), (name, colours)
        assert page.evaluate(STICKING_OUT)["out"] == [], name
        cut = page.evaluate(
            "[...document.querySelectorAll('article *')].filter(b => b.checkVisibility() && "
            "/auto|scroll|hidden|clip/.test(getComputedStyle(b).overflow) && !b.closest('math, svg') && "
            "getComputedStyle(b).position !== 'absolute' && "
            "(b.scrollHeight > b.clientHeight + 2 || b.scrollWidth > b.clientWidth + 2) && b.clientWidth > 2)"
            ".map(b => b.outerHTML.slice(0, 120))"
        )
        assert cut == [], name


def test_a_page_as_pdf(reader: Callable[..., Any], address: str) -> None:
    page = reader(f"{address}/{HEAVIEST}?tab=jax")
    paper = page.pdf(format="A4")
    assert paper.startswith(b"%PDF-")
    sheets = len(re.findall(rb"/Type\s*/Page\b(?!s)", paper))
    assert 8 <= sheets <= 40  # one framework's: four would be more


def brightness(colour: str) -> float:
    """How bright a colour of a style is, from 0 to 1; what is transparent stands on paper."""
    numbers = [float(part) for part in re.findall(r"[\d.]+", colour)]
    return 1.0 if len(numbers) == 4 and numbers[3] == 0 else sum(numbers[:3]) / 765
