"""`python -m lmk` is the same as `lmk`."""

from lmk.cli import main

if __name__ == "__main__":
    main()
