"""Citations as readers see them, from the book's BibTeX file: ``(Zhang et al., 2023)``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.source.citations import cited_as, plain, who


@dataclass(frozen=True, slots=True)
class Work:
    """What a citation says about one entry."""

    who: str
    year: str
    title: str
    rank: int
    """Its place in the list of references, which works that are cited together keep."""


def read_works(bibliographies: Iterable[Path], keys: Iterable[str]) -> Mapping[str, Work]:
    """The cited entries of BibTeX files; those of a file that cannot be read are missing (others report that)."""
    wanted = set(keys)
    if not wanted:
        return {}
    from pybtex.database import BibliographyData
    from pybtex.database.input.bibtex import Parser
    from pybtex.errors import capture
    from pybtex.exceptions import PybtexError
    from pybtex.style.sorting.author_year_title import SortingStyle

    found: dict[str, Any] = {}
    for file in bibliographies:
        parser = Parser("utf-8-sig", wanted_entries=wanted)
        try:
            with capture():  # an entry that stands twice is no reason to lose the others
                data: BibliographyData = parser.parse_file(file)
        except (PybtexError, UnicodeDecodeError, OSError):
            data = parser.data
        for entry in data.entries.values():
            found.setdefault(entry.key.lower(), entry)
    entries: Sequence[Any] = SortingStyle().sort(list(found.values()))
    works = {entry.key.lower(): _work(entry, rank) for rank, entry in enumerate(entries)}
    return {key: works[key.lower()] for key in wanted if key.lower() in works}


def _work(entry: Any, rank: int) -> Work:
    return Work(who(entry), plain(entry.fields.get("year", "")), plain(entry.fields.get("title", "")), rank)


def citation(keys: Sequence[str], works: Mapping[str, Work], *, textual: bool) -> str:
    """``(A, 2001, B and C, 2002)``, or ``A (2001), B and C (2002)``; a key that is unknown stands for itself."""
    known = sorted((works[key] for key in dict.fromkeys(keys) if key in works), key=lambda work: work.rank)
    unknown = [key for key in dict.fromkeys(keys) if key not in works]
    if textual:
        return ", ".join([*(f"{work.who} ({work.year})" if work.year else work.who for work in known), *unknown])
    shown = [cited_as(work.who, work.year) for work in known]
    return f"({', '.join([*shown, *unknown])})"


def listed(works: Iterable[Work]) -> str:
    """The list of references, as Markdown."""
    lines = []
    for work in sorted(works, key=lambda work: work.rank):
        head = f"{work.who} ({work.year})" if work.year else work.who
        lines.append(f"- {head}. *{work.title}*" if work.title else f"- {head}")
    return "\n".join(lines)
