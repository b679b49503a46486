"""`python -m trestle up` with stand-in services: real embedded servers, real signals, real restarts."""

from __future__ import annotations

import os
import signal
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests import servers
from tests.launcher.launched import READY, Launched, is_alive, launched, wait_until_gone
from trestle.cli import ports
from trestle.cli.home import Home

Launch = Callable[..., AbstractContextManager[Launched]]

_PROGRAMS = {
    "backend": 'standin.serve("backend", "TRESTLE_BACKEND_PORT")',
    "executor": "standin.execute()",
    "web": 'standin.serve("web", "TRESTLE_WEB_PORT")',
}


@pytest.fixture
def home(migrated_home: Home, tmp_path: Path) -> Path:
    """A home folder with a migrated database."""
    return servers.copy(migrated_home, tmp_path / "home").path


@pytest.fixture
def standins(tmp_path: Path) -> Path:
    """A folder from which `python -m backend` and so on run the stand-ins."""
    folder = tmp_path / "standins"
    for name, program in _PROGRAMS.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").touch()
        (folder / name / "__main__.py").write_text(f"from tests.launcher import standin\n\n{program}\n")
    return folder


@pytest.fixture
def launch(home: Path, standins: Path, tmp_path: Path) -> Launch:
    """Starts a launcher on `home` with the stand-ins; keywords: `env`, `backend_port`."""
    chosen = (ports.free_port(), ports.free_port())

    def start(*, env: dict[str, str] | None = None, backend_port: int = chosen[0], folder: Path = home) -> AbstractContextManager[Launched]:
        journal = {"JOURNAL": str(tmp_path / "journal")}
        return launched(folder, backend_port=backend_port, web_port=chosen[1], env={**journal, **(env or {})}, cwd=standins)

    return start


@pytest.fixture
def journal(tmp_path: Path) -> Callable[[], list[str]]:
    """What the stand-ins noted, as `name event` without process ids."""

    def read() -> list[str]:
        path = tmp_path / "journal"
        lines = path.read_text().splitlines() if path.exists() else []
        return [" ".join(word for word in line.split() if not word.isdecimal() or word in ("0", "200")) for line in lines]

    return read


@pytest.fixture
def listener() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_it_starts_says_where_it_is_and_stops_in_order(launch: Launch, journal: Callable[[], list[str]], home: Path) -> None:
    began = time.monotonic()
    with launch() as launcher:
        assert "http://localhost:" in launcher.wait_for(READY)
        assert time.monotonic() - began < 20, "a warm start"
        children = launcher.children()
        assert children.keys() == {"postgres", "valkey", "backend", "executor", "web"}
        assert launcher.end(signal.SIGINT) == 0
    assert "Stopped" in launcher.lines[-1]
    assert not any(is_alive(pid) for pid in children.values())
    noted = journal()
    assert "executor drained, backend 200, queue there" in noted, "backend and queue outlive the draining executor"
    assert noted.index("executor drained, backend 200, queue there") < noted.index("backend stopped")
    assert not (home / "postgres" / "postmaster.pid").exists(), "PostgreSQL was shut down, not killed"


def test_a_closed_terminal_and_sigterm_stop_it_as_well(launch: Launch) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        with launch() as launcher:
            launcher.wait_for(READY)
            assert launcher.end(number) == 0


def test_a_second_ctrl_c_waits_for_no_step_but_for_the_database(launch: Launch, standins: Path, home: Path) -> None:
    (standins / "executor" / "__main__.py").write_text(
        "import signal, time\nfrom tests.launcher import standin\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nstandin.note('executor 1 up')\ntime.sleep(60)\n"
    )
    with launch() as launcher:
        launcher.wait_for(READY)
        launcher.process.send_signal(signal.SIGINT)
        launcher.wait_for("Stopping")
        assert launcher.end(signal.SIGINT, timeout_s=25) == 0, "sooner than a drain may take"
    assert "executor did not stop in time and was killed" in launcher.output
    assert not (home / "postgres" / "postmaster.pid").exists()


def test_stopping_before_it_is_ready_leaves_nothing(launch: Launch) -> None:
    with launch() as launcher:
        launcher.wait_for("Starting Trestle")
        time.sleep(0.3)
        children = launcher.children()
        assert launcher.end(signal.SIGINT) == 0
    wait_until_gone(children)


def test_no_password_or_key_is_in_a_command_line(launch: Launch, home: Path) -> None:
    with launch() as launcher:
        launcher.wait_for(READY)
        lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in launcher.children().values()]
    keys = [path.read_text().strip() for path in (home / "keys").iterdir()]
    assert len(keys) == 6
    assert not [key for key in keys for line in lines if key in line]
    assert not [key for key in keys if key in launcher.output]


def test_only_the_owner_may_read_keys_and_data(launch: Launch, home: Path) -> None:
    with launch() as launcher:
        launcher.wait_for(READY)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (home / "keys").iterdir()} == {0o600}
    assert {stat.S_IMODE((home / name).stat().st_mode) for name in ("keys", "logs", "postgres", "valkey")} == {0o700}


