"""Children that outlived a launcher which was killed: found by a record of process ids, and ended before a new start.

On Linux the system ends them with the launcher (leash.py); elsewhere, and for what they started themselves, this is the only way.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from trestle.cli.errors import LaunchError

_PATIENCE_S = 10.0


def write(record: Path, running: Sequence[tuple[str, int]]) -> None:
    """Note the running children as (name, process id); none → the record goes."""
    if not running:
        record.unlink(missing_ok=True)
        return
    beside = record.with_suffix(".new")
    beside.write_text(json.dumps([{"name": name, "pid": pid, "born": _birth(pid)} for name, pid in running]))
    beside.rename(record)


def end_all(record: Path) -> None:
    """End what a killed launcher left behind. Call with the home locked: then none of them has a living launcher."""
    if not record.exists():
        return
    try:
        noted = json.loads(record.read_text())
    except ValueError:
        noted = []  # cut off by a crash: the system's own leash has to do
    left = [entry["pid"] for entry in noted if _birth(entry["pid"]) == entry["born"]]
    for entry in noted:
        if entry["pid"] in left:
            # PostgreSQL gets its clean, fast shutdown; the others are built to be killed at any time.
            _signal(entry["pid"], signal.SIGINT if entry["name"] == "postgres" else signal.SIGKILL)
    for pid in left:
        if not _wait_gone(pid):
            raise LaunchError(f"Process {pid} of an earlier start does not end: stop it, then start Trestle again.")
    record.unlink()


def clear_postgres_lock(data: Path) -> None:
    """Remove a stale `postmaster.pid`; wait for a server that is still shutting down; refuse when one lives on.

    PostgreSQL takes any live process with the number in that file for a server, also a stranger's after a restart of the machine.
    """
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    command = _command(pid)
    if command is not None and "postgres" in command and str(data) in command:
        if not _wait_gone(pid):
            raise LaunchError(
                f"A PostgreSQL server (process {pid}) already runs on {data}: stop it with `kill -INT {pid}`, then start again."
            )
        return
    lock.unlink(missing_ok=True)


def _wait_gone(pid: int) -> bool:
    deadline = time.monotonic() + _PATIENCE_S
    born = _birth(pid)
    while born is not None and _birth(pid) == born:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)  # each child leads its own group
    except ProcessLookupError:
        return


def _birth(pid: int) -> str | None:
    """Something that differs between two processes which had the same id in turn; None for a process that is gone."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] == "Z" else fields[19]
    return _ps(pid, "lstart=")


def _command(pid: int) -> str | None:
    """A process's command line, or None when it is gone."""
    if Path("/proc/self/stat").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace") or None
        except (FileNotFoundError, ProcessLookupError):
            return None
    return _ps(pid, "command=")


def _ps(pid: int, column: str) -> str | None:
    answer = subprocess.run(["/bin/ps", "-o", column, "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None
