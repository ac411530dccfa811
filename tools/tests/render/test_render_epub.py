"""A mini-book as EPUB: what stands in the archive, read with Python's own parsers; EPUBCheck judges it too."""

from __future__ import annotations

import base64
import re
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from render_books import PLOT, MiniBook, cut_book, make, out, shown

from octavo.diagnostics import Diagnostic
from octavo.model import Output
from octavo.render.epub import cover
from octavo.render.epub.project import render_epub
from octavo.render.epub.xhtml import fitted as fitted_html
from octavo.render.epub.xhtml import outside
from octavo.render.single import Material

XHTML = "{http://www.w3.org/1999/xhtml}"
OPS = "{http://www.idpf.org/2007/ops}"
OPF = "{http://www.idpf.org/2007/opf}"
MATH = "{http://www.w3.org/1998/Math/MathML}"

CONFIG = """\
[project]
name = mini
title = A Mini <Book> & More
author = The Testers
copyright = 2026, The Testers
release = 1.2
[build]
tabs = pytorch, jax
[html]
base_url = https://mini.test/
"""

INDEX = """\
# A Mini Book

What this book is about.

```{raw} html
<div class="hero"><script>alert(1)</script><h1>Hello</h1><p>For browsers.</p>%s</div>
```

```toc
before
```

```toc
:numbered:

chapter/index
```

```toc
after
```
""" % ("<p>wide and long words of a front page</p>" * 20)

CHAPTER = """\
# First Chapter
:label:`chap_one`

Words before its sections.

```toc
page
mit ümlaut
```
"""

PAGE = r"""# A Page with $x^2$ in Its Title
:label:`sec_page`

A paragraph holds $$\frac{a}{b}$$ and goes on, as :numref:`fig_art` and :eqref:`eq_one` say.[^why] See
:numref:`sec_other`, [elsewhere](https://example.com/a|b?q={x}#y#z) and [nowhere](javascript:alert(1)).

[^why]: Because **notes** are open here.

$$\{\textrm{dog}, \textbf{cat}\}$$
:eqlabel:`eq_one`

![A drawing with *words*.](../img/art.svg)
:width:`60%`
:label:`fig_art`

![](../img/lies.png) and ![Broken](../img/broken.svg)

Press <kbd>Ctrl</kbd> & <b>go, <nobr>x</nobr>.

<center><font color="red">old</font><br>words</center>

One line<br>and another.

<iframe src="https://films.test/1?a=b" width="560"></iframe>

:The table
:label:`tab_one`

| a | b |
|---|--:|
| 1 | 2 |

## Inside `code`

```{.python .input}
#@tab pytorch
print("torch <&>")
```

```{.python .input}
#@tab jax
print("jax only")
```

:begin_tab:`jax`
Prose that only readers of JAX see.
:end_tab:

```{.python .input}
#@tab all
plot()
```
"""

HTML = (
    '<table border="1" class="dataframe"><thead><tr><th></th><th>a&nbsp;b</th></tr></thead>'
    '<tbody><tr><th scope="nonsense">0</th><td colspan="x">1<br>2</td></tr></tbody></table>'
    '<li>loose</li><details>no summary</details><a href="gone.html">gone</a><p id="x">open<p id="x">again'
)
ART = """<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" [
<!ENTITY ns "http://www.w3.org/2000/svg">
]>
<svg xmlns="&ns;" viewBox="0 0 30 20" width="30" height="20"><script>alert(1)</script>
<path id="space"/><a class="k" target="_top" href="#x"><text x="2" y="15">H\xe4t</text></a></svg>
"""


def printed(page: str, tab: str, index: int, code: str) -> tuple[Output, ...]:
    if "plot" in code:
        return (*shown(image_svg=PLOT, text_plain="<Figure>"), *shown(text_html=HTML, text_plain="a"))
    lines = "".join(f"line {n}\n" for n in range(60))
    return out(f"bell \x07 and \x1b[31mred\x1b[0m & <tag>\n{lines}")


