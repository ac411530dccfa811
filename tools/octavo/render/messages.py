"""Warnings of Sphinx, docutils, MyST and the other extensions → diagnostics."""

from __future__ import annotations

import difflib
import logging
import os
import re
from collections.abc import Iterable
from typing import Any, cast

from docutils import nodes
from docutils.utils import get_source_line

from octavo.diagnostics import Code, Diagnostic, Severity
from octavo.model import Span
from octavo.render.application import BookApplication
from octavo.render.links.labels import labels_of

_KINDS: dict[tuple[str, str | None], Code] = {
    ("image", "not_readable"): Code.MISSING_FILE,
    ("download", "not_readable"): Code.MISSING_FILE,
    ("myst", "role_unknown"): Code.UNKNOWN_ROLE,
    ("myst", "xref_missing"): Code.UNKNOWN_REFERENCE,
    ("myst", "iref_missing"): Code.UNKNOWN_REFERENCE,
    ("bibtex", "key_not_found"): Code.UNKNOWN_CITATION,
    ("bibtex", "bibfile_error"): Code.MISSING_FILE,
    ("ref", None): Code.UNKNOWN_REFERENCE,
}
_PHRASES: tuple[tuple[str, Code], ...] = (
    (r"duplicate label|Duplicate explicit target", Code.DUPLICATE_LABEL),
    (r"Unknown interpreted text role", Code.UNKNOWN_ROLE),
    (r"(Problems with|not found or reading it failed|Include file)", Code.MISSING_FILE),
    (r"undefined label|unknown document|equation not found", Code.UNKNOWN_REFERENCE),
)
_TWICE = re.compile(r"duplicate label (?:of equation )?([^,]+), other|Duplicate explicit target name: \"(.+?)\"")
_UNWRITTEN = re.compile(r"(?:error writing file|cannot copy|failed to copy)\b", re.IGNORECASE)
"""Begin of what Sphinx warns of when it could not write a part of the site, and goes on."""
_REFERENCE_CODES = (Code.UNKNOWN_REFERENCE, Code.UNKNOWN_CITATION, Code.UNKNOWN_ROLE, Code.MISSING_FILE)


class DiagnosticHandler(logging.Handler):
    """Turns every warning of Sphinx, docutils, MyST and the other extensions into a :class:`Diagnostic`."""

    def __init__(self, application: BookApplication) -> None:
        super().__init__(logging.WARNING)
        self.application = application

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record; Sphinx may hand the same one out twice, and those of other processes when they end."""
        if getattr(record, "octavo_seen", False):
            return
        record.octavo_seen = True
        diagnostic = self._diagnostic(record)
        if diagnostic is not None:
            self.application.tell(diagnostic)

    def _diagnostic(self, record: logging.LogRecord) -> Diagnostic | None:
        try:
            message = " ".join(record.getMessage().split())
        except (TypeError, ValueError):
            message = str(record.msg)
        if message.startswith("unknown config value 'pygments_dark_style'"):
            return None  # Furo declares it later than Sphinx asks, and refuses to be loaded earlier
        if (getattr(record, "type", None), getattr(record, "subtype", None)) == ("ref", "ref"):
            return None  # warn_missing_reference says it, with a hint
        if message.startswith("Document headings start at H"):
            return None  # pages of the old format do, below the title that another page gives
        if self._is_known_label(message):
            return None  # the book's reader has told of it
        if message.startswith('Problems with "raw" directive path'):
            return None  # reported when the page was read
        kind, subtype = getattr(record, "type", None) or "", getattr(record, "subtype", None)
        code = _KINDS.get((kind, subtype)) or _KINDS.get((kind, None))
        phrase = next((code for pattern, code in _PHRASES if re.search(pattern, message, re.IGNORECASE)), None)
        code = phrase if phrase is Code.DUPLICATE_LABEL else code or phrase or Code.MARKUP
        serious = record.levelno >= logging.ERROR or code in _REFERENCE_CODES
        severity = Severity.ERROR if serious else Severity.WARNING
        span = self._span(getattr(record, "location", None))
        hint = ""
        if _UNWRITTEN.match(message):
            severity, hint = Severity.ERROR, "see that the output folder may be written and has room"
        if code is Code.UNKNOWN_CITATION:
            match = re.search(r'"(.+?)"', message)
            key = match[1] if match else ""
            message, hint = self._uncited(key)
            span = self.application.pointed(span, key)
        elif code is Code.UNKNOWN_REFERENCE and kind == "myst":
            match = re.search(r"'([^']+)'$", message)
            if match:
                message = f"nothing is called {match[1]!r}"
                hint = closest(match[1].lstrip("#"), labels_of(self.application.env))
        message = self._without_paths(message).rstrip(".")
        return Diagnostic(code, severity, message, span, hint=hint)

    def _is_known_label(self, message: str) -> bool:
        """Whether a message is about a label that stands twice, and was read as a label."""
        match = _TWICE.match(message)
        name = (match[1] or match[2]) if match else ""
        pages = self.application.source.book.pages
        return bool(name) and any(label.name.lower() == name.lower() for page in pages for label in page.labels)

    def _uncited(self, key: str) -> tuple[str, str]:
        """What is wrong with a citation that leads nowhere, and a hint."""
        domain: Any = self.application.env.get_domain("cite")
        keys = sorted(domain.bibdata.data.entries.keys())
        bibfile = self.application.source.settings.bibfile
        if key in keys:
            return f"no page lists the entry {key!r}", f"write :bibliography:`{bibfile}` where the references belong"
        message = f"the bibliography has no entry {key!r}"
        if not keys:
            return message, f"there is no readable {bibfile}"
        return message, closest(key, keys) or f"add it to {bibfile}"

    def _span(self, location: object) -> Span | None:
        path: str | None = None
        line: int | None = None
        if isinstance(location, nodes.Node):
            path, line = get_source_line(cast(nodes.Element, location))
        elif isinstance(location, tuple) and location:
            path, line = location[0], location[1] if len(location) > 1 else None
        elif isinstance(location, str):
            match = re.fullmatch(r"(.*?)(?::(\d+))?(?::.*)?", location)
            if match:
                path, line = match[1], int(match[2]) if match[2] else None
        if not path:
            return None
        return self.application.span(path, line)

    def _without_paths(self, message: str) -> str:
        return message.replace(f"{self.application.srcdir}{os.sep}", "")


def stop_listening() -> None:
    """Take every :class:`DiagnosticHandler` off Sphinx's log."""
    logger = logging.getLogger("sphinx")
    for handler in list(logger.handlers):
        if isinstance(handler, DiagnosticHandler):
            logger.removeHandler(handler)


def closest(name: str, candidates: Iterable[str]) -> str:
    """A hint that names what an author may have meant; empty when nothing is close."""
    by_lower: dict[str, str] = {}
    for candidate in candidates:
        by_lower.setdefault(candidate.lower(), candidate)
    found = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.55)
    return f"did you mean {by_lower[found[0]]}?" if found else ""
