"""Aliases of the library written natively: ``d2l.reshape(x, s)`` becomes ``x.reshape(s)``."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from keyword import iskeyword

from octavo.config import Library
from octavo.diagnostics import Code as Message
from octavo.diagnostics import Diagnostic, error
from octavo.model import Code, Span
from octavo.syntax import LIBRARY_ALIAS, Edit, Source, is_primary, parse, splice


@dataclass(frozen=True, slots=True)
class Template:
    """An expression that takes the place of ``d2l.name``, or of a call of it when there are parameters."""

    parameters: tuple[tuple[str, str | None], ...]
    """Names and default texts."""
    body: str
    """The expression, in which parameters stand as plain names."""
    call: bool


@dataclass(frozen=True, slots=True)
class Aliases:
    """The aliases of one library, understood."""

    simple: Mapping[str, str]
    """``name`` → expression that ``d2l.name`` becomes."""
    fluent: Mapping[str, str]
    """``name`` → what follows the receiver that ``d2l.name(receiver, …)`` is called on."""
    templates: Mapping[str, Template]
    problems: tuple[Diagnostic, ...] = ()


@lru_cache(maxsize=64)
def understand(library: Library) -> Aliases:
    """Make the aliases of ``config.ini`` usable; those that cannot be understood are reported and left out."""
    problems: list[Diagnostic] = []

    def refuse(kind: str, left: str, text: str, hint: str) -> None:
        message = f"[library-{library.tab}] {kind} {text} cannot be understood"
        problems.append(error(Message.BAD_ALIAS, message, library.place(kind, left), tab=library.tab, hint=hint))

    simple: dict[str, str] = {}
    for name, target in library.simple_alias:
        if _is_name(name) and library.name and _expression(f"{library.name}.{target}") is not None:
            simple[name] = f"{library.name}.{target}"
        else:
            refuse("simple_alias", name, f"{name} -> {target}", "write name, or name -> other.name")
    fluent: dict[str, str] = {}
    for name, target in library.fluent_alias:
        if _is_name(name) and isinstance(_expression(f"_.{target}"), ast.Attribute):
            fluent[name] = target
        else:
            refuse("fluent_alias", name, f"{name} -> {target}", "write name, or name -> method")
    for name, expression in library.alias:  # they stand in the library alone; how pages show them is reverse_alias
        if not _is_name(name) or _expression(expression) is None:
            refuse("alias", name, f"{name} = {expression}", "write name = expression")
    templates: dict[str, Template] = {}
    for pattern, replacement in library.reverse_alias:
        read = _reverse(pattern, replacement)
        if read is None:
            hint = "write d2l.name -> expression, or d2l.name(a) -> expression with a"
            refuse("reverse_alias", pattern, f"{pattern} -> {replacement}", hint)
        else:
            templates[read[0]] = read[1]
    for signature, replacement in library.args_alias:
        read = _signature(signature, replacement)
        if read is None:
            hint = "write name(a, b=None) -> expression with a and b"
            refuse("args_alias", signature, f"{signature} -> {replacement}", hint)
        else:
            templates[read[0]] = read[1]
    return Aliases(simple, fluent, templates, tuple(problems))


def rewrite_aliases(code: Code, library: Library, path: str = "") -> tuple[Code, tuple[Diagnostic, ...]]:
    """Write every ``d2l.name`` that is an alias natively.

    A fluent alias that is not called with a receiver in front, such as the one in ``map(d2l.numpy, arrays)``, stays:
    the library defines it too. Code that is not valid Python is returned unchanged. ``path`` is the code's file, for
    messages.
    """
    aliases = understand(library)
    if LIBRARY_ALIAS not in code.text:
        return code, aliases.problems
    try:
        source = parse(code.text)
    except SyntaxError:
        return code, aliases.problems
    writer = _Writer(source, aliases)
    for node in reversed(list(source.walk())):
        writer.visit(node)
    if not writer.edits:
        return code, aliases.problems
    result = splice(code, writer.edits)
    try:
        parse(result.text)
    except SyntaxError:
        message = f"the aliases of [library-{library.tab}] make this cell invalid, so it stays as it is"
        place = Span(path, code.lines[0], code.lines[-1]) if path else None
        return code, (*aliases.problems, error(Message.BAD_ALIAS, message, place, tab=library.tab))
    return result, aliases.problems


class _Writer:
    """Collects the edits that write aliases natively; nodes come children first."""

    def __init__(self, source: Source, aliases: Aliases) -> None:
        self.source = source
        self.aliases = aliases
        self.edits: list[Edit] = []

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Call) and (name := _library_name(node.func)):
            if name in self.aliases.templates and self.aliases.templates[name].call:
                self._fill(node, self.aliases.templates[name])
            elif name in self.aliases.fluent and name not in self.aliases.templates:
                self._make_fluent(node, self.aliases.fluent[name])
        elif isinstance(node, ast.expr) and (name := _library_name(node)):
            template = self.aliases.templates.get(name)
            if template is not None:
                if not template.call:
                    self.edits.append(Edit(*self.source.range(node), _grouped(template.body)))
            elif name in self.aliases.simple:
                self.edits.append(Edit(*self.source.range(node), self.aliases.simple[name]))

    def _make_fluent(self, call: ast.Call, method: str) -> None:
        """``d2l.name(receiver, rest)`` → ``receiver.method(rest)`` by changing only what stands around the receiver."""
        if not call.args or isinstance(call.args[0], ast.Starred):
            return
        data = self.source.data
        start, end = self.source.range(call)
        opening = self._past_blanks(self.source.range(call.func)[1])
        if data[opening : opening + 1] != b"(":
            return  # the name itself stands in parentheses
        receiver = call.args[0]
        first, last = self.source.range(receiver)
        if first == opening:  # d2l.name(x for x in y): the parentheses are the generator's own
            self.edits.append(Edit(start, opening))
            self.edits.append(Edit(end, end, f".{method}()"))
            return
        first, last = self._with_parentheses(opening + 1, first, last)
        closing = self._past_blanks(last)
        comma = data[closing : closing + 1] == b","
        rest = self._past_spaces(closing + 1) if comma else closing
        plain = b"#" not in data[opening + 1 : first] + data[last:rest]
        if plain and is_primary(self.source.slice(first, last)):
            self.edits.append(Edit(start, first))
            self.edits.append(Edit(last, rest, f".{method}("))
        elif plain:
            self.edits.append(Edit(start, first, "("))
            self.edits.append(Edit(last, rest, f").{method}("))
        else:
            self.edits.append(Edit(start, opening))
            self.edits.append(Edit(closing, rest, f").{method}("))

    def _fill(self, call: ast.Call, template: Template) -> None:
        """Put a template in the place of a call, its arguments filled in with their own edits applied."""
        given = _bind(call, template)
        if given is None:
            return
        texts: dict[str, str] = {}
        for name, argument in given.items():
            start, end = self.source.range(argument)
            inner = [
                Edit(e.start - start, e.end - start, e.text) for e in self.edits if start <= e.start and e.end <= end
            ]
            text = self.source.slice(start, end)
            texts[name] = splice(Code(text, (1,) * (text.count("\n") + 1)), inner).text
        start, end = self.source.range(call)
        self.edits = [edit for edit in self.edits if not (start <= edit.start and edit.end <= end)]
        self.edits.append(Edit(start, end, _instance(template, texts)))

    def _past_blanks(self, offset: int) -> int:
        """Past white space, comments and joined lines."""
        match = re.compile(rb"(?:[ \t\r\n\f]|\\\r?\n|#[^\n]*)*").match(self.source.data, offset)
        return match.end() if match else offset

    def _past_spaces(self, offset: int) -> int:
        """Past spaces, unless the line ends there: then the break is the author's and stays."""
        match = re.compile(rb"[ \t]*(?![ \t\r\n#\\])").match(self.source.data, offset)
        return match.end() if match else offset

    def _with_parentheses(self, start: int, first: int, last: int) -> tuple[int, int]:
        """Widen a node's range by the parentheses around it that open after ``start``."""
        at = self._past_blanks(start)
        outer = at
        depth = 0
        while at < first and self.source.data[at : at + 1] == b"(":
            depth += 1
            at = self._past_blanks(at + 1)
        for _ in range(depth):
            last = self._past_blanks(last) + 1
        return (outer, last) if depth else (first, last)


