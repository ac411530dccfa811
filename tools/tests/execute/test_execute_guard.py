# ruff: noqa: E501 - a case of a table stands on one line
"""Real kernels and what they leave behind, their limits, and whether a copied kernel is like one that was started anew."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from test_execute_kernel import alive, texts

from octavo.execute.environments.environment import MARKER, Environment, existing, make, read_lock
from octavo.execute.home import environments_home
from octavo.execute.kernels import guard
from octavo.execute.kernels.kernel import execute
from octavo.execute.kernels.starter import _FORKER, Starters
from octavo.execute.kernels.variables import kernel_variables
from octavo.execute.machine.lease import Card, Lease
from octavo.model import Run

DAEMON = """
import os, sys, time
note = sys.argv[1]
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open(note + '.new', 'w').write(str(os.getpid()))
        os.rename(note + '.new', note)
        time.sleep(120)
    os._exit(0)
"""
"""A program that leaves a daemon behind: no parent, no group and no session connect the two."""


@pytest.fixture
def session(task, small: Environment, tmp_path: Path) -> Callable[..., list[Run]]:
    """Execute pages one after the other, without the scheduler: ``session([sources, …], fork=True)``."""

    def run(pages: list[list[str]], *, fork: bool = True, lease: Lease | None = None, **needs: object) -> list[Run]:
        async def all_of_them() -> list[Run]:
            starters = Starters(os.environ, fork=fork)
            try:
                return [
                    await execute(
                        (made := task(*sources)).edition,
                        made.inputs,
                        made.key,
                        small,
                        tmp_path / "work",
                        needs=replace(made.needs, **needs),  # type: ignore[arg-type]
                        lease=lease,
                        starter=starters.of(small),
                    )
                    for sources in pages
                ]
            finally:
                await starters.close()

        return asyncio.run(all_of_them())

    return run


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A program that makes a daemon, and the note with the daemon's number."""
    path, note = tmp_path / "daemon.py", tmp_path / "note"
    path.write_text(DAEMON)
    yield path, note
    if note.exists() and alive(int(note.read_text())):
        os.kill(int(note.read_text()), signal.SIGKILL)


@pytest.mark.parametrize("fork", [True, False])
@pytest.mark.parametrize("how", ["", "os._exit(1)", "1 / 0"])
def test_a_daemon_ends_with_its_page(session, program: tuple[Path, Path], fork: bool, how: str) -> None:
    path, note = program
    (run,) = session(
        [
            [
                f"import os, subprocess, sys, time\nsubprocess.run([sys.executable, {str(path)!r}, {str(note)!r}])\n"
                f"while not os.path.exists({str(note)!r}): time.sleep(0.01)\n{how}",
            ]
        ],
        fork=fork,
    )
    assert (run.failure is None) == (not how)
    assert not alive(int(note.read_text()))


def test_one_page_is_ended_and_the_other_lives(task, small: Environment, tmp_path: Path) -> None:
    """Guards end what is theirs, though all kernels have the same parent."""
    note = tmp_path / "pid"
    first = f"import subprocess\nc = subprocess.Popen(['sleep', '60'], start_new_session=True)\nopen({str(note)!r}, 'w').write(str(c.pid))"

    async def both() -> list[Run]:
        starters = Starters(os.environ)
        starter = starters.of(small)
        try:
            pages = [
                task(first, page="a"),
                task(
                    "import subprocess, time\nc = subprocess.Popen(['sleep', '60'], start_new_session=True)\ntime.sleep(2)",
                    "print(c.poll())",
                    page="b",
                ),
            ]
            return await asyncio.gather(
                *(execute(page.edition, page.inputs, page.key, small, page.folder, starter=starter) for page in pages)
            )
        finally:
            await starters.close()

    short, long = asyncio.run(both())
    assert short.failure is None and not alive(int(note.read_text()))
    assert texts(long)[1] == ["None\n"], "the other page's child was left alone"


