"""Lets `python -m trestle …` reach the command line."""

import sys

from trestle.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
