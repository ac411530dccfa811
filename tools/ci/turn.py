"""Which page is executed for a commit: turn.py BOOK COMMIT. Imports nothing of octavo."""

import sys
from pathlib import Path

book, commit = Path(sys.argv[1]), sys.argv[2]
pages = sorted(
    path.relative_to(book).with_suffix("").as_posix()
    for path in book.glob("chapter_*/*.md")
    if "```{.python .input" in path.read_text(encoding="utf-8")
)
print(pages[int(commit, 16) % len(pages)])
