"""Words, letters and marks, read the same way in a source and in a page. For check_words.py."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

IDEOGRAPH = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af"
WORD = re.compile(rf"[{IDEOGRAPH}]|[^\W_{IDEOGRAPH}]+")
NOT_BETWEEN_WORDS = str.maketrans("", "", "*`\u200b\ufeff\u00ad")
"""Marks that may stand inside of a word in one of the two texts and not in the other."""

RAW = re.compile(
    r":(?:numref|ref|eqref|cite[tp]?|label|eqlabel|width|height|bibliography|class|func|mod|begin_tab|end_tab):"
    r"|[\[(](?:\*\*|~~)|(?:\*\*|~~)[\])]|#[ \t]*@tab\b|%%tab\b|\btab\.(?:selected|interact_select)\b"
    r"|%load_ext d2lbook|###_\w*_###|\$\$"
)
"""What no reader should see, unless the author shows it as code."""
RAW_IN_CELLS = re.compile(r"#[ \t]*@tab\b|%%tab\b|\btab\.(?:selected|interact_select)\b|%load_ext d2lbook|###_\w*_###")
"""The same for cells: what else looks like a mark is Python there, such as ``(**options)``."""


def words_of(text: str) -> list[str]:
    """The words of a text."""
    return WORD.findall(text.translate(NOT_BETWEEN_WORDS))


def raw_marks(text: str) -> Counter[str]:
    """Marks of the dialect in a text."""
    return Counter(re.sub(r"\s", "", match[0]) for match in RAW.finditer(text))


def letters(text: str) -> str:
    """Letters and digits, whatever their style, sorted."""
    found = re.findall(r"[A-Za-z0-9\u0391-\u03c9]", unicodedata.normalize("NFKD", text).replace("ς", "σ"))
    return "".join(sorted(found))


def plain(text: str) -> str:
    """A title as bare words, to be found again whatever its accents and capitals."""
    bare_letters = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(words_of(bare_letters)).casefold()


def digits(text: str) -> str:
    """The number in a text such as ``Figure 3.1.2``."""
    match = re.search(r"(?:[A-Z]\.)?\d+(?:\.\d+)*", text)
    return match[0] if match else ""
