"""The book's library as others install it: a wheel and a source distribution, the same bytes for the same library.

Both are written here and not by a build backend: they hold Python files and no more, no code of the book is run for
them, and whoever builds the book needs neither a network nor a compiler.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from octavo.publish.archive import archive

_BACKEND = "hatchling>=1.25"
"""Who builds a wheel of the source distribution."""
_BUILD = re.compile(r"-(cpu|gpu|cu\d+|rocm|macos|headless)$")
"""How builds of one distribution for some machines are called; readers want the one for theirs."""
_SIMPLE_VERSION = re.compile(r"\d+(\.\d+)+")

DISTRIBUTIONS = {
    "Bio": "biopython",
    "Crypto": "pycryptodome",
    "IPython": "ipython",
    "OpenGL": "PyOpenGL",
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "gi": "PyGObject",
    "git": "GitPython",
    "googleapiclient": "google-api-python-client",
    "igraph": "python-igraph",
    "jwt": "PyJWT",
    "magic": "python-magic",
    "mpl_toolkits": "matplotlib",
    "pkg_resources": "setuptools",
    "pylab": "matplotlib",
    "pytorch_lightning": "pytorch-lightning",
    "ruamel": "ruamel.yaml",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "skopt": "scikit-optimize",
    "tensorflow_datasets": "tensorflow-datasets",
    "umap": "umap-learn",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
"""Modules that stand in distributions of another name."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """The library, and what others are told of it."""

    name: str
    """What installers call it; what code imports is in ``files``."""
    version: str
    """A version as Python packages have it; see :func:`version_of`."""
    files: Mapping[str, bytes]
    """Path as it is imported, such as ``d2l/torch.py`` → content."""
    summary: str = ""
    """One line."""
    description: str = ""
    """Its README, as Markdown."""
    author: str = ""
    url: str = ""
    """Address of the book."""
    python: str = ""
    """The versions of Python that it is for, such as ``>=3.11``."""
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Framework → what has to be installed for it."""
    licences: Mapping[str, bytes] = field(default_factory=dict)
    """Name of each file of a licence → content."""
    private: bool = False
    """Whether public indexes are to refuse it, because its name may be somebody else's there."""

    @property
    def stem(self) -> str:
        """How its files begin: ``d2l-0.1.0``."""
        return f"{canonicalize_name(self.name).replace('-', '_')}-{self.version}"

    @property
    def tops(self) -> list[str]:
        """The packages and modules that it has."""
        return sorted({path.split("/")[0] for path in self.files})


def wheel(distribution: Distribution) -> tuple[str, bytes]:
    """File name and content of the wheel."""
    info = f"{distribution.stem}.dist-info"
    files = {
        **distribution.files,
        f"{info}/METADATA": metadata(distribution).encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: octavo\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **{f"{info}/licenses/{name}": text for name, text in distribution.licences.items()},
    }
    rows = [f"{_field(path)},sha256={_digest(content)},{len(content)}\n" for path, content in sorted(files.items())]
    files[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"]).encode()
    return f"{distribution.stem}-py3-none-any.whl", archive(_given(files))


def sdist(distribution: Distribution) -> tuple[str, bytes]:
    """File name and content of the source distribution."""
    files = {
        **distribution.files,
        **distribution.licences,
        "PKG-INFO": metadata(distribution).encode(),
        "README.md": distribution.description.encode(),
        "pyproject.toml": _project(distribution).encode(),
    }
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as stream,
        tarfile.open(mode="w", fileobj=stream, format=tarfile.PAX_FORMAT) as tar,
    ):
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"{distribution.stem}/{path}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return f"{distribution.stem}.tar.gz", packed.getvalue()


def metadata(distribution: Distribution) -> str:
    """The core metadata: headers, an empty line, the README."""
    return "".join(f"{name}: {_line(value)}\n" for name, value in _headers(distribution)) + (
        f"\n{distribution.description}" if distribution.description else ""
    )


def _headers(distribution: Distribution) -> Iterator[tuple[str, str]]:
    yield "Metadata-Version", "2.4"
    yield "Name", distribution.name
    yield "Version", distribution.version
    for name, value in (
        ("Summary", distribution.summary),
        ("Author", distribution.author),
        ("Project-URL", f"Book, {distribution.url}" if distribution.url else ""),
        ("Requires-Python", distribution.python),
    ):
        if value:
            yield name, value
    for classifier in _classifiers(distribution):
        yield "Classifier", classifier
    for name in sorted(distribution.licences):
        yield "License-File", name
    for extra, requirements in distribution.extras.items():
        yield "Provides-Extra", extra_name(extra)
        for requirement in requirements:
            yield "Requires-Dist", _only_for(extra_name(extra), requirement)
    if distribution.description:
        yield "Description-Content-Type", "text/markdown; charset=UTF-8; variant=GFM"


