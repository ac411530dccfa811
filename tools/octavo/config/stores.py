"""Where a shared store may stand, and what a build may do with it."""

from __future__ import annotations

import re

STORE_MODES = ("read-write", "read-only", "quarantine")
"""What a build may do with the shared store."""


def store_problem(address: str) -> str:
    """Why a shared store cannot stand at this address, as the end of a sentence that repeats none of it; or empty."""
    protocol, found, rest = address.partition("://")
    if not address.isprintable():
        return "has characters that no address has"
    if not found:
        if not address.startswith(("/", "~/")):
            return "is neither the absolute path of a folder nor a URL"
        return "has .. in it" if ".." in address.split("/") else ""
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*", protocol) or "::" in address or "://" in rest:
        return "is no URL of one place"
    user = rest.rpartition("@")[0]  # as far as the last @, since a password may hold slashes
    if ":" in user or (user and "/" not in user and protocol not in ("sftp", "ssh")):
        return "has credentials in it; they belong into the environment or where the service's own tools keep them"
    if "?" in rest or "#" in rest:
        return "has a query or a fragment, in which credentials could stand"
    if not re.fullmatch(r"[A-Za-z0-9._~/@:+=,%-]*", rest):
        return "has characters that addresses of stores do not have, such as those of globs"
    if any(part in (".", "..") or part.lower() in ("%2e%2e", "%2e.", ".%2e") for part in rest.split("/")):
        return "has .. in it"
    if not rest.strip("/") or (protocol in ("s3", "s3a", "gs", "gcs") and rest.startswith("/")):
        return "does not say where"
    if protocol == "file" and not re.match(r"(?:localhost)?/", rest):
        return "does not say where"
    return ""
