"""``config.ini`` → one validated, frozen :class:`Settings`.

Every key is declared once, in :data:`KEYS`, with its default and a line of help; the manual's table and the check for
unknown keys are made from the same declaration. The keys of the d2lbook format keep their names and meanings; those
that octavo does not read stand in :mod:`octavo.inherited`, with what to do instead.
"""

from __future__ import annotations

import configparser
import difflib
import glob
import keyword
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

from octavo import declarations
from octavo.declarations import Section
from octavo.diagnostics import Code, Diagnostic, Severity, error
from octavo.inherited import INHERITED, Inherited
from octavo.ini import IniError, IniFile
from octavo.macros import Macro, MacroError, in_circles, macro
from octavo.model import Span
from octavo.website import Elsewhere, HeaderLink, Host, Website, analytics_service

FILE_NAME = "config.ini"
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9_.-]+")
"""A repository of GitHub."""
TAB_NAME = re.compile(r"[A-Za-z][\w.-]*")


@dataclass(frozen=True, slots=True)
class Key:
    """One setting of ``config.ini``."""

    section: str
    name: str
    default: str
    help: str
    own: bool = False
    """Whether d2lbook does not know it: a value that does not fit it is an error, since no book came with it."""


KEYS: tuple[Key, ...] = (
    Key("project", "name", "book", "Short name of the book, used in file names."),
    Key("project", "title", "", "Title of the book."),
    Key("project", "author", "The contributors", "All authors' names."),
    Key("project", "copyright", "", "The copyright line."),
    Key("project", "release", "0.0.1", "Version of the book and of its library."),
    Key("project", "lang", "en", "Language of the text, such as ``en`` or ``zh``."),
    Key("build", "index", "index", "The root page, without extension."),
    Key("build", "notebooks", "**/*.md", "Globs of the pages whose cells are executed and harvested."),
    Key("build", "non-notebooks", "", "Globs of pages that are shown and neither executed nor harvested."),
    Key("build", "exclusions", "", "Globs and folders of Markdown files that are not part of the book."),
    Key("build", "dependencies", "", "Globs of files that every page depends on, relative to the source folder."),
    Key("build", "resources", "img/ d2l.bib", "Files and folders that pages read while they run."),
    Key("build", "source_dir", ".", "Folder of the book's source, relative to ``config.ini``."),
    Key("build", "output_dir", "_build", "Folder that products are written to."),
    Key("build", "tabs", "", "Frameworks of the book; the first is the default."),
    Key("build", "untagged", "default", "Frameworks of a cell without a mark: ``default`` or ``all``.", own=True),
    Key("build", "eval_notebook", "True", "Whether pages are executed at all."),
    Key("build", "warning_is_error", "False", "Whether a warning makes the build fail."),
    Key("execute", "timeout", "600", "Seconds that a cell may run.", own=True),
    Key("execute", "page_timeout", "0", "Seconds that a page may run; 0 means as long as its cells may.", own=True),
    Key("execute", "silence", "0", "Seconds that a running cell may print nothing; 0 means any.", own=True),
    Key("execute", "fork", "auto", "``auto`` or ``never``: kernels as copies of a process.", own=True),
    Key("execute", "jobs", "0", "Kernels at once; 0 means as many as there are cores.", own=True),
    Key(
        "execute", "environments", "environments", "Folder of the locks, one ``TAB.txt`` for each framework.", own=True
    ),
    Key("execute", "outputs", "outputs", "Folder of the committed results.", own=True),
    Key("execute", "store", "", "Folder or URL of a store that builds share.", own=True),
    Key("execute", "store_mode", "read-write", "``read-write``, ``read-only`` or ``quarantine``.", own=True),
    Key("execute", "files", "", "Globs of data files that every page depends on.", own=True),
    Key("execute", "variables", "", "Environment variables that every page depends on.", own=True),
    Key("html", "header_links", "", "Links in the header: ``title, address, icon`` in threes."),
    Key("html", "favicon", "", "File of the site's icon."),
    Key("html", "html_logo", "", "File of the site's logo."),
    Key("html", "include_css", "", "Style sheets added to every page."),
    Key("html", "include_js", "", "Scripts added to every page."),
    Key("html", "base_url", "", "Address at which the website is published.", own=True),
    Key("html", "description", "", "What the book is about, in one or two sentences.", own=True),
    Key("html", "image", "", "Picture of the book for other sites that mention a page.", own=True),
    Key("html", "announcement", "", "A line of Markdown at the top of every page.", own=True),
    Key("html", "versions", "", "Versions of the book: ``title, address``, one a line.", own=True),
    Key("html", "languages", "", "Languages of the book: ``title, address, code``, one a line.", own=True),
    Key("html", "analytics", "", "Where pages report that they were read: GoatCounter or Plausible.", own=True),
    Key("html", "api", "True", "Whether the website describes the library of each framework.", own=True),
    Key("front", "html", "", "File of own HTML for the front page.", own=True),
    Key("front", "line", "", "A sentence below the title of the front page.", own=True),
    Key("front", "picture", "", "Picture beside the title of the front page.", own=True),
    Key("front", "links", "", "Buttons of the front page: ``title, address, icon``, one a line.", own=True),
    Key("html", "repository", "", "Repository of the book's source: ``NAME/BOOK`` on GitHub, or an address.", own=True),
    Key("html", "branch", "main", "The branch that pages are shown and edited on.", own=True),
    Key("html", "path", "", "Folder of the book's source in its repository.", own=True),
    Key("html", "open_in", "", "Where a page's notebook can be run: ``title, address``, one a line.", own=True),
    Key("html", "pdf", "", "Address of the book as PDF.", own=True),
    Key("html", "epub", "", "Address of the book as EPUB.", own=True),
    Key("html", "discourse", "", "Address of a Discourse forum whose topics pages may show.", own=True),
    Key("html", "giscus", "", "``repository, its id, category, its id``: discussions that pages may show.", own=True),
    Key("colab", "github_repo", "", "``framework, repository`` lines: whose notebooks Colab opens."),
    Key("colab", "exclusions", "*.html **/index.html", "Pages that are not there, as globs of HTML files."),
    Key("sagemaker", "github_repo", "", "``framework, repository`` lines: whose notebooks Studio Lab opens."),
    Key("math", "macros", "", r"Commands for formulas, one a line: ``\norm[1] = \lVert #1 \rVert``.", own=True),
    Key("pdf", "bibfile", "d2l.bib", "The BibTeX file that citations are looked up in."),
    Key("library", "harvest", "auto", "How modules are written: ``own``, ``compatible`` or ``auto``.", own=True),
    Key("library", "version_file", "", "Module in which ``__version__`` is kept equal to the release."),
    Key("library", "version", "", "The release, where ``[project] release`` is not set."),
    Key("library", "save_patterns", "", "``module, framework`` lines: a ``lib_file`` for each framework."),
    Key("library", "save_filename", "", "The ``lib_file`` of the first framework."),
    Key("library", "save_mark", "@save", "The mark of saved cells. Only ``@save`` is read."),
)

