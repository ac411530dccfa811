"""The site as a whole: what is built again, what readers' browsers fetch, what settings do."""

import json
import pickle
from pathlib import Path

import pytest
from render_books import CONFIG, PLOT, asset_addresses, make, out, shown

from octavo.diagnostics import Code, Severity

INDEX = "# Book\n\n```toc\n:numbered:\na\nb\n```\n"


# -- building again


def test_a_page_is_read_again_only_when_something_of_it_changed(tmp_path: Path) -> None:
    cell = "```{.python .input}\nx\n```\n"
    book = make(tmp_path, index=INDEX, a=f"# A\n\n{cell}", b=f"# B\n\n{cell}")
    book.build()
    assert book.read == ["a", "b", "index"]
    book.build()
    assert (book.read, book.written) == ([], [])

    book.write(a=f"# A\n\nOne word.\n\n{cell}")
    book.build()
    assert (book.read, book.written) == (["a"], ["a", "index"])  # what lists a page is written with it

    book.results = lambda page, tab, index, code: out("new") if page == "b" else ()
    book.build()
    assert (book.read, book.written) == (["b"], ["b", "index"])
    assert "new" in book.article("b").text


def test_pages_that_show_a_number_or_title_of_another_follow_it(tmp_path: Path) -> None:
    book = make(
        tmp_path,
        index=INDEX,
        a="# A\n\n$$x$$\n:eqlabel:`eq_x`\n\n## Old words\n:label:`sec_old`\n",
        b="# B\n\n:eqref:`eq_x`, :ref:`sec_old`\n",
    )
    assert book.build() == []
    assert "(1.1), Old words" in book.article("b").text
    book.write(a="# A\n\n$$y$$\n:eqlabel:`eq_y`\n\n$$x$$\n:eqlabel:`eq_x`\n\n## New words\n:label:`sec_old`\n")
    assert book.build() == []
    assert book.read == ["a"]
    assert "(1.2), New words" in book.article("b").text


def test_the_bibliography_follows_the_citations(tmp_path: Path) -> None:
    (tmp_path / "d2l.bib").write_text("@book{k1, author={Ada One}, title={T}, publisher={P}, year={1999}}\n")
    book = make(tmp_path, index=INDEX, a="# A\n", b="# B\n\n:bibliography:`d2l.bib`\n")
    assert book.build() == []
    assert book.article("b").all("div.citation") == []
    book.write(a="# A\n\n:citet:`k1`\n")
    assert book.build() == []
    assert "One (1999)" in book.article("a").text
    assert len(book.article("b").all("div.citation")) == 1


def test_a_page_that_left_the_book_leaves_the_site(tmp_path: Path) -> None:
    book = make(tmp_path, index=INDEX, a="# A\n", b="# B\n")
    book.build()
    book.write(index="# Book\n\n```toc\na\n```\n")
    (tmp_path / "b.md").unlink()
    book.build()
    assert not (book.site / "b.html").exists() and (book.site / "a.html").exists()


def test_an_interrupted_build_is_made_up_for(tmp_path: Path) -> None:
    book = make(tmp_path, index=INDEX, a="# A\n", b="# B\n")
    book.build()
    state = tmp_path / "_build/doctrees/octavo.json"
    state.write_text(json.dumps({**json.loads(state.read_text()), "complete": False}))
    (book.site / "a.html").write_text("half")
    book.build()
    assert "half" not in (book.site / "a.html").read_text()


def test_nothing_is_written_beside_the_source_and_nothing_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = make(tmp_path, index="# T\n\n:ref:`nowhere`\n")
    book.build()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["_build", "config.ini", "index.md"]
    assert capsys.readouterr() == ("", "")


def test_only_the_books_own_pages_are_read(tmp_path: Path) -> None:
    book = make(tmp_path, index="# T\n", notes="# Not in the book\n\n:ref:`nowhere`\n")
    messages = book.build()
    assert [d.code for d in messages] == [Code.ORPHAN_PAGE]
    assert not (book.site / "notes.html").exists()


# -- what browsers fetch


def test_pages_ask_no_other_host_for_anything(tmp_path: Path) -> None:
    (tmp_path / "p.svg").write_text(PLOT)
    book = make(
        tmp_path,
        results=lambda *_: shown(image_svg=PLOT, text_html='<img src="https://example.org/x.png">'),
        index="# T\n\n$x$\n\n![A](p.svg)\n\n```{.python .input}\nx\n```\n",
    )
    assert book.build() == []
    for page in ("index", "search"):
        for address, _ in asset_addresses(book.html(page)):
            assert "//" not in address, address
            assert (book.site / address.partition("?")[0]).exists(), address


