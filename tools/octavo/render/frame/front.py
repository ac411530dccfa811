"""The front page: what the settings put at its top, and own HTML in the place of running text.

Old books have a ``frontpage.html``, written for a theme with a grid and fonts of its own, which a script copied beside
the pages before they were built. It is looked for where these books keep it. Its styles count for its own part of the
page only, what it would fetch from other hosts stays away, and its pictures go where all pictures of the site are.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, unquote, urlsplit

from bs4 import BeautifulSoup, Comment, Tag
from docutils import nodes
from docutils.parsers.rst.directives.misc import Raw
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.images import get_image_size

from octavo.config import Settings
from octavo.diagnostics import Code, Diagnostic, warning
from octavo.model import Span
from octavo.render.application import BookApplication
from octavo.website import front_file

FILES = "octavo_files"
"""Attribute of own HTML: path of each file that it shows → the file's name in the site."""
ABOUT = "octavo_about"
"""Attribute of own HTML: its first words that say enough."""
LARGE = 300
"""From which width on a picture gets the room that it will need before it comes. Styles decide about smaller ones."""

_PHOTOS = (".jpg", ".jpeg")
"""Pictures that nothing shows through. Under others the theme puts a light ground where the page is dark."""
_FETCHING = ("srcset", "imagesrcset", "background", "xlink:href")
"""Attributes besides ``src`` whose addresses browsers fetch by themselves."""
_ELSEWHERE = re.compile(r"(?:[a-z][\w+.-]*:)?//[^\s,]+", re.IGNORECASE)
_DRAWN = ("image", "use", "feimage")
"""Elements of drawings that show what they name."""
_REMOTE = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_OTHER = re.compile(r"[a-z][a-z0-9+.-]*:|/|#", re.IGNORECASE)
"""Addresses that are no files beside the HTML."""
_RULE = re.compile(r"@(?:-\w+-)?(?:keyframes|font-face|property)\b[^{;]*\{(?:[^{}]|\{[^{}]*\})*\}", re.IGNORECASE)
"""A rule that cannot stand inside of another."""
_ALONE = re.compile(r"@(?:import|charset|namespace)\b[^;]*;|/\*.*?\*/|<!--|-->", re.IGNORECASE | re.DOTALL)
_URL = re.compile(r"url\(\s*[\"']?([^\"')]*)[\"']?\s*\)", re.IGNORECASE)

Named = Callable[[Path], str]
"""A file → its address on the front page."""


@dataclass(slots=True)
class OwnHtml:
    """A file of own HTML, made fit to stand on a page."""

    html: str = ""
    about: str = ""
    """The first words of it that say what the book is about."""
    heads: bool = False
    """Whether it shows the title of the page itself."""
    files: dict[Path, str] = field(default_factory=dict)
    """Each file that it shows → the file's address on the page."""
    messages: list[Diagnostic] = field(default_factory=list)


