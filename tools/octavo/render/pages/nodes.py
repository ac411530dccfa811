"""Docutils nodes of octavo, and how each kind of output shows them.

HTML gets accessible tabs; every other builder shows the children one after the other, so that none of them fails.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.images import get_image_size

SHARED = "ov_shared"
"""Attribute of what stands in several panels of a tab set and is the same thing in each: equal in all of its copies."""


TABS = "ov_tabs"
"""Attribute of an entry in a table of contents: the frameworks that have the page, where not all do."""


class tab_set(nodes.General, nodes.Element):  # noqa: N801 - docutils names nodes in lower case
    """Panels side by side, one a framework.

    ``uid`` is unique in its page; ``tabs`` names the frameworks that have a panel, as (name, title) pairs;
    ``missing`` says for each of the book's other frameworks what its readers are told, as (name, sentence) pairs;
    ``label`` names the row of tabs.
    """


class tab_panel(nodes.General, nodes.Element):  # noqa: N801
    """What one framework shows: ``tab`` is its name, ``title`` that for readers, ``first`` marks the fallback."""


class reader_note(nodes.General, nodes.Element):  # noqa: N801
    """A remark for the readers of one framework (``tab``); ``always`` shows it without JavaScript too."""


class output_html(nodes.General, nodes.Element):  # noqa: N801
    """Sanitised HTML in ``html``; the children stand in for it elsewhere."""


class output_fold(nodes.General, nodes.Element):  # noqa: N801
    """The middle of a long output, folded away under ``label``; a browser opens it without a script."""


class output_image(nodes.General, nodes.Element):  # noqa: N801
    """A picture that a cell drew: ``files`` maps MIME types to absolute paths, ``alt`` is its description."""


HTML_NODES: tuple[type[nodes.Element], ...] = (tab_set, tab_panel, reader_note, output_html, output_fold, output_image)


def _visit_tab_set(translator: Any, node: nodes.Element) -> None:
    uid = node["uid"]
    names = " ".join(name for name, _ in node["tabs"])
    buttons = "".join(
        f'<button type="button" role="tab" class="ov-tab" id="{uid}-{escape(name)}-tab" data-tab="{escape(name)}" '
        f'aria-controls="{uid}-{escape(name)}" aria-selected="{"false" if index else "true"}" '
        f'tabindex="{-1 if index else 0}">{escape(title)}</button>'
        for index, (name, title) in enumerate(node["tabs"])
    )
    notes = "".join(
        f'<p class="ov-note" data-for="{escape(name)}">{escape(sentence)}</p>' for name, sentence in node["missing"]
    )
    translator.body.append(
        f'<div class="ov-set" data-tabs="{escape(names)}">'
        f'<div class="ov-bar" role="tablist" aria-label="{escape(node["label"])}">{buttons}</div>{notes}\n'
    )


def _depart_tab_set(translator: Any, node: nodes.Element) -> None:
    translator.body.append("</div>\n")


def _visit_tab_panel(translator: Any, node: nodes.Element) -> None:
    ident, tab = f"{node.parent['uid']}-{node['tab']}", escape(node["tab"])
    first = " ov-first" if node["first"] else ""
    translator.body.append(
        f'<div class="ov-panel{first}" role="tabpanel" id="{escape(ident)}" data-tab="{tab}" '
        f'aria-labelledby="{escape(ident)}-tab">'
        f'<p class="ov-name" role="heading" aria-level="5">{escape(node["title"])}</p>\n'
    )


def _depart_tab_panel(translator: Any, node: nodes.Element) -> None:
    translator.body.append("</div>\n")


def _visit_reader_note(translator: Any, node: nodes.Element) -> None:
    kind = "ov-only" if node["always"] else "ov-note"
    translator.body.append(f'<div class="{kind}" data-for="{escape(node["tab"])}" role="note">')


def _depart_reader_note(translator: Any, node: nodes.Element) -> None:
    translator.body.append("</div>\n")


def _visit_output_html(translator: Any, node: nodes.Element) -> None:
    translator.body.append(f'<div class="ov-html">{node["html"]}</div>\n')
    raise nodes.SkipNode


def _visit_output_fold(translator: Any, node: nodes.Element) -> None:
    translator.body.append(f'<details class="ov-more"><summary>{escape(node["label"])}</summary>\n')


def _depart_output_fold(translator: Any, node: nodes.Element) -> None:
    translator.body.append("</details>\n")


def _visit_entry(translator: Any, node: nodes.Element) -> None:
    """A cell of a table: heads say what they are the head of, and an empty corner is none."""
    type(translator).visit_entry(translator, node)
    opening: str = translator.body[-1]
    if not opening.startswith("<th"):
        return
    if node.astext().strip() or node.next_node(nodes.image):
        scope = "col" if isinstance(node.parent.parent, nodes.thead) else "row"
        translator.body[-1] = opening.replace("<th", f'<th scope="{scope}"', 1)
    else:
        translator.body[-1] = opening.replace("<th", "<td", 1)
        translator.context[-1] = "</td>\n"


def _depart_entry(translator: Any, node: nodes.Element) -> None:
    type(translator).depart_entry(translator, node)


def _visit_list_item(translator: Any, node: nodes.Element) -> None:
    """An entry of a table of contents says for which frameworks it is."""
    at = len(translator.body)
    type(translator).visit_list_item(translator, node)
    if node.get(TABS):
        translator.body[at] = translator.body[at].replace("<li", f'<li data-tabs="{escape(node[TABS])}"', 1)


def _depart_list_item(translator: Any, node: nodes.Element) -> None:
    type(translator).depart_list_item(translator, node)


def _visit_citation(translator: Any, node: nodes.Element) -> None:
    """An entry of the bibliography: docutils gives it a role that no longer is one."""
    type(translator).visit_citation(translator, node)
    translator.body[-1] = translator.body[-1].replace('role="doc-biblioentry"', 'role="listitem"')


def _depart_citation(translator: Any, node: nodes.Element) -> None:
    type(translator).depart_citation(translator, node)


def _visit_image(translator: Any, node: nodes.image) -> None:
    """A picture as the theme shows it, with its size, so that nothing moves when it comes.

    Those behind the first one come when they are about to be seen: a reader sees one framework's.
    """
    ours = node["uri"] in translator.builder.images  # no address on the network, and no picture inside of the page
    size = get_image_size(Path(translator.builder.srcdir, node["uri"])) if ours else None
    count = len(translator.body)
    type(translator).visit_image(translator, node)
    if len(translator.body) != count + 1 or not translator.body[-1].startswith("<img "):
        return  # a film, or embedded
    attributes = f'width="{size[0]}" height="{size[1]}" ' if size and min(size) > 0 else ""
    if getattr(translator, "octavo_has_picture", False):
        attributes += 'loading="lazy" '
    translator.octavo_has_picture = True
    translator.body[-1] = f"<img {attributes}{translator.body[-1][5:]}"


def _depart_image(translator: Any, node: nodes.image) -> None:
    type(translator).depart_image(translator, node)


def _pass(translator: Any, node: nodes.Element) -> None:
    """Show the children and nothing else."""


def setup(app: Sphinx) -> None:
    """Register the nodes with every builder."""
    plain: tuple[Callable[..., None], Callable[..., None]] = (_pass, _pass)
    html: dict[type[nodes.Element], tuple[Callable[..., None], Callable[..., None]]] = {
        tab_set: (_visit_tab_set, _depart_tab_set),
        tab_panel: (_visit_tab_panel, _depart_tab_panel),
        reader_note: (_visit_reader_note, _depart_reader_note),
        output_html: (_visit_output_html, _pass),
        output_fold: (_visit_output_fold, _depart_output_fold),
        output_image: plain,
    }
    for node in HTML_NODES:
        # remarks about frameworks that a reader could have chosen make no sense where nothing can be chosen
        other = (_skip, _pass) if node is reader_note else plain
        app.add_node(node, html=html[node], text=other, man=other, texinfo=other)
        if node not in (reader_note, output_html, output_fold):  # paper has its own ways
            app.add_node(node, override=True, latex=other)
    app.add_node(nodes.image, override=True, html=(_visit_image, _depart_image))
    app.add_node(nodes.entry, override=True, html=(_visit_entry, _depart_entry))
    app.add_node(nodes.list_item, override=True, html=(_visit_list_item, _depart_list_item))
    app.add_node(nodes.citation, override=True, html=(_visit_citation, _depart_citation))


def _skip(translator: Any, node: nodes.Element) -> None:
    raise nodes.SkipNode
