"""img/autodiff-graph.svg: values and adjoints of log(exp x1 + exp x2 + exp x3) at (log 1, log 2, log 5)."""
from style import BLUE, GRAY, GREEN, INK, PALE, arrow, box, text, write

WIDTH, HEIGHT = 118, 56
INPUTS, EXPONENTIALS, SUM, RESULT = 8, 216, 424, 632       # left edges of the four columns
ROWS = (52, 140, 228)
NUMBERS = ((0, 'log 1', '1', '1/8'), (1, 'log 2', '2', '2/8'), (2, 'log 5', '5', '5/8'))
SUBSCRIPTS = '₁₂₃'


def node(left, top, fill, name, value, adjoint):
    """A box in two halves: the value above, the adjoint below."""
    return [box(left, top, WIDTH, HEIGHT, fill),
            f'<path d="M{left} {top + HEIGHT / 2:g} H{left + WIDTH}" stroke="{GRAY}" stroke-width="0.75"/>',
            text(left + WIDTH / 2, top + HEIGHT / 4, f'{name} = {value}', 14, INK),
            text(left + WIDTH / 2, top + 3 * HEIGHT / 4, f'adjoint {adjoint}', 13, INK)]


def edge(start, end, slope, words_at):
    """An arrow with the local derivative beside it."""
    (x1, y1), (x2, y2) = start, end
    return [arrow(f'M{x1} {y1:g} L{x2 - 2} {y2:g}'), text(*words_at, slope, 14)]


if __name__ == '__main__':
    middle = ROWS[1] + HEIGHT / 2
    parts = [text(SUM / 2, 18, 'values are computed from left to right  →', 14),
             text((SUM + RESULT + WIDTH) / 2, 18, '←  adjoints from right to left', 14)]
    for row, (i, logarithm, value, adjoint) in zip(ROWS, NUMBERS):
        level = row + HEIGHT / 2
        parts += edge((INPUTS + WIDTH, level), (EXPONENTIALS, level), f'× {value}',
                      (INPUTS + WIDTH + 43, level - 12))
        parts += edge((EXPONENTIALS + WIDTH, level), (SUM, middle + 12 * (i - 1)), '× 1',
                      (EXPONENTIALS + WIDTH + (68, 36, 68)[i],
                       (level + middle) / 2 + (-11, -12, 11)[i]))
        parts += node(INPUTS, row, BLUE, f'x{SUBSCRIPTS[i]}', logarithm, adjoint)
        parts += node(EXPONENTIALS, row, PALE, f'u{SUBSCRIPTS[i]}', value, '1/8')
    parts += edge((SUM + WIDTH, middle), (RESULT, middle), '× 1/8', (SUM + WIDTH + 44, middle - 12))
    parts += node(SUM, ROWS[1], PALE, 's', '8', '1/8')
    parts += node(RESULT, ROWS[1], GREEN, 'y', 'log 8', '1')
    for left, words in ((INPUTS, 'inputs'), (EXPONENTIALS, 'u = exp x'), (SUM, 's = u₁ + u₂ + u₃'),
                        (RESULT, 'y = log s')):
        parts.append(text(left + WIDTH / 2, 306, words, 14))
    write('autodiff-graph', 758, 322,
          'Three inputs log 1, log 2, log 5 lead to exponentials 1, 2, 5, these to their sum 8, and '
          'that to its logarithm. The adjoints are 1 for the result, one eighth for the sum and for '
          'each exponential, and 1/8, 2/8, 5/8 for the inputs.', parts)
