"""The keys of the slides: section ``[slides]``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from octavo.config.values import Values

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Slides:
    """What the settings say of slides."""

    top_left: str = ""
    """HTML in the upper left corner of each slide."""
    top_right: str = ""
    repositories: tuple[tuple[str, str], ...] = ()
    """Framework (empty for all) and the repository of GitHub that its decks are published in."""

    def repository(self, tab: str) -> str:
        """The repository of a framework's decks; empty where none is named."""
        known = dict(self.repositories)
        return known.get(tab, known.get("", ""))


def slides(values: Values) -> Slides:
    """Everything that the file says of slides."""
    return Slides(
        top_left=values.text("slides", "top_left"),
        top_right=values.text("slides", "top_right"),
        repositories=tuple(_repositories(values)),
    )


def _repositories(values: Values) -> Iterator[tuple[str, str]]:
    """One for all frameworks, or a framework and its repository in each line."""
    for line in filter(None, map(str.strip, values.value("slides", "github_repo").split("\n"))):
        if values.is_placeholder("slides", "github_repo", line, "that line of github_repo is left out"):
            continue
        *tab, repository = (part.strip() for part in line.split(","))
        if len(tab) > 1 or not _REPOSITORY.fullmatch(repository):
            message = f"{line!r} is no framework and repository; it is left out"
            values.complain("slides", "github_repo", message, "such as pytorch, NAME/SLIDES", line)
        else:
            yield (tab[0].lower() if tab else ""), repository
