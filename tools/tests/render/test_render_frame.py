"""The frame around a page: one sheet and one script, drawers and chapters by keyboard, the book's language."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import furo
import pytest
from render_books import CONFIG, PLOT, MiniBook, asset_addresses, make, shown

from octavo.render.frame import theme

PAGE = "# {}\n\n## First part\n\n" + "Words to scroll past. " * 400 + "\n\n## Second part\n\nWords.\n"
GERMAN = CONFIG.replace("[build]", "lang = de\n[build]")


def write(root: Path, config: str = CONFIG) -> MiniBook:
    """A book of two chapters with two pages each."""
    pages = {f"{c}{n}": PAGE.format(f"Page {c}{n}") for c in "ab" for n in "12"}
    chapters = {c: f"# Chapter {c}\n\n```toc\n{c}1\n{c}2\n```\n" for c in "ab"}
    book = make(root, config, index="# Book\n\n```toc\na\nb\n```\n", **chapters, **pages)
    assert book.build() == []
    return book


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> MiniBook:
    return write(tmp_path_factory.mktemp("frame"))


@pytest.fixture
def wide(browser: object) -> Iterator[object]:
    context = browser.new_context(viewport={"width": 1400, "height": 800})
    yield context.new_page()
    context.close()


@pytest.fixture
def phone(browser: object) -> Iterator[object]:
    context = browser.new_context(viewport={"width": 375, "height": 700}, has_touch=True)
    yield context.new_page()
    context.close()


def address(book: MiniBook, page: str) -> str:
    return (book.site / f"{page}.html").as_uri()


# -- weight


def test_a_page_asks_for_one_style_sheet_and_one_script(book: MiniBook) -> None:
    for page in ("index", "a1"):
        fetched = [name.partition("?")[0] for name, _ in asset_addresses(book.html(page))]
        assert sorted(fetched) == ["_static/octavo.css", "_static/octavo.js"]
        assert (book.site / f"{page}.html").read_text().count('name="viewport"') == 1
    names = {path.name for path in (book.site / "_static").iterdir()}
    assert not {"doctools.js", "sphinx_highlight.js", "documentation_options.js", "basic.css", "pygments.css"} & names


@pytest.mark.browser
def test_a_browser_reads_the_same_rules_without_comments_and_spaces(book: MiniBook, wide: object) -> None:
    theirs = Path(furo.__file__).parent / "theme/furo/static/styles/furo.css"
    texts = [path.read_text(encoding="utf-8") for path in (theirs, *(theme.STATIC / name for name in theme.SHEETS))]
    # what is in variables is kept as it was written, so that spaces there are set aside
    rules = r"""text => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(text);
        const plain = (all, name, value) => name + value.replace(/\s/g, "");
        const lines = [...sheet.cssRules].map(rule => rule.cssText.replace(/(--[\w-]+:)([^;}]*)/g, plain));
        return lines.map(line => line.replace(/\s*([,()])\s*/g, "$1"));
    }"""
    joined = set(wide.evaluate(rules, (book.site / "_static/octavo.css").read_text(encoding="utf-8")))
    lacking = [rule for text in texts for rule in wide.evaluate(rules, text) if rule not in joined]
    assert lacking == []
    assert any("highlight" in rule for rule in joined)


def test_nothing_in_the_body_waits_for_the_style_sheet(book: MiniBook) -> None:
    for file in book.site.glob("*.html"):
        body = book.html(file.stem).one("body")
        at_once = [
            s for s in body.all("script") if "defer" not in s.attributes and "json" not in s.attributes.get("type", "")
        ]
        assert at_once == [], file.name


def test_pictures_have_their_room_before_they_come(tmp_path: Path) -> None:
    (tmp_path / "p.svg").write_text(PLOT)
    cell = "```{.python .input}\nplot()\n```\n"
    figure = "![A](p.svg)\n\n"
    book = make(tmp_path, results=lambda *_: shown(image_svg=PLOT), index=f"# T\n\n{figure}{figure}{cell}")
    assert book.build() == []
    pictures = [image.attributes for image in book.article("index").all("img")]
    assert len(pictures) == 3
    assert {(picture["width"], picture["height"]) for picture in pictures} == {("300", "180")}
    # the first one may be what a reader sees first
    assert [picture.get("loading") for picture in pictures] == [None, "lazy", "lazy"]


# -- language


def test_the_theme_speaks_the_language_of_the_book(tmp_path: Path) -> None:
    book = write(tmp_path, GERMAN)
    html = (book.site / "a1.html").read_text(encoding="utf-8")
    page = book.html("a1")
    assert [a.one("div.context").text for a in page.one("div.related-pages").all("a")] == ["Weiter", "Zurück"]
    assert book.html("a").one("div.related-pages").all("a")[1].one("div.title").text == "Startseite"
    assert page.one("a.skip-to-content").text == "Zum Inhalt springen"
    assert page.one("span.toc-title").text == "Auf dieser Seite"
    assert page.one("a.back-to-top").text == "Nach oben"
    switches = [box.attributes["aria-label"] for box in page.all("input.toctree-checkbox")]
    assert switches == ["Seiten von „Chapter a“", "Seiten von „Chapter b“"]
    english = r"Toggle|Skip to|Back to|On this|Previous|>Next|>Home|Made with|Expand|Light mode|Auto light"
    assert re.findall(english, html) == []


def test_each_language_says_everything() -> None:
    from octavo.render.words import ENGLISH, words

    said = {name: re.findall(r"\{\w+\}", text) for name, text in vars(ENGLISH).items() if isinstance(text, str)}
    files = Path(theme.__file__).parents[1] / "languages"
    assert len(list(files.glob("*.toml"))) == 6
    for file in files.glob("*.toml"):
        theirs = tomllib.loads(file.read_text(encoding="utf-8"))
        theirs.pop("numbered", None)  # where Sphinx's own words will not do
        assert {name: sorted(re.findall(r"\{\w+\}", text)) for name, text in theirs.items()} == {
            name: sorted(braces) for name, braces in said.items()
        }
        assert words(file.stem.replace("_", "-")).search == theirs["search"]


def test_everything_that_is_replaced_is_there_in_the_installed_theme() -> None:
    from octavo.render.frame.page import places
    from octavo.render.words import words

    folder = Path(furo.__file__).parent / "theme" / "furo"
    theme = "".join((folder / name).read_text() for name in ("base.html", "page.html", "partials/icons.html"))
    missing = [theirs for theirs, _ in places(words("en")) if theirs not in theme]
    assert missing == []
    for known in ('<div class="header-right">', '<aside class="toc-drawer'):
        assert theme.count(known) == 1


# -- the sidebar


@pytest.mark.browser
def test_chapters_stay_open_or_closed_from_page_to_page(book: MiniBook, wide: object) -> None:
    def is_open(chapter: str) -> bool:
        return bool(wide.locator(".sidebar-tree").get_by_text(f"Page {chapter}1").is_visible())

    wide.goto(address(book, "a1"))
    assert (is_open("a"), is_open("b")) == (True, False)
    wide.get_by_role("switch", name="Pages of “Chapter b”").focus()
    wide.keyboard.press("Space")
    assert is_open("b")
    wide.goto(address(book, "a2"))
    assert (is_open("a"), is_open("b")) == (True, True)
    # who reads on in a chapter that is closed finds it closed; who comes to it from elsewhere finds the page
    wide.locator("input[data-page=a] + label").click()
    assert not is_open("a")
    wide.goto(address(book, "a1"))
    assert (is_open("a"), is_open("b")) == (False, True)
    wide.goto(address(book, "b1"))
    assert (is_open("a"), is_open("b")) == (False, True)
    wide.goto(address(book, "a1"))
    assert (is_open("a"), is_open("b")) == (True, True)


@pytest.mark.browser
@pytest.mark.parametrize("odd", ["null", "5", '"x"', "[", '{"a": "<img>", "__proto__": 0}'])
def test_what_storage_holds_is_not_trusted(book: MiniBook, wide: object, odd: str) -> None:
    problems: list[str] = []
    wide.on("pageerror", lambda error: problems.append(str(error)))
    wide.goto(address(book, "a1"))
    wide.evaluate("text => localStorage.setItem('octavo-open', text)", odd)
    wide.reload()
    assert wide.locator(".sidebar-tree").get_by_text("Page a1").is_visible()
    wide.locator("input[data-page=b] + label").click()
    assert wide.locator(".sidebar-tree").get_by_text("Page b1").is_visible()
    assert problems == []


# -- narrow screens


@pytest.mark.browser
def test_a_phone_chooses_the_framework_in_the_header(book: MiniBook, phone: object) -> None:
    phone.goto(address(book, "a1"))
    phone.evaluate("document.addEventListener('octavo:tab', e => { window.told = e.detail })")
    header = phone.locator(".mobile-header").get_by_role("combobox", name="Framework")
    header.select_option("jax")
    assert phone.evaluate("[document.documentElement.dataset.tab, window.told]") == ["jax", "jax"]
    values = phone.locator(".ov-select").evaluate_all("all => all.map(s => s.value)")
    assert values == ["jax", "jax"]
    assert phone.evaluate("document.documentElement.scrollWidth") == 375


@pytest.mark.browser
def test_a_drawer_opens_and_closes_by_keyboard_and_its_links_wait_until_then(book: MiniBook, phone: object) -> None:
    phone.goto(address(book, "a1"))
    links = "[...document.querySelectorAll('.sidebar-drawer a, .toc-drawer a')]"
    hidden = f"{links}.some(link => link.checkVisibility({{visibilityProperty: true}}))"
    assert not phone.evaluate(hidden)
    phone.keyboard.press("Tab")
    assert phone.locator(":focus").inner_text() == "Skip to content"
    phone.keyboard.press("Tab")
    assert phone.evaluate("document.activeElement.id") == "__navigation"
    assert phone.get_by_role("checkbox", name="Contents of the book").count() == 1
    phone.keyboard.press("Enter")
    inside = "document.activeElement.closest('.sidebar-drawer') !== null"
    assert phone.evaluate(inside)
    phone.keyboard.press("Escape")
    assert phone.evaluate("document.activeElement.id") == "__navigation"
    assert not phone.is_checked("#__navigation")
    phone.keyboard.press("Tab")
    phone.keyboard.press("Space")
    assert phone.evaluate("document.activeElement.closest('.toc-drawer') !== null")
    phone.keyboard.press("Enter")  # a section of the page: the drawer is done with
    assert not phone.is_checked("#__toc")


@pytest.mark.browser
def test_without_a_script_drawers_and_chapters_open(book: MiniBook, browser: object) -> None:
    context = browser.new_context(viewport={"width": 375, "height": 700}, java_script_enabled=False)
    page = context.new_page()
    page.goto(address(book, "a1"))
    page.locator("label.nav-overlay-icon").click()
    assert page.locator(".sidebar-tree").get_by_text("Page a2").is_visible()
    page.locator("input[data-page=b] + label").click()
    page.locator(".sidebar-tree").get_by_text("Page b1").click()
    page.wait_for_url("**/b1.html")
    context.close()


# -- light and dark


@pytest.mark.browser
def test_the_button_for_colours_says_which_they_are_and_the_next_page_remembers(book: MiniBook, wide: object) -> None:
    wide.emulate_media(color_scheme="light")
    wide.goto(address(book, "a1"))
    button = wide.locator(".theme-toggle-content .theme-toggle")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = wide.evaluate(ground)
    assert button.get_attribute("aria-label") == "Colours: as the system"
    button.focus()
    wide.keyboard.press("Enter")
    wide.wait_for_function("document.querySelector('.theme-toggle-content button').title === 'Colours: dark'")
    assert wide.evaluate(ground) != light
    wide.goto(address(book, "b1"))
    if wide.evaluate(ground) == light:  # on a busy machine Chromium's next process sees the storage a little later
        wide.wait_for_timeout(1000)
        wide.reload()
    assert wide.evaluate(ground) != light
    assert button.get_attribute("aria-label") == "Colours: dark"
    button.click()
    wide.wait_for_function("document.querySelector('.theme-toggle-content button').title === 'Colours: light'")
    assert wide.evaluate(ground) == light


@pytest.mark.browser
def test_the_first_paint_waits_for_no_section_far_below_and_soon_each_has_its_place(
    book: MiniBook, wide: object
) -> None:
    sections = "[...document.querySelectorAll('article > section > section')]"
    ways = f"{sections}.map(section => getComputedStyle(section).contentVisibility)"
    wide.add_init_script(f"addEventListener('DOMContentLoaded', () => {{ window.early = {ways} }})")
    wide.goto(address(book, "a1"))
    assert wide.evaluate("early") == ["auto", "auto"]
    wide.wait_for_function(f"{ways}.every(way => way === 'visible')")
    assert wide.evaluate("document.documentElement.className") == ""
    # who comes to a place within the page, or comes back to one, meets a page of its true length
    wide.reload()
    assert wide.evaluate("early") == ["visible", "visible"]
    wide.goto(address(book, "a2") + "#second-part")
    assert wide.evaluate("early") == ["visible", "visible"]


@pytest.mark.browser
def test_the_first_stop_leads_past_the_sidebar(book: MiniBook, wide: object) -> None:
    wide.goto(address(book, "a1"))
    wide.keyboard.press("Tab")
    assert wide.evaluate("document.activeElement.textContent.trim()") == "Skip to content"
    wide.keyboard.press("Enter")
    wide.keyboard.press("Tab")
    assert wide.evaluate("document.activeElement.closest('.content') !== null")
