"""The keys of hosted editions: sections ``[hosted]``, ``[colab]``, ``[sagemaker]``, ``[kaggle]`` and ``[binder]``."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from octavo.config.values import Values, is_address

LIBRARY_PLACES = ("auto", "site", "repository", "notebook")
"""Where hosted notebooks take the library from, besides a requirement that the author writes."""
VERSIONS = ("compatible", "exact")
RELEASE = "==RELEASE"
"""What stands for the book's release in a requirement, as old books write it."""
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9_.-]+")
"""A repository of GitHub."""

_WORD = re.compile(r"[^\s{}$`\\'\"]+")
"""A word of a requirement: nothing that IPython or a shell puts something else in the place of."""
_PLACE = re.compile(r"\{(?:wheel|release|tab)\}")
_KERNEL = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line of ``libs``: what is installed where a notebook imports a module."""

    tab: str
    """The framework that it is for; empty for all."""
    module: str
    requirement: tuple[str, ...]
    """What stands behind ``pip install``, in words."""


@dataclass(frozen=True, slots=True)
class Service:
    """What the settings say of one host of notebooks."""

    repositories: tuple[tuple[str, str], ...] = ()
    """Framework (empty for all) and the repository that its notebooks are pushed to."""
    libs: tuple[Wanted, ...] = ()
    header: str | None = None
    """The text above what is installed; ``None`` for octavo's own, empty for none."""
    kernels: tuple[tuple[str, str], ...] = ()
    """Framework (empty for all) and the name of its kernel."""
    gpu_pattern: str = ""
    """A notebook with this in its code gets a graphics card; empty where only what pages declare counts."""
    pictures: tuple[str, str] | None = None
    """Begin of the path of drawings in the book, and what stands for it in their address."""

    def repository(self, tab: str) -> str:
        """Where a framework's notebooks are pushed to; empty where nobody says so."""
        return _of(self.repositories, tab)

    def kernel(self, tab: str) -> str:
        """The kernel of a framework's notebooks; empty where nobody says so."""
        return _of(self.kernels, tab)

    def wanted(self, tab: str) -> dict[str, tuple[str, ...]]:
        """Module → what a framework's notebooks that import it install."""
        return {line.module: line.requirement for line in self.libs if line.tab in ("", tab)}


@dataclass(frozen=True, slots=True)
class Hosted:
    """What the settings say of hosted editions."""

    colab: Service = Service()
    sagemaker: Service = Service()
    kaggle: Service = Service()
    binder: Service = Service()
    library: str = "auto"
    """One of :data:`LIBRARY_PLACES`, or a requirement, perhaps with ``{wheel}``, ``{release}`` and ``{tab}`` in it."""
    versions: tuple[tuple[str, str], ...] = ()
    """Framework (empty for all) and one of :data:`VERSIONS`."""

    def service(self, name: str) -> Service:
        """What the settings say of one of :data:`~octavo.website.SERVICES`."""
        return {"colab": self.colab, "sagemaker": self.sagemaker, "kaggle": self.kaggle, "binder": self.binder}[name]

    def exact(self, tab: str) -> bool:
        """Whether a framework's notebooks install the very versions of its lock."""
        return _of(self.versions, tab) == "exact"


def _of(pairs: tuple[tuple[str, str], ...], tab: str) -> str:
    """The value of a framework, or else the one of all; the last line counts."""
    return dict(pairs).get(tab) or dict(pairs).get("", "")


def hosted(values: Values, tabs: tuple[str, ...]) -> Hosted:
    """Everything that the file says of hosted editions."""
    return Hosted(
        colab=Service(
            repositories=repositories(values, "colab"),
            libs=tuple(_libs(values, "colab", tabs)),
            header=_header(values, "colab"),
            gpu_pattern=values.text("colab", "gpu_pattern"),
            pictures=_pictures(values),
        ),
        sagemaker=Service(
            repositories=repositories(values, "sagemaker"),
            libs=tuple(_libs(values, "sagemaker", tabs)),
            header=_header(values, "sagemaker"),
            kernels=_kernels(values),
        ),
        kaggle=Service(repositories=repositories(values, "kaggle"), gpu_pattern=values.text("colab", "gpu_pattern")),
        binder=Service(repositories=repositories(values, "binder")),
        library=_library(values),
        versions=_versions(values, tabs),
    )


