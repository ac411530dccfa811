"""An EPUB holds what its website says: check_epub.py EPUB [--site HTML --tab TAB]. Imports nothing of octavo.

The archive, the package document, the contents and every page are read with Python's own parsers: each file is named
and each name is there, links lead to places that exist, nothing is fetched and nothing runs. With a website, its
headings, captions, equations, code, outputs, tables and prose must be in the book: the same ones, with the same
numbers, in the same order. EPUBCheck judges what the standard says; this judges what the book says.
"""

from __future__ import annotations

import argparse
import posixpath
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

from pdf_site import Item, SitePage, read_page, read_site
from words_page import Tree
from words_text import RAW

OPF = "{http://www.idpf.org/2007/opf}"
DC = "{http://purl.org/dc/elements/1.1/}"
XHTML = "{http://www.w3.org/1999/xhtml}"
OPS = "{http://www.idpf.org/2007/ops}"
NCX = "{http://www.daisy.org/z3986/2005/ncx/}"
MATH = "{http://www.w3.org/1998/Math/MathML}"
SVG = "{http://www.w3.org/2000/svg}"
MADE = re.compile(r"(?:cover|titlepage|nav|names)\.xhtml")
"""Pages that no website has."""
RUNS = {"script", "iframe", "object", "embed", "form", "input", "button"}


class Epub:
    """An EPUB, read from its archive."""

    def __init__(self, path: Path) -> None:
        self.archive = zipfile.ZipFile(path)
        self.names = self.archive.namelist()
        container = ElementTree.fromstring(self.archive.read("META-INF/container.xml"))
        root = next(e for e in container.iter() if e.tag.endswith("}rootfile"))
        self.package_name = root.attrib["full-path"]
        self.folder = posixpath.dirname(self.package_name)
        self.package = ElementTree.fromstring(self.archive.read(self.package_name))
        self.items = {
            item.attrib["id"]: (unquote(item.attrib["href"]), item.attrib["media-type"], item.get("properties", ""))
            for item in self.package.iter(f"{OPF}item")
        }
        self.spine = [self.items[ref.attrib["idref"]][0] for ref in self.package.iter(f"{OPF}itemref")]
        self.pages = {
            href: ElementTree.fromstring(self.read(href))
            for href, kind, _ in self.items.values()
            if kind == "application/xhtml+xml"
        }
        self.places = {
            href: {e.attrib["id"] for e in page.iter() if "id" in e.attrib} for href, page in self.pages.items()
        }

    def read(self, href: str) -> bytes:
        return self.archive.read(posixpath.join(self.folder, href))

    def metadata(self, name: str) -> list[str]:
        return [element.text or "" for element in self.package.iter(f"{DC}{name}")]

    def facts(self, name: str) -> list[str]:
        return [m.text or "" for m in self.package.iter(f"{OPF}meta") if m.get("property") == name]

    def nav(self, kind: str) -> list[tuple[str, str]]:
        """Title and address of each entry of a list in the contents."""
        page = next(self.pages[href] for href, _, properties in self.items.values() if "nav" in properties.split())
        lists = (nav for nav in page.iter(f"{XHTML}nav") if nav.get(f"{OPS}type") == kind)
        return [("".join(a.itertext()), a.attrib["href"]) for nav in lists for a in nav.iter(f"{XHTML}a")]


