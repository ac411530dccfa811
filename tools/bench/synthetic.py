"""A book of many small pages, and how long `octavo status` takes on it: synthetic.py [FOLDER] [--pages 500].

Each page has a few trivial cells in four frameworks, every fourth page saves a function, and each uses one that an
earlier page saved. Results are put beside it without executing anything. Without FOLDER the book is made in a
temporary one, measured and removed; with it, it is left there.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TABS = ("pytorch", "tensorflow", "jax", "mxnet")
PACKAGES = 60
"""Pins of each lock, about as many as a framework has."""


def write_book(folder: Path, pages: int) -> None:
    """Write the book's source."""
    sections = "".join(
        f"[library-{tab}]\nlib_file = d2l/{tab}.py\nlib_name = {tab}\nsimple_alias = ones, zeros\n" for tab in TABS
    )
    pins = "".join(f"package-{number}=={number}.0.1\n" for number in range(PACKAGES))
    files = {
        "config.ini": f"[project]\nname = synthetic\n[build]\ntabs = {', '.join(TABS)}\n{sections}",
        "index.md": "# Synthetic\n\n```toc\n" + "\n".join(name_of(n) for n in range(pages)) + "\n```\n",
        **{f"environments/{tab}.txt": f"# python: 3.11\nipykernel==7.0.0\n{pins}" for tab in TABS},
        **{f"{name_of(number)}.md": page(number) for number in range(pages)},
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def name_of(number: int) -> str:
    """The name of a page."""
    return f"chapter_{number // 25}/page-{number}"


def page(number: int) -> str:
    """One page: prose, a cell for all frameworks, one for each, and what it saves and uses."""
    saved = "import numpy as {0}  #@save\n" if number == 0 else ""
    cells = [f"#@tab {tab}\n{saved.format(tab)}from d2l import {tab} as d2l" for tab in TABS]
    cells.append(f"#@tab all\n# a comment\nx = {number}\nprint(x)  # another")
    cells += [f"#@tab {tab}\ny = d2l.ones(3) + {index}\ny" for index, tab in enumerate(TABS)]
    if number % 4 == 0:
        before = f"function_{number - 4}(x)" if number >= 4 and number % 20 else "x"
        cells.append(f'#@tab all\ndef function_{number}(x):  #@save\n    """Doc."""\n    return {before} + {number}')
    cells.append(f"#@tab all\nprint(d2l.function_{number // 4 * 4}(2))")
    blocks = [f"Some prose before a cell, and $x^2$ in it.\n\n```{{.python .input}}\n{cell}\n```" for cell in cells]
    return f"# Page {number}\n:label:`sec_{number}`\n\n" + "\n\n".join(blocks) + "\n"


def keep_results(folder: Path) -> None:
    """Put a result of every page beside the book, as executing it would."""
    from octavo.build import Workshop
    from octavo.model import CellRun, Output, Run

    workshop = Workshop(folder)
    workshop.libraries.write()
    assert workshop.output.is_dir()
    for planned in workshop.plan.chosen():
        cells = tuple(CellRun(digest, (Output("stream", "stdout", "1\n"),)) for digest in planned.inputs.cells)
        edition = planned.edition
        workshop.results.save(Run(planned.key, edition.page, edition.tab, planned.inputs, cells))
    if workshop.diagnostics.has_errors:
        raise SystemExit("\n".join(diagnostic.message for diagnostic in workshop.diagnostics))


def measure(title: str, folder: Path) -> None:
    """Print what one `octavo status` costs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    command = [sys.executable, "-m", "octavo", "-C", str(folder), "status"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{title:36} {wall:7.2f} s wall {cpu:7.2f} s cpu   {done.stdout.splitlines()[-1:]}{done.stderr[-300:]}")


def main() -> None:
    """Make the book, measure, and say what it costs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--pages", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary) / "book").resolve()
        os.environ["OCTAVO_CACHE"] = str(Path(temporary) / "cache")
        write_book(folder, options.pages)
        keep_results(folder)
        for title, cells in (("first", ""), ("again", ""), ("a word of prose", "Some other"), ("again", "")):
            if cells:
                text = (folder / f"{name_of(8)}.md").read_text(encoding="utf-8")
                (folder / f"{name_of(8)}.md").write_text(text.replace("Some", cells, 1), encoding="utf-8")
            measure(title, folder)
        path = folder / f"{name_of(8)}.md"
        path.write_text(path.read_text(encoding="utf-8").replace("x = 8", "x = 9"), encoding="utf-8")
        measure("a cell of a page", folder)
        path.write_text(path.read_text(encoding="utf-8").replace("+ 8", "+ 9"), encoding="utf-8")
        measure("a saved function", folder)


if __name__ == "__main__":
    main()
