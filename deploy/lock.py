"""Writes the lock files: `python deploy/lock.py [--keep]`.

    requirements.lock                 everything, for a development machine
    deploy/requirements/<image>.lock  what one image needs, at the very versions of requirements.lock
    deploy/requirements/uv.lock       the installer itself

Every line is pinned by hash, and no file names the registry that it was made with. `--keep` leaves the versions of requirements.lock
as they are and only adds or drops what pyproject.toml asks for.
"""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
IMAGES = {"backend": ["backend"], "executor": ["executor"], "web": ["web"], "web-build": ["web", "frontend"]}
COMPILE = ["-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"]


def lock(output: Path, source: str, *options: str) -> None:
    """Run uv's resolver for one file."""
    command = [sys.executable, *COMPILE, "--custom-compile-command", "make lock", *options, source, "--output-file", str(output)]
    subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - a fixed command


def main() -> None:
    """Write all of them, the one for everything first: the others follow it."""
    folder = PROJECT / "deploy" / "requirements"
    newest = [] if "--keep" in sys.argv[1:] else ["--upgrade"]
    lock(PROJECT / "requirements.lock", "pyproject.toml", "--all-extras", *newest)
    for image, extras in IMAGES.items():
        chosen = [option for extra in extras for option in ("--extra", extra)]
        lock(folder / f"{image}.lock", "pyproject.toml", *chosen, "--constraint", "requirements.lock", "--upgrade")
    lock(folder / "uv.lock", "deploy/requirements/uv.in", *newest)


if __name__ == "__main__":
    main()
