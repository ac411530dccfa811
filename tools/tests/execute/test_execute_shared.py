"""The shared shelf: in a folder, in fsspec's memory, and on a real server of the S3 protocol."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from execute_stores import TEST_CREDENTIALS, Place, place_of, s3_server  # noqa: F401  a fixture

from octavo.diagnostics import Code, Diagnostics
from octavo.execute.freshness import key as keys
from octavo.execute.results.media import medium_of
from octavo.execute.results.shared import SharedStore, StoreError, configured
from octavo.execute.results.store import Results
from octavo.model import CellRun, Failure, Inputs, Output, Run

Octavo = Callable[..., subprocess.CompletedProcess[str]]


def make_run(text: str = "1", *, source: str = "x", page: str = "one", tab: str = "small", seconds: float = 2.5) -> Run:
    digest = hashlib.sha256(source.encode()).hexdigest()
    inputs = Inputs((digest,), {}, {"python": "3.11"}, {"tab": tab})
    cell = CellRun(digest, (Output("stream", "stdout", text),), seconds=seconds, memory=1 << 20, gpu_memory=3)
    return Run(keys.key(inputs), page, tab, inputs, (cell,), None, seconds, "cpu", "a-host")


# -- stores


@pytest.fixture(params=["folder", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return place_of(request.param, request, tmp_path, monkeypatch)


@pytest.fixture
def heard() -> Diagnostics:
    return Diagnostics()


@pytest.fixture
def store(place: Place, heard: Diagnostics) -> Callable[..., SharedStore]:
    """Another build's look at the store: ``store()``, ``store("read-only")``."""

    def build(mode: str = "read-write", **more: str) -> SharedStore:
        made = SharedStore.open(place.url, mode, heard.add, **more)  # type: ignore[arg-type]
        assert made is not None
        return made

    return build


Stores = Callable[..., SharedStore]


# -- runs


def test_a_run_comes_back_whole_in_another_build(store: Stores, heard: Diagnostics) -> None:
    run = make_run("täxt\x1b[0m\n")
    store().save(run)
    other = store("read-only")
    assert other.has(run.key)
    assert other.find(run.key) == run
    assert other.seconds("one", "small") == 2.5
    assert other.seconds("two", "small") is None
    assert len(heard) == 0


@pytest.mark.slow
def test_many_are_fetched_and_what_is_not_there_is_left_out(store: Stores) -> None:
    runs = {run.key: run for run in (make_run(source=f"cell {n}", page=f"page{n}") for n in range(70))}
    writer = store()
    for run in runs.values():
        writer.save(run)
    reader = store()
    assert dict(reader.fetch([*runs, "0" * 64])) == runs
    assert [reader.has(key) for key in (*runs, "0" * 64)] == [True] * 70 + [False]


def test_the_first_run_stays_and_one_that_was_forced_takes_its_place(store: Stores, place: Place) -> None:
    store().save(make_run("first"))
    before = place.files()
    store().save(make_run("second"))
    assert place.files() == before, "nothing is written twice"
    store().save(make_run("second"), forced=True)
    assert store().find(make_run().key) == make_run("second")
    assert len(place.files("runs")) == 1


def test_a_failed_run_is_never_shared(store: Stores, place: Place) -> None:
    store().save(replace(make_run(), failure=Failure("exception", "E", "m")))
    assert place.files() == {}


def test_readers_agree_when_two_builds_made_one_result(store: Stores) -> None:
    first, second = store(), store()
    key = make_run().key
    assert not first.has(key) and not second.has(key)  # both begin before either is done
    first.save(make_run("first"))
    second.save(make_run("second"))
    found = [store().find(key) for _ in range(3)]
    assert found[0] is not None and found == found[:1] * 3


DAMAGE = {
    "flipped": lambda content: content.replace(b"stdout", b"stderr"),
    "cut": lambda content: content[:50],
    "empty": lambda content: b"",
    "binary": lambda content: b"\xff\xfe",
}


@pytest.mark.parametrize(
    ("place", "damage"), [*(("folder", damage) for damage in DAMAGE), ("memory", "cut"), ("s3", "flipped")],
    indirect=["place"],
)  # fmt: skip
def test_a_damaged_record_is_set_aside_and_made_again(
    store: Stores, place: Place, heard: Diagnostics, damage: str
) -> None:
    run = make_run()
    store().save(run)
    ((name, content),) = place.files().items()
    place.put(name, DAMAGE[damage](content))

    reader = store("read-only")
    assert reader.find(run.key) is None and not reader.has(run.key)
    assert list(place.files()) == [name], "who may not write only ignores it"
    assert [message.code for message in heard] == [Code.DAMAGED_RESULT]

    mending = store()
    assert mending.find(run.key) is None
    assert list(place.files()) == [f"damaged/{name.rpartition('/')[2]}"]
    mending.save(run)
    assert place.files("runs") == {name: content}
    assert mending.find(run.key) == store().find(run.key) == run


