"""Whether optimizers from scratch and those of the frameworks take the same steps: compare_optimizers.py BOOK.

In the environment of each framework, every update rule of the book's library goes down a valley from one start, and so
do the framework's own optimizer and the rule of the paper that proposed it, written here in double precision without
any framework. Every point of the three paths is compared. Then the rule and the framework's own train a linear model
on the records of diabetes patients, through the book's two training loops, and the losses of every epoch and the
parameters at the end are compared. Beyond what rounding explains, the exit code is 1. Imports nothing of octavo, which
it asks where the environments are; run it with the interpreter that has it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from frameworks import MODULES, answer, environments

START, STEPS = (-4.5, 1.5), 60
BATCH, EPOCHS = 32, 5
TOLERANCE = 1e-5
"""Of a number and of one: 32-bit floats have an ulp of 1.2e-7, and errors of 60 steps add up."""

Point = tuple[float, ...]
Rule = Callable[[float, int, dict[str, float]], float]
"""The change of one number, for its gradient, the step (from 1) and what is remembered of it."""


def plain(gradient: float, step: int, memory: dict[str, float]) -> float:
    """Gradient descent."""
    return -0.2 * gradient


def heavy(gradient: float, step: int, memory: dict[str, float]) -> float:
    """Polyak's heavy ball."""
    memory["v"] = 0.8 * memory.get("v", 0.0) + gradient
    return -0.1 * memory["v"]


def accelerated(gradient: float, step: int, memory: dict[str, float]) -> float:
    """Nesterov's, in the form of Sutskever et al. (2013) with the point ahead as the parameter."""
    memory["v"] = 0.8 * memory.get("v", 0.0) + gradient
    return -0.1 * (gradient + 0.8 * memory["v"])


def adagrad(gradient: float, step: int, memory: dict[str, float]) -> float:
    """Duchi, Hazan and Singer (2011), with a diagonal, and a small number as the beginning of the sum."""
    memory["s"] = memory.get("s", 1e-6) + gradient * gradient
    return -0.5 * gradient / math.sqrt(memory["s"])


def rmsprop(gradient: float, step: int, memory: dict[str, float]) -> float:
    """Tieleman and Hinton (2012), with a small number under the root."""
    memory["s"] = 0.9 * memory.get("s", 0.0) + 0.1 * gradient * gradient
    return -0.05 * gradient / math.sqrt(memory["s"] + 1e-12)


def adadelta(gradient: float, step: int, memory: dict[str, float]) -> float:
    """Zeiler (2012), algorithm 1."""
    memory["s"] = 0.9 * memory.get("s", 0.0) + 0.1 * gradient * gradient
    change = -math.sqrt(memory.get("d", 0.0) + 1e-3) / math.sqrt(memory["s"] + 1e-3) * gradient
    memory["d"] = 0.9 * memory.get("d", 0.0) + 0.1 * change * change
    return change


def adam(gradient: float, step: int, memory: dict[str, float]) -> float:
    """Kingma and Ba (2015), algorithm 1."""
    memory["m"] = 0.9 * memory.get("m", 0.0) + 0.1 * gradient
    memory["s"] = 0.99 * memory.get("s", 0.0) + 0.01 * gradient * gradient
    first, second = memory["m"] / (1 - 0.9**step), memory["s"] / (1 - 0.99**step)
    return -0.1 * first / (math.sqrt(second) + 1e-8)


def yogi(gradient: float, step: int, memory: dict[str, float]) -> float:
    """Zaheer, Reddi, Sachan, Kale and Kumar (2018), with the corrections of Adam and averages that begin at 1e-6."""
    square, second = gradient * gradient, memory.get("s", 1e-6)
    memory["m"] = 0.9 * memory.get("m", 1e-6) + 0.1 * gradient
    memory["s"] = second - 0.01 * math.copysign(1.0, second - square) * square if second != square else second
    first, second = memory["m"] / (1 - 0.9**step), memory["s"] / (1 - 0.99**step)
    return -0.1 * first / (math.sqrt(second) + 1e-3)


RULES: dict[str, Rule] = {
    "sgd": plain,
    "momentum": heavy,
    "nesterov": accelerated,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adadelta": adadelta,
    "adam": adam,
    "yogi": yogi,
}


def proposed(rule: Rule) -> list[Point]:
    """The way down the valley by a rule, in double precision."""
    x, memories = list(START), ({}, {})
    points: list[Point] = [START]
    for step in range(1, STEPS + 1):
        gradients = 0.1 * x[0], 4 * x[1]
        x = [u + rule(g, step, memory) for u, g, memory in zip(x, gradients, memories, strict=True)]
        points.append(tuple(x))
    return points


