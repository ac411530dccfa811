"""Pages edited as notebooks: JupyterLab over the book."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octavo.build.desk import Desk
from octavo.build.libraries import Libraries
from octavo.build.locks import Locks
from octavo.build.plan import Plan
from octavo.config import tab_title

if TYPE_CHECKING:
    from octavo.execute.environments.environment import Environment
    from octavo.progress import Progress


@dataclass(eq=False)
class Editing:
    """Book and locks → a running JupyterLab."""

    desk: Desk
    libraries: Libraries
    plan: Plan
    locks: Locks

    def prepare(self, tab: str, progress: Progress) -> Path | None:
        """Make what JupyterLab needs for one framework, and write down what it has to know; gives that file.

        A book without a lock of the framework has no kernel of its own; ``None`` where there is a lock, and no
        environment can be made of it.
        """
        from octavo.edit.jupyter.session import Session

        for path in self.libraries.write():
            progress.note(f"wrote {path} anew, since the pages give something else now: kernels import it")
        own = {page: d.needs.environment for (page, t), d in self.plan.declared.items() if t == tab}
        names = [tab] if (self.desk.folder / self.locks.path(tab)).is_file() else []
        names += sorted(set(own.values()) - {"", *names})
        kernels: dict[str, dict[str, Any]] = {}
        for name in names:
            made = self._environment(name, progress)
            if made is None:
                return None
            kernels[kernel_name(name)] = self._kernel(name, tab, made)
        if tab not in names:
            progress.note(f"there is no lock {self.locks.path(tab)}: the kernels are those that Jupyter finds itself")
        state = self.desk.output / "jupyter"
        session = Session(
            folder=str(self.desk.folder),
            tab=tab,
            state=str(state),
            kernel=kernel_name(tab) if tab in names else "",
            kernels=kernels,
            page_kernels={page: kernel_name(name) for page, name in own.items() if name},
        )
        session.write(state / f"{tab}.json")
        return state / f"{tab}.json"

    def serve(self, session: Path, *, port: int | None, browser: bool) -> None:
        """Run JupyterLab until it is ended."""
        from octavo.edit.jupyter.server import run

        run(session, self.desk.settings.source, port=port, browser=browser)

    def _environment(self, name: str, progress: Progress) -> Environment | None:
        from octavo.execute.environments.environment import EnvironmentFailure, make
        from octavo.execute.home import environments_home

        lock = self.locks.named(name)
        if isinstance(lock, EnvironmentFailure):
            return None  # reading it told why
        made = make(lock, environments_home(self.desk.cache), progress.stage)
        if isinstance(made, EnvironmentFailure):
            self.desk.diagnostics.add(made.diagnostic())
            return None
        return made

    def _kernel(self, name: str, tab: str, environment: Environment) -> dict[str, Any]:
        """What Jupyter has to know to start a kernel: an author's, so with as many threads and colours as there are."""
        from octavo.edit.jupyter.kernels import START

        paths = (str(environment.folder / "bin"), os.environ.get("PATH") or "/usr/local/bin:/usr/bin:/bin")
        return {
            "argv": [
                str(environment.python),
                "-m",
                "ipykernel_launcher",
                "-f",
                "{connection_file}",
                f"--IPKernelApp.exec_files={START}",
            ],
            "display_name": tab_title(tab) if name == tab else f"{tab_title(tab)} ({name})",
            "language": "python",
            "env": {
                "MPLCONFIGDIR": str(environment.folder / "cache" / "matplotlib"),
                "OCTAVO_TAB": tab,
                "PATH": os.pathsep.join(paths),
                "PYTHONNOUSERSITE": "1",
                "PYTHONPATH": str(self.desk.folder),  # where the library and the book's own modules are
                "TF_CPP_MIN_LOG_LEVEL": "3",
                "VIRTUAL_ENV": str(environment.folder),
            },
            "metadata": {"debugger": True},
        }


def kernel_name(lock: str) -> str:
    """What Jupyter calls the kernel of a lock."""
    return "octavo-" + "".join(sign if sign.isalnum() or sign in "._-" else "-" for sign in lock)
