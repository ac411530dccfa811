"""What a page declares about its execution: what it needs of a machine, and what it depends on besides its cells.

``execute:`` in the front matter of a page, sections ``[execute GLOB]`` of ``config.ini``, and attributes of a cell's
fence; the later of these wins over the earlier, and all over ``[execute]``. Each key is declared once, in :data:`KEYS`.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octavo.diagnostics import Code, Diagnostic, error
from octavo.model import Document, Edition, Needs, Span

if TYPE_CHECKING:
    from octavo.config import Settings

FRONT_MATTER = "execute"
"""The key of a page's front matter that declarations stand under."""
SECTION = "execute "
"""How the name of a section of ``config.ini`` begins that declares something for the pages of a glob."""

_SIZES = {"": 0, "B": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKMGT]?)(i?)[bB]?", re.ASCII)
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|seconds?|min|minutes?|h|hours?)?", re.ASCII)
_LARGEST = 2**63
"""A number that no machine has as many of."""
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_MODULE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_VARIABLE = re.compile(r"[A-Za-z_]\w*")


class _UnfitError(ValueError):
    """A value that does not fit its key; the message is for the author."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that can be declared."""

    name: str
    kind: str
    """``gpus``, ``size``, ``count``, ``seconds``, ``environment`` or ``words``."""
    help: str
    of_cells: bool = False
    """Whether a cell can declare it by itself."""


KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("gpus", "gpus", "Graphics cards: ``1`` must have one, ``0-1`` uses one if there is one.", of_cells=True),
        Key("gpu_memory", "size", "Memory of each card that it takes, such as ``8 GB``.", of_cells=True),
        Key("memory", "size", "Main memory that it takes, such as ``512 MiB``.", of_cells=True),
        Key("cpus", "count", "Cores, and threads of numerical libraries.", of_cells=True),
        Key("timeout", "seconds", "How long a cell may run: seconds, or ``90 s``, ``10 min``, ``2 h``.", of_cells=True),
        Key("page_timeout", "seconds", "How long the whole page may run; 0 means as long as its cells may."),
        Key("silence", "seconds", "How long a running cell may print and draw nothing; 0 means as long as it may run."),
        Key("environment", "environment", "The lock ``environments/NAME.txt`` that it runs with."),
        Key("files", "words", "Globs of data files that it depends on."),
        Key("variables", "words", "Environment variables that it depends on."),
        Key("modules", "words", "The book's own modules that it depends on."),
    )
}


@dataclass(frozen=True, slots=True)
class Value:
    """One declaration, checked."""

    value: Any
    """``(int, int)`` for gpus, an ``int`` for sizes and counts, a ``float`` for times, framework → name (``""`` for
    all) for an environment, a tuple of words for the others."""
    span: Span
    """Where it stands."""


@dataclass(frozen=True, slots=True)
class Section:
    """``[execute GLOB]`` of ``config.ini``."""

    glob: str
    span: Span
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Declared:
    """All that holds for one page in one framework."""

    needs: Needs
    files: tuple[tuple[str, Span], ...] = ()
    variables: tuple[tuple[str, Span], ...] = ()
    modules: tuple[tuple[str, Span], ...] = ()


# -- one value


def parse(name: str, value: object, span: Span, where: str) -> Value | Diagnostic:
    """A checked value of a known key, or what is wrong with it. ``where`` is what the message calls the place."""
    try:
        return Value(_PARSERS[KEYS[name].kind](value), span)
    except _UnfitError as problem:
        return error(Code.DECLARATION, f"{where} {name}: {problem}", span, hint=problem.hint)


def unknown(name: str, span: Span, where: str, names: Iterable[str] = KEYS) -> Diagnostic:
    """The message for a key that nobody reads."""
    known = list(names)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"it can be {', '.join(known[:-1])} or {known[-1]}"
    return error(Code.DECLARATION, f"{where} knows no {name!r}", span, hint=hint)


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _UnfitError(f"{value!r} is no plain value", "write one number or word")
    if isinstance(value, int) and abs(value) > _LARGEST:  # Python itself refuses to write the longest of these
        raise _UnfitError("the number is too large")
    return str(value).strip()


