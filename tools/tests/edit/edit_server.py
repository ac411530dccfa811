"""A running `octavo jupyter`, and its contents API as any client speaks it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CONFIG = """[project]
name = mini
[build]
tabs = pytorch, jax
exclusions = README.md
"""
PAGE = """# A page
:label:`sec_page`

Words with $x$.

```{.python .input}
#@tab pytorch
x = 1
```

```{.python .input}
#@tab jax
x = 2
```

```{.python .input}
%%tab all
y = x + 1
if tab.selected('pytorch'):
    y = y + 40
print(y)
```
"""


@dataclass
class Jupyter:
    """A server, spoken to over HTTP."""

    address: str
    token: str
    folder: Path
    """The book that it edits."""

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and answer of a request to the API."""
        request = urllib.request.Request(
            f"{self.address}/api/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as problem:
            said = problem.read().decode()
            return problem.code, json.loads(said) if said.startswith("{") else said

    def open(self, path: str) -> dict[str, Any]:
        """The model of a page, as a browser asks for it."""
        status, model = self.call("GET", f"contents/{path}?type=notebook&content=1&hash=1")
        assert status == 200, model
        return model

    def save(self, path: str, content: object) -> tuple[int, Any]:
        """Save a notebook, as a browser does."""
        return self.call("PUT", f"contents/{path}", {"type": "notebook", "format": "json", "content": content})


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextlib.contextmanager
def running(folder: Path, work: Path, *options: str, cache: str | None = None) -> Iterator[Jupyter]:
    """`octavo jupyter` over a book, as a user of this machine starts it."""
    pytest.importorskip("jupyterlab", reason="no JupyterLab: pip install 'octavo[jupyter]'")
    port = free_port()
    log = work / "jupyter.log"
    variables = {
        **os.environ,
        "HOME": str(work),
        "OCTAVO_CACHE": cache or str(work / "cache"),
        "JUPYTER_TOKEN": "secret",
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    command = [sys.executable, "-m", "octavo", "-C", folder, "jupyter", "--no-browser", "--port", str(port), *options]
    with log.open("wb") as out:
        started = subprocess.Popen(command, stdout=out, stderr=out, env=variables, start_new_session=True)
        try:
            end = time.monotonic() + 300
            while not (running := re.search(rb"is running at:[^/]*//[^/]*:(\d+)/", log.read_bytes())):
                assert started.poll() is None and time.monotonic() < end, log.read_text()
                time.sleep(0.1)
            # Jupyter takes another port where somebody has this one meanwhile
            yield Jupyter(f"http://127.0.0.1:{int(running[1])}", "secret", folder)
        finally:
            started.send_signal(signal.SIGTERM)
            try:
                started.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(started.pid, signal.SIGKILL)
                started.wait()


def written(folder: Path) -> Path:
    """A book of one page."""
    folder.mkdir()
    (folder / "config.ini").write_text(CONFIG)
    (folder / "index.md").write_text("# Mini\n\n```toc\nchapter/page\n```\n")
    (folder / "README.md").write_text("# No page\n")
    (folder / "chapter").mkdir()
    (folder / "chapter" / "page.md").write_text(PAGE)
    return folder
