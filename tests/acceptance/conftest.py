"""The running stack as a fixture, and its logs in the report of a test that failed."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.acceptance.stack import Stack, running
from trestle.cli.home import Home
from web.build import DEFAULT_OUT, build


@pytest.fixture
def stack(migrated_home: Home, tmp_path: Path) -> Iterator[Stack]:
    """A fresh Trestle with one backend and one executor, no user yet. For other shapes use `stack.running`."""
    with running(migrated_home, tmp_path / "home") as started:
        yield started


@pytest.fixture
def house(migrated_home: Home, tmp_path: Path) -> Iterator[Stack]:
    """Trestle with its web interface; nobody has signed up yet."""
    build(DEFAULT_OUT)
    with running(migrated_home, tmp_path / "home", web=True, env={"TRESTLE_WEB_BUILD": str(DEFAULT_OUT)}) as started:
        yield started


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the end of every process's log to a failure."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for value in item.funcargs.values():
            if isinstance(value, Stack):
                report.sections += [(f"end of {name}.log", text) for name, text in value.log_tails().items() if text]
    return report
