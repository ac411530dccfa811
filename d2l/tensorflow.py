# Made from the book's pages by `octavo build lib`: edit the pages, not this file.

"""The library of the book for TensorFlow, release 0.1.0."""

import math
from collections import namedtuple

import numpy as np
import tensorflow as tf
from IPython import get_ipython
from matplotlib import pyplot as plt
from matplotlib_inline.config import InlineBackend
from sklearn.datasets import load_diabetes, load_digits, load_sample_image
from sklearn.model_selection import train_test_split

__all__ = [
    "Epoch",
    "accuracy",
    "adadelta",
    "adagrad",
    "adam",
    "arange",
    "as_numpy",
    "best_device",
    "concat",
    "confusion_matrix",
    "cosine_schedule",
    "cross_correlation",
    "cross_entropy",
    "data_loader",
    "diabetes_data",
    "digits_data",
    "digits_loaders",
    "evaluate_classifier",
    "hessian",
    "least_squares",
    "linear_classifier",
    "linear_model",
    "matmul",
    "minibatches",
    "momentum",
    "nesterov",
    "normal_density",
    "numpy",
    "ones",
    "photograph",
    "plot",
    "plot_history",
    "plot_trajectories",
    "reduce_mean",
    "reduce_sum",
    "reshape",
    "rmsprop",
    "scheduled",
    "set_figsize",
    "sgd",
    "sgd_step",
    "show_images",
    "softmax",
    "squared_loss",
    "synthetic_data",
    "train_classifier",
    "train_regression",
    "train_regression_concise",
    "train_softmax_regression",
    "trajectory",
    "use_svg_display",
    "valley",
    "yogi",
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
    plt.rc('figure', figsize=figsize)


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


# From chapter_preliminaries/probability.md
def normal_density(x, mu, sigma):
    """Return the density of the normal distribution at the places x.

    Args:
        x: a tensor of any shape.
        mu: the mean, in units of x.
        sigma: the standard deviation, positive, in units of x.
    Returns:
        densities of the shape of x, in units of one over that of x.
    Example:
        >>> round(float(normal_density(tf.constant(0.0), 0.0, 1.0)), 4)
        0.3989
    """
    z = (x - mu) / sigma
    return tf.exp(-z ** 2 / 2) / ((2 * np.pi) ** 0.5 * sigma)


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
        >>> len(X), len(y)
        (100, 100)
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
        >>> X, y, _ = diabetes_data()
        >>> w, b = least_squares(X, y)
        >>> len(linear_model(X, w, b))
        442
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
        >>> _, y, _ = diabetes_data()
        >>> round(float(squared_loss(0 * y, y)), 3)
        0.5
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
        >>> w = tf.Variable([1.0, -2.0])
        >>> with tf.GradientTape() as tape:
        ...     loss = tf.reduce_sum(w ** 2)
        >>> sgd_step([w], tape.gradient(loss, [w]), lr=0.25)
        >>> w.numpy().tolist()
        [0.5, -1.0]
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
        >>> X = tf.constant([[0.0], [1.0], [2.0]])
        >>> w, b = least_squares(X, tf.constant([1.0, 3.0, 5.0]))
        >>> round(float(w[0]), 3), round(float(b), 3)
        (2.0, 1.0)
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
        >>> len(X), len(y), names[2]
        (442, 442, 'bmi')
    """
    data = load_diabetes(scaled=False)
    X, y = data.data, data.target
    X, y = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    X, y = (tf.constant(a, dtype=tf.float32) for a in (X, y))
    return X, y, data.feature_names


# From chapter_linear-networks/linear-regression-concise.md
def data_loader(tensors, batch_size, shuffle=True):
    """Return a data set that deals out the rows of tensors in minibatches.

    Each iteration over it is one epoch. The last minibatch holds what is
    left; len(loader) counts the minibatches.

    Args:
        tensors: one or several; the first axis of each counts n examples.
        batch_size: examples in a minibatch.
        shuffle: whether each epoch has a new order, drawn from TensorFlow's
            global generator.
    Returns:
        a tf.data.Dataset of tuples: batch_size rows of each tensor.
    Raises:
        ValueError: if the tensors differ in their number of examples.
    Example:
        >>> loader = data_loader((tf.zeros((5, 3)), tf.zeros(5)), 2)
        >>> [tuple(X_batch.shape) for X_batch, y_batch in loader]
        [(2, 3), (2, 3), (1, 3)]
    """
    loader = tf.data.Dataset.from_tensor_slices(tuple(tensors))
    if shuffle:
        loader = loader.shuffle(buffer_size=len(loader))
    return loader.batch(batch_size).prefetch(tf.data.AUTOTUNE)


# From chapter_linear-networks/image-classification-dataset.md
def show_images(images, titles=None, columns=10, cmap='gray_r',
                limits=None, size=0.7):
    """Draw images of one channel in rows, without interpolation.

    Args:
        images: n of them, as a tensor, array or list of shape (n, height,
            width), where a further axis of length 1 does not matter.
        titles: n short texts or numbers to write above them, or None.
        columns: how many images a row has.
        cmap: the name of one of Matplotlib's color maps.
        limits: the values (lowest, highest) at the two ends of the color
            map; None takes the extremes over all the images.
        size: width of an image in inches.
    Raises:
        ValueError: if titles and images differ in number.
    Example:
        >>> show_images([[[0, 1], [1, 0]]], titles=['a cross'])
    """
    images = [as_numpy(image).squeeze() for image in images]
    if titles is not None and len(titles) != len(images):
        raise ValueError(f'{len(titles)} titles for {len(images)} images')
    low, high = limits or (min(image.min() for image in images),
                           max(image.max() for image in images))
    rows = -(-len(images) // columns)
    height = size * (1 if titles is None else 1.4)
    set_figsize((columns * size, rows * height))
    axes = plt.figure().subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.axis('off')
    for i, (ax, image) in enumerate(zip(axes.flat, images)):
        ax.imshow(image, cmap=cmap, vmin=low, vmax=high)
        if titles is not None:
            ax.set_title(titles[i], fontsize=9, pad=3)


# From chapter_linear-networks/image-classification-dataset.md
def digits_data(n_test=500):
    """Return 8 x 8 images of handwritten digits for training and testing.

    The source is scikit-learn's copy of the test part of Alpaydin and
    Kaynak's set (1998); nothing is downloaded. The split is random and
    stratified, and the same in every call and framework.

    Args:
        n_test: how many of the 1797 images are for testing, 10 to 1787.
    Returns:
        X_train, y_train, X_test, y_test. The images X are 32-bit floats,
        standardized by the mean and standard deviation of all training
        pixels. The labels y are integers 0 to 9 of shape (n,).
    Raises:
        ValueError: if a part would have fewer examples than classes.
    Example:
        >>> X_train, y_train, X_test, y_test = digits_data()
        >>> len(y_train), len(y_test)
        (1297, 500)
    """
    digits = load_digits()
    X_train, X_test, y_train, y_test = train_test_split(
        digits.images, digits.target, test_size=n_test,
        stratify=digits.target, random_state=0)
    mean, std = X_train.mean(), X_train.std()
    arrays = []
    for X, y in [(X_train, y_train), (X_test, y_test)]:
        X = (X - mean) / std
        arrays += [tf.constant(X[..., None], dtype=tf.float32),
                   tf.constant(y, dtype=tf.int32)]
    return tuple(arrays)


# From chapter_linear-networks/image-classification-dataset.md
def digits_loaders(batch_size, n_test=500):
    """Return data sets of the digits for training and for testing.

    Args:
        batch_size: images in a minibatch; the last one holds what is left.
        n_test: how many of the 1797 images are for testing.
    Returns:
        train_data, shuffled anew in each epoch by TensorFlow's global
        seed, and test_data, in fixed order. Each yields pairs X of
        shape (batch_size, 8, 8, 1) and y of shape (batch_size,).
    Raises:
        ValueError: if n_test leaves fewer examples than classes.
    Example:
        >>> tf.random.set_seed(1)
        >>> train_data, test_data = digits_loaders(batch_size=64)
        >>> len(train_data), len(test_data)
        (21, 8)
    """
    X_train, y_train, X_test, y_test = digits_data(n_test)
    return (data_loader((X_train, y_train), batch_size),
            data_loader((X_test, y_test), batch_size, shuffle=False))


# From chapter_linear-networks/softmax-regression-scratch.md
def linear_classifier(X, W, b):
    """Return the logits X W + b of a linear classifier.

    Args:
        X: n examples with d numbers each, in any shape (n, ...).
        W: weights of shape (d, K), a column for each of K classes.
        b: biases of shape (K,).
    Returns:
        logits of shape (n, K).
    Raises:
        the framework's own error if the examples cannot be cut to d columns.
    Example:
        >>> X, _, _, _ = digits_data()
        >>> tuple(linear_classifier(X, zeros((64, 10)), zeros(10)).shape)
        (1297, 10)
    """
    return tf.reshape(X, (-1, W.shape[0])) @ W + b


# From chapter_linear-networks/softmax-regression-scratch.md
def softmax(logits):
    """Return the probabilities that belong to rows of logits.

    Args:
        logits: of shape (n, K), finite but otherwise of any size.
    Returns:
        probabilities of shape (n, K); each row sums to 1.
    Raises:
        the framework's own error if logits have fewer than two axes.
    Example:
        >>> float(softmax(zeros((1, 4)))[0, 0])
        0.25
    """
    largest = tf.reduce_max(logits, axis=1, keepdims=True)
    exps = tf.exp(logits - largest)
    return exps / tf.reduce_sum(exps, axis=1, keepdims=True)


# From chapter_linear-networks/softmax-regression-scratch.md
def cross_entropy(logits, y):
    """Return the mean cross-entropy of labels, given logits.

    Args:
        logits: of shape (n, K).
        y: labels, integers 0 to K - 1 of shape (n,).
    Returns:
        the loss in nats, of shape ().
    Raises:
        ValueError: if y is not one label for each row of logits.
    Example:
        >>> _, y, _, _ = digits_data()
        >>> round(float(cross_entropy(zeros((1297, 10)), y)), 3)
        2.303
    """
    if tuple(y.shape) != tuple(logits.shape[:1]):
        raise ValueError(f'labels {y.shape} for logits {logits.shape}')
    m = tf.reduce_max(logits, axis=1)
    exps = tf.exp(logits - m[:, None])
    log_sums = m + tf.math.log(tf.reduce_sum(exps, axis=1))
    return tf.reduce_mean(log_sums - tf.gather(logits, y, batch_dims=1))


# From chapter_linear-networks/softmax-regression-scratch.md
def accuracy(logits, y):
    """Return the share of labels that have the largest logit of their row.

    Args:
        logits: of shape (n, K); probabilities will do as well.
        y: labels, integers 0 to K - 1 of shape (n,).
    Returns:
        a float between 0 and 1.
    Raises:
        ValueError: if y is not one label for each row of logits.
    Example:
        >>> _, y, _, _ = digits_data()
        >>> round(accuracy(zeros((1297, 10)), y), 2)
        0.1
    """
    if tuple(y.shape) != tuple(logits.shape[:1]):
        raise ValueError(f'labels {y.shape} for logits {logits.shape}')
    hits = tf.argmax(logits, axis=1, output_type=y.dtype) == y
    return float(tf.reduce_mean(tf.cast(hits, tf.float32)))


# From chapter_linear-networks/softmax-regression-scratch.md
Epoch = namedtuple('Epoch', ['train_loss', 'train_accuracy',
                             'test_loss', 'test_accuracy'])


# From chapter_linear-networks/softmax-regression-scratch.md
def train_softmax_regression(data, lr, batch_size, epochs):
    """Train a linear classifier by minibatch SGD on the cross-entropy.

    The order of the examples comes from TensorFlow's global generator.

    Args:
        data: X_train, y_train, X_test, y_test as from digits_data; labels
            are 0 to 9.
        lr: the learning rate.
        batch_size: examples in a minibatch.
        epochs: how many times to go through the training data.
    Returns:
        W of shape (d, 10), b of shape (10,), and a list of epochs + 1
        records Epoch, the first before training.
    Example:
        >>> W, b, history = train_softmax_regression(
        ...     digits_data(), lr=0.2, batch_size=64, epochs=2)
        >>> len(history)
        3
    """
    X_train, y_train, X_test, y_test = data
    W = tf.Variable(tf.zeros((tf.size(X_train[0]), 10)))
    b = tf.Variable(tf.zeros(10))

    def measure(X, y):
        logits = linear_classifier(X, W, b)
        return float(cross_entropy(logits, y)), accuracy(logits, y)

    @tf.function(reduce_retracing=True)
    def step(X, y):
        with tf.GradientTape() as tape:
            loss = cross_entropy(linear_classifier(X, W, b), y)
        sgd_step([W, b], tape.gradient(loss, [W, b]), lr)

    history = [Epoch(*measure(X_train, y_train), *measure(X_test, y_test))]
    for _ in range(epochs):
        for X, y in minibatches((X_train, y_train), batch_size):
            step(X, y)
        history.append(Epoch(*measure(X_train, y_train),
                             *measure(X_test, y_test)))
    return W, b, history


# From chapter_linear-networks/softmax-regression-scratch.md
def plot_history(history):
    """Draw loss and accuracy over the epochs, for training and test data.

    The scale of the loss is logarithmic.

    Args:
        history: a list of records Epoch, the first before training.
    Raises:
        AttributeError: if the list holds something else.
    Example:
        >>> plot_history([Epoch(2.3, 0.1, 2.3, 0.1),
        ...               Epoch(0.5, 0.9, 0.6, 0.9)])
    """
    set_figsize((7.5, 2.5))
    figure = plt.figure(layout='constrained')
    for ax, measure, scale in zip(figure.subplots(1, 2),
                                  ['loss', 'accuracy'], ['log', 'linear']):
        curves = [[getattr(epoch, f'{part}_{measure}') for epoch in history]
                  for part in ('train', 'test')]
        plot(range(len(history)), *curves, labels=['training', 'test'],
                 xlabel='epoch', ylabel=measure, yscale=scale, ax=ax)
        if scale == 'log':                 # numbers at 1, 2 and 5
            ax.yaxis.set_major_locator(plt.LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_major_formatter('{x:g}')
            ax.minorticks_off()


# From chapter_linear-networks/softmax-regression-scratch.md
def confusion_matrix(y, answers, classes=10):
    """Count how often each class was answered by each class.

    Args:
        y: the right labels, integers 0 to classes - 1 of shape (n,).
        answers: the labels that were given, likewise.
        classes: how many classes there are.
    Returns:
        integers of shape (classes, classes): rows by the right class,
        columns by the answer; the diagonal holds the hits.
    Raises:
        the framework's own error if y and answers differ in length.
    Example:
        >>> _, _, _, y = digits_data()
        >>> tuple(confusion_matrix(y, y).shape)
        (10, 10)
    """
    pairs, n = classes * y + answers, classes ** 2
    counts = tf.math.bincount(pairs, minlength=n)
    return tf.reshape(counts, (classes, classes))


# From chapter_linear-networks/softmax-regression-concise.md
def evaluate_classifier(net, data):
    """Return the mean cross-entropy and the accuracy of a network.

    Args:
        net: a Keras model that turns a minibatch X into logits of shape
            (n, K); train_classifier has compiled it.
        data: a data set of pairs X, y.
    Returns:
        loss in nats and accuracy, two floats.
    Raises:
        ValueError: if net has not been compiled.
    Example:
        >>> tf.random.set_seed(1)
        >>> net = tf.keras.Sequential([tf.keras.layers.Flatten(),
        ...                            tf.keras.layers.Dense(10)])
        >>> net.compile(metrics=['accuracy'],
        ...             loss=tf.keras.losses.SparseCategoricalCrossentropy(
        ...                 from_logits=True))
        >>> loss, share = evaluate_classifier(net, digits_loaders(64)[1])
    """
    loss, share = net.evaluate(data, verbose=0)
    return loss, share


# From chapter_linear-networks/softmax-regression-concise.md
def train_classifier(net, train_data, test_data, epochs,
                     optimizer):
    """Train a network on the cross-entropy, and measure it in each epoch.

    Args:
        net: a Keras model that turns a minibatch X into logits of shape
            (n, K); it gets compiled.
        train_data, test_data: data sets of pairs X, y, labels 0 to K - 1.
        epochs: how many times to go through train_data.
        optimizer: one of tf.keras.optimizers.
    Returns:
        a list of epochs + 1 records Epoch, the first before training.
    Raises:
        ValueError: if the optimizer has served for another model.
    Example:
        >>> tf.keras.utils.set_random_seed(1)
        >>> net = tf.keras.Sequential([tf.keras.layers.Input((8, 8, 1)),
        ...                            tf.keras.layers.Flatten(),
        ...                            tf.keras.layers.Dense(10)])
        >>> optimizer = tf.keras.optimizers.SGD(0.2)
        >>> history = train_classifier(net, *digits_loaders(64), 1, optimizer)
        >>> len(history)
        2
    """
    net.compile(optimizer, metrics=['accuracy'],
                loss=tf.keras.losses.SparseCategoricalCrossentropy(
                    from_logits=True))
    history = []
    for epoch in range(epochs + 1):
        if epoch > 0:
            net.fit(train_data, shuffle=False, verbose=0)
        history.append(Epoch(*evaluate_classifier(net, train_data),
                                 *evaluate_classifier(net, test_data)))
    return history


# From chapter_convolutional-neural-networks/conv-layer.md
def cross_correlation(X, K):
    """Return the cross-correlation of one image with one kernel.

    Args:
        X: an image of shape (height, width), one channel.
        K: a kernel of shape (k_h, k_w), at most as large.
    Returns:
        the output of shape (height - k_h + 1, width - k_w + 1).
    Raises:
        ValueError: if the kernel is higher or wider than the image.
    Example:
        >>> tuple(cross_correlation(ones((5, 6)), ones((2, 3))).shape)
        (4, 4)
    """
    rows, columns = (n - k + 1 for n, k in zip(X.shape, K.shape))
    if rows < 1 or columns < 1:
        raise ValueError(f'kernel {K.shape} for an image {X.shape}')
    return sum(K[a, b] * X[a:a + rows, b:b + columns]
               for a in range(K.shape[0]) for b in range(K.shape[1]))


# From chapter_convolutional-neural-networks/conv-layer.md
def photograph():
    """Return a photograph of a tower above a lake, in gray.

    The source is scikit-learn's sample image china.jpg, by D. Büchele, under
    a CC BY 2.0 license; blocks of 4 x 4 pixels are averaged.

    Returns:
        an image of shape (106, 160), 32-bit floats from 0 (black) to 1.
    Raises:
        ImportError: if the package Pillow, which reads images, is missing.
    Example:
        >>> tuple(photograph().shape)
        (106, 160)
    """
    colors = load_sample_image('china.jpg')[:424]          # (424, 640, 3)
    gray = colors.mean(axis=2).reshape(106, 4, 160, 4).mean(axis=(1, 3))
    return tf.constant(gray / 255, dtype=tf.float32)


# From chapter_convolutional-neural-networks/lenet.md
def best_device():
    """Return the name of the first graphics processor, or else of the CPU.

    Keras goes there by itself; the name is for tf.device, where a program
    wants to say so.

    Returns:
        '/GPU:0' or '/CPU:0'.
    Example:
        >>> with tf.device(best_device()):
        ...     X = tf.zeros((2, 3))
    """
    return '/GPU:0' if tf.config.list_physical_devices('GPU') else '/CPU:0'


# From chapter_optimization/optimization-intro.md
def hessian(f, x):
    """Return the matrix of second derivatives of a function.

    Args:
        f: a function of a tensor of shape (d,); its value has shape ().
        x: the point, of shape (d,).
    Returns:
        a tensor of shape (d, d).
    Example:
        >>> H = hessian(lambda x: x[0] ** 2 * x[1], tf.constant([1., 3.]))
        >>> H.numpy().tolist()
        [[6.0, 2.0], [2.0, 0.0]]
    """
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = f(x)
        gradient = inner.gradient(y, x)
    return outer.jacobian(gradient, x, experimental_use_pfor=False)


# From chapter_optimization/gradient-descent.md
def trajectory(f, update, start, steps):
    """Return the points that an optimizer visits on a function.

    Args:
        f: a function of a tensor x of shape (d,); its value has shape ().
        update: a function of the point, the gradient there and the state
            that it returned last (None at first); it returns the next
            point and its new state.
        start: d numbers.
        steps: how many steps to take.
    Returns:
        the points, a tensor of shape (steps + 1, d).
    Example:
        >>> def update(x, gradient, state):
        ...     return x - 0.5 * gradient, state
        >>> points = trajectory(
        ...     lambda x: tf.reduce_sum(x ** 2) / 2, update, [4., 2.], 2)
        >>> points.numpy().tolist()
        [[4.0, 2.0], [2.0, 1.0], [1.0, 0.5]]
    """
    @tf.function(autograph=False)
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = f(x)
        return tape.gradient(value, x)

    x, state = tf.constant(start), None
    points, gradient = [x], slope.get_concrete_function(x)
    for _ in range(steps):
        x, state = update(x, gradient(x), state)
        points.append(x)
    return tf.stack(points)


# From chapter_optimization/gradient-descent.md
def plot_trajectories(f, *paths, labels=None, xlim=(-5, 5), ylim=(-3, 3),
                      levels=12, figsize=(3.5, 2.5), ax=None):
    """Draw paths in the plane over the contours of a function.

    Args:
        f: a function of x of shape (2, ...), the two coordinates first, with
            values of shape (...).
        paths: the points of each path, of shape (n, 2).
        labels: a name for each path, shown in a legend; None for no legend.
        xlim, ylim: a pair (lowest, highest) for each axis.
        levels: how many contours, or their heights in ascending order.
        figsize: width and height of a new figure in inches.
        ax: Matplotlib axes to draw in; None opens a new figure.
    Example:
        >>> plot_trajectories(lambda x: x[0] ** 2 + 2 * x[1] ** 2,
        ...                   [[4, 2], [2, 0], [1, 0]])
    """
    if ax is None:
        set_figsize(figsize)
        ax = plt.figure().add_subplot()
    axes = [tf.linspace(*map(float, limits), 101)
            for limits in (xlim, ylim)]
    grid = tf.stack(tf.meshgrid(*axes))
    ax.contour(*map(as_numpy, axes), as_numpy(f(grid)), levels,
               linewidths=0.6, colors='#767676')
    for i, path in enumerate(paths):
        path = as_numpy(path)
        ax.plot(path[:, 0], path[:, 1], 'os^D'[i % 4] + '-', markersize=3,
                linewidth=1, label=labels[i] if labels else None)
    ax.set(xlim=xlim, ylim=ylim, xlabel='$x_1$', ylabel='$x_2$')
    if labels is not None:
        ax.legend()


# From chapter_optimization/minibatch-sgd.md
def sgd(lr):
    """Return the update of gradient descent.

    Args:
        lr: the learning rate.
    Returns:
        update: for a tensor, its gradient and a state, which it leaves as it
            is, the new tensor and the state.
    Example:
        >>> update = sgd(0.5)
        >>> update(2.0, 1.0, None)
        (1.5, None)
    """
    def update(x, gradient, state):
        return x - lr * gradient, state
    return update


# From chapter_optimization/minibatch-sgd.md
def train_regression(update, X, y, batch_size, epochs, seed=0):
    """Train a linear model with an optimizer made from scratch.

    Weights and bias start at zero; the loss is half the mean squared error.

    Args:
        update: a function of a parameter, its gradient and the state that it
            returned last for this parameter (None at first); it returns the
            new parameter and state.
        X: features of shape (n, d).
        y: targets of shape (n,).
        batch_size: examples in a minibatch.
        epochs: how many times to go through the data.
        seed: of the generator that draws the order of the examples.
    Returns:
        losses: a list of epochs + 1 floats: over all data, before training
            and after each epoch.
        params: weights of shape (d,) and bias of shape ().
    Example:
        >>> X, y, _ = diabetes_data()
        >>> losses, (w, b) = train_regression(
        ...     lambda theta, gradient, state: (theta - 0.1 * gradient, state),
        ...     X, y, batch_size=32, epochs=2)
        >>> len(losses), losses[-1] < losses[0]
        (3, True)
    """
    @tf.function(reduce_retracing=True)
    def step(params, states, X, y):
        with tf.GradientTape() as tape:
            tape.watch(params)
            loss = squared_loss(linear_model(X, *params), y)
        gradients = tape.gradient(loss, params)
        steps = [update(*triple) for triple in zip(params, gradients, states)]
        return tuple(map(list, zip(*steps)))

    tf.random.set_seed(seed)
    params, states = [tf.zeros(X.shape[1]), tf.zeros(())], [None, None]
    losses = [float(squared_loss(linear_model(X, *params), y))]
    for _ in range(epochs):
        for batch in minibatches((X, y), batch_size):
            params, states = step(params, states, *batch)
        losses.append(float(squared_loss(linear_model(X, *params), y)))
    return losses, params


# From chapter_optimization/minibatch-sgd.md
def train_regression_concise(optimizer, X, y, batch_size,
                             epochs, seed=0):
    """Train a linear model with an optimizer of the framework.

    The model, its start, the loss and, for a seed, the minibatches are those
    of train_regression.

    Args:
        optimizer: a new one of tf.keras.optimizers.
        X: features of shape (n, d).
        y: targets of shape (n,).
        batch_size: examples in a minibatch.
        epochs: how many times to go through the data.
        seed: as in train_regression.
    Returns:
        losses and params as train_regression.
    Example:
        >>> X, y, _ = diabetes_data()
        >>> losses, (w, b) = train_regression_concise(
        ...     tf.keras.optimizers.SGD(0.1), X, y, batch_size=32, epochs=2)
        >>> len(losses), losses[-1] < losses[0]
        (3, True)
    """
    tf.random.set_seed(seed)
    params = [tf.Variable(tf.zeros(X.shape[1])), tf.Variable(0.)]
    optimizer.build(params)

    @tf.function(reduce_retracing=True)
    def step(X, y):
        with tf.GradientTape() as tape:
            loss = squared_loss(linear_model(X, *params), y)
        optimizer.apply(tape.gradient(loss, params))

    losses = [float(squared_loss(linear_model(X, *params), y))]
    for _ in range(epochs):
        for batch in minibatches((X, y), batch_size):
            step(*batch)
        losses.append(float(squared_loss(linear_model(X, *params), y)))
    return losses, [tf.convert_to_tensor(theta) for theta in params]


# From chapter_optimization/momentum.md
def valley(x):
    """A quadratic function of the plane, forty times steeper across.

    Args:
        x: of shape (2, ...), the two coordinates first.
    Returns:
        values of shape (...); the lowest is 0, at the origin.
    Example:
        >>> valley([2.0, 0.5])
        0.7
    """
    return 0.05 * x[0] ** 2 + 2 * x[1] ** 2


# From chapter_optimization/momentum.md
def momentum(lr, beta):
    """Return the update of gradient descent with momentum.

    Args:
        lr: the learning rate, which multiplies the velocity.
        beta: what the velocity keeps of itself in a step, from 0 to 1.
    Returns:
        update: for a tensor, its gradient and its velocity (None at first),
            the new tensor and velocity.
    Example:
        >>> update = momentum(0.5, 0.9)
        >>> x, velocity = update(2.0, 1.0, None)
        >>> update(x, 1.0, velocity)
        (0.55, 1.9)
    """
    def update(x, gradient, velocity):
        velocity = (gradient if velocity is None
                    else beta * velocity + gradient)
        return x - lr * velocity, velocity
    return update


# From chapter_optimization/momentum.md
def nesterov(lr, beta):
    """Return the update of gradient descent with Nesterov's momentum.

    Args:
        lr: the learning rate, which multiplies the velocity.
        beta: what the velocity keeps of itself in a step, from 0 to 1.
    Returns:
        update: for a tensor, its gradient and its velocity (None at first),
            the new tensor and velocity.
    Example:
        >>> update = nesterov(0.5, 0.5)
        >>> update(2.0, 1.0, None)
        (1.25, 1.0)
    """
    def update(x, gradient, velocity):
        velocity = (gradient if velocity is None
                    else beta * velocity + gradient)
        return x - lr * (gradient + beta * velocity), velocity
    return update


# From chapter_optimization/adagrad.md
def adagrad(lr, eps=1e-7):
    """Return the update of Adagrad.

    Args:
        lr: the learning rate; a coordinate's first step is nearly this long.
        eps: where the sums of squared gradients begin, greater than 0.
    Returns:
        update: for a tensor, its gradient and the sum of its squared
            gradients (None at first), the new tensor and sum.
    Example:
        >>> update = adagrad(0.5, eps=7.0)
        >>> x, total = update(2.0, 3.0, None)
        >>> x, total
        (1.625, 16.0)
        >>> update(x, 3.0, total)
        (1.325, 25.0)
    """
    def update(x, gradient, total):
        total = gradient ** 2 + (eps if total is None else total)
        return x - lr * gradient / total ** 0.5, total
    return update


# From chapter_optimization/rmsprop.md
def rmsprop(lr, gamma=0.9, eps=1e-8):
    """Return the update of RMSProp.

    Args:
        lr: the learning rate; under a constant gradient the length of a step.
        gamma: what the mean square keeps of itself in a step, from 0 to 1.
        eps: added to the mean square before its root is taken.
    Returns:
        update: for a tensor, its gradient and the leaky mean of its squared
            gradients (None at first), the new tensor and mean.
    Example:
        >>> update = rmsprop(0.5, gamma=0.75, eps=0.0)
        >>> update(2.0, 2.0, None)
        (1.0, 1.0)
    """
    def update(x, gradient, mean):
        mean = (1 - gamma) * gradient ** 2 + (
            0.0 if mean is None else gamma * mean)
        return x - lr * gradient / (mean + eps) ** 0.5, mean
    return update


# From chapter_optimization/adadelta.md
def adadelta(rho, eps, lr=1):
    """Return the update of Adadelta.

    Args:
        rho: what both averages of squares keep of themselves in a step.
        eps: added to both averages; its root sets the size of first steps.
        lr: a factor of the step, outside of the average of squared steps.
    Returns:
        update: for a tensor, its gradient and the averages of squared
            gradients and of squared steps (None at first), the new tensor
            and averages.
    Example:
        >>> update = adadelta(0.75, 0.01)
        >>> x, (gradients, steps) = update(2.0, 4.0, None)
        >>> round(x, 2), gradients, round(steps, 2)
        (1.8, 4.0, 0.01)
    """
    def update(x, gradient, state):
        v, u = state if state else (0 * x, 0 * x)
        v = rho * v + (1 - rho) * gradient ** 2
        step = ((u + eps) / (v + eps)) ** 0.5 * gradient
        u = rho * u + (1 - rho) * step ** 2
        return x - lr * step, (v, u)
    return update


# From chapter_optimization/adam.md
def adam(lr, beta1, beta2, eps):
    """Return the update of Adam.

    Args:
        lr: the learning rate, about the length of a step.
        beta1: what the average of gradients keeps of itself in a step.
        beta2: what the average of their squares keeps of itself in a step.
        eps: added to the root of the corrected average of squares.
    Returns:
        update: for a tensor, its gradient and a state (None at first), the
            new tensor and state: the number of steps taken, as a float, and
            both averages, not corrected.
    Example:
        >>> update = adam(0.5, 0.9, 0.999, 1e-8)
        >>> x, (t, m, v) = update(2.0, 4.0, None)
        >>> round(x, 4), t, round(m, 4), round(v, 4)
        (1.5, 1.0, 0.4, 0.016)
    """
    def update(x, gradient, state):
        t, m, v = state if state else (0.0, 0 * x, 0 * x)
        t = t + 1
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient ** 2
        root = (v / (1 - beta2 ** t)) ** 0.5
        return x - lr * m / (1 - beta1 ** t) / (root + eps), (t, m, v)
    return update


# From chapter_optimization/adam.md
def yogi(lr, beta1, beta2, eps, start=1e-6):
    """Return the update of Yogi, with the bias correction of Adam.

    Args:
        lr: the learning rate, about the length of a step.
        beta1: what the average of gradients keeps of itself in a step.
        beta2: one minus the part of a squared gradient by which their
            average changes in a step.
        eps: added to the root of the corrected average of squares.
        start: the value with which both averages begin.
    Returns:
        update: for a tensor, its gradient and a state (None at first), the
            new tensor and state: the number of steps taken, as a float, and
            both averages, not corrected.
    Example:
        >>> update = yogi(0.5, 0.9, 0.999, 0, start=0)
        >>> x, (t, m, v) = update(2.0, 4.0, None)
        >>> round(x, 4), t, round(m, 4), round(v, 4)
        (1.5, 1.0, 0.4, 0.016)
    """
    def update(x, gradient, state):
        t, m, v = state if state else (0.0, 0 * x + start, 0 * x + start)
        t, square = t + 1, gradient ** 2
        m = beta1 * m + (1 - beta1) * gradient
        above = v - square
        sign = above / (abs(above) + 1e-30)     # 0 at 0
        v = v - (1 - beta2) * sign * square
        root = (v / (1 - beta2 ** t)) ** 0.5
        return x - lr * m / (1 - beta1 ** t) / (root + eps), (t, m, v)
    return update


# From chapter_optimization/lr-scheduler.md
def cosine_schedule(peak, steps, warmup=0):
    """Return a learning rate that rises along a line and falls as a cosine.

    Args:
        peak: the highest rate, that of step number warmup.
        steps: the number of the step, from 0, at which the rate is zero; it
            stays zero from there.
        warmup: how many steps before the peak; 0 begins with the peak.
    Returns:
        schedule: a function from the number of a step to the rate.
    Raises:
        ZeroDivisionError: by schedule, if steps equals warmup.
    Example:
        >>> schedule = cosine_schedule(0.4, steps=7, warmup=3)
        >>> [round(float(schedule(t)), 3) for t in range(8)]
        [0.1, 0.2, 0.3, 0.4, 0.341, 0.2, 0.059, 0.0]
    """
    def schedule(t):
        t = tf.cast(t, tf.float32)
        progress = tf.minimum((t - warmup) / (steps - warmup), 1.0)
        return tf.where(t < warmup, peak * (t + 1) / (warmup + 1),
                        peak * (1 + tf.cos(math.pi * progress)) / 2)
    return schedule


# From chapter_optimization/lr-scheduler.md
def scheduled(make, schedule):
    """Return an update whose learning rate changes from step to step.

    Args:
        make: a function that returns an update for a learning rate, as sgd.
        schedule: a function from the number of a step, the first being 0,
            to the learning rate.
    Returns:
        update: for a tensor, its gradient and a state (None at first), the
            new tensor and state; the state is the number of the next step
            and the state of the inner update.
    Example:
        >>> update = scheduled(sgd, lambda t: 0.5 / (1 + t))
        >>> x, state = update(2.0, 1.0, None)
        >>> update(x, 1.0, state)
        (1.25, (2, None))
    """
    def update(x, gradient, state):
        t, inner = (0, None) if state is None else state
        x, inner = make(schedule(t))(x, gradient, inner)
        return x, (t + 1, inner)
    return update


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
