"""The odd corners of the dialect, one case each: what a page says, what a reader sees, what its author is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fixture import Case, cases
from markdown_it.token import Token

from octavo.config import Settings
from octavo.model import Document
from octavo.source import dialect
from octavo.source.reader import read

SETTINGS = Settings(root=Path("/book"), tabs=("pytorch", "mxnet", "jax"))
MARKS = ("em", "strong", "sup", "sub", "s")


def line(children: list[Token] | None) -> str:
    """What stands in a line."""
    parts: list[str] = []
    for child in children or ():
        name = child.type.removesuffix("_open").removesuffix("_close")
        if name in MARKS:
            parts.append(f"<{name}>" if child.nesting == 1 else f"</{name}>")
        elif child.type in ("softbreak", "hardbreak"):
            parts.append("⏎" if child.type == "hardbreak" else " ")
        elif child.type == "link_open":
            parts.append(f"<{child.attrGet('href')} ")
        elif child.type == "link_close":
            parts.append(">")
        elif child.type == "image":
            parts.append(f"!<{child.attrGet('src')} {line(child.children)}>")
        elif child.type == "role":
            parts.append(f"⟨{child.meta['name']} {child.content}⟩")
        elif child.type == "footnote_ref":
            parts.append(f"[{child.meta['label']}]")
        else:
            around = {"code_inline": "`", "math_inline": "$", "math_inline_double": "$$"}.get(child.type, "")
            parts.append(f"{around}{child.content}{around}")
    return "".join(parts).replace("\u00a0", "⍽")


def blocks(tokens: list[Token]) -> Iterator[str]:
    """A line for each block, indented by what it stands in; in brackets its label."""
    depth, heading = 0, ""
    for token in tokens:
        meta = token.meta or {}
        label = f" [{meta['label']}]" if meta.get("label") else ""
        if token.type.endswith("_close"):
            depth -= token.type in ("list_item_close", "blockquote_close", "tab_block_close", "table_close")
            continue
        indent, name = "  " * depth, token.type.removesuffix("_open")
        if name == "inline":
            yield f"{indent}{heading}{line(token.children)}"
            heading = ""
        elif name == "heading":
            heading = f"{'#' * int(token.tag[1])}{label} "
        elif name == "ordered_list":
            yield f"{indent}list {token.attrGet('style') or 'decimal'} from {token.attrGet('start') or 1}"
        elif name == "bullet_list":
            yield f"{indent}list"
        elif name == "tab_block":
            yield f"{indent}only {', '.join(meta['tabs'])}"
        elif name == "table":
            yield f"{indent}table{label} {line(meta.get('caption'))}".rstrip()
        elif name == "figure":
            sizes = "".join(f" {size}={meta[size]}" for size in ("width", "height") if meta[size])
            yield f"{indent}figure{label} {meta['src']}{sizes}: {line(token.children)}".rstrip(": ")
        elif name == "math_block":
            yield f"{indent}math{label} {token.content!r}"
        elif name in ("cell", "fence", "code_block", "raw_rst", "toc", "html_block", "front_matter"):
            yield f"{indent}{name} {token.content!r}"
        elif name in ("label", "misplaced", "bibliography", "hr", "blockquote"):
            yield f"{indent}{name}{label} {token.content}".rstrip()
        depth += name in ("list_item", "blockquote", "tab_block", "table")


def frameworks(document: Document) -> str:
    return "\n".join(f"{cell.span.line}: {', '.join(cell.tabs)}" for cell in document.cells)


@pytest.mark.parametrize("case", cases("source/corners"), ids=str)
def test_corners(case: Case) -> None:
    text = case["input"].replace("→", "\t").replace("⍽", "\u00a0")
    document, messages = read("page.md", text, SETTINGS)
    told = "\n".join(f"{m.severity.value} {m.code.value} {m.span.line}: {m.message}" for m in messages if m.span)
    assert "\n".join(blocks(dialect.parser().parse(text, {}))) == case["expected"]
    assert told == case.get("messages")
    if "frameworks" in case.blocks:
        assert frameworks(document) == case["frameworks"]
