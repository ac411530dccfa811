"""The directives of Sphinx's autodoc, answered from the text of modules: nothing of them is imported.

A library can be documented where its framework is not installed, and a page that names a module runs none of it. What a
directive shows is the signature and the docstring as they stand in the module, with the members that have a docstring
of their own where ``:members:`` asks for them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, cast

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from octavo.config import Settings
from octavo.diagnostics import Code, warning
from octavo.model import Span
from octavo.render.application import BookApplication
from octavo.render.links.labels import reference
from octavo.render.links.library import Library, defined_in
from octavo.render.pages import docstrings
from octavo.source import dialect

ROLE = re.compile(r":(?P<name>\w+):`(?P<text>[^`]+)`|``(?P<code>[^`]+)``|`(?P<word>[^`]+)`")

Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class AnyOptions(dict[str, Any]):
    """Every option is taken, as autodoc has many that say how to import."""

    def __bool__(self) -> bool:
        return True

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        return lambda value: value


class Documentation(SphinxDirective):
    """``autoclass``, ``autofunction`` and ``autoexception``: one thing of a module."""

    has_content = True
    required_arguments = 1
    optional_arguments = 99
    option_spec: ClassVar[Any] = AnyOptions()

    def run(self) -> list[nodes.Node]:
        """The description of what the argument names, or its name and a message."""
        written = self.arguments[0].partition("(")[0].strip()
        module, _, name = written.rpartition(".")
        module = module or str(self.env.ref_context.get("py:module") or "")
        found = self._find(module, name)
        if found is None:
            self._complain(f"the module {module or 'that is meant'} has no {name}", "octavo build lib")
            return [nodes.paragraph("", "", nodes.literal(written, written))]
        return self.describe(found, module)

    def _find(self, module: str, name: str) -> Documented | None:
        return next((node for node in self.statements(module) if getattr(node, "name", None) == name), None)

    def statements(self, module: str) -> Iterator[Documented]:
        """The classes and functions of one of the book's modules, in order; the last of a name."""
        path = module_path(module, cast(BookApplication, self.env._app).source.settings)
        if path is None:
            return
        self.env.note_dependency(str(path))
        named = {node.name: node for node in parsed(path, path.stat().st_mtime_ns).body if isinstance(node, Documented)}
        yield from named.values()

    def describe(self, node: Documented, module: str, owner: str = "") -> list[nodes.Node]:
        """What a class, a function or (of ``owner``) a method is: signature, docstring, members."""
        kind, options = _kind(node, owner)
        signature = node.name if kind == "property" else f"{node.name}{_signature(node)}"
        found = self.described(kind, signature, owner, {"module": module, **options})
        for content in [content for one in found for content in one.findall(addnodes.desc_content)][:1]:
            content += self._place(node.name if not owner else f"{owner}.{node.name}", module, owner)
            content += self.docstring(node)
            if isinstance(node, ast.ClassDef) and "members" in self.options:
                for member in _members(node):
                    content += self.describe(member, module, node.name)
        return found

    def library(self, module: str) -> Library | None:
        """The library that a module is."""
        return cast(BookApplication, self.env._app).source.libraries.of_module(module)

    def _place(self, name: str, module: str, owner: str) -> list[nodes.Node]:
        """Where the book defines something; of what stands in a class, the class says it."""
        library = self.library(module)
        if library is None or owner or name not in library.names:
            return []
        return [defined_in(tab=library.tab, name=name, brief=False)]

    def described(self, kind: str, signature: str, owner: str, options: Mapping[str, Any]) -> list[nodes.Node]:
        """What Sphinx's own directive for one thing of a module gives."""
        directive: Any = self.env.domains.python_domain.directive(kind)
        before = self.env.ref_context.get("py:class")
        if owner:
            self.env.ref_context["py:class"] = owner
        content = StringList([], self.get_source_info()[0])
        try:
            made: list[nodes.Node] = directive(
                self.name,
                [signature],
                dict(options),
                content,
                self.lineno,
                self.content_offset,
                "",
                self.state,
                self.state_machine,
            ).run()
        finally:
            self.env.ref_context["py:class"] = before
        return made

    def docstring(self, node: ast.Module | Documented) -> Iterator[nodes.Node]:
        """The docstring, with the references in it."""
        text = ast.get_docstring(node, clean=False) or ""
        if text.strip():
            yield from docstrings.render(text, self._inline)

    def _inline(self, text: str) -> Iterator[nodes.Node]:
        done = 0
        for match in ROLE.finditer(text):
            yield nodes.Text(text[done : match.start()])
            done = match.end()
            node: nodes.Element
            if match["name"] in dialect.REFERENCE_ROLES:
                node = reference(match["name"], match["text"], self.env.current_document.docname)
                node.source, node.line = self.get_source_info()
            else:
                shown = match["code"] or match["text"] or match["word"]
                node = nodes.literal(shown, shown)
            yield node
        yield nodes.Text(text[done:])

    def _complain(self, message: str, hint: str) -> None:
        path, line = self.get_source_info()
        application = cast(BookApplication, self.env._app)
        span: Span | None = application.span(path, line)
        application.tell(warning(Code.MISSING_FILE, message, span, hint=hint))


