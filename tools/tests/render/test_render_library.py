"""The pages about a book's libraries, and the links between them and the code of the book, in both directions."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from forks import run as run_octavo
from render_books import CONFIG, Element, MiniBook, cut_book, make, parse

from octavo.harvest.module import definitions

LIBRARIES = """\
[library-pytorch]
lib_file = d2l/torch.py
lib_name = torch
simple_alias = ones
[library-jax]
lib_file = d2l/jax.py
lib_name = jnp
"""
INDEX = "# Book\n\n```toc\n:numbered:\ndefined\nused\n```\n"
DEFINED = '''\
# Where Things Are Defined

```{.python .input}
#@save
def share(a, b=1):
    """Share `a` among b.

    Args:
        a: what there is.
        b: how many, as <b>.
    Returns:
        what each gets: in parts,
        and nothing more.
    Example:
        >>> share(4, 2)
        2.0
    """
    return a / b
```

```{.python .input}
#@tab pytorch
import torch
from torch import nn  #@save

class Net(nn.Module):  #@save
    """A network."""
    def __init__(self, width, *, deep=False):
        self.width = width

    def forward(self, x):
        return x

    def _secret(self):
        pass

LIMIT = 3  #@save
_hidden = 4  #@save
```

```{.python .input}
#@tab jax
class Net:  #@save
    """Another network."""

plot = share  # the name stands alone
```

```{.python .input n=1}
#@tab pytorch
@d2l.add_to_class(Net)  #@save
def loss(self, y):
    """How far off."""
    return y
```
'''
USED = """\
# Where They Are Used

```{.python .input}
x = d2l.share(4)  # like d2l.share(5)
print('d2l.share(6)', d2l.unknown)
```

```{.python .input}
#@tab pytorch
net = d2l.Net(3)
```

```{.python .input}
#@tab jax
net = d2l.Net()
```
"""


def saved(book: MiniBook) -> dict[str, tuple[object, ...]]:
    settings, pages, _ = book.sources()
    editions, _ = cut_book(pages, settings, book.results)
    held = {}
    for tab, library in settings.libraries.items():
        those = [edition for (_, name), edition in editions.items() if name == tab]
        held[tab] = tuple(definitions(those, library)[0].values())
    return held


def rebuild(book: MiniBook) -> list[object]:
    return book.build(definitions=saved(book))


def mini(root: Path, *, more: str = "", config: str = CONFIG + LIBRARIES, **files: str) -> MiniBook:
    book = make(root, config, index=INDEX, defined=DEFINED + more, used=USED)
    book.write(**files)
    return book


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The website as the command line builds it."""
    book = mini(tmp_path_factory.mktemp("library"))
    answer = run_octavo("-C", book.root, "build", "html", "--no-execute")
    assert answer.returncode == 0, answer.stderr
    return book.site


@pytest.fixture(scope="module")
def html(site: Path) -> Callable[[str], Element]:
    return lambda page: parse((site / f"{page}.html").read_text(encoding="utf-8"))


def links(page: Element, kind: str) -> list[tuple[str, str]]:
    return [(a.text, a.attributes["href"]) for a in page.one("article").all("a") if kind in a.classes]


def test_each_framework_with_saved_code_has_a_page_in_the_sidebar(html: Callable[[str], Element], site: Path) -> None:
    assert sorted(path.name for path in (site / "api").iterdir()) == ["jax.html", "pytorch.html"]
    entries = html("used").one("div.sidebar-tree").all("li")
    assert [(item.text, item.attributes["data-tabs"]) for item in entries if "data-tabs" in item.attributes] == [
        ("API: d2l.torch", "pytorch"),
        ("API: d2l.jax", "jax"),
    ]


def test_a_page_describes_what_readers_can_use(html: Callable[[str], Element]) -> None:
    article = html("api/pytorch").one("article")
    signatures = [re.sub(r"\s*(?:in the book)?[¶\s]*$", "", dt.text) for dt in article.all("dt")]
    assert signatures == [
        "class d2l.torch.Net(width, *, deep=False)",
        "forward(x)",
        "loss(y)",
        "d2l.torch.share(a, b=1)",
        "d2l.torch.LIMIT = 3",
        "d2l.torch.ones = torch.ones",
    ]
    assert [heading.text.rstrip("¶") for heading in article.all("h2")] == ["Classes", "Functions", "Values", "Aliases"]
    text = article.text
    assert "Share a among b." in text and "how many, as <b>." in text and ">>> share(4, 2)" in text
    (described,) = (entry for entry in article.all("dl.function") if "share" in entry.text)
    items = [item.text for item in described.all("li")]
    assert items == ["a: what there is.", "b: how many, as <b>."]
    assert "what each gets: in parts, and nothing more." in text
    assert "_secret" not in text and "_hidden" not in text
    assert "class d2l.jax.Net" in html("api/jax").one("article").text


