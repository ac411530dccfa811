"""What stands in a notebook: the cases of ``fixtures/notebooks.md``, each one page of a small book."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fixture import Case, cases
from publish_books import build, read, shown, write

BIB = """\
@article{lovelace1843, author={Lovelace, Ada}, title={Notes on the Engine}, year={1843}}
@article{three2001, author={Alpha, A. and B{\\"e}ta, B. and Gamma, C.}, title={Of Three}, year={2001}}
"""

AROUND = {
    "index": """\
        # Book

        ```toc
        :numbered:
        part/index
        ```
        """,
    "part/index": """\
        # Part
        :label:`chap_part`

        ```toc
        page
        other
        ```
        """,
    "part/other": """\
        # Other
        :label:`sec_other`

        ![Other](../img/square.svg)
        :label:`fig_other`

        :Other
        :label:`tab_other`

        | a |
        |---|
        | 1 |

        $$o$$
        :eqlabel:`eq_other`

        ```{.python .input}
        #@tab pytorch
        1
        ```
        """,
}

FORBIDDEN = re.compile(r":(?:label|eqlabel|width|begin_tab|end_tab):|\[\*\*|\[~~|#@tab|%%tab|tab\.selected|%load_ext")


def tabs_of(case: Case) -> list[str]:
    return [name for name in case.blocks if name != "input"]


@pytest.mark.parametrize("case", cases("notebooks"), ids=str)
def test_a_page_becomes_what_jupyter_shows(case: Case, tmp_path: Path) -> None:
    root = write(tmp_path, {**AROUND, "part/page": case["input"] + "\n"})
    (root / "d2l.bib").write_text(BIB, encoding="utf-8")
    folder, _ = build(root)
    for tab in tabs_of(case):
        notebook = read(folder / tab / "part" / "page.ipynb")
        assert shown(notebook) == case[tab]
        assert FORBIDDEN.search(shown(notebook)) is None


def test_every_case_expects_something() -> None:
    assert all(tabs_of(case) for case in cases("notebooks"))


def test_macros_of_the_settings_are_written_out(tmp_path: Path) -> None:
    page = """\
# Page

Here $x \\in \\RR^n$, `$\\RR$`, and **$\\norm{\\RR}$**.

> Quoted $\\norm{a
> b}$ twice: $\\RR$

$$\\norm{x}$$
:eqlabel:`eq_norm`

```python
"$\\RR$"
```

```{math}
\\RR
```

```{.python .input}
#@tab pytorch
1
```
"""
    root = write(tmp_path, {**AROUND, "part/page": page})
    with (root / "config.ini").open("a") as settings:
        settings.write("[math]\nmacros =\n    \\RR = \\mathbb{R}\n    \\norm[1] = \\lVert #1 \\rVert\n")
    folder, _ = build(root)
    text = shown(read(folder / "pytorch" / "part" / "page.ipynb"))
    assert r"Here $x \in \mathbb{R}^n$, `$\RR$`, and **$\lVert \mathbb{R} \rVert$**." in text
    assert "> Quoted $\\lVert a\n> b \\rVert$ twice: $\\mathbb{R}$" in text
    assert r"$$\lVert x \rVert \tag{1.1.1}$$" in text
    assert '"$\\RR$"' in text
    assert "$$\n\\mathbb{R}\n$$" in text
