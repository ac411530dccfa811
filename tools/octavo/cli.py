"""The command line: arguments → :mod:`octavo.build` → exit code.

Exit codes: 0 done, 1 the book has errors, 2 wrong usage, 70 a fault of octavo, 130 interrupted. Everything heavy is
imported inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from octavo import __version__

if TYPE_CHECKING:
    from octavo.build import Workshop

EXIT_ERRORS = 1
EXIT_FAULT = 70
EXIT_INTERRUPTED = 130

PRODUCTS = (
    "html", "pdf", "epub", "lib", "notebooks", "bundle", "slides", "colab", "sagemaker", "kaggle", "binder",
)  # fmt: skip


_NOT_OURS = frozenset(
    (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR)
)
"""What the system refuses because of how the user's disk is, such as a folder that may not be written."""


_MUTED = "octavo.muted"
"""Where a command finds what takes its annotations."""


class _Commands(click.Group):
    """Lists commands in the order in which they are written here: the order of a book's life."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; on GitHub nothing that it prints is obeyed, until its messages are told as annotations."""
        from octavo import github

        if not github.active():
            return self._invoke(ctx)
        with github.Muted(sys.stderr) as muted:
            ctx.meta[_MUTED] = muted
            return self._invoke(ctx)

    def _invoke(self, ctx: click.Context) -> object:
        """Run a command; an interrupt has its own exit code, and a fault of ours says where its traceback is."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted; what was finished is kept", err=True)
            sys.exit(EXIT_INTERRUPTED)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(EXIT_ERRORS)
        except Exception as fault:
            if isinstance(fault, click.ClickException | click.exceptions.Exit | click.Abort):
                raise
            if isinstance(fault, OSError) and fault.errno in _NOT_OURS:
                _report_refusal(fault)
                sys.exit(EXIT_ERRORS)
            _report_fault(fault)
            sys.exit(EXIT_FAULT)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as problem:
            import difflib

            close = difflib.get_close_matches(args[0], self.commands, n=1)
            if close:
                raise click.UsageError(f"{problem.message} Did you mean {close[0]!r}?", ctx) from None
            raise


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 the book has errors, 2 wrong usage, 70 a fault of octavo, 130 interrupted.",
)
@click.option(
    "-C",
    "folder",
    metavar="BOOK",
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
    help="The book's folder, the one with config.ini. Default: where you are, or the nearest one above.",
)
@click.version_option(__version__, "-V", "--version", message="octavo %(version)s")
@click.pass_context
def main(context: click.Context, folder: Path) -> None:
    """Build a literate book: one Markdown source, every framework executed.

    \b
    octavo build html         the website; pages whose code changed are executed first
    octavo status             what is fresh, what is stale, and why
    octavo run chapter_x      execute what is stale in one chapter
    octavo check              every mistake in the source, with file and line
    """
    # objects live as long as the command: looking for those that do not costs more than their memory
    gc.set_threshold(100_000, 50, 50)
    context.obj = folder


def _report_refusal(problem: OSError) -> None:
    """Say which file or folder the system did not let octavo use."""
    place = Path(problem.filename) if isinstance(problem.filename, str) else None
    what = f"cannot use {_shown(place)}" if place else "cannot write"
    click.echo(f"error[system]: {what}: {problem.strerror}", err=True)
    click.echo("   hint: see that it is what octavo needs there, may be written and has room", err=True)


def _report_fault(fault: Exception) -> None:
    """Say that octavo itself is at fault, and keep the traceback in a file for the report."""
    import tempfile
    import traceback

    text = "".join(traceback.format_exception(fault))
    with tempfile.NamedTemporaryFile("w", prefix="octavo-", suffix=".log", delete=False, encoding="utf-8") as log:
        log.write(f"octavo {__version__}, python {sys.version}\n{' '.join(sys.argv[1:])}\n\n{text}")
    what = " ".join(str(fault).split()) or "no message"
    click.echo(f"error[internal]: a fault of octavo, not of your book: {type(fault).__name__}: {what}", err=True)
    click.echo(f"   hint: please report it, with {log.name}", err=True)


def _workshop(context: click.Context, *, output: Path | None = None) -> Workshop:
    from octavo.build import Workshop

    folder: Path = context.find_root().obj
    if not folder.is_dir():
        raise click.UsageError(f"there is no folder {folder}")
    if folder == Path() and not (folder / "config.ini").exists():
        here = Path.cwd()
        folder = next((parent for parent in here.parents if (parent / "config.ini").exists()), folder)
    workshop = Workshop(folder, output=output)
    given: Path = context.find_root().obj
    workshop.invocation = ("octavo",) if given == Path() else ("octavo", "-C", str(given))
    return workshop


def _finish(workshop: Workshop, *, as_json: bool = False) -> None:
    """Show every message and leave with the exit code that they call for."""
    _tell(workshop, as_json=as_json)
    if workshop.failed:
        sys.exit(EXIT_ERRORS)


def _tell(workshop: Workshop, *, as_json: bool = False) -> None:
    """Show every message."""
    from octavo.diagnostics import Severity, format_diagnostic, to_json_lines

    workshop.remember()
    _annotate(workshop)
    if as_json:
        click.echo(to_json_lines(workshop.diagnostics, workshop.read_line), nl=False)
    else:
        colour = sys.stderr.isatty()
        for diagnostic in workshop.diagnostics:
            click.echo(format_diagnostic(diagnostic, workshop.read_line, colour=colour) + "\n", err=True)
        errors = sum(d.severity is Severity.ERROR for d in workshop.diagnostics)
        warnings = len(workshop.diagnostics) - errors
        counts = [f"{n} {word}{'s' * (n != 1)}" for n, word in ((errors, "error"), (warnings, "warning")) if n]
        if counts:
            click.echo(" and ".join(counts), err=True)


def _annotate(workshop: Workshop) -> None:
    """In a job of GitHub, leave the messages to be told as annotations at the end."""
    muted = click.get_current_context().meta.get(_MUTED)
    if muted is not None:
        from octavo import github

        source = workshop.settings.source if workshop.has_settings else workshop.folder
        muted.lines += github.told_beside_lines(workshop.diagnostics, source, github.repository(workshop.folder))


@contextlib.contextmanager
def _reporting(
    workshop: Workshop, pages: tuple[str, ...] | None, tabs: tuple[str, ...], junit: Path | None, report: Path | None
) -> Iterator[None]:
    """Write the reports that were asked for when the block ends, however it ends."""
    try:
        yield
    finally:
        workshop.reports.write(pages, tabs, junit=junit, json=report)


_tab = click.option("--tab", "tabs", multiple=True, metavar="TAB", help="Only this framework; may be repeated.")
_json = click.option("--json", "as_json", is_flag=True, help="For machines: JSON on standard output.")
_jobs = click.option(
    "-j", "--jobs", type=click.IntRange(min=1), help="Kernels at once. Default: [execute] jobs, or as many as cores."
)
_backend = click.option(
    "--backend",
    type=click.Choice(["local", "dask"]),
    default="local",
    show_default=True,
    help="Where pages are executed: here, or by the workers of a Dask cluster.",
)
_address = click.option(
    "--address", metavar="URL", help="With dask: its scheduler, tcp://HOST:PORT. Default: DASK_SCHEDULER_ADDRESS."
)
_output = click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where products go. Default: the book's _build.",
)

_junit = click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write what was executed as JUnit's XML, however the command ends.",
)
_report = click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The same as JSON, with times, memory and every message.",
)


def _check_tabs(workshop: Workshop, tabs: tuple[str, ...]) -> None:
    if not workshop.has_settings:
        return
    for tab in tabs:
        if tab not in workshop.settings.tabs:
            known = ", ".join(workshop.settings.tabs)
            raise click.BadParameter(f"this book has no framework {tab!r}; it has {known}", param_hint="--tab")


def _use_backend(workshop: Workshop, backend: str, address: str | None) -> None:
    """Let the workshop execute pages where the options say."""
    if backend == "local":
        if address is not None:
            raise click.UsageError("--address is for --backend dask")
        return
    import importlib.util
    import os

    address = address or os.environ.get("DASK_SCHEDULER_ADDRESS", "")
    if not address:
        raise click.UsageError("--backend dask needs --address, or the variable DASK_SCHEDULER_ADDRESS")
    if importlib.util.find_spec("distributed") is None:
        raise click.UsageError("--backend dask needs Dask: python -m pip install 'octavo[dask]'")
    if workshop.has_settings:
        store = workshop.results.shared
        if store is None or not store.writes:
            why = "none is set" if store is None else "it is read-only"
            raise click.UsageError(
                f"--backend dask needs a shared store that this machine may write, and {why}: "
                "see [execute] store, or the variable OCTAVO_STORE"
            )
    workshop.machines.scheduler = address


@main.command()
@click.argument("products", nargs=-1, required=True, metavar="PRODUCT...")
@click.option("--no-execute", is_flag=True, help="Use the results there are; execute nothing.")
@click.option("--check", "check_only", is_flag=True, help="With lib: only compare, show the difference, exit 1 if any.")
@_tab
@_jobs
@_backend
@_address
@_junit
@_report
@_output
@click.pass_context
def build(
    context: click.Context,
    products: tuple[str, ...],
    no_execute: bool,
    check_only: bool,
    tabs: tuple[str, ...],
    jobs: int | None,
    backend: str,
    address: str | None,
    junit: Path | None,
    report: Path | None,
    output: Path | None,
) -> None:
    """Bring products up to date: html, pdf, epub, lib, notebooks, bundle, slides, and for hosts.

    \b
    html       the website, with every framework's results on each page
    pdf        the book on paper, one file for each framework
    epub       the book for e-readers, one file for each framework
    lib        the library harvested from the cells marked #@save, its wheel and source distribution
    notebooks  a Jupyter notebook for each page with code, in a folder for each framework
    slides     a deck for each page with marks for slides, in a folder for each framework
    bundle     notebooks with all that they need, to take home: an archive of each framework, and one of all
    colab      notebooks that install what they need, for Colab, in a folder for each framework that can be
               pushed as it is; sagemaker, kaggle and binder the same for these

    Pages whose results are stale are executed first; a second build executes nothing.
    """
    for product in products:
        if product not in PRODUCTS:
            raise click.BadParameter(f"{product!r} is none of {', '.join(PRODUCTS)}", param_hint="PRODUCT")
    if check_only and set(products) != {"lib"}:
        raise click.UsageError("--check is for lib alone")
    workshop = _workshop(context, output=output)
    _check_tabs(workshop, tabs)
    _use_backend(workshop, backend, address)

    from octavo.build.covers import KINDS
    from octavo.progress import progress_for
    from octavo.website import SERVICES

    if set(products) == {"html"} and junit is None and report is None:
        site = workshop.site.finished(tabs, execute=not no_execute)
        if site is not None:
            click.echo(f"nothing has changed: the website is {_shown(site)}", err=True)
            _finish(workshop)
            return
    if len(products) == 1 and junit is None and report is None:
        for kind in KINDS:
            books = workshop.covers.finished(kind, tabs, execute=not no_execute) if kind in products else []
            if books:
                click.echo(f"nothing has changed: {', '.join(map(_shown, books))}", err=True)
                _finish(workshop)
                return
    with _reporting(workshop, None, tabs, junit, report), progress_for() as progress:
        if "lib" in products:
            if check_only:
                workshop.libraries.compare()
            else:
                for path in workshop.libraries.write():
                    progress.note(f"wrote {path}")
        if ("lib" in products and not check_only) or ("html" in products and workshop.wheels.published):
            for made in workshop.wheels.build():
                progress.note(f"wrote {_shown(made)}")
        if not no_execute and {"html", "notebooks", "bundle", "slides", *SERVICES, *KINDS} & set(products):
            workshop.execution.execute(workshop.freshness.stale(tabs=tabs), progress, jobs=jobs)
        if "notebooks" in products:
            folder = workshop.notebooks.build(progress, tabs)
            if folder is not None:
                progress.note(f"the notebooks are in {_shown(folder)}")
        if "bundle" in products:
            for made in workshop.bundles.build(progress, tabs):
                progress.note(f"to take home: {_shown(made)}")
        for kind in KINDS:
            for book in workshop.covers.build(kind, progress, tabs, execute=not no_execute) if kind in products else ():
                progress.note(f"the {kind.upper()} is {_shown(book)}")
        for host in (host for host in SERVICES if host in products):
            folder = workshop.hosted.build(host, progress, tabs)
            if folder is not None:
                progress.note(f"the notebooks for {SERVICES[host]} are in {_shown(folder)}")
        if "slides" in products:
            folder = workshop.slides.build(progress, tabs)
            if folder is not None:
                progress.note(f"the slides are in {_shown(folder)}")
        if "html" in products:  # after what it offers
            site = workshop.site.build(progress, tabs)
            if site is not None:
                progress.note(f"the website is {_shown(site)}")
    _finish(workshop)


def _shown(path: Path) -> str:
    """A path as a user likes to read it: relative to where they are, if it is below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@main.command()
