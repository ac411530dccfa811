"""The table of contents → the book's pages in reading order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from octavo.config import Settings
from octavo.diagnostics import Code, Diagnostic, error, warning
from octavo.model import Book, Document, Span

SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__"})


Read = Callable[[str, str], tuple[Document, tuple[Diagnostic, ...]]]
"""Path and text → the page, and what is wrong with it."""


def read_book(settings: Settings, read: Read | None = None) -> tuple[Book, tuple[Diagnostic, ...]]:
    """Read every page that the tables of contents reach from the root page, depth first.

    ``read`` reads one; by default :func:`octavo.source.reader.read`.

    A page that a table names and the book lacks is an error at that line; a Markdown file that no table names is a
    warning. A page named twice counts where it stands first.
    """
    read = read or reading(settings)
    messages: list[Diagnostic] = []
    pages: dict[str, Document] = {}
    named: set[str] = set()
    todo: list[tuple[str, Span | None]] = [(settings.index, None)]
    while todo:
        page, named_at = todo.pop()
        if page in pages:
            messages.append(_repeated(page, named_at, settings))
            continue
        named.add(page)
        text = _text_of(page, named_at, settings)
        if isinstance(text, Diagnostic):
            messages.append(text)
            continue
        pages[page], found = read(f"{page}.md", text)
        messages.extend(found)
        todo.extend((entry.page, entry.span) for entry in reversed(pages[page].toc))
    if pages:
        messages.extend(
            warning(
                Code.ORPHAN_PAGE,
                "no table of contents names this page, so it is not part of the book",
                Span(f"{page}.md", 1, 1),
                hint="name it in a ```toc fence, or in [build] exclusions",
            )
            for page in unlisted(settings, named)
        )
    return Book(tuple(pages.values())), tuple(messages)


def reading(settings: Settings) -> Read:
    """:func:`octavo.source.reader.read` for a book; its parser is loaded when the first page wants it."""

    def read(path: str, text: str) -> tuple[Document, tuple[Diagnostic, ...]]:
        from octavo.source import reader

        return reader.read(path, text, settings)

    return read


def texts(settings: Settings) -> Iterator[tuple[str, str]]:
    """Path and text of every file that may be a page of the book, but for those that cannot be read."""
    for page in markdown_files(settings):
        with contextlib.suppress(OSError, ValueError):
            if not settings.is_excluded(page):
                yield f"{page}.md", (settings.source / f"{page}.md").read_text(encoding="utf-8")


def _repeated(page: str, named_at: Span | None, settings: Settings) -> Diagnostic:
    if page == settings.index:
        message = f"{page} is the root page, which comes before every table of contents"
        return warning(Code.REPEATED_PAGE, message, named_at, hint="take the line out of the toc")
    if named_at is not None and named_at.path == f"{page}.md":
        message = f"{page} names itself in its table of contents"
        return warning(Code.REPEATED_PAGE, message, named_at, hint="take the line out of the toc")
    return warning(
        Code.REPEATED_PAGE, f"{page} stands in a table of contents before this", named_at, hint="name it once"
    )


def _text_of(page: str, named_at: Span | None, settings: Settings) -> str | Diagnostic:
    """The text of a page, or why there is none."""
    path = settings.source / f"{page}.md"
    inside = page != ".." and not page.startswith(("../", "/"))
    try:
        if inside and path.is_file():
            return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        line = problem.object.count(b"\n", 0, problem.start) + 1
        place = Span(f"{page}.md", line, line)
        return error(Code.MARKUP, f"the file is not UTF-8 text: {problem.reason}", place, excerpt="")
    except (OSError, ValueError) as problem:  # no permission, a name that is too long or holds a NUL
        reason = getattr(problem, "strerror", None) or problem
        return error(Code.UNKNOWN_PAGE, f"{page}.md cannot be read: {reason}", named_at)
    if named_at is None:
        hint = _similar(page, settings) or "name the root page in [build] index"
        return error(Code.UNKNOWN_PAGE, f"there is no root page {page}.md", hint=hint)
    hint = _similar(page, settings) or "make the file, or take the line out of the toc"
    return error(Code.UNKNOWN_PAGE, f"there is no page {page}.md", named_at, hint=hint)


def markdown_files(settings: Settings) -> Iterable[str]:
    """Every Markdown file below the source folder as a page name, sorted, products and hidden folders left out."""
    source = settings.source
    output = (settings.root / settings.output_dir).resolve()
    found: list[str] = []
    folders = [source]
    while folders:
        for entry in _entries(folders.pop()):
            if entry.name.startswith(".") or entry.name in SKIPPED_FOLDERS:
                continue
            if entry.is_dir():
                if not entry.is_symlink() and entry.resolve() != output:
                    folders.append(entry)
            elif entry.suffix == ".md":
                found.append(entry.relative_to(source).as_posix().removesuffix(".md"))
    return sorted(found)


def _entries(folder: Path) -> Iterable[Path]:
    """What a folder holds; nothing when it cannot be looked into."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def unlisted(settings: Settings, pages: Iterable[str]) -> list[str]:
    """Markdown files that the settings count to the book and that no table of contents names."""
    known = set(pages)
    return [
        page
        for page in markdown_files(settings)
        if page not in known and settings.is_notebook(page) and not settings.is_excluded(page)
    ]


def _similar(page: str, settings: Settings) -> str:
    import difflib  # only needed when something is wrong

    files = list(markdown_files(settings))
    same = [file for file in files if file.casefold() == page.casefold()]
    close = same or difflib.get_close_matches(page, files, n=1)
    return f"did you mean {close[0]}?" if close else ""


def pages_matching(book: Book, patterns: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Pages that any pattern names, in reading order, and the patterns that name none.

    A pattern is a page, its file, a folder or a glob: ``chapter_x/page``, ``chapter_x/page.md``, ``chapter_x``,
    ``chapter_*/*``.
    """
    import fnmatch

    chosen: set[str] = set()
    unmatched: list[str] = []
    for pattern in patterns:
        wanted = Path(pattern).as_posix().removesuffix(".md").rstrip("/")
        hits = {
            document.page
            for document in book.pages
            if document.page == wanted
            or document.page.startswith(f"{wanted}/")
            or fnmatch.fnmatchcase(document.page, wanted)
        }
        chosen |= hits
        if not hits:
            unmatched.append(pattern)
    return tuple(document.page for document in book.pages if document.page in chosen), tuple(unmatched)
