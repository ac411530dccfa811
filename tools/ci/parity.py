"""Whether `octavo build lib` writes the modules that a book checks in, byte for byte: parity.py BOOK.

The book is one of the old format whose modules d2lbook wrote. It is copied, in the copy everything below each module's
WARNING line is cut off, and octavo writes it again. Imports nothing of octavo; run it with the interpreter that has it.
"""

from __future__ import annotations

import configparser
import difflib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WARNING_LINE = "#################   WARNING   ################"


def modules(book: Path) -> list[str]:
    """The modules that the book's settings name."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string((book / "config.ini").read_text(encoding="utf-8-sig"))
    return [settings[section]["lib_file"] for section in settings.sections() if section.startswith("library-")]


def without_harvest(text: str) -> str:
    """The head of a module down to its WARNING line, and nothing of what d2lbook wrote below."""
    head, found, _ = text.partition(f"{WARNING_LINE}\n")
    if not found:
        raise SystemExit("a module has no WARNING line, so d2lbook did not write it")
    return head + found


def build(book: Path) -> tuple[float, float]:
    """Let octavo write the modules; gives the seconds it took, on the clock and of the processor."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "octavo", "-C", str(book), "build", "lib"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if answer.returncode not in (0, 1):  # 1: the book's pages have errors, which are not looked at here
        raise SystemExit(f"octavo build lib ended with {answer.returncode}:\n{answer.stderr}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(book: Path) -> int:
    """Compare every module; the exit code says whether all are the same."""
    files = modules(book)
    different = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "book"
        shutil.copytree(book, copy, symlinks=True, ignore=shutil.ignore_patterns(".git", "_build", "img"))
        for file in files:
            path = copy / file
            path.write_text(without_harvest(path.read_text(encoding="utf-8")), encoding="utf-8")
        wall, processor = build(copy)
        for file in files:
            old, new = (book / file).read_bytes(), (copy / file).read_bytes()
            print(f"{file}: {len(new)} bytes, {'the same' if old == new else 'DIFFERENT'}")
            if old != new:
                different += 1
                texts = [data.decode("utf-8", "replace").splitlines() for data in (old, new)]
                print("\n".join(list(difflib.unified_diff(*texts, "checked in", "written", lineterm=""))[:30]))
    print(f"{len(files) - different} of {len(files)} modules are the same")
    print(f"octavo build lib took {wall:.1f} s, and {processor:.1f} s of processor time")
    return bool(different) or not files


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
