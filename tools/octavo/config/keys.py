"""Every key of ``config.ini``, declared once with its default and a line of help.

The check for unknown keys is made from these, and the manual's tables are held against them. The keys of the d2lbook
format keep their names and meanings; those that octavo does not read stand in :mod:`octavo.inherited`.
"""

from __future__ import annotations

from dataclasses import dataclass

from octavo.inherited import INHERITED, Inherited

FILE_NAME = "config.ini"


@dataclass(frozen=True, slots=True)
class Key:
    """One setting of ``config.ini``."""

    section: str
    name: str
    default: str
    help: str
    own: bool = False
    """Whether d2lbook does not know it: a value that does not fit it is an error, since no book came with it."""


KEYS: tuple[Key, ...] = (
    Key("project", "name", "book", "Short name of the book, used in file names."),
    Key("project", "title", "", "Title of the book."),
    Key("project", "author", "The contributors", "All authors' names."),
    Key("project", "copyright", "", "The copyright line."),
    Key("project", "release", "0.0.1", "Version of the book and of its library."),
    Key("project", "lang", "en", "Language of the text, such as ``en`` or ``zh``."),
    Key("build", "index", "index", "The root page, without extension."),
    Key("build", "notebooks", "**/*.md", "Globs of the pages whose cells are executed and harvested."),
    Key("build", "non-notebooks", "", "Globs of pages that are shown and neither executed nor harvested."),
    Key("build", "exclusions", "", "Globs and folders of Markdown files that are not part of the book."),
    Key("build", "dependencies", "", "Globs of files that every page depends on, relative to the source folder."),
    Key("build", "resources", "img/ d2l.bib", "Files and folders that pages read while they run."),
    Key("build", "source_dir", ".", "Folder of the book's source, relative to ``config.ini``."),
    Key("build", "output_dir", "_build", "Folder that products are written to."),
    Key("build", "tabs", "", "Frameworks of the book; the first is the default."),
    Key("build", "untagged", "default", "Frameworks of a cell without a mark: ``default`` or ``all``.", own=True),
    Key("build", "eval_notebook", "True", "Whether pages are executed at all."),
    Key("build", "warning_is_error", "False", "Whether a warning makes the build fail."),
    Key("build", "sphinx_configs", "", "Lines of Sphinx's ``conf.py``, of which those about LaTeX are read."),
    Key("execute", "timeout", "600", "Seconds that a cell may run.", own=True),
    Key("execute", "page_timeout", "0", "Seconds that a page may run; 0 means as long as its cells may.", own=True),
    Key("execute", "silence", "0", "Seconds that a running cell may print nothing; 0 means any.", own=True),
    Key("execute", "fork", "auto", "``auto`` or ``never``: kernels as copies of a process.", own=True),
    Key("execute", "jobs", "0", "Kernels at once; 0 means as many as there are cores.", own=True),
    Key(
        "execute", "environments", "environments", "Folder of the locks, one ``TAB.txt`` for each framework.", own=True
    ),
    Key("execute", "outputs", "outputs", "Folder of the committed results.", own=True),
    Key("execute", "store", "", "Folder or URL of a store that builds share.", own=True),
    Key("execute", "store_mode", "read-write", "``read-write``, ``read-only`` or ``quarantine``.", own=True),
    Key("execute", "files", "", "Globs of data files that every page depends on.", own=True),
    Key("execute", "variables", "", "Environment variables that every page depends on.", own=True),
    Key("html", "header_links", "", "Links in the header: ``title, address, icon`` in threes."),
    Key("html", "favicon", "", "File of the site's icon."),
    Key("html", "html_logo", "", "File of the site's logo."),
    Key("html", "include_css", "", "Style sheets added to every page."),
    Key("html", "include_js", "", "Scripts added to every page."),
    Key("html", "base_url", "", "Address at which the website is published.", own=True),
    Key("html", "description", "", "What the book is about, in one or two sentences.", own=True),
    Key("html", "image", "", "Picture of the book for other sites that mention a page.", own=True),
    Key("html", "announcement", "", "A line of Markdown at the top of every page.", own=True),
    Key("html", "versions", "", "Versions of the book: ``title, address``, one a line.", own=True),
    Key("html", "languages", "", "Languages of the book: ``title, address, code``, one a line.", own=True),
    Key("html", "analytics", "", "Where pages report that they were read: GoatCounter or Plausible.", own=True),
    Key("html", "api", "True", "Whether the website describes the library of each framework.", own=True),
    Key("front", "html", "", "File of own HTML for the front page.", own=True),
    Key("front", "line", "", "A sentence below the title of the front page.", own=True),
    Key("front", "picture", "", "Picture beside the title of the front page.", own=True),
    Key("front", "links", "", "Buttons of the front page: ``title, address, icon``, one a line.", own=True),
    Key("html", "repository", "", "Repository of the book's source: ``NAME/BOOK`` on GitHub, or an address.", own=True),
    Key("html", "branch", "main", "The branch that pages are shown and edited on.", own=True),
    Key("html", "path", "", "Folder of the book's source in its repository.", own=True),
    Key("html", "open_in", "", "Where a page's notebook can be run: ``title, address``, one a line.", own=True),
    Key("html", "pdf", "", "Address of the book as PDF.", own=True),
    Key("html", "epub", "", "Address of the book as EPUB.", own=True),
    Key("html", "discourse", "", "Address of a Discourse forum whose topics pages may show.", own=True),
    Key("html", "giscus", "", "``repository, its id, category, its id``: discussions that pages may show.", own=True),
    Key("colab", "github_repo", "", "``framework, repository`` lines: whose notebooks Colab opens."),
    Key("colab", "exclusions", "*.html **/index.html", "Pages that are not there, as globs of HTML files."),
    Key("colab", "libs", "", "``framework, module, requirement`` lines: what notebooks that import it install."),
    Key("colab", "libs_header", "", "The text above what is installed."),
    Key("colab", "gpu_pattern", "gpu", "Text in a notebook's code that asks for a graphics card."),
    Key("colab", "replace_svg_url", "", "``folder, address``: where drawings of that folder are."),
    Key("sagemaker", "github_repo", "", "``framework, repository`` lines: whose notebooks Studio Lab opens."),
    Key("sagemaker", "kernel", "conda_python3", "``framework, kernel`` lines: the kernel's name."),
    Key("sagemaker", "libs", "", "``framework, module, requirement`` lines: what notebooks that import it install."),
    Key("sagemaker", "libs_header", "", "The text above what is installed."),
    Key("kaggle", "github_repo", "", "``framework, repository`` lines: whose notebooks Kaggle opens.", own=True),
    Key("binder", "github_repo", "", "``framework, repository`` lines: whose notebooks Binder opens.", own=True),
    Key("hosted", "library", "auto", "Where hosted notebooks install the book's library from.", own=True),
    Key("hosted", "versions", "compatible", "``compatible`` or ``exact``: what is installed of the lock.", own=True),
    Key("slides", "top_left", "", "HTML in the upper left corner of each slide."),
    Key("slides", "top_right", "", "HTML in the upper right corner of each slide."),
    Key("slides", "github_repo", "", "``framework, repository`` lines: where decks are published."),
    Key("math", "macros", "", r"Commands for formulas, one a line: ``\norm[1] = \lVert #1 \rVert``.", own=True),
    Key("pdf", "bibfile", "d2l.bib", "The BibTeX file that citations are looked up in."),
    Key("pdf", "main_font", "", "The font of the text on paper."),
    Key("pdf", "sans_font", "", "The font of headings and captions on paper."),
    Key("pdf", "mono_font", "", "The font of code on paper."),
    Key("pdf", "latex_logo", "", "Picture on the title page."),
    Key("pdf", "latex_url", "", "Folder of files that stand beside the manuscript."),
    Key("pdf", "style", "", "The LaTeX style that is loaded last, without its ending."),
    Key("pdf", "post_latex", "", "Python program that reworks the manuscript."),
    Key("library", "harvest", "auto", "How modules are written: ``own``, ``compatible`` or ``auto``.", own=True),
    Key("library", "distribution", "", "What installers call the library; empty for its package's name.", own=True),
    Key("library", "version_file", "", "Module in which ``__version__`` is kept equal to the release."),
    Key("library", "version", "", "The release, where ``[project] release`` is not set."),
    Key("library", "save_patterns", "", "``module, framework`` lines: a ``lib_file`` for each framework."),
    Key("library", "save_filename", "", "The ``lib_file`` of the first framework."),
    Key("library", "save_mark", "@save", "The mark of saved cells. Only ``@save`` is read."),
)

