"""The keys of the book on paper: section ``[pdf]``, and what ``[build] sphinx_configs`` says of LaTeX."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.config.values import Values, is_address
from octavo.diagnostics import Code, Severity

ELEMENTS = frozenset(
    {
        "classoptions",
        "extraclassoptions",
        "extrapackages",
        "figure_align",
        "fvset",
        "geometry",
        "maxlistdepth",
        "papersize",
        "passoptionstopackages",
        "pointsize",
        "preamble",
        "secnumdepth",
        "sphinxsetup",
        "tocdepth",
        "transition",
    }
)
"""The keys of ``latex_elements`` that octavo leaves to the author; fonts, language, title and contents are its own."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What the settings say of the book on paper."""

    main_font: str = ""
    sans_font: str = ""
    mono_font: str = ""
    logo: str = ""
    """A picture for the title page, relative to the book's root."""
    style: str = ""
    """The name of a style, without its ending; it is found in ``folder``."""
    folder: str = ""
    """A folder of the book whose files stand beside the manuscript; or an address, from which nothing is fetched."""
    program: str = ""
    """A Python program that reworks the manuscript."""
    elements: tuple[tuple[str, str], ...] = ()
    """What the author adds to Sphinx's ``latex_elements``."""


def paper(values: Values) -> Paper:
    """Everything that the file says of the book on paper."""
    logo, elements = _sphinx(values)
    return Paper(
        main_font=_name(values, "main_font"),
        sans_font=_name(values, "sans_font"),
        mono_font=_name(values, "mono_font"),
        logo=values.file("pdf", "latex_logo") or logo,
        style=_style(values),
        folder=_folder(values),
        program=values.file("pdf", "post_latex"),
        elements=tuple(elements.items()),
    )


def _name(values: Values, key: str) -> str:
    """The name of a font, in which nothing means anything to LaTeX."""
    name = " ".join(values.text("pdf", key).split())
    if name and not all(sign.isalnum() or sign in " -_.+" for sign in name):
        values.complain("pdf", key, f"{name!r} is no name of a font", "such as TeX Gyre Termes")
        return ""
    return name


def _style(values: Values) -> str:
    name = values.text("pdf", "style").removesuffix(".sty")
    if name and not all(sign.isalnum() or sign in "-_" for sign in name):
        values.complain("pdf", "style", f"{name!r} is no name of a style", "letters, digits, - and _ only")
        return ""
    return name


def _folder(values: Values) -> str:
    value = values.text("pdf", "latex_url")
    if not value or is_address(value):
        return value
    folder = values.folder("pdf", "latex_url").rstrip("/")
    if folder and not (values.root / folder).is_dir():
        message = f"there is no folder {folder} in the book"
        values.tell(Severity.WARNING, Code.MISSING_FILE, message, values.ini.place("pdf", "latex_url", value))
        return ""
    return folder


def _sphinx(values: Values) -> tuple[str, dict[str, str]]:
    """The logo and the elements that old books give as lines of Sphinx's ``conf.py``; they are read, and never run."""
    text = values.value("build", "sphinx_configs")
    if not text:
        return "", {}
    try:
        tree = ast.parse(textwrap.dedent(text))
    except (SyntaxError, ValueError) as problem:
        values.complain("build", "sphinx_configs", f"sphinx_configs is no Python: {problem.args[0]}")
        return "", {}
    logo, elements = "", dict[str, str]()
    for name, value, node in _assignments(tree):
        if name == "latex_elements" and isinstance(value, dict):
            elements.update(_known(values, value))
        elif name == "latex_logo" and isinstance(value, str):
            logo = next(iter(values.found(value)), "") if not Path(value).is_absolute() else ""
        else:
            _left_out(values, name or ast.unparse(node).split("\n")[0][:60])
    return logo, elements


def _assignments(tree: ast.Module) -> Iterator[tuple[str, Any, ast.stmt]]:
    """Each statement with the setting that it gives a value; without a name if it does something else."""
    for node in tree.body:
        name, value = "", None
        target: ast.expr | None = None
        given: ast.expr | None = None
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, given = node.targets[0], node.value
        elif isinstance(node, ast.AnnAssign):
            target, given = node.target, node.value
        if given is not None:
            try:
                value = ast.literal_eval(given)
            except ValueError:
                target = None  # it has to be computed
        if isinstance(target, ast.Name):
            name = target.id
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            try:
                name, value = target.value.id, {ast.literal_eval(target.slice): value}
            except ValueError:
                name = ""
        yield name, value, node


def _known(values: Values, elements: Mapping[Any, Any]) -> dict[str, str]:
    kept = {}
    for key, value in elements.items():
        if key in ELEMENTS and isinstance(value, str):
            kept[key] = value
        else:
            _left_out(values, f"latex_elements[{key!r}]", str(key))
    return kept


def _left_out(values: Values, what: str, text: str = "") -> None:
    hint = f"of Sphinx's settings octavo takes latex_logo, and of latex_elements {', '.join(sorted(ELEMENTS))}"
    message = f"octavo does not take {what} from [build] sphinx_configs"
    place = values.ini.place("build", "sphinx_configs", text or what)
    values.tell(Severity.WARNING, Code.CONFIG_INHERITED, message, place, hint)
