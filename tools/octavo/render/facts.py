"""What a build keeps of each page that it has read, from build to build, inside of Sphinx's environment.

Pages may be read in several processes at once, each with an environment of its own; Sphinx then has :class:`PageFacts`
merged like its own facts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from octavo.diagnostics import Diagnostic
from octavo.source.discussions import Discussion


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a page, and what is numbered in it."""

    anchor: str
    inside: tuple[Outline, ...]


@dataclass(frozen=True, slots=True)
class Numbered:
    """A figure, table or equation."""

    kind: str
    anchor: str
    line: int
    """The author's line."""
    same_as: str = ""
    """Anchor of what this is a copy of, in another panel of its tab set: it has the same number."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A table of contents, which numbers go on in."""

    pages: tuple[str, ...]


Outline = Section | Numbered | Contents


@dataclass(slots=True)
class PageFacts:
    """Facts of one page as it was read last."""

    messages: list[Diagnostic] = field(default_factory=list)
    """What was wrong with it."""
    references: tuple[str, ...] = ()
    """The labels that it refers to."""
    sections: dict[str, bool] = field(default_factory=dict)
    """Anchor of each section, and whether it is the page's own title."""
    outline: tuple[Outline, ...] = ()
    """What is numbered in it, in order."""
    discussions: tuple[Discussion, ...] = ()
    """Where it is talked about."""
    files: dict[str, str] | None = None
    """Absolute path of each file that it shows or includes → digest of its content; ``None`` until all is read."""


@dataclass(slots=True)
class Facts:
    """Facts of all pages, and what they came to when they were written last."""

    pages: dict[str, PageFacts] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    """Page → digest of the numbers, titles and citations that it shows."""
    site: str = ""
    """Digest of what every page shows: the titles, their order, and which frameworks have each page."""
    bibliography: dict[str, Any] = field(default_factory=dict)
    """Entries of the bibliography as pybtex formatted them, by digest."""

    def page(self, name: str) -> PageFacts:
        """The facts of a page, to be added to."""
        return self.pages.setdefault(name, PageFacts())


def facts_of(env: Any) -> Facts:
    """The facts in Sphinx's environment."""
    if not hasattr(env, "octavo_facts"):
        env.octavo_facts = Facts()
    facts: Facts = env.octavo_facts
    return facts
