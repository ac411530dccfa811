"""Pictures as EPUB can hold them: of four kinds, named after what they are, and with nothing in them that runs."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from octavo.render.pages.outputs import safe_svg

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)
_ENDINGS = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/gif": (".gif",),
    "image/svg+xml": (".svg",),
}
_DOCTYPE = re.compile(r"<!DOCTYPE\b[^\[>]*(?:\[(.*?)\]\s*)?>", re.DOTALL)
_LINK = re.compile(r"""<(/?(?:\w+:)?)a(?=[\s/>])((?:[^<>"']|"[^"]*"|'[^']*')*)>""")
"""A link in a drawing: it leads nowhere where the drawing is a picture, and would need words for what it leads to."""
_OF_LINKS = re.compile(r"""\s(?:xlink:\w+|href|target|download|rel|type)\s*=\s*(?:"[^"]*"|'[^']*')""")
_SHAPELESS = re.compile(r"(<path\b(?![^<>]*\sd\s*=)[^<>]*?)(\s*/?>)")
"""A path that goes nowhere, as plots write a space: the standard wants a way, and others may refer to it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the book."""

    name: str
    """Its name in the book's folder of pictures."""
    kind: str
    content: bytes


def picture(file: Path, name: str) -> Picture | None:
    """A picture for the book, which would be called ``name``; ``None`` if nobody can read it."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    kind = next((kind for beginning, kind in _BEGINNINGS if content.startswith(beginning)), "")
    if not kind:
        drawing = _drawing(content)
        kind, found = ("image/svg+xml", drawing) if drawing is not None else ("image/png", _converted(content))
        if found is None:
            return None
        content = found
    return Picture(_named(name, kind), kind, content)


def _named(name: str, kind: str) -> str:
    """A name that every archive can hold, with the ending that belongs to what the file is."""
    path = Path(name)
    ending = path.suffix if path.suffix.lower() in _ENDINGS[kind] else _ENDINGS[kind][0]
    stem = path.stem
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", stem) or ending != path.suffix:
        stem = f"{re.sub('[^A-Za-z0-9_-]+', '-', stem)}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".lstrip("-")
    return f"{stem}{ending}"


def _drawing(content: bytes) -> bytes | None:
    """An SVG without a document type, which readers would have to fetch, and without what runs."""
    if b"<svg" not in content:
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = ElementTree.tostring(ElementTree.fromstring(content), encoding="unicode")
        except (ElementTree.ParseError, ValueError):
            return None
    found = _DOCTYPE.search(text)
    if found is not None and found[1] and "<!ENTITY" in found[1]:
        try:  # what stands for something else is written out
            text = ElementTree.tostring(ElementTree.fromstring(text), encoding="unicode")
        except (ElementTree.ParseError, ValueError):
            return None
    elif found is not None:
        text = text[: found.start()] + text[found.end() :]
    safe = safe_svg(text)
    if safe is None:
        return None
    unlinked = _LINK.sub(lambda link: f"<{link[1]}g{_OF_LINKS.sub('', link[2])}>", safe)
    return _in_utf8(_SHAPELESS.sub(r'\1 d="M0 0"\2', unlinked)).encode()


def _in_utf8(text: str) -> str:
    return re.sub(r"^\s*<\?xml[^>]*\?>", '<?xml version="1.0" encoding="utf-8"?>', text, count=1)


def _converted(content: bytes) -> bytes | None:
    """A picture of another kind as PNG."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as found:
            stream = io.BytesIO()
            found.convert("RGBA" if found.mode in ("P", "LA", "RGBA", "PA") else "RGB").save(stream, "PNG")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    return stream.getvalue()
