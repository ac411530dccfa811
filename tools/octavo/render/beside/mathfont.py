"""The font of formulas, cut to the characters that the book's formulas show.

The whole font is 264 kB, which a slow network brings seconds after the text. A book needs a tenth of its glyphs: those
of its characters, and with them the larger and growing forms that the font's MATH table names.
"""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from html import unescape
from pathlib import Path
from typing import Any

from docutils import nodes

from octavo.digests import digest, file_digest
from octavo.macros import Macro
from octavo.render.beside.part import Whole, Written
from octavo.render.pages.formulas import BadMathError, mathml, without_annotation

FONT = Path(__file__).parents[1] / "fonts" / "octavo-math.woff2"
"""The whole font; see ``octavo-math-README.txt``."""
FILE = "_static/octavo-math.woff2"
"""The cut font in the website."""

_ALWAYS = "\u221a\u2212\u2032\u2033\u2034\u2057"
"""Drawn without standing in a formula's text: roots, the sign that a hyphen becomes, primes joined to one."""
_PRIMES = "\u2032\u2033\u2034\u2035\u2036\u2037\u2057"
_VARIABLE = re.compile(r"<mi>([A-Za-z\u0391-\u03f6\u2202\u2207\u0131\u0237])</mi>")
_FETCH = (
    "(function(u){"
    # browsers preload nothing for pages that are opened as files
    "if(location.protocol=='file:'){var f=new FontFace('Octavo Math','url('+u+')');document.fonts.add(f);f.load()}"
    "else{var l=document.createElement('link');l.rel='preload';l.as='font';l.type='font/woff2';l.crossOrigin='';"
    # text comes first
    "l.fetchPriority='low';l.href=u;document.head.append(l)}})"
)
_TAG = re.compile(r"<[^>]*>")


class MathFont:
    """The part of a website that is its font of formulas."""

    name = "math-font"

    def of_page(self, written: Written) -> str:
        """The characters that a page's formulas draw, each once."""
        return "".join(sorted(set().union(*formulas(written.doctree, written.builder))))

    def files(self, values: Mapping[str, str], whole: Whole) -> Mapping[str, str | bytes]:
        """The font, if any page has a formula; cut again only when the book draws other characters than before."""
        characters = set().union(*values.values())
        if not characters:
            return {}
        kept = whole.kept / f"math-{digest(sorted(characters), file_digest(FONT), _ALWAYS)}.woff2"
        if not kept.is_file():
            for old in whole.kept.glob("math-*.woff2"):
                old.unlink()
            kept.write_bytes(cut(characters))
        return {FILE: kept.read_bytes()}


def formulas(document: nodes.document, builder: Any) -> Iterable[frozenset[str]]:
    """What each formula of a page draws."""
    macros = builder._app.source.settings.macros
    for node in document.findall(_is_formula):
        yield drawn(node.astext(), display=isinstance(node, nodes.math_block), macros=macros)


def _is_formula(node: nodes.Node) -> bool:
    return isinstance(node, nodes.math | nodes.math_block)


@lru_cache(maxsize=8192)
def drawn(tex: str, *, display: bool, macros: tuple[Macro, ...] = ()) -> frozenset[str]:
    """The characters that a formula draws; none for one that cannot be shown."""
    try:
        shown = without_annotation(mathml(tex, display=display, macros=macros))
    except BadMathError:
        return frozenset()
    # browsers draw a variable of one letter in italics, which are characters of their own
    slanted = map(italic, _VARIABLE.findall(shown))
    return frozenset(unescape(_TAG.sub("", shown))).union(slanted) - {" ", "\n"}


def italic(letter: str) -> str:
    """The mathematical italic that a browser draws for a letter, by the table of MathML Core."""
    special = {"h": 0x210E, "\u0131": 0x1D6A4, "\u0237": 0x1D6A5, "\u03f4": 0x1D6F3, "\u2207": 0x1D6FB}
    special |= {"\u2202": 0x1D715, "\u03f5": 0x1D716, "\u03d1": 0x1D717, "\u03f0": 0x1D718}
    special |= {"\u03d5": 0x1D719, "\u03f1": 0x1D71A, "\u03d6": 0x1D71B}
    if letter in special:
        return chr(special[letter])
    for first, last, italics in (("A", "Z", 0x1D434), ("a", "z", 0x1D44E), ("\u0391", "\u03a9", 0x1D6E2)):
        if first <= letter <= last:
            return chr(italics + ord(letter) - ord(first))
    return chr(0x1D6FC + ord(letter) - 0x3B1) if "\u03b1" <= letter <= "\u03c9" else letter


def cut(characters: Iterable[str]) -> bytes:
    """The font with these characters, and all that the MATH table draws them with, as WOFF2."""
    from fontTools import subset  # a third of a second that most builds need not spend

    logging.getLogger("fontTools").setLevel(logging.WARNING)
    options = subset.Options(
        flavor="woff2",
        layout_features=["ssty"],
        hinting=False,
        glyph_names=False,
        notdef_outline=True,
        name_IDs=[0, 1, 13],
    )
    font = subset.load_font(str(FONT), options)
    _leave_scripts_to_size(font)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[ord(character) for character in {*characters, *_ALWAYS}])
    subsetter.subset(font)
    written = io.BytesIO()
    subset.save_font(font, written, options)
    return written.getvalue()


def _leave_scripts_to_size(font: Any) -> None:
    """Take the glyphs for sub- and superscripts out, which double the font; primes would stand too high without."""
    names = font.getBestCmap()
    primes = {names[ord(prime)] for prime in _PRIMES if ord(prime) in names}
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            forms: dict[str, Any] = getattr(table, "alternates", None) or getattr(table, "mapping", None) or {}
            for glyph in set(forms) - primes:
                del forms[glyph]


def preload(app: Any, page: str, template: str, context: dict[str, Any], document: nodes.document | None) -> None:
    """Let browsers fetch the font with the page that has formulas, so that it is there when they are painted."""
    if document is not None and any(True for _ in document.findall(_is_formula)):
        address = json.dumps(context["pathto"](FILE, 1)).replace("<", "\\u003c")
        context["metatags"] = context.get("metatags", "") + f"<script>{_FETCH}({address})</script>"


def setup(app: Any) -> None:
    """Register what pages say of the font."""
    app.connect("html-page-context", preload)
