"""HTML as Sphinx and outputs have it → XHTML that keeps to the rules of EPUB.

Browsers forgive; readers of EPUB stop at the first tag that nothing closes. So every page goes through a tree here, in
which what stands at a place where it may not is turned into something that may.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import escape, unescape
from urllib.parse import urlsplit
from xml.etree import ElementTree

from bs4 import BeautifulSoup

OPS = "http://www.idpf.org/2007/ops"
MATHML = "http://www.w3.org/1998/Math/MathML"
TYPE = f"{{{OPS}}}type"
"""The attribute that says what part of a book an element is."""

Element = ElementTree.Element
Address = Callable[[str], str | None]
"""An address as a page has it → as the book has it; ``None`` for one that leads nowhere, whose words then stay."""

_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "details", "div", "dl", "fieldset", "figure", "footer", "h1", "h2",
    "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section", "table", "ul",
})  # fmt: skip
_OF_TEXT = frozenset({
    "abbr", "b", "cite", "code", "dfn", "em", "i", "kbd", "label", "mark", "p", "pre", "q", "s", "samp", "small",
    "span", "strong", "sub", "summary", "sup", "u", "var",
})  # fmt: skip
"""Elements that hold running text and no blocks."""
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_ITEMS = {"li": ("ul", "ol"), "dt": ("dl",), "dd": ("dl",), "figcaption": ("figure",)}
"""Elements that stand in few others only."""
_PARTS = {"ul": ("li",), "ol": ("li",), "dl": ("dt", "dd")}
"""Elements that hold few others only."""
_NO_ATTRIBUTES = frozenset({
    "align", "valign", "border", "cellpadding", "cellspacing", "bgcolor", "color", "face", "nowrap", "loading",
    "srcset", "sizes", "target", "rel", "ping", "name", "summary", "frame", "rules", "compact", "clear", "hspace",
    "vspace", "background", "is",
})  # fmt: skip
"""Attributes that HTML has given up, or that books have no use for."""
_WHOLE = frozenset({"width", "height", "colspan", "rowspan", "span", "start"})
"""Attributes that are whole numbers."""
_STYLES = {
    "mtable": ("scriptlevel",),
    **dict.fromkeys(("mrow", "mfrac", "mover", "munder", "munderover", "mpadded"), ("scriptlevel", "displaystyle")),
}
"""Attributes that browsers know on any element of a formula, and the standard that EPUB goes by on ``mstyle``."""
_LETTERS = {"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "code": "monospace", "tt": "monospace"}
"""How formulas call the letters of an element of HTML."""
_EMPTY = re.compile(r"<(?!(?:br|img|hr|col|wbr|m[a-z]+)\b)([a-z][a-z0-9]*)((?:\s[^<>]*)?) />")
_NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]*;)")
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold."""
_UNSAFE = re.compile(r"""[\s"<>\\^`{|}\[\]]|%(?![0-9A-Fa-f]{2})""")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
OUTSIDE = ("http:", "https:", "mailto:", "ftp:", "tel:")
"""Where links may lead besides the book."""


def without_forbidden(text: str) -> str:
    """Text with only those characters that XML can hold."""
    return _NO_CHARACTER.sub("", text)


def balanced(html: str) -> str:
    """HTML in which every tag is closed, whatever it was before."""
    return str(BeautifulSoup(without_forbidden(html), "html.parser").decode(formatter="minimal"))


def fitted(html: str, address: Address = lambda found: found) -> str:
    """The text of a page as XHTML."""
    root = _read(html)
    _fit_formulas(root)
    _fit_places(root)
    _fit_tables(root)
    _fit_blocks(root)
    _fit_attributes(root)
    _fit_links(root, address)
    _mark_notes(root)
    written = ElementTree.tostring(root, encoding="unicode")
    inside = written[written.index(">") + 1 :].removesuffix("</div>") if "</div>" in written else ""
    return _EMPTY.sub(r"<\1\2></\1>", inside)


