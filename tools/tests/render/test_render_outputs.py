"""What cells printed and drew, and that nothing of it can run."""

import base64
import re
from pathlib import Path

import pytest
from docutils import nodes
from render_books import PLOT, make, parse, shown

from octavo.model import Output
from octavo.render.pages.nodes import output_html, output_image
from octavo.render.pages.outputs import Pictures, clean_html, describe_svg, render, safe_svg


def test_neighbouring_pieces_of_a_stream_are_joined_and_errors_told_apart(tmp_path: Path) -> None:
    pieces = (
        Output("stream", "stdout", "a"),
        Output("stream", "stdout", "b\n"),
        Output("stream", "stderr", "careful\n"),
    )
    found = render(pieces, Pictures(tmp_path))
    assert [(node["classes"][-1], node.astext()) for node in found] == [("ov-stdout", "ab"), ("ov-stderr", "careful")]


def test_a_data_frame_keeps_its_table_and_loses_its_style() -> None:
    html = (
        '<div><style scoped>.dataframe {color: red}</style><table border="1" class="dataframe">'
        '<tr style="text-align: right;"><th colspan="2">x</th></tr></table></div>'
    )
    assert clean_html(html) == (
        '<div><table class="dataframe"><tbody><tr><th colspan="2">x</th></tr></tbody></table></div>'
    )


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href="data:text/html,x">x</a>',
        '<iframe src="https://example.org"></iframe>',
        '<b onclick="alert(1)">x</b>',
        '<link rel="stylesheet" href="https://example.org/x.css">',
        '<p style="background: url(https://example.org)">x</p>',
        "<svg><script>alert(1)</script></svg>",
        '<form action="https://example.org"><input></form>',
        '<b id="furo-main-content" class="ov-set">x</b>',
        '<table class="sidebar-drawer"><tr><td>x</td></tr></table>',
        '<base href="https://example.org/"><meta http-equiv="refresh" content="0;url=https://example.org">',
    ],
)
def test_html_that_could_run_or_fetch_is_taken_out(html: str) -> None:
    cleaned = clean_html(html)
    for bad in ("script", "onerror", "onclick", "javascript", "data:", "example.org", "alert", "id=", "class=", "<img"):
        assert bad not in cleaned


def test_no_attribute_holds_what_looks_like_a_tag() -> None:
    bad = "<img src=x onerror=alert(1)>"
    html = (
        f'<p><a title="<h1>{bad}" href="https://a.org/<h2>{bad}">x</a></p><table><tr><th scope="></th>{bad}"></table>'
    )
    cleaned = clean_html(html)
    assert "img src=x" in cleaned  # as the text of an attribute
    for value in re.findall(r'"([^"]*)"', cleaned):
        assert not re.search("[<>]|&[lg]t;", value)
    assert not parse(cleaned).all("img")


def test_html_has_its_text_as_fallback_for_other_builders(tmp_path: Path) -> None:
    (box,) = render(shown(text_html="<b>bold</b>", text_plain="plain"), Pictures(tmp_path))
    (html,) = box.findall(output_html)
    assert html["html"] == "<b>bold</b>"
    assert html.astext() == "plain"


def test_pictures_are_files_named_by_content_with_a_description(tmp_path: Path) -> None:
    (box,) = render(shown(image_svg=PLOT, text_plain="<Figure>"), Pictures(tmp_path))
    (picture,) = box.findall(output_image)
    path = Path(picture["files"]["image/svg+xml"])
    assert path.parent == tmp_path and path.read_text() == PLOT
    assert picture["alt"] == "Plot: epoch, loss; train, test"
    assert picture["classes"] == ["ov-drawing"]
    assert box.astext() == ""


def test_a_photograph_is_not_turned_dark(tmp_path: Path) -> None:
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
    svg = PLOT.replace("</svg>", '<image href="data:image/png;base64,AAAA"/></svg>')
    for output in (shown(image_png=png), shown(image_svg=svg)):
        (box,) = render(output, Pictures(tmp_path))
        (picture,) = box.findall(output_image)
        assert picture["classes"] == ["ov-photo"]


@pytest.mark.parametrize("data", ["AAAA", "no base64", "", base64.b64encode(b"<script>alert(1)</script>").decode()])
def test_what_is_no_picture_falls_back_to_text(data: str, tmp_path: Path) -> None:
    (box,) = render(shown(image_png=data, text_plain="text"), Pictures(tmp_path))
    assert box.astext() == "text"
    assert not list(tmp_path.iterdir())


def test_outlined_text_is_described_by_its_comments_and_a_title_wins() -> None:
    outlined = (
        '<svg xmlns="http://www.w3.org/2000/svg"><g id="matplotlib.axis_1"><g id="text_1"><!-- 0.5 --></g>'
        '<g id="text_2"><!-- time --></g>'
        r"<!-- $\mathdefault{10^{-2}}$ --><text><tspan>1</tspan><tspan>0</tspan> <tspan>−2</tspan></text>"
        "</g>"
        '<g id="text_3"><!-- Falling --></g></svg>'
    )
    assert describe_svg(outlined) == "Plot: Falling; time"
    assert describe_svg(outlined.replace("<g id", "<title>All of it</title><g id", 1)) == "All of it"