@click.argument("pages", nargs=-1, metavar="[PAGES]...")
@click.option("--rerun", is_flag=True, help="Execute all that is named, fresh or not.")
@click.option("--shard", metavar="I/N", help="Only the share of the machine I of N, such as 1/4.")
@_tab
@_jobs
@_backend
@_address
@_junit
@_report
@click.pass_context
def run(
    context: click.Context,
    pages: tuple[str, ...],
    rerun: bool,
    shard: str | None,
    tabs: tuple[str, ...],
    jobs: int | None,
    backend: str,
    address: str | None,
    junit: Path | None,
    report: Path | None,
) -> None:
    """Execute what is stale, and keep the results.

    PAGES are pages, folders or globs of pages, such as chapter_x, chapter_x/page.md or 'chapter_*/*'; without any, the
    whole book.
    """
    from octavo.build import shard_of

    try:
        share = shard_of(shard) if shard is not None else None
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--shard") from None
    workshop = _workshop(context)
    _check_tabs(workshop, tabs)
    _use_backend(workshop, backend, address)

    from octavo.progress import progress_for

    names = _named(workshop, pages)
    with _reporting(workshop, names, tabs, junit, report), progress_for() as progress:
        chosen = workshop.plan.chosen(names, tabs) if rerun else workshop.freshness.stale(names, tabs)
        if share is not None:
            everything = len(chosen)
            chosen = workshop.machines.share(share, chosen, names, tabs)
            progress.note(f"{len(chosen)} of {everything} results to make are the share {share}")
        workshop.execution.execute(chosen, progress, jobs=jobs, rerun=rerun)
        if not chosen and not workshop.failed:
            progress.note("nothing is stale")
    _finish(workshop)


