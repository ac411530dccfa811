"""Units of pages → the files that a reader's browser searches in.

Each page is indexed by itself, and :func:`joined` writes what is known of all pages into files of which a browser loads
those that a query needs, by ``<script>`` elements, so that search works from files too:

- ``search/index.js``: the pages, what of the language a browser has to know, and the first term of each shard;
- ``search/terms-N.js``: a shard of the sorted terms, a line each: the term, and where it stands (:func:`_written`);
- ``search/text/PAGE.N.js``: titles and text of units, for results that are shown;
- ``search/long.js``: long words, in languages that join words.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from octavo.render.beside.search.reading import Unit
from octavo.render.beside.search.terms import Language, folded, normal, terms, words

SHARD = 24_000
"""Characters of a shard of terms."""
CHUNK = 10_000
"""Characters of a file of text."""
LONG = 8
"""Letters from which on a word may be one of several joined."""

PAGE_TITLE, TITLE, SAVED, DEFINED, CITED = 10.0, 6.0, 12.0, 3.0, 0.6
"""What a term in a title, the name of a saved definition or of another one, and an entry of a bibliography weigh."""
_MOST = 24.0
"""Weight that nothing goes beyond."""
_USUAL, _SATURATION, _BY_LENGTH = 250, 1.2, 0.6
"""BM25: words of a usual unit; how quickly repeating a word counts no more; how much the unit's length matters."""

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
"""A number is written as digits of 32, all but the last of them with 32 added."""


@dataclass(frozen=True, slots=True)
class PageIndex:
    """What search knows of a page, as it goes into the files."""

    title: str
    units: int
    texts: tuple[str, ...]
    """Its units as JSON lists, several to a file."""
    starts: tuple[int, ...]
    """The first unit of each of them."""
    places: Mapping[str, str]
    """Term → the units that have it."""


def indexed(units: Sequence[Unit], language: Language, tabs: Sequence[str], library: str = "") -> PageIndex:
    """The index of one page, whose library's name its own definitions may be called by."""
    every = (1 << len(tabs)) - 1 or 1
    places: dict[str, list[str]] = defaultdict(list)
    last: dict[str, int] = {}
    for at, unit in enumerate(units):
        for term, (weight, shown) in _weights(unit, at == 0, language, every, library).items():
            places[term].append(_written(at - last.get(term, 0), weight, shown if shown != every else 0))
            last[term] = at
    texts, starts = _chunks(units, every)
    title = _title(units[0]) if units else ""
    return PageIndex(title, len(units), texts, starts, {term: "".join(parts) for term, parts in places.items()})


def number(value: int) -> str:
    """A number in :data:`DIGITS`."""
    text = DIGITS[value % 32]
    while value := value // 32:
        text = DIGITS[32 + value % 32] + text
    return text


def _written(step: int, weight: float, tabs: int) -> str:
    """A unit that has a term: how far it is behind the one before, its weight, and the frameworks if not all."""
    level = max(1, min(31, round(31 * math.sqrt(min(weight, _MOST) / _MOST))))
    return number(step) + (DIGITS[32 + level] + number(tabs) if tabs else DIGITS[level])


def _weights(unit: Unit, is_page: bool, language: Language, every: int, library: str) -> dict[str, tuple[float, int]]:
    """Term → its weight in a unit, and the frameworks whose readers see it there."""
    counts: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    length, worth = 0, CITED if unit.cited else 1.0
    for run in unit.runs:
        found = words(run.text)
        length += len(found) if run.tabs == every else len(found) // 2
        for word in found:
            if run.code and word.isdigit():
                continue
            for term, share in terms(word):
                counts[term][run.tabs] += share
    stretch = _SATURATION * (1 - _BY_LENGTH + _BY_LENGTH * length / _USUAL)
    weights: dict[str, tuple[float, int]] = {}
    for term, by_tabs in counts.items():
        count, shown = _most(by_tabs)
        weights[term] = (worth * count * (_SATURATION + 1) / (count + stretch), shown)
    heads = words(unit.title)
    weight = worth * (PAGE_TITLE if is_page else TITLE) / math.sqrt(max(1, len(heads) / 2))
    _add(weights, heads, weight, unit.tabs)
    for item in unit.defined:
        names = [item.name, *([f"{library}.{item.name}"] if library and item.saved else ())]
        _add(weights, names, SAVED if item.saved else DEFINED, item.tabs)
    return {term: value for term, value in weights.items() if term not in language.stop}


