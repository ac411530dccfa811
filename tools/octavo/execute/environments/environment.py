"""A framework's lock → an isolated interpreter with its kernel, made on first need.

An environment stands in ``HOME/TAB-HASH``, named after the content of its lock, so that a changed pin gives a new one
and going back finds the old one. uv installs straight into that folder (the scripts of an environment hold its path,
so that moving it afterwards would break them); a file written last says that it is whole, and whatever lacks that file
is taken away and made again. A file lock keeps two builds from making the same environment at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.diagnostics import Code, Diagnostic, error
from octavo.execute.environments.pip_settings import uv_variables
from octavo.execute.kernels.variables import kernel_variables, prepare
from octavo.execute.processes import Stop, StoppedError, exclusive
from octavo.model import Failure, Span

MARKER = "octavo.json"
"""The file in an environment's folder that says that it is whole."""

_FORK_RULES = 2
"""Raised when what decides whether a process may be copied has changed, so that all environments are tried again."""
_IMPORT_SECONDS = 300
"""How long a framework may take to be imported for the first time."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A complete set of pins for one framework, read from ``environments/TAB.txt``."""

    tab: str
    python: str
    """The version of Python, such as ``3.11``."""
    packages: Mapping[str, str]
    """Normalised name to version (with its extras and markers, if it has any), sorted by name."""
    imports: tuple[str, ...] = ()
    """Modules that must be importable once everything is installed."""
    digest: str = ""
    """SHA-256 of what counts: the pins and the Python version, not the comments."""

    @property
    def versions(self) -> Mapping[str, str]:
        """Package to version, ``python`` included: what goes into the key of a run."""
        return {"python": self.python, **self.packages}

    @property
    def requirements(self) -> str:
        """The pins as a requirements file."""
        return "".join(f"{_requirement(name, version)}\n" for name, version in self.packages.items())


@dataclass(frozen=True, slots=True)
class Environment:
    """An interpreter that has exactly what a lock says."""

    tab: str
    folder: Path
    """Where it stands."""
    python: Path
    """The interpreter."""
    numpy_features: str = ""
    """Instruction sets beyond AVX2 that its NumPy would use on this machine, separated by spaces."""
    imports: tuple[str, ...] = ()
    """The framework's modules, which nearly every page imports."""
    fork: str = ""
    """Why a process that has imported these must not be copied; empty where it may, or nobody has tried."""


@dataclass(frozen=True, slots=True)
class EnvironmentFailure:
    """Why a framework has no environment on this machine. Data, not an exception."""

    tab: str
    reason: str
    """One sentence without a final stop."""
    detail: tuple[str, ...] = ()
    """The last lines that the installer or the framework printed, credentials removed."""
    hint: str = ""
    """What can be done about it."""
    network: bool = False
    """The network seems to be the cause, so that another try may succeed."""

    def diagnostic(self) -> Diagnostic:
        """The message to the author; one for each framework is enough."""
        return error(Code.ENVIRONMENT, self.reason, tab=self.tab, detail=self.detail, hint=self.hint)

    def failure(self) -> Failure:
        """The same as the failure of a page's run."""
        return Failure(
            "environment",
            "EnvironmentError",
            self.reason,
            traceback=(*self.detail, *filter(None, [self.hint])),
            infrastructure=self.network,
        )


Report = Callable[[str], None]
"""Takes a line of progress, such as ``making the environment of jax: installing 61 packages``."""


def _quiet(_: str) -> None:
    """Report nothing."""


# -- reading a lock

_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?P<extras>\[[\w\s,.-]*\])?\s*==\s*"
    r"(?P<version>v?[0-9][A-Za-z0-9.!+_-]*)\s*(?P<marker>;[^#]*)?"
)
_HEADER = re.compile(r"#\s*(?P<name>python|import)\s*:\s*(?P<value>.*)")


