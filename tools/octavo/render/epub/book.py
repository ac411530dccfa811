"""Pages, pictures and what the settings say → one EPUB."""

from __future__ import annotations

import hashlib
import posixpath
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sphinx.highlighting import PygmentsBridge

from octavo import products
from octavo.config import Settings, tab_title
from octavo.render.epub import cover, xhtml
from octavo.render.epub.package import NAV, XHTML, File, Landmark, Metadata, Place, Publication, document, write
from octavo.render.frame import theme
from octavo.render.frame.navigation import Entry, walk
from octavo.website import product_name

if TYPE_CHECKING:
    from octavo.render.epub.builder import EpubBuilder

STYLE = "style.css"
TITLE_PAGE, NAMES = "titlepage.xhtml", "names.xhtml"
PICTURES = "_images"
_OWN = (NAV, TITLE_PAGE, NAMES, cover.PAGE)
_UNSAID = re.compile(rb'<img\b[^<>]*\salt="\s*"')
"""A picture that nobody has described."""


def file_of(page: str) -> str:
    """The file of a page in the book: its own name, if every archive can hold it."""
    name = page
    if not re.fullmatch(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/)*[A-Za-z0-9_][A-Za-z0-9_.-]*", page):
        plain = "/".join(re.sub(r"[^A-Za-z0-9_-]+", "-", part).strip("-") or "page" for part in page.split("/"))
        name = f"{plain}-{hashlib.sha256(page.encode()).hexdigest()[:8]}"
    return f"{name}-page.xhtml" if f"{name}.xhtml" in _OWN else f"{name}.xhtml"


def relative(target: str, page: str) -> str:
    """The address of a file of the book, seen from another."""
    return posixpath.relpath(target, posixpath.dirname(page) or ".")


def language_tag(locale: str) -> str:
    """``zh_TW`` → ``zh-TW``."""
    return locale.replace("_", "-")


def kind_of(builder: EpubBuilder, page: str) -> str:
    """Which part of a book a page belongs to: before, in or behind what is numbered."""
    numbers = builder.env.toc_secnumbers
    number = numbers.get(page, {}).get("")
    if number:
        return "bodymatter chapter" if len(number) == 1 else "bodymatter"
    order = [builder.application.source.settings.index, *(entry.page for entry in walk(builder.tree))]
    numbered = [at for at, one in enumerate(order) if numbers.get(one, {}).get("")]
    at = order.index(page) if page in order else 0
    if not numbered or numbered[0] < at < numbered[-1]:
        return "bodymatter"
    return "frontmatter" if at < numbered[0] else "backmatter"


def bind(builder: EpubBuilder) -> None:
    """Write the archive from the pages that were written."""
    source = builder.application.source
    settings, said = source.settings, source.words
    language, sheets = language_tag(builder.config.language), _style()
    pages = _pages(builder)
    own = _own_pages(builder, language, pages)
    texts = _with_places({**pages, **own})
    pictures = list(_pictures(builder, texts.values()))
    front = cover.made(settings, language, said.cover, Path(builder.outdir))
    first = settings.index
    order = [cover.PAGE, TITLE_PAGE, NAV, *pages, *([NAMES] if NAMES in own else [])]
    files = [
        *front,
        *(File(name, XHTML, text.encode(), _properties(text)) for name, text in texts.items()),
        *pictures,
        File(STYLE, "text/css", sheets.encode()),
    ]
    contents = [*_contents(builder, builder.tree)]
    if file_of(first) in pages:
        contents.insert(0, Place(builder.title_of(first), file_of(first)))
    if NAMES in own:
        contents.append(Place(said.name_index, NAMES))
    publication = Publication(
        _metadata(settings, language, said.access, files),
        tuple(files),
        tuple(order),
        tuple(contents),
        tuple(_landmarks(builder, pages, own)),
        said.contents,
        said.contents,
        STYLE,
    )
    write(publication, Path(builder.outdir, f"{product_name(settings.name, settings.tabs[0])}.epub"))


# -- pages


