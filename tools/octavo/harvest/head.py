"""What an author wrote at the top of a module: all above the line with which the harvested part begins."""

from __future__ import annotations

import ast

from octavo.config import Library
from octavo.diagnostics import Code as Message
from octavo.diagnostics import Diagnostic, error
from octavo.model import Cell, Code, Edition, EditionCell, Span
from octavo.syntax import parse

WARNING_LINE = "#################   WARNING   ################"
"""What stands above the harvested part of a module that d2lbook wrote."""
HEADER = "# Made from the book's pages by `octavo build lib`: edit the pages, not this file."
"""What stands above the harvested part of a module of our own."""


def head_of(existing: str | None, *marks: str) -> str | None:
    """What stands in a module above the first line that is one of ``marks``; ``None`` when it has no such line."""
    lines = (existing or "").split("\n")
    for index, line in enumerate(lines):
        if line.strip() in (marks or (WARNING_LINE, HEADER)):
            return "".join(f"{kept}\n" for kept in lines[:index])
    return None


def head_problem(existing: str | None, library: Library) -> Diagnostic | None:
    """What to say of a head that is not valid Python."""
    try:
        parse(head_of(existing) or "")
    except SyntaxError as problem:
        line = problem.lineno or 1
        message = f"{library.file} is not valid Python at its top: {problem.msg}"
        return error(Message.SYNTAX_ERROR, message, Span(library.file, line, line), tab=library.tab)
    return None


def head_edition(existing: str | None, library: Library) -> Edition | None:
    """The head of a module as if it were a page that saves all its statements; ``None`` for an empty one.

    Pages depend on what stands there as on anything else of the library, and saved code finds its names there.
    """
    text = (head_of(existing) or "").rstrip("\n")
    if not text.strip():
        return None
    try:
        statements = parse(text).tree.body
    except SyntaxError:
        statements = []  # it saves nothing, and is reported
    lines = text.split("\n")
    for statement in statements:
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            lines[(statement.end_lineno or statement.lineno) - 1] += "  #@save"
    code = Code("\n".join(lines), tuple(range(1, len(lines) + 1)))
    cell = Cell(code, Span(library.file, 1, len(lines)), (library.tab,), True, 0)
    return Edition(library.file, library.tab, (EditionCell(cell, code, code),))
