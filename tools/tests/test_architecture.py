"""The shape of the package: stages lean on shared words, not on one another; the command line starts light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "octavo"
SHARED = {
    "model",
    "diagnostics",
    "config",
    "declarations",
    "inherited",
    "ini",
    "macros",
    "manuscript",
    "syntax",
    "terminal",
    "digests",
    "processors",
    "memory",
    "products",
    "receipt",
    "website",
}
STAGES = {"source", "select", "harvest", "execute", "render", "publish", "typeset", "edit"}
MAY_ALSO_USE = {"render": {"source"}, "publish": {"source"}, "edit": {"source"}}
"""``render``, ``publish`` and ``edit`` use the dialect; nothing else crosses."""


def imported(path: Path) -> set[str]:
    """First parts below ``octavo`` of everything that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "octavo":
            rest = node.module.split(".")[1:]
            names |= {rest[0]} if rest else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("octavo.")}
    return names - {"__version__"}


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_stages_do_not_import_one_another(stage: str) -> None:
    allowed = SHARED | {stage} | MAY_ALSO_USE.get(stage, set())
    found = {path.name: imported(path) - allowed for path in (PACKAGE / stage).rglob("*.py")}
    assert {name: names for name, names in found.items() if names} == {}


@pytest.mark.parametrize("module", sorted(SHARED))
def test_shared_words_know_no_stage(module: str) -> None:
    paths = [PACKAGE / f"{module}.py"] if (PACKAGE / f"{module}.py").is_file() else [*(PACKAGE / module).glob("*.py")]
    assert paths
    assert set().union(*map(imported, paths)) <= SHARED


def test_only_the_build_knows_every_stage() -> None:
    known: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if first not in STAGES:
            known[first] = known.get(first, set()) | imported(path) & STAGES
    assert {first for first, stages in known.items() if len(stages) > 1} == {"build"}
    assert known["build"] == STAGES


def test_no_part_of_the_build_knows_the_whole() -> None:
    users = {
        path.name for path in (PACKAGE / "build").glob("*.py") if "octavo.build.workshop" in path.read_text("utf-8")
    }
    assert users == {"__init__.py"}


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, contextlib, io\n"
        "from octavo.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main(['--help'])\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    heavy = {"sphinx", "docutils", "myst_parser", "markdown_it", "nbclient", "jupyter_client", "rich", "isort", "yaml"}
    assert loaded & heavy == set()