def _named(workshop: Workshop, patterns: tuple[str, ...]) -> tuple[str, ...] | None:
    if not patterns or not workshop.has_settings:
        return None
    from octavo.source.toc import pages_matching

    names, unmatched = pages_matching(workshop.book, patterns)
    if unmatched:
        raise click.BadParameter(f"no page of the book is {unmatched[0]}", param_hint="PAGES")
    return names


@main.command()
@click.argument("pages", nargs=-1, metavar="[PAGES]...")
@_tab
@_json
@click.pass_context
def status(context: click.Context, pages: tuple[str, ...], tabs: tuple[str, ...], as_json: bool) -> None:
    """Say what is fresh, stale (and why), missing or failed.

    With --json: {"runs": [{"page", "tab", "state", "reasons"}], "messages": [as `octavo check --json`],
    "suggestions": [{"path", "line", "declare"}]}.
    """
    workshop = _workshop(context)
    _check_tabs(workshop, tabs)
    names = _named(workshop, pages)
    states = workshop.freshness.states(names, tabs)
    suggested = workshop.plan.suggestions(names, tabs)
    if as_json:
        rows = [{"page": s.page, "tab": s.tab, "state": s.state, "reasons": list(s.reasons)} for s in states]
        told = [diagnostic.to_json(workshop.read_line) for diagnostic in workshop.diagnostics]
        hints = [{"path": span.path, "line": span.line, "declare": "execute: gpus: 0-1"} for span in suggested]
        workshop.remember()
        answer = {"runs": rows, "messages": told, "suggestions": hints}
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        if workshop.failed:
            sys.exit(EXIT_ERRORS)
        return
    colours = {"fresh": "green", "stale": "yellow", "missing": "yellow", "failed": "red"}
    width = max((len(s.page) for s in states), default=0)
    for state in states:
        if state.state == "fresh" and not pages:
            continue
        head = f"{state.page:{width}}  {state.tab:10}  {click.style(f'{state.state:7}', colours[state.state])}"
        reasons = state.reasons or ("",)
        click.echo(f"{head}  {reasons[0]}".rstrip())
        for reason in reasons[1:]:
            click.echo(f"{'':{width + 23}}{reason}")
    counts: dict[str, int] = {}
    for state in states:
        counts[state.state] = counts.get(state.state, 0) + 1
    click.echo(", ".join(f"{n} {name}" for name, n in counts.items()) or "no page has code to execute")
    if suggested:
        looks = "page looks as if it uses" if len(suggested) == 1 else "pages look as if they use"
        declares = "declares" if len(suggested) == 1 else "declare"
        place = f"{suggested[0].path}:{suggested[0].line}"
        first = f"first: {place}" if len(suggested) > 1 else place
        click.echo(f"{len(suggested)} {looks} a GPU and {declares} nothing: execute: gpus: 0-1 ({first})")
    _finish(workshop)


