"""The site as a whole: what is built again, what readers' browsers fetch, what settings do."""

import os
import pickle
import shutil
from pathlib import Path

import pytest
from render_books import CONFIG, PLOT, MiniBook, asset_addresses, make, out, shown

from octavo.diagnostics import Code, Severity
from octavo.render.builder import BookBuilder

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
    assert (book.read, book.written) == (["a"], ["a"])

    book.results = lambda page, tab, index, code: out("new") if page == "b" else ()
    book.build()
    assert (book.read, book.written) == (["b"], ["b"])
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


def test_contents_follow_how_a_title_is_set_and_which_frameworks_a_page_has(tmp_path: Path) -> None:
    book = make(tmp_path, index=INDEX, a="# A\n", b="# B\n")
    book.build()
    book.write(a="# `A`\n")
    book.build()
    assert book.read == ["a"] and book.html("b").all("li.toctree-l1")[0].all("code")
    book.write(a="# `A`\n\n```{.python .input}\n#@tab jax\n1\n```\n")
    book.build()
    assert book.read == ["a"] and book.html("b").all("li.toctree-l1")[0].attributes["data-tabs"] == "jax"


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


def test_a_page_that_another_octavo_wrote_leaves_the_site_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = make(tmp_path, index="# Book\n\n```toc\na\nb\n```\n", a="# A\n", b="# B\n")
    with monkeypatch.context() as older:
        older.setattr("octavo.render.project.own_code", lambda: "older")
        book.build()
    book.write(index="# Book\n\n```toc\na\n```\n")
    (tmp_path / "b.md").unlink()
    book.build()
    assert book.read == ["a", "index"]
    assert not (book.site / "b.html").exists() and not (book.site / ".buildinfo.bak").exists()


def test_an_interrupted_build_is_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = make(tmp_path, index=INDEX, a="# A\n", b="# B\n")
    book.build()
    book.write(a="# A\n\nOne.\n", b="# B\n\nTwo.\n")

    def interrupt(builder: BookBuilder, page: str, doctree: object) -> None:
        (book.site / f"{page}.html").write_text("half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(BookBuilder, "write_doc", interrupt)
        with pytest.raises(KeyboardInterrupt):
            book.build()
    book.build()
    assert "One" in book.article("a").text and "Two" in book.article("b").text


def test_a_page_that_was_only_touched_is_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "p.svg").write_text(PLOT)
    book = make(tmp_path, index=INDEX, a="# A\n\n![P](p.svg)\n", b="# B\n")
    book.build()
    for file in (tmp_path / "a.md", tmp_path / "p.svg"):
        os.utime(file, (2e9, 2e9))
    book.build()
    assert (book.read, book.written) == ([], [])
    (tmp_path / "p.svg").write_text(PLOT.replace("loss", "gain"))
    book.build()
    assert book.read == ["a"]


def test_several_processes_write_the_same_site_and_say_the_same(tmp_path: Path) -> None:
    pages = {f"p{n}": f"# Page {n}\n:label:`p{n}`\n\nSee :numref:`p{(n + 1) % 30}`.\n" for n in range(30)}
    pages["p7"] += "\n:numref:`nowhere`\n\n```{nothing}\n```\n\n$\\bad$\n"
    pages["p8"] += "\n$$x$$\n:eqlabel:`eq_x`\n\n![No such picture](no.svg)\n"
    pages["p9"] += "\n:eqref:`eq_x` ![P](../p.svg)\n\n```{.python .input}\nplot\n```\n"
    pages["index"] = "# T\n\n```toc\n:numbered:\n" + "".join(f"p{n}\n" for n in range(30)) + "```\n"
    sites = []
    for jobs in (1, 3):
        (tmp_path / str(jobs)).mkdir()
        book = make(tmp_path / str(jobs), results=lambda *_: shown(image_svg=PLOT), **pages)
        messages = book.build(jobs=jobs)
        assert sorted(set(book.read)) == sorted(book.read) == sorted(pages)
        assert {d.code for d in messages} >= {Code.BAD_MATH, Code.MISSING_FILE, Code.UNKNOWN_REFERENCE, Code.MARKUP}
        sites.append((messages, files_of(book.site)))
    assert sites[0][0] == sites[1][0]
    one, other = sites[0][1], sites[1][1]
    assert [name for name in one.keys() | other.keys() if one.get(name) != other.get(name)] == []


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


