"""Core rules of the dialect: what needs the whole page at once.

Slide marks are resolved before blocks are found, since they may span them; cells, figures, captions and labels are put
together afterwards, when everything else is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from octavo.diagnostics import Code
from octavo.source.blocks import CELL_INFO
from octavo.source.problems import Problem, note
from octavo.source.slides import BEGIN
from octavo.source.typography import typography

MAYBE_SLIDES = re.compile(r"[\[(](?:\*\*|~~)|^<!--\s*slides\b", re.MULTILINE)
SLIDES_BEGIN = re.compile(r"^<!--\s*slides\s*-->\s*$")
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)")
ATTRIBUTE = re.compile(
    r"#(?P<id>[^\s=}]+)|(?P<name>[\w.:-]+)=(?P<value>\"[^\"]*\"|'[^']*'|[^\s}]+)|\.(?P<class>[\w-]+)"
)
GLUED_HASHES = re.compile(r"(?<=[^#\s\\])#{2,}$")
HEADING_ATTRIBUTES = re.compile(
    r"[ \t]*\{[ \t]*(?P<all>(?:-|[#.][^\s{}#.=]+|[\w:-]+=(?:\"[^\"{}]*\"|[^\s{}\"]+))"
    r"(?:[ \t]+(?:-|[#.][^\s{}#.=]+|[\w:-]+=(?:\"[^\"{}]*\"|[^\s{}\"]+)))*)[ \t]*\}$"
)
LINK_ADDRESS = re.compile(
    r"\(\s*(?:<[^<>\n]*>|[^\s()<\x00]*(?:\([^\s()\x00]*\)[^\s()\x00]*)*)(?:\s+[\"'(][^\n]*?[\"')])?\s*\)"
)
"""What makes a link of ``[text]``: an address, which holds no space, and perhaps a title."""
INLINE_MARKS = frozenset({"label", "eqlabel", "width", "height"})
SLIDE_TEXTS = "octavo_slide_texts"
"""Where the parser's environment keeps the places of marked text, for :func:`slide_texts`."""
_SIGNS = "\x01\x02\x03"


@dataclass(frozen=True, slots=True)
class SlideText:
    """Text that an author has marked for slides: its place in the text without marks."""

    start: int
    end: int
    opens: bool
    """Whether a slide begins with it: it is marked with ``[`` and not with ``(``."""


def install(md: MarkdownIt) -> None:
    """Register the core rules around markdown-it's own."""
    md.core.ruler.before("block", "slide_marks", slide_marks)
    md.core.ruler.after("block", "fence_kinds", fence_kinds)
    md.core.ruler.after("block", "heading_ends", heading_ends)
    md.core.ruler.at("smartquotes", typography)
    md.core.ruler.push("assemble", assemble)


# -- before blocks: slides


def slide_marks(state: StateCore) -> None:
    """``[**text**]`` becomes its text, ``[~~text~~]`` goes, and so does everything below ``<!-- slides -->``.

    Code is left alone, and so is the number of lines, so that every later token stands on the author's own line.
    """
    if MAYBE_SLIDES.search(state.src):
        state.src = _with_prose(state, _without_marks)


def slide_texts(state: StateCore) -> None:
    """:func:`slide_marks` for those who make slides: all marked text stays, and ``env`` says where it stands."""
    found: list[SlideText] = []
    if MAYBE_SLIDES.search(state.src):
        state.src = state.src.translate(dict.fromkeys(map(ord, _SIGNS)))
        signed = _with_prose(state, _with_signs)
        state.src = re.sub(f"[{_SIGNS}]", "", signed)
        found = list(_between_signs(signed))
    state.env[SLIDE_TEXTS] = tuple(found)


def _with_prose(state: StateCore, change: Callable[[str], str]) -> str:
    """The page up to its slides, what is no code changed."""
    pieces: list[str] = []
    for is_code, text in _code_and_prose(state):
        if is_code:
            pieces.append(text)
            continue
        begin = next((i for i, line in enumerate(text.split("\n")) if SLIDES_BEGIN.match(line)), None)
        if begin is not None:
            lines = text.split("\n")
            state.env[BEGIN] = "".join(pieces).count("\n") + begin
            pieces.append(change("\n".join([*lines[:begin], ""])))
            break
        pieces.append(change(text))
    return "".join(pieces)


