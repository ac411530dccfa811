"""``tab.selected`` resolved for one framework: bodies kept and dedented, everything else as the author wrote it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from octavo.diagnostics import Code as Message
from octavo.diagnostics import Diagnostic, error, warning
from octavo.model import Code, Span
from octavo.syntax import Edit, Source, is_primary, lines_inside_strings, parse, splice


def resolve_branches(
    code: Code, tab: str, *, path: str = "", known: Sequence[str] = (), alone: bool = False
) -> tuple[Code, tuple[Diagnostic, ...]]:
    """Resolve every ``tab.selected(…)`` for one framework.

    The body of a matching branch is kept and dedented by one level, other branches go together with the blank lines
    below them. A comment above the first of several branches in a row belongs to all of them; one above a later branch
    or above an ``elif`` or ``else`` goes with that branch. Code that is not valid Python is returned unchanged.

    ``known`` are the book's frameworks, to report a name that is none of them; ``alone`` says that no other
    framework has this cell, so that a message can name the one that it concerns.
    """
    try:
        source = parse(code.text)
    except SyntaxError as problem:
        return code, (_syntax_error(problem, code, path, tab if alone else ""),)
    if "selected" not in code.text:
        return code, ()
    cutter = _Cutter(source, code, tab, path, known)
    cutter.block(source.tree.body, indented=False)
    cutter.expressions()
    if not cutter.edits:
        return code, tuple(cutter.messages)
    result = splice(code, cutter.edits)
    if cutter.dropped_last:
        result = _without_trailing_blank_lines(result)
    return result, tuple(cutter.messages)


@dataclass(slots=True)
class _Arm:
    """One ``if``, ``elif`` or ``else`` of a chain."""

    test: ast.expr | None
    """``None`` for ``else``."""
    body: list[ast.stmt]
    start: int
    """Offset of the keyword."""
    head_end: int
    """Offset after the colon."""
    end: int
    """Offset of the line after the last one of this arm, comments of its body included."""
    verdict: bool | str | None = None
    """What ``test`` comes to: a fixed truth, what is left of it, or ``None`` when no framework is asked for."""


class _Cutter:
    """Collects the edits that resolve the branches of one cell."""

    def __init__(self, source: Source, code: Code, tab: str, path: str, known: Sequence[str]) -> None:
        self.source = source
        self.code = code
        self.tab = tab
        self.path = path
        self.known = known
        self.edits: list[Edit] = []
        self.messages: list[Diagnostic] = []
        self.dropped_last = False
        self.settled: set[ast.AST] = set()
        """Tests that have been dealt with, so that the pass over expressions leaves them alone."""
        self.tests: dict[ast.expr, bool | str | None] = {}
        self.in_string = lines_inside_strings(source)

    # - statements

    def block(self, statements: Sequence[ast.stmt], *, indented: bool, owner: ast.AST | None = None) -> bool:
        """Cut the chains among statements; returns whether nothing is left of the block.

        ``indented`` says that Python wants a statement here whatever is cut; ``owner`` is the statement whose body
        this is, branches not counted.
        """
        previous: ast.stmt | None = None
        left = 0
        dropped: list[list[_Arm]] = []
        run: list[tuple[int, int]] = []
        run_kept = False
        first_of_run: ast.stmt | None = None
        for statement in statements:
            arms = self._arms(statement) if isinstance(statement, ast.If) else None
            if arms is None:
                self._drop_comments(run, run_kept)
                run, run_kept, first_of_run = [], False, None
                self._inside(statement)
                left += 1
                previous = statement
                continue
            assert isinstance(statement, ast.If)
            comments = self._comments_above(self._line(arms[0].start))
            if first_of_run is None:
                first_of_run = statement
                run = [comments]
            slip = not indented and isinstance(owner, ast.ClassDef) and _continues(previous, arms)
            kept = self._chain(arms, owner, slip=slip)
            run_kept = run_kept or kept
            left += kept
            if not kept:
                if statement is not first_of_run:
                    self._delete(*comments)
                dropped.append(arms)
        if not left and indented:
            self._replace_by_pass(dropped.pop(0))
            run_kept = True
        self._drop_comments(run, run_kept)
        for arms in dropped:
            self._delete(self._line_start(arms[0].start), self._blank_lines_after(arms[-1].end))
        return not left and not indented

    def _inside(self, statement: ast.stmt) -> None:
        for child in _blocks(statement):
            if any(_asks(part) for part in child):
                self.block(child, indented=True, owner=statement)

    def _chain(self, arms: list[_Arm], owner: ast.AST | None, *, slip: bool) -> bool:
        """Cut one chain; returns whether anything of it is left. What is dropped whole is left to the caller."""
        live: list[_Arm] = []
        for arm in arms:
            if arm.verdict is False:
                continue
            live.append(arm)
            if arm.verdict is True:
                break
        if not live:
            return False
        if live[0].verdict is True:
            return self._keep_body(arms, live[0], owner, slip=slip)
        self._keep_tests(arms, live, owner)
        return True

    def _keep_body(self, arms: list[_Arm], kept: _Arm, owner: ast.AST | None, *, slip: bool) -> bool:
        """The chain becomes the body of one arm, dedented."""
        if self.block(kept.body, indented=False, owner=owner):
            return False
        first, last = kept.body[0], arms[-1]
        column = self._indent(arms[0].start)
        if self._line(self.source.range(first)[0]) == self._line(kept.head_end - 1):
            self._delete(arms[0].start, self.source.range(first)[0])
        else:
            body = self._next_line(kept.head_end)
            self._delete(self._line_start(arms[0].start), body)
            if slip:
                self._complain(
                    first,
                    "this branch stands outside of the method above, whose argument it reads; it is taken as its part",
                    "indent the branch as the method's body",
                    make=warning,
                )
            else:
                until = self._blank_lines_after(kept.end) if kept is last else kept.end
                self._dedent(body, until, column, self._indent(self._statement_start(first)))
        if kept is not last:
            self._delete(kept.end, last.end)
        return True

    def _keep_tests(self, arms: list[_Arm], live: list[_Arm], owner: ast.AST | None) -> None:
        """What depends on more than the framework stays a chain of fewer arms."""
        for index, arm in enumerate(arms):
            if arm not in live:
                until = self._arm_start(arms[index + 1], arms) if index + 1 < len(arms) else arm.end
                self._delete(self._arm_start(arm, arms), until)
                continue
            self.block(arm.body, indented=True, owner=owner)
            keyword = "if" if arm is live[0] else "elif"
            if arm.verdict is True:
                self.edits.append(Edit(arm.start, arm.head_end, "else:"))
            elif arm.test is not None:
                start, end = self.source.range(arm.test)
                word = re.match(rb"\w+", self.source.data[arm.start :])
                assert word is not None
                if word[0].decode() != keyword:
                    self.edits.append(Edit(arm.start, arm.start + word.end(), keyword))
                if isinstance(arm.verdict, str):
                    self.edits.append(Edit(start, end, arm.verdict))

    def _replace_by_pass(self, arms: list[_Arm]) -> None:
        end = arms[-1].end
        newline = self.source.data[end - 1 : end] == b"\n"
        self.edits.append(Edit(arms[0].start, end - newline, "pass"))

    def _arms(self, statement: ast.If) -> list[_Arm] | None:
        """The arms of a chain that asks for the framework, each with its verdict."""
        parts: list[tuple[ast.If | None, list[ast.stmt]]] = []
        current: ast.If | None = statement
        while current is not None:
            parts.append((current, current.body))
            following = current.orelse
            current = None
            if following and isinstance(following[0], ast.If) and self._is_elif(following[0]):
                current = following[0]
            elif following:
                parts.append((None, following))
        if not any(part and _asks(part.test) for part, _ in parts):
            return None
        arms: list[_Arm] = []
        column = self._indent(self._statement_start(statement))
        for index, (part, body) in enumerate(parts):
            if part is not None:
                start = self.source.range(part)[0]
                head_end = self._colon(self.source.range(part.test)[1])
                test: ast.expr | None = part.test
            else:
                start = self._else(self.source.range(parts[index - 1][1][-1])[1])
                head_end, test = self._colon(start), None
            end = self._body_end(body, column)
            arms.append(_Arm(test, body, start, head_end, end))
        for arm, after in pairwise(arms):
            arm.end = min(arm.end, self._arm_start(after, arms))
        for arm in arms:
            arm.verdict = True if arm.test is None else self._reduce(arm.test)
            if arm.test is not None:
                self.settled.add(arm.test)
        return arms

    def _is_elif(self, statement: ast.If) -> bool:
        start = self.source.range(statement)[0]
        return self.source.data[start : start + 4] == b"elif"

    # - places

    def _line(self, offset: int) -> int:
        return self.source.line(offset)

    def _line_start(self, offset: int) -> int:
        return self.source.data.rfind(b"\n", 0, offset) + 1

    def _next_line(self, offset: int) -> int:
        found = self.source.data.find(b"\n", offset)
        return len(self.source.data) if found < 0 else found + 1

    def _statement_start(self, statement: ast.stmt) -> int:
        decorators = getattr(statement, "decorator_list", [])
        return self.source.range(decorators[0] if decorators else statement)[0]

    def _indent(self, offset: int) -> int:
        """How many bytes of white space the line of ``offset`` begins with."""
        start = self._line_start(offset)
        line = self.source.data[start : self._next_line(start)]
        return len(line) - len(line.lstrip(b" \t"))

    def _colon(self, offset: int) -> int:
        """The offset after the colon that follows, comments in between passed over."""
        match = re.compile(rb"(?:#[^\n]*|[^:#])*:").match(self.source.data, offset)
        assert match is not None
        return match.end()

    def _else(self, offset: int) -> int:
        match = re.compile(rb"(?:#[^\n]*|(?!else\b)[^#])*(?=else\b)").match(self.source.data, offset)
        assert match is not None
        return match.end()

    def _body_end(self, body: Sequence[ast.stmt], column: int) -> int:
        """The offset of the line after a body, with the comments below it that are indented deeper than ``column``."""
        end = at = self._next_line(self.source.range(body[-1])[1])
        while at < len(self.source.data):
            following = self._next_line(at)
            line = self.source.data[at:following]
            if line.strip():
                if not line.lstrip().startswith(b"#") or self._indent(at) <= column:
                    break
                end = following
            at = following
        return end

    def _blank_lines_after(self, offset: int) -> int:
        while offset < len(self.source.data) and not self.source.data[offset : self._next_line(offset)].strip():
            offset = self._next_line(offset)
        return offset

    def _arm_start(self, arm: _Arm, arms: list[_Arm]) -> int:
        """Where an arm begins, the comments directly above its keyword included."""
        if arm is arms[0]:
            return self._line_start(arm.start)
        column = self._indent(arms[0].start)
        start, _ = self._comments_above(self._line(arm.start), column)
        return start

    def _comments_above(self, line: int, column: int | None = None) -> tuple[int, int]:
        """The offsets of the comment lines directly above a line and indented as it is."""
        end = start = self.source.starts[line - 1]
        column = self._indent(end) if column is None else column
        while start > 0:
            above = self._line_start(start - 1)
            text = self.source.data[above:start]
            if (
                not text.lstrip().startswith(b"#")
                or self._indent(above) != column
                or self._line(above) in self.in_string
            ):
                break
            start = above
        return start, end

    # - edits

    def _delete(self, start: int, end: int) -> None:
        if start < end:
            self.edits.append(Edit(start, end))
            self.dropped_last = self.dropped_last or end >= len(self.source.data)

    def _drop_comments(self, runs: list[tuple[int, int]], kept: bool) -> None:
        if not kept:
            for start, end in runs:
                self._delete(start, end)

    def _dedent(self, start: int, end: int, outer: int, inner: int) -> None:
        """Take the bytes between two indents from every line that does not begin inside of a string."""
        while start < end:
            if self._line(start) not in self.in_string:
                self._delete(start + min(outer, self._indent(start)), start + min(inner, self._indent(start)))
            start = self._next_line(start)

    # - expressions

    def expressions(self) -> None:
        """Resolve what is asked outside of ``if`` statements, and report what cannot be resolved."""
        todo: list[ast.AST] = [self.source.tree]
        trusted = set(self.source.walk())
        while todo:
            node = todo.pop()
            if node in self.settled or not _asks(node):
                continue
            if isinstance(node, ast.IfExp | ast.BoolOp | ast.UnaryOp | ast.Call):
                value = self._reduce(node) if node in trusted else None
                if isinstance(value, bool | str):
                    self.edits.append(Edit(*self.source.range(node), str(value)))
                    continue
            if isinstance(node, ast.Attribute) and _is_selected(node):
                self._complain(
                    node, "tab.selected cannot be resolved here", "call it with names of frameworks as literals"
                )
                continue
            todo.extend(ast.iter_child_nodes(node))

    def _reduce(self, node: ast.expr) -> bool | str | None:
        """What an expression comes to for the framework: a truth, what is left of it, or ``None`` for no change."""
        if node not in self.tests:
            self.tests[node] = self._reduce_once(node)
        return self.tests[node]

    def _reduce_once(self, node: ast.expr) -> bool | str | None:
        if not _asks(node):
            return None
        if isinstance(node, ast.Call) and _is_selected(node.func):
            return self._asked(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            value = self._reduce(node.operand)
            return (
                not value if isinstance(value, bool) else f"not {self._operand(node.operand, value)}" if value else None
            )
        if isinstance(node, ast.BoolOp):
            return self._reduce_operands(node)
        if isinstance(node, ast.IfExp):
            test = self._reduce(node.test)
            if isinstance(test, bool):
                chosen = node.body if test else node.orelse
                value = self._reduce(chosen)
                return self._text(chosen) if value is None else value
            if test is None and not _asks(node.test):
                body, orelse = (
                    self._text(part) if (v := self._reduce(part)) is None else str(v)
                    for part in (node.body, node.orelse)
                )
                return f"{body} if {self._text(node.test)} else {orelse}"
        return self._patched(node)

    def _reduce_operands(self, node: ast.BoolOp) -> bool | str:
        absorbing = isinstance(node.op, ast.Or)
        left: list[str] = []
        for operand in node.values:
            value = self._reduce(operand)
            if value is absorbing:
                return absorbing
            if not isinstance(value, bool):
                left.append(self._operand(operand, value))
        if not left:
            return not absorbing
        if len(left) == 1:
            return left[0]
        return (" or " if absorbing else " and ").join(left)

    def _operand(self, node: ast.expr, text: str | None) -> str:
        text = self._text(node) if text is None else text
        loose = isinstance(node, ast.BoolOp | ast.IfExp | ast.Lambda | ast.NamedExpr | ast.Await | ast.Yield)
        return f"({text})" if loose and not is_primary(text) else text

    def _patched(self, node: ast.expr) -> str | None:
        """The text of an expression that only holds questions deeper inside."""
        start, end = self.source.range(node)
        edits: list[Edit] = []
        todo: list[ast.AST] = list(ast.iter_child_nodes(node))
        while todo:
            child = todo.pop()
            if not _asks(child):
                continue
            value = self._reduce(child) if isinstance(child, ast.IfExp | ast.BoolOp | ast.UnaryOp | ast.Call) else None
            if value is not None:
                first, last = self.source.range(child)
                edits.append(Edit(first - start, last - start, str(value)))
            else:
                todo.extend(ast.iter_child_nodes(child))
        if not edits:
            return None
        text = self.source.slice(start, end)
        return splice(Code(text, tuple(range(text.count("\n") + 1))), edits).text

    def _text(self, node: ast.expr) -> str:
        """The author's text, in parentheses where it could not stand without them."""
        text = self.source.segment(node)
        if isinstance(node, ast.NamedExpr | ast.Yield | ast.YieldFrom) or ("\n" in text and not is_primary(text)):
            return f"({text})"
        return text

    def _asked(self, call: ast.Call) -> bool | None:
        names: list[str] = []
        for argument in call.args:
            if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                names = []
                break
            names.append(argument.value)
        if not names or call.keywords:
            self._complain(
                call, "tab.selected needs names of frameworks as literals", "such as tab.selected('pytorch', 'jax')"
            )
            self.settled.add(call.func)
            return False
        for argument, name in zip(call.args, names, strict=True):
            if self.known and name not in self.known:
                self._complain(
                    argument,
                    f"{name!r} is not a framework of this book",
                    f"[build] tabs lists {', '.join(self.known)}",
                    Message.UNKNOWN_TAB,
                )
        return self.tab in names

    def _complain(
        self,
        node: ast.AST,
        message: str,
        hint: str,
        code: Message = Message.BAD_BRANCH,
        make: Callable[..., Diagnostic] = error,
    ) -> None:
        start, end = self.source.range(node)
        line = self._line(start)
        number = self.code.lines[line - 1]
        width = end - start if self._line(end) == line else 0
        span = Span(self.path, number, number, self.source.column(start), width)
        diagnostic = make(code, message, span, hint=hint)
        if diagnostic not in self.messages:
            self.messages.append(diagnostic)


