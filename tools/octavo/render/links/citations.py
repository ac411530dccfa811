"""Citations and the bibliography: how they are worded, by pybtex and sphinxcontrib-bibtex."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, cast

from docutils import nodes
from pybtex.backends.plaintext import Backend as PlainText
from pybtex.database import Entry
from pybtex.plugin import register_plugin as register_pybtex_plugin
from pybtex.style.formatting.plain import Style as PlainStyle
from pybtex.style.labels import BaseLabelStyle
from pybtex.style.template import FieldIsMissing
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinxcontrib.bibtex.domain import BibtexDomain
from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import BracketStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

from octavo.diagnostics import Code, warning
from octavo.render.application import BookApplication
from octavo.render.facts import facts_of
from octavo.source.citations import cited_as, plain, who
from octavo.source.links import bibliographies, place_of_entry

STYLE = "octavo"
"""Name of the styles of the bibliography and of citations."""


PUBLISHED_IN = ("journal", "booktitle", "school", "institution", "publisher")
"""Fields that say where something appeared."""


class AuthorYearLabels(BaseLabelStyle):  # type: ignore[misc]
    """Labels such as ``Hopper and Lovelace, 1952a``, each of them once."""

    def format_labels(self, sorted_entries: Sequence[Any]) -> Iterable[str]:
        """One label for each entry, a letter behind those that would be the same."""
        labels = [cited_as(who(entry), plain(entry.fields.get("year", ""))) for entry in sorted_entries]
        seen: dict[str, int] = {}
        for label in labels:
            if labels.count(label) > 1:
                letter = chr(ord("a") + seen.get(label, 0) % 26)
                seen[label] = seen.get(label, 0) + 1
                label += letter
            yield label


class BibliographyStyle(PlainStyle):  # type: ignore[misc]
    """Entries by author, year and title."""

    default_label_style = STYLE
    default_sorting_style = "author_year_title"
    known: ClassVar[dict[str, Any]] = {}
    """Entries that the last build formatted, by digest: to format one takes milliseconds."""
    formatted: ClassVar[dict[str, Any]] = {}
    """Entries that this build formatted: it wants each of them twice."""

    lacking: ClassVar[dict[str, str]] = {}
    """Key of each entry that lacks something → what, in pybtex's words."""

    def format_entry(self, label: str, entry: Any, bib_data: Any = None) -> Any:
        """Pybtex's entry, taken from what is known if it is there."""
        if "crossref" in entry.fields:  # what it shows stands elsewhere too
            return super().format_entry(label, entry, bib_data)
        digest = hashlib.sha256(repr((label, entry.key, entry.type, entry.fields, entry.persons)).encode()).hexdigest()
        if digest not in self.formatted:
            known = self.known.get(digest)
            made = known or self._formatted(label, entry, bib_data)
            if entry.key in self.lacking:  # told again by the next build
                return made
            self.formatted[digest] = made
        return self.formatted[digest]

    def _formatted(self, label: str, entry: Any, bib_data: Any) -> Any:
        try:
            return super().format_entry(label, entry, bib_data)
        except FieldIsMissing as problem:
            self.lacking[entry.key] = str(problem)
            return super().format_entry(label, _as_whatever_it_is(entry), bib_data)


def _as_whatever_it_is(entry: Any) -> Any:
    """The entry as one of the type that needs nothing, with all that it has."""
    fields = dict(entry.fields)
    details = [fields[name] for name in PUBLISHED_IN if name in fields]
    if details:
        fields.setdefault("howpublished", ", ".join(details))
    fields.setdefault("title", "")
    plain = Entry("misc", fields=fields, persons=entry.persons)
    plain.key = entry.key
    return plain


def _round() -> BracketStyle:
    return BracketStyle(left="(", right=")")


class CitationStyle(AuthorYearReferenceStyle):  # type: ignore[misc]
    """Citations in the text as ``(Author, Year)`` and ``Author (Year)``."""

    def __init__(self) -> None:
        super().__init__(bracket_textual=_round(), bracket_parenthetical=_round(), bracket_year=_round())


class BookCitations(BibtexDomain):  # type: ignore[misc]
    """Citations; one of something that no bibliography has shows its key."""

    def resolve_xref(
        self, env: Any, fromdocname: str, builder: Any, typ: str, target: str, node: Any, contnode: Any
    ) -> nodes.Element:
        """The citation as sphinxcontrib-bibtex has it, and what it lacks; it reports that."""
        result: nodes.Element = super().resolve_xref(env, fromdocname, builder, typ, target, node, contnode)
        known = {citation.key for citation in self.citations}
        keys = [key.strip() for key in target.split(",")]
        missing = [key for key in keys if key not in known]
        if len(missing) == len(keys):
            result.clear()
        elif missing:
            result += nodes.Text(" ")
        if missing:
            result += nodes.literal("", ", ".join(missing), classes=["ov-unknown-citation"])
        return result


def use_known_entries(app: Sphinx, env: BuildEnvironment) -> None:
    """Before the bibliography is put together: take the entries that the last build formatted."""
    facts = facts_of(env)
    BibliographyStyle.known = facts.bibliography
    BibliographyStyle.formatted = facts.bibliography = {}
    BibliographyStyle.lacking = {}


def tell_what_is_lacking(app: Sphinx, env: BuildEnvironment) -> None:
    """One message for each entry that lacks a field."""
    application = cast(BookApplication, app)
    settings = application.source.settings
    files = bibliographies(application.source.book, settings)
    for key, problem in BibliographyStyle.lacking.items():
        field = problem.partition(" in ")[0].removeprefix("missing ")
        message = f"the bibliography's entry {key!r} has no {field}, so the list shows what it has"
        hint = f"add {field} = {{…}} to it"
        application.tell(warning(Code.MARKUP, message, place_of_entry(files, key, settings.root), hint=hint))


def setup(app: Sphinx) -> None:
    """Register the domain and the styles."""
    app.add_domain(BookCitations, override=True)
    for group, style in (
        ("pybtex.style.labels", AuthorYearLabels),
        ("pybtex.style.formatting", BibliographyStyle),
        # found at once; else every citation looks through all packages that are installed
        ("pybtex.backends", PlainText),
    ):
        name = "plaintext" if style is PlainText else STYLE
        register_pybtex_plugin(group, name, style, force=True)
    register_plugin("sphinxcontrib.bibtex.style.referencing", STYLE, CitationStyle)
    # before the domain's own, which formats
    app.connect("env-updated", use_known_entries, priority=100)
    app.connect("env-updated", tell_what_is_lacking, priority=900)
