"""What makes files a book: the package document, the contents, and the archive.

Everything is written in an order and with a time that follow from the book alone: the same book is the same file.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

FOLDER = "EPUB"
"""The folder of everything in the archive."""
PACKAGE, NAV, NCX = "package.opf", "nav.xhtml", "toc.ncx"
XHTML = "application/xhtml+xml"

_CONTAINER = f"""<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles>
    <rootfile full-path="{FOLDER}/{PACKAGE}" media-type="application/oebps-package+xml"/>
  </rootfiles>
</container>
"""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first time that an archive can name."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the book."""

    name: str
    """Its path, seen from the package document."""
    kind: str
    """Its media type."""
    content: bytes
    properties: tuple[str, ...] = ()
    """What the package document says of it besides, such as ``mathml``."""


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the contents."""

    title: str
    address: str
    below: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Landmark:
    """A part of the book that readers may want to jump to."""

    kind: str
    title: str
    address: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the package document says of the whole book."""

    identifier: str
    title: str
    language: str
    """A tag such as ``zh-TW``."""
    modified: str
    """A time such as ``2026-01-31T00:00:00Z``."""
    creator: str = ""
    rights: str = ""
    description: str = ""
    source: str = ""
    """Address of the website."""
    subjects: tuple[str, ...] = ()
    edition: str = ""
    """What tells this book from others of the same title."""
    access: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Accessibility metadata of schema.org: property → values."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A whole book."""

    metadata: Metadata
    files: tuple[File, ...]
    order: tuple[str, ...]
    """Names of the files that are read, one after the other."""
    contents: tuple[Place, ...]
    landmarks: tuple[Landmark, ...]
    contents_title: str
    landmarks_title: str
    style: str
    """Name of the style sheet."""


def document(title: str, body: str, language: str, sheet: str, kind: str = "") -> str:
    """A page of the book."""
    about = f' epub:type="{kind}"' if kind else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" '
        f'lang="{escape(language)}" xml:lang="{escape(language)}">\n'
        f'<head>\n<meta charset="utf-8"/>\n<title>{escape(title)}</title>\n'
        f'<link rel="stylesheet" type="text/css" href="{escape(sheet)}"/>\n</head>\n'
        f"<body{about}>\n{body}\n</body>\n</html>\n"
    )


def write(publication: Publication, path: Path) -> None:
    """Write the archive."""
    nav = File(NAV, XHTML, _nav(publication).encode(), ("nav",))
    ncx = File(NCX, "application/x-dtbncx+xml", _ncx(publication).encode())
    files = (nav, ncx, *publication.files)
    package = _package(publication, files).encode()
    with zipfile.ZipFile(path, "w") as archive:
        # first and as it is, so that programs find it at a known place
        _put(archive, "mimetype", b"application/epub+zip", packed=False)
        _put(archive, "META-INF/container.xml", _CONTAINER.encode())
        _put(archive, f"{FOLDER}/{PACKAGE}", package)
        for file in files:
            _put(archive, f"{FOLDER}/{file.name}", file.content)


def _put(archive: zipfile.ZipFile, name: str, content: bytes, *, packed: bool = True) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def _idref(name: str) -> str:
    """The id of a file in the package document."""
    return "f-" + re.sub(r"[^A-Za-z0-9.-]", lambda match: f"_{ord(match[0]):x}_", name)


def _package(book: Publication, files: Iterable[File]) -> str:
    items = "\n".join(
        f'    <item id="{_idref(file.name)}" href="{escape(file.name)}" media-type="{file.kind}"'
        + (f' properties="{" ".join(file.properties)}"' if file.properties else "")
        + "/>"
        for file in files
    )
    spine = "\n".join(f'    <itemref idref="{_idref(name)}"/>' for name in book.order)
    about = "\n".join(f"    {line}" for line in _metadata(book))
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="book-id" '
        f'xml:lang="{escape(book.metadata.language)}">\n'
        f'  <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">\n{about}\n  </metadata>\n'
        f"  <manifest>\n{items}\n  </manifest>\n"
        f'  <spine toc="{_idref(NCX)}">\n{spine}\n  </spine>\n</package>\n'
    )


def _metadata(book: Publication) -> Iterator[str]:
    data = book.metadata
    yield f'<dc:identifier id="book-id">{escape(data.identifier)}</dc:identifier>'
    full = f"{data.title} ({data.edition})" if data.edition else data.title
    yield f"<dc:title>{escape(full)}</dc:title>"
    yield f"<dc:language>{escape(data.language)}</dc:language>"
    for name in ("creator", "rights", "description", "source"):
        if getattr(data, name):
            yield f"<dc:{name}>{escape(getattr(data, name))}</dc:{name}>"
    for subject in data.subjects:
        yield f"<dc:subject>{escape(subject)}</dc:subject>"
    yield f'<meta property="dcterms:modified">{escape(data.modified)}</meta>'
    for name, values in data.access.items():
        for value in values:
            yield f'<meta property="schema:{name}">{escape(value)}</meta>'
    for file in book.files:
        if "cover-image" in file.properties:
            yield f'<meta name="cover" content="{_idref(file.name)}"/>'  # for readers of the second version


def _nav(book: Publication) -> str:
    marks = "".join(
        f'<li><a epub:type="{mark.kind}" href="{escape(mark.address)}">{escape(mark.title)}</a></li>\n'
        for mark in book.landmarks
    )
    body = (
        f'<nav epub:type="toc" role="doc-toc" id="toc">\n<h1>{escape(book.contents_title)}</h1>\n'
        f"{_list(book.contents)}</nav>\n"
        f'<nav epub:type="landmarks" hidden="hidden">\n<h2>{escape(book.landmarks_title)}</h2>\n'
        f"<ol>\n{marks}</ol>\n</nav>"
    )
    return document(book.contents_title, body, book.metadata.language, book.style, "frontmatter")


def _list(places: Sequence[Place]) -> str:
    items = "".join(
        f'<li><a href="{escape(place.address)}">{escape(place.title)}</a>{_list(place.below)}</li>\n'
        for place in places
    )
    return f"\n<ol>\n{items}</ol>\n" if places else ""


def _depth(places: Sequence[Place]) -> int:
    return 1 + max((_depth(place.below) for place in places), default=0) if places else 0


def _ncx(book: Publication) -> str:
    count = 0

    def points(places: Sequence[Place]) -> str:
        nonlocal count
        written = []
        for place in places:
            count += 1
            start = (
                f'<navPoint id="n{count}" playOrder="{count}"><navLabel><text>{escape(place.title)}</text></navLabel>'
                f'<content src="{escape(place.address)}"/>'
            )
            written.append(f"{start}{points(place.below)}</navPoint>\n")
        return "".join(written)

    data = book.metadata
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1" '
        f'xml:lang="{escape(data.language)}">\n<head>\n'
        f'<meta name="dtb:uid" content="{escape(data.identifier)}"/>\n'
        f'<meta name="dtb:depth" content="{_depth(book.contents)}"/>\n'
        '<meta name="dtb:totalPageCount" content="0"/>\n<meta name="dtb:maxPageNumber" content="0"/>\n</head>\n'
        f"<docTitle><text>{escape(data.title)}</text></docTitle>\n"
        f"<navMap>\n{points(book.contents)}</navMap>\n</ncx>\n"
    )