def test_each_name_leads_to_its_line_and_back(site: Path, html: Callable[[str], Element]) -> None:
    followed = set()
    for api, module in (("api/pytorch", "d2l.torch"), ("api/jax", "d2l.jax")):
        for place in html(api).one("article").all(".ov-defined"):
            page, _, anchor = place.one("a").attributes["href"].partition("#")
            assert page == "../defined.html"
            rows = (site / "defined.html").read_text(encoding="utf-8").split("\n")
            (row,) = (row for row in rows if f'id="{anchor}"' in row)
            name = anchor.removeprefix(f"def-{module}.")
            line = parse(f"<p>{row}</p>").text
            assert re.search(rf"(?:def|class) {name.rpartition('.')[2]}\b|^{name} = ", line), (anchor, line)
            assert f"{api}.html#{module}.{name}" in re.findall(r"api/\w+\.html#[\w.]+", row)
            followed.add(f"{module}.{name}")
    assert followed == {
        "d2l.torch.Net", "d2l.torch.Net.forward", "d2l.torch.Net.loss", "d2l.torch.share", "d2l.torch.LIMIT",
        "d2l.jax.Net", "d2l.jax.share",
    }  # fmt: skip


def test_uses_in_code_lead_to_the_entry_of_their_framework(site: Path, html: Callable[[str], Element]) -> None:
    assert links(html("used"), "ov-use") == [
        ("share", "api/pytorch.html#d2l.torch.share"),
        ("Net", "api/pytorch.html#d2l.torch.Net"),
        ("Net", "api/jax.html#d2l.jax.Net"),
    ]
    (shared,) = (a for a in html("used").all("a") if a.attributes.get("data-in"))
    assert shared.attributes["data-in"] == (
        '{"pytorch": "api/pytorch.html#d2l.torch.share", "jax": "api/jax.html#d2l.jax.share"}'
    )
    for address in ("api/pytorch.html#d2l.torch.share", "api/jax.html#d2l.jax.Net"):
        page, _, anchor = address.partition("#")
        assert f'id="{anchor}"' in (site / page).read_text(encoding="utf-8")


def test_code_with_links_is_the_same_code(html: Callable[[str], Element]) -> None:
    first = html("used").one("article").all("pre")[0]
    assert (
        "".join(first.pieces()).strip("\n")
        == "x = d2l.share(4)  # like d2l.share(5)\nprint('d2l.share(6)', d2l.unknown)"
    )


def test_other_books_can_refer_to_the_names(site: Path) -> None:
    data = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    listed = zlib.decompress(data).decode()
    assert "d2l.torch.Net py:class 1 api/pytorch.html#$ -" in listed
    assert "d2l.torch.Net.loss py:method 1 api/pytorch.html#$ -" in listed
    assert "d2l.jax.share py:function 1 api/jax.html#$ -" in listed


def test_a_book_that_saves_nothing_has_no_such_page(tmp_path: Path) -> None:
    book = make(tmp_path, CONFIG + LIBRARIES, index=INDEX, defined="# A\n", used=USED)
    assert rebuild(book) == []
    assert not (book.site / "api").exists() and links(book.html("used"), "ov-use") == []


def test_without_pages_about_libraries_names_lead_to_their_lines(tmp_path: Path) -> None:
    book = mini(tmp_path, config=CONFIG + "[html]\napi = False\n" + LIBRARIES)
    assert rebuild(book) == []
    assert not (book.site / "api").exists()
    assert ("Net", "defined.html#def-d2l.torch.Net") in links(book.html("used"), "ov-use")
    assert 'id="def-d2l.torch.Net"' in (book.site / "defined.html").read_text(encoding="utf-8")


def test_what_is_no_longer_saved_is_no_longer_linked(tmp_path: Path) -> None:
    book = mini(tmp_path)
    assert rebuild(book) == []
    assert len(links(book.html("used"), "ov-use")) == 3
    book.write(defined=DEFINED.replace("class Net:  #@save", "class Net:"))
    assert rebuild(book) == []
    assert sorted(book.read) == ["api/jax", "defined"] and "used" in book.written
    assert [text for text, _ in links(book.html("used"), "ov-use")] == ["share", "Net"]
    book.write(defined=DEFINED.replace("@save", "@keep"))
    assert rebuild(book) == []
    assert not (book.site / "api/jax.html").exists() and not (book.site / "api/pytorch.html").exists()


def test_a_word_changed_elsewhere_writes_no_page_about_a_library(tmp_path: Path) -> None:
    book = mini(tmp_path)
    assert rebuild(book) == []
    book.write(defined=DEFINED.replace("# Where Things Are Defined", "# Where Things Are Defined\n\nA word."))
    assert rebuild(book) == []
    assert book.written == ["defined"]


def test_a_page_of_the_authors_keeps_its_names(tmp_path: Path) -> None:
    (tmp_path / "d2l").mkdir()
    (tmp_path / "d2l/torch.py").write_text('def share(a, b=1):\n    """Share a."""\n')
    own = "# Old API\n\n:func:`d2l.torch.share`\n\n```eval_rst\n.. autofunction:: d2l.torch.share\n```\n"
    book = make(tmp_path, CONFIG + LIBRARIES, index=INDEX.replace("used", "used\nold"), defined=DEFINED, used=USED)
    book.write(old=own)
    for _ in range(2):
        assert rebuild(book) == []
        article = book.article("old")
        (signature,) = article.all("dt")
        assert signature.attributes["id"] == "d2l.torch.share"
        (place,) = (p for p in article.all("p") if "ov-defined" in p.classes)
        assert place.one("a").attributes["href"] == "defined.html#def-d2l.torch.share"
        listed = zlib.decompress((book.site / "objects.inv").read_bytes().split(b"\n", 4)[4]).decode()
        assert "d2l.torch.share py:function 1 old.html#$ -" in listed
        assert "d2l.jax.share py:function 1 api/jax.html#$ -" in listed
        book.write(old=own + "\nA further word.\n")
