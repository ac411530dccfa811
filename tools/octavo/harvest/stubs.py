"""A library's module → its stub: what editors and type checkers can know of it without running it.

What an author annotated stays; of the rest only what is certain is said, and ``Any`` for all other. Names, their order
and their ``__all__`` are those of the module. Author's text is kept where it stands on one line.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from octavo.harvest.head import HEADER
from octavo.harvest.names import survey_tree
from octavo.model import Code
from octavo.syntax import LIBRARY_ALIAS, Edit, Source, parse, splice

Function = ast.FunctionDef | ast.AsyncFunctionDef

PLAIN_DECORATORS = frozenset(
    (
        "abstractmethod", "cache", "cached_property", "classmethod", "contextmanager", "dataclass", "deleter", "final",
        "getter", "lru_cache", "overload", "override", "property", "setter", "singledispatch", "staticmethod",
        "total_ordering", "wraps",
    )
)  # fmt: skip
"""Decorators of which type checkers know what they make; any other makes ``Any`` of a function."""

_LITERALS = {bool: "bool", int: "int", float: "float", complex: "complex", str: "str", bytes: "bytes"}
_LONGEST_DEFAULT = 40


def stub(text: str) -> str:
    """The stub of a module; of one that is not Python, that nothing is known of it."""
    try:
        source = parse(text)
    except SyntaxError:
        source = parse("def __getattr__(name: str): ...")
    writer = _Writer(source)
    lines = [line for statement in source.tree.body for line in writer.statement(statement)]
    lines += writer.set_by_functions()
    helpers = [line for name, line in _HELPERS.items() if name in writer.needed]
    parts = [HEADER, "\n".join(helpers), "\n".join(writer.imports), "\n".join(_spaced(lines))]
    return "\n\n".join(part for part in parts if part) + "\n"


_HELPERS = {
    "_builtins": "import builtins as _builtins",
    "_AsyncGenerator": "from collections.abc import AsyncGenerator as _AsyncGenerator",
    "_Generator": "from collections.abc import Generator as _Generator",
    "_ModuleType": "from types import ModuleType as _ModuleType",
    "_Any": "from typing import Any as _Any",
}
"""Names of the stub's own; the underscore keeps them out of the module's."""


def _spaced(lines: Sequence[str]) -> Iterator[str]:
    """Statements with a blank line around each that has several lines."""
    for number, line in enumerate(lines):
        if number and ("\n" in line or "\n" in lines[number - 1]):
            yield ""
        yield line


@dataclass(slots=True)
class _Writer:
    """Writes statements; remembers what the stub needs for it."""

    source: Source
    imports: list[str] = field(default_factory=list)
    needed: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    """Names that do not mean a builtin in this module."""
    modules: set[str] = field(default_factory=set)
    """Names that imports bind, of which something may be taken: ``torch`` in ``torch.ones``."""
    last: dict[str, ast.stmt] = field(default_factory=dict)
    """Name → the statement that decides what it is."""
    overloaded: set[str] = field(default_factory=set)
    set_inside: set[str] = field(default_factory=set)
    """Names of the module that a function sets, by ``global``."""
    renamed: set[str] = field(default_factory=set)
    """Names of imports that the stub itself knows with an underscore: a type checker may not know ``np`` of
    ``np = _np`` where NumPy is missing."""

    def __post_init__(self) -> None:
        body = self.source.tree.body
        self.taken = {name for node in ast.walk(self.source.tree) for name in _bound_anywhere(node)}
        for statement in body:
            self._decide(statement)

    def _decide(self, statement: ast.stmt) -> None:
        for part in _only_imports(statement):
            self.modules.update((alias.asname or alias.name).split(".")[0] for alias in part.names)
            self.renamed.update(alias.asname for alias in part.names if alias.asname not in (None, alias.name))
        binds = survey_tree([statement]).binds
        if isinstance(statement, Function | ast.ClassDef):
            self.set_inside |= binds - {statement.name}
            binds &= {statement.name}
        for name in binds:
            if not (isinstance(statement, ast.AugAssign) and name in self.last):
                self.last[name] = statement
        if isinstance(statement, Function) and "overload" in _decorators(statement):
            self.overloaded.add(statement.name)

    # - statements of the module

    def statement(self, statement: ast.stmt) -> Iterator[str]:
        """The lines that stand for a statement at the top level."""
        if imports := _only_imports(statement):
            for part in imports:
                self.imports += self._import(part, statement)
            own = survey_tree(imports).binds
            yield from (self._variable(name, statement) for name in self._decided(statement) if name not in own)
        elif isinstance(statement, Function):
            yield from self._module_function(statement)
        elif isinstance(statement, ast.ClassDef):
            if self.last.get(statement.name) is statement:
                yield self._class(statement)
        elif isinstance(statement, ast.Assign) and [ast.unparse(target) for target in statement.targets] == ["__all__"]:
            yield self.source.segment(statement)
        else:
            yield from (self._variable(name, statement) for name in self._decided(statement))

    def set_by_functions(self) -> list[str]:
        """Variables that nothing but a function sets."""
        return [f"{name}: {self._any()}" for name in sorted(self.set_inside - self.last.keys())]

    def _decided(self, statement: ast.stmt) -> list[str]:
        """The names that a statement decides."""
        return [name for name in sorted(survey_tree([statement]).binds) if self.last.get(name) is statement]

    def _import(self, statement: ast.Import | ast.ImportFrom, around: ast.stmt) -> Iterator[str]:
        """An import whose names can be taken from the module, as pages do with ``d2l.plt``.

        ``around`` is the statement of the module that it stands in, itself if no other.
        """
        module = "." * statement.level + (statement.module or "") if isinstance(statement, ast.ImportFrom) else ""
        for alias in statement.names:
            name, bound = alias.name, alias.asname or alias.name
            source = f"from {module} " if module else ""
            if module == "__future__":
                continue
            if name == "*" or (not module and "." in bound):
                yield f"{source}import {name}"
            elif self.last.get(bound) is not around:
                continue  # something below takes the name
            elif bound == name:
                yield f"{source}import {name} as {name}"
            else:
                # only "import a as a" makes a name that others may take
                yield f"{source}import {name} as _{bound}"
                yield f"{bound} = _{bound}"

    def _module_function(self, function: Function) -> Iterator[str]:
        if function.name in self.overloaded:
            if "overload" in _decorators(function):
                yield self._function(function, "")
        elif self.last.get(function.name) is function:
            yield self._function(function, "")

    def _variable(self, name: str, statement: ast.stmt) -> str:
        if isinstance(statement, ast.AnnAssign):
            return f"{name}: {self._text(statement.annotation)}"
        value = statement.value if isinstance(statement, ast.Assign) else None
        alone = isinstance(statement, ast.Assign) and all(isinstance(t, ast.Name) for t in statement.targets)
        if name == LIBRARY_ALIAS and value is not None and self.source.segment(value) == "sys.modules[__name__]":
            return f"{name}: {self._helper('_ModuleType')}"
        if value is None or not alone:
            return f"{name}: {self._any()}"
        if isinstance(value, ast.Lambda):
            return f"def {name}({self._parameters(value.args)}) -> {self._any()}: ..."
        if self._is_taken_over(value):
            return f"{name} = {self._text(value)}"
        return f"{name}: {self._kind(value)}"

    def _is_taken_over(self, value: ast.expr) -> bool:
        """Whether a variable is another name for something that the stub can name too: ``torch.ones``, a class."""
        if isinstance(value, ast.Name):
            return value.id in self.modules or isinstance(self.last.get(value.id), ast.ClassDef | Function)
        root: ast.expr = value
        while isinstance(root, ast.Attribute):
            root = root.value
        return root is not value and isinstance(root, ast.Name) and root.id in self.modules

    # - classes

    def _class(self, node: ast.ClassDef) -> str:
        bases = [self._text(part) for part in (*node.bases, *(keyword.value for keyword in node.keywords))]
        for index, keyword in enumerate(node.keywords, len(node.bases)):
            bases[index] = f"{keyword.arg}={bases[index]}" if keyword.arg else f"**{bases[index]}"
        own = [f"@{self._text(d)}\n" for d in node.decorator_list if _last_name(d) in PLAIN_DECORATORS]
        listed = f"({', '.join(bases)})" if bases else ""
        head = f"{''.join(own)}class {node.name}{self._type_parameters(node)}{listed}:"
        members = [f"    {line}" for member in self._members(node) for line in member.split("\n")]
        return "\n".join([head, *members]) if members else f"{head} ..."

    def _members(self, node: ast.ClassDef) -> Iterator[str]:
        statements = list(_unfolded(node.body))
        last = {name: part for part in statements for name in _members_of(part)}
        for part in statements:
            if isinstance(part, Function):
                if part in _that_count([s for s in statements if getattr(s, "name", "") == part.name]):
                    yield self._function(part, node.name)
            elif isinstance(part, ast.ClassDef):
                if last[part.name] is part:
                    yield self._class(part)
            else:
                for name in _members_of(part):
                    if last[name] is part:
                        yield self._field(name, part, node)
        for name in _instance_attributes(node):
            if name not in last:
                yield f"{name}: {self._any()}"
        if _sets_attributes(node) and "__getattr__" not in last:
            yield f"def __getattr__(self, name: {self._builtin('str')}) -> {self._any()}: ..."

    def _field(self, name: str, statement: ast.stmt, node: ast.ClassDef) -> str:
        value = getattr(statement, "value", None)
        if isinstance(statement, ast.AnnAssign):
            default = " = ..." if value is not None else ""  # tells a data class that it may be left out
            return f"{name}: {self._text(statement.annotation)}{default}"
        is_enum = any(_last_name(base).endswith(("Enum", "Flag")) for base in node.bases)
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and value is not None:
            if isinstance(value, ast.Lambda):
                return f"{name}: {self._any()}"
            if is_enum and not name.startswith("_"):
                return f"{name} = {self._default(value)}"
            if isinstance(statement.targets[0], ast.Name):
                return f"{name}: {self._kind(value)}"
        return f"{name}: {self._any()}"

    # - functions

    def _function(self, node: Function, owner: str) -> str:
        names = [_last_name(decorator) for decorator in node.decorator_list]
        if any(name not in PLAIN_DECORATORS for name in names):
            return f"{node.name}: {self._any()}"
        lines = [f"@{self._text(decorator)}" for decorator in node.decorator_list]
        parameters = self._parameters(node.args, bare_first=bool(owner) and "staticmethod" not in names)
        start = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
        head = f"{start} {node.name}{self._type_parameters(node)}({parameters})"
        if isinstance(node, ast.AsyncFunctionDef) and _yields(node):
            head = head.removeprefix("async ")
        lines.append(f"{head} -> {self._result(node, owner)}: ...")
        return "\n".join(lines)

    def _result(self, node: Function, owner: str) -> str:
        if node.returns is not None:
            return self._text(node.returns)
        if owner and node.name in ("__init__", "__init_subclass__", "__set_name__"):
            return "None"
        decorators = _decorators(node)
        if _yields(node):
            name = self._helper("_AsyncGenerator" if isinstance(node, ast.AsyncFunctionDef) else "_Generator")
            arguments = [self._any()] * (2 if isinstance(node, ast.AsyncFunctionDef) else 3)
            return f"{name}[{', '.join(arguments)}]"
        if "overload" in decorators or "abstractmethod" in decorators or not _ends_without_result(node):
            return self._any()
        # a method may be replaced by one that gives something
        return self._any() if owner else "None"

    def _parameters(self, arguments: ast.arguments, *, bare_first: bool = False) -> str:
        plain = [*arguments.posonlyargs, *arguments.args]
        defaults: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults))
        defaults += arguments.defaults
        parts = []
        for index, (argument, default) in enumerate(zip(plain, defaults, strict=True)):
            bare = bare_first and index == 0 and argument.annotation is None
            parts.append(argument.arg if bare else self._parameter(argument, default))
            if index + 1 == len(arguments.posonlyargs):
                parts.append("/")
        if arguments.vararg:
            parts.append(f"*{self._parameter(arguments.vararg, None)}")
        elif arguments.kwonlyargs:
            parts.append("*")
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            parts.append(self._parameter(argument, default))
        if arguments.kwarg:
            parts.append(f"**{self._parameter(arguments.kwarg, None)}")
        return ", ".join(parts)

    def _parameter(self, argument: ast.arg, default: ast.expr | None) -> str:
        kind = self._text(argument.annotation) if argument.annotation is not None else self._any()
        return f"{argument.arg}: {kind}" + (f" = {self._default(default)}" if default is not None else "")

    def _default(self, value: ast.expr) -> str:
        """A short constant as it is, so that editors can show it; else three dots."""
        inner = value.operand if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub) else value
        text = self._text(value)
        return text if isinstance(inner, ast.Constant) and len(text) <= _LONGEST_DEFAULT else "..."

    # - types

    def _kind(self, value: ast.expr) -> str:
        """The type of a value where it is certain."""
        if isinstance(value, ast.Constant) and type(value.value) in _LITERALS:
            return self._builtin(_LITERALS[type(value.value)])
        if isinstance(value, ast.JoinedStr):
            return self._builtin("str")
        name = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
        if isinstance(value, ast.List | ast.ListComp) or (name == "list" and name not in self.taken):
            return f"{self._builtin('list')}[{self._any()}]"
        if isinstance(value, ast.Set | ast.SetComp) or (name == "set" and name not in self.taken):
            return f"{self._builtin('set')}[{self._any()}]"
        if isinstance(value, ast.Dict | ast.DictComp) or (name == "dict" and name not in self.taken):
            return f"{self._builtin('dict')}[{self._any()}, {self._any()}]"
        if isinstance(value, ast.Tuple):
            return f"{self._builtin('tuple')}[{self._any()}, ...]"
        return self._any()

    def _any(self) -> str:
        return self._helper("_Any")

    def _helper(self, name: str) -> str:
        self.needed.add(name)
        return name

    def _builtin(self, name: str) -> str:
        """A builtin type, also where an alias has taken its name."""
        return f"{self._helper('_builtins')}.{name}" if name in self.taken else name

    def _type_parameters(self, node: ast.AST) -> str:
        parameters = getattr(node, "type_params", [])
        return f"[{', '.join(ast.unparse(parameter) for parameter in parameters)}]" if parameters else ""

    def _text(self, node: ast.expr) -> str:
        """An author's expression on one line, with names as the stub has them."""
        source = self.source
        if node.lineno != node.end_lineno:
            source = parse(ast.unparse(node))
            (statement,) = source.tree.body
            assert isinstance(statement, ast.Expr)
            node = statement.value
        start, end = source.range(node)
        edits = []
        for part in source.walk(node):
            if isinstance(part, ast.Name) and part.id in self.renamed:
                edits.append((source.range(part), f"_{part.id}"))
            elif (
                isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == LIBRARY_ALIAS
            ):
                edits.append((source.range(part), part.attr))
        text = source.slice(start, end)
        inside = [Edit(first - start, last - start, name) for (first, last), name in edits]
        return splice(Code(text, (1,)), inside).text


