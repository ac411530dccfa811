"""The front page, and what stands around every page: own HTML, links, announcement, versions and languages."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from render_books import CONFIG, Element, MiniBook, make

from octavo.diagnostics import Code
from octavo.render.frame.icons import icon

OWN = """\
<head>
<link rel="stylesheet" href="https://fonts.example.org/f.css">
<style>
h1 { display: none; } .tile { width: 50%; background: url(pics/a%20b.png); }
@keyframes turn { from { opacity: 0 } to { opacity: 1 } }
@media (max-width: 600px) { .tile { width: 100%; } }
</style>
</head>
<!-- <img src="pics/forgotten.png"> -->
<div class="mdl-grid"><div class="mdl-cell mdl-cell--4-col tile"><h2>A Mini Book</h2>
<p>Interactive, with <b>code</b> and much more.</p>
<a href="a.html">Go</a> <a href="https://example.org/"><img src="pics/a b.png"></a></div>
<div class="mdl-cell mdl-cell--8-col content"><img src="./pics/a%20b.png"><img src="pics/none.png"></div></div>
<button class="collapsible" id="more">More</button><p id="more">Hidden</p>
<script>document.getElementById("more").addEventListener("click", function () { this.textContent = "Less"; });</script>
<script async src="https://buttons.example.org/b.js"></script>
"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 30" width="90" height="30"><path d="M0 0h9v9z"/></svg>'
PAGES = {
    "index": "# A Mini Book\n\n```eval_rst\n.. raw:: html\n   :file: frontpage.html\n```\n\n```toc\na\nfolder/b\n```\n",
    "a": "# A\n\nWords.\n",
    "folder__b": "# B\n\nWords.\n",
}


def old_book(root: Path, config: str = CONFIG, own: str = OWN, place: str = "static/frontpage") -> MiniBook:
    (root / place / "pics").mkdir(parents=True)
    (root / place / "pics/a b.png").write_bytes(b"\x89PNG picture")
    (root / place / "frontpage.html").write_text(own, encoding="utf-8")
    return make(root, config, **PAGES)


def told(book: MiniBook, **options: Any) -> list[tuple[Code, str, int]]:
    return [(d.code, d.span.path, d.span.line) for d in book.build(**options) if d.span]


# -- own HTML


def test_own_html_of_an_old_book_is_found_and_made_fit(tmp_path: Path) -> None:
    book = old_book(tmp_path)
    path = "static/frontpage/frontpage.html"
    assert told(book) == [
        (Code.THIRD_PARTY, path, 2), (Code.MISSING_FILE, path, 13), (Code.THIRD_PARTY, path, 16),
    ]  # fmt: skip
    front = book.article("index").one("div.ov-front")
    pictures = [book.site / image.attributes["src"].replace("%20", " ") for image in front.all("img")]
    assert [picture.read_bytes() for picture in pictures] == [b"\x89PNG picture"] * 2
    assert [script.attributes.get("src") for script in front.all("script")] == [None]
    assert [a.attributes["href"] for a in front.all("a")] == ["a.html", "https://example.org/"]
    assert front.all("a")[1].attributes["aria-label"] == "example.org"
    ids = [e.attributes["id"] for e in front.all("") if "id" in e.attributes]
    assert ids == ["more"]
    assert "forgotten" not in (book.site / "index.html").read_text(encoding="utf-8")
    assert "ov-front-heads" in front.classes
    # said again by a build that reads nothing
    assert len(told(book)) == 3
    assert book.read == []


def test_a_picture_of_own_html_that_changes_is_copied_again(tmp_path: Path) -> None:
    book = old_book(tmp_path)
    book.build()
    (tmp_path / "static/frontpage/pics/a b.png").write_bytes(b"\x89PNG another")
    book.build()
    assert book.read == ["index"]
    image = book.article("index").one("div.ov-front").all("img")[0]
    assert (book.site / image.attributes["src"].replace("%20", " ")).read_bytes() == b"\x89PNG another"


