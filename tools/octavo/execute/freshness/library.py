"""Which saved definitions code depends on that uses some names of the library: the graph of one framework's library.

Pure, from what harvesting found. It may name too much, never too little.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from octavo.execute.freshness.code import executed_text, looks_at_source
from octavo.execute.freshness.modules import Imports, imports
from octavo.model import Definition
from octavo.syntax import LIBRARY_ALIAS

_SETS_AN_ATTRIBUTE = frozenset({"setattr", "delattr"})
_ACTING = frozenset({"breakpoint", "delattr", "eval", "exec", "input", "open", "print", "setattr", "__import__"})
"""Built-in functions that do something besides giving a value."""
_CONSUMING = frozenset("all any dict filter frozenset list map max min next reduce set sort sorted sum tuple".split())  # noqa: SIM905
"""What calls the functions that it is given, there and then."""
_LAZY = frozenset("chain count cycle enumerate filter islice iter map open reversed zip".split())  # noqa: SIM905
"""What makes iterators, which are used up by reading them."""

_PURE = frozenset(
    """
    abs all any bool bytes callable chr complex dict divmod enumerate filter float frozenset getattr hasattr
    hash hex id int isinstance issubclass iter len list map max min next object oct ord pow range repr reversed
    round set slice sorted str sum super tuple type zip property staticmethod classmethod namedtuple defaultdict
    OrderedDict Counter deque compile Path PurePath join partial partialmethod TypeVar ParamSpec NewType
    getLogger field wraps lru_cache cache cached_property total_ordering singledispatch singledispatchmethod
    dataclass contextmanager overload abstractmethod final override runtime_checkable setter getter deleter
    attrgetter itemgetter jit grad vmap pmap value_and_grad function compact no_grad inference_mode custom_jvp
    custom_vjp checkpoint remat add_to_class
    """.split()  # noqa: SIM905 - a list of words reads better so
)
"""What makes something and leaves the rest of the world as it was, by the last part of its name."""
_OF_A_VALUE = frozenset(
    """
    add append clear copy count decode discard encode endswith extend format get index insert items join keys
    lower pop popitem remove replace reverse setdefault sort split splitlines startswith strip title update
    upper values
    """.split()  # noqa: SIM905 - a list of words reads better so
)
"""What changes or reads the one value that it is called on, which counts as a use of that value."""
_CHANGING = frozenset(
    "add append clear discard extend insert pop popitem remove reverse setdefault sort title update".split()  # noqa: SIM905
)
"""Those of them that change something: of another package, if the value is one's (``environ.update``)."""
_OPERATOR = re.compile(r"__(?!(?:init|new|post_init|init_subclass|set_name|repr|str|len|hash|call)__)\w+__")
"""Methods that run where no call is written."""

_HOOKS = re.compile(r"\b(?:__init_subclass__|__set_name__|__prepare__|metaclass|__class_getitem__)\b")


@dataclass(frozen=True, slots=True)
class Made:
    """What happens while a definition is made, decorators included."""

    called: frozenset[str]
    """Names in what it calls then; not in what its functions call later."""
    bases: frozenset[str]
    """Names in the bases of a class."""
    changed: frozenset[str]
    """First names of what it assigns to a part of: ``T`` of ``T["x"] = 1``, ``T |= …`` and ``setattr(T, …)``."""
    operated: frozenset[str]
    """Names to which it applies operators, or which it iterates over: that runs code too, if they are made for it."""
    local: frozenset[str]
    """Names that it binds itself while it is made, those of classes and comprehensions too."""
    acts: frozenset[str]
    """First names of calls that may change anything: neither pure nor of a value that the code itself made."""
    of_values: frozenset[str]
    """First names of calls that change a value, ``environ`` of ``environ.update()``, wherever the value comes from."""
    acts_later: frozenset[str]
    """The same as ``acts`` and ``of_values``, of what its functions do when they are called."""
    imports_later: frozenset[str]
    """Names that its functions import when they are called."""
    odd: bool
    """It has methods that run without a call, or makes an iterator."""
    handed_on: bool
    """A decorator is among these calls, which may keep what it decorates."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a definition does by itself when the library is imported."""

    touches: frozenset[str]
    """It counts for those who reach one of these names; none: it counts always."""
    leads_to: frozenset[str]
    """The names that it depends on then."""