@pytest.mark.parametrize(
    ("source", "needs", "name", "message", "line"),
    [
        ("import time\n\ntime.sleep(60)", {"timeout": 0.7}, "CellTimeout", "the cell ran longer than 0.7 s", 13),
        ("import time\n\ntime.sleep(60)", {"cell_timeouts": {0: 0.7}}, "CellTimeout", "the cell ran longer than 0.7 s", 13),
        ("import time\n\ntime.sleep(60)", {"page_timeout": 0.7}, "PageTimeout", "the page ran longer than 0.7 s, and was in this cell", 13),
        ("import time\nfor i in range(4):\n    print(i, flush=True); time.sleep(0.3)\ntime.sleep(60)", {"silence": 0.9}, "CellSilent", "the cell printed and drew nothing for 0.9 s", 14),
    ],
)  # fmt: skip
def test_limits_say_which_and_where(
    session, monkeypatch: pytest.MonkeyPatch, source: str, needs: dict, name: str, message: str, line: int
) -> None:
    monkeypatch.setattr("octavo.execute.kernels.kernel.INTERRUPT_SECONDS", 30.0)  # a busy machine
    (run,) = session([[source]], **needs)
    assert run.failure is not None
    assert (run.failure.reason, run.failure.name, run.failure.message) == ("timeout", name, message)
    assert run.failure.span is not None and run.failure.span.line == line
    assert not run.failure.infrastructure
    if name == "CellSilent":
        assert texts(run)[0] == ["0\n1\n2\n3\n"], "what it printed in time is kept"


def test_a_page_has_its_time_for_all_of_its_cells(session) -> None:
    (run,) = session([["import time", *["time.sleep(0.4)"] * 20]], page_timeout=1.0)
    assert run.failure is not None and run.failure.name == "PageTimeout" and run.failure.cell in (2, 3)


@pytest.mark.parametrize(
    "source",
    [
        "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException:\n        pass",
        "import ctypes\nctypes.PyDLL(None).sleep(60)",  # it holds the interpreter's lock: nothing of Python runs
    ],
)
def test_a_kernel_that_does_not_listen_is_killed(session, source: str) -> None:
    started = time.monotonic()
    (run,) = session([[source]], timeout=1.0)
    assert run.failure is not None and run.failure.name == "CellTimeout"
    assert run.cells[0].seconds < 4.5
    assert time.monotonic() - started < 20


def test_a_kernel_whose_guard_is_killed_dies_and_is_a_fault_of_the_machine(session) -> None:
    (run,) = session([["import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)"]])
    assert run.failure is not None and run.failure.infrastructure
    assert "guards it" in run.failure.message


@pytest.mark.parametrize("fork", [True, False])
def test_a_cell_that_kills_its_guard_leaves_no_daemon(session, program: tuple[Path, Path], fork: bool) -> None:
    source, note = program
    cell = (
        f"import os, subprocess, sys, time\nsubprocess.run([sys.executable, {str(source)!r}, {str(note)!r}])\n"
        f"while not os.path.exists({str(note)!r}): time.sleep(0.01)\nos.kill(os.getppid(), 9)\ntime.sleep(60)"
    )
    (run,) = session([[cell]], fork=fork)
    assert run.failure is not None and "guards it" in run.failure.message
    assert not alive(int(note.read_text()))


@pytest.mark.parametrize("fork", [True, False])
def test_a_cell_that_stops_its_guard_holds_nobody_up(session, fork: bool) -> None:
    cell = "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)\nprint(os.getppid(), os.getpid())"
    started = time.monotonic()
    (run,) = session([[cell]], fork=fork)
    assert time.monotonic() - started < 12
    assert not any(map(alive, map(int, texts(run)[0][0].split())))


