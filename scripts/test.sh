#!/usr/bin/env bash
# Installs what the tests need and runs them all in two processes, file by file; arguments go to
# pytest, and paths among them start at the project's folder. What every run of pytest gets is set
# in setup.cfg (addopts).
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

# The tests of the pages need a browser; without one they are skipped and say so.
install_browser() {
    local name as_root=()
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        if command -v "$name" >/dev/null; then
            return
        fi
    done
    if ! command -v apt-get >/dev/null; then
        echo "No Chromium found: the tests of the pages will be skipped."
        return
    fi
    if ((EUID != 0)); then
        as_root=(sudo -n)
    fi
    if ! "${as_root[@]}" true 2>/dev/null; then
        echo "No Chromium found: the tests of the pages will be skipped." \
            "To run them: sudo apt-get install chromium"
        return
    fi
    echo "Installing Chromium for the tests of the pages (apt-get install chromium)."
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes \
        --no-install-recommends chromium >/dev/null 2>&1 ||
        echo "apt-get could not install it: the tests of the pages will be skipped."
}

scripts/install.sh
install_browser
exec venv/bin/python -m pytest --numprocesses 2 --dist loadfile "$@"