def valley(x: Any) -> Any:
    """Curvatures of 0.1 and 4."""
    return 0.05 * x[0] ** 2 + 2 * x[1] ** 2


def from_scratch(d2l: Any) -> dict[str, Any]:
    """The updates of the book's library, with the numbers of the rules above."""
    return {
        "sgd": d2l.sgd(0.2),
        "momentum": d2l.momentum(0.1, 0.8),
        "nesterov": d2l.nesterov(0.1, 0.8),
        "adagrad": d2l.adagrad(0.5, 1e-6),
        "rmsprop": d2l.rmsprop(0.05, 0.9, 1e-12),
        "adadelta": d2l.adadelta(0.9, 1e-3),
        "adam": d2l.adam(0.1, 0.9, 0.99, 1e-8),
        "yogi": d2l.yogi(0.1, 0.9, 0.99, 1e-3),
    }


def own_torch() -> dict[str, Any]:
    """Functions of parameters that give PyTorch's optimizers."""
    from torch import optim

    return {
        "sgd": lambda params: optim.SGD(params, lr=0.2),
        "momentum": lambda params: optim.SGD(params, lr=0.1, momentum=0.8),
        "nesterov": lambda params: optim.SGD(params, lr=0.1, momentum=0.8, nesterov=True),
        "adagrad": lambda params: optim.Adagrad(params, lr=0.5, initial_accumulator_value=1e-6, eps=0),
        "rmsprop": lambda params: optim.RMSprop(params, lr=0.05, alpha=0.9, eps=1e-12),
        "adadelta": lambda params: optim.Adadelta(params, lr=1, rho=0.9, eps=1e-3),
        "adam": lambda params: optim.Adam(params, lr=0.1, betas=(0.9, 0.99), eps=1e-8),
    }


def own_tensorflow() -> dict[str, Any]:
    """Functions that make Keras' optimizers, of which each serves one model."""
    from tensorflow.keras import optimizers

    return {
        "sgd": lambda: optimizers.SGD(0.2),
        "momentum": lambda: optimizers.SGD(0.1, momentum=0.8),
        "nesterov": lambda: optimizers.SGD(0.1, momentum=0.8, nesterov=True),
        "adagrad": lambda: optimizers.Adagrad(0.5, initial_accumulator_value=1e-6, epsilon=0),
        "rmsprop": lambda: optimizers.RMSprop(0.05, rho=0.9, epsilon=1e-12),
        "adadelta": lambda: optimizers.Adadelta(1.0, rho=0.9, epsilon=1e-3),
        "adam": lambda: optimizers.Adam(0.1, beta_1=0.9, beta_2=0.99, epsilon=1e-8),
    }


def own_jax() -> dict[str, Any]:
    """Optax' optimizers."""
    import optax

    return {
        "sgd": optax.sgd(0.2),
        "momentum": optax.sgd(0.1, momentum=0.8),
        "nesterov": optax.sgd(0.1, momentum=0.8, nesterov=True),
        "adagrad": optax.adagrad(0.5, initial_accumulator_value=1e-6, eps=0),
        "rmsprop": optax.rmsprop(0.05, decay=0.9, eps=1e-12),
        "adadelta": optax.adadelta(1.0, rho=0.9, eps=1e-3),
        "adam": optax.adam(0.1, b1=0.9, b2=0.99, eps=1e-8),
        "yogi": optax.yogi(0.1, b1=0.9, b2=0.99, eps=1e-3),
    }


def own_mxnet() -> dict[str, Any]:
    """Functions that make MXNet's optimizers, which count the steps of what they serve."""
    from mxnet import optimizer

    return {
        "sgd": lambda: optimizer.SGD(learning_rate=0.2),
        "momentum": lambda: optimizer.SGD(learning_rate=0.1, momentum=0.8),
        "nesterov": lambda: optimizer.NAG(learning_rate=0.1, momentum=0.8),
        "adagrad": lambda: optimizer.AdaGrad(learning_rate=0.5, eps=1e-6),
        "rmsprop": lambda: optimizer.RMSProp(learning_rate=0.05, gamma1=0.9, epsilon=1e-12),
        "adadelta": lambda: optimizer.AdaDelta(rho=0.9, epsilon=1e-3),
        "adam": lambda: optimizer.Adam(learning_rate=0.1, beta1=0.9, beta2=0.99, epsilon=1e-8),
    }


