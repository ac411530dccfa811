"""The Sphinx extension of a book: parser, nodes, references, citations, and every warning as a diagnostic.

It is set up inside :class:`BookApplication` only, which carries the book.
"""

from __future__ import annotations

import difflib
import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

import pybtex.plugin
from docutils import nodes
from docutils.utils import get_source_line
from pybtex.style.formatting.plain import Style as PlainStyle
from pybtex.style.labels import BaseLabelStyle
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains import Domain
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util._files import FilenameUniqDict
from sphinx.util.nodes import make_refnode
from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import BracketStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

from octavo.diagnostics import Code, Diagnostic, Severity, error
from octavo.model import Span
from octavo.render import math, theme
from octavo.render import nodes as octavo_nodes
from octavo.render.nodes import output_image
from octavo.render.parser import BookParser, Source, iter_references

Progress = Callable[[str, str], None]
"""Told ``("read", page)`` and ``("write", page)`` as pages are begun."""

STYLE = "octavo"
"""Name of the styles of the bibliography and of citations."""


class BookApplication(Sphinx):
    """A Sphinx application that builds one book."""

    def __init__(
        self,
        source: Source,
        digests: dict[str, str],
        known: dict[str, str],
        progress: Progress | None,
        write_all: bool,
        *arguments: Any,
        **options: Any,
    ) -> None:
        self.write_all = write_all
        """Whether pages are written that did not change: the last build was interrupted, or its style was another."""
        self.source = source
        """The book."""
        self.digests = digests
        """Page → digest of everything that its reading depends on."""
        self.known = known
        """The same as of the last complete build; pages whose digest differs, or that had messages, are read again."""
        self.progress = progress
        super().__init__(*arguments, **options)

    def span(self, path: str, line: int | None) -> Span | None:
        """The place in the author's file that Sphinx means by a path, page name or docutils source, and a line."""
        documents = self.source.documents
        path = path.partition(":docstring of")[0]
        if path not in documents:
            absolute = path.startswith(os.sep)
            name = Path(os.path.relpath(path, self.srcdir) if absolute else path).as_posix()
            page = name.removesuffix(".md")
            if page not in documents:
                return None if name.startswith("..") or name == "<unknown>" else Span(name, line or 1, line or 1)
            path = page
        line = min(max(1, line or 1), documents[path].text.count("\n") + 1)
        return Span(documents[path].path, line, line)


# -- warnings


_KINDS: dict[tuple[str, str | None], Code] = {
    ("image", "not_readable"): Code.MISSING_FILE,
    ("download", "not_readable"): Code.MISSING_FILE,
    ("myst", "role_unknown"): Code.UNKNOWN_ROLE,
    ("myst", "xref_missing"): Code.UNKNOWN_REFERENCE,
    ("myst", "iref_missing"): Code.UNKNOWN_REFERENCE,
    ("bibtex", "key_not_found"): Code.UNKNOWN_CITATION,
    ("bibtex", "bibfile_error"): Code.MISSING_FILE,
    ("ref", None): Code.UNKNOWN_REFERENCE,
}
_PHRASES: tuple[tuple[str, Code], ...] = (
    (r"duplicate label|Duplicate explicit target", Code.DUPLICATE_LABEL),
    (r"Unknown interpreted text role", Code.UNKNOWN_ROLE),
    (r"(Problems with|not found or reading it failed|Include file)", Code.MISSING_FILE),
    (r"undefined label|unknown document|equation not found", Code.UNKNOWN_REFERENCE),
)
_REFERENCE_CODES = (Code.UNKNOWN_REFERENCE, Code.UNKNOWN_CITATION, Code.UNKNOWN_ROLE, Code.MISSING_FILE)


