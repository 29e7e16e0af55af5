#!/usr/bin/env bash
# Build the layers of ncnn that lmk's files have into a folder, for tests of tools/examples/board.
# Debian has libncnn-dev from 13 on. Needs g++, CMake, and Python with venv.
set -euo pipefail
version=20261020
folder=$(realpath -m "${1:?usage: tools/ncnn.sh FOLDER [PYTHON]}")
python=${2:-python3}
[ -e "$folder/lib/cmake/ncnn/ncnnConfig.cmake" ] && exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The source package takes the day on which it is built for its version, and pip refuses another.
mkdir "$work/day"
echo "import time; time.strftime = lambda *_: '$version'" >"$work/day/sitecustomize.py"
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check setuptools wheel
PYTHONPATH="$work/day" "$work/venv/bin/pip" download -q --disable-pip-version-check --no-deps \
    --no-build-isolation --no-binary ncnn -d "$work" "ncnn==1.0.$version"
tar -xzf "$work/ncnn-1.0.$version.tar.gz" -C "$work"
source="$work/ncnn-1.0.$version"
kept=" batchnorm binaryop cast concat convolution flatten gemm innerproduct input interp matmul memorydata
    noop packing padding pooling reduction relu reshape slice softmax split threshold "
without=()
for file in "$source"/src/layer/*.cpp; do
    layer=$(basename "$file" .cpp)
    [[ $kept =~ [[:space:]]$layer[[:space:]] ]] || without+=("-DWITH_LAYER_$layer=OFF")
done
for part in VULKAN RUNTIME_CPU AVX INT8 BF16 BUILD_TOOLS BUILD_EXAMPLES BUILD_BENCHMARK BUILD_TESTS PYTHON; do
    without+=("-DNCNN_$part=OFF")
done
cmake -S "$source" -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_LIBDIR=lib \
    -DCMAKE_INSTALL_PREFIX="$folder" -DCMAKE_CXX_FLAGS=-w --log-level=ERROR "${without[@]}" >/dev/null
cmake --build "$work/build" --parallel "$(nproc)" >/dev/null
cmake --install "$work/build" >/dev/null
