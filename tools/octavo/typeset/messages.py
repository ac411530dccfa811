"""What happened while LaTeX ran → messages at the author's places."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from octavo.diagnostics import Code, Diagnostic, error, warning
from octavo.model import Span
from octavo.typeset.log import Event, Kind
from octavo.typeset.places import Places
from octavo.typeset.tools import install_file, install_font

WIDE = 10.0
"""By how many points something may stand out of its line before anybody would see it."""
MOST = 20
"""How many messages of one sort are told each for itself; the others are counted, and listed by page."""
_WIDEST = 120
"""How many characters of LaTeX's own words are shown."""

_EXPLAINED: tuple[tuple[str, str, str], ...] = (
    (
        r"Undefined control sequence",
        "LaTeX does not know the command {token}",
        "mend its name, or define it: [math] macros for formulas, [pdf] post_latex for the rest",
    ),
    (
        r"Missing \$ inserted|Bad math environment delimiter|Display math should end",
        "something here belongs into a formula, or a formula does not end",
        "look for a $ that is missing, or for _ and ^ outside of a formula",
    ),
    (
        r"(?:File ended|Paragraph ended) (?:while scanning use of|before) (?P<what>\\\S+)",
        "a brace that opens after {what} is never closed",
        "close it: LaTeX reads on until it finds the end",
    ),
    (
        r"Missing [{}] inserted|Extra }|Too many }'s|Argument of .* has an extra }",
        "braces do not pair up",
        "count { and } of the formula or command",
    ),
    (r"Double superscript", "a symbol has two superscripts", r"write x^{a^b} or {x^a}^b"),
    (r"Double subscript", "a symbol has two subscripts", r"write x_{a_b} or {x_a}_b"),
    (
        r"Misplaced alignment tab",
        "a & stands where nothing is aligned",
        r"write \& in text; put formulas with & into aligned",
    ),
    (
        r"Extra alignment tab",
        "a row has more columns than its matrix, table or cases",
        r"take an & out, or end the row with \\",
    ),
    (
        r"LaTeX Error: Environment (?P<what>\S+) undefined",
        r"LaTeX does not know the environment {what}",
        "mend its name",
    ),
    (
        r"LaTeX Error: \\begin\{(?P<what>[^}]*)\}.* ended by \\end\{(?P<other>[^}]*)\}",
        r"\begin{{{what}}} is ended by \end{{{other}}}",
        "let each \\end name what was begun last",
    ),
    (
        r"TeX capacity exceeded",
        "a command asks for more than LaTeX has room for",
        "look for a command that calls itself",
    ),
    (
        r"(?:Extra|Missing) \\(?:left|right)|Missing delimiter|Extra \\right",
        r"\left and \right do not pair up",
        r"write \left. or \right. for the side that has no bracket",
    ),
    (r"Dimension too large", "something is larger than any page", ""),
    (r"Interruption", "LaTeX did not come beyond this place", ""),
)
"""What LaTeX says, what it means, and what can be done."""

_NO_FONT = re.compile(
    r'The font "(?P<name>[^"]+)" cannot be found|^Font \S*?="?\[?(?P<other>[^"\]]+)[\]"].* not loadable'
)
_NO_FILE = re.compile(r"(?:File|I can't find file) `(?P<name>[^']+)'")
_PICTURE = re.compile(
    "Unable to load picture or PDF file|Unknown graphics extension"
    "|Cannot determine size of graphic|Can not include graphics"
)
_OF_LATEX = (".sty", ".cls", ".def", ".fd", ".ldf", ".clo", ".cfg", ".tfm", ".map")


@dataclass(frozen=True, slots=True)
class _Told:
    """A message, with what decides whether it is told for itself."""

    message: Diagnostic
    pages: tuple[int, ...]
    brief: str
    """What is said of it in a list."""


def messages(
    events: Iterable[Event], places: Places, log: Path, told: Collection[tuple[str, int]] = ()
) -> tuple[Diagnostic, ...]:
    """One message for each fault: errors by place, characters by place and font, lines by place.

    No error at a place in ``told``, (path, line), is told again.
    """
    by_kind: dict[Kind, list[Event]] = {kind: [] for kind in Kind}
    for event in events:
        by_kind[event.kind].append(event)
    wide = [event for event in by_kind[Kind.WIDE] if event.points > WIDE]
    place = shown(log)
    sorts = (
        (_errors(by_kind[Kind.ERROR], places, place, told), ("error of LaTeX", "errors of LaTeX")),
        (
            _undefined(by_kind[Kind.UNDEFINED], places),
            ("reference that leads nowhere", "references that lead nowhere"),
        ),
        (_characters(by_kind[Kind.CHARACTER], places), ("character that is missing", "characters that are missing")),
        (_wide(wide, places), ("line that is too wide", "lines that are too wide")),
        (_high(by_kind[Kind.HIGH]), ("page that is too full", "pages that are too full")),
    )
    listed = [message for found, names in sorts for message in _bounded(found, names, place)]
    if by_kind[Kind.UNSETTLED]:
        listed.append(warning(Code.LATEX, "page numbers still changed when the book was set for the last time"))
    return tuple(listed)