LIBRARY_KEYS: tuple[Key, ...] = (
    Key("library-TAB", "lib_file", "", "The module that this framework's saved cells are written to."),
    Key("library-TAB", "lib_name", "", "The name by which the framework's module is called, such as ``torch``."),
    Key("library-TAB", "simple_alias", "", "``a, b -> c``: ``d2l.a`` is the framework's ``a``, ``d2l.b`` its ``c``."),
    Key(
        "library-TAB",
        "fluent_alias",
        "",
        "``a, b -> c``: ``d2l.a(x, …)`` is ``x.a(…)``, ``d2l.b(x, …)`` is ``x.c(…)``.",
    ),
    Key("library-TAB", "alias", "", "``name = expression`` lines: further aliases."),
    Key(
        "library-TAB", "reverse_alias", "", "``pattern -> replacement`` lines: how the aliases of ``alias`` are shown."
    ),
    Key("library-TAB", "args_alias", "", "``name(a, b) -> call`` lines: aliases that move arguments."),
)

PLACEHOLDER = re.compile(
    r"#{2,}\w+#{2,}|\{\{[^{}\n]*\}\}|\$\{[^{}\n]*\}"
    r"|@[A-Z][A-Z0-9_]*@|__[A-Z][A-Z0-9_]*__|<[A-Z][A-Z0-9_]+>|%[A-Z][A-Z0-9_]*%"
)
"""What a script was to replace in ``config.ini`` before the book is built, by the usual ways to write that."""


@dataclass(frozen=True, slots=True)
class Library:
    """The ``[library-TAB]`` section of one framework."""

    tab: str
    file: str
    """POSIX path of the module, relative to the book's root, such as ``d2l/torch.py``."""
    name: str
    """What ``d2l.x`` becomes for a simple alias: ``torch`` in ``torch.x``."""
    simple_alias: tuple[tuple[str, str], ...] = ()
    fluent_alias: tuple[tuple[str, str], ...] = ()
    alias: tuple[tuple[str, str], ...] = ()
    reverse_alias: tuple[tuple[str, str], ...] = ()
    args_alias: tuple[tuple[str, str], ...] = ()
    written: tuple[tuple[str, str], ...] = ()
    """Each key of the section with its text: a module written as the old tool does repeats the aliases literally."""
    places: tuple[tuple[str, Span], ...] = ()
    """Where each alias stands, by its kind and left side: ``simple_alias ones``."""

    def place(self, kind: str, left: str) -> Span:
        """Where an alias stands in ``config.ini``."""
        return dict(self.places).get(f"{kind} {left}", Span(FILE_NAME, 1, 1))

    @property
    def package(self) -> str:
        """The package that the module stands in: ``d2l`` of ``d2l/torch.py``."""
        return self.file.split("/")[0] if "/" in self.file else ""

    @property
    def module(self) -> str:
        """Dotted name of the module: ``d2l.torch``."""
        return self.file.removesuffix(".py").replace("/", ".")


