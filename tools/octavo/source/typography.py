"""Quotes, dashes and ellipses in prose, as pandoc sets them.

A double quote opens unless a space follows; while one is open, the next closes. A single quote opens only behind
something that is no word, and closes before something that is none; every other one is an apostrophe. Quotes pair only
within the same emphasis, link or caption.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

SIGNS = {"---": "—", "--": "–", "...": "…"}
SIGN = re.compile(r"---?|\.\.\.")
NEEDED = re.compile(r"[\"']|--|\.\.\.")
QUOTE = re.compile(r"[\"']")
WORDS = ("text", "text_special")
OBJECT = "\ufffc"
"""What code, formulas, pictures and the ends of emphasis are to a quote beside them: no space, and no word."""


@dataclass(slots=True)
class _Quote:
    """One straight quote."""

    token: Token
    at: int
    mark: str
    before: str
    after: str
    result: str = ""


def typography(state: StateCore) -> None:
    """Set the prose of every block."""
    for token in state.tokens:
        if token.type == "inline" and NEEDED.search(token.content):
            _set(token.children or [])


def _set(children: list[Token]) -> None:
    changed: dict[int, list[_Quote]] = {}
    for found in _paired(children):
        changed.setdefault(id(found.token), []).append(found)
    for child in children:
        if child.type == "image":
            _set(child.children or [])
        elif child.type == "text":
            text = list(child.content)
            for found in changed.get(id(child), ()):
                text[found.at] = found.result
            child.content = SIGN.sub(lambda match: SIGNS[match[0]], "".join(text))


def _paired(children: list[Token]) -> list[_Quote]:
    """Every straight quote with what it becomes."""
    quotes: list[_Quote] = []
    levels: list[list[_Quote]] = [[]]
    for found in _events(children):
        if found == 1:
            levels.append([])
        elif found == -1:
            if len(levels) > 1:
                levels.pop()
        elif isinstance(found, _Quote):
            quotes.append(found)
            if found.mark == '"':
                _double(found, levels)
            else:
                _single(found, levels)
    return quotes


def _double(quote: _Quote, levels: list[list[_Quote]]) -> None:
    here = levels[-1]
    quote.result = "”"
    if any(open_.mark == '"' for open_ in here):
        while here.pop().mark != '"':
            pass
    elif not quote.after.isspace() and not any(open_.mark == '"' for level in levels for open_ in level):
        here.append(quote)
        if not quote.before.isalnum() or not quote.before.isascii():
            quote.result = "“"


def _single(quote: _Quote, levels: list[list[_Quote]]) -> None:
    here = levels[-1]
    quote.result = "’"
    if quote.after.isalnum():
        is_open = any(open_.mark == "'" for level in levels for open_ in level)
        if not (is_open or quote.before.isalnum() or quote.before == OBJECT):
            here.append(quote)
    elif here and here[-1].mark == "'":
        here.pop().result = "‘"
    elif not (quote.after.isspace() or quote.before.isalnum() or quote.before == OBJECT):
        here.append(quote)


def _events(children: list[Token]) -> Iterator[_Quote | int]:
    """The quotes of a block's line, and where emphasis and links begin and end."""
    for index, child in enumerate(children):
        if child.nesting:
            yield child.nesting
        if child.type != "text":
            continue
        text = child.content
        for match in QUOTE.finditer(text):
            at = match.start()
            before = text[at - 1] if at else _last(children[index - 1] if index else None)
            after = text[at + 1] if at + 1 < len(text) else _first(children, index + 1)
            yield _Quote(child, at, match[0], before, after)


def _last(token: Token | None) -> str:
    if token is None or token.type in ("softbreak", "hardbreak"):
        return " "
    if token.nesting == 1:
        return "("  # a quote may open inside of emphasis
    return token.content[-1:] or OBJECT if token.type in WORDS else OBJECT


def _first(children: list[Token], index: int) -> str:
    while index < len(children) and children[index].type == "text" and not children[index].content:
        index += 1
    if index == len(children) or children[index].type in ("softbreak", "hardbreak"):
        return " "
    return children[index].content[:1] or OBJECT if children[index].type in WORDS else OBJECT
