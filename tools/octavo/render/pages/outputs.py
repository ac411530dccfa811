"""What cells printed and drew → docutils.

Outputs are untrusted: a result may come out of a shared cache. HTML is sanitised, pictures are shown as files through
``<img>`` so that nothing in them runs, and text is text.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

import nh3
from docutils import nodes

from octavo.model import Failure, Output, Span
from octavo.render.pages.formulas import BadMathError, mathml
from octavo.render.pages.nodes import output_fold, output_html, output_image
from octavo.render.words import ENGLISH, Words
from octavo.terminal import shown

_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "details", "div", "dl", "dt",
    "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "kbd", "li", "ol", "p", "pre", "s", "samp", "small", "span",
    "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "var",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "col": {"span"},
    "colgroup": {"span"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}

_CLASSES = {"table": {"class": {"dataframe"}}}  # the theme's own would place, cover and hide things

PICTURES = {"image/svg+xml": ".svg", "image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif"}
"""Kinds of pictures that are shown, and how their files end."""
_BEGINNINGS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8"}

_SVG = "{http://www.w3.org/2000/svg}"
_ACTIVE = frozenset({"script", "foreignobject", "iframe", "object", "embed", "handler", "listener", "set", "animate"})
_FOREIGN = ("{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/1998/Math/MathML}")
_DECLARATION = re.compile(r"\s*<\?xml\s[^?>]*\?>")
_FETCHES = re.compile(
    r"@import|\\|(?:url|src|image|image-set)\(\s*+[\"']?+\s*+(?!#|data:image/(?:png|jpeg|gif);)", re.IGNORECASE
)
"""What makes a style load something; a backslash could write the same in other letters."""
_DEEPEST = 200
_LONGEST = 32
"""How many lines of text are shown without a fold."""
_FIRST, _LAST = 14, 6
"""How many lines stay above and below a fold."""
_NUMBER = re.compile(r"(?:\\mathdefault|[-+\u2212\d\s.,:%\u00d7^{}$\\])*(?:e[-+]?\d+)?", re.IGNORECASE)
r"""What stands at an axis; matplotlib writes ``\mathdefault{10^{-2}}`` for a power."""
_NO_WORDS = re.compile(r"<(script|style)\b[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
"""What nobody is to read; within a drawing, cleaning would leave its text."""


def clean_html(html: str) -> str:
    """HTML with everything taken out that could run, restyle the page or ask another host for something.

    No attribute of it holds what looks like a tag, so that patterns may look for tags, here and wherever pages are cut.
    """
    cleaned = nh3.clean(
        _NO_WORDS.sub("", html),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        tag_attribute_values=_CLASSES,
        clean_content_tags={"script", "style"},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        attribute_filter=lambda tag, name, value: re.sub("[<>]", "", value),
    )
    # headings are the page's own, and an empty corner is no head of anything
    cleaned = re.sub(r"<h[1-6]>", '<div class="ov-title">', re.sub(r"</h[1-6]>", "</div>", cleaned))
    return re.sub(r"<th( [^>]*)?></th>", r"<td\1></td>", cleaned)


def safe_svg(text: str) -> str | None:
    """The picture without anything that could run or fetch; ``None`` when it is no readable SVG.

    In a page no picture can do either; somebody may open its file alone. One with nothing to take out stays as it is to
    the byte.
    """
    root = _svg_root(text)
    if root is None:
        return None
    # instructions (a style sheet could be a program) and encodings other than ours do not survive being written again
    declaration = _DECLARATION.match(text)
    guilty = text.count("<?") > bool(declaration) or (declaration is not None and not _is_utf8(declaration[0]))
    for parent in root.iter():
        for child in list(parent):
            if _is_active(child):
                parent.remove(child)
                guilty = True
        for name, value in list(parent.attrib.items()):
            if _is_harmful(_local(name).lower(), value):
                del parent.attrib[name]
                guilty = True
    if not guilty:
        return text
    ElementTree.register_namespace("", _SVG[1:-1])
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    return ElementTree.tostring(root, encoding="unicode")


def _is_utf8(declaration: str) -> bool:
    named = re.search(r"encoding\s*=\s*[\"']([^\"']*)", declaration)
    return named is None or named[1].lower() in ("utf-8", "us-ascii")


def _is_active(element: ElementTree.Element) -> bool:
    name = _local(element.tag).lower()
    style = name == "style" and bool(_FETCHES.search("".join(element.itertext())))
    return style or name in _ACTIVE or (isinstance(element.tag, str) and element.tag.startswith(_FOREIGN))


def _is_harmful(name: str, value: str) -> bool:
    if name in ("href", "src"):
        return not _is_inside(value)
    return name.startswith("on") or name == "base" or ("(" in value and bool(_FETCHES.search(value)))


def _svg_root(text: str) -> ElementTree.Element | None:
    # a document type may define entities that expand without end, and attributes; no plotting library does
    if re.search(r"<!DOCTYPE[^>]*\[|<!ENTITY|<!ATTLIST", text):
        return None
    parser = ElementTree.XMLParser(target=_ShallowBuilder(insert_comments=True))
    try:
        root = ElementTree.fromstring(text.strip(), parser=parser)
    except (ElementTree.ParseError, ValueError):
        return None
    return root if root.tag in ("svg", f"{_SVG}svg") else None


class _ShallowBuilder(ElementTree.TreeBuilder):
    """Refuses what is nested so deeply that walking it would exhaust the stack."""

    depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> ElementTree.Element:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ValueError("nested too deeply")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ElementTree.Element:
        self.depth -= 1
        return super().end(tag)


def _local(name: object) -> str:
    return name.rpartition("}")[2] if isinstance(name, str) else ""


def _is_inside(address: str) -> bool:
    return address.strip().startswith("#") or bool(re.match(r"data:image/(png|jpeg|gif);base64,", address.strip()))


def describe_svg(text: str, kind: str = "Plot") -> str:
    """What a plot shows, from its own words: its title, axes and legend; tick labels are left out."""
    root = _svg_root(text)
    if root is None:
        return kind
    title = root.find(f"{_SVG}title")
    if title is not None and (title.text or "").strip():
        return " ".join((title.text or "").split())
    groups: list[list[str]] = [[], [], []]
    _collect_words(root, 0, groups)
    parts = [", ".join(dict.fromkeys(words)) for words in groups if words]
    return f"{kind}: {'; '.join(parts)}" if parts else kind


def _collect_words(element: ElementTree.Element, group: int, groups: list[list[str]]) -> None:
    """Words of axes go to the second group, those of legends to the third, all others (titles) to the first.

    matplotlib draws text as outlines by default and leaves the words in comments, so that comments count as text.
    """
    ident = element.get("id") or "" if isinstance(element.tag, str) else ""
    if ident.startswith("matplotlib.axis"):
        group = 1
    elif ident.startswith("legend"):
        group = 2
    words = ""
    tag: object = element.tag
    if tag is ElementTree.Comment:
        words = element.text or ""
    elif _local(element.tag) == "text":
        words = "".join(element.itertext())
    words = " ".join(words.replace("$", "").split())
    if words and not _NUMBER.fullmatch(words):
        groups[group].append(words)
    for child in element:
        _collect_words(child, group, groups)


class Pictures:
    """Writes the pictures of outputs into a folder of the build, named by their content."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, mime: str, content: str) -> Path | None:
        """The file of a picture; ``None`` when the content is not one."""
        data: bytes
        if mime == "image/svg+xml":
            svg = safe_svg(content)
            if svg is None:
                return None
            data = svg.encode()
        else:
            try:
                data = base64.b64decode("".join(content.split()), validate=True)
            except (binascii.Error, ValueError):
                return None
            if not data.startswith(_BEGINNINGS[mime]):
                return None
        path = self.folder / f"{hashlib.sha256(data).hexdigest()[:20]}{PICTURES[mime]}"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return path


