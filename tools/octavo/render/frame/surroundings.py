"""What stands around the text of every page: links, an announcement, the book's other versions and languages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from markdown_it import MarkdownIt
from markdown_it.token import Token
from sphinx.application import Sphinx
from sphinx.util.images import get_image_size

from octavo.config import Settings
from octavo.config import place as place_of
from octavo.diagnostics import Code, Diagnostics, warning
from octavo.render.application import BookApplication
from octavo.render.frame.icons import icon
from octavo.render.words import Words
from octavo.website import Elsewhere, HeaderLink

LOGO_WIDTH = 240
"""How wide a logo is shown at most."""
WIDE = 2
"""From which ratio of its sides on a logo is taken for one with words in it."""

_SAFE_ADDRESS = re.compile(r"(?:https?://|mailto:|/(?!/)|\.{0,2}/|#|[\w.-]+(?:[/?#]|$))", re.IGNORECASE)
_OF_THE_SITE = re.compile(r"(?![a-z][a-z0-9+.-]*:|/|#)", re.IGNORECASE)
"""Begin of an address that is relative to the front page, and so another one on every page."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link as templates show it."""

    title: str
    address: str
    icon: str
    """An SVG, or nothing."""
    inside: bool
    """Whether the address is relative to the front page."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The versions or languages of the book, on one page."""

    kind: str
    """What readers choose here."""
    current: str
    others: tuple[Elsewhere, ...]
    """With the address of the same page."""


@dataclass(frozen=True, slots=True)
class Logo:
    """What is known of the logo's picture."""

    wide: bool = False
    """Whether it is one that holds the title."""
    width: int = 0
    height: int = 0


def logo(settings: Settings) -> Logo:
    """The size of the logo as it is shown at most: with it the page does not move when the picture comes."""
    size = get_image_size(settings.root / settings.logo) if settings.logo else None
    if not size or not all(size):
        return Logo()
    share = min(1, LOGO_WIDTH / size[0])
    return Logo(size[0] >= WIDE * size[1], round(size[0] * share), round(size[1] * share))


def links(found: Sequence[HeaderLink], name: str, settings: Settings, heard: Diagnostics) -> list[Link]:
    """The links of ``[section] name``; addresses that could run something are refused."""
    section, _, key = name.partition(".")
    kept = []
    for link in found:
        if _SAFE_ADDRESS.match(link.address):
            inside = _OF_THE_SITE.match(link.address) is not None
            kept.append(Link(link.title, link.address, icon(link.icon), inside))
        else:
            message = f"the address {link.address!r} of the link {link.title!r} is not one that a browser should follow"
            place = place_of(settings, section, key, link.address)
            heard.add(warning(Code.CONFIG_VALUE, message, place, hint="https://…"))
    return kept


def announcement(text: str, root: str) -> str:
    """A line of Markdown as HTML; ``root`` leads from the page to the front page's folder."""
    if not text:
        return ""
    reader = MarkdownIt("commonmark", {"html": False})
    tokens = reader.parseInline(text)
    for token in _within(tokens):
        address = str(token.attrGet("href") or token.attrGet("src") or "")
        if address and _OF_THE_SITE.match(address):
            page = re.sub(r"\.md(?=$|[?#])", ".html", address)
            token.attrSet("href" if token.type == "link_open" else "src", f"{root}{page}")
    return str(reader.renderer.render(tokens, reader.options, {}))


def _within(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _within(token.children or ())


def choices(settings: Settings, page: str, words: Words) -> list[Choice]:
    """Versions and languages where there are several, each with the address of the same page.

    Whether the page is there too, nobody here can know.
    """
    site = settings.website
    address = "" if page == settings.index else f"{page}.html"
    found = []
    for kind, those, own in (
        (words.version, site.versions, settings.release),
        (words.language, site.languages, settings.language),
    ):
        here = next((one for one in those if site.base_url and one.address == site.base_url), None)
        here = here or next((one for one in those if own in (one.title, one.code)), None)
        others = tuple(Elsewhere(one.title, f"{one.address}{address}", one.code) for one in those if one is not here)
        if others:
            found.append(Choice(kind, here.title if here else own, others))
    return found


def surround(app: Sphinx, page: str, template: str, context: dict[str, Any], document: object) -> None:
    """Give the templates of a page what is different on each."""
    source = cast(BookApplication, app).source
    root = context.get("content_root") or "./"
    context["theme_announcement"] = announcement(source.settings.website.announcement, root)
    known = page if page in source.documents else source.settings.index
    context["octavo_editions"] = choices(source.settings, known, source.words)


def setup(app: Sphinx) -> None:
    """After Sphinx has filled the context, and before the theme looks at it."""
    app.connect("html-page-context", surround, priority=450)
