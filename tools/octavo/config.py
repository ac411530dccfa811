"""``config.ini`` → one validated, frozen :class:`Settings`.

Every key is declared once, in :data:`KEYS`, with its default and a line of help; the manual's table and the check for
unknown keys are made from the same declaration. The keys of the d2lbook format keep their names and meanings.
"""

from __future__ import annotations

import configparser
import keyword
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

from octavo.diagnostics import Code, Diagnostic, error, warning
from octavo.model import Span

FILE_NAME = "config.ini"
TAB_NAME = re.compile(r"[A-Za-z][\w.-]*")


@dataclass(frozen=True, slots=True)
class Key:
    """One setting of ``config.ini``."""

    section: str
    name: str
    default: str
    help: str


KEYS: tuple[Key, ...] = (
    Key("project", "name", "book", "Short name of the book, used in file names."),
    Key("project", "title", "", "Title of the book."),
    Key("project", "author", "The contributors", "All authors' names."),
    Key("project", "copyright", "", "The copyright line."),
    Key("project", "release", "0.0.1", "Version of the book and of its library."),
    Key("project", "lang", "en", "Language of the text, such as ``en`` or ``zh``."),
    Key("build", "index", "index", "The root page, without extension."),
    Key("build", "notebooks", "*.md */*.md", "Globs of the pages whose cells are executed and harvested."),
    Key("build", "exclusions", "", "Globs of Markdown files that are not part of the book."),
    Key("build", "resources", "img/ d2l.bib", "Files and folders that pages read while they run."),
    Key("build", "source_dir", ".", "Folder of the book's source, relative to ``config.ini``."),
    Key("build", "output_dir", "_build", "Folder that products are written to."),
    Key("build", "tabs", "", "Frameworks of the book; the first is the default."),
    Key("build", "untagged", "default", "Frameworks of a cell without a mark: ``default`` or ``all``."),
    Key("build", "eval_notebook", "True", "Whether pages are executed at all."),
    Key("build", "warning_is_error", "False", "Whether a warning makes the build fail."),
    Key("execute", "timeout", "600", "Seconds that a cell may run."),
    Key("execute", "jobs", "0", "Kernels at once; 0 means as many as there are cores."),
    Key("execute", "environments", "environments", "Folder of the locks, one ``TAB.txt`` for each framework."),
    Key("execute", "outputs", "outputs", "Folder of the committed results."),
    Key("execute", "files", "", "Globs of data files that every page depends on."),
    Key("execute", "variables", "", "Environment variables that every page depends on."),
    Key("html", "header_links", "", "Links in the header: ``title, address, icon`` in threes."),
    Key("html", "favicon", "", "File of the site's icon."),
    Key("html", "html_logo", "", "File of the site's logo."),
    Key("html", "include_css", "", "Style sheets added to every page."),
    Key("html", "include_js", "", "Scripts added to every page."),
    Key("pdf", "bibfile", "d2l.bib", "The BibTeX file that citations are looked up in."),
    Key("library", "harvest", "auto", "How modules are written: ``own``, ``compatible`` or ``auto``."),
    Key("library", "version_file", "", "Module in which ``__version__`` is kept equal to the release."),
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

INHERITED_SECTIONS = ("translation", "deploy", "colab", "sagemaker", "slides")
"""Sections of the d2lbook format whose keys belong to products that read them themselves."""


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

    @property
    def package(self) -> str:
        """The package that the module stands in: ``d2l`` of ``d2l/torch.py``."""
        return self.file.split("/")[0] if "/" in self.file else ""

    @property
    def module(self) -> str:
        """Dotted name of the module: ``d2l.torch``."""
        return self.file.removesuffix(".py").replace("/", ".")


@dataclass(frozen=True, slots=True)
class HeaderLink:
    """A link in the site's header."""

    title: str
    address: str
    icon: str


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
    notebooks: tuple[str, ...] = ("*.md", "*/*.md")
    exclusions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ("img/", "d2l.bib")
    source_dir: str = "."
    output_dir: str = "_build"
    untagged: Literal["default", "all"] = "default"
    eval_notebook: bool = True
    warning_is_error: bool = False
    timeout: float = 600.0
    """Seconds that a cell may run."""
    jobs: int = 0
    environments: str = "environments"
    outputs: str = "outputs"
    files: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    header_links: tuple[HeaderLink, ...] = ()
    favicon: str = ""
    logo: str = ""
    include_css: tuple[str, ...] = ()
    include_js: tuple[str, ...] = ()
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
        return any(_matches(f"{page}.md", glob) for glob in self.notebooks)

    def is_excluded(self, page: str) -> bool:
        """Whether the Markdown file is not part of the book."""
        return any(_matches(f"{page}.md", glob) for glob in self.exclusions)


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
    parser = configparser.ConfigParser(interpolation=None, comment_prefixes=("#", ";"), inline_comment_prefixes=None)
    try:
        parser.read_string(text)
    except configparser.Error as problem:
        line = getattr(problem, "lineno", None) or (getattr(problem, "errors", None) or [(1, "")])[0][0]
        message = str(problem).splitlines()[0].replace("<string>", FILE_NAME)
        return None, (error(Code.CONFIG_SYNTAX, message, Span(FILE_NAME, line, line)),)
    return _Reader(root, parser, text).settings()


def place(settings: Settings, section: str, name: str) -> Span:
    """The line of ``config.ini`` that a setting stands on, for messages of those who use it later."""
    try:
        lines = (settings.root / FILE_NAME).read_text(encoding="utf-8-sig").split("\n")
    except OSError:
        lines = []
    return _place(lines, section, name)


def _place(lines: Sequence[str], section: str, name: str) -> Span:
    """The line of a setting, or of its section if it is not set."""
    inside = False
    start = 1
    for number, line in enumerate(lines, 1):
        if line.startswith("["):
            inside = line.strip() == f"[{section}]"
            if inside:
                start = number
        elif inside and name and re.match(rf"{re.escape(name)}\s*[=:]", line, re.IGNORECASE):
            return Span(FILE_NAME, number, number)
    return Span(FILE_NAME, start, start)


class _Reader:
    """Reads one parsed file; collects the messages on the way."""

    def __init__(self, root: Path, parser: configparser.ConfigParser, text: str) -> None:
        self.root = root
        self.parser = parser
        self.lines = text.split("\n")
        self.messages: list[Diagnostic] = []

    def settings(self) -> tuple[Settings, tuple[Diagnostic, ...]]:
        self._report_unknown_keys()
        tabs = self._words("build", "tabs") or ("default",)
        for tab in tabs:
            if tab == "all":
                self._complain("build", "tabs", "'all' means every framework, so none can be called so")
            elif not TAB_NAME.fullmatch(tab):
                self._complain(
                    "build", "tabs", f"{tab!r} is no name for a framework", "letters, digits, . _ and - only"
                )
        output_dir, outputs = self._product_folders()
        settings = Settings(
            root=self.root,
            tabs=tuple(dict.fromkeys(tab for tab in tabs if TAB_NAME.fullmatch(tab) and tab != "all")) or ("default",),
            name=self._text("project", "name"),
            title=self._text("project", "title") or self._text("project", "name"),
            author=self._text("project", "author"),
            copyright=self._text("project", "copyright"),
            release=self._text("project", "release"),
            language=self._text("project", "lang") or "en",
            index=self._text("build", "index").removesuffix(".md"),
            notebooks=self._words("build", "notebooks"),
            exclusions=self._words("build", "exclusions"),
            resources=self._words("build", "resources"),
            source_dir=self._folder("build", "source_dir"),
            output_dir=output_dir,
            untagged=cast(Literal["default", "all"], self._choice("build", "untagged", ("default", "all"))),
            eval_notebook=self._flag("build", "eval_notebook"),
            warning_is_error=self._flag("build", "warning_is_error"),
            timeout=self._number("execute", "timeout", smallest=1),
            jobs=int(self._number("execute", "jobs", smallest=0)),
            environments=self._folder("execute", "environments"),
            outputs=outputs,
            files=self._globs("execute", "files"),
            variables=self._words("execute", "variables"),
            header_links=self._header_links(),
            favicon=self._folder("html", "favicon"),
            logo=self._folder("html", "html_logo"),
            include_css=self._words("html", "include_css"),
            include_js=self._words("html", "include_js"),
            bibfile=self._folder("pdf", "bibfile"),
            harvest=cast(
                Literal["auto", "own", "compatible"], self._choice("library", "harvest", ("auto", "own", "compatible"))
            ),
            version_file=self._version_file(),
            libraries=self._libraries(tabs),
        )
        return settings, tuple(self.messages)

    # -- places and messages

    def _span(self, section: str, name: str = "") -> Span:
        return _place(self.lines, section, name)

    def _complain(self, section: str, name: str, message: str, hint: str = "") -> None:
        self.messages.append(error(Code.CONFIG_VALUE, message, self._span(section, name), hint=hint))

    def _report_unknown_keys(self) -> None:
        known: dict[str, set[str]] = {}
        for key in KEYS:
            known.setdefault(key.section, set()).add(key.name)
        library = {key.name for key in LIBRARY_KEYS}
        for section in self.parser.sections():
            if section in INHERITED_SECTIONS:
                continue
            names = library if section.startswith("library-") else known.get(section)
            if names is None:
                self.messages.append(
                    warning(Code.CONFIG_UNKNOWN, f"nothing reads the section [{section}]", self._span(section))
                )
                continue
            for name in self.parser[section]:
                if name not in names and name not in INHERITED_KEYS.get(section, ()):
                    self.messages.append(
                        warning(Code.CONFIG_UNKNOWN, f"nothing reads [{section}] {name}", self._span(section, name))
                    )

    # -- values

    def _text(self, section: str, name: str) -> str:
        return self.parser.get(section, name, fallback=_default(section, name)).strip()

    def _words(self, section: str, name: str) -> tuple[str, ...]:
        return tuple(self._text(section, name).replace(",", " ").split())

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

    def _globs(self, section: str, name: str) -> tuple[str, ...]:
        """Globs that :meth:`pathlib.Path.glob` takes and that stay inside of the book; the others are reported."""
        kept = []
        for glob in self._words(section, name):
            parts = Path(glob).parts
            if glob.startswith("/") or ".." in parts:
                self._complain(section, name, f"{glob!r} leads out of the book")
            elif not parts or any("**" in part and part != "**" for part in parts):
                self._complain(section, name, f"{glob!r} is no glob", "** stands alone between two slashes")
            else:
                kept.append(glob)
        return tuple(kept)

    def _version_file(self) -> str:
        value = self._folder("library", "version_file")
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

    def _choice(self, section: str, name: str, choices: tuple[str, ...]) -> str:
        value = self._text(section, name)
        if value not in choices:
            self._complain(section, name, f"{value!r} is none of {', '.join(choices)}")
            return choices[0]
        return value

    def _header_links(self) -> tuple[HeaderLink, ...]:
        items = [
            item.strip() for item in self._text("html", "header_links").replace("\n", ",").split(",") if item.strip()
        ]
        if len(items) % 3:
            self._complain("html", "header_links", "header_links does not come in threes", "title, address, icon")
            return ()
        return tuple(HeaderLink(*items[i : i + 3]) for i in range(0, len(items), 3))

    def _libraries(self, tabs: tuple[str, ...]) -> dict[str, Library]:
        libraries: dict[str, Library] = {}
        for section in self.parser.sections():
            if not section.startswith("library-"):
                continue
            tab = section.removeprefix("library-")
            if tab not in tabs:
                self.messages.append(
                    warning(
                        Code.UNKNOWN_TAB,
                        f"[{section}] is for a framework that [build] tabs does not list",
                        self._span(section),
                    )
                )
                continue
            file = self._text(section, "lib_file").removeprefix("./")
            if not _is_module(file):
                self._complain(
                    section, "lib_file", f"lib_file = {file!r} is no module inside of the book", "such as d2l/torch.py"
                )
                continue
            other = next((other for other in libraries.values() if other.file == file), None)
            if other is not None:
                self._complain(section, "lib_file", f"{file} is the module of [library-{other.tab}] already")
                continue
            libraries[tab] = Library(
                tab=tab,
                file=file,
                name=self._text(section, "lib_name"),
                simple_alias=self._aliases(section, "simple_alias"),
                fluent_alias=self._aliases(section, "fluent_alias"),
                alias=self._pairs(section, "alias", "="),
                reverse_alias=self._pairs(section, "reverse_alias", "->"),
                args_alias=self._pairs(section, "args_alias", "->"),
                written=tuple(self.parser[section].items()),
            )
        return libraries

    def _aliases(self, section: str, name: str) -> tuple[tuple[str, str], ...]:
        pairs = []
        for item in re.split(r"[,\n]", self._text(section, name)):
            if not item.strip():
                continue
            left, _, right = (part.strip() for part in item.partition("->"))
            pairs.append((left.rstrip("("), (right or left).rstrip("(")))
        return tuple(pairs)

    def _pairs(self, section: str, name: str, separator: str) -> tuple[tuple[str, str], ...]:
        pairs = []
        for item in self._text(section, name).split("\n"):
            if not item.strip():
                continue
            left, found, right = (part.strip() for part in item.partition(separator))
            if not found or not left or not right:
                self._complain(section, name, f"{item.strip()!r} is not of the form a {separator} b")
                continue
            pairs.append((left, right))
        return tuple(pairs)


INHERITED_KEYS: dict[str, tuple[str, ...]] = {
    "build": (
        "rsts", "non-notebooks", "dependencies", "sphinx_extensions", "sphinx_configs", "origin_repo",
    ),
    "pdf": (
        "main_font", "sans_font", "mono_font", "post_latex", "latex_logo", "latex_url", "style",
    ),
    "library": ("save_filename", "save_mark", "simple_alias", "fluent_alias", "alias", "reverse_alias"),
}  # fmt: skip
"""Keys of the d2lbook format that are accepted, and read by the products they belong to as those come to exist."""


def _default(section: str, name: str) -> str:
    """The default of a declared key; empty for those of ``[library-TAB]``."""
    return next((key.default for key in KEYS if (key.section, key.name) == (section, name)), "")


def _is_module(file: str) -> bool:
    """Whether a book-relative path is one that Python can import from the book's folder."""
    parts = file.removesuffix(".py").split("/")
    return file.endswith(".py") and all(part.isidentifier() and not keyword.iskeyword(part) for part in parts)


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
