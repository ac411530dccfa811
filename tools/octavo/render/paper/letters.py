"""Signs that the book's fonts lack, each set in another font that has it.

A manuscript holds every character that LaTeX will set, so that what its fonts lack is known before LaTeX begins. Such
characters form classes, and XeTeX changes the font where one class ends and the next begins: in text, headings and code
alike, without a mark in the manuscript.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from octavo.diagnostics import Code, Diagnostic, warning
from octavo.model import Span
from octavo.render.paper import fonts
from octavo.render.paper.fonts import Fonts, Other

FILE = "octavo-letters.tex"
"""What is read before the document begins."""

_INVISIBLE = frozenset(
    {0x061C, *range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10), 0xFEFF}
)
"""Characters that say something about their neighbours, and have no sign."""

_SPACES = {
    0x2002: r"\enspace",
    0x2003: r"\quad",
    0x2004: r"\hskip.333em\relax",
    0x2005: r"\hskip.25em\relax",
    0x2006: r"\hskip.167em\relax",
    0x2007: r"\hskip.5em\relax",
    0x2008: r"\hskip.2em\relax",
    0x2009: r"\hskip.167em\relax",
    0x200A: r"\hskip.1em\relax",
    0x200B: r"\hskip0pt\relax",
    0x202F: r"\nobreak\hskip.167em\relax",
    0x205F: r"\hskip.222em\relax",
    0x00AD: r"\-",
}
"""Characters that are space, or places for a line's end."""

_CJK = {"zh": "SC", "zh_tw": "TC", "zh_hk": "TC", "zh_hant": "TC", "ja": "JP", "ko": "KR"}
_LOCALES = {"SC": "zh", "TC": "zh", "JP": "ja", "KR": "ko"}

_OTHERS: Mapping[str, tuple[str, ...]] = {
    "main": ("FreeSerif", "DejaVu Serif", "DejaVu Sans"),
    "sans": ("FreeSans", "DejaVu Sans", "FreeSerif"),
    "mono": ("DejaVu Sans Mono", "FreeMono", "FreeSerif"),
}
_CJK_STYLES = {"main": "Noto Serif CJK", "sans": "Noto Sans CJK", "mono": "Noto Sans Mono CJK"}
_EAST_ASIAN_QUOTES = frozenset(map(ord, "“”…—"))
"""In Chinese and Japanese these are as wide as a word's sign, wherever else they are not."""


@dataclass(frozen=True, slots=True)
class Letters:
    """How the characters of a manuscript are set that its fonts have no sign for."""

    classes: Mapping[tuple[Other, ...], tuple[int, ...]] = field(default_factory=dict)
    """The fonts in place of main, sans and mono → the characters."""
    formulas: tuple[int, ...] = ()
    """Those that are text where they stand in a formula: letters, and what the font of formulas lacks."""
    lost: tuple[int, ...] = ()
    """Those that no installed font has."""


_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def without_controls(text: str) -> str:
    """A text without the characters that no printer has a sign for; LaTeX refuses to read some of them."""
    return _CONTROLS.sub("", text)


def simple(text: str) -> str:
    """A text for where LaTeX knows nothing yet of invisible characters and of spaces of other widths."""
    spaces = {code: " " if chr(code).isspace() else "" for code in _SPACES}
    return without_controls(text).translate(spaces | dict.fromkeys(_INVISIBLE, ""))


def letters(characters: Iterable[str], chosen: Fonts, language: str) -> Letters:
    """Find a font for each character that a book's own fonts lack."""
    codes = sorted({ord(character) for character in characters if character > "~"} - _INVISIBLE - set(_SPACES) - {0xA0})
    if not codes or not fonts.installed():
        return Letters()
    region = _region(codes, language)
    own = {role: fonts.signs(getattr(chosen, role)) for role in ("main", "sans", "mono")}
    formulas = fonts.signs(chosen.math)
    wide_quotes = language.lower().partition("_")[0] in ("zh", "ja")
    classes: dict[tuple[Other, ...], list[int]] = {}
    lost = []
    for code in codes:
        if unicodedata.category(chr(code)) in ("Cc", "Cn", "Co", "Cs"):
            lost.append(code)
            continue
        east = wide_quotes and code in _EAST_ASIAN_QUOTES
        found = [
            Other() if code in own[role] and not (east and role != "mono") else _other(code, role, region, east)
            for role in own
        ]
        key = tuple(one for one in found if one is not None)
        if len(key) < len(found):
            lost.append(code)
        elif any(one.family for one in key):
            classes.setdefault(key, []).append(code)
    kept = {key: tuple(value) for key, value in classes.items()}
    words = (code for code in codes if not (_is_of_formulas(code) and code in formulas) and code not in lost)
    return Letters(kept, tuple(words), tuple(lost))


