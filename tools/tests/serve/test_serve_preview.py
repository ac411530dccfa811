"""`octavo serve` in a real browser: what is saved is on screen where the reader is; what is wrong stands over it."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from served_books import MESSAGES, PILL, SECONDS, Served, contents, look, serve, wait_for

LONG = "Words and more words, so that there is something to scroll past on every screen. " * 8
CELL = "```{.python .input}\n%s\n```\n\n"
CONFIG = "[project]\ntitle = A Book\n[build]\ntabs = pytorch, jax\nuntagged = all\n"
PAGE = "# A Page\n\n" + "".join(
    f"## Part {n}\n\nNumber {n}. {LONG}\n\n" + CELL % f"print({n})" + CELL % f"#@tab jax\nonly_jax({n})" + LONG + "\n\n"
    for n in range(9)
)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served") / "book"
    folder.mkdir()
    (folder / "config.ini").write_text(CONFIG)
    (folder / "index.md").write_text("# A Book\n\n```toc\npage\nother\n```\n")
    (folder / "page.md").write_text(PAGE)
    (folder / "other.md").write_text("# Another\n\nWords.\n")
    return folder


@pytest.fixture(scope="module")
def served(book: Path) -> Iterator[Served]:
    with serve(book, "--no-execute", "--port", "0") as running:
        running.until("rendered in")
        yield running


@pytest.fixture
def window(browser: object, book: Path) -> Iterator[object]:
    """A window; when the test is over the page is as it was."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    context.set_default_timeout(SECONDS * 500)
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    yield page
    assert page.problems == []
    context.close()
    (book / "config.ini").write_text(CONFIG)
    (book / "page.md").write_text(PAGE)


def shows(window: object, words: str) -> None:
    window.wait_for_function("words => document.querySelector('article').textContent.includes(words)", arg=words)


def follows(window: object) -> None:
    """Wait until a window has its line to octavo and knows the page as it was sent."""
    window.wait_for_function("document.querySelector('octavo-live')")
    window.wait_for_load_state("networkidle")


def scroll_to(window: object, part: int) -> None:
    look(window, "n => document.querySelectorAll('article h2')[n].scrollIntoView({behavior: 'instant'})", part)


def top_of(window: object, words: str) -> float:
    """Where a paragraph or heading begins on the screen."""
    return look(
        window,
        "words => [...document.querySelectorAll('article p, article h2')]"
        ".find(one => one.textContent.includes(words)).getBoundingClientRect().top",
        words,
    )


@pytest.mark.browser
def test_a_saved_word_is_put_into_every_window_without_loading_it_again(
    served: Served, book: Path, window: object
) -> None:
    second = window.context.new_page()
    for one in (window, second):
        one.goto(f"{served.address}/page.html?tab=jax")
        follows(one)
        look(one, "window.isTheSame = true")
        scroll_to(one, 5)
    before = top_of(window, "Number 5")
    assert look(window, "scrollY") > 500
    changed = PAGE.replace("Number 5.", "Number 5, a zeppelin.").replace("Number 1.", f"Number 1, longer. {LONG * 3}")
    (book / "page.md").write_text(changed)
    for one in (window, second):
        shows(one, "a zeppelin")
        assert look(one, "window.isTheSame") is True
    assert abs(top_of(window, "a zeppelin") - before) < 2  # though the page is longer above
    assert look(window, "document.documentElement.dataset.tab") == "jax"


@pytest.mark.browser
def test_changed_code_keeps_the_readers_line_and_framework(served: Served, book: Path, window: object) -> None:
    window.goto(f"{served.address}/page.html")
    window.locator(".ov-tab[data-tab=jax]").first.click()
    follows(window)
    scroll_to(window, 6)
    before = top_of(window, "Part 6")
    more = "\n".join(f"line_{n} = {n}" for n in range(30))
    (book / "page.md").write_text(PAGE.replace("print(2)", f"print(2)\n{more}"))
    shows(window, "line_29")
    wait_for(lambda: abs(top_of(window, "Part 6") - before) < 2, "the reader's line is lost")
    time.sleep(0.3)  # and stays, once everything is loaded
    assert abs(top_of(window, "Part 6") - before) < 2
    assert look(window, "document.documentElement.dataset.tab") == "jax"


@pytest.mark.browser
def test_an_error_stands_over_the_page_and_in_the_terminal_until_it_is_mended(
    served: Served, book: Path, window: object
) -> None:
    window.goto(f"{served.address}/page.html")
    follows(window)
    said = len(served.lines)
    line = PAGE.splitlines().index("## Part 3") + 3
    (book / "page.md").write_text(PAGE.replace("Number 3.", "Number 3, see :numref:`sec_nowhere`, <b>so</b>."))
    window.wait_for_function(f"{MESSAGES}.hidden === false")
    window.wait_for_function("document.querySelector('article').textContent.includes('Number 3, see')")
    window.wait_for_function(f"{MESSAGES}.hidden === false")
    text = look(window, f"{MESSAGES}.textContent")
    assert f"page.md:{line}" in text and "error[unknown-reference]" in text and "sec_nowhere" in text
    assert "1 error" in text and "<b>so</b>" in text  # the author's line, as text
    assert "error[unknown-reference]" in served.until(f"page.md:{line}: ", said)

    window.keyboard.press("Escape")
    assert look(window, f"{MESSAGES}.hidden") is True
    window.wait_for_function(f"{PILL}.textContent === '1 error'")
    (book / "page.md").write_text(PAGE)
    window.wait_for_function(f"{PILL}.hidden")
    assert look(window, f"{MESSAGES}.hidden") is True

    # settings that cannot be used: the last website stays
    (book / "config.ini").write_text(CONFIG.replace("[build]", "[build"))
    window.wait_for_function(f"{MESSAGES}.hidden === false && {MESSAGES}.textContent.includes('config.ini:')")
    assert "Number 3." in look(window, "document.querySelector('article').textContent")
    (book / "config.ini").write_text(CONFIG)
    window.wait_for_function(f"{MESSAGES}.hidden")


