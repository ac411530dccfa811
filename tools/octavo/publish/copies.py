"""What readers take from the website: pages as notebooks that stand alone and as Markdown, and archives of notebooks.

All of it is made for one framework at a time. What was made of a page is remembered, so that a build in which one page
changed makes that page's copies alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from urllib.parse import quote, unquote

from markdown_it.token import Token

from octavo import terminal
from octavo.config import Settings
from octavo.digests import digest, file_digests
from octavo.model import Book, Cell, Document, Edition, Output, Run
from octavo.publish.citations import Work
from octavo.publish.markdown import SOURCE, Sheet, parser, sheet
from octavo.publish.notebooks import notebook, pages_of, picture_files
from octavo.publish.shelf import Phrases, Shelf, View, bracketed
from octavo.source.numbers import Numbers
from octavo.website import markdown_address, notebook_address

KINDS = {".svg": "image/svg+xml", ".png": "image/png", ".gif": "image/gif", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
"""Pictures that a notebook can hold, the best first, as the website takes them."""
_MARKDOWN_PICTURE = re.compile(r"(!\[(?:[^\[\]\\]|\\.|\[[^\[\]]*\])*\]\()([^()\s]+)")
_HTML_PICTURE = re.compile(r"(<img\b[^>]*?\bsrc\s*=\s*[\"'])([^\"']+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Look:
    """Where the website has the pictures that a copy shows too; the stage that renders knows."""

    drawn: Callable[[str, str], tuple[str, str] | None]
    """MIME type and content of a picture that a cell drew → its address in the website and what it shows, in words;
    ``None`` if it is not shown."""
    picture: Callable[[str], str]
    """Path of an author's picture in the source folder → its address in the website."""


