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
    """Draw the figures of a notebook as SVG, in the style of the book.

    Text stays text, there is no background, and every run gives equal bytes.
    Text is gray and lines are of medium lightness, so that they stand out
    from white and from black. Outside IPython only the style is set. Calling
    it twice does no harm.

    Example:
        >>> use_svg_display()
    """
    gray = '#767676'
    plt.rcParams.update({
        'svg.fonttype': 'none', 'svg.hashsalt': 'd2l',
        'figure.facecolor': 'none', 'axes.facecolor': 'none',
        'savefig.facecolor': 'none', 'legend.facecolor': 'none',
        'legend.edgecolor': gray, 'text.color': gray, 'grid.color': gray,
        'axes.labelcolor': gray, 'axes.edgecolor': gray,
        'xtick.color': gray, 'ytick.color': gray,
        'axes.prop_cycle': plt.cycler(
            color=['#2f7fc1', '#d55e00', '#1a9850', '#a463c9'])})
    if get_ipython() is not None:
        backend = InlineBackend.instance()
        backend.print_figure_kwargs = {
            'bbox_inches': 'tight',
            'metadata': {'Date': None, 'Creator': None}}
        backend.figure_formats = {'svg'}


# From chapter_preface/index.md
def set_figsize(figsize=(3.5, 2.5)):
    """Set the size of the figures that follow, and draw them as SVG.

    Args:
        figsize: width and height in inches.
    Raises:
        ValueError: if figsize is not two numbers.
    Example:
        >>> set_figsize((6, 2.5))
    """
    use_svg_display()
    plt.rcParams['figure.figsize'] = figsize


# From chapter_preliminaries/automatic-differentiation.md
def as_numpy(values):
    """Turn a tensor, an array, a number or a list of these into NumPy.

    Args:
        values: the numbers, in any shape; a list may mix tensors and numbers.
    Returns:
        a NumPy array of the same shape.
    Raises:
        ValueError: if the entries of a list differ in shape.
    Example:
        >>> as_numpy([tf.constant(1.5), 2.0]).tolist()
        [1.5, 2.0]
    """
    if isinstance(values, (list, tuple)):
        return np.array([as_numpy(value) for value in values])
    return np.asarray(values)


# From chapter_preliminaries/automatic-differentiation.md
def plot(x, *curves, labels=None, xlabel='', ylabel='',
         xscale='linear', yscale='linear', xlim=None, ylim=None,
         figsize=(3.5, 2.5), ax=None):
    """Draw one or several curves over a common horizontal axis.

    Args:
        x: the n positions: a tensor, a NumPy array or a list.
        curves: one or several sequences of n heights, of the same kinds.
        labels: a name for each curve, shown in a legend; None for no legend.
        xlabel, ylabel: what the axes show, with the unit if there is one.
        xscale, yscale: 'linear', 'log' or another scale of Matplotlib's.
        xlim, ylim: a pair (lowest, highest); None lets the data decide.
        figsize: width and height of a new figure in inches.
        ax: Matplotlib axes to add the curves to; None opens a new figure.
    Raises:
        ValueError: if there is no curve, if x has more than one axis or a
            curve not its length, or if labels and curves differ in number.
    Example:
        >>> plot([0, 1, 2], [0, 1, 4], [0, 2, 4], labels=['square', 'double'])
    """
    x, curves = as_numpy(x), [as_numpy(curve) for curve in curves]
    shapes = [curve.shape for curve in curves]
    if x.ndim != 1 or not curves or any(shape != x.shape for shape in shapes):
        raise ValueError(f'x needs one axis, and each curve its length: '
                         f'x has shape {x.shape}, the curves {shapes}')
    if labels is not None and len(labels) != len(curves):
        raise ValueError(f'{len(labels)} labels for {len(curves)} curves')
    if ax is None:
        set_figsize(figsize)
        ax = plt.figure().add_subplot()
    for i, curve in enumerate(curves):
        # dashes tell the curves apart in print without color, too
        dashes = ['-', '--', '-.', ':'][len(ax.lines) % 4]
        ax.plot(x, curve, dashes, label=labels[i] if labels else None)
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale=xscale, yscale=yscale,
           xlim=xlim, ylim=ylim)
    ax.grid(alpha=0.3)
    if labels is not None:
        ax.legend()


