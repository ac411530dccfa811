"""What refers to labels, and the labels of a book as Sphinx knows them once all pages are read."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.environment import BuildEnvironment

from octavo.source import dialect


def labels_of(env: BuildEnvironment) -> dict[str, tuple[str, str]]:
    """Every label of the book → (page, anchor); equations included."""
    standard = env.domains.standard_domain
    labels = {name: (page, anchor) for name, (page, anchor) in standard.anonlabels.items() if page in env.all_docs}
    equations: dict[str, tuple[str, int]] = env.get_domain("math").data.get("objects", {})
    labels.update({name: (page, nodes.make_id(f"equation-{name}")) for name, (page, _) in equations.items()})
    return labels


def reference(name: str, text: str, page: str) -> addnodes.pending_xref:
    """What a reference role of the dialect stands for until the book is read: ``label``, or ``words <label>``."""
    words, label = dialect.titled(text)
    shown = words or text
    if words and name == "numref" and not re.search(r"%s|\{(?:number|name)\}", words):
        name = "ref"  # own words without a place for the number want no number
    equation = name == "eqref"
    return addnodes.pending_xref(
        "",
        nodes.inline(shown, shown, classes=["xref", "std", f"std-{name}"]),
        refdoc=page,
        refdomain="math" if equation else "std",
        reftype="eq" if equation else name,
        reftarget=label if equation else label.lower(),
        octavo_label=label,
        refexplicit=words is not None,
        refwarn=True,
    )


def api_reference(name: str, text: str, page: str) -> addnodes.pending_xref:
    """A link to the description of a class, function or module, if a page of the book has one."""
    target = text.removeprefix("~").removeprefix("!")
    shown = target.rpartition(".")[2] if text.startswith("~") else target
    return addnodes.pending_xref(
        "",
        nodes.literal(text, shown, classes=["xref", "py", f"py-{name}"]),
        refdoc=page,
        refdomain="py",
        reftype=name,
        reftarget=target.removesuffix("()"),
        refspecific=True,
        refexplicit=False,
        refwarn=False,
    )
