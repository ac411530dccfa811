"""Block rules of the dialect: tab blocks, mark lines, display mathematics, and pandoc's reading of paragraphs' ends.

Each rule is a function of markdown-it's block state, as in markdown-it's own ``rules_block``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

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
LINE_COMMENT = re.compile(r"%(?:[ \t]|$)")
BLOCK_BREAK = re.compile(r"\+[ \t]*\+[ \t]*\+[+ \t]*(?:\{.*\}[ \t]*)?$")
TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9_.]*)(?![\w.:-])")
ELEMENTS = re.compile(
    r"a|abbr|acronym|address|animate|annotation|applet|area|article|aside|audio|b|base|basefont|bdi|bdo|big|blink"
    r"|blockquote|body|br|button|canvas|caption|center|circle|cite|clippath|code|col|colgroup|data|datalist|dd|defs"
    r"|del|desc|details|dfn|dialog|dir|div|dl|dt|ellipse|em|embed|fieldset|figcaption|figure|filter|font|footer|form"
    r"|frame|frameset|g|h1|h2|h3|h4|h5|h6|head|header|hgroup|hr|html|i|iframe|image|img|input|ins|kbd|label|legend|li"
    r"|line|lineargradient|link|main|map|mark|marker|marquee|mask|math|menu|merror|meta|meter|mfrac|mi|mn|mo|mover"
    r"|mrow|mpadded|mroot|mspace|msqrt|mstyle|msub|msubsup|msup|mtable|mtd|mtext|mtr|munder|munderover|nav|nobr"
    r"|noframes|noscript|object|ol|optgroup|option|output|p|param|path|pattern|picture|polygon|polyline|pre|progress"
    r"|q|radialgradient|rb|rect|rp|rt|rtc|ruby|s|samp|script|search|section|select|semantics|set|slot|small|source"
    r"|span|stop|strike|strong|style|sub|summary|sup|svg|switch|symbol|table|tbody|td|template|text|textarea|textpath"
    r"|tfoot|th|thead|time|title|tr|track|tspan|tt|u|ul|use|var|video|view|wbr",
    re.IGNORECASE,
)
"""The elements of HTML, SVG and MathML, those of old included."""
DEEPEST = 60
"""How many blocks may stand in one another; a list and its item are two."""
HOLDERS = frozenset({"list", "fancy_list", "blockquote", "tab_block", "footnote_def"})
FIRST_SIGNS = {
    "list": "*-+0123456789",
    "fancy_list": "(#abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "blockquote": ">",
    "heading": "#",
    "hr": "*-_",
    "fence": "`~",
    "tab_block": ":",
    "mark_line": ":",
    "display_math": "$",
    "footnote_def": "[",
    "reference": "[",
    "html_block": "<",
    "myst_target": "(",
    "myst_line_comment": "%",
    "myst_block_break": "+",
    "front_matter": "-",
}
"""What a line begins with that a rule is asked about."""
MARK_LINE = re.compile(r":(label|eqlabel|width|height|bibliography):[ \t]*(`{1,2})([^`]+)\2[ \t]*$")
MARK_AT_END = re.compile(r":(eqlabel|label):[ \t]*(`{1,2})([^`]+)\2[ \t]*$")

_BlockRule = Callable[[StateBlock, int, int, bool], bool]

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
    _html(md)
    _percent_signs_in_prose(md)
    _front_matter(md)
    md.options["maxNesting"] = DEEPEST + 40
    for name in ("list", "fancy_list", "blockquote", "heading", "hr"):
        _not_after_a_paragraph(md, name)
    for name, signs in FIRST_SIGNS.items():
        _where_it_may_begin(md, name, signs)
    _above_an_underline(md)


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
                fatal=False,
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
                fatal=False,
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
    lazy = (
        silent and state.parentType == "paragraph" and state.listIndent >= 0 and state.sCount[start] < state.blkIndent
    )
    formula = _formula(state, start, end, lazy=lazy)
    if formula is None:
        return False
    if not formula.closed:
        if not silent and text.strip() == "$$":
            note(
                state.env,
                Problem(Code.BAD_MATH, "this formula is not closed", start, hint="add a line $$ where it should end"),
            )
        return False
    if silent:
        if lazy:
            _take_into_the_item(state, start, formula.stop)
        return True
    token = state.push("math_block", "math", 0)
    token.block = True
    token.map = [start, formula.stop]
    token.markup = "$$"
    token.content = formula.content
    token.meta = {"label": formula.label}
    state.line = formula.stop
    return True


@dataclass(frozen=True, slots=True)
class _Formula:
    """What stands between two ``$$``."""

    content: str = ""
    label: str | None = None
    stop: int = 0
    """The line below it."""
    closed: bool = True


def _formula(state: StateBlock, start: int, end: int, *, lazy: bool) -> _Formula | None:
    """The formula that begins on a line, unless words follow its end.

    ``lazy`` says that its lines may be indented less than what they stand in.
    """
    body: list[str] = []
    line, rest = start, line_text(state, start)[2:]
    while (close := _closing_dollars(rest)) < 0:
        body.append(rest)
        line += 1
        if line >= end or (state.sCount[line] < state.blkIndent and not state.isEmpty(line) and not lazy):
            return _Formula(closed=False)
        rest = line_text(state, line)
        if FENCE.match(rest) or BEGIN_TAB.match(rest) or END_TAB.match(rest):
            return _Formula(closed=False)
    after = rest[close + 2 :].strip()
    label = MARK_AT_END.fullmatch(after)
    if after and label is None:
        return None
    body.append(rest[:close])
    return _Formula("\n".join(body).strip(), label[3].strip() if label else None, line + 1)


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


def _take_into_the_item(state: StateBlock, start: int, stop: int) -> None:
    """Let a formula right below a list item's paragraph be the item's, and what follows without a blank line too.

    Pandoc reads all of it as the paragraph's own lines, however little they are indented.
    """
    line = start
    rules = state.md.block.ruler.getRules("paragraph")
    while True:
        while line < stop:
            state.sCount[line] = max(state.sCount[line], state.blkIndent)
            line += 1
        if line >= state.lineMax or state.isEmpty(line):
            return
        text = line_text(state, line)
        formula = _formula(state, line, state.lineMax, lazy=True) if text.startswith("$$") else None
        if formula is not None and formula.closed:
            stop = formula.stop
        elif MARK_LINE.match(text) or not any(rule(state, line, state.lineMax, True) for rule in rules):
            stop = line + 1
        else:
            return


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
    original: _BlockRule = rule.fn

    def pandoc_reading(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        if silent and state.parentType == "paragraph" and state.listIndent < 0 and state.level == 0:
            if name == "heading" and original(state, start, end, True):
                _report_glued_heading(state, start)
            return False
        return original(state, start, end, silent)

    ruler.at(name, pandoc_reading, {"alt": list(rule.alt)})


def _where_it_may_begin(md: MarkdownIt, name: str, signs: str) -> None:
    """Ask a rule only about lines that begin with one of some signs, which saves half of the time.

    What holds blocks stands no deeper than markdown-it looks, or it would drop them: what would is text, marks and all.
    """
    ruler = md.block.ruler
    rule = next(rule for rule in ruler.__rules__ if rule.name == name)
    original: _BlockRule = rule.fn
    deepest = DEEPEST if name in HOLDERS else DEEPEST * 1000

    def asked(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        at = state.bMarks[start] + state.tShift[start]
        if state.src[at : at + 1] not in signs or state.level >= deepest:
            return False
        return original(state, start, end, silent)

    ruler.at(name, asked, {"alt": list(rule.alt)})


def _report_glued_heading(state: StateBlock, line: int) -> None:
    note(
        state.env,
        Problem(
            Code.MARKUP,
            "a heading right below a line of text is read as part of that text",
            line,
            hint="put a blank line above it",
            fatal=False,
        ),
    )


def _html(md: MarkdownIt) -> None:
    """Hold HTML back where it would hide words.

    A comment that begins a line of a paragraph is part of it, as in pandoc. ``<cls>`` is no HTML, so it is text.
    """
    ruler = md.block.ruler
    rule = next(rule for rule in ruler.__rules__ if rule.name == "html_block")
    original: _BlockRule = rule.fn

    def html(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        text = line_text(state, start)
        if not text.startswith("<") or is_no_element(text):
            return False
        if silent and state.parentType == "paragraph" and text.startswith("<!--"):
            line = start
            while line < end and not state.isEmpty(line):
                if "-->" in line_text(state, line):
                    return False
                line += 1
        return original(state, start, end, silent)

    ruler.at("html_block", html, {"alt": list(rule.alt)})


def is_no_element(text: str) -> bool:
    """Whether what begins like a tag is none of HTML's, nor one that somebody defined, whose name has a hyphen."""
    match = TAG.match(text)
    return match is not None and ELEMENTS.fullmatch(match[1]) is None


