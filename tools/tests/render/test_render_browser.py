"""A site in a real browser: the choice of framework, kept, linked, by keyboard, without JavaScript, and page widths."""

from collections.abc import Iterator

import pytest
from render_books import PLOT, MiniBook, make, out, shown

pytestmark = pytest.mark.browser

CELL = "```{.python .input}\n%s\n```\n\n"
SIGNS = "Of ($a$), or $b$; “$c$”, $d$-th, $e$–$f$: *($g$)*, 或（$h$），或 $i$. "
LONG = "Words and more words, so that there is something to scroll past on every screen. " * 12 + "\n\n"


def results(page: str, tab: str, index: int, code: str) -> object:
    if "plot" in code:
        return shown(image_svg=PLOT)
    if "same" in code:
        return out("wide " * 200)
    return out(f"{tab}\n" * {"pytorch": 1, "tensorflow": 10, "jax": 25}[tab])


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> MiniBook:
    torch_only = CELL % "#@tab pytorch\nonly_torch()"
    wide = "$$" + " + ".join(f"x_{{{n}}}" for n in range(80)) + "$$\n:eqlabel:`eq_wide`\n\n"
    table = "|" + "|".join(f"column {n}" for n in range(30)) + "|\n" + "|---" * 30 + "|\n" + "|1" * 30 + "|\n\n"
    sections = "".join(f"## Part {n}\n\n{LONG}" + CELL % f"print({n})" for n in range(6))
    hidden = ":begin_tab:`jax`\n### Only here\n:label:`sec_only`\n\nWords.\n:end_tab:\n\n"
    hidden += ":begin_tab:`pytorch`\nOther.\n:end_tab:\n\n"
    built = make(
        tmp_path_factory.mktemp("site"),
        results=results,
        index="# Book\n\n```toc\n:numbered:\na\nb\nc\nd\n```\n",
        a=f"# A\n\n{LONG}{sections}{wide}{table}{LONG}" + CELL % "plot(), same()" + LONG + torch_only,
        b=f"# B\n\n{LONG}" + CELL % "print(1)" + LONG + hidden + "## End\n\nAn unmistakable zeppelin.\n",
        d=f"# Formulas\n\n{SIGNS * 30}\n",
        c="# Two of three\n\n" + CELL % "#@tab tensorflow\n1" + "Between.\n\n" + CELL % "#@tab jax\n2",
    )
    assert built.build() == []
    return built


@pytest.fixture
def page(browser: object) -> Iterator[object]:
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    tab = context.new_page()
    tab.problems = []
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.on("requestfailed", lambda request: tab.problems.append(request.url))
    yield tab
    assert tab.problems == []
    context.close()


def address(book: MiniBook, name: str) -> str:
    file = name.partition("?")[0].partition("#")[0]
    return f"{(book.site / file).as_uri()}{name[len(file) :]}"


def shown_panels(page: object) -> set[str]:
    return set(
        page.evaluate("[...document.querySelectorAll('.ov-panel')].filter(p => p.offsetParent).map(p => p.dataset.tab)")
    )


def test_a_click_changes_every_set_and_the_next_page_remembers(book: MiniBook, page: object) -> None:
    page.goto(address(book, "a.html"))
    assert shown_panels(page) == {"pytorch"}
    page.get_by_role("tab", name="JAX").first.click()
    # the last set has no JAX version: its fallback is shown and said
    assert shown_panels(page) == {"jax", "pytorch"}
    assert page.get_by_text("This part has no JAX version; shown: PyTorch.").is_visible()
    assert page.locator("#ov-choice").input_value() == "jax"
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**/b.html*")
    assert shown_panels(page) == {"jax"}
    selected = page.get_by_role("tab", selected=True)
    assert {selected.nth(n).inner_text() for n in range(selected.count())} == {"JAX"}


def test_a_page_with_two_of_three_frameworks_shows_the_right_one(book: MiniBook, page: object) -> None:
    shown = {"pytorch": ["tensorflow", "jax"], "tensorflow": ["tensorflow", "jax"], "jax": ["tensorflow", "jax"]}
    for tab, panels in shown.items():
        page.goto(address(book, f"c.html?tab={tab}"))
        # each cell has one framework, and stands in for the others
        assert page.locator(".ov-panel:visible").evaluate_all("all => all.map(p => p.dataset.tab)") == panels
        assert page.get_by_text("This page has no PyTorch version").is_visible() == (tab == "pytorch")
    page.goto(address(book, "c.html?tab=jax"))
    assert page.get_by_text("This part has no JAX version; shown: TensorFlow.").is_visible()