def _code_and_prose(state: StateCore) -> Iterator[tuple[bool, str]]:
    """Cut a page into blocks of code, wherever they are nested, and the rest; the pieces join to the source.

    Only the block rules know where code begins in a list or a quotation, so they are asked.
    """
    tokens: list[Token] = []
    state.md.block.parse(state.src, state.md, {}, tokens)
    lines = state.src.split("\n")
    done = 0
    for token in tokens:
        if token.type in ("fence", "code_block") and token.map is not None:
            start, end = token.map
            yield False, "".join(f"{line}\n" for line in lines[done:start])
            code = "\n".join(lines[start:end])
            yield True, f"{code}\n" if end < len(lines) else code
            done = end
    yield False, "\n".join(lines[done:])


def _without_marks(text: str) -> str:
    return _marks_replaced(text, lambda _, inside: "\n" * inside.count("\n"), lambda _, inside: inside)


def _with_signs(text: str) -> str:
    """A sign before each marked text, which says how its mark opens, and one behind it."""

    def signed(bracket: str, inside: str) -> str:
        return f"{_SIGNS['[('.index(bracket)]}{inside}{_SIGNS[2]}"

    return _marks_replaced(text, signed, signed)


def _between_signs(signed: str) -> Iterator[SlideText]:
    """Marked texts by their place in the text without signs; one inside of another goes with that."""
    depth = start = done = 0
    opens = False
    for part in re.split(f"([{_SIGNS}])", signed):
        if part == _SIGNS[2] and depth:
            depth -= 1
            if not depth:
                yield SlideText(start, done, opens)
        elif part and part in _SIGNS[:2]:
            if not depth:
                start, opens = done, part == _SIGNS[0]
            depth += 1
        else:
            done += len(part)


def _marks_replaced(text: str, slide_only: Callable[[str, str], str], marked: Callable[[str, str], str]) -> str:
    hidden: list[str] = []

    def hide(match: re.Match[str]) -> str:
        hidden.append(match[0])
        return f"\x00{len(hidden) - 1}\x00"

    text = CODE_SPAN.sub(hide, text)
    text = _replaced(text, "~~", slide_only)
    text = _replaced(text, "**", marked)
    return re.sub("\x00(\\d+)\x00", lambda match: hidden[int(match[1])], text)


def _replaced(text: str, mark: str, change: Callable[[str, str], str]) -> str:
    """Every ``[MARK…MARK]`` and ``(MARK…MARK)`` changed; each opening is tried with the next closing only.

    ``change`` is given the opening bracket and what stands between the marks.
    One look at every mark, since a page may hold thousands that are never closed. ``[**…**](`` begins a link.
    """
    openings = re.finditer(rf"[\[(]{re.escape(mark)}", text)
    closings = [match.start() for match in re.finditer(rf"{re.escape(mark)}[\])]", text)]
    pieces: list[str] = []
    done = following = 0
    for opening in openings:
        start = opening.end()
        while following < len(closings) and closings[following] < start:
            following += 1
        if following == len(closings):
            break
        if opening.start() < done:
            continue
        end = closings[following]
        pair = text[opening.start()] + text[end + 2]
        is_link = mark == "**" and pair == "[]" and LINK_ADDRESS.match(text, end + 3) is not None
        if end > start and pair in ("[]", "()") and not is_link:
            pieces += [text[done : opening.start()], change(pair[0], text[start:end])]
            done = end + 3
    return "".join([*pieces, text[done:]])


# -- after blocks: what a fence is


