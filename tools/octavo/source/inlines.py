"""Inline rules of the dialect: roles, mathematics, and pandoc's reading of emphasis, escapes and addresses."""

from __future__ import annotations

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token

from octavo.source.blocks import is_no_element

ROLE = re.compile(r":([A-Za-z][A-Za-z0-9_.+-]*):[ \t]?(``|`)(?!`)(.+?)(?<!`)\2(?!`)", re.DOTALL)
CLOSING = {dollars: re.compile(rf"(?<!\\)(?:\\\\)*\${{{dollars}}}") for dollars in (1, 2)}
"""One or two dollars that are not escaped."""
SPACED_ADDRESS = re.compile(
    r"\(\s*((?:[A-Za-z][A-Za-z0-9+.-]*:|[./#]|[\w-]+/)[^()\[\]\n`$\"'<>]*[ \t][^()\[\]\n`$\"'<>]*?)[ \t]*\)"
)
"""The brackets of a link whose address holds spaces."""
ATTRIBUTES = re.compile(r"\{[ \t]*(?:(?:[#.][^\s{}#.=]+|[\w:-]+=(?:\"[^\"{}]*\"|[^\s{}\"]+))[ \t]*)+\}")
SIZE = re.compile(r"\b(width|height)=\"?([^\s{}\"]+)")
SCRIPTS = {
    "^": ("sup", re.compile(r"\^(?!\[)((?:\\.|[^\s\\^])+)\^")),
    "~": ("sub", re.compile(r"~((?:\\.|[^\s\\~])+)~(?!~)")),
}
STRUCK = re.compile(r"~~(?=\S)([^~](?:[^~]|~(?!~)){0,2000}?)(?<=\S)~~", re.DOTALL)


def install(md: MarkdownIt) -> None:
    """Register the inline rules."""
    md.inline.ruler.before("escape", "math_dollar", math)
    md.inline.ruler.before("escape", "wide_escape", wide_escape)
    md.inline.ruler.before("backticks", "colon_role", role)
    md.inline.ruler.at("emphasis", emphasis)
    md.inline.ruler.before("backticks", "scripts", scripts)
    for name in ("link", "image"):
        _spaces_in_addresses(md, name)
    _html(md)
    for name in ("link", "image", "backticks"):
        _attributes(md, name)
    for name in ("backticks", "link", "image", "html_inline", "myst_role"):
        _count_lines(md, name)


def role(state: StateInline, silent: bool) -> bool:
    """``:name:`text` ``, with single or double backticks and stray spaces inside."""
    if state.src[state.pos] != ":":
        return False
    match = ROLE.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        token = state.push("role", "", 0)
        token.content = " ".join(match[3].split())
        token.markup = match[2]
        token.meta = {
            "name": match[1],
            "target": token.content,
            "source": match[0],
            "newlines": match[0].count("\n"),
        }
    state.pos = match.end()
    return True


def math(state: StateInline, silent: bool) -> bool:
    """``$…$`` and, inside a paragraph, ``$$…$$``, by pandoc's rules.

    A single dollar opens only before a character that is no space, and the next one has to close it: behind a
    character that is no space and not before a digit. So prices stay prices.
    """
    source, start, limit = state.src, state.pos, state.posMax
    if source[start] != "$":
        return False
    dollars = 2 if source.startswith("$$", start) else 1
    content_start = start + dollars
    if content_start >= limit or (dollars == 1 and source[content_start].isspace()):
        return False
    closing = CLOSING[dollars].search(source, content_start, limit)
    at = closing.end() - dollars if closing else content_start
    if at == content_start or (dollars == 1 and (source[at - 1].isspace() or source[at + 1 : at + 2].isdigit())):
        return False
    if not silent:
        token = state.push("math_inline_double" if dollars == 2 else "math_inline", "math", 0)
        token.content = source[content_start:at].strip()
        token.markup = "$" * dollars
        # how many line ends it holds, for whoever counts lines through a paragraph
        token.meta = {"newlines": source.count("\n", start, at)}
    state.pos = at + dollars
    return True


def wide_escape(state: StateInline, silent: bool) -> bool:
    """A backslash before what pandoc escapes and CommonMark does not.

    That is a space, at which lines then never break, and signs beyond ASCII.
    """
    following = state.src[state.pos + 1 : min(state.pos + 2, state.posMax)]
    if state.src[state.pos] != "\\" or not (following == " " or (following > "\x7f" and not following.isalnum())):
        return False
    if not silent:
        token = state.push("text_special", "", 0)
        token.content = "\u00a0" if following == " " else following
        token.markup = f"\\{following}"
        token.info = "escape"
    state.pos += 2
    return True


def emphasis(state: StateInline, silent: bool) -> bool:
    """``*`` and ``_`` as pandoc pairs them: a ``*`` opens before anything but a space, and closes behind anything.

    CommonMark looks at punctuation on both sides too, and so leaves the stars of ``**词（注）**词`` visible.
    """
    marker = state.src[state.pos]
    if silent or marker not in "*_":
        return False
    scanned = state.scanDelims(state.pos, marker == "*")
    end = state.pos + scanned.length
    opens, closes = scanned.can_open, scanned.can_close
    if marker == "*":
        opens, closes = end < state.posMax and not state.src[end].isspace(), state.pos > 0
    for _ in range(scanned.length):
        token = state.push("text", "", 0)
        token.content = marker
        state.delimiters.append(
            Delimiter(ord(marker), scanned.length, len(state.tokens) - 1, end=-1, open=opens, close=closes)
        )
    state.pos = end
    return True


