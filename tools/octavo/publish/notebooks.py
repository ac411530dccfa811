"""Editions and runs → Jupyter notebooks, in a folder that each framework's readers can take as it is.

A notebook is a value here: bytes that depend on the page, its results and the book's numbers alone, so that a build
which changes nothing writes nothing. They are JSON as Jupyter itself writes it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it.token import Token

from octavo.config import Settings
from octavo.model import Book, Cell, CellRun, Document, Edition, EditionCell, Failure, Output, Run
from octavo.publish.citations import read_works
from octavo.publish.markdown import SOURCE, Sheet, parser, sheet
from octavo.publish.shelf import Phrases, Shelf, View
from octavo.source.links import bibliographies
from octavo.source.numbers import number

FORMAT, FORMAT_MINOR = 4, 5
CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIGITS = 12

Embed = Callable[[str, Iterable[str]], tuple[str, dict[str, dict[str, str]]]]
"""Markdown and the pictures shown → the same with pictures that go with it, and these: name → MIME type → base64."""


@dataclass(frozen=True, slots=True)
class Folder:
    """All files of one framework's notebooks."""

    tab: str
    notebooks: Mapping[str, bytes]
    """Path in the folder → content."""
    pictures: Mapping[str, Path]
    """Path in the folder → the author's file."""


def notebooks(
    book: Book,
    settings: Settings,
    editions: Mapping[tuple[str, str], Edition],
    runs: Mapping[tuple[str, str], Run],
    tabs: Sequence[str],
    phrases: Phrases | None = None,
) -> Iterator[Folder]:
    """The notebooks of each framework in ``tabs``: one for every page with code in it, and the table of contents.

    A page without code in a framework has no notebook there. The root page has one wherever any other page has, as
    long as its tables of contents lead to one.
    """
    read = sheets(book, settings, phrases or Phrases())
    for tab in tabs:
        pages = pages_of(book, editions, settings, tab)
        view = View(tab, pages, site=settings.website.base_url)
        shown: set[str] = set()
        files: dict[str, bytes] = {}
        for document in book.pages:
            if document.page in pages:
                edition = editions.get((document.page, tab)) or Edition(document.page, tab, ())
                run = runs.get((document.page, tab))
                content = notebook(read[document.page], edition, run, view, shown)
                if content is not None:
                    files[f"{document.page}.ipynb"] = content
        yield Folder(tab, files, dict(picture_files(shown, settings)))


def pages_of(book: Book, editions: Mapping[tuple[str, str], Edition], settings: Settings, tab: str) -> frozenset[str]:
    """The pages that have a notebook in a framework."""
    with_code = frozenset(
        page for (page, t), edition in editions.items() if t == tab and edition.cells and settings.is_notebook(page)
    )
    return with_code | _front(book, with_code)


def _front(book: Book, pages: frozenset[str]) -> frozenset[str]:
    """The root page, if there is something that its table of contents can lead to."""
    root = book.pages[0] if book.pages else None
    return frozenset({root.page}) if root is not None and root.toc and pages - {root.page} else frozenset()


def picture_files(shown: Iterable[str], settings: Settings) -> Iterator[tuple[str, Path]]:
    """The pictures that are there; others are reported by whoever checks the book's links."""
    source = settings.source.resolve()
    for path in sorted(shown):
        file = (source / path).resolve()
        if file.is_relative_to(source) and file.is_file():
            yield path, file


def sheets(book: Book, settings: Settings, phrases: Phrases) -> Mapping[str, Sheet]:
    """Each page of the book with all that notebooks show otherwise."""
    md = parser()
    tokens: dict[str, Sequence[Token]] = {}
    texts: dict[str, str] = {}
    for document in book.pages:
        env: dict[str, Any] = {}
        tokens[document.page] = md.parse(document.text, env)
        texts[document.page] = env[SOURCE]
    cited = (reference.target for d in book.pages for reference in d.references if reference.kind == "citation")
    works = read_works(bibliographies(book, settings), cited)
    macros = {macro.name: macro for macro in settings.macros}
    shelf = Shelf(book, number(book, lambda document: tokens[document.page]), works, phrases, macros)
    return {d.page: sheet(d, texts[d.page], tokens[d.page], shelf, md) for d in book.pages}


def notebook(
    page: Sheet, edition: Edition, run: Run | None, view: View, pictures: set[str], embed: Embed | None = None
) -> bytes | None:
    """One page in one framework; ``None`` when nothing is left of it. ``pictures`` is given those that it shows."""
    parts = {part.cell.index: (position, part) for position, part in enumerate(edition.cells)}
    ids = _Ids()
    cells: list[dict[str, Any]] = []
    for piece in page.pieces(view, pictures):
        if isinstance(piece, Cell):
            if piece.index in parts:
                position, part = parts[piece.index]
                cells.append(_code_cell(part, position, run, ids, page.shelf))
        else:
            text, attached = embed(piece.text, pictures) if embed is not None else (piece.text, {})
            cells.append(_markdown_cell(text, attached, ids.of("markdown", piece.origin)))
    if not cells:
        return None
    document = page.document
    return _written(cells, _metadata(document, view.tab, cells))