@dataclass(frozen=True)
class Shared:
    """What the copies of all pages are made from."""

    book: Book
    settings: Settings
    editions: Mapping[tuple[str, str], Edition]
    runs: Mapping[tuple[str, str], Run]
    tabs: tuple[str, ...]
    """The frameworks of the website."""
    numbers: Numbers
    works: Mapping[str, Work]
    phrases: Phrases
    look: Look
    shelf: Shelf = field(init=False)
    notebooks: Mapping[str, View] = field(init=False)
    """Framework → how its notebooks refer to each other."""
    markdown: Mapping[str, View] = field(init=False)
    digest: str = field(init=False)
    """Changes when any page's copies may, whatever is on that page."""

    def __post_init__(self) -> None:
        pages = frozenset(document.page for document in self.book.pages)
        base = self.settings.website.base_url
        notebooks = {
            tab: View(tab, pages_of(self.book, self.editions, self.settings, tab), site=base) for tab in self.tabs
        }
        markdown = {tab: View(tab, pages, markdown_address("", tab)) for tab in self.tabs}
        macros = {macro.name: macro for macro in self.settings.macros}
        shelf = Shelf(self.book, self.numbers, self.works, self.phrases, macros)
        object.__setattr__(self, "shelf", shelf)
        object.__setattr__(self, "notebooks", notebooks)
        object.__setattr__(self, "markdown", markdown)
        object.__setattr__(self, "digest", digest(list(self._facts())))

    def _facts(self) -> Iterator[object]:
        labels = self.numbers.labels.items()
        yield sorted((label, found.kind, found.number, found.page, found.title) for label, found in labels)
        yield [(page.page, page.title, [entry.page for entry in page.toc]) for page in self.book.pages]
        yield [(page, found.number, found.title) for page, found in self.shelf.heads.items()]
        yield sorted(self.works.items()), self.phrases, self.settings.macros
        yield [(tab, view.site, sorted(view.pages)) for tab, view in self.notebooks.items()]


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the copies of a page were made from, and what they are."""

    digest: str
    files: Mapping[str, str]
    """Absolute path of each picture in them → digest of its content."""
    made: Mapping[str, str]
    """Path of each of them in the website → digest of its content."""


@dataclass(frozen=True, slots=True)
class Made:
    """The copies of a page."""

    page: str
    remembered: Remembered
    files: Mapping[str, bytes] | None
    """Path in the website → content; ``None`` if they are those that were made before."""


class Reading:
    """The tokens of pages, which are read once for their numbers and their copies."""

    def __init__(self) -> None:
        self.md = parser()
        self._read: dict[str, tuple[str, Sequence[Token]]] = {}

    def tokens(self, document: Document) -> Sequence[Token]:
        """The tokens of a page, which stay here until :meth:`take` wants them too."""
        env: dict[str, str] = {}
        tokens = self.md.parse(document.text, env)
        self._read[document.page] = env[SOURCE], tokens
        return tokens

    def take(self, document: Document) -> tuple[str, Sequence[Token]]:
        """The text that the tokens of a page stand in, and these."""
        if document.page not in self._read:
            self.tokens(document)
        return self._read.pop(document.page)


def copies(
    shared: Shared, before: Mapping[str, Remembered], is_there: Callable[[str], bool], reading: Reading
) -> Iterator[Made]:
    """The copies of each page, in the book's order.

    ``before`` is what an earlier build remembered, ``is_there`` tells whether a file of the website is still there.
    """
    numbered: dict[str, list[object]] = {}
    for (page, line), found in shared.numbers.places.items():
        numbered.setdefault(page, []).append((line, found.kind, found.number))
    for document in shared.book.pages:
        now = digest(shared.digest, numbered.get(document.page), list(_own_facts(shared, document)))
        known = before.get(document.page)
        if (
            known is not None
            and known.digest == now
            and all(map(is_there, known.made))
            and file_digests(known.files) == known.files
        ):
            yield Made(document.page, known, None)
            continue
        text, tokens = reading.take(document)
        files, shown = _of_page(shared, sheet(document, text, tokens, shared.shelf, reading.md))
        made = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        yield Made(document.page, Remembered(now, file_digests(shown), made), files)


def _own_facts(shared: Shared, document: Document) -> Iterator[object]:
    """What the copies of a page are made from, besides what all pages share."""
    yield document.text, document.tabs
    for tab in shared.tabs:
        edition, run = shared.editions.get((document.page, tab)), shared.runs.get((document.page, tab))
        yield [(part.cell.span.line, part.code.text) for part in edition.cells] if edition else None
        if run is None:
            yield None
            continue
        outputs = [output for cell in run.cells for output in cell.outputs]
        yield [len(cell.outputs) for cell in run.cells], repr(run.failure)
        yield [(o.kind, o.name, o.text, sorted(o.data.items()), o.traceback) for o in outputs]


def _of_page(shared: Shared, page: Sheet) -> tuple[dict[str, bytes], list[Path]]:
    """Path in the website → content, and the author's pictures that are in it."""
    name = page.document.page
    files: dict[str, bytes] = {}
    shown: dict[str, Path] = {}
    for tab in shared.tabs:
        edition = shared.editions.get((name, tab)) or Edition(name, tab, ())
        run = shared.runs.get((name, tab))
        pictures: set[str] = set()
        if name in shared.notebooks[tab].pages:
            content = notebook(page, edition, run, shared.notebooks[tab], pictures, _Embedding(shared, name, shown))
            if content is not None:
                files[notebook_address(name, tab)] = content
        text = _markdown(shared, page, edition, run, shared.markdown[tab])
        files[markdown_address(name, tab)] = text.encode("utf-8", "replace")
        # for the button that copies it: a page that is opened as a file may not read other files
        files[f"{markdown_address(name, tab)}.js"] = f"octavoMarkdown({json.dumps(text)})\n".encode("ascii")
    return files, sorted(shown.values())


# -- pictures


class _Embedding:
    """Takes the pictures that Markdown shows into the notebook, so that it is whole wherever it goes."""

    def __init__(self, shared: Shared, page: str, shown: dict[str, Path]) -> None:
        self.settings = shared.settings
        self.page = page
        self.shown = shown

    def __call__(self, text: str, pictures: Iterable[str]) -> tuple[str, dict[str, dict[str, str]]]:
        """The Markdown of a cell, and its attachments as notebooks have them."""
        if "![" not in text and "<img" not in text:
            return text, {}
        files = {path: file for path, file in picture_files(pictures, self.settings) if file.suffix.lower() in KINDS}
        attached: dict[str, dict[str, str]] = {}

        def address(path: str) -> str | None:
            if path not in files:
                return None
            self.shown[path] = files[path]
            name = path.replace("/", "-")
            data = base64.b64encode(files[path].read_bytes()).decode("ascii")
            attached[name] = {KINDS[files[path].suffix.lower()]: data}
            return f"attachment:{quote(name)}"

        return readdressed(text, self.page, address), attached


def readdressed(text: str, page: str, address: Callable[[str], str | None]) -> str:
    """Markdown of a page with other addresses for its pictures: ``address`` is given a path in the source folder."""

    def written(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(match[2])))
        return match[1] + (address(path) or match[2])

    return _HTML_PICTURE.sub(written, _MARKDOWN_PICTURE.sub(written, text))