def _pages(builder: EpubBuilder) -> dict[str, str]:
    """File → text of each page that there is, in the order in which they are read."""
    order = [builder.application.source.settings.index, *(entry.page for entry in walk(builder.tree))]
    paths = {file_of(page): builder.get_output_path(page) for page in order}
    return {name: path.read_text(encoding="utf-8") for name, path in paths.items() if path.is_file()}


def _with_places(texts: Mapping[str, str]) -> dict[str, str]:
    """Links to a place that its page does not have lead to the page, and those to a page that is not there nowhere."""
    places = {name: set(map(unescape, re.findall(r'\sid="([^"]*)"', text))) for name, text in texts.items()}

    def mended(name: str) -> Callable[[re.Match[str]], str]:
        def mend(match: re.Match[str]) -> str:
            href = unescape(match[2])
            target, mark, anchor = href.partition("#")
            inside = posixpath.normpath(posixpath.join(posixpath.dirname(name), target)) if target else name
            if inside not in places and inside not in _OWN:
                return match[1].rstrip()
            if mark and anchor not in places.get(inside, ()):
                return f'{match[1]}href="{escape(target or posixpath.basename(name))}"'
            return match[0]

        return mend

    # addresses on the network have a colon
    return {name: re.sub(r'(<a\s(?:[^<>]*?\s)?)href="([^":]*)"', mended(name), text) for name, text in texts.items()}


def _properties(text: str) -> tuple[str, ...]:
    """What the package document says of a page."""
    return tuple(name for name, tag in (("mathml", "<math"), ("svg", "<svg")) if re.search(rf"{tag}[\s>]", text))


def _pictures(builder: EpubBuilder, texts: Iterable[str]) -> Iterator[File]:
    """The pictures that the pages show."""
    shown = {name for text in texts for name in re.findall(rf'\ssrc="[^"]*{PICTURES}/([^"]+)"', text)}
    made = {one.name: one for one in builder.pictures.values() if one is not None}
    for name in sorted(shown & made.keys()):
        yield File(f"{PICTURES}/{name}", made[name].kind, made[name].content)


def _own_pages(builder: EpubBuilder, language: str, pages: Mapping[str, str]) -> dict[str, str]:
    """The title page, and the index of what the book defines if it does."""
    source = builder.application.source
    settings = source.settings
    own = {TITLE_PAGE: document(settings.title or settings.name, _title(settings), language, STYLE, "frontmatter")}
    names = "".join(f"<li>{entry}</li>\n" for entry in _names(builder, pages))
    if names:
        title = source.words.name_index
        body = (
            f'<section epub:type="index" role="doc-index">\n<h1>{escape(title)}</h1>\n'
            f'<ul class="ov-names">\n{names}</ul>\n</section>'
        )
        own[NAMES] = document(title, body, language, STYLE, "backmatter")
    return own


def _title(settings: Settings) -> str:
    site = settings.website.base_url
    lines = [f"<h1>{escape(settings.title or settings.name)}</h1>"]
    if settings.tabs[0] != "default":
        lines.append(f'<p class="ov-edition">{escape(tab_title(settings.tabs[0]))}</p>')
    if settings.author:
        lines.append(f'<p class="ov-author">{escape(settings.author)}</p>')
    small = [settings.release, f"© {settings.copyright}" if settings.copyright else ""]
    lines += [f'<p class="ov-small">{escape(text)}</p>' for text in small if text]
    if site and (address := xhtml.outside(f"{site}?tab={quote(settings.tabs[0])}")):
        lines.append(f'<p class="ov-small"><a href="{escape(address)}">{escape(site)}</a></p>')
    return '<section epub:type="titlepage" class="ov-titlepage">\n' + "\n".join(lines) + "\n</section>"


