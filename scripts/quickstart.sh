#!/usr/bin/env bash
# Installs the project into venv/, runs the quick suite on the embedded model and prints its scores.
# Arguments go to benchmark-run (venv/bin/benchmark-run --help lists them); paths start at the
# project's folder.
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

# Where benchmark-run will put its results.
output=benchmark_output
suite=quickstart
previous=
for argument in "$@"; do
    case $previous in
    -o | --output-path) output=$argument ;;
    --suite) suite=$argument ;;
    esac
    case $argument in
    --output-path=*) output=${argument#*=} ;;
    --suite=*) suite=${argument#*=} ;;
    esac
    previous=$argument
done

scripts/install.sh
echo "Running the quick suite."
venv/bin/benchmark-run --output-path "$output" --suite "$suite" "$@"
venv/bin/benchmark-present --output-path "$output" --suite "$suite"

echo
echo "Result files: $output/runs/$suite/"
echo "To share the model with others over HTTP: venv/bin/proxy-server (http://localhost:1959)"
