"""`python -m executor` as a process: what it says when it can't start, and that it stops when it is told to."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = {"TRESTLE_EXECUTOR_KEY": "a key of sufficient length", "TRESTLE_BACKEND_URL": "http://127.0.0.1:1"}


def start(**environment: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRESTLE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "executor"],
        env={**kept, **environment},
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "TRESTLE_EXECUTOR_KEY"),
        ({**GOOD, "TRESTLE_ALLOW_CIDRS": "everything"}, "TRESTLE_ALLOW_CIDRS"),
        ({**GOOD, "TRESTLE_DENIED_ADDRESSES": "nowhere"}, "TRESTLE_DENIED_ADDRESSES"),
    ],
)
def test_a_wrong_setting_is_named(environment: dict[str, str], words: str) -> None:
    process = start(**environment)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert words in told
    assert "Traceback" not in told


def test_it_stops_while_it_waits_for_the_backend() -> None:
    process = start(**GOOD)
    assert process.stderr is not None
    assert "waiting for the backend" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
