"""Labels, numbers, citations, figures, tables: what refers to what, and the messages when it does not."""

import posixpath
from pathlib import Path

from render_books import CONFIG, PLOT, make

from octavo.diagnostics import Code, Diagnostic, Severity
from octavo.source.links import check

BIB = """\
@article{lovelace1843, author={Lovelace, Ada}, title={Notes on the Engine}, year={1843}, journal={Memoirs}}
@article{three2001, author={Alpha, A. and Beta, B. and Gamma, C.}, title={Of Three}, year={2001}, journal={J}}
@article{unused1999, author={Nobody, N.}, title={Unused}, year={1999}, journal={J}}
"""

INDEX = """\
    # Book

    ```toc
    preface
    ```

    ```toc
    :numbered:
    one/index
    two/index
    ```

    ```toc
    references
    ```
    """


def place(diagnostic: Diagnostic) -> tuple[str, int]:
    assert diagnostic.span is not None
    return diagnostic.span.path, diagnostic.span.line


def numbered_book(root: Path, **more: str) -> object:
    (root / "d2l.bib").write_text(BIB)
    (root / "img").mkdir()
    (root / "img/curve.svg").write_text(PLOT)
    return make(
        root,
        index=INDEX,
        preface="# Preface\n:label:`sec_preface`\n\nBefore :numref:`sec_words`.\n",
        one__index="# One\n:label:`chap_one`\n\n```toc\nwords\n```\n",
        one__words="""\
            # Words
            :label:`sec_words`

            ## Deeper
            :label:`subsec_deeper`

            ![A *falling* curve of $n$.](../img/curve.svg)
            :width:`300px`
            :label:`fig_curve`

            :Things and numbers
            :label:`tab_things`

            | a | b |
            |---|---|
            | 1 | 2 |

            $$a = b$$
            :eqlabel:`eq_ab`
            """,
        two__index=more.get(
            "two",
            """\
            # Two

            See :numref:`chap_one`, :numref:`sec_words`, :numref:`subsec_deeper`, :numref:`fig_curve`,
            :numref:`tab_things`, :eqref:`eq_ab`, :ref:`sec_words`, :numref:`sec_preface`,
            :numref:`eq_ab`, :ref:`these words <sec_words>`.
            By :cite:`lovelace1843,three2001` and :citet:`three2001`.
            """,
        ),
        references="# References\n\n:bibliography:`../d2l.bib`\n",
    )


def test_numbers_are_given_once_for_the_book(tmp_path: Path) -> None:
    book = numbered_book(tmp_path)
    assert book.build() == []
    links = {a.attributes["href"]: a.text for a in book.article("two/index").all("a.reference")}
    links = {href: text for href, text in links.items() if "references" not in href}
    assert links == {
        "../one/index.html#chap-one": "Chapter 1",
        "../one/words.html#sec-words": "these words",
        "../one/words.html#subsec-deeper": "Section 1.1.1",
        "../one/words.html#fig-curve": "Figure 1.1.1",
        "../one/words.html#tab-things": "Table 1.1.1",
        "../one/words.html#equation-eq-ab": "(1.1.1)",
        "../preface.html#sec-preface": "Preface",
    }
    text = book.article("two/index").text
    assert (
        "Section 1.1, Section 1.1.1, Figure 1.1.1, Table 1.1.1, (1.1.1), Words, Preface, (1.1.1), these words." in text
    )


def test_unnumbered_parts_have_no_number_and_the_order_of_reading_is_the_tables(tmp_path: Path) -> None:
    book = numbered_book(tmp_path)
    book.build()
    titles = {page: book.article(page).one("h1").text.rstrip("¶# ") for page in ("preface", "one/words", "references")}
    assert titles == {"preface": "Preface", "one/words": "1.1. Words", "references": "References"}
    following = {}
    page = "index"
    while True:
        link = book.html(page).all("a.next-page")
        if not link:
            break
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), link[0].attributes["href"]))
        following[page] = page = target.removesuffix(".html")
    assert list(following.values()) == ["preface", "one/index", "one/words", "two/index", "references"]


