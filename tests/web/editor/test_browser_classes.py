"""Autosave and undo: the JavaScript tests beside this file."""

import subprocess
import sys
from pathlib import Path


def test_autosave_and_undo() -> None:
    node = Path(sys.executable).parent / "node"
    run = subprocess.run(
        [node, "--no-warnings", "--test", Path(__file__).parent / "outbox.test.mjs"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
