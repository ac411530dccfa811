"""The few words that octavo itself puts on a page, in the language of the book.

Sphinx and its theme bring their own. What an author sees rather than a reader (failed cells) stays English.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Words:
    """What readers are told; braces stand for frameworks and numbers."""

    framework: str = "Framework"
    """Label of the choice, and of each row of tabs."""
    part_lacks: str = "This part has no {missing} version; shown: {shown}."
    page_lacks: str = "This page has no {missing} version; shown: {shown}."
    absent: str = "not on this page"
    """Stands in brackets behind a framework in the choice."""
    not_executed: str = "Not executed."
    chapter: str = "Chapter {number}"
    """A reference to a whole chapter."""
    contents: str = "Contents of the book"
    """Name of the sidebar, for screen readers."""
    on_page: str = "On this page"
    """Name of the list of a page's sections."""
    links: str = "Links"
    picture: str = "Picture drawn by the code above"
    """Description of a picture about which nothing is known."""
    plot: str = "Plot"
    """Begins the description of a drawing."""
    page_only: str = "This page is for {shown} only."
    """In a website of some frameworks, at the top of a page that has none of them."""
    numbered: tuple[str, str, str] | None = None
    """How figures, tables and sections are named with their number, where Sphinx's own words will not do."""
    more_lines: str = "{number} more lines"
    """The fold in a long output."""
    copy_code: str = "Copy code"
    code_copied: str = "Copied"
    api: str = "What the code of this book saves for {framework}, each name with the line that defines it."
    """At the top of a page about a library."""
    classes: str = "Classes"
    functions: str = "Functions"
    values: str = "Values"
    aliases: str = "Aliases"
    """Names that the settings give to what the framework has."""
    defined_in: str = "Defined in {page}"
    in_book: str = "in the book"
    """The link from a method to the line that defines it."""
    search: str = "Search"
    search_for: str = "Words or code"
    """What is expected in the empty line of the search."""
    search_found: str = "Results: {count}"
    search_none: str = "Nothing found for {query}."
    search_elsewhere: str = "In other frameworks: {count}"
    """Shows what the chosen framework's readers do not see."""
    search_all: str = "All frameworks"
    search_more: str = "More results"
    search_defines: str = "defines {names}"
    search_script: str = "The search needs JavaScript."
    search_failed: str = "The search cannot load its data."
    close: str = "Close"
    version: str = "Version"
    """Label of the book's other versions."""
    language: str = "Language"
    lost: str = "Page not found"
    """Heading of what readers see where there is no page."""
    lost_why: str = "The page may have moved, or this version of the book does not have it."
    to_front: str = "To the front page"
    next: str = "Next"
    previous: str = "Previous"
    home: str = "Home"
    """The front page, where it is the one before."""
    top: str = "Back to top"
    skip: str = "Skip to content"
    colours: str = "Colours: {mode}"
    """The button that changes between the three modes."""
    light: str = "light"
    dark: str = "dark"
    system: str = "as the system"
    pages: str = "Pages of “{title}”"
    """The switch that shows a chapter's pages in the sidebar."""
    theme: str = "Made with "
    """Before the name of the theme, below each page."""
    actions: str = "This page"
    """Name of what can be done with a page, for screen readers."""
    download: str = "Download"
    open_in: str = "Open in"
    source: str = "Source"
    notebook: str = "Notebook"
    notebooks: str = "All notebooks"
    slides: str = "Slides"
    view_source: str = "View source"
    edit_page: str = "Edit this page"
    markdown: str = "Markdown"
    copy_page: str = "Copy as Markdown"
    page_copied: str = "Copied."
    not_copied: str = "This could not be copied."
    discussion: str = "Discussion"
    table_of_contents: str = "Contents"
    """Heading of the contents, on paper."""
    edition: str = "{framework} edition"
    """On the title page."""
    release: str = "Release {release}"
    about_book: str = "About this book"
    """Heading of what the front page says, on paper."""
    cover: str = "Cover"
    name_index: str = "Index of Names"
    """Heading of the list of what the book's code defines, at the end of an EPUB."""
    access: str = "Formulas are MathML with their TeX, pictures have descriptions, and code is text."
    """What an EPUB tells of itself to those who listen to books."""
    show_talk: str = "Show here (loads {host})"
    install_first: str = "First, what this notebook needs is installed."
    """At the top of notebooks for other hosts, above the cell that does it."""
    bundle: str = "The notebooks of {title} for {framework}."
    """Begins the README of notebooks that readers take with them; what follows stands in it too."""
    bundles: str = "The notebooks of {title}, a folder for each framework. Each has a README that says how to start."
    make_environment: str = (
        "Make an environment with the packages that the notebooks were executed with. They are for Python {python}, "
        "which uv fetches where it is missing:"
    )
    make_any_environment: str = "Make an environment:"
    without_uv: str = "Without uv:"
    open_notebooks: str = "Open the notebooks:"
    execute_notebook: str = "Or execute one without a browser:"
    on_windows: str = "On Windows, write `.venv\\Scripts` for `.venv/bin`."
    library_in: str = "The notebooks import the library in {file}, which the first commands install."
    library: str = "The library of {title}: what the code of its pages saves."


ENGLISH = Words(numbered=("Figure %s", "Table %s", "Section %s"))

_FOLDER = Path(__file__).with_name("languages")
"""A file of words for each other language."""

_LOCALES = {"zh": "zh_CN", "zh_hans": "zh_CN", "zh_hant": "zh_TW"}
"""Languages that Sphinx knows by their country only."""


def words(language: str) -> Words:
    """The words of a language such as ``de`` or ``zh_TW``; English for those that nobody has translated."""
    name = locale_name(language).lower()
    names = (name, name.partition("_")[0])
    return ENGLISH if "en" in names else next((_read(known) for known in names if known in _languages()), Words())


@cache
def _languages() -> frozenset[str]:
    return frozenset(path.stem for path in _FOLDER.glob("*.toml"))


@cache
def _read(language: str) -> Words:
    values: dict[str, Any] = tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    if "numbered" in values:
        values["numbered"] = tuple(values["numbered"])
    return Words(**values)


def numbered(language: str) -> tuple[str, str, str]:
    """How the website names figures, tables and sections: octavo's words, or else those of Sphinx."""
    own = words(language).numbered
    if own is not None:
        return own
    import gettext

    import sphinx

    folder = Path(sphinx.__file__).parent / "locale"
    names = gettext.translation("sphinx", folder, [locale_name(language)], fallback=True)
    return names.gettext("Fig. %s"), names.gettext("Table %s"), names.gettext("Section %s")


def locale_name(language: str) -> str:
    """How Sphinx calls a language: ``pt-br`` → ``pt_BR``, ``zh`` → ``zh_CN``."""
    name = _normal(language)
    return _LOCALES.get(name.lower(), name)


def _normal(language: str) -> str:
    first, _, country = language.strip().replace("-", "_").partition("_")
    return f"{first.lower()}_{country.upper() if len(country) == 2 else country}" if country else first.lower()
