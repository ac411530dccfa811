"""Python source by position: parsed with IPython magics tolerated, changed by replacing slices.

A leaf that several stages share, as they share the model. Nothing here prints a syntax tree back to text: an author's
comments, blank lines and quotes survive because only the slices that must change are touched.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from octavo.model import Code

LIBRARY_ALIAS = "d2l"
"""The name under which pages import their library: ``d2l`` in ``from d2l import torch as d2l``."""

PYTHON_CELL_MAGICS = frozenset({"capture", "prun", "tab", "time", "timeit"})
"""Cell magics below which the rest of the cell is still Python; below any other it is not."""

_STRING = "|".join(
    (
        r"\"\"\"(?:\\.|(?!\"\"\").)*(?:\"\"\"|\Z)",
        r"'''(?:\\.|(?!''').)*(?:'''|\Z)",
        r"\"(?:\\.|[^\"\\\n])*\"?",
        r"'(?:\\.|[^'\\\n])*'?",
    )
)
_TOKEN = re.compile(
    rf"(?P<string>{_STRING})|(?P<comment>#[^\n]*)|(?P<join>\\\r?\n)|(?P<newline>\n)|[^\"'#\\\n()\[\]{{}}]+|.", re.DOTALL
)
_CELL_MAGIC = re.compile(r"[ \t]*%%[ \t]*(\w*)")
_LINE_MAGIC = re.compile(r"[ \t]*(?:[%!?]|[\w.*]+\?{1,2}[ \t]*(?:\r?$))")
_ASSIGNED_MAGIC = re.compile(r"[^=\n#'\"(]+=[ \t]*(?=[%!])")
_TIMED = re.compile(r"[ \t]*(%time(?:it)?)[ \t]+(?=[^-\s])")


@dataclass(frozen=True, eq=False, slots=True)
class Source:
    """Parsed source; positions in it are offsets into its UTF-8 bytes."""

    text: str
    data: bytes
    """``text`` in UTF-8, which the tree's columns count in."""
    masked: str
    """``text`` with every magic replaced by plain Python of the same length in bytes."""
    tree: ast.Module
    starts: tuple[int, ...]
    """Offset of the first byte of each line, and of the end."""

    def offset(self, line: int, column: int) -> int:
        """The offset of a place as the tree gives it: line from 1, column from 0 in bytes."""
        return self.starts[line - 1] + column

    def range(self, node: ast.AST) -> tuple[int, int]:
        """Where a node stands: offset of its first byte, offset after its last one."""
        start = self.offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        return start, self.offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def line(self, offset: int) -> int:
        """The line, from 1, that an offset stands on."""
        return self.data.count(b"\n", 0, offset) + 1

    def column(self, offset: int) -> int:
        """The column, from 1 in characters, that an offset stands at."""
        start = self.data.rfind(b"\n", 0, offset) + 1
        return len(self.data[start:offset].decode("utf-8", "replace")) + 1

    def slice(self, start: int, end: int) -> str:
        """The author's text between two offsets."""
        return self.data[start:end].decode("utf-8")

    def segment(self, node: ast.AST) -> str:
        """The author's text of a node, without parentheses around it."""
        return self.slice(*self.range(node))

    def is_magic(self, statement: ast.stmt) -> bool:
        """Whether a statement stands for a masked magic."""
        start, end = self.range(statement)
        return isinstance(statement, ast.Expr) and self.data[start:end] != self.masked.encode()[start:end]

    def walk(self, node: ast.AST | None = None) -> Iterator[ast.AST]:
        """Every node below one (the whole tree), parents first, whose position can be trusted.

        Old Pythons misplace some expressions inside f-strings; those are left out.
        """
        todo: list[ast.AST] = [self.tree if node is None else node]
        while todo:
            current = todo.pop()
            yield current
            if isinstance(current, ast.FormattedValue):
                children = [part for part in (current.value, current.format_spec) if part is not None]
                children = [part for part in children if isinstance(part, ast.JoinedStr) or self._is_exact(part)]
                todo.extend(reversed(children))
            else:
                todo.extend(reversed(list(ast.iter_child_nodes(current))))

    def _is_exact(self, node: ast.expr) -> bool:
        try:
            again = _parse(f"({self.segment(node)}\n)")
            statement = again.body[0] if len(again.body) == 1 else None
            return isinstance(statement, ast.Expr) and ast.dump(statement.value) == ast.dump(node)
        except (SyntaxError, ValueError, IndexError, RecursionError):
            return False


@dataclass(frozen=True, slots=True)
class Edit:
    """Put ``text`` in the place of the bytes from ``start`` to ``end``."""

    start: int
    end: int
    text: str = ""


@lru_cache(maxsize=512)
def parse(text: str) -> Source:
    """Parse the text of a cell. Raises ``SyntaxError`` and nothing else.

    The text is tried as plain Python first, so that magics are looked for only where there are some.
    """
    try:
        data = text.encode()
    except UnicodeEncodeError as problem:
        raise SyntaxError(f"unencodable character: {problem.reason}") from None
    masked = text
    try:
        tree = _parse(text)
    except SyntaxError as first:
        masked = mask(text)
        if masked == text:
            raise
        try:
            tree = _parse(masked)
        except SyntaxError as second:
            raise second from first
    ends = [match.end() for match in re.finditer(rb"\r\n|\r|\n", data)]
    return Source(text, data, masked, tree, (0, *ends, len(data)))