def test_without_their_parent_kernels_are_started_anew(task, small: Environment) -> None:
    async def run() -> list[Run]:
        starters = Starters(os.environ)
        starter = starters.of(small)
        try:
            (parent,) = [await made for made in starter._parents.values()]
            assert parent is not None
            os.kill(parent._process.pid, signal.SIGKILL)
            await asyncio.wait_for(parent._process.ended, 10)
            page = task("1 + 1")
            return [await execute(page.edition, page.inputs, page.key, small, page.folder, starter=starter)]
        finally:
            await starters.close()

    (done,) = asyncio.run(run())
    assert done.failure is None and texts(done) == [["2"]]


SELF = """
import gc, os, random, signal, sys, tempfile, threading, time, uuid, warnings, logging
print(sys.argv, sys.path, sys.flags, sys.executable, __name__, sys.modules['__main__'].__dict__ is globals())
print(sorted(os.environ.items()))
print(os.getcwd(), tempfile.gettempdir(), time.tzname)
print(sorted((thread.name, thread.daemon) for thread in threading.enumerate()), threading.current_thread() is threading.main_thread())
print([(number, os.readlink(f'/proc/self/fd/{number}').split(':')[0]) for number in range(3)])
print(gc.isenabled(), gc.get_threshold(), sys.breakpointhook, 'debugpy' in sys.modules, 'pydevd' in sys.modules)
print([name for name in signal.Signals if signal.getsignal(name) not in (signal.SIG_DFL, signal.SIG_IGN)])
print([name for name in signal.Signals if signal.getsignal(name) is signal.SIG_IGN])
print([[entry[0], entry[2].__name__, str(entry[3])] for entry in warnings.filters])
print(threading.Thread().name)
print(gc.get_threshold(), gc.isenabled(), os.getpid() == os.getsid(0) == os.getpgid(0))
print(type(sys.stdout).__name__, type(sys.stderr).__name__, sys.stdin, [type(handler).__name__ for handler in logging.getLogger().handlers])
"""


def test_a_copied_kernel_sees_what_a_new_one_sees(session) -> None:
    def seen(fork: bool) -> list[str]:
        (run,) = session(
            [
                [
                    SELF,
                    "import warnings\nwarnings.warn('x', DeprecationWarning)",
                    "__import__('sys').stdin",
                    # what is written past Python comes by way of a thread of the kernel, which needs a moment
                    "import os, sys, time\nos.write(2, b'raw')\ntime.sleep(1)",
                    "!echo $TMPDIR $0",
                    "%who",
                ]
            ],
            fork=fork,
        )
        assert run.failure is None, run.failure
        return [re.sub(r"octavo-\w{8}", "octavo-X", text) for cell in texts(run) for text in cell]

    copied, new = (("\n".join(seen(fork))).replace(", ", ",\n") for fork in (True, False))
    assert copied.splitlines() == new.splitlines()


