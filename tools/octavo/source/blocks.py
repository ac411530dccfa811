"""Block rules of the dialect: tab blocks, mark lines, display mathematics, and pandoc's reading of lists.

Each rule is a function of markdown-it's block state, as in markdown-it's own ``rules_block``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock

from octavo.diagnostics import Code
from octavo.source.problems import Problem, note

BEGIN_TAB = re.compile(r":begin_tab:[ \t]*(`+)([^`]*)\1[ \t]*$")
END_TAB = re.compile(r":end_tab:(?:[ \t]*`[^`]*`)?[ \t]*$")
FENCE = re.compile(r"(`{3,}|~{3,})(.*)$")
CELL_INFO = re.compile(r"\{\.python\s+\.input\b([^}]*)\}\s*$")
COUNTED_DOLLARS = "octavo_dollars"
"""Where the parser's environment keeps the first line of a paragraph, the line counted to and the ``$$`` so far."""
DISPLAY_DOLLARS = re.compile(r"(?<!\\)(?:\\\\)*\$\$")
MARK_LINE = re.compile(r":(label|eqlabel|width|height|bibliography):[ \t]*(`{1,2})([^`]+)\2[ \t]*$")
MARK_AT_END = re.compile(r":(eqlabel|label):[ \t]*(`{1,2})([^`]+)\2[ \t]*$")

INTERRUPTS: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list", "footnote_def"]}
"""Rules registered with this may end a paragraph above them, as the old format does."""


def split_names(text: str) -> tuple[str, ...]:
    """``pytorch, jax`` → its names; the old tool takes any spacing around commas."""
    return tuple(name for name in re.split(r"[,\s]+", text.strip()) if name)


def install(md: MarkdownIt) -> None:
    """Register the block rules, in the order in which they are tried."""
    md.block.ruler.before("fence", "tab_block", tab_block, INTERRUPTS)
    md.block.ruler.before("tab_block", "mark_line", mark_line, INTERRUPTS)
    md.block.ruler.before("tab_block", "display_math", display_math, INTERRUPTS)
    for name in ("list", "blockquote"):
        _not_after_a_paragraph(md, name)


def line_text(state: StateBlock, line: int) -> str:
    """A line without its block's indentation."""
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _is_indented_code(state: StateBlock, line: int) -> bool:
    return state.sCount[line] - state.blkIndent >= 4


def tab_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """``:begin_tab:`pytorch, jax` `` … ``:end_tab:``, holding any blocks but cells.

    A block that is not closed ends where the old tool ends it: before the next ``:begin_tab:``, cell or end of file.
    """
    if _is_indented_code(state, start):
        return False
    text = line_text(state, start)
    if END_TAB.match(text):
        if silent:
            return True
        note(
            state.env,
            Problem(
                Code.STRAY_END_TAB,
                ":end_tab: without a :begin_tab: before it",
                start,
                hint="remove the line, or open the block with :begin_tab:`framework`",
            ),
        )
        state.line = start + 1
        return True
    opening = BEGIN_TAB.match(text)
    if opening is None:
        return False
    if silent:
        return True
    close, closed = _end_of_tab_block(state, start + 1, end)
    if not closed:
        note(
            state.env,
            Problem(
                Code.UNCLOSED_TAB,
                f"the tab block for {opening[2].strip() or 'no framework'} is not closed",
                start,
                hint=f"add a line :end_tab: before line {close + 1}",
            ),
        )
    token = state.push("tab_block_open", "div", 1)
    token.block = True
    token.map = [start, close + 1 if closed else close]
    token.meta = {"tabs": split_names(opening[2]), "closed": closed}
    token.markup = ":begin_tab:"
    parent, line_max = state.parentType, state.lineMax
    state.parentType, state.lineMax = "tab_block", close
    state.md.block.tokenize(state, start + 1, close)
    state.parentType, state.lineMax = parent, line_max
    token = state.push("tab_block_close", "div", -1)
    token.block = True
    state.line = close + 1 if closed else close
    return True