@dataclass
class Made:
    """An EPUB, its files, and what was said when it was made."""

    file: Path
    files: Mapping[str, bytes]
    messages: list[Diagnostic]

    def text(self, name: str) -> str:
        return self.files[f"EPUB/{name}"].decode()

    def page(self, name: str) -> ElementTree.Element:
        return ElementTree.fromstring(self.files[f"EPUB/{name}"])

    @property
    def package(self) -> ElementTree.Element:
        return self.page("package.opf")

    @property
    def spine(self) -> list[str]:
        items = {item.attrib["id"]: item.attrib["href"] for item in self.package.iter(f"{OPF}item")}
        return [items[ref.attrib["idref"]] for ref in self.package.iter(f"{OPF}itemref")]


def mini(root: Path) -> MiniBook:
    root.mkdir(exist_ok=True)
    book = make(root, CONFIG, printed, index=INDEX, chapter__index=CHAPTER, chapter__page=PAGE)
    book.write(before="# Before\n\nWords.\n", after="# After\n\nWords.\n", d2l="# Loose\n")
    book.write(**{"chapter__mit ümlaut": "# Other\n:label:`sec_other`\n\nSee :numref:`chap_one`.\n"})
    (root / "img").mkdir()
    (root / "img/art.svg").write_text(ART, encoding="latin-1")
    (root / "img/lies.png").write_bytes(b"\xff\xd8\xff\xe0 a photograph")
    (root / "img/broken.svg").write_text("<svg", encoding="utf-8")
    return book


def bind(book: MiniBook, tab: str = "pytorch") -> Made:
    settings, pages, diagnostics = book.sources()
    editions, runs = cut_book(pages, settings, book.results)
    material = Material(pages, settings, editions, runs, tab)
    folder = book.root / "_build"
    made = render_epub(material, folder / "pages" / tab, folder / "single" / tab, diagnostics)
    assert made.complete
    with zipfile.ZipFile(made.file) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return Made(made.file, files, list(diagnostics))


@pytest.fixture(scope="module")
def epub(tmp_path_factory: pytest.TempPathFactory) -> Made:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1767225600")
        return bind(mini(tmp_path_factory.mktemp("epub") / "book"))


@pytest.fixture
def page(epub: Made) -> ElementTree.Element:
    return epub.page("chapter/page.xhtml")


def texts(page: ElementTree.Element, tag: str) -> list[str]:
    return [" ".join("".join(e.itertext()).split()) for e in page.iter(f"{XHTML}{tag}")]


# -- the archive and the package


def test_archive_begins_with_its_type_and_has_no_time(epub: Made) -> None:
    with zipfile.ZipFile(epub.file) as archive:
        first, *others = archive.infolist()
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert {entry.date_time for entry in (first, *others)} == {(1980, 1, 1, 0, 0, 0)}
    assert epub.file.read_bytes()[30:58] == b"mimetypeapplication/epub+zip"


