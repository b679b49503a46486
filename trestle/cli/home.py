"""TRESTLE_HOME: one folder with all that an installation keeps, held by at most one launcher at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trestle.cli.errors import LaunchError


@dataclass(frozen=True)
class Home:
    """The folders of one installation. Only their owner may enter them."""

    path: Path

    @property
    def keys(self) -> Path:
        """Generated keys and passwords, one 0600 file each."""
        return self.path / "keys"

    @property
    def logs(self) -> Path:
        """One log file per child."""
        return self.path / "logs"

    @property
    def postgres(self) -> Path:
        """The embedded PostgreSQL's data folder."""
        return self.path / "postgres"

    @property
    def valkey(self) -> Path:
        """The embedded Valkey's data folder."""
        return self.path / "valkey"

    @property
    def children(self) -> Path:
        """The record of running children (orphans.py)."""
        return self.path / "children.json"

    def create(self) -> None:
        """Make the folders that are missing. Raises LaunchError where that isn't possible."""
        for folder in (self.path, self.keys, self.logs, self.valkey):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise LaunchError(
                    f"The folder {folder} cannot be made ({error.strerror}): set TRESTLE_HOME to a folder that you may write to."
                ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against a second launcher; the system lets go of it however this process ends."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
                raise LaunchError(
                    f"Trestle is already running on {self.path} (process {holder}): "
                    "stop that one first, or set TRESTLE_HOME to another folder."
                ) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)
