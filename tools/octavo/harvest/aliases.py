"""The aliases of ``config.ini`` as definitions, so that users of the library can call them as pages do."""

from __future__ import annotations

import ast
import re

from octavo.config import Library
from octavo.harvest.names import survey_tree
from octavo.model import Definition, Span
from octavo.syntax import LIBRARY_ALIAS, parse


def alias_definitions(library: Library) -> tuple[Definition, ...]:
    """One definition an alias, in the order of the settings; those that are not Python are left out.

    The stage that rewrites pages reports what cannot be understood, so nothing is said about it here.
    """
    texts: dict[str, tuple[str, Span]] = {}
    for name, target in library.simple_alias:
        texts[name] = f"{name} = {library.name}.{target}", library.place("simple_alias", name)
    for name, target in library.fluent_alias:
        text = _function(name, "x, *args, **kwargs", f"x.{target}(*args, **kwargs)", f"Call ``x.{target}``.")
        texts[name] = text, library.place("fluent_alias", name)
    for name, expression in library.alias:
        texts[name] = _assignment(name, expression), library.place("alias", name)
    for signature, call in library.args_alias:
        name, _, parameters = signature.partition("(")
        text = _function(name.strip(), parameters.rstrip(") "), call, f"Call ``{call}``.")
        texts[name.strip()] = text, library.place("args_alias", signature)
    made = (_definition(name, text, span, library.tab) for name, (text, span) in texts.items())
    return tuple(definition for definition in made if definition is not None)


def alias_names(library: Library) -> frozenset[str]:
    """Every name that a page shows otherwise than its author wrote it, or that the settings define."""
    shown = (re.match(rf"{LIBRARY_ALIAS}\\?\.(\w+)", pattern) for pattern, _ in library.reverse_alias)
    names = [name for name, _ in (*library.simple_alias, *library.fluent_alias, *library.alias)]
    names += [signature.partition("(")[0].strip() for signature, _ in library.args_alias]
    return frozenset(names) | {found[1] for found in shown if found}


def _definition(name: str, text: str, span: Span, tab: str) -> Definition | None:
    try:
        statements = parse(text).tree.body
    except SyntaxError:
        return None
    survey = survey_tree(statements)
    if survey.binds != {name}:
        return None
    kind = statements[0]
    return Definition(
        name,
        "function" if isinstance(kind, ast.FunctionDef) else "assignment",
        text,
        span,
        tab,
        "",
        survey.binds,
        survey.reads() - {name},
    )


def _assignment(name: str, expression: str) -> str:
    """``name = expression``, a ``lambda`` as the function that it is."""
    text = f"{name} = {expression}"
    try:
        statement = parse(text).tree.body[0]
    except SyntaxError:
        return text
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Lambda):
        function = statement.value
        body = ast.unparse(function.body)
        return _function(name, ast.unparse(function.args), body, f"Give ``{body}``.")
    return text


def _function(name: str, parameters: str, result: str, summary: str) -> str:
    quoted = summary.replace("\\", "\\\\").replace('"""', r"\"\"\"")
    return f'def {name}({parameters}):\n    """{quoted}"""\n    return {result}'
