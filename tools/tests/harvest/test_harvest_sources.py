import json
import subprocess
import sys
from pathlib import Path

import pytest

from octavo.build import Workshop
from octavo.diagnostics import Code
from octavo.harvest.sources import author_place
from octavo.model import Span

FENCE = "```"
CONFIG = """\
[build]
tabs = pytorch

[library]
harvest = own

[library-pytorch]
lib_file = d2l/torch.py
lib_name = absent_torch
simple_alias = ones_like,
    ones
fluent_alias = reshape
alias =
    size = lambda a: a.numel()
"""
PAGE = f"""\
# One

{FENCE}{{.python .input}}
import absent_torch  #@save

class Net(absent_torch.nn.Module):  #@save
    def run(self):
        raise NotImplementedError
{FENCE}

{FENCE}{{.python .input}}
#@save
@d2l.add_to_class(Net)
def run(self, x):
    return d2l.reshape(d2l.ones(3), x), d2l.LIMIT

d2l.LIMIT = 3  #@save
{FENCE}
"""
HEAD = "START = 1\n\ndef begin():\n    return START\n\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book with every kind of name; its framework is installed nowhere."""
    (tmp_path / "d2l").mkdir()
    (tmp_path / "d2l" / "torch.py").write_text(f"{HEAD}#################   WARNING   ################\nold = 1\n")
    (tmp_path / "config.ini").write_text(CONFIG)
    (tmp_path / "index.md").write_text(f"# Book\n\n{FENCE}toc\none\n{FENCE}\n")
    (tmp_path / "one.md").write_text(PAGE)
    return tmp_path


def look_at(book: Path, repository: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(repository / "tools" / "ci" / "import_modules.py"), str(book)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_source_map_gives_the_authors_place_of_each_name(book: Path) -> None:
    workshop = Workshop(book)
    workshop.libraries.write()
    assert [d.message for d in workshop.diagnostics] == []
    found = json.loads((book / "d2l" / "torch.map.json").read_text())
    assert (found["format"], found["module"], found["framework"]) == (1, "d2l.torch", "pytorch")
    places = {n: (e["kind"], e["source"], e["first"], e["last"]) for n, e in found["names"].items()}
    assert places == {
        "START": ("assignment", "d2l/torch.py", 1, 1),
        "begin": ("function", "d2l/torch.py", 3, 4),
        "absent_torch": ("import", "one.md", 4, 4),
        "Net": ("class", "one.md", 6, 8),
        "Net.run": ("method", "one.md", 13, 15),
        "LIMIT": ("assignment", "one.md", 17, 17),
        "ones_like": ("alias", "config.ini", 10, 10),
        "ones": ("alias", "config.ini", 11, 11),
        "reshape": ("alias", "config.ini", 12, 12),
        "size": ("alias", "config.ini", 14, 14),
    }
    lines = (book / "d2l" / "torch.py").read_text().split("\n")
    assert lines[found["names"]["Net.run"]["line"] - 1] == "    def run(self, x):"
    assert lines[found["names"]["LIMIT"]["line"] - 1] == "LIMIT = 3"


def test_what_the_author_wrote_above_the_harvest_stays(book: Path) -> None:
    assert set(Workshop(book).libraries.write()) == {
        "d2l/torch.py", "d2l/torch.pyi", "d2l/torch.map.json", "d2l/py.typed",
    }  # fmt: skip
    first = (book / "d2l" / "torch.py").read_text()
    assert first.startswith(f"{HEAD}\n# Made from the book's pages")
    assert "old = 1" not in first
    assert Workshop(book).libraries.write() == ()
    (book / "d2l" / "torch.py").write_text("# mine\n" + first)
    assert Workshop(book).libraries.write() == ("d2l/torch.map.json",)  # everything stands one line lower
    assert (book / "d2l" / "torch.py").read_text() == "# mine\n" + first


def test_a_head_that_is_not_python_stays_and_is_reported(book: Path) -> None:
    module = book / "d2l" / "torch.py"
    module.write_text(module.read_text().replace("def begin():", "def begin(:"))
    workshop = Workshop(book)
    workshop.libraries.write()
    (message,) = [d for d in workshop.diagnostics if d.code is Code.SYNTAX_ERROR]
    assert message.span is not None
    assert (message.span.path, message.span.line) == ("d2l/torch.py", 3)
    assert module.read_text().startswith("START = 1\n\ndef begin(:\n")
    assert json.loads((book / "d2l" / "torch.map.json").read_text())["names"] == {}


def test_a_method_for_a_class_of_the_head_and_a_late_future_are_reported(book: Path) -> None:
    module = book / "d2l" / "torch.py"
    module.write_text("class Old: pass\n" + module.read_text())
    page = (book / "one.md").read_text()
    more = "from __future__ import annotations  #@save\n@d2l.add_to_class(Old)  #@save\ndef g(self): pass"
    (book / "one.md").write_text(f"{page}\n{FENCE}{{.python .input}}\n{more}\n{FENCE}\n")
    workshop = Workshop(book)
    workshop.libraries.write()
    assert sorted((d.code.value, d.span and d.span.line) for d in workshop.diagnostics) == [
        ("unfit-definition", 21),
        ("unknown-class", 22),
    ]
    compile(module.read_text(), "torch.py", "exec")


def test_the_check_shows_what_is_missing_beside_the_module(book: Path) -> None:
    Workshop(book).libraries.write()
    for file in ("py.typed", "torch.pyi", "torch.map.json"):
        (book / "d2l" / file).unlink()
    workshop = Workshop(book)
    workshop.libraries.compare()
    stale = [d.span and d.span.path for d in workshop.diagnostics if d.code is Code.LIBRARY_STALE]
    assert sorted(map(str, stale)) == ["d2l/py.typed", "d2l/torch.pyi"]  # a source map is nothing to check in


def test_a_module_that_the_old_tool_wrote_gets_no_company(book: Path) -> None:
    (book / "config.ini").write_text(CONFIG.replace("harvest = own", "harvest = auto"))
    Workshop(book).libraries.write()
    assert [path.name for path in (book / "d2l").iterdir()] == ["torch.py"]


def test_the_import_script_sees_that_all_is_well(book: Path, repository: Path) -> None:
    Workshop(book).libraries.write()
    answer = look_at(book, repository)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "1 of 1 modules are well" in answer.stdout


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("d2l/torch.py", "LIMIT = 3", "LIMIT = = 3", "invalid syntax"),
        ("d2l/torch.py", "LIMIT = 3", "LIMIT = nowhere", "name 'nowhere' is not defined"),
        ("d2l/torch.py", "LIMIT = 3", "LIMITS = 3", "d2l/torch.py has no LIMIT,"),
        ("d2l/torch.map.json", '"first": 17', '"first": 16', None),  # the line above belongs to it as well
        ("d2l/torch.map.json", '"first": 17, "last": 17', '"first": 15, "last": 15', "one.md:15 does not define LIMIT"),
        ("d2l/torch.map.json", '"first": 11, "last": 11', '"first": 9, "last": 9',
         "config.ini:9 does not define ones"),
        ("d2l/torch.pyi", "ones_like =", "other =", "torch.pyi and d2l/torch.py differ in ones_like"),
    ],
)  # fmt: skip
def test_the_import_script_sees_what_is_wrong(
    book: Path, repository: Path, file: str, old: str, new: str, told: str | None
) -> None:
    Workshop(book).libraries.write()
    text = (book / file).read_text()
    assert old in text
    (book / file).write_text(text.replace(old, new))
    answer = look_at(book, repository)
    assert answer.returncode == (told is not None), answer.stdout + answer.stderr
    assert (told or "are well") in answer.stdout


