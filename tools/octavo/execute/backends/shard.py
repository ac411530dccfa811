"""``--shard i/n``: one machine's share of a run that n machines divide, without talking to one another.

The machines of a continuous integration's matrix start at different times, and results land in between. So what is
whose must not follow from what is stale *now*: it is settled once, by whoever comes first, written into the shared
store under a name that follows from the keys, and everybody keeps to it. Without a shared store the keys alone count.
"""

from __future__ import annotations

import heapq
import json
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from octavo.execute.freshness.key import digest

Create = Callable[[str, bytes], bytes]
"""Writes a file of the shared store if there is none of that name, and gives the content that is there then."""
Seconds = Callable[[str, str], "float | None"]
"""(page, framework) → how long it is expected to take now: 0 when its result is there, ``None`` when nobody knows."""

MOST = 10_000
"""Machines."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several shares of the work."""

    index: int
    """Which one, from 1."""
    number: int
    """How many there are."""

    @staticmethod
    def parse(text: str) -> Shard:
        """``2/4`` → the second of four; raises ``ValueError`` with a sentence that says what is wrong."""
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text, re.ASCII)
        if match is None:
            raise ValueError(f"{text!r} is no share such as 1/4, the first of four")
        index, number = int(match[1]), int(match[2])
        if not 1 <= number <= MOST:
            raise ValueError(f"{text!r}: the number of shares is from 1 to {MOST}")
        if not 1 <= index <= number:
            raise ValueError(f"{text!r}: of {number} shares the first is 1/{number}, the last {number}/{number}")
        return Shard(index, number)

    def __str__(self) -> str:
        return f"{self.index}/{self.number}"


@dataclass(frozen=True, slots=True)
class Piece:
    """One page × one framework that the shares are made of."""

    page: str
    tab: str
    key: str


def divide(pieces: Iterable[Piece], number: int, seconds: Seconds) -> dict[tuple[str, str], int]:
    """(page, framework) → its share, from 1: the longest first, each to the share that has least to do.

    What nobody knows the time of counts as much as the median of what is known. What takes no time, since its result
    is there, is dealt out one by one, so that shares stay balanced where results are lost again.
    """
    ordered = sorted(pieces, key=lambda piece: (piece.key, piece.page, piece.tab))
    told = {(piece.page, piece.tab): seconds(piece.page, piece.tab) for piece in ordered}
    known = [time for time in told.values() if time]
    usual = statistics.median(known) if known else 1.0
    times = {name: usual if time is None else max(time, 0.0) for name, time in told.items()}
    shares: dict[tuple[str, str], int] = {}
    # seconds, pieces, share: of those that have equally little to do, the one with fewest pieces
    loads = [(0.0, 0, share) for share in range(1, number + 1)]
    for piece in sorted(ordered, key=lambda piece: -times[piece.page, piece.tab]):
        load, count, share = heapq.heappop(loads)
        name = (piece.page, piece.tab)
        shares[name] = share
        heapq.heappush(loads, (load + times[name], count + 1, share))
    return shares


def by_keys_alone(_page: str, _tab: str) -> float | None:
    """Seconds that are the same on every machine: nobody knows any."""
    return None


def settled(
    pieces: Sequence[Piece], number: int, seconds: Seconds, create: Create | None
) -> Mapping[tuple[str, str], int]:
    """(page, framework) → its share, the same on every machine that has the same pieces.

    With a shared store the division of whoever comes first holds. Something else under its name, which only somebody
    who may write to the store can have put there, is as good as no store: the division follows from the keys.
    """
    if create is None:
        return divide(pieces, number, by_keys_alone)
    names = sorted((piece.key, piece.page, piece.tab) for piece in pieces)
    name = digest(json.dumps([number, names], separators=(",", ":")))
    mine = divide(pieces, number, seconds)
    rows = [[page, tab, mine[page, tab]] for _, page, tab in names]
    won = create(f"shards/{name[:2]}/{name}.json", json.dumps(rows, separators=(",", ":")).encode("utf-8"))
    return _read(won, mine, number) or divide(pieces, number, by_keys_alone)


def _read(data: bytes, mine: Mapping[tuple[str, str], int], number: int) -> dict[tuple[str, str], int] | None:
    """The division that a file holds; ``None`` unless it gives each piece, and nothing else, one of the shares."""
    try:
        rows = json.loads(data)
    except (ValueError, RecursionError):
        return None
    shares: dict[tuple[str, str], int] = {}
    for row in rows if isinstance(rows, list) else ():
        match row:
            case [str(page), str(tab), int(share)] if 1 <= share <= number and not isinstance(share, bool):
                shares[page, tab] = share
    return shares if shares.keys() == mine.keys() else None
