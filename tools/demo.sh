#!/usr/bin/env bash
# Make .venv, install lmk, and run the demo. Arguments go to `lmk demo`.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/venv.sh
install_lmk demo
exec .venv/bin/lmk demo "$@"
