"""Numbers from tokens alone are the website's, which Sphinx gives; the two share no code."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import pytest
from publish_books import write

from octavo.build import Workshop
from octavo.progress import PlainProgress
from octavo.source.numbers import Numbers, number

BOOK = {
    "index": """\
        # Book

        ```toc
        front
        ```

        ```toc
        :numbered:
        one/index
        two
        ```

        ```toc
        :numbered:
        three
        ```
        """,
    "front": """\
        # Front
        :label:`sec_front`

        ![A picture in an unnumbered part](img/square.svg)
        :label:`fig_front`

        $$a$$ :eqlabel:`eq_front`
        """,
    "one/index": """\
        # One
        :label:`chap_one`

        ![A picture of the chapter](../img/square.svg)
        :label:`fig_one`

        ## Before
        :label:`sec_before`

        ```toc
        deep/index
        last
        ```

        ## After
        :label:`sec_after`

        ![A picture behind the pages of the chapter](../img/square.svg)
        :label:`fig_after`
        """,
    "one/deep/index": """\
        # Deep
        :label:`sec_deep`

        $$x$$
        :eqlabel:`eq_deep`

        ```toc
        leaf
        ```
        """,
    "one/deep/leaf": """\
        # Leaf
        :label:`sec_leaf`

        ## Level
        :label:`sec_level`

        $$unlabelled$$

        $$y$$
        :eqlabel:`eq_leaf`

        ![A caption and no label](../../img/square.svg)

        ![](../../img/square.svg)
        :width:`10px`

        ![A caption and a label](../../img/square.svg)
        :label:`fig_leaf`

        :A caption above
        :label:`tab_above`

        | a |
        |---|
        | 1 |

        | no caption |
        |------------|
        | 1          |

        | b |
        |---|
        | 1 |

        :A caption below
        :label:`tab_below`
        """,
    "one/last": """\
        # Last
        :label:`sec_last`

        ```{.python .input}
        #@tab pytorch
        1
        ```

        :begin_tab:`jax`
        ![Only for JAX](../img/square.svg)
        :label:`fig_jax`

        $$j$$
        :eqlabel:`eq_jax`

        ## Inside of a panel
        :label:`sec_inside`
        :end_tab:

        :begin_tab:`pytorch`
        ![Only for PyTorch](../img/square.svg)
        :label:`fig_pytorch`

        $$p$$
        :eqlabel:`eq_pytorch`
        :end_tab:

        ```{.python .input}
        #@tab jax, mxnet
        1
        ```

        :begin_tab:`pytorch, mxnet`
        ![For two](../img/square.svg)
        :label:`fig_two`

        $$two$$
        :eqlabel:`eq_two`
        :end_tab:

        ![For everyone](../img/square.svg)
        :label:`fig_all`

        $$e$$
        :eqlabel:`eq_all`

        :begin_tab:`pytorch, jax, mxnet`
        ## A section of all frameworks
        :label:`sec_shared`

        $$s$$
        :eqlabel:`eq_shared`
        :end_tab:
        """,
    "two": """\
        # Two
        :label:`chap_two`

        (sec_target)=
        ## Below a target

        ```{figure} img/square.svg
        :name: fig_directive

        A directive
        ```

        ```{note}
        $$n$$
        :eqlabel:`eq_note`
        ```

        :::{tip}
        $$t$$
        :eqlabel:`eq_tip`
        :::

        - An item

          ![In a list](img/square.svg)
          :label:`fig_list`

          $$l$$
          :eqlabel:`eq_list`

        # A second page title
        :label:`sec_second`

        ![Below it](img/square.svg)
        :label:`fig_second`
        """,
    "three": """\
        # Three
        :label:`chap_three`

        ## Sub
        :label:`sec_sub`

        ![Last](img/square.svg)
        :label:`fig_three`
        """,
}

# the second numbered table begins at 1 again, and its figures go on counting within 1.1: so does Sphinx
EXPECTED = {
    "sec_front": "", "fig_front": "1", "eq_front": "1",
    "chap_one": "1", "fig_one": "1.1", "sec_before": "1.1", "sec_after": "1.2", "fig_after": "1.2.1",
    "sec_deep": "1.1.1", "eq_deep": "1.1.1", "sec_leaf": "1.1.1.1", "sec_level": "1.1.1.1.1", "eq_leaf": "1.1.2",
    "fig_leaf": "1.1.2", "tab_above": "1.1.1", "tab_below": "1.1.2",
    "sec_last": "1.1.2", "fig_pytorch": "1.1.3", "eq_pytorch": "1.1.3", "fig_jax": "1.1.5", "eq_jax": "1.1.5",
    "sec_inside": "", "fig_two": "1.1.4", "eq_two": "1.1.4", "fig_all": "1.1.6", "eq_all": "1.1.6",
    "sec_shared": "1.1.2.1", "eq_shared": "1.1.7",
    "chap_two": "2", "sec_target": "2.1", "fig_directive": "2.1.1", "eq_note": "2.1.1", "eq_tip": "2.1.2",
    "fig_list": "2.1.2", "eq_list": "2.1.3", "sec_second": "3", "fig_second": "3.1",
    "chap_three": "1", "sec_sub": "1.1", "fig_three": "1.1.7",
}  # fmt: skip


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    workshop = Workshop(write(tmp_path_factory.mktemp("numbers"), BOOK))
    workshop.site.build(PlainProgress(io.StringIO()))
    return workshop


@pytest.fixture(scope="module")
def numbers(book: Workshop) -> Numbers:
    assert book.book is not None
    return number(book.book)


class Anchors(HTMLParser):
    """The number that the site shows at each anchor: of the first caption, heading or formula there."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: dict[str, str] = {}
        self.captions: list[str] = []
        self.waiting: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.waiting.append(str(values["id"]))
        for kind in ("section-number", "caption-number", "eqno"):
            if kind in (values.get("class") or ""):
                self.inside = kind

    def handle_data(self, data: str) -> None:
        found = re.search(r"\d[\d.]*\d|\d", data)
        if self.inside and found:
            self.numbers.update(dict.fromkeys(self.waiting, found[0]))
            if self.inside == "caption-number":
                self.captions.append(found[0])
            self.waiting, self.inside = [], ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h1", "h2", "h3", "p"):  # a heading or paragraph without a number
            self.waiting = []


