#!/bin/sh
# Make the toolchain's own virtual environment: bootstrap.sh FOLDER REQUIREMENT.
# Only what a fresh Debian or Ubuntu has is used; every failure is one line that says what to do.
set -eu
folder=$1
requirement=$2

if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- python3 python3.14 python3.13 python3.12 python3.11
fi
python=
for candidate; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "octavo needs Python 3.11 or newer, and $1 is not: install it (sudo apt install python3) or name one: make PYTHON=/path/to/python3" >&2
    exit 1
fi

here=$(pwd -P)
if [ -e "$folder/.place" ] && [ "$(cat "$folder/.place")" != "$here" ]; then
    rm -rf "$folder" # made in a checkout that stood elsewhere: the paths in its scripts lead there
fi
if ! "$folder/bin/python" -m pip --version >/dev/null 2>&1; then # also: half made, or of a Python that is gone
    echo "making the toolchain's environment in $folder (once, about half a minute)"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "Python's venv module is missing: sudo apt install python3-venv" >&2
        exit 1
    fi
    rm -f "$folder"/bin/python*
    "$python" -m venv "$folder"
fi
echo "$here" >"$folder/.place"
log=$folder/install.log
if ! "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$requirement" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "installing octavo failed; the whole log is $log" >&2
    exit 1
fi
