"""What pages, cells and settings declare about execution: what comes of it, and what is said of mistakes."""

# ruff: noqa: E501 - a case of a table stands on one line
from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from octavo.build import Workshop
from octavo.model import Needs

Octavo = Callable[..., subprocess.CompletedProcess[str]]
CONFIG = "[project]\nname = x\n[build]\ntabs = left, right\n"
LOCK = "# python: 3.11\nipykernel==7.0.0\n"


def write(folder: Path, front: str = "", fence: str = "{.python .input}", config: str = CONFIG) -> Path:
    """A book of one page in two frameworks, with two cells."""
    cell = f"```{fence}\n#@tab all\nx = 1\n```\n\n```{{.python .input}}\n#@tab all\ny = 2\n```\n"
    files = {
        "config.ini": config,
        "index.md": f"{front}# Page\n\n{cell}",
        "environments/left.txt": LOCK,
        "environments/right.txt": LOCK,
        "environments/nightly.txt": LOCK,
        "data/a.csv": "1",
        "helpers.py": "",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def front(text: str) -> str:
    return "---\ntitle: x\nexecute:\n" + "".join(f"  {line}\n" for line in text.split("\n")) + "---\n"


def needs(folder: Path, tab: str = "left") -> Needs:
    workshop = Workshop(folder)
    found = workshop.plan.planned["index", tab].needs
    assert list(workshop.diagnostics) == []
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpus: 1", {"gpus": (1, 1)}),
        ("gpus: 0-1", {"gpus": (0, 1)}),
        ("gpus: 1 - 2", {"gpus": (1, 2)}),
        ("gpus: 0", {}),
        ("gpu_memory: 8 GB", {"gpu_memory": 8_000_000_000}),
        ("memory: 512 MiB", {"memory": 512 * 2**20}),
        ("memory: 1.5G", {"memory": 1_500_000_000}),
        ("memory: 2KiB", {"memory": 2048}),
        ("memory: 1234", {"memory": 1234}),
        ("cpus: 4", {"cpus": 4}),
        ("timeout: 900", {"timeout": 900.0}),
        ("timeout: 90 s\npage_timeout: 10 min\nsilence: 2 h", {"timeout": 90.0, "page_timeout": 600.0, "silence": 7200.0}),
        ("environment: {left: nightly}", {"environment": "nightly"}),
        ("environment: {right: nightly}", {}),
        ("files: data/*.csv\nvariables: [A, B]\nmodules: helpers", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_a_page_declares(text: str, expected: dict[str, object], tmp_path: Path) -> None:
    assert needs(write(tmp_path, front(text))) == replace(Needs(), **expected)


@pytest.mark.parametrize(
    ("fence", "expected"),
    [
        ("{.python .input timeout=900}", {"cell_timeouts": {0: 900.0}}),
        ('{.python .input timeout="2 min" #some-id}', {"cell_timeouts": {0: 120.0}}),
        ("{.python .input gpus=1 gpu_memory=4GB cpus=2 memory=1GB}", {"gpus": (1, 1), "gpu_memory": 4 * 10**9, "cpus": 2, "memory": 10**9}),
        ("{.python .input n=1 height=30}", {}),
    ],
)  # fmt: skip
def test_a_cell_declares(fence: str, expected: dict[str, object], tmp_path: Path) -> None:
    assert needs(write(tmp_path, fence=fence)) == replace(Needs(), **expected)


def test_the_page_needs_the_most_of_what_its_cells_need(tmp_path: Path) -> None:
    folder = write(tmp_path, front("gpus: 0-1\ncpus: 4\ntimeout: 5"), "{.python .input gpus=1 cpus=2 timeout=9}")
    assert needs(folder) == Needs(gpus=(1, 1), cpus=4, timeout=5.0, cell_timeouts={0: 9.0})


def test_settings_declare_for_pages_and_the_later_section_wins(tmp_path: Path) -> None:
    config = CONFIG + (
        "[execute]\ntimeout = 1 min\nsilence = 30\n"
        "[execute **/*.md]\ncpus = 2\ngpus = 1\nenvironment = left=nightly\n"
        "[execute index]\ngpus = 0-2\n"
    )
    expected = Needs(gpus=(0, 2), cpus=2, timeout=60.0, silence=30.0, environment="nightly")
    assert needs(write(tmp_path, config=config)) == expected
    assert needs(tmp_path, "right").environment == ""
    assert needs(write(tmp_path, front("gpus: 1"), config=config)).gpus == (1, 1)


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("gpu: 1", 4, "execute: knows no 'gpu'", "did you mean gpus?"),
        ("colour: 1", 4, "execute: knows no 'colour'", "it can be gpus,"),
        ("cpus: 2\ngpus: many", 5, "execute: gpus: 'many' is no number of graphics cards", "such as 1, 0-1"),
        ("gpus: 2-1", 4, "execute: gpus: '2-1' runs backwards", "1-2"),
        ("gpus: yes", 4, "execute: gpus: True is no plain value", "write one number"),
        ("gpus: [1]", 4, "execute: gpus: [1] is no plain value", ""),
        ("gpus: １", 4, "'１' is no number of graphics cards", ""),
        ("gpus: 1\ncpus: 2\ngpus: 2", 6, "execute: gpus stands here and in line 4", "remove one"),
        (f"memory: {'9' * 400} TB", 4, "there is no machine with as much memory", ""),
        (f"timeout: {'9' * 500}", 4, "the number is too large", ""),
        ("timeout: .nan", 4, "'nan' is no time", ""),
        ("timeout: 2026-01-01", 4, "is no plain value", ""),
        ("memory: lots", 4, "'lots' is no amount of memory", "8 GB"),
        ("timeout: soon", 4, "'soon' is no time", "10 min"),
        ("timeout: 0", 4, "a cell needs some time", ""),
        ("timeout: -5", 4, "'-5' is no time", ""),
        ("cpus: 0", 4, "'0' is no number of cores", "at least 1"),
        ("environment: nightly", 4, "'nightly' is for one framework, and index.md has 2", "{left: nightly}"),
        ("environment: {lift: nightly}", 4, "there is no framework 'lift'", "did you mean 'left'?"),
        ("environment: {left: ../x}", 4, "'../x' is no name of a lock", "environments/NAME.txt"),
        ("environment: {left: weekly}", 1, "cannot read the lock environments/weekly.txt", ""),
        ("files: ../x", 4, "'../x' leads out of the book", ""),
        ("files: a**b", 4, "'a**b' is no glob", ""),
        ("files: data/**", 4, "'data/**' names folders, not files", "data/**/*"),
        ('files: "data/\\0"', 4, "is no name of a file", ""),
        (f"files: {'x' * 300}", 4, "is no name of a file", ""),
        (f"files: {'x/' * 3000}y", 4, "is no name of a file", ""),
        ("files: none/*.csv", 4, "files: names none/*.csv, which no file of the book is", ""),
        ("variables: A-B", 4, "'A-B' is no name of a variable", ""),
        ("modules: a/b", 4, "'a/b' is no name of a module", "tools.plots"),
        ("modules: nowhere.x", 4, "the book has no module nowhere.x", "tools.plots"),
    ],
)  # fmt: skip
def test_a_mistake_of_a_page_is_told_with_its_line(
    text: str, line: int, message: str, hint: str, tmp_path: Path, octavo: Octavo
) -> None:
    write(tmp_path, front(text))
    command = "status" if "none/" in text else "check"
    messages = json.loads(octavo("-C", tmp_path, command, "--json").stdout)
    found = messages["messages"] if isinstance(messages, dict) else messages
    assert len(found) == 1, found
    assert message in found[0]["message"]
    assert hint in (found[0]["hint"] or "")
    if "lock" not in message or "name" in message:
        assert (found[0]["path"], found[0]["line"]) == ("index.md", line)
        assert found[0]["excerpt"] == text.split("\n")[line - 4].strip()


