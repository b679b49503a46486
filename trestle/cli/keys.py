"""The keys of an installation: generated once, kept in 0600 files, never a default in the code.

A key given by the environment wins over its file. Any key that is short or plainly made up stops the start.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trestle.cli.errors import LaunchError
from trestle.cli.home import Home

MIN_KEY_BYTES = 32
_MIN_DIFFERENT_CHARACTERS = 10  # "aaaa…", "changemechangeme…": long, and no key


@dataclass(frozen=True, repr=False)
class Keys:
    """Everything secret that the children are given. `encryption` is a comma-separated list of Fernet keys, the first encrypts."""

    secret: str
    encryption: str
    executor: str
    web: str
    postgres_password: str
    valkey_password: str

    @classmethod
    def load(cls, home: Home, environ: Mapping[str, str]) -> Keys:
        """Read the keys, generating those that are missing. Raises LaunchError for a weak, unreadable or lost key."""
        has_data = (home.postgres / "PG_VERSION").exists()
        return cls(
            secret=environ.get("TRESTLE_SECRET_KEY") or _stored(home.keys / "secret_key", _random_text),
            # With data, a new key or password would make what is stored unreadable: then the loss is said, not papered over.
            encryption=environ.get("TRESTLE_ENCRYPTION_KEYS")
            or _stored(home.keys / "encryption_keys", new_encryption_key, must_exist=has_data),
            executor=environ.get("TRESTLE_EXECUTOR_KEY") or _stored(home.keys / "executor_key", _random_text),
            # The web interface signs its session cookie with a key of its own, so it can't make tokens for the API.
            web=environ.get("TRESTLE_WEB_KEY") or _stored(home.keys / "web_key", _random_text),
            postgres_password=_stored(home.keys / "postgres_password", _random_text, must_exist=has_data),
            valkey_password=_stored(home.keys / "valkey_password", _random_text),
        ).checked()

    def checked(self) -> Keys:
        """These keys, or LaunchError naming the one that is too weak."""
        given = {"TRESTLE_SECRET_KEY": self.secret, "TRESTLE_EXECUTOR_KEY": self.executor, "TRESTLE_WEB_KEY": self.web}
        for name, key in given.items():
            if len(key.encode()) < MIN_KEY_BYTES or len(set(key)) < _MIN_DIFFERENT_CHARACTERS:
                raise LaunchError(
                    f"{name} is too weak: use at least {MIN_KEY_BYTES} random bytes, for example from `openssl rand -hex 32`."
                )
        encryption_keys(self.encryption)
        return self


def encryption_keys(given: str) -> list[str]:
    """The Fernet keys of a comma-separated list, or LaunchError where one is none."""
    keys = [key.strip() for key in given.split(",")]
    if not all(map(_is_fernet_key, keys)):
        raise LaunchError(
            "TRESTLE_ENCRYPTION_KEYS holds something that is no Fernet key: each must be 32 random bytes in URL-safe base64, "
            "for example from `openssl rand -base64 32 | tr '+/' '-_'`."
        )
    return keys


def _random_text() -> str:
    return os.urandom(MIN_KEY_BYTES).hex()


def new_encryption_key() -> str:
    """A Fernet key."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def _is_fernet_key(text: str) -> bool:
    try:
        raw = base64.b64decode(text.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(raw) == 32 and len(set(raw)) >= _MIN_DIFFERENT_CHARACTERS


def _stored(path: Path, generate: Callable[[], str], *, must_exist: bool = False) -> str:
    try:
        if not path.exists():
            if must_exist:
                raise LaunchError(
                    f"The key file {path} is gone, but there is data that needs it: put it back from a backup, "
                    "or move the whole folder away to begin anew."
                )
            write_key(path, generate())
        path.chmod(0o600)
        text = path.read_text().strip()
    except OSError as error:
        raise LaunchError(f"The key file {path} cannot be used ({error.strerror}): make it readable for you alone.") from error
    if not text:
        raise LaunchError(f"The key file {path} is empty: put its content back from a backup, or delete it if there is no data yet.")
    return text


def write_key(path: Path, text: str) -> None:
    """Puts `text` into a 0600 file: whole or not at all, also when the power goes: written beside, synced, then renamed for good."""
    beside = path.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # else the old file may be there again, when what it can't open is already stored
    finally:
        os.close(folder)
