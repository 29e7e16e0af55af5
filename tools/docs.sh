#!/usr/bin/env bash
# Make or reuse .venv, install lmk, and build the site of the documentation into site/. Arguments go
# to mkdocs: `bash tools/docs.sh serve` shows the site and builds it anew after every change.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/venv.sh
install_lmk docs
if [ "$#" -eq 0 ]; then set -- build --strict; fi
exec .venv/bin/python -m mkdocs "$@"