def on_site(book: Workshop, page: str) -> Anchors:
    anchors = Anchors()
    html = (book.output / "html" / f"{page}.html").read_text(encoding="utf-8")
    anchors.feed(html[html.index("<article") : html.index("</article")])
    return anchors


def test_numbers_are_those_that_the_rules_give(numbers: Numbers) -> None:
    assert {name: found.written for name, found in numbers.labels.items()} == EXPECTED


def test_the_website_shows_the_same_number_at_every_label(book: Workshop, numbers: Numbers) -> None:
    sites = {page: on_site(book, page) for page in BOOK}
    shown = {}
    for name, found in numbers.labels.items():
        anchor = name.replace("_", "-")
        anchor = f"equation-{anchor}" if found.kind == "equation" else anchor
        shown[name] = sites[found.page].numbers.get(anchor, "")
    assert shown == EXPECTED


def test_captions_without_a_label_have_the_websites_number_too(book: Workshop, numbers: Numbers) -> None:
    for page in ("one/deep/leaf", "two", "three"):
        captioned = [f for (p, _), f in numbers.places.items() if p == page and f.kind in ("figure", "table")]
        assert sorted(f.written for f in captioned) == sorted(on_site(book, page).captions)
    (unlabelled,) = (f for f in numbers.places.values() if f.title == "A caption and no label")
    assert unlabelled.written == "1.1.1"


def test_labels_are_found_in_any_case_but_those_of_equations(numbers: Numbers) -> None:
    found = numbers.find("FIG_leaf")
    assert found is not None and found.written == "1.1.2"
    assert numbers.find("EQ_leaf") is None
    assert numbers.find("fig_leav") is None


def test_a_book_without_pages_has_no_numbers() -> None:
    from octavo.model import Book

    assert number(Book(())) == Numbers({}, {})