# From chapter_linear-networks/linear-regression-scratch.md
def synthetic_data(w, b, n, noise=0.1):
    """Draw n examples of y = X w + b + normal noise.

    The numbers come from TensorFlow's global generator.

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
    """Deal out the rows of tensors in minibatches, for one epoch.

    Args:
        tensors: one or several; the first axis of each counts n examples.
        batch_size: examples in a minibatch; the last one holds what is left.
        shuffle: whether to draw the order anew, from TensorFlow's generator.
    Yields:
        a tuple: batch_size rows of each tensor, the same rows of all.
    Raises:
        ValueError: if the tensors differ in their number of examples.
    Example:
        >>> X, y = tf.zeros((5, 3)), tf.zeros(5)
        >>> [len(y_batch) for _, y_batch in minibatches((X, y), batch_size=2)]
        [2, 2, 1]
    """
    sizes = [tensor.shape[0] for tensor in tensors]
    if len(set(sizes)) > 1:
        raise ValueError(f'numbers of examples differ: {sizes}')
    n = sizes[0]
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
        predictions of shape (n,), in units of the targets.
    Raises:
        the framework's own error if X does not have d columns.
    Example:
        >>> predictions = linear_model(X, w, b)
    """
    return tf.linalg.matvec(X, w) + b


# From chapter_linear-networks/linear-regression-scratch.md
def squared_loss(predictions, targets):
    """Return half the mean squared error, in squared units of the targets.

    Args:
        predictions, targets: of one and the same shape.
    Returns:
        the loss, of shape ().
    Raises:
        ValueError: if the shapes differ, which broadcasting would hide.
    Example:
        >>> loss = squared_loss(linear_model(X, w, b), y)
    """
    shapes = predictions.shape, targets.shape
    if shapes[0] != shapes[1]:
        raise ValueError(f'shapes differ: {shapes[0]} and {shapes[1]}')
    return tf.reduce_mean((predictions - targets) ** 2) / 2


# From chapter_linear-networks/linear-regression-scratch.md
def sgd_step(params, grads, lr):
    """Move variables one step against their gradients, in place.

    Args:
        params: variables.
        grads: their gradients, in the same order and of the same shapes.
        lr: the learning rate.
    Raises:
        TypeError: if a gradient is None, as for a variable not in the loss.
    Example:
        >>> sgd_step([w, b], tape.gradient(loss, [w, b]), lr=0.03)
    """
    for theta, gradient in zip(params, grads):
        theta.assign_sub(lr * gradient)


# From chapter_linear-networks/linear-regression-scratch.md
def least_squares(X, y):
    """Return the weights and the bias of least squared loss.

    Args:
        X: features of shape (n, d), n > d.
        y: targets of shape (n,).
    Returns:
        w of shape (d,) and b of shape (), such that X w + b is closest to y.
    Raises:
        the framework's own error if X and y differ in length.
    Example:
        >>> w, b = least_squares(X, y)
    """
    A = tf.concat([X, tf.ones((len(X), 1))], axis=1)
    solution = tf.linalg.lstsq(A, y[:, None], fast=False)[:, 0]
    return solution[:-1], solution[-1]


# From chapter_linear-networks/linear-regression-scratch.md
def diabetes_data():
    """Return the diabetes data of Efron et al. (2004), standardized.

    The source is scikit-learn's copy; nothing is downloaded.

    Returns:
        X of shape (442, 10): every column with mean 0 and variance 1.
        y of shape (442,): the progression of the disease in standard
            deviations (77 points) from its mean (152 points).
        names: a list of the ten features' names.
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
