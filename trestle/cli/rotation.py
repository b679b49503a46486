"""`python -m trestle keys rotate`: stored secrets get a new encryption key."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from trestle.cli.embedded import own_database
from trestle.cli.errors import LaunchError
from trestle.cli.home import Home
from trestle.cli.keys import Keys, encryption_keys, new_encryption_key, write_key
from trestle.cli.services import PROJECT
from trestle.cli.settings import Settings

_NAME = "TRESTLE_ENCRYPTION_KEYS"


def rotate(home: Path | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Encrypts every stored secret with a new key. Cut off half-way, the next call goes on. Returns the exit code; raises LaunchError.

    Where the environment names the keys, its first is the new one and backends may run. Otherwise the installation's own key file gets
    one, and keeps the old one until nothing needs it any more; nothing else may run then, since a backend reads its keys when it starts.
    """
    environ = os.environ if environ is None else environ
    if given := environ.get(_NAME):
        if len(set(encryption_keys(given))) < 2:
            raise LaunchError(
                f"{_NAME} holds one key only: there is nothing to rotate to. Put a new one in front of it (docs/administration.md says "
                "how, without a moment in which a backend can't read a secret), and run this again."
            )
        with _database(home, environ) as url:
            _encrypt_anew(url, given)
        _say(f"Every secret is encrypted with the first key of {_NAME}. Take the others out of it, wherever it is set, and restart the")
        _say("backends. Keep them in a safe place for as long as you keep backups of before.")
        return 0
    folder = Home(Settings.read(environ, home).home)
    with _database(home, environ) as url:
        old = Keys.load(folder, environ).encryption
        # More than one: an earlier rotation was cut off after the new key was kept. It goes on, with that key.
        both = old if "," in old else f"{new_encryption_key()},{old}"
        path = folder.keys / "encryption_keys"
        write_key(path, both)
        _encrypt_anew(url, both)
        new, *rest = both.split(",")
        retired = folder.keys / "retired_encryption_keys"
        known = retired.read_text().split() if retired.exists() else []
        write_key(retired, "\n".join(dict.fromkeys([*known, *(key.strip() for key in rest)])))
        write_key(path, new.strip())
    _say(f"Every secret is encrypted with a new key, which is in {path}: back that file up.")
    _say(f"The old one is in {retired}, for backups of before. Delete that file when you have none of those.")
    return 0


@contextmanager
def _database(home: Path | None, environ: Mapping[str, str]) -> Iterator[str]:
    """The database for the length of a block: the one that is given, or the installation's own, which then runs for this alone."""
    if not (url := environ.get("DATABASE_URL")):
        with own_database(home) as url:
            yield url
    elif environ.get(_NAME):
        yield url
    else:  # whoever started it with the keys of this folder may still run
        folder = Home(Settings.read(environ, home).home)
        folder.create()
        with folder.locked():
            yield url


def _encrypt_anew(url: str, keys: str) -> None:
    env = {**os.environ, "DATABASE_URL": url, _NAME: keys}
    command = [sys.executable, "-m", "backend.credentials.rekeying"]
    if subprocess.run(command, env=env, cwd=PROJECT, check=False).returncode:
        raise LaunchError("Not all secrets have the new key yet. Both keys are kept, and everything can be read: run this again.")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
