#!/usr/bin/env bash
# Make or reuse .venv, install lmk, and run every check. Arguments go to pytest; without any, the test
# files are shared out among two processes of one thread each.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/venv.sh
source tools/programs.sh
install_lmk dev
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
missing=$(missing_programs)
missing=${missing//$'\n'/ }
if [ -n "$missing" ]; then
    echo "missing: $missing (Node.js from 20 on); tests that need them are skipped;" \
        "Debian: apt-get install $missing" >&2
fi
if command -v npm >/dev/null; then
    npm ci --prefix tests/browser --ignore-scripts --no-audit --no-fund --loglevel=error
fi
if [ "$#" -eq 0 ]; then
    export OMP_NUM_THREADS=1 # two threads in each of two processes wait for one another on two cores
    set -- -n 2 --dist loadfile
fi
exec .venv/bin/python -m pytest "$@"
