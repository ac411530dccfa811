"""The shared shelf: runs of many builds, in a folder or at any address that fsspec understands.

A record is one file that nobody writes twice, ``runs/SCHEMA/KE/KEY-SHA-PAIR-MS.json``: its name holds the digest of its
content, so that writers cannot be in each other's way, whoever they are and however they end, and no server needs to
know more than writing a file whole. Of several records of one key every reader takes the first by name that is good.
The name also says which page × framework it is and how long that took, so that one listing answers for all keys what
there is and which is long; contents are read when they are needed, many at once.

What cannot be done is a warning, one for each kind of trouble, and :class:`StoreError` for those who called.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import queue
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar, cast

from octavo.config import store_problem
from octavo.diagnostics import Code, Diagnostic, error, warning
from octavo.execute.checks import DamagedError
from octavo.execute.results import records
from octavo.execute.results.local import Report, pair_of
from octavo.execute.results.media import Entry, Medium, medium_of
from octavo.model import Run

Mode = Literal["read-write", "read-only", "quarantine"]
"""Whether this build reads and writes; reads alone; or reads, and writes where no build reads."""

MODES: tuple[Mode, ...] = ("read-write", "read-only", "quarantine")

STORE_VARIABLE, MODE_VARIABLE = "OCTAVO_STORE", "OCTAVO_STORE_MODE"
"""Environment variables that win over ``[execute] store`` and ``store_mode``; an empty address means no store."""
QUARANTINE_VARIABLE = "OCTAVO_STORE_QUARANTINE"
"""Names the folder that a quarantined build writes to."""

QUARANTINE = "quarantine"
"""The folder that untrusted builds write to, each into a folder of its own."""
DAMAGED = "damaged"
"""The folder of what was set aside."""

SECONDS = 30.0
"""How long a request may take, beside what its bytes take on a slow line."""
_BYTES_PER_SECOND = 200_000
_REST, _LONGEST_REST = 60.0, 3600.0
"""For how many seconds a store that failed is left in peace, longer each time: a build has something else to do."""

_LARGEST = 256 << 20
"""Bytes of the largest record that is read."""
_AT_ONCE, _BYTES_AT_ONCE = 64, 64 << 20
"""Records that are read at the same time, and about how many bytes."""
_FEW = 8
"""Keys that are looked up one by one before everything is listed."""

_RUNS, _BLOBS, _ONCE = f"runs/{records.SCHEMA}", "blobs", "once"
_NAME = re.compile(r"(?P<key>[0-9a-f]{64})-(?P<sha>[0-9a-f]{64})-(?P<pair>[0-9a-f]{16})-(?P<ms>\d{1,13})\.json")
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}

T = TypeVar("T")


def configured(url: str, mode: Mode, variables: Mapping[str, str], report: Report) -> SharedStore | None:
    """The store that the settings ``url`` and ``mode`` and the environment variables name, if they name one."""
    url = variables.get(STORE_VARIABLE, url).strip()
    name = variables.get(QUARANTINE_VARIABLE, "").strip()
    chosen = variables.get(MODE_VARIABLE, "").strip() or mode
    complaints = []
    if url and (problem := store_problem(url)):
        complaints.append((f"{STORE_VARIABLE} {problem}", "such as /shared/octavo, s3://bucket/prefix or gs://…"))
    if chosen not in MODES:
        complaints.append((f"{MODE_VARIABLE} is none of {', '.join(MODES)}", "the shared store is not used"))
    if name and not is_name(name):
        complaints.append((f"{QUARANTINE_VARIABLE} is no name of a folder", "letters, digits, . _ and - only"))
    for message, hint in complaints if url else ():
        report(error(Code.CONFIG_VALUE, message, hint=hint))
    if not url or complaints:
        return None
    return SharedStore.open(url, cast(Mode, chosen), report, quarantine=name)


class StoreError(OSError):
    """The shared store could not do what it was asked; why has been reported."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the shelf, as its name tells it."""

    key: str
    sha: str
    """SHA-256 of its content."""
    pair: str
    """See :func:`octavo.execute.results.local.pair_of`."""
    seconds: float
    """How long the run took."""
    entry: Entry

    @staticmethod
    def of(entry: Entry) -> Record | None:
        """What a name tells; ``None`` for a file that is no record."""
        found = _NAME.fullmatch(entry.name.rpartition("/")[2])
        if found is None or entry.name != f"{_RUNS}/{found['key'][:2]}/{found[0]}":
            return None
        return Record(found["key"], found["sha"], found["pair"], int(found["ms"]) / 1000, entry)


