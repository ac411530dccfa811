"""Which saved definitions code depends on that uses some names of the library: the graph of one framework's library.

Pure, from what harvesting found. It may name too much, never too little.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from octavo.execute.freshness.code import executed_text, looks_at_source
from octavo.execute.freshness.modules import Imports, imports
from octavo.model import Definition

_SETS_AN_ATTRIBUTE = frozenset({"setattr", "delattr"})

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

_HOOKS = re.compile(r"\b(?:__init_subclass__|__set_name__|__prepare__|metaclass|__class_getitem__)\b")


@dataclass(frozen=True, slots=True)
class Made:
    """What happens while a definition is made, decorators included."""

    called: frozenset[str]
    """Names in what it calls then; not in what its functions call later."""
    bases: frozenset[str]
    """Names in the bases of a class."""
    acts: frozenset[str]
    """First names of calls that may change anything: neither pure nor of a value that the code itself made."""
    acts_later: frozenset[str]
    """The same, of what its functions do when they are called."""
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
            everything = definition.binds | definition.uses
            if definition.extends is None and definition.binds <= {"_"}:
                yield key, Effect(frozenset() if called else definition.uses & saved, everything)
                continue
            names: set[str] = set()
            reached: set[str] = set()
            self._follow(called & saved, names, reached)
            later = {
                root for other in reached - {key} for root in made_by(self.definitions[other].source).acts_later
            } - saved
            # what is called may change something itself, or by what it is given
            if made.acts - saved or later & from_outside or (later and called & from_outside):
                # the body of a function does not run yet, but for one that a decorator has handed on
                plain = definition.kind in ("function", "method") and not made.handed_on
                yield key, Effect(frozenset(), called if plain else everything)
            elif called & saved and definition.extends is None:
                yield key, Effect(frozenset(names & saved), everything)

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
        return Made(frozenset({source}), frozenset(), frozenset({source}), frozenset({source}), True)
    called: set[str] = set()
    bases: set[str] = set()
    acts: set[str] = set()
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
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            todo += [default for default in (*node.args.defaults, *node.args.kw_defaults) if default is not None]
            todo += getattr(node, "decorator_list", [])
        else:
            todo += ast.iter_child_nodes(node)
    later = {root for part in body for node in ast.walk(part) for root in _act_anywhere(node)}
    return Made(frozenset(called), frozenset(bases), frozenset(acts), frozenset(later), handed_on)


def _act_anywhere(node: ast.AST) -> set[str]:
    """First name of a call that may change anything, or of something whose attribute is set."""
    if isinstance(node, ast.Call):
        return _act(node.func)
    if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        return {_root(node)} - {""}
    return set()


def _act(function: ast.expr) -> set[str]:
    """First name of what is called, if calling it may change anything; empty if it is known not to."""
    last = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if last in _PURE or (isinstance(function, ast.Attribute) and last in _OF_A_VALUE and not _is_plain(function)):
        return set()
    return {_root(function) or "?"}


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