@dataclass(frozen=True)
class Settings:
    """Everything that ``config.ini`` says, checked."""

    root: Path
    """Absolute path of the folder that holds ``config.ini``."""
    tabs: tuple[str, ...]
    """Frameworks in the book's order; the first is the default. A book without frameworks has one, ``default``."""
    name: str = "book"
    title: str = ""
    author: str = "The contributors"
    copyright: str = ""
    release: str = "0.0.1"
    language: str = "en"
    index: str = "index"
    notebooks: tuple[str, ...] = ("**/*.md",)
    non_notebooks: tuple[str, ...] = ()
    exclusions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ("img/", "d2l.bib")
    source_dir: str = "."
    output_dir: str = "_build"
    untagged: Literal["default", "all"] = "default"
    eval_notebook: bool = True
    warning_is_error: bool = False
    timeout: float = 600.0
    """Seconds that a cell may run."""
    page_timeout: float = 0.0
    """Seconds that a page may run; 0 means as long as its cells may."""
    silence: float = 0.0
    """Seconds that a running cell may print and draw nothing; 0 means as long as it may run."""
    fork: Literal["auto", "never"] = "auto"
    """Whether kernels may be copies of a process that has imported their framework."""
    jobs: int = 0
    environments: str = "environments"
    outputs: str = "outputs"
    store: str = ""
    """Folder or URL of the shared store; empty where there is none."""
    store_mode: Literal["read-write", "read-only", "quarantine"] = "read-write"
    files: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    execute_sections: tuple[Section, ...] = ()
    """The sections ``[execute GLOB]`` in the order of the file: what they declare for some of the pages."""
    header_links: tuple[HeaderLink, ...] = ()
    favicon: str = ""
    logo: str = ""
    include_css: tuple[str, ...] = ()
    include_js: tuple[str, ...] = ()
    website: Website = field(default_factory=Website)
    macros: tuple[Macro, ...] = ()
    """What formulas may have besides TeX's own commands."""
    bibfile: str = "d2l.bib"
    harvest: Literal["auto", "own", "compatible"] = "auto"
    version_file: str = ""
    libraries: Mapping[str, Library] = field(default_factory=dict)
    """Framework → its library; frameworks that harvest nothing are missing."""

    @property
    def default_tab(self) -> str:
        """The framework shown first."""
        return self.tabs[0]

    @property
    def source(self) -> Path:
        """Absolute path of the source folder."""
        return self.root / self.source_dir if self.source_dir != "." else self.root

    def is_notebook(self, page: str) -> bool:
        """Whether the page is one whose cells are executed and harvested."""
        return _names(self.notebooks, page) and not _names(self.non_notebooks, page) and not self.is_excluded(page)

    def matches(self, glob: str, page: str) -> bool:
        """Whether a glob of ``config.ini`` names a page, with ``.md`` or without, or a folder above it."""
        return _names((glob,), page) or _matches(page, glob)

    def is_excluded(self, page: str) -> bool:
        """Whether the Markdown file is not part of the book."""
        return _names(self.exclusions, page)

    def resource_paths(self) -> tuple[str, ...]:
        """``resources`` relative to the source folder, globs replaced by the files that they match."""
        plain = [name for name in self.resources if not glob.has_magic(name) or (self.source / name).exists()]
        folders = tuple(f"{name.removeprefix('./').rstrip('/')}/" for name in plain)
        matched = (path for name in self.resources if name not in plain for path in _matching(self.source, name))
        files = {path.relative_to(self.source).as_posix() for path in matched if path.is_file()}
        return (*plain, *sorted(file for file in files if not file.startswith(folders)))


TAB_NAMES = {
    "pytorch": "PyTorch",
    "tensorflow": "TensorFlow",
    "jax": "JAX",
    "mxnet": "MXNet",
    "paddle": "PaddlePaddle",
    "mindspore": "MindSpore",
    "numpy": "NumPy",
}


def tab_title(tab: str) -> str:
    """How a framework's name is written for readers: ``pytorch`` → ``PyTorch``."""
    return TAB_NAMES.get(tab, tab)


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


STORE_MODES = ("read-write", "read-only", "quarantine")
"""What a build may do with the shared store."""


def store_problem(address: str) -> str:
    """Why a shared store cannot stand at this address, as the end of a sentence that repeats none of it; or empty."""
    protocol, found, rest = address.partition("://")
    if not address.isprintable():
        return "has characters that no address has"
    if not found:
        if not address.startswith(("/", "~/")):
            return "is neither the absolute path of a folder nor a URL"
        return "has .. in it" if ".." in address.split("/") else ""
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*", protocol) or "::" in address or "://" in rest:
        return "is no URL of one place"
    user = rest.rpartition("@")[0]  # as far as the last @, since a password may hold slashes
    if ":" in user or (user and "/" not in user and protocol not in ("sftp", "ssh")):
        return "has credentials in it; they belong into the environment or where the service's own tools keep them"
    if "?" in rest or "#" in rest:
        return "has a query or a fragment, in which credentials could stand"
    if not re.fullmatch(r"[A-Za-z0-9._~/@:+=,%-]*", rest):
        return "has characters that addresses of stores do not have, such as those of globs"
    if any(part in (".", "..") or part.lower() in ("%2e%2e", "%2e.", ".%2e") for part in rest.split("/")):
        return "has .. in it"
    if not rest.strip("/") or (protocol in ("s3", "s3a", "gs", "gcs") and rest.startswith("/")):
        return "does not say where"
    if protocol == "file" and not re.match(r"(?:localhost)?/", rest):
        return "does not say where"
    return ""


def place(settings: Settings, section: str, name: str, text: str = "") -> Span:
    """Where a setting stands in ``config.ini``, and ``text`` in it, for messages of those who use it later."""
    try:
        return IniFile((settings.root / FILE_NAME).read_text(encoding="utf-8-sig"), FILE_NAME).place(
            section, name, text
        )
    except (OSError, UnicodeDecodeError, IniError):
        return Span(FILE_NAME, 1, 1)


