"""A whole Trestle of real processes on free ports, whose every process a test may kill and start again.

The processes get the very commands and environment that the launcher gives them; the launcher itself is left out, so that nothing is
restarted behind a test's back.
"""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests import servers
from trestle.cli import logs, ports
from trestle.cli.child import Child, ChildSpec
from trestle.cli.home import Home
from trestle.cli.probes import http_ok
from trestle.cli.services import Services
from trestle.cli.settings import Settings

# Tests call servers of their own on loopback.
_DEFAULTS = {"TRESTLE_ALLOW_CIDRS": "127.0.0.0/8,::1/128"}


class Stack:
    """Processes by name: `postgres`, `valkey`, `backend` (`backend-2`, …), `executor` (`executor-2`, …), `web`."""

    def __init__(
        self,
        home: Home,
        *,
        backends: int = 1,
        executors: int = 1,
        web: bool = False,
        env: Mapping[str, str] | None = None,
        tuning: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        self._wanted = [_numbered("backend", n) for n in range(backends)] + [_numbered("executor", n) for n in range(executors)]
        self._wanted += ["web"] if web else []
        self._env = {**os.environ, **_DEFAULTS, **(env or {})}
        self._specs: dict[str, ChildSpec] = {}
        self._children: dict[str, Child] = {}
        self._servers = servers.start_servers(home, tuning=tuning)
        self._children |= {"postgres": self._servers.postgres, "valkey": self._servers.valkey}
        self._settings = self._settings_on(ports.free_port(), ports.free_port())
        self.backend_urls: list[str] = []
        for name in self._wanted:
            self._specs[name] = self._spec(name)

    @property
    def backend_url(self) -> str:
        """Address of the (first) backend, without a slash at the end."""
        return self.backend_urls[0]

    @property
    def web_url(self) -> str:
        """Address of the web interface."""
        return self._settings.web_url

    @property
    def database_url(self) -> str:
        """Address of the database, for a test that looks behind the API."""
        return self._servers.database_url()

    @property
    def redis_url(self) -> str:
        """Address of the queue."""
        return self._servers.redis_url

    def adapt(self, name: str, **env: str) -> None:
        """Give one process these variables too, before its first start."""
        spec = self._specs[name]
        self._specs[name] = dataclasses.replace(spec, env={**spec.env, **env})

    def start_all(self) -> None:
        """Start every service together and wait until all are ready."""
        for name in self._wanted:
            self.start(name, wait=False)
        for name in self._wanted:
            servers.wait_ready(self._children[name])

    def start(self, name: str, *, wait: bool = True) -> None:
        """Start one process (again), by default until it is ready. Raises RuntimeError with its log when it doesn't come up."""
        child = self._children.get(name) or Child(self._specs[name])
        assert child.pid is None, f"{name} runs already"
        self._children[name] = child
        child.start()
        if wait:
            servers.wait_ready(child)

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """`kill -9` (or another way), and wait until it is gone."""
        servers.stop(self._children[name], how)

    def terminate(self, name: str) -> int:
        """Stop in the ordinary way (SIGTERM for services) and answer the exit code."""
        return servers.stop(self._children[name])

    def restart(self, name: str) -> None:
        """Stop in the ordinary way and start again."""
        self.terminate(name)
        self.start(name)

    def pid(self, name: str) -> int:
        """Process id of a running process, for signals of a test's own."""
        pid = self._children[name].pid
        assert pid is not None, f"{name} does not run"
        return pid

    def pids(self) -> dict[str, int]:
        """Every running process's id, by name."""
        return {name: child.pid for name, child in self._children.items() if child.pid is not None}

    def died(self, name: str) -> bool:
        """Whether a process that was started has ended by itself."""
        process = self._children[name].process
        return process is not None and process.poll() is not None

    def flush_queue(self) -> None:
        """FLUSHALL."""
        self._servers.flush()

    def log(self, name: str) -> str:
        """Everything a process has written so far."""
        path = self._children[name].spec.log
        return path.read_text(errors="replace") if path.exists() else ""

    def log_tails(self) -> dict[str, str]:
        """The end of every log, for the report of a failed test."""
        return {name: logs.tail(child.spec.log, 40) for name, child in self._children.items()}

    def stop(self) -> None:
        """Stop everything: services first, and without the patience that a real stop has."""
        for name, child in self._children.items():
            if name not in ("postgres", "valkey") and child.process is not None:
                servers.stop(child, signal.SIGKILL)
        for name in ("valkey", "postgres"):
            servers.stop(self._children[name])

    def _settings_on(self, backend_port: int, web_port: int) -> Settings:
        public = {"TRESTLE_PUBLIC_URL": f"http://127.0.0.1:{backend_port}"} if "TRESTLE_PUBLIC_URL" not in self._env else {}
        chosen = {"TRESTLE_BACKEND_PORT": str(backend_port), "TRESTLE_WEB_PORT": str(web_port), "TRESTLE_HOST": "127.0.0.1"}
        return Settings.read({**self._env, **public, **chosen}, self.home.path)

    def _spec(self, name: str) -> ChildSpec:
        kind, _, number = name.partition("-")
        settings = self._settings
        if kind == "backend":
            if number:
                settings = dataclasses.replace(settings, backend_port=ports.free_port())
            self.backend_urls.append(settings.backend_url)
        services = Services(settings, self._servers.keys, self.home, self._env, self.database_url, self.redis_url)
        spec = {"backend": services.backend, "executor": services.executor, "web": services.web}[kind]()
        spec = dataclasses.replace(spec, name=name, log=self.home.logs / f"{name}.log")
        # Ready to serve, not only alive: database and queue are connected.
        return dataclasses.replace(spec, ready=http_ok(f"{settings.backend_url}/readyz?for=traffic")) if kind == "backend" else spec


def _numbered(kind: str, index: int) -> str:
    return kind if index == 0 else f"{kind}-{index + 1}"


@contextmanager
def running(
    template: Home,
    folder: Path,
    *,
    backends: int = 1,
    executors: int = 1,
    web: bool = False,
    env: Mapping[str, str] | None = None,
    tuning: Mapping[str, str] | None = None,
    prepare: Callable[[Stack], None] | None = None,
) -> Iterator[Stack]:
    """A started stack on a copy of `template` (fixture `migrated_home`) in `folder`. `prepare` sees it before its services start."""
    stack = Stack(servers.copy(template, folder), backends=backends, executors=executors, web=web, env=env, tuning=tuning)
    try:
        if prepare is not None:
            prepare(stack)
        stack.start_all()
        yield stack
    finally:
        stack.stop()