def plain(html: str) -> str:
    """The words of a piece of HTML."""
    return " ".join("".join(_read(html).itertext()).split())


def _read(html: str) -> Element:
    text = _NAMED.sub(lambda match: escape(unescape(match[0]), quote=False), without_forbidden(html))
    for one in (text, None):
        inside = balanced(html) if one is None else one
        try:
            return ElementTree.fromstring(f'<div xmlns:epub="{OPS}">{inside}</div>')
        except ElementTree.ParseError:
            continue
    words = escape(BeautifulSoup(without_forbidden(html), "html.parser").get_text())
    return ElementTree.fromstring(f"<div><pre>{words}</pre></div>")


def _pairs(root: Element) -> Iterator[tuple[Element, Element]]:
    """Every element below the root with the one that it stands in."""
    return ((parent, child) for parent in list(root.iter()) for child in list(parent))


# -- formulas


def _fit_formulas(root: Element) -> None:
    """Formulas name their vocabulary; their TeX is what is read aloud where nobody can draw them."""
    for formula in root.iter("math"):
        formula.set("xmlns", MATHML)
        meaning = formula.find("semantics")
        if meaning is None or len(formula) > 1:
            continue
        tex = meaning.find("annotation")
        if tex is not None:
            formula.set("alttext", " ".join((tex.text or "").split()))
            meaning.remove(tex)
        if len(meaning) == 1:
            formula[:] = [meaning[0]]
        for words in list(formula.iter("mtext")):
            _fit_words(words)
    for parent, child in _pairs(root):
        styles = {name: child.attrib.pop(name) for name in _STYLES.get(child.tag, ()) if name in child.attrib}
        if styles:
            _wrap(parent, child, Element("mstyle", styles))


def _fit_words(words: Element) -> None:
    """Words in a formula whose letters HTML says: the standard knows no HTML there, and has its own name for each."""
    if not len(words):
        return
    pieces = [Element("mtext")]
    pieces[0].text = words.text
    for child in words:
        piece = Element("mtext", {"mathvariant": _LETTERS[child.tag]} if child.tag in _LETTERS else {})
        piece.text = "".join(child.itertext())
        after = Element("mtext")
        after.text = child.tail
        pieces += [piece, after]
    pieces = [piece for piece in pieces if piece.text]
    if len(pieces) == 1:
        words[:], words.text = [], pieces[0].text
        words.attrib.update(pieces[0].attrib)
    else:
        words.tag, words.text = "mrow", None
        words[:] = pieces


# -- what stands where


def _fit_places(root: Element) -> None:
    """Items outside of lists, and lists of something else, are boxes."""
    for element in list(root.iter()):
        allowed = _PARTS.get(element.tag)
        mixed = allowed is not None and (not len(element) or any(child.tag not in allowed for child in element))
        if mixed or (element.tag == "details" and (not len(element) or element[0].tag != "summary")):
            _becomes(element, "div")
    for parent, child in _pairs(root):
        wanted = _ITEMS.get(child.tag)
        if (wanted and parent.tag not in wanted) or (
            child.tag == "summary" and (parent.tag != "details" or parent[0] is not child)
        ):
            _becomes(child, "div")


def _fit_tables(root: Element) -> None:
    """A table stands in a box that it can be moved in, for it may be wider than a page."""
    for parent, child in _pairs(root):
        if child.tag == "table" and "ov-html" not in parent.get("class", "").split():
            _wrap(parent, child, Element("div", {"class": "ov-wide"}))


def _wrap(parent: Element, child: Element, around: Element) -> None:
    """Put an element into another one, which takes its place."""
    around.append(child)
    around.tail, child.tail = child.tail, None
    parent[list(parent).index(child)] = around


