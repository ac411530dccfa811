"""axe-core finds nothing: on pages as they load, and with everything open that a reader can open."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from check_axe import axe_source, axe_version, judged
from site_readers import PHONE, WIDE

pytestmark = pytest.mark.browser

AUTODIFF = "chapter_preliminaries/automatic-differentiation.html"
FAULTY = """<!doctype html><html lang="en"><head><title>Waves</title></head><body><main><h1>Waves</h1>
<p style="color: #aaa">Pale.</p><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">
<a href="#x" style="font-size: 8px">a</a>
<a href="#y" style="font-size: 8px">b</a><button></button></main></body></html>"""


@pytest.fixture(scope="module")
def source() -> str:
    return axe_source()


def test_axe_is_new_enough_and_finds_faults(reader: Callable[..., Any], address: str, source: str) -> None:
    assert axe_version(source) >= (4, 12)
    page = reader(f"{address}/index.html")
    page.set_content(FAULTY)
    assert {rule for rule, *_ in judged(page, source)} >= {"color-contrast", "image-alt", "button-name", "target-size"}


# what takes long is a look at the whole page; one of the quick ones has one, and else they look at what was opened
QUICK = [
    pytest.param(WIDE, "dark", False, id="wide-dark"),
    pytest.param(PHONE, "light", False, id="phone-light", marks=pytest.mark.slow),
]
WHOLE = [
    pytest.param(screen, mode, True, id=f"{name}-{mode}-whole", marks=pytest.mark.slow)
    for name, screen in (("wide", WIDE), ("phone", PHONE))
    for mode in ("light", "dark")
]


@pytest.mark.slow
@pytest.mark.parametrize(("options", "mode", "whole"), QUICK + WHOLE)
def test_a_page_with_all_that_can_be_opened(
    reader: Callable[..., Any], address: str, source: str, options: dict[str, Any], mode: str, whole: bool
) -> None:
    def faults(part: str) -> list[tuple[str, str, str, str]]:
        return judged(page, source, "" if whole else part)

    page = reader(f"{address}/{AUTODIFF}?tab=jax", **options, color_scheme=mode)
    page.locator("summary:visible").evaluate_all("all => all.forEach(one => { one.parentElement.open = true; })")
    if whole or options is WIDE:
        assert judged(page, source) == []
    else:  # what only a narrow screen has
        assert judged(page, source, "header, .ov-actions") == []
    for drawer, part in (("navigation", ".sidebar-drawer"), ("toc", ".toc-drawer")):
        if page.locator(f"header label[for=__{drawer}]").is_visible():
            page.locator(f"header label[for=__{drawer}]").click()
            assert faults(part) == [], drawer
            page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.get_by_role("combobox", name="Search").wait_for()
    assert faults("dialog") == []
    page.keyboard.type("gradient")
    page.get_by_role("listbox").get_by_role("option").first.wait_for()
    assert faults("dialog") == []
    page.keyboard.press("Escape")
    if options is WIDE:
        page.locator("article a[href$='#equation-eq-autodiff-central']:visible").last.focus()
        page.locator("[role=tooltip]:visible").wait_for()
        assert faults("[role=tooltip]") == []


@pytest.mark.parametrize("name", ["index.html", "404.html", "search.html?q=gradient"])
def test_a_page_that_is_no_chapter(reader: Callable[..., Any], address: str, source: str, name: str) -> None:
    page = reader(f"{address}/{name}", color_scheme="dark")
    if "search" in name:
        page.get_by_role("link", name=re.compile("Control Flow|Summary|Gradient", re.IGNORECASE)).first.wait_for()
    assert judged(page, source) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("screen", "mode", "tab"),
    [
        ("wide", "light", "pytorch"),
        ("wide", "dark", "jax"),
        ("phone", "light", "tensorflow"),
        ("phone", "dark", "mxnet"),
    ],
)
def test_every_page_in_every_framework(site: Path, repository: Path, screen: str, mode: str, tab: str) -> None:
    """Each page as four readers see it; check_axe.py without options takes all sixteen, four times as long."""
    script = repository / "tools/ci/check_axe.py"
    command = [sys.executable, script, site, "--screen", screen, "--mode", mode, "--tab", tab]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert " 0 faults in " in answer.stdout
