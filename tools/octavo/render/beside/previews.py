"""Previews: what a link leads to, shown beside the link.

Each page has a file with those of its equations, figures, tables, sections, citations, footnotes and library entries
that some link of the book leads to. A page loads the file of another when a reader stops at a link to it; files are
scripts, since a site that was not published has no other way to load anything. A preview is cut from the page as it
was written, so that it shows what readers will find.
"""

from __future__ import annotations

import contextlib
import html as markup
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from octavo.render.beside.part import Whole, Written

FOLDER = "_previews"
"""Where the files are in the website."""
LARGEST = 40_000
"""Characters of HTML above which there is no preview: it would not fit on a screen anyway."""

_PLACE = re.compile(r'<(?P<tag>section|h[2-6]|figure|table|div|dt|aside)\b(?P<rest>[^>]*?) id="(?P<id>[^"]+)"[^>]*>')
_LINK = re.compile(r'<a\b(?! class="headerlink")[^>]*? href="(?P<address>[^"#:]*#[^"]+)"[^>]*>')
_IN_OTHERS = re.compile(r' data-in="([^"]*)"')
_HEADING = re.compile(r"<h[1-6][^>]*>.*?</h[1-6]>", re.DOTALL)
_NOTE = re.compile(r'<div class="ov-(?:note|only)"')
_END = re.compile(r'</?section\b|<h[2-6] class="rubric"|<div class="ov-panel"')
"""Where the text below a heading is over, or another framework's begins."""
_PARAGRAPH = re.compile(r"<p>.*?</p>", re.DOTALL)
_BELOW = re.compile(r'\s*<dd>\s*(?P<defined><p class="ov-defined">.*?</p>)?\s*(?P<text><p>.*?</p>)?', re.DOTALL)
_BESIDE_SIGNATURE = re.compile(r'<a class="headerlink".*?</a>|<span class="ov-defined">.*?</span>', re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_HEADER_LINK = re.compile(r'<a class="headerlink".*?</a>', re.DOTALL)
_LEFT_OUT = re.compile(
    r"</?a\b[^>]*>"  # a preview is no place to go on from
    r"|<(annotation|button)\b.*?</\1>"
    r'|<span class="label">.*?</span>\n'  # of a citation, which names it
    r'|<span class="backrefs">.*?</span>',  # of a footnote: where it is referred to
    re.DOTALL,
)
_ID = re.compile(r'(<[^>]*?) (?:id|tabindex)="[^"]*"')


@dataclass(frozen=True, slots=True)
class Pieces:
    """What a page has for previews, and where its links lead."""

    pieces: Mapping[str, str]
    """Anchor → HTML."""
    links: frozenset[str]
    """``page#anchor`` of each link to somewhere in the book."""


class Previews:
    """The files that previews are shown from."""

    name = "previews"

    def of_page(self, written: Written) -> Pieces:
        """The pieces and links of a page."""
        text = written.html.read_text(encoding="utf-8")
        begin, end = text.find("<article"), text.rfind("</article>")
        article = text[max(begin, 0) : end if end >= 0 else len(text)]
        return Pieces(dict(_pieces(article)), frozenset(_links(article, written.page)))

    def files(self, values: Mapping[str, Any], whole: Whole) -> dict[str, str]:
        """A file for each page that has something to show."""
        linked: set[str] = set().union(*(value.links for value in values.values()))
        files = {}
        for page, value in values.items():
            shown = {anchor: html for anchor, html in value.pieces.items() if f"{page}#{anchor}" in linked}
            if shown:
                data = f"{json.dumps(page, ensure_ascii=False)},{json.dumps(shown, ensure_ascii=False)}"
                files[f"{FOLDER}/{page}.js"] = f"octavoPreviews({data})\n"
        return files


def _links(article: str, page: str) -> Iterator[str]:
    folder = posixpath.dirname(page)
    addresses = [match["address"] for match in _LINK.finditer(article)]
    for others in _IN_OTHERS.findall(article):
        with contextlib.suppress(ValueError, AttributeError):  # an author's own HTML may have such an attribute too
            addresses += map(str, json.loads(markup.unescape(others)).values())
    for address in addresses:
        path, _, anchor = markup.unescape(address).partition("#")
        path = unquote(path.partition("?")[0])
        target = posixpath.normpath(posixpath.join(folder, path)).removesuffix(".html") if path else page
        yield f"{target}#{unquote(anchor)}"


def _pieces(article: str) -> Iterator[tuple[str, str]]:
    for match in _PLACE.finditer(article):
        piece = _piece(article, match)
        if piece and len(piece) <= LARGEST:
            yield markup.unescape(match["id"]), piece


def _piece(article: str, match: re.Match[str]) -> str:
    """What is shown of a place; nothing for one that is not worth it."""
    tag, attributes = match["tag"], match[0]
    if tag == "section" or (tag.startswith("h") and 'class="rubric"' in attributes):
        found = _section(article, match.end() if tag == "section" else match.start())
    elif tag == "dt":
        found = _entry(article, match.start())
    elif tag in ("figure", "table") or re.search(r'class="[^"]*\b(?:ov-eq|citation|footnote)\b', attributes):
        found = element(article, match.start())
    else:
        found = ""
    found = _LEFT_OUT.sub("", _HEADER_LINK.sub("", found))
    while (without := _ID.sub(r"\1", found)) != found:
        found = without
    return " ".join(found.split()) if "<pre" not in found else found


def _section(article: str, start: int) -> str:
    """The heading of a section and its first paragraph."""
    heading = _HEADING.search(article, start)
    if heading is None:
        return ""
    text = article[heading.end() :].lstrip()
    while _NOTE.match(text):  # for the readers of one framework, about the page
        text = text[len(element(text, 0)) :].lstrip()
    end = _END.search(text)
    paragraph = _PARAGRAPH.search(text, 0, end.start() if end else len(text))
    shown = re.sub(r"<(/?)h[1-6][^>]*>", lambda m: f"<{m[1]}p>" if m[1] else '<p class="ov-preview-title">', heading[0])
    return shown + (paragraph[0] if paragraph else "")


def _entry(article: str, start: int) -> str:
    """The signature of a library's entry, the first sentences about it, and what defines it."""
    signature = element(article, start)
    plain = " ".join(_TAG.sub("", _BESIDE_SIGNATURE.sub("", signature)).split())
    below = _BELOW.match(article, start + len(signature))
    more = (below["text"] or "") + (below["defined"] or "") if below else ""
    return f'<p class="ov-preview-code">{plain}</p>{more}'


def element(text: str, start: int) -> str:
    """The element that begins at ``start``, to its own end."""
    tag = re.compile(r"<(\w+)").match(text, start)
    if tag is None:
        return ""
    depth = 0
    for match in re.compile(rf"<(/?){tag[1]}\b[^>]*>").finditer(text, start):
        depth += -1 if match[1] else 1
        if not depth:
            return text[start : match.end()]
    return ""