class _Reader:
    """Reads one file; collects the messages on the way."""

    def __init__(self, root: Path, text: str) -> None:
        self.root = root
        self.heard: dict[Diagnostic, None] = {}
        self.ini = IniFile(text, FILE_NAME, _default_of, self._complain_about_reference)

    def settings(self) -> tuple[Settings, tuple[Diagnostic, ...]]:
        self._report_unread()
        tabs = self._tabs()
        output_dir, outputs = self._product_folders()
        settings = Settings(
            root=self.root,
            tabs=tabs,
            name=self._text("project", "name"),
            title=self._text("project", "title") or self._heading() or self._text("project", "name"),
            author=self._text("project", "author"),
            copyright=self._text("project", "copyright"),
            release=self._release(),
            language=self._text("project", "lang") or "en",
            index=self._index(),
            notebooks=self._words("build", "notebooks"),
            non_notebooks=self._words("build", "non-notebooks"),
            exclusions=self._words("build", "exclusions"),
            resources=self._resources(),
            source_dir=self._folder("build", "source_dir"),
            output_dir=output_dir,
            untagged=cast(Literal["default", "all"], self._choice("build", "untagged", ("default", "all"))),
            eval_notebook=self._flag("build", "eval_notebook"),
            warning_is_error=self._flag("build", "warning_is_error"),
            timeout=self._seconds("timeout", smallest=1),
            page_timeout=self._seconds("page_timeout"),
            silence=self._seconds("silence"),
            fork=cast(Literal["auto", "never"], self._choice("execute", "fork", ("auto", "never"))),
            jobs=int(self._number("execute", "jobs", smallest=0)),
            environments=self._folder("execute", "environments"),
            outputs=outputs,
            store=self._store(),
            store_mode=self._store_mode(),
            files=(*self._globs("execute", "files"), *self._dependencies()),
            variables=self._words("execute", "variables"),
            execute_sections=tuple(self._execute_sections()),
            header_links=self._links("html", "header_links"),
            favicon=self._file("html", "favicon"),
            logo=self._file("html", "html_logo"),
            include_css=self._files("html", "include_css"),
            include_js=self._files("html", "include_js"),
            website=self._website(),
            macros=self._macros(),
            bibfile=self._bibfile(),
            harvest=cast(
                Literal["auto", "own", "compatible"], self._choice("library", "harvest", ("auto", "own", "compatible"))
            ),
            version_file=self._version_file(),
            libraries=self._libraries(tabs),
        )
        return settings, tuple(self.heard)

    # -- messages

    def _tell(self, severity: Severity, code: Code, message: str, span: Span, hint: str = "") -> None:
        self.heard.setdefault(Diagnostic(code, severity, message, span, hint=hint))

    def _complain(self, section: str, name: str, message: str, hint: str = "", text: str = "") -> None:
        """A value does not fit. Old books are built all the same, so their settings make no error."""
        own = any(key.own for key in KEYS if (key.section, key.name) == (section, name))
        severity = Severity.ERROR if own else Severity.WARNING
        self._tell(severity, Code.CONFIG_VALUE, message, self.ini.place(section, name, text), hint)

    def _complain_about_reference(self, section: str, name: str, message: str, text: str) -> None:
        self._complain(section, name, message, "a % that is meant as such is written %%", text)

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
                self._tell(
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
                    self._tell(Severity.WARNING, Code.CONFIG_UNKNOWN, message, span, _similar(name, names))
        for old in INHERITED:
            value = self.ini.value(old.section, old.name) if old.instead else None
            if value is not None and value.split() != old.default.split():
                message = f"octavo does not do what [{old.section}] {old.name} asks of d2lbook"
                span = self.ini.place(old.section, old.name)
                self._tell(Severity.WARNING, Code.CONFIG_INHERITED, message, span, old.instead)

    def _is_placeholder(self, section: str, name: str, value: str, effect: str) -> bool:
        """Whether a script was to fill in a value; the author is told, and what is done without it."""
        found = PLACEHOLDER.search(value)
        if found:
            message = f"{found[0]} stands where a script was to write something; {effect}"
            hint = "write the value itself, or run the script before octavo"
            span = self.ini.place(section, name, value)
            span = span if span.column else self.ini.place(section, name, found[0])
            self._tell(Severity.WARNING, Code.CONFIG_PLACEHOLDER, message, span, hint)
        return found is not None

    # -- values

    def _value(self, section: str, name: str) -> str:
        value = self.ini.value(section, name)
        return (_default(section, name) if value is None else value).strip()

    def _text(self, section: str, name: str) -> str:
        value = self._value(section, name)
        default = _default(section, name)
        effect = f"{name} is taken as {default!r}" if default else f"{name} is taken as not set"
        return default if self._is_placeholder(section, name, value, effect) else value

    def _words(self, section: str, name: str) -> tuple[str, ...]:
        words = self._value(section, name).replace(",", " ").split()
        effect = f"that part of {name} is left out"
        return tuple(word for word in words if not self._is_placeholder(section, name, word, effect))

    def _tabs(self) -> tuple[str, ...]:
        """The frameworks, in small letters, as marks on pages name them."""
        kept: dict[str, None] = {}
        for tab in self._words("build", "tabs"):
            if tab.lower() == "all":
                self._complain("build", "tabs", "'all' means every framework, so none can be called so")
            elif not TAB_NAME.fullmatch(tab):
                self._complain(
                    "build", "tabs", f"{tab!r} is no name for a framework", "letters, digits, . _ and - only"
                )
            else:
                kept.setdefault(tab.lower())
        return tuple(kept) or ("default",)

    def _heading(self) -> str:
        """The heading that the root page begins with."""
        page = self.root / self._folder("build", "source_dir") / f"{self._index()}.md"
        try:
            lines = [line.strip() for line in page.read_text(encoding="utf-8-sig").split("\n")]
        except (OSError, UnicodeDecodeError):
            return ""
        lines = [*lines[next((i for i, line in enumerate(lines) if line), 0) :], "", ""]
        if not lines[0].startswith("#") and not re.fullmatch(r"=+|-+", lines[1]):
            return ""
        return re.sub(r"\[\*\*|\*\*\]|[*`]", "", lines[0].strip("#")).strip()

    def _release(self) -> str:
        version = self._text("library", "version")
        return version if version and self.ini.value("project", "release") is None else self._text("project", "release")

    def _index(self) -> str:
        return re.sub(r"\.(?:md|rst|ipynb|html)$", "", self._text("build", "index")) or _default("build", "index")

    def _resources(self) -> tuple[str, ...]:
        kept = []
        for name in self._words("build", "resources"):
            if name.startswith("/") or ".." in Path(name).parts:
                self._complain("build", "resources", f"{name!r} leads out of the book, so no cell finds it", text=name)
            else:
                kept.append(name)
        return tuple(kept)

    def _dependencies(self) -> tuple[str, ...]:
        """The files of ``dependencies``, as ``[execute] files`` names files: from ``config.ini``'s folder."""
        source = self._folder("build", "source_dir").rstrip("/")
        kept = []
        for name in self._globs("build", "dependencies"):
            pattern = name if source == "." else f"{source}/{name}"
            if (self.root / pattern).is_dir():
                pattern = f"{pattern.rstrip('/')}/**/*"
            if any(path.is_file() for path in self.root.glob(pattern)):
                kept.append(pattern)
            else:
                message = f"dependencies names {name}, which no file of the book is, so no page depends on it"
                self._tell(Severity.WARNING, Code.MISSING_FILE, message, self.ini.place("build", "dependencies", name))
        return tuple(kept)

    def _files(self, section: str, name: str) -> tuple[str, ...]:
        """Files from ``config.ini``'s folder, addresses as they are; what the book lacks is reported and left out."""
        kept: dict[str, None] = {}
        for word in self._words(section, name):
            found = (word,) if re.match(r"https?://", word) else self._found(word)
            kept.update(dict.fromkeys(found))
            if not found:
                place = self.ini.place(section, name, word)
                self._tell(Severity.WARNING, Code.MISSING_FILE, f"there is no file {word} in the book", place)
        return tuple(kept)

    def _file(self, section: str, name: str) -> str:
        """A file from ``config.ini``'s folder; empty if there is none, which is reported."""
        value = self._folder(section, name)
        found = self._found(value) if value else ()
        if value and not found:
            place = self.ini.place(section, name, value)
            self._tell(Severity.WARNING, Code.MISSING_FILE, f"there is no file {value} in the book", place)
        return found[0] if found else ""

    def _found(self, pattern: str) -> tuple[str, ...]:
        """The files that a path, folder or glob names, in ``config.ini``'s folder or else in the source folder."""
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            return ()
        root = self.root.resolve()
        for folder in dict.fromkeys((root, root / self._folder("build", "source_dir"))):
            paths = [folder / pattern] if (folder / pattern).exists() else _matching(folder, pattern)
            files = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
            inside = [file for file in files if file.is_file() and file.resolve().is_relative_to(root)]
            if inside:
                return tuple(file.relative_to(root).as_posix() for file in inside)
        return ()

    def _bibfile(self) -> str:
        """The bibliography from ``config.ini``'s folder. That it is missing is told where something is cited."""
        name = self._folder("pdf", "bibfile")
        return next(iter(self._found(name)), name) if name else ""

    def _folder(self, section: str, name: str) -> str:
        value = self._text(section, name)
        if value.startswith("/") or ".." in Path(value).parts:
            self._complain(section, name, f"{value!r} leads out of the book", "give a path inside of the book's folder")
            return _default(section, name)
        return value.removeprefix("./") or value

    def _product_folders(self) -> tuple[str, str]:
        """``output_dir``, which ``clean`` removes, and ``outputs``, in which old results are; neither holds more."""
        output_dir, outputs = self._text("build", "output_dir"), self._folder("execute", "outputs")
        for section, name, value in (("build", "output_dir", output_dir), ("execute", "outputs", outputs)):
            if (self.root / value).resolve() in (self.root, *self.root.parents):
                self._complain(section, name, f"{value!r} holds the book itself", "name a folder of its own")
                return _default("build", "output_dir"), _default("execute", "outputs")
        if (self.root / outputs).resolve().is_relative_to((self.root / output_dir).resolve()):
            message = f"{outputs!r} lies in [build] output_dir, which `octavo clean` removes"
            self._complain("execute", "outputs", message, "name a folder of its own")
            return _default("build", "output_dir"), _default("execute", "outputs")
        return output_dir, outputs

    def _store(self) -> str:
        value = self._text("execute", "store")
        problem = store_problem(value) if value else ""
        if problem:  # the value is not repeated: it may hold what nobody should see
            hint = "such as /shared/octavo, s3://bucket/prefix or gs://bucket/prefix"
            span = self.ini.place("execute", "store")
            self.heard.setdefault(error(Code.CONFIG_VALUE, f"store {problem}", span, hint=hint, excerpt=""))
            return ""
        return value

    def _store_mode(self) -> Literal["read-write", "read-only", "quarantine"]:
        value = self._text("execute", "store_mode")
        if value in STORE_MODES:
            return cast(Literal["read-write", "read-only", "quarantine"], value)
        self._complain("execute", "store_mode", f"{value!r} is none of {', '.join(STORE_MODES)}")
        return "read-only"  # whatever was meant: nothing is done that was not asked for

    def _globs(self, section: str, name: str) -> tuple[str, ...]:
        """Globs that :meth:`pathlib.Path.glob` takes and that stay inside of the book; the others are reported."""
        kept = []
        for word in self._words(section, name):
            parts = Path(word).parts
            if word.startswith("/") or ".." in parts:
                self._complain(section, name, f"{word!r} leads out of the book", text=word)
            elif not parts or any("**" in part and part != "**" for part in parts):
                self._complain(section, name, f"{word!r} is no glob", "** stands alone between two slashes", word)
            else:
                kept.append(word)
        return tuple(kept)

    def _version_file(self) -> str:
        value = self._folder("library", "version_file")
        if PLACEHOLDER.search(self._value("project", "release")):
            return ""  # there is no release to write
        if value and not _is_module(value):
            self._complain("library", "version_file", f"{value!r} is no module", "such as d2l/__init__.py")
            return ""
        return value

    def _flag(self, section: str, name: str) -> bool:
        states = configparser.ConfigParser.BOOLEAN_STATES
        value = self._text(section, name).lower()
        if value in states:
            return states[value]
        self._complain(section, name, f"{value!r} is neither True nor False")
        return states[_default(section, name).lower()]

    def _number(self, section: str, name: str, smallest: float) -> float:
        value = self._text(section, name)
        default = float(_default(section, name))
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self._complain(section, name, f"{value!r} is no number")
            return default
        if number < smallest:
            self._complain(section, name, f"{value} is too small", f"at least {smallest:g}")
            return default
        return number

    def _seconds(self, name: str, smallest: float = 0) -> float:
        """A time of ``[execute]``: a number of seconds, or such as ``10 min``."""
        try:
            value = declarations.seconds(self._text("execute", name))
        except ValueError:
            return self._number("execute", name, smallest)  # which says what is wrong with it
        return value if value >= smallest else self._number("execute", name, smallest)

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

    def _choice(self, section: str, name: str, choices: tuple[str, ...]) -> str:
        value = self._text(section, name)
        if value not in choices:
            self._complain(section, name, f"{value!r} is none of {', '.join(choices)}")
            return choices[0]
        return value

    def _macros(self) -> tuple[Macro, ...]:
        """The macros for formulas, one a line; a line that is none is reported and left out."""
        found: dict[str, Macro] = {}
        lines: dict[str, str] = {}
        for line in filter(None, map(str.strip, self._value("math", "macros").split("\n"))):
            try:
                one = macro(line)
            except MacroError as problem:
                hint = r"such as \RR = \mathbb{R} or \norm[1] = \lVert #1 \rVert"
                self._complain("math", "macros", f"{line} {problem}", hint, line)
                continue
            if one.name in found:
                self._complain("math", "macros", f"\\{one.name} is there twice; the last one holds", text=line)
            found[one.name], lines[one.name] = one, line
        for circular in tuple(in_circles(tuple(found.values()))):
            message = f"\\{circular.name} stands for something with \\{circular.name} in it"
            self._complain("math", "macros", message, text=lines[circular.name])
            del found[circular.name]
        return tuple(found.values())

    def _website(self) -> Website:
        base_url = self._address("html", "base_url")
        analytics = self._address("html", "analytics")
        if analytics and not analytics_service(analytics):
            hint = "an address that ends in /count (GoatCounter) or in /api/event (Plausible)"
            self._complain("html", "analytics", f"{analytics!r} is no service that pages can report to", hint)
            analytics = ""
        return Website(
            base_url=f"{base_url.rstrip('/')}/" if base_url else "",
            description=" ".join(self._text("html", "description").split()),
            image=self._file("html", "image"),
            announcement=" ".join(self._text("html", "announcement").split()),
            versions=self._elsewhere("versions"),
            languages=self._elsewhere("languages"),
            analytics=analytics,
            api=self._flag("html", "api"),
            front_html=self._file("front", "html"),
            front_line=" ".join(self._text("front", "line").split()),
            front_picture=self._file("front", "picture"),
            front_links=self._links("front", "links"),
            repository=self._repository(),
            branch=self._text("html", "branch"),
            path=self._folder("html", "path").strip("/"),
            hosts=(
                *self._old_hosts("colab", "Colab", "https://colab.research.google.com/github"),
                *self._old_hosts("sagemaker", "SageMaker Studio Lab", "https://studiolab.sagemaker.aws/import/github"),
                *self._hosts(bool(base_url)),
            ),
            pdf=self._template("html", "pdf", self._text("html", "pdf"), ("tab",)),
            epub=self._template("html", "epub", self._text("html", "epub"), ("tab",)),
            discourse=f"{discourse.rstrip('/')}/" if (discourse := self._address("html", "discourse")) else "",
            giscus=self._giscus(),
        )

    def _repository(self) -> str:
        value = self._text("html", "repository").rstrip("/").removesuffix(".git")
        if REPOSITORY.fullmatch(value):
            return f"https://github.com/{value}"
        if not value or is_address(value):
            return value
        self._complain("html", "repository", f"{value!r} is no repository", "such as NAME/BOOK or https://…")
        return ""

    def _template(self, section: str, name: str, value: str, known: tuple[str, ...]) -> str:
        """An address in which words in braces stand for something; empty for what is none, which is reported."""
        plain = value
        for word in known:
            plain = plain.replace(f"{{{word}}}", "x")
        if not value or is_address(plain):
            return value
        hint = f"it begins with https://, and may have {' and '.join(f'{{{word}}}' for word in known)} in it"
        self._complain(section, name, f"{value!r} is no address of the web", hint, value)
        return ""

    def _hosts(self, has_address: bool) -> Iterator[Host]:
        """Where notebooks can be run: a title and an address in each line."""
        for line in filter(None, map(str.strip, self._value("html", "open_in").split("\n"))):
            if self._is_placeholder("html", "open_in", line, "that line of open_in is left out"):
                continue
            title, _, address = (part.strip() for part in line.partition(","))
            if not title or not address:
                message = f"{line!r} does not consist of a title and an address; it is left out"
                self._complain("html", "open_in", message, "such as Colab, https://…/{tab}/{page}.ipynb", line)
            elif "{notebook}" in address and not has_address:
                message = f"{{notebook}} is an address of this website, which is not known; {title} is left out"
                self._complain("html", "open_in", message, "set [html] base_url", line)
            elif address := self._template("html", "open_in", address, ("tab", "page", "notebook")):
                yield Host(title, address)

    def _old_hosts(self, section: str, title: str, begin: str) -> Iterator[Host]:
        """The repositories of notebooks as old books name them: one, or one for each framework."""
        exclusions = self._words("colab", "exclusions") if section == "colab" else ()
        for line in filter(None, map(str.strip, self._value(section, "github_repo").split("\n"))):
            if self._is_placeholder(section, "github_repo", line, "that line of github_repo is left out"):
                continue
            *tab, repository = (part.strip() for part in line.split(","))
            if len(tab) > 1 or not REPOSITORY.fullmatch(repository):
                message = f"{line!r} is no framework and repository; it is left out"
                self._complain(section, "github_repo", message, "such as pytorch, NAME/NOTEBOOKS", line)
                continue
            address = f"{begin}/{repository}/blob/master/{{page}}.ipynb"
            yield Host(title, address, tab[0].lower() if tab else "", exclusions)

    def _giscus(self) -> tuple[str, str, str, str] | None:
        parts = [part.strip() for part in self._text("html", "giscus").split(",")]
        if parts == [""]:
            return None
        if len(parts) != 4 or not REPOSITORY.fullmatch(parts[0]) or not all(parts):
            message = "giscus does not consist of a repository, its id, a category and its id"
            self._complain("html", "giscus", message, "as https://giscus.app shows them for a repository")
            return None
        return parts[0], parts[1], parts[2], parts[3]

    def _address(self, section: str, name: str) -> str:
        """An address of the web; one that is none is reported, and taken as not set."""
        value = self._text(section, name)
        if not value or is_address(value):
            return value
        self._complain(section, name, f"{value!r} is no address of the web", "such as https://book.example.org/")
        return ""

    def _elsewhere(self, name: str) -> tuple[Elsewhere, ...]:
        """Other versions or languages of the book: a title, an address and perhaps a code in each line."""
        found = []
        for line in filter(None, map(str.strip, self._value("html", name).split("\n"))):
            if self._is_placeholder("html", name, line, f"that line of {name} is left out"):
                continue
            title, address, code, *more = [*(part.strip() for part in line.split(",")), "", ""]
            if not title or not is_address(address) or any(more):
                message = f"{line!r} does not consist of a title and an address; it is left out"
                self._complain("html", name, message, "such as 1.0, https://book.example.org/1.0/", line)
            else:
                found.append(Elsewhere(title, f"{address.rstrip('/')}/", code))
        return tuple(found)

    def _links(self, section: str, name: str) -> tuple[HeaderLink, ...]:
        """Links, one or several a line; a line that does not fit is reported and left out."""
        written = self._value(section, name).split("\n")
        lines = [[part.strip() for part in line.split(",") if part.strip()] for line in written]
        lines = [line for line in lines if line]
        parts = [part for line in lines for part in line]
        if len(parts) % 3 == 0 and all(len(line) % 3 for line in lines) and any(len(line) == 1 for line in lines):
            lines = [parts]  # links that go over several lines
        links = []
        for line in lines:
            if len(line) == 2:
                line.append("")  # a link without an icon
            if len(line) % 3:
                message = f"the link {', '.join(line)!r} does not consist of title, address and icon; it is left out"
                self._complain(section, name, message, text=line[0])
                continue
            links += [HeaderLink(*line[i : i + 3]) for i in range(0, len(line), 3)]
        return tuple(link for link in links if not self._is_unfinished(link, section, name))

    def _is_unfinished(self, link: HeaderLink, section: str, name: str) -> bool:
        title = f"the link {link.title!r}" if not PLACEHOLDER.search(link.title) else "the link"
        return any(
            self._is_placeholder(section, name, part, f"{title} is left out") for part in (link.title, link.address)
        )

    def _libraries(self, tabs: tuple[str, ...]) -> dict[str, Library]:
        libraries: dict[str, Library] = {}
        for section in self.ini.sections():
            if not section.startswith("library-"):
                continue
            tab = section.removeprefix("library-")
            if tab not in tabs:
                message = f"[{section}] is for a framework that [build] tabs does not list"
                self._tell(Severity.WARNING, Code.UNKNOWN_TAB, message, self.ini.place(section))
                continue
            file = self._text(section, "lib_file")
            if not self._is_free_module(file, section, "lib_file", libraries):
                continue
            aliases = {
                "simple_alias": self._aliases(section, "simple_alias"),
                "fluent_alias": self._aliases(section, "fluent_alias"),
                "alias": self._pairs(section, "alias", "="),
                "reverse_alias": self._pairs(section, "reverse_alias", "->"),
                "args_alias": self._pairs(section, "args_alias", "->"),
            }
            libraries[tab] = Library(
                tab=tab,
                file=file.removeprefix("./"),
                name=self._text(section, "lib_name"),
                written=tuple(self.ini.items(section)),
                places=tuple(
                    (f"{kind} {left}", self.ini.place(section, kind, left))
                    for kind, pairs in aliases.items()
                    for left, _ in pairs
                ),
                **aliases,
            )
        for name, tab, file in self._old_modules(tabs):
            if tab not in libraries and self._is_free_module(file, "library", name, libraries):
                libraries[tab] = Library(tab=tab, file=file.removeprefix("./"), name="")
        return libraries

    def _is_free_module(self, file: str, section: str, name: str, libraries: Mapping[str, Library]) -> bool:
        """Whether a module can be written to; what cannot is an error, since the book has no such library then."""
        file = file.removeprefix("./")
        other = next((other for other in libraries.values() if other.file == file), None)
        span = self.ini.place(section, name, file)
        if not _is_module(file):
            message = f"{name} = {file!r} is no module inside of the book"
            self._tell(Severity.ERROR, Code.CONFIG_VALUE, message, span, "such as d2l/torch.py")
        elif other is not None:
            message = f"{file} is the module of [library-{other.tab}] already"
            self._tell(Severity.ERROR, Code.CONFIG_VALUE, message, span)
        return _is_module(file) and other is None

    def _old_modules(self, tabs: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
        """Setting, framework and module of the ways in which d2lbook named modules before ``lib_file``."""
        for line in self._value("library", "save_patterns").split("\n"):
            parts = [part.strip() for part in line.split(",") if part.strip()]
            if len(parts) == 2 and parts[1] in tabs:
                yield "save_patterns", parts[1], parts[0]
            elif parts:
                message = f"{line.strip()!r} is no module and one of the frameworks {', '.join(tabs)}"
                self._complain("library", "save_patterns", message, "such as d2l/torch.py, pytorch", parts[0])
        file, mark = self._text("library", "save_filename"), self._text("library", "save_mark")
        if file and mark and mark.lstrip("# ") != "@save":
            message = f"cells that are marked {mark!r} are not saved"
            self._complain("library", "save_mark", message, "mark them with #@save")
        elif file:
            yield "save_filename", tabs[0], file

    def _aliases(self, section: str, name: str) -> tuple[tuple[str, str], ...]:
        pairs = []
        for item in re.split(r"[,\n]", self._value(section, name)):
            if not item.strip():
                continue
            left, _, right = (part.strip() for part in item.partition("->"))
            pairs.append((left.rstrip("("), (right or left).rstrip("(")))
        return tuple(pairs)

    def _pairs(self, section: str, name: str, separator: str) -> tuple[tuple[str, str], ...]:
        pairs = []
        for item in self._value(section, name).split("\n"):
            if not item.strip():
                continue
            left, found, right = (part.strip() for part in item.partition(separator))
            if not found or not left or not right:
                self._complain(section, name, f"{item.strip()!r} is not of the form a {separator} b", text=item.strip())
                continue
            pairs.append((left, right))
        return tuple(pairs)


def is_address(text: str) -> bool:
    """Whether a text is an address of the web, with nothing in it that could end an attribute."""
    return re.fullmatch(r"https?://[^\s<>\"'`{}|\\^]+", text) is not None


def _default(section: str, name: str) -> str:
    """The default of a declared key; empty for those of ``[library-TAB]``."""
    return _default_of(section, name) or ""


def _default_of(section: str, name: str) -> str | None:
    """What a key that is left out holds; ``None`` for one that nobody declares."""
    declared: tuple[Key | Inherited, ...] = (*KEYS, *INHERITED)
    return next((key.default for key in declared if (key.section, key.name) == (section, name)), None)


def _similar(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1)
    return f"did you mean {close[0]}?" if close else ""


def _is_module(file: str) -> bool:
    """Whether a book-relative path is one that Python can import from the book's folder."""
    parts = file.removesuffix(".py").split("/")
    return file.endswith(".py") and all(part.isidentifier() and not keyword.iskeyword(part) for part in parts)


def _matching(folder: Path, pattern: str) -> list[Path]:
    """What a glob matches below a folder, sorted."""
    found = glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207  Path.glob does not take every pattern
    return [folder / path for path in sorted(found)]


def _names(globs: Iterable[str], page: str) -> bool:
    """Whether one of the globs matches a page's file, or is a folder above it."""
    path = f"{page}.md"
    return any(_matches(path, item) or path.startswith(f"{item.removeprefix('./').rstrip('/')}/") for item in globs)


def _matches(path: str, glob: str) -> bool:
    """Whether a book-relative path matches a shell glob in which ``**`` crosses folders and ``*`` does not."""
    return _glob(glob.removeprefix("./")).fullmatch(path) is not None


@lru_cache(maxsize=256)
def _glob(glob: str) -> re.Pattern[str]:
    pattern = []
    for part in re.findall(r"\*\*/|\*+|\?|\[[!^]?\]?[^\]/]*\]|[^*?\[]+|\[", glob):
        wildcard = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}.get(part)
        if wildcard is None and part.startswith("*"):
            wildcard = ".*"
        elif wildcard is None and len(part) > 2 and part.startswith("[") and part.endswith("]"):
            wildcard = _one_of(part[1:-1])
        pattern.append(wildcard or re.escape(part))
    return re.compile("".join(pattern), re.DOTALL)


def _one_of(characters: str) -> str:
    """``a-c`` or ``!a-c`` of a glob as a regular expression; a range that runs backwards matches nothing."""
    negated = characters[0] in "!^"
    inside = re.escape(characters[negated:]).replace(r"\-", "-")
    try:
        re.compile(f"[{inside}]")
    except re.error:
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[^{inside}]" if negated else f"[{inside}]"
