#!/bin/sh
# Make .venv from a lock file, with the first Python >= 3.11 found (or the one in $PYTHON).
set -eu
lock=$1

usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
        if usable "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    echo "No Python 3.11 or newer with the 'venv' module was found. Install one" >&2
    echo "(Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python)," >&2
    echo "or name yours: make demo PYTHON=/path/to/python3" >&2
    return 1
}

pip() {
    .venv/bin/python -m pip --disable-pip-version-check -qq "$@"
}

# An environment is kept while its lock, its folder and its Python are the same.
if [ "$(cat .venv/.place 2>/dev/null)" != "$PWD" ] || ! usable .venv/bin/python; then
    python=$(find_python)
    echo "Making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
    printf '%s' "$PWD" >.venv/.place
fi
if ! cmp -s "$lock" ".venv/.$lock"; then
    echo "Installing the packages of $lock (once; a minute or two)"
    pip install --require-hashes -r "$lock"
    cp "$lock" ".venv/.$lock"
fi
pip install --no-deps --no-build-isolation --editable .
