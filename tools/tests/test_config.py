"""Settings as authors write them, slips included."""

from __future__ import annotations

from pathlib import Path

import pytest

from octavo.config import Settings, load


def told(folder: Path, text: str) -> list[str]:
    (folder / "config.ini").write_text(text, encoding="utf-8")
    return [f"{m.span.line if m.span else 0} {m.message}" for m in load(folder)[1]]


def loaded(folder: Path, text: str) -> Settings:
    assert told(folder, text) == []
    settings = load(folder)[0]
    assert settings is not None
    return settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[execute]\njobs = inf\n", "2 'inf' is no number"),
        ("[execute]\ntimeout = nan\n", "2 'nan' is no number"),
        ("[execute]\ntimeout = 0\n", "2 0 is too small"),
        ("[build]\ntabs = all\n", "2 'all' means every framework, so none can be called so"),
        ("[build]\nwarning_is_error = maybe\n", "2 'maybe' is neither True nor False"),
        ("[execute]\noutputs = .\n", "2 '.' holds the book itself"),
        ("[build]\noutput_dir =\n", "2 '' holds the book itself"),
        ("[build]\noutput_dir = outputs\n", "1 'outputs' lies in [build] output_dir, which `octavo clean` removes"),
        ("[execute]\nfiles = /etc/*\n", "2 '/etc/*' leads out of the book"),
        ("[execute]\nfiles = a**b\n", "2 'a**b' is no glob"),
        ("[library]\nversion_file = index.md\n", "2 'index.md' is no module"),
        (
            "[build]\ntabs = a\n[library-a]\nlib_file = d2l/my-a.py\n",
            "4 lib_file = 'd2l/my-a.py' is no module inside of",
        ),
        (
            "[build]\ntabs = a, b\n[library-a]\nlib_file = d2l/x.py\n[library-b]\nlib_file = ./d2l/x.py\n",
            "6 d2l/x.py is the module of [library-a] already",
        ),
        ("[project]\ntitle = a\u2028b\x0cc\n[build]\nuntagged = x\n", "4 'x' is none of default, all"),
        ("[build]\nexclusions = a\n  [execute]\nuntagged = x\n", "4 'x' is none of default, all"),
        ("tabs = a\n", "1 File contains no section headers."),
    ],
)
def test_a_value_that_does_not_fit_is_told_at_its_line(tmp_path: Path, text: str, expected: str) -> None:
    (message,) = told(tmp_path, text)
    assert message.startswith(expected)


def test_a_value_that_does_not_fit_leaves_the_default(tmp_path: Path) -> None:
    told(tmp_path, "[build]\nwarning_is_error = maybe\noutput_dir = .\n[execute]\njobs = nan\noutputs = ..\n")
    settings = load(tmp_path)[0]
    assert settings is not None
    values = (settings.warning_is_error, settings.output_dir, settings.jobs, settings.outputs)
    assert values == (False, "_build", 0, "outputs")


@pytest.mark.parametrize(
    ("glob", "page", "matches"),
    [
        ("*.md", "a", True),
        ("*.md", "x/a", False),
        ("**/a.md", "a", True),
        ("**/a.md", "x/y/a", True),
        ("chapter_[a-c]*/?.md", "chapter_b1/x", True),
        ("[!ab].md", "a", False),
        ("[!ab].md", "c", True),
        ("x[!y]a.md", "x/a", False),
        ("[z-a].md", "z", False),
        ("[a\\].md", "\\", True),
        ("[].md", "[]", True),
        ("a+(b).md", "a+(b)", True),
    ],
)
def test_globs(tmp_path: Path, glob: str, page: str, matches: bool) -> None:
    assert loaded(tmp_path, f"[build]\nexclusions = {glob}\n").is_excluded(page) is matches
