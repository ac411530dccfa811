# Made from the book's pages by `octavo build lib`: edit the pages, not this file.

"""The library of the book for TensorFlow, release 0.1.0."""

import numpy as np
import tensorflow as tf
from IPython import get_ipython
from matplotlib import pyplot as plt
from matplotlib_inline.config import InlineBackend
from sklearn.datasets import load_diabetes

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


# From chapter_preface/index.md
def use_svg_display():
    """Draw the figures of a notebook as SVG: text as text, no background, equal bytes in every run.

    Lines of text are gray and line colors of medium lightness, so that they stand out from white
    and from black. Outside IPython only the style is set. Calling it twice does no harm.

    Example: ``use_svg_display(); plt.plot([0, 1], [1, 0])``
    """
    gray = '#767676'
    plt.rcParams.update({
        'svg.fonttype': 'none', 'svg.hashsalt': 'd2l',
        'figure.facecolor': 'none', 'axes.facecolor': 'none', 'savefig.facecolor': 'none',
        'legend.facecolor': 'none', 'legend.edgecolor': gray, 'text.color': gray,
        'axes.labelcolor': gray, 'axes.edgecolor': gray, 'xtick.color': gray,
        'ytick.color': gray, 'grid.color': gray,
        'axes.prop_cycle': plt.cycler(color=['#2f7fc1', '#d55e00', '#1a9850', '#a463c9'])})
    if get_ipython() is not None:
        backend = InlineBackend.instance()
        backend.print_figure_kwargs = {
            'bbox_inches': 'tight', 'metadata': {'Date': None, 'Creator': None}}
        backend.figure_formats = {'svg'}


# From chapter_preface/index.md
def set_figsize(figsize=(3.5, 2.5)):
    """Set the size of the figures that follow, (width, height) in inches, and draw them as SVG.

    Raises ValueError if `figsize` is not two numbers.

    Example: ``set_figsize((6, 2.5)); plt.plot([0, 1], [1, 0])``
    """
    use_svg_display()
    plt.rcParams['figure.figsize'] = figsize


# From chapter_preliminaries/automatic-differentiation.md
def as_numpy(values):
    """Return a tensor, an array, a number or a list of these as a NumPy array.

    Args:
        values: the numbers, in any shape. Lists may mix tensors and plain numbers.
    Returns:
        numpy.ndarray: the same numbers in the same shape.
    Example:
        >>> as_numpy([tf.constant(1.5), 2.0]).tolist()
        [1.5, 2.0]
    """
    if isinstance(values, (list, tuple)):
        return np.array([as_numpy(value) for value in values])
    return np.asarray(values)


# From chapter_preliminaries/automatic-differentiation.md
def plot(x, *curves, labels=None, xlabel='', ylabel='', xscale='linear',
         yscale='linear', xlim=None, ylim=None, figsize=(3.5, 2.5), ax=None):
    """Draw one or several curves over a common horizontal axis.

    Args:
        x: the n positions: a tensor, a NumPy array or a list.
        curves: one or several sequences of n heights, of the same kinds.
        labels: a name for each curve, which makes a legend; None for no legend.
        xlabel, ylabel: what the axes show, with the unit if there is one.
        xscale, yscale: 'linear', 'log' or another scale that Matplotlib knows.
        xlim, ylim: a pair (lowest, highest); None leaves the choice to the data.
        figsize: width and height of a new figure in inches.
        ax: Matplotlib axes to add the curves to; None opens a new figure.
    Raises:
        ValueError: if there is no curve, if a curve's shape is not that of x, or if the
            number of labels is not the number of curves.
    Example:
        >>> plot([0, 1, 2], [0, 1, 4], [0, 2, 4], labels=['square', 'double'])
    """
    x, curves = as_numpy(x), [as_numpy(curve) for curve in curves]
    if not curves or any(curve.shape != x.shape or x.ndim != 1 for curve in curves):
        raise ValueError(f'x of shape {x.shape} needs curves of one dimension and equal '
                         f'length, got {[curve.shape for curve in curves]}')
    if labels is not None and len(labels) != len(curves):
        raise ValueError(f'{len(labels)} labels for {len(curves)} curves')
    if ax is None:
        set_figsize(figsize)
        ax = plt.figure().add_subplot()
    for i, curve in enumerate(curves):
        dashes = ['-', '--', '-.', ':'][len(ax.lines) % 4]     # tell them apart in grey, too
        ax.plot(x, curve, dashes, label=labels[i] if labels else None)
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale=xscale, yscale=yscale, xlim=xlim, ylim=ylim)
    ax.grid(alpha=0.3)
    if labels is not None:
        ax.legend()


