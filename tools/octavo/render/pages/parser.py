"""Pages of the dialect → docutils, through MyST-Parser's renderer.

This is the only module that knows MyST-Parser's semi-internal classes; golden doctrees in the tests guard what it
relies on. One token stream is rendered for a whole page, so that every node carries the author's own line.
"""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import roles as rst_roles
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from myst_parser.config.main import MdParserConfig, TopmatterReadError, merge_file_level, read_topmatter
from myst_parser.mdit_to_docutils.sphinx_ import SphinxRenderer
from myst_parser.parsers.mdit import create_md_parser
from myst_parser.parsers.sphinx_ import MystParser
from sphinx import addnodes

from octavo.config import Settings, tab_title
from octavo.diagnostics import Code, Diagnostic, error, warning
from octavo.model import Book, Cell, CellKind, Document, Edition, Failure, Output, Run, Span
from octavo.render.facts import facts_of
from octavo.render.links.labels import api_reference, reference
from octavo.render.links.library import Libraries
from octavo.render.pages.nodes import SHARED, output_html, output_image, reader_note, tab_panel, tab_set
from octavo.render.pages.outputs import Pictures, failure_box, render
from octavo.render.words import Words, words
from octavo.source import dialect
from octavo.source.core import plain_text
from octavo.source.discussions import apart
from octavo.source.numbers import Numbers, shared_ends
from octavo.website import Offered

LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(px|em|rem|ex|pt|pc|cm|mm|in|%)?")
Tell = Callable[[Diagnostic], None]
"""Takes a message about the page that is read."""
CITATION_FORMS = {"cite": "p", "citep": "p", "citet": "t"}


@dataclass(frozen=True)
class Source:
    """What pages are rendered from; the same for all pages of a build."""

    book: Book
    settings: Settings
    editions: Mapping[tuple[str, str], Edition]
    """(page, framework) → its edition."""
    runs: Mapping[tuple[str, str], Run]
    """(page, framework) → its results; those that were not executed are missing."""
    pictures: Pictures
    note_missing: bool = True
    """Whether a cell that was not executed says so."""
    numbers: Numbers | None = None
    """The whole book's numbers, where the website has only some of its frameworks and would count otherwise."""
    libraries: Libraries = field(default_factory=Libraries)
    """What the book saves for its readers to use."""
    offered: Offered = field(default_factory=Offered)
    """What stands beside the pages for readers to take."""
    documents: Mapping[str, Document] = field(init=False)
    """The book's pages by name."""

    words: Words = field(init=False)
    """What octavo itself says on a page, in the book's language."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "documents", {document.page: document for document in self.book.pages})
        object.__setattr__(self, "words", words(self.settings.language))


@dataclass(frozen=True)
class Part:
    """One item of a tab set as one framework shows it: a cell with its outputs, or a prose block."""

    code: str
    """What a reader sees of a cell's code; empty when it is hidden, and for prose."""
    outputs: tuple[Output, ...] = ()
    failure: Failure | None = None
    missing: bool = False
    """A cell that was not executed."""
    line: int = 0
    """The author's line of the cell, or of the prose block."""
    prose: bool = False


