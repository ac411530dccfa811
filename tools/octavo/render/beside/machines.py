"""What search engines, other sites and programs read of a website, and what its readers see where there is no page.

Each page says in its head what it is about, and the site has files beside its pages: a map of the site, rules for
robots, a list of everything for language models. Addresses have to be whole ones there, so that much of it is left out
while nobody has said where the book is published. Nothing here depends on the time of a build.
"""

from __future__ import annotations

import json
import posixpath
import re
import unicodedata
from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from html import escape
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

from docutils import nodes
from sphinx.application import Sphinx

from octavo.config import Settings, tab_title
from octavo.model import Document
from octavo.render.application import BookApplication
from octavo.render.beside.part import Whole, Written
from octavo.render.frame import front
from octavo.render.words import locale_name
from octavo.website import analytics_service, markdown_address

if TYPE_CHECKING:
    from octavo.render.builder import BookBuilder

LOST = "404"
"""The page that servers show where there is none."""
LONGEST = 200
"""How wide a description may be: search engines cut longer ones."""
ENOUGH = 40
"""How wide a paragraph has to be to say what a page is about."""

_OF_THE_SITE = re.compile(
    r'(?<=\s)(href|src|action|data-content_root)="(?!#|/|[a-z][a-z0-9+.-]*:)(?:\./)?([^"]*)"', re.IGNORECASE
)
"""An attribute whose address is relative to the front page's folder, in which the page for lost readers stands."""
_RASTER = (".png", ".jpg", ".jpeg", ".webp", ".gif")
"""Pictures that other sites show; they do not show drawings as SVG."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of one page says to machines."""

    title: str
    description: str
    address: str
    """The page's own address; empty where nobody knows it."""
    image: str
    """Address of a picture that other sites can show."""
    kind: str
    """What OpenGraph calls it."""
    locale: str
    data: str
    """JSON-LD, fit to stand in a ``script`` element."""
    alternates: tuple[tuple[str, str], ...]
    """Language and address of the front page in each language."""
    copies: tuple[tuple[str, str], ...]
    """Framework and address from the front page's folder of each copy of the page as Markdown."""
    analytics: str
    service: str


@dataclass(frozen=True, slots=True)
class About:
    """What is kept of a page for the files beside the pages."""

    description: str
    tabs: tuple[str, ...]


# -- what a page is about


def description(document: Document | None, doctree: nodes.document) -> str:
    """What a page is about: what its front matter says, or else its first paragraph that says enough."""
    told = document.front_matter.get("description") if document is not None else None
    if isinstance(told, str) and told.strip():
        return shortened(told, LONGEST)
    first = ""
    for paragraph in filter(_is_prose, doctree.findall(nodes.paragraph)):
        text = _plain(paragraph)
        if width(text) >= ENOUGH:
            return shortened(text, LONGEST)
        first = first or text
    return shortened(first or front.about(doctree), LONGEST)


def _is_prose(paragraph: nodes.Element) -> bool:
    """Whether all readers see a paragraph, as a part of the running text."""
    parent = paragraph.parent
    while parent is not None:
        if not isinstance(parent, nodes.section | nodes.document):
            return False
        parent = parent.parent
    return True


def _plain(paragraph: nodes.Element) -> str:
    """The words of a paragraph, its formulas as TeX."""
    words = []
    for text in paragraph.findall(nodes.Text):
        inside = text.parent
        if not isinstance(inside, nodes.footnote_reference | nodes.raw | nodes.problematic):
            words.append(str(text))
    return " ".join("".join(words).split())


def width(text: str) -> int:
    """How wide a text is; a Chinese character says as much as two letters."""
    return sum(map(_width, text))


