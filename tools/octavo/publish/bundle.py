"""Notebooks with everything that they need, in one archive: for readers who take them home.

A framework's folder is a place to work in: notebooks with their pictures, the files that cells read, the library as a
wheel, the packages to install, and a README with the commands. All frameworks' archive holds such a folder of each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from octavo.config import Settings, tab_title
from octavo.model import Edition
from octavo.publish.archive import archive
from octavo.publish.copies import needed
from octavo.publish.notebooks import Folder
from octavo.publish.readme import Sayings, of_bundle, of_bundles
from octavo.website import product_name

README = "README.md"
REQUIREMENTS = "requirements.txt"
KERNEL = "ipykernel"

Content = bytes | Path
"""A file: what it holds, or where it stands."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """What a framework's notebooks were executed with."""

    python: str = ""
    """The version of Python, such as ``3.11``; empty where nobody pinned anything."""
    requirements: Sequence[str] = ()
    """What to install, a requirement each."""
    imports: Sequence[str] = ()
    """Modules of the framework."""


def contents(
    folder: Folder,
    resources: Mapping[str, Path],
    library: tuple[str, bytes] | None,
    pinned: Pinned,
    licences: Mapping[str, bytes],
    settings: Settings,
    say: Sayings,
) -> dict[str, Content]:
    """Every file of one framework's folder: path → content."""
    pages = [path.removesuffix(".ipynb") for path in folder.notebooks]
    front = settings.index if settings.index in pages else ""
    example = next((page for page in pages if page != front), front)
    title = settings.title or settings.name
    wheel = library[0] if library is not None else ""
    readme = of_bundle(
        title, _framework(folder.tab), say, python=pinned.python, library=wheel, front=front, example=example
    )
    return {
        **licences,
        **resources,
        **folder.pictures,
        **folder.notebooks,
        **(dict([library]) if library is not None else {}),
        REQUIREMENTS: _requirements(folder.tab, pinned, wheel).encode(),
        README: readme.encode(),
    }


def _framework(tab: str) -> str:
    """How a framework is called; a book without frameworks has Python."""
    return "Python" if tab == "default" else tab_title(tab)


def _requirements(tab: str, pinned: Pinned, wheel: str) -> str:
    """What has to be installed, as installers read it; what a lock says beside its pins stays said."""
    head = [f"# {_framework(tab)}"]
    head += [f"# python: {pinned.python}"] if pinned.python else []
    head += [f"# import: {' '.join(pinned.imports)}"] if pinned.imports else []
    return "\n".join([*head, *pinned.requirements, *([f"./{wheel}"] if wheel else []), ""])


def resources(settings: Settings, editions: Iterable[Edition], tab: str) -> dict[str, Path]:
    """The files of the book that a framework's cells read: those that they name, and all of a folder that they name."""
    mine = [edition for edition in editions if edition.tab == tab]
    found = needed(settings, mine, (tab,))[tab]
    code = "\n".join(line for edition in mine for part in edition.cells for line in part.code.text.split("\n"))
    source = settings.source.resolve()
    for name in settings.resource_paths():
        folder = (source / name).resolve()
        if folder.is_relative_to(source) and folder.is_dir():
            for below in (folder, *sorted(path for path in folder.rglob("*") if path.is_dir())):
                if _is_named(below.name, code):
                    found |= {
                        path.relative_to(source).as_posix(): path
                        for path in sorted(below.rglob("*"))
                        if path.is_file() and path.resolve().is_relative_to(source)
                    }
    ours = {
        path for library in settings.libraries.values() for path in (library.file, f"{library.package}/__init__.py")
    }
    packages = tuple(f"{library.package}/" for library in settings.libraries.values() if library.package)
    return {path: file for path, file in found.items() if path not in ours and not path.startswith(packages)}


def _is_named(folder: str, code: str) -> bool:
    """Whether code names a folder itself, and not only files in it: ``'../img'``, ``f'../img/{i}.png'``."""
    name = re.escape(folder)
    return re.search(rf"[\"'/]{name}/?[\"']|[\"'/]{name}/[^\"'\n]*[{{%*?]", code) is not None


def bundles(
    parts: Mapping[str, Mapping[str, Content]], settings: Settings, say: Sayings
) -> dict[str, Callable[[], bytes]]:
    """Name of each archive → its bytes, made when they are asked for; ``parts`` are the frameworks' folders."""
    name = settings.name
    found: dict[str, Callable[[], bytes]] = {}
    for tab in parts:
        found[file_name(name, tab)] = _packing({product_name(name, tab): parts[tab]}, {})
    if len(parts) > 1:
        folders = [(tab, tab_title(tab)) for tab in parts]
        whole = product_name(name, "default")
        readme = {f"{whole}/{README}": of_bundles(settings.title or name, say, folders).encode()}
        found[file_name(name, "default")] = _packing({f"{whole}/{tab}": parts[tab] for tab in parts}, readme)
    return found


def file_name(name: str, tab: str) -> str:
    """How a framework's archive is called; ``default`` is that of all frameworks."""
    return f"{product_name(name, tab)}.zip"


def _packing(folders: Mapping[str, Mapping[str, Content]], beside: Mapping[str, Content]) -> Callable[[], bytes]:
    files = dict(beside)
    for folder, content in folders.items():
        files.update({f"{folder}/{path}": file for path, file in content.items()})

    return lambda: archive({path: partial(_read, content) for path, content in files.items()})


def _read(content: Content) -> bytes:
    return content.read_bytes() if isinstance(content, Path) else content
