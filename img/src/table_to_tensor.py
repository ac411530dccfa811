"""img/table-to-tensor.svg: four rows of a table with gaps, and the tensor that they become."""
from style import BLUE, GRAY, INK, ORANGE, PALE, arrow, box, text, write

HEIGHT, TOP = 32, 74
TABLE = [['Barolo', '5.64', '1065'], ['Barolo', '4.38', '?'], ['Barolo', '?', '1480'],
         ['Grignolino', '3.27', '680']]
TENSOR = [['5.64', '1065', '0', '0', '0', '1', '0'], ['4.38', '652', '0', '1', '0', '1', '0'],
          ['5.08', '1480', '1', '0', '0', '1', '0'], ['3.27', '680', '0', '0', '0', '0', '1']]


def grid(left, widths, values, fill):
    """Rows of boxes with words; fill(i, j) is the color of a box."""
    parts = []
    for i, line in enumerate(values):
        x = left
        for j, (width, word) in enumerate(zip(widths, line)):
            y = TOP + HEIGHT * i
            parts += [box(x + 2, y + 2, width - 4, HEIGHT - 4, fill(i, j), radius=4),
                      text(x + width / 2, y + HEIGHT / 2, word, 14, INK)]
            x += width
    return parts


def head(left, widths, words, y):
    """Words over the middles of neighboring columns."""
    starts = [left + sum(widths[:j]) for j in range(len(widths))]
    return [text(x + width / 2, y, word, 12) for x, width, word in zip(starts, widths, words)]


if __name__ == '__main__':
    first, before = 8, [92, 58, 62]
    second, after = 300, [58, 62, 52, 58, 62, 58, 78]
    bottom = TOP + 4 * HEIGHT
    middle = TOP + 2 * HEIGHT

    def color(i, j):
        if j < 2:
            return ORANGE if TENSOR[i][j + 2] == '1' else PALE
        return ORANGE if j < 4 else BLUE

    parts = [
        *grid(first, before, TABLE, lambda i, j: ORANGE if TABLE[i][j] == '?' else BLUE if j == 0 else PALE),
        *grid(second, after, TENSOR, color),
        *head(first, before, ['kind', 'color', 'proline'], 56),
        *head(second, after, ['color', 'proline', 'color', 'proline', 'Barbera', 'Barolo', 'Grignolino'], 56),
        text(second + 60, 24, 'filled', 14), text(second + 175, 24, 'missing?', 14),
        text(second + 329, 24, 'one-hot', 14), text(first + 106, 24, 'table', 14),
        arrow(f'M{first + 220:g} {middle:g} L{second - 8:g} {middle:g}'),
        *[f'<path d="M{second + a:g} 40 L{second + b:g} 40" stroke="{GRAY}" stroke-width="1"/>'
          for a, b in ((4, 116), (124, 226), (234, 424))],
        text(first + 106, bottom + 22, 'words, numbers and gaps'),
        text(second + 214, bottom + 22, 'numbers only, shape (4, 7)'),
    ]
    write('table-to-tensor', 736, bottom + 40,
          'A table of kind, color and proline with two question marks becomes a tensor of seven columns: color and '
          'proline filled with means, two indicators that are 1 in the place of the gaps, and one column for each kind.',
          parts)
