"""The aliases of ``config.ini`` as definitions, so that users of the library can call them as pages do."""

from __future__ import annotations

import ast

from octavo.config import FILE_NAME, Library
from octavo.harvest.names import survey_tree
from octavo.model import Definition, Span
from octavo.syntax import parse


def alias_definitions(library: Library) -> tuple[Definition, ...]:
    """One definition an alias, in the order of the settings; those that are not Python are left out.

    The stage that rewrites pages reports what cannot be understood, so nothing is said about it here.
    """
    texts: dict[str, str] = {}
    for name, target in library.simple_alias:
        texts[name] = f"{name} = {library.name}.{target}"
    for name, target in library.fluent_alias:
        texts[name] = _function(name, "x, *args, **kwargs", f"x.{target}(*args, **kwargs)", f"Call ``x.{target}``.")
    for name, expression in library.alias:
        texts[name] = _assignment(name, expression)
    for signature, call in library.args_alias:
        name, _, parameters = signature.partition("(")
        texts[name.strip()] = _function(name.strip(), parameters.rstrip(") "), call, f"Call ``{call}``.")
    made = (_definition(name, text, library.tab) for name, text in texts.items())
    return tuple(definition for definition in made if definition is not None)


def _definition(name: str, text: str, tab: str) -> Definition | None:
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
        Span(FILE_NAME, 1, 1),
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