PAGES = {
    "config.ini": CONFIG + "[pdf]\nbibfile = d2l.bib\n[html]\ninclude_css = own.css\n",
    "own.css": "p { color: red }",
    "d2l.bib": "@book{k1, author={Ada One}, title={T}, publisher={P}, year={1999}}\n"
    "@book{k2, author={Bo Two}, title={U}, publisher={P}, year={2001}}\n",
    "img/p.svg": PLOT,
    "sub/p.svg": PLOT.replace("loss", "cost"),
    "index.md": "# Book\n\n```toc\n:numbered:\na\nb\nc\n```\n\n```toc\nrefs\n```\n",
    "a.md": "# A\n:label:`sec_a`\n\nBy :cite:`k1`.\n\n$$x$$\n:eqlabel:`eq_x`\n\n![P](img/p.svg)\n:label:`fig_p`\n\n"
    "```{.python .input}\nplot(abc)\n```\n",
    "b.md": "# B\n\n:numref:`sec_a`, :eqref:`eq_x`, :numref:`fig_p`, :numref:`sec_c2`.\n",
    "c.md": "# C\n\n## C2\n:label:`sec_c2`\n\n:citet:`k2`\n\n![Q](sub/p.svg)\n",
    "refs.md": "# R\n\n:bibliography:`d2l.bib`\n",
}
CHANGES: tuple[tuple[tuple[str, str, str], ...], ...] = (
    (("a.md", "By", "Said by"), ("c.md", "## C2", "## C1\n\n## C3")),
    (("a.md", "# A", "# Another"), ("own.css", "red", "blue")),
    (("a.md", "$$x$$", "$$y$$\n:eqlabel:`eq_y`\n\n$$x$$"), ("d2l.bib", "Ada One", "Eve Won")),
    (("a.md", "plot(abc)", "plot(xyz)"), ("d2l.bib", "title={T}", "title={Z}")),
    (("a.md", "![P](img", "![Q](sub/p.svg)\n\n![P](img"), ("img/p.svg", "loss", "gain")),
    (("c.md", ":citet:`k2`", "Nothing."), ("c.md", "\n![Q](sub/p.svg)\n", "")),
    (("config.ini", "A Mini Book", "A Larger Book"),),
    (("config.ini", "include_css = own.css", "header_links = X, https://example.org, x"),),
    (("config.ini", "[build]", "lang = de\n[build]"), ("config.ini", "pytorch, tensorflow, jax", "jax, pytorch")),
    (("new.md", "", "# New\n\n$$z$$\n:eqlabel:`eq_z`\n"), ("index.md", "a\nb\n", "new\na\nz/b\n")),
    (("index.md", ":numbered:\n", ""), ("index.md", "\na\n", "\n")),
)
"""Changes from build to build, as (file, old, new). Once the front page lists z/b, the page b has moved there."""


@pytest.mark.slow
def test_whatever_changed_the_site_is_as_if_built_anew(tmp_path: Path) -> None:
    def plot(page: str, tab: str, index: int, code: str) -> object:
        return shown(image_svg=PLOT.replace("loss", f"{code} {tab}"))

    def write(root: Path) -> None:
        for path in root.rglob("*.md"):
            path.unlink()
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)

    files = dict(PAGES)
    write(tmp_path / "grown")
    grown, clean = MiniBook(tmp_path / "grown", plot), MiniBook(tmp_path / "clean", plot)
    grown.build()
    for changes in CHANGES:
        for name, old, new in changes:
            assert old in files.setdefault(name, "")
            files[name] = files[name].replace(old, new) if old else new
        if "z/b" in files["index.md"]:
            files["z/b.md"] = files.pop("b.md", files.get("z/b.md", ""))
        if "\na\n" not in files["index.md"]:
            files.pop("a.md", None)
        write(grown.root)
        shutil.rmtree(clean.root, ignore_errors=True)
        write(clean.root)
        assert grown.build() == clean.build(), changes
        one, other = files_of(grown.site), files_of(clean.site)
        assert sorted(one) == sorted(other), changes
        assert [name for name in one if one[name] != other[name]] == [], changes


def files_of(site: Path) -> dict[str, object]:
    """Path → content."""
    found: dict[str, object] = {}
    for path in site.rglob("*"):
        if path.is_file() and not path.name.startswith(".buildinfo"):
            found[path.relative_to(site).as_posix()] = path.read_bytes()
    return found


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
    assert "zeppelin" in (book.site / "search/terms-0.js").read_text()
    # nothing of Sphinx's own search is there to be loaded
    assert not [path.name for path in book.site.rglob("*") if "searchtools" in path.name or "stemmer" in path.name]
    book.write(index="# T\n\nAn unmistakable balloon.\n")
    book.build()
    assert "zeppelin" not in (book.site / "search/terms-0.js").read_text()


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
        (Code.CONFIG_VALUE, Severity.WARNING),
        (Code.MISSING_FILE, Severity.WARNING),
    ]
    assert all(d.span is not None and d.span.path == "config.ini" and d.span.line > 8 for d in messages)
    page = book.html("index")
    (link,) = page.one("ul.ov-links").all("a")
    assert (link.text, link.attributes["href"]) == ("Code & more", "https://example.org/code?a=1&b=2")
    fetched = {address.partition("?")[0] for address, _ in asset_addresses(page)}
    assert {"_static/own.css", "_static/own.js", "_static/logo.svg"} <= fetched
    assert page.one("head").all("title")[0].text == "A Mini Book"
    assert "javascript:" not in (book.site / "index.html").read_text()


