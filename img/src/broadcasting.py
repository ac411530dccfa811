"""img/broadcasting.svg: a (3, 1) column plus a (4,) row, each stretched to (3, 4)."""
from style import BLUE, GREEN, ORANGE, cell, text, write

CELL, TOP = 44, 44
COLUMN, ROW = [10, 20, 30], [1, 2, 3, 4]


def grid(left, values, fill, real):
    """A 3 × 4 grid of numbers; real(i, j) tells which cells exist in memory."""
    parts = []
    for i, line in enumerate(values):
        for j, value in enumerate(line):
            place = left + CELL * j, TOP + CELL * i
            parts += cell(*place, CELL, value, fill) if real(i, j) else cell(*place, CELL, value, dashed=True)
    return parts


if __name__ == '__main__':
    first, second, third = 8, 240, 472
    middle = TOP + 1.5 * CELL
    parts = [
        *grid(first, [[a] * 4 for a in COLUMN], BLUE, lambda i, j: j == 0),
        *grid(second, [ROW] * 3, ORANGE, lambda i, j: i == 0),
        *grid(third, [[a + b for b in ROW] for a in COLUMN], GREEN, lambda i, j: True),
        text((first + 4 * CELL + second) / 2, middle, '+', 24),
        text((second + 4 * CELL + third) / 2, middle, '=', 24),
    ]
    for left, words in [(first, 'shape (3, 1)'), (second, 'shape (4,), read as (1, 4)'),
                        (third, 'shape (3, 4)')]:
        parts.append(text(left + 2 * CELL, 22, words, 14))
    write('broadcasting', 656, 188,
          'A column 10, 20, 30 is repeated over four columns, a row 1, 2, 3, 4 over three rows; '
          'their sum is the grid 11 to 14, 21 to 24, 31 to 34.', parts)
