"""img/cross-correlation.svg: a kernel on one window of an image, and the pixel that it gives."""
from style import BLUE, GREEN, INK, ORANGE, PALE, box, text, write

CELL, TOP = 40, 44
IMAGE = [[1, 0, 2, 1, 3], [0, 1, 1, 2, 0], [2, 1, 0, 1, 1], [1, 3, 1, 0, 2]]
KERNEL = [[1, 0, -1], [2, 1, 0]]
ROW, COLUMN = 1, 2                      # the window, and its place in the output


def cross_correlation(image, kernel):
    """The sums of products of the kernel with every window of the image."""
    height, width = len(kernel), len(kernel[0])
    return [[sum(kernel[a][b] * image[i + a][j + b] for a in range(height) for b in range(width))
             for j in range(len(image[0]) - width + 1)] for i in range(len(image) - height + 1)]


def grid(left, top, values, fill):
    """Numbers in cells; fill(i, j) is the color of a cell."""
    return [part for i, line in enumerate(values) for j, value in enumerate(line) for part in (
        box(left + CELL * j + 2, top + CELL * i + 2, CELL - 4, CELL - 4, fill(i, j), radius=4),
        text(left + CELL * (j + 0.5), top + CELL * (i + 0.5), str(value).replace('-', '−'), 16, INK))]


if __name__ == '__main__':
    first, second, third = 8, 276, 464
    middle = TOP + 2 * CELL
    output = cross_correlation(IMAGE, KERNEL)
    products = [(KERNEL[a][b], IMAGE[ROW + a][COLUMN + b]) for a in range(2) for b in range(3)]
    line = ' + '.join(f'{k} · {x}' for k, x in products).replace('+ -', '− ').replace('-', '−')
    parts = [
        *grid(first, TOP, IMAGE, lambda i, j: BLUE if ROW <= i < ROW + 2 and COLUMN <= j < COLUMN + 3 else PALE),
        *grid(second, TOP + CELL, KERNEL, lambda i, j: ORANGE),
        *grid(third, TOP + CELL / 2, output, lambda i, j: GREEN if (i, j) == (ROW, COLUMN) else PALE),
        text(first + 5 * CELL + 34, middle, '⋆', 44),
        text((second + 3 * CELL + third) / 2, middle, '=', 24),
        text(first + 2.5 * CELL, 22, 'image, shape (4, 5)'),
        text(second + 1.5 * CELL, 22, 'kernel, (2, 3)'),
        text(third + 1.5 * CELL, 22, 'output, (3, 3)'),
        text(300, TOP + 4 * CELL + 26, f'{line} = {output[ROW][COLUMN]}', 15),
    ]
    write('cross-correlation', 600, 252,
          'A window of 2 × 3 pixels of an image is multiplied with a kernel, number by number; '
          'the sum is one pixel of the output.', parts)
