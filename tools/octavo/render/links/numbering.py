"""Facts of pages as they are read, and the numbers that follow from them.

Sphinx numbers figures by loading every page of the book again, at each build; here the numbers come from the outlines
that were noted when the pages were read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from pathlib import Path
from typing import Any, cast

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors import EnvironmentCollector
from sphinx.environment.collectors.toctree import TocTreeCollector

from octavo.digests import digest, file_digest
from octavo.render.application import BookApplication
from octavo.render.facts import Contents, Numbered, Outline, Section, facts_of
from octavo.render.links.labels import labels_of
from octavo.render.pages.nodes import SHARED
from octavo.source.numbers import Numbers

Number = tuple[int, ...]

COARSE = 20_000_000
"""Nanoseconds by which a file's time may be behind the clock."""


class BookFacts(EnvironmentCollector):
    """Notes the facts of every page."""

    def process_doc(self, app: Sphinx, doctree: nodes.document) -> None:
        """Note what a page refers to, its sections and what is numbered in it."""
        facts = facts_of(app.env).page(app.env.current_document.docname)
        facts.references = tuple(sorted(set(_references(doctree))))
        sections = list(doctree.findall(nodes.section))
        facts.sections = {section["ids"][0]: section is sections[0] for section in sections if section["ids"]}
        facts.outline = tuple(_outline(doctree, app.env, {}))

    def clear_doc(self, app: Sphinx, env: BuildEnvironment, docname: str) -> None:
        """Forget a page that is read again or gone."""
        facts_of(env).pages.pop(docname, None)

    def merge_other(self, app: Sphinx, env: BuildEnvironment, docnames: Set[str], other: BuildEnvironment) -> None:
        """Take over the pages that another process has read; what it logged has arrived before."""
        own, others = facts_of(env), facts_of(other).pages
        progress = cast(BookApplication, app).progress
        for page in sorted(docnames & others.keys()):
            if progress is not None:
                progress("read", page)
            logged = own.pages[page].messages if page in own.pages else []
            own.pages[page] = others[page]
            own.pages[page].messages += logged

    def get_updated_docs(self, app: Sphinx, env: BuildEnvironment) -> list[str]:
        """All pages are read: digest their files, and number everything; returns the pages whose numbers changed."""
        since = cast(BookApplication, app).reading_since
        for page, facts in facts_of(env).pages.items():
            if facts.files is None:
                files = sorted(env.srcdir / path for path in env.dependencies.get(page, ()))
                facts.files = {str(path): _digest_as_read(path, since) for path in files}
        changed = TocTreeCollector().assign_section_numbers(env)
        before = env.toc_fignumbers
        numbers = cast(BookApplication, app).source.numbers
        env.toc_fignumbers = _figure_numbers(env) if numbers is None else _numbers_of_whole_book(env, numbers)
        return changed + [page for page in env.toc_fignumbers if env.toc_fignumbers[page] != before.get(page)]


def _digest_as_read(path: Path, since: int) -> str:
    """Digest of a file that a page was read with; one that fits nothing if it was changed while pages were read."""
    try:
        changed = path.stat().st_ctime_ns
    except OSError:
        return ""
    return file_digest(path) if changed < since - COARSE else "changed"


def _references(document: nodes.document) -> Iterator[str]:
    """The labels that a page refers to."""
    for node in document.findall(addnodes.pending_xref):
        yield str(node.get("octavo_label") or node.get("reftarget", ""))


def _outline(parent: nodes.Element, env: BuildEnvironment, shared: dict[int, str]) -> Iterator[Outline]:
    for node in parent.children:
        if isinstance(node, nodes.section):
            yield Section(node["ids"][0], tuple(_outline(node, env, shared)))
        elif isinstance(node, addnodes.toctree):
            yield Contents(tuple(page for _, page in node["entries"]))
        elif isinstance(node, nodes.Element):
            kind = _kind(node, env) if node["ids"] else None
            if kind:
                anchor = node["ids"][0]
                first = shared.setdefault(node[SHARED], anchor) if node.get(SHARED) else anchor
                yield Numbered(kind, anchor, node.line or 0, first if first != anchor else "")
            yield from _outline(node, env, shared)


def _kind(node: nodes.Element, env: BuildEnvironment) -> str | None:
    """What sort of numbered thing a node is, by the domain that knows it; figures without a caption are none."""
    for domain in env.domains.sorted():
        if isinstance(domain, StandardDomain) and not _has_caption(node):
            continue
        kind = domain.get_enumerable_node_type(node)
        if kind:
            return kind
    return None


def _has_caption(node: nodes.Element) -> bool:
    """Whether there is a place for a number; what has a label has one, even if no words stand there."""
    return any(isinstance(child, nodes.caption | nodes.title) for child in node.children)