def test_own_html_from_the_settings_stands_below_the_title(tmp_path: Path) -> None:
    config = CONFIG + "[front]\nhtml = own/frontpage.html\n"
    book = old_book(tmp_path, config, "<p>Only these words.</p>", "own")
    book.write(index="# A Mini Book\n\nThe text.\n\n```toc\na\nfolder/b\n```\n")
    assert book.build() == []
    text = book.article("index").text
    assert text.index("A Mini Book") < text.index("Only these words.") < text.index("The text.")
    (tmp_path / "config.ini").write_text(CONFIG, encoding="utf-8")
    assert book.build() == []
    assert "Only these words." not in book.article("index").text


def test_a_front_page_without_its_file_says_so(tmp_path: Path) -> None:
    book = make(tmp_path, **PAGES)
    settings, found, _ = book.sources()
    from octavo.source import links

    assert [d.code for d in links.check(found, settings)] == [Code.MISSING_FILE]
    assert "A Mini Book" in (book.build(), book.article("index").text)[1]


@pytest.mark.parametrize(
    "own",
    [
        '<img src="pics/a%20b.png" srcset="pics/x.png 1x, https://evil.example/a.png 2x">',
        '<picture><source srcset="//evil.example/a.webp"><img src="pics/a%20b.png"></picture>',
        "<p style=\"background: url('https://evil.example/a.png')\">Words</p>",
        '<table background="https://evil.example/a.png"><tr><td>Words</table>',
        '<svg><image href="https://evil.example/a.png"/></svg>',
        '<svg><use xlink:href="https://evil.example/a.svg#b"/></svg>',
    ],
)
def test_own_html_fetches_nothing_by_attributes_that_are_easily_overlooked(tmp_path: Path, own: str) -> None:
    book = old_book(tmp_path, own=f'<p>Words\n</p>{own}<a href="a.html" ping="https://evil.example/">A</a>')
    assert told(book) == [(Code.THIRD_PARTY, "static/frontpage/frontpage.html", 2)]
    assert "evil" not in (book.site / "index.html").read_text(encoding="utf-8")


def test_own_html_leads_to_no_file_outside_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"secret")
    book = old_book(tmp_path, own='<img src="../../secret.png"><img src="%2e%2e/%2e%2e/secret.png"><p>Words</p>')
    assert [code for code, _, _ in told(book)] == [Code.MISSING_FILE] * 2
    assert not [file for file in book.site.rglob("*") if file.is_file() and file.read_bytes() == b"secret"]


def test_own_html_that_cannot_be_read_well_is_told_of(tmp_path: Path) -> None:
    own = '<p>A</p>\n<a href="https://["><img src="%00"></a><style>a { background: url(https://[) }</style>'
    book = old_book(tmp_path, own=own)
    (tmp_path / "static/frontpage/frontpage.html").write_bytes(own.encode() + b"\xff")
    path = "static/frontpage/frontpage.html"
    wanted = [(Code.MARKUP, path, 2), (Code.MISSING_FILE, path, 2), (Code.THIRD_PARTY, path, 2)]
    assert sorted(told(book), key=str) == sorted(wanted, key=str)


# -- the top of the front page, and what stands around every page

AROUND = (
    CONFIG
    + """\
release = 2.0
[html]
html_logo = static/logo.svg
announcement = **New** is [A](a.md) & <b>not</b> [this](javascript:alert(1))
versions = 2.0, https://book.example.org/2
           1.0, https://book.example.org/1/
languages = English, https://book.example.org/2, en
            中文, https://zh.example.org, zh
header_links = Code, https://github.com/x/y, fab fa-github,
               Inside, a.html, fas fa-file-pdf
               Bad, javascript:alert(1), fas fa-bug
[front]
line = A line of "words" & <more>.
picture = static/logo.svg
links = Begin, a.html, fas fa-book
        Elsewhere, https://example.org
"""
)
AROUND = (
    AROUND.replace("[build]", "[build]", 1)
    .replace("release = 2.0\n", "", 1)
    .replace("name = mini", "name = mini\nrelease = 2.0")
)


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> MiniBook:
    root = tmp_path_factory.mktemp("around")
    (root / "static").mkdir()
    (root / "static/logo.svg").write_text(SVG, encoding="utf-8")
    book = make(
        root, AROUND, index="# A Mini Book\n\nText.\n\n```toc\na\nfolder/b\n```\n", a="# A\n", folder__b="# B\n"
    )
    assert [d.code for d in book.build()] == [Code.CONFIG_VALUE]  # the link that is none
    return book


