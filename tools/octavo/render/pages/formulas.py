"""Mathematics at build time: TeX → MathML, without a script or a network.

Sphinx asks a registered renderer for each formula while it writes a page; :func:`setup` registers this one. A formula
that cannot be converted shows its TeX source, and :func:`problems` says why and where, so that an author hears of it
while the page is read. Each formula carries its TeX as an annotation, for those who copy it and for programs.
"""

from __future__ import annotations

import difflib
import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

import math_core
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.math import get_node_equation_number

from octavo.config import Settings, place
from octavo.diagnostics import Code, Diagnostics, error
from octavo.macros import Macro, expanded, group_end

RENDERER = "octavo_mathml"

_ANNOTATION = '<annotation encoding="application/x-tex">'
_TOP_LEVEL = re.compile(r"\\begin\{(equation|align|gather|multline|split|eqnarray|displaymath)(\*?)\}")
_ENVIRONMENTS = {
    "equation": None,
    "displaymath": None,
    "align": "aligned",
    "split": "aligned",
    "eqnarray": "aligned",
    "gather": "gathered",
    "multline": "gathered",
}
_LABEL = re.compile(r"\\(?:label\{[^}]*\}|nonumber\b|notag\b)")
_BARE_DELIMITER = re.compile(r"(\\[bB]igg?[lmr]?)\s*\{(\\?[^\\{}\s]|\\[{}|]|\\[A-Za-z]+)\}")
_TEXT = re.compile(r"\\(text(?:rm|bf|it|sf|tt|normal)?|mbox)\s*\{")
_NESTED = re.compile(r"\\(begin|end)\{[^}]*\}")
_SIZED_BASE = re.compile(r"<(msub|msup|msubsup)><mo\b([^>]*\bminsize=[^>]*)>([^<]*)</mo>")
"""A delimiter whose size was asked for, with an index."""


_CLOSING = {"Pe", "Pf", "Po", "Pd"}
_OPENING = {"Ps", "Pi"}
"""Unicode's categories of signs that belong to what stands before, or behind them."""


