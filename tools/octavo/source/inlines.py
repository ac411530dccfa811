"""Inline rules of the dialect: roles and mathematics."""

from __future__ import annotations

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

ROLE = re.compile(r":([A-Za-z][A-Za-z0-9_.+-]*):[ \t]?(``|`)(?!`)(.+?)(?<!`)\2(?!`)", re.DOTALL)
CLOSING = {dollars: re.compile(rf"(?<!\\)(?:\\\\)*\${{{dollars}}}") for dollars in (1, 2)}
"""One or two dollars that are not escaped."""


def install(md: MarkdownIt) -> None:
    """Register the inline rules."""
    md.inline.ruler.before("escape", "math_dollar", math)
    md.inline.ruler.before("backticks", "colon_role", role)
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
