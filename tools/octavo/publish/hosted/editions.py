"""Editions and runs → the notebooks of one host, in a folder for each framework that can be pushed as it is."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from octavo.config import Settings
from octavo.config.hosted import Service
from octavo.model import Book, Edition, Run
from octavo.publish.bundle import resources
from octavo.publish.hosted.install import Means, source
from octavo.publish.hosted.pictures import Drawings, Showing
from octavo.publish.notebooks import notebook, pages_of, picture_files, sheets
from octavo.publish.shelf import Phrases, View
from octavo.website import in_repository, opening

ALONE = frozenset({"colab", "kaggle"})
"""Hosts that open a notebook without the files beside it."""
_PROJECT = ("setup.py", "setup.cfg", "pyproject.toml", "MANIFEST.in")
"""Files that make a folder something that pip installs, which old books have among their resources."""
_INSTALL_ID = "octavo-install"


@dataclass(frozen=True, slots=True)
class Tree:
    """All files of one framework's notebooks for one host."""

    tab: str
    notebooks: Mapping[str, bytes]
    """Path in the folder → content."""
    files: Mapping[str, bytes | Path]
    """Everything else."""
    lost: tuple[str, ...] = ()
    """Drawings that the host will not show."""


@dataclass(frozen=True)
class Host:
    """One host, and how its notebooks come by what they need."""

    name: str
    """One of :data:`~octavo.website.SERVICES`."""
    service: Service
    header: str
    """The text above what is installed."""
    means: Mapping[str, Means]
    """Framework → what its notebooks install."""
    pins: Callable[[str, str], str]
    """Page and framework → the lock that it runs with, a package a line; empty where there is none."""
    picture: Callable[[str], str]
    """Path of a picture in the source folder → its address in the published website; empty if that is not known."""
    accelerated: Collection[tuple[str, str]]
    """(page, framework) of the pages that say that they use graphics cards."""
    beside: Mapping[str, Mapping[str, bytes]]
    """Framework → further files of its folder."""


def trees(
    host: Host,
    book: Book,
    settings: Settings,
    editions: Mapping[tuple[str, str], Edition],
    runs: Mapping[tuple[str, str], Run],
    tabs: Sequence[str],
    phrases: Phrases,
) -> Iterator[Tree]:
    """The notebooks of each framework in ``tabs`` for one host, and what they need beside them."""
    read = sheets(book, settings, phrases)
    drawings = Drawings()
    for tab in tabs:
        pages = pages_of(book, editions, settings, tab)
        repository = host.service.repository(tab)
        alone = host.name in ALONE
        data = resources(settings, editions.values(), tab)
        begin = opening(host.name, repository) if alone and repository else ""
        view = View(tab, pages, begin=begin, site=settings.website.base_url)
        showing = Showing(settings, _addresses(host), host.name == "colab", drawings)
        shown: set[str] = set()
        files: dict[str, bytes] = {}
        for document in (document for document in book.pages if document.page in pages):
            edition = editions.get((document.page, tab)) or Edition(document.page, tab, ())
            run = runs.get((document.page, tab))
            embed = showing.of_page(document.page) if alone else None
            content = notebook(read[document.page], edition, run, view, shown, embed)
            if content is None:
                continue
            code = source(document, edition, host.means[tab], host.pins(document.page, tab))
            install = _installing(code, host, _fetching(host, settings, edition, data))
            metadata = _metadata(host, tab, needs_card=_needs_card(host, edition))
            files[f"{document.page}.ipynb"] = _hosted(content, host.name, install, metadata)
        beside: dict[str, bytes | Path] = dict(picture_files(shown, settings))
        beside |= {**data, **project(settings), **host.beside.get(tab, {})} if files else {}
        yield Tree(tab, files, beside, tuple(sorted(showing.lost)))


def _addresses(host: Host) -> Callable[[str], str]:
    """Where a picture is in the web: for drawings as old books say it, else in the book's own website."""

    def address(path: str) -> str:
        begin, instead = host.service.pictures or ("", "")
        if instead and path.lower().endswith(".svg") and path.startswith(begin):
            return instead + path[len(begin) :]
        return host.picture(path)

    return address


def _needs_card(host: Host, edition: Edition) -> bool:
    """Whether a page declares that it uses a graphics card, or has in its code what old books look for."""
    pattern = host.service.gpu_pattern
    declared = (edition.page, edition.tab) in host.accelerated
    return declared or bool(pattern and any(pattern in part.code.text for part in edition.cells))