class DiagnosticHandler(logging.Handler):
    """Turns every warning of Sphinx, docutils, MyST and the other extensions into a :class:`Diagnostic`."""

    def __init__(self, application: BookApplication) -> None:
        super().__init__(logging.WARNING)
        self.application = application

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record; Sphinx may hand the same one out twice."""
        if getattr(record, "octavo_seen", False):
            return
        record.octavo_seen = True
        try:
            message = " ".join(record.getMessage().split())
        except (TypeError, ValueError):
            message = str(record.msg)
        if message.startswith("unknown config value 'pygments_dark_style'"):
            return  # Furo declares it later than Sphinx asks, and refuses to be loaded earlier
        if (getattr(record, "type", None), getattr(record, "subtype", None)) == ("ref", "ref"):
            return  # warn_missing_reference says it, with a hint
        kind, subtype = getattr(record, "type", None) or "", getattr(record, "subtype", None)
        code = _KINDS.get((kind, subtype)) or _KINDS.get((kind, None))
        phrase = next((code for pattern, code in _PHRASES if re.search(pattern, message, re.IGNORECASE)), None)
        code = phrase if phrase is Code.DUPLICATE_LABEL else code or phrase or Code.MARKUP
        serious = record.levelno >= logging.ERROR or code in _REFERENCE_CODES
        severity = Severity.ERROR if serious else Severity.WARNING
        span = self._span(getattr(record, "location", None))
        hint = ""
        if code is Code.UNKNOWN_CITATION:
            match = re.search(r'"(.+?)"', message)
            key = match[1] if match else ""
            message, hint = f"the bibliography has no entry {key!r}", self._closest_key(key)
            span = pointed(self.application, span, key)
        elif code is Code.UNKNOWN_REFERENCE and kind == "myst":
            match = re.search(r"'([^']+)'$", message)
            if match:
                message = f"nothing is called {match[1]!r}"
                hint = closest(match[1].lstrip("#"), labels_of(self.application.env))
        message = self._without_paths(message).rstrip(".")
        self.application.source.diagnostics.add(Diagnostic(code, severity, message, span, hint=hint))

    def _closest_key(self, key: str) -> str:
        domain: Any = self.application.env.get_domain("cite")
        keys = sorted(domain.bibdata.data.entries.keys())
        if not keys:
            return f"there is no readable {self.application.source.settings.bibfile}"
        return closest(key, keys) or f"add it to {self.application.source.settings.bibfile}"

    def _span(self, location: object) -> Span | None:
        path: str | None = None
        line: int | None = None
        if isinstance(location, nodes.Node):
            path, line = get_source_line(cast(nodes.Element, location))
        elif isinstance(location, tuple) and location:
            path, line = location[0], location[1] if len(location) > 1 else None
        elif isinstance(location, str):
            match = re.fullmatch(r"(.*?)(?::(\d+))?(?::.*)?", location)
            if match:
                path, line = match[1], int(match[2]) if match[2] else None
        if not path:
            return None
        return self.application.span(path, line)

    def _without_paths(self, message: str) -> str:
        return message.replace(f"{self.application.srcdir}{os.sep}", "")


def stop_listening() -> None:
    """Take every :class:`DiagnosticHandler` off Sphinx's log."""
    logger = logging.getLogger("sphinx")
    for handler in list(logger.handlers):
        if isinstance(handler, DiagnosticHandler):
            logger.removeHandler(handler)


def closest(name: str, candidates: Iterable[str]) -> str:
    """A hint that names what an author may have meant; empty when nothing is close."""
    by_lower: dict[str, str] = {}
    for candidate in candidates:
        by_lower.setdefault(candidate.lower(), candidate)
    found = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.55)
    return f"did you mean {by_lower[found[0]]}?" if found else ""


# -- references


def labels_of(env: BuildEnvironment) -> dict[str, tuple[str, str]]:
    """Every label of the book → (page, anchor); equations included."""
    standard = env.domains.standard_domain
    labels = {name: (page, anchor) for name, (page, anchor) in standard.anonlabels.items() if page in env.all_docs}
    equations: dict[str, tuple[str, int]] = env.get_domain("math").data.get("objects", {})
    labels.update({name: (page, nodes.make_id(f"equation-{name}")) for name, (page, _) in equations.items()})
    return labels


