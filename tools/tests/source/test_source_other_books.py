"""What public books of the format in other languages taught, as cases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fixture import Case, cases
from markdown_it.token import Token

from octavo.config import Settings
from octavo.model import Book
from octavo.source import dialect, links
from octavo.source.core import plain_text
from octavo.source.reader import read

ASPECTS = ("shown", "captions", "labels", "title", "messages")


def shown(text: str) -> Iterator[str]:
    """The words of each block, and each figure in brackets."""
    for token in dialect.parser().parse(text, {}):
        if token.type == "inline":
            yield plain_text(token.children or [])
        elif token.type == "figure":
            yield f"[{caption(token)} {token.meta['width']}]"


def caption(figure: Token) -> str:
    return plain_text(figure.children or [])


def captions(text: str) -> Iterator[str]:
    """The label and the caption of each table."""
    for token in dialect.parser().parse(text, {}):
        if token.type == "table_open":
            yield f"{token.meta.get('label')}: {plain_text(token.meta['caption'])}"


@pytest.mark.parametrize("case", cases("other_books"), ids=str)
def test_what_other_books_taught(case: Case, tmp_path: Path) -> None:
    settings = Settings(root=tmp_path, tabs=("mxnet", "pytorch"))
    texts = {"page.md": case["input"], "other.md": case.get("other")}
    pages = [read(path, text, settings) for path, text in texts.items() if text]
    book = Book(tuple(document for document, _ in pages))
    messages = [message for _, said in pages for message in said]
    messages += [message for message in links.check(book, settings) if message not in messages]
    found = {
        "shown": " | ".join(shown(case["input"])),
        "captions": "\n".join(captions(case["input"])) if "captions" in case.blocks else "",
        "labels": "\n".join(f"{label.kind} {label.name}" for page in book.pages for label in page.labels),
        "title": book.pages[0].title,
        "messages": "\n".join(
            f"{m.code.value} {m.span.path}:{m.span.line} {m.message}" for m in messages if m.span is not None
        ),
    }
    expected = {aspect: case[aspect] for aspect in ASPECTS if aspect in case.blocks}
    assert expected, "a case says what it expects"
    assert {aspect: found[aspect] for aspect in expected} == expected