def project(settings: Settings) -> dict[str, Path]:
    """What makes a folder of notebooks something that pip installs, if the book has it among its resources."""
    source_folder = settings.source
    named = [name.removeprefix("./").rstrip("/") for name in settings.resource_paths()]
    found = {name: source_folder / name for name in _PROJECT if name in named and (source_folder / name).is_file()}
    if not found:
        return {}
    packages = {library.package for library in settings.libraries.values() if library.package in named}
    for package in packages:
        for file in sorted((source_folder / package).rglob("*.py")):
            if file.resolve().is_relative_to(source_folder.resolve()):
                found[file.relative_to(source_folder).as_posix()] = file
    return found


# -- one notebook


def _fetching(host: Host, settings: Settings, edition: Edition, data: Mapping[str, Path]) -> Mapping[str, str]:
    """Path from a notebook → address of each file of the book that its code reads, where it stands without them."""
    repository = host.service.repository(edition.tab)
    code = "\n".join(part.code.text for part in edition.cells)
    words = {word for name in data for word in name.split("/")}
    if host.name not in ALONE or not repository or not any(word in code for word in words):
        return {}
    own = resources(settings, [edition], edition.tab)
    begin, here = in_repository(host.name, repository), posixpath.dirname(edition.page) or "."
    return {posixpath.relpath(name, here): begin + quote(name) for name in own if name in data}


def _installing(code: str, host: Host, fetched: Mapping[str, str]) -> list[dict[str, Any]]:
    """The cells at the top of a notebook: what is said of installing, and what does it."""
    if fetched:
        lines = [f"    {path!r}: {address!r}," for path, address in fetched.items()]
        fetching = _FETCHING.format(files="\n".join(lines))
        code = f"{code}\n{fetching}" if code else fetching
    if not code:
        return []
    own: dict[str, Any] = {}
    if "base64" in code and host.name == "colab":
        own["cellView"] = "form"
    elif "base64" in code:
        own["jupyter"] = {"source_hidden": True}
    cell = {
        "cell_type": "code",
        "execution_count": None,
        "id": _INSTALL_ID,
        "metadata": own,
        "outputs": [],
        "source": code.splitlines(keepends=True),
    }
    header = host.service.header if host.service.header is not None else host.header
    above = {
        "cell_type": "markdown",
        "id": f"{_INSTALL_ID}-header",
        "metadata": {},
        "source": header.splitlines(keepends=True),
    }
    return [above, cell] if header else [cell]


_FETCHING = """\
from pathlib import Path
from urllib.request import urlretrieve

for path, address in {{
{files}
}}.items():
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    urlretrieve(address, path)"""


def _metadata(host: Host, tab: str, *, needs_card: bool) -> dict[str, Any]:
    """What a host reads of a notebook besides its cells."""
    kernel = host.service.kernel(tab)
    found: dict[str, Any] = {}
    if kernel:
        found["kernelspec"] = {"display_name": kernel, "language": "python", "name": kernel}
    if host.name == "colab":
        found["colab"] = {"provenance": [], **({"gpuType": "T4"} if needs_card else {})}
        if needs_card:
            found["accelerator"] = "GPU"
    if host.name == "kaggle":
        found["kaggle"] = {
            "accelerator": "gpu" if needs_card else "none",
            "dataSources": [],
            "isGpuEnabled": needs_card,
            "isInternetEnabled": True,
            "language": "python",
            "sourceType": "notebook",
        }
    return found


def _hosted(content: bytes, host: str, install: Sequence[Mapping[str, Any]], metadata: Mapping[str, Any]) -> bytes:
    """A notebook with further cells at its top, and with what a host wants to know of it."""
    whole = json.loads(content)
    given = {cell["id"] for cell in whole["cells"]}
    install = [{**cell, "id": _free(cell["id"], given)} for cell in install]
    whole["cells"] = [*install, *whole["cells"]]
    whole["metadata"] |= metadata
    whole["metadata"]["octavo"]["host"] = host
    return (json.dumps(whole, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8", "replace")


def _free(name: str, given: Collection[str]) -> str:
    """An id that no cell of the author's has."""
    return next(found for found in (name, *(f"{name}-{n}" for n in range(2, len(given) + 3))) if found not in given)