def test_of_two_records_the_good_one_is_taken(store: Stores, place: Place) -> None:
    first, second = store(), store()
    assert not first.has(make_run().key) and not second.has(make_run().key)
    first.save(make_run("first"))
    second.save(make_run("second"))
    names = sorted(place.files("runs"))
    place.put(names[0], b"damaged")
    found = store().find(make_run().key)
    assert found is not None and hashlib.sha256(place.files("runs")[names[1]]).hexdigest() in names[1]
    assert found.cells[0].outputs[0].text in ("first", "second")


def test_a_record_of_something_else_is_refused(store: Stores, place: Place) -> None:
    """Its checksum fits, since whoever writes to the store can make one that does."""
    run, other = make_run(), make_run(source="other")
    store().save(other)
    ((name, content),) = place.files().items()
    place.put(name.replace(other.key, run.key).replace(f"/{other.key[:2]}/", f"/{run.key[:2]}/"), content)
    assert store("read-only").find(run.key) is None
    assert store().find(other.key) == other


@pytest.mark.parametrize(
    "change",
    [
        {"page": "../../../elsewhere"},
        {"page": "/elsewhere"},
        {"page": "a//b"},
        {"page": "a\nb"},
        {"page": ""},
        {"tab": "../elsewhere"},
        {"tab": "a/b"},
        {"tab": "other"},
        {"picture": "this is no base64!"},
    ],
    ids=str,
)
def test_a_record_that_is_made_to_do_harm_is_refused(
    store: Stores, place: Place, heard: Diagnostics, change: dict[str, str]
) -> None:
    """Key, checksum and name fit; what it says would lead files astray, or end the build with an error."""
    run = make_run()
    store().save(run)
    ((name, content),) = place.files().items()
    record = json.loads(content)
    if "picture" in change:
        record["cells"][0]["outputs"] = [{"kind": "display", "data": {"image/png": [change["picture"]]}}]
    else:
        record |= change
    bad = json.dumps(record).encode()
    sha, pair = hashlib.sha256(bad).hexdigest(), f"{record['tab']}\0{record['page']}".encode()
    place.put(f"runs/1/{run.key[:2]}/{run.key}-{sha}-{hashlib.sha256(pair).hexdigest()[:16]}-2500.json", bad)
    store().remove([name])
    assert store("read-only").find(run.key) is None
    assert [message.code for message in heard] == [Code.DAMAGED_RESULT]


def test_files_that_are_no_records_are_left_alone(store: Stores, place: Place) -> None:
    place.put("runs/1/notes.txt", b"mine")
    place.put("runs/1/ab/notes.json", b"mine")
    assert not store().has("ab" + "0" * 62)
    assert store().seconds("one", "small") is None
    assert len(place.files()) == 2


# -- modes


def test_nothing_is_written_where_the_store_is_read_only(store: Stores, place: Place) -> None:
    reader = store("read-only")
    reader.save(make_run())
    with pytest.raises(StoreError):
        reader.put_blob(b"x")
    with pytest.raises(StoreError):
        reader.create("x", b"x")
    assert place.files() == {}


def test_a_quarantined_build_reads_what_is_trusted_and_writes_elsewhere(store: Stores, place: Place) -> None:
    store().save(make_run("trusted"))
    guest = store("quarantine", quarantine="pr-17")
    assert guest.find(make_run().key) == make_run("trusted")
    guest.save(make_run("poisoned", source="of the guest"))
    guest.save(make_run("poisoned"), forced=True)
    sha = guest.put_blob(b"poison")
    assert guest.get_blob(sha) == b"poison"
    assert guest.create("plan", b"poison") == b"poison"
    assert all(name.startswith("quarantine/pr-17/") for name in place.files() if not name.startswith("runs/"))

    trusted = store()
    assert trusted.find(make_run(source="of the guest").key) is None
    assert trusted.find(make_run().key) == make_run("trusted")
    assert trusted.get_blob(sha) is None
    assert trusted.create("plan", b"good") == b"good"


def test_every_quarantined_build_has_a_folder_of_its_own(store: Stores, place: Place) -> None:
    for _ in range(2):
        store("quarantine").save(make_run())
    assert len({name.split("/")[1] for name in place.files("quarantine")}) == 2


# -- blobs, and files that one of many makes


