"""img/receptive-field.svg: which pixels two layers of 3 × 3 kernels let one output pixel see."""
from style import BLUE, GREEN, ORANGE, PALE, arrow, box, text, write

CELL, TOP = 26, 40


def grid(left, side, color):
    """A square grid, centered; color(d) is that of cells at distance d from the middle."""
    top, middle = TOP + CELL * (7 - side) / 2, side // 2
    return [box(left + CELL * j + 1, top + CELL * i + 1, CELL - 2, CELL - 2,
                color(max(abs(i - middle), abs(j - middle))), radius=3)
            for i in range(side) for j in range(side)]


if __name__ == '__main__':
    lefts = {7: 8, 5: 286, 3: 512}
    middle = TOP + 3.5 * CELL
    parts = [
        *grid(lefts[7], 7, lambda d: ORANGE if d == 0 else BLUE if d == 1 else GREEN if d == 2 else PALE),
        *grid(lefts[5], 5, lambda d: ORANGE if d == 0 else BLUE if d == 1 else PALE),
        *grid(lefts[3], 3, lambda d: ORANGE if d == 0 else PALE),
        arrow(f'M{lefts[7] + 7 * CELL + 8} {middle} H{lefts[5] - 8}'),
        arrow(f'M{lefts[5] + 5 * CELL + 8} {middle} H{lefts[3] - 8}'),
        text((lefts[7] + 7 * CELL + lefts[5]) / 2, middle - 16, '3 × 3', 13),
        text((lefts[5] + 5 * CELL + lefts[3]) / 2, middle - 16, '3 × 3', 13),
        text(lefts[7] + 3.5 * CELL, 20, 'image: 5 × 5 seen'),
        text(lefts[5] + 2.5 * CELL, 20, 'first layer: 3 × 3 seen'),
        text(lefts[3] + 1.5 * CELL, 20, 'second layer'),
    ]
    write('receptive-field', 620, 236,
          'Three grids of 7 × 7, 5 × 5 and 3 × 3 cells. One cell of the last depends on 3 × 3 cells of the '
          'one before and on 5 × 5 cells of the first.', parts)