def fence_kinds(state: StateCore) -> None:
    """Tell cells, tables of contents and raw reStructuredText from fences that are only shown."""
    for token in state.tokens:
        if token.type != "fence":
            continue
        info = token.info.strip()
        cell = CELL_INFO.match(info)
        if cell and token.level:
            _report_nested(state, token)
            token.info = "python"
        elif cell:
            token.type = "cell"
            token.meta = _cell_attributes(cell[1])
        elif info == "toc":
            token.type = "toc"
            token.meta = _toc(token)
        elif info == "eval_rst":
            token.type = "raw_rst"


def _report_nested(state: StateCore, token: Token) -> None:
    note(
        state.env,
        Problem(
            Code.MISPLACED_CELL,
            "a cell inside of a list or quotation is shown as text and never run",
            (token.map or [0, 0])[0],
            hint="begin its fence at the left margin, between two blank lines",
        ),
    )


def _cell_attributes(text: str) -> dict[str, object]:
    ident: str | None = None
    attributes: list[tuple[str, str]] = []
    for match in ATTRIBUTE.finditer(text):
        if match["id"]:
            ident = match["id"]
        elif match["name"]:
            attributes.append((match["name"], match["value"].strip("\"'")))
    return {"id": ident, "attributes": tuple(attributes)}


def _toc(token: Token) -> dict[str, object]:
    maxdepth: int | None = None
    numbered = False
    caption = ""
    entries: list[tuple[str, int]] = []
    first = (token.map or [0, 0])[0] + 1
    for offset, line in enumerate(token.content.split("\n")):
        text = line.strip()
        option = re.match(r":(\w+):\s*(.*)$", text)
        if option:
            if option[1] == "maxdepth" and option[2].isdigit():
                maxdepth = int(option[2])
            elif option[1] == "caption":
                caption = option[2].strip()
            numbered = numbered or option[1] == "numbered"
        elif text:
            entries.append((text, first + offset))
    found: dict[str, object] = {"maxdepth": maxdepth, "numbered": numbered, "entries": tuple(entries)}
    return {**found, "heading": caption} if caption else found


# -- after blocks: the ends of headings


def heading_ends(state: StateCore) -> None:
    """``## Title##`` and ``## Title {#name .class}`` are read as pandoc does: the name becomes the label."""
    for token, inline in pairwise(state.tokens):
        if token.type != "heading_open":
            continue
        inline.content = GLUED_HASHES.sub("", inline.content)
        match = HEADING_ATTRIBUTES.search(inline.content)
        if match is None or not match.start():
            continue
        inline.content = inline.content[: match.start()]
        name = next((part[1:] for part in match["all"].split() if part.startswith("#")), None)
        if name:
            token.meta = {**(token.meta or {}), "own_name": name}


# -- after inlines: assembly


def assemble(state: StateCore) -> None:
    """Attach labels, sizes and captions to what they belong to, and make figures out of lone pictures."""
    tokens: list[Token] = []
    for token in _with_marks_apart(state.tokens):
        if token.type == "mark" and _attach(state, token, tokens):
            continue
        tokens.append(token)
    for token in tokens:
        if token.type == "heading_open" and "own_name" in (token.meta or {}):
            token.meta.setdefault("label", token.meta["own_name"])
    state.tokens = _captioned(state, tokens)


def _with_marks_apart(tokens: list[Token]) -> Iterator[Token]:
    """Pull marks out of the end of a paragraph, and turn a paragraph that is one picture into a figure."""
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.type != "paragraph_open" or index + 2 >= len(tokens):
            yield token
            index += 1
            continue
        inline, close = tokens[index + 1], tokens[index + 2]
        children = list(inline.children or ())
        marks = _pop_marks(children, inline)
        following = marks[0] if marks else tokens[index + 3] if _type_at(tokens, index + 3) == "mark" else None
        picture = _lone_picture(children)
        if picture is not None and (picture.content or following):
            yield _figure(picture, token.map, token.level)
        else:
            last = _pop_picture(children) if following and following.meta["name"] != "eqlabel" else None
            if marks or last:
                inline.children = children
            yield token
            yield inline
            yield close
            if last:
                end = (token.map or [0, 1])[1]
                yield _figure(last, [end - 1 - _breaks(last), end], token.level)
        yield from marks
        index += 3


