"""The services of docker-compose.yml as its containers would run them, without a container engine.

Each gets its image's files and no others, the very command and the very environment; only host names become addresses of this machine.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.acceptance.api import Api
from tests.architecture.test_deployment import compose, copied
from trestle.cli import ports
from trestle.cli.child import Child, ChildSpec
from trestle.cli.home import Home
from trestle.cli.services import PROJECT

_VARIABLE = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")


class Composed:
    """Runs services of the compose file. `settings` is what a person would have written into `.env`."""

    def __init__(self, folder: Path, both: servers.Servers) -> None:
        self.folder = folder
        self.backend_port, self.web_port = ports.free_port(), ports.free_port()
        self.settings = {
            "POSTGRES_PASSWORD": both.keys.postgres_password,
            "REDIS_PASSWORD": both.keys.valkey_password,
            "TRESTLE_SECRET_KEY": both.keys.secret,
            "TRESTLE_WEB_KEY": both.keys.web,
            "TRESTLE_EXECUTOR_KEY": both.keys.executor,
            "TRESTLE_ENCRYPTION_KEYS": both.keys.encryption,
        }
        self._hosts = {
            "postgres:5432": f"127.0.0.1:{both.postgres_port}",
            "redis:6379": f"127.0.0.1:{both.valkey_port}",
            "backend:8000": f"127.0.0.1:{self.backend_port}",
            "web:3000": f"127.0.0.1:{self.web_port}",
            "127.0.0.1:8000": f"127.0.0.1:{self.backend_port}",
            "127.0.0.1:3000": f"127.0.0.1:{self.web_port}",
        }
        self._services: dict[str, Any] = compose()["services"]

    def image(self, target: str) -> Path:
        """A folder with what the Dockerfile puts into an image."""
        folder = self.folder / target
        if folder.exists():
            return folder
        folder.mkdir(parents=True)
        for source in copied(target):
            path = PROJECT / source
            if path.is_dir():
                shutil.copytree(path, folder / source, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(path, folder / source)
        return folder

    def environment(self, name: str) -> dict[str, str]:
        """The service's environment, substituted as compose does it, and nothing of this machine's but the path."""
        written = {key: self._substitute(str(value)) for key, value in self._services[name]["environment"].items()}
        built = {"TRESTLE_WEB_BUILD": os.environ.get("TRESTLE_WEB_BUILD", str(PROJECT / ".build" / "web"))} if name == "web" else {}
        # The containers' own ports are free in their containers; here others may have them.
        free = {"TRESTLE_BACKEND_PORT": str(self.backend_port), "TRESTLE_WEB_PORT": str(self.web_port)}
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), **written, **built, **free}

    def spec(self, name: str) -> ChildSpec:
        """The service as a child whose readiness is the compose file's health check."""
        service = self._services[name]
        target = self.image(service["build"]["target"])
        check = [self._local(word) for word in service.get("healthcheck", {"test": ["CMD"]})["test"][1:]]

        def healthy(_pid: int) -> str | None:
            done = subprocess.run(_python(check), cwd=target, env=self.environment(name), capture_output=True, text=True, check=False)
            return done.stderr.strip() or None if done.returncode else None

        argv = ("/usr/bin/env", "-C", str(target), *_python(service["command"]))
        return ChildSpec(name=name, argv=argv, env=self.environment(name), log=self.folder / f"{name}.log", ready=healthy)

    def _substitute(self, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            name, kind, rest = match.groups()
            if name in self.settings or kind == "-":
                return self.settings.get(name, rest or "")
            raise AssertionError(f"compose needs {name}, and .env.example does not offer it: {rest}")

        return self._local(_VARIABLE.sub(value, text))

    def _local(self, text: str) -> str:
        for host, address in self._hosts.items():
            text = re.sub(rf"(?<![\w.]){re.escape(host)}\b", address, text)
        return text


def _python(command: list[str]) -> list[str]:
    return [sys.executable, *command[1:]] if command[0] == "python" else command


@pytest.fixture
def composed(tmp_path: Path, postgres_home: Home) -> Iterator[Composed]:
    """The compose file over an empty database `trestle`."""
    with servers.running(postgres_home) as both:
        both.execute("create database trestle")
        yield Composed(tmp_path / "containers", both)


@pytest.fixture
def postgres_home(tmp_path: Path) -> Home:
    """A new home folder."""
    return servers.make(tmp_path / "home")


async def test_each_service_runs_with_its_command_its_environment_and_its_images_files(composed: Composed) -> None:
    with ExitStack() as ending:
        migrate = Child(dataclasses.replace(composed.spec("migrate"), ready=lambda _pid: None))
        migrate.start()
        assert migrate.process is not None
        assert migrate.process.wait(60) == 0, (composed.folder / "migrate.log").read_text()
        for name in ("backend", "executor", "web"):
            child = servers.start(composed.spec(name))
            ending.callback(servers.stop, child)
        async with Api(f"http://127.0.0.1:{composed.backend_port}") as api:
            await api.sign_up()
            nodes = [
                {"key": "start", "type": "trigger.webhook", "config": {"path": "go"}},
                {"key": "after", "type": "set", "config": {"fields": {"sum": "{{ payload.a + payload.b }}"}}},
            ]
            await api.workflow(nodes, [("start", "after")])
            execution = await api.finished(await api.post_webhook("go", {"a": 2, "b": 3}))
            assert execution["output"] == {"sum": 5}
