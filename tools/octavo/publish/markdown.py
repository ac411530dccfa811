"""The author's Markdown → Markdown that Jupyter shows, for one framework.

The text stays the author's own. What only the dialect knows is replaced where it stands: a :class:`Sheet` holds a page
and the places to change, found once by its tokens; :meth:`Sheet.pieces` is the page for one framework.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from octavo.macros import calls, expanded
from octavo.model import Cell, Document
from octavo.publish.citations import citation, listed
from octavo.publish.shelf import Shelf, View, bracketed, code
from octavo.source import dialect, directives
from octavo.source.blocks import split_names
from octavo.source.directives import ADMONITIONS, FENCES, Directive, directive, tokens_inside
from octavo.source.pandoc_blocks import ANY_DIV, CLOSE_DIV, OPEN_DIV

SOURCE = "octavo_source"
"""Where the parser's environment keeps the text that tokens stand in: the page without slides."""

_SPLIT = "\x00"
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|#")
_HTML_PICTURE = re.compile(r"<img\b[^>]*?\bsrc\s*=\s*[\"']([^\"']+)[\"']", re.IGNORECASE)
_HTML_LINK = re.compile(r"<a\b[^>]*?\bhref\s*=\s*[\"']([^\"'#]+\.md)(?:#[^\"']*)?[\"']", re.IGNORECASE)
_COMMENT = re.compile(r"\s*<!--.*?-->\s*", re.DOTALL)
_LINK = re.compile(
    r"\]\(\s*(?:<([^<>\n]*)>|([^\s()<][^\s()]*(?:\([^\s()]*\)[^\s()]*)*))"
    r"((?:\s+(?:\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\((?:\\.|[^()\\])*\)))?\s*\))"
)
"""The end of a link or picture: its address, in angle brackets or not, and what stands behind that."""
_DEFINITION = re.compile(r"[\s>]*\[[^\[\]^][^\[\]]*\]:[ \t]*<?([^\s<>]+)")
_TAB_MARK = re.compile(r"\s*(?:#[ \t]*@tab|%%tab)\b")
_TARGET = re.compile(r"\]\((.*)\)$")
_BRACKET = re.compile(r"\\.|(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)|[\[\]]", re.DOTALL)
"""A bracket, or what may hold one that is none."""
_NESTED_CELL = re.compile(r"(?:`{3,}|~{3,})[ \t]*(\{\.(?:python|input)\b[^}]*\}[ \t]*)$")
_VERBATIM = frozenset({"fence", "colon_fence", "code_block", "cell", "toc", "raw_rst", "math_block"})
_FORMULAS = ("math_inline", "math_inline_double")
_MARGIN = re.compile(r"[\s>]*(?:(?:[-*+]|\w{1,9}[.)])[ \t]+)?")
"""What may stand before a block on its line."""
_MARK = re.compile(r"[\s>]*:(?:label|eqlabel|width|height):[ \t]*`+[^`]+`+[ \t]*")
_HEADING_END = re.compile(r"[ \t]*\{[^{}]*\}[ \t]*$")
_ATTRIBUTES = re.compile(r"\{[^{}\n]*=[^{}\n]*\}")
"""What pandoc lets stand behind a picture: ``{width=80%}``."""
_LEVELS = re.compile(r"[ \t]*#{1,6}[ \t]+")
_MYST_REFERENCES = {"ref": "ref", "numref": "numref", "eq": "eqref"}
_MYST_CITATIONS = {"cite": False, "cite:p": False, "cite:t": True, "citep": False, "citet": True}


@dataclass(frozen=True, slots=True)
class Edit:
    """A place of the page and what stands there in a notebook."""

    start: int
    end: int
    write: str | Callable[[View], str] = ""
    tabs: tuple[str, ...] | None = None
    """Frameworks in which the place stays as it is."""
    picture: str = ""
    """A picture shown here: its path in the book's source folder."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a page between cells, from a heading to the next."""

    text: str
    """Markdown that Jupyter shows."""
    origin: str
    """What stands there in the page, which is the same when numbers change that it refers to."""


def parser() -> MarkdownIt:
    """A parser that leaves the text that its tokens stand in under :data:`SOURCE`."""
    md = directives.parser()
    md.core.ruler.after("slide_marks", "keep_source", _keep_source)
    return md