class Judge:
    """Looks at one EPUB."""

    def __init__(self, epub: Epub) -> None:
        self.epub = epub
        self.problems: list[str] = []

    def say(self, problem: str) -> None:
        self.problems.append(problem)

    def archive(self) -> None:
        """What the archive holds is what the package document names."""
        first = self.epub.archive.infolist()[0]
        if first.filename != "mimetype" or first.compress_type != zipfile.ZIP_STORED:
            self.say("the archive does not begin with its type")
        if self.epub.archive.read("mimetype") != b"application/epub+zip":
            self.say("the archive's type is another")
        named = {posixpath.join(self.epub.folder, href) for href, _, _ in self.epub.items.values()}
        held = set(self.epub.names) - {"mimetype", "META-INF/container.xml", self.epub.package_name}
        self.problems += [f"{name} is named and not there" for name in sorted(named - held)]
        self.problems += [f"{name} is there and not named" for name in sorted(held - named)]

    def metadata(self) -> None:
        """Who, what, which language, and what those who listen are told."""
        for name in ("identifier", "title", "language", "creator"):
            if not any(self.epub.metadata(name)):
                self.say(f"the package document has no {name}")
        if len(self.epub.facts("dcterms:modified")) != 1:
            self.say("the package document does not say when the book was changed")
        for name in ("accessMode", "accessModeSufficient", "accessibilityFeature", "accessibilityHazard"):
            if not self.epub.facts(f"schema:{name}"):
                self.say(f"the package document has no {name}")
        languages = {page.get("lang") for page in self.epub.pages.values()}
        if languages != set(self.epub.metadata("language")):
            self.say(f"pages are in {languages}, the book in {self.epub.metadata('language')}")
        if sum("cover-image" in properties for _, _, properties in self.epub.items.values()) != 1:
            self.say("there is not one cover")

    def contents(self) -> None:
        """The contents, for both generations of readers, name the pages in their order."""
        toc = self.epub.nav("toc")
        pages = list(dict.fromkeys(href.partition("#")[0] for _, href in toc))
        if pages != [name for name in self.epub.spine if name in pages]:
            self.say("the contents are in another order than the pages")
        missing = [name for name in self.epub.spine if name not in pages and not MADE.fullmatch(name)]
        if missing:
            self.say(f"the contents lack {missing}")
        ncx = next(href for href, kind, _ in self.epub.items.values() if kind == "application/x-dtbncx+xml")
        points = ElementTree.fromstring(self.epub.read(ncx)).iter(f"{NCX}navPoint")
        older = [
            ("".join(point.find(f"{NCX}navLabel").itertext()).strip(), point.find(f"{NCX}content").attrib["src"])
            for point in points
        ]
        if older != toc:
            self.say("the two tables of contents differ")
        kinds = re.findall(r'epub:type="([\w-]+)" href', self.epub.read("nav.xhtml").decode())
        self.problems += [f"there is no landmark {kind}" for kind in ("toc", "bodymatter") if kind not in kinds]
        for title, href in (*toc, *self.epub.nav("landmarks")):
            self.leads(href, "nav.xhtml", title)
        for title, href in toc:
            self.is_called(title, href)

    def is_called(self, title: str, href: str) -> None:
        """A place is headed by what the contents call it."""
        target, _, anchor = href.partition("#")
        page = self.epub.pages.get(target)
        if page is None:
            return
        at = next((e for e in page.iter() if anchor and e.get("id") == anchor), page)
        heading = next((e for e in at.iter() if re.fullmatch(r"\{.*\}h[1-6]", e.tag)), None)
        if heading is None or squeezed(words(heading)) != squeezed(title):
            self.say(f"{href} is {title!r} in the contents, and {words(heading)!r} where it leads")

    def leads(self, href: str, page: str, words: str) -> None:
        target, _, anchor = href.partition("#")
        name = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(target))) if target else page
        if name not in self.epub.pages or (anchor and unescape(unquote(anchor)) not in self.epub.places[name]):
            self.say(f"{page}: the link {words!r} leads to {href}, which is not there")

    def text(self) -> None:
        """Each page for itself: what it shows is in the book, and nothing of it runs."""
        for name, page in self.epub.pages.items():
            properties = next(those for href, _, those in self.epub.items.values() if href == name).split()
            for kind, tag in (("mathml", f"{MATH}math"), ("svg", f"{SVG}svg")):
                if (kind in properties) != any(True for _ in page.iter(tag)):
                    self.say(f"{name}: it is {'not ' * (kind not in properties)}called {kind}")
            idents = [e.attrib["id"] for e in page.iter() if "id" in e.attrib]
            self.problems += [f"{name}: {i} is there twice" for i in sorted({i for i in idents if idents.count(i) > 1})]
            for element in page.iter():
                self.element(name, element)
            marks = RAW.findall("".join(prose(page)))
            if marks:
                self.say(f"{name}: marks of the source are left: {marks[:3]}")

    def element(self, name: str, element: ElementTree.Element) -> None:
        tag = element.tag.rpartition("}")[2]
        if tag in RUNS or any(attribute.startswith("on") for attribute in element.attrib):
            self.say(f"{name}: {tag} has no place in a book")
        if tag == "a" and (href := element.get("href")) is not None and not urlsplit(href).scheme:
            self.leads(href, name, words(element))
        source = element.get("src")
        if source is not None and not source.startswith("data:"):
            inside = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(source)))
            if posixpath.join(self.epub.folder, inside) not in self.epub.names:
                self.say(f"{name}: the picture {source} is not there")
        if tag == "img" and element.get("alt") is None:
            self.say(f"{name}: the picture {source} has no description")
        if element.tag == f"{MATH}math" and not element.get("alttext"):
            self.say(f"{name}: a formula has no words")

    def site(self, root: Path, tab: str) -> int:
        """The pages of the website, one after the other; returns how many things were compared."""
        site = read_site(root, tab)
        order = [name for name in self.epub.spine if not MADE.fullmatch(name)]
        theirs = {re.sub(r"\.html$", ".xhtml", page.name): page for page in site.pages}
        index = "index.xhtml"
        held = [name for name in theirs if name in self.epub.pages]
        hidden = {re.sub(r"\.html$", ".xhtml", name) for name in hidden_pages(root, tab)}
        lost = [name for name in theirs if name not in held and name != index and name not in hidden]
        if lost:
            self.say(f"pages are missing: {lost}")
        if [name for name in order if name in theirs] != held:
            self.say("the pages are in another order than on the website")
        count = 0
        for name in held:
            ours, wanted = self.page(name), theirs[name]
            left, right = (listed(page, without_title=name == index) for page in (wanted, ours))
            count += len(left)
            if name == index and left and right and left[0].endswith(right[0].removeprefix("prose  ")):
                left[0] = right[0]  # a website begins with what its settings say
            if left != right:
                difference = list(unified_diff(left, right, "website", name, lineterm="", n=0))
                self.problems += difference[:12]
            foreign = [text for text in wanted.foreign if len(text) > 40]
            text = squeezed(" ".join(item.text for item in ours.items))
            known = squeezed(" ".join(item.text for item in wanted.items))
            for piece in foreign:
                if squeezed(piece) in text and squeezed(piece) not in known:
                    self.say(f"{name}: prose of another framework: {piece[:60]!r}")
        return count

    def page(self, name: str) -> SitePage:
        tree = Tree(self.epub.read(name).decode()).root
        return read_page(tree.find("body") or tree, name, "")