def test_words_of_programs_are_no_text() -> None:
    assert "run" not in clean_html("<svg><script>run()</script><style>run{}</style></svg>Words")


def test_html_closes_nothing_but_its_own_and_brings_no_headings() -> None:
    assert clean_html("</div></article><h1>Big</h1><table><tr><th></th><th>a</th></tr>") == (
        '<div class="ov-title">Big</div><table><tbody><tr><td></td><th>a</th></tr></tbody></table>'
    )


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<![CDATA[ <!DOCTYPE x ]]><script>alert(1)</script><![CDATA[ > ]]>",
        '<h:img xmlns:h="http://www.w3.org/1999/xhtml" src="x" onerror="alert(1)"/>',
        '<h:meta xmlns:h="http://www.w3.org/1999/xhtml" http-equiv="refresh" content="0;https://example.org"/>',
        "<style>@import 'https://example.org/x.css';</style>",
        "<style>rect { fill: u\\72l(https://example.org/) }</style>",
        '<rect fill="url(https://example.org/x.svg#a)"/>',
        '<rect style="filter: url( &quot;https://example.org/x&quot; )"/>',
        '<g xml:base="https://example.org/"/>',
        '<use href="data:image/svg+xml;base64,PHNjcmlwdD5hbGVydA=="/>',
        '<a><animate attributeName="href" to="javascript:alert(1)"/></a>',
        "<?xml-stylesheet href='https://example.org/x.xsl'?>",
        '<g onload="alert(1)"/>',
        "<foreignObject><body/></foreignObject>",
        '<a href="javascript:alert(1)"/>',
        '<image href="https://example.org/x.png"/>',
    ],
)
def test_active_parts_of_an_svg_are_taken_out(inside: str) -> None:
    cleaned = safe_svg(f'<svg xmlns="http://www.w3.org/2000/svg">{inside}<text>kept</text></svg>')
    assert cleaned is not None and "kept" in cleaned
    for bad in ("alert", "script", "onload", "foreignObject", "example.org", "72l", "<?", "svg+xml"):
        assert bad not in cleaned


def test_styles_of_plots_stay_to_the_byte() -> None:
    plot = (
        '<?xml version="1.0" encoding="utf-8" standalone="no"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"\n'
        ' "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n<svg xmlns="http://www.w3.org/2000/svg">'
        "<style>*{stroke-linejoin: round}</style>"
        '<g clip-path="url(#p1)" fill="url(\'#p2\')"/><image href="data:image/png;base64,AA"/></svg>'
    )
    assert safe_svg(plot) == plot


def test_an_encoding_that_could_hide_something_is_not_kept() -> None:
    cleaned = safe_svg('<?xml version="1.0" encoding="shift_jis"?><svg xmlns="http://www.w3.org/2000/svg"/>')
    assert cleaned == '<svg xmlns="http://www.w3.org/2000/svg" />'


@pytest.mark.parametrize(
    "broken",
    [
        "<svg",
        "<svg>" + "<g>" * 5000 + "</g>" * 5000 + "</svg>",
        "<html/>",
        '<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>',
        "",
    ],
)
def test_what_is_no_svg_falls_back_to_text(broken: str, tmp_path: Path) -> None:
    assert safe_svg(broken) is None
    (box,) = render(shown(image_svg=broken, text_plain="text"), Pictures(tmp_path))
    assert box.astext() == "text"


def test_latex_is_mathematics_if_it_can_be(tmp_path: Path) -> None:
    good, bad = (render(shown(text_latex=tex, text_plain="p"), Pictures(tmp_path))[0] for tex in ("$x^2$", "$\\nope$"))
    assert [n.astext() for n in good.findall(nodes.math_block)] == ["x^2"]
    assert bad.astext() == "p"


def test_an_error_that_the_author_let_happen_is_a_box(tmp_path: Path) -> None:
    (box,) = render((Output("error", "TypeError", "no", traceback=("line 1", "TypeError: no")),), Pictures(tmp_path))
    assert isinstance(box, nodes.admonition)
    assert box.astext().split("\n\n") == ["TypeError: no", "line 1\nTypeError: no"]


def test_pictures_reach_the_site_as_image_files(tmp_path: Path) -> None:
    book = make(tmp_path, results=lambda *_: shown(image_svg=PLOT), index="# T\n\n```{.python .input}\nplot()\n```\n")
    assert book.build() == []
    image = book.article("index").one("img")
    assert image.attributes["alt"] == "Plot: epoch, loss; train, test"
    assert (book.site / image.attributes["src"]).read_text() == PLOT


def test_outputs_in_a_page_stay_text(tmp_path: Path) -> None:
    book = make(
        tmp_path,
        results=lambda *_: (Output("stream", "stdout", "<script>alert(1)</script>"),),
        index="# T\n\n```{.python .input}\nx\n```\n",
    )
    book.build()
    html = (book.site / "index.html").read_text()
    assert "<script>alert(1)" not in html
    assert "<script>alert(1)</script>" in parse(html).one("div.ov-output").text
