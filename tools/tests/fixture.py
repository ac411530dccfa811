"""Cases as readable Markdown: a heading, then fenced blocks.

    # A title that says what the case shows

    Any prose is for the reader.

    ```python input
    …
    ```

    ```python expected
    …
    ```

The word after the language names a block. A fence may be longer than three backticks, so that it can hold shorter ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "fixtures"


@dataclass
class Case:
    """One case of a file."""

    title: str
    line: int
    blocks: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """The text of a block, without a final newline; fails with the case's title when there is none."""
        try:
            return self.blocks[name]
        except KeyError:
            raise KeyError(f"{self.title!r} has no block {name!r}") from None

    def get(self, name: str, default: str = "") -> str:
        """The text of a block that not every case has."""
        return self.blocks.get(name, default)

    def __str__(self) -> str:
        return re.sub(r"\W+", "-", self.title).strip("-")


def cases(name: str) -> list[Case]:
    """The cases of ``fixtures/NAME.md``."""
    found = list(_read((FOLDER / f"{name}.md").read_text(encoding="utf-8").split("\n")))
    assert found, f"fixtures/{name}.md holds no case"
    return found


def _read(lines: list[str]) -> Iterator[Case]:
    case: Case | None = None
    at = 0
    while at < len(lines):
        if lines[at].startswith("# "):
            if case is not None:
                yield case
            case = Case(lines[at][2:].strip(), at + 1)
        elif case is not None and (fence := re.match(r"(`{3,})(.*)", lines[at])):
            start = at + 1
            at = lines.index(fence[1], start)
            name = fence[2].split()[-1] if fence[2].split() else "input"
            assert name not in case.blocks, f"{case.title!r} has two blocks {name!r}"
            case.blocks[name] = "\n".join(lines[start:at])
        at += 1
    if case is not None:
        yield case
