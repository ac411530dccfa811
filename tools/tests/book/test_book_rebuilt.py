"""A site that was built again after every edit is the one that would be built anew, byte for byte.

Random edits of a book: words, titles, labels, saved functions, results, settings, pictures, the bibliography, pages
that move, go and come. The variable ``OCTAVO_REBUILD_SEED`` gives other edits.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SEED = int(os.environ.get("OCTAVO_REBUILD_SEED", "4"))
WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")
CELL = "```{.python .input}\n%s\n```"
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M1 1h7v7h-7z"/><text>%s</text></svg>\n'
KINDS = "section figure equation table refer refer cite cell save save class use tabs talk note math"
EDITS = "add add drop word title move rename remove new label call set text number order"
SETTINGS = {
    "project": {"name": "mini", "title": "A Mini Book", "author": "Ada", "lang": "en"},
    "build": {"tabs": "pytorch, jax", "untagged": "all", "resources": "img/"},
    "html": {"base_url": "", "api": "yes", "repository": "", "announcement": "", "discourse": "", "open_in": ""},
    "front": {"line": ""},
    "math": {"macros": r"\RR = \mathbb{R}"},
    "pdf": {"bibfile": "d2l.bib"},
    "execute": {},
    "library": {"version_file": "d2l/__init__.py"},
    "library-pytorch": {"lib_file": "d2l/torch.py", "lib_name": "torch"},
    "library-jax": {"lib_file": "d2l/jax.py", "lib_name": "jnp"},
}
OTHER = (
    ("project", "title", ("B & <C>", "Another Book")),
    ("project", "lang", ("de", "ko", "zh", "en")),
    ("build", "tabs", ("jax, pytorch", "jax", "pytorch, jax, mxnet", "pytorch, jax")),
    ("html", "base_url", ("https://book.example.org/", "")),
    ("html", "api", ("no", "yes")),
    ("html", "repository", ("who/book", "")),
    ("html", "announcement", ("Hear *this*", "")),
    ("html", "discourse", ("https://forum.example.org/", "")),
    ("html", "open_in", ("K, https://k.example.org/{notebook}", "")),
    ("front", "line", ("A line", "")),
    ("math", "macros", (r"\RR = \mathbb{Q}", r"\RR = \mathbb{R}")),
)
RESULTS = r"""
import random, sys
from pathlib import Path
from octavo.build.workshop import Workshop
from octavo.model import CellRun, Output, Run
workshop, chance = Workshop(Path(sys.argv[1])), random.Random(int(sys.argv[2]))
for (page, tab), planned in workshop.plan.planned.items():
    printed = [(Output("stream", "stdout", f"{page} {tab} {chance.randint(1, 9)}\n"),) for _ in planned.inputs.cells]
    cells = tuple(CellRun(*one) for one in zip(planned.inputs.cells, printed))
    workshop.results.committed.write(Run(planned.key, page, tab, planned.inputs, cells))