def _gpus(value: object) -> tuple[int, int]:
    text = _text(value)
    match = re.fullmatch(r"(\d{1,3})(?:\s*-\s*(\d{1,3}))?", text, re.ASCII)
    if match is None:
        raise _UnfitError(f"{text!r} is no number of graphics cards", "such as 1, 0-1 or 1-2")
    fewest, most = int(match[1]), int(match[2] or match[1])
    if fewest > most:
        raise _UnfitError(f"{text!r} runs backwards", f"{most}-{fewest}")
    return fewest, most


def _size(value: object) -> int:
    text = _text(value)
    match = _SIZE.fullmatch(text)
    if match is None:
        raise _UnfitError(f"{text!r} is no amount of memory", "such as 8 GB, 512 MiB or a number of bytes")
    found = float(match[1]) * (1024 if match[3] else 1000) ** _SIZES[match[2].upper()]
    if found > _LARGEST:
        raise _UnfitError("there is no machine with as much memory")
    return int(found)


def _count(value: object) -> int:
    text = _text(value)
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or int(text) < 1:
        raise _UnfitError(f"{text!r} is no number of cores", "a whole number, at least 1")
    return int(text)


def seconds(value: object) -> float:
    """Seconds from ``90``, ``90 s``, ``10 min`` or ``2 h``; raises ``ValueError``."""
    text = _text(value)
    match = _TIME.fullmatch(text)
    if match is None or not math.isfinite(float(match[1])):
        raise _UnfitError(f"{text!r} is no time", "seconds, or such as 90 s, 10 min or 2 h")
    return float(match[1]) * {"m": 60.0, "h": 3600.0}.get((match[2] or "s")[0], 1.0)


def _environment(value: object) -> dict[str, str]:
    """Framework → name of a lock; without a framework, for the only one of the page."""
    if isinstance(value, Mapping):
        found = {str(tab): _text(name) for tab, name in value.items()}
    else:
        pairs = [part.partition("=") for part in _text(value).replace(",", " ").split()]
        found = {(left if sign else ""): (right if sign else left) for left, sign, right in pairs}
    for name in found.values():
        if not _NAME.fullmatch(name):
            raise _UnfitError(f"{name!r} is no name of a lock", "for environments/NAME.txt write NAME")
    if not found or ("" in found and len(found) > 1):
        raise _UnfitError("it is one name, or one for each framework", "such as {pytorch: pytorch-nightly}")
    return found


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        return tuple(_text(part) for part in value)
    return tuple(_text(value).replace(",", " ").split())


_PARSERS: Mapping[str, Any] = {
    "gpus": _gpus,
    "size": _size,
    "count": _count,
    "seconds": seconds,
    "environment": _environment,
    "words": _words,
}


def _check(name: str, value: Value, where: str) -> Iterator[Diagnostic]:
    """What is wrong with a value that has the form of its key."""

    def unfit(message: str, hint: str = "") -> Diagnostic:
        return error(Code.DECLARATION, f"{where} {name}: {message}", value.span, hint=hint)

    if name == "timeout" and value.value <= 0:
        yield unfit("a cell needs some time", "at least 1 s")
    for word in value.value if KEYS[name].kind == "words" else ():
        parts = Path(word).parts
        if name == "files" and (word.startswith("/") or ".." in parts):
            yield unfit(f"{word!r} leads out of the book", "name files by their paths from the book's folder")
        elif name == "files" and (not parts or any("**" in part and part != "**" for part in parts)):
            yield unfit(f"{word!r} is no glob", "** stands alone between two slashes")
        elif name == "files" and parts[-1] == "**":
            yield unfit(f"{word!r} names folders, not files", f"write {word}/*")
        elif name == "files" and not (word.isprintable() and len(parts) < 50 and all(len(p) < 250 for p in parts)):
            yield unfit(f"{word!r} is no name of a file")
        elif name == "variables" and not _VARIABLE.fullmatch(word):
            yield unfit(f"{word!r} is no name of a variable")
        elif name == "modules" and not _MODULE.fullmatch(word):
            yield unfit(f"{word!r} is no name of a module", "such as helpers or tools.plots")