def _metadata(document: Document, tab: str, cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    shown = _shown(cells)
    ours = {"framework": tab, "page": document.page, **({"shown": shown} if shown else {})}
    return {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {
            "file_extension": ".py",
            "mimetype": "text/x-python",
            "name": "python",
            "nbconvert_exporter": "python",
            "pygments_lexer": "ipython3",
        },
        "octavo": {**ours, "source": _digest(document.text)},
        "title": document.title,
    }


def _shown(cells: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Id of each cell → digest of what it shows where the id is of something else: so ``octavo sync`` knows edits."""
    shown = {cell["id"]: _cell_digest(cell["cell_type"], "".join(cell["source"])) for cell in cells}
    return {name: found for name, found in shown.items() if not name.startswith(found)}


def _cell_digest(kind: str, source: str) -> str:
    return hashlib.sha256(f"{kind}\n{source}".encode("utf-8", "replace")).hexdigest()[:_DIGITS]


def _digest(text: str) -> str:
    """What tells ``octavo sync`` whether the page has changed since."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGITS]


class _Ids:
    """Ids of the cells of one notebook: the author's own, or made of what the page says there; each of them once.

    They stay when something changes elsewhere, even a number that the cell refers to.
    """

    def __init__(self) -> None:
        self.given: set[str] = set()

    def of(self, kind: str, source: str, own: str | None = None) -> str:
        """An id for a cell; equal cells get a number behind theirs."""
        digest = _cell_digest(kind, source)
        wanted = own if own is not None and CELL_ID.fullmatch(own) else digest
        name, count = wanted, 1
        while name in self.given:
            count += 1
            name = f"{wanted[: 63 - len(str(count))]}-{count}"
        self.given.add(name)
        return name


def _markdown_cell(text: str, attached: Mapping[str, Any], name: str) -> dict[str, Any]:
    cell = {"cell_type": "markdown", "id": name, "metadata": {}, "source": _lines(text)}
    return {**cell, "attachments": attached} if attached else cell


def _code_cell(part: EditionCell, position: int, run: Run | None, ids: _Ids, shelf: Shelf) -> dict[str, Any]:
    text = shelf.in_code(part.code.text.strip("\n"))
    done = run.cells[position] if run is not None and position < len(run.cells) else None
    failure = run.failure if run is not None and run.failure is not None and run.failure.cell == position else None
    count = position + 1 if done is not None or failure is not None else None
    return {
        "cell_type": "code",
        "execution_count": count,
        "id": ids.of("code", part.code.text.strip("\n"), part.cell.id),
        "metadata": _visibility(part.cell),
        "outputs": list(_outputs(done, failure, count)),
        "source": _lines(text),
    }


def _visibility(cell: Cell) -> dict[str, Any]:
    """What a reader of the website does not see is folded, and tagged as Jupyter's tools expect it."""
    if cell.hide_code and cell.hide_output:
        return {"jupyter": {"outputs_hidden": True, "source_hidden": True}, "tags": ["hide-cell"]}
    if cell.hide_code:
        return {"jupyter": {"source_hidden": True}, "tags": ["hide-input"]}
    if cell.hide_output:
        return {"jupyter": {"outputs_hidden": True}, "tags": ["hide-output"]}
    return {}


def _outputs(done: CellRun | None, failure: Failure | None, count: int | None) -> Iterator[dict[str, Any]]:
    failed = False
    for output in done.outputs if done is not None else ():
        failed = failed or output.kind == "error"
        yield _output(output, count)
    if failure is not None and not failed:
        yield {
            "ename": failure.name,
            "evalue": failure.message,
            "output_type": "error",
            "traceback": list(failure.traceback),
        }


def _output(output: Output, count: int | None) -> dict[str, Any]:
    if output.kind == "stream":
        return {"name": output.name or "stdout", "output_type": "stream", "text": _lines(output.text)}
    if output.kind == "error":
        return {
            "ename": output.name,
            "evalue": output.text,
            "output_type": "error",
            "traceback": list(output.traceback),
        }
    data = {kind: _bundled(kind, content) for kind, content in sorted(output.data.items())}
    shown: dict[str, Any] = {"data": data, "metadata": {}, "output_type": "display_data"}
    if output.kind == "result":
        shown |= {"execution_count": count, "output_type": "execute_result"}
    return shown


def _bundled(kind: str, content: str) -> Any:
    if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
        try:
            return json.loads(content)
        except ValueError:
            return content
    return content if kind.startswith("image/") and kind != "image/svg+xml" else _lines(content)


def _lines(text: str) -> list[str]:
    """Text as Jupyter writes it: a string a line, with its line end."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _written(cells: Sequence[Mapping[str, Any]], metadata: Mapping[str, Any]) -> bytes:
    content = {"cells": cells, "metadata": metadata, "nbformat": FORMAT, "nbformat_minor": FORMAT_MINOR}
    return (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8", "replace")
