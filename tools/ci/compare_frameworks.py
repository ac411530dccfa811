"""Whether a book's frameworks learn the same: compare_frameworks.py BOOK.

With the library of each framework, in its own environment, a linear model learns the progression of diabetes, and
softmax regression, from scratch and concisely, handwritten digits, each from several seeds; so does a LeNet, whose
losses are left out, since those of one framework differ by more from seed to seed. The losses and accuracies at the end
are averaged over the seeds, and shown; if those of two frameworks differ by more than a tenth, the exit code is 1. What
no framework's library has is left out. Imports nothing of octavo, which it asks where the environments are; run it with
the interpreter that has it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

from frameworks import MODULES, answer, environments

RATE, BATCH, EPOCHS = 0.03, 32, 10
LENET_RATE, LENET_EPOCHS = 0.003, 4
Measures = dict[str, float]


def linear_torch(d2l: Any, seed: int) -> float:
    """The loss of the linear model over all the data, at the end."""
    import torch

    torch.manual_seed(seed)
    x, y, _ = d2l.diabetes_data()
    w, b = torch.zeros(x.shape[1], requires_grad=True), torch.zeros((), requires_grad=True)
    for _ in range(EPOCHS):
        for x_part, y_part in d2l.minibatches((x, y), BATCH):
            d2l.squared_loss(d2l.linear_model(x_part, w, b), y_part).backward()
            d2l.sgd_step([w, b], RATE)
    return float(d2l.squared_loss(d2l.linear_model(x, w, b), y))


def linear_tensorflow(d2l: Any, seed: int) -> float:
    """The loss of the linear model over all the data, at the end."""
    import tensorflow as tf

    tf.random.set_seed(seed)
    x, y, _ = d2l.diabetes_data()
    params = [tf.Variable(tf.zeros(x.shape[1])), tf.Variable(0.0)]
    for _ in range(EPOCHS):
        for x_part, y_part in d2l.minibatches((x, y), BATCH):
            with tf.GradientTape() as tape:
                loss = d2l.squared_loss(d2l.linear_model(x_part, *params), y_part)
            d2l.sgd_step(params, tape.gradient(loss, params), RATE)
    return float(d2l.squared_loss(d2l.linear_model(x, *params), y))


def linear_jax(d2l: Any, seed: int) -> float:
    """The loss of the linear model over all the data, at the end."""
    import jax

    x, y, _ = d2l.diabetes_data()

    @jax.jit
    def loss(params: Any, x: Any, y: Any) -> Any:
        return d2l.squared_loss(d2l.linear_model(x, *params), y)

    gradient = jax.jit(jax.grad(loss))
    params = [jax.numpy.zeros(x.shape[1]), jax.numpy.zeros(())]
    for key in jax.random.split(jax.random.key(seed), EPOCHS):
        for part in d2l.minibatches((x, y), BATCH, key):
            params = d2l.sgd_step(params, gradient(params, *part), RATE)
    return float(loss(params, x, y))


def linear_mxnet(d2l: Any, seed: int) -> float:
    """The loss of the linear model over all the data, at the end."""
    from mxnet import autograd, np, npx

    npx.random.seed(seed)
    x, y, _ = d2l.diabetes_data()
    params = [np.zeros(x.shape[1]), np.zeros(())]
    for param in params:
        param.attach_grad()
    for _ in range(EPOCHS):
        for x_part, y_part in d2l.minibatches((x, y), BATCH):
            with autograd.record():
                loss = d2l.squared_loss(d2l.linear_model(x_part, *params), y_part)
            loss.backward()
            d2l.sgd_step(params, RATE)
    return float(d2l.squared_loss(d2l.linear_model(x, *params), y))


def network_torch(d2l: Any, seed: int) -> Any:
    """The history of a network of one layer, built of the framework's own parts."""
    import torch

    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    return d2l.train_classifier(net, *d2l.digits_loaders(BATCH), EPOCHS, torch.optim.SGD(net.parameters(), lr=RATE))