def checked(
    raw: Mapping[str, tuple[object, Span]], where: str, names: Iterable[str] = KEYS
) -> tuple[dict[str, Value], list[Diagnostic]]:
    """The values that fit, and what is wrong with the others; ``raw`` has each value with its place."""
    allowed = list(names)
    values: dict[str, Value] = {}
    messages: list[Diagnostic] = []
    for name, (value, span) in raw.items():
        if name not in allowed:
            messages.append(unknown(name, span, where, allowed))
            continue
        found = parse(name, value, span, where)
        if isinstance(found, Diagnostic):
            messages.append(found)
            continue
        problems = list(_check(name, found, where))
        messages += problems
        if not problems:
            values[name] = found
    return values, messages


# -- a page


def of_page(document: Document) -> tuple[dict[str, Value], tuple[Diagnostic, ...]]:
    """What the front matter of a page declares, and what is wrong with it."""
    if FRONT_MATTER not in document.front_matter:
        return {}, ()
    places, again = _front_matter_places(document)
    table = document.front_matter[FRONT_MATTER]
    top = places.get((), Span(document.path, 1, 1))
    if table is None:
        return {}, ()
    if not isinstance(table, Mapping):
        hint = "such as execute: {gpus: 1}"
        return {}, (error(Code.DECLARATION, f"{FRONT_MATTER}: holds names and values", top, hint=hint),)
    raw = {str(name): (value, places.get((str(name),), top)) for name, value in table.items()}
    values, messages = checked(raw, f"{FRONT_MATTER}:")
    return values, (*again, *messages)


def _front_matter_places(document: Document) -> tuple[dict[tuple[str, ...], Span], list[Diagnostic]]:
    """Where ``execute:`` (``()``) and each key below it stand, and which stand there twice."""
    import yaml  # only for pages that declare something

    lines = document.text.split("\n")
    end = next((n for n in range(1, len(lines)) if lines[n].rstrip() in ("---", "...")), len(lines))
    try:
        root = yaml.compose("\n".join(lines[1:end]), Loader=yaml.SafeLoader)
    except Exception:  # the reader could read it; what is odd here costs only the line
        return {}, []

    def span(node: yaml.Node) -> Span:
        line = node.start_mark.line + 2
        return Span(document.path, line, line, node.start_mark.column + 1, len(str(node.value)))

    places: dict[tuple[str, ...], Span] = {}
    again: list[Diagnostic] = []

    def note(place: tuple[str, ...], node: yaml.Node) -> None:
        if place in places:  # of which YAML drops the first, silently
            message = f"{': '.join((FRONT_MATTER, *place))} stands here and in line {places[place].line}"
            again.append(error(Code.DECLARATION, message, span(node), hint="remove one of the two"))
        places[place] = span(node)

    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value == FRONT_MATTER:
            note((), key)
            places = {(): places[()]}
            for name, _ in value.value if isinstance(value, yaml.MappingNode) else ():
                note((str(name.value),), name)
    return places, again


OF_CELLS = tuple(name for name, key in KEYS.items() if key.of_cells)
"""The keys that can be attributes of a cell's fence."""


def of_cells(edition: Edition) -> tuple[dict[int, dict[str, Value]], tuple[Diagnostic, ...]]:
    """Index of a cell → what its fence declares. Attributes of other names are not ours to judge, slips excepted."""
    found: dict[int, dict[str, Value]] = {}
    messages: list[Diagnostic] = []
    for index, part in enumerate(edition.cells):
        if not part.cell.attributes:
            continue
        place = Span(part.cell.span.path, part.cell.span.line, part.cell.span.line)
        raw: dict[str, tuple[object, Span]] = {}
        for name, value in part.cell.attributes:
            if name in KEYS or difflib.get_close_matches(name, OF_CELLS, n=1, cutoff=0.8):
                raw[name] = (value.strip("\"'"), place)
        values, problems = checked(raw, "a cell", OF_CELLS)
        messages += problems
        if values:
            found[index] = values
    return found, tuple(messages)


