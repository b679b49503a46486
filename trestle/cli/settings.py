"""The launcher's settings: read once from the environment, checked, then handed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from trestle.cli.errors import LaunchError

LOOPBACK = "127.0.0.1"
_EVERY_ADDRESS = {"0.0.0.0": LOOPBACK, "": LOOPBACK, "::": "[::1]"}  # noqa: S104 - compared with, never bound to


@dataclass(frozen=True)
class Settings:
    """What `up` needs to know. Ports are TCP ports on `host`; a URL that is None means an embedded server."""

    home: Path
    host: str
    backend_port: int
    web_port: int
    public_url: str
    database_url: str | None
    redis_url: str | None

    @classmethod
    def read(cls, environ: Mapping[str, str], home: Path | None = None) -> Settings:
        """Settings from `environ`; `home` wins over TRESTLE_HOME. Raises LaunchError naming a setting that makes no sense."""
        backend_port = _port(environ, "TRESTLE_BACKEND_PORT", 8000)
        web_port = _port(environ, "TRESTLE_WEB_PORT", 3000)
        if backend_port == web_port:
            raise LaunchError(f"TRESTLE_BACKEND_PORT and TRESTLE_WEB_PORT are both {web_port}: give each its own port.")
        return cls(
            home=(home or Path(environ.get("TRESTLE_HOME") or ".trestle")).expanduser().resolve(),
            host=environ.get("TRESTLE_HOST") or LOOPBACK,
            backend_port=backend_port,
            web_port=web_port,
            public_url=_url(environ, "TRESTLE_PUBLIC_URL", ("http", "https")) or f"http://localhost:{backend_port}",
            database_url=_url(environ, "DATABASE_URL", ("postgresql", "postgres", "postgresql+asyncpg")),
            redis_url=_url(environ, "REDIS_URL", ("redis", "rediss", "unix")),
        )

    @property
    def local_host(self) -> str:
        """An address that reaches `host` from this machine: 127.0.0.1 where it listens everywhere."""
        return _EVERY_ADDRESS.get(self.host, self.host)

    @property
    def backend_url(self) -> str:
        """Where executor, web and the launcher's own health checks find the backend."""
        return f"http://{self.local_host}:{self.backend_port}"

    @property
    def web_url(self) -> str:
        """The address to open in a browser on this machine."""
        name = "localhost" if self.local_host == LOOPBACK else self.local_host
        return f"http://{name}:{self.web_port}"


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise LaunchError(f"{name} is {text!r}: it must be a port number between 1 and 65535.")
    return int(text)


def _url(environ: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str | None:
    text = environ.get(name) or None
    if text and urlsplit(text).scheme not in schemes:
        # Only the scheme is repeated: the rest may hold a password.
        raise LaunchError(f"{name} starts with {urlsplit(text).scheme!r}: it must be a URL that starts with {schemes[0]}://.")
    return text.rstrip("/") if text and name == "TRESTLE_PUBLIC_URL" else text
