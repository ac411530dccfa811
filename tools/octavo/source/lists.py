"""Pandoc's fancy lists: ordered lists with markers that CommonMark does not know, such as ``(i)``, ``a.`` or ``#.``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

MARKER = re.compile(r"(?P<open>\()?(?P<number>#|\d{1,9}|[A-Za-z]|[ivxl]{2,9}|[IVXL]{2,9})(?P<close>[.)])(?=[ \t]|$)")
"""Roman numbers go up to 89, so that ``mix.`` is a word."""
ROMAN = re.compile(r"(xl|l?x{0,3})(ix|iv|v?i{0,3})")
ROMAN_DIGITS = {"i": 1, "v": 5, "x": 10, "l": 50}
PAGE_NUMBER = re.compile(r"p\.[ \t]\d")


@dataclass(frozen=True, slots=True)
class Marker:
    """What begins an item."""

    style: str
    """As in CSS: ``lower-roman``, ``upper-alpha``, ``decimal`` …"""
    delimiter: str
    """``(``, ``)`` or both, or a full stop."""
    number: int
    width: int


def install(md: MarkdownIt) -> None:
    """Register the rule; where a list may interrupt a paragraph, this may."""
    md.block.ruler.before("list", "fancy_list", fancy_list, {"alt": ["paragraph", "reference", "blockquote"]})


def marker_of(text: str, style: str = "") -> Marker | None:
    """The marker that a line begins with, if it is none of CommonMark's; ``style`` is that of the list so far.

    A lone ``i`` begins a list of Roman numbers, and continues one of letters.
    """
    match = MARKER.match(text)
    if match is None or (match["open"] and match["close"] == "."):
        return None
    number, delimiter = match["number"], f"{match['open'] or ''}{match['close']}"
    found = next((found for found in _readings(number) if style in ("", found[0])), None)
    if found is None or (number.isdigit() and not match["open"]) or PAGE_NUMBER.match(text):
        return None
    if delimiter == "." and number.isupper() and not re.match(r"[ \t]{2}|[ \t]*$", text[match.end() :]):
        return None  # somebody's initial
    return Marker(found[0], delimiter, found[1], match.end())


def _readings(number: str) -> list[tuple[str, int]]:
    """Every style that a marker may be of, the one that it begins a list of first."""
    if number == "#":
        return [("decimal", 1)]
    if number.isdigit():
        return [("decimal", int(number))]
    case, small = ("upper" if number.isupper() else "lower"), number.lower()
    letter = [(f"{case}-alpha", ord(small) - ord("a") + 1)] if len(small) == 1 else []
    roman = [(f"{case}-roman", _roman(small))] if set(small) <= set(ROMAN_DIGITS) and ROMAN.fullmatch(small) else []
    return roman + letter if small == "i" else letter + roman


def _roman(text: str) -> int:
    digits = [ROMAN_DIGITS[letter] for letter in text]
    following = [*digits[1:], 0]
    return sum(-digit if digit < after else digit for digit, after in zip(digits, following, strict=True))


def fancy_list(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """One list with all of its items; where it may open right below a paragraph, it does so with the first number."""
    if state.is_code_block(start) or _is_continuation(state, start):
        return False
    marker = _marker_at(state, start)
    if marker is None:
        return False
    if silent:
        if state.parentType != "paragraph" or state.sCount[start] < state.blkIndent:
            return True
        return marker.number == 1 and not _is_empty(state, start, marker)
    opening = state.push("ordered_list_open", "ol", 1)
    opening.attrs = {"style": marker.style}
    if marker.number != 1:
        opening.attrs["start"] = marker.number
    opening.markup = marker.delimiter[-1]
    opening.meta = {"delimiter": marker.delimiter}
    opening.map = [start, start]
    index = len(state.tokens) - 1
    parent, state.parentType = state.parentType, "list"
    tight, blank_before = True, False
    following: Marker | None = marker
    while following is not None:
        first = state.line = start
        tight = _item(state, first, end, following) and tight and not blank_before
        start = state.line
        blank_before = start - first > 1 and state.isEmpty(start - 1)
        following = _continued(state, start, end, marker)
    state.push("ordered_list_close", "ol", -1).markup = opening.markup
    opening.map[1] = state.line = start
    state.parentType = parent
    if tight:
        _hide_paragraphs(state.tokens[index:], state.level + 2)
    return True


def _is_continuation(state: StateBlock, line: int) -> bool:
    """Whether a line is indented so far that it belongs to the paragraph of an outer item, as in CommonMark."""
    column = state.sCount[line]
    return 0 <= state.listIndent <= column - 4 and column < state.blkIndent


def _marker_at(state: StateBlock, line: int, style: str = "") -> Marker | None:
    return marker_of(state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]], style)


def _is_empty(state: StateBlock, line: int, marker: Marker) -> bool:
    at = state.bMarks[line] + state.tShift[line] + marker.width
    return not state.src[at : state.eMarks[line]].strip()


def _continued(state: StateBlock, line: int, end: int, first: Marker) -> Marker | None:
    """The marker of the list's next item, if the list goes on."""
    if line >= end or state.sCount[line] < state.blkIndent or state.is_code_block(line):
        return None
    if any(rule(state, line, end, True) for rule in state.md.block.ruler.getRules("list")):
        return None
    marker = _marker_at(state, line, first.style)
    return marker if marker is not None and marker.delimiter == first.delimiter else None


def _item(state: StateBlock, line: int, end: int, marker: Marker) -> bool:
    """Tokenise one item; whether it is tight. Afterwards ``state.line`` is the line below it."""
    begins = state.bMarks[line] + state.tShift[line] + marker.width
    after_marker = column = state.sCount[line] + marker.width
    at = begins
    while at < state.eMarks[line] and state.src[at] in " \t":
        column += 4 - (column + state.bsCount[line]) % 4 if state.src[at] == "\t" else 1
        at += 1
    empty = at >= state.eMarks[line]
    # what is further away than four columns is code inside of the item
    indent = after_marker + (1 if empty or column - after_marker > 4 else column - after_marker)
    opening = state.push("list_item_open", "li", 1)
    opening.markup, opening.map = marker.delimiter[-1], [line, line]
    kept = state.tight, state.tShift[line], state.sCount[line], state.listIndent, state.blkIndent
    state.listIndent, state.blkIndent, state.tight = state.blkIndent, indent, True
    state.tShift[line], state.sCount[line] = at - state.bMarks[line], column
    if empty and state.isEmpty(line + 1):
        state.line = min(line + 2, end)
    else:
        state.md.block.tokenize(state, line, end)
    tight = state.tight
    state.tight, state.tShift[line], state.sCount[line], state.listIndent, state.blkIndent = kept
    state.push("list_item_close", "li", -1).markup = opening.markup
    opening.map[1] = state.line
    return tight


def _hide_paragraphs(tokens: list[Token], level: int) -> None:
    """The items of a list without blank lines are no paragraphs of their own."""
    for token in tokens:
        if token.level == level and token.type in ("paragraph_open", "paragraph_close"):
            token.hidden = True
