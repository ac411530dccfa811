"""Pictures of notebooks that are opened alone: by their address, or in the notebook itself."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from octavo.config import Settings
from octavo.publish.copies import KINDS, readdressed
from octavo.publish.notebooks import picture_files

CONVERTER = "rsvg-convert"
"""Turns drawings into pixels, for hosts that show no drawing that is in a notebook."""
_ZOOM = "2"
"""How many pixels there are for one of the drawing's own."""
_LONGEST = 60
"""After how many seconds a drawing is given up."""


@dataclass(eq=False)
class Drawings:
    """Drawings as pictures of pixels, each made once."""

    made: dict[Path, bytes | None] = field(default_factory=dict)

    def pixels(self, file: Path) -> bytes | None:
        """A drawing as PNG; ``None`` where the converter is missing or cannot make sense of it."""
        if file not in self.made:
            self.made[file] = _converted(file)
        return self.made[file]


def _converted(file: Path) -> bytes | None:
    program = shutil.which(CONVERTER)
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "--zoom", _ZOOM, "--format", "png", str(file)], capture_output=True, timeout=_LONGEST, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 and done.stdout else None


@dataclass(eq=False)
class Showing:
    """How one host's notebooks show pictures."""

    settings: Settings
    address: Callable[[str], str]
    """Path in the source folder → address of the picture in the web; empty where nobody knows it."""
    as_data: bool
    """Whether pictures without an address stand in the text as ``data:`` addresses, and not as attachments."""
    drawings: Drawings
    lost: set[str] = field(default_factory=set)
    """Drawings that the host will not show."""

    def of_page(self, page: str) -> Callable[[str, Iterable[str]], tuple[str, dict[str, dict[str, str]]]]:
        """What a page's Markdown becomes, with the attachments of its cell."""

        def embedded(text: str, pictures: Iterable[str]) -> tuple[str, dict[str, dict[str, str]]]:
            if "![" not in text and "<img" not in text:
                return text, {}
            files = dict(picture_files(pictures, self.settings))
            attached: dict[str, dict[str, str]] = {}

            def place(path: str) -> str | None:
                return self._place(path, files[path], attached) if path in files else None

            return readdressed(text, page, place), attached

        return embedded

    def _place(self, path: str, file: Path, attached: dict[str, dict[str, str]]) -> str | None:
        address = self.address(path)
        suffix = file.suffix.lower()
        if address or suffix not in KINDS:
            return address or None
        kind, data = KINDS[suffix], file.read_bytes()
        if not self.as_data:
            name = path.replace("/", "-")
            attached[name] = {kind: _text(data)}
            return f"attachment:{quote(name)}"
        if suffix == ".svg":
            drawn = self.drawings.pixels(file)
            if drawn is None:
                self.lost.add(path)
            else:
                kind, data = "image/png", drawn
        return f"data:{kind};base64,{_text(data)}"


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