def test_the_contents_hold_what_the_framework_has(book: MiniBook, page: object) -> None:
    for tab, there in (("pytorch", False), ("jax", True)):
        page.goto(address(book, f"index.html?tab={tab}"))
        assert page.locator(".sidebar-tree").get_by_text("3. Two of three").is_visible() == there
        assert page.locator("article").get_by_text("3. Two of three").is_visible() == there
    # who comes to the page all the same sees it in the contents
    page.goto(address(book, "c.html?tab=pytorch"))
    assert page.locator(".sidebar-tree").get_by_text("3. Two of three").is_visible()


def test_an_address_opens_a_framework_and_an_anchor_its_panel(book: MiniBook, page: object) -> None:
    page.goto(address(book, "b.html?tab=tensorflow#end"))
    assert shown_panels(page) >= {"tensorflow"}
    page.locator("a.headerlink[href='#b']").dispatch_event("click")  # within the page the address keeps its framework
    assert "tab=tensorflow" in page.url and page.url.endswith("#b")
    page.goto(address(book, "b.html?tab=nonsense"))
    assert shown_panels(page) == {"tensorflow", "pytorch"}  # the choice of before, and a fallback
    page.goto(address(book, "b.html#sec-only"))
    assert "jax" in shown_panels(page)
    assert page.locator("#sec-only").is_visible()


def test_the_framework_is_chosen_before_the_first_paint(book: MiniBook, page: object) -> None:
    page.add_init_script(
        "new MutationObserver(() => { if (document.body) { window.atBody ??= document.documentElement.dataset.tab } })"
        ".observe(document, {childList: true, subtree: true})"
    )
    page.goto(address(book, "a.html?tab=jax"))
    assert page.evaluate("window.atBody") == "jax"


def test_the_readers_line_stays_where_it_was(book: MiniBook, page: object) -> None:
    page.goto(address(book, "a.html"))
    heading = page.locator("h2", has_text="Part 4")
    # what comes into view gets its true height only then, and is looked for once more
    page.evaluate(
        """async heading => {
            const away = () => heading.getBoundingClientRect().top - 80
            const drawn = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
            for (let still = 0; still < 5; await drawn()) {
                still = Math.abs(away()) > 1 ? 0 : still + 1
                scrollBy({top: away(), behavior: 'instant'})
            }
        }""",
        heading.element_handle(),
    )
    before = heading.bounding_box()["y"]
    assert abs(before - 80) < 2
    page.locator("#ov-choice").select_option("jax")
    assert abs(heading.bounding_box()["y"] - before) < 2
    button = page.get_by_role("tab", name="TensorFlow").nth(4)
    button.evaluate("button => button.scrollIntoView({block: 'center', behavior: 'instant'})")
    before = button.bounding_box()["y"]
    button.click()
    assert abs(button.bounding_box()["y"] - before) < 2


def test_arrows_move_between_tabs(book: MiniBook, page: object) -> None:
    page.goto(address(book, "a.html"))
    page.get_by_role("tab", name="PyTorch").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == "TensorFlow"
    assert "tensorflow" in shown_panels(page)
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.textContent") == "JAX"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == "PyTorch"


def test_arrows_with_a_modifier_belong_to_the_browser(book: MiniBook, page: object) -> None:
    page.goto(address(book, "a.html"))
    page.get_by_role("tab", name="PyTorch").first.focus()
    page.keyboard.press("Control+ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == "PyTorch"


@pytest.mark.parametrize(
    "odd", ["?tab=", "?tab=%3Cimg%20onerror%3D1%3E&tab=jax", "?tab=__proto__", "?tab=jax%20", "#%E0%A4"]
)
def test_odd_addresses_show_the_first_framework(book: MiniBook, page: object, odd: str) -> None:
    page.goto(address(book, f"a.html{odd}"))
    assert shown_panels(page) == {"pytorch"}
    page.get_by_role("tab", name="JAX").first.click()
    assert "jax" in shown_panels(page)


def test_another_books_choice_on_the_same_host_is_not_ours(book: MiniBook, page: object) -> None:
    page.goto(address(book, "b.html"))
    page.evaluate("dispatchEvent(new StorageEvent('storage', {key: 'octavo-tab', newValue: 'paddle'}))")
    assert shown_panels(page) == {"pytorch"}
    page.evaluate("dispatchEvent(new StorageEvent('storage', {key: 'octavo-tab', newValue: 'jax'}))")
    assert shown_panels(page) == {"jax"}


def test_without_storage_a_choice_holds_on_its_page(book: MiniBook, page: object) -> None:
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError') }})"
    )
    page.goto(address(book, "b.html"))
    page.get_by_role("tab", name="JAX").first.click()
    assert shown_panels(page) == {"jax"}
    assert "tab=jax" in page.url
    page.problems.clear()  # the theme's own script asks for the colours without care