TRAIN = {
    "pytorch": """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
class Root(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): ctx.save_for_backward(x); return x.sqrt()
    @staticmethod
    def backward(ctx, g): return g / (2 * ctx.saved_tensors[0].sqrt())
torch.manual_seed(1)
print(torch.rand(2), torch.get_num_threads())
x = torch.rand(256, 4); data = TensorDataset(x, x @ torch.tensor([1., 2, 3, 4]))
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1)); best = torch.optim.SGD(net.parameters(), 0.05)
for epoch in range(3):
    for a, b in DataLoader(data, 32, shuffle=True, num_workers=2):
        best.zero_grad(); loss = ((net(a).squeeze() - b) ** 2).mean() + Root.apply(a.sum()) * 0; loss.backward(); best.step()
    print(loss.item())
script = torch.jit.trace(net, x); print(script(x[:1]))
""",
    "tensorflow": """
import tensorflow as tf
tf.keras.utils.set_random_seed(1)
x = tf.random.uniform((256, 4)); y = tf.linalg.matvec(x, [1., 2, 3, 4])
net = tf.keras.Sequential([tf.keras.layers.Dense(8, 'relu'), tf.keras.layers.Dense(1)])
net.compile('sgd', 'mse'); print(net.fit(x, y, batch_size=32, epochs=3, verbose=0).history)
@tf.function(jit_compile=True)
def f(x): return tf.reduce_sum(x * x)
with tf.GradientTape() as tape: tape.watch(x); z = f(x)
print(tape.gradient(z, x)[0])
for batch in tf.data.Dataset.from_tensor_slices(x).map(lambda v: v * 2, num_parallel_calls=2).batch(100).prefetch(1): print(batch.shape)
""",
    "jax": """
import jax, optax, flax.linen as nn, jax.numpy as jnp, concurrent.futures
print(jax.devices(), jax.config.jax_platforms)
key = jax.random.PRNGKey(0); x = jax.random.uniform(key, (256, 4)); y = x @ jnp.array([1., 2, 3, 4])
class Net(nn.Module):
    @nn.compact
    def __call__(self, x): return nn.Dense(1)(nn.relu(nn.Dense(8)(x)))[:, 0]
net = Net(); w = net.init(key, x); best = optax.adam(0.01); state = best.init(w)
@jax.jit
def step(w, state):
    loss, g = jax.value_and_grad(lambda w: ((net.apply(w, x) - y) ** 2).mean())(w)
    u, state = best.update(g, state); return optax.apply_updates(w, u), state, loss
for epoch in range(5): w, state, loss = step(w, state)
print(loss)
with concurrent.futures.ThreadPoolExecutor(2) as pool: print(list(pool.map(lambda n: float(jnp.arange(n).sum()), range(3))))
""",
    "mxnet": """
from mxnet import autograd, gluon, np, npx
npx.set_np(); __import__('mxnet').random.seed(1); __import__('numpy').random.seed(1); __import__('random').seed(1)
x = np.random.uniform(size=(256, 4)); y = np.dot(x, np.array([1., 2, 3, 4]))
net = gluon.nn.Sequential(); net.add(gluon.nn.Dense(8, 'relu'), gluon.nn.Dense(1)); net.initialize()
trainer = gluon.Trainer(net.collect_params(), 'sgd', {'learning_rate': 0.05}); loss = gluon.loss.L2Loss()
for a, b in gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), 32, num_workers=2):
    with autograd.record(): l = loss(net(a), b)
    l.backward(); trainer.step(32)
print(l.mean()); net.hybridize() if hasattr(net, 'hybridize') else None; print(net(x[:1]))
""",
}
UNSEEDED = {
    "pytorch": "import torch\nprint(torch.rand(2), torch.nn.Linear(2, 1).weight)",
    "tensorflow": "import tensorflow as tf\nprint(tf.keras.layers.Dense(1)(tf.ones((1, 2))))",
    "jax": "import jax\nprint(jax.random.uniform(jax.random.PRNGKey(0), (2,)))",
    "mxnet": "from mxnet import np, npx\nnpx.set_np()\nprint(np.random.uniform(size=(2,)))",
}
DRAW = "from matplotlib import pyplot as plt\nfrom matplotlib_inline import backend_inline\nbackend_inline.set_matplotlib_formats('svg')\nfig = plt.figure()\nplt.plot([1, 3, 2]);"


@pytest.mark.slow
@pytest.mark.kernels
@pytest.mark.parametrize("tab", TRAIN)
def test_a_copied_kernel_trains_as_a_new_one(repository: Path, task, cache: Path, tab: str) -> None:
    lock, messages = read_lock(repository / "environments" / f"{tab}.txt")
    assert lock is not None, messages
    made = make(lock, environments_home(cache))
    assert isinstance(made, Environment), made

    def run(fork: bool) -> list[Run]:
        async def both() -> list[Run]:
            starters = Starters(os.environ, fork=fork)
            pages = [
                task(TRAIN[tab], DRAW, "import os\nlen(os.listdir('/proc/self/task')) > 1", tab=tab, timeout=200.0),
                task(UNSEEDED[tab], tab=tab, timeout=200.0),
                task(UNSEEDED[tab], tab=tab, timeout=200.0),
            ]
            try:
                return [
                    await execute(p.edition, p.inputs, p.key, made, p.folder, starter=starters.of(made)) for p in pages
                ]
            finally:
                await starters.close()

        return asyncio.run(both())

    copied, new = run(True), run(False)
    assert [done.failure for done in copied + new] == [None] * 6
    again = existing(lock, environments_home(cache))
    assert again is not None and again.fork == "", "it can be copied"
    assert [cell.outputs for cell in copied[0].cells] == [cell.outputs for cell in new[0].cells]
    assert "<svg" in copied[0].cells[1].outputs[-1].data["image/svg+xml"]
    # who draws without a seed draws as in new kernels: something else each time, where the framework does that
    assert (texts(copied[1]) == texts(copied[2])) == (texts(new[1]) == texts(new[2]))


