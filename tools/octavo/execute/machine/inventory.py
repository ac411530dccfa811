"""What this machine has for executing pages: cores, main memory, graphics cards.

Only what this process may use counts: limits of containers and control groups, and the user's own
``CUDA_VISIBLE_DEVICES``. Cards are NVIDIA's, as ``nvidia-smi`` tells of them; nothing is loaded into this process.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from octavo.execute.machine.lease import Card
from octavo.processors import control_groups, cores

SIMULATED = "OCTAVO_CARDS"
"""The variable that says which cards to pretend, such as ``2x16GB``: for tests, and for trying a schedule out."""

ASK_SECONDS = 30.0
"""How long ``nvidia-smi`` may take; the first call after a start of the system may have to wake the driver."""

_QUERY = "--query-gpu=index,uuid,name,memory.total,mig.mode.current"
_UUID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{3,79}")


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to be shared among pages."""

    cores: int = 1
    memory: int = 0
    """Bytes of main memory that this process and its kernels may use; 0 where nobody knows."""
    cards: tuple[Card, ...] = ()
    problem: str = ""
    """Why cards that may be there are not used; empty when all is well."""


def this_machine(variables: Mapping[str, str] = os.environ, *, cards: bool = True) -> Machine:
    """What this machine has; without ``cards`` nobody asks for those, which may take a second."""
    found, problem = _cards(variables) if cards else ((), "")
    return Machine(cores(), memory(), found, problem)


# -- main memory


def memory(root: Path = Path("/")) -> int:
    """Bytes of main memory that this process may use at most; 0 where nobody knows. ``root`` is for tests."""
    found = [_meminfo(root).get("MemTotal", 0) or _sysconf("SC_PHYS_PAGES")]
    for group in control_groups("memory", root):
        found += _numbers(group / "memory.max", group / "memory.limit_in_bytes")
    return min((number for number in found if number), default=0)


def free_memory(root: Path = Path("/")) -> int:
    """Bytes of main memory that are free now, or would be if files were read again; 0 where nobody knows."""
    found = [_meminfo(root).get("MemAvailable", 0) or _sysconf("SC_AVPHYS_PAGES")]
    for group in control_groups("memory", root):
        limits = _numbers(group / "memory.max", group / "memory.limit_in_bytes")
        used = _numbers(group / "memory.current", group / "memory.usage_in_bytes")
        if limits and used:
            found.append(max(limits[0] - used[0] + _inactive(group / "memory.stat"), 1))
    return min((number for number in found if number), default=0)


def _meminfo(root: Path) -> dict[str, int]:
    """Name → bytes, as Linux tells."""
    found: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError):
        for line in (root / "proc" / "meminfo").read_text().splitlines():
            name, _, rest = line.partition(":")
            if rest.endswith("kB"):
                found[name] = int(rest.removesuffix("kB")) * 1024
    return found


def _sysconf(name: str) -> int:
    """Bytes, as other systems tell."""
    with contextlib.suppress(ValueError, OSError, AttributeError):
        return max(0, os.sysconf(name) * os.sysconf("SC_PAGE_SIZE"))
    return 0


def _numbers(*files: Path) -> list[int]:
    """The numbers that those of the files hold that are there; ``max`` is none."""
    found = []
    for file in files:
        with contextlib.suppress(OSError, ValueError):
            found.append(int(file.read_text()))
    return found


def _inactive(file: Path) -> int:
    """Bytes of a control group that are read files, which make room when somebody needs it."""
    with contextlib.suppress(OSError, ValueError):
        found = re.search(r"^(?:total_)?inactive_file (\d+)$", file.read_text(), re.MULTILINE)
        return int(found[1]) if found else 0
    return 0


# -- graphics cards


