#!/usr/bin/env bash
#
# A Ray cluster on the machines of a Slurm job, and benchmark-run on it:
#
#     sbatch --nodes 4 --gpus-per-node 8 scripts/slurm/ray_suite.sh -c my_runs.conf --suite release-7 -n 200
#
# What follows the script's name goes to benchmark-run. All machines need the same installation
# (VENV, default: ./venv) in a shared folder. The job ends when the suite does; a job that was cut
# off by its time limit, or lost a machine, goes on with the same command.
#
#SBATCH --job-name=lm-bench
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --signal=B:INT@60

set -euo pipefail

readonly VENV="${VENV:-$PWD/venv}"
readonly PORT="${RAY_PORT:-6379}"
readonly START_SECONDS=300

fail() {
    echo "ray_suite.sh: $1" >&2
    exit 1
}

[[ -n "${SLURM_JOB_NODELIST:-}" ]] || fail "start this with sbatch: it is to run in a Slurm job"
[[ -x "$VENV/bin/ray" ]] || fail "there is no $VENV/bin/ray: pip install 'lm-bench[ray]' into VENV=$VENV"

# Without a token, who reaches the head's port can run programs on all machines.
RAY_AUTH_TOKEN="$("$VENV/bin/python" -c 'import secrets; print(secrets.token_hex(32))')"
export RAY_AUTH_TOKEN RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head="${nodes[0]}"
pids=()

# shellcheck disable=SC2317  # called by the trap
stop() {
    kill "${pids[@]}" 2>/dev/null || true
    wait
}
trap stop EXIT

on() { # NODE RAY-START-FLAGS…
    local node="$1"
    shift
    srun --nodes=1 --ntasks=1 --overlap --nodelist="$node" "$VENV/bin/ray" start --block \
        --disable-usage-stats "$@" &
    pids+=("$!")
}

on "$head" --head --port="$PORT" --include-dashboard=false
for node in "${nodes[@]:1}"; do
    on "$node" --address="$head:$PORT"
done

echo "Waiting for Ray on ${#nodes[@]} machines."
"$VENV/bin/python" - "$head:$PORT" "${#nodes[@]}" "$START_SECONDS" <<'PYTHON' || fail "Ray did not start: see above"
import socket, sys, time
import ray

address, wanted, until = sys.argv[1], int(sys.argv[2]), time.monotonic() + float(sys.argv[3])
host, port = address.rsplit(":", 1)
while True:
    try:
        socket.create_connection((host, int(port)), 5).close()
        break
    except OSError as error:
        if time.monotonic() > until:
            sys.exit(f"nobody listens at {address}: {error}")
        time.sleep(1)
ray.init(address=address, log_to_driver=False, logging_level="error")
while (num := sum(node["Alive"] for node in ray.nodes())) < wanted:
    if time.monotonic() > until:
        sys.exit(f"{num} of {wanted} machines are there")
    time.sleep(1)
PYTHON

# In the background, so that bash takes Slurm's signal and hands it on.
"$VENV/bin/benchmark-run" --runner ray --ray-address "$head:$PORT" "$@" &
suite=$!
trap 'kill -INT "$suite"' INT TERM
code=0
wait "$suite" || code=$?
if kill -0 "$suite" 2>/dev/null; then # the signal ended the waiting only
    code=0
    wait "$suite" || code=$?
fi
exit "$code"
