"""The library as others install it: a wheel and a source distribution."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from octavo import config
from octavo.build.copies import LIBRARY
from octavo.build.desk import Desk
from octavo.build.libraries import SOURCE_MAP, Libraries
from octavo.build.locks import Locks
from octavo.build.modules import Modules
from octavo.diagnostics import Code, warning
from octavo.website import product_name

if TYPE_CHECKING:
    from octavo.execute.environments.environment import Lock
    from octavo.model import Definition
    from octavo.publish.readme import Saved, Sayings
    from octavo.publish.wheel import Distribution

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_LICENCES = ("LICENSE*", "LICENCE*", "COPYING*", "NOTICE*")
_TYPED = "py.typed"


def sayings(settings: config.Settings) -> Sayings:
    """The sentences of READMEs in the book's language."""
    from octavo.publish.readme import Sayings
    from octavo.render.words import words

    said = words(settings.language)
    return Sayings(
        said.bundle,
        said.bundles,
        said.make_environment,
        said.make_any_environment,
        said.without_uv,
        said.open_notebooks,
        said.execute_notebook,
        said.on_windows,
        said.library_in,
        said.library,
    )


@dataclass(eq=False)
class Wheels:
    """Harvested modules, and the book's own that they and pages import → ``lib/NAME-VERSION-py3-none-any.whl``."""

    desk: Desk
    libraries: Libraries
    locks: Locks
    modules: Modules

    @property
    def published(self) -> bool:
        """Whether the website is where notebooks elsewhere look for the wheel."""
        return self.desk.has_settings and bool(self.desk.settings.website.base_url)

    def build(self) -> list[Path]:
        """Bring wheel and source distribution up to date; returns those written. A book that saves nothing has none."""
        if self.distribution is None:
            return []
        from octavo.publish.folder import bring_up_to_date
        from octavo.publish.wheel import sdist

        folder = self.desk.output / LIBRARY
        files = dict([self.wheel, sdist(self.distribution)])
        new = [folder / name for name in files if not _holds(folder / name, files[name])]
        bring_up_to_date(folder, files)
        return new

    @cached_property
    def wheel(self) -> tuple[str, bytes]:
        """File name and content of the wheel, for a book that has one."""
        from octavo.publish.wheel import wheel

        assert self.distribution is not None
        return wheel(self.distribution)

    @cached_property
    def distribution(self) -> Distribution | None:
        """The library and what others are told of it; ``None`` where pages save and import nothing of the book's."""
        from octavo.publish.wheel import Distribution, version_of

        files = self.files
        if not files:
            return None
        settings = self.desk.settings
        version, is_version = version_of(settings.release)
        if not is_version:
            self.desk.diagnostics.add(
                warning(
                    Code.CONFIG_VALUE,
                    f"release = {settings.release!r} is no version of a Python package: the wheel says {version}",
                    config.place(settings, "project", "release"),
                    hint="such as 1.0.3 or 2.0rc1",
                )
            )
        pythons = sorted(_numbers(lock.python)[:2] for lock in self.known_locks.values())
        return Distribution(
            name=settings.distribution or self._package_name(),
            version=version,
            files=files,
            summary=sayings(settings).library.format(title=settings.title or settings.name),
            description=self._description(),
            author=settings.author,
            url=settings.website.base_url,
            python=f">={'.'.join(map(str, pythons[0]))}" if pythons else "",
            extras={tab: self.required(tab) for tab in settings.tabs if any(t == tab for _, t in self.desk.editions)},
            licences=dict(self.licences()),
            private=not settings.distribution,
        )

    @cached_property
    def known_locks(self) -> Mapping[str, Lock]:
        """The locks of the frameworks that have one."""
        from octavo.execute.environments.environment import EnvironmentFailure

        tabs = [tab for tab in self.desk.settings.tabs if (self.desk.folder / self.locks.path(tab)).is_file()]
        found = {tab: self.locks.named(tab) for tab in tabs}
        return {tab: lock for tab, lock in found.items() if not isinstance(lock, EnvironmentFailure)}

    def _package_name(self) -> str:
        """The name under which code imports the library, if installers can call it that."""
        libraries = self.desk.settings.libraries.values()
        names = [library.package or library.module for library in libraries]
        return next(filter(_NAME.fullmatch, names), product_name(self.desk.settings.name, "default"))

    def required(self, tab: str) -> tuple[str, ...]:
        """What has to be installed for the pages of a framework and its library: direct requirements."""
        from octavo.publish.wheel import requirements

        lock = self.known_locks.get(tab)
        return requirements(sorted(self._wanted(tab)), lock.requirements if lock is not None else "")

    # -- files

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """Path as it is imported → content of each file of the library."""
        if not self.desk.has_settings or not self.desk.book.pages:
            return {}
        return {**self._own_modules(), **self._packages()}

    def _packages(self) -> dict[str, bytes]:
        """The packages that harvesting writes to: as they are written, and what stands beside that in them."""
        from octavo.harvest.module import package_init
        from octavo.harvest.stubs import stub

        settings = self.desk.settings
        packages = sorted({library.package for library in settings.libraries.values() if library.package})
        files = {path: file.read_bytes() for package in packages for path, file in self._beside(package)}
        written = {path: text for path, text in self.libraries.files() if not path.endswith(SOURCE_MAP)}
        tops = {*packages, *(library.file for library in settings.libraries.values())}
        files |= {path: text.encode() for path, text in written.items() if path.split("/")[0].removesuffix("i") in tops}
        for library in settings.libraries.values():  # modules that are written as the old tool does have no stubs
            if library.file in files:
                text = files[library.file].decode("utf-8", "replace")
                files.setdefault(f"{library.file}i", stub(text).encode())
        for package in packages:
            files.setdefault(f"{package}/__init__.py", package_init(settings.release, None).encode())
            files.setdefault(f"{package}/{_TYPED}", b"")
        return files

    def _beside(self, package: str) -> Iterator[tuple[str, Path]]:
        root = self.desk.folder
        for file in sorted((root / package).rglob("*")):
            is_ours = file.suffix in (".py", ".pyi") or file.name == _TYPED
            if is_ours and file.is_file() and file.resolve().is_relative_to(root):
                yield file.relative_to(root).as_posix(), file

    def _own_modules(self) -> dict[str, bytes]:
        """Further modules of the book that pages or the library import: without them, readers could not run pages."""
        from octavo.execute.freshness.modules import Imports, imports, local_modules

        settings = self.desk.settings
        wanted = Imports(frozenset())
        for text in self._texts():
            wanted |= imports(text)
        packages = {library.package for library in settings.libraries.values()} - {""}
        source = settings.source_dir.strip("/")
        folders = ("",) if source in ("", ".") else ("", source)
        found = local_modules(
            wanted,
            lambda path: None if self._is_known(path, packages) else _text(self.desk.folder, path),
            skip=frozenset(library.file for library in settings.libraries.values()),
            folders=folders,
        )
        above = f"{source}/" if len(folders) > 1 else ""
        return {path.removeprefix(above): text.encode() for path, text in sorted(found.files.items())}

    def _is_known(self, path: str, packages: set[str]) -> bool:
        """Whether a module is taken with its package anyway, or would hide one of Python's own."""
        top = path.split("/")[0].removesuffix(".py")
        return top in packages or top in sys.stdlib_module_names

    def _texts(self, tab: str = "") -> Iterator[str]:
        """The code of pages, of one framework or of all."""
        for (page, t), edition in self.desk.editions.items():
            if (not tab or t == tab) and self.desk.settings.is_notebook(page):
                yield from (part.code.text for part in edition.cells)

    def _wanted(self, tab: str) -> set[str]:
        """The modules of others that a framework's library and pages import, and the framework itself."""
        from octavo.execute.freshness.modules import imports

        lock = self.known_locks.get(tab)
        others = {library.file for library in self.desk.settings.libraries.values() if library.tab != tab}
        own = [path for path in self.files if path.endswith(".py") and path not in others]
        texts = [self.files[path].decode("utf-8", "replace") for path in own]
        names = {name for text in (*texts, *self._texts(tab)) for name in imports(text).names if name}
        tops = {name.split(".")[0] for name in {*names, *(lock.imports if lock is not None else ())}}
        known = {path.split("/")[0].removesuffix(".py") for path in self.files}
        return {top for top in tops - known if top not in sys.stdlib_module_names and top.isidentifier()}

    def licences(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of each file of the book that is a licence."""
        for pattern in _LICENCES:
            for file in sorted(self.desk.folder.glob(pattern)):
                if file.is_file() and file.resolve().is_relative_to(self.desk.folder):
                    yield file.name, file.read_bytes()

    # -- what is told of it

    def _description(self) -> str:
        from octavo.publish.readme import of_library

        settings = self.desk.settings
        pages = [(document.page, document.title) for document in self.desk.book.pages]
        title = settings.title or settings.name
        return of_library(title, sayings(settings), self._saved(), pages, settings.website.base_url)

    def _saved(self) -> Iterator[Saved]:
        from octavo.publish.readme import Saved

        pages = {document.path: document.page for document in self.desk.book.pages}
        for tab, harvested in self.libraries.harvested.items():
            module = self.desk.settings.libraries[tab].module
            for name, found in harvested.names.items():
                page = pages.get(found.definition.span.path, "")
                if page and found.definition.kind in ("function", "class") and not name.startswith("_"):
                    yield Saved(name, _summary(found.definition), page, module)


def _summary(definition: Definition) -> str:
    """The first line of a docstring."""
    try:
        body = ast.parse(definition.source).body
    except SyntaxError:
        return ""
    node = body[0] if body else None
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return ""
    return ((ast.get_docstring(node) or "").strip().split("\n") or [""])[0].strip()


def _text(folder: Path, path: str) -> str | None:
    file = folder / path
    inside = file.is_file() and file.resolve().is_relative_to(folder)
    return file.read_text(encoding="utf-8", errors="replace") if inside else None


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def _numbers(python: str) -> tuple[int, ...]:
    return tuple(map(int, python.split(".")))
