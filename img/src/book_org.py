"""img/book-org.svg: which chapter builds on which; solid ones are written, dashed ones are planned."""
from style import BLUE, GREEN, INK, arrow, box, text, write

WIDTH, HEIGHT = 168, 52
# name: (left, top, lines, filling or None for a planned chapter)
CHAPTERS = {
    'preliminaries': (16, 120, ('Preliminaries',), BLUE),
    'linear': (226, 120, ('Linear networks',), GREEN),
    'optimization': (436, 24, ('Optimization',), BLUE),
    'cnn': (436, 120, ('Convolutional', 'networks'), GREEN),
    'mlp': (436, 216, ('Multilayer', 'perceptrons'), None),
    'modern': (646, 120, ('Modern', 'convolutions'), None),
    'rnn': (646, 216, ('Recurrent', 'networks'), None),
    'computation': (436, 312, ('Computation',), None),
    'attention': (646, 312, ('Attention',), None),
}
ARROWS = [('preliminaries', 'linear'), ('linear', 'optimization'), ('linear', 'cnn'), ('linear', 'mlp'),
          ('cnn', 'modern'), ('mlp', 'computation'), ('mlp', 'rnn'), ('rnn', 'attention')]


def chapter(left, top, lines, fill):
    """One box with its name in the middle."""
    middle = top + HEIGHT / 2 - 9 * (len(lines) - 1)
    color = {'color': INK} if fill else {}
    return [box(left, top, WIDTH, HEIGHT, fill, dashed=not fill),
            *(text(left + WIDTH / 2, middle + 18 * i, line, 15, **color)
              for i, line in enumerate(lines))]


def link(start, end):
    """An arrow from one box to another: straight, or bent in the gap between two columns."""
    (x1, y1, _, _), (x2, y2, _, fill) = CHAPTERS[start], CHAPTERS[end]
    if x1 == x2:
        path = f'M{x1 + WIDTH / 2:g} {y1 + HEIGHT:g} V{y2 - 2:g}'
    elif y1 == y2:
        path = f'M{x1 + WIDTH:g} {y1 + HEIGHT / 2:g} H{x2 - 2:g}'
    else:
        bend = (x1 + WIDTH + x2) / 2
        path = f'M{x1 + WIDTH:g} {y1 + HEIGHT / 2:g} H{bend:g} V{y2 + HEIGHT / 2:g} H{x2 - 2:g}'
    return arrow(path, dashed=not fill)


if __name__ == '__main__':
    parts = [part for pair in ARROWS for part in [link(*pair)]]
    parts += [part for place in CHAPTERS.values() for part in chapter(*place)]
    parts += [box(16, 322, 30, 16, BLUE, radius=3), box(50, 322, 30, 16, GREEN, radius=3),
              text(92, 330, 'written', 13, anchor='start'),
              box(16, 348, 64, 16, dashed=True, radius=3), text(92, 356, 'planned', 13, anchor='start')]
    write('book-org', 830, 388,
          'Preliminaries lead to linear networks, and these to optimization and to convolutional '
          'networks (all written). Dashed arrows lead from linear networks to multilayer perceptrons, '
          'from these to computation and to recurrent networks, which lead to attention, and from '
          'convolutional networks to modern ones (all planned).',
          parts)
