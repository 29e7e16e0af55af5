# Sourced by the scripts beside it: makes or reuses .venv and installs lmk with the given extras.
# Set PYTHON to choose the interpreter for a new .venv.

install_lmk() {
    local python=""
    if [ ! -x .venv/bin/python ]; then
        for python in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
            if "$python" -c \
                'import sys, ensurepip; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' \
                2>/dev/null; then
                break
            fi
            python=""
        done
        if [ -z "$python" ]; then
            echo "error: no Python 3.10 to 3.13 with venv found${PYTHON:+ at PYTHON=$PYTHON};" \
                "install one (Debian: apt install python3-venv) or set PYTHON=/path/to/python3" >&2
            exit 4
        fi
        echo "making .venv with $("$python" --version)"
        "$python" -m venv .venv
    fi
    echo "installing lmk[$1] into .venv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[$1]"
}