def test_copied_kernels_draw_different_random_numbers(session) -> None:
    source = "import os, random, uuid, tempfile\nprint(random.random(), uuid.uuid4(), tempfile.mkdtemp())"
    printed = [texts(run)[0][0].split() for run in session([[source], [source], [source]])]
    assert len({words[0] for words in printed}) == len({words[1] for words in printed}) == 3


def test_a_library_is_seen_anew_by_each_page(task, small: Environment, tmp_path: Path) -> None:
    async def run() -> list[str]:
        starters = Starters(os.environ)
        shown = []
        try:
            for number in range(2):
                library = tmp_path / f"library{number}"
                library.mkdir()
                (library / "ours.py").write_text(f"value = {number}\n")
                page = task("import ours, sys\nprint(ours.value, sys.path[0] == ours.__file__.rpartition('/')[0])")
                done = await execute(
                    page.edition, page.inputs, page.key, small, page.folder, library=library, starter=starters.of(small)
                )
                shown += texts(done)[0]
        finally:
            await starters.close()
        return shown

    assert [text.split()[0] for text in asyncio.run(run())] == ["0", "1"]


@pytest.mark.parametrize(
    ("modules", "why"),
    [(("this",), "importing it prints something"), (("there_is_none",), "there_is_none cannot be imported")],
)
def test_what_must_not_be_copied_is_found_out_once(
    task, small: Environment, tmp_path: Path, modules: tuple[str, ...], why: str
) -> None:
    folder = tmp_path / "environment"
    folder.mkdir()
    (folder / MARKER).write_text('{"checked": true, "digest": "1"}')
    environment = replace(small, folder=folder, imports=modules, fork="")

    async def run() -> Run:
        starters = Starters(os.environ)
        page = task("import os\nprint(open(f'/proc/{os.getppid()}/cmdline').read().split(chr(0))[1:3])")
        try:
            return await execute(
                page.edition, page.inputs, page.key, environment, page.folder, starter=starters.of(environment)
            )
        finally:
            await starters.close()

    done = asyncio.run(run())
    assert done.failure is None, done.failure
    assert texts(done)[0] == ["['-I', '-S']\n"], "its guard is a process of its own"
    marker = json.loads((folder / MARKER).read_text())
    assert why in marker["fork"] and marker["checked"] is True and marker["digest"] == "1"


def test_that_the_machine_lacked_something_is_not_held_against_a_framework(small: Environment, tmp_path: Path) -> None:
    (tmp_path / "parsing.py").write_text("raise OSError(24, 'Too many open files')\n")
    (tmp_path / "folding.py").write_text("import os, errno\ndef none(): raise OSError(errno.EAGAIN, 'no')\n"
        "import threading; threading.Thread.start = lambda self: none()\n")  # fmt: skip
    for module in ("parsing", "folding"):
        ours, theirs = socket.socketpair()
        with ours, theirs, (tmp_path / "log").open("w") as log:
            subprocess.run(
                [small.python, _FORKER, "parent", str(theirs.fileno()), guard.__file__, str(tmp_path / "log"), module],
                env={**os.environ, "PYTHONPATH": str(tmp_path), "IPYTHONDIR": str(tmp_path)},
                pass_fds=[theirs.fileno()],
                stdout=log,
                check=True,
            )
            told = json.loads(ours.recv(4096))
        assert told["fork"] and told["lasting"] is False, module


