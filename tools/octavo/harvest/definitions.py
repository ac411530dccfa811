"""What ``#@save`` puts into the library of one framework, from the syntax tree.

A mark on any line of a statement at the top level of its cell saves that statement. A mark alone on a line saves what
stands below it: the whole ``def`` or ``class``, or the statements up to the first blank line, ``def`` or ``class``.
"""

from __future__ import annotations

import ast
import builtins
import io
import re
import tokenize
import warnings
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace

from octavo.config import Library
from octavo.diagnostics import Code as Message
from octavo.diagnostics import Diagnostic, error, warning
from octavo.harvest.aliases import alias_definitions, alias_names
from octavo.harvest.names import Reference, Survey, is_hidden_use, is_library_import, survey_tree
from octavo.model import Code, Definition, DefinitionKind, Edition, EditionCell, Span
from octavo.syntax import LIBRARY_ALIAS, Edit, Source, parse, splice

BUILTINS = frozenset(dir(builtins)) | {"__file__", "__path__", "__builtins__", "__annotations__"}
"""Names that every module has."""

_MARK = re.compile(r"#[ \t]*@save\b")
_MAY_BIND = re.compile(r"(?:async +)?(?:def|class) +\w+|\w[\w, .]*(?=:[^=]*=|=)|(?:import|from)\b.*")
_DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class _Saved:
    """A statement that is marked, before it is made to fit the module."""

    statement: ast.stmt
    source: Source
    cell: EditionCell
    edition: Edition
    survey: Survey

    def span(self, line: int | None = None) -> Span:
        """The author's lines, or one of them."""
        lines = self.cell.branches.lines
        path = self.cell.cell.span.path
        if line is not None:
            number = lines[min(line, len(lines)) - 1]  # old Pythons misplace some expressions inside f-strings
            return Span(path, number, number)
        last = self.statement.end_lineno or self.statement.lineno
        return Span(path, lines[_first_line(self.statement) - 1], lines[last - 1])


def collect(editions: Sequence[Edition], library: Library) -> tuple[tuple[Definition, ...], tuple[Diagnostic, ...]]:
    """Everything that is saved for one framework, in the book's order, and what is wrong with it.

    ``editions`` are in reading order; those of other frameworks are passed over. Of a name saved twice the last
    definition is returned. Methods stand beside the class that they extend. An alias stays as the author wrote it,
    ``d2l.ones``; of other names, ``d2l.x`` is written ``x`` where that means the same.
    """
    aliases = alias_definitions(library)
    kept_names = alias_names(library)
    saved = [found for edition in editions if edition.tab == library.tab for found in _saved(edition)]
    bound = {name for found in saved for name in found.survey.binds}
    hidden = {name for alias in aliases for name in alias.binds if name in BUILTINS and name not in bound}
    # a saved sum is not the builtin one
    own = bound | {name for alias in aliases for name in alias.binds}
    definitions: _Pairs = []
    unfit: list[Diagnostic] = []
    for found in saved:
        definition, problem = _definition(found, hidden, own, kept_names)
        if problem is not None:
            unfit.append(problem)
        elif definition.source:
            definitions.append((_cautious(definition, found, own), found))
    kept, messages = _last_of_each(definitions)
    messages += unfit
    unread = _unread_names(edition for edition in editions if edition.tab == library.tab)
    classes = {d.name for d, _ in kept if d.kind == "class" and d.page != library.file}  # no method joins the head
    messages += _unknown_classes(kept, classes, unread)
    messages += _unfinished_classes(kept)
    if any(edition.page == library.file for edition in editions):
        kept, late = _without_futures(kept, library)
        messages += late
    messages += _undefined_names(kept, aliases, library, unread)
    result = [definition for definition, _ in kept if definition.extends is None or definition.extends in classes]
    return tuple(result), tuple(messages)


# -- finding


def _saved(edition: Edition) -> Iterator[_Saved]:
    for cell in edition.cells:
        if "@save" not in cell.branches.text:
            continue
        try:
            source = parse(cell.branches.text)
        except SyntaxError:
            continue  # reported when the page was cut
        for statement in _marked(source):
            yield _Saved(statement, source, cell, edition, survey_tree([statement]))


