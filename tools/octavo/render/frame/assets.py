"""One style sheet and one script for every page: the theme's, the highlighter's and ours, without comments and spaces.

A browser asks for each file by itself, and on a slow network each costs as much time as what it holds; nothing is
painted before the last style sheet has come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import furo
import rcssmin
import rjsmin
from pygments.formatters import HtmlFormatter

from octavo.config import Settings
from octavo.render.frame import theme

SHEET = "octavo.css"
"""The style sheet's name in the site."""
SCRIPT = "octavo.js"
"""The script's."""

_FURO = Path(furo.__file__).parent / "theme" / "furo" / "static"


def sheet(settings: Settings) -> str:
    """Everything that says how pages of a book look. What stands later wins: the book's frameworks come last."""
    own = (_text(theme.STATIC / name) for name in theme.SHEETS)
    parts = [_highlighting(), _text(_FURO / "styles" / "furo.css"), *own, theme.book_css(settings)]
    return "\n".join(str(rcssmin.cssmin(part)) for part in parts) + "\n"


def script() -> str:
    """Everything that pages do. Each part keeps its names to itself; the theme's comes with its licence."""
    furo_js = _text(_FURO / "scripts" / "furo.js").partition("\n//# sourceMappingURL")[0]
    licence = _text(_FURO / "scripts" / "furo.js.LICENSE.txt").strip()
    own = (str(rjsmin.jsmin(_text(theme.STATIC / name))) for name in theme.SCRIPTS)
    return "\n;".join([f"{licence}\n{rjsmin.jsmin(furo_js)}", *own]) + "\n"


@cache
def early() -> str:
    """What has to run before a page is painted, for the page's head. Nothing of it depends on the book."""
    # where browsers know of this, they paint nothing before header and sidebar are whole, which would shift them
    expected = '<link rel="expect" href="#ov-start" blocking="render">'
    return f"{expected}<script>{rjsmin.jsmin(_text(theme.STATIC / theme.EARLY))}</script>"


def others() -> list[Path]:
    """What pages need besides the two, or fetch when a reader asks for it: fonts, further scripts."""
    joined = {*theme.SHEETS, *theme.SCRIPTS, theme.EARLY}
    return sorted(path for path in theme.STATIC.iterdir() if path.name not in joined)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _highlighting() -> str:
    """The colours of code: light ones, and dark ones where the reader or the system wants it dark."""
    dark = list(_colours(theme.CODE_DARK, 'body[data-theme="dark"] .highlight'))
    system = list(_colours(theme.CODE_DARK, 'body:not([data-theme="light"]) .highlight'))
    lines = [
        *_colours(theme.CODE_LIGHT, ".highlight"),
        *("@media not print {", *dark, "@media (prefers-color-scheme: dark) {", *system, "}", "}"),
    ]
    return "\n".join(lines)


def _colours(style: str, prefix: str) -> Iterator[str]:
    formatter = HtmlFormatter(style=style)
    definitions: Iterable[str] = (
        *formatter.get_background_style_defs(prefix),  # type: ignore[no-untyped-call]
        *formatter.get_token_style_defs(prefix),  # type: ignore[no-untyped-call]
    )
    yield from definitions