"""


@dataclass
class Author:
    """Somebody who writes a book, and cannot decide."""

    root: Path
    chance: random.Random
    pages: dict[str, list[str]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=lambda: {"sec": [], "fig": [], "eq": [], "tab": []})
    saved: list[str] = field(default_factory=list)
    settings: dict[str, dict[str, str]] = field(default_factory=lambda: {k: dict(v) for k, v in SETTINGS.items()})
    texts: dict[str, str] = field(default_factory=lambda: {"k1": "One", "k2": "Two", "p": "loss", "q": "cost"})
    numbered: bool = True
    count: int = 0

    def name(self, kind: str) -> str:
        self.count += 1
        self.labels.setdefault(kind, []).append(f"{kind}_{self.count}")
        return f"{kind}_{self.count}"

    def label(self, *kinds: str) -> str:
        return self.chance.choice([name for kind in kinds for name in self.labels[kind]] or ["nowhere"])

    def words(self) -> str:
        return " ".join(self.chance.choice(WORDS) for _ in range(3)).capitalize()

    def block(self) -> str:
        """Something that a page may hold."""
        chance, words, number = self.chance, self.words(), self.chance.randint(1, 9)
        tab = chance.choice(("", "#@tab pytorch\n", "#@tab jax\n"))
        kind = chance.choice(KINDS.split(" "))
        if kind in ("save", "class"):
            self.saved.append(self.name("thing"))
            thing = self.saved[-1]
            if kind == "save":
                return CELL % f'{tab}def {thing}(x):  #@save\n    """{words}."""\n    return x + {number}'
            return CELL % f'{tab}class {thing}:  #@save\n    """{words}."""\n    def go(self): pass'
        return {
            "section": lambda: f"## {words}\n:label:`{self.name('sec')}`\n\n{self.words()}.",
            "figure": lambda: f"![{words} :cite:`k1`](/img/{chance.choice('pq')}.svg)\n:label:`{self.name('fig')}`",
            "equation": lambda: f"$$x = {number}$$\n:eqlabel:`{self.name('eq')}`",
            "table": lambda: f"|a|b|\n|-|-|\n|{number}|$y$|\n\n:{words}\n:label:`{self.name('tab')}`",
            "refer": lambda: f"See :numref:`{self.label('sec', 'fig', 'tab')}`, :eqref:`{self.label('eq')}`.",
            "cite": lambda: f"By :citet:`{chance.choice(('k1', 'k2'))}`.",
            "cell": lambda: CELL % f"{tab}print({number})",
            "use": lambda: CELL % f"d2l.{chance.choice(self.saved or ['nothing'])}({number})",
            "tabs": lambda: (
                f":begin_tab:`pytorch`\n### {words}\n\n{self.words()}.\n:end_tab:\n"
                f":begin_tab:`jax`\n{words}. $$a = b$$\n:end_tab:"
            ),
            "talk": lambda: f"[Discussions](https://forum.example.org/t/{number})",
            "note": lambda: f"Noted[^{self.name('note')}].\n\n[^note_{self.count}]: {words}.",
            "math": lambda: rf"Inline $\alpha_{number} + \RR$ {words}.",
        }[kind]()

    def begin(self) -> None:
        """A first draft."""
        for page in ("part/one", "part/two", "deep/er/still/three", "four"):
            self.pages[page], self.titles[page] = [self.block() for _ in range(4)], page.rpartition("/")[2].title()
        self.write()

    def edit(self) -> str:
        """Change something; returns what."""
        chance, page = self.chance, self.chance.choice(list(self.pages))
        blocks = self.pages[page]
        kind = chance.choice(EDITS.split(" "))
        if kind == "add":
            blocks.insert(chance.randint(0, len(blocks)), self.block())
        elif kind in ("drop", "move") and blocks:
            block = blocks.pop(chance.randrange(len(blocks)))
            if kind == "move":
                self.pages[chance.choice(list(self.pages))].append(block)
        elif kind == "word":
            blocks[:] = [block.replace(chance.choice(WORDS), "omega") for block in blocks]
        elif kind == "title":
            self.titles[page] = chance.choice(
                (self.words(), f"`{self.titles[page].strip('`')}`", f"{self.words()} $x^2$")
            )
        elif kind in ("rename", "new"):
            name = f"{page.rpartition('/')[0]}/{self.name('page')}".lstrip("/")
            if kind == "new":
                self.pages[name], self.titles[name] = [self.block(), self.block()], self.words()
            else:
                self.pages = {name if one == page else one: those for one, those in self.pages.items()}
                self.titles[name] = self.titles.pop(page)
        elif kind == "remove" and len(self.pages) > 3:
            del self.pages[page]
        elif kind in ("label", "call"):
            names = self.saved if kind == "call" else self.labels[chance.choice(("sec", "fig", "eq", "tab"))]
            if names:
                at = chance.randrange(len(names))
                old, names[at] = names[at], f"{names[at]}x"
                for those in self.pages.values():
                    those[:] = [re.sub(rf"\b{old}\b", names[at], block) for block in those]
        elif kind == "set":
            section, key, values = chance.choice(OTHER)
            self.settings[section][key] = chance.choice(values)
        elif kind == "text":
            self.texts[chance.choice(list(self.texts))] = self.words()
        elif kind == "number":
            self.numbered = not self.numbered
        elif kind == "order":
            shuffled = list(self.pages.items())
            chance.shuffle(shuffled)
            self.pages = dict(shuffled)
        return f"{kind} {page}"

    def write(self) -> None:
        """The book as files."""
        files = {f"img/{name}.svg": PICTURE % self.texts[name] for name in "pq"}
        entry = "@book{%s, author={Ada %s}, title={T}, publisher={P}, year={1999}}\n"
        files["d2l.bib"] = "".join(entry % (key, self.texts[key]) for key in ("k1", "k2"))
        files["config.ini"] = "".join(
            f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items() if value)
            for section, keys in self.settings.items()
        )
        numbered = ":numbered:\n" if self.numbered else ""
        inside = {part: [page for page in self.pages if page.startswith(f"{part}/")] for part in ("part", "deep")}
        for part, pages in inside.items():
            contents = "".join(f"{page[len(part) + 1 :]}\n" for page in pages)
            files[f"{part}/index.md"] = f"# Chapter {part}\n\nWords.\n\n```toc\n:maxdepth: 2\n\n{contents}```\n"
        alone = [page for page in self.pages if page.split("/")[0] not in inside]
        contents = "".join(f"{page}\n" for page in [*(f"{part}/index" for part in inside), *alone])
        files["index.md"] = f"# Book\n\nWords.\n\n```toc\n{numbered}\n{contents}```\n\n```toc\nrefs\n```\n"
        files["refs.md"] = "# References\n\n:bibliography:`d2l.bib`\n"
        for page, blocks in self.pages.items():
            files[f"{page}.md"] = f"# {self.titles[page]}\n\n" + "\n\n".join(blocks) + "\n"
        for path in self.root.rglob("*.md"):
            if path.relative_to(self.root).as_posix() not in files:
                path.unlink()
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")


def octavo(*arguments: object, cache: Path) -> tuple[int, list[str]]:
    """Exit code and messages of a command."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(cache), "OCTAVO_CACHE": str(cache)}
    told = subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, env=environment, check=False
    )
    assert told.returncode in (0, 1), told.stderr
    return told.returncode, sorted(line for line in told.stderr.splitlines() if re.match(r"\S+:\d+: ", line))


