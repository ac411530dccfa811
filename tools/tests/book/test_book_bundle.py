"""The book's notebooks as a stranger has them: an archive, an empty folder, an environment made as its README says.

Nothing of the repository is in sight: the commands are read in the README and run there, and no kernel gets a path
to the checkout.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Octavo = Callable[..., subprocess.CompletedProcess[str]]
TABS = ("pytorch", "tensorflow", "jax", "mxnet")
PAGES = ("chapter_preface/index", "chapter_preliminaries/automatic-differentiation")
"""Pages that are executed quickly; the second imports what others save."""


def unpacked(bundles: Path, tab: str, target: Path) -> Path:
    with zipfile.ZipFile(bundles / f"short-dive-{tab}.zip") as archive:
        archive.extractall(target)
    return target / f"short-dive-{tab}"


def variables(home: Path) -> dict[str, str]:
    """What a stranger's shell has: programs, and where packages come from; nothing of a checkout or of Jupyter's."""
    from octavo.execute.environments.pip_settings import uv_variables

    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # uv
    kept = {n: v for n, v in os.environ.items() if n.startswith(("UV_", "PIP_", "SSL_", "HTTP", "http", "XDG_CACHE"))}
    kept.setdefault("UV_CACHE_DIR", str(Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "uv"))
    translated = {n: v for n, v in uv_variables(os.environ).items() if n.startswith("UV_")}
    return {**kept, **translated, "HOME": str(home), "PATH": programs, "LANG": "C.UTF-8"}


def shell(command: str, folder: Path, home: Path) -> str:
    answer = subprocess.run(
        ["sh", "-ec", command], cwd=folder, env=variables(home), capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, f"{command}\n{answer.stdout[-2000:]}{answer.stderr[-6000:]}"
    return answer.stdout


def commands(readme: Path) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)


def sources(path: Path) -> Iterator[str]:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            yield "".join(cell["source"])


def outputs(path: Path, *, emptied: bool = False) -> list[object]:
    """What a notebook's cells have printed and drawn; ``emptied`` takes it out before, as Jupyter's menu does."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    if emptied:
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell |= {"execution_count": None, "outputs": []}
        path.write_text(json.dumps(notebook), encoding="utf-8")
    return [output for cell in notebook["cells"] for output in cell.get("outputs", ())]


def take_bytecode(environments: str, tab: str, made: Path) -> None:
    """What Python compiles when it first imports a package takes longer than all cells. Where octavo has compiled the
    same packages, of the same lock, that is taken over; Python looks whether it fits the source.
    """
    homes = [Path(line.split()[-1]) for line in environments.splitlines() if line.startswith(tab)]
    for source in (path for home in homes for path in home.glob("lib/python3*/site-packages")):
        target = made / source.relative_to(source.parents[2])
        put = os.link if source.stat().st_dev == target.stat().st_dev else shutil.copy2
        for compiled in source.rglob("__pycache__"):
            beside = target / compiled.relative_to(source)
            if beside.parent.is_dir() and not beside.exists():
                shutil.copytree(compiled, beside, copy_function=put)


@pytest.mark.kernels
@pytest.mark.parametrize("tab", TABS)
def test_two_notebooks_run_as_the_readme_says(
    octavo: Octavo, built_bundles: Path, repository: Path, tmp_path: Path, tab: str
) -> None:
    folder = unpacked(built_bundles, tab, tmp_path)
    make, _, _, execute = commands(folder / "README.md")
    assert any("from d2l import" in source for page in PAGES for source in sources(folder / f"{page}.ipynb"))
    assert not any(outputs(folder / f"{page}.ipynb", emptied=True) for page in PAGES)
    shell(make, folder, tmp_path)
    take_bytecode(octavo("-C", repository, "env").stdout, tab, folder / ".venv")
    # the command for one page takes several, and what Jupyter is made of is then imported once
    shell(f"{execute.strip()} {PAGES[1]}.ipynb --inplace", folder, tmp_path)
    assert f" {PAGES[0]}.ipynb" in execute
    for page in PAGES:
        text = (folder / f"{page}.ipynb").read_text(encoding="utf-8")
        counts = [cell["execution_count"] for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        assert counts == list(range(1, len(counts) + 1))
        assert outputs(folder / f"{page}.ipynb")
        assert str(repository) not in text
    shutil.rmtree(folder)  # gigabytes


@pytest.mark.slow
@pytest.mark.kernels
@pytest.mark.parametrize("tab", TABS)
def test_every_notebook_runs_as_the_readme_says(built_bundles: Path, tmp_path: Path, tab: str) -> None:
    folder = unpacked(built_bundles, tab, tmp_path)
    make, _, lab, execute = commands(folder / "README.md")
    shell(make, folder, tmp_path)
    assert lab == ".venv/bin/jupyter lab index.ipynb\n"
    shell(".venv/bin/jupyter lab --version", folder, tmp_path)
    shell(execute, folder, tmp_path)
    pages = sorted(path.relative_to(folder).as_posix() for path in folder.glob("chapter_*/*.ipynb"))
    assert len(pages) > 3
    for page in pages:
        before = list(sources(folder / page))
        shell(f".venv/bin/jupyter execute --inplace {page}", folder, tmp_path)
        assert list(sources(folder / page)) == before
    shutil.rmtree(folder)  # gigabytes


@pytest.mark.slow
@pytest.mark.kernels
def test_without_uv_the_readme_s_other_commands_do_it(built_bundles: Path, tmp_path: Path) -> None:
    folder = unpacked(built_bundles, "mxnet", tmp_path)
    _, make, _, execute = commands(folder / "README.md")
    if shutil.which(make.split()[0]) is None:
        pytest.skip(f"no {make.split()[0]}")
    shell(make, folder, tmp_path)
    shell(execute, folder, tmp_path)
    shutil.rmtree(folder)
