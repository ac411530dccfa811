"""Run by each kernel before its first cell: what pages take for granted of their framework.

A kernel's environment holds nothing of octavo, so this imports nothing of it, and runs on the oldest Python of a lock.
"""


def _octavo_prepare() -> None:
    import os
    import re

    chosen = os.environ["OCTAVO_TAB"]
    mark = re.compile(r"(?:#[ \t]*@tab|%%tab)[ \t]+([\w, \t.-]+)")

    class Tab:
        """``tab.selected`` of the framework that is edited."""

        def selected(self, *names):  # type: ignore[no-untyped-def]
            return chosen in names

        def interact_select(self, *names):  # type: ignore[no-untyped-def]
            """Nothing: the framework was chosen when Jupyter was started."""

    def for_one_framework(lines):  # type: ignore[no-untyped-def]
        """A cell that says whose it is: run without that line, or not at all."""
        found = mark.match(lines[0]) if lines else None
        if found is None:
            if lines and lines[0].startswith("%load_ext d2lbook.tab"):
                return []
            return lines
        names = re.split(r"[,\s]+", found.group(1).strip())
        return ["\n", *lines[1:]] if chosen in names or "all" in names else []

    shell = get_ipython()  # type: ignore[name-defined]  # noqa: F821 - IPython's own
    shell.input_transformers_cleanup.append(for_one_framework)
    shell.user_ns["tab"] = Tab()


_octavo_prepare()
del _octavo_prepare