def test_figures_have_captions_sizes_and_descriptions(tmp_path: Path) -> None:
    book = numbered_book(tmp_path)
    book.build()
    figure = book.article("one/words").one("figure")
    image = figure.one("img")
    assert figure.attributes["id"] == "fig-curve"
    assert image.attributes["alt"] == "A falling curve of n."
    assert image.attributes["style"] == "width: 300px;"
    assert (book.site / "one" / image.attributes["src"]).exists()
    caption = figure.one("figcaption")
    assert caption.text.startswith("Figure 1.1.1 A falling curve of n.")
    assert caption.one("em").text == "falling" and caption.one("math").text == "n"
    assert book.article("one/words").one("table").one("caption").text.startswith("Table 1.1.1 Things and numbers")


def test_citations_name_author_and_year_and_only_what_is_cited_is_listed(tmp_path: Path) -> None:
    book = numbered_book(tmp_path)
    book.build()
    assert "By (Alpha et al., 2001, Lovelace, 1843)" in book.article("two/index").text
    assert "and Alpha et al. (2001)." in book.article("two/index").text
    listed = [entry.text for entry in book.article("references").all("div.citation")]
    assert len(listed) == 2
    assert any("Notes on the engine" in entry for entry in listed)
    assert not any("Unused" in entry for entry in listed)


def test_names_are_the_same_in_the_text_and_in_the_list_whatever_letters_they_have(tmp_path: Path) -> None:
    (tmp_path / "d2l.bib").write_text(
        r"""@book{one, author={Sch{\"o}lkopf, B. and Ram\'on y Cajal, S.}, title={T}, publisher={P}, year={2001}}
@book{two, author={{The {ACM} Group}}, title={T}, publisher={P}, year={2002}}
@misc{three, title={The {ABC} of Na{\"i}vet\'e}, year={2003}}
"""
    )
    text = "# Book\n\n:cite:`one`, :cite:`two`, :cite:`three`\n\n:bibliography:`d2l.bib`\n"
    book = make(tmp_path, index=text)
    assert book.build() == []
    article = book.article("index")
    labels = [label.text for label in article.all("span.label")]
    assert sorted(labels) == sorted(
        f"[{who}]" for who in ("Schölkopf and Ramón y Cajal, 2001", "The ACM Group, 2002", "The ABC of Naïveté, 2003")
    )
    for label in labels:
        assert f"({label.strip('[]')})" in article.text


def test_unknown_labels_are_errors_at_the_authors_own_line_with_the_nearest_name(tmp_path: Path) -> None:
    page = (
        "# Two\n\nA paragraph\nof lines\nsee :numref:`sec_word` here\nand :eqref:`eq_abc` too.\n\n- item :ref:`zzz`\n"
    )
    messages = numbered_book(tmp_path, two=page).build()
    assert [(place(d), d.code, d.severity) for d in messages] == [
        (("two/index.md", 5), Code.UNKNOWN_REFERENCE, Severity.ERROR),
        (("two/index.md", 6), Code.UNKNOWN_REFERENCE, Severity.ERROR),
        (("two/index.md", 8), Code.UNKNOWN_REFERENCE, Severity.ERROR),
    ]
    assert [d.hint for d in messages] == ["did you mean sec_words?", "did you mean eq_ab?", ""]
    assert messages[0].message == "nothing has the label 'sec_word'"
    assert messages[0].span is not None and messages[0].span.column == 14


def test_unknown_citations_are_errors_with_the_nearest_key(tmp_path: Path) -> None:
    messages = numbered_book(tmp_path, two="# Two\n\nBy\n:cite:`lovelace1834`.\n").build()
    (message,) = messages
    assert (message.code, place(message)) == (Code.UNKNOWN_CITATION, ("two/index.md", 4))
    assert message.hint == "did you mean lovelace1843?"


