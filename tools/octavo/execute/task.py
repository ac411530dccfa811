"""What is handed to whoever executes: one page in one framework, with all that decides how it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from octavo.execute.environments.environment import EnvironmentFailure, Lock
from octavo.model import Edition, Inputs, Needs


@dataclass(frozen=True, slots=True)
class Task:
    """One page × one framework to execute."""

    edition: Edition
    inputs: Inputs
    key: str
    lock: Lock | EnvironmentFailure
    """The lock of its framework, or why there is none."""
    folder: Path
    """The kernel's working directory, a scratch folder of this task alone; or what that is made from as it starts."""
    library: Path | None = None
    """The folder that the book's library is imported from."""
    needs: Needs = field(default_factory=Needs)
    """Limits of time, and what it takes from the machine."""
    expected: float | None = None
    """Seconds that it took the last time, if that is known."""