def network_tensorflow(d2l: Any, seed: int) -> Any:
    """The history of a network of one layer, built of the framework's own parts."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(seed)
    layers = tf.keras.layers
    net = tf.keras.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(10)])
    return d2l.train_classifier(net, *d2l.digits_loaders(BATCH), EPOCHS, tf.keras.optimizers.SGD(RATE))


def network_jax(d2l: Any, seed: int) -> Any:
    """The history of a network of one layer, built of the framework's own parts."""
    import jax
    import optax
    from flax import nnx

    net = nnx.Sequential(lambda x: x.reshape(len(x), -1), nnx.Linear(64, 10, rngs=nnx.Rngs(seed)))
    loaders = d2l.digits_loaders(jax.random.key(seed), BATCH)
    return d2l.train_classifier(net, *loaders, EPOCHS, nnx.Optimizer(net, optax.sgd(RATE), wrt=nnx.Param))


def network_mxnet(d2l: Any, seed: int) -> Any:
    """The history of a network of one layer, built of the framework's own parts."""
    import numpy
    from mxnet import gluon, init, npx

    npx.random.seed(seed)
    numpy.random.seed(seed)  # of which Gluon's loaders take the order
    net = gluon.nn.Dense(10)
    net.initialize(init.Xavier())
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": RATE})
    return d2l.train_classifier(net, *d2l.digits_loaders(BATCH), EPOCHS, trainer)


def lenet_torch(d2l: Any, seed: int) -> Any:
    """The history of a small LeNet, trained by Adam."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    net = nn.Sequential(
        *(nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
    for layer in net:
        if hasattr(layer, "weight"):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    optimizer = torch.optim.Adam(net.parameters(), lr=LENET_RATE)
    return d2l.train_classifier(net, *d2l.digits_loaders(BATCH), LENET_EPOCHS, optimizer)


def lenet_tensorflow(d2l: Any, seed: int) -> Any:
    """The history of a small LeNet, trained by Adam."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(seed)
    layers = tf.keras.layers
    parts = [
        *(layers.Conv2D(6, 3, padding="same", activation="relu"), layers.MaxPooling2D(2)),
        *(layers.Conv2D(16, 3, padding="same", activation="relu"), layers.MaxPooling2D(2), layers.Flatten()),
        *(layers.Dense(120, activation="relu"), layers.Dense(84, activation="relu"), layers.Dense(10)),
    ]
    net = tf.keras.Sequential([layers.Input((8, 8, 1)), *parts])
    optimizer = tf.keras.optimizers.Adam(LENET_RATE)
    return d2l.train_classifier(net, *d2l.digits_loaders(BATCH), LENET_EPOCHS, optimizer)


def lenet_jax(d2l: Any, seed: int) -> Any:
    """The history of a small LeNet, trained by Adam."""
    import jax
    import optax
    from flax import nnx

    chosen = {"kernel_init": nnx.initializers.glorot_uniform(), "rngs": nnx.Rngs(seed)}

    def pool(x: Any) -> Any:
        return nnx.max_pool(x, (2, 2), strides=(2, 2))

    net = nnx.Sequential(
        *(nnx.Conv(1, 6, (3, 3), **chosen), nnx.relu, pool),
        *(nnx.Conv(6, 16, (3, 3), **chosen), nnx.relu, pool, lambda x: x.reshape(len(x), -1)),
        *(nnx.Linear(64, 120, **chosen), nnx.relu, nnx.Linear(120, 84, **chosen), nnx.relu),
        nnx.Linear(84, 10, **chosen),
    )
    optimizer = nnx.Optimizer(net, optax.adam(LENET_RATE), wrt=nnx.Param)
    return d2l.train_classifier(net, *d2l.digits_loaders(jax.random.key(seed), BATCH), LENET_EPOCHS, optimizer)


def lenet_mxnet(d2l: Any, seed: int) -> Any:
    """The history of a small LeNet, trained by Adam."""
    import numpy
    from mxnet import gluon, init, npx

    npx.random.seed(seed)
    numpy.random.seed(seed)
    layers = gluon.nn
    net = layers.HybridSequential()
    net.add(
        *(layers.Conv2D(6, 3, padding=1, activation="relu"), layers.MaxPool2D(2)),
        *(layers.Conv2D(16, 3, padding=1, activation="relu"), layers.MaxPool2D(2), layers.Flatten()),
        *(layers.Dense(120, activation="relu"), layers.Dense(84, activation="relu"), layers.Dense(10)),
    )
    net.initialize(init.Xavier())
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": LENET_RATE})
    return d2l.train_classifier(net, *d2l.digits_loaders(BATCH), LENET_EPOCHS, trainer)