@pytest.mark.parametrize("name", ["executor", "backend", "web", "valkey", "postgres"])
def test_a_killed_child_is_started_again(launch: Launch, name: str) -> None:
    with launch() as launcher:
        launcher.wait_for(READY)
        before = launcher.children()
        os.kill(before[name], signal.SIGKILL)
        assert "starting it again" in launcher.wait_for("was killed by SIGKILL", timeout_s=20)
        launcher.wait_for("is back", timeout_s=60)
        after = launcher.children()
        assert after[name] != before[name]
        others = before.keys() - {name}
        assert {other: after[other] for other in others} == {other: before[other] for other in others}
        assert launcher.end() == 0


def test_kill_9_of_the_launcher_leaves_no_orphan_and_the_next_start_works(launch: Launch) -> None:
    with launch() as launcher:
        launcher.wait_for(READY)
        children = launcher.children()
        launcher.end(signal.SIGKILL)
    with launch() as launcher:  # at once, while PostgreSQL may still be shutting down
        launcher.wait_for(READY)
        wait_until_gone(children)
        assert launcher.end() == 0


def test_a_stale_lock_of_postgres_is_no_obstacle(launch: Launch, home: Path) -> None:
    # A machine that lost power: the number in the file now belongs to somebody else.
    (home / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{home / 'postgres'}\n1\n5432\n\n\n\nready\n")
    with launch() as launcher:
        launcher.wait_for(READY)


def test_a_second_launcher_on_the_same_home_is_refused(launch: Launch, home: Path) -> None:
    with launch() as first:
        first.wait_for(READY)
        with launch(backend_port=ports.free_port()) as second:
            assert second.end(None) == 1
        assert f"already running on {home} (process {first.process.pid})" in second.output
        assert "TRESTLE_HOME" in second.output
        assert len(first.children()) == 5


def test_a_taken_port_is_named_with_its_setting(launch: Launch, listener: int) -> None:
    with launch(backend_port=listener) as launcher:
        assert launcher.end(None) == 1
    assert f"Port {listener} is taken" in launcher.output
    assert "TRESTLE_BACKEND_PORT" in launcher.output
    assert len(launcher.lines) == 1, "one sentence, no traceback"


def test_data_of_another_postgres_major_is_left_alone(launch: Launch, home: Path) -> None:
    version = home / "postgres" / "PG_VERSION"
    version.write_text("13\n")
    with launch() as launcher:
        assert launcher.end(None) == 1
    assert "was written by PostgreSQL 13" in launcher.output
    assert "pg_dumpall" in launcher.output
    assert version.read_text() == "13\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRESTLE_SECRET_KEY", "short"),
        ("TRESTLE_SECRET_KEY", "changeme" * 8),
        ("TRESTLE_EXECUTOR_KEY", "x" * 64),
        ("TRESTLE_ENCRYPTION_KEYS", "not a fernet key"),
        ("TRESTLE_BACKEND_PORT", "http"),
        ("DATABASE_URL", "mysql://somewhere/else"),
    ],
)
def test_a_bad_setting_is_named_and_not_repeated(launch: Launch, name: str, value: str) -> None:
    with launch(env={name: value}) as launcher:
        assert launcher.end(None) == 1
    assert name in launcher.output
    assert len(launcher.lines) == 1
    if "KEY" in name:
        assert value not in launcher.output


def test_lost_keys_are_not_replaced_while_there_is_data(launch: Launch, home: Path) -> None:
    (home / "keys" / "encryption_keys").unlink()
    with launch() as launcher:
        assert launcher.end(None) == 1
    assert "encryption_keys is gone" in launcher.output
    assert not (home / "keys" / "encryption_keys").exists()


def test_a_service_that_cannot_start_is_quoted(launch: Launch, standins: Path) -> None:
    (standins / "backend" / "__main__.py").write_text("raise SystemExit('The frobnicator is missing')\n")
    with launch() as launcher:
        assert launcher.end(None) == 1
    assert "backend does not start: it ended with exit code 1" in launcher.output
    assert "The frobnicator is missing" in launcher.output
    assert "backend.log" in launcher.output


def test_errors_in_a_log_are_shown_and_not_without_end(launch: Launch, standins: Path) -> None:
    (standins / "web" / "__main__.py").write_text(
        "from tests.launcher import standin\n"
        "for number in range(50):\n"
        '    print(f\'{{"level": "error", "event": "It burns", "error": "fire {number}"}}\', flush=True)\n' + _PROGRAMS["web"] + "\n"
    )
    with launch() as launcher:
        launcher.wait_for(READY)
        assert launcher.end() == 0
    assert "web: It burns: fire 0" in launcher.output
    assert launcher.output.count("It burns") == 3
    assert "more of this" in launcher.output


def test_given_servers_are_used_instead(launch: Launch, embedded: servers.Servers, postgres_url: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    with launch(env={"DATABASE_URL": postgres_url, "REDIS_URL": embedded.redis_url}, folder=empty) as launcher:
        launcher.wait_for(READY)
        assert launcher.children().keys() == {"backend", "executor", "web"}
        backend = Path(f"/proc/{launcher.children()['backend']}/environ").read_text()
        executor = Path(f"/proc/{launcher.children()['executor']}/environ").read_text()
        web = Path(f"/proc/{launcher.children()['web']}/environ").read_text()
        assert launcher.end() == 0
    assert f"DATABASE_URL={postgres_url}" in backend
    assert "DATABASE_URL" not in executor + web, "only the backend opens the database"
    assert "REDIS_URL" not in web
    assert "TRESTLE_ENCRYPTION_KEYS" not in executor + web
    assert not (empty / "postgres").exists()
