#!/usr/bin/env bash
# The quick tests with the lowest versions that octavo's pyproject.toml admits; `make test` runs with the highest.
# Kernels and browsers do not depend on them, and are left out.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
uv=$PWD/.venv/bin/uv
"$uv" venv --quiet --python .venv/bin/python "$work/lowest"
"$uv" pip install --quiet --python "$work/lowest/bin/python" --resolution lowest-direct --editable 'tools[test]'
"$work/lowest/bin/python" -m pytest -c tools/pyproject.toml --rootdir tools -q -n 3 \
    -m 'not slow and not browser and not kernels' tools/tests