def test_an_entry_that_no_page_lists_is_told_of_as_that(tmp_path: Path) -> None:
    (tmp_path / "d2l.bib").write_text("@book{k1, author={Ada One}, title={T}, publisher={P}, year={1999}}\n")
    book = make(tmp_path, CONFIG + "[pdf]\nbibfile = d2l.bib\n", index="# T\n\n:cite:`k1`\n")
    (message,) = book.build()
    assert message.message == "no page lists the entry 'k1'" and ":bibliography:`d2l.bib`" in message.hint


def test_a_citation_that_no_key_can_be_read_from_stays_visible(tmp_path: Path) -> None:
    book = numbered_book(tmp_path, two="# Two\n\nBy :cite:`Van- Lovelace`, :cite:`{a}` and :cite:`,`.\n")
    messages = book.build()
    assert {(m.code, place(m)) for m in messages} == {(Code.UNKNOWN_CITATION, ("two/index.md", 3))}
    assert book.article("two/index").text.endswith("and ,.")


def test_a_bibliography_that_cannot_be_read_is_reported_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "d2l.bib").write_text("@book{one,\n title={T}\n author={A}}\n")
    messages = make(tmp_path, index="# T\n\n:cite:`one`\n").build()
    assert [(d.code, place(d)) for d in messages] == [
        (Code.MARKUP, ("d2l.bib", 3)),
        (Code.UNKNOWN_CITATION, ("index.md", 3)),
    ]


def test_unknown_roles_keep_their_words(tmp_path: Path) -> None:
    page = "# T\n\nA :numreff:`sec_x` and a {nope}`word` and :func:`d2l.train`.\n"
    book = make(tmp_path, index=page)
    messages = book.build()
    assert [(d.code, place(d)) for d in messages] == [(Code.UNKNOWN_ROLE, ("index.md", 3))] * 2
    assert "A sec_x and a word and d2l.train." in book.article("index").text


def test_missing_pictures_and_such_outside_of_the_book_are_reported(tmp_path: Path) -> None:
    (tmp_path / "book/img").mkdir(parents=True)
    (tmp_path / "book/img/tree.svg").write_text(PLOT)
    (tmp_path / "secret.svg").write_text(PLOT)
    page = "# T\n\n![Tree](img/trees.svg)\n\n![Out](../secret.svg)\n\n![Far](https://example.org/x.png)\n"
    book = make(tmp_path / "book", index=page)
    first, second, third = book.build()
    assert (first.code, place(first)) == (Code.MISSING_FILE, ("index.md", 3))
    assert first.hint == "did you mean tree.svg?"
    assert (second.code, second.message) == (Code.MISSING_FILE, "../secret.svg leads out of the book")
    assert third.severity is Severity.WARNING
    article = book.article("index")
    assert article.all("img") == []
    assert not list(book.site.rglob("secret.svg"))
    assert "Tree" in article.text and "Out" in article.text and "Far" in article.text


def test_no_link_publishes_a_file_that_is_none_of_the_books(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "book/sub").mkdir(parents=True)
    (tmp_path / "book/ours.txt").write_text("ours")
    (tmp_path / "book/sub/link.txt").symlink_to(tmp_path / "secret.txt")
    page = "# T\n\n[a](../ours.txt)\n\n[b](../../secret.txt)\n\n[c](path:../../secret.txt)\n\n[d](link.txt)\n"
    book = make(tmp_path / "book", index="# T\n\n```toc\nsub/page\n```\n", sub__page=page)
    messages = {d.span.line: d.message for d in book.build() if d.span}
    assert messages[5] == messages[7] == "../../secret.txt leads out of the book"
    assert 3 not in messages and 9 in messages
    assert [file.read_text() for file in (book.site / "_downloads").rglob("*.txt")] == ["ours"]


def test_names_that_no_file_can_have_are_reported_like_others(tmp_path: Path) -> None:
    long = "a" * 5000
    book = make(tmp_path, index=f"# T\n\n![p](a%00b.png)\n\n[q](%00.md)\n\n![r]({long}.png)\n\n[s]({long}.md)\n")
    assert [d.span.line for d in book.build() if d.span] == [3, 5, 7, 9]


