# Made from the book's pages by `octavo build lib`: edit the pages, not this file.

from collections.abc import Generator as _Generator
from typing import Any as _Any

from collections import namedtuple as namedtuple
import numpy as _np
np = _np
import tensorflow as _tf
tf = _tf
from IPython import get_ipython as get_ipython
from matplotlib import pyplot as _plt
plt = _plt
from matplotlib_inline.config import InlineBackend as InlineBackend
from sklearn.datasets import load_diabetes as load_diabetes
from sklearn.datasets import load_digits as load_digits
from sklearn.model_selection import train_test_split as train_test_split

__all__ = [
    "Epoch",
    "accuracy",
    "arange",
    "as_numpy",
    "concat",
    "confusion_matrix",
    "cross_entropy",
    "data_loader",
    "diabetes_data",
    "digits_data",
    "digits_loaders",
    "evaluate_classifier",
    "least_squares",
    "linear_classifier",
    "linear_model",
    "matmul",
    "minibatches",
    "normal_density",
    "numpy",
    "ones",
    "plot",
    "plot_history",
    "reduce_mean",
    "reduce_sum",
    "reshape",
    "set_figsize",
    "sgd_step",
    "show_images",
    "softmax",
    "squared_loss",
    "synthetic_data",
    "train_classifier",
    "train_softmax_regression",
    "use_svg_display",
    "zeros",
]

def use_svg_display() -> None: ...
def set_figsize(figsize: _Any = ...) -> None: ...
def as_numpy(values: _Any) -> _Any: ...
def plot(x: _Any, *curves: _Any, labels: _Any = None, xlabel: _Any = '', ylabel: _Any = '', xscale: _Any = 'linear', yscale: _Any = 'linear', xlim: _Any = None, ylim: _Any = None, figsize: _Any = ..., ax: _Any = None) -> None: ...
def normal_density(x: _Any, mu: _Any, sigma: _Any) -> _Any: ...
def synthetic_data(w: _Any, b: _Any, n: _Any, noise: _Any = 0.1) -> _Any: ...
def minibatches(tensors: _Any, batch_size: _Any, shuffle: _Any = True) -> _Generator[_Any, _Any, _Any]: ...
def linear_model(X: _Any, w: _Any, b: _Any) -> _Any: ...
def squared_loss(predictions: _Any, targets: _Any) -> _Any: ...
def sgd_step(params: _Any, grads: _Any, lr: _Any) -> None: ...
def least_squares(X: _Any, y: _Any) -> _Any: ...
def diabetes_data() -> _Any: ...
def data_loader(tensors: _Any, batch_size: _Any, shuffle: _Any = True) -> _Any: ...
def show_images(images: _Any, titles: _Any = None, columns: _Any = 10, cmap: _Any = 'gray_r', limits: _Any = None, size: _Any = 0.7) -> None: ...
def digits_data(n_test: _Any = 500) -> _Any: ...
def digits_loaders(batch_size: _Any, n_test: _Any = 500) -> _Any: ...
def linear_classifier(X: _Any, W: _Any, b: _Any) -> _Any: ...
def softmax(logits: _Any) -> _Any: ...
def cross_entropy(logits: _Any, y: _Any) -> _Any: ...
def accuracy(logits: _Any, y: _Any) -> _Any: ...
Epoch: _Any
def train_softmax_regression(data: _Any, lr: _Any, batch_size: _Any, epochs: _Any) -> _Any: ...
def plot_history(history: _Any) -> None: ...
def confusion_matrix(y: _Any, answers: _Any, classes: _Any = 10) -> _Any: ...
def evaluate_classifier(net: _Any, data: _Any) -> _Any: ...
def train_classifier(net: _Any, train_data: _Any, test_data: _Any, epochs: _Any, optimizer: _Any) -> _Any: ...
matmul = _tf.matmul
ones = _tf.ones
zeros = _tf.zeros
concat = _tf.concat
reshape = _tf.reshape
reduce_sum = _tf.reduce_sum
reduce_mean = _tf.reduce_mean
arange = _tf.range
def numpy(x: _Any, *args: _Any, **kwargs: _Any) -> _Any: ...
