"""The cover: title, framework and authors, drawn from what the settings say."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import unicodedata
from html import escape
from pathlib import Path
from xml.etree import ElementTree

from octavo.config import Settings, tab_title
from octavo.config.settings import TAB_NAMES
from octavo.render.epub.package import XHTML, File, document
from octavo.render.epub.pictures import picture

PAGE = "cover.xhtml"
CONVERTER = "rsvg-convert"
"""Makes a picture of points of the drawing; shelves of many readers show no other."""
_WIDTH, _HEIGHT, _MARGIN = 1600, 2400, 150
_LINES = 5
"""How many lines a title may have."""
_ACCENTS = ("#ffd166", "#7fd1c7", "#ff9b85", "#c9b6ff", "#a8d672", "#8cc8ff")
"""A colour for each edition, so that they are told apart on a shelf."""
_LEAST = 300
"""With less room than this there is no picture."""
_LONGEST = 60
"""After how many seconds a cover stays a drawing."""
_SVG = "{http://www.w3.org/2000/svg}"


def made(settings: Settings, language: str, word: str, folder: Path) -> list[File]:
    """The cover's picture and page; ``folder`` keeps the picture from build to build."""
    drawing = drawn(settings, language)
    points = _in_points(drawing, folder)
    if points is not None:
        image = File("_images/octavo-cover.png", "image/png", points, ("cover-image",))
    else:
        image = File("_images/octavo-cover.svg", "image/svg+xml", drawing.encode(), ("cover-image",))
    title = settings.title or settings.name
    words = escape(", ".join(filter(None, (title, _edition(settings), settings.author))))
    body = (
        '<section epub:type="cover" class="ov-cover">'
        f'<img src="{image.name}" alt="{words}" role="doc-cover"/></section>'
    )
    return [image, File(PAGE, XHTML, document(word, body, language, "style.css", "frontmatter").encode())]


def _edition(settings: Settings) -> str:
    return "" if settings.tabs[0] == "default" else tab_title(settings.tabs[0])


def drawn(settings: Settings, language: str) -> str:
    """The cover as SVG."""
    edition = _edition(settings)
    known = [*TAB_NAMES, settings.tabs[0]]
    accent = _ACCENTS[known.index(settings.tabs[0]) % len(_ACCENTS)]
    size, lines = fitted(settings.title or settings.name, 190, _WIDTH - 2 * _MARGIN, _LINES)
    text = []
    y = 330 + size * 0.8
    for line in lines:
        text.append(_text(line, _MARGIN, y, size, "#ffffff", weight="bold"))
        y += size * 1.18
    y += 30
    if edition:
        text.append(f'<rect x="{_MARGIN}" y="{y - 40:.0f}" width="120" height="12" fill="{accent}"/>')
        text.append(_text(edition, _MARGIN, y + 80, 84, accent))
        y += 130
    small, names = fitted(settings.author, 58, _WIDTH - 2 * _MARGIN, 4)
    bottom = _HEIGHT - _MARGIN - (len(names) - 1) * small * 1.3
    text += [_text(line, _MARGIN, bottom + at * small * 1.3, small, "#ffffff") for at, line in enumerate(names)]
    room = bottom - small - 90 - (y + 40)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" xml:lang="{escape(language)}">\n'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#14263d"/>\n'
        f'<rect width="{_WIDTH}" height="70" fill="{accent}"/>\n'
        f"{_art(settings, y + 40, room)}\n" + "\n".join(text) + "\n</svg>\n"
    )


def _text(line: str, x: float, y: float, size: float, colour: str, weight: str = "normal") -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-family="\'TeX Gyre Heros\', Helvetica, Arial, \'Noto Sans CJK SC\', '
        f'sans-serif" font-size="{size:.0f}" font-weight="{weight}" fill="{colour}">{escape(line)}</text>'
    )


def fitted(words: str, size: float, width: float, most: int) -> tuple[float, list[str]]:
    """The largest size up to ``size`` in which the words need no more than so many lines, and these lines."""
    while True:
        lines = _broken(words, width / size)
        if size <= 30 or (len(lines) <= most and max(map(_wide, lines), default=0) <= width / size):
            return size, lines
        size *= 0.93


def _broken(words: str, width: float) -> list[str]:
    lines = [""]
    for piece in re.findall(r"\S+\s*", words):
        if lines[-1] and _wide(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        for sign in piece:
            # scripts without spaces break anywhere
            if lines[-1].strip() and _is_full(sign) and _wide(lines[-1] + sign) > width:
                lines.append("")
            lines[-1] += sign
    return [line.strip() for line in lines if line.strip()]


def _is_full(sign: str) -> bool:
    return unicodedata.east_asian_width(sign) in "WF" and unicodedata.category(sign)[0] != "P"


def _wide(text: str) -> float:
    """About how wide a text is, in parts of its size."""
    return sum(1.0 if unicodedata.east_asian_width(sign) in "WF" else 0.3 if sign in " .,il'" else 0.6 for sign in text)


def picture_of(settings: Settings) -> Path | None:
    """The picture that the cover shows: the front page's. A logo is made for a light ground."""
    name = settings.website.front_picture
    return settings.root / name if name else None


def _art(settings: Settings, top: float, room: float) -> str:
    """The picture of the front page, if there is one that a drawing can hold."""
    file = picture_of(settings)
    found = picture(file, file.name) if file is not None and room > _LEAST else None
    if found is None:
        return ""
    side = min(room, _WIDTH - 2 * _MARGIN, 1000)
    place = {"x": f"{(_WIDTH - side) / 2:.0f}", "y": f"{top + (room - side) / 2:.0f}"}
    place |= {"width": f"{side:.0f}", "height": f"{side:.0f}"}
    if found.kind != "image/svg+xml":
        data = base64.b64encode(found.content).decode()
        where = " ".join(f'{key}="{value}"' for key, value in place.items())
        return f'<image {where} href="data:{found.kind};base64,{data}"/>'
    root = ElementTree.fromstring(found.content)
    sizes = [re.match(r"[\d.]+", root.get(key, "")) for key in ("width", "height")]
    if root.get("viewBox") is None:
        if not all(sizes):
            return ""
        root.set("viewBox", "0 0 " + " ".join(size[0] for size in sizes if size))
    for key, value in place.items():
        root.set(key, value)
    ElementTree.register_namespace("", _SVG[1:-1])
    return ElementTree.tostring(root, encoding="unicode")


def _in_points(drawing: str, folder: Path) -> bytes | None:
    """The drawing as PNG, where there is a tool for it."""
    tool = shutil.which(CONVERTER)
    if tool is None:
        return None
    kept = folder / f"cover-{hashlib.sha256(drawing.encode()).hexdigest()[:20]}.png"
    if kept.is_file():
        return kept.read_bytes()
    try:
        done = subprocess.run([tool], input=drawing.encode(), capture_output=True, timeout=_LONGEST, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode or not done.stdout.startswith(b"\x89PNG"):
        return None
    kept.write_bytes(done.stdout)
    return done.stdout