class References(SphinxPostTransform):
    """What Sphinx's own resolvers would refuse although it is clear what is meant.

    A numbered reference to something without a number shows its title, one to a chapter says so, and equations may be
    named by any of the reference roles.
    """

    default_priority = 8

    def run(self, **kwargs: Any) -> None:
        """Adjust the references of one page before they are resolved."""
        standard = self.env.domains.standard_domain
        equations = self.env.get_domain("math").data.get("objects", {})
        for node in list(self.document.findall(addnodes.pending_xref)):
            label = node.get("octavo_label")
            if label is None:
                continue
            key = label.lower()
            if node["reftype"] == "eq":
                if label not in equations and key in standard.anonlabels:
                    node["refdomain"], node["reftype"], node["reftarget"] = "std", "numref", key
            elif key not in standard.anonlabels and label in equations:
                node["refdomain"], node["reftype"], node["reftarget"] = "math", "eq", label
            if node["reftype"] == "numref" and key in standard.labels:
                self._resolve_section(node, key)

    def _resolve_section(self, node: addnodes.pending_xref, key: str) -> None:
        """Sphinx would load the other page for each reference; what counts was noted when that was read."""
        page, anchor, _ = self.env.domains.standard_domain.labels[key]
        sections: dict[str, bool] = _store(self.env)["sections"].get(page, {})
        if anchor not in sections:
            if not any(anchor in numbers for numbers in self.env.toc_fignumbers.get(page, {}).values()):
                node["reftype"] = "ref"  # such as a heading within a tab
            return
        # the first heading of a page has the page's number, which stands under no anchor
        numbers = self.env.toc_secnumbers.get(page, {})
        number = numbers.get("" if sections[anchor] else f"#{anchor}")
        if not number:
            node["reftype"] = "ref"
            return
        written = ".".join(map(str, number))
        if node["refexplicit"]:
            shown = node.children[0].astext().replace("%s", written).replace("{number}", written)
        elif len(number) == 1:
            shown = cast(BookApplication, self.env._app).source.words.chapter.format(number=written)
        else:
            shown = self.config.numfig_format["section"] % written
        inner = nodes.inline(shown, shown, classes=["std", "std-numref"])
        builder = self.env._app.builder
        node.replace_self(make_refnode(builder, node["refdoc"], page, anchor, inner))


def warn_missing_reference(app: Sphinx, domain: Domain | None, node: addnodes.pending_xref) -> bool | None:
    """An unknown label: one message with the author's line and the nearest label there is.

    Sphinx asks every listener, and its own words it differently; :class:`DiagnosticHandler` drops that.
    """
    application = cast(BookApplication, app)
    label = str(node.get("octavo_label") or node.get("reftarget", ""))
    path, line = get_source_line(node)
    span = application.span(path or str(node.get("refdoc", "")), line)
    span = pointed(application, span, label)
    labels = labels_of(app.env)
    hint = closest(label, labels)
    message = f"nothing has the label {label!r}"
    if label in labels or label.lower() in labels:
        hint = f"give it a caption, or write the words yourself: :ref:`words <{label}>`"
        message = f"what has the label {label!r} has no title or number to show"
    application.source.diagnostics.add(error(Code.UNKNOWN_REFERENCE, message, span, hint=hint))
    return True


def pointed(application: BookApplication, span: Span | None, word: str) -> Span | None:
    """The span with the column of ``word``, looked for on its line and, in a wrapped paragraph, the next few."""
    page = application.source.documents.get(span.path.removesuffix(".md")) if span is not None else None
    if span is None or page is None or not word:
        return span
    lines = page.text.split("\n")
    for number in range(span.line, min(span.line + 4, len(lines) + 1)):
        at = lines[number - 1].find(word)
        if at >= 0:
            return Span(span.path, number, number, at + 1, len(word))
    return span


# -- citations


