"""Every message to an author: its code, severity, place and hint, for terminals and for machines."""

from __future__ import annotations

import json
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from octavo.model import Span


class Severity(Enum):
    """How bad it is: an ``ERROR`` makes the exit code 1, a ``WARNING`` does not."""

    ERROR = "error"
    WARNING = "warning"


class Code(Enum):
    """Each kind of message, with what it means. The value is what an author sees in brackets."""

    CONFIG_SYNTAX = "config-syntax"
    """``config.ini`` cannot be read."""
    CONFIG_VALUE = "config-value"
    """A setting has a value that does not fit it."""
    CONFIG_UNKNOWN = "config-unknown"
    """A setting that nothing reads."""
    CONFIG_INHERITED = "config-inherited"
    """A setting of d2lbook that octavo does not honour; the hint says what to do instead."""
    CONFIG_PLACEHOLDER = "config-placeholder"
    """A value that a script was to fill in."""
    UNKNOWN_PAGE = "unknown-page"
    """A table of contents names a page that does not exist."""
    REPEATED_PAGE = "repeated-page"
    """A page stands twice in the tables of contents."""
    ORPHAN_PAGE = "orphan-page"
    """A Markdown file of the book that no table of contents names."""
    UNCLOSED_TAB = "unclosed-tab"
    """``:begin_tab:`` without ``:end_tab:``."""
    STRAY_END_TAB = "stray-end-tab"
    """``:end_tab:`` without ``:begin_tab:``."""
    UNKNOWN_TAB = "unknown-tab"
    """A framework that ``[build] tabs`` does not list."""
    MISPLACED_MARK = "misplaced-mark"
    """A framework mark that is not the first line of its cell, or stands there twice."""
    MISPLACED_CELL = "misplaced-cell"
    """A cell in a list or quotation, which is shown and never run."""
    UNCLOSED_FENCE = "unclosed-fence"
    """A code fence that runs to the end of the file."""
    UNKNOWN_ROLE = "unknown-role"
    """A role that nobody defines; its text is shown."""
    MISPLACED_LABEL = "misplaced-label"
    """A label, width or height with nothing in front of it that could carry it."""
    DUPLICATE_LABEL = "duplicate-label"
    """One label in two places."""
    UNKNOWN_REFERENCE = "unknown-reference"
    """A reference to a label that nobody defines."""
    UNKNOWN_CITATION = "unknown-citation"
    """A citation that the bibliography lacks."""
    THIRD_PARTY = "third-party"
    """Something that readers' browsers would fetch from another host."""
    MISSING_FILE = "missing-file"
    """A picture or included file that does not exist."""
    BAD_PICTURE = "bad-picture"
    """A picture whose file cannot be read or turned into what the product needs."""
    FONT = "font"
    """A font of the book on paper is not installed, or a character that no installed font has a sign for."""
    BAD_MATH = "bad-math"
    """A formula that is not closed or cannot be rendered."""
    SYNC = "sync"
    """An edited notebook that cannot be brought back into its page."""
    DECLARATION = "declaration"
    """What a page, a cell or a section ``[execute GLOB]`` declares about its execution does not fit."""
    SYNTAX_ERROR = "syntax-error"
    """A cell that is not valid Python in one of its frameworks."""
    BAD_BRANCH = "bad-branch"
    """A use of ``tab.selected`` that cannot be resolved."""
    BAD_ALIAS = "bad-alias"
    """An alias in ``config.ini`` that cannot be used."""
    DUPLICATE_DEFINITION = "duplicate-definition"
    """A name saved twice into one library; the last one wins."""
    UNDEFINED_NAME = "undefined-name"
    """Saved code reads a name that nothing defines."""
    UNFIT_DEFINITION = "unfit-definition"
    """Saved code that runs in a notebook only, so that no module can hold it."""
    UNKNOWN_CLASS = "unknown-class"
    """``add_to_class`` names a class that is not saved before."""
    FOREIGN_MODULE = "foreign-module"
    """A module that neither octavo nor d2lbook made stands where the harvested one belongs."""
    LIBRARY_STALE = "library-stale"
    """A checked-in library file differs from what the book's cells give."""
    CELL_FAILED = "cell-failed"
    """A cell raised an exception."""
    CELL_TIMEOUT = "cell-timeout"
    """A cell ran longer than its limit."""
    CELL_SILENT = "cell-silent"
    """A running cell printed and drew nothing for longer than its limit."""
    PAGE_TIMEOUT = "page-timeout"
    """A page ran longer than its limit."""
    KERNEL_DIED = "kernel-died"
    """A kernel ended without being asked."""
    INFRASTRUCTURE = "infrastructure"
    """A fault of the machine, and not of the page, that was still there when it was tried again."""
    CLUSTER = "cluster"
    """Pages cannot be executed on a cluster, since its scheduler or its workers are not as they have to be."""
    ENVIRONMENT = "environment"
    """A framework's environment cannot be made here."""
    DEFERRED = "deferred"
    """A page was not executed, since this machine has no graphics card for it."""
    DAMAGED_RESULT = "damaged-result"
    """A stored result that cannot be read; it is made again."""
    SHARED_STORE = "shared-store"
    """The shared store cannot be used as asked; the build goes on without it."""
    LATEX = "latex"
    """LaTeX could not make sense of something in the manuscript."""
    MISSING_CHARACTER = "missing-character"
    """Characters that the font lacks which they are set in, so that they are missing on paper."""
    WIDE_LINE = "wide-line"
    """Something stands out of its line into the margin of the page."""
    MISSING_TOOL = "missing-tool"
    """A program or a package of LaTeX that a product needs is not installed."""
    MARKUP = "markup"
    """Anything else that is wrong with a page's markup."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message."""

    code: Code
    severity: Severity
    message: str
    """One sentence without a final stop."""
    span: Span | None = None
    hint: str = ""
    """What the author can do."""
    tab: str = ""
    """The framework that it concerns, if only one; several, joined by commas, where all of them are told at once."""
    detail: tuple[str, ...] = ()
    """Further lines, such as the end of a traceback or a diff."""
    excerpt: str | None = None
    """The author's line; looked up from the book when it is not given."""
    within: Span | None = None
    """The cell around the place: lines of it beside the one that is meant are shown too."""
    host: str = ""
    """The machine that it happened on, where that is another than this one."""
    command: str = ""
    """What the author types to see it again, and nothing else."""

    def to_json(self, read_line: ReadLine | None = None) -> dict[str, Any]:
        """A plain mapping for ``--json``: line and column count from 1, ``null`` when unknown.

        ``read_line`` looks the author's line up where the message does not bring it.
        """
        span = self.span
        excerpt = self.excerpt
        if excerpt is None and span is not None and read_line is not None:
            excerpt = read_line(span.path, span.line)
        return {
            "code": self.code.value,
            "severity": self.severity.value,
            "message": self.message,
            "path": span.path if span else None,
            "line": span.line if span else None,
            "end_line": span.end if span else None,
            "column": (span.column or None) if span else None,
            "excerpt": (excerpt or "").strip() or None,
            "tab": self.tab or None,
            "hint": self.hint or None,
            "detail": list(self.detail),
            "host": self.host or None,
            "command": self.command or None,
        }