def _end_of_tab_block(state: StateBlock, line: int, end: int) -> tuple[int, bool]:
    """The line that ends the block, and whether it is an ``:end_tab:``; a block in a list item ends with the item."""
    fence = ""
    while line < end:
        text = line_text(state, line)
        if text and state.sCount[line] < state.blkIndent:
            return line, False
        mark = FENCE.match(text)
        if fence:
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
        elif mark:
            if CELL_INFO.match(mark[2].strip()):
                return line, False
            fence = mark[1]
        elif END_TAB.match(text):
            return line, True
        elif BEGIN_TAB.match(text):
            return line, False
        line += 1
    return end, False


def mark_line(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A line that holds one mark: a label, a width, a height or the bibliography."""
    if _is_indented_code(state, start):
        return False
    match = MARK_LINE.match(line_text(state, start))
    if match is None or not match[3].strip():
        return False
    if silent:
        return True
    token = state.push("bibliography" if match[1] == "bibliography" else "mark", "", 0)
    token.block = True
    token.map = [start, start + 1]
    token.content = match[3].strip()
    token.meta = {"name": match[1], "value": match[3].strip()}
    state.line = start + 1
    return True


def display_math(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """``$$…$$`` that begins a line and ends one, with an optional label behind it; it may interrupt a paragraph.

    It holds no fence and no tab block, so that one that is not closed takes nothing but its own lines.
    """
    if _is_indented_code(state, start):
        return False
    text = line_text(state, start)
    if not text.startswith("$$") or (silent and _closes_a_formula(state, start)):
        return False
    body: list[str] = []
    line, rest = start, text[2:]
    while True:
        close = _closing_dollars(rest)
        if close >= 0:
            break
        body.append(rest)
        line += 1
        if line >= end or (state.sCount[line] < state.blkIndent and not state.isEmpty(line)):
            break
        rest = line_text(state, line)
        if FENCE.match(rest) or BEGIN_TAB.match(rest) or END_TAB.match(rest):
            break
    if close < 0:
        if not silent and text.strip() == "$$":
            note(
                state.env,
                Problem(Code.BAD_MATH, "this formula is not closed", start, hint="add a line $$ where it should end"),
            )
        return False
    after = rest[close + 2 :].strip()
    label = MARK_AT_END.fullmatch(after)
    if after and label is None:
        return False
    if silent:
        return True
    body.append(rest[:close])
    token = state.push("math_block", "math", 0)
    token.block = True
    token.map = [start, line + 1]
    token.markup = "$$"
    token.content = "\n".join(body).strip()
    token.meta = {"label": label[3].strip() if label else None}
    state.line = line + 1
    return True


def _closes_a_formula(state: StateBlock, line: int) -> bool:
    """Whether the paragraph above a line has a ``$$`` left to close, so that one on this line opens nothing."""
    if state.parentType != "paragraph":
        return False
    first, counted, dollars = state.env.get(COUNTED_DOLLARS, (-1, 0, 0))
    if first != state.line or counted > line:
        counted, dollars = state.line, 0
    dollars += sum(len(DISPLAY_DOLLARS.findall(line_text(state, number))) for number in range(counted, line))
    state.env[COUNTED_DOLLARS] = state.line, line, dollars
    return bool(dollars % 2)


def _closing_dollars(text: str) -> int:
    """Where the first ``$$`` that is not escaped stands, or -1."""
    at = text.find("$$")
    while at > 0 and (len(text[:at]) - len(text[:at].rstrip("\\"))) % 2:
        at = text.find("$$", at + 1)
    return at


def _not_after_a_paragraph(md: MarkdownIt, name: str) -> None:
    """Make a block rule follow pandoc: directly below a paragraph's line it opens nothing, except inside a list."""
    ruler = md.block.ruler
    rule = next(rule for rule in ruler.__rules__ if rule.name == name)
    original: Callable[[StateBlock, int, int, bool], bool] = rule.fn

    def pandoc_reading(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        if silent and state.parentType == "paragraph" and state.listIndent < 0 and state.level == 0:
            return False
        return original(state, start, end, silent)

    ruler.at(name, pandoc_reading, {"alt": list(rule.alt)})
