"""Runs LaTeX until the manuscript is typeset."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from octavo.diagnostics import Code, Diagnostic, ReadLine, Severity, error
from octavo.products import FIRST_TIME
from octavo.typeset import tools
from octavo.typeset.log import Event as Happened
from octavo.typeset.log import Kind, events, gave_up, pages
from octavo.typeset.messages import messages, shown
from octavo.typeset.places import Places
from octavo.typeset.running import SILENCE, StuckError, run

ENGINE = "xelatex"
"""Of the engines that set every language: three to five times as fast as LuaLaTeX on the same manuscript."""

OnPage = Callable[[int, int], None]
"""Told the number of the run over the manuscript, from 1, and the page that was set last."""

_MOST_RUNS = 5
"""A manuscript whose page numbers have not settled by then never settles."""
_MOST_PAGES = 20_000
"""More than any book has: some command starts a page for ever."""
_HINT_STUCK = "look for a command that calls itself, or reads on for ever"


_BEFORE = r"\AddToHook{begindocument}{\expandafter\let\csname Gin@rule@*\endcsname\undefined}"
"""Said before the manuscript: a picture of a kind that the engine does not know is an error of LaTeX, and left out."""


@dataclass(frozen=True, slots=True)
class Typeset:
    """What became of a manuscript."""

    pdf: Path | None
    """``None`` where there is none."""
    pages: int
    messages: tuple[Diagnostic, ...]
    """What is wrong, at the author's places; errors where LaTeX could not make sense of something."""


def typeset(
    main: Path,
    on_page: OnPage = lambda run, page: None,
    stop: Event | None = None,
    *,
    read_line: ReadLine = lambda path, line: None,
    told: Collection[tuple[str, int]] = (),
    date: int = FIRST_TIME,
    silence: float = SILENCE,
) -> Typeset:
    """Typeset a manuscript in its folder, running LaTeX as often as it takes.

    ``read_line`` looks the author's lines up, so that messages name the one that is meant; at a place (path, line) in
    ``told`` the author knows of what is wrong there. ``date``, in seconds, is when the PDF says that it was made.
    Errors do not end it: the PDF is what LaTeX made in spite of them. Setting ``stop`` ends it with
    :class:`~octavo.typeset.running.CancelledError`.
    """
    pdf, log = main.with_suffix(".pdf"), main.with_suffix(".log")
    lacking = tools.lacking()
    if lacking is not None:
        return Typeset(None, 0, (lacking,))
    listener, stuck = _Listener(on_page), ""
    settled = main.with_suffix(".settled")
    if not settled.is_file():
        _forget(main)
    settled.unlink(missing_ok=True)
    try:
        run(_command(main), main.parent, _variables(os.environ, date), listener.hear, stop or Event(), silence=silence)
    except StuckError as problem:
        stuck = str(problem)
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    happened = list(events(text))
    if gave_up(text) or not pages(text):  # what was referred to may have been still to come
        happened = [one for one in happened if one.kind is not Kind.UNDEFINED]
    places = Places.of(main, read_line)
    found = messages(happened, places, log, told)
    made = pages(text) if not stuck and _is_whole(pdf) else 0
    errors = any(one.severity is Severity.ERROR for one in found)
    place = _last(happened, places) if gave_up(text) else ""
    ending = tuple(_ending(made, text, stuck, listener, log, place, errors=errors or bool(told)))
    if not errors and not ending:
        settled.touch()
    return Typeset(pdf if made else None, made, (*found, *ending))


def _last(happened: Sequence[Happened], places: Places) -> str:
    """Where the last error is, in words; nothing where nobody knows."""
    last = next((one for one in reversed(happened) if one.kind is Kind.ERROR), None)
    span = places.at(last.line) if last is not None and (not last.file or last.file.endswith(".tex")) else None
    return f" at {span.path}:{span.line}" if span is not None else ""


def _forget(main: Path) -> None:
    """Remove what an earlier run left for the next one, since that run did not end well.

    A file that was cut short, or that holds a faulty command, would stop every run before it is written again.
    """
    for ending in ("aux", "fdb_latexmk", "fls", "idx", "ilg", "ind", "lof", "log", "lot", "out", "pdf", "toc", "xdv"):
        main.with_suffix(f".{ending}").unlink(missing_ok=True)


def _is_whole(pdf: Path) -> bool:
    """Whether a PDF has its end: what writes it leaves what it has written when it gives up."""
    try:
        with pdf.open("rb") as file:
            file.seek(max(0, pdf.stat().st_size - 1024))
            return b"%%EOF" in file.read()
    except OSError:
        return False


