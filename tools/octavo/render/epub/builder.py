"""One framework's book as EPUB: Sphinx's HTML writer for what pages say, and nothing of a website around them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any, ClassVar, cast
from urllib.parse import unquote

from docutils import nodes
from docutils.utils import get_source_line
from sphinx import addnodes
from sphinx.builders.html import StandaloneHTMLBuilder

from octavo.diagnostics import Code, error
from octavo.render.application import MANY, BookApplication
from octavo.render.epub import book, xhtml
from octavo.render.epub.package import document
from octavo.render.epub.pictures import Picture, picture
from octavo.render.frame import front, navigation
from octavo.render.pages.formulas import BadMathError, mathml, without_annotation
from octavo.render.pages.nodes import output_html, reader_note, tab_panel, tab_set
from octavo.render.pages.outputs import clean_html

_PAIRED = re.compile(
    r"<(/?)(abbr|b|code|em|i|kbd|mark|q|s|samp|small|span|strong|sub|sup|u|var)\b[^<>]*>", re.IGNORECASE
)
"""A tag within running text, which authors write on both sides of their words."""
_BREAK = re.compile(r"<br\b[^<>]*>", re.IGNORECASE)
"""A tag within running text that stands alone."""
_FRAME = re.compile(
    r"<(iframe|embed)\b[^<>]*?\ssrc\s*=\s*[\"']?(https?://[^\s\"'<>]+)[^<>]*>(?:.*?</\1\s*>)?",
    re.IGNORECASE | re.DOTALL,
)
"""Another site within the page, such as a film: a book asks no other host for anything, so it leads there."""
LONG = 400
"""How long own HTML on the front page is at least if it stands for a design."""


class EpubBuilder(StandaloneHTMLBuilder):
    """Writes the EPUB of one framework's book."""

    name = "octavo-epub"
    out_suffix = link_suffix = ".xhtml"
    copysource = search = download_support = add_permalinks = html_scaled_image_link = False
    supported_remote_images = allow_sharp_as_current_path = False
    embedded = True
    supported_image_types: ClassVar[list[str]] = ["image/svg+xml", "image/png", "image/jpeg", "image/gif"]

    def init(self) -> None:
        """Begin without pictures."""
        super().init()
        self.pictures: dict[str, Picture | None] = {}
        """Each picture of the book → what the EPUB holds of it; ``None`` for those that nobody can read."""

    @property
    def application(self) -> BookApplication:
        """Sphinx with the book in it."""
        return cast(BookApplication, self._app)

    def get_outdated_docs(self) -> Iterator[str]:
        """All pages: a book is written as a whole."""
        yield from self.env.found_docs

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        """The file of a page, under a name that every archive can hold."""
        return book.file_of(docname)

    def get_output_path(self, page_name: str, /) -> Path:
        """Where the file of a page is kept until all are there."""
        return Path(self.outdir, book.file_of(page_name))

    # -- pages

    def prepare_writing(self, docnames: Set[str]) -> None:
        """Get ready what pages share, and the tree of the contents."""
        super().prepare_writing(docnames)
        self.tree = navigation.entries(self.application.source.book, lambda page: ("", self.title_of(page)))
        self.held = {self.application.source.settings.index, *(entry.page for entry in navigation.walk(self.tree))}
        """The pages of the book; those that are for other frameworks only are left out."""
        self.files = {book.file_of(page) for page in self.held}

    def write_documents(self, docnames: Set[str]) -> None:
        """Write pages, in several processes if there are many."""
        self.parallel_ok = self.parallel_ok and len(docnames) >= MANY
        super().write_documents(docnames)

    def write_doc_serialized(self, docname: str, doctree: nodes.document) -> None:
        """What has to happen in this process before a page is written, perhaps in another."""
        self.post_process_images(doctree)

    def post_process_images(self, doctree: nodes.Node) -> None:
        """Make each picture fit; words stand for one that nobody can read."""
        super().post_process_images(doctree)
        for node in list(doctree.findall(nodes.image)):
            uri = node["uri"]
            if uri.startswith("data:"):
                continue
            found = self._picture(uri)
            if found is None:
                self._tell_of_lost(node)
                words = node.get("alt") or posixpath.basename(uri)
                node.replace_self(nodes.inline(words, words, classes=["ov-missing-picture"]))
            else:
                self.images[uri] = found.name

    def _picture(self, uri: str) -> Picture | None:
        if uri not in self.images:
            return None
        if uri not in self.pictures:
            self.pictures[uri] = picture(Path(self.srcdir, uri), self.images[uri])
        return self.pictures[uri]

    def _tell_of_lost(self, node: nodes.image) -> None:
        path, line = get_source_line(node)
        span = self.application.span(path or "", line)
        self.application.tell(
            error(
                Code.MISSING_FILE,
                f"the picture {posixpath.basename(node['uri'])} cannot be read",
                span,
                hint="the book comes out without it",
            )
        )

    def write_doc(self, docname: str, doctree: nodes.document) -> None:
        """Write a page, unless it is one of those that say nothing here."""
        index = docname == self.application.source.settings.index
        _prepare(doctree, index=index)
        if index:  # the book's title stands on a page of its own
            for title in list(doctree.findall(nodes.title))[:1]:
                title[:] = [nodes.Text(self.title_of(docname))]
        path = self.get_output_path(docname)
        if docname not in self.held or (index and not _says_anything(doctree)):
            path.unlink(missing_ok=True)
            return
        super().write_doc(docname, doctree)

    def get_doc_context(self, docname: str, body: str, metatags: str) -> dict[str, Any]:
        """What a page needs: no neighbours, no sidebar."""
        return {"body": body}

    def handle_page(
        self, pagename: str, addctx: dict[str, Any], templatename: str = "", *more: Any, **options: Any
    ) -> None:
        """Write a page down."""
        path, name = self.get_output_path(pagename), book.file_of(pagename)
        path.parent.mkdir(parents=True, exist_ok=True)

        def address(found: str) -> str | None:
            target, mark, anchor = found.partition("#")
            target = unquote(target)
            inside = posixpath.normpath(posixpath.join(posixpath.dirname(name), target)) if target else name
            if inside not in self.files:
                return None
            return book.relative(inside, name) + mark + anchor if inside != name else f"#{anchor}" if anchor else None

        body = xhtml.fitted(addctx["body"], address)
        kind = book.kind_of(self, pagename)
        if kind.endswith("chapter"):
            body = body.replace("<section ", '<section epub:type="chapter" role="doc-chapter" ', 1)
        sheet = book.relative(book.STYLE, name)
        language = book.language_tag(self.config.language)
        path.write_text(
            document(self.title_of(pagename), body, language, sheet, kind.partition(" ")[0]), encoding="utf-8"
        )

    def title_of(self, page: str) -> str:
        """The title of a page in words, with its number."""
        source = self.application.source
        if page == source.settings.index:
            return source.words.about_book
        title = self.env.titles.get(page)
        words = self.words_of(title) if title is not None else page
        return self.numbered(self.env.toc_secnumbers.get(page, {}).get(""), words)

    def numbered(self, number: tuple[int, ...] | None, words: str) -> str:
        """A title with its number, if it has one."""
        return f"{'.'.join(map(str, number))}{self.config.html_secnumber_suffix}{words}" if number else words

    def words_of(self, node: nodes.Element) -> str:
        """What a title says, in words; a formula is the signs that it draws."""
        return " ".join("".join(self._words(node)).split())

    def _words(self, node: nodes.Node) -> Iterator[str]:
        if isinstance(node, nodes.math):
            try:
                macros = self.application.source.settings.macros
                yield xhtml.plain(without_annotation(mathml(node.astext(), display=False, macros=macros)))
            except BadMathError:
                yield node.astext()
        elif isinstance(node, nodes.Text):
            yield node.astext()
        else:
            for child in node.children:
                yield from self._words(child)

    # -- the book

    def sections_of(self, page: str) -> Iterator[tuple[str, str]]:
        """Anchor and title of each section of a page, but not of those inside of them."""
        listed = self.env.tocs.get(page)
        top = next((node for node in listed.children if isinstance(node, nodes.list_item)), None) if listed else None
        for inner in top.children if top is not None else ():
            for item in inner.children if isinstance(inner, nodes.bullet_list) else ():
                link = next(iter(item.findall(nodes.reference)), None)
                if link is not None and link.get("anchorname"):
                    yield link["anchorname"].removeprefix("#"), self.words_of(link)

    def bibliographies(self) -> set[str]:
        """The pages that list what the book cites."""
        citations: Any = self.env.get_domain("cite")
        return {key.docname for key in citations.bibliographies}

    def finish(self) -> None:
        """Put the pages together."""
        book.bind(self)


