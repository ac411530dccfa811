"""Labels, references, citations and pictures of the whole book: what does not resolve."""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from octavo.config import Settings
from octavo.diagnostics import Code, Diagnostic, error
from octavo.model import Book, Document, Label, Reference

BIB_ENTRY = re.compile(r"^[ \t]*@(?!comment|string|preamble)\w+\s*[{(]\s*([^,\s]+)\s*,", re.IGNORECASE | re.MULTILINE)
REMOTE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def citation_keys(bibliography: Path) -> frozenset[str] | None:
    """The keys of a BibTeX file; ``None`` when there is no such file."""
    try:
        return frozenset(BIB_ENTRY.findall(bibliography.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        return None


def check(book: Book, settings: Settings) -> Iterator[Diagnostic]:
    """Every reference, citation and picture that leads nowhere, and every label that stands twice."""
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
    keys = citation_keys(settings.root / settings.bibfile)
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
        missing = f"{settings.bibfile} has no entry {target!r}"
        return error(
            Code.UNKNOWN_CITATION,
            missing if keys is not None else f"there is no {settings.bibfile} to look {target!r} up in",
            reference.span,
            hint=_similar(target, keys or ()) or f"add the entry to {settings.bibfile}",
        )
    if REMOTE.match(target):
        return None
    address = unquote(target)
    path = posixpath.normpath(posixpath.join(posixpath.dirname(document.path), address)).lstrip("/")
    if path.startswith("../") or not _is_file(settings.source / path):
        return error(
            Code.MISSING_FILE,
            f"there is no picture {path}",
            reference.span,
            hint="the address is relative to the page's own folder",
        )
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long for the file system
        return False


def _similar(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else ""
