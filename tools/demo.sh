#!/usr/bin/env bash
# Make .venv, install lmk, and run the demo. Arguments go to `lmk demo`; with --train, which also
# adapts a model, torch is installed too.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/venv.sh
extras=demo
for argument in "$@"; do
    if [ "$argument" = --train ]; then extras=demo,export; fi
done
install_lmk "$extras"
exec .venv/bin/lmk demo "$@"
