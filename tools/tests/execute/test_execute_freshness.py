"""Edits to a small book, and exactly which pages × frameworks they make stale, seen through the command line.

The results are put into the book once, for what its pages are then; what each edit does to them stands in the table.
"""

# ruff: noqa: E501 - a case of a table stands on one line
from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from octavo.build import Workshop
from octavo.cli import main
from octavo.model import CellRun, Output, Run

CONFIG = """\
[project]
name = mini
[build]
tabs = left, right
[execute]
files = data/all.csv
variables = MINI_ALL
[library-left]
lib_file = d2l/left.py
lib_name = left
simple_alias = ones, zero -> zeros
fluent_alias = numpy, total -> sum
alias = size = lambda a: a.size
        half = lambda a: left.divide(a, 2)
reverse_alias = d2l.size\\(([\\w]+)\\) -> \\1.size
args_alias = swap(a, b) -> left.swap(b, a)
[library-right]
lib_file = d2l/right.py
lib_name = right
simple_alias = ones, zero -> zeros
fluent_alias = numpy, total -> sum
"""

LOCK = "# a comment\n# python: 3.11\nipykernel==7.0.0\nnumpy==2.0.0\n"

LIBRARY = '''\
# The library

Prose of the library.

```{.python .input}
#@tab left
import left  #@save
from d2l import left as d2l
```

```{.python .input}
#@tab right
import right  #@save
from d2l import right as d2l
```

```{.python .input}
#@tab all
import math  #@save
FACTOR = 2  #@save
TABLE = {}  #@save
```

```{.python .input}
#@tab all
#@save
def inner(x):
    """Doc."""
    # a comment of inner
    return x * FACTOR

#@save
def middle(x):
    return inner(x) + 1

#@save
def outer(x):
    return middle(x)

#@save
def unrelated(x):
    return x
```

```{.python .input}
#@tab all
#@save
def twice(function):
    return lambda x: function(function(x))

#@save
@twice
def decorated(x):
    return x + 1

#@save
def register(function):
    TABLE[function.__name__] = function
    return function

#@save
@register
def registered():
    return 'registered'

#@save
def look_up(name):
    return TABLE[name]()

#@save
def with_default(x=FACTOR):
    return x

#@save
def with_annotation(x: 'int', y: math.pi = 0) -> 'str':
    return x
```

```{.python .input}
#@tab all
#@save
class Root:
    kind = FACTOR

#@save
class Base(Root):
    def go(self):
        return 'base'

#@save
class Net(Base):
    pass
```

```{.python .input}
#@tab all
@d2l.add_to_class(Net)  #@save
def fit(self):
    return outer(1)
```

```{.python .input}
#@tab left
#@save
def only_left():
    return d2l.half(d2l.ones(3))
```

```{.python .input}
#@tab right
#@save
def only_left():
    return 'right'
```

```{.python .input}
#@tab all
#@save
def any_of_it(name):
    return globals()[name]

#@save
def add_to_class(Class):
    return lambda function: setattr(Class, function.__name__, function)
```
'''


def page(title: str, *cells: str, front: str = "") -> str:
    """A page whose cells exist in both frameworks, with the library imported first where a cell uses it."""
    uses = any("d2l." in cell or "(d2l" in cell for cell in cells)
    imports = [f"#@tab {tab}\nfrom d2l import {tab} as d2l" for tab in ("left", "right")] if uses else []
    fenced = [f"```{{.python .input}}\n{cell}\n```" for cell in (*imports, *(f"#@tab all\n{cell}" for cell in cells))]
    return f"{front}# {title}\n\n" + "\n\n".join(["Some prose.", *fenced]) + "\n"