_OF_FORMULAS = (
    (0x370, 0x3FF),
    (0x2016, 0x2016),
    (0x2020, 0x2022),
    (0x2026, 0x2026),
    (0x2032, 0x2037),
    (0x2100, 0x214F),
    (0x2190, 0x23FF),
    (0x25A0, 0x27FF),
    (0x2900, 0x2BFF),
    (0x1D400, 0x1D7FF),
)
"""From the first to the last of characters that LaTeX takes for mathematics: Greek, arrows, operators, alphabets."""
_SIGNS_OF_FORMULAS = frozenset(map(ord, "¬±×÷·°£¥§¶"))


def _is_of_formulas(code: int) -> bool:
    """Whether LaTeX takes a character in a formula for a sign of mathematics; every other one is text there."""
    return code in _SIGNS_OF_FORMULAS or any(first <= code <= last for first, last in _OF_FORMULAS)


def _region(codes: Iterable[int], language: str) -> str:
    """Whose shapes the signs of East Asia have."""
    name = language.lower()
    known = _CJK.get(name) or _CJK.get(name.partition("_")[0])
    if known:
        return known
    if any(0x3040 <= code <= 0x30FF for code in codes):
        return "JP"
    return "KR" if any(0xAC00 <= code <= 0xD7A3 for code in codes) else "SC"


def _other(code: int, role: str, region: str, east: bool) -> Other | None:
    cjk = f"{_CJK_STYLES[role]} {region}"
    first = (cjk, *_OTHERS[role]) if east or is_east_asian(code) else (*_OTHERS[role], cjk)
    return fonts.other(code, first)


def is_east_asian(code: int) -> bool:
    """Whether a character is one of Chinese, Japanese or Korean text."""
    letters_of_it = 0x1100 <= code <= 0x11FF or 0x2E80 <= code < 0x1F000 or code >= 0x20000  # between them: pictures
    return letters_of_it and unicodedata.east_asian_width(chr(code)) in ("W", "F")


def written(found: Letters, language: str) -> str:
    """The LaTeX that sets them."""
    lines = ["% Signs that the book's fonts lack, written by octavo for this manuscript.", r"\makeatletter"]
    lines += [rf"\octavo@silent{{{code:X}}}" for code in sorted(_INVISIBLE)]
    lines += [rf"\octavo@means{{{code:X}}}{{{text}}}" for code, text in _SPACES.items()]
    lines += [rf"\octavo@means{{{code:X}}}{{\octavolost{{{code:04X}}}}}" for code in found.lost]
    lines += [rf"\octavo@informula{{{code:X}}}" for code in found.formulas]
    if found.classes:
        lines += _classes(found, language)
    return "\n".join((*lines, r"\makeatother", ""))


def _classes(found: Letters, language: str) -> Iterator[str]:
    """Classes of characters, and what happens where one meets another."""
    others = sorted({other for key in found.classes for other in key if other.family})
    for number, other in enumerate(others):
        yield rf"\newfontfamily\{_name(number)}{{{other.family}}}[{_features(other)}]"
    switch = {other: rf"\{_name(number)}" for number, other in enumerate(others)}
    east = any(" CJK " in other.family for other in others)
    if east:
        yield r"\newXeTeXintercharclass\octavo@word"
        ascii_words = [*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B)]
        yield from (rf'\XeTeXcharclass"{code:X}=\octavo@word' for code in ascii_words)
    spaced = language.lower().partition("_")[0] != "ko"
    plain = ["0", "4095", *([r"\octavo@word"] if east else [])]
    joined: list[tuple[str, str, str]] = []  # (class, kind if it is of East Asia, what begins it)
    for number, (key, codes) in enumerate(found.classes.items()):
        start = r"\octavo@other" + "".join(f"{{{switch.get(other, '')}}}" for other in key)
        locale = next((_LOCALES[one.family[-2:]] for one in key if " CJK " in one.family), "")
        if locale:  # while the family tells still what is set
            start = rf"\octavo@breaks{{{locale}}}{start}"
        for kind, members in _kinds(codes, bool(locale)):
            name = rf"\octavo@class{_roman(number)}{kind}"
            yield rf"\newXeTeXintercharclass{name}"
            yield from (rf'\XeTeXcharclass"{code:X}={name}' for code in members)
            joined.append((name, kind if locale else "", start))
    for name, kind, start in joined:
        for around in plain:
            word = around == r"\octavo@word"
            before = _glue(kind, "begin", spaced) if word else ""
            after = _glue(kind, "end", spaced) if word else ""
            yield rf"\XeTeXinterchartoks {around} {name}={{{before}\begingroup{start}}}"
            yield rf"\XeTeXinterchartoks {name} {around}={{\endgroup{after}}}"
        for next_one, _, begin in joined:
            if next_one != name and begin != start:
                yield rf"\XeTeXinterchartoks {name} {next_one}={{\endgroup\begingroup{begin}}}"
    yield r"\XeTeXinterchartokenstate=1"


