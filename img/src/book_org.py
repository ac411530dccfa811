"""img/book-org.svg: which chapter builds on which; solid ones are written, dashed ones are planned."""
from style import BLUE, GREEN, INK, arrow, box, text, write

WIDTH, HEIGHT = 168, 52
# name: (left, top, lines, filling or None for a planned chapter)
CHAPTERS = {
    'preliminaries': (16, 120, ('Preliminaries',), BLUE),
    'linear': (226, 120, ('Linear networks',), GREEN),
    'optimization': (436, 24, ('Optimization',), None),
    'mlp': (436, 120, ('Multilayer', 'perceptrons'), None),
    'computation': (436, 216, ('Computation',), None),
    'cnn': (646, 24, ('Convolutional', 'networks'), None),
    'rnn': (646, 120, ('Recurrent', 'networks'), None),
    'attention': (646, 216, ('Attention',), None),
}
ARROWS = [('preliminaries', 'linear'), ('linear', 'optimization'), ('linear', 'mlp'),
          ('mlp', 'computation'), ('mlp', 'cnn'), ('mlp', 'rnn'), ('rnn', 'attention')]


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
    parts += [box(16, 226, 30, 16, BLUE, radius=3), box(50, 226, 30, 16, GREEN, radius=3),
              text(92, 234, 'written', 13, anchor='start'),
              box(16, 252, 64, 16, dashed=True, radius=3), text(92, 260, 'planned', 13, anchor='start')]
    write('book-org', 830, 292,
          'Preliminaries lead to linear networks (both written). From linear networks lead dashed '
          'arrows to optimization and to multilayer perceptrons, and from these to computation, '
          'convolutional networks, and recurrent networks, which lead to attention (all planned).',
          parts)
