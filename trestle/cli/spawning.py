"""Starting one process the way every child here is started: own session, own log, and no life after the launcher."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_LEASH = str(Path(__file__).with_name("leash.py"))


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    output: IO[bytes] | int,
    root_mode: str = "",
    death_signal: signal.Signals = signal.SIGKILL,
    stdin: bytes | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `argv`; its stdout and stderr go to `output`. `stdin` (small) is given to it and closed.

    `root_mode` is what `root.find_mode` answered. `death_signal` is what the child gets when this process is killed (Linux). Its own
    session keeps Ctrl-C in the terminal from reaching it: the launcher decides who stops when, and may signal the whole group.
    """
    mode = root_mode or "plain"
    if mode.startswith("drop:"):
        account = pwd.getpwnam(mode.removeprefix("drop:"))
        mode = f"drop:{account.pw_uid}:{account.pw_gid}"
    leash = [sys.executable, "-I", "-S", _LEASH, str(int(death_signal)), str(os.getpid()), mode]
    process = subprocess.Popen(
        [*leash, *argv],
        env=dict(env),
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        start_new_session=True,
    )
    if stdin is not None and process.stdin is not None:
        try:
            process.stdin.write(stdin)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it ended at once: whoever waits for it will say so, with its log
    return process


def kill_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to a child and to whatever it started in its session; quiet when all of them are gone."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        if process.poll() is None:
            process.send_signal(number)
