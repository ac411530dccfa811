"""What a bundle and the library say of themselves: each has a README, in the book's language."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from octavo.publish.shelf import bracketed, code

_ENVIRONMENT = ".venv"


@dataclass(frozen=True, slots=True)
class Sayings:
    """The sentences of READMEs; braces stand for what differs."""

    bundle: str
    """What a folder of notebooks is: ``{title}``, ``{framework}``."""
    bundles: str
    """What the folder of all of them is: ``{title}``."""
    make: str
    """Above the commands that make an environment of pinned packages: ``{python}``."""
    make_any: str
    """Above the commands that make one without pins."""
    without_uv: str
    open: str
    execute: str
    windows: str
    library_in: str
    """Which file of a bundle is the library: ``{file}``."""
    library: str
    """What the library is: ``{title}``."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A name of the library."""

    name: str
    says: str
    """The first line of its docstring."""
    page: str
    """The page that defines it; empty for what no page does."""
    module: str
    """The module that has it, such as ``d2l.torch``."""


def of_bundle(title: str, framework: str, say: Sayings, *, python: str, library: str, front: str, example: str) -> str:
    """The README of one framework's notebooks: ``front`` is the page to open, ``example`` one to execute."""
    pinned = f" --python {python}" if python else ""
    system = f"python{python}" if python else "python3"
    parts = [
        f"# {bracketed(title)}",
        say.bundle.format(title=bracketed(title), framework=framework),
        say.make.format(python=python) if python else say.make_any,
        _commands(
            f"uv venv{pinned} {_ENVIRONMENT}",
            f"uv pip install --python {_ENVIRONMENT} -r requirements.txt jupyterlab",
        ),
        say.without_uv,
        _commands(
            f"{system} -m venv {_ENVIRONMENT}",
            f"{_ENVIRONMENT}/bin/python -m pip install -r requirements.txt jupyterlab",
        ),
        say.open,
        _commands(f"{_ENVIRONMENT}/bin/jupyter lab {_notebook(front)}".rstrip()),
        say.execute,
        _commands(f"{_ENVIRONMENT}/bin/jupyter execute {_notebook(example)}"),
        say.windows,
        *([say.library_in.format(file=code(library))] if library else []),
    ]
    return "\n\n".join(parts) + "\n"


def of_bundles(title: str, say: Sayings, folders: Iterable[tuple[str, str]]) -> str:
    """The README of the notebooks of all frameworks: folder and name of each."""
    listed = [f"- [{framework}]({quote(folder)}/README.md)" for folder, framework in folders]
    return "\n\n".join([f"# {bracketed(title)}", say.bundles.format(title=bracketed(title)), "\n".join(listed)]) + "\n"


def of_library(
    title: str, say: Sayings, names: Iterable[Saved], pages: Iterable[tuple[str, str]], address: str = ""
) -> str:
    """The README of the library: what each page saves, in the book's order, with links to pages at ``address``.

    ``pages`` are names and titles.
    """
    by_page: dict[str, dict[str, list[Saved]]] = {}
    for saved in names:
        by_page.setdefault(saved.page, {}).setdefault(saved.name, []).append(saved)
    modules = {saved.module for page in by_page.values() for found in page.values() for saved in found}
    parts = [f"# {bracketed(title)}", say.library.format(title=bracketed(title))]
    parts += ["\n".join(f"- {code(f'import {module}')}" for module in sorted(modules))] if modules else []
    for page, page_title in pages:
        if page in by_page:
            heading = bracketed(page_title or page)
            parts.append(f"## [{heading}]({address}{quote(page)}.html)" if address else f"## {heading}")
            parts.append("\n".join(_entries(by_page[page], len(modules))))
    return "\n\n".join(parts) + "\n"


def _entries(names: dict[str, list[Saved]], modules: int) -> Iterator[str]:
    for name, found in names.items():
        says = next((saved.says for saved in found if saved.says), "")
        where = sorted({saved.module.rpartition(".")[2] for saved in found})
        only = f" ({', '.join(where)})" if len(where) < modules else ""
        yield f"- {code(name)}{only}{': ' + says if says else ''}"


def _commands(*lines: str) -> str:
    return "\n".join(["```sh", *lines, "```"])


def _notebook(page: str) -> str:
    """A page's notebook as an argument of a shell."""
    return shlex.quote(f"{page}.ipynb") if page else ""
