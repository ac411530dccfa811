"""Text → the terms under which it is found.

``static/search.js`` cuts what readers type in the same way: :func:`normal`, :func:`folded`, ``_WORD`` and ``_BROKEN``
have their counterparts there.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 60
"""Letters of the longest word that is indexed; longer ones are addresses and data."""

_WORD = re.compile(r"\w+(?:\.[^\W\d]\w*)*")
"""A word, or a dotted name such as ``nn.Linear``."""
_BROKEN = re.compile(
    "([\u3005\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]+)"
)
"""Writing without spaces between words, or with endings grown onto them: Chinese characters, kana, Hangul."""
_HUMP = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")
_MARKS = re.compile("[\u0300-\u036f]")
_PLAIN = str.maketrans({"đ": "d", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"})


@dataclass(frozen=True, slots=True)
class Language:
    """What search has to know of a language."""

    stop: frozenset[str] = frozenset()
    """Words that stand everywhere."""
    endings: tuple[str, ...] = ()
    """Endings that may be taken off a word that is sought, longest first."""
    joins: bool = False
    """Whether words are written together, so that one is sought inside others too."""


_ENGLISH = (
    "a about above after again all also am an and any are as at be because been before being below between both but "
    "by can could did do does doing down during each few for from further had has have having he her here him his "
    "how if in into is it its just me more most my no nor not now of off on once only or other our out over own "
    "same she should so some such than that the their them then there these they this those through to too under "
    "until up very was we were what when where which while who whom why will with would you your"
)
_GERMAN = (
    "aber alle als also am an auch auf aus bei bis da damit dann das dass dem den denn der des die dies diese "
    "diesem diesen dieser dieses doch dort du durch ein eine einem einen einer eines er es etwa für hat haben hier "
    "ich ihr im in ist ja jede jeder jedes kann kein keine können man mehr mit nach nicht noch nun nur ob oder ohne "
    "sehr sein seine sich sie sind so um und uns unter vom von vor war was wenn werden wie wir wird wo zu zum zur "
    "zwischen über"
)

_LANGUAGES = {
    "en": Language(
        frozenset(_ENGLISH.split()),
        ("izations", "ization", "ations", "ation", "ings", "ing", "ies", "ers", "ed", "er", "es", "ly", "s", "e", "y"),
    ),
    "de": Language(
        frozenset(_GERMAN.split()), ("ungen", "ung", "ern", "en", "er", "em", "es", "e", "n", "s"), joins=True
    ),
    "nl": Language(endings=("en", "s", "e"), joins=True),
    "sv": Language(endings=("arna", "erna", "orna", "ar", "er", "or", "en", "et", "n", "s"), joins=True),
    "da": Language(endings=("erne", "ene", "er", "en", "et", "e", "s"), joins=True),
    "nb": Language(endings=("ene", "er", "en", "et", "e", "s"), joins=True),
    "fi": Language(endings=("ssa", "sta", "lla", "lta", "en", "in", "t", "n"), joins=True),
    "fr": Language(endings=("s", "e", "x")),
    "es": Language(endings=("es", "s", "o", "a")),
    "pt": Language(endings=("es", "s", "o", "a")),
    "it": Language(endings=("i", "e", "o", "a")),
}


def language(name: str) -> Language:
    """What is known of a language such as ``de`` or ``zh_TW``."""
    return _LANGUAGES.get(name.replace("-", "_").partition("_")[0].lower(), Language())


def normal(text: str) -> str:
    """A term as it is compared: without differences of case and width."""
    return unicodedata.normalize("NFKC", text).lower().replace("ß", "ss")


def folded(term: str) -> str:
    """A normal term without the marks on Latin, Greek and Cyrillic letters."""
    if term.isascii():
        return term
    bare = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", term)))
    return bare.translate(_PLAIN)


def words(text: str) -> list[str]:
    """The words and dotted names of a text."""
    return _WORD.findall(text if text.isascii() else unicodedata.normalize("NFKC", text))


@lru_cache(maxsize=100_000)
def terms(word: str) -> tuple[tuple[str, float], ...]:
    """The terms of a word, and how much of it each stands for: the whole, its parts, and all without marks."""
    if len(word) > LONGEST:
        return ()
    found: dict[str, float] = {}
    parts = word.split(".")
    for index in range(len(parts) - 1):
        found[normal(".".join(parts[index:]))] = 1.0
    for part in parts:
        for index, piece in enumerate(_BROKEN.split(part)):
            for term, share in _pairs(piece) if index % 2 else _whole(piece):
                found[term] = max(share, found.get(term, 0))
    for term, share in list(found.items()):
        bare = folded(term)
        found[bare] = max(share, found.get(bare, 0))
    return tuple((term, share) for term, share in found.items() if len(term) > 1 or not term.isascii())


def _pairs(run: str) -> list[tuple[str, float]]:
    """Each two neighbours, and the last character, so that every character begins a term."""
    run = normal(run)
    return [(run[at : at + 2], 1.0) for at in range(len(run) - 1)] + [(run[-1:], 0.3)]


def _whole(piece: str) -> list[tuple[str, float]]:
    """A word and what it is put together from: ``train_ch6``, ``SoftmaxRegression``."""
    if not piece:
        return []
    found = [(normal(piece), 1.0)]
    if piece.isascii() and not (piece.islower() and piece.isalpha()):
        found.append((normal(piece.strip("_")), 1.0))
        found += [(hump.lower(), 0.5) for hump in _HUMP.findall(piece) if len(hump) > 1 and hump != piece]
    return found
