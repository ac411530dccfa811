"""img/padding-stride.svg: a padded image, the windows of a 3 × 3 kernel with stride 2, the output."""
from style import BLUE, GREEN, INK, ORANGE, PALE, arrow, box, text, write

CELL, TOP, LEFT = 30, 44, 16
SIDE = 7                                # 5 pixels and one of padding on both sides
OUTPUT = 360


def color(i, j):
    """What a cell of the padded image belongs to."""
    if i < 3 and j == 2:
        return GREEN                    # in both windows
    if i < 3 and j < 3:
        return BLUE
    if i < 3 and 2 < j < 5:
        return ORANGE
    return PALE


if __name__ == '__main__':
    parts = []
    for i in range(SIDE):
        for j in range(SIDE):
            inside = 0 < i < SIDE - 1 and 0 < j < SIDE - 1
            fill = color(i, j) if inside or color(i, j) != PALE else None
            parts.append(box(LEFT + CELL * j + 1.5, TOP + CELL * i + 1.5, CELL - 3, CELL - 3, fill, not inside, 3))
            if not inside:
                parts.append(text(LEFT + CELL * (j + 0.5), TOP + CELL * (i + 0.5), '0', 13,
                                  INK if fill else '#767676'))
    for i in range(3):
        for j in range(3):
            fill = BLUE if (i, j) == (0, 0) else ORANGE if (i, j) == (0, 1) else PALE
            parts.append(box(OUTPUT + CELL * j + 1.5, TOP + CELL * (2 + i) + 1.5, CELL - 3, CELL - 3, fill, radius=3))
    middle = TOP + 3.5 * CELL
    parts += [
        arrow(f'M{LEFT + SIDE * CELL + 12} {middle} H{OUTPUT - 12}'),
        text((LEFT + SIDE * CELL + OUTPUT) / 2, middle - 18, 'k = 3, s = 2', 14),
        text(LEFT + 3.5 * CELL, 22, 'n = 5, padded to 7'),
        text(OUTPUT + 1.5 * CELL, 22, 'output: 3'),
    ]
    write('padding-stride', 480, 268,
          'A 5 × 5 image in a frame of zeros. A window of 3 × 3 cells in the corner gives the first output pixel; '
          'the next window is two cells to the right and shares a column with the first. The output is 3 × 3.', parts)
