"""What can be done with a page besides reading it: files to take, services that run it, its source, talk about it.

Everything is a plain link. What differs by framework is listed once for each of them, and style sheets show the one
that is chosen; a page that lacks it offers what it shows instead.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import quote, urlsplit

from octavo.config import Settings, tab_title
from octavo.model import Document
from octavo.render.application import BookApplication
from octavo.render.facts import facts_of
from octavo.render.pages.outputs import Pictures, describe_svg
from octavo.render.words import Words
from octavo.source.discussions import Discussion
from octavo.website import (
    Host,
    Offered,
    Website,
    archive_address,
    markdown_address,
    notebook_address,
    product_name,
    slides_address,
)

__all__ = ["Action", "Menu", "Talk", "discussions_of", "markdown_address", "menus_of", "picture_address"]

_IMAGES = "_images"


@dataclass(frozen=True, slots=True)
class Action:
    """A link of a menu."""

    text: str
    address: str = ""
    """Address from the page, or of the web; empty for what takes a script."""
    tabs: str = ""
    """The frameworks whose readers see it; empty for all."""
    framework: str = ""
    """The framework that it is for, as readers call it; empty where there is no choice."""
    download: str = ""
    """How the file is called where the reader keeps it."""
    copy: str = ""
    """Address of a script that holds the text to be copied."""


@dataclass(frozen=True, slots=True)
class Menu:
    """Links of one kind."""

    title: str
    actions: tuple[Action, ...]

    @property
    def tabs(self) -> str:
        """The frameworks whose readers see any of them; empty for all."""
        if any(not action.tabs for action in self.actions):
            return ""
        return " ".join(dict.fromkeys(tab for action in self.actions for tab in action.tabs.split()))


@dataclass(frozen=True, slots=True)
class Talk:
    """Where a page is talked about."""

    words: str
    address: str
    tabs: str = ""
    framework: str = ""
    host: str = ""
    """Who is asked if it is shown on the page; empty where it cannot be."""
    frame: str = ""
    """Address of a frame that shows it."""
    giscus: Mapping[str, str] | None = None
    """What giscus has to be told to show it."""


@dataclass(frozen=True)
class _Page:
    """A page, and how the frameworks of its website fare with it."""

    document: Document
    settings: Settings
    words: Words
    offered: Offered
    relative: Callable[[str], str]
    """Path in the website → address from this page."""

    def served(self) -> dict[str, list[str]]:
        """Framework that the page has → the frameworks whose readers see it: its own, and those that it lacks."""
        tabs = self.settings.tabs
        own = [tab for tab in tabs if tab in self.document.tabs] or list(tabs)
        return {tab: [tab, *(other for other in tabs if tab == own[0] and other not in own)] for tab in own}

    def for_each(self, made: Callable[[str], Action | None]) -> Iterator[Action]:
        """An action for each framework; one that is the same for all stands there once."""
        found = {tab: action for tab in self.served() if (action := made(tab)) is not None}
        if 1 < len(found) == len(self.served()) and len({(a.address, a.copy) for a in found.values()}) == 1:
            yield next(iter(found.values()))
            return
        several = len(self.settings.tabs) > 1
        for tab, action in found.items():
            tabs = " ".join(self.served()[tab])
            yield replace(action, tabs=tabs, framework=tab_title(tab)) if several else action


# -- menus


def menus_of(
    document: Document, settings: Settings, words: Words, offered: Offered, relative: Callable[[str], str]
) -> tuple[Menu, ...]:
    """What a page offers; menus without anything in them are left out."""
    page = _Page(document, settings, words, offered, relative)
    menus = (
        Menu(words.download, tuple(_downloads(page))),
        Menu(words.open_in, tuple(_hosts(page))),
        Menu(words.source, tuple(_sources(page))),
    )
    return tuple(menu for menu in menus if menu.actions)


def _downloads(page: _Page) -> Iterator[Action]:
    name, website = page.document.page, page.settings.website

    def notebook(tab: str) -> Action | None:
        if (name, tab) not in page.offered.notebooks:
            return None
        address = page.relative(notebook_address(name, tab))
        return Action(page.words.notebook, address, download=f"{product_name(posixpath.basename(name), tab)}.ipynb")

    def whole(text: str, path: Callable[[str], str], elsewhere: str = "") -> Callable[[str], Action | None]:
        def action(tab: str) -> Action | None:
            if elsewhere:
                return Action(text, elsewhere.replace("{tab}", tab))
            return Action(text, page.relative(path(tab))) if path(tab) in page.offered.whole else None

        return action

    def slides(tab: str) -> Action | None:
        address = slides_address(name, tab)
        return Action(page.words.slides, page.relative(address)) if address in page.offered.whole else None

    book = page.settings.name
    yield from page.for_each(notebook)
    yield from page.for_each(slides)
    yield from page.for_each(whole(page.words.notebooks, lambda tab: archive_address(book, tab)))
    yield from page.for_each(whole("PDF", lambda tab: f"pdf/{product_name(book, tab)}.pdf", website.pdf))
    yield from page.for_each(whole("EPUB", lambda tab: f"epub/{product_name(book, tab)}.epub", website.epub))


def _hosts(page: _Page) -> Iterator[Action]:
    """Services that run the page's notebook, where it has one."""
    settings, name = page.settings, page.document.page

    def on(hosts: Sequence[Host]) -> Callable[[str], Action | None]:
        def action(tab: str) -> Action | None:
            if (name, tab) not in page.offered.notebooks:
                return None
            host = next((host for host in hosts if host.tab in ("", tab) and not _is_excluded(host, page)), None)
            return Action(host.title, _filled(host.address, name, tab, settings.website)) if host else None

        return action

    for title in dict.fromkeys(host.title for host in settings.website.hosts):
        yield from page.for_each(on([host for host in settings.website.hosts if host.title == title]))


