"""Pictures of a site for people to look at: screenshots.py SITE [FOLDER]. Imports nothing of octavo.

Three pages, light and dark, on a wide screen and on a phone, as WebP files; FOLDER is `tools/docs/pictures`
where none is named. The README shows some of them.
"""

from __future__ import annotations

import base64
import sys
from itertools import product
from pathlib import Path
from typing import Any

from check_axe import MODES, SCREENS, context_of, served, started

PAGES = {
    "front": ("index.html", ""),
    "formulas": ("chapter_preliminaries/automatic-differentiation.html?tab=jax", "#the-computational-graph"),
    "results": ("chapter_linear-networks/linear-regression-scratch.html?tab=pytorch", "#training"),
}
"""What a picture is called → the page, and the place on it that is at the top."""
GO = """place => {
  const header = document.querySelector('header').getBoundingClientRect();
  const top = place.getBoundingClientRect().top - header.height - 18;
  scrollBy({top, behavior: 'instant'});
}"""
"""Not by the address, which would mark the heading."""
QUALITY = 60
"""Of WebP, which Chromium writes by itself: letters stay sharp, and a picture has some tens of kB."""


def picture(page: Any) -> bytes:
    """What is on the screen."""
    wire = page.context.new_cdp_session(page)
    taken = wire.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY, "optimizeForSpeed": False})
    wire.detach()
    return base64.b64decode(taken["data"])


def main(site: Path, folder: Path) -> int:
    """Take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with served(site) as address, started() as browser:
        for screen, mode in product(SCREENS, MODES):
            context = context_of(browser, screen, mode)
            page = context.new_page()
            for name, (where, place) in PAGES.items():
                answer = page.goto(f"{address}/{where}", wait_until="networkidle")
                if answer is None or not answer.ok or (place and not page.locator(place).count()):
                    print(f"{where}{place} is not there", file=sys.stderr)
                    return 1
                page.evaluate("document.fonts.ready")
                if place:
                    page.locator(place).evaluate(GO)
                page.wait_for_timeout(300)  # what was far down is drawn now
                if place:  # down, so that no way back to the top is offered
                    page.evaluate("scrollBy({top: 2, behavior: 'instant'})")
                    page.wait_for_timeout(300)
                target = folder / f"{name}-{screen}-{mode}.webp"
                target.write_bytes(picture(page))
                print(f"{target.name}: {target.stat().st_size / 1000:.0f} kB")
            context.close()
    return 0


if __name__ == "__main__":
    default = Path(__file__).resolve().parents[1] / "docs" / "pictures"
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else default))