def test_going_back_keeps_what_was_chosen_since(book: MiniBook, page: object) -> None:
    page.goto(address(book, "a.html?tab=tensorflow"))
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**/b.html*")
    page.get_by_role("tab", name="JAX").first.click()
    page.go_back()
    page.wait_for_url("**/a.html*")
    assert "jax" in shown_panels(page) and "tensorflow" not in shown_panels(page)
    assert "tab=jax" in page.url


def test_a_link_into_another_panel_works_twice(book: MiniBook, page: object) -> None:
    page.goto(address(book, "b.html#sec-only"))
    page.get_by_role("tab", name="PyTorch").first.click()
    assert not page.locator("#sec-only").is_visible()
    page.evaluate(
        "() => { const a = document.createElement('a'); a.href = '#sec-only'; document.body.append(a); a.click() }"
    )
    page.locator("#sec-only").wait_for()


def test_paper_shows_the_chosen_framework_by_name_and_cuts_nothing_off(book: MiniBook, page: object) -> None:
    page.goto(address(book, "a.html?tab=jax"))
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("img.ov-drawing").first.evaluate("e => getComputedStyle(e).filter") == "none"
    assert page.locator(".ov-name", has_text="JAX").first.is_visible()
    assert shown_panels(page) == {"jax", "pytorch"}
    assert not page.locator(".ov-bar").first.is_visible()
    assert page.locator(".ov-code pre").first.evaluate("e => getComputedStyle(e).whiteSpace") == "pre-wrap"


def test_without_javascript_every_panel_is_readable_under_its_name(book: MiniBook, browser: object) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address(book, "b.html"))
    names = page.locator(".ov-name")
    assert [names.nth(n).is_visible() for n in range(names.count())] == [True] * 5
    assert [p.is_visible() for p in page.locator(".ov-panel").all()] == [True] * 5
    assert not page.locator(".ov-bar").first.is_visible()
    context.close()


@pytest.mark.parametrize("width", [360, 768, 1200])
def test_no_page_scrolls_sideways(book: MiniBook, page: object, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(address(book, "a.html"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    equation = page.locator("#equation-eq-wide")
    assert equation.locator(".ov-eq-body").evaluate("e => e.scrollWidth > e.clientWidth && e.tabIndex === 0")
    number, body = equation.locator(".eqno").bounding_box(), equation.locator(".ov-eq-body").bounding_box()
    assert number["x"] >= body["x"] + body["width"]


def test_no_line_ends_between_a_formula_and_its_signs(book: MiniBook, page: object) -> None:
    page.goto(address(book, "d.html"))
    torn = """() => [...document.querySelectorAll("article span.math")].flatMap(formula => {
        const walker = document.createTreeWalker(formula.closest("p"), NodeFilter.SHOW_TEXT)
        const place = (text, at) => {
            const range = document.createRange()
            range.setStart(text, at)
            range.setEnd(text, at + 1)
            return range.getBoundingClientRect()
        }
        const box = formula.querySelector("math").getBoundingClientRect(), found = []
        for (let text = walker.nextNode(), before = null; text; text = walker.nextNode()) {
            if (formula.contains(text)) continue
            const follows = formula.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING
            if (!follows) { before = text; continue }
            for (const [sign, near] of [[before, "(“（"], [text, ",;:.)”），-–"]]) {
                const at = sign === before ? sign?.data.length - 1 : 0
                if (!sign || !near.includes(sign.data[at])) continue
                const rect = place(sign, at)
                if (rect.bottom < box.top || rect.top > box.bottom) found.push(formula.textContent[0] + sign.data[at])
            }
            break
        }
        return found
    })"""
    for width in range(330, 430, 7):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(torn) == []


def test_plots_turn_dark_with_the_page(book: MiniBook, page: object) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(address(book, "a.html"))
    assert "invert" in page.locator("img.ov-drawing").first.evaluate("e => getComputedStyle(e).filter")
    page.emulate_media(color_scheme="light")
    assert page.locator("img.ov-drawing").first.evaluate("e => getComputedStyle(e).filter") == "none"


def test_search_finds_a_word_without_a_server(book: MiniBook, page: object) -> None:
    page.goto(address(book, "a.html"))
    page.locator(".sidebar-drawer .ov-search-open").click()
    page.get_by_role("combobox", name="Search").fill("zeppelin")
    page.locator("dialog [role=option]").first.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**/b.html*#end")
