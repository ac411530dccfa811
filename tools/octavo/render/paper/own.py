"""What a book's own settings change of its look on paper: fonts, logo, style, and a program for the manuscript."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sphinx

from octavo import products
from octavo.config import Settings
from octavo.config.reader import place
from octavo.config.values import is_address
from octavo.diagnostics import Code, Diagnostic, Severity, error, warning
from octavo.render.paper import fonts
from octavo.render.paper.fonts import Fonts
from octavo.render.paper.pictures import Shelf, UnpreparedError

STYLE = Path(__file__).with_name("style")
"""Files that stand beside each manuscript: ``octavo.sty``, and a style for each thing of its own."""

_TEXINPUTS = Path(sphinx.__file__).with_name("texinputs")
_LONGEST = 120
"""After how many seconds a program is given up."""
_TOLD = 12
"""How many lines of what a program says are told."""


@dataclass(frozen=True, slots=True)
class Own:
    """What the settings change, as far as it can be done here."""

    fonts: Fonts
    logo: str = ""
    """The logo's file beside the manuscript."""
    style: str = ""
    """A style that is loaded last; its file stands beside the manuscript."""
    files: tuple[Path, ...] = ()
    """What all this was read from."""
    messages: tuple[Diagnostic, ...] = ()
    runs_program: bool = False
    """Whether there is a program that reworks the manuscript, and the style that it is written for."""


def own(settings: Settings, output: Path) -> Own:
    """What a book's settings change; the files that LaTeX needs for it are written into ``output``."""
    messages: list[Diagnostic] = []
    chosen = _fonts(settings, messages)
    logo = _logo(settings, output, messages)
    files = _files(settings, messages)
    for file in files:
        products.write(output / file.name, file.read_bytes())
    style = settings.paper.style if f"{settings.paper.style}.sty" in {file.name for file in files} else ""
    if settings.paper.style and not style:
        messages.append(_no_style(settings))
    read = (*files, *(settings.root / name for name in (settings.paper.logo, settings.paper.program) if name))
    programmed = bool(settings.paper.program) and (bool(style) or not settings.paper.style)
    return Own(chosen, logo, style, read, tuple(messages), programmed)


def _fonts(settings: Settings, messages: list[Diagnostic]) -> Fonts:
    taken = {}
    for role in fonts.ROLES:
        wanted = getattr(settings.paper, f"{role}_font", "")
        taken[role] = fonts.taken(role, wanted)
        if wanted and taken[role] != wanted:
            message = f"the font {wanted} is not installed; {taken[role]} stands in for it"
            span = place(settings, "pdf", f"{role}_font", wanted)
            messages.append(warning(Code.FONT, message, span, hint=_package_hint(wanted)))
        elif not wanted and taken[role] != fonts.DEFAULTS[role][0]:
            usual = fonts.DEFAULTS[role][0]
            message = f"the font {usual} is not installed; {taken[role]} stands in for it"
            messages.append(warning(Code.FONT, message, hint=_package_hint(usual)))
    return Fonts(**taken)


def _package_hint(family: str) -> str:
    package = fonts.PACKAGES.get(family)
    return f"apt-get install {package}" if package else "install it, or name one that fc-list shows"


def _logo(settings: Settings, output: Path, messages: list[Diagnostic]) -> str:
    """The picture of the title page beside the manuscript, in a form that LaTeX takes."""
    if not settings.paper.logo:
        return ""
    shelf = Shelf(output.parent / f".logo-{output.name}")
    try:
        key, prepared = shelf.prepare(settings.root / settings.paper.logo)
        problem = prepared.problem
    except (OSError, UnpreparedError) as fault:
        problem = str(fault)
    if problem:
        span = place(settings, "pdf", "latex_logo", settings.paper.logo)
        message = f"the logo {settings.paper.logo} cannot be shown: {problem}"
        messages.append(error(Code.BAD_PICTURE, message, span, hint="the title page comes out without it"))
        return ""
    name = f"octavo-logo{prepared.suffix}"
    products.write(output / name, (shelf.folder / f"{key}{prepared.suffix}").read_bytes())
    return name


def _files(settings: Settings, messages: list[Diagnostic]) -> tuple[Path, ...]:
    """The files of the book's own style; none takes the place of octavo's or Sphinx's."""
    folder = settings.paper.folder
    if not folder or is_address(folder):
        return ()
    ours = {path.name for base in (STYLE, _TEXINPUTS) for path in base.iterdir()} | {"sphinxmessages.sty"}
    found = [path for path in sorted((settings.root / folder).iterdir()) if path.is_file()]
    inside = [path for path in found if path.resolve().is_relative_to(settings.root)]
    for path in inside:
        if path.name in ours:
            message = f"{folder}/{path.name} is left out: octavo brings a file of that name"
            messages.append(warning(Code.CONFIG_VALUE, message, place(settings, "pdf", "latex_url", folder)))
    return tuple(path for path in inside if path.name not in ours and not path.name.startswith("."))


def _no_style(settings: Settings) -> Diagnostic:
    """There is no such style, and why."""
    folder, style = settings.paper.folder, settings.paper.style
    if is_address(folder):
        message = f"the style {style} is at an address, and nothing is fetched; the book is set in octavo's own"
        hint = "put the style's files into a folder of the book, and name it in [pdf] latex_url; or leave both out"
    else:
        message = f"there is no style {style}; the book is set in octavo's own"
        hint = f"put {style}.sty into the folder that [pdf] latex_url names, or leave [pdf] style out"
    if settings.paper.program:
        message += f", and {settings.paper.program} is not run, since it is written for that one"
    return Diagnostic(
        Code.CONFIG_INHERITED, Severity.WARNING, message, place(settings, "pdf", "style", style), hint=hint
    )


def rework(settings: Settings, main: Path, *, allowed: bool) -> Iterator[Diagnostic]:
    """Let the book's program change the manuscript; one that fails changes nothing."""
    name = settings.paper.program
    before = main.read_bytes()
    span = place(settings, "pdf", "post_latex", name)
    if not allowed:
        hint = "build without --no-execute"
        yield warning(Code.CONFIG_INHERITED, f"{name} is not run, as no program of the book's is", span, hint=hint)
        return
    try:
        done = subprocess.run(
            [sys.executable, str(settings.root / name), str(main)],
            cwd=settings.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        problem, said = f"takes longer than {_LONGEST} s", ""
    else:
        problem = f"ends with {done.returncode}" if done.returncode else ""
        said = done.stdout.decode(errors="replace")
    if not problem:
        try:
            main.read_text(encoding="utf-8")
            return
        except (OSError, UnicodeDecodeError):
            problem = "leaves no manuscript that can be read"
    main.write_bytes(before)
    detail = tuple(said.rstrip().splitlines()[-_TOLD:])
    hint = "the book is typeset without its changes"
    yield error(Code.CONFIG_VALUE, f"the program {name} {problem}", span, hint=hint, detail=detail)