def _lines(values: Values, section: str, name: str) -> Iterator[str]:
    """The lines of a value, but those that a script was to write."""
    for line in filter(None, map(str.strip, values.value(section, name).split("\n"))):
        if not values.is_placeholder(section, name, line, f"that line of {name} is left out"):
            yield line


def repositories(values: Values, section: str) -> tuple[tuple[str, str], ...]:
    """The repositories of notebooks: one, or one for each framework."""
    found = []
    for line in _lines(values, section, "github_repo"):
        *tab, repository = (part.strip() for part in line.split(","))
        if len(tab) > 1 or not REPOSITORY.fullmatch(repository):
            message = f"{line!r} is no framework and repository; it is left out"
            values.complain(section, "github_repo", message, "such as pytorch, NAME/NOTEBOOKS", line)
        else:
            found.append((tab[0].lower() if tab else "", repository))
    return tuple(found)


def _libs(values: Values, section: str, tabs: tuple[str, ...]) -> Iterator[Wanted]:
    """``framework, module, requirement`` lines; books without frameworks leave the first out."""
    for line in _lines(values, section, "libs"):
        parts = [part.strip() for part in line.split(",")]
        tab = parts.pop(0).lower() if parts[0].lower() in tabs and len(parts) > 2 else ""
        module, requirement = parts[0], words_of(",".join(parts[1:]))
        if module.isidentifier() and requirement:
            yield Wanted(tab, module, requirement)
        else:
            message = f"{line!r} is no framework, module and requirement; it is left out"
            values.complain(section, "libs", message, f"such as {tabs[0]}, numpy, numpy==2.4.6", line)


def words_of(text: str) -> tuple[str, ...]:
    """What stands behind ``pip install``, in words, a remark at its end left out; empty where one means more."""
    try:
        words = tuple(shlex.split(text, comments=False))
    except ValueError:
        return ()
    remark = next((at for at, word in enumerate(words) if word.startswith("#")), len(words))
    return words[:remark] if all(map(_WORD.fullmatch, words[:remark])) else ()


def _header(values: Values, section: str) -> str | None:
    if values.ini.value(section, "libs_header") is None:
        return None
    return " ".join(values.text(section, "libs_header").split())


def _kernels(values: Values) -> tuple[tuple[str, str], ...]:
    found = []
    for line in _lines(values, "sagemaker", "kernel"):
        *tab, kernel = (part.strip() for part in line.split(","))
        if len(tab) > 1 or not _KERNEL.fullmatch(kernel):
            message = f"{line!r} is no framework and kernel; it is left out"
            values.complain("sagemaker", "kernel", message, "such as pytorch, conda_pytorch_p310", line)
        else:
            found.append((tab[0].lower() if tab else "", kernel))
    return tuple(found)


def _pictures(values: Values) -> tuple[str, str] | None:
    text = values.text("colab", "replace_svg_url")
    if not text:
        return None
    begin, _, address = (part.strip() for part in text.partition(","))
    if not begin or not is_address(address):
        message = f"{text!r} is no begin of a path and address"
        values.complain("colab", "replace_svg_url", message, "such as img, https://book.example.org/_images", text)
        return None
    return begin.removeprefix("./"), address


def _library(values: Values) -> str:
    value = " ".join(values.text("hosted", "library").split())
    if value in LIBRARY_PLACES:
        return value
    plain = _PLACE.sub("x", value)
    if len(words_of(plain)) != 1 or not re.search(r"://|==|/", plain):
        hint = (
            f"one of {', '.join(LIBRARY_PLACES)}, or such as git+https://host/NAME/BOOK or https://host/lib/{{wheel}}"
        )
        values.complain("hosted", "library", f"{value!r} is no place to install the library from", hint)
        return "auto"
    if value.startswith("http") and not is_address(plain):
        values.complain("hosted", "library", f"{value!r} is no address of the web", "such as https://host/lib/{wheel}")
        return "auto"
    return value


def _versions(values: Values, tabs: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    found = []
    for line in _lines(values, "hosted", "versions"):
        *tab, choice = (part.strip().lower() for part in line.split(","))
        if choice not in VERSIONS or len(tab) > 1 or not set(tab) <= set(tabs):
            message = f"{line!r} is neither {' nor '.join(VERSIONS)}, for all or for a framework"
            values.complain("hosted", "versions", message, f"such as exact, or {tabs[0]}, exact", line)
        else:
            found.append((tab[0] if tab else "", choice))
    return tuple(found)