def test_style_sheets_of_one_name_are_all_there(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "own.css").write_text(f".{folder} {{}}")
    (tmp_path / "octavo.css").write_text(".three {}")
    html = "[html]\ninclude_css = one/own.css two/own.css octavo.css\n"
    book = make(tmp_path, CONFIG + html, index="# T\n")
    assert book.build() == []
    sheets = [book.site / address.partition("?")[0] for address, _ in asset_addresses(book.html("index"))]
    texts = [sheet.read_text() for sheet in sheets if sheet.suffix == ".css"]
    own = [".one {}", ".two {}", ".three {}"]
    assert [text for text in texts if text in own] == own
    assert ".ov-panel" in (book.site / "_static/octavo.css").read_text()


def test_settings_with_markup_stay_text(tmp_path: Path) -> None:
    title = 'A <script>alert(1)</script> & "B"'
    config = CONFIG.replace("A Mini Book", title).replace(
        "The Testers", "T\ncopyright = 2026 <script>alert(2)</script>"
    )
    config += '[html]\nheader_links = <script>alert(3)</script>, https://example.org/?"><script>alert(4)</script>, x\n'
    book = make(tmp_path, config, index="# T\n")
    assert book.build() == []
    for page in ("index", "search"):
        html = book.html(page)
        scripts = [script for script in html.all("script") if script.attributes.get("type") != "application/ld+json"]
        assert not [script for script in scripts if "alert" in script.text]
        described = html.all("script", type="application/ld+json")
        assert all("<" not in "".join(script.pieces()) for script in described)
        assert html.one("head").one("title").text.endswith(title)
        assert html.all("div.brand")[0].text == title


def test_who_listens_is_told_what_stands_where(tmp_path: Path) -> None:
    (tmp_path / "d2l.bib").write_text("@book{k, author={Ada One}, title={T}, publisher={P}, year={1999}}\n")
    table = "| | b |\n|---|---|\n| 1 | 2 |\n"
    book = make(tmp_path, index=f"# T\n\n:cite:`k`\n\n{table}\n:bibliography:`d2l.bib`\n")
    assert book.build() == []
    for name in ("index", "search"):
        page = book.html(name)
        assert len(page.all("h1")) == 1
        assert len({aside.attributes["aria-label"] for aside in page.all("aside")}) == 2
    article = book.article("index")
    assert [(h.text, h.attributes["scope"]) for h in article.all("th")] == [("b", "col")]
    assert article.one("div.citation").attributes["role"] == "listitem"


@pytest.mark.parametrize(
    ("language", "name", "label", "number", "chapter"),
    [
        ("en", "en", "Framework", "Figure 1.1", "Chapter 1"),
        ("de", "de", "Framework", "Abb. 1.1", "Kapitel 1"),
        ("zh", "zh-CN", "框架", "图 1.1", "第 1 章"),
        ("zh-TW", "zh-TW", "框架", "圖 1.1", "第 1 章"),
        ("ja", "ja", "フレームワーク", "図 1.1", "第1章"),
        ("ko", "ko", "프레임워크", "그림 1.1", "1장"),
        ("vi", "vi", "Framework", "Hình 1.1", "Chương 1"),
        ("fr", "fr", "Framework", "Fig. 1.1", "Chapter 1"),
        ("xx", "xx", "Framework", "Fig. 1.1", "Chapter 1"),
    ],
)
def test_a_book_speaks_its_own_language(
    tmp_path: Path, language: str, name: str, label: str, number: str, chapter: str
) -> None:
    (tmp_path / "p.svg").write_text(PLOT)
    page = "# A\n:label:`sec_a`\n\n![P](p.svg)\n:label:`fig_p`\n\n:numref:`fig_p` :numref:`sec_a`\n"
    config = CONFIG.replace("[build]", f"lang = {language}\n[build]")
    book = make(tmp_path, config, index="# T\n\n```toc\n:numbered:\na\n```\n", a=page)
    assert book.build() == []
    html = book.html("a")
    assert html.one("html").attributes["lang"] == name
    assert html.one("div.ov-choice").one("label").text == label
    assert [a.text for a in html.one("article").all("a.reference")] == [number, chapter]


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


def test_what_a_killed_build_had_begun_to_keep_is_removed(tmp_path: Path) -> None:
    book = make(tmp_path, index="# Title\n")
    begun = tmp_path / "_build/doctrees/templates/__jinja2_0.cachex_.tmp"
    begun.parent.mkdir(parents=True)
    begun.write_bytes(b"half")
    assert book.build() == []
    assert not begun.exists()


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
