#!/usr/bin/env bash
# Installs what the tests need and runs them all; arguments go to pytest, and paths among them
# start at the project's folder. What every run of pytest gets is set in setup.cfg (addopts).
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

scripts/install.sh
exec venv/bin/python -m pytest "$@"