def test_the_front_page_begins_with_what_the_settings_say(around: MiniBook) -> None:
    top = around.article("index").one("div.ov-top")
    assert top.one("h1").text.startswith("A Mini Book")
    assert len(around.article("index").all("h1")) == 1
    assert top.one("p.ov-top-line").text == 'A line of "words" & <more>.'
    assert top.one("p.ov-top-author").text == "The Testers"
    buttons = [(a.text, a.attributes["href"], len(a.all("svg"))) for a in top.all("a.ov-button")]
    assert buttons == [("Begin", "a.html", 1), ("Elsewhere", "https://example.org", 0)]
    picture = top.one("img.ov-top-picture").attributes
    assert (around.site / picture["src"].partition("?")[0]).read_text(encoding="utf-8") == SVG
    assert around.article("a").all("div.ov-top") == []


def test_links_lead_to_the_same_place_from_every_page(around: MiniBook) -> None:
    for page, inside in (("index", "a.html"), ("folder/b", "../a.html")):
        found = around.html(page).one("ul.ov-links").all("a")
        assert [(a.text, a.attributes["href"]) for a in found] == [
            ("Code", "https://github.com/x/y"), ("Inside", inside),
        ]  # fmt: skip
        assert all(len(a.all("svg", aria_hidden="true")) == 1 for a in found)


def test_an_announcement_is_a_line_of_markdown_and_no_html(around: MiniBook) -> None:
    for page, inside in (("index", "./a.html"), ("folder/b", "../a.html")):
        said = around.html(page).one("aside.announcement-content")
        assert said.text == "New is A & <b>not</b> [this](javascript:alert(1))"
        assert [a.attributes["href"] for a in said.all("a")] == [inside]
        assert said.one("strong").text == "New"


def test_versions_and_languages_lead_to_the_same_page(around: MiniBook) -> None:
    choices = around.html("folder/b").all("details.ov-edition")
    assert [choice.one("summary").text for choice in choices] == ["Version 2.0", "Language English"]
    others = [choice.one("ul").one("a").attributes for choice in choices]
    assert others[0]["href"] == "https://book.example.org/1/folder/b.html"
    assert others[1] == {"href": "https://zh.example.org/folder/b.html", "hreflang": "zh", "lang": "zh"}
    front = around.html("index").all("details.ov-edition")[0]
    assert front.one("ul").one("a").attributes["href"] == "https://book.example.org/1/"


def test_a_wide_logo_stands_for_the_title(around: MiniBook) -> None:
    brand: Element = around.html("a").one("a.sidebar-brand")
    assert brand.one("img").attributes["alt"] == "A Mini Book"
    assert brand.all("span.sidebar-brand-text") == []


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("analytics = https://stats.example.org/tracker.js", Code.CONFIG_VALUE),
        ("versions = 1.0", Code.CONFIG_VALUE),
        ("languages = English, javascript:alert(1), en", Code.CONFIG_VALUE),
        ("image = none.png", Code.MISSING_FILE),
    ],
)
def test_settings_that_do_not_fit_are_named(tmp_path: Path, setting: str, code: Code) -> None:
    book = make(tmp_path, f"{CONFIG}[html]\n{setting}\n", index="# Book\n")
    assert [(d.code, d.span.line if d.span else 0) for d in book.sources()[2]] == [(code, 9)]


@pytest.mark.parametrize(
    "classes", ["fab fa-github", "fas fa-file-pdf", "fas fa-unheard-of", "fa fa-external-link-alt"]
)
def test_every_icon_is_a_drawing_of_our_own(classes: str) -> None:
    assert icon(classes).startswith("<svg ")
    assert icon("") == ""


# -- in a browser


