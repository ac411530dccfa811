"""The settings of the d2lbook format that octavo does not read: named to the author, or left to a product."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Inherited:
    """One setting of the d2lbook format that octavo does not read."""

    section: str
    name: str
    default: str = ""
    """What d2lbook takes where a book leaves it out; a book that sets it to this is told nothing."""
    instead: str = ""
    """What the book's author can do instead, for a setting that pages, library or notebooks would show."""
    product: str = ""
    """The product that the setting is for. Until octavo makes it, nothing that it makes lacks anything."""


_SAVED = "mark the cells with #@save, and name their module in [library-TAB] lib_file"
_OF_A_FRAMEWORK = "write it into the section of a framework, such as [library-pytorch]"

INHERITED: tuple[Inherited, ...] = (
    Inherited("build", "rsts", instead="move the text into Markdown pages; a fence eval_rst takes it as it is"),
    Inherited(
        "build", "html_dir", instead="the website goes to html in [build] output_dir, or in the folder of --output"
    ),
    Inherited(
        "build",
        "sphinx_extensions",
        instead="pages know MyST's directives and Sphinx's own; scripts can be named in [html] include_js",
    ),
    Inherited("build", "origin_repo", product="translation"),
    *(Inherited("translation", name, product="translation") for name in ("origin_repo", "origin_lang", "translator")),
    Inherited("translation", "terminology", product="translation"),
    Inherited("library", "root_dir", instead=_SAVED),
    *(
        Inherited("library", name, instead=_OF_A_FRAMEWORK)
        for name in ("lib_file", "lib_name", "simple_alias", "fluent_alias", "alias", "reverse_alias", "args_alias")
    ),
    Inherited(
        "deploy",
        "google_analytics_tracking_id",
        instead="pages can report to GoatCounter or Plausible, without cookies: see [html] analytics",
    ),
    *(Inherited("deploy", name, product="deploy") for name in ("github_repo", "s3_bucket", "other_file_s3urls")),
)
"""Every setting of the d2lbook format that octavo does not read: named to the author, or left to its product."""