class SharedStore:
    """The shared shelf, as one build sees it. Safe to use from several threads, not to be taken into a fork."""

    def __init__(
        self, medium: Medium, url: str, mode: Mode, report: Report, *, quarantine: str = "", seconds: float = SECONDS
    ) -> None:
        """``quarantine`` names the folder that a quarantined build writes to; a request may take ``seconds``."""
        self.url = url
        self.shown = _without_credentials(url)
        """The URL as messages show it."""
        self.mode = mode
        self._medium = medium
        self._report = report
        self._name = quarantine or f"{_plain(socket.gethostname())}-{os.getpid()}-{secrets.token_hex(4)}"
        self._seconds = seconds
        self._guard = threading.RLock()
        self._listed: dict[str, list[Record]] | None = None
        """Key → its records by name, once all were listed."""
        self._asked: dict[str, list[Record]] = {}
        """The same for the first few keys, which were looked up one by one."""
        self._times: dict[str, float] = {}
        """Page × framework → how long its newest record took."""
        self._spoilt: set[str] = set()
        """Names of records that were found damaged."""
        self._told: set[str] = set()
        self._rests_until, self._rest = 0.0, _REST

    @classmethod
    def open(cls, url: str, mode: Mode, report: Report, *, quarantine: str = "") -> SharedStore | None:
        """The store at a folder or URL that :func:`octavo.config.store_problem` has nothing against.

        Nothing is read yet. ``None``, reported, when there is no way to it: a package is missing, or fsspec does not
        know the protocol.
        """
        try:
            return cls(medium_of(url), url, mode, report, quarantine=quarantine)
        except ImportError:
            protocol = url.partition("://")[0]
            extra = _EXTRAS.get(protocol)
            needed = f"'octavo[{extra}]'" if extra else "what fsspec needs for it"
            why = f"addresses of {protocol} need a package that is not installed"
            message = f"the shared store {_without_credentials(url)} is not used: {why}"
            report(warning(Code.SHARED_STORE, message, hint=f"python -m pip install {needed}"))
        except ValueError:
            message = f"the shared store {_without_credentials(url)} is not used: nothing knows its protocol"
            report(error(Code.CONFIG_VALUE, message, hint="use what fsspec knows, such as a folder, s3:// or gs://"))
        except Exception as problem:  # a driver fails with what it likes
            report(_trouble(problem, url, "cannot be opened")[1])
        return None

    @property
    def address(self) -> str:
        """Text from which :meth:`at` makes the same store elsewhere. No credentials are in it."""
        return json.dumps([self.url, self.mode, self._name])

    @classmethod
    def at(cls, address: str, report: Report) -> SharedStore | None:
        """The store of an :attr:`address`, which may come from anywhere; ``None``, reported, where that fails."""
        with contextlib.suppress(ValueError, TypeError, RecursionError):
            url, mode, name = json.loads(address)
            if isinstance(url, str) and not store_problem(url) and mode in MODES and is_name(str(name)):
                return cls.open(url, mode, report, quarantine=name)
        report(error(Code.SHARED_STORE, "the address of a shared store cannot be read"))
        return None

    @property
    def writes(self) -> bool:
        """Whether anything may be written."""
        return self.mode != "read-only"

    # -- runs

    def has(self, key: str) -> bool:
        """Whether the listing has a record of ``key``; its content is not looked at."""
        return bool(self._records(key))

    def find(self, key: str) -> Run | None:
        """The successful run of ``key``."""
        return next((run for _, run in self.fetch([key])), None)

    def fetch(self, keys: Iterable[str]) -> Iterator[tuple[str, Run]]:
        """The successful runs of many keys, as they come; keys without one are left out."""
        wanted = list(dict.fromkeys(keys))
        if len(wanted) > _FEW:
            self._list()
        while wanted:
            first = {key: found[0] for key in wanted if (found := self._records(key))}
            wanted = []
            for batch in _batches(first.values()):
                for record, content in self._read(batch):
                    if content is None:  # somebody has removed it since the listing
                        self._forget(record)
                        wanted.append(record.key)
                        continue
                    try:
                        yield record.key, _run_of(record, content)
                    except DamagedError as problem:
                        self._set_aside(record, str(problem))
                        wanted.append(record.key)  # there may be another one

    def save(self, run: Run, *, forced: bool = False) -> None:
        """Put a successful run on the shelf; one that is there stays, unless ``forced``. Failed runs are not kept."""
        if run.failure is not None or not self.writes:
            return
        before = self._records(run.key)
        if before and not forced:
            return
        content = records.pack(records.run_to_json(run)).encode("utf-8", "surrogatepass")
        entry = Entry(_name_of(run, content), len(content), time.time())
        record = Record.of(entry)
        with contextlib.suppress(StoreError):
            self._do("write", len(content), lambda: self._medium.write(self._own(entry.name), content))
            if self.mode == "quarantine":
                return
            # what was there before the writing began: of two builds that do this at once, one is left for sure
            old = [other for other in before if other.entry.name != entry.name]
            if old:
                self._do("write", 0, lambda: self._medium.remove(other.entry.name for other in old))
            for other in old:
                self._forget(other)
            if record is not None:
                self._remember(record)

    def seconds(self, page: str, tab: str) -> float | None:
        """How long the newest record of a page × framework took to make, as the listing tells it."""
        self._list()
        return self._times.get(pair_of(page, tab))

    def _records(self, key: str) -> list[Record]:
        with self._guard:
            if self._listed is None and key not in self._asked:
                if len(self._asked) >= _FEW:
                    self._list()
                else:
                    found = self._entries(f"{_RUNS}/{key[:2]}", key)
                    if found is None:
                        return []
                    self._asked[key] = [record for entry in found if (record := self._usable(entry))]
            known = self._asked if self._listed is None else self._listed
            return list(known.get(key, ()))

    def _list(self) -> Mapping[str, list[Record]]:
        with self._guard:
            if self._listed is None:
                found = self._entries(_RUNS)
                if found is None:
                    return {}
                self._listed = {}
                every = [record for entry in found if (record := self._usable(entry))]
                for record in every:
                    self._listed.setdefault(record.key, []).append(record)
                every.sort(key=lambda record: (record.entry.modified, record.entry.name))
                self._times = {record.pair: record.seconds for record in every}
            return self._listed

    def _entries(self, folder: str, start: str = "") -> list[Entry] | None:
        with contextlib.suppress(StoreError):
            return self._do("read", 0, lambda: self._medium.entries(folder, start))
        return None

    def _usable(self, entry: Entry) -> Record | None:
        record = Record.of(entry)
        return None if record is None or entry.name in self._spoilt or entry.size > _LARGEST else record

    def _read(self, batch: list[Record]) -> Iterator[tuple[Record, bytes | None]]:
        """The contents of some records; nothing at all where the store fails."""
        with contextlib.suppress(StoreError):
            names, size = [record.entry.name for record in batch], sum(record.entry.size for record in batch)
            contents = self._do("read", size, lambda: self._medium.read(names))
            yield from ((record, contents.get(record.entry.name)) for record in batch)

    def _remember(self, record: Record) -> None:
        with self._guard:
            self._spoilt.discard(record.entry.name)
            for known in (self._asked, self._listed):
                if known is not None and (known is self._listed or record.key in known):
                    same = {other.entry.name: other for other in (*known.get(record.key, ()), record)}
                    known[record.key] = [same[name] for name in sorted(same)]

    def _forget(self, record: Record) -> None:
        with self._guard:
            self._spoilt.add(record.entry.name)
            for known in (self._asked, self._listed or {}):
                if record.key in known:
                    known[record.key] = [r for r in known[record.key] if r.entry.name != record.entry.name]

    def _set_aside(self, record: Record, why: str) -> None:
        self._forget(record)
        self._put_away(record.entry.name, f"record of the key {record.key[:12]}…", why)

    def _put_away(self, name: str, what: str, why: str) -> None:
        """Move a damaged file out of the way where this build may, and tell of it."""
        done = "is not used"
        if self.mode == "read-write":
            with contextlib.suppress(StoreError):
                self._do("write", 0, lambda: self._medium.move(name, f"{DAMAGED}/{name.rpartition('/')[2]}"))
                done = "was set aside"
        message = f"a {what} in the shared store {self.shown} is damaged and {done}: {why}"
        hint = "nothing needs to be done: what it held is made again"
        self._report(warning(Code.DAMAGED_RESULT, message, hint=hint))

    # -- files by content, and files that one of many makes

    def put_blob(self, data: bytes) -> str:
        """Keep ``data`` unless it is there; gives its SHA-256. Raises :class:`StoreError`."""
        sha = hashlib.sha256(data).hexdigest()
        name = self._own(_blob(sha))
        self._may_write()
        there = self._do("read", 0, lambda: self._medium.entries(name.rpartition("/")[0], sha))
        if not any(entry.name == name and entry.size == len(data) for entry in there):
            self._do("write", len(data), lambda: self._medium.write(name, data))
        return sha

    def get_blob(self, sha: str) -> bytes | None:
        """What :meth:`put_blob` kept under ``sha``; ``None`` when it is not there or the store fails."""
        if not re.fullmatch(r"[0-9a-f]{64}", sha):
            return None
        for name in dict.fromkeys((self._own(_blob(sha)), _blob(sha))):
            with contextlib.suppress(StoreError):
                data = self._blob(name)
                if data is not None and hashlib.sha256(data).hexdigest() == sha:
                    return data
                if data is not None:
                    self._put_away(name, f"file {sha[:12]}…", "its checksum does not fit")
        return None

    def _blob(self, name: str) -> bytes | None:
        folder, _, sha = name.rpartition("/")
        there = self._do("read", 0, lambda: self._medium.entries(folder, sha))
        size = next((entry.size for entry in there if entry.name == name), None)
        return None if size is None else self._do("read", size, lambda: self._medium.read([name])).get(name)

    def create(self, name: str, data: bytes) -> bytes:
        """Keep ``data`` under ``name`` unless something is there; gives what is there now. Raises :class:`StoreError`.

        Of many builds that do this at once all get the same. What is there was written by somebody: check it.
        """
        if not all(is_name(part) for part in name.split("/")):
            raise ValueError(f"{name!r} is no name of a file")
        path = self._own(f"{_ONCE}/{name}")
        whole = f"{hashlib.sha256(data).hexdigest()}\n".encode() + data
        for _ in range(3):
            if self.writes and self._do("write", len(data), lambda: self._medium.create(path, whole)):
                return data
            there = self._do("read", len(data), lambda: self._medium.read([path])).get(path)
            if there is None:
                self._may_write()
                continue
            sha, _, rest = there.partition(b"\n")
            if hashlib.sha256(rest).hexdigest().encode() == sha:
                return rest
            self._put_away(path, f"file {name}", "its checksum does not fit")
            self._may_write()
        raise StoreError(errno.EIO, f"the shared store keeps nothing under {name}")

    def _may_write(self) -> None:
        if not self.writes:
            raise StoreError(errno.EROFS, f"the shared store {self.shown} is open for reading alone")

    def _own(self, name: str) -> str:
        """Where this build writes what has this name."""
        return f"{QUARANTINE}/{self._name}/{name}" if self.mode == "quarantine" else name

    # -- what is there at all, for ``octavo gc``

    def everything(self) -> list[Entry]:
        """Every file of the store, those of quarantined builds too. Raises :class:`StoreError`."""
        folders = (_RUNS.partition("/")[0], _BLOBS, _ONCE, DAMAGED, QUARANTINE)
        return [entry for folder in folders for entry in self._do("read", 0, partial(self._medium.entries, folder))]

    def abandoned(self) -> list[Entry]:
        """What writers that were killed have left. Raises :class:`StoreError`."""
        return self._do("read", 0, self._medium.abandoned)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files. Raises :class:`StoreError`."""
        self._may_write()
        gone = list(names)
        for at in range(0, len(gone), _AT_ONCE):
            self._do("write", 0, partial(self._medium.remove, gone[at : at + _AT_ONCE]))

    # -- requests

    def _do(self, what: Literal["read", "write"], size: int, request: Callable[[], T]) -> T:
        """Carry a request out within its time. Trouble is told once of each kind, and lets the store rest."""
        if time.monotonic() < self._rests_until:
            raise StoreError(errno.EAGAIN, f"the shared store {self.shown} failed a moment ago")
        try:
            answer = _within(self._seconds + size / _BYTES_PER_SECOND, request)
            self._rest = _REST
            return answer
        except Exception as problem:  # a driver fails with what it likes
            kind, message = _trouble(problem, self.url, f"cannot be {'read' if what == 'read' else 'written'}")
            with self._guard:
                known = kind in self._told
                self._told.add(kind)
                self._rests_until = time.monotonic() + self._rest
                self._rest = min(2 * self._rest, _LONGEST_REST)
            if not known:
                self._report(message)
            raise StoreError(errno.EIO, message.message) from problem


def is_name(text: str) -> bool:
    """Whether a text can be the name of one file or folder in every kind of store."""
    return re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}", text) is not None


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", text).strip("-")[:40] or "host"


def _blob(sha: str) -> str:
    return f"{_BLOBS}/{sha[:2]}/{sha}"


def _name_of(run: Run, content: bytes) -> str:
    sha = hashlib.sha256(content).hexdigest()
    milliseconds = round(round(run.seconds, 4) * 1000)  # as the record has it
    return f"{_RUNS}/{run.key[:2]}/{run.key}-{sha}-{pair_of(run.page, run.tab)}-{milliseconds}.json"


def _run_of(record: Record, content: bytes) -> Run:
    """The run that a record holds; raises :class:`DamagedError`."""
    if hashlib.sha256(content).hexdigest() != record.sha:
        raise DamagedError("its checksum does not fit")
    try:
        run = records.run_from_json(records.load(content.decode("utf-8")))
    except UnicodeDecodeError as problem:
        raise DamagedError("it is no text") from problem
    if run.key != record.key or run.failure is not None or _name_of(run, content) != record.entry.name:
        raise DamagedError("it is the record of something else")
    return run


def _batches(found: Iterable[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    size = 0
    for record in found:
        if batch and (len(batch) == _AT_ONCE or size + record.entry.size > _BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += record.entry.size
    if batch:
        yield batch


def _within(seconds: float, request: Callable[[], T]) -> T:
    """What ``request`` gives; raises ``TimeoutError`` when that takes too long, and lets it be."""
    answers: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def carry_out() -> None:
        try:
            answers.put((request(), None))
        except BaseException as problem:
            answers.put((None, problem))

    # a thread that the interpreter does not wait for: what hangs in the system's own calls cannot be stopped
    threading.Thread(target=carry_out, daemon=True, name="octavo shared store").start()
    try:
        answer, problem = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer in {seconds:g} s") from None
    if problem is not None:
        raise problem
    return answer  # type: ignore[return-value]


# -- what went wrong, in words


def _trouble(problem: BaseException, url: str, what: str) -> tuple[str, Diagnostic]:
    """The kind of a driver's error, and the message about it."""
    kind, why, hint = _explained(problem)
    message = f"the shared store {_without_credentials(url)} {what}: {why}; the build goes on without it"
    detail = () if kind != "other" else (_scrubbed(f"{type(problem).__name__}: {problem}"),)
    return kind, warning(Code.SHARED_STORE, message, hint=hint, detail=detail)