PAGES = {
    "plain": page("Plain", "x = 1\n\n# a comment\nprint(x)  # another", "y = 2", "print('z')"),
    "calls": page("Calls", "print(d2l.outer(3))"),
    "factor": page("Factor", "print(d2l.FACTOR)"),
    "nets": page("Nets", "print(d2l.Net().fit())"),
    "roots": page("Roots", "print(d2l.Root.kind)"),
    "decorated": page("Decorated", "print(d2l.decorated(3))"),
    "lookup": page("Look up", "print(d2l.look_up('registered'))"),
    "default": page("Default", "print(d2l.with_default())"),
    "aliases": page("Aliases", "print(d2l.ones(2), d2l.zero(2))", "print(d2l.numpy(x), d2l.total(x))"),
    "further": page("Further aliases", "x = 1").replace("#@tab all\nx = 1", "#@tab left\nfrom d2l import left as d2l\nprint(d2l.half(4), d2l.size(x), d2l.swap(1, 2))"),
    "left-only": page("Left only", "print(d2l.only_left())"),
    "dynamic": page("Dynamic", "print(getattr(d2l, 'out' + 'er')(3))"),
    "global": page("Globals", "print(d2l.any_of_it('outer'))"),
    "source": page("Source", "import inspect\n# seen\nprint(inspect.getsource(d2l.inner))"),
    "helped": page("Helped", "import helpers\nprint(helpers.help_me())"),
    "packed": page("Packed", "from pack import part\nprint(part.x)"),
    "varies": page("Varies", "#@varies\nimport time\nprint(time.time())"),
    "declares": page(
        "Declares", "print(open('data/own.csv').read())",
        front="---\nexecute:\n  files: data/own*.csv\n  variables: MINI_OWN\n  modules: named\n  timeout: 60\n---\n",
    ),
}  # fmt: skip

FILES = {
    "config.ini": CONFIG,
    "environments/left.txt": LOCK,
    "environments/right.txt": LOCK,
    "environments/nightly.txt": LOCK.replace("2.0.0", "2.1.0"),
    "library.md": LIBRARY,
    "data/all.csv": "1",
    "data/own.csv": "1",
    "helpers.py": "from tools_of_mine import deep\n\n\ndef help_me():\n    # a comment\n    return deep.deeper()\n",
    "tools_of_mine/deep.py": "from d2l.left import unrelated\n\n\ndef deeper():\n    return 1\n",
    "pack/__init__.py": "from . import part\n",
    "pack/part.py": "from .sibling import x\n",
    "pack/sibling.py": "x = 1\n",
    "pack/stranger.py": "y = 1\n",
    "named.py": "z = 1\n",
    "notes.txt": "nothing",
    **{f"{name}.md": text for name, text in PAGES.items()},
}
TABS = ("left", "right")
EVERYTHING = " ".join(["library", *PAGES]).replace("further", "further:left")