def render(outputs: Sequence[Output], pictures: Pictures, words: Words = ENGLISH) -> list[nodes.Element]:
    """Docutils nodes for the outputs of one cell, in order; errors become boxes."""
    return [node for output in _joined(outputs) for node in _one(output, pictures, words)]


def _joined(outputs: Iterable[Output]) -> Iterator[Output]:
    """Outputs with neighbouring pieces of one stream joined, as a kernel sends them in arbitrary pieces."""
    pending: Output | None = None
    for output in outputs:
        if pending is not None and output.kind == "stream" and output.name == pending.name:
            pending = Output("stream", output.name, pending.text + output.text)
            continue
        if pending is not None:
            yield pending
            pending = None
        if output.kind == "stream":
            pending = output
        else:
            yield output
    if pending is not None:
        yield pending


def _one(output: Output, pictures: Pictures, words: Words) -> Iterator[nodes.Element]:
    if output.kind == "stream":
        yield from _text(output.text, "ov-stderr" if output.name == "stderr" else "ov-stdout", words)
    elif output.kind == "error":
        yield error_box(output.name, shown(output.text), (), output.traceback, words)
    else:
        yield from _display(output, pictures, words)


def _text(text: str, kind: str, words: Words) -> Iterator[nodes.Element]:
    text = shown(text).rstrip("\n")
    if text.strip():
        yield nodes.container("", *_folded(text, _FIRST, _LAST, words), is_div=True, classes=["ov-output", kind])


