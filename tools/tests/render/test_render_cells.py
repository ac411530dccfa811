"""Cells and what they printed, in pages and in a real browser: long outputs, boxes around cells, copying, paper."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from render_books import CONFIG, MiniBook, make, out

from octavo.diagnostics import Code

CELL = "```{.python .input}\n%s\n```\n"


def printed(page: str, tab: str, index: int, code: str) -> object:
    if "lines" in code:
        return out("".join(f"line {n}\n" for n in range(int(code.split("=")[1]))))
    return out(f"{tab} says {code}\n")


# -- pages


def test_a_long_output_folds_and_a_short_one_does_not(tmp_path: Path) -> None:
    book = make(tmp_path, results=printed, index=f"# T\n\n{CELL % 'lines=32'}\n{CELL % 'lines=33'}")
    assert book.build() == []
    short, long = book.article("index").all("div.ov-output")
    assert short.all("details") == [] and short.text.endswith("line 31")
    fold = long.one("details.ov-more")
    assert "open" not in fold.attributes
    assert fold.one("summary").text == "13 more lines"
    # nothing is lost, and nothing stands twice
    whole = "\n".join(pre.text for pre in long.all("pre"))
    assert whole.split() == [word for n in range(33) for word in ("line", str(n))]
    assert fold.one("pre").text.startswith("line 14 line 15 ")


@pytest.mark.parametrize(
    "box",
    [
        ":::{note}\n\nCELL:::",
        ":::{note}\n:class: x\n\nCELL:::",
        "::::{note}\n\n:::{tip}\n:class: y\n\nCELL:::\n\nCELL::::",
        "::::{note}\n:class: x\n\n:::{tip}\n:class: y\n:name: z\n\nWords.\n\nCELL:::\n::::",
    ],
)
def test_cells_in_boxes_show_what_they_printed(tmp_path: Path, box: str) -> None:
    page = f"# T\n\n{box.replace('CELL', CELL % 'inside')}\n"
    book = make(tmp_path, results=printed, index=page)
    assert book.build() == []
    article = book.article("index")
    first, *_ = article.all("div.admonition")
    cells = page.count("inside")
    assert len(first.all("div.ov-output")) == 3 * cells  # one in each framework's panel
    assert article.all("p.ov-not-executed") == []
    assert "pytorch says inside" in first.text


def test_a_cell_in_a_box_of_backticks_is_shown_and_reported(tmp_path: Path) -> None:
    page = "# T\n\n```{note}\n~~~{.python .input}\nnever_run()\n~~~\n```\n"
    book = make(tmp_path, results=printed, index=page)
    (problem,) = book.build()
    assert problem.code is Code.MISPLACED_CELL and problem.span is not None and problem.span.line == 4
    assert book.article("index").one("div.ov-code").text.strip() == "never_run()"


def test_words_of_the_fold_are_the_books(tmp_path: Path) -> None:
    config = CONFIG.replace("[build]", "lang = de\n[build]")
    book = make(tmp_path, config=config, results=printed, index=f"# T\n\n{CELL % 'lines=40'}")
    book.build()
    assert book.article("index").one("summary").text == "20 weitere Zeilen"


# -- in a browser

PAGE = f"""\
# Cells

For $x \\in \\mathbb{{R}}$ we have

$$\\frac{{a}}{{b}} = c$$

and more words.

{CELL % "print('copied')  # <b>"}

``` console
$ pip install octavo
Collecting octavo
$ octavo build html
```

```pycon
>>> for n in range(2):
...     print(n)
...
0
1
>>> n
```

```
plain text
```

{CELL % "lines=60"}
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> MiniBook:
    built = make(tmp_path_factory.mktemp("cells"), results=printed, index=PAGE)
    assert built.build() == []
    return built


@pytest.fixture
def page(browser, book: MiniBook) -> Iterator[object]:  # type: ignore[no-untyped-def]
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    tab.goto(book.site.joinpath("index.html").as_uri())
    yield tab
    context.close()


@pytest.mark.browser
def test_code_is_copied_by_keyboard_without_prompts_and_that_is_told(page) -> None:  # type: ignore[no-untyped-def]
    copied = []
    for button in page.locator("article button.ov-copy").all():
        if not button.is_visible():
            continue  # in a panel of another framework
        button.focus()
        page.keyboard.press("Enter")
        page.wait_for_function("document.getElementById('ov-copied').textContent == 'Copied'")
        copied.append(page.evaluate("navigator.clipboard.readText()"))
        page.evaluate("document.getElementById('ov-copied').textContent = ''")
    assert copied == [
        "print('copied')  # <b>",
        "pip install octavo\noctavo build html",
        "for n in range(2):\n    print(n)\n\nn",
        "lines=60",
    ]
    assert page.locator("button.ov-copy").first.get_attribute("aria-label") == "Copy code"


@pytest.mark.browser
def test_code_is_copied_where_there_is_no_clipboard_to_write_to(page) -> None:  # type: ignore[no-untyped-def]
    page.evaluate("Object.defineProperty(navigator.clipboard, 'writeText', { value: () => Promise.reject() })")
    page.locator("article button.ov-copy").first.click()
    page.wait_for_function("document.getElementById('ov-copied').textContent == 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == "print('copied')  # <b>"


@pytest.mark.browser
def test_formulas_are_copied_as_tex(page) -> None:  # type: ignore[no-untyped-def]
    page.evaluate(
        "const range = document.createRange(); const words = document.querySelectorAll('article section > p');"
        "range.setStartBefore(words[0]); range.setEndAfter(words[1]);"
        "document.getSelection().removeAllRanges(); document.getSelection().addRange(range)"
    )
    page.keyboard.press("Control+c")
    text = page.evaluate("navigator.clipboard.readText()")
    assert " ".join(text.split()) == r"For $x \in \mathbb{R}$ we have $$\frac{a}{b} = c$$ and more words."


@pytest.mark.browser
def test_a_fold_opens_by_keyboard_without_a_script(browser, book: MiniBook) -> None:  # type: ignore[no-untyped-def]
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(book.site.joinpath("index.html").as_uri())
    middle = page.get_by_text("line 30", exact=False).first
    assert not middle.is_visible()
    page.locator("details.ov-more > summary").first.focus()
    page.keyboard.press("Enter")
    assert middle.is_visible()
    context.close()


@pytest.mark.browser
def test_paper_shows_what_is_folded_and_no_buttons(page) -> None:  # type: ignore[no-untyped-def]
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    shown = page.locator("article").inner_text()
    assert "line 30" in shown and "more lines" not in shown
    assert not page.locator("button.ov-copy").first.is_visible()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.ov-more[open]").count() == 0
