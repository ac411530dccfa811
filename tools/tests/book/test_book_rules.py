"""The book's own rules, where a machine can see them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
TABS = ("pytorch", "tensorflow", "jax", "mxnet")
CODE_PAGES = sorted(
    path for path in REPOSITORY.glob("chapter_*/*.md") if "```{.python .input" in path.read_text(encoding="utf-8")
)
CELL = re.compile(r"^```\{\.python \.input[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(params=CODE_PAGES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def text(request: pytest.FixtureRequest) -> str:
    return Path(request.param).read_text(encoding="utf-8")


def test_the_book_has_pages() -> None:
    assert len(CODE_PAGES) >= 4


def test_code_fits_the_column(text: str) -> None:
    assert [line for cell in CELL.findall(text) for line in cell.split("\n") if len(line) > 79] == []


def test_every_framework_has_code(text: str) -> None:
    marks = " ".join(re.findall(r"^#@tab (.*)$", text, re.MULTILINE))
    assert {tab for tab in TABS if tab in marks} == set(TABS)


def test_a_section_ends_with_summary_exercises_and_a_thread_for_each_framework(text: str) -> None:
    headings = re.findall(r"^## (.+)$", CELL.sub("", text), re.MULTILINE)
    assert headings[-2:] == ["Summary", "Exercises"]
    assert 2 <= len(headings) - 2 <= 5
    exercises = text[text.rindex("## Exercises") : text.index(":begin_tab:", text.rindex("## Exercises"))]
    assert 3 <= len(re.findall(r"^1\. ", exercises, re.MULTILINE)) <= 6
    end = text[text.rindex("## Exercises") :]
    assert re.findall(r":begin_tab:`(\w+)`\n\[Discussions\]\(https://\S+\)\n:end_tab:", end) == list(TABS)


def test_a_section_has_a_label_an_equation_and_a_picture(text: str) -> None:
    assert re.search(r"^# .+\n:label:`", text, re.MULTILINE)
    assert ":eqlabel:" in text
    assert "plot(" in text or ":label:`fig_" in text


def test_pictures_keep_their_words_as_text() -> None:
    drawn = sorted((REPOSITORY / "img").glob("*.svg"))
    assert drawn
    for picture in drawn:
        content = picture.read_text(encoding="utf-8")
        assert "<text" in content, picture.name
        assert not re.search(r"20\d\d-\d\d-\d\d|<script|href=\"http", content), picture.name
    sources = (REPOSITORY / "img/src").glob("*.py")
    made = {script.stem.replace("_", "-") for script in sources}
    assert {picture.stem for picture in drawn} <= made, "each drawing has the script that makes it"