def _classifiers(distribution: Distribution) -> list[str]:
    private = ["Private :: Do Not Upload"] if distribution.private else []
    return [*private, "Programming Language :: Python :: 3", "Typing :: Typed"]


def extra_name(tab: str) -> str:
    """A framework as the name of an extra."""
    return canonicalize_name(re.sub(r"[^A-Za-z0-9._-]+", "-", tab).strip("-._")) or "default"


def _only_for(extra: str, requirement: str) -> str:
    wanted, _, marker = (part.strip() for part in requirement.partition(";"))
    own = f'extra == "{extra}"'
    return f"{wanted} ; ({marker}) and {own}" if marker else f"{wanted} ; {own}"


def _project(distribution: Distribution) -> str:
    """``pyproject.toml``: the same metadata for a build backend."""
    project: dict[str, object] = {
        "name": distribution.name,
        "version": distribution.version,
        "description": _line(distribution.summary),
        "readme": "README.md",
        "requires-python": distribution.python or ">=3.9",
        "authors": [{"name": _line(distribution.author)}] if distribution.author else [],
        "classifiers": _classifiers(distribution),
        "license-files": sorted(distribution.licences),
    }
    parts = ["[build-system]", f"requires = [{_toml(_BACKEND)}]", 'build-backend = "hatchling.build"', "", "[project]"]
    parts += [f"{name} = {_toml(value)}" for name, value in project.items()]
    if distribution.url:
        parts += ["", "[project.urls]", f"Book = {_toml(distribution.url)}"]
    if distribution.extras:
        parts += ["", "[project.optional-dependencies]"]
        parts += [f"{_toml(extra_name(tab))} = {_toml(list(needs))}" for tab, needs in distribution.extras.items()]
    parts += ["", "[tool.hatch.build]", "ignore-vcs = true", "", "[tool.hatch.build.targets.wheel]"]
    parts += [f"only-include = {_toml(distribution.tops)}", ""]
    return "\n".join(parts)


def _toml(value: object) -> str:
    """Text, and lists of texts and small tables, as TOML has them; a text is written as JSON writes it."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(part)}" for name, part in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _line(text: str) -> str:
    """Text as the value of a header: nothing in it begins another header."""
    return " ".join(text.split())


def _field(path: str) -> str:
    """A path as a field of a table of comma-separated values."""
    return '"' + path.replace('"', '""') + '"' if re.search(r'[",\n]', path) else path


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def _given(files: Mapping[str, bytes]) -> dict[str, Callable[[], bytes]]:
    def giving(content: bytes) -> Callable[[], bytes]:
        return lambda: content

    return {path: giving(content) for path, content in files.items()}


# -- versions and requirements


def version_of(release: str) -> tuple[str, bool]:
    """The version of a release, and whether it is one; of others, one that is below all versions and names it."""
    try:
        return str(Version(release)), True
    except InvalidVersion:
        local = ".".join(re.findall(r"[a-z0-9]+", release.lower()))
        return (f"0+{local}" if local else "0"), False


def requirements(modules: Iterable[str], pins: str) -> tuple[str, ...]:
    """What has to be installed for code that imports these modules, in the versions of a lock.

    ``pins`` is the lock, a line for each package. What it does not name is wanted in any version; of the rest the
    patches of the pinned version are good too, where it says what a patch is.
    """
    known = _pinned(pins)
    wanted: dict[str, str] = {}
    for module in modules:
        name = canonicalize_name(DISTRIBUTIONS.get(module, module))
        pin = known.get(name) or next((pin for other, pin in known.items() if _BUILD.sub("", other) == name), None)
        wanted[name] = _compatible(name, pin) if pin is not None else name
    return tuple(text for _, text in sorted(wanted.items()))


def _pinned(pins: str) -> dict[str, Requirement]:
    known: dict[str, Requirement] = {}
    for line in pins.splitlines():
        try:
            pin = Requirement(line.partition(" #")[0].strip())
        except InvalidRequirement:
            continue  # comments and empty lines
        known[canonicalize_name(pin.name)] = pin
    return known


def _compatible(name: str, pin: Requirement) -> str:
    """A pin and its patches: ``torch~=2.13.0`` for ``torch==2.13.0``."""
    version = next((part.version.partition("+")[0] for part in pin.specifier), "")
    extras = f"[{','.join(sorted(pin.extras))}]" if pin.extras else ""
    marker = f" ; {pin.marker}" if pin.marker else ""
    patches = _SIMPLE_VERSION.fullmatch(version) is not None and version.count(".") > 1
    return f"{name}{extras}{'~=' if patches else '=='}{version}{marker}"
