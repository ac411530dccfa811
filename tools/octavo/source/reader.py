"""The text of one page → :class:`~octavo.model.Document`, with every message about its markup."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal

import yaml
from markdown_it.token import Token

from octavo.config import Settings
from octavo.diagnostics import Code, Diagnostic, Severity, error, warning
from octavo.model import Cell, CellKind, Document, Label, Prose, Reference, Span, TocEntry
from octavo.model import Code as SourceCode
from octavo.source import dialect
from octavo.source.blocks import split_names
from octavo.source.core import plain_text
from octavo.source.problems import Problem, noted
from octavo.source.slides import BEGIN, own_slides, problems

TAB_MARK = re.compile(r"#[ \t]*@tab[ \t]+([\w, \t.-]+)")
TAB_MAGIC = re.compile(r"%%tab[ \t]+([\w, \t.-]+)")
NO_TAB = re.compile(r"^[ \t]*(?:#[ \t]*@tab|%%tab)[ \t,]*$", re.MULTILINE)
HEADER_MARK = "%load_ext d2lbook.tab"
HIDE_CODE = re.compile(r"^[ \t]*#[ \t]*(?:@hide(?:_all|_code)?|Hide[ \t]+code)[ \t]*$", re.MULTILINE)
HIDE_OUTPUT = re.compile(r"^[ \t]*#[ \t]*(?:@hide(?:_all|_outputs?)?|Hide[ \t]+outputs?)[ \t]*$", re.MULTILINE)
LABEL_KINDS: dict[str, Literal["section", "figure", "table", "equation"]] = {
    "heading_open": "section",
    "figure": "figure",
    "table_open": "table",
    "math_block": "equation",
}
DIRECTIVE_NAME = re.compile(r"^:?name:[ \t]+(\S+)[ \t]*$", re.MULTILINE)
RST_RAW_FILE = re.compile(
    r"^[ \t]*\.\.[ \t]+raw::[^\n]*\n(?:[ \t]+:[\w-]+:[^\n]*\n)*?[ \t]+:file:[ \t]*(\S+)", re.MULTILINE
)
DIRECTIVE_FILE = re.compile(r"\A(?::?[\w-]+:[^\n]*\n)*?:?file:[ \t]*(\S+)")
RST_TARGET = re.compile(r"^[ \t]*\.\. _([^:`]+):[ \t]*$", re.MULTILINE)
ROLE_NAMES = "|".join(sorted(dialect.ROLES | dialect.MARK_ROLES, key=len, reverse=True))
OPEN_ROLE = re.compile(rf"(?<![\w:]):({ROLE_NAMES}):[ \t]?`")
"""A role without its second backtick, as it stands in text."""
SPOILT_ROLE = re.compile(rf"[:：][ \t]*({ROLE_NAMES})[ \t]*[:：][ \t]*$")
"""The name of a role before code, where spaces or wide colons keep it from being one."""
VARIES = re.compile(r"^[ \t]*#[ \t]*@varies[ \t]*$", re.MULTILINE)


def read(path: str, text: str, settings: Settings) -> tuple[Document, tuple[Diagnostic, ...]]:
    """Read a page.

    ``path`` is relative to the book's source folder. Returns the document and every message about its markup;
    nothing that an author can write raises.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    return _Reader(path, text, settings).document()


