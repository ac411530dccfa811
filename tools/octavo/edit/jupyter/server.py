"""JupyterLab's server, started over a book."""

from __future__ import annotations

from pathlib import Path

from jupyterlab.labapp import LabApp

from octavo import config
from octavo.edit.jupyter.session import session_of
from octavo.source.toc import markdown_files

OPTION = "octavoNoPages"
"""Where the extension in the browser finds them."""
EXTENSIONS = Path(__file__).parent / "labextension"


def run(session: Path, root: Path, *, port: int | None, browser: bool) -> None:
    """Serve the folder ``root`` until somebody ends it."""
    # as arguments, which come before a user's own settings: those must not take the pages away
    arguments = [
        f"--ServerApp.root_dir={root}",
        "--ServerApp.contents_manager_class=octavo.edit.jupyter.contents.Pages",
        "--ServerApp.kernel_spec_manager_class=octavo.edit.jupyter.kernels.Kernels",
        f"--Pages.session={session}",
        f"--Kernels.session={session}",
        f"--LabApp.extra_labextensions_path={EXTENSIONS}",
        f"--ServerApp.open_browser={browser}",
        "--ServerApp.allow_root=True",  # in containers, whose only user it is; building executes the same cells
    ]
    if port is not None:
        arguments.append(f"--ServerApp.port={port}")
    server = LabApp.initialize_server(argv=arguments)
    server.web_app.settings["page_config_hook"] = lambda _, options: options | {OPTION: no_pages(session)}
    server.start()


def no_pages(session: Path) -> list[str]:
    """Markdown files that are not of the book: JupyterLab opens them as text."""
    settings, _ = config.load(Path(session_of(str(session)).folder))
    return [f"{name}.md" for name in markdown_files(settings) if settings.is_excluded(name)] if settings else []
