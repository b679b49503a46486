"""How the services load: quickly, without leaving the garbage collector off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

PROJECT = Path(__file__).parents[2]
KEY = "0123456789abcdefghijklmnopqrstuvwxyz"
ENV = {
    "PATH": os.environ["PATH"],
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "TRESTLE_BACKEND_URL": "http://127.0.0.1:1",
    "TRESTLE_SECRET_KEY": KEY,
    "TRESTLE_EXECUTOR_KEY": KEY[::-1],
    "TRESTLE_WEB_KEY": KEY,
    "TRESTLE_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
}
SAY = "lambda *_, **__: print(gc.isenabled(), gc.get_freeze_count() > 20_000)"
# Each up to the moment in which it would begin to serve.
BACKEND = f"""
import gc, uvicorn
from unittest.mock import AsyncMock, patch
uvicorn.Server.run = {SAY}
from backend.__main__ import run
with patch("backend.tables.wait", AsyncMock()) as wait:
    run()
assert wait.await_count == 1, "it waits for its tables"
"""
EXECUTOR = f"""
import gc
from unittest.mock import patch
with patch("asyncio.run", {SAY}), patch("uvloop.run", {SAY}), patch("executor.process.serve", lambda *_, **__: None):
    from executor.__main__ import run
    run()
"""
WEB = f"import gc, uvicorn\nuvicorn.run = {SAY}\nfrom web.__main__ import main\nmain()"


@pytest.mark.parametrize("code", [BACKEND, EXECUTOR, WEB], ids=["backend", "executor", "web"])
def test_what_was_loaded_is_set_aside_and_the_collector_is_on(code: str, tmp_path: Path) -> None:
    (tmp_path / "dist" / "build" / "client").mkdir(parents=True)
    (tmp_path / "dist" / "stamp").write_text("")
    env = ENV | {"TRESTLE_WEB_BUILD": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=env, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.split()) == (0, ["True", "True"]), ended.stderr
