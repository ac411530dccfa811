"""Sphinx's HTML builder without what it does again for every page although it is the same for all."""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Callable, Iterator, Set
from html import escape
from pathlib import Path
from typing import Any, cast

from docutils import nodes
from jinja2 import FileSystemBytecodeCache
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.highlighting import PygmentsBridge

from octavo.render.application import MANY, BookApplication
from octavo.render.beside import machines
from octavo.render.beside import part as beside
from octavo.render.beside.mathfont import MathFont
from octavo.render.beside.previews import Previews
from octavo.render.beside.search.part import Search
from octavo.render.frame import navigation
from octavo.render.pages.nodes import TABS

PARTS: tuple[beside.Part, ...] = (Search(), machines.Machines(), MathFont(), Previews())
"""What the website has beside its pages."""


class BookBuilder(StandaloneHTMLBuilder):
    """Writes the website of a book."""

    search = False
    """Sphinx's own index: ours is :mod:`octavo.render.beside.search`."""

    def get_outdated_docs(self) -> Iterator[str]:
        """Pages to write besides those that are read: all when the settings changed, else those that are not there.

        Sphinx goes by the times of files here too.
        """
        outdated = set(super().get_outdated_docs())
        if not outdated >= self.env.found_docs:
            outdated = {page for page in outdated if not self._is_written(page)}
        yield from outdated

    def _is_written(self, page: str) -> bool:
        return self.get_output_path(page).is_file() and beside.kept_of(page, Path(self.doctreedir)).is_file()

    def init_highlighter(self) -> None:
        """Let blocks of code share what highlights them: to make it anew takes as long as to highlight."""
        super().init_highlighter()
        self.highlighter.get_formatter = _shared_formatters(self.highlighter)  # type: ignore[method-assign]

    def init_css_files(self) -> None:
        """Our one style sheet and those of the book; what the theme and extensions bring is in ours, or not needed."""
        self._css_files = []
        for name, attributes in self.config.html_css_files:
            super().add_css_file(name, **attributes)

    def init_js_files(self) -> None:
        """The same with scripts."""
        self._js_files = []
        for name, attributes in self.config.html_js_files:
            super().add_js_file(name, **attributes)

    def add_css_file(self, filename: str, **kwargs: Any) -> None:
        """Leave out what the theme and extensions ask for."""

    def add_js_file(self, filename: str, **kwargs: Any) -> None:
        """Leave it out too."""

    def copy_static_files(self) -> None:
        """Copy what :meth:`init_css_files` and :meth:`init_js_files` name, and nothing of Sphinx's and the theme's."""
        self._static_dir.mkdir(parents=True, exist_ok=True)
        self.copy_html_static_files({})
        self.copy_html_logo()
        self.copy_html_favicon()

    def prepare_writing(self, docnames: Set[str]) -> None:
        """Get ready what all pages share: the sidebar's tree."""
        self._titles: dict[int, tuple[nodes.Node, dict[str, str]]] = {}
        super().prepare_writing(docnames)
        application = cast(BookApplication, self._app)
        application.written.update(docnames)
        self.tree = navigation.entries(application.source.book, self._title_of)

    def write_documents(self, docnames: Set[str]) -> None:
        """Write pages, in several processes if there are many."""
        self.parallel_ok = self.parallel_ok and len(docnames) >= MANY
        super().write_documents(docnames)

    def write_doc_serialized(self, docname: str, doctree: nodes.document) -> None:
        """What has to happen in this process before a page is written, perhaps in another."""
        progress = cast(BookApplication, self._app).progress
        if progress is not None:
            progress("write", docname)
        super().write_doc_serialized(docname, doctree)

    def write_doc(self, docname: str, doctree: nodes.document) -> None:
        """Write a page; its tables of contents say of each page which frameworks have it."""
        for item in doctree.findall(nodes.list_item):
            if any(name.startswith("toctree-l") for name in item["classes"]):
                item[TABS] = self._tabs_of_entry(item, docname)
        super().write_doc(docname, doctree)
        document = cast(BookApplication, self._app).source.documents[docname]
        written = beside.Written(docname, document, doctree, self.get_output_path(docname), self)
        beside.note(PARTS, written, Path(self.doctreedir))

    def finish(self) -> None:
        """Write what belongs to no page; first what pages show, so that they can be read before the rest is there."""
        super().finish()
        source, progress = cast(BookApplication, self._app).source, cast(BookApplication, self._app).progress
        if progress is not None:
            progress("written", "")
        kept = Path(self.doctreedir, beside.FOLDER)
        whole = beside.Whole(source.book, source.settings, Path(self.outdir), kept, self)
        beside.make(PARTS, whole, Path(self.doctreedir))

    def dump_inventory(self) -> None:
        """Write what other books may refer to, a line each; Sphinx lists indexes that this site has not."""
        names = self.env.domains.standard_domain
        for absent in ("genindex", "modindex", "py-modindex"):
            names.labels.pop(absent, None)
            names.anonlabels.pop(absent, None)
        for name, (page, anchor, title) in names.labels.items():
            names.labels[name] = page, anchor, " ".join(title.split())  # a caption has several lines
        super().dump_inventory()

    def _tabs_of_entry(self, item: nodes.list_item, page: str) -> str:
        """The frameworks of the page that an entry of a table of contents leads to, if some lack it."""
        link = next(iter(item.findall(nodes.reference)), None)
        address = link["refuri"].partition("#")[0] if link is not None else ""
        return self._only().get(posixpath.normpath(posixpath.join(posixpath.dirname(page), address)), "")

    @functools.cache  # noqa: B019 - there is one builder in a build
    def _only(self) -> dict[str, str]:
        """Address of each page → the frameworks that have it, or a page below, where not all do."""
        tabs = set(cast(BookApplication, self._app).source.settings.tabs)
        return {
            self.get_target_uri(entry.page): " ".join(entry.tabs)
            for entry in navigation.walk(self.tree)
            if not tabs <= set(entry.tabs)
        }

    def title_of(self, page: str) -> str:
        """The title of a page as HTML, with its number."""
        return self._title_of(page)[0]

    def _title_of(self, page: str) -> tuple[str, str]:
        title = self.env.titles.get(page)
        if title is None:
            return escape(page), page
        number = title.get("secnumber")
        prefix = ".".join(map(str, number)) + self.config.html_secnumber_suffix if number else ""
        plain = title.astext()
        if all(isinstance(child, nodes.Text) for child in title.children):
            shown = escape(plain, quote=False)
        else:
            copies = (child.deepcopy() for child in title.children)
            shown = self.render_partial(nodes.inline("", "", *copies))["fragment"].strip()
        return prefix + shown, prefix + plain

    def render_partial(self, node: nodes.Node | None) -> dict[str, str]:
        """A piece of HTML; titles, which neighbours and the pages below show again, are made once."""
        if not isinstance(node, nodes.title):
            return super().render_partial(node)
        if id(node) not in self._titles:
            self._titles[id(node)] = (node, super().render_partial(node))
        return self._titles[id(node)][1]

    def sidebar(self, page: str) -> str:
        """The sidebar of a page."""
        application = cast(BookApplication, self._app)
        tabs, toggle = application.source.settings.tabs, application.source.words.pages
        return navigation.sidebar(self.tree, page, functools.partial(self.get_relative_uri, page), tabs, toggle)