@main.command()
@_json
@click.pass_context
def check(context: click.Context, as_json: bool) -> None:
    """Show every mistake in the source, without building or executing anything."""
    workshop = _workshop(context)
    workshop.check()
    _finish(workshop, as_json=as_json)
    if not as_json:
        click.echo("no errors")


@main.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Where to listen, on this machine alone; if it is taken, the next that is free.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open the book in a browser.")
@click.option("--no-execute", is_flag=True, help="Use the results there are; execute nothing.")
@_tab
@_output
@click.pass_context
def serve(
    context: click.Context, port: int, open_browser: bool, no_execute: bool, tabs: tuple[str, ...], output: Path | None
) -> None:
    """Show the website while you write: what you save is on screen at once.

    Cells that you change are executed for the page and framework that a browser shows. What is wrong stands over the
    page, and in this terminal. Ctrl-C ends it.
    """
    workshop = _workshop(context, output=output)
    _check_tabs(workshop, tabs)
    if not workshop.has_settings:
        _finish(workshop)
        return

    from octavo.serve.jobs import Job
    from octavo.serve.preview import serve as serve_book

    job = Job(
        folder=workshop.folder,
        output=output.resolve() if output is not None else None,
        tabs=tabs,
        invocation=workshop.invocation,
        colour=sys.stderr.isatty(),
    )
    try:
        serve_book(
            job,
            products=workshop.output_folder,
            port=port,
            execute=not no_execute,
            tell=lambda line: click.echo(line, err=True),
            open_browser=open_browser,
        )
    except ChildProcessError as problem:
        raise click.ClickException(str(problem)) from None
    except OSError as problem:
        if problem.errno != errno.EADDRINUSE:
            raise
        raise click.UsageError(problem.strerror or str(problem)) from None
    click.echo("stopped", err=True)


