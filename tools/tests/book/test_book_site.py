"""The book's own website in a real browser, built from the committed results with no framework installed."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

Octavo = Callable[..., subprocess.CompletedProcess[str]]
AUTODIFF = "chapter_preliminaries/automatic-differentiation.html"
SCRATCH = "chapter_linear-networks/linear-regression-scratch.html"
TABS = ("pytorch", "tensorflow", "jax", "mxnet")


@pytest.fixture(scope="session")
def site(built_site: Path) -> Path:
    return built_site


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """The site served on loopback."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def test_every_result_is_shown_in_its_framework(site: Path, repository: Path) -> None:
    script = repository / "tools/ci/check_site.py"
    answer = subprocess.run([sys.executable, script, repository, site], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


def test_no_id_stands_twice_on_a_page(site: Path) -> None:
    for file in site.rglob("*.html"):
        ids = re.findall(r"<[^>]+\sid=\"([^\"]+)\"", file.read_text(encoding="utf-8"))
        assert sorted(ids) == sorted(set(ids)), file.name


@pytest.mark.browser
def test_a_chosen_framework_stays_chosen_on_the_next_page(browser, address: str) -> None:  # type: ignore[no-untyped-def]
    page = browser.new_context().new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(f"{address}/{AUTODIFF}")
    assert visible_panels(page) == {"pytorch"}
    page.locator(".ov-set").nth(2).get_by_role("tab", name="JAX").click()
    assert visible_panels(page) == {"jax"}
    page.locator("a.next-page").click()
    page.wait_for_url(lambda url: AUTODIFF not in url)
    while not page.locator(".ov-set").count():  # a chapter's first page has none
        here = page.url
        page.locator("a.next-page").click()
        page.wait_for_url(lambda url, here=here: url != here)
    assert visible_panels(page) == {"jax"}
    assert "jnp" in page.locator("article").inner_text()
    page.goto(f"{address}/{AUTODIFF}?tab=mxnet")
    assert visible_panels(page) == {"mxnet"}
    assert {url.split("/")[2] for url in requests if not url.startswith("data:")} == {address.split("/")[2]}


def visible_panels(page) -> set[str]:  # type: ignore[no-untyped-def]
    """The frameworks whose panels are on view; a panel of a set that lacks the framework says so and is left out."""
    return set(
        page.evaluate(
            "[...document.querySelectorAll('.ov-panel')].filter(p => p.checkVisibility() && "
            "p.parentElement.dataset.tabs.split(' ').length === 4).map(p => p.dataset.tab)"
        )
    )


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("tab", TABS)
def test_every_page_prints_and_draws_in_every_framework(browser, address: str, repository: Path, tab: str) -> None:  # type: ignore[no-untyped-def]
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for result in sorted((repository / "outputs").rglob(f"{tab}.json")):
        name = result.parent.relative_to(repository / "outputs").as_posix()
        page.goto(f"{address}/{name}.html?tab={tab}")
        # every section is laid out
        page.wait_for_function("!document.documentElement.classList.contains('ov-unsettled')")
        # a long output folds its middle away
        page.evaluate("document.querySelectorAll('article details').forEach(one => { one.open = true; })")
        text = page.locator("article").inner_text()
        cells = json.loads(result.read_text(encoding="utf-8"))["cells"]
        printed = [
            line for cell in cells for output in cell["outputs"] for line in output.get("text", ()) if line.strip()
        ]
        assert [line for line in printed if line.strip() not in text] == []
        drawn = sum(any(kind.startswith("image/") for kind in o.get("data", ())) for c in cells for o in c["outputs"])
        # those far down are fetched when a reader comes near
        loaded = page.evaluate(
            "Promise.all([...document.querySelectorAll('.ov-output img')].filter(i => i.checkVisibility())"
            ".map(i => { i.loading = 'eager'; return i.decode().then(() => i.naturalWidth); }))"
        )
        assert len([width for width in loaded if width > 0]) == drawn, name
    assert errors == []


@pytest.mark.browser
def test_formulas_are_there_without_a_script_or_a_network(browser, site: Path) -> None:  # type: ignore[no-untyped-def]
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((site / AUTODIFF).as_uri())
    formulas = page.locator("article math")
    assert formulas.count() > 20
    assert formulas.first.bounding_box()["height"] > 5
    prose = page.locator("article p").all_inner_texts()
    assert [text for text in prose if "$" in text or "\\frac" in text] == []
    # without a script every framework can be read, by name
    assert {page.locator(f".ov-panel[data-tab={tab}]").first.is_visible() for tab in TABS} == {True}


@pytest.mark.browser
def test_search_finds_a_word_of_the_text(browser, address: str) -> None:  # type: ignore[no-untyped-def]
    page = browser.new_page()
    page.goto(f"{address}/index.html")
    page.keyboard.press("/")
    page.get_by_role("combobox", name="Search").fill("adjoint")
    page.wait_for_selector("dialog [role=option]")
    found = page.locator("dialog [role=option]").all_inner_texts()
    assert any("Automatic Differentiation" in title for title in found)


@pytest.mark.browser
def test_code_is_copied_without_its_output(browser, address: str) -> None:  # type: ignore[no-untyped-def]
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{address}/{SCRATCH}?tab=pytorch")
    cell = page.locator(".ov-panel[data-tab=pytorch] .ov-cell").first
    cell.hover()
    cell.locator("button.ov-copy").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == cell.locator("pre").first.inner_text().strip()


@pytest.mark.browser
def test_numbers_and_references_lead_where_they_say(browser, address: str) -> None:  # type: ignore[no-untyped-def]
    page = browser.new_page()
    page.goto(f"{address}/{SCRATCH}")
    assert re.match(r"2\.\d+\. ", page.locator("h1").inner_text())
    reference = page.locator("article a.reference[href*='eq-']").first
    number = reference.inner_text()
    reference.click()
    target = page.url.split("#")[1]
    assert number.strip("()") in page.locator(f"[id='{target}']").inner_text()
    page.goto(f"{address}/chapter_references/index.html")
    assert "Literate programming" in page.locator("article").inner_text()