def scripts(state: StateInline, silent: bool) -> bool:
    """``x^2^``, ``H~2~O`` and ``~~struck out~~``, as pandoc writes them."""
    marker = state.src[state.pos]
    if marker not in SCRIPTS:
        return False
    struck = state.src.startswith("~~", state.pos)
    name, pattern = ("s", STRUCK) if struck else SCRIPTS[marker]
    match = pattern.match(state.src, state.pos, state.posMax)
    if match is None:
        # both tildes at once, or the second would be looked at alone
        if struck and not silent:
            state.pending += "~~"
        state.pos += 2 if struck else 0
        return struck
    if not silent:
        maximum = state.posMax
        state.push(f"{name}_open", name, 1).markup = marker
        state.pos, state.posMax = match.span(1)
        state.md.inline.tokenize(state)
        state.push(f"{name}_close", name, -1).markup = marker
        state.posMax = maximum
    state.pos = match.end()
    return True


def _attributes(md: MarkdownIt, name: str) -> None:
    """Take ``{width=50% #name .class}`` right behind a picture, a link or code for what it is.

    Only a picture's size is of use here.
    """
    ruler = md.inline.ruler
    rule = next(rule for rule in ruler.__rules__ if rule.name == name)
    original: Callable[[StateInline, bool], bool] = rule.fn

    def pandoc_reading(state: StateInline, silent: bool) -> bool:
        known = len(state.tokens)
        if not original(state, silent):
            return False
        match = (
            ATTRIBUTES.match(state.src, state.pos, state.posMax)
            if state.src[state.pos : state.pos + 1] == "{"
            else None
        )
        if match is None or (name == "backticks" and not (silent or len(state.tokens) > known)):
            return True
        state.pos = match.end()
        if name == "image" and not silent:
            token = state.tokens[-1]
            token.meta = {**(token.meta or {}), **dict(SIZE.findall(match[0]))}
        return True

    ruler.at(name, pandoc_reading)


def _spaces_in_addresses(md: MarkdownIt, name: str) -> None:
    """Make ``[text](address with spaces)`` a link, and so with pictures."""
    ruler = md.inline.ruler
    rule = next(rule for rule in ruler.__rules__ if rule.name == name)
    original: Callable[[StateInline, bool], bool] = rule.fn
    bracket = "![" if name == "image" else "["

    def pandoc_reading(state: StateInline, silent: bool) -> bool:
        if original(state, silent):
            return True
        source, start = state.src, state.pos
        if not source.startswith(bracket, start) or source.find("](", start, state.posMax) < 0:
            return False
        label_end = state.md.helpers.parseLinkLabel(state, start + len(bracket) - 1, name == "link")
        match = SPACED_ADDRESS.match(source, label_end + 1, state.posMax) if label_end >= 0 else None
        if match is None:
            return False
        address = re.sub(r"[ \t]", "%20", match[1])
        longer = len(address) - len(match[1])
        state.src = source[: match.start(1)] + address + source[match.end(1) :]
        state.posMax += longer
        done = original(state, silent)
        state.src = source
        state.posMax -= longer
        if done:
            state.pos -= longer
        return done

    ruler.at(name, pandoc_reading)


def _html(md: MarkdownIt) -> None:
    """Leave ``<cls>``, which is no HTML, to be text; a browser would show nothing of it."""
    ruler = md.inline.ruler
    original = next(rule for rule in ruler.__rules__ if rule.name == "html_inline").fn

    def html(state: StateInline, silent: bool) -> bool:
        if state.src[state.pos] != "<" or is_no_element(state.src[state.pos : state.pos + 40]):
            return False
        return bool(original(state, silent))

    ruler.at("html_inline", html)


def _count_lines(md: MarkdownIt, name: str) -> None:
    """Make a rule of markdown-it note the line ends that it takes and gives no token for, in ``meta["newlines"]``."""
    ruler = md.inline.ruler
    rule = next((rule for rule in ruler.__rules__ if rule.name == name), None)
    if rule is None:
        return
    original: Callable[[StateInline, bool], bool] = rule.fn

    def counting(state: StateInline, silent: bool) -> bool:
        start, known = state.pos, len(state.tokens)
        if not original(state, silent):
            return False
        taken = 0 if silent else state.src.count("\n", start, state.pos)
        if taken:
            missing = taken - sum(map(_line_ends, state.tokens[known:]))
            last = state.tokens[-1]
            last.meta = {**(last.meta or {}), "newlines": missing + int((last.meta or {}).get("newlines", 0))}
        return True

    ruler.at(name, counting)


def _line_ends(token: Token) -> int:
    """How many line ends a token and those in it stand for."""
    own = token.type in ("softbreak", "hardbreak") or int((token.meta or {}).get("newlines", 0))
    return own + sum(map(_line_ends, token.children or ()))
