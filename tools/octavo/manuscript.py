"""What stands in a manuscript for those who typeset it: which of the author's lines a line of LaTeX comes from.

A mark is a comment on a line of its own, ``%: chapter_x/page.md:36``. It says where the author began what follows it,
and holds until the next one. Who writes manuscripts uses :func:`mark`.
"""

from __future__ import annotations

import re


def mark(path: str, line: int) -> str:
    """The mark for what comes from this line of this file, with its line end."""
    return f"%: {path}:{line}\n"


def marked(line: str) -> tuple[str, int] | None:
    """Path and line that a mark names; ``None`` for a line of LaTeX that is none."""
    found = _MARK.fullmatch(line)
    return (found[1], int(found[2])) if found else None


_MARK = re.compile(r"%: (\S.*):(\d{1,9})")