def error(code: Code, message: str, span: Span | None = None, **more: Any) -> Diagnostic:
    """A :class:`Diagnostic` of severity ``ERROR``."""
    return Diagnostic(code, Severity.ERROR, message, span, **more)


def warning(code: Code, message: str, span: Span | None = None, **more: Any) -> Diagnostic:
    """A :class:`Diagnostic` of severity ``WARNING``."""
    return Diagnostic(code, Severity.WARNING, message, span, **more)


class Diagnostics:
    """Collects the messages of a run, drops repetitions, and can be asked at the end.

    Safe to add to from several threads.
    """

    def __init__(self) -> None:
        self._seen: dict[Diagnostic, None] = {}
        self._lock = threading.Lock()

    def add(self, *diagnostics: Diagnostic) -> None:
        """Take messages in; one that is there already changes nothing."""
        with self._lock:
            for diagnostic in diagnostics:
                self._seen.setdefault(diagnostic)

    def amend(self, change: Callable[[Diagnostic], Diagnostic]) -> None:
        """Say each message as ``change`` gives it, when more is known than before."""
        with self._lock:
            self._seen = dict.fromkeys(map(change, self._seen))

    def __iter__(self) -> Iterator[Diagnostic]:
        """The messages in the order of their places, those without a place last; one for all frameworks it is of."""
        return iter(sorted(_told_once(self._seen), key=_place))

    def __len__(self) -> int:
        return len(_told_once(self._seen))

    @property
    def has_errors(self) -> bool:
        """Whether any message is an error."""
        return any(d.severity is Severity.ERROR for d in self._seen)