def _library_name(node: ast.AST) -> str:
    """``name`` of ``d2l.name`` where it is read, or nothing."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and isinstance(node.value, ast.Name):
        return node.attr if node.value.id == LIBRARY_ALIAS else ""
    return ""


def _is_name(text: str) -> bool:
    return text.isidentifier() and not iskeyword(text)


def _expression(text: str) -> ast.expr | None:
    try:
        tree = parse(text).tree
    except SyntaxError:
        return None
    statement = tree.body[0] if len(tree.body) == 1 else None
    return statement.value if isinstance(statement, ast.Expr) else None


def _reverse(pattern: str, replacement: str) -> tuple[str, Template] | None:
    r"""Read ``d2l.name -> x``, ``d2l.name\((…)\) -> \1.x`` or ``d2l.name(a) -> a.x``."""
    match = re.fullmatch(rf"{LIBRARY_ALIAS}\\?\.(\w+)(?:\\?\((.*?)\\?\))?", pattern)
    if match is None:
        return None
    name, arguments = match[1], match[2]
    if arguments is None:
        return (name, Template((), replacement, call=False)) if _expression(replacement) is not None else None
    if re.fullmatch(r"\w+(\s*,\s*\w+)*", arguments) and "\\" not in replacement:
        return _signature(f"{name}({arguments})", replacement)
    groups = re.split(r",(?:\\s\*|\s)*", arguments)
    if not all(re.fullmatch(r"\([^()]*\)", group) for group in groups):
        return None
    body = re.sub(r"\\(\d+)", r"_argument_\1", replacement)
    return _signature(f"{name}({', '.join(f'_argument_{i + 1}' for i in range(len(groups)))})", body)


def _signature(signature: str, body: str) -> tuple[str, Template] | None:
    """Read ``name(a, b=None)`` and the expression that it stands for."""
    try:
        function = parse(f"def {signature}: pass").tree.body[0]
    except SyntaxError:
        return None
    if not isinstance(function, ast.FunctionDef) or _expression(body) is None:
        return None
    arguments = function.args
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
        return None
    defaults: list[str | None] = [ast.unparse(default) for default in arguments.defaults]
    names = [argument.arg for argument in arguments.args]
    defaults[:0] = [None] * (len(names) - len(defaults))
    return function.name, Template(tuple(zip(names, defaults, strict=True)), body, call=True)


def _bind(call: ast.Call, template: Template) -> dict[str, ast.expr] | None:
    """Parameter → argument, or ``None`` when the call does not fit."""
    names = [name for name, _ in template.parameters]
    if len(call.args) > len(names) or any(isinstance(argument, ast.Starred) for argument in call.args):
        return None
    given = dict(zip(names, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg not in names or keyword.arg in given:
            return None
        given[keyword.arg] = keyword.value
    if any(default is None and name not in given for name, default in template.parameters):
        return None
    return given


def _instance(template: Template, texts: Mapping[str, str]) -> str:
    """The template with arguments filled in; a keyword that only passes on a parameter not given is left out."""
    defaults = dict(template.parameters)
    source = parse(template.body)
    edits: list[Edit] = []
    bare = {id(argument) for node in ast.walk(source.tree) if isinstance(node, ast.Call) for argument in node.args}
    bare |= {
        id(keyword.value) for node in ast.walk(source.tree) if isinstance(node, ast.Call) for keyword in node.keywords
    }
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                value = keyword.value
                if isinstance(value, ast.Name) and value.id in defaults and value.id not in texts:
                    edits.append(_without_keyword(source, keyword))
        if isinstance(node, ast.Name) and node.id in defaults:
            text = texts.get(node.id, defaults[node.id] or "None")
            edits.append(Edit(*source.range(node), text if id(node) in bare else _grouped(text)))
    text = splice(Code(template.body, (1,) * (template.body.count("\n") + 1)), edits).text
    return _grouped(text)


def _without_keyword(source: Source, keyword: ast.keyword) -> Edit:
    start, end = source.range(keyword)
    before = re.search(rb",\s*$", source.data[:start])
    if before:
        return Edit(before.start(), end)
    after = re.match(rb"\s*,\s*", source.data[end:])
    return Edit(start, end + (after.end() if after else 0))


def _grouped(text: str) -> str:
    return text if is_primary(text) else f"({text})"
