"""LeNet for 8 x 8 images: feature maps as stacks of sheets, then three dense layers."""
from style import BLUE, GRAY, GREEN, ORANGE, PALE, arrow, box, text, write

WIDTH, HEIGHT, MIDDLE = 840, 250, 112
PIXEL = 11

# channels, side in pixels, color, left edge
MAPS = [(1, 8, PALE, 14), (6, 8, BLUE, 140), (6, 4, ORANGE, 288),
        (16, 4, BLUE, 398), (16, 2, ORANGE, 534)]
DENSE = [(120, 660, 136), (84, 726, 104), (10, 792, 52)]
STEPS = [('convolution', '3 × 3'), ('pooling', '2 × 2'), ('convolution', '3 × 3'), ('pooling', '2 × 2'),
         ('dense',), ('dense',), ('dense',)]


if __name__ == '__main__':
    parts, ends = [], []
    for channels, side, color, left in MAPS:
        edge, lag = side * PIXEL, 3 if channels > 6 else 5
        top = MIDDLE - (edge + lag * (channels - 1)) / 2
        for i in range(channels):
            parts.append(box(left + lag * i, top + lag * i, edge, edge, color, radius=1))
        right = left + edge + lag * (channels - 1)
        ends.append((left, right))
        parts.append(text((left + right) / 2, 192, f'{channels} × {side} × {side}', 13))
    for size, left, length in DENSE:
        parts.append(box(left, MIDDLE - length / 2, 14, length, GREEN, radius=2))
        parts.append(text(left + 7, 192, str(size), 13))
        ends.append((left, left + 14))
    for words, (_, start), (stop, _) in zip(STEPS, ends, ends[1:]):
        parts.append(arrow(f'M{start + 4:g} {MIDDLE} H{stop - 4:g}'))
        for row, word in enumerate(words):
            parts.append(text((start + stop) / 2, 226 + 16 * row - 3, word, 12, GRAY))
    write('lenet', WIDTH, HEIGHT, 'A convolutional network: two pairs of convolution and pooling, three dense layers', parts)