@contextmanager
def served(site: Path) -> Iterator[tuple[int, list[tuple[str, str, dict[str, str]]]]]:
    """A server of a website that answers everything else with the page for lost readers, and what it was asked."""
    asked: list[tuple[str, str, dict[str, str]]] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, "", dict(self.headers)))
            super().do_GET()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked.append((self.path, body, dict(self.headers)))
            self.send_response(202)
            self.end_headers()

        def send_error(self, code: int, *arguments: Any) -> None:
            self.send_response(code)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write((site / "404.html").read_bytes())

        def translate_path(self, path: str) -> str:
            return super().translate_path(path.removeprefix("/deep"))

        def log_message(self, *arguments: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, asked
        server.shutdown()


@pytest.mark.browser
class TestInABrowser:
    def test_own_html_keeps_its_styles_to_itself_and_fits_a_phone(self, browser: Any, tmp_path: Path) -> None:
        book = old_book(tmp_path)
        book.build()
        for width in (375, 1400):
            page = browser.new_page(viewport={"width": width, "height": 800})
            asked: list[str] = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.goto((book.site / "index.html").as_uri())
            assert [url for url in asked if not url.startswith("file:")] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            tile, cell = (page.eval_on_selector(css, "e => e.offsetWidth") for css in (".tile", ".ov-front .content"))
            grid = page.eval_on_selector(".ov-front .mdl-grid", "e => e.clientWidth")
            assert (abs(tile - grid) < 2) == (width == 375)
            assert cell <= grid
            # the page's own heading is there for those who listen, and another page's is seen
            assert page.eval_on_selector("article h1", "e => getComputedStyle(e).display") == "block"
            page.click("#more")
            assert page.inner_text("#more") == "Less"
            page.goto((book.site / "a.html").as_uri())
            assert page.is_visible("article h1")
            page.close()

    @pytest.mark.parametrize("path", ["/count", "/api/event"])
    def test_pages_report_without_cookies_and_only_from_who_lets_them(
        self, browser: Any, tmp_path: Path, path: str
    ) -> None:
        config = f"{CONFIG}[html]\nbase_url = http://book.test/deep/\nanalytics = http://stats.test:PORT{path}\n"
        book = make(tmp_path, config.replace(":PORT", ""), index="# Book\n\n```toc\na\n```\n", a="# A\n")
        assert book.build() == []
        with served(book.site) as (port, asked):
            for file in book.site.rglob("*.html"):  # the port is known only now
                text = file.read_text(encoding="utf-8").replace("stats.test/", f"stats.test:{port}/")
                file.write_text(text, encoding="utf-8")
            context = browser.new_context()
            page = context.new_page()
            with page.expect_request(lambda request: "stats.test" in request.url) as found:
                page.goto(f"http://book.test:{port}/deep/a.html?tab=jax")
            found.value.response()
            assert context.cookies() == []
            reports = [one for one in asked if one[0].startswith(path)]
            assert len(reports) == 1
            address, body, headers = reports[0]
            said = body or str(parse_qs(urlsplit(address).query))
            assert "/deep/a.html" in said
            assert "tab=jax" not in said
            assert "Cookie" not in headers
            context.close()
            context = browser.new_context()
            context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })")
            page = context.new_page()
            page.goto(f"http://book.test:{port}/deep/a.html")
            page.wait_for_load_state("networkidle")
            assert len([one for one in asked if one[0].startswith(path)]) == 1
            context.close()

    def test_lost_readers_find_a_page_that_works(self, browser: Any, tmp_path: Path) -> None:
        config = f"{CONFIG}[html]\nbase_url = http://book.test/deep/\n"
        book = make(tmp_path, config, index="# Book\n\n```toc\na\n```\n", a="# A\n")
        book.build()
        with served(book.site) as (port, _):
            page = browser.new_page()
            failed: list[str] = []
            page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
            page.goto(f"http://book.test:{port}/deep/no/such/page.html")
            assert [urlsplit(url).path for url in failed] == ["/deep/no/such/page.html"]
            assert page.inner_text("article h1") == "Page not found"
            page.click("article a")
            assert urlsplit(page.url).path == "/deep/index.html"
            assert page.inner_text("article h1").startswith("Book")
            page.close()