@dataclass(frozen=True)
class Graph:
    """The definitions of one library, prepared for many closures."""

    definitions: Mapping[str, Definition]
    binders: Mapping[str, tuple[str, ...]]
    """Name → keys of the definitions that bind it."""
    methods: Mapping[str, tuple[str, ...]]
    """Class → keys of the methods that extend it."""
    effects: Mapping[str, Effect]
    """Key → what the definition does by itself when the library is imported, for those that do something."""
    digests: Mapping[str, str]
    """Key → digest of the definition's code, without its comments."""
    verbatim: Mapping[str, str]
    """Key → digest of the definition's code as it stands."""
    looking: frozenset[str]
    """Keys of definitions that may look at source text."""
    imports: Mapping[str, Imports]
    """Key → what the definition imports, for those that import something."""
    _known: dict[tuple[frozenset[str], bool], frozenset[str]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, definitions: Mapping[str, Definition]) -> Graph:
        """The graph of some definitions, by their keys."""
        binders: dict[str, list[str]] = {}
        methods: dict[str, list[str]] = {}
        for key, definition in definitions.items():
            for name in {key, *definition.binds}:
                binders.setdefault(name, []).append(key)
            if definition.extends is not None:
                methods.setdefault(definition.extends, []).append(key)
        graph = cls(
            definitions,
            {name: tuple(keys) for name, keys in binders.items()},
            {name: tuple(keys) for name, keys in methods.items()},
            {},
            {key: _digest(executed_text(definition.source)) for key, definition in definitions.items()},
            {key: _digest(definition.source) for key, definition in definitions.items()},
            frozenset(key for key, definition in definitions.items() if looks_at_source(definition.source)),
            {key: found for key, definition in definitions.items() if (found := imports(definition.source))},
        )
        return replace(graph, effects=dict(graph._find_effects()))

    def imported_by(self, reached: frozenset[str]) -> Imports:
        """What is imported when these definitions are used: by them, and by the library's own imports."""
        found = Imports(frozenset())
        for key, wanted in self.imports.items():
            if key in reached or self.definitions[key].kind == "import":
                found |= wanted
        return found

    def order(self, reached: frozenset[str], *, dynamic: bool = False) -> tuple[str, ...]:
        """Of these definitions those the order of which decides something, in the library's order.

        It does where one of them changes what others have made: ``T = []``, ``T.append(1)``, ``T.append(2)``. Code
        that is ``dynamic``, saved code too, may also look at the order of names and subclasses.
        """
        if dynamic or any(self._uses_all(self.definitions[key]) for key in reached):
            return tuple(key for key, definition in self.definitions.items() if definition.kind != "import")
        changing = {key for key in reached if self._changes(key)}
        touched: set[str] = set()
        for key in changing:
            definition, effect = self.definitions[key], self.effects.get(key)
            touched |= definition.binds
            if effect is not None:
                touched |= effect.touches or definition.uses
        return tuple(
            key
            for key in self.definitions
            if key in changing or (key in reached and touched & self._led_to.get(key, frozenset()))
        )

    @cached_property
    def _led_to(self) -> Mapping[str, frozenset[str]]:
        """Key of each assignment → the names that it leads to, which may be changed before or after it."""
        found: dict[str, frozenset[str]] = {}
        for key, definition in self.definitions.items():
            if definition.kind in ("assignment", "statement"):
                names: set[str] = set()
                self._follow(definition.binds | definition.uses, names, set())
                found[key] = frozenset(names)
        return found

    def _uses_all(self, definition: Definition) -> bool:
        rest = self._bound - definition.binds
        return definition.kind != "import" and bool(rest) and definition.uses >= rest

    def _changes(self, key: str) -> bool:
        definition = self.definitions[key]
        shared = any(len(self.binders[name]) > 1 for name in definition.binds)
        return definition.kind != "import" and (key in self.effects or shared)

    @cached_property
    def _bound(self) -> frozenset[str]:
        return frozenset(name for definition in self.definitions.values() for name in definition.binds)

    @property
    def names(self) -> frozenset[str]:
        """Every name that somebody defines."""
        return frozenset(self.binders)

    def closure(self, reads: frozenset[str], *, imported: bool = False) -> frozenset[str]:
        """The keys of the definitions that code reading the library names ``reads`` depends on.

        Goes through what each definition uses, from a class to the methods that extend it, and to what happens by
        itself when the library is imported, which reading any of its names does, or ``imported`` says:

        - a statement that binds nothing counts always (``torch.set_default_dtype(DTYPE)``), except that one which only
          assigns (``TABLE["x"] = …``, ``setattr(Net, …)``) counts for those who reach a saved name that it mentions;
        - a definition that calls something while it is made counts always if that may change anything
          (``x = torch.rand(3)``), and else for those who reach what the call reaches (``@register class A``).
        """
        if (reads, imported) not in self._known:
            self._known[reads, imported] = self._closure(reads, imported)
        return self._known[reads, imported]

    def _closure(self, reads: frozenset[str], imported: bool) -> frozenset[str]:
        reached: set[str] = set()
        names: set[str] = set()
        self._follow(reads, names, reached)
        if not reached and not imported:
            return frozenset()
        happened: set[str] = set()
        grown = True
        while grown:
            grown = False
            for key, effect in self.effects.items():
                if key not in happened and (not effect.touches or effect.touches & names):
                    happened.add(key)
                    self._follow(effect.leads_to, names, reached)
                    grown = True
        return frozenset(reached | happened)

    def _follow(self, start: Iterable[str], names: set[str], reached: set[str]) -> None:
        """Add to ``names`` and ``reached`` what ``start`` leads to."""
        todo = list(start)
        while todo:
            name = todo.pop()
            if name in names:
                continue
            names.add(name)
            for key in (*self.binders.get(name, ()), *self.methods.get(name, ())):
                if key not in reached:
                    reached.add(key)
                    definition = self.definitions[key]
                    todo += definition.binds | definition.uses

    def _find_effects(self) -> Iterator[tuple[str, Effect]]:
        """What happens by itself when the library is imported; see :attr:`effects`."""
        saved = {name for d in self.definitions.values() if d.kind != "import" for name in d.binds}
        from_outside = {name for d in self.definitions.values() if d.kind == "import" for name in d.binds} - saved
        for key, definition in self.definitions.items():
            made = made_by(definition.source)
            if definition.kind == "import":
                # from x import *: any name may come from it
                if not definition.binds or "__future__" in definition.source:
                    yield key, Effect(frozenset(), frozenset())
                continue
            called = made.called | (made.bases if self._has_hooks(definition, made.bases) else frozenset())
            called |= made.operated if self._is_odd(made.operated & saved) else frozenset()
            everything = definition.binds | definition.uses
            # what a name within it stands for, such as that of a loop, may be anything that it mentions
            changed = made.changed | (definition.uses if made.changed & made.local else frozenset())
            names: set[str] = set()
            reached: set[str] = set()
            if definition.extends is None and definition.binds <= {"_"}:
                self._follow((changed or definition.uses) & saved, names, reached)
                touches = frozenset() if called or made.changed - made.local - saved else frozenset(names & saved)
                yield key, Effect(touches, everything)
                continue
            self._follow((called | changed) & saved, names, reached)
            others = [made_by(self.definitions[other].source) for other in reached - {key}]
            everywhere = {root for other in others for root in other.acts_later}
            later = everywhere - saved
            outside = from_outside.union(_ACTING, *(other.imports_later for other in others))
            outright = made.acts | (made.of_values & from_outside) | (made.changed - made.local)
            # what is called may change something itself, or by what it is given
            if outright - saved or later & outside or (later and called & from_outside):
                # the body of a function does not run yet, but for one that a decorator has handed on
                plain = definition.kind in ("function", "method") and not made.handed_on
                yield key, Effect(frozenset(), called if plain else everything)
            elif (called | changed) & saved:
                yield key, Effect(frozenset((names | everywhere) & saved), everything)

    def _is_odd(self, names: Iterable[str]) -> bool:
        """Whether operators on what these names stand for may run saved code, or use up an iterator."""
        reached: set[str] = set()
        self._follow(names, set(), reached)
        return any(made_by(self.definitions[key].source).odd for key in reached)

    def _has_hooks(self, definition: Definition, bases: frozenset[str]) -> bool:
        """Whether making a class runs code of its bases, or of its metaclass."""
        if not bases:
            return False
        reached: set[str] = set()
        self._follow(bases, set(), reached)
        return any(_HOOKS.search(self.definitions[key].source) for key in reached) or bool(
            _HOOKS.search(definition.source.partition(":")[0])
        )


