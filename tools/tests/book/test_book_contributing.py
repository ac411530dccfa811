"""The page that shows how to contribute: its changes and commands are tried, and answer what it quotes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PAGE = "chapter_tools/contributing.md"
SECTION = re.compile(r"^## ", re.MULTILINE)
FENCE = re.compile(r"^```(?P<kind>diff|console)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Step:
    """A command of the page, and what the page says that it answers."""

    command: str
    answer: str


def steps(console: str) -> list[Step]:
    """The commands of a console."""
    return [Step(*part.partition("\n")[::2]) for part in console.split("$ ")[1:]]


def changed(book: Path, difference: str) -> None:
    """Change a page as a difference says: each line that it takes away is there, once."""
    (name,) = re.findall(r"^\+\+\+ b/(.+)$", difference, re.MULTILINE)
    old, new = (re.findall(rf"^\{mark}(?!\{mark})(.*)$", difference, re.MULTILINE) for mark in "-+")
    text = (book / name).read_text(encoding="utf-8")
    for before, after in zip(old, new, strict=True):
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    (book / name).write_text(text, encoding="utf-8")


def answer_of(book: Path, command: str) -> str:
    """What a command of the page answers. `make` does not install what the tests have anyway."""
    if command.startswith("make "):
        command = f"make --silent -o .venv/.octavo OCTAVO='{sys.executable} -m octavo' {command[5:]}"
    given = {**os.environ, "COLUMNS": "200", "OCTAVO_CACHE": str(cache_of(book))}
    answer = subprocess.run(
        ["sh", "-c", command],
        cwd=book,
        env=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout
    return answer.stdout


def cache_of(book: Path) -> Path:
    """A cache without results, so that no step was gone before; environments are those that there are."""
    from octavo.execute.home import cache_home

    cache = book.parent / "cache"
    if not cache.exists():
        cache.mkdir()
        (cache_home() / "environments").mkdir(parents=True, exist_ok=True)
        (cache / "environments").symlink_to(cache_home() / "environments")
    return cache


def matches(quoted: str, answered: str) -> bool:
    """Whether an answer is what the page quotes: spaces, lines' numbers and seconds aside, and anything for dots."""

    def plain(text: str) -> str:
        lines = (" ".join(line.split()) for line in text.splitlines() if line.strip())
        return re.sub(r"\d+\.\d s\b", "0.0 s", re.sub(r"(\.md:)\d+", r"\g<1>0", "\n".join(lines)))

    pattern = re.escape(plain(quoted)).replace("…", ".*")
    return re.fullmatch(pattern, plain(answered), re.DOTALL) is not None


def replayed(book: Path, page: str, *commands: str) -> int:
    """How many commands of the page were tried, of those that begin as given, with the change that stands above."""
    count = 0
    for section in SECTION.split(page):
        for fence in FENCE.finditer(section):
            if fence["kind"] == "diff":
                before = {path: path.read_text(encoding="utf-8") for path in book.glob("chapter_*/*.md")}
                changed(book, fence["text"])
                continue
            for step in steps(fence["text"]):
                if step.command.startswith(commands):
                    answered = answer_of(book, step.command)
                    assert matches(step.answer, answered), (step, answered)
                    count += 1
        if "```diff" in section:
            for path, text in before.items():
                path.write_text(text, encoding="utf-8")
    return count


def section_of(repository: Path, name: str) -> str:
    """A section of the page."""
    page = (repository / PAGE).read_text(encoding="utf-8")
    (found,) = [section for section in SECTION.split(page) if section.startswith(f"{name}\n")]
    return found


@pytest.mark.parametrize(
    ("name", "count"),
    [
        pytest.param("A Word", 1, marks=pytest.mark.slow),
        pytest.param("A Cell", 1, marks=pytest.mark.slow),
        ("A Saved Function", 1),
        pytest.param("A Pull Request", 2, marks=pytest.mark.slow),
    ],
)
def test_what_the_page_says_of_status_and_check_is_so(book: Path, repository: Path, name: str, count: int) -> None:
    assert replayed(book, section_of(repository, name), "make status", "make check") == count


def test_an_answer_that_is_another_is_found() -> None:
    quoted = "a  fresh\nb.md:12 stale\ndone in 3.2 s\n…\nend\n"
    assert matches(quoted, "a fresh   \nb.md:7 stale\ndone in 12.0 s\nx\ny\nend\n")
    assert not matches(quoted, "a fresh\nb.md:7 fresh\ndone in 12.0 s\nx\nend\n")
    assert not matches(quoted, "a fresh\nb.md:7 stale\ndone in 12.0 s\nx\nend\nmore\n")


@pytest.mark.slow
@pytest.mark.kernels
def test_every_step_of_the_page_can_be_gone(book: Path, repository: Path) -> None:
    """The steps that build: the change of a cell, executed in the one framework that it is for, and what Git shows."""
    answer_of(book, "make lib")  # as it was before the first page was rendered
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for arguments in (
        ["init", "--quiet"],
        ["add", "--all"],
        [*identity, "commit", "--quiet", "--message", "as it was"],
    ):
        subprocess.run(["git", *arguments], cwd=book, check=True)
    assert replayed(book, section_of(repository, "A Cell"), "make status", "make html", "git diff") == 3