def test_search_works_from_files(tmp_path: Path) -> None:
    book = make(tmp_path, index="# T\n\nAn unmistakable zeppelin.\n")
    book.build()
    index = (book.site / "searchindex.js").read_text()
    assert index.startswith("Search.setIndex(") and "zeppelin" in index


def test_copy_buttons_are_for_code_cells_only(tmp_path: Path) -> None:
    book = make(tmp_path, index="# T\n")
    book.build()
    script = (book.site / "_static/copybutton.js").read_text()
    assert "'.ov-code pre'" in script


# -- settings


def test_settings_reach_the_page(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static/own.css").write_text("p {}")
    (tmp_path / "static/own.js").write_text("1")
    (tmp_path / "static/logo.svg").write_text(PLOT)
    html = (
        "[html]\nheader_links = Code & more, https://example.org/code?a=1&b=2, x, Bad, javascript:alert(1), x\n"
        "include_css = static/own.css static/missing.css\ninclude_js = static/own.js\n"
        "html_logo = static/logo.svg\nfavicon = static/logo.svg\n"
    )
    book = make(tmp_path, CONFIG + html, index="# T\n")
    messages = book.build()
    assert [(d.code, d.severity) for d in messages] == [
        (Code.CONFIG_VALUE, Severity.ERROR),
        (Code.MISSING_FILE, Severity.ERROR),
    ]
    assert all(d.span is not None and d.span.path == "config.ini" and d.span.line > 8 for d in messages)
    page = book.html("index")
    (link,) = page.one("ul.ov-links").all("a")
    assert (link.text, link.attributes["href"]) == ("Code & more", "https://example.org/code?a=1&b=2")
    fetched = {address.partition("?")[0] for address, _ in asset_addresses(page)}
    assert {"_static/own.css", "_static/own.js", "_static/logo.svg"} <= fetched
    assert page.one("head").all("title")[0].text == "A Mini Book"
    assert "javascript:" not in (book.site / "index.html").read_text()


def test_links_of_a_page_cannot_run_anything(tmp_path: Path) -> None:
    book = make(tmp_path, index="# T\n\n[a](javascript:alert) and <javascript:alert> and [b](vbscript:x).\n")
    book.build()
    for link in book.article("index").all("a"):
        assert ":" not in link.attributes["href"]


# -- MyST on the same page


def test_myst_works_beside_the_dialect(tmp_path: Path) -> None:
    book = make(
        tmp_path,
        index="""\
            ---
            myst:
              substitutions: {}
            ---
            # T
            :label:`sec_t`

            :::{note}
            Inside a note :numref:`fig_f` stands a cell:

            ```{.python .input}
            x
            ```
            :::

            ```{figure} p.svg
            :name: fig_f

            A caption
            ```

            {ref}`sec_t` and [a link](#sec-t) and a footnote[^1].

            ```eval_rst
            .. rubric:: Raw *reST*
            ```

            [^1]: Here.
            """,
    )
    (tmp_path / "p.svg").write_text(PLOT)
    assert book.build() == []
    article = book.article("index")
    assert article.one("div.admonition").one("div.ov-cell").text == "x"
    assert "Figure 1" in article.one("div.admonition").text
    assert article.one("p.rubric").text.startswith("Raw reST")


# -- golden doctrees: what is relied on in MyST-Parser's renderer


def doctree(root: Path, page: str) -> str:
    path = root / f"_build/doctrees/{page}.doctree"
    text: str = pickle.loads(path.read_bytes()).pformat()
    # docutils before 0.22 shows truth values as words
    text = text.replace('="False"', '="0"').replace('="True"', '="1"')
    return text.split("\n", 1)[1]  # the first line holds the temporary path


def test_golden_doctree_of_the_dialect(tmp_path: Path) -> None:
    (tmp_path / "p.svg").write_text(PLOT)
    book = make(
        tmp_path,
        results=lambda page, tab, index, code: out(tab) if tab != "jax" else (),
        index="""\
            # Title
            :label:`sec_t`

            Text with $x$ and :numref:`sec_t`.

            $$y$$
            :eqlabel:`eq_y`

            ![Words](p.svg)
            :width:`3cm`
            :label:`fig_w`

            ```{.python .input}
            z
            ```
            """,
    )
    book.build()
    assert doctree(tmp_path, "index") == (Path(__file__).parent / "golden_dialect.txt").read_text()


def test_golden_doctree_of_myst(tmp_path: Path) -> None:
    book = make(
        tmp_path,
        index="""\
            # Title

            A *word* and `code`, a footnote[^n] and a
            [link](https://example.org).

            - one
            - two

            | a | b |
            |---|--:|
            | 1 | 2 |

            ```bash
            ls
            ```

            ```{note}
            A note.
            ```

            [^n]: The note.
            """,
    )
    assert book.build() == []
    assert doctree(tmp_path, "index") == (Path(__file__).parent / "golden_myst.txt").read_text()
