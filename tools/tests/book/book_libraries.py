"""The modules of the book's library, and where each can be imported."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Octavo = Callable[..., subprocess.CompletedProcess[str]]

MODULES = {"pytorch": "torch", "tensorflow": "tensorflow", "jax": "jax", "mxnet": "mxnet"}
"""Framework → module of ``d2l``."""

IN_EACH = [pytest.param(*pair, marks=pytest.mark.slow if pair[0] != "mxnet" else ()) for pair in MODULES.items()]
"""Frameworks and modules for tests that need an environment: in all of them, one of which is quick."""


def python_of(octavo: Octavo, repository: Path, tab: str) -> Path:
    """The interpreter of a framework's own environment, which is made if it is not there."""
    made = octavo("-C", repository, "env", "make", tab)
    assert made.returncode == 0, made.stderr
    (line,) = [line for line in octavo("-C", repository, "env").stdout.splitlines() if line.startswith(tab)]
    return Path(line.split()[-1]) / "bin/python"
