"""The frameworks' environments as Jupyter's kernels."""

from __future__ import annotations

from pathlib import Path

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel
from traitlets import Unicode

from octavo.edit.jupyter.session import session_of

FOLDER = Path(__file__).parent / "kernel"
START = FOLDER / "start.py"
"""What a kernel runs before the first cell."""


class Kernels(KernelSpecManager):  # type: ignore[misc]
    """Those of the book alone, or the machine's where the book has no lock."""

    session = Unicode(help="The file that octavo jupyter has written.").tag(config=True)

    def find_kernel_specs(self) -> dict[str, str]:
        """Name of each kernel → the folder of what belongs to it."""
        ours = session_of(self.session).kernels
        found: dict[str, str] = dict.fromkeys(ours, str(FOLDER)) if ours else super().find_kernel_specs()
        return found

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """One of them; raises ``NoSuchKernel`` where there is none."""
        book = session_of(self.session)
        if not book.kernels:
            return super().get_kernel_spec(kernel_name)
        wanted = book.kernel if kernel_name in ("python3", "python") else kernel_name
        if wanted not in book.kernels:
            raise NoSuchKernel(kernel_name)
        return KernelSpec(resource_dir=str(FOLDER), **book.kernels[wanted])
