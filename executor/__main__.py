"""`python -m executor`"""

import gc
import os
import signal
import sys


def run() -> int:
    """Gives the exit code. Loading takes a moment, in which nothing is held yet: whoever stops it then need not wait."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: os._exit(0))
    gc.disable()  # loading makes much that stays: the collector would walk all of it again and again
    from executor.process import main

    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(run())
