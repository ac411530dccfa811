"""Compare results with committed ones: compare_outputs.py OLD NEW PAGE. Imports nothing of octavo.

Words must be equal and numbers close, since the last digits of floating-point sums differ between processors. Of
pictures, the text in them must be equal and the number of drawn shapes. Cells that say that they vary are left out.
"""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?")
RELATIVE, ABSOLUTE = 1e-3, 2e-3


def same_text(old: str, new: str) -> bool:
    """Equal but for small differences of the numbers in them."""
    if NUMBER.sub("#", old).split() != NUMBER.sub("#", new).split():
        return False
    return all(same_number(*pair) for pair in zip(NUMBER.findall(old), NUMBER.findall(new), strict=True))


def same_number(old: str, new: str) -> bool:
    """Equal, or close where the two are no whole numbers: those count something."""
    if old.lstrip("+-").isdigit() and new.lstrip("+-").isdigit():
        return int(old) == int(new)
    return math.isclose(float(old), float(new), rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def same_picture(old: Path, new: Path) -> bool:
    """The same words and as many shapes; pictures of dots are only there or not."""
    if old.suffix != ".svg":
        return new.stat().st_size > 0
    before, after = old.read_text(encoding="utf-8"), new.read_text(encoding="utf-8")
    words = [re.findall(r"<text\b[^>]*>([^<]*)</text>", text) for text in (before, after)]
    shapes = [len(re.findall(r"<(?:path|use|image)\b", text)) for text in (before, after)]
    return words[0] == words[1] and shapes[0] == shapes[1]


def differences(old: Any, new: Any, where: str, folders: tuple[Path, Path]) -> list[str]:
    """Every place where two results differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        if old.get("varies") and new.get("varies"):
            return []
        if old.keys() != new.keys():
            return [f"{where}: {sorted(old)} became {sorted(new)}"]
        return [d for key in old if key != "key" for d in differences(old[key], new[key], f"{where}/{key}", folders)]
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return [f"{where}: {len(old)} items became {len(new)}"]
        return [
            d for i, pair in enumerate(zip(old, new, strict=True)) for d in differences(*pair, f"{where}/{i}", folders)
        ]
    if isinstance(old, str) and isinstance(new, str):
        pictures = folders[0] / old, folders[1] / new
        if re.fullmatch(r"[\w.-]+\.(svg|png|jpe?g)", old) and all(picture.is_file() for picture in pictures):
            return [] if same_picture(*pictures) else [f"{where}: the picture {old} changed"]
        return [] if same_text(old, new) else [f"{where}:\n  - {old!r}\n  + {new!r}"]
    return [] if old == new else [f"{where}: {old!r} became {new!r}"]


def main(old: Path, new: Path, page: str) -> int:
    """Compare every framework's result of one page; the exit code says whether all are alike."""
    names = sorted(path.name for path in (old / page).glob("*.json"))
    found = [f"{page} has no committed results"] if not names else []
    for name in names:
        if not (new / page / name).is_file():
            found.append(f"{page}/{name} was not made")
            continue
        results = [json.loads((folder / page / name).read_text(encoding="utf-8")) for folder in (old, new)]
        found += differences(results[0], results[1], f"{page}/{name}", (old / page, new / page))
    print("\n".join(found) or f"{page}: {len(names)} frameworks print what the committed results say")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
