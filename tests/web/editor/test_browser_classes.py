"""Autosave and undo, and two people in one draft: the JavaScript tests beside this file."""

import subprocess
import sys
from pathlib import Path


def test_autosave_undo_and_two_people() -> None:
    node = Path(sys.executable).parent / "node"
    run = subprocess.run(
        [node, "--no-warnings", "--test", *sorted(Path(__file__).parent.glob("*.test.mjs"))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
