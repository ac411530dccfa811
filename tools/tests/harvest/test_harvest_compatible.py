import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fixture import Case, cases
from hypothesis import given
from hypothesis import strategies as st

from octavo import config
from octavo.build import Workshop
from octavo.config import Library, Settings
from octavo.diagnostics import Code, Severity
from octavo.harvest.compatible import (
    HEADER,
    local_packages,
    render,
    version_text,
    with_text,
)
from octavo.harvest.head import WARNING_LINE, head_of
from octavo.harvest.module import harvest
from octavo.model import Document

Octavo = Callable[..., subprocess.CompletedProcess[str]]
LIBRARY = Library("pytorch", "d2l/torch.py", "torch")
HEAD = '"""A book."""\nimport math as maths\n\nTABLE = {}\n\n'
FENCE = "```"


def settings_of(case: Case, folder: Path) -> Settings:
    sections = [f"[library-{tab}]\nlib_file = d2l/{tab}.py\n{case.get('settings')}\n" for tab in ("pytorch", "jax")]
    (folder / "config.ini").write_text("[build]\ntabs = pytorch, jax\n" + "".join(sections))
    settings, _ = config.load(folder)
    assert settings is not None
    return settings


def page(name: str, text: str) -> Document:
    return Document(name, f"{name}.md", text, (), ())


def cell(text: str) -> str:
    return f"{FENCE}{{.python .input}}\n{text}\n{FENCE}\n"


@pytest.mark.parametrize("case", cases("harvest/compatible"), ids=str)
def test_modules(case: Case, tmp_path: Path) -> None:
    settings = settings_of(case, tmp_path)
    end = "" if "cut" in case.blocks else "\n"
    pages = [page(name, case[name].replace("·", " ") + end) for name in ("a", "b") if name in case.blocks]
    for tab in ("pytorch", "jax"):
        if tab in case.blocks:
            text = render(pages, settings.libraries[tab], settings.default_tab, None, frozenset({"book"}))
            assert text.removeprefix(HEADER) == case[tab].replace("·", " ")


# -- what stands around the harvest


def test_the_head_stays_and_all_below_is_replaced() -> None:
    pages = [page("a", cell("x = 1  #@save"))]
    text = render(pages, LIBRARY, "pytorch", f"{HEAD}{WARNING_LINE}\nold = 2\n")
    assert text == f"{HEAD}{HEADER}x = 1"
    assert render(pages, LIBRARY, "pytorch", text) == text


@pytest.mark.parametrize("existing", [None, "", "x = 1\n", HEAD, f"# {WARNING_LINE}\n"])
def test_a_module_without_the_warning_line_has_no_head(existing: str | None) -> None:
    assert head_of(existing) is None
    assert render([], LIBRARY, "pytorch", existing) == HEADER


def test_blanks_around_the_warning_line_do_not_count() -> None:
    assert head_of(f"a\n  {WARNING_LINE}  \nb\n{WARNING_LINE}\n") == "a\n"
    assert head_of(f"{WARNING_LINE}\n") == ""


def test_the_version_stands_wherever_its_name_does() -> None:
    assert version_text('"""B."""\n__version__ = "1"\nx = 1\n', "2.0") == '"""B."""\n__version__ = "2.0"\nx = 1\n'
    assert version_text("x = 1\n", "2.0") == "x = 1\n"
    assert version_text("__version__ = 1", "") == "__version__ = 1"