def mask(text: str) -> str:
    """Replace IPython's magics, shell lines and help requests by Python of the same length in bytes.

    Only lines at which a statement begins are looked at, so a ``%`` inside a string or brackets is safe. What
    ``%time`` and ``%timeit`` measure stays visible.
    """
    out: list[str] = []
    at = 0
    first = True
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        magic = _CELL_MAGIC.match(line)
        if magic and first and magic[1] not in PYTHON_CELL_MAGICS:
            out.append("\n".join(_comment(rest) for rest in text[at:].split("\n")))
            break
        if magic or _LINE_MAGIC.match(line) or _ASSIGNED_MAGIC.match(line):
            joined = line
            while joined.endswith("\\") and end < len(text):
                following = text.find("\n", end + 1)
                following = len(text) if following < 0 else following
                joined, end = text[end + 1 : following], following
            head, *rest = text[at:end].split("\n")
            out.append("\n".join([_masked_line(head), *map(_comment, rest)]))
        else:
            end = _statement_end(text, at)
            out.append(text[at:end])
        first = first and not line.strip()
        if end < len(text):
            out.append("\n")
        at = end + 1
    return "".join(out)


def splice(code: Code, edits: Iterable[Edit]) -> Code:
    """Apply edits; every line of the result keeps the author's line of the first thing left on it.

    An edit that lies inside of another one is void.
    """
    wanted = sorted(set(edits), key=lambda edit: (edit.start, -edit.end))
    if not wanted:
        return code
    data = code.text.encode()
    pieces: list[tuple[str, int]] = []
    at = 0
    for edit in wanted:
        if edit.start < at:
            continue
        pieces.append((data[at : edit.start].decode(), at))
        pieces.append((edit.text, edit.start))
        at = edit.end
    pieces.append((data[at:].decode(), at))

    text: list[str] = []
    lines: list[int] = []
    fresh = True
    for piece, offset in pieces:
        number = data.count(b"\n", 0, offset)
        for index, part in enumerate(re.split(r"(?<=\n)", piece)):
            if not part:
                continue
            if fresh:
                lines.append(code.lines[min(number + index, len(code.lines) - 1)])
            fresh = part.endswith("\n")
            text.append(part)
    if fresh:
        lines.append(code.lines[-1])
    return Code("".join(text), tuple(lines))


def lines_inside_strings(source: Source) -> frozenset[int]:
    """The lines, from 1, that begin inside of a string."""
    found: set[int] = set()
    nested: list[int] = []
    start_kind = getattr(tokenize, "FSTRING_START", None)
    end_kind = getattr(tokenize, "FSTRING_END", None)
    try:
        for token in tokenize.generate_tokens(io.StringIO(source.masked).readline):
            if token.type == tokenize.STRING:
                found.update(range(token.start[0] + 1, token.end[0] + 1))
            elif start_kind is not None and token.type == start_kind:
                nested.append(token.start[0])
            elif end_kind is not None and token.type == end_kind:
                found.update(range(nested.pop() + 1, token.end[0] + 1))
    except (tokenize.TokenError, SyntaxError):
        return frozenset(found)
    return frozenset(found)


def is_primary(text: str) -> bool:
    """Whether an expression can be followed by ``.name`` as it stands, without parentheses."""
    try:
        tree = _parse(text)
    except SyntaxError:
        return False
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        return False
    value = tree.body[0].value
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str | bytes | bool | None) and not text.lstrip().startswith("-")
    if isinstance(value, ast.Tuple | ast.GeneratorExp):
        return text.startswith("(")
    if text.startswith("("):
        # one pair of parentheses around everything, or a primary that begins with a parenthesised part
        return _is_primary_node(value) or _is_wrapped(text)
    return _is_primary_node(value)


def _is_primary_node(node: ast.expr) -> bool:
    return isinstance(
        node,
        ast.Name
        | ast.Attribute
        | ast.Call
        | ast.Subscript
        | ast.List
        | ast.Dict
        | ast.Set
        | ast.ListComp
        | ast.DictComp
        | ast.SetComp
        | ast.JoinedStr,
    )


def _is_wrapped(text: str) -> bool:
    """Whether the first parenthesis is closed by the very last character."""
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        depth += (token in "([{") - (token in ")]}")
        if depth == 0:
            return match.end() == len(text)
    return False


def _parse(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # an invalid escape sequence is the author's, and Python says so at run time
            return ast.parse(text)
    except (ValueError, RecursionError, MemoryError) as problem:
        raise SyntaxError(str(problem) or type(problem).__name__) from None


def _statement_end(text: str, at: int) -> int:
    """Where the logical line that begins at ``at`` ends: the offset of its newline, or of the end."""
    depth = 0
    for match in _TOKEN.finditer(text, at):
        token = match[0]
        if match["newline"]:
            if depth <= 0:
                return match.start()
        elif len(token) == 1:
            depth += (token in "([{") - (token in ")]}")
    return len(text)


def _masked_line(line: str) -> str:
    timed = _TIMED.match(line)
    if timed:
        try:
            _parse(line[timed.end() :])
        except SyntaxError:
            pass
        else:
            start, end = timed.span(1)
            return f"{line[:start]}0;{' ' * (end - start - 2)}{line[end:]}"
    assigned = _ASSIGNED_MAGIC.match(line)
    start = assigned.end() if assigned else len(line) - len(line.lstrip(" \t"))
    return line[:start] + "0" + "#" * (len(line[start:].encode()) - 1)


def _comment(line: str) -> str:
    return "#" * len(line.encode())