def _unread_names(editions: Iterable[Edition]) -> set[str]:
    """What cells that are not Python look as if they would save: no more is said about them than that."""
    names: set[str] = set()
    for edition in editions:
        for cell in edition.cells:
            if "@save" not in cell.branches.text:
                continue
            try:
                parse(cell.branches.text)
            except SyntaxError:
                for line in cell.branches.text.split("\n"):
                    if found := _MAY_BIND.match(line):
                        names.update(re.findall(r"\w+", found[0]))
    return names


def _marked(source: Source) -> list[ast.stmt]:
    """The top-level statements that a mark saves, in order."""
    body = source.tree.body
    chosen: set[int] = set()
    for line, _, _ in _marks(source):
        around = [i for i, s in enumerate(body) if _first_line(s) <= line <= _last_line(s)]
        chosen.update(around or _block_below(body, line))
    return [body[i] for i in sorted(chosen) if not source.is_magic(body[i])]


def _block_below(body: Sequence[ast.stmt], line: int) -> list[int]:
    below = [i for i, statement in enumerate(body) if _first_line(statement) > line]
    if not below or isinstance(body[below[0]], _DEFINES):
        return below[:1]
    block = below[:1]
    for index in below[1:]:
        statement = body[index]
        if isinstance(statement, _DEFINES) or _first_line(statement) > _last_line(body[index - 1]) + 1:
            break
        block.append(index)
    return block