LIBRARY_KEYS: tuple[Key, ...] = (
    Key("library-TAB", "lib_file", "", "The module that this framework's saved cells are written to."),
    Key("library-TAB", "lib_name", "", "The name by which the framework's module is called, such as ``torch``."),
    Key("library-TAB", "simple_alias", "", "``a, b -> c``: ``d2l.a`` is the framework's ``a``, ``d2l.b`` its ``c``."),
    Key(
        "library-TAB",
        "fluent_alias",
        "",
        "``a, b -> c``: ``d2l.a(x, …)`` is ``x.a(…)``, ``d2l.b(x, …)`` is ``x.c(…)``.",
    ),
    Key("library-TAB", "alias", "", "``name = expression`` lines: further aliases."),
    Key(
        "library-TAB", "reverse_alias", "", "``pattern -> replacement`` lines: how the aliases of ``alias`` are shown."
    ),
    Key("library-TAB", "args_alias", "", "``name(a, b) -> call`` lines: aliases that move arguments."),
)


def default_value(section: str, name: str) -> str:
    """The default of a declared key; empty for those of ``[library-TAB]``."""
    return default_of(section, name) or ""


def default_of(section: str, name: str) -> str | None:
    """What a key that is left out holds; ``None`` for one that nobody declares."""
    declared: tuple[Key | Inherited, ...] = (*KEYS, *INHERITED)
    return next((key.default for key in declared if (key.section, key.name) == (section, name)), None)