def of(document: Document, edition: Edition, settings: Settings) -> tuple[Declared, tuple[Diagnostic, ...]]:
    """All that is declared for a page in one framework, and what is wrong with it."""
    values: dict[str, Value] = {}
    for section in settings.execute_sections:
        if settings.matches(section.glob, document.page):
            values |= section.values
    own, messages = of_page(document)
    values |= own
    cells, problems = of_cells(edition)
    environment, more = _environment_of(values.get("environment"), document, edition.tab, settings)
    plain: dict[str, Any] = {"timeout": settings.timeout, "page_timeout": settings.page_timeout}
    plain["silence"] = settings.silence
    plain |= {name: v.value for name, v in values.items() if KEYS[name].kind not in ("environment", "words")}
    timeouts = {index: cell["timeout"].value for index, cell in cells.items() if "timeout" in cell}
    needs = Needs(**plain, environment=environment, cell_timeouts=timeouts)
    for cell in cells.values():
        needs = _more(needs, cell)

    def words(name: str) -> tuple[tuple[str, Span], ...]:
        found = values.get(name)
        return tuple((word, found.span) for word in found.value) if found else ()

    declared = Declared(needs, words("files"), words("variables"), words("modules"))
    return declared, (*messages, *problems, *more)


def _more(needs: Needs, cell: Mapping[str, Value]) -> Needs:
    """The needs of a page with a cell that has its own."""
    fewest, most = cell["gpus"].value if "gpus" in cell else (0, 0)
    largest = {
        name: max(getattr(needs, name), cell[name].value) for name in ("gpu_memory", "memory", "cpus") if name in cell
    }
    return replace(needs, gpus=(max(needs.gpus[0], fewest), max(needs.gpus[1], most)), **largest)


def _environment_of(
    value: Value | None, document: Document, tab: str, settings: Settings
) -> tuple[str, tuple[Diagnostic, ...]]:
    """The name of the lock for one framework, empty for its own."""
    if value is None:
        return "", ()
    named: Mapping[str, str] = value.value
    if "" in named and len(document.tabs) > 1:
        hint = f"such as environment: {{{document.tabs[0]}: {named['']}}}"
        message = f"environment: {named['']!r} is for one framework, and {document.path} has {len(document.tabs)}"
        return "", (error(Code.DECLARATION, message, value.span, hint=hint),)
    messages = tuple(
        error(
            Code.DECLARATION,
            f"environment: there is no framework {other!r} in this book",
            value.span,
            hint=_nearest(other, settings.tabs),
        )
        for other in named
        if other and other not in settings.tabs
    )
    return named.get(tab, named.get("", "")), messages


def _nearest(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1)
    return f"did you mean {close[0]!r}?" if close else f"the book has {', '.join(names)}"


# -- a suggestion

_LOOKS_LIKE_A_GPU = re.compile(
    r"\btry_gpu\b|\btry_all_gpus\b|\bnum_gpus\b|\.cuda\(|\bmx\.gpu\b|\bnpx\.gpu\b"
    r"|\bdevice\s*=\s*[\"']cuda|\bdevice\(\s*[\"']cuda|\.to\(\s*[\"']cuda|/(?:device:)?GPU:\d|\bdevices\(\s*[\"'](?:gpu|cuda)"
)


def suggests_gpu(edition: Edition) -> Span | None:
    """The first line of a page's code that looks as if it uses a graphics card. It decides nothing."""
    for part in edition.cells:
        for line, number in zip(part.code.text.split("\n"), part.code.lines, strict=True):
            found = _LOOKS_LIKE_A_GPU.search(line.partition("#")[0])
            if found and not line.lstrip().startswith("def "):
                return Span(part.cell.span.path, number, number, found.start() + 1, len(found[0]))
    return None
