"""Labels, references, citations, pictures and included files of the whole book: what does not resolve."""

from __future__ import annotations

import contextlib
import difflib
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from octavo.config import Settings
from octavo.diagnostics import Code, Diagnostic, error, warning
from octavo.model import Book, Document, Label, Reference, Span
from octavo.website import front_file

BIB_ENTRY = re.compile(r"^[ \t]*@(?!comment|string|preamble)\w+\s*[{(]\s*([^,\s]+)\s*,", re.IGNORECASE | re.MULTILINE)
REMOTE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def bibliographies(book: Book, settings: Settings) -> tuple[Path, ...]:
    """The BibTeX files of the book that there are: the one of the settings, then those that pages name."""
    source = settings.source.resolve()
    named = [source / name for document in book.pages for name in document.bibliographies]
    files = [(settings.root / settings.bibfile).resolve()] if settings.bibfile else []
    files += [file for file in (path.resolve() for path in named) if file.is_relative_to(source)]
    return tuple(file for file in dict.fromkeys(files) if _is_file(file))


def citation_keys(files: Iterable[Path]) -> frozenset[str]:
    """The keys of BibTeX files."""
    keys: set[str] = set()
    for file in files:
        with contextlib.suppress(OSError):
            keys.update(BIB_ENTRY.findall(file.read_text(encoding="utf-8", errors="replace")))
    return frozenset(keys)


def place_of_entry(files: Iterable[Path], key: str, root: Path) -> Span | None:
    """Where an entry of the BibTeX files begins."""
    for file in files:
        with contextlib.suppress(OSError):
            text = file.read_text(encoding="utf-8", errors="replace")
            found = next((match for match in BIB_ENTRY.finditer(text) if match[1] == key), None)
            if found is not None:
                line = text.count("\n", 0, found.start(1)) + 1
                column = found.start(1) - text.rfind("\n", 0, found.start(1))
                return Span(file.relative_to(root.resolve()).as_posix(), line, line, column, len(key))
    return None


def check(book: Book, settings: Settings) -> Iterator[Diagnostic]:
    """Every reference, citation, picture and file that leads nowhere, and every label that stands twice."""
    labels: dict[str, Label] = {}
    for document in book.pages:
        for label in document.labels:
            first = labels.setdefault(label.name, label)
            if first is not label:
                yield error(
                    Code.DUPLICATE_LABEL,
                    f"the label {label.name!r} stands at {first.span.path}:{first.span.line} already",
                    label.span,
                    hint="give one of them another name",
                )
    files = bibliographies(book, settings)
    keys = citation_keys(files) if files else None
    for document in book.pages:
        for reference in document.references:
            problem = _problem(reference, document, labels, keys, settings)
            if problem is not None:
                yield problem


def _problem(
    reference: Reference,
    document: Document,
    labels: Mapping[str, Label],
    keys: frozenset[str] | None,
    settings: Settings,
) -> Diagnostic | None:
    target = reference.target
    if reference.kind == "label":
        if target in labels:
            return None
        return error(
            Code.UNKNOWN_REFERENCE,
            f"nothing is labelled {target!r}",
            reference.span,
            hint=_similar(target, labels) or f"put :label:`{target}` where it should lead",
        )
    if reference.kind == "citation":
        if keys is not None and target in keys:
            return None
        missing = f"the bibliography has no entry {target!r}"
        return error(
            Code.UNKNOWN_CITATION,
            missing if keys is not None else f"there is no {settings.bibfile} to look {target!r} up in",
            reference.span,
            hint=_similar(target, keys or ()) or f"add the entry to {settings.bibfile}",
        )
    if REMOTE.match(target):
        if reference.kind != "image" or target.startswith("data:"):
            return None
        return warning(
            Code.MISSING_FILE,
            "this picture is on another host, which readers' browsers would be sent to",
            reference.span,
            hint="put the picture into the book",
        )
    address = unquote(target) if reference.kind == "image" else target
    path = posixpath.normpath(posixpath.join(posixpath.dirname(document.path), address)).lstrip("/")
    if not path.startswith("../") and _is_file(settings.source / path):
        return None
    if reference.kind == "file" and document.page == settings.index and front_file(settings.source, path) is not None:
        return None
    hint = "the address is relative to the page's own folder"
    if reference.kind == "file":
        hint += "; the page comes out without what the file holds"
        return warning(Code.MISSING_FILE, f"there is no file {path}", reference.span, hint=hint)
    return error(Code.MISSING_FILE, f"there is no picture {path}", reference.span, hint=hint)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long for the file system
        return False


def _similar(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else ""
