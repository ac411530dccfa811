"""Two input channels, three output channels: a matrix of kernels, with the numbers of the page's example."""
from style import BLUE, GRAY, GREEN, INK, ORANGE, PALE, arrow, box, text, write

X = [[[1, 0, 2], [0, 3, 1], [2, 1, 0]], [[0, 1, 1], [2, 0, 1], [1, 2, 0]]]
K = [[[[1, 0], [0, 1]], [[0, 1], [1, 0]]],
     [[[0, 1], [0, -1]], [[1, 0], [-1, 0]]],
     [[[1, 1], [1, 1]], [[-1, -1], [-1, -1]]]]
CELL, WIDTH, HEIGHT = 26, 600, 356
ROWS, COLUMNS, LEFT = (84, 184), (250, 380, 510), 70          # middles of the grids


def correlate(channel, kernel):
    """The 2 x 2 cross-correlation of a 3 x 3 channel."""
    return [[sum(kernel[a][b] * channel[i + a][j + b] for a in (0, 1) for b in (0, 1)) for j in (0, 1)]
            for i in (0, 1)]


def grid(x, y, rows, fill, marked=()):
    """A square table of numbers around (x, y); marked cells are orange."""
    left, top = x - CELL * len(rows) / 2, y - CELL * len(rows) / 2
    parts = []
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            color = ORANGE if (i, j) in marked else fill
            parts += [box(left + CELL * j, top + CELL * i, CELL, CELL, color, radius=1),
                      text(left + CELL * (j + 0.5), top + CELL * (i + 0.5), str(value).replace('-', '−'), 13, INK)]
    return parts


if __name__ == '__main__':
    parts = [text(LEFT, 20, 'input channels', 13), text(COLUMNS[1], 20, 'kernels: a row for each input, '
             'a column for each output', 13), text(LEFT, 306, 'output channels', 13),
             text(LEFT, 324, '(sums of a column)', 12, GRAY)]
    window = [(0, 0), (0, 1), (1, 0), (1, 1)]
    for c, y in enumerate(ROWS):
        parts += grid(LEFT, y, X[c], BLUE, window)
        parts.append(arrow(f'M{LEFT + 48} {y} H{COLUMNS[0] - 38}'))
        for o, x in enumerate(COLUMNS):
            parts += grid(x, y, K[o][c], PALE, window if o == 0 else ())
            if o:
                parts.append(arrow(f'M{COLUMNS[o - 1] + 34} {y} H{x - 38}'))
    for o, x in enumerate(COLUMNS):
        maps = [correlate(X[c], K[o][c]) for c in (0, 1)]
        total = [[p + q for p, q in zip(*rows)] for rows in zip(*maps)]
        parts += [text(x, (ROWS[0] + ROWS[1]) / 2, '+', 18),
                  arrow(f'M{x} {ROWS[1] + 32} V{312 - 34}'), *grid(x, 312, total, GREEN, [(0, 0)] if o == 0 else ())]
    write('channels', WIDTH, HEIGHT, 'A convolution from two channels to three is a matrix of six kernels', parts)