class _Reader:
    """Reads one page; collects the messages on the way."""

    def __init__(self, path: str, text: str, settings: Settings) -> None:
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        self.settings = settings
        self.messages: list[Diagnostic] = []
        self.env: dict[str, Any] = {}
        self.tokens = _PARSER.parse(text, self.env)
        self.inline = [_inline(token) for token in self.tokens]
        """For each of the tokens, those in its lines, with their lines."""

    def document(self) -> tuple[Document, tuple[Diagnostic, ...]]:
        page = self.path.removesuffix(".md")
        items = tuple(self._items())
        cells = [item for item in items if isinstance(item, Cell)]
        code = [cell for cell in cells if cell.kind is CellKind.CODE]
        tabs = tuple(tab for tab in self.settings.tabs if not code or any(tab in cell.tabs for cell in code))
        self._check_fences()
        self._check_roles()
        self._check_spoilt_roles()
        references = (*self._references(), *self._slides(cells))
        for problem in noted(self.env):
            self._report(problem)
        document = Document(
            page=page,
            path=self.path,
            text=self.text,
            items=items,
            tabs=tabs,
            title=self._title(),
            toc=tuple(self._toc(page)),
            labels=tuple(self._labels()),
            references=references,
            bibliographies=tuple(
                posixpath.normpath(posixpath.join(posixpath.dirname(page), token.content))
                for token in self.tokens
                if token.type == "bibliography"
            ),
            front_matter=self._front_matter(),
        )
        return document, tuple(self.messages)

    def _slides(self, cells: Sequence[Cell]) -> Iterator[Reference]:
        """What the author's own slides below ``<!-- slides -->`` refer to; what is wrong with them is reported."""
        begin = self.env.get(BEGIN)
        if begin is None:
            return
        own = own_slides(self.text, begin)
        text = _Reader(self.path, own.text, self.settings)
        text._check_roles()
        self.messages += text.messages
        for problem in (*noted(text.env), *problems(own, cells, self.settings.tabs)):
            self._report(problem)
        yield from text._references()
        for place in own.places():
            if place.drawing:
                path = posixpath.relpath(place.drawing, posixpath.dirname(self.path) or ".")
                yield Reference("image", path, "", self._span(place.line, place.written))

    # -- items

    def _items(self) -> Iterator[Prose | Cell]:
        """Cells and the prose between them; every line of the page lies in one item, blank stretches aside."""
        done = 0
        count = 0
        for token in self.tokens:
            if token.map is None:
                continue
            start, end = token.map
            if token.level:
                if token.type == "tab_block_open":
                    self._tab_names(token.meta["tabs"], start)  # part of the prose around it, and checked all the same
                continue
            if token.type == "cell":
                yield from self._prose(done, start, None)
                yield self._cell(token, count)
                count += 1
                done = end
            elif token.type == "tab_block_open":
                yield from self._prose(done, start, None)
                tabs = self._tab_names(token.meta["tabs"], start)
                yield from self._prose(start + 1, end - 1 if token.meta["closed"] else end, tabs)
                done = end
        yield from self._prose(done, len(self.lines), None)

    def _prose(self, start: int, end: int, tabs: tuple[str, ...] | None) -> Iterator[Prose]:
        while start < end and not self.lines[start].strip():
            start += 1
        while end > start and not self.lines[end - 1].strip():
            end -= 1
        if start < end:
            yield Prose("\n".join(self.lines[start:end]), Span(self.path, start + 1, end), tabs)

    def _cell(self, token: Token, index: int) -> Cell:
        start, end = token.map or [0, 0]
        body = token.content.removesuffix("\n")
        first = start + 2
        code = SourceCode(body, tuple(range(first, first + body.count("\n") + 1)))
        tabs, marked = self._cell_tabs(body, first)
        return Cell(
            code=code,
            span=Span(self.path, start + 1, end),
            tabs=tabs,
            marked=marked,
            index=index,
            kind=CellKind.HEADER if HEADER_MARK in body else CellKind.CODE,
            id=token.meta["id"],
            attributes=token.meta["attributes"],
            hide_code=HIDE_CODE.search(body) is not None,
            hide_output=HIDE_OUTPUT.search(body) is not None,
            varies=VARIES.search(body) is not None,
        )

    def _cell_tabs(self, body: str, first_line: int) -> tuple[tuple[str, ...], bool]:
        """The frameworks of a cell, read as the old tool does: the first mark anywhere, ``#@tab`` before ``%%tab``."""
        mark = TAB_MARK.search(body) or TAB_MAGIC.search(body)
        if mark is None:
            empty = NO_TAB.search(body)
            if empty:
                self._tab_names((), first_line + body.count("\n", 0, empty.start()) - 1)
            every = self.settings.untagged == "all"
            return (self.settings.tabs if every else (self.settings.default_tab,)), False
        offset = body.count("\n", 0, mark.start())
        line_start = body.rfind("\n", 0, mark.start()) + 1
        if offset or mark.start() != line_start:
            self._warn_misplaced_mark(body, first_line + offset, offset == 0)
        for extra in re.finditer(r"(?:#[ \t]*@tab|%%tab)[ \t]+[\w, \t.-]+", body):
            if extra.start() != mark.start():
                line = first_line + body.count("\n", 0, extra.start())
                self.messages.append(
                    warning(
                        Code.MISPLACED_MARK,
                        f"a second framework mark in one cell; {mark[0].strip()!r} is the one that counts",
                        self._span(line - 1, extra[0].strip()),
                        hint="start a new cell for the other framework, or name both in one mark",
                    )
                )
        tabs = self._tab_names(split_names(mark[1]), first_line + offset - 1)
        return tabs or (self.settings.default_tab,), True

    def _warn_misplaced_mark(self, body: str, line: int, same_line: bool) -> None:
        reason = "is not alone on its line" if same_line else "is not the first line of its cell"
        self.messages.append(
            warning(
                Code.MISPLACED_MARK,
                f"the framework mark {reason}",
                self._span(line - 1),
                hint="move it to the line after the opening fence",
            )
        )

    def _tab_names(self, names: Sequence[str], line: int) -> tuple[str, ...]:
        """Known frameworks among ``names``, in the book's order; the others are reported. ``line`` counts from 0."""
        if "all" in names:
            return self.settings.tabs
        for name in names:
            if name not in self.settings.tabs:
                close = _closest(name, self.settings.tabs)
                self.messages.append(
                    error(
                        Code.UNKNOWN_TAB,
                        f"there is no framework {name!r} in this book",
                        self._span(line, name),
                        hint=f"did you mean {close!r}?" if close else f"the book has {', '.join(self.settings.tabs)}",
                    )
                )
        if not names:
            self.messages.append(
                error(
                    Code.UNKNOWN_TAB,
                    "no framework is named here",
                    self._span(line),
                    hint=f"the book has {', '.join(self.settings.tabs)}",
                )
            )
        return tuple(tab for tab in self.settings.tabs if tab in names)

    # -- facts about the page

    def _title(self) -> str:
        for token, following in zip(self.tokens, self.tokens[1:], strict=False):
            if token.type == "heading_open":
                return plain_text(following.children or []).strip()
        return ""

    def _toc(self, page: str) -> Iterator[TocEntry]:
        for token in self.tokens:
            if token.type != "toc":
                continue
            for target, line in token.meta["entries"]:
                name = posixpath.normpath(posixpath.join(posixpath.dirname(page), target.removesuffix(".md")))
                yield TocEntry(name, self._span(line, target), token.meta["numbered"])

    def _labels(self) -> Iterator[Label]:
        for token in self.tokens:
            if token.type == "fence":
                yield from self._names_in_markup(token, DIRECTIVE_NAME if token.info.strip()[:1] == "{" else None)
            elif token.type == "raw_rst":
                yield from self._names_in_markup(token, RST_TARGET)
            name = token.content if token.type == "myst_target" else None
            if token.type in LABEL_KINDS or token.type == "label":  # a footnote has a label too, of its page alone
                name = (token.meta or {}).get("label")
            if name is None or token.map is None:
                continue
            line = token.meta.get("label_line")
            if line is None:
                # the mark stands on the block's own lines, most often on the last of them
                lines = range(token.map[1] - 1, token.map[0] - 1, -1)
                line = next((n for n in lines if name in self.lines[n]), token.map[0])
            yield Label(name, LABEL_KINDS.get(token.type, "place"), self._span(line, name))

    def _names_in_markup(self, token: Token, pattern: re.Pattern[str] | None) -> Iterator[Label]:
        """Names that MyST's directives and reStructuredText give to what they hold."""
        for match in pattern.finditer(token.content) if pattern and token.map else ():
            line = (token.map or [0])[0] + 1 + token.content.count("\n", 0, match.start())
            yield Label(match[1], "place", self._span(line, match[1]))

    def _references(self) -> Iterator[Reference]:
        for token, inline in zip(self.tokens, self.inline, strict=True):
            if token.type == "figure" and token.map is not None:
                line = next((n for n in range(*token.map) if token.meta["src"] in self.lines[n]), token.map[0])
                yield Reference("image", token.meta["src"], "", self._span(line, token.meta["src"]))
            yield from self._raw_files(token)
            for child, line in inline:
                if child.type == "image":
                    source = str(child.attrGet("src") or "")
                    yield Reference("image", source, "", self._span(line, source))
                elif child.type == "role" and child.meta["name"] in dialect.REFERENCE_ROLES:
                    _, target = dialect.titled(child.content)
                    yield Reference("label", target, child.meta["name"], self._role_span(child, line, target))
                elif child.type == "role" and child.meta["name"] in dialect.CITATION_ROLES:
                    for key in split_names(child.content):
                        yield Reference("citation", key, child.meta["name"], self._role_span(child, line, key))

    def _raw_files(self, token: Token) -> Iterator[Reference]:
        """Files whose HTML stands on the page as it is: reStructuredText's ``raw``, and MyST's."""
        rst = token.type == "raw_rst"
        if token.map is None or not (rst or (token.type == "fence" and token.info.strip().startswith("{raw}"))):
            return
        for match in (RST_RAW_FILE if rst else DIRECTIVE_FILE).finditer(token.content):
            line = token.map[0] + 1 + token.content.count("\n", 0, match.start(1))
            yield Reference("file", match[1], "", self._span(line, match[1]))

    def _front_matter(self) -> dict[str, Any]:
        first = self.tokens[0] if self.tokens else None
        if first is None or first.type != "front_matter":
            return {}
        try:
            data = yaml.safe_load(first.content)
        except Exception as problem:  # besides YAML's own, whatever Python says of a date or number that is none
            mark = getattr(problem, "problem_mark", None)
            line = 1 + (mark.line if mark else 0)
            reason = getattr(problem, "problem", None) or next(iter(str(problem).splitlines()), "it cannot be read")
            self.messages.append(error(Code.MARKUP, f"the front matter is not valid YAML: {reason}", self._span(line)))
            return {}
        if isinstance(data, dict):
            return data
        if data is not None:
            message = "the front matter is no list of names and values, so a reader does not see it"
            hint = "write name: value, or *** instead of --- for a line across the page"
            self.messages.append(error(Code.MARKUP, message, self._span(1), hint=hint))
        return {}

    # -- checks

    def _check_fences(self) -> None:
        for token in self.tokens:
            if token.type not in ("fence", "cell", "toc", "raw_rst") or token.map is None:
                continue
            start, end = token.map
            last = self.lines[end - 1].lstrip("> \t").rstrip() if end - 1 > start else ""
            if not (last and set(last) == {token.markup[0]} and len(last) >= len(token.markup)):
                self.messages.append(
                    error(
                        Code.UNCLOSED_FENCE,
                        f"this {token.markup} fence is not closed",
                        self._span(start),
                        hint=f"add a line {token.markup} where it should end",
                    )
                )

    def _check_roles(self) -> None:
        for inline in self.inline:
            for child, line in inline:
                if child.type != "role" or child.meta["name"] in dialect.ROLES:
                    continue
                name = child.meta["name"]
                close = _closest(name, sorted(dialect.ROLES | dialect.MARK_ROLES))
                if name in dialect.MARK_ROLES:
                    self.messages.append(
                        warning(
                            Code.MISPLACED_LABEL,
                            f":{name}: stands in the middle of text, so nothing carries it"
                            if child.content
                            else f":{name}: holds nothing",
                            self._span(line, f":{name}:"),
                            hint="put it on a line of its own",
                        )
                    )
                    continue
                self.messages.append(
                    error(
                        Code.UNKNOWN_ROLE,
                        f"there is no role :{name}:",
                        self._span(line, f":{name}:"),
                        hint=f"did you mean :{close}:?" if close else "its text is shown as it stands",
                    )
                )

    def _check_spoilt_roles(self) -> None:
        """What is meant as a role and is none, as translation by machine leaves it: a reader sees its source."""
        for inline in self.inline:
            for (child, line), (following, _) in pairwise([*inline, (Token("", "", 0), 0)]):
                text = child.content if child.type == "text" else ""
                spoilt = SPOILT_ROLE.search(text) if following.type == "code_inline" else None
                for match, problem in (
                    (OPEN_ROLE.search(text), "has no second backtick"),
                    (spoilt, "is written with spaces or wide colons"),
                ):
                    if match:
                        self.messages.append(
                            error(
                                Code.UNKNOWN_ROLE,
                                f"the role {match[1]} {problem}, so it is shown as it stands",
                                self._span(line, match[1]),
                                hint=f"write :{match[1]}:`…`",
                            )
                        )

    def _report(self, problem: Problem) -> None:
        severity = Severity.ERROR if problem.fatal else Severity.WARNING
        span = self._span(problem.line, problem.word)
        self.messages.append(Diagnostic(problem.code, severity, problem.message, span, hint=problem.hint))

    def _role_span(self, role: Token, line: int, word: str) -> Span:
        """The span of ``word`` in a role that begins on a line (from 0) and may end on a later one."""
        for number in range(line, line + 1 + int(role.meta["newlines"])):
            span = self._span(number, word, after=f":{role.meta['name']}:" if number == line else "")
            if span.column:
                return span
        return self._span(line)

    def _span(self, line: int, word: str = "", after: str = "") -> Span:
        """The span of a line (from 0), pointing at ``word`` if the line holds it, a whole one if there is one."""
        line = max(0, min(line, len(self.lines) - 1))
        text = self.lines[line]
        start = max(0, text.find(after))
        whole = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)").search(text, start) if word else None
        at = whole.start() if whole else text.find(word, start) if word else -1
        column, width = (at + 1, len(word)) if at >= 0 else (0, 0)
        return Span(self.path, line + 1, line + 1, column, width)


def _inline(token: Token) -> Sequence[tuple[Token, int]]:
    return list(dialect.walk_inline(token)) if token.children or (token.meta or {}).get("caption") else ()


def _closest(name: str, candidates: Sequence[str]) -> str:
    import difflib  # only needed when something is wrong

    found = difflib.get_close_matches(name, candidates, n=1)
    return found[0] if found else ""


_PARSER = dialect.parser()
