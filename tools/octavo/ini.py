"""The text of an INI file: its values as Python's ``configparser`` reads them, and the line of each.

Values refer to one another as d2lbook lets them: ``%(name)s`` is another setting of the section, ``%%`` is ``%``. A
reference that leads nowhere is reported and left as it stands; a ``%`` on its own is left without a word.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable, Iterator

from octavo.model import Span

DEEPEST = 10
"""How many references a value may be away from the text that it ends in."""
LONGEST = 100_000
"""How many characters references may make of a value."""

_REFERENCE = re.compile(r"%(?:%|\(([^()\n]+)\)s)")


class IniError(ValueError):
    """A file that is no INI file."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class IniFile:
    """One parsed file."""

    def __init__(
        self,
        text: str,
        path: str,
        default: Callable[[str, str], str | None] = lambda section, name: None,
        complain: Callable[[str, str, str, str], None] = lambda section, name, message, text: None,
    ) -> None:
        """Parse ``text``, or raise :class:`IniError`. ``path`` is what messages call the file.

        ``default`` gives the value of a setting that the file leaves out. ``complain`` is told about a reference that
        leads nowhere: the setting, what is wrong, and the text of the reference.
        """
        self.path = path
        self._default = default
        self._complain = complain
        self._lines = text.split("\n")
        self._values: dict[tuple[str, str], str] = {}
        self._parser = configparser.ConfigParser(interpolation=None)
        if "\0" in text:
            raise IniError(f"{path} holds a character that no text has", text[: text.index("\0")].count("\n") + 1)
        try:
            self._parser.read_string(text)
        except configparser.Error as problem:
            line = getattr(problem, "lineno", None) or (getattr(problem, "errors", None) or [(1, "")])[0][0]
            raise IniError(str(problem).splitlines()[0].replace("<string>", path), line) from problem
        self._places = dict(_places(self._lines))

    def sections(self) -> list[str]:
        """Names of the sections, in order."""
        return self._parser.sections()

    def names(self, section: str) -> list[str]:
        """Names of the settings that stand in a section itself, in lower case."""
        return [name for name in self._parser.options(section) if (section, name) in self._places]

    def value(self, section: str, name: str) -> str | None:
        """What a setting says, references resolved; ``None`` where the file leaves it out."""
        return self._expanded(section, name, ()) if self._parser.has_option(section, name) else None

    def items(self, section: str) -> list[tuple[str, str]]:
        """Every setting that holds in a section, those of ``[DEFAULT]`` included."""
        return [(name, self._expanded(section, name, ()) or "") for name in self._parser.options(section)]

    def _expanded(self, section: str, name: str, above: tuple[str, ...]) -> str | None:
        if (section, name) in self._values:
            return self._values[section, name]
        text = self._parser.get(section, name) if self._parser.has_option(section, name) else None
        if text is None:
            return self._default(section, name)

        def resolved(match: re.Match[str]) -> str:
            if match[1] is None:
                return "%"
            other = self._parser.optionxform(match[1])
            if other == name or other in above or len(above) >= DEEPEST:
                self._complain(section, name, f"{match[0]} leads back to where it stands, or too far", match[0])
                return match[0]
            found = self._expanded(section, other, (*above, name))
            if found is None:
                self._complain(section, name, f"{match[0]} means a setting {other!r}, and there is none", match[0])
            return match[0] if found is None else found

        value = _REFERENCE.sub(resolved, text)
        if len(value) > LONGEST:
            self._complain(section, name, f"its references make more than {LONGEST} characters of {name}", name)
            value = text
        self._values[section, name] = value
        return value

    def place(self, section: str, name: str = "", text: str = "") -> Span:
        """The line of a setting, or of its section if it is not set; with ``text``, where that stands in its value."""
        first, last = self._places.get((section, name)) or self._places.get((section, "")) or (1, 1)
        # as a word first: "ones" also stands in "ones_like"
        for pattern in (rf"(?<!\w){re.escape(text)}(?!\w)", re.escape(text)) if text else ():
            for number in range(first, last + 1):
                if found := re.search(pattern, self._lines[number - 1]):
                    return Span(self.path, number, number, found.start() + 1, len(text))
        return Span(self.path, first, first)


def _places(lines: list[str]) -> Iterator[tuple[tuple[str, str], tuple[int, int]]]:
    """First and last line of each section's head and each setting, told apart as ``configparser`` does."""
    section = name = ""
    first = depth = 0
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith(("#", ";")):
            continue
        indent = len(line) - len(line.lstrip())
        if name and indent > depth:
            yield (section, name), (first, number)
            continue
        depth = indent
        if head := configparser.ConfigParser.SECTCRE.match(text):
            section, name = head["header"], ""
        elif option := configparser.ConfigParser.OPTCRE.match(text):
            name = option["option"].rstrip().lower()
        first = number
        yield (section, name), (number, number)
