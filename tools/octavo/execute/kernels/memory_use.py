"""How much main memory a process has held at most, as Linux keeps count of it; elsewhere nobody knows."""

from __future__ import annotations

import contextlib
from pathlib import Path


def forget_peak(pid: int) -> None:
    """Let the count of a process begin again with what it holds now."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def peak(pid: int) -> int:
    """The most bytes that a process has held since :func:`forget_peak`; 0 where that is not known."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith("VmHWM:"):
            words = line.split()
            return int(words[1]) * 1024 if len(words) > 1 and words[1].isdigit() else 0
    return 0
