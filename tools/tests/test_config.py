"""Settings as authors write them, slips included."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from octavo.config import KEYS, LIBRARY_KEYS, Settings, load, place, store_problem
from octavo.diagnostics import Code, Diagnostic, Severity, format_diagnostic
from octavo.inherited import INHERITED, Inherited
from octavo.model import Span


def told(folder: Path, text: str) -> list[str]:
    (folder / "config.ini").write_text(text, encoding="utf-8")
    return [f"{m.span.line if m.span else 0} {m.message}" for m in load(folder)[1]]


def loaded(folder: Path, text: str) -> Settings:
    assert told(folder, text) == []
    settings = load(folder)[0]
    assert settings is not None
    return settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[execute]\njobs = inf\n", "2 'inf' is no number"),
        ("[execute]\ntimeout = nan\n", "2 'nan' is no number"),
        ("[execute]\ntimeout = 0\n", "2 0 is too small"),
        ("[build]\ntabs = all\n", "2 'all' means every framework, so none can be called so"),
        ("[build]\nwarning_is_error = maybe\n", "2 'maybe' is neither True nor False"),
        ("[execute]\noutputs = .\n", "2 '.' holds the book itself"),
        ("[build]\noutput_dir =\n", "2 '' holds the book itself"),
        ("[build]\noutput_dir = outputs\n", "1 'outputs' lies in [build] output_dir, which `octavo clean` removes"),
        ("[execute]\nfiles = /etc/*\n", "2 '/etc/*' leads out of the book"),
        ("[execute]\nfiles = a**b\n", "2 'a**b' is no glob"),
        ("[library]\nversion_file = index.md\n", "2 'index.md' is no module"),
        (
            "[build]\ntabs = a\n[library-a]\nlib_file = d2l/my-a.py\n",
            "4 lib_file = 'd2l/my-a.py' is no module inside of",
        ),
        (
            "[build]\ntabs = a, b\n[library-a]\nlib_file = d2l/x.py\n[library-b]\nlib_file = ./d2l/x.py\n",
            "6 d2l/x.py is the module of [library-a] already",
        ),
        ("[project]\ntitle = a\u2028b\x0cc\n[build]\nuntagged = x\n", "4 'x' is none of default, all"),
        ("[build]\nexclusions = a\n  [execute]\nuntagged = x\n", "4 'x' is none of default, all"),
        ("tabs = a\n", "1 File contains no section headers."),
        ("[html]\nbase_url = https://[\n", "2 'https://[' is no address of the web"),
        ("[html]\npdf = https://a.org:x/{tab}\n", "2 'https://a.org:x/{tab}' is no address of the web"),
        ("[html]\nhtml_logo = static\n", "2 there is no file static in the book"),
        (f"[html]\nimage = {'a' * 5000}.png\n", "2 there is no file aaaa"),
        ("[html]\ninclude_js = https://[ static\n", "2 'https://[' is no address of the web"),
    ],
)
def test_a_value_that_does_not_fit_is_told_at_its_line(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static/a.js").touch()
    (message,) = told(tmp_path, text)
    assert message.startswith(expected)


def test_a_value_that_does_not_fit_leaves_the_default(tmp_path: Path) -> None:
    told(tmp_path, "[build]\nwarning_is_error = maybe\noutput_dir = .\n[execute]\njobs = nan\noutputs = ..\n")
    settings = load(tmp_path)[0]
    assert settings is not None
    values = (settings.warning_is_error, settings.output_dir, settings.jobs, settings.outputs)
    assert values == (False, "_build", 0, "outputs")


def written(folder: Path, text: str) -> tuple[Settings, list[Diagnostic]]:
    (folder / "config.ini").write_text(text, encoding="utf-8")
    settings, messages = load(folder)
    assert settings is not None
    return settings, list(messages)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("/shared/octavo", ""),
        ("~/octavo", ""),
        ("/odd [name]/x", ""),
        ("file:///shared/octavo", ""),
        ("s3://bucket/some/prefix", ""),
        ("gs://bucket", ""),
        ("sftp://me@host:22/folder", ""),
        ("octavo", "neither the absolute path of a folder nor a URL"),
        ("../octavo", "neither the absolute path of a folder nor a URL"),
        ("/shared/../octavo", "has .. in it"),
        ("s3://bucket/../other", "has .. in it"),
        ("s3://bucket/%2E%2e/other", "has .. in it"),
        ("s3://AKIA:hush@bucket/x", "has credentials in it"),
        ("s3://AKIA:hu/sh@bucket/x", "has credentials in it"),
        ("https://token@host/x", "has credentials in it"),
        ("sftp://me:hush@host/x", "has credentials in it"),
        ("gs://bucket/x?token=hush", "has a query"),
        ("s3://bucket/*", "such as those of globs"),
        ("s3://bucket/{a,b}", "such as those of globs"),
        ("simplecache::s3://bucket", "no URL of one place"),
        ("s3://", "does not say where"),
        ("s3:///bucket", "does not say where"),
        ("file://folder", "does not say where"),
        ("s3://bucket/\x07", "characters that no address has"),
    ],
)
def test_addresses_of_shared_stores(tmp_path: Path, address: str, told: str) -> None:
    assert store_problem(address).endswith(told) if not told else told in store_problem(address)
    assert "hush" not in store_problem(address)
    if "\x07" not in address:
        settings, messages = written(tmp_path, f"[execute]\nstore = {address.replace('%', '%%')}\n")
        assert settings.store == ("" if told else address)
        assert [message.code for message in messages] == [Code.CONFIG_VALUE] * bool(told)
        assert all("hush" not in format_diagnostic(message, lambda path, line: address) for message in messages)


def test_a_mode_that_nobody_knows_lets_nothing_be_written(tmp_path: Path) -> None:
    settings, messages = written(tmp_path, "[execute]\nstore = /x\nstore_mode = quarantin\n")
    assert settings.store_mode == "read-only"
    assert [message.code for message in messages] == [Code.CONFIG_VALUE]


@pytest.mark.parametrize(
    ("glob", "page", "matches"),
    [
        ("*.md", "a", True),
        ("*.md", "x/a", False),
        ("**/a.md", "a", True),
        ("**/a.md", "x/y/a", True),
        ("chapter_[a-c]*/?.md", "chapter_b1/x", True),
        ("[!ab].md", "a", False),
        ("[!ab].md", "c", True),
        ("x[!y]a.md", "x/a", False),
        ("[z-a].md", "z", False),
        ("[a\\].md", "\\", True),
        ("[].md", "[]", True),
        ("a+(b).md", "a+(b)", True),
    ],
)
def test_globs(tmp_path: Path, glob: str, page: str, matches: bool) -> None:
    assert loaded(tmp_path, f"[build]\nexclusions = {glob}\n").is_excluded(page) is matches


# -- the keys of d2lbook

OLD_KEYS = {
    "project": {
        "name": "atlas",
        "title": "An Atlas",
        "author": "A. Nonymous",
        "copyright": "nobody",
        "release": "2.1",
        "lang": "ja",
    },
    "translation": {"origin_repo": "x/y", "origin_lang": "en", "translator": "aws", "terminology": "words.csv"},
    "build": {
        "index": "start",
        "notebooks": "maps/*.md",
        "rsts": "api/*.rst",
        "non-notebooks": "list.md",
        "exclusions": "drafts",
        "dependencies": "data.csv",
        "resources": "data/",
        "eval_notebook": "False",
        "source_dir": "maps",
        "output_dir": "out",
        "warning_is_error": "True",
        "sphinx_extensions": "sphinx.ext.todo",
        "sphinx_configs": "latex_elements = {'pointsize': '11pt'}",
        "tabs": "pytorch, jax",
        "origin_repo": "x/y",
        "html_dir": "docs",
    },
    "html": {
        "header_links": "Code, https://example.org, fab fa-github",
        "favicon": "look/icon.png",
        "html_logo": "look/icon.png",
        "include_css": "look/*.css",
        "include_js": "look/own.js",
    },
    "pdf": {
        "main_font": "Serif",
        "sans_font": "Sans",
        "mono_font": "Mono",
        "post_latex": "post.py",
        "latex_logo": "look/icon.png",
        "bibfile": "more.bib",
        "latex_url": "https://example.org/style.zip",
        "style": "cambridge",
    },
    "library": {
        "save_filename": "kit/all.py",
        "save_mark": "@keep",
        "save_patterns": "kit/all.py, default",
        "version": "0.9",
        "version_file": "kit/__init__.py",
        "root_dir": "kit",
    },
    "deploy": {
        "google_analytics_tracking_id": "UA-0",
        "github_repo": "x/y",
        "s3_bucket": "s3://x",
        "other_file_s3urls": "s3://y",
    },
    "colab": {
        "github_repo": "x/y",
        "exclusions": "a.html",
        "libs": "numpy, numpy",
        "libs_header": "Install first.",
        "gpu_pattern": "cuda",
        "replace_svg_url": "img, https://example.org",
    },
    "sagemaker": {"github_repo": "x/y", "kernel": "py", "libs": "numpy, numpy", "libs_header": "Install first."},
    "slides": {"top_left": "a", "top_right": "b", "github_repo": "x/y"},
}
"""Every key that d2lbook's defaults or its code name, with a value that is not the default."""

