r"""Code → LaTeX: lines that break with a mark, in colours that are grey where a printer has none.

A line of code is a line of the manuscript, ``\ocl{…}``, and no verbatim text: it may stand in lists, tables and
boxes. Nothing of it is lost where it is too long, for it breaks between any two characters if there is no better place.
Short lines, which are most, are written without those places. ``style/octavo-sections.sty`` says how all of it looks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from docutils import nodes
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType
from sphinx.builders.latex.nodes import captioned_literal_block

from octavo.render.paper.base import PaperBase

_KINDS: dict[_TokenType, str] = {
    Keyword: "k",
    Operator.Word: "k",
    Name.Builtin: "b",
    Name.Builtin.Pseudo: "b",
    Name.Function: "f",
    Name.Class: "f",
    Name.Decorator: "d",
    Name.Tag: "k",
    Name.Exception: "b",
    String: "s",
    Number: "n",
    Comment: "c",
}
"""Kind of token → the letter that ``\\oct`` knows it by; the others are plain."""

_SAVED = re.compile(r"#\s*@save\b.*")
"""What marks the code that goes into the library."""

_ESCAPED = {
    "\\": r"\char92{}",
    "{": r"\char123{}",
    "}": r"\char125{}",
    "#": r"\char35{}",
    "$": r"\char36{}",
    "%": r"\char37{}",
    "&": r"\char38{}",
    "_": r"\char95{}",
    "^": r"\char94{}",
    "~": r"\char126{}",
}
_PART = re.compile(r"[^,;:.(\[{=/_-]+[,;:.(\[{=/_-]*|[,;:.(\[{=/_-]+")
"""A part of a word, with the signs behind it."""
_TAB = 8
_SHORT = 48
"""How many columns every line on paper has room for, in a list too."""
_SHORT_INSIDE = 16
"""The same in a table or in a list within a list."""
_WORD = 40
"""A word of more characters may break anywhere, a shorter one behind a sign."""
_LONGEST = 4000
"""How many characters of a line are printed; nobody reads a longer one, and TeX has to hold all of it."""


def escape(text: str) -> str:
    """Text as the manuscript has it within code; what cannot be printed is left out."""
    return "".join(_ESCAPED.get(sign, sign) for sign in text if sign >= " " and not "\x7f" <= sign <= "\x9f")


def columns(text: str) -> int:
    """How wide a text is in letters of one width."""
    return len(text) if text.isascii() else sum(_width(sign) for sign in text)


def _width(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def line_of_code(tokens: Sequence[tuple[str, str]], *, short: int = _SHORT) -> str:
    """One line of code, of (kind, text) tokens, as the manuscript has it.

    ``short`` is the number of columns that there surely are.
    """
    longest = min(_WORD, short) if sum(columns(text) for _, text in tokens) > short else 0
    body: list[str] = []
    first = True
    for kind, text in tokens:
        if first:
            indent = len(text) - len(text.lstrip(" "))
            text = text[indent:]
            if indent:
                body.append(rf"\oci{{{indent}}}")
        if not text:
            continue
        first = False
        written = _with_breaks(text, longest) if longest else _spaced(text)
        body.append(rf"\oct{{{kind}}}{{{written}}}" if kind and text.strip() else written)
    return rf"\ocl{{{''.join(body)}}}"


def _spaced(text: str) -> str:
    """A text that fits: spaces in a row stay as many."""
    pieces = re.split(r"( {2,})", text)
    return "".join(rf"\ocw{{{len(piece)}}}" if index % 2 else escape(piece) for index, piece in enumerate(pieces))


def _with_breaks(text: str, longest: int) -> str:
    """A text that may break: best behind spaces, else behind a sign or, in a word longer than that, anywhere."""
    body: list[str] = []
    for piece in re.findall(r" +|[^ ]+", text):
        if piece[0] == " ":
            body.append(r"\ocs{}" * len(piece))
        elif columns(piece) <= longest:
            body.append(r"\ocb{}".join(map(escape, _PART.findall(piece))))
        else:
            body.append(r"\ocb{}".join(escape(cluster) for cluster in _clusters(piece)))
    return "".join(body)


def _clusters(text: str) -> Iterator[str]:
    """Characters, each with the accents that stand on it."""
    cluster = ""
    for sign in text:
        if cluster and not unicodedata.combining(sign) and sign not in "\u200d\ufe0f" and cluster[-1] != "\u200d":
            yield cluster
            cluster = ""
        cluster += sign
    if cluster:
        yield cluster


def block(lines: Sequence[str], environment: str) -> str:
    """Lines in an environment; the first stay together and so do the last, and a page ends best at a blank line."""
    body = [rf"\begin{{{environment}}}"]
    for index, line in enumerate(lines):
        if index:
            body.append(_between(lines, index))
        body.append(line)
    return "\n".join(part for part in [*body, rf"\end{{{environment}}}"] if part)


def _between(lines: Sequence[str], index: int) -> str:
    """Whether a page may end before a line."""
    if len(lines) < 7 or index < 3 or index > len(lines) - 3:
        return r"\ocn"
    return r"\ocp" if lines[index - 1] == r"\ocl{}" else ""


class CodeMixin(PaperBase):
    """Code cells and other code, in the manuscript."""

    def visit_literal_block(self, node: nodes.Element) -> None:
        """Code, line by line."""
        if not is_plain(node):  # code with emphasis in it, which Sphinx sets
            super().visit_literal_block(node)
            return
        if not self.in_footnote:
            holders = [node, node.parent] if isinstance(node.parent, captioned_literal_block) else [node]
            for holder in holders:
                if holder["ids"]:
                    self.body.append(f"\n\\octavoincode{{{self.hypertarget_to(holder, anchor=True)}}}\n")
        self.body.append("\n")
        self.mark_place(node)
        lines = [line_of_code(tokens, short=self._short(node)) for tokens in self._tokens(node)]
        self.body.append(block(lines, "octavocode") + "\n")
        if "ov-code" not in node.parent.get("classes", []):
            self.body.append("\\octavoafter\n")
        raise nodes.SkipNode

    visit_doctest_block = visit_literal_block

    def visit_literal(self, node: nodes.Element) -> None:
        """Code in a line of text, which may break behind a sign."""
        if self.in_title or "kbd" in node["classes"] or any(not isinstance(child, nodes.Text) for child in node):
            super().visit_literal(node)
            return
        written = r"\octavoallow{}".join(map(self.encode, _PART.findall(node.astext())))
        self.body.append(rf"\sphinxcode{{\sphinxupquote{{{written}}}}}")
        raise nodes.SkipNode

    def visit_inline(self, node: nodes.Element) -> None:
        """Words that look different; most only do so on the website."""
        if "ov-struck" in node.get("classes", []) and not self.in_title:
            self.body.append(rf"\octavostruck{{{self.encode(node.astext())}}}")
            raise nodes.SkipNode
        super().visit_inline(node)

    def _short(self, node: nodes.Element) -> int:
        """How many columns there surely are where a block stands."""
        depth, parent = 0, node.parent
        while parent is not None:
            depth += isinstance(parent, nodes.list_item | nodes.definition | nodes.block_quote | nodes.Admonition)
            if isinstance(parent, nodes.entry):
                return _SHORT_INSIDE
            parent = parent.parent
        return _SHORT if depth < 2 else _SHORT_INSIDE

    def _tokens(self, node: nodes.Element) -> Iterator[list[tuple[str, str]]]:
        """The lines of a block, each as (kind, text) tokens."""
        text = node.rawsource.expandtabs(_TAB).rstrip("\n")
        language = node.get("language", "default")
        lexer = self.highlighter.get_lexer(
            text, language, self.config.highlight_options.get(language, {}), node.get("force", False), node
        )
        line: list[tuple[str, str]] = []
        lines = 1 + text.count("\n")
        for token, piece in lexer.get_tokens(text):
            kind = _kind(token, piece)
            for index, part in enumerate(piece.split("\n")):
                if index:
                    yield line
                    lines -= 1
                    line = []
                if part and line and line[-1][0] == kind:
                    line[-1] = (kind, (line[-1][1] + part)[:_LONGEST])
                elif part:
                    line.append((kind, part[:_LONGEST]))
        if line and lines > 0:
            yield line


def is_plain(node: nodes.Element) -> bool:
    """Whether code is nothing but its characters."""
    return node.rawsource == node.astext()


def plain_lines(text: str) -> list[str]:
    """Text that is no code, line by line."""
    return [line_of_code([("", line[:_LONGEST])]) for line in text.expandtabs(_TAB).split("\n")]


def _kind(token: _TokenType, text: str) -> str:
    if Comment in token.split() and _SAVED.fullmatch(text.strip()):
        return "a"
    at: _TokenType | None = token
    while at is not None:
        if at in _KINDS:
            return _KINDS[at]
        at = at.parent
    return ""
