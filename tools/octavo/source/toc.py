"""The table of contents → the book's pages in reading order."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from octavo.config import Settings
from octavo.diagnostics import Code, Diagnostic, error, warning
from octavo.model import Book, Document, Span
from octavo.source.reader import read

SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__"})


def read_book(settings: Settings) -> tuple[Book, tuple[Diagnostic, ...]]:
    """Read every page that the tables of contents reach from the root page, depth first.

    A page that a table names and the book lacks is an error at that line; a Markdown file that no table names is a
    warning. A page named twice counts where it stands first.
    """
    messages: list[Diagnostic] = []
    pages: dict[str, Document] = {}
    _visit(settings.index, None, settings, pages, messages)
    if pages:
        messages.extend(
            warning(
                Code.ORPHAN_PAGE,
                "no table of contents names this page, so it is not part of the book",
                Span(f"{page}.md", 1, 1),
                hint="name it in a ```toc fence, or in [build] exclusions",
            )
            for page in unlisted(settings, pages)
        )
    return Book(tuple(pages.values())), tuple(messages)


def _visit(
    page: str, named_at: Span | None, settings: Settings, pages: dict[str, Document], messages: list[Diagnostic]
) -> None:
    if page in pages:
        messages.append(
            warning(
                Code.REPEATED_PAGE, f"{page} stands in a table of contents before this", named_at, hint="name it once"
            )
        )
        return
    path = settings.source / f"{page}.md"
    inside = page != ".." and not page.startswith(("../", "/"))
    try:
        if not inside:
            raise FileNotFoundError
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        hint = _similar(page, settings)
        messages.append(error(Code.UNKNOWN_PAGE, f"there is no page {page}.md", named_at, hint=hint))
        return
    except UnicodeDecodeError as problem:
        messages.append(error(Code.MARKUP, f"the file is not UTF-8 text: {problem.reason}", Span(f"{page}.md", 1, 1)))
        return
    document, found = read(f"{page}.md", text, settings)
    pages[page] = document
    messages.extend(found)
    for entry in document.toc:
        _visit(entry.page, entry.span, settings, pages, messages)


def markdown_files(settings: Settings) -> Iterable[str]:
    """Every Markdown file below the source folder as a page name, sorted, products and hidden folders left out."""
    source = settings.source
    output = (settings.root / settings.output_dir).resolve()
    found: list[str] = []
    folders = [source]
    while folders:
        folder = folders.pop()
        for entry in folder.iterdir():
            if entry.name.startswith(".") or entry.name in SKIPPED_FOLDERS:
                continue
            if entry.is_dir():
                if not entry.is_symlink() and entry.resolve() != output:
                    folders.append(entry)
            elif entry.suffix == ".md":
                found.append(entry.relative_to(source).as_posix().removesuffix(".md"))
    return sorted(found)


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

    close = difflib.get_close_matches(page, list(markdown_files(settings)), n=1)
    return f"did you mean {close[0]}?" if close else "make the file, or take the line out of the toc"


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
