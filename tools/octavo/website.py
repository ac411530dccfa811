"""What ``config.ini`` says of the website alone: where it is published, and what its pages offer besides the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class HeaderLink:
    """A link beside the contents of the book, or on its front page."""

    title: str
    address: str
    icon: str
    """Classes of FontAwesome, as old books have them, or empty."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The book in another version or language."""

    title: str
    address: str
    """Address of its front page, ending in a slash."""
    code: str = ""
    """Its language, such as ``zh``, if somebody says so."""


@dataclass(frozen=True, slots=True)
class Host:
    """Somewhere else where readers can run a page's notebook."""

    title: str
    address: str
    """With ``{page}``, ``{tab}`` and ``{notebook}`` where these go in; the last is an address in this website."""
    tab: str = ""
    """The framework that it is for; empty for all."""
    exclusions: tuple[str, ...] = ()
    """Globs of pages that are not there, with the ending ``.html``, as old books write them."""


SERVICES = {"colab": "Colab", "sagemaker": "SageMaker Studio Lab", "kaggle": "Kaggle", "binder": "Binder"}
"""Services that open notebooks of a repository on GitHub, as settings and readers call them."""
_OPENING = {
    "colab": "https://colab.research.google.com/github/{repository}/blob/master/",
    "sagemaker": "https://studiolab.sagemaker.aws/import/github/{repository}/blob/master/",
    "kaggle": "https://www.kaggle.com/kernels/welcome?src=https://github.com/{repository}/blob/HEAD/",
    "binder": "https://mybinder.org/v2/gh/{repository}/HEAD?labpath=",
}
"""How their addresses begin; old books have their notebooks on the branch ``master``."""


def opening(service: str, repository: str) -> str:
    """What stands before the path of a notebook of a repository in the address that opens it."""
    return _OPENING[service].format(repository=repository)


def in_repository(service: str, repository: str) -> str:
    """What stands before the path of a file of a repository in the address that it is fetched from."""
    branch = "master" if "/master/" in _OPENING[service] else "HEAD"
    return f"https://github.com/{repository}/raw/{branch}/"


@dataclass(frozen=True, slots=True)
class Website:
    """The website's own settings. All of it is shown on every page, so that a change writes every page again."""

    base_url: str = ""
    """Address at which the website is published, ending in a slash; empty where nobody knows it."""
    description: str = ""
    """What the book is about; empty where its first paragraph says it."""
    image: str = ""
    """Path of the picture that other sites show with a link to the book, relative to the book's root."""
    announcement: str = ""
    """A line of Markdown at the top of every page."""
    versions: tuple[Elsewhere, ...] = ()
    languages: tuple[Elsewhere, ...] = ()
    analytics: str = ""
    """Address to which pages report that they were read."""
    api: bool = True
    """Whether there are pages that describe the libraries."""
    front_html: str = ""
    """File of own HTML for the front page, relative to the book's root."""
    front_line: str = ""
    """A sentence below the front page's title."""
    front_picture: str = ""
    front_links: tuple[HeaderLink, ...] = ()
    repository: str = ""
    """Address of the repository that holds the book's source, without a slash at its end."""
    branch: str = "main"
    path: str = ""
    """The source folder in the repository; empty for the repository itself."""
    hosts: tuple[Host, ...] = ()
    pdf: str = ""
    """Address of the book as PDF, perhaps with ``{tab}`` in it."""
    epub: str = ""
    discourse: str = ""
    """Address of a forum whose topics may be shown on pages, ending in a slash."""
    giscus: tuple[str, str, str, str] | None = None
    """Repository, its id, category and its id of the discussions that giscus shows on pages."""


def front_file(source: Path, name: str) -> Path | None:
    """The file of own HTML that a front page names, where it says, or where old books keep it for their scripts."""
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        return None
    places = (source / path, source / "static" / "frontpage" / path.name, source / "static" / path.name)
    return next((place for place in places if place.is_file()), None)


def analytics_service(address: str) -> Literal["goatcounter", "plausible", ""]:
    """Whose the address is that pages report to, by its path; empty for an unknown service's."""
    path = urlsplit(address).path.rstrip("/")
    if path.endswith("/api/event"):
        return "plausible"
    return "goatcounter" if path.endswith("/count") else ""


@dataclass(frozen=True, slots=True)
class Offered:
    """What stands beside the pages of a website for readers to take; another stage makes it."""

    notebooks: frozenset[tuple[str, str]] = frozenset()
    """(page, framework) of each notebook."""
    markdown: frozenset[str] = frozenset()
    """The pages that stand there as Markdown."""
    whole: frozenset[str] = frozenset()
    """Files of the whole book: paths in the website."""


def _named(tab: str, between: str) -> str:
    """A framework in the name of a file; a book without frameworks does not name the one that it has."""
    return "" if tab == "default" else f"{between}{tab}"


def markdown_address(page: str, tab: str) -> str:
    """Where a page stands as Markdown, for the readers of one framework; a path in the website."""
    return f"{page}{_named(tab, '.')}.md"


def notebook_address(page: str, tab: str) -> str:
    """Where a page stands as a notebook of one framework."""
    return f"notebooks/{tab}/{page}.ipynb"


def slides_address(page: str, tab: str) -> str:
    """Where the slides of a page are, for one framework."""
    return f"slides/{tab}/{page}.html"


def product_name(name: str, tab: str) -> str:
    """How the files of a whole book are called, without their ending: ``short-dive-pytorch``."""
    plain = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "book"
    return f"{plain}{_named(tab, '-')}"


def archive_address(name: str, tab: str) -> str:
    """Where all notebooks of a framework are, in one file."""
    return f"notebooks/{product_name(name, tab)}.zip"