def _marks(source: Source) -> list[tuple[int, int, str]]:
    """Line, offset and text of every comment that holds a mark."""
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source.masked).readline):
            if token.type == tokenize.COMMENT and _MARK.search(token.string):
                line, column = token.start
                before = token.line[:column].encode()
                found.append((line, source.starts[line - 1] + len(before), token.string))
    except (tokenize.TokenError, SyntaxError):
        return found
    return found


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _last_line(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


# -- making


def _definition(
    found: _Saved, hidden: set[str], own: set[str], kept_names: Set[str]
) -> tuple[Definition, Diagnostic | None]:
    """What a saved statement is in the module, and why it cannot stand there if it cannot."""
    statement, survey = found.statement, found.survey
    extends, decorator = _extension(statement)
    edits = [*_plain_names(found, kept_names), *_without_marks(found)]
    binds = set(survey.binds) | _module_attributes(statement)
    trusted = {id(node) for node in found.source.walk(statement)}
    edits += [
        # an alias of the same name hides the builtin in the module, as it does not on the page
        Edit(*found.source.range(reference.node), f"builtins.{reference.name}")
        for reference in survey.references
        if not reference.library and reference.name in hidden - binds and id(reference.node) in trusted
    ]
    if decorator is not None:
        start = found.source.starts[decorator.lineno - 1]
        edits.append(Edit(start, found.source.starts[decorator.end_lineno or decorator.lineno]))
    code = _slice(found, edits)
    text = code.text
    try:
        uses = survey_tree(parse(text).tree.body).reads()
    except SyntaxError:
        uses = survey.reads()
    name = _name(found, binds, text)
    kind: DefinitionKind = _kind(statement)
    if extends is not None:
        name, kind, binds = f"{extends}.{getattr(statement, 'name', name)}", "method", set()
    elif isinstance(statement, ast.Import | ast.ImportFrom) and not _imports(statement):
        text = ""  # the library itself
    definition = Definition(
        name=name,
        kind=kind,
        source=text,
        span=found.span(),
        tab=found.edition.tab,
        page=found.edition.page,
        binds=frozenset(binds),
        uses=frozenset(uses - binds - (BUILTINS - own)),
        extends=extends,
    )
    return definition, _unfit(definition, code)


def _unfit(definition: Definition, code: Code) -> Diagnostic | None:
    """Why saved code that a cell may hold is none for a module: a magic, or ``await`` outside of a function."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(definition.source, "<saved>", "exec", dont_inherit=True)
    except SyntaxError as problem:
        line = code.lines[min(max(problem.lineno or 1, 1), len(code.lines)) - 1]
        return error(
            Message.UNFIT_DEFINITION,
            f"{definition.name} cannot stand in a module: {problem.msg}",
            Span(definition.span.path, line, line),
            tab=definition.tab,
            hint="save only what is plain Python outside of a notebook too",
        )
    except (ValueError, RecursionError, MemoryError):
        return None  # too large for the compiler of this Python, which says nothing of the one that will import it
    return None


def _cautious(definition: Definition, found: _Saved, names: set[str]) -> Definition:
    """A definition that may read names without naming them, through ``getattr(d2l, …)``, uses every one there is."""
    if definition.kind == "import" or not (found.survey.dynamic or _hides_a_use(definition)):
        return definition
    return replace(definition, uses=definition.uses | (names - definition.binds))


def _hides_a_use(definition: Definition) -> bool:
    """Whether a definition names the library in a string, as for ``import_module``."""
    if LIBRARY_ALIAS not in definition.source:
        return False
    try:
        return is_hidden_use(parse(definition.source))
    except SyntaxError:
        return True


def _extension(statement: ast.stmt) -> tuple[str | None, ast.expr | None]:
    """The class that ``@d2l.add_to_class(Class)`` names, and the decorator."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        for decorator in statement.decorator_list:
            if not isinstance(decorator, ast.Call) or len(decorator.args) != 1:
                continue
            function, target = decorator.func, decorator.args[0]
            called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if called == "add_to_class" and isinstance(target, ast.Name | ast.Attribute):
                return (target.id if isinstance(target, ast.Name) else target.attr), decorator
    return None, None


def _plain_names(found: _Saved, kept_names: Set[str]) -> Iterator[Edit]:
    """``d2l.x`` becomes ``x``, unless it is an alias or something local has that name.

    The module knows itself as ``d2l`` there. A plain ``sum`` or ``float32`` would not tell a reader whose it is.
    """
    trusted = {id(node) for node in found.source.walk(found.statement)}
    for reference in found.survey.references:
        if not reference.library or reference.name in kept_names:
            continue
        if not reference.shadowed and id(reference.node) in trusted:
            yield Edit(*found.source.range(reference.node), reference.name)
    for target in _targets(found.statement):
        if _module_attribute(target):
            yield Edit(*found.source.range(target), _module_attribute(target))


def _without_marks(found: _Saved) -> Iterator[Edit]:
    data = found.source.data
    for line, offset, comment in _marks(found.source):
        rest = _MARK.sub("", comment).strip()
        start = offset
        while start > 0 and data[start - 1 : start] in (b" ", b"\t"):
            start -= 1
        if rest:
            yield Edit(offset, offset + len(comment.encode()), rest if rest.startswith("#") else f"# {rest}")
        elif start == found.source.starts[line - 1]:
            yield Edit(start, found.source.starts[line])
        else:
            yield Edit(start, offset + len(comment.encode()))


def _slice(found: _Saved, edits: Iterable[Edit]) -> Code:
    """The statement's text, the comment behind it included, with edits applied, and the author's lines."""
    source = found.source
    start, end = source.range(found.statement)
    if _first_line(found.statement) < found.statement.lineno:
        start = source.starts[_first_line(found.statement) - 1]
    comment = re.compile(rb"[ \t]*(?:#[^\n]*)?(?=\r?\n|\Z)").match(source.data, end)
    end = comment.end() if comment else end
    text = source.slice(start, end)
    inside = [Edit(e.start - start, e.end - start, e.text) for e in edits if start <= e.start and e.end <= end + 1]
    inside = [replace(edit, end=min(edit.end, end - start)) for edit in inside]
    first = source.line(start) - 1
    code = splice(Code(text, found.cell.branches.lines[first : first + text.count("\n") + 1]), inside)
    kept = code.text.rstrip()
    return Code(kept, code.lines[: kept.count("\n") + 1])


def _kind(statement: ast.stmt) -> DefinitionKind:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return "import"
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return "function"
    if isinstance(statement, ast.ClassDef):
        return "class"
    targets = _targets(statement)
    if targets and all(isinstance(target, ast.Name) or _module_attribute(target) for target in _leaves(targets)):
        return "assignment"
    return "statement"


def _name(found: _Saved, binds: set[str], text: str) -> str:
    if binds:
        return ", ".join(sorted(binds))
    targets = _targets(found.statement)
    if targets:
        return ", ".join(re.sub(rf"\b{LIBRARY_ALIAS}\.", "", ast.unparse(target)) for target in targets)
    return text.split("\n")[0]


def _targets(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        return [statement.target]
    return []


def _leaves(targets: Iterable[ast.expr]) -> Iterator[ast.expr]:
    for target in targets:
        if isinstance(target, ast.Tuple | ast.List):
            yield from _leaves(target.elts)
        else:
            yield target


def _module_attribute(target: ast.expr) -> str:
    """``x`` of ``d2l.x``."""
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == LIBRARY_ALIAS:
        return target.attr
    return ""


def _module_attributes(statement: ast.stmt) -> set[str]:
    return {name for target in _targets(statement) if (name := _module_attribute(target))}


def _imports(statement: ast.Import | ast.ImportFrom) -> dict[str, str]:
    """Bound name → what it is bound to, the library itself left out."""
    found = {}
    for alias in statement.names:
        if is_library_import(statement, alias):
            continue
        if isinstance(statement, ast.ImportFrom):
            module = "." * statement.level + (statement.module or "")
            found[alias.asname or alias.name] = f"{module}:{alias.name}"
        elif alias.asname:
            found[alias.asname] = alias.name
        else:
            root = alias.name.split(".")[0]
            found[root] = root
    return found


# -- checking

_Pairs = list[tuple[Definition, _Saved]]


def _last_of_each(definitions: _Pairs) -> tuple[_Pairs, list[Diagnostic]]:
    """Definitions without those that later ones replace; one that says the same again is not kept twice."""
    messages: list[Diagnostic] = []
    last: dict[str, tuple[int, str]] = {}
    replaced: dict[int, set[str]] = {}
    again: set[int] = set()
    methods = {
        f"{found.statement.name}.{part.name}": index
        for index, (_, found) in enumerate(definitions)
        if isinstance(found.statement, ast.ClassDef)
        for part in found.statement.body
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_placeholder(part)
    }
    for index, (definition, found) in enumerate(definitions):
        contents = _contents(definition, found.statement)
        for name, content in contents.items():
            before = last.get(name)
            last[name] = (index, content)
            if before is None:
                if definition.kind == "method" and name in methods:
                    messages.append(_duplicate(name, definition, definitions[methods[name]][0]))
            elif before[1] == content:
                again.add(index)
                last[name] = before
            else:
                messages.append(_duplicate(name, definition, definitions[before[0]][0]))
                replaced.setdefault(before[0], set()).add(name)
    kept: _Pairs = []
    for index, (definition, found) in enumerate(definitions):
        names = set(_contents(definition, found.statement))
        gone = names and names <= replaced.get(index, set())
        repeated = index in again and definition.kind != "import"
        if not gone and not repeated:
            kept.append((definition, found))
    return kept, messages


def _contents(definition: Definition, statement: ast.stmt) -> dict[str, str]:
    """The names for which the last definition wins, each with what would make it the same again."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return _imports(statement)
    if definition.kind == "statement" and not _targets(statement):
        return {}
    if _is_overload(statement) or definition.binds == {"_"}:
        return {}  # one of several that belong together; ``_`` is what functions are called that are only registered
    if isinstance(statement, _DEFINES) and definition.kind != "method":
        return {statement.name: definition.source}  # a name that it only declares global is defined elsewhere
    if definition.binds and definition.binds & survey_tree(parse(definition.source).tree.body).reads(deferred=False):
        return {}  # it builds on what was there before
    return dict.fromkeys(definition.binds or {definition.name}, definition.source)


def _is_overload(statement: ast.stmt) -> bool:
    """Whether a function only declares one way to call the one that comes after it."""
    decorators = statement.decorator_list if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) else []
    names = (getattr(decorator, "attr", getattr(decorator, "id", "")) for decorator in decorators)
    return "overload" in names


def _is_placeholder(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a method only holds a place for one that a later page adds: ``pass``, ``...`` or a ``raise``."""
    body = [part for part in function.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))]
    return all(isinstance(part, ast.Pass | ast.Raise) for part in body)


