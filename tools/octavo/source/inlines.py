"""Inline rules of the dialect: roles and mathematics."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

ROLE = re.compile(r":([A-Za-z][A-Za-z0-9_.+-]*):[ \t]?(``|`)(?!`)(.+?)(?<!`)\2(?!`)", re.DOTALL)


def install(md: MarkdownIt) -> None:
    """Register the inline rules."""
    md.inline.ruler.before("escape", "math_dollar", math)
    md.inline.ruler.before("backticks", "colon_role", role)


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

    A single dollar opens only before a character that is no space, and closes only after one and not before a digit,
    so that prices stay prices.
    """
    source, start, limit = state.src, state.pos, state.posMax
    if source[start] != "$":
        return False
    dollars = 2 if source.startswith("$$", start) else 1
    content_start = start + dollars
    at = content_start
    if at >= limit or (dollars == 1 and source[at].isspace()):
        return False
    while True:
        at = source.find("$" * dollars, at, limit)
        if at < 0:
            return False
        escaped = (at - len(source[content_start:at].rstrip("\\")) - content_start) % 2
        good = not escaped and at > content_start
        if good and dollars == 1:
            after = source[at + 1] if at + 1 < limit else ""
            good = not source[at - 1].isspace() and not after.isdigit()
        if good:
            break
        at += 1
    if not silent:
        token = state.push("math_inline_double" if dollars == 2 else "math_inline", "math", 0)
        token.content = source[content_start:at].strip()
        token.markup = "$" * dollars
        # how many line ends it holds, for whoever counts lines through a paragraph
        token.meta = {"newlines": source.count("\n", start, at)}
    state.pos = at + dollars
    return True
