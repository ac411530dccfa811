"""What LaTeX's log holds → messages at the author's places."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from fixture import Case, cases

from octavo.diagnostics import Diagnostic, ReadLine, format_diagnostic
from octavo.typeset.engine import typeset
from octavo.typeset.log import Kind, events, gave_up, pages
from octavo.typeset.messages import MOST, messages
from octavo.typeset.places import Places

CASES = cases("typeset")


def reader(page: str) -> ReadLine:
    lines = page.split("\n")
    return lambda path, line: lines[line - 1] if path == "page.md" and 0 < line <= len(lines) else None


def told(found: tuple[Diagnostic, ...], read_line: ReadLine) -> str:
    text = "\n".join(format_diagnostic(one, read_line) for one in found)
    return re.sub(r"log: \S*?book\.log(:\d+)?", lambda match: f"log: book.log{':N' if match[1] else ''}", text)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_log_is_told_at_the_places_of_the_author(case: Case) -> None:
    read_line = reader(case["page"])
    found = messages(events(case["log"]), Places(case["manuscript"], read_line), Path("book.log"))
    ending = "error[latex]: there is no PDF: "  # what the engine adds
    assert told(found, read_line) == case["expected"].partition(ending)[0].rstrip("\n")
    assert (pages(case["log"]) == 0) == (ending in case["expected"])


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_latex_says_the_same_today(case: Case, tmp_path: Path, typesetting: None) -> None:
    main, read_line = tmp_path / "book.tex", reader(case["page"])
    main.write_text(case["manuscript"] + "\n")
    (tmp_path / "drawing.svg").write_text("<svg/>")
    made = typeset(main, read_line=read_line)
    assert told(made.messages, read_line) == case["expected"]
    assert (made.pdf is None) == ("there is no PDF" in case["expected"])


def test_an_error_names_the_line_of_the_log_that_it_stands_in() -> None:
    case = CASES[0]
    (found,) = messages(events(case["log"]), Places(case["manuscript"], reader(case["page"])), Path("book.log"))
    number = int(found.detail[-1].rpartition(":")[2])
    assert "Undefined control sequence" in case["log"].split("\n")[number - 1]


def test_every_error_of_a_log_is_seen() -> None:
    for case in CASES:
        lines = re.findall(r"^(?:! |\./book\.tex:\d+: )(?!Emergency stop).*$", case["log"], re.MULTILINE)
        assert len(lines) == sum(one.kind is Kind.ERROR for one in events(case["log"])), case.title


def test_pages_are_counted_as_the_pdf_counts_them() -> None:
    log = (
        "[1\n\n] [2] (./x.toc [3]) [1\n\n]\n"
        "Overfull \\hbox (99.0pt too wide) in paragraph at lines 7--8\n[]\\TU/lmr/m/n/10 x[1] [2] [3]\n []\n\n"
        "[2] [3]\n"
        "Overfull \\hbox (11.0pt too wide) detected at line 9\n []\n"
    )
    assert [(one.page, one.line, one.text) for one in events(log)] == [(5, 7, "x[1] [2] [3]"), (7, 9, "")]


def test_a_page_that_holds_more_than_it_has_room_for_is_told() -> None:
    log = (
        "[1] [2]\nOverfull \\vbox (77.6pt too high) has occurred while \\output is active []\n\n [3]\n"
        "Overfull \\vbox (1.6pt too high) has occurred while \\output is active []\n\n [4]\n"
        "Overfull \\vbox (99.0pt too high) detected at line 7\n []\n"
    )
    found = messages(events(log), Places(""), Path("x.log"))
    assert [one.message for one in found] == ["something stands 78 pt out of its page, on page 3"]


def test_a_character_that_is_missing_as_often_as_it_stands_there_is_told_at_each_place() -> None:
    manuscript = "%: a.md:1\none → two\n%: a.md:5\nthree → four\n"
    line = "Missing character: There is no → (U+2192) in font [Some Font]/OT:script=latn;!\n"
    for log, lines in ((line * 2, [1, 5]), (line * 3, [1])):
        found = messages(events(log), Places(manuscript), Path("x.log"))
        assert [one.span.line for one in found if one.span] == lines
        assert "'Some Font' has no → (U+2192)" in found[0].message


def test_a_font_is_named_without_what_is_asked_of_it() -> None:
    line = "Missing character: There is no → (U+2192) in font TeX Gyre Heros/OT:script=latn;mapping=tex-text;!\n"
    (found,) = messages(events(line), Places(""), Path("x.log"))
    assert "the font 'TeX Gyre Heros' has no →" in found.message


def test_what_the_author_knows_of_is_not_told_again_nor_counted() -> None:
    manuscript = "".join(f"%: a.md:{number}\nwords\n" for number in range(1, 41))
    log = "".join(f"./x.tex:{2 * number}: Double superscript.\nl.{2 * number} x\n \n" for number in range(1, 41))
    found = messages(events(log), Places(manuscript), Path("x.log"), {("a.md", number) for number in range(1, 31)})
    assert [one.span.line for one in found if one.span] == [*range(31, 41)] and len(found) == 10


def test_many_messages_of_one_sort_are_counted_by_page() -> None:
    manuscript = "".join(f"%: a.md:{number}\nwords\n" for number in range(1, 101))
    log = "".join(
        f"Overfull \\hbox (2{number}.0pt too wide) detected at line {2 * number}\n []\n\n[{number}]\n"
        for number in range(1, 31)
    )
    *told_alone, last = messages(events(log), Places(manuscript), Path("x.log"))
    assert len(told_alone) == MOST
    assert last.message == "10 more lines that are too wide"
    assert last.detail[0] == "page 21: a.md:21: 221 pt"
    assert len([line for line in last.detail if line.startswith("page ")]) == 10


def test_a_block_ends_before_the_line_that_the_next_mark_names() -> None:
    lines = reader("\n".join(["", "", "before it", "of the first", "of the second", "", "alpha in the second"]))
    manuscript = "%: page.md:3\nalpha stands here\n%: page.md:5\nother words\n%: page.md:20\nand more"
    spans = [
        Places(manuscript, lines).at(line, token=token) for line, token in ((2, "alpha"), (4, "alpha"), (2, "first"))
    ]
    assert [span and span.line for span in spans] == [3, 7, 4]


def test_marks_of_no_file_of_the_book_are_text() -> None:
    manuscript = "%: ../../secret.md:1\nx\n%: /etc/passwd:1\ny\n%: a.md:0x\nz\n"
    places = Places(manuscript, lambda path, line: pytest.fail(path))
    assert [places.at(line) for line in (2, 4, 6)] == [None, None, None]


def test_latex_that_gives_up_is_noticed() -> None:
    assert gave_up("(That makes 100 errors; please try again.)\n")
    assert gave_up("x\n*** (job aborted, no legal \\end found)\n")
    assert not gave_up("./a.tex:1: Undefined control sequence.\nOutput written on a.xdv (3 pages, 5 bytes).\n")