def _explained(problem: BaseException) -> tuple[str, str, str]:
    """Kind, reason and hint. Drivers share no classes, so names decide, along the chain of causes."""
    names: set[str] = set()
    number, cause = None, problem
    while True:
        names |= {kind.__name__ for kind in type(cause).__mro__}
        number = number or getattr(cause, "errno", None)
        following = cause.__cause__ or cause.__context__
        if following is None:
            break
        cause = following
    usual = "for S3 the environment, ~/.aws or the machine's role; for gs gcloud's own credentials"
    if names & {"NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError", "TokenRetrievalError"}:
        return "credentials", "there are no credentials for it", f"they are looked for in the usual places: {usual}"
    if number == errno.ENOSPC:
        return "room", "no room is left there", "make room: octavo gc --shared --max-size SIZE"
    if names & {"PermissionError", "Forbidden", "Unauthorized"} or number == errno.EROFS:
        hint = "see that the credentials may do this, or set OCTAVO_STORE_MODE to read-only"
        return "refused", "access is refused", hint
    if names & {"TimeoutError", "ReadTimeoutError", "ConnectTimeoutError", "FSTimeoutError"}:
        return "time", "there is no answer in time", "see that this machine's network leads there"
    if names & {"EndpointConnectionError", "ClientConnectorError", "ConnectionError", "gaierror"}:
        return "network", "it cannot be reached", "see that this machine has a network that leads there"
    if names & {"FileNotFoundError", "NotADirectoryError"}:
        return "absent", "there is no such bucket or folder", "make it, or mend the address"
    return "other", "something unexpected went wrong", ""


def _without_credentials(text: str) -> str:
    return re.sub(r"(?<=://)[^/\s]+@", "***@", text)


_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID")


def _scrubbed(text: str) -> str:
    """A driver's words on one line, without anything that could be a secret."""
    for name in _SECRETS:
        if len(value := os.environ.get(name, "")) > 3:
            text = text.replace(value, "***")
    text = _without_credentials(text)
    text = re.sub(r"(?<=\?)[^\s'\"]+=[^\s'\"]+", "***", text)
    text = re.sub(r"(?i)(signature|token|secret|password|credential)(\w*[\"']?\s*[=:]\s*)\S+", r"\1\2***", text)
    return " ".join(text.split())[:200]
