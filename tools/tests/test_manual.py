"""The manual says everything that there is to say, and nothing that is not so."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from octavo import cli
from octavo.cli import PRODUCTS, main
from octavo.config import KEYS, LIBRARY_KEYS, Key
from octavo.diagnostics import Code, error
from octavo.inherited import INHERITED
from octavo.source.blocks import FENCE

TOOLS = Path(__file__).resolve().parents[1]
REPOSITORY = TOOLS.parent
MANUAL = TOOLS / "docs"
PAGES = (
    "index", "start", "moving", "writing", "library", "jupyter", "website", "paper", "notebooks",
    "results", "resources", "machines", "settings",
    "commands", "messages", "architecture",
)  # fmt: skip
Octavo = Callable[..., subprocess.CompletedProcess[str]]


def text(page: str) -> str:
    return (MANUAL / f"{page}.md").read_text(encoding="utf-8")


def prose(path: Path) -> str:
    """A Markdown file without what stands in fences."""
    kept, fence = [], ""
    for line in path.read_text(encoding="utf-8").splitlines():
        mark = FENCE.match(line.strip())
        if fence:
            fence = "" if mark and mark[1].startswith(fence) and not mark[2].strip() else fence
        elif mark:
            fence = mark[1]
        else:
            kept.append(line)
    return "\n".join(kept)


def sections(page: str) -> dict[str, str]:
    """Heading of the second level → what stands below it."""
    parts = re.split(r"^## (.+)$", text(page), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(markdown: str) -> list[list[str]]:
    """The cells of every table row, headings and rules left out."""
    lines = [line for line in markdown.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


# -- settings


@pytest.mark.parametrize("key", (*KEYS, *LIBRARY_KEYS), ids=lambda key: f"{key.section}.{key.name}")
def test_every_setting_stands_in_the_manual_with_its_default(key: Key) -> None:
    table = {cells[0]: cells[1:] for cells in rows(sections("settings")[f"`[{key.section}]`"])}
    assert f"`{key.name}`" in table
    default, meaning = table[f"`{key.name}`"]
    assert default == (f"`{key.default}`" if key.default else "empty")
    assert len(meaning) > 10


def test_the_manual_describes_no_setting_that_is_gone() -> None:
    described = {
        (heading.strip("`[]"), cells[0].strip("`"))
        for heading, body in sections("settings").items()
        if heading.startswith("`[")
        for cells in rows(body)
        if cells[0] != "key"
    }
    assert described == {(key.section, key.name) for key in (*KEYS, *LIBRARY_KEYS)}


def test_inherited_settings_are_listed() -> None:
    inherited = sections("settings")["Inherited from the old format"]
    named, products = inherited.split("for products that octavo does not make yet")
    told = [key for cells in rows(named) for key in re.findall(r"`(\[.*?)`", cells[0])]
    assert sorted(told) == sorted(f"[{key.section}] {key.name}" for key in INHERITED if key.instead)
    quiet = [(cells[0], key) for cells in rows(products) for key in re.findall(r"`(\[.*?)`", cells[1])]
    assert sorted(quiet) == sorted(
        (f"`{key.product}`", f"[{key.section}] {key.name}") for key in INHERITED if key.product
    )


# -- messages


def test_every_message_is_explained_once() -> None:
    explained = [cells[0].strip("`") for cells in rows(text("messages")) if cells[0] != "code"]
    assert sorted(explained) == sorted(code.value for code in Code)


# -- commands


def commands(command: click.Command = main, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command below ``octavo`` by the words that call it, groups included."""
    if path:
        yield " ".join(("octavo", *path)), command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from commands(child, (*path, name))


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=[name for name, _ in commands()])
def test_every_option_of_a_command_is_explained(name: str, command: click.Command) -> None:
    section = sections("commands")[f"`{name}`"]
    explained = {word for cells in rows(section) for word in re.findall(r"(?<![\w-])--?\w[\w-]*", cells[0])}
    options = {o for p in command.params if isinstance(p, click.Option) for o in p.opts + p.secondary_opts}
    assert explained == options
    for argument in (p for p in command.params if isinstance(p, click.Argument)):
        assert argument.metavar is not None
        assert f"{name} " in section
        assert argument.metavar in section


def test_no_command_is_described_that_is_gone() -> None:
    described = {heading.strip("`") for heading in sections("commands") if heading.startswith("`octavo ")}
    assert described == {name for name, _ in commands()}