class _Fitting:
    """Goes through one file of own HTML."""

    def __init__(self, file: Path, shown: str, title: str, named: Named) -> None:
        self.folder = file.parent.resolve()
        self.shown = shown
        self.title = " ".join(title.split())
        self.named = named
        self.found = OwnHtml()
        content = file.read_bytes()
        self.soup = BeautifulSoup(content.decode("utf-8-sig", "replace"), "html.parser")
        try:
            content.decode()
        except UnicodeDecodeError as problem:
            line = content.count(b"\n", 0, problem.start) + 1
            message = f"the file is not UTF-8 text: {problem.reason}"
            self.found.messages.append(warning(Code.MARKUP, message, Span(shown, line, line), excerpt=""))

    def fit(self) -> OwnHtml:
        for comment in self.soup.find_all(string=lambda text: isinstance(text, Comment)):
            comment.extract()
        for tag in list(self.soup.find_all(True)):
            if not tag.decomposed:
                self._tag(tag)
        self._repeated_ids()
        self._silent_links()
        headings = self.soup.find_all(re.compile("^h[1-6]$"))
        self.found.heads = any(" ".join(heading.get_text().split()) == self.title for heading in headings)
        texts = (" ".join(paragraph.get_text(" ").split()) for paragraph in self.soup.find_all("p"))
        self.found.about = next((text for text in texts if len(text) >= LARGE // 10), "")
        self.found.html = str(self.soup).strip()
        return self.found

    def _tag(self, tag: Tag) -> None:
        if tag.name in ("html", "head", "body"):
            tag.unwrap()
        elif tag.name in ("meta", "title", "base"):
            tag.decompose()
        elif tag.name == "style":
            tag.string = self._scoped(tag.get_text(), tag)
        elif tag.name == "link":
            self._sheet(tag)
        elif tag.name in ("script", "iframe", "embed", "object"):
            self._fetched(tag)
        else:
            self._addresses(tag)

    def _addresses(self, tag: Tag) -> None:
        """Let an element's addresses lead to files of the site; a picture that is not there goes."""
        self._overlooked(tag)
        for name in ("src", "poster", "href"):
            address = str(tag.get(name) or "").strip()
            if not address or _OTHER.match(address):
                if _REMOTE.match(address) and name != "href":
                    self._tell("this picture is on another host, which readers' browsers would be sent to", tag)
                continue
            file = self._file(address)
            if file is not None:
                tag[name] = self._kept(file)
                if tag.name == "img":
                    self._room(tag, file)
            elif name != "href":
                hint = "the address is relative to this file's folder; the page comes out without it"
                self._tell(f"there is no file {address}", tag, hint, Code.MISSING_FILE)
                tag.decompose()
                return

    def _overlooked(self, tag: Tag) -> None:
        """Attributes that make browsers fetch something without looking like it."""
        if tag.get("style"):
            tag["style"] = _URL.sub(lambda match: self._url(match[1], tag), str(tag["style"])).replace('"', "'")
        for name in _FETCHING + (("href",) if tag.name in _DRAWN else ()):
            found = _ELSEWHERE.search(str(tag.get(name) or ""))
            if found:
                self._tell(f"the front page would fetch something from {_host(found[0])}, and comes out without", tag)
                del tag[name]
        del tag["ping"]

    def _room(self, image: Tag, file: Path) -> None:
        """Say how much room a picture needs, and that one further down can wait."""
        size = get_image_size(file)
        if size and size[0] >= LARGE and not image.get("width") and not image.get("height"):
            image["width"], image["height"] = str(size[0]), str(size[1])
        if file.suffix.lower() in _PHOTOS:
            image["class"] = f"{' '.join(image.get_attribute_list('class') or ())} ov-photo".strip()
        if image.get("alt") is None:
            image["alt"] = ""
        if len(self.found.files) > 1:
            image["loading"] = "lazy"

    def _sheet(self, link: Tag) -> None:
        address = str(link.get("href") or "")
        file = None if _OTHER.match(address) else self._file(address)
        if "stylesheet" in (link.get("rel") or ()) and file is not None and file.suffix == ".css":
            style = self.soup.new_tag("style")
            style.string = self._scoped(file.read_text(encoding="utf-8", errors="replace"), link)
            link.replace_with(style)
            return
        if _REMOTE.match(address):
            self._tell(f"the front page would fetch {_host(address)}'s styles, and comes out without", link)
        link.decompose()

    def _fetched(self, tag: Tag) -> None:
        """A script or frame: what comes from another host stays away."""
        address = str(tag.get("src") or tag.get("data") or "")
        if not address:
            return
        file = None if _OTHER.match(address) else self._file(address)
        if file is not None and tag.name == "script":
            tag["src"] = self._kept(file)
            return
        if _REMOTE.match(address):
            hint = "a script that readers' browsers shall fetch can be named in [html] include_js"
            self._tell(f"the front page would fetch {_host(address)}'s {tag.name}, and comes out without", tag, hint)
        tag.decompose()

    def _file(self, address: str) -> Path | None:
        """The file beside the HTML that an address names."""
        try:
            path = (self.folder / unquote(urlsplit(address).path)).resolve()
            return path if path.is_relative_to(self.folder) and path.is_file() else None
        except (OSError, ValueError):  # a name that no file can have
            return None

    def _kept(self, file: Path) -> str:
        return self.found.files.setdefault(file, self.named(file))

    def _scoped(self, css: str, tag: Tag) -> str:
        """Styles that count for own HTML only, by standing inside of one rule."""
        css = _ALONE.sub("", css)
        outside = "\n".join(_RULE.findall(css))
        inside = _RULE.sub("", css).strip()
        css = _URL.sub(lambda match: self._url(match[1], tag), f"{outside}\n.ov-front {{\n{inside}\n}}")
        return re.sub(r"</", r"<\\/", css)

    def _url(self, address: str, tag: Tag) -> str:
        if _REMOTE.match(address):
            self._tell(f"a style of the front page would fetch a file from {_host(address)}", tag)
            return "none"
        file = None if _OTHER.match(address) else self._file(address)
        return f'url("{self._kept(file) if file else address}")'

    def _silent_links(self) -> None:
        """A link that is a picture without words is called by its address, for those who listen."""
        for link in self.soup.find_all("a", href=True):
            words = [link.get_text(), *(str(image.get("alt") or "") for image in link.find_all("img"))]
            if not any(word.strip() for word in words) and not link.get("aria-label") and not link.get("title"):
                link["aria-label"] = _host(str(link["href"]))

    def _repeated_ids(self) -> None:
        seen: set[str] = set()
        for tag in self.soup.find_all(id=True):
            if str(tag["id"]) in seen:
                del tag["id"]
            else:
                seen.add(str(tag["id"]))

    def _tell(self, message: str, tag: Tag, hint: str = "", code: Code = Code.THIRD_PARTY) -> None:
        line = tag.sourceline or 1
        self.found.messages.append(warning(code, message, Span(self.shown, line, line), hint=hint))


def own_html(file: Path, shown: str, title: str, named: Named) -> OwnHtml:
    """A file of own HTML as it can stand on the page that ``title`` heads; ``shown`` is the file's path in messages."""
    return _Fitting(file, shown, title, named).fit()


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc or address
    except ValueError:  # a bracket that nothing closes
        return address


# -- on the page


class FrontRaw(Raw):
    """``raw`` with a file of HTML on the front page."""

    def run(self) -> list[nodes.Node]:
        """The HTML of the file, fit for the page; everything else is docutils' own matter."""
        env = self.state.document.settings.env
        application = cast(BookApplication, env._app)
        settings, page = application.source.settings, env.current_document.docname
        name = self.options.get("file", "")
        if page != settings.index or self.arguments[0].lower() != "html" or not name:
            return list(super().run())
        file = front_file(settings.source, posixpath.join(posixpath.dirname(page), name))
        return [_node(file, application)] if file is not None else list(super().run())


def _node(file: Path, application: BookApplication) -> nodes.raw:
    """Own HTML as a node, with its files noted as pictures of the front page."""
    settings, env = application.source.settings, application.env
    page = settings.index
    document = application.source.documents[page]
    up = "../" * page.count("/")
    noted: dict[str, str] = {}

    def named(picture: Path) -> str:
        path = _relative(picture, settings)
        noted[path] = env.images.add_file(page, path)
        return f"{up}_images/{quote(noted[path])}"

    found = own_html(file, os.path.relpath(file, settings.root), document.title, named)
    for path in (file, *found.files):
        env.note_dependency(_relative(path, settings))
    for message in found.messages:
        application.tell(message)
    classes = "ov-front ov-front-heads" if found.heads else "ov-front"
    node = nodes.raw("", f'<div class="{classes}">\n{found.html}\n</div>', format="html")
    node[FILES], node[ABOUT] = noted, found.about
    return node


def _relative(path: Path, settings: Settings) -> str:
    source = settings.source.resolve()
    path = path.resolve()
    return path.relative_to(source).as_posix() if path.is_relative_to(source) else str(path)


def insert(app: Sphinx, document: nodes.document) -> None:
    """Put the own HTML that the settings name below the title of the front page."""
    application = cast(BookApplication, app)
    settings = application.source.settings
    name = settings.website.front_html
    if not name or application.env.current_document.docname != settings.index:
        return
    section = next(iter(document.findall(nodes.section)), document)
    after = 1 if section.children and isinstance(section.children[0], nodes.title) else 0
    section.insert(after, _node(settings.root / name, application))


class FrontFiles(SphinxPostTransform):
    """Hands the files of own HTML to the builder, which copies them like pictures."""

    formats = ("html",)
    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        """Note them; the names were given when the page was read."""
        for node in self.document.findall(nodes.raw):
            cast(BookApplication, self.env._app).builder.images.update(node.get(FILES, {}))


def about(document: nodes.document) -> str:
    """What own HTML on a page says first."""
    return next((str(node[ABOUT]) for node in document.findall(nodes.raw) if node.get(ABOUT)), "")


# -- the top of the page, from settings


def top(app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document | None) -> None:
    """Let the front page begin with what the settings say, around its title."""
    application = cast(BookApplication, app)
    settings = application.source.settings
    site = settings.website
    if page != settings.index or document is None:
        return
    has_top = bool(site.front_line or site.front_picture or context["octavo_front_links"])
    has_own = any(FILES in node for node in document.findall(nodes.raw))
    if not has_top and not has_own:
        return
    context["octavo_front"] = True
    if has_own:
        context["furo_hide_toc"] = True
    if has_top:
        title = re.search(r"<h1\b.*?</h1>", context["body"], re.DOTALL)
        heading = title[0] if title else ""
        values = {"heading": heading, "site": site, "picture": picture(settings), **_size(settings)}
        values["authors"] = settings.author if settings.author != Settings.author else ""
        shown = app.builder.templates.render("octavo-front.html", {**context, **values})
        context["body"] = context["body"].replace(heading, shown, 1) if heading else shown + context["body"]


def picture(settings: Settings) -> str:
    """Path in the site of the picture beside the title."""
    name = settings.website.front_picture
    return f"_static/front{Path(name).suffix.lower()}" if name else ""


def _size(settings: Settings) -> Mapping[str, int]:
    size = get_image_size(settings.root / settings.website.front_picture) if settings.website.front_picture else None
    return {"width": size[0], "height": size[1]} if size and all(size) else {}


def files(settings: Settings) -> Iterator[tuple[str, bytes]]:
    """Path in the site and content of each file that the top of the front page needs."""
    if settings.website.front_picture:
        yield picture(settings), (settings.root / settings.website.front_picture).read_bytes()


def setup(app: Sphinx) -> None:
    """Register what makes front pages."""
    app.add_directive("raw", FrontRaw, override=True)
    app.add_post_transform(FrontFiles)
    app.connect("doctree-read", insert)
    if cast(BookApplication, app).is_site:
        app.connect("html-page-context", top, priority=700)
