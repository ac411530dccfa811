"""A deck → one HTML file, which needs nothing else: reveal.js, styles and pictures are in it.

A policy in its head keeps browsers from asking other hosts for anything but what the book's settings name, and from
running any script but the two that are here, whatever an output or an author's HTML says.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from PIL import Image
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from octavo.model import Output
from octavo.publish.slides.deck import Deck
from octavo.publish.slides.paging import FIRST, LAST, PICTURES, Room, paged, printed
from octavo.publish.slides.parts import Block, Boxed, Listing, Marked, Step

STATIC = Path(__file__).with_name("static")
_TAG = re.compile(r"\s*\\tag\{([^{}]*)\}")
_PICTURE = re.compile(r"(<img\b[^>]*?\bsrc\s*=\s*)(?:([\"'])([^\"']*)\2|([^\s>\"']+))", re.IGNORECASE)
_SVG_SIZE = re.compile(r"<svg\b[^>]*?\bheight\s*=\s*[\"']([\d.]+)(pt|px)?[\"']", re.IGNORECASE)
_LARGEST = 2.0
"""How many times a drawing may be enlarged."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the stage that renders knows: how formulas and outputs become HTML that is safe to show."""

    formula: Callable[[str, bool], str]
    """TeX, and whether it stands alone → HTML."""
    clean: Callable[[str], str]
    """HTML of an output → the same without anything that runs or loads."""
    svg: Callable[[str], str | None]
    """A drawing → the same without anything that runs or loads; ``None`` if it is none."""
    more: str = "{number} more lines"
    """What stands for lines that are left out."""
    picture: str = "Picture drawn by the code above"
    """What a picture of a cell shows, in words."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What is around every slide of a book."""

    book: str
    """The book's title."""
    language: str
    framework: str
    """Name of the framework for readers; empty where there is no choice."""
    home: str = ""
    """Address of the page on the website; empty where nobody knows it."""
    top_left: str = ""
    """HTML in a corner."""
    top_right: str = ""


