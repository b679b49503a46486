"""PostgreSQL, which refuses to run as root, under a launcher that is root; and what an ordinary user sees of all that: nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from trestle.cli import binaries, root
from trestle.cli.errors import LaunchError

IS_ROOT = os.geteuid() == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that any user may pass through, unlike pytest's own."""
    place = Path(tempfile.mkdtemp(prefix="trestle-root-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def program() -> Path:
    found = binaries.postgres_folder()
    assert found is not None
    return found / "postgres"


def owner(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def test_as_it_is_here(folder: Path) -> None:
    assert root.find_mode(program(), folder) in (("userns", "drop:postgres", "drop:nobody") if IS_ROOT else ("",))
    with servers.running(servers.make(folder / "home")) as both:
        both.execute("select 1")


def test_without_user_namespaces_it_runs_as_another_user(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    works = root._works
    monkeypatch.setattr(root, "_works", lambda tried, mode: mode != "userns" and works(tried, mode))
    home = servers.make(folder / "home")
    for _ in range(2):  # the second time on a folder that is already handed over
        with servers.running(home) as both:
            both.execute("select 1")
            pid = both.postgres.pid
            assert pid is not None
            assert owner(pid) != 0
    assert home.postgres.stat().st_uid != 0
    assert home.keys.stat().st_mode & 0o777 == 0o700


def test_where_nothing_works_it_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(root, "_works", lambda _program, _mode: False)
    with pytest.raises(LaunchError, match=r"as a normal user, or set DATABASE_URL"):
        root.find_mode(program(), folder)