@main.command()
@click.option("--tab", metavar="TAB", help="The framework whose cells are run. Default: the book's first.")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Where to listen, on this machine alone. Default: Jupyter's, 8888."
)
@click.option("--no-browser", is_flag=True, help="Open no browser; the address is printed.")
@click.pass_context
def jupyter(context: click.Context, tab: str | None, port: int | None, no_browser: bool) -> None:
    """Edit the book in JupyterLab: each page opens as a notebook, and is saved as the Markdown that it is.

    Cells of the framework run in its environment; those of other frameworks are shown and not run. Saving changes the
    lines of the cells that you changed; outputs are not saved. Ctrl-C ends it.
    """
    import importlib.util

    if importlib.util.find_spec("jupyterlab") is None:
        raise click.UsageError("octavo jupyter needs JupyterLab: python -m pip install 'octavo[jupyter]'")
    workshop = _workshop(context)
    if not workshop.has_settings:
        _finish(workshop)
        return
    _check_tabs(workshop, (tab,) if tab else ())

    from octavo.progress import progress_for

    with progress_for() as progress:
        session = workshop.editing.prepare(tab or workshop.settings.default_tab, progress)
    _tell(workshop)  # what is wrong with the book is no reason not to edit it
    if session is None:
        sys.exit(EXIT_ERRORS)
    workshop.editing.serve(session, port=port, browser=not no_browser)