class AuthorYearLabels(BaseLabelStyle):  # type: ignore[misc]
    """Labels such as ``Hopper and Lovelace, 1952a``, each of them once."""

    def format_labels(self, sorted_entries: Sequence[Any]) -> Iterable[str]:
        """One label for each entry, a letter behind those that would be the same."""
        labels = [self._label(entry) for entry in sorted_entries]
        seen: dict[str, int] = {}
        for label in labels:
            if labels.count(label) > 1:
                letter = chr(ord("a") + seen.get(label, 0) % 26)
                seen[label] = seen.get(label, 0) + 1
                label += letter
            yield label

    def _label(self, entry: Any) -> str:
        people = entry.persons.get("author") or entry.persons.get("editor") or []
        names = [" ".join([*person.prelast_names, *person.last_names]) for person in people]
        names = [name.replace("{", "").replace("}", "") for name in names]
        if not names:
            who = entry.fields.get("organization") or entry.fields.get("title") or entry.key
        elif len(names) == 1:
            who = names[0]
        elif len(names) == 2:
            who = f"{names[0]} and {names[1]}"
        else:
            who = f"{names[0]} et al."
        return f"{who}, {entry.fields['year']}" if "year" in entry.fields else str(who)


class BibliographyStyle(PlainStyle):  # type: ignore[misc]
    """Entries by author, year and title."""

    default_label_style = STYLE
    default_sorting_style = "author_year_title"


def _round() -> BracketStyle:
    return BracketStyle(left="(", right=")")


class CitationStyle(AuthorYearReferenceStyle):  # type: ignore[misc]
    """Citations in the text as ``(Author, Year)`` and ``Author (Year)``."""

    def __init__(self) -> None:
        super().__init__(bracket_textual=_round(), bracket_parenthetical=_round(), bracket_year=_round())


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
    """Pages whose text, editions or results differ from the last complete build, or that had messages in it."""
    application = cast(BookApplication, app)
    return [page for page, digest in application.digests.items() if application.known.get(page) != digest]


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
    for node, problem in math.problems(document):
        path, line = get_source_line(node)
        span = application.span(path or "", line)
        if span is not None:
            span = _in_formula(application, span, node.astext(), problem.offset)
        excerpt = " ".join(node.astext().split())
        application.source.diagnostics.add(
            error(
                Code.BAD_MATH,
                f"this formula cannot be shown: {problem.reason}",
                span,
                hint=f"in {excerpt if len(excerpt) < 60 else excerpt[:57] + '…'}",
            )
        )


def _in_formula(application: BookApplication, span: Span, tex: str, offset: int) -> Span:
    """The line of a displayed formula that the problem is on."""
    page = application.source.documents.get(span.path.removesuffix(".md"))
    wanted = tex[: offset + 1].count("\n")
    if page is None:
        return span
    lines = page.text.split("\n")
    first = tex.split("\n")[0].strip()
    start = next((n for n in range(span.line, min(span.line + 3, len(lines) + 1)) if first in lines[n - 1]), span.line)
    line = min(start + wanted, len(lines))
    return Span(span.path, line, line)


def note_references(app: Sphinx, document: nodes.document) -> None:
    """Remember which labels a page refers to, and its sections.

    It is written again when one of them changes its number.
    """
    store = _store(app.env)
    page = app.env.current_document.docname
    store["references"][page] = sorted(set(iter_references(document)))
    sections = list(document.findall(nodes.section))
    store["sections"][page] = {section["ids"][0]: section is sections[0] for section in sections if section["ids"]}


def _store(env: Any) -> dict[str, dict[str, Any]]:
    """Our facts in Sphinx's environment, kept from build to build."""
    if not hasattr(env, "octavo_facts"):
        env.octavo_facts = {"references": {}, "sections": {}, "resolved": {}, "site": {}}
    return cast(dict[str, dict[str, Any]], env.octavo_facts)


def purge(app: Sphinx, env: BuildEnvironment, page: str) -> None:
    """Forget a page that is read again or gone."""
    for kind in ("references", "sections"):
        _store(env)[kind].pop(page, None)


