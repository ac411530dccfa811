"""What ``config.ini`` says, checked: :class:`Settings`, and :class:`Library` for each framework."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from octavo.config.globs import matches, matching, named
from octavo.config.hosted import Hosted
from octavo.config.keys import FILE_NAME
from octavo.config.paper import Paper
from octavo.config.slides import Slides
from octavo.declarations import Section
from octavo.macros import Macro
from octavo.model import Span
from octavo.website import HeaderLink, Website


@dataclass(frozen=True, slots=True)
class Library:
    """The ``[library-TAB]`` section of one framework."""

    tab: str
    file: str
    """POSIX path of the module, relative to the book's root, such as ``d2l/torch.py``."""
    name: str
    """What ``d2l.x`` becomes for a simple alias: ``torch`` in ``torch.x``."""
    simple_alias: tuple[tuple[str, str], ...] = ()
    fluent_alias: tuple[tuple[str, str], ...] = ()
    alias: tuple[tuple[str, str], ...] = ()
    reverse_alias: tuple[tuple[str, str], ...] = ()
    args_alias: tuple[tuple[str, str], ...] = ()
    written: tuple[tuple[str, str], ...] = ()
    """Each key of the section with its text: a module written as the old tool does repeats the aliases literally."""
    places: tuple[tuple[str, Span], ...] = ()
    """Where each alias stands, by its kind and left side: ``simple_alias ones``."""

    def place(self, kind: str, left: str) -> Span:
        """Where an alias stands in ``config.ini``."""
        return dict(self.places).get(f"{kind} {left}", Span(FILE_NAME, 1, 1))

    @property
    def package(self) -> str:
        """The package that the module stands in: ``d2l`` of ``d2l/torch.py``."""
        return self.file.split("/")[0] if "/" in self.file else ""

    @property
    def module(self) -> str:
        """Dotted name of the module: ``d2l.torch``."""
        return self.file.removesuffix(".py").replace("/", ".")


@dataclass(frozen=True)
class Settings:
    """Everything that ``config.ini`` says, checked."""

    root: Path
    """Absolute path of the folder that holds ``config.ini``."""
    tabs: tuple[str, ...]
    """Frameworks in the book's order; the first is the default. A book without frameworks has one, ``default``."""
    name: str = "book"
    title: str = ""
    author: str = "The contributors"
    copyright: str = ""
    release: str = "0.0.1"
    language: str = "en"
    index: str = "index"
    notebooks: tuple[str, ...] = ("**/*.md",)
    non_notebooks: tuple[str, ...] = ()
    exclusions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ("img/", "d2l.bib")
    source_dir: str = "."
    output_dir: str = "_build"
    untagged: Literal["default", "all"] = "default"
    eval_notebook: bool = True
    warning_is_error: bool = False
    timeout: float = 600.0
    """Seconds that a cell may run."""
    page_timeout: float = 0.0
    """Seconds that a page may run; 0 means as long as its cells may."""
    silence: float = 0.0
    """Seconds that a running cell may print and draw nothing; 0 means as long as it may run."""
    fork: Literal["auto", "never"] = "auto"
    """Whether kernels may be copies of a process that has imported their framework."""
    jobs: int = 0
    environments: str = "environments"
    outputs: str = "outputs"
    store: str = ""
    """Folder or URL of the shared store; empty where there is none."""
    store_mode: Literal["read-write", "read-only", "quarantine"] = "read-write"
    files: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    execute_sections: tuple[Section, ...] = ()
    """The sections ``[execute GLOB]`` in the order of the file: what they declare for some of the pages."""
    header_links: tuple[HeaderLink, ...] = ()
    favicon: str = ""
    logo: str = ""
    include_css: tuple[str, ...] = ()
    include_js: tuple[str, ...] = ()
    website: Website = field(default_factory=Website)
    macros: tuple[Macro, ...] = ()
    """What formulas may have besides TeX's own commands."""
    bibfile: str = "d2l.bib"
    paper: Paper = field(default_factory=Paper)
    slides: Slides = field(default_factory=Slides)
    hosted: Hosted = field(default_factory=Hosted)
    harvest: Literal["auto", "own", "compatible"] = "auto"
    version_file: str = ""
    distribution: str = ""
    """What installers call the library; empty where that is the name under which code imports it."""
    libraries: Mapping[str, Library] = field(default_factory=dict)
    """Framework → its library; frameworks that harvest nothing are missing."""

    @property
    def default_tab(self) -> str:
        """The framework shown first."""
        return self.tabs[0]

    @property
    def source(self) -> Path:
        """Absolute path of the source folder."""
        return self.root / self.source_dir if self.source_dir != "." else self.root

    def is_notebook(self, page: str) -> bool:
        """Whether the page is one whose cells are executed and harvested."""
        return named(self.notebooks, page) and not named(self.non_notebooks, page) and not self.is_excluded(page)

    def matches(self, glob: str, page: str) -> bool:
        """Whether a glob of ``config.ini`` names a page, with ``.md`` or without, or a folder above it."""
        return named((glob,), page) or matches(page, glob)

    def is_excluded(self, page: str) -> bool:
        """Whether the Markdown file is not part of the book."""
        return named(self.exclusions, page)

    def resource_paths(self) -> tuple[str, ...]:
        """``resources`` relative to the source folder, globs replaced by the files that they match."""
        plain = [name for name in self.resources if not glob.has_magic(name) or (self.source / name).exists()]
        folders = tuple(f"{name.removeprefix('./').rstrip('/')}/" for name in plain)
        matched = (path for name in self.resources if name not in plain for path in matching(self.source, name))
        files = {path.relative_to(self.source).as_posix() for path in matched if path.is_file()}
        return (*plain, *sorted(file for file in files if not file.startswith(folders)))


TAB_NAMES = {
    "pytorch": "PyTorch",
    "tensorflow": "TensorFlow",
    "jax": "JAX",
    "mxnet": "MXNet",
    "paddle": "PaddlePaddle",
    "mindspore": "MindSpore",
    "numpy": "NumPy",
}


def tab_title(tab: str) -> str:
    """How a framework's name is written for readers: ``pytorch`` → ``PyTorch``."""
    return TAB_NAMES.get(tab, tab)
