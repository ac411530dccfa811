"""img/convex-sets.svg: four sets, two of which contain every segment between two of their points."""
from style import BLUE, EDGES, GRAY, INK, ORANGE, text, write

TOP, STEP = 75, 176


def shape(path, fill):
    """A filled region with the edge that belongs to its color."""
    return f'<path d="{path}" fill="{fill}" stroke="{EDGES[fill]}" stroke-width="1.5" fill-rule="nonzero"/>'


def circle(x, y, radius):
    """The outline of a disk as an SVG path."""
    return f'M{x - radius} {y} a{radius} {radius} 0 1 1 {2 * radius} 0 a{radius} {radius} 0 1 1 {-2 * radius} 0 z'


def segment(x1, y1, x2, y2, gap=None):
    """Two points and the segment between them; the part inside of gap is dashed, for it is outside of the set."""
    pieces = [(x1, x2, '')] if gap is None else [(x1, gap[0], ''), (*gap, ' stroke-dasharray="4 3"'), (gap[1], x2, '')]
    lines = []
    for start, end, dash in pieces:
        first, last = (y1 + (y2 - y1) * (x - x1) / (x2 - x1) for x in (start, end))
        color = GRAY if dash else INK
        lines.append(f'<line x1="{start:g}" y1="{first:g}" x2="{end:g}" y2="{last:g}" '
                     f'stroke="{color}" stroke-width="1.5"{dash}/>')
    return lines + [f'<circle cx="{x}" cy="{y}" r="3.5" fill="{INK}"/>' for x, y in ((x1, y1), (x2, y2))]


if __name__ == '__main__':
    disk, moon, lens, pair = (80 + STEP * i for i in range(4))
    parts = [
        shape(circle(disk, TOP, 54), BLUE),
        *segment(disk - 34, TOP + 24, disk + 38, TOP - 18),
        shape(f'M{moon - 42} {TOP - 52} a58 58 0 1 1 0 104 a62 62 0 0 0 0 -104 z', ORANGE),
        *segment(moon - 30, TOP - 46, moon - 24, TOP + 47, (moon - 29.7, moon - 24.8)),
        f'<path d="{circle(lens - 26, TOP, 50)} {circle(lens + 26, TOP, 50)}" fill="none" '
        f'stroke="{GRAY}" stroke-width="1.5" stroke-dasharray="5 4"/>',
        shape(f'M{lens} {TOP - 42.7} a50 50 0 0 1 0 85.4 a50 50 0 0 1 0 -85.4 z', BLUE),
        *segment(lens - 8, TOP - 24, lens + 6, TOP + 28),
        shape(f'M{pair - 3.3} {TOP + 15.7} a42 42 0 1 1 6.6 -31.4 a42 42 0 1 1 -6.6 31.4 z', ORANGE),
        *segment(pair - 44, TOP + 28, pair + 34, TOP + 44, (pair - 25, pair + 9.8)),
        *(text(x, 152, words) for x, words in ((disk, 'convex'), (moon, 'not convex'), (lens, 'intersection'),
                                               (pair, 'union'))),
    ]
    write('convex-sets', 690, 166,
          'A disk and the intersection of two disks contain the segment between any two of their points; '
          'a crescent and the union of two disks do not.', parts)
