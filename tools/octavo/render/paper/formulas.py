"""Formulas → LaTeX, with the numbers that the whole book gives them.

The author's commands are written out, so that none of them can change what LaTeX itself says. A displayed formula
stands in a box of its own (``octavodisplay``): one that is wider than the page is made smaller, and never runs off it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from docutils import nodes

from octavo.macros import Macro, expanded, group_end
from octavo.render.pages.formulas import BadMathError, mathml, prepared, without_annotation
from octavo.render.paper.base import PaperBase
from octavo.render.paper.code import block, plain_lines

_BLANK = re.compile(r"\n[ \t]*(?=\n)")
_COMMENT = re.compile(r"(?<!\\)(?:\\\\)*%")
_INDEX = re.compile(
    r"(?<!\\)[_^]\s*(?=\\(?:math|text|operatorname|bold|bm|sym|hat|bar|vec|tilde|over|under|wide)[a-z]*\s*\{)"
)
"""An index that is a command with an argument."""


def _indices_in_groups(tex: str) -> str:
    r"""``x_\mathcal{D}`` as ``x_{\mathcal{D}}``: not every command may be an index as it is."""
    pieces: list[str] = []
    done = 0
    for match in _INDEX.finditer(tex):
        if match.start() < done:
            continue
        opening = tex.index("{", match.end()) + 1
        end = group_end(tex, opening)
        if end == len(tex):
            break
        inner = _indices_in_groups(tex[opening:end])
        pieces += [tex[done : match.end()], "{", tex[match.end() : opening], inner, "}}"]
        done = end + 1
    return "".join([*pieces, tex[done:]])


def formula(tex: str, macros: Iterable[Macro], *, display: bool) -> str:
    """A formula as it stands between LaTeX's own delimiters; its lines are the author's."""
    above = len(tex) - len(tex.lstrip("\n"))
    tex = expanded(tex, {macro.name: macro for macro in macros})
    tex = "%\n" * above * display + prepared(tex.strip("\n") if display else tex, display=display)
    tex = _indices_in_groups(tex)
    tex = _BLANK.sub("\n%", tex)  # an empty line would end the paragraph, and with it the formula
    return f"{tex}\n" if not display and _COMMENT.search(tex) else tex


def is_closed(tex: str) -> bool:
    """Whether every brace and environment that a formula opens is closed again; else LaTeX would read on and on."""
    opened: list[str] = []
    for found in re.finditer(r"\\(?:begin|end)\s*\{([^{}]*)\}|\\.|%[^\n]*|[{}]", tex, re.DOTALL):
        if found[0] == "{" or found[0].startswith("\\begin"):
            opened.append(found[1] or "{")
        elif (found[0] == "}" or found[0].startswith("\\end")) and (not opened or opened.pop() != (found[1] or "{")):
            return False
    return not opened


def can_be_set(tex: str, macros: Iterable[Macro], *, display: bool) -> bool:
    """Whether LaTeX may be given a formula. One that is in disorder stands there as its source, as on the website.

    Else LaTeX would stumble again and again behind it. What is wrong with it has been told where the page was read; but
    a command that only the website does not know may be one of LaTeX's.
    """
    if not is_closed(tex):
        return False
    try:
        mathml(tex, display=display, macros=tuple(macros))
    except BadMathError as problem:
        return problem.reason.startswith("Unknown command")
    return True


def spoken(tex: str, macros: Iterable[Macro]) -> str:
    """A formula in plain letters, for where nothing else can be shown: bookmarks."""
    try:
        drawn = without_annotation(mathml(tex, display=False, macros=tuple(macros)))
    except BadMathError:
        return re.sub(r"[\\{}$]", "", tex)
    text = re.sub(r"<[^>]*>", "", drawn)
    for name, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(name, sign)
    return " ".join("".join(sign for sign in text if sign.isprintable() and not "\u2061" <= sign <= "\u2064").split())


class FormulaMixin(PaperBase):
    """Formulas with the book's numbers, in the manuscript."""

    def visit_math(self, node: nodes.math) -> None:
        """A formula in a line of text; in a heading, bookmarks have it in plain letters."""
        macros = self.source.settings.macros
        if not can_be_set(node.astext(), macros, display=False):
            self.body.append(rf"\sphinxcode{{{self.encode(node.astext())}}}")
            raise nodes.SkipNode
        tex = formula(node.astext(), macros, display=False)
        if self.in_title:
            plain = self.encode(spoken(node.astext(), macros))
            self.body.append(rf"\texorpdfstring{{\(\octavotitlemath{{}}{tex}\)}}{{{plain}}}")
        else:
            self.body.append(rf"\({tex}\)")
        raise nodes.SkipNode

    def visit_math_block(self, node: nodes.math_block) -> None:
        """A displayed formula."""
        number = self._number_of_equation(node)
        macros = self.source.settings.macros
        if self.in_title or self.in_term:
            self.visit_math(nodes.math("", node.astext()))
        self.body.append("%\n" if isinstance(node.parent, nodes.paragraph) else "")
        self._go_on(node)
        self.mark_place(node)
        self.body.append(self._anchor(node))
        if not can_be_set(node.astext(), macros, display=True):
            self.body.append(block(plain_lines(node.astext().strip("\n")), "octavocode") + "\n")
            raise nodes.SkipNode
        option = rf"[{{{self.encode(number)}}}]"  # always, for a formula may begin with a bracket
        body = formula(node.astext(), macros, display=True)
        self.body.append(f"\\begin{{octavodisplay}}{option}%\n{body}\n\\end{{octavodisplay}}\n")
        raise nodes.SkipNode

    def _go_on(self, node: nodes.math_block) -> None:
        """A formula below a paragraph is part of it for LaTeX, which keeps both together, at the right distance."""
        above = node.parent.children[: node.parent.index(node)]
        while above and isinstance(above[-1], nodes.target | nodes.comment):
            above.pop()
        if above and isinstance(above[-1], nodes.paragraph):
            while self.body and not self.body[-1].strip():
                self.body.pop()
            self.body.append("\n")

    def _number_of_equation(self, node: nodes.math_block) -> str:
        label = node.get("label") or node.get("shown_label")
        if not label:
            return ""
        numbers = self.builder.env.toc_fignumbers.get(self.page, {}).get("displaymath", {})
        return ".".join(map(str, numbers.get(nodes.make_id(f"equation-{label}"), ())))

    def _anchor(self, node: nodes.math_block) -> str:
        """What references to the formula lead to."""
        labels = self.hypertarget_to(node)
        return f"\\octavoabove{{\\phantomsection{labels}}}%\n" if labels else ""

    def visit_superscript(self, node: nodes.Element) -> None:
        """Letters above the line, in the font of the text."""
        self.body.append(r"\textsuperscript{")

    def depart_superscript(self, node: nodes.Element) -> None:
        """The line again."""
        self.body.append("}")

    def visit_subscript(self, node: nodes.Element) -> None:
        """Letters below the line, in the font of the text."""
        self.body.append(r"\textsubscript{")

    def depart_subscript(self, node: nodes.Element) -> None:
        """The line again."""
        self.body.append("}")

    def visit_paragraph(self, node: nodes.Element) -> None:
        """A paragraph; where it goes on with the sentence of the formula above, it is not indented."""
        super().visit_paragraph(node)
        above = node.parent[node.parent.index(node) - 1] if node.parent.index(node) else None
        if isinstance(above, nodes.math_block) and node.astext()[:1].islower():
            self.body.insert(-1, "\\noindent\n")
