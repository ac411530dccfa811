"""The Sphinx extension of a book: puts the parts of this stage together. It works in :class:`BookApplication` only."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
from pathlib import Path
from typing import Any, cast

from docutils import nodes
from docutils.utils import get_source_line
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util._files import FilenameUniqDict

from octavo.diagnostics import Code, error
from octavo.digests import file_digests
from octavo.model import Span
from octavo.render import builder
from octavo.render.application import BookApplication
from octavo.render.beside import machines, mathfont
from octavo.render.epub import builder as epub
from octavo.render.facts import facts_of
from octavo.render.frame import actions, assets, front, on_page, surroundings, theme
from octavo.render.frame import page as frame
from octavo.render.links import citations, library, numbering
from octavo.render.links.references import References, warn_missing_reference
from octavo.render.messages import DiagnosticHandler
from octavo.render.pages import api_pages, autodoc, formulas
from octavo.render.pages import nodes as octavo_nodes
from octavo.render.pages.nodes import output_image
from octavo.render.pages.parser import BookParser
from octavo.render.paper import builder as paper


class WrappersWithoutIds(SphinxPostTransform):
    """Furo copies the ids of a table or formula to the box that it puts around it; an id may stand on one element."""

    formats = ("html",)
    default_priority = 501  # just after Furo's

    def run(self, **kwargs: Any) -> None:
        """Leave the ids to what is inside."""
        for box in self.document.findall(nodes.container):
            if {"table-wrapper", "math-wrapper"} & set(box["classes"]):
                box["ids"] = []


# -- pictures


class OutputPictures(SphinxPostTransform):
    """Hands the files of outputs to the builder, which copies those that it can show."""

    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        """Replace our nodes by docutils images whose files :func:`note_pictures` has noted."""
        for node in list(self.document.findall(output_image)):
            files: dict[str, str] = node["files"]
            image = nodes.image(alt=node["alt"], classes=node["classes"], candidates=dict(files))
            image["uri"] = next(iter(files.values()))
            node.replace_self(image)


class PictureNames(FilenameUniqDict):
    """The site's names of pictures, made of the whole path, so that they do not depend on what was read before."""

    def add_file(self, docname: str, newfile: str | os.PathLike[str]) -> str:
        """The name of a picture that a page shows; one that a cell drew is named by its content already."""
        file = str(newfile)
        if file not in self:
            name = Path(file).name if Path(file).is_absolute() else Path(file).as_posix().replace("/", "-")
            if name in self._existing:  # img-a/b.svg beside img/a-b.svg
                name = f"{hashlib.sha256(file.encode()).hexdigest()[:8]}-{name}"
            self[file] = (set(), name)
            self._existing.add(name)
        self[file][0].add(docname)
        return self[file][1]


def name_pictures(app: Sphinx) -> None:
    """Let :class:`PictureNames` do it."""
    if not isinstance(app.env.images, PictureNames):
        app.env.images = PictureNames()


def note_pictures(app: Sphinx, document: nodes.document) -> None:
    """Remember which pictures of outputs a page shows, from build to build."""
    for node in document.findall(output_image):
        for path in node["files"].values():
            app.env.images.add_file(app.env.current_document.docname, path)


def pictures_of(env: BuildEnvironment) -> dict[str, str]:
    """Every picture of the book → its name in the site."""
    return {path: name for path, (pages, name) in env.images.items() if pages}


# -- events


