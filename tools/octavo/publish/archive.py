"""Zip archives that cost what changed in them: packed files are taken over from the archive of an earlier build.

Python's own module reads archives here, and could write them, but not put in what is packed already.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION, _UTF8, _UNIX = 20, 0x800, 3 << 8
_DAY = (1 << 5) | 1
"""The first of January 1980, the time of every file: an archive's bytes depend on what is in it alone."""
_MODE = 0o100644 << 16
_PACKED = frozenset({".png", ".jpg", ".jpeg", ".gif", ".gz", ".zip"})
"""Endings of files that are packed by themselves."""
_LEVEL = 4


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file as it stands in an archive."""

    method: int
    crc: int
    size: int
    data: bytes

    def header(self, name: bytes) -> bytes:
        """What stands before its data, and again at the end of the archive."""
        sizes = self.crc, len(self.data), self.size, len(name), 0
        return struct.pack("<HHHHHIIIHH", _VERSION, _UTF8, self.method, 0, _DAY, *sizes)


def archive(
    files: Mapping[str, Callable[[], bytes]], before: Path | None = None, same: frozenset[str] = frozenset()
) -> bytes:
    """A zip of these files; those in ``same`` are as they are in the archive ``before``, and are not asked for."""
    parts: list[bytes] = []
    central: list[bytes] = []
    offset = 0
    with _Earlier(before) as earlier:
        for name in sorted(files):
            entry = (earlier.entry(name) if name in same else None) or _packed(name, files[name]())
            written = name.encode()
            header = entry.header(written)
            parts += [_LOCAL, header, written, entry.data]
            attributes = struct.pack("<HHHII", 0, 0, 0, _MODE, offset)
            central += [_CENTRAL, struct.pack("<H", _UNIX | _VERSION), header, attributes, written]
            offset += 4 + len(header) + len(written) + len(entry.data)
    directory = b"".join(central)
    end = struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(directory), offset, 0)
    return b"".join([*parts, directory, _END, end])


def _packed(name: str, data: bytes) -> _Entry:
    crc = zlib.crc32(data)
    if Path(name).suffix.lower() in _PACKED:
        return _Entry(zipfile.ZIP_STORED, crc, len(data), data)
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return _Entry(zipfile.ZIP_DEFLATED, crc, len(data), packer.compress(data) + packer.flush())


class _Earlier:
    """The archive of an earlier build; one that cannot be read holds nothing."""

    def __init__(self, path: Path | None) -> None:
        self.opened: zipfile.ZipFile | None = None
        if path is not None:
            try:
                self.opened = zipfile.ZipFile(path)
            except (OSError, zipfile.BadZipFile):
                self.opened = None
        self.file = path.open("rb") if path is not None and self.opened is not None else None

    def __enter__(self) -> _Earlier:
        return self

    def __exit__(self, *problem: object) -> None:
        for opened in (self.opened, self.file):
            if opened is not None:
                opened.close()

    def entry(self, name: str) -> _Entry | None:
        """A file of it as it is packed there."""
        if self.opened is None or self.file is None or name not in self.opened.NameToInfo:
            return None
        info = self.opened.getinfo(name)
        self.file.seek(info.header_offset)
        head = self.file.read(30)
        if len(head) < 30 or not head.startswith(_LOCAL):
            return None
        self.file.seek(sum(struct.unpack("<HH", head[26:])), 1)
        data = self.file.read(info.compress_size)
        return _Entry(info.compress_type, info.CRC, info.file_size, data) if len(data) == info.compress_size else None
