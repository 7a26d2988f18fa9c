#!/usr/bin/env bash
# Makes venv/ with this project and all that its tests need, then fetches the embedded model.
# What is there already stays. PYTHON=/path/to/python chooses the interpreter (3.11 or newer).
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

readonly MIN_FREE_MB=1500
# Says "unfinished", or the folder and Python, then a hash of the STAMPED files.
readonly STAMP=venv/install_stamp
readonly STAMPED=(setup.cfg pyproject.toml requirements.txt)
readonly LOG=venv/install.log

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

# Prints the interpreter that the command $1 starts; fails when it is too old or missing.
# For the Python of a virtual environment it is the one below: venv/ may be remade.
interpreter() {
    "$1" -c 'import sys; sys.version_info < (3, 11) and sys.exit(1); print(sys._base_executable)' \
        2>/dev/null
}

minor_version() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'
}

find_python() {
    local command
    if [[ -n ${PYTHON:-} ]]; then
        interpreter "$PYTHON" || fail "PYTHON=$PYTHON does not start a Python 3.11 or newer."
        return
    fi
    for command in python3.13 python3.12 python3.11 python3; do
        if interpreter "$command"; then
            return
        fi
    done
    fail "found no Python 3.11 or newer: install one (Debian, Ubuntu: apt install python3" \
        "python3-venv) or name yours with PYTHON=/path/to/python."
}

# A venv/ made by hand, without a stamp, is kept and added to.
venv_is_usable() {
    local version
    venv/bin/python -c 'import pip' 2>/dev/null || return 1
    interpreter venv/bin/python >/dev/null || return 1
    version=$(minor_version venv/bin/python)
    [[ -z ${PYTHON:-} || $version == "$(minor_version "$PYTHON")" ]] || return 1
    [[ ! -e $STAMP || $(head -n 1 "$STAMP") == "$PWD $version" ]]
}

make_venv() {
    local python version free_mb
    python=$(find_python)
    version=$(minor_version "$python")
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python can't make virtual environments: install its venv module (Debian, Ubuntu:" \
            "apt install python3-venv, or python$version-venv when it is not the default Python)."
    free_mb=$("$python" -c 'import shutil; print(shutil.disk_usage(".").free // 10**6)')
    ((free_mb >= MIN_FREE_MB)) ||
        fail "$PWD has $free_mb MB of free disk, and the first install needs $MIN_FREE_MB MB."

    echo "Making venv/ with Python $version ($python)."
    rm -rf venv
    mkdir venv
    echo unfinished >"$STAMP"
    "$python" -m venv venv >"$LOG" 2>&1 || fail_with_log "Python could not make venv/"
}

install_project() {
    echo "Installing the project, its test tools and the embedded model's engine (1-3 minutes)."
    echo unfinished >"$STAMP"
    venv/bin/python -m pip install --no-input --no-compile --editable '.[dev,local]' \
        --constraint requirements.txt >"$LOG" 2>&1 ||
        fail_with_log "pip could not install the project"
    # All cores at once, where pip uses one; without it every command would compile for itself
    # wherever PYTHONDONTWRITEBYTECODE is set.
    venv/bin/python -m compileall -q -j 0 venv/lib src >>"$LOG" 2>&1 || true
    wanted_stamp >"$STAMP"
}

wanted_stamp() {
    echo "$PWD $(minor_version venv/bin/python)"
    cat -- "${STAMPED[@]}" | cksum
}

fail_with_log() {
    tail -n 15 "$LOG" >&2
    fail "$1; its last lines are above, all of them in $LOG."
}

# One install at a time: the lock is on this folder and ends with this script.
if command -v flock >/dev/null; then
    exec 9<.
    flock --nonblock 9 || {
        echo "Waiting for another install to end."
        flock 9
    }
fi

if [[ -n ${PYTHON:-} ]]; then
    PYTHON=$(find_python)
fi
venv_is_usable || make_venv
if [[ -e $STAMP && -e venv/bin/benchmark-run && $(cat "$STAMP") == "$(wanted_stamp)" ]]; then
    echo "venv/ is up to date."
else
    install_project
fi
scripts/fetch_model.sh
