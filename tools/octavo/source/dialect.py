"""The source dialect as a markdown-it plugin.

:func:`install` adds it to any markdown-it parser, such as the one that MyST-Parser makes, so that MyST's directives,
roles and front matter work on the same page; :func:`parser` is such a parser for stages that need no Sphinx. The tokens
that it adds to markdown-it's are:

==============================  =======================================================================================
token                           meaning and ``meta``
==============================  =======================================================================================
``cell``                        an executable fence: ``id``, ``attributes``
``tab_block_open`` … ``close``  ``:begin_tab:`` … ``:end_tab:``: ``tabs``, ``closed``
``toc``                         a table of contents: ``maxdepth``, ``numbered``, ``entries`` as (target, line from 0),
                                and perhaps ``heading``
``raw_rst``                     an ``eval_rst`` fence
``bibliography``                the list of references; ``content`` is the file named
``figure``                      a numbered picture: ``src``, ``title``, ``alt``, ``width``, ``height``, ``label``;
                                ``children`` is the caption
``math_block``                  a displayed formula: ``label``
``math_inline``                 a formula in a line; ``math_inline_double`` for ``$$…$$`` inside a paragraph
``role``                        ``:name:`text` ``: ``name``, ``target``, ``source`` as written, ``newlines`` in it
``label``                       a label that nothing carries: ``label``
``misplaced``                   another mark that nothing carries: ``name``, ``value``
==============================  =======================================================================================

In its ``meta``, ``heading_open`` may have ``label``, and ``table_open`` ``label`` and ``caption`` (inline
tokens) with ``caption_line`` (from 0). Inline tokens of markdown-it's own note in ``newlines`` how many line ends they
hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.myst_blocks import myst_block_plugin
from mdit_py_plugins.myst_role import myst_role_plugin

from octavo.source import blocks, core, inlines, lists, pandoc_blocks, tables

REFERENCE_ROLES = frozenset({"numref", "ref", "eqref"})
CITATION_ROLES = frozenset({"cite", "citet", "citep"})
API_ROLES = frozenset({"class", "func", "mod", "meth", "attr", "data"})
MARK_ROLES = frozenset({"label", "eqlabel", "width", "height", "bibliography", "begin_tab", "end_tab"})
ROLES = REFERENCE_ROLES | CITATION_ROLES | API_ROLES
"""Roles that a page may use in the form ``:name:`text` ``."""


TITLED = re.compile(r"(?P<title>.+?)\s*<(?P<target>[^<>]+)>", re.DOTALL)


def install(md: MarkdownIt) -> None:
    """Add the dialect's rules to a markdown-it parser."""
    tables.install(md)
    lists.install(md)  # before a rule that holds lists back below a paragraph
    blocks.install(md)
    inlines.install(md)
    core.install(md)
    pandoc_blocks.install(md)
    md.enable("smartquotes")


def parser() -> MarkdownIt:
    """A parser of the dialect with the parts of MyST that change where blocks begin and end."""
    md = MarkdownIt("commonmark").enable("table")
    md.use(front_matter_plugin).use(myst_block_plugin).use(myst_role_plugin)
    md.use(footnote_plugin, inline=False, move_to_end=False, always_match_refs=True)
    install(md)
    return md


def titled(text: str) -> tuple[str | None, str]:
    """The own words and the target of a reference's text: ``words <label>`` or ``label`` alone."""
    match = TITLED.fullmatch(text)
    return (match["title"], match["target"].strip()) if match else (None, text)


def walk_inline(token: Token) -> Iterator[tuple[Token, int]]:
    """Every inline token below a block token, a table's caption included, with the line (from 0) that it begins on."""
    line = (token.map or [0, 0])[0]

    def visit(children: list[Token] | None) -> Iterator[tuple[Token, int]]:
        nonlocal line
        for child in children or ():
            yield child, line
            if child.type in ("softbreak", "hardbreak"):
                line += 1
            else:
                yield from visit(child.children)
                line += int((child.meta or {}).get("newlines", 0))

    yield from visit(token.children)
    meta = token.meta or {}
    if "caption" in meta:
        line = meta["caption_line"]
        yield from visit(meta["caption"])