def _shared_formatters(highlighter: PygmentsBridge) -> Callable[..., Any]:
    """The highlighter's way to make a formatter, which makes one for each set of options that blocks have."""
    make, made = highlighter.get_formatter, dict[str, Any]()

    def formatter(**options: Any) -> Any:
        key = repr(sorted(options.items()))
        if key not in made:
            made[key] = make(**options)
        return made[key]

    return formatter


def keep_templates(app: Any) -> None:
    """Let templates that were compiled once be used again by the next build."""
    folder = Path(app.doctreedir, "templates")
    folder.mkdir(exist_ok=True)
    for begun in folder.glob("*.tmp"):  # by a build that was killed; a folder has one build at a time
        begun.unlink(missing_ok=True)
    app.builder.templates.environment.bytecode_cache = FileSystemBytecodeCache(str(folder))


def write_only_what_changed(app: Any, builder: BookBuilder) -> None:
    """Sphinx writes a page again when one that it lists was read; our numbering knows whether it shows a change."""
    app.env.files_to_rebuild = {}


def without_pygments_file(app: Any) -> None:
    """The theme writes the colours of code when all is done; they are in our style sheet."""
    for listener in list(app.events.listeners["build-finished"]):
        if getattr(listener.handler, "__module__", "") == "furo":
            app.disconnect(listener.id)


def without_toctree(app: Any, page: str, template: str, context: dict[str, Any], document: object) -> None:
    """Before the theme looks at a page: there is no tree for it to work on."""
    context["octavo_toctree"] = context["toctree"]
    context["toctree"] = lambda **options: ""


def with_sidebar(app: Any, page: str, template: str, context: dict[str, Any], document: object) -> None:
    """After the theme: our sidebar is the one that it made."""
    context["toctree"] = context.pop("octavo_toctree")
    context["furo_navigation_tree"] = app.builder.sidebar(page)


def setup(app: Any) -> None:
    """Put :class:`BookBuilder` in the place of Sphinx's."""
    app.add_builder(BookBuilder, override=True)
    app.connect("builder-inited", keep_templates)
    app.connect("write-started", write_only_what_changed)
    app.connect("html-page-context", without_toctree, priority=400)
    app.connect("html-page-context", with_sidebar, priority=600)
    app.connect("builder-inited", without_pygments_file)