def _ending(
    made: int, text: str, stuck: str, listener: _Listener, log: Path, where: str, *, errors: bool
) -> Iterator[Diagnostic]:
    """What there is to say of a manuscript that was not typeset to its end."""
    place = f"log: {shown(log)}"
    if stuck:
        page = f" at page {listener.page}" if listener.page else ""
        yield error(Code.LATEX, f"LaTeX was ended{page}: {stuck}", hint=_HINT_STUCK, detail=(place,))
    elif not made and not text:
        said = tuple(line for line in listener.last if line.strip())
        if any("Killed" in line for line in said):
            message, hint = "LaTeX was killed from outside", "build again; if it is killed again, it lacks memory"
        else:
            message, hint = "LaTeX did not begin", "octavo doctor says what is missing"
        yield error(Code.LATEX, message, detail=said, hint=hint)
    elif not made:
        fatal = tuple(line for line in listener.last if "xdvipdfmx:" in line)
        hint = "mend what is told above" if errors else ""
        message = (
            f"there is no PDF: LaTeX gave up{where}" if where else "there is no PDF: LaTeX did not come to its end"
        )
        yield error(Code.LATEX, message, detail=(*fatal, place), hint=hint)
    elif gave_up(text):
        message = f"the PDF ends with page {made}: LaTeX gave up{where}"
        yield error(Code.LATEX, message, detail=(place,), hint="mend what is told above" if errors else "")


def _command(main: Path) -> list[str]:
    """What runs LaTeX, the index and the writing of the PDF until nothing changes any more.

    No file of settings is read; the words after ``-e`` are latexmk's own settings, the same for every book.
    """
    settings = {
        "max_repeat": str(_MOST_RUNS),
        # after an error latexmk would not run it again, and contents and page numbers would be those of the first run
        ENGINE: f"q({ENGINE} %O %P || true)",
        "makeindex": "q(makeindex -s python.ist %O -o %D %S)",
        # pictures that are neither PDF nor pixels would be given to whatever program the system names for them
        "xdvipdfmx": "q(xdvipdfmx -E -D false -o %D %O %S)",
    }
    return [
        "latexmk",
        "-norc",
        f"-{ENGINE}",
        "-f",  # a PDF in spite of errors
        "-interaction=nonstopmode",
        "-file-line-error",
        "-no-shell-escape",
        "-e",
        " ".join(f"${name} = {value};" for name, value in settings.items()),
        f"-pretex={_BEFORE}",
        main.name,
    ]


def _variables(own: Mapping[str, str], date: int) -> dict[str, str]:
    """The environment that LaTeX runs in."""
    return {
        **own,
        # what a manuscript names is read from its folder or from TeX's own, and written to its folder
        "openin_any": "p",
        "openout_any": "p",
        "shell_escape": "f",
        # each message of the log on one line, and as much of the manuscript around an error as TeX gives
        "max_print_line": "1048576",
        "error_line": "254",
        "half_error_line": "238",
        "LC_ALL": "C.UTF-8",
        # the same manuscript makes the same file
        "SOURCE_DATE_EPOCH": str(date),
    }


@dataclass
class _Listener:
    """Finds in what the programs print how far they are."""

    on_page: OnPage
    rest: str = ""
    run: int = 0
    """Of LaTeX, from 1."""
    page: int = 0
    """How many it has set in this run."""
    counts: bool = False
    """Whether it is LaTeX that prints; what writes the PDF counts pages in the same way."""
    last: deque[str] = field(default_factory=lambda: deque(maxlen=30))
    """The lines that were printed last."""

    def hear(self, text: str) -> None:
        """Take a piece of it, which may end anywhere."""
        lines = (self.rest + text).split("\n")
        *complete, self.rest = lines
        before = self.run, self.page
        for line in complete:
            self._line(line)
        self.last.extend(complete)
        if len(self.rest) > 4096 or self.rest.endswith("]"):  # LaTeX ends no line for each page
            self._pages(self.rest)
            self.rest = ""
        if (self.run, self.page) != before:
            self.on_page(self.run, self.page)
        if self.page > _MOST_PAGES:
            raise StuckError(f"it came to more than {_MOST_PAGES} pages")

    def _line(self, line: str) -> None:
        if line.startswith("Running '"):
            self.counts = line.startswith(f"Running '{ENGINE} ")
            if self.counts:
                self.run, self.page = self.run + 1, 0
        else:
            self._pages(line)

    def _pages(self, text: str) -> None:
        if self.counts:
            self.page += len(_PAGE.findall(text))


_PAGE = re.compile(r"(?:^|[ \])])\[\d+(?:\.\d+)*(?=[\]<{ \n]|$)")
"""How LaTeX shows that it has set a page."""
