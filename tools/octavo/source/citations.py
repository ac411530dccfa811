"""How a citation names an entry of a bibliography: ``Zhang et al.`` of ``(Zhang et al., 2023)``."""

from __future__ import annotations

from typing import Any


def who(entry: Any) -> str:
    """Whose work a BibTeX entry is, as plain text: its authors or editors, else an organization, its title or key."""
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    if not people:
        return plain(entry.fields.get("organization") or entry.fields.get("title") or entry.key)
    if len(people) > 2:
        return f"{_family(people[0])} et al."
    return " and ".join(_family(person) for person in people)


def cited_as(who: str, year: str) -> str:
    """Author and year as they stand in parentheses; not every work has a year."""
    return f"{who}, {year}" if year else who


def plain(latex: str) -> str:
    """LaTeX of a BibTeX file as plain text."""
    if latex.isalnum():
        return latex  # as most names are
    from pybtex.exceptions import PybtexError
    from pybtex.richtext import Text

    try:
        return str(Text.from_latex(latex))
    except (PybtexError, UnicodeError):  # braces that do not match, a backslash at the end
        return latex.replace("{", "").replace("}", "")


def _family(person: Any) -> str:
    return " ".join(map(plain, (*person.prelast_names, *person.last_names)))