def read_lock(path: Path, shown: str = "") -> tuple[Lock | None, tuple[Diagnostic, ...]]:
    """Read a lock file; the framework's name is the file's, without extension.

    ``shown`` is the path for messages, relative to the book's root. Gives no lock where a message is an error: a file
    that is missing, a line that is no exact pin, a version of Python that is not named, a package that is pinned twice,
    no ``ipykernel``.
    """
    shown = shown or path.name
    tab = path.stem
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8 text"
        return None, (
            error(
                Code.ENVIRONMENT,
                f"cannot read the lock {shown}: {why}",
                tab=tab,
                hint=f"write the pinned packages of {tab} there, one a line, such as numpy==2.4.6",
            ),
        )
    packages: dict[str, str] = {}
    imports: list[str] = []
    python = ""
    messages: list[Diagnostic] = []

    def complain(number: int, message: str, hint: str) -> None:
        messages.append(error(Code.ENVIRONMENT, message, Span(shown, number, number), tab=tab, hint=hint))

    for number, line in enumerate(lines, 1):
        text = line.strip()
        if header := _HEADER.fullmatch(text):
            if header["name"] == "python":
                python = header["value"].strip()
            else:
                imports += header["value"].replace(",", " ").split()
            continue
        text = re.split(r"(?:^|\s)#", text)[0].strip()
        if not text:
            continue
        pin = _PIN.fullmatch(text)
        if pin is None:
            complain(number, f"{_shortened(text)!r} is no exact pin", "a line is name==version, nothing else")
            continue
        name = re.sub(r"[-_.]+", "-", pin["name"]).lower()
        if name in packages:
            complain(number, f"{name} is pinned twice", "keep one of the lines")
        packages[name] = _version(pin)
    if not re.fullmatch(r"3\.\d+(\.\d+)?", python):
        complain(1, "the lock does not say which Python it is for", "add the line: # python: 3.11")
    if "ipykernel" not in packages:
        complain(1, "the lock has no ipykernel, which runs the cells", "pin ipykernel and what it needs")
    for module in imports:
        if not all(part.isidentifier() for part in module.split(".")):
            complain(1, f"{module!r} is no module that can be imported", "name modules, separated by spaces")
    if messages:
        return None, tuple(messages)
    packages = dict(sorted(packages.items()))
    return Lock(tab, python, packages, tuple(imports), digest_of(python, packages)), ()


def digest_of(python: str, packages: Mapping[str, str]) -> str:
    """:attr:`Lock.digest` of a version of Python and pins that are sorted by name."""
    counted = f"python {python}\n" + "".join(f"{name} {version}\n" for name, version in packages.items())
    return hashlib.sha256(counted.encode()).hexdigest()


def _version(pin: re.Match[str]) -> str:
    """The version of a pin; extras and a marker, which change what is installed, stand beside it."""
    parts = [pin["version"]]
    if pin["extras"] and (extras := pin["extras"].strip("[]").replace(" ", "")):
        parts.append(f"[{','.join(sorted(extras.split(',')))}]")
    if pin["marker"] and (marker := pin["marker"].lstrip(";").strip()):
        parts.append(f"; {marker}")
    return " ".join(parts)


def _requirement(name: str, version: str) -> str:
    version, _, marker = version.partition(" ; ")
    version, _, extras = version.partition(" ")
    return f"{name}{extras}=={version}{' ; ' + marker if marker else ''}"


# -- making an environment


def folder_of(lock: Lock, home: Path) -> Path:
    """Where the environment of ``lock`` stands, whether it is made or not."""
    return home / f"{lock.tab}-{lock.digest[:12]}"


def existing(lock: Lock, home: Path) -> Environment | None:
    """The environment of ``lock`` if it is there and whole; makes nothing."""
    folder = folder_of(lock, home)
    marker = _marker(folder, lock)
    python = folder / "bin" / "python"
    # the interpreter is a link that dangles when the machine's Python was taken away
    if marker is None or not marker.get("checked") or not python.exists():
        return None
    return Environment(
        lock.tab,
        folder,
        python,
        str(marker.get("numpy_features", "")),
        lock.imports,
        str(marker.get("fork", "")) if marker.get("fork_rules") == _FORK_RULES else "",
    )


def note_fork(environment: Environment, why: str) -> None:
    """Keep with an environment why processes that have imported its framework must not be copied.

    Raises ``OSError`` when its marker cannot be read or written.
    """
    path = environment.folder / MARKER
    try:
        marker = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return
    _write_marker(environment.folder, {**marker, "fork": why, "fork_rules": _FORK_RULES})


