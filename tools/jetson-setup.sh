#!/usr/bin/env bash
# Install lmk on a Jetson with JetPack 6, with the parts of JetPack: its Python 3.10, TensorRT
# and OpenCV with GStreamer. Neither torch nor an OpenCV of the package index is installed.
# Written from NVIDIA's documentation; not yet tested on a Jetson.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "error: $1" >&2
    exit 4
}

[ "$(uname -m)" = aarch64 ] || fail "this is no Jetson (expected aarch64, got $(uname -m))"
[ -f /etc/nv_tegra_release ] || fail "no /etc/nv_tegra_release: flash the board with JetPack 6"
grep -q "R36" /etc/nv_tegra_release || fail "expected JetPack 6 (L4T R36), got: $(head -n 1 /etc/nv_tegra_release)"

echo "installing python3-venv, TensorRT's and OpenCV's Python packages (asks for your password)"
sudo apt-get update
sudo apt-get install -y python3-venv python3-libnvinfer libopencv-python

# The system's packages stay visible, so that tensorrt and cv2 are those of JetPack.
[ -x .venv/bin/python ] || /usr/bin/python3 -m venv --system-site-packages .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check ".[jetson]"

.venv/bin/python - <<'PYTHON'
import cv2, tensorrt
built = cv2.getBuildInformation()
gstreamer = "YES" in next((line for line in built.splitlines() if "GStreamer" in line), "")
print(f"TensorRT {tensorrt.__version__}, OpenCV {cv2.__version__}, GStreamer {gstreamer}")
if not gstreamer:
    raise SystemExit("error: this OpenCV has no GStreamer: sudo apt install libopencv-python, and "
                     "pip uninstall opencv-python")
PYTHON
.venv/bin/lmk doctor || echo "see above for what is left to repair"
