"""Are a folder's notebooks what a stranger can take away and open? Imports nothing of octavo.

    python tools/ci/check_notebooks.py FOLDER [--equal OTHER] [--book BOOK]

Each notebook has to be one of Jupyter's (nbformat 4.5, as nbformat itself says), with cells that have stable ids, with
metadata that name kernel and language, and with something in it. None may hold what only the book's source means: marks
of slides and frameworks, roles, labels. What it links to and shows has to be there. ``--equal`` names a second folder
of the same notebooks, built elsewhere or later: ids and text have to be the same there. With ``--book``, the folder
holds one of notebooks for each framework, and every page of the book with code for a framework has to have one there,
no other page but the root page.
"""

from __future__ import annotations

import argparse
import configparser
import json
import posixpath
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
from markdown_it import MarkdownIt
from markdown_it.token import Token

SOURCE_MARKS = {
    "a role": re.compile(r":(?:numref|ref|eqref|cite|citet|citep|class|func|mod|doc|label|eqlabel|width|height):`+"),
    "a role of MyST": re.compile(r"\{(?:numref|ref|eq|cite|cite:p|cite:t|class|func|mod|doc)\}`"),
    "a bibliography": re.compile(r"^:bibliography:", re.MULTILINE),
    "a mark of a tab block": re.compile(r"^:(?:begin|end)_tab:", re.MULTILINE),
    "a target": re.compile(r"^\([\w-]+\)=[ \t]*$", re.MULTILINE),
    "a mark of a slide": re.compile(r"[\[(](?:\*\*|~~)(?=\S)[^\n]*?(?:\*\*|~~)[\])](?!\()"),
    "slides": re.compile(r"^<!--\s*slides\s*-->", re.MULTILINE),
    "a fence of the source": re.compile(
        r"^ {0,3}(?:```|~~~)+[ \t]*(?:toc|eval_rst|\{\.python|\{\.input)", re.MULTILINE
    ),
    "a div of pandoc": re.compile(r"^:::+[ \t]*\{", re.MULTILINE),
}
"""What prose may not hold, outside of code."""
CODE_MARKS = {
    "a mark of a framework": re.compile(r"^[ \t]*(?:#[ \t]*@tab\b|%%tab\b)", re.MULTILINE),
    "a branch of frameworks": re.compile(r"\btab\.selected\b|\btab\.interact_select\b"),
    "a role": re.compile(r":(?:numref|eqref|label|eqlabel|begin_tab|end_tab):`"),
    "a mark of a slide": re.compile(r"[\[(](?:\*\*|~~)(?=[A-Z`])[^\n]*?(?:\*\*|~~)[\])]"),
}
RAW = (":numref:", ":label:", "[**", "#@tab", "%%tab", "tab.selected")
"""What the whole file may not hold in any cell's source, wherever."""
CELL = re.compile(r"^```\{\.python \.input[^}\n]*\}[ \t]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
TOC = re.compile(r"^```toc[ \t]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
TAB_MARK = re.compile(r"\s*(?:#[ \t]*@tab|%%tab)[ \t]+([\w, \t]+)")
REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
HTML_ADDRESS = re.compile(r"<(?:img|a)\b[^>]*?\b(?:src|href)\s*=\s*[\"']([^\"']+)[\"']", re.IGNORECASE)


class Checker:
    """Looks at the notebooks of one folder and collects what is wrong."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.md = MarkdownIt("commonmark").enable("table")
        self.problems: list[str] = []
        self.cells = 0

    def check(self) -> int:
        """Look at all of them; how many there are."""
        notebooks = sorted(self.folder.rglob("*.ipynb"))
        for path in notebooks:
            self._check(path)
        if not notebooks:
            self.problems.append(f"{self.folder}: no notebook")
        return len(notebooks)

    def _say(self, path: Path, where: str, what: str) -> None:
        self.problems.append(f"{path.relative_to(self.folder).as_posix()}{f', {where}' if where else ''}: {what}")

    def _check(self, path: Path) -> None:
        notebook = self._read(path)
        if notebook is None:
            return
        self._metadata(path, notebook["metadata"])
        cells = notebook["cells"]
        self.cells += len(cells)
        if not any("".join(cell["source"]).strip() for cell in cells):
            self._say(path, "", "nothing is in it")
        for number, cell in enumerate(cells, 1):
            where, source = f"cell {number}", cell["source"]
            if not source.strip():
                self._say(path, where, f"an empty {cell['cell_type']} cell")
            for raw in RAW:
                if raw in source and not (raw == "[**" and self._is_python(source, raw, cell)):
                    self._say(path, where, f"{raw} stands in it: {_line(source, source.find(raw))!r}")
            if cell["cell_type"] == "code":
                self._marks(path, where, source, CODE_MARKS)
            else:
                self._markdown(path, where, cell)

    def _is_python(self, source: str, raw: str, cell: dict[str, Any]) -> bool:
        """``[**settings]`` unpacks in Python and is no mark: no ``**]`` ends it."""
        return cell["cell_type"] == "code" and "**]" not in source[source.find(raw) :]

    def _read(self, path: Path) -> dict[str, Any] | None:
        data = path.read_bytes()
        try:
            text = data.decode("utf-8")
            raw = json.loads(text)
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # nbformat mends what it can, and only warns
                notebook = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
                nbformat.validate(notebook)
        except (ValueError, Warning, nbformat.ValidationError) as problem:
            self._say(path, "", f"no valid notebook ({len(data)} bytes): {str(problem).splitlines()[0]}")
            return None
        if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
            self._say(path, "", f"nbformat {notebook.nbformat}.{notebook.nbformat_minor} and not 4.5")
            return None
        ids = [cell["id"] for cell in raw["cells"]]
        if len(set(ids)) != len(ids):
            self._say(path, "", "two cells have the same id")
        return dict(notebook)

    def _metadata(self, path: Path, metadata: dict[str, Any]) -> None:
        kernel, language = metadata.get("kernelspec", {}), metadata.get("language_info", {})
        for name in ("name", "display_name"):
            if not kernel.get(name):
                self._say(path, "", f"kernelspec has no {name}")
        if not language.get("name") or not language.get("file_extension"):
            self._say(path, "", "language_info does not say what the language is")

    # -- Markdown

    def _markdown(self, path: Path, where: str, cell: dict[str, Any]) -> None:
        source = cell["source"]
        tokens = self.md.parse(source)
        prose = _without_code(source, tokens)
        self._marks(path, where, prose, SOURCE_MARKS)
        attachments = cell.get("attachments", {})
        for address in {*_addresses(tokens), *HTML_ADDRESS.findall(prose)}:
            self._address(path, where, address, attachments)
        if prose.count("$$") % 2:
            self._say(path, where, "a formula is not closed")

    def _address(self, path: Path, where: str, address: str, attachments: dict[str, Any]) -> None:
        if address.startswith("attachment:"):
            if unquote(address.removeprefix("attachment:")) not in attachments:
                self._say(path, where, f"{address} is not attached")
            return
        if REMOTE.match(address) or address.startswith("#"):
            return
        inside = posixpath.normpath(
            posixpath.join(path.relative_to(self.folder).parent.as_posix(), unquote(address.partition("#")[0]))
        )
        if inside.startswith(("../", "/")) or not (self.folder / inside).exists():
            self._say(path, where, f"{address} leads nowhere")

    def _marks(self, path: Path, where: str, text: str, marks: dict[str, re.Pattern[str]]) -> None:
        for what, pattern in marks.items():
            for match in pattern.finditer(text):
                self._say(path, where, f"{what} stands in it: {_line(text, match.start())!r}")


def _line(text: str, at: int) -> str:
    return text[text.rfind("\n", 0, at) + 1 :].partition("\n")[0].strip()[:120]


def _without_code(source: str, tokens: list[Token]) -> str:
    """Markdown without its blocks and spans of code."""
    lines = source.split("\n")
    for token in tokens:
        if token.type == "code_block" and token.map:
            lines[slice(*token.map)] = [""] * (token.map[1] - token.map[0])
        elif token.type == "fence" and token.map:  # its first line may be a mark of the source's
            lines[token.map[0] + 1 : token.map[1]] = [""] * (token.map[1] - token.map[0] - 1)
    return re.sub(r"(?<![`:}])(`+)(?!`)[^\n]+?(?<!`)\1(?!`)", "", "\n".join(lines))


def _addresses(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        for child in token.children or ():
            address = child.attrs.get("href") or child.attrs.get("src")
            if address:
                yield str(address)


def expected(book: Path) -> set[str]:
    """``TAB/PAGE`` of each page and framework with code, as regular expressions read a book of the d2lbook format."""
    config = configparser.ConfigParser(interpolation=None, strict=False)
    config.read(book / "config.ini", encoding="utf-8")
    tabs = [tab.strip() for tab in config["build"]["tabs"].split(",")]
    untagged = tabs if config["build"].get("untagged") == "all" else tabs[:1]
    found: set[str] = set()
    pages, todo = set[str](), [config["build"].get("index", "index")]
    while todo:
        page = todo.pop()
        if page in pages or not (book / f"{page}.md").is_file():
            continue
        pages.add(page)
        text = (book / f"{page}.md").read_text(encoding="utf-8")
        for toc in TOC.findall(text):
            lines = [line.strip() for line in toc.split("\n") if line.strip()]
            named = (line.removesuffix(".md") for line in lines if not line.startswith(":"))
            todo += [posixpath.normpath(posixpath.join(posixpath.dirname(page), name)) for name in named]
        for cell in CELL.findall(text):
            mark = TAB_MARK.match(cell)
            if "interact_select" not in cell and cell[mark.end() if mark else 0 :].strip():
                names = re.split(r"[\s,]+", mark[1].strip()) if mark else untagged
                found |= {f"{tab}/{page}" for tab in (tabs if "all" in names else names)}
    return found


def missing(folder: Path, book: Path) -> Iterator[str]:
    """The notebooks that the book should have there and has not, and those that it should not have."""
    root = expected(book)
    there = {path.relative_to(folder).as_posix().removesuffix(".ipynb") for path in folder.rglob("*.ipynb")}
    yield from (f"{name}: there is code for it, and no notebook" for name in sorted(root - there))
    extra = {name for name in there - root if name.count("/") > 1 or not name.endswith("/index")}
    yield from (f"{name}: there is a notebook, and no code for it" for name in sorted(extra))


def differences(folder: Path, other: Path) -> Iterator[str]:
    """Where two builds of the same book differ: in which notebooks there are, in ids, in text."""
    first, second = ({path.relative_to(base) for path in base.rglob("*.ipynb")} for base in (folder, other))
    yield from (f"{path}: only in one of the two" for path in sorted(first ^ second))
    for path in sorted(first & second):
        cells = [
            [
                (cell.get("id"), cell["cell_type"], cell["source"])
                for cell in json.loads((base / path).read_bytes())["cells"]
            ]
            for base in (folder, other)
        ]
        if cells[0] != cells[1]:
            yield f"{path}: its cells have other ids or another text"


def main() -> int:
    """Check the folder that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--equal", type=Path, metavar="OTHER", help="a second build, with the same ids and text")
    parser.add_argument("--book", type=Path, metavar="BOOK", help="the book whose pages should have notebooks there")
    arguments = parser.parse_args()
    checker = Checker(arguments.folder)
    count = checker.check()
    if arguments.equal is not None:
        checker.problems += differences(arguments.folder, arguments.equal)
    if arguments.book is not None:
        checker.problems += missing(arguments.folder, arguments.book)
    for problem in checker.problems:
        print(problem)
    print(f"{count} notebooks, {checker.cells} cells, {len(checker.problems)} problems")
    return 1 if checker.problems else 0


if __name__ == "__main__":
    sys.exit(main())
