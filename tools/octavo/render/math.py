"""Mathematics at build time: TeX → MathML, without a script or a network.

Sphinx asks a registered renderer for each formula while it writes a page; :func:`setup` registers this one. A formula
that cannot be converted shows its TeX source, and :func:`problems` says why and where, so that an author hears of it
while the page is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html import escape
from typing import Any

import math_core
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util.math import get_node_equation_number

RENDERER = "octavo_mathml"

_CONVERTER = math_core.LatexToMathML(fancy_error=False)
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
        end = _group_end(tex, match.end())
        looked = end + 1
        words = re.split(r"(?<!\\)\$", tex[match.end() : end])
        if end == len(tex) or len(words) < 3 or not len(words) % 2:
            continue
        command = rf"\{match[1]}"
        parts = (part if index % 2 else rf"{command}{{{part}}}" for index, part in enumerate(words) if part)
        pieces += [tex[done : match.start()], "{", *parts, "}"]
        done = end + 1
    return "".join([*pieces, tex[done:]])


def _group_end(tex: str, index: int) -> int:
    """Where the group that has begun before ``index`` ends: at its brace, or at the end of the formula."""
    depth = 1
    while index < len(tex):
        if tex[index] == "\\":
            index += 1
        else:
            depth += {"{": 1, "}": -1}.get(tex[index], 0)
            if depth == 0:
                return index
        index += 1
    return len(tex)


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


@lru_cache(maxsize=8192)
def mathml(tex: str, *, display: bool) -> str:
    """MathML for a formula; raises :class:`BadMathError`."""
    source = prepared(tex, display=display)
    try:
        return str(_CONVERTER.convert_with_local_state(source, displaystyle=display))
    except math_core.LatexError as problem:
        place, _, reason = str(problem).partition(": ")
        offset = int(place) if place.isdigit() else 0
        # the converter counts in the prepared text; the author's begins where the two agree again
        offset -= source.find(tex.strip()) if tex.strip() in source else 0
        raise BadMathError((reason or str(problem)).rstrip("."), max(0, offset)) from None


def problems(document: nodes.document) -> Iterator[tuple[nodes.Element, BadMathError]]:
    """Every formula of a page that cannot be converted."""
    for node in document.findall(lambda n: isinstance(n, nodes.math | nodes.math_block)):
        assert isinstance(node, nodes.Element)
        try:
            mathml(node.astext(), display=isinstance(node, nodes.math_block))
        except BadMathError as problem:
            yield node, problem


def _body(node: nodes.Element, *, display: bool) -> str:
    tex = node.astext()
    try:
        return mathml(tex, display=display)
    except BadMathError as problem:
        title = escape(f"This formula cannot be shown: {problem.reason}")
        return f'<code class="ov-bad-math" title="{title}">{escape(tex)}</code>'


def _visit_inline(translator: Any, node: nodes.math) -> None:
    opening = translator.starttag(node, "span", "", CLASS="math notranslate nohighlight")
    translator.body.append(f"{opening}{_body(node, display=False)}</span>")
    raise nodes.SkipNode


def _visit_block(translator: Any, node: nodes.math_block) -> None:
    body = translator.body
    body.append(translator.starttag(node, "div", CLASS="math ov-eq notranslate nohighlight"))
    body.append(f'<div class="ov-eq-body">{_body(node, display=True)}</div>')
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


def setup(app: Sphinx) -> None:
    """Register the renderer."""
    app.add_html_math_renderer(
        RENDERER, inline_renderers=(_visit_inline, _depart), block_renderers=(_visit_block, _depart)
    )
