"""The book's language on paper: where its words are hyphenated, and how its lines stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from octavo.render.words import locale_name


@dataclass(frozen=True, slots=True)
class Patterns:
    """Where the words of a language may be parted."""

    names: tuple[str, ...]
    """What TeX calls the language, the best of its names first."""
    package: str
    """The Debian package that has its patterns."""
    left: int = 2
    """The fewest letters before a hyphen."""
    right: int = 2
    """The fewest behind it."""


_EUROPEAN, _CYRILLIC = "texlive-lang-european", "texlive-lang-cyrillic"

PATTERNS: Mapping[str, Patterns] = {
    "bg": Patterns(("bulgarian",), _CYRILLIC),
    "ca": Patterns(("catalan",), "texlive-lang-spanish"),
    "cs": Patterns(("czech",), "texlive-lang-czechslovak", 2, 3),
    "da": Patterns(("danish",), _EUROPEAN),
    "de": Patterns(("ngerman", "german"), "texlive-lang-german"),
    "el": Patterns(("monogreek", "greek"), "texlive-lang-greek", 1, 1),
    "es": Patterns(("spanish",), "texlive-lang-spanish"),
    "et": Patterns(("estonian",), _EUROPEAN, 2, 3),
    "fi": Patterns(("finnish",), _EUROPEAN),
    "fr": Patterns(("french",), "texlive-lang-french"),
    "hr": Patterns(("croatian",), _EUROPEAN),
    "hu": Patterns(("hungarian", "magyar"), _EUROPEAN),
    "id": Patterns(("indonesian",), "texlive-lang-other"),
    "it": Patterns(("italian",), "texlive-lang-italian"),
    "lt": Patterns(("lithuanian",), _EUROPEAN),
    "lv": Patterns(("latvian",), _EUROPEAN),
    "nb": Patterns(("bokmal", "norwegian"), _EUROPEAN),
    "nl": Patterns(("dutch",), _EUROPEAN),
    "nn": Patterns(("nynorsk", "norwegian"), _EUROPEAN),
    "no": Patterns(("norsk", "norwegian"), _EUROPEAN),
    "pl": Patterns(("polish",), "texlive-lang-polish"),
    "pt": Patterns(("portuguese",), "texlive-lang-portuguese", 2, 3),
    "ro": Patterns(("romanian",), _EUROPEAN),
    "ru": Patterns(("russian",), _CYRILLIC),
    "sk": Patterns(("slovak",), "texlive-lang-czechslovak", 2, 3),
    "sl": Patterns(("slovenian",), _EUROPEAN),
    "sr": Patterns(("serbianc", "serbian"), _CYRILLIC),
    "sv": Patterns(("swedish",), _EUROPEAN),
    "tr": Patterns(("turkish",), _EUROPEAN),
    "uk": Patterns(("ukrainian",), _CYRILLIC),
}
"""Language → its patterns. One that is missing here is not hyphenated, as Vietnamese, or has English words alone."""

_ENGLISH = ("en", "zh", "ja", "ko")
"""Where a word in Latin letters is most likely an English one."""
_INDENTS = {"zh": "2em", "ja": "1em", "ko": "1em"}
"""How far paragraphs begin inside, where a sign is as wide as high."""


def tag(language: str) -> str:
    """What others call the language: ``zh_TW`` → ``zh-TW``; nothing but letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9-]", "", locale_name(language).replace("_", "-"))


def setting(language: str) -> str:
    """LaTeX that sets the text in a language; where its patterns are missing, words are not parted."""
    name = locale_name(language).partition("_")[0]
    lines = []
    patterns = PATTERNS.get(name)
    if patterns is not None:
        lines.append(rf"\octavohyphens{{{','.join(patterns.names)}}}{{{patterns.left}}}{{{patterns.right}}}")
    elif name not in _ENGLISH:
        lines.append(r"\octavohyphens{}{2}{2}")
    if name in _INDENTS:
        lines.append(rf"\octavoeastasian{{{_INDENTS[name]}}}")
    return "\n".join(lines)