def rewritten(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Pages that were not read but show something that changed: a number, a title, the sidebar, a citation.

    Sphinx itself leaves such pages as they are.
    """
    application = cast(BookApplication, app)
    store = _store(env)
    labels = labels_of(env)
    titles = dict(env.domains.standard_domain.labels)
    citations: Any = env.get_domain("cite")
    listed = {
        citation.key: (citation.formatted_entry.label, str(citation.formatted_entry.text))
        for citation in citations.citations
    }
    site = _digest([(page, title.astext()) for page, title in sorted(env.titles.items())], env.toctree_includes)
    changed: list[str] = []
    everything = store["site"].get("digest") not in (None, site)
    store["site"]["digest"] = site
    lists = {key.docname for key in citations.bibliographies}
    for page in sorted(env.all_docs):
        facts: list[object] = [sorted(listed.items()) if page in lists else ()]
        facts.append(env.toc_secnumbers.get(page))
        for name in store["references"].get(page, ()):
            key = name if name in labels else name.lower()
            where = labels.get(key)
            numbers: object = None
            if where is not None:
                numbers = (
                    env.toc_secnumbers.get(where[0]),
                    {kind: ids.get(where[1]) for kind, ids in env.toc_fignumbers.get(where[0], {}).items()},
                )
            facts.append((name, where, titles.get(key), numbers, [listed.get(k) for k in name.split(",")]))
        digest = _digest(facts)
        if everything or application.write_all or store["resolved"].get(page) not in (None, digest):
            changed.append(page)
        store["resolved"][page] = digest
    return changed


def _digest(*facts: object) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def add_to_head(
    app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document | None
) -> None:
    """Put the script that chooses the framework before anything is painted into the head of each page."""
    application = cast(BookApplication, app)
    context["metatags"] = context.get("metatags", "") + theme.head(application.source.settings)
    book_page = application.source.documents.get(page)
    context["octavo_page_tabs"] = book_page.tabs if book_page else application.source.settings.tabs
    if application.progress is not None and book_page is not None:
        application.progress("write", page)


class _Registered:
    """Plugins of pybtex are registered once a process."""

    done: ClassVar[bool] = False


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx's entry point."""
    application = cast(BookApplication, app)
    listener = DiagnosticHandler(application)
    # first in the list, so that records arrive before Sphinx's own handlers rewrite their places
    logging.getLogger("sphinx").handlers.insert(0, listener)

    from myst_parser.sphinx_ext.main import setup_sphinx  # only inside of a Sphinx application

    setup_sphinx(app)
    app.add_source_suffix(".md", "octavo", override=True)
    app.add_source_parser(BookParser.bound(application.source), override=True)
    octavo_nodes.setup(app)
    math.setup(app)
    app.add_post_transform(References)
    app.add_post_transform(WrappersWithoutIds)
    app.add_post_transform(OutputPictures)
    app.add_config_value("octavo_fingerprint", "", "env")
    app.connect("builder-inited", name_pictures)
    app.connect("env-get-outdated", outdated)
    app.connect("source-read", use_text_of_book)
    app.connect("doctree-read", report_bad_math)
    app.connect("doctree-read", note_references)
    app.connect("doctree-read", note_pictures)
    app.connect("env-purge-doc", purge)
    # after Sphinx's own, which gives the numbers
    app.connect("env-get-updated", rewritten, priority=900)
    app.connect("warn-missing-reference", warn_missing_reference)
    app.connect("html-page-context", add_to_head)
    if not _Registered.done:
        pybtex.plugin.register_plugin("pybtex.style.labels", STYLE, AuthorYearLabels)
        pybtex.plugin.register_plugin("pybtex.style.formatting", STYLE, BibliographyStyle)
        register_plugin("sphinxcontrib.bibtex.style.referencing", STYLE, CitationStyle)
        _Registered.done = True
    return {"version": "1", "env_version": 1, "parallel_read_safe": False, "parallel_write_safe": False}
