"""Pictures dropped into a notebook's cells → files of the book: Markdown has no place for them."""

from __future__ import annotations

import base64
import binascii
import copy
import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any

FOLDER = "img"
"""Where pages have their pictures."""
_LINK = re.compile(r"attachment:([^)\s\"'>]+)")
_STRANGE = re.compile(r"[^\w.-]+")

There = Callable[[str], bytes | None]
"""Path → what stands there, if anything does."""


def detached(notebook: dict[str, Any], page: str, there: There) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The notebook with links to files where cells had attachments, and the files that are not there yet.

    ``page`` is the path of its page, from which links lead to the files. A picture gets the same file each time.
    """
    if not any(_attachments(cell) for cell in notebook["cells"]):
        return notebook, {}
    notebook = copy.deepcopy(notebook)
    files: dict[str, bytes] = {}
    for cell in notebook["cells"]:
        held = _attachments(cell)
        source = "".join(map(str, cell["source"])) if isinstance(cell["source"], list) else str(cell["source"])

        def linked(found: re.Match[str], held: Mapping[str, bytes] = held) -> str:
            content = held.get(found[1])
            if content is None:
                return found[0]
            path = _place(page, found[1], content, lambda path: files.get(path) or there(path))
            if there(path) is None:
                files[path] = content
            return posixpath.relpath(path, posixpath.dirname(page) or ".")

        if held:
            cell["source"] = _LINK.sub(linked, source)
    return notebook, files


def _attachments(cell: Mapping[str, Any]) -> dict[str, bytes]:
    """Name → content of what a cell holds and can be a file."""
    held = cell.get("attachments")
    found: dict[str, bytes] = {}
    for name, kinds in (held if isinstance(held, Mapping) else {}).items():
        for content in list(kinds.values())[:1] if isinstance(kinds, Mapping) else []:
            try:
                found[str(name)] = base64.b64decode(content if isinstance(content, str) else "".join(content))
            except (binascii.Error, TypeError, ValueError):
                continue
    return found


def _place(page: str, name: str, content: bytes, there: There) -> str:
    """A path that is free or has this content already."""
    stem = posixpath.basename(page).removesuffix(".md")
    name, ending = posixpath.splitext(_STRANGE.sub("-", name).strip(".-"))
    number = 1
    while True:
        path = f"{FOLDER}/{stem}-{name}{'' if number == 1 else f'-{number}'}{ending}"
        if there(path) in (None, content):
            return path
        number += 1