COMPANIONS = {
    ("library", "save_mark"): "save_filename = kit/all.py\n",
    ("colab", "exclusions"): "github_repo = x/y\n",
}
"""What has to be set beside a key so that it means anything."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that ``OLD_KEYS`` names."""
    for name in ("look/icon.png", "look/own.js", "look/a.css", "look/b.css", "data.csv", "more.bib", "post.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("section", "name"), [(section, name) for section in OLD_KEYS for name in OLD_KEYS[section]])
def test_every_key_of_d2lbook_is_honoured_or_named(folder: Path, section: str, name: str) -> None:
    """A key changes the settings, or is told with what to do instead, or is for a product that does not exist."""
    head = f"[{section}]\n{COMPANIONS.get((section, name), '')}"
    told(folder, head)
    before = load(folder)[0]
    (folder / "config.ini").write_text(f"{head}{name} = {OLD_KEYS[section][name]}\n", encoding="utf-8")
    after, messages = load(folder)
    (old,) = [key for key in INHERITED if (key.section, key.name) == (section, name)] or [None]
    if old is None:
        assert after != before
        expected = [Code.CONFIG_VALUE] if name == "save_mark" else []  # this value cannot be honoured
        assert [message.code for message in messages] == expected
        return
    assert after == before
    assert bool(old.instead) != bool(old.product)
    assert old.product not in ("html", "lib", "notebooks")
    if old.instead:
        (message,) = messages
        place = message.span and message.span.line
        assert (message.code, message.severity, place) == (Code.CONFIG_INHERITED, Severity.WARNING, 2)
        assert (message.hint, name in message.message) == (old.instead, True)
    else:
        assert messages == ()


@pytest.mark.parametrize("key", INHERITED, ids=lambda key: f"{key.section}.{key.name}")
def test_an_old_key_with_its_old_default_is_no_news(tmp_path: Path, key: Inherited) -> None:
    assert told(tmp_path, f"[{key.section}]\n{key.name} = {key.default}\n") == []


def test_a_bad_value_of_an_old_key_is_a_warning_and_leaves_the_default(tmp_path: Path) -> None:
    text = """\
        [build]
        source_dir = /elsewhere
        resources = ../data img/
        eval_notebook = sometimes
        dependencies = nowhere.csv
        [html]
        favicon = look/none.png
        header_links = Alone
                       Two, https://example.org
                       Three, https://example.org/3, fas fa-book,
        [library]
        save_patterns = kit/all.py, nobody
        """
    (tmp_path / "config.ini").write_text(dedent(text), encoding="utf-8")
    settings, messages = load(tmp_path)
    assert settings is not None
    assert {message.severity for message in messages} == {Severity.WARNING}
    assert sorted(message.span.line for message in messages if message.span) == [2, 3, 4, 5, 7, 8, 12]
    assert (settings.source_dir, settings.resources, settings.eval_notebook) == (".", ("img/",), True)
    assert (settings.files, settings.favicon, settings.libraries) == ((), "", {})
    assert [(link.title, link.icon) for link in settings.header_links] == [("Two", ""), ("Three", "fas fa-book")]


def test_a_bad_value_of_a_new_key_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text("[execute]\njobs = many\n[build]\nuntagged = some\n", encoding="utf-8")
    assert [message.severity for message in load(tmp_path)[1]] == [Severity.ERROR, Severity.ERROR]


def test_a_slip_in_a_name_is_told_with_the_right_one(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text("[build]\ndependences = a\n[slide]\ntop_left = x\n", encoding="utf-8")
    told = [(message.code, message.message, message.hint) for message in load(tmp_path)[1]]
    assert told == [
        (Code.CONFIG_UNKNOWN, "nothing reads [build] dependences", "did you mean dependencies?"),
        (Code.CONFIG_UNKNOWN, "nothing reads the section [slide]", "did you mean slides?"),
    ]


# -- what old keys mean


def test_a_book_of_the_old_format(folder: Path) -> None:
    text = """\
        [project]
        name = atlas
        author = The Cartographers
        release = 3.2.0

        [build]
        notebooks = *.md */*.md
        non-notebooks = credits.md
        exclusions = README.md drafts/
        resources = img/ kit/ look/*.css
        tabs = PyTorch, MXNet

        [html]
        # title, address, icon
        header_links = ###_OTHER_###, ###_OTHER_ADDRESS_###, fas fa-book,
                       Print, ###_THIS_###/atlas.pdf, fas fa-file-pdf,
                       Screen, ###_THIS_###/atlas.epub, fas fa-file,
                       Code, https://example.org/code, fab fa-github
        favicon = look/icon.png

        [pdf]
        main_font = Serif
        bibfile = more.bib

        [library]
        version_file = kit/__init__.py

        [library-pytorch]
        lib_file = kit/torch.py
        lib_name = torch

        [deploy]
        google_analytics_tracking_id = UA-0
        s3_bucket = s3://atlas

        [colab]
        gpu_pattern = gpu
        """
    (folder / "index.md").write_text("\nThe *Atlas* of Maps\n===\n", encoding="utf-8")
    (folder / "config.ini").write_text(dedent(text), encoding="utf-8")
    settings, messages = load(folder)
    assert settings is not None
    assert [(m.code, m.span and m.span.line) for m in messages] == [
        (Code.CONFIG_INHERITED, 33),
        (Code.CONFIG_PLACEHOLDER, 15),
        (Code.CONFIG_PLACEHOLDER, 16),
        (Code.CONFIG_PLACEHOLDER, 17),
    ]
    assert (settings.title, settings.tabs, settings.bibfile) == ("The Atlas of Maps", ("pytorch", "mxnet"), "more.bib")
    assert [link.title for link in settings.header_links] == ["Code"]
    assert settings.resource_paths() == ("img/", "kit/", "look/a.css", "look/b.css")
    assert [settings.is_notebook(page) for page in ("a", "x/a", "x/y/a", "credits", "drafts/a")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert [settings.is_excluded(page) for page in ("README", "drafts/x/a", "drafts2/a")] == [True, True, False]
    assert {tab: library.file for tab, library in settings.libraries.items()} == {"pytorch": "kit/torch.py"}


def test_pages_of_every_depth_are_notebooks_by_default(tmp_path: Path) -> None:
    assert loaded(tmp_path, "[project]\nname = x\n").is_notebook("part/chapter/page")


def test_a_book_without_frameworks_names_its_module_in_the_old_way(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "[library]\nsave_filename = ./kit/all.py\nsave_mark = #@save\n")
    assert [(library.tab, library.file) for library in settings.libraries.values()] == [("default", "kit/all.py")]


def test_old_modules_of_several_frameworks_give_way_to_their_sections(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        "[build]\ntabs = pytorch, jax\n[library]\nsave_patterns = kit/t.py, pytorch\n    kit/j.py, jax\n"
        "[library-jax]\nlib_file = kit/jax.py\n",
    )
    assert {tab: library.file for tab, library in settings.libraries.items()} == {
        "pytorch": "kit/t.py",
        "jax": "kit/jax.py",
    }


def test_dependencies_are_files_from_the_source_folder(tmp_path: Path) -> None:
    (tmp_path / "src/data").mkdir(parents=True)
    (tmp_path / "src/data/a.csv").write_text("1")
    settings = loaded(tmp_path, "[build]\nsource_dir = src\ndependencies = data data/*.csv\n")
    assert settings.files == ("src/data/**/*", "src/data/*.csv")


def test_files_of_the_site_may_lie_in_the_source_folder(tmp_path: Path) -> None:
    (tmp_path / "src/look").mkdir(parents=True)
    for name in ("look/a.css", "look/b.css", "logo.png", "x.bib"):
        (tmp_path / "src" / name).write_text("")
    text = "[build]\nsource_dir = src\n[html]\nhtml_logo = logo.png\ninclude_css = look/*.css\n[pdf]\nbibfile = x.bib\n"
    settings = loaded(tmp_path, text)
    assert (settings.logo, settings.bibfile) == ("src/logo.png", "src/x.bib")
    assert settings.include_css == ("src/look/a.css", "src/look/b.css")


@pytest.mark.parametrize(
    ("links", "titles"),
    [
        ("A, /a, x, B, /b, x", "AB"),
        ("A, /a, x,\n  B, /b, x", "AB"),
        ("A, /a,\n  x,\n  B,\n  /b, x", "AB"),
        ("A, /a\n  B, /b\n  C, /c", "ABC"),
    ],
)
def test_links_stand_in_lines_or_in_threes(tmp_path: Path, links: str, titles: str) -> None:
    found = loaded(tmp_path, f"[html]\nheader_links = {links}\n").header_links
    assert [(link.title, link.address) for link in found] == [(title, f"/{title.lower()}") for title in titles]


def test_no_setting_reaches_out_of_the_book(tmp_path: Path) -> None:
    book = tmp_path / "book"
    book.mkdir()
    (tmp_path / "secret.css").write_text("")
    (book / "link.css").symlink_to(tmp_path / "secret.css")
    text = (
        "[html]\ninclude_css = ../secret.css ../* / link.css\nfavicon = ../secret.css\n[build]\nresources = ../* /etc\n"
    )
    assert len(told(book, text)) == 7
    settings = load(book)[0]
    assert settings is not None
    assert (settings.include_css, settings.favicon, settings.resource_paths()) == ((), "", ())


# -- values that a script was to fill in


@pytest.mark.parametrize(
    "value", ["###_VERSION_###", "{{ version }}", "1.0-${BUILD}", "@VERSION@", "__VERSION__", "<VERSION>", "%VERSION%"]
)
def test_a_placeholder_is_told_at_its_place_and_not_used(tmp_path: Path, value: str) -> None:
    text = f"[project]\nname = x\nrelease = {value}\n[library]\nversion_file = kit/__init__.py\n"
    (tmp_path / "config.ini").write_text(text, encoding="utf-8")
    settings, (message,) = load(tmp_path)
    assert settings is not None
    assert (message.code, message.severity) == (Code.CONFIG_PLACEHOLDER, Severity.WARNING)
    assert message.span == Span("config.ini", 3, 3, 11, len(value))
    assert (settings.release, settings.version_file) == ("0.0.1", "")


def test_what_looks_a_little_like_a_placeholder_is_a_value(tmp_path: Path) -> None:
    title = "C# ## 100% {braces} me@example.org <b> __init__ $x"
    assert loaded(tmp_path, f"[project]\ntitle = {title}\n").title == title


def test_a_list_loses_only_the_part_that_was_to_be_filled_in(tmp_path: Path) -> None:
    assert told(tmp_path, "[build]\nresources = img/\n    @DATA@\n    a.csv\n") == [
        "3 @DATA@ stands where a script was to write something; that part of resources is left out"
    ]
    settings = load(tmp_path)[0]
    assert settings is not None
    assert settings.resources == ("img/", "a.csv")


# -- values that refer to one another


def test_values_refer_to_one_another(tmp_path: Path) -> None:
    text = """\
        [DEFAULT]
        site = https://example.org
        [project]
        name = atlas
        title = %(NAME)s, 100%% of it
        copyright = 50% of %(title)s
        [html]
        header_links = Home, %(site)s/%%7Eatlas, x
        [build]
        output_dir = %(source_dir)s/out
        """
    settings = loaded(tmp_path, dedent(text))
    assert (settings.title, settings.copyright) == ("atlas, 100% of it", "50% of atlas, 100% of it")
    assert [link.address for link in settings.header_links] == ["https://example.org/%7Eatlas"]
    assert settings.output_dir == "./out"


def test_aliases_are_written_as_they_are_read(tmp_path: Path) -> None:
    text = "[library-default]\nlib_file = kit/all.py\nalias = show = lambda x: '%%s %d' % x\n"
    library = loaded(tmp_path, text).libraries["default"]
    assert library.alias == (("show", "lambda x: '%s %d' % x"),)
    assert dict(library.written)["alias"] == "show = lambda x: '%s %d' % x"


@pytest.mark.parametrize(
    ("text", "expected", "title"),
    [
        ("title = %(nothing)s", "3 %(nothing)s means a setting 'nothing', and there is none", "%(nothing)s"),
        ("title = %(title)s", "3 %(title)s leads back to where it stands, or too far", "%(title)s"),
        ("title = a\n    %(nothing)s", "4 %(nothing)s means a setting 'nothing', and there is none", "a\n%(nothing)s"),
        ("author = %(title)s\ntitle = %(author)s", "3 %(title)s leads back to where it stands, or too far", None),
    ],
)
def test_a_reference_that_leads_nowhere_is_told(tmp_path: Path, text: str, expected: str, title: str | None) -> None:
    assert expected in told(tmp_path, f"[project]\nname = x\n{text}\n")
    settings, messages = load(tmp_path)
    assert settings is not None
    assert {message.code for message in messages} == {Code.CONFIG_VALUE}
    assert title is None or settings.title == title


def test_references_cannot_fill_the_memory(tmp_path: Path) -> None:
    doubling = "".join(f"x{n} = %(x{n - 1})s%(x{n - 1})s%(x{n - 1})s%(x{n - 1})s\n" for n in range(1, 10))
    messages = told(tmp_path, f"[DEFAULT]\nx0 = 0123456789\n{doubling}[project]\nname = x\ntitle = %(x9)s\n")
    assert any("its references make more than" in message for message in messages)
    settings = load(tmp_path)[0]
    assert settings is not None
    assert len(settings.title) < 1_000_000


# -- no text is too odd

SECTIONS = st.sampled_from([*OLD_KEYS, "execute", "library-a", "library-default", "DEFAULT", "x", "", "]"])
NAMES = st.sampled_from([*(key.name for key in (*KEYS, *LIBRARY_KEYS)), "x", "%", "site", "rsts"])
PIECES = (
    *(
        "a",
        "b",
        "A",
        "é",
        " ",
        "\n  ",
        "\n",
        ",",
        "->",
        "=",
        ":",
        "(",
        ")",
        "[",
        "]",
        "#@save",
        "all",
        "True",
        "d/e.py",
    ),
    *("%", "%%", "%(name)s", "%(x)s", "%(", "/", "..", "**", "*", "./", "config.ini", "https://example.org"),
    *("nan", "-1", "1e999", "\\", "\r", "\x00", "\x85", "\u2028", "\ufeff", "x" * 300, "###_A_###", "{{", "}}"),
)
VALUES = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
LINES = st.one_of(
    SECTIONS.map("[{}]".format),
    st.tuples(NAMES, st.sampled_from([" = ", ":", "="]), VALUES).map("".join),
    VALUES,
    st.text(max_size=12),
)


@given(lines=st.lists(LINES, max_size=14))
@hypothesis_settings(max_examples=400, deadline=None)
def test_no_text_makes_the_reader_fail(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    folder = tmp_path_factory.getbasetemp() / "odd"
    folder.mkdir(exist_ok=True)
    text = "\n".join(lines)
    (folder / "config.ini").write_bytes(text.encode("utf-8", "surrogatepass"))
    settings, messages = load(folder)
    count = text.count("\n") + text.count("\r") + 1
    for message in messages:
        assert message.span is None or 1 <= message.span.line <= count
        assert format_diagnostic(message, lambda path, line: None)
    assert settings is not None or messages
    if settings is not None:
        assert settings.resource_paths() is not None
        assert settings.is_notebook("a/b") in (True, False)
        assert place(settings, "build", "tabs").line <= count


def test_macros_are_read_and_bad_ones_reported_at_their_line(tmp_path: Path) -> None:
    lines = [r"\RR = \mathbb{R}", r"\norm[1] = \lVert #1 \rVert", "oops", r"\a = \b", r"\b = \a", r"\RR = \mathcal{R}"]
    (tmp_path / "config.ini").write_text("[math]\nmacros =\n" + "".join(f"    {line}\n" for line in lines))
    settings, messages = load(tmp_path)
    assert settings is not None
    assert [(one.name, one.arguments, one.text) for one in settings.macros] == [
        ("RR", 0, r"\mathcal{R}"),
        ("norm", 1, r"\lVert #1 \rVert"),
    ]
    assert [(d.span.line, d.message) for d in messages if d.span is not None] == [
        (5, "oops is no macro"),
        (8, r"\RR is there twice; the last one holds"),
        (6, r"\a stands for something with \a in it"),
        (7, r"\b stands for something with \b in it"),
    ]
