"""The frameworks learn the same: losses and accuracies of what the library trains, within a tenth of one another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "ci/compare_frameworks.py"
sys.path.insert(0, str(SCRIPT.parent))

import compare_frameworks as script  # noqa: E402


@pytest.mark.parametrize(
    ("jax", "problems"),
    [({"loss": 0.22}, []), ({"loss": 0.23}, ["loss"]), ({}, ["loss"]), ({"loss": float("nan")}, ["loss"])],
)
def test_what_differs_too_much_or_is_missing_is_told(
    capsys: pytest.CaptureFixture[str], jax: dict[str, float], problems: list[str]
) -> None:
    assert (
        script.compared({"pytorch": {"loss": 0.2, "accuracy": 0.9}, "jax": {"accuracy": 0.85, **jax}}, 0.1) == problems
    )
    assert ("DIFFERENT" in capsys.readouterr().out) == bool(problems)


def test_one_framework_alone_proves_nothing() -> None:
    assert script.compared({"jax": {"loss": 0.2}}, 0.1) == ["loss"]


@pytest.mark.slow
@pytest.mark.kernels
def test_the_frameworks_learn_the_same(repository: Path) -> None:
    answer = subprocess.run([sys.executable, SCRIPT, repository], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "4 frameworks, 3 seeds, 0 measures differ" in answer.stdout
    assert "linear regression, loss" in answer.stdout
    assert "LeNet, test accuracy" in answer.stdout