def _prepare(doctree: nodes.document, *, index: bool) -> None:
    """Take away what only a website has, and let own HTML be such as a book can hold."""
    for wrapper in list(doctree.findall(lambda node: isinstance(node, tab_set | tab_panel))):
        wrapper.replace_self(wrapper.children)  # type: ignore[attr-defined]
    for note in list(doctree.findall(reader_note)):
        note.replace_self(note.children if note["always"] else [])
    for own in list(doctree.findall(nodes.raw)):
        _fit_raw(own, index=index)
    for output in doctree.findall(output_html):
        output["html"] = xhtml.balanced(output["html"])
    for download in list(doctree.findall(addnodes.download_reference)):
        download.replace_self(download.children)
    if index:
        for wrapper in list(doctree.findall(nodes.compound)):
            if "toctree-wrapper" in wrapper["classes"]:
                wrapper.parent.remove(wrapper)


def _fit_raw(own: nodes.raw, *, index: bool) -> None:
    """Own HTML: a front page made for a website is none for a book; of other HTML, what shows something stays."""
    text = own.astext()
    if front.FILES in own or "html" not in own.get("format", "").split() or (index and len(text) > LONG):
        own.parent.remove(own)
        return
    tag = _PAIRED.fullmatch(text.strip())
    if tag:
        if not _has_partner(own, tag):
            own.parent.remove(own)
        else:
            _say(own, f"<{tag[1]}{tag[2].lower()}>")
        return
    if _BREAK.fullmatch(text.strip()):
        _say(own, "<br/>")
        return
    html = xhtml.balanced(clean_html(_FRAME.sub(r'<p><a href="\2">\2</a></p>', text)))
    if not xhtml.plain(html):
        own.parent.remove(own)
        return
    _say(own, html)