def make(
    lock: Lock,
    home: Path,
    report: Report = _quiet,
    stop: Stop | None = None,
    variables: Mapping[str, str] = os.environ,
) -> Environment | EnvironmentFailure:
    """The environment of ``lock`` in the folder ``home``: the one that is there, or a new one.

    Making one takes seconds to minutes and uses the network; ``report`` is told. Safe when several threads and several
    builds ask at once. What goes wrong is returned; only :class:`StoppedError` is raised, when ``stop`` was set.
    """
    if found := existing(lock, home):
        with contextlib.suppress(OSError):
            os.utime(found.folder / MARKER)  # it is in use, for `octavo gc`
        return found
    stop = stop or Stop()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with exclusive(home / f".{folder_of(lock, home).name}.lock", lambda: report(_waiting(lock)), stop):
            return existing(lock, home) or _Maker(lock, home, report, stop, variables).make()
    except OSError as problem:
        return EnvironmentFailure(
            lock.tab,
            f"cannot write the environment of {lock.tab} in {home}: {problem.strerror or problem}",
            hint="set OCTAVO_CACHE to a folder that can be written and has room",
        )


def _waiting(lock: Lock) -> str:
    return f"another build is making the environment of {lock.tab}: waiting for it"


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes one environment; the lock on its folder is held."""

    lock: Lock
    home: Path
    report: Report
    stop: Stop
    variables: Mapping[str, str]

    @property
    def folder(self) -> Path:
        return folder_of(self.lock, self.home)

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def make(self) -> Environment | EnvironmentFailure:
        marker = _marker(self.folder, self.lock)
        if marker is None or not self.python.exists():
            if failed := self.install():
                shutil.rmtree(self.folder, ignore_errors=True)
                return failed
            self.mark({"checked": False})
        return self.check()

    def mark(self, more: Mapping[str, Any]) -> None:
        _write_marker(self.folder, {"digest": self.lock.digest, **more})

    def install(self) -> EnvironmentFailure | None:
        """Make the interpreter and install the packages; gives why it failed."""
        lock = self.lock
        uv = _find_uv(self.variables)
        if uv is None:
            return EnvironmentFailure(
                lock.tab, "uv, which makes environments, is not installed", hint="python -m pip install uv"
            )
        self.report(f"making the environment of {lock.tab}: installing {len(lock.packages)} packages")
        shutil.rmtree(self.folder, ignore_errors=True)
        variables = uv_variables(self.variables) | {"UV_NO_PROGRESS": "1", "NO_COLOR": "1"}
        for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "UV_PYTHON", "UV_PROJECT_ENVIRONMENT"):
            variables.pop(name, None)
        downloads = _nearest(_uv_cache(variables))
        if not (downloads.is_dir() and os.access(downloads, os.W_OK)):
            variables["UV_CACHE_DIR"] = str(self.home / ".uv")  # a home that cannot be written, such as a service's
            downloads = self.home
        # the cache of another disk cannot be linked, only copied, about which uv warns each time
        same_disk = downloads.stat().st_dev == self.home.stat().st_dev
        variables.setdefault("UV_LINK_MODE", "hardlink" if same_disk else "copy")
        code, printed = self.stop.run(
            [uv, "venv", "--no-project", "--python", lock.python, str(self.folder)],
            folder=self.home,
            variables=variables,
        )
        if code:
            return EnvironmentFailure(
                lock.tab,
                f"Python {lock.python}, which the lock of {lock.tab} names, is not to be had here",
                _last_lines(printed),
                f"install Python {lock.python}, or give uv a network to fetch it from",
                _is_network(printed),
            )
        pins = self.folder / "requirements.txt"
        pins.write_text(lock.requirements, encoding="utf-8")
        # bytecode now, once: uv leaves it to the first import, which may not be allowed to write it
        code, printed = self.stop.run(
            [uv, "pip", "install", "--python", str(self.python), "--compile-bytecode", "--requirements", str(pins)],
            folder=self.home,
            variables=variables,
        )
        if code:
            return EnvironmentFailure(
                lock.tab,
                f"the packages of {lock.tab} cannot be installed",
                _last_lines(printed),
                "see the installer's words; a package may not exist for this machine, or the network may be missing",
                _is_network(printed),
            )
        return None

    def check(self) -> Environment | EnvironmentFailure:
        """Import the framework once, as a kernel would; this also fills matplotlib's cache of fonts."""
        lock = self.lock
        self.report(f"making the environment of {lock.tab}: importing {' '.join(lock.imports) or 'ipykernel'}")
        private = Path(tempfile.mkdtemp(prefix="octavo-"))
        try:
            prepare(private)
            variables = kernel_variables(self.variables, environment=self.folder, private=private)
            code, printed = self.stop.run(
                [str(self.python), "-c", _CHECK, *lock.imports],
                folder=private,
                variables=variables,
                seconds=_IMPORT_SECONDS,
            )
        finally:
            shutil.rmtree(private, ignore_errors=True)
        if code:
            return EnvironmentFailure(
                lock.tab, f"{lock.tab} is installed but cannot be imported", _last_lines(printed), _import_hint(printed)
            )
        features = re.search(r"^octavo numpy:(.*)$", printed, re.MULTILINE)
        self.mark({"checked": True, "numpy_features": features[1].strip() if features else ""})
        made = existing(lock, self.home)
        return made or EnvironmentFailure(lock.tab, f"the environment of {lock.tab} vanished while it was made")