def _percent_signs_in_prose(md: MarkdownIt) -> None:
    """Hold back MyST's rules that take lines away.

    A comment is ``% ``, a break ``+++``, and neither ends a paragraph. A line that begins with ``%15`` is prose.
    """
    rules = {rule.name: rule for rule in md.block.ruler.__rules__}
    for name, pattern, held_back in (
        ("myst_line_comment", LINE_COMMENT, _line_comment),
        ("myst_block_break", BLOCK_BREAK, rules["myst_block_break"].fn),
    ):
        md.block.ruler.at(name, _unless_prose(pattern, held_back), {"alt": list(rules[name].alt)})


def _front_matter(md: MarkdownIt) -> None:
    """Let front matter begin with a line of three hyphens and nothing else; the plugin drops what follows them."""
    ruler = md.block.ruler
    rule = next(rule for rule in ruler.__rules__ if rule.name == "front_matter")
    original: _BlockRule = rule.fn

    def whole_line(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        return start == 0 and line_text(state, 0).rstrip() == "---" and original(state, start, end, silent)

    ruler.at("front_matter", whole_line, {"alt": list(rule.alt)})


def _unless_prose(pattern: re.Pattern[str], original: _BlockRule) -> _BlockRule:
    def careful(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        if pattern.match(line_text(state, start)) is None or (silent and state.parentType == "paragraph"):
            return False
        return original(state, start, end, silent)

    return careful


def _above_an_underline(md: MarkdownIt) -> None:
    """Ask the rule of underlined headings only where a line below could be an underline.

    It asks every other rule about every line of a paragraph, and so does the rule of paragraphs after it.
    """
    ruler = md.block.ruler
    rule = next(rule for rule in ruler.__rules__ if rule.name == "lheading")
    original: _BlockRule = rule.fn

    def careful(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        line = start + 1
        while line < end and not state.isEmpty(line):
            # it ends where another block interrupts, which is not looked at here, so this does not look far
            if line > start + 100 or state.src[state.bMarks[line] + state.tShift[line]] in "-=":
                return original(state, start, end, silent)
            line += 1
        return False

    ruler.at("lheading", careful, {"alt": list(rule.alt)})


def _line_comment(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Lines of MyST's comment; its own rule looks behind the end of the page."""
    if _is_indented_code(state, start):
        return False
    if silent:
        return True
    line = start
    while line < end and LINE_COMMENT.match(line_text(state, line)):
        line += 1
    token = state.push("myst_line_comment", "", 0)
    token.attrSet("class", "myst-line-comment")
    token.content = "\n".join(line_text(state, number)[1:].rstrip() for number in range(start, line))
    token.markup = "%"
    token.map = [start, line]
    state.line = line
    return True