def hidden_pages(root: Path, tab: str) -> set[str]:
    """The pages that the sidebar does not show to the readers of a framework."""
    tree = Tree((root / "index.html").read_text(encoding="utf-8")).root
    entries = (e for e in tree.walk() if e.tag == "li" and tab not in e.attributes.get("data-tabs", tab).split())
    links = (next((a for a in entry.walk() if a.tag == "a"), None) for entry in entries)
    return {link.attributes.get("href", "") for link in links if link is not None}


def listed(page: SitePage, *, without_title: bool) -> list[str]:
    """What is on a page, a line each; the front page's title stands on a page of its own in a book."""
    items = [item for item in page.items if not (without_title and item.kind == "heading" and item.level == 1)]
    return [line(item) for item in joined(items)]


def joined(items: Sequence[Item]) -> Iterator[Item]:
    """The items, with pieces of prose that follow one another as one: a box is a paragraph less or more."""
    prose: list[str] = []
    for item in items:
        if item.kind == "prose":
            prose.append(item.text)
            continue
        if prose:
            yield Item("prose", " ".join(prose))
            prose = []
        yield item
    if prose:
        yield Item("prose", " ".join(prose))


def line(item: Item) -> str:
    """One thing of a page as it is compared."""
    level = f" {item.level}" if item.kind == "heading" else ""
    return f"{item.kind}{level} {item.number} {squeezed(item.text)}"


def squeezed(text: str) -> str:
    """A text without spaces, and without what stands for formulas."""
    return re.sub(r"[\s\0]+", "", text)


def words(element: ElementTree.Element | None) -> str:
    """The text of an element."""
    return "".join(element.itertext()) if element is not None else ""


def prose(element: ElementTree.Element) -> Iterator[str]:
    """Text that is no code and no formula."""
    if element.tag in (f"{XHTML}pre", f"{XHTML}code", f"{MATH}math"):
        return
    yield element.text or ""
    for child in element:
        yield from prose(child)
        yield child.tail or ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge one EPUB; the exit code says whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("epub", type=Path)
    parser.add_argument("--site", type=Path, help="the built website")
    parser.add_argument("--tab", help="the framework of the EPUB")
    chosen = parser.parse_args(arguments)
    judge = Judge(Epub(chosen.epub))
    judge.archive()
    judge.metadata()
    judge.contents()
    judge.text()
    count = judge.site(chosen.site, chosen.tab) if chosen.site and chosen.tab else 0
    print("\n".join(judge.problems))
    print(f"{len(judge.epub.spine)} pages, {count} things as on the website, {len(judge.problems)} problems")
    return bool(judge.problems)


if __name__ == "__main__":
    sys.exit(main())
