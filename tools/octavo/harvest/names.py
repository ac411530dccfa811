"""Which module-level names code binds and which it reads, from the syntax tree alone."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from octavo.syntax import LIBRARY_ALIAS, Source, parse

DEEPEST = 30_000
"""Calls inside of one another that reading a tree may take; Python parses nothing deeper than a tenth of that."""
_BLIND = frozenset({"eval", "exec", "globals", "vars", "locals", "__import__", "import_module"})
"""Functions that may read any name without naming it."""
_BLIND_ATTRIBUTES = frozenset(
    """
    __import__ import_module __subclasses__ __globals__ f_globals run_cell run_cell_magic run_line_magic
    run_code ev ex user_ns user_global_ns user_module
    """.split()  # noqa: SIM905 - a list of words reads better so
)
"""The same as attributes, whatever they belong to."""
_MODULE_NAME = re.compile(rf"{LIBRARY_ALIAS}\.[\w.]*")
"""A string that names a module of the library, or begins such a name."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a piece of code has to do with the names of its module."""

    binds: frozenset[str]
    """Module-level names that it defines; importing the library itself under its alias is no definition."""
    reads: frozenset[str]
    """Module-level names that it reads, its own and builtins included; ``d2l.x`` is not here."""
    library_reads: frozenset[str]
    """``x`` for every ``d2l.x`` and every ``from d2l.torch import x``."""
    dynamic: bool
    """It may read further names that cannot be told: ``getattr(d2l, …)``, star imports, ``eval``, a syntax error."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One place where a module-level name, or one of the library, is read."""

    name: str
    node: ast.expr
    """The ``Name``, or the ``Attribute`` for ``d2l.name``."""
    deferred: bool
    """It stands in a function's body, so that it is read only when the function is called."""
    library: bool = False
    """It is written ``d2l.name``."""
    shadowed: bool = False
    """Where it stands, the plain name would mean something local."""
    called: bool = False
    """It is called where it stands, as a decorator too."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything found in one piece of code, with places."""

    binds: frozenset[str]
    references: tuple[Reference, ...]
    dynamic: bool
    star: bool
    """It imports everything from somewhere, so that any name may be defined."""
    imported: frozenset[str] = frozenset()
    """Names taken from the library by ``from d2l.torch import name``."""

    def reads(self, *, deferred: bool = True) -> frozenset[str]:
        """Names that are read, ``d2l.x`` counted as ``x``; without those in function bodies if not ``deferred``."""
        return frozenset(r.name for r in self.references if deferred or not r.deferred) | self.imported


@lru_cache(maxsize=16384)  # most cells are the same in several frameworks
def analyse(source: str) -> Names:
    """The names of a cell or a library's module; IPython's magics are tolerated."""
    try:
        parsed = parse(source)
    except SyntaxError:
        return Names(frozenset(), frozenset(), frozenset(), dynamic=True)
    survey = survey_tree(parsed.tree.body)
    return Names(
        survey.binds,
        frozenset(r.name for r in survey.references if not r.library),
        frozenset(r.name for r in survey.references if r.library) | survey.imported,
        survey.dynamic or is_hidden_use(parsed),
    )


def is_hidden_use(source: Source) -> bool:
    """Whether the library is named where the syntax tree does not show it: in a magic, or as a module in a string."""
    named = re.compile(rf"\b{LIBRARY_ALIAS}\b")
    shown = zip(source.text.split("\n"), source.masked.split("\n"), strict=True)
    if any(line != masked and len(named.findall(line)) > len(named.findall(masked)) for line, masked in shown):
        return True
    return any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and _MODULE_NAME.fullmatch(node.value)
        for node in ast.walk(source.tree)
    )


def survey_tree(statements: Sequence[ast.stmt]) -> Survey:
    """The names of consecutive module-level statements."""
    with _room_for_deep_trees():
        visitor = _Visitor(statements)
        for statement in statements:
            visitor.visit(statement)
    return Survey(
        frozenset(visitor.module.binds | visitor.declared),
        tuple(visitor.references),
        visitor.dynamic,
        visitor.star,
        frozenset(visitor.imported),
    )


