"""Previews beside links, in a real browser and without a server: by mouse, by keyboard, and not by touch."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from render_books import CONFIG, MiniBook, cut_book, make

from octavo.harvest.module import definitions

LIBRARIES = """\
[library-pytorch]
lib_file = d2l/torch.py
lib_name = torch
[library-jax]
lib_file = d2l/jax.py
lib_name = jnp
"""
DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="80"><path fill="#36c" d="M0 0H200V80H0z"/></svg>'
BIBLIOGRAPHY = "@misc{Lovelace.1843, author={Ada Lovelace}, title={Notes on Engines}, year=1843}\n"
FILLING = "Words that only take up room on the screen. " * 60 + "\n\n"
THERE = f"""\
# What Is Linked
:label:`sec_there`

The first paragraph says what matters, with $a^2$ in it.

{FILLING}

$$E = mc^2 + {" + ".join(f"x_{{{n}}}" for n in range(60))}$$
:eqlabel:`eq_wide`

$$F = ma$$
:eqlabel:`eq_force`

$$G = 1$$
:eqlabel:`eq_unused`

![A blue box, and nothing else.](../img/box.svg)
:label:`fig_box`

:A table of two rows

|a|b|
|---|---|
|one|two|
|three|four|
:label:`tab_rows`

## Deeper In
:label:`sec_deeper`

```{{.python .input}}
#@save
def share(a, b=1):
    \"\"\"Share evenly.\"\"\"
    return a / b
```

:begin_tab:`pytorch`
### In a Panel
:label:`sec_panel`

Said to some.
:end_tab:

:begin_tab:`jax`
Said to others.[^other]
:end_tab:

[^other]: A note below an empty section.

## Empty
:label:`sec_empty`
"""
ALONE = """\
# For JAX
:label:`sec_alone`

What it is about.

```{.python .input}
#@tab jax
1
```
"""
HERE = f"""\
# Where the Links Are

{FILLING}{FILLING}

See :eqref:`eq_force`, :eqref:`eq_wide`, :numref:`fig_box`, :numref:`tab_rows`, :numref:`sec_there`,
:numref:`sec_deeper` and :citet:`Lovelace.1843`; and a note.[^note] Also :ref:`sec_panel`, :ref:`sec_empty`,
:ref:`sec_alone`.

[^note]: What stands at the foot of the page.

```{{.python .input}}
d2l.share(4)
```

{FILLING}{FILLING}{FILLING}
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> MiniBook:
    root = tmp_path_factory.mktemp("previews")
    (root / "img").mkdir()
    (root / "img/box.svg").write_text(DRAWING)
    (root / "d2l.bib").write_text(BIBLIOGRAPHY)
    made = make(
        root,
        CONFIG + LIBRARIES,
        index="# Book\n\n```toc\n:numbered:\nhere\npart/there\npart/alone\nreferences\n```\n",
        here=HERE,
        part__there=THERE,
        part__alone=ALONE,
        references="# References\n\n:bibliography:`d2l.bib`\n",
    )
    settings, pages, _ = made.sources()
    editions, _ = cut_book(pages, settings, made.results)
    held = {
        tab: tuple(definitions([e for (_, name), e in editions.items() if name == tab], library)[0].values())
        for tab, library in settings.libraries.items()
    }
    assert made.build(definitions=held) == []
    return made


def pieces(book: MiniBook, page: str) -> dict[str, str]:
    text = (book.site / f"_previews/{page}.js").read_text(encoding="utf-8")
    called = re.fullmatch(r"octavoPreviews\((.*)\)\n", text, re.DOTALL)
    assert called
    name, found = json.loads(f"[{called[1]}]")
    assert name == page
    return found


def test_a_page_keeps_what_the_book_links_to_and_no_more(book: MiniBook) -> None:
    found = pieces(book, "part/there")
    assert set(found) >= {"sec-there", "sec-deeper", "equation-eq-force", "equation-eq-wide", "fig-box", "tab-rows"}
    assert "equation-eq-unused" not in found
    assert (
        "The first paragraph says what matters" in found["sec-there"] and "only take up room" not in found["sec-there"]
    )
    for html in found.values():
        assert not re.search(r"<(a|script|button)\b| id=|headerlink", html)
    assert set(pieces(book, "api/jax")) == {"d2l.jax.share"}


def test_a_section_shows_its_own_first_words(book: MiniBook) -> None:
    there = pieces(book, "part/there")
    assert "In a Panel" in there["sec-panel"] and "<p>Said to some.</p>" in there["sec-panel"]
    assert there["sec-empty"].endswith("Empty</p>")
    alone = pieces(book, "part/alone")["sec-alone"]
    assert "What it is about." in alone and "version" not in alone
    note = pieces(book, "here")
    assert [html for html in note.values() if "at the foot" in html and "backrefs" not in html]
    heading = book.article("part/there").one("h3.rubric")
    assert heading.text == "In a Panel", "what stands in a panel is a heading for screen readers too"


# -- in a browser


@pytest.fixture
def page(browser: object, book: MiniBook) -> Iterator[object]:
    context = browser.new_context(viewport={"width": 1200, "height": 800}, reduced_motion="reduce")
    tab = context.new_page()
    tab.problems = []
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.on("requestfailed", lambda request: tab.problems.append(request.url))
    tab.goto((book.site / "here.html").as_uri())
    yield tab
    assert tab.problems == []
    context.close()


