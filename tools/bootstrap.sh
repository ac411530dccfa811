#!/bin/sh
# Make the toolchain's own virtual environment: bootstrap.sh FOLDER REQUIREMENT.
# Only what a fresh Debian or Ubuntu has is used; every failure is one line that says what to do.
set -eu
folder=$1
requirement=$2

python=
for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "octavo needs Python 3.11 or newer: install it (sudo apt install python3) or name one: make PYTHON=/path/to/python3" >&2
    exit 1
fi

if [ ! -x "$folder/bin/python" ]; then
    echo "making the toolchain's environment in $folder (once, about half a minute)"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "Python's venv module is missing: sudo apt install python3-venv" >&2
        exit 1
    fi
    "$python" -m venv "$folder"
fi
log=$folder/install.log
if ! "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$requirement" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "installing octavo failed; the whole log is $log" >&2
    exit 1
fi