def test_options_before_the_command_and_products_are_explained() -> None:
    top = text("commands").partition("\n## ")[0]
    for parameter in main.params:
        for option in parameter.opts:
            assert f"`{option}" in top
    products = {cells[0] for cells in rows(sections("commands")["`octavo build`"])}
    assert {f"`{product}`" for product in PRODUCTS} <= products


def test_every_exit_code_is_explained() -> None:
    explained = {cells[0] for cells in rows(sections("commands")["Exit codes"])}
    codes = {str(value) for name, value in vars(cli).items() if name.startswith("EXIT_")}
    assert explained == {"code", "0", "2"} | codes


def test_every_field_of_a_message_in_json_is_shown() -> None:
    for field in error(Code.MARKUP, "x").to_json():
        assert f'"{field}"' in sections("commands")["`octavo check`"]


def test_every_environment_variable_is_documented() -> None:
    files = [*TOOLS.glob("octavo/**/*.py"), *TOOLS.glob("tests/**/*.py"), *TOOLS.glob("ci/*"), TOOLS / "bootstrap.sh"]
    files += [REPOSITORY / ".ci" / "run", REPOSITORY / "Makefile"]
    named = {
        name
        for path in files
        if path.is_file()
        for name in re.findall(r"\bOCTAVO_[A-Z][A-Z_]*\b", path.read_text(encoding="utf-8"))
    }
    manual = "".join(text(page) for page in PAGES)
    assert {name for name in named if f"`{name}`" not in manual} == set()


# -- the shape of the package


def test_every_module_has_its_place_in_the_architecture() -> None:
    package = TOOLS / "octavo"
    modules = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if path.name != "__init__.py" and ast.parse(path.read_text(encoding="utf-8")).body
    }
    named = set(re.findall(r"`([\w/]+\.py)`", sections("architecture")["The modules"]))
    assert named - {"tests/test_architecture.py"} == modules


# -- links


def documents() -> list[Path]:
    return [
        *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md")),
        TOOLS / "README.md",
        *MANUAL.glob("*.md"),
    ]


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#{1,6} (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    shown = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", prose(path))
    broken = []
    for address in re.findall(r"\]\(\s*([^)\s]+)\s*\)", shown) + re.findall(r'<img src="([^"]+)"', shown):
        if re.match(r"[a-z]+:", address):
            continue
        name, _, anchor = address.partition("#")
        target = (path.parent / name).resolve() if name else path
        lost = anchor and target.suffix == ".md" and target.is_file() and anchor not in anchors(target)
        if not target.exists() or lost:
            broken.append(address)
    assert broken == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "tools/docs/start.md", "tools/docs/architecture.md"])
def test_make_targets_exist(name: str) -> None:
    rules = re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = re.findall(r"(?:`|^)make ([a-z][\w-]*)", (REPOSITORY / name).read_text(encoding="utf-8"), re.MULTILINE)
    assert named
    assert set(named) <= set(rules)


# -- the manual is a book


def test_the_manual_builds_without_a_word(octavo: Octavo, tmp_path: Path) -> None:
    before = sorted(MANUAL.rglob("*"))
    answer = octavo("-C", MANUAL, "build", "html", "--output", tmp_path / "out", OCTAVO_CACHE=str(tmp_path / "cache"))
    assert answer.returncode == 0, answer.stderr
    assert "warning" not in answer.stderr
    assert {path.stem for path in MANUAL.glob("*.md")} == set(PAGES)
    assert {page for page in PAGES if not (tmp_path / "out" / "html" / f"{page}.html").is_file()} == set()
    assert sorted(MANUAL.rglob("*")) == before


def smallest_book() -> dict[str, str]:
    """The files that the manual tells a newcomer to write: a heading with the path, then a fence with the content."""
    found = re.findall(r"^### `([^`]+)`\n+(`{3,})\w*\n(.*?)^\2$", text("start"), re.MULTILINE | re.DOTALL)
    return {name: content for name, _, content in found}


def test_the_smallest_book_is_right(octavo: Octavo, tmp_path: Path) -> None:
    files = smallest_book()
    assert set(files) == {"config.ini", "index.md", "hello.md", "environments/default.txt"}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    answer = octavo("-C", tmp_path, "check", OCTAVO_CACHE=str(tmp_path / "cache"))
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "no errors\n", "")
    answer = octavo("-C", tmp_path, "status", OCTAVO_CACHE=str(tmp_path / "cache"))
    assert re.search(r"^hello +default +missing", answer.stdout)