def write_book(folder: Path) -> None:
    names = "\n".join(["library", *PAGES])
    for name, text in {**FILES, "index.md": f"# Mini\n\n```toc\n{names}\n```\n"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def keep_results(folder: Path) -> None:
    """Put a result of every page as it is now among the committed ones, as executing it would."""
    workshop = Workshop(folder)
    workshop.libraries.write()
    for planned in workshop.plan.chosen():
        edition = planned.edition
        cells = tuple(CellRun(digest, (Output("stream", "stdout", "x\n"),)) for digest in planned.inputs.cells)
        workshop.results.save(Run(planned.key, edition.page, edition.tab, planned.inputs, cells))
    assert list(workshop.diagnostics) == []


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of its own, and the variables that the book declares."""
    before = dict(os.environ)
    cache = tmp_path_factory.mktemp("cache")
    os.environ.update({"MINI_ALL": "1", "MINI_OWN": "1", "OCTAVO_CACHE": str(cache)})
    yield cache
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, variables: Path) -> Path:
    folder = tmp_path_factory.mktemp("mini") / "book"
    folder.mkdir()
    write_book(folder)
    keep_results(folder)
    shutil.rmtree(variables)  # so that only the committed results know anything
    return folder


Status = Callable[..., dict[str, list[str]]]


@pytest.fixture
def mini(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "book"))


def status(book: Path) -> dict[str, list[str]]:
    """``page:framework`` → reasons, of all that is not fresh."""
    answer = CliRunner().invoke(main, ["-C", str(book), "status", "--json"], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    runs = json.loads(answer.stdout)["runs"]
    assert len(runs) > 2 * len(PAGES) - 2
    return {f"{run['page']}:{run['tab']}": run["reasons"] for run in runs if run["state"] != "fresh"}


@dataclass(frozen=True)
class Case:
    title: str
    file: str
    old: str
    new: str
    stale: str
    """Pages, or page:framework."""
    reason: str = ""
    """A pattern that one reason of each has."""


USERS_OF_OUTER = "library calls nets dynamic global"
CASES = [
    # what is not executed
    Case("a word of prose", "plain.md", "Some prose", "Other prose", ""),
    Case("a word of prose above saved cells", "library.md", "Prose of", "Two lines\n\nof prose of", ""),
    Case("a heading", "calls.md", "# Calls", "# All calls", ""),
    Case("a comment of its own line", "plain.md", "# a comment", "# the comment", ""),
    Case("a comment that goes", "plain.md", "\n# a comment", "", ""),
    Case("a comment behind code", "plain.md", "  # another", "", ""),
    Case("a further line of comment", "plain.md", "# a comment", "# a\n# longer comment", ""),
    Case("a blank line", "plain.md", "x = 1\n", "x = 1\n\n\n", ""),
    Case("blanks at the end of a line", "plain.md", "y = 2", "y = 2   ", ""),
    Case("a comment in a saved function", "library.md", "# a comment of inner", "# another one\n    # of inner", "source", r"the saved inner \(library\.md:\d+\) changed"),
    Case("a hash in a string", "plain.md", "'z'", "'z # a'", "plain", r"cell 3 \(plain\.md:\d+\) changed"),
    Case("a docstring of a saved function", "library.md", "Doc.", "Docs.", USERS_OF_OUTER + " source", "inner|cell"),
    Case("a comment on a page that shows its source", "source.md", "# seen", "# shown", "source", "cell"),
    Case("what varies", "plain.md", "#@tab all\ny = 2", "#@tab all\n#@varies\ny = 2", ""),
    Case("what varies no more", "varies.md", "#@varies\n", "", ""),
    Case("what is hidden", "plain.md", "#@tab all\ny = 2", "#@tab all\n#@hide_code\ny = 2", ""),
    # cells
    Case("a cell", "plain.md", "y = 2", "y = 3", "plain", r"cell 2 \(plain\.md:\d+\) changed"),
    Case("a cell of one framework", "library.md", "return 'right'", "return 'wrong'", "library:right left-only:right dynamic:right global:right", "only_left|cell"),
    Case("cells in another order", "plain.md", "y = 2\n```\n\n```{.python .input}\n#@tab all\nprint('z')", "print('z')\n```\n\n```{.python .input}\n#@tab all\ny = 2", "plain", "cell 2"),
    Case("a cell cut in two", "plain.md", "\n# a comment", "```\n\n```{.python .input}\n#@tab all", "plain", "is new"),
    Case("a cell for one framework only", "plain.md", "#@tab all\ny = 2", "#@tab left\ny = 2", "plain:right", "one cell after cell 1 .* was removed"),
    # the library
    Case("an unrelated saved symbol", "library.md", "def unrelated(x):\n    return x", "def unrelated(x):\n    return -x", "library dynamic global helped", "unrelated|cell"),
    Case("a new saved symbol", "library.md", "#@save\ndef unrelated", "#@save\ndef novel():\n    return 0\n\n#@save\ndef unrelated", "library dynamic global", "novel|cell"),
    Case("a saved symbol one call away", "library.md", "return middle(x)", "return middle(x) + 0", USERS_OF_OUTER, "outer|cell"),
    Case("a saved symbol three calls away", "library.md", "return x * FACTOR", "return FACTOR * x", USERS_OF_OUTER + " source", "inner|cell"),
    Case("a module-level name", "library.md", "FACTOR = 2", "FACTOR = 3", USERS_OF_OUTER + " source factor roots default", "FACTOR|cell"),
    Case("a base class", "library.md", "return 'base'", "return 'basis'", "library nets dynamic global", "Base|cell"),
    Case("a base class of a base class", "library.md", "kind = FACTOR", "kind = -FACTOR", "library nets roots dynamic global", "Root|cell"),
    Case("a method that a page adds", "library.md", "return outer(1)", "return outer(2)", "library nets dynamic global", r"Net\.fit|cell"),
    Case("a decorator", "library.md", "function(function(x))", "function(function(function(x)))", "library decorated dynamic global", "twice|cell"),
    Case("what a decorator registers", "library.md", "return 'registered'", "return 'known'", "library lookup dynamic global", "registered|cell"),
    Case("a default argument", "library.md", "def with_default(x=FACTOR)", "def with_default(x=-FACTOR)", "library default dynamic global", "with_default|cell"),
    Case("an unused import of the library", "library.md", "import math  #@save", "import math, os  #@save", "library dynamic global", "os|cell"),
    Case("something that happens by itself", "library.md", "TABLE = {}  #@save", "TABLE = {}  #@save\nmath.seed(1)  #@save", "library calls factor nets roots decorated lookup default aliases further:left left-only dynamic global source helped", "math.seed|cell"),
    Case("a name that consumes what others draw from", "library.md", "TABLE = {}  #@save", "TABLE = {}  #@save\nDRAWN = math.random()  #@save", "library calls factor nets roots decorated lookup default aliases further:left left-only dynamic global source helped", "DRAWN|cell"),
    # aliases
    Case("a simple alias of one framework", "config.ini", "zero -> zeros\nfluent_alias = numpy, total -> sum\nalias", "zero -> null\nfluent_alias = numpy, total -> sum\nalias", "aliases:left library:left dynamic:left global:left", "cell 2|zero"),
    Case("a fluent alias", "config.ini", "numpy, total -> sum\nalias", "numpy, total -> add\nalias", "aliases:left library:left dynamic:left global:left", "cell 3|total"),
    Case("an alias", "config.ini", "left.divide(a, 2)", "left.halve(a)", "further:left library:left left-only:left dynamic:left global:left", "cell|half"),
    Case("a reverse alias", "config.ini", "-> \\1.size", "-> \\1.numel()", "further:left", "cell"),
    Case("an alias of moved arguments", "config.ini", "left.swap(b, a)", "left.swapped(b, a)", "further:left library:left dynamic:left global:left", "cell|swap"),
    Case("an alias that nobody uses", "config.ini", "args_alias = ", "args_alias = never(a) -> left.never(a)\n    ", "library:left dynamic:left global:left", "never"),
    # locks
    Case("a pin of one framework", "environments/left.txt", "numpy==2.0.0", "numpy==2.0.1", " ".join(f"{name.split(':')[0]}:left" for name in EVERYTHING.split()), r"numpy went from 2\.0\.0 to 2\.0\.1"),
    Case("a comment of a lock", "environments/left.txt", "# a comment", "# another", ""),
    Case("the Python of a lock", "environments/right.txt", "3.11", "3.12", " ".join(f"{name}:right" for name in EVERYTHING.split() if ":" not in name), r"python went from 3\.11 to 3\.12"),
    Case("a lock that nobody names", "environments/nightly.txt", "2.1.0", "2.2.0", ""),
    # declarations
    Case("a data file of all pages", "data/all.csv", "1", "2", EVERYTHING, r"file data/all\.csv changed"),
    Case("a data file of one page", "data/own.csv", "1", "2", "declares", r"file data/own\.csv changed"),
    Case("a further file of a glob", "data/own2.csv", "", "new", "declares", r"file data/own2\.csv is declared now"),
    Case("a file that nobody declares", "notes.txt", "nothing", "something", ""),
    Case("a variable that a page declares", "plain.md", "# Plain", "---\nexecute: {variables: MINI_OWN}\n---\n# Plain", "plain", "variable MINI_OWN is declared now"),
    Case("a variable that is not set", "plain.md", "# Plain", "---\nexecute: {variables: MINI_NONE}\n---\n# Plain", ""),
    Case("a time limit", "declares.md", "timeout: 60", "timeout: 2 h", ""),
    Case("graphics cards", "plain.md", "# Plain", "---\nexecute: {gpus: 0-1, gpu_memory: 2 GB, memory: 1 GiB, silence: 60}\n---\n# Plain", ""),
    Case("a time limit of a cell", "plain.md", "{.python .input}", "{.python .input timeout=9 gpus=1}", ""),
    Case("limits in the settings", "config.ini", "[library-left]", "[execute plain*]\ngpus = 1\ntimeout = 3\n[library-left]", ""),
    Case("cores", "plain.md", "# Plain", "---\nexecute: {cpus: 4}\n---\n# Plain", "plain", "cpus is declared now"),
    Case("cores of a cell", "plain.md", "{.python .input}", "{.python .input cpus=2}", "plain", "cpus is declared now"),
    Case("cores in the settings, by folder", "config.ini", "[library-left]", "[execute **/*.md]\ncpus = 2\n[execute calls]\ncpus = 1\n[library-left]", EVERYTHING.replace("calls ", ""), "cpus is declared now"),
    Case("another environment", "plain.md", "# Plain", "---\nexecute:\n  environment: {left: nightly}\n---\n# Plain", "plain:left", r"numpy went from 2\.0\.0 to 2\.1\.0"),
    Case("a module that a page declares", "named.py", "1", "2", "declares", r"the module named\.py changed"),
    # modules
    Case("a module of the book", "helpers.py", "deeper()", "deeper() + 1", "helped", r"the module helpers\.py changed"),
    Case("a comment of a module", "helpers.py", "# a comment", "# another\n", ""),
    Case("a module two imports away", "tools_of_mine/deep.py", "return 1", "return 2", "helped", r"the module tools_of_mine/deep\.py changed"),
    Case("a package that a module begins to need", "tools_of_mine/__init__.py", "", "x = 1\n", "helped", r"the module tools_of_mine/__init__\.py is used now"),
    Case("a module imported by a package", "pack/sibling.py", "1", "2", "packed", r"the module pack/sibling\.py changed"),
    Case("a module of the package that nobody imports", "pack/stranger.py", "1", "2", ""),
    Case("a module that hides one of Python's", "inspect.py", "", "def getsource(x): ...\n", EVERYTHING, r"the module inspect\.py is used now"),
    Case("a package's own code", "d2l/__init__.py", "", "import left\nleft.prepare()\n", "library calls factor nets roots decorated lookup default aliases further:left left-only dynamic global source helped", r"the module d2l/__init__\.py is used now"),
    Case("a package that says nothing", "d2l/__init__.py", "", '"""Doc."""\n__version__ = "1"\n', ""),
    Case("the release", "config.ini", "name = mini", "name = mini\nrelease = 9", ""),
    # dynamic access
    Case("a star import", "plain.md", "y = 2", "from d2l.left import *", "plain", "the saved outer .* is used now"),
    Case("a dynamic import", "plain.md", "y = 2", "import importlib\nimportlib.import_module(input())", "plain", r"the module pack/stranger\.py is used now"),
    Case("a script that is run", "plain.md", "y = 2", "%run named.py", "plain", r"the module named\.py is used now"),
    Case("another framework's library", "plain.md", "#@tab all\ny = 2", "#@tab left\nimport d2l.right as other", "plain", "module d2l/right.py|one cell after"),
]  # fmt: skip


def pairs(text: str) -> set[str]:
    return {name if ":" in name else f"{name}:{tab}" for name in text.split() for tab in TABS}


def test_nothing_is_stale_at_first(mini: Path) -> None:
    assert status(mini) == {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_an_edit_makes_stale_exactly(case: Case, mini: Path) -> None:
    path = mini / case.file
    if case.old:
        text = path.read_text(encoding="utf-8")
        assert case.old in text
        path.write_text(text.replace(case.old, case.new, 1), encoding="utf-8")
    else:
        assert not path.exists() or case.file == "d2l/__init__.py"
        path.write_text(case.new, encoding="utf-8")
    found = status(mini)
    assert set(found) == pairs(case.stale)
    for name, reasons in found.items():
        assert any(re.search(case.reason, reason) for reason in reasons), (name, reasons)


def test_a_variable_of_all_pages_and_one_of_a_single_page(mini: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINI_OWN", "2")
    assert status(mini) == {f"declares:{tab}": ["variable MINI_OWN changed"] for tab in TABS}
    monkeypatch.delenv("MINI_ALL")
    found = status(mini)
    assert set(found) == pairs(EVERYTHING)
    assert found["plain:left"] == ["variable MINI_ALL is no longer declared"]


def test_a_renamed_page_re_runs_nothing(mini: Path) -> None:
    (mini / "calls.md").rename(mini / "called.md")
    index = (mini / "index.md").read_text()
    (mini / "index.md").write_text(index.replace("\ncalls\n", "\ncalled\n"))
    assert status(mini) == {}


def test_a_cell_moved_from_page_to_page_makes_both_stale(mini: Path) -> None:
    cell = "```{.python .input}\n#@tab all\ny = 2\n```\n"
    plain, varies = (mini / "plain.md").read_text(), (mini / "varies.md").read_text()
    assert cell in plain
    (mini / "plain.md").write_text(plain.replace(cell, ""))
    (mini / "varies.md").write_text(varies + "\n" + cell)
    assert set(status(mini)) == pairs("plain varies")


def test_an_old_page_comes_back_fresh(mini: Path) -> None:
    text = (mini / "plain.md").read_text()
    (mini / "plain.md").write_text(text.replace("y = 2", "y = 3"))
    assert set(status(mini)) == pairs("plain")
    (mini / "plain.md").write_text(text)
    assert status(mini) == {}


@pytest.mark.parametrize("case", [c for c in CASES if c.file == "library.md"], ids=lambda case: case.title)
def test_what_was_kept_of_earlier_commands_changes_nothing(case: Case, mini: Path) -> None:
    """With an output folder, pages and definitions are known from before; what is stale, and where, is the same."""
    (mini / "_build").mkdir()
    assert status(mini) == {}
    assert (mini / "_build" / "pages.pickle").is_file()
    path = mini / case.file
    path.write_text(path.read_text().replace(case.old, case.new, 1))
    known = status(mini)
    again = status(mini)
    shutil.rmtree(mini / "_build")
    assert known == again == status(mini)
