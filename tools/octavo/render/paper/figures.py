"""Pictures and figures → LaTeX: at their own size at most, and never larger than the page."""

from __future__ import annotations

from typing import Any

from docutils import nodes

from octavo.render.paper.base import PaperBase

_SIDES = ("width", "height")
_NARROW = (nodes.list_item, nodes.Admonition, nodes.block_quote, nodes.definition, nodes.footnote)
"""What no float may leave."""


class FigureMixin(PaperBase):
    """Figures and pictures that fit the page, in the manuscript."""

    def visit_image(self, node: nodes.Element) -> None:
        """A picture; its description stays with it, for those who hear the book."""
        file = self.builder.images.get(node["uri"])
        if not file or "://" in file:
            raise nodes.SkipNode
        shown = rf"\octavopicture{{{','.join(self._size(node))}}}{{\detokenize{{{file}}}}}"
        alt = self.encode(" ".join(str(node.get("alt") or "").split()))
        inside = isinstance(node.parent, nodes.TextElement)
        shown = rf"\octavoalt{{{alt}}}{{{shown}}}" if not self.in_title else shown
        self.body.append(rf"\octavointext{{{shown}}}" if inside and not self.in_title else shown)
        if not inside:
            self.body.append("\n")
        raise nodes.SkipNode

    def _size(self, node: nodes.Element) -> list[str]:
        """What LaTeX is told of a picture's size: what the author asks for, else its own."""
        asked = {side: self.latex_image_length(node[side], node.get("scale", 100)) for side in _SIDES if side in node}
        options = [f"{side}={length}" for side, length in asked.items() if length]
        builder: Any = self.builder
        natural = builder.natural_size(node["uri"])
        if not options and natural:
            scale = node.get("scale", 100) / 100
            options = [f"width={natural[0] * scale:.2f}bp", f"height={natural[1] * scale:.2f}bp"]
        elif not options and "scale" in node:
            options = [f"scale={node['scale'] / 100:.3f}"]
        return options

    def visit_figure(self, node: nodes.Element) -> None:
        """A picture with its caption, near its text; within boxes and tables it stays where it is."""
        fixed = self.table or self.no_latex_floats or self.in_minipage or is_inside(node)
        self.body.append("\n\n")
        self.mark_place(node)
        self.body.append("\\begin{octavofigurehere}\n" if fixed else "\\begin{octavofigure}\n")
        self.context.append("\\end{octavofigurehere}\n" if fixed else "\\end{octavofigure}\n")
        if not any(isinstance(child, nodes.caption) for child in node):
            self.body.append(self.hypertarget_to(node, anchor=True) if node["ids"] else "")

    def depart_figure(self, node: nodes.Element) -> None:
        """The end of a figure."""
        self.body.append(self.context.pop())

    def visit_caption(self, node: nodes.Element) -> None:
        """What a picture shows, with its number in the book."""
        kind = "figure" if isinstance(node.parent, nodes.figure) else "code-block"
        self.body.append(self.caption_of(node, node.parent, kind))
        raise nodes.SkipNode

    def caption_of(self, node: nodes.Element, numbered: nodes.Element, kind: str) -> str:
        """A caption in LaTeX: its name with the number, what links lead to, and its text."""
        number = self.number_of(numbered)
        name = ""
        if number:
            name = self.encode(str(self.config.numfig_format.get(kind, "%s")).replace("%s", number))
        self.in_caption += 1
        self.pushbody([])
        for child in node:
            child.walkabout(self)
        text = "".join(self.popbody()).strip()
        self.in_caption -= 1
        anchors = self.hypertarget_to(numbered, anchor=True) if numbered["ids"] else ""
        place = "table" if kind == "table" else "figure"
        return f"\\octavocaption{{{place}}}{{{anchors}}}{{{name}}}{{{text}}}%\n"

    def visit_legend(self, node: nodes.Element) -> None:
        """More about a picture, below its caption."""
        self.body.append("\n\\begin{octavolegend}\n")

    def depart_legend(self, node: nodes.Element) -> None:
        """The end of it."""
        self.body.append("\n\\end{octavolegend}\n")


def is_inside(node: nodes.Element) -> bool:
    """Whether a figure stands in something that no float may leave."""
    parent = node.parent
    while parent is not None:
        if isinstance(parent, _NARROW):
            return True
        parent = parent.parent
    return False