def _continues(previous: ast.stmt | None, arms: Sequence[_Arm]) -> bool:
    """Whether a branch inside of a branch was meant to continue the method above it.

    Books of the old format hold this slip, and the old tool, which dedents nested branches once, reads it that way.
    Python cannot mean anything else: a class body knows no ``self``.
    """
    if not isinstance(previous, ast.FunctionDef) or not previous.args.args:
        return False
    name, column = previous.args.args[0].arg, previous.body[0].col_offset
    return all(
        arm.body[0].col_offset == column
        and any(isinstance(node, ast.Name) and node.id == name for part in arm.body for node in ast.walk(part))
        for arm in arms
    )


def _is_selected(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "selected"
        and isinstance(node.value, ast.Name)
        and node.value.id == "tab"
    )


def _asks(node: ast.AST) -> bool:
    return any(_is_selected(part) for part in ast.walk(node))


def _blocks(statement: ast.stmt) -> list[list[ast.stmt]]:
    """The lists of statements directly inside of one."""
    found: list[list[ast.stmt]] = []
    for name in ("body", "orelse", "finalbody"):
        block = getattr(statement, name, None)
        if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
            found.append(block)
    for name in ("handlers", "cases"):
        found.extend(part.body for part in getattr(statement, name, []))
    return found


def _without_trailing_blank_lines(code: Code) -> Code:
    text = code.text.rstrip()
    kept = code.text[: code.text.find("\n", len(text)) if "\n" in code.text[len(text) :] else len(code.text)]
    return Code(kept, code.lines[: kept.count("\n") + 1])


def _syntax_error(problem: SyntaxError, code: Code, path: str, tab: str) -> Diagnostic:
    line = min(max(problem.lineno or 1, 1), len(code.lines))
    number = code.lines[line - 1]
    column = max(problem.offset or 0, 0)
    width = 0
    if column and problem.end_lineno == problem.lineno and problem.end_offset and problem.end_offset > column:
        width = problem.end_offset - column
    span = Span(path, number, number, column, width)
    return error(Message.SYNTAX_ERROR, f"this cell is not valid Python: {problem.msg}", span, tab=tab)
