"""A page as readers see it → the units that search finds: its sections, with their text by framework."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape

from docutils import nodes
from sphinx import addnodes

from octavo.config import Settings
from octavo.render.pages.formulas import BadMathError, mathml
from octavo.render.pages.nodes import output_html, output_image, reader_note, tab_panel, tab_set

_LEFT_OUT = (
    nodes.comment,
    nodes.image,
    nodes.label,
    nodes.Invisible,
    nodes.math_block,
    nodes.raw,
    nodes.system_message,
    nodes.topic,
    addnodes.index,
    addnodes.toctree,
    output_html,
    output_image,
    reader_note,
)
_LEFT_OUT_CLASSES = {"ov-output", "ov-failure", "ov-not-executed", "toctree-wrapper"}
"""What cells printed is no text of the book, and lists of other pages are found there."""

_MARKUP = re.compile(r"<annotation\b.*?</annotation>|<[^>]*>", re.DOTALL)
_SHORT = 80
"""Characters of a formula that is shown in a line of text."""

_DEFINITION = re.compile(
    r"^(?:@(?:\w+\.)*add_to_class\((?:\w+\.)*(?P<owner>\w+)\)[^\n]*\n)?"
    r"(?:async[ ])?(?:def|class)[ ]+(?P<name>\w+)|^(?P<value>[A-Za-z_]\w*)[ ]*=(?!=)[^\n]*\#@save",
    re.MULTILINE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Run:
    """A paragraph, or a piece of code."""

    text: str
    tabs: int
    """The frameworks that show it, a bit each."""
    code: bool = False


@dataclass(frozen=True, slots=True)
class Defined:
    """A name that a piece of code binds at its top level."""

    name: str
    tabs: int
    saved: bool
    """Whether it goes into the book's library."""
    place: str = ""
    """Id of the line, if that has one."""


@dataclass(slots=True)
class Unit:
    """A section, or something else that can be linked to."""

    anchor: str
    """Its id; empty for the page itself."""
    title: str
    number: str = ""
    tabs: int = 0
    """The frameworks that show its title, a bit each."""
    runs: list[Run] = field(default_factory=list)
    defined: list[Defined] = field(default_factory=list)
    cited: bool = False
    """Whether it is an entry of a bibliography."""


def _is_left_out(node: nodes.Element) -> bool:
    return isinstance(node, _LEFT_OUT) or not _LEFT_OUT_CLASSES.isdisjoint(node.get("classes", ()))