@lru_cache(maxsize=16384)
def made_by(source: str) -> Made:
    """What happens while a definition is made."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        some, none = frozenset({source}), frozenset[str]()
        return Made(some, none, none, none, none, some, none, some, none, handed_on=True, odd=True)
    called: set[str] = set()
    bases: set[str] = set()
    changed: set[str] = set()
    operated: set[str] = set()
    local: set[str] = set()
    acts: set[str] = set()
    of_values: set[str] = set()
    handed_on = False
    todo: list[ast.AST] = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                called |= _names(decorator)
                acting = _act(decorator.func if isinstance(decorator, ast.Call) else decorator)
                acts |= acting
                handed_on = handed_on or bool(acting)
        if isinstance(node, ast.ClassDef):
            for part in (*node.bases, *(keyword.value for keyword in node.keywords)):
                bases |= _names(part)
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in _SETS_AN_ATTRIBUTE):
            called |= _names(node)
            acts |= _act(node.func)
            of_values |= _of_a_value(node.func)
            if _last(node.func) in _CONSUMING:
                todo += [part.body for part in ast.walk(node) if isinstance(part, ast.Lambda)]
        changed |= _changed(node)
        operated |= _operated(node)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            local.add(node.id)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            todo += _made_with(node)
        else:
            todo += ast.iter_child_nodes(node)
    later, imports_later = _later(body)
    return Made(
        frozenset(called),
        frozenset(bases),
        frozenset(changed),
        frozenset(operated),
        frozenset(local),
        frozenset(acts),
        frozenset(of_values),
        later,
        imports_later,
        handed_on=handed_on,
        odd=any(_is_odd(node) for part in body for node in ast.walk(part)),
    )


def _made_with(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Iterator[ast.AST]:
    """What runs when a function is made: defaults, decorators, annotations."""
    arguments = node.args
    yield from (default for default in (*arguments.defaults, *arguments.kw_defaults) if default is not None)
    if isinstance(node, ast.Lambda):
        return
    yield from node.decorator_list
    some = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *some)
    yield from (argument.annotation for argument in every if argument.annotation is not None)
    if node.returns is not None:
        yield node.returns


def _later(body: Iterable[ast.stmt]) -> tuple[frozenset[str], frozenset[str]]:
    """First names of what functions act on when they are called, and the names that they import."""
    acts: set[str] = set()
    imported: set[str] = set()
    stands_for: dict[str, set[str]] = {}
    for node in (node for part in body for node in ast.walk(part)):
        acts |= _act_anywhere(node)
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported.update(alias.asname or alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    stands_for.setdefault(target.id, set()).add(_root(node.value))
    todo = list(acts)
    while todo:  # r = random; r.seed(1)
        further = stands_for.pop(todo.pop(), set()) - acts - {""}
        acts |= further
        todo += further
    return frozenset(acts), frozenset(imported)


def _act_anywhere(node: ast.AST) -> set[str]:
    """First name of a call that may change anything, or of something whose attribute is set."""
    if isinstance(node, ast.Call):
        return _act(node.func) | _of_a_value(node.func)
    return _changed(node)


def _changed(node: ast.AST) -> set[str]:
    """First name of what code assigns to a part of."""
    if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == LIBRARY_ALIAS:
            return {node.attr}  # d2l.x = 1
        return {_root(node)} - {""}
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SETS_AN_ATTRIBUTE:
        return {_root(part) for part in node.args[:1]} - {""}
    return set()


def _operated(node: ast.AST) -> set[str]:
    """Names in what an operator is applied to, or what is iterated over."""
    parts: list[ast.AST] = []
    if isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare | ast.Subscript | ast.FormattedValue | ast.AugAssign):
        parts = [node]
    elif isinstance(node, ast.Attribute | ast.Starred):
        parts = [node.value]
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        parts = [node.iter]
    elif isinstance(node, ast.With | ast.AsyncWith):
        parts = [item.context_expr for item in node.items]
    elif isinstance(node, ast.Assign) and any(isinstance(target, ast.Tuple | ast.List) for target in node.targets):
        parts = [node.value]
    return {name for part in parts for name in _names(part)}


def _is_odd(node: ast.AST) -> bool:
    """Whether it is a method that runs without a call, or makes an iterator."""
    if isinstance(node, ast.FunctionDef):
        return bool(_OPERATOR.fullmatch(node.name)) or any(_last(part) == "property" for part in node.decorator_list)
    if isinstance(node, ast.Call):
        return _last(node.func) in _LAZY
    return isinstance(node, ast.Yield | ast.YieldFrom | ast.GeneratorExp)


def _of_a_value(function: ast.expr) -> set[str]:
    """First name of what a method such as ``append`` is called on, if that changes it."""
    return {_root(function)} - {""} if isinstance(function, ast.Attribute) and function.attr in _CHANGING else set()


def _act(function: ast.expr) -> set[str]:
    """First name of what is called, if calling it may change anything; empty if it is known not to."""
    last = _last(function)
    if last in _PURE or (isinstance(function, ast.Attribute) and last in _OF_A_VALUE and not _is_plain(function)):
        return set()
    return {_root(function) or "?"}


def _last(function: ast.expr) -> str:
    """``c`` of ``a.b.c``."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_plain(function: ast.Attribute) -> bool:
    """Whether it is an attribute of an attribute, as of a module's own table: ``plt.rcParams.update``."""
    return isinstance(function.value, ast.Attribute)


def _root(node: ast.expr) -> str:
    """``a`` of ``a.b[c].d`` and of a call of it; empty where something without a name is meant."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


EMPTY = Graph.of({})
"""The library of a framework that has none."""
