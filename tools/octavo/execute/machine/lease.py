"""What one task holds of a machine while it runs: cores, memory, and parts of graphics cards."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Card:
    """One graphics card of this machine."""

    index: int
    """Its number, from 0, as ``nvidia-smi`` counts."""
    uuid: str
    """What never changes of it, and what ``CUDA_VISIBLE_DEVICES`` understands."""
    name: str
    """Such as ``NVIDIA H200``."""
    memory: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The share of a machine that one task holds; nobody else holds any of it until the task ends."""

    cards: tuple[Card, ...] = ()
    """None: what runs sees no card at all."""
    gpu_memory: int = 0
    """Bytes of each card; 0 means the whole card."""
    cpus: int = 1
    """Cores."""

    @property
    def device(self) -> str:
        """What a run records: ``cpu``, ``NVIDIA H200`` or ``2 × NVIDIA H200``."""
        names = sorted({card.name for card in self.cards})
        if not names:
            return "cpu"
        many = f"{len(self.cards)} × " if len(self.cards) > 1 else ""
        return many + ", ".join(names)
