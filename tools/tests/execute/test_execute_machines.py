"""Many machines, as real processes: shares of a run over one store, and a Dask cluster of which a worker is killed.

Everything is seen from outside: the command line, the processes of the system, the files of the book.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from execute_books import MARK, MiniBook, cleaned_up, page, share_environments, survivors_after, write_book

from octavo.execute.environments.environment import Environment, Lock

pytestmark = pytest.mark.slow

SECONDS = 60.0
"""How long anything may take that a test waits for."""

EXECUTED = re.compile(r"^executing (\S+) \(small\)", re.MULTILINE)


def wait_for(what: Callable[[], object], seconds: float = SECONDS) -> object:
    """What ``what`` gives, as soon as that is something."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)
    return found


@pytest.fixture
def machine(tmp_path: Path, small: Environment, small_lock: Lock) -> Callable[..., MiniBook]:
    """Another machine with the same book and the same store, and nothing else in common."""
    lock = f"# python: {small_lock.python}\n{small_lock.requirements}"

    def build(name: str, pages: dict[str, str], settings: str = "", **variables: str) -> MiniBook:
        book = write_book(tmp_path / name, pages, {"small": lock}, settings)
        share_environments(book, small.folder.parent)
        return replace(book, variables={"OCTAVO_STORE": f"file://{tmp_path}/store", **variables})

    return build


def results(book: MiniBook) -> dict[str, bytes]:
    return book.files("outputs")


# -- shares

PAGES = {f"p{n}": page(f"Page {n}", f"print('page', {n})") for n in range(6)}


def test_shares_are_everything_once_whenever_they_start(machine: Callable[..., MiniBook]) -> None:
    first, second, third = (machine(name, PAGES) for name in ("one", "two", "three"))
    # two at once, the third when results of these are there
    running = [book.start("run", "--shard", f"{n}/3") for n, book in ((1, first), (2, second))]
    printed = [process.communicate(timeout=240)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], printed
    last = third.run("run", "--shard", "3/3")
    assert last.returncode == 0, last.stderr
    shares = [EXECUTED.findall(text) for text in (*printed, last.stderr)]
    assert sorted(name for share in shares for name in share) == sorted(PAGES)
    assert [len(share) for share in shares] == [2, 2, 2]

    whole = machine("four", PAGES)
    done = whole.run("build", "html")
    assert done.returncode == 0, done.stderr
    assert EXECUTED.findall(done.stderr) == []
    assert [name for name in results(whole) if name.endswith(".json")] == [f"outputs/{p}/small.json" for p in PAGES]
    again = first.run("run", "--shard", "1/3")
    assert again.returncode == 0
    assert EXECUTED.findall(again.stderr) == []


def test_shares_are_balanced_by_recorded_times(machine: Callable[..., MiniBook]) -> None:
    pages = {"long": page("Long", "import time; time.sleep(6)"), **PAGES}
    book = machine("one", pages)
    assert book.run("run").returncode == 0
    shares = []
    for n in (1, 2):
        done = machine(f"share{n}", pages).run("run", "--rerun", "--shard", f"{n}/2")
        assert done.returncode == 0, done.stderr
        shares.append(EXECUTED.findall(done.stderr))
    assert sorted(map(len, shares)) < [3, 4], shares
    assert sorted(name for share in shares for name in share) == sorted(pages)


def test_a_share_without_a_store_says_that_its_results_stay_here(machine: Callable[..., MiniBook]) -> None:
    pages = dict(list(PAGES.items())[:2])
    shares = []
    for n in (1, 2):
        done = machine(f"share{n}", pages, OCTAVO_STORE="").run("run", "--shard", f"{n}/2")
        assert done.returncode == 0, done.stderr
        assert "warning[shared-store]: no other machine gets the results" in done.stderr
        shares.append(EXECUTED.findall(done.stderr))
    assert sorted(shares) == [["p0"], ["p1"]]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--shard", "0/4"), "of 4 shares the first is 1/4"),
        (("--shard", "5/4"), "the last 4/4"),
        (("--shard", "a/b"), "no share such as 1/4"),
        (("--backend", "dask"), "needs --address"),
        (("--address", "tcp://127.0.0.1:1"), "--address is for --backend dask"),
        (("--backend", "dask", "--address", "tcp://127.0.0.1:1"), "needs a shared store"),
    ],
)
def test_wrong_usage_is_told(machine: Callable[..., MiniBook], arguments: tuple[str, ...], why: str) -> None:
    done = machine("one", {"p": page("P", "1")}, OCTAVO_STORE="", DASK_SCHEDULER_ADDRESS="").run("run", *arguments)
    assert done.returncode == 2
    assert why in " ".join(done.stderr.split())


