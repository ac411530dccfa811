"""Keeping builds on one machine off each other's graphics cards: a lock file for each card in the cache.

A build holds a card's lock while any of its pages is on that card; the system releases it when the build dies, however
it dies. Several cards are taken together or not at all, so that no two builds wait for each other.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

from octavo.execute.machine.lease import Card


class CardLocks:
    """The locks that one build holds."""

    def __init__(self, folder: Path) -> None:
        """Lock files in ``folder``, which is made when a card is first taken."""
        self.folder = folder
        self._held: dict[str, IO[bytes]] = {}

    def take(self, cards: Sequence[Card]) -> tuple[Card, ...]:
        """Take the cards; those that are held already stay so. Gives the ones that another build has.

        If there is any, nothing is taken. Raises ``OSError`` when a lock file cannot be made.
        """
        taken: list[Card] = []
        refused: list[Card] = []
        for card in cards:
            if card.uuid in self._held:
                continue
            if self._lock(card):
                taken.append(card)
            else:
                refused.append(card)
        if refused:
            self.release(taken)
        return tuple(refused)

    def _lock(self, card: Card) -> bool:
        self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            file = stack.enter_context((self.folder / f"{card.uuid}.lock").open("ab"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            stack.pop_all()
        self._held[card.uuid] = file
        return True

    def release(self, cards: Iterable[Card]) -> None:
        """Let other builds have these cards."""
        for card in cards:
            file = self._held.pop(card.uuid, None)
            if file is not None:
                file.close()

    def close(self) -> None:
        """Let go of all."""
        for file in self._held.values():
            file.close()
        self._held.clear()
