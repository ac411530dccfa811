"""What the tests of execution share: editions made by hand, and environments that are made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from execute_editions import build_edition, build_inputs

from octavo.execute.environments.environment import Environment, Lock, make, read_lock
from octavo.execute.freshness import key as keys
from octavo.execute.home import cache_home, environments_home
from octavo.execute.task import Task
from octavo.model import Edition, Needs

NEEDED = """
asttokens comm debugpy executing ipykernel ipython ipython-pygments-lexers jedi jupyter-client jupyter-core
matplotlib-inline nest-asyncio2 packaging parso pexpect platformdirs prompt-toolkit psutil ptyprocess pure-eval
pygments python-dateutil pyzmq stack-data tornado traitlets typing-extensions wcwidth
"""


@pytest.fixture
def edition() -> Callable[..., Edition]:
    return build_edition


@pytest.fixture(scope="session")
def cache() -> Path:
    """The user's own cache, or the one that OCTAVO_CACHE names: environments are made once for all sessions."""
    return cache_home()


@pytest.fixture(scope="session")
def small_lock(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Lock:
    """A lock with ipykernel alone, pinned as the book pins it."""
    full = (repository / "environments" / "pytorch.txt").read_text().splitlines()
    needed = set(NEEDED.split())
    pins = [line for line in full if line.partition("==")[0] in needed]
    assert len(pins) == len(needed)
    path = tmp_path_factory.mktemp("lock") / "small.txt"
    path.write_text("# python: 3.11\n" + "\n".join(pins) + "\n")
    lock, messages = read_lock(path)
    assert lock is not None, messages
    return lock


@pytest.fixture(scope="session")
def small(small_lock: Lock, cache: Path) -> Environment:
    """An environment with ipykernel alone."""
    made = make(small_lock, environments_home(cache))
    assert isinstance(made, Environment), made
    return made


@pytest.fixture
def task(tmp_path: Path, small: Environment, small_lock: Lock) -> Callable[..., Task]:
    """Make a task: ``task("1 + 1", page="a", timeout=2)``."""

    def build(
        *sources: str, timeout: float = 30.0, lock: object = small_lock, library: Path | None = None, **more: object
    ) -> Task:
        edition = build_edition(*sources, **more)  # type: ignore[arg-type]
        versions = lock.versions if isinstance(lock, Lock) else {}
        inputs = build_inputs(edition, versions)
        folder = tmp_path / "scratch" / edition.page / edition.tab
        return Task(edition, inputs, keys.key(inputs), lock, folder, library, Needs(timeout=timeout))  # type: ignore[arg-type]

    return build
