"""Pictures in the forms that paper knows: drawings stay drawings, photographs are not compressed again.

What was made of a picture is kept by its content, for the books of all frameworks and from build to build.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils import get_source_line
from sphinx.builders.latex import LaTeXBuilder

from octavo import products
from octavo.diagnostics import Code, error
from octavo.processors import cores

CONVERTER = "rsvg-convert"
"""Turns drawings into PDF: fonts are embedded, text stays text, and nothing is fetched."""
FOLDER = "pictures"
"""Where pictures stand, beside the manuscript."""
KINDS = (
    "application/pdf", "image/svg+xml", "image/png", "image/jpeg", "image/webp", "image/gif", "image/tiff", "image/bmp",
)  # fmt: skip
"""The kinds of pictures, the one that is best on paper first."""

_PIXELS_PER_INCH = 96
"""What a pixel is on the website, in inches; what a file says itself counts where it says more."""
_POINTS_PER_INCH = 72
_MAKING = "1"
"""Goes up when the same picture becomes something else."""
_LONGEST = 60
"""After how many seconds a drawing is given up."""
_KEPT = 30 * 24 * 3600
"""For how many seconds a picture is kept that no build needs."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture for the manuscript."""

    suffix: str
    """How the name of its file ends, by what it holds: names of authors' files sometimes lie."""
    width: float = 0.0
    """How wide it is by itself, in points (of 72 an inch); 0 where the file tells it to LaTeX in the same way."""
    height: float = 0.0
    problem: str = ""
    """What is wrong with it, where it cannot be shown."""


class UnpreparedError(Exception):
    """A picture could not be looked at here, which says nothing of the picture."""


