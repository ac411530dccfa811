#!/usr/bin/env bash
# What a newcomer sees: clone, `make html` before any framework is installed, then one page executed for real in each
# framework with everything empty, and what it prints compared with the committed results.
# fresh_clone.sh [PAGE]: another page than the one that this commit's turn it is.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
git clone --quiet "$source" "$work/book"
cd "$work/book"
export OCTAVO_CACHE=$work/cache

echo "-- make html"
make html 2>&1 | tee "$work/html.log"
if grep -nE 'warning\[|error\[' "$work/html.log"; then
    echo "make html on a fresh clone has something to say" >&2
    exit 1
fi
if [ -d "$OCTAVO_CACHE/environments" ]; then
    echo "make html on a fresh clone made an environment: the committed results are not fresh" >&2
    exit 1
fi
python3 tools/ci/check_site.py . _build/html
python3 tools/ci/check_words.py . _build/html

# the tests build the book on paper in every framework; here it is one, for each commit another
tabs=(pytorch tensorflow jax mxnet)
tab=${tabs[16#$(git rev-parse HEAD | cut -c1-6) % 4]}
echo "-- make pdf epub TAB=$tab"
.venv/bin/octavo doctor # which fails where something is missing
make pdf epub TAB="$tab" 2>&1 | tee "$work/paper.log"
if grep -nE 'warning\[|error\[' "$work/paper.log"; then
    echo "make pdf epub on a fresh clone has something to say" >&2
    exit 1
fi
test "$(find _build/pdf _build/epub -name "short-dive-$tab.*" | wc -l)" = 2
test -z "$(git status --porcelain)" || { git status --short; echo "make html changed the checkout" >&2; exit 1; }

page=${1:-$(python3 tools/ci/turn.py . "$(git rev-parse HEAD)")}
echo "-- octavo run $page --rerun, in every framework, from nothing"
mv outputs "$work/committed" # so that what is compared was made here
.venv/bin/octavo run "$page" --rerun
python3 tools/ci/compare_outputs.py "$work/committed" outputs "$page"
