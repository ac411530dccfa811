"""What a product was made from, and what was said about it: a build that would make the same is over at once."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from octavo.diagnostics import Diagnostic
from octavo.digests import file_digests


@dataclass(frozen=True, slots=True)
class Receipt:
    """One build of a product."""

    facts: str
    """Digest of everything that it depends on, besides the files named here."""
    files: Mapping[str, str]
    """Absolute path of each file that it depends on → digest of its content, empty for one that is not there."""
    products: tuple[str, ...]
    """Files that it consists of."""
    messages: tuple[Diagnostic, ...]
    """Everything that was said."""
    executed: bool
    """Whether every result was there that is meant to be."""

    def holds(self, facts: str) -> bool:
        """Whether the same build would give the same product, and the product is there."""
        return (
            facts == self.facts
            and all(Path(product).is_file() for product in self.products)
            and file_digests(self.files) == self.files
        )

    def save(self, path: Path) -> None:
        """Keep it beside the product."""
        path.write_bytes(pickle.dumps(self, pickle.HIGHEST_PROTOCOL))

    @staticmethod
    def load(path: Path) -> Receipt | None:
        """The receipt of the last build, if there is one that can be read."""
        with contextlib.suppress(Exception):  # a damaged pickle may raise anything
            receipt = pickle.loads(path.read_bytes())
            return receipt if isinstance(receipt, Receipt) else None
        return None