def _duplicate(name: str, now: Definition, before: Definition) -> Diagnostic:
    place = f"{before.span.path}:{before.span.line}"
    message = f"{name} is saved here and at {place}; the library keeps this one"
    return warning(Message.DUPLICATE_DEFINITION, message, now.span, tab=now.tab, hint="remove one of the two marks")


def _unknown_classes(definitions: _Pairs, classes: Set[str], unread: Set[str]) -> list[Diagnostic]:
    return [
        error(
            Message.UNKNOWN_CLASS,
            f"{definition.name} extends {definition.extends}, which is not saved as a class",
            definition.span,
            tab=definition.tab,
            hint=f"mark class {definition.extends} with #@save",
        )
        for definition, _ in definitions
        if definition.extends is not None and definition.extends not in classes | unread
    ]


def _unfinished_classes(definitions: _Pairs) -> list[Diagnostic]:
    """Methods that read their class while it is being made: in a default or a decorator, which a page does later."""
    messages = []
    for definition, found in definitions:
        extension = _extension(found.statement)[1]
        if definition.extends is None or extension is None:
            continue
        own = {id(node) for node in ast.walk(extension)}
        for reference in found.survey.references:
            if reference.name == definition.extends and not reference.deferred and id(reference.node) not in own:
                message = f"{definition.name} reads {reference.name} while the library still makes that class"
                hint = "read it in the body of the method"
                place = found.span(reference.node.lineno)
                messages.append(error(Message.UNDEFINED_NAME, message, place, tab=definition.tab, hint=hint))
                break
    return messages


