"""img/digits-split.svg: images on 14 forms, split at random and split by whole forms."""
from random import Random

from style import BLUE, GRAY, ORANGE, box, text, write

FORMS, IMAGES, CELL, GAP = 14, 8, 13, 24                    # a column of cells for each form
LEFT, TOPS = 150, (34, 182)                                 # where the two halves begin


def cell(form, image, top, test):
    """One image of a form: blue for training, orange for testing."""
    return box(LEFT + form * (CELL + GAP) / 1.0, top + image * CELL, CELL + 10, CELL - 2,
               ORANGE if test else BLUE, radius=2)


def half(top, name, remark, tested):
    """One way of splitting: its name at the left, a column for each form."""
    middle = top + IMAGES * CELL / 2
    parts = [text(LEFT - 16, middle - 10, name, 15, anchor='end', weight='bold'),
             text(LEFT - 16, middle + 11, remark, 12, anchor='end')]
    return parts + [cell(form, image, top, (form, image) in tested)
                    for form in range(FORMS) for image in range(IMAGES)]


if __name__ == '__main__':
    everything = [(form, image) for form in range(FORMS) for image in range(IMAGES)]
    quarter = FORMS * IMAGES * 2 // 7                       # four forms of fourteen
    at_random = set(Random(3).sample(everything, quarter))
    by_form = {(form, image) for form in Random(5).sample(range(FORMS), 4) for image in range(IMAGES)}
    parts = [*half(TOPS[0], 'at random', 'the hands are known', at_random),
             *half(TOPS[1], 'by form', 'the hands are new', by_form)]
    parts += [text(LEFT + form * (CELL + GAP) + 11.5, TOPS[0] - 14, str(form + 1), 12, GRAY)
              for form in range(FORMS)]
    parts.append(text(LEFT - 16, TOPS[0] - 14, 'form', 12, GRAY, anchor='end'))
    write('digits-split', 676, 296, 'Fourteen columns of cells, twice. Above, cells chosen at random in '
          'every column are orange; below, four whole columns are orange and the others blue.', parts)