def _keep_source(state: StateCore) -> None:
    state.env[SOURCE] = state.src


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page with all that changes on it."""

    document: Document
    text: str
    """The page without slides, line for line the author's."""
    starts: tuple[int, ...]
    """Where each of its lines begins, and the end of the text."""
    edits: tuple[Edit, ...]
    """In order; one that begins inside of another, outer one is skipped with it."""
    shelf: Shelf

    def pieces(self, view: View, pictures: set[str]) -> Iterator[Part | Cell]:
        """Markdown between cells, cut at headings, and the cells; notes the pictures shown."""
        stretch: list[Part] = []
        done = 0
        for cell in self.document.cells:
            if cell.span.line > len(self.starts) - 1:
                break  # below the slides
            stretch.append(self._written(done, self.starts[cell.span.line - 1], view, pictures))
            done = self.starts[min(cell.span.end, len(self.starts) - 1)]
            if view.tab in cell.tabs:
                yield from _parts(stretch)
                stretch = []
                yield cell
        stretch.append(self._written(done, len(self.text), view, pictures))
        yield from _parts(stretch)

    def is_seen(self, place: int, tab: str) -> bool:
        """Whether a framework's readers see what stands at a place: it is in none of the others' tab blocks."""
        return not any(
            edit.start <= place < edit.end for edit in self.edits if edit.tabs is not None and tab not in edit.tabs
        )

    def part(self, start: int, end: int, view: View, pictures: set[str]) -> str | None:
        """The text from ``start`` to ``end`` for one framework; ``None`` where its readers do not see it."""
        return self._written(start, end, view, pictures).text if self.is_seen(start, view.tab) else None

    def whole(self, view: View) -> str:
        """All of the text for one framework."""
        return self._written(0, len(self.text), view, set()).text

    def _written(self, start: int, end: int, view: View, pictures: set[str]) -> Part:
        """The text from ``start`` to ``end`` as a notebook has it."""
        out: list[str] = []
        origin: list[str] = []
        done = start
        for index in range(bisect_left(self.edits, start, key=lambda edit: edit.start), len(self.edits)):
            edit = self.edits[index]
            if edit.start >= end:
                break
            if edit.start < done or (edit.tabs is not None and view.tab in edit.tabs):
                continue
            between = self.text[done : edit.start]
            out += between, edit.write if isinstance(edit.write, str) else edit.write(view)
            # what only another framework's readers see, and where cells are cut, counts as in the notebook
            own = edit.write == _SPLIT or edit.tabs is not None
            origin += between, str(edit.write) if own else self.text[edit.start : edit.end]
            if edit.picture:
                pictures.add(edit.picture)
            done = max(edit.end, edit.start)
        return Part("".join((*out, self.text[done:end])), "".join((*origin, self.text[done:end])))


def _parts(stretch: Sequence[Part]) -> Iterator[Part]:
    there = [part for part in stretch if part.text.strip()]
    texts = "\n\n".join(part.text.strip("\n") for part in there).split(_SPLIT)
    origins = "\n\n".join(part.origin.strip("\n") for part in there).split(_SPLIT)
    for text, origin in zip(texts, origins, strict=True):
        if text.strip():
            yield Part(text.strip("\n"), origin.strip("\n"))


def sheet(document: Document, text: str, tokens: Sequence[Token], shelf: Shelf, md: MarkdownIt) -> Sheet:
    """Find everything on a page that notebooks show otherwise."""
    return _Finder(document, text, shelf, md).sheet(tokens)