def _without_futures(definitions: _Pairs, library: Library) -> tuple[_Pairs, list[Diagnostic]]:
    """Definitions without pages' imports from ``__future__``: below a head they can no longer stand."""

    def futures(found: _Saved) -> set[str]:
        statement = found.statement
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            return set(_imports(statement))
        return set()

    known = {name for definition, found in definitions if definition.page == library.file for name in futures(found)}
    gone = [(d, found) for d, found in definitions if d.page != library.file and futures(found)]
    return [pair for pair in definitions if pair not in gone], [
        error(
            Message.UNFIT_DEFINITION,
            f"this import cannot stand below what {library.file} has at its top",
            definition.span,
            tab=definition.tab,
            hint=f"write it as the first line of {library.file}",
        )
        for definition, found in gone
        if futures(found) - known
    ]


def _undefined_names(
    definitions: _Pairs, aliases: Sequence[Definition], library: Library, unread: Set[str]
) -> list[Diagnostic]:
    """Names that nothing in the module defines; nothing is said when a star import may define them."""
    if any(found.survey.star for _, found in definitions):
        return []
    known = set(BUILTINS) | {LIBRARY_ALIAS} | unread
    known.update(name for definition, _ in definitions for name in definition.binds)
    missing: list[Diagnostic] = []
    users: dict[str, Definition] = {}
    for alias in aliases:
        for name in alias.uses - known - {n for a in aliases for n in a.binds}:
            users.setdefault(name, alias)
    if definitions:
        missing += [
            error(
                Message.UNDEFINED_NAME,
                f"the aliases of [library-{library.tab}] need {name}, which no saved code defines",
                users[name].span,
                tab=library.tab,
                hint=f"save its import: import {name}  #@save",
            )
            for name in sorted(users)
        ]
    known.update(name for alias in aliases for name in alias.binds)
    for definition, found in definitions:
        extension = _extension(found.statement)[1]
        skipped = {id(node) for node in ast.walk(extension)} if extension is not None else set()
        seen: set[str] = set()
        for reference in found.survey.references:
            if reference.name in known or reference.name in seen or id(reference.node) in skipped:
                continue
            seen.add(reference.name)
            missing.append(_undefined(definition, found, reference))
    return missing


def _undefined(definition: Definition, found: _Saved, reference: Reference) -> Diagnostic:
    hint = f"mark what defines {reference.name} with #@save"
    if reference.name in ("self", "cls"):
        hint = f"{reference.name} is there in methods only: save its class, or use @d2l.add_to_class"
    return error(
        Message.UNDEFINED_NAME,
        f"{definition.name} reads {reference.name}, which nothing in the library defines",
        found.span(reference.node.lineno),
        tab=definition.tab,
        hint=hint,
    )