def _pop_marks(children: list[Token], inline: Token) -> list[Token]:
    marks: list[Token] = []
    while children:
        last = children[-1]
        if last.type in ("softbreak", "hardbreak") or (last.type == "text" and not last.content.strip()):
            trailing = [children.pop()]
            if not (children and _is_mark(children[-1])):
                children.extend(trailing)
                break
        elif _is_mark(last):
            children.pop()
            mark = Token("mark", "", 0, block=True, level=inline.level - 1, content=last.content)
            line = (inline.map or [0, 0])[1] - 1
            mark.map = [line, line + 1]
            mark.meta = {"name": last.meta["name"], "value": last.content}
            marks.insert(0, mark)
        else:
            break
    while (
        marks
        and children
        and (
            children[-1].type in ("softbreak", "hardbreak")
            or not (children[-1].content.strip() or children[-1].type != "text")
        )
    ):
        children.pop()
    return marks


def _is_mark(token: Token) -> bool:
    return token.type == "role" and token.meta["name"] in INLINE_MARKS and bool(token.content)


def _lone_picture(children: list[Token]) -> Token | None:
    """The picture of a paragraph that holds nothing else."""
    solid = [child for child in children if not (child.type == "text" and not child.content.strip())]
    return solid[0] if len(solid) == 1 and solid[0].type == "image" else None


def _pop_picture(children: list[Token]) -> Token | None:
    """Take away the picture that ends a paragraph: what has a size or a label is a figure, words above it or not."""
    if not children or children[-1].type != "image":
        return None
    picture = children.pop()
    while children and (children[-1].type in ("softbreak", "hardbreak") or _is_blank(children[-1])):
        children.pop()
    return picture


def _is_blank(token: Token) -> bool:
    return token.type == "text" and not token.content.strip()


def _breaks(token: Token) -> int:
    own = token.type in ("softbreak", "hardbreak") or int((token.meta or {}).get("newlines", 0))
    return own + sum(map(_breaks, token.children or ()))


def _figure(picture: Token, lines: list[int] | None, level: int) -> Token:
    figure = Token("figure", "figure", 0, block=True, level=level, map=lines)
    figure.content = picture.content
    figure.children = picture.children
    figure.meta = {
        "src": str(picture.attrGet("src") or ""),
        "title": str(picture.attrGet("title") or ""),
        "alt": plain_text(picture.children or []),
        "width": (picture.meta or {}).get("width"),
        "height": (picture.meta or {}).get("height"),
        "label": None,
    }
    return figure


def plain_text(tokens: list[Token]) -> str:
    """Inline tokens as plain text: what a screen reader should read."""
    words: list[str] = []
    for token in tokens:
        if token.type in ("softbreak", "hardbreak"):
            words.append(" ")
        elif token.children:
            words.append(plain_text(token.children))
        else:
            words.append(token.content)
    return "".join(words)


def _attach(state: StateCore, mark: Token, before: list[Token]) -> bool:
    """Give a mark to the block just before it; whether that block could take it."""
    name, value = mark.meta["name"], mark.meta["value"]
    last = before[-1] if before else None
    if last is None or last.level != mark.level:
        return False
    target = last
    if last.type in ("heading_close", "table_close"):
        wanted = last.type.replace("close", "open")
        target = next(t for t in reversed(before) if t.type == wanted and t.level == last.level)
    elif last.type == "paragraph_close" and name == "eqlabel":
        return _label_display_at_end(before, value)
    if name in ("width", "height"):
        fits = target.type == "figure"
    elif name == "eqlabel":
        fits = target.type in ("math_block", "figure", "table_open")
    else:
        fits = target.type in ("heading_open", "table_open", "figure", "math_block")
    key = "label" if name == "eqlabel" else name
    if not fits or (target.meta or {}).get(key):
        return False
    target.meta = {**(target.meta or {}), key: value, f"{key}_line": (mark.map or [0])[0]}
    if name == "eqlabel" and target.type != "math_block":
        _report_misplaced(state, mark, "the mark of what is no equation is :label:")
    return True


