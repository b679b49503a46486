"""The launcher as a user meets it: time to the address, and what it all weighs when idle."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench import machine
from trestle.cli.ports import free_port


@dataclass(frozen=True)
class Launch:
    """One start of everything. Memory is proportional (PSS)."""

    start_s: float
    memory_mb: float
    by_process: dict[str, float]


def once(home: Path, *, settle_s: float) -> Launch:
    """Start all on `home`, wait for the address, let it rest for `settle_s`, weigh it, stop it."""
    env = {**os.environ, "TRESTLE_BACKEND_PORT": str(free_port()), "TRESTLE_WEB_PORT": str(free_port())}
    start = time.perf_counter()
    command = [sys.executable, "-m", "trestle", "up", "--home", str(home)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        for line in launcher.stdout:
            if env["TRESTLE_WEB_PORT"] in line and re.search(r"https?://", line):
                break
        took = time.perf_counter() - start
        time.sleep(settle_s)
        pids = machine.tree(launcher.pid)
        by_process: dict[str, float] = {}
        for pid in pids:
            name = _name(pid)
            by_process[name] = by_process.get(name, 0) + machine.memory_mb([pid])
        launcher.send_signal(signal.SIGINT)
        launcher.stdout.read()
        assert launcher.wait(60) == 0, "the launcher stops cleanly"
    return Launch(took, sum(by_process.values()), by_process)


def _name(pid: int) -> str:
    """What a process is, from its command line: the Python module or the program."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().split()
    except OSError:
        return "gone"
    if "-m" in words:
        return words[words.index("-m") + 1]
    return Path(words[0].rstrip(":")).name if words else "gone"