def _figure_numbers(env: BuildEnvironment) -> dict[str, dict[str, dict[str, Number]]]:
    """Page → kind → anchor → number, counted through the whole book and anew in each section of a given depth."""
    pages = facts_of(env).pages
    found: dict[str, dict[str, dict[str, Number]]] = {}
    counts: dict[tuple[str, Number], int] = {}
    seen: set[str] = set()

    def walk(page: str, outline: Sequence[Outline], section: Number) -> None:
        for item in outline:
            if isinstance(item, Section):
                numbers = env.toc_secnumbers.get(page, {})
                own = numbers[f"#{item.anchor}"] if f"#{item.anchor}" in numbers else numbers.get("")
                walk(page, item.inside, own or section)
            elif isinstance(item, Contents):
                for below in item.pages:
                    walk_page(below, section)
            elif item.same_as:
                found[page][item.kind][item.anchor] = found[page][item.kind][item.same_as]
            else:
                within = section[: env.config.numfig_secnum_depth]
                counts[item.kind, within] = counts.get((item.kind, within), 0) + 1
                found.setdefault(page, {}).setdefault(item.kind, {})[item.anchor] = (
                    *within,
                    counts[item.kind, within],
                )

    def walk_page(page: str, section: Number) -> None:
        if page in pages and page not in seen:
            seen.add(page)
            walk(page, pages[page].outline, section)

    walk_page(env.config.root_doc, ())
    return found


def _numbers_of_whole_book(env: BuildEnvironment, numbers: Numbers) -> dict[str, dict[str, dict[str, Number]]]:
    """The same for a website of some frameworks: its numbers are those that everything has in the whole book."""
    found: dict[str, dict[str, dict[str, Number]]] = {}

    def walk(page: str, outline: Sequence[Outline]) -> None:
        for item in outline:
            if isinstance(item, Section):
                walk(page, item.inside)
            elif isinstance(item, Numbered):
                known = numbers.places.get((page, item.line))
                if known is not None:
                    found.setdefault(page, {}).setdefault(item.kind, {})[item.anchor] = known.number

    for page, facts in facts_of(env).pages.items():
        walk(page, facts.outline)
    return found


def rewritten(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Pages that were not read but show something that changed: a number, a title, the sidebar, a citation.

    Sphinx itself leaves such pages as they are.
    """
    application = cast(BookApplication, app)
    facts = facts_of(env)
    labels = labels_of(env)
    titles = dict(env.domains.standard_domain.labels)
    citations: Any = env.get_domain("cite")
    listed = {
        citation.key: (citation.formatted_entry.label, str(citation.formatted_entry.text))
        for citation in citations.citations
    }
    frameworks = [(document.page, document.tabs) for document in application.source.book.pages]
    site = digest(sorted((page, str(title)) for page, title in env.titles.items()), env.toctree_includes, frameworks)
    everything = application.write_all or facts.site not in ("", site)
    facts.site = site
    lists = {key.docname for key in citations.bibliographies}
    libraries, documents = application.source.libraries, application.source.documents
    changed: list[str] = []
    for page in sorted(env.all_docs):
        shown: list[object] = [sorted(listed.items()) if page in lists else (), env.toc_secnumbers.get(page)]
        shown.append([env.tocs[below].astext() for below in _below(page, env)])
        shown.append(libraries.facts(page, documents[page].text))
        for name in facts.page(page).references:
            key = name if name in labels else name.lower()
            shown.append((name, *_shown_of(key, labels, titles, env), [listed.get(k) for k in name.split(",")]))
        now = digest(shown)
        if everything or facts.shown.get(page) not in (None, now):
            changed.append(page)
        facts.shown[page] = now
    return changed


def _below(page: str, env: BuildEnvironment) -> Iterator[str]:
    """The pages that a page's tables of contents list, and those that theirs do."""
    seen = {page}
    todo = list(reversed(env.toctree_includes.get(page, ())))
    while todo:
        below = todo.pop()
        if below not in seen and below in env.tocs:
            seen.add(below)
            yield below
            todo.extend(reversed(env.toctree_includes.get(below, ())))


def _shown_of(
    label: str, labels: dict[str, tuple[str, str]], titles: dict[str, Any], env: BuildEnvironment
) -> Iterable[object]:
    """Where a label leads, and what a reference to it may show."""
    where = labels.get(label)
    numbers: object = None
    if where is not None:
        figures = env.toc_fignumbers.get(where[0], {})
        numbers = (env.toc_secnumbers.get(where[0]), {kind: ids.get(where[1]) for kind, ids in figures.items()})
    return where, titles.get(label), numbers


def setup(app: Sphinx) -> None:
    """Put :class:`BookFacts` in the place of Sphinx's own numbering."""
    for listener in list(app.events.listeners["env-get-updated"]):
        if isinstance(getattr(listener.handler, "__self__", None), TocTreeCollector):
            app.disconnect(listener.id)
    app.add_env_collector(BookFacts)
    # after the numbers are given
    app.connect("env-get-updated", rewritten, priority=900)
