"""``octavo serve`` from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from pathlib import Path

from octavo.serve.copies import Original
from octavo.serve.jobs import Job, Rendered, rehearse, work


def serve(
    job: Job, *, products: Path, port: int, execute: bool, tell: Callable[[str], None], open_browser: bool = False
) -> None:
    """Serve a book until interrupted; ``products`` is the folder that its website is in."""
    original = Original(work, rehearse)  # before there are threads, or an event loop
    try:
        with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
            asyncio.run(_serve(original, job, products, port, execute, tell, open_browser))
    finally:
        original.close()


async def _serve(
    original: Original,
    job: Job,
    products: Path,
    port: int,
    execute: bool,
    tell: Callable[[str], None],
    open_browser: bool,
) -> None:
    from tornado.httpserver import HTTPServer

    from octavo.serve.server import HOST, application, listen
    from octavo.serve.session import Session
    from octavo.serve.watching import Watching

    session = Session(original, job, execute, tell)
    watching = Watching(job.folder, session.changed, products)

    def watch_what_was_rendered(rendered: Rendered) -> None:
        watching.look(rendered.output, *([rendered.source] if rendered.source else []))

    session.after_rendering = watch_what_was_rendered
    server = HTTPServer(application(session))
    address = f"http://{HOST}:{listen(server, port)}/"
    tell(f"serving the book at {address} – Ctrl-C ends it")
    tasks = [asyncio.ensure_future(watching.run()), asyncio.ensure_future(session.run())]
    ends = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:  # as below nohup
            loop.add_signal_handler(number, ends.set)
    if open_browser:
        import webbrowser

        await asyncio.to_thread(webbrowser.open, address)
    ending = asyncio.ensure_future(ends.wait())
    await asyncio.wait({*tasks, ending}, return_when=asyncio.FIRST_COMPLETED)
    server.stop()
    for task in (*tasks, ending):
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    await server.close_all_connections()
    for result in results:
        if isinstance(result, Exception):
            raise result
