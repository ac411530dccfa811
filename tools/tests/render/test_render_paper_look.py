"""The look of the book on paper: fonts, languages, old settings; judged by poppler's programs, qpdf and LaTeX's log."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import MappingProxyType

import pytest

from octavo.config import load
from octavo.diagnostics import Code
from octavo.render.paper import fonts, languages
from octavo.render.paper.fonts import Face, Fonts, Other
from octavo.render.paper.letters import letters, prepare, written

LANGUAGES = tomllib.loads(Path(__file__).with_name("paper_languages.toml").read_text(encoding="utf-8"))
"""Language → a small book in it."""

PAGE = """\
# {section}
:label:`sec_first`

{text}

## {chapter} *{section}* `{section}`

{text}

> {text}

* {text}

$$y = f(x) + \\textrm{{{section}}}.$$
:eqlabel:`eq_y`

:eqref:`eq_y`, :numref:`sec_first`.

```{{.python .input}}
# {section}
print("{section}")  # ┌─┐ → ✓
```
"""


def book(folder: Path, language: str, more: str = "", **said: str) -> Path:
    """A book of one chapter and one page."""
    folder.mkdir(parents=True, exist_ok=True)
    config = f"[project]\nname = small\ntitle = {said['title']}\nauthor = A. Müller, 李沐\nlang = {language}\n"
    (folder / "config.ini").write_text(f"{config}[build]\ntabs = pytorch\n{more}", encoding="utf-8")
    index = f"# {said['title']}\n\n```toc\n:numbered:\n:maxdepth: 2\n\none/index\n```\n"
    (folder / "index.md").write_text(index, encoding="utf-8")
    (folder / "one").mkdir(exist_ok=True)
    chapter = f"# {said['chapter']}\n\n```toc\n:maxdepth: 2\n\nfirst\n```\n"
    (folder / "one" / "index.md").write_text(chapter, encoding="utf-8")
    (folder / "one" / "first.md").write_text(PAGE.format(**said), encoding="utf-8")
    return folder


def build(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "octavo", "-C", folder, "build", "pdf", *options, "--output", folder / "out"]
    variables = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, env=variables, check=False)


def log_of(folder: Path) -> str:
    return (folder / "out" / "paper" / "pytorch" / "small-pytorch.log").read_text(encoding="utf-8", errors="replace")


def faults(log: str) -> list[str]:
    """What LaTeX could not do."""
    return re.findall(
        r"^(?:! .*|\S+\.\w+:\d+: .*|Missing character.*|LaTeX Warning: (?:Ref|Hyper|Cit).*)", log, re.MULTILINE
    )


def text_of(pdf: Path) -> str:
    done = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True)
    return "".join(done.stdout.split())  # where lines end is another matter


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_book_in_every_language(language: str, tmp_path: Path, typesetting: None) -> None:
    said = LANGUAGES[language]
    folder = book(
        tmp_path / "book",
        language,
        title=said["title"],
        chapter=said["chapter"],
        section=said["section"],
        text=said["text"],
    )
    answer = build(folder, "--no-execute")
    assert answer.returncode == 0, answer.stderr
    assert not re.search(r"warning|error", answer.stderr), answer.stderr
    assert faults(log_of(folder)) == []
    pdf = folder / "out" / "pdf" / "small-pytorch.pdf"
    text = text_of(pdf)
    parted = text.replace("-", "").replace("\u00ad", "")
    for name in ("title", "chapter", "section", "text", "contents"):
        assert "".join(said[name].split()).replace("-", "") in parted, name
    for line in subprocess.run(["pdffonts", pdf], capture_output=True, text=True, check=True).stdout.splitlines()[2:]:
        assert re.search(r"\s(yes|no)\s+(yes|no)\s+(yes|no)\s+\d+\s+\d+$", line)[1] == "yes", line  # type: ignore[index]
    objects = json.loads(subprocess.run(["qpdf", "--json", pdf], capture_output=True, check=False).stdout)
    assert f'"/Lang": "u:{said.get("tag", language)}"' in json.dumps(objects)
    for first in said.get("never_first", ""):
        assert not [line for line in lines_of(pdf) if line.startswith(first)], first


def lines_of(pdf: Path) -> list[str]:
    done = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True)
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


# -- signs that a font lacks


@pytest.fixture
def few_fonts(monkeypatch: pytest.MonkeyPatch) -> Fonts:
    """A machine with four fonts, of which one has its rare signs in its plain face alone."""
    known = {
        "Text": (Face(True, "20-7e a0-ff"), Face(False, "20-7e a0-ff")),
        "Code": (Face(True, "20-7e a0-ff 2190-21ff"),),
        "FreeSerif": (Face(True, "20-7e a0-3ff 2190-21ff 2713"), Face(False, "20-7e a0-3ff 2190-21ff")),
        "Noto Serif CJK SC": (Face(True, "20-7e 3000-30ff 4e00-9fff"),),
    }
    monkeypatch.setattr(fonts, "installed", lambda: MappingProxyType(known))
    fonts.signs.cache_clear()
    yield Fonts("Text", "Text", "Code", "Text")
    fonts.signs.cache_clear()


def test_each_sign_that_a_font_lacks_is_set_in_one_that_has_it(few_fonts: Fonts) -> None:
    found = letters("aé→Ж中✓", few_fonts, "en")
    by_sign = {chr(code): key for key, codes in found.classes.items() for code in codes}
    free, noto = Other("FreeSerif"), Other("Noto Serif CJK SC")
    assert by_sign["→"] == (free, free, Other())  # code has it
    assert by_sign["中"] == (noto, noto, noto)
    assert by_sign["✓"] == (Other("FreeSerif", True),) * 3  # in bold text too
    assert [chr(code) for code in found.lost] == ["Ж"]
    assert "é" not in by_sign


def test_signs_without_a_font_are_told_at_the_authors_line(few_fonts: Fonts, tmp_path: Path) -> None:
    main = tmp_path / "small.tex"
    main.write_text("%: a.md:3\nwords\n%: b/c.md:17\nЖ\n", encoding="utf-8")
    (message,) = prepare(main, few_fonts, "en")
    assert message.code is Code.FONT
    assert message.span is not None
    assert (message.span.path, message.span.line) == ("b/c.md", 17)
    assert "U+0416" in message.message
    before = (tmp_path / "octavo-letters.tex").stat().st_mtime_ns
    prepare(main, few_fonts, "en")
    assert (tmp_path / "octavo-letters.tex").stat().st_mtime_ns == before


def test_space_stands_between_latin_words_and_chinese_ones_only(few_fonts: Fonts) -> None:
    chinese = written(letters("a中→", few_fonts, "zh"), "zh")
    assert chinese.count(r"\octavo@gap\begingroup") == 1
    assert r"\octavo@gap" not in written(letters("a→", few_fonts, "en"), "en")
    assert r"\octavo@gap" not in written(letters("a中", few_fonts, "ko"), "ko")


def test_words_of_unknown_languages_are_not_parted() -> None:
    assert languages.setting("en") == ""
    assert "ngerman,german" in languages.setting("de")
    assert languages.setting("vi") == r"\octavohyphens{}{2}{2}"
    assert languages.setting("zh") == r"\octavoeastasian{2em}"
    assert languages.tag("zh_TW") == "zh-TW"


# -- old settings


def settings_of(folder: Path, text: str) -> tuple[object, list[str]]:
    (folder / "config.ini").write_text(text, encoding="utf-8")
    settings, messages = load(folder)
    assert settings is not None
    return settings.paper, [f"{m.span.line if m.span else 0} {m.code.value} {m.message}" for m in messages]


def test_sphinx_configs_are_read_and_never_run(tmp_path: Path) -> None:
    lines = (
        "[build]\nsphinx_configs =\n"
        "    latex_elements = {'pointsize': '11pt', 'fontpkg': 'x'}\n"
        "    latex_elements['preamble'] = r'\\newcommand\\x{y}'\n"
        "    html_theme = 'alabaster'\n"
        "    open('made', 'w')\n"
    )
    paper, messages = settings_of(tmp_path, lines)
    assert dict(paper.elements) == {"pointsize": "11pt", "preamble": r"\newcommand\x{y}"}  # type: ignore[attr-defined]
    assert [message.split()[:2] for message in messages] == [
        ["3", "config-inherited"],
        ["5", "config-inherited"],
        ["6", "config-inherited"],
    ]
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("value", ["}\\input{/etc/passwd", "a\\b", "$x$"])
def test_a_font_is_a_name_and_no_latex(value: str, tmp_path: Path) -> None:
    paper, messages = settings_of(tmp_path, f"[pdf]\nmain_font = {value}\n")
    assert paper.main_font == ""  # type: ignore[attr-defined]
    assert len(messages) == 1


OLD = """\
[pdf]
main_font = No Such Serif
mono_font = Latin Modern Mono
latex_logo = logo.svg
latex_url = look
style = mine
post_latex = rework.py
"""


@pytest.mark.slow
def test_old_settings_change_the_book(tmp_path: Path, typesetting: None) -> None:
    said = {
        "title": "Well-Worn Ways & all_of_it",
        "chapter": "Gates",
        "section": "Hinges",
        "text": "Words of the text.",
    }
    folder = book(tmp_path / "book", "en", OLD, **said)
    (folder / "logo.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="40"><text y="30">LOGOWORD</text></svg>'
    )
    (folder / "look").mkdir()
    (folder / "look" / "mine.sty").write_text("\\ProvidesPackage{mine}\\AtEndDocument{STYLEWORD}\n")
    (folder / "look" / "octavo.sty").write_text("\\undefined\n")
    change = "text = open(path).read().replace('Words of', 'Reworked words of')"
    rework = f"import sys\npath = sys.argv[1]\n{change}\nopen(path, 'w').write(text)\n"
    (folder / "rework.py").write_text(rework)
    (folder / "one" / "first.md").write_text("# Hinges\n\nWords of the text. `mono`\n")
    answer = build(folder)
    assert answer.returncode == 0, answer.stderr
    assert "the font No Such Serif is not installed; TeX Gyre Pagella stands in for it" in answer.stderr
    assert "look/octavo.sty is left out" in answer.stderr
    pdf = folder / "out" / "pdf" / "small-pytorch.pdf"
    text = text_of(pdf)
    for word in ("LOGOWORD", "STYLEWORD", "Reworkedwordsof"):
        assert word in text
    about = subprocess.run(["pdfinfo", pdf], capture_output=True, text=True, check=True).stdout
    assert re.search(r"^Title: +Well-Worn Ways & all_of_it$", about, re.MULTILINE)
    assert re.search(r"^Author: +A\. Müller, 李沐$", about, re.MULTILINE)
    assert "LMMono" in subprocess.run(["pdffonts", pdf], capture_output=True, text=True, check=True).stdout

    (folder / "one" / "first.md").write_text("# Hinges\n\nWords of the text, again.\n")
    kept = build(folder, "--no-execute")  # no program of the book's is run
    assert "rework.py is not run" in kept.stderr
    assert "Reworked" not in text_of(pdf)

    (folder / "rework.py").write_text(
        "import sys\nopen(sys.argv[1], 'w').write('ruin')\nprint('it hurts')\nsys.exit(3)\n"
    )
    failed = build(folder)
    assert failed.returncode == 1
    assert "the program rework.py ends with 3" in failed.stderr
    assert "it hurts" in failed.stderr
    assert "Wordsofthetext" in text_of(pdf)


@pytest.mark.slow
def test_a_style_at_an_address_is_told_of_and_not_fetched(tmp_path: Path, typesetting: None) -> None:
    more = "[pdf]\nstyle = cambridge\nlatex_url = https://example.org/style.zip\npost_latex = rework.py\n"
    said = {"title": "Far Ways", "chapter": "Gates", "section": "Hinges", "text": "Words of the text."}
    folder = book(tmp_path / "book", "en", more, **said)
    (folder / "rework.py").write_text("raise SystemExit('never')\n")
    (folder / "one" / "first.md").write_text("# Hinges\n\nWords.\n")
    answer = build(folder)
    assert answer.returncode == 0, answer.stderr
    (told,) = re.findall(r"config\.ini:\d+: warning\[config-inherited\]: (.*)", answer.stderr)
    assert "nothing is fetched" in told
    assert "rework.py is not run" in told
    assert "never" not in answer.stderr


LINE = "Words that fill a line or somewhat more of it, so that pages of every length come about. "


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, typesetting: None) -> Path:
    """A PDF in which headings, pictures and code come at every height of a page."""
    said = {"title": "Pages", "chapter": "Chapter", "section": "Page", "text": LINE}
    library = "[library-pytorch]\nlib_file = kit.py\nlib_name = kit\n"
    folder = book(tmp_path_factory.mktemp("pages"), "en", library, **said)
    box = '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="{0}"><rect width="200" height="{0}"/></svg>'
    (folder / "img").mkdir()
    text = [f"# Page\n:label:`sec_first`\n\n{LINE}\n"]
    for number in range(1, 61):
        (folder / "img" / f"box{number}.svg").write_text(box.format(100 + 7 * (number % 9)), encoding="utf-8")
        text.append("Then\n\n$$x = 1$$\n\n" * (2 + number % 8))
        text.append(f"## Heading {number}\n\nAs :numref:`fig_{number}` shows. {LINE * 5}\n")
        text.append(f"![Box](../img/box{number}.svg)\n:label:`fig_{number}`\n")
        text.append(f"## Heading\n\n{LINE * (number % 7)}\n\nAbove {number}.\n")
        saved = "  #@save" if number % 2 else ""
        body = "".join(f"    step{line} = {line}\n" for line in range(number % 13))
        text.append(f"```{{.python .input}}\ndef code{number}():{saved}\n{body}    return {number}\n```\n")
        text.append(f"Below {number}. {LINE * (number % 5)}\n")
    (folder / "one" / "first.md").write_text("\n".join(text), encoding="utf-8")
    done = build(folder, "--no-execute")
    assert not done.returncode, done.stderr
    assert "wide-line" not in done.stderr
    return folder / "out" / "pdf" / "small-pytorch.pdf"


def words_of(pdf: Path) -> list[list[tuple[float, float, str]]]:
    """The words of each page with where they begin and end, in points from the top."""
    found = subprocess.run(["pdftotext", "-bbox", pdf, "-"], capture_output=True, text=True, check=True).stdout
    word = r'<word xMin="[\d.]+" yMin="([\d.]+)" xMax="[\d.]+" yMax="([\d.]+)">(.*?)</word>'
    return [
        [(float(top), float(end), text) for top, end, text in re.findall(word, page)]
        for page in found.split("<page ")[1:]
    ]


@pytest.mark.slow
def test_nothing_runs_off_the_end_of_a_page(pages: Path) -> None:
    log = (pages.parents[1] / "paper" / "pytorch" / "small-pytorch.log").read_text(errors="replace")
    assert not re.findall(r"Overfull \\vbox \((?:\d{2,})\.[^)]*\).*output.*", log)
    for number, words in enumerate(words_of(pages), 1):
        assert max((end for _, end, _ in words), default=0) < 720 - 22 * 72 / 25.4 + 36, f"page {number}"


@pytest.mark.slow
def test_code_that_the_index_names_stands_as_near_to_the_text_as_other_code(pages: Path) -> None:
    gaps: dict[bool, set[int]] = {True: set(), False: set()}
    for words in words_of(pages):
        for (_, above, first), (_, _, number), (below, _, word) in zip(words, words[1:], words[2:], strict=False):
            if first == "Above" and word == "def":
                gaps[bool(int(number.rstrip(".")) % 2)].add(round(below - above))
    assert gaps[True] and gaps[False] and max(gaps[True] | gaps[False]) - min(gaps[True] | gaps[False]) < 4


@pytest.mark.slow
def test_no_page_ends_with_a_heading_and_no_number_stands_alone(pages: Path) -> None:
    for number, words in enumerate(words_of(pages), 1):
        lines = [text for _, _, text in words]
        for at, word in enumerate(lines):
            if word == "Heading" and at > 8:
                assert len(lines) > at + 12, f"page {number}"
            if word == "Figure" and lines[at - 1] == "As":
                assert abs(words[at][0] - words[at + 1][0]) < 3, f"page {number}"
