"""Pipe tables as pandoc reads them: a pipe in a formula or in code divides nothing, and no cell is lost."""

from __future__ import annotations

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from octavo.diagnostics import Code
from octavo.source.problems import Problem, note

DELIMITERS = re.compile(r"[|:-][-:|\s]*$")
WHOLE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)|(?<!\\)\$(?!\s)(?:\\.|[^$\\])+?(?<!\s)\$(?!\d)")
"""Code or a formula within a line."""
DIVIDER = re.compile(r"(?<!\\)\|")
STAND_IN = "\ue001"
"""What stands for a pipe that divides nothing while markdown-it divides; from the private use area."""


def install(md: MarkdownIt) -> None:
    """Prepare lines for markdown-it's own rule."""
    rule = next(rule for rule in md.block.ruler.__rules__ if rule.name == "table")
    original: Callable[[StateBlock, int, int, bool], bool] = rule.fn

    def table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        if start + 2 > end or STAND_IN in state.src or not DELIMITERS.match(_text(state, start + 1)):
            return original(state, start, end, silent)
        columns = len(_dividers(_text(state, start + 1).strip())) + 1
        source, known = state.src, len(state.tokens)
        long_rows = _prepare(state, start, end, columns)
        done = original(state, start, end, silent)
        state.src = source
        for token in state.tokens[known:]:
            token.content = token.content.replace(STAND_IN, "|")
        for line in long_rows if done and not silent else ():
            if line < state.line:
                _report(state, line)
        return done

    md.block.ruler.at("table", table, {"alt": list(rule.alt)})


def _text(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _dividers(row: str) -> list[int]:
    """Where the cells of a row are divided; the pipes at its ends do not count."""
    return [match.start() for match in DIVIDER.finditer(row) if 0 < match.start() < len(row.rstrip()) - 1]


def _prepare(state: StateBlock, start: int, end: int, columns: int) -> list[int]:
    """Put the stand-in for every pipe that divides nothing; the rows that have more cells than the table columns."""
    pieces: list[str] = []
    long_rows: list[int] = []
    done, line = 0, start
    while line < end and not state.isEmpty(line):
        begins = state.bMarks[line] + state.tShift[line]
        text = _text(state, line)
        row = WHOLE.sub(lambda match: match[0].replace("|", STAND_IN), text) if "|" in text else text
        excess = _dividers(row)[columns - 1 :]
        if excess and line > start + 1:
            row = "".join(STAND_IN if at in excess else letter for at, letter in enumerate(row))
            long_rows.append(line)
        pieces += [state.src[done:begins], row]
        done = begins + len(text)
        line += 1
    state.src = "".join([*pieces, state.src[done:]])
    return long_rows


def _report(state: StateBlock, line: int) -> None:
    note(
        state.env,
        Problem(
            Code.MARKUP,
            "this row has more cells than the table has columns; the last one holds the rest",
            line,
            hint="write \\| for a pipe that divides nothing",
            fatal=False,
        ),
    )
