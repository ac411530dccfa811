"""The folders that kernels work in: empty, with the book's resources where a page expects them."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path


def working_folder(root: Path, page: str, source: Path, resources: Iterable[str]) -> Path:
    """An empty folder below ``root`` for the kernel of ``page``, with links to ``resources`` of the folder ``source``.

    It stands where the page does, under a name of its own, so that ``../img`` leads to the pictures; what stands above
    it, such as data that pages download to ``../data``, pages share.
    """
    chapter, _, name = page.rpartition("/")
    folder = root / f"{chapter}~{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source = source.resolve()
    for resource in resources:
        target = (source / resource).resolve()
        link = (root if chapter else folder) / resource.rstrip("/")
        if not target.exists() or not target.is_relative_to(source):
            continue
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_symlink() and link.readlink() != target:
            link.unlink(missing_ok=True)  # of a checkout that was moved or copied
        if not os.path.lexists(link):  # a page may have made a folder of that name
            with contextlib.suppress(FileExistsError):  # another page's kernel begins at this moment
                link.symlink_to(target)
    return folder