def _width(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shortened(text: str, most: int) -> str:
    """A text cut to a width, between words if it has some."""
    text = " ".join(text.split())
    if width(text) <= most:
        return text
    text = text[: bisect(list(accumulate(map(_width, text))), most - 1)]
    cut = text.rpartition(" ")[0] if " " in text[len(text) // 2 :] else text
    return f"{cut.rstrip(' ,;:.–—')}…"


def pictures(doctree: nodes.document, builder: BookBuilder) -> Iterator[str]:
    """The pictures of a page that has been made, by their path in the site."""
    for image in doctree.findall(nodes.image):
        folder, name = posixpath.split(str(image.get("uri", "")))  # Sphinx has put the address on the page here
        if folder == builder.imgpath:
            yield posixpath.join(builder.imagedir, name)


# -- the head of a page


def address_of(page: str, settings: Settings) -> str:
    """The whole address of a page; empty where nobody knows it. The front page is its folder."""
    base = settings.website.base_url
    return f"{base}{'' if page == settings.index else quote(page) + '.html'}" if base else ""


def describe(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Give the template of a page's head what it shows."""
    application = cast(BookApplication, app)
    settings = application.source.settings
    document = application.source.documents.get(page)
    if document is None or doctree is None:
        context["octavo_head"] = None  # a page that nobody should find
        return
    builder = cast("BookBuilder", app.builder)
    base, site = settings.website.base_url, settings.website
    about = description(document, doctree)
    if page == settings.index:
        about = site.description or about
    shown = list(pictures(doctree, builder))
    image = next((path for path in shown if path.lower().endswith(_RASTER)), cover(settings))
    title = _title(page, builder)
    data = _front_data(settings, builder, about, image) if page == settings.index else None
    data = data or _page_data(page, settings, builder, about, next(iter(shown), image))
    context["pageurl"] = address_of(page, settings)
    context["octavo_head"] = Head(
        title=settings.title if page == settings.index else title,
        description=about or site.description,
        address=address_of(page, settings),
        image=f"{base}{image}" if base and image else "",
        kind="website" if page == settings.index else "article",
        locale=locale_name(settings.language),
        data=_in_script(data),
        alternates=_alternates(settings) if page == settings.index else (),
        copies=_copies(document, application),
        analytics=site.analytics,
        service=analytics_service(site.analytics),
    )


def _copies(document: Document, application: BookApplication) -> tuple[tuple[str, str], ...]:
    if document.page not in application.source.offered.markdown:
        return ()
    return tuple((tab_title(tab), quote(markdown_address(document.page, tab))) for tab in document.tabs)


def cover(settings: Settings) -> str:
    """Path in the site of the picture that stands for the book; its logo, if nothing else is named."""
    site = settings.website
    found = next((name for name in (site.image, site.front_picture, settings.logo) if name), "")
    return f"_static/cover{Path(found).suffix.lower()}" if found.lower().endswith(_RASTER) else ""


def _alternates(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Of the front page alone: of the others nobody knows whether they are there."""
    site = settings.website
    return tuple((one.code, one.address) for one in site.languages if one.code) if site.base_url else ()


def _title(page: str, builder: BookBuilder) -> str:
    title = builder.env.titles.get(page)
    return title.astext() if title is not None else page


def _number(page: str, builder: BookBuilder) -> str:
    title = builder.env.titles.get(page)
    return ".".join(map(str, title.get("secnumber") or ())) if title is not None else ""


# -- JSON-LD


def _book(settings: Settings) -> dict[str, Any]:
    """The book itself, as every page names it."""
    base = settings.website.base_url
    return {
        "@type": "Book",
        **({"@id": f"{base}#book", "url": base} if base else {}),
        "name": settings.title or settings.name,
        "author": [*_authors(settings.author)],
        "inLanguage": _language(settings),
    }


def _authors(names: str) -> Iterator[dict[str, str]]:
    """Each author of a list such as ``A, B and C``."""
    for name in re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+|\s*[;，、]\s*", names.strip()):
        if name:
            yield {"@type": "Organization" if name.lower().startswith("the ") else "Person", "name": name}


def _front_data(settings: Settings, builder: BookBuilder, about: str, image: str) -> dict[str, Any]:
    base = settings.website.base_url
    chapters = []
    for entry in builder.tree:
        number = _number(entry.page, builder)
        chapter = {"@type": "Chapter", "name": _title(entry.page, builder)}
        chapter |= {"url": address_of(entry.page, settings)} if base else {}
        chapters.append(chapter | ({"position": number} if number else {}))
    found = {"@context": "https://schema.org", **_book(settings), "bookEdition": settings.release}
    found |= {"description": about} if about else {}
    found |= {"image": f"{base}{image}"} if base and image else {}
    found |= {"copyrightNotice": settings.copyright} if settings.copyright else {}
    return found | {"hasPart": chapters}


def _language(settings: Settings) -> str:
    """The book's language as the pages themselves name it: ``zh-TW``."""
    return locale_name(settings.language).replace("_", "-")


def _page_data(page: str, settings: Settings, builder: BookBuilder, about: str, image: str) -> dict[str, Any]:
    base = settings.website.base_url
    found: dict[str, Any] = {"@context": "https://schema.org", "@type": "Chapter", "name": _title(page, builder)}
    number = _number(page, builder)
    found |= {"position": number} if number else {}
    found |= {"url": address_of(page, settings)} if base else {}
    found |= {"description": about} if about else {}
    found |= {"image": f"{base}{image}"} if base and image else {}
    book = _book(settings)
    return found | {"author": book["author"], "inLanguage": _language(settings), "isPartOf": book}


def _in_script(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the element that it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


# -- beside the pages


class Machines:
    """The site's map, rules for robots, and the page for lost readers."""

    name = "machines"

    def of_page(self, written: Written) -> About:
        """What a page is about."""
        return About(description(written.document, written.doctree), tuple(written.document.tabs))

    def files(self, values: Mapping[str, About], whole: Whole) -> Mapping[str, str | bytes]:
        """The files; a map needs to know where the book is published."""
        settings = whole.settings
        made: dict[str, str | bytes] = {"robots.txt": _robots(settings), "llms.txt": _overview(values, whole)}
        made.update(_complete(values, whole))
        made.update(front.files(settings))
        if settings.website.base_url:
            made["sitemap.xml"] = _sitemap(values, settings)
        picture = cover(settings)
        if picture:
            site = settings.website
            file = settings.root / next(name for name in (site.image, site.front_picture, settings.logo) if name)
            made[picture] = file.read_bytes()
        lost = whole.output / f"{LOST}.html"
        if lost.is_file():
            made[lost.name] = anywhere(lost.read_text(encoding="utf-8"), settings.website.base_url)
        return made


def _robots(settings: Settings) -> str:
    base = settings.website.base_url
    return "User-agent: *\nDisallow:\n" + (f"Sitemap: {base}sitemap.xml\n" if base else "")


def _sitemap(pages: Iterable[str], settings: Settings) -> str:
    lines = [f"<url><loc>{escape(address_of(page, settings))}</loc></url>" for page in pages]
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    return "\n".join([head, *lines, "</urlset>"]) + "\n"


def anywhere(html: str, base_url: str) -> str:
    """The page for lost readers with addresses that hold in any folder, if it is known where the site is."""
    if not base_url:
        return html
    root = urlsplit(base_url).path
    return _OF_THE_SITE.sub(lambda match: f'{match[1]}="{escape(root)}{match[2]}"', html)


def lost_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The page for lost readers, written like those that belong to no author, unless an author has made one."""
    source = cast(BookApplication, app).source
    if LOST not in source.documents:
        yield LOST, {"title": source.words.lost}, "octavo-lost.html"


# -- for language models


def _overview(values: Mapping[str, About], whole: Whole) -> str:
    """What the book is and where everything of it stands as Markdown: see llmstxt.org."""
    settings = whole.settings
    base, offered = settings.website.base_url, _offered(whole)
    front = values.get(settings.index)
    about = settings.website.description or (front.description if front else "")
    lines = [f"# {_line(settings.title or settings.name)}", ""]
    lines += [f"> {_line(about)}", ""] if about else []
    for tab in settings.tabs if offered else settings.tabs[:1]:
        several = len(settings.tabs) > 1 and offered
        lines += [f"## {tab_title(tab) if several else 'Pages'}", ""]
        if offered:
            lines += [f"- [All pages in one file]({base}{_everything(tab, settings)})"]
        for page, value in values.items():
            if tab not in value.tabs and offered:
                continue
            title = f"{_number(page, whole.builder)} {_title(page, whole.builder)}".strip()
            title = _line(title).replace("[", "(").replace("]", ")")
            address = markdown_address(page, tab) if page in offered else f"{page}.html"
            note = f": {_line(value.description)}" if value.description and tab == settings.tabs[0] else ""
            lines.append(f"- [{title}]({base}{quote(address)}){note}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _complete(values: Mapping[str, About], whole: Whole) -> Iterator[tuple[str, str]]:
    """Path and content of a file for each framework that holds all pages as Markdown."""
    offered = _offered(whole)
    for tab in whole.settings.tabs if offered else ():
        texts = []
        for page, value in values.items():
            file = whole.output / markdown_address(page, tab)
            if tab in value.tabs and page in offered and file.is_file():
                address = address_of(page, whole.settings) or f"{page}.html"
                texts.append(f"<!-- {address} -->\n\n{file.read_text(encoding='utf-8').strip()}\n")
        yield _everything(tab, whole.settings), "\n\n".join(texts)


def _everything(tab: str, settings: Settings) -> str:
    return "llms-full.txt" if tab == settings.tabs[0] else f"llms-full.{tab}.txt"


def _offered(whole: Whole) -> Set[str]:
    """The pages that stand beside the site as Markdown."""
    return cast(BookApplication, whole.builder._app).source.offered.markdown


def _line(text: str) -> str:
    return " ".join(text.split())


def setup(app: Sphinx) -> None:
    """Describe pages when they are written, after Sphinx and before the theme look at the context."""
    app.connect("html-page-context", describe, priority=450)
    app.connect("html-collect-pages", lost_page)
