"""Tab sets: which frameworks stand side by side, what stands once, and what readers of another framework see."""

from pathlib import Path

from render_books import PLOT, Element, make, nothing, out, shown

from octavo.config import load
from octavo.model import Failure, Span
from octavo.render.frame.theme import book_css, head


def panels(group: Element) -> dict[str, str]:
    return {p.attributes["data-tab"]: p.text for p in group.all("div.ov-panel")}


def test_consecutive_cells_and_prose_blocks_form_one_tab_set_in_order(tmp_path: Path) -> None:
    book = make(
        tmp_path,
        results=lambda page, tab, index, code: out(f"printed by {tab}\n"),
        index="""\
            # Title

            :begin_tab:`pytorch, tensorflow`
            Words for two.
            :end_tab:

            :begin_tab:`jax`
            Words for one.
            :end_tab:

            ```{.python .input}
            #@tab pytorch
            torch_code()
            ```

            ```{.python .input}
            #@tab tensorflow
            tf_code()
            ```

            ```{.python .input}
            #@tab jax
            jax_code()
            ```

            Prose ends the set.

            ```{.python .input}
            #@tab pytorch
            more()
            ```
            """,
    )
    assert book.build() == []
    first, second = book.article("index").all("div.ov-set")
    assert panels(first) == {
        "pytorch": "PyTorch Words for two. torch_code() printed by pytorch",
        "tensorflow": "TensorFlow Words for two. tf_code() printed by tensorflow",
        "jax": "JAX Words for one. jax_code() printed by jax",
    }
    assert panels(second) == {"pytorch": "PyTorch more() printed by pytorch"}
    notes = {n.attributes["data-for"]: n.text for n in second.all("p.ov-note")}
    assert notes == {
        "tensorflow": "This part has no TensorFlow version; shown: PyTorch.",
        "jax": "This part has no JAX version; shown: PyTorch.",
    }


def test_a_run_that_is_the_same_everywhere_stands_once_without_tabs(tmp_path: Path) -> None:
    page = "# Title\n\n```{.python .input}\n1 + 1\n```\n\n```{.python .input}\n#@tab all\n2 + 2\n```\n"
    book = make(tmp_path, results=lambda *_: shown(text_plain="same"), index=page)
    book.build()
    article = book.article("index")
    assert article.all("div.ov-set") == []
    assert [c.text for c in article.all("div.ov-cell")] == ["1 + 1 same", "2 + 2 same"]


def test_one_cell_with_different_outputs_appears_in_each_panel(tmp_path: Path) -> None:
    book = make(tmp_path, results=lambda page, tab, i, code: out(tab), index="# T\n\n```{.python .input}\nx\n```\n")
    book.build()
    group = book.article("index").one("div.ov-set")
    assert panels(group) == {
        "pytorch": "PyTorch x pytorch",
        "tensorflow": "TensorFlow x tensorflow",
        "jax": "JAX x jax",
    }


def test_what_all_share_at_the_ends_of_a_run_stands_outside_of_the_tabs(tmp_path: Path) -> None:
    fence = "```{.python .input}\n%s\n```\n\n"
    page = "# T\n\n" + fence % "before()" + fence % "#@tab jax\njax()" + fence % "#@tab pytorch\ntorch()"
    book = make(tmp_path, index=page + fence % "#@tab tensorflow\ntf()" + fence % "after()")
    book.build()
    article = book.article("index")
    assert [c.text for c in article.all("div.ov-cell")] == ["before()", "torch()", "tf()", "jax()", "after()"]
    assert len(article.one("div.ov-set").all("div.ov-cell")) == 3


def test_a_page_that_lacks_a_framework_says_so_once(tmp_path: Path) -> None:
    page = "# T\n\nWords.\n\n```{.python .input}\n#@tab tensorflow\nx\n```\n\n```{.python .input}\n#@tab jax\nx\n```\n"
    book = make(tmp_path, results=lambda page, tab, i, code: out(tab), index=page)
    book.build()
    article = book.article("index")
    note = article.one("div.ov-note")
    assert note.attributes["data-for"] == "pytorch"
    assert note.text == "This page has no PyTorch version; shown: TensorFlow."
    assert article.all("p.ov-note") == []
    options = [o.text for o in book.html("index").one("select", id="ov-choice").all("option")]
    assert options == ["PyTorch (not on this page)", "TensorFlow", "JAX"]


def test_tabs_are_named_controls_of_their_panels(tmp_path: Path) -> None:
    book = make(tmp_path, results=lambda page, tab, i, code: out(tab), index="# T\n\n```{.python .input}\nx\n```\n")
    book.build()
    group = book.article("index").one("div.ov-set")
    assert group.one("div", role="tablist").attributes["aria-label"] == "Framework"
    buttons = group.all("button", role="tab")
    assert [b.text for b in buttons] == ["PyTorch", "TensorFlow", "JAX"]
    assert [b.attributes["aria-selected"] for b in buttons] == ["true", "false", "false"]
    for button, panel in zip(buttons, group.all("div", role="tabpanel"), strict=True):
        assert button.attributes["aria-controls"] == panel.attributes["id"]
        assert panel.attributes["aria-labelledby"] == button.attributes["id"]
        assert panel.one("p.ov-name").attributes["role"] == "heading"


