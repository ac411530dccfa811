"""Running LaTeX: how far it is, what ends it, and what it must not do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from octavo.diagnostics import Severity
from octavo.typeset.engine import Typeset, typeset
from octavo.typeset.running import CancelledError, StuckError, run

BEGIN = "\\documentclass{article}\n\\begin{document}\n"
END = "\n\\end{document}\n"


def made(folder: Path, body: str, **more: float) -> Typeset:
    main = folder / "book.tex"
    main.write_text(BEGIN + body + END)
    return typeset(main, **more)  # type: ignore[arg-type]


def variables() -> dict[str, str]:
    return dict(os.environ)


def test_what_a_program_prints_is_seen_while_it_runs(tmp_path: Path) -> None:
    seen: list[tuple[float, str]] = []
    code = "import time; print('one', flush=True); time.sleep(0.5); print('two')"
    rc = run(
        [sys.executable, "-c", code],
        tmp_path,
        variables(),
        lambda text: seen.append((time.monotonic(), text)),
        threading.Event(),
    )
    assert rc == 0
    assert "".join(text for _, text in seen).split() == ["one", "two"]
    assert seen[-1][0] - seen[0][0] > 0.3


def test_a_program_that_says_nothing_is_ended_with_what_it_started(tmp_path: Path) -> None:
    code = "import os, subprocess, sys; open('pid', 'w').write(str(subprocess.Popen(['sleep', '60']).pid)); os.wait()"
    with pytest.raises(StuckError, match="nothing came out of it for 1 s"):
        run([sys.executable, "-c", code], tmp_path, variables(), lambda text: None, threading.Event(), silence=1.0)
    child = Path("/proc") / (tmp_path / "pid").read_text() / "stat"
    deadline = time.monotonic() + 5
    while child.exists() and child.read_text().split()[2] != "Z" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not child.exists() or child.read_text().split()[2] == "Z"


def test_a_build_that_is_given_up_ends_its_program_at_once(tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with pytest.raises(CancelledError):
        run(["sleep", "60"], tmp_path, variables(), lambda text: None, stop)
    assert time.monotonic() - began < 10


def test_programs_that_are_missing_are_one_message_with_the_command_that_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    apt = tmp_path / "bin" / "apt-get"
    apt.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (message,) = made(tmp_path, "Words.").messages
    assert message.code.value == "missing-tool"
    assert "latexmk" in message.message and "xelatex" in message.message
    assert message.hint.startswith("apt-get install latexmk texlive-")


@pytest.mark.slow
def test_pages_are_told_as_they_are_set(tmp_path: Path, typesetting: None) -> None:
    told: list[tuple[int, int]] = []
    main = tmp_path / "book.tex"
    main.write_text(BEGIN + "\\tableofcontents\\section{A}\n" + "Words.\\newpage\n" * 30 + "\\section{B}" + END)
    done = typeset(main, lambda run, page: told.append((run, page)))
    assert (done.pages, done.messages) == (31, ())
    assert done.pdf is not None and done.pdf.read_bytes().startswith(b"%PDF")
    assert told == sorted(told)
    assert {run for run, _ in told} >= {1, 2} and max(page for _, page in told) == 31


@pytest.mark.slow
def test_a_manuscript_that_stands_is_not_typeset_again(tmp_path: Path, typesetting: None) -> None:
    told: list[tuple[int, int]] = []
    first = made(tmp_path, "Words.")
    again = typeset(tmp_path / "book.tex", lambda run, page: told.append((run, page)))
    assert again == first and told == []


@pytest.mark.slow
def test_the_same_manuscript_makes_the_same_file(tmp_path: Path, typesetting: None) -> None:
    first = made(tmp_path, "Words.").pdf
    assert first is not None
    content = first.read_bytes()
    for path in tmp_path.glob("book.*"):
        path.unlink()
    time.sleep(1.1)  # the clock of a PDF counts seconds
    again = made(tmp_path, "Words.").pdf
    assert again is not None and again.read_bytes() == content


@pytest.mark.slow
def test_a_run_that_was_cut_short_does_not_stop_the_next_one(tmp_path: Path, typesetting: None) -> None:
    assert made(tmp_path, "\\section{A}\\label{a}\\ref{a}").messages == ()
    broken = made(tmp_path, "\\section{A {\\label{a}")  # a heading that the contents and labels cannot hold
    assert any(one.severity is Severity.ERROR for one in broken.messages)
    (tmp_path / "book.aux").write_text("\\relax\n\\newlabel{a}{{1}{")
    assert made(tmp_path, "\\section{A}\\label{a}\\ref{a}").messages == ()


@pytest.mark.slow
def test_latex_that_turns_in_circles_is_ended_and_says_where(
    tmp_path: Path, typesetting: None, request: pytest.FixtureRequest
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is begun without it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    began = time.monotonic()
    done = made(tmp_path, "%: page.md:7\n\\def\\again{\\again}\\again", silence=8.0)
    assert time.monotonic() - began < 60
    assert done.pdf is None
    assert [(one.span.path, one.span.line) for one in done.messages if one.span] == [("page.md", 7)]
    assert "nothing came out of it for 8 s" in done.messages[-1].message


@pytest.mark.slow
def test_a_manuscript_reaches_nothing_but_its_folder(
    tmp_path: Path, typesetting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("openin_any", "openout_any"):
        monkeypatch.setenv(name, "a")  # all that its user may
    outside = tmp_path / "outside.txt"
    outside.write_text("secret")
    inside = tmp_path / "inside"
    inside.mkdir()
    body = (
        "\\immediate\\write18{touch ../written}"
        f"\\newread\\home\\openin\\home={outside} \\ifeof\\home nothing\\else\\read\\home to\\line \\line\\fi"
    )
    done = made(inside, f"{body} Words.")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inside", "outside.txt"]
    assert done.pdf is not None
    text = subprocess.run(["pdftotext", done.pdf, "-"], capture_output=True, text=True, check=True).stdout
    assert "nothing" in text and "secret" not in text
    made(inside, "\\newwrite\\away\\immediate\\openout\\away=../opened.txt \\immediate\\write\\away{x}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inside", "outside.txt"]
