"""No page has a fault that axe-core knows: check_axe.py SITE [PAGE …]. Imports nothing of octavo.

Every page, in each of its frameworks, light and dark, on a wide screen and on a phone, against the rules for WCAG 2.2
AA and those that axe calls best practices. `--tab`, `--mode` and `--screen` take some; PAGE may be a pattern
such as `chapter_*`.
"""

from __future__ import annotations

import argparse
import fnmatch
import functools
import importlib.util
import json
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import Any

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
SCREENS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1400, "height": 900}},
    "phone": {"viewport": {"width": 375, "height": 812}, "has_touch": True, "is_mobile": True},
}
MODES = ("light", "dark")
SETTLED = """async () => {
  const idle = () => new Promise(done => requestIdleCallback(done, {timeout: 2000}));
  while (document.documentElement.classList.contains("ov-unsettled")) { await idle(); }
  await idle();
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
"""Waits until the page has done what it does when nothing else is to be done."""
RUN = """async ([tags, within]) => {
  const found = await axe.run(within || document, {
    runOnly: {type: "tag", values: tags},
    rules: {"target-size": {enabled: true}},  // of 2.2, and off by default
    resultTypes: ["violations"],
  });
  return {
    passed: found.passes.length,
    violations: found.violations.map(rule => ({
      id: rule.id, impact: rule.impact, help: rule.help,
      nodes: rule.nodes.map(node => ({at: node.target.flat().join(" "), why: node.any.concat(node.all, node.none)
        .map(check => check.message).join("; ")})),
    })),
  };
}"""


def axe_source() -> str:
    """axe-core, from the package that carries it."""
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        sys.exit("axe-core is missing: pip install axe-playwright-python")
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def axe_version(source: str) -> tuple[int, ...]:
    """The version that the script states at its head."""
    found = re.search(r"axe v(\d+)\.(\d+)\.(\d+)", source[:200])
    return tuple(map(int, found.groups())) if found else ()


@contextmanager
def served(root: Path) -> Iterator[str]:
    """The address of a folder on the loopback interface."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def started() -> Iterator[Any]:
    """The machine's Chromium, without a window."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no browser: sudo apt install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def frameworks(file: Path) -> list[str]:
    """The frameworks that a page knows of; one nameless one where the book has no choice."""
    text = file.read_text(encoding="utf-8")
    if "dataset.frameworks" in text and (found := re.search(r"\[(?:\"[\w.-]+\"(?:, ?)?)+\]", text)):
        return list(json.loads(found[0]))
    return [""]


def judged(page: Any, source: str, within: str = "") -> list[tuple[str, str, str, str]]:
    """What axe finds wrong with the page as it is now, or with one part of it: (rule, impact, where, why)."""
    if not page.evaluate("() => typeof axe === 'object'"):
        page.evaluate(source)
    result = page.evaluate(RUN, [TAGS, within])
    if result["passed"] < (3 if within else 10):  # where axe looked at next to nothing, nothing was judged
        raise RuntimeError(f"axe passed {result['passed']} rules on {page.url}; did the page load?")
    return [
        (rule["id"], rule["impact"] or "", node["at"], node["why"] or rule["help"])
        for rule in result["violations"]
        for node in rule["nodes"]
    ]


def context_of(browser: Any, screen: str, mode: str) -> Any:
    """A reader with this screen who has chosen this mode."""
    context = browser.new_context(**SCREENS[screen], color_scheme=mode, reduced_motion="reduce")
    context.add_init_script(f"try {{ localStorage.setItem('theme', {mode!r}); }} catch (error) {{}}")
    return context


def main() -> int:
    """Judge the pages; the exit code says whether they have no fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path)
    parser.add_argument("pages", nargs="*", help="pages or patterns of pages; all of them without")
    parser.add_argument("--tab", action="append", help="a framework")
    parser.add_argument("--mode", action="append", choices=MODES)
    parser.add_argument("--screen", action="append", choices=list(SCREENS))
    options = parser.parse_args()
    site: Path = options.site
    names = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    wanted = [n for n in names if not options.pages or any(fnmatch.fnmatch(n, p) for p in options.pages)]
    source = axe_source()
    found: set[tuple[str, str, str]] = set()
    runs = 0
    with served(site) as address, started() as browser:
        for screen, mode in product(options.screen or SCREENS, options.mode or MODES):
            context = context_of(browser, screen, mode)
            page = context.new_page()
            for name in wanted:
                tabs = frameworks(site / name)
                for tab in [t for t in tabs if not options.tab or t in options.tab or not t]:
                    answer = page.goto(f"{address}/{name}" + (f"?tab={tab}" if tab else ""))
                    if answer is None or not answer.ok:
                        sys.exit(f"{name} was not served")
                    page.evaluate(SETTLED)
                    runs += 1
                    for rule, impact, where, why in judged(page, source):
                        if (name, rule, where) not in found:  # the first time is enough
                            print(f"{name} ({tab} {mode} {screen}): {rule} at {where}\n    {impact}: {why}", flush=True)
                        found.add((name, rule, where))
            context.close()
    version = ".".join(map(str, axe_version(source)))
    print(f"axe-core {version}: {len(found)} faults in {runs} looks at {len(wanted)} pages")
    return bool(found) or not runs


if __name__ == "__main__":
    sys.exit(main())
