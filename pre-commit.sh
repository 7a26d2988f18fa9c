#!/usr/bin/env bash
# Checks format, lint, types and the import layers; stops at the first that fails.
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

step() {
    local name=$1
    shift
    echo "$name: $*"
    "$@" || {
        echo "pre-commit.sh: the step '$name' failed." >&2
        exit 1
    }
}

scripts/install.sh
step Format venv/bin/ruff format --check .
step Lint venv/bin/ruff check .
step Types venv/bin/mypy --strict
step Layers venv/bin/python -m pytest -q tests/test_layers.py