# From chapter_linear-networks/linear-regression-scratch.md
def synthetic_data(w, b, n, noise=0.1):
    """Draw n examples of y = X w + b + normal noise from TensorFlow's global generator.

    Args:
        w: weights, a tensor of shape (d,).
        b: bias, a number.
        n: how many examples.
        noise: standard deviation of the noise, in units of y.
    Returns:
        X of shape (n, d), standard normal, and y of shape (n,).
    Example:
        >>> X, y = synthetic_data(tf.constant([2.0, -1.0]), 0.5, n=100)
    """
    X = tf.random.normal((n, len(w)))
    return X, tf.linalg.matvec(X, w) + b + noise * tf.random.normal((n,))


# From chapter_linear-networks/linear-regression-scratch.md
def minibatches(tensors, batch_size, shuffle=True):
    """Deal out the rows of several tensors together, a minibatch at a time, for one epoch.

    Args:
        tensors: one or several tensors whose first axis counts the same n examples.
        batch_size: examples in a minibatch; the last one holds what is left.
        shuffle: whether to draw the order anew, from TensorFlow's global generator.
    Yields:
        a tuple with the chosen rows of each tensor, first axis batch_size.
    Raises:
        ValueError: if the tensors differ in their number of examples.
    Example:
        >>> X, y = tf.zeros((5, 3)), tf.zeros(5)
        >>> [len(y_batch) for _, y_batch in minibatches((X, y), batch_size=2)]
        [2, 2, 1]
    """
    n = tensors[0].shape[0]
    if any(tensor.shape[0] != n for tensor in tensors):
        raise ValueError(f'numbers of examples differ: {[t.shape[0] for t in tensors]}')
    order = tf.random.shuffle(tf.range(n)) if shuffle else tf.range(n)
    for start in range(0, n, batch_size):
        rows = order[start:start + batch_size]
        yield tuple(tf.gather(tensor, rows) for tensor in tensors)


# From chapter_linear-networks/linear-regression-scratch.md
def linear_model(X, w, b):
    """Return the predictions X w + b of a linear model.

    Args:
        X: features of shape (n, d).
        w: weights of shape (d,).
        b: bias, a scalar.
    Returns:
        predictions of shape (n,).
    Example:
        >>> predictions = linear_model(X, w, b)
    """
    return tf.linalg.matvec(X, w) + b


# From chapter_linear-networks/linear-regression-scratch.md
def squared_loss(predictions, targets):
    """Return half the mean squared error, a scalar in squared units of the targets.

    Args:
        predictions, targets: of one and the same shape.
    Raises:
        ValueError: if the shapes differ, since broadcasting would hide the mistake.
    Example:
        >>> loss = squared_loss(linear_model(X, w, b), y)
    """
    if predictions.shape != targets.shape:
        raise ValueError(f'shapes differ: {predictions.shape} and {targets.shape}')
    return tf.reduce_mean((predictions - targets) ** 2) / 2


# From chapter_linear-networks/linear-regression-scratch.md
def sgd_step(params, grads, lr):
    """Move variables one step against their gradients, in place.

    Args:
        params: variables.
        grads: their gradients, in the same order and of the same shapes.
        lr: the learning rate.
    Example:
        >>> sgd_step([w, b], tape.gradient(loss, [w, b]), lr=0.03)
    """
    for param, grad in zip(params, grads):
        param.assign_sub(lr * grad)


# From chapter_linear-networks/linear-regression-scratch.md
def least_squares(X, y):
    """Return the weights and the bias that minimise the squared loss, in closed form.

    Args:
        X: features of shape (n, d), n > d.
        y: targets of shape (n,).
    Returns:
        w of shape (d,) and b of shape (), such that X w + b is closest to y.
    Example:
        >>> w, b = least_squares(X, y)
    """
    A = tf.concat([X, tf.ones((len(X), 1))], axis=1)
    solution = tf.linalg.lstsq(A, y[:, None], fast=False)[:, 0]
    return solution[:-1], solution[-1]


# From chapter_linear-networks/linear-regression-scratch.md
def diabetes_data():
    """Return scikit-learn's diabetes data (Efron et al., 2004), every column standardised.

    Returns:
        X of shape (442, 10); y of shape (442,), the progression of the disease in standard
        deviations (77 points) from its mean (152 points); the names of the ten features.
    Example:
        >>> X, y, names = diabetes_data()
    """
    data = load_diabetes(scaled=False)
    X, y = data.data, data.target
    X, y = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    X, y = (tf.constant(a, dtype=tf.float32) for a in (X, y))
    return X, y, data.feature_names


# Aliases of config.ini
matmul = tf.matmul
ones = tf.ones
zeros = tf.zeros
concat = tf.concat
reshape = tf.reshape
reduce_sum = tf.reduce_sum
reduce_mean = tf.reduce_mean
arange = tf.range


def numpy(x, *args, **kwargs):
    """Call ``x.numpy``."""
    return x.numpy(*args, **kwargs)
