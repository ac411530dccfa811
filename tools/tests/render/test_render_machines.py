"""What machines read of a site: heads of pages, the map, lists for language models, the page for lost readers."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from urllib.parse import urljoin
from xml.etree import ElementTree

import pytest
from render_books import CONFIG, Element, MiniBook, make
from sphinx.util.inventory import InventoryFile

from octavo.website import Offered

BASE = "https://book.example.org/deep/"
PUBLISHED = CONFIG.replace("author = The Testers", "author = Ada L, Charles B and The Testers") + (
    "[html]\nbase_url = https://book.example.org/deep\nimage = cover.png\nlanguages = English, "
    "https://book.example.org/deep, en\n  中文, https://zh.example.org, zh\n"
)
# one pixel
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364600000000600023081d02f"
    "0000000049454e44ae426082"
)
PAGES = {
    "index": "# A Mini Book\n\nIn short.\n\nThis book tells of \"much\" & <little>, to those who have time.\n\n"
    "```toc\n:numbered:\n\npart/a\npart/b\n```\n",
    "part__a": "# Part </script> A\n\n:begin_tab:`jax`\nWords that are there for some readers, and not for all.\n"
    ":end_tab:\n\n```{.python .input}\nprint(1)\n```\n\n"
    "The square $x^2$ of *every* number is positive, as far as we know.\n\n"
    "![A drawing, the words of which\nare two lines](../img/d.svg)\n:label:`fig_d`\n\n![Dots](../img/dots.png)\n",
    "part__b": "---\ndescription: What the author says.\n---\n# Part B\n\n" + "Many words. " * 60 + "\n\n"
    "```{.python .input}\n#@tab jax\nprint(2)\n```\n",
}  # fmt: skip


def published(root: Path, config: str = PUBLISHED) -> MiniBook:
    (root / "img").mkdir()
    (root / "img/d.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>', encoding="utf-8")
    for name in ("img/dots.png", "cover.png"):
        (root / name).write_bytes(PNG)
    return make(root, config, **PAGES)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> MiniBook:
    built = published(tmp_path_factory.mktemp("machines"))
    assert built.build() == []
    return built


def meta(page: Element) -> dict[str, str]:
    found = page.all("meta")
    return {
        m.attributes.get("name") or m.attributes.get("property", ""): m.attributes.get("content", "") for m in found
    }


def links(page: Element, rel: str) -> list[Element]:
    return [link for link in page.all("link") if link.attributes.get("rel") == rel]


def data(page: Element) -> dict[str, object]:
    script = page.one("script", type="application/ld+json")
    found = json.loads("".join(script.pieces()))
    assert isinstance(found, dict)
    return found


def test_a_page_says_what_it_is_about(book: MiniBook) -> None:
    about = meta(book.html("part/a"))
    assert about["description"] == "The square x^2 of every number is positive, as far as we know."
    assert about["og:description"] == about["description"]
    assert about["og:title"] == "Part </script> A"
    assert about["og:site_name"] == "A Mini Book"
    assert about["og:type"] == "article"
    assert meta(book.html("index"))["description"] == "This book tells of “much” & <little>, to those who have time."
    assert meta(book.html("part/b"))["description"] == "What the author says."


def test_what_is_too_long_is_cut_between_words(tmp_path: Path) -> None:
    long = make(tmp_path, index="# Long\n\n" + "Neverending words " * 40 + "\n")
    long.build()
    description = meta(long.html("index"))["description"]
    assert 150 < len(description) <= 200
    assert description.endswith(("words…", "Neverending…"))


def test_addresses_are_whole_and_pictures_can_be_shown_elsewhere(book: MiniBook) -> None:
    for page, address in (("index", BASE), ("part/a", f"{BASE}part/a.html")):
        assert [link.attributes["href"] for link in links(book.html(page), "canonical")] == [address]
        assert meta(book.html(page))["og:url"] == address
    # of its two pictures, the one that is no SVG; where there is none, the book's
    assert (book.site / meta(book.html("part/a"))["og:image"].removeprefix(BASE)).read_bytes() == PNG
    assert meta(book.html("part/a"))["og:image"].startswith(f"{BASE}_images/")
    assert (book.site / meta(book.html("part/b"))["og:image"].removeprefix(BASE)).read_bytes() == PNG


def test_json_ld_tells_of_book_and_chapter(book: MiniBook) -> None:
    front = data(book.html("index"))
    assert (front["@type"], front["name"], front["url"]) == ("Book", "A Mini Book", BASE)
    assert [(a["@type"], a["name"]) for a in front["author"]] == [
        ("Person", "Ada L"), ("Person", "Charles B"), ("Organization", "The Testers"),
    ]  # fmt: skip
    parts = front["hasPart"]
    assert [(part["position"], part["url"]) for part in parts] == [
        ("1", f"{BASE}part/a.html"), ("2", f"{BASE}part/b.html"),
    ]  # fmt: skip
    chapter = data(book.html("part/a"))
    assert (chapter["@type"], chapter["name"], chapter["position"]) == ("Chapter", "Part </script> A", "1")
    assert chapter["isPartOf"]["@id"] == front["@id"]


def test_the_front_page_names_itself_in_other_languages(book: MiniBook) -> None:
    named = {link.attributes["hreflang"]: link.attributes["href"] for link in links(book.html("index"), "alternate")}
    assert named == {"en": BASE, "zh": "https://zh.example.org/"}
    assert not any("hreflang" in link.attributes for link in links(book.html("part/a"), "alternate"))


def test_the_map_lists_every_page(book: MiniBook) -> None:
    tree = ElementTree.parse(book.site / "sitemap.xml")
    listed = [node.text for node in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert listed == [BASE, f"{BASE}part/a.html", f"{BASE}part/b.html"]
    assert f"Sitemap: {BASE}sitemap.xml" in (book.site / "robots.txt").read_text(encoding="utf-8")


def test_pages_that_nobody_should_find_say_so(book: MiniBook) -> None:
    assert meta(book.html("404"))["robots"] == "noindex"
    assert meta(book.html("search"))["robots"] == "noindex"
    assert "robots" not in meta(book.html("index"))


def test_the_page_for_lost_readers_works_in_every_folder(book: MiniBook) -> None:
    lost = book.html("404")
    assert lost.one("article").one("h1").text == "Page not found"
    addresses = [e.attributes[name] for e in lost.all("") for name in ("href", "src") if name in e.attributes]
    addresses = [address for address in addresses if not address.startswith(("#", "https://"))]
    assert len(addresses) > 5
    for address in addresses:
        path = urljoin(f"{BASE}no/such/folder/page.html", address).partition("#")[0].partition("?")[0]
        assert path.startswith(BASE)
        assert (book.site / path.removeprefix(BASE)).is_file() or path == BASE, address


def test_pages_of_the_author_that_are_called_like_ours_stay_the_authors(tmp_path: Path) -> None:
    pages = {"index": "# T\n\n```toc\nsearch\n404\n```\n", "search": "# S\n\nOwn.\n", "404": "# N\n\nOwn.\n"}
    book = make(tmp_path, CONFIG, **pages)
    assert book.build() == []
    assert "Own." in book.article("search").text
    assert "Own." in book.article("404").text


def test_other_books_find_labels_and_pages(book: MiniBook) -> None:
    inventory = InventoryFile.loads((book.site / "objects.inv").read_bytes(), uri=BASE)
    assert inventory.data["std:doc"]["part/a"].uri == f"{BASE}part/a.html"
    listed = zlib.decompress((book.site / "objects.inv").read_bytes().split(b"\n", 4)[4]).decode().splitlines()
    assert "fig_d std:label -1 part/a.html#fig-d A drawing, the words of which are two lines" in listed
    assert all(len(line.split()) > 4 for line in listed)


def test_without_an_address_nothing_is_made_up(tmp_path: Path) -> None:
    book = published(tmp_path, CONFIG)
    assert book.build() == []
    page = book.html("part/a")
    assert links(page, "canonical") == []
    assert not {"og:url", "og:image"} & set(meta(page))
    assert "url" not in data(page)
    assert not (book.site / "sitemap.xml").exists()
    assert "Sitemap" not in (book.site / "robots.txt").read_text(encoding="utf-8")


def test_files_that_need_an_address_go_with_it(tmp_path: Path) -> None:
    book = published(tmp_path)
    book.build()
    assert (book.site / "sitemap.xml").exists()
    (tmp_path / "config.ini").write_text(CONFIG, encoding="utf-8")
    book.build()
    assert not (book.site / "sitemap.xml").exists()
    assert (book.site / "404.html").is_file()


def test_language_models_get_markdown_for_each_framework(tmp_path: Path) -> None:
    book = published(tmp_path)
    copies = {f"{page}.{tab}.md" for page in ("index", "part/a") for tab in ("pytorch", "tensorflow", "jax")}
    for name in copies | {"part/b.jax.md"}:
        (book.site / name).parent.mkdir(parents=True, exist_ok=True)
        (book.site / name).write_text(f"# {name}\n\nText of {name}.\n", encoding="utf-8")
    assert book.build(offered=Offered(markdown=frozenset({"index", "part/a", "part/b"}))) == []
    overview = (book.site / "llms.txt").read_text(encoding="utf-8")
    assert overview.startswith("# A Mini Book\n\n> This book tells of")
    sections = dict(part.split("\n", 1) for part in overview.split("\n## ")[1:])
    assert list(sections) == ["PyTorch", "TensorFlow", "JAX"]
    assert f"[1 Part </script> A]({BASE}part/a.pytorch.md): The square" in sections["PyTorch"]
    assert "part/b" not in sections["PyTorch"]
    assert f"({BASE}part/b.jax.md)" in sections["JAX"]
    everything = (book.site / "llms-full.jax.txt").read_text(encoding="utf-8")
    assert [f"Text of {name}" in everything for name in ("part/a.jax.md", "part/b.jax.md")] == [True, True]
    assert "Text of part/b" not in (book.site / "llms-full.txt").read_text(encoding="utf-8")
    named = [link.attributes["href"] for link in links(book.html("part/b"), "alternate")]
    assert named == ["b.jax.md"]


def test_a_page_that_did_not_change_is_not_written_for_machines(tmp_path: Path) -> None:
    book = published(tmp_path)
    book.build()
    before = (book.site / "llms.txt").read_text(encoding="utf-8")
    book.write(part__a=PAGES["part__a"].replace("positive", "not negative"))
    assert book.build() == []
    assert (book.read, book.written) == (["part/a"], ["part/a"])
    after = (book.site / "llms.txt").read_text(encoding="utf-8")
    assert after == before.replace("positive", "not negative")


def test_a_paragraph_of_any_length_is_described_in_no_time(tmp_path: Path) -> None:
    book = make(tmp_path, index="# T\n\n" + "words and more " * 8_000 + "\n")
    book.build()
    description = meta(book.html("index"))["description"]
    assert description.endswith("…")
    assert 150 < len(description) <= 200
