"""Single values of what somebody else has written, records and messages: each is what it should be, or damage."""

from __future__ import annotations

import re
from typing import Any


class DamagedError(Exception):
    """Something that is not what octavo writes; the message says how, in a few words."""


def mapping(value: object, what: str) -> dict[str, Any]:
    """A JSON object; ``what`` names it in the error, here and below."""
    if not isinstance(value, dict):
        raise DamagedError(f"{what} is no object")
    return value


def sequence(value: object, what: str) -> list[Any]:
    """A JSON list."""
    if not isinstance(value, list):
        raise DamagedError(f"{what} is no list")
    return value


def text_of(value: object, what: str) -> str:
    """Text that a file can hold."""
    if not isinstance(value, str):
        raise DamagedError(f"{what} is no text")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as problem:
        raise DamagedError(f"{what} is no text") from problem
    return value


def texts(value: object, what: str) -> dict[str, str]:
    """An object whose values are texts."""
    return {text_of(name, what): text_of(item, what) for name, item in mapping(value, what).items()}


def lines(value: object, what: str) -> list[str]:
    """A list of texts."""
    return [text_of(line, what) for line in sequence(value, what)]


def sha256(value: object, what: str) -> str:
    """A SHA-256 in hexadecimal."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{64}", value):
        raise DamagedError(f"{what} is no SHA-256")
    return value


def seconds_of(value: object, what: str) -> float:
    """A length of time in seconds, finite and not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise DamagedError(f"{what} is no number of seconds")
    return float(value)