@contextmanager
def _room_for_deep_trees() -> Iterator[None]:
    """A sum of a thousand terms is a tree of a thousand levels, and visitors take several calls a level."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def is_library_import(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> bool:
    """Whether an import only brings the book's own library under its usual name."""
    if (alias.asname or alias.name.split(".")[0]) != LIBRARY_ALIAS:
        return False
    return isinstance(node, ast.Import) or (node.module or "").split(".")[0] == LIBRARY_ALIAS


@dataclass(slots=True)
class _Scope:
    kind: Literal["module", "function", "class"]
    parent: _Scope | None = None
    binds: set[str] = field(default_factory=set)
    global_names: set[str] = field(default_factory=set)
    nonlocal_names: set[str] = field(default_factory=set)


class _Binder(ast.NodeVisitor):
    """Collects what one scope binds, without going into the scopes inside of it."""

    def __init__(self, scope: _Scope) -> None:
        self.scope = scope

    def bind(self, name: str | None) -> None:
        if name:
            self.scope.binds.add(name)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store) or (isinstance(node.ctx, ast.Del) and self.scope.kind != "module"):
            self.bind(node.id)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.bind(node.name)
        self._outside(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the visitor's protocol

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.bind(node.name)
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in (*node.args.defaults, *node.args.kw_defaults):
            if part is not None:
                self.visit(part)

    def visit_comprehension_scope(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        # its variables are its own, what := binds is the surrounding function's
        for part in ast.walk(node):
            if isinstance(part, ast.NamedExpr):
                self.bind(part.target.id)
        self.visit(node.generators[0].iter)

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_comprehension_scope  # noqa: N815

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name != "*" and not is_library_import(node, alias):
                self.bind(alias.asname or alias.name.split(".")[0])

    visit_ImportFrom = visit_Import  # noqa: N815

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self.bind(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        self.bind(node.name)
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs  # noqa: N815

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.bind(node.rest)
        self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        self.scope.global_names.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.scope.nonlocal_names.update(node.names)

    def _outside(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults):
            if part is not None:
                self.visit(part)


class _Visitor(ast.NodeVisitor):
    """Collects what is read, following Python's rules of scope."""

    def __init__(self, statements: Iterable[ast.stmt]) -> None:
        self.module = _Scope("module")
        self.scope = self.module
        self.deferred = False
        self.references: list[Reference] = []
        self.declared: set[str] = set()
        """Names that functions bind at module level through ``global``."""
        self.imported: set[str] = set()
        self.called: set[int] = set()
        self.dynamic = False
        self.star = False
        binder = _Binder(self.module)
        for statement in statements:
            binder.visit(statement)

    # - where a name belongs

    def _is_global(self, name: str) -> bool:
        scope: _Scope | None = self.scope
        innermost = True
        while scope is not None and scope is not self.module:
            if name in scope.global_names:
                return True
            if name in scope.binds and name not in scope.nonlocal_names and (innermost or scope.kind != "class"):
                return False
            innermost = False
            scope = scope.parent
        return True

    # - names

    def visit_Name(self, node: ast.Name) -> None:
        if not self._is_global(node.id):
            return
        if isinstance(node.ctx, ast.Store):
            if self.scope is not self.module and node.id in self.scope.global_names:
                self.declared.add(node.id)
            return
        self.references.append(Reference(node.id, node, self.deferred, called=id(node) in self.called))
        if node.id in _BLIND or node.id == LIBRARY_ALIAS:
            self.dynamic = True  # the library as a value: anything of it may be read

    def visit_Assign(self, node: ast.Assign) -> None:
        if _is_own_module(node):
            for target in node.targets:
                self.visit(target)
        else:
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self.called.add(id(node.func))
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name) and self._is_global(node.target.id):
            self.references.append(Reference(node.target.id, node.target, self.deferred))
        elif isinstance(node.target, ast.Attribute) and _is_library(node.target.value):
            self.imported.add(node.target.attr)  # d2l.x += 1 reads it too
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        value = node.value
        if not (_is_library(value) and self._is_global(LIBRARY_ALIAS)):
            owner = value.id if isinstance(value, ast.Name) else ""
            if (
                node.attr in _BLIND_ATTRIBUTES
                or (owner, node.attr) == ("sys", "modules")
                or (owner == "builtins" and node.attr in _BLIND)
            ):
                self.dynamic = True
            self.generic_visit(node)
            return
        shadowed = not self._is_global(node.attr)
        if isinstance(node.ctx, ast.Load):
            called = id(node) in self.called
            self.references.append(
                Reference(node.attr, node, self.deferred, library=True, shadowed=shadowed, called=called)
            )

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        package = (node.module or "").split(".")[0] if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            if alias.name == "*":
                self.star = self.dynamic = True
            elif is_library_import(node, alias):
                # import d2l.torch: what is read is d2l.torch.x, of which only d2l.torch is looked at
                self.dynamic = self.dynamic or ("." in alias.name and alias.asname is None)
            elif isinstance(node, ast.ImportFrom) and package == LIBRARY_ALIAS and node.module != LIBRARY_ALIAS:
                self.imported.add(alias.name)
            elif package == LIBRARY_ALIAS or alias.name.split(".")[0] == LIBRARY_ALIAS:
                self.dynamic = True  # the library under another name

    visit_ImportFrom = visit_Import  # noqa: N815

    # - scopes

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._decorators(node)
        if self.scope is not self.module and node.name in self.scope.global_names:
            self.declared.add(node.name)
        scope = self._function_scope(node.args, getattr(node, "type_params", ()))
        binder = _Binder(scope)
        for statement in node.body:
            binder.visit(statement)
        self._annotations(node, scope)
        self._within(scope, node.body, deferred=True)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        scope = self._function_scope(node.args, ())
        _Binder(scope).visit(node.body)
        self._within(scope, [node.body], deferred=True)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._decorators(node)
        for part in (*node.bases, *node.keywords):
            self.visit(part)
        scope = _Scope("class", self.scope)
        binder = _Binder(scope)
        for statement in node.body:
            binder.visit(statement)
        scope.binds.update({"__qualname__", "__module__"}, _parameters(getattr(node, "type_params", ())))
        self._within(scope, node.body, deferred=self.deferred)

    def visit_comprehension_scope(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        first, *others = node.generators
        self.visit(first.iter)
        scope = _Scope("function", self.scope)
        binder = _Binder(scope)
        for generator in node.generators:
            binder.visit(generator.target)
        values: list[ast.AST] = [first.target, *first.ifs, *others]
        values += [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._within(scope, values, deferred=self.deferred)

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_comprehension_scope  # noqa: N815

    def _decorators(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            self.called.add(id(decorator))
            self.visit(decorator)

    def _function_scope(self, arguments: ast.arguments, type_parameters: Iterable[ast.AST]) -> _Scope:
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default)
        scope = _Scope("function", self.scope)
        scope.binds.update(argument.arg for argument in _all_arguments(arguments))
        scope.binds.update(_parameters(type_parameters))
        return scope

    def _annotations(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: _Scope) -> None:
        """Annotations see what is around the function, and its type parameters."""
        own = _parameters(getattr(node, "type_params", ()))
        outer, self.scope = self.scope, _Scope("function", self.scope, set(own)) if own else self.scope
        for argument in _all_arguments(node.args):
            if argument.annotation is not None:
                self.visit(argument.annotation)
        if node.returns is not None:
            self.visit(node.returns)
        self.scope = outer

    def _within(self, scope: _Scope, nodes: Iterable[ast.AST], *, deferred: bool) -> None:
        outer, was_deferred = self.scope, self.deferred
        self.scope, self.deferred = scope, deferred
        for node in nodes:
            self.visit(node)
        self.scope, self.deferred = outer, was_deferred


def _is_library(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == LIBRARY_ALIAS


def _is_own_module(node: ast.Assign) -> bool:
    """``d2l = sys.modules[__name__]``, by which a module knows itself."""
    return ast.unparse(node) == f"{LIBRARY_ALIAS} = sys.modules[__name__]" if _is_library(node.targets[0]) else False


def _all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    some = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *some]


def _parameters(parameters: Iterable[ast.AST]) -> set[str]:
    return {parameter.name for parameter in parameters if hasattr(parameter, "name")}
