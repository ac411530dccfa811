"""Two of pandoc's blocks that CommonMark has not: tables of aligned words, and ``::: {#name .class}`` … ``:::``.

Each rule is a function of markdown-it's block state, as in ``blocks``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

DASHES = re.compile(r"[ \t]*-{3,}(?:[ ]+-{3,})+[ \t]*$")
"""The line of dashes below the head of a table: a group for each of two or more columns."""
OPEN_DIV = re.compile(r":{3,}[ \t]*\{[ \t]*(?:[#.][^\s{}]+|[\w-]+=(?:\"[^\"]*\"|[^\s{}]+))[^{}]*\}[ \t]*:*[ \t]*$")
ANY_DIV = re.compile(r":{3,}[ \t]*[^\s:]")
CLOSE_DIV = re.compile(r":{3,}[ \t]*$")
DIVS = "octavo_divs"
"""Where the parser's environment keeps the ends of divs."""


def install(md: MarkdownIt) -> None:
    """Register the rules, the second before MyST's directives of colons where there are such."""
    names = md.block.ruler.get_all_rules()
    md.block.ruler.before("table" if "table" in names else "fence", "simple_table", simple_table)
    md.block.ruler.before("colon_fence" if "colon_fence" in names else "fence", "fenced_div", fenced_div)


def fenced_div(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """``::: {.class}`` … ``:::``: what stands between is read as if the two lines were not there."""
    if state.sCount[start] - state.blkIndent >= 4 or not OPEN_DIV.match(_line(state, start).lstrip()):
        return False
    close = _ends_of_divs(state).get(start, end)
    if close >= end:
        return False
    if silent:
        return True
    line_max = state.lineMax
    state.lineMax = close
    state.md.block.tokenize(state, start + 1, close)
    state.lineMax = line_max
    state.line = close + 1
    return True


def _ends_of_divs(state: StateBlock) -> dict[int, int]:
    """The line of each opening ``:::`` → that of its end; found once, since a page may open thousands."""
    known: tuple[str, dict[int, int]] | None = state.env.get(DIVS)
    if known is not None and known[0] == state.src:
        return known[1]
    ends: dict[int, int] = {}
    open_at: list[int] = []
    for number in range(len(state.bMarks) - 1):
        text = _line(state, number).strip()
        if CLOSE_DIV.match(text):
            if open_at:
                ends[open_at.pop()] = number
        elif ANY_DIV.match(text):
            open_at.append(number)
    state.env[DIVS] = state.src, ends
    return ends


def simple_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A line of heads, a line of dashes, and rows down to a blank line; columns are where the dashes are."""
    if start + 2 >= end or state.sCount[start] - state.blkIndent >= 4 or not DASHES.match(_line(state, start + 1)):
        return False
    if state.isEmpty(start) or state.isEmpty(start + 2) or DASHES.match(_line(state, start)):
        return False
    if silent:
        return True
    columns = [(match.start(), match.end()) for match in re.finditer("-+", _line(state, start + 1))]
    stop = next((line for line in range(start + 2, end) if state.isEmpty(line)), end)
    rows = range(start + 2, stop - 1 if DASHES.match(_line(state, stop - 1)) else stop)
    token = state.push("table_open", "table", 1)
    token.map = [start, stop]
    aligned = [_alignment(_line(state, start), column) for column in columns]
    for part, cell, lines in (("thead", "th", range(start, start + 1)), ("tbody", "td", rows)):
        if not lines:
            continue
        state.push(f"{part}_open", part, 1).map = [lines[0], lines[-1] + 1]
        for line in lines:
            _row(state, line, cell, columns, aligned)
        state.push(f"{part}_close", part, -1)
    state.push("table_close", "table", -1)
    state.line = stop
    return True


def _row(state: StateBlock, line: int, cell: str, columns: list[tuple[int, int]], aligned: list[str]) -> None:
    state.push("tr_open", "tr", 1).map = [line, line + 1]
    for text, alignment in zip(_cells(_line(state, line), columns), aligned, strict=True):
        token = state.push(f"{cell}_open", cell, 1)
        if alignment:
            token.attrs = {"style": f"text-align:{alignment}"}
        inline = state.push("inline", "", 0)
        inline.content, inline.map, inline.children = text, [line, line + 1], []
        state.push(f"{cell}_close", cell, -1)
    state.push("tr_close", "tr", -1)


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] : state.eMarks[line]]


def _cells(text: str, columns: list[tuple[int, int]]) -> Iterator[str]:
    """A row cut where its columns begin; the first takes what stands before it."""
    places = list(_places(text))
    starts = [0, *(begin for begin, _ in columns[1:])]
    for begin, end in zip(starts, [*starts[1:], None], strict=True):
        chosen = (
            sign for sign, place in zip(text, places, strict=True) if place >= begin and (end is None or place < end)
        )
        yield "".join(chosen).strip()


def _places(text: str) -> Iterator[int]:
    """The column that each character stands in; Chinese, Japanese and Korean ones take two."""
    place = 0
    for sign in text:
        yield place
        place += 0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def _alignment(head: str, column: tuple[int, int]) -> str:
    """What the place of a head above its dashes says: flush with their left end, their right end, neither or both."""
    begin, end = column
    taken = [(place, sign) for place, sign in zip(_places(head), head, strict=True) if begin <= place < end]
    words = [(place, sign) for place, sign in taken if not sign.isspace()]
    if not words:
        return ""
    last = words[-1][0] + (2 if unicodedata.east_asian_width(words[-1][1]) in "WF" else 1)
    left, right = words[0][0] == begin, last >= end
    return {(True, False): "left", (False, True): "right", (False, False): "center"}.get((left, right), "")
