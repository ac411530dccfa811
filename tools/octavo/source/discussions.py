"""Lines such as ``[Discussions](https://…)``: where old books send their readers to talk about a page.

Such a line is no text of the page. The website shows it as it shows what else can be done with a page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it.token import Token

_WORDS = re.compile(r"discussions?|diskussion(en)?|讨论|討論|ディスカッション|議論|토론|thảo luận", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s<>\"'`]+")


@dataclass(frozen=True, slots=True)
class Discussion:
    """Where a page is talked about."""

    words: str
    """The author's words for it."""
    address: str
    tabs: tuple[str, ...] = ()
    """The frameworks that it is for; empty for all."""


def apart(tokens: Sequence[Token]) -> tuple[list[Token], tuple[Discussion, ...]]:
    """The tokens of a page without such lines, nor blocks that hold nothing else, and what the lines say.

    They stand alone as a paragraph, outside of everything but a framework's block.
    """
    kept: list[Token] = []
    found: list[Discussion] = []
    around: Token | None = None
    at = 0
    while at < len(tokens):
        token = tokens[at]
        said = _said(tokens[at + 1]) if token.type == "paragraph_open" and token.level == (around is not None) else None
        if token.level == 0 and token.type == "tab_block_open":
            around, begin, talked = token, len(kept), len(found)
        if said is not None:
            names = around.meta["tabs"] if around is not None else ()
            found.append(Discussion(*said, () if "all" in names else tuple(names)))
            at += 3
            continue
        kept.append(token)
        if around is not None and token.level == 0 and token.nesting < 0:
            around = None
            if len(kept) == begin + 2 and len(found) > talked:
                del kept[begin:]
        at += 1
    return kept, tuple(found)


def _said(inline: Token) -> tuple[str, str] | None:
    """Words and address of a paragraph that is such a line."""
    children = [child for child in inline.children or () if child.type != "text" or child.content.strip()]
    if [child.type for child in children] != ["link_open", "text", "link_close"]:
        return None
    words, address = children[1].content.strip(), str(children[0].attrGet("href") or "")
    return (words, address) if _WORDS.fullmatch(words) and _ADDRESS.fullmatch(address) else None