def _errors(events: Sequence[Event], places: Places, log: str, told: Collection[tuple[str, int]]) -> Iterator[_Told]:
    """Errors, each place once: what follows there mostly follows from the first."""
    seen: set[object] = set(told)
    for event in events:
        message = _error(event, places, log)
        about: object = (message.span.path, message.span.line) if message.span else message.message
        if about not in seen:
            seen.add(about)
            yield _Told(message, (event.page,), message.message)


def _error(event: Event, places: Places, log: str) -> Diagnostic:
    token = _token(event)
    if event.runaway:
        line = places.of_runaway(event.runaway) or event.line
        what = re.search(r"(?:use of|before) (\\\S+)", event.text)
        span = places.at(line, token=what[1].rstrip(".") if what else "")
    elif event.file and not event.file.endswith(".tex"):  # such as the contents: text that stands elsewhere too
        span = next(iter(places.of_text(token)), None) if token else None
    else:
        span = places.at(event.line, token=token)
    detail = tuple(_said(event, log))
    if found := _NO_FONT.search(event.text):
        font = found["name"] or found["other"]
        return error(Code.FONT, f"the font {font!r} is not installed", span, hint=install_font(font))
    if _PICTURE.search(event.text):
        return error(Code.BAD_PICTURE, "LaTeX cannot read a picture", span, detail=detail)
    if found := _NO_FILE.search(event.text):
        name = found["name"]
        if name.endswith(_OF_LATEX):
            lack = f"LaTeX lacks its file {name}"
            return error(Code.MISSING_TOOL, lack, span, hint=install_file(name), detail=detail)
        return error(Code.MISSING_FILE, f"LaTeX finds no file {name!r} in the manuscript's folder", span, detail=detail)
    sentence, hint = _explained(event, token)
    return error(Code.LATEX, sentence, span, hint=hint, detail=detail)


def _explained(event: Event, token: str) -> tuple[str, str]:
    for pattern, sentence, hint in _EXPLAINED:
        if found := re.match(pattern, event.text):
            named = {name: (text or "").rstrip(".") for name, text in found.groupdict().items()}
            return sentence.format(token=token or "here", **named), hint
    text = re.sub(r"^(?:LaTeX|Package \w+) Error: ", "", event.text)
    return f"LaTeX says: {text.rstrip('.')}", ""


def _token(event: Event) -> str:
    """The word that LaTeX had read last when it stopped: a command or environment."""
    if found := re.match(r"LaTeX Error: Environment (\S+) undefined", event.text):
        return found[1]
    for head in event.context[:-1:2]:
        if head.startswith("<*>"):
            break
        if not head.startswith(("<argument>", "l.")) and "->" not in head and not head.startswith("\\"):
            continue
        if found := re.search(r"(\\[A-Za-z@]+) ?$", head):
            return found[1]
    return ""


def _said(event: Event, log: str) -> Iterator[str]:
    """LaTeX's own words, the text around the place where it stopped, and where all of that stands."""
    yield f"LaTeX: {' '.join(event.text.removeprefix('LaTeX Error: ').split())}"[:_WIDEST]
    pairs = [event.context[number : number + 2] for number in range(0, len(event.context) - 1, 2)]
    stopped = [pair for pair in pairs if pair[0].startswith(("<argument>", "l."))]
    for before, after in stopped[:1] + stopped[1:][-1:]:
        head = re.sub(r"^(?:l\.\d+|<argument>) ?", "", before)
        rest = after.strip().removesuffix("^^M")
        yield f"  {head.strip()[-_WIDEST // 2 :]} <-- here {rest[: _WIDEST // 2]}".rstrip()
    yield f"log: {log}:{event.at}"


def _undefined(events: Sequence[Event], places: Places) -> Iterator[_Told]:
    for (name, span), pages in _grouped((one.text, places.at(one.line, token=one.text), one.page) for one in events):
        sentence = f"nothing on paper is called {name!r}, so that ?? stands for it {_on(pages)}"
        yield _Told(error(Code.UNKNOWN_REFERENCE, sentence, span), pages, repr(name))