class _Finder:
    """Finds the places of one page."""

    def __init__(self, document: Document, text: str, shelf: Shelf, md: MarkdownIt) -> None:
        self.document = document
        self.page = document.page
        self.shelf = shelf
        self.md = md
        self.text = text
        self.lines = text.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.starts[-1] = len(text)
        self.edits: list[Edit] = []
        self.named = {entry.span.line - 1: entry.page for entry in document.toc}
        self.notes: dict[str, int] = {}
        """Label of each footnote → its number."""

    def sheet(self, tokens: Sequence[Token]) -> Sheet:
        self._tokens(tokens)
        self._divs(tokens)
        self._definitions(tokens)
        return self._sheet()

    def _sheet(self) -> Sheet:
        self.edits.sort(key=lambda edit: (edit.start, edit.end > edit.start, -edit.end))
        return Sheet(self.document, self.text, tuple(self.starts), tuple(self.edits), self.shelf)

    def _tokens(self, tokens: Sequence[Token]) -> None:
        for child in (child for token in tokens for child in token.children or ()):
            if child.type == "footnote_ref":
                self.notes.setdefault(child.meta["label"], len(self.notes) + 1)
        for index, token in enumerate(tokens):
            if token.map is not None:
                self._block(token, tokens[index + 1] if index + 1 < len(tokens) else token)
        self._inlines(tokens)

    def _divs(self, tokens: Sequence[Token]) -> None:
        """Pandoc's ``::: {.class}`` … ``:::`` leave no token: their lines go, outside of code."""
        if ":::" not in self.text:
            return
        taken = {line for token in tokens if token.type in _VERBATIM and token.map for line in range(*token.map)}
        open_at: list[tuple[int, bool]] = []
        for number, line in enumerate(self.lines):
            if number in taken:
                continue
            if CLOSE_DIV.fullmatch(line.strip()) and open_at:
                begin, is_div = open_at.pop()
                if is_div:
                    self._drop_lines(begin, begin + 1)
                    self._drop_lines(number, number + 1)
            elif ANY_DIV.match(line.strip()):
                open_at.append((number, OPEN_DIV.match(line.strip()) is not None))

    def _definitions(self, tokens: Sequence[Token]) -> None:
        """``[name]: page.md`` leaves no token either: it leads to that page's notebook, if there is one."""
        if "]:" not in self.text:
            return
        taken = {line for token in tokens if token.type in _VERBATIM and token.map for line in range(*token.map)}
        for number, line in enumerate(self.lines):
            match = _DEFINITION.match(line) if number not in taken else None
            if match:
                self._address(match[1], self.starts[number] + match.start(1))

    def _said(self, text: str) -> Callable[[View], str]:
        """What an argument of a directive says: its references and links are as in the text."""
        env: dict[str, Any] = {}
        tokens = self.md.parse(text, env)
        inner = _Finder(self.document, env[SOURCE], self.shelf, self.md)
        inner._inlines(tokens)
        return inner._sheet().whole

    def _plain(self, text: str) -> str:
        """The words of a text alone, for those who do not see a picture."""
        tokens = self.md.parse(text)
        return " ".join(child.content or " " for token in tokens for child in token.children or ())

    # -- positions

    def _start(self, line: int) -> int:
        return self.starts[min(line, len(self.starts) - 1)]

    def _replace(self, start: int, end: int, write: str | Callable[[View], str] = "", picture: str = "") -> None:
        self.edits.append(Edit(start, end, write, picture=picture))

    def _is_blank(self, line: int) -> bool:
        return not 0 <= line < len(self.lines) or not self.lines[line].strip(" \t>")

    def _drop_lines(self, first: int, end: int, tabs: tuple[str, ...] | None = None) -> None:
        """Take whole lines out, so that what stands around them stays apart, by one blank line.

        They stay for the frameworks in ``tabs``.
        """
        above, below = self._is_blank(first - 1), self._is_blank(end)
        more = end < len(self.lines) and _MARK.fullmatch(self.lines[end])  # the last of several keeps things apart
        apart = "" if above or below or more else "\n"
        self.edits.append(Edit(self._start(first), self._start(end + 1 if above and below else end), apart, tabs))

    def _drop_mark(self, names: str, value: str, first: int, last: int) -> int | None:
        """Take a mark out, looked for from line ``last`` back to ``first``; the line that it stood on."""
        pattern = re.compile(rf"[ \t]*:(?:{names}):[ \t]*(`{{1,2}})[ \t]*{re.escape(value)}[ \t]*\1[ \t]*")
        for line in range(min(last, len(self.lines) - 1), first - 1, -1):
            found = list(pattern.finditer(self.lines[line]))
            if found:
                match = found[-1]
                rest = self.lines[line][: match.start()] + self.lines[line][match.end() :]
                if rest.strip(" \t>"):
                    self._replace(self.starts[line] + match.start(), self.starts[line] + match.end())
                else:
                    self._drop_lines(line, line + 1)
                return line
        return None

    # -- blocks

    def _block(self, token: Token, following: Token) -> None:
        first, end = token.map or [0, 0]
        meta = token.meta or {}
        self._drop_marks(token, first, end)
        if token.type == "heading_open":
            self._heading(token, first)
        elif token.type == "figure":
            self._figure(token, first, end)
        elif token.type == "table_open" and "caption" in meta:
            self._table_caption(meta["caption_line"], first)
        elif token.type == "math_block":
            self._macros(self._start(first), self._start(end))
            if meta.get("label"):
                self._equation(token, first, end)
        elif token.type == "tab_block_open":
            self._tab_block(meta, first, end)
        elif token.type == "toc":
            pages = [self.named[line] for _, line in meta["entries"] if line in self.named]
            self._replace(self._start(first), self._line_end(end - 1), lambda view: self._contents(pages, view, 0))
        elif token.type == "bibliography":
            self._replace(self._start(first), self._line_end(end - 1), listed(self.shelf.works.values()))
        elif token.type in ("myst_target", "myst_line_comment", "myst_block_break", "front_matter"):
            self._drop_lines(first, end)
        elif token.type == "raw_rst":
            self._raw(token, first, end)
        elif token.type in FENCES:
            found = directive(token)
            if found is not None:
                self._directive(found, token, first, end)
            elif token.type == "fence":
                self._nested_cell(token, first)
        elif token.type == "html_block" and _COMMENT.fullmatch(token.content):
            self._drop_lines(first, end)
        elif token.type == "html_block":
            self._html(token.content, self._start(first))
        elif token.type == "footnote_reference_open":
            self._footnote(meta["label"], first, end)

    def _line_end(self, line: int) -> int:
        return self._start(line) + len(self.lines[line]) if line < len(self.lines) else len(self.text)

    def _nested_cell(self, token: Token, first: int) -> None:
        """A cell within a list or quotation is never run: code to read, without the marks of one that is."""
        match = _NESTED_CELL.search(self.lines[first])
        if match is None:
            return
        self._replace(self.starts[first] + match.start(1), self.starts[first] + match.end(1), "python")
        if first + 1 < len(self.lines) and _TAB_MARK.match(token.content):
            self._replace(self.starts[first + 1], self._start(first + 2))

    def _footnote(self, label: str, first: int, end: int) -> None:
        """Jupyter knows no footnotes: the number stands before it, and what is indented below it no longer is."""
        match = re.match(rf"[\s>]*(\[\^{re.escape(label)}\]:[ \t]*)", self.lines[first])
        if match is None:
            return
        self._replace(self.starts[first] + match.start(1), self.starts[first] + match.end(1), self._note(label))
        margin = match.start(1)
        for line in range(first + 1, end):
            indented = re.match(r"(?: {4}|\t)", self.lines[line][margin:])
            if indented:
                self._replace(self.starts[line] + margin, self.starts[line] + margin + indented.end())

    def _note(self, label: str) -> str:
        """The mark of a footnote; they are numbered as their marks stand in the text."""
        return f"<sup>{self.notes.setdefault(label, len(self.notes) + 1)}</sup> "

    def _drop_marks(self, token: Token, first: int, end: int) -> None:
        meta = token.meta or {}
        if token.type in ("label", "misplaced"):
            self._drop_mark(re.escape(meta["name"]), meta["value"], first, end - 1)
            return
        for key, names in (("label", "label|eqlabel"), ("width", "width"), ("height", "height")):
            if meta.get(key) and token.type in ("heading_open", "figure", "table_open", "math_block"):
                last = meta.get(f"{key}_line", end - 1)
                # where a rule has moved the mark, it stands a line or two below
                if self._drop_mark(names, str(meta[key]), min(first, last), last) is None:
                    self._drop_mark(names, str(meta[key]), end, end + 1)

    def _heading(self, token: Token, line: int) -> None:
        if token.level == 0:
            self._replace(self._start(line), self._start(line), _SPLIT)
        end = _HEADING_END.search(self.lines[line]) if "own_name" in (token.meta or {}) else None
        if end is not None:
            self._replace(self.starts[line] + end.start(), self.starts[line] + end.end())
        found = self.shelf.numbers.places.get((self.page, line + 1))
        if found is not None and found.kind == "section" and found.number:
            hashes = _LEVELS.match(self.lines[line]) if token.markup.startswith("#") else None
            at = self.starts[line] + (hashes.end() if hashes else 0)
            # a number at the beginning of a line makes a list
            self._replace(at, at, f"{found.written}{'.' if hashes else chr(92) + '.'} ")

    def _figure(self, token: Token, first: int, end: int) -> None:
        """A picture in its place, and what stands between its brackets below, with its number."""
        begin = self.text.find("![", self._start(first))
        region = self.text[begin : self._start(end)]
        close = max(region.rfind("]("), region.rfind("][") if "](" not in region else -1)
        finish = max(region.rfind(")"), region.rfind("]") if "](" not in region else -1)
        if begin < 0 or close < 2 or finish < close:
            return
        meta = token.meta
        picture, shown = self._picture(meta["src"], meta["alt"], meta["width"], meta["height"])
        before = self.text[self.text.rfind("\n", 0, begin) + 1 : begin]
        alone = _MARGIN.fullmatch(before) is not None
        margin = re.sub(r"[^\s>]", " ", before) if alone else re.match(r"[\s>]*", before)[0]  # type: ignore[index]
        apart = f"\n{margin.rstrip()}\n{margin}"
        caption = f"{apart}{self._named(first)}" if region[2:close].strip() else ""
        shown = shown if alone else apart + shown
        self._replace(begin, begin + 2, shown + caption, picture)
        attributes = _ATTRIBUTES.match(self.text, begin + finish + 1)
        self._replace(begin + close, attributes.end() if attributes else begin + finish + 1)

    def _named(self, line: int) -> str:
        """``**Figure 2.1**:`` for what has a number and stands on a line."""
        found = self.shelf.numbers.places.get((self.page, line + 1))
        if found is None or not found.number:
            return ""
        phrase = self.shelf.phrases.table if found.kind == "table" else self.shelf.phrases.figure
        return f"**{phrase % found.written}**: "

    def _picture(self, address: str, alt: str, width: str | None, height: str | None) -> tuple[str, str]:
        """Path in the source folder (empty for a picture that is not the book's), and the Markdown that shows it."""
        path, address = self._pictured(address)
        alt = " ".join(alt.split())
        if width or height:
            sizes = "".join(f' {name}="{escape(v)}"' for name, v in (("width", width), ("height", height)) if v)
            return path, f'<img src="{escape(address)}" alt="{escape(alt)}"{sizes}>'
        return path, f"![{bracketed(alt)}]({address})"

    def _pictured(self, address: str) -> tuple[str, str]:
        """The path of a picture in the source folder, and its address as notebooks write it."""
        if _REMOTE.match(address):
            return "", address
        folder = posixpath.dirname(self.page)
        path = posixpath.normpath(posixpath.join(folder, unquote(address)) if address[:1] != "/" else unquote(address))
        path = path.lstrip("/")
        if path.startswith("../"):
            return "", address
        return path, quote(posixpath.relpath(path, folder or ".")) if address.startswith("/") else address

    def _html(self, html: str, at: int) -> None:
        """The pictures that HTML shows, and the pages that it leads to."""
        for match in _HTML_PICTURE.finditer(html):
            path, _ = self._pictured(match[1])
            self._replace(at, at, "", path)
        for match in _HTML_LINK.finditer(html):
            self._address(match[1], at + match.start(1))

    def _table_caption(self, line: int, table: int) -> None:
        match = re.match(r"[ \t>]*(:[ \t]*)", self.lines[line])
        if match:
            start = self.starts[line]
            self._replace(start + match.start(1), start + match.end(1), self._named(table))

    def _equation(self, token: Token, first: int, end: int) -> None:
        """The number goes in as a tag, before the dollars that close the formula."""
        found = self.shelf.numbers.places.get((self.page, first + 1))
        label = token.meta["label"]
        region = self.text[self._start(first) : self._start(end)]
        mark = re.search(rf":(?:eq)?label:[ \t]*`{{1,2}}[ \t]*{re.escape(label)}[ \t]*`", region)
        close = region.rfind("$$", 0, mark.start() if mark else len(region))
        if found is None or not found.number or close < 0:
            return
        if re.search(r"\\tag\b", token.content):
            at = self._start(first) + close + 2
            self._replace(at, at, f" ({found.written})")
            return
        body = region[:close].rstrip(" \t\n>")
        at = self._start(first) + len(body)
        comment = re.search(r"(?<!\\)%", body[body.rfind("\n") + 1 :])
        self._replace(at, at, f"\n\\tag{{{found.written}}}" if comment else f" \\tag{{{found.written}}}")

    def _macros(self, start: int, end: int) -> None:
        """Macros of the book within a formula, written out."""
        for first, last, written in calls(self.text[start:end], self.shelf.macros):
            self._replace(start + first, start + last, written)

    def _tab_block(self, meta: Mapping[str, object], first: int, end: int) -> None:
        names = meta["tabs"]
        assert isinstance(names, tuple)
        self._drop_lines(first, first + 1)
        if meta["closed"]:
            self._drop_lines(end - 1, end)
        if "all" not in names:
            self._drop_lines(first, end, tabs=names)

    def _contents(self, pages: Sequence[str], view: View, depth: int) -> str:
        """A table of contents as a list of links to the notebooks that there are."""
        lines = []
        for page in pages:
            document = self.shelf.documents.get(page)
            if document is None or page == self.page or depth > 20:
                continue
            below = self._contents([entry.page for entry in document.toc], view, depth + 1)
            if page in view.pages or below:
                lines.append(f"{'    ' * depth}- {view.link(self._headline(document), page, origin=self.page)}")
            if below:
                lines.append(below)
        return "\n".join(lines)

    def _headline(self, document: Document) -> str:
        first = self.shelf.heads.get(document.page)
        number = f"{first.written}. " if first is not None and first.number else ""
        return f"{number}{bracketed(document.title or document.page)}"

    def _raw(self, token: Token, first: int, end: int) -> None:
        """Raw reStructuredText: HTML goes, since it belongs to the website, the rest is shown as it is written."""
        if re.match(r"\s*\.\. raw::", token.content):
            self._drop_lines(first, end)
            return
        start = self._start(first)
        at = self.lines[first].find("eval_rst")
        self._replace(start + at, self._line_end(first), "rst")

    # -- directives

    def _directive(self, found: Directive, token: Token, first: int, end: int) -> None:
        """MyST's directives in Markdown that Jupyter knows; others stay."""
        closed = bool(re.fullmatch(r"[`~:]{3,}\s*", self.lines[end - 1])) and end - 1 > first
        top = self._start(first), self._start(found.line)
        if found.name in ADMONITIONS or found.name == "table":
            is_table, said = found.name == "table", self._said(found.argument)
            named, otherwise = self._named(first) if is_table else "", "" if is_table else found.name.capitalize()
            around = "" if is_table else "**"
            self._replace(*top, lambda view: f"{named}{around}{said(view) or otherwise}{around}\n\n")
            if closed:
                self._drop_lines(end - 1, end)
            self._tokens(tokens_inside(found, self.md))
        elif found.name in ("figure", "image"):
            caption, _, legend = found.body.strip().partition("\n\n")
            path, shown = self._picture(
                found.argument,
                found.options.get("alt") or self._plain(caption),
                found.options.get("width"),
                found.options.get("height"),
            )
            said = self._said(
                "\n\n".join([f"{self._named(first)}{caption}", *filter(None, [legend])]) if caption else legend
            )
            self._replace(
                self._start(first), self._line_end(end - 1), lambda view: f"{shown}\n\n{said(view)}".rstrip(), path
            )
        elif found.name == "math":
            numbered = self.shelf.numbers.places.get((self.page, first + 1))
            tag = f" \\tag{{{numbered.written}}}" if numbered is not None and numbered.number else ""
            formula = expanded(found.body.strip(), self.shelf.macros)
            self._replace(self._start(first), self._line_end(end - 1), f"$$\n{formula}{tag}\n$$")
        elif found.name in ("code", "code-block") and token.type == "fence":
            self._replace(*top, f"{token.markup}{found.argument}\n")

    # -- inlines

    def _inlines(self, tokens: Sequence[Token]) -> None:
        """Roles and links, in the order of the text, each looked for behind the one before."""
        found = [
            (line, index, child, depth)
            for index, token in enumerate(tokens)
            for child, line, depth in _with_links(token)
        ]
        found.sort(key=lambda entry: entry[0])
        cursor = links = 0
        for line, _, child, depth in found:
            start = max(cursor, self._start(line))
            if child.type == "link_open":  # which is found by its address, behind its words
                links = self._link(str(child.attrGet("href") or ""), max(start, links)) or links
                continue
            span = self._span(child, start)
            if span is not None:
                cursor = span[1]
                self._inline(child, span, linked=depth > 0)

    def _span(self, child: Token, start: int) -> tuple[int, int] | None:
        """Where an inline token stands at or behind ``start``; ``None`` for those that need no look."""
        if child.type == "role":
            return _search(child.meta["source"], self.text, start)
        if child.type == "code_inline":
            opening = re.compile(rf"(?<!`){child.markup}(?!`)")
            begin = opening.search(self.text, start)
            close = opening.search(self.text, begin.end()) if begin else None
            return (begin.start(), close.end()) if begin and close else None
        if child.type == "myst_role":
            role = re.compile(rf"\{{{re.escape(child.meta['name'])}\}}(`+).+?(?<!`)\1(?!`)", re.DOTALL)
            match = role.search(self.text, start)
            return match.span() if match else None
        if child.type == "footnote_ref":
            return _search(f"[^{child.meta['label']}]", self.text, start)
        if child.type == "image":
            at = self.text.find("![", start)
            return (at, at + 2) if at >= 0 else None
        if child.type == "html_inline":
            return _search(child.content, self.text, start)
        if child.type in _FORMULAS and next(calls(child.content, self.shelf.macros), None):
            return _search(child.content, self.text, start)
        return None

    def _inline(self, child: Token, span: tuple[int, int], *, linked: bool) -> None:
        if child.type == "role":
            name, text = child.meta["name"], child.content
            if name in dialect.REFERENCE_ROLES:
                self._reference(span, name, text, linked=linked)
            elif name in dialect.CITATION_ROLES:
                self._replace(*span, citation(split_names(text), self.shelf.works, textual=name == "citet"))
            elif name in dialect.API_ROLES:
                shown = text.removeprefix("~").rpartition(".")[2] if text.startswith("~") else text
                self._replace(*span, code(shown))
            else:
                self._replace(*span, code(text))
        elif child.type == "myst_role":
            self._myst_role(child, span, linked=linked)
        elif child.type == "footnote_ref":
            self._replace(*span, self._note(child.meta["label"]).rstrip())
        elif child.type == "image":
            path, address = self._pictured(str(child.attrGet("src") or ""))
            self._replace(span[0], span[0], "", path)
            if address != child.attrGet("src"):
                written = self._addressed(str(child.attrGet("src")), span[0])
                if written:
                    self._replace(written.start(), written.end(), f"]({address}{written[3]}")
        elif child.type == "html_inline" and _COMMENT.fullmatch(child.content):
            at_end = self.text[span[1] : span[1] + 1] in (
                "",
                "\n",
            )  # where it leaves a space, or two, which break lines
            self._replace(len(self.text[: span[0]].rstrip(" ")) if at_end else span[0], span[1])
        elif child.type == "html_inline":
            self._html(child.content, span[0])
        elif child.type in _FORMULAS:
            self._macros(*span)

    def _addressed(self, href: str, start: int) -> re.Match[str] | None:
        """The end of the next link with this address, which the author may have written in other characters."""
        for match in _LINK.finditer(self.text, start):
            if self.md.normalizeLink(unescapeAll(match[1] or match[2] or "")) == href:
                return match
        return None

    def _to_page(self, href: str) -> str | None:
        """The page of the book that a link leads to: by its file, or by a label on it."""
        address, _, label = href.partition("#")
        if not address:
            found = self.shelf.numbers.find(unquote(label))
            return self.shelf.pages.get(unquote(label)) or (found.page if found is not None else None)
        if _REMOTE.match(href) or not address.endswith(".md"):
            return None
        target = posixpath.normpath(posixpath.join(posixpath.dirname(self.page), unquote(address)[:-3])).lstrip("/")
        return target if target in self.shelf.documents else None

    def _elsewhere(self, href: str, target: str, view: View) -> str | None:
        """Where a link to a page leads in notebooks: to its notebook, or to the website if it has none."""
        address, hash_, anchor = href.partition("#")
        if not address:  # labels are not in notebooks, only the pages that have them
            found = _TARGET.search(view.link("", target, origin=self.page))
            return found[1] if found else None
        if target in view.pages:
            return f"{view.address(target) or f'{address[:-3]}{view.ending}'}{hash_}{anchor}"
        return f"{view.on_site(target)}{hash_}{anchor}" if view.site else None

    def _words(self, href: str, target: str) -> str:
        """What a link says that has no words of its own."""
        address, _, label = href.partition("#")
        if address:
            return bracketed(self.shelf.documents[target].title or target)
        return self.shelf.referred("numref", unquote(label))[0]

    def _link(self, href: str, start: int) -> int | None:
        """A link to another page leads to its notebook; one that leads nowhere is words. Where it ends."""
        target = self._to_page(href)
        match = self._addressed(href, start) if target is not None else None
        if target is None or match is None:
            return None
        behind = match[3]

        def written(view: View) -> str:
            found = self._elsewhere(href, target, view)
            return f"]({found}{behind}" if found is not None else ""

        opening = self._opening(match.start())
        if opening is not None:
            words = "" if self.text[opening + 1 : match.start()].strip() else self._words(href, target)
            self._replace(
                opening,
                opening + 1,
                lambda view: f"{'[' if self._elsewhere(href, target, view) is not None else ''}{words}",
            )
        self._replace(*match.span(), written)
        return match.end()

    def _opening(self, close: int) -> int | None:
        """The bracket that one at ``close`` closes."""
        depth = 0
        for match in reversed(list(_BRACKET.finditer(self.text, self._paragraph(close), close))):
            if match[0] == "[" and depth == 0:
                return match.start()
            depth += {"]": 1, "[": -1}.get(match[0], 0)
        return None

    def _paragraph(self, place: int) -> int:
        """Where the lines begin that stand together with a place."""
        return max(self.text.rfind("\n\n", 0, place), 0)

    def _address(self, address: str, at: int) -> None:
        """An address that stands by itself, if it leads to a page that has a notebook or is on the website."""
        target = self._to_page(address)
        if target is not None and self.text.startswith(address, at):
            self._replace(at, at + len(address), lambda view: self._elsewhere(address, target, view) or address)

    def _reference(self, span: tuple[int, int], name: str, text: str, *, linked: bool) -> None:
        shown, page = self.shelf.referred(name, text)
        if page is None or linked:
            self._replace(*span, shown)
        else:
            self._replace(*span, lambda view: view.link(shown, page, origin=self.page))

    def _myst_role(self, child: Token, span: tuple[int, int], *, linked: bool) -> None:
        name, text = child.meta["name"], child.content
        if name in _MYST_REFERENCES:
            self._reference(span, _MYST_REFERENCES[name], text, linked=linked)
        elif name in _MYST_CITATIONS:
            self._replace(*span, citation(split_names(text), self.shelf.works, textual=_MYST_CITATIONS[name]))
        elif name == "math":
            self._replace(*span, f"${expanded(text, self.shelf.macros)}$")
        elif name in ("sub", "sup"):
            self._replace(*span, f"<{name}>{escape(text)}</{name}>")
        else:
            words, _ = dialect.titled(text)
            self._replace(*span, words or code(text))


def _with_links(token: Token) -> Iterator[tuple[Token, int, int]]:
    """Inline tokens with their lines, and in how many links or headings each stands."""
    depth = 0
    for child, line in dialect.walk_inline(token):
        if child.type == "link_close":
            depth -= 1
        if child.type in (
            "role",
            "code_inline",
            "myst_role",
            "link_open",
            "image",
            "html_inline",
            "footnote_ref",
            *_FORMULAS,
        ):
            yield child, line, depth
        if child.type == "link_open":
            depth += 1


def _search(written: str, text: str, start: int) -> tuple[int, int] | None:
    """Where something stands that a paragraph wrote; its lines may be indented or quoted there."""
    if "\n" in written:
        lines = r"[ \t]*\n[ \t>]*".join(re.escape(line.strip()) for line in written.split("\n"))
        match = re.compile(lines).search(text, start)
        return match.span() if match else None
    at = text.find(written, start)
    return (at, at + len(written)) if at >= 0 else None
