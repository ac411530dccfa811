"""Pictures of a book on paper, judged by poppler's programs: ``pdfimages``, ``pdffonts``, ``pdftotext``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest

CONFIG = "[project]\nname = mini\ntitle = Pictures\n[build]\ntabs = pytorch\n"
INDEX = "# Pictures\n\n```toc\n:maxdepth: 1\n:numbered:\n\none\n```\n"
PAGE = """\
# One

![A drawing with words](img/words.svg)

![A large one](img/large.svg)

![A photograph](img/photo.jpg)

![Pixels](img/pixels.png)

![A film](img/film.gif)

![From the web](img/web.webp)

![A PNG with the name of a JPEG](img/lies.jpg)

![Nothing right about it](img/broken.png)

Words before ![half a drawing](img/broken.svg) and behind.

The very last words.
"""
DRAWING = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="120" viewBox="0 0 {width} 120">
<rect width="100" height="60" fill="#1f77b4"/>
<text x="10" y="100" font-family="sans-serif" font-size="20">{words}</text>
</svg>
"""


@dataclass(frozen=True)
class Made:
    """A book and what was made of it."""

    book: Path
    output: Path
    said: str
    code: int
    photograph: bytes

    @property
    def pdf(self) -> Path:
        return next((self.output / "pdf").glob("*.pdf"))

    @property
    def pictures(self) -> Path:
        return self.output / "paper" / "pytorch" / "pictures"

    def picture(self, stem: str) -> Path:
        (found,) = self.pictures.glob(f"{stem}-*")
        return found


def build(book: Path, output: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "octavo", "-C", book, "build", "pdf", "--no-execute", "--output", output],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200", **variables},
        check=False,
    )


def told(program: str, *arguments: str | Path) -> str:
    if shutil.which(program) is None:
        pytest.skip(f"no {program}: sudo apt install poppler-utils")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    image = pytest.importorskip("PIL.Image")
    for program in ("xelatex", "latexmk", "rsvg-convert"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program}: sudo apt install texlive-xetex latexmk librsvg2-bin")
    root = tmp_path_factory.mktemp("pictures")
    book, img = root / "book", root / "book" / "img"
    img.mkdir(parents=True)
    (book / "config.ini").write_text(CONFIG)
    (book / "index.md").write_text(INDEX)
    (book / "one.md").write_text(PAGE)
    (img / "words.svg").write_text(DRAWING.format(width=240, words="Quixotic 漢字"))
    (img / "large.svg").write_text(DRAWING.format(width=2400, words="Zephyr"))
    (img / "broken.svg").write_text(DRAWING.format(width=240, words="never")[:-30])
    noise = image.effect_noise((400, 300), 80)
    noise.convert("RGB").save(img / "photo.jpg", quality=80)
    noise.save(img / "pixels.png", dpi=(300, 300))
    noise.resize((40, 30)).save(img / "film.gif", save_all=True, append_images=[noise.resize((40, 30)).rotate(90)])
    noise.convert("RGB").resize((50, 30)).save(img / "web.webp", lossless=True)
    stream = BytesIO()
    noise.resize((60, 30)).save(stream, "PNG")
    (img / "lies.jpg").write_bytes(stream.getvalue())
    (img / "broken.png").write_bytes((img / "pixels.png").read_bytes()[:5000])
    answer = build(book, root / "out")
    return Made(book, root / "out", answer.stderr, answer.returncode, (img / "photo.jpg").read_bytes())


def test_drawings_stay_drawings_and_their_words_stay_words(made: Made) -> None:
    words = made.picture("words")
    assert words.suffix == ".pdf"
    assert told("pdftotext", words, "-").split() == ["Quixotic", "漢字"]
    assert len(told("pdfimages", "-list", words).splitlines()) == 2  # its head alone: no pixels
    fonts = told("pdffonts", words).splitlines()[2:]
    assert fonts and all(re.search(r"\byes (yes|no) (yes|no) +\d+ +\d+$", line) for line in fonts)
    text = told("pdftotext", made.pdf, "-")
    assert "Quixotic" in text and "漢字" in text and "Zephyr" in text


def test_a_drawing_is_as_large_as_in_a_browser(made: Made) -> None:
    """240 pixels of 96 an inch are 180 points."""
    assert "180 x 90 pts" in told("pdfinfo", made.picture("words"))