def site(book: Path, output: Path, cache: Path) -> tuple[object, dict[str, bytes]]:
    """What a build of the website says, and every file of it."""
    said = octavo("-m", "octavo", "-C", book, "build", "html", "--no-execute", "--output", output, cache=cache)
    files = {path.relative_to(output / "html").as_posix(): path for path in (output / "html").rglob("*")}
    # Sphinx's note for itself names the folder
    return said, {name: path.read_bytes() for name, path in files.items() if path.is_file() and name != ".buildinfo"}


def follow(tmp_path: Path, seed: int, steps: int) -> None:
    """Edit and build, and build anew beside it."""
    author = Author(tmp_path / "book", random.Random(seed))
    author.root.mkdir()
    author.begin()
    done: list[str] = []
    for step in range(steps):
        if step:
            done += [author.edit() for _ in range(author.chance.choice((1, 1, 2, 3)))]
            author.write()
        if step % 5 == 0:
            octavo("-c", RESULTS, author.root, step, cache=tmp_path / "kept")
        said, grown = site(author.root, tmp_path / "grown", tmp_path / "kept")
        shutil.rmtree(tmp_path / "anew", ignore_errors=True)
        shutil.rmtree(tmp_path / "empty", ignore_errors=True)
        told, anew = site(author.root, tmp_path / "anew", tmp_path / "empty")
        where = f"seed {seed}, step {step}, after {done[-4:]}"
        assert said == told, where
        assert sorted(name for name in grown.keys() | anew.keys() if grown.get(name) != anew.get(name)) == [], where


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEED, SEED + 2))
def test_after_any_edits_the_site_is_as_if_built_anew(tmp_path: Path, seed: int) -> None:
    follow(tmp_path, seed, 15)
