"""References: what Sphinx's own resolvers would refuse, or would find slowly."""

from __future__ import annotations

from typing import Any, cast

from docutils import nodes
from docutils.utils import get_source_line
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains import Domain
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

from octavo.diagnostics import Code, error
from octavo.render.application import BookApplication
from octavo.render.facts import facts_of
from octavo.render.links.labels import labels_of
from octavo.render.messages import closest


class References(SphinxPostTransform):
    """What Sphinx's own resolvers would refuse although it is clear what is meant.

    A numbered reference to something without a number shows its title, one to a chapter says so, and equations may be
    named by any of the reference roles.
    """

    default_priority = 8

    def run(self, **kwargs: Any) -> None:
        """Adjust the references of one page before they are resolved."""
        standard = self.env.domains.standard_domain
        equations = self.env.get_domain("math").data.get("objects", {})
        for node in list(self.document.findall(addnodes.pending_xref)):
            label = node.get("octavo_label")
            if label is None:
                continue
            key = label.lower()
            if label not in equations and key not in standard.anonlabels and self._is_elsewhere(node, label):
                continue
            if node["reftype"] == "eq":
                if label not in equations and key in standard.anonlabels:
                    node["refdomain"], node["reftype"], node["reftarget"] = "std", "numref", key
            elif key not in standard.anonlabels and label in equations:
                node["refdomain"], node["reftype"], node["reftarget"] = "math", "eq", label
            if node["reftype"] == "numref" and key in standard.anonlabels:
                self._resolve_numbered(node, key)

    def _is_elsewhere(self, node: addnodes.pending_xref, label: str) -> bool:
        """Whether only frameworks that this website does not have know a label; then its words stand without a link."""
        source = cast(BookApplication, self.env._app).source
        found = source.numbers.find(label) if source.numbers is not None else None
        if found is None:
            return False
        shown = found.title
        if node["refexplicit"]:
            shown = node.astext()
        elif found.kind == "equation":
            shown = f"({found.written})"
        elif found.number and node["reftype"] == "numref":
            shown = self.config.numfig_format[found.kind] % found.written
        node.replace_self(nodes.inline(shown, shown))
        return True

    def _resolve_numbered(self, node: addnodes.pending_xref, key: str) -> None:
        """Sphinx would load the other page for each reference; what counts was noted when that was read."""
        page, anchor = self.env.domains.standard_domain.anonlabels[key]
        facts = facts_of(self.env).pages.get(page)
        if facts is not None and anchor in facts.sections:
            self._resolve_section(node, page, anchor, facts.sections[anchor])
            return
        for kind, numbers in self.env.toc_fignumbers.get(page, {}).items():
            if anchor in numbers:
                if not node["refexplicit"]:
                    self._resolve_figure(node, page, anchor, self.config.numfig_format[kind], numbers[anchor])
                return
        node["reftype"] = "ref"  # such as a heading within a tab

    def _resolve_figure(
        self, node: addnodes.pending_xref, page: str, anchor: str, title: str, number: tuple[int, ...]
    ) -> None:
        standard = self.env.domains.standard_domain
        shown = title % ".".join(map(str, number))
        node.replace_self(
            standard.build_reference_node(
                node["refdoc"],
                self.env._app.builder,
                page,
                anchor,
                shown,
                "numref",
                node_class=addnodes.number_reference,
                title=title,
            )
        )

    def _resolve_section(self, node: addnodes.pending_xref, page: str, anchor: str, is_page: bool) -> None:
        # the first heading of a page has the page's number, which stands under no anchor
        numbers = self.env.toc_secnumbers.get(page, {})
        number = numbers.get("" if is_page else f"#{anchor}")
        if not number:
            node["reftype"] = "ref"
            return
        written = ".".join(map(str, number))
        if node["refexplicit"]:
            shown = node.children[0].astext().replace("%s", written).replace("{number}", written)
        elif len(number) == 1:
            shown = cast(BookApplication, self.env._app).source.words.chapter.format(number=written)
        else:
            shown = self.config.numfig_format["section"] % written
        inner = nodes.inline(shown, shown, classes=["std", "std-numref"])
        builder = self.env._app.builder
        node.replace_self(make_refnode(builder, node["refdoc"], page, anchor, inner))


def warn_missing_reference(app: Sphinx, domain: Domain | None, node: addnodes.pending_xref) -> bool | None:
    """An unknown label: one message with the author's line and the nearest label there is.

    Sphinx asks every listener, and its own words it differently; :mod:`octavo.render.messages` drops that.
    """
    application = cast(BookApplication, app)
    label = str(node.get("octavo_label") or node.get("reftarget", ""))
    path, line = get_source_line(node)
    span = application.span(path or str(node.get("refdoc", "")), line)
    span = application.pointed(span, label)
    labels = labels_of(app.env)
    hint = closest(label, labels)
    message = f"nothing has the label {label!r}"
    if label in labels or label.lower() in labels:
        hint = f"give it a caption, or write the words yourself: :ref:`words <{label}>`"
        message = f"what has the label {label!r} has no title or number to show"
    application.tell(error(Code.UNKNOWN_REFERENCE, message, span, hint=hint))
    return True