@pytest.mark.parametrize(
    ("fence", "message"),
    [
        ("{.python .input timeout=soon}", "a cell timeout: 'soon' is no time"),
        ("{.python .input timeot=9}", "a cell knows no 'timeot'"),
        ("{.python .input files=x}", "a cell knows no 'files'"),
    ],
)
def test_a_mistake_of_a_cell_is_told(fence: str, message: str, tmp_path: Path, octavo: Octavo) -> None:
    answer = octavo("-C", write(tmp_path, fence=fence), "check")
    assert answer.returncode == 1
    assert "declaration" in answer.stderr
    assert message in answer.stderr
    assert "index.md:3" in answer.stderr


@pytest.mark.parametrize(
    ("section", "message", "line"),
    [
        ("[execute index]\ngpsu = 1", "[execute index] knows no 'gpsu'", 6),
        ("[execute index]\nmemory = much", "[execute index] memory: 'much' is no amount", 6),
        ("[execute chapter_x/*]\ngpus = 1", "[execute chapter_x/*] names no page", 5),
        ("[execute]\npage_timeout = -1", "page_timeout", 6),
        ("[execute]\nsilence = long", "'long' is no number", 6),
    ],
)
def test_a_mistake_of_the_settings_is_told(
    section: str, message: str, line: int, tmp_path: Path, octavo: Octavo
) -> None:
    answer = octavo("-C", write(tmp_path, config=f"{CONFIG}{section}\n"), "check")
    assert message in answer.stderr
    assert f"config.ini:{line}" in answer.stderr