def _cards(variables: Mapping[str, str]) -> tuple[tuple[Card, ...], str]:
    """The cards that are ours, and why there may be more that are not."""
    if simulated := variables.get(SIMULATED, "").strip():
        return simulated_cards(simulated)
    program = shutil.which("nvidia-smi", path=variables.get("PATH"))
    if program is None or variables.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return (), ""
    try:
        cards = cards_from(_ask(program, variables, _QUERY, "--format=csv,noheader,nounits"))
        if any(mig for _, mig in cards):
            partitions = partitions_from(_ask(program, variables, "-L"))
            cards = [
                (part, False) for card, mig in cards for part in (partitions.get(card.uuid, ()) if mig else [card])
            ]
    except (OSError, subprocess.SubprocessError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or str(problem)
        return (), f"nvidia-smi does not tell which graphics cards there are ({why}), so none is used"
    return visible((card for card, _ in cards), variables.get("CUDA_VISIBLE_DEVICES")), ""


def _ask(program: str, variables: Mapping[str, str], *arguments: str) -> str:
    """What ``nvidia-smi`` prints; raises what :mod:`subprocess` raises, and ``ValueError`` when it fails."""
    done = subprocess.run(
        [program, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=ASK_SECONDS,
        env=dict(variables),
        check=False,
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise ValueError(lines[0][:200] if lines else f"exit code {done.returncode}")
    return done.stdout


def cards_from(printed: str) -> list[tuple[Card, bool]]:
    """The cards of a list by ``nvidia-smi``, and whether each is divided into several (MIG)."""
    cards = []
    for line in printed.splitlines():
        if not line.strip():
            continue
        # a name might hold a comma, nothing else can
        index, uuid, *name, mebibytes, mig = (part.strip() for part in line.split(","))
        if not _UUID.fullmatch(uuid):
            raise ValueError("it names a card that has no identifier")
        size = int(mebibytes) << 20 if mebibytes.isdigit() else 0  # a card that shares its memory with the host
        cards.append((Card(int(index), uuid, ", ".join(name), size), mig == "Enabled"))
    return cards


def partitions_from(printed: str) -> dict[str, list[Card]]:
    """A divided card's UUID → its parts, from what ``nvidia-smi -L`` prints."""
    found: dict[str, list[Card]] = {}
    index, name, uuid = 0, "", ""
    for line in printed.splitlines():
        if card := re.match(r"GPU (\d+): (.+) \(UUID: ([\w-]+)\)", line):
            index, name, uuid = int(card[1]), card[2], card[3]
        elif part := re.match(r"\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[\w/-]+)\)", line):
            size = re.search(r"(\d+)gb", part[1])
            memory_of_part = int(size[1]) << 30 if size else 0
            if _UUID.fullmatch(part[2]):  # old drivers have slashes in them
                found.setdefault(uuid, []).append(Card(index, part[2], f"{name} MIG {part[1]}", memory_of_part))
    return found


def visible(cards: Iterable[Card], chosen: str | None) -> tuple[Card, ...]:
    """The cards that ``CUDA_VISIBLE_DEVICES`` leaves to this process, in its order; all when it is not set.

    As for CUDA, the first entry that fits no card ends the list. Numbers count as ``nvidia-smi`` counts.
    """
    there = list(cards)
    if chosen is None:
        return tuple(there)
    found: dict[str, Card] = {}
    for word in chosen.split(","):
        name = word.strip()
        if name.isdigit():
            fitting = [card for card in there if card.index == int(name)]
        else:
            fitting = [card for card in there if len(name) > len("GPU-") and card.uuid.startswith(name)]
        if not fitting:
            break
        found |= {card.uuid: card for card in fitting}
    return tuple(found.values())


def simulated_cards(text: str) -> tuple[tuple[Card, ...], str]:
    """Cards that are only pretended: ``2x16GB``, or several kinds with commas between; and what is wrong with that."""
    cards: list[Card] = []
    for word in text.split(","):
        kind = re.fullmatch(r"\s*(\d{1,3})\s*x\s*(\d{1,4})\s*GB\s*", word, re.IGNORECASE)
        if kind is None:
            return (), f"{SIMULATED} is {text[:60]!r} and not like 2x16GB, so no card is simulated"
        for _ in range(int(kind[1])):
            name = f"simulated card of {int(kind[2])} GB"
            cards.append(Card(len(cards), f"SIMULATED-{len(cards)}", name, int(kind[2]) * 10**9))
    return tuple(cards), ""
