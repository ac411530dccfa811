"""Failed runs → messages to the author."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from octavo.diagnostics import Code, Diagnostic, error
from octavo.model import Failure, Run

_CODES = {
    "exception": Code.CELL_FAILED,
    "syntax": Code.CELL_FAILED,
    "timeout": Code.CELL_TIMEOUT,
    "died": Code.KERNEL_DIED,
    "environment": Code.ENVIRONMENT,
}


def diagnostics(runs: Iterable[Run]) -> Iterator[Diagnostic]:
    """One message for each failed run; a framework without an environment is told once, not for each of its pages."""
    told: set[tuple[str, str]] = set()
    for run in runs:
        if run.failure is None:
            continue
        if run.failure.reason == "environment":
            if (run.tab, run.failure.message) in told:
                continue
            told.add((run.tab, run.failure.message))
        yield _diagnostic(run, run.failure)


def _diagnostic(run: Run, failure: Failure) -> Diagnostic:
    if failure.reason in ("exception", "syntax"):
        message = f"{failure.name}: {failure.message}" if failure.message else failure.name
        hint = ""
    elif failure.reason == "timeout":
        message, hint = failure.message, "make the cell quicker, or raise [execute] timeout in config.ini"
    elif failure.reason == "died":
        message, hint = failure.message, "a crash in compiled code, too little memory, or a cell that ends its process"
    else:
        message, hint = failure.message, f"pages are shown without results of {run.tab} that are not stored yet"
    lines = message.splitlines() or [failure.name]
    detail = (*(() if len(lines) == 1 else lines[1:]), *failure.traceback)
    return error(_CODES[failure.reason], lines[0], failure.span, tab=run.tab, detail=detail, hint=hint)
