"""The project's own files, for tests that look at all of them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("trestle", "backend", "executor", "web")


@cache
def files() -> tuple[Path, ...]:
    """Every file that belongs to the project: tracked, or new and not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.splitlines()
    return tuple(path for name in sorted(set(listed)) if (path := PROJECT / name).is_file())


def modules(*roots: str) -> list[Path]:
    """Python files below the given top folders."""
    return [path for path in files() if path.suffix == ".py" and path.relative_to(PROJECT).parts[0] in roots]


def name(path: Path) -> str:
    """A path as messages show it."""
    return path.relative_to(PROJECT).as_posix()
