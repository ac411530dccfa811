"""Docstrings in Google's style, as pages about a library show them."""

from docutils import nodes

from octavo.render.pages.docstrings import render


def test_names_that_one_text_explains_are_code_each() -> None:
    text = "Draw.\n\nArgs:\n    x, y: where.\n    *more: what else (it may be nothing).\n"
    shown = [node for top in render(text, lambda words: [nodes.Text(words)]) for node in top.findall(nodes.list_item)]
    assert [item.astext() for item in shown] == ["x, y: where.", "*more: what else (it may be nothing)."]
    assert [[name.astext() for name in item.findall(nodes.literal)] for item in shown] == [["x", "y"], ["*more"]]


def test_a_text_in_which_not_all_is_named_stays_a_text() -> None:
    text = "Draw.\n\nReturns:\n    losses, params: as before\n    and nothing more, x.\n"
    assert not [node for top in render(text, lambda words: [nodes.Text(words)]) for node in top.findall(nodes.literal)]
