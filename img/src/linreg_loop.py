"""img/linreg-loop.svg: one step of training as a loop of data, model, loss, gradient and update."""
from style import BLUE, GREEN, INK, ORANGE, PALE, arrow, box, text, write

WIDTH, HEIGHT, TOP, LOW = 132, 56, 48, 178
DATA, MODEL, LOSS = 8, 278, 556                              # left edges of the three columns


def part(left, top, fill, name, formula):
    """One box: what it is, and its symbol below."""
    return [box(left, top, WIDTH, HEIGHT, fill), text(left + WIDTH / 2, top + 19, name, 15, INK),
            text(left + WIDTH / 2, top + 39, formula, 13, INK)]


if __name__ == '__main__':
    upper, lower, half = TOP + HEIGHT / 2, LOW + HEIGHT / 2, WIDTH / 2
    parts = [
        arrow(f'M{DATA + WIDTH} {upper:g} H{MODEL - 2}'),
        text((DATA + WIDTH + MODEL) / 2, upper - 12, 'features (|B|, d)', 13),
        arrow(f'M{MODEL + WIDTH} {upper:g} H{LOSS - 2}'),
        text((MODEL + WIDTH + LOSS) / 2, upper - 12, 'predictions (|B|,)', 13),
        arrow(f'M{DATA + half:g} {TOP} V14 H{LOSS + half:g} V{TOP - 2}'),
        text(MODEL + half, 28, 'targets (|B|,)', 13),
        arrow(f'M{LOSS + half:g} {TOP + HEIGHT} V{LOW - 2}'),
        text(LOSS + half - 12, (TOP + HEIGHT + LOW) / 2, 'backward', 13, anchor='end'),
        arrow(f'M{LOSS} {lower:g} H{MODEL + WIDTH + 2}'),
        text((MODEL + WIDTH + LOSS) / 2, lower - 12, '(d,) and ()', 13),
        arrow(f'M{MODEL + half:g} {LOW} V{TOP + HEIGHT + 2}'),
        text(MODEL + half - 12, (TOP + HEIGHT + LOW) / 2, 'new parameters', 13, anchor='end'),
        *part(DATA, TOP, BLUE, 'minibatch', 'rows of X and y'),
        *part(MODEL, TOP, GREEN, 'model', 'X w + b'),
        *part(LOSS, TOP, ORANGE, 'loss', 'a scalar'),
        *part(LOSS, LOW, PALE, 'gradient', 'of w and of b'),
        *part(MODEL, LOW, GREEN, 'update', 'θ − η · gradient'),
    ]
    write('linreg-loop', 696, 246,
          'A minibatch sends its features to the model and its targets to the loss; the model sends '
          'predictions to the loss; from the loss the gradient goes to the update, and the update '
          'sends new parameters to the model.', parts)
