"""What the tests of the site share: screens, a book's site as the command line makes it, a server on loopback."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from forks import run as run_octavo

SECONDS = 30
"""How long anything may take on a machine that does much else at once."""
WIDE = {"viewport": {"width": 1400, "height": 900}}
PHONE = {"viewport": {"width": 375, "height": 740}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


def build(book: Path, work: Path) -> Path:
    """The website of a book as the command line makes it of committed results, with an empty cache."""
    answer = run_octavo(
        *("-C", book, "build", "html", "--no-execute", "--output", work / "built"),
        variables={"PATH": "/usr/bin:/bin", "HOME": str(work), "OCTAVO_CACHE": str(work / "cache")},
    )
    assert answer.returncode == 0, answer.stderr
    return work / "built" / "html"


@contextmanager
def served(root: Path) -> Iterator[str]:
    """The address of a folder on loopback."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def comes_true(page: Any, true: Callable[[], object]) -> bool:
    """Whether something is so now or comes to be."""
    deadline = time.monotonic() + SECONDS
    while not true():
        if time.monotonic() > deadline:
            return False
        page.wait_for_timeout(20)  # in which the page goes on
    return True