@pytest.mark.slow
def test_blobs_are_kept_by_content(store: Stores, place: Place) -> None:
    data = bytes(range(256)) * 1000
    sha = store().put_blob(data)
    assert sha == hashlib.sha256(data).hexdigest()
    assert store().put_blob(data) == sha
    assert store("read-only").get_blob(sha) == data
    assert store().get_blob("0" * 64) is None
    assert store().get_blob("../../etc/passwd") is None
    assert len(place.files()) == 1
    assert store().get_blob(store().put_blob(b"")) == b""


def test_a_damaged_blob_is_set_aside_and_kept_anew(store: Stores, place: Place, heard: Diagnostics) -> None:
    sha = store().put_blob(b"content")
    (name,) = place.files()
    place.put(name, b"CONTENT")
    assert store().get_blob(sha) is None
    assert [message.code for message in heard] == [Code.DAMAGED_RESULT]
    store().put_blob(b"content")
    assert store().get_blob(sha) == b"content"


def test_the_first_to_create_a_file_wins(store: Stores) -> None:
    assert store().create("shards/ab/plan.json", b"first") == b"first"
    assert store().create("shards/ab/plan.json", b"second") == b"first"
    assert store("read-only").create("shards/ab/plan.json", b"third") == b"first"
    for name in ("../x", "a//b", "/x", "a/.hidden", "", "a*"):
        with pytest.raises(ValueError, match="no name"):
            store().create(name, b"x")


WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from test_execute_shared import make_run
from octavo.diagnostics import Diagnostics
from octavo.execute.results.shared import SharedStore
heard = Diagnostics()
store = SharedStore.open(sys.argv[2], "read-write", heard.add)
name = sys.argv[3]
sys.stdin.readline()  # all begin together
for number in range(8):
    run = make_run(f"{name} {number}", source=f"shared cell {number}")
    store.save(run, forced=number % 2 == 0)
    store.save(make_run(name, source=f"cell {number} of {name}", page=name))
print(store.create("once", name.encode()).decode())
print(*(message.message for message in heard))
"""


@pytest.mark.parametrize("kind", ["folder", pytest.param("s3", marks=pytest.mark.slow)])
def test_many_processes_write_at_once(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: Diagnostics
) -> None:
    place = place_of(kind, request, tmp_path, monkeypatch)
    (tmp_path / "writer.py").write_text(WRITER)
    writers = [
        subprocess.Popen(
            [sys.executable, str(tmp_path / "writer.py"), str(Path(__file__).parent), place.url, f"writer{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    seen = set()
    ended = threading.Event()

    def read_meanwhile() -> None:
        while not ended.is_set():
            reader = SharedStore.open(place.url, "read-only", heard.add)
            assert reader is not None
            seen.update(run.cells[0].outputs[0].text for _, run in reader.fetch(shared_keys))

    shared_keys = [make_run(source=f"shared cell {number}").key for number in range(8)]
    reading = threading.Thread(target=read_meanwhile)
    reading.start()
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    answers = [writer.communicate(timeout=120)[0].splitlines() for writer in writers]
    ended.set()
    reading.join(60)
    assert [writer.returncode for writer in writers] == [0] * 4
    winners = {lines[0] for lines in answers}
    assert len(winners) == 1, "all were given what the first had written"
    assert [lines[1:] for lines in answers] == [[""]] * 4
    assert len(heard) == 0, [message.message for message in heard]

    reader = SharedStore.open(place.url, "read-write", heard.add)
    assert reader is not None
    found = dict(reader.fetch(shared_keys))
    assert set(found) == set(shared_keys), "however often it was forced, one is left"
    own = [make_run(source=f"cell {n} of writer{w}").key for n in range(8) for w in range(4)]
    assert set(dict(reader.fetch(own))) == set(own)
    assert len(heard) == 0


# -- what goes wrong


def open_store(url: str, heard: Diagnostics, mode: str = "read-write") -> SharedStore:
    made = SharedStore.open(url, mode, heard.add)  # type: ignore[arg-type]
    assert made is not None
    return made


def use(store: SharedStore) -> None:
    """What a build does, as often as it has pages."""
    for number in range(20):
        run = make_run(source=f"cell {number}")
        assert not store.has(run.key)
        assert store.find(run.key) is None
        store.save(run)
        assert store.seconds("one", "small") is None


def messages(heard: Diagnostics) -> list[str]:
    return [message.message for message in heard]


def test_a_folder_that_is_not_mounted_is_one_warning(tmp_path: Path, heard: Diagnostics) -> None:
    use(open_store(str(tmp_path / "mnt" / "store"), heard))
    (message,) = messages(heard)
    assert message.endswith("there is no such bucket or folder; the build goes on without it")
    assert not (tmp_path / "mnt").exists()


def test_a_file_in_the_place_of_the_folder_is_one_warning(tmp_path: Path, heard: Diagnostics) -> None:
    (tmp_path / "store").write_text("mine")
    use(open_store(str(tmp_path / "store"), heard))
    assert len(messages(heard)) == 1
    assert (tmp_path / "store").read_text() == "mine"


@pytest.fixture
def s3(
    s3_server: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> pytest.MonkeyPatch:
    """The variables of S3 as a test wants them, with credentials and nothing of the user's own."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    for variable, value in TEST_CREDENTIALS.items():
        monkeypatch.setenv(variable, value)
    return monkeypatch


