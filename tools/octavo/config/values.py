"""Single values of ``config.ini``: read and checked; one that does not fit is reported, and its default taken."""

from __future__ import annotations

import configparser
import math
import re
from pathlib import Path
from urllib.parse import urlsplit

from octavo.config.globs import matching
from octavo.config.keys import FILE_NAME, KEYS, default_of, default_value
from octavo.diagnostics import Code, Diagnostic, Severity
from octavo.ini import IniFile
from octavo.model import Span

PLACEHOLDER = re.compile(
    r"#{2,}\w+#{2,}|\{\{[^{}\n]*\}\}|\$\{[^{}\n]*\}"
    r"|@[A-Z][A-Z0-9_]*@|__[A-Z][A-Z0-9_]*__|<[A-Z][A-Z0-9_]+>|%[A-Z][A-Z0-9_]*%"
)
"""What a script was to replace in ``config.ini`` before the book is built, by the usual ways to write that."""


class Values:
    """The values of one file; collects the messages on the way."""

    def __init__(self, root: Path, text: str) -> None:
        self.root = root
        self.heard: dict[Diagnostic, None] = {}
        self.ini = IniFile(text, FILE_NAME, default_of, self._complain_about_reference)

    def tell(self, severity: Severity, code: Code, message: str, span: Span, hint: str = "") -> None:
        """Collect a message; what was said before is not said again."""
        self.heard.setdefault(Diagnostic(code, severity, message, span, hint=hint))

    def complain(self, section: str, name: str, message: str, hint: str = "", text: str = "") -> None:
        """A value does not fit. Old books are built all the same, so their settings make no error."""
        own = any(key.own for key in KEYS if (key.section, key.name) == (section, name))
        severity = Severity.ERROR if own else Severity.WARNING
        self.tell(severity, Code.CONFIG_VALUE, message, self.ini.place(section, name, text), hint)

    def _complain_about_reference(self, section: str, name: str, message: str, text: str) -> None:
        self.complain(section, name, message, "a % that is meant as such is written %%", text)

    def is_placeholder(self, section: str, name: str, value: str, effect: str) -> bool:
        """Whether a script was to fill in a value; the author is told, and what is done without it."""
        found = PLACEHOLDER.search(value)
        if found:
            message = f"{found[0]} stands where a script was to write something; {effect}"
            hint = "write the value itself, or run the script before octavo"
            span = self.ini.place(section, name, value)
            span = span if span.column else self.ini.place(section, name, found[0])
            self.tell(Severity.WARNING, Code.CONFIG_PLACEHOLDER, message, span, hint)
        return found is not None

    def value(self, section: str, name: str) -> str:
        """What the file says, or the default, as it stands."""
        value = self.ini.value(section, name)
        return (default_value(section, name) if value is None else value).strip()

    def text(self, section: str, name: str) -> str:
        """A value that is used whole; the default where a script was to write it."""
        value = self.value(section, name)
        default = default_value(section, name)
        effect = f"{name} is taken as {default!r}" if default else f"{name} is taken as not set"
        return default if self.is_placeholder(section, name, value, effect) else value

    def words(self, section: str, name: str) -> tuple[str, ...]:
        """Words with spaces or commas between them."""
        words = self.value(section, name).replace(",", " ").split()
        effect = f"that part of {name} is left out"
        return tuple(word for word in words if not self.is_placeholder(section, name, word, effect))

    def flag(self, section: str, name: str) -> bool:
        """Yes or no, in any of the words that INI files have for it."""
        states = configparser.ConfigParser.BOOLEAN_STATES
        value = self.text(section, name).lower()
        if value in states:
            return states[value]
        self.complain(section, name, f"{value!r} is neither True nor False")
        return states[default_value(section, name).lower()]

    def number(self, section: str, name: str, smallest: float) -> float:
        """A finite number that is not too small."""
        value = self.text(section, name)
        default = float(default_value(section, name))
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self.complain(section, name, f"{value!r} is no number")
            return default
        if number < smallest:
            self.complain(section, name, f"{value} is too small", f"at least {smallest:g}")
            return default
        return number

    def choice(self, section: str, name: str, choices: tuple[str, ...]) -> str:
        """One of several words; the first of them for any other."""
        value = self.text(section, name)
        if value not in choices:
            self.complain(section, name, f"{value!r} is none of {', '.join(choices)}")
            return choices[0]
        return value

    def globs(self, section: str, name: str) -> tuple[str, ...]:
        """Globs that :meth:`pathlib.Path.glob` takes and that stay inside of the book; the others are reported."""
        kept = []
        for word in self.words(section, name):
            parts = Path(word).parts
            if word.startswith("/") or ".." in parts:
                self.complain(section, name, f"{word!r} leads out of the book", text=word)
            elif not parts or any("**" in part and part != "**" for part in parts):
                self.complain(section, name, f"{word!r} is no glob", "** stands alone between two slashes", word)
            else:
                kept.append(word)
        return tuple(kept)

    def files(self, section: str, name: str) -> tuple[str, ...]:
        """Files from ``config.ini``'s folder, addresses as they are; what the book lacks is reported and left out."""
        kept: dict[str, None] = {}
        for word in self.words(section, name):
            elsewhere = re.match(r"https?://", word) is not None
            found = () if elsewhere else self.found(word)
            kept.update(dict.fromkeys((word,) if is_address(word) else found))
            if elsewhere and not is_address(word):
                self.complain(section, name, f"{word!r} is no address of the web", text=word)
            elif not elsewhere and not found:
                place = self.ini.place(section, name, word)
                self.tell(Severity.WARNING, Code.MISSING_FILE, f"there is no file {word} in the book", place)
        return tuple(kept)

    def file(self, section: str, name: str) -> str:
        """A file from ``config.ini``'s folder; empty if there is none, which is reported."""
        value = self.folder(section, name)
        places = (self.root / value, self.root / self.folder("build", "source_dir") / value)
        found = self.found(value) if value and not any(map(is_folder, places)) else ()
        if value and not found:
            place = self.ini.place(section, name, value)
            self.tell(Severity.WARNING, Code.MISSING_FILE, f"there is no file {value} in the book", place)
        return found[0] if found else ""

    def found(self, pattern: str) -> tuple[str, ...]:
        """The files that a path, folder or glob names, in ``config.ini``'s folder or else in the source folder."""
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            return ()
        root = self.root.resolve()
        for folder in dict.fromkeys((root, root / self.folder("build", "source_dir"))):
            try:
                paths = [folder / pattern] if (folder / pattern).exists() else matching(folder, pattern)
            except OSError:  # a name that is too long for the file system
                return ()
            files = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
            inside = [file for file in files if file.is_file() and file.resolve().is_relative_to(root)]
            if inside:
                return tuple(file.relative_to(root).as_posix() for file in inside)
        return ()

    def folder(self, section: str, name: str) -> str:
        """A path inside of the book."""
        value = self.text(section, name)
        if value.startswith("/") or ".." in Path(value).parts:
            self.complain(section, name, f"{value!r} leads out of the book", "give a path inside of the book's folder")
            return default_value(section, name)
        return value.removeprefix("./") or value

    def address(self, section: str, name: str) -> str:
        """An address of the web; one that is none is reported, and taken as not set."""
        value = self.text(section, name)
        if not value or is_address(value):
            return value
        self.complain(section, name, f"{value!r} is no address of the web", "such as https://book.example.org/")
        return ""


def is_folder(path: Path) -> bool:
    """Whether there is a folder, for names too that no file can have."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_address(text: str) -> bool:
    """Whether a text is an address of the web, with nothing in it that could end an attribute."""
    if not re.fullmatch(r"https?://[^\s<>\"'`{}|\\^]+", text):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a bracket that nothing closes, a port that is none
        return False
