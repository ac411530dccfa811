"""Pages that describe a library: what autodoc's directives show, without importing anything."""

from pathlib import Path

from render_books import CONFIG, make

from octavo.diagnostics import Code

MODULE = '''\
"""Helpers of the book.

Made by hand."""
import a_framework_that_nobody_has

raise SystemExit("nobody may import this")


class Net(a_framework_that_nobody_has.Module):
    """A small network.

    Defined in :numref:`sec_net`, with ``width`` units."""

    def __init__(self, width, *, depth: int = 2):
        self.width = width

    def loss(self, y_hat, y):
        pass

    def loss(self, y_hat, y=None):
        """How far off."""

    def _hidden(self):
        """Nobody's business."""

    def silent(self):
        pass

    @property
    def size(self) -> int:
        """How many."""

    @staticmethod
    async def fetch(where):
        """From elsewhere."""


def train(net: Net, /, epochs=3) -> float:
    """Train."""


def helper():
    pass
'''
PAGE = """\
# API

## The network
:label:`sec_net`

See :class:`Net` and :func:`d2l.torch.train`, and :class:`torch.Tensor`.

:begin_tab:`pytorch`
```eval_rst

.. currentmodule:: d2l.torch
```
:end_tab:

```eval_rst\x20
.. autoclass:: Net
   :members:\x20
   :undoc-members:

.. autofunction:: d2l.torch.train
```
"""


def test_a_class_is_described_from_the_text_of_its_module(tmp_path: Path) -> None:
    (tmp_path / "d2l").mkdir()
    (tmp_path / "d2l/torch.py").write_text(MODULE)
    book = make(tmp_path, CONFIG, index="# Book\n\n```toc\n:numbered:\napi\n```\n", api=PAGE)
    assert book.build() == []
    article = book.article("api")
    signatures = [dt.text.rstrip("¶ ") for dt in article.all("dt")]
    assert signatures == [
        "class d2l.torch.Net(width, *, depth: int = 2)",
        "loss(y_hat, y=None)",
        "property size: int",
        "async static fetch(where)",
        "d2l.torch.train(net: Net, /, epochs=3) → float",
    ]
    assert "A small network." in article.text and "Defined in Section 1.1, with width units." in article.text
    assert "How far off." in article.text and "Nobody" not in article.text
    # a tab set in which nothing is to be seen is none
    assert article.all("div.ov-set") == []
    links = {a.attributes["href"] for a in article.all("a.reference")}
    assert {"#d2l.torch.Net", "#d2l.torch.train", "#sec-net"} <= links
    assert "torch.Tensor" in article.text


def test_the_page_follows_the_module(tmp_path: Path) -> None:
    (tmp_path / "d2l").mkdir()
    (tmp_path / "d2l/torch.py").write_text(MODULE)
    book = make(tmp_path, CONFIG, index="# API\n:label:`sec_net`\n\n```{automodule} d2l.torch\n:members:\n```\n")
    assert book.build() == []
    assert "Made by hand." in book.article("index").text
    assert len(book.article("index").all("dl.class")) == 1 and len(book.article("index").all("dl.function")) == 1
    (tmp_path / "d2l/torch.py").write_text(MODULE.replace("A small network", "A large network"))
    book.build()
    assert book.read == ["index"] and "A large network" in book.article("index").text


def test_what_no_module_has_keeps_its_name(tmp_path: Path) -> None:
    page = "# API\n\n```{autoclass} d2l.torch.Net\n```\n\n```{automodule} ../../d2l\n```\n"
    book = make(tmp_path, CONFIG, index=page)
    messages = book.build()
    assert [(d.code, d.span and d.span.line) for d in messages] == [(Code.MISSING_FILE, 3), (Code.MISSING_FILE, 6)]
    assert "d2l.torch.Net" in book.article("index").text
