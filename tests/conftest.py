"""Fixtures for every test: real servers, started once, with a fresh database per module."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from tests import order, servers
from trestle.cli.home import Home

# How long it takes to make an example, or to try it, says how much else the machine does.
_BUSY: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("explore", **_BUSY)  # --hypothesis-profile=explore looks for examples that nobody has tried
settings.register_profile("every run alike", **_BUSY, derandomize=True)
settings.load_profile("every run alike")
_MIGRATED = "migrated_template"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order.arrange(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else 3


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> order.FromBothEnds | None:
    return order.FromBothEnds(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Servers]:
    """One PostgreSQL and one Valkey for all tests that don't need servers of their own."""
    with servers.running(servers.make(tmp_path_factory.mktemp("servers") / "home"), durable=False) as both:
        yield both


@pytest.fixture(scope="session")
def migrated_template(embedded: servers.Servers) -> str:
    """Name of a database with the newest tables, for copies."""
    embedded.execute(f"create database {_MIGRATED}")
    servers.migrate(embedded.database_url(_MIGRATED))
    return _MIGRATED


@pytest.fixture(scope="module")
def postgres_url(embedded: servers.Servers, migrated_template: str) -> Iterator[str]:
    """`postgresql://…` of a database with the newest tables and no rows, of this module alone."""
    name = f"test_{uuid4().hex}"
    embedded.execute(f"create database {name} template {migrated_template}")
    yield embedded.database_url(name)
    embedded.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="module")
def empty_postgres_url(embedded: servers.Servers) -> Iterator[str]:
    """`postgresql://…` of a database without any table, of this module alone."""
    name = f"test_{uuid4().hex}"
    embedded.execute(f"create database {name}")
    yield embedded.database_url(name)
    embedded.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="module")
def redis_url(embedded: servers.Servers) -> str:
    """`redis://…` of an emptied Valkey."""
    embedded.flush()
    return embedded.redis_url


@pytest.fixture(scope="session")
def migrated_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home folder with a migrated database in which nothing runs: to be copied, never used itself."""
    return servers.make_migrated(tmp_path_factory.mktemp("migrated") / "home")