def test_header_cells_and_hidden_parts_are_not_shown(tmp_path: Path) -> None:
    page = (
        "# T\n\n```{.python .input}\n%load_ext d2lbook.tab\ntab.interact_select('pytorch')\n```\n\n"
        "```{.python .input}\n# Hide code\nhidden()\n```\n\n```{.python .input}\n# Hide outputs\nquiet()\n```\n"
    )
    book = make(tmp_path, results=lambda *_: out("printed"), index=page)
    book.build()
    assert [c.text for c in book.article("index").all("div.ov-cell")] == ["printed", "quiet()"]


def test_prose_for_several_frameworks_keeps_its_label_and_number_in_one_place(tmp_path: Path) -> None:
    book = make(
        tmp_path,
        index="""\
            # T

            :begin_tab:`pytorch, jax`
            $$a = b$$
            :eqlabel:`eq_a`

            Note[^n].
            :end_tab:

            :begin_tab:`tensorflow`
            Other.
            :end_tab:

            See :eqref:`eq_a`.

            [^n]: The note.
            """,
    )
    assert book.build() == []
    article = book.article("index")
    torch, other = article.all("div.ov-panel", data_tab="pytorch") + article.all("div.ov-panel", data_tab="jax")
    assert torch.one("div.ov-eq").attributes["id"] == "equation-eq-a"
    assert "id" not in other.one("div.ov-eq").attributes
    assert [p.one("span.eqno").text.rstrip("¶# ") for p in (torch, other)] == ["(1)", "(1)"]
    assert [len(p.all("a.footnote-reference")) for p in (torch, other)] == [1, 1]


def test_a_figure_for_several_frameworks_has_the_same_number_in_each(tmp_path: Path) -> None:
    (tmp_path / "p.svg").write_text(PLOT)
    text = """\
        # T

        :begin_tab:`pytorch, jax`
        ![Shared](p.svg)
        :label:`fig_shared`

        ![Without a label](p.svg)
        :width:`10px`
        :end_tab:

        :begin_tab:`tensorflow`
        Other.
        :end_tab:

        ![Last](p.svg)
        :label:`fig_last`

        See :numref:`fig_shared` and :numref:`fig_last`.
        """
    book = make(tmp_path, index="# Book\n\n```toc\n:numbered:\na\n```\n", a=text)
    assert book.build() == []
    article = book.article("a")
    for tab in ("pytorch", "jax"):
        panel = article.one("div.ov-panel", data_tab=tab)
        assert [span.text for span in panel.all("span.caption-number")] == ["Figure 1.1", "Figure 1.2"]
    assert "See Figure 1.1 and Figure 1.3." in article.text


def test_a_heading_within_a_tab_can_be_referred_to_by_its_words(tmp_path: Path) -> None:
    tabs = "".join(
        f":begin_tab:`{t}`\n## In {t}\n:label:`sec_{t}`\n\nWords.\n:end_tab:\n\n" for t in ("pytorch", "jax")
    )
    book = make(tmp_path, index=f"# T\n\n{tabs}:numref:`sec_jax` and :ref:`sec_pytorch`.\n")
    assert book.build() == []
    links = {a.attributes["href"]: a.text for a in book.article("index").all("a.reference")}
    assert links == {"#sec-jax": "In jax", "#sec-pytorch": "In pytorch"}


def test_a_failure_stands_where_the_output_would(tmp_path: Path) -> None:
    def results(page: str, tab: str, index: int, code: str) -> object:
        if tab == "jax" and index == 1:
            message, trace = "no <b>such</b> axis", ("index.md:8  f(2)", "ValueError: no such axis")
            return Failure("exception", "ValueError", message, Span("index.md", 8, 8), 1, trace)
        return out("fine")

    cells = "".join(f"```{{.python .input}}\nf({n})\n```\n\n" for n in range(3))
    book = make(tmp_path, results=results, index=f"# T\n\n{cells}")
    book.build()
    panel = book.article("index").one("div.ov-panel", data_tab="jax")
    box = panel.one("div.ov-failure")
    assert box.one("p.admonition-title").text == "ValueError: no <b>such</b> axis"
    assert "This cell failed in JAX, index.md:8." in box.text
    assert "ValueError: no such axis" in box.one("pre").text
    assert panel.one("p.ov-not-executed").text == "Not executed."
    assert book.article("index").all("div.ov-set")[0].all("div.ov-panel", data_tab="pytorch")[0].text.count("fine") == 2


def test_a_page_without_an_environment_says_why_at_its_top(tmp_path: Path) -> None:
    def results(page: str, tab: str, index: int, code: str) -> object:
        return Failure("environment", "no interpreter", "uv is missing") if tab == "jax" else out("fine")

    book = make(tmp_path, results=results, index="# T\n\n```{.python .input}\nx\n```\n")
    book.build()
    note = book.article("index").one("div.ov-only", data_for="jax")
    assert "This page could not be executed in JAX." in note.text