_CHECK = """
import importlib, sys
for name in ["ipykernel", *sys.argv[1:]]:
    importlib.import_module(name)
try:
    import matplotlib.font_manager
except ModuleNotFoundError:
    pass
try:
    import numpy
except ModuleNotFoundError:
    pass
else:
    core = getattr(numpy, "_core", None) or numpy.core
    unit = core._multiarray_umath
    wide = [f for f in unit.__cpu_dispatch__ if f.startswith("AVX512") or f == "X86_V4"]
    print("octavo numpy:", *[f for f in wide if unit.__cpu_features__.get(f)])
"""


def _write_marker(folder: Path, what: Mapping[str, Any]) -> None:
    fresh = folder / f"{MARKER}.{os.getpid()}.new"
    fresh.write_text(json.dumps(what, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    fresh.replace(folder / MARKER)


def _marker(folder: Path, lock: Lock) -> dict[str, Any] | None:
    """What the marker file says, if there is one and it speaks of this very lock."""
    try:
        value = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) and value.get("digest") == lock.digest else None


_finding = threading.Lock()


def _find_uv(variables: Mapping[str, str]) -> str | None:
    # one thread at a time: it asks sysconfig, whose first call fills a table that a second thread would see half full
    with _finding, contextlib.suppress(ImportError, FileNotFoundError):
        import uv

        return os.fspath(uv.find_uv_bin())
    return shutil.which("uv", path=variables.get("PATH"))


def _uv_cache(variables: Mapping[str, str]) -> Path:
    """Where uv keeps what it has downloaded."""
    user = Path(variables.get("XDG_CACHE_HOME") or Path(variables.get("HOME") or Path.home()) / ".cache")
    return Path(variables.get("UV_CACHE_DIR") or user / "uv")


def _nearest(folder: Path) -> Path:
    """The folder, or the one above it that is there: on its disk the folder will be made."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


# -- what the installer said

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_LIBRARIES = {
    "libgomp.so.1": "libgomp1",
    "libquadmath.so.0": "libquadmath0",
    "libgfortran.so.5": "libgfortran5",
    "libstdc++.so.6": "libstdc++6",
    "libGL.so.1": "libgl1",
}
"""System libraries that frameworks need, and the Debian packages that have them."""


def _last_lines(printed: str, number: int = 12) -> tuple[str, ...]:
    """The end of what a program printed, without control codes and credentials."""
    text = _CREDENTIALS.sub("***@", _ANSI.sub("", printed))
    lines = [_shortened(line.rstrip()) for line in text.splitlines() if line.strip()]
    return tuple(lines[-number:])


_NETWORK = re.compile(
    r"error sending request|failed to (fetch|download)|timed? ?out|dns error|name resolution|broken pipe"
    r"|connection (refused|reset|closed)|network is unreachable|\b50[234]\b",
    re.IGNORECASE,
)
"""What installers say of a network that does not carry them, or of a server that is busy."""


def _is_network(printed: str) -> bool:
    """Whether the network seems to be why an installer failed; that a server lacks something is no such thing."""
    return bool(_NETWORK.search(printed)) and not re.search(r"\b40[134]\b", printed)


def _shortened(line: str, width: int = 300) -> str:
    line = _CREDENTIALS.sub("***@", line)
    return line if len(line) <= width else line[: width - 1] + "…"


def _import_hint(printed: str) -> str:
    missing = re.search(r"(lib[\w+.-]+\.so[\d.]*): cannot open shared object file", printed)
    if missing is None:
        return "see the lines above; removing the environment makes octavo install it again"
    package = _LIBRARIES.get(missing[1])
    if package is None:
        return f"install the system library that holds {missing[1]}"
    return f"the system lacks {missing[1]}; on Debian and Ubuntu: apt-get install {package}"


__all__ = [
    "MARKER",
    "Environment",
    "EnvironmentFailure",
    "Lock",
    "Report",
    "Stop",
    "StoppedError",
    "existing",
    "folder_of",
    "make",
    "read_lock",
]