def test_same_book_is_same_file_wherever_it_lies(epub: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    assert bind(mini(tmp_path / "elsewhere")).file.read_bytes() == epub.file.read_bytes()


def test_every_file_is_named_and_every_page_is_read(epub: Made) -> None:
    named = {item.attrib["href"]: item.attrib["media-type"] for item in epub.package.iter(f"{OPF}item")}
    assert {f"EPUB/{name}" for name in named} == set(epub.files) - {
        "mimetype",
        "META-INF/container.xml",
        "EPUB/package.opf",
    }
    pages = [name for name, kind in named.items() if kind == "application/xhtml+xml"]
    assert sorted(epub.spine) == sorted(pages)
    other = next(name for name in epub.spine if name.startswith("chapter/mit-mlaut-"))
    assert epub.spine == [
        "cover.xhtml", "titlepage.xhtml", "nav.xhtml", "index.xhtml", "before.xhtml",
        "chapter/index.xhtml", "chapter/page.xhtml", other, "after.xhtml",
    ]  # fmt: skip


def test_metadata(epub: Made) -> None:
    text = epub.text("package.opf")
    assert "<dc:title>A Mini &lt;Book&gt; &amp; More (PyTorch)</dc:title>" in text
    assert "<dc:creator>The Testers</dc:creator>" in text and "<dc:language>en</dc:language>" in text
    assert '<meta property="dcterms:modified">2026-01-01T00:00:00Z</meta>' in text
    assert '<meta property="schema:accessibilityFeature">MathML</meta>' in text
    assert "alternativeText" not in text and "accessibilitySummary" not in text  # a picture has no description
    assert '<meta property="schema:accessModeSufficient">textual,visual</meta>' in text
    assert "A Mini &lt;Book&gt; &amp; More" in epub.text("titlepage.xhtml")
    assert 'href="https://mini.test/?tab=pytorch"' in epub.text("titlepage.xhtml")


def test_editions_are_different_books(epub: Made) -> None:
    book = MiniBook(epub.file.parents[3], printed)
    other = bind(book, "jax")
    identifiers = {re.search("urn:uuid:[^<]*", made.text("package.opf"))[0] for made in (epub, other)}
    assert len(identifiers) == 2
    assert "only readers of JAX" in other.text("chapter/page.xhtml")
    assert "torch &lt;" not in other.text("chapter/page.xhtml")


def test_contents_in_both_forms(epub: Made) -> None:
    nav = [
        (" ".join("".join(a.itertext()).split()), a.attrib["href"])
        for a in next(epub.page("nav.xhtml").iter(f"{XHTML}nav")).iter(f"{XHTML}a")
    ]
    assert nav[:5] == [
        ("About this book", "index.xhtml"),
        ("Before", "before.xhtml"),
        ("1. First Chapter", "chapter/index.xhtml"),
        ("1.1. A Page with x2 in Its Title", "chapter/page.xhtml"),
        ("1.1.1. Inside code", "chapter/page.xhtml#inside-code"),
    ]
    ncx = epub.text("toc.ncx")
    assert re.findall(r'<content src="([^"]*)"', ncx) == [address for _, address in nav]


def test_landmarks(epub: Made) -> None:
    marks = {a.get(f"{OPS}type"): a.attrib["href"] for a in epub.page("nav.xhtml").iter(f"{XHTML}a")}
    assert marks["bodymatter"] == "chapter/index.xhtml" and marks["toc"] == "nav.xhtml#toc"
    kinds = [re.search('<body epub:type="([^"]*)"', epub.text(name))[1] for name in epub.spine[3:]]
    assert kinds == ["frontmatter", "frontmatter", "bodymatter", "bodymatter", "bodymatter", "backmatter"]


# -- what pages say


def test_formulas_are_mathml_with_words(epub: Made, page: ElementTree.Element) -> None:
    formulas = list(page.iter(f"{MATH}math"))
    assert len(formulas) == 3
    assert [formula.get("alttext") for formula in formulas][1] == r"\frac{a}{b}"
    assert not list(page.iter(f"{MATH}annotation"))
    inside = {element.tag for formula in formulas for element in formula.iter()}
    assert all(tag.startswith(MATH) for tag in inside)
    cat = next(e for e in page.iter(f"{MATH}mtext") if e.text == "cat")
    assert cat.get("mathvariant") == "bold"
    item = next(i for i in epub.package.iter(f"{OPF}item") if i.attrib["href"] == "chapter/page.xhtml")
    assert item.get("properties") == "mathml"
    assert not any(list(p.iter(f"{XHTML}div")) for p in page.iter(f"{XHTML}p"))


def test_numbers_and_references(epub: Made, page: ElementTree.Element) -> None:
    assert texts(page, "h1")[0].startswith("1.1. A Page with") and texts(page, "h2") == ["1.1.1. Inside code"]
    assert texts(page, "figcaption") == ["Figure 1.1.1 A drawing with words."]
    assert texts(page, "caption") == ["Table 1.1.1 The table"]
    links = {" ".join("".join(a.itertext()).split()): a.get("href") for a in page.iter(f"{XHTML}a")}
    assert links["Figure 1.1.1"] == "#fig-art" and links["(1.1.1)"] == "#equation-eq-one"
    assert re.fullmatch(r"mit-mlaut-\w{8}\.xhtml#sec-other", links["Section 1.2"])
    assert links["elsewhere"] == "https://example.com/a%7Cb?q=%7Bx%7D#y%23z"
    assert "nowhere" not in links and "nowhere" in "".join(page.itertext())


def test_notes_open_where_they_are_called(page: ElementTree.Element) -> None:
    reference = next(a for a in page.iter(f"{XHTML}a") if a.get(f"{OPS}type") == "noteref")
    note = next(e for e in page.iter(f"{XHTML}aside") if e.get(f"{OPS}type") == "footnote")
    assert reference.get("href") == f"#{note.get('id')}" and "notes are open" in "".join(note.itertext())


def test_code_is_text_and_outputs_are_whole(page: ElementTree.Element) -> None:
    blocks = ["".join(pre.itertext()) for pre in page.iter(f"{XHTML}pre")]
    assert blocks[0] == 'print("torch <&>")\n'
    printed_text = "".join(blocks[1:4])
    assert "\x07" not in printed_text and "red & <tag>" in printed_text
    assert re.findall(r"line (\d+)", printed_text) == [str(n) for n in range(60)]


def test_html_of_outputs_keeps_to_the_rules(epub: Made, page: ElementTree.Element) -> None:
    result = next(e for e in page.iter(f"{XHTML}div") if e.get("class") == "ov-html")
    tags = [e.tag.removeprefix(XHTML) for e in result.iter()]
    assert "li" not in tags and "details" not in tags and "a" not in tags and "table" in tags
    assert not result.findall(".//*[@colspan]") and not result.findall(".//*[@border]")
    assert "a\u00a0b" in "".join(result.itertext()) and "gone" in "".join(result.itertext())
    idents = [e.attrib["id"] for e in page.iter() if "id" in e.attrib]
    assert len(idents) == len(set(idents))


def test_pictures_are_what_they_are_called(epub: Made, page: ElementTree.Element) -> None:
    held = {item.attrib["href"]: item.attrib["media-type"] for item in epub.package.iter(f"{OPF}item")}
    photograph = next(name for name, kind in held.items() if kind == "image/jpeg")
    assert photograph.endswith(".jpg")
    art = epub.text("_images/img-art.svg")
    assert "DOCTYPE" not in art and "script" not in art and "Hät" in art and 'd="M0 0"' in art
    assert 'encoding="utf-8"' in art or "encoding" not in art
    assert '<g class="k">' in art.replace("svg:", "") and not re.search(r"<(?:\w+:)?a\b|href|target", art)
    assert all(image.get("alt") is not None for image in page.iter(f"{XHTML}img"))
    assert not any("broken" in name for name in held)
    lost = [d for d in epub.messages if "broken.svg" in d.message]
    assert len(lost) == 1 and lost[0].span is not None and lost[0].span.path == "chapter/page.md"
    assert "Broken" in "".join(page.itertext())


def test_own_html_loses_what_books_have_not(epub: Made, page: ElementTree.Element) -> None:
    assert "Ctrl" in texts(page, "kbd") and not texts(page, "b")
    assert "center" not in epub.text("chapter/page.xhtml") and "old" in "".join(page.itertext())
    assert "For browsers" not in epub.text("index.xhtml") and "What this book is about" in epub.text("index.xhtml")
    assert not re.search("<script|<iframe|onclick", "".join(epub.text(name) for name in epub.spine))
    assert "One line<br />and another." in epub.text("chapter/page.xhtml")
    assert next(a for a in page.iter(f"{XHTML}a") if "films" in a.get("href", "")).text == "https://films.test/1?a=b"


def test_nothing_is_fetched(epub: Made) -> None:
    for name in epub.spine:
        for element in epub.page(name).iter():
            assert not re.match("https?:|//", element.get("src") or "")
    assert not re.search(r"@import|url\(", epub.text("style.css"))


def test_cover_is_a_picture_with_words(epub: Made) -> None:
    cover = [i for i in epub.package.iter(f"{OPF}item") if "cover-image" in i.get("properties", "")]
    assert len(cover) == 1
    image = next(epub.page("cover.xhtml").iter(f"{XHTML}img"))
    assert image.get("alt") == "A Mini <Book> & More, PyTorch, The Testers"
    assert image.get("src") == cover[0].attrib["href"]


def test_cover_without_the_tool_is_a_drawing(epub: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, _, _ = MiniBook(epub.file.parents[3]).sources()
    monkeypatch.setenv("PATH", str(tmp_path))
    picture, _ = cover.made(settings, "en", "Cover", tmp_path)
    assert (picture.name, picture.kind) == ("_images/octavo-cover.svg", "image/svg+xml")
    assert "Mini <Book>" in "".join(ElementTree.fromstring(picture.content).itertext())


def test_what_says_nothing_to_these_readers_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    book = make(
        tmp_path / "book",
        CONFIG,
        index="# Title\n\n```toc\n:numbered:\n\nother\none\n```\n",
        one="# One\n\nSee :numref:`sec_other`, and [home](index.md).\n",
        other="# Other\n:label:`sec_other`\n\n```{.python .input}\n#@tab jax\n1\n```\n",
    )
    made = bind(book)
    # neither a front page of contents only, nor a page for another framework; numbers are those of the whole book
    assert made.spine == ["cover.xhtml", "titlepage.xhtml", "nav.xhtml", "one.xhtml"]
    text = made.text("one.xhtml")
    assert re.search(r"2\. ?</span>One", text) and "Chapter 1" in text and "home" in text
    assert "other.xhtml" not in text and "index.xhtml" not in text
    about = made.text("package.opf")
    assert "alternativeText" in about and "accessibilitySummary" in about and "describedMath" not in about


# -- parts


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        ("<p>a<div>b</div></p>", '<div class="ov-p">a<div>b</div></div>'),
        ("<h2>a<div>b</div></h2>", "<h2>a<span>b</span></h2>"),
        ("<ul><li>a</li></ul><li>b</li>", "<ul><li>a</li></ul><div>b</div>"),
        ("<ul>a</ul>", "<div>a</div>"),
        ("<p>a</p><table></table>b", '<p>a</p><div class="ov-wide"><table></table></div>b'),
        ('<img src="a.png" loading="lazy" width="1.5"/>', '<img src="a.png" alt="" />'),
        ("a&nbsp;b &amp; &lt;", "a\u00a0b &amp; &lt;"),
        ("<p>open<br>line", "<p>open<br />line</p>"),
        ('<a href="x">a<a href="y">b</a></a>', '<a href="x">a<span>b</span></a>'),
        ("<span></span><td></td>", "<span></span><td></td>"),
        ('<i id="a">1</i><i id="a">2</i><i id="b c">3</i>', '<i id="a">1</i><i>2</i><i>3</i>'),
    ],
)
def test_html_becomes_xhtml(html: str, wanted: str) -> None:
    assert fitted_html(html) == wanted


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("https://a.test/x y", "https://a.test/x%20y"),
        ("//a.test/x", "https://a.test/x"),
        ("https://a.test/100%", "https://a.test/100%25"),
        ("https://[a.test/", None),
        ("javascript:alert(1)", None),
        ("mailto:a@b.test", "mailto:a@b.test"),
        ("http:", None),
    ],
)
def test_addresses(address: str, wanted: str | None) -> None:
    assert outside(address) == wanted


def test_titles_of_any_script_fit_the_cover() -> None:
    size, lines = cover.fitted("動手學深度學習" * 6, 190, 1300, 5)
    assert len(lines) <= 5 and max(map(len, lines)) * size <= 1300
    assert cover.fitted("A Short Title", 190, 1500, 5) == (190, ["A Short Title"])
    assert cover.fitted("A Short Title", 190, 1000, 5) == (190, ["A Short", "Title"])
    size, lines = cover.fitted("Donaudampfschifffahrtsgesellschaftskapitän", 190, 1300, 5)
    assert len(lines) == 1 and size < 80


# -- EPUBCheck


@pytest.mark.slow
def test_epubcheck_finds_nothing(epub: Made, epubcheck: list[str], tmp_path: Path) -> None:
    photograph = tmp_path / "book.epub"  # what only pretends to be one would be found
    with zipfile.ZipFile(epub.file) as old, zipfile.ZipFile(photograph, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(entry, JPEG if entry.filename.endswith(".jpg") else content)
    done = subprocess.run([*epubcheck, str(photograph)], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert "0 fatals / 0 errors / 0 warnings" in said, said


JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////"
    "wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
)
