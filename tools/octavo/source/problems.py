"""Problems that rules notice while tokenising, kept in the markdown-it environment until the reader reports them."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from octavo.diagnostics import Code

ENVIRONMENT_KEY = "octavo_problems"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that an author should hear about."""

    code: Code
    message: str
    line: int
    """Line of the text that was tokenised, counted from 0."""
    hint: str = ""
    word: str = ""
    """Text on that line to point at; the whole line when empty."""
    fatal: bool = True
    """Whether it is an error; otherwise a warning."""


def note(env: MutableMapping[str, Any], problem: Problem) -> None:
    """Keep a problem; the same one twice counts once, since rules may look at a line more than once."""
    problems: dict[Problem, None] = env.setdefault(ENVIRONMENT_KEY, {})
    problems.setdefault(problem)


def noted(env: MutableMapping[str, Any]) -> tuple[Problem, ...]:
    """The problems kept so far, in order of discovery."""
    return tuple(env.get(ENVIRONMENT_KEY, ()))
