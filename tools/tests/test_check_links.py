"""The script that proves that a site's links lead somewhere: it passes what is right, and each mistake is told."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import pytest

HEAD = (
    '<html><head><link rel="canonical" href="https://waves.example/en/%s">'
    '<link rel="stylesheet" href="%s_static/a.css">'
    "<script>(function(d,t){d.dataset.frameworks=t.join(' ')})"
    '(document.documentElement,["pytorch", "jax"])</script></head><body>'
)
SITE = {
    "index.html": HEAD
    % ("index.html", "")
    + '<h1 id="top-of-it">Waves</h1><a href="tides/index.html?tab=jax#moon">Tides</a> '
    '<a href="tides/index.html#sun">the sun</a>'
    '<img src="_images/a.svg" srcset="_images/a.svg 1x, _images/a.svg 2x" alt=""><a href="https://elsewhere.example/x">x</a>'
    '<label for="name">Name</label><input id="name" aria-describedby="top-of-it"><a href="#">up</a></body></html>',
    "tides/index.html": HEAD
    % ("tides/index.html", "../")
    + '<div class="ov-set" data-tabs="pytorch jax"><div class="ov-panel" data-tab="pytorch"><p id="sun">Sun</p></div>'
    '<div class="ov-panel" data-tab="jax"><p id="moon">Moon</p>'
    '<svg><use href="#drawn"/><g id="drawn"></g></svg></div></div>'
    '<p id="a b">Both</p><a href="../index.html">back</a><a href="#a%20b">both</a>'
    '<a href="/en/index.html">front</a></body></html>',
    "_static/a.css": '/* url(gone.png) */ @font-face { src: url("a.woff2") }'
    " p { background: url(data:image/png;base64,AA==) }",
    "_static/a.woff2": "",
    "_images/a.svg": "<svg/>",
    "sitemap.xml": "<urlset><url><loc>https://waves.example/en/tides/index.html</loc></url></urlset>",
    "robots.txt": "User-agent: *\nSitemap: https://waves.example/en/sitemap.xml\n",
    "llms.txt": "- [Tides](https://waves.example/en/tides/index.html)\n",
}
INVENTORY = b"# Sphinx inventory version 2\n# Project: waves\n# Version: 1\n# What follows is compressed using zlib.\n"
NAMES = "moon std:label -1 tides/index.html#$ The Moon\ntides/index std:doc -1 tides/index.html Tides\n"


def judged(repository: Path, root: Path, names: str = NAMES, **changed: tuple[str, str, str]) -> tuple[int, str]:
    for name, text in SITE.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for file, old, new in changed.values():
            if file == name:
                assert old in text
                text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    (root / "objects.inv").write_bytes(INVENTORY + zlib.compress(names.encode()))
    script = repository / "tools/ci/check_links.py"
    answer = subprocess.run([sys.executable, script, root], capture_output=True, text=True, check=False)
    return answer.returncode, answer.stdout + answer.stderr


def test_a_site_that_is_right_passes(repository: Path, tmp_path: Path) -> None:
    code, said = judged(repository, tmp_path)
    assert code == 0, said
    assert said.startswith("2 pages, everything they name is there")


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("index.html", "tides/index.html#sun", "tides.html#sun", "tides.html#sun, which is not there"),
        ("index.html", "index.html#sun", "index.html#sum", "an anchor that is not on tides/index.html"),
        ("index.html", "?tab=jax#moon", "?tab=flax#moon", "the framework flax, which the book has not"),
        ("index.html", "?tab=jax#moon", "?tab=jax#sun", "the panel of pytorch, which jax hides"),
        ("index.html", '"_images/a.svg"', '"_images/b.svg"', "img names _images/b.svg, which is not there"),
        ("index.html", "_images/a.svg 2x", "_images/b.svg 2x", "img names _images/b.svg, which is not there"),
        (
            "index.html",
            '"_images/a.svg"',
            '"//pictures.example/a.svg"',
            "loads from elsewhere: //pictures.example/a.svg",
        ),
        (
            "index.html",
            '<img src="_',
            '<script src="https://x.example/a.js"></script><img src="_',
            "loads from elsewhere",
        ),
        (
            "index.html",
            '<img src="_',
            '<img style="background:url(https://x.example/a)" src="_',
            "loads from elsewhere",
        ),
        (
            "index.html",
            '<img src="_',
            '<link rel="preconnect" href="https://x.example"><img src="_',
            "loads from elsewhere",
        ),
        (
            "index.html",
            '<img src="_',
            "<style>@import 'https://x.example/a.css';</style><img src=\"_",
            "loads from elsewhere",
        ),
        ("index.html", 'href="_static/a.css"', 'href="_static/b.css"', "_static/b.css, which is not there"),
        ("index.html", 'for="name"', 'for="names"', "for names the id 'names'"),
        ("index.html", 'describedby="top-of-it"', 'describedby="nothing"', "names the id 'nothing'"),
        ("index.html", 'href="#">', 'href="">', "an empty address"),
        ("index.html", 'href="#">', 'href="javascript:void(0)">', "an address that leads nowhere"),
        ("index.html", "tides/index.html", "index.html", "no link leads here"),
        ("tides/index.html", 'id="sun"', 'id="moon"', "'moon' stands twice"),
        ("tides/index.html", "#a%20b", "#a%20c", "an anchor that is not on tides/index.html"),
        ("tides/index.html", 'href="/en/index', 'href="/en/front', "/en/front.html, which is not there"),
        ("_static/a.css", "a.woff2", "b.woff2", "_static/a.css: style names b.woff2"),
        ("_static/a.css", '"a.woff2"', "https://fonts.example/a", "loads from elsewhere"),
        ("sitemap.xml", "tides/index", "tides/waves", "sitemap.xml"),
        ("sitemap.xml", "waves.example", "other.example", "no address of this site"),
        ("robots.txt", "sitemap.xml", "map.xml", "robots.txt"),
        ("llms.txt", "index.html", "index.md", "llms.txt"),
    ],
)
def test_each_mistake_is_told(repository: Path, tmp_path: Path, file: str, old: str, new: str, told: str) -> None:
    code, said = judged(repository, tmp_path, change=(file, old, new))
    assert (code, told in said) == (1, True), said


@pytest.mark.parametrize(("old", "new"), [("moon std", "mars std"), ("The Moon", "The\nMoon"), (" std:label", "")])
def test_an_inventory_that_lies_is_told(repository: Path, tmp_path: Path, old: str, new: str) -> None:
    code, said = judged(repository, tmp_path, NAMES.replace(old, new))
    assert code == 1 and "objects.inv" in said


def test_an_empty_folder_does_not_pass(repository: Path, tmp_path: Path) -> None:
    script = repository / "tools/ci/check_links.py"
    assert subprocess.run([sys.executable, script, tmp_path], capture_output=True, check=False).returncode == 1
