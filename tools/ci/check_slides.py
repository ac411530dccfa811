"""Can a room read a folder's slides? Each deck is opened at 1280 × 720 in Chromium. Imports nothing of octavo.

    python tools/ci/check_slides.py FOLDER [--chromium PATH]

On each slide everything has to be within the screen, no text may be smaller than 10 pixels, and something has to be
there to see. Decks ask no host for anything, load no other file, and say nothing on the console. No mark of the
book's source may be left in their text.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

MARKS = re.compile(
    r":(?:numref|eqref|ref|cite|citet|citep|label|eqlabel|width|begin_tab|end_tab):|#@tab|%%tab|#@save|tab\.selected"
)
PAIRS = re.compile(r"[\[(](?:\*\*|~~)[^\n]*?(?:\*\*|~~)[\])]")
SMALLEST = 10

LOOK = """() => {
  const section = Reveal.getCurrentSlide();
  const said = [];
  const name = (one) => `${one.tagName.toLowerCase()}${one.className ? "." + one.className : ""} ` +
    JSON.stringify((one.textContent || one.alt || "").trim().slice(0, 60));
  const shown = [...section.querySelectorAll("*")].filter((one) => one.getClientRects().length);
  const isClipped = (one) => one.closest("h2");
  for (const one of shown) {
    if (one.closest("math") && one.tagName !== "math" || one.tagName.startsWith("annotation")) continue;
    for (const box of one.getClientRects()) {
      const { left, right, top, bottom } = box;
      if (bottom > 721 || top < -1 || left < -1 || (right > 1281 && !isClipped(one))) {
        said.push(`${name(one)} is beyond the screen: ${[left, top, right, bottom].map(Math.round)}`);
        break;
      }
    }
    const hasText = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const size = parseFloat(getComputedStyle(one).fontSize);
    if (hasText && !one.closest("math") && size < SMALLEST) said.push(`${name(one)} is only ${size} pixels high`);
    if (one.tagName === "IMG" && !one.naturalWidth) said.push(`a picture cannot be shown: ${one.src.slice(0, 60)}`);
    if (one.tagName === "IMG" && Math.min(one.width, one.height) < 8) said.push("a picture is too small to be seen");
  }
  const body = section.querySelector(".ov-body");
  if (!section.innerText.trim() && !section.querySelector("img")) said.push("nothing is on it");
  if (body) {
    const parts = [...body.children].map((one) => one.getBoundingClientRect());
    parts.forEach((box, at) => {
      if (at && box.top < parts[at - 1].bottom - 1) said.push(`what is number ${at + 1} lies upon number ${at}`);
    });
  }
  return { said, text: section.innerText };
}"""


def check(page: Page, deck: Path) -> list[str]:
    """What is wrong with a deck."""
    said: list[str] = []
    asked: list[str] = []
    heard: list[str] = []

    def on_request(request: Any) -> None:
        if not request.url.startswith("data:") and request.url.split("#")[0] != deck.as_uri():
            asked.append(request.url)

    def on_console(message: Any) -> None:
        heard.append(message.text)

    def on_error(problem: Any) -> None:
        heard.append(str(problem))

    page.on("request", on_request)
    page.on("console", on_console)
    page.on("pageerror", on_error)
    page.goto(deck.as_uri())
    page.wait_for_selector("[data-fitted]", state="attached")
    count = page.evaluate("Reveal.getTotalSlides()")
    for number in range(count):
        page.evaluate(f"Reveal.slide({number})")
        found = page.evaluate(LOOK.replace("SMALLEST", str(SMALLEST)))
        said += [f"slide {number + 1}: {problem}" for problem in found["said"]]
        prose = found["text"]
        said += [f"slide {number + 1}: {mark[0]} is left" for mark in MARKS.finditer(prose)]
        said += [f"slide {number + 1}: {mark[0]} is left" for mark in PAIRS.finditer(prose)]
    said += [f"asks for {address}" for address in asked]
    said += [f"the console says {words}" for words in heard]
    if count < 2:
        said.append("has no slide but its title")
    for event, listener in (("request", on_request), ("console", on_console), ("pageerror", on_error)):
        page.remove_listener(event, listener)  # type: ignore[arg-type]
    return said


def main() -> int:
    """Check the folder that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium", metavar="PATH")
    arguments = parser.parse_args()
    decks = sorted(arguments.folder.resolve().rglob("*.html"))
    problems = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        for deck in decks:
            for problem in check(page, deck):
                problems += 1
                print(f"{deck.relative_to(arguments.folder.resolve())}: {problem}", flush=True)
        browser.close()
    print(f"{len(decks)} decks, {problems} problems")
    return 1 if problems or not decks else 0


if __name__ == "__main__":
    sys.exit(main())
