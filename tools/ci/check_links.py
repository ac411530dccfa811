"""Everything that a site's pages name is there: check_links.py SITE. Imports nothing of octavo.

Of each page: links, anchors, pictures, scripts, style sheets, and what labels name; ids stand once. A link with `?tab=`
names a framework of the page it leads to, and its anchor is on view there. What pages load comes from the site itself.
Style sheets, the site map, `llms.txt` and `objects.inv` are held to the same; and each page can be reached from the
front page.
"""

from __future__ import annotations

import json
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, unquote, urljoin, urlsplit

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
LOADED = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
FOLLOWED = {"a": ("href",), "area": ("href",), "form": ("action",)}
LABELS = (
    "aria-activedescendant",
    "aria-controls",
    "aria-describedby",
    "aria-details",
    "aria-labelledby",
    "for",
    "headers",
)
RELATED = {"alternate", "author", "canonical", "edit", "help", "index", "license", "next", "prev", "search", "up"}
ENTRY = re.compile(r"(?P<name>.+?)\s+\S+:\S+\s+-?\d+\s+(?P<address>\S*)\s+.*")
"""Of an inventory: a name, domain:role, a priority, an address in which $ stands for the name, and a title."""
ALONE = {"404.html", "search.html", "genindex.html"}
"""Pages that nothing has to link to."""


@dataclass
class Link:
    """One address on a page."""

    address: str
    line: int
    what: str
    loads: bool


@dataclass
class Page:
    """What the links of a site need to know of one page."""

    ids: dict[str, str | None] = field(default_factory=dict)
    """Id → the framework whose panel it stands in."""
    sets: dict[str, list[str]] = field(default_factory=dict)
    """Id → the frameworks that the innermost set of panels around it has."""
    twice: list[str] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    named: list[tuple[str, str, int]] = field(default_factory=list)
    """(attribute, id, line) of labels and the like."""
    frameworks: list[str] = field(default_factory=list)
    canonical: str = ""
    alternates: list[tuple[str, int]] = field(default_factory=list)


