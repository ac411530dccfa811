"""img/matrix-product.svg: a (2, 3) matrix times a (3, 4) matrix, with one row, one column and their dot product marked."""
from style import BLUE, GREEN, ORANGE, PALE, cell, text, write

CELL, TOP = 44, 48
A = [[0, 1, 2], [3, 4, 5]]
B = [[1, 0, 2, 1], [0, 1, 0, 1], [2, 0, 1, 1]]
AB = [[sum(A[i][k] * B[k][j] for k in range(3)) for j in range(4)] for i in range(2)]
ROW, COLUMN = 1, 2


def matrix(left, values, fill, marked):
    """A grid of numbers, centered vertically; marked(i, j) tells which cells are colored."""
    top = TOP + (3 - len(values)) * CELL / 2
    parts = []
    for i, line in enumerate(values):
        for j, value in enumerate(line):
            parts += cell(left + CELL * j, top + CELL * i, CELL, value, fill if marked(i, j) else PALE)
    return parts


if __name__ == '__main__':
    first, second, third = 8, 184, 404
    middle = TOP + 1.5 * CELL
    parts = [
        *matrix(first, A, BLUE, lambda i, j: i == ROW),
        *matrix(second, B, ORANGE, lambda i, j: j == COLUMN),
        *matrix(third, AB, GREEN, lambda i, j: (i, j) == (ROW, COLUMN)),
        text((first + 3 * CELL + second) / 2, middle, '·', 24),
        text((second + 4 * CELL + third) / 2, middle, '=', 24),
        text((first + third + 4 * CELL) / 2, TOP + 3 * CELL + 24, '3 · 2 + 4 · 0 + 5 · 1 = 11', 16),
    ]
    for left, columns, words in [(first, 3, 'shape (2, 3)'), (second, 4, 'shape (3, 4)'),
                                 (third, 4, 'shape (2, 4)')]:
        parts.append(text(left + columns * CELL / 2, 22, words, 14))
    write('matrix-product', 588, 216,
          'The row 3, 4, 5 of a matrix of shape (2, 3) and the column 2, 0, 1 of a matrix of shape (3, 4) '
          'give the element 11 of their product.', parts)
