"""``config.ini`` → one validated, frozen :class:`~octavo.config.settings.Settings`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, cast

from octavo import declarations
from octavo.config.hosted import hosted
from octavo.config.keys import FILE_NAME, KEYS, LIBRARY_KEYS, Key, default_value
from octavo.config.libraries import is_module, libraries
from octavo.config.paper import paper
from octavo.config.settings import Settings
from octavo.config.site import links, website
from octavo.config.slides import slides
from octavo.config.stores import STORE_MODES, store_problem
from octavo.config.values import PLACEHOLDER, Values
from octavo.declarations import Section
from octavo.diagnostics import Code, Diagnostic, Severity, error
from octavo.inherited import INHERITED, Inherited
from octavo.ini import IniError, IniFile
from octavo.macros import Macro, MacroError, in_circles, macro
from octavo.model import Span

TAB_NAME = re.compile(r"[A-Za-z][\w.-]*")


def load(root: Path) -> tuple[Settings | None, tuple[Diagnostic, ...]]:
    """Read and check ``root/config.ini``.

    Returns the settings, or ``None`` when the file is missing or not readable as an INI file, and every message.
    """
    root = root.resolve()
    path = root / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None, (
            error(
                Code.MISSING_FILE,
                f"there is no {FILE_NAME} here, so this is not a book",
                hint="run octavo in the folder of a book, or name it: octavo -C BOOK …",
            ),
        )
    except (OSError, UnicodeDecodeError) as problem:
        return None, (error(Code.CONFIG_SYNTAX, f"{FILE_NAME} cannot be read: {problem}"),)
    try:
        return _Reader(root, text).settings()
    except IniError as problem:
        return None, (error(Code.CONFIG_SYNTAX, str(problem), Span(FILE_NAME, problem.line, problem.line)),)


def place(settings: Settings, section: str, name: str, text: str = "") -> Span:
    """Where a setting stands in ``config.ini``, and ``text`` in it, for messages of those who use it later."""
    try:
        return IniFile((settings.root / FILE_NAME).read_text(encoding="utf-8-sig"), FILE_NAME).place(
            section, name, text
        )
    except (OSError, UnicodeDecodeError, IniError):
        return Span(FILE_NAME, 1, 1)


class _Reader(Values):
    """Reads one file, section by section."""

    def settings(self) -> tuple[Settings, tuple[Diagnostic, ...]]:
        self._report_unread()
        tabs = self._tabs()
        output_dir, outputs = self._product_folders()
        settings = Settings(
            root=self.root,
            tabs=tabs,
            name=self.text("project", "name"),
            title=self.text("project", "title") or self._heading() or self.text("project", "name"),
            author=self.text("project", "author"),
            copyright=self.text("project", "copyright"),
            release=self._release(),
            language=self.text("project", "lang") or "en",
            index=self._index(),
            notebooks=self.words("build", "notebooks"),
            non_notebooks=self.words("build", "non-notebooks"),
            exclusions=self.words("build", "exclusions"),
            resources=self._resources(),
            source_dir=self.folder("build", "source_dir"),
            output_dir=output_dir,
            untagged=cast(Literal["default", "all"], self.choice("build", "untagged", ("default", "all"))),
            eval_notebook=self.flag("build", "eval_notebook"),
            warning_is_error=self.flag("build", "warning_is_error"),
            timeout=self._seconds("timeout", smallest=1),
            page_timeout=self._seconds("page_timeout"),
            silence=self._seconds("silence"),
            fork=cast(Literal["auto", "never"], self.choice("execute", "fork", ("auto", "never"))),
            jobs=int(self.number("execute", "jobs", smallest=0)),
            environments=self.folder("execute", "environments"),
            outputs=outputs,
            store=self._store(),
            store_mode=self._store_mode(),
            files=(*self.globs("execute", "files"), *self._dependencies()),
            variables=self.words("execute", "variables"),
            execute_sections=tuple(self._execute_sections()),
            header_links=links(self, "html", "header_links"),
            favicon=self.file("html", "favicon"),
            logo=self.file("html", "html_logo"),
            include_css=self.files("html", "include_css"),
            include_js=self.files("html", "include_js"),
            website=website(self),
            macros=self._macros(),
            bibfile=self._bibfile(),
            paper=paper(self),
            slides=slides(self),
            hosted=hosted(self, tabs),
            harvest=cast(
                Literal["auto", "own", "compatible"], self.choice("library", "harvest", ("auto", "own", "compatible"))
            ),
            version_file=self._version_file(),
            distribution=self._distribution(),
            libraries=libraries(self, tabs),
        )
        return settings, tuple(self.heard)

    def _report_unread(self) -> None:
        """Say what nothing reads: slips of the pen, and settings of d2lbook."""
        known: dict[str, set[str]] = {}
        declared: tuple[Key | Inherited, ...] = (*KEYS, *INHERITED)
        for key in declared:
            known.setdefault(key.section, set()).add(key.name)
        library = {key.name for key in LIBRARY_KEYS}
        for section in self.ini.sections():
            if section.startswith(declarations.SECTION):
                continue  # told of where it is read
            names = library if section.startswith("library-") else known.get(section)
            if names is None:
                hint = _similar(section, known)
                self.tell(
                    Severity.WARNING,
                    Code.CONFIG_UNKNOWN,
                    f"nothing reads the section [{section}]",
                    self.ini.place(section),
                    hint,
                )
                continue
            for name in self.ini.names(section):
                if name not in names:
                    message = f"nothing reads [{section}] {name}"
                    span = self.ini.place(section, name)
                    self.tell(Severity.WARNING, Code.CONFIG_UNKNOWN, message, span, _similar(name, names))
        for old in INHERITED:
            value = self.ini.value(old.section, old.name) if old.instead else None
            if value is not None and value.split() != old.default.split():
                message = f"octavo does not do what [{old.section}] {old.name} asks of d2lbook"
                span = self.ini.place(old.section, old.name)
                self.tell(Severity.WARNING, Code.CONFIG_INHERITED, message, span, old.instead)

    def _tabs(self) -> tuple[str, ...]:
        """The frameworks, in small letters, as marks on pages name them."""
        kept: dict[str, None] = {}
        for tab in self.words("build", "tabs"):
            if tab.lower() == "all":
                self.complain("build", "tabs", "'all' means every framework, so none can be called so")
            elif not TAB_NAME.fullmatch(tab):
                self.complain("build", "tabs", f"{tab!r} is no name for a framework", "letters, digits, . _ and - only")
            else:
                kept.setdefault(tab.lower())
        return tuple(kept) or ("default",)

    def _heading(self) -> str:
        """The heading that the root page begins with."""
        page = self.root / self.folder("build", "source_dir") / f"{self._index()}.md"
        try:
            lines = [line.strip() for line in page.read_text(encoding="utf-8-sig").split("\n")]
        except (OSError, UnicodeDecodeError):
            return ""
        lines = [*lines[next((i for i, line in enumerate(lines) if line), 0) :], "", ""]
        if not lines[0].startswith("#") and not re.fullmatch(r"=+|-+", lines[1]):
            return ""
        return re.sub(r"\[\*\*|\*\*\]|[*`]", "", lines[0].strip("#")).strip()

    def _release(self) -> str:
        version = self.text("library", "version")
        return version if version and self.ini.value("project", "release") is None else self.text("project", "release")

    def _index(self) -> str:
        return re.sub(r"\.(?:md|rst|ipynb|html)$", "", self.text("build", "index")) or default_value("build", "index")

    def _resources(self) -> tuple[str, ...]:
        kept = []
        for name in self.words("build", "resources"):
            if name.startswith("/") or ".." in Path(name).parts:
                self.complain("build", "resources", f"{name!r} leads out of the book, so no cell finds it", text=name)
            else:
                kept.append(name)
        return tuple(kept)

    def _dependencies(self) -> tuple[str, ...]:
        """The files of ``dependencies``, as ``[execute] files`` names files: from ``config.ini``'s folder."""
        source = self.folder("build", "source_dir").rstrip("/")
        kept = []
        for name in self.globs("build", "dependencies"):
            pattern = name if source == "." else f"{source}/{name}"
            if (self.root / pattern).is_dir():
                pattern = f"{pattern.rstrip('/')}/**/*"
            if any(path.is_file() for path in self.root.glob(pattern)):
                kept.append(pattern)
            else:
                message = f"dependencies names {name}, which no file of the book is, so no page depends on it"
                self.tell(Severity.WARNING, Code.MISSING_FILE, message, self.ini.place("build", "dependencies", name))
        return tuple(kept)

    def _bibfile(self) -> str:
        """The bibliography from ``config.ini``'s folder. That it is missing is told where something is cited."""
        name = self.folder("pdf", "bibfile")
        return next(iter(self.found(name)), name) if name else ""

    def _product_folders(self) -> tuple[str, str]:
        """``output_dir``, which ``clean`` removes, and ``outputs``, in which old results are; neither holds more."""
        output_dir, outputs = self.text("build", "output_dir"), self.folder("execute", "outputs")
        for section, name, value in (("build", "output_dir", output_dir), ("execute", "outputs", outputs)):
            if (self.root / value).resolve() in (self.root, *self.root.parents):
                self.complain(section, name, f"{value!r} holds the book itself", "name a folder of its own")
                return default_value("build", "output_dir"), default_value("execute", "outputs")
        if (self.root / outputs).resolve().is_relative_to((self.root / output_dir).resolve()):
            message = f"{outputs!r} lies in [build] output_dir, which `octavo clean` removes"
            self.complain("execute", "outputs", message, "name a folder of its own")
            return default_value("build", "output_dir"), default_value("execute", "outputs")
        return output_dir, outputs

    def _store(self) -> str:
        value = self.text("execute", "store")
        problem = store_problem(value) if value else ""
        if problem:  # the value is not repeated: it may hold what nobody should see
            hint = "such as /shared/octavo, s3://bucket/prefix or gs://bucket/prefix"
            span = self.ini.place("execute", "store")
            self.heard.setdefault(error(Code.CONFIG_VALUE, f"store {problem}", span, hint=hint, excerpt=""))
            return ""
        return value

    def _store_mode(self) -> Literal["read-write", "read-only", "quarantine"]:
        value = self.text("execute", "store_mode")
        if value in STORE_MODES:
            return cast(Literal["read-write", "read-only", "quarantine"], value)
        self.complain("execute", "store_mode", f"{value!r} is none of {', '.join(STORE_MODES)}")
        return "read-only"  # whatever was meant: nothing is done that was not asked for

    def _version_file(self) -> str:
        value = self.folder("library", "version_file")
        if PLACEHOLDER.search(self.value("project", "release")):
            return ""  # there is no release to write
        if value and not is_module(value):
            self.complain("library", "version_file", f"{value!r} is no module", "such as d2l/__init__.py")
            return ""
        return value

    def _distribution(self) -> str:
        value = self.text("library", "distribution")
        if value and not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", value):
            hint = "letters, digits, and . _ - between them"
            self.complain("library", "distribution", f"{value!r} is no name of a Python package", hint)
            return ""
        return value

    def _seconds(self, name: str, smallest: float = 0) -> float:
        """A time of ``[execute]``: a number of seconds, or such as ``10 min``."""
        try:
            value = declarations.seconds(self.text("execute", name))
        except ValueError:
            return self.number("execute", name, smallest)  # which says what is wrong with it
        return value if value >= smallest else self.number("execute", name, smallest)

    def _execute_sections(self) -> Iterator[Section]:
        for section in self.ini.sections():
            if not section.startswith(declarations.SECTION):
                continue
            raw: dict[str, tuple[object, Span]] = {
                name: (self.ini.value(section, name) or "", self.ini.place(section, name))
                for name in self.ini.names(section)
            }
            values, messages = declarations.checked(raw, f"[{section}]")
            for message in messages:
                self.heard.setdefault(message)
            glob = section.removeprefix(declarations.SECTION).strip()
            yield Section(glob, self.ini.place(section), values)

    def _macros(self) -> tuple[Macro, ...]:
        """The macros for formulas, one a line; a line that is none is reported and left out."""
        found: dict[str, Macro] = {}
        lines: dict[str, str] = {}
        for line in filter(None, map(str.strip, self.value("math", "macros").split("\n"))):
            try:
                one = macro(line)
            except MacroError as problem:
                hint = r"such as \RR = \mathbb{R} or \norm[1] = \lVert #1 \rVert"
                self.complain("math", "macros", f"{line} {problem}", hint, line)
                continue
            if one.name in found:
                self.complain("math", "macros", f"\\{one.name} is there twice; the last one holds", text=line)
            found[one.name], lines[one.name] = one, line
        for circular in tuple(in_circles(tuple(found.values()))):
            message = f"\\{circular.name} stands for something with \\{circular.name} in it"
            self.complain("math", "macros", message, text=lines[circular.name])
            del found[circular.name]
        return tuple(found.values())


def _similar(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1)
    return f"did you mean {close[0]}?" if close else ""