def test_a_single_page_has_no_parent(small: Environment) -> None:
    async def parents(*pages: int) -> int:
        starters = Starters(os.environ)
        try:
            for number in pages:
                starter = starters.of(small, number)
            return len(starter._parents)
        finally:
            await starters.close()

    assert [asyncio.run(parents(*pages)) for pages in ((1,), (1, 0), (2,), (1, 1))] == [0, 0, 1, 1]


def test_memory_and_machine_are_recorded(session) -> None:
    (run,) = session([["x = b'1' * 300_000_000", "del x", "1"]], lease=Lease())
    first, _, last = run.cells
    assert first.memory > 300_000_000 > last.memory > 1_000_000
    assert run.host and run.device == "cpu"


def test_a_lease_is_all_that_a_kernel_sees(session) -> None:
    show = "import os\nfor name in ('CUDA_VISIBLE_DEVICES', 'JAX_PLATFORMS', 'XLA_PYTHON_CLIENT_MEM_FRACTION', 'TF_FORCE_GPU_ALLOW_GROWTH'): print(name, os.environ.get(name))"
    cards = (Card(0, "GPU-1", "NVIDIA H200", 100 << 30), Card(1, "GPU-2", "NVIDIA H200", 100 << 30))
    (none,) = session([[show]])
    (two,) = session([[show]], lease=Lease(cards, 25 << 30))
    assert texts(none)[0] == [
        "CUDA_VISIBLE_DEVICES \nJAX_PLATFORMS cpu\nXLA_PYTHON_CLIENT_MEM_FRACTION None\nTF_FORCE_GPU_ALLOW_GROWTH None\n"
    ]
    assert texts(two)[0] == [
        "CUDA_VISIBLE_DEVICES GPU-1,GPU-2\nJAX_PLATFORMS None\nXLA_PYTHON_CLIENT_MEM_FRACTION 0.250\nTF_FORCE_GPU_ALLOW_GROWTH true\n"
    ]
    assert two.device == "2 × NVIDIA H200"


def test_the_users_own_cards_are_not_a_kernels(tmp_path: Path) -> None:
    user = {"CUDA_VISIBLE_DEVICES": "0,1", "PATH": "/bin"}
    made = kernel_variables(user, environment=tmp_path, private=tmp_path)
    assert made["CUDA_VISIBLE_DEVICES"] == made["HIP_VISIBLE_DEVICES"] == ""


def test_a_program_ends_with_the_build_that_runs_it(tmp_path: Path, program: tuple[Path, Path]) -> None:
    """Such as an installer: the next build will make the same environment."""
    path, note = program
    code = f"""
from pathlib import Path
from octavo.execute.processes import Stop
import os
Stop().run(['sh', '-c', 'echo $$ > pid; {sys.executable} {path} {note}; sleep 60'], folder=Path({str(tmp_path)!r}), variables=os.environ)
"""
    build = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 20
    while not note.exists():
        assert build.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    build.kill()
    build.wait()
    pids = [int(note.read_text()), int((tmp_path / "pid").read_text())]
    while [pid for pid in pids if alive(pid)]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_descendants_are_found_either_way() -> None:
    child = subprocess.Popen(["sh", "-c", "sleep 30 & wait"])
    try:
        deadline = time.monotonic() + 10
        while not Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        sleeper = int(Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text())
        for found in (guard.descendants(), guard._descendants_by_parents()):  # others of this process come and go
            assert {child.pid, sleeper} <= set(found)
    finally:
        for pid in guard.descendants():
            if pid == child.pid or Path(f"/proc/{pid}/comm").read_text().strip() == "sleep":
                os.kill(pid, signal.SIGKILL)
        child.wait()
