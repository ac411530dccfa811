"""The text that a kernel gets: a cell without its comments and blank lines.

What is executed is what is keyed, so that editing a comment re-runs nothing, exactly: the comment never reaches the
kernel. Strings are untouched, and every line keeps the author's line that it came from. A cell that is no plain Python,
such as one with magics, stays as it is.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from functools import lru_cache

from octavo.model import Code

_STRING_STARTS = {getattr(tokenize, name) for name in ("FSTRING_START", "TSTRING_START") if hasattr(tokenize, name)}
_STRING_ENDS = {getattr(tokenize, name) for name in ("FSTRING_END", "TSTRING_END") if hasattr(tokenize, name)}
"""Strings that hold expressions, which newer Pythons give token by token."""

_BLANK = " \t\f"

_READERS = frozenset(
    {"ast", "dis", "linecache", "pdb", "pydoc", "symtable", "tokenize", "trace", "traceback", "tracemalloc"}
)
"""Modules that read source text, or whose numbers of lines a reader compares with the page."""
_READS = frozenset(
    """
    __file__ _i _ih _ii _iii _oh In code_info co_firstlineno co_lines co_linetable co_lnotab co_positions
    extract_stack extract_tb f_lineno findsource format_exc format_exception format_stack get_source getblock
    getcomments getframeinfo getinnerframes getouterframes getsource getsourcefile getsourcelines
    help history_manager print_exc print_exception print_stack script tb_lineno
    """.split()  # noqa: SIM905 - a list of words reads better so
)
"""Names by which code looks at source text, wherever they come from; ``script`` is that of ``torch.jit``."""
_OF_INSPECT = frozenset({"stack", "trace"})
"""The same, too common as a name to be meant elsewhere than in ``inspect``."""
_MAGICS = re.compile(
    r"%(?:history|hist|save|recall|rep|rerun|macro|edit|pastebin|pinfo2|psource|pfile|page|notebook)\b"
)
_MAY_READ = re.compile(rf"\b(?:{'|'.join(sorted({'inspect', 'lineno', *_READERS, *_READS}))})\b|\?\?|{_MAGICS.pattern}")


def executed(code: Code) -> Code:
    """``code`` without comments, blank lines and blanks at the ends of lines; a cell of comments alone becomes empty.

    It means the same: the syntax trees are compared, and where they differ the code is given as it is.
    """
    lines = _kept_lines(code.text)
    if lines is None:
        return code
    if not lines:
        return Code("", code.lines[:1])
    return Code("\n".join(text for _, text in lines), tuple(code.lines[number] for number, _ in lines))


def executed_text(text: str) -> str:
    """:func:`executed` for code of which nobody asks where its lines were."""
    lines = _kept_lines(text)
    return text if lines is None else "\n".join(line for _, line in lines)


@lru_cache(maxsize=16384)  # most cells are the same in several frameworks
def looks_at_source(text: str) -> bool:
    """Whether code may look at source text, its own or that of the library, so that comments are not without effect.

    ``inspect.getsource``, ``linecache``, ``obj??``, numbers of lines and the like. It may say so without need.
    """
    if not _MAY_READ.search(text):
        return False
    try:
        tree = _parsed(text)
    except SyntaxError:
        return True  # a magic, or nothing that runs
    harmless = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr not in _OF_INSPECT | _READS
    }
    return any(_looks(node, harmless) for node in ast.walk(tree))


def _looks(node: ast.AST, harmless: set[int]) -> bool:
    if isinstance(node, ast.Import):
        names = [(alias.name.split(".")[0], alias.asname) for alias in node.names]
        return any(name in _READERS or (name == "inspect" and asname is not None) for name, asname in names)
    if isinstance(node, ast.ImportFrom):
        package = (node.module or "").split(".")[0]
        taken = {alias.name for alias in node.names}
        return (
            package in _READERS or bool(taken & _READS) or (package == "inspect" and bool(taken & {*_OF_INSPECT, "*"}))
        )
    if isinstance(node, ast.Name):
        return node.id in _READS or (node.id == "inspect" and id(node) not in harmless)
    if isinstance(node, ast.Attribute):
        return node.attr in _READS
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        # a name handed to getattr or import_module, or the format of a log
        return node.value in _READS | _READERS | {"inspect"} or "%(lineno)" in node.value
    return False


@lru_cache(maxsize=16384)
def _kept_lines(text: str) -> tuple[tuple[int, str], ...] | None:
    """Number from 0 and text of each line that is executed; ``None`` where the text has to stay as it is."""
    if "#" in text or '"""' in text or "'''" in text or "\\\n" in text:
        kept = _without_comments(text)
    else:
        lines = ((number, line.rstrip(_BLANK)) for number, line in enumerate(text.split("\n")))
        kept = [(number, line) for number, line in lines if line]
    if kept is None:
        return None
    new = "\n".join(line for _, line in kept)
    if new == text:
        return None
    try:
        same = ast.dump(_parsed(new)) == ast.dump(_parsed(text))
    except (SyntaxError, RecursionError):
        return None
    return tuple(kept) if same else None


def _without_comments(text: str) -> list[tuple[int, str]] | None:
    """The lines that hold more than comments and blanks, with their numbers; ``None`` where that cannot be told."""
    comments: dict[int, int] = {}
    inside: set[int] = set()
    """Lines that end within a string, which stay as they are."""
    starts: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and not starts:
                comments[token.start[0] - 1] = token.start[1]
            elif token.type == tokenize.STRING:
                inside.update(range(token.start[0] - 1, token.end[0] - 1))
            elif token.type in _STRING_STARTS:
                starts.append(token.start[0] - 1)
            elif token.type in _STRING_ENDS:
                inside.update(range(starts.pop(), token.end[0] - 1))
    except (tokenize.TokenError, SyntaxError, IndexError):
        return None
    kept: list[tuple[int, str]] = []
    continued = False
    for number, line in enumerate(text.split("\n")):
        if number in inside:
            kept.append((number, line))
            continued = False
            continue
        left = line[: comments.get(number)].rstrip(_BLANK)
        if left:
            kept.append((number, left))
        elif continued:
            return None  # an empty line ends what a backslash continues: without it, the next line would be joined
        continued = left.endswith("\\")
    return kept


def _parsed(text: str) -> ast.Module:
    """The tree of plain Python; raises ``SyntaxError`` and nothing else but ``RecursionError``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (ValueError, MemoryError) as problem:
        raise SyntaxError(str(problem)) from None