def outdated(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Pages whose text, editions, results or files differ from the last complete build.

    Sphinx goes by the times of files, and reads a page again that was only touched; here, what counts is content.
    """
    application = cast(BookApplication, app)
    pages = facts_of(env).pages
    changed.clear()
    return [
        page
        for page, digest in application.digests.items()
        if application.known.get(page) != digest
        or page not in pages
        or _files_changed(pages[page].files)
        or not Path(app.doctreedir, f"{page}.doctree").is_file()
    ]


def _files_changed(files: dict[str, str] | None) -> bool:
    return files is None or file_digests(files) != files


def count_pages(app: Sphinx, env: BuildEnvironment, pages: list[str]) -> None:
    """Note how many pages are about to be read, and when that is."""
    application = cast(BookApplication, app)
    application.to_read, application.reading_since = len(pages), time.time_ns()


def use_text_of_book(app: Sphinx, page: str, content: list[str]) -> None:
    """Sphinx parses what the book's reader has read, not whatever is on disk by now."""
    application = cast(BookApplication, app)
    if page in application.source.documents:
        content[0] = application.source.documents[page].text
    if application.progress is not None:
        application.progress("read", page)


def report_bad_math(app: Sphinx, document: nodes.document) -> None:
    """One message for each formula that cannot be shown."""
    application = cast(BookApplication, app)
    for node, problem in formulas.problems(document, application.source.settings.macros):
        path, line = get_source_line(node)
        span = application.span(path or "", line)
        if span is not None:
            span = _in_formula(application, span, node.astext(), problem.offset)
        excerpt = " ".join(node.astext().split())
        application.tell(
            error(
                Code.BAD_MATH,
                f"this formula cannot be shown: {problem.reason}",
                span,
                hint=f"in {excerpt if len(excerpt) < 60 else excerpt[:57] + '…'}",
            )
        )


def _in_formula(application: BookApplication, span: Span, tex: str, offset: int) -> Span:
    """Where in the author's file the problem of a formula is: line, column, and the command that is meant."""
    page = application.source.documents.get(span.path.removesuffix(".md"))
    if page is None:
        return span
    lines = page.text.split("\n")
    formula = tex.split("\n")
    above = tex[:offset].count("\n")
    first = formula[0].strip()
    start = next((n for n in range(span.line, min(span.line + 3, len(lines) + 1)) if first in lines[n - 1]), span.line)
    line = min(start + above, len(lines))
    indent = len(formula[above]) - len(formula[above].lstrip())
    inside = max(0, offset - tex.rfind("\n", 0, offset) - 1 - indent)
    written = formula[above].strip()
    if written not in lines[line - 1]:
        return Span(span.path, line, line)
    meant = re.match(r"\\[A-Za-z]+|.?", written[inside:], re.DOTALL)
    column = lines[line - 1].index(written) + inside
    return Span(span.path, line, line, column + 1, len(meant[0]) if meant else 0)


_VIEWPORT = re.compile(r'<meta name="viewport"[^>]*>\s*')


def add_to_head(
    app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document | None
) -> None:
    """Put the script that chooses the framework before anything is painted into the head of each page."""
    application = cast(BookApplication, app)
    theirs = _VIEWPORT.sub("", context.get("metatags", ""))  # the theme says it too
    context["metatags"] = theirs + theme.head(application.source.settings) + assets.early()
    book_page = application.source.documents.get(page)
    context["octavo_page_tabs"] = book_page.tabs if book_page else application.source.settings.tabs


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx's entry point."""
    application = cast(BookApplication, app)
    listener = DiagnosticHandler(application)
    # first in the list, so that records arrive before Sphinx's own handlers rewrite their places
    logging.getLogger("sphinx").handlers.insert(0, listener)

    from myst_parser.sphinx_ext.main import setup_sphinx  # only inside of a Sphinx application

    setup_sphinx(app)
    app.add_source_suffix(".md", "octavo", override=True)
    app.add_source_parser(BookParser.bound(application.source, application.tell), override=True)
    octavo_nodes.setup(app)
    formulas.setup(app, application.source.settings.macros)
    autodoc.setup(app)
    api_pages.setup(app)
    library.setup(app)
    numbering.setup(app)
    citations.setup(app)
    front.setup(app)
    if application.is_site:
        _set_up_site(app)
    else:
        paper.setup(app)
        epub.setup(app)
    app.add_post_transform(References)
    app.add_post_transform(OutputPictures)
    app.add_config_value("octavo_fingerprint", "", "env")
    app.connect("builder-inited", name_pictures)
    app.connect("env-get-outdated", outdated)
    app.connect("env-before-read-docs", count_pages)
    app.connect("source-read", use_text_of_book)
    app.connect("doctree-read", report_bad_math)
    app.connect("doctree-read", note_pictures)
    app.connect("warn-missing-reference", warn_missing_reference)
    return {"version": "1", "env_version": 2, "parallel_read_safe": True, "parallel_write_safe": True}


def _set_up_site(app: Sphinx) -> None:
    """What the website has around its pages."""
    mathfont.setup(app)
    builder.setup(app)
    machines.setup(app)
    surroundings.setup(app)
    frame.setup(app)
    on_page.setup(app)
    actions.setup(app)
    app.add_post_transform(WrappersWithoutIds)
    app.connect("html-page-context", add_to_head)