def _fit_blocks(root: Element) -> None:
    """A paragraph that a displayed formula stands in is a box, as is everything of running text that holds blocks."""

    def walk(element: Element) -> bool:
        holds = [child for child in element if walk(child)]
        if element.tag in _HEADINGS:
            for child in holds:
                for inner in child.iter():
                    if inner.tag in _BLOCKS or inner.tag == "li":
                        _becomes(inner, "span")
        elif holds and element.tag in _OF_TEXT:
            _becomes(element, "div", f"ov-{element.tag}")
        return element.tag in _BLOCKS or bool(holds and element.tag == "a")

    walk(root)


def _becomes(element: Element, tag: str, kind: str = "") -> None:
    element.tag = tag
    if kind:
        element.set("class", f"{element.get('class', '')} {kind}".strip())
    for name in ("start", "cite", "value"):
        element.attrib.pop(name, None)


# -- attributes


def _fit_attributes(root: Element) -> None:
    seen: set[str] = set()
    for element in root.iter():
        if element.tag.startswith("{"):
            element.tag = element.tag.rpartition("}")[2]
        for name, value in list(element.attrib.items()):
            if _is_no_attribute(element, name, value):
                del element.attrib[name]
        ident = element.get("id")
        if ident is not None and (ident in seen or not ident or re.search(r"\s", ident)):
            del element.attrib["id"]
        elif ident is not None:
            seen.add(ident)
        if element.tag == "img":
            element.attrib.setdefault("alt", "")
        elif element.tag == "th" and element.get("scope") not in (None, "row", "col", "rowgroup", "colgroup"):
            del element.attrib["scope"]


def _is_no_attribute(element: Element, name: str, value: str) -> bool:
    if name in _WHOLE and element.tag[:1] != "m":
        right = element.tag == "img" or name not in ("width", "height")
        return not (right and value.isdecimal() and (int(value) > 0 or name == "start"))
    return (name in _NO_ATTRIBUTES and element.tag[:1] != "m") or name.startswith(("on", "data-"))


# -- links


def _fit_links(root: Element, address: Address) -> None:
    for element in root.iter("a"):
        href = element.get("href")
        if href is None:
            if not element.get("id"):
                element.tag = "span"
            continue
        found = outside(href) if _SCHEME.match(href) or href.startswith("//") else address(href)
        if found is None:
            del element.attrib["href"]
            element.tag = "span"
            element.attrib.pop("title", None)
        else:
            element.set("href", found)
    _without_nested_links(root, inside=False)


def outside(href: str) -> str | None:
    """An address on the network, written as the standard wants it; ``None`` for one that nothing should follow."""
    href = href.strip()
    href = f"https:{href}" if href.startswith("//") else href
    head, mark, tail = href.partition("#")
    href = head + mark + tail.replace("#", "%23")
    try:
        host = urlsplit(href).hostname
    except ValueError:  # such as brackets that nothing closes
        return None
    href = _UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), href)
    scheme = href.partition(":")[0].lower() + ":"
    return href if scheme in OUTSIDE and (host or scheme in ("mailto:", "tel:")) else None


def _without_nested_links(element: Element, *, inside: bool) -> None:
    """A link within a link is words of it."""
    for child in element:
        link = child.tag == "a" and "href" in child.attrib
        if link and inside:
            child.tag = "span"
            del child.attrib["href"]
        _without_nested_links(child, inside=inside or link)


def _mark_notes(root: Element) -> None:
    """Footnotes and what refers to them say so, for readers that show notes where they are called."""
    for element in root.iter():
        classes = element.get("class", "").split()
        if element.tag == "a" and "footnote-reference" in classes:
            element.set(TYPE, "noteref")
            element.set("role", "doc-noteref")
        elif element.tag == "aside" and "footnote" in classes:
            element.set(TYPE, "footnote")
            element.set("role", "doc-footnote")
        elif "citation" in classes and element.get("role") == "listitem":
            del element.attrib["role"]  # no list stands around it


ElementTree.register_namespace("epub", OPS)