class Shelf:
    """A folder of pictures, each made once from what it holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self, path: Path) -> tuple[str, Prepared]:
        """What becomes of a picture, and the name that its file has here."""
        data = path.read_bytes()
        key = hashlib.sha256(_MAKING.encode() + data).hexdigest()[:24]
        note = self.folder / f"{key}.json"
        with suppress(OSError, ValueError, TypeError):
            known = Prepared(**json.loads(note.read_text()))
            if known.problem or (self.folder / f"{key}{known.suffix}").is_file():
                os.utime(note)
                return key, known
        content, prepared = _prepare(data)
        self.folder.mkdir(parents=True, exist_ok=True)
        if not prepared.problem:
            products.write(self.folder / f"{key}{prepared.suffix}", content)
        products.write(note, json.dumps(asdict(prepared)).encode())
        return key, prepared

    def tidy(self, now: float) -> None:
        """Remove what no build has needed for long."""
        for note in self.folder.glob("*.json"):
            with suppress(OSError):
                if now - note.stat().st_mtime > _KEPT:
                    for file in self.folder.glob(f"{note.stem}.*"):
                        file.unlink()


def _prepare(data: bytes) -> tuple[bytes, Prepared]:
    """A picture as it goes into the manuscript."""
    if data.startswith(b"%PDF-"):
        return data, Prepared(".pdf")
    if _is_svg(data):
        return _drawing(data)
    return _photograph(data)


def _is_svg(data: bytes) -> bool:
    return re.search(rb"<(?:\w+:)?svg[\s>]", data[:4096]) is not None or data[:2] == b"\x1f\x8b"


# -- drawings


def _drawing(data: bytes) -> tuple[bytes, Prepared]:
    """SVG → PDF. It is read as a stream, so that nothing beside it is found, no more than in a browser."""
    with tempfile.TemporaryDirectory(prefix="octavo-picture-") as folder:
        made = Path(folder, "drawing.pdf")
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "0", "LC_ALL": "C.UTF-8"}
        command = [_converter(), "--format=pdf", "--unlimited", f"--output={made}"]
        try:
            done = subprocess.run(
                command, env=environment, input=data, capture_output=True, check=False, timeout=_LONGEST
            )
        except subprocess.TimeoutExpired:
            return b"", Prepared("", problem=f"drawing it takes longer than {_LONGEST} s")
        except OSError as problem:
            raise UnpreparedError(f"{CONVERTER} cannot be run: {problem.strerror}") from problem
        content = made.read_bytes() if made.is_file() else b""
    if done.returncode or not content.startswith(b"%PDF-"):
        said = _said(done.stderr.decode(errors="replace"))
        return b"", Prepared("", problem=said or f"{CONVERTER} makes nothing of it")
    return content, Prepared(".pdf")


@functools.cache
def _converter() -> str:
    found = shutil.which(CONVERTER)
    if found is None:
        raise UnpreparedError(f"{CONVERTER} is not installed")
    return found


def _said(text: str) -> str:
    """What the converter says is wrong, in our words where they are known."""
    line = " ".join(text.split())
    syntax = re.search(r"on line (\d+) column \d+ of data: (.+)", line)
    if syntax:
        return f"it is no XML from its line {syntax[1]} on ({syntax[2].rstrip('.')})"
    return line.replace("Error reading SVG stdin: ", "").replace("The SVG stdin", "the drawing").rstrip(".")


# -- photographs


def _photograph(data: bytes) -> tuple[bytes, Prepared]:
    """A picture of pixels: PNG and JPEG as they are, everything else, of a film its first picture, as PNG."""
    from PIL import Image

    try:
        with Image.open(BytesIO(data)) as picture:
            picture.load()
            suffix = {"PNG": ".png", "JPEG": ".jpg", "MPO": ".jpg"}.get(picture.format or "", "")
            width, height = _size(picture)
            if not suffix:
                data, suffix = _as_png(picture), ".png"
    except Exception as problem:  # Pillow's readers raise nearly everything, and the file is anybody's
        return b"", Prepared("", problem=_reason(problem))
    return data, Prepared(suffix, width, height)


def _size(picture: Any) -> tuple[float, float]:
    """Its natural size in points."""
    stated = picture.info.get("dpi", (0, 0))
    sides = []
    for pixels, density in zip(picture.size, stated, strict=True):
        known = float(density) if 0 < float(density) < 10_000 else 0.0
        sides.append(round(pixels * _POINTS_PER_INCH / max(known, _PIXELS_PER_INCH), 2))
    return sides[0], sides[1]


def _as_png(picture: Any) -> bytes:
    stream = BytesIO()
    usual = picture.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
    (picture if usual else picture.convert("RGBA" if picture.has_transparency_data else "RGB")).save(stream, "PNG")
    return stream.getvalue()


def _reason(problem: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(problem, UnidentifiedImageError):
        return "it is no picture of a kind that is known"
    words = " ".join(str(problem).split())
    return f"it cannot be read ({words})" if words else "it cannot be read"


# -- codes that cameras read


def code_of(address: str) -> bytes:
    """A QR code that leads to an address, as a drawing in PDF."""
    import segno

    # segno's own PDF has no resources, not even an empty list of them, and the driver of XeTeX does not take it
    stream = BytesIO()
    segno.make(address, error="m", micro=False).save(stream, kind="svg", border=0, scale=4)
    return _drawing(stream.getvalue())[0]


# -- the builder's part


class PicturesMixin(LaTeXBuilder):
    """Brings the book's pictures beside the manuscript."""

    supported_image_types = list(KINDS)  # noqa: RUF012 - Sphinx's own declaration
    supported_remote_images = True  # that is to say: Sphinx fetches nothing

    def init(self) -> None:
        """Begin with no pictures."""
        super().init()
        self._ready: dict[str, tuple[str, Prepared]] = {}
        self._codes: dict[str, bytes] = {}
        self.lacking = ""
        """What could not be found out about pictures here, for a reason that lies in no picture."""

    @property
    def _shelf(self) -> Shelf:
        return Shelf(Path(self.doctreedir).parent / f".{FOLDER}")

    def natural_size(self, address: str) -> tuple[float, float] | None:
        """How large a picture of pixels is by itself, in LaTeX's ``bp``; ``None`` where its file says it to LaTeX."""
        _, prepared = self._ready.get(address, ("", Prepared("")))
        return (prepared.width, prepared.height) if prepared.width and prepared.height else None

    def picture(self, address: str) -> str:
        """The file, named from the manuscript, of a picture that no page shows; empty when it cannot be shown.

        ``address`` is its path, from the book's folder if it is relative.
        """
        self._prepare_all([address])
        return self.images.get(address, "")

    def qr(self, address: str) -> str:
        """The file of a QR code that leads to an address, named from the manuscript."""
        name = f"{FOLDER}/qr-{hashlib.sha256(address.encode()).hexdigest()[:16]}.pdf"
        if name not in self._codes:
            try:
                self._codes[name] = code_of(address)
            except UnpreparedError:  # said of the first picture, if there is one; the address stands there in words
                return ""
        return name

    def post_process_images(self, doctree: nodes.Node) -> None:
        """Choose the best form of each picture, prepare them all, and take out those that cannot be shown."""
        super().post_process_images(doctree)
        images = [node for node in doctree.findall(nodes.image) if node["uri"] in self.images]
        self.images = {address: self.images[address] for address in dict.fromkeys(node["uri"] for node in images)}
        self._prepare_all(list(self.images))
        for node in images:
            if self._ready[node["uri"]][1].problem:
                self._tell(node)
                _take_out(node)

    def _prepare_all(self, addresses: Iterable[str]) -> None:
        """Prepare pictures, as many at once as there are processors."""
        wanted = [address for address in addresses if address not in self._ready]
        with ThreadPoolExecutor(cores()) as pool:
            for address, result in zip(wanted, pool.map(self._prepared, wanted), strict=True):
                if not result[1].problem:
                    name = re.sub(r"[^A-Za-z0-9]+", "-", Path(address).stem).strip("-").lower()[:40]
                    self.images[address] = f"{FOLDER}/{name or 'picture'}-{result[0][:8]}{result[1].suffix}"
                else:
                    self.images.pop(address, None)
                self._ready[address] = result

    def _prepared(self, address: str) -> tuple[str, Prepared]:
        try:
            return self._shelf.prepare(Path(self.srcdir, address))
        except UnpreparedError as problem:
            self.lacking = str(problem)
            return "", Prepared("", problem=str(problem))
        except OSError as problem:
            return "", Prepared("", problem=f"it cannot be read: {problem.strerror}")

    def _tell(self, node: nodes.image) -> None:
        """Say what is wrong with a picture, at each of its places; what the machine lacks is said once."""
        application: Any = self._app
        name, problem = Path(node["uri"]).name, self._ready[node["uri"]][1].problem
        if problem == self.lacking:
            hint = "octavo doctor says what to install"
            application.heard.add(error(Code.MISSING_TOOL, f"{problem}, so that drawings are missing", hint=hint))
            return
        path, line = get_source_line(node)
        span = application.span(path, line) if path else None
        hint = "the book comes out without it"
        application.tell(error(Code.BAD_PICTURE, f"the picture {name} cannot be shown: {problem}", span, hint=hint))

    def copy_image_files(self) -> None:
        """Put the pictures beside the manuscript, and remove those that are no longer shown."""
        shelf, folder = self._shelf, Path(self.outdir)
        for address, name in self.images.items():  # all of them went through `_prepare_all`
            key, prepared = self._ready[address]
            _place(shelf.folder / f"{key}{prepared.suffix}", folder / name)
        for name, content in self._codes.items():
            products.write(folder / name, content)
        shown = {*self.images.values(), *self._codes}
        for file in (folder / FOLDER).glob("*"):
            if f"{FOLDER}/{file.name}" not in shown:
                products.remove(folder, f"{FOLDER}/{file.name}")
        shelf.tidy(time.time())


def _place(source: Path, target: Path) -> None:
    """Bring a file to another place; its name there says what it holds."""
    with suppress(OSError):
        if target.stat().st_size == source.stat().st_size:
            return
    products.write(target, source.read_bytes())


def _take_out(node: nodes.image) -> None:
    """Leave out a picture; what it shows stands there in words where it stood in a line of text."""
    words = node.get("alt", "")
    if words and isinstance(node.parent, nodes.TextElement):
        node.replace_self(nodes.emphasis(words, words))
    else:
        node.parent.remove(node)