@main.command()
@click.argument("notebooks", nargs=-1, required=True, metavar="NOTEBOOK...", type=click.Path(path_type=Path))
@click.pass_context
def sync(context: click.Context, notebooks: tuple[Path, ...]) -> None:
    """Bring edited notebooks back into their pages.

    NOTEBOOK is one that `octavo build notebooks` has written and somebody has edited, anywhere. What was edited is
    changed in the page, and nothing else; what cannot be is shown, and then the page stays as it is.
    """
    workshop = _workshop(context)
    if workshop.has_settings:
        for notebook in notebooks:
            changed = workshop.syncing.sync(notebook)
            if changed is not None:
                click.echo(f"changed {_shown(changed)}", err=True)
    _finish(workshop)


@main.group(invoke_without_command=True)
@click.pass_context
def env(context: click.Context) -> None:
    """List, make or remove the frameworks' environments.

    Each framework has a lock, environments/TAB.txt; octavo makes its isolated interpreter on first need and uses
    it again as long as the lock does not change. Without a command: the list.
    """
    if context.invoked_subcommand is None:
        context.invoke(env_list)


@env.command("list")
@_json
@click.pass_context
def env_list(context: click.Context, as_json: bool = False) -> None:
    """List the environments that the book needs, and whether they are made."""
    workshop = _workshop(context)
    rows = workshop.environments.listed()
    if as_json:
        click.echo(json.dumps({"environments": rows}, indent=2))
    else:
        for row in rows:
            made = "made" if row["made"] else "not made yet"
            click.echo(f"{row['tab']:10}  python {row['python']}  {row['packages']:3} packages  {made}  {row['path']}")
    _finish(workshop)


@env.command("make")
@click.argument("tabs", nargs=-1, metavar="[TAB]...")
@click.pass_context
def env_make(context: click.Context, tabs: tuple[str, ...]) -> None:
    """Make environments ahead of their first use; all of them without a name."""
    workshop = _workshop(context)
    _check_tabs(workshop, tabs)

    from octavo.progress import progress_for

    with progress_for() as progress:
        workshop.environments.make(tabs, progress)
    _finish(workshop)


@env.command("remove")
@click.argument("tabs", nargs=-1, required=True, metavar="TAB...")
@click.pass_context
def env_remove(context: click.Context, tabs: tuple[str, ...]) -> None:
    """Remove the environments of these frameworks; they are made again when needed."""
    workshop = _workshop(context)
    _check_tabs(workshop, tabs)
    for path in workshop.environments.remove(tabs):
        click.echo(f"removed {path}")
    _finish(workshop)


@main.command()
@_output
@click.pass_context
def clean(context: click.Context, output: Path | None) -> None:
    """Remove what was built. Results, environments and everything you wrote stay."""
    workshop = _workshop(context, output=output)
    removed = workshop.upkeep.clean()
    if removed is not None:
        click.echo(f"removed {_shown(removed)}")
    _finish(workshop)


# click's older versions have no argument of the type here
class _Size(click.ParamType):  # type: ignore[type-arg]
    """A number of bytes as people write it: ``5GB``, ``800 MB``, ``1.5G``, ``4GiB``."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Bytes."""
        if isinstance(value, int):
            return value
        import re

        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", str(value).strip(), re.IGNORECASE)
        if found is None:
            self.fail(f"{value!r} is no size; write 5GB or 800MB", param, ctx)
        power = " KMGT".index(found[2].upper() or " ")
        return int(float(found[1]) * (1024 if found[3] else 1000) ** power)


