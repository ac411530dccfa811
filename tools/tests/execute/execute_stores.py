"""Places for shared stores, a real server of the S3 protocol among them, as somebody sees them who has no octavo."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

TEST_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "a-secret-of-tests"}


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of a server of the S3 protocol on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/moto-api/", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, "moto's server did not start"
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(30)


class Place:
    """Where a shared store stands, and the look of somebody who does not use octavo on it."""

    def __init__(self, url: str, system: object, root: str) -> None:
        self.url = url
        self._system, self._root = system, root

    def files(self, folder: str = "") -> dict[str, bytes]:
        """Name → content of every file."""
        self._system.invalidate_cache()  # type: ignore[attr-defined]
        found = self._system.find(self._root)  # type: ignore[attr-defined]
        start = len(self._root.rstrip("/")) + 1
        return {
            path[start:]: self._system.cat_file(path)  # type: ignore[attr-defined]
            for path in sorted(found)
            if path[start:].startswith(folder)
        }

    def put(self, name: str, content: bytes) -> None:
        """Write a file over what is there."""
        self._system.pipe_file(f"{self._root.rstrip('/')}/{name}", content)  # type: ignore[attr-defined]


def place_of(kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    import fsspec

    if kind == "folder":
        return Place(str(tmp_path / "store"), fsspec.filesystem("file", auto_mkdir=True), str(tmp_path / "store"))
    name = f"b{abs(hash(str(tmp_path))):x}"
    if kind == "memory":
        return Place(f"memory://{name}", fsspec.filesystem("memory"), f"/{name}")
    monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("s3_server"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for variable, value in TEST_CREDENTIALS.items():
        monkeypatch.setenv(variable, value)
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    system.mkdir(name)
    return Place(f"s3://{name}/some/prefix", system, f"{name}/some/prefix")