def path_torch(make: Any) -> Iterator[Any]:
    """The points that an optimizer of PyTorch visits."""
    import torch

    x = torch.tensor(START, requires_grad=True)
    optimizer = make([x])
    for _ in range(STEPS):
        yield x.detach().clone()
        optimizer.zero_grad()
        valley(x).backward()
        optimizer.step()
    yield x.detach()


def path_tensorflow(make: Any) -> Iterator[Any]:
    """The points that an optimizer of Keras visits."""
    import tensorflow as tf

    x, optimizer = tf.Variable(START), make()
    for _ in range(STEPS):
        yield x.numpy()
        with tf.GradientTape() as tape:
            height = valley(x)
        optimizer.apply([tape.gradient(height, x)], [x])
    yield x.numpy()


def path_jax(make: Any) -> Iterator[Any]:
    """The points that an optimizer of Optax visits."""
    import jax
    import optax

    x = jax.numpy.array(START)
    state, gradient = make.init(x), jax.grad(valley)
    for _ in range(STEPS):
        yield x
        change, state = make.update(gradient(x), state, x)
        x = optax.apply_updates(x, change)
    yield x


def path_mxnet(make: Any) -> Iterator[Any]:
    """The points that an optimizer of MXNet visits."""
    from mxnet import autograd, gluon, np

    x = gluon.Parameter("x", shape=(2,))
    x.initialize()
    x.set_data(np.array(START))
    trainer = gluon.Trainer([x], make())
    for _ in range(STEPS):
        yield x.data().copy()
        with autograd.record():
            height = valley(x.data())
        height.backward()
        trainer.step(1)
    yield x.data()


OWN = {"torch": own_torch, "tensorflow": own_tensorflow, "jax": own_jax, "mxnet": own_mxnet}
PATHS = {"torch": path_torch, "tensorflow": path_tensorflow, "jax": path_jax, "mxnet": path_mxnet}


def numbers(points: Any) -> list[Point]:
    """Points as Python's floats."""
    return [tuple(float(u) for u in point) for point in points]


def trained(d2l: Any, module: str, update: Any, own: Any) -> tuple[list[Point], list[Point]]:
    """The losses of each epoch and the parameters at the end, from scratch and by the framework's own optimizer."""
    x, y, _ = d2l.diabetes_data()
    made = own() if module in ("tensorflow", "mxnet") else own
    results = (
        d2l.train_regression(update, x, y, BATCH, EPOCHS),
        d2l.train_regression_concise(made, x, y, BATCH, EPOCHS),
    )
    first, second = ([tuple(losses), *numbers([w, [b]])] for losses, (w, b) in results)
    return first, second


def gap(first: list[Point], second: list[Point]) -> float:
    """The largest difference of two numbers, in parts of their size or of one; of paths of unequal length, infinite."""
    if [len(point) for point in first] != [len(point) for point in second]:
        return math.inf
    pairs = [pair for points in zip(first, second, strict=True) for pair in zip(*points, strict=True)]
    gaps = [abs(u - v) / max(1.0, abs(u), abs(v)) for u, v in pairs]
    return math.inf if any(map(math.isnan, gaps)) else max(gaps)


def measured(module: str) -> dict[str, float]:
    """What was compared in one framework → the gap."""
    d2l = importlib.import_module(f"d2l.{module}")
    found = {}
    own = OWN[module]()
    for name, update in from_scratch(d2l).items():
        scratch = numbers(d2l.trajectory(valley, update, list(START), STEPS))
        found[f"{name}: from scratch and as proposed"] = gap(scratch, proposed(RULES[name]))
        if name in own:
            found[f"{name}: from scratch and the framework's"] = gap(scratch, numbers(PATHS[module](own[name])))
            found[f"{name}: on the records of patients"] = gap(*trained(d2l, module, update, own[name]))
    return found


def main() -> int:
    """Compare the optimizers of the book that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("book", type=Path)
    parser.add_argument("--measure", metavar="MODULE", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    book = arguments.book.resolve()
    if arguments.measure:
        sys.path.insert(0, str(book))
        print(json.dumps(measured(arguments.measure)))
        return 0
    script = str(Path(__file__).resolve())
    problems = compared = 0
    for tab, python in environments(book).items():
        for name, size in answer(book, python, [script, "--measure", MODULES[tab], str(book)]).items():
            alike = size <= TOLERANCE
            print(f"{tab:12}{name:45}{size:10.1e}{'' if alike else '  DIFFERENT'}", flush=True)
            compared, problems = compared + 1, problems + (not alike)
    print(f"{compared} comparisons, {problems} differ by more than {TOLERANCE:g}")
    return bool(problems) or not compared


if __name__ == "__main__":
    sys.exit(main())
