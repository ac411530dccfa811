"""``octavo doctor``: what is missing on a machine, and the command that installs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def doctor(*words: str, path: str | None = None, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "octavo", "-C", str(folder), "doctor", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path or os.environ["PATH"], "OCTAVO_CACHE": str(folder / "cache")},
        check=False,
    )


@pytest.fixture
def book(tmp_path: Path) -> Path:
    (tmp_path / "config.ini").write_text(
        "[project]\nname = b\ntitle = B\nauthor = A\n[build]\ntabs = pytorch\n[pdf]\nmain_font = No Such Serif\n"
    )
    (tmp_path / "index.md").write_text("# B\n")
    return tmp_path


def test_on_a_machine_without_anything_the_command_installs_everything(book: Path) -> None:
    (book / "bin").mkdir()
    (book / "bin" / "apt-get").touch(mode=0o755)
    answer = doctor(path=str(book / "bin"), folder=book)
    assert answer.returncode == 1, answer.stderr
    assert "missing  xelatex" in answer.stdout and "missing  rsvg-convert" in answer.stdout
    (line,) = [line for line in answer.stdout.splitlines() if line.startswith("install what the book lacks: ")]
    command, *rest = line.partition(": ")[2].split()
    assert command == "apt-get" and rest[0] == "install"
    assert {"latexmk", "texlive-xetex", "texlive-latex-extra", "librsvg2-bin", "fontconfig"} <= set(rest)
    assert rest[1:] == sorted(set(rest[1:]))


def test_a_font_that_the_book_names_is_looked_for(book: Path) -> None:
    if shutil.which("fc-list") is None:
        pytest.skip("no fc-list: octavo doctor says what to install")
    answer = doctor("--json", folder=book)
    found = json.loads(answer.stdout)
    assert answer.returncode == 1 and found["well"] is False
    (font,) = [one for one in found["findings"] if one["name"] == "No Such Serif"]
    assert font["found"] is False and font["needed"] is True


def test_what_is_good_to_have_is_no_error(book: Path, typesetting: None) -> None:
    config = book / "config.ini"
    config.write_text(config.read_text().replace("No Such Serif", ""))
    answer = doctor("--json", folder=book)
    found = json.loads(answer.stdout)
    needed = [one["name"] for one in found["findings"] if one["needed"] and not one["found"]]
    assert (answer.returncode, found["well"], needed) == (0, True, []), found["command"]
    assert any(not one["needed"] for one in found["findings"])


def test_it_asks_for_no_book(tmp_path: Path) -> None:
    answer = doctor(folder=tmp_path)
    assert answer.stdout.startswith("octavo ") and "Traceback" not in answer.stderr


@pytest.mark.slow
def test_it_looks_for_every_style_that_a_manuscript_asks_for(built_pdfs: Path) -> None:
    from octavo.typeset.tools import files

    (folder, *_) = sorted((built_pdfs / "paper").iterdir())
    (main,) = folder.glob(f"*-{folder.name}.tex")
    beside = {path.name for path in folder.glob("*.sty")}
    asking = re.compile(r"^[^%\n]*\\(?:usepackage|RequirePackage)\s*(?:\[[^\]]*\])?\s*\{([^}]*)\}", re.MULTILINE)
    texts = [path.read_text("utf-8", "replace") for path in (main, *folder.glob("*.sty"))]
    asked = {f"{name.strip()}.sty" for text in texts for names in asking.findall(text) for name in names.split(",")}
    inputs = [line for line in main.with_suffix(".fls").read_text().splitlines() if line.startswith("INPUT ")]
    loaded = {line.rpartition("/")[2] for line in inputs}
    assert len(asked & loaded) > 20
    assert (asked & loaded) - beside - set(files()) == set()