def _label_display_at_end(before: list[Token], label: str) -> bool:
    """Move a ``$$…$$`` that ends a paragraph into a block of its own, which can carry the label."""
    paragraph, inline, _ = before[-3:]
    children = inline.children or []
    if not children or children[-1].type != "math_inline_double":
        return False
    formula = children.pop()
    while children and children[-1].type == "softbreak":
        children.pop()
    block = Token("math_block", "math", 0, block=True, level=paragraph.level, content=formula.content, markup="$$")
    last_line = (paragraph.map or [0, 1])[1]
    block.map = [last_line - 1 - formula.meta["newlines"], last_line]
    block.meta = {"label": label}
    if not children:
        del before[-3:]
    before.append(block)
    return True


def _captioned(state: StateCore, tokens: list[Token]) -> list[Token]:
    """``:A caption`` above or below a table becomes its caption; a label between caption and table, its label."""
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        caption = _caption(tokens, index)
        table = _table_of_caption(tokens, index, result) if caption is not None else None
        if caption is not None and table is not None and "caption" not in (table.meta or {}):
            caption[0].content = caption[0].content[1:].lstrip()
            table.meta = {**(table.meta or {}), "caption": caption, "caption_line": (tokens[index].map or [0, 0])[0]}
            index += 3
            continue
        token = tokens[index]
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        if token.type == "mark":
            below = following is not None and following.type == "table_open" and _label_below(following, token)
            if below or (result and result[-1].type == "table_close" and _attach(state, token, result)):
                index += 1
                continue
            _report_misplaced(state, token)
            token.type = "label" if token.meta["name"] in ("label", "eqlabel") else "misplaced"
            token.meta = {**token.meta, "label": token.meta["value"]}
        result.append(token)
        index += 1
    return result


def _label_below(table: Token, mark: Token) -> bool:
    """Give the table below a label the label, unless it has one."""
    if mark.meta["name"] != "label" or (table.meta or {}).get("label"):
        return False
    table.meta = {**(table.meta or {}), "label": mark.meta["value"], "label_line": (mark.map or [0])[0]}
    return True


def _table_of_caption(tokens: list[Token], index: int, before: list[Token]) -> Token:
    """The table that the caption at ``index`` belongs to: the one below, or else the one above."""
    following = tokens[index + 3] if index + 3 < len(tokens) else None
    if following is not None and following.type == "table_open":
        return following
    if following is not None and following.type == "mark" and _type_at(tokens, index + 4) == "table_open":
        return tokens[index + 4]
    level = tokens[index].level
    return next(t for t in reversed(before) if t.type == "table_open" and t.level == level)


def _type_at(tokens: list[Token], index: int) -> str:
    return tokens[index].type if index < len(tokens) else ""


def _caption(tokens: list[Token], index: int) -> list[Token] | None:
    """The inline tokens of a ``:A caption`` paragraph at ``index``, with the colon."""
    if tokens[index].type != "paragraph_open" or index + 2 >= len(tokens):
        return None
    children = tokens[index + 1].children or []
    first = children[0] if children else None
    if first is None or first.type != "text" or not re.match(r":\s*\S|:$", first.content):
        return None
    after = _type_at(tokens, index + 3)
    below = after == "table_open" or (after == "mark" and _type_at(tokens, index + 4) == "table_open")
    if not below and not (index and tokens[index - 1].type == "table_close"):
        return None
    return children


def _report_misplaced(state: StateCore, token: Token, hint: str = "") -> None:
    name, value = token.meta["name"], token.meta["value"]
    things = {
        "label": "a heading, figure, table or equation",
        "eqlabel": "an equation",
        "width": "a picture",
        "height": "a picture",
    }
    note(
        state.env,
        Problem(
            Code.MISPLACED_LABEL,
            f":{name}:`{value}` does not follow {things[name]}",
            (token.map or [0, 0])[0],
            hint=hint or f"put it on the line after {things[name]}",
            word=f":{name}:",
            fatal=False,
        ),
    )
