#!/usr/bin/env bash
# Measure lmk on an NVIDIA GPU, in at most 3 minutes, without network, installation or rich:
#
#   bash tools/gpu-check.sh [FILE] [OPTIONS]
#
# FILE, by default gpu-check.json, gets the figures and the machine's record; it is rewritten after
# each row. OPTIONS are those of benchmarks/gpu.py. PYTHON chooses the interpreter, which needs
# torch, numpy, OpenCV, Pillow, safetensors and onnx; for --device cpu onnxruntime as well.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
exec timeout -k 5 180 "${PYTHON:-python3}" "$root/benchmarks/gpu.py" \
  -o "${1:-gpu-check.json}" "${@:2}"
