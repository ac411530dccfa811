"""The contents beside a page: an entry whose place is in one framework's panel is for that framework's readers only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape, unescape
from typing import Any

from docutils import nodes

from octavo.render.pages.nodes import tab_panel

_ENTRY = re.compile(r'<li>(?=<a class="reference internal" href="#([^"]+)">)')


def of_panels(document: nodes.Element) -> dict[str, str]:
    """Place on the page → the framework in whose panel it is."""
    return {ident: panel["tab"] for panel in document.findall(tab_panel) for ident in _idents(panel)}


def _idents(panel: nodes.Element) -> Iterator[str]:
    for node in panel.findall(nodes.Element):
        yield from node.get("ids", ())


def marked(contents: str, places: dict[str, str]) -> str:
    """The contents as HTML, where each entry says whose it is."""

    def mark(entry: re.Match[str]) -> str:
        tab = places.get(unescape(entry[1]))
        return entry[0] if tab is None else f'<li data-tabs="{escape(tab)}">'

    return _ENTRY.sub(mark, contents)


def mark_entries(app: Any, page: str, template: str, context: dict[str, Any], document: nodes.document | None) -> None:
    """Before a page is written: mark its contents."""
    if document is not None and context.get("toc"):
        context["toc"] = marked(context["toc"], of_panels(document))


def setup(app: Any) -> None:
    """Let :func:`mark_entries` do it."""
    app.connect("html-page-context", mark_entries)
