"""What stands in a manuscript for those who typeset it: which of the author's lines a line of LaTeX comes from.

A mark is a comment on a line of its own, ``%: chapter_x/page.md:36``, and holds for what follows it, line by line, until
the next one. Who writes manuscripts uses :func:`mark`.
"""

from __future__ import annotations


def mark(path: str, line: int) -> str:
    """The mark for what comes from this line of this file, with its line end."""
    return f"%: {path}:{line}\n"