def test_a_title_that_does_not_exist_cannot_be_shown(tmp_path: Path) -> None:
    (tmp_path / "p.svg").write_text(PLOT)
    page = "# T\n\n![](p.svg)\n:label:`fig_plain`\n\nSee :ref:`fig_plain` and :ref:`this <fig_plain>`.\n"
    *_, message = make(tmp_path, index=page).build()
    assert message.message == "what has the label 'fig_plain' has no title or number to show"


def test_one_label_in_two_places_is_reported_once(tmp_path: Path) -> None:
    index = "# T\n:label:`sec_same`\n\n$$x$$\n:eqlabel:`eq_same`\n\n```toc\nother\n```\n"
    book = make(tmp_path, index=index, other="# O\n:label:`sec_same`\n\n$$y$$\n:eqlabel:`eq_same`\n")
    settings, pages, _ = book.sources()
    twice = [(Code.DUPLICATE_LABEL, ("other.md", 2)), (Code.DUPLICATE_LABEL, ("other.md", 5))]
    assert [(d.code, place(d)) for d in check(pages, settings)] == twice
    assert book.build() == []


def test_a_label_without_a_caption_has_a_number(tmp_path: Path) -> None:
    (tmp_path / "p.svg").write_text(PLOT)
    tables = "|A|\n|-|\n|1|\n:label:`tab_bare`\n\n|B|\n|-|\n|2|\n\n![](p.svg)\n:label:`fig_bare`\n"
    book = make(tmp_path, index=f"# T\n\n{tables}\nSee :numref:`tab_bare` and :numref:`fig_bare`.\n")
    assert book.build() == []
    article = book.article("index")
    assert [span.text for span in article.all("span.caption-number")] == ["Table 1", "Figure 1"]
    assert "See Table 1 and Figure 1." in article.text


def test_an_entry_that_lacks_a_field_shows_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "d2l.bib").write_text("\n@book{k, author={Eve One},\n title={The Tale}, year={1901}}\n")
    book = make(tmp_path, index="# T\n\n:cite:`k`\n\n:bibliography:`d2l.bib`\n")
    (message,) = book.build()
    assert (message.code, place(message)) == (Code.MARKUP, ("d2l.bib", 2))
    assert message.message == "the bibliography's entry 'k' has no publisher, so the list shows what it has"
    text = book.article("index").text
    assert "(One, 1901)" in text and "Eve One. The tale. 1901." in text
    assert book.build() == [message]


def test_an_unknown_citation_shows_its_key(tmp_path: Path) -> None:
    book = numbered_book(tmp_path, two="# Two\n\nBy :cite:`nobody` and :cite:`lovelace1843,noone`.\n")
    assert {d.code for d in book.build()} == {Code.UNKNOWN_CITATION}
    assert "By nobody and (Lovelace, 1843) noone." in book.article("two/index").text


def test_a_list_of_references_holds_what_its_own_file_has(tmp_path: Path) -> None:
    for name, year in (("one", 1901), ("two", 1902)):
        entry = f"@book{{{name}, author={{Eve {name.title()}}}, title={{T}}, publisher={{P}}, year={{{year}}}}}\n"
        (tmp_path / f"{name}.bib").write_text(entry)
    index = "# Book\n\n```toc\na\nb\n```\n"
    book = make(
        tmp_path,
        index=index,
        a="# A\n\n:cite:`one`\n\n:bibliography:`one.bib`\n",
        b="# B\n\n:cite:`two` :cite:`one`\n\n:bibliography:`two.bib`\n",
    )
    settings, pages, _ = book.sources()
    assert list(check(pages, settings)) == []
    assert book.build() == []
    assert [len(book.article(page).all("div.citation")) for page in ("a", "b")] == [1, 1]
    assert "Eve One" in book.article("a").text and "Eve Two" in book.article("b").text


def test_messages_are_repeated_by_the_next_build(tmp_path: Path) -> None:
    book = make(tmp_path, CONFIG, index="# T\n\n:ref:`nowhere` and $\\bad$.\n")
    first = book.build()
    assert {d.code for d in first} == {Code.UNKNOWN_REFERENCE, Code.BAD_MATH}
    assert book.build() == first
