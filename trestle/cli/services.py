"""Trestle's own services as children: which command, which environment, and what tells that each is up.

Every service is given what it needs and nothing else: the executor sees no database, the web interface only the key of its own cookie.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from trestle.cli.child import ChildSpec
from trestle.cli.home import Home
from trestle.cli.keys import Keys
from trestle.cli.probes import http_ok
from trestle.cli.settings import Settings

_SECRETS = ("DATABASE_URL", "REDIS_URL", "TRESTLE_SECRET_KEY", "TRESTLE_ENCRYPTION_KEYS", "TRESTLE_EXECUTOR_KEY", "TRESTLE_WEB_KEY")
PROJECT = Path(__file__).parents[2]


class Services:
    """Makes the ChildSpecs of the services from one set of settings, keys and server addresses."""

    def __init__(self, settings: Settings, keys: Keys, home: Home, environ: Mapping[str, str], database_url: str, redis_url: str) -> None:
        self._settings = settings
        self._keys = keys
        self._home = home
        self._database_url = database_url
        self._redis_url = redis_url
        self._shared = {name: value for name, value in environ.items() if name not in _SECRETS}
        self._shared |= {
            "TRESTLE_HOME": str(settings.home),
            "TRESTLE_HOST": settings.host,
            "TRESTLE_BACKEND_PORT": str(settings.backend_port),
            "TRESTLE_WEB_PORT": str(settings.web_port),
            "TRESTLE_BACKEND_URL": settings.backend_url,
            "TRESTLE_PUBLIC_URL": settings.public_url,
            "TRESTLE_WEB_URL": environ.get("TRESTLE_WEB_URL") or settings.web_url,
            "PYTHONUNBUFFERED": "1",  # logs are read while they are written
        }

    def migrate(self) -> ChildSpec:
        """Brings the database's tables up to date; ends by itself."""
        return ChildSpec(
            name="migrate",
            title="Updating the database's tables",
            argv=(sys.executable, "-m", "trestle", "migrate"),
            env=self._shared | {"DATABASE_URL": self._database_url},
            log=self._home.logs / "migrate.log",
            ready=lambda _pid: None,
            start_timeout_s=600,
        )

    def backend(self) -> ChildSpec:
        """The API. It stops after the executors, which report to it until they have drained."""
        secrets = {
            "DATABASE_URL": self._database_url,
            "REDIS_URL": self._redis_url,
            "TRESTLE_SECRET_KEY": self._keys.secret,
            "TRESTLE_ENCRYPTION_KEYS": self._keys.encryption,
            "TRESTLE_EXECUTOR_KEY": self._keys.executor,
            "TRESTLE_DENIED_ADDRESSES": ",".join(self._own_addresses()),
        }
        return self._service("backend", secrets, ready_url=f"{self._settings.backend_url}/healthz", stop_rank=1, stop_timeout_s=15)

    def executor(self) -> ChildSpec:
        """Runs nodes. Ready when the backend knows of it; it may take 25 s to finish running steps when it is stopped."""
        secrets = {
            "REDIS_URL": self._redis_url,
            "TRESTLE_EXECUTOR_KEY": self._keys.executor,
            "TRESTLE_DENIED_ADDRESSES": ",".join(self._own_addresses()),
        }
        return self._service("executor", secrets, ready_url=f"{self._settings.backend_url}/readyz", stop_rank=0, stop_timeout_s=35)

    def web(self) -> ChildSpec:
        """The browser interface."""
        return self._service(
            "web",
            {"TRESTLE_WEB_KEY": self._keys.web},
            ready_url=f"http://{self._settings.local_host}:{self._settings.web_port}/",
            stop_rank=0,
            stop_timeout_s=10,
        )

    def _own_addresses(self) -> list[str]:
        """host:port of this installation's servers: no call to the outside may reach them, whatever the operator opens."""
        given = [address for address in self._shared.get("TRESTLE_DENIED_ADDRESSES", "").split(",") if address]
        servers = [(urlsplit(self._database_url), 5432), (urlsplit(self._redis_url), 6379)]
        known = [f"{parts.hostname}:{parts.port or default}" for parts, default in servers if parts.hostname]
        return [
            *given,
            *known,
            f"{self._settings.local_host}:{self._settings.backend_port}",
            f"{self._settings.local_host}:{self._settings.web_port}",
        ]

    def _service(self, name: str, secrets: Mapping[str, str], *, ready_url: str, stop_rank: int, stop_timeout_s: float) -> ChildSpec:
        return ChildSpec(
            name=name,
            argv=(sys.executable, "-m", name),
            env=self._shared | dict(secrets),
            log=self._home.logs / f"{name}.log",
            ready=http_ok(ready_url),
            stop_rank=stop_rank,
            stop_timeout_s=stop_timeout_s,
        )
