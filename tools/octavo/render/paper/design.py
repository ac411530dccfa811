"""How the book looks on paper: class, page, fonts and title, as Sphinx's settings of LaTeX."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sphinx.util import texescape

from octavo.config import Settings
from octavo.config.settings import tab_title
from octavo.render.paper import languages, letters
from octavo.render.paper.own import STYLE, Own
from octavo.render.words import words

_GEOMETRY = (
    r"\usepackage[paperwidth=7in,paperheight=10in,inner=22mm,outer=19mm,top=23mm,bottom=22mm,"
    r"headheight=14pt,headsep=14pt,footskip=30pt]{geometry}"
)
_OF_A_SIZE = r"\usepackage[margin=1in,inner=1.15in,outer=.95in,headheight=14pt,headsep=14pt,footskip=30pt]{geometry}"
"""For a book whose own settings give it another paper."""

_ALPHABETS = ",".join(f"{name}=sym" for name in ("mathrm", "mathit", "mathbf", "mathsf", "mathtt"))
"""These are of the font of formulas, since the font of the text has no Greek for them."""
_MATH = rf"\usepackage[{_ALPHABETS},warnings-off={{mathtools-colon,mathtools-overbracket}}]{{unicode-math}}"


def options(settings: Settings, tab: str, own: Own) -> dict[str, Any]:
    """Sphinx's settings for the book of one framework."""
    theirs = dict(settings.paper.elements)
    styles = ("octavo", *sorted(path.stem for path in STYLE.glob("octavo-*.sty")))
    preamble = (
        *(rf"\usepackage{{{name}}}" for name in styles),
        rf"\octavoboldmath{{{own.fonts.math.replace(' ', '')}}}",
        languages.setting(settings.language),
        *_said(settings, tab, own),
        rf"\input{{{letters.FILE}}}",
        theirs.pop("preamble", ""),
        rf"\usepackage{{{own.style}}}" if own.style else "",
    )
    return {
        "latex_engine": "xelatex",
        "latex_use_xindy": False,
        "latex_docclass": {"manual": "book"},
        "latex_show_urls": "no",
        "latex_show_pagerefs": False,
        "latex_additional_files": [str(path) for path in sorted(STYLE.iterdir()) if path.is_file()],
        "latex_elements": {
            "papersize": "letterpaper",  # the geometry says what it is
            "pointsize": "10pt",
            "geometry": _OF_A_SIZE if "papersize" in theirs else _GEOMETRY,
            "babel": "",
            "polyglossia": "",
            "cmappkg": "",
            "fontenc": r"\usepackage{fontspec}",
            "amsmath": r"\usepackage{amsmath,amssymb,mathtools,cancel}",
            "fontpkg": f"{_MATH}\n{own.fonts.loading()}",
            "fncychap": "",
            "fvset": r"\fvset{fontsize=\small}",
            **theirs,
            "preamble": "\n".join(filter(None, preamble)),
        },
    }


def escaped(text: str) -> str:
    """A text of the author's settings, in which nothing means anything to LaTeX."""
    texescape.init()
    escape = texescape.escape(" ".join(letters.simple(text).split()), "xelatex")
    return escape.replace(r"\sphinxhyphen{}", "-")  # which what the file says of itself would lose


def _said(settings: Settings, tab: str, own: Own) -> list[str]:
    """What the title page says, the back of it, and the file about itself."""
    own_words = words(settings.language)
    edition = "" if tab == "default" else tab_title(tab)
    line = f"© {settings.copyright}" if settings.copyright else ""
    said: Mapping[str, str] = {
        "title": settings.title or settings.name,
        "author": settings.author,
        "edition": own_words.edition.format(framework=edition) if edition else "",
        "release": own_words.release.format(release=settings.release) if settings.release else "",
        "copyright": line,
        "address": settings.website.base_url,
        "description": settings.website.description,
        "keywords": edition,
    }
    return [
        *(rf"\octavoset{{{name}}}{{{escaped(text)}}}" for name, text in said.items()),
        rf"\octavoset{{language}}{{{languages.tag(settings.language)}}}",
        *([rf"\octavoset{{logo}}{{{own.logo}}}"] if own.logo else []),
        rf"\renewcommand\contentsname{{{escaped(own_words.table_of_contents)}}}",
        r"\octavodescribe",
    ]