def link(page: object, end: str) -> object:
    return page.locator(f"article a[href$='{end}']:not(.headerlink)").first


SHOWN = {
    "#equation-eq-force": "(2.2)",
    "#equation-eq-wide": "(2.1)",
    "#fig-box": "A blue box, and nothing else.",
    "#tab-rows": "three",
    "#sec-there": "The first paragraph says what matters",
    "#sec-deeper": "Deeper In",
    "references.html#": "Notes on engines",
    "#d2l.torch.share": "Share evenly.",
}


@pytest.mark.browser
class TestInABrowser:
    def test_a_mouse_shows_what_a_link_leads_to(self, page: object, tmp_path: Path) -> None:
        for end, text in SHOWN.items():
            target = link(page, end) if "references" not in end else page.locator("article a[href*='references.html#']")
            target.first.hover()
            box = page.get_by_role("tooltip")
            box.wait_for()
            assert text in box.inner_text(), end
            around = box.bounding_box()
            column = page.locator("article").bounding_box()
            assert around["x"] >= column["x"] - 1
            assert around["x"] + around["width"] <= column["x"] + column["width"] + 1
            page.mouse.move(2, 2)
            box.wait_for(state="detached")

    def test_a_picture_in_a_preview_is_found(self, page: object) -> None:
        link(page, "#fig-box").hover()
        page.get_by_role("tooltip").locator("img").wait_for()
        page.wait_for_function("() => document.querySelector('.ov-preview img').naturalWidth > 0")

    def test_a_preview_moves_nothing(self, page: object) -> None:
        before = page.evaluate("document.documentElement.scrollHeight")
        link(page, "#sec-there").hover()
        page.get_by_role("tooltip").wait_for()
        assert page.evaluate("document.documentElement.scrollHeight") == before

    def test_a_preview_can_be_pointed_at_and_dismissed(self, page: object) -> None:
        link(page, "#sec-there").hover()
        box = page.get_by_role("tooltip")
        box.wait_for()
        box.hover()
        page.wait_for_timeout(500)
        assert box.is_visible()
        page.keyboard.press("Escape")
        box.wait_for(state="detached")
        page.wait_for_timeout(400)
        assert box.count() == 0

    def test_the_keyboard_shows_and_closes_it(self, page: object) -> None:
        target = link(page, "#sec-there")
        link(page, "#tab-rows").focus()  # the one before
        page.keyboard.press("Tab")
        assert target.evaluate("e => e === document.activeElement")
        box = page.get_by_role("tooltip")
        box.wait_for()
        assert target.get_attribute("aria-describedby") == box.get_attribute("id")
        page.keyboard.press("Escape")
        box.wait_for(state="detached")
        assert target.get_attribute("aria-describedby") is None
        assert target.evaluate("e => e === document.activeElement")
        page.keyboard.press("Tab")
        page.get_by_role("tooltip").wait_for()
        assert "Deeper In" in page.get_by_role("tooltip").inner_text()

    def test_a_footnote_is_shown_too(self, page: object) -> None:
        page.locator("article a.footnote-reference").hover()
        page.get_by_role("tooltip").wait_for()
        assert "What stands at the foot of the page." in page.get_by_role("tooltip").inner_text()

    def test_shared_code_leads_to_the_framework_on_view(self, page: object, book: MiniBook) -> None:
        page.goto((book.site / "here.html").as_uri() + "?tab=jax")
        use = page.locator("article a.ov-use")
        assert use.get_attribute("href") == "api/jax.html#d2l.jax.share"
        use.hover()
        page.get_by_role("tooltip").wait_for()
        assert "d2l.jax.share(a, b=1)" in page.get_by_role("tooltip").inner_text()

    def test_who_follows_a_link_comes_back_to_the_line(self, page: object) -> None:
        for end in ("#equation-eq-force", "#sec-deeper"):
            target = link(page, end)
            target.scroll_into_view_if_needed()
            before = target.bounding_box()["y"]
            target.click()
            page.wait_for_url(f"**/there.html*{end}")
            assert page.get_by_role("tooltip").count() == 0
            page.go_back()
            page.wait_for_url("**/here.html*")
            page.wait_for_function("() => scrollY > 0")
            assert abs(link(page, end).bounding_box()["y"] - before) < 3

    def test_a_tap_follows_the_link(self, browser: object, book: MiniBook) -> None:
        context = browser.new_context(viewport={"width": 375, "height": 700}, has_touch=True, is_mobile=True)
        phone = context.new_page()
        phone.goto((book.site / "here.html").as_uri())
        asked: list[str] = []
        phone.on("request", lambda request: asked.append(request.url) if "/_previews/" in request.url else None)
        target = link(phone, "#sec-there")
        target.scroll_into_view_if_needed()
        box, wire = target.bounding_box(), context.new_cdp_session(phone)
        finger = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        wire.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [finger]})
        phone.wait_for_timeout(350)  # longer than a mouse has to stay, shorter than what opens a menu
        wire.send("Input.dispatchTouchEvent", {"type": "touchCancel", "touchPoints": []})
        assert phone.get_by_role("tooltip").count() == 0
        assert asked == []
        target.tap()
        phone.wait_for_url("**/part/there.html*")
        assert phone.get_by_role("tooltip").count() == 0
        assert asked == []
        context.close()
