"""Which pages took longest: slowest.py REPORT, of octavo run --report. Imports nothing of octavo.

For each framework how many pages were executed, the mean and the longest of their wall times in seconds, and then the
ten slowest. Pages that were executed side by side have shared the machine.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

runs = [run for run in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["runs"] if run["seconds"]]
for tab in dict.fromkeys(run["tab"] for run in runs):
    seconds = [run["seconds"] for run in runs if run["tab"] == tab]
    mean = sum(seconds) / len(seconds)
    print(f"{tab:12} {len(seconds):3} pages, mean {mean:5.1f} s, longest {max(seconds):5.1f} s")
for run in sorted(runs, key=lambda run: -run["seconds"])[:10]:
    print(f"{run['seconds']:8.1f} s  {run['page']} ({run['tab']})")
