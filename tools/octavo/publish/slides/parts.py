"""What a slide is made of, and what a cell gives to it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from octavo.model import EditionCell, Output, Run
from octavo.publish.shelf import Shelf
from octavo.syntax import parse

_SAVED = re.compile(r"^[ \t]*#@save[ \t]*\n|[ \t]*#@save\b[ \t]*(?=\n|$)", re.MULTILINE)
PARAGRAPHS = re.compile(r"\n[ \t]*\n")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_DOCSTRING = re.compile(r"(?P<begin>\w*(?P<quotes>\"\"\"|'''))(?P<text>.*)(?P<end>(?P=quotes))", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Marked:
    """Text of a slide, as Markdown."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Code of a cell, or some lines of it."""

    code: str
    above: str = ""
    """Lines of the cell that stand before these, on a slide before: what the colours of these depend on."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Something that a cell printed or drew."""

    output: Output


@dataclass(frozen=True, slots=True)
class Boxed:
    """Blocks that stand in a box of the author's: a column, or a remark."""

    classes: tuple[str, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What follows on the slide appears with the next key."""


Block = Marked | Listing | Shown | Boxed | Step


@dataclass(frozen=True, slots=True)
class Slide:
    """What one slide is to hold, however much that is."""

    heading: str
    """The section that it is about, as Markdown."""
    blocks: tuple[Block, ...]
    own: bool = False
    """Whether the author made it, so that it is cut only where letters would become small."""


def of_cell(
    shelf: Shelf, position: int, part: EditionCell, run: Run | None, *, code: bool = True, output: bool = True
) -> Iterator[Block]:
    """A cell's code, what it printed and drew, and how it failed, as far as readers see them."""
    text = shelf.in_code(_SAVED.sub("", part.code.text).strip("\n"))
    if code and text.strip() and not part.cell.hide_code:
        yield Listing(_with_short_docstrings(text))
    if not output or part.cell.hide_output:
        return
    yield from map(Shown, run.cells[position].outputs if run is not None and position < len(run.cells) else ())
    failure = run.failure if run is not None else None
    if failure is not None and failure.cell == position:
        yield Shown(Output("error", failure.name, failure.message))


def _with_short_docstrings(code: str) -> str:
    """Code for a room: of a long docstring the first paragraph."""
    try:
        source = parse(code)
    except SyntaxError:
        return code
    cuts: list[tuple[int, int, str]] = []
    for node in ast.walk(source.tree):
        body = getattr(node, "body", None) if isinstance(node, _DEFINITIONS) else None
        first = body[0].value if body and isinstance(body[0], ast.Expr) else None
        if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
            continue
        start, end = source.range(first)
        match = _DOCSTRING.fullmatch(source.data[start:end].decode())
        if match and "\n" in match["text"].strip():
            short = PARAGRAPHS.split(match["text"].strip())[0]
            cuts.append((start, end, f"{match['begin']}{short}{match['end']}"))
    data = source.data
    for start, end, short in sorted(cuts, reverse=True):
        data = data[:start] + short.encode() + data[end:]
    return data.decode()
