"""The locks of the book's frameworks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from octavo.build.desk import Desk
from octavo.build.outside import Outside
from octavo.model import Needs

if TYPE_CHECKING:
    from octavo.execute.environments.environment import EnvironmentFailure, Lock


@dataclass(eq=False)
class Locks:
    """Locks by name, each read once."""

    desk: Desk
    outside: Outside
    _known: dict[str, Lock | EnvironmentFailure] = field(default_factory=dict, init=False)

    @cached_property
    def of_frameworks(self) -> Mapping[str, Lock | EnvironmentFailure]:
        """Framework → its lock, or why there is none."""
        if not self.desk.has_settings:
            return {}

        tabs = sorted({tab for _, tab in self.desk.editions}, key=self.desk.settings.tabs.index)
        return {tab: self.named(tab) for tab in tabs}

    def of(self, tab: str, needs: Needs) -> Lock | EnvironmentFailure:
        """The lock that a page runs with: the one that it declares, or its framework's."""
        return self.named(needs.environment or tab)

    def named(self, name: str) -> Lock | EnvironmentFailure:
        """The lock of a name, or why there is none."""
        from octavo.execute.environments.environment import EnvironmentFailure, read_lock

        if name not in self._known:
            shown = self.path(name)
            lock, messages = read_lock(self.outside.noted(shown), shown)
            self.desk.diagnostics.add(*messages)
            self._known[name] = lock or EnvironmentFailure(name, f"{shown} is no complete lock")
        return self._known[name]

    def path(self, name: str) -> str:
        """Where the lock of a name stands, below the book's folder."""
        return f"{self.desk.settings.environments}/{name}.txt"
