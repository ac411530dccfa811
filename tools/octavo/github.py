"""What octavo prints in a job of GitHub Actions: messages beside the lines that they mean, and nothing else obeyed.

The runner reads commands (``::error …``) from what a step prints. Kernels print what authors, and those who send them
changes, let them print; so the runner is told to obey nothing until octavo says a word that nobody can know.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from octavo.diagnostics import Diagnostic


def active(variables: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a job of GitHub Actions."""
    return variables.get("GITHUB_ACTIONS") == "true"


class Muted:
    """A block in which the runner obeys nothing that is printed; messages that are added are told after it."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream
        self.token = secrets.token_hex(32)
        self.lines: list[str] = []

    def __enter__(self) -> Muted:
        self._line(f"::stop-commands::{self.token}")
        return self

    def __exit__(self, *_: object) -> None:
        self._line(f"::{self.token}::")
        for line in self.lines:
            self._line(line)

    def _line(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody reads any more
            print(text, file=self.stream, flush=True)


def told_beside_lines(diagnostics: Iterable[Diagnostic], source: Path, root: Path) -> Iterator[str]:
    """A command for each message, which puts it beside its line.

    Paths of messages are relative to ``source``; those of GitHub are relative to ``root``, the repository.
    """
    for diagnostic in diagnostics:
        span = diagnostic.span
        about: dict[str, str] = {}
        if span is not None:
            about = {"file": _relative(source / span.path, root, span.path), "line": str(span.line)}
            if span.end > span.line:
                about["endLine"] = str(span.end)
            elif span.column:
                about["col"] = str(span.column)
        where = ", ".join(filter(None, (diagnostic.tab, f"on {diagnostic.host}" if diagnostic.host else "")))
        about["title"] = f"{diagnostic.code.value} ({where})" if where else diagnostic.code.value
        lines = [diagnostic.message, *diagnostic.detail]
        lines += [f"hint: {diagnostic.hint}"] if diagnostic.hint else []
        lines += [f"reproduce: {diagnostic.command}"] if diagnostic.command else []
        properties = ",".join(f"{name}={_property(value)}" for name, value in about.items())
        yield f"::{diagnostic.severity.value} {properties}::{_data(chr(10).join(lines))}"


def repository(folder: Path, variables: Mapping[str, str] = os.environ) -> Path:
    """The root of the repository that a book stands in: where GitHub has checked it out, or git's own folder is."""
    folder = folder.resolve()
    workspace = variables.get("GITHUB_WORKSPACE", "")
    if workspace and folder.is_relative_to(Path(workspace).resolve()):
        return Path(workspace).resolve()
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def _relative(path: Path, root: Path, otherwise: str) -> str:
    path = path.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else otherwise


def _data(text: str) -> str:
    """Text as the message of a command: in one line whatever it holds."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Text as a command's property, which a colon or a comma would end."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
