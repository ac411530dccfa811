"""Failed runs → messages to the author."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

from octavo.diagnostics import Code, Diagnostic, error, warning
from octavo.model import Edition, Failure, Run, Span

_CODES: dict[str, Code] = {
    "exception": Code.CELL_FAILED,
    "syntax": Code.CELL_FAILED,
    "timeout": Code.CELL_TIMEOUT,
    "died": Code.KERNEL_DIED,
    "environment": Code.ENVIRONMENT,
}
_CODES_BY_NAME = {"PageTimeout": Code.PAGE_TIMEOUT, "CellSilent": Code.CELL_SILENT}
"""Limits of time that have a message of their own."""

_HINTS = {
    Code.CELL_TIMEOUT: "make the cell quicker, or give it more time: timeout=… on its fence, or [execute] timeout",
    Code.CELL_SILENT: "look for what it waits for; a page that works in silence needs a higher [execute] silence",
    Code.PAGE_TIMEOUT: "make the page quicker, or give it more time: page_timeout in its front matter or [execute]",
}

Editions = Mapping[tuple[str, str], Edition]
"""(page, framework) → its edition."""


def diagnostics(
    runs: Iterable[Run], editions: Editions | None = None, octavo: Sequence[str] = ("octavo",)
) -> Iterator[Diagnostic]:
    """One message for each failed run; a framework without an environment is told once, not for each of its pages.

    A page that another machine has to execute has not failed, and is a warning. ``editions`` knows the cells that the
    runs are of, for excerpts; ``octavo`` is how the user calls it for this book.
    """
    told: set[tuple[str, str]] = set()
    for run in runs:
        if run.failure is None:
            continue
        if run.failure.reason == "deferred":
            yield _deferral(run, run.failure, (editions or {}).get((run.page, run.tab)))
            continue
        if run.failure.reason == "environment":
            if (run.tab, run.failure.message) in told:
                continue
            told.add((run.tab, run.failure.message))
        yield _diagnostic(run, run.failure, (editions or {}).get((run.page, run.tab)), octavo)


def command(page: str, tabs: Iterable[str], octavo: Sequence[str] = ("octavo",)) -> str:
    """What executes a failed page again in its frameworks, and nothing else: as a line for a shell."""
    return shlex.join([*octavo, "run", f"{page}.md", *(word for tab in tabs for word in ("--tab", tab))])


def reasons(run: Run, octavo: Sequence[str] = ("octavo",)) -> tuple[str, ...]:
    """Why a page has no result, as a list of states says it: what happened and where, then what repeats it."""
    assert run.failure is not None
    span, host = run.failure.span, elsewhere(run)
    where = (f" at {span.path}:{span.line}" if span else "") + (f" on {host}" if host else "")
    return f"{sentence(run.failure)}{where}", f"reproduce: {command(run.page, [run.tab], octavo)}"


def sentence(failure: Failure) -> str:
    """What happened, in one line."""
    named = failure.name if not failure.message else f"{failure.name}: {failure.message}"
    text = named if failure.reason in ("exception", "syntax") else failure.message
    return next((line for line in text.splitlines() if line.strip()), failure.name)


def code(failure: Failure) -> Code:
    """The kind of a failure."""
    if failure.infrastructure and failure.reason != "environment":
        return Code.INFRASTRUCTURE
    if failure.reason == "timeout":  # an exception may have any name
        return _CODES_BY_NAME.get(failure.name, Code.CELL_TIMEOUT)
    return _CODES[failure.reason]


def hint(run: Run, failure: Failure) -> str:
    """What can be done about it; nothing is said of exceptions, which speak for themselves."""
    kind = code(failure)
    if kind is Code.ENVIRONMENT:
        return f"pages are shown without results of {run.tab} that are not stored yet"
    if "SIGKILL" in failure.message and failure.reason == "died":
        return (
            "most often memory ran out: take less at once, run fewer pages at once (-j), or declare how much the page"
            " takes (memory)"
        )
    if "did not start" in failure.message and failure.reason == "died":
        return f"if this machine has room and memory, have the environment made anew: octavo env remove {run.tab}"
    if kind is Code.INFRASTRUCTURE:
        return "the page is not at fault: look at the machine, and run it again there or on another one"
    if kind is not Code.KERNEL_DIED:
        return _HINTS.get(kind, "")
    if "exit code" in failure.message:
        return "a cell that ends its process, such as by os._exit; raise an exception instead"
    if "was ended by" in failure.message:
        return "a crash in compiled code; the last lines say where, if it could still tell"
    return "look at what the cell does with processes, threads and connections"


def cell_of(run: Run, edition: Edition | None) -> Span | None:
    """The author's lines of the code of the cell that failed."""
    index = run.failure.cell if run.failure else None
    if edition is None or index is None or not 0 <= index < len(edition.cells):
        return None
    span = edition.cells[index].cell.span  # with its fences
    return Span(span.path, span.line + 1, max(span.line + 1, span.end - 1))


def elsewhere(run: Run) -> str:
    """The machine that a run was on, if that is another than this one."""
    return run.host if run.host not in ("", platform.node()) else ""


def _deferral(run: Run, failure: Failure, edition: Edition | None) -> Diagnostic:
    """A page that this machine has no graphics card for: its last result is shown."""
    path = edition.cells[0].cell.span.path if edition is not None and edition.cells else f"{run.page}.md"
    return warning(
        Code.DEFERRED,
        f"deferred: {sentence(failure)}",
        Span(path, 1, 1),
        tab=run.tab,
        excerpt="",
        hint="execute it on a machine that has, and share the result: through outputs/, or [execute] store",
    )


def _diagnostic(run: Run, failure: Failure, edition: Edition | None, octavo: Sequence[str]) -> Diagnostic:
    head = sentence(failure)
    further = [line for line in failure.message.splitlines()[1:] if line.strip()]
    # the traceback ends with the whole message
    shown = () if failure.traceback and failure.reason in ("exception", "syntax") else tuple(further)
    return error(
        code(failure),
        head,
        failure.span,
        tab=run.tab,
        detail=(*shown, *failure.traceback),
        hint=hint(run, failure),
        within=cell_of(run, edition),
        host=elsewhere(run),
        command=command(run.page, [run.tab], octavo),
    )