def _bytes(number: int) -> str:
    size = float(number)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


_KINDS = {
    "run": "result",
    "environment": "environment",
    "file": "sent file",
    "work": "worker's folder",
    "quarantined": "quarantined file",
    "damaged": "damaged record",
    "temporary": "temporary file",
}
"""What people call the kinds of things that gather."""


@main.command()
@_json
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Say what is missing on this machine for the book's products, and the command that installs it.

    Exit code 1 if something is missing that a product needs. With --json: {"octavo", "well", "command", "findings":
    [{"name", "use", "found", "needed", "package", "place"}]}.
    """
    from octavo.build.doctor import about

    workshop = _workshop(context)
    well, findings = workshop.doctor.is_well, workshop.doctor.look()
    command = workshop.doctor.command()
    if as_json:
        rows = [
            {"name": f.name, "use": f.use, "found": f.found, "needed": f.needed, "package": f.package, "place": f.place}
            for f in findings
        ]
        answer = {"octavo": about(), "well": well, "command": command, "findings": rows}
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        click.echo(about())
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            state, colour = ("found", "green") if finding.found else ("missing", "red" if finding.needed else "yellow")
            what = finding.use if finding.found or finding.needed else f"{finding.use}; not needed for the book"
            click.echo(f"{click.style(f'{state:7}', colour)}  {finding.name:{width}}  {what}  {finding.place}".rstrip())
        if command:
            click.echo(f"install what the book lacks: {command}")
        extra = workshop.doctor.command(needed=False)
        if extra:
            click.echo(f"install what is good to have: {extra}")
        if well:
            click.echo("nothing is missing that the book needs")
    workshop.remember()
    if not well:
        sys.exit(EXIT_ERRORS)


@main.command("gc")
@click.option("--max-size", type=_Size(), metavar="SIZE", help="Also remove the oldest runs until this is left: 5GB.")
@click.option("--shared", is_flag=True, help="In the shared store instead of this machine's cache.")
@click.option("--dry-run", is_flag=True, help="Remove nothing, say what would be removed.")
@_json
@click.pass_context
def collect(context: click.Context, max_size: int | None, shared: bool, dry_run: bool, as_json: bool) -> None:
    """Remove from the cache what no build needs.

    Rubbish goes at once; environments and the like that were not used for 30 days and that this book has no lock of;
    and, with --max-size, the results that were not used for longest. What this book needs always stays.
    """
    workshop = _workshop(context)
    collected = workshop.upkeep.collect(max_size, shared=shared, dry_run=dry_run)
    if collected is None:
        click.echo("nothing was removed", err=True)
        _finish(workshop)
        sys.exit(EXIT_ERRORS)
    if as_json:
        rows = {
            name: [{"kind": i.kind, "name": i.name, "bytes": i.size, "needed": i.needed} for i in items]
            for name, items in (("removed", collected.removed), ("kept", collected.kept))
        }
        table = {**rows, "freed": collected.freed, "bytes": collected.size, "dry_run": dry_run}
        click.echo(json.dumps(table, indent=2))
        workshop.remember()
        return
    removed = "would remove" if dry_run else "removed"
    for item in collected.removed:
        if item.kind != "run":
            click.echo(f"{removed} the {_KINDS[item.kind]} {item.name}: {_bytes(item.size)}")
    for what, items, size in (
        (removed, collected.removed, collected.freed),
        ("kept", collected.kept, collected.size),
    ):
        counts: dict[str, int] = {}
        for item in items:
            counts[item.kind] = counts.get(item.kind, 0) + 1
        told = ", ".join(f"{number} {_KINDS[kind]}{'s' * (number != 1)}" for kind, number in counts.items())
        click.echo(f"{what} {told or 'nothing'}: {_bytes(size)}")
    if max_size is not None and collected.size > max_size:
        click.echo(f"that is more than {_bytes(max_size)}, but this book needs it, or it was used lately")
    _finish(workshop)
