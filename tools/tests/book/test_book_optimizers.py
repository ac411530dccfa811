"""Optimizers from scratch take the steps of the frameworks' own, and of the papers that proposed them."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest
from book_libraries import MODULES

SCRIPT = Path(__file__).resolve().parents[2] / "ci/compare_optimizers.py"
sys.path.insert(0, str(SCRIPT.parent))

import compare_optimizers as script  # noqa: E402

PAGES = ("minibatch-sgd", "momentum", "adagrad", "rmsprop", "adadelta", "adam", "lr-scheduler")


@pytest.mark.parametrize(
    ("other", "size"),
    [
        ([(1.0, 2.0), (3.0, 4.0)], 0.0),
        ([(1.0, 2.0), (3.0, 5.0)], 0.2),
        ([(1.0, 2.0)], math.inf),
        ([(1.0, 2.0), (3.0,)], math.inf),
        ([(1.0, 2.0), (3.0, math.nan)], math.inf),
    ],
)
def test_what_differs_is_measured(other: list[tuple[float, ...]], size: float) -> None:
    assert script.gap([(1.0, 2.0), (3.0, 4.0)], other) == size


def test_the_rules_of_the_papers_differ_from_one_another() -> None:
    paths = {name: script.proposed(rule) for name, rule in script.RULES.items()}
    assert all(script.gap(paths[a], paths[b]) > 0.1 for a in paths for b in paths if a < b)


@pytest.mark.parametrize("tab", MODULES)
@pytest.mark.parametrize("page", PAGES)
def test_each_page_shows_that_both_forms_agree(repository: Path, page: str, tab: str) -> None:
    result = json.loads((repository / "outputs/chapter_optimization" / page / f"{tab}.json").read_text("utf-8"))
    claims = re.findall(r"below 0\.0+1: (True|False)", json.dumps(result))
    # with a schedule it matters whether the rate belongs to the gradient or to the velocity: one of the two is right
    assert sorted(claims) == ["False", "True"] if page == "lr-scheduler" else claims and set(claims) == {"True"}


@pytest.mark.slow
@pytest.mark.kernels
def test_all_take_the_same_steps(repository: Path) -> None:
    answer = subprocess.run([sys.executable, SCRIPT, repository], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    lines = answer.stdout.splitlines()
    for tab in MODULES:
        compared = [line for line in lines if line.startswith(tab)]
        assert len(compared) == 22 + 2 * (tab == "jax"), "eight updates, one of which only Optax has"
