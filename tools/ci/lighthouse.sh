#!/usr/bin/env bash
# Lighthouse's marks of a page: 100 for accessibility, best practices and search optimisation, 95 or more for performance.
#
#   tools/ci/lighthouse.sh SITE [PAGE.html]
#
# Needs Node and Lighthouse, which is no part of octavo: `npm install lighthouse@12.8.2` somewhere, and LIGHTHOUSE is the
# program (node_modules/.bin/lighthouse there). The page is the heaviest of the site if none is named.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-$here/../../.venv/bin/python}
program=${LIGHTHOUSE:-lighthouse}
site=$1
page=${2:-$("$python" -c "import sys; sys.path.insert(0, '$here/../bench'); from weight import heaviest; \
from pathlib import Path; print(heaviest(Path(sys.argv[1])))" "$site")}
CHROME_PATH=${CHROME_PATH:-$(command -v chromium || command -v google-chrome)}
export CHROME_PATH
report=$(mktemp)
trap 'rm -f -- "$report"' EXIT
"$python" "$here/loopback.py" "$site" -- "$program" "{}$page" --quiet --output=json --output-path="$report" \
    --chrome-flags="--headless=new --no-sandbox" --only-categories=performance,accessibility,best-practices,seo
"$python" - "$report" "$page" <<'PROGRAM'
import json
import sys
from pathlib import Path

found = json.loads(Path(sys.argv[1]).read_text())
least = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 100}
marks = {name: round(found["categories"][name]["score"] * 100) for name in least}
print(sys.argv[2], " ".join(f"{name} {mark}" for name, mark in marks.items()))
for name in ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift"):
    print(f"  {found['audits'][name]['title']}: {found['audits'][name]['displayValue']}")
for category in found["categories"].values():
    for reference in category["auditRefs"]:
        audit = found["audits"][reference["id"]]
        if audit["score"] is not None and audit["score"] < 1 and reference["weight"]:
            print(f"  {category['title']}: {audit['title']}")
            for item in audit.get("details", {}).get("items", [])[:3]:
                print("    ", json.dumps(item)[:300])
sys.exit(any(marks[name] < least[name] for name in least))
PROGRAM
