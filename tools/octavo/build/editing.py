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
from octavo.diagnostics import Code, error
from octavo.model import Span
from octavo.products import write

if TYPE_CHECKING:
    from octavo.edit.sync import Refused
    from octavo.execute.environments.environment import Environment
    from octavo.progress import Progress

_SYNC_HINT = "give a notebook that octavo build notebooks has written, or one of octavo jupyter"


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
            progress.note(f"wrote {path}")
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

    def sync(self, notebook: Path) -> Path | None:
        """Bring an edited notebook back into its page; gives the page's file if it was changed.

        Everything that stands in the way is reported, and then nothing is written.
        """
        import json

        report = self.desk.diagnostics.add
        try:
            given = json.loads(notebook.read_text(encoding="utf-8"))
            ours = given["metadata"]["octavo"]
            page, tab = str(ours["page"]), str(ours["framework"])
            known = isinstance(given["cells"], list) and tab in self.desk.settings.tabs and page in self.desk.documents
        except (OSError, ValueError, KeyError, TypeError) as problem:
            why = f": {problem.strerror}" if isinstance(problem, OSError) else ""
            report(error(Code.SYNC, f"{notebook} is no notebook of a page{why}", hint=_SYNC_HINT))
            return None
        if not known:
            report(error(Code.SYNC, f"{notebook} is of a page or framework that the book has not", hint=_SYNC_HINT))
            return None
        file = self.desk.settings.source / self.desk.documents[page].path
        text = file.read_bytes().decode("utf-8")
        if "edit" in ours:
            changed = self._edited(given, ours["edit"], text)
        else:
            changed = self._brought_back(given, str(ours.get("source", "")), page, tab, text)
        if isinstance(changed, tuple):
            place = Span(self.desk.documents[page].path, 1, 1)
            for refused in changed:
                hint = "nothing was written; build the notebook again and repeat the edit there, or edit the page"
                report(error(Code.SYNC, refused.why, place, tab=tab, detail=refused.difference, hint=hint))
            return None
        if changed == text:
            return None
        write(file, changed.encode("utf-8"))
        return file

    def _edited(self, notebook: dict[str, Any], kept: Any, text: str) -> str | tuple[Refused, ...]:
        """What a notebook of ``octavo jupyter`` makes of its page."""
        from octavo.edit.notebook import digest, page_of
        from octavo.edit.sync import Refused

        changed = page_of(notebook)
        if changed != text and (not isinstance(kept, dict) or kept.get("digest") != digest(text)):
            return (Refused("the page has changed since the notebook was opened", text, changed),)
        return changed

    def _brought_back(
        self, notebook: dict[str, Any], source: str, page: str, tab: str, text: str
    ) -> str | tuple[Refused, ...]:
        """What a notebook for readers makes of its page."""
        import json

        from octavo.build.notebooks import phrases
        from octavo.edit.notebook import notebook_of
        from octavo.edit.sync import Shown, brought_back, shown
        from octavo.model import Book
        from octavo.publish.notebooks import notebooks
        from octavo.select.edition import cut
        from octavo.source.reader import read

        settings, book = self.desk.settings, self.desk.book
        document, _ = read(self.desk.documents[page].path, text, settings)
        last: dict[str, Any] = {}

        def build(changed: str) -> list[Shown]:
            new, _ = read(document.path, changed, settings)
            edition, _ = cut(new, tab, settings)
            pages = Book(tuple(new if one.page == page else one for one in book.pages))
            editions = {**self.desk.editions, (page, tab): edition}
            made = next(iter(notebooks(pages, settings, editions, {}, [tab], phrases(settings))))
            last.update(json.loads(made.notebooks.get(f"{page}.ipynb", b'{"cells": []}')))
            return shown(last)

        build(text)
        unchanged = bool(source) and last.get("metadata", {}).get("octavo", {}).get("source") == source
        opened = notebook_of(text, document, tab, settings)
        return brought_back(opened, shown(notebook), build, unchanged=unchanged)

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
