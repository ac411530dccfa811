"""The command line: arguments → :mod:`octavo.build` → exit code.

Exit codes: 0 done, 1 the book has errors, 2 wrong usage, 70 a fault of octavo, 130 interrupted. Everything heavy is
imported inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import errno
import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from octavo import __version__

if TYPE_CHECKING:
    from octavo.build import Workshop

EXIT_ERRORS = 1
EXIT_FAULT = 70
EXIT_INTERRUPTED = 130

PRODUCTS = ("html", "lib", "notebooks")


_NOT_OURS = frozenset(
    (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR)
)
"""What the system refuses because of how the user's disk is, such as a folder that may not be written."""


class _Commands(click.Group):
    """Lists commands in the order in which they are written here: the order of a book's life."""

    def invoke(self, ctx: click.Context) -> object:
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
    return Workshop(folder, output=output)


def _finish(workshop: Workshop, *, as_json: bool = False) -> None:
    """Show every message and leave with the exit code that they call for."""
    from octavo.diagnostics import Severity, format_diagnostic, to_json_lines

    workshop.remember()
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
    if workshop.failed:
        sys.exit(EXIT_ERRORS)


_tab = click.option("--tab", "tabs", multiple=True, metavar="TAB", help="Only this framework; may be repeated.")
_json = click.option("--json", "as_json", is_flag=True, help="For machines: JSON on standard output.")
_jobs = click.option(
    "-j", "--jobs", type=click.IntRange(min=1), help="Kernels at once. Default: [execute] jobs, or as many as cores."
)
_output = click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where products go. Default: the book's _build.",
)


def _check_tabs(workshop: Workshop, tabs: tuple[str, ...]) -> None:
    if workshop.settings is None:
        return
    for tab in tabs:
        if tab not in workshop.settings.tabs:
            known = ", ".join(workshop.settings.tabs)
            raise click.BadParameter(f"this book has no framework {tab!r}; it has {known}", param_hint="--tab")


@main.command()
@click.argument("products", nargs=-1, required=True, metavar="PRODUCT...")
@click.option("--no-execute", is_flag=True, help="Use the results there are; execute nothing.")
@click.option("--check", "check_only", is_flag=True, help="With lib: only compare, show the difference, exit 1 if any.")
@_tab
@_jobs
@_output
@click.pass_context
def build(
    context: click.Context,
    products: tuple[str, ...],
    no_execute: bool,
    check_only: bool,
    tabs: tuple[str, ...],
    jobs: int | None,
    output: Path | None,
) -> None:
    """Bring products up to date: html, lib, notebooks.

    \b
    html       the website, with every framework's results on each page
    lib        the library harvested from the cells marked #@save
    notebooks  a Jupyter notebook for each page with code, in a folder for each framework

    Pages whose results are stale are executed first; a second build executes nothing.
    """
    for product in products:
        if product not in PRODUCTS:
            raise click.BadParameter(f"{product!r} is none of {', '.join(PRODUCTS)}", param_hint="PRODUCT")
    if check_only and set(products) != {"lib"}:
        raise click.UsageError("--check is for lib alone")
    workshop = _workshop(context, output=output)
    _check_tabs(workshop, tabs)

    from octavo.progress import progress_for

    if set(products) == {"html"}:
        site = workshop.finished_site(tabs, execute=not no_execute)
        if site is not None:
            click.echo(f"nothing has changed: the website is {_shown(site)}", err=True)
            _finish(workshop)
            return
    with progress_for() as progress:
        if "lib" in products:
            if check_only:
                workshop.compare_libraries()
            else:
                for path in workshop.write_libraries():
                    progress.note(f"wrote {path}")
        if not no_execute and {"html", "notebooks"} & set(products):
            workshop.execute(workshop.stale(tabs=tabs), progress, jobs=jobs)
        if "notebooks" in products:
            folder = workshop.build_notebooks(progress, tabs)
            if folder is not None:
                progress.note(f"the notebooks are in {_shown(folder)}")
        if "html" in products:
            site = workshop.build_html(progress, tabs)
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
@_tab
@_jobs
@click.pass_context
def run(context: click.Context, pages: tuple[str, ...], rerun: bool, tabs: tuple[str, ...], jobs: int | None) -> None:
    """Execute what is stale, and keep the results.

    PAGES are pages, folders or globs of pages, such as chapter_x, chapter_x/page.md or 'chapter_*/*'; without any, the
    whole book.
    """
    workshop = _workshop(context)
    _check_tabs(workshop, tabs)

    from octavo.progress import progress_for

    names = _named(workshop, pages)
    with progress_for() as progress:
        chosen = workshop.all(names, tabs) if rerun else workshop.stale(names, tabs)
        workshop.execute(chosen, progress, jobs=jobs, rerun=rerun)
        if not chosen and not workshop.failed:
            progress.note("nothing is stale")
    _finish(workshop)


def _named(workshop: Workshop, patterns: tuple[str, ...]) -> tuple[str, ...] | None:
    if not patterns or workshop.book is None:
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

    With --json: {"runs": [{"page", "tab", "state", "reasons"}], "messages": [as `octavo check --json`]}.
    """
    workshop = _workshop(context)
    _check_tabs(workshop, tabs)
    states = workshop.states(_named(workshop, pages), tabs)
    if as_json:
        rows = [{"page": s.page, "tab": s.tab, "state": s.state, "reasons": list(s.reasons)} for s in states]
        told = [diagnostic.to_json(workshop.read_line) for diagnostic in workshop.diagnostics]
        click.echo(json.dumps({"runs": rows, "messages": told}, indent=2, ensure_ascii=False))
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
    rows = workshop.environments()
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
        workshop.make_environments(tabs, progress)
    _finish(workshop)


@env.command("remove")
@click.argument("tabs", nargs=-1, required=True, metavar="TAB...")
@click.pass_context
def env_remove(context: click.Context, tabs: tuple[str, ...]) -> None:
    """Remove the environments of these frameworks; they are made again when needed."""
    workshop = _workshop(context)
    _check_tabs(workshop, tabs)
    for path in workshop.remove_environments(tabs):
        click.echo(f"removed {path}")
    _finish(workshop)


@main.command()
@_output
@click.pass_context
def clean(context: click.Context, output: Path | None) -> None:
    """Remove what was built. Results, environments and everything you wrote stay."""
    workshop = _workshop(context, output=output)
    removed = workshop.clean()
    if removed is not None:
        click.echo(f"removed {_shown(removed)}")
    _finish(workshop)
