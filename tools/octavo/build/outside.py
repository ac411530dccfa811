"""Files and variables beside the book's pages that results depend on, by digest."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from octavo import config
from octavo.build.desk import Desk
from octavo.diagnostics import Code, warning
from octavo.digests import file_digest
from octavo.model import Span


@dataclass(eq=False)
class Outside:
    """What stands in files and variables, looked at once in a command."""

    desk: Desk
    digests: dict[str, str] = field(default_factory=dict, init=False)
    """Path of each file that was noted → its digest then."""
    _files: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict, init=False)

    def noted(self, path: str) -> Path:
        """A file of the book that is about to be read. Its digest as it is now is kept: it may change meanwhile."""
        self.digests.setdefault(path, file_digest(self.desk.folder / path))
        return self.desk.folder / path

    @cached_property
    def of_settings(self) -> Mapping[str, str]:
        """What the settings declare, as it was before anything was executed."""
        return dict(self._of_settings())

    def _of_settings(self) -> Iterator[tuple[str, str]]:
        """Data files and variables that every result depends on."""
        for glob in self.desk.settings.files:
            if not self.files(glob):
                self.desk.diagnostics.add(
                    warning(
                        Code.MISSING_FILE,
                        f"[execute] files names {glob}, which no file of the book is, so no result depends on it",
                        config.place(self.desk.settings, "execute", "files"),
                        hint="name files by their paths from the book's folder; * and ** stand for many",
                    )
                )
            yield from self.files(glob)
        yield from self.variables(self.desk.settings.variables)

    def of_page(
        self, files: Iterable[tuple[str, Span]], variables: Iterable[tuple[str, Span]]
    ) -> Iterator[tuple[str, str]]:
        """The same of what a page declares."""
        for glob, span in files:
            found = self.files(glob)
            if not found:
                message = f"files: names {glob}, which no file of the book is, so no result depends on it"
                hint = "name files by their paths from the book's folder; * and ** stand for many"
                self.desk.diagnostics.add(warning(Code.MISSING_FILE, message, span, hint=hint))
            yield from found
        yield from self.variables(name for name, _ in variables)

    def files(self, glob: str) -> tuple[tuple[str, str], ...]:
        """The files that a glob names, each with its digest."""
        if glob not in self._files:
            self._files[glob] = tuple(
                (f"file {path.relative_to(self.desk.folder).as_posix()}", file_digest(path))
                for path in self._matching(glob)
            )
        return self._files[glob]

    def _matching(self, glob: str) -> list[Path]:
        """The files that a glob names, without those that octavo makes: no result can depend on the results."""
        settings, folder = self.desk.settings, self.desk.folder
        made = [folder / settings.outputs, folder / settings.output_dir, folder / ".git"]
        found = (path for path in folder.glob(glob) if path.is_file())
        return sorted(path for path in found if not any(path.is_relative_to(other) for other in made))

    def variables(self, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Variables of the environment that are set, by digest: what one holds may be a secret."""
        for name in names:
            if name in os.environ:
                yield f"variable {name}", hashlib.sha256(os.fsencode(os.environ[name])).hexdigest()
