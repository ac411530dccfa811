"""Serve a website on this machine alone as a host on the network would: compressed, with the types that browsers want.

python tools/ci/loopback.py SITE                   serves until it is interrupted
python tools/ci/loopback.py SITE -- COMMAND …      serves while the command runs; {} in it is the address
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

TEXT = (".html", ".css", ".js", ".svg", ".json", ".txt", ".xml", ".md")
"""What hosts compress; pictures, fonts and archives are compressed already."""


@cache
def compressed(path: str, changed: int) -> bytes:
    """A file as it travels; ``changed`` is its time, so that a file written again is read again."""
    return gzip.compress(Path(path).read_bytes(), 6, mtime=0)


class Handler(SimpleHTTPRequestHandler):
    """Files of a folder, compressed where that helps."""

    protocol_version = "HTTP/1.1"
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".woff2": "font/woff2",
        ".svg": "image/svg+xml",
    }

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def send_head(self) -> BytesIO | None:  # type: ignore[override]
        """Answer with a file."""
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return None
        packed = path.suffix in TEXT and "gzip" in self.headers.get("Accept-Encoding", "")
        body = compressed(str(path), path.stat().st_mtime_ns) if packed else path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=31536000" if "_static" in path.parts else "max-age=600")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        return BytesIO(body)


@contextmanager
def serving(site: Path) -> Iterator[str]:
    """Serve a folder; gives the address, which ends in a slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main(site: str, *command: str) -> int:
    """Serve, and run the command if there is one."""
    with serving(Path(site)) as address:
        if command:
            return subprocess.run([word.replace("{}", address) for word in command[1:]], check=False).returncode
        print(address, flush=True)
        threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