def _most(by_tabs: Mapping[int, float]) -> tuple[float, int]:
    """How often one framework's readers see a term at most, and who sees it."""
    if len(by_tabs) == 1:
        ((shown, count),) = by_tabs.items()
        return count, shown
    shown = 0
    for tabs in by_tabs:
        shown |= tabs
    bits = [1 << bit for bit in range(shown.bit_length()) if shown >> bit & 1]
    return max(sum(count for tabs, count in by_tabs.items() if tabs & bit) for bit in bits), shown


def _add(weights: dict[str, tuple[float, int]], names: Iterable[str], weight: float, tabs: int) -> None:
    best: dict[str, float] = {}
    for name in names:
        for term, share in terms(name):
            # the parts of a name are not what is defined
            best[term] = max(best.get(term, 0), share if share == 1 else share / 3)
    for term, share in best.items():
        before, shown = weights.get(term, (0.0, 0))
        weights[term] = (before + share * weight, shown | tabs)


def _title(unit: Unit) -> str:
    return f"{unit.number}{unit.title}"


def _chunks(units: Sequence[Unit], every: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The units as JSON, in lists of about one size; and the first unit of each."""
    texts: list[list[str]] = [[]]
    starts = [0]
    size = 0
    for at, unit in enumerate(units):
        text = _json(_shown(unit, every))
        if texts[-1] and size + len(text) > CHUNK:
            texts.append([])
            starts.append(at)
            size = 0
        texts[-1].append(text)
        size += len(text)
    return tuple(f"[{','.join(parts)}]" for parts in texts), tuple(starts)


def _shown(unit: Unit, every: int) -> list[object]:
    """Anchor, title, saved names, and by turns whose text it is (twice the frameworks, one more for code) and it."""
    runs: list[object] = []
    for run in unit.runs:
        runs += [2 * (0 if run.tabs == every else run.tabs) + run.code, run.text]
    names = [[item.name, 0 if item.tabs == every else item.tabs, item.place] for item in unit.defined if item.saved]
    return [unit.anchor, _title(unit), names, runs]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def joined(pages: Mapping[str, PageIndex], language: Language, tabs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Path in the website → content, of everything that search loads."""
    shards, firsts = _shards(pages.values())
    files = {f"search/terms-{at}.js": f"octavoSearch.terms({at},{_json(text)})\n" for at, text in enumerate(shards)}
    for page, known in pages.items():
        for at, text in enumerate(known.texts):
            files[f"search/text/{page}.{at}.js"] = f"octavoSearch.text({_json(f'{page}.{at}')},{text})\n"
    if language.joins:
        files["search/long.js"] = f"octavoSearch.long({_json(_long(shards))})\n"
    index: dict[str, object] = {
        "version": hashlib.sha256("".join(files.values()).encode("utf-8", "surrogatepass")).hexdigest()[:10],
        "tabs": tabs,
        "stop": " ".join(sorted(language.stop)),
        "endings": language.endings,
        "joins": language.joins,
        "shards": firsts,
        "pages": [[page, known.title or page, known.units, known.starts] for page, known in pages.items()],
    }
    files["search/index.js"] = f"octavoSearch.index({_json(index)})\n"
    return files


def _shards(pages: Iterable[PageIndex]) -> tuple[list[str], list[str]]:
    """The lines of all terms, sorted as browsers compare text, in pieces of about one size; and the first of each."""
    lines: dict[str, list[str]] = defaultdict(list)
    last: dict[str, int] = {}
    numbers = [""]
    for at, page in enumerate(pages, start=1):
        numbers.append(number(at))
        for term, units in page.places.items():
            lines[term].append(numbers[at - last.get(term, 0)] + units)
            last[term] = at
    shards: list[str] = []
    firsts: list[str] = []
    pending: list[str] = []
    size = 0
    for term in sorted(lines, key=lambda term: term.encode("utf-16-be", "surrogatepass")):
        line = f"{term} {','.join(lines[term])}"
        if not pending:
            firsts.append(term)
        pending.append(line)
        size += len(line)
        if size > SHARD:
            shards.append("\n".join(pending))
            pending, size = [], 0
    if pending:
        shards.append("\n".join(pending))
    return shards, firsts


def _long(shards: Iterable[str]) -> str:
    """The words that may hold others."""
    found = (line.partition(" ")[0] for shard in shards for line in shard.split("\n"))
    return "\n".join(term for term in found if len(term) >= LONG and term.isalpha() and folded(term) == normal(term))