# -- a cluster


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Cluster:
    """A scheduler and its workers, all on this machine, each worker with a cache of its own."""

    folder: Path
    environments: Path
    address: str
    mark: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *arguments: str, **variables: str) -> None:
        """Start one of Dask's programs; what it and its kernels are is told by their mark."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *arguments, "--no-dashboard"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **variables, MARK: f"{self.mark}-{name}"},
                cwd=self.folder,
                start_new_session=True,
            )

    def add_worker(self, name: str, *arguments: str, **variables: str) -> None:
        cache = self.folder / f"cache-{name}"
        cache.mkdir()
        (cache / "environments").symlink_to(self.environments)
        self.start(
            name, "distributed.cli.dask_worker", self.address, "--no-nanny", "--local-directory", str(cache / "dask"),
            *arguments, OCTAVO_CACHE=str(cache), WORKER=name, **variables,
        )  # fmt: skip
        wait_for(lambda: b"Registered to" in (self.folder / f"{name}.log").read_bytes())


@pytest.fixture
def cluster(tmp_path: Path, small: Environment) -> Iterator[Cluster]:
    port, mark = free_port(), uuid.uuid4().hex
    folder = tmp_path / "cluster"
    folder.mkdir()
    one = Cluster(folder, small.folder.parent, f"tcp://127.0.0.1:{port}", mark)
    with cleaned_up(mark):
        one.start("scheduler", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port))
        yield one
        for process in reversed(one.processes.values()):  # the scheduler last, as a cluster is taken down
            process.terminate()
            process.wait(30)


WAITS = """
import os, pathlib, time
place = pathlib.Path(os.environ.get("MEET", "/nonexistent"))
if place.is_dir():
    (place / os.environ["WORKER"]).write_text(str(os.getpid()))
    while not (place / "go").exists():
        time.sleep(0.02)