def _names(builder: EpubBuilder, pages: Mapping[str, str]) -> Iterator[str]:
    """The names that the book defines for its readers, each with the section where it does."""
    libraries = builder.application.source.libraries
    for library in libraries.by_tab.values():
        for name in sorted((name for name, _ in library.described()), key=str.lower):
            page, anchor = libraries.definition(library, name)
            if anchor and file_of(page) in pages:
                link = f'<a href="{escape(f"{file_of(page)}#{anchor}")}"><code>{escape(name)}</code></a>'
                yield f"{link} <span>{escape(builder.title_of(page))}</span>"


# -- contents


def _contents(builder: EpubBuilder, tree: Sequence[Entry]) -> Iterator[Place]:
    for entry in tree:
        below = [*_sections(builder, entry.page), *_contents(builder, entry.below)]
        yield Place(builder.title_of(entry.page), file_of(entry.page), tuple(below))


def _sections(builder: EpubBuilder, page: str) -> Iterator[Place]:
    """The sections of a page, but not what is inside of them."""
    numbers = builder.env.toc_secnumbers.get(page, {})
    for anchor, title in builder.sections_of(page):
        number = numbers.get(f"#{anchor}")
        yield Place(builder.numbered(number, title), f"{file_of(page)}#{anchor}")


def _landmarks(builder: EpubBuilder, pages: Mapping[str, str], own: Mapping[str, str]) -> Iterator[Landmark]:
    source = builder.application.source
    said = source.words
    yield Landmark("cover", said.cover, cover.PAGE)
    yield Landmark("titlepage", source.settings.title or source.settings.name, TITLE_PAGE)
    yield Landmark("toc", said.contents, f"{NAV}#toc")
    order = [entry.page for entry in walk(builder.tree) if file_of(entry.page) in pages]
    first = next((page for page in order if kind_of(builder, page).startswith("bodymatter")), None)
    if first is not None:
        yield Landmark("bodymatter", builder.title_of(first), file_of(first))
    listing = next((page for page in order if page in builder.bibliographies()), None)
    if listing is not None:
        yield Landmark("bibliography", builder.title_of(listing), file_of(listing))
    if NAMES in own:
        yield Landmark("index", said.name_index, NAMES)


# -- the book as a whole


def _style() -> str:
    """Our style sheet, and the colours of code for light and dark."""
    own = Path(__file__).with_name("style").joinpath("epub.css").read_text(encoding="utf-8")
    light = _colours(theme.CODE_LIGHT)
    dark = _colours(theme.CODE_DARK)
    return f"{own}\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def _colours(style: str) -> str:
    """The highlighter's colours without its grounds: readers of books choose these themselves."""
    rules = PygmentsBridge("html", style).get_stylesheet().split("\n")
    kept = (rule for rule in rules if re.match(r"\.highlight \.\w+ \{", rule))
    return "\n".join(re.sub(r"\s*background-color:[^;}]*;?", "", rule) for rule in kept)


def _metadata(settings: Settings, language: str, summary: str, files: Sequence[File]) -> Metadata:
    tab, site = settings.tabs[0], settings.website.base_url
    facts = "\n".join(("octavo", site, settings.name, settings.release, tab, language))
    has_formulas = any("mathml" in file.properties for file in files)
    kinds = {file.kind for file in files}
    has_pictures = any(kind.startswith("image/") for kind in kinds)
    described = not any(_UNSAID.search(file.content) for file in files if file.kind == XHTML)
    features = ["structuralNavigation", "tableOfContents", "readingOrder", "displayTransformability"]
    features += ["alternativeText"] * described + ["MathML", "describedMath"] * has_formulas
    access = {
        "accessMode": ["textual", *(["visual"] if has_pictures else [])],
        "accessModeSufficient": ["textual" if described else "textual,visual"],
        "accessibilityFeature": features,
        "accessibilityHazard": ["unknown" if "image/gif" in kinds else "none"],
        "accessibilitySummary": [summary] if described else [],
    }
    edition = "" if tab == "default" else tab_title(tab)
    return Metadata(
        f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, facts)}",
        settings.title or settings.name,
        language,
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(products.time_of(settings.root))),
        settings.author,
        settings.copyright,
        settings.website.description,
        site,
        (edition,) if edition else (),
        edition,
        access,
    )