class ModuleDocumentation(Documentation):
    """``automodule``: a module's docstring and, with ``:members:``, everything in it that has one."""

    def run(self) -> list[nodes.Node]:
        """The description of the module that the argument names."""
        module = self.arguments[0].strip()
        path = module_path(module, cast(BookApplication, self.env._app).source.settings)
        if path is None:
            self._complain(f"the book has no module {module}", "name one of [library-…] lib_file")
            return [nodes.paragraph("", "", nodes.literal(module, module))]
        self.env.ref_context["py:module"] = module
        found: list[nodes.Node] = list(self.docstring(parsed(path, path.stat().st_mtime_ns)))
        if "members" in self.options:
            for node in self.statements(module):
                if _is_public(node):
                    found += self.describe(node, module)
        return found


def module_path(module: str, settings: Settings) -> Path | None:
    """The file of one of the book's own modules."""
    parts = module.split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    path = settings.root.joinpath(*parts)
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


@lru_cache(maxsize=16)
def parsed(path: Path, changed: int) -> ast.Module:
    """The syntax tree of a module; an empty one where it is no Python, which `octavo check` reports."""
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])


def _members(node: ast.ClassDef) -> Iterable[ast.FunctionDef | ast.AsyncFunctionDef]:
    methods = {n.name: n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}  # the last counts
    return [method for method in methods.values() if _is_public(method)]


def _is_public(node: Documented) -> bool:
    return not node.name.startswith("_") and ast.get_docstring(node) is not None


def _kind(node: Documented, owner: str) -> tuple[str, dict[str, Any]]:
    """What Sphinx calls a class, a function or (of ``owner``) a method, and the options of its directive."""
    if isinstance(node, ast.ClassDef):
        return "class", {}
    decorators = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list} if owner else set()
    if not decorators.isdisjoint(("property", "cached_property")):
        return "property", {"type": ast.unparse(node.returns)} if node.returns else {}
    options: dict[str, Any] = {flag: None for flag in ("classmethod", "staticmethod") if flag in decorators}
    if isinstance(node, ast.AsyncFunctionDef):
        options["async"] = None
    return "method" if owner else "function", options


def _signature(node: Documented) -> str:
    """The parameters: of a class, those of its ``__init__``."""
    if isinstance(node, ast.ClassDef):
        methods = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
        return f"({_without_self(methods[-1].args)})" if methods else ""
    arguments = ast.unparse(node.args) if not _is_method(node) else _without_self(node.args)
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"({arguments}){returns}"


def _is_method(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    first = (node.args.posonlyargs + node.args.args)[:1]
    return bool(first) and first[0].arg in ("self", "cls")


def _without_self(arguments: ast.arguments) -> str:
    text = ast.unparse(arguments)
    return re.sub(r"^(?:self|cls)(?:, (?:/, )?|$)", "", text)


def setup(app: Sphinx) -> None:
    """Register the directives."""
    for name in ("autoclass", "autofunction", "autoexception"):
        app.add_directive(name, Documentation)
    app.add_directive("automodule", ModuleDocumentation)
