"""Text of a cell that begins something and does not end it: in a notebook it ends with its cell, on a page it does not.

What Markdown makes of a text is asked of the reader's own parser: a cell of code is put below, and has to be one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from octavo.source import dialect

_PROBE = "```{.python .input}\nprobe\n```\n"
_FENCE = re.compile(r"^[ ]{0,3}(?P<fence>`{3,}|~{3,})", re.MULTILINE)
_OPENS = re.compile(r"`{3}|~{3}|<")
"""What any text has that reaches beyond its end."""
_ENDS = ("-->", "?>", "]]>", ">", "</script>", "</pre>", "</style>", "</textarea>")
"""What ends the blocks of HTML that no blank line ends."""


@lru_cache(maxsize=1024)  # a page is saved again and again, and few of its cells differ
def closing(text: str, below: str = "") -> str:
    """What has to stand behind a text so that it ends there; nothing for nearly all.

    ``below`` is the line that ends its tab block, if ``text`` begins with the one that opens it.
    """
    if _OPENS.search(text) is None or _ends(text, below):
        return ""
    return next((f"\n{end}" for end in _endings(text) if _ends(f"{text}\n{end}", below)), "")


@lru_cache(maxsize=1024)
def needs_blank(text: str) -> bool:
    """Whether a text takes in a line of code that stands directly below, as a block of HTML does."""
    return "<" in text and not _is_code_below(f"{text}\n")


def _ends(text: str, below: str) -> bool:
    return _is_code_below(f"{text}\n{below}\n\n" if below else f"{text}\n\n")


def _is_code_below(text: str) -> bool:
    """Whether a cell of code below a text is one, and the last thing on the page."""
    above = f"\n{text}"  # nothing is front matter that does not stand on top
    tokens = _PARSER.parse(above + _PROBE, {})
    line = above.count("\n")
    return any(t.type == "cell" and not t.level and t.map is not None and t.map[0] == line for t in tokens)


def _endings(text: str) -> Iterator[str]:
    fences = [found["fence"] for found in _FENCE.finditer(text)]
    yield from dict.fromkeys(reversed(fences))
    yield from _ENDS


_PARSER = dialect.parser()
