#!/usr/bin/env bash
# Run all benchmarks on this machine; writes one folder of JSON files and charts. 20 minutes:
#
#   bash benchmarks/run-all.sh [FOLDER] [CALIBRATION_FOLDER]
#
# The default of FOLDER is benchmarks/results/MACHINE. With photographs of faces as the
# second, int8 is calibrated on them and not on drawn foxes. First close all other programs.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python}
folder=${1:-benchmarks/results/$("$python" -m lmk.bench.environment)}
photographs=(${2:+--calibration-data "$2"})
mkdir -p "$folder"

run() {  # NAME ARGUMENTS...: the script is the name up to a dash
  local name=$1
  shift
  echo "== $name"
  # A script that fails on this machine, for instance without torch, does not stop the others.
  "$python" "benchmarks/${name%%-*}.py" "$@" --json "$folder/$name.json" --plot "$folder/$name.svg" ||
    echo "$name failed; see above" >&2
}

run runtimes ${photographs[@]+"${photographs[@]}"}
run plain ${photographs[@]+"${photographs[@]}"}
run plain-busy --busy ${photographs[@]+"${photographs[@]}"}
run students ${photographs[@]+"${photographs[@]}"}
run folded
run scaling
run threads
run categories
run training
run video

"$python" -m lmk.bench.validate "$folder"/*.json
