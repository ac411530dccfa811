"""Shares of a run: the same on every machine, balanced, and together everything."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from octavo.execute.backends.shard import Piece, Shard, by_keys_alone, divide, settled
from octavo.execute.freshness.key import digest

PIECES = [Piece(f"chapter/{n}", tab, digest(f"{n}{tab}")) for n in range(40) for tab in ("pytorch", "jax")]


def load(shares: dict[tuple[str, str], int], times: dict[tuple[str, str], float], share: int) -> float:
    return sum(times[name] for name, mine in shares.items() if mine == share)


@pytest.mark.parametrize("number", [1, 2, 3, 7, 80, 100])
def test_shares_are_everything_once_and_balanced(number: int) -> None:
    chance = random.Random(number)
    times = {(p.page, p.tab): chance.expovariate(1 / 60) for p in PIECES}
    shares = divide(PIECES, number, lambda page, tab: times[page, tab])
    assert shares.keys() == times.keys()
    loads = [load(shares, times, share) for share in range(1, number + 1)]
    # the bound that is proved of this method: 4/3 - 1/(3 n) of the best there is
    best = max(sum(times.values()) / number, max(times.values()))
    assert max(loads) <= (4 / 3 - 1 / (3 * number)) * best + 1e-9


def test_what_nobody_knows_counts_as_much_as_usual() -> None:
    times = {"a": 100.0, "b": 10.0, "c": 10.0}
    pieces = [Piece(name, "t", digest(name)) for name in "abcdefghijkl"]
    shares = divide(pieces, 2, lambda page, tab: times.get(page))
    assert Counter(shares.values()) in ({1: 2, 2: 10}, {1: 10, 2: 2})


def test_what_is_there_is_dealt_out_too() -> None:
    shares = divide(PIECES, 4, lambda page, tab: 0.0)
    assert Counter(shares.values()) == dict.fromkeys((1, 2, 3, 4), 20)


def test_the_order_of_pages_does_not_count() -> None:
    mixed = random.Random(0).sample(PIECES, len(PIECES))
    assert divide(mixed, 5, by_keys_alone) == divide(PIECES, 5, by_keys_alone)


class Store(dict[str, bytes]):
    """The promise of a shared store: who comes first wins."""

    def create(self, name: str, data: bytes) -> bytes:
        return self.setdefault(name, data)


def test_everybody_keeps_to_the_division_of_the_first() -> None:
    store = Store()
    first = settled(PIECES, 3, lambda page, tab: float(len(page)), store.create)
    # a machine that comes later sees other results, and so other times
    later = settled(PIECES[::-1], 3, lambda page, tab: 0.0, store.create)
    assert later == first
    assert len(store) == 1
    assert settled(PIECES, 4, by_keys_alone, store.create).keys() == first.keys()
    settled(PIECES[1:], 3, by_keys_alone, store.create)
    assert len(store) == 3, "another number of shares, and other pages, are another division"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff",
        b"{}",
        b"[]",
        b"[[1]]",
        json.dumps([[p.page, p.tab, 4] for p in PIECES]).encode(),
        json.dumps([[p.page, p.tab, True] for p in PIECES]).encode(),
        json.dumps([[p.page, p.tab, 1] for p in PIECES[1:]]).encode(),
        json.dumps([[p.page, p.tab, 1] for p in [*PIECES, Piece("other", "x", "")]]).encode(),
    ],
)
def test_a_division_that_is_none_is_not_followed(data: bytes) -> None:
    expected = divide(PIECES, 3, by_keys_alone)
    assert settled(PIECES, 3, lambda page, tab: float(len(page)), lambda name, mine: data) == expected


def test_without_a_store_only_the_keys_count() -> None:
    assert settled(PIECES, 3, lambda page, tab: float(len(page)), None) == divide(PIECES, 3, by_keys_alone)


@pytest.mark.parametrize("text", ["0/4", "5/4", "a/b", "1", "1/", "/4", "1/0", "-1/4", "1/4/2", "1.5/2", "1/99999", ""])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(ValueError, match="share"):
        Shard.parse(text)


def test_shares_are_written_as_they_are_read() -> None:
    assert Shard.parse("2/4") == Shard(2, 4)
    assert str(Shard(2, 4)) == "2/4"
