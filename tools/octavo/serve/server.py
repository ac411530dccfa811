"""The website over HTTP on this machine alone, with the live script put into each page, and a WebSocket to each window.

Tornado does it, which jupyter-client brings along anyway: the standard library has no WebSockets, and of the
server-sent events that it could do a browser keeps six connections to a host at most, so that a seventh window would
never load.
"""

from __future__ import annotations

import errno
import hashlib
import json
import mimetypes
import socket
from collections.abc import Mapping
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from octavo.serve.session import Session

HOST = "127.0.0.1"
OWN = "/_octavo/"
"""Where the preview's own addresses begin; no page of a book is there."""
STATIC = Path(__file__).parent / "static"
_LOOPBACK = frozenset(("localhost", HOST, "::1"))
_PORTS = 50
"""How many ports are tried, from the one that is wanted."""


def listen(server: HTTPServer, port: int) -> int:
    """Listen on this machine's own address: on ``port``, or the next that is free. Returns which it is."""
    for tried in range(port, min(port + _PORTS, 65536)) if port else (0,):
        own = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            own.bind((HOST, tried))
            own.listen(128)
        except OSError as problem:
            own.close()
            if problem.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            continue
        own.setblocking(False)
        server.add_socket(own)
        return int(own.getsockname()[1])
    raise OSError(errno.EADDRINUSE, f"the ports {port} to {port + _PORTS - 1} are all taken")


def application(session: Session) -> Application:
    """The website of a session."""
    return Application(
        [
            (rf"{OWN}live", Live, {"session": session}),
            (rf"{OWN}live\.js", Script),
            (r"/.*", Pages, {"session": session}),
        ],
        log_function=lambda handler: None,
        websocket_ping_interval=20,
    )


def file_of(session: Session, path: str) -> Path | None:
    """The file that a path of the website names: one that lies there, whatever links say."""
    site = session.rendered.site if session.rendered else None
    if site is None:
        return None
    name = unquote(path).lstrip("/")
    front = session.rendered.front if session.rendered else None
    if "\0" in name or ".." in PurePosixPath(name).parts:
        return None
    try:
        file = (site / name).resolve()
        if file.is_dir():
            file = (front if not name and front is not None else file / "index.html").resolve()
        inside = file.is_relative_to(site.resolve())
        return file if inside and file.is_file() else None
    except (OSError, ValueError):  # a name that no file can have
        return None


def content_of(file: Path | None) -> bytes:
    """What a file holds; nothing if a build that is going on has just taken it away."""
    try:
        return file.read_bytes() if file is not None else b""
    except OSError:
        return b""


def version_of(session: Session, path: str) -> str:
    """Digest of what stands at a path; empty where there is nothing."""
    content = content_of(file_of(session, path))
    return hashlib.sha256(content).hexdigest()[:16] if content else ""


def page_of(session: Session, path: str) -> str:
    """The page of the book that an address shows; empty for anything else."""
    file, site = file_of(session, path), session.rendered.site if session.rendered else None
    if file is None or site is None or file.suffix != ".html":
        return ""
    return file.relative_to(site.resolve()).with_suffix("").as_posix()


def with_script(html: bytes, version: str) -> bytes:
    """A page that follows what its author saves."""
    script = f'<script src="{OWN}live.js" data-version="{version}"></script>\n'.encode()
    before, body, after = html.rpartition(b"</body>")
    return before + script + body + after if body else html + script


class _Local:
    """Refuses who comes by another name than this machine's own: that of a website which has its name lead here."""

    request: Any

    def refuse_strangers(self) -> None:
        """Raise what becomes an answer without content."""
        try:
            name = urlsplit(f"//{self.request.headers.get('Host', '')}").hostname
        except ValueError:
            name = None
        if name not in _LOOPBACK:
            raise HTTPError(403, reason="Not for this host")