class Reader(HTMLParser):
    """Fills a `Page`."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.open: list[tuple[str, str | None, list[str]]] = []
        self.style = self.script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values: dict[str, str] = {}
        for name, value in attrs:
            values.setdefault(name, value or "")
        line = self.getpos()[0]
        outer_tab, outer_set = (self.open[-1][1], self.open[-1][2]) if self.open else (None, [])
        classes = values.get("class", "").split()
        tab = values.get("data-tab") if "ov-panel" in classes else outer_tab
        names = values.get("data-tabs", "").split() if "ov-set" in classes else outer_set
        if tag not in VOID:
            self.open.append((tag, tab, names))
        if "id" in values:
            if values["id"] in self.page.ids:
                self.page.twice.append(values["id"])
            self.page.ids[values["id"]] = tab
            self.page.sets[values["id"]] = names
        if tag == "a" and "name" in values:
            self.page.ids.setdefault(values["name"], tab)
        self.names(tag, values, line)
        if "style" in values:
            self.sheet(values["style"], line)
        self.style, self.script = tag == "style", tag == "script"

    def names(self, tag: str, values: dict[str, str], line: int) -> None:
        """The addresses and ids that an element names."""
        page = self.page
        for key in LABELS:
            if key != "for" or tag in ("label", "output"):
                page.named += [(key, name, line) for name in values.get(key, "").split()]
        for key in LOADED.get(tag, ()):
            parts = values.get(key, "").split(",") if key == "srcset" else [values.get(key, "")]
            page.links += [
                Link(part.split()[0] if key == "srcset" else part, line, tag, True) for part in parts if part.strip()
            ]
        for key in FOLLOWED.get(tag, ()):
            if key in values:
                page.links.append(Link(values[key], line, tag, False))
        if tag == "link":
            relations = set(values.get("rel", "").lower().split())
            if "canonical" in relations:
                page.canonical = values.get("href", "")
            if relations & {"preconnect", "dns-prefetch"} or not relations & RELATED:
                page.links.append(Link(values.get("href", ""), line, f"link {values.get('rel', '')}", True))
            elif "alternate" in relations:
                page.alternates.append((values.get("href", ""), line))
            else:
                page.links.append(Link(values.get("href", ""), line, f"link {values.get('rel', '')}", False))
        if tag == "meta" and values.get("property", values.get("name", "")) in ("og:image", "twitter:image", "og:url"):
            page.links.append(
                Link(values.get("content", ""), line, values.get("property", values.get("name", "")), False)
            )
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            page.links.append(Link(values.get("content", "").partition("=")[2], line, "refresh", False))

    def handle_endtag(self, tag: str) -> None:
        self.style = self.script = False
        for index in range(len(self.open) - 1, -1, -1):
            if self.open[index][0] == tag:
                del self.open[index:]
                return

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        if self.style:
            self.sheet(data, self.getpos()[0])
        if self.script and "dataset.frameworks" in data and (found := re.search(r"\[(?:\"[\w.-]+\"(?:, ?)?)+\]", data)):
            self.page.frameworks = json.loads(found[0])

    def sheet(self, text: str, line: int) -> None:
        """The addresses in styles."""
        self.page.links += [Link(address, line, "style", True) for address in in_styles(text)]


def in_styles(text: str) -> Iterator[str]:
    """What a style sheet loads."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    for found in re.finditer(r"""url\(\s*(?:"([^"]*)"|'([^']*)'|([^)'"\s]*))\s*\)|@import\s+["']([^"']+)["']""", text):
        yield next(group for group in found.groups() if group is not None)


class Site:
    """All of a site's files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
        self.pages: dict[str, Page] = {}
        for name in sorted(self.files):
            if name.endswith(".html"):
                reader = Reader()
                reader.feed((root / name).read_text(encoding="utf-8"))
                reader.close()
                self.pages[name] = reader.page
        self.base = self.where()
        self.problems: list[str] = []
        self.counted: Counter[str] = Counter()
        self.linked: dict[str, set[str]] = {name: set() for name in self.pages}

    def where(self) -> str:
        """The address that the site says it has, from the front page's canonical link."""
        front = self.pages.get("index.html")
        return front.canonical.removesuffix("index.html") if front else ""

    def inside(self, page: str, address: str) -> str | None:
        """An address as one that begins at the site's root; nothing for another site's."""
        if self.base and address.startswith(self.base):
            return address.removeprefix(self.base)
        if urlsplit(address).scheme or address.startswith("//"):
            return None
        if address.startswith("/"):  # 404.html is served at any depth
            own = urlsplit(self.base).path
            return address.removeprefix(own) if own else address[1:]
        whole = urljoin("http://site.invalid/" + page, address)
        return whole.removeprefix("http://site.invalid/")

    def check(self, page: str, link: Link) -> str | None:
        """What is wrong with a link, if anything."""
        address = link.address.strip()
        self.counted[link.what.split()[0]] += 1
        if not address:
            return f"an empty address ({link.what})"
        parts = urlsplit(address)
        if parts.scheme in ("mailto", "data", "tel"):
            return None
        if parts.scheme in ("javascript", "file"):
            return f"an address that leads nowhere: {address[:80]}"
        local = self.inside(page, address)
        if local is None:
            return f"{link.what} loads from elsewhere: {address}" if link.loads else None
        return self.leads(page, link, local)

    def leads(self, page: str, link: Link, local: str) -> str | None:
        """What is wrong with a link inside of the site."""
        parts = urlsplit(local)
        name = unquote(parts.path)
        if name == "" or name.endswith("/"):
            name += "index.html"
        if name not in self.files:
            return f"{link.what} names {link.address}, which is not there"
        target = self.pages.get(name)
        if not link.loads and target is not None and link.what in ("a", "link next", "link prev"):
            self.linked[page].add(name)
        if target is None:
            return None
        tabs = parse_qs(parts.query).get("tab", [])
        if tabs and target.frameworks and tabs[0] not in target.frameworks:
            return f"{link.address} names the framework {tabs[0]}, which the book has not"
        anchor = unquote(parts.fragment)
        if not anchor or link.what == "use" or anchor == "top":
            return None
        if anchor not in target.ids:
            return f"{link.address} names an anchor that is not on {name}"
        panel = target.ids[anchor]
        if tabs and panel and panel != tabs[0] and tabs[0] in target.sets[anchor]:
            return f"{link.address} leads into the panel of {panel}, which {tabs[0]} hides"
        return None

    def page(self, name: str) -> None:
        """Check one page."""
        page = self.pages[name]
        self.problems += [f"{name}: the id {twice!r} stands twice" for twice in page.twice]
        for link in page.links:
            if problem := self.check(name, link):
                self.problems.append(f"{name}:{link.line}: {problem}")
        for address, line in page.alternates:  # other editions of the book may stand beside this site
            if not urlsplit(address).scheme and (
                problem := self.check(name, Link(address, line, "link alternate", False))
            ):
                self.problems.append(f"{name}:{line}: {problem}")
        for key, wanted, line in page.named:
            if wanted not in page.ids:
                self.problems.append(f"{name}:{line}: {key} names the id {wanted!r}, which is not there")

    def text(self, name: str) -> str:
        """A file's text, nothing where there is none."""
        return (self.root / name).read_text(encoding="utf-8") if name in self.files else ""

    def lists(self) -> None:
        """Check what is for machines: style sheets, the site map, llms.txt and the inventory."""
        for name in sorted(self.files):
            if name.endswith(".css"):
                for address in in_styles(self.text(name)):
                    self.note(name, Link(address, 0, "style", True))
        for address in re.findall(r"<loc>\s*(.*?)\s*</loc>", self.text("sitemap.xml")):
            self.ours("sitemap.xml", address.replace("&amp;", "&"))
        for address in re.findall(r"(?im)^sitemap:\s*(\S+)", self.text("robots.txt")):
            self.ours("robots.txt", address)
        for address in re.findall(r"\]\(([^()\s]+)\)", self.text("llms.txt")):
            self.note("llms.txt", Link(address, 0, "a", False))
        if "objects.inv" in self.files:
            for line in inventory(self.root / "objects.inv"):
                if found := ENTRY.fullmatch(line):
                    address = found["address"].removesuffix("$") + found["name"] * found["address"].endswith("$")
                    self.note("objects.inv", Link(address, 0, "inventory", False))
                else:
                    self.problems.append(f"objects.inv: this is no entry: {line}")

    def note(self, name: str, link: Link) -> None:
        """Check an address of a file that is no page."""
        if name.endswith(".html") or name not in self.linked:
            self.linked.setdefault(name, set())
        if problem := self.check(name, link):
            self.problems.append(f"{name}: {problem}")

    def ours(self, name: str, address: str) -> None:
        """Check an address that must be of this site."""
        if not self.base or not address.startswith(self.base):
            self.problems.append(f"{name}: {address} is no address of this site ({self.base or 'which names none'})")
        else:
            self.note(name, Link(address, 0, "a", False))

    def reach(self) -> None:
        """Every page can be reached from the front page by following links."""
        seen, left = {"index.html"}, ["index.html"]
        while left:
            for name in self.linked.get(left.pop(), ()):
                if name not in seen:
                    seen.add(name)
                    left.append(name)
        self.problems += [f"{name}: no link leads here" for name in sorted(set(self.pages) - seen - ALONE)]


def inventory(path: Path) -> list[str]:
    """The entries of an inventory of Sphinx's second form."""
    packed = path.read_bytes().split(b"\n", 4)
    return zlib.decompress(packed[4]).decode("utf-8").splitlines()


def main(root: Path) -> int:
    """Check a site; the exit code says whether all is there."""
    site = Site(root)
    for name in site.pages:
        site.page(name)
    site.lists()
    site.reach()
    if not site.pages:
        site.problems.append("there are no pages")
    counted = ", ".join(f"{count} {what}" for what, count in site.counted.most_common())
    print("\n".join(site.problems) or f"{len(site.pages)} pages, everything they name is there: {counted}")
    return bool(site.problems)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
