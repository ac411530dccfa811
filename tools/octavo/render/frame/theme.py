"""What octavo adds to the theme: style sheets, scripts, and what of them depends on the book's frameworks."""

from __future__ import annotations

import json
from pathlib import Path

from octavo.config import Settings, tab_title

STATIC = Path(__file__).parents[1] / "static"
"""Files that every site gets."""
TEMPLATES = Path(__file__).parents[1] / "templates"
"""Templates that extend the theme's."""
SHEETS = (
    "cells.css",
    "math.css",
    "octavo.css",
    "frame.css",
    "surroundings.css",
    "search.css",
    "toolbar.css",
    "library.css",
    "previews.css",
)
"""Our style sheets, in order: one for each thing that readers see or do."""
SCRIPTS = ("octavo.js", "frame.js", "search.js", "toolbar.js", "library.js", "previews.js", "cells.js")
"""Our scripts, in order. All are deferred; none is needed to read a page."""
EARLY = "head.js"
"""The script that stands in the head of each page."""
CODE_LIGHT, CODE_DARK = "a11y-high-contrast-light", "a11y-high-contrast-dark"
"""The colours of code, as the highlighter names them."""

_HEAD = (
    "(function(d,t){var q,k;try{k=localStorage.getItem('octavo-tab')}catch(e){}"
    "try{q=new URLSearchParams(location.search).get('tab');"
    # who steps back to a page keeps what was chosen since, whatever the old address says
    "if(performance.getEntriesByType('navigation')[0].type=='back_forward'&&t.indexOf(k)>=0)q=k}catch(e){}"
    "if(t.indexOf(q)<0)q=k;"
    "d.dataset.frameworks=t.join(' ');d.dataset.tab=t.indexOf(q)<0?t[0]:q})(document.documentElement,%s)"
)


def head(settings: Settings) -> str:
    """The script for a page's head that chooses the framework before the first paint; nothing for a single one."""
    if len(settings.tabs) < 2:
        return ""
    names = json.dumps(list(settings.tabs)).replace("<", "\\u003c")
    return f"<script>{_HEAD % names}</script>"


def book_css(settings: Settings) -> str:
    """Which panel is shown for which framework. Without the script's ``data-tab`` nothing is hidden."""
    if len(settings.tabs) < 2:
        return "/* a book of one framework */\n"
    rules = ["/* generated from [build] tabs */"]
    for tab in settings.tabs:
        name = json.dumps(tab, ensure_ascii=False)
        chosen = f"html[data-tab={name}]"
        rules.append(
            f"{chosen} .ov-panel[data-tab={name}],"
            f"{chosen} .ov-set:not([data-tabs~={name}])>.ov-first,"
            f"{chosen} .ov-note[data-for={name}],"
            f"{chosen} .ov-only[data-for={name}]{{display:block}}"
        )
        # the tables of contents hold what the framework has
        rules.append(f"{chosen} li[data-tabs]:not([data-tabs~={name}]){{display:none}}")
        rules.append(
            f"{chosen} .ov-tab[data-tab={name}],"
            f"{chosen} .ov-set:not([data-tabs~={name}]) .ov-tab:first-child{{"
            "color:var(--color-brand-content);border-bottom-color:var(--color-brand-content);font-weight:600}"
        )
    return "\n".join(rules) + "\n"


def tab_titles(settings: Settings) -> list[tuple[str, str]]:
    """The book's frameworks as (name, name for readers)."""
    return [(tab, tab_title(tab)) for tab in settings.tabs]