class Pages(_Local, RequestHandler):
    """The files of the website."""

    def initialize(self, session: Session) -> None:
        """Take the session whose website it is."""
        self.session = session

    def prepare(self) -> None:
        """Before anything else."""
        self.refuse_strangers()

    def set_default_headers(self) -> None:
        """Nothing is kept, nothing is guessed, and no other website may show it."""
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("X-Frame-Options", "SAMEORIGIN")
        self.clear_header("Server")

    def get(self) -> None:
        """Send a file."""
        path = self.request.path.lstrip("/")
        file = file_of(self.session, path)
        if file is None:
            self._send_stand_in(path)
            return
        if not path.endswith("/") and path and (self._site / unquote(path)).is_dir():
            self.redirect(f"/{path}/")
            return
        content = content_of(file)
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        text = kind.startswith("text/") or kind in ("application/javascript", "application/json")
        self.set_header("Content-Type", f"{kind}; charset=utf-8" if text else kind)
        if kind == "text/html":
            content = with_script(content, hashlib.sha256(content).hexdigest()[:16])
        self.finish(content)

    head = get

    @property
    def _site(self) -> Path:
        rendered = self.session.rendered
        assert rendered is not None and rendered.site is not None
        return rendered.site

    def _send_stand_in(self, path: str) -> None:
        """Where there is no page: one that waits for it, in a browser that asks for pages."""
        if "text/html" not in self.request.headers.get("Accept", ""):
            raise HTTPError(404)
        lost = file_of(self.session, "404.html")
        self.set_header("Content-Type", "text/html; charset=utf-8")
        if self.session.rendered is not None and self.session.rendered.front is not None:
            self.set_status(404)
            if lost is not None:
                self.finish(with_script(content_of(lost), ""))
                return
            text = f"There is no page at /{escape(unquote(path))}."
        else:
            self.set_status(503)
            text = "The book is being rendered." if self.session.rendered is None else "The book cannot be rendered."
        self.finish(with_script(_STAND_IN.format(text=text).encode(), ""))


_STAND_IN = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><title>octavo serve</title></head>
<body style="font:1.1rem system-ui,sans-serif;margin:20vh auto;max-width:30rem;padding:0 1rem">
<p>{text}</p><p><a href="/">Front page</a></p></body></html>
"""


class Script(_Local, RequestHandler):
    """The live script."""

    def prepare(self) -> None:
        """Before anything else."""
        self.refuse_strangers()

    def get(self) -> None:
        """Send it."""
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.finish((STATIC / "live.js").read_bytes())


class Live(_Local, WebSocketHandler):
    """One window: it says what it shows, and is told how things stand."""

    def initialize(self, session: Session) -> None:
        """Take the session that it belongs to."""
        self.session = session
        self.path = ""
        self.page = ""
        self.tab = ""

    def prepare(self) -> None:
        """Before anything else."""
        self.refuse_strangers()
        # Tornado asks too, but not about all that come by this host's name
        if not self.check_origin(self.request.headers.get("Origin", "")):
            raise HTTPError(403, reason="Not for this origin")

    def check_origin(self, origin: str) -> bool:
        """Whether the page that asks came from here; those of other websites are in the same browser."""
        return origin.lower() == f"http://{self.request.headers.get('Host', '')}".lower()

    def on_message(self, message: str | bytes) -> None:
        """Take what the window says: where it is, and what it wants."""
        try:
            said = json.loads(message)
            path, tab = said["path"], said["tab"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        if not isinstance(path, str) or not isinstance(tab, str):
            return
        self.path, self.tab = path, tab
        self.page = page_of(self.session, path)
        self.session.browsers.add(self)
        pair = self.session.pair(self)
        if said.get("run") is True and pair is not None:
            self.session.ask(pair)
        self.session.consider()
        self.show(self.session.state(self))

    def on_close(self) -> None:
        """Nobody looks any more."""
        self.session.browsers.discard(self)

    def show(self, state: Mapping[str, Any]) -> None:
        """Send how things stand."""
        try:
            # what is not sent at once is of no harm: the next says everything again
            self.write_message(json.dumps(state))
        except WebSocketClosedError:
            self.session.browsers.discard(self)

    def version(self) -> str:
        """Digest of the file that the window's page has now."""
        self.page = page_of(self.session, self.path)  # which may have come to be
        return version_of(self.session, self.path)