def test_photographs_are_not_compressed_again(made: Made) -> None:
    assert made.picture("photo").read_bytes() == made.photograph
    assert made.photograph[-2000:] in made.pdf.read_bytes()
    kinds = [line.split()[8] for line in told("pdfimages", "-list", made.pdf).splitlines()[2:]]
    assert kinds.count("jpeg") == 1 and kinds.count("image") >= 4


def test_each_picture_of_pixels_is_there_once_and_whole(made: Made) -> None:
    listed = [line.split() for line in told("pdfimages", "-list", made.pdf).splitlines()[2:]]
    sizes = [(int(row[3]), int(row[4])) for row in listed if row[2] == "image"]
    assert sorted(sizes) == [(40, 30), (50, 30), (60, 30), (400, 300), (400, 300)]
    # a file that says how many pixels it has to an inch is as large as that; others are as on the website
    assert sorted(row[12] for row in listed if row[3] == "400") == ["300", "96"]


def test_names_say_what_files_hold(made: Made) -> None:
    assert {made.picture(name).suffix for name in ("lies", "film", "web", "pixels")} == {".png"}
    assert made.picture("lies").read_bytes().startswith(b"\x89PNG")


def test_a_broken_picture_is_told_with_its_place_and_the_page_goes_on(made: Made) -> None:
    assert made.code == 1
    assert re.search(
        r"one\.md:17: error\[bad-picture\]: the picture broken\.png cannot be shown: .*cannot be read", made.said
    )
    assert re.search(
        r"one\.md:19: error\[bad-picture\]: the picture broken\.svg cannot be shown: it is no XML from its line \d",
        made.said,
    )
    text = " ".join(told("pdftotext", made.pdf, "-").split())
    assert "Words before half a drawing and behind." in text and "The very last words." in text


def test_nothing_is_wider_than_the_text(made: Made) -> None:
    log = next((made.output / "paper" / "pytorch").glob("*.log")).read_text(errors="replace")
    assert not re.search(r"Overfull \\hbox \((?:[2-9]\d|\d{3,})", log)


@pytest.mark.slow  # LaTeX runs a second time
def test_pictures_are_kept_by_content_and_what_is_not_shown_goes(made: Made, tmp_path: Path) -> None:
    """A converter that fails is no matter where nothing has to be converted."""
    book, output = tmp_path / "book", tmp_path / "out"
    shutil.copytree(made.book, book)
    shutil.copytree(made.output, output)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "rsvg-convert").write_text("#!/bin/sh\nexit 1\n")
    (programs / "rsvg-convert").chmod(0o755)
    shutil.rmtree(output / "paper" / "pytorch" / "pictures")
    text = PAGE.replace("![A large one](img/large.svg)", "").replace("img/words.svg", "img/renamed.svg")
    (book / "one.md").write_text(text)
    (book / "img" / "words.svg").rename(book / "img" / "renamed.svg")
    answer = build(book, output, PATH=f"{programs}{os.pathsep}{os.environ['PATH']}")
    pictures = output / "paper" / "pytorch" / "pictures"
    assert sorted(re.sub(r"-\w{8}\.\w+$", "", file.name) for file in pictures.iterdir()) == sorted(
        ["renamed", "photo", "pixels", "film", "web", "lies"]
    )
    assert len(re.findall("bad-picture", answer.stderr)) == 2  # the same two as before


@pytest.mark.slow  # LaTeX runs twice
def test_without_the_converter_one_message_says_so_until_it_is_there(made: Made, tmp_path: Path) -> None:
    book, output = tmp_path / "book", tmp_path / "out"
    shutil.copytree(made.book, book)
    (book / "one.md").write_text(re.sub(r"(?m)^.*broken\..*\n", "", PAGE))
    programs = tmp_path / "programs"  # all but this one
    programs.mkdir()
    for folder in reversed(os.environ["PATH"].split(os.pathsep)):
        for program in Path(folder).glob("*") if Path(folder).is_dir() else ():
            (programs / program.name).unlink(missing_ok=True)
            (programs / program.name).symlink_to(program)
    (programs / "rsvg-convert").unlink()
    answer = build(book, output, PATH=str(programs))
    assert answer.returncode == 1
    assert (
        len(re.findall("rsvg-convert", answer.stderr)) == 1
        and "error[missing-tool]: rsvg-convert is not" in answer.stderr
    )
    assert "octavo doctor" in answer.stderr
    assert not list((output / "paper").rglob("words-*"))
    again = build(book, output)
    assert again.returncode == 0 and "rsvg-convert" not in again.stderr
    assert list((output / "paper").rglob("words-*.pdf"))