def _folded(text: str, first: int, last: int, words: Words) -> Iterator[nodes.Element]:
    """A text, of a long one its first and last lines, with those between them in a fold that opens."""
    lines = text.split("\n")
    end = len(lines) - last
    if len(lines) <= _LONGEST:
        yield _block(lines)
        return
    yield _block(lines[:first])
    yield output_fold("", _block(lines[first:end]), label=words.more_lines.format(number=end - first))
    yield _block(lines[end:])


def _block(lines: Sequence[str]) -> nodes.Element:
    text = "\n".join(lines)
    return nodes.literal_block(text, text, language="none")


def _display(output: Output, pictures: Pictures, words: Words) -> Iterator[nodes.Element]:
    """The best form of a display: pictures, then HTML, then formulas, then text."""
    data = output.data
    plain = data.get("text/plain", "")
    files = {
        mime: str(path) for mime in PICTURES if mime in data and (path := pictures.save(mime, data[mime])) is not None
    }
    if files:
        svg = data["image/svg+xml"] if "image/svg+xml" in files else ""
        # a drawing of lines can be turned dark; one that holds a photograph, or is one, cannot
        drawing = bool(svg) and "<image" not in svg
        alt = describe_svg(svg, words.plot) if svg else words.picture
        picture = output_image(files=files, alt=alt, classes=["ov-drawing" if drawing else "ov-photo"])
        yield nodes.container("", picture, is_div=True, classes=["ov-output", "ov-picture"])
        return
    if "text/html" in data:
        html = clean_html(data["text/html"])
        if html.strip():
            fallback = list(_text(plain, "ov-result", words))
            yield nodes.container(
                "", output_html("", *fallback, html=html), is_div=True, classes=["ov-output", "ov-result"]
            )
            return
    if "text/latex" in data:
        tex = data["text/latex"].strip().strip("$").strip()
        try:
            mathml(tex, display=True)  # cells know nothing of the book's macros
        except BadMathError:
            pass
        else:
            formula = nodes.math_block(tex, tex, nowrap=False, number=None)
            yield nodes.container("", formula, is_div=True, classes=["ov-output", "ov-result"])
            return
    yield from _text(data.get("text/markdown", "") or plain, "ov-result", words)


def error_box(
    name: str, message: str, places: Sequence[str], traceback: Sequence[str], words: Words = ENGLISH
) -> nodes.Element:
    """A box that stands where a cell's output would, naming the exception, its place and the end of its traceback."""
    lines = message.strip().splitlines()
    title = f"{name}: {lines[0]}" if lines and name else (lines[0] if lines else name or "Error")
    box = nodes.admonition("", nodes.title(title, title), classes=["error", "ov-failure"])
    for place in places:
        box += nodes.paragraph(place, place)
    steps = shown("\n".join(traceback)).strip("\n")
    if steps:  # it begins with the cell's own line, and ends where it went wrong
        box += list(_folded(steps, _FIRST // 2, _FIRST + _LAST, words))
    return box


REASONS = {
    "exception": "This cell failed",
    "timeout": "This cell took too long",
    "died": "The kernel stopped while this cell ran",
    "environment": "This page could not be executed",
    "syntax": "This cell is not valid Python",
}
"""How each reason of a failure is told to a reader."""


def failure_box(failure: Failure, title: str, words: Words = ENGLISH) -> nodes.Element:
    """The box for a page's failure in the framework called ``title``."""
    span: Span | None = failure.span
    place = f"{REASONS[failure.reason]} in {title}" + (f", {span.path}:{span.line}." if span else ".")
    return error_box(failure.name, shown(failure.message), (place,), failure.traceback, words)
