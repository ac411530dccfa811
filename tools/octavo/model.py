"""The words that all stages share: frozen values, no behaviour beyond small derived facts.

A page of the book is read once into a :class:`Document`. Each framework ("tab") gets its own :class:`Edition` of a
document, executing an edition gives a :class:`Run`, and harvesting a book's editions gives :class:`Definition` values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file that an author wrote."""

    path: str
    """POSIX path relative to the book's root, such as ``chapter_x/page.md``."""
    line: int
    """First line, counted from 1."""
    end: int
    """Last line, counted from 1 and included; equal to ``line`` for a single line."""
    column: int = 0
    """First column, counted from 1; 0 when the span means whole lines."""
    width: int = 0
    """How many characters are meant on ``line``; 0 when unknown or whole lines."""


@dataclass(frozen=True, slots=True)
class Code:
    """Source text that remembers where each of its lines came from."""

    text: str
    """The code, without a final newline."""
    lines: tuple[int, ...]
    """For each line of ``text``, the line of the author's file (from 1) it came from."""

    def __post_init__(self) -> None:
        if len(self.lines) != self.text.count("\n") + 1:
            raise ValueError(f"{len(self.lines)} line numbers for {self.text.count(chr(10)) + 1} lines of code")


class CellKind(Enum):
    """What a code cell is for."""

    CODE = "code"
    """Ordinary code: executed, shown, harvested where marked."""
    HEADER = "header"
    """The ``interact_select`` cell of a page: dropped from every output."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One executable code cell as the author wrote it, all frameworks' branches still inside."""

    code: Code
    """The body of the fence, mark lines included."""
    span: Span
    """From the opening to the closing fence."""
    tabs: tuple[str, ...]
    """Frameworks that this cell belongs to, in the book's order; never empty."""
    marked: bool
    """Whether the author wrote a framework mark, or the settings decided."""
    index: int
    """Position among the cells of its page, counted from 0, header cells included."""
    kind: CellKind = CellKind.CODE
    id: str | None = None
    """The ``#id`` of the fence; unique only together with a framework."""
    attributes: tuple[tuple[str, str], ...] = ()
    """Further ``name=value`` attributes of the fence, as written."""
    hide_code: bool = False
    """The reader does not see the code (it still runs)."""
    hide_output: bool = False
    """The reader does not see what it prints."""
    varies: bool = False
    """What it prints differs from run to run (``#@varies``): kept from the first run, not compared."""


@dataclass(frozen=True, slots=True)
class Prose:
    """A stretch of Markdown between cells, as the author wrote it."""

    text: str
    """Whole lines of the file, ``:begin_tab:`` and ``:end_tab:`` lines left out."""
    span: Span
    """The lines that ``text`` stands on."""
    tabs: tuple[str, ...] | None = None
    """The frameworks of the tab block around it; ``None`` outside of tab blocks."""


@dataclass(frozen=True, slots=True)
class TocEntry:
    """One line of a ``toc`` fence."""

    page: str
    """The page named, relative to the book's root, without extension."""
    span: Span
    numbered: bool
    """Whether the fence it stands in says ``:numbered:`` (or a parent's does)."""


@dataclass(frozen=True, slots=True)
class Label:
    """A name that references can point at."""

    name: str
    kind: Literal["section", "figure", "table", "equation", "place"]
    """What carries it; a ``place`` is a label that stands alone."""
    span: Span


@dataclass(frozen=True, slots=True)
class Reference:
    """A role, picture or included file of the page: what points at something else."""

    kind: Literal["label", "citation", "image", "file"]
    target: str
    """One label, one citation key, or the address of a picture or file as the author wrote it."""
    role: str
    """The role used, such as ``numref``; empty for pictures and files."""
    span: Span


@dataclass(frozen=True, slots=True)
class Document:
    """One page of the book."""

    page: str
    """Path relative to the book's root without extension, such as ``chapter_x/page``."""
    path: str
    """POSIX path of the file relative to the book's root."""
    text: str
    """The whole file."""
    items: tuple[Prose | Cell, ...]
    """Prose and cells in the order of the file."""
    tabs: tuple[str, ...]
    """Frameworks that this page exists in, in the book's order; all of them for a page without code."""
    title: str = ""
    """Plain text of the first heading."""
    toc: tuple[TocEntry, ...] = ()
    """Pages that its ``toc`` fences name, in order."""
    labels: tuple[Label, ...] = ()
    references: tuple[Reference, ...] = ()
    bibliographies: tuple[str, ...] = ()
    """The BibTeX files that its lists of references name, relative to the source folder; some may not be there."""
    front_matter: Mapping[str, Any] = field(default_factory=dict)
    """YAML front matter; empty when there is none."""
    made: bool = False
    """Whether octavo wrote it, for the website alone: no file of the book's holds it."""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The code cells in order, header cells included."""
        return tuple(item for item in self.items if isinstance(item, Cell))


@dataclass(frozen=True, slots=True)
class Book:
    """All pages in reading order."""

    pages: tuple[Document, ...]
    """Depth first along the table of contents, root page first; pages outside of it are not here."""

    def page(self, name: str) -> Document:
        """The page called ``name``; raises ``KeyError`` when the book has none."""
        for document in self.pages:
            if document.page == name:
                return document
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class EditionCell:
    """A cell cut for one framework, at both depths."""

    cell: Cell
    """The author's cell that it was cut from."""
    branches: Code
    """``tab.selected`` resolved and mark lines gone; aliases as the author wrote them. What harvest takes."""
    code: Code
    """Aliases rewritten on top; what kernel, page and notebook take."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One framework's view of a page."""

    page: str
    tab: str
    cells: tuple[EditionCell, ...]
    """Executable cells of that framework in order, header cells left out."""