def test_a_store_that_is_back_gets_what_it_missed(
    tmp_path: Path, heard: Diagnostics, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("octavo.execute.results.shared.time.monotonic", lambda: now[0])
    shared = open_store(str(tmp_path / "mnt" / "store"), heard)
    results = Results(tmp_path / "book", "outputs", tmp_path / "home", heard.add, shared)
    results.save(make_run())
    (tmp_path / "mnt").mkdir()
    results.share([make_run().key])
    assert not (tmp_path / "mnt" / "store").exists(), "it is left in peace"
    now[0] += 61
    results.share([make_run().key])
    assert open_store(str(tmp_path / "mnt" / "store"), heard).find(make_run().key) == make_run()
    assert len(messages(heard)) == 1


def test_a_bucket_that_is_not_there_is_one_warning(s3: object, heard: Diagnostics) -> None:
    use(open_store("s3://nobodys-bucket/x", heard))
    (message,) = messages(heard)
    assert "s3://nobodys-bucket/x cannot be read: there is no such bucket or folder" in message


def test_a_server_that_is_not_there_is_one_warning(s3: pytest.MonkeyPatch, heard: Diagnostics) -> None:
    s3.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    use(open_store("s3://bucket/x", heard))
    (message,) = messages(heard)
    assert "it cannot be reached" in message


def test_missing_credentials_are_one_warning(s3: pytest.MonkeyPatch, heard: Diagnostics) -> None:
    for name in TEST_CREDENTIALS:
        s3.delenv(name)
    use(open_store("s3://bucket/x", heard))
    (message,) = messages(heard)
    assert "there are no credentials for it" in message


@pytest.fixture
def odd_server() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """A server of one's own: what it does with a connection is given, its address comes back."""
    listening: list[socket.socket] = []

    def serve(answer: Callable[[socket.socket], None]) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield serve
    for server in listening:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def refuse(connection: socket.socket) -> None:
    body = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>No, a-secret-of-tests</Message></Error>"
    with connection:
        while connection.recv(65536):
            head = f"HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)


def test_access_that_is_refused_is_one_warning(s3: pytest.MonkeyPatch, heard: Diagnostics, odd_server) -> None:  # type: ignore[no-untyped-def]
    s3.setenv("AWS_ENDPOINT_URL", odd_server(refuse))
    use(open_store("s3://bucket/x", heard))
    (message,) = heard
    assert "access is refused" in message.message
    assert "a-secret-of-tests" not in str(message.to_json())


def test_a_server_that_hangs_has_a_limit(
    s3: pytest.MonkeyPatch,
    heard: Diagnostics,
    odd_server,  # type: ignore[no-untyped-def]
) -> None:
    s3.setenv("AWS_ENDPOINT_URL", odd_server(lambda connection: time.sleep(600)))
    started = time.monotonic()
    url = "s3://bucket/x"
    use(SharedStore(medium_of(url), url, "read-write", heard.add, seconds=1.0))
    assert time.monotonic() - started < 10
    (message,) = messages(heard)
    assert "there is no answer in time" in message


MISSING = """
import sys
sys.modules["s3fs"] = sys.modules["gcsfs"] = None  # as if they were not installed
from octavo.diagnostics import Diagnostics
from octavo.execute.results.shared import SharedStore
heard = Diagnostics()
assert SharedStore.open(sys.argv[1], "read-write", heard.add) is None
for message in heard:
    print(message.message, message.hint, sep="\\n")
"""


@pytest.mark.parametrize(
    ("url", "message", "hint"),
    [
        ("s3://bucket", "addresses of s3 need a package that is not installed", "pip install 'octavo[s3]'"),
        ("gs://bucket", "addresses of gs need a package that is not installed", "pip install 'octavo[gs]'"),
        ("strange://bucket", "nothing knows its protocol", "such as a folder, s3:// or gs://"),
    ],
)
def test_a_package_that_is_missing_is_named_with_the_command(url: str, message: str, hint: str) -> None:
    answer = subprocess.run([sys.executable, "-c", MISSING, url], capture_output=True, text=True, check=True)
    told, advice = answer.stdout.splitlines()
    assert told.endswith(message)
    assert advice.endswith(hint)


# -- settings


@pytest.mark.parametrize(
    ("variables", "mode"),
    [
        ({}, "read-only"),
        ({"OCTAVO_STORE_MODE": "quarantine"}, "quarantine"),
        ({"OCTAVO_STORE_MODE": ""}, "read-only"),
        ({"OCTAVO_STORE_MODE": "rw"}, None),
        ({"OCTAVO_STORE": ""}, None),
        ({"OCTAVO_STORE": "s3://AKIA123:hush@bucket/x"}, None),
        ({"OCTAVO_STORE_QUARANTINE": "../../runs"}, None),
    ],
)
def test_variables_win_over_settings(
    variables: dict[str, str], mode: str | None, tmp_path: Path, heard: Diagnostics
) -> None:
    store = configured(str(tmp_path), "read-only", variables, heard.add)
    assert (store.mode if store else None) == mode
    assert heard.has_errors == (mode is None and variables != {"OCTAVO_STORE": ""})
    assert "hush" not in "".join(str(message.to_json()) for message in heard)


def test_an_address_makes_the_same_store_elsewhere(store: Stores, heard: Diagnostics) -> None:
    guest = store("quarantine")
    sha = guest.put_blob(b"x")
    again = SharedStore.at(guest.address, heard.add)
    assert again is not None and again.mode == "quarantine"
    assert again.get_blob(sha) == b"x"
    for address in ("", "[]", "null", '["/x", "write", "n"]', '["/x/../y", "read-only", "n"]', '[1, "read-only", "n"]'):
        assert SharedStore.at(address, heard.add) is None


# -- all shelves


def test_what_the_shared_shelf_has_is_read_once(store: Stores, tmp_path: Path, heard: Diagnostics) -> None:
    run = make_run()
    store().save(run)
    results = Results(tmp_path / "book", "outputs", tmp_path / "home", heard.add, store("read-only"))
    assert results.has(run.key, "one", "small")
    assert results.seconds("one", "small") == 2.5
    assert results.find(run.key, "one", "small") == run
    assert Results(tmp_path / "book", "outputs", tmp_path / "home", heard.add).find(run.key, "one", "small") == run


def test_what_is_here_alone_is_shared(store: Stores, tmp_path: Path, heard: Diagnostics) -> None:
    good, bad = make_run(), replace(make_run(source="bad"), failure=Failure("exception", "E", "m"))
    alone = Results(tmp_path / "book", "outputs", tmp_path / "home", heard.add)
    alone.save(good)
    alone.save(bad)
    for mode, there in (("read-only", False), ("quarantine", False), ("read-write", True)):
        Results(tmp_path / "book", "outputs", tmp_path / "home", heard.add, store(mode)).share([good.key, bad.key])
        assert store().has(good.key) is there
    assert not store().has(bad.key)


def test_two_thousand_keys_take_few_requests(tmp_path: Path, heard: Diagnostics) -> None:
    """On a medium that counts."""
    from octavo.execute.results.media import Folder

    requests = []

    class Counting(Folder):
        def entries(self, folder: str, start: str = "") -> list:  # type: ignore[type-arg]
            requests.append("list")
            return super().entries(folder, start)

        def read(self, names):  # type: ignore[no-untyped-def]
            requests.append("read")
            return super().read(names)

    writer = SharedStore(Folder(tmp_path / "store"), "x", "read-write", heard.add)
    runs = [make_run(source=f"cell {n}", page=f"page{n}") for n in range(200)]
    for run in runs:
        writer.save(run)
    results = Results(
        tmp_path, "outputs", tmp_path / "home", heard.add,
        SharedStore(Counting(tmp_path / "store"), "x", "read-only", heard.add),
    )  # fmt: skip
    wanted = [(run.key, run.page, run.tab) for run in runs]
    wanted += [(hashlib.sha256(str(n).encode()).hexdigest(), f"page{n}", "small") for n in range(1800)]
    assert sum(results.has(*one) for one in wanted) == 200
    assert sum(results.seconds(f"page{n}", "small") == 2.5 for n in range(2000)) == 200
    assert requests.count("read") == 0
    assert requests.count("list") <= 10
    results.fetch(wanted)
    assert requests.count("read") <= 4
    assert len(heard) == 0
    assert json.loads(results.local.path(runs[0].key).read_text())["host"] == "a-host"
