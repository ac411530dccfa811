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
from octavo.publish.slides.parts import Block, Boxed, Listing, Marked, Shown, Slide, Step

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
OWN = 1.45
"""How much more may be on a slide that its author made, before it goes on on another one."""
TOO_HIGH = 2.2
"""How many slides high a box is whose parts stand below each other instead."""
SIDES = {"narrow": 0.36, "big": 0.54, "fig": 0.44}
"""How much of the width a column takes that is called so; others share the rest."""
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
    own: bool = False
    """Whether the author made it: its heading is what it says, and not where it stands."""


def paged(slides: Sequence[Slide], more: str) -> Iterator[Room]:
    """Slides with as many more as it takes; ``more`` says how many lines are left out, with ``{number}``."""
    for slide in slides:
        blocks = list(_shortened(slide.blocks, more))
        pages = list(_pages(blocks, OWN if slide.own else 1)) or [[]]
        for number, page in enumerate(pages):
            yield Room(slide.heading, tuple(page), number > 0, slide.own)


def _pages(blocks: list[Block], enough: float) -> Iterator[list[Block]]:
    """Blocks in as many pages as it takes; on each may be ``enough`` of what has room in letters of full size."""
    page: list[Block] = []
    used = 0
    while blocks:
        block = blocks.pop(0)
        if isinstance(block, Step):
            page += [block] if page else []
            continue
        needed = height(block) + (BETWEEN if page else 0)
        room = ROOM * (enough if isinstance(block, Marked) or _is_drawn(block) else max(enough, ENOUGH))
        if used + needed <= room:
            page.append(block)
            used += needed
            continue
        if isinstance(block, Listing):
            # what introduces code stands above it; other code is not cut for what stands before it
            begun = all(isinstance(one, Marked | Step) for one in page)
            if begun or height(block) > ROOM * enough:
                head, rest = _cut(block, int(max(room - ROOM * (ENOUGH - 1), ROOM) - used - FRAME - BETWEEN) // CODE)
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
    for block in (part for one in blocks for part in _boxed(one, more)):
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


def _boxed(block: Block, more: str) -> Iterator[Block]:
    """A box with what is in it shortened; of one that is far too high, its parts."""
    if not isinstance(block, Boxed):
        yield block
        return
    inside = tuple(_shortened(block.blocks, more))
    box = Boxed(block.classes, inside)
    if height(box) > ROOM * TOO_HIGH:
        yield from (part for one in inside for part in (one.blocks if isinstance(one, Boxed) else (one,)))
    else:
        yield box


def printed(output: Output) -> str | None:
    """What an output says where it is shown as text; ``None`` for pictures and tables."""
    if output.kind == "error":
        return terminal.shown(f"{output.name}: {output.text}".strip(": ")).strip("\n")
    if output.kind == "stream":
        return terminal.shown(output.text).strip("\n")
    if any(kind in output.data for kind in (*PICTURES, "text/html")):
        return None
    return terminal.shown(output.data.get("text/plain") or output.data.get("text/markdown", "")).strip("\n")


def height(block: Block, wide: float = 1.0) -> int:
    """How high a block is, in pixels, where it has this part of the width."""
    if isinstance(block, Boxed):
        return _height_of_box(block, wide)
    if isinstance(block, Step):
        return 0
    if isinstance(block, Listing):
        return FRAME + CODE * sum(_rows(line, CODE_WIDE * wide) for line in block.code.split("\n"))
    if isinstance(block, Marked):
        return _height_of_words(block.markdown, wide)
    text = printed(block.output)
    if text is not None:
        return FRAME + PRINT * sum(_rows(line, PRINT_WIDE * wide) for line in text.split("\n"))
    if any(kind in block.output.data for kind in PICTURES):
        return PICTURE
    rows = block.output.data["text/html"].count("<tr")
    return FRAME + 34 * min(max(2, rows), FIRST + LAST + 1)


def _height_of_box(box: Boxed, wide: float) -> int:
    if "cols" not in box.classes:
        return FRAME + sum(height(block, wide) + BETWEEN for block in box.blocks)
    shares = [_share(block) for block in box.blocks]
    rest = max(0.2, (1 - sum(shares)) / (shares.count(0) or 1))
    return max(height(block, wide * (share or rest)) for block, share in zip(box.blocks, shares, strict=True))


def _share(block: Block) -> float:
    """How much of the width a column says that it takes; 0 where it does not say."""
    classes = block.classes if isinstance(block, Boxed) else ()
    return next((share for name, share in SIDES.items() if name in classes), 0.0)


def _height_of_words(markdown: str, wide: float) -> int:
    found = 0
    for index, part in enumerate(markdown.split("$$")):
        if index % 2:
            found += FORMULA + (FORMULA - 12) * (part.count("\\\\"))
        else:
            plain = re.sub(r"\]\([^)]*\)|<[^>]*>|[*_`\[\]]|\\[A-Za-z]+", "", part)
            lines = [line for line in re.split(r"\n\s*\n|\n(?=\s*(?:[-*+|]|\d+\.)\s)", plain) if line.strip()]
            found += sum(WORDS * _rows(" ".join(line.split()), WORDS_WIDE * wide) for line in lines)
            found += PICTURE * len(re.findall(r"!\[|<img\b", part))
    return max(found, WORDS)


def _rows(line: str, wide: float) -> int:
    """How many lines a line takes; letters of East Asia are twice as wide."""
    width = sum(2 if "\u2e80" <= letter <= "\uffef" else 1 for letter in line)
    return max(1, ceil(width / wide))
