"""MyST's directives as far as stages that need no docutils have to know them: names, options and what they hold.

A directive is a fence, of backticks or colons, whose info is ``{name} argument``. What admonitions hold is Markdown of
the page, on the page's own lines, so it can be tokenised like everything around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.colon_fence import colon_fence_plugin

from octavo.source import dialect

FENCES = ("fence", "colon_fence")
DIRECTIVE = re.compile(r"\{(?P<name>[\w:.-]+)\}(?:[ \t]+(?P<argument>.*))?$")
OPTION = re.compile(r":(?P<name>[\w-]+):(?:[ \t]+(?P<value>.*))?$")

ADMONITIONS = frozenset(
    {"admonition", "attention", "caution", "danger", "error", "hint", "important", "note", "seealso", "tip", "warning"}
)
"""Directives that hold Markdown and are shown as a box."""


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive of a page."""

    name: str
    argument: str
    options: Mapping[str, str]
    body: str
    """What stands below the options, without a final newline."""
    line: int
    """Line of the page, from 0, that the body begins on."""


def parser() -> MarkdownIt:
    """A parser of the dialect that knows directives of colons too, as the website does."""
    return dialect.parser().use(colon_fence_plugin)


def directive(token: Token) -> Directive | None:
    """The directive that a fence is; ``None`` for other fences, and for those that do not stand at the left margin."""
    match = DIRECTIVE.fullmatch(token.info.strip()) if token.type in FENCES and token.map else None
    if match is None or token.map is None or token.level:
        return None
    lines = token.content.removesuffix("\n").split("\n")
    options: dict[str, str] = {}
    first = 0
    while first < len(lines) and (option := OPTION.fullmatch(lines[first].strip())):
        options[option["name"]] = (option["value"] or "").strip()
        first += 1
    body = "\n".join(lines[first:])
    return Directive(match["name"], (match["argument"] or "").strip(), options, body, token.map[0] + 1 + first)


def tokens_inside(found: Directive, md: MarkdownIt) -> list[Token]:
    """The tokens of what a directive holds, on the page's lines."""
    tokens = md.parse(found.body, {})
    for token in _all(tokens):
        if token.map is not None:
            token.map = [line + found.line for line in token.map]
        for key in ("label_line", "width_line", "height_line", "caption_line"):
            if key in (token.meta or {}):
                token.meta[key] += found.line
    return tokens


def _all(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or [])
