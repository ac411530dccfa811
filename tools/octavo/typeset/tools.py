"""What typesetting needs of the machine: what there is, what is missing, and the one command that installs it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from octavo.diagnostics import Code, Diagnostic, error

PROGRAMS: Mapping[str, str] = {
    "latexmk": "latexmk",
    "xelatex": "texlive-xetex",
    "xdvipdfmx": "texlive-binaries",
    "makeindex": "texlive-binaries",
    "kpsewhich": "texlive-binaries",
}
"""Program that typesetting runs → the Debian package that has it."""

FILES: Mapping[str, str] = {
    "texlive-base": "amssymb iftex",
    "texlive-latex-base": (
        "alltt amsmath amstext array atbegshi bookmark color colortbl fancyhdr fix-cm geometry graphicx hypcap "
        "hyperref kvoptions longtable ltxcmds makeidx multicol textcomp url"
    ),
    "texlive-latex-recommended": (
        "booktabs caption etoolbox fancyvrb float fontspec mathtools parskip unicode-math xcolor"
    ),
    "texlive-latex-extra": "cancel capt-of framed needspace tabulary titlesec upquote varwidth wrapfig",
    "texlive-pictures": "ellipse pict2e",
}
"""Debian package → the styles that manuscripts load from it, with spaces between them."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that is not installed."""

    name: str
    """A program, or a file of LaTeX."""
    package: str
    """The Debian package that has it."""


def missing_programs() -> list[Missing]:
    """The programs that typesetting runs and that are not on the path."""
    return [Missing(name, package) for name, package in PROGRAMS.items() if shutil.which(name) is None]


def files() -> dict[str, str]:
    """The files of LaTeX that manuscripts load → the Debian package that has them."""
    styles = {f"{name}.sty": package for package, names in FILES.items() for name in names.split()}
    # the font is of pifont, which Sphinx loads
    return {"book.cls": "texlive-latex-base", "pzdr.tfm": "texlive-fonts-recommended", **styles}


def missing_files() -> list[Missing]:
    """The files of LaTeX that manuscripts load and that it does not find."""
    known = _found([*files()])
    return [Missing(name, package) for name, package in files().items() if name not in known]


def _found(names: Sequence[str]) -> set[str]:
    """Those of these files that LaTeX finds."""
    if shutil.which("kpsewhich") is None:
        return set()
    asked = subprocess.run(
        ["kpsewhich", "-progname=xelatex", *names],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return {line.replace("\\", "/").rpartition("/")[2] for line in asked.stdout.splitlines()}


def command(packages: Iterable[str]) -> str:
    """The one command that installs these Debian packages; on other systems the names to look for."""
    names = " ".join(sorted(set(packages)))
    if not names:
        return ""
    if shutil.which("apt-get") is not None:
        return f"apt-get install {names}"
    return f"install TeX Live and what Debian has as {names}"


def lacking() -> Diagnostic | None:
    """What has to be installed before anything can be typeset, as one message; ``None`` if it is all there."""
    programs = missing_programs()
    if not programs:
        return None
    names = ", ".join(missing.name for missing in programs)
    packages = [missing.package for missing in (*programs, *missing_files())]
    hint = f"{command(packages)}; octavo doctor says what else is needed"
    verb = "which is" if len(programs) == 1 else "which are"
    return error(Code.MISSING_TOOL, f"a PDF is made by {names}, {verb} not installed", hint=hint)


def install_file(name: str) -> str:
    """What to do about a file that LaTeX lacks."""
    known = files().get(name)
    if known:
        return command([known])
    return "octavo doctor says what is missing for the book's own look; a style of the book's belongs beside config.ini"


def install_font(name: str) -> str:
    """What to do about a font that is not installed."""
    return f"install {name}, or name another font in [pdf]; octavo doctor says what the usual ones need"