# -- what is in a piece of code


def _bound_anywhere(node: ast.AST) -> Iterable[str]:
    if isinstance(node, Function | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return [node.id]
    if isinstance(node, ast.alias):
        return [node.asname or node.name.split(".")[0]]
    return []


def _last_name(node: ast.expr) -> str:
    """``c`` of ``a.b.c`` and of a call of it."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _decorators(node: Function) -> set[str]:
    return {_last_name(decorator) for decorator in node.decorator_list}


def _only_imports(statement: ast.stmt) -> list[ast.Import | ast.ImportFrom]:
    """An import; those of ``try: import fast …`` and ``if TYPE_CHECKING: import x``, whose first choice is the best."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [statement]
    if not isinstance(statement, ast.Try | ast.If):
        return []
    imports = [part for part in statement.body if isinstance(part, ast.Import | ast.ImportFrom)]
    return imports if len(imports) == len(statement.body) else []


def _unfolded(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a class, those under a condition too."""
    for part in body:
        if isinstance(part, ast.If):
            yield from _unfolded((*part.body, *part.orelse))
        else:
            yield part


def _members_of(statement: ast.stmt) -> list[str]:
    if isinstance(statement, Function | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.AnnAssign):
        return [statement.target.id] if isinstance(statement.target, ast.Name) else []
    return sorted(survey_tree([statement]).binds)


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a function is called: not what functions and classes inside of it hold."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, Function | ast.Lambda | ast.ClassDef):
            yield from _own_nodes(child)


def _yields(node: Function) -> bool:
    return any(isinstance(part, ast.Yield | ast.YieldFrom) for part in _own_nodes(node))


def _ends_without_result(node: Function) -> bool:
    """Whether nothing is returned, by a function that does more than to hold a place."""
    returned = any(isinstance(part, ast.Return) and part.value is not None for part in _own_nodes(node))
    does = [part for part in node.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))]
    return not returned and not all(isinstance(part, ast.Pass | ast.Raise) for part in does)


def _methods(node: ast.ClassDef) -> Iterator[tuple[Function, str]]:
    """The methods of a class, each with the name of its first argument."""
    for part in _unfolded(node.body):
        if isinstance(part, Function) and not {"staticmethod", "classmethod"} & _decorators(part):
            first = [*part.args.posonlyargs, *part.args.args][:1]
            if first:
                yield part, first[0].arg


def _that_count(same: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Of statements with one name, in order: overloads, a property with its setter, or else the last."""
    functions = [part for part in same if isinstance(part, Function)]
    if overloads := [part for part in functions if "overload" in _decorators(part)]:
        return list(overloads)
    if same and isinstance(same[-1], Function) and {"setter", "deleter", "getter"} & _decorators(same[-1]):
        return list(functions)
    return list(same[-1:])


def _instance_attributes(node: ast.ClassDef) -> list[str]:
    """What methods set on the object, in the order in which they stand."""
    found: dict[str, None] = {}
    for method, me in _methods(node):
        for part in ast.walk(method):
            if not (isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store)):
                continue
            if isinstance(part.value, ast.Name) and part.value.id == me and not part.attr.startswith("__"):
                found.setdefault(part.attr)
    return list(found)


def _sets_attributes(node: ast.ClassDef) -> bool:
    """Whether a method sets attributes by names that only running it tells: ``setattr(self, name, value)``."""
    return any(
        isinstance(part, ast.Call)
        and isinstance(part.func, ast.Name)
        and part.func.id == "setattr"
        and bool(part.args)
        and isinstance(part.args[0], ast.Name)
        and part.args[0].id == me
        for method, me in _methods(node)
        for part in ast.walk(method)
    )