def document(deck: Deck, frame: Frame, look: Look, pictures: Callable[[str], tuple[str, bytes] | None]) -> bytes:
    """The HTML file of a deck; ``pictures`` gives MIME type and content of a picture of the book's."""
    writer = _Writer(look, pictures)
    title = writer.inline(deck.title)
    words = " – ".join(filter(None, (re.sub(r"<[^>]*>", "", title), frame.book)))
    slides = [
        _title_slide(title, frame, writer.blocks(deck.cover)),
        *(_slide(room, writer) for room in paged(deck.slides, look.more)),
    ]
    corners = "".join(
        f'<div class="ov-{name}">{writer.embedded(html)}</div>\n'
        for name, html in (("top-left", frame.top_left), ("top-right", frame.top_right))
        if html
    )
    hosts = sorted({host for html in (frame.top_left, frame.top_right) for host in _hosts(writer.embedded(html))})
    scripts = [_static("reveal/reveal.js"), _static("slides.js")]
    policy = "; ".join(
        (
            "default-src 'none'",
            f"img-src {' '.join(['data:', *hosts])}",
            "font-src data:",
            "style-src 'unsafe-inline'",
            f"script-src {' '.join(map(_hashed, scripts))}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    page = f"""<!DOCTYPE html>
<html lang="{escape(frame.language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">
<title>{words}</title>
<!-- reveal.js, which is in this file:
{_static("reveal/LICENSE").strip()}
-->
<style>{_static("reveal/reveal.css")}</style>
<style>{_colours()}</style>
<style>{_static("slides.css")}</style>
</head>
<body>
<div class="reveal">
<div class="slides">
{"".join(slides)}</div>
{corners}</div>
{"".join(f"<script>{script}</script>" for script in scripts)}
</body>
</html>
"""
    return page.encode("utf-8", "replace")


def _title_slide(title: str, frame: Frame, cover: str) -> str:
    below = [
        f'<a href="{escape(frame.home)}">{escape(frame.book)}</a>' if frame.home else escape(frame.book),
        escape(frame.framework),
    ]
    lines = "".join(f"<p>{line}</p>\n" for line in below if line)
    return f'<section class="ov-title">\n<div class="ov-body">\n<h1>{title}</h1>\n{cover}{lines}</div>\n</section>\n'


def _slide(room: Room, writer: _Writer) -> str:
    heading = f"<h2>{writer.inline(room.heading)}{' …' if room.continued else ''}</h2>\n"
    body = writer.blocks(room.blocks)
    own = ' class="ov-own"' if room.own else ""
    return f'<section{own}>\n{heading}<div class="ov-body">\n{body}</div>\n</section>\n'


class _Writer:
    """Markdown, code and outputs → HTML."""

    def __init__(self, look: Look, pictures: Callable[[str], tuple[str, bytes] | None]) -> None:
        self.look = look
        self.pictures = pictures
        self.step = 0
        self.md = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
        self.md.validateLink = lambda url: not re.match(r"\s*(?:javascript|vbscript|file):", url, re.IGNORECASE)  # type: ignore[method-assign]
        dollarmath_plugin(self.md, double_inline=True, allow_digits=False, renderer=self._formula)

    def inline(self, markdown: str) -> str:
        """Words without a paragraph around them."""
        return self.embedded(str(self.md.renderInline(markdown)))

    def blocks(self, blocks: Sequence[Block]) -> str:
        """What is on a slide; what stands below a step appears with it."""
        self.step = 0
        return "".join(self._appearing(blocks))

    def _appearing(self, blocks: Sequence[Block]) -> Iterator[str]:
        shown = self.step  # what they stand in is there from that on
        for block in blocks:
            step = self.step
            html = self.block(block)
            if step > shown:
                html = html.replace(' class="', f' data-fragment-index="{step}" class="fragment ', 1)
            yield html

    def block(self, block: Block) -> str:
        """One block of a slide."""
        if isinstance(block, Step):
            self.step += 1
            return ""
        if isinstance(block, Boxed):
            classes = " ".join(f"ov-{name}" for name in ("box", *block.classes))
            return f'<div class="{escape(classes)}">\n{"".join(self._appearing(block.blocks))}</div>\n'
        if isinstance(block, Marked):
            return f'<div class="ov-words">\n{self.embedded(str(self.md.render(block.markdown)))}</div>\n'
        if isinstance(block, Listing):
            return f'<pre class="ov-code"><code>{_highlighted(block)}</code></pre>\n'
        return self._output(block.output)

    def _formula(self, content: str, options: Mapping[str, object]) -> str:
        display = bool(options.get("display_mode"))
        tag = _TAG.search(content)
        shown = self.look.formula(_TAG.sub("", content), display)
        if not display:
            return shown
        number = f'<span class="ov-number">({escape(tag[1])})</span>' if tag else ""
        return f'<span class="ov-formula">{shown}{number}</span>'

    def _output(self, output: Output) -> str:
        text = printed(output)
        if text is not None:
            kind = "ov-print ov-error" if output.kind == "error" or output.name == "stderr" else "ov-print"
            return f'<pre class="{kind}"><samp>{escape(text)}</samp></pre>\n' if text.strip() else ""
        for kind in PICTURES:
            found = self._drawn(kind, output.data[kind]) if kind in output.data else None
            if found is not None:
                high = _height(kind, found)
                size = f' style="max-height: min(100%, {high * _LARGEST:.0f}px)"' if high else ""
                address = _address(kind, found)
                return f'<div class="ov-picture"><img src="{address}" alt="{escape(self.look.picture)}"{size}></div>\n'
        cleaned = _with_few_rows(self.look.clean(output.data.get("text/html", "")), self.look.more)
        if cleaned.strip():
            return f'<div class="ov-table">{cleaned}</div>\n'
        plain = output.data.get("text/plain", "")
        return f'<pre class="ov-print"><samp>{escape(plain)}</samp></pre>\n' if plain.strip() else ""

    def _drawn(self, kind: str, content: str) -> bytes | None:
        if kind == "image/svg+xml":
            svg = self.look.svg(content)
            return svg.encode() if svg is not None else None
        try:
            return base64.b64decode("".join(content.split()), validate=True)
        except ValueError:
            return None

    def embedded(self, html: str) -> str:
        """HTML with the book's pictures in it."""

        def written(match: re.Match[str]) -> str:
            address = match[3] if match[3] is not None else match[4]
            found = self.pictures(address)
            return f'{match[1]}"{_address(*found) if found else escape(address)}"'

        return _PICTURE.sub(written, html)


def _with_few_rows(html: str, more: str) -> str:
    """HTML of an output with the first and last rows of a long table."""
    if html.count("<tr") <= FIRST + LAST + 1:
        return html
    soup = BeautifulSoup(html, "html.parser")
    for table in soup.find_all("table"):
        rows = [row for row in table.find_all("tr") if row.find_parent("table") is table]
        if len(rows) > FIRST + LAST + 1:
            left_out = rows[FIRST:-LAST]
            cell = soup.new_tag("td", attrs={"colspan": str(len(left_out[0].find_all(["td", "th"])) or 1)})
            cell.string = f"… {more.format(number=len(left_out))} …"
            left_out[0].clear()
            left_out[0].append(cell)
            for row in left_out[1:]:
                row.decompose()
    return str(soup)


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _height(kind: str, content: bytes) -> float:
    """How high a picture is by itself, in pixels; 0 where it does not say."""
    if kind == "image/svg+xml":
        found = _SVG_SIZE.search(content[:4000].decode("utf-8", "replace"))
        return float(found[1]) * (4 / 3 if found[2] == "pt" else 1) if found else 0
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return float(picture.height)
    except (OSError, ValueError, Image.DecompressionBombError):
        return 0


def _hosts(html: str) -> Iterator[str]:
    """Where pictures come from that are not in the book."""
    for match in _PICTURE.finditer(html):
        parts = urlsplit(match[3] if match[3] is not None else match[4])
        if parts.scheme in ("http", "https") and re.fullmatch(r"[\w.:-]+", parts.netloc):
            yield f"{parts.scheme}://{parts.netloc}"


def _highlighted(listing: Listing) -> str:
    whole = f"{listing.above}\n{listing.code}" if listing.above else listing.code
    lines = str(highlight(whole, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))).rstrip("\n").split("\n")
    return "\n".join(lines[listing.above.count("\n") + 1 if listing.above else 0 :])


@cache
def _colours() -> str:
    return str(HtmlFormatter(style="default").get_style_defs(".ov-code"))  # type: ignore[no-untyped-call]


@cache
def _static(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


@cache
def _hashed(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"