def test_execute_that_is_no_table(tmp_path: Path, octavo: Octavo) -> None:
    answer = octavo("-C", write(tmp_path, "---\nexecute: fast\n---\n"), "check")
    assert "index.md:2" in answer.stderr
    assert "execute: holds names and values" in answer.stderr


def test_status_suggests_and_decides_nothing(tmp_path: Path, octavo: Octavo) -> None:
    folder = write(tmp_path)
    text = (folder / "index.md").read_text()
    (folder / "index.md").write_text(text.replace("y = 2", "# .cuda(\nnet.cuda()"))
    answer = octavo("-C", folder, "status")
    assert "1 page looks as if it uses a GPU and declares nothing: execute: gpus: 0-1 (index.md:11)" in answer.stdout
    suggestions = json.loads(octavo("-C", folder, "status", "--json").stdout)["suggestions"]
    assert suggestions == [{"path": "index.md", "line": 11, "declare": "execute: gpus: 0-1"}]
    assert needs(folder).gpus == (0, 0)
    (folder / "index.md").write_text(front("gpus: 0-1") + (folder / "index.md").read_text())
    assert "GPU" not in octavo("-C", folder, "status").stdout


@pytest.mark.parametrize(
    "line",
    [
        "x.cuda()", "d2l.try_gpu()", "devices = d2l.try_all_gpus()", "trainer = d2l.Trainer(num_gpus=1)", "mx.gpu(0)",
        "torch.device('cuda')", "x.to('cuda:0')", "f(device='cuda')", "tf.device('/GPU:0')", "jax.devices('gpu')",
    ],
)  # fmt: skip
def test_what_looks_like_a_gpu(line: str, tmp_path: Path) -> None:
    folder = write(tmp_path)
    text = (folder / "index.md").read_text()
    (folder / "index.md").write_text(text.replace("y = 2", line))
    assert [span.line for span in Workshop(folder).plan.suggestions()] == [10]


@pytest.mark.parametrize(
    ("path", "variables"),
    [("data/a.csv", {}), ("data/b.csv", {}), ("helpers.py", {}), ("environments/nightly.txt", {}), ("", {"MINE": "2"})],
)
def test_a_site_is_not_finished_when_what_its_pages_declare_has_changed(
    path: str, variables: dict[str, str], tmp_path: Path, octavo: Octavo
) -> None:
    write(tmp_path, front("files: data/*.csv\nvariables: MINE\nenvironment: {left: nightly}"))
    page = tmp_path / "index.md"
    page.write_text(page.read_text().replace("y = 2", "import helpers"))
    build = ("-C", tmp_path, "build", "html", "--no-execute")
    octavo(*build, MINE="1")
    assert "nothing has changed" in octavo(*build, MINE="1").stderr
    if path:
        (tmp_path / path).write_text(LOCK.replace("7.0.0", "7.0.1") if "nightly" in path else "x = 3")
    assert "nothing has changed" not in octavo(*build, **{"MINE": "1", **variables}).stderr
    assert "nothing has changed" in octavo(*build, **{"MINE": "1", **variables}).stderr
