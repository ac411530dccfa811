"""The pages that describe a book's libraries: one for each framework, made of what the book's pages save.

Nothing of a library is imported for it, and no module has to be written: signatures and docstrings come from the saved
code itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, cast

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.python import ObjectEntry
from sphinx.environment import BuildEnvironment

from octavo.config import Settings, tab_title
from octavo.digests import digest
from octavo.model import Book, Definition, Document, Prose, Span, TocEntry
from octavo.render.application import BookApplication
from octavo.render.links.library import Described, Library, defined_in, statements
from octavo.render.pages.autodoc import Documentation
from octavo.render.pages.nodes import reader_note
from octavo.render.words import Words, words

DIRECTIVE = "octavo-library"
_LONGEST = 80
"""How many characters of a value are shown."""


def libraries_of(
    book: Book, settings: Settings, definitions: Mapping[str, tuple[Definition, ...]]
) -> dict[str, Library]:
    """Framework → its library, for those frameworks that have one; with a page if the book defines any of it."""
    taken = {document.page.partition("/")[0] for document in book.pages}
    folder = next(name for name in ("api", "api-pages", *(f"api-{n}" for n in range(len(taken)))) if name not in taken)
    found = {}
    for tab, those in definitions.items():
        if tab in settings.tabs and tab in settings.libraries:
            library = Library(tab, settings.libraries[tab].module, those)
            wanted = library.is_saved and settings.website.api
            found[tab] = replace(library, page=f"{folder}/{tab}") if wanted else library
    return found


def with_pages(book: Book, settings: Settings, libraries: Mapping[str, Library]) -> Book:
    """The book with its pages about libraries behind everything else."""
    if not book.pages:
        return book
    made = [_page(library, settings) for library in libraries.values() if library.page]
    root = book.pages[0]
    entries = (TocEntry(page.page, Span(root.path, 1, 1), False) for page in made)
    return Book((replace(root, toc=(*root.toc, *entries)), *book.pages[1:], *made)) if made else book


def _page(library: Library, settings: Settings) -> Document:
    """The page about a library. The digest in it stands for all that the page says."""
    said = words(settings.language)
    title = f"API: {library.module}"
    facts = [(one.name, one.kind, one.source, one.page) for one in library.definitions]
    intro = said.api.format(framework=tab_title(library.tab))
    top = "---\norphan: true\n---\n\n"  # no author's table of contents names it
    text = f"{top}# API: `{library.module}`\n\n{intro}\n\n```{{{DIRECTIVE}}} {library.tab}\n{digest(facts)}\n```\n"
    path = f"{library.page}.md"
    prose = Prose(text, Span(path, 1, text.count("\n")))
    return Document(library.page, path, text, (prose,), (library.tab,), title, made=True)


class LibraryDescription(Documentation):
    """All of a library that readers can use, by kind and name."""

    option_spec: ClassVar[Any] = {}

    def run(self) -> list[nodes.Node]:
        """A section for each kind."""
        application = cast(BookApplication, self.env._app)
        said, libraries = application.source.words, application.source.libraries.by_tab
        library = libraries.get(self.arguments[0])
        if library is None:
            return []
        found: list[nodes.Node] = list(_other_libraries(library, libraries, said))
        public = list(library.names.items())
        for kind, title in (("class", said.classes), ("function", said.functions), ("assignment", said.values)):
            those = [name for name, definition in public if definition.kind == kind and definition.page]
            found += self._section(kind, title, sorted(those, key=str.lower), library)
        aliases = [name for name, definition in public if not definition.page]
        return found + self._section("alias", said.aliases, sorted(aliases, key=str.lower), library)

    def _section(self, ident: str, title: str, names: Iterable[str], library: Library) -> list[nodes.Node]:
        described = [node for name in names for node in self._entry(library, name)]
        if not described:
            return []
        section = nodes.section("", nodes.title(title, title), *described, ids=[f"api-{ident}"], names=[])
        section.source, section.line = self.get_source_info()
        self.state.document.note_implicit_target(section)
        return [section]

    def _entry(self, library: Library, name: str) -> list[nodes.Node]:
        definition = library.names[name]
        node = _described(definition, name)
        if node is not None:
            return self.describe(node, library.module)
        options = {"module": library.module, "value": _value(definition, name)}
        found = self.described("data", name, "", {key: value for key, value in options.items() if value})
        for content in _contents(found):
            content += defined_in(tab=library.tab, name=name, brief=False)
        return found

    def describe(self, node: Described, module: str, owner: str = "") -> list[nodes.Node]:
        """What a class, a function or a method is; of a class all methods that readers can use."""
        found = super().describe(node, module, owner)
        library = self.library(module)
        if library is not None and isinstance(node, ast.ClassDef):
            for content in _contents(found):
                for name, (method, _) in library.methods(node.name).items():
                    inner = super().describe(method, module, node.name)
                    for line in [line for one in inner for line in one.findall(addnodes.desc_signature)][:1]:
                        line += defined_in(tab=library.tab, name=f"{node.name}.{name}", brief=True)
                    content += inner
        return found

    def described(self, kind: str, signature: str, owner: str, options: Mapping[str, Any]) -> list[nodes.Node]:
        """What Sphinx's own directive gives; ids are given here, since a page of the author's may have them too."""
        more: dict[str, Any] = {"no-index": None} | ({"no-contents-entry": None} if owner else {})
        found = super().described(kind, signature, owner, {**options, **more})
        for one in found:
            for line in one.findall(addnodes.desc_signature):
                line["ids"] = [f"{line['module']}.{line['fullname']}"]
        return found


def _contents(found: Iterable[nodes.Node]) -> list[addnodes.desc_content]:
    """The content of what is described first."""
    return [content for one in found for content in one.findall(addnodes.desc_content)][:1]


def _described(definition: Definition, name: str) -> Described | None:
    """The class or function that a definition is."""
    found = (part for part in statements(definition.source) if isinstance(part, Described))
    return next((part for part in found if part.name == name), None)


def _value(definition: Definition, name: str) -> str:
    """What a name is set to, if that is short."""
    for part in statements(definition.source):
        if isinstance(part, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in part.targets):
            text = ast.unparse(part.value)
            return text if len(text) <= _LONGEST else ""
    return ""


def _other_libraries(library: Library, libraries: Mapping[str, Library], said: Words) -> Iterator[nodes.Node]:
    """For readers of each other framework: that this is not theirs, and which is."""
    for other in libraries.values():
        if other.tab == library.tab or not other.page:
            continue
        text = said.page_only.format(shown=tab_title(library.tab))
        link = addnodes.pending_xref(
            "",
            nodes.inline(other.module, other.module),
            refdoc=library.page,
            refdomain="std",
            reftype="doc",
            reftarget=f"/{other.page}",
            refexplicit=False,
            refwarn=False,
        )
        yield reader_note("", nodes.paragraph("", "", nodes.Text(f"{text} "), link), tab=other.tab, always=False)


# -- what other pages and other books find of them


def forget(app: Sphinx, env: BuildEnvironment, pages: list[str]) -> None:
    """Before pages are read: take back what :func:`make_known` gave, so that an author's page can have a name."""
    documents = cast(BookApplication, app).source.documents
    objects = env.domains.python_domain.objects
    for name, entry in list(objects.items()):
        if entry.docname not in documents or documents[entry.docname].made:
            del objects[name]


def make_known(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Once pages are read: what they do not describe themselves is described by our pages."""
    objects = env.domains.python_domain.objects
    for library in cast(BookApplication, app).source.libraries.by_tab.values():
        for name, kind in library.described() if library.page else ():
            place = library.place(name)
            objects.setdefault(place, ObjectEntry(library.page, place, kind, False))
    return []


def setup(app: Sphinx) -> None:
    """Register the directive of our pages."""
    app.add_directive(DIRECTIVE, LibraryDescription)
    app.connect("env-before-read-docs", forget)
    # before pages are looked for that show something that changed
    app.connect("env-get-updated", make_known, priority=850)