# -- Markdown


def _markdown(shared: Shared, page: Sheet, edition: Edition, run: Run | None, view: View) -> str:
    """A page as one framework's readers see it, with what its cells printed."""
    name = page.document.page
    positions = {part.cell.index: index for index, part in enumerate(edition.cells)}
    pictures: set[str] = set()
    parts: list[str] = []
    for piece in page.pieces(view, pictures):
        if not isinstance(piece, Cell):
            parts.append(readdressed(piece.text, name, lambda path: _picture(path, pictures, name, shared.look)))
        elif piece.index in positions:
            parts += _cell(shared, page, edition, run, positions[piece.index])
    return "\n\n".join(parts) + "\n"


def _picture(path: str, pictures: Iterable[str], page: str, look: Look) -> str | None:
    return _relative(look.picture(path), page) if path in pictures else None


def _relative(address: str, page: str) -> str:
    return quote(posixpath.relpath(address, posixpath.dirname(page) or "."))


def _cell(shared: Shared, page: Sheet, edition: Edition, run: Run | None, position: int) -> Iterator[str]:
    part = edition.cells[position]
    code = page.shelf.in_code(part.code.text.strip("\n"))
    if code and not part.cell.hide_code:
        yield fenced(code, "python")
    if part.cell.hide_output:
        return
    for output in _joined(run.cells[position].outputs if run is not None and position < len(run.cells) else ()):
        yield from _output(output, page.document.page, shared.look)
    failure = run.failure if run is not None else None
    if failure is not None and failure.cell == position:
        yield fenced(f"{failure.name}: {failure.message}".strip(": "), "output")


def _joined(outputs: Iterable[Output]) -> Iterator[Output]:
    """Outputs with what a stream printed in pieces put together."""
    for (kind, name), same in groupby(outputs, key=lambda output: (output.kind, output.name)):
        if kind == "stream":
            yield Output(kind, name, "".join(output.text for output in same))
        else:
            yield from same


def _output(output: Output, page: str, look: Look) -> Iterator[str]:
    """What a cell printed or drew: pictures by their address, everything else as text."""
    if output.kind in ("stream", "error"):
        text = output.text if output.kind == "stream" else f"{output.name}: {output.text}"
    else:
        drawn = (look.drawn(kind, output.data[kind]) for kind in KINDS.values() if kind in output.data)
        shown = next(filter(None, drawn), None)
        if shown is not None:
            yield f"![{bracketed(shown[1])}]({_relative(shown[0], page)})"
            return
        if "text/markdown" in output.data or "text/latex" in output.data:
            yield (output.data.get("text/markdown") or output.data["text/latex"]).strip("\n")
            return
        text = output.data.get("text/plain", "")
    text = terminal.shown(text).strip("\n")
    if text.strip():
        yield fenced(text, "output")


def fenced(text: str, info: str) -> str:
    """Text between fences that nothing in it closes."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{info}\n{text}\n{fence}"


# -- archives


def needed(settings: Settings, editions: Iterable[Edition], tabs: Iterable[str]) -> dict[str, dict[str, Path]]:
    """Framework → the book's files that its cells need: its library, and the resources that some cell names."""
    source, root = settings.source.resolve(), settings.root.resolve()
    paths = [source / name for name in settings.resource_paths()]
    files = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    suffixes = {file.suffix for file in files}
    code: dict[str, dict[str, None]] = {tab: {} for tab in tabs}
    for edition in editions:
        code.get(edition.tab, {}).update((line, None) for part in edition.cells for line in part.code.text.split("\n"))
    found: dict[str, dict[str, Path]] = {}
    for tab, lines in code.items():
        # hundreds of files are not sought in the code of a whole book, but on the lines that name one of their kind
        near = {suffix: "\n".join(line for line in lines if suffix in line) for suffix in suffixes}
        named = [file for file in files if file.name in near[file.suffix]]
        library = settings.libraries.get(tab)
        if library is not None:
            named += [root / library.file, *([root / library.package / "__init__.py"] if library.package else [])]
        inside = [file for file in named if file.is_file() and file.resolve().is_relative_to(root)]
        found[tab] = {
            file.relative_to(source if file.is_relative_to(source) else root).as_posix(): file for file in inside
        }
    return found


def names_of(pages: Sequence[str], tab: str) -> dict[str, str]:
    """Path in the website of each notebook of a framework → its path in the archive."""
    return {notebook_address(page, tab): f"{page}.ipynb" for page in pages}
