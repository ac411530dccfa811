"""The frameworks of a book: their modules of its library, and programs that run in their environments.

Imports nothing of octavo, which it asks where the environments are; to be used by the interpreter that has it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MODULES = {"pytorch": "torch", "tensorflow": "tensorflow", "jax": "jax", "mxnet": "mxnet"}
"""Framework → module of ``d2l``."""


def environments(book: Path) -> dict[str, Path]:
    """The interpreter of each framework, its environment made if it is not there."""
    octavo = [sys.executable, "-m", "octavo", "-C", str(book), "env"]
    subprocess.run([*octavo, "make"], check=True)
    listed = subprocess.run(octavo, capture_output=True, text=True, check=True).stdout.splitlines()
    return {tab: Path(line.split()[-1]) / "bin/python" for tab in MODULES for line in listed if line.split()[0] == tab}


def answer(book: Path, python: Path, arguments: Sequence[str]) -> Any:
    """What a program prints in its last line, read as JSON; where it fails, this one ends with what it said."""
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    ended = subprocess.run([str(python), *arguments], cwd=book, capture_output=True, text=True, env=environment)
    if ended.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {ended.stderr}")
    return json.loads(ended.stdout.splitlines()[-1])
