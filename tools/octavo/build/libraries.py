"""The library of each framework: what pages give as modules, written into the book or compared with what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from octavo import config
from octavo.build.desk import Desk, text_of
from octavo.diagnostics import Code, Severity, error
from octavo.digests import file_digest
from octavo.model import Edition, Span

if TYPE_CHECKING:
    from octavo.harvest.module import HarvestedLibrary

SOURCE_MAP = ".map.json"
"""End of the name of a module's source map."""


@dataclass(eq=False)
class Libraries:
    """Editions → the files that harvesting makes."""

    desk: Desk

    @cached_property
    def harvested(self) -> Mapping[str, HarvestedLibrary]:
        """Framework → its library, as the pages give it."""
        if not self.desk.has_settings:
            return {}
        from octavo.harvest import compatible
        from octavo.harvest.module import harvest

        libraries: dict[str, HarvestedLibrary] = {}
        for tab, library in self.desk.settings.libraries.items():
            existing = text_of(self.desk.folder / library.file)
            libraries[tab], messages = harvest(self.editions(tab), library, self.desk.settings.release, existing)
            if self.compatible:
                libraries[tab] = compatible.with_text(libraries[tab], self._compatible_texts[tab])
                messages = tuple(replace(message, severity=Severity.WARNING) for message in messages)
            self.desk.diagnostics.add(*messages)
        return libraries

    def editions(self, tab: str) -> list[Edition]:
        """What the library of a framework is harvested from."""
        is_notebook = self.desk.settings.is_notebook
        return [edition for (page, t), edition in self.desk.editions.items() if t == tab and is_notebook(page)]

    def write(self) -> tuple[str, ...]:
        """Write every library file that differs from what the pages give; returns the paths written."""
        if not self.desk.has_settings:
            return ()
        from octavo.execute.results.store import write_whole

        written = []
        for file, text in self.files():
            path = self.desk.folder / file
            if text_of(path) != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(path, text.encode("utf-8"))  # a kernel may be importing it
                if str(path) in self.desk.sources:
                    self.desk.sources[str(path)] = file_digest(path)
                written.append(file)
        return tuple(written)

    def compare(self) -> None:
        """Report every library file that differs from what the pages give, with the difference; writes nothing."""
        if not self.desk.has_settings:
            return
        from octavo.harvest.module import compare

        for file, text in self.files():
            if file.endswith(SOURCE_MAP):  # which changes with every line of prose, and is not for checking in
                continue
            difference = compare(text_of(self.desk.folder / file), text, file)
            if difference:
                self.desk.diagnostics.add(
                    error(
                        Code.LIBRARY_STALE,
                        f"{file} is not what the pages give",
                        Span(file, 1, 1),
                        hint="octavo build lib",
                        detail=tuple(difference.splitlines()),
                        excerpt="",
                    )
                )

    def files(self) -> Iterator[tuple[str, str]]:
        """Path and text of every file that harvesting makes."""
        from octavo.harvest.compatible import version_text
        from octavo.harvest.module import package_init

        for tab, library in self.desk.settings.libraries.items():
            if self._is_foreign(library):
                continue
            if self.compatible:
                yield library.file, self._compatible_texts[tab]
            else:
                yield from self._own_files(library)
        version_file, release = self.desk.settings.version_file, self.desk.settings.release
        if version_file:
            existing = text_of(self.desk.folder / version_file)
            if self.compatible and existing is not None:
                yield version_file, version_text(existing, release)
            else:
                yield version_file, package_init(release, existing)

    def _own_files(self, library: config.Library) -> Iterator[tuple[str, str]]:
        """A module with its stub, its source map and the mark that says that its package has types."""
        from octavo.harvest.sources import source_map
        from octavo.harvest.stubs import stub

        harvested = self.harvested[library.tab]
        yield library.file, harvested.text
        yield library.file + "i", stub(harvested.text)
        yield library.file.removesuffix(".py") + SOURCE_MAP, source_map(harvested, library)
        if library.package:
            mark = f"{library.package}/py.typed"
            yield mark, text_of(self.desk.folder / mark) or ""

    def _is_foreign(self, library: config.Library) -> bool:
        """Whether somebody's own file stands where the module belongs; it is reported, and left as it is."""
        from octavo.harvest.head import head_of

        existing = text_of(self.desk.folder / library.file) or ""
        if self.desk.settings.harvest != "auto" or not existing.strip() or head_of(existing) is not None:
            return False
        self.desk.diagnostics.add(
            error(
                Code.FOREIGN_MODULE,
                f"{library.file} does not say that a tool made it, so it is left as it is",
                config.place(self.desk.settings, f"library-{library.tab}", "lib_file"),
                hint="to have it written, remove it, or set [library] harvest to own or compatible",
                tab=library.tab,
            )
        )
        return True

    @cached_property
    def compatible(self) -> bool:
        """Whether modules are written as the old tool writes them: the settings decide, or else what is there."""
        from octavo.harvest.head import WARNING_LINE, head_of

        if self.desk.settings.harvest != "auto":
            return self.desk.settings.harvest == "compatible"
        files = [self.desk.folder / library.file for library in self.desk.settings.libraries.values()]
        return any(head_of(text_of(path), WARNING_LINE) is not None for path in files)

    @cached_property
    def _compatible_texts(self) -> Mapping[str, str]:
        """Framework → its module as the old tool writes it. Only the pages' text is needed for it, no edition."""
        from octavo.harvest.compatible import local_packages, render

        if not self.desk.has_settings:
            return {}
        settings, folder = self.desk.settings, self.desk.folder
        pages = [d for d in self.desk.book.pages if settings.is_notebook(d.page) and not settings.is_excluded(d.page)]
        packages = local_packages(folder)
        return {
            tab: render(pages, library, settings.default_tab, text_of(folder / library.file), packages)
            for tab, library in settings.libraries.items()
        }
