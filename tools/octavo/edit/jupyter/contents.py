"""A contents manager in which pages are notebooks: opening one reads the Markdown file, saving one writes it.

A page that somebody else has changed since it was opened is never written over: the save is refused with what differs,
and kept beside. A file is replaced whole or not at all.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import secrets
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
from jupyter_core.paths import is_hidden
from jupyter_server.services.contents.filecheckpoints import AsyncFileCheckpoints
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError
from traitlets import Unicode, default

from octavo import config
from octavo.edit.attachments import detached
from octavo.edit.jupyter.session import Session, session_of
from octavo.edit.notebook import OURS, digest, notebook_of, page_of
from octavo.source.reader import read

SUFFIX = ".md"
_DIFF_LINES = 60
_REMEMBERED = 1000


class Checkpoints(AsyncFileCheckpoints):  # type: ignore[misc]
    """Jupyter's checkpoints, in a folder of their own: beside pages they would be pages that no contents name."""

    def checkpoint_path(self, checkpoint_id: str, path: str) -> str:
        """Where the checkpoint of a file is kept."""
        place = Path(self.parent.book.state, "checkpoints", path.strip("/"))
        with self.perm_to_403():
            place.parent.mkdir(parents=True, exist_ok=True)
        return str(place.with_name(f"{place.stem}-{checkpoint_id}{place.suffix}"))


class Pages(AsyncLargeFileManager):  # type: ignore[misc]
    """Jupyter's own manager of files, but for pages."""

    session = Unicode(help="The file that octavo jupyter has written.").tag(config=True)

    @default("checkpoints_class")  # type: ignore[untyped-decorator]
    def _checkpoints_class_default(self) -> type[Checkpoints]:
        return Checkpoints

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """As Jupyter makes it."""
        super().__init__(*arguments, **options)
        self.opened = _Opened(Path(self.book.state, f"opened-{self.book.tab}.json"))

    @property
    def book(self) -> Session:
        """What is edited."""
        return session_of(self.session)

    @property
    def settings(self) -> config.Settings:
        """The book's settings as they are now."""
        settings, _ = config.load(Path(self.book.folder))
        if settings is None:
            raise HTTPError(500, f"{config.FILE_NAME} cannot be used: octavo check says why")
        return settings

    def is_page(self, path: str) -> bool:
        """Whether a file is a page of the book."""
        name = path.strip("/")
        return name.endswith(SUFFIX) and not self.settings.is_excluded(name.removesuffix(SUFFIX))

    async def get(
        self,
        path: str,
        content: bool = True,
        type: str | None = None,  # noqa: A002 - Jupyter's name
        format: str | None = None,  # noqa: A002
        require_hash: bool = False,
    ) -> dict[str, Any]:
        """The model of a file; a page is a notebook unless somebody asks for the file."""
        name = path.strip("/")
        file = Path(self._get_os_path(name))
        wanted = name.endswith(SUFFIX) and (type == "notebook" or (type is None and self.is_page(name)))
        if not (wanted and file.is_file()) or self._is_out_of_sight(file):
            model: dict[str, Any] = await super().get(path, content, type, format, require_hash)
            return model
        model = self._base_model(name) | {"type": "notebook"}
        found = file.read_bytes() if content or require_hash else b""
        if content:
            model |= {"content": self._notebook(name, found), "format": "json"}
        if require_hash:
            model |= self._get_hash(found)
        self.emit(data={"action": "get", "path": path})
        return model

    def _is_out_of_sight(self, file: Path) -> bool:
        """Whether Jupyter itself refuses the file, as one of a hidden folder."""
        return not self.allow_hidden and bool(is_hidden(str(file), self.root_dir))

    async def rename_file(self, old_path: str, new_path: str) -> None:
        """Rename a file or folder; windows that have pages of it open go on with them."""
        await super().rename_file(old_path, new_path)
        self.opened.rename(old_path.strip("/"), new_path.strip("/"))

    def _notebook(self, name: str, found: bytes) -> nbformat.NotebookNode:
        text = _decoded(name, found)
        document, _ = read(name, text, self.settings)
        notebook = notebook_of(text, document, self.book.tab, self.settings)
        kernel = self.book.page_kernels.get(document.page, self.book.kernel)
        if kernel:
            shown = self.book.kernels[kernel]["display_name"]
            notebook["metadata"]["kernelspec"] = {"display_name": shown, "language": "python", "name": kernel}
        window = secrets.token_hex(8)
        notebook["metadata"][OURS]["edit"]["window"] = window
        self.opened.note(window, name, digest(text))
        return nbformat.from_dict(notebook)

    async def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        """Save a file; a notebook whose path is a page's becomes that page."""
        name = path.strip("/")
        if model.get("type") != "notebook" or not name.endswith(SUFFIX) or "content" not in model:
            saved: dict[str, Any] = await super().save(model, path)
            return saved
        file = Path(self._get_os_path(name))
        if self._is_out_of_sight(file) or file.is_dir():
            raise HTTPError(400, f"{name} cannot be saved: it is hidden, or a folder")
        if not file.parent.is_dir():
            raise HTTPError(404, f"{name} cannot be saved: there is no folder for it")
        notebook = model["content"]
        if not _is_notebook(notebook):
            raise HTTPError(400, f"{name} was not saved: what came is no notebook")
        self.run_pre_save_hooks(model=model, path=name)
        with self.perm_to_403(str(file)):
            self._write(name, file, self._with_files(name, notebook))
        answer = await self.get(name, content=False, type="notebook", require_hash=True)
        self.run_post_save_hooks(model=answer, os_path=str(file))
        self.emit(data={"action": "save", "path": path})
        return answer

    def _with_files(self, name: str, notebook: dict[str, Any]) -> dict[str, Any]:
        """The notebook without the pictures that somebody has dropped into its cells: they become files of the book."""
        folder = Path(self._get_os_path(""))
        notebook, files = detached(notebook, name, lambda path: _content(folder / path))
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            write_whole(folder / path, content)
        return notebook

    def _write(self, name: str, file: Path, notebook: dict[str, Any]) -> None:
        text = page_of(notebook)
        kept = ((notebook.get("metadata") or {}).get(OURS) or {}).get("edit") or {}
        window = kept.get("window", "") if isinstance(kept, dict) else ""
        seen = self.opened.seen(window, name) or (kept.get("digest") if isinstance(kept, dict) else None)
        there = _decoded(name, file.read_bytes()) if file.is_file() else None
        if there is not None and text != there:
            if digest(there) != seen:
                raise HTTPError(409, self._refused(name, there, text))
            if gone := self._lost(name, there, notebook):
                raise HTTPError(409, self._refused_loss(name, text, gone))
            write_whole(file, text.encode())
        elif there is None:
            write_whole(file, text.encode())
        if isinstance(window, str) and window:
            self.opened.note(window, name, digest(text))

    def _lost(self, name: str, there: str, notebook: dict[str, Any]) -> list[str]:
        """What other frameworks have on the page and not in the notebook: JupyterLab merges what it may not edit."""
        ours = (notebook.get("metadata") or {}).get(OURS) or {}
        settings = self.settings
        tab = ours.get("framework") if ours.get("framework") in settings.tabs else self.book.tab
        document, _ = read(name, there, settings)
        shown = notebook_of(there, document, str(tab), settings)["cells"]
        others = Counter(cell["source"] for cell in shown if cell["metadata"].get("deletable") is False)
        others.subtract("".join(cell["source"]) for cell in notebook["cells"])
        return list((+others).elements())

    def _refused_loss(self, name: str, text: str, gone: list[str]) -> str:
        return (
            f"{name} was not saved, since it would lose what other frameworks have there: was a cell of theirs merged "
            "with another? Undo that, or open the page with the editor, which may change everything. "
            f"What you have is kept in {self._kept(name, text)}.\n\n" + "\n\n".join(gone)
        )

    def _kept(self, name: str, text: str) -> Path:
        """The file that a page was put into which is not saved; the same one as long as it is the same."""
        kept = Path(self.book.state, "refused", name)
        number = 1
        while kept.exists() and kept.read_bytes() != text.encode():
            number += 1
            kept = kept.with_name(f"{Path(name).stem}-{number}{SUFFIX}")
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_whole(kept, text.encode())
        return kept

    def _refused(self, name: str, there: str, text: str) -> str:
        """Keep a page that is not saved, and say what differs from the one that is there."""
        kept = self._kept(name, text)
        lines = difflib.unified_diff(
            there.splitlines(), text.splitlines(), f"{name} on disk", f"{name} in this window", n=1, lineterm=""
        )
        shown = list(lines)
        more = [f"… {len(shown) - _DIFF_LINES} lines more"] if len(shown) > _DIFF_LINES else []
        difference = "\n".join([*shown[:_DIFF_LINES], *more])
        return (
            f"{name} was changed on disk since this window opened it, so it was not saved over. "
            f"What you have is kept in {kept}. Open the page again to go on from what is on disk.\n\n{difference}"
        )


