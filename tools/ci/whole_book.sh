#!/usr/bin/env bash
# The whole book from nothing: cloned, every page executed for real in every framework with an empty store, the results
# compared with the committed ones, then every product built and judged by what does not import octavo.
# whole_book.sh [FOLDER]: where the clone and all that is built stay, to be looked at. Takes about half an hour on two cores
# beside what the frameworks' environments take to install, the first time; ENVIRONMENTS=FOLDER takes them from there.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
work=${1:-$(mktemp -d)}
[ $# -ge 1 ] || trap 'rm -rf -- "$work"' EXIT
mkdir -p "$work"
git clone --quiet "$source" "$work/book"
cd "$work/book"
export OCTAVO_CACHE=$work/cache
if [ -n "${ENVIRONMENTS:-}" ]; then
    mkdir -p "$OCTAVO_CACHE"
    ln -s "$ENVIRONMENTS" "$OCTAVO_CACHE/environments"
fi
tabs=(pytorch tensorflow jax mxnet)

echo "-- octavo and the frameworks"
make check .venv/.test # the judges of PDFs want what tests want
.venv/bin/octavo env make

echo "-- every page, in every framework, from an empty store"
mv outputs "$work/committed" # so that what is compared was made here
start=$SECONDS
.venv/bin/octavo run --report "$work/report.json"
echo "executed in $((SECONDS - start)) s"
python3 tools/ci/slowest.py "$work/report.json"
failed=0
for page in $(cd "$work/committed" && find . -name pytorch.json -printf '%h\n' | sed 's|^\./||' | sort); do
    python3 tools/ci/compare_outputs.py "$work/committed" outputs "$page" || failed=1
done
test $failed = 0

echo "-- every product"
built() {
    make "$@" 2>&1 | tee "$work/make-$1.log"
    if grep -nE 'warning\[|error\[' "$work/make-$1.log"; then
        echo "make $1 has something to say" >&2
        exit 1
    fi
}
for product in html pdfs epub bundle hosted slides lib; do
    start=$SECONDS
    built "$product"
    echo "make $product: $((SECONDS - start)) s"
done
python3 tools/ci/check_site.py . _build/html
python3 tools/ci/check_words.py . _build/html
for tab in "${tabs[@]}"; do
    .venv/bin/python tools/ci/check_pdf.py "_build/pdf/short-dive-$tab.pdf" --site _build/html --tab "$tab"
    .venv/bin/python tools/ci/check_epub.py "_build/epub/short-dive-$tab.epub" --site _build/html --tab "$tab"
done
for folder in _build/{colab,sagemaker,kaggle,binder}/*/; do
    .venv/bin/python tools/ci/check_notebooks.py "$folder"
done
