"""img/linear-network.svg: linear regression as a network of one layer with one output."""
from style import BLUE, GRAY, GREEN, INK, arrow, text, write

LEFT, RIGHT, MIDDLE, RADIUS = 150, 430, 130, 26
INPUTS = [(34, 'x₁'), (98, 'x₂'), (226, 'xd')]


def indexed(markup):
    """Set the d of xd and of wd as an index, for which there is no letter."""
    low, high = '<tspan dy="4" font-size="75%">d</tspan>', '<tspan dy="-4">'
    markup = markup.replace('wdxd + b', f'w{low}{high}x</tspan>{low}{high} + b</tspan>')
    return markup.replace('>xd<', f'>x{low}<').replace('>wd<', f'>w{low}<')


def circle(x, y, fill, name):
    """One unit of the network, with its symbol inside."""
    edge = {BLUE: '#2f7fc1', GREEN: '#1a9850'}[fill]
    return [f'<circle cx="{x:g}" cy="{y:g}" r="{RADIUS}" fill="{fill}" stroke="{edge}" stroke-width="1.5"/>',
            text(x, y, name, 17, INK)]


if __name__ == '__main__':
    parts = [text(LEFT, 162, '⋮', 24), text(30, MIDDLE, 'd features', 14, anchor='start'),
             text(RIGHT + 104, MIDDLE, 'prediction', 14, anchor='start')]
    for (y, name), weight in zip(INPUTS, ('w₁', 'w₂', 'wd')):
        near = MIDDLE + (y - MIDDLE) * (RADIUS + 2) / (RIGHT - LEFT)
        parts += [arrow(f'M{LEFT + RADIUS} {y} L{RIGHT - RADIUS - 2:g} {near:g}'), *circle(LEFT, y, BLUE, name)]
        parts.append(text(LEFT + 88, y + (MIDDLE - y) * 88 / (RIGHT - LEFT) - 17, weight, 15))
    parts += [arrow(f'M{RIGHT} {MIDDLE + 92} V{MIDDLE + RADIUS + 2}'), text(RIGHT, MIDDLE + 104, 'bias b', 14),
              arrow(f'M{RIGHT + RADIUS} {MIDDLE} H{RIGHT + 96}'), *circle(RIGHT, MIDDLE, GREEN, 'ŷ'),
              text(RIGHT + 12, MIDDLE - 48, 'w₁x₁ + w₂x₂ + … + wdxd + b', 14, GRAY, anchor='start')]
    write('linear-network', 660, 260,
          'Inputs x1, x2 up to xd, drawn as circles on the left, are connected by one arrow each, marked with '
          'the weights w1, w2 up to wd, to one output circle on the right, to which a bias b is added.',
          [indexed(part) for part in parts])
