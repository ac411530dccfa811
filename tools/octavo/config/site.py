"""The keys of the website: sections ``[html]``, ``[front]``, ``[colab]`` and ``[sagemaker]``."""

from __future__ import annotations

from collections.abc import Iterator

from octavo.config.hosted import REPOSITORY, repositories
from octavo.config.values import PLACEHOLDER, Values, is_address
from octavo.website import SERVICES, Elsewhere, HeaderLink, Host, Website, analytics_service, opening


def website(values: Values) -> Website:
    """Everything that the file says of the website."""
    base_url = values.address("html", "base_url")
    analytics = values.address("html", "analytics")
    if analytics and not analytics_service(analytics):
        hint = "an address that ends in /count (GoatCounter) or in /api/event (Plausible)"
        values.complain("html", "analytics", f"{analytics!r} is no service that pages can report to", hint)
        analytics = ""
    return Website(
        base_url=f"{base_url.rstrip('/')}/" if base_url else "",
        description=" ".join(values.text("html", "description").split()),
        image=values.file("html", "image"),
        announcement=" ".join(values.text("html", "announcement").split()),
        versions=_elsewhere(values, "versions"),
        languages=_elsewhere(values, "languages"),
        analytics=analytics,
        api=values.flag("html", "api"),
        front_html=values.file("front", "html"),
        front_line=" ".join(values.text("front", "line").split()),
        front_picture=values.file("front", "picture"),
        front_links=links(values, "front", "links"),
        repository=_repository(values),
        branch=values.text("html", "branch"),
        path=values.folder("html", "path").strip("/"),
        hosts=(
            *(host for section, title in SERVICES.items() for host in _notebook_hosts(values, section, title)),
            *_hosts(values, bool(base_url)),
        ),
        pdf=_template(values, "html", "pdf", values.text("html", "pdf"), ("tab",)),
        epub=_template(values, "html", "epub", values.text("html", "epub"), ("tab",)),
        discourse=f"{discourse.rstrip('/')}/" if (discourse := values.address("html", "discourse")) else "",
        giscus=_giscus(values),
    )


def _repository(values: Values) -> str:
    value = values.text("html", "repository").rstrip("/").removesuffix(".git")
    if REPOSITORY.fullmatch(value):
        return f"https://github.com/{value}"
    if not value or is_address(value):
        return value
    values.complain("html", "repository", f"{value!r} is no repository", "such as NAME/BOOK or https://…")
    return ""


def _template(values: Values, section: str, name: str, value: str, known: tuple[str, ...]) -> str:
    """An address in which words in braces stand for something; empty for what is none, which is reported."""
    plain = value
    for word in known:
        plain = plain.replace(f"{{{word}}}", "x")
    if not value or is_address(plain):
        return value
    hint = f"it begins with https://, and may have {' and '.join(f'{{{word}}}' for word in known)} in it"
    values.complain(section, name, f"{value!r} is no address of the web", hint, value)
    return ""


def _hosts(values: Values, has_address: bool) -> Iterator[Host]:
    """Where notebooks can be run: a title and an address in each line."""
    for line in filter(None, map(str.strip, values.value("html", "open_in").split("\n"))):
        if values.is_placeholder("html", "open_in", line, "that line of open_in is left out"):
            continue
        title, _, address = (part.strip() for part in line.partition(","))
        if not title or not address:
            message = f"{line!r} does not consist of a title and an address; it is left out"
            values.complain("html", "open_in", message, "such as Colab, https://…/{tab}/{page}.ipynb", line)
        elif "{notebook}" in address and not has_address:
            message = f"{{notebook}} is an address of this website, which is not known; {title} is left out"
            values.complain("html", "open_in", message, "set [html] base_url", line)
        elif address := _template(values, "html", "open_in", address, ("tab", "page", "notebook")):
            yield Host(title, address)


def _notebook_hosts(values: Values, section: str, title: str) -> Iterator[Host]:
    """Where the repositories of notebooks can be opened: one, or one for each framework."""
    exclusions = values.words("colab", "exclusions") if section == "colab" else ()
    for tab, repository in repositories(values, section):
        yield Host(title, f"{opening(section, repository)}{{page}}.ipynb", tab, exclusions)


def _giscus(values: Values) -> tuple[str, str, str, str] | None:
    parts = [part.strip() for part in values.text("html", "giscus").split(",")]
    if parts == [""]:
        return None
    if len(parts) != 4 or not REPOSITORY.fullmatch(parts[0]) or not all(parts):
        message = "giscus does not consist of a repository, its id, a category and its id"
        values.complain("html", "giscus", message, "as https://giscus.app shows them for a repository")
        return None
    return parts[0], parts[1], parts[2], parts[3]


def _elsewhere(values: Values, name: str) -> tuple[Elsewhere, ...]:
    """Other versions or languages of the book: a title, an address and perhaps a code in each line."""
    found = []
    for line in filter(None, map(str.strip, values.value("html", name).split("\n"))):
        if values.is_placeholder("html", name, line, f"that line of {name} is left out"):
            continue
        title, address, code, *more = [*(part.strip() for part in line.split(",")), "", ""]
        if not title or not is_address(address) or any(more):
            message = f"{line!r} does not consist of a title and an address; it is left out"
            values.complain("html", name, message, "such as 1.0, https://book.example.org/1.0/", line)
        else:
            found.append(Elsewhere(title, f"{address.rstrip('/')}/", code))
    return tuple(found)


def links(values: Values, section: str, name: str) -> tuple[HeaderLink, ...]:
    """Links, one or several a line; a line that does not fit is reported and left out."""
    written = values.value(section, name).split("\n")
    lines = [[part.strip() for part in line.split(",") if part.strip()] for line in written]
    lines = [line for line in lines if line]
    parts = [part for line in lines for part in line]
    if len(parts) % 3 == 0 and all(len(line) % 3 for line in lines) and any(len(line) == 1 for line in lines):
        lines = [parts]  # links that go over several lines
    links = []
    for line in lines:
        if len(line) == 2:
            line.append("")  # a link without an icon
        if len(line) % 3:
            message = f"the link {', '.join(line)!r} does not consist of title, address and icon; it is left out"
            values.complain(section, name, message, text=line[0])
            continue
        links += [HeaderLink(*line[i : i + 3]) for i in range(0, len(line), 3)]
    return tuple(link for link in links if not _is_unfinished(values, link, section, name))


def _is_unfinished(values: Values, link: HeaderLink, section: str, name: str) -> bool:
    title = f"the link {link.title!r}" if not PLACEHOLDER.search(link.title) else "the link"
    return any(
        values.is_placeholder(section, name, part, f"{title} is left out") for part in (link.title, link.address)
    )
