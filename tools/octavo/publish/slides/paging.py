"""What a slide is to hold → slides that have room for it.

The room is counted in pixels of a slide of 1280 × 720, with letters as wide and lines as high as ``slides.css`` makes
them. What is left of inexactness a script evens out in the browser, which makes a slide's letters a little smaller.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from octavo import terminal
from octavo.model import Output
from octavo.publish.slides.deck import Block, Listing, Marked, Shown, Slide

ROOM = 570
"""Height of what a slide holds below its heading."""
WORDS, CODE, PRINT, FORMULA = 42, 26, 23, 64
"""Height of a line of text, of code, of what was printed, and of a formula."""
WORDS_WIDE, CODE_WIDE, PRINT_WIDE = 76, 94, 106
"""Characters in a line of each."""
BETWEEN, FRAME = 16, 24
"""Height between two blocks, and what the frame of code adds."""
PICTURE = 250
"""The least height for a picture; it takes more where there is more."""
FIRST, LAST = 10, 4
"""How many lines of a long print stay at its beginning and its end."""
ENOUGH = 1.08
"""How much more code and print may be on a slide, in smaller letters."""
FEWEST = 4
"""Fewer lines of code do not stand alone at the end or at the beginning of a slide."""
PICTURES = ("image/svg+xml", "image/png", "image/gif", "image/jpeg")


@dataclass(frozen=True, slots=True)
class Room:
    """One slide as it is shown."""

    heading: str
    blocks: tuple[Block, ...]
    continued: bool = False
    """Whether it goes on with what the slide before began."""


def paged(slides: Sequence[Slide], more: str) -> Iterator[Room]:
    """Slides with as many more as it takes; ``more`` says how many lines are left out, with ``{number}``."""
    for slide in slides:
        for number, blocks in enumerate(_pages(list(_shortened(slide.blocks, more)))):
            yield Room(slide.heading, tuple(blocks), continued=number > 0)


def _pages(blocks: list[Block]) -> Iterator[list[Block]]:
    page: list[Block] = []
    used = 0
    while blocks:
        block = blocks.pop(0)
        needed = height(block) + (BETWEEN if page else 0)
        room = ROOM if isinstance(block, Marked) or _is_drawn(block) else ROOM * ENOUGH
        if used + needed <= room:
            page.append(block)
            used += needed
            continue
        if isinstance(block, Listing):
            # what introduces code stands above it; other code is not cut for what stands before it
            begun = all(isinstance(one, Marked) for one in page)
            if begun or height(block) > ROOM:
                head, rest = _cut(block, (ROOM - used - FRAME - BETWEEN) // CODE)
                if head is not None:
                    page.append(head)
                    block = rest
        if page:
            blocks.insert(0, block)
            if isinstance(block, Shown) and _can_follow(page, block):
                blocks.insert(0, page.pop())
            yield page
            page, used = [], 0
        else:  # something that no slide has room for: the script makes it smaller
            page.append(block)
            used = ROOM
    if page:
        yield page


def _can_follow(page: Sequence[Block], shown: Shown) -> bool:
    """Whether the code at the end of a slide can go to the next one with what it printed."""
    if len(page) < 2 or not isinstance(page[-1], Listing) or isinstance(page[-2], Marked):
        return False
    return height(page[-1]) + BETWEEN + height(shown) <= ROOM


def _is_drawn(block: Block) -> bool:
    return isinstance(block, Shown) and printed(block.output) is None


def _cut(listing: Listing, room: int) -> tuple[Listing | None, Listing]:
    """Code with as many lines as there is room for, and the rest; cut where a reader would."""
    lines = listing.code.split("\n")
    fit = used = 0
    while fit < len(lines) and used + _rows(lines[fit], CODE_WIDE) <= room:
        used += _rows(lines[fit], CODE_WIDE)
        fit += 1
    fit = min(fit, len(lines) - FEWEST)
    if fit < FEWEST:
        return None, listing
    at = max(range(max(FEWEST, fit // 2), fit + 1), key=lambda index: (_worth(lines, index), index))
    behind = at
    while not lines[behind].strip():
        behind += 1
    above = [listing.above] if listing.above else []
    rest = Listing("\n".join(lines[behind:]), "\n".join([*above, *lines[:behind]]))
    return Listing("\n".join(lines[:at]).rstrip("\n"), listing.above), rest


def _worth(lines: Sequence[str], index: int) -> int:
    """How good it is to cut before a line: best between definitions, then where paragraphs of code end."""
    line, before = lines[index], lines[index - 1]
    if before.lstrip().startswith("@"):
        return -1  # a decorator belongs to what follows
    if not before.strip() or not line.strip():
        return 3
    indent = len(line) - len(line.lstrip())
    if re.match(r"\s*(?:async\s+def|def|class|@)\b|\s*@", line):
        return 3 if not indent else 2
    return 1 if not indent and line[:1] not in ")]}" else 0


def _shortened(blocks: Sequence[Block], more: str) -> Iterator[Block]:
    """Blocks with long prints cut in their middle, and pieces of one stream put together."""
    joined: list[Block] = []
    for block in blocks:
        last = joined[-1] if joined else None
        if isinstance(block, Shown) and isinstance(last, Shown) and block.output.kind == "stream" == last.output.kind:
            joined[-1] = Shown(replace(last.output, text=last.output.text + block.output.text))
        else:
            joined.append(block)
    for block in joined:
        if isinstance(block, Shown):
            text = printed(block.output)
            if text is not None:
                lines = text.split("\n")
                if len(lines) > FIRST + LAST + 1:
                    left_out = more.format(number=len(lines) - FIRST - LAST)
                    lines = [*lines[:FIRST], f"… {left_out} …", *lines[-LAST:]]
                if any(line.strip() for line in lines):
                    yield Shown(Output("stream", "stdout", "\n".join(line[:1000] for line in lines)))
                continue
        yield block


def printed(output: Output) -> str | None:
    """What an output says where it is shown as text; ``None`` for pictures and tables."""
    if output.kind == "error":
        return terminal.shown(f"{output.name}: {output.text}".strip(": ")).strip("\n")
    if output.kind == "stream":
        return terminal.shown(output.text).strip("\n")
    if any(kind in output.data for kind in (*PICTURES, "text/html")):
        return None
    return terminal.shown(output.data.get("text/plain") or output.data.get("text/markdown", "")).strip("\n")


def height(block: Block) -> int:
    """How high a block is, in pixels."""
    if isinstance(block, Listing):
        return FRAME + CODE * sum(_rows(line, CODE_WIDE) for line in block.code.split("\n"))
    if isinstance(block, Marked):
        return _height_of_words(block.markdown)
    text = printed(block.output)
    if text is not None:
        return FRAME + PRINT * sum(_rows(line, PRINT_WIDE) for line in text.split("\n"))
    if any(kind in block.output.data for kind in PICTURES):
        return PICTURE
    rows = block.output.data["text/html"].count("<tr")
    return FRAME + 34 * min(max(2, rows), FIRST + LAST + 1)


def _height_of_words(markdown: str) -> int:
    found = 0
    for index, part in enumerate(markdown.split("$$")):
        if index % 2:
            found += FORMULA + (FORMULA - 12) * (part.count("\\\\"))
        else:
            plain = re.sub(r"\]\([^)]*\)|[*_`\[\]]|\\[A-Za-z]+", "", part)
            lines = [line for line in re.split(r"\n\s*\n|\n(?=\s*(?:[-*+|]|\d+\.)\s)", plain) if line.strip()]
            found += sum(WORDS * _rows(" ".join(line.split()), WORDS_WIDE) for line in lines)
            found += PICTURE * len(re.findall(r"!\[|<img\b", part))
    return max(found, WORDS)


def _rows(line: str, wide: int) -> int:
    """How many lines a line takes; letters of East Asia are twice as wide."""
    width = sum(2 if "\u2e80" <= letter <= "\uffef" else 1 for letter in line)
    return max(1, ceil(width / wide))