def test_what_stands_beside_the_settings_is_the_books_own(tmp_path: Path) -> None:
    for folder in ("d2l", "src/more", "json"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("setup.py", "README.md", "src/one.py"):
        (tmp_path / file).touch()
    assert local_packages(tmp_path) == {"d2l", "src", "more", "setup", "one"}


def test_names_stand_where_the_written_module_has_them() -> None:
    text = "\n\n\nx = 1\n\n@decorate\ndef f():\n    pass\n"
    library = with_text(harvest([], LIBRARY, "1.0", f"x = 0\n\ndef f(): return x\n{WARNING_LINE}\n")[0], text)
    assert library.text == text
    assert {name: found.line for name, found in library.names.items()} == {"x": 4, "f": 6}
    assert with_text(library, "def").names == {}


LINES = [
    *("a", "", " x", "\t", "\u2028", "\r", "# isort:skip_file", "import x", "def f():", "class A:", '"""', "'''"),
    *("```{.python .input}", "`````", "```", ":label:`sec_a`", "#@save", "@d2l.add_to_class(A)"),
    *("%%tab jax", "#@tab all", "if tab.selected('jax'):"),
]


@given(st.lists(st.sampled_from(LINES)).map("\n".join))
def test_nothing_that_an_author_writes_breaks_it(text: str) -> None:
    for tab in ("pytorch", "jax"):
        library = Library(tab, "m.py", "m")
        module = render([page("a", text)], library, "pytorch")
        assert render([page("a", text)], library, "pytorch", module) == module


# -- a book


@pytest.fixture
def old_book(tmp_path: Path) -> Path:
    """A small book of the old format whose module is up to date."""
    book = tmp_path / "old"
    (book / "d2l").mkdir(parents=True)
    (book / "config.ini").write_text(
        "[project]\nrelease = 1.1\n[build]\ntabs = pytorch\n[library]\nversion_file = d2l/__init__.py\n"
        "[library-pytorch]\nlib_file = d2l/torch.py\nlib_name = torch\n"
    )
    (book / "index.md").write_text(f"# Book\n\n{FENCE}toc\none\n{FENCE}\n")
    saved = "def put(x):  #@save\n    TABLE[x] = maths.pi"
    (book / "one.md").write_text(f"# One\n\n{cell(saved)}\n{cell('d2l.put(1)')}")
    (book / "d2l" / "__init__.py").write_text('"""Book."""\n__version__ = "1.1"\n')
    (book / "d2l" / "torch.py").write_text(f"{HEAD}{HEADER}def put(x):\n    TABLE[x] = maths.pi")
    return book


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_a_book_with_a_warning_line_is_harvested_compatibly(old_book: Path) -> None:
    workshop = Workshop(old_book)
    assert workshop.libraries.write() == ()
    workshop.libraries.compare()
    assert [d for d in workshop.diagnostics if d.code is Code.LIBRARY_STALE] == []
    append(old_book / "one.md", cell("x = 1  #@save"))
    assert Workshop(old_book).libraries.write() == ("d2l/torch.py",)
    assert (old_book / "d2l" / "torch.py").read_text().endswith("= maths.pi\n\nx = 1")


def test_the_setting_decides_before_the_warning_line(old_book: Path) -> None:
    text = (old_book / "config.ini").read_text()
    (old_book / "config.ini").write_text(text.replace("[library]", "[library]\nharvest = own"))
    assert WARNING_LINE not in dict(Workshop(old_book).libraries.files())["d2l/torch.py"]
    (old_book / "config.ini").write_text(text.replace("[library]", "[library]\nharvest = compatible"))
    (old_book / "d2l" / "torch.py").unlink()
    assert dict(Workshop(old_book).libraries.files())["d2l/torch.py"].startswith(HEADER)
    (old_book / "config.ini").write_text(text)
    assert WARNING_LINE not in dict(Workshop(old_book).libraries.files())["d2l/torch.py"]


def test_a_value_that_is_no_way_of_harvesting_is_reported(old_book: Path) -> None:
    text = (old_book / "config.ini").read_text()
    (old_book / "config.ini").write_text(text.replace("[library]", "[library]\nharvest = old"))
    (message,) = Workshop(old_book).diagnostics
    assert (message.code, message.span and message.span.line) == (Code.CONFIG_VALUE, 6)


def test_saved_code_finds_what_the_head_defines_and_the_rest_is_a_warning(old_book: Path) -> None:
    append(old_book / "one.md", cell("def g():  #@save\n    return TABLE, nowhere"))
    workshop = Workshop(old_book)
    libraries = workshop.libraries.harvested
    (message,) = [d for d in workshop.diagnostics if d.code is Code.UNDEFINED_NAME]
    assert "nowhere" in message.message
    assert message.severity is Severity.WARNING
    assert libraries["pytorch"].text == dict(workshop.libraries.files())["d2l/torch.py"]


def test_pages_depend_on_the_head(old_book: Path) -> None:
    def key() -> str:
        return Workshop(old_book).plan.planned["one", "pytorch"].key

    module = old_book / "d2l" / "torch.py"
    first = key()
    module.write_text(module.read_text().replace("TABLE = {}", "TABLE = {1: 2}"))
    second = key()
    module.write_text(module.read_text().replace("A book.", "This book."))
    assert first != second
    assert key() == second


def test_the_parity_script_sees_equal_and_different_modules(old_book: Path, repository: Path) -> None:
    command = [sys.executable, str(repository / "tools" / "ci" / "parity.py"), str(old_book)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "1 of 1 modules are the same" in answer.stdout
    append(old_book / "d2l" / "torch.py", "\n")
    before = sorted((path, path.read_bytes()) for path in old_book.rglob("*") if path.is_file())
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "DIFFERENT" in answer.stdout
    assert sorted((path, path.read_bytes()) for path in old_book.rglob("*") if path.is_file()) == before
