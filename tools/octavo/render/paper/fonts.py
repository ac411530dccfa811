"""The fonts of the book on paper: what is installed, which of it is taken, and what it has signs for.

They are asked for before LaTeX begins, of fontconfig, which is also what XeTeX finds them by: so a font that is missing
is one message, and LaTeX never meets a name that nobody knows.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

MATH = "math"
ROLES = ("main", "sans", "mono", MATH)

DEFAULTS: Mapping[str, tuple[str, ...]] = {
    "main": ("TeX Gyre Pagella", "FreeSerif", "Latin Modern Roman", "DejaVu Serif"),
    "sans": ("TeX Gyre Heros", "FreeSans", "Latin Modern Sans", "DejaVu Sans"),
    "mono": ("DejaVu Sans Mono", "FreeMono", "Latin Modern Mono"),
    MATH: ("TeX Gyre Pagella Math", "Latin Modern Math", "DejaVu Math TeX Gyre"),
}
"""For each role the font that the book is meant to have, and what stands in where it is not installed."""

PACKAGES: Mapping[str, str] = {
    "TeX Gyre Pagella": "fonts-texgyre",
    "TeX Gyre Heros": "fonts-texgyre",
    "TeX Gyre Pagella Math": "fonts-texgyre-math",
    "Latin Modern Roman": "lmodern",
    "Latin Modern Math": "lmodern",
    "DejaVu Sans Mono": "fonts-dejavu-core",
    "FreeSerif": "fonts-freefont-otf",
    "FreeMono": "fonts-freefont-otf",
    "Noto Serif CJK SC": "fonts-noto-cjk",
    "Noto Sans CJK SC": "fonts-noto-cjk",
    "Noto Sans Mono CJK SC": "fonts-noto-cjk",
    "Inconsolata": "fonts-inconsolata",
    "Linux Libertine O": "fonts-linuxlibertine",
    "EB Garamond": "fonts-ebgaramond",
    "Fira Mono": "fonts-firacode",
    "Fira Code": "fonts-firacode",
    "Hack": "fonts-hack",
    "Roboto": "fonts-roboto",
    "Lato": "fonts-lato",
    "Open Sans": "fonts-open-sans",
    "Noto Serif": "fonts-noto-core",
    "Noto Sans": "fonts-noto-core",
    "Noto Sans Mono": "fonts-noto-mono",
    "Liberation Serif": "fonts-liberation",
    "Liberation Sans": "fonts-liberation",
    "Liberation Mono": "fonts-liberation",
}
"""Font → the Debian package that has it, for those that books are likely to name."""

NEEDED = tuple(fonts[0] for fonts in DEFAULTS.values())
"""Without these a book without settings of its own does not look as it is meant to."""

_SCALES = {"DejaVu Sans Mono": 0.82, "TeX Gyre Heros": 0.95, "FreeSans": 0.95, "Latin Modern Mono": 0.95}
"""How large a font is beside Pagella."""


@dataclass(frozen=True, slots=True)
class Fonts:
    """The fonts of a book, by their families."""

    main: str
    sans: str
    mono: str
    math: str

    def loading(self) -> str:
        """LaTeX that takes them."""
        return "\n".join(
            (
                rf"\setmainfont{{{self.main}}}",
                rf"\setsansfont{{{self.sans}}}[{_beside(self.sans)}]",
                rf"\setmonofont{{{self.mono}}}[{_beside(self.mono)}]",
                rf"\setmathfont{{{self.math}}}",
            )
        )


def scale(family: str) -> float:
    """How large a font is set beside the book's main one."""
    return _SCALES.get(family, 1.0)


def _beside(family: str) -> str:
    """How large a font is set beside the main one: as we found it good, or with small letters as high."""
    return f"Scale={_SCALES.get(family, 'MatchLowercase')}"


def taken(role: str, wanted: str = "") -> str:
    """The font for a role: the wanted one, or the first of the usual ones that is installed."""
    known = installed()
    candidates = (wanted, *DEFAULTS[role]) if wanted else DEFAULTS[role]
    if not known:  # nobody can say what is installed
        return candidates[0]
    return next((family for family in candidates if family in known), candidates[-1])


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a font."""

    plain: bool
    """Whether it is neither bold nor slanted."""
    ranges: str
    """The characters that it has signs for, as fontconfig writes them: ``20-7e a0``."""


@cache
def installed() -> Mapping[str, tuple[Face, ...]]:
    """Font → its plain and bold, upright and slanted faces; empty without fontconfig."""
    form = r"%{family[0]}\t%{fontformat}\t%{color}\t%{width}\t%{weight}\t%{slant}\t%{charset}\n"
    try:
        done = subprocess.run(
            ["fc-list", "--format", form],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found: dict[str, list[Face]] = {}
    for line in done.stdout.splitlines():
        parts = line.split("\t")
        if len(parts) != 7:
            continue
        family, kind, color, width, weight, slant, ranges = parts
        if kind in ("CFF", "TrueType") and color != "True" and width in ("100", "") and weight in ("80", "200"):
            found.setdefault(family, []).append(Face(weight == "80" and slant == "0", ranges))
    return {family: tuple(faces) for family, faces in found.items()}


@cache
def signs(family: str, *, plain: bool = False) -> frozenset[int]:
    """The characters that every face of a font has a sign for, or only its plain one."""
    faces = [_codes(face.ranges) for face in installed().get(family, ()) if face.plain or not plain]
    return frozenset.intersection(*faces) if faces else frozenset()


def _codes(ranges: str) -> frozenset[int]:
    """``20-7e a0`` → each number of it."""
    found: set[int] = set()
    for part in ranges.split():
        first, _, last = part.partition("-")
        found.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(found)


@dataclass(frozen=True, slots=True, order=True)
class Other:
    """A font that stands in for characters which the book's own lacks."""

    family: str = ""
    """Empty where the book's own font has the sign."""
    plain: bool = False
    """Whether its plain face has to stand for the others too, which lack the sign."""


def other(code: int, families: Sequence[str]) -> Other | None:
    """The first of these fonts with a sign for a character, or else any that is installed; ``None`` if none has it."""
    known = installed()
    usual = [family for family in families if family in known]
    for some, plain in ((usual, False), (usual, True), (sorted(known), False), (sorted(known), True)):
        for family in some:
            if code in signs(family, plain=plain):
                return Other(family, plain)
    return None
