# Made from the book's pages by `octavo build lib`: edit the pages, not this file.

from collections.abc import Generator as _Generator
from typing import Any as _Any

import numpy as _np
np = _np
import torch as torch
from IPython import get_ipython as get_ipython
from matplotlib import pyplot as _plt
plt = _plt
from matplotlib_inline.config import InlineBackend as InlineBackend
from sklearn.datasets import load_diabetes as load_diabetes
from torch import nn as nn

__all__ = [
    "arange",
    "as_numpy",
    "concat",
    "diabetes_data",
    "least_squares",
    "linear_model",
    "matmul",
    "minibatches",
    "numpy",
    "ones",
    "plot",
    "reduce_mean",
    "reduce_sum",
    "reshape",
    "set_figsize",
    "sgd_step",
    "squared_loss",
    "synthetic_data",
    "use_svg_display",
    "zeros",
]

def use_svg_display() -> None: ...
def set_figsize(figsize: _Any = ...) -> None: ...
def as_numpy(values: _Any) -> _Any: ...
def plot(x: _Any, *curves: _Any, labels: _Any = None, xlabel: _Any = '', ylabel: _Any = '', xscale: _Any = 'linear', yscale: _Any = 'linear', xlim: _Any = None, ylim: _Any = None, figsize: _Any = ..., ax: _Any = None) -> None: ...
def synthetic_data(w: _Any, b: _Any, n: _Any, noise: _Any = 0.1) -> _Any: ...
def minibatches(tensors: _Any, batch_size: _Any, shuffle: _Any = True) -> _Generator[_Any, _Any, _Any]: ...
def linear_model(X: _Any, w: _Any, b: _Any) -> _Any: ...
def squared_loss(predictions: _Any, targets: _Any) -> _Any: ...
def sgd_step(params: _Any, lr: _Any) -> None: ...
def least_squares(X: _Any, y: _Any) -> _Any: ...
def diabetes_data() -> _Any: ...
matmul = torch.matmul
ones = torch.ones
zeros = torch.zeros
arange = torch.arange
concat = torch.cat
def reshape(x: _Any, *args: _Any, **kwargs: _Any) -> _Any: ...
def reduce_sum(x: _Any, *args: _Any, **kwargs: _Any) -> _Any: ...
def reduce_mean(x: _Any, *args: _Any, **kwargs: _Any) -> _Any: ...
def numpy(x: _Any, *args: _Any, **kwargs: _Any) -> _Any: ...