@pytest.mark.browser
def test_a_page_that_comes_to_be_is_shown_to_who_waits_for_it(served: Served, book: Path, window: object) -> None:
    answer = window.goto(f"{served.address}/new/late.html")
    assert answer.status == 404
    (book / "new").mkdir()
    (book / "new" / "late.md").write_text("# Late\n\nBut here.\n")
    (book / "index.md").write_text("# A Book\n\n```toc\npage\nother\nnew/late\n```\n")
    window.wait_for_function("document.body.textContent.includes('But here.')")
    (book / "new" / "late.md").write_text("# Late\n\nIn a folder that was not there before.\n")
    shows(window, "that was not there before")


def answer(served: Served, path: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(served.address).netloc, timeout=SECONDS)
    connection.putrequest("GET", path, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    got = connection.getresponse()
    return got.status, got.read()


def test_only_this_machine_gets_only_the_website(served: Served, book: Path) -> None:
    host, port = urlsplit(served.address).netloc.split(":")
    assert host == "127.0.0.1"
    assert answer(served, "/page.html")[0] == 200
    for name, allowed in ((f"localhost:{port}", 200), ("localhost", 200), (f"[::1]:{port}", 200)):
        assert answer(served, "/page.html", Host=name)[0] == allowed
    for name in (f"evil.example:{port}", "evil.example", f"127.0.0.1.evil.example:{port}", "", "[::1"):
        assert answer(served, "/page.html", Host=name)[0] in (400, 403)
        assert answer(served, "/_octavo/live.js", Host=name)[0] in (400, 403)

    (book / "_build/html/out.txt").symlink_to(book / "config.ini")
    for path in ("/../../config.ini", "/%2e%2e/%2e%2e/config.ini", "/out.txt", "//etc/passwd", "/%00", "/..%2freceipt",
                 f"/{book}/config.ini", f"/{'a' * 5000}", "/%ed%a0%80"):  # fmt: skip
        assert answer(served, path)[0] == 404, path


def test_other_websites_get_no_line(served: Served) -> None:
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec_WebSocket_Version": "13",
    }
    host = urlsplit(served.address).netloc

    def status(**more: str) -> int:
        connection = http.client.HTTPConnection(host, timeout=SECONDS)
        headers = {name.replace("_", "-"): value for name, value in {**upgrade, **more}.items()}
        connection.request("GET", "/_octavo/live", headers=headers)
        return connection.getresponse().status

    assert status(Origin=served.address) == 101
    for origin in (
        "http://evil.example",
        "null",
        "http://localhost:1",
        f"https://{host}",
        f"http://{host}.evil.example",
    ):
        assert status(Origin=origin) == 403
    assert status(Origin="http://evil.example", Host="evil.example") == 403


def test_no_line_says_what_ends_the_preview(served: Served, book: Path) -> None:
    from tornado.httpclient import HTTPRequest
    from tornado.websocket import websocket_connect

    page = '{"path": "/page.html", "tab": "jax"}'
    odd = ["[]", "5", "null", "[" * 100_000, '{"path": 1, "tab": 2}', r'{"path": "/\ud800", "tab": "\ud800"}']
    odd += ['{"path": "/%s", "tab": ""}' % ("a" * 5000), '{"path": "/../../config.ini", "tab": "", "run": true}']
    begun = len(served.lines)

    async def talk() -> str | bytes | None:
        address = f"{served.address.replace('http', 'ws')}/_octavo/live"
        line = await websocket_connect(HTTPRequest(address, headers={"Origin": served.address}))
        for said in (page, *odd):
            await line.write_message(said)
        (book / "other.md").write_text("# Another\n\nOther words.\n")
        await asyncio.to_thread(served.until, "rendered in", begun)
        await line.write_message(page)
        answer = await asyncio.wait_for(line.read_message(), SECONDS)
        line.close()
        return answer

    with ThreadPoolExecutor(1) as elsewhere:  # the driver of browsers has a loop of its own here
        assert "version" in str(elsewhere.submit(asyncio.run, talk()).result())
    assert not [text for text in served.lines if "Traceback" in text]


def test_a_port_that_is_taken_is_left_alone_and_the_end_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "book"
    folder.mkdir()
    (folder / "config.ini").write_text(CONFIG)
    (folder / "index.md").write_text("# A Book\n\n```toc\npage\n```\n")
    (folder / "page.md").write_text(PAGE)
    before = contents(folder)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        mark = f"SERVED_BOOK_MARK={tmp_path}"
        options = ("--port", str(port), "--output", str(tmp_path / "out"))
        with serve(folder, *options, variables=dict([mark.split("=", 1)])) as running:
            assert int(running.address.rpartition(":")[2]) > port
            running.until("rendered in")
            (folder / "page.md").write_text(PAGE + "\n")
            running.until("rendered in", len(running.lines))
            (folder / "page.md").write_text(PAGE + "\n\n")
            time.sleep(0.15)  # perhaps in the middle of the next
            assert running.interrupt() == 0
    wait_for(lambda: not carrying(mark), "processes are left")
    (folder / "page.md").write_text(PAGE)
    assert contents(folder) == before


def carrying(mark: str) -> list[str]:
    """Processes that have a variable."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(entry.name)
        except OSError:
            continue
    return [pid for pid in found if int(pid) != os.getpid()]
