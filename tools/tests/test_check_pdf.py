"""The judge of PDFs finds what is there, also over the end of a page, and tells what is changed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "ci"))

pytest.importorskip("pypdf", reason="no pypdf: pip install pypdf")

from check_pdf import Reading
from pdf_site import read_site
from pdf_text import Text, extracted, squeezed


def text(*pages: str) -> Reading:
    parts = [squeezed(page) for page in pages]
    return Reading(Text("".join(parts), [sum(map(len, parts[:index])) for index in range(len(parts))]))


def test_code_is_found_letter_by_letter() -> None:
    read = text("Before\nx = [1, 2]\ny = f(x,↪\n  'long')\nAfter")
    whole = len(read.text.strict)
    assert read.exactly("x = [1, 2]\ny = f(x, 'long')", 0, whole) is not None
    assert read.exactly("x = [1, 3]", 0, whole) is None
    assert read.exactly("y = f(X, 'long')", 0, whole) is None
    assert read.exactly("y = f(x, “long”)", 0, whole) is None


def test_code_may_go_on_on_the_next_page_but_not_after_other_words() -> None:
    cell = "first = 1\nsecond = first + 1\nthird = second + 1"
    torn = text("first = 1\nsecond = first + 1\n1 a footnote", "Figure 1 on top.\nthird = second + 1\nAfter")
    assert torn.exactly(cell, 0, len(torn.text.strict)) is not None
    parted = text("first = 1\nsecond = first + 1\nOther words.\nthird = second + 1\nAfter")
    assert parted.exactly(cell, 0, len(parted.text.strict)) is None
    lost = text("first = 1\nsecond = first + 1", "After")
    assert lost.exactly(cell, 0, len(lost.text.strict)) is None


def test_words_are_found_divided_and_in_capitals() -> None:
    read = text("A CHAPTER on deri-\nvatives and ﬁelds", "and more")
    assert read.loosely("A chapter on derivatives and fields and more", 0) is not None
    assert read.loosely("A chapter on derivative fields", 0) is None
    assert read.loosely("A chapter", 5) is None


SITE = """<html lang="en"><head><title>T</title>{next}</head><article><section><h1><span class="section-number">{number}
</span>{title}<a class="headerlink">¶</a></h1>{body}</section></article></html>"""


def test_a_site_is_read_as_one_framework_sees_it(tmp_path: Path) -> None:
    body = """<p>Some <em>words</em> of <math><mi>x</mi></math> here.</p>
    <div class="ov-set"><div class="ov-panel" data-tab="a"><p class="ov-name">A</p><div class="ov-code"><pre>a = 1
    </pre></div><div class="ov-output"><pre>1</pre></div></div>
    <div class="ov-panel" data-tab="b"><p class="ov-name">B</p><p>Only for those of B.</p></div></div>
    <figure><img src="../i/x.svg"><figcaption><p><span class="caption-number">Figure 1.2 </span>Told.</p></figcaption>
    </figure><div><math><mi>f</mi></math><span class="eqno">(1.3)<a class="headerlink">¶</a></span></div>"""
    (tmp_path / "c").mkdir()
    (tmp_path / "index.html").write_text(
        SITE.format(next='<link rel="next" href="c/p.html">', number="", title="T", body="")
    )
    (tmp_path / "c/p.html").write_text(SITE.format(next="", number="1.1.", title="Title", body=body))
    page = read_site(tmp_path, "a").pages[1]
    assert [(item.kind, item.number, item.text.strip()) for item in page.items] == [
        ("heading", "1.1", "Title"),
        ("prose", "", "Some words of \0 here."),
        ("code", "", "a = 1"),
        ("output", "", "1"),
        ("caption", "1.2", "Told."),
        ("equation", "(1.3)", ""),
    ]
    assert (page.pictures, page.foreign) == (["i/x.svg"], ["Only for those of B."])
    assert [item.text for item in read_site(tmp_path, "b").pages[1].items][:3] == [
        "Title",
        "Some words of \0 here.",
        "Only for those of B.",
    ]


def test_the_tilde_of_a_formula_joins_no_word() -> None:
    assert extracted("at the start, then \u0303\n𝑔 is known to Cauche\u0301") == "atthestart,then𝑔isknowntoCauch\u00e9"