class _Opened:
    """Which state of its page each window has: what it was given, or what it saved last.

    Kept in a file, so that a window outlives the server.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.states: dict[str, list[str]] = {}
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(path.read_text(encoding="utf-8"))
            self.states = {str(window): [str(part) for part in state] for window, state in found.items()}

    def seen(self, window: object, name: str) -> str | None:
        """The digest of the page's text that a window knows of."""
        state = self.states.get(window) if isinstance(window, str) else None
        return state[1] if state is not None and state[0] == name else None

    def rename(self, old: str, new: str) -> None:
        """Pages have another name now."""
        for state in self.states.values():
            if state[0] == old or state[0].startswith(f"{old}/"):
                state[0] = new + state[0][len(old) :]
        self._keep()

    def note(self, window: str, name: str, digest: str) -> None:
        """A window knows of a text now."""
        self.states.pop(window, None)
        self.states[window] = [name, digest]
        self._keep()

    def _keep(self) -> None:
        for old in list(self.states)[:-_REMEMBERED]:
            del self.states[old]
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, json.dumps(self.states).encode())


def _is_notebook(content: object) -> bool:
    """Whether it has cells of text, which is all that a page is made of."""
    cells = content.get("cells") if isinstance(content, dict) else None
    return isinstance(cells, list) and all(
        isinstance(cell, dict) and isinstance(cell.get("source"), str | list) for cell in cells
    )


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _decoded(name: str, found: bytes) -> str:
    try:
        return found.decode("utf-8")
    except UnicodeDecodeError:
        raise HTTPError(400, f"{name} is not UTF-8 text, so it cannot be opened as a notebook") from None


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file at once, its permissions kept; a link stays one."""
    path = Path(os.path.realpath(path))
    handle, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, part)
        else:
            mask = os.umask(0)
            os.umask(mask)
            Path(part).chmod(0o666 & ~mask)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
