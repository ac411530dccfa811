"""``python -m octavo``."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # the folder one is in: a book may have a random.py of its own

from octavo.cli import main

main()