def _glue(kind: str, side: str, spaced: bool) -> str:
    """What stands between a word in Latin letters and a sign of East Asia."""
    if not kind:
        return ""
    if kind == "id":
        return r"\octavo@gap" if spaced else r"\octavo@maybreak"
    if (kind == "op") == (side == "begin"):
        return r"\octavo@maybreak"  # before what opens, and behind what closes
    return ""


def _kinds(codes: Iterable[int], east: bool) -> Iterator[tuple[str, list[int]]]:
    """Characters apart by what a line may not begin or end with."""
    found: dict[str, list[int]] = {}
    for code in codes:
        category = unicodedata.category(chr(code)) if east else ""
        kind = {"Ps": "op", "Pi": "op", "Pe": "cl", "Pf": "cl", "Po": "cl"}.get(category, "id")
        found.setdefault(kind, []).append(code)
    yield from found.items()


def _features(other: Other) -> str:
    """An East Asian font has no italics, and is as wide in code as two letters."""
    family = other.family
    bold = family if other.plain else f"{family} Bold"
    upright = f"ItalicFont={{{family}}},BoldFont={{{bold}}},BoldItalicFont={{{bold}}},"
    if " CJK " not in family:
        return f"{upright if other.plain else ''}Scale={fonts.scale(family)}"
    size = 2 * 0.602 * fonts.scale("DejaVu Sans Mono") if " Mono " in family else 0.96
    return f"{upright}Scale={size:.3f}"


def _name(number: int) -> str:
    return f"octavofont{_roman(number)}"


def _roman(number: int) -> str:
    """A number in letters, for the names of commands."""
    return "abcdefghij"[number % 10] if number < 10 else _roman(number // 10) + _roman(number % 10)


def prepare(main: Path, chosen: Fonts, language: str) -> tuple[Diagnostic, ...]:
    """Write beside a manuscript how its signs are set; an equal file keeps its time. Says which ones nobody has."""
    try:
        text = main.read_text(encoding="utf-8")
    except OSError:
        return ()  # there is no manuscript
    found = letters(set(text), chosen, language)
    file, content = main.with_name(FILE), written(found, language)
    if not file.is_file() or file.read_text(encoding="utf-8") != content:
        file.write_text(content, encoding="utf-8")
    return tuple(_missing(code, text) for code in found.lost)


def _missing(code: int, manuscript: str) -> Diagnostic:
    character = chr(code)
    name = unicodedata.name(character, "a character without a name").lower()
    shown = f" {character}" if character.isprintable() else ""
    hint = "install a font that has it, or write it another way"
    if is_east_asian(code):
        hint = "install the fonts of East Asia: apt-get install fonts-noto-cjk"
    message = f"no installed font has the character{shown} (U+{code:04X}, {name}); its number stands in its place"
    return warning(Code.FONT, message, _place(character, manuscript), hint=hint)


def _place(character: str, manuscript: str) -> Span | None:
    """The author's line that a character comes from, by the last mark before it."""
    before = manuscript[: manuscript.index(character)]
    _, found, mark = before.rpartition("\n%: ")
    path, _, line = mark.split("\n", 1)[0].rpartition(":")
    return Span(path, int(line), int(line)) if found and line.isdigit() else None