class BadMathError(Exception):
    """A formula that cannot be converted: what is wrong, one phrase, and where in the formula, in characters."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason, offset)
        self.reason = reason
        self.offset = offset


def prepared(tex: str, *, display: bool) -> str:
    r"""The formula with outer environments that belong to numbering replaced, and loose ``\\`` and ``&`` aligned."""
    tex = _common(_LABEL.sub("", tex).strip())
    if not display:
        return tex

    def rename(match: re.Match[str]) -> str:
        inner = _ENVIRONMENTS[match[2]]
        return "" if inner is None else rf"\{match[1]}{{{inner}}}"

    tex = re.sub(_TOP_LEVEL.pattern.replace("begin", "(begin|end)", 1), rename, tex).strip()
    if _has_loose_alignment(tex):
        tex = rf"\begin{{aligned}}{tex}\end{{aligned}}"
    return tex


def _common(tex: str) -> str:
    r"""What authors write and math-core does not know, in other words: ``\pmb``, ``\big{(}``, ``\`` at a line's end."""
    tex = re.sub(r"\\pmb(?![A-Za-z])", r"\\boldsymbol", tex)
    tex = re.sub(r"(?<!\\)((?:\\\\)*)\\\n", r"\1\\ \n", tex)
    return _formulas_out_of_text(_BARE_DELIMITER.sub(r"\1\2 ", tex))


def _formulas_out_of_text(tex: str) -> str:
    r"""``\text{if $x$}`` as ``{\text{if }x}``."""
    pieces: list[str] = []
    done = looked = 0
    for match in _TEXT.finditer(tex):
        if match.start() < looked:
            continue
        end = group_end(tex, match.end())
        looked = end + 1
        words = re.split(r"(?<!\\)\$", tex[match.end() : end])
        if end == len(tex) or len(words) < 3 or not len(words) % 2:
            continue
        command = rf"\{match[1]}"
        parts = (part if index % 2 else rf"{command}{{{part}}}" for index, part in enumerate(words) if part)
        pieces += [tex[done : match.start()], "{", *parts, "}"]
        done = end + 1
    return "".join([*pieces, tex[done:]])


def _has_loose_alignment(tex: str) -> bool:
    r"""Whether ``\\`` or ``&`` stands outside of every environment and group."""
    depth = 0
    index = 0
    while index < len(tex):
        nested = _NESTED.match(tex, index)
        if nested:
            depth += 1 if nested[1] == "begin" else -1
            index = nested.end()
        elif tex[index] == "\\":
            if tex.startswith("\\\\", index) and depth == 0:
                return True
            index += 2
        else:
            if tex[index] == "&" and depth == 0:
                return True
            depth += {"{": 1, "}": -1}.get(tex[index], 0)
            index += 1
    return False


@functools.lru_cache(maxsize=8192)
def mathml(tex: str, *, display: bool, macros: tuple[Macro, ...] = ()) -> str:
    """MathML for a formula; raises :class:`BadMathError`."""
    source = prepared(tex, display=display)
    try:
        found = str(_converter(macros).convert_with_local_state(source, displaystyle=display))
    except math_core.LatexError as problem:
        at, _, reason = str(problem).partition(": ")
        offset = _in_authors(source, tex, int(at)) if at.isdigit() else 0
        raise BadMathError((reason or str(problem)).rstrip("."), offset) from None
    # what is copied works elsewhere too: macros written out, numbering left to where it goes
    written = expanded(_LABEL.sub("", tex).strip(), {macro.name: macro for macro in macros})
    formula, _, _ = _in_the_middle(found).rpartition(_ANNOTATION)
    return f"{formula}{_ANNOTATION}{escape(written, quote=False)}</annotation></semantics></math>"


def _in_the_middle(found: str) -> str:
    r"""MathML with each ``\bigr)^2`` at the height of its ``\bigl(``: browsers centre what stands in a row."""

    def in_a_row(match: re.Match[str]) -> str:
        attributes, sign = match[2], match[3]
        form = ' form="postfix"' if sign in ")]}⟩⌉⌋" and "form=" not in attributes else ""
        return f"<{match[1]}><mrow><mo{form}{attributes}>{sign}</mo></mrow>"

    return _SIZED_BASE.sub(in_a_row, found)


def without_annotation(found: str) -> str:
    """MathML as it is drawn."""
    return found.partition(_ANNOTATION)[0]


def _in_authors(source: str, tex: str, offset: int) -> int:
    """The place in the author's formula of one in the prepared formula."""
    place = 0
    for block in difflib.SequenceMatcher(None, source, tex, autojunk=False).get_matching_blocks():
        if block.a > offset:
            break
        place = block.b + min(offset - block.a, block.size)
    return min(place, max(0, len(tex) - 1))


@functools.lru_cache(maxsize=4)
def _converter(macros: tuple[Macro, ...]) -> math_core.LatexToMathML:
    known = {macro.name: _common(macro.text) for macro in macros}
    return math_core.LatexToMathML(fancy_error=False, annotation=True, macros=known)


def usable_macros(settings: Settings, diagnostics: Diagnostics) -> tuple[Macro, ...]:
    """The book's macros without those that the converter does not understand, which are reported."""
    left = list(settings.macros)
    while left:
        try:
            _converter(tuple(left))
        except math_core.LatexError as problem:
            found = re.match(r"macro(\d+):\d+: (.*)", str(problem), re.DOTALL)
            bad = left.pop(int(found[1]) if found else -1)
            reason = (found[2] if found else str(problem)).rstrip(".")
            line = place(settings, "math", "macros", f"\\{bad.name}")
            diagnostics.add(error(Code.BAD_MATH, f"no formula can use \\{bad.name}: {reason}", line))
        else:
            break
    return tuple(left)


def problems(document: nodes.document, macros: tuple[Macro, ...] = ()) -> Iterator[tuple[nodes.Element, BadMathError]]:
    """Every formula of a page that cannot be converted."""
    for node in document.findall(lambda n: isinstance(n, nodes.math | nodes.math_block)):
        assert isinstance(node, nodes.Element)
        try:
            mathml(node.astext(), display=isinstance(node, nodes.math_block), macros=macros)
        except BadMathError as problem:
            yield node, problem


def _body(node: nodes.Element, macros: tuple[Macro, ...], *, display: bool) -> str:
    tex = node.astext()
    try:
        return mathml(tex, display=display, macros=macros)
    except BadMathError as problem:
        title = escape(f"This formula cannot be shown: {problem.reason}")
        return f'<code class="ov-bad-math" title="{title}">{escape(tex)}</code>'


def _visit_inline(macros: tuple[Macro, ...], translator: Any, node: nodes.math) -> None:
    opening = translator.starttag(node, "span", "", CLASS="math notranslate nohighlight")
    translator.body.append(f"{opening}{_body(node, macros, display=False)}</span>")
    raise nodes.SkipNode


def _visit_block(macros: tuple[Macro, ...], translator: Any, node: nodes.math_block) -> None:
    body = translator.body
    body.append(translator.starttag(node, "div", CLASS="math ov-eq notranslate nohighlight"))
    body.append(f'<div class="ov-eq-body">{_body(node, macros, display=True)}</div>')
    if node.get("number") and node["ids"]:
        body.append(f'<span class="eqno">({escape(get_node_equation_number(translator, node))})')
        translator.add_permalink_ref(node, _("Link to this equation"))
        body.append("</span>")
    elif node.get("shown_label"):
        # the copy of a numbered equation in a further panel: the same number, the same place
        number = _number_of(translator, node["shown_label"])
        body.append(f'<span class="eqno">({escape(number)})</span>')
    body.append("</div>\n")
    raise nodes.SkipNode


def _number_of(translator: Any, label: str) -> str:
    numbers = translator.builder.env.toc_fignumbers.get(translator.builder.current_docname, {})
    number = numbers.get("displaymath", {}).get(nodes.make_id(f"equation-{label}"), ())
    return ".".join(map(str, number))


def _depart(translator: Any, node: nodes.Element) -> None:
    """Visitors skip the departure; Sphinx's type wants one."""


class FormulasWithTheirSigns(SphinxPostTransform):
    """A comma behind a formula, or a bracket before it, stays in its line; browsers break on both sides of one."""

    formats = ("html",)
    default_priority = 900  # when nothing looks at the text any more

    def run(self, **kwargs: Any) -> None:
        """Wrap each formula together with the signs that touch it."""
        for formula in list(self.document.findall(nodes.math)):
            parent = formula.parent
            at = parent.index(formula)
            before, after = _text_at(parent, at - 1), _text_at(parent, at + 1)
            opening = _leading(before[::-1], _OPENING)[::-1]
            closing = _leading(after, _CLOSING)
            if opening or closing:
                together = nodes.inline("", "", classes=["ov-together"])
                rest = before[: len(before) - len(opening)], together, after[len(closing) :]
                parent[at - bool(before) : at + 1 + bool(after)] = _nodes(rest)
                together.extend(_nodes((opening, formula, closing)))


def _text_at(parent: nodes.Element, index: int) -> str:
    """The text that is a child of an element; nothing if the child is something else, or there is none."""
    child = parent.children[index] if 0 <= index < len(parent.children) else None
    return str(child) if isinstance(child, nodes.Text) else ""


def _leading(text: str, categories: set[str]) -> str:
    """The signs of some categories with which a text begins."""
    return "".join(itertools.takewhile(lambda sign: unicodedata.category(sign) in categories, text))


def _nodes(parts: Iterable[str | nodes.Node]) -> list[nodes.Node]:
    """Texts as nodes, without those that are empty."""
    return [nodes.Text(part) if isinstance(part, str) else part for part in parts if part != ""]


def setup(app: Sphinx, macros: tuple[Macro, ...]) -> None:
    """Register the renderer."""
    inline, block = (functools.partial(visit, macros) for visit in (_visit_inline, _visit_block))
    app.add_post_transform(FormulasWithTheirSigns)
    app.add_html_math_renderer(RENDERER, inline_renderers=(inline, _depart), block_renderers=(block, _depart))