@pytest.mark.parametrize("harvest", ["auto", "own"])
def test_a_module_that_no_tool_made_stays_until_the_settings_say_otherwise(book: Path, harvest: str) -> None:
    module = book / "d2l" / "torch.py"
    module.write_text("MINE = 1\n")
    (book / "config.ini").write_text(CONFIG.replace("harvest = own", f"harvest = {harvest}"))
    workshop = Workshop(book)
    written = workshop.libraries.write()
    told = [(d.code, d.span and d.span.path) for d in workshop.diagnostics if d.code is Code.FOREIGN_MODULE]
    if harvest == "auto":
        assert module.read_text() == "MINE = 1\n" and written == () and told == [(Code.FOREIGN_MODULE, "config.ini")]
    else:
        assert "MINE" not in module.read_text() and "d2l/torch.py" in written and told == []


def test_each_line_of_the_module_is_traced_to_the_authors(book: Path) -> None:
    workshop = Workshop(book)
    library = workshop.libraries.harvested["pytorch"]
    module = library.text.split("\n")

    def traced(text: str, nth: int = 0) -> Span | None:
        number = [n for n, line in enumerate(module, 1) if line.strip() == text][nth]
        return author_place(library, number, workshop.read_line)

    def line(text: str, nth: int = 0) -> Span:
        number = [n for n, line in enumerate(PAGE.split("\n"), 1) if text in line][nth]
        return Span("one.md", number, number)

    assert traced("class Net(absent_torch.nn.Module):") == line("class Net")
    assert traced("def run(self, x):") == line("def run(self, x)")
    # rewritten for the module, where d2l is not a module of its own
    (returned,) = [text.strip() for text in module if text.strip().startswith("return ") and "LIMIT" in text]
    assert returned not in PAGE
    assert traced(returned) == line("return d2l.reshape")
    assert author_place(library, len(module) + 9, workshop.read_line) is None
    assert author_place(library, 0, workshop.read_line) is None