def _is_excluded(host: Host, page: _Page) -> bool:
    globs = (glob.removesuffix(".html") for glob in host.exclusions)
    return any(page.settings.matches(glob, page.document.page) for glob in globs)


def _filled(template: str, page: str, tab: str, website: Website) -> str:
    notebook = quote(website.base_url + quote(notebook_address(page, tab)), safe="")
    filled = template.replace("{page}", quote(page)).replace("{tab}", quote(tab))
    return filled.replace("{notebook}", notebook)


def _sources(page: _Page) -> Iterator[Action]:
    words, website, name = page.words, page.settings.website, page.document.page
    if website.repository and not page.document.made:
        between = "/-" if (urlsplit(website.repository).hostname or "").startswith("gitlab") else ""
        path = quote(posixpath.join(website.path, page.document.path))
        for text, kind in ((words.view_source, "blob"), (words.edit_page, "edit")):
            yield Action(text, f"{website.repository}{between}/{kind}/{quote(website.branch)}/{path}")
    if name in page.offered.markdown:
        yield from page.for_each(lambda tab: Action(words.markdown, page.relative(markdown_address(name, tab))))
        yield from page.for_each(
            lambda tab: Action(words.copy_page, copy=page.relative(f"{markdown_address(name, tab)}.js"))
        )


# -- where it is talked about


def discussions_of(
    document: Document, settings: Settings, words: Words, said: Iterable[Discussion]
) -> tuple[Talk, ...]:
    """The discussions of a page: those that its author names, or else those that giscus keeps."""
    several = len(settings.tabs) > 1
    served = _Page(document, settings, words, Offered(), str).served()
    talks = []
    for one in said:
        tabs = [tab for own, seen in served.items() if own in one.tabs for tab in seen]
        framework = tab_title(one.tabs[0]) if several and len(one.tabs) == 1 else ""
        if tabs or not one.tabs:
            talks.append(_in_forum(Talk(one.words, one.address, " ".join(tabs), framework), settings.website))
    if talks or settings.website.giscus is None or document.page == settings.index:
        return tuple(talks)
    for tab, seen in served.items():
        term = f"{document.page} ({tab_title(tab)})" if several else document.page
        talk = _in_giscus(words.discussion, term, settings)
        talks.append(replace(talk, tabs=" ".join(seen), framework=tab_title(tab)) if several else talk)
    return tuple(talks)


def _in_forum(talk: Talk, website: Website) -> Talk:
    """A topic of the book's own forum can be shown on the page."""
    if not website.discourse or not talk.address.startswith(f"{website.discourse}t/"):
        return talk
    number = next((part for part in urlsplit(talk.address).path.split("/t/", 1)[1].split("/") if part.isdigit()), "")
    if not number:
        return talk
    frame = f"{website.discourse}embed/comments?topic_id={number}"
    return replace(talk, frame=frame, host=urlsplit(website.discourse).netloc)


def _in_giscus(words: str, term: str, settings: Settings) -> Talk:
    assert settings.website.giscus is not None
    repository, repository_id, category, category_id = settings.website.giscus
    told = {
        "repo": repository,
        "repo-id": repository_id,
        "category": category,
        "category-id": category_id,
        "mapping": "specific",
        "term": term,
        "strict": "1",
        "lang": settings.language,
    }
    address = f"https://github.com/{repository}/discussions?discussions_q={quote(term)}"
    return Talk(words, address, host="giscus.app", giscus=told)


# -- addresses of pictures


def picture_address(path: str) -> str:
    """Where the website has an author's picture: its path in the source folder → a path in the website."""
    return f"{_IMAGES}/{path.replace('/', '-')}"


def drawn_picture(pictures: Pictures, words: Words, kind: str, content: str) -> tuple[str, str] | None:
    """The same for a picture that a cell drew, and what it shows in words; ``None`` for one that is not shown."""
    file = pictures.save(kind, content)
    if file is None:
        return None
    told = describe_svg(content, words.plot) if kind == "image/svg+xml" else words.picture
    return f"{_IMAGES}/{file.name}", told


# -- Sphinx


def add_actions(app: Any, page: str, template: str, context: dict[str, Any], document: object) -> None:
    """Give the templates of a page what can be done with it; pages that nobody wrote have nothing."""
    source = cast(BookApplication, app).source
    own = source.documents.get(page)
    if own is None or page not in facts_of(app.env).pages:
        return
    pathto = context["pathto"]
    context["octavo_menus"] = menus_of(
        own, source.settings, source.words, source.offered, lambda path: pathto(quote(path), resource=True)
    )
    said = facts_of(app.env).pages[page].discussions
    context["octavo_talks"] = discussions_of(own, source.settings, source.words, said)


def setup(app: Any) -> None:
    """Let every page have its actions."""
    app.connect("html-page-context", add_actions)
