"""Whether pages train on this machine's graphics cards, and whether their records say so: gpu_check.py [LOCKS].

For a machine with a card. LOCKS is a folder of locks, one for each framework; by default those of this repository.
Which of them install a build for CUDA depends on where packages come from: plain PyPI gives one for PyTorch, a lock of
JAX has to pin its CUDA plugin, one of TensorFlow ``tensorflow[and-cuda]``.

A book of two pages is written to a temporary folder; each must have a card and trains a small network in every
framework. ``octavo run`` executes it. Then, without importing anything of octavo: in each framework with a CUDA build
the parameters were on the card and the loss fell; the record names the card and how much of its memory each cell took;
and no two pages had one card at the same time. Environments are made in the user's cache. Exits 1 if any of it is not
so, 2 where there is nothing to check: no card, or no framework with a CUDA build.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

HEAD = """\
import json, os, time
begun = time.time()
"""
TAIL = """\
print(json.dumps({"cuda": bool(cuda), "device": str(device), "losses": [losses[0], losses[-1]],
                  "cards": os.environ["CUDA_VISIBLE_DEVICES"].split(","), "begun": begun, "ended": time.time()}))
"""
TRAIN = {
    "pytorch": """\
import torch
cuda = torch.version.cuda
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
net = torch.nn.Sequential(torch.nn.Linear(512, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 1)).to(device)
x = torch.randn(512, 512, device=device)
y = x.sum(1, keepdim=True)
optimizer, losses = torch.optim.Adam(net.parameters(), 1e-3), []
for step in range(300):
    optimizer.zero_grad()
    loss = ((net(x) - y) ** 2).mean()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
device = next(net.parameters()).device.type
""",
    "tensorflow": """\
import tensorflow as tf
tf.random.set_seed(0)
cuda = tf.test.is_built_with_cuda()
x = tf.random.normal((512, 512))
y = tf.reduce_sum(x, 1, keepdims=True)
w1, w2 = tf.Variable(tf.random.normal((512, 1024)) * 0.05), tf.Variable(tf.random.normal((1024, 1)) * 0.02)
losses = []
for step in range(300):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((tf.nn.relu(x @ w1) @ w2 - y) ** 2)
    for w, g in zip((w1, w2), tape.gradient(loss, (w1, w2))):
        w.assign_sub(1e-4 * g)
    losses.append(float(loss))
device = "cuda" if "GPU" in w1.device else "cpu"
""",
    "jax": """\
import importlib.metadata, jax, jax.numpy as jnp
cuda = any("cuda" in d.name and "jax" in d.name for d in importlib.metadata.distributions())
a, b, c = jax.random.split(jax.random.PRNGKey(0), 3)
x = jax.random.normal(a, (512, 512))
y = x.sum(1, keepdims=True)
w = (jax.random.normal(b, (512, 1024)) * 0.05, jax.random.normal(c, (1024, 1)) * 0.02)
def f(w): return ((jax.nn.relu(x @ w[0]) @ w[1] - y) ** 2).mean()
step, losses = jax.jit(jax.value_and_grad(f)), []
for _ in range(300):
    loss, g = step(w)
    w = tuple(p - 1e-4 * q for p, q in zip(w, g))
    losses.append(float(loss))
device = "cuda" if next(iter(w[0].devices())).platform in ("gpu", "cuda") else "cpu"
""",
    "mxnet": """\
import mxnet as mx
from mxnet import autograd, np, npx
npx.set_np()
cuda = mx.runtime.Features().is_enabled("CUDA")
device = mx.gpu(0) if cuda and mx.context.num_gpus() else mx.cpu()
x = np.random.normal(0, 1, (512, 512), ctx=device)
y = x.sum(1, keepdims=True)
ws = [np.random.normal(0, s, shape, ctx=device) for s, shape in ((0.05, (512, 1024)), (0.02, (1024, 1)))]
for w in ws: w.attach_grad()
losses = []
for step in range(300):
    with autograd.record():
        loss = ((np.dot(npx.relu(np.dot(x, ws[0])), ws[1]) - y) ** 2).mean()
    loss.backward()
    for w in ws: w[:] = w - 1e-4 * w.grad
    losses.append(float(loss))
