"""pip's settings, said in uv's words.

Whoever has told pip where packages come from (a company's index, a folder of wheels built for a CPU) has told uv
nothing: uv does not read pip's configuration. Where the user has not set up uv itself, octavo translates.
"""

from __future__ import annotations

import configparser
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

_INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_NO_INDEX")
_INDEX_KEYS = ("index", "index-url", "extra-index-url", "no-index")


def pip_settings(variables: Mapping[str, str]) -> dict[str, str]:
    """What pip would use for ``pip install``, by the long names of its options; variables win over files."""
    settings: dict[str, str] = {}
    for path in _pip_files(variables):
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, configparser.Error):
            continue  # pip itself will say so, loudly, when the user next calls it
        for section in ("global", "install"):
            if parser.has_section(section):
                settings |= {name.replace("_", "-"): value for name, value in parser.items(section)}
    for name, value in variables.items():
        if name.startswith("PIP_") and value:
            settings[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return settings


def uv_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv: ``variables`` and, where they and uv's own files are silent, pip's settings.

    With further indexes, uv by default takes a package only from the first that knows its name; pip looks at all of
    them, and so must a translation (a company's mirror may hold one build of ``torch`` and lack the pinned one). The
    locks pin every version, so that only builds of the very same version compete.
    """
    settings = pip_settings(variables)
    result = dict(variables)
    own = _uv_file_keys(variables)

    def offer(name: str, value: str) -> None:
        if value and not result.get(name):
            result[name] = value

    if not any(variables.get(name) for name in _INDEX_VARIABLES) and not own.intersection(_INDEX_KEYS):
        offer("UV_DEFAULT_INDEX", settings.get("index-url", ""))
        further = " ".join(settings.get("extra-index-url", "").split())
        if further:
            offer("UV_EXTRA_INDEX_URL", further)
            offer("UV_INDEX_STRATEGY", "unsafe-best-match")
        if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
            offer("UV_NO_INDEX", "1")
    if "find-links" not in own:
        offer("UV_FIND_LINKS", ",".join(settings.get("find-links", "").split()))
    offer("SSL_CERT_FILE", settings.get("cert", ""))
    offer("UV_INSECURE_HOST", " ".join(settings.get("trusted-host", "").split()))
    offer("UV_HTTP_TIMEOUT", settings.get("timeout", settings.get("default-timeout", "")))
    if proxy := settings.get("proxy", ""):
        offer("HTTPS_PROXY", proxy)
        offer("HTTP_PROXY", proxy)
    return result


def _pip_files(variables: Mapping[str, str]) -> Iterator[Path]:
    """Pip's configuration files, the weakest first."""
    chosen = variables.get("PIP_CONFIG_FILE", "")
    if chosen == os.devnull:
        return
    home = Path(variables.get("HOME") or Path.home())
    for folder in (variables.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"):
        yield Path(folder, "pip", "pip.conf")
    yield Path("/etc/pip.conf")
    yield home / ".pip" / "pip.conf"
    yield home / "Library" / "Application Support" / "pip" / "pip.conf"
    yield Path(variables.get("XDG_CONFIG_HOME") or home / ".config", "pip", "pip.conf")
    yield Path(sys.prefix, "pip.conf")
    if chosen:
        yield Path(chosen)


def _uv_file_keys(variables: Mapping[str, str]) -> set[str]:
    """The settings that uv's own configuration files make, without their values."""
    if variables.get("UV_NO_CONFIG"):
        return set()
    home = Path(variables.get("HOME") or Path.home())
    files = [Path(variables.get("XDG_CONFIG_HOME") or home / ".config", "uv", "uv.toml"), Path("/etc/uv/uv.toml")]
    if chosen := variables.get("UV_CONFIG_FILE"):
        files = [Path(chosen)]
    keys: set[str] = set()
    for path in files:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue
        pip = table.get("pip")
        keys |= table.keys() | (pip.keys() if isinstance(pip, dict) else set())
    return keys
