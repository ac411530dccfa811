"""Where octavo keeps what it can make again: environments, results of runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "OCTAVO_CACHE"
"""The environment variable that moves the whole cache, for a bigger disk or a CI machine's kept folder."""


def cache_home(variables: Mapping[str, str] = os.environ) -> Path:
    """The folder of all that is cached: ``$OCTAVO_CACHE``, or ``octavo`` in the user's cache; not made here."""
    if chosen := variables.get(VARIABLE, ""):
        with contextlib.suppress(RuntimeError):  # ~name of nobody here: a folder of that name, as for a shell
            return Path(chosen).expanduser().absolute()
        return Path(chosen).absolute()
    import platformdirs

    return platformdirs.user_cache_path("octavo", appauthor=False)


def environments_home(cache: Path) -> Path:
    """The folder of the frameworks' environments inside of the cache."""
    return cache / "environments"


def runs_home(cache: Path) -> Path:
    """The folder of the local store of runs inside of the cache."""
    return cache / "runs"


def leases_home(cache: Path) -> Path:
    """The folder of the locks on graphics cards inside of the cache."""
    return cache / "leases"
