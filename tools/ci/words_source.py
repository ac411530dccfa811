"""What the source of a page says to each framework's readers, read with regular expressions. For check_words.py."""

from __future__ import annotations

import ast
import configparser
import html
import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from words_text import NOT_BETWEEN_WORDS, RAW, WORD, letters, plain, raw_marks, words_of

# -- the source: blocks

FENCE = re.compile(r"(?P<indent>(?:[ \t]|>|[-*+][ \t]|\d+[.)][ \t])*)(?P<mark>`{3,}|~{3,})(?P<info>.*)$")
CELL = re.compile(r"\{\.python\s+\.input\b[^}]*\}\s*$")
BEGIN_TAB = re.compile(r" {0,3}:begin_tab:\s*`+([^`]*)`+\s*$")
END_TAB = re.compile(r" {0,3}:end_tab:")
TAB_MARK = re.compile(r"#[ \t]*@tab[ \t]+([\w, \t.-]+)")
TAB_MAGIC = re.compile(r"%%tab[ \t]+([\w, \t.-]+)")
VARIES = re.compile(r"\s*#\s*@varies\s*")
TAB_LINE = re.compile(r"\s*(?:#[ \t]*)*(?:@tab|%%tab)\b")
HIDDEN = re.compile(r"^[ \t]*#[ \t]*(?:@hide(?:_all|_code)?|Hide[ \t]+code)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A stretch of a page: ``prose``, ``cell``, ``fence``, ``toc`` or ``rst``; ``tabs`` are its readers, or all."""

    kind: str
    text: str
    line: int
    tabs: frozenset[str] | None = None


def names(text: str) -> list[str]:
    """The names of a list with commas."""
    return [name for name in re.split(r"[,\s]+", text) if name]


def blocks(text: str, settings: Settings) -> list[Block]:
    """Cut a page into blocks, line by line."""
    lines = text.split("\n")
    found: list[Block] = []
    prose: list[str] = []
    tabs: frozenset[str] | None = None
    at = start = front_matter(lines)

    def flush(end: int) -> None:
        if any(line.strip() for line in prose):
            found.append(Block("prose", "\n".join(prose), end - len(prose) + 1, tabs))
        prose.clear()

    while at < len(lines):
        line = lines[at]
        opening, begin = FENCE.match(line), BEGIN_TAB.match(line)
        if opening and not (opening["mark"][0] == "`" and "`" in opening["info"]):
            flush(at)
            end = end_of_fence(lines, at + 1, opening["mark"])
            cell = CELL.match(opening["info"].strip()) is not None and not opening["indent"].strip()
            tabs = None if cell else tabs  # a cell ends a tab block that was left open
            body = "\n".join(lines[at + 1 : end])
            found.append(fence(opening["info"].strip(), body, at + 2, cell, tabs, settings))
            at = end + 1
            continue
        if begin or END_TAB.match(line):
            flush(at)
            told = names(begin[1]) if begin else []
            tabs = frozenset(settings.tabs if "all" in told else told) if begin else None
        elif re.match(r"<!--\s*slides\s*-->\s*$", line):
            break
        else:
            prose.append(line)
        at += 1
    flush(at)
    return found if start < len(lines) else []


def front_matter(lines: Sequence[str]) -> int:
    """How many lines YAML at the top takes."""
    if lines[0].rstrip() != "---":
        return 0
    return next((at + 1 for at, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), 0)


def end_of_fence(lines: Sequence[str], at: int, mark: str) -> int:
    """The line that closes a fence, or the end of the page."""
    closing = re.compile(rf"[ \t>]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$")
    return next((n for n in range(at, len(lines)) if closing.match(lines[n])), len(lines))


def fence(info: str, body: str, line: int, cell: bool, tabs: frozenset[str] | None, settings: Settings) -> Block:
    """What a fence is, by the word behind its mark."""
    if cell:
        mark = TAB_MARK.search(body) or TAB_MAGIC.search(body)
        told = names(mark[1]) if mark else []
        if "all" in told or (mark is None and settings.untagged_is_all):
            told = list(settings.tabs)
        known = frozenset(told) & frozenset(settings.tabs)
        return Block("cell", body, line, known or frozenset(settings.tabs[:1]))
    return Block({"toc": "toc", "eval_rst": "rst"}.get(info, "fence"), body, line, tabs)


# -- the source: prose

DESTINATION = r"\(\s*(?P<to><[^>\n]*>|[^\s()]*(?:\([^\s()]*\)[^\s()]*)*)(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)"
INLINE = re.compile(
    r"(?P<escape>\\[!-/:-@\[-`{-~])"
    r"|(?P<comment><!--.*?-->)"
    r"|:(?P<role>[A-Za-z][\w.+-]*):[ \t]?(?P<ticks>``|`)(?!`)(?P<value>(?:[^\n]|\n(?!\s*\n))+?)(?<!`)(?P=ticks)(?!`)"
    r"|\{(?P<myst>[\w:.+-]+)\}(?P<myst_ticks>`+)(?P<myst_value>(?:[^\n]|\n(?!\s*\n))+?)(?P=myst_ticks)"
    r"|(?P<span>(?<!`)(?P<fence>`+)(?!`)(?P<code>(?:[^\n]|\n(?!\s*\n))+?)(?<!`)(?P=fence)(?!`))"
    r"|(?P<display>\$\$(?P<block>.+?)(?<!\\)\$\$)"
    r"|(?P<math>\$(?!\s)(?P<formula>(?:\\.|[^$\\\n]|\\?\n(?!\s*\n))+?)(?<!\s)\$(?!\d))"
    r"|<(?P<address>(?:https?|ftp|mailto):[^<>\s]+)>"
    r"|(?P<tag></?[a-zA-Z][\w-]*(?:\s[^<>]*)?/?>)"
    r"|(?P<footnote>\[\^[^\]\s]+\]:?)"
    rf"|(?P<image>!\[)|(?P<open>\[)|(?P<close>\](?:{DESTINATION})?)",
    re.DOTALL,
)
CODE_SPAN = r"(?P<code>(?<!`)(`+)(?!`).+?(?<!`)\2(?!`))"
SLIDES_ONLY = re.compile(rf"{CODE_SPAN}|[\[(]~~.*?~~[\])]", re.DOTALL)
SLIDE_TEXT = re.compile(rf"{CODE_SPAN}|[\[(]\*\*(?P<kept>.+?)\*\*(?:\](?!\()|\))", re.DOTALL)
LIST_NUMBER = re.compile(r"^[ \t>]*(?:[-*+][ \t]+)*(\d{1,9})[.)](?=\s|$)", re.MULTILINE)
MARKS = {"label", "eqlabel", "width", "height", "bibliography"}
REFERENCES = {"numref", "ref", "eqref"}
CITATIONS = {"cite", "citet", "citep"}
API = {"class", "func", "mod", "meth", "attr", "data"}


@dataclass(frozen=True)
class Word:
    """A word of the source. ``counts``: it may number an item of a list. ``maybe``: nobody need see it."""

    text: str
    line: int
    counts: bool = False
    maybe: bool = False


@dataclass(frozen=True)
class Named:
    """Something of the source with a name and a kind: a label, reference, citation, picture, formula or link."""

    kind: str
    name: str
    line: int


@dataclass
class Reading:
    """What some text of the source has to show."""

    words: list[Word] = field(default_factory=list)
    formulas: list[Named] = field(default_factory=list)
    labels: list[Named] = field(default_factory=list)
    references: list[Named] = field(default_factory=list)
    citations: list[Named] = field(default_factory=list)
    pictures: list[Named] = field(default_factory=list)
    links: list[Named] = field(default_factory=list)
    tables: list[SourceTable] = field(default_factory=list)
    citing: int = 0
    """How many citations there are, each of one or more works."""
    shown_raw: Counter[str] = field(default_factory=Counter)
    """Marks that the author shows as code."""
    left_raw: list[Named] = field(default_factory=list)
    """Marks that are none, by a slip of the author: a role that is not closed stays text."""


@dataclass(frozen=True)
class SourceTable:
    """A pipe table: the words of its rows, of its caption, and its label."""

    line: int
    rows: tuple[tuple[str, ...], ...]
    caption: tuple[str, ...] | None
    label: str | None


def read_prose(block: Block) -> Reading:
    """What a stretch of prose says."""
    reading = Reading()
    lines = block.text.split("\n")
    shown = inline(block.text, block.line, reading)
    counts = {match.start(1) for match in LIST_NUMBER.finditer(shown)}
    line, done = block.line, 0
    left = raw_marks(shown) - reading.shown_raw
    for match in RAW.finditer(shown):
        raw = re.sub(r"\s", "", match[0])
        if left[raw]:
            left[raw] -= 1
            reading.left_raw.append(Named("mark", raw, block.line + shown.count("\n", 0, match.start())))
    for match in WORD.finditer(shown):
        line += shown.count("\n", done, match.start())
        done = match.start()
        reading.words.append(Word(match[0], line, counts=match.start() in counts))
    reading.labels += labels(lines, block.line)
    reading.tables += tables(lines, block.line)
    return reading


RST_SKIPPED = re.compile(r"(\s*)\.\.(?:\s+(?!only:: +html|note::|warning::)|$)")


def read_rst(block: Block, root: Path) -> Reading:
    """The words of raw reStructuredText outside of directives and options; those of modules that it describes, too."""
    reading = Reading()
    skipped: int | None = None
    for at, line in enumerate(block.text.split("\n")):
        indent = len(line) - len(line.lstrip())
        if not line.strip() or (skipped is not None and indent > skipped):
            continue
        if named := re.match(r"\s*\.\. auto\w+::\s*(\S+)", line):
            reading.words += [Word(word, block.line + at, maybe=True) for word in words_of(named[1])]
        if named := re.match(r"\s*\.\. automodule::\s*([\w.]+)", line):
            about = said_of(root / f"{named[1].replace('.', '/')}.py")
            reading.words += [Word(word, block.line + at) for word in words_of(about)]
        match = RST_SKIPPED.match(line)
        skipped = indent if match else None
        if match is None and not re.match(r"\s*(?::[\w-]+:|\.\. )", line):
            reading.words += [Word(word, block.line + at, maybe="`" in line or "|" in line) for word in words_of(line)]
    return reading


def said_of(module: Path) -> str:
    """What a module says of itself at its head."""
    if not module.is_file():
        return ""
    return ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""


def inline(text: str, first: int, reading: Reading) -> str:
    """The text that a reader sees, on as many lines as the source has; the rest is noted in ``reading``."""
    text = SLIDES_ONLY.sub(lambda match: match["code"] or "\n" * match[0].count("\n"), text)
    text = SLIDE_TEXT.sub(lambda match: match["code"] or match["kept"], text)
    shown: list[str] = []
    brackets: list[bool] = []
    done = 0
    line = first
    for match in INLINE.finditer(text):
        plain = text[done : match.start()]
        shown.append(html.unescape(plain).translate(NOT_BETWEEN_WORDS))
        line += plain.count("\n")
        shown.append(inline_piece(match, line, brackets, reading))
        line += match[0].count("\n")
        done = match.end()
    shown.append(html.unescape(text[done:]).translate(NOT_BETWEEN_WORDS))
    return "".join(shown)


def inline_piece(match: re.Match[str], line: int, brackets: list[bool], reading: Reading) -> str:
    """What a reader sees of one piece of markup, with the line ends that it holds."""
    ends = "\n" * match[0].count("\n")
    if match["role"] or match["myst"]:
        name, value = match["role"] or match["myst"], match["value"] or match["myst_value"]
        return f" {role(name, value, line, reading)}{ends} "
    if match["span"]:
        reading.shown_raw.update(raw_marks(match["code"]))
        return match["code"].translate(NOT_BETWEEN_WORDS)
    if match["display"] or match["math"]:
        formula = re.sub(r"(?<!\\)%[^\n]*", "", match["block"] or match["formula"])
        reading.formulas.append(Named("display" if match["display"] else "inline", " ".join(formula.split()), line))
        return f" {ends} "
    if match["image"] or match["open"]:
        brackets.append(bool(match["image"]))
    elif match["close"]:
        return closing_bracket(match, line, brackets, reading)
    elif match["address"]:
        return match["address"]
    elif match["escape"]:
        return "" if match["escape"][1] in "*`" else match["escape"][1]
    return f" {ends} " if match["comment"] or match["footnote"] else ends


def closing_bracket(match: re.Match[str], line: int, brackets: list[bool], reading: Reading) -> str:
    """Note the picture or link that a bracket ends."""
    picture = brackets.pop() if brackets else None
    address = match["to"]
    if address is None:
        return "]"
    if picture is None:
        return match[0]
    address = address.strip("<>")
    if picture:
        reading.pictures.append(Named("picture", address, line))
    elif re.match(r"https?://", address):
        reading.links.append(Named("link", address, line))
    return " " if picture else "\n" * match[0].count("\n")


def role(name: str, value: str, line: int, reading: Reading) -> str:
    """Note what a role stands for; gives the text that stays words."""
    value = " ".join(value.split())
    if name in MARKS:
        return ""
    if name in REFERENCES:
        titled = re.fullmatch(r"(.+?)\s*<([^<>]+)>", value)
        reading.references.append(Named(name, titled[2].strip() if titled else value, line))
        return ""
    if name in CITATIONS:
        reading.citing += 1
        reading.citations += [Named(name, key, line) for key in names(value)]
        return ""
    if name in API and value.startswith("~"):
        return value.rpartition(".")[2]
    return value


LABEL = re.compile(r":(label|eqlabel):[ \t]*`{1,2}\s*([^`]+?)\s*`{1,2}")


def labels(lines: Sequence[str], first: int) -> Iterator[Named]:
    """Labels, with the kind of thing that they stand at."""
    for at, line in enumerate(lines):
        for match in LABEL.finditer(re.sub(r"``.+?``(?!`)", "", line) if "``:" in line else line):
            before = line[: match.start()].strip() or previous(lines, at)
            kind = labelled(before, lines, at)
            yield Named("equation" if match[1] == "eqlabel" and kind == "place" else kind, match[2], first + at)


def previous(lines: Sequence[str], at: int) -> str:
    """The last line above that is neither blank nor a mark."""
    above = (line.strip() for line in reversed(lines[:at]))
    return next((line for line in above if line and not re.match(rf":(?:{'|'.join(MARKS)}):", line)), "")


def labelled(before: str, lines: Sequence[str], at: int) -> str:
    """What kind of thing a label stands at."""
    below = next((line.strip() for line in lines[at + 1 :] if line.strip()), "")
    if re.match(r"#{1,6}\s", before) or re.fullmatch(r"=+|-+", before):
        return "section"
    if re.search(r"\]\([^)]*\)$", before):
        return "figure"
    if before.endswith("$$"):
        return "equation"
    return "table" if before.startswith("|") or (before.startswith(":") and below.startswith("|")) else "place"


DELIMITER = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")


def tables(lines: Sequence[str], first: int) -> Iterator[SourceTable]:
    """Pipe tables, with the caption and label above or below."""
    for at in range(1, len(lines)):
        if "|" not in lines[at] or "|" not in lines[at - 1] or not DELIMITER.match(lines[at]):
            continue
        start, end = at - 1, at + 1
        while end < len(lines) and "|" in lines[end]:
            end += 1
        rows = [tuple(sorted(visible_words(line))) for line in [lines[start], *lines[at + 1 : end]]]
        around = [*paragraphs(reversed(lines[:start]), up=True), *paragraphs(lines[end:], up=False)]
        caption = next((text for text in around if text.startswith(":") and not LABEL.match(text)), None)
        label = next((match[2] for match in map(LABEL.search, around) if match), None)
        shown = None if caption is None else tuple(visible_words(caption[1:]))
        yield SourceTable(first + start, tuple(rows), shown, label)


def paragraphs(lines: Iterable[str], *, up: bool) -> list[str]:
    """The paragraphs next to a table that may be its caption or label: at most two, and only such."""
    found: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            found[-1].append(line.strip())
        elif found[-1]:
            if len(found) == 2:
                break
            found.append([])
    texts = ["\n".join(reversed(one) if up else one) for one in found if one]
    kept: list[str] = []
    for text in texts:
        if not re.match(r":(?!begin_tab|end_tab)", text):
            break
        kept += [line for line in text.split("\n") if LABEL.match(line)]
        kept += ["\n".join(line for line in text.split("\n") if not LABEL.match(line)) or ":"]
    return [text for text in kept if text != ":"]


def visible_words(text: str) -> list[str]:
    """The words of a piece of prose, formulas and references aside."""
    return words_of(inline(text, 0, Reading()))


def add(whole: Reading, part: Reading) -> None:
    """Add what one stretch of prose says to what a reader sees."""
    for name in ("words", "formulas", "references", "citations", "pictures", "links", "tables"):
        getattr(whole, name).extend(getattr(part, name))


# -- formulas: their letters and digits

FUNCTIONS = re.compile(
    "arc(?:cos|sin|tan)|arg|cosh?|coth?|csc|deg|det|dim|exp|gcd|hom|inf|ker|lg|lim(?:inf|sup)?|ln|log|max|min|[bp]?mod"
    "|Pr|sec|sinh?|sup|tanh?"
)
NO_LETTERS = re.compile(
    r"\\begin\s*\{(?:array|alignat\*?|tabular)\}\s*(?:\[[^\]]*\])?\s*\{[^}]*\}"
    r"|\\(?:begin|end)\s*\{[^}]*\}(?:\s*\[[tbc]\])?"
    r"|\\(?:hspace|vspace|label|phantom|color|textcolor|rule)\*?\s*\{[^}]*\}"
    r"|\\\\\s*\[[^\]]*\]"
)


@cache
def tex_letters(formula: str) -> str:
    """The letters and digits that a reader sees of a formula in TeX, sorted."""
    text = NO_LETTERS.sub(" ", formula)
    text = re.sub(r"\\[^a-zA-Z]", " ", text)
    return letters(re.sub(r"\\([a-zA-Z]+)", lambda match: command_letters(match[1]), text))


def command_letters(name: str) -> str:
    """The letters that a command of TeX shows: a Greek one, a function's name, or none."""
    if FUNCTIONS.fullmatch(name):
        return name
    if name in ("ell", "Re", "Im"):
        return "l" if name == "ell" else name[0]
    case = "CAPITAL" if name[0].isupper() else "SMALL"
    greek = name.removeprefix("var").upper().replace("LAMBDA", "LAMDA")
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {greek}")
    except KeyError:
        return " "


# -- cells

Aliases = dict[str, list[str]]
"""Words that stand for ``d2l.NAME`` when an alias was rewritten."""
CODE_WORD = re.compile(r"\w+")


@dataclass
class CellText:
    """Code as one framework's reader should see it."""

    text: str
    line: int
    rewritten: bool
    """Whether branches were cut, so that indentation may differ."""


def cell_for(block: Block, tab: str) -> CellText | None:
    """A cell as a framework shows it; nothing where it is not that framework's, is hidden or is left empty."""
    if tab not in (block.tabs or ()) or HIDDEN.search(block.text) or "%load_ext d2lbook.tab" in block.text:
        return None
    lines = [line for line in block.text.split("\n") if not TAB_LINE.match(line) and not VARIES.fullmatch(line)]
    kept = branches(lines, tab)
    while kept and not kept[0].strip():
        kept.pop(0)
    text = "\n".join(line.rstrip() for line in kept).rstrip()
    return CellText(text, block.line, kept != lines) if text else None


def branches(lines: Sequence[str], tab: str) -> list[str]:
    """The lines that are left when every ``if tab.selected(…)`` is decided, by their indentation."""
    kept: list[str] = []
    at = 0
    decided = False  # whether a branch of the chain at hand was taken
    chain: str | None = None  # the indentation of that chain
    while at < len(lines):
        head, end = statement_head(lines, at)
        match = re.match(r"(\s*)(if|elif|else)\b(.*?):[ \t]*(#.*)?$", head, re.DOTALL)
        inside = match is not None and match[2] != "if" and match[1] == chain
        answer = selected(match[3], tab) if match and (match[2] == "if" or inside) else None
        if match is None or answer is None:
            chain = chain if not lines[at].strip() else None
            kept.append(lines[at])
            at += 1
            continue
        body = end_of_body(lines, end, len(match[1]))
        taken = answer and not (inside and decided)
        decided = taken or (inside and decided)
        chain = match[1]
        if taken:
            kept += branches([line[4:] if not line[:4].strip() else line for line in lines[end:body]], tab)
        at = body
    return kept


def statement_head(lines: Sequence[str], at: int) -> tuple[str, int]:
    """The lines of an ``if`` up to its colon, and where they end."""
    head, end = lines[at], at + 1
    if re.match(r"\s*(?:el)?if\b", head):
        while head.count("(") > head.count(")") and end < len(lines):
            head += f"\n{lines[end]}"
            end += 1
    return head, end


def selected(condition: str, tab: str) -> bool | None:
    """Whether a condition holds for a framework; nothing when it asks for something else too. ``else`` holds."""
    if not condition.strip():
        return True
    told = re.sub(
        r"tab\.selected\(([^)]*)\)", lambda m: str(tab in re.findall(r"['\"]([^'\"]+)['\"]", m[1])), condition
    )
    if told == condition or not re.fullmatch(r"(?:True|False|and|or|not|[()\s])+", told):
        return None
    return bool(eval(told, {"__builtins__": {}}))  # nothing but True, False, and, or, not is left


def end_of_body(lines: Sequence[str], at: int, indent: int) -> int:
    """The line after an indented body, blank lines behind it not counted."""
    end = at
    for number in range(at, len(lines)):
        text = lines[number]
        if text.strip():
            if len(text) - len(text.lstrip()) <= indent:
                break
            end = number + 1
    return end


def aliases(config: configparser.ConfigParser, tab: str) -> Aliases:
    """The words that each alias of a framework's library becomes on a page."""
    if not config.has_section(f"library-{tab}"):
        return {}
    section = config[f"library-{tab}"]
    found: Aliases = {}
    for key, prefix in (("simple_alias", section.get("lib_name", "")), ("fluent_alias", "")):
        for item in re.split(r"[,\n]", section.get(key, "")):
            name, _, target = (part.strip() for part in item.partition("->"))
            if re.match(r"\w+", name):
                found[CODE_WORD.findall(name)[0]] = CODE_WORD.findall(f"{prefix} {target or name}")
    for key in ("reverse_alias", "args_alias"):
        for item in section.get(key, "").split("\n"):
            name, arrow, target = item.partition("->")
            match = re.match(r"\s*(?:d2l\\?\.)?(\w+)(.*)", name)
            if arrow and match:
                moved = set(CODE_WORD.findall(match[2])) if key == "args_alias" else set()
                found[match[1]] = [w for w in CODE_WORD.findall(re.sub(r"\\\d", " ", target)) if w not in moved]
    return found


def compare_cell(cell: CellText, shown: str, known: Aliases) -> Iterator[tuple[int, str]]:
    """What of a cell a page does not show, or shows in excess."""
    lines = cell.text.split("\n")
    page_lines = "\n".join(line.rstrip() for line in shown.lstrip("\n").split("\n")).rstrip().split("\n")
    uses = alias_uses(cell.text, known)
    if not uses and not cell.rewritten:
        if lines != page_lines:
            missing = Counter(lines) - Counter(page_lines)
            for line in missing or Counter(page_lines) - Counter(lines) or {"": 1}:
                yield cell.line, f"cell differs in the line {line!r}"
        return
    have = Counter(line.strip() for line in page_lines)
    for line in exact_lines(lines, known):
        if line and not have[line]:
            yield cell.line, f"cell has lost the line {line!r}"
        have[line] -= 1
    wanted = Counter(CODE_WORD.findall(cell.text))
    for name, count in (uses - alias_uses(shown, known)).items():
        for _ in range(count):
            wanted.subtract(["d2l", name])
            wanted.update(known[name])
    there = Counter(CODE_WORD.findall(shown))
    for word, count in (wanted - there).items():
        yield cell.line, f"cell has lost {word!r}" + (f" {count} times" if count > 1 else "")
    for word, count in (there - wanted).items():
        yield cell.line, f"cell has {word!r} too often" + (f", {count} times" if count > 1 else "")


def alias_uses(code: str, known: Aliases) -> Counter[str]:
    """How often code uses each alias."""
    return Counter(name for name in re.findall(r"\bd2l\.(\w+)", code) if name in known)


def exact_lines(lines: Sequence[str], known: Aliases) -> Iterator[str]:
    """The lines that no alias can change: those outside of a call of one."""
    depth = 0
    for line in lines:
        touched = depth > 0 or any(alias_uses(line, known).values())
        if touched:
            depth = max(0, depth + sum(map(line.count, "([{")) - sum(map(line.count, ")]}")))
        else:
            yield line.strip()


# -- the book


@dataclass(frozen=True)
class Settings:
    """What matters of a book's settings."""

    tabs: tuple[str, ...]
    untagged_is_all: bool
    aliases: dict[str, Aliases]


def read_settings(book: Path) -> Settings:
    """The frameworks of a book, and how their aliases are shown."""
    config = configparser.ConfigParser(interpolation=None, strict=False)
    config.read_string((book / "config.ini").read_text(encoding="utf-8-sig"))
    tabs = tuple(names(config.get("build", "tabs", fallback=""))) or ("default",)
    everyone = config.get("build", "untagged", fallback="default").strip() == "all"
    return Settings(tabs, everyone, {tab: aliases(config, tab) for tab in tabs})


def source_folder(book: Path) -> Path:
    """Where the pages are."""
    config = configparser.ConfigParser(interpolation=None, strict=False)
    config.read_string((book / "config.ini").read_text(encoding="utf-8-sig"))
    return book / config.get("build", "source_dir", fallback=".").strip()


class SourcePage:
    """A page of the source."""

    def __init__(self, root: Path, page: str, settings: Settings) -> None:
        self.page = page
        text = (root / f"{page}.md").read_text(encoding="utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        self.blocks = blocks(text, settings)
        readers = {"prose": read_prose, "rst": partial(read_rst, root=root)}
        self.readings = {id(block): readers[block.kind](block) for block in self.blocks if block.kind in readers}
        self.bibliographies = [
            posixpath.normpath(posixpath.join(posixpath.dirname(page), name.strip()))
            for block in self.blocks
            for name in re.findall(
                r"^:bibliography:\s*`+([^`]+)`", block.text if block.kind == "prose" else "", re.MULTILINE
            )
        ]
        told = [block.tabs for block in self.blocks if block.tabs is not None and not header(block)]
        only = frozenset().union(*told) if any(b.kind == "cell" and not header(b) for b in self.blocks) else frozenset()
        self.tabs = tuple(tab for tab in settings.tabs if not only or tab in only)
        self.toc = [
            posixpath.normpath(posixpath.join(posixpath.dirname(page), entry.strip().removesuffix(".md")))
            for block in self.blocks
            if block.kind == "toc"
            for entry in block.text.split("\n")
            if entry.strip() and not entry.strip().startswith(":")
        ]

    def labels(self) -> Iterator[Named]:
        for reading in self.readings.values():
            yield from reading.labels

    def shown_to(self, tab: str) -> list[Block]:
        return [block for block in self.blocks if block.tabs is None or tab in block.tabs]


def header(block: Block) -> bool:
    """Whether a cell is the old tool's own."""
    return block.kind == "cell" and "%load_ext d2lbook.tab" in block.text


BIB_TITLE = re.compile(r"\btitle\s*=\s*(\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|\"[^\"]*\")", re.IGNORECASE)
BIB_YEAR = re.compile(r"\byear\s*=\s*[{\"]?\s*(\d+)", re.IGNORECASE)


def read_bibliography(files: Iterable[Path]) -> dict[str, tuple[str, str]]:
    """The title, in plain words, and the year of every entry, by its key."""
    found: dict[str, tuple[str, str]] = {}
    for file in files:
        for entry in re.split(r"^\s*@", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            key, title, year = (
                re.match(r"\w+\s*\{\s*([^,\s]+)\s*,", entry),
                BIB_TITLE.search(entry),
                BIB_YEAR.search(entry),
            )
            if key:
                words = re.sub(r"\\[a-zA-Z]+\s*|\\.|[{}\"$]", "", title[1] if title else "")
                found[key[1]] = plain(words), year[1] if year else ""
    return found
