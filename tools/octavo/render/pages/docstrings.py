"""Docstrings → docutils: paragraphs, the parts that Google's style names, and examples.

A docstring is read as its author's text, not as reStructuredText: what looks like markup in it stays what it is.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator

from docutils import nodes

Inline = Callable[[str], Iterable[nodes.Node]]
"""Text of a paragraph → nodes."""

_PART = re.compile(
    r"(Args|Arguments|Parameters|Attributes|Returns|Yields|Raises|Examples?|Notes?|Shapes?|Inputs?|Outputs?):\s*"
)
_NAME = r"\*{0,2}[A-Za-z_][\w.]*(?: ?\([^()]*\))?"
_NAMED = re.compile(rf"(?P<name>{_NAME}(?:, {_NAME})*): (?P<text>.*)", re.DOTALL)
_PROMPT = ">>>"
_SAID = re.compile(r"(?P<name>[^:\n]{1,60}): (?P<text>.*)", re.DOTALL)


def render(docstring: str, inline: Inline) -> Iterator[nodes.Node]:
    """The nodes of a docstring."""
    lines = inspect.cleandoc(docstring).split("\n")
    for block in _blocks(lines):
        title = _PART.fullmatch(block[0])
        if title and len(block) > 1:
            yield nodes.paragraph("", "", nodes.strong(title[1], title[1]), classes=["ov-doc-part"])
            yield from _body(block[1:], inline)
        elif block[0].lstrip().startswith(_PROMPT):
            yield _example(block)
        else:
            yield _paragraph(block, inline)


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Lines that belong together: a paragraph, an example, or a named part with everything indented below it."""
    block: list[str] = []
    inside = False  # of a named part
    for line in lines:
        begins = _PART.fullmatch(line) is not None
        ends = begins or (inside and bool(line) and not line[0].isspace()) or (not inside and not line.strip())
        if block and ends:
            yield _trimmed(block)
            block = []
        inside = begins or (inside and bool(block))
        if block or line.strip():
            block.append(line)
    if block:
        yield _trimmed(block)


def _trimmed(block: list[str]) -> list[str]:
    while not block[-1].strip():
        block = block[:-1]
    return block


def _body(lines: list[str], inline: Inline) -> Iterator[nodes.Node]:
    """What stands below the name of a part: an example, a list of names, or text."""
    text = inspect.cleandoc("\n".join(["", *lines])).split("\n")
    if any(line.startswith(_PROMPT) for line in text):
        yield _example(text)
        return
    entries: list[list[str]] = []
    for line in text:
        if entries and (line[:1].isspace() or not line.strip()):
            entries[-1].append(line)
        else:
            entries.append([line])
    texts = ["\n".join(entry) for entry in entries]
    names = [_NAMED.fullmatch(text) for text in texts]
    items = names if all(names) else [_SAID.fullmatch(text) for text in texts]
    if not all(items) or (items is not names and len(items) < 2):
        yield _paragraph(text, inline)
        return
    shown = nodes.bullet_list(bullet="*")
    for item in filter(None, items):
        name = _names(item["name"]) if items is names else inline(item["name"])
        words = " ".join(item["text"].split())
        shown += nodes.list_item("", nodes.paragraph("", "", *name, nodes.Text(": "), *inline(words)))
    yield shown


def _names(text: str) -> Iterator[nodes.Node]:
    """Each name that one text explains."""
    for number, name in enumerate(re.findall(_NAME, text)):
        if number:
            yield nodes.Text(", ")
        yield nodes.literal("", name)


def _paragraph(lines: Iterable[str], inline: Inline) -> nodes.paragraph:
    text = " ".join(" ".join(lines).split())
    return nodes.paragraph(text, "", *inline(text))


def _example(lines: Iterable[str]) -> nodes.literal_block:
    text = inspect.cleandoc("\n".join(["", *lines]))
    return nodes.literal_block(text, text, language="pycon", force=True)
