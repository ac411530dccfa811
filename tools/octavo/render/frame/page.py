"""The theme's page in the language of the book, and with our parts where the theme has no block to put them into.

The theme asks gettext for some of its words, and has others, which its readers hear rather than see, written into the
page. Both are replaced here, so that no template of the theme has to be copied.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from html import escape
from typing import Any, cast

from octavo.render.application import BookApplication
from octavo.render.words import Words

_COLOURS = """<script>
      document.body.dataset.theme = localStorage.getItem("theme") || "auto";
    </script>"""
"""The script of the head does this without waiting for the style sheet."""
_SWITCH = '<input type="checkbox" class="sidebar-toggle" name="__navigation"'
_OVERLAY = '<label class="overlay sidebar-overlay"'
"""The first of the two switches of the drawers, and what follows the second."""
_SWITCHES = '<nav class="ov-switches"'
_SKIP = re.compile(r'<a class="skip-to-content [^>]*>[^<]*</a>')
_TOP = '<a href="#" class="back-to-top muted-link">'
_ICONS = '<div class="content-icon-container">'
"""The way back to the top, and what follows it."""
_HEADER = '<div class="header-right">'
"""Where the header that narrow screens have takes our parts."""


@cache
def places(words: Words) -> tuple[tuple[str, str], ...]:
    """Pieces of the theme's page → what stands there instead. All of them come before the page's own text."""
    modes = {"auto": words.system, "light": words.light, "dark": words.dark}
    spoken = {mode: escape(words.colours.format(mode=name)) for mode, name in modes.items()}
    toggle = f'aria-label="{spoken["auto"]}" ' + " ".join(f'data-{mode}="{name}"' for mode, name in spoken.items())
    contents, on_page = escape(words.contents), escape(words.on_page)
    titles = ["Contents", "Menu", "Expand", "Light mode", "Dark mode"]
    titles += ["Auto light/dark, in light mode", "Auto light/dark, in dark mode"]
    return (
        (_COLOURS, ""),
        # the drawers' switches, which the keyboard reaches here, and the way back to the top: in landmarks as all else
        (_SWITCH, f'{_SWITCHES} aria-label="{contents}">{_SWITCH}'),
        (_OVERLAY, f"</nav>{_OVERLAY}"),
        (_TOP, f'<nav aria-label="{escape(words.top)}">{_TOP}'),
        (_ICONS, f"</nav>{_ICONS}"),
        # what an icon is for stands at its button
        *((f"<title>{title}</title>", "") for title in titles),
        ('aria-label="Toggle site navigation sidebar"', f'aria-label="{contents}"'),
        ('aria-label="Toggle table of contents sidebar"', f'aria-label="{on_page}"'),
        ('aria-label="Toggle Light / Dark / Auto color theme"', toggle),  # in the header
        ('aria-label="Toggle Light / Dark / Auto color theme"', toggle),  # and above the text
        ('<aside class="sidebar-drawer"', f'<aside aria-label="{contents}" class="sidebar-drawer"'),
    )


def framed(page: str, header: str, words: Words) -> str:
    """The theme's page in the book's words, with ``header`` in the header of narrow screens."""
    for theirs, ours in places(words):
        page = page.replace(theirs, ours, 1)
    if skip := _SKIP.search(page):  # the first stop of the keyboard, before the drawers' switches
        page = page.replace(skip[0], "", 1).replace(_SWITCHES, skip[0] + _SWITCHES, 1)
    if '<aside class="toc-drawer no-toc' in page:  # a switch for nothing
        page = page.replace('id="__toc"', 'id="__toc" hidden', 1)
    # this one stands after the text, in which an author may have written anything
    before, found, after = page.rpartition('<aside class="toc-drawer')
    page = f'{before}<aside aria-label="{escape(words.on_page)}" class="toc-drawer{after}' if found else page
    return page.replace(_HEADER, _HEADER + header, 1)


@cache
def _own(words: Words) -> dict[str, str]:
    """What the theme asks gettext for → how the book says it."""
    return {
        "Next": words.next,
        "Previous": words.previous,
        "Home": words.home,
        "Back to top": words.top,
        "Skip to content": words.skip,
        "On this page": words.on_page,
        "Made with": words.theme,
    }


def _translating(words: Words, others: Callable[[str], str]) -> Callable[[str], str]:
    """Our words where we have them, else Sphinx's."""
    own = _own(words)
    return lambda text: own.get(text.strip()) or others(text)


def add_words(app: Any, page: str, template: str, context: dict[str, Any], document: object) -> None:
    """Before a page is written: let the theme's templates find our words."""
    words = cast(BookApplication, app).source.words
    context["gettext"] = _translating(words, app.translator.gettext)
    context["octavo_framed"] = lambda text, header: framed(text, header, words)


def setup(app: Any) -> None:
    """Let :func:`add_words` do it."""
    app.connect("html-page-context", add_words)
