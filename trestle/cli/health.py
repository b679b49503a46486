"""`python -m trestle health URL`: exit code 0 when URL answers below 400. For container health checks, whose images have no curl."""

import sys

from trestle.cli.probes import http_ok


def health(url: str) -> int:
    """0 for healthy, 1 for not; then stderr says what is missing."""
    missing = http_ok(url)(0)
    if missing:
        sys.stderr.write(f"{missing}\n")
    return 1 if missing else 0