"""

CLUSTER_PAGES = {
    "ch/saves": page("Saves", "def twice(x):  #@save\n    return 2 * x", "twice(2)"),
    "ch/uses": page(
        "Uses",
        "from d2l import small as d2l\nimport helper",
        "print(d2l.twice(21), helper.VALUE, open('../img/a.txt').read(), open('../data/b.csv').read())",
    ),
    "ch/waits": page("Waits", WAITS, "print('went on')"),
    "ch/other": page("Other", "import os\nos.getcwd()", "print(__import__('tempfile').gettempdir())"),
    "ch/fails": page("Fails", "x = 1", "def f():\n    return 1 / 0\n\nf()"),
}
SETTINGS = "[execute]\nfiles = data/b.csv\n"


def with_files(book: MiniBook) -> MiniBook:
    text = (book.folder / "config.ini").read_text()
    (book.folder / "config.ini").write_text(text.replace("[build]\n", "[build]\nresources = img/ data\n"))
    for name, content in {"img/a.txt": "picture", "data/b.csv": "1,2", "helper.py": "VALUE = 'own'"}.items():
        (book.folder / name).parent.mkdir(exist_ok=True)
        (book.folder / name).write_text(content)
    return book


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_killed_workers_page_runs_again_elsewhere(
    machine: Callable[..., MiniBook], cluster: Cluster, tmp_path: Path, how: signal.Signals
) -> None:
    meet = tmp_path / "meet"
    meet.mkdir()
    for name in ("a", "b"):
        cluster.add_worker(name, "--nthreads", "2", MEET=str(meet))
    book = with_files(machine("one", CLUSTER_PAGES, SETTINGS))
    client = book.start("run", "--backend", "dask", "--address", cluster.address)
    try:
        (killed,) = wait_for(lambda: list(meet.iterdir()))  # type: ignore[misc]
        os.kill(cluster.processes[killed.name].pid, how)
        cluster.processes[killed.name].wait(30)
        assert survivors_after(f"{cluster.mark}-{killed.name}") == {}, "the kernels of the killed worker are gone"
        other = {"a": "b", "b": "a"}[killed.name]
        wait_for((meet / other).exists)
        (meet / "go").touch()
        _, printed = client.communicate(timeout=120)
    finally:
        client.kill()
    assert client.returncode == 1
    assert "ch/fails.md:11" in printed and "ZeroDivisionError" in printed
    assert printed.count("error[") == 1, printed
    assert "done in" in printed

    alone = with_files(machine("two", CLUSTER_PAGES, SETTINGS, OCTAVO_STORE=""))
    assert alone.run("run").returncode == 1
    assert results(book) == results(alone)
    assert len([name for name in results(book) if name.endswith(".json")]) == 4

    # another clone with the same store has nothing to do but the page that fails
    third = with_files(machine("three", CLUSTER_PAGES, SETTINGS)).run("run")
    assert EXECUTED.findall(third.stderr) == ["ch/fails"]


@pytest.mark.parametrize("how", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGKILL])
def test_a_stopped_client_ends_what_its_pages_do(
    machine: Callable[..., MiniBook], cluster: Cluster, tmp_path: Path, how: signal.Signals
) -> None:
    meet = tmp_path / "meet"
    meet.mkdir()
    cluster.add_worker("a", "--nthreads", "1", MEET=str(meet))
    book = machine("one", {"waits": page("Waits", WAITS), "next": page("Next", "1")})
    client = book.start("run", "--backend", "dask", "--address", cluster.address)
    kernel = int(str(wait_for(lambda: (meet / "a").exists() and (meet / "a").read_text())))
    assert Path(f"/proc/{kernel}").exists()
    client.send_signal(how)
    _, printed = client.communicate(timeout=30)
    assert client.returncode == (130 if how == signal.SIGINT else -9), printed
    wait_for(lambda: not Path(f"/proc/{kernel}").exists(), 15)
    # and the cluster is as good as before
    (meet / "go").touch()
    again = book.run("run", "--backend", "dask", "--address", cluster.address)
    assert again.returncode == 0, again.stderr
    assert len([name for name in results(book) if name.endswith(".json")]) == 2


def impatient(book: MiniBook, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, which does not wait as long as it does for users."""
    code = (
        "import sys, octavo.execute.backends.distributed as d\n"
        "d.PATIENCE_SECONDS, d.LOOK_SECONDS, d.CONNECT_SECONDS = 2.0, 0.5, 1.5\n"
        "from octavo.cli import main\nmain()"
    )
    command = [sys.executable, "-c", code, "-C", str(book.folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=book.environment(), timeout=SECONDS, check=False)


def with_cards(text: str, gpus: str) -> str:
    return f"---\nexecute:\n  gpus: {gpus}\n---\n{text}"


def test_pages_go_where_their_cards_are(machine: Callable[..., MiniBook], cluster: Cluster) -> None:
    code = "import os\nprint(os.environ['WORKER'], repr(os.environ.get('CUDA_VISIBLE_DEVICES')))"
    gpus = {"must": "1", "too": "1", "may": "0-1", "none": "0", "two": "2"}
    pages = {name: with_cards(page("Shows", f"{code}\n{name!r}"), number) for name, number in gpus.items()}
    cluster.add_worker("cards", "--nthreads", "2", "--resources", "GPU=1", OCTAVO_CARDS="1x16GB")
    cluster.add_worker("plain", "--nthreads", "2")
    book = machine("one", pages)
    done = impatient(book, "run", "--backend", "dask", "--address", cluster.address)
    assert "the page needs a worker with 2 GPUs, and the most that any has is 1: two (small)" in done.stderr
    printed = {
        name: "".join(
            json.loads((book.folder / f"outputs/{name}/small.json").read_text())["cells"][0]["outputs"][0]["text"]
        )
        for name in pages
        if name != "two"
    }
    card = {"cards 'SIMULATED-0'"}
    assert {printed[name] for name in ("must", "too", "may")} == card, printed
    assert printed["none"].endswith("''"), printed
    assert not (book.folder / "outputs" / "two").exists()


def test_what_one_machine_cannot_do_another_does(machine: Callable[..., MiniBook], cluster: Cluster) -> None:
    cluster.add_worker("a", "--nthreads", "1")
    broken = cluster.folder / "cache-a" / "environments"
    broken.unlink()
    broken.write_text("this is no folder")
    cluster.add_worker("b", "--nthreads", "1")
    pages = {f"p{n}": page(f"P{n}", f"print({n})") for n in range(3)}
    done = machine("one", pages).run("run", "--backend", "dask", "--address", cluster.address)
    assert done.returncode == 0, done.stderr
    cluster.processes["b"].terminate()
    cluster.processes["b"].wait(30)
    alone = machine("two", {"q": page("Q", "2")}).run("run", "--backend", "dask", "--address", cluster.address)
    assert alone.returncode == 1
    assert "error[environment]" in alone.stderr


def test_a_page_whose_second_machine_is_lost_too_is_given_up(
    machine: Callable[..., MiniBook], cluster: Cluster, tmp_path: Path
) -> None:
    meet = tmp_path / "meet"
    meet.mkdir()
    cluster.add_worker("a", "--nthreads", "1")
    broken = cluster.folder / "cache-a" / "environments"
    broken.unlink()
    broken.write_text("this is no folder")
    cluster.add_worker("b", "--nthreads", "1", MEET=str(meet))
    pages = {f"p{n}": page(f"P{n}", f"{WAITS}\nprint({n})") for n in range(3)}
    with ThreadPoolExecutor(1) as pool:
        client = pool.submit(impatient, machine("one", pages), "run", "--backend", "dask", "--address", cluster.address)
        wait_for((meet / "b").exists)
        time.sleep(2)
        cluster.processes["b"].kill()
        done = client.result(SECONDS)
    assert done.returncode == 1
    assert "error[environment]" in done.stderr
    assert done.stderr.count(" failed: ") == 3, done.stderr


def test_a_declared_variable_that_is_another_there_is_told(machine: Callable[..., MiniBook], cluster: Cluster) -> None:
    cluster.add_worker("a", COLOUR="green")
    book = machine("one", {"p": page("P", "1")}, "[execute]\nvariables = COLOUR\n")
    told = book.run("run", "--backend", "dask", "--address", cluster.address, COLOUR="blue")
    assert told.returncode == 1
    assert "the declared variable COLOUR is not the same on this machine" in told.stderr
    assert "green" not in told.stderr and "blue" not in told.stderr
    done = book.run("run", "--backend", "dask", "--address", cluster.address, COLOUR="green")
    assert done.returncode == 0, done.stderr


def test_a_cluster_that_is_of_no_use_is_told(
    machine: Callable[..., MiniBook], cluster: Cluster, tmp_path: Path
) -> None:
    book = machine("one", {"p": page("P", "1")})
    nobody = impatient(book, "run", "--backend", "dask", "--address", f"tcp://127.0.0.1:{free_port()}")
    assert nobody.returncode == 1
    assert "error[cluster]: no scheduler answers at" in nobody.stderr
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "sitecustomize.py").write_text("import octavo\noctavo.__version__ = '0.0.1'\n")
    cluster.add_worker("a", PYTHONPATH=str(tmp_path / "other"))
    other = book.run("run", "--backend", "dask", "--address", cluster.address)
    assert other.returncode == 1
    assert "has octavo 0.0.1, this is octavo" in other.stderr
    assert "install the same version" in other.stderr
