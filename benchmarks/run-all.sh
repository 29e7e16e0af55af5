#!/usr/bin/env bash
# Every benchmark of this machine into one folder of JSON files and charts, 20 minutes:
#
#   bash benchmarks/run-all.sh [FOLDER] [CALIBRATION_FOLDER]
#
# FOLDER is benchmarks/results/MACHINE without the first argument. With photographs of faces as the
# second, int8 is calibrated on them rather than on drawn foxes. Close all other programs before.
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
  # One that fails on this machine, for want of torch for instance, does not stop the others.
  "$python" "benchmarks/${name%%-*}.py" "$@" --json "$folder/$name.json" --plot "$folder/$name.svg" ||
    echo "$name did not run to its end; see above" >&2
}

run runtimes ${photographs[@]+"${photographs[@]}"}
run plain ${photographs[@]+"${photographs[@]}"}
run plain-busy --busy ${photographs[@]+"${photographs[@]}"}
run folded
run scaling
run categories
run training
run video

"$python" -m lmk.bench.validate "$folder"/*.json
