"""Small books that the command line executes for real, and what is left of a build in the system.

Nothing here imports octavo, but for the place of the environments: these tests see what a user sees.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from forks import run as run_octavo

MARK = "MINI_BOOK_MARK"
"""The variable that everything which a build starts inherits, so that it is found again."""

TEMPORARY = re.compile(r"\..+\.[0-9a-f]{4,}|.*\.(?:tmp|part|damaged)")
"""Names of files that were being written, or were set aside."""

GRACE_SECONDS = 6.0
"""How long what a killed build has started may take to end."""


def page(title: str, *cells: str) -> str:
    """A page with these cells; the first cell's first line is line 4."""
    fences = (f"```{{.python .input}}\n{dedent(cell).strip()}\n```\n" for cell in cells)
    return f"# {title}\n\n" + "\nSome words.\n\n".join(fences)


@dataclass
class MiniBook:
    """A book in a folder, with a cache of its own in which only the environments are shared."""

    folder: Path
    cache: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def command(self, *arguments: str) -> list[str]:
        """The command line for this book."""
        return [sys.executable, "-m", "octavo", "-C", str(self.folder), *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        """The variables that the command line gets."""
        # nothing of what the tests themselves run in may reach the builds that are tested
        own = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "OCTAVO_"))}
        return {**own, "COLUMNS": "120", **self.variables, **more, "OCTAVO_CACHE": str(self.cache)}

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return run_octavo("-C", self.folder, *arguments, variables=self.environment(**more), timeout=240)

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """Start a command as a terminal does: at the head of a process group of its own."""
        return subprocess.Popen(
            self.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(**more),
            start_new_session=True,
        )

    def files(self, *folders: str) -> dict[str, bytes]:
        """Path → content of every file in these folders of the book, but for what Python compiled."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for folder in folders
            for path in sorted((self.folder / folder).rglob("*"))
            if path.is_file() and path.parent.name != "__pycache__"
        }

    def temporary(self, folder: Path | None = None) -> list[str]:
        """Files that a build was writing when it ended, in a folder: that of the book (but for its scratch folders)."""
        return [
            str(path)
            for path in (folder or self.folder).rglob("*")  # which does not follow the link to the environments
            if TEMPORARY.fullmatch(path.name) and path.is_file() and "_build/run" not in path.as_posix()
        ]


def write_book(folder: Path, pages: Mapping[str, str], locks: Mapping[str, str], settings: str = "") -> MiniBook:
    """Write a book with a library for its first framework; ``locks`` is framework → text of its lock."""
    book, cache = folder / "book", folder / "cache"
    tabs = list(locks)
    texts = {
        "config.ini": f"[project]\ntitle = A Small Book\n[build]\ntabs = {', '.join(tabs)}\n"
        f"[library-{tabs[0]}]\nlib_file = d2l/{tabs[0]}.py\nlib_name = {tabs[0]}\n{settings}",
        "index.md": "# A Small Book\n\n```toc\n" + "\n".join(pages) + "\n```\n",
        **{f"{name}.md": text for name, text in pages.items()},
        **{f"environments/{tab}.txt": text for tab, text in locks.items()},
    }
    for name, text in texts.items():
        (book / name).parent.mkdir(parents=True, exist_ok=True)
        (book / name).write_text(text, encoding="utf-8")
    return MiniBook(book, cache)


def share_environments(book: MiniBook, environments: Path) -> None:
    """Let a book's own cache lead to environments that are made already."""
    book.cache.mkdir(parents=True, exist_ok=True)
    (book.cache / "environments").symlink_to(environments)


def survivors(mark: str) -> dict[int, str]:
    """Process → its command, for all that carry a mark among their variables or arguments; those that only wait to
    be reaped do not count."""
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if not command:  # a zombie, or a thread of the kernel
                continue
            if mark.encode() in command or mark.encode() in (entry / "environ").read_bytes():
                found[int(entry.name)] = command.replace(b"\0", b" ").decode("utf-8", "replace")[:200]
    return found


def survivors_after(mark: str, seconds: float = GRACE_SECONDS) -> dict[int, str]:
    """The same, once all have ended or the time is over."""
    deadline = time.monotonic() + seconds
    while (left := survivors(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


@contextlib.contextmanager
def cleaned_up(mark: str) -> Iterator[None]:
    """End what carries the mark when the test is over, so that a failed one leaves nothing behind."""
    try:
        yield
    finally:
        for process in survivors(mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, 9)
