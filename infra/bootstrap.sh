#!/bin/sh
# Makes a virtual environment and installs a lock file and this project into it. Called by the Makefile:
#     sh infra/bootstrap.sh VENV LOCK
# PYTHON names the interpreter for a new environment; unset: the first of those below that is new enough.
set -eu

venv=$1
lock=$2

fail() {
    printf 'paystream: %s\n' "$*" >&2
    exit 1
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        command -v "$PYTHON" >/dev/null 2>&1 || fail "PYTHON=$PYTHON cannot be run."
        new_enough "$PYTHON" || fail "PYTHON=$PYTHON is $("$PYTHON" --version 2>&1), but 3.11 or newer is needed."
        echo "$PYTHON"
        return
    fi
    for candidate in python3.11 python3.12 python3.13 python3.14 python3; do
        if command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    if command -v python3 >/dev/null 2>&1; then
        fail "Python 3.11 or newer is needed; found only $(python3 --version 2>&1). Install a newer one, or name it: PYTHON=/path/to/python3.11 make run"
    fi
    fail "Python 3.11 or newer is needed, and none was found. Install it (Debian, Ubuntu: apt install python3 python3-venv), or name it: PYTHON=/path/to/python3.11 make run"
}

works() {
    # one that was moved or copied here points to where it was; one without the file is the user's own
    { [ ! -e "$venv/.made-in" ] || [ "$(cat "$venv/.made-in")" = "$PWD" ]; } &&
        new_enough "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1
}

if [ -e "$venv" ] && ! works; then
    echo "The virtual environment in $venv does not work here; making a new one."
    rm -rf "$venv"
fi

if [ ! -e "$venv" ]; then
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python has no venv module. Debian, Ubuntu: apt install $(basename "$python")-venv"
    echo "Making a virtual environment in $venv with $("$python" --version 2>&1)"
    "$python" -m venv "$venv" || {
        rm -rf "$venv"
        fail "The virtual environment could not be made in $venv."
    }
fi

PIP_DISABLE_PIP_VERSION_CHECK=1
PIP_NO_INPUT=1
PIP_ROOT_USER_ACTION=ignore
export PIP_DISABLE_PIP_VERSION_CHECK PIP_NO_INPUT PIP_ROOT_USER_ACTION
unset PYTHONDONTWRITEBYTECODE || true # packages compiled now start faster later

echo "Installing $(grep -c '^[a-zA-Z0-9]' "$lock") packages of $lock (the first time takes a minute)"
"$venv/bin/python" -m pip install --quiet --require-hashes --requirement "$lock" ||
    fail "The packages could not be installed; pip says why above. Try again with: make install"
"$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable . ||
    fail "Paystream itself could not be installed; pip says why above."
pwd >"$venv/.made-in"
echo "Installed."