DefinitionKind = Literal["import", "function", "class", "assignment", "method", "statement"]


@dataclass(frozen=True, slots=True)
class Definition:
    """A piece of code that ``#@save`` put into the library of one framework."""

    name: str
    """The name it binds at module level; for a method ``Class.method``; several names joined by ``", "``."""
    kind: DefinitionKind
    source: str
    """The code as it goes into the module."""
    span: Span
    """The author's lines."""
    tab: str
    page: str
    binds: frozenset[str]
    """Every module-level name that it binds."""
    uses: frozenset[str]
    """Module-level names that it reads, ``d2l.x`` counted as ``x``; builtins left out."""
    extends: str | None = None
    """The saved class that an ``@add_to_class`` method belongs to."""


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a cell."""

    kind: Literal["stream", "display", "result", "error"]
    name: str = ""
    """``stdout`` or ``stderr`` for a stream, the exception's class for an error."""
    text: str = ""
    """Text of a stream, message of an error."""
    data: Mapping[str, str] = field(default_factory=dict)
    """MIME type to content of a display or result; binary types hold base64 text."""
    traceback: tuple[str, ...] = ()
    """Lines of an error's traceback, control codes removed."""


@dataclass(frozen=True, slots=True)
class CellRun:
    """What one cell of an edition did."""

    digest: str
    """SHA-256 of the executed text of the cell."""
    outputs: tuple[Output, ...]
    varies: bool = False
    """Its outputs may differ from run to run and are not compared."""
    seconds: float = 0.0
    """Wall time, 0 when read back from the committed results."""
    memory: int = 0
    """Most bytes of main memory that its kernel held while it ran; 0 where nobody knows."""
    gpu_memory: int = 0
    """The same of its graphics cards together."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a page did not run to its end in one framework. Data, not an exception."""

    reason: Literal["exception", "timeout", "died", "environment", "syntax", "deferred"]
    """``deferred`` of a page that this machine has no graphics card for: no fault, and never stored."""
    name: str
    """Class of the exception, or a short name of the reason."""
    message: str
    span: Span | None = None
    """The author's line that failed, when one is known."""
    cell: int | None = None
    """Index into ``Edition.cells``."""
    traceback: tuple[str, ...] = ()
    """Lines of the traceback mapped to the author's lines, control codes removed."""
    infrastructure: bool = False
    """A fault of the machine and not of the page, so that another try, elsewhere if possible, may succeed."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What executing a page in one framework takes from a machine. Never part of a key but for ``cpus``."""

    gpus: tuple[int, int] = (0, 0)
    """Fewest and most graphics cards: ``(1, 1)`` must have one, ``(0, 1)`` uses one where there is one."""
    gpu_memory: int = 0
    """Bytes of each card; 0 means the whole card."""
    cpus: int = 1
    """Cores, and threads of numerical libraries: the order of sums, and with it the last digits, depends on them."""
    memory: int = 0
    """Bytes of main memory; 0 where nobody said."""
    timeout: float = 600.0
    """Seconds that a cell may run."""
    cell_timeouts: Mapping[int, float] = field(default_factory=dict)
    """Index into ``Edition.cells`` → seconds, for cells that say so themselves."""
    page_timeout: float = 0.0
    """Seconds that the whole page may run; 0 means as long as its cells may."""
    silence: float = 0.0
    """Seconds that a running cell may print and draw nothing; 0 means as long as it may run."""
    environment: str = ""
    """Name of the lock that it runs with; empty for its framework's own."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run depended on, kept so that a later build can say what changed."""

    cells: tuple[str, ...]
    """Digest of each executed cell in order."""
    definitions: Mapping[str, str]
    """Library name to digest of its definition, for the closure that the page uses."""
    lock: Mapping[str, str]
    """Package to version of the framework's lock, ``python`` included."""
    options: Mapping[str, str]
    """Everything else that counts: schema, framework, semantic options, files and variables declared."""


@dataclass(frozen=True, slots=True)
class Run:
    """The result of executing one edition."""

    key: str
    """SHA-256 over ``inputs``: equal keys mean that nothing which counts has changed."""
    page: str
    tab: str
    inputs: Inputs
    cells: tuple[CellRun, ...]
    """Up to the failed cell, if one failed."""
    failure: Failure | None = None
    seconds: float = 0.0
    device: str = ""
    """What it ran on, such as ``cpu``; recorded, never part of the key."""
    host: str = ""
    """Name of the machine that it ran on; recorded in the local store, never committed."""