def _characters(events: Sequence[Event], places: Places) -> Iterator[_Told]:
    """By font and place."""
    grouped: dict[tuple[str, tuple[str, int] | None], list[tuple[Event, Span | None]]] = {}
    for event, span in zip(events, _occurrences(events, places), strict=True):
        grouped.setdefault((event.font, (span.path, span.line) if span else None), []).append((event, span))
    for (font, _), group in grouped.items():
        characters = list(dict.fromkeys(event.text for event, _ in group))
        pages = tuple(sorted({event.page for event, _ in group}))
        names = ", ".join(f"{one} (U+{ord(one):04X})" if len(one) == 1 else one for one in characters[:5])
        more = f" and {len(characters) - 5} more" if len(characters) > 5 else ""
        sentence = f"the font {font!r} has no {names}{more}; missing {_on(pages)}"
        hint = "set [pdf] main_font, sans_font or mono_font to a font that has it"
        yield _Told(warning(Code.MISSING_CHARACTER, sentence, group[0][1], hint=hint), pages, f"{names}{more}")


def _occurrences(events: Sequence[Event], places: Places) -> list[Span | None]:
    """Where each of the missing characters stands, which the log does not say.

    Where one is missing as often as it stands in the manuscript, its places are known; else some of them are set in
    another font, or twice, as in headings and contents: then the first place is told.
    """
    spans: dict[str, list[Span]] = {}
    for text, times in Counter(event.text for event in events).items():
        found = places.of_text(text)
        spans[text] = list(reversed(found if len(found) == times else found[:1] * times))
    return [spans[event.text].pop() if spans[event.text] else None for event in events]


def _wide(events: Sequence[Event], places: Places) -> Iterator[_Told]:
    by_place: dict[object, list[Event]] = {}
    spans: dict[object, Span | None] = {}
    for event in events:
        span = places.at(event.line, words=event.text)
        about: object = (span.path, span.line) if span else event.at or event.line
        spans[about] = span
        by_place.setdefault(about, []).append(event)
    for about, group in by_place.items():
        widest = max(group, key=lambda event: event.points)
        pages = tuple(sorted({event.page for event in group}))
        sentence = f"something stands {widest.points:.0f} pt out of its line, {_on(pages)}"
        detail = (f"LaTeX: {widest.text[:_WIDEST]}",) if widest.text else ()
        yield _Told(warning(Code.WIDE_LINE, sentence, spans[about], detail=detail), pages, f"{widest.points:.0f} pt")


def _high(events: Sequence[Event]) -> Iterator[_Told]:
    """Pages that hold more than they have room for; the log says of no line that it is too much."""
    for event in events:
        if event.points > WIDE:
            sentence = f"something stands {event.points:.0f} pt out of its page, {_on((event.page,))}"
            yield _Told(warning(Code.WIDE_LINE, sentence), (event.page,), f"{event.points:.0f} pt")


def _bounded(told: Iterable[_Told], names: tuple[str, str], log: str) -> Iterator[Diagnostic]:
    """The first messages of one sort; of the others how many there are, and a line for each page."""
    told = list(told)
    yield from (one.message for one in told[:MOST])
    rest = told[MOST:]
    if not rest:
        return
    by_page: dict[int, list[str]] = {}
    for one in rest:
        span = one.message.span
        by_page.setdefault(one.pages[0], []).append(f"{span.path}:{span.line}: {one.brief}" if span else one.brief)
    detail = [f"page {page}: {'; '.join(by_page[page])}" for page in sorted(by_page)]
    first = rest[0].message
    sentence = f"{len(rest)} more {names[len(rest) > 1]}"
    yield Diagnostic(first.code, first.severity, sentence, detail=(*detail, f"log: {log}"))


def _grouped(
    found: Iterable[tuple[str, Span | None, int]],
) -> Iterator[tuple[tuple[str, Span | None], tuple[int, ...]]]:
    """(name, place, page) → each name and place once, with its pages."""
    grouped: dict[tuple[str, Span | None], set[int]] = {}
    for name, span, page in found:
        grouped.setdefault((name, span), set()).add(page)
    for about, pages in grouped.items():
        yield about, tuple(sorted(pages))


def _on(pages: Sequence[int]) -> str:
    """``on page 3``, ``on pages 3, 7 and 9``, ``on 31 pages from 3 to 97``."""
    if len(pages) == 1:
        return f"on page {pages[0]}"
    if len(pages) > 6:
        return f"on {len(pages)} pages from {pages[0]} to {pages[-1]}"
    return f"on pages {', '.join(map(str, pages[:-1]))} and {pages[-1]}"


def shown(path: Path) -> str:
    """A path as a user likes to read it: relative to where they are, if it is below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
