"""Every page shows its committed results in all its frameworks: check_site.py BOOK SITE. Imports nothing of octavo.

For each `outputs/PAGE/TAB.json` the lines that cells printed must stand, in order, in what a reader of that framework
sees of the page, and there must be a picture for each picture. No page may load anything from another host.
"""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
LOADING = {
    "img": "src",
    "script": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
}


class Page(HTMLParser):
    """What readers of one framework see of a page: text outside of panels and inside of that framework's."""

    def __init__(self, tab: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tab = tab
        self.open: list[tuple[str, bool, bool]] = []  # element, whether it hides what is inside, whether that is output
        self.text: list[str] = []
        self.pictures = 0
        self.panels = 0
        self.elsewhere: list[str] = []

    @property
    def visible(self) -> bool:
        return not any(hidden for _, hidden, _ in self.open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        address = values.get(LOADING.get(tag, ""), "") or ""
        if re.match(r"(https?:)?//", address) and values.get("rel") != "canonical":
            self.elsewhere.append(address)
        classes = (values.get("class") or "").split()
        if "ov-panel" in classes:
            self.panels += 1
        if tag == "img" and self.visible and "_images" in address and any(output for _, _, output in self.open):
            self.pictures += 1
        if tag not in VOID:
            other = "ov-panel" in classes and values.get("data-tab") != self.tab
            self.open.append((tag, other or tag in ("script", "style", "template"), "ov-output" in classes))

    def handle_endtag(self, tag: str) -> None:
        for index in range(len(self.open) - 1, -1, -1):
            if self.open[index][0] == tag:
                del self.open[index:]
                return

    def handle_data(self, data: str) -> None:
        if self.visible:
            self.text.append(data)


def shown_lines(output: dict[str, Any]) -> list[str]:
    """What a reader must find of an output, in order: its lines, or the words of its HTML where that is shown."""
    data = output.get("data", {})
    if any(kind.startswith("image/") for kind in data) or "text/latex" in data:
        return []
    if "text/html" not in data:
        return output.get("text") or data.get("text/plain", [])
    html = Page("")
    html.feed("\n".join(data["text/html"]))
    return [text.strip() for text in html.text]


def main(book: Path, site: Path) -> int:
    """Check every result; the exit code says whether all are shown."""
    problems: list[str] = []
    results = sorted((book / "outputs").rglob("*.json"))
    for result in results:
        page, tab = result.parent.relative_to(book / "outputs").as_posix(), result.stem
        file = site / f"{page}.html"
        if not file.is_file():
            problems.append(f"{page} is not on the site")
            continue
        seen = Page(tab)
        seen.feed(file.read_text(encoding="utf-8"))
        problems += [f"{page} loads {address}" for address in seen.elsewhere]
        text, at, drawn = "".join(seen.text), 0, 0
        for number, cell in enumerate(json.loads(result.read_text(encoding="utf-8"))["cells"], 1):
            for output in cell["outputs"]:
                data = output.get("data", {})
                drawn += any(kind.startswith("image/") for kind in data)
                for line in filter(str.strip, shown_lines(output)):
                    found = text.find(line, at)
                    if found < 0:
                        problems.append(f"{page} ({tab}) does not show line {line!r} of cell {number}")
                    at = max(at, found)
        if seen.pictures < drawn:
            problems.append(f"{page} ({tab}) shows {seen.pictures} pictures, its cells drew {drawn}")
        if not seen.panels:
            problems.append(f"{page} has no tabs")
    if not results:
        problems.append("there are no committed results")
    print("\n".join(problems) or f"{len(results)} results are shown, each in its own framework's panel")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
