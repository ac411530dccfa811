"""What a reader loads for the heaviest page of a website, and how soon it can be read on a slow network.

    python tools/bench/weight.py SITE [--page PAGE.html] [--runs 5] [--check]

Serves the site compressed on this machine and opens the page in Chromium as a telephone on a slow network would: 150 ms
to and fro, 1.6 Mbit/s, a processor four times slower. With ``--check`` it fails when a page is heavier or slower than
it may be. The numbers of other tools are those of one page of *Dive into Deep Learning*, ``resnet``.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "ci"))
from loopback import serving  # type: ignore[import-not-found]

KINDS = {"Document": "html", "Stylesheet": "css", "Script": "script", "Font": "fonts", "Image": "images"}
NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 93_750}
TELEPHONE = {
    "viewport": {"width": 412, "height": 823},
    "device_scale_factor": 1.75,
    "is_mobile": True,
    "has_touch": True,
}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

BEFORE_PAINT, SCRIPT, LARGEST = 120_000, 60_000, 1_000
"""Bytes besides the page's text and pictures; bytes of scripts; milliseconds until the largest paint."""
OTHERS = {
    "d2lbook, one framework": ("129/19", "543/73", "370/105", "253/253", "1701/596 + 1334/427 elsewhere"),
    "d2lbook, four": ("225/24", "543/73", "370/105", "253/253", "1797/602 + 1334/427 elsewhere"),
    "Jupyter Book 1": ("112/21", "548/92", "2257/753", "156/156", "3474/1163 + 1334/427 elsewhere"),
    "mystmd": ("569/76", "242/38", "6314/1805", "0", "7531/2066 + 115/95 elsewhere"),
}
"""html, css, script, fonts, all: kB raw/compressed, measured by others' own pages of the same book."""

OBSERVE = """
window.seen = {cls: 0, lcp: 0, what: ""};
new PerformanceObserver(list => list.getEntries().forEach(e => { seen.cls += e.value }))
  .observe({type: "layout-shift", buffered: true});
new PerformanceObserver(list => list.getEntries().forEach(e => {
  seen.lcp = e.startTime; seen.what = e.element ? e.element.tagName.toLowerCase() : "?" }))
  .observe({type: "largest-contentful-paint", buffered: true});
"""


@dataclass
class Visit:
    """One load of a page."""

    raw: dict[str, int] = field(default_factory=dict)
    """Kind → bytes as a browser has them."""
    sent: dict[str, int] = field(default_factory=dict)
    """Kind → bytes as they travel."""
    requests: int = 0
    elsewhere: list[str] = field(default_factory=list)
    """Addresses of other hosts."""
    lcp: float = 0
    """Milliseconds until the largest paint."""
    what: str = ""
    """What that is."""
    cls: float = 0
    """How far things moved that stood already, as browsers count it."""


def heaviest(site: Path) -> str:
    """The page whose text is the most when it travels."""
    pages = [path for path in site.rglob("*.html") if "_" not in {part[0] for part in path.relative_to(site).parts}]
    return max(pages, key=lambda path: len(gzip.compress(path.read_bytes(), 6))).relative_to(site).as_posix()


def visit(browser: Browser, address: str, *, slow: bool) -> Visit:
    """Open a page for the first time."""
    found = Visit()
    context = browser.new_context(**TELEPHONE)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    if slow:
        devtools.send("Network.emulateNetworkConditions", NETWORK)
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    kinds: dict[str, str] = {}

    def answered(event: Mapping[str, object]) -> None:
        url = str(event["response"]["url"])  # type: ignore[index]
        kinds[str(event["requestId"])] = KINDS.get(str(event["type"]), "other")
        if not url.startswith(("data:", address.split("/", 3)[0] + "//" + address.split("/", 3)[2])):
            found.elsewhere.append(url)
        found.requests += not url.startswith("data:")

    def received(event: Mapping[str, object]) -> None:
        kind = kinds.get(str(event["requestId"]))
        if kind:
            found.raw[kind] = found.raw.get(kind, 0) + int(str(event["dataLength"]))

    def done(event: Mapping[str, object]) -> None:
        kind = kinds.get(str(event["requestId"]))
        if kind:
            found.sent[kind] = found.sent.get(kind, 0) + int(float(str(event["encodedDataLength"])))

    devtools.on("Network.responseReceived", answered)
    devtools.on("Network.dataReceived", received)
    devtools.on("Network.loadingFinished", done)
    page.add_init_script(OBSERVE)
    page.goto(address, wait_until="load")
    page.wait_for_timeout(2500 if slow else 500)
    seen = page.evaluate("seen")
    found.lcp, found.what, found.cls = seen["lcp"], seen["what"], seen["cls"]
    context.close()
    return found


def row(name: str, cells: tuple[str, ...]) -> str:
    """A line of the table."""
    return f"{name:<26}" + "".join(f"{cell:>12}" for cell in cells)


def kilobytes(visit: Visit, *kinds: str) -> str:
    """What files of some kinds weigh: raw/compressed."""
    raw, sent = (sum(sizes.get(kind, 0) for kind in kinds) for sizes in (visit.raw, visit.sent))
    return f"{raw / 1000:.0f}/{sent / 1000:.0f}" if raw else "0"


def main() -> int:
    """Measure and print; 1 with ``--check`` where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path)
    parser.add_argument("--page", help="a page of the site; the heaviest by default")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    page = options.page or heaviest(options.site)
    with serving(options.site) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        plain = visit(browser, address + page, slow=False)
        visits = [visit(browser, address + page, slow=True) for _ in range(options.runs)]
        browser.close()
    besides = sum(plain.sent.get(kind, 0) for kind in ("css", "script", "fonts", "other"))
    # other work on this machine only adds
    lcp, cls = min(v.lcp for v in visits), max(v.cls for v in (plain, *visits))
    print(f"{page}: {plain.requests} requests, {len(plain.elsewhere)} of them to other hosts\n")
    print(row("kB raw/compressed", ("html", "css", "script", "fonts", "images", "all")))
    kinds = ("html", "css", "script", "fonts", "images")
    print(row("octavo, this page", (*(kilobytes(plain, kind) for kind in kinds), kilobytes(plain, *plain.raw))))
    for name, (html, css, script, fonts, everything) in OTHERS.items():
        print(row(name, (html, css, script, fonts, "")) + f"   {everything}")
    print()
    limits = (
        ("besides text and pictures", besides, BEFORE_PAINT, "B compressed"),
        ("scripts", plain.sent.get("script", 0), SCRIPT, "B compressed"),
        (f"largest paint ({visits[0].what})", lcp, LARGEST, "ms"),
        ("layout shift", cls, 0, ""),
    )
    for name, value, limit, unit in limits:
        print(f"{name:<28}{value:>12,.10g} {unit:<14} at most {limit:,}   {'ok' if value <= limit else 'TOO MUCH'}")
    if not lcp:
        print("the browser saw no largest paint: something scrolled before")
    print(f"each largest paint: {', '.join(f'{v.lcp:.0f}' for v in visits)} ms")
    failed = bool(plain.elsewhere) or not lcp or any(value > limit for _, value, limit, _ in limits)
    return int(failed and options.check)


if __name__ == "__main__":
    sys.exit(main())
