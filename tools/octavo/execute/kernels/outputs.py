"""What a kernel sent → :class:`~octavo.model.Output` values that are the same on every run and machine."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from octavo.model import Output
from octavo.terminal import shown

TEXT_TYPES = ("text/plain", "text/html", "text/markdown", "text/latex", "image/svg+xml", "application/json")
"""MIME types that are kept and hold text."""
BINARY_TYPES = ("image/png", "image/jpeg")
"""MIME types that are kept and hold base64."""
TYPES = TEXT_TYPES + BINARY_TYPES

LONGEST_TEXT = 1_000_000
"""Characters of one output's text that are kept; the rest is counted."""

_KEPT_AT_START, _KEPT_AT_END = 2 * LONGEST_TEXT, LONGEST_TEXT
"""Of a stream as it was sent: what is shown comes from its start, a progress bar's last state from its end."""

Places = Sequence[tuple[str, str]]
"""Folders that must not be seen in an output and what stands in their place, the most special first."""

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,16}\b")
_CELL_FILE = re.compile(r"/tmp/ipykernel_\d+/\d+\.py")


def clean(outputs: Iterable[Mapping[str, Any]], places: Places = ()) -> tuple[Output, ...]:
    """Notebook outputs, in nbformat's form, as values that repeat.

    Streams of one name that follow one another are merged, standard output before standard error, since only chance
    orders the two; displays stay where they are among them. Progress bars are reduced to their final state, terminal
    codes go, memory addresses become ``0x…``, and of a display only known types are left.
    """
    result: list[Output] = []
    streams: dict[str, list[str]] = {}

    def flush() -> None:
        for name in ("stdout", "stderr"):
            text = clean_text("".join(streams.pop(name, ())), places)
            if text:
                result.append(Output("stream", name=name, text=text))

    for output in outputs:
        kind = output.get("output_type")
        if kind == "stream":
            name = "stderr" if output.get("name") == "stderr" else "stdout"
            streams.setdefault(name, []).append(_text(output.get("text")))
            continue
        flush()
        if kind == "error":
            result.append(
                Output(
                    "error",
                    name=clean_text(_text(output.get("ename")), places),
                    text=clean_text(_text(output.get("evalue")), places),
                    traceback=tuple(
                        clean_text("\n".join(map(_text, output.get("traceback") or ())), places).splitlines()
                    ),
                )
            )
        elif kind in ("display_data", "execute_result"):
            data = clean_bundle(output.get("data") or {}, places)
            if data:
                result.append(Output("result" if kind == "execute_result" else "display", data=data))
    flush()
    return tuple(result)


def without_middles(outputs: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Notebook outputs in which no run of stream messages is longer than any reader wants, or than memory holds.

    Where a run is cut depends on what was printed alone, not on the messages that it came in, so that calling this
    while more arrives and once more at the end gives the same as calling it at the end.
    """
    result: list[Mapping[str, Any]] = []
    runs: dict[str, list[str]] = {}

    def flush() -> None:
        for name, parts in runs.items():
            text = "".join(parts)
            if len(text) > _KEPT_AT_START + _KEPT_AT_END:
                text = text[:_KEPT_AT_START] + text[-_KEPT_AT_END:]
            result.append({"output_type": "stream", "name": name, "text": text})
        runs.clear()

    for output in outputs:
        if output.get("output_type") == "stream":
            runs.setdefault(str(output.get("name")), []).append(_text(output.get("text")))
        else:
            flush()
            result.append(output)
    flush()
    return result


def clean_bundle(bundle: Mapping[str, Any], places: Places = ()) -> dict[str, str]:
    """The known types of a MIME bundle: text cleaned, binary as base64 on one line; what is no base64 is left out."""
    data: dict[str, str] = {}
    for kind in TYPES:
        if kind not in bundle:
            continue
        value = bundle[kind]
        if kind == "application/json" and not isinstance(value, str):
            data[kind] = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1)
        elif kind in BINARY_TYPES:
            if (packed := _base64(_text(value))) is not None:
                data[kind] = packed
        elif kind == "image/svg+xml":
            data[kind] = _writable(_text(value))
        else:
            data[kind] = clean_text(_text(value), places)
    return data


def clean_text(text: str, places: Places = ()) -> str:
    """Text as a terminal would show it in the end, without codes, addresses and names of folders."""
    text = shown(_writable(text))
    for folder, instead in places:  # a kernel's own temporary folder becomes /tmp
        text = text.replace(folder, instead)
    text = _CELL_FILE.sub("<cell>", text)
    text = _ADDRESS.sub("at 0x…", text)
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]}\n… and {len(text) - LONGEST_TEXT} more characters\n"
    return text


def _text(value: object) -> str:
    """A string as messages hold it: nbformat allows a list of lines."""
    if isinstance(value, (list, tuple)):
        return "".join(map(_text, value))
    return value if isinstance(value, str) else "" if value is None else str(value)


def _writable(text: str) -> str:
    """Without lone halves of surrogate pairs, which no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _base64(text: str) -> str | None:
    packed = "".join(text.split())
    try:
        base64.b64decode(packed, validate=True)
    except (ValueError, binascii.Error):
        return None
    return packed or None
