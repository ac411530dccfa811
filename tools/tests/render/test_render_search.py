"""The search in a real browser, from files: what it finds in each language, in which order, for which framework."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from render_books import CONFIG, MiniBook, make, out

pytestmark = pytest.mark.browser

CELL = "```{.python .input}\n%s\n```\n\n"
ROOT = "# %s\n\n```toc\n:numbered:\n%s\n```\n"

ENGLISH = {
    "index": ROOT % ("A Book of Kites", "kites/index\nnets\nonly\n"),
    "kites__index": "# Kites\n\nNo word of weather.\n\n## The Tail\n:label:`sec_tail`\n\nA ribbon steadies the "
    "zeppelin in gusts of $\\alpha$ winds; the ribbon is of silk.\n\n## Ribbon\n\nShort.\n\n"
    "## Exercises\n\n1. Naïve ribbons tear.\n",
    "nets": "# Neural Nets\n\n"
    + CELL % "#@tab pytorch\nlayer = nn.Linear(3, 4)\nprint('quokka')"
    + CELL % "#@tab jax\nlayer = nnx.LazyDense(4)"
    + CELL % "class SoftmaxRegression(Base):  #@save\n    def loss_of(self): return 1"
    + "## Training\n\nSoftmax regression, at last. Use `d2l.train_ch6` or the networks' optimizer.\n\n"
    + CELL % "def train_ch6(net):  #@save\n    return net"
    + "## Elsewhere\n\nHere `train_ch6` is called: "
    + "train_ch6 and again train_ch6 and train_ch6.\n\n",
    "only": "# Only There\n\n" + CELL % "#@tab jax\nvmap(1)" + "An okapi of prose.\n",
}
GERMAN = {
    "index": ROOT % ("Ein Buch", "netze\nabstieg\n"),
    "netze": "# Netze\n\n## Überanpassung\n\nGroße Modelle merken sich jedes Häuschen der Straße.\n",
    "abstieg": "# Verfahren\n\n## Schritte\n\nDas Gradientenabstiegsverfahren folgt der Steigung hinab.\n",
}
VIETNAMESE = {
    "index": ROOT % ("Sách", "may\nhoa\n"),
    "may": "# Máy biết học\n\n## Dữ liệu\n\nChúng ta đo nhiệt độ của đường phố mỗi sáng.\n",
    "hoa": "# Vườn\n\n## Góc nhỏ\n\nCon mèo hóc xương ở góc vườn, do nó ăn vội.\n",
}
KOREAN = {
    "index": ROOT % ("책", "a\nb\n"),
    "a": "# 신경망의 구조\n\n## 학습률\n\n우리는 경사하강법으로 신경망을 천천히 다듬는다.\n",
    "b": "# 부엌\n\n## 국수\n\n할머니는 국수를 삶고, 신경질과 경망스러운 말을 삼갔다.\n",
}
CHINESE = {
    "index": ROOT % ("书", "a\nb\n"),
    "a": "# 小船\n\n## 学习率\n\n我们用随机梯度下降训练神经网络,直到误差变小。PyTorch框架很方便。\n",
    "b": "# 厨房\n\n## 面条\n\n神经质的外婆已经网购了面条,网络很慢。\n",
}
JAPANESE = {
    "index": ROOT % ("本", "a\nb\n"),
    "a": "# 小舟\n\n## 学習率\n\n私たちは確率的勾配降下法でニューラルネットワークを訓練する。\n",
    "b": "# 台所\n\n## うどん\n\n坂の勾配、支配降伏、降下する雪、下法の祖母はうどんを茹でる。\n",
}


def config(language: str) -> str:
    return CONFIG.replace("[build]", f"lang = {language}\n[build]")


@pytest.fixture
def page(browser: object) -> Iterator[object]:
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    tab = context.new_page()
    tab.problems = []
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.on("requestfailed", lambda request: tab.problems.append(request.url))
    tab.on("request", lambda request: tab.problems.append(request.url) if "://" in request.url[5:] else None)
    yield tab
    assert [problem for problem in tab.problems if not problem.startswith(("file:", "data:"))] == []
    context.close()


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> MiniBook:
    built = make(tmp_path_factory.mktemp("kites"), results=lambda *_: out("quokka\n"), **ENGLISH)
    assert built.build() == []
    return built


def opened(page: object, book: MiniBook, name: str = "index.html") -> None:
    page.goto(f"{(book.site / name.partition('?')[0]).as_uri()}{name[len(name.partition('?')[0]) :]}")
    page.keyboard.press("/")


def sought(page: object, words: str) -> list[str]:
    """The addresses that the dialog lists for these words, as pages with their anchors."""
    page.locator("dialog input").fill("")
    page.locator("dialog [role=status]:text-is('')").wait_for(state="attached")
    page.locator("dialog input").fill(words)
    page.locator("dialog [role=status]:not(:text-is(''))").wait_for()
    links = page.locator("dialog [role=option]").evaluate_all("all => all.map(a => a.href)")
    return [link.rpartition("/html/")[2] for link in links]


def marked(page: object, at: int = 0) -> list[str]:
    return page.locator("dialog [role=option]").nth(at).locator("mark").all_inner_texts()


def test_titles_and_definitions_come_before_text(book: MiniBook, page: object) -> None:
    opened(page, book)
    assert sought(page, "ribbon") == [
        "kites/index.html#ribbon",
        "kites/index.html#sec-tail",
        "kites/index.html#exercises",
    ]
    assert sought(page, "kites")[0] == "kites/index.html"
    found = sought(page, "train_ch6")
    assert found[0].startswith("nets.html#") and "elsewhere" not in found[0]
    assert "defines train_ch6" in page.locator("dialog [role=option]").first.inner_text()
    assert "nets.html#elsewhere" in found


def test_results_are_sections_with_their_page_and_a_piece_of_text(book: MiniBook, page: object) -> None:
    opened(page, book)
    assert sought(page, "zeppelin gusts") == ["kites/index.html#sec-tail"]
    shown = page.locator("dialog [role=option]").first
    assert shown.locator(".ov-search-page").inner_text() == "1. Kites"
    assert shown.locator(".ov-search-title").inner_text() == "1.1. The Tail"
    assert "steadies the zeppelin in gusts of α winds" in shown.inner_text()
    assert marked(page) == ["zeppelin", "gusts"]
    # words that stand in other words' place, marks that nobody types, endings
    assert sought(page, "naive ribbon") == ["kites/index.html#exercises"]
    assert sought(page, "steadied") == ["kites/index.html#sec-tail"]
    assert sought(page, "zeppelin quokka") == []
    assert page.locator("dialog [role=status]").inner_text() == "Nothing found for zeppelin quokka."


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("nn.Linear", "nets.html"),
        ("nn.lin", "nets.html"),
        ("d2l.train", "nets.html#"),
        ("regression softmax", "nets.html"),
        ("SoftmaxRegression", "nets.html"),
        ("loss_of", "nets.html"),
        ("optimizers", "nets.html#training"),
        ("network", "nets.html#training"),
    ],
)
def test_code_is_found_by_its_names_and_their_parts(book: MiniBook, page: object, words: str, found: str) -> None:
    opened(page, book)
    assert sought(page, words)[0].startswith(found)
    assert marked(page)


def test_a_framework_finds_what_its_readers_see(book: MiniBook, page: object) -> None:
    opened(page, book, "index.html?tab=jax")
    chosen = page.locator("dialog select")
    assert chosen.input_value() == "jax"
    assert sought(page, "LazyDense") == ["nets.html"]
    # what only others see is told, and shown where there is nothing else
    assert sought(page, "nn.Linear") == ["nets.html?tab=pytorch"]
    assert "PyTorch" in page.locator("dialog .ov-search-mark").first.inner_text()
    assert sought(page, "linear okapi") == []
    assert sought(page, "okapi") == ["only.html"]
    chosen.select_option("pytorch")
    page.wait_for_function("document.querySelector('dialog [role=option] .ov-search-mark')")
    assert sought(page, "okapi") == ["only.html"]  # this site is in JAX still
    chosen.select_option("")
    assert sought(page, "layer") == ["nets.html"]
    assert sought(page, "quokka") == ["nets.html?tab=pytorch"]  # in the code; what cells print is not indexed
    page.keyboard.press("Enter")
    page.wait_for_url("**/nets.html?tab=pytorch*")
    assert page.evaluate("document.documentElement.dataset.tab") == "pytorch"


def test_others_are_counted_and_a_click_away(tmp_path: Path, page: object) -> None:
    lines = "# T\n\n## One\n\nA wombat.\n\n## Two\n\n" + CELL % "#@tab jax\nwombat()" + CELL % "#@tab pytorch\n1"
    book = make(tmp_path, index=lines)
    book.build()
    opened(page, book)
    assert sought(page, "wombat") == ["index.html#one"]
    page.get_by_role("button", name="In other frameworks: 1").click()
    page.locator("dialog [role=option]").nth(1).wait_for()
    assert page.locator("dialog [role=option]").nth(1).get_attribute("href").endswith("index.html?tab=jax#two")
    # a website of one framework has nothing to choose
    book.build(tabs=["jax"])
    opened(page, book)
    assert page.locator("dialog select").count() == 0
    assert sorted(sought(page, "wombat")) == ["index.html#one", "index.html#two"]


def test_the_dialog_is_used_by_keyboard_alone(book: MiniBook, page: object) -> None:
    page.goto((book.site / "kites/index.html").as_uri())
    page.locator(".sidebar-drawer .ov-search-open").focus()
    page.keyboard.press("Enter")
    assert page.locator("dialog[open]").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert page.evaluate("document.activeElement.classList.contains('ov-search-open')")
    page.keyboard.press("Control+k")
    line = page.get_by_role("combobox", name="Search")
    page.keyboard.type("ribbon/")  # a slash is a letter here
    page.locator("dialog [role=option]").nth(2).wait_for()
    assert line.input_value() == "ribbon/"
    assert line.get_attribute("aria-expanded") == "true"
    assert page.locator(f"#{line.get_attribute('aria-controls')}").get_attribute("role") == "listbox"
    told = [line.get_attribute("aria-activedescendant")]
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
        told.append(line.get_attribute("aria-activedescendant"))
        assert page.locator("dialog [aria-selected=true]").get_attribute("id") == told[-1]
    assert told == [f"ov-search-{at}" for at in (0, 1, 2, 0, 2, 1)]
    page.keyboard.press("Enter")
    page.wait_for_url("**/kites/index.html*#sec-tail")
    assert page.locator("dialog[open]").count() == 0  # the page is the same, and is read again


def test_the_page_of_the_search_has_an_address_for_its_words(book: MiniBook, page: object) -> None:
    page.goto(f"{(book.site / 'search.html').as_uri()}?q=ribbon")
    page.locator("#search-results li a").nth(2).wait_for()
    assert page.get_by_role("textbox", name="Search").input_value() == "ribbon"
    assert page.locator("#search-results li a").first.get_attribute("href") == "./kites/index.html#ribbon"
    page.locator("#search-results input").fill("zeppelin")
    page.wait_for_function("document.querySelectorAll('#search-results li').length === 1")


def test_without_a_script_the_way_leads_to_a_page_that_says_so(book: MiniBook, browser: object) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((book.site / "kites/index.html").as_uri())
    page.locator(".sidebar-drawer .ov-search-open").click()
    page.wait_for_url("**/search.html")
    assert page.locator("article noscript p").is_visible()
    assert page.locator("article noscript p").inner_text() == "The search needs JavaScript."
    context.close()


def test_what_is_typed_and_what_is_found_stays_text(tmp_path: Path, page: object) -> None:
    book = make(
        tmp_path,
        index="# T\n\n## A `<img src=x onerror=boom()>` title\n\nText `</script><script>boom()</script>` here.\n",
    )
    book.build()
    opened(page, book)
    assert len(sought(page, "boom")) == 1
    assert "<img src=x onerror=boom()>" in page.locator("dialog [role=option]").first.inner_text()
    assert sought(page, "<b onclick=boom()>zzz") == []
    assert "<b onclick=boom()>zzz" in page.locator("dialog [role=status]").inner_text()
    assert page.locator("dialog img, dialog b").count() == 0


@pytest.mark.parametrize(
    ("language", "files", "asked"),
    [
        (
            "de",
            GERMAN,
            {
                "Überanpassung": "netze.html#uberanpassung",
                "ueberanpassung": "netze.html#uberanpassung",
                "uberanpassung": "netze.html#uberanpassung",
                "Strasse": "netze.html#uberanpassung",
                "haus": "netze.html#uberanpassung",
                "großen": "netze.html#uberanpassung",
                "abstieg": "abstieg.html",
                "Gradient": "abstieg.html#schritte",
                "Verfahren Abstiege": "abstieg.html",
            },
        ),
        (
            "vi",
            VIETNAMESE,
            {
                "nhiệt độ": "may.html",
                "nhiet do": "may.html",
                "đường": "may.html",
                "duong pho": "may.html",
                "học": "may.html",
                "hóc": "hoa.html",
            },
        ),
        (
            "ko",
            KOREAN,
            {"신경망": "a.html", "경사하강법": "a.html", "학습률": "a.html", "망": "a.html", "국수": "b.html"},
        ),
        (
            "zh",
            CHINESE,
            {"神经网络": "a.html", "梯度下降": "a.html", "学习率": "a.html", "率": "a.html", "PyTorch": "a.html"},
        ),
        (
            "ja",
            JAPANESE,
            {"ニューラルネットワーク": "a.html", "勾配降下法": "a.html", "学習": "a.html", "うどん": "b.html"},
        ),
    ],
)
def test_each_language_finds_its_words(
    tmp_path: Path, page: object, language: str, files: dict[str, str], asked: dict[str, str]
) -> None:
    book = make(tmp_path, config(language), **files)
    assert book.build() == []
    opened(page, book)
    for words, expected in asked.items():
        found = sought(page, words)
        assert found and found[0].startswith(expected), (words, found)
        assert marked(page), words
    # the other page has the same pairs of characters, not in a row; the same letters with other marks
    words = {"de": "abstieg", "vi": "học", "ko": "신경망", "zh": "神经网络", "ja": "勾配降下法"}[language]
    assert {link.partition("#")[0] for link in sought(page, words)} == {asked[words]}
