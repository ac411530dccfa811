"""``config.ini`` → one validated, frozen :class:`Settings`.

==========================  ==========================================================================================
``keys``                    every key, declared once with its default and a line of help
``settings``                what the file says, checked
``values``                  single values: read, checked, reported
``site``, ``libraries``     the keys of the website, and those of the library
``hosted``                  the keys of notebooks on other hosts
``stores``, ``globs``       where a shared store may stand; which files and pages a glob names
``reader``                  the file as a whole
==========================  ==========================================================================================
"""

from octavo.config.keys import FILE_NAME, KEYS, LIBRARY_KEYS, Key
from octavo.config.reader import load, place
from octavo.config.settings import Library, Settings, tab_title
from octavo.config.stores import store_problem

__all__ = [
    "FILE_NAME",
    "KEYS",
    "LIBRARY_KEYS",
    "Key",
    "Library",
    "Settings",
    "load",
    "place",
    "store_problem",
    "tab_title",
]