LINEAR: dict[str, Callable[[Any, int], float]] = {
    "torch": linear_torch,
    "tensorflow": linear_tensorflow,
    "jax": linear_jax,
    "mxnet": linear_mxnet,
}
NETWORK: dict[str, Callable[[Any, int], Any]] = {
    "torch": network_torch,
    "tensorflow": network_tensorflow,
    "jax": network_jax,
    "mxnet": network_mxnet,
}
LENET: dict[str, Callable[[Any, int], Any]] = {
    "torch": lenet_torch,
    "tensorflow": lenet_tensorflow,
    "jax": lenet_jax,
    "mxnet": lenet_mxnet,
}


def scratch(module: str, d2l: Any, seed: int) -> Any:
    """The history of softmax regression from scratch."""
    if module == "jax":
        first = [d2l.jax.random.key(seed)]
    else:
        seeded = {"torch": "torch.manual_seed", "tensorflow": "tf.random.set_seed", "mxnet": "npx.random.seed"}[module]
        attrgetter(seeded)(d2l)(seed)
        first = []
    return d2l.train_softmax_regression(*first, d2l.digits_data(), RATE, BATCH, EPOCHS)[-1]


def measured(module: str, seed: int) -> Measures:
    """What one framework has learned at the end, from one seed."""
    d2l = importlib.import_module(f"d2l.{module}")
    found = {"linear regression, loss": LINEAR[module](d2l, seed)}
    for name, needed, kind, history in (
        ("softmax regression", "train_softmax_regression", "", lambda: scratch(module, d2l, seed)),
        ("softmax regression, concise", "train_classifier", "", lambda: NETWORK[module](d2l, seed)),
        ("LeNet", "train_classifier", "accuracy", lambda: LENET[module](d2l, seed)),
    ):
        if hasattr(d2l, needed):
            last = history()[-1]._asdict()
            measures = {measure.replace("_", " "): float(value) for measure, value in last.items()}
            found |= {f"{name}, {measure}": value for measure, value in measures.items() if measure.endswith(kind)}
    return found


def learned(book: Path, python: Path, module: str, seeds: int) -> Measures:
    """What a framework learns, averaged over the seeds; each has a process of its own."""
    runs = []
    for seed in range(1, seeds + 1):
        command = [str(Path(__file__).resolve()), "--measure", module, "--seed", str(seed), str(book)]
        runs.append(answer(book, python, command))
    return {name: sum(run[name] for run in runs) / seeds for name in runs[0]}


def compared(found: dict[str, Measures], tolerance: float) -> list[str]:
    """A line for each measure that some framework lacks or in which two differ too much; all of them are printed."""
    problems = []
    for name in dict.fromkeys(name for measures in found.values() for name in measures):
        values = {tab: measures.get(name, float("nan")) for tab, measures in found.items()}
        low, high = min(values.values()), max(values.values())
        alike = len(values) > 1 and all(value == value for value in values.values()) and high <= (1 + tolerance) * low
        shown = "  ".join(f"{tab} {value:.4f}" for tab, value in values.items())
        print(f"{name:42} {shown}{'' if alike else '  DIFFERENT'}", flush=True)
        problems += [] if alike else [name]
    return problems


def main() -> int:
    """Compare the frameworks of the book that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("book", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tolerance", type=float, default=0.1)
    parser.add_argument("--measure", metavar="MODULE", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    book = arguments.book.resolve()
    if arguments.measure:
        sys.path.insert(0, str(book))
        print(json.dumps(measured(arguments.measure, arguments.seed)))
        return 0
    pythons = environments(book)
    found = {tab: learned(book, python, MODULES[tab], arguments.seeds) for tab, python in pythons.items()}
    problems = compared(found, arguments.tolerance)
    print(f"{len(found)} frameworks, {arguments.seeds} seeds, {len(problems)} measures differ")
    return bool(problems) or not found


if __name__ == "__main__":
    sys.exit(main())