class Reading:
    """Reads one page of a book with these ``settings``.

    ``numbers`` are those of its sections, by anchor; ``places`` are the ids of lines that define something, by name and
    by framework in the book's order.
    """

    def __init__(
        self,
        settings: Settings,
        page_tabs: tuple[str, ...],
        numbers: Mapping[str, str],
        places: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.places = places
        self.macros = settings.macros
        self.numbers = numbers
        self.bits = {tab: 1 << index for index, tab in enumerate(settings.tabs)}
        self.page = sum(self.bits.get(tab, 0) for tab in page_tabs) or self._all
        self.units: list[Unit] = []

    @property
    def _all(self) -> int:
        return sum(self.bits.values()) or 1

    def read(self, document: nodes.document) -> list[Unit]:
        """The units of a page, the page itself first."""
        page = Unit("", "", tabs=self.page)
        self.units.append(page)
        self._read(document, page, self.page)
        return self.units

    def _read(self, parent: nodes.Element, unit: Unit, tabs: int) -> None:
        for node in parent.children:
            if isinstance(node, nodes.section):
                self._read(node, self._section(node, tabs), tabs)
            elif isinstance(node, nodes.rubric) and node["ids"]:  # a heading inside of a panel
                unit = self._unit(node["ids"][0], self._text(node), tabs)
            elif isinstance(node, nodes.citation) and node["ids"]:
                entry = self._unit(node["ids"][0], self._label(node), tabs)
                entry.cited = True
                self._read(node, entry, tabs)
            elif isinstance(node, addnodes.desc):
                self._description(node, unit, tabs)
            elif isinstance(node, tab_set):
                self._panels(node, unit, tabs)
            elif not isinstance(node, nodes.Element) or _is_left_out(node):
                continue
            elif isinstance(node, nodes.literal_block):
                self._code(node.astext(), unit, tabs)
            elif isinstance(node, nodes.TextElement):
                if not isinstance(node, nodes.title) or not isinstance(parent, nodes.section):
                    unit.runs += [Run(text, tabs) for text in [self._text(node)] if text]
            else:
                self._read(node, unit, tabs)

    def _unit(self, anchor: str, title: str, tabs: int, number: str = "") -> Unit:
        self.units.append(Unit(anchor, title, number, tabs))
        return self.units[-1]

    def _section(self, node: nodes.section, tabs: int) -> Unit:
        title = next((self._text(child) for child in node.children if isinstance(child, nodes.title)), "")
        page = self.units[0]
        if not page.title and len(self.units) == 1:
            page.title, page.number = title, self.numbers.get("", "")
            return page
        anchor = next(iter(node["ids"]), "")
        return self._unit(anchor, title, tabs, self.numbers.get(f"#{anchor}", ""))

    def _description(self, node: addnodes.desc, unit: Unit, tabs: int) -> None:
        """An entry of an API page: its name is defined there, for whoever looks for it."""
        for signature in node.findall(addnodes.desc_signature):
            if signature["ids"]:
                name = str(signature.get("fullname") or self._text(signature))
                inner = self._unit(signature["ids"][0], " ".join(signature.astext().split())[:100], tabs)
                inner.defined.append(Defined(name, tabs, saved=False))
                unit = inner
                break
        for content in node.children:
            if isinstance(content, addnodes.desc_content):
                self._read(content, unit, tabs)

    def _panels(self, node: nodes.Element, unit: Unit, tabs: int) -> None:
        """Each panel is for its framework; the first one is shown to those that have none too."""
        named = sum(self.bits.get(tab, 0) for tab, _ in node["tabs"])
        for panel in node.children:
            if isinstance(panel, tab_panel):
                shown = self.bits.get(panel["tab"], 0) | (tabs & ~named if panel["first"] else 0)
                self._read(panel, unit, shown)

    def _code(self, code: str, unit: Unit, tabs: int) -> None:
        unit.runs.append(Run(code, tabs, code=True))
        for match in _DEFINITION.finditer(code):
            line = code[match.start() : code.find("\n", match.end()) % (len(code) + 1)]
            name = match["name"] or match["value"]
            if match["owner"]:
                name = f"{match['owner']}.{name}"
            saved = "#@save" in line or code.lstrip().startswith("#@save")
            places = self.places.get(name, {})
            place = next((place for tab, place in places.items() if self.bits.get(tab, 0) & tabs), "")
            unit.defined.append(Defined(name, tabs, saved, place))

    def _label(self, node: nodes.citation) -> str:
        labels = (self._text(child) for child in node.children if isinstance(child, nodes.label))
        return next(labels, node.astext()[:40])

    def _text(self, node: nodes.Element) -> str:
        """The words of a paragraph, formulas as a line of characters."""
        return " ".join("".join(self._pieces(node)).split())

    def _pieces(self, node: nodes.Element) -> Iterator[str]:
        for child in node.children:
            if isinstance(child, nodes.Text):
                yield str(child)
            elif isinstance(child, nodes.math):
                yield self._formula(child.astext())
            elif isinstance(child, nodes.Element) and not isinstance(child, (*_LEFT_OUT, nodes.footnote_reference)):
                yield from self._pieces(child)

    def _formula(self, tex: str) -> str:
        try:
            shown = unescape(_MARKUP.sub("", mathml(tex, display=False, macros=self.macros)))
        except BadMathError:
            return "…"
        return shown if len(shown) <= _SHORT else "…"
