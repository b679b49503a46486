"""`python -m backend`: serves the API on TRESTLE_HOST and TRESTLE_BACKEND_PORT."""

import gc
import sys


def run() -> int:
    """Gives the exit code. Loading makes much that stays: the collector, walking all of it again and again, took an eighth of the time."""
    gc.disable()
    from backend.serving import main

    return main()


if __name__ == "__main__":
    sys.exit(run())