def _say(own: nodes.raw, html: str) -> None:
    own[:] = [nodes.Text(html)]
    own.rawsource = html


def _has_partner(own: nodes.raw, tag: re.Match[str]) -> bool:
    """Whether the tag opens what one of the same name closes in the same line, or the reverse."""
    depth: list[nodes.raw] = []
    for sibling in own.parent.children:
        found = _PAIRED.fullmatch(sibling.astext().strip()) if isinstance(sibling, nodes.raw) else None
        if found is None or found[2].lower() != tag[2].lower():
            continue
        if not found[1]:
            depth.append(cast(nodes.raw, sibling))
        elif depth:
            opening = depth.pop()
            if own is sibling or own is opening:
                return True
    return False


def _says_anything(doctree: nodes.document) -> bool:
    """Whether a front page says more than the title and the contents, which the book has elsewhere."""

    def speaks(node: nodes.Node) -> bool:
        if isinstance(node, nodes.title | nodes.comment | nodes.target | nodes.Invisible):
            return False
        if isinstance(node, nodes.Text | nodes.image | output_html):
            return bool(node.astext().strip()) or not isinstance(node, nodes.Text)
        return any(speaks(child) for child in node.children)

    return speaks(doctree)


def setup(app: Any) -> None:
    """Register the builder."""
    app.add_builder(EpubBuilder)
