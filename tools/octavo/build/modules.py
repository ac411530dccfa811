"""The book's own modules that pages import."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from octavo.build.definitions import library_uses
from octavo.build.desk import Desk, text_of
from octavo.build.outside import Outside

if TYPE_CHECKING:
    from octavo.execute.freshness.key import Uses
    from octavo.execute.freshness.modules import Imports, LocalModules


@dataclass(eq=False)
class Modules:
    """Imports → the modules of the book's folder that they lead to."""

    desk: Desk
    outside: Outside
    looked_for: set[str] = field(default_factory=set, init=False)
    """Every path where a module was looked for, whether there is one or not."""
    _known: dict[tuple[Imports, tuple[str, ...]], LocalModules] = field(default_factory=dict, init=False)
    _texts: dict[str, str | None] = field(default_factory=dict, init=False)

    def imported(self, wanted: Imports, named: tuple[str, ...]) -> LocalModules:
        """The book's modules that code imports; asked often for the same imports, and answered once."""
        from octavo.execute.freshness.modules import is_plain_init, local_modules

        if (wanted, named) not in self._known:
            libraries = self.desk.settings.libraries.values()
            found = local_modules(
                wanted,
                self._text,
                lambda: self.every,
                skip=frozenset(library.file for library in libraries),
                folders=self._folders,
                named=named,
            )
            inits = {f"{library.package}/__init__.py" for library in libraries if library.package}
            files = {p: t for p, t in found.files.items() if p not in inits or not is_plain_init(t)}
            self._known[wanted, named] = replace(found, files=dict(sorted(files.items())))
            self.looked_for.update(found.looked_for)
        return self._known[wanted, named]

    @cached_property
    def every(self) -> tuple[str, ...]:
        """The path of every module that a page could import."""
        from octavo.execute.freshness.modules import modules_of

        made = (self.desk.settings.output_dir, self.desk.settings.outputs, self.desk.settings.environments)
        without = [self.desk.output_folder, *(self.desk.folder / name for name in made)]
        return tuple(modules_of(self.desk.folder, self._folders, without))

    @property
    def _folders(self) -> tuple[str, ...]:
        """Folders on a kernel's import path, relative to the book's: that and the source folder, which pages see."""
        source = self.desk.settings.source_dir.strip("/")
        return ("",) if source in ("", ".") else ("", source)

    def _text(self, path: str) -> str | None:
        if path not in self._texts:
            self._texts[path] = text_of(self.outside.noted(path))
        return self._texts[path]

    def uses(self, path: str, text: str) -> Uses:
        """What a module of the book's own does with the library; one beside it can reach it without naming it."""
        from octavo.execute.freshness.key import Uses
        from octavo.execute.freshness.modules import imports

        uses = library_uses([text])
        beside = any(path.startswith(f"{library.package}/") for library in self.desk.settings.libraries.values())
        return Uses(uses.reads, True, uses.imported) if beside and imports(text).relative else uses