device = "cuda" if ws[0].ctx.device_type == "gpu" else "cpu"
""",
}


def write_book(folder: Path, pages: list[str], locks: dict[str, str]) -> None:
    """A book of pages that train and must have a card."""
    (folder / "environments").mkdir(parents=True)
    (folder / "config.ini").write_text(f"[project]\ntitle = Cards\n[build]\ntabs = {', '.join(locks)}\n")
    (folder / "index.md").write_text("# Cards\n\n```toc\n" + "\n".join(pages) + "\n```\n")
    for tab, text in locks.items():
        (folder / "environments" / f"{tab}.txt").write_text(text)
    for page in pages:
        cells = (f"```{{.python .input}}\n#@tab {tab}\n{HEAD}page = {page!r}\n{TRAIN[tab]}{TAIL}```\n" for tab in locks)
        (folder / f"{page}.md").write_text("---\nexecute:\n  gpus: 1\n---\n# A Page\n\n" + "\n".join(cells))


def records(cache: Path, pages: list[str]) -> list[dict[str, object]]:
    """What the local store has of these pages, whose names nobody else has."""
    found = []
    for path in (cache / "runs").rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        if any(page in text for page in pages):
            found.append(json.loads(text))
    return found


def main() -> int:
    """Write, execute and look; gives the exit code."""
    home = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "environments"
    locks = {tab: (home / f"{tab}.txt").read_text() for tab in TRAIN if (home / f"{tab}.txt").is_file()}
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "octavo"
    cache = Path(os.environ.get("OCTAVO_CACHE") or default)
    pages = [f"card_{secrets.token_hex(6)}" for _ in range(2)]
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder) / "book"
        write_book(book, pages, locks)
        command = [sys.executable, "-m", "octavo", "-C", str(book), "run"]
        done = subprocess.run(command, env={**os.environ, "OCTAVO_CACHE": str(cache)}, check=False)
    problems, checked = [f"octavo run ended with {done.returncode}"] if done.returncode else [], 0
    spans: list[tuple[float, float, str]] = []
    for record in sorted(records(cache, pages), key=lambda one: (str(one["tab"]), str(one["page"]))):
        tab, device, cells = record["tab"], str(record["device"]), record["cells"]
        if record["failure"]:
            continue
        (cell,) = cells
        told = json.loads(
            next(o for o in cell["outputs"] if o["kind"] == "stream" and o["name"] == "stdout")["text"][0]
        )
        peak = cell.get("gpu_memory", 0)
        built = "with" if told["cuda"] else "without"
        print(f"{tab:10}  {built} CUDA, trained on {told['device']}; the record says {device}, {peak >> 20} MiB")
        spans += [(told["begun"], told["ended"], card) for card in told["cards"]]
        if told["losses"][1] > 0.9 * told["losses"][0]:
            problems.append(f"{tab}: the loss did not fall: {told['losses']}")
        if device == "cpu":
            problems.append(f"{tab}: the record does not name a card")
        if told["cuda"]:
            checked += 1
            if told["device"] != "cuda":
                problems.append(f"{tab}: it has a CUDA build and trained on the {told['device']}")
            if not peak:
                problems.append(f"{tab}: the record has no memory of the card")
    for number, (begun, ended, card) in enumerate(spans):
        for other_begun, other_ended, other_card in spans[number + 1 :]:
            if card == other_card and begun < other_ended and other_begun < ended:
                problems.append(f"two pages had the card {card} at the same time")
    for problem in problems:
        print(f"problem: {problem}", file=sys.stderr)
    if problems:
        return 1
    if not checked:
        print("nothing to check: no card here, or no framework has a CUDA build", file=sys.stderr)
        return 2
    print(f"{checked} pages trained on a card")
    return 0


if __name__ == "__main__":
    sys.exit(main())