class BookParser(MystParser):  # type: ignore[misc]
    """Parses a page of the book. :meth:`bound` gives the class that Sphinx is told of."""

    supported = ("octavo",)
    source: ClassVar[Source]
    tell: ClassVar[Tell]

    @classmethod
    def bound(cls, source: Source, tell: Tell) -> type[BookParser]:
        """The parser for one build; Sphinx makes the instances itself, so the book is an attribute of the class."""
        attributes = {"source": source, "tell": staticmethod(tell), "__module__": __name__}
        return type("BoundBookParser", (cls,), attributes)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Fill ``document`` with the nodes of the page."""
        env = document.settings.env
        config: MdParserConfig = env.myst_config
        try:
            top = read_topmatter(inputstring)
        except TopmatterReadError:
            top = None  # the reader of the book has reported it
        if top:
            config = merge_file_level(config, top, lambda kind, message: None)
        md = create_md_parser(config, BookRenderer)
        dialect.install(md)
        md.options["document"] = document
        md.options["octavo"] = self.source
        md.options["octavo_tell"] = self.tell
        md.render(inputstring)


class BookRenderer(SphinxRenderer):  # type: ignore[misc]
    """MyST's renderer with the dialect's tokens."""

    # -- set up

    def setup_render(self, options: dict[str, Any], env: Any) -> None:
        """Look up the page before its first token."""
        super().setup_render(options, env)
        self.source: Source = options["octavo"]
        self.tell: Tell = options["octavo_tell"]
        self.settings = self.source.settings
        self.page = self.sphinx_env.docname
        self.book_page = self.source.documents[self.page]
        self.cells = {cell.span.line: cell for cell in self.book_page.cells}
        self.positions: dict[str, dict[int, int]] = {}
        for tab in self.book_page.tabs:
            edition = self.source.editions.get((self.page, tab))
            self.positions[tab] = {
                part.cell.span.line: index for index, part in enumerate(edition.cells if edition else ())
            }
        self.sets = self.shared = 0

    def _render_finalise(self) -> None:
        self._add_page_notes()
        super()._render_finalise()
        self._keep_to_the_book()

    def _keep_to_the_book(self) -> None:
        """Take out links that would publish files that are none of the book's."""
        root = self.settings.root.resolve()
        for link in list(self.document.findall(addnodes.download_reference)):
            target = str(link.get("reftarget", ""))
            if "://" in target:
                continue
            _, path = self.sphinx_env.relfn2path(target, self.page)
            if not Path(path).resolve().is_relative_to(root):
                self._complain(Code.MISSING_FILE, f"{target} leads out of the book", link.line or 1)
                link.replace_self(link.children)

    def _render_tokens(self, tokens: list[Token]) -> None:
        """Give every inline token its own line (MyST gives it its paragraph's), then render the tree.

        What leads to where the page is talked about is set apart from its text.
        """
        tokens, discussions = apart(tokens)
        facts_of(self.sphinx_env).page(self.page).discussions += discussions
        for token in tokens:
            if token.map is None:
                continue
            caption = (token.meta or {}).get("caption")
            holders = [token]
            if caption:
                line = token.meta.get("caption_line", token.map[0])
                holders.append(Token("inline", "", 0, children=caption, map=[line, line + 1]))
            for holder in holders:
                for child, line in list(dialect.walk_inline(holder)):
                    child.map = [line + 1, line + 1]
            token.map = [token.map[0] + 1, token.map[1] + 1]
        self._render_siblings(SyntaxTreeNode(tokens).children)

    def render_children(self, token: SyntaxTreeNode) -> None:
        """Render the children, those that make a tab set together."""
        self._render_siblings(token.children or [])

    def _render_siblings(self, siblings: Sequence[SyntaxTreeNode]) -> None:
        run: list[SyntaxTreeNode] = []
        for token in siblings:
            if token.type in ("cell", "tab_block"):
                run.append(token)
                continue
            if run:
                self._render_run(run)
                run = []
            method = self.rules.get(f"render_{token.type}")
            if method is None:
                self._complain(Code.MARKUP, f"nothing renders {token.type!r} here", _line(token))
            else:
                method(token)
        if run:
            self._render_run(run)

    def _complain(self, code: Code, message: str, line: int, hint: str = "", *, fatal: bool = True) -> None:
        span = Span(self.book_page.path, line, line)
        self.tell((error if fatal else warning)(code, message, span, hint=hint))

    # -- tab sets

    def _render_run(self, run: Sequence[SyntaxTreeNode]) -> None:
        """Cells and prose blocks that follow one another: what all frameworks share plainly, the rest in panels."""
        named = {tab for token in run if token.type == "tab_block" for tab in token.meta["tabs"]}
        tabs = tuple(tab for tab in self.settings.tabs if tab in self.book_page.tabs or tab in named)
        blocks = {_line(token): token for token in run if token.type == "tab_block"}
        parts = {tab: [part for token in run if (part := self._part(token, tab)) is not None] for tab in tabs}
        for token in run:
            if token.type == "cell" and self._cell(token) is None:
                self._complain(
                    Code.MISPLACED_CELL,
                    "a cell inside of a fence of backticks is shown as text and never run",
                    _line(token),
                    hint="write the box with colons: :::{note} … :::",
                )
        head, tail = shared_ends(list(parts.values()))
        first = parts[tabs[0]] if tabs else []
        for part in first[:head]:
            self._render_part(part, tabs[0], blocks)
        panels = {tab: those[head : len(those) - tail] for tab, those in parts.items()}
        panels = {tab: those for tab, those in panels.items() if those}
        if panels:
            self._render_set(panels, blocks)
        for part in first[len(first) - tail :] if tail else ():
            self._render_part(part, tabs[0], blocks)

    def _part(self, token: SyntaxTreeNode, tab: str) -> Part | None:
        """How a framework shows a cell or prose block; ``None`` when it does not."""
        line = _line(token)
        if token.type == "tab_block":
            names = token.meta["tabs"]
            return Part("", line=line, prose=True) if "all" in names or tab in names else None
        cell = self._cell(token)
        if cell is None:  # the page's reader takes a fence around it as the fence of an example
            return Part(token.content.strip("\n"), line=line)
        position = self.positions.get(tab, {}).get(cell.span.line)
        if cell.kind is CellKind.HEADER or position is None:
            return None
        part = self._cell_part(cell, tab, position)
        return part if part.code or part.outputs or part.failure or part.missing else None

    def _cell(self, token: SyntaxTreeNode) -> Cell | None:
        """The cell that a token is. In boxes within boxes, MyST's lines are some off, so that its text has to agree."""
        line = _line(token)
        for near in sorted(range(line - 4, line + 5), key=lambda at: abs(at - line)):
            cell: Cell | None = self.cells.get(near)
            if cell is not None and cell.code.text.strip("\n") == token.content.strip("\n"):
                return cell
        return None

    def _cell_part(self, cell: Cell, tab: str, position: int) -> Part:
        edition = self.source.editions[self.page, tab]
        code = "" if cell.hide_code else edition.cells[position].code.text.strip("\n")
        run = self.source.runs.get((self.page, tab))
        failure = run.failure if run and run.failure and run.failure.cell == position else None
        outputs: tuple[Output, ...] = ()
        if run and position < len(run.cells):
            outputs = run.cells[position].outputs
        if failure is not None:
            # the box of the failure says it better, with the author's line
            outputs = tuple(output for output in outputs if output.kind != "error")
        if cell.hide_output:
            outputs = ()
        missing = bool(code) and failure is None and self.source.note_missing and self.settings.is_notebook(self.page)
        missing = missing and (run is None or position >= len(run.cells))
        return Part(code, outputs, failure, missing, cell.span.line)

    def _render_set(self, panels: Mapping[str, list[Part]], blocks: Mapping[int, SyntaxTreeNode]) -> None:
        self.sets += 1
        shown = next(iter(panels))
        missing = [
            (tab, self.source.words.part_lacks.format(missing=tab_title(tab), shown=tab_title(shown)))
            for tab in self.settings.tabs
            # a page that lacks the framework altogether says so once, at its top
            if tab not in panels and tab in self.book_page.tabs
        ]
        group = tab_set(
            uid=f"tabs-{self.sets}",
            tabs=[(tab, tab_title(tab)) for tab in panels],
            missing=missing,
            label=self.source.words.framework,
        )
        group.source, group.line = (
            self.document["source"],
            min(part.line for those in panels.values() for part in those),
        )
        rendered: dict[int, list[nodes.Node]] = {}
        for tab, those in panels.items():
            panel = tab_panel(tab=tab, title=tab_title(tab), first=tab == shown)
            panel.source, panel.line = self.document["source"], those[0].line
            with self.current_node_context(panel):
                for part in those:
                    if part.prose and part.line in rendered:
                        panel.extend(self._copies(rendered[part.line]))
                        continue
                    before = len(panel)
                    self._render_part(part, tab, blocks)
                    if part.prose:
                        rendered[part.line] = list(panel.children[before:])
            group += panel
        if any(_shows(panel) for panel in group.children):
            self.current_node.append(group)
        else:  # such as directives that only set something
            self.current_node.extend(node for panel in group.children for node in panel.children)

    def _render_part(self, part: Part, tab: str, blocks: Mapping[int, SyntaxTreeNode]) -> None:
        if part.prose:
            self._render_siblings(blocks[part.line].children or [])
            return
        box = nodes.container(is_div=True, classes=["ov-cell"])
        box.source, box.line = self.document["source"], part.line
        if part.code:
            block = nodes.literal_block(part.code, part.code, language="python", force=True)
            block.source, block.line = box.source, part.line
            box += nodes.container("", block, is_div=True, classes=["ov-code"])
        box += render(part.outputs, self.source.pictures, self.source.words)
        if part.failure is not None:
            box += failure_box(part.failure, tab_title(tab), self.source.words)
        elif part.missing:
            text = self.source.words.not_executed
            box += nodes.paragraph(text, text, classes=["ov-not-executed"])
        self.current_node.append(box)

    def _copies(self, originals: Iterable[nodes.Node]) -> list[nodes.Node]:
        """Copies for a further panel: without names, so that every label and every number stays in one place."""
        copies = []
        for original in originals:
            if isinstance(original, nodes.target):
                continue
            for node in original.findall(nodes.Element):
                if isinstance(node, nodes.figure | nodes.table) and not node.get(SHARED):
                    self.shared += 1
                    node[SHARED] = self.shared
            copy = original.deepcopy()
            for node in copy.findall(nodes.Element):
                if isinstance(node, nodes.math_block) and node.get("label"):
                    node["shown_label"] = node["label"]
                    node["label"] = node["number"] = None
                node["ids"], node["names"] = [], []
                if isinstance(node, nodes.footnote_reference):
                    if node.get("auto"):
                        self.document.note_autofootnote_ref(node)
                    self.document.note_footnote_ref(node)
            for target in list(copy.findall(nodes.target)):
                target.parent.remove(target)
            copies.append(copy)
        return copies

    def _add_page_notes(self) -> None:
        """At the top of a page: frameworks that it lacks, and why it has no results for one."""
        notes: list[nodes.Node] = []
        tabs = self.book_page.tabs
        if tabs and self.book_page.cells:
            for tab in self.settings.tabs:
                if tab not in tabs:
                    text = self.source.words.page_lacks.format(missing=tab_title(tab), shown=tab_title(tabs[0]))
                    notes.append(reader_note("", nodes.paragraph(text, text), tab=tab, always=False))
        for tab in tabs:
            run = self.source.runs.get((self.page, tab))
            if run is not None and run.failure is not None and run.failure.cell is None:
                notes.append(reader_note("", failure_box(run.failure, tab_title(tab)), tab=tab, always=True))
        if not tabs and self.book_page.cells:
            others = {tab: tab_title(tab) for cell in self.book_page.cells for tab in cell.tabs}
            text = self.source.words.page_only.format(shown=", ".join(others.values()))
            notes.append(nodes.paragraph(text, text, classes=["ov-not-executed"]))
        section = next(iter(self.document.findall(nodes.section)), None)
        if section is not None:
            section[1:1] = notes
        else:
            self.document[0:0] = notes

    # -- blocks

    def render_heading(self, token: SyntaxTreeNode) -> None:
        """A heading whose label is its first id, so that its address does not change with its words."""
        label = (token.meta or {}).get("label")
        if label:
            token.attrs["id"] = str(label)
        outer = max(self._level_to_section)
        depth = len(self._level_to_section) - 1
        super().render_heading(token)
        made = self.current_node[-1] if len(self.current_node) else None
        if isinstance(made, nodes.rubric):  # inside of a panel or a box, where docutils knows no sections
            made["heading-level"] = min(max(int(token.tag[1:]) - outer + depth, 2), 6)

    def render_label(self, token: SyntaxTreeNode) -> None:
        """A label that nothing carries (reported by the reader) still is a place that a link can lead to."""
        name = nodes.fully_normalize_name(str(token.meta["label"]))
        target = nodes.target(name, "", names=[name])
        self.add_line_and_source_path(target, token)
        self.document.note_explicit_target(target, self.current_node)
        self.current_node.append(target)

    def render_misplaced(self, token: SyntaxTreeNode) -> None:
        """A size that nothing carries: the reader has reported it."""

    def render_math_block(self, token: SyntaxTreeNode) -> None:
        """A displayed formula, numbered when it has a label."""
        label = (token.meta or {}).get("label")
        node = nodes.math_block(token.content, token.content, nowrap=False, number=None, label=label)
        self.add_line_and_source_path(node, token)
        if label:
            target = self.add_math_target(node)
            self.add_line_and_source_path(target, token)
            self.current_node.append(target)
        self.current_node.append(node)

    def render_figure(self, token: SyntaxTreeNode) -> None:
        """A picture with caption, size and label."""
        meta = token.meta
        figure = nodes.figure()
        self.add_line_and_source_path(figure, token)
        picture = self._picture(meta["src"], meta["alt"], _line(token))
        for size in ("width", "height"):
            value = str(meta[size] or "").strip()
            match = LENGTH.fullmatch(value)
            if match:
                picture[size] = f"{match[1]}{match[2] or 'px'}"
            elif value:
                self._complain(
                    Code.MARKUP, f"{value!r} is no {size}", _line(token), "such as 400px or 60%", fatal=False
                )
        self.add_line_and_source_path(picture, token)
        figure += picture if isinstance(picture, nodes.image) else nodes.paragraph("", "", picture)
        if token.children or meta["label"]:
            caption = nodes.caption()
            self.add_line_and_source_path(caption, token)
            with self.current_node_context(caption, append=False):
                self.render_children(token)
            figure += caption
        self._label(figure, meta["label"])
        self.current_node.append(figure)

    def render_link_unknown(self, token: SyntaxTreeNode) -> None:
        """A link that is no address of the web; of one to a name that no file can have only the words are left."""
        try:
            super().render_link_unknown(token)
        except (OSError, ValueError):
            path = self.md.normalizeLinkText(str(token.attrGet("href") or ""))
            self._complain(Code.UNKNOWN_REFERENCE, f"there is no page or file {path}", _line(token))
            self.render_children(token)

    def render_image(self, token: SyntaxTreeNode) -> None:
        """A picture in a line of text."""
        alt = plain_text((token.token.children if token.token else None) or [])
        picture = self._picture(str(token.attrGet("src") or ""), alt, _line(token))
        stand_in = next(iter(picture.findall(nodes.inline)), None)
        if stand_in is not None and token.children:  # no picture, so its words stand in, formulas and references too
            stand_in.clear()
            with self.current_node_context(stand_in):
                self.render_children(token)
        self.copy_attributes(token, picture, ("class", "id", "title", "align"))
        self.add_line_and_source_path(picture, token)
        self.current_node.append(picture)

    def _picture(self, address: str, alt: str, line: int) -> nodes.Element:
        """An image node; where there is no such file, or it is not the book's, a text in its place and a message."""
        path = self.md.normalizeLinkText(address)
        stand_in = nodes.inline(alt, alt or path, classes=["ov-missing-picture"])
        if re.match(r"data:image/(png|jpeg|gif|svg\+xml)[;,]", path):
            return nodes.image(uri=path, alt=alt)
        if re.match(r"[A-Za-z][\w+.-]*:|//", path):
            self._complain(
                Code.MISSING_FILE,
                "this picture is on another host, which readers' browsers would be sent to",
                line,
                "put the picture into the book",
                fatal=False,
            )
            if re.match(r"https?://", path):
                return nodes.reference("", "", stand_in, refuri=path)
            return stand_in
        root = self.settings.source.resolve()
        folder = root if path.startswith("/") else root / posixpath.dirname(self.page)
        try:
            file = (folder / path.lstrip("/")).resolve()
            is_there = file.is_file()
        except (OSError, ValueError):  # a name that no file can have
            self._complain(Code.MISSING_FILE, f"there is no picture {path}", line)
            return stand_in
        if not file.is_relative_to(root):
            self._complain(Code.MISSING_FILE, f"{path} leads out of the book", line)
            return stand_in
        if not is_there:
            self._complain(Code.MISSING_FILE, f"there is no picture {path}", line, _similar_file(file))
            # when the file comes, the page is read again
            self.sphinx_env.note_dependency(str(file))
            return stand_in
        return nodes.image(uri=f"/{file.relative_to(root).as_posix()}", alt=alt)

    def render_table(self, token: SyntaxTreeNode) -> None:
        """A table with its caption and label."""
        super().render_table(token)
        table = self.current_node[-1]
        meta = token.meta or {}
        caption = meta.get("caption")
        if caption or meta.get("label"):
            title = nodes.title()
            self.add_line_and_source_path(title, token)
            if "caption_line" in meta:
                title.line = meta["caption_line"] + 1
            with self.current_node_context(title):
                self._render_siblings(SyntaxTreeNode(list(caption or ())).children)
            table.insert(0, title)
        self._label(table, meta.get("label"))

    def _label(self, node: nodes.Element, label: object) -> None:
        if label:
            node["names"].append(nodes.fully_normalize_name(str(label)))
            self.document.note_explicit_target(node, node)

    def render_toc(self, token: SyntaxTreeNode) -> None:
        """A table of contents."""
        meta = token.meta
        folder = posixpath.dirname(self.page)
        entries = []
        for target, _ in meta["entries"]:
            page = posixpath.normpath(posixpath.join(folder, target.removesuffix(".md")))
            # pages that do not exist are the reader's to report
            if page in self.source.documents and page != self.page:
                entries.append((None, page))
        # below a numbered table everything has its number already
        inherited = any(entry.numbered and entry.page == self.page for d in self.source.book.pages for entry in d.toc)
        tree = addnodes.toctree(
            parent=self.page,
            entries=entries,
            includefiles=[page for _, page in entries],
            maxdepth=meta["maxdepth"] if meta["maxdepth"] is not None else -1,
            caption=meta.get("heading"),
            rawcaption=meta.get("heading", ""),
            glob=False,
            hidden=False,
            includehidden=False,
            numbered=999 if meta["numbered"] and not inherited else 0,
            titlesonly=True,
            rawentries=[],
        )
        self.add_line_and_source_path(tree, token)
        self.current_node.append(nodes.compound("", tree, classes=["toctree-wrapper"]))

    def render_raw_rst(self, token: SyntaxTreeNode) -> None:
        """Raw reStructuredText."""
        self.render_restructuredtext(token)

    def render_bibliography(self, token: SyntaxTreeNode) -> None:
        """The list of what the book cites from the file named, or from all."""
        name = posixpath.normpath(posixpath.join(posixpath.dirname(self.page), token.content))
        file = (self.settings.source / name).resolve()
        # a file that is not there, or no bibliography, is reported by the reader; a name with spaces would be two
        known = str(file) in self.sphinx_env.config.bibtex_bibfiles and not re.search(r"\s", name)
        self.current_node += self.run_directive("bibliography", f"/{name}" if known else "", "", _line(token))

    # -- inline

    def render_math_inline_double(self, token: SyntaxTreeNode) -> None:
        """``$$…$$`` within a paragraph: displayed, without a number."""
        node = nodes.math_block(token.content, token.content, nowrap=False, number=None, label=None)
        self.add_line_and_source_path(node, token)
        self.current_node.append(node)

    def _render_within(self, node: nodes.Element, token: SyntaxTreeNode) -> None:
        self.add_line_and_source_path(node, token)
        with self.current_node_context(node, append=True):
            self.render_children(token)

    def render_sup(self, token: SyntaxTreeNode) -> None:
        """``x^2^``."""
        self._render_within(nodes.superscript(), token)

    def render_sub(self, token: SyntaxTreeNode) -> None:
        """``H~2~O``."""
        self._render_within(nodes.subscript(), token)

    def render_s(self, token: SyntaxTreeNode) -> None:
        """``~~struck out~~``."""
        self._render_within(nodes.inline(classes=["ov-struck"]), token)

    def render_role(self, token: SyntaxTreeNode) -> None:
        """A role of the form ``:name:`text` ``."""
        name, text = token.meta["name"], token.content
        if name in dialect.CITATION_ROLES:
            self._render_citation(name, text, token)
        elif name in dialect.REFERENCE_ROLES:
            self._append(reference(name, text, self.page), token)
        elif name in dialect.API_ROLES:
            self._append(api_reference(name, text, self.page), token)
        else:
            # the reader has reported it; its words stay
            self._append(nodes.literal(text, text, classes=["ov-unknown-role"]), token)

    def _append(self, node: nodes.Element, token: SyntaxTreeNode) -> None:
        self.add_line_and_source_path(node, token)
        self.current_node.append(node)

    def _render_citation(self, name: str, text: str, token: SyntaxTreeNode) -> None:
        keys = ",".join(re.findall(r"[^{}\s,]+", text))  # sphinxcontrib-bibtex raises over other text
        if not keys:
            self._append(nodes.literal(text, text, classes=["ov-unknown-role"]), token)
            return
        form = f"cite:{CITATION_FORMS[name]}"
        assert token.token is not None
        cited = Token("myst_role", "", 0, content=keys, meta={"name": form}, map=token.map and list(token.map))
        before = len(self.current_node)
        super().render_myst_role(SyntaxTreeNode([cited]).children[0])
        for node in self.current_node.children[before:]:
            self.add_line_and_source_path(node, token)

    def render_myst_role(self, token: SyntaxTreeNode) -> None:
        """MyST's ``{name}`text` ``; the words of one that nobody defines stay visible."""
        name = token.meta["name"]
        role, _ = rst_roles.role(name, self.language_module_rst, _line(token), self.reporter)
        if role is None:
            self._complain(Code.UNKNOWN_ROLE, f"there is no role {{{name}}}", _line(token), "its text is shown")
            self._append(nodes.literal(token.content, token.content, classes=["ov-unknown-role"]), token)
            return
        super().render_myst_role(token)


def _line(token: SyntaxTreeNode) -> int:
    return token.map[0] if token.map else 1


def _shows(node: nodes.Node) -> bool:
    """Whether a reader sees anything of a node."""
    return any(
        True for _ in node.findall(lambda n: isinstance(n, nodes.Text | nodes.image | output_image | output_html))
    )


def _similar_file(file: Path) -> str:
    """A hint that names a file of nearly that name beside the missing one."""
    try:
        names = sorted(path.name for path in file.parent.iterdir())
    except OSError:
        return f"there is no folder {file.parent.name} either"
    close = difflib.get_close_matches(file.name, names, n=1)
    return f"did you mean {close[0]}?" if close else ""