def test_a_book_of_one_framework_has_no_tabs(tmp_path: Path) -> None:
    config = "[project]\nname = plain\n[build]\nuntagged = all\n"
    book = make(tmp_path, config, nothing, index="# T\n\n```{.python .input}\nx\n```\n")
    assert book.build() == []
    page = book.html("index")
    assert page.all("select") == [] and page.all("div.ov-set") == []
    settings, _ = load(tmp_path)
    assert settings is not None and head(settings) == ""


def test_the_generated_style_sheet_shows_panels_by_name_and_a_fallback(tmp_path: Path) -> None:
    make(tmp_path)
    settings, _ = load(tmp_path)
    assert settings is not None
    css = book_css(settings)
    assert 'html[data-tab="jax"] .ov-panel[data-tab="jax"]' in css
    assert 'html[data-tab="jax"] .ov-set:not([data-tabs~="jax"])>.ov-first' in css
    assert '["pytorch", "tensorflow", "jax"]' in head(settings)


def test_a_website_of_one_framework_has_the_numbers_of_the_whole_book(tmp_path: Path) -> None:
    (tmp_path / "p.svg").write_text(PLOT)
    cell = "```{.python .input}\n#@tab TAB\nx\n```\n"
    book = make(
        tmp_path,
        index="# Book\n\n```toc\n:numbered:\na\nb\nc\n```\n",
        a=f"""\
            # A

            :begin_tab:`jax`
            ![Only jax](p.svg)
            :label:`fig_jax`

            $$j$$
            :eqlabel:`eq_jax`
            :end_tab:

            :begin_tab:`pytorch`
            ![Only torch](p.svg)
            :label:`fig_torch`
            :end_tab:

            ![All](p.svg)

            $$a$$
            :eqlabel:`eq_all`

            See :numref:`fig_torch`, :eqref:`eq_all`, :numref:`sec_b`, :numref:`sec_c`.

            {cell.replace("TAB", "all")}
            """.replace("            ", ""),
        b=f"# B\n:label:`sec_b`\n\n{cell.replace('TAB', 'jax')}",
        c=f"# C\n:label:`sec_c`\n\n{cell.replace('TAB', 'pytorch')}",
    )
    shown = []
    for tabs in ((), ("jax",)):
        assert book.build(tabs=tabs) == []
        article = book.article("a")
        captions = {
            fig.one("span.caption-text").text: fig.one("span.caption-number").text for fig in article.all("figure")
        }
        shown.append((captions, [p.text for p in article.all("p") if p.text.startswith("See ")]))
    assert shown[1][1] == shown[0][1] == ["See Figure 1.1, (1.2), Chapter 2, Chapter 3."]
    assert shown[0][0] == {"Only torch": "Figure 1.1", "Only jax": "Figure 1.2", "All": "Figure 1.3"}
    assert shown[1][0] == {"Only jax": "Figure 1.2", "All": "Figure 1.3"}
    # what lacks the framework is reached by references only, and says so
    assert [a.text for a in book.html("a").one("div.sidebar-tree").all("a")] == ["1. A", "2. B"]
    assert "This page is for PyTorch only." in book.article("c").text
    assert book.html("a").all("select") == []


def test_the_tables_of_contents_hold_what_each_framework_has(tmp_path: Path) -> None:
    cell = "```{.python .input}\n#@tab jax, pytorch\nx\n```\n"
    pages = {"one__a": f"# A\n\n{cell}", "two__b": f"# B\n\n{cell}", "two__c": "# C\n"}
    pages |= {"one__index": "# One\n\n```toc\na\n```\n", "two__index": "# Two\n\n```toc\nb\nc\n```\n"}
    book = make(tmp_path, index="# Book\n\n```toc\none/index\ntwo/index\n```\n", **pages)
    assert book.build() == []
    entries = {li.all("a")[0].text: li.attributes.get("data-tabs") for li in book.html("index").all("li")}
    assert entries == {"One": None, "A": "jax pytorch", "Two": None, "B": "jax pytorch", "C": None}
    settings, _, _ = book.sources()
    assert 'html[data-tab="tensorflow"] li[data-tabs]:not([data-tabs~="tensorflow"])' in book_css(settings)
    # who is on such a page sees where
    here = book.html("one/a").one("div.sidebar-tree").one("li.current-page")
    assert "data-tabs" not in here.attributes


def test_what_stands_in_a_panel_is_in_the_contents_for_its_own_readers(tmp_path: Path) -> None:
    book = make(
        tmp_path,
        index="""\
            # Title

            ## Open

            Words.

            :begin_tab:`jax`
            ```eval_rst
            .. py:function:: swim()
            ```
            :end_tab:
            """,
    )
    assert book.build() == []
    page = (book.site / "index.html").read_text(encoding="utf-8")
    assert '<li data-tabs="jax"><a class="reference internal" href="#swim">' in page
    assert '<li><a class="reference internal" href="#open">' in page
