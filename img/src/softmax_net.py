"""img/softmax-net.svg: two features, a linear layer with three outputs, softmax, three probabilities."""
from style import BLUE, EDGES, GRAY, GREEN, INK, ORANGE, arrow, box, text, write

RADIUS, WIDTH = 20, 68                                       # of the circles, of the softmax box
FEATURES = [('x₁', 84, 'petal length'), ('x₂', 164, 'petal width')]
SCORES = [('o₁', 44, 'setosa'), ('o₂', 124, 'versicolor'), ('o₃', 204, 'virginica')]
LEFT, MIDDLE, SOFT, RIGHT = 136, 306, 384, 506               # x of the features, scores, softmax, probabilities


def node(x, y, fill, name):
    """A circle with the name of its number."""
    return [f'<circle cx="{x}" cy="{y}" r="{RADIUS}" fill="{fill}" stroke="{EDGES[fill]}" stroke-width="1.5"/>',
            text(x, y, name, 15, INK)]


def line(x1, y1, x2, y2):
    """One weight: a plain line between two circles."""
    return f'<path d="M{x1} {y1} L{x2} {y2}" fill="none" stroke="{GRAY}" stroke-width="1.2"/>'


if __name__ == '__main__':
    parts = [line(LEFT, y, MIDDLE, v) for _, y, _ in FEATURES for _, v, _ in SCORES]
    for name, y, meaning in FEATURES:
        parts += [*node(LEFT, y, BLUE, name), text(LEFT - RADIUS - 8, y, meaning, 13, anchor='end')]
    for i, (name, y, meaning) in enumerate(SCORES):
        parts += [arrow(f'M{MIDDLE + RADIUS} {y} H{SOFT - 2}'), arrow(f'M{SOFT + WIDTH} {y} H{RIGHT - RADIUS - 2}'),
                  *node(MIDDLE, y, GREEN, name), *node(RIGHT, y, ORANGE, f'p{"₁₂₃"[i]}'),
                  text(RIGHT + RADIUS + 8, y, meaning, 13, anchor='start')]
    parts += [box(SOFT, 20, WIDTH, 208, ORANGE), text(SOFT + WIDTH / 2, 124, 'softmax', 13, INK)]
    parts += [text(LEFT, 254, 'features', 13), text((LEFT + MIDDLE) / 2, 14, '6 weights', 13),
              text(MIDDLE, 254, 'scores', 13), text(RIGHT, 254, 'probabilities', 13)]
    write('softmax-net', 600, 270,
          'Two features are joined by six weights to three scores; softmax turns the three scores into '
          'three probabilities, one for each species.', parts)