def _told_once(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Messages that differ in nothing but the framework as one that names all of these."""
    tabs: dict[Diagnostic, list[str]] = {}
    for diagnostic in diagnostics:
        alike = replace(diagnostic, tab="") if diagnostic.span else diagnostic
        tabs.setdefault(alike, []).extend(diagnostic.tab.split(", "))
    return [replace(one, tab=", ".join(dict.fromkeys(filter(None, names)))) for one, names in tabs.items()]


def _place(diagnostic: Diagnostic) -> tuple[bool, str, int, int]:
    span = diagnostic.span
    return (span is None, span.path if span else "", span.line if span else 0, span.column if span else 0)


ReadLine = Callable[[str, int], str | None]
"""Looks up the text of a line: book-relative path and line from 1 → text, or ``None``."""

EXCERPT_WIDTH = 160
"""How many characters of a long line are shown."""

LINES_BEFORE, LINES_AFTER = 3, 1
"""How many lines of a cell are shown beside the one that failed."""

_STYLE = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m"}
_BOLD, _DIM, _CYAN, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[36m", "\x1b[0m"


def format_diagnostic(diagnostic: Diagnostic, read_line: ReadLine, *, colour: bool = False) -> str:
    """The message as a terminal shows it: place, excerpt, caret, detail, hint. No final newline."""

    def paint(style: str, text: str) -> str:
        return f"{style}{text}{_RESET}" if colour else text

    span = diagnostic.span
    head = paint(_STYLE[diagnostic.severity], f"{diagnostic.severity.value}[{diagnostic.code.value}]")
    place = f"{_silent(span.path)}:{span.line}: " if span else ""
    about = _about(diagnostic)
    lines = [f"{paint(_BOLD, place)}{head}: {_silent(diagnostic.message)}{about}"]
    excerpt = diagnostic.excerpt
    if excerpt is None and span is not None:
        excerpt = read_line(span.path, span.line)
    if span is not None and excerpt is not None and excerpt.strip():
        around = dict(lines_around(diagnostic, read_line))
        digits = len(str(max((span.line, *around))))
        for number in sorted({span.line, *around}):
            gutter = paint(_DIM, f"{number:{digits}} |")
            if number != span.line:
                lines.append(f" {gutter} {_excerpt(around[number], Span(span.path, number, number))[0]}".rstrip())
                continue
            shown, indent, width = _excerpt(excerpt.rstrip(), span)
            lines.append(f" {gutter} {shown}")
            caret = " " * indent + "^" * width
            lines.append(f" {paint(_DIM, ' ' * digits + ' |')} {paint(_STYLE[diagnostic.severity], caret)}")
    lines.extend(f"   {_silent(line)}".rstrip() for line in diagnostic.detail)
    if diagnostic.hint:
        lines.append(f"   {paint(_CYAN, 'hint:')} {_silent(diagnostic.hint)}")
    if diagnostic.command:
        lines.append(f"   {paint(_CYAN, 'reproduce:')} {_silent(diagnostic.command)}")
    return "\n".join(lines)


def _about(diagnostic: Diagnostic) -> str:
    """The framework and the machine that a message concerns, as its sentence ends with them."""
    where = f"on {diagnostic.host}" if diagnostic.host else ""
    return f" ({' '.join(filter(None, (diagnostic.tab, where)))})" if diagnostic.tab or where else ""


def lines_around(diagnostic: Diagnostic, read_line: ReadLine) -> Iterator[tuple[int, str]]:
    """Number and text of the cell's lines next to the one that is meant; none where no cell is known."""
    span, within = diagnostic.span, diagnostic.within
    if span is None or within is None or within.path != span.path:
        return
    first, last = max(within.line, span.line - LINES_BEFORE), min(within.end, span.line + LINES_AFTER)
    for number in range(first, last + 1):
        text = read_line(span.path, number)
        if number != span.line and text is not None:
            yield number, text.rstrip()


def _excerpt(line: str, span: Span) -> tuple[str, int, int]:
    """What is shown of a line, and how many terminal cells stand before and on the place that is meant."""
    start = min(span.column - 1, len(line)) if span.column else len(line) - len(line.lstrip())
    end = min(start + max(span.width, 1), len(line)) if span.column else len(line)
    first = max(0, start - EXCERPT_WIDTH // 2) if len(line) > EXCERPT_WIDTH else 0
    last = min(len(line), first + EXCERPT_WIDTH)
    before = ("…" if first else "") + "".join(map(_visible, line[first:start])).expandtabs(4)
    meant = "".join(map(_visible, line[start : min(end, last)])).expandtabs(4)
    after = "".join(map(_visible, line[min(end, last) : last])).expandtabs(4) + ("…" if last < len(line) else "")
    return before + meant + after, _cells(before), max(1, _cells(meant))


def _visible(character: str) -> str:
    """A character as it can be shown: what would move the cursor or speak to the terminal is replaced."""
    return "�" if character != "\t" and unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") else character


def _silent(text: str) -> str:
    """Text of a page, of an output or of another machine, which is not to speak to the terminal either."""
    return text if text.isprintable() else "\n".join("".join(map(_visible, line)) for line in text.split("\n"))


def _cells(text: str) -> int:
    """How many cells of a terminal a text takes: two for a wide character, none for one that sits on another."""
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def to_json_lines(diagnostics: Iterable[Diagnostic], read_line: ReadLine | None = None) -> str:
    """A JSON array of all messages, indented, with a final newline."""
    return json.dumps([d.to_json(read_line) for d in diagnostics], indent=2, ensure_ascii=False) + "\n"
