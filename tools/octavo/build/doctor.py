"""What a book needs of the machine, and whether it is there."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from octavo import __version__

if TYPE_CHECKING:
    from octavo.build.desk import Desk

FOR_ALL, FOR_PDF, FOR_EPUB, FOR_TESTS = "execution", "pdf", "epub", "octavo's own tests"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for."""

    name: str
    """A program, a file of LaTeX or a font, or several by a common name."""
    use: str
    """What it is for."""
    found: bool
    needed: bool = True
    """Whether a product cannot be made as it is meant to be without it."""
    package: str = ""
    """The Debian package that has it; empty where no package is known."""
    place: str = ""
    """Where it is."""


@dataclass(eq=False)
class Doctor:
    """Looks whether this machine has what a book's products need."""

    desk: Desk
    findings: tuple[Finding, ...] = field(default=(), init=False)

    def look(self) -> tuple[Finding, ...]:
        """Everything that is needed, and what is good to have."""
        if not self.findings:
            self.findings = (*_to_execute(), *_to_typeset(), *self._fonts(), *_to_judge())
        return self.findings

    @property
    def is_well(self) -> bool:
        """Whether nothing is missing that is needed."""
        return all(finding.found for finding in self.look() if finding.needed)

    def command(self, *, needed: bool = True) -> str:
        """The one command that installs what is missing; empty where that is nothing."""
        from octavo.typeset.tools import command

        return command(
            finding.package
            for finding in self.look()
            if not finding.found and finding.package and finding.needed is needed
        )

    def _fonts(self) -> Iterator[Finding]:
        """The fonts of the book: those that it names, the usual ones, and those of its language."""
        from octavo.render.paper.fonts import NEEDED, PACKAGES, installed

        if shutil.which("fc-list") is None:
            return  # its lack has been found
        known = installed()
        for name in dict.fromkeys((*self._named(), *NEEDED, *self._of_language())):
            yield Finding(name, FOR_PDF, name in known, package=PACKAGES.get(name, ""))

    def _named(self) -> Iterator[str]:
        if self.desk.has_settings:
            paper = self.desk.settings.paper
            yield from filter(None, (paper.main_font, paper.sans_font, paper.mono_font))

    def _of_language(self) -> Iterator[str]:
        if self.desk.has_settings and self.desk.settings.language.lower()[:2] in ("zh", "ja", "ko"):
            yield from ("Noto Serif CJK SC", "Noto Sans CJK SC", "Noto Sans Mono CJK SC")


def about() -> str:
    """What octavo and the machine are."""
    return f"octavo {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"


def _program(name: str, use: str, package: str, *, needed: bool = True) -> Finding:
    place = shutil.which(name)
    return Finding(name, use, place is not None, needed, package, place or "")


def _to_execute() -> Iterator[Finding]:
    import importlib.util

    there = importlib.util.find_spec("uv") is not None or shutil.which("uv") is not None
    yield Finding("uv", FOR_ALL, there)


def _to_typeset() -> Iterator[Finding]:
    from octavo.typeset import tools

    for name, package in tools.PROGRAMS.items():
        yield _program(name, FOR_PDF, package)
    yield _program("rsvg-convert", FOR_PDF, "librsvg2-bin")
    yield _program("fc-list", FOR_PDF, "fontconfig")
    lacking = tools.missing_files()
    total = len(tools.files())
    if len(lacking) < total:
        yield Finding(f"{total - len(lacking)} files of LaTeX", FOR_PDF, True)
    for missing in lacking:
        yield Finding(missing.name, FOR_PDF, False, package=missing.package)


def _to_judge() -> Iterator[Finding]:
    """What judges products; they are made without it."""
    yield _program("epubcheck", FOR_EPUB, "epubcheck", needed=False)
    for name in ("pdftotext", "pdffonts", "pdftoppm"):
        yield _program(name, FOR_TESTS, "poppler-utils", needed=False)
    yield _program("qpdf", FOR_TESTS, "qpdf", needed=False)
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    yield Finding("chromium", FOR_TESTS, browser is not None, False, "chromium", browser or "")
