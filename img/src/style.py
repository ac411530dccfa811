"""What the book's hand-made figures share: shapes as SVG text that reads on light and on dark pages.

Boxes carry their own light filling and dark letters; whatever stands outside of a box is of a middle
gray that stands out from white as from black. Words stay text.
"""
from pathlib import Path
from xml.sax.saxutils import escape

IMG = Path(__file__).resolve().parent.parent
GRAY = '#767676'
INK = '#1d2733'
BLUE, ORANGE, GREEN, PALE = '#a9cbea', '#f6c08f', '#a8d8b4', '#d8dce1'
EDGES = {BLUE: '#2f7fc1', ORANGE: '#d55e00', GREEN: '#1a9850', PALE: GRAY}
FONT = 'font-family="Helvetica, Arial, DejaVu Sans, sans-serif"'


def text(x, y, words, size=14, color=GRAY, anchor='middle', weight='normal'):
    """One line of text whose vertical middle is at y."""
    return (f'<text x="{x:g}" y="{y + 0.35 * size:g}" font-size="{size}" fill="{color}" '
            f'text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>')


def box(x, y, width, height, fill=None, dashed=False, radius=6):
    """A rectangle: filled with a light color, or only outlined in gray."""
    dash = ' stroke-dasharray="5 4"' if dashed else ''
    return (f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}" '
            f'fill="{fill or "none"}" stroke="{EDGES.get(fill, GRAY)}" stroke-width="1.5"{dash}/>')


def cell(x, y, size, value, fill=None, dashed=False):
    """An entry of a grid: a number in a square that stands in a field of so many units."""
    return [box(x + 2, y + 2, size - 4, size - 4, fill, dashed, 4),
            text(x + size / 2, y + size / 2, str(value), 16, GRAY if dashed else INK)]


def arrow(path, dashed=False):
    """A line along an SVG path with a head at its end."""
    dash = ' stroke-dasharray="5 4"' if dashed else ''
    return (f'<path d="{path}" fill="none" stroke="{GRAY}" stroke-width="1.5" '
            f'marker-end="url(#head)"{dash}/>')


def write(name, width, height, title, parts):
    """Write img/NAME.svg; the title is what a screen reader says of it."""
    head = ('<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
            f'markerHeight="7" orient="auto"><path d="M0 0 L10 5 L0 10 z" fill="{GRAY}"/></marker></defs>')
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
             f'viewBox="0 0 {width} {height}" role="img" {FONT}>',
             f'<title>{escape(title)}</title>', head, *parts, '</svg>', '']
    (IMG / f'{name}.svg').write_text('\n'.join(lines), encoding='utf-8')
